//! A store made while links held the secrets of their documents' addresses.

use super::book::{Book, day, entry, signed};
use crate::link::{Secrets, canonical};
use crate::model::*;
use crate::store::Store;

const ADDRESS: &str = "http://u:pw@a.example/feed?token=SECRET&p=1";

/// (guid, link as it was, title, day, text)
const ENTRIES: [(&str, &str, &str, u32, &str); 8] = [
    ("", "http://u:pw@a.example/feed?token=SECRET&p=1#one", "One", 0, "first"),
    ("", "http://u:pw@a.example/feed?token=SECRET&p=1#two", "Two", 0, "second"),
    ("", "http://u:pw@a.example/feed?token=SECRET&p=1#none", "", 0, "third, without a title"),
    (
        "",
        "http://u:pw@a.example/4",
        "Four",
        0,
        "with <a href=\"http://u:pw@a.example/feed?token=SECRET&amp;p=1#fn\">note</a>",
    ),
    ("", "http://a.example/5?token=SECRET", "Twin", 5, "one of two"),
    ("", "http://a.example/6?token=SECRET", "Twin", 5, "the other"),
    ("7", "http://a.example/7?token=SECRET", "Seven", 7, "known by its guid"),
    ("", "https://cdn.example/8?token=THEIRS", "Eight", 0, "of its own"),
];

fn before() -> Vec<Entry> {
    let made = ENTRIES.iter().map(|(guid, link, title, at, text)| {
        let mut made = entry(guid, link, title, (*at > 0).then(|| day(*at)), text);
        made.image = Some("http://u:pw@a.example/i.png".to_owned());
        signed(made)
    });
    made.collect()
}

/// The same document as it is read now.
fn now(secrets: &Secrets) -> Vec<Entry> {
    let read = before().into_iter().map(|mut entry| {
        let whole = entry.link.take();
        entry.link = whole.as_deref().map(|link| secrets.hide(link).into_owned());
        entry.whole_link = whole.filter(|whole| Some(whole) != entry.link.as_ref());
        entry.summary = entry.summary.map(|text| secrets.hide(&text).into_owned().into());
        entry.image = entry.image.map(|link| secrets.hide(&link).into_owned());
        signed(entry)
    });
    read.collect()
}

fn all(book: &mut Book) -> String {
    let mut all = String::new();
    for one in book.river(None) {
        let told = book.store.entry(one.id).unwrap().unwrap();
        all += &format!("{one:?} {:?}", told.sightings);
    }
    for row in book.store.sources().unwrap() {
        all += &format!("{} {:?}", row.url, row.state.feed);
    }
    all
}

fn ids(book: &mut Book) -> Vec<(EntryId, String)> {
    let mut ids: Vec<_> = book.river(None).into_iter().map(|one| (one.id, one.entry.title)).collect();
    ids.sort();
    ids
}

#[test]
fn is_without_them_from_the_start_and_knows_its_entries_again() {
    for rule in [DedupRule::TimestampTitle, DedupRule::Link, DedupRule::None] {
        let mut book = Book::new(&["a", "b"]);
        let url: url::Url = ADDRESS.parse().unwrap();
        let secrets = Secrets::of([&url]);
        for source in &mut book.sources {
            source.dedup = rule;
        }
        book.sources[0].url = url;
        book.home = vec![canonical(ADDRESS).unwrap()];
        // The version that read so did not take anything out.
        book.sources[0].url = "http://a.example/feed".parse().unwrap();
        book.sync();
        assert_eq!(book.poll("a", &before()).new.len(), 8);
        let were = ids(&mut book);
        assert!(all(&mut book).contains("token=SECRET") && all(&mut book).contains("u:pw"));

        book.sources[0].url = ADDRESS.parse().unwrap();
        book.sync();
        let stored = all(&mut book);
        assert!(!stored.contains("SECRET") && !stored.contains("u:pw"), "{stored}");
        assert!(stored.contains("token=THEIRS"));
        assert_eq!(ids(&mut book), were);

        book.home.push(canonical(&secrets.hide(ADDRESS)).unwrap());
        let mut read = now(&secrets);
        // Only one of them says something else.
        read[0].summary = Some("corrected".to_owned().into());
        read[0] = signed(read[0].clone());
        book.reading += 1;
        let (intake, committed) = book.take("a", &read);
        assert_eq!((committed.new.len(), committed.met.len()), (0, 0), "{rule:?}: {:?}", intake.decisions);
        assert_eq!(ids(&mut book), were);
        let stored = all(&mut book);
        assert!(!stored.contains("SECRET") && !stored.contains("u:pw"), "{stored}");
        // And once more, by their new keys alone.
        for entry in &mut read {
            entry.whole_link = None;
            *entry = signed(entry.clone());
        }
        assert_eq!(book.poll("a", &read).new.len(), 0);
        assert_eq!(ids(&mut book), were);
        assert_eq!(book.store.state(&SourceId::new("a")).unwrap().trust, Trust::default());
    }
}

#[test]
fn does_not_bring_back_what_retention_removed() {
    let mut book = Book::new(&["a"]);
    book.home = vec![canonical(ADDRESS).unwrap()];
    assert_eq!(book.poll("a", &before()).new.len(), 8);
    let options = crate::store::Options { retention: crate::units::Span::secs(1), ..Default::default() };
    book.poll("a", &[]);
    let later = book.now + chrono::TimeDelta::days(30);
    assert!(book.prune(&options, later) > 0);
    let left = ids(&mut book).len();
    book.sources[0].url = ADDRESS.parse().unwrap();
    book.sync();
    let secrets = Secrets::of([&book.sources[0].url]);
    book.home.push(canonical(&secrets.hide(ADDRESS)).unwrap());
    assert_eq!(book.poll("a", &now(&secrets)).new.len(), 0);
    assert_eq!(ids(&mut book).len(), left);
}
