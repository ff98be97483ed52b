//! The pages of sources: how each stands. Never decides how.

use askama::Template;

use super::{Bar, Day, Feed, Frame, Mark, PollBar, When, charts};
use crate::query::words::folded;

/// A source in the list of sources.
pub struct SourceLine {
    /// Its mark and name.
    pub mark: Mark,
    /// The word `status` prints.
    pub state: &'static str,
    /// Stories with a sighting in it.
    pub entries: u64,
    /// Last poll that was answered well.
    pub last_success: Option<When>,
    /// Not before then.
    pub next: Option<When>,
    /// What went wrong, in words.
    pub error: Option<String>,
}

impl SourceLine {
    /// True where somebody should look: it gives nothing, and not because its server asked us to wait.
    pub fn fails(&self) -> bool {
        matches!(self.state, "failing" | "drifted" | "gone")
    }
}

/// Those that fail first, then by their names as people look for them: case and accents do not matter.
pub fn sorted(mut lines: Vec<SourceLine>) -> Vec<SourceLine> {
    lines.sort_by_cached_key(|line| (!line.fails(), folded(&line.mark.name), line.mark.id.clone()));
    lines
}

/// `/sources`.
#[derive(Template)]
#[template(path = "sources.html")]
pub struct Sources {
    /// Around it.
    pub frame: Frame,
    /// All of them, as [`sorted`] leaves them.
    pub lines: Vec<SourceLine>,
    /// What happens to them, as a feed.
    pub news: Feed,
}

impl Sources {
    /// How many fail.
    pub fn failing(&self) -> usize {
        self.lines.iter().filter(|line| line.fails()).count()
    }
}

/// A change of a source's state.
pub struct Happened {
    /// When the poll found it.
    pub when: When,
    /// In one word.
    pub what: &'static str,
    /// Why; maybe empty.
    pub words: String,
}

/// `/sources/{id}`.
#[derive(Template)]
#[template(path = "source.html")]
pub struct SourcePage {
    /// Around it.
    pub frame: Frame,
    /// Where it stands.
    pub line: SourceLine,
    /// Its address, credentials masked; a link when it is of the web.
    pub url: String,
    /// Its home page.
    pub home: Option<String>,
    /// What is known of it in a word or two.
    pub facts: Vec<(&'static str, String)>,
    /// What takes more words.
    pub told: Vec<(&'static str, String)>,
    /// Read with a reservation.
    pub warnings: Vec<String>,
    /// What happened to it, the newest first.
    pub news: Vec<Happened>,
    /// Its documents here, where the config has it still.
    pub feed: Option<Feed>,
    /// The search for all its entries.
    pub search: String,
    /// Entries per day.
    pub chart: Vec<Bar>,
    /// How its polls ended, per day.
    pub polls: Vec<PollBar>,
    /// What it brought.
    pub days: Vec<Day>,
    /// The page of older entries.
    pub older: Option<String>,
}

impl SourcePage {
    /// The days of the chart of entries, and the highest bar.
    fn chart_told(&self) -> String {
        charts::told(&self.chart)
    }

    /// The days of the chart of polls.
    fn polls_told(&self) -> String {
        charts::polled(&self.polls)
    }
}
