//! iTunes tags of an RSS document, for players that know no others.
//!
//! A channel with such tags must name a subject, an owner's e-mail and a language (Apple's list, and the feed
//! validator's). What a podcast says of itself is passed on where the document is of that podcast alone; a river
//! of several says what holds of it: its subjects together, `mul` for several languages, and an address that by
//! its very name is nobody's (RFC 2606). Nothing is said of what the sources did not say.

use std::collections::BTreeSet;

use rss::extension::itunes::{ITunesCategory, ITunesChannelExtension, ITunesItemExtension, ITunesOwner};
use url::Url;

use super::Sheet;
use super::rss::plain;
use super::shown::{Shown, is_host, is_mail, one_line};
use crate::model::Podcast;

/// The e-mail of a river, which has none.
const NOBODY: &str = "nobody@riverine.invalid";
/// The subject of a river of which no source states one.
const SUBJECT: &str = "News";
/// Characters of a name.
const LONGEST_NAME: usize = 255;
/// What players take; validators go by the ending of the address.
const ENDINGS: [&str; 7] = ["m4a", "mp3", "mov", "mp4", "m4v", "pdf", "epub"];

/// Apple's subjects, each with its narrower ones between bars.
const SUBJECTS: [(&str, &str); 19] = [
    ("Arts", "Books|Design|Fashion & Beauty|Food|Performing Arts|Visual Arts"),
    ("Business", "Careers|Entrepreneurship|Investing|Management|Marketing|Non-Profit"),
    ("Comedy", "Comedy Interviews|Improv|Stand-Up"),
    ("Education", "Courses|How To|Language Learning|Self-Improvement"),
    ("Fiction", "Comedy Fiction|Drama|Science Fiction"),
    ("Government", ""),
    ("Health & Fitness", "Alternative Health|Fitness|Medicine|Mental Health|Nutrition|Sexuality"),
    ("History", ""),
    ("Kids & Family", "Education for Kids|Parenting|Pets & Animals|Stories for Kids"),
    ("Leisure", "Animation & Manga|Automotive|Aviation|Crafts|Games|Hobbies|Home & Garden|Video Games"),
    ("Music", "Music Commentary|Music History|Music Interviews"),
    ("News", "Business News|Daily News|Entertainment News|News Commentary|Politics|Sports News|Tech News"),
    ("Religion & Spirituality", "Buddhism|Christianity|Hinduism|Islam|Judaism|Spirituality"),
    (
        "Science",
        "Astronomy|Chemistry|Earth Sciences|Life Sciences|Mathematics|Natural Sciences|Nature|Physics|Social Sciences",
    ),
    ("Society & Culture", "Documentary|Personal Journals|Philosophy|Places & Travel|Relationships"),
    (
        "Sports",
        "Baseball|Basketball|Cricket|Fantasy Sports|Football|Golf|Hockey|Rugby|Running|Soccer|Swimming|Tennis|Volleyball|Wilderness|Wrestling",
    ),
    ("Technology", ""),
    ("True Crime", ""),
    ("TV & Film", "After Shows|Film History|Film Interviews|Film Reviews|TV Reviews"),
];

/// The tags of an entry that its source published as an episode.
pub(super) fn item(shown: &Shown) -> Option<ITunesItemExtension> {
    if shown.episode.is_none() && shown.duration.is_none() {
        return None;
    }
    let playable = |url: &String| url.rsplit('.').next().is_some_and(|ending| ENDINGS.contains(&ending));
    if !shown.enclosures.first().is_none_or(|file| playable(&file.url)) {
        return None;
    }
    let episode = shown.episode.clone().unwrap_or_default();
    let names: Vec<_> = shown.authors.iter().filter_map(|person| person.name.as_deref()).collect();
    let author = names.join(", ");
    let number = |number: Option<u32>| number.filter(|number| *number > 0).map(|number| number.to_string());
    let said = ITunesItemExtension {
        author: (!author.is_empty() && author.chars().count() <= LONGEST_NAME).then(|| plain(&author)),
        image: episode.image.or_else(|| shown.image.clone()).filter(|image| is_plain_web(image)),
        duration: shown.duration.map(|seconds| seconds.to_string()),
        explicit: episode.explicit.map(|explicit| explicit.to_string()),
        episode: number(episode.number),
        season: number(episode.season),
        episode_type: episode.kind,
        ..Default::default()
    };
    let blank = ITunesItemExtension { author: said.author.clone(), ..Default::default() };
    (said != blank || title(shown).is_some()).then_some(said)
}

