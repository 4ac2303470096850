//! Tables whose cells are no formulas any more (OWASP, *CSV Injection*).

use super::csv::{cell, formula_in, separator};

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
/// list stay as they are. The same again changes nothing.
#[must_use]
pub fn neutralised(table: &str) -> Option<(String, u64)> {
    let separator = separator(table);
    let (mut out, mut copied, mut count) = (String::new(), 0, 0_u64);
    let mut rest = table;
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
