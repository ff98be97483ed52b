//! schema.org as JSON-LD: `ItemList`, Blog, and articles one by one or in an `@graph`.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{Story, named, names, string};

/// Types that list other things than news.
const NO_LISTS: [&str; 3] = ["BreadcrumbList", "SiteNavigationElement", "HowTo"];
/// Types whose things are news, besides all that end in `Article` or `Posting`.
const STORIES: [&str; 12] = [
    "Report",
    "VideoObject",
    "AudioObject",
    "PodcastEpisode",
    "Event",
    "CreativeWork",
    "Episode",
    "Review",
    "WebPage",
    "SocialMediaPosting",
    "LiveBlogPosting",
    "DiscussionForumPosting",
];
/// Where lists and things stand within others.
const INNER: [&str; 10] = [
    "@graph",
    "mainEntity",
    "itemListElement",
    "hasPart",
    "blogPost",
    "blogPosts",
    "item",
    "episode",
    "dataFeedElement",
    "mainContentOfPage",
];

/// What JSON-LD says.
#[derive(Debug, Default)]
pub(super) struct Linked {
    /// All stories.
    pub(super) all: Vec<Story>,
    lists: Vec<Vec<Story>>,
    /// Articles that stand in no list.
    singles: Vec<Story>,
}

impl Linked {
    /// Takes in one script.
    pub(super) fn read(&mut self, said: &str, budget: &mut usize) {
        // Some wrap it as scripts were wrapped once.
        let bare =
            said.trim().trim_start_matches("<!--").trim_start_matches("//<![CDATA[").trim_end_matches("-->");
        let bare = bare.trim_end_matches("//]]>");
        let Some(Ok(root)) = serde_json::Deserializer::from_str(bare).into_iter::<Value>().next() else {
            return;
        };
        let mut open: Vec<&Value> = vec![&root];
        while let Some(value) = open.pop() {
            if *budget == 0 {
                return;
            }
            *budget -= 1;
            match value {
                Value::Array(list) => open.extend(list.iter().rev()),
                Value::Object(object) => self.thing(object, &mut open),
                _ => {}
            }
        }
    }

    fn thing<'v>(&mut self, object: &'v Map<String, Value>, open: &mut Vec<&'v Value>) {
        if NO_LISTS.iter().any(|kind| is(object, kind)) {
            return;
        }
        if let Some(list) = list_of(object) {
            let stories: Vec<Story> = list.iter().filter_map(element).collect();
            if !stories.is_empty() {
                self.all.extend(stories.iter().cloned());
                self.lists.push(stories);
                return;
            }
        }
        if is_article(object)
            && let Some(story) = story(object)
        {
            self.all.push(story.clone());
            self.singles.push(story);
            return;
        }
        open.extend(INNER.iter().rev().filter_map(|key| object.get(*key)));
    }

    /// The longest list; articles that stand alone count as one when there are several.
    pub(super) fn list(&mut self) -> Option<Vec<Story>> {
        let singles = std::mem::take(&mut self.singles);
        let mut links = HashSet::new();
        let singles: Vec<Story> = singles.into_iter().filter(|one| links.insert(one.link.clone())).collect();
        if singles.len() >= 2 {
            self.lists.push(singles);
        }
        let lists = std::mem::take(&mut self.lists);
        lists.into_iter().rev().max_by_key(Vec::len).filter(|list| list.len() >= 2)
    }
}

fn is(object: &Map<String, Value>, kind: &str) -> bool {
    kinds(object).any(|one| one == kind)
}

fn kinds(object: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let said = object.get("@type").or_else(|| object.get("type"));
    let all: Vec<&str> = match said {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    all.into_iter().map(|one| one.rsplit_once(['/', '#', ':']).map_or(one, |(_, name)| name))
}

fn is_article(object: &Map<String, Value>) -> bool {
    kinds(object).any(|one| {
        (one.ends_with("Article") || one.ends_with("Posting")) && one != "JobPosting" || one == "Report"
    })
}

fn list_of(object: &Map<String, Value>) -> Option<&Vec<Value>> {
    let keys: &[&str] = if is(object, "ItemList") || is(object, "DataFeed") {
        &["itemListElement", "dataFeedElement"]
    } else if is(object, "Blog") {
        &["blogPost", "blogPosts"]
    } else if is(object, "CollectionPage") || is(object, "PodcastSeries") {
        &["hasPart", "episode"]
    } else {
        return None;
    };
    keys.iter().find_map(|key| object.get(*key)?.as_array())
}

/// One element of a list: the thing itself, or a `ListItem` that points to it.
fn element(value: &Value) -> Option<Story> {
    if let Value::String(link) = value {
        return Some(Story { link: Some(link.clone()), ..Story::default() });
    }
    let object = value.as_object()?;
    let inner = object.get("item").and_then(Value::as_object);
    let named_here = || Story {
        title: object.get("name").and_then(string),
        link: object.get("url").or_else(|| object.get("item")).and_then(string),
        ..Story::default()
    };
    let told =
        |object: &Map<String, Value>| is_article(object) || kinds(object).any(|one| STORIES.contains(&one));
    match inner {
        Some(inner) if told(inner) || kinds(inner).next().is_none() || inner.contains_key("headline") => {
            let outer = named_here();
            let mut story = story(inner)?;
            story.title = story.title.or(outer.title);
            story.link = story.link.or(outer.link);
            Some(story)
        }
        None if told(object) => story(object),
        None if is(object, "ListItem") || kinds(object).next().is_none() => {
            Some(named_here()).filter(|story| story.link.is_some())
        }
        _ => None,
    }
}

fn story(object: &Map<String, Value>) -> Option<Story> {
    let get = |keys: &[&str]| keys.iter().find_map(|key| object.get(*key));
    let text = |keys: &[&str]| {
        keys.iter().find_map(|key| object.get(*key).and_then(|value| named(value, &["@value", "name"])))
    };
    let link = keys_link(object);
    let title = text(&["headline", "name", "alternativeHeadline"]);
    if title.is_none() && link.is_none() {
        return None;
    }
    let file = get(&["associatedMedia", "audio", "encoding"]).and_then(|media| {
        let url = named(media, &["contentUrl", "url"])?;
        let kind = media.get("encodingFormat").and_then(string).unwrap_or_default();
        Some((url, kind))
    });
    Some(Story {
        title,
        link,
        published: text(&["datePublished", "uploadDate", "dateCreated", "startDate"]),
        updated: text(&["dateModified"]),
        summary: text(&["description", "abstract"]),
        content: object.get("articleBody").and_then(string),
        authors: get(&["author", "creator"]).map(|one| names(one, &["name"])).unwrap_or_default(),
        image: get(&["image", "thumbnailUrl"]).and_then(|one| named(one, &["url", "contentUrl", "@id"])),
        categories: get(&["articleSection"]).map(|one| names(one, &["name"])).unwrap_or_default(),
        language: text(&["inLanguage"]),
        file,
    })
}

fn keys_link(object: &Map<String, Value>) -> Option<String> {
    let address = |said: &String| said.contains('/') && !said.starts_with('#');
    let link = ["url", "mainEntityOfPage", "@id", "sameAs"]
        .iter()
        .find_map(|key| named(object.get(*key)?, &["@id", "url"]).filter(address));
    // `https://example.org/story#article` is the thing, not another page.
    link.map(|link| match link.split_once('#') {
        Some((page, _)) if !page.is_empty() && !object.contains_key("url") => page.to_owned(),
        _ => link,
    })
}
