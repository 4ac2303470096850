//! Comma-separated values (RFC 4180), with the separator that the first lines have.

use crate::{
    Reason, Role, Table,
    context::{Context, Done},
    office::formula,
    text,
};

/// A cell beyond this is none of a table's.
const LONGEST: usize = 1 << 20;

/// Bytes behind a sign that are looked at for a command, wherever the sign stands.
const COMMAND: usize = 256;

/// A table.
pub(crate) fn inspect(context: &mut Context<'_>, bytes: &[u8]) -> Done {
    let text = text::inspect(context, bytes)?;
    let separator = separator(&text);
    // Who opens it elsewhere may split it elsewhere.
    for piece in text.split([',', ';', '\t', '\r', '\n']) {
        context.event()?;
        let mut rest = piece;
        loop {
            let start = rest.trim_start_matches(['"', ' ']);
            if start.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) {
                let (start, _) =
                    start.split_at_checked(start.floor_char_boundary(COMMAND)).unwrap_or((start, ""));
                context.spend(start.len())?;
                // An exchange has the one, a call the other.
                let acts = memchr::memchr2(b'!', b'(', start.as_bytes()).is_some();
                if let Some(reason) = acts
                    .then(|| formula::danger(start.trim_start_matches(|c: char| !c.is_alphanumeric())))
                    .flatten()
                {
                    context.see(reason);
                }
            }
            match rest.split_once('|') {
                Some((_, behind)) => rest = behind,
                None => break,
            }
        }
    }
    let mut cells = 0_usize;
    let mut table = Table::default();
    let mut expected: Option<usize> = None;
    let mut rest = text.as_str();
    while !rest.is_empty() {
        context.event()?;
        let (cell, behind, end) = cell(rest, separator);
        context.spend(cell.len())?;
        if cell.len() > LONGEST {
            context.see(Reason::TooLarge);
        }
        if let Some(reason) = formula_in(cell) {
            context.see(reason);
        }
        rest = behind;
        cells += 1;
        if expected.is_none() {
            table.column(cell);
        }
        if end == End::Open {
            context.see(Reason::Damaged);
        }
        if end != End::Cell {
            // A line with nothing in it is no row.
            let blank = cells == 1 && cell.trim().is_empty();
            if !blank && expected.is_some_and(|expected| expected != cells) {
                context.see(Reason::Ragged);
            }
            if !blank {
                // The first row names the others' cells.
                table.rows += u64::from(expected.is_some());
                expected.get_or_insert(cells);
            } else if expected.is_none() {
                table = Table::default();
            }
            cells = 0;
        }
    }
    if let Some(structure) = context.structure() {
        structure.table = Some(Table { separator, ..table });
    }
    context.text(Role::Body, text)
}

/// What stands behind a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Cell,
    Row,
    /// The file ends within quotes.
    Open,
}

/// The first cell, with its quotes' inside as it is written, and the rest.
pub(super) fn cell(text: &str, separator: char) -> (&str, &str, End) {
    let ends = |c: char| c == separator || matches!(c, '\r' | '\n');
    if let Some(inside) = text.strip_prefix('"') {
        let bytes = inside.as_bytes();
        let mut from = 0;
        while let Some(at) = memchr::memchr(b'"', bytes.get(from..).unwrap_or_default()).map(|at| from + at) {
            // Two quotes are one that does not end the cell.
            if bytes.get(at + 1) == Some(&b'"') {
                from = at + 2;
                continue;
            }
            let (content, behind) = inside.split_at_checked(at).unwrap_or((inside, ""));
            let behind = behind.strip_prefix('"').unwrap_or_default();
            let end = behind.find(ends).unwrap_or(behind.len());
            let (_, behind) = behind.split_at_checked(end).unwrap_or((behind, ""));
            return after(content, behind, separator);
        }
        return (inside, "", End::Open);
    }
    let end = text.find(ends).unwrap_or(text.len());
    let (content, behind) = text.split_at_checked(end).unwrap_or((text, ""));
    after(content, behind, separator)
}

fn after<'t>(content: &'t str, behind: &'t str, separator: char) -> (&'t str, &'t str, End) {
    match behind.strip_prefix(separator) {
        Some(rest) => (content, rest, End::Cell),
        None => {
            let rest = behind.strip_prefix("\r\n").or_else(|| behind.strip_prefix(['\r', '\n']));
            (content, rest.unwrap_or_default(), End::Row)
        }
    }
}

