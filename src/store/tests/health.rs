//! The daemon's own news of a certificate, and the days of polls that a state keeps.

use chrono::TimeDelta;

use super::book::{Book, day};
use super::*;
use crate::model::{PollDay, Standing};
use crate::store::News;

fn poll(book: &mut Book, ends: DateTime<Utc>) {
    let id = SourceId::new("a");
    let mut state = book.store.state(&id).unwrap();
    state.standing = Standing::Ok;
    state.last_poll = Some(book.now);
    state.certificate_ends = Some(ends);
    state.tally(book.now);
    book.store
        .commit(&Commit { source: &id, state: &state, reading: None, ledger: &[], now: book.now })
        .unwrap();
}

#[test]
fn a_certificate_that_ends_soon_is_news_once() {
    let mut book = Book::new(&["a"]);
    let news = |book: &mut Book| -> Vec<News> {
        book.store.health(None, 10).unwrap().into_iter().map(|one| one.news).collect()
    };
    let ends = day(1) + TimeDelta::days(20);
    book.now = day(1);
    poll(&mut book, ends);
    assert_eq!(news(&mut book), []);
    for hours in [0, 6, 24 * 9] {
        book.now = day(8) + TimeDelta::hours(hours);
        poll(&mut book, ends);
        assert_eq!(news(&mut book), [News::Expiring], "after {hours} hours");
    }
    // A new one is none, until its own last days; and the source was well all the while.
    let renewed = ends + TimeDelta::days(90);
    poll(&mut book, renewed);
    book.now = renewed - TimeDelta::days(3);
    poll(&mut book, renewed);
    assert_eq!(news(&mut book), [News::Expiring, News::Expiring]);
    let last = &book.store.health(None, 1).unwrap()[0];
    assert_eq!(last.words, "The certificate of its host ends on 19 June 2026, 12:00 UTC.");
}

#[test]
fn thirty_days_of_polls_are_kept() {
    let mut book = Book::new(&["a"]);
    for n in 0..40 {
        book.now = day(1) + TimeDelta::days(n);
        poll(&mut book, day(1) + TimeDelta::days(900));
        poll(&mut book, day(1) + TimeDelta::days(900));
    }
    let days = book.store.state(&SourceId::new("a")).unwrap().days;
    assert_eq!(days.len(), 30);
    let newest = book.now.timestamp() / 86_400;
    assert_eq!(days[29], PollDay { day: newest, read: 2, unchanged: 0, failed: 0 });
}

#[test]
fn what_happened_to_a_source_comes_along_when_its_former_id_is_named_late() {
    let mut book = Book::new(&["a"]);
    let ends = book.now + TimeDelta::days(3);
    poll(&mut book, ends);
    let mut renamed = super::book::source("b");
    book.sources = vec![renamed.clone()];
    book.sync();
    renamed.was = vec![SourceId::new("a")];
    book.sources = vec![renamed];
    book.sync();
    let news = book.store.health(Some(&SourceId::new("b")), 10).unwrap();
    assert_eq!(news.iter().map(|one| one.news).collect::<Vec<_>>(), [News::Expiring]);
}
