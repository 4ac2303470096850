//! The gate of a stream under the rules on tools: from where a call begins until all of it is there, nothing goes on. What a stream
//! then does is what the whole answer would do.

mod watched;

use cordon_core::{
    Refusal,
    json::{Limits, Value},
    record,
};

use self::watched::Watched;
use super::Answer;
use crate::{
    inspection::{Inspection, Verdict},
    tree::{
        gate::{Gate, Progress, StreamError},
        said::Said,
    },
};

pub(crate) use self::watched::Protocol;

/// A gate before the protocol's own, which sees a call only once it may go on.
pub(crate) struct AuthorityGate {
    gate: Box<dyn Gate>,
    inspection: Inspection,
    answer: Answer,
    watched: Watched,
    /// The events since the first call began that is not complete.
    held: Vec<String>,
    bytes: usize,
    most: usize,
    ended: bool,
}

impl AuthorityGate {
    /// Before `gate`; the same gate where there are no rules. `most` is in bytes.
    pub(crate) fn before(
        gate: Box<dyn Gate>,
        protocol: Protocol,
        inspection: &Inspection,
        most: usize,
    ) -> Box<dyn Gate> {
        let Some(authority) = inspection.authority() else { return gate };
        Box::new(Self {
            gate,
            answer: authority.answer(),
            inspection: inspection.clone(),
            watched: Watched::new(protocol),
            held: Vec::new(),
            bytes: 0,
            most,
            ended: false,
        })
    }

    /// Judges the calls that are complete, with what tools brought before them.
    fn judge(&mut self) -> bool {
        for seen in self.watched.complete() {
            self.answer.see(&seen, &self.inspection, self.gate.verdict_mut());
        }
        self.gate.verdict().action().passes()
    }

    /// Gives what was held to the protocol's gate.
    fn release(&mut self, out: &mut Vec<u8>) -> Result<Progress, StreamError> {
        self.bytes = 0;
        for data in std::mem::take(&mut self.held) {
            match self.gate.event(&data, out)? {
                Progress::Open => {}
                end => return Ok(end),
            }
        }
        Ok(Progress::Open)
    }

    fn stop(&mut self) -> Result<Progress, StreamError> {
        self.held = Vec::new();
        self.ended = true;
        Ok(Progress::Stopped)
    }
}

impl Gate for AuthorityGate {
    fn event(&mut self, data: &str, out: &mut Vec<u8>) -> Result<Progress, StreamError> {
        if self.ended {
            return Err(StreamError::AfterEnd);
        }
        self.bytes = self.bytes.saturating_add(data.len());
        if self.bytes > self.most {
            self.ended = true;
            return Err(StreamError::TooLong);
        }
        let limits = Limits { bytes: self.most, ..Limits::default() };
        if data.trim() == "[DONE]" {
            self.watched.end();
        } else if let Ok(Value::Object(event)) = Value::parse(data.as_bytes(), limits) {
            // What is no event of the protocol ends the stream where the protocol's own gate reads it.
            self.watched.event(&event);
        }
        if !self.judge() {
            return self.stop();
        }
        if self.watched.is_open() {
            self.held.push(data.to_owned());
            return Ok(Progress::Open);
        }
        let progress = match self.release(out) {
            Ok(Progress::Open) => self.gate.event(data, out),
            end => end,
        };
        self.ended = progress != Ok(Progress::Open);
        progress
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<Progress, StreamError> {
        if self.ended {
            return self.gate.end(out);
        }
        self.watched.end();
        if !self.judge() {
            return self.stop();
        }
        self.ended = true;
        match self.release(out)? {
            Progress::Open => self.gate.end(out),
            end => Ok(end),
        }
    }

    fn refuse(&mut self, refusal: &Refusal, out: &mut Vec<u8>) {
        self.ended = true;
        self.gate.refuse(refusal, out);
    }

    fn verdict(&self) -> &Verdict {
        self.gate.verdict()
    }

    fn verdict_mut(&mut self) -> &mut Verdict {
        self.gate.verdict_mut()
    }

    fn usage(&self) -> Option<record::Tokens> {
        self.gate.usage()
    }

    fn said(&self) -> &Said {
        self.gate.said()
    }
}
