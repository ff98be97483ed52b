//! Remote pictures and players as links: our pages ask nothing of third parties.

use std::fmt::Write as _;

/// Clean HTML with each `img` as a link to it (inside a link: as its words), and without the
/// elements that would load something. Expects what a serializer wrote: quoted attributes,
/// no `>` outside of quotes that is not the end of a tag.
pub fn without_pictures(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    let mut in_link = 0usize;
    while let Some(at) = rest.find('<') {
        let (text, tag) = rest.split_at(at);
        out.push_str(text);
        let end = tag_end(tag);
        let (tag, after) = tag.split_at(end);
        rest = after;
        let name: String = tag
            .trim_start_matches(['<', '/'])
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .flat_map(char::to_lowercase)
            .collect();
        let closing = tag.starts_with("</");
        match name.as_str() {
            "img" => picture(&mut out, tag, in_link > 0),
            "video" | "audio" | "iframe" | "embed" if !closing => player(&mut out, tag, in_link > 0),
            "video" | "audio" | "picture" | "source" | "track" | "iframe" | "embed" | "object" => {}
            "a" => {
                in_link = if closing { in_link.saturating_sub(1) } else { in_link + 1 };
                out.push_str(tag);
            }
            _ => out.push_str(tag),
        }
    }
    out.push_str(rest);
    out
}

/// Where the tag ends, quotes respected; the whole rest when it does not.
fn tag_end(tag: &str) -> usize {
    let mut quote = None;
    for (at, c) in tag.char_indices() {
        match (quote, c) {
            (None, '>') => return at + 1,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
    }
    tag.len()
}

/// The value of an attribute as written, entities and all; only where it is quoted.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = tag;
    while let Some(at) = rest.find(name) {
        let before = rest.get(..at)?.chars().next_back();
        rest = rest.get(at + name.len()..)?;
        if before.is_some_and(char::is_whitespace)
            && let Some(value) = rest.strip_prefix("=\"")
        {
            return value.split('"').next();
        }
    }
    None
}

fn picture(out: &mut String, tag: &str, in_link: bool) {
    let words = attribute(tag, "alt").map(str::trim).filter(|alt| !alt.is_empty());
    link(out, attribute(tag, "src"), words.unwrap_or("picture"), in_link);
}

fn player(out: &mut String, tag: &str, in_link: bool) {
    link(out, attribute(tag, "src"), "media", in_link);
}

fn link(out: &mut String, address: Option<&str>, words: &str, in_link: bool) {
    // Attribute values stay escaped as they were; `<` and `>` may stand bare in them.
    let words = words.replace('<', "&lt;").replace('>', "&gt;");
    match address.filter(|address| address.starts_with("http://") || address.starts_with("https://")) {
        Some(address) if !in_link => {
            let address = address.replace('<', "%3C").replace('>', "%3E");
            let _ = write!(
                out,
                "<a class=\"picture\" rel=\"noopener noreferrer\" href=\"{address}\">{words}</a>"
            );
        }
        _ => {
            let _ = write!(out, "<span class=\"picture\">{words}</span>");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_become_links_and_everything_else_stays() {
        for (given, wanted) in [
            ("<p>a &lt; b</p>", "<p>a &lt; b</p>"),
            (
                "<img src=\"https://a.example/i.png?x=1&amp;y=2\" alt=\"A > B\">",
                "<a class=\"picture\" rel=\"noopener noreferrer\" href=\"https://a.example/i.png?x=1&amp;y=2\">A &gt; B</a>",
            ),
            (
                "<a href=\"https://b.example/\"><img data-src=\"x\" src=\"https://a.example/i.png\"></a>",
                "<a href=\"https://b.example/\"><span class=\"picture\">picture</span></a>",
            ),
            ("<img src=\"javascript:x\" alt=\"\">", "<span class=\"picture\">picture</span>"),
            (
                "<video src=\"https://a.example/v\"><source src=\"y\"></video>!",
                "<a class=\"picture\" rel=\"noopener noreferrer\" href=\"https://a.example/v\">media</a>!",
            ),
            ("a < b", "a < b"),
            ("<p>&lt;img src=\"x\"&gt;</p>", "<p>&lt;img src=\"x\"&gt;</p>"),
            ("<img", "<span class=\"picture\">picture</span>"),
        ] {
            assert_eq!(without_pictures(given), wanted, "{given}");
        }
    }
}
