//! Words by which pages name their parts, in class names, addresses and links. Lists only; no reading.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a class name or an id says of its element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Never,
    Beside,
    Pages,
    Paid,
    Title,
    Date,
    Summary,
    Author,
    Icon,
    Side,
    Changed,
    Years,
    Next,
    Elsewhere,
}

impl Mark {
    /// Its bit in a set of them.
    pub(super) fn bit(self) -> u16 {
        1 << (self as u16)
    }
}

/// The marks that a word stands for, as bits.
pub(super) fn marks_of(word: &str) -> u16 {
    BITS.get(word).copied().unwrap_or_default()
}

static BITS: LazyLock<HashMap<&'static str, u16>> = LazyLock::new(|| {
    let mut bits = HashMap::new();
    for (mark, words) in MARKS {
        for word in words {
            *bits.entry(*word).or_default() |= mark.bit();
        }
    }
    bits
});

const MARKS: [(Mark, &[&str]); 14] = [
    (Mark::Never, NEVER),
    (Mark::Beside, BESIDE),
    (Mark::Pages, PAGES),
    (Mark::Paid, PAID),
    (Mark::Title, TITLE),
    (Mark::Date, DATE),
    (Mark::Summary, SUMMARY),
    (Mark::Author, AUTHOR),
    (Mark::Icon, ICON),
    (Mark::Side, SIDE),
    (Mark::Changed, &["updated", "modified"]),
    (Mark::Years, &["year", "years", "month", "months", "day"]),
    (Mark::Next, &["next", "older"]),
    (Mark::Elsewhere, &["category", "tag", "author", "comments", "share", "utility", "icon"]),
];

/// Parts that are never a list of news.
const NEVER: &[&str] = &[
    "nav",
    "navbar",
    "navigation",
    "menu",
    "submenu",
    "megamenu",
    "breadcrumb",
    "breadcrumbs",
    "crumbs",
    "pagination",
    "pager",
    "paginator",
    "paging",
    "comments",
    "comment",
    "commentlist",
    "respond",
    "disqus",
    "tagcloud",
    "tags",
    "taglist",
    "share",
    "sharing",
    "sharedaddy",
    "social",
    "socials",
    "cookie",
    "cookies",
    "consent",
    "login",
    "signin",
    "signup",
    "languages",
    "lang",
    "switcher",
    "langs",
    "toolbar",
    "toc",
    "contentinfo",
    "skip",
    "newsletter",
    "filters",
    "facets",
    "facet",
    "dropdown",
];
/// Parts that hold other lists than the page's own.
const BESIDE: &[&str] = &[
    "sidebar",
    "aside",
    "related",
    "recommended",
    "recommendations",
    "popular",
    "widget",
    "trending",
    "mostread",
    "most",
    "footer",
    "complementary",
    "promo",
    "promos",
    "teasers",
    "partners",
    "sponsors",
    "ads",
    "banner",
    "banners",
    "friends",
    "blogroll",
    "archives",
    "categories",
    "calendar",
    "events",
    "ticker",
    "carousel",
    "rail",
    "secondary",
];
/// Links to other pages of a list.
const PAGES: &[&str] =
    &["pagination", "pager", "paginator", "paging", "page", "pages", "posts", "navigation"];
/// Items that somebody pays for.
const PAID: &[&str] = &[
    "ad",
    "ads",
    "advert",
    "advertisement",
    "advertising",
    "sponsored",
    "sponsor",
    "promoted",
    "adslot",
    "adbox",
];
/// A title.
const TITLE: &[&str] = &["title", "headline", "heading", "subject", "titel", "titre", "caption", "header"];
/// A date.
const DATE: &[&str] = &[
    "date",
    "time",
    "datetime",
    "published",
    "posted",
    "timestamp",
    "pubdate",
    "dateline",
    "day",
    "datum",
    "fecha",
    "data",
    "age",
    "ago",
    "timeago",
    "when",
    "created",
];
/// A short text.
const SUMMARY: &[&str] = &[
    "summary",
    "excerpt",
    "teaser",
    "description",
    "desc",
    "lead",
    "intro",
    "abstract",
    "standfirst",
    "dek",
    "deck",
    "blurb",
    "snippet",
    "subtitle",
    "synopsis",
    "body",
    "content",
    "text",
    "copy",
];
/// An author.
const AUTHOR: &[&str] = &["author", "authors", "byline", "writer", "creator", "submitter", "reporter"];
/// Pictures that are no picture of the story.
const ICON: &[&str] =
    &["avatar", "icon", "logo", "emoji", "gravatar", "pixel", "spacer", "flag", "sprite", "badge", "rating"];
