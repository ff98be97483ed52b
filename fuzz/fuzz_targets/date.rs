//! Dates: whole texts, forms from the config, dates inside longer texts. The place of a find is inside the text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use riverine::date;

fuzz_target!(|text: &str| {
    let zone = chrono_tz::Europe::Vienna;
    let _ = date::parse(text, zone);
    if let Some((_, place)) = date::find(text, zone) {
        assert!(text.get(place).is_some());
    }
    if let Some((format, text)) = text.split_once('|') {
        let _ = date::parse_as(text, format, zone);
    }
});
