//! Between sources: the incoming source's rule decides, and no source touches another's text.

use super::*;

fn rules(incoming: DedupRule, stored: DedupRule, first: &Draft, second: &Draft) -> usize {
    let mut book = Book::new(&["a", "b"]);
    (book.sources[0].dedup, book.sources[1].dedup) = (stored, incoming);
    book.sync();
    poll(&mut book, "a", alone(first));
    poll(&mut book, "b", alone(second));
    book.river(None).len()
}

#[test]
fn timestamp_and_title_are_the_default() {
    let one = titled("Beavers return").at(day(1)).guid("1").link("https://a.example/1").text("Long.");
    let same = titled(" beavers  RETURN").at(day(1)).guid("x").link("https://b.example/x").text("Short.");
    let later = same.clone().at(day(1) + TimeDelta::seconds(1));
    let split_second = same.clone().at(day(1) + TimeDelta::milliseconds(900));
    let by_updated = titled("Beavers return").updated(day(1));
    let rule = DedupRule::TimestampTitle;
    assert_eq!(stories(rule, &[alone(&one), &[same]]), 1);
    assert_eq!(stories(rule, &[alone(&one), &[split_second]]), 1);
    assert_eq!(stories(rule, &[alone(&one), &[by_updated]]), 1);
    assert_eq!(stories(rule, &[alone(&one), &[later]]), 2);
    assert_eq!(stories(rule, &[&[one], &[titled("Beavers return")]]), 2);
}

#[test]
fn undated_stories_meet_by_title_and_link_else_text() {
    let rule = DedupRule::TimestampTitle;
    let one = titled("Notice").link("https://a.example/1");
    assert_eq!(stories(rule, &[alone(&one), &[one.clone().link("http://www.a.example/1?utm_source=b")]]), 1);
    assert_eq!(stories(rule, &[alone(&one), &[one.clone().link("https://b.example/1")]]), 2);
    let text = |text: &str| titled("Notice").text(text);
    assert_eq!(stories(rule, &[&[text("No water.")], &[text("<p>No  water.</p>")]]), 1);
    assert_eq!(stories(rule, &[&[text("No water.")], &[text("No light.")]]), 2);
}

#[test]
fn untitled_stories_meet_by_link_else_text() {
    let rule = DedupRule::TimestampTitle;
    let note = |link: &str, at| titled("").link(link).at(at).text("Words.");
    assert_eq!(
        stories(rule, &[&[note("https://a.example/1", day(1))], &[note("https://a.example/1", day(2))]]),
        1
    );
    assert_eq!(
        stories(rule, &[&[note("https://a.example/1", day(1))], &[note("https://b.example/1", day(1))]]),
        2
    );
    let text = |text: &str| titled("").at(day(1)).text(text);
    assert_eq!(stories(rule, &[&[text("Words.")], &[text("Words.")]]), 1);
    // A title is a title: the same link is not enough then, in either order.
    let named = titled("Named").link("https://a.example/1").at(day(1));
    assert_eq!(stories(rule, &[alone(&named), &[note("https://a.example/1", day(1))]]), 2);
    assert_eq!(stories(rule, &[&[note("https://a.example/1", day(1))], &[named]]), 2);
}

#[test]
fn a_guid_counts_between_sources_only_if_somebody_had_to_own_it() {
    let guid = DedupRule::Guid;
    let pair = |one: &str, two: &str| {
        let entry = |guid: &str, title: &str| titled(title).guid(guid).at(day(1));
        stories(guid, &[&[entry(one, "One")], &[entry(two, "Two")]])
    };
    for id in ["https://x.example/1", "HTTP://x.example/1", "urn:uuid:1", "tag:x.example,2026:1"] {
        assert_eq!(pair(id, id), 1, "{id}");
    }
    for id in ["1", "post-1", "x.example/1", ""] {
        assert_eq!(pair(id, id), 2, "{id}");
    }
    assert_eq!(pair("https://x.example/1", "https://x.example/2"), 2);
    // Byte for byte.
    assert_eq!(pair("https://x.example/1", "http://x.example/1"), 2);
    // The same time and title mean nothing then.
    let same = |guid: &str| titled("Same").guid(guid).at(day(1));
    assert_eq!(stories(guid, &[&[same("urn:1")], &[same("urn:2")]]), 2);
}

#[test]
fn a_link_counts_in_its_canonical_form() {
    let link = DedupRule::Link;
    let entry = |link: &str, title: &str| titled(title).link(link).at(day(1));
    let pair = |one: &str, two: &str| stories(link, &[&[entry(one, "One")], &[entry(two, "Two")]]);
    for other in [
        "http://a.example/1",
        "https://www.a.example/1/",
        "https://a.example:443/1?utm_medium=rss#top",
        "https://a.example/1/amp",
    ] {
        assert_eq!(pair("https://a.example/1", other), 1, "{other}");
    }
    assert_eq!(pair("https://a.example/1", "https://a.example/2"), 2);
    assert_eq!(pair("https://a.example/?p=1", "https://a.example/?p=2"), 2);
    assert_eq!(stories(link, &[&[titled("Same").at(day(1))], &[titled("Same").at(day(1))]]), 2);
}

