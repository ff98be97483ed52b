//! What we poll: one `[[source]]` of the config with its defaults applied.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;
use url::Url;

/// The name of a source in config, addresses and logs: `[a-z0-9][a-z0-9_-]*`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(Arc<str>);

impl SourceId {
    /// Wraps an id. The config checks its form; the store only hands back what it was given.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for SourceId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// A value that must never be printed: `Debug` shows stars.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one place that sends or compares it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How a source's bytes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Kind {
    /// Told by content.
    #[default]
    Auto,
    /// RSS, Atom or JSON Feed.
    Feed,
    /// An HTML page.
    Page,
    /// Plain text whose items are led by a timestamp.
    Text,
}

impl Kind {
    /// The word of the config.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Feed => "feed",
            Self::Page => "page",
            Self::Text => "text",
        }
    }
}

/// When a source is polled, before servers' wishes and back-off.
#[derive(Clone, Debug, PartialEq)]
pub enum Schedule {
    /// Learns the source's rhythm, between these two gaps.
    Adaptive {
        /// Never more often.
        min: Duration,
        /// Never less often.
        max: Duration,
    },
    /// A fixed gap.
    Every(Duration),
    /// Five-field Unix cron, checked when the config was read.
    Cron(String),
}

/// What makes entries of *different* sources the same story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum DedupRule {
    /// Same second, same folded title.
    #[default]
    TimestampTitle,
    /// Same absolute guid.
    Guid,
    /// Same canonical link.
    Link,
    /// Meets nobody.
    None,
}

/// What to do with a date more than ten minutes ahead of now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum FuturePolicy {
    /// Shown as the time first seen.
    #[default]
    Clamp,
    /// Not published until then.
    Hold,
    /// Shown as stated.
    Keep,
}

/// `keep` or `drop`: within a key any pattern, across keys all; an empty key is no condition.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Patterns on the plain title.
    pub title: Vec<Regex>,
    /// Patterns on any category.
    pub category: Vec<Regex>,
    /// Language codes; `en` also matches `en-GB`.
    pub language: Vec<String>,
}

impl Filter {
    /// True when no key has a condition.
    pub fn is_empty(&self) -> bool {
        self.title.is_empty() && self.category.is_empty() && self.language.is_empty()
    }
}

/// `[source.page]`: CSS selectors, each with an optional `@attribute`, several
/// candidates separated by commas. What is `None` is worked out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageSelectors {
    /// One list item.
    pub item: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// Its link (`href` without `@`).
    pub link: Option<String>,
    /// Its date (`datetime` or text without `@`).
    pub date: Option<String>,
    /// strftime form of the date.
    pub date_format: Option<String>,
    /// A short text.
    pub summary: Option<String>,
    /// The whole text.
    pub content: Option<String>,
    /// The author.
    pub author: Option<String>,
    /// An image (`src` without `@`).
    pub image: Option<String>,
    /// The item's own language (`lang` attribute or text).
    pub language: Option<String>,
    /// The link to the next page of the list.
    pub next: Option<String>,
    /// How many pages are read at most; at least 1.
    pub pages: u32,
}

impl PageSelectors {
    /// The keys that are set, in the order of the config.
    pub fn pairs(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("item", &self.item),
            ("title", &self.title),
            ("link", &self.link),
            ("date", &self.date),
            ("date_format", &self.date_format),
            ("summary", &self.summary),
            ("content", &self.content),
            ("author", &self.author),
            ("image", &self.image),
            ("language", &self.language),
            ("next", &self.next),
        ];
        all.into_iter().filter_map(|(key, value)| Some((key, value.as_deref()?))).collect()
    }

    /// As a value of the config, on one line.
    pub fn inline_toml(&self) -> String {
        let pairs = self.pairs().into_iter().map(|(key, value)| format!("{key} = {}", toml_string(value)));
        format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
    }
}

/// A text as TOML writes it: in plain quotes, with what needs it spelled out.
pub fn toml_string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// HTTP basic authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth {
    /// User name.
    pub user: String,
    /// Password.
    pub password: Secret,
}

/// One thing we poll, complete: every default is applied.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name in our world.
    pub id: SourceId,
    /// Former ids whose history it takes over.
    pub was: Vec<SourceId>,
    /// Its address, exactly as configured.
    pub url: Url,
    /// Shown name; default: the feed's own title.
    pub name: Option<String>,
    /// How its bytes are read.
    pub kind: Kind,
    /// Groups it belongs to.
    pub groups: Vec<String>,
    /// When it is polled.
    pub schedule: Schedule,
    /// For timestamps without a zone, and for cron.
    pub timezone: chrono_tz::Tz,
    /// Language of entries that state none.
    pub language: Option<String>,
    /// False: known, never polled.
    pub enabled: bool,
    /// How its entries meet those of others.
    pub dedup: DedupRule,
    /// Request headers, to its own scheme, host and port only.
    pub headers: Vec<(String, Secret)>,
    /// Basic authentication, likewise.
    pub auth: Option<Auth>,
    /// Fetch each entry's page and keep its article.
    pub full_text: bool,
    /// Only entries that match are published.
    pub keep: Filter,
    /// Entries that match are not published; wins over `keep`.
    pub drop: Filter,
    /// One document, redirects included.
    pub timeout: Duration,
    /// Decompressed bytes of one document.
    pub max_body: u64,
    /// Proxy for this source: http, https or socks5.
    pub proxy: Option<Url>,
    /// Subscribe to its hub.
    pub websub: bool,
    /// Dates ahead of now.
    pub future: FuturePolicy,
    /// How many of its first poll's entries enter the current documents.
    pub backfill: u32,
    /// Share of the interval added at random, 0.0 to 1.0.
    pub jitter: f64,
    /// Selectors for a page.
    pub page: PageSelectors,
}

impl Source {
    /// A source of which nothing is configured but its name and address.
    pub fn new(id: SourceId, url: Url) -> Self {
        let (min, max) = (Duration::from_mins(5), Duration::from_hours(12));
        Self {
            id,
            was: Vec::new(),
            url,
            name: None,
            kind: Kind::default(),
            groups: Vec::new(),
            schedule: Schedule::Adaptive { min, max },
            timezone: chrono_tz::UTC,
            language: None,
            enabled: true,
            dedup: DedupRule::default(),
            headers: Vec::new(),
            auth: None,
            full_text: false,
            keep: Filter::default(),
            drop: Filter::default(),
            timeout: Duration::from_secs(30),
            max_body: 16 << 20,
            proxy: None,
            websub: true,
            future: FuturePolicy::default(),
            backfill: 20,
            jitter: 0.1,
            page: PageSelectors { pages: 1, ..PageSelectors::default() },
        }
    }
}
