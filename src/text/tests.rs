use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(title: &str, folded: &str) {
    assert_eq!(fold_title(title), folded, "{title:?}");
}

#[test]
fn titles_fold() {
    check("  Hello,\n\t World\u{a0}! ", "hello, world !");
    check("STRASSE straße", "strasse strasse");
    check("Mi\u{ad}grant\u{200b}s\u{2060}", "migrants");
    check("\u{202e}abc\u{202c}", "abc");
    check("ﬁne １２３ №", "fine 123 no");
    check("É e\u{301}", "é é");
    check("ΣΊΣΥΦΟΣ σίσυφος", "σίσυφοσ σίσυφοσ");
    check("Ещё", "ещё");
    check("❤\u{fe0f}", "❤");
    check("a\u{1}b", "ab");
    check("a \u{1} b\n\0\u{1f}", "a b");
    check("\u{4}\0\n\0", "");
    check("\u{200b} \u{ad}", "");
    // What is written differently stays different.
    assert_ne!(fold_title("Ünal"), fold_title("Unal"));
    assert_ne!(fold_title("a-b"), fold_title("a b"));
}

#[test]
fn cutting() {
    for (text, max, expected) in [
        ("abc", 3, ("abc", false)),
        ("abcd", 3, ("abc", true)),
        ("abc", 0, ("", true)),
        ("", 0, ("", false)),
        ("äöü", 2, ("äö", true)),
        ("ae\u{301}", 2, ("a", true)),
        ("x👩\u{200d}👩\u{200d}👧y", 3, ("x", true)),
        ("x👍🏽", 2, ("x", true)),
    ] {
        assert_eq!(cut(text, max), expected, "{text:?}");
    }
}

#[test]
fn what_xml_forbids_goes() {
    assert!(matches!(clean("plain\ttext\r\n"), Cow::Borrowed(_)));
    assert_eq!(clean("a\0b\u{8}c\u{b}d\u{1f}e\u{ffff}f\u{fffe}g\u{85}"), "abcdefg\u{85}");
}

#[test]
fn nothing_hides_in_a_log() {
    assert_eq!(visible("a\nb\r\t\u{1b}[31m\u{202e}é"), "a\\nb\\r\\t\\u{1b}[31m\\u{202e}é");
}

proptest! {
    #[test]
    fn folding_twice_is_folding_once(title in "\\PC{0,20}", any in any::<String>(), ascii in "[\\x00-\\x7f]{0,9}") {
        for text in [title, any, ascii] {
            let once = fold_title(&text);
            prop_assert_eq!(fold_title(&once), once.clone());
            prop_assert_eq!(squeeze(&once), once.clone());
            prop_assert_eq!(fold_title(&format!(" {text}\u{ad}\n")), once.clone());
        }
    }

    #[test]
    fn case_never_decides(title in "[a-zäöüßéèñçøåа-яёα-ω ]{0,20}") {
        prop_assert_eq!(fold_title(&title.to_uppercase()), fold_title(&title));
    }

    #[test]
    fn a_cut_is_a_prefix(text in any::<String>(), max in 0usize..30) {
        let (kept, was_cut) = cut(&text, max);
        prop_assert!(text.starts_with(kept) && kept.chars().count() <= max);
        prop_assert_eq!(was_cut, kept.len() < text.len());
    }

    #[test]
    fn clean_text_is_what_xml_allows(text in any::<String>()) {
        let once = clean(&text).into_owned();
        prop_assert!(once.chars().all(|c| c == '\t' || c == '\n' || c == '\r' || c >= ' '));
        prop_assert_eq!(clean(&once).into_owned(), once.clone());
        prop_assert!(!visible(&text).chars().any(char::is_control));
    }

    #[test]
    fn plain_letters_are_squeezed_like_all_others(text in "[ -~\\t\\n\\x0b\\x0c\\r\\x1c]{0,30}", times in 1usize..9) {
        // Longer than what is looked at in one go, too.
        let text = text.repeat(times);
        let words: Vec<&str> = text.split_whitespace().collect();
        prop_assert_eq!(squeeze(&text), words.join(" "));
    }
}