#[test]
fn none_meets_nobody_in_either_direction() {
    let same = titled("Same").at(day(1)).guid("urn:1").link("https://a.example/1");
    for rule in [DedupRule::TimestampTitle, DedupRule::Guid, DedupRule::Link] {
        assert_eq!(rules(rule, rule, &same, &same), 1);
        assert_eq!(rules(rule, DedupRule::None, &same, &same), 2);
        assert_eq!(rules(DedupRule::None, rule, &same, &same), 2);
    }
}

#[test]
fn the_incoming_rule_is_the_one_that_must_match() {
    let one = titled("One").at(day(1)).guid("urn:1").link("https://a.example/1");
    let (by_title, by_guid, by_link) = (
        one.clone().guid("urn:2").link("https://b.example/2"),
        titled("Two").guid("urn:1"),
        titled("Two").link("https://a.example/1"),
    );
    let stored = [DedupRule::TimestampTitle, DedupRule::Guid, DedupRule::Link];
    for stored in stored {
        assert_eq!(rules(DedupRule::TimestampTitle, stored, &one, &by_title), 1);
        assert_eq!(rules(DedupRule::TimestampTitle, stored, &one, &by_guid), 2);
        assert_eq!(rules(DedupRule::Guid, stored, &one, &by_guid), 1);
        assert_eq!(rules(DedupRule::Guid, stored, &one, &by_title), 2);
        assert_eq!(rules(DedupRule::Link, stored, &one, &by_link), 1);
        assert_eq!(rules(DedupRule::Link, stored, &one, &by_title), 2);
    }
}

#[test]
fn the_first_seen_is_kept_and_nobody_else_changes_it() {
    let mut book = Book::new(&["a", "b"]);
    let first = titled("Story").at(day(1)).guid("1").link("https://a.example/1").text("The agency's text.");
    let other = titled("STORY").at(day(1)).guid("2").link("https://b.example/2").text("Another text.");
    poll(&mut book, "a", &[first]);
    poll(&mut book, "b", alone(&other));
    let before = book.river(None);
    assert_eq!(poll(&mut book, "b", &[other.text("Rewritten.").title("Story, rewritten")]), (0, 0));
    assert_eq!(book.river(None), before);
    assert_eq!(before[0].source.as_str(), "a");
    let sightings = book.store.entry(before[0].id).unwrap().unwrap().sightings;
    let seen: Vec<_> =
        sightings.iter().map(|one| (one.source.as_str(), one.title.as_str(), one.rule.as_str())).collect();
    assert_eq!(seen, [("a", "Story", "first"), ("b", "Story, rewritten", "timestamp+title")]);
}

#[test]
fn what_another_source_tells_apart_meets_one_each() {
    let release = |host: &str, n: u32| {
        titled("Press release")
            .at(day(3))
            .link(&format!("https://{host}.example/{n}"))
            .guid(&format!("{host}{n}"))
    };
    let (a, b) = ([release("a", 1), release("a", 2)], [release("b", 1), release("b", 2), release("b", 3)]);
    // Of each source all stay, and of both one is the same.
    assert_eq!(stories(DedupRule::TimestampTitle, &[&a, &b]), 4);
    assert_eq!(stories(DedupRule::TimestampTitle, &[&b, &a]), 4);
    // With links to go by, each meets its own.
    let through = [release("a", 2).guid("b2"), release("a", 1).guid("b1")];
    assert_eq!(stories(DedupRule::TimestampTitle, &[&a, &through]), 2);
}

#[test]
fn a_repeated_entry_follows_the_one_it_repeats() {
    let mut book = Book::new(&["a", "b"]);
    poll(&mut book, "a", &[titled("Story").at(day(1))]);
    let item = titled("Story").at(day(1)).guid("7").link("https://b.example/7");
    assert_eq!(poll(&mut book, "b", &[item.clone(), item.title("Story, corrected")]).0, 0);
}

