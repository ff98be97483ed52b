//! Every key of the config: its shape, its default, an example and why one would touch it.
//! `check`, `schema` and the test of `example.toml` are all driven by this one table.

mod river;

use river::{DEFAULTS, FEED, SOURCE};

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
        key(
            "websub",
            Shape::Flag,
            "false",
            "true",
            "Subscribe to the hubs that sources name: news comes at once. Needs a public base_url.",
        ),
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
            "Texts of different sources with so many of their words in common are shown as one; 0.0 is off.",
        ),
    ],
};
