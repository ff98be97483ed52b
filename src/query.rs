//! What people search for: words, "phrases", begin*, title:word, OR (or |), -not, brackets. A text in, a tree or a sentence
//! about what is wrong with it out. Never looks anything up: the store does that.

pub mod words;

use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use crate::units::Span;

/// Longest query, in characters.
const LONGEST: usize = 1000;
/// Words and phrases in one query.
const MOST_TERMS: usize = 64;
/// Brackets inside brackets: as many as the index of words can be asked with (store/sqlite/search.rs).
const DEEPEST: usize = 10;
/// `title: ferry` is refused with it, too: as `title:` it would mean one of two things, and nobody would be told which.
const NO_TITLE: &str = "title: needs one word or \"words in a row\" right behind it";

/// A query that can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    text: String,
    tree: Tree,
}

/// What must hold of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    /// All of these; never empty.
    All(Vec<Tree>),
    /// One of these; never empty.
    Any(Vec<Tree>),
    /// Not this.
    Not(Box<Tree>),
    /// These words in a row, folded; the last one may go on.
    Words {
        /// Never empty; see [`words::folded`].
        words: Vec<String>,
        /// `begin*`.
        goes_on: bool,
        /// `title:word`.
        in_title: bool,
    },
}

impl Query {
    /// Reads a query. Neighbours must all be there; OR binds less than they do.
    ///
    /// # Errors
    /// One sentence about what cannot be understood.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.chars().nth(LONGEST).is_some() {
            return Err(format!("the query is longer than {LONGEST} characters"));
        }
        let mut reader = Reader { pieces: pieces(text)?.into_iter().peekable(), terms: 0 };
        let tree = reader.any(0)?;
        if reader.pieces.next().is_some() {
            return Err("a bracket is closed that was not opened".to_owned());
        }
        let tree = tree.ok_or("the query has no words")?;
        Ok(Self { text: text.split_whitespace().collect::<Vec<_>>().join(" "), tree })
    }

    /// All words of a text, in a title or anywhere, whatever signs stand between them: somebody's title is no query.
    /// `None`: it has none.
    pub fn of_words(text: &str, in_title: bool) -> Option<Self> {
        let words = words::folded(text).into_iter().take(MOST_TERMS);
        let terms: Vec<Tree> =
            words.map(|word| Tree::Words { words: vec![word], goes_on: false, in_title }).collect();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        (!terms.is_empty()).then_some(Self { text, tree: Tree::All(terms) })
    }

    /// What must hold.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// As it was written, white space squeezed.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// The moment that `since` names: a date, a date with time, or a time ago (`7d`).
///
/// # Errors
/// One sentence about what cannot be understood.
pub fn since(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(day.and_time(NaiveTime::MIN).and_utc());
    }
    let ago = text.parse::<Span>().ok().and_then(|span| TimeDelta::from_std(span.0).ok());
    ago.and_then(|ago| now.checked_sub_signed(ago)).ok_or_else(|| {
        format!(
            "since is a day (2026-01-31), a time (2026-01-31T12:00:00Z) or a while ago (7d), not {text:?}"
        )
    })
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[derive(Debug, PartialEq)]
enum Piece {
    Open,
    Close,
    Or,
    And,
    Not,
    /// `title:`, before what must stand there.
    InTitle,
    /// Empty where nothing in it can be searched for (an ampersand alone).
    Words(Vec<String>, bool),
}

fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = text.trim_start();
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '(' => pieces.push(Piece::Open),
            ')' => pieces.push(Piece::Close),
            '|' => {
                pieces.push(Piece::Or);
                rest = after.strip_prefix('|').unwrap_or(after).trim_start();
                continue;
            }
            '"' | '“' | '„' | '”' | '«' => {
                let close = |c: char| matches!(c, '"' | '“' | '”' | '»');
                let (phrase, behind) =
                    after.split_once(close).ok_or("a quotation mark is not closed; write \"two words\"")?;
                let goes_on = behind.starts_with('*');
                pieces.push(Piece::Words(words::folded(phrase), goes_on));
                let behind = behind.strip_prefix('*').unwrap_or(behind);
                is_not_about(behind.split(char::is_whitespace).next().unwrap_or_default())?;
                rest = behind.trim_start();
                continue;
            }
            '-' if after.starts_with(|c: char| !c.is_whitespace()) => pieces.push(Piece::Not),
            _ => {
                let end = rest.find(|c: char| {
                    c.is_whitespace() || matches!(c, '|' | '"' | '(' | ')' | '“' | '„' | '”' | '«')
                });
                let (word, behind) = rest.split_at(end.unwrap_or(rest.len()));
                if let Some((field, _)) = word.split_once(':')
                    && is_title(field)?
                {
                    pieces.push(Piece::InTitle);
                    rest = rest.get(field.len() + 1..).unwrap_or_default();
                    continue;
                }
                if word.starts_with("NEAR/") || word == "NEAR" && behind.starts_with('(') {
                    return Err("NEAR is not understood; write \"two words\" for words in a row".to_owned());
                }
                if word.contains(['[', '{']) {
                    is_no_range(rest)?;
                }
                is_not_negated(rest)?;
                has_only_known_signs(word)?;
                pieces.push(match word {
                    "OR" => Piece::Or,
                    "AND" => Piece::And,
                    "NOT" => Piece::Not,
                    word => {
                        let signs = word.rsplit(char::is_alphanumeric).next().unwrap_or_default();
                        Piece::Words(words::folded(word), signs.contains('*'))
                    }
                });
                rest = behind.trim_start();
                continue;
            }
        }
        rest = after.trim_start();
    }
    Ok(pieces)
}

/// True when what stands before a colon names the title. What people know from other searches and this one does not
/// have is refused: taken for words it would find nothing.
fn is_title(field: &str) -> Result<bool, String> {
    let beside = |what: &str, how: &str| {
        Err(format!("{field}: is not understood; {what} are chosen beside the query: {how}"))
    };
    match field.to_ascii_lowercase().as_str() {
        "title" | "intitle" => Ok(true),
        "lang" | "language" => beside("languages", "lang=en, --lang en, or languages in a [[feed]]"),
        "source" | "feed" | "site" => beside("sources", "source=id, --source id, or sources in a [[feed]]"),
        "since" | "after" | "before" | "date" => beside("dates", "since=7d, or --since 7d"),
        "author" | "body" | "content" | "text" | "intext" | "summary" | "category" | "tag" | "url"
        | "inurl" | "link" => Err(format!(
            "{field}: is not understood; words are looked for in all of an entry, or with title: there"
        )),
        _ => Ok(false),
    }
}

/// Signs at a word that change what other searches find: without their meaning, it would find nothing and not say why.
/// All others are passed over, as they are in texts.
fn has_only_known_signs(word: &str) -> Result<(), String> {
    if let Some((before, behind)) = word.split_once('*')
        && behind.contains(char::is_alphanumeric)
    {
        let inside = before.contains(char::is_alphanumeric);
        let part = if inside { "by what is in the middle" } else { "by how they end" };
        return Err(format!(
            "{word}: words are found by how they begin (flood*), not {part}; search for the whole word"
        ));
    }
    // In an address it stands before what is asked for, and where no blanks part the words it ends a question.
    let letter = |c: char| c.is_alphanumeric() && !words::stands_alone(c);
    if !word.contains('/') && word.split('?').skip(1).any(|behind| behind.starts_with(letter)) {
        return Err(format!(
            "{word}: no sign stands for a letter; search for the whole word, or for how it begins (flood*)"
        ));
    }
    if let Some(at) = word.rfind('~').filter(|at| *at > 0) {
        is_not_about(word.get(at..).unwrap_or_default())?;
    }
    if let Some(weight) = word.rsplit_once('^').map(|(_, weight)| weight).filter(|weight| is_number(weight)) {
        return Err(format!(
            "^{weight} is not understood: no word counts for more than another; write \"x^2\" for what stands in texts"
        ));
    }
    Ok(())
}

/// `~2` behind a word or a phrase: nearly these words, or nearly in a row.
fn is_not_about(behind: &str) -> Result<(), String> {
    match behind.strip_prefix('~') {
        Some(number) if number.is_empty() || is_number(number) => Err(format!(
            "~{number} is not understood: words are found as they are written, and \"two words\" right in a row"
        )),
        _ => Ok(()),
    }
}

