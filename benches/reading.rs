//! How fast documents are read, as a ratio to plain feed-rs 3 on the same bytes in the same run.
//!
//! `cargo bench --bench reading` takes documents generated here; with `RIVERINE_CORPUS` set, its feeds too.
//! Three figures: sniff + read + normalize where every entry is stored already; where every entry is new, but no HTML
//! is cleaned (its texts are taken for plain ones); and with cleaning, against the second plus plain ammonia on the
//! same bodies. CPU time of this thread, best of several rounds.

#![allow(clippy::print_stdout, clippy::cast_precision_loss, reason = "a bench prints ratios")]

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use riverine::link::Secrets;
use riverine::model::{Digest, Kind, PageSelectors, TextKind};
use riverine::normalize::{self, Context};
use riverine::parse::{self, Input};

const ROUNDS: usize = 7;

struct Document {
    bytes: Vec<u8>,
    stored: HashSet<Digest>,
    /// The texts of its entries as they came, for ammonia alone.
    bodies: Vec<String>,
}

fn main() {
    let generated = vec![rss(200, 1500), rss(20, 2500), atom(100, 3000)];
    report("generated feeds", &load(generated));
    if let Some(corpus) = std::env::var_os("RIVERINE_CORPUS") {
        let mut files = Vec::new();
        walk(&Path::new(&corpus).join("feeds"), &mut files);
        let documents = files.iter().filter_map(|file| fs::read(file).ok()).collect();
        report("the corpus, as far as feed-rs reads it", &load(documents));
    } else {
        println!("the corpus of real feeds: left out (RIVERINE_CORPUS is not set)");
    }
}

fn report(what: &str, documents: &[Document]) {
    let bytes: usize = documents.iter().map(|document| document.bytes.len()).sum();
    let reference = best(|| documents.iter().for_each(|document| drop(feed_rs(&document.bytes))));
    let sanitizer = best(|| documents.iter().for_each(|document| clean(&document.bodies)));
    let nothing = HashSet::new();
    let known = best(|| documents.iter().for_each(|document| read(&document.bytes, &document.stored, false)));
    let reading = best(|| documents.iter().for_each(|document| read(&document.bytes, &nothing, true)));
    let cleaning = best(|| documents.iter().for_each(|document| read(&document.bytes, &nothing, false)));
    let rate = |time: Duration| bytes as f64 / 1e6 / time.as_secs_f64();
    println!("{what}: {} documents, {:.1} MB", documents.len(), bytes as f64 / 1e6);
    println!("  feed-rs                        {:7.1} MB/s", rate(reference));
    println!("  feed-rs + ammonia              {:7.1} MB/s", rate(reference + sanitizer));
    let ratio = |time: Duration, to: Duration| time.as_secs_f64() / to.as_secs_f64();
    println!(
        "  riverine, all stored           {:7.1} MB/s   {:.2} x feed-rs (at most 1.5)",
        rate(known),
        ratio(known, reference)
    );
    println!(
        "  riverine, all new, not cleaned {:7.1} MB/s   {:.2} x feed-rs (at most 1.5)",
        rate(reading),
        ratio(reading, reference)
    );
    println!(
        "  riverine, all new, cleaned     {:7.1} MB/s   {:.2} x (not cleaned + ammonia) (at most 1.1)",
        rate(cleaning),
        ratio(cleaning, reading + sanitizer)
    );
}

/// Documents that feed-rs reads, so that both do the same work.
fn load(documents: Vec<Vec<u8>>) -> Vec<Document> {
    documents
        .into_iter()
        .filter_map(|bytes| {
            std::panic::catch_unwind(|| feed_rs(&bytes)).ok()??;
            let parsed = parse(&bytes)?;
            let entries = normalize::normalize(parsed.clone(), &context(&HashSet::new())).entries;
            let stored = entries.iter().map(|entry| entry.digest).collect();
            // The texts that we clean, not only those that feed-rs finds.
            let texts = parsed.entries.iter().flat_map(|entry| [&entry.summary, &entry.content]);
            let bodies = texts.flatten().map(|text| text.value.clone()).collect();
            Some(Document { bytes, stored, bodies })
        })
        .collect()
}

