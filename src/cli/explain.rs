//! `riverine explain`: why an entry is as it is, beside a running daemon. Changes nothing.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use comfy_table::{ContentArrangement, Table, presets};

use super::{FAILED, Global, fit, print};
use crate::link::{self, Secrets};
use crate::model::{Output, Sighting, Source};
use crate::query::Query;
use crate::store::{Absence, Explained, Held, Outputs as _, Sqlite, Stands, Store, StoreError, Told};
use crate::{clock, text};

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Its id, its URL, or words of its title
    #[arg(required = true, num_args = 1..)]
    entry: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// The config's and the store's, in words.
pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let config = global.load()?;
    let what = args.entry.join(" ");
    let now = clock::from_env().map_err(anyhow::Error::msg)?.now();
    let mut store = Sqlite::open_reader(&config.store.path)?;
    let mut explained = store.explain(what.trim())?;
    hide(&mut explained, &config.sources);
    if explained == Explained::default() {
        print::error(format_args!(
            "nothing is on record about \"{}\"; what retention removed is known by its id or its address only",
            text::visible(&what)
        ));
        return Ok(ExitCode::from(FAILED));
    }
    let mut feeds = Vec::new();
    for story in &explained.stories {
        feeds.push(in_feeds(&mut store, &config.outputs, story, now)?);
    }
    print::data(told(&explained, &feeds, now, fit::width()))?;
    if explained.more && !global.quiet {
        print::words(format_args!(
            "there are more than these {}; an id, an address or more words of the title say which is meant",
            explained.stories.len()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// What a source's document says of its entries may hold what opens its address.
fn hide(explained: &mut Explained, sources: &[Arc<Source>]) {
    let of_stories = explained.stories.iter_mut().flat_map(|story| &mut story.sightings);
    for sighting in of_stories.chain(&mut explained.filtered) {
        sighting.guid = sighting.guid.as_deref().map(link::mask);
        if let Some(source) = sources.iter().find(|source| source.id == sighting.source) {
            let secrets = Secrets::of([&source.url]);
            sighting.link = sighting.link.as_deref().map(|link| secrets.hide(link).into_owned());
        }
    }
}

/// Whether each feed of the config has a story, a line for each.
fn in_feeds(
    store: &mut Sqlite,
    outputs: &[Output],
    story: &Told,
    now: DateTime<Utc>,
) -> Result<String, StoreError> {
    let mut lines = String::new();
    for output in outputs {
        let stands = store.stands(output, story, now)?;
        let _ = writeln!(lines, "feed {}: {}", output.id, text::visible(&self::stands(&stands, output)));
    }
    Ok(lines)
}

fn stands(stands: &Stands, output: &Output) -> String {
    match stands {
        Stands::There => "has it".to_owned(),
        Stands::Backlog => "only in its archive: it was backlog when it came".to_owned(),
        Stands::Enough => {
            let cap = output.per_source;
            format!("only in its archive: it has newer ones of this source, and takes {cap} (per_source)")
        }
        Stands::Behind => {
            format!("only in its archive: it has newer ones, and takes {} (limit)", output.limit)
        }
        Stands::Waiting => "not yet: it is held until its date".to_owned(),
        Stands::Nowhere(absences) => {
            let why = absences.iter().map(|absence| self::absence(absence, output)).collect::<Vec<_>>();
            format!("no: {}", why.join("; "))
        }
    }
}

fn absence(absence: &Absence, output: &Output) -> String {
    match absence {
        Absence::Sources => "none of its sources has it".to_owned(),
        Absence::Language(language) => {
            let own = language.as_deref().map_or("none that is known".to_owned(), |own| format!("{own:?}"));
            format!("its language is {own}, not {}", output.languages.join(" or "))
        }
        Absence::Filter(words) => words.clone(),
        Absence::Query => {
            let query = output.query.as_ref().map_or("", Query::as_str);
            format!("query {query:?} does not find it")
        }
    }
}

fn told(explained: &Explained, feeds: &[String], now: DateTime<Utc>, width: Option<usize>) -> String {
    let mut out = String::new();
    for (story, feeds) in explained.stories.iter().zip(feeds) {
        self::story(&mut out, story, now, width);
        let _ = writeln!(out, "{feeds}");
    }
    if !explained.filtered.is_empty() {
        let _ = writeln!(
            out,
            "held back by a filter, and so in no feed:\n{}\n",
            sightings(&explained.filtered, width)
        );
    }
    for (source, when) in &explained.pruned {
        let whose = source.as_ref().map_or(String::new(), |source| format!(" of {source}"));
        let when = when.map_or(String::new(), |when| format!(" on {}", time(when)));
        let _ = writeln!(out, "an entry{whose} was removed by retention{when}; it does not come back");
    }
    fit::wrapped(&out, width)
}

fn story(out: &mut String, told: &Told, now: DateTime<Utc>, width: Option<usize>) {
    let published = &told.published;
    let title = if published.entry.title.is_empty() { "(no title)" } else { &published.entry.title };
    let _ = writeln!(out, "{}\n{}", text::visible(title), published.id.urn());
    let _ = writeln!(
        out,
        "dated {}, first seen {}; the text is that of {}",
        time(published.published),
        time(published.first_seen),
        text::visible(published.source.as_str())
    );
    if published.updated > published.published {
        let _ = writeln!(out, "changed {}", time(published.updated));
    }
    match told.held {
        Held::No => {}
        Held::Archived => out.push_str("only in the archive: it was backlog when it came\n"),
        Held::Until(until) => {
            let was = if until > now { "" } else { "was " };
            let _ = writeln!(out, "{was}held until its date, {}", time(until));
        }
    }
    for merged in &told.merged {
        let _ = writeln!(out, "{merged} leads here: a correction made it the same story");
    }
    let _ = writeln!(out, "{}", sightings(&told.sightings, width));
}

/// What a record is called, and what it says.
const HEADER: [&str; 7] = ["source", "rule", "title", "time", "guid", "link", "seen"];

fn row(sighting: &Sighting) -> [String; 7] {
    let said = |value: &Option<String>| value.as_deref().map_or("–".to_owned(), text::visible);
    [
        text::visible(sighting.source.as_str()),
        text::visible(&sighting.rule),
        text::visible(&sighting.title),
        sighting.stated.map_or("–".to_owned(), time),
        said(&sighting.guid),
        said(&sighting.link),
        time(sighting.first_seen),
    ]
}

/// Every sighting with what its source said, so that they can be compared: side by side, or, where a terminal has no
/// room for that, below each other.
fn sightings(sightings: &[Sighting], width: Option<usize>) -> String {
    let rows: Vec<_> = sightings.iter().map(row).collect();
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(HEADER);
    table.add_rows(rows.iter());
    let table = table.to_string();
    if width.is_none_or(|width| table.lines().next().is_none_or(|line| line.chars().count() <= width)) {
        return table;
    }
    let mut out = String::new();
    for row in &rows {
        for (name, said) in HEADER.iter().zip(row) {
            let indent = if *name == "source" { "" } else { "  " };
            let _ = writeln!(out, "{indent}{name:<8}{said}");
        }
    }
    out.truncate(out.trim_end().len());
    out
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}
