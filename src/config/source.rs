//! One `[[source]]` with what it inherits. Never looks at other sources.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::diagnose::{Place, nearest};
use super::walk::Section;
use super::{ids, secret, values};
use crate::fetch;
use crate::language;
use crate::model::{Auth, DedupRule, Filter, FuturePolicy, Kind, PageSelectors, Schedule, Source, SourceId};
use crate::schedule;
use crate::units::{Size, Span};

/// What every source inherits.
pub(super) struct Defaults {
    /// As written: a source may have other bounds for it.
    schedule: String,
    timezone: chrono_tz::Tz,
    jitter: f64,
    adaptive: (Duration, Duration),
    backfill: u32,
    future: FuturePolicy,
    timeout: Span,
    max_body: Size,
    proxy: Option<url::Url>,
    websub: bool,
    min_interval: Duration,
    /// What may be dialled; `None` where that cannot be told.
    guard: Option<fetch::Guard>,
}

/// A source as it was found. What could be read of a broken one is kept,
/// so that nothing else is called unknown because of it.
pub(super) struct Found {
    /// Where its id stands, or its address, or its head.
    pub(super) id_place: Place,
    pub(super) url_place: Place,
    pub(super) id: Option<SourceId>,
    pub(super) was: Vec<(SourceId, Place)>,
    pub(super) groups: Vec<String>,
    pub(super) source: Option<Arc<Source>>,
}

const FUTURES: &[FuturePolicy] = &[FuturePolicy::Clamp, FuturePolicy::Hold, FuturePolicy::Keep];

/// `[defaults]`, beside what a source takes from `[fetch]`.
pub(super) fn defaults(section: &Section<'_, '_>, fetch: &fetch::Options) -> Defaults {
    let adaptive = bounds(section, (Duration::from_mins(5), Duration::from_hours(12)));
    let schedule = section.get("schedule", |spot| {
        let text = spot.text()?;
        schedule::read(text, adaptive).map(|_| text.to_owned()).or_else(|why| spot.wrong(why))
    });
    Defaults {
        schedule: schedule.unwrap_or_else(|| "adaptive".to_owned()),
        timezone: section.get("timezone", values::zone).unwrap_or(chrono_tz::UTC),
        jitter: section.get("jitter", values::share).unwrap_or(0.1),
        adaptive,
        backfill: section.get("backfill", values::whole).unwrap_or(20),
        future: section.get("future", values::one_of(FUTURES)).unwrap_or_default(),
        timeout: fetch.timeout,
        max_body: fetch.max_body,
        proxy: fetch.proxy.as_deref().and_then(|p| url::Url::parse(p).ok()),
        websub: fetch.websub,
        min_interval: fetch.min_interval.0,
        guard: fetch::Guard::new(&fetch.allow_private).ok(),
    }
}

/// The bounds of `adaptive`, each of which may be inherited.
fn bounds(section: &Section<'_, '_>, inherited: (Duration, Duration)) -> (Duration, Duration) {
    let table = section.table("adaptive");
    let min = table.get("min", values::some_span).map_or(inherited.0, |s| s.0);
    let max = table.get("max", values::some_span).map_or(inherited.1, |s| s.0);
    if min <= max {
        return (min, max);
    }
    let words = format!("adaptive: min ({}) is longer than max ({})", Span(min), Span(max));
    table.error(table.header().span, words, Some("set both min and max".to_owned()));
    inherited
}

/// `[[source]]`.
pub(super) fn read(section: &Section<'_, '_>, defaults: &Defaults) -> Found {
    if !section.has("url") {
        let hint = "add url = \"https://…\", the address of the feed or page".to_owned();
        section.error(section.header().span, "this [[source]] has no url".to_owned(), Some(hint));
    }
    let url = section.get("url", values::url);
    let written = section.get("id", values::id);
    let id = match (&written, &url) {
        (Some(id), _) => Some(SourceId::new(id.as_str())),
        (None, Some(url)) if !section.has("id") => Some(SourceId::new(ids::from_url(url))),
        _ => None,
    };
    let was = section.get("was", values::ids).unwrap_or_default();
    let groups: Vec<String> =
        section.get("groups", values::groups).unwrap_or_default().into_iter().map(|(g, _)| g).collect();
    // Read before anything can be missing: every problem is said, whatever else is wrong.
    let source = Draft::read(section, defaults, url.as_ref());
    let place = |span| Place { file: section.header().file, span };
    let was: Vec<_> = was.into_iter().map(|(id, span)| (id, place(span))).collect();
    Found {
        id_place: section.place(if section.has("id") { "id" } else { "url" }),
        url_place: section.place("url"),
        source: match (&id, url) {
            (Some(id), Some(url)) => {
                let former = was.iter().map(|(id, _)| id.clone()).collect();
                Some(Arc::new(source.complete(id.clone(), former, groups.clone(), url)))
            }
            _ => None,
        },
        id,
        was,
        groups,
    }
}

