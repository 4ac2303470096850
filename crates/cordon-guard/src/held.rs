//! Files that are held: kept for a person to look at, and let in, or refused, by what the person decided.
//!
//! What a file is looked into for is ruled on as ever. Where that ends in `hold`, the file's keyed digest is looked up among the reviews
//! of its caller on its route: a release makes what would be held a remark, a rejection stops it, and what is blocked stays blocked. What
//! nobody has decided about is handed to [`Holding`] when the call is refused, where nothing but files holds it: releasing a file would not
//! help a call that is held for something else.

use std::{
    collections::BTreeSet,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use cordon_core::{
    Action, CallId, Category, Digest, HmacKey, KeyId, Name, Refusal, RefusalCode, Timestamp,
    record::RecordedFinding,
    review::{HeldId, Passage, Reviewed, Verdict},
};
use cordon_policy::Snapshot;
use http::HeaderMap;

use crate::{
    admit::Admitted,
    call::Call,
    inspection::{self, Inspection, Part},
    pipeline::Inner,
    record::CallRecord,
};

/// How long a refusal waits for what is held to be kept.
const KEPT_WITHIN: Duration = Duration::from_secs(5);
/// What the key of digests of held files is derived for. Pseudonyms of persons are digests of texts under the same key, and a caller says
/// the text: no text has such a byte, so that the derived key is no pseudonym that anybody brings about.
const PURPOSE: &[u8] = b"\xffcordon held content";
/// The most bytes of what the caller calls a file that are kept: what file systems allow.
const MOST_NAME: usize = 255;

/// Where held files go.
pub trait Holding: Send + Sync + 'static {
    /// Takes the files of a call that is held, all or none. Resolves when they are durable, with their ids in the order of the files: a
    /// file that waits already keeps the id that it has.
    fn hold(&self, call: HeldCall) -> Pin<Box<dyn Future<Output = Result<Vec<HeldId>, NotHeld>> + Send>>;

    /// Notes that a call did not wait any longer for this, and was refused without.
    fn late(&self);
}

/// Why files were not kept for a review.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotHeld {
    /// There is no key to seal them under.
    #[error("there is no key to keep held files under")]
    NoKey,
    /// There is no room.
    #[error("there is no room for held files")]
    Full,
    /// The store failed.
    #[error("held files cannot be kept: {0}")]
    Failed(String),
}

/// The files of a call that are held.
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
    /// Whether content of this call is kept: files are kept as long then.
    pub captured: bool,
    /// The files.
    pub files: Vec<HeldFile>,
}

/// A file that is held.
#[derive(Clone, PartialEq, Eq)]
pub struct HeldFile {
    /// A new id.
    pub id: HeldId,
    /// Keyed digest of its bytes.
    pub content: Digest,
    /// Its bytes.
    pub bytes: Bytes,
    /// Its name, as the caller says.
    pub name: Option<String>,
    /// What it is said to be.
    pub media_type: Option<String>,
    /// What it is.
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

    fn late(&self) {}
}

impl std::fmt::Debug for HeldCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What files say stays out of logs.
        f.debug_struct("HeldCall")
            .field("call", &self.call)
            .field("files", &self.files.len())
            .finish_non_exhaustive()
    }
}

/// A file of a request that somebody has to look at.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
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

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiting").field("part", &self.part).finish_non_exhaustive()
    }
}

/// What people decided about files of a caller on a route.
#[derive(Debug)]
pub(crate) struct Reviewing {
    snapshot: Arc<Snapshot>,
    route: Name,
    principal: Name,
    key: HmacKey,
}

/// What somebody decided about the file that is looked at.
#[derive(Debug)]
pub(crate) struct Decided {
    reviewed: Arc<Reviewed>,
    /// What was found that would be held without it.
    counted: Mutex<BTreeSet<Category>>,
}

/// A file as it came.
pub(crate) struct Came<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) name: Option<&'a str>,
    pub(crate) media_type: Option<&'a str>,
}

/// The key of digests of held files: one for all nodes that share a `pseudonym.key`.
pub(crate) fn digest_key(pseudonym_key: &HmacKey) -> HmacKey {
    HmacKey::from_bytes(*pseudonym_key.digest(PURPOSE).as_bytes())
}

impl Reviewing {
    /// What was decided for this call's caller and route.
    pub(crate) fn of(call: &Call<Admitted>, current: Arc<Snapshot>, pseudonym_key: &HmacKey) -> Arc<Self> {
        let (route, principal) =
            (call.stage.route().name.clone(), call.stage.identity().principal.name.clone());
        Arc::new(Self { snapshot: current, route, principal, key: digest_key(pseudonym_key) })
    }

