//! The texts of a call that detectors elsewhere are asked about, and what they said, as inspection sees it.
//!
//! A content is inspected twice where such detectors look: first by what is built in, and every text is noted with what is to be
//! redacted masked by as many bytes; then, when the answers are there, by both together.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use cordon_core::{Action, Channel, Finding, Span, resource::WhenUnavailable};

use super::{UNANSWERED, Unavailable, registry::Used};
use crate::{
    alone::Ruled,
    inspection::{Inspection, Part, Place, Seat, Stop, Verdict},
    redact::Cut,
};

/// What stands in the place of each byte that is to be redacted: not a letter, and as long as what it masks.
const MASK: &str = "*";

/// What detectors elsewhere have to do with the texts of a content.
pub(crate) enum Second {
    /// Its texts are noted.
    Asking { channels: Vec<Channel>, wanted: Mutex<Wanted> },
    /// What they said.
    Answered(Answers),
}

/// The texts that they are asked about.
#[derive(Default)]
pub(crate) struct Wanted {
    texts: BTreeMap<Key, Sent>,
    /// Texts beyond the bound, which are not kept.
    overflowed: bool,
}

/// A text as it came; on another channel it is another one.
type Key = (Channel, Arc<str>);

/// What is sent of a text.
struct Sent {
    masked: Arc<str>,
    part: String,
}

/// A text that a detector is sent.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) channel: Channel,
    pub(super) text: Arc<str>,
}

/// What detectors said of a content.
#[derive(Default)]
pub(crate) struct Answers {
    findings: BTreeMap<Key, Vec<Finding>>,
    /// Where a text stood first.
    parts: BTreeMap<Key, String>,
    unavailable: Vec<Unavailable>,
}

/// The most texts of one content that are noted.
pub(super) const MAX_TEXTS: usize = 512;

impl std::fmt::Debug for Second {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Content stays out of logs.
        f.write_str(match self {
            Self::Asking { .. } => "Asking",
            Self::Answered(_) => "Answered",
        })
    }
}

impl Wanted {
    pub(super) fn asked(&self) -> impl Iterator<Item = Asked> {
        self.texts
            .iter()
            .map(|((channel, _), sent)| Asked { channel: *channel, text: Arc::clone(&sent.masked) })
    }

    /// Whether there were more than are sent.
    pub(super) const fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// What was said of the texts, in the order of [`Wanted::asked`].
    pub(super) fn answered(
        self,
        found: impl IntoIterator<Item = (usize, Finding)>,
        unavailable: Vec<Unavailable>,
    ) -> Answers {
        let mut answers = Answers { unavailable, ..Answers::default() };
        let texts: Vec<(Key, Sent)> = self.texts.into_iter().collect();
        for (at, finding) in found {
            let Some((key, sent)) = texts.get(at) else { continue };
            answers.findings.entry(key.clone()).or_default().push(finding);
            answers.parts.entry(key.clone()).or_insert_with(|| sent.part.clone());
        }
        for findings in answers.findings.values_mut() {
            findings
                .sort_by(|a, b| (a.span, &a.category, a.detector).cmp(&(b.span, &b.category, b.detector)));
        }
        answers
    }
}

impl Answers {
    /// With what was known to be of no use beforehand.
    pub(crate) fn unavailable(unavailable: Vec<Unavailable>) -> Self {
        Self { unavailable, ..Self::default() }
    }

    /// The same, with what gave no answer beside.
    pub(crate) fn and(mut self, mut unavailable: Vec<Unavailable>) -> Self {
        self.unavailable.append(&mut unavailable);
        self
    }
}

impl Inspection {
    /// With the texts noted that these detectors look at.
    #[must_use]
    pub(crate) fn asking(mut self, used: &Used) -> Self {
        self.second = Some(Arc::new(Second::Asking {
            channels: used.channels(),
            wanted: Mutex::new(Wanted::default()),
        }));
        self
    }

    /// What was noted. Nothing is noted any more then.
    pub(crate) fn wanted(&self) -> Wanted {
        match self.second.as_deref() {
            Some(Second::Asking { wanted, .. }) => {
                std::mem::take(&mut *wanted.lock().unwrap_or_else(PoisonError::into_inner))
            }
            _ => Wanted::default(),
        }
    }

    /// With what detectors elsewhere said.
    #[must_use]
    pub(crate) fn answered(mut self, answers: Answers) -> Self {
        self.second = Some(Arc::new(Second::Answered(answers)));
        self
    }

    /// By what is built in alone.
    #[must_use]
    pub(crate) fn alone(mut self) -> Self {
        self.second = None;
        self.reading = None;
        self
    }

    /// Whether texts of this channel are noted.
    pub(crate) fn is_asking(&self, channel: Channel) -> bool {
        matches!(self.second.as_deref(), Some(Second::Asking { channels, .. }) if channels.contains(&channel))
    }

    /// Whether detectors elsewhere have said something.
    pub(crate) fn is_answered(&self) -> bool {
        matches!(self.second.as_deref(), Some(Second::Answered(_)))
    }

    /// Whether anybody elsewhere looks at texts of this channel too.
    pub(crate) fn has_second(&self, channel: Channel) -> bool {
        match self.second.as_deref() {
            Some(Second::Asking { channels, .. }) => channels.contains(&channel),
            Some(Second::Answered(_)) => true,
            None => false,
        }
    }

