//! Cleaning is done once: twice changes nothing. In one pass and by a tree it gives the same. Making text never panics.

#![no_main]

use libfuzzer_sys::fuzz_target;
use riverine::html::{self, Cleaner};
use url::Url;

fuzz_target!(|text: &str| {
    let base = Url::parse("https://base.example/a/b").ok();
    let once = html::sanitize(text, base.as_ref());
    assert_eq!(html::sanitize(&once, base.as_ref()), once);
    for base in [base.as_ref(), None] {
        let cleaner = Cleaner::new(base);
        assert_eq!(cleaner.clean(text), cleaner.clean_by_tree(text));
    }
    let _ = html::to_text(text);
    let plain = html::to_text_if_markup(text);
    assert!(plain.len() <= text.len() * 4 + 8);
    let _ = html::paragraphs(text);
    let _ = html::depth(text);
});
