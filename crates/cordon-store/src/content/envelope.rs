//! How content is sealed: three keys, one inside the other, and what each of them is bound to. Pure: nonces and keys are
//! arguments, nothing is read or kept.
//!
//! | key | made of | sealed by |
//! |---|---|---|
//! | master | 32 bytes from outside the store | nobody: it is never written |
//! | team key, generation n | 32 random bytes | AES-256-GCM under a key derived from the master |
//! | data key, one a call | 32 random bytes | AES-256-GCM under the team key |
//! | object key | HKDF-Expand of the data key, the context as info | derived again when it is needed |
//!
//! Every seal is AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce in front and a 128-bit tag behind, and has its
//! context as associated data: store, call, team, generation, name, dates. What was moved, swapped or changed does not
//! open. HKDF is RFC 5869 with SHA-256; the extract step is left out because every input is a uniformly random key
//! (section 3.3).
//!
//! **Why the bounds hold.** SP 800-38D, section 8.3, allows 2^32 seals under one key with random 96-bit nonces: the chance
//! that a nonce comes twice is then at most 2^-32.
//! - A team key seals at most 2^28 data keys (2^-41), then a new generation begins.
//! - The master's key seals a team key once for each block of wraps reserved, 2^16 of them: a generation takes 2^12 + 1
//!   seals, so the bound is met after a million generations.
//! - An object key seals one object; written again after a crash, a few. One object is far below the 2^36 - 32 bytes that
//!   one seal may hold (section 5.2.1.1), see [`MAX_OBJECT`].

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    constant_time,
    error::Unspecified,
    hkdf::{HKDF_SHA256, Prk},
};
use cordon_core::{CallId, Digest, Name, Timestamp};
use zeroize::Zeroizing;

/// Bytes of every key.
pub const KEY: usize = 32;

/// Bytes of a nonce.
pub const NONCE: usize = NONCE_LEN;

/// Bytes of a wrapped key: nonce, key, tag.
pub const WRAPPED: usize = NONCE + KEY + TAG;

/// The most bytes of one object: 64 MiB, as much as a body may have.
pub const MAX_OBJECT: usize = 64 << 20;

/// The version of what is written here; part of every context.
pub const FORMAT: u8 = 1;

const TAG: usize = 16;

/// Key material that leaves memory when it is dropped.
pub type Secret = Zeroizing<[u8; KEY]>;

/// A wrapped key as it is stored.
pub type Wrapped = [u8; WRAPPED];

/// The key that comes from outside the store and opens everything in it.
pub struct MasterKey(Secret);

/// A key of a team: it wraps the data keys of its calls.
pub struct TeamKey {
    secret: Secret,
    cipher: LessSafeKey,
}

/// The key of one call. Without it nothing of what the call said can be read.
pub struct DataKey(Secret);

/// The id of one pair of stores: what was sealed for one does not open in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreId([u8; 16]);

/// What a team key's seal is bound to.
#[derive(Clone, Copy, Debug)]
pub struct TeamContext<'a> {
    /// The store.
    pub store: &'a StoreId,
    /// The team.
    pub team: &'a Name,
    /// Which of its keys, counted from 1.
    pub generation: u64,
    /// When it was made.
    pub created: Timestamp,
    /// How many wraps under it were reserved so far.
    pub reserved: u64,
}

/// What a data key's seal is bound to.
#[derive(Clone, Copy, Debug)]
pub struct CallContext<'a> {
    /// The store.
    pub store: &'a StoreId,
    /// The call.
    pub call: CallId,
    /// Whose key wraps it.
    pub team: &'a Name,
    /// Which of the team's keys.
    pub generation: u64,
    /// Keyed pseudonym of the person that the call is about.
    pub subject: Option<&'a Digest>,
    /// The call's route.
    pub route: Option<&'a Name>,
    /// When the call was.
    pub created: Timestamp,
    /// When its content must be gone.
    pub expires: Timestamp,
}

/// What an object's seal is bound to.
#[derive(Clone, Copy, Debug)]
pub struct ObjectContext<'a> {
    /// The store.
    pub store: &'a StoreId,
    /// The call.
    pub call: CallId,
    /// Whose key wraps the call's.
    pub team: &'a Name,
    /// Which of the team's keys.
    pub generation: u64,
    /// What it is: `request`, `answer`.
    pub object: &'a Name,
    /// When it was stored.
    pub stored: Timestamp,
}

