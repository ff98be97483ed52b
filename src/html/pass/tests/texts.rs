//! HTML of many sorts: what feeds have, and what nobody should write.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::rules::rules;

fn attribute() -> impl Strategy<Value = String> {
    let names = vec![
        "href",
        "HREF",
        "src",
        "title",
        "class",
        "style",
        "width",
        "height",
        "alt",
        "lang",
        "dir",
        "id",
        "onclick",
        "data-x",
        "cite",
        "align",
        "colspan",
        "start",
        "controls",
        "rel",
        "xlink:href",
        "/",
        "=",
        "\"",
    ];
    let values = prop_oneof![
        Just("http://b.example/c?d=1&e=2#f".to_owned()),
        Just("https://b.example".to_owned()),
        "https?:/{0,3}[a-z.0-9:@x-]{0,8}[/?]?[a-z&=;%\\\\]{0,6}",
        "[/.?#]{0,3}[a-c/.&;=%]{0,6}",
        "(javascript|data|mailto|JavaScript| http|http|ftp|x-y):[a-z/.]{0,6}",
        "[ -~\u{9f}-\u{a1}\n]{0,6}",
        "[a-z0-9]{0,4}",
        "(&(amp|lt|quot|copy|nbsp|not|notit|#38|#x22|#0|#150)[;=x ]?){1,2}",
    ];
    (select(names), values, select(vec!["=\"", "=\"", "='", "=", " = \"", "= '", ""]), select(vec!["", " "]))
        .prop_map(|(name, value, open, behind)| {
            let close = match open.chars().last() {
                Some(quote @ ('"' | '\'')) => quote.to_string(),
                _ => String::new(),
            };
            if open.is_empty() {
                format!(" {name}{behind}")
            } else {
                format!(" {name}{open}{value}{close}{behind}")
            }
        })
}

fn name() -> impl Strategy<Value = String> {
    let mut known: Vec<_> = rules().elements.keys().map(|name| (*name).to_owned()).collect();
    known.sort();
    let common =
        ["p", "a", "b", "i", "div", "ul", "li", "h1", "span", "table", "tr", "td", "pre", "br", "img"];
    let rare =
        ["svg", "caption", "x-y", "button", "select", "form", "title", "B", "Td", "ruby", "rt", "object"];
    prop_oneof![
        8 => select(common.map(str::to_owned).to_vec()),
        8 => select(known),
        1 => select(rare.map(str::to_owned).to_vec()),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-c ]{0,4}",
        3 => "[ \n]{0,2}",
        1 => "[ -~\u{9f}-\u{a1}\u{e9}\r\n\t\u{c}\u{0}\u{feff}]{0,4}",
        1 => "&(amp|lt|gt|nbsp|copy|not|notit|ThickSpace|NewLine|#10|#13|#x3c|#0|#150|#xD800|zzz)[;= x]?",
        1 => select(vec!["<!-- c -->", "<!---->", "<!-->", "<!--a--!>b-->", "<?x>", "<!x>", "< ", "<3", "</>", "&", "<"])
            .prop_map(str::to_owned),
    ]
}

/// Tags in any order.
pub(super) fn soup() -> impl Strategy<Value = String> {
    let start = (name(), vec(attribute(), 0..3), select(vec!["", "", "", "/", " /", "\n"]))
        .prop_map(|(name, attributes, end)| format!("<{name}{}{end}>", attributes.concat()));
    let bare = name().prop_map(|name| format!("<{name}>"));
    let end = (name(), select(vec!["", "", "", " ", "\n"])).prop_map(|(name, end)| format!("</{name}{end}>"));
    vec(prop_oneof![1 => start, 3 => bare, 4 => end, 3 => text()], 0..12).prop_map(|pieces| pieces.concat())
}

/// Elements in each other, with end tags that may be missing.
pub(super) fn nested() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        text(),
        "[a-c ]{0,6}",
        select(vec!["<br>", "<img src=/a alt=b>", "<hr/>"]).prop_map(str::to_owned)
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        (name(), vec(attribute(), 0..2), vec(inner, 0..5), 0..8_u8).prop_map(
            |(name, attributes, inner, end)| {
                let (attributes, inner) =
                    (if end < 3 { attributes.concat() } else { String::new() }, inner.concat());
                if end == 0 {
                    format!("<{name}{attributes}>{inner}")
                } else {
                    format!("<{name}{attributes}>{inner}</{name}>")
                }
            },
        )
    })
}

/// Tables with text in their cells.
pub(super) fn table() -> impl Strategy<Value = String> {
    let blank = || select(vec!["", "\n", " "]);
    let inner = prop_oneof![3 => "[a-c]{0,3}", 1 => nested()];
    let around = || prop_oneof![3 => "[a-c]{0,3}", 1 => soup()];
    let cell = (select(vec!["td", "th"]), inner, select(vec!["</td>", "</th>", ""]))
        .prop_map(|(name, inner, end)| format!("<{name}>{inner}{end}"));
    let row = (vec(cell, 0..3), select(vec!["</tr>", "</tr>", ""]), blank())
        .prop_map(|(cells, end, blank)| format!("<tr>{blank}{}{blank}{end}", cells.concat()));
    let part = (
        select(vec!["", "<tbody>", "<thead>"]),
        vec(row, 0..3),
        select(vec!["", "</tbody>", "</thead>"]),
        blank(),
    )
        .prop_map(|(start, rows, end, blank)| format!("{start}{blank}{}{end}{blank}", rows.concat()));
    (around(), vec(part, 0..3), select(vec!["</table>", ""]), around())
        .prop_map(|(before, parts, end, after)| format!("{before}<table>{}{end}{after}", parts.concat()))
}
