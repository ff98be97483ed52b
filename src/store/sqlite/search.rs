//! Full text: the words of every entry in an FTS5 index, asked by a checked query.
//!
//! What people write never reaches FTS5 as they wrote it: the tree of a query is made of folded words,
//! which hold letters and digits only, and is written anew here.

use std::fmt::Write as _;
use std::ops::ControlFlow;

use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

use super::rivers::Place;
use super::rows;
use crate::html;
use crate::query::{Query, Tree, words};
use crate::store::StoreError;

/// A word that stands in every entry and in no text: what a query of nothing but "not" is taken from.
const EVERY: char = '\u{E000}';
/// Bits of an entry's number in its place in the river: a thousand million entries.
const NUMBER_BITS: u32 = 30;
/// Where places begin: 1900-01-01. Older dates stand there too.
const EPOCH: i64 = -2_208_988_800;
/// Seconds that fit, up to the year 2172. Later dates stand there too.
const SPAN: i64 = (1 << 33) - 1;

/// The row of an entry in the index.
pub(super) fn place(published: i64, number: i64) -> i64 {
    let seconds = published.saturating_sub(EPOCH).clamp(0, SPAN);
    (seconds << NUMBER_BITS) | (number & ((1 << NUMBER_BITS) - 1))
}

/// The date and the number of an entry, from its row in the index.
fn at(place: i64) -> Place {
    ((place >> NUMBER_BITS).saturating_add(EPOCH), place & ((1 << NUMBER_BITS) - 1))
}

/// Makes the functions known that the triggers of the index call.
pub(super) fn install(db: &Connection) -> rusqlite::Result<()> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    db.create_scalar_function("river_place", 2, flags, |row| Ok(place(row.get(0)?, row.get(1)?)))?;
    db.create_scalar_function("river_words", 1, flags, |row| Ok(title_words(text(row.get_raw(0)))))?;
    db.create_scalar_function("river_text", 3, flags, |row| {
        let names = rows::names(text(row.get_raw(2)));
        let texts = [0, 1].map(|column| html::to_text(text(row.get_raw(column))));
        Ok(body_words(texts.iter().map(String::as_str), names.iter().map(String::as_str)))
    })
}

/// What the index has of a title.
pub(super) fn title_words(title: &str) -> String {
    let mut out = String::new();
    words::fold_into(&mut out, title);
    out
}

/// What the index has of an entry's texts and of the names in it.
pub(super) fn body_words<'a>(
    texts: impl IntoIterator<Item = &'a str>,
    names: impl IntoIterator<Item = &'a str>,
) -> String {
    let mut out = format!("{EVERY} ");
    for text in texts.into_iter().chain(names) {
        words::fold_into(&mut out, text);
    }
    out
}

fn text(value: ValueRef<'_>) -> &str {
    value.as_str().unwrap_or_default()
}

/// What every entry matches.
pub(super) fn everything() -> String {
    format!("\"{EVERY}\"")
}

/// A query as FTS5 wants it.
pub(super) fn expression(query: &Query) -> String {
    let mut out = String::new();
    write(&mut out, query.tree());
    out
}

fn write(out: &mut String, tree: &Tree) {
    match tree {
        Tree::Words { words, goes_on, in_title } => {
            let (before, behind) =
                (if *in_title { "title : " } else { "" }, if *goes_on { " *" } else { "" });
            // Folded words are letters and digits: nothing in them ends the quotation.
            let _ = write!(out, "{before}\"{}\"{behind}", words.join(" "));
        }
        Tree::Any(parts) => list(out, parts.iter(), " OR "),
        Tree::Not(_) => without(out, std::iter::empty(), std::slice::from_ref(tree).iter()),
        Tree::All(parts) => {
            let negated = |part: &&Tree| matches!(part, Tree::Not(_));
            let wanted = parts.iter().filter(|part| !negated(part));
            if wanted.clone().count() == parts.len() {
                return list(out, wanted, " AND ");
            }
            without(out, wanted, parts.iter().filter(negated));
        }
    }
}

/// FTS5 knows "not" only between two things. Several follow each other without brackets of their own: how many are open at
/// once has a limit there (a hundred signs wait on its stack at most).
fn without<'a>(
    out: &mut String,
    wanted: impl Iterator<Item = &'a Tree> + Clone,
    negated: impl Iterator<Item = &'a Tree>,
) {
    out.push('(');
    if wanted.clone().next().is_none() {
        out.push_str(&everything());
    } else {
        list(out, wanted, " AND ");
    }
    for tree in negated {
        let Tree::Not(inner) = tree else { continue };
        out.push_str(" NOT ");
        write(out, inner);
    }
    out.push(')');
}

fn list<'a>(out: &mut String, parts: impl Iterator<Item = &'a Tree>, by: &str) {
    out.push('(');
    for (at, part) in parts.enumerate() {
        if at > 0 {
            out.push_str(by);
        }
        write(out, part);
    }
    out.push(')');
}

/// Walks what matches, newest first, from behind a place on, until told to stop.
pub(super) fn walk(
    db: &Connection,
    expression: &str,
    (published, number): Place,
    mut each: impl FnMut(Place) -> Result<ControlFlow<()>, StoreError>,
) -> Result<(), StoreError> {
    let mut statement =
        db.prepare_cached("SELECT rowid FROM words WHERE words MATCH ?1 AND rowid < ?2 ORDER BY rowid DESC")?;
    let mut found = statement.query(params![expression, place(published, number)])?;
    while let Some(row) = found.next()? {
        if each(at(row.get(0)?))?.is_break() {
            break;
        }
    }
    Ok(())
}

/// True when one entry matches.
pub(super) fn matches(
    db: &Connection,
    expression: &str,
    (published, number): Place,
) -> Result<bool, StoreError> {
    Ok(db
        .prepare_cached("SELECT 1 FROM words WHERE words MATCH ?1 AND rowid = ?2")?
        .exists(params![expression, place(published, number)])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_written_for_fts5() {
        for (query, wanted) in [
            ("a", "\"a\""),
            ("a b", "(\"a\" AND \"b\")"),
            ("a OR \"b c\"", "(\"a\" OR \"b c\")"),
            ("a* -b -c", "((\"a\" *) NOT \"b\" NOT \"c\")"),
            ("-a", "(\"\u{E000}\" NOT \"a\")"),
            ("title:a", "title : \"a\""),
        ] {
            assert_eq!(expression(&Query::new(query).unwrap()), wanted);
        }
    }

    #[test]
    fn places_sort_by_date_then_number() {
        let mut last = i64::MIN;
        for (published, number) in
            [(-3_000_000_000, 5), (0, 1), (0, 2), (1_366_983_689, 7), (1_366_983_690, 1), (i64::MAX, 3)]
        {
            let at = place(published, number);
            assert!(at > last, "{published} {number}");
            assert_eq!(super::at(at).1, number);
            last = at;
        }
    }
}
