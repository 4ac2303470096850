//! Facts: the entries of the log.
//!
//! A fact is stored as one line of canonical JSON, `{"actor","body","time","type","v"}`. Those bytes are the leaf of the
//! log; they are read again, never written again. `type` and `v` together name the form of the body: a form is never
//! changed, a new one gets the next `v`, and old ones stay readable for ever (golden files keep one of each).

use serde::{Deserialize, Serialize};

use crate::{
    ApiKey, Digest, KeyId, Name, Sealed, Timestamp, canonical,
    json::{Limits, Object, Value},
    resource::{Kind, Resource, Spec},
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The bearer of the first administrator's token.
    Bootstrap,
    /// Cordon itself.
    Cordon,
    /// Somebody with the rights of the operating system on a store that nobody serves.
    Local,
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

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResourceSetV1 {
    kind: Kind,
    name: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spec_blob: Option<Digest>,
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

impl Body {
    /// The type's name, as stored and shown.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::ResourceSet(_) => "resource.set",
            Self::ResourceRemoved(..) => "resource.removed",
            Self::KeyIssued(_) => "key.issued",
            Self::KeyRetired(..) => "key.retired",
            Self::KeyRevoked(..) => "key.revoked",
        }
    }

    /// The body's tree and the spec that may have to leave it.
    fn to_value(&self) -> Result<Value, canonical::Error> {
        Ok(match self {
            Self::ResourceSet(resource) => {
                let header = ResourceSetV1 {
                    kind: resource.spec.kind(),
                    name: resource.name.clone(),
                    spec_blob: None,
                };
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
        })
    }

    fn from_value(
        kind: &str,
        version: u64,
        mut body: Value,
        blob: &dyn Fn(&Digest) -> Option<Vec<u8>>,
    ) -> Result<Self, DecodeError> {
        let malformed = |error: canonical::Error| DecodeError::Malformed(error.to_string());
        Ok(match (kind, version) {
            ("resource.set", 1) => {
                let inline = body.as_object_mut().and_then(|object| object.remove("spec"));
                let header: ResourceSetV1 = canonical::from_value(&body).map_err(malformed)?;
                let spec = match (inline, header.spec_blob) {
                    (Some(spec), None) => spec,
                    (None, Some(digest)) => {
                        let bytes = blob(&digest).filter(|bytes| Digest::sha256(bytes) == digest);
                        let bytes = bytes.ok_or(DecodeError::Blob(digest))?;
                        parse_stored(&bytes, MAX_BLOB_BYTES)?
                    }
                    _ => {
                        return Err(DecodeError::Malformed(
                            "a spec or a blob, and not both, is expected".into(),
                        ));
                    }
                };
                let spec = Spec::from_canonical(header.kind, &spec).map_err(malformed)?;
                Self::ResourceSet(Resource { name: header.name, spec })
            }
            ("resource.removed", 1) => {
                let removed: ResourceRemovedV1 = canonical::from_value(&body).map_err(malformed)?;
                Self::ResourceRemoved(removed.kind, removed.name)
            }
            ("key.issued", 1) => Self::KeyIssued(canonical::from_value(&body).map_err(malformed)?),
            ("key.retired", 1) => {
                let retired: KeyRetiredV1 = canonical::from_value(&body).map_err(malformed)?;
                Self::KeyRetired(retired.key, retired.expires)
            }
            ("key.revoked", 1) => {
                let revoked: KeyRevokedV1 = canonical::from_value(&body).map_err(malformed)?;
                Self::KeyRevoked(revoked.key, revoked.reason)
            }
            _ => return Err(DecodeError::UnknownVersion { kind: kind.chars().take(64).collect(), version }),
        })
    }
}

fn parse_stored(bytes: &[u8], limit: usize) -> Result<Value, DecodeError> {
    let limits = Limits { bytes: limit, depth: 64, values: 1_000_000 };
    Value::parse(bytes, limits).map_err(|error| DecodeError::Malformed(error.to_string()))
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
        let malformed = |what: &str| DecodeError::Malformed(what.to_owned());
        let mut value = parse_stored(bytes, MAX_FACT_BYTES)?;
        let object = value.as_object_mut().ok_or_else(|| malformed("an object is expected"))?;
        let kind = match object.remove("type") {
            Some(Value::String(kind)) => kind,
            _ => return Err(malformed("`type` is missing")),
        };
        let version =
            object.remove("v").and_then(|v| v.as_u64()).ok_or_else(|| malformed("`v` is missing"))?;
        let body = object.remove("body").ok_or_else(|| malformed("`body` is missing"))?;
        let part = |name: &str, value: Option<Value>| {
            value.ok_or_else(|| malformed(&format!("`{name}` is missing")))
        };
        let time = part("time", object.remove("time"))?;
        let actor = part("actor", object.remove("actor"))?;
        if !object.is_empty() {
            return Err(malformed("an unknown member"));
        }
        // The body first: an unknown version is a clearer answer than an actor that only it knows.
        let body = Body::from_value(&kind, version, body, blob)?;
        let read = |error: canonical::Error| DecodeError::Malformed(error.to_string());
        Ok(Self {
            time: canonical::from_value(&time).map_err(read)?,
            actor: canonical::from_value(&actor).map_err(read)?,
            body,
        })
    }
}
