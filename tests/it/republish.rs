//! Every document of a corpus of real feeds and pages, through the real program, in each form: what comes out keeps
//! the musts of the specifications and the rules of the W3C feed validator, errors and warnings, as far as they
//! can be said of our vocabulary; and the three forms hold the same entries.

mod rules;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use quick_xml::escape::escape;
use serde_json::Value;

use crate::app::{App, Daemon, corpus, tool};
use crate::origin::{Origin, Reply};
use rules::Seen;

/// A document, and the type it is served as.
struct Document {
    path: PathBuf,
    content_type: String,
}

fn documents(corpus: &Path) -> Vec<Document> {
    let manifest: Value = serde_json::from_slice(&fs::read(corpus.join("manifest.json")).unwrap()).unwrap();
    let feed = |(name, facts): (&String, &Value)| Document {
        path: corpus.join("feeds").join(name),
        content_type: facts["content_type"].as_str().unwrap_or("application/xml").to_owned(),
    };
    let mut all: Vec<_> = manifest.as_object().unwrap().iter().map(feed).collect();
    let pages = fs::read_dir(corpus.join("pages")).unwrap().map(|page| page.unwrap().path());
    let mut pages: Vec<_> = pages.filter(|path| path.extension().is_some_and(|e| e == "html")).collect();
    pages.sort();
    all.extend(pages.into_iter().map(|path| Document { path, content_type: "text/html".to_owned() }));
    all
}

/// A program that has read all of them, each as a source of its own; nothing is merged.
fn river(documents: &[Document], origin: &Origin) -> App {
    let mut tables = "per_host = 16\n[defaults]\nbackfill = 5000\nschedule = \"every 10h\"\n\
         [[feed]]\nid = \"all\"\ntitle = \"All & everything\"\nlimit = 500\n"
        .to_owned();
    for (n, document) in documents.iter().enumerate() {
        origin.on(&format!("/{n}"), Reply::ok(&document.content_type, fs::read(&document.path).unwrap()));
        let url = origin.url(&format!("/{n}"));
        write!(tables, "[[source]]\nid = \"s{n}\"\nurl = \"{url}\"\ndedup = \"none\"\n").unwrap();
    }
    let app = App::new(&tables);
    // Some are no feeds and fail; that is what they are there for.
    app.run(&["fetch"]);
    app
}

