//! The task: pass after pass from the cursor to what is durable, then wait for more.

use std::collections::BTreeMap;

use cordon_core::{CallId, JournalId, record::Frame};
use cordon_store::{
    frames::FramesError,
    journal::{self, Reader},
    log::LogError,
};
use tokio::{
    sync::{oneshot, watch},
    time::{Duration, sleep, timeout},
};

use super::{
    Parts, Progress, Sink, SinkError, WITHIN,
    cursor::{Cursor, Source},
    ocsf::{self, CallContext, Event, Place},
    source::JournalSource,
};
use crate::desk::{CallLog, with_causes};

/// The most events that are sent together.
const EVENTS: usize = 256;
/// The most facts that are read together: each may bring a large spec with it.
const FACTS: u64 = 32;
/// The most calls whose first frame is kept until the second one comes.
const CONTEXTS: usize = 8192;
/// How many frames that are no events may pass before the cursor is written.
const UNSAVED: u64 = 4096;
/// How long events are gathered before they are sent, when there are few.
const GATHER: Duration = Duration::from_millis(200);

pub(super) struct Task {
    parts: Parts,
    sink: Sink,
    cursor: Cursor,
    progress: watch::Sender<Progress>,
    journals: Vec<JournalSource>,
    contexts: BTreeMap<CallId, CallContext>,
    /// How many events go together: fewer while a collector finds them too large.
    most: usize,
    /// Failed attempts since the last one that was acknowledged.
    failed: u32,
    unsaved: u64,
    /// Nothing is tried twice any more.
    ending: bool,
}

/// How a batch of a source went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// There may be more.
    More,
    /// All that was durable at the begin of the pass is acknowledged.
    Done,
    /// The source or the sink does not go on in this pass.
    Stuck,
}

/// Events of consecutive entries of one source.
struct Batch {
    source: Source,
    /// Each with the place after it.
    events: Vec<(Event, u64)>,
    /// The place after the last entry that was looked at.
    end: u64,
}

impl Task {
    pub(super) fn new(parts: Parts, sink: Sink, cursor: Cursor, progress: watch::Sender<Progress>) -> Self {
        Self {
            parts,
            sink,
            cursor,
            progress,
            journals: Vec::new(),
            contexts: BTreeMap::new(),
            most: EVENTS,
            failed: 0,
            unsaved: 0,
            ending: false,
        }
    }

    pub(super) async fn run(mut self, mut stop: oneshot::Receiver<()>) {
        self.list();
        self.check_cursor();
        let mut committed = self.parts.sequencer.watch();
        let mut durable = self.parts.journal.follow();
        loop {
            // What comes during the pass wakes the next one.
            committed.borrow_and_update();
            durable.borrow_and_update();
            tokio::select! {
                biased;
                _ = &mut stop => break,
                () = self.pass() => {}
            }
            let more = async {
                tokio::select! {
                    changed = committed.changed() => changed.is_ok(),
                    changed = durable.changed() => changed.is_ok(),
                }
            };
            tokio::select! {
                biased;
                _ = &mut stop => break,
                is_open = more => if !is_open {
                    // The node ends; it says so in a moment.
                    let _ = stop.await;
                    break;
                },
            }
            tokio::select! {
                biased;
                _ = &mut stop => break,
                () = sleep(GATHER) => {}
            }
        }
        self.ending = true;
        if timeout(WITHIN, self.pass()).await.is_err() {
            tracing::warn!("the siem sink is behind; the next start goes on with it");
        }
        self.save();
    }

    /// The journals: those of before, oldest first, then the one that is written.
    fn list(&mut self) {
        let parts = &self.parts;
        let (state, current) = (parts.sequencer.committed().state, parts.journal.id());
        let folder = parts.data.join("journal");
        let there = journal::list(&folder).unwrap_or_else(|error| {
            tracing::error!(%error, "the journals cannot be listed; only the one that is written goes to the siem");
            Vec::new()
        });
        let size = |id| state.journal(id).map_or(0, |journal| journal.anchor.size);
        // A journal may be sealed as a whole: then only the log knows of it.
        let sealed = state.journals().filter(|journal| journal.node == parts.node && journal.sealed > 0);
        let mut ids: Vec<_> =
            sealed.map(|journal| journal.anchor.journal).chain(there.iter().copied()).collect();
        ids.sort_unstable();
        ids.dedup();
        let left = |id| there.contains(&id) || self.cursor.next(Source::Journal(id)) < size(id);
        ids.retain(|id| *id != current && left(*id));
        let source =
            |id, current, size| JournalSource::new(id, current, size, folder.clone(), parts.archive.clone());
        self.journals = ids.into_iter().map(|id| source(id, false, size(id))).collect();
        self.journals.push(source(current, true, 0));
    }

    /// A cursor beyond the end belongs to another log: a backup was restored without it.
    fn check_cursor(&mut self) {
        let parts = &self.parts;
        let ends = [
            (Source::Facts, parts.sequencer.committed().state.position()),
            (Source::Journal(parts.journal.id()), *parts.journal.follow().borrow()),
        ];
        for (source, end) in ends {
            if self.cursor.next(source) > end {
                tracing::warn!(?source, end, "the siem cursor lies beyond the end; all of it is sent again");
                self.cursor.advance(source, 0);
            }
        }
    }

