//! What is looked for is found: in every script, after corrections, and not after it went.

use super::book::{Book, day, entry};
use super::*;
use crate::query::Query;

/// Titles that match, newest first.
fn found(book: &mut Book, query: &str) -> Vec<String> {
    let search = Search { query: Query::new(query).ok(), limit: 100, ..Search::default() };
    titles(book, &search)
}

fn titles(book: &mut Book, search: &Search) -> Vec<String> {
    let now = book.now;
    book.store.search(search, now).unwrap().into_iter().map(|entry| entry.entry.title).collect()
}

fn library() -> Book {
    let mut book = Book::new(&["a", "b"]);
    let text = |number: u32, title: &str, text: &str| {
        let id = format!("{number}");
        entry(&id, &format!("https://a.example/{id}"), title, Some(day(number)), text)
    };
    let mut entries = vec![
        text(1, "Café in Łódź opens", "<p>A <b>new</b> place&nbsp;to sit</p>"),
        text(2, "東京で新聞を読む", "本日の天気"),
        text(3, "대한민국의 뉴스", ""),
        text(4, "ข่าวภาษาไทย", ""),
        text(5, "Flooding in the valley", "The river rose"),
        text(6, "River cleaned", "Volunteers met"),
    ];
    entries[4].language = Some("en-GB".to_owned());
    entries[1].language = Some("ja".to_owned());
    entries[5].authors = vec![Person { name: Some("Zoë Quill".to_owned()), ..Person::default() }];
    book.poll("a", &entries);
    book
}

#[test]
fn every_script_is_found_by_parts_that_its_readers_type() {
    let mut book = library();
    for (query, wanted) in [
        ("cafe lodz", vec!["Café in Łódź opens"]),
        ("CAFÉ", vec!["Café in Łódź opens"]),
        ("\"place to sit\"", vec!["Café in Łódź opens"]),
        ("新聞", vec!["東京で新聞を読む"]),
        ("天気", vec!["東京で新聞を読む"]),
        ("聞新", vec![]),
        ("뉴스", vec!["대한민국의 뉴스"]),
        ("민국", vec!["대한민국의 뉴스"]),
        ("ภาษา", vec!["ข่าวภาษาไทย"]),
        ("flood*", vec!["Flooding in the valley"]),
        ("flood", vec![]),
        ("river", vec!["River cleaned", "Flooding in the valley"]),
        ("river -valley", vec!["River cleaned"]),
        ("valley OR cafe", vec!["Flooding in the valley", "Café in Łódź opens"]),
        ("(valley OR cleaned) river rose", vec!["Flooding in the valley"]),
        ("zoe", vec!["River cleaned"]),
        ("-river -cafe -(ภาษา OR 뉴스)", vec!["東京で新聞を読む"]),
        ("b p nbsp", vec![]),
        ("title OR body OR words", vec![]),
        ("title:river", vec!["River cleaned"]),
        ("river -title:river", vec!["Flooding in the valley"]),
        ("title:\"in the\" OR title:clea*", vec!["River cleaned", "Flooding in the valley"]),
    ] {
        assert_eq!(found(&mut book, query), wanted, "{query}");
    }
}

#[test]
fn a_search_is_narrowed_by_language_source_and_date() {
    let mut book = library();
    book.poll("b", &[entry("x", "https://b.example/x", "Valley of b", Some(day(7)), "")]);
    let base = Search { limit: 100, ..Search::default() };
    let narrowed = |book: &mut Book, search: Search| titles(book, &search);
    let english = Search { languages: vec!["en".to_owned()], ..base.clone() };
    assert_eq!(narrowed(&mut book, english), ["Flooding in the valley"]);
    let of_b = Search { sources: Some(vec![SourceId::new("b")]), ..base.clone() };
    assert_eq!(narrowed(&mut book, of_b.clone()), ["Valley of b"]);
    let valley = Query::new("valley").ok();
    let words_of_b = Search { query: valley.clone(), ..of_b };
    assert_eq!(narrowed(&mut book, words_of_b), ["Valley of b"]);
    let late = Search { query: valley, since: Some(day(6)), ..base.clone() };
    assert_eq!(narrowed(&mut book, late), ["Valley of b"]);
    assert_eq!(narrowed(&mut book, Search { limit: 2, ..base.clone() }).len(), 2);
    let now = book.now;
    let newest = book.store.search(&Search { limit: 3, ..base.clone() }, now).unwrap().swap_remove(2);
    let behind = Search { before: Some((newest.published, newest.number)), limit: 2, ..base.clone() };
    assert_eq!(narrowed(&mut book, behind), ["ข่าวภาษาไทย", "대한민국의 뉴스"]);
    let nonsense = Search { languages: vec!["' OR 1".to_owned()], ..base };
    assert_eq!(narrowed(&mut book, nonsense), [""; 0]);
}

