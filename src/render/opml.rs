//! OPML 2.0: what we poll, and what we publish, as lists of subscriptions.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use quick_xml::escape::escape;

use super::shown::{language, one_line, web};

/// One subscription.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    /// Shown name, plain.
    pub title: String,
    /// The document.
    pub xml_url: String,
    /// The page for people.
    pub html_url: Option<String>,
    /// One sentence.
    pub description: String,
    /// BCP 47 code.
    pub language: Option<String>,
    /// Folders it stands in; none: at the top.
    pub groups: Vec<String>,
}

/// The whole list. Folders come in the order of their names, outlines as given; the group `a/b` is a folder in
/// a folder; who is in several groups stands in the first, with all of them named in `category`.
pub fn write(title: &str, outlines: &[Outline]) -> Vec<u8> {
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<opml version=\"2.0\">\n<head>\n<title>{}</title>\n</head>\n<body>\n",
        escape(one_line(title).as_str())
    );
    let mut folders: BTreeMap<Vec<String>, Vec<&Outline>> = BTreeMap::new();
    for outline in outlines {
        let path = outline.groups.first().map(|group| path(group)).unwrap_or_default();
        folders.entry(path).or_default().push(outline);
    }
    let mut open: Vec<String> = Vec::new();
    for (path, members) in folders {
        let common = open.iter().zip(&path).take_while(|(one, two)| one == two).count();
        close(&mut out, &mut open, common);
        for name in path.into_iter().skip(common) {
            let _ = writeln!(out, "<outline text=\"{0}\" title=\"{0}\">", escape(name.as_str()));
            open.push(name);
        }
        for outline in members {
            one(&mut out, outline);
        }
    }
    close(&mut out, &mut open, 0);
    out.push_str("</body>\n</opml>\n");
    out.into_bytes()
}

/// The folders of a group, the outermost first: `a/b` is `b` within `a`.
fn path(group: &str) -> Vec<String> {
    one_line(group).split('/').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Ends the folders that are deeper than this.
fn close(out: &mut String, open: &mut Vec<String>, depth: usize) {
    while open.len() > depth {
        open.pop();
        out.push_str("</outline>\n");
    }
}

fn one(out: &mut String, outline: &Outline) {
    let Some(xml_url) = web(&outline.xml_url) else { return };
    let title = one_line(&outline.title);
    let title = if title.is_empty() { xml_url.clone() } else { title };
    // A comma parts categories, and nothing stands for one in a name: that is told by its folder, or not at all.
    let categories: Vec<_> =
        outline.groups.iter().map(|group| one_line(group)).filter(|group| !group.contains(',')).collect();
    let attributes = [
        ("text", Some(title.clone())),
        ("title", Some(title)),
        ("type", Some("rss".to_owned())),
        ("xmlUrl", Some(xml_url)),
        ("htmlUrl", outline.html_url.as_deref().and_then(web)),
        ("description", Some(one_line(&outline.description)).filter(|text| !text.is_empty())),
        ("language", outline.language.as_deref().and_then(language)),
        ("category", (!categories.is_empty()).then(|| categories.join(","))),
    ];
    out.push_str("<outline");
    for (name, value) in attributes {
        if let Some(value) = value {
            let _ = write!(out, " {name}=\"{}\"", escape(value.as_str()));
        }
    }
    out.push_str("/>\n");
}