/// Why something was not sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// What is there was not sealed with this key for this place.
    #[error("not sealed by this key for this place, or changed since")]
    Forged,
    /// The cryptographic library refused, which no key of 32 bytes and no object within its bound makes it do.
    #[error("the cryptographic library refused")]
    Refused,
}

impl StoreId {
    /// These 16 random bytes as an id.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl MasterKey {
    /// This key material, 32 uniformly random bytes, as the master key.
    pub const fn new(secret: Secret) -> Self {
        Self(secret)
    }

    /// What tells this key from another one without saying anything about it.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn check_value(&self, store: &StoreId) -> Result<Digest, EnvelopeError> {
        let info = Context::new(b"cordon content master check").bytes(store.as_bytes());
        Ok(Digest::from_bytes(*derive(&self.0, &info.0)?))
    }

    /// Whether this is the key with that check value, in constant time.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn fits(&self, store: &StoreId, check_value: &[u8]) -> Result<bool, EnvelopeError> {
        let own = self.check_value(store)?;
        Ok(constant_time::verify_slices_are_equal(own.as_bytes(), check_value).is_ok())
    }

    /// Seals a team key.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn wrap(
        &self,
        key: &TeamKey,
        context: &TeamContext<'_>,
        nonce: [u8; NONCE],
    ) -> Result<Wrapped, EnvelopeError> {
        wrap(&self.cipher(context.store)?, nonce, &context.encode(), &key.secret)
    }

    /// Opens a team key.
    ///
    /// # Errors
    /// When it is not what was sealed for this place.
    pub fn unwrap(&self, wrapped: &[u8], context: &TeamContext<'_>) -> Result<TeamKey, EnvelopeError> {
        TeamKey::new(unwrap(&self.cipher(context.store)?, &context.encode(), wrapped)?)
    }

    /// The key that wraps, apart from the one that checks, and another one in each store.
    fn cipher(&self, store: &StoreId) -> Result<LessSafeKey, EnvelopeError> {
        let info = Context::new(b"cordon content master wrap").bytes(store.as_bytes());
        cipher(&*derive(&self.0, &info.0)?)
    }
}

impl TeamKey {
    /// These 32 random bytes as a team key.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn new(secret: Secret) -> Result<Self, EnvelopeError> {
        Ok(Self { cipher: cipher(&secret)?, secret })
    }

    /// Seals a data key.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn wrap(
        &self,
        key: &DataKey,
        context: &CallContext<'_>,
        nonce: [u8; NONCE],
    ) -> Result<Wrapped, EnvelopeError> {
        wrap(&self.cipher, nonce, &context.encode(), &key.0)
    }

    /// Opens a data key.
    ///
    /// # Errors
    /// When it is not what was sealed for this place.
    pub fn unwrap(&self, wrapped: &[u8], context: &CallContext<'_>) -> Result<DataKey, EnvelopeError> {
        unwrap(&self.cipher, &context.encode(), wrapped).map(DataKey)
    }
}

impl DataKey {
    /// These 32 random bytes as a data key.
    pub const fn new(secret: Secret) -> Self {
        Self(secret)
    }

    /// Seals an object: nonce, ciphertext and tag in one.
    ///
    /// # Errors
    /// When it is larger than [`MAX_OBJECT`].
    pub fn seal(
        &self,
        content: &[u8],
        context: &ObjectContext<'_>,
        nonce: [u8; NONCE],
    ) -> Result<Vec<u8>, EnvelopeError> {
        if content.len() > MAX_OBJECT {
            return Err(EnvelopeError::Refused);
        }
        let context = context.encode();
        seal(&cipher(&*derive(&self.0, &context)?)?, nonce, &context, content)
    }

    /// Opens an object.
    ///
    /// # Errors
    /// When it is not what was sealed for this place.
    pub fn open(
        &self,
        sealed: &[u8],
        context: &ObjectContext<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, EnvelopeError> {
        let context = context.encode();
        open(&cipher(&*derive(&self.0, &context)?)?, &context, sealed)
    }
}

impl TeamContext<'_> {
    fn encode(&self) -> Vec<u8> {
        Context::new(b"cordon content team key")
            .bytes(self.store.as_bytes())
            .bytes(self.team.as_str().as_bytes())
            .number(self.generation)
            .time(self.created)
            .number(self.reserved)
            .0
    }
}