/// What xmllint has to say.
fn ill_formed(document: &[u8]) -> Option<String> {
    use std::io::Write as _;
    let mut xmllint = Command::new("xmllint")
        .args(["--noout", "--nonet", "--pedantic", "--huge", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    xmllint.stdin.take().unwrap().write_all(document).unwrap();
    let output = xmllint.wait_with_output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    (!output.status.success() || !words.is_empty()).then_some(words)
}

/// A document in each form: what is wrong with it, and its entries.
fn check(daemon: &Daemon, stem: &str, what: &str, faults: &mut Vec<String>) -> usize {
    let get = |form: &str| {
        let answer = daemon.get(&format!("/{stem}.{form}"));
        assert_eq!(answer.status, 200, "{stem}.{form}");
        answer
    };
    let (atom, rss, json) = (get("atom"), get("rss"), get("json"));
    let own = format!("https://river.example/{stem}");
    let mut found = Vec::new();
    found.extend(ill_formed(&atom.body));
    found.extend(ill_formed(&rss.body));
    let a = rules::atom(atom.text(), &own, &mut found);
    let r = rules::rss(rss.text(), &own, &mut found);
    let j = rules::json(json.text(), &own, &mut found);
    let spelt = |seen: &Seen| -> Seen {
        seen.iter().cloned().map(|one| (one.0, one.1.replace('\u{2060}', ""), one.2, one.3)).collect()
    };
    if spelt(&a) != spelt(&j) || spelt(&a) != r {
        found.push("the forms hold different entries".to_owned());
    }
    faults.extend(found.into_iter().map(|fault| format!("{stem} ({what}): {fault}")));
    a.len()
}

#[test]
fn whatever_comes_in_goes_out_without_a_warning() {
    let Some(corpus) = corpus().filter(|_| tool("xmllint")) else { return };
    let documents = documents(&corpus);
    let origin = Origin::start();
    let app = river(&documents, &origin);
    let daemon = app.serve();
    let mut faults = Vec::new();
    let (mut entries, mut read) = (0, 0);
    for (n, document) in documents.iter().enumerate() {
        let what = document.path.display().to_string();
        let count = check(&daemon, &format!("sources/s{n}"), &what, &mut faults);
        entries += count;
        read += usize::from(count > 0);
    }
    check(&daemon, "feeds/all", "all of them", &mut faults);
    check(&daemon, "feeds/_health", "the daemon's news", &mut faults);
    let mut archives = 0;
    while daemon.get(&format!("/feeds/all/archive/{}.atom", archives + 1)).status == 200 {
        archives += 1;
        check(&daemon, &format!("feeds/all/archive/{archives}"), "an archive", &mut faults);
    }
    eprintln!("{read} of {} documents have entries, {entries} in all; {archives} archives", documents.len());
    // The others are heads without entries, or are there to fail.
    assert!(read * 10 >= documents.len() * 6, "{read} of {} were read", documents.len());
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// Texts that look like markup or an e-mail in a name, or that are of letters that some take for references.
const DOUBTFUL: [&str; 12] = [
    "AT&T, R&nbsp;D, &#38; and &apos;",
    "&_x; and &x_y",
    "&Ⅷ; and &é;",
    "1 <2 && a <b c",
    "</b> end",
    "John <john@example.org>",
    "<john@example.org>",
    "<script>alert(1)</script>",
    "\u{200b}",
    "tail &",
    "a\u{92}b\u{fffd}",
    "<a",
];
/// Addresses that browsers take, and other programs do not.
const ODD: [&str; 8] = [
    "http://a..b.example/x",
    "http://files.example./x",
    "http://a{b}.example/x",
    "http://x`y.example/x",
    "http://ex_ample.example/x",
    "HTTP://FILES.example:80/%7eü/[1]|2",
    "http://user:p%40ss@files.example/x",
    "magnet:?xt=urn:btih:1",
];
/// E-mails of which some are none.
const MAILS: [&str; 8] =
    ["a@b..org", "a@.org", "a@b.org.", "x@y_z.org", "x@y+z.org", "o'brien@x.org", "a@-b.org", "a@b"];

/// A document of each kind, with everything in it that others write and readers stumble over.
fn doubtful(origin: &Origin) {
    let escaped = |text: &str| escape(text).replace('\u{92}', "&#x92;");
    let (mut items, mut entries) = (String::new(), String::new());
    for n in 0..24 {
        let text = escaped(DOUBTFUL[n % DOUBTFUL.len()]);
        let (link, mail) = (escaped(ODD[n % ODD.len()]), escaped(MAILS[n % MAILS.len()]));
        write!(
            items,
            "<item><guid>{n}</guid><title>{text}</title><link>{link}</link><dc:creator>{text}</dc:creator>\
             <category domain=\"{link}\">{text}</category><description>{text} &lt;ruby&gt;a&lt;rtc&gt;b</description>\
             <content:encoded>&lt;ruby&gt;a&lt;rtc&gt;b&lt;rt&gt;c&lt;/ruby&gt; {text} \
             &lt;a href='http://x.example/5%?%'&gt;d&lt;/a&gt;</content:encoded>\
             <enclosure url=\"{link}.mp3\" length=\"-1\" type=\"audio/mpeg; x\"/><itunes:duration>1:00</itunes:duration>\
             <itunes:image href=\"{link}\"/><itunes:title>{text}</itunes:title></item>"
        )
        .unwrap();
        write!(
            entries,
            "<entry><id>urn:x:{n}</id><title>{text}</title><link href=\"{link}\"/><updated>2026-11-0{}T00:00:00Z</updated>\
             <author><name>{text}</name><email>{mail}</email><uri>{link}</uri></author>\
             <category term=\"{text}\" label=\"{text}!\" scheme=\"{link}\"/>\
             <link rel=\"enclosure\" href=\"{link}\" title=\"{text}\" length=\"x\"/></entry>",
            n % 9 + 1
        )
        .unwrap();
    }
    for (n, mail) in MAILS.iter().enumerate() {
        let head = format!(
            "<title>{0}</title><link>http://files.example/</link><description>{0}</description>\
             <itunes:owner><itunes:name>{0}</itunes:name><itunes:email>{1}</itunes:email></itunes:owner>",
            escaped(DOUBTFUL[n]),
            escaped(mail)
        );
        let rss = format!(
            "<rss version=\"2.0\" xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\" \
             xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
             xmlns:content=\"http://purl.org/rss/1.0/modules/content/\"><channel>{head}{items}</channel></rss>"
        );
        origin.on(&format!("/rss{n}"), Reply::ok("application/rss+xml", rss));
        let atom = format!(
            "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title type=\"text\">{}</title><id>urn:x</id>{entries}</feed>",
            escaped(DOUBTFUL[n])
        );
        origin.on(&format!("/atom{n}"), Reply::ok("application/atom+xml", atom));
    }
}

#[test]
fn what_a_validator_doubts_is_said_so_that_it_need_not() {
    if !tool("xmllint") {
        return;
    }
    let origin = Origin::start();
    doubtful(&origin);
    let mut tables =
        "per_host = 16\n[[feed]]\nid = \"all\"\ntitle = \"R&amp;D <b>\"\nlimit = 10\n".to_owned();
    for n in 0..MAILS.len() {
        for kind in ["rss", "atom"] {
            let url = origin.url(&format!("/{kind}{n}"));
            write!(tables, "[[source]]\nid = \"{kind}{n}\"\nurl = \"{url}\"\n").unwrap();
        }
    }
    let app = App::new(&tables);
    app.run(&["fetch"]);
    let daemon = app.serve();
    let mut faults = Vec::new();
    let (mut entries, mut archives) = (0, 0);
    for n in 0..MAILS.len() {
        for kind in ["rss", "atom"] {
            entries += check(&daemon, &format!("sources/{kind}{n}"), kind, &mut faults);
        }
    }
    check(&daemon, "feeds/all", "all of them", &mut faults);
    while daemon.get(&format!("/feeds/all/archive/{}.atom", archives + 1)).status == 200 {
        archives += 1;
        check(&daemon, &format!("feeds/all/archive/{archives}"), "an archive", &mut faults);
    }
    assert!(entries > 100 && archives > 0, "{entries} entries, {archives} archives");
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
