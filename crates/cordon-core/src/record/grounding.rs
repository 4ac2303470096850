use std::fmt;

use serde::{Deserialize, Serialize};

use super::is_zero;

/// The most passages of either kind that one frame lists; more are counted.
const MAX_PASSAGES: usize = 32;

/// How far an answer is borne out by the sources that its request gave. What was found stands among the findings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordedGrounding {
    /// Sentences that claim something.
    pub sentences: u32,
    /// Those that a source bears out.
    pub supported: u32,
    /// Those that no source says.
    pub unsupported: u32,
    /// Those of which a source says otherwise.
    pub contradicted: u32,
    /// Sentences that were not looked at, since the answer has too many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sentences_more: u64,
    /// Bytes of the sources that were not read, since there are too many: what they say is not known here.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unread: u64,
    /// Of those that are not borne out, the nearest passages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passages: Vec<RecordedPassage>,
    /// How many passages were left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub passages_more: u64,
    /// Of those that are borne out, the passages that do it most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supporting: Vec<RecordedPassage>,
    /// How many of these were left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub supporting_more: u64,
}

/// A sentence of an answer, and the passage of a source that is nearest to it. Never a name that the caller chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordedPassage {
    /// The part of the answer, as in its finding.
    pub part: String,
    /// First byte of the sentence in the part.
    pub start: u64,
    /// One past its last byte.
    pub end: u64,
    /// The part of the request that the passage stands in, such as `messages/2/content`.
    pub source: String,
    /// First byte of the passage there.
    pub source_start: u64,
    /// One past its last byte.
    pub source_end: u64,
}

impl RecordedGrounding {
    /// Adds the passage that is nearest to a sentence, as long as there is room; `supports` says whether it bears it out.
    pub fn add(&mut self, passage: RecordedPassage, supports: bool) {
        let (passages, more) = if supports {
            (&mut self.supporting, &mut self.supporting_more)
        } else {
            (&mut self.passages, &mut self.passages_more)
        };
        if passages.len() < MAX_PASSAGES {
            passages.push(passage);
        } else {
            *more = more.saturating_add(1);
        }
    }

    /// Adds what was counted of another text of the same answer, which has the same sources.
    pub fn join(&mut self, other: Self) {
        for (sum, more) in [
            (&mut self.sentences, other.sentences),
            (&mut self.supported, other.supported),
            (&mut self.unsupported, other.unsupported),
            (&mut self.contradicted, other.contradicted),
        ] {
            *sum = sum.saturating_add(more);
        }
        self.sentences_more = self.sentences_more.saturating_add(other.sentences_more);
        self.unread = self.unread.max(other.unread);
        self.passages_more = self.passages_more.saturating_add(other.passages_more);
        self.supporting_more = self.supporting_more.saturating_add(other.supporting_more);
        other.passages.into_iter().for_each(|passage| self.add(passage, false));
        other.supporting.into_iter().for_each(|passage| self.add(passage, true));
    }
}

impl fmt::Display for RecordedGrounding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sentences, supported, unsupported, contradicted, .. } = self;
        write!(f, "{supported} of {sentences} sentences, {unsupported} not, {contradicted} contradicted")?;
        if self.sentences_more > 0 {
            write!(f, ", {} further ones not looked at", self.sentences_more)?;
        }
        if self.unread > 0 {
            write!(f, "; {} bytes of sources not read", self.unread)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passages_are_bounded_and_counted() {
        let passage = || RecordedPassage {
            part: "choices/0/message/content".to_owned(),
            start: 0,
            end: 9,
            source: "messages/1/content".to_owned(),
            source_start: 4,
            source_end: 40,
        };
        let mut one = RecordedGrounding { sentences: 3, supported: 1, ..RecordedGrounding::default() };
        (0..40).for_each(|_| one.add(passage(), false));
        (0..33).for_each(|_| one.add(passage(), true));
        let mut all = RecordedGrounding { sentences: 2, contradicted: 1, ..RecordedGrounding::default() };
        all.add(passage(), false);
        all.join(one);
        assert_eq!((all.sentences, all.supported, all.contradicted), (5, 1, 1));
        assert_eq!((all.passages.len(), all.passages_more), (32, 9));
        assert_eq!((all.supporting.len(), all.supporting_more), (32, 1));
    }

    #[test]
    fn what_was_not_looked_at_is_said() {
        let mut all =
            RecordedGrounding { sentences: 3, supported: 2, unsupported: 1, ..RecordedGrounding::default() };
        assert_eq!(all.to_string(), "2 of 3 sentences, 1 not, 0 contradicted");
        let more = || RecordedGrounding { sentences_more: 4, unread: 70, ..RecordedGrounding::default() };
        all.join(more());
        all.join(more());
        let said = "2 of 3 sentences, 1 not, 0 contradicted, 8 further ones not looked at; 70 bytes of sources not read";
        assert_eq!(all.to_string(), said, "the sources are the same");
    }
}
