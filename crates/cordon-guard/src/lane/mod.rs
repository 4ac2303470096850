//! A lane: one text that may come in pieces, inspected and rewritten as it goes by.
//!
//! The law: however a text is cut, what is written is the same, and it is what rewriting the whole text would give. A
//! lane writes only what the scanner has settled, holds back no more than that, and writes nothing from the step on in
//! which something stops the content.

mod json;
mod trail;

#[cfg(test)]
mod json_tests;

use cordon_core::{Channel, Span};
use cordon_inspect::{Scanner, Step};

pub(crate) use json::JsonText;
pub(crate) use trail::Trail;

use crate::{
    inspection::{Inspection, Part, Place, Seat, Stop, Verdict},
    quarantine::Signing,
    redact::{self, Cut, Placeholders, Restorer, Tokens, slice},
};

/// What all lanes of an answer share.
pub(crate) struct Shared<'a> {
    pub(crate) inspection: &'a Inspection,
    pub(crate) tokens: &'a Tokens,
    pub(crate) verdict: &'a mut Verdict,
}

/// One text on its way out.
#[derive(Debug)]
pub(crate) struct Lane {
    channel: Channel,
    scanner: Scanner,
    text: Text,
    /// Cuts that are not written yet, as they were found.
    cuts: Vec<Cut>,
    changed: bool,
    /// Its signature, where any is quarantined.
    signing: Option<Box<Signing>>,
    /// All of it as the scanner saw it, and what was cut, where detectors elsewhere are to be asked about it.
    seen: Option<(String, Vec<Cut>)>,
}

#[derive(Debug)]
enum Text {
    Plain(PlainText),
    Json(Box<JsonText>),
}

/// Text that is not JSON.
#[derive(Debug, Default)]
struct PlainText {
    /// What is not written yet; it begins at offset `base`.
    pending: String,
    base: usize,
    /// Puts values back in place of their tokens.
    restorer: Option<Restorer>,
}

impl Lane {
    /// A lane of plain text in which tokens of the request are restored.
    pub(crate) fn restoring(inspection: &Inspection, channel: Channel) -> Self {
        let text = PlainText { restorer: Some(Restorer::default()), ..PlainText::default() };
        Self::new(inspection, channel, Text::Plain(text))
    }

    /// A lane of plain text.
    pub(crate) fn plain(inspection: &Inspection, channel: Channel) -> Self {
        Self::new(inspection, channel, Text::Plain(PlainText::default()))
    }

    /// A lane of JSON inside a string.
    pub(crate) fn json(inspection: &Inspection, channel: Channel) -> Self {
        Self::new(inspection, channel, Text::Json(Box::default()))
    }

    fn new(inspection: &Inspection, channel: Channel, text: Text) -> Self {
        let (scanner, signing) = (inspection.scanner(channel), inspection.signing().map(Box::new));
        let seen = inspection.is_asking(channel).then(Default::default);
        Self { channel, scanner, text, cuts: Vec::new(), changed: false, signing, seen }
    }

    /// Whether anything was written differently from how it came.
    pub(crate) const fn changed(&self) -> bool {
        self.changed
    }

    /// Bytes that came and are not written yet.
    pub(crate) fn held(&self) -> usize {
        match &self.text {
            Text::Plain(plain) => plain.pending.len(),
            Text::Json(json) => json.view().len(),
        }
    }

    /// Takes a piece and writes what is settled.
    ///
    /// # Errors
    /// When something was found that stops the content; then nothing is written.
    pub(crate) fn push(
        &mut self,
        piece: &str,
        part: &impl Part,
        shared: &mut Shared<'_>,
        out: &mut String,
    ) -> Result<(), Stop> {
        if let Some(signing) = &mut self.signing {
            signing.push(piece);
        }
        let piece = match &mut self.text {
            Text::Plain(plain) => {
                plain.pending.push_str(piece);
                piece
            }
            Text::Json(json) => json.push(piece),
        };
        if let Some((seen, _)) = &mut self.seen {
            seen.push_str(piece);
        }
        let step = self.scanner.push(piece);
        self.take(&step, part, shared, out)
    }

    /// Cuts what detectors elsewhere found in this text, all of which is about to be pushed.
    pub(crate) fn expect(&mut self, text: &str, part: &impl Part, shared: &mut Shared<'_>) {
        let json = matches!(self.text, Text::Json(_)).then(|| JsonText::of(text));
        let seat = Seat { channel: self.channel, place: Place::Open, part };
        let found = shared.inspection.second(&seat, json.as_ref().map_or(text, JsonText::view), &[]);
        let locate = |span| json.as_ref().map_or(span, |json| json.raw_span(span));
        // A stop is in the verdict.
        let _ = shared.inspection.rule(&seat, found, locate, shared.verdict, &mut self.cuts);
    }

