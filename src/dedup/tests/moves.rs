//! Sources that move, change their ids or their shape: no entry is announced again.

use super::*;

fn item(n: u32) -> Draft {
    titled(&format!("Story {n}"))
        .guid(&format!("http://a.example/{n}"))
        .link(&format!("http://a.example/{n}"))
        .at(day(n))
        .text(&format!("Text {n}, see <a href=\"http://a.example/0\">there</a>."))
}

fn document(change: impl Fn(u32, Draft) -> Draft) -> Vec<Draft> {
    (1..5).rev().map(|n| change(n, item(n))).collect()
}

/// The first document, then the changed one. Nothing is new, nobody is told of a change.
fn check(after: &[Draft]) -> Book {
    let mut book = Book::new(&["a"]);
    assert_eq!(poll(&mut book, "a", &document(|_, item| item)).0, 4);
    let before: Vec<_> = book.river(None).iter().map(|one| (one.id, one.updated)).collect();
    assert_eq!(poll(&mut book, "a", after).0, 0);
    let now: Vec<_> = book.river(None).iter().map(|one| (one.id, one.updated)).collect();
    assert_eq!(before, now);
    // A new story is still one.
    assert_eq!(poll(&mut book, "a", &[item(6)]).0, 1);
    book
}

#[test]
fn from_http_to_https() {
    check(&document(|n, item| {
        let address = format!("https://www.a.example/{n}");
        let text = format!("Text {n}, see <a href=\"https://www.a.example/0\">there</a>.");
        item.guid(&address).link(&address).text(&text)
    }));
}

#[test]
fn to_another_host() {
    check(&document(|n, item| {
        let address = format!("https://b.example/blog/{n}");
        let text = format!("Text {n}, see <a href=\"http://a.example/0\">there</a>.");
        item.guid(&address).link(&address).text(&text)
    }));
    // With guids that stay, titles and times may even change.
    let moved = document(|n, item| {
        item.guid(&format!("http://a.example/{n}"))
            .link(&format!("https://b.example/{n}"))
            .at(day(n) + hours(1))
    });
    check(&moved);
}

#[test]
fn to_another_scheme_of_guids() {
    check(&document(|n, item| item.guid(&format!("urn:post:{n}"))));
    check(&document(|_, item| item.with(|entry| entry.guid = None)));
    // Also where there are no links.
    let mut book = Book::new(&["a"]);
    let bare =
        |scheme: &str| document(|n, item| item.guid(&format!("{scheme}{n}")).with(|entry| entry.link = None));
    assert_eq!(poll(&mut book, "a", &bare("old")).0, 4);
    assert_eq!(poll(&mut book, "a", &bare("new")), (0, 0));
}

#[test]
fn a_page_that_became_a_feed() {
    // A page has links and days; the feed has guids, times and texts.
    let page = document(|n, item| {
        let midnight = day(n) - hours(12);
        item.with(|entry| entry.guid = None).at(midnight).text("")
    });
    let feed = document(|_, item| item);
    let mut book = Book::new(&["a"]);
    assert_eq!(poll(&mut book, "a", &page).0, 4);
    book.reshaped = true;
    let before: Vec<_> = book.river(None).iter().map(|one| (one.id, one.updated)).collect();
    assert_eq!(poll(&mut book, "a", &feed).0, 0);
    // It says more of them, and that is no correction.
    let river = book.river(None);
    assert_eq!(river.iter().map(|one| (one.id, one.updated)).collect::<Vec<_>>(), before);
    assert!(river.iter().all(|one| one.entry.summary.is_some()));
    // Also where the page's links led elsewhere, or nowhere.
    for link in [None, Some("http://a.example/news?id=")] {
        let page: Vec<Draft> = page
            .iter()
            .enumerate()
            .map(|(n, item)| item.clone().with(|entry| entry.link = link.map(|link| format!("{link}{n}"))))
            .collect();
        let mut book = Book::new(&["a"]);
        assert_eq!(poll(&mut book, "a", &page).0, 4);
        book.reshaped = true;
        assert_eq!(poll(&mut book, "a", &feed).0, 0, "{link:?}");
    }
    // Not for titles that come again and again.
    let daily = |n: u32| titled("Weather").at(day(n) - hours(12));
    let mut book = Book::new(&["a"]);
    poll(&mut book, "a", &[daily(2), daily(1)]);
    book.reshaped = true;
    let feed = [titled("Weather").guid("2").at(day(2)), titled("Weather").guid("1").at(day(1))];
    assert_eq!(poll(&mut book, "a", &feed).0, 2);
}

#[test]
fn to_another_time_zone() {
    // Set late: until then its times were taken for UTC. Nothing tells these entries from others but time and title.
    let list = |shift: i64| -> Vec<Draft> {
        (1..5).rev().map(|n| titled(&format!("Notice {n}")).at(day(n) - hours(shift))).collect()
    };
    let mut book = Book::new(&["a"]);
    assert_eq!(poll(&mut book, "a", &list(0)).0, 4);
    let before = book.river(None);
    for tell in [crate::dedup::Tell::Nothing, crate::dedup::Tell::Stated] {
        book.tell = tell;
        assert_eq!(poll(&mut book, "a", &list(1)), (0, 0));
    }
    assert_eq!(book.river(None), before);
    book.tell = crate::dedup::Tell::Changes;
    let more = [titled("Notice 5").at(day(5) - hours(1))];
    assert_eq!(poll(&mut book, "a", &[more.as_slice(), &list(1)].concat()).0, 1);
    // By itself a source that says another time says another story.
    assert_eq!(poll(&mut book, "a", &list(2)).0, 4);
}

#[test]
fn to_another_id() {
    let mut book = Book::new(&["old", "other"]);
    poll(&mut book, "old", &document(|_, item| item));
    let before: Vec<_> = book.river(None).iter().map(|one| one.id).collect();
    book.sources[0] = Source { was: vec![SourceId::new("old")], ..crate::store::tests::book::source("new") };
    book.sync();
    assert_eq!(poll(&mut book, "new", &document(|_, item| item)), (0, 0));
    let edited = document(|_, item| item.text("Edited."));
    assert_eq!(poll(&mut book, "new", &edited), (0, 4));
    let after: Vec<_> = book.river(Some(&["new"])).iter().map(|one| one.id).collect();
    assert_eq!(before, after);
    assert_eq!(book.river(Some(&["old"])).len(), 0);
}

#[test]
fn to_an_id_that_was_polled_already() {
    // First renamed without a word, then with one.
    let mut book = Book::new(&["old"]);
    poll(&mut book, "old", &document(|_, item| item));
    book.sources[0] = crate::store::tests::book::source("new");
    book.sync();
    assert_eq!(poll(&mut book, "new", &document(|_, item| item)).0, 0);
    book.sources[0].was = vec![SourceId::new("old")];
    book.sync();
    assert_eq!(book.river(Some(&["new"])).len(), 4);
    // The text is its own now: it corrects it.
    assert_eq!(poll(&mut book, "new", &document(|_, item| item.text("Edited."))), (0, 4));
}
