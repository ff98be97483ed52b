//! Where an element stands: what its start tag ends, and what its end tag ends (HTML Standard 13.2.6.4.7 ff.).
//!
//! Two things make this short. Formatting elements are only ever closed where nothing of them goes on: the list of
//! active ones is always those of the stack, and the adoption agency has no work. And between the cells of a table
//! nothing but its parts is taken, so that nothing has to move. All else is given up.

use super::rules::{Element, Kind, rules};
use super::{Pass, UNENDED};

/// So many equal formatting elements may be open ("Noah's Ark clause", 13.2.4.3).
const EQUAL_FORMATS: usize = 3;

impl Pass<'_> {
    fn top(&self) -> Option<Kind> {
        self.open.last().map(|element| element.kind)
    }

    pub(super) fn is_between_cells(&self) -> bool {
        matches!(self.top(), Some(Kind::Table | Kind::Group | Kind::Row))
    }

    /// Formatting elements that are open.
    pub(super) fn formats(&self) -> usize {
        self.open.iter().filter(|element| element.kind == Kind::Format).count()
    }

    /// Ends what ends before this element begins, and begins what it needs around it.
    pub(super) fn make_room_for(&mut self, element: &Element) -> Option<()> {
        match element.kind {
            Kind::Group | Kind::Row | Kind::Cell => return self.make_room_in_table(element.kind),
            _ if self.is_between_cells() => return None,
            Kind::Format => {
                let equal = self.open.iter().filter(|open| open.name == element.name).count();
                // Some do not stand in their like.
                let most = if matches!(element.name, "a" | "nobr") { 1 } else { EQUAL_FORMATS };
                return (equal < most).then_some(());
            }
            Kind::Void | Kind::Raw | Kind::Plain => return Some(()),
            Kind::Item | Kind::Term => self.end_item(element.kind)?,
            Kind::Rule | Kind::Paragraph | Kind::Block | Kind::List | Kind::Heading | Kind::Table => {}
        }
        if let Some(at) = self.innermost(|open| open.kind == Kind::Paragraph, ends_scope) {
            self.close_from(at, None, false)?;
        }
        let nested = element.kind == Kind::Heading && self.top() == Some(Kind::Heading);
        (!nested).then_some(())
    }

    /// An item ends the one before it, unless a list or another special element stands between.
    fn end_item(&mut self, kind: Kind) -> Option<()> {
        let special = |open: &Element| {
            !matches!(open.kind, Kind::Format | Kind::Plain | Kind::Paragraph)
                && !matches!(open.name, "address" | "div")
        };
        match self.innermost(|open| open.kind == kind, special) {
            Some(at) => self.close_from(at, None, false),
            None => Some(()),
        }
    }

    /// 13.2.6.4.9 ff.: the parts of a table, with those that were left out.
    fn make_room_in_table(&mut self, kind: Kind) -> Option<()> {
        let table = self.open.iter().rposition(|open| open.kind == Kind::Table)?;
        // What ends: the part of the same kind, or what stands below where this one goes.
        let ends = |open: &Element| match kind {
            Kind::Group => matches!(open.kind, Kind::Group | Kind::Row | Kind::Cell),
            Kind::Row => matches!(open.kind, Kind::Row | Kind::Cell),
            _ => open.kind == Kind::Cell,
        };
        let first = self.open.iter().skip(table).position(|open| ends(open));
        if let Some(at) = first {
            self.close_from(table + at, None, false)?;
        }
        if kind != Kind::Group && self.top() == Some(Kind::Table) {
            self.begin("tbody")?;
        }
        if kind == Kind::Cell && self.top() == Some(Kind::Group) {
            self.begin("tr")?;
        }
        Some(())
    }

    fn begin(&mut self, name: &str) -> Option<()> {
        let element = rules().elements.get(name).filter(|element| element.kept)?;
        self.out.push('<');
        self.out.push_str(element.name);
        self.out.push('>');
        self.open.push(element);
        Some(())
    }

    /// An end tag.
    pub(super) fn close(&mut self, element: &'static Element) -> Option<()> {
        let same = |open: &Element| open.name == element.name;
        let at = match element.kind {
            Kind::Table | Kind::Group | Kind::Row | Kind::Cell => {
                // Outside of a table nobody writes these.
                let table = self.open.iter().rposition(|open| open.kind == Kind::Table)?;
                self.open.iter().rposition(|open| same(open)).filter(|at| *at >= table)
            }
            _ if self.is_between_cells() => return None,
            Kind::Raw | Kind::Rule => return None,
            Kind::Void if element.name == "br" => return None,
            Kind::Void => None,
            Kind::Paragraph => {
                let at = self.innermost(same, ends_scope);
                if at.is_none() {
                    // It begins one, too.
                    self.begin(element.name)?;
                    return self.close_from(self.open.len() - 1, Some(element), false);
                }
                at
            }
            Kind::Block | Kind::List | Kind::Term => self.innermost(same, ends_scope),
            // Whichever heading it is.
            Kind::Heading => self.innermost(|open| open.kind == Kind::Heading, ends_scope),
            Kind::Item => self.innermost(same, |open| open.kind == Kind::List || ends_scope(open)),
            Kind::Format | Kind::Plain => {
                let at = self.open.iter().rposition(|open| same(open));
                let inner = self.open.get(at.map_or(0, |at| at + 1)..).unwrap_or_default();
                if at.is_some() && !inner.iter().all(|open| open.kind == Kind::Plain) {
                    return None;
                }
                at
            }
        };
        // An end tag of what is not open ends nothing.
        at.map_or(Some(()), |at| self.close_from(at, Some(element), element.kind == Kind::Format))
    }

    /// The innermost open element of a sort, as long as no other sort stands before it.
    fn innermost(&self, is: impl Fn(&Element) -> bool, ends: impl Fn(&Element) -> bool) -> Option<usize> {
        for (at, open) in self.open.iter().enumerate().rev() {
            if is(open) {
                return Some(at);
            }
            if ends(open) {
                return None;
            }
        }
        None
    }

    /// Ends the element at this place and all in it. Formatting would go on behind it, but for its own end tag and
    /// the end of the text.
    pub(super) fn close_from(&mut self, at: usize, tag: Option<&Element>, formats: bool) -> Option<()> {
        while self.open.len() > at {
            let element = self.open.pop()?;
            if element.kind == Kind::Format && !formats {
                return None;
            }
            let is_own = self.open.len() == at && tag.is_some_and(|tag| tag.name == element.name);
            self.unended += usize::from(!is_own && !element.ends_itself);
            if element.kept {
                for part in ["</", element.name, ">"] {
                    self.out.push_str(part);
                }
            }
        }
        (self.unended <= UNENDED).then_some(())
    }
}

/// Beyond these an end tag closes nothing ("has an element in scope", 13.2.4.2).
fn ends_scope(element: &Element) -> bool {
    matches!(element.kind, Kind::Table | Kind::Cell)
}
