//! The head of a feed: one element at a time.

use super::{Node, Ns, add_person, non_empty, people, podcast, resolved, text_of};
use crate::model::{RawFeed, Text};

/// What extensions say of the whole, for where the format's own elements are missing.
#[derive(Default)]
pub(super) struct Finds {
    title: Option<Text>,
    description: Option<Text>,
}

impl Finds {
    /// Takes what one element of the head says.
    pub(super) fn read(&mut self, feed: &mut RawFeed, node: &Node, atom: bool) {
        let text = || Some(text_of(node, atom)).filter(|text: &Text| !text.value.is_empty());
        let slot = match (node.ns, node.name.as_str()) {
            (Ns::Foreign, _) => return,
            (Ns::Dc | Ns::Media, "title") => &mut self.title,
            (Ns::Dc, "description") | (Ns::Itunes, "summary" | "subtitle" | "description") => {
                &mut self.description
            }
            (Ns::Rss | Ns::Atom | Ns::Other, "summary") => &mut self.description,
            _ => return own(feed, node, atom),
        };
        *slot = slot.take().or_else(text);
    }

    /// The head with what it lacked.
    pub(super) fn finish(self, mut feed: RawFeed) -> RawFeed {
        feed.title = feed.title.or(self.title);
        feed.description = feed.description.or(self.description);
        feed
    }
}

fn own(feed: &mut RawFeed, node: &Node, atom: bool) {
    let text = || Some(text_of(node, atom)).filter(|text: &Text| !text.value.is_empty());
    let core = matches!(node.ns, Ns::Rss | Ns::Atom | Ns::Other | Ns::Rdf | Ns::Xhtml);
    match (node.ns, node.name.as_str()) {
        // Given twice, the first counts.
        (_, "title") if core => feed.title = feed.title.take().or_else(text),
        (_, "description" | "subtitle" | "tagline" | "abstract") if core => {
            // Given twice, the last counts: so other readers do it.
            feed.description = text().or(feed.description.take());
        }
        (_, "link") if core => link(feed, node),
        (_, "language") if core => feed.language = non_empty(node.text()).or(feed.language.take()),
        (Ns::Dc, "language") => feed.language = non_empty(node.text()).or(feed.language.take()),
        (_, "author" | "creator" | "managingeditor") if node.ns != Ns::Media => {
            add_person(&mut feed.authors, people::construct(node));
        }
        (Ns::Itunes, "category" | "explicit" | "owner" | "type") => podcast::whole(&mut feed.podcast, node),
        (Ns::Itunes, "image") => {
            feed.image = feed.image.take().or_else(|| node.attribute("href").map(str::to_owned));
        }
        (_, "image" | "icon" | "logo") if core => {
            let url = node.nodes().find(|child| child.name == "url").map(Node::text);
            let url = url.or_else(|| Some(node.text()).filter(|_| !node.has_nodes()));
            feed.image = feed.image.take().or_else(|| url.and_then(non_empty));
        }
        (_, "ttl") if core => feed.ttl_minutes = node.text().parse().ok(),
        (_, "skiphours") if core => {
            feed.skip_hours = node
                .nodes()
                .filter_map(|hour| hour.text().parse().ok())
                .map(|hour: u8| hour % 24)
                .take(24)
                .collect();
        }
        (_, "skipdays") if core => {
            feed.skip_days = node.nodes().filter_map(|day| weekday(&day.text())).collect();
        }
        (Ns::Syndication, "updateperiod") => {
            let seconds = match node.text().to_ascii_lowercase().as_str() {
                "hourly" => 3_600,
                "daily" => 86_400,
                "weekly" => 604_800,
                "monthly" => 2_592_000,
                "yearly" => 31_536_000,
                _ => return,
            };
            // A frequency that stood before it was kept as a divisor.
            feed.update_seconds =
                Some(seconds / feed.update_seconds.filter(|f| *f < 3_600).unwrap_or(1).max(1));
        }
        (Ns::Syndication, "updatefrequency") => {
            let frequency: u64 = node.text().parse().unwrap_or(1).clamp(1, 3_599);
            feed.update_seconds = Some(feed.update_seconds.map_or(frequency, |seconds| seconds / frequency));
        }
        _ => {}
    }
}

fn link(feed: &mut RawFeed, node: &Node) {
    let href = node.attribute("href").or_else(|| node.attribute("url"));
    let Some(href) = href.map(str::trim).filter(|href| !href.is_empty()) else {
        let text = resolved(node, &node.text());
        if node.ns == Ns::Rss || feed.link.is_none() {
            feed.link = text.or(feed.link.take());
        }
        return;
    };
    let Some(href) = resolved(node, href) else { return };
    match node.attribute("rel").unwrap_or("alternate").trim().to_ascii_lowercase().as_str() {
        "alternate" | ""
            if (node.ns == Ns::Rss
                || feed.link.as_deref().is_none_or(|known| !known.starts_with("http"))) =>
        {
            feed.link = Some(href);
        }
        "self" => feed.self_link = feed.self_link.take().or(Some(href)),
        "hub" => feed.hubs.push(href),
        "next" | "prev-archive" => feed.next = feed.next.take().or(Some(href)),
        _ => {}
    }
}

fn weekday(name: &str) -> Option<u8> {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let name = name.trim().get(..3)?.to_ascii_lowercase();
    DAYS.iter().position(|day| *day == name).and_then(|day| u8::try_from(day).ok())
}
