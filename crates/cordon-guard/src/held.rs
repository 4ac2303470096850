//! Files and texts of requests, and calls of tools in answers, that are held: kept for a person to look at, and let in, or refused, by what the person decided.
//!
//! What they are looked into for is ruled on as ever. Where that ends in `hold`, the keyed digest is looked up among the reviews
//! of the caller on its route: a release makes what would be held a remark, a rejection stops it, and what is blocked stays blocked. What
//! nobody has decided about is handed to [`Holding`] when the call is refused, where nothing else holds it: releasing a file or a text would
//! not help a call that is held for something that nobody can release.

use std::{
    collections::BTreeSet,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use cordon_core::{
    Action, CallId, Category, Channel, Digest, HmacKey, KeyId, Name, Refusal, RefusalCode, Timestamp,
    record::RecordedFinding,
    review::{HeldId, HeldKind, Passage, Reviewed, Verdict},
};
use cordon_files::Claim;
use cordon_policy::Snapshot;
use http::HeaderMap;

use crate::{
    admit::Admitted,
    call::Call,
    exchange::Cleared,
    inspection::{self, Inspection, Part},
    pipeline::Inner,
    record::CallRecord,
};

/// How long a refusal waits for what is held to be kept.
const KEPT_WITHIN: Duration = Duration::from_secs(5);
/// What the key of digests of held files is derived for. Pseudonyms of persons are digests of texts under the same key, and a caller says
/// the text: no text has such a byte, so that the derived key is no pseudonym that anybody brings about.
const OF_FILES: &[u8] = b"\xffcordon held content";
/// The same of held texts; the channel follows: the words of a user are not those of a document.
const OF_TEXTS: &[u8] = b"\xffcordon held text ";
/// And of held calls of tools.
const OF_CALLS: &[u8] = b"\xffcordon held tool call";
/// The most held things of one call that wait: whoever writes a call of many short texts does not choose how long it takes.
pub(crate) const MOST_WAITING: usize = 64;
/// The most bytes of what the caller calls a file that are kept: what file systems allow.
const MOST_NAME: usize = 255;

/// Where held content goes.
pub trait Holding: Send + Sync + 'static {
    /// Takes what is held of a call, all or none. Resolves when it is durable, with the ids in the same order: what waits already keeps
    /// the id that it has.
    fn hold(&self, call: HeldCall) -> Pin<Box<dyn Future<Output = Result<Vec<HeldId>, NotHeld>> + Send>>;

    /// Uses up releases of what passes once, all or none. Resolves when that is durable; false where one of them was used before, or
    /// nothing is known of it.
    fn spend(&self, held: Vec<HeldId>) -> Pin<Box<dyn Future<Output = Result<bool, NotHeld>> + Send>>;

    /// Notes that a call did not wait any longer for this, and was refused without.
    fn late(&self);
}

/// Why what is held was not kept for a review.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotHeld {
    /// There is no key to seal them under.
    #[error("there is no key to keep held content under")]
    NoKey,
    /// There is no room.
    #[error("there is no room for held content")]
    Full,
    /// The store failed.
    #[error("held content cannot be kept: {0}")]
    Failed(String),
}

/// What is held of a call.
#[derive(Clone, PartialEq, Eq)]
pub struct HeldCall {
    /// The call.
    pub call: CallId,
    /// When it was.
    pub time: Timestamp,
    /// The route's owner, under whose key they are kept.
    pub team: Name,
    /// The route.
    pub route: Name,
    /// The caller.
    pub principal: Name,
    /// Its key.
    pub key: KeyId,
    /// Keyed pseudonym of the person behind the caller.
    pub subject: Option<Digest>,
    /// Keyed pseudonyms of everybody who is said to be behind it: none of them is one to release it. Of what looks like an address its
    /// small letters are among them.
    pub senders: Vec<Digest>,
    /// When content of the route's calls must be gone.
    pub expires: Timestamp,
    /// Whether content of this call is kept: what is held is kept as long then.
    pub captured: bool,
    /// The files, texts and calls of tools.
    pub items: Vec<HeldContent>,
}

/// A file, a text or a call of a tool that is held.
#[derive(Clone, PartialEq, Eq)]
pub struct HeldContent {
    /// A new id.
    pub id: HeldId,
    /// What it is.
    pub kind: HeldKind,
    /// Of a text, the channel that it came in.
    pub channel: Option<Channel>,
    /// Keyed digest of its bytes.
    pub content: Digest,
    /// Its bytes.
    pub bytes: Bytes,
    /// Its name, as the caller says.
    pub name: Option<String>,
    /// What it is said to be.
    pub media_type: Option<String>,
    /// What it is, by its content.
    pub file_type: &'static str,
    /// Where in the request it stood.
    pub part: String,
    /// What holds it.
    pub categories: Vec<Category>,
    /// What was found in it.
    pub findings: Vec<RecordedFinding>,
}

