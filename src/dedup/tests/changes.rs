//! Corrections: the same id and date, told once, and only where a reader would notice.

use super::*;
use crate::dedup::Tell;
use crate::store::{Options, Told};

fn base() -> Draft {
    titled("The story").guid("1").link("https://a.example/1").at(day(1)).text(
        "<p>Some <b>text</b> with <a href=\"https://a.example/2\">a link</a>.</p>\
         <p><img src=\"https://img.example/x.jpg\" alt=\"\"></p>",
    )
}

/// (id, published, updated, title) of the only story.
fn only(book: &mut Book) -> (EntryId, DateTime<Utc>, DateTime<Utc>, String) {
    let mut river = book.river(None);
    assert_eq!(river.len(), 1);
    let one = river.remove(0);
    (one.id, one.published, one.updated, one.entry.title)
}

#[test]
fn what_readers_notice_goes_through_once() {
    let text = |text: &str| base().text(text);
    for after in [
        base().title("The true story"),
        text("<p>Some text, longer.</p>"),
        text("<p>Some <b>text</b> with <a href=\"https://b.example/2\">a link</a>.</p>"),
        base().with(|entry| entry.authors = vec![Person { name: Some("A".into()), ..Person::default() }]),
        base().with(|entry| {
            entry.enclosures =
                vec![Enclosure { url: "https://a.example/1.mp3".into(), ..Enclosure::default() }];
        }),
        base().with(|entry| entry.categories = vec![Category { term: "news".into(), ..Category::default() }]),
    ] {
        let mut book = Book::new(&["a"]);
        assert_eq!(poll(&mut book, "a", &[base()]), (1, 0));
        let (id, published, updated, _) = only(&mut book);
        let told = book.now;
        assert_eq!(poll(&mut book, "a", alone(&after)), (0, 1), "{:?}", after.0);
        assert_eq!(only(&mut book), (id, published, told, after.0.title.clone()));
        assert!(told > updated);
        // Once.
        assert_eq!(poll(&mut book, "a", &[after]), (0, 0));
        assert_eq!(only(&mut book).2, told);
    }
}

#[test]
fn noise_is_no_change() {
    let text = |text: &str| base().text(text);
    let file = |url: &str, kind: &str| {
        let file = Enclosure { url: url.into(), media_type: kind.into(), ..Enclosure::default() };
        base().with(|entry| entry.enclosures = vec![file])
    };
    let podcast = file("https://media1.example/x/1.mp3?token=1", "audio/mpeg");
    let subjects = |terms: [&str; 2]| {
        let category = |term: &str| Category { term: term.into(), ..Category::default() };
        base().with(|entry| entry.categories = terms.map(category).to_vec())
    };
    for (before, after) in [
        (base(), base().title(" The  story ")),
        (base(), text("<p>Some\n <b>text</b> with <a href=\"https://a.example/2\">a link</a>.</p>")),
        // Other markup around the same words.
        (base(), text("<div>Some <i>text</i> with <a href=\"https://a.example/2\">a link</a>.</div>")),
        (
            base(),
            text(
                "<p>Some <b>text</b> with <a href=\"http://www.a.example/2?utm_source=feed\">a link</a>.</p>",
            ),
        ),
        (
            base(),
            text(
                "<p>Some <b>text</b> with <a rel=\"x\" href=\"https://a.example/2\">a link</a>.</p>\
                       <p><img alt=\"\" src=\"https://img.example/y.jpg?w=7\"></p>",
            ),
        ),
        (base(), base().link("https://a.example/1?utm_campaign=x&fbclid=y")),
        (base(), base().at(day(2))),
        (base(), base().updated(day(19))),
        (base(), base().with(|entry| entry.image = Some("https://img.example/z.jpg".into()))),
        (file("https://img.example/1.jpg", "image/jpeg"), file("https://img.example/2.jpg", "image/jpeg")),
        (podcast, file("http://media2.example/x/1.mp3?token=2", "audio/mpeg")),
        (subjects(["one", "two"]), subjects(["two", "one"])),
    ] {
        let mut book = Book::new(&["a"]);
        poll(&mut book, "a", alone(&before));
        let river = book.river(None);
        assert_eq!(poll(&mut book, "a", alone(&after)), (0, 0), "{:?}", after.0);
        assert_eq!(book.river(None)[0].updated, river[0].updated);
    }
}

#[test]
fn a_stated_time_of_the_change_is_taken_if_it_can_be_true() {
    for (stated, taken) in [(day(19), true), (day(1), false), (day(25), false)] {
        let mut book = Book::new(&["a"]);
        poll(&mut book, "a", &[base().updated(day(2))]);
        let told = book.now;
        poll(&mut book, "a", &[base().title("The true story").updated(stated)]);
        assert_eq!(only(&mut book).2, if taken { stated } else { told }, "{stated}");
    }
}

