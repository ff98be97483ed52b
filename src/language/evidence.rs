//! Evidence for a language: its script, its letters, its small words, and the detector's word.

use std::borrow::Cow;
use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHashSet};
use whichlang::Lang;

use super::Verdict;
use super::small_words::SMALL;

/// Fewer letters than this say nothing.
const FEWEST_LETTERS: usize = 3;

/// A text of so many letters may be named without a small word, if the detector names it whole and in halves.
const LETTERS_ALONE: usize = 20;

/// Letters that occur in Latin texts of other languages only. A few of them are names in a headline; many are a language.
const FOREIGN: &str = "ąęłńśźżćěřůčšžťďňľĺŕőűășțæøðþāēīūģķļņįųėĉĝĥĵŝŭħġẅŵŷə";

/// How many languages use a word, and which (indexes into [`SMALL`]).
static WORDS: LazyLock<FxHashMap<&'static str, Vec<usize>>> = LazyLock::new(|| {
    let mut words: FxHashMap<&str, Vec<usize>> = FxHashMap::default();
    for (index, (_, list)) in SMALL.iter().enumerate() {
        for word in list.split_whitespace() {
            let languages = words.entry(word).or_default();
            if languages.last() != Some(&index) {
                languages.push(index);
            }
        }
    }
    words
});

/// What the text is in.
pub(super) fn judge(text: &str) -> Verdict {
    let scripts = Scripts::of(text);
    let most =
        [scripts.latin, scripts.cyrillic, scripts.arabic, scripts.devanagari, scripts.cjk(), scripts.other]
            .into_iter()
            .max()
            .unwrap_or(0);
    let letters = scripts.letters();
    // East Asian characters say more each.
    if letters < FEWEST_LETTERS && scripts.cjk() < 2 {
        Verdict::Unsure
    } else if most == scripts.cjk() || scripts.kana + scripts.hangul > letters / 4 {
        scripts.east_asian()
    } else if most == scripts.other {
        Verdict::Other
    } else if most == scripts.latin {
        latin(text, scripts.latin)
    } else if most == scripts.cyrillic {
        cyrillic(text)
    } else if most == scripts.arabic {
        arabic(text)
    } else {
        devanagari(text)
    }
}

#[derive(Default)]
struct Scripts {
    latin: usize,
    cyrillic: usize,
    arabic: usize,
    devanagari: usize,
    han: usize,
    kana: usize,
    hangul: usize,
    other: usize,
}

impl Scripts {
    fn of(text: &str) -> Self {
        let mut scripts = Self::default();
        if text.is_ascii() {
            scripts.latin = text.bytes().filter(u8::is_ascii_alphabetic).count();
        } else {
            text.chars().for_each(|c| scripts.count(c));
        }
        scripts
    }

    fn count(&mut self, c: char) {
        let counter = match c {
            'a'..='z' | 'A'..='Z' | '\u{C0}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}' => &mut self.latin,
            '\u{400}'..='\u{52F}' => &mut self.cyrillic,
            '\u{600}'..='\u{6FF}' => &mut self.arabic,
            '\u{900}'..='\u{97F}' => &mut self.devanagari,
            '\u{3040}'..='\u{30FF}' => &mut self.kana,
            '\u{3400}'..='\u{9FFF}' => &mut self.han,
            '\u{AC00}'..='\u{D7A3}' => &mut self.hangul,
            c if c.is_alphabetic() => &mut self.other,
            _ => return,
        };
        *counter += 1;
    }

    fn cjk(&self) -> usize {
        self.han + self.kana + self.hangul
    }

    fn letters(&self) -> usize {
        self.latin + self.cyrillic + self.arabic + self.devanagari + self.cjk() + self.other
    }

    /// Japanese always has some kana, if only in the body; Korean has Hangul.
    fn east_asian(&self) -> Verdict {
        if self.hangul * 2 > self.cjk() {
            Verdict::Is("ko")
        } else if self.kana * 12 > self.cjk() {
            Verdict::Is("ja")
        } else if self.han >= 8 {
            Verdict::Is("zh")
        } else {
            // A short title in Chinese characters alone may be Japanese.
            Verdict::Unsure
        }
    }
}

