//! Includes, secrets, outputs, places, and how problems are shown.

use super::*;
use crate::model::{Access, HubChoice, SourceId, TitlePrefix};

const ONE: &str = "[[source]]\nurl = \"https://example.org/\"\n";

fn ids(config: &Config) -> Vec<&str> {
    config.sources.iter().map(|s| s.id.as_str()).collect()
}

#[test]
fn includes_are_read_in_order_of_their_names() {
    let main = "include = [\"more.toml\", \"sources.d/*.toml\", \"*.toml\"]\n[[source]]\nurl = 'https://a.example/'\n";
    let dir = dir(&[
        (FILE, main),
        (
            "more.toml",
            "[[source]]\nurl = 'https://b.example/'\nauth = { user = 'u', password = { file = 'pw' } }\n",
        ),
        ("pw", "hush\n"),
        ("sources.d/2.toml", "[[source]]\nurl = 'https://d.example/'\ngroups = ['x']\n"),
        ("sources.d/1.toml", "[[source]]\nurl = 'https://c.example/'\n[[feed]]\ngroups = ['x']\n"),
        ("sources.d/.hidden.toml", "broken"),
        ("sources.d/3.toml~", "broken"),
    ]);
    let config = load_in(dir.path(), &[]).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(ids(&config), ["a-example", "b-example", "c-example", "d-example"]);
    assert_eq!(config.outputs[0].sources, Some(vec![SourceId::new("d-example")]));
    let files: Vec<_> =
        config.files.iter().map(|f| f.strip_prefix(dir.path()).unwrap().to_str().unwrap()).collect();
    assert_eq!(files, [FILE, "sources.d", "", "more.toml", "sources.d/1.toml", "sources.d/2.toml", "pw"]);
}

#[test]
fn included_files_are_checked_too() {
    let lines = said(&[
        (FILE, "include = [\"d/*.toml\", \"nix.toml\"]\n[[source]]\nurl = 'https://a.example/'\n"),
        ("d/1.toml", "[server]\n[[source]]\nurl = 'https://a.example/'\n"),
        ("d/2.toml", "include = ['x']\n[[feed]]\nid = 'f'\nsources = ['a-exampel']"),
    ]);
    let begins = [
        "riverine.toml:1:24: there is no file",
        "d/1.toml:1:2: unknown key \"server\" in an included file",
        "d/1.toml:3:7: two sources have the id \"a-example\"",
        "d/2.toml:1:1: unknown key \"include\" in an included file",
        "d/2.toml:4:12: there is no source \"a-exampel\"; did you mean \"a-example\"?",
    ];
    assert_eq!(lines.len(), begins.len(), "{lines:#?}");
    for (line, begin) in lines.iter().zip(begins) {
        assert!(line.starts_with(begin), "{line}\n{begin}");
    }
}

#[test]
fn secrets_are_found_where_they_are_kept() {
    let text = "[server]\ntoken = { env = 'T' }\nadmin_token = { credential = 'admin' }\n[[source]]\nurl = 'https://a.example/'\nheaders = { X = { file = 'x' } }\n";
    let dir = dir(&[(FILE, text), ("x", "from file\r\n"), ("creds/admin", "from systemd")]);
    let creds = dir.path().join("creds");
    let env = [("T", "from env"), ("CREDENTIALS_DIRECTORY", creds.to_str().unwrap())];
    let config = load_in(dir.path(), &env).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(config.server.token.as_ref().unwrap().expose(), "from env");
    assert_eq!(config.server.admin_token.as_ref().unwrap().expose(), "from systemd");
    assert_eq!(config.sources[0].headers[0].1.expose(), "from file");
    assert!(!format!("{config:?}").contains("from "), "never in Debug");
}

#[test]
fn secrets_that_are_not_there_are_said_in_words() {
    check(
        "[server]\ntoken = { env = 'T' }\nadmin_token = { credential = 'admin' }\n[[source]]\nurl = 'https://a.example/'\nheaders = { A = { file = 'nix' }, B = '', C = 7, D = { fiel = 'x' }, E = { file = 'a', env = 'b' } }\n",
        &[
            "riverine.toml:2:17: the environment has no variable T",
            "riverine.toml:3:30: there are no credentials here",
            "riverine.toml:6:26: cannot read the secret in nix: No such file",
            "riverine.toml:6:39: this secret is empty",
            "riverine.toml:6:47: a secret is a string",
            "riverine.toml:6:63: a secret is a string, { file = … }, { env = … } or { credential = … }; \"fiel\" is none",
            "riverine.toml:6:74: a secret is a string, { file = … }, { env = … } or { credential = … }; exactly one",
        ],
    );
}

