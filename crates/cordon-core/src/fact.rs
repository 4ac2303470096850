//! Facts: the entries of the log.
//!
//! A fact is stored as one line of canonical JSON, `{"actor","body","time","type","v"}`. Those bytes are the leaf of the
//! log; they are read again, never written again. `type` and `v` together name the form of the body: a form is never
//! changed, a new one gets the next `v`, and old ones stay readable for ever (golden files keep one of each).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{
    ApiKey, Digest, KeyId, Name, Sealed, Timestamp, canonical,
    containment::{Cleared, Contained, Firing, Lift, Quarantine},
    evidence::{Anchor, Erasure, Hold, JournalEnd, JournalStart, LogKey, Retirement, SegmentSeal},
    feedback::Label,
    identity::{BootstrapUse, Role, User, UserId},
    json::{Object, Value},
    resource::{Kind, Resource, Spec},
    review::Review,
};

/// Largest stored form of a fact. Larger specs are blobs, named by their digest.
pub const MAX_FACT_BYTES: usize = 60_000;

/// Largest spec of a resource, as a blob.
pub const MAX_BLOB_BYTES: usize = 8 << 20;

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// When it was decided. Never decreases along the log.
    pub time: Timestamp,
    /// Who decided it.
    pub actor: Actor,
    /// What became true.
    pub body: Body,
}

/// Who decided a fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The bearer of the first administrator's token.
    Bootstrap,
    /// Cordon itself.
    Cordon,
    /// Somebody with the rights of the operating system on a store that nobody serves.
    Local,
    /// A trigger, which acts by what was approved in advance.
    Trigger(Name),
    /// A person who signed in. The id says nothing of who that is; names lie sealed beside the fact that added the person.
    User(UserId),
}

/// What became true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A resource says this from now on.
    ResourceSet(Resource),
    /// A resource is gone.
    ResourceRemoved(Kind, Name),
    /// A key exists.
    KeyIssued(ApiKey),
    /// A key ends at this time, which is earlier than before.
    KeyRetired(KeyId, Timestamp),
    /// A key is void from now on.
    KeyRevoked(KeyId, Option<Sealed<String>>),
    /// A node begins a journal of calls.
    JournalStarted(JournalStart),
    /// Journals have grown this far.
    JournalsAnchored(Vec<Anchor>),
    /// A journal takes no more frames.
    JournalEnded(JournalEnd),
    /// A segment of a journal lies in the object store.
    SegmentSealed(SegmentSeal),
    /// Records are gone because their time was over.
    RecordsRetired(Retirement),
    /// The keys of captured content are destroyed.
    ContentErased(Erasure),
    /// Content is under legal hold.
    HoldSet(Hold),
    /// A legal hold ends.
    HoldReleased(Name, Option<Sealed<String>>),
    /// Checkpoints are signed with this key from now on.
    LogKeySet(LogKey),
    /// A person is known from now on.
    UserAdded(User),
    /// A person may do this from now on.
    UserRoleSet(UserId, Role),
    /// A person may not sign in any more.
    UserDisabled(UserId, Option<Sealed<String>>),
    /// A person may sign in again.
    UserEnabled(UserId),
    /// A person's password is void, and so are sessions and tokens; a secret to choose a new one was given out.
    UserReset(UserId),
    /// All sessions and tokens of a person are void.
    UserSessionsRevoked(UserId),
    /// The first administrator's token was used.
    BootstrapUsed(BootstrapUse),
    /// A subject is out of every route.
    SubjectQuarantined(Quarantine),
    /// The first of two people wants a quarantine to be lifted.
    LiftAsked(Lift),
    /// A subject is back.
    QuarantineLifted(Lift),
    /// A trigger has fired.
    TriggerFired(Firing),
    /// A test call was answered as the containment of a trigger wants it.
    TriggerContained(Contained),
    /// What a trigger did has ended.
    TriggerCleared(Cleared),
    /// Somebody says of a finding whether it is right.
    FindingLabelled(Label),
    /// What was held passes from now on.
    HeldReleased(Review),
    /// What was held is refused from now on.
    HeldRejected(Review),
}

