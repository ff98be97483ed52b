//! Inside one source: what returns is known again, whatever its guids, links, titles and times do meanwhile.

use super::*;

#[test]
fn in_one_document_entries_that_differ_in_guid_and_link_are_two() {
    let release = |n: u32| titled("Press release").at(day(3)).link(&format!("https://a.example/{n}"));
    let guid = |n: u32| release(n).guid(&format!("g{n}"));
    assert_eq!(news(&[&[guid(1), guid(2), guid(3)]]), [3]);
    // Also without guids, and without links as long as the texts differ.
    assert_eq!(news(&[&[release(1), release(2)]]), [2]);
    let plain = |n: u32, text: &str| titled("Weather").at(day(3)).guid(&n.to_string()).text(text);
    assert_eq!(news(&[&[plain(1, "North."), plain(2, "South.")]]), [2]);
    assert_eq!(news(&[&[plain(1, "North."), plain(2, "North.")]]), [1]);
    // The same link, or the same guid, is the same story.
    let one_link =
        |n: u32| titled("Press release").at(day(3)).link("https://a.example/1").guid(&n.to_string());
    assert_eq!(news(&[&[one_link(1), one_link(2)]]), [1]);
    // Nothing but title and time: nothing tells them apart.
    assert_eq!(news(&[&[titled("Weather").at(day(3)), titled("Weather").at(day(3))]]), [1]);
}

#[test]
fn strict_makes_them_one() {
    let release = |n: u32| {
        titled("Press release").at(day(3)).link(&format!("https://a.example/{n}")).guid(&format!("g{n}"))
    };
    let mut book = Book::new(&["a"]);
    book.rules.strict = true;
    assert_eq!(poll(&mut book, "a", &[release(1), release(2)]).0, 1);
    assert_eq!(poll(&mut book, "a", &[release(3), release(1)]).0, 0);
}

#[test]
fn a_list_of_equal_titles_grows_and_shrinks_without_loss() {
    let release = |n: u32| titled("Press release").at(day(3)).link(&format!("https://a.example/{n}"));
    let documents: [&[Draft]; 5] = [
        &[release(2), release(1)],
        &[release(3), release(2), release(1)],
        &[release(4)],
        &[release(5), release(4), release(3)],
        &[release(1), release(2), release(3), release(4), release(5)],
    ];
    assert_eq!(news(&documents), [2, 1, 1, 1, 0]);
    // One a day is enough, where other links stay: a day is no moment.
    let daily = |n: u32| release(n).at(day(3) - hours(12));
    let steady = titled("About us").link("https://a.example/about").at(day(1) - hours(12));
    assert_eq!(news(&[&[daily(1), steady.clone()], &[daily(2), steady.clone()]]), [2, 1]);
    assert_eq!(news(&[&[release(1), steady.clone()], &[release(2), steady]]), [2, 0]);
}

#[test]
fn a_guid_that_stands_on_several_links_identifies_none() {
    let item = |n: u32| {
        titled(&format!("Story {n}")).at(day(n)).guid("same").link(&format!("https://a.example/{n}"))
    };
    assert_eq!(
        news(&[&[item(2), item(1)], &[item(3)], &[item(4)], &[item(4), item(3), item(1)]]),
        [2, 1, 1, 0]
    );
    // The same without links: other titles are other stories.
    let plain = |n: u32| titled(&format!("Story {n}")).at(day(n)).guid("same").text(&story(&n.to_string()));
    assert_eq!(news(&[&[plain(2), plain(1)], &[plain(3)], &[plain(3), plain(1)]]), [2, 1, 0]);
}

#[test]
fn guids_that_count_the_places_of_a_list_identify_nothing() {
    // Nothing tells them from trusted ones but that they move.
    let list = |newest: u32| -> Vec<Draft> {
        let place = |place: u32| {
            let n = newest - place;
            titled(&format!("Report about {n}"))
                .guid(&format!("item-{place}"))
                .link(&format!("https://a.example/{n}"))
                .at(day(n))
                .text(&story(&n.to_string()))
        };
        (0..4).map(place).collect()
    };
    let mut book = Book::new(&["a"]);
    assert_eq!(poll(&mut book, "a", &list(10)), (4, 0));
    assert_eq!(poll(&mut book, "a", &list(11)), (1, 0));
    assert_eq!(poll(&mut book, "a", &list(13)), (2, 0));
    assert_eq!(book.titles().len(), 7);
    assert!(book.store.state(&SourceId::new("a")).unwrap().trust.guids_unreliable());
    // Undated lists too.
    let undated = |newest: u32| -> Vec<Draft> {
        list(newest).into_iter().map(|draft| draft.with(|entry| entry.published = None)).collect()
    };
    assert_eq!(news(&[&undated(10), &undated(11), &undated(12)]), [4, 1, 1]);
}

