//! One `[[feed]]`, and which sources stand in it. Unknown groups and sources are errors.

use std::collections::BTreeSet;
use std::ops::Range;

use super::diagnose::{Place, Severity, nearest};
use super::source::{Found, filter, languages};
use super::walk::{Report, Section};
use super::{ids, secret, values};
use crate::model::{Access, HubChoice, Output, Secret, SourceId, TitlePrefix};
use crate::query::Query;

/// The output that always exists.
pub(super) const ALL: &str = "all";

/// So many names are told in a description; of more, the first.
const NAMED: usize = 5;

/// An output whose sources are still names.
pub(super) struct Draft {
    pub(super) place: Place,
    pub(super) output: Output,
    /// False where its id is missing or wrong, which was said already.
    pub(super) named: bool,
    groups: Vec<(String, Range<usize>)>,
    sources: Vec<(SourceId, Range<usize>)>,
}

/// `[[feed]]`. `token` is the server's, for feeds without their own.
pub(super) fn read(section: &Section<'_, '_>, token: Option<&Secret>) -> Draft {
    let groups = section.get("groups", values::groups).unwrap_or_default();
    let sources = section.get("sources", values::ids).unwrap_or_default();
    let languages = languages(section, "languages");
    let title = section.get("title", values::line);
    let query = section.get("query", values::query);
    let written = section.get("id", values::id);
    let mut named = written.is_some() || !section.has("id");
    let id = written.unwrap_or_else(|| {
        let selects: Vec<&str> = (groups.iter().map(|(g, _)| g.as_str()))
            .chain(sources.iter().map(|(s, _)| s.as_str()))
            .chain(languages.iter().map(String::as_str))
            .collect();
        let id = [title.as_deref(), Some(&selects.join("-")), query.as_ref().map(Query::as_str)];
        id.into_iter().flatten().find_map(ids::slug).unwrap_or_else(|| {
            named &= everything(section);
            ALL.to_owned()
        })
    });
    let own = section.get("token", secret::read);
    let (keep, drop) = (filter(&section.table("keep")), filter(&section.table("drop")));
    let chosen = Chosen {
        groups: groups.iter().map(|(group, _)| group.as_str()).collect(),
        sources: sources.iter().map(|(id, _)| id.as_str()).collect(),
        languages: languages.iter().map(String::as_str).collect(),
        query: query.as_ref().map(Query::as_str),
        is_filtered: !(keep.is_empty() && drop.is_empty()),
    };
    let all = Output::all();
    let output = Output {
        title: title.unwrap_or_else(|| if id == ALL { all.title } else { id.clone() }),
        description: chosen.described(),
        id,
        sources: None,
        languages,
        keep,
        drop,
        query,
        limit: section.get("limit", values::whole).unwrap_or(all.limit),
        per_source: section.get("per_source", values::whole).unwrap_or(0),
        title_prefix: section
            .get("title_prefix", values::one_of(&[TitlePrefix::None, TitlePrefix::Source]))
            .unwrap_or_default(),
        access: access(own.as_ref().or(token)),
        hub: hub(section),
    };
    Draft { place: section.place("id"), output, named, groups, sources }
}

/// By what the entries of a feed are chosen, as it is written.
struct Chosen<'a> {
    groups: Vec<&'a str>,
    sources: Vec<&'a str>,
    languages: Vec<&'a str>,
    query: Option<&'a str>,
    is_filtered: bool,
}

impl Chosen<'_> {
    /// In one sentence. It stands in every document of the feed, its archive as well: so it says nothing that changes
    /// while the feed's own table stays, as the number of sources in a group does.
    fn described(&self) -> String {
        let mut of = Vec::new();
        if let [group] = self.groups.as_slice() {
            of.push(format!("the group {group}"));
        } else if !self.groups.is_empty() {
            of.push(format!("the groups {}", listed(&self.groups)));
        }
        if !self.sources.is_empty() {
            of.push(listed(&self.sources));
        }
        let mut limits = String::new();
        if !self.languages.is_empty() {
            limits.push_str(&format!(", in {}", listed(&self.languages)));
        }
        if let Some(query) = self.query {
            limits.push_str(&format!(", that match “{query}”"));
        }
        if self.is_filtered {
            limits.push_str(", as its filters let them through");
        }
        if of.is_empty() && limits.is_empty() {
            return Output::all().description;
        }
        let of = if of.is_empty() { "all sources".to_owned() } else { of.join(" and of ") };
        format!("Entries of {of}{limits}, the newest first.")
    }
}

