//! `/feeds/_health`: the daemon's own news as a feed. An entry for every change of a source's state, none
//! for a poll.

use sha2::{Digest as _, Sha256};

use super::plan::Plan;
use crate::html;
use crate::model::{Category, Digest, Entry, EntryId, Markup, Published, SourceId};
use crate::render::html::OWN;
use crate::store::{Health, News};

/// News in the document.
pub(super) const LIMIT: usize = 100;

/// News as entries.
pub(super) fn entries(plan: &Plan, news: &[Health]) -> Vec<Published> {
    news.iter().map(|health| entry(plan, health)).collect()
}

fn entry(plan: &Plan, health: &Health) -> Published {
    let (happened, more) = match health.news {
        News::Broken => ("cannot be read", String::new()),
        News::Recovered => ("reads well again", String::new()),
        News::Gone => ("is gone for good", String::new()),
        News::Drifted => ("changed its layout", String::new()),
        News::Expiring => ("has a certificate that ends soon", String::new()),
        News::Moved => (
            "has moved",
            "It moved for good; the new address is asked from now on. Consider changing it in the config: "
                .to_owned(),
        ),
    };
    let words = format!("{more}{}", health.words);
    let summary = (!words.is_empty()).then(|| format!("<p>{}</p>", html::escape(&words)));
    let name = if health.source_name.is_empty() { health.source.as_str() } else { &health.source_name };
    let title = format!("{name} {happened}");
    let digest = Digest::of("health", &[title.as_bytes(), words.as_bytes()]);
    Published {
        id: id(plan, health),
        number: health.number,
        entry: Entry {
            guid: None,
            title,
            link: Some(plan.address(&format!("sources/{}", health.source))),
            whole_link: None,
            published: Some(health.at),
            updated: None,
            authors: Vec::new(),
            summary: summary.map(Markup::from),
            content: None,
            categories: vec![Category { term: health.news.name().to_owned(), ..Category::default() }],
            enclosures: Vec::new(),
            image: None,
            duration: None,
            episode: None,
            language: Some("en".to_owned()),
            digest,
            unchanged: false,
            article: crate::model::Article::Own,
        },
        published: health.at,
        updated: health.at,
        first_seen: health.at,
        modified: health.at,
        source: SourceId::new(OWN),
        source_name: "riverine".to_owned(),
        source_link: Some(plan.address("sources")),
        source_url: plan.address("feeds/_health.atom"),
        podcast: None,
        via: Vec::new(),
    }
}

/// A lasting id: news are numbered once and for all, per installation. Not by what their source is called: that may change.
fn id(plan: &Plan, health: &Health) -> EntryId {
    let mut hash = Sha256::new();
    let parts = [
        "riverine health".to_owned(),
        plan.settings.instance.clone(),
        health.number.to_string(),
        health.at.timestamp().to_string(),
    ];
    for part in &parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    EntryId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}
