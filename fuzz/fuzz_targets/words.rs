//! Short texts from outside: addresses, queries, titles. What was put into its one form stays in it;
//! that of addresses is a property in src/link/tests.rs.

#![no_main]

use libfuzzer_sys::fuzz_target;
use riverine::query::{self, Query};
use riverine::{link, text};

fuzz_target!(|words: &str| {
    for canonical in [link::canonical, link::canonical_with_fragment] {
        if let Some(once) = canonical(words) {
            let _ = canonical(&format!("https://{once}"));
        }
    }
    let _ = link::mask(words);
    if let Ok(asked) = Query::new(words) {
        assert_eq!(Query::new(asked.as_str()).as_ref(), Ok(&asked));
    }
    let now = chrono::DateTime::UNIX_EPOCH;
    let _ = query::since(words, now);
    let folded = text::fold_title(words);
    assert_eq!(text::fold_title(&folded), folded, "{words}");
    let clean = text::clean(words).into_owned();
    assert_eq!(text::clean(&clean), clean);
    let (short, cut) = text::cut(words, 20);
    assert!(words.starts_with(short) && cut == (short.len() < words.len()));
});
