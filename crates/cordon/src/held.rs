//! Files, texts and calls of tools that are held, on a running node: from a call that is refused to the sealed store, and from there to a person who decides.
//!
//! **What lies where.** Bytes and name are sealed in the content store, under the call that brought it: whoever erases the call,
//! or the person, erases them. A line without a word of it waits in [`HeldStore`]. The line comes last, so that nothing waits that cannot
//! be looked at.
//!
//! **What is decided is in the log.** A release or a rejection is a fact about the digest of the bytes, which is compared with what lies
//! there first: nobody can be shown one file and release another. Without the fact nothing passes, whatever the files of this folder say.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cordon_core::{
    Digest, DurationMs, Name, Timestamp, canonical,
    command::{NewReview, Wish},
    fact::Actor,
    record::{ContentRead, Frame},
    review::{HeldId, Passage, Verdict},
};
use cordon_guard::{
    Gateway,
    held::{HeldCall, HeldContent, Holding, NotHeld},
    ports::{Clock, Recorder},
};
use cordon_store::{
    Sequencer,
    content::{Captured, ContentError, ReadError},
    held::{Detail, HeldBounds, HeldItem, HeldStore, PutHeldError},
    sequencer::{Granted, WishError},
};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use crate::{
    content::{Contents, ReadFault},
    desk::with_causes,
    metrics::HeldMetrics,
};

/// How often it is counted what waits, and how often what is over is removed.
const LOOK_EVERY: Duration = Duration::from_secs(5);
const EXPIRE_EVERY: Duration = Duration::from_secs(600);
/// How many lines are compared with the log at a time.
const SETTLED_AT_ONCE: u32 = 256;
/// The most senders of one file that are known: a caller who says another name each time is bounded so.
const MOST_SENDERS: usize = 64;
/// How long a file waits where the configuration says nothing: longer than anybody is on leave.
pub const DEFAULT_KEPT: DurationMs = DurationMs::from_secs(30 * 86_400);

/// What is held on a node. Clones share everything.
#[derive(Clone)]
pub struct Held(Arc<Inner>);

struct Inner {
    store: HeldStore,
    contents: Contents,
    gateway: Gateway,
    sequencer: Sequencer,
    recorder: Arc<dyn Recorder>,
    clock: Arc<dyn Clock>,
    bounds: HeldBounds,
    kept: DurationMs,
    metrics: Arc<crate::metrics::Metrics>,
}

/// What held files are kept with.
pub(crate) struct Parts {
    pub(crate) store: HeldStore,
    pub(crate) contents: Contents,
    pub(crate) gateway: Gateway,
    pub(crate) sequencer: Sequencer,
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) bounds: HeldBounds,
    /// How long a file is kept at most.
    pub(crate) kept: DurationMs,
    pub(crate) metrics: Arc<crate::metrics::Metrics>,
}

/// A held file or text with its bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// Its name, as the caller says: hostile like the rest of it.
    pub name: Option<String>,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Why what is held was not shown, or nothing was decided about it.
#[derive(Debug, thiserror::Error)]
pub enum HeldFault {
    /// There is none of this id.
    #[error("nothing is held as `{0}`; help: `cordon held list` shows what is")]
    Missing(HeldId),
    /// The line about it cannot be read.
    #[error("what is held as `{0}` is damaged")]
    Damaged(HeldId, #[source] ContentError),
    /// Its bytes cannot be read.
    #[error(transparent)]
    Content(#[from] ReadFault),
    /// Its bytes are not those that were held.
    #[error("the bytes of `{0}` are not those that were held; help: reject it, or let its time end")]
    Foreign(HeldId),
    /// It passed already, and passes once.
    #[error(
        "`{0}` was released and used; help: the next one is held under an id of its own, `cordon held list` shows it"
    )]
    Used(HeldId),
    /// It was not granted.
    #[error(transparent)]
    Wish(#[from] WishError),
}

/// The gateway's end: files and texts go in, ids come back.
pub(crate) struct Door(mpsc::Sender<Arriving>, Arc<crate::metrics::Metrics>);

/// The other end.
pub(crate) struct Receiver(mpsc::Receiver<Arriving>);

/// What comes through the door.
enum Arriving {
    /// What is held of a call.
    Held(HeldCall, oneshot::Sender<Result<Vec<HeldId>, NotHeld>>),
    /// Releases of what passes once, to be used up.
    Spent(Vec<HeldId>, oneshot::Sender<Result<bool, NotHeld>>),
}

/// What the caller says of a file, sealed beside its bytes.
#[derive(Serialize, Deserialize)]
struct Said {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    media_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// A door and its other end. Calls wait before it with what they hold: one at a time goes through.
pub(crate) fn door(metrics: Arc<crate::metrics::Metrics>) -> (Door, Receiver) {
    let (sender, receiver) = mpsc::channel(1);
    (Door(sender, metrics), Receiver(receiver))
}

impl Holding for Door {
    fn hold(
        &self,
        call: HeldCall,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Vec<HeldId>, NotHeld>> + Send>> {
        let sender = self.0.clone();
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let gone = || NotHeld::Failed("the server is stopping".to_owned());
            sender.send(Arriving::Held(call, answer)).await.map_err(|_| gone())?;
            answered.await.unwrap_or_else(|_| Err(gone()))
        })
    }

