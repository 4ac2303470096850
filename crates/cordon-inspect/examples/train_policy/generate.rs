//! Texts that the project makes itself: requests of each category in several languages, and beside them harmless ones of the same
//! words.

use std::collections::BTreeMap;

use cordon_inspect::policy::training::CATEGORIES;

use crate::Random;

/// A generated text.
pub struct Made {
    /// The column of its category; none where it is harmless.
    pub column: Option<usize>,
    pub english: bool,
    /// The number of its line.
    pub line: usize,
    pub text: String,
}

const FILES: [&str; 2] = [include_str!("phrases.txt"), include_str!("languages.txt")];
/// Texts of a line, of English and of other languages.
const OF_LINE: [usize; 2] = [240, 40];

/// All texts: the same for the same seed.
pub fn texts(seed: u64) -> Vec<Made> {
    let mut random = Random(seed);
    let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut lines: Vec<(Option<usize>, bool, &str)> = Vec::new();
    for (file, english) in FILES.iter().zip([true, false]) {
        let (mut kind, mut column) = (None, None);
        for line in file.lines().filter(|line| !line.starts_with("# ") && !line.is_empty()) {
            if let Some(name) = line.strip_prefix(": ") {
                kind = Some(name);
            } else if let Some(name) = line.strip_prefix("+ ") {
                kind = None;
                column = Some(CATEGORIES.iter().position(|category| *category == name).expect("a category"));
            } else if line.starts_with("- ") {
                (kind, column) = (None, None);
            } else if let Some(kind) = kind {
                kinds.entry(kind).or_default().push(line);
            } else {
                lines.push((column, english, line));
            }
        }
    }
    let mut made = Vec::new();
    for (at, (column, english, line)) in lines.into_iter().enumerate() {
        for _ in 0..OF_LINE[usize::from(!english)] {
            let mut text = fill(&kinds, line, &mut random);
            match random.below(6) {
                0 => text = text.to_lowercase(),
                1 => text = text.trim_end_matches(['?', '.', '!', '؟', '？', '。']).to_owned(),
                _ => {}
            }
            made.push(Made { column, english, line: at, text });
        }
    }
    made
}

/// A line with one of each of its choices.
fn fill(kinds: &BTreeMap<&str, Vec<&str>>, line: &str, random: &mut Random) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(['{', '<']) {
        let (before, open) = rest.split_at(at);
        let close = if open.starts_with('{') { '}' } else { '>' };
        let end = open.find(close).expect("a closing bracket");
        out += before;
        let inner = &open[1..end];
        if close == '}' {
            let choices: Vec<&str> = inner.split('|').collect();
            out += &fill(kinds, random.pick(&choices), random);
        } else {
            out += &fill(kinds, random.pick(&kinds[inner]), random);
        }
        rest = &open[end + 1..];
    }
    out + rest
}
