//! What is known by its digest, without an index of all digests: every look-up that any test makes is compared with a
//! walk over all sightings; here are histories in which guids, links, titles and times are few, so that they collide.

use proptest::prelude::*;
use rusqlite::{Connection, OptionalExtension, params};

use crate::dedup::{Known, Stood};
use crate::model::{Digest, Entry};
use crate::store::tests::book::{Book, day, entry};
use crate::store::{Options, Sqlite};
use crate::units::Span;

/// The first sighting of a source with this digest.
fn walked(db: &Connection, source: i64, digest: Digest) -> rusqlite::Result<Option<Stood>> {
    let found = db
        .prepare_cached(
            "SELECT walked.number, coalesce(e.merged_into, walked.entry), walked.story, walked.text_key
             FROM sightings walked NOT INDEXED LEFT JOIN entries e ON e.number = walked.entry
             WHERE walked.source = ?1 AND walked.digest = ?2 ORDER BY walked.number LIMIT 1",
        )?
        .query_row(params![source, digest.0], |row| {
            Ok(Stood {
                sighting: row.get(0)?,
                entry: row.get(1)?,
                story: Digest(row.get(2)?),
                text: row.get(3)?,
            })
        });
    found.optional()
}

/// Fails where a digest leads elsewhere than to its first sighting.
pub(in crate::store::sqlite) fn compare(
    db: &Connection,
    source: i64,
    entries: &[Entry],
    known: &Known,
) -> rusqlite::Result<()> {
    for entry in entries {
        let walked = walked(db, source, entry.digest)?;
        if entry.unchanged {
            let mut there = db.prepare_cached("SELECT 1 FROM sightings WHERE number = ?1")?;
            let stood = known.stood.get(&entry.digest).copied();
            // What retention removed meanwhile stands for nothing.
            let stood = match stood {
                Some(stood) if there.exists([stood.sighting])? => Some(stood),
                _ => None,
            };
            // Of several entries that one sighting stands for, it has the digest of the one that was written last.
            if walked.is_some() {
                assert_eq!(stood, walked, "{entry:?}");
            }
        } else {
            let row = walked.map(|stood| stood.sighting);
            assert_eq!(known.by_digest.get(&entry.digest).copied(), row, "{entry:?}");
        }
    }
    Ok(())
}

/// A document of entries that say little, so that others say the same.
fn document() -> impl Strategy<Value = Vec<Entry>> {
    let few = prop::sample::select(vec!["", "", "1", "2", "3"]);
    let item = (few.clone(), few.clone(), few.clone(), few, prop::sample::select(vec![0, 0, 1, 2]));
    let item = item.prop_map(|(guid, link, title, text, at)| {
        let link = match link {
            "" => String::new(),
            "3" => "https://a.example/1#part".to_owned(),
            other => format!("https://a.example/{other}"),
        };
        let at = (at > 0).then(|| day(at));
        let title = if title.is_empty() { String::new() } else { format!("Story {title}") };
        entry(guid, &link, &title, at, text)
    });
    prop::collection::vec(item, 1..7)
}

/// What happens besides polls.
#[derive(Clone, Copy, Debug)]
enum Event {
    Nothing,
    OtherSource,
    OtherFilter,
    OtherReading,
    OtherRules,
    OtherHome,
    Retention,
    Restart,
}

fn event() -> impl Strategy<Value = Event> {
    use Event::{Nothing, OtherFilter, OtherHome, OtherReading, OtherRules, OtherSource, Restart, Retention};
    prop::sample::select(vec![
        Nothing,
        Nothing,
        Nothing,
        OtherSource,
        OtherSource,
        OtherFilter,
        OtherReading,
        OtherRules,
        OtherHome,
        Retention,
        Restart,
    ])
}

fn happens(book: &mut Book, event: Event, entries: &[Entry]) {
    let other = |pattern: &str| regex::Regex::new(pattern).unwrap();
    match event {
        Event::Nothing => {}
        Event::OtherSource => _ = book.poll("b", entries),
        Event::OtherFilter if book.sources[0].drop.title.is_empty() => {
            book.sources[0].drop.title.push(other("[12]$"));
        }
        Event::OtherFilter => book.sources[0].drop.title.clear(),
        Event::OtherReading => book.reading += 1,
        Event::OtherRules if book.rules.suffixes.is_empty() => book.rules.suffixes.push(other(" [12]")),
        Event::OtherRules => book.rules.suffixes.clear(),
        Event::OtherHome if book.home.is_empty() => book.home.push("a.example/1".to_owned()),
        Event::OtherHome => book.home.clear(),
        Event::Retention => {
            let options = Options { retention: Span::secs(7200), ..Options::default() };
            book.now += chrono::TimeDelta::minutes(45);
            book.prune(&options, book.now);
        }
        Event::Restart => book.store = Sqlite::open(&book.path).unwrap(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Nothing is asserted here: every poll compares.
    #[test]
    fn a_digest_leads_to_its_first_sighting(
        documents in prop::collection::vec(document(), 2..5),
        polls in prop::collection::vec((event(), 0usize..5, 0usize..7), 4..14),
    ) {
        let mut book = Book::new(&["a", "b"]);
        for (event, which, without) in polls {
            let mut entries = documents[which % documents.len()].clone();
            happens(&mut book, event, &entries);
            // What is gone may come again.
            if without < entries.len() {
                entries.remove(without);
            }
            book.poll("a", &entries);
        }
    }
}
