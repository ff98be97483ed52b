//! Secrets: a string, or where to find one. The value never stands in a message.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;
use toml::Spanned;
use toml::de::DeValue;

use super::diagnose::{Place, Severity};
use super::walk::{Read, Spot};
use crate::model::Secret;

/// Nobody's password is longer; a file that is was named by mistake.
const LONGEST: u64 = 64 << 10;

/// Reads the value of a secret key.
pub(super) fn read(spot: &Spot<'_, '_>) -> Read<Secret> {
    read_value(spot, spot.value)
}

/// Reads a secret that stands anywhere under the key.
pub(super) fn read_value(spot: &Spot<'_, '_>, value: &Spanned<DeValue<'_>>) -> Read<Secret> {
    let span = value.span();
    let wrong = |words: String| Err(vec![spot.wrong_at(span.clone(), words)]);
    if let Some(text) = value.get_ref().as_str() {
        spot.report.hide(Place { file: spot.file, span: span.clone() });
        return checked(text).or_else(|why| wrong(format!("this secret {why}")));
    }
    let forms = "a secret is a string, { file = … }, { env = … } or { credential = … }";
    let Some(table) = value.get_ref().as_table() else {
        // A number may well be somebody's password.
        spot.report.hide(Place { file: spot.file, span: span.clone() });
        return wrong(forms.to_owned());
    };
    let mut entries = table.iter();
    let (Some((name, inner)), None) = (entries.next(), entries.next()) else {
        spot.report.hide(Place { file: spot.file, span: span.clone() });
        return wrong(format!("{forms}; exactly one of them"));
    };
    let Some(target) = inner.get_ref().as_str() else {
        return wrong(format!("{} must be a string", name.get_ref()));
    };
    let found = match &**name.get_ref() {
        "file" => from_file(spot, &spot.dir.join(target)),
        "env" => from_env(spot, target),
        "credential" => from_credential(spot, target),
        other => {
            spot.report.hide(Place { file: spot.file, span: inner.span() });
            Err(Lack::Wrong(format!("{forms}; {other:?} is none of these")))
        }
    };
    match found {
        Ok(secret) => Ok(secret),
        Err(Lack::Wrong(why)) => Err(vec![spot.wrong_at(inner.span(), why)]),
        Err(Lack::NotHere(severity, why)) => {
            let place = Place { file: spot.file, span: inner.span() };
            spot.report.say(severity, Some(place), why, None);
            // Never used: who needs secrets refuses a config that is not complete.
            Ok(Secret::new(""))
        }
    }
}

/// Why there is no secret.
enum Lack {
    /// What is said of it, or what it is, will not do.
    Wrong(String),
    /// It is not to be had here, by this user, at this time.
    NotHere(Severity, String),
}

impl From<String> for Lack {
    fn from(why: String) -> Self {
        Self::Wrong(why)
    }
}

fn checked(text: &str) -> Result<Secret, &'static str> {
    if text.is_empty() {
        Err("is empty")
    } else if text.chars().any(char::is_control) {
        Err("has control characters in it (a line end?)")
    } else {
        Ok(Secret::new(text))
    }
}

fn from_file(spot: &Spot<'_, '_>, path: &Path) -> Result<Secret, Lack> {
    spot.report.also_read.borrow_mut().push(path.to_owned());
    let shown = path.display();
    let not_here =
        |e: std::io::Error| Lack::NotHere(Severity::Unset, format!("cannot read the secret in {shown}: {e}"));
    let size = std::fs::metadata(path).map_err(not_here)?.len();
    if size > LONGEST {
        return Err(format!("{shown} has {size} bytes; that is no secret").into());
    }
    let bytes = std::fs::read(path).map_err(not_here)?;
    let text = String::from_utf8(bytes).map_err(|_| format!("the secret in {shown} is not UTF-8"))?;
    // Editors and `echo` end files with a line end: it is not part of the secret.
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    checked(text).map_err(|why| format!("the secret in {shown} {why}").into())
}

fn from_env(spot: &Spot<'_, '_>, name: &str) -> Result<Secret, Lack> {
    let not_here = || Lack::NotHere(Severity::Unset, format!("the environment has no variable {name}"));
    let value = (spot.report.env)(name).ok_or_else(not_here)?;
    let text = value.to_str().ok_or_else(|| format!("the variable {name} is not UTF-8"))?;
    checked(text).map_err(|why| format!("the variable {name} {why}").into())
}

fn from_credential(spot: &Spot<'_, '_>, name: &str) -> Result<Secret, Lack> {
    if name.is_empty() || name.contains('/') || name == ".." {
        return Err(format!("{name:?} is not the name of a credential").into());
    }
    let Some(dir) = (spot.report.env)("CREDENTIALS_DIRECTORY") else {
        let words =
            format!("there are no credentials here: systemd hands them over with LoadCredential={name}:…");
        return Err(Lack::NotHere(Severity::Absent, words));
    };
    from_file(spot, &PathBuf::from(dir).join(name))
}

/// True for names whose values are usually not for others' eyes.
pub(super) fn sounds_like(name: &str) -> bool {
    let name = name.to_lowercase();
    ["token", "passw", "secret", "apikey", "api_key", "api-key", "auth", "credential", "cookie"]
        .iter()
        .any(|s| name.contains(s))
}

/// Places that look like secrets in a text that perhaps is no TOML at all.
pub(super) fn likely(text: &str) -> Vec<Range<usize>> {
    static PLACES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
        [
            // token = "…", X-Api-Key = "…", to the end of the string or of the line
            r#"(?im)(?:token|passw\w*|secret|authorization|cookie|[\w-]*key)["']?[ \t]*[=:][ \t]*(?:"([^"\r\n]*)|'([^'\r\n]*)|([^\s{"'][^\r\n,}]*))"#,
            // user:password@ in addresses
            r"://([^/@\s]+)@",
            // ?key=… in addresses
            r#"(?i)[?&][\w-]*(?:key|token|secret|passw\w*|auth|sig|signature)=([^&#\s"']+)"#,
        ]
        .iter()
        .filter_map(|pattern| Regex::new(pattern).ok())
        .collect()
    });
    let mut spans = Vec::new();
    for pattern in PLACES.iter() {
        for captures in pattern.captures_iter(text) {
            spans.extend(captures.iter().skip(1).flatten().map(|m| m.range()));
        }
    }
    spans
}
