//! Nearly the same: an entry that no declared rule knows tells, in nearly the same words, a story of another
//! source. Pure. A wrong "yes" hides a story; a wrong "no" shows it twice. So every doubt is a "no".
//!
//! docs/notes/nearly-the-same.md says what may differ, and why nothing else.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};

use super::decide::Table;
use super::wording::{Word, bands, comparable, share, shingles, words};
use super::{Context, Rules, Target, keys};
use crate::model::{DedupRule, Entry, Markup};

/// What `sightings` and `explain` call it.
pub const SIMILAR: &str = "similar text";
/// Entries further apart than this, by the dates shown or by when they came, are never one by their words.
pub const NEAR: Duration = Duration::hours(48);
/// A longer pair of words apart and together ("per cent") is not looked for.
const JOINED: usize = 3;
/// Titles that differ in so few words are one form, however short they are.
const SLOTS: usize = 2;
/// Letters at the beginning that two spellings of one word share.
const SPELT_ALIKE: usize = 4;

/// A story whose text shares a band with an entry's: what the verdict needs of it.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its title.
    pub title: String,
    /// Its text: content, else summary.
    pub text: Markup,
    /// Its language.
    pub language: Option<String>,
    /// The date shown.
    pub published: DateTime<Utc>,
    /// The polled source has told it already.
    pub here: bool,
}

/// The bands of an entry; none where likeness is off or not asked about this one.
pub(super) fn bands_of(context: &Context<'_>, entry: &Entry, shown: DateTime<Utc>) -> Vec<i64> {
    let asked = context.rules.similar.is_some() && context.rule != DedupRule::None && !entry.unchanged;
    if !asked || (context.now - shown).abs() > NEAR {
        return Vec::new();
    }
    bands(&words(text(entry)))
}

fn text(entry: &Entry) -> &str {
    entry.content.as_ref().or(entry.summary.as_ref()).map_or("", Markup::text)
}

/// A title and a text in words.
struct Told<'a> {
    title: Vec<Word>,
    text: Vec<Word>,
    language: Option<&'a str>,
}

impl<'a> Told<'a> {
    fn new(title: &str, text: &str, language: Option<&'a str>, rules: &Rules) -> Self {
        let language = language.and_then(|tag| tag.split('-').next());
        Self { title: words(keys::without_suffix(title, rules)), text: words(text), language }
    }
}

/// True when two tell one story in nearly the same words.
fn nearly_the_same(one: &Told<'_>, two: &Told<'_>, least: f64) -> bool {
    // An output of one language must not lose a story to a copy of which nobody knows the language.
    if one.language != two.language || !comparable(&one.text) || !comparable(&two.text) {
        return false;
    }
    let shared = match (holds(&one.text, &two.text), holds(&two.text, &one.text)) {
        (true, _) => &two.text,
        (false, true) => &one.text,
        (false, false) => return false,
    };
    titles_agree(&one.title, &two.title, shared) && share(&shingles(&one.text), &shingles(&two.text)) >= least
}

/// True when every word of the shorter text stands in the longer, one after the other; and what the longer says
/// before and after brings no number.
fn holds(longer: &[Word], shorter: &[Word]) -> bool {
    // What is said beside costs shingles: with more of it the share is under any that can be asked for.
    (0..=longer.len() / 4).any(|start| {
        let Some((before, rest)) = longer.split_at_checked(start) else { return false };
        let after = goes_along(rest, shorter);
        after.is_some_and(|after| !before.iter().chain(after).any(|word| word.number))
    })
}

/// What is left of a text after these words; `None` where it says something else.
fn goes_along<'a>(mut longer: &'a [Word], mut shorter: &[Word]) -> Option<&'a [Word]> {
    while let Some(word) = shorter.first() {
        let (a, b) = if longer.first()?.text == word.text { (1, 1) } else { spelt(longer, shorter)? };
        longer = longer.get(a..)?;
        shorter = shorter.get(b..)?;
    }
    Some(longer)
}

/// How many words on either side are the same in another spelling: "per cent" and "percent", "colour" and
/// "color". Not "junio" and "julio": a month is no spelling of another.
fn spelt(one: &[Word], two: &[Word]) -> Option<(usize, usize)> {
    let (first, second) = (one.first()?, two.first()?);
    if !(first.names || second.names || first.number || second.number)
        && spelt_otherwise(&first.text, &second.text)
    {
        return Some((1, 1));
    }
    // "1 000" is 1000, but "lines 1 2" are not line 12.
    let one_number = |pair: &[Word]| match pair {
        [a, b] if a.number && b.number => b.text.chars().count() == 3,
        _ => true,
    };
    let joined = |words: &[Word], count: usize| -> Option<String> {
        let words = words.get(..count).filter(|words| words.windows(2).all(one_number))?;
        Some(words.iter().map(|word| word.text.as_str()).collect())
    };
    (2..=JOINED).find_map(|count| {
        if joined(one, count).as_deref() == Some(second.text.as_str()) {
            Some((count, 1))
        } else {
            (joined(two, count).as_deref() == Some(first.text.as_str())).then_some((1, count))
        }
    })
}