/// Keeps nothing: what is held has no reviewer.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHolding;

impl Holding for NoHolding {
    fn hold(&self, _: HeldCall) -> Pin<Box<dyn Future<Output = Result<Vec<HeldId>, NotHeld>> + Send>> {
        Box::pin(std::future::ready(Err(NotHeld::NoKey)))
    }

    fn spend(&self, _: Vec<HeldId>) -> Pin<Box<dyn Future<Output = Result<bool, NotHeld>> + Send>> {
        Box::pin(std::future::ready(Err(NotHeld::NoKey)))
    }

    fn late(&self) {}
}

impl std::fmt::Debug for HeldCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What it says stays out of logs.
        f.debug_struct("HeldCall")
            .field("call", &self.call)
            .field("items", &self.items.len())
            .finish_non_exhaustive()
    }
}

/// A file or a text of a request that somebody has to look at.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    kind: HeldKind,
    channel: Option<Channel>,
    /// Keyed digest of its bytes.
    pub(crate) content: Digest,
    bytes: Bytes,
    name: Option<String>,
    media_type: Option<String>,
    file_type: &'static str,
    part: String,
    categories: Vec<Category>,
    findings: Vec<RecordedFinding>,
}

impl Waiting {
    /// Adds what the same content is held for elsewhere in the call.
    pub(crate) fn join(&mut self, other: Self) {
        for category in other.categories {
            if !self.categories.contains(&category) {
                self.categories.push(category);
            }
        }
        for finding in other.findings {
            if self.findings.len() < MOST_WAITING && !self.findings.contains(&finding) {
                self.findings.push(finding);
            }
        }
    }
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiting").field("part", &self.part).finish_non_exhaustive()
    }
}

/// A call of which something is held.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    id: CallId,
    time: Timestamp,
    admitted: &'a Admitted,
}

impl<'a> Asking<'a> {
    /// One whose answer is not there yet.
    pub(crate) const fn admitted(call: &'a Call<Admitted>) -> Self {
        Self { id: call.id, time: call.time, admitted: &call.stage }
    }

    /// One that has an answer.
    pub(crate) const fn cleared(call: &'a Call<Cleared>) -> Self {
        Self { id: call.id, time: call.time, admitted: &call.stage.admitted }
    }
}

/// What people decided about what a caller sends on a route.
#[derive(Debug)]
pub(crate) struct Reviewing {
    snapshot: Arc<Snapshot>,
    route: Name,
    principal: Name,
    key: HmacKey,
}

/// What somebody decided about what is looked at.
#[derive(Debug)]
pub(crate) struct Decided {
    reviewed: Arc<Reviewed>,
    /// What was found that would be held without it.
    counted: Mutex<BTreeSet<Category>>,
}

/// A file or a text as it came.
pub(crate) struct Came<'a> {
    kind: HeldKind,
    channel: Option<Channel>,
    bytes: &'a [u8],
    name: Option<&'a str>,
    media_type: Option<&'a str>,
}

impl<'a> Came<'a> {
    /// A file.
    pub(crate) const fn file(bytes: &'a [u8], claim: &Claim<'a>) -> Self {
        Self { kind: HeldKind::File, channel: None, bytes, name: claim.name, media_type: claim.media_type }
    }

    /// A text of this channel.
    pub(crate) const fn text(channel: Channel, text: &'a str) -> Self {
        Self {
            kind: HeldKind::Text,
            channel: Some(channel),
            bytes: text.as_bytes(),
            name: None,
            media_type: None,
        }
    }

    /// A call of a tool, as it is written for this.
    pub(crate) const fn call(written: &'a [u8]) -> Self {
        Self { kind: HeldKind::ToolCall, channel: None, bytes: written, name: None, media_type: None }
    }

    fn digest(&self, pseudonym_key: &HmacKey) -> Digest {
        digest(pseudonym_key, (self.kind, self.channel), self.bytes)
    }
}