#[test]
fn one_guid_for_whatever_is_newest_loses_nothing() {
    let latest = |n: u32, about: &str| {
        titled(about).guid("latest").link(&format!("https://a.example/{n}")).at(day(n)).text(&story(about))
    };
    let documents: [&[Draft]; 3] =
        [&[latest(1, "Bridge closed")], &[latest(2, "Fire in the mill")], &[latest(3, "New mayor")]];
    assert_eq!(news(&documents), [1, 1, 1]);
}

#[test]
fn a_trusted_guid_holds_whatever_else_is_edited() {
    let before = titled("Bridge to be closed").guid("7").link("https://a.example/7").at(day(1)).text("Soon.");
    for after in [
        before.clone().title("Bridge closed"),
        before.clone().at(day(2)),
        before.clone().title("Bridge closed for a month").at(day(2)),
        before.clone().link("https://a.example/bridge-closed"),
        before.clone().title("Bridge to be closed today").link("https://a.example/bridge").at(day(2)),
        before.clone().title("No crossing").link("https://a.example/bridge").text("Long."),
    ] {
        assert_eq!(news(&[alone(&before), alone(&after)]), [1, 0], "{:?}", after.0);
    }
}

#[test]
fn guids_new_at_every_poll_add_nothing() {
    let mut book = Book::new(&["a"]);
    for turn in 0..5 {
        let session = |n: u32| format!("s{turn}-{n}");
        let document = [
            // Known by the link, also while the title is edited; by time and title; by time and text.
            titled(&format!("One, edit {turn}")).guid(&session(1)).link("https://a.example/1").at(day(1)),
            titled("Two").guid(&session(2)).at(day(2)).text("A few words."),
            titled(&format!("Three, edit {turn}")).guid(&session(3)).at(day(3)).text("A text that stays."),
            titled("Four").guid(&session(4)).link("https://a.example/4").at(day(4) + hours(turn)),
        ];
        assert_eq!(poll(&mut book, "a", &document).0, if turn == 0 { 4 } else { 0 }, "turn {turn}");
    }
    assert!(book.store.state(&SourceId::new("a")).unwrap().trust.guids_unreliable());
}

#[test]
fn links_new_at_every_poll_add_and_change_nothing() {
    let mut book = Book::new(&["a"]);
    let document = |turn: u32| {
        let link = |n: u32| format!("https://a.example/{n}?sid={turn}");
        [
            titled("One").guid("1").link(&link(1)).at(day(1)).text("One."),
            titled("Two").link(&link(2)).at(day(2)).text("Two."),
            titled(&format!("Three, edit {turn}")).link(&link(3)).at(day(3)).text(&story("three")),
        ]
    };
    assert_eq!(poll(&mut book, "a", &document(0)), (3, 0));
    for turn in 1..3 {
        assert_eq!(poll(&mut book, "a", &document(turn)).0, 0);
    }
    // The habit is known: a link alone is no change any more.
    let updated: Vec<_> = book.river(None).iter().map(|one| one.updated).collect();
    assert_eq!(poll(&mut book, "a", &document(3)).1, 1);
    let after: Vec<_> = book.river(None).iter().map(|one| one.updated).collect();
    assert_eq!(updated[1..], after[1..]);
}

#[test]
fn trust_in_guids_returns() {
    let mut book = Book::new(&["a"]);
    let document = |scheme: &str| {
        let item = |n: u32| {
            titled(&format!("Story {n}"))
                .guid(&format!("{scheme}{n}"))
                .link(&format!("https://a.example/{n}"))
                .at(day(n))
        };
        [item(1), item(2)]
    };
    let doubts = |book: &mut Book| book.store.state(&SourceId::new("a")).unwrap().trust.guid_doubts;
    poll(&mut book, "a", &document("old-"));
    // One change of scheme is a move, not a habit.
    assert_eq!(poll(&mut book, "a", &document("new-")), (0, 0));
    assert_eq!(doubts(&mut book), 1);
    let [one, two] = document("new-");
    assert_eq!(poll(&mut book, "a", &[one.text("edited"), two]), (0, 1));
    assert_eq!(doubts(&mut book), 0);
}

#[test]
fn links_that_differ_in_the_fragment_only_are_told_apart_where_they_stand_together() {
    let item = |n: u32| titled(&format!("Entry {n}")).at(day(n)).link(&format!("https://a.example/log#e{n}"));
    assert_eq!(news(&[&[item(2), item(1)]]), [2]);
    // One alone afterwards: the source is known for it. Titles are edited, too.
    let edited = |n: u32| item(n).title(&format!("Entry {n}, edited"));
    assert_eq!(news(&[&[item(2), item(1)], &[item(3)], &[edited(2)], &[item(4), edited(3)]]), [2, 1, 0, 1]);
    // Elsewhere a fragment says where in the page, and no more.
    let page = |place: &str| titled("Story").at(day(1)).link(&format!("https://a.example/1{place}"));
    assert_eq!(news(&[&[page("")], &[page("#comments").title("Story, edited")]]), [1, 0]);
}

