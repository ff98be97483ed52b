use super::*;

#[track_caller]
fn check(statement: &str, expected: &str) {
    assert_eq!(tag(statement).as_deref().unwrap_or_default(), expected, "{statement:?}");
}

#[test]
fn statements() {
    for (statement, expected) in [
        ("en", "en"),
        ("EN", "en"),
        ("en_us ", "en-US"),
        ("en-us", "en-US"),
        ("de_AT.UTF-8", "de-AT"),
        ("zh-hans-cn", "zh-Hans-CN"),
        ("ZH_tw", "zh-TW"),
        ("es-419", "es-419"),
        ("sr-LATN", "sr-Latn"),
        ("sl-rozaj-biske", "sl-rozaj-biske"),
        ("en-uk", "en-GB"),
        ("de-DE-u-co-phonebk", "de-DE-u-co-phonebk"),
        ("en-x-US-test", "en-x-us-test"),
        ("en-x", "en"),
        ("iw", "he"),
        ("eng", "en"),
        ("fre-CA", "fr-CA"),
        ("gsw", "gsw"),
        ("cmn-Hant", "zh-cmn-Hant"),
        ("zh-yue", "zh-yue"),
        ("yue-hk", "zh-yue-HK"),
        ("English", "en"),
        ("English (US)", "en"),
        ("Français", "fr"),
        ("en, fr", "en"),
        ("en;q=0.8", "en"),
        ("en-", "en"),
        ("en-us-toolongsubtag", "en-US"),
        ("ca@valencia", "ca"),
        ("en-a-bbbbbbbb-cccccccc-dddddddd-eeeeeeee", "en-a-bbbbbbbb-cccccccc-dddddddd"),
    ] {
        check(statement, expected);
    }
    for none in [
        "",
        " ",
        "null",
        "undefined",
        "und",
        "none",
        "xx",
        "language",
        "rss_2.0.channel.language",
        "x-default",
        "i-klingon",
        "*",
        "1",
        "true",
        "e",
        "日",
    ] {
        check(none, "");
    }
}

#[derive(Default)]
struct Tally {
    right: usize,
    wrong: Vec<String>,
    unsure: Vec<String>,
}

impl Tally {
    fn add(&mut self, expected: Option<&str>, got: Option<&str>, title: &str) {
        match got {
            got if got == expected => self.right += 1,
            Some(got) => self.wrong.push(format!("{} for {}: {title}", got, expected.unwrap_or("none"))),
            None => self.unsure.push(format!("{}: {title}", expected.unwrap_or("none"))),
        }
    }

    fn total(&self) -> usize {
        self.right + self.wrong.len() + self.unsure.len()
    }

    fn print(&self, name: &str) {
        println!(
            "{name}: {} of {} right, {} wrong, {} unsure",
            self.right,
            self.total(),
            self.wrong.len(),
            self.unsure.len()
        );
        self.wrong.iter().for_each(|line| println!("  wrong: {line}"));
        self.unsure.iter().for_each(|line| println!("  unsure: {line}"));
    }
}

/// Headlines of sixteen languages that must be named and of thirty-odd that must not (`-xx`).
#[test]
fn headlines_alone() {
    let (mut known, mut other) = (Tally::default(), Tally::default());
    for line in include_str!("headlines.txt").lines() {
        let (language, title) = line.split_once('|').unwrap();
        let got = detect(title, "");
        match language.strip_prefix('-') {
            Some(_) if got.is_none() => other.right += 1,
            Some(language) => other.wrong.push(format!("{} for {language}: {title}", got.unwrap())),
            None => known.add(Some(language), got, title),
        }
    }
    known.print("known languages");
    other.print("other languages");
    // Silence is better than a wrong word, and little of it is enough.
    assert!(known.wrong.is_empty() && known.right * 100 >= known.total() * 85);
    assert_eq!(other.right, other.total());
}

#[test]
fn too_little_is_no_evidence() {
    for title in
        ["", "42", "2024-03-12", "…", "OK", "#12", "https://example.org/le/la/les", "v1.2.3", "@name"]
    {
        assert_eq!(detect(title, ""), None, "{title:?}");
    }
}

#[test]
fn the_corpus_agrees() {
    let Some(corpus) = std::env::var_os("RIVERINE_CORPUS").map(std::path::PathBuf::from) else {
        eprintln!("RIVERINE_CORPUS is not set: the corpus' languages are left out");
        return;
    };
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_str(&std::fs::read_to_string(corpus.join(name)).unwrap()).unwrap()
    };
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let mut seed = Tally::default();
    for entry in read("seed/expected.json")["entries"].as_array().unwrap() {
        let body: Vec<String> = entry["paragraphs"].as_array().unwrap().iter().map(text).collect();
        seed.add(
            entry["language"].as_str(),
            detect(&text(&entry["title"]), &body.join("\n")),
            &text(&entry["title"]),
        );
    }
    seed.print("seed");
    let (mut stated, mut seen) = (Tally::default(), std::collections::HashSet::new());
    for (_, feed) in
        read("expected.json").as_object().unwrap().iter().filter(|(_, feed)| feed["kind"] == "feed")
    {
        for entry in feed["entries"].as_array().unwrap() {
            let language =
                [&entry["language"], &feed["feed"]["language"]].into_iter().find_map(|l| tag(&text(l)));
            let (title, body) = (text(&entry["title"]), text(&entry["content"]) + &text(&entry["summary"]));
            if let Some(language) = language
                && !title.is_empty()
                && seen.insert(title.clone())
            {
                stated.add(language.get(..2), detect(&title, &body), &title);
            }
        }
    }
    stated.print("feeds that state a language");
    assert_eq!((seed.right, seed.total()), (15, 15));
    assert!(stated.wrong.len() * 100 <= stated.total() && stated.right * 100 >= stated.total() * 90);
}