/// True for two spellings of one word that are known to be no more than that: "colour" and "color", "travelled" and
/// "traveled", "organise" and "organize". Any letter would make one of "county" and "country", "might" and "mighty".
fn spelt_otherwise(one: &str, two: &str) -> bool {
    let front = one.chars().zip(two.chars()).take_while(|(a, b)| a == b).count();
    let last = front.checked_sub(1).and_then(|before| one.chars().nth(before));
    let (mut rest, mut other) = (one.chars().skip(front), two.chars().skip(front));
    let same_after = |a: usize, b: usize| one.chars().skip(front + a).eq(two.chars().skip(front + b));
    let silent = |more: Option<char>| more == last || (more, last) == (Some('u'), Some('o'));
    let (a, b) = (rest.next(), other.next());
    front >= SPELT_ALIKE
        && (same_after(1, 0) && silent(a)
            || same_after(0, 1) && silent(b)
            || same_after(1, 1) && matches!((a, b), (Some('s'), Some('z')) | (Some('z'), Some('s'))))
}

/// True when the titles do not speak of two things. One form filled in twice ("Day 4", "Day 5") does; so does a name
/// or a number that neither the other title nor the text knows.
fn titles_agree(one: &[Word], two: &[Word], text: &[Word]) -> bool {
    let is_in = |words: &[Word], word: &Word| words.iter().any(|other| other.text == word.text);
    let only_one: Vec<&Word> = one.iter().filter(|word| !is_in(two, word)).collect();
    let only_two: Vec<&Word> = two.iter().filter(|word| !is_in(one, word)).collect();
    let (longer, common) = (one.len().max(two.len()), one.len() - only_one.len());
    let one_form = common * 2 > longer || longer.saturating_sub(common) <= SLOTS;
    let both_differ = !only_one.is_empty() && !only_two.is_empty();
    let numbers = |words: &[&Word]| words.iter().any(|word| word.number);
    if both_differ && (one_form || numbers(&only_one) && numbers(&only_two)) {
        return false;
    }
    // A title without capitals does not show its names.
    let plain = |title: &[Word]| title.iter().all(|word| !word.names);
    let told = |words: Vec<&Word>, plain: bool| {
        words.into_iter().all(|word| !(one_form || plain || word.names) || is_in(text, word))
    };
    told(only_one, plain(one)) && told(only_two, plain(two))
}

impl Table<'_> {
    /// Which story each open entry tells in nearly the same words. Where more than one story or more than one entry
    /// comes into question, the words are a form that many fill in: then none.
    pub(super) fn by_likeness(&self) -> HashMap<usize, i64> {
        let Some(least) = self.context.rules.similar else { return HashMap::new() };
        let mut told: HashMap<usize, i64> = HashMap::new();
        let mut tellers: HashMap<i64, usize> = HashMap::new();
        for index in self.open() {
            let alike = self.alike(index, least);
            for row in &alike {
                *tellers.entry(*row).or_default() += 1;
            }
            let [row] = alike.as_slice() else { continue };
            let here = self.known.kept.get(row).is_none_or(|kept| kept.here);
            let claimed = self.claims.contains_key(row)
                || self.known.across.values().any(|target| *target == Target::Row(*row));
            if !here && !claimed && self.may_meet(*row, index) {
                told.insert(index, *row);
            }
        }
        told.retain(|_, row| tellers.get(row) == Some(&1));
        told
    }

    /// The stories that an entry tells in nearly the same words.
    fn alike(&self, index: usize, least: f64) -> Vec<i64> {
        let (Some(entry), Some(rows)) = (self.entries.get(index), self.known.like.get(&index)) else {
            return Vec::new();
        };
        let rules = self.context.rules;
        let (shown, _) = super::between::shown(self.context, entry);
        let told = Told::new(&entry.title, text(entry), entry.language.as_deref(), rules);
        let same = |row: &&i64| {
            let Some(kept) = self.known.kept.get(row) else { return false };
            let other = Told::new(&kept.title, kept.text.text(), kept.language.as_deref(), rules);
            (kept.published - shown).abs() <= NEAR && nearly_the_same(&told, &other, least)
        };
        rows.iter().filter(same).copied().collect()
    }
}
