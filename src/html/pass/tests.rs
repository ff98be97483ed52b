//! The pass and the tree make the same of everything that the pass takes.

use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use url::Url;

mod corpus;
mod texts;

use super::super::clean::{ALLOWED, BASE, Cleaner, builder, has_other_tags, resolve};
use super::super::too_much;
use super::rules::{Kind, rules};
use super::{Pass, attributes::is_plainly_absolute};
use texts::{nested, soup, table};

fn base() -> Url {
    Url::parse("https://a.example/b/c?d").unwrap()
}

/// Whether the pass took it; it never makes anything else than the tree.
#[track_caller]
fn same(html: &str, base: Option<&Url>) -> bool {
    let cleaner = Cleaner::new(base);
    assert_eq!(cleaner.clean(html), cleaner.clean_by_tree(html), "{html:?}");
    let Some(cleaned) = super::clean(html, base) else { return false };
    BASE.set(base.cloned());
    assert_eq!(cleaned.html, ALLOWED.clean(html).to_string(), "{html:?}");
    assert_eq!(cleaned.others, has_other_tags(html), "{html:?}");
    assert!(!too_much(html), "{html:?}");
    true
}

/// Where the pass gave up, for whoever makes it take more.
fn gives_up(html: &str) -> String {
    let mut pass = Pass::new(html, None);
    assert!(pass.run().is_none());
    let from = html.floor_char_boundary(pass.at.saturating_sub(30));
    let to = html.floor_char_boundary(pass.at + 30);
    let open: Vec<_> = pass.open.iter().map(|element| element.name).collect();
    format!("{:?} | {:?} in {}", html.get(from..pass.at), html.get(pass.at..to), open.join(">"))
}

#[track_caller]
fn taken(html: &str) {
    assert!(same(html, Some(&base())), "{}", gives_up(html));
}

#[track_caller]
fn left(html: &str) {
    assert!(!same(html, Some(&base())), "{html:?}");
}

/// All that is asked of the sanitizer is in [`rules`]. What else it can do must not be asked of it.
#[test]
fn the_sanitizer_is_set_up_as_the_pass_takes_it_to_be() {
    let allowed = builder();
    assert!(
        allowed.clone_allowed_classes().is_empty() && allowed.clone_generic_attribute_prefixes().is_none()
    );
    assert!(
        allowed.clone_tag_attribute_values().is_empty()
            && allowed.clone_set_tag_attribute_values().is_empty()
    );
    assert!(allowed.get_link_rel().is_none() && allowed.will_strip_comments());
    // These hold links, too, and would be looked at.
    for name in ["xlink:href", "action", "data", "formaction", "ping", "poster", "style", "id"] {
        assert!(!rules().attributes.contains_key(name), "{name}");
    }
    for (name, attributes) in allowed.clone_tag_attributes() {
        let known = rules().elements.get(name).is_some_and(|element| element.kept);
        assert!(
            known || !allowed.clone_tags().contains(name) || ["col", "colgroup"].contains(&name),
            "{attributes:?}"
        );
    }
}

#[test]
fn every_element_and_attribute_is_taken() {
    for element in rules().elements.values() {
        let name = element.name;
        let around = match element.kind {
            Kind::Group | Kind::Row | Kind::Cell => ("<table>", "</table>"),
            _ => ("<div>a", "b</div>"),
        };
        let all: String = rules().attributes.keys().map(|name| format!(" {name}=/c.d?e")).collect();
        let inner = match element.kind {
            Kind::Table | Kind::Group => "<tr><td>x</td></tr>",
            Kind::Row => "<td>x</td>",
            _ => "x",
        };
        if around.0 != "<table>" {
            left(&format!("<table><{name}/>x"));
        }
        for attributes in ["", &all] {
            let end = if matches!(element.kind, Kind::Void | Kind::Rule) {
                String::new()
            } else {
                format!("</{name}>")
            };
            taken(&format!("{}<{name}{attributes}>{inner}{end}{}", around.0, around.1));
        }
    }
}

#[test]
fn what_feeds_have_is_taken() {
    for html in [
        "<p>One &amp; two &#8217;s <A HREF='/x?a=1&amp;b=2&c=3'>link</A>&nbsp;&eacute; \u{A0}\u{C4} &quot; a > b</p>\r\n",
        "<a href=\"http://b.example/?x=1&copy=2&lt=3&notit;&y\">AT&T, R&D & more&amp;</a>",
        "<img src=a.png alt=\"A &quot;b&quot; 'c' > d\" width=1 /><br/><hr><p>open <b>end",
        "<p>one<p>two<div>three</p>four</div></div><ul><li>a<li>b<ul><li>c</ul></ul>",
        "<dl><dt>a<dd>b<dt>c</dl><h2>d</h3><p><span>e</p></span></b></a></li></img>",
        "<!-- c --><pre>\n\n a</pre><pre>\r\nb</pre><pre>&lt;c</pre>1 < 2 <3",
        "<table border=0>\n<tr><td>a<td><p>b<tr><th>c</table>",
        "<table><thead><tr><td>a</thead><tbody></tbody></table><table><tr><td><table><td>b</table></table>",
        "<a href='javascript:x'>a</a><a href='x y' href=z>b</a><img src='data:x' alt=c><img src='//i.example/1.png'>",
        "<script>x = 1</script><style>a{}</style><iframe src=x></iframe>",
        "<font color=red>a<o:p></o:p></font><h1><font><section>a</section></font></h1>",
        "<b><b><b>x</b></b></b><i><br></i>",
    ] {
        taken(html);
    }
}