    /// Ends the text and writes the rest. That it is one whose signature is quarantined is known here, before its last words.
    ///
    /// # Errors
    /// As [`Lane::push`].
    pub(crate) fn finish(
        &mut self,
        part: &impl Part,
        shared: &mut Shared<'_>,
        out: &mut String,
    ) -> Result<(), Stop> {
        let before = out.len();
        if let Text::Json(json) = &mut self.text {
            let rest = json.finish();
            if let Some((seen, _)) = &mut self.seen {
                seen.push_str(rest);
            }
            let step = self.scanner.push(rest);
            self.take(&step, part, shared, out)?;
        }
        let step = self.scanner.finish();
        self.take(&step, part, shared, out)?;
        if let Text::Plain(PlainText { restorer: Some(restorer), .. }) = &mut self.text {
            restorer.close(out);
        }
        let seat = Seat { channel: self.channel, place: Place::Open, part };
        let signing = self.signing.take().map(|signing| *signing);
        shared.inspection.ended(&seat, signing, shared.verdict).inspect_err(|_| out.truncate(before))?;
        if let Some((seen, cuts)) = self.seen.take() {
            shared.inspection.second(&seat, &seen, &cuts);
        }
        Ok(())
    }

    fn take(
        &mut self,
        step: &Step,
        part: &impl Part,
        shared: &mut Shared<'_>,
        out: &mut String,
    ) -> Result<(), Stop> {
        let locate = |span: Span| match &self.text {
            Text::Plain(_) => span,
            Text::Json(json) => json.raw_span(span),
        };
        let inspection = shared.inspection;
        let seat = Seat { channel: self.channel, place: Place::Open, part };
        let known = self.cuts.len();
        inspection.rule(&seat, &step.findings, locate, shared.verdict, &mut self.cuts)?;
        if let Some((_, cuts)) = &mut self.seen {
            cuts.extend(self.cuts.iter().skip(known).cloned());
        }
        let mut placeholders = Placeholders::of_answer(inspection.key(), shared.tokens);
        let mut cuts = std::mem::take(&mut self.cuts);
        let kept = cuts.clone();
        redact::unite(&mut cuts);
        let reached = match &mut self.text {
            Text::Json(json) => json.write(step.settled, &cuts, &mut placeholders, out),
            Text::Plain(plain) => {
                let (reached, restored) =
                    plain.write(step.settled, &cuts, shared.tokens, &mut placeholders, out);
                self.changed |= restored;
                reached
            }
        };
        self.changed |= cuts.iter().any(|cut| cut.span.start < reached);
        self.cuts = kept;
        self.cuts.retain(|cut| cut.span.end > reached);
        Ok(())
    }
}

impl PlainText {
    /// Writes what is settled with the cuts, which must be united. Returns the offset reached, and whether a value was
    /// put back.
    fn write(
        &mut self,
        settled: usize,
        cuts: &[Cut],
        tokens: &Tokens,
        placeholders: &mut Placeholders<'_>,
        out: &mut String,
    ) -> (usize, bool) {
        let Self { pending, base, restorer } = self;
        let start = *base;
        let mut end = settled.clamp(start, start + pending.len());
        while !pending.is_char_boundary(end - start) {
            end -= 1;
        }
        if let Some(cut) = cuts.iter().find(|cut| cut.span.start < end && end < cut.span.end) {
            end = cut.span.start.max(start);
        }
        let mut restored = false;
        let mut plain = |restorer: &mut Option<Restorer>, text: &str, out: &mut String| match restorer {
            Some(restorer) => restored |= restorer.push(text, tokens, out),
            None => out.push_str(text),
        };
        let mut at = start;
        for cut in cuts.iter().take_while(|cut| cut.span.end <= end) {
            let from = cut.span.start.max(at);
            plain(restorer, slice(pending, at - start, from - start), out);
            if let Some(restorer) = restorer {
                // No token reaches over a cut.
                restorer.close(out);
            }
            placeholders.write(cut, slice(pending, from - start, cut.span.end.saturating_sub(start)), out);
            at = cut.span.end.max(at);
        }
        plain(restorer, slice(pending, at - start, end - start), out);
        pending.drain(..end - start);
        *base = end;
        (end, restored)
    }
}
