//! Cleaning is done once: twice changes nothing. Making text never panics.

#![no_main]

use libfuzzer_sys::fuzz_target;
use riverine::html;
use url::Url;

fuzz_target!(|text: &str| {
    let base = Url::parse("https://base.example/a/b").ok();
    let once = html::sanitize(text, base.as_ref());
    assert_eq!(html::sanitize(&once, base.as_ref()), once);
    let _ = html::to_text(text);
    let plain = html::to_text_if_markup(text);
    assert!(plain.len() <= text.len() * 4 + 8);
    let _ = html::paragraphs(text);
    let _ = html::depth(text);
});
