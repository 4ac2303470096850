//! The gate of a stream whose service speaks another protocol: each event is translated, then goes through the gate of the
//! caller's protocol.

use cordon_core::{Refusal, record};

use super::{Translation, completion::Messages, message::Chunks};
use crate::{
    inspection::Verdict,
    tree::{
        gate::{Events, Gate, Progress, StreamError},
        said::Said,
    },
};

/// A gate with a translation before it.
pub(crate) struct TranslatedGate {
    stream: Stream,
    gate: Box<dyn Gate>,
    events: Events,
}

enum Stream {
    Chunks(Chunks),
    Messages(Messages),
}

impl TranslatedGate {
    /// Before `gate`, which is of the caller's protocol; `created` is in seconds, `most` in bytes.
    pub(crate) fn new(translation: Translation, gate: Box<dyn Gate>, created: u64, most: usize) -> Self {
        let stream = match translation {
            Translation::ChatToMessages => Stream::Chunks(Chunks::new(created)),
            Translation::MessagesToChat { .. } => Stream::Messages(Messages::default()),
        };
        Self { stream, gate, events: Events::new(most) }
    }

    fn translated(&mut self, data: &str) -> Result<Vec<String>, StreamError> {
        self.events.count(data)?;
        match &mut self.stream {
            Stream::Chunks(chunks) => chunks.event(data, &self.events),
            Stream::Messages(messages) => messages.event(data, &self.events),
        }
    }

    fn feed(&mut self, events: &[String], out: &mut Vec<u8>) -> Result<Progress, StreamError> {
        for event in events {
            match self.gate.event(event, out)? {
                Progress::Open => {}
                end => return Ok(end),
            }
        }
        Ok(Progress::Open)
    }
}

impl Gate for TranslatedGate {
    fn event(&mut self, data: &str, out: &mut Vec<u8>) -> Result<Progress, StreamError> {
        let events = match self.translated(data) {
            Ok(events) => events,
            Err(error) => {
                self.events.end();
                return Err(error);
            }
        };
        let progress = self.feed(&events, out);
        if progress != Ok(Progress::Open) {
            self.events.end();
        }
        progress
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<Progress, StreamError> {
        if let Stream::Messages(messages) = &mut self.stream
            && !self.events.ended()
        {
            self.events.end();
            let last = messages.end()?;
            return self.feed(&last, out);
        }
        self.gate.end(out)
    }

    fn refuse(&mut self, refusal: &Refusal, out: &mut Vec<u8>) {
        self.gate.refuse(refusal, out);
    }

    fn verdict(&self) -> &Verdict {
        self.gate.verdict()
    }

    fn verdict_mut(&mut self) -> &mut Verdict {
        self.gate.verdict_mut()
    }

    /// As the service counted, not as it is told to the caller.
    fn usage(&self) -> Option<record::Tokens> {
        match &self.stream {
            Stream::Chunks(chunks) => chunks.tokens(),
            Stream::Messages(messages) => messages.tokens(),
        }
    }

    fn said(&self) -> &Said {
        self.gate.said()
    }
}
