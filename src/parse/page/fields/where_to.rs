//! The link of an item, its picture, and what a link tells of where it leads.

use super::super::dom::Id;
use super::super::item;
use super::super::words::{self, Mark};
use super::{MOST, Picked, Reader};

/// Attributes with the address of a picture, the best first: pages that load late keep the real one elsewhere.
const PICTURE: [&str; 6] = ["data-src", "data-lazy-src", "data-original", "data-image", "src", "content"];

impl Reader<'_, '_> {
    /// Links of the item: in it, its element itself, or the one it is wrapped in.
    pub(super) fn links(&self) -> impl Iterator<Item = Id> + '_ {
        let is_link = |id: &Id| {
            matches!(self.dom.name(*id), "a" | "area")
                && self.dom.attr(*id, "href").is_some_and(leads_anywhere)
        };
        let around = self.dom.ancestors(self.item.root).take(3);
        self.ids.iter().copied().chain(around).filter(is_link)
    }

    pub(super) fn link(&self, title: Option<Id>) -> Option<Picked<String>> {
        let picked = |id: Id| {
            let value = self.dom.attr(id, "href").or_else(|| self.dom.attr(id, "content"))?;
            leads_anywhere(value).then(|| Picked { value: value.to_owned(), id: Some(id) })
        };
        let bookmark = self.ids.iter().copied().filter(|id| {
            self.dom
                .attr(*id, "rel")
                .is_some_and(|rel| rel.split_ascii_whitespace().any(|one| one == "bookmark"))
        });
        let stated = self.by_class("u-url").chain(self.by_class("u-uid"));
        if let Some(link) =
            stated.chain(self.by_property(&["url", "mainEntityOfPage"])).chain(bookmark).find_map(picked)
        {
            return Some(link);
        }
        // The title's own link, or the link it stands in.
        let of_title = title.and_then(|title| {
            let inner = self.best_link(self.links().filter(|id| self.dom.within(title).contains(id)), title);
            inner.or_else(|| {
                let around = self.dom.ancestors(title).take(6);
                around
                    .into_iter()
                    .find(|id| self.dom.name(*id) == "a" && self.links().any(|link| link == *id))
            })
        });
        // A title that links to its own place on the page: the story may go on elsewhere.
        let place = |id: &Id| self.dom.attr(*id, "href").is_some_and(|href| href.starts_with('#'));
        let of_title = match of_title {
            Some(id) if place(&id) => {
                let more =
                    |id: &Id| !place(id) && words::is_more(&self.text(*id)) && self.dom.sums(*id).chars > 0;
                self.links().take(MOST).find(more).or(Some(id))
            }
            other => other,
        };
        of_title
            .or_else(|| self.best_link(self.links(), title.unwrap_or(self.item.root)))
            .and_then(picked)
            .or_else(|| self.clicked())
    }

    /// Where a click leads that a script takes care of.
    fn clicked(&self) -> Option<Picked<String>> {
        let stated = |id: Id| {
            let attribute = |name: &str| self.dom.attr(id, name);
            let data = ["data-href", "data-url", "data-link"].into_iter().find_map(attribute);
            let script = attribute("onclick").or_else(|| attribute("href")?.strip_prefix("javascript:"));
            let address = data.filter(|address| is_address(address)).or_else(|| quoted_address(script?));
            address.map(str::to_owned)
        };
        let value = self.ids.iter().copied().chain([self.item.root]).take(MOST * 4).find_map(stated)?;
        Some(Picked { value, id: None })
    }

    /// The link that most looks like the story's.
    fn best_link(&self, links: impl Iterator<Item = Id>, near: Id) -> Option<Id> {
        let mut best: Option<(i64, Id)> = None;
        for id in links.take(MOST) {
            let sums = self.dom.sums(id);
            let text = self.text(id);
            let mut score = i64::try_from(sums.chars.min(120)).unwrap_or_default();
            if self.leads_elsewhere(id) {
                score -= 1000;
            }
            // "Read more" leads to the story, for sure.
            if words::is_more(&text) && !text.is_empty() {
                score += 60;
            }
            if item::is_date_text(&text) {
                score += 40;
            }
            if id < near {
                score -= 5;
            }
            let file = self.dom.attr(id, "href").is_some_and(is_archive);
            if file || self.up(id).any(|around| self.dom.name(around) == "details") {
                score -= 100;
            }
            if best.is_none_or(|(most, _)| score > most) {
                best = Some((score, id));
            }
        }
        best.map(|(_, id)| id)
    }

    /// Whether a link leads to a list, a person, a form or what stands under the story.
    pub(super) fn leads_elsewhere(&self, id: Id) -> bool {
        let rel = self.dom.attr(id, "rel").unwrap_or_default();
        let told =
            rel.split_ascii_whitespace().any(|one| matches!(one, "tag" | "author" | "category" | "license"));
        told || self.dom.is_marked(id, Mark::Elsewhere)
            || self.dom.attr(id, "href").is_some_and(leads_elsewhere)
    }

    pub(super) fn image(&self) -> Option<Picked<String>> {
        let stated = self.by_class("u-photo").chain(self.by_class("u-featured"));
        let properties = self.by_property(&["image", "thumbnailUrl", "thumbnail"]);
        let stated = stated.chain(properties).find_map(|id| self.picture(id));
        let is_picture = |id: &Id| {
            let small = ["width", "height"].into_iter().any(|side| {
                let size =
                    self.dom.attr(*id, side).and_then(|size| size.trim_end_matches("px").parse::<u32>().ok());
                size.is_some_and(|size| size < 32)
            });
            let icon = |id: Id| self.dom.is_marked(id, Mark::Icon);
            self.dom.name(*id) == "img" && !small && !icon(*id) && !self.up(*id).take(2).any(icon)
        };
        stated.or_else(|| {
            self.ids.iter().copied().filter(is_picture).take(MOST).find_map(|id| self.picture(id))
        })
    }

    fn picture(&self, id: Id) -> Option<Picked<String>> {
        let img = self
            .dom
            .within(id)
            .find(|inner| matches!(self.dom.name(*inner), "img" | "meta" | "link"))
            .unwrap_or(id);
        picture_of(|name| self.dom.attr(img, name)).map(|value| Picked { value, id: Some(img) })
    }
}

