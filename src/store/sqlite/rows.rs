//! Rows to nouns and back. The JSON column holds what is never asked for by itself.

use std::sync::{Arc, LazyLock};

use rusqlite::Row;
use serde::{Deserialize, Serialize};

use super::websub;
use crate::model::{
    Article, Category, DedupRule, Digest, Enclosure, Entry, EntryId, Episode, Markup, Person, Podcast,
    Published, SourceId, SourceState, Via,
};
use crate::store::SourceRow;
use crate::store::state::{self, PodcastRow, at};
use crate::store::websub::Subscription;

/// The parts of an entry that only its readers want. Short names: this stands in every row.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct More {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    people: Vec<(Option<String>, Option<String>, Option<String>)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subjects: Vec<(String, Option<String>, Option<String>)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<File>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    episode: Option<EpisodeRow>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct EpisodeRow {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    season: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explicit: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
}

impl From<Episode> for EpisodeRow {
    fn from(episode: Episode) -> Self {
        let Episode { title, season, number, kind, explicit, image } = episode;
        Self { title, season, number, kind, explicit, image }
    }
}

impl From<EpisodeRow> for Episode {
    fn from(row: EpisodeRow) -> Self {
        let EpisodeRow { title, season, number, kind, explicit, image } = row;
        Self { title, season, number, kind, explicit, image }
    }
}

/// Address, media type, bytes, title, seconds.
type File = (String, String, Option<u64>, Option<String>, Option<u32>);

pub(super) fn more(entry: &Entry) -> String {
    let more = More {
        people: entry.authors.iter().cloned().map(|one| (one.name, one.email, one.uri)).collect(),
        subjects: entry.categories.iter().cloned().map(|one| (one.term, one.scheme, one.label)).collect(),
        files: entry
            .enclosures
            .iter()
            .cloned()
            .map(|one| (one.url, one.media_type, one.length, one.title, one.duration))
            .collect(),
        image: entry.image.clone(),
        duration: entry.duration,
        episode: entry.episode.clone().map(EpisodeRow::from),
    };
    // Strings, numbers and lists always have a JSON form.
    serde_json::to_string(&more).unwrap_or_else(|_| "{}".to_owned())
}

/// Names of people and subjects, for those who search for them.
pub(super) fn names(more: &str) -> Vec<String> {
    let more: More = serde_json::from_str(more).unwrap_or_default();
    let people = more.people.into_iter().filter_map(|(name, ..)| name);
    let subjects = more.subjects.into_iter().flat_map(|(term, _, label)| [Some(term), label]);
    people.chain(subjects.flatten()).collect()
}

pub(super) fn podcast_json(podcast: &Podcast) -> String {
    serde_json::to_string(&PodcastRow::from(podcast)).unwrap_or_else(|_| "{}".to_owned())
}

fn podcast(json: &str) -> Option<Podcast> {
    serde_json::from_str::<PodcastRow>(json).ok().map(Podcast::from)
}

fn via(json: &str) -> Vec<Via> {
    if json == "[]" {
        return Vec::new();
    }
    let told: Vec<(String, String, String)> = serde_json::from_str(json).unwrap_or_default();
    told.into_iter()
        .map(|(source, source_name, link)| Via { source: SourceId::new(source), source_name, link })
        .collect()
}

/// What [`source`] reads.
pub(super) static SOURCES: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT s.id, s.url, s.name, s.title, s.configured, s.remembered, s.stories, {} FROM sources s
         LEFT JOIN subscriptions p ON p.source = s.number",
        websub::COLUMNS
    )
});

pub(super) fn source(row: &Row<'_>) -> rusqlite::Result<SourceRow> {
    let id: Arc<str> = row.get::<_, String>(0)?.into();
    let name = row.get::<_, Option<String>>(2)?.or(row.get(3)?).filter(|name| !name.is_empty());
    let source = SourceId::new(id.clone());
    let subscription = websub::read(row, 7, &source)?;
    let push = subscription.as_ref().and_then(Subscription::push);
    Ok(SourceRow {
        name: name.unwrap_or_else(|| id.to_string()),
        id: source,
        url: row.get(1)?,
        configured: row.get(4)?,
        state: SourceState { push, ..state::read(row.get_ref(5)?.as_blob()?) },
        entries: u64::try_from(row.get::<_, i64>(6)?).unwrap_or_default(),
        subscription,
    })
}

