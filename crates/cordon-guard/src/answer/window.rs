//! What of an answer that is still coming may leave, where its route does not hold streams: text that was judged with what stands before
//! it. What is judged ends where a sentence or a line does, since half a sentence says what nobody said.
//!
//! Of what was judged so, only what stops the answer counts. At its end all of it is judged once more, as an answer that was held is, and
//! that is what the record says.

use std::collections::BTreeMap;

use cordon_core::{Category, Finding, Listed, Score, Span};

use super::{Expected, gathered::Gathered, text::Text};
use crate::inspection::{Inspection, Verdict};

/// Bytes of a text that come before they are judged.
pub(super) const STEP: usize = 1 << 10;
/// Bytes before them that are judged with them.
pub(super) const OVERLAP: usize = 3 << 10;
/// What is said of an answer of which text left before its end.
const WINDOWED: Category = Category::known("answer/windowed");

/// By choice, block, or item and part.
pub(super) type Place = (u64, u64);

/// How far each text of an answer was judged.
#[derive(Debug, Default)]
pub(super) struct Windows {
    texts: BTreeMap<Place, Judged>,
    /// Whether the rest waits for the end: it is data, or its parts are said otherwise in whole than in pieces.
    waits: bool,
    /// Whether the record says that text left before the end.
    is_told: bool,
}

/// How far a text was judged.
#[derive(Debug, Default)]
struct Judged {
    bytes: usize,
    /// Whether something else than white space has come.
    has_begun: bool,
}

impl Windows {
    /// Judges the texts that have become longer. Says whether the answer may go on; the verdict says so where it may not.
    pub(super) fn judge(
        &mut self,
        gathered: &Gathered,
        touched: &[(Place, usize)],
        expected: &Expected,
        inspection: &Inspection,
        verdict: &mut Verdict,
    ) -> bool {
        self.waits |= gathered.has_others();
        for (place, _) in touched {
            if self.waits {
                break;
            }
            let judged = self.texts.entry(*place).or_default();
            let text = gathered.said_at(*place);
            let Some(end) = end(text, judged.bytes) else { continue };
            let new = text.get(judged.bytes..end).unwrap_or_default().trim_start();
            if !judged.has_begun && new.starts_with(['{', '[']) {
                // Whether it is data, to which other rules apply, is known at its end.
                self.waits = true;
                break;
            }
            judged.has_begun |= !new.is_empty();
            let start = begin(text, judged.bytes);
            let said = text.get(start..end).unwrap_or_default();
            let window = || Text::window(gathered.path(*place), start, said);
            let mut found = Verdict::default();
            expected.judge_window(&window(), inspection, &mut found);
            if !self.is_told {
                self.is_told = true;
                tell(&window(), inspection, verdict);
            }
            if !found.action().passes() {
                expected.judge_window(&window(), inspection, verdict);
            }
            if !verdict.action().passes() {
                return false;
            }
            judged.bytes = end;
        }
        true
    }

    /// Whether what stands in these texts up to there was judged. Before anything was, nothing leaves, not even the head of an answer.
    pub(super) fn covers(&self, touched: &[(Place, usize)]) -> bool {
        self.is_told
            && !self.waits
            && touched.iter().all(|(place, end)| self.texts.get(place).is_some_and(|text| text.bytes >= *end))
    }
}

/// Records that text leaves before the end.
fn tell(text: &Text, inspection: &Inspection, verdict: &mut Verdict) {
    let finding = Finding {
        category: WINDOWED,
        span: Span::new(0, 0),
        score: Score::ONE,
        detector: "format",
        detector_version: 1,
        continues: false,
        listed: Listed::NONE,
    };
    inspection.unexpected(&finding, &text.part(0), verdict);
}

/// Where what is judged next ends: behind the last sentence or line that has come to its end, once enough has come. A sentence without an
/// end is not waited for.
fn end(text: &str, judged: usize) -> Option<usize> {
    let new = text.get(judged..)?;
    if new.len() < STEP {
        return None;
    }
    let last = ends(new).last().filter(|end| *end > 0);
    last.map(|end| judged.saturating_add(end)).or_else(|| (new.len() >= OVERLAP).then_some(text.len()))
}

/// Where what is judged begins: with the first sentence of what stands before it.
fn begin(text: &str, judged: usize) -> usize {
    let mut start = judged.saturating_sub(OVERLAP);
    while !text.is_char_boundary(start) {
        start = start.saturating_add(1);
    }
    if start == 0 {
        return 0;
    }
    let before = text.get(start..judged).unwrap_or_default();
    ends(before).next().map_or(start, |end| start.saturating_add(end))
}

/// Where sentences and lines end.
fn ends(text: &str) -> impl Iterator<Item = usize> {
    let mut before = ' ';
    text.char_indices().filter_map(move |(at, c)| {
        let is_end = c == '\n'
            || matches!(c, '。' | '！' | '？' | '।')
            || c.is_whitespace() && matches!(before, '.' | '!' | '?' | '؟');
        before = c;
        is_end.then(|| at.saturating_add(c.len_utf8()))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_judged_ends_with_a_sentence_and_begins_with_one() {
        let sentence = "All is well, and it goes on. ";
        let text = sentence.repeat(200) + "half of";
        let (end, begin) = (end(&text, 3_480).unwrap(), begin(&text, 3_480));
        assert_eq!(text.get(end..), Some("half of"));
        assert_eq!((begin % sentence.len(), 3_480 - begin <= OVERLAP), (0, true));
        assert_eq!(super::end(&"All. ".repeat(STEP / 5), 0), None, "too little has come");
        let endless = |bytes| super::end(&"x".repeat(bytes), 0);
        assert_eq!((endless(OVERLAP - 1), endless(OVERLAP)), (None, Some(OVERLAP)));
    }

    proptest! {
        /// Windows lie on borders of characters, leave nothing out and end.
        #[test]
        fn windows_cover_a_text(
            text in prop::collection::vec(prop::sample::select(vec!["a", ". ", "é", "。", "\n", "word ", "卡", "!"]), 0..9_000),
        ) {
            let text = text.concat();
            let mut judged = 0;
            while let Some(next) = end(&text, judged) {
                let start = begin(&text, judged);
                prop_assert!(start <= judged && judged < next && judged - start <= OVERLAP);
                prop_assert!(text.get(start..next).is_some());
                judged = next;
            }
            prop_assert!(text.len() - judged < OVERLAP);
        }
    }
}
