//! Dates: those that are missing, ahead, long ago or made up.

use super::*;

/// (published, updated) of the only story.
fn shown(book: &mut Book) -> (DateTime<Utc>, DateTime<Utc>) {
    let river = book.river(None);
    assert_eq!(river.len(), 1);
    (river[0].published, river[0].updated)
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn undated_entries_are_dated_when_first_seen_and_stay_so() {
    let mut book = Book::new(&["a"]);
    let seen = book.now;
    let item = titled("Notice").link("https://a.example/1");
    poll(&mut book, "a", alone(&item));
    assert_eq!(shown(&mut book), (seen, seen));
    // Also when a date turns up later.
    poll(&mut book, "a", alone(&item));
    poll(&mut book, "a", &[item.at(day(2))]);
    assert_eq!(shown(&mut book), (seen, seen));
}

#[test]
fn dates_ahead_are_clamped_held_or_kept() {
    let item = || titled("Soon").guid("1").at(day(25));
    let mut book = Book::new(&["a"]);
    let seen = book.now;
    // Ten minutes are a clock that is fast.
    for (ahead, published) in [(600, seen + TimeDelta::seconds(600)), (601, seen)] {
        let mut book = Book::new(&["a"]);
        poll(&mut book, "a", &[item().at(seen + TimeDelta::seconds(ahead))]);
        assert_eq!(shown(&mut book).0, published, "{ahead}");
    }
    poll(&mut book, "a", &[item()]);
    assert_eq!(shown(&mut book), (seen, seen));
    // Once and for all.
    book.now = day(26);
    poll(&mut book, "a", &[item().text("Edited.")]);
    assert_eq!(shown(&mut book).0, seen);

    let mut book = Book::new(&["a"]);
    book.sources[0].future = FuturePolicy::Hold;
    poll(&mut book, "a", &[item()]);
    book.check(&[]);
    book.now = day(25);
    assert_eq!(shown(&mut book).0, day(25));

    let mut book = Book::new(&["a"]);
    book.sources[0].future = FuturePolicy::Keep;
    poll(&mut book, "a", &[item()]);
    assert_eq!(shown(&mut book).0, day(25));
}

#[test]
fn the_date_of_what_is_held_may_still_change() {
    let item = |at| titled("Soon").guid("1").at(at);
    let mut book = Book::new(&["a"]);
    book.sources[0].future = FuturePolicy::Hold;
    poll(&mut book, "a", &[item(day(25))]);
    poll(&mut book, "a", &[item(day(23))]);
    book.now = day(23);
    assert_eq!(shown(&mut book).0, day(23));
    // Now it has been seen.
    poll(&mut book, "a", &[item(day(28))]);
    assert_eq!(shown(&mut book).0, day(23));
    // It may also turn out to be due at once.
    let mut book = Book::new(&["a"]);
    book.sources[0].future = FuturePolicy::Hold;
    poll(&mut book, "a", &[item(day(25))]);
    poll(&mut book, "a", &[item(day(19))]);
    assert_eq!(shown(&mut book).0, day(19));
}

#[test]
fn dates_before_1900_are_none_whatever_the_policy() {
    for policy in [FuturePolicy::Clamp, FuturePolicy::Hold, FuturePolicy::Keep] {
        for (stated, kept) in
            [("1899-12-31T23:59:59Z", false), ("1900-01-01T00:00:00Z", true), ("0001-01-01T00:00:00Z", false)]
        {
            let mut book = Book::new(&["a"]);
            book.sources[0].future = policy;
            let seen = book.now;
            poll(&mut book, "a", &[titled("Old").at(at(stated))]);
            assert_eq!(shown(&mut book).0, if kept { at(stated) } else { seen }, "{stated}");
        }
    }
    // Keys use the stated one all the same.
    let old = titled("Old").at(at("1753-01-01T00:00:00Z"));
    assert_eq!(stories(DedupRule::TimestampTitle, &[alone(&old), alone(&old)]), 1);
    assert_eq!(
        stories(DedupRule::TimestampTitle, &[alone(&old), &[old.clone().at(at("1754-01-01T00:00:00Z"))]]),
        2
    );
}

#[test]
fn an_updated_counts_as_first_seen() {
    let mut book = Book::new(&["a", "b", "c"]);
    let item = |n| titled("Story").guid("1").updated(day(n)).text(&format!("Edit {n}."));
    poll(&mut book, "a", &[item(1)]);
    assert_eq!(poll(&mut book, "a", &[item(5)]), (0, 1));
    // Its identity kept its time: the first is met, the later one is another story.
    assert_eq!(poll(&mut book, "b", &[titled("Story").at(day(1))]).0, 0);
    assert_eq!(poll(&mut book, "c", &[titled("Story").at(day(5))]).0, 1);
    let river = book.river(Some(&["a"]));
    assert_eq!((river[0].published, river[0].updated), (day(1), day(5)));
}

#[test]
fn a_rebuilt_site_is_noticed_and_not_taken_for_news() {
    let item = |n: u32, at| {
        titled(&format!("Story {n}")).guid(&n.to_string()).updated(at).text(&story(&n.to_string()))
    };
    let mut book = Book::new(&["a"]);
    let before: Vec<Draft> = (3..6).rev().map(|n| item(n, day(n))).collect();
    assert_eq!(poll(&mut book, "a", &before), (3, 0));
    // Every entry says the same time now; the list is longer, and one is really new.
    let rebuilt = day(20);
    let after: Vec<Draft> = (1..7).rev().map(|n| item(n, rebuilt)).collect();
    let entries: Vec<Entry> = after.iter().map(|draft| signed(draft.0.clone())).collect();
    let (intake, committed) = book.take("a", &entries);
    assert_eq!(intake.rebuilt, Some(rebuilt));
    assert_eq!((committed.new.len(), committed.changed.len()), (3, 0));
    book.check(&["Story 6", "Story 5", "Story 4", "Story 3"]);
    // Nothing was lost: the others are in the archive.
    assert_eq!(
        book.store.search(&crate::store::Search { limit: 10, ..Default::default() }, book.now).unwrap().len(),
        6
    );
}

#[test]
fn a_site_that_was_rebuilt_under_another_address_announces_nothing_again() {
    let item = |host: &str, n: u32, at| {
        let address = format!("https://{host}.example/p/{n}");
        titled(&format!("Story {n}")).guid(&address).link(&address).updated(at).text(&format!("Text {n}."))
    };
    let mut book = Book::new(&["a"]);
    let before: Vec<Draft> = (2..6).rev().map(|n| item("old", n, day(n))).collect();
    assert_eq!(poll(&mut book, "a", &before), (4, 0));
    let ids: Vec<EntryId> = book.river(None).iter().map(|one| one.id).collect();
    let mut after: Vec<Draft> = (1..6).rev().map(|n| item("new", n, day(20))).collect();
    // One of them says something else now: it is news, whatever it is called.
    after[0] = after[0].clone().text("Quite another text.");
    let committed = book.poll("a", &after.iter().map(|draft| signed(draft.0.clone())).collect::<Vec<_>>());
    assert_eq!((committed.new.len(), committed.changed.len()), (2, 3));
    let river = book.river(None);
    assert_eq!(river[0].entry.title, "Story 5");
    assert_eq!(river[1..].iter().map(|one| one.id).collect::<Vec<_>>(), ids);
    assert_eq!(river[2].entry.link.as_deref(), Some("https://new.example/p/4"));
    assert_eq!(river[2].updated, day(4));
}

#[test]
fn a_rebuild_is_noticed_by_times_of_publication_too() {
    let item = |n: u32, at| titled(&format!("Story {n}")).guid(&n.to_string()).at(at);
    let mut book = Book::new(&["a"]);
    poll(&mut book, "a", &[item(5, day(5)), item(4, day(4)), item(3, day(3))]);
    let after: Vec<Draft> = (1..7).rev().map(|n| item(n, day(19))).collect();
    assert_eq!(poll(&mut book, "a", &after).0, 3);
    book.check(&["Story 6", "Story 5", "Story 4", "Story 3"]);
}

#[test]
fn a_source_that_puts_the_time_of_the_request_on_everything_is_not_rebuilt_at_every_poll() {
    // Its oldest comes first: what is new stands below what is known.
    let item = |n: u32, at| titled(&format!("Story {n}")).guid(&n.to_string()).at(at);
    let mut book = Book::new(&["a"]);
    for poll_day in 4..8 {
        let document: Vec<Draft> = (1..poll_day).map(|n| item(n, day(poll_day))).collect();
        poll(&mut book, "a", &document);
    }
    assert_eq!(book.titles().len(), 6);
}

#[test]
fn several_stories_of_one_moment_are_no_rebuild() {
    let item = |n: u32, at| titled(&format!("Story {n}")).guid(&n.to_string()).updated(at);
    let mut book = Book::new(&["a"]);
    poll(&mut book, "a", &[item(1, day(1))]);
    let batch: Vec<Entry> = [5, 4, 3, 2]
        .map(|n| item(n, day(19)))
        .iter()
        .chain([&item(1, day(1))])
        .map(|draft| signed(draft.0.clone()))
        .collect();
    let (intake, committed) = book.take("a", &batch);
    assert_eq!((intake.rebuilt, committed.new.len()), (None, 4));
    assert_eq!(book.titles().len(), 5);
}

#[test]
fn a_backlog_of_a_new_source_goes_to_the_archive() {
    let item = |n: u32| titled(&format!("Story {n}")).at(day(n));
    for (backfill, listed) in [(0, 0), (2, 2), (20, 4)] {
        let mut book = Book::new(&["a"]);
        book.sources[0].backfill = backfill;
        assert_eq!(poll(&mut book, "a", &[item(4), item(1), item(3), item(2)]).0, 4);
        let newest: Vec<String> = (1..5).rev().take(listed).map(|n| format!("Story {n}")).collect();
        assert_eq!(book.titles(), newest);
        // What comes later is news.
        poll(&mut book, "a", &[item(5)]);
        assert_eq!(book.titles().len(), listed + 1);
    }
}
