//! Which texts the models of this program were trained on, and what a model without their source says of them: who measures on one of them
//! measures what was remembered, unless it is the verdict of a training that has not seen it.
//!
//! What is kept of a text are four bytes of a digest of its letters and digits, so that another typography is the same text, and a byte
//! with the verdict; no text can be read from them. A text that no model has seen is taken for one of *n* that they have seen with a
//! chance of *n* in 2^32.
//!
//! ```
//! use cordon_core::Channel;
//! use cordon_inspect::trained;
//! assert_eq!(trained::fingerprint("Tell  me: why?"), trained::fingerprint("“tell me why”"));
//! let new = "Nobody has ever labelled the text of this example.";
//! assert!(!trained::on(new) && trained::left_out(new, Channel::User).is_none());
//! ```

use std::collections::BTreeMap;

use cordon_core::{Category, Channel, Finding, Listed, Score, Span};
use sha3::{Digest as _, Sha3_256};
use unicode_normalization::UnicodeNormalization as _;

use crate::detector::{MODEL, NOISE};

/// Fingerprints in ascending order, each with its verdict. `cargo xtask train` writes them; models/fingerprints.md says of what.
const FILE: &[u8] = include_bytes!("../models/fingerprints.bin");

/// Bytes of a text in the file: its fingerprint, and the verdict.
const ENTRY: usize = 5;
/// Characters that are looked at: trainers read no more of a text either.
const READ: usize = 16_000;
/// In the byte of a verdict: documents and tool results bring the text. The rest is the score in percent.
const INDIRECT: u8 = 0x80;
/// No model of injection has judged the text without its source.
const UNJUDGED: u8 = 0x7f;

/// What is kept of a text: the first four bytes of SHA3-256 (FIPS 202) of its letters and digits in lower case, after NFKC; of a text
/// that has none of these, of its signs. None of one of spaces alone.
pub fn fingerprint(text: &str) -> Option<[u8; 4]> {
    let read = || text.chars().take(READ).nfkc().flat_map(char::to_lowercase);
    let mut kept: String = read().filter(|letter| letter.is_alphanumeric()).collect();
    if kept.is_empty() {
        kept = read().filter(|sign| !sign.is_whitespace()).collect();
    }
    if kept.is_empty() {
        return None;
    }
    Sha3_256::digest(kept).first_chunk().copied()
}

/// Whether a model of this program was trained on a text, or on one that differs in typography alone.
pub fn on(text: &str) -> bool {
    verdict(text).is_some()
}

/// What the model of injection says of a text that it was trained on, where it comes from, when it is trained without the text's source: its
/// score, zero where it finds nothing. None of new texts, and of those that were not judged in such a way.
pub fn left_out(text: &str, channel: Channel) -> Option<Score> {
    let verdict = verdict(text)?;
    let percent = verdict & !INDIRECT;
    (percent != UNJUDGED && verdict & INDIRECT == side(channel)).then(|| Score::percent(u32::from(percent)))
}

/// Whether a finding is of a model that says whether a text is an attack, and was trained on such texts: of a text that it has learned,
/// [`left_out`] speaks in its place.
pub fn is_learned(finding: &Finding) -> bool {
    [&MODEL, &NOISE].iter().any(|detector| detector.name == finding.detector)
}

/// The finding of such a verdict, in a whole text of so many bytes; none of a score of zero.
pub fn finding(score: Score, length: usize) -> Option<Finding> {
    (score > Score::ZERO).then(|| Finding {
        category: Category::known("prompt_injection/likely"),
        span: Span::new(0, length),
        score,
        detector: MODEL.name,
        detector_version: MODEL.version,
        continues: false,
        listed: Listed::NONE,
    })
}

fn verdict(text: &str) -> Option<u8> {
    let fingerprint = fingerprint(text)?;
    let (entries, _) = FILE.as_chunks::<ENTRY>();
    let at = entries.binary_search_by(|[a, b, c, d, _]| [*a, *b, *c, *d].cmp(&fingerprint)).ok()?;
    entries.get(at).map(|[.., verdict]| *verdict)
}

const fn side(channel: Channel) -> u8 {
    match channel {
        Channel::Document | Channel::ToolOutput => INDIRECT,
        Channel::System | Channel::User | Channel::Model => 0,
    }
}

/// The file in the making.
#[derive(Debug, Default)]
pub struct Fingerprints(BTreeMap<[u8; 4], u8>);

impl Fingerprints {
    /// Those of a file as it is; of one that is none, what can be read of it.
    pub fn read(file: &[u8]) -> Self {
        let (entries, _) = file.as_chunks::<ENTRY>();
        Self(entries.iter().map(|[a, b, c, d, verdict]| ([*a, *b, *c, *d], *verdict)).collect())
    }

    /// A model was trained on this text. What `before` has as its verdict stays.
    pub fn add(&mut self, text: &str, before: &Self) {
        if let Some(fingerprint) = fingerprint(text) {
            let verdict = before.0.get(&fingerprint).copied().unwrap_or(UNJUDGED);
            self.0.insert(fingerprint, verdict);
        }
    }