#[test]
fn an_address_of_whatever_is_newest_loses_nothing() {
    let pictures = ["Beavers return", "Otter census begins", "Ferry sinks near Alder"];
    for with_guid in [true, false] {
        let mut book = Book::new(&["a"]);
        for (n, title) in (1..).zip(pictures) {
            let picture = titled(title).link("https://a.example/today").at(day(n)).text(&story(title));
            let picture = if with_guid { picture.guid(&format!("today-{n}")) } else { picture };
            assert_eq!(poll(&mut book, "a", alone(&picture)).0, 1, "{title}");
            assert_eq!(poll(&mut book, "a", alone(&picture)).0, 0, "{title} again");
        }
    }
    // What was edited keeps something: its time, its text, most of its title, or its guid.
    let base =
        titled("Ferry sinks near Alder").guid("1").link("https://a.example/1").at(day(1)).text("Text.");
    for edited in [
        base.clone().guid("2").title("Nobody was hurt").text("More."),
        base.clone().guid("2").title("Nobody was hurt").at(day(2)),
        base.clone().guid("2").title("Ferry sinks near Alder mouth").at(day(2)).text("More."),
        base.clone().title("Nobody was hurt").at(day(2)).text("More."),
    ] {
        assert_eq!(news(&[alone(&base), alone(&edited)]), [1, 0], "{edited:?}");
    }
}

#[test]
fn a_link_to_the_home_page_identifies_nothing() {
    let mut book = Book::new(&["a"]);
    book.home = vec!["a.example/news".to_owned()];
    let item = |n: u32| {
        titled(&format!("Story {n}")).guid(&format!("g{n}")).at(day(n)).link("https://www.a.example/news/")
    };
    for n in 1..5 {
        assert_eq!(poll(&mut book, "a", &[item(n)]).0, 1);
    }
    // Neither does one to a bare host, or one that several stories have.
    let root = |n: u32| titled(&format!("Story {n}")).at(day(n)).link("https://b.example/");
    assert_eq!(news(&[&[root(1)], &[root(2)], &[root(2), root(3)]]), [1, 1, 1]);
    let list = |n: u32| titled(&format!("Story {n}")).at(day(n)).link("https://a.example/list");
    assert_eq!(news(&[&[list(2), list(1)], &[list(3)], &[list(4)], &[list(4), list(1)]]), [2, 1, 1, 0]);
}

#[test]
fn a_text_that_many_have_is_no_identity() {
    let item = |n: u32, text: &str| {
        titled(&format!("Story {n}")).at(day(1)).link(&format!("https://a.example/{n}")).text(text)
    };
    // Dates without a time and a teaser that says nothing: other links are other stories.
    assert_eq!(news(&[&[item(1, "Read more")], &[item(2, "Read more")]]), [1, 1]);
    // A whole text is.
    let text = story("the bridge");
    assert_eq!(news(&[&[item(1, &text)], &[item(2, &text)]]), [1, 0]);
    // Not while the other one stands beside it, nor afterwards.
    assert_eq!(news(&[&[item(1, &text)], &[item(1, &text), item(2, &text)], &[item(3, &text)]]), [1, 1, 1]);
}

#[test]
fn entries_without_a_title_go_by_link_else_by_text() {
    let link = |n: u32| titled("").link(&format!("https://a.example/{n}")).at(day(n));
    assert_eq!(news(&[&[link(1), link(2)], &[link(2).at(day(9))]]), [2, 0]);
    let note = |n: u32, text: &str| titled("").at(day(n)).text(text);
    assert_eq!(
        news(&[&[note(1, "Good morning"), note(2, "Good evening")], &[note(1, "Good morning")]]),
        [2, 0]
    );
    // The same few words on another day are said again; a whole text is the same.
    assert_eq!(news(&[&[note(1, "Good morning")], &[note(2, "Good morning")]]), [1, 1]);
    assert_eq!(news(&[&[note(1, &story("it"))], &[note(2, &story("it"))]]), [1, 0]);
    // All of them linking home.
    let mut book = Book::new(&["a"]);
    book.home = vec!["a.example/me".to_owned()];
    let home = |n: u32| note(n, &format!("Note {n}")).guid(&format!("g{n}")).link("https://a.example/me");
    assert_eq!(poll(&mut book, "a", &[home(3), home(2), home(1)]).0, 3);
    assert_eq!(poll(&mut book, "a", &[home(4)]).0, 1);
    // Nothing but guids.
    assert_eq!(news(&[&[titled("").guid("1"), titled("").guid("2")], &[titled("").guid("2")]]), [2, 0]);
}

