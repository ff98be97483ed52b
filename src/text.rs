//! stub
pub fn fold_title(t: &str) -> String { squeeze(t).to_lowercase() }
pub fn squeeze(t: &str) -> String { t.split_whitespace().collect::<Vec<_>>().join(" ") }