    /// What was decided about these bytes, where that is in force.
    fn find(&self, bytes: &[u8], now: Timestamp) -> Option<Arc<Reviewed>> {
        if !self.snapshot.has_reviews(&self.route, &self.principal) {
            return None;
        }
        let (route, principal) = (self.route.clone(), self.principal.clone());
        let passage = Passage { route, principal, content: self.key.digest(bytes) };
        self.snapshot.review(&passage, now).cloned()
    }
}

impl Inspection {
    /// Looks at a file once, as a review says where one decides about it. `look` gives what the file is.
    pub(crate) fn reviewed<T>(
        &self,
        came: &Came<'_>,
        part: &impl Part,
        verdict: &mut inspection::Verdict,
        look: impl FnOnce(&Self, &mut inspection::Verdict) -> (T, &'static str),
    ) -> T {
        let Some(reviewing) = self.reviewing() else { return look(self, verdict).0 };
        let decided = reviewing.find(came.bytes, self.now()).map(|reviewed| Arc::new(Decided::new(reviewed)));
        let (before, others) = (verdict.holds(), verdict.begin_part());
        let (looked, file_type) = match &decided {
            Some(decided) => look(&self.clone().deciding(Arc::clone(decided)), verdict),
            None => look(self, verdict),
        };
        let mut categories = verdict.end_part(others);
        let counted = decided.as_ref().map(|decided| decided.counted()).unwrap_or_default();
        let holds = verdict.holds().saturating_sub(before);
        if holds == 0 {
            if let Some(decided) = decided.filter(|_| !counted.is_empty()) {
                verdict.decided(decided.reviewed.verdict, decided.reviewed.review.held);
            }
            return looked;
        }
        // What was let in before is let in by the next release, too: the latest decision counts.
        categories.extend(counted);
        let content = reviewing.key.digest(came.bytes);
        let part = part.name();
        let findings = verdict.recorded().findings.iter().filter(|finding| finding.part == part);
        let waiting = Waiting {
            content,
            bytes: Bytes::copy_from_slice(came.bytes),
            name: came.name.map(short),
            media_type: came.media_type.map(short),
            file_type,
            categories: categories.into_iter().collect(),
            findings: findings.cloned().collect(),
            part,
        };
        verdict.waits(waiting, holds);
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

    /// What a call is told that is refused so: where nothing but files holds it, they are kept for somebody to look at.
    pub(crate) async fn hold(
        &self,
        refusal: Refusal,
        waiting: Vec<Waiting>,
        call: &Call<Admitted>,
        record: &mut CallRecord,
    ) -> Refusal {
        if refusal.code != RefusalCode::HeldNoReviewer || waiting.is_empty() {
            return refusal;
        }
        let (route, identity) = (call.stage.route(), call.stage.identity());
        let files = waiting.into_iter().map(|file| {
            let mut random = [0; 10];
            self.entropy.fill(&mut random);
            let Waiting { content, bytes, name, media_type, file_type, part, categories, findings } = file;
            let id = HeldId::new(call.time, random);
            HeldFile { id, content, bytes, name, media_type, file_type, part, categories, findings }
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
            files: files.collect(),
        };
        let kept = tokio::time::timeout(KEPT_WITHIN, self.ports.holding.hold(held)).await;
        let kept = kept.unwrap_or_else(|_| {
            self.ports.holding.late();
            Err(NotHeld::Failed("the store does not answer".to_owned()))
        });
        match kept {
            Ok(ids) => {
                let named = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                record.input.held = ids;
                let said = format!(
                    "The content is held as {named} until a person has looked at it; send it again when it was released."
                );
                Refusal { code: RefusalCode::Held, ..refusal }.said(Some(said))
            }
            Err(why) => {
                if !matches!(why, NotHeld::NoKey) {
                    tracing::warn!(call = %call.id, %why, "what is held was not kept for a review");
                }
                Refusal { private: format!("{}; {why}", refusal.private), ..refusal }
            }
        }
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
mod tests {
    use cordon_core::{
        Fact, Form, Sealed, State,
        fact::{Actor, Body},
        review::Review,
    };

    use super::*;
    use crate::tree::testing::inspection;

    const NOW: Timestamp = Timestamp::from_millis(0);
    const FILE: &[u8] = b"%PDF-1.7\ncut off";

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    /// What a file comes to under rules, where this was decided about it by another one of its bytes.
    fn looked(
        rules: &[(&'static str, Action, Form)],
        decided: Option<(Verdict, &[u8], i64)>,
    ) -> inspection::Verdict {
        looked_for(rules, decided, "file")
    }

    /// The same, where the file was held for this.
    fn looked_for(
        rules: &[(&'static str, Action, Form)],
        decided: Option<(Verdict, &[u8], i64)>,
        held_for: &'static str,
    ) -> inspection::Verdict {
        let key = HmacKey::from_bytes([9; 32]);
        let mut state = State::new();
        if let Some((verdict, of, ends)) = decided {
            let review = Review {
                held: HeldId::from_bytes([1; 16]),
                call: CallId::from_bytes([2; 16]),
                route: name("bot"),
                principal: name("app"),
                content: digest_key(&key).digest(of),
                bytes: of.len() as u64,
                categories: vec![Category::known(held_for)],
                since: NOW,
                ends: Timestamp::from_millis(ends),
                reason: Sealed::Closed(Digest::sha256(b"")),
            };
            let body = match verdict {
                Verdict::Released => Body::HeldReleased(review),
                Verdict::Rejected => Body::HeldRejected(review),
            };
            state.apply(&Fact { time: NOW, actor: Actor::Local, body });
        }
        let reviewing = Reviewing {
            snapshot: Arc::new(Snapshot::compile(&state)),
            route: name("bot"),
            principal: name("app"),
            key: digest_key(&key),
        };
        let by = inspection(rules).reviewing_by(Arc::new(reviewing));
        let mut verdict = inspection::Verdict::default();
        let claim = cordon_files::Claim { name: Some("a.pdf"), media_type: None };
        by.bytes(cordon_core::Channel::User, &"file", FILE, &claim, &mut verdict, |_, _| {});
        verdict
    }

    #[test]
    fn a_review_decides_about_these_bytes_alone_and_only_where_they_would_be_held() {
        let hold: &[_] = &[("file", Action::Hold, Form::Mask)];
        let far = i64::MAX;
        let mut waits = looked(hold, None);
        assert_eq!((waits.action(), waits.take_waiting().len()), (Action::Hold, 1));
        let mut passes = looked(hold, Some((Verdict::Released, FILE, far)));
        assert_eq!((passes.action(), passes.take_waiting().len()), (Action::Flag, 0));
        assert_eq!(passes.recorded().released, [HeldId::from_bytes([1; 16])]);
        let stops = looked(hold, Some((Verdict::Rejected, FILE, far)));
        assert_eq!(stops.refusal().map(|refusal| refusal.code), Some(RefusalCode::ContentBlocked));
        assert!(stops.refusal().unwrap().sentence().contains("rejected it"));
        // Of other bytes, or when it has ended, it says nothing.
        for (of, ends) in [(b"other".as_slice(), far), (FILE, 0)] {
            assert_eq!(looked(hold, Some((Verdict::Released, of, ends))).action(), Action::Hold);
        }
        // A release lets in what the file was held for, and holds the rest again; a rejection stops all of it.
        let mut other = looked_for(hold, Some((Verdict::Released, FILE, far)), "pii/email");
        assert_eq!((other.action(), other.take_waiting().len()), (Action::Hold, 1));
        assert!(other.recorded().released.is_empty());
        let stops = looked_for(hold, Some((Verdict::Rejected, FILE, far)), "pii/email");
        assert_eq!(stops.action(), Action::Block);
        // What is blocked stays so, and where nothing is held nothing was let in.
        let block: &[_] = &[("file", Action::Block, Form::Mask)];
        let blocked = looked(block, Some((Verdict::Released, FILE, far)));
        assert_eq!((blocked.action(), blocked.recorded().released.len()), (Action::Block, 0));
        assert_eq!(blocked.refusal().unwrap().sentence(), RefusalCode::ContentBlocked.sentence());
    }

    #[test]
    fn names_are_short_and_the_key_is_no_pseudonym_of_a_text() {
        assert_eq!(short("a.pdf"), "a.pdf");
        let long = short(&format!("a{}", "\u{e9}".repeat(1 << 16)));
        assert_eq!(long, format!("a{}", "\u{e9}".repeat(127)));
        assert!(String::from_utf8(PURPOSE.to_vec()).is_err());
    }

    #[test]
    fn a_file_waits_only_where_nothing_else_holds_the_call() {
        let mut verdict = looked(&[("file", Action::Hold, Form::Mask)], None);
        let by = inspection(&[("uninspected", Action::Hold, Form::Mask)]);
        let category = cordon_core::Category::known("uninspected/remote");
        let _ = by.unseen(cordon_core::Channel::User, &"messages/0", category, 1, &mut verdict);
        assert!(verdict.take_waiting().is_empty());
    }
}