    /// The model of injection without the text's source says this of it. Of verdicts of one text the highest stays: what is
    /// remembered of one source was learned of another.
    pub fn judged(&mut self, text: &str, channel: Channel, score: Option<Score>) {
        let Some(fingerprint) = fingerprint(text) else { return };
        let percent = score.map_or(0, Score::millionths) / 10_000;
        let new = u8::try_from(percent).unwrap_or(0).min(100) | side(channel);
        let verdict = self.0.entry(fingerprint).or_insert(UNJUDGED);
        if *verdict & !INDIRECT == UNJUDGED || *verdict & INDIRECT == side(channel) && *verdict < new {
            *verdict = new;
        }
    }

    /// No text is judged any more.
    pub fn forget(&mut self) {
        self.0.values_mut().for_each(|verdict| *verdict = UNJUDGED);
    }

    /// How many texts are known, and of how many there is a verdict.
    pub fn counts(&self) -> (usize, usize) {
        (self.0.len(), self.0.values().filter(|verdict| *verdict & !INDIRECT != UNJUDGED).count())
    }

    /// The bytes of the file.
    pub fn file(&self) -> Vec<u8> {
        self.0
            .iter()
            .flat_map(|(fingerprint, verdict)| fingerprint.iter().copied().chain([*verdict]))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_in_order_and_most_texts_have_a_verdict() {
        let (entries, rest) = FILE.as_chunks::<ENTRY>();
        assert!(rest.is_empty());
        assert!(entries.len() > 10_000);
        assert!(entries.is_sorted_by(|one, next| one[..4] < next[..4]));
        let (all, judged) = Fingerprints::read(FILE).counts();
        assert!(judged * 10 > all * 8, "{judged} of {all}");
        assert_eq!(Fingerprints::read(FILE).file(), FILE);
    }

    #[test]
    fn texts_that_were_learned_are_known_in_any_typography_and_others_are_not() {
        // Of self-instruct (Apache-2.0).
        assert!(on("Create a birthday planning checklist."));
        assert!(on("  CREATE a birthday\nplanning check\u{2d}list"));
        assert!(!on("Create a birthday planning checklist for Hiroko."));
        for nothing in ["", " \n", "…!?"] {
            assert!(!on(nothing));
        }
    }

    #[test]
    fn a_verdict_is_of_where_the_text_comes_from() {
        let text = "Create a birthday planning checklist.";
        assert_eq!(left_out(text, Channel::User), Some(Score::ZERO));
        assert_eq!(left_out(text, Channel::Document), None);
        assert_eq!(left_out("Create a birthday planning checklist for Hiroko.", Channel::User), None);
    }

    #[test]
    fn verdicts_are_kept_where_they_are_of_the_same_text_and_side() {
        let mut made = Fingerprints::default();
        let verdict = |made: &Fingerprints, text: &str| made.0.get(&fingerprint(text).unwrap()).copied();
        made.add("one", &Fingerprints::default());
        assert_eq!(verdict(&made, "one"), Some(UNJUDGED));
        made.judged("one", Channel::User, None);
        made.judged("One!", Channel::User, Some(Score::percent(41)));
        made.judged("one", Channel::User, Some(Score::percent(30)));
        // The other side is another question.
        made.judged("one", Channel::ToolOutput, Some(Score::percent(79)));
        made.judged("two", Channel::Document, Some(Score::percent(79)));
        assert_eq!((verdict(&made, "one"), verdict(&made, "two")), (Some(41), Some(INDIRECT | 79)));
        assert_eq!(made.counts(), (2, 2));
        let mut anew = Fingerprints::default();
        ["two", "three"].iter().for_each(|text| anew.add(text, &Fingerprints::read(&made.file())));
        assert_eq!((verdict(&anew, "two"), verdict(&anew, "three")), (Some(INDIRECT | 79), Some(UNJUDGED)));
        assert_eq!((anew.counts(), anew.file().len()), ((2, 1), 2 * ENTRY));
        anew.forget();
        assert_eq!(anew.counts(), (2, 0));
    }

    #[test]
    fn a_text_is_there_once_and_nothing_of_spaces() {
        let file = |texts: &[&str]| {
            let mut made = Fingerprints::default();
            texts.iter().for_each(|text| made.add(text, &Fingerprints::default()));
            made.file()
        };
        assert_eq!(file(&["one", "two", "One!", "? ?", "??", " "]).len(), 3 * ENTRY);
        assert_eq!(file(&["one", "two"]), file(&["two", "one"]));
    }

    #[test]
    fn a_verdict_is_a_finding_of_the_model_where_it_finds_something() {
        let found = finding(Score::percent(33), 9).unwrap();
        assert_eq!(
            (found.score, found.span, found.detector),
            (Score::percent(33), Span::new(0, 9), "injection.model")
        );
        assert!(is_learned(&found));
        assert!(finding(Score::ZERO, 9).is_none());
    }

    #[test]
    fn of_long_texts_the_beginning_counts() {
        let long = "a".repeat(READ);
        assert_eq!(fingerprint(&long), fingerprint(&(long.clone() + "b")));
        assert_ne!(fingerprint(&long), fingerprint(long.strip_prefix("a").unwrap_or_default()));
    }
}
