//! Text as wide as the terminal it goes to: broken between words, never in one. What goes elsewhere stays as it is.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr};

/// Below this nothing is made to fit.
const NARROW: usize = 40;
/// Blanks on both sides of a column.
const PADDING: usize = 2;
/// Columns that a sentence wants: in fewer it is a word a line.
const SENTENCE: usize = 18;

/// Columns of the terminal that data goes to; `None`: it goes elsewhere.
pub(super) fn width() -> Option<usize> {
    Table::new().width().map(usize::from).filter(|width| *width >= NARROW)
}

/// Lines that are too long go on below, a little further in. A word that is longer than a line (an address) stays
/// whole: a terminal copies it so.
pub(super) fn wrapped(text: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return text.to_owned() };
    let lines: Vec<String> = text.split('\n').map(|line| broken(line, width)).collect();
    lines.join("\n")
}

fn broken(line: &str, width: usize) -> String {
    if line.width() <= width {
        return line.to_owned();
    }
    let indent = line.len() - line.trim_start_matches(' ').len();
    let (mut out, mut at) = (" ".repeat(indent), indent);
    for (number, word) in line.trim_start_matches(' ').split(' ').enumerate() {
        let wide = word.width();
        // One that is longer than any line is better off where it is.
        let is_breakable = at + 1 + wide > width && indent + 2 + wide <= width;
        if number > 0 && is_breakable {
            out.push('\n');
            out.push_str(&" ".repeat(indent + 2));
            at = indent + 2;
        } else if number > 0 {
            out.push(' ');
            at += 1;
        }
        out.push_str(word);
        at += wide;
    }
    out
}

/// A table without lines. Where the terminal has no room for the longest words of all columns, or for sentences, those
/// of `spare` are left out, the first of them first, and named; at last the words of the first column are shortened.
pub(super) fn table(
    header: &[&'static str],
    rows: &[Vec<String>],
    spare: &[&'static str],
    width: Option<usize>,
) -> (Table, Vec<&'static str>) {
    let mut columns: Vec<Column<'_>> =
        header.iter().enumerate().map(|(at, name)| Column::of(name, rows, at)).collect();
    let mut left_out = Vec::new();
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    let Some(width) = width else {
        fill(&mut table, &columns);
        return (table, left_out);
    };
    let least = |columns: &[Column<'_>]| columns.iter().map(|column| column.least + PADDING).sum::<usize>();
    let roomy = |columns: &[Column<'_>]| columns.iter().map(|column| column.roomy + PADDING).sum::<usize>();
    for name in spare {
        if roomy(&columns) <= width {
            break;
        }
        columns.retain(|column| column.name != *name);
        left_out.push(*name);
    }
    let over = least(&columns).saturating_sub(width);
    if let Some(first) = columns.first_mut().filter(|_| over > 0) {
        first.shorten(first.least.saturating_sub(over).max(1));
    }
    fill(&mut table, &columns);
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    for (number, column) in columns.iter().enumerate() {
        let least = u16::try_from(column.least + PADDING).unwrap_or(u16::MAX);
        if let Some(column) = table.column_mut(number) {
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least)));
        }
    }
    (table, left_out)
}

fn fill(table: &mut Table, columns: &[Column<'_>]) {
    table.set_header(columns.iter().map(|column| column.name));
    let rows = columns.iter().map(|column| column.cells.len()).max().unwrap_or_default();
    for row in 0..rows {
        table.add_row(columns.iter().map(|column| column.cells.get(row).map_or("", |cell| &**cell)));
    }
}

/// A column that may be made narrower.
struct Column<'a> {
    name: &'static str,
    cells: Vec<std::borrow::Cow<'a, str>>,
    /// The width of its longest word.
    least: usize,
    /// The width that its sentences want, if there are any.
    roomy: usize,
}

impl<'a> Column<'a> {
    fn of(name: &'static str, rows: &'a [Vec<String>], at: usize) -> Self {
        let cells: Vec<_> = rows.iter().map(|row| row.get(at).map_or("", String::as_str).into()).collect();
        let mut column = Self { name, cells, least: 0, roomy: 0 };
        column.measure();
        column
    }

    fn measure(&mut self) {
        let words = self.cells.iter().flat_map(|cell| cell.split(' ')).chain(self.name.split(' '));
        self.least = words.map(UnicodeWidthStr::width).max().unwrap_or_default();
        let sentences = self.cells.iter().filter(|cell| cell.split(' ').nth(2).is_some());
        let widest = sentences.map(|cell| cell.width()).max().unwrap_or_default();
        self.roomy = self.least.max(widest.min(SENTENCE));
    }

    /// Cuts what is wider.
    fn shorten(&mut self, most: usize) {
        for cell in &mut self.cells {
            if cell.width() > most {
                *cell = cut(cell, most).into();
            }
        }
        self.measure();
    }
}

/// The beginning of a text that is too wide, and a sign that it goes on.
fn cut(text: &str, most: usize) -> String {
    let mut wide = 1;
    let fits = |c: &char| {
        wide += c.width().unwrap_or_default();
        wide <= most
    };
    let mut short: String = text.chars().take_while(fits).collect();
    short.push('…');
    short
}
