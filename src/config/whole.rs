//! The whole config: the file, what it includes, and what holds between its parts
//! (ids that are equal, addresses that stand twice, feeds of sources that are not there).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::DeTable;

use super::diagnose::{Place, Problem, Problems, Severity};
use super::keys::{INCLUDED, ROOT};
use super::source::{Defaults, Found};
use super::walk::{Env, Report, Section};
use super::{Config, output, rooms, source};
use crate::model::{Output, Secret, SourceId};

/// A config is written by hand; what is larger was named by mistake.
const LONGEST: u64 = 64 << 20;

pub(super) fn load(asked: &Path, env: Env<'_>) -> Result<Config, Problems> {
    load_as(asked, env, None)
}

/// The same as if a file had another text: what an edit would make of it.
pub(super) fn load_as(
    asked: &Path,
    env: Env<'_>,
    instead: Option<(&Path, &str)>,
) -> Result<Config, Problems> {
    let read = |path: &Path| match instead {
        Some((other, text)) if other == path => Ok(text.to_owned()),
        _ => read(path),
    };
    let text = read(asked).map_err(|words| Problems::without_file(words, None))?;
    let path = std::path::absolute(asked).unwrap_or_else(|_| asked.to_owned());
    let dir = path.parent().unwrap_or(Path::new("/")).to_owned();
    let report = Report::new(env);
    let mut reading = Reading { report: &report, found: Vec::new(), drafts: Vec::new() };

    let file = report.add_file(asked.to_owned(), &text);
    let document = parse(&text, file, &report);
    let root = Section::root(document.get_ref(), &ROOT, file, &dir, &report);
    let server = rooms::server(&root.table("server"));
    let store = rooms::store(&root.table("store"), &dir, env);
    let fetch = rooms::fetch(&root.table("fetch"));
    let dedup = rooms::dedup(&root.table("dedup"));
    let defaults = source::defaults(&root.table("defaults"), &fetch);
    reading.tables(&root, &defaults, server.token.as_ref());
    let mut files = vec![path.clone()];
    for include in includes(&root, &path, &mut files) {
        // People know the file by the name that begins as they named the config.
        let rest = include.strip_prefix(&dir).ok();
        let shown = rest.map_or_else(|| include.clone(), |rest| asked.with_file_name(rest));
        reading.include((&include, read(&include)), shown, &defaults, server.token.as_ref());
        files.push(include);
    }
    let (found, outputs) = reading.finish(server.token.as_ref());
    files.append(&mut report.also_read.borrow_mut());

    let sources = found.into_iter().filter_map(|f| f.source).collect();
    let mut warnings = report.finish();
    if warnings.is_fatal() {
        return Err(warnings);
    }
    let absent = warnings.split_off(&[Severity::Absent, Severity::Unset]);
    Ok(Config { path, server, store, fetch, dedup, sources, outputs, files, warnings, absent })
}

pub(super) fn read(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let found = std::fs::metadata(path).map_err(|e| format!("cannot read {shown}: {e}"))?;
    // A pipe may never say anything, a device may never end, and neither says the same again at a reload.
    if !found.is_file() {
        return Err(format!("{shown} is no ordinary file; name one with --config"));
    }
    let size = found.len();
    if size > LONGEST {
        return Err(format!("{shown} has {size} bytes; that is no config"));
    }
    let bytes = std::fs::read(path).map_err(|e| format!("cannot read {shown}: {e}"))?;
    String::from_utf8(bytes).map_err(|e| {
        let good = e.as_bytes().get(..e.utf8_error().valid_up_to()).unwrap_or_default();
        let line = good.split(|b| *b == b'\n').count();
        format!("{shown} is not UTF-8 (line {line})")
    })
}

fn parse<'t>(text: &'t str, file: usize, report: &Report<'_>) -> Spanned<DeTable<'t>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        report.syntax(file, error);
    }
    document
}

/// The files of `include`, sorted within each pattern, none twice. `looked` gets the
/// directories that a new file may appear in.
fn includes(root: &Section<'_, '_>, main: &Path, looked: &mut Vec<PathBuf>) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = Vec::new();
    root.get("include", |spot| {
        let mut wrongs = Vec::new();
        for (text, span) in spot.texts()? {
            match matching(&spot.dir.join(text)) {
                Ok(paths) => all.extend(paths),
                Err(words) => wrongs.push(spot.wrong_at(span, words)),
            }
            let pattern = spot.dir.join(text);
            if text.contains(['*', '?', '['])
                && let Some(parent) = pattern.parent()
            {
                looked.push(parent.to_owned());
            }
        }
        if wrongs.is_empty() { Ok(()) } else { Err(wrongs) }
    });
    let mut seen = vec![main.to_owned()];
    all.retain(|path| {
        let new = !seen.contains(path);
        seen.push(path.clone());
        new
    });
    all
}