/// What looks like an address among the strings of a script.
fn quoted_address(script: &str) -> Option<&str> {
    let mut pieces = script.split(['"', '\'']).skip(1).step_by(2);
    pieces.find(|piece| is_address(piece))
}

fn is_address(said: &str) -> bool {
    let begins = ["/", "./", "../", "http://", "https://"].iter().any(|begin| said.starts_with(begin));
    let page = [".htm", ".php", ".asp", ".jsp", ".pdf", "?"].iter().any(|part| said.contains(part));
    (begins || page) && said.len() > 1 && !said.contains(char::is_whitespace)
}

/// The address of a picture by its attributes.
pub(in super::super) fn picture_of<'v>(attr: impl Fn(&str) -> Option<&'v str>) -> Option<String> {
    let is_real = |value: &&str| {
        !value.starts_with("data:") && !value.contains("blank.gif") && !value.contains("spacer")
    };
    let stated = PICTURE.into_iter().filter_map(&attr).find(is_real).map(str::to_owned);
    stated.or_else(|| attr("href").filter(is_real).map(str::to_owned)).or_else(|| {
        let set = ["srcset", "data-srcset"].into_iter().find_map(&attr)?;
        set.split_ascii_whitespace()
            .next()
            .filter(is_real)
            .map(|first| first.trim_end_matches(',').to_owned())
    })
}

/// A file to be kept, not to be read.
fn is_archive(href: &str) -> bool {
    let path = href.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    [".zip", ".gz", ".xz", ".bz2", ".exe", ".dmg", ".deb", ".rpm", ".apk", ".iso"]
        .iter()
        .any(|end| path.ends_with(end))
}

/// Whether an address is one of a document at all.
pub(in super::super) fn leads_anywhere(href: &str) -> bool {
    let lower = href.get(..href.len().min(12)).unwrap_or_default().to_ascii_lowercase();
    !(lower.is_empty()
        || lower == "#"
        || ["javascript:", "mailto:", "tel:", "data:", "sms:", "whatsapp:"]
            .iter()
            .any(|scheme| lower.starts_with(scheme)))
}

/// Whether an address leads to no story, as far as its form tells.
pub(in super::super) fn leads_elsewhere(href: &str) -> bool {
    let href = href.to_ascii_lowercase();
    if words::UNDER.iter().any(|under| href.contains(under)) {
        return true;
    }
    let (before, _) = href.split_once('#').unwrap_or((&href, ""));
    let (address, query) = before.split_once('?').unwrap_or((before, ""));
    if query.split('&').any(|pair| words::LIST_PARAMETERS.iter().any(|name| pair.starts_with(name))) {
        return true;
    }
    let path = address
        .split_once("://")
        .map_or(address, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let steps: Vec<&str> = path.split('/').filter(|step| !step.is_empty()).collect();
    let second = steps.iter().rev().nth(1);
    // The front page of this site, or nothing but a place in this page.
    steps.is_empty() && query.is_empty() && !address.contains("//")
        || steps.last().is_some_and(|last| words::SITE.contains(last))
        || second.is_some_and(|step| words::LISTS.contains(step))
        || steps.iter().any(|step| words::NO_STORY.contains(step))
}