#[test]
fn a_config_without_its_credentials_is_good_for_looking_only() {
    let config = good("[server]\nadmin_token = { credential = 'admin' }\n");
    let absent = config.complete().unwrap_err();
    assert!(absent.to_string().contains("LoadCredential=admin"), "{absent}");
    assert!(good("").complete().is_ok());
    assert!(good("[server]\nadmin_token = { credential = 'admin' }\n").sound().is_ok());
    // Of these nobody knows better than who runs the command.
    for secret in ["{ env = 'NOBODY_SETS_THIS' }", "{ file = 'not/here' }"] {
        let config = good(&format!("[server]\ntoken = {secret}\nadmin_token = {{ credential = 'admin' }}\n"));
        assert_eq!(config.clone().complete().unwrap_err().len(), 2, "{secret}");
        assert_eq!(config.sound().unwrap_err().len(), 1, "{secret}");
    }
}

#[test]
fn no_secret_is_ever_shown() {
    let text = r#"
[server]
token = "hush-1
admin_token = "hush-2" oops
toekn = "hush-3"
[[source]]
url = "https://u:hush-4@example.org/?api_key=hush-5&x=1" # wrong
nam = "x"
auth = { user = "u", pasword = "hush-6", x = 1 }
headers = { "X-Any" = "hush-7", "b d" = "hush-8" }
proxy = "http://u:hush-9@proxy.example:99999999"
"#;
    let dir = dir(&[(FILE, text)]);
    let problems = load_in(dir.path(), &[]).unwrap_err();
    for shown in [problems.to_string(), problems.render(true), problems.lines().collect()] {
        assert!(!shown.contains("hush"), "{shown}");
    }
    assert!(problems.len() >= 8, "{problems}");
}

#[test]
fn every_broken_line_is_said_and_nothing_made_up() {
    check(
        "[fetch]\ntimeout = 30s\nper_host = \n[[source]]\nurl = https://example.org/\n[[source]\nurl = 'https://b.example/'\nkind = 'x'\n[[feed]]\nid = \"open\nlimit = 3\nlimit = 4\n",
        &[
            "riverine.toml:2:11: this is not TOML: ",
            "riverine.toml:3:12: this is not TOML: ",
            "riverine.toml:5:7: this is not TOML: ",
            "riverine.toml:6:10: this is not TOML: unclosed array table",
            "riverine.toml:10:11: this is not TOML: invalid basic string",
            "riverine.toml:12:1: this is not TOML: duplicate key",
        ],
    );
}

#[test]
fn problems_are_shown_with_line_and_caret() {
    let dir = dir(&[(FILE, "[[source]]\r\nurl = 'https://a.example/'\r\n\tnmae = 'é'\r\n")]);
    let problems = load_in(dir.path(), &[]).unwrap_err();
    let shown = problems.to_string().replace(&format!("{}/", dir.path().display()), "");
    assert_eq!(
        shown,
        "error: unknown key \"nmae\" in [[source]]
 --> riverine.toml:3:2
  |
3 |     nmae = 'é'
  |     ^^^^
  |
  = help: did you mean name?"
    );
    assert!(problems.render(true).contains("\x1b["));
}

#[test]
fn hints_lead_to_the_right_key() {
    for (text, hint) in [
        ("[[source]]\nurl = 'https://a.example/'\ninterval = '5m'\n", "here it is called schedule"),
        ("[[source]]\nurl = 'https://a.example/'\ntags = ['x']\n", "here it is called groups"),
        ("[sever]\n", "did you mean server?"),
        ("schedule = 'adaptive'\n", "schedule belongs in [defaults]"),
        ("[server]\nretention = '1d'\n", "retention belongs in [store]"),
        ("[source]\nurl = 'https://a.example/'\n", "write [[source]] with two brackets"),
        ("[[server]]\n", "server must be a table, this is a list"),
        ("[store]\nurl = 'postgresql://x'\n", "store.url is not in this version"),
        ("[[source]]\nurl = 'a.example/x'\n", "write it like url = \"https://a.example/x\""),
        ("[[source]]\nurl = 'https://a.example/'\nid = 'My Feed'\n", "write it like id = \"my-feed\""),
        ("[server]\nlisten = '::1:80'\n", "write it like listen = \"[::1]:80\""),
    ] {
        let lines = said(&[(FILE, text)]);
        assert!(lines.iter().any(|l| l.contains(hint)), "{text}\n{lines:#?}\n{hint}");
    }
}