/// Parts of an item that are not its text.
const SIDE: &[&str] = &[
    "meta",
    "metadata",
    "tag",
    "tags",
    "category",
    "categories",
    "topics",
    "topic",
    "label",
    "labels",
    "badge",
    "actions",
    "buttons",
    "share",
    "sharing",
    "social",
    "byline",
    "author",
    "authors",
    "footer",
    "comments",
    "figure",
    "caption",
    "credit",
    "more",
    "readmore",
    "kicker",
    "eyebrow",
    "views",
    "score",
    "likes",
    "duration",
    "status",
];
/// Steps of a path after which one name says which list, not which story (`/tag/boats`).
pub(super) const LISTS: &[&str] = &[
    "tag",
    "category",
    "categories",
    "cat",
    "author",
    "authors",
    "user",
    "users",
    "u",
    "profile",
    "profiles",
    "people",
    "topic",
    "topics",
    "section",
    "sections",
    "label",
    "labels",
    "gallery",
    "newsletter",
    "newsletters",
    "account",
    "member",
    "members",
    "forum",
    "forums",
    "keyword",
    "rubrik",
    "rubrique",
    "thema",
    "tema",
    "categoria",
    "autor",
    "auteur",
];
/// Steps that lead to no story wherever they stand.
pub(super) const NO_STORY: &[&str] = &[
    "tags",
    "login",
    "signin",
    "signup",
    "register",
    "logout",
    "sharer",
    "share",
    "sharer.php",
    "intent",
    "cart",
    "wp-login.php",
];
/// Last steps that lead to a page about the site.
pub(super) const SITE: &[&str] = &[
    "search",
    "about",
    "about-us",
    "contact",
    "contact-us",
    "privacy",
    "imprint",
    "impressum",
    "terms",
    "subscribe",
    "newsletter",
    "edit",
    "home",
    "faq",
    "help",
    "sitemap",
    "careers",
    "jobs",
    "rss",
    "feed",
];
/// Parameters that name a list.
pub(super) const LIST_PARAMETERS: &[&str] = &["cat=", "tag=", "author=", "category=", "s=", "q=", "share="];
/// Fragments of what stands under a story.
pub(super) const UNDER: &[&str] = &["#comment", "#respond", "#disqus", "#share", "#reply", "#reactions"];
/// What links to files say of them.
const FILES: [&str; 12] = ["pdf", "doc", "docx", "xls", "xlsx", "odt", "html", "zip", "kb", "mb", "ko", "mo"];
/// Texts of links that name no story, in small letters.
pub(super) const MORE: &[&str] = &[
    "more",
    "read more",
    "read on",
    "read",
    "continue reading",
    "learn more",
    "see more",
    "view more",
    "full story",
    "read full article",
    "read the full story",
    "details",
    "view",
    "view details",
    "link",
    "permalink",
    "here",
    "share",
    "comments",
    "comment",
    "reply",
    "download",
    "herunterladen",
    "télécharger",
    "descargar",
    "scarica",
    "скачать",
    "pobierz",
    "stáhnout",
    "indir",
    "下载",
    "下載",
    "ダウンロード",
    "다운로드",
    "تحميل",
    "pdf",
    "doc",
    "docx",
    "weiterlesen",
    "mehr",
    "mehr lesen",
    "mehr erfahren",
    "weiter",
    "zum artikel",
    "lire",
    "lire la suite",
    "lire plus",
    "en savoir plus",
    "suite",
    "leer más",
    "leer mas",
    "ver más",
    "más",
    "más información",
    "seguir leyendo",
    "leggi",
    "leggi tutto",
    "continua",
    "continua a leggere",
    "altro",
    "ler mais",
    "leia mais",
    "saiba mais",
    "lees meer",
    "lees verder",
    "meer",
    "подробнее",
    "читать",
    "читать далее",
    "читать дальше",
    "далее",
    "докладніше",
    "детальніше",
    "więcej",
    "czytaj",
    "czytaj więcej",
    "czytaj dalej",
    "více",
    "číst dále",
    "celý článek",
    "devamı",
    "devamını oku",
    "διαβάστε περισσότερα",
    "περισσότερα",
    "tovább",
    "bővebben",
    "続きを読む",
    "もっと見る",
    "詳細",
    "詳しく",
    "더보기",
    "자세히",
    "자세히 보기",
    "更多",
    "阅读更多",
    "查看更多",
    "閱讀更多",
    "详情",
    "查看详情",
    "المزيد",
    "اقرأ المزيد",
    "قراءة المزيد",
    "עוד",
    "קרא עוד",
    "läs mer",
    "læs mere",
    "les mer",
    "lue lisää",
    "»",
    "›",
    "→",
    "...",
    "…",
    "#",
];
/// Words before a name.
pub(super) const BY: &[&str] = &[
    "by",
    "from",
    "von",
    "par",
    "posté par",
    "publié par",
    "écrit par",
    "por",
    "di",
    "da",
    "door",
    "av",
    "af",
    "автор:",
    "posted by",
    "written by",
    "published by",
    "author:",
    "autor:",
    "auteur :",
    "autore:",
    "作者：",
    "文/",
];

/// Whether a link's text names no story.
pub(super) fn is_more(text: &str) -> bool {
    let bare = |text: &str| text.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let text = bare(text);
    if text.is_empty() || MORE.contains(&text.as_str()) {
        return true;
    }
    // "Download (PDF, 80 KB)"
    let Some((first, rest)) = text.split_once(['(', ',', '[', '|', ' ']) else { return false };
    let file = |word: &str| FILES.contains(&word) || word.bytes().all(|byte| byte.is_ascii_digit());
    let mut rest = rest.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    MORE.contains(&bare(first).as_str()) && rest.all(file)
}
