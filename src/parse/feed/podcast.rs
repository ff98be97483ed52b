//! What podcasts say of themselves and of their episodes in iTunes tags.

use super::{Node, non_empty};
use crate::model::{Episode, Podcast};

/// Categories of a podcast that are kept.
const CATEGORIES: usize = 8;

/// Takes what one tag of an episode says.
pub(super) fn episode(found: &mut Option<Episode>, node: &Node) {
    let mut said = found.take().unwrap_or_default();
    match node.name.as_str() {
        "title" => said.title = said.title.or_else(|| non_empty(node.text())),
        "season" => said.season = said.season.or_else(|| number(node)),
        "episode" => said.number = said.number.or_else(|| number(node)),
        "episodetype" => said.kind = said.kind.or_else(|| one_of(node, &["full", "trailer", "bonus"])),
        "explicit" => said.explicit = said.explicit.or_else(|| explicit(node)),
        "image" => {
            let address = || node.attribute("href").map(str::to_owned).or_else(|| non_empty(node.text()));
            let absolute = |address: String| {
                let joined = node.base.as_ref().and_then(|base| base.join(address.trim()).ok());
                joined.map_or(address, |url| url.to_string())
            };
            said.image = said.image.or_else(|| address().map(absolute));
        }
        _ => {}
    }
    *found = Some(said).filter(|said| *said != Episode::default());
}

/// Takes what one tag of a podcast says of the whole.
pub(super) fn whole(found: &mut Option<Podcast>, node: &Node) {
    let mut said = found.take().unwrap_or_default();
    match node.name.as_str() {
        "category" => {
            if let Some(category) = subject(node).filter(|_| said.categories.len() < CATEGORIES) {
                let narrower = node.nodes().filter(|child| child.name == "category").find_map(subject);
                said.categories.push((category, narrower));
            }
        }
        "explicit" => said.explicit = said.explicit.or_else(|| explicit(node)),
        "type" => said.kind = said.kind.or_else(|| one_of(node, &["episodic", "serial"])),
        "owner" => {
            let part = |name: &str| {
                let child = node.nodes().find(|child| child.name == name);
                child.and_then(|child| non_empty(child.text()))
            };
            said.owner = said.owner.or_else(|| part("name"));
            said.email = said.email.or_else(|| part("email"));
        }
        _ => {}
    }
    *found = Some(said).filter(|said| *said != Podcast::default());
}

fn subject(node: &Node) -> Option<String> {
    node.attribute("text").map(crate::text::squeeze).filter(|text| !text.is_empty())
}

fn number(node: &Node) -> Option<u32> {
    node.text().trim().parse().ok().filter(|number| *number > 0)
}

fn one_of(node: &Node, words: &[&str]) -> Option<String> {
    let said = node.text().trim().to_ascii_lowercase();
    words.contains(&said.as_str()).then_some(said)
}

/// `true`, `yes`; `false`, `no`, and `clean` of old.
fn explicit(node: &Node) -> Option<bool> {
    match node.text().trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "explicit" => Some(true),
        "false" | "no" | "clean" => Some(false),
        _ => None,
    }
}