#[test]
fn values_are_looked_at_closely() {
    let source = |rest: &str| format!("[[source]]\nurl = 'https://a.example/'\n{rest}\n");
    for (text, words) in [
        (source("schedule = '61 * * * *'"), "61 is outside 0-59"),
        (source("schedule = 'sometimes'"), "schedule"),
        (source("timezone = 'Europe/Viena'"), "did you mean \"Europe/Vienna\"?"),
        (source("language = 'english'"), "is not a language code"),
        (source("timeout = '0s'"), "timeout must be longer than 0s"),
        ("[dedup]\nwindow = '32d'".to_owned(), "window is at most 31d"),
        (source("timeout = 'soon'"), "is not a duration"),
        (source("max_body = -1"), "max_body must not be negative"),
        (source("max_body = '1TB'"), "is not a size"),
        (source("max_body = '1GiB'"), "at most 128MiB"),
        (source("jitter = nan"), "jitter must be from 0.0 to 1.0"),
        (source("backfill = -1"), "backfill must be from 0 to 100000"),
        (source("groups = ['']"), "the name of a group is empty"),
        (source("groups = 'x'"), "groups must be a list"),
        (source("was = ['A']"), "\"A\" is not an id"),
        (source("was = ['a-example']"), "cannot be a former id"),
        (source("adaptive = { min = '1d', max = '1h' }"), "min (1d) is longer than max (1h)"),
        (source("adaptive = { min = '2d' }"), "min (2d) is longer than max (12h)"),
        (source("headers = { 'a b' = 'x' }"), "is not the name of a header"),
        (source("headers = { If-None-Match = 'x' }"), "is set by riverine itself"),
        (source("headers = { A = \"x\\ny\" }"), "control characters"),
        (source("keep = { title = [''] }"), "an empty pattern matches everything"),
        (source("auth = { user = 'u' }"), "auth has no password"),
        (source("page = { item = 'a@@' }"), "after @ is not the name of an attribute"),
        (source("page = { item = 'a,,b' }"), "is empty"),
        (source("page = { date_format = '%Q' }"), "not a strftime form"),
        (source("kind = 'feed'\npage = { item = 'a' }"), "this source is no page"),
        ("[[source]]\nurl = 'https://u:p@a.example/'\n".to_owned(), "user or password in it"),
        ("[[source]]\nurl = 'https://a.example/\\x'\n".to_owned(), "no backslash"),
        ("[[source]]\nurl = 'https:///x y'\n".to_owned(), "this is not an address"),
        ("[server]\nbase_url = 'https://a.example/?x'\n".to_owned(), "base_url is scheme, host and a path"),
        ("[server]\nlisten = 'localhost:99999'\n".to_owned(), "is not a port"),
        ("[fetch]\nallow_private = ['10.0.0.0/40']\n".to_owned(), "neither a network"),
        ("[fetch]\nca_file = 'nix.pem'\n".to_owned(), "cannot read nix.pem"),
        ("[fetch]\nproxy = 'ftp://a.example'\n".to_owned(), "it must begin with http or https or socks5"),
        ("[dedup]\nignore_title_suffix = ['(']\n".to_owned(), "unclosed group"),
    ] {
        let lines = said(&[(FILE, &text)]);
        assert!(lines.iter().any(|l| l.contains(words)), "{text}\n{lines:#?}\n{words}");
    }
}

