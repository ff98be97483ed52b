//! Ordinary markup cleaned in one pass over its bytes, without a tree: text, references, and elements that stand in
//! each other as they should. Gives up at the first thing whose reading is not plain, and the tree is asked: never
//! guesses, and never writes another byte than [`super::clean::ALLOWED`] would.
//!
//! The comments name the sections of the HTML Standard that the parser follows.

use url::Url;

mod attributes;
mod places;
mod references;
mod rules;
#[cfg(test)]
mod tests;

use references::reference;
use rules::{Element, Kind, rules};

/// Open elements, beyond which the tree is asked: far fewer than [`super::DEEPEST`].
const DEEPEST: usize = 100;
/// Elements that end without an end tag of their own, likewise: [`super::depth`] takes them for open.
const UNENDED: usize = 100;
/// The same for attributes of a tag and for nodes of the tree: [`super::TEXT`] counts otherwise, but never more.
const ATTRIBUTES: usize = 100;
const NODES: usize = 250_000;

/// What one pass made.
pub(super) struct Cleaned {
    /// The same as [`super::clean::ALLOWED`] makes.
    pub html: String,
    /// The same as [`super::clean::has_other_tags`] finds.
    pub others: bool,
}

/// `None` when only the tree knows.
pub(super) fn clean(html: &str, base: Option<&Url>) -> Option<Cleaned> {
    if html.starts_with('\u{FEFF}') {
        return None;
    }
    let mut pass = Pass::new(html, base);
    pass.run()?;
    Some(Cleaned { html: pass.out, others: pass.others })
}

struct Pass<'a> {
    html: &'a str,
    /// Bytes read.
    at: usize,
    out: String,
    base: Option<&'a Url>,
    /// The stack of open elements, without the root. Formatting elements in it are the list of active ones, too.
    open: Vec<&'static Element>,
    unended: usize,
    nodes: usize,
    others: bool,
}

impl<'a> Pass<'a> {
    fn new(html: &'a str, base: Option<&'a Url>) -> Self {
        Self {
            html,
            at: 0,
            out: String::with_capacity(html.len() + html.len() / 16 + 16),
            base,
            open: Vec::with_capacity(16),
            unended: 0,
            nodes: 0,
            others: false,
        }
    }

    fn run(&mut self) -> Option<()> {
        while self.at < self.html.len() {
            self.text()?;
            if self.at < self.html.len() {
                self.markup()?;
            }
        }
        // What is still open ends here (13.2.6.4.7, "an end-of-file token").
        self.close_from(0, None, true)
    }

    fn rest(&self) -> &[u8] {
        self.html.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.html.as_bytes().get(self.at).copied()
    }