#[test]
fn a_window_widens_the_time_and_does_not_chain() {
    let at = |minutes: i64| titled("Story").at(day(1) + TimeDelta::minutes(minutes));
    let with = |window: i64, minutes: &[i64]| {
        let ids: Vec<String> = (0..minutes.len()).map(|n| format!("s{n}")).collect();
        let mut book = Book::new(&ids.iter().map(String::as_str).collect::<Vec<_>>());
        book.rules.window = window;
        for (id, minutes) in ids.iter().zip(minutes) {
            poll(&mut book, id, &[at(*minutes)]);
        }
        book.river(None).len()
    };
    assert_eq!(with(0, &[0, 1]), 2);
    assert_eq!(with(600, &[0, 10]), 1);
    assert_eq!(with(600, &[10, 0]), 1);
    assert_eq!(with(600, &[0, 11]), 2);
    // 16 is near 8, but 8 is only a sighting of 0.
    assert_eq!(with(600, &[0, 8, 16]), 2);
    // Of two stories the nearer one.
    assert_eq!(with(600, &[0, 16, 9]), 2);
}

#[test]
fn a_window_holds_inside_a_document_too() {
    let at = |minutes: i64| titled("Story").at(day(1) + TimeDelta::minutes(minutes));
    let mut book = Book::new(&["a"]);
    book.rules.window = 600;
    assert_eq!(poll(&mut book, "a", &[at(0), at(5), at(20)]).0, 2);
    // What differs in link and guid stays two.
    let apart = |n: i64| at(40 + n).link(&format!("https://a.example/{n}")).guid(&n.to_string());
    assert_eq!(poll(&mut book, "a", &[apart(1), apart(2)]).0, 2);
}

#[test]
fn a_correction_does_not_move_the_window() {
    let mut book = Book::new(&["a", "b"]);
    book.rules.window = 600;
    let item = |minutes: i64| titled("Story").guid("1").at(day(1) + TimeDelta::minutes(minutes));
    poll(&mut book, "a", &[item(0)]);
    poll(&mut book, "a", &[item(30)]);
    // The corrected time itself is met; what is near to it is not.
    assert_eq!(poll(&mut book, "b", &[titled("Story").at(day(1) + TimeDelta::minutes(38))]).0, 1);
}

#[test]
fn endings_of_titles_are_ignored_where_the_config_says_so() {
    let suffix = |pattern: &str| regex::Regex::new(&format!("(?:{pattern})$")).unwrap();
    let one = titled("Beavers return").at(day(1));
    let two = titled("Beavers return - Example News").at(day(1));
    let with = |patterns: &[&str], one: &Draft, two: &Draft| {
        let mut book = Book::new(&["a", "b"]);
        book.rules.suffixes = patterns.iter().map(|pattern| suffix(pattern)).collect();
        poll(&mut book, "a", alone(one));
        poll(&mut book, "b", alone(two));
        book.titles()
    };
    assert_eq!(with(&[" - Example News"], &one, &two), ["Beavers return"]);
    // What is shown is what was said.
    assert_eq!(with(&[" - Example News"], &two, &one), ["Beavers return - Example News"]);
    assert_eq!(with(&[r"\s+[-|–] .*"], &one, &two).len(), 1);
    assert_eq!(with(&[" - Other News"], &one, &two).len(), 2);
    // A title is never nothing but an ending.
    let only = titled(" - Example News").at(day(1));
    assert_eq!(with(&[" - Example News"], &only, &titled("Other").at(day(1))).len(), 2);
}

#[test]
fn a_rule_that_comes_later_holds_for_what_still_stands() {
    let mut book = Book::new(&["a", "b"]);
    let (one, two) =
        (titled("Beavers return - Example News").at(day(1)), titled("Beavers return").at(day(1)));
    poll(&mut book, "a", alone(&one));
    book.rules.suffixes = vec![regex::Regex::new("(?: - Example News)$").unwrap()];
    assert_eq!(poll(&mut book, "a", &[one]), (0, 0));
    assert_eq!(poll(&mut book, "b", &[two]).0, 0);
}

#[test]
fn a_backlog_is_listed_when_another_source_brings_it_as_news() {
    let mut book = Book::new(&["a", "b"]);
    book.sources[0].backfill = 0;
    poll(&mut book, "b", &[titled("Something else").at(day(1))]);
    poll(&mut book, "a", &[titled("Story").at(day(19))]);
    book.check(&["Something else"]);
    assert_eq!(poll(&mut book, "b", &[titled("Story").at(day(19))]), (0, 1));
    book.check(&["Story", "Something else"]);
}

#[test]
fn an_entry_is_in_an_output_of_any_source_that_has_it() {
    let mut book = Book::new(&["a", "b", "c"]);
    for id in ["a", "b"] {
        poll(&mut book, id, &[titled("Story").at(day(1))]);
    }
    poll(&mut book, "c", &[titled("Other").at(day(1))]);
    for (sources, count) in [(&["a"][..], 1), (&["b"], 1), (&["a", "b"], 1), (&["b", "c"], 2)] {
        assert_eq!(book.river(Some(sources)).len(), count, "{sources:?}");
    }
}
