//! Tables of plain text.

/// How a column is aligned.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// A text without anything that a terminal would obey (ECMA-48 control characters) or show in another order (bidirectional
/// overrides).
pub(crate) fn plain(text: &str) -> String {
    let dangerous = |c: char| {
        (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if text.contains(dangerous) {
        text.chars().map(|c| if dangerous(c) { '\u{fffd}' } else { c }).collect()
    } else {
        text.to_owned()
    }
}

/// Columns beside each other, two spaces apart, under their heads.
pub(super) fn table(columns: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let cell = |row: &[String], column: usize| {
        row.get(column).map(|text| plain(text).replace('\n', " ")).unwrap_or_default()
    };
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(at, (head, _))| {
            let widest = rows.iter().map(|row| cell(row, at).chars().count()).max().unwrap_or(0);
            widest.max(head.chars().count())
        })
        .collect();
    let heads: Vec<String> = columns.iter().map(|(head, _)| (*head).to_owned()).collect();
    let mut text = String::new();
    for row in std::iter::once(&heads).chain(rows) {
        let mut line = String::new();
        for (at, ((_, align), width)) in columns.iter().zip(&widths).enumerate() {
            let value = cell(row, at);
            let gap = " ".repeat(width.saturating_sub(value.chars().count()));
            match align {
                Align::Left => line.push_str(&(value + &gap)),
                Align::Right => line.push_str(&(gap + &value)),
            }
            line.push_str("  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_terminals_are_safe() {
        let rows = [vec!["a".to_owned(), "12".to_owned()], vec!["long\u{1b}[31m".to_owned(), "3".to_owned()]];
        let text = table(&[("NAME", Align::Left), ("N", Align::Right)], &rows);
        assert_eq!(text, "NAME        N\na          12\nlong\u{fffd}[31m   3\n");
    }
}
