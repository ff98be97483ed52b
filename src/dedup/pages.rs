//! Whose own page is asked for (`full_text`): entries that are new, and those that are known and say that they changed. Pure.
//!
//! A feed may put something into its texts that differs at every poll: a count of comments, a token. That is no word of
//! the article, and nobody's page is fetched for it.

use super::between::AHEAD;
use super::changes::with_stored_article;
use super::substance::substance_since;
use super::{Context, Decision, Intake, Keys, Known, KnownEntry, KnownSighting, SIMILAR};
use crate::model::Entry;

/// So many at most, and one in so many, of the known entries of a document are corrected at once.
const MOST: usize = 5;
const ONE_IN: usize = 4;

/// Whose page is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pages {
    /// For each entry of the document.
    pub wanted: Vec<bool>,
    /// So many differ from before in what more entries differ in than are corrected at once.
    pub passed_over: usize,
}

/// What an entry that is known says anew, the article of its page aside.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Anew {
    /// Nothing that readers would notice.
    Nothing,
    /// Other words.
    Words,
    /// Another title, or another time.
    Told,
}

/// Whose page is asked for. `asked_before`: under the rules in force they have been, so who has no article now has none.
/// Entries come without articles, [`Article::Missing`](crate::model::Article::Missing).
pub fn pages(
    context: &Context<'_>,
    entries: &[Entry],
    (known, intake): (&Known, &Intake),
    asked_before: bool,
) -> Pages {
    let anew: Vec<Anew> = entries
        .iter()
        .zip(intake.decisions.iter().zip(&intake.keys))
        .map(|(entry, (decision, keys))| match own(known, decision) {
            Some((sighting, story)) => anew(context, (entry, keys), sighting, story),
            None => Anew::Nothing,
        })
        .collect();
    let of = |kind: Anew| anew.iter().filter(|anew| **anew == kind).count();
    let is_known = |decision: &&Decision| matches!(decision, Decision::Seen { .. } | Decision::Nothing);
    let all = intake.decisions.iter().filter(is_known).count();
    let (words, told) = (of(Anew::Words), of(Anew::Told));
    let takes_words = words <= (all / ONE_IN).clamp(1, MOST);
    // Some put the time of the request on everything.
    let takes_told = told <= 1 || told < all;
    let wanted = intake.decisions.iter().zip(&anew).map(|(decision, anew)| match decision {
        Decision::New(_) => true,
        // By its article it may be a story of its own.
        Decision::Meets(_, rule) => *rule == SIMILAR,
        Decision::Seen { .. } => own(known, decision).is_some_and(|(_, story)| match anew {
            _ if !asked_before && story.article.is_none() => true,
            Anew::Nothing => false,
            Anew::Words => takes_words,
            Anew::Told => takes_told,
        }),
        _ => false,
    });
    let passed_over = if takes_words { 0 } else { words } + if takes_told { 0 } else { told };
    Pages { wanted: wanted.collect(), passed_over }
}

/// The story that an entry is known to be, where its source's text is the one kept.
fn own<'a>(known: &'a Known, decision: &Decision) -> Option<(&'a KnownSighting, &'a KnownEntry)> {
    let Decision::Seen { sighting, .. } = decision else { return None };
    let sighting = known.sightings.get(sighting)?;
    let story = known.entries.get(&sighting.entry?)?;
    story.own.then_some((sighting, story))
}

fn anew(
    context: &Context<'_>,
    (entry, keys): (&Entry, &Keys),
    sighting: &KnownSighting,
    story: &KnownEntry,
) -> Anew {
    if entry.digest == sighting.digest {
        return Anew::Nothing;
    }
    let updated = entry.updated.is_some_and(|at| at > story.updated && at <= context.now + AHEAD);
    if updated || keys.title != sighting.title_key || keys.stated != sighting.stated {
        return Anew::Told;
    }
    let with_article = with_stored_article(entry, story);
    let entry = with_article.as_deref().unwrap_or(entry);
    // What our own reading changed is not the source's word.
    let is_ours = story.reading != context.reading;
    let same = substance_since(entry, story.link.as_deref()) == story.substance;
    if is_ours || same { Anew::Nothing } else { Anew::Words }
}