    /// What detectors elsewhere found in a text. While they are not asked yet, that is nothing, and the text is noted, with what is
    /// to be cut masked.
    pub(crate) fn second(&self, seat: &Seat<'_, impl Part>, text: &str, cuts: &[Cut]) -> &[Finding] {
        match self.second.as_deref() {
            None => &[],
            Some(Second::Answered(answers)) => {
                answers.findings.get(&(seat.channel, Arc::from(text))).map_or(&[], Vec::as_slice)
            }
            Some(Second::Asking { channels, wanted }) => {
                if channels.contains(&seat.channel) && text.chars().any(|c| !c.is_whitespace()) {
                    let mut wanted = wanted.lock().unwrap_or_else(PoisonError::into_inner);
                    wanted.note(seat, text, cuts);
                }
                &[]
            }
        }
    }

    /// Records which detectors said nothing of a content, and asks guards and their resources whether it may go on all the same.
    /// The verdict says so.
    pub(crate) fn unanswered(&self, verdict: &mut Verdict) {
        if let Some(Second::Answered(answers)) = self.second.as_deref() {
            for unavailable in &answers.unavailable {
                self.unavailable(*unavailable, verdict);
            }
        }
    }

    /// The same of texts that stand by themselves: the findings, with the channels that they are about.
    pub fn unheard(&self) -> Vec<(Channel, Ruled)> {
        let Some(Second::Answered(answers)) = self.second.as_deref() else { return Vec::new() };
        let ruled = |unavailable: &Unavailable| {
            let Unavailable { detector, version, channel, then, .. } = *unavailable;
            (channel, self.failure(UNANSWERED, (detector, version), channel, own(then)))
        };
        answers.unavailable.iter().map(ruled).collect()
    }

    /// Rules on what detectors elsewhere found in an answer of which nothing can be cut any more.
    ///
    /// # Errors
    /// When something stops it.
    pub(crate) fn over(&self, verdict: &mut Verdict) -> Result<(), Stop> {
        let Some(Second::Answered(answers)) = self.second.as_deref() else { return Ok(()) };
        let mut stop = Ok(());
        for (key, findings) in &answers.findings {
            let part = answers.parts.get(key).map_or("", String::as_str);
            let seat = Seat { channel: key.0, place: Place::Fixed, part: &part };
            let ruled = self.rule(&seat, findings, |span| span, verdict, &mut Vec::new());
            stop = stop.and(ruled);
        }
        self.unanswered(verdict);
        if verdict.action().passes() { stop } else { Err(Stop) }
    }

    fn unavailable(&self, unavailable: Unavailable, verdict: &mut Verdict) {
        let Unavailable { detector, version, channel, too_much, .. } = unavailable;
        let action = self.failed(UNANSWERED, (detector, version), channel, own(unavailable.then), verdict);
        if too_much && !action.passes() {
            verdict.finds_too_much();
        }
    }
}

/// What a detector's resource says is done when it gives no answer.
const fn own(then: WhenUnavailable) -> Action {
    match then {
        WhenUnavailable::Refuse => Action::Block,
        // It goes on, and the record says so.
        WhenUnavailable::Allow => Action::Flag,
    }
}

impl Wanted {
    fn note(&mut self, seat: &Seat<'_, impl Part>, text: &str, cuts: &[Cut]) {
        if self.overflowed {
            return;
        }
        let key = (seat.channel, Arc::from(text));
        if self.texts.contains_key(&key) {
            return;
        }
        if self.texts.len() >= MAX_TEXTS {
            self.overflowed = true;
            return;
        }
        let masked = if cuts.is_empty() { Arc::clone(&key.1) } else { masked(text, cuts).into() };
        self.texts.insert(key, Sent { masked, part: seat.part.name() });
    }
}

/// The text with as many bytes in the place of each cut, so that offsets are the same.
fn masked(text: &str, cuts: &[Cut]) -> String {
    let mut cuts: Vec<Span> = cuts.iter().map(|cut| cut.span).collect();
    cuts.sort_unstable();
    let mut out = String::with_capacity(text.len());
    for cut in cuts {
        // Cuts may overlap; borders are borders of characters.
        if cut.end <= out.len() || cut.end > text.len() {
            continue;
        }
        let from = cut.start.max(out.len());
        out.push_str(text.get(out.len()..from).unwrap_or_default());
        out.push_str(&MASK.repeat(cut.end.saturating_sub(out.len())));
    }
    out.push_str(text.get(out.len()..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use cordon_core::{Category, Form, Score};

    use super::*;

    #[test]
    fn a_mask_is_as_long_as_what_it_hides() {
        let cut = |start, end| {
            let finding = Finding {
                category: Category::known("pii"),
                span: Span::new(start, end),
                score: Score::ONE,
                detector: "pii.email",
                detector_version: 1,
                continues: false,
                listed: cordon_core::Listed::NONE,
            };
            Cut::new(&finding, Form::Mask)
        };
        let text = "aé漢bcd";
        for (cuts, expected) in [
            (vec![cut(1, 3)], "a**漢bcd"),
            (vec![cut(3, 7), cut(1, 6)], "a******cd"),
            (vec![cut(0, text.len())], "*********"),
            (vec![cut(7, 8), cut(7, 8)], "aé漢b*d"),
        ] {
            let masked = masked(text, &cuts);
            assert_eq!((masked.as_str(), masked.len()), (expected, text.len()));
        }
    }
}
