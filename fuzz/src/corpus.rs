//! A corpus in one file: an input a line, in base64 (RFC 4648, section 4), sorted by length and then by content.

use std::path::{Path, PathBuf};

use base64::{Engine as _, prelude::BASE64_STANDARD};

/// Where the corpora are, in this repository.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// The file of a target's corpus.
pub fn file(target: &str) -> PathBuf {
    folder().join(format!("{target}.txt"))
}

/// The inputs in the text of such a file.
///
/// # Errors
/// Names the first line that is not base64.
pub fn read(text: &str) -> Result<Vec<Vec<u8>>, String> {
    let line = |(at, line): (usize, &str)| {
        BASE64_STANDARD.decode(line).map_err(|error| format!("line {}: {error}", at + 1))
    };
    text.lines().enumerate().map(line).collect()
}

/// The text of a corpus: each input once. Where they are more than `most` bytes of base64 together, the longest are left out.
pub fn write(mut inputs: Vec<Vec<u8>>, most: usize) -> String {
    inputs.sort_unstable_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    inputs.dedup();
    let mut text = String::new();
    for input in inputs {
        let line = BASE64_STANDARD.encode(input);
        if text.len() + line.len() >= most {
            break;
        }
        text.push_str(&line);
        text.push('\n');
    }
    text
}
