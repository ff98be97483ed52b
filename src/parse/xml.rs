//! XML as it is in the wild, as a stream of elements: never fails, says what it had to mend.
//!
//! The stack of open elements is our own, so that a wrong or missing end tag costs one element, not the
//! document. No DTD is read and no entity it declares is expanded.

mod mend;
mod names;
mod node;

use std::collections::HashMap;
use std::rc::Rc;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use url::Url;

use self::mend::{is_torn, mend};
pub(super) use self::names::Ns;
use self::names::{custom, meaning};
use self::node::is_void;
pub(super) use self::node::{Child, Node};
use super::ParseError;
use crate::html;

/// Elements open at once.
const DEEPEST: usize = 256;
/// Attributes on one tag.
const MOST_ATTRIBUTES: usize = 256;

/// An open element of the document.
struct Open {
    /// The name as written, prefix included.
    written: String,
    ns: Ns,
    name: String,
    base: Option<Rc<Url>>,
    language: Option<Rc<str>>,
    /// Declarations that were in force outside, to be put back.
    outside: Vec<(String, Option<Ns>)>,
    attributes: Vec<(Ns, String, String)>,
    own_language: bool,
    /// Set when this element is kept whole.
    node: Option<Vec<Child>>,
}

/// How an element ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// By its own end tag, or as an empty one.
    Own,
    /// With the element around it, or where the next one began: its own end tag is missing.
    Outer,
    /// Not at all: the document breaks off inside.
    Never,
}

/// Who listens to a document.
pub(super) trait Listener {
    /// True when the element is to be kept whole and given to [`Listener::whole`].
    fn wants(&mut self, path: &[(Ns, &str)], ns: Ns, name: &str) -> bool;
    /// True when a start tag of this name inside a kept element means that the kept one has ended.
    /// `direct`: no other element is open between the two.
    fn ends_before(&self, kept: &str, ns: Ns, name: &str, direct: bool) -> bool;
    /// True when a child of this name stands behind `open`, not in it, should the end tag of `open` be missing.
    fn follows(&self, _open: &str, _ns: Ns, _name: &str) -> bool {
        false
    }
    /// An element that is not kept whole begins.
    fn opened(
        &mut self,
        ns: Ns,
        name: &str,
        attribute: &dyn Fn(&str) -> Option<String>,
        language: Option<&str>,
        base: Option<&Url>,
    );
    /// A kept element, complete (or as complete as it will be).
    fn whole(&mut self, node: Node);
}

/// Reads a document to its end. What had to be mended is said.
///
/// # Errors
/// Only limits: depth and attributes.
pub(super) fn read(
    text: &str,
    base: Option<&Url>,
    listener: &mut dyn Listener,
) -> Result<Vec<String>, ParseError> {
    let mut walk = Walk {
        stack: Vec::new(),
        meanings: HashMap::new(),
        base: base.cloned().map(Rc::new),
        own_prefix: None,
        listener,
        mended: Vec::new(),
    };
    walk.run(text)?;
    Ok(walk.mended)
}

struct Walk<'a> {
    stack: Vec<Open>,
    meanings: HashMap<String, Ns>,
    base: Option<Rc<Url>>,
    /// The prefix of the first element.
    own_prefix: Option<String>,
    listener: &'a mut dyn Listener,
    mended: Vec<String>,
}

fn reader(text: &str) -> Reader<&[u8]> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    reader
}

