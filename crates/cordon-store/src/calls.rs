//! The index of recent calls: who called what when, with which verdict. Derived from the journal's frames, in a SQLite
//! file of its own.
//!
//! It may lag behind the journal and says how far it is; a list that must not lag adds the journal's tail
//! ([`CallIndex::list`]). Delete the file and it is built again.

mod charges;
mod follow;
mod index;
mod live;
mod merge;
mod rates;
mod sums;
mod writer;

use cordon_core::{
    Action, CallId, Category, Cost, Name, RefusalCode, Timestamp,
    containment::PromptId,
    record::{Closed, Frame, Opened, Operation, Outcome, RecordedFinding, Timings, Tokens},
};

pub use follow::{Follower, Lag};
pub use index::{CallIndex, CallsError};
pub use live::{LiveView, Seen};
pub use merge::Tail;
pub use rates::{Counts, FoundSum, Source, SourceKind};
pub use sums::{RollUp, Step, Sums};
pub use writer::{IndexWriter, Written};

/// The 16 bytes of a journal's id.
pub type JournalBytes = [u8; 16];

/// A frame as it comes from a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFrame {
    /// Its place in the journal.
    pub sequence: u64,
    /// The bytes of a [`Frame`]. Others are passed over and counted.
    pub payload: Vec<u8>,
}

/// How far the index has read each journal: the sequence of the next frame.
pub type Progress = std::collections::BTreeMap<JournalBytes, u64>;

/// A call as the index knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRow {
    /// The call.
    pub call: CallId,
    /// When it came.
    pub time: Timestamp,
    /// What it does.
    pub operation: Operation,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Who.
    pub principal: Name,
    /// Whose caller.
    pub team: Name,
    /// To which route.
    pub route: Option<Name>,
    /// The route's system.
    pub system: Option<Name>,
    /// The model chosen.
    pub model: Option<Name>,
    /// The prompt that it brought.
    pub prompt: Option<PromptId>,
    /// What was done: the stricter of both directions.
    pub verdict: Action,
    /// What guards that only observe would have done.
    pub would: Action,
    /// What was found in the request.
    pub input: Vec<RecordedFinding>,
    /// What was found in the answer.
    pub output: Vec<RecordedFinding>,
    /// How it ended; nothing while it runs.
    pub ending: Option<Ending>,
    /// Where its frames are.
    pub place: Place,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// When.
    pub time: Timestamp,
    /// How.
    pub outcome: Outcome,
    /// The HTTP status that the caller saw.
    pub status: u16,
    /// The code of the refusal.
    pub code: Option<RefusalCode>,
    /// Tokens used.
    pub tokens: Option<Tokens>,
    /// What they cost.
    pub cost: Option<Cost>,
    /// How long each step took.
    pub timings: Timings,
}

/// Where the frames of a call are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The journal.
    pub journal: JournalBytes,
    /// The sequence of the first frame.
    pub opened: u64,
    /// The sequence of the second.
    pub closed: Option<u64>,
}

/// Which calls are asked for. Everything that is said must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallQuery {
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// By this caller.
    pub principal: Option<Name>,
    /// To this route.
    pub route: Option<Name>,
    /// With this verdict.
    pub verdict: Option<Action>,
    /// With a finding of this category or of a child of it.
    pub category: Option<Category>,
    /// With any finding at all.
    pub found: bool,
    /// That brought this prompt.
    pub prompt: Option<PromptId>,
    /// Older than this call: the last one of the page before.
    pub before: Option<CallId>,
    /// The most that are given; nothing means [`CallQuery::PAGE`].
    pub limit: Option<u32>,
}

impl CallQuery {
    /// How many calls a query gives that does not say.
    pub const PAGE: u32 = 100;

    /// Whether a call is asked for, the limit aside.
    pub fn matches(&self, row: &CallRow) -> bool {
        let time = call_time(row.call);
        self.since.is_none_or(|since| time >= since)
            && self.until.is_none_or(|until| time < until)
            && self.before.is_none_or(|before| row.call.as_bytes() < before.as_bytes())
            && self.principal.as_ref().is_none_or(|principal| row.principal == *principal)
            && self.route.as_ref().is_none_or(|route| row.route.as_ref() == Some(route))
            && self.verdict.is_none_or(|verdict| row.verdict == verdict)
            && self.category.as_ref().is_none_or(|category| row.has(category))
            && (!self.found || row.findings().next().is_some())
            && self.prompt.is_none_or(|prompt| row.prompt == Some(prompt))
    }
}

impl CallRow {
    /// A call that was let in.
    pub fn opened(journal: JournalBytes, sequence: u64, frame: Opened) -> Self {
        Self {
            call: frame.call,
            time: frame.time,
            operation: frame.operation,
            stream: frame.stream,
            principal: frame.principal,
            team: frame.team,
            route: frame.route,
            system: frame.system,
            model: frame.model,
            prompt: frame.prompt,
            verdict: frame.input.action,
            would: frame.input.would,
            input: frame.input.findings,
            output: Vec::new(),
            ending: None,
            place: Place { journal, opened: sequence, closed: None },
        }
    }

    /// The call ended. The verdict only ever gets stricter.
    pub fn close(&mut self, sequence: u64, frame: Closed) {
        self.verdict = self.verdict.max(frame.output.action);
        self.would = self.would.max(frame.output.would);
        if let Some(attempt) = frame.attempt() {
            self.model = Some(attempt.model.clone());
        }
        self.output = frame.output.findings;
        self.ending = Some(Ending {
            time: frame.time,
            outcome: frame.outcome,
            status: frame.status,
            code: frame.code,
            tokens: frame.tokens,
            cost: frame.cost,
            timings: frame.timings,
        });
        self.place.closed = Some(sequence);
    }

    /// All findings, those of the request first.
    pub fn findings(&self) -> impl Iterator<Item = &RecordedFinding> {
        self.input.iter().chain(&self.output)
    }

    /// Whether something of this category was found.
    pub fn has(&self, category: &Category) -> bool {
        self.findings().any(|finding| category.covers(&finding.category))
    }
}

/// The time that a call's id begins with (UUIDv7, RFC 9562 section 5.7): it orders calls, and is what `since` and `until`
/// are compared with.
pub fn call_time(call: CallId) -> Timestamp {
    let millis = call.as_bytes().iter().take(6).fold(0_i64, |sum, byte| sum << 8 | i64::from(*byte));
    Timestamp::from_millis(millis)
}

/// The lowest id of a time. Times that no id can have go to the nearest that one can.
fn lowest_call(time: Timestamp) -> [u8; 16] {
    let millis = time.as_millis().clamp(0, (1 << 48) - 1).to_be_bytes();
    let mut id = [0; 16];
    for (to, from) in id.iter_mut().zip(millis.iter().skip(2)) {
        *to = *from;
    }
    id
}

/// Reads a frame that a journal holds; `None` for what is not a frame of calls.
fn decode(frame: &SourceFrame) -> Option<Frame> {
    Frame::decode(&frame.payload).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_id_of_a_time_is_not_above_any_of_it() {
        let time = Timestamp::from_millis(1_790_000_000_123);
        let call = CallId::new(time, [0; 10]);
        assert_eq!(call_time(call), time);
        assert!(lowest_call(time) <= *call.as_bytes());
        assert!(
            lowest_call(Timestamp::from_millis(1_790_000_000_124)) > *CallId::new(time, [255; 10]).as_bytes()
        );
        assert_eq!(lowest_call(Timestamp::from_millis(-5)), [0; 16]);
    }
}
