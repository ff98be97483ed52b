//! A store of many entries, made in minutes: rows as the daemon writes them, with keys that no document has.

use std::path::Path;
use std::time::SystemTime;

use riverine::store::Sqlite;
use rusqlite::{Connection, params};

/// Entries in one transaction.
const CHUNK: i64 = 100_000;
/// The time over which entries are spread, in seconds: none is past retention.
const YEAR: i64 = 365 * 86_400;

/// Makes a store with sources `s0`, `s1`, ... and so many entries, an equal share each.
///
/// `numbered`: there are numbers in guids and links.
pub(crate) fn store(path: &Path, sources: i64, entries: i64, numbered: bool) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_secs()).unwrap();
    drop(Sqlite::open(path).unwrap());
    let mut db = Connection::open(path).unwrap();
    let mode: String = db.pragma_update_and_check(None, "journal_mode", "OFF", |row| row.get(0)).unwrap();
    assert_eq!(mode, "off");
    db.pragma_update(None, "synchronous", "OFF").unwrap();
    db.pragma_update(None, "cache_size", -(512 << 10)).unwrap();
    let transaction = db.transaction().unwrap();
    for number in 0..sources {
        let sql = "INSERT INTO sources (number, id, url, rule, configured, stories)
            VALUES (?1, 's' || ?2, 'x', 'timestamp+title', 1, ?3)";
        let mut insert = transaction.prepare_cached(sql).unwrap();
        insert.execute(params![number + 1, number, entries / sources]).unwrap();
    }
    transaction.commit().unwrap();
    for from in (0..entries).step_by(usize::try_from(CHUNK).unwrap()) {
        let to = entries.min(from + CHUNK);
        let transaction = db.transaction().unwrap();
        let address = if numbered { NUMBERED } else { WORDY };
        chunk(&transaction, (from, to), (sources, entries), address, now);
        transaction.commit().unwrap();
    }
    db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).unwrap();
}

/// A place that ascends with `i` up to `?7`, and then once more from the beginning: so trees are filled in their
/// order, which is quick, and their pages end up split and about as full as those of a tree that grew by chance.
const PLACE: &str = "CASE WHEN i < ?7 THEN i * ?5 ELSE (i - ?7) * ?8 END";

/// The key of a guid or a link: two bytes of its number, the rest of chance.
const NUMBERED: &str = "unhex(printf('%04x', i % 65536) || hex(randomblob(14)))";

/// The key of a guid or a link whose only number is that of its host.
const WORDY: &str = "unhex(printf('%04x', i % ?3 % 65536) || hex(randomblob(14)))";

/// A key that is made of a time: two bytes of its day, the rest of chance.
const DATED: &str = "unhex(printf('%04x', CAST(?6 + i * ?4 AS INTEGER) / 86400) || hex(randomblob(14)))";

fn chunk(db: &Connection, (from, to): (i64, i64), (sources, entries): (i64, i64), address: &str, now: i64) {
    // Spread over a year, newest last.
    let step = YEAR as f64 / entries as f64;
    let start = now - YEAR;
    let turn = entries * 3 / 5;
    let (spread, again) = (i64::MAX / turn.max(1), i64::MAX / (entries - turn).max(1));
    let numbers = "WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2 AND min(?3, ?4, ?5, ?6, ?7, ?8) > 0)";
    let run = |sql: &str| {
        db.prepare_cached(sql)
            .unwrap()
            .execute(params![from, to, sources, step, spread, start, turn, again])
            .unwrap();
    };
    let published = "CAST(?6 + i * ?4 AS INTEGER)";
    run(&format!(
        "INSERT INTO entries (number, id, source, published, updated, first_seen, modified, listed, stated, title_key,
           guid, title, link, stated_published, summary, more, digest, substance, reading)
         {numbers} SELECT i + 1, {DATED}, 1 + i % ?3, {published}, {published}, {published}, {published}, 1,
           {published}, {PLACE}, 'https://s' || (i % ?3) || '.example/?p=' || i, 'What happened, number ' || i,
           'https://s' || (i % ?3) || '.example/news/' || i, {published}, '<p>In short, ' || i || '</p>', '{{}}',
           randomblob(16), randomblob(16), 1 FROM n"
    ));
    run(&format!(
        "INSERT INTO sightings (number, source, entry, published, digest, story, title_key, text_key, guid, link,
           title, stated, first_seen, rule, reached)
         {numbers} SELECT i + 1, 1 + i % ?3, i + 1, {published}, randomblob(16), {DATED}, {PLACE}, {PLACE},
           'https://s' || (i % ?3) || '.example/?p=' || i, 'https://s' || (i % ?3) || '.example/news/' || i,
           'What happened, number ' || i, {published}, {published}, 'first', 1 FROM n"
    ));
    // Guid, link, story and text in the source; the story between sources.
    let own = "1 + i % ?3";
    for (scope, key) in [(own, address), (own, address), (own, DATED), (own, DATED), ("0", DATED)] {
        run(&format!("INSERT INTO keys (scope, key, target) {numbers} SELECT {scope}, {key}, i + 1 FROM n"));
    }
    // Places and the word that stands in every entry: store/sqlite/search.rs.
    run(&format!(
        "INSERT INTO words (rowid, title, body)
         {numbers} SELECT (({published} + 2208988800) << 30) | (i + 1), 'what happened number ' || i,
           char(57344) || ' in short ' || i || ' word' || (i % 20011) || ' word' || (i % 401) FROM n"
    ));
}
