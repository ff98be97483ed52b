//! The documents that are polled: made from a number each, the same in every run of a month.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use chrono::{TimeDelta, Utc};

const ENTRIES: usize = 20;
/// Bytes of HTML in each entry.
const TEXT: usize = 1560;
/// Words to choose from; a few of them are most of every text, as in real ones.
const VOCABULARY: u64 = 20_000;

/// A directory with a document for each source, named by its number.
pub(crate) struct Documents {
    dir: PathBuf,
    count: usize,
}

impl Documents {
    pub(crate) fn make(dir: &Path, count: usize) -> Self {
        std::fs::create_dir_all(dir).unwrap();
        let documents = Self { dir: dir.to_owned(), count };
        // Yesterday: a server names it as the date of last change.
        let then = SystemTime::now() - Duration::from_hours(24);
        for number in 0..count {
            documents.write(number, 0, then);
        }
        documents
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn bytes(&self) -> u64 {
        (0..self.count).map(|number| std::fs::metadata(self.path(number)).unwrap().len()).sum()
    }

    pub(crate) fn path(&self, number: usize) -> PathBuf {
        self.dir.join(number.to_string())
    }

    /// One of so many documents gets a new entry and loses its oldest, for the `time`th time.
    pub(crate) fn change(&self, of: usize, time: usize) {
        let then = SystemTime::now() - Duration::from_hours(1) + Duration::from_secs(time as u64);
        for number in (0..self.count).step_by(of) {
            self.write(number, time, then);
        }
    }

    fn write(&self, number: usize, shift: usize, modified: SystemTime) {
        let path = self.path(number);
        std::fs::write(&path, document(number, shift)).unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    }
}

/// What is older may be past retention, what is yet to come is held to be no date.
pub(crate) static LAST_MONTH: LazyLock<String> =
    LazyLock::new(|| (Utc::now() - TimeDelta::days(31)).format("%b %Y").to_string());

fn document(number: usize, shift: usize) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><rss version=\"2.0\" \
         xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\">\
         <channel><title>Source {number}</title><link>https://s{number}.example/</link>\
         <description>Made for a measurement</description>"
    );
    for place in (shift..ENTRIES + shift).rev() {
        item(&mut text, number, place);
    }
    text.push_str("</channel></rss>");
    text
}

fn item(text: &mut String, number: usize, place: usize) {
    let mut words = Words((number * 1000 + place) as u64 + 1);
    let title = words.take(8);
    let at = number * 37 + place * 2741;
    let _ = write!(
        text,
        "<item><title>{title}</title><link>https://s{number}.example/news/{place}</link>\
         <guid>https://s{number}.example/?p={place}</guid>\
         <pubDate>{:02} {} {:02}:{:02}:{:02} GMT</pubDate><dc:creator>{}</dc:creator>\
         <category>{}</category><description>{}</description><content:encoded><![CDATA[",
        1 + place / 2,
        *LAST_MONTH,
        at / 3600 % 24,
        at / 60 % 60,
        at % 60,
        words.take(2),
        words.take(1),
        words.take(20)
    );
    let start = text.len();
    while text.len() < start + TEXT {
        let (one, link, strong, last) = (words.take(25), words.take(3), words.take(2), words.take(20));
        let _ = writeln!(
            text,
            "<p>{one} <a href=\"/places/{}\">{link}</a>, <strong>{strong}</strong> &amp; {last}.</p>",
            words.next() % 1000
        );
    }
    text.push_str("]]></content:encoded></item>");
}

/// Words, most often the short and common ones.
struct Words(u64);

impl Words {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn take(&mut self, count: usize) -> String {
        let mut out = String::new();
        for _ in 0..count {
            // The product of two is small more often than not.
            let word = (self.next() % VOCABULARY) * (self.next() % VOCABULARY) / VOCABULARY;
            if !out.is_empty() {
                out.push(' ');
            }
            let mut left = word + 20;
            while left > 0 {
                out.push_str(
                    ["ka", "to", "mi", "re", "su", "no", "la", "ve", "di", "or"][(left % 10) as usize],
                );
                left /= 10;
            }
        }
        out
    }
}
