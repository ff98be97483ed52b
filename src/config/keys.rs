//! Every key of the config: its shape, its default, an example and why one would touch it.
//! `check`, `schema` and the test of `example.toml` are all driven by this one table.

/// What may stand after a key.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// `true` or `false`.
    Flag,
    /// A whole number from the first to the second.
    Whole(u64, u64),
    /// A number from 0.0 to 1.0.
    Share,
    /// A duration.
    Span,
    /// An amount of bytes.
    Size,
    /// A text; the words say of what.
    Text(&'static str),
    /// A list of texts; the words say of what.
    List(&'static str),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A string, `{ file }`, `{ env }` or `{ credential }`.
    Secret,
    /// Names with a secret each.
    Secrets,
    /// A table of its own.
    Table(&'static Table),
    /// Several tables: `[[name]]`.
    Tables(&'static Table),
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    /// As it would be written; empty where there is none.
    pub(super) default: &'static str,
    /// A right value, as it would be written.
    pub(super) example: &'static str,
    pub(super) why: &'static str,
}

/// The keys that belong together.
#[derive(Debug)]
pub(super) struct Table {
    /// As it is written in messages: `[server]`, `[[source]]`, `keep`.
    pub(super) title: &'static str,
    /// Dotted path of its keys: `server`, `source.page`; empty for the file itself.
    pub(super) path: &'static str,
    pub(super) keys: &'static [Key],
}

impl Table {
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|k| k.name == name)
    }
}

/// Keys of the surface that this version does not know yet: refused, never ignored.
pub(super) const NOT_YET: &[&str] = &["store.url"];

/// Words people bring from other programs: (theirs, ours).
pub(super) const ALIASES: &[(&str, &str)] = &[
    ("address", "url"),
    ("category", "groups"),
    ("cron", "schedule"),
    ("folder", "groups"),
    ("href", "url"),
    ("interval", "schedule"),
    ("lang", "language"),
    ("link", "url"),
    ("password", "auth"),
    ("refresh", "schedule"),
    ("tags", "groups"),
    ("title", "name"),
    ("tz", "timezone"),
    ("uri", "url"),
    ("username", "auth"),
    ("user", "auth"),
];

const fn key(
    name: &'static str,
    shape: Shape,
    default: &'static str,
    example: &'static str,
    why: &'static str,
) -> Key {
    Key { name, shape, default, example, why }
}

/// The file itself.
pub(super) static ROOT: Table = Table {
    title: "the config",
    path: "",
    keys: &[
        key(
            "include",
            Shape::List("a file or pattern"),
            "[]",
            "[\"sources.d/*.toml\"]",
            "More [[source]] and [[feed]] tables, in files of their own.",
        ),
        key("server", Shape::Table(&SERVER), "", "", "Where readers find us."),
        key("store", Shape::Table(&STORE), "", "", "What is remembered, and for how long."),
        key("fetch", Shape::Table(&FETCH), "", "", "Manners and limits towards other people's servers."),
        key("dedup", Shape::Table(&DEDUP), "", "", "What counts as the same story."),
        key("defaults", Shape::Table(&DEFAULTS), "", "", "What every [[source]] inherits."),
        key("source", Shape::Tables(&SOURCE), "", "", "Something to poll."),
        key(
            "feed",
            Shape::Tables(&FEED),
            "",
            "",
            "Something to publish; with none, one feed \"all\" of everything.",
        ),
    ],
};

/// An included file.
pub(super) static INCLUDED: Table = Table {
    title: "an included file",
    path: "",
    keys: &[
        key("source", Shape::Tables(&SOURCE), "", "", "Something to poll."),
        key("feed", Shape::Tables(&FEED), "", "", "Something to publish."),
    ],
};

static SERVER: Table = Table {
    title: "[server]",
    path: "server",
    keys: &[
        key(
            "listen",
            Shape::Text("an address"),
            "\"127.0.0.1:7878\"",
            "\"0.0.0.0:7878\"",
            "host:port or unix:/path; a socket passed by systemd wins.",
        ),
        key(
            "base_url",
            Shape::Text("an address"),
            "",
            "\"https://feeds.example.org/\"",
            "Public address, for links to ourselves; default: the listen address, never the Host header.",
        ),
        key(
            "token",
            Shape::Secret,
            "",
            "{ file = \"token\" }",
            "Readers must present it, as ?key= or Bearer; default: everybody may read.",
        ),
        key(
            "admin_token",
            Shape::Secret,
            "",
            "{ credential = \"admin\" }",
            "Opens POST /api/…; default: closed.",
        ),
    ],
};

static STORE: Table = Table {
    title: "[store]",
    path: "store",
    keys: &[
        key("path", Shape::Text("a file name"), "\"riverine.db\"", "\"riverine.db\"", "The SQLite file."),
        key(
            "retention",
            Shape::Span,
            "\"730d\"",
            "\"365d\"",
            "How long an entry stays after we first saw it; what goes never comes back.",
        ),
        key(
            "keep_bodies",
            Shape::Size,
            "\"256KiB\"",
            "\"1MiB\"",
            "The last raw body kept per source, compressed, for replay; 0 keeps none.",
        ),
        key(
            "max_entries_per_source",
            Shape::Whole(1, 10_000_000),
            "10000",
            "10000",
            "So that one source cannot fill the disk.",
        ),
    ],
};

static FETCH: Table = Table {
    title: "[fetch]",
    path: "fetch",
    keys: &[
        key(
            "timeout",
            Shape::Span,
            "\"30s\"",
            "\"30s\"",
            "One document, redirects included; next pages and articles have their own.",
        ),
        key(
            "max_body",
            Shape::Size,
            "\"16MiB\"",
            "\"16MiB\"",
            "Largest document, decompressed; a bigger one is an error.",
        ),
        key("concurrency", Shape::Whole(1, 4096), "128", "32", "Polls at once, all hosts together."),
        key("per_host", Shape::Whole(1, 64), "1", "2", "Requests at once to one host and port."),
        key("per_host_gap", Shape::Span, "\"1s\"", "\"1s\"", "Between two requests to one host."),
        key(
            "min_interval",
            Shape::Span,
            "\"5m\"",
            "\"5m\"",
            "Floor between two polls of one source, whatever its schedule says.",
        ),
        key(
            "backoff_base",
            Shape::Span,
            "\"0s\"",
            "\"10m\"",
            "First delay after a failure; 0s is the source's own interval. Doubles each time.",
        ),
        key(
            "backoff_max",
            Shape::Span,
            "\"6h\"",
            "\"6h\"",
            "Where that doubling ends (or at the interval, whichever is longer).",
        ),
        key("max_hold", Shape::Span, "\"7d\"", "\"7d\"", "The longest that a server may ask us to wait."),
        key(
            "redirect_confirmations",
            Shape::Whole(1, 1000),
            "3",
            "3",
            "A permanent redirect seen this often in a row is remembered.",
        ),
        key(
            "contact",
            Shape::Text("an address"),
            "",
            "\"https://example.org/about-our-bot\"",
            "Goes into the User-Agent, so that people can reach you instead of blocking you.",
        ),
        key(
            "allow_private",
            Shape::List("a CIDR or host name"),
            "[]",
            "[\"10.1.0.0/16\", \"intranet.example\"]",
            "The private addresses that may be asked; no others are.",
        ),
        key(
            "proxy",
            Shape::Text("a proxy address"),
            "",
            "\"http://proxy.example:3128\"",
            "http, https or socks5; environment variables are not obeyed.",
        ),
        key(
            "ca_file",
            Shape::Text("a file name"),
            "",
            "\"/etc/ssl/our-root.pem\"",
            "Further root certificates (PEM), beside those built in.",
        ),
        key("websub", Shape::Flag, "true", "false", "Subscribe to sources' hubs, where base_url is public."),
    ],
};

static DEDUP: Table = Table {
    title: "[dedup]",
    path: "dedup",
    keys: &[
        key(
            "window",
            Shape::Span,
            "\"0s\"",
            "\"10m\"",
            "The same title within this much time is the same story.",
        ),
        key(
            "ignore_title_suffix",
            Shape::List("a regular expression"),
            "[]",
            "[\" - Example News\"]",
            "Cut from the end of titles before they are compared.",
        ),
        key(
            "strict",
            Shape::Flag,
            "false",
            "true",
            "Also inside one document, whatever guids and links say.",
        ),
        key(
            "similar",
            Shape::Share,
            "0.0",
            "0.9",
            "Near-duplicate texts shown as one; 0.0 is off, 0.9 is nearly the same words.",
        ),
    ],
};

const SCHEDULE: Shape = Shape::Text("a schedule");
const SCHEDULE_EXAMPLE: &str = "\"every 30m\"";
const ZONE: Shape = Shape::Text("a time zone");
const FUTURE: Shape = Shape::Choice(&["clamp", "hold", "keep"]);

static DEFAULTS: Table = Table {
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

static SOURCE: Table = Table {
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
        key("websub", Shape::Flag, "", "false", "Default: that of [fetch]."),
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
        key("category", Shape::List("a regular expression"), "[]", "[\"^Politics$\"]", "On any category."),
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

static FEED: Table = Table {
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
