//! The words of new entries on their way into the index: gathered while a transaction is made, written at its end.
//!
//! FTS5 puts everything it has onto the disk, as a piece that is to be merged later, whenever a row comes before the
//! last one, and at every savepoint. So rows are written in their order, and after all savepoints. Changes and
//! removals go through triggers.

use rusqlite::{Connection, params};

use super::search;
use crate::model::{Category, Entry, Markup};
use crate::store::StoreError;

/// Rows of the index that are not written yet.
#[derive(Debug, Default)]
pub(super) struct Words(Vec<Row>);

#[derive(Debug)]
struct Row {
    place: i64,
    title: String,
    body: String,
}

impl Words {
    pub(super) fn add(&mut self, published: i64, number: i64, entry: &Entry) {
        let names = entry.authors.iter().filter_map(|author| author.name.as_deref());
        let subjects = entry.categories.iter().flat_map(Category::names);
        let texts = [entry.summary.as_ref(), entry.content.as_ref()].into_iter().flatten().map(Markup::text);
        let body = search::body_words(texts, names.chain(subjects));
        self.0.push(Row {
            place: search::place(published, number),
            title: search::title_words(&entry.title),
            body,
        });
    }

    pub(super) fn append(&mut self, mut later: Self) {
        self.0.append(&mut later.0);
    }

    /// Writes them all, in their order.
    pub(super) fn write(&mut self, db: &Connection) -> Result<(), StoreError> {
        let mut rows = std::mem::take(&mut self.0);
        rows.sort_unstable_by_key(|row| row.place);
        let mut insert = db.prepare_cached("INSERT INTO words (rowid, title, body) VALUES (?1, ?2, ?3)")?;
        for row in rows {
            insert.execute(params![row.place, row.title, row.body])?;
        }
        Ok(())
    }
}