/// `!word`: elsewhere that is to do without it, and here it would be asked for.
fn is_not_negated(rest: &str) -> Result<(), String> {
    let is_asked = |c: char| c.is_alphanumeric() || matches!(c, '(' | '"' | '“' | '„' | '”' | '«');
    if rest.strip_prefix('!').is_some_and(|behind| behind.starts_with(is_asked)) {
        return Err(
            "! is not understood; write -word, or NOT, for entries without it, and \"!word\" for what \
                    stands in texts"
                .to_owned(),
        );
    }
    Ok(())
}

/// `[a TO b]`.
fn is_no_range(rest: &str) -> Result<(), String> {
    let range = rest.split_once(['[', '{']).and_then(|(_, range)| Some(range.split_once([']', '}'])?.0));
    match range.map(|range| range.split_whitespace().collect::<Vec<_>>()).as_deref() {
        Some([from, "TO", to]) => Err(format!(
            "[{from} TO {to}] is not understood: words have no order; dates are chosen beside the query: since=7d, or \
             --since 7d"
        )),
        _ => Ok(()),
    }
}

fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(|c| c.is_ascii_digit() || c == '.')
}

struct Reader<I: Iterator<Item = Piece>> {
    pieces: std::iter::Peekable<I>,
    terms: usize,
}

impl<I: Iterator<Item = Piece>> Reader<I> {
    /// Alternatives, up to a closing bracket or the end. `None`: nothing in it can be searched for.
    fn any(&mut self, depth: usize) -> Result<Option<Tree>, String> {
        if depth > DEEPEST {
            return Err(format!("the query has more than {DEEPEST} brackets inside each other"));
        }
        let mut ways = Vec::new();
        loop {
            let way = self.all(depth)?;
            let more = self.pieces.next_if_eq(&Piece::Or).is_some();
            match way {
                Some(way) => ways.push(way),
                None if more || !ways.is_empty() => {
                    return Err("OR needs a word on either side".to_owned());
                }
                None => return Ok(None),
            }
            if !more {
                break;
            }
        }
        Ok(if ways.len() == 1 { ways.pop() } else { Some(Tree::Any(ways)) })
    }

    fn all(&mut self, depth: usize) -> Result<Option<Tree>, String> {
        let mut parts = Vec::new();
        while let Some(piece) = self.pieces.peek() {
            match piece {
                Piece::Close | Piece::Or => break,
                Piece::And => {
                    self.pieces.next();
                    let behind =
                        matches!(self.pieces.peek(), None | Some(Piece::Close | Piece::Or | Piece::And));
                    if parts.is_empty() || behind {
                        return Err("AND needs a word on either side".to_owned());
                    }
                }
                Piece::Not | Piece::Open | Piece::InTitle | Piece::Words(..) => {
                    parts.extend(self.one(depth)?);
                }
            }
        }
        Ok(if parts.len() > 1 { Some(Tree::All(parts)) } else { parts.pop() })
    }

    fn one(&mut self, depth: usize) -> Result<Option<Tree>, String> {
        let mut negated = false;
        while self.pieces.next_if_eq(&Piece::Not).is_some() {
            negated = !negated;
        }
        let in_title = self.pieces.next_if_eq(&Piece::InTitle).is_some();
        let tree = match self.pieces.next() {
            Some(Piece::Open) if !in_title => {
                let inner = self.any(depth + 1)?;
                if self.pieces.next_if_eq(&Piece::Close).is_none() {
                    return Err("a bracket is not closed".to_owned());
                }
                inner
            }
            Some(Piece::Words(words, goes_on)) => {
                self.terms += 1;
                if self.terms > MOST_TERMS {
                    return Err(format!("the query has more than {MOST_TERMS} words"));
                }
                if in_title && words.is_empty() {
                    return Err(NO_TITLE.to_owned());
                }
                (!words.is_empty()).then_some(Tree::Words { words, goes_on, in_title })
            }
            _ if in_title => return Err(NO_TITLE.to_owned()),
            _ => return Err("NOT needs a word behind it".to_owned()),
        };
        Ok(tree.map(|tree| if negated { Tree::Not(Box::new(tree)) } else { tree }))
    }
}

#[cfg(test)]
mod tests;
