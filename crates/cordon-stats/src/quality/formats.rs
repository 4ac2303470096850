use std::collections::BTreeMap;

use crate::profile::{Categories, Category};

/// Different texts from which a format is read; fewer are categories, whose names have none.
const FEWEST: usize = 50;
/// Formats of a column that has formats; a column with more is free text.
const MOST: usize = 8;
/// Characters of a format; a longer one is a sentence.
const LONGEST: usize = 40;

/// How a text is written: runs of digits as `9`, of letters as `a`, of both as `x`; white space once, all else as it is. `None` for
/// one that is too long to be a format.
pub(super) fn format(text: &str) -> Option<String> {
    let mut format = String::new();
    let mut last = None;
    for c in text.trim().chars() {
        let class = if c.is_numeric() {
            '9'
        } else if c.is_alphabetic() {
            'a'
        } else if c.is_whitespace() {
            ' '
        } else {
            c
        };
        match (last, class) {
            (Some('9'), 'a') | (Some('a'), '9') => {
                format.pop();
                format.push('x');
                last = Some('x');
            }
            (Some('x'), 'a' | '9') => {}
            (Some(before), _) if before == class => {}
            _ => {
                format.push(class);
                last = Some(class);
            }
        }
        if format.len() > LONGEST {
            return None;
        }
    }
    Some(format)
}

/// Texts of formats that the reference does not have: how many, and the commonest of these formats. `None` where there are none, or
/// the reference has no formats. Where not every text is kept by name, of those that are: a fair sample of the texts.
pub(super) fn new_formats(was: &Categories, is: &Categories) -> Option<(u64, String)> {
    let kept = was.most_frequent();
    if kept.len() < FEWEST {
        return None;
    }
    let counted = |labels: Vec<&Category>| -> Option<BTreeMap<String, u64>> {
        let mut counts = BTreeMap::new();
        for category in labels {
            // A label that was cut has no format that could be compared.
            if category.label.len() < Categories::LONGEST {
                *counts.entry(format(&category.label)?).or_insert(0) += category.count;
            }
        }
        Some(counts)
    };
    let known = counted(kept).filter(|formats| formats.len() <= MOST)?;
    let now: Vec<&Category> = is.most_frequent();
    let mut new: BTreeMap<String, u64> = BTreeMap::new();
    for category in now.into_iter().filter(|category| category.label.len() < Categories::LONGEST) {
        let format = format(&category.label).unwrap_or_else(|| "a long text".to_owned());
        if !known.contains_key(&format) {
            *new.entry(format).or_insert(0) += category.count;
        }
    }
    let rows = new.values().sum();
    let (most, _) = new.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0)))?;
    Some((rows, most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_read_and_new_ones_are_named() {
        for (text, want) in [
            ("AT-2041", "a-9"),
            ("ab12cd", "x"),
            ("anna.huber@example.org", "a.a@a.a"),
            ("  12   34 ", "9 9"),
            ("", ""),
            ("+43 (1) 58801", "+9 (9) 9"),
        ] {
            assert_eq!(format(text).as_deref(), Some(want), "{text}");
        }
        assert_eq!(format(&"a ".repeat(40)), None);
        let of = |texts: &[String]| {
            let mut categories = Categories::default();
            texts.iter().for_each(|text| categories.add(text));
            categories
        };
        let codes: Vec<String> = (0..60).map(|at| format!("AT-{at}")).collect();
        let other: Vec<String> = (0..60).map(|at| format!("AT/{at}")).collect();
        assert_eq!(new_formats(&of(&codes), &of(&codes)), None);
        assert_eq!(new_formats(&of(&codes), &of(&other)), Some((60, "a/9".to_owned())));
        assert_eq!(new_formats(&of(&codes[..40]), &of(&other)), None);
    }
}