/// What a source has beside its names and its address.
struct Draft {
    name: Option<String>,
    kind: Kind,
    schedule: Schedule,
    timezone: chrono_tz::Tz,
    language: Option<String>,
    enabled: bool,
    dedup: DedupRule,
    headers: Vec<(String, crate::model::Secret)>,
    auth: Option<Auth>,
    full_text: bool,
    keep: Filter,
    drop: Filter,
    limits: Limits,
    future: FuturePolicy,
    backfill: u32,
    jitter: f64,
    page: PageSelectors,
}

/// What a source may set otherwise than `[fetch]`.
struct Limits {
    timeout: Duration,
    max_body: u64,
    proxy: Option<url::Url>,
    websub: bool,
}

const KINDS: &[Kind] = &[Kind::Auto, Kind::Feed, Kind::Page, Kind::Text];
const RULES: &[DedupRule] = &[DedupRule::TimestampTitle, DedupRule::Guid, DedupRule::Link, DedupRule::None];

impl Draft {
    fn read(section: &Section<'_, '_>, defaults: &Defaults, url: Option<&url::Url>) -> Self {
        let kind = section.get("kind", values::one_of(KINDS)).unwrap_or_default();
        let page = page(&section.table("page"));
        warn_of_address(section, defaults, url);
        if section.has("page") && matches!(kind, Kind::Feed | Kind::Text) {
            let hint = "take the selectors out, or write kind = \"page\"".to_owned();
            section.warn("kind", "this source is no page: its selectors are not used".to_owned(), Some(hint));
        }
        Self {
            name: section.get("name", values::line),
            kind,
            schedule: plan(section, defaults),
            timezone: section.get("timezone", values::zone).unwrap_or(defaults.timezone),
            language: section
                .get("language", values::language)
                .inspect(|tag| doubt(section, "language", tag)),
            enabled: section.get("enabled", values::flag).unwrap_or(true),
            dedup: section.get("dedup", values::one_of(RULES)).unwrap_or_default(),
            headers: section.get("headers", values::headers).unwrap_or_default(),
            auth: auth(section, url),
            full_text: section.get("full_text", values::flag).unwrap_or(false),
            keep: filter(&section.table("keep")),
            drop: filter(&section.table("drop")),
            limits: Limits {
                timeout: section.get("timeout", values::some_span).unwrap_or(defaults.timeout).0,
                max_body: section.get("max_body", values::max_body).unwrap_or(defaults.max_body).0,
                proxy: section.get("proxy", values::proxy).or_else(|| defaults.proxy.clone()),
                websub: section.get("websub", values::flag).unwrap_or(defaults.websub),
            },
            future: section.get("future", values::one_of(FUTURES)).unwrap_or(defaults.future),
            backfill: section.get("backfill", values::whole).unwrap_or(defaults.backfill),
            jitter: section.get("jitter", values::share).unwrap_or(defaults.jitter),
            page,
        }
    }

    fn complete(self, id: SourceId, was: Vec<SourceId>, groups: Vec<String>, url: url::Url) -> Source {
        Source {
            id,
            was,
            url,
            name: self.name,
            kind: self.kind,
            groups,
            schedule: self.schedule,
            timezone: self.timezone,
            language: self.language,
            enabled: self.enabled,
            dedup: self.dedup,
            headers: self.headers,
            auth: self.auth,
            full_text: self.full_text,
            keep: self.keep,
            drop: self.drop,
            timeout: self.limits.timeout,
            max_body: self.limits.max_body,
            proxy: self.limits.proxy,
            websub: self.limits.websub,
            future: self.future,
            backfill: self.backfill,
            jitter: self.jitter,
            page: self.page,
        }
    }
}

