//! The rules of identity, case by case: small documents are polled into a store, then the river is looked at.

mod between;
mod changes;
mod dates;
mod inside;
mod labelled;
mod likeness;
mod moves;
mod orders;

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::*;
use crate::store::Store;
use crate::store::tests::book::{Book, day, entry, signed};

/// An entry in the making. What is not said is absent.
#[derive(Clone, Debug)]
struct Draft(Entry);

fn titled(title: &str) -> Draft {
    Draft(entry("", "", title, None, ""))
}

/// A document of one entry.
fn alone(draft: &Draft) -> &[Draft] {
    std::slice::from_ref(draft)
}

/// A text that no other entry will have by chance.
fn story(about: &str) -> String {
    format!(
        "The council met on Thursday to speak about {about}, and after a long evening it decided with a \
         small majority to put the question to the people of the valley in spring."
    )
}

impl Draft {
    fn title(mut self, title: &str) -> Self {
        title.clone_into(&mut self.0.title);
        self
    }

    fn guid(mut self, guid: &str) -> Self {
        self.0.guid = Some(guid.to_owned());
        self
    }

    fn link(mut self, link: &str) -> Self {
        self.0.link = Some(link.to_owned());
        self
    }

    fn at(mut self, at: DateTime<Utc>) -> Self {
        self.0.published = Some(at);
        self
    }

    fn updated(mut self, at: DateTime<Utc>) -> Self {
        self.0.updated = Some(at);
        self
    }

    fn text(mut self, text: &str) -> Self {
        self.0.summary = (!text.is_empty()).then(|| text.to_owned().into());
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Entry)) -> Self {
        change(&mut self.0);
        self
    }
}

/// Polls a document; how many stories it brought, and how many it changed.
fn poll(book: &mut Book, id: &str, document: &[Draft]) -> (usize, usize) {
    let entries: Vec<Entry> = document.iter().map(|draft| signed(draft.0.clone())).collect();
    let committed = book.poll(id, &entries);
    (committed.new.len(), committed.changed.len())
}

/// Polls documents of one source in turn; how many stories each brought.
fn news(documents: &[&[Draft]]) -> Vec<usize> {
    let mut book = Book::new(&["a"]);
    documents.iter().map(|document| poll(&mut book, "a", document).0).collect()
}

/// Each of these documents comes from a source of its own, under one rule; the stories that stand then.
fn stories(rule: DedupRule, documents: &[&[Draft]]) -> usize {
    let ids: Vec<String> = (0..documents.len()).map(|n| format!("s{n}")).collect();
    let mut book = Book::new(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    book.sources.iter_mut().for_each(|source| source.dedup = rule);
    book.sync();
    for (id, document) in ids.iter().zip(documents) {
        poll(&mut book, id, document);
    }
    book.river(None).len()
}

fn hours(number: i64) -> TimeDelta {
    TimeDelta::hours(number)
}