/// The words of a text in lower case. An elision stays apart with its sign (`l'`), so does what English hangs on (`'s`).
fn words(text: &str) -> Vec<Cow<'_, str>> {
    let sign = |c: char| c == '\'' || c == '’';
    let mut all: Vec<Cow<'_, str>> = Vec::with_capacity(text.len() / 5);
    for word in text.split(|c: char| !c.is_alphabetic() && !sign(c) && !('\u{300}'..='\u{36F}').contains(&c))
    {
        let word = word.trim_matches(sign);
        // The letters of U.S. and the like are no words.
        let initial = word.len() == 1 && word.bytes().all(|b| b.is_ascii_uppercase()) && !all.is_empty();
        if word.is_empty() || word.len() > 64 || initial {
            continue;
        }
        if word.bytes().all(|b| b.is_ascii_lowercase()) {
            all.push(Cow::Borrowed(word));
            continue;
        }
        let mut word = word.to_lowercase();
        if word.contains('’') {
            word = word.replace('’', "'");
        }
        match word.split_once('\'') {
            Some((head, tail)) if matches!(tail, "s" | "t" | "re" | "ve" | "ll" | "m" | "d") => {
                all.push(Cow::Owned(head.to_owned()));
                all.push(Cow::Owned(format!("'{tail}")));
            }
            Some((head, tail)) => {
                let elided = head.chars().count() <= 5;
                all.push(Cow::Owned(if elided { format!("{head}'") } else { head.to_owned() }));
                all.push(Cow::Owned(tail.to_owned()));
            }
            None => all.push(Cow::Owned(word)),
        }
    }
    all
}

/// Letters beyond a to z that a language's own words have. A text in it may hold foreign names, but those are capitalized.
fn own_letters(language: &str) -> &'static str {
    match language {
        "de" => "äöüßéàè",
        "es" => "áéíóúüñ",
        "fr" => "àâæçéèêëîïôœùûüÿ",
        "it" => "àèéìíîòóùú",
        "nl" => "éëïóöüèêàáíç",
        "pt" => "ãõáâàéêíóôúçü",
        "sv" => "åäöéàü",
        "tr" => "çğıöşüâîûi\u{307}",
        _ => "éèêëïöüçñàâôíóáã",
    }
}

/// Whether common words (not names) have letters that `language` lacks.
fn has_foreign_words(text: &str, language: &str) -> bool {
    if language == "vi" {
        return false;
    }
    let own = own_letters(language);
    text.split_whitespace()
        .filter(|word| !word.is_ascii() && word.chars().next().is_some_and(char::is_lowercase))
        .any(|word| {
            // Doubled ä and ö are Finnish or Estonian.
            word.contains("ää")
                || word.contains("öö")
                || word.chars().any(|c| !c.is_ascii() && c.is_alphabetic() && !own.contains(c))
        })
}

/// What single letters say: they stand in one of the detector's languages alone, or nearly so.
fn by_letters(text: &str) -> Option<&'static str> {
    let tones = "ấầẩẫậắằẳẵặếềểễệốồổỗộớờởỡợứừửữựơư";
    let (mut words, mut vietnamese, mut turkish, mut portuguese) = (0, 0, 0, 0);
    for word in text.split_whitespace() {
        words += 1;
        if word.is_ascii() {
            continue;
        }
        vietnamese += usize::from(word.chars().any(|c| tones.contains(c)));
        turkish += usize::from(word.chars().any(|c| "ığİ".contains(c)));
        portuguese += usize::from(word.ends_with("ção") || word.ends_with("ções") || word.ends_with("ão"));
    }
    if vietnamese * 4 > words {
        Some("vi")
    } else if turkish * 4 > words && !text.contains('ə') {
        Some("tr")
    } else {
        (portuguese > 0).then_some("pt")
    }
}

