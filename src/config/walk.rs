//! Walks a TOML document by the table of known keys and gathers every problem on the way,
//! so that one slip never hides another. Knows shapes and places, not what values mean.

use std::cell::RefCell;
use std::ffi::OsString;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnose::{File, Place, Problem, Problems, Severity, line_of, mask, nearest};
use super::keys::{ALIASES, Key, NOT_YET, ROOT, Shape, Table};

/// Looks up an environment variable.
pub type Env<'e> = &'e dyn Fn(&str) -> Option<OsString>;

/// One thing wrong with a value: where in the text, what, and what would be right.
pub(super) struct Wrong {
    pub(super) span: Range<usize>,
    pub(super) words: String,
    pub(super) hint: Option<String>,
}

/// What a reader of values gives: the value, or all that is wrong with it.
pub(super) type Read<T> = Result<T, Vec<Wrong>>;

/// Where everything found is gathered.
pub(super) struct Report<'e> {
    pub(super) env: Env<'e>,
    files: RefCell<Vec<File>>,
    /// Parts of files that are no TOML: nothing more is said about them.
    broken: RefCell<Vec<Place>>,
    secrets: RefCell<Vec<Place>>,
    problems: RefCell<Vec<Problem>>,
    /// Further files that were read, for `--watch`.
    pub(super) also_read: RefCell<Vec<PathBuf>>,
}

impl<'e> Report<'e> {
    pub(super) fn new(env: Env<'e>) -> Self {
        Self {
            env,
            files: RefCell::default(),
            broken: RefCell::default(),
            secrets: RefCell::default(),
            problems: RefCell::default(),
            also_read: RefCell::default(),
        }
    }

    /// Takes a file in under the name it is shown by; its number names it from now on.
    pub(super) fn add_file(&self, shown: PathBuf, text: &str) -> usize {
        let mut files = self.files.borrow_mut();
        files.push(File { path: shown, text: text.to_owned() });
        files.len() - 1
    }

    /// Says that something is wrong at a place.
    pub(super) fn say(&self, severity: Severity, place: Option<Place>, words: String, hint: Option<String>) {
        self.push(Problem { severity, words, hint, place, also: None });
    }

    pub(super) fn push(&self, problem: Problem) {
        let broken = |place: &Place| {
            let inside = |b: &Place| b.file == place.file && b.span.contains(&place.span.start);
            self.broken.borrow().iter().any(inside)
        };
        if !problem.place.as_ref().is_some_and(broken) {
            self.problems.borrow_mut().push(problem);
        }
    }

    /// The text is no TOML here.
    pub(super) fn syntax(&self, file: usize, error: &toml::de::Error) {
        let span = error.span().unwrap_or(0..0);
        let place = Place { file, span };
        let words = format!("this is not TOML: {}", error.message().replace('\n', "; "));
        let broken = self.files.borrow().get(file).map(|f| broken(&f.text, place.span.start));
        self.problems.borrow_mut().push(Problem {
            severity: Severity::Error,
            words,
            hint: None,
            place: Some(place),
            also: None,
        });
        self.broken.borrow_mut().extend(broken.map(|span| Place { file, span }));
    }

    /// True when something was found for which the config is refused.
    pub(super) fn has_errors(&self) -> bool {
        self.problems.borrow().iter().any(|problem| problem.severity == Severity::Error)
    }

    pub(super) fn hide(&self, place: Place) {
        self.secrets.borrow_mut().push(place);
    }

    /// Everything found, with stars over the secrets.
    pub(super) fn finish(self) -> Problems {
        let secrets = self.secrets.into_inner();
        let mut files = self.files.into_inner();
        for (number, file) in files.iter_mut().enumerate() {
            let mut spans = super::secret::likely(&file.text);
            spans.extend(secrets.iter().filter(|p| p.file == number).map(|p| p.span.clone()));
            file.text = mask(&file.text, &spans);
        }
        Problems::new(files, self.problems.into_inner())
    }
}

/// What an error at a byte leaves unread: its line; after a broken header all of its table.
fn broken(text: &str, at: usize) -> Range<usize> {
    let line = line_of(text, at);
    let rest = text.get(line.end..).unwrap_or_default();
    if !text.get(line.clone()).unwrap_or_default().trim_start().starts_with('[') {
        return line;
    }
    let next = |l: &&str| l.trim_start().starts_with('[');
    let skipped: usize = rest.split_inclusive('\n').take_while(|l| !next(l)).map(str::len).sum();
    line.start..line.end + skipped
}

