//! What is wrong with a config, said so that it can be put right: file, line, column,
//! the offending line with a caret, and a hint. Never shows a secret; never decides what is wrong.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The config is refused.
    Error,
    /// It works, but perhaps not as meant.
    Warning,
    /// A secret that only systemd hands over, and did not: what needs it must refuse, the rest works.
    Absent,
    /// A secret that the environment or a file should have, and has not. The same, but `check` refuses, too.
    Unset,
}

/// A config file as it was read. Secrets in it are stars.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// Where something stands: which of the files, which bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: usize,
    pub(super) span: Range<usize>,
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub struct Problem {
    /// How bad.
    pub severity: Severity,
    /// What, in words; one line, no secrets.
    pub words: String,
    /// How to put it right.
    pub hint: Option<String>,
    pub(super) place: Option<Place>,
    pub(super) also: Option<(Place, String)>,
}

/// Everything that is wrong with a config, in the order of the files. `Display` is plain text.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    files: Vec<File>,
    list: Vec<Problem>,
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl Problems {
    pub(super) fn new(mut files: Vec<File>, mut list: Vec<Problem>) -> Self {
        if list.is_empty() {
            // Nothing will be shown: a config lives long, its text need not.
            files.clear();
        }
        list.sort_by_key(|p| p.place.as_ref().map(|at| (at.file, at.span.start)));
        Self { files, list }
    }

    /// Problems that stand in no file (there is none, or it cannot be read).
    pub(super) fn without_file(words: String, hint: Option<String>) -> Self {
        let problem = Problem { severity: Severity::Error, words, hint, place: None, also: None };
        Self { files: Vec::new(), list: vec![problem] }
    }

    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// None at all.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Takes out the problems of some severities.
    pub(super) fn split_off(&mut self, severities: &[Severity]) -> Self {
        let (off, list): (Vec<_>, _) =
            std::mem::take(&mut self.list).into_iter().partition(|p| severities.contains(&p.severity));
        self.list = list;
        if off.is_empty() { Self::default() } else { Self::new(self.files.clone(), off) }
    }

    /// The same where all of them are reasons to refuse.
    pub(super) fn fatal(mut self) -> Self {
        self.list.iter_mut().for_each(|problem| problem.severity = Severity::Error);
        self
    }

    /// True when the config cannot be used.
    pub fn is_fatal(&self) -> bool {
        self.list.iter().any(|p| p.severity == Severity::Error)
    }

    /// File, line and column (both from 1; columns in characters) of a problem of this list.
    pub fn position(&self, problem: &Problem) -> Option<(&Path, usize, usize)> {
        let place = problem.place.as_ref()?;
        let file = self.files.get(place.file)?;
        let line = Line::of(&file.text, &place.span);
        let column = line.text.get(..line.span.start).unwrap_or_default().chars().count();
        Some((&file.path, line.number, column + 1))
    }

    /// One line per problem, for the log: `riverine.toml:3:1: unknown key "nmae"; did you mean …`.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.list.iter().map(|problem| {
            let hint = problem.hint.as_ref().map(|h| format!("; {h}")).unwrap_or_default();
            match self.position(problem) {
                Some((path, line, column)) => {
                    format!("{}:{line}:{column}: {}{hint}", path.display(), problem.words)
                }
                None => format!("{}{hint}", problem.words),
            }
        })
    }

    /// All of them as people read them on a terminal.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let texts: Vec<String> = self.list.iter().map(|p| self.render_one(p, &renderer)).collect();
        texts.join("\n\n")
    }

    fn render_one(&self, problem: &Problem, renderer: &Renderer) -> String {
        let level = match problem.severity {
            Severity::Error | Severity::Unset => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Absent => Level::NOTE,
        };
        let title = level.primary_title(problem.words.as_str());
        let mut group = title.elements(std::iter::empty::<annotate_snippets::Message<'_>>());
        if let Some(snippet) =
            problem.place.as_ref().and_then(|p| self.snippet(p, AnnotationKind::Primary, ""))
        {
            group = group.element(snippet);
        }
        if let Some((place, label)) = &problem.also
            && let Some(snippet) = self.snippet(place, AnnotationKind::Context, label)
        {
            group = group.element(snippet);
        }
        if let Some(hint) = &problem.hint {
            group = group.element(Level::HELP.message(hint.as_str()));
        }
        renderer.render(&[group])
    }

    fn snippet<'a>(
        &'a self,
        place: &Place,
        kind: AnnotationKind,
        label: &'a str,
    ) -> Option<Snippet<'a, annotate_snippets::Annotation<'a>>> {
        let file = self.files.get(place.file)?;
        let line = Line::of(&file.text, &place.span);
        let mut mark = kind.span(line.span);
        if !label.is_empty() {
            mark = mark.label(label);
        }
        // Only the one line goes in: rendering stays linear in the number of problems.
        let path = file.path.display().to_string();
        Some(Snippet::source(line.text).line_start(line.number).path(path).annotation(mark))
    }
}

/// The line a span begins on, and the span within it.
struct Line<'a> {
    text: &'a str,
    number: usize,
    span: Range<usize>,
}

impl<'a> Line<'a> {
    fn of(text: &'a str, span: &Range<usize>) -> Self {
        let whole = line_of(text, span.start);
        let line = text.get(whole.clone()).unwrap_or_default().trim_end_matches(['\r', '\n']);
        let start = floor(line, span.start - whole.start.min(span.start));
        let end = floor(line, span.end.saturating_sub(whole.start)).max(start);
        let before = text.get(..whole.start).unwrap_or_default();
        Self { text: line, number: before.matches('\n').count() + 1, span: start..end }
    }
}

/// The nearest place at or before `at` that is inside `text` and between two characters.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)
}

/// The line a byte is on, with its end.
pub(super) fn line_of(text: &str, at: usize) -> Range<usize> {
    let at = floor(text, at);
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |i| i + 1);
    let rest = text.get(at..).unwrap_or_default();
    start..at + rest.find('\n').map_or(rest.len(), |i| i + 1)
}

/// The known word nearest to a mistyped one, if one is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    // One slip in three letters: further away it is another word.
    let limit = (word.chars().count() / 3).clamp(1, 4);
    known
        .into_iter()
        .map(|k| (strsim::osa_distance(&word, &k.to_lowercase()), k))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k)
}

/// Puts stars over `spans` of a text, byte for byte, so that every other place stays where it was.
pub(super) fn mask(text: &str, spans: &[Range<usize>]) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if c != '\n' && c != '\r' && spans.iter().any(|s| s.contains(&at)) {
            out.extend(std::iter::repeat_n('*', c.len_utf8()));
        } else {
            out.push(c);
        }
    }
    out
}