    /// Sends all that is durable now.
    async fn pass(&mut self) {
        let began = self.parts.clock.now();
        let position = self.parts.sequencer.committed().state.position();
        let durable = *self.parts.journal.follow().borrow();
        for journal in self.journals.iter_mut().filter(|journal| journal.current) {
            journal.size = durable;
            journal.broken = None;
        }
        // What a collector finds too large is found out once a pass.
        self.most = EVENTS;
        // Nothing was left when the last pass ended: what waits now is new.
        let at_ease = |progress: &Progress| progress.facts == 0 && progress.frames == 0;
        self.progress.send_if_modified(|progress| {
            let rested = at_ease(progress);
            if rested {
                progress.as_of = began;
            }
            rested
        });
        let mut facts = Step::More;
        let mut steps = vec![Step::More; self.journals.len()];
        self.measure();
        while facts == Step::More || steps.contains(&Step::More) {
            if facts == Step::More {
                facts = self.facts(position).await;
            }
            for (n, step) in steps.iter_mut().enumerate() {
                if *step == Step::More {
                    *step = self.frames(n).await;
                }
            }
        }
        if self.unsaved >= UNSAVED {
            self.save();
        }
        let is_whole = facts == Step::Done && !steps.contains(&Step::Stuck);
        let broken = self.journals.iter().find_map(|journal| journal.broken.clone());
        self.progress.send_modify(|progress| {
            if is_whole {
                progress.as_of = began;
            }
            if is_whole || broken.is_some() {
                progress.trouble = broken;
            }
        });
        self.measure();
    }

    /// One batch of facts below a position.
    async fn facts(&mut self, position: u64) -> Step {
        let from = self.cursor.next(Source::Facts);
        if from >= position {
            return Step::Done;
        }
        let log = self.parts.sequencer.loader().log();
        let page = log.read(from, position.min(from.saturating_add(FACTS))).await;
        let build = crate::build();
        let events = page.map_err(|error| with_causes(&error)).and_then(|page| {
            let mut events = Vec::with_capacity(page.len());
            for stored in page {
                let fact = stored.decode().map_err(|error| format!("fact {}: {error}", stored.position))?;
                let leaf = journal::leaf(&stored.leaf);
                let event = ocsf::fact(stored.position, leaf, &fact, build);
                events.push((event, stored.position.saturating_add(1)));
            }
            match events.last() {
                Some((_, end)) => Ok((*end, events)),
                None => Err(LogError::Damaged(format!("fact {from} is missing")).to_string()),
            }
        });
        match events {
            Ok((end, events)) => self.deliver(Batch { source: Source::Facts, events, end }).await,
            Err(why) => self.failure(why).await,
        }
    }

    /// One batch of the frames of a journal.
    async fn frames(&mut self, n: usize) -> Step {
        let Some(journal) = self.journals.get_mut(n).filter(|journal| journal.broken.is_none()) else {
            return Step::Stuck;
        };
        let source = Source::Journal(journal.journal);
        let from = self.cursor.next(source);
        if journal.current && from >= journal.size {
            return Step::Done;
        }
        let read = journal.read(from).await;
        if let (true, Some(FramesError::Gone { .. })) = (read.frames.is_empty(), &read.error) {
            let id = journal.journal;
            return self.skip(id, from).await;
        }
        if let Some(error) = &read.error {
            let why = with_causes(error);
            tracing::error!(journal = %journal.journal, why, "the siem sink follows this journal no further");
            journal.broken = Some(format!("journal {}: {why}", journal.journal));
        }
        let Some(end) = read.frames.last().map(|(place, _)| place.sequence.saturating_add(1)) else {
            return if read.error.is_some() { Step::Stuck } else { Step::Done };
        };
        let mut events = Vec::new();
        for (place, frame) in &read.frames {
            if let Some(event) = self.event(*place, frame.as_ref()).await {
                events.push((event, place.sequence.saturating_add(1)));
            }
        }
        self.deliver(Batch { source, events, end }).await
    }

    /// Frames whose time was over before they were sent: the cursor goes to the next one that is kept.
    async fn skip(&mut self, journal: JournalId, from: u64) -> Step {
        let state = self.parts.sequencer.committed().state;
        let sealed = state.segments(journal).map(|seal| seal.first).find(|first| *first > from);
        let folder = self.parts.data.join("journal");
        let first = move || Reader::open(&folder, journal).and_then(|reader| reader.first());
        let first =
            tokio::task::spawn_blocking(first).await.ok().and_then(Result::ok).filter(|first| *first > from);
        let Some(next) = sealed.into_iter().chain(first).min() else {
            // Nothing of it is kept.
            self.journals.iter_mut().filter(|source| source.journal == journal).for_each(|source| {
                tracing::warn!(%journal, from, "the rest of this journal is gone and does not reach the siem");
                source.size = from;
                source.broken = Some(format!("journal {journal} is gone from frame {from} on"));
            });
            return Step::Stuck;
        };
        tracing::warn!(%journal, from, next, "these frames were removed before the siem had them");
        self.cursor.advance(Source::Journal(journal), next);
        self.save();
        Step::More
    }