/// The stored form of a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The bytes that the log keeps and hashes.
    pub bytes: Vec<u8>,
    /// The spec, where it was too large for the fact: kept beside the log under its SHA-256.
    pub blob: Option<Blob>,
}

/// Content-addressed bytes beside the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// SHA-256 of the bytes.
    pub digest: Digest,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Why a fact has no stored form.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// Something in it has no canonical form.
    #[error("the fact has no canonical form")]
    Canonical(#[from] canonical::Error),
    /// It is too large even with its spec as a blob.
    #[error("the fact is {bytes} bytes, more than {limit}; help: split the resource")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// What is allowed.
        limit: usize,
    },
}

/// Why stored bytes are not a fact that this version knows.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DecodeError {
    /// A newer version wrote it.
    #[error("fact type `{kind}` version {version} is newer than this program; help: upgrade cordon")]
    UnknownVersion {
        /// The type.
        kind: String,
        /// The version.
        version: u64,
    },
    /// A blob that it names is not there or not what its name says.
    #[error("the blob {0} of a fact is missing or damaged")]
    Blob(Digest),
    /// It is no fact at all.
    #[error("not a fact: {0}")]
    Malformed(String),
}

/// The members beside `spec` or `spec_blob`.
#[derive(Serialize)]
struct ResourceSetV1 {
    kind: Kind,
    name: Name,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResourceRemovedV1 {
    kind: Kind,
    name: Name,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyRetiredV1 {
    key: KeyId,
    expires: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyRevokedV1 {
    key: KeyId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Sealed<String>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JournalsAnchoredV1<A> {
    anchors: A,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HoldReleasedV1 {
    name: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Sealed<String>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UserV1 {
    user: UserId,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UserRoleSetV1 {
    user: UserId,
    role: Role,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UserDisabledV1 {
    user: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Sealed<String>>,
}

impl Body {
    /// The type's name, as stored and shown.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::ResourceSet(_) => "resource.set",
            Self::ResourceRemoved(..) => "resource.removed",
            Self::KeyIssued(_) => "key.issued",
            Self::KeyRetired(..) => "key.retired",
            Self::KeyRevoked(..) => "key.revoked",
            Self::JournalStarted(_) => "journal.started",
            Self::JournalsAnchored(_) => "journals.anchored",
            Self::JournalEnded(_) => "journal.ended",
            Self::SegmentSealed(_) => "segment.sealed",
            Self::RecordsRetired(_) => "records.retired",
            Self::ContentErased(_) => "content.erased",
            Self::HoldSet(_) => "hold.set",
            Self::HoldReleased(..) => "hold.released",
            Self::LogKeySet(_) => "log.key_set",
            Self::UserAdded(_) => "user.added",
            Self::UserRoleSet(..) => "user.role_set",
            Self::UserDisabled(..) => "user.disabled",
            Self::UserEnabled(_) => "user.enabled",
            Self::UserReset(_) => "user.reset",
            Self::UserSessionsRevoked(_) => "user.sessions_revoked",
            Self::BootstrapUsed(_) => "bootstrap.used",
            Self::SubjectQuarantined(_) => "subject.quarantined",
            Self::LiftAsked(_) => "quarantine.lift_asked",
            Self::QuarantineLifted(_) => "quarantine.lifted",
            Self::TriggerFired(_) => "trigger.fired",
            Self::TriggerContained(_) => "trigger.contained",
            Self::TriggerCleared(_) => "trigger.cleared",
            Self::FindingLabelled(_) => "finding.labelled",
            Self::HeldReleased(_) => "held.released",
            Self::HeldRejected(_) => "held.rejected",
        }
    }

    /// The digests of its sealed values, which lie beside the log as long as nobody destroyed them.
    pub fn sealed_digests(&self) -> Vec<Digest> {
        let reason = match self {
            Self::ResourceSet(resource) => {
                let mut spec = resource.spec.clone();
                return spec.sealed_fields().into_iter().filter_map(|(_, field)| field.digest()).collect();
            }
            Self::UserAdded(user) => {
                let fields = [Some(&user.login), user.name.as_ref()];
                return fields.into_iter().flatten().filter_map(Sealed::digest).collect();
            }
            Self::KeyRevoked(_, reason) | Self::HoldReleased(_, reason) | Self::UserDisabled(_, reason) => {
                reason.as_ref()
            }
            Self::ContentErased(erasure) => erasure.reason.as_ref(),
            Self::HoldSet(hold) => Some(&hold.reason),
            Self::SubjectQuarantined(quarantine) => Some(&quarantine.reason),
            Self::LiftAsked(lift) | Self::QuarantineLifted(lift) => Some(&lift.reason),
            Self::HeldReleased(review) | Self::HeldRejected(review) => Some(&review.reason),
            _ => None,
        };
        reason.and_then(Sealed::digest).into_iter().collect()
    }

    /// The body's tree and the spec that may have to leave it.
    fn to_value(&self) -> Result<Value, canonical::Error> {
        Ok(match self {
            Self::ResourceSet(resource) => {
                let header = ResourceSetV1 { kind: resource.spec.kind(), name: resource.name.clone() };
                let mut value = canonical::to_value(&header)?;
                if let Some(object) = value.as_object_mut() {
                    // "kind" < "name" < "spec": the members stay sorted.
                    object.insert("spec", resource.spec.to_canonical()?);
                }
                value
            }
            Self::ResourceRemoved(kind, name) => {
                canonical::to_value(&ResourceRemovedV1 { kind: *kind, name: name.clone() })?
            }
            Self::KeyIssued(key) => canonical::to_value(key)?,
            Self::KeyRetired(key, expires) => {
                canonical::to_value(&KeyRetiredV1 { key: *key, expires: *expires })?
            }
            Self::KeyRevoked(key, reason) => {
                canonical::to_value(&KeyRevokedV1 { key: *key, reason: reason.clone() })?
            }
            Self::JournalStarted(start) => canonical::to_value(start)?,
            Self::JournalsAnchored(anchors) => canonical::to_value(&JournalsAnchoredV1 { anchors })?,
            Self::JournalEnded(end) => canonical::to_value(end)?,
            Self::SegmentSealed(seal) => canonical::to_value(seal)?,
            Self::RecordsRetired(retirement) => canonical::to_value(retirement)?,
            Self::ContentErased(erasure) => canonical::to_value(erasure)?,
            Self::HoldSet(hold) => canonical::to_value(hold)?,
            Self::HoldReleased(name, reason) => {
                canonical::to_value(&HoldReleasedV1 { name: name.clone(), reason: reason.clone() })?
            }
            Self::LogKeySet(key) => canonical::to_value(key)?,
            Self::UserAdded(user) => canonical::to_value(user)?,
            Self::UserRoleSet(user, role) => {
                canonical::to_value(&UserRoleSetV1 { user: *user, role: *role })?
            }
            Self::UserDisabled(user, reason) => {
                canonical::to_value(&UserDisabledV1 { user: *user, reason: reason.clone() })?
            }
            Self::UserEnabled(user) | Self::UserReset(user) | Self::UserSessionsRevoked(user) => {
                canonical::to_value(&UserV1 { user: *user })?
            }
            Self::BootstrapUsed(usage) => canonical::to_value(usage)?,
            Self::SubjectQuarantined(quarantine) => canonical::to_value(quarantine)?,
            Self::LiftAsked(lift) | Self::QuarantineLifted(lift) => canonical::to_value(lift)?,
            Self::TriggerFired(firing) => canonical::to_value(firing)?,
            Self::TriggerContained(contained) => canonical::to_value(contained)?,
            Self::TriggerCleared(cleared) => canonical::to_value(cleared)?,
            Self::FindingLabelled(label) => canonical::to_value(label)?,
            Self::HeldReleased(review) | Self::HeldRejected(review) => canonical::to_value(review)?,
        })
    }

    fn read(
        kind: &str,
        version: u64,
        body: &[u8],
        blob: &dyn Fn(&Digest) -> Option<Vec<u8>>,
    ) -> Result<Self, DecodeError> {
        Ok(match (kind, version) {
            ("resource.set", 1) => Self::ResourceSet(read_resource(body, blob)?),
            ("resource.removed", 1) => {
                let removed: ResourceRemovedV1 = canonical::from_bytes(body)?;
                Self::ResourceRemoved(removed.kind, removed.name)
            }
            ("key.issued", 1) => Self::KeyIssued(canonical::from_bytes(body)?),
            ("key.retired", 1) => {
                let retired: KeyRetiredV1 = canonical::from_bytes(body)?;
                Self::KeyRetired(retired.key, retired.expires)
            }
            ("key.revoked", 1) => {
                let revoked: KeyRevokedV1 = canonical::from_bytes(body)?;
                Self::KeyRevoked(revoked.key, revoked.reason)
            }
            ("journal.started", 1) => Self::JournalStarted(canonical::from_bytes(body)?),
            ("journals.anchored", 1) => {
                let anchored: JournalsAnchoredV1<Vec<Anchor>> = canonical::from_bytes(body)?;
                Self::JournalsAnchored(anchored.anchors)
            }
            ("journal.ended", 1) => Self::JournalEnded(canonical::from_bytes(body)?),
            ("segment.sealed", 1) => Self::SegmentSealed(canonical::from_bytes(body)?),
            ("records.retired", 1) => Self::RecordsRetired(canonical::from_bytes(body)?),
            ("content.erased", 1) => Self::ContentErased(canonical::from_bytes(body)?),
            ("hold.set", 1) => Self::HoldSet(canonical::from_bytes(body)?),
            ("hold.released", 1) => {
                let released: HoldReleasedV1 = canonical::from_bytes(body)?;
                Self::HoldReleased(released.name, released.reason)
            }
            ("log.key_set", 1) => Self::LogKeySet(canonical::from_bytes(body)?),
            ("user.added", 1) => Self::UserAdded(canonical::from_bytes(body)?),
            ("user.role_set", 1) => {
                let set: UserRoleSetV1 = canonical::from_bytes(body)?;
                Self::UserRoleSet(set.user, set.role)
            }
            ("user.disabled", 1) => {
                let disabled: UserDisabledV1 = canonical::from_bytes(body)?;
                Self::UserDisabled(disabled.user, disabled.reason)
            }
            ("user.enabled", 1) => Self::UserEnabled(canonical::from_bytes::<UserV1>(body)?.user),
            ("user.reset", 1) => Self::UserReset(canonical::from_bytes::<UserV1>(body)?.user),
            ("user.sessions_revoked", 1) => {
                Self::UserSessionsRevoked(canonical::from_bytes::<UserV1>(body)?.user)
            }
            ("bootstrap.used", 1) => Self::BootstrapUsed(canonical::from_bytes(body)?),
            ("subject.quarantined", 1) => Self::SubjectQuarantined(canonical::from_bytes(body)?),
            ("quarantine.lift_asked", 1) => Self::LiftAsked(canonical::from_bytes(body)?),
            ("quarantine.lifted", 1) => Self::QuarantineLifted(canonical::from_bytes(body)?),
            ("trigger.fired", 1) => Self::TriggerFired(canonical::from_bytes(body)?),
            ("trigger.contained", 1) => Self::TriggerContained(canonical::from_bytes(body)?),
            ("trigger.cleared", 1) => Self::TriggerCleared(canonical::from_bytes(body)?),
            ("finding.labelled", 1) => Self::FindingLabelled(canonical::from_bytes(body)?),
            ("held.released", 1) => Self::HeldReleased(canonical::from_bytes(body)?),
            ("held.rejected", 1) => Self::HeldRejected(canonical::from_bytes(body)?),
            _ => return Err(DecodeError::UnknownVersion { kind: kind.chars().take(64).collect(), version }),
        })
    }
}

fn read_resource(body: &[u8], blob: &dyn Fn(&Digest) -> Option<Vec<u8>>) -> Result<Resource, DecodeError> {
    let members = canonical::members(body)?;
    let members: Vec<(&str, &[u8])> = members.iter().map(|(key, value)| (key.as_ref(), *value)).collect();
    let (kind, name, spec) = match members.as_slice() {
        [("kind", kind), ("name", name), ("spec", spec)] => (kind, name, Cow::Borrowed(*spec)),
        [("kind", kind), ("name", name), ("spec_blob", digest)] => {
            let digest: Digest = canonical::from_bytes(digest)?;
            let bytes = blob(&digest)
                .filter(|bytes| bytes.len() <= MAX_BLOB_BYTES && Digest::sha256(bytes) == digest);
            (kind, name, Cow::Owned(bytes.ok_or(DecodeError::Blob(digest))?))
        }
        _ => return Err(DecodeError::Malformed("kind, name, and a spec or a blob are expected".into())),
    };
    let spec = Spec::from_canonical(canonical::from_bytes(kind)?, &spec)?;
    Ok(Resource { name: canonical::from_bytes(name)?, spec })
}

impl From<canonical::Error> for DecodeError {
    fn from(error: canonical::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}

impl Fact {
    /// The stored form.
    ///
    /// # Errors
    /// When a sealed field is open, or the fact is too large.
    pub fn encode(&self) -> Result<Leaf, EncodeError> {
        let leaf = |body: Value| -> Result<Vec<u8>, canonical::Error> {
            let members = [
                ("actor", canonical::to_value(&self.actor)?),
                ("body", body),
                ("time", canonical::to_value(&self.time)?),
                ("type", self.body.type_name().into()),
                ("v", 1_u64.into()),
            ];
            Ok(Value::Object(members.into_iter().collect::<Object>()).to_vec())
        };
        let mut body = self.body.to_value()?;
        let bytes = leaf(body.clone())?;
        if bytes.len() <= MAX_FACT_BYTES {
            return Ok(Leaf { bytes, blob: None });
        }
        let Some(spec) = body.as_object_mut().and_then(|object| object.remove("spec")) else {
            return Err(EncodeError::TooLarge { bytes: bytes.len(), limit: MAX_FACT_BYTES });
        };
        let spec = spec.to_vec();
        if spec.len() > MAX_BLOB_BYTES {
            return Err(EncodeError::TooLarge { bytes: spec.len(), limit: MAX_BLOB_BYTES });
        }
        let blob = Blob { digest: Digest::sha256(&spec), bytes: spec };
        if let Some(object) = body.as_object_mut() {
            object.insert("spec_blob", blob.digest.to_string());
        }
        Ok(Leaf { bytes: leaf(body)?, blob: Some(blob) })
    }

    /// Reads a stored form. `blob` finds the bytes of a content address.
    ///
    /// # Errors
    /// When the bytes are not a fact, or one of a version that this program does not know: such a node must keep its
    /// last Snapshot and is not ready.
    pub fn decode(bytes: &[u8], blob: &dyn Fn(&Digest) -> Option<Vec<u8>>) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_FACT_BYTES {
            return Err(DecodeError::Malformed(format!("{} bytes", bytes.len())));
        }
        let members = canonical::members(bytes)?;
        let members: Vec<(&str, &[u8])> = members.iter().map(|(key, value)| (key.as_ref(), *value)).collect();
        let [("actor", actor), ("body", body), ("time", time), ("type", kind), ("v", version)] =
            members.as_slice()
        else {
            return Err(DecodeError::Malformed("actor, body, time, type and v are expected".into()));
        };
        let kind: String = canonical::from_bytes(kind)?;
        // The body first: an unknown version is a clearer answer than an actor that only it knows.
        let body = Body::read(&kind, canonical::from_bytes(version)?, body, blob)?;
        Ok(Self { time: canonical::from_bytes(time)?, actor: canonical::from_bytes(actor)?, body })
    }
}
