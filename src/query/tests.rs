//! Queries as people write them.

use proptest::prelude::*;

use super::*;

/// The tree in one line: `&` all, `|` one of, `!` not.
fn shown(tree: &Tree) -> String {
    let list = |parts: &[Tree], by: &str| parts.iter().map(shown).collect::<Vec<_>>().join(by);
    match tree {
        Tree::All(parts) => format!("({})", list(parts, " & ")),
        Tree::Any(parts) => format!("({})", list(parts, " | ")),
        Tree::Not(tree) => format!("!{}", shown(tree)),
        Tree::Words { words, goes_on, in_title } => {
            let (before, behind) = (if *in_title { "title:" } else { "" }, if *goes_on { "*" } else { "" });
            format!("{before}{}{behind}", words.join("_"))
        }
    }
}

fn check(text: &str, wanted: Result<&str, &str>) {
    let got = Query::new(text);
    let got = got.as_ref().map(|query| shown(query.tree())).map_err(String::as_str);
    assert_eq!(got, wanted.map(str::to_owned), "{text:?}");
}

#[test]
fn a_title_is_words_and_no_query() {
    let shown = |text: &str| Query::of_words(text, false).map(|query| shown(query.tree()));
    assert_eq!(
        shown("Dam OR bridge? -5 °C, \"they\" say").as_deref(),
        Some("(dam & or & bridge & 5 & c & they & say)")
    );
    assert_eq!(shown(" – "), None);
    let titled = Query::of_words("Dam-5", true).map(|query| self::shown(query.tree()));
    assert_eq!(titled.as_deref(), Some("(title:dam & title:5)"));
}

#[test]
fn queries_become_trees() {
    check("migrant", Ok("migrant"));
    check("  Migrant  BOAT ", Ok("(migrant & boat)"));
    check("migrant OR smuggling", Ok("(migrant | smuggling)"));
    check("a b OR c d", Ok("((a & b) | (c & d))"));
    check("(a OR b) c", Ok("((a | b) & c)"));
    check("\"climate change\" -sport", Ok("(climate_change & !sport)"));
    check("flood*", Ok("flood*"));
    check("\"big flood\"*", Ok("big_flood*"));
    check("NOT sport news", Ok("(!sport & news)"));
    check("-sport", Ok("!sport"));
    check("a AND b", Ok("(a & b)"));
    check("-(a OR b)", Ok("!(a | b)"));
    check("- a", Ok("a"));
    check("--a", Ok("a"));
    check("covid-19", Ok("covid_19"));
    check("AT&T", Ok("at_t"));
    check("title:x col*", Ok("(title:x & col*)"));
    check("-Title:flood* title:\"Two  Words\"", Ok("(!title:flood* & title:two_words)"));
    check("Leser:innen 12:30 https://a.example/", Ok("(leser_innen & 12_30 & https_a_example)"));
    check("\"lang:fr\"", Ok("lang_fr"));
    check("or and not", Ok("(or & and & not)"));
    check("“curly quotes”", Ok("curly_quotes"));
    check("a & b", Ok("(a & b)"));
    check("near (a b)", Ok("(near & (a & b))"));
    check("a | b || c|d", Ok("(a | b | c | d)"));
    check("a b||(c d)", Ok("((a & b) | (c & d))"));
    check("+a +\"b c\" ^d", Ok("(a & b_c & d)"));
    check("C++ 5+1 what? ?! flood*, * **", Ok("(c & 5_1 & what & flood*)"));
    check("AT&T http://x.example/~a?b=c [Update]", Ok("(at_t & http_x_example_a_b_c & update)"));
    check("10~a ~b [a to b] 何?東", Ok("(10_a & b & a & to & b & 何_東)"));
    check("x^y ^_^ \"x^2\" \"*ood\" ~5 \"!a\" b! !", Ok("(x_y & x_2 & ood & 5 & a & b)"));
    check("a\"b\"c", Ok("(a & b & c)"));
}