/// A first line that says to spreadsheets what separates cells, which is none of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Directive {
    /// Where `sep=` begins.
    pub(super) start: usize,
    /// Where it ends, with the separator and quotation marks behind that.
    pub(super) end: usize,
    /// The separator that it names, which may be any character.
    pub(super) separator: char,
}

impl Directive {
    /// The one at the beginning of a table, if any.
    pub(super) fn of(text: &str) -> Option<Self> {
        let line = first_line(text);
        let said = line.trim_start_matches(['"', '\u{feff}']);
        let start = line.len().saturating_sub(said.len());
        let (word, behind) = said.split_at_checked(4)?;
        let separator = behind.chars().next().filter(|c| *c != '"' && word.eq_ignore_ascii_case("sep="))?;
        let behind = behind.get(separator.len_utf8()..)?.trim_start_matches('"');
        Some(Self { start, end: line.len().saturating_sub(behind.len()), separator })
    }
}

fn first_line(text: &str) -> &str {
    text.split(['\r', '\n']).next().unwrap_or_default()
}

/// The separator that the table names, or the one that stands most often in its first line.
pub(super) fn separator(text: &str) -> char {
    Directive::of(text).map_or_else(|| most_frequent(text), |directive| directive.separator)
}

/// The separator that stands most often in the first line.
pub(super) fn most_frequent(text: &str) -> char {
    let line = first_line(text);
    let count = |separator: char| line.matches(separator).count();
    let found = [',', ';', '\t', '|'].into_iter().rev().max_by_key(|separator| count(*separator));
    found.filter(|separator| count(*separator) > 0).unwrap_or(',')
}

/// Whether a cell is a formula for a spreadsheet. Numbers with a sign, telephone numbers, names of accounts and lines of a list are none.
pub(super) fn formula_in(cell: &str) -> Option<Reason> {
    let cell = cell.trim_matches(['\r', '\n', ' ', '\t', '\u{feff}', '\u{a0}']);
    let mut chars = cell.chars();
    let first = chars.next()?;
    let rest = chars.as_str();
    match first {
        '=' | '＝' => formula::danger(rest).or(Some(Reason::Formula)),
        '+' | '-' | '@' | '＋' | '－' | '＠' => {
            formula::danger(rest).or_else(|| formula::calculates(rest).then_some(Reason::Formula))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_told_from_signs() {
        for (cell, expected) in [
            ("=1+1", Some(Reason::Formula)),
            ("\t=1+1", Some(Reason::Formula)),
            ("+cmd|'/c calc'!A1", Some(Reason::Dde)),
            ("@SUM(1,2)", Some(Reason::Formula)),
            ("-2+3+cmd|' /C calc'!A0", Some(Reason::Dde)),
            ("=WEBSERVICE(\"http://example.org\")", Some(Reason::CommandCell)),
            ("-12.5", None),
            ("+44 20 7946 0958", None),
            ("+44 (20) 7946 0958", None),
            ("@somebody", None),
            ("- see below (page 3)", None),
            ("-John (Sales)", None),
            ("- cheap + great! Buy", None),
            ("+1+Other!A1", Some(Reason::Formula)),
            ("@alice Check this | great deal!", None),
            ("a=b", None),
        ] {
            assert_eq!(formula_in(cell), expected, "{cell}");
        }
    }

    #[test]
    fn cells_end_where_their_quotes_do() {
        assert_eq!(cell("a,b", ','), ("a", "b", End::Cell));
        assert_eq!(cell("\"a \"\"x\"\", y\";z\n", ';'), ("a \"\"x\"\", y", "z\n", End::Cell));
        assert_eq!(cell("\"a\nb\"\nc", ','), ("a\nb", "c", End::Row));
        assert_eq!(cell("\"a", ','), ("a", "", End::Open));
        assert_eq!(separator("a;b;c,d"), ';');
        assert_eq!(separator("one column"), ',');
        assert_eq!(separator("\"SEP=|\"\na;b"), '|');
        assert_eq!(separator("\u{feff}sep=;x\na,b"), ';');
        assert_eq!((separator("sep=\na"), separator("sep,b\na"), separator("s")), (',', ',', ','));
    }
}