/// A value under its key.
pub(super) struct Spot<'d, 'r> {
    pub(super) value: &'d Spanned<DeValue<'d>>,
    pub(super) key: &'static Key,
    /// The directory that relative paths start from.
    pub(super) dir: &'r Path,
    pub(super) report: &'r Report<'r>,
    pub(super) file: usize,
}

impl<'d> Spot<'d, '_> {
    /// The value is wrong as a whole.
    pub(super) fn wrong<T>(&self, words: impl Into<String>) -> Read<T> {
        Err(vec![self.wrong_at(self.value.span(), words)])
    }

    pub(super) fn wrong_at(&self, span: Range<usize>, words: impl Into<String>) -> Wrong {
        let hint = if self.key.example.is_empty() {
            None
        } else {
            Some(format!("write it like {} = {}", self.key.name, self.key.example))
        };
        Wrong { span, words: words.into(), hint }
    }

    pub(super) fn wrong_with<T>(&self, words: impl Into<String>, hint: impl Into<String>) -> Read<T> {
        Err(vec![Wrong { span: self.value.span(), words: words.into(), hint: Some(hint.into()) }])
    }

    /// The value has another shape than its key wants.
    pub(super) fn wrong_shape<T>(&self) -> Read<T> {
        let found = kind(self.value.get_ref());
        self.wrong(format!("{} must be {}, this is {found}", self.key.name, wanted(self.key.shape)))
    }

    pub(super) fn text(&self) -> Read<&'d str> {
        match self.value.get_ref().as_str() {
            Some(text) => Ok(text),
            None => self.wrong_shape(),
        }
    }

    /// The texts of a list, each with its place.
    pub(super) fn texts(&self) -> Read<Vec<(&'d str, Range<usize>)>> {
        let Some(list) = self.value.get_ref().as_array() else { return self.wrong_shape() };
        let (mut texts, mut wrongs) = (Vec::new(), Vec::new());
        for element in list {
            match element.get_ref().as_str() {
                Some(text) => texts.push((text, element.span())),
                None => wrongs.push(self.wrong_at(
                    element.span(),
                    format!(
                        "{} must be {}, this is {}",
                        self.key.name,
                        wanted(self.key.shape),
                        kind(element.get_ref())
                    ),
                )),
            }
        }
        if wrongs.is_empty() { Ok(texts) } else { Err(wrongs) }
    }
}

/// What a shape wants, in words.
pub(super) fn wanted(shape: Shape) -> String {
    match shape {
        Shape::Flag => "true or false".to_owned(),
        Shape::Whole(min, max) => format!("a whole number from {min} to {max}"),
        Shape::Share => "a number from 0.0 to 1.0".to_owned(),
        Shape::Span => "a duration in quotes".to_owned(),
        Shape::Size => "a size in quotes".to_owned(),
        Shape::Text(what) => format!("{what} in quotes"),
        Shape::List(what) => format!("a list, each {what} in quotes"),
        Shape::Choice(words) => format!("one of {}", words.join(", ")),
        Shape::Secret => "a string, { file = … }, { env = … } or { credential = … }".to_owned(),
        Shape::Secrets => "a table of names and values".to_owned(),
        Shape::Table(_) => "a table".to_owned(),
        Shape::Tables(table) => format!("a table of its own: {}", table.title),
    }
}

/// What a value is, in words.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// One table of the document, read by its keys.
pub(super) struct Section<'d, 'r> {
    /// `None` where the file has no such table: everything is absent.
    table: Option<&'d DeTable<'d>>,
    known: &'static Table,
    header: Range<usize>,
    file: usize,
    dir: &'r Path,
    report: &'r Report<'r>,
}

impl<'d, 'r> Section<'d, 'r> {
    /// The document itself. Unknown keys are reported here and now.
    pub(super) fn root(
        table: &'d DeTable<'d>,
        known: &'static Table,
        file: usize,
        dir: &'r Path,
        report: &'r Report<'r>,
    ) -> Self {
        let section = Self { table: Some(table), known, header: 0..0, file, dir, report };
        section.refuse_unknown();
        section
    }

    fn inner(&self, table: Option<&'d DeTable<'d>>, known: &'static Table, header: Range<usize>) -> Self {
        let section = Self { table, known, header, file: self.file, dir: self.dir, report: self.report };
        section.refuse_unknown();
        section
    }