#[test]
fn a_better_link_goes_through_without_being_news() {
    for link in ["https://a.example/moved", "https://b.example/1"] {
        let mut book = Book::new(&["a"]);
        poll(&mut book, "a", &[base()]);
        let before = only(&mut book);
        assert_eq!(poll(&mut book, "a", &[base().link(link)]), (0, 1));
        assert_eq!(only(&mut book), before);
        assert_eq!(book.river(None)[0].entry.link.as_deref(), Some(link));
    }
    let mut book = Book::new(&["a"]);
    poll(&mut book, "a", &[base().link("http://a.example/1")]);
    poll(&mut book, "a", &[base().link("https://a.example/1")]);
    assert_eq!(book.river(None)[0].entry.link.as_deref(), Some("https://a.example/1"));
    assert_eq!(poll(&mut book, "a", &[base().link("http://a.example/1")]), (0, 0));
}

#[test]
fn a_correction_that_makes_two_stories_one_keeps_the_older_id() {
    let mut book = Book::new(&["a", "b", "c"]);
    let one = |title: &str| titled(title).guid("7").at(day(1));
    poll(&mut book, "a", &[titled("Story").at(day(1)).text("A.")]);
    poll(&mut book, "b", &[one("Stroy")]);
    poll(&mut book, "c", &[titled("Stroy").at(day(1))]);
    let river = book.river(None);
    let id = |title: &str| river.iter().find(|one| one.entry.title == title).unwrap().id;
    let (older, younger) = (id("Story"), id("Stroy"));
    assert_eq!(poll(&mut book, "b", &[one("Story")]), (0, 2));
    book.check(&["Story"]);
    for id in [older, younger] {
        let Told { published, sightings, .. } = book.store.entry(id).unwrap().unwrap();
        assert_eq!((published.id, sightings.len()), (older, 3));
    }
    // Everybody's sightings went along; nothing comes anew.
    assert_eq!(poll(&mut book, "c", &[titled("Stroy").at(day(1)).text("x")]).0, 0);
    assert_eq!(poll(&mut book, "b", &[one("Story, again")]).0, 0);
}

#[test]
fn what_becomes_one_with_a_story_out_of_sight_stays_in_sight() {
    let one = |title: &str, at| titled(title).guid(title.get(..1).unwrap()).at(at);
    // Backlog.
    let mut book = Book::new(&["a", "b"]);
    book.sources[0].backfill = 0;
    poll(&mut book, "a", &[one("Story", day(1))]);
    book.check(&[]);
    poll(&mut book, "b", &[one("Stroy", day(1))]);
    poll(&mut book, "b", &[one("Story", day(1))]);
    book.check(&["Story"]);
    // Held until its date: the other would have to wait as well.
    let mut book = Book::new(&["a", "b"]);
    book.sources[0].future = FuturePolicy::Hold;
    let ahead = book.now + hours(5);
    poll(&mut book, "a", &[one("Fair", ahead)]);
    poll(&mut book, "b", &[one("Fare", ahead)]);
    poll(&mut book, "b", &[one("Fair", ahead)]);
    book.check(&["Fair"]);
}

#[test]
fn two_that_stand_side_by_side_are_not_made_one() {
    let item = |n: u32, title: &str| {
        titled(title).guid(&n.to_string()).link(&format!("https://a.example/{n}")).at(day(1))
    };
    let mut book = Book::new(&["a"]);
    poll(&mut book, "a", &[item(1, "Press release"), item(2, "Pres release")]);
    assert_eq!(poll(&mut book, "a", &[item(1, "Press release"), item(2, "Press release")]), (0, 1));
    assert_eq!(book.titles(), ["Press release", "Press release"]);
}

#[test]
fn a_better_reading_replaces_texts_without_being_news() {
    let mut book = Book::new(&["a"]);
    poll(&mut book, "a", &[base()]);
    let before = book.river(None).remove(0);
    book.reading = 2;
    // The same words, cleaner markup.
    let clean = base().text("<p>Some text with <a href=\"https://a.example/2\">a link</a>.</p>");
    assert_eq!(poll(&mut book, "a", alone(&clean)), (0, 1));
    let after = book.river(None).remove(0);
    assert_eq!(after.entry.summary, clean.0.summary);
    assert_eq!((after.id, after.updated), (before.id, before.updated));
    // Not told where it made no difference.
    book.reading = 3;
    assert_eq!(poll(&mut book, "a", &[clean]), (0, 0));
}

#[test]
fn what_our_own_reading_changes_is_told_only_where_the_source_calls_it_updated() {
    // A better reading finds other words; so do other rules, and the same bytes read again.
    let after = base().text("<p>All of the text.</p>");
    for (reading, tell, stated, told) in [
        (2, Tell::Changes, None, false),
        (2, Tell::Changes, Some(day(19)), true),
        (1, Tell::Stated, None, false),
        (1, Tell::Stated, Some(day(19)), true),
        (1, Tell::Nothing, None, false),
        (1, Tell::Nothing, Some(day(19)), false),
        (1, Tell::Changes, None, true),
    ] {
        let mut book = Book::new(&["a"]);
        poll(&mut book, "a", &[base()]);
        let (id, published, updated, _) = only(&mut book);
        (book.reading, book.tell) = (reading, tell);
        let after = after.clone().with(|entry| entry.updated = stated);
        let now = book.now;
        assert_eq!(poll(&mut book, "a", &[after]), (0, 1));
        let expected = if told { stated.unwrap_or(now) } else { updated };
        let (found, date, change, _) = only(&mut book);
        assert_eq!((found, date, change), (id, published, expected), "{reading} {tell:?} {stated:?}");
        assert_eq!(book.river(None)[0].entry.summary.as_deref(), Some("<p>All of the text.</p>"));
    }
}

