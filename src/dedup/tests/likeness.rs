//! Nearly the same: what meets by its words, what does not, and what is remembered for it.

use proptest::prelude::*;

use super::*;
use crate::dedup::SIMILAR;
use crate::store::{Options, Sqlite};

/// Sixty words and more that only this subject has; at some hour of the day of the poll.
fn report(about: &str, hour: i64) -> Draft {
    let text = format!(
        "{} The meeting had begun in the afternoon and went on until nearly midnight, with a short break for supper. \
         Two members spoke against the plan, one of them at length, and were heard in silence. Nobody could say \
         what it will cost, but all agreed that something has to be done before the next winter comes.",
        story(about)
    );
    titled(&format!("Council decides about {about}")).at(day(20) + hours(hour)).text(&text)
}

fn book(similar: f64) -> Book {
    let mut book = Book::new(&["a", "b", "c", "d"]);
    book.now = day(20) + hours(6);
    book.rules.similar = (similar > 0.0).then_some(similar);
    book
}

fn rows(book: &Book) -> i64 {
    let db = rusqlite::Connection::open(&book.path).unwrap();
    db.query_row("SELECT count(*) FROM bands", [], |row| row.get(0)).unwrap()
}

/// The stories that stand when each of these documents was polled once, in turn.
fn standing(book: &mut Book, documents: &[(&str, &[Draft])]) -> usize {
    for (id, document) in documents {
        poll(book, id, document);
    }
    book.river(None).len()
}

#[test]
fn while_it_is_off_nothing_is_written_and_what_came_then_is_never_compared() {
    let mut book = book(0.0);
    let (one, two, three) = (report("the bridge", 1), report("the bridge", 2), report("the bridge", 3));
    assert_eq!(standing(&mut book, &[("a", alone(&one)), ("b", alone(&two))]), 2);
    assert_eq!(rows(&book), 0);
    // Those two have no bands still, although the change of rules makes both documents read anew.
    book.rules.similar = Some(0.9);
    assert_eq!(standing(&mut book, &[("a", alone(&one)), ("b", alone(&two))]), 2);
    assert_eq!(rows(&book), 0);
    assert_eq!(standing(&mut book, &[("c", alone(&three)), ("d", alone(&report("the bridge", 4)))]), 3);
    assert!(rows(&book) > 0);
}

#[test]
fn the_first_told_is_kept_and_the_other_changes_nothing_of_it() {
    let mut book = book(0.9);
    let other = report("the bridge", 2)
        .title("After a long evening: the bridge")
        .guid("b-1")
        .link("https://b.example/1");
    assert_eq!(standing(&mut book, &[("a", alone(&report("the bridge", 1))), ("b", alone(&other))]), 1);
    let kept = book.river(None).remove(0);
    let sightings = book.store.entry(kept.id).unwrap().unwrap().sightings;
    let told: Vec<_> = sightings.iter().map(|one| (one.source.as_str(), one.rule.as_str())).collect();
    assert_eq!(told, [("a", "first"), ("b", SIMILAR)]);
    // It is in either source's river; a document of it was changed by what came.
    assert_eq!(book.river(Some(&["b"])).len(), 1);
    assert!(kept.modified > kept.first_seen && kept.updated == kept.published);
    let via: Vec<_> = kept.via.iter().map(|via| (via.source_name.as_str(), via.link.as_str())).collect();
    assert_eq!(via, [("b", "https://b.example/1")]);
    let corrected = other.text("Something else altogether.");
    assert_eq!(poll(&mut book, "b", alone(&corrected)), (0, 0));
    assert_eq!(book.river(None).remove(0).entry, kept.entry);
    // Polled again, and under other words: it is the same sighting.
    assert_eq!(poll(&mut book, "b", alone(&corrected)), (0, 0));
}

#[test]
fn only_what_is_kept_is_compared_with() {
    // Each says a little more than the one before: the third is like the second, which is only a sighting.
    const MORE: [&str; 4] =
        [" The mayor was away.", " Rain fell.", " Some left early.", " The hall was cold and badly lit."];
    let more = |count: usize, hour: i64| {
        let report = report("the bridge", hour);
        let text = report.0.summary.as_deref().unwrap().to_owned() + &MORE[..count].concat();
        report.text(&text)
    };
    let (one, two, three) = (more(0, 1), more(2, 2), more(4, 3));
    let mut chain = book(0.88);
    let [a, b, c] = [("a", alone(&one)), ("b", alone(&two)), ("c", alone(&three))];
    assert_eq!(standing(&mut chain, &[a, b]), 1);
    assert_eq!(standing(&mut chain, &[c]), 2);
    // The order decides here, and nowhere but here: what came first is what is compared with.
    assert_eq!(standing(&mut book(0.88), &[b, a, c]), 1);
}