/// `a, b and c`.
fn listed(names: &[&str]) -> String {
    let more = format!("{} more", names.len().saturating_sub(NAMED));
    let mut told: Vec<&str> = names.iter().take(NAMED).copied().collect();
    if names.len() > NAMED {
        told.push(&more);
    }
    match told.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// True for a feed without conditions; one with conditions needs a name.
fn everything(section: &Section<'_, '_>) -> bool {
    let plain = ["id", "title", "groups", "sources", "limit", "per_source", "title_prefix", "token", "hub"];
    let everything = section.has_only(&plain);
    if !everything && !section.has("id") {
        let words = "this [[feed]] has nothing to make an id from".to_owned();
        section.error(
            section.header().span,
            words,
            Some("add id = \"…\": it stands in the feed's address".to_owned()),
        );
    }
    everything
}

fn access(token: Option<&Secret>) -> Access {
    token.map_or(Access::Open, |t| Access::Token(t.clone()))
}

fn hub(section: &Section<'_, '_>) -> HubChoice {
    let read = section.get("hub", |spot| match spot.text()? {
        "none" => Ok(HubChoice::None),
        "self" => Ok(HubChoice::Own),
        text if text.contains([':', '.', '/']) => match values::url(spot)? {
            hub if hub.username().is_empty() && hub.password().is_none() => Ok(HubChoice::External(hub)),
            _ => spot.wrong("every reader of the feed is told the hub's address: no user name stands there"),
        },
        text => {
            let words = format!("hub is \"none\", \"self\" or the address of a hub, not {text:?}");
            match nearest(text, ["none", "self"]) {
                Some(near) => spot.wrong_with(words, format!("did you mean {near:?}?")),
                None => spot.wrong(words),
            }
        }
    });
    read.unwrap_or_default()
}

/// The feed of everything, where the config has none of that name.
pub(super) fn all(token: Option<&Secret>) -> Output {
    Output { access: access(token), ..Output::all() }
}

/// Puts the sources in; says which names nobody has.
pub(super) fn resolve(draft: Draft, found: &[Found], report: &Report<'_>) -> Output {
    let Draft { place, mut output, groups, sources, .. } = draft;
    if groups.is_empty() && sources.is_empty() {
        return output;
    }
    let say = |span: Range<usize>, words: String, hint: Option<String>| {
        report.say(Severity::Error, Some(Place { file: place.file, span }), words, hint);
    };
    let mut chosen = BTreeSet::new();
    for (group, span) in groups {
        let before = chosen.len();
        chosen.extend(found.iter().enumerate().filter(|(_, f)| f.groups.contains(&group)).map(|(n, _)| n));
        if chosen.len() == before && !found.iter().any(|f| f.groups.contains(&group)) {
            let known: BTreeSet<&str> =
                found.iter().flat_map(|f| f.groups.iter().map(String::as_str)).collect();
            say(span, format!("no source is in a group {group:?}"), hint(&group, &known));
        }
    }
    for (id, span) in sources {
        if let Some(n) = found.iter().position(|f| f.id.as_ref() == Some(&id)) {
            chosen.insert(n);
        } else if let Some(now) = found.iter().find(|f| f.was.iter().any(|(w, _)| *w == id)) {
            let now = now.id.as_ref().map(|i| format!("it is called {:?} now", i.as_str()));
            say(span, format!("there is no source {:?}", id.as_str()), now);
        } else {
            let known = found.iter().filter_map(|f| f.id.as_ref()).map(SourceId::as_str).collect();
            say(span, format!("there is no source {:?}", id.as_str()), hint(id.as_str(), &known));
        }
    }
    output.sources = Some(chosen.iter().filter_map(|n| found.get(*n)?.id.clone()).collect());
    output
}

fn hint(word: &str, known: &BTreeSet<&str>) -> Option<String> {
    match nearest(word, known.iter().copied()) {
        Some(near) => Some(format!("did you mean {near:?}?")),
        None if known.is_empty() => None,
        None if known.len() <= 12 => {
            Some(format!("there are: {}", known.iter().copied().collect::<Vec<_>>().join(", ")))
        }
        None => None,
    }
}