/// A literal address that is never dialled: a name is judged by what it leads to, when it is asked.
fn warn_of_address(section: &Section<'_, '_>, defaults: &Defaults, url: Option<&url::Url>) {
    let literal = match url.and_then(url::Url::host) {
        Some(url::Host::Ipv4(address)) => IpAddr::V4(address),
        Some(url::Host::Ipv6(address)) => IpAddr::V6(address),
        _ => return,
    };
    if defaults.guard.as_ref().is_some_and(|guard| !guard.permits(literal)) {
        let words = format!("{literal} is not a public address: it will not be asked");
        let hint = format!("[fetch] allow_private = [\"{literal}\"] opens it");
        section.warn("url", words, Some(hint));
    }
}

fn plan(section: &Section<'_, '_>, defaults: &Defaults) -> Schedule {
    let adaptive = bounds(section, defaults.adaptive);
    let own =
        section.get("schedule", |spot| schedule::read(spot.text()?, adaptive).or_else(|why| spot.wrong(why)));
    if let Some(Schedule::Every(gap)) = &own
        && *gap < defaults.min_interval
    {
        let floor = Span(defaults.min_interval);
        let words = format!("every {} is sooner than min_interval: it is polled every {floor}", Span(*gap));
        let hint = format!("write every {floor}, or set [fetch] min_interval");
        section.warn("schedule", words, Some(hint));
    }
    own.or_else(|| schedule::read(&defaults.schedule, adaptive).ok())
        .unwrap_or(Schedule::Adaptive { min: adaptive.0, max: adaptive.1 })
}

fn auth(section: &Section<'_, '_>, url: Option<&url::Url>) -> Option<Auth> {
    let in_url = url.is_some_and(|u| !u.username().is_empty() || u.password().is_some());
    if in_url {
        let hint =
            "auth = { user = \"…\", password = { file = \"…\" } } keeps it out of the config".to_owned();
        section.warn("url", "this address has a user or password in it".to_owned(), Some(hint));
    }
    if !section.has("auth") {
        return None;
    }
    let table = section.table("auth");
    if in_url {
        let words = "a user stands both in the address and in auth".to_owned();
        table.error(table.header().span, words, Some("take it out of the address".to_owned()));
    }
    let user = table.get("user", values::line);
    let password = table.get("password", secret::read);
    for name in ["user", "password"] {
        if !table.has(name) {
            table.error(table.header().span, format!("auth has no {name}"), None);
        }
    }
    Some(Auth { user: user?, password: password? })
}

/// `keep` or `drop`.
pub(super) fn filter(section: &Section<'_, '_>) -> Filter {
    Filter {
        title: section.get("title", values::patterns).unwrap_or_default(),
        category: section.get("category", values::patterns).unwrap_or_default(),
        language: languages(section, "language"),
    }
}

/// Language tags under a key; of those that are hardly a language's it is said so.
pub(super) fn languages(section: &Section<'_, '_>, name: &'static str) -> Vec<String> {
    let languages = section.get(name, values::languages).unwrap_or_default();
    for tag in &languages {
        doubt(section, name, tag);
    }
    languages
}

fn doubt(section: &Section<'_, '_>, name: &'static str, tag: &str) {
    if language::is_common(tag) {
        return;
    }
    let words = format!("{tag:?} is none of the common languages; only entries that say just this have it");
    let near = nearest(tag, language::short_codes());
    section.warn(name, words, near.map(|near| format!("did you mean {near:?}?")));
}

fn page(section: &Section<'_, '_>) -> PageSelectors {
    let selector = |name| section.get(name, values::selector);
    PageSelectors {
        item: selector("item"),
        title: selector("title"),
        link: selector("link"),
        date: selector("date"),
        date_format: section.get("date_format", values::date_format),
        summary: selector("summary"),
        content: selector("content"),
        author: selector("author"),
        image: selector("image"),
        language: selector("language"),
        next: selector("next"),
        pages: section.get("pages", values::whole).unwrap_or(1),
    }
}
