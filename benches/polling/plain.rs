//! The yardsticks: the least that anybody has to do. A loop of nothing but requests on the same client; plain
//! feed-rs and ammonia on the same documents; and an SQLite file with the same tables, indexes, rows and durability,
//! into which everything is written without a look, 64 polls a transaction.

use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use reqwest::header::{ACCEPT_ENCODING, ETAG, HeaderValue, IF_NONE_MATCH};
use rusqlite::{Connection, params};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::documents::Documents;
use crate::{SETTLE, cpu};

const AT_ONCE: usize = 128;
/// Polls in one transaction.
const TOGETHER: usize = 64;

/// Asks for everything once, and throws it away: the CPU time, and the tags.
pub(crate) async fn fetch(urls: &[Url], tags: Option<&[HeaderValue]>) -> (Duration, Vec<HeaderValue>) {
    // The other side has installed it, where there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .no_proxy()
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(2)
        .tls_certs_only([])
        .build()
        .unwrap();
    tokio::time::sleep(SETTLE).await;
    let before = cpu();
    let one = |(number, url): (usize, Url)| {
        let mut request = client.get(url).header(ACCEPT_ENCODING, "gzip, br, zstd");
        if let Some(tag) = tags.and_then(|tags| tags.get(number)) {
            request = request.header(IF_NONE_MATCH, tag.clone());
        }
        // Two threads share the work, as they do in the daemon.
        tokio::spawn(async move {
            let mut response = request.send().await.unwrap();
            assert_eq!(response.status().as_u16() == 304, response.content_length().unwrap_or(0) == 0);
            while let Some(chunk) = response.chunk().await.unwrap() {
                std::hint::black_box(chunk);
            }
            response.headers().get(ETAG).cloned().unwrap_or(HeaderValue::from_static(""))
        })
    };
    let all = urls.iter().cloned().enumerate();
    let tags = stream::iter(all).map(one).buffered(AT_ONCE).map(Result::unwrap).collect::<Vec<_>>().await;
    // To close them is a part of it, as it is in the daemon's round.
    drop(client);
    tokio::time::sleep(SETTLE).await;
    (cpu().saturating_sub(before), tags)
}

/// CPU time of the rest.
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) feed_rs: Duration,
    pub(crate) ammonia: Duration,
    pub(crate) insert: Duration,
    pub(crate) packing: Duration,
    /// Documents that were read so far.
    read: usize,
}

/// Reads the next `count` documents and stores them in the file at `path`; what that costs is added to `parts`.
pub(crate) fn read_and_insert(documents: &Documents, count: usize, path: &Path, parts: &mut Parts) {
    let mut db = bare(path);
    let numbers: Vec<usize> = (parts.read..parts.read + count).collect();
    parts.read += count;
    let mut seen = 0;
    for together in numbers.chunks(TOGETHER) {
        let read: Vec<(usize, Vec<u8>)> = together
            .iter()
            .map(|number| (*number, std::fs::read(documents.path(*number)).unwrap()))
            .collect();
        let feeds: Vec<_> = timed(&mut parts.feed_rs, || {
            let parser = feed_rs::parser::Builder::new().sanitize_content(false).build();
            read.iter().map(|(_, bytes)| parser.parse(bytes.as_slice()).unwrap()).collect()
        });
        let cleaned: Vec<Vec<Row>> = timed(&mut parts.ammonia, || feeds.into_iter().map(rows).collect());
        let packed: Vec<Vec<u8>> = timed(&mut parts.packing, || {
            read.iter().map(|(_, bytes)| zstd::encode_all(bytes.as_slice(), 1).unwrap()).collect()
        });
        timed(&mut parts.insert, || {
            let transaction = db.transaction().unwrap();
            let mut words = Vec::new();
            for (((number, _), rows), packed) in read.iter().zip(&cleaned).zip(&packed) {
                insert(&transaction, *number, rows, packed, &mut words);
            }
            // In the order of the index, which is what costs least.
            words.sort_unstable_by_key(|(place, ..)| *place);
            for (place, title, text) in words {
                let sql = "INSERT INTO words (rowid, title, body) VALUES (?1, ?2, ?3)";
                transaction.prepare_cached(sql).unwrap().execute(params![place, title, text]).unwrap();
            }
            transaction.commit().unwrap();
        });
        seen += cleaned.iter().map(Vec::len).sum::<usize>();
    }
    assert_eq!(seen, count * 20);
}

fn timed<T>(spent: &mut Duration, work: impl FnOnce() -> T) -> T {
    let before = cpu();
    let result = work();
    *spent += cpu().saturating_sub(before);
    result
}