    /// Text up to the next `<` (13.2.5.1), written as the serializer does (13.3).
    fn text(&mut self) -> Option<()> {
        let in_table = self.is_between_cells();
        loop {
            let length = plain_length(self.rest());
            let plain = self.html.get(self.at..self.at + length)?;
            // Text that stands between the cells would move before the table.
            if in_table && !plain.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\n')) {
                return None;
            }
            self.out.push_str(plain);
            self.at += length;
            let Some(byte) = self.peek() else { return Some(()) };
            match byte {
                b'<' => return Some(()),
                b'\r' => {
                    self.out.push('\n');
                    self.at += if self.rest().get(1) == Some(&b'\n') { 2 } else { 1 };
                    continue;
                }
                0 => return None,
                _ if in_table => return None,
                b'>' => self.out.push_str("&gt;"),
                b'&' => {
                    let (letters, length) = reference(self.rest(), false)?;
                    letters.iter().for_each(|letter| push_escaped(&mut self.out, *letter, false));
                    self.at += length;
                    continue;
                }
                _ => {
                    // 0xC2 begins what must not break, and other letters.
                    let letter = self.html.get(self.at..)?.chars().next()?;
                    push_escaped(&mut self.out, letter, false);
                    self.at += letter.len_utf8();
                    continue;
                }
            }
            self.at += 1;
        }
    }

    /// What begins with `<` (13.2.5.6).
    fn markup(&mut self) -> Option<()> {
        self.nodes += 1 + self.formats();
        if self.nodes > NODES {
            return None;
        }
        match self.rest().get(1)? {
            b'/' => self.end_tag(),
            b'!' => self.comment(),
            letter if letter.is_ascii_alphabetic() => self.start_tag(),
            // Numbers and blanks are the common ones.
            b' ' | b'\n' | b'=' | b'-' | b'0'..=b'9' if !self.is_between_cells() => {
                self.out.push_str("&lt;");
                self.at += 1;
                Some(())
            }
            _ => None,
        }
    }

    /// A comment is dropped. It must be one for everybody who looks for its end (13.2.5.43 ff.).
    fn comment(&mut self) -> Option<()> {
        let inner = self.html.get(self.at..)?.strip_prefix("<!--")?;
        let end = inner.find("-->")?;
        let text = inner.get(..end)?;
        if text.starts_with('>') || text.starts_with("->") || text.contains('<') || text.contains("--!") {
            return None;
        }
        self.at += "<!--".len() + end + "-->".len();
        Some(())
    }

    /// The element whose name begins here, and reads the name.
    fn name(&mut self) -> Option<&'static Element> {
        let length = self.rest().iter().take_while(|byte| !ends_name(**byte)).count();
        let name = self.html.get(self.at..self.at + length)?;
        self.at += length;
        if let Some(known) = rules().elements.get(name) {
            return Some(known);
        }
        // Names in capitals are rare.
        let small = name.bytes().any(|byte| byte.is_ascii_uppercase()).then(|| name.to_ascii_lowercase())?;
        rules().elements.get(small.as_str())
    }

    fn start_tag(&mut self) -> Option<()> {
        self.at += 1;
        let element = self.name()?;
        self.make_room_for(element)?;
        self.others |= element.is_other();
        if element.kept {
            self.out.push('<');
            self.out.push_str(element.name);
        }
        self.attributes(element)?;
        if element.kept {
            self.out.push('>');
        }
        match element.kind {
            Kind::Void | Kind::Rule => return Some(()),
            Kind::Raw => return self.skip_raw(element.name),
            // The first line break in it is none (13.2.6.4.7).
            Kind::Block if element.name == "pre" => match self.rest() {
                [b'\r', b'\n', ..] => self.at += 2,
                [b'\r' | b'\n', ..] => self.at += 1,
                // Not even as a reference.
                [b'&', ..] if reference(self.rest(), false)?.0.iter().next() == Some(&'\n') => return None,
                _ => {}
            },
            _ => {}
        }
        self.open.push(element);
        (self.open.len() <= DEEPEST).then_some(())
    }

    fn end_tag(&mut self) -> Option<()> {
        self.at += 2;
        let element = self.name()?;
        while matches!(self.peek()?, b' ' | b'\t' | b'\n') {
            self.at += 1;
        }
        // No attributes stand here.
        if self.peek()? != b'>' {
            return None;
        }
        self.at += 1;
        self.close(element)
    }

    /// What is no markup up to its own end tag (13.2.5.2 ff.), and goes.
    fn skip_raw(&mut self, name: &str) -> Option<()> {
        self.at += self.rest().iter().position(|byte| *byte == b'<')?;
        let end = self.html.get(self.at..)?.strip_prefix("</")?;
        if !end.get(..name.len())?.eq_ignore_ascii_case(name) || end.as_bytes().get(name.len()) != Some(&b'>')
        {
            return None;
        }
        self.at += "</".len() + name.len() + ">".len();
        // Behind a script, html5ever takes this for the mark that begins a document.
        (!self.rest().starts_with("\u{FEFF}".as_bytes())).then_some(())
    }
}

fn ends_name(byte: u8) -> bool {
    matches!(byte, b'>' | b'/' | b' ' | b'\t' | b'\n')
}

/// Bytes from the begin on that stand for themselves in text.
fn plain_length(bytes: &[u8]) -> usize {
    let special = |byte: u8| matches!(byte, b'<' | b'>' | b'&' | b'\r' | 0 | 0xC2);
    let mut length = 0;
    for block in bytes.chunks(16) {
        // To the end without leaving early: this way the compiler looks at many bytes at once.
        if block.iter().fold(false, |any, byte| any | special(*byte)) {
            return length + block.iter().take_while(|byte| !special(**byte)).count();
        }
        length += block.len();
    }
    length
}

/// As the serializer escapes (13.3).
fn push_escaped(out: &mut String, letter: char, in_attribute: bool) {
    match letter {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '\u{A0}' => out.push_str("&nbsp;"),
        '"' if in_attribute => out.push_str("&quot;"),
        other => out.push(other),
    }
}
