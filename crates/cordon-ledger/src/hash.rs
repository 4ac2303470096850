//! SHA-256 with the domain separation of RFC 6962, section 2.1 (RFC 9162, section 2.1.1).

use std::fmt;

use sha2::{Digest, Sha256};

use crate::text;

/// A SHA-256 hash: of a leaf, of a subtree, or of a whole tree. Shown as base64, as the C2SP formats write it; `{:x}` is hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

/// A text that is not a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 32 bytes, in canonical base64 (44 characters) or in hex (64 lower-case digits)")]
pub struct HashError;

impl Hash {
    /// Bytes of a hash.
    pub const SIZE: usize = 32;

    /// The root of the tree without leaves: SHA-256 of nothing (RFC 6962, section 2.1).
    pub const EMPTY_TREE: Self = Self([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
        0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
    ]);

    /// A hash from its bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A hash from exactly 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, HashError> {
        bytes.try_into().map(Self).map_err(|_| HashError)
    }

    /// The form that notes and proofs carry.
    pub fn to_base64(self) -> String {
        text::to_base64(&self.0)
    }

    /// Reads canonical base64.
    pub fn from_base64(text: &str) -> Result<Self, HashError> {
        // Bounded before it is decoded: a line of a proof is hostile.
        if text.len() != 44 {
            return Err(HashError);
        }
        Self::from_slice(&text::from_base64(text).ok_or(HashError)?)
    }

    /// Reads 64 lower-case hexadecimal digits.
    pub fn from_hex(text: &str) -> Result<Self, HashError> {
        if text.len() != 64 {
            return Err(HashError);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            for digit in pair {
                let value = match digit {
                    b'0'..=b'9' => digit - b'0',
                    b'a'..=b'f' => digit - b'a' + 10,
                    _ => return Err(HashError),
                };
                *byte = (*byte << 4) | value;
            }
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_base64())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl fmt::LowerHex for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The hash of an entry as a leaf: SHA-256(0x00 || entry).
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0x00]);
    hasher.update(entry);
    Hash(hasher.finalize().into())
}

/// The hash of an inner node: SHA-256(0x01 || left || right).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0x01]);
    hasher.update(left.0);
    hasher.update(right.0);
    Hash(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_nothing_and_of_the_empty_leaf() {
        assert_eq!(Hash(Sha256::digest([]).into()), Hash::EMPTY_TREE);
        // certificate-transparency, merkletree tests: the leaf hash of an empty entry.
        let empty = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        assert_eq!(format!("{:x}", leaf_hash(b"")), empty);
        assert_eq!(Hash::from_hex(empty), Ok(leaf_hash(b"")));
    }

    #[test]
    fn texts_have_one_form() {
        let hash = leaf_hash(b"x");
        assert_eq!(Hash::from_base64(&hash.to_string()), Ok(hash));
        assert_eq!(Hash::from_hex(&format!("{hash:x}")), Ok(hash));
        assert!(Hash::from_hex(&format!("{hash:x}").to_uppercase()).is_err());
        assert!(Hash::from_base64("AQ==").is_err());
        assert!(Hash::from_base64(&"é".repeat(22)).is_err());
    }
}
