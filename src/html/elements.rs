//! The elements of HTML by what they do: data. Never reads a text.

/// Elements that never have content.
pub(super) const VOID: [&str; 13] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];
/// Elements whose end tag may be left out: their depth says nothing.
pub(super) const SELF_ENDING: [&str; 12] =
    ["p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "option", "colgroup"];

/// Elements whose content is no text for people. (Asked of every tag, as the next is: a list takes many times as long.)
pub(super) fn is_silent(name: &str) -> bool {
    matches!(name, "script" | "style" | "template" | "noscript" | "iframe" | "textarea")
}

/// Elements inside a line: between two of them no blank is seen.
pub(super) fn is_inline(name: &str) -> bool {
    matches!(
        name,
        "a" | "abbr"
            | "b"
            | "bdi"
            | "bdo"
            | "cite"
            | "code"
            | "em"
            | "font"
            | "i"
            | "kbd"
            | "mark"
            | "q"
            | "s"
            | "samp"
            | "small"
            | "span"
            | "strong"
            | "sub"
            | "sup"
            | "time"
            | "u"
            | "var"
            | "wbr"
    )
}

/// True for the name of an HTML element that stands in texts.
pub(super) fn is_element(name: &str) -> bool {
    VOID.contains(&name)
        || SELF_ENDING.contains(&name)
        || is_silent(name)
        || is_inline(name)
        || matches!(
            name,
            "div"
                | "ul"
                | "ol"
                | "dl"
                | "table"
                | "blockquote"
                | "pre"
                | "h1"
                | "h2"
                | "h3"
                | "h4"
                | "h5"
                | "h6"
                | "center"
                | "tt"
                | "big"
                | "strike"
                | "del"
                | "ins"
                | "acronym"
                | "address"
                | "article"
                | "aside"
                | "figure"
                | "figcaption"
                | "footer"
                | "header"
                | "section"
                | "nav"
                | "svg"
                | "object"
                | "blink"
                | "marquee"
                | "nobr"
                | "html"
                | "body"
                | "head"
                | "title"
                | "form"
                | "button"
                | "label"
                | "select"
                | "video"
                | "audio"
                | "picture"
                | "details"
                | "summary"
                | "ruby"
                | "rt"
                | "rp"
                | "dfn"
                | "data"
        )
}
