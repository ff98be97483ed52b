//! The keys of what flows: `[defaults]`, `[[source]]` with its page, `[[feed]]`.
//! Only their table; what the values mean is read in source.rs and output.rs.

use super::{Shape, Table, key};

const SCHEDULE: Shape = Shape::Text("a schedule");
const SCHEDULE_EXAMPLE: &str = "\"every 30m\"";
const ZONE: Shape = Shape::Text("a time zone");
const FUTURE: Shape = Shape::Choice(&["clamp", "hold", "keep"]);

pub(super) static DEFAULTS: Table = Table {
    title: "[defaults]",
    path: "defaults",
    keys: &[
        key(
            "schedule",
            SCHEDULE,
            "\"adaptive\"",
            SCHEDULE_EXAMPLE,
            "adaptive learns each source's rhythm; or cron (\"*/15 * * * *\", \"@hourly\"), or \"every 30m\".",
        ),
        key("timezone", ZONE, "\"UTC\"", "\"Europe/Vienna\"", "For timestamps without a zone, and for cron."),
        key(
            "jitter",
            Shape::Share,
            "0.1",
            "0.1",
            "Share of the interval added at random, so that not all poll at once; cron: at most 5 min.",
        ),
        key(
            "adaptive",
            Shape::Table(&ADAPTIVE),
            "{ min = \"5m\", max = \"12h\" }",
            "{ min = \"5m\", max = \"12h\" }",
            "The bounds of the adaptive schedule.",
        ),
        key(
            "backfill",
            Shape::Whole(0, 100_000),
            "20",
            "20",
            "Of a new source's backlog, so many enter the current documents.",
        ),
        key(
            "future",
            FUTURE,
            "\"clamp\"",
            "\"hold\"",
            "A date ahead of now: clamp shows the time first seen, hold waits, keep believes it.",
        ),
    ],
};

static ADAPTIVE: Table = Table {
    title: "adaptive",
    path: "adaptive",
    keys: &[
        key("min", Shape::Span, "\"5m\"", "\"5m\"", "Never more often."),
        key("max", Shape::Span, "\"12h\"", "\"12h\"", "Never less often."),
    ],
};

pub(super) static SOURCE: Table = Table {
    title: "[[source]]",
    path: "source",
    keys: &[
        key(
            "url",
            Shape::Text("an address"),
            "",
            "\"https://www.example.org/news\"",
            "What to poll; the only key that must be there.",
        ),
        key(
            "id",
            Shape::Text("an id"),
            "",
            "\"example-news\"",
            "Its name in addresses and commands; default: made from host, path and query.",
        ),
        key("was", Shape::List("an id"), "[]", "[\"old-id\"]", "Former ids: their history comes along."),
        key(
            "name",
            Shape::Text("a name"),
            "",
            "\"Example News\"",
            "Shown to readers; default: the feed's own title.",
        ),
        key(
            "kind",
            Shape::Choice(&["auto", "feed", "page", "text"]),
            "\"auto\"",
            "\"page\"",
            "How its bytes are read; auto looks at them.",
        ),
        key("groups", Shape::List("a group"), "[]", "[\"news\", \"un\"]", "What a [[feed]] collects it by."),
        key(
            "schedule",
            SCHEDULE,
            "",
            "\"0 7-19 * * mon-fri\"",
            "When it is polled; default: that of [defaults].",
        ),
        key(
            "timezone",
            ZONE,
            "",
            "\"Europe/Vienna\"",
            "For timestamps without a zone, and for cron; default: that of [defaults].",
        ),
        key(
            "language",
            Shape::Text("a language"),
            "",
            "\"fr\"",
            "Language of entries that state none; default: detected.",
        ),
        key("enabled", Shape::Flag, "true", "false", "false: known, but never polled."),
        key(
            "dedup",
            Shape::Choice(&["timestamp+title", "guid", "link", "none"]),
            "\"timestamp+title\"",
            "\"guid\"",
            "How its entries meet those of other sources.",
        ),
        key(
            "headers",
            Shape::Secrets,
            "{}",
            "{ \"X-Key\" = { env = \"KEY\" } }",
            "Request headers, sent to its own scheme, host and port only.",
        ),
        key(
            "auth",
            Shape::Table(&AUTH),
            "",
            "{ user = \"u\", password = { file = \"password\" } }",
            "HTTP basic authentication, likewise.",
        ),
        key("full_text", Shape::Flag, "false", "true", "Fetch each entry's page and keep its article."),
        key(
            "keep",
            Shape::Table(&FILTER),
            "{}",
            "{ title = [\"(?i)smuggling\"] }",
            "Only entries that match: within a key any pattern, across keys all.",
        ),
        key(
            "drop",
            Shape::Table(&FILTER),
            "{}",
            "{ title = [\"^Sponsored\"] }",
            "No entries that match any of these; wins over keep.",
        ),
        key("timeout", Shape::Span, "", "\"60s\"", "Default: that of [fetch]."),
        key("max_body", Shape::Size, "", "\"32MiB\"", "Default: that of [fetch]."),
        key(
            "proxy",
            Shape::Text("a proxy address"),
            "",
            "\"socks5://127.0.0.1:9050\"",
            "Default: that of [fetch].",
        ),
        key("websub", Shape::Flag, "", "true", "Default: that of [fetch]."),
        key("future", FUTURE, "", "\"hold\"", "Default: that of [defaults]."),
        key("backfill", Shape::Whole(0, 100_000), "", "50", "Default: that of [defaults]."),
        key("jitter", Shape::Share, "", "0.2", "Default: that of [defaults]."),
        key("adaptive", Shape::Table(&ADAPTIVE), "", "{ min = \"15m\" }", "Default: that of [defaults]."),
        key(
            "page",
            Shape::Table(&PAGE),
            "",
            "{ item = \"li.news\" }",
            "How to read an HTML page; what is not given is worked out.",
        ),
    ],
};