#[test]
fn the_index_follows_corrections_and_retention() {
    let mut book = library();
    book.poll("a", &[entry("5", "https://a.example/5", "Drought in the valley", Some(day(5)), "Dry")]);
    assert_eq!(found(&mut book, "flooding"), [""; 0]);
    assert_eq!(found(&mut book, "drought dry"), ["Drought in the valley"]);
    let now = book.now + TimeDelta::days(800);
    book.prune(&Options::default(), now);
    assert_eq!(found(&mut book, "drought OR cafe"), [""; 0]);
}

#[test]
fn an_output_with_a_query_holds_what_matches_from_its_sources() {
    let mut book = library();
    book.poll("b", &[entry("x", "https://b.example/x", "Valley of b", Some(day(7)), "")]);
    let mut output = Output { id: "valley".into(), query: Query::new("valley").ok(), ..Output::all() };
    let now = book.now;
    let mut titles = |output: &Output| -> Vec<_> {
        book.store.select(output, now).unwrap().entries.into_iter().map(|entry| entry.entry.title).collect()
    };
    assert_eq!(titles(&output), ["Valley of b", "Flooding in the valley"]);
    output.limit = 1;
    assert_eq!(titles(&output), ["Valley of b"]);
    output.sources = Some(vec![SourceId::new("a")]);
    assert_eq!(titles(&output), ["Flooding in the valley"]);
    output.languages = vec!["ja".to_owned()];
    assert_eq!(titles(&output), [""; 0]);
}

#[test]
fn an_output_of_languages_is_one_river_of_theirs() {
    let mut book = Book::new(&["a"]);
    let said = ["en", "fr", "fr-CA", "de", "en-GB", "fra"];
    let entries: Vec<_> = (1..=6u32)
        .zip(said)
        .map(|(n, language)| {
            let link = format!("https://a.example/{n}");
            let mut entry = entry(&n.to_string(), &link, language, Some(day(n)), "text");
            entry.language = Some(language.to_owned());
            entry
        })
        .collect();
    book.poll("a", &entries);
    let now = book.now;
    let mut titles = |languages: &[&str]| -> Vec<_> {
        let mut output = Book::output(None);
        output.languages = languages.iter().map(ToString::to_string).collect();
        book.store.select(&output, now).unwrap().entries.into_iter().map(|entry| entry.entry.title).collect()
    };
    assert_eq!(titles(&["fr"]), ["fr-CA", "fr"]);
    assert_eq!(titles(&["fr-ca"]), ["fr-CA"]);
    assert_eq!(titles(&["en", "fr-CA", "en-GB"]), ["en-GB", "fr-CA", "en"]);
    assert_eq!(titles(&["ru", "' OR 1"]), [""; 0]);
    assert_eq!(titles(&[]).len(), 6);
}

/// However loud one source is, the others come after it, whichever way the store walks.
#[test]
fn a_cap_leaves_room_for_the_quiet() {
    let mut book = Book::new(&["loud", "quiet"]);
    let text = |source: &str, hour: i64| {
        let id = format!("{source}-{hour}");
        let date = Some(day(20) - TimeDelta::hours(hour));
        let mut made = entry(&id, &format!("https://{source}.example/{id}"), &id, date, "words of a river");
        made.language = Some("en".to_owned());
        made
    };
    // Told one by one: none of it is backlog.
    let loud: Vec<_> = (0..200).map(|hour| text("loud", hour)).collect();
    for source in ["loud", "quiet"] {
        book.poll(source, &[]);
    }
    book.poll("loud", &loud);
    book.poll("quiet", &[text("quiet", 300), text("quiet", 301)]);
    let wanted = ["loud-0", "loud-1", "loud-2", "quiet-300", "quiet-301"];
    let all = Output { per_source: 3, ..Book::output(None) };
    let ways = [
        Output { sources: Book::output(Some(&["loud", "quiet"])).sources, ..all.clone() },
        Output { languages: vec!["en".to_owned()], ..all.clone() },
        Output { query: Query::new("river").ok(), ..all.clone() },
        all,
    ];
    for output in ways {
        let now = book.now;
        let titles = book.store.select(&output, now).unwrap().entries.into_iter().map(|one| one.entry.title);
        assert_eq!(titles.collect::<Vec<_>>(), wanted, "{output:?}");
    }
}