#[test]
fn a_form_that_many_fill_in_is_nobodys() {
    // Two of one document are like one story.
    let form = |n: i64| report("the form", n).link(&format!("https://x.example/{n}")).guid(&n.to_string());
    let mut twice = book(0.9);
    assert_eq!(standing(&mut twice, &[("a", alone(&form(1))), ("b", &[form(2), form(3)])]), 3);
    // One is like two stories.
    assert_eq!(standing(&mut twice, &[("c", alone(&form(4)))]), 4);
    // The source has told that story already: this is another of its own.
    let mut again = book(0.9);
    standing(&mut again, &[("a", alone(&form(1))), ("b", alone(&form(2)))]);
    assert_eq!(standing(&mut again, &[("b", &[form(3), form(2)])]), 2);
    // Its own entries are never one by their words.
    assert_eq!(standing(&mut book(0.9), &[("a", &[form(1), form(2)]), ("a", &[form(3)])]), 3);
}

#[test]
fn declared_rules_come_first_and_a_source_that_meets_nobody_meets_nobody() {
    let one = report("the bridge", 1);
    let mut declared = book(0.9);
    standing(&mut declared, &[("a", alone(&one)), ("b", alone(&one))]);
    let kept = declared.river(None).remove(0);
    let sightings = declared.store.entry(kept.id).unwrap().unwrap().sightings;
    assert_eq!(sightings[1].rule, "timestamp+title");
    for aloof in [0, 1] {
        let mut book = book(0.9);
        book.sources[aloof].dedup = DedupRule::None;
        book.sync();
        assert_eq!(standing(&mut book, &[("a", alone(&one)), ("b", alone(&report("the bridge", 2)))]), 2);
    }
}

#[test]
fn after_two_days_nothing_is_like_it_any_more_and_nothing_is_left() {
    let (one, two) = (report("the bridge", 1), report("the bridge", 30));
    let mut near = book(0.9);
    standing(&mut near, &[("a", alone(&one))]);
    near.now = day(22);
    assert_eq!(standing(&mut near, &[("b", alone(&two))]), 1);
    let mut late = book(0.9);
    standing(&mut late, &[("a", alone(&one))]);
    let before = rows(&late);
    late.prune(&Options::default(), late.now);
    assert_eq!(rows(&late), before);
    late.now = day(20) + hours(6 + 49);
    assert_eq!(standing(&mut late, &[("b", alone(&report("the bridge", 50)))]), 2);
    late.prune(&Options::default(), late.now);
    assert!(rows(&late) > 0 && rows(&late) <= before, "{} of {before}", rows(&late));
    // What is old when it comes is neither asked about nor remembered.
    let mut old = book(0.9);
    standing(&mut old, &[("a", alone(&one.at(day(1))))]);
    assert_eq!(rows(&old), 0);
}

#[test]
fn what_nobody_sees_yet_hides_nothing() {
    let mut book = book(0.9);
    book.sources[0].future = FuturePolicy::Hold;
    let documents = [("a", report("the bridge", 9)), ("b", report("the bridge", 5))];
    let documents: Vec<_> = documents.iter().map(|(id, draft)| (*id, alone(draft))).collect();
    assert_eq!(standing(&mut book, &documents), 1);
    assert_eq!(book.river(None).remove(0).source.as_str(), "b");
}

#[test]
fn a_crowded_band_is_bounded_and_leads_nowhere() {
    let mut book = book(0.9);
    book.sources[0].backfill = 100;
    let form =
        |n: i64| report("the form", 1).title(&format!("Notice {n}")).link(&format!("https://a.example/{n}"));
    let many: Vec<Draft> = (0..40).map(form).collect();
    poll(&mut book, "a", &many);
    let bands = rows(&book);
    assert!(bands <= 12 * 9, "{bands}");
    assert_eq!(standing(&mut book, &[("b", alone(&form(1).at(day(20) + hours(2))))]), 41);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Where texts are either the same or of other things, the order of polls and of restarts does not change how many
    /// stories there are nor what they are about; polling twice is polling once.
    #[test]
    fn the_order_of_polls_changes_only_whose_text_is_kept(
        told in prop::collection::vec((0usize..4, 0usize..4), 1..9),
        order in Just([0usize, 1, 2, 3]).prop_shuffle(),
        again in prop::collection::vec(0usize..5, 0..4),
    ) {
        const ABOUT: [&str; 4] = ["the bridge", "the mill", "a school", "new trees"];
        let ids = ["a", "b", "c", "d"];
        let document = |source: usize| -> Vec<Draft> {
            let mut about: Vec<usize> = told.iter().filter(|(by, _)| *by == source).map(|(_, n)| *n).collect();
            about.sort_unstable();
            about.dedup();
            about.iter().map(|n| report(ABOUT[*n], i64::try_from(source).unwrap())).collect()
        };
        let stories = |steps: &[usize]| {
            let mut book = book(0.9);
            for step in steps {
                match ids.get(*step) {
                    Some(id) => _ = poll(&mut book, id, &document(*step)),
                    None => book.store = Sqlite::open(&book.path).unwrap(),
                }
            }
            let mut titles = book.titles();
            titles.sort_unstable();
            titles
        };
        let once = stories(&[0, 1, 2, 3]);
        prop_assert_eq!(&once, &stories(&[order.as_slice(), &again].concat()));
    }
}