static AUTH: Table = Table {
    title: "auth",
    path: "source.auth",
    keys: &[
        key("user", Shape::Text("a user name"), "", "\"u\"", "User name."),
        key("password", Shape::Secret, "", "{ file = \"password\" }", "Password."),
    ],
};

static FILTER: Table = Table {
    title: "keep and drop",
    path: "filter",
    keys: &[
        key("title", Shape::List("a regular expression"), "[]", "[\"(?i)smuggling\"]", "On the plain title."),
        key(
            "category",
            Shape::List("a regular expression"),
            "[]",
            "[\"^Politics$\"]",
            "On any category, by its term or its label.",
        ),
        key("language", Shape::List("a language"), "[]", "[\"en\"]", "en also matches en-GB."),
    ],
};

const SELECTOR: Shape = Shape::Text("a CSS selector");

static PAGE: Table = Table {
    title: "[source.page]",
    path: "source.page",
    keys: &[
        key("item", SELECTOR, "", "\"ul.news > li\"", "One entry of the list."),
        key("title", SELECTOR, "", "\"h3\"", "Its title, looked for inside the item, like all below."),
        key("link", SELECTOR, "", "\"a@href\"", "Its link; href without @."),
        key("date", SELECTOR, "", "\"time@datetime\"", "Its date; datetime or the text without @."),
        key(
            "date_format",
            Shape::Text("a strftime form"),
            "",
            "\"%Y-%m-%d %H:%M:%S%.f\"",
            "How the date is written, where it is ambiguous.",
        ),
        key("summary", SELECTOR, "", "\"p\"", "A short text."),
        key("content", SELECTOR, "", "\".body\"", "The whole text."),
        key("author", SELECTOR, "", "\".by\"", "Who wrote it."),
        key("image", SELECTOR, "", "\"img@src\"", "A picture; src without @."),
        key("language", SELECTOR, "", "\"@lang\"", "The entry's own language."),
        key("next", SELECTOR, "", "\"a.next@href\"", "The link to the next page of the list."),
        key("pages", Shape::Whole(1, 100), "1", "3", "How many pages of the list are read at most."),
    ],
};

pub(super) static FEED: Table = Table {
    title: "[[feed]]",
    path: "feed",
    keys: &[
        key(
            "id",
            Shape::Text("an id"),
            "",
            "\"un-english\"",
            "Its name in addresses; default: made from the title, else from what it selects.",
        ),
        key(
            "title",
            Shape::Text("a title"),
            "",
            "\"UN news, in English\"",
            "Shown to readers; default: the id.",
        ),
        key("groups", Shape::List("a group"), "[]", "[\"un\"]", "Sources of these groups."),
        key(
            "sources",
            Shape::List("an id"),
            "[]",
            "[\"example-news\"]",
            "And these sources; neither groups nor sources is all of them.",
        ),
        key(
            "languages",
            Shape::List("a language"),
            "[]",
            "[\"en\"]",
            "Only these languages; en also means en-GB.",
        ),
        key(
            "keep",
            Shape::Table(&FILTER),
            "{}",
            "{ title = [\"(?i)smuggling\"] }",
            "Only entries that match, as in a source.",
        ),
        key(
            "drop",
            Shape::Table(&FILTER),
            "{}",
            "{ title = [\"^Sponsored\"] }",
            "No entries that match, as in a source.",
        ),
        key("query", Shape::Text("a query"), "", "\"migrant OR smuggling\"", "Full-text condition."),
        key(
            "limit",
            Shape::Whole(1, 10_000),
            "100",
            "50",
            "Entries in the current document; older ones are in its archive.",
        ),
        key(
            "per_source",
            Shape::Whole(0, 10_000),
            "0",
            "5",
            "At most so many of one source in it; 0 is no cap.",
        ),
        key(
            "title_prefix",
            Shape::Choice(&["none", "source"]),
            "\"none\"",
            "\"source\"",
            "source writes \"Example News: …\".",
        ),
        key(
            "token",
            Shape::Secret,
            "",
            "{ file = \"token\" }",
            "For this feed only, instead of the server's.",
        ),
        key(
            "hub",
            Shape::Text("none, self or an address"),
            "\"none\"",
            "\"self\"",
            "A WebSub hub that is told of news: none, self, or a hub's address.",
        ),
    ],
};