/// The keyed digest by which held content is known: one for all nodes that share a `pseudonym.key`. A text and a file of the same bytes
/// are two things to decide about, and so are texts of two channels.
pub(crate) fn digest(
    pseudonym_key: &HmacKey,
    (kind, channel): (HeldKind, Option<Channel>),
    bytes: &[u8],
) -> Digest {
    let purpose = match kind {
        HeldKind::File => OF_FILES.to_vec(),
        HeldKind::ToolCall => OF_CALLS.to_vec(),
        HeldKind::Text => [OF_TEXTS, channel.map_or("", Channel::as_str).as_bytes()].concat(),
    };
    HmacKey::from_bytes(*pseudonym_key.digest(&purpose).as_bytes()).digest(bytes)
}

impl Reviewing {
    /// What was decided for this call's caller and route.
    pub(crate) fn of(call: &Call<Admitted>, current: Arc<Snapshot>, pseudonym_key: &HmacKey) -> Arc<Self> {
        let (route, principal) =
            (call.stage.route().name.clone(), call.stage.identity().principal.name.clone());
        Arc::new(Self { snapshot: current, route, principal, key: pseudonym_key.clone() })
    }

    /// What was decided about this, where that is in force.
    fn find(&self, came: &Came<'_>, now: Timestamp) -> Option<Arc<Reviewed>> {
        if !self.snapshot.has_reviews(&self.route, &self.principal) {
            return None;
        }
        let (route, principal) = (self.route.clone(), self.principal.clone());
        let passage = Passage { route, principal, content: came.digest(&self.key) };
        self.snapshot.review(&passage, now).cloned()
    }
}

impl Inspection {
    /// Looks at a file, a text or a call of a tool once, as a review says where one decides about it. `look` gives what it is, by its content.
    pub(crate) fn reviewed<T>(
        &self,
        came: &Came<'_>,
        part: &impl Part,
        verdict: &mut inspection::Verdict,
        look: impl FnOnce(&Self, &mut inspection::Verdict) -> (T, &'static str),
    ) -> T {
        let Some(reviewing) = self.reviewing() else { return look(self, verdict).0 };
        // What passes once does not pass twice in one answer.
        let found = reviewing.find(came, self.now()).filter(|found| !verdict.has_spent(found.review.held));
        let decided = found.map(|reviewed| Arc::new(Decided::new(reviewed)));
        let (before, others) = (verdict.holds(), verdict.begin_part());
        let (looked, file_type) = match &decided {
            Some(decided) => look(&self.clone().deciding(Arc::clone(decided)), verdict),
            None => look(self, verdict),
        };
        let mut categories = verdict.end_part(others);
        let counted = decided.as_ref().map(|decided| decided.counted()).unwrap_or_default();
        let holds = verdict.holds().saturating_sub(before);
        let let_in = decided.filter(|_| holds == 0 && !counted.is_empty());
        if let Some(decided) = &let_in {
            verdict.decided(decided.reviewed.verdict, decided.reviewed.review.held);
        }
        let once =
            let_in.filter(|decided| came.kind.is_once() && decided.reviewed.verdict == Verdict::Released);
        if holds == 0 && once.is_none() {
            return looked;
        }
        // What does not wait is held all the same, and what cannot be used up is not let in.
        if holds > 0 && !verdict.has_room() {
            return looked;
        }
        // What was let in before is let in by the next release, too: the latest decision counts.
        categories.extend(counted);
        let content = came.digest(&reviewing.key);
        let part = part.name();
        let findings = verdict.recorded().findings.iter().filter(|finding| finding.part == part);
        let waiting = Waiting {
            kind: came.kind,
            channel: came.channel,
            content,
            bytes: Bytes::copy_from_slice(came.bytes),
            name: came.name.map(short),
            media_type: came.media_type.map(short),
            file_type,
            categories: categories.into_iter().collect(),
            findings: findings.cloned().collect(),
            part,
        };
        match once {
            Some(decided) => verdict.spends(decided.reviewed.review.held, waiting),
            None => verdict.waits(waiting, holds),
        }
        looked
    }
}

impl Inner {
    /// The person behind a call, as the header says that is configured for it.
    pub(crate) fn header_subject<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let name = self.options.subject_header.as_ref()?;
        headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Pseudonyms of those who are said to be behind a call. Addresses are one in capital and in small letters.
    pub(crate) fn senders(&self, named: [Option<&str>; 2]) -> Vec<Digest> {
        let mut senders = Vec::new();
        for name in named.into_iter().flatten() {
            senders.push(self.options.pseudonym_key.digest(name.as_bytes()));
            if name.contains('@') {
                senders.push(self.options.pseudonym_key.digest(name.to_lowercase().as_bytes()));
            }
        }
        senders
    }

