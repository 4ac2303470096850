//! Labelled data outside of this repository: found where it is, skipped with a word where it is not.
//!
//! The folder is `CORDON_SHARED_DATA`, else `../shared/data` beside the repository's root. A test whose data is absent
//! returns early; with `CORDON_REQUIRE_DATA=1` the absence fails it, so that a run meant to measure cannot pass idle.

use std::path::{Path, PathBuf};

use cordon_core::Channel;

/// One labelled text of the guard files.
#[derive(Clone, Debug)]
pub struct Case {
    /// Stable id of the row.
    pub id: String,
    /// The content; given in base64 in files of published test secrets.
    pub text: String,
    /// `attack` or `benign`, `positive` or `negative`.
    pub label: String,
    /// Such as `direct_injection`, `benign_hard`, `pii`, `secret`.
    pub kind: String,
    /// Where the text would enter.
    pub channel: Channel,
    /// What stands where, in UTF-8 byte offsets.
    pub spans: Vec<LabelledSpan>,
    /// The whole row, for fields that only one source has.
    pub row: serde_json::Value,
}

/// A labelled stretch of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledSpan {
    /// First byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// The source's word for what it is.
    pub kind: String,
}

impl Case {
    /// Whether the row is labelled as something to be found.
    pub fn is_positive(&self) -> bool {
        matches!(self.label.as_str(), "attack" | "positive")
    }
}

/// The rows of `guard/NAME.jsonl` in the shared data; `None`, after a word on standard error, when it is absent.
///
/// # Panics
/// When it is absent while `CORDON_REQUIRE_DATA=1`, or when a row has another form.
pub fn guard(name: &str) -> Option<Vec<Case>> {
    let path = file(&format!("guard/{name}.jsonl"))?;
    Some(read(&path))
}

/// The names of the guard files that are there, sorted; `None` as [`guard`] answers it.
///
/// # Panics
/// As [`guard`] does.
pub fn guard_files() -> Option<Vec<String>> {
    let folder = file("guard")?;
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("reading {}: {error}", folder.display()))
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(".jsonl").map(str::to_owned))
        .collect();
    names.sort_unstable();
    Some(names)
}

/// A file or folder of the shared data; `None`, after a word on standard error, when it is absent.
///
/// # Panics
/// When it is absent while `CORDON_REQUIRE_DATA=1`.
pub fn file(relative: &str) -> Option<PathBuf> {
    let root = root(std::env::var_os("CORDON_SHARED_DATA").map(PathBuf::from));
    let required = std::env::var_os("CORDON_REQUIRE_DATA").is_some_and(|value| value == "1");
    present(root.join(relative), required)
}

fn root(named: Option<PathBuf>) -> PathBuf {
    named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"))
}

fn present(path: PathBuf, required: bool) -> Option<PathBuf> {
    if path.exists() {
        return Some(path);
    }
    let absent =
        format!("{} is absent; help: set CORDON_SHARED_DATA to the folder of shared data", path.display());
    assert!(!required, "{absent}, or unset CORDON_REQUIRE_DATA to skip");
    eprintln!("skipped: {absent}");
    None
}

fn read(path: &Path) -> Vec<Case> {
    let all =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("reading {}: {error}", path.display()));
    let cases: Vec<Case> = all
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(at, line)| case(line).unwrap_or_else(|| panic!("{}:{}: not a case", path.display(), at + 1)))
        .collect();
    assert!(!cases.is_empty(), "{} holds no case", path.display());
    cases
}

fn case(line: &str) -> Option<Case> {
    let row: serde_json::Value = serde_json::from_str(line).ok()?;
    let word = |key: &str| row[key].as_str().map(str::to_owned);
    let text = match word("text_b64") {
        Some(encoded) => String::from_utf8(base64(&encoded)?).ok()?,
        None => word("text")?,
    };
    let spans = row["spans"].as_array().map(Vec::as_slice).unwrap_or_default();
    let spans = spans
        .iter()
        .map(|span| {
            Some(LabelledSpan {
                start: usize::try_from(span["start"].as_u64()?).ok()?,
                end: usize::try_from(span["end"].as_u64()?).ok()?,
                kind: span["type"].as_str()?.to_owned(),
            })
        })
        .collect::<Option<_>>()?;
    let channel = Channel::parse(row["channel"].as_str()?)?;
    Some(Case { id: word("id")?, text, label: word("label")?, kind: word("kind")?, channel, spans, row })
}

/// Standard base64 (RFC 4648, section 4), padded.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let digits = text.trim_end_matches('=').as_bytes();
    for group in digits.chunks(4) {
        let mut bits = 0_u32;
        for byte in group {
            let digit = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            bits = bits << 6 | u32::from(digit);
        }
        let bytes = (bits << (6 * (4 - group.len()))).to_be_bytes();
        out.extend_from_slice(bytes.get(1..group.len())?);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_text_and_base64() {
        let plain = r#"{"id":"a","text":"hé","label":"attack","kind":"jailbreak","channel":"user"}"#;
        let coded = r#"{"id":"b","text_b64":"aMOp","label":"negative","kind":"secret","channel":"document",
            "spans":[{"start":1,"end":3,"type":"x"}]}"#;
        let (plain, coded) = (case(plain).unwrap(), case(coded).unwrap());
        assert_eq!(plain.text, coded.text);
        assert!(plain.is_positive() && !coded.is_positive());
        assert_eq!(coded.spans, [LabelledSpan { start: 1, end: 3, kind: "x".to_owned() }]);
        assert_eq!(base64("Zm9v").unwrap(), b"foo");
        assert_eq!(base64("Zg==").unwrap(), b"f");
        assert!(case("{}").is_none());
    }

    #[test]
    fn absence_skips_or_fails() {
        let nowhere = || root(Some(PathBuf::from("/nonexistent"))).join("guard");
        assert_eq!(present(nowhere(), false), None);
        assert!(std::panic::catch_unwind(|| present(nowhere(), true)).is_err());
        assert!(present(root(Some(std::env::temp_dir())), true).is_some());
    }

    #[test]
    fn every_guard_file_reads_and_its_spans_lie_on_characters() {
        let Some(names) = guard_files() else { return };
        for name in names {
            for case in guard(&name).unwrap() {
                for span in &case.spans {
                    assert!(case.text.get(span.start..span.end).is_some(), "{name} {}", case.id);
                }
            }
        }
    }
}