    fn spend(
        &self,
        held: Vec<HeldId>,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<bool, NotHeld>> + Send>> {
        let sender = self.0.clone();
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let gone = || NotHeld::Failed("the server is stopping".to_owned());
            sender.send(Arriving::Spent(held, answer)).await.map_err(|_| gone())?;
            answered.await.unwrap_or_else(|_| Err(gone()))
        })
    }

    fn late(&self) {
        self.1.held.late();
    }
}

/// Keeps what comes through the door, removes what is over and counts what waits, until `stop`.
pub(crate) async fn keep(held: Held, receiver: Receiver, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    let mut receiver = receiver.0;
    let mut looking = tokio::time::interval(LOOK_EVERY);
    let mut expired: Option<Instant> = None;
    loop {
        tokio::select! {
            biased;
            () = &mut stop => return,
            arriving = receiver.recv() => {
                let (call, answer) = match arriving {
                    Some(Arriving::Held(call, answer)) => (call, answer),
                    Some(Arriving::Spent(ids, answer)) => {
                        let spent = held.0.store.spend(&ids, held.now()).await;
                        let _ = answer.send(spent.map_err(|error| NotHeld::Failed(with_causes(&error))));
                        continue;
                    }
                    None => return,
                };
                let kept = held.keep(call).await;
                // Of who does not wait any more it was counted that nothing was kept.
                if let Err(why) = &kept
                    && !answer.is_closed()
                {
                    held.counted().not_kept(why);
                }
                // Who does not wait any more was refused all the same; what is kept waits for the next try.
                let _ = answer.send(kept);
                held.look().await;
            }
            _ = looking.tick() => {
                if expired.is_none_or(|last| last.elapsed() >= EXPIRE_EVERY) {
                    expired = Some(Instant::now());
                    if let Err(error) = held.0.store.expire(held.now()).await {
                        tracing::error!(error = with_causes(&error), "held files whose time is over could not be removed");
                    }
                    held.settle().await;
                }
                held.look().await;
            }
        }
    }
}