#[test]
fn what_cannot_be_understood_is_said_in_words() {
    check("", Err("the query has no words"));
    check("&&& !!", Err("the query has no words"));
    check("()", Err("the query has no words"));
    check("\"open", Err("a quotation mark is not closed; write \"two words\""));
    check("a OR", Err("OR needs a word on either side"));
    check("OR a", Err("OR needs a word on either side"));
    check("a OR OR b", Err("OR needs a word on either side"));
    check("AND a", Err("AND needs a word on either side"));
    check("a AND", Err("AND needs a word on either side"));
    check("NOT", Err("NOT needs a word behind it"));
    let title = "title: needs one word or \"words in a row\" right behind it";
    check("title:(a OR b)", Err(title));
    check("title:", Err(title));
    check("title:a title:-b", Err(title));
    for query in ["title: ferry", "-title: ferry", "title:& ferry", "title:\"\" ferry", "a intitle:* b"] {
        check(query, Err(title));
    }
    check("NEAR(a b)", Err("NEAR is not understood; write \"two words\" for words in a row"));
    for query in ["a ||", "|| a", "a | | b", "a|"] {
        check(query, Err("OR needs a word on either side"));
    }
    check("title:|a", Err(title));
    let end = "words are found by how they begin (flood*), not by how they end; search for the whole word";
    for word in ["*ood", "**ood", "*ood*"] {
        for query in [word.to_owned(), format!("a -title:{word}")] {
            check(&query, Err(&format!("{word}: {end}")));
        }
    }
    for query in ["ferry^2", "ferry^0.5 b", "\"river bank\"^2", "(a OR b)^10"] {
        let words = Query::new(query).unwrap_err();
        assert!(words.contains("no word counts for more than another"), "{query}: {words}");
    }
    let middle =
        "words are found by how they begin (flood*), not by what is in the middle; search for the whole word";
    for word in ["fl*od", "flood*ing", "fl**od", "a*b", "flood*-ing", "f*od*"] {
        check(&format!("a title:{word}"), Err(&format!("{word}: {middle}")));
    }
    let letter = "no sign stands for a letter; search for the whole word, or for how it begins (flood*)";
    for word in ["fl?od", "?ood", "fl??d", "fl?o?"] {
        check(&format!("a {word}"), Err(&format!("{word}: {letter}")));
    }
    for query in ["ferry~", "ferry~2", "-ferry~0.8", "\"ferry harbour\"~5", "\"ferry harbour\"*~5"] {
        let words = Query::new(query).unwrap_err();
        assert!(words.starts_with('~') && words.contains("is not understood"), "{query}: {words}");
    }
    for query in ["!a", "b !a", "-!a", "title:!a", "b !\"a c\"", "!(a OR b)"] {
        let words = Query::new(query).unwrap_err();
        assert!(words.starts_with("! is not understood; write -word"), "{query}: {words}");
    }
    for query in ["ferry \"[a TO b]\"", "\"[a TO b]\" ferry", "ferry -\"{a TO b}\"", "a OR “[a TO b]”"] {
        assert!(Query::new(query).is_ok(), "{query}");
    }
    for query in ["[a TO b]", "title:{a TO b}", "x [\"a\" TO *]", "year:[2020 TO 2021}"] {
        let words = Query::new(query).unwrap_err();
        assert!(words.contains("TO") && words.contains("is not understood"), "{query}: {words}");
    }
    for field in ["lang:fr", "Source:x", "since:7d", "author:x", "site:a.example"] {
        let words = Query::new(field).unwrap_err();
        assert!(words.contains("is not understood"), "{field}: {words}");
    }
    check("(a", Err("a bracket is not closed"));
    check("a)", Err("a bracket is closed that was not opened"));
    check(&"(".repeat(100), Err("the query has more than 10 brackets inside each other"));
    check(&"a ".repeat(65), Err("the query has more than 64 words"));
    check(&"a".repeat(1001), Err("the query is longer than 1000 characters"));
}

#[test]
fn words_are_folded() {
    for (text, wanted) in [
        ("Café CAFE\u{301}", "cafe cafe"),
        ("Straße", "strasse"),
        ("Øresund Łódź", "oresund lodz"),
        ("ёлка ЙОД", "елка иод"),
        ("שָׁלוֹם", "שלום"),
        ("مُحَمَّد", "محمد"),
        ("हिन्दी में", "हिन्दी में"),
        ("日本語の新聞", "日 本 語 の 新 聞"),
        ("ガーデン ｶﾞ", "ガ ー デ ン ガ"),
        ("대한민국은", "대 한 민 국 은"),
        ("ภาษา", "ภ า ษ า"),
        ("iPhone15とApple", "iphone15 と apple"),
        ("ﬁsh １２", "fish 12"),
        ("soft\u{ad}hyphen zero\u{200b}width", "softhyphen zerowidth"),
        ("don't", "don t"),
        ("\u{0}<b>", "b"),
        ("İstanbul", "istanbul"),
    ] {
        assert_eq!(words::folded(text).join(" "), wanted, "{text}");
    }
}

#[test]
fn since_is_a_day_a_time_or_a_while_ago() {
    let now: DateTime<Utc> = "2026-03-10T12:00:00Z".parse().unwrap();
    for (text, wanted) in [
        ("2026-03-01", Some("2026-03-01T00:00:00Z")),
        ("2026-03-01T10:00:00+02:00", Some("2026-03-01T08:00:00Z")),
        ("7d", Some("2026-03-03T12:00:00Z")),
        ("1h 30m", Some("2026-03-10T10:30:00Z")),
        ("yesterday", None),
        ("", None),
        ("2026-02-30", None),
        ("99999999999d", None),
    ] {
        let wanted = wanted.map(|text| text.parse::<DateTime<Utc>>().unwrap());
        assert_eq!(since(text, now).ok(), wanted, "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in any::<String>()) {
        if let Ok(query) = Query::new(&text) {
            let again = Query::new(query.as_str());
            prop_assert_eq!(again.as_ref().map(Query::tree), Ok(query.tree()));
        }
    }

    #[test]
    fn a_folded_word_stays_as_it_is(text in any::<String>()) {
        let once = words::folded(&text).join(" ");
        prop_assert_eq!(words::folded(&once).join(" "), once);
    }

    #[test]
    fn plain_letters_fold_like_all_others(text in "[ -~\\t\\n]{0,30}") {
        // A letter that is not plain sends the whole text the long way.
        let mut long = words::folded(&format!("\u{e9} {text}"));
        prop_assert_eq!(long.remove(0), "e");
        prop_assert_eq!(words::folded(&text), long);
    }
}