impl Walk<'_> {
    fn run(&mut self, text: &str) -> Result<(), ParseError> {
        let whole = self.events(text)?;
        if let Some(place) = whole {
            // Only a document that needs it pays for mending: one more pass over the rest of it.
            self.mended.push("the XML is broken; what could be read around the damage was kept".to_owned());
            let rest = mend(text.get(place..).unwrap_or_default());
            if self.events(&rest)?.is_some() {
                self.mended.push("the XML breaks off; what came before was kept".to_owned());
            }
        }
        if !self.stack.is_empty() {
            self.mended.push("the document breaks off; what came before was kept".to_owned());
        }
        // What is still open was cut: half an entry is none.
        while let Some(open) = self.stack.pop() {
            self.close(open, End::Never);
        }
        Ok(())
    }

    /// Reads events until the end (`None`) or until XML breaks (the byte where).
    fn events(&mut self, text: &str) -> Result<Option<usize>, ParseError> {
        let mut reader = reader(text);
        loop {
            let before = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            match reader.read_event() {
                // `5 < 6`: no tag, and all up to the next `>` was taken for one. Or a quote is missing.
                Ok(Event::Start(tag) | Event::Empty(tag)) if !may_begin_name(&tag) || is_torn(&tag) => {
                    return Ok(Some(before));
                }
                Ok(Event::Start(tag)) => self.start(&tag)?,
                Ok(Event::Empty(tag)) => {
                    self.start(&tag)?;
                    if let Some(open) = self.stack.pop() {
                        self.close(open, End::Own);
                    }
                }
                Ok(Event::End(tag)) if is_torn(tag.name().as_ref()) => return Ok(Some(before)),
                Ok(Event::End(tag)) => self.end(tag.name().as_ref()),
                Ok(Event::Text(piece)) => self.text(&piece),
                Ok(Event::CData(piece)) => self.text(&piece),
                Ok(Event::GeneralRef(name)) => {
                    let name: &str = &name;
                    match html::reference(name) {
                        Some(letters) => self.text(&letters),
                        None => self.text(&format!("&{name};")),
                    }
                }
                Ok(Event::Eof) => return Ok(None),
                Ok(Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_)) => {}
                Err(_) => return Ok(Some(before)),
            }
        }
    }

    fn text(&mut self, piece: &str) {
        let Some(Open { node: Some(children), .. }) = self.stack.last_mut() else { return };
        let piece = crate::text::clean(piece);
        match children.last_mut() {
            Some(Child::Text(text)) => text.push_str(&piece),
            _ => children.push(Child::Text(piece.into_owned())),
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>) -> Result<(), ParseError> {
        if self.stack.len() >= DEEPEST {
            return Err(ParseError::Limit(format!("elements are nested more than {DEEPEST} deep")));
        }
        let mut attributes: Vec<(String, String)> = Vec::new();
        for attribute in tag.html_attributes().with_checks(false).flatten() {
            if attributes.len() >= MOST_ATTRIBUTES {
                return Err(ParseError::Limit(format!("a tag has more than {MOST_ATTRIBUTES} attributes")));
            }
            let value = crate::text::clean(&html::decode(&attribute.value)).into_owned();
            attributes.push((attribute.key.as_ref().to_owned(), value));
        }
        let mut outside = Vec::new();
        for (name, value) in &attributes {
            let prefix = match name.strip_prefix("xmlns") {
                Some("") => String::new(),
                Some(rest) if rest.starts_with(':') => rest.trim_start_matches(':').to_owned(),
                _ => continue,
            };
            let before = self.meanings.insert(prefix.clone(), meaning(value));
            outside.push((prefix, before));
        }
        let written = tag.name().as_ref().to_owned();
        let (ns, name) = self.resolve(&written, false);
        let parent = self.stack.last();
        let mut base = parent.map_or_else(|| self.base.clone(), |open| open.base.clone());
        let mut language = parent.and_then(|open| open.language.clone());
        let mut own_language = false;
        let mut kept = Vec::new();
        for (written, value) in attributes {
            let (ns, name) = self.resolve(&written, true);
            match (ns, name.as_str()) {
                (Ns::Xml, "base") => {
                    let joined = match &base {
                        Some(outer) => outer.join(value.trim()).ok(),
                        None => Url::parse(value.trim()).ok(),
                    };
                    // Only http(s) bases count; others would lead links astray.
                    if let Some(url) = joined.filter(|url| matches!(url.scheme(), "http" | "https")) {
                        base = Some(Rc::new(url));
                    }
                }
                (Ns::Xml, "lang") => {
                    language = Some(value.trim().into()).filter(|language: &Rc<str>| !language.is_empty());
                    own_language = true;
                }
                _ if written.starts_with("xmlns") => {}
                _ => kept.push((ns, name, value)),
            }
        }
        let open =
            Open { written, ns, name, base, language, outside, attributes: kept, own_language, node: None };
        self.open(open);
        Ok(())
    }

    fn open(&mut self, mut open: Open) {
        let inside = self.stack.last().is_some_and(|parent| parent.node.is_some());
        if inside {
            let root = self.stack.iter().position(|open| open.node.is_some());
            let kept = root.and_then(|root| self.stack.get(root)).map_or("", |open| open.name.as_str());
            let direct = root.is_some_and(|root| root + 1 == self.stack.len());
            if self.listener.ends_before(kept, open.ns, &open.name, direct) {
                // `<item>` inside `<item>`: the end tag of the first is missing.
                while self.stack.len() > root.unwrap_or_default() {
                    if let Some(outer) = self.stack.pop() {
                        self.close(outer, End::Outer);
                    }
                }
                return self.open(open);
            }
            open.node = Some(Vec::new());
        } else {
            let path: Vec<(Ns, &str)> = self.stack.iter().map(|open| (open.ns, open.name.as_str())).collect();
            if self.listener.wants(&path, open.ns, &open.name) {
                open.node = Some(Vec::new());
            } else {
                let attribute = |name: &str| {
                    open.attributes.iter().find(|(_, own, _)| own == name).map(|(_, _, value)| value.clone())
                };
                let language = open.language.as_deref().filter(|_| open.own_language);
                self.listener.opened(open.ns, &open.name, &attribute, language, open.base.as_deref());
            }
        }
        self.stack.push(open);
    }

    /// An end tag ends the nearest element of its name and what is open inside it. One that fits none is
    /// ignored, unless it is the innermost name misspelled.
    fn end(&mut self, written: &str) {
        let same = |open: &Open| open.written.eq_ignore_ascii_case(written);
        let place = self.stack.iter().rposition(same).or_else(|| {
            let innermost = self.stack.last().filter(|open| open.node.is_some())?;
            let near = (4..64).contains(&written.len())
                && innermost.written.len() < 64
                && strsim::osa_distance(&innermost.written, written) <= 2;
            near.then(|| self.stack.len() - 1)
        });
        let Some(place) = place else { return };
        while self.stack.len() > place {
            if let Some(open) = self.stack.pop() {
                self.close(open, if self.stack.len() == place { End::Own } else { End::Outer });
            }
        }
    }

    fn close(&mut self, open: Open, end: End) {
        for (prefix, before) in open.outside.into_iter().rev() {
            match before {
                Some(ns) => self.meanings.insert(prefix, ns),
                None => self.meanings.remove(&prefix),
            };
        }
        let Some(mut children) = open.node else { return };
        let behind = if end == End::Outer { self.behind(&open.name, &mut children) } else { Vec::new() };
        let node = Node {
            ns: open.ns,
            name: open.name,
            attributes: open.attributes,
            children,
            base: open.base,
            language: open.language,
            own_language: open.own_language,
            closed: end != End::Never,
        };
        if let Some(Open { node: Some(siblings), .. }) = self.stack.last_mut() {
            siblings.push(Child::Node(node));
            siblings.extend(behind);
        } else {
            self.listener.whole(node);
            for child in behind {
                if let Child::Node(node) = child {
                    self.listener.whole(node);
                }
            }
        }
    }

    /// What got into an element because its end tag is missing, taken out again.
    fn behind(&self, open: &str, children: &mut Vec<Child>) -> Vec<Child> {
        let first = children.iter().position(|child| match child {
            Child::Node(node) => is_void(open) || self.listener.follows(open, node.ns, &node.name),
            Child::Text(_) => is_void(open),
        });
        first.map_or_else(Vec::new, |first| children.split_off(first))
    }

    fn resolve(&mut self, written: &str, attribute: bool) -> (Ns, String) {
        let (prefix, local) = written.split_once(':').unwrap_or(("", written));
        let own = self.own_prefix.get_or_insert_with(|| prefix.to_owned());
        let ns = if attribute && prefix.is_empty() {
            Ns::Rss
        } else {
            let declared = self.meanings.get(prefix).copied();
            match declared {
                Some(ns) if prefix != "xml" => ns,
                _ if prefix.is_empty() => Ns::Rss,
                _ => custom(&prefix.to_ascii_lowercase()),
            }
        };
        let foreign = ns == Ns::Other && !prefix.is_empty() && prefix != own;
        (if foreign { Ns::Foreign } else { ns }, local.to_ascii_lowercase())
    }
}

fn may_begin_name(tag: &BytesStart<'_>) -> bool {
    tag.name().as_ref().starts_with(|first: char| first.is_alphabetic() || matches!(first, '_' | ':'))
}