impl CallContext<'_> {
    fn encode(&self) -> Vec<u8> {
        Context::new(b"cordon content data key")
            .bytes(self.store.as_bytes())
            .bytes(self.call.as_bytes())
            .bytes(self.team.as_str().as_bytes())
            .number(self.generation)
            .optional(self.subject.map(|subject| subject.as_bytes().as_slice()))
            .optional(self.route.map(|route| route.as_str().as_bytes()))
            .time(self.created)
            .time(self.expires)
            .0
    }
}

impl ObjectContext<'_> {
    fn encode(&self) -> Vec<u8> {
        Context::new(b"cordon content object")
            .bytes(self.store.as_bytes())
            .bytes(self.call.as_bytes())
            .bytes(self.team.as_str().as_bytes())
            .number(self.generation)
            .bytes(self.object.as_str().as_bytes())
            .time(self.stored)
            .0
    }
}

/// Fields in one string of bytes that can be read in one way only: version, then every field behind its length.
struct Context(Vec<u8>);

impl Context {
    fn new(label: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(256);
        bytes.push(FORMAT);
        Self(bytes).bytes(label)
    }

    fn bytes(mut self, field: &[u8]) -> Self {
        self.0.extend((field.len() as u64).to_be_bytes());
        self.0.extend(field);
        self
    }

    fn optional(mut self, field: Option<&[u8]>) -> Self {
        self.0.push(u8::from(field.is_some()));
        self.bytes(field.unwrap_or_default())
    }

    fn number(mut self, number: u64) -> Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    fn time(mut self, time: Timestamp) -> Self {
        self.0.extend(time.as_millis().to_be_bytes());
        self
    }
}

/// HKDF-Expand (RFC 5869, section 2.3) to one key.
fn derive(key: &[u8; KEY], info: &[u8]) -> Result<Secret, EnvelopeError> {
    let mut out = Zeroizing::new([0; KEY]);
    Prk::new_less_safe(HKDF_SHA256, key).expand(&[info], HKDF_SHA256)?.fill(&mut *out)?;
    Ok(out)
}

fn cipher(key: &[u8; KEY]) -> Result<LessSafeKey, EnvelopeError> {
    Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key)?))
}

fn seal(
    cipher: &LessSafeKey,
    nonce: [u8; NONCE],
    context: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, EnvelopeError> {
    let mut sealed = Vec::with_capacity(NONCE + plain.len() + TAG);
    sealed.extend(nonce);
    sealed.extend(plain);
    let Some((_, body)) = sealed.split_at_mut_checked(NONCE) else { return Err(EnvelopeError::Refused) };
    let nonce = Nonce::assume_unique_for_key(nonce);
    let tag = cipher.seal_in_place_separate_tag(nonce, Aad::from(context), body)?;
    sealed.extend(tag.as_ref());
    Ok(sealed)
}

fn open(cipher: &LessSafeKey, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, EnvelopeError> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE>().ok_or(EnvelopeError::Forged)?;
    let mut body = Zeroizing::new(body.to_vec());
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let opened = cipher
        .open_in_place(nonce, Aad::from(context), &mut body)
        .map_err(|Unspecified| EnvelopeError::Forged)?
        .len();
    body.truncate(opened);
    Ok(body)
}

fn wrap(
    cipher: &LessSafeKey,
    nonce: [u8; NONCE],
    context: &[u8],
    key: &[u8; KEY],
) -> Result<Wrapped, EnvelopeError> {
    seal(cipher, nonce, context, key)?.try_into().map_err(|_| EnvelopeError::Refused)
}

fn unwrap(cipher: &LessSafeKey, context: &[u8], wrapped: &[u8]) -> Result<Secret, EnvelopeError> {
    let opened = open(cipher, context, wrapped)?;
    let bytes = opened.as_slice().try_into().map_err(|_| EnvelopeError::Forged)?;
    Ok(Zeroizing::new(bytes))
}

impl From<Unspecified> for EnvelopeError {
    fn from(_: Unspecified) -> Self {
        Self::Refused
    }
}

macro_rules! hidden {
    ($($key:ident),*) => {$(
        impl std::fmt::Debug for $key {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($key), "(…)"))
            }
        }
    )*};
}
hidden!(MasterKey, TeamKey, DataKey);

#[cfg(test)]
mod tests;