pub(super) fn rule_name(rule: DedupRule) -> &'static str {
    match rule {
        DedupRule::TimestampTitle => "timestamp+title",
        DedupRule::Guid => "guid",
        DedupRule::Link => "link",
        DedupRule::None => "none",
    }
}

pub(super) fn rule(name: &str) -> DedupRule {
    [DedupRule::Guid, DedupRule::Link, DedupRule::None]
        .into_iter()
        .find(|rule| rule_name(*rule) == name)
        .unwrap_or_default()
}

pub(super) fn digest(row: &Row<'_>, column: usize) -> rusqlite::Result<Digest> {
    row.get(column).map(Digest)
}

/// The columns [`published`] reads, of `entries e JOIN sources s`.
pub(super) const PUBLISHED: &str = "e.number, e.id, e.published, e.updated, e.first_seen, e.modified, \
     e.guid, e.title, e.link, e.language, e.stated_published, e.stated_updated, e.summary, e.content, \
     e.more, e.digest, s.id, s.name, s.title, s.link, s.url, s.podcast, \
     (SELECT json_group_array(json_array(v.id, coalesce(nullif(v.name, ''), nullif(v.title, ''), v.id), x.link) \
        ORDER BY x.number) \
      FROM sightings x INDEXED BY sightings_similar JOIN sources v ON v.number = x.source \
      WHERE x.entry = e.number AND x.rule GLOB 'similar text*' AND x.link IS NOT NULL)";

/// How many columns [`PUBLISHED`] names.
pub(super) const PUBLISHED_COLUMNS: usize = 23;

pub(super) fn published(row: &Row<'_>) -> rusqlite::Result<Published> {
    let time = |column: usize| row.get::<_, Option<i64>>(column).map(|seconds| seconds.map(at));
    let more: More = serde_json::from_str(&row.get::<_, String>(14)?).unwrap_or_default();
    let entry = Entry {
        guid: row.get(6)?,
        title: row.get(7)?,
        link: row.get(8)?,
        language: row.get(9)?,
        published: time(10)?,
        updated: time(11)?,
        summary: row.get::<_, Option<String>>(12)?.map(Markup::from),
        content: row.get::<_, Option<String>>(13)?.map(Markup::from),
        authors: more.people.into_iter().map(|(name, email, uri)| Person { name, email, uri }).collect(),
        categories: more
            .subjects
            .into_iter()
            .map(|(term, scheme, label)| Category { term, scheme, label })
            .collect(),
        enclosures: more
            .files
            .into_iter()
            .map(|(url, media_type, length, title, duration)| Enclosure {
                url,
                media_type,
                length,
                title,
                duration,
            })
            .collect(),
        image: more.image,
        duration: more.duration,
        episode: more.episode.map(Episode::from),
        digest: digest(row, 15)?,
        unchanged: false,
        article: Article::Own,
        whole_link: None,
    };
    let source: String = row.get(16)?;
    let name = row.get::<_, Option<String>>(17)?.or(row.get(18)?).filter(|name| !name.is_empty());
    Ok(Published {
        number: row.get(0)?,
        id: EntryId(uuid::Uuid::from_bytes(row.get(1)?)),
        published: at(row.get(2)?),
        updated: at(row.get(3)?),
        first_seen: at(row.get(4)?),
        modified: at(row.get(5)?),
        entry,
        source_name: name.unwrap_or_else(|| source.clone()),
        source: SourceId::new(source),
        source_link: row.get(19)?,
        source_url: row.get(20)?,
        podcast: row.get::<_, Option<String>>(21)?.and_then(|json| podcast(&json)),
        via: via(&row.get::<_, String>(22)?),
    })
}