    /// What a call is told that is refused so: where nothing holds it but what can be looked at, that is kept for somebody to do so. Gives
    /// the ids beside.
    pub(crate) async fn hold(
        &self,
        refusal: Refusal,
        waiting: Vec<Waiting>,
        call: Asking<'_>,
        record: &mut CallRecord,
    ) -> (Refusal, Vec<HeldId>) {
        if refusal.code != RefusalCode::HeldNoReviewer || waiting.is_empty() {
            return (refusal, Vec::new());
        }
        let (route, identity) = (call.admitted.route(), call.admitted.identity());
        let items = waiting.into_iter().map(|item| {
            let mut random = [0; 10];
            self.entropy.fill(&mut random);
            let Waiting { kind, channel, content, bytes, name, media_type, .. } = item;
            let Waiting { file_type, part, categories, findings, .. } = item;
            let id = HeldId::new(call.time, random);
            HeldContent {
                id,
                kind,
                channel,
                content,
                bytes,
                name,
                media_type,
                file_type,
                part,
                categories,
                findings,
            }
        });
        let held = HeldCall {
            call: call.id,
            time: call.time,
            team: route.team.clone(),
            route: route.name.clone(),
            principal: identity.principal.name.clone(),
            key: identity.key.id,
            subject: record.subject(),
            senders: record.senders.clone(),
            expires: call.time.plus(route.content_retention),
            captured: record.capturing().is_some(),
            items: items.collect(),
        };
        let kept = tokio::time::timeout(KEPT_WITHIN, self.ports.holding.hold(held)).await;
        let kept = kept.unwrap_or_else(|_| {
            self.ports.holding.late();
            Err(NotHeld::Failed("the store does not answer".to_owned()))
        });
        match kept {
            Ok(ids) => {
                let named = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let said = format!(
                    "The content is held as {named} until a person has looked at it; send it again when it was released."
                );
                (Refusal { code: RefusalCode::Held, ..refusal }.said(Some(said)), ids)
            }
            Err(why) => {
                if !matches!(why, NotHeld::NoKey) {
                    tracing::warn!(call = %call.id, %why, "what is held was not kept for a review");
                }
                (Refusal { private: format!("{}; {why}", refusal.private), ..refusal }, Vec::new())
            }
        }
    }

    /// Uses up the releases that let calls of tools of an answer in, before any of it leaves: each lets in one.
    ///
    /// # Errors
    /// When one of them was used already: the calls are held again, under the ids that come beside. Or when nobody can tell.
    pub(crate) async fn spend(
        &self,
        verdict: &mut inspection::Verdict,
        call: Asking<'_>,
        record: &mut CallRecord,
    ) -> Result<(), (Refusal, Vec<HeldId>)> {
        let (held, waiting): (Vec<HeldId>, Vec<Waiting>) = verdict.take_spent().into_iter().unzip();
        if held.is_empty() {
            return Ok(());
        }
        let spent = tokio::time::timeout(KEPT_WITHIN, self.ports.holding.spend(held.clone())).await;
        let why = match spent {
            Ok(Ok(true)) => return Ok(()),
            Ok(Ok(false)) => "a release of a tool call was used already".to_owned(),
            Ok(Err(why)) => why.to_string(),
            Err(_) => "the store of held content does not answer".to_owned(),
        };
        held.into_iter().for_each(|held| verdict.was_not_released(held));
        Err(self.hold(Refusal::new(RefusalCode::HeldNoReviewer, why), waiting, call, record).await)
    }
}

/// As much of a name as is kept.
fn short(name: &str) -> String {
    name.get(..name.floor_char_boundary(MOST_NAME)).unwrap_or_default().to_owned()
}

impl Decided {
    fn new(reviewed: Arc<Reviewed>) -> Self {
        Self { reviewed, counted: Mutex::default() }
    }

    fn counted(&self) -> BTreeSet<Category> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What an action about such a finding becomes by it: what would be held passes with a remark, or is stopped. What nobody was shown
    /// when it was released is held again.
    pub(crate) fn action(&self, category: &Category, action: Action) -> Action {
        if action != Action::Hold || !self.reviewed.covers(category) {
            return action;
        }
        self.counted.lock().unwrap_or_else(PoisonError::into_inner).insert(category.clone());
        match self.reviewed.verdict {
            Verdict::Released => Action::Flag,
            Verdict::Rejected => Action::Block,
        }
    }
}

#[cfg(test)]
mod tests;