/// An episode's title without its number.
pub(super) fn title(shown: &Shown) -> Option<&str> {
    shown.episode.as_ref()?.title.as_deref()
}

/// What a channel of such entries says, with its language.
pub(super) fn channel(sheet: &Sheet<'_>) -> (String, ITunesChannelExtension) {
    let podcasts: Vec<&Podcast> = sheet.entries.iter().filter_map(|entry| entry.podcast.as_ref()).collect();
    let first = sheet.entries.first();
    let sole = first.filter(|one| sheet.entries.iter().all(|entry| entry.source.id == one.source.id));
    let own = sole.and_then(|one| one.podcast.clone()).unwrap_or_default();
    let explicit = podcasts.iter().any(|podcast| podcast.explicit == Some(true))
        || sheet
            .entries
            .iter()
            .any(|entry| entry.episode.as_ref().is_some_and(|episode| episode.explicit == Some(true)));
    let title = one_line(&sheet.head.title);
    let owner = match own.email.as_deref().map(one_line).filter(|mail| is_mail(mail)) {
        Some(email) => ITunesOwner { name: own.owner.as_deref().map(short), email: Some(email) },
        None => ITunesOwner { name: Some(short(&title)), email: Some(NOBODY.to_owned()) },
    };
    let said = ITunesChannelExtension {
        author: sole.map(|one| short(&one.source.name)),
        categories: subjects(&podcasts),
        image: own.image.filter(|image| is_plain_web(image)),
        explicit: Some(explicit.to_string()),
        owner: Some(owner),
        r#type: own.kind,
        ..Default::default()
    };
    (language(sheet), said)
}

/// The subjects of Apple's list that these podcasts state.
fn subjects(podcasts: &[&Podcast]) -> Vec<ITunesCategory> {
    let known = |one: &str| SUBJECTS.iter().find(|(name, _)| *name == one);
    let stated = podcasts.iter().flat_map(|podcast| &podcast.categories).filter_map(|(one, narrower)| {
        let (name, within) = known(one)?;
        let narrower = within.split('|').find(|part| narrower.as_deref() == Some(*part));
        Some((*name, narrower))
    });
    let mut all: BTreeSet<_> = stated.collect();
    if all.is_empty() {
        all.insert((SUBJECT, None));
    }
    let category = |text: &str| ITunesCategory { text: text.to_owned(), subcategory: None };
    let made = |(name, narrower): (&str, Option<&str>)| ITunesCategory {
        subcategory: narrower.map(|narrower| Box::new(category(narrower))),
        ..category(name)
    };
    all.into_iter().map(made).collect()
}

/// The language all entries are in; `mul` for several (ISO 639-2), `und` for none known.
fn language(sheet: &Sheet<'_>) -> String {
    let spoken: BTreeSet<_> = sheet.entries.iter().filter_map(|entry| entry.language.as_deref()).collect();
    let primary: BTreeSet<_> = spoken.iter().filter_map(|code| code.split('-').next()).collect();
    match (spoken.len(), primary.len()) {
        (0, _) => "und",
        (1, _) => spoken.first().copied().unwrap_or("und"),
        (_, 1) => primary.first().copied().unwrap_or("und"),
        _ => "mul",
    }
    .to_ascii_lowercase()
}

fn short(name: &str) -> String {
    plain(&one_line(name).chars().take(LONGEST_NAME).collect::<String>())
}

/// True for an address whose host is a plain name with a dot, or four numbers: all that files and pictures of
/// podcasts may have.
pub(super) fn is_plain_web(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    url.username().is_empty() && url.host_str().is_some_and(is_host)
}