fn matching(pattern: &Path) -> Result<Vec<PathBuf>, String> {
    let text = pattern.to_str().ok_or("a pattern must be UTF-8")?;
    // A directory may have any name; only a name that is no file is a pattern.
    if pattern.is_file() {
        return Ok(vec![pattern.to_owned()]);
    }
    if !text.contains(['*', '?', '[']) {
        return Err(format!("there is no file {text}"));
    }
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    let paths = glob::glob_with(text, options).map_err(|why| format!("this is not a pattern: {why}"))?;
    let mut files = Vec::new();
    for path in paths {
        let path =
            path.map_err(|why| format!("cannot look into {}: {}", why.path().display(), why.error()))?;
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// What was read so far.
struct Reading<'r> {
    report: &'r Report<'r>,
    found: Vec<Found>,
    drafts: Vec<output::Draft>,
}

impl Reading<'_> {
    fn tables(&mut self, root: &Section<'_, '_>, defaults: &Defaults, token: Option<&Secret>) {
        self.found.extend(root.tables("source").iter().map(|s| source::read(s, defaults)));
        self.drafts.extend(root.tables("feed").iter().map(|s| output::read(s, token)));
    }

    fn include(
        &mut self,
        (path, text): (&Path, Result<String, String>),
        shown: PathBuf,
        defaults: &Defaults,
        token: Option<&Secret>,
    ) {
        let text = match text {
            Ok(text) => text,
            Err(words) => return self.report.say(Severity::Error, None, words, None),
        };
        let file = self.report.add_file(shown, &text);
        let document = parse(&text, file, self.report);
        let dir = path.parent().unwrap_or(Path::new("/"));
        let root = Section::root(document.get_ref(), &INCLUDED, file, dir, self.report);
        self.tables(&root, defaults, token);
    }

    fn finish(self, token: Option<&Secret>) -> (Vec<Found>, Vec<Output>) {
        let Self { report, found, drafts } = self;
        unique_sources(&found, report);
        same_address(&found, report);
        let mut first: HashMap<String, Place> = HashMap::new();
        for draft in drafts.iter().filter(|d| d.named) {
            if let Some(other) = first.insert(draft.output.id.clone(), draft.place.clone()) {
                let words = format!("two feeds have the id {:?}", draft.output.id);
                twice(report, Severity::Error, words, &draft.place, other, "add another id = \"…\"");
            }
        }
        let mut outputs: Vec<Output> =
            drafts.into_iter().map(|d| output::resolve(d, &found, report)).collect();
        if !outputs.iter().any(|o| o.id == output::ALL) {
            outputs.push(output::all(token));
        }
        // Where something is broken, the sources may be what broke.
        if found.is_empty() && !report.has_errors() {
            let hint = "begin with [[source]] and url = \"https://…\"".to_owned();
            report.say(
                Severity::Warning,
                None,
                "there is no [[source]]: nothing to poll".to_owned(),
                Some(hint),
            );
        }
        (found, outputs)
    }
}

fn twice(report: &Report<'_>, severity: Severity, words: String, place: &Place, other: Place, hint: &str) {
    report.push(Problem {
        severity,
        words,
        hint: Some(hint.to_owned()),
        place: Some(place.clone()),
        also: Some((other, "the other one".to_owned())),
    });
}

/// No two sources have one id, now or formerly.
fn unique_sources(found: &[Found], report: &Report<'_>) {
    let mut now: HashMap<&SourceId, Place> = HashMap::new();
    for f in found {
        if let Some(id) = &f.id
            && let Some(other) = now.insert(id, f.id_place.clone())
        {
            let words = format!("two sources have the id {:?}", id.as_str());
            twice(report, Severity::Error, words, &f.id_place, other, "give one of them another id = \"…\"");
        }
    }
    let mut formerly: HashMap<&SourceId, Place> = HashMap::new();
    for (id, place) in found.iter().flat_map(|f| &f.was) {
        if let Some(other) = now.get(id).cloned().or_else(|| formerly.insert(id, place.clone())) {
            let words = format!("{:?} cannot be a former id: it is another's", id.as_str());
            twice(report, Severity::Error, words, place, other, "history can come along to one source only");
        }
    }
}

/// One address under two ids is polled twice: perhaps not meant.
fn same_address(found: &[Found], report: &Report<'_>) {
    let mut seen: HashMap<String, &Found> = HashMap::new();
    for f in found {
        let Some(source) = f.source.as_ref().filter(|s| s.enabled) else { continue };
        let mut url = source.url.clone();
        url.set_fragment(None);
        if let Some(other) = seen.insert(url.to_string(), f)
            && other.id != f.id
        {
            let words = "this address stands here twice".to_owned();
            let hint = "one source can be in several groups";
            twice(report, Severity::Warning, words, &f.url_place, other.url_place.clone(), hint);
        }
    }
}