fn feed_rs(bytes: &[u8]) -> Option<feed_rs::model::Feed> {
    feed_rs::parser::Builder::new().sanitize_content(false).build().parse(bytes).ok()
}

fn clean(bodies: &[String]) {
    for body in bodies {
        std::hint::black_box(ammonia::clean(body));
    }
}

fn parse(bytes: &[u8]) -> Option<parse::Parsed> {
    let selectors = PageSelectors::default();
    let input = Input {
        bytes,
        content_type: None,
        content_language: None,
        url: None,
        kind: Kind::Auto,
        selectors: &selectors,
    };
    parse::parse(&input).ok()
}

fn context(stored: &HashSet<Digest>) -> Context<'_> {
    static NONE: LazyLock<Secrets> = LazyLock::new(Secrets::default);
    Context { url: None, secrets: &NONE, timezone: chrono_tz::UTC, language: None, stored }
}

fn read(bytes: &[u8], stored: &HashSet<Digest>, plain: bool) {
    if let Some(mut parsed) = parse(bytes) {
        if plain {
            let texts = parsed.entries.iter_mut().flat_map(|entry| [&mut entry.summary, &mut entry.content]);
            texts.flatten().for_each(|text| text.kind = TextKind::Plain);
        }
        std::hint::black_box(normalize::normalize(parsed, &context(stored)));
    }
}

fn best(mut work: impl FnMut()) -> Duration {
    (0..ROUNDS)
        .map(|_| {
            let start = cpu();
            work();
            cpu().saturating_sub(start)
        })
        .min()
        .unwrap_or_default()
        .max(Duration::from_nanos(1))
}

/// CPU time of this thread; other work on the machine does not count.
fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), nanos)
}

fn walk(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
    files.sort();
}

const WORDS: &str = "The ferry crosses the river at the old mill &amp; the <b>lighthouse</b> keeper \
    <a href=\"/places/mill\">waves</a> back; the water is high, the evening long. ";

fn body(bytes: usize) -> String {
    let mut body = String::new();
    while body.len() < bytes {
        let _ = write!(body, "<p>{WORDS}</p>");
    }
    body
}

fn rss(entries: usize, bytes: usize) -> Vec<u8> {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><rss version=\"2.0\" \
         xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\">\
         <channel><title>Generated</title><link>https://a.example/</link><description>d</description>",
    );
    for number in 0..entries {
        let _ = write!(
            text,
            "<item><title>Story number {number}</title><link>https://a.example/{number}</link>\
             <guid>https://a.example/{number}</guid><pubDate>Mon, 16 Nov 2026 {:02}:{:02}:00 GMT</pubDate>\
             <dc:creator>Ada Marsh</dc:creator><category>Transport</category>\
             <description>A short text about story {number}.</description>\
             <content:encoded><![CDATA[{}]]></content:encoded></item>",
            number / 60 % 24,
            number % 60,
            body(bytes)
        );
    }
    text.push_str("</channel></rss>");
    text.into_bytes()
}

fn atom(entries: usize, bytes: usize) -> Vec<u8> {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><feed xmlns=\"http://www.w3.org/2005/Atom\">\
         <title>Generated</title><id>urn:x:1</id><updated>2026-11-16T00:00:00Z</updated>",
    );
    for number in 0..entries {
        let escaped = riverine::html::escape(&body(bytes));
        let _ = write!(
            text,
            "<entry><title>Story number {number}</title><link href=\"https://a.example/{number}\"/>\
             <id>urn:x:{number}</id><updated>2026-11-16T{:02}:{:02}:00Z</updated>\
             <author><name>Ada Marsh</name></author><content type=\"html\">{escaped}</content></entry>",
            number / 60 % 24,
            number % 60
        );
    }
    text.push_str("</feed>");
    text.into_bytes()
}
