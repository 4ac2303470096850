//! Words and paths that do not belong into a tracked file.
//!
//! Open ends (marks for later, stand-ins for code, switched-off tests) are either done or not there. A path of one
//! person's machine works on that machine alone. Folders named `corpus`, `golden` or `fixtures` hold hostile input and
//! old files, where such strings are the point.

use anyhow::Result;

use crate::process;
use crate::report;

/// Roots of folders that exist on one machine and not on the next; the slash before and after is added when searching.
const MACHINE_ROOTS: [&str; 5] = ["home", "Users", "root", "work", "workspace"];

/// Open ends, in two halves, so that this file does not find itself.
const OPEN_ENDS: [(&str, &str); 7] = [
    ("TO", "DO"),
    ("FIX", "ME"),
    ("XX", "X"),
    ("todo", "!("),
    ("unimplemented", "!("),
    ("#[igno", "re"),
    ("@pytest.mark.sk", "ip"),
];

const FREE_FOLDERS: [&str; 3] = ["corpus", "golden", "fixtures"];

/// The step `hygiene`.
pub(crate) fn step() -> Result<bool> {
    let listed = process::output(process::quiet("git").args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]))?;
    let mut findings = Vec::new();
    for path in listed.split('\0').filter(|path| !path.is_empty() && !is_free(path)) {
        // A tracked file that was deleted, or one that is not text, has no words.
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        for (number, line) in (1..).zip(text.lines()) {
            findings.extend(found(line).map(|what| format!("{path}:{number}: {what}")));
        }
    }
    Ok(report::nothing_found(&findings))
}

fn is_free(path: &str) -> bool {
    path.split('/').any(|folder| FREE_FOLDERS.contains(&folder))
}

/// What is wrong with a line.
fn found(line: &str) -> Option<String> {
    for (head, tail) in OPEN_ENDS {
        let word = format!("{head}{tail}");
        if occurs(line, &word) {
            return Some(format!("open end `{word}`\nhelp: do it, or take it out"));
        }
    }
    for root in MACHINE_ROOTS {
        let path = format!("/{root}/");
        if occurs(line, &path) {
            return Some(format!("path of one machine `{path}…`\nhelp: name it relative to the repository"));
        }
    }
    None
}

/// Whether `word` stands alone: a letter or digit before it makes it part of something else (a URL, a longer name).
fn occurs(line: &str, word: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '}' | '*');
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|tail| tail.chars().next());
        let ends_in_letter = word.chars().next_back().is_some_and(char::is_alphanumeric);
        !(before.is_some_and(joins)
            || ends_in_letter && after.is_some_and(|c| c.is_alphanumeric() || c == '_'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(parts: &[&str]) -> String {
        parts.concat()
    }

    #[test]
    fn open_ends_and_machine_paths_are_found() {
        let bad = [
            line(&["// TO", "DO: later"]),
            line(&["(FIX", "ME)"]),
            line(&["    todo", "!()"]),
            line(&["unimplemented", "!(\"x\")"]),
            line(&["#[igno", "re = \"slow\"]"]),
            line(&["#[igno", "re]"]),
            line(&["see /ho", "me/ann/notes"]),
            line(&["\"/ro", "ot/.cache\""]),
        ];
        for text in bad {
            assert!(found(&text).is_some(), "{text}");
        }
    }

    #[test]
    fn ordinary_lines_are_not() {
        let good = [
            line(&["https://example.org/ho", "me/index.html"]),
            line(&["to", "do = \"warn\""]),
            line(&["MASTO", "DON"]),
            line(&["crates/wo", "rk/src"]),
            line(&["TO", "DOS"]),
            "#[expect(clippy::todo)]".to_owned(),
        ];
        for text in good {
            assert!(found(&text).is_none(), "{text}");
        }
    }

    #[test]
    fn corpora_are_left_alone() {
        assert!(is_free("crates/x/tests/corpus/a.txt"));
        assert!(!is_free("crates/x/src/corpus.rs"));
    }
}
