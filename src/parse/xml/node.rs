//! An element that is kept whole, and what can be asked of it: attributes, children, text, markup.

use std::rc::Rc;

use url::Url;

use super::names::Ns;
use crate::html;

/// An element with everything in it.
#[derive(Clone, Debug)]
pub(in crate::parse) struct Node {
    pub(in crate::parse) ns: Ns,
    /// Local name in lower case.
    pub(in crate::parse) name: String,
    pub(in crate::parse) attributes: Vec<(Ns, String, String)>,
    pub(in crate::parse) children: Vec<Child>,
    pub(in crate::parse) base: Option<Rc<Url>>,
    /// `xml:lang` in force.
    pub(in crate::parse) language: Option<Rc<str>>,
    /// True when `xml:lang` stands on this very element.
    pub(in crate::parse) own_language: bool,
    /// True when its end tag was found.
    pub(in crate::parse) closed: bool,
}

#[derive(Clone, Debug)]
pub(in crate::parse) enum Child {
    Text(String),
    Node(Node),
}

impl Node {
    pub(in crate::parse) fn attribute(&self, name: &str) -> Option<&str> {
        let plain = self.attributes.iter().find(|(ns, own, _)| *ns == Ns::Rss && own == name);
        plain
            .or_else(|| self.attributes.iter().find(|(_, own, _)| own == name))
            .map(|(_, _, value)| value.as_str())
    }

    pub(in crate::parse) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.children.iter().filter_map(|child| match child {
            Child::Node(node) => Some(node),
            Child::Text(_) => None,
        })
    }

    pub(in crate::parse) fn has_nodes(&self) -> bool {
        self.nodes().next().is_some()
    }

    /// Its own text and that of everything inside, trimmed.
    pub(in crate::parse) fn text(&self) -> String {
        let mut text = String::new();
        self.collect(&mut text);
        let trimmed = text.trim();
        if trimmed.len() == text.len() { text } else { trimmed.to_owned() }
    }

    fn collect(&self, text: &mut String) {
        for child in &self.children {
            match child {
                Child::Text(piece) => text.push_str(piece),
                Child::Node(node) => node.collect(text),
            }
        }
    }

    /// What stands inside as markup. `escaped`: its texts are characters, not markup of their own.
    pub(in crate::parse) fn markup(&self, escaped: bool) -> String {
        let mut out = String::new();
        self.write_inside(&mut out, escaped, self.base.as_deref());
        out.trim().to_owned()
    }

    fn write_inside(&self, out: &mut String, escaped: bool, base: Option<&Url>) {
        for child in &self.children {
            match child {
                Child::Text(text) if escaped => out.push_str(&html::escape(text)),
                Child::Text(text) => out.push_str(text),
                Child::Node(node) => node.write(out, escaped, base),
            }
        }
    }

    fn write(&self, out: &mut String, escaped: bool, base: Option<&Url>) {
        out.push('<');
        out.push_str(&self.name);
        for (ns, name, value) in &self.attributes {
            if !matches!(ns, Ns::Rss | Ns::Xhtml) {
                continue;
            }
            // A base set inside the text holds for its own part only.
            let own = self.base.as_deref().filter(|own| Some(*own) != base);
            let joined = match own {
                Some(own) if matches!(name.as_str(), "href" | "src" | "cite") => own.join(value).ok(),
                _ => None,
            };
            let value = joined.as_ref().map_or(value.as_str(), Url::as_str);
            out.push_str(&format!(" {name}=\"{}\"", html::escape(value)));
        }
        out.push('>');
        if is_void(&self.name) {
            return;
        }
        self.write_inside(out, escaped, base);
        out.push_str(&format!("</{}>", self.name));
    }
}

/// Elements of HTML that hold nothing.
pub(super) fn is_void(name: &str) -> bool {
    matches!(name, "br" | "img" | "hr" | "wbr" | "input")
}