/// The tables and indexes of the store; no triggers.
fn bare(path: &Path) -> Connection {
    let is_new = !path.exists();
    let db = Connection::open(path).unwrap();
    db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).unwrap();
    db.pragma_update(None, "synchronous", "FULL").unwrap();
    // As the store has them: otherwise it costs more.
    db.pragma_update(None, "cache_size", -(16 << 10)).unwrap();
    db.pragma_update(None, "wal_autocheckpoint", 4096).unwrap();
    let tables = [
        include_str!("../../src/store/migrations/1.sql"),
        include_str!("../../src/store/migrations/2.sql"),
        include_str!("../../src/store/migrations/3.sql"),
        "DROP TRIGGER words_of_changed; DROP TRIGGER words_of_gone",
    ];
    for sql in tables.iter().filter(|_| is_new) {
        db.execute_batch(sql).unwrap();
    }
    db.set_prepared_statement_cache_capacity(64);
    db
}

/// What of an entry goes into the store.
struct Row {
    guid: String,
    title: String,
    link: String,
    published: i64,
    summary: String,
    content: String,
    text: String,
}

fn rows(feed: feed_rs::model::Feed) -> Vec<Row> {
    let row = |entry: feed_rs::model::Entry| {
        let summary = ammonia::clean(&entry.summary.unwrap().content);
        let content = ammonia::clean(&entry.content.unwrap().body.unwrap());
        let text = without_tags(&format!("{summary} {content}"));
        Row {
            guid: entry.id,
            title: entry.title.unwrap().content,
            link: entry.links[0].href.clone(),
            published: entry.published.unwrap().timestamp(),
            summary,
            content,
            text,
        }
    };
    feed.entries.into_iter().map(row).collect()
}

fn without_tags(html: &str) -> String {
    let mut inside = false;
    html.chars()
        .filter(|c| {
            inside |= *c == '<';
            let keep = !inside;
            inside &= *c != '>';
            keep
        })
        .collect()
}

fn key(kind: &str, text: &str) -> [u8; 16] {
    let hash = Sha256::new().chain_update(kind).chain_update(text).finalize();
    hash[..16].try_into().unwrap()
}

/// A key that is made of a time, behind its day as the store has it.
fn dated(kind: &str, at: i64, text: &str) -> [u8; 16] {
    let mut key = key(kind, &format!("{at}{text}"));
    key[..2].copy_from_slice(&u16::try_from(at / 86_400).unwrap().to_be_bytes());
    key
}

/// As many rows as a poll of the daemon makes: its source, entries, words, sightings, keys, the body.
fn insert<'a>(
    db: &Connection,
    number: usize,
    rows: &'a [Row],
    packed: &[u8],
    words: &mut Vec<(i64, &'a str, &'a str)>,
) {
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        db.prepare_cached(sql).unwrap().execute(values).unwrap();
        db.last_insert_rowid()
    };
    let state = "x".repeat(1500);
    let source = run(
        "INSERT INTO sources (id, url, rule, configured, state, seen) VALUES (?1, ?1, 'x', 1, ?2, zeroblob(336))",
        params![format!("s{number}"), state],
    );
    for row in rows {
        let id = dated("id", row.published, &row.link);
        let title = i64::from_le_bytes(key("title", &row.title)[..8].try_into().unwrap());
        let entry = run(
            "INSERT INTO entries (id, source, published, updated, first_seen, modified, listed, stated, title_key,
               guid, title, link, stated_published, summary, content, more, digest, substance, reading)
             VALUES (?1, ?2, ?3, ?3, 1, 1, 1, ?3, ?4, ?5, ?6, ?7, ?3, ?8, ?9, '{}', ?1, ?1, 1)",
            params![id, source, row.published, title, row.guid, row.title, row.link, row.summary, row.content],
        );
        words.push((row.published << 30 | entry, &row.title, &row.text));
        let sighting = run(
            "INSERT INTO sightings (source, entry, published, digest, story, title_key, text_key, guid, link, title,
               stated, first_seen, rule) VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?5, ?6, ?7, ?8, ?3, 1, 'first')",
            params![source, entry, row.published, key("digest", &row.link), title, row.guid, row.link, row.title],
        );
        let (guid, link) = (key("guid", &row.guid), key("link", &row.link));
        let (text, story) =
            (dated("body", row.published, &row.text), dated("story", row.published, &row.title));
        let inside = [guid, link, text, story].map(|key| (source, sighting, key));
        for (scope, target, key) in inside.into_iter().chain([(0, entry, story)]) {
            run(
                "INSERT INTO keys (scope, key, target) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                params![scope, key, target],
            );
        }
    }
    run("INSERT INTO bodies (source, fetched, url, body) VALUES (?1, 1, 'x', ?2)", params![source, packed]);
}
