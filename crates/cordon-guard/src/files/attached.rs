//! The texts of the files that a request brings, kept until its answer is compared with them.

use cordon_files::{Report, Role};

/// Bytes that are kept, the first ones first: no more are compared with an answer.
const MAX_TEXT: usize = 256 << 10;

/// Texts that everybody sees who opens a file, file by file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attached {
    files: Vec<File>,
    /// Bytes that are kept, and that are not.
    kept: usize,
    unread: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct File {
    /// Where it stands in the request.
    part: String,
    /// Each text with where it begins, counted as places in findings are: all texts of the file with a byte between two.
    texts: Vec<(usize, String)>,
}

impl Attached {
    /// Keeps the texts of the file that stands there, once.
    pub(crate) fn add(&mut self, part: String, report: &Report, bytes: &[u8]) {
        if self.files.iter().any(|file| file.part == part) {
            return;
        }
        let mut texts = Vec::new();
        let mut from: usize = 0;
        for segment in &report.segments {
            if segment.role == Role::Body {
                self.keep(from, &segment.text, &mut texts);
            }
            from = from.saturating_add(segment.text.len()).saturating_add(1);
        }
        // Of plain text there may be no other than the file itself.
        if report.segments.is_empty() && report.file_type.is_text() {
            std::str::from_utf8(bytes).into_iter().for_each(|text| self.keep(0, text, &mut texts));
        }
        self.files.push(File { part, texts });
    }

    fn keep(&mut self, from: usize, text: &str, texts: &mut Vec<(usize, String)>) {
        let room = MAX_TEXT.saturating_sub(self.kept);
        let kept = text.get(..text.floor_char_boundary(room)).unwrap_or_default();
        self.kept = self.kept.saturating_add(kept.len());
        self.unread = self.unread.saturating_add(text.len().saturating_sub(kept.len()));
        if !kept.trim().is_empty() {
            texts.push((from, kept.to_owned()));
        }
    }

    /// The texts of the file that stands there.
    pub(crate) fn texts(&self, part: &str) -> impl Iterator<Item = (usize, &str)> {
        let file = self.files.iter().find(|file| file.part == part);
        file.into_iter().flat_map(|file| &file.texts).map(|(from, text)| (*from, text.as_str()))
    }

    /// Bytes that were not kept.
    pub(crate) const fn unread(&self) -> usize {
        self.unread
    }
}
