//! Any bytes, read as every kind there is: never a panic, and what was normalized stays as it is.
//! The first byte chooses the kind and the Content-Type.

#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;
use riverine::model::{Kind, PageSelectors};
use riverine::normalize::{self, Context};
use riverine::parse::{self, Input};
use url::Url;

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else { return };
    let url = Url::parse("https://base.example/feeds/document").ok();
    let kind = match choice % 4 {
        0 => Kind::Auto,
        1 => Kind::Feed,
        2 => Kind::Page,
        _ => Kind::Text,
    };
    let content_type = match choice / 4 % 4 {
        0 => None,
        1 => Some("text/html; charset=windows-1251"),
        2 => Some("application/xml; charset=utf-8"),
        _ => Some("text/plain; charset=shift_jis"),
    };
    let selectors = PageSelectors::default();
    let input =
        Input { bytes, content_type, content_language: None, url: url.as_ref(), kind, selectors: &selectors };
    let Ok(parsed) = parse::parse(&input) else { return };
    assert!(parsed.entries.len() <= 5000);
    let context = Context {
        url: url.as_ref(),
        secrets: &riverine::link::Secrets::of(&url),
        timezone: chrono_tz::UTC,
        language: None,
        stored: &HashSet::new(),
    };
    for entry in normalize::normalize(parsed, &context).entries {
        assert!(entry.title.chars().count() <= 1000);
        for html in [entry.summary, entry.content].into_iter().flatten() {
            // Every `<` of clean HTML begins a tag.
            for tag in html.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
                assert!(!tag.starts_with("script") && !tag.contains("=\"javascript:"), "{}", &*html);
            }
        }
    }
});