#[test]
fn titles_are_compared_as_people_see_them() {
    let plain = titled("Ökostrom für die straße").at(day(1));
    for title in [
        "O\u{308}kostrom  für die STRASSE ",
        "ÖKOSTROM für die Stra\u{ad}ße",
        "Ökostrom\u{a0}für die stra\u{200b}ße",
    ] {
        assert_eq!(news(&[alone(&plain), &[plain.clone().title(title)]]), [1, 0], "{title}");
    }
    assert_eq!(news(&[alone(&plain), &[plain.clone().title("Okostrom fur die strasse")]]), [1, 1]);
}

#[test]
fn an_entry_that_a_document_has_twice_is_one() {
    let item = titled("Story").guid("1").link("https://a.example/1").at(day(1)).text("Text.");
    assert_eq!(news(&[&[item.clone(), item.clone()], alone(&item)]), [1, 0]);
    // Also where one of the two is the corrected one.
    let corrected = item.clone().title("The story").at(day(2));
    let mut book = Book::new(&["a"]);
    assert_eq!(poll(&mut book, "a", &[item.clone(), corrected.clone()]), (1, 0));
    assert_eq!(poll(&mut book, "a", &[item, corrected]), (0, 0));
    book.check(&["Story"]);
}

#[test]
fn a_swap_of_titles_keeps_each_its_own() {
    let item = |n: u32, title: &str| {
        titled(title).guid(&n.to_string()).link(&format!("https://a.example/{n}")).at(day(1))
    };
    let mut book = Book::new(&["a"]);
    poll(&mut book, "a", &[item(1, "North"), item(2, "South")]);
    let before: Vec<_> = book.river(None).iter().map(|one| (one.id, one.entry.guid.clone())).collect();
    assert_eq!(poll(&mut book, "a", &[item(1, "South"), item(2, "North")]), (0, 2));
    let after: Vec<_> = book.river(None).iter().map(|one| (one.id, one.entry.guid.clone())).collect();
    assert_eq!(before, after);
}

#[test]
fn a_link_given_up_goes_to_who_has_it_now() {
    let item = |link: u32, title: &str| titled(title).link(&format!("https://a.example/{link}")).at(day(1));
    let mut book = Book::new(&["a"]);
    // One title, whose link moves from 1 to 2; then another story stands at 1.
    assert_eq!(poll(&mut book, "a", &[item(1, "Press release")]).0, 1);
    assert_eq!(poll(&mut book, "a", &[item(2, "Press release")]).0, 0);
    assert_eq!(poll(&mut book, "a", &[item(2, "Press release"), item(1, "Press release")]).0, 1);
    let edited = [item(1, "Press release, edited"), item(2, "Press release")];
    assert_eq!(poll(&mut book, "a", &edited), (0, 1));
    let river = book.river(None);
    let link = |title: &str| river.iter().find(|one| one.entry.title == title).unwrap().entry.link.clone();
    assert_eq!(link("Press release, edited").unwrap(), "https://a.example/1");
    assert_eq!(link("Press release").unwrap(), "https://a.example/2");
}

#[test]
fn of_an_entry_that_a_document_has_twice_the_newer_is_told() {
    let told = |n: u32| {
        let link = "https://a.example/1";
        titled(&format!("Edit {n}"))
            .guid("1")
            .link(link)
            .at(day(1))
            .updated(day(n))
            .text(&format!("Edit {n}."))
    };
    let river = |book: &mut Book| -> Vec<(EntryId, DateTime<Utc>, String)> {
        book.river(None).into_iter().map(|one| (one.id, one.updated, one.entry.title)).collect()
    };
    for (first, later) in [([1, 2], [3, 2]), ([2, 1], [2, 3]), ([1, 2], [2, 3]), ([2, 1], [3, 2])] {
        let mut book = Book::new(&["a"]);
        assert_eq!(poll(&mut book, "a", &first.map(told)), (1, 0));
        let id = river(&mut book)[0].0;
        assert_eq!(river(&mut book), [(id, day(2), "Edit 2".to_owned())], "{first:?}");
        // One of them is corrected; then both stand still, and are read anew.
        assert_eq!(poll(&mut book, "a", &later.map(told)), (0, 1), "{first:?} {later:?}");
        assert_eq!(river(&mut book), [(id, day(3), "Edit 3".to_owned())], "{first:?} {later:?}");
        for reading in [1, 2] {
            book.reading = reading;
            assert_eq!(poll(&mut book, "a", &later.map(told)), (0, 0), "{first:?} {later:?}");
        }
        assert_eq!(river(&mut book), [(id, day(3), "Edit 3".to_owned())], "{first:?} {later:?}");
    }
}
