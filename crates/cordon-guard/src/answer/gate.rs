//! The gate of a stream of whose answer something is expected. What can stop an answer at its end holds all of it until then; where
//! nothing can, it goes on at once, and what was found stands in the record. Where its route wants that, text leaves once it was judged with
//! what stands before it ([`super::window`]).

use std::{collections::VecDeque, sync::Arc};

use cordon_core::{
    Refusal,
    json::{Limits, Value},
    record,
};

use super::{
    Expected,
    gathered::Gathered,
    window::{Place, Windows},
};
use crate::{
    authority::Protocol,
    inspection::{Inspection, Verdict},
    tree::{
        gate::{Gate, Progress, StreamError},
        said::Said,
    },
};

/// A gate before the other ones.
pub(crate) struct AnswerGate {
    gate: Box<dyn Gate>,
    inspection: Inspection,
    expected: Arc<Expected>,
    gathered: Gathered,
    /// The events so far that wait, each with how far the texts have come that it adds to.
    held: VecDeque<(String, Vec<(Place, usize)>)>,
    /// How far its texts were judged, where they leave as they come.
    windows: Option<Windows>,
    bytes: usize,
    most: usize,
    judged: bool,
    ended: bool,
}

impl AnswerGate {
    /// Before `gate`; the same gate where nothing is expected. `most` is in bytes.
    pub(crate) fn before(
        gate: Box<dyn Gate>,
        protocol: Protocol,
        inspection: &Inspection,
        most: usize,
    ) -> Box<dyn Gate> {
        let Some(expected) = inspection.expected() else { return gate };
        Box::new(Self {
            gate,
            expected: Arc::clone(expected),
            inspection: inspection.clone(),
            gathered: Gathered::new(protocol),
            held: VecDeque::new(),
            // Detectors elsewhere are asked at the end of an answer, and all of it waits for them.
            windows: (expected.windows && inspection.second.is_none()).then(Windows::default),
            bytes: 0,
            most,
            judged: false,
            ended: false,
        })
    }

    /// Judges what there is, as the answer. Says whether it may go on.
    fn judge(&mut self) -> bool {
        if !self.judged {
            self.judged = true;
            self.expected.judge(&self.gathered.texts(), &self.inspection, self.gate.verdict_mut());
        }
        self.gate.verdict().action().passes()
    }

    /// Gives what was held to the next gate.
    fn release(&mut self, out: &mut Vec<u8>) -> Result<Progress, StreamError> {
        for (data, _) in std::mem::take(&mut self.held) {
            match self.gate.event(&data, out)? {
                Progress::Open => {}
                end => return Ok(end),
            }
        }
        Ok(Progress::Open)
    }

    /// Judges what has come, and gives what may leave then to the next gate.
    fn leave(&mut self, out: &mut Vec<u8>) -> Result<Progress, StreamError> {
        let Some(windows) = &mut self.windows else { return Ok(Progress::Open) };
        let (touched, verdict) = (self.gathered.touched(), self.gate.verdict_mut());
        if !windows.judge(&self.gathered, touched, &self.expected, &self.inspection, verdict) {
            return self.stop();
        }
        while let Some((data, _)) = self.held.pop_front_if(|(_, touched)| windows.covers(touched)) {
            match self.gate.event(&data, out)? {
                Progress::Open => {}
                end => return Ok(end),
            }
        }
        Ok(Progress::Open)
    }

    fn stop(&mut self) -> Result<Progress, StreamError> {
        self.held = VecDeque::new();
        self.ended = true;
        Ok(Progress::Stopped)
    }

    fn fail(&mut self, error: StreamError) -> Result<Progress, StreamError> {
        self.held = VecDeque::new();
        self.ended = true;
        Err(error)
    }
}

impl Gate for AnswerGate {
    fn event(&mut self, data: &str, out: &mut Vec<u8>) -> Result<Progress, StreamError> {
        if self.ended {
            return Err(StreamError::AfterEnd);
        }
        if self.gathered.has_ended() {
            return self.fail(StreamError::AfterEnd);
        }
        self.bytes = self.bytes.saturating_add(data.len());
        if self.bytes > self.most {
            return self.fail(StreamError::TooLong);
        }
        let limits = Limits { bytes: self.most, ..Limits::default() };
        if data.trim() == "[DONE]" {
            self.gathered.end();
        } else {
            match Value::parse(data.as_bytes(), limits) {
                Ok(Value::Object(event)) => self.gathered.event(&event),
                // It ends the stream, and nothing that was held leaves before that.
                Ok(_) => return self.fail(StreamError::NotAChunk),
                Err(error) => return self.fail(StreamError::Json(error)),
            }
        }
        let verdict = self.gate.verdict_mut();
        if self.gathered.has_ended() {
            if !self.judge() {
                return self.stop();
            }
        } else if self.expected.cuts(&self.gathered, &self.inspection, verdict) && !verdict.action().passes()
        {
            return self.stop();
        }
        if self.expected.holds && !self.gathered.has_ended() {
            self.held.push_back((data.to_owned(), self.gathered.touched().to_vec()));
            let progress = self.leave(out);
            self.ended = progress != Ok(Progress::Open);
            return progress;
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
        self.gathered.end();
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