fn latin(text: &str, letters: usize) -> Verdict {
    let words = words(text);
    let mut scores = [0f32; SMALL.len()];
    for languages in words.iter().filter_map(|word| WORDS.get(word.as_ref())) {
        // A word of many languages speaks for each of them less.
        let weight = 1.0 / f32::from(u8::try_from(languages.len()).unwrap_or(u8::MAX)).sqrt();
        for language in languages {
            if let Some(score) = scores.get_mut(*language) {
                *score += weight;
            }
        }
    }
    let by_letters = if text.is_ascii() { None } else { by_letters(text) };
    for ((language, _), score) in SMALL.iter().zip(&mut scores) {
        *score += if by_letters == Some(*language) { 1.5 } else { 0.0 };
    }
    let of = |language: &str| {
        SMALL.iter().zip(scores).find(|((l, _), _)| *l == language).map_or(0.0, |(_, score)| score)
    };
    let (mut best, mut score, mut second) = ("", 0.0, 0.0f32);
    for ((language, _), its) in SMALL.iter().zip(scores) {
        if its >= score {
            second = score;
            (best, score) = (*language, its);
        } else {
            second = second.max(its);
        }
    }
    if words.is_empty() {
        return Verdict::Unsure;
    }
    let foreign =
        words.iter().filter(|word| !word.is_ascii() && word.chars().any(|c| FOREIGN.contains(c))).count();
    if foreign * 4 > words.len() && by_letters.is_none() {
        return Verdict::Other;
    }
    let known = || whichlang::LANGUAGES.iter().any(|lang| code(*lang) == best);
    // What no word of the detector could change is not asked.
    let clear = score >= 1.4 && score >= 1.8 * second;
    let named = if clear { best } else { code(whichlang::detect_language(text)) };
    let verdict = if clear {
        if known() { Verdict::Is(best) } else { Verdict::Other }
    } else if of(named) > 0.0 && of(named) >= 0.8 * score {
        // The detector breaks near ties, but one word of many languages is not enough for that.
        let enough = of(named) >= 1.0 || letters >= LETTERS_ALONE && same_in_halves(text, named);
        if enough && (of(named) >= score || score < 2.0) { Verdict::Is(named) } else { Verdict::Unsure }
    } else if score <= 0.0 {
        let alone = letters >= LETTERS_ALONE && words.len() >= 4 && same_in_halves(text, named);
        if alone { Verdict::Is(named) } else { Verdict::Unsure }
    } else if score < 1.4 || score < 1.8 * of(named) {
        Verdict::Unsure
    } else if known() {
        Verdict::Is(best)
    } else {
        Verdict::Other
    };
    match verdict {
        Verdict::Is(language) if has_foreign_words(text, language) => Verdict::Other,
        // Danish and Norwegian look Swedish to the detector.
        Verdict::Is("sv") if !text.contains(['ä', 'ö']) && of("sv") <= of("da").max(of("nb")) => {
            Verdict::Unsure
        }
        verdict => verdict,
    }
}

fn same_in_halves(text: &str, named: &str) -> bool {
    // One blank stands between two words.
    let text = text.trim();
    let blanks = || text.bytes().enumerate().filter(|(_, byte)| *byte == b' ');
    let half = blanks().count().div_ceil(2);
    let middle = half.checked_sub(1).and_then(|before| blanks().nth(before));
    let (first, second) = text.split_at(middle.map_or(0, |(place, _)| place));
    [first, second.trim_start()]
        .into_iter()
        .all(|half| half.is_empty() || code(whichlang::detect_language(half)) == named)
}

/// Letters of other Cyrillic alphabets: Ukrainian, Belarusian, Serbian, Macedonian, the Turkic and Mongolian ones.
const NOT_RUSSIAN: &str = "іїєґўјљњћђџќѓѕәғқңөұүһҳҷӣӯҙҫӑӗ";

/// Words and endings of Russian that neither Bulgarian, Ukrainian nor Macedonian shares.
const RUSSIAN: &str = "из для что это этот его её ее их об во со или был была было были году лет уже еще ещё перед чтобы если когда \
    где почему кто они она мы вы все всё который которая которые сша рф россии россия россиян новости сообщил сообщили заявил заявила \
    рассказал рассказала назвал назвали будет может стал стали нашли против после тысяч человек";
const RUSSIAN_ENDS: [&str; 15] = [
    "тся", "ский", "ская", "ской", "ских", "ость", "ости", "ать", "ять", "еть", "ить", "ная", "ное", "ную",
    "ого",
];

/// Words of Bulgarian, Ukrainian and Macedonian that Russian does not use, and the article at the end of Bulgarian words.
const OTHER_CYRILLIC: &str = "се ще са със във като който която които че да що щодо від або також який яка й чи та вже буде го \
    беше ли те му има няма срещу";
static RUSSIAN_WORDS: LazyLock<FxHashSet<&'static str>> =
    LazyLock::new(|| RUSSIAN.split_whitespace().collect());