    async fn event(&mut self, place: Place, frame: Option<&Frame>) -> Option<Event> {
        let build = crate::build();
        let Some(frame) = frame else {
            return Some(ocsf::unreadable(place, self.parts.clock.now(), build));
        };
        let context = match frame {
            Frame::Opened(opened) => {
                self.contexts.insert(opened.call, CallContext::of(opened));
                if self.contexts.len() > CONTEXTS {
                    // Ids sort by time: the oldest goes, and is looked up when it ends.
                    self.contexts.pop_first();
                }
                None
            }
            // Kept until it is sent: a batch may be read again.
            Frame::Closed(closed) => match self.contexts.get(&closed.call) {
                Some(context) => Some(context.clone()),
                None => look_up(self.parts.calls.clone(), closed.call).await,
            },
            Frame::Attempted(_) | Frame::Unknown(_) | Frame::Read(_) => None,
        };
        ocsf::frame(place, frame, context.as_ref(), self.parts.options.records, build)
    }

    /// Sends a batch until it is acknowledged, and moves the cursor piece by piece.
    async fn deliver(&mut self, batch: Batch) -> Step {
        let Batch { source, events, end } = batch;
        let (events, places): (Vec<Event>, Vec<u64>) = events.into_iter().unzip();
        let (mut left, mut places) = (events.as_slice(), places.as_slice());
        while !left.is_empty() {
            let (chunk, rest) = left.split_at(left.len().min(self.most));
            let (passed, after) = places.split_at(chunk.len().min(places.len()));
            match self.sink.send(chunk).await {
                Ok(()) => {
                    (left, places) = (rest, after);
                    self.cursor.advance(source, passed.last().copied().unwrap_or(end));
                    self.acknowledged(chunk.len());
                }
                Err(SinkError::TooLarge) if chunk.len() > 1 => self.most = (chunk.len() / 2).max(1),
                Err(error) => {
                    if self.failure(with_causes(&error)).await == Step::Stuck {
                        return Step::Stuck;
                    }
                }
            }
        }
        let from = self.cursor.next(source);
        self.cursor.advance(source, end);
        self.unsaved = self.unsaved.saturating_add(end.saturating_sub(from));
        Step::More
    }

    fn acknowledged(&mut self, events: usize) {
        self.failed = 0;
        self.save();
        self.parts.metrics.siem_events.inc_by(events as u64);
        self.progress.send_modify(|progress| {
            progress.sent = progress.sent.saturating_add(events as u64);
            progress.trouble = None;
        });
        self.measure();
    }

    /// Notes a failed attempt and waits for the next one, but for an end.
    async fn failure(&mut self, why: String) -> Step {
        if self.failed == 0 {
            tracing::warn!(why, "the siem sink takes nothing; what happens meanwhile is sent later");
        }
        self.parts.metrics.siem_failures.inc();
        self.progress.send_modify(|progress| {
            progress.failures = progress.failures.saturating_add(1);
            progress.trouble = Some(why);
        });
        self.measure();
        if self.ending {
            return Step::Stuck;
        }
        let pause = (self.parts.options.pause)(self.failed);
        self.failed = self.failed.saturating_add(1);
        pause.await;
        Step::More
    }

    /// Writes the cursor. One that cannot be written means that events are sent again after a restart.
    fn save(&mut self) {
        match self.cursor.save() {
            Ok(()) => self.unsaved = 0,
            Err(error) => {
                self.parts.metrics.siem_failures.inc();
                tracing::warn!(%error, "the siem cursor cannot be written; after a restart events are sent again");
            }
        }
    }

    /// Says how far the sink is behind.
    fn measure(&self) {
        let position = self.parts.sequencer.committed().state.position();
        let durable = *self.parts.journal.follow().borrow();
        let facts = position.saturating_sub(self.cursor.next(Source::Facts));
        let behind = |journal: &JournalSource| {
            let size = if journal.current { durable } else { journal.size };
            size.saturating_sub(self.cursor.next(Source::Journal(journal.journal)))
        };
        let frames = self.journals.iter().map(behind).fold(0, u64::saturating_add);
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.parts.metrics.siem_lag_facts.set(whole(facts));
        self.parts.metrics.siem_lag_frames.set(whole(frames));
        self.progress.send_modify(|progress| (progress.facts, progress.frames) = (facts, frames));
    }
}

/// The first frame of a call that ended after a restart or a long time.
async fn look_up(calls: CallLog, call: CallId) -> Option<CallContext> {
    match calls.find(call).await {
        Ok(found) => found.map(|record| CallContext::of(&record.opened)),
        Err(error) => {
            tracing::debug!(%call, %error, "the begin of a call is not found; its event names nobody");
            None
        }
    }
}