    fn refuse_unknown(&self) {
        for (name, value) in self.table.into_iter().flatten() {
            let span = name.span();
            let name: &str = name.get_ref();
            let path = format!("{}.{name}", self.known.path);
            if NOT_YET.contains(&path.trim_start_matches('.')) {
                let path = path.trim_start_matches('.');
                self.error(span, format!("{path} is not in this version"), None);
            } else if self.known.key(name).is_none() {
                let secret = |k: &&Key| matches!(k.shape, Shape::Secret);
                let secrets = self.known.keys.iter().filter(secret).map(|k| k.name);
                if super::secret::sounds_like(name) || nearest(name, secrets).is_some() {
                    self.report.hide(Place { file: self.file, span: value.span() });
                }
                let words = format!("unknown key {name:?} in {}", self.known.title);
                self.error(span, words, Some(self.suggest(name)));
            }
        }
    }

    /// What was probably meant by an unknown key.
    fn suggest(&self, name: &str) -> String {
        let known = || self.known.keys.iter().map(|k| k.name);
        if let Some(near) = nearest(name, known()) {
            return format!("did you mean {near}?");
        }
        let plain = name.replace('-', "_").to_lowercase();
        if let Some((_, ours)) = ALIASES.iter().find(|(theirs, _)| *theirs == plain)
            && self.known.key(ours).is_some()
        {
            return format!("here it is called {ours}");
        }
        if let Some(owner) = owner(&ROOT, &plain) {
            return format!("{plain} belongs in {owner}");
        }
        format!("known here: {}", known().collect::<Vec<_>>().join(", "))
    }

    fn value(&self, name: &str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.table.and_then(|t| t.get(name))
    }

    /// Where the table begins: its header.
    pub(super) fn header(&self) -> Place {
        Place { file: self.file, span: self.header.clone() }
    }

    /// Where the value of a key stands, or else the table.
    pub(super) fn place(&self, name: &str) -> Place {
        let span = self.value(name).map_or_else(|| self.header.clone(), Spanned::span);
        Place { file: self.file, span }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// True when there is nothing in it but these keys.
    pub(super) fn has_only(&self, names: &[&str]) -> bool {
        self.table.into_iter().flatten().all(|(k, _)| names.contains(&&**k.get_ref()))
    }

    pub(super) fn error(&self, span: Range<usize>, words: String, hint: Option<String>) {
        self.report.say(Severity::Error, Some(Place { file: self.file, span }), words, hint);
    }

    pub(super) fn warn(&self, name: &str, words: String, hint: Option<String>) {
        self.report.say(Severity::Warning, Some(self.place(name)), words, hint);
    }

    /// The value of a key, if it is there and right. What is wrong with it is reported.
    pub(super) fn get<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&Spot<'d, 'r>) -> Read<T>,
    ) -> Option<T> {
        let key = self.known.key(name)?;
        let value = self.value(name)?;
        let spot = Spot { value, key, dir: self.dir, report: self.report, file: self.file };
        match read(&spot) {
            Ok(value) => Some(value),
            Err(wrongs) => {
                for wrong in wrongs {
                    self.error(wrong.span, wrong.words, wrong.hint);
                }
                None
            }
        }
    }

    /// The table under a key; an empty one where it is absent or no table.
    pub(super) fn table(&self, name: &'static str) -> Self {
        let known = match self.known.key(name).map(|k| k.shape) {
            Some(Shape::Table(table)) => table,
            _ => self.known,
        };
        let table = self.get(name, |spot| match spot.value.get_ref().as_table() {
            Some(table) => Ok(table),
            None => spot.wrong_shape(),
        });
        self.inner(table, known, self.place(name).span)
    }

    /// Every table under a key: `[[name]]`.
    pub(super) fn tables(&self, name: &'static str) -> Vec<Self> {
        let Some(Shape::Tables(known)) = self.known.key(name).map(|k| k.shape) else { return Vec::new() };
        let elements = self.get(name, |spot| match spot.value.get_ref().as_array() {
            Some(list) => Ok(list),
            None => spot.wrong_with(
                format!("{name} must be {}, this is {}", wanted(spot.key.shape), kind(spot.value.get_ref())),
                format!("write [[{name}]] with two brackets"),
            ),
        });
        let mut sections = Vec::new();
        for element in elements.into_iter().flat_map(|list| list.iter()) {
            match element.get_ref().as_table() {
                Some(table) => sections.push(self.inner(Some(table), known, element.span())),
                None => self.error(element.span(), format!("{name} must be {}", known.title), None),
            }
        }
        sections
    }
}

/// The title of the table that has this key.
fn owner(table: &'static Table, name: &str) -> Option<&'static str> {
    table.keys.iter().find_map(|key| match key.shape {
        Shape::Table(inner) | Shape::Tables(inner) if inner.key(name).is_some() => Some(inner.title),
        Shape::Table(inner) | Shape::Tables(inner) => owner(inner, name),
        _ => None,
    })
}
