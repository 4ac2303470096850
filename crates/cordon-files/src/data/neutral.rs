//! Tables whose cells are no formulas any more (OWASP, *CSV Injection*).

use super::csv::{Directive, cell, formula_in, most_frequent, separator};

/// Rows that are looked at to tell a table from other texts.
const LOOKED_AT: usize = 64;
/// What makes a cell text to spreadsheets.
const TEXT: char = '\'';

/// Whether a text of which nobody says what it is can be a table: half of its first rows and two of them at least have the same number of
/// cells, and more than one.
#[must_use]
pub fn is_table(text: &str) -> bool {
    let separator = separator(text);
    let rows = text.split(['\r', '\n']).filter(|row| !row.trim().is_empty()).take(LOOKED_AT);
    let counts: Vec<usize> = rows.map(|row| row.matches(separator).count()).collect();
    let alike = counts.first().map_or(0, |first| counts.iter().filter(|count| *count == first).count());
    counts.first().is_some_and(|first| *first > 0) && alike >= 2 && alike * 2 >= counts.len()
}

/// A table in which a `'` stands before each cell that a spreadsheet would calculate, and how many these are; nothing where there is none.
///
/// Such a cell begins with `=`, `+`, `-` or `@`, or with white space and one of these. Numbers with a sign, telephone numbers and lines of a
/// list stay as they are. A first line that names the separator (`sep=;`) stays, where it is one that separates cells; before one that names a
/// letter, a digit or a sign that formulas and texts begin with stands a `'` too, so that it names nothing. The same again changes nothing.
#[must_use]
pub fn neutralised(table: &str) -> Option<(String, u64)> {
    let (mut out, mut copied, mut count) = (String::new(), 0, 0_u64);
    let (separator, mut rest) = match Directive::of(table) {
        // It goes on being read as what it says: a cell of it would be cut by it.
        Some(said) if separates(said.separator) => {
            (said.separator, table.get(said.end..).unwrap_or_default())
        }
        Some(said) => {
            out.push_str(table.get(..said.start).unwrap_or_default());
            out.push(TEXT);
            (copied, count) = (said.start, 1);
            (most_frequent(table), table)
        }
        None => (most_frequent(table), table),
    };
    while !rest.is_empty() {
        let at = table.len() - rest.len();
        let at = at + usize::from(rest.starts_with('"'));
        let (content, behind, _) = cell(rest, separator);
        if acts(content) {
            out.push_str(table.get(copied..at).unwrap_or_default());
            out.push(TEXT);
            copied = at;
            count = count.saturating_add(1);
        }
        rest = behind;
    }
    out.push_str(table.get(copied..).unwrap_or_default());
    (count > 0).then_some((out, count))
}

/// Whether a character may stand between cells without being taken for what a cell says, or for the sign that makes it a text.
fn separates(c: char) -> bool {
    matches!(c, '\t' | ' ') || c.is_ascii_punctuation() && !matches!(c, TEXT | '"' | '=' | '+' | '-' | '@')
}

fn acts(cell: &str) -> bool {
    let begins = cell.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\u{feff}'));
    let mut chars = begins.chars();
    let Some(sign) = chars.next() else { return false };
    let rest = chars.as_str();
    match sign {
        '=' | '@' | '＝' | '＠' => true,
        '+' | '-' | '＋' | '－' => {
            let is_number = rest.chars().any(|c| c.is_ascii_digit()) && rest.trim().parse::<f64>().is_ok()
                || rest.chars().all(|c| {
                    c.is_ascii_digit()
                        || matches!(c, ' ' | '.' | ',' | '(' | ')' | '-' | '/' | '%' | '\u{a0}')
                });
            let is_line = rest.starts_with(' ') && formula_in(cell).is_none();
            !is_number && !is_line
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_text() {
        for (table, expected) in [
            ("a,b\n=1+1,2\n", "a,b\n'=1+1,2\n"),
            (
                "a;b\r\n\"=HYPERLINK(\"\"http://x\"\"; 1)\";-cmd|' /C calc'!A0\r\n",
                "a;b\r\n\"'=HYPERLINK(\"\"http://x\"\"; 1)\";'-cmd|' /C calc'!A0\r\n",
            ),
            ("a,b\n @SUM(1),\t+1+x\n", "a,b\n' @SUM(1),'\t+1+x\n"),
            ("a,b\n＝1,+A1", "a,b\n'＝1,'+A1"),
            ("a,b\n\"\"\"=1\",x", "a,b\n\"'\"\"=1\",x"),
            ("sep=;\n=1;a,=2\n", "sep=;\n'=1;a,=2\n"),
            ("\"sep=|\"\r\n\"=1\"|2\r\n", "\"sep=|\"\r\n\"'=1\"|2\r\n"),
            ("sep=;=1\n2;3\n", "sep=;'=1\n2;3\n"),
            // With a letter that a cell has in it, or with the sign that makes a text, a spreadsheet would find other cells than are here.
            ("sep=p\na,=1\n", "'sep=p\na,'=1\n"),
            ("sep='\na,=1\n", "'sep='\na,'=1\n"),
            ("\"Sep==\"\na,b\n", "\"'Sep==\"\na,b\n"),
        ] {
            let (text, count) = neutralised(table).unwrap();
            assert_eq!(text, expected);
            assert_eq!(usize::try_from(count).unwrap(), expected.len() - table.len());
            assert_eq!(neutralised(&text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_formula_stays() {
        for table in [
            "a,b\n-12.5,+3e4\n-,+44 (20) 7946-0958\n",
            "a,b\n- a line of a list,x = y\n",
            "name,mail\nAda,ada@example.com\n",
            "a,b\n'=1+1,x\n",
            "",
            "\"",
        ] {
            assert_eq!(neutralised(table), None, "{table}");
        }
    }

    #[test]
    fn tables_are_told_from_other_texts() {
        for (text, expected) in [
            ("a,b\n1,2", true),
            ("a\tb\n1\t2\n\n", true),
            ("a,b\n1,2,3\n4,5\n", true),
            ("one line, with a comma", false),
            ("first line\nsecond line", false),
            ("One, two, and three.\nThen nothing.\nAnd nothing.", false),
        ] {
            assert_eq!(is_table(text), expected, "{text}");
        }
    }
}
