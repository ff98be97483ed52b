//! Cuts a text into the pieces that dates are made of: numbers, words and signs.
//!
//! It knows scripts and foreign digits, but no dates.

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Digits of any script.
    Number,
    /// Letters.
    Word,
    /// Anything else that is not blank; look-alikes are folded (`–` is `-`, `：` is `:`).
    Sign(char),
}

/// One piece of the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind,
    pub(super) text: &'t str,
    /// Where it begins, in bytes.
    pub(super) start: usize,
    /// A number's value; `u64::MAX` when it has more than 18 digits.
    pub(super) value: u64,
    /// How many digits or letters.
    pub(super) chars: usize,
    /// Blank before it.
    pub(super) gap: bool,
}

impl Token<'_> {
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// East Asian words of dates. They stand without blanks, so the longest that fits is cut off.
const CJK: &[&str] = &[
    "星期一",
    "星期二",
    "星期三",
    "星期四",
    "星期五",
    "星期六",
    "星期日",
    "星期天",
    "月曜日",
    "火曜日",
    "水曜日",
    "木曜日",
    "金曜日",
    "土曜日",
    "日曜日",
    "월요일",
    "화요일",
    "수요일",
    "목요일",
    "금요일",
    "토요일",
    "일요일",
    "十一月",
    "十二月",
    "周一",
    "周二",
    "周三",
    "周四",
    "周五",
    "周六",
    "周日",
    "週一",
    "週二",
    "週三",
    "週四",
    "週五",
    "週六",
    "週日",
    "一月",
    "二月",
    "三月",
    "四月",
    "五月",
    "六月",
    "七月",
    "八月",
    "九月",
    "十月",
    "上午",
    "下午",
    "午前",
    "午後",
    "오전",
    "오후",
    "凌晨",
    "早上",
    "晚上",
    "中華民國",
    "民國",
    "民国",
    "令和",
    "平成",
    "昭和",
];

/// All pieces of `text`, whose first byte stands at `offset` of a larger text.
pub(super) fn tokens(text: &str, offset: usize) -> Vec<Token<'_>> {
    let mut all = Vec::with_capacity(text.len() / 3 + 1);
    let mut rest = text;
    let mut start = offset;
    let mut gap = false;
    while let Some(first) = rest.chars().next() {
        if is_blank(first) {
            gap = gap || !is_invisible(first);
            start += first.len_utf8();
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        }
        let token = one(rest, first, start, gap);
        start += token.text.len();
        rest = rest.get(token.text.len()..).unwrap_or_default();
        gap = false;
        all.push(token);
    }
    all
}

fn one(rest: &str, first: char, start: usize, gap: bool) -> Token<'_> {
    let token = |kind, len: usize, value, chars| {
        let text = rest.get(..len).unwrap_or_default();
        Token { kind, text, start, value, chars, gap }
    };
    if digit(first).is_some() {
        let (mut len, mut chars, mut value) = (0, 0usize, 0u64);
        for (c, d) in rest.chars().map_while(|c| Some((c, digit(c)?))) {
            len += c.len_utf8();
            chars += 1;
            value = if chars > 18 { u64::MAX } else { value * 10 + d };
        }
        token(Kind::Number, len, value, chars)
    } else if is_cjk(first) {
        let word = CJK.iter().find(|word| rest.starts_with(**word));
        let len = word.map_or(first.len_utf8(), |word| word.len());
        token(Kind::Word, len, 0, word.map_or(1, |word| word.chars().count()))
    } else if first.is_alphabetic() {
        let letters = |c: &char| (c.is_alphabetic() || is_mark(*c)) && !is_cjk(*c);
        let (mut len, mut chars) = (0, 0);
        for c in rest.chars().take_while(letters) {
            len += c.len_utf8();
            chars += 1;
        }
        token(Kind::Word, len, 0, chars)
    } else {
        token(Kind::Sign(sign(first)), first.len_utf8(), 0, 1)
    }
}

/// The value of a decimal digit: ASCII, full-width, Arabic-Indic, Persian, Devanagari, Bengali, Thai.
fn digit(c: char) -> Option<u64> {
    if c.is_ascii() {
        return c.to_digit(10).map(u64::from);
    }
    [0xFF10, 0x0660, 0x06F0, 0x0966, 0x09E6, 0x0E50]
        .into_iter()
        .find_map(|zero| u32::from(c).checked_sub(zero).filter(|value| *value < 10))
        .map(u64::from)
}

fn sign(c: char) -> char {
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FF0D}' => '-',
        '：' | '∶' => ':',
        '／' | '⁄' => '/',
        '，' | '、' | '،' => ',',
        '．' | '。' => '.',
        '（' => '(',
        '）' => ')',
        '＋' => '+',
        '·' | '•' | '｜' | '∙' | '⋅' | '»' | '›' => '|',
        other => other,
    }
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || c.is_control() || is_invisible(c)
}

/// Marks that take no room and part nothing.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}' | '\u{93A}'..='\u{94F}' | '\u{E31}'..='\u{E4E}')
}

fn is_cjk(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}')
}