#[test]
fn what_is_not_plain_is_left_to_the_tree() {
    for html in [
        // The adoption agency, and formatting that goes on.
        "<b><p>a</b>b</p>",
        "<p><b>a</p>b",
        "<i><b>a</i>b</b>",
        "<a href=1>a<a href=2>b",
        "<b><b><b><b>a",
        "<h1><h2>a",
        // What moves before the table.
        "<table>a",
        "<table><tr>&nbsp;<td>",
        "<table><br>",
        "<table><caption>a",
        // References without an end, or that are no letters.
        "<b>&copy a",
        "<b>&copyright;",
        "<b>&#0;&#x110000;",
        "<a href='?a&copy'>",
        // Other content models.
        "<svg><p>a",
        "<math><mi>a",
        "<select><option>a",
        "<textarea><p>",
        "<template><td>",
        "<title><b>",
        "<noscript><p>a",
        "<plaintext><b>",
        "<form><p>",
        "<object><p>",
        // Tags that are not what they seem.
        "<b",
        "<b a",
        "<b a='",
        "<b a='<i>'>",
        "<b a=x'y>",
        "<b/x>a",
        "<b\u{c}>a",
        "<b \"a>",
        "</b a>",
        "</>a",
        "<?x>a",
        "<!x>a",
        "<!-->a-->",
        "<!--->a-->",
        "<!--a--!>b-->",
        "<!-- <b> -->",
        "<x-y>a",
        "<bé>a",
        "<b>\0",
        "\u{FEFF}<b>",
        "<script></script>\u{FEFF}a",
        "<script><!-- <script></script>",
        "<script>a</script >",
        "<script>a",
        "<img src=a alt=b",
    ] {
        left(html);
    }
    // A link to nowhere: the sanitizer puts the last attribute in its place.
    assert!(!same("<img src=a alt=b title=c lang=d>", None));
    assert!(same("<img alt=b title=c src=a>", None));
}

#[test]
fn what_would_be_too_much_is_left_to_the_tree() {
    taken(&"<p>a<br>b <b>c</b> <div>d</div>".repeat(2000));
    taken(&"<ul><li>a<li><a href=/b>c</a></ul>".repeat(1000));
    taken(&format!("{}a", "<div>".repeat(100)));
    left(&format!("{}a", "<div>".repeat(101)));
    left(&"<div><span></div>".repeat(300));
    left(&"<h1>a</h2>".repeat(300));
    left(&format!("{}<b a={}>", "<br>".repeat(300), "/x".repeat(300)));
    left(&format!("{}<b {}>", "<br>".repeat(300), "x ".repeat(300)));
    let formats = ["a", "b", "code", "em", "font", "i", "s", "small", "strike", "strong", "tt", "u"];
    let open: String = formats.iter().map(|name| format!("<{name}>")).collect();
    left(&format!("{open}{}", "<br>".repeat(20_000)));
}

/// The pass makes nothing of these that the tree does not, and takes enough of them to tell.
fn check_all(texts: &impl Strategy<Value = String>, least: u32) {
    let (tried, taken) = (AtomicU32::new(0), AtomicU32::new(0));
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    runner
        .run(texts, |html| {
            tried.fetch_add(1, Ordering::Relaxed);
            taken.fetch_add(u32::from(same(&html, Some(&base()))), Ordering::Relaxed);
            same(&html, None);
            Ok(())
        })
        .unwrap();
    let percent = taken.into_inner() * 100 / tried.into_inner();
    eprintln!("{percent} of 100 texts are taken");
    assert!(percent >= least, "only {percent} of 100 texts are taken");
}

#[test]
fn tags_in_any_order_are_read_as_the_tree_reads_them() {
    check_all(&soup(), 10);
}

#[test]
fn elements_in_each_other_are_read_as_the_tree_reads_them() {
    check_all(&nested(), 10);
}

#[test]
fn tables_are_read_as_the_tree_reads_them() {
    check_all(&table(), 10);
}

proptest! {
    #[test]
    fn paths_that_need_no_joining_are_joined_as_they_stand(
        base in "https?://(u:p@)?(a\\.example|\\[::1\\]|127\\.1)(:[0-9]{1,4})?(/[a-c./%?#]{0,6})?",
        link in "(/[a-c./?#&= ~%A-Z_-]{0,3}){1,4}"
    ) {
        let base = Url::parse(&base).unwrap();
        prop_assert_eq!(resolve(Some(&base), &link), base.join(&link).ok().map(String::from));
    }

    #[test]
    fn whatever_the_tree_makes_is_taken_or_left(html in nested(), cut in 0..200_usize, put in "[<>/a-c&;=\" p!-]{0,3}") {
        // One place of it is another.
        let at = html.floor_char_boundary(cut.min(html.len()));
        let (before, after) = html.split_at(at);
        let after = after.get(1..).unwrap_or(after);
        same(&format!("{before}{put}{after}"), Some(&base()));
    }

    #[test]
    fn links_that_need_no_parsing_parse(link in "(http|https)://[a-z0-9.x-]{0,12}[/?#:@]?[ -~\u{A0}-\u{FF}]{0,8}") {
        if is_plainly_absolute(&link) {
            let url = Url::parse(&link);
            prop_assert!(url.is_ok_and(|url| matches!(url.scheme(), "http" | "https")));
        }
    }
}
