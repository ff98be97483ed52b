//! People in their many forms: `mail (Name)`, `Name <mail>`, Atom persons, plain names.

use super::Node;
use crate::model::Person;

/// An Atom person construct, or a text where there should be one.
pub(super) fn construct(node: &Node) -> Option<Person> {
    let part = |names: &[&str]| {
        node.nodes()
            .find(|child| names.contains(&child.name.as_str()))
            .map(Node::text)
            .filter(|text| !text.is_empty())
    };
    if !node.has_nodes() {
        return from_text(&node.text());
    }
    let person =
        Person { name: part(&["name"]), email: part(&["email"]), uri: part(&["uri", "url", "homepage"]) };
    if person == Person::default() { from_text(&node.text()) } else { Some(person) }
}

/// A person written in one line.
pub(super) fn from_text(text: &str) -> Option<Person> {
    let text = crate::text::squeeze(&crate::html::to_text_if_markup(text));
    if text.is_empty() {
        return None;
    }
    for (open, close) in [('(', ')'), ('<', '>')] {
        let Some((before, rest)) = text.split_once(open) else { continue };
        let Some((inside, _)) = rest.split_once(close) else { continue };
        let (before, inside) = (before.trim().trim_matches('"'), inside.trim());
        let (mail, name) = match (is_mail(before), is_mail(inside)) {
            (true, _) => (before, inside),
            (_, true) => (inside, before),
            _ => continue,
        };
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        return Some(Person { name: some(name), email: some(mail.trim_start_matches("mailto:")), uri: None });
    }
    if is_mail(&text) {
        return Some(Person {
            email: Some(text.trim_start_matches("mailto:").to_owned()),
            ..Person::default()
        });
    }
    Some(Person { name: Some(text), ..Person::default() })
}

fn is_mail(text: &str) -> bool {
    text.split_once('@')
        .is_some_and(|(user, host)| !user.is_empty() && host.contains('.') && !text.contains(' '))
}