#[test]
fn an_article_stays_while_its_page_is_not_read() {
    let article = "<p>The whole of the article, which is longer than what the feed says of it by far.</p>";
    let with = |draft: Draft, article: Article| draft.with(|entry| entry.article = article);
    let whole = || {
        base().text("<p>A teaser.</p>").with(|entry| {
            entry.content = Some(article.to_owned().into());
            entry.article = Article::Taken;
        })
    };
    let mut book = Book::new(&["a"]);
    poll(&mut book, "a", &[whole()]);
    // Read anew, without its page: nothing is lost, and nothing is told.
    let teaser = with(base().text("<p>A teaser.</p>"), Article::Missing);
    book.reading = 2;
    assert_eq!(poll(&mut book, "a", alone(&teaser)), (0, 0));
    // A corrected title goes through beside the article; and again, since it still is one.
    for title in ["The true story", "The truest story"] {
        let told = book.now;
        assert_eq!(poll(&mut book, "a", &[teaser.clone().title(title)]), (0, 1));
        assert_eq!((only(&mut book).2, only(&mut book).3.as_str()), (told, title));
        let entry = book.river(None).remove(0).entry;
        assert_eq!(
            (entry.summary.as_deref(), entry.content.as_deref()),
            (Some("<p>A teaser.</p>"), Some(article))
        );
    }
    // What was no article does not stay.
    let mut book = Book::new(&["a"]);
    let own = |text: &str| base().text("").with(|entry| entry.content = Some(text.to_owned().into()));
    poll(&mut book, "a", &[own(&story("mills"))]);
    poll(&mut book, "a", &[with(own("<p>Short.</p>"), Article::Missing)]);
    assert_eq!(book.river(None)[0].entry.content.as_deref(), Some("<p>Short.</p>"));
}

#[test]
fn filters_hold_back_with_their_reason_and_let_go() {
    let mut book = Book::new(&["a", "b"]);
    let pattern = |pattern: &str| vec![regex::Regex::new(pattern).unwrap()];
    book.sources[0].drop.title = pattern("^Ad");
    let advert = titled("Ad: buy").guid("1").at(day(1));
    let entries = [signed(advert.0.clone())];
    assert_eq!(book.poll("a", &entries).filtered, 1);
    // A correction of what is held back is held back; no other source is kept from it.
    assert_eq!(poll(&mut book, "a", &[advert.clone().text("Now!")]), (0, 0));
    assert_eq!(poll(&mut book, "b", alone(&advert)), (1, 0));
    assert_eq!(book.river(Some(&["a"])).len(), 0);
    // The filter goes: it meets what stands now.
    book.sources[0].drop.title.clear();
    assert_eq!(poll(&mut book, "a", &[advert.text("Now!")]).0, 0);
    assert_eq!(book.river(Some(&["a"])).len(), 1);
    // Nothing says any more that it is held back.
    let told = book.store.explain("Ad: buy").unwrap();
    assert_eq!((told.stories.len(), told.filtered.len()), (1, 0));
    // What was published stays, whatever a later filter says.
    book.sources[1].drop.title = pattern("^Ad");
    poll(&mut book, "b", &[titled("Ad: buy").guid("1").at(day(1)).text("More.")]);
    assert_eq!(book.titles(), ["Ad: buy"]);
}

/// As it would not be new where its story still stood.
#[test]
fn a_title_edited_after_retention_brings_nothing_back() {
    let item = |title: &str, text: &str| titled(title).at(day(1)).text(text);
    for (text, link) in
        [("Open from ten to four.", ""), (&story("the bridge"), ""), (&story("the bridge"), "x")]
    {
        let linked = |one: Draft| if link.is_empty() { one } else { one.link("https://a.example/x") };
        let edited = [linked(item("Openning hours", text)), linked(item("Opening hours", text))];
        for retained in [true, false] {
            let mut book = Book::new(&["a"]);
            assert_eq!(poll(&mut book, "a", alone(&edited[0])).0, 1);
            if !retained {
                book.now += TimeDelta::days(800);
                assert_eq!(book.prune(&Options::default(), book.now), 1);
            }
            assert_eq!(poll(&mut book, "a", alone(&edited[1])).0, 0, "{text} {link} {retained}");
        }
    }
    // Two that the document had side by side stay two: the text under that time is nobody's.
    let mut book = Book::new(&["a"]);
    let pair = ["North", "South"].map(|title| item(title, "Read more."));
    assert_eq!(poll(&mut book, "a", &pair).0, 2);
    book.now += TimeDelta::days(800);
    assert_eq!(book.prune(&Options::default(), book.now), 2);
    assert_eq!(poll(&mut book, "a", alone(&item("West", "Read more."))).0, 1);
}
