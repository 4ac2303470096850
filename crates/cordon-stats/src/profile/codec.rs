//! A profile as bytes: a line that says what it is, a version, counts and texts [packed](packed), and a check sum of eight bytes.
//!
//! There is one form for each profile, so equal profiles are equal files. What is read is believed only as far as it agrees
//! with itself: a profile that was made by somebody else can be wrong, but it cannot make the reader fail later.

mod decimals;
mod packed;
mod plain;
mod reader;
mod writer;

use super::categories::{self, Categories};
use super::column::ColumnProfile;
use super::{Profile, Saved};

/// What a profile begins with.
const MAGIC: &[u8] = b"cordon profile\n";
/// The first version: a profile alone, not packed.
const ALONE: u8 = 1;
/// The second one: with parts and clouds.
const PLAIN: u8 = 2;
/// The version that is written; all are read.
const VERSION: u8 = 3;

/// Bytes that are not a profile that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// The bytes do not agree with themselves or with their check sum.
    #[error("the profile is damaged or cut; help: make it anew with `cordon profile`")]
    Damaged,
    /// The bytes are something else.
    #[error("this is not a profile; help: `cordon profile FILE --output NAME` makes one")]
    NotAProfile,
    /// A later version wrote it.
    #[error(
        "the profile has version {found}, this program reads up to {VERSION}; help: use the program that wrote it, or make it anew"
    )]
    Version {
        /// The version it has.
        found: u8,
    },
}

pub(super) fn written(saved: &Saved) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.push(VERSION);
    bytes.extend(writer::body(saved));
    let sum = categories::hash_bytes(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes
}

pub(super) fn read(bytes: &[u8]) -> Result<Saved, ProfileError> {
    let body = bytes.strip_prefix(MAGIC).ok_or(ProfileError::NotAProfile)?;
    let (version, _) = body.split_first().ok_or(ProfileError::Damaged)?;
    if !(ALONE..=VERSION).contains(version) {
        return Err(ProfileError::Version { found: *version });
    }
    let (checked, sum) = bytes.split_last_chunk::<8>().ok_or(ProfileError::Damaged)?;
    if categories::hash_bytes(checked).to_le_bytes() != *sum {
        return Err(ProfileError::Damaged);
    }
    let body = checked.get(MAGIC.len() + 1..).ok_or(ProfileError::Damaged)?;
    let saved = reader::saved(*version, body).ok_or(ProfileError::Damaged)?;
    // The packed form has ends that say the same: one of them is the form.
    if *version == VERSION && written(&saved) != bytes {
        return Err(ProfileError::Damaged);
    }
    Ok(saved)
}

/// The column of that name in the table that a part is of: mostly at the same place.
fn twin<'a>(like: Option<&'a Profile>, at: usize, name: &str) -> Option<&'a ColumnProfile> {
    let like = like?;
    let same = like.columns.get(at).filter(|(known, _)| known == name).map(|(_, column)| column);
    same.or_else(|| like.column(name))
}

/// Categories that both sides know already, by label.
fn known(like: Option<&Categories>) -> Vec<(u64, &str)> {
    let kept = like.into_iter().flat_map(|like| like.kept());
    let mut known: Vec<(u64, &str)> = kept.map(|(hash, category)| (*hash, category.label.as_str())).collect();
    known.sort_unstable_by(|a, b| a.1.cmp(b.1).then(a.0.cmp(&b.0)));
    known
}