static OTHER_WORDS: LazyLock<FxHashSet<&'static str>> =
    LazyLock::new(|| OTHER_CYRILLIC.split_whitespace().collect());
const OTHER_ENDS: [&str; 6] = ["ството", "ията", "ите", "ята", "ният", "ът"];

fn cyrillic(text: &str) -> Verdict {
    let (mut russian, mut other, mut letters) = (0usize, 0usize, 0usize);
    for word in words(text) {
        let length = word.chars().count();
        letters += length;
        if word.contains(|c| NOT_RUSSIAN.contains(c)) || vowel_sign(&word) {
            other += 2;
        } else if word.contains(['ы', 'э', 'ё']) || RUSSIAN_WORDS.contains(word.as_ref()) {
            russian += 2;
        } else if OTHER_WORDS.contains(word.as_ref())
            || length > 5 && OTHER_ENDS.iter().any(|end| word.ends_with(end))
        {
            other += 1;
        } else if length > 4 && RUSSIAN_ENDS.iter().any(|end| word.ends_with(end))
            || word.contains("ь") && !word.contains("ьо")
        {
            russian += 1;
        }
    }
    let named = whichlang::detect_language(text) == Lang::Rus;
    if other > 0 && other * 3 >= russian {
        Verdict::Other
    } else if named && (russian >= 2 || russian == 1 && letters >= 20) {
        Verdict::Is("ru")
    } else {
        Verdict::Unsure
    }
}

/// In Bulgarian ъ is a vowel; in Russian it parts a prefix from е, ё, ю, я.
fn vowel_sign(word: &str) -> bool {
    let mut letters = word.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == 'ъ' && !letters.peek().is_some_and(|next| "еёюяи".contains(*next)) {
            return true;
        }
    }
    false
}

/// Persian, Urdu, Kurdish, Pashto and Uyghur have letters that Arabic lacks.
fn arabic(text: &str) -> Verdict {
    let foreign = |c: char| matches!(c, '\u{671}'..='\u{6D3}' | '\u{6D5}');
    let total = text.chars().filter(|c| c.is_alphabetic()).count();
    let other = text.chars().filter(|c| foreign(*c)).count();
    if other * 25 > total {
        return Verdict::Other;
    }
    // The article and the letters that Persian has given up or seldom writes.
    let own = text.chars().filter(|c| matches!(c, 'ة' | 'ى' | 'ي' | 'ك' | 'إ' | 'أ')).count();
    let articles =
        text.split_whitespace().filter(|word| word.starts_with("ال") || word.starts_with("وال")).count();
    if own + articles > 0 { Verdict::Is("ar") } else { Verdict::Unsure }
}

/// Hindi shows by its small words; Marathi and Nepali have others.
fn devanagari(text: &str) -> Verdict {
    const HINDI: [&str; 17] =
        ["है", "हैं", "में", "की", "के", "और", "से", "पर", "था", "थे", "नहीं", "यह", "भी", "हुआ", "हुई", "होगा", "लिए"];
    const OTHER: [&str; 14] =
        ["आहे", "आहेत", "आणि", "नाही", "झाला", "झाली", "होते", "छ", "छन्", "गरेको", "भएको", "हुने", "गर्ने", "मा"];
    let (mut hindi, mut other) = (0, 0);
    for word in text.split(|c: char| c.is_whitespace() || "।,.:;!?'\"-–—()".contains(c)) {
        hindi += usize::from(HINDI.contains(&word));
        other += usize::from(OTHER.contains(&word) || word.contains('ळ'));
    }
    match (hindi, other) {
        (1.., 0) => Verdict::Is("hi"),
        (_, 1..) => Verdict::Other,
        _ => Verdict::Unsure,
    }
}

fn code(lang: Lang) -> &'static str {
    match lang {
        Lang::Ara => "ar",
        Lang::Cmn => "zh",
        Lang::Deu => "de",
        Lang::Eng => "en",
        Lang::Fra => "fr",
        Lang::Hin => "hi",
        Lang::Ita => "it",
        Lang::Jpn => "ja",
        Lang::Kor => "ko",
        Lang::Nld => "nl",
        Lang::Por => "pt",
        Lang::Rus => "ru",
        Lang::Spa => "es",
        Lang::Swe => "sv",
        Lang::Tur => "tr",
        Lang::Vie => "vi",
    }
}