impl Held {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { store, contents, gateway, sequencer, recorder, clock, bounds, kept, metrics } = parts;
        Self(Arc::new(Inner { store, contents, gateway, sequencer, recorder, clock, bounds, kept, metrics }))
    }

    /// The store.
    pub fn store(&self) -> &HeldStore {
        &self.0.store
    }

    /// The time now.
    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    fn counted(&self) -> &HeldMetrics {
        &self.0.metrics.held
    }

    /// Counts what waits.
    async fn look(&self) {
        match self.0.store.totals(self.now()).await {
            Ok(totals) => self.counted().are(&totals, self.now()),
            Err(error) => {
                tracing::error!(error = with_causes(&error), "what waits for a review cannot be counted");
            }
        }
    }

    /// Notes beside the files what the log has decided about: a note that could not be made, or a log that came from elsewhere, leaves
    /// lines that wait for nothing and take the room of others.
    async fn settle(&self) {
        let (committed, now, mut after) = (self.0.sequencer.committed(), self.now(), None);
        loop {
            let listed = match self.0.store.list(now, true, after, SETTLED_AT_ONCE).await {
                Ok(listed) => listed,
                Err(error) => {
                    tracing::error!(error = with_causes(&error), "what waits for a review cannot be read");
                    return;
                }
            };
            let is_last = listed.len() < SETTLED_AT_ONCE as usize;
            for item in listed {
                after = Some(item.as_ref().map_or_else(|id| *id, |item| item.id));
                let Ok(item) = item else { continue };
                let Some(reviewed) = committed.state.review(&item.passage) else { continue };
                if reviewed.settles(item.id, item.detail.kind, &item.detail.categories, now)
                    && let Err(error) = self.0.store.set_reviewed(&item.passage, reviewed.at).await
                {
                    tracing::error!(
                        error = with_causes(&error),
                        "a review could not be noted beside the held file"
                    );
                }
            }
            if is_last {
                return;
            }
        }
    }

    /// Keeps what is held of a call; gives the ids, of what waits already the one that it has.
    async fn keep(&self, call: HeldCall) -> Result<Vec<HeldId>, NotHeld> {
        if !self.0.contents.is_unlocked() {
            return Err(NotHeld::NoKey);
        }
        let failed = |error: ContentError| match error {
            ContentError::Full(_) => NotHeld::Full,
            other => NotHeld::Failed(with_causes(&other)),
        };
        let now = self.now();
        let kept_until = call.time.plus(self.0.kept);
        let (mut ids, mut items, mut objects) = (Vec::new(), Vec::new(), Vec::new());
        for (number, item) in call.items.into_iter().enumerate() {
            let HeldContent { id, kind, channel, content, bytes, name, media_type, .. } = item;
            let HeldContent { file_type, part, categories, findings, .. } = item;
            let passage = Passage { route: call.route.clone(), principal: call.principal.clone(), content };
            let decided = self.0.sequencer.committed().state.review(&passage).cloned();
            let decided = decided.filter(|reviewed| reviewed.decides(&categories, now));
            if let Some(decided) = decided
                && !(kind.is_once()
                    && decided.verdict == Verdict::Released
                    && self.is_used(decided.review.held, now).await.map_err(failed)?)
            {
                // Somebody decided while this call was on its way: it is decided about when it comes again.
                ids.push(decided.review.held);
                continue;
            }
            let known = self.0.store.waiting(&passage, now).await.map_err(failed)?;
            if let Some(mut known) = known
                && self.0.contents.has(known.call).await.map_err(failed)?
            {
                if note_senders(&mut known.detail, &call.senders) {
                    self.0.store.set_detail(known.id, &known.detail).await.map_err(failed)?;
                }
                ids.push(known.id);
                continue;
            }
            let named = |text: String| Name::parse(&text).map_err(|error| NotHeld::Failed(error.to_string()));
            let object = named(format!("held-{number}"))?;
            let said = canonical::to_bytes(&Said { media_type, name })
                .map_err(|error| NotHeld::Failed(error.to_string()))?;
            objects.push((named(format!("held-{number}.said"))?, said));
            objects.push((object.clone(), bytes.to_vec()));
            let (key, subject) = (call.key, call.subject);
            items.push(HeldItem {
                id,
                call: call.call,
                passage,
                bytes: bytes.len() as u64,
                time: call.time,
                expires: kept_until.min(call.expires),
                reviewed: None,
                detail: Detail {
                    kind,
                    channel,
                    key,
                    subject,
                    senders: call.senders.clone(),
                    object,
                    file_type: file_type.to_owned(),
                    part,
                    categories,
                    findings,
                    used: None,
                },
            });
            ids.push(id);
        }
        if items.is_empty() {
            return Ok(ids);
        }
        let unput = |error| match error {
            PutHeldError::Full => NotHeld::Full,
            PutHeldError::File(error) => failed(error),
        };
        // One call at a time is kept, so there is as much room when its lines are put.
        self.0.store.make_sure_of_room(&items, self.0.bounds, now).await.map_err(unput)?;
        let names: Vec<Name> = objects.iter().map(|(name, _)| name.clone()).collect();
        let sealed = Captured {
            call: call.call,
            team: call.team,
            subject: call.subject,
            route: Some(call.route),
            time: call.time,
            // Where the route keeps what its calls say, this is of the same call, and goes with it.
            expires: if call.captured { call.expires } else { kept_until.min(call.expires) },
            objects,
        };
        self.0.contents.put_aside(sealed).await.map_err(|why| match why {
            crate::content::AsideError::Full => NotHeld::Full,
            other => NotHeld::Failed(with_causes(&other)),
        })?;
        if let Err(error) = self.0.store.put(&items, self.0.bounds, now).await {
            // Nobody will find what was sealed: it would lie there until its time is over.
            if let Err(error) = self.0.contents.store().withdraw(call.call, &names).await {
                tracing::error!(call = %call.call, error = with_causes(&error), "what was not kept could not be removed");
            }
            return Err(unput(error));
        }
        self.counted().kept(items.len() as u64);
        tracing::info!(call = %call.call, items = items.len(), "content is held for a review");
        Ok(ids)
    }

    /// Whether what passes once has passed, or nothing is known of it any more.
    async fn is_used(&self, id: HeldId, now: Timestamp) -> Result<bool, ContentError> {
        Ok(self.0.store.get(id, now).await?.is_none_or(|item| item.detail.used.is_some()))
    }

    /// A held file or text, without its content.
    ///
    /// # Errors
    /// When there is none of this id, or the line about it is damaged.
    pub async fn find(&self, id: HeldId) -> Result<HeldItem, HeldFault> {
        let found = self.0.store.get(id, self.now()).await;
        found.map_err(|error| HeldFault::Damaged(id, error))?.ok_or(HeldFault::Missing(id))
    }

    /// A held file or text with its bytes. Who looks is in the journal, durably, before anything is opened.
    ///
    /// # Errors
    /// When it is not there, its content is gone or is not what was held, or the look cannot be recorded.
    pub async fn open(&self, id: HeldId, actor: Actor) -> Result<Opened, HeldFault> {
        let item = self.find(id).await?;
        self.0.contents.readable(item.call).await?;
        let read =
            ContentRead { time: self.now(), actor, call: item.call, objects: Vec::new(), held: Some(id) };
        let frame = Frame::Read(Box::new(read)).encode().map_err(|error| unrecorded(&error))?;
        self.0.recorder.append(vec![frame]).await.map_err(|error| unrecorded(&error))?;
        let bytes = self.bytes(&item).await?;
        let said =
            Name::parse(&format!("{}.said", item.detail.object)).map_err(|_| HeldFault::Missing(id))?;
        let said = self.0.contents.open_aside(item.call, &said).await?;
        let said: Said = canonical::from_bytes(&said)
            .map_err(|_| ReadFault::Store(ReadError::Damaged("the name of the file")))?;
        Ok(Opened { name: said.name, bytes })
    }

    /// Decides about what is held: a fact, in force in the gateway when this returns.
    ///
    /// # Errors
    /// When it is not there, what lies there is not what was held (a rejection needs none of it), or the log takes no facts.
    pub async fn review(
        &self,
        id: HeldId,
        verdict: Verdict,
        lasts: Option<DurationMs>,
        reason: String,
        actor: Actor,
    ) -> Result<(Granted, Timestamp), HeldFault> {
        let item = self.find(id).await?;
        if verdict == Verdict::Released {
            if item.detail.used.is_some() {
                return Err(HeldFault::Used(id));
            }
            // What nobody could have looked at is not let in, and it is these bytes that pass from now on.
            drop(self.bytes(&item).await?);
        }
        let lasts = lasts.unwrap_or_else(|| verdict.lasts());
        let HeldItem { call, passage, bytes, time, reviewed, detail, .. } = item;
        let wish = NewReview {
            verdict,
            held: id,
            call,
            passage: passage.clone(),
            kind: detail.kind,
            bytes,
            categories: detail.categories,
            since: time,
            lasts,
            reason,
        };
        let granted = self.0.sequencer.wish(Wish::Review(wish), actor).await?;
        let ends = self.0.sequencer.committed().state.review(&passage).map(|reviewed| reviewed.review.ends);
        if let Err(error) = self.0.store.set_reviewed(&passage, granted.time).await {
            // The log has it, and the log decides; the list shows what the log says.
            tracing::error!(error = with_causes(&error), "a review could not be noted beside the held file");
        }
        if reviewed.is_none() {
            self.counted().reviewed(verdict, granted.time.since(time));
        }
        self.look().await;
        let ends = ends.unwrap_or_else(|| granted.time.plus(lasts));
        Ok((granted, ends))
    }

    /// The bytes of what is held, which are those that were held.
    async fn bytes(&self, item: &HeldItem) -> Result<Vec<u8>, HeldFault> {
        let bytes = self.0.contents.open_aside(item.call, &item.detail.object).await?;
        let Detail { kind, channel, .. } = item.detail;
        let digest = self.0.gateway.held_digest((kind, channel), &bytes);
        let is_it = digest.equals_in_constant_time(&item.passage.content);
        if is_it { Ok(bytes) } else { Err(HeldFault::Foreign(item.id)) }
    }
}

/// Adds who sent a file again; says whether anybody is new.
fn note_senders(detail: &mut Detail, senders: &[Digest]) -> bool {
    let before = detail.senders.len();
    for sender in senders {
        if detail.senders.len() < MOST_SENDERS && !detail.senders.contains(sender) {
            detail.senders.push(*sender);
        }
    }
    detail.senders.len() != before
}

fn unrecorded(error: &dyn std::error::Error) -> HeldFault {
    HeldFault::Content(ReadFault::Unrecorded(error.to_string()))
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held").field("bounds", &self.0.bounds).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What the file says stays out of logs.
        f.debug_struct("Opened").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}