#[test]
fn what_is_right_is_let_through() {
    let source = |rest: &str| format!("[[source]]\nurl = 'https://a.example/'\n{rest}\n");
    for text in [
        source("adaptive = { min = '15m' }\nschedule = '@hourly'"),
        source("page = { item = 'li:not(.a, .b)', link = 'a[href*=\"@\"], .x@data-url', title = '@title' }"),
        source("max_body = 1_000"),
        source("jitter = 0"),
        source("language = 'pt-BR'"),
        source("schedule = 'every 1h 30m'"),
        format!("[server]\nlisten = '[::]:0'\n{ONE}"),
        format!("[server]\nlisten = 'feeds.example:80'\n{ONE}"),
        format!("[fetch]\nallow_private = ['10.0.0.0/8', 'fd00::/8', '::1', 'intranet', '127.0.0.1']\n{ONE}"),
        "source = [{ url = 'https://b.example/' }]\n".to_owned(),
        format!("\u{feff}{ONE}"),
    ] {
        assert_eq!(said(&[(FILE, &text)]), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn what_will_not_be_asked_or_not_so_often_is_a_warning() {
    let source = |url: &str, schedule: &str| format!("[[source]]\nurl = '{url}'\nschedule = '{schedule}'\n");
    let private = "riverine.toml:2:7: 192.168.1.7 is not a public address: it will not be asked";
    let inside = source("http://192.168.1.7/feed", "every 10m");
    check(&inside, &[private]);
    check(&(inside + "[fetch]\nallow_private = ['192.168.0.0/16']\n"), &[]);
    check(&source("http://93.184.216.34/feed", "every 5m"), &[]);
    let often = source("https://a.example/feed", "every 1s");
    check(&often, &["riverine.toml:3:12: every 1s is sooner than min_interval: it is polled every 5m"]);
    check(&(often + "[fetch]\nmin_interval = '1s'\n"), &[]);
}

#[test]
fn one_address_twice_is_a_warning() {
    check(
        "[[source]]\nurl = 'https://a.example/x'\n[[source]]\nid = 'b'\nurl = 'HTTPS://A.example:443/x#y'\n",
        &["riverine.toml:5:7: this address stands here twice; one source can be in several groups"],
    );
}

#[test]
fn a_slip_in_a_language_or_a_hub_is_noticed() {
    let feed = |line: &str| format!("{ONE}[[feed]]\nid = 'f'\n{line}\n");
    for (line, said) in [
        ("languages = ['frz']", "riverine.toml:5:13: \"frz\" is none of the common languages"),
        ("drop = { language = ['enn'] }", "riverine.toml:5:21: \"enn\" is none of the common"),
        (
            "hub = 'slef'",
            "riverine.toml:5:7: hub is \"none\", \"self\" or the address of a hub, not \"slef\"",
        ),
        ("hub = 'whatever'", "riverine.toml:5:7: hub is \"none\", \"self\" or the address of a hub"),
        ("hub = 'hub.example/'", "riverine.toml:5:7: an address must begin with https or http"),
        (
            "hub = 'https://u:pw@hub.example/'",
            "riverine.toml:5:7: every reader of the feed is told the hub's address",
        ),
    ] {
        check(&feed(line), &[said]);
    }
    check(&(ONE.to_owned() + "language = 'xyq'\n"), &["riverine.toml:3:12: \"xyq\" is none"]);
    for line in
        ["languages = ['fr', 'gsw', 'yue-HK', 'deu', 'iw']", "hub = 'self'", "hub = 'https://hub.example/'"]
    {
        check(&feed(line), &[]);
    }
}

#[test]
fn outputs_know_their_sources() {
    let config = good(
        r#"
        [server]
        token = "everybody"
        [[source]]
        url = "https://a.example/"
        id = "a"
        groups = ["un", "news"]
        [[source]]
        url = "https://b.example/"
        id = "b"
        [[source]]
        url = "https://c.example/"
        id = "c"
        groups = ["un"]
        [[feed]]
        title = "UN news, in English"
        groups = ["un"]
        sources = ["b", "a"]
        title_prefix = "source"
        token = "mine"
        hub = "self"
        [[feed]]
        languages = ["en", "fr"]
        hub = "https://hub.example/"
        [[feed]]
        query = "migrant OR smuggling"
        "#,
    );
    let [un, language, query, all] = &config.outputs[..] else { panic!("{:?}", config.outputs) };
    assert_eq!((un.id.as_str(), un.title.as_str()), ("un-news-in-english", "UN news, in English"));
    let chosen: Vec<_> = un.sources.iter().flatten().map(SourceId::as_str).collect();
    assert_eq!(chosen, ["a", "b", "c"]);
    assert_eq!((un.title_prefix, &un.hub), (TitlePrefix::Source, &HubChoice::Own));
    assert!(matches!(&un.access, Access::Token(t) if t.expose() == "mine"));
    assert_eq!((language.id.as_str(), language.sources.is_none()), ("en-fr", true));
    assert!(matches!(&language.hub, HubChoice::External(u) if u.as_str() == "https://hub.example/"));
    assert_eq!(query.id, "migrant-or-smuggling");
    assert_eq!((all.id.as_str(), all.title.as_str(), all.sources.is_none()), ("all", "All entries", true));
    assert!(matches!(&all.access, Access::Token(t) if t.expose() == "everybody"));
}

#[test]
fn outputs_that_cannot_be_are_refused() {
    check(
        &format!(
            "{ONE}was = ['old']\ngroups = ['news']\n[[feed]]\nid = 'x'\ngroups = ['newz']\nsources = ['old']\n\
             [[feed]]\nid = 'x'\n[[feed]]\nkeep = {{ title = ['y'] }}\n[[feed]]\nid = '_health'\nlimit = 0\n"
        ),
        &[
            "riverine.toml:7:11: no source is in a group \"newz\"; did you mean \"news\"?",
            "riverine.toml:8:12: there is no source \"old\"; it is called \"example-org\" now",
            "riverine.toml:10:6: two feeds have the id \"x\"",
            "riverine.toml:11:1: this [[feed]] has nothing to make an id from",
            "riverine.toml:14:6: \"_health\" is not an id",
            "riverine.toml:15:9: limit must be from 1 to 10000",
        ],
    );
}

#[test]
fn a_broken_source_is_not_also_called_unknown() {
    check(
        "[[source]]\nid = 'a'\ngroups = ['g']\n[[feed]]\nid = 'f'\nsources = ['a']\ngroups = ['g']\n",
        &["riverine.toml:1:1: this [[source]] has no url"],
    );
}

#[test]
fn addresses_become_ids() {
    for (url, id) in [
        ("https://www.example.org/news", "example-org-news"),
        ("http://EXAMPLE.org", "example-org"),
        ("https://example.org:8443/a/b.xml?x=1&y=z", "example-org-8443-a-b-xml-x-1-y-z"),
        ("https://u:secret@example.org/?api_key=hush&page=2", "example-org-api-key-page-2"),
        ("https://example.org/news#part", "example-org-news"),
        ("https://münchen.example/", "xn-mnchen-3ya-example"),
        (
            "https://example.org/a/very/long/path/that/goes/on/and/on/and/on/until/nobody/reads/it",
            "example-org-a-very-long-path-that-goes-on-and-on-and-on-816a76a8",
        ),
    ] {
        assert_eq!(super::super::ids::from_url(&url.parse().unwrap()), id, "{url}");
    }
}

#[test]
fn the_store_is_where_the_daemon_keeps_it() {
    let dir = dir(&[(FILE, ONE)]);
    let store = |env: &[(&str, &str)]| load_in(dir.path(), env).unwrap().store.path;
    assert_eq!(store(&[]), dir.path().join("riverine.db"));
    assert_eq!(store(&[("STATE_DIRECTORY", "/var/lib/a:/var/lib/b")]), Path::new("/var/lib/a/riverine.db"));
    std::fs::write(dir.path().join(FILE), format!("[store]\npath = '/x/y.db'\n{ONE}")).unwrap();
    assert_eq!(store(&[("STATE_DIRECTORY", "/var/lib/a")]), Path::new("/x/y.db"));
    let place = super::super::rooms::place;
    assert_eq!(
        place(Path::new("r.db"), Path::new("/etc/riverine"), &|_| None),
        Path::new("/var/lib/riverine/r.db")
    );
}

#[test]
fn a_config_that_is_not_there_is_said_with_a_way_to_begin() {
    let none = find_with(Some(Path::new("/nix/riverine.toml")), &|_| None).unwrap_err().to_string();
    assert!(none.contains("there is no config /nix/riverine.toml (named by --config)"), "{none}");
    assert!(none.contains("url = \"https://"), "{none}");
    let env = find_with(None, &|n| (n == "RIVERINE_CONFIG").then(|| "/nix/other.toml".into())).unwrap_err();
    assert!(env.to_string().contains("/nix/other.toml (named by $RIVERINE_CONFIG)"), "{env}");
    let dir = dir(&[(FILE, ONE)]);
    let path = dir.path().join(FILE);
    assert_eq!(find_with(None, &|_| Some(path.clone().into())).unwrap(), path);
    assert!(load_in(&dir.path().join("nix"), &[]).unwrap_err().to_string().contains("cannot read"));
    std::fs::write(&path, b"# \xff\n").unwrap();
    assert!(load_in(dir.path(), &[]).unwrap_err().to_string().contains("is not UTF-8 (line 1)"));
}

#[test]
fn the_schema_knows_every_key() {
    let schema = schema();
    let source = &schema["properties"]["source"]["items"];
    assert_eq!(source["required"], serde_json::json!(["url"]));
    assert_eq!(source["additionalProperties"], false);
    assert_eq!(source["properties"]["kind"]["enum"][2], "page");
    assert_eq!(schema["properties"]["fetch"]["properties"]["timeout"]["default"], "30s");
    assert!(source["properties"]["page"]["properties"]["item"]["description"].is_string());
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(\\[\\[?(source|feed|server|fetch)\\]?\\]|url|token|id|keep|=|\"|'|\\{|\\}|\n|\r\n|é|[ -~]){0,40}") {
        let dir = dir(&[(FILE, &text)]);
        if let Err(problems) = load_in(dir.path(), &[]) {
            proptest::prop_assert!(!problems.to_string().is_empty());
        }
    }
}
