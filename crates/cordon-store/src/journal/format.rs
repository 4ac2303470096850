//! The bytes of a segment: a header block, then frames.
//!
//! ```text
//! segment  = header (4,096 bytes) frame* zeros
//! header   = "CORDONJ1" version:u32 zero:u32 journal:[16] segment:u64 first:u64 initial:u64 previous:[32] crc:u32 zeros
//! frame    = "CJFR" length:u32 sequence:u64 durable:u64 kind:u8 zero:[3] crc:u32 previous:[32] payload padding
//! ```
//! Integers are little-endian. Frames start at multiples of 8 bytes. Every checksum is CRC32C (RFC 3720, B.4) and
//! starts with the journal id, so that no byte of another journal can pass. A frame of kind 0 is a *mark*: no payload,
//! no sequence of its own; it says that everything before it is durable, and the next frame overwrites it.

use cordon_core::Digest;
pub use cordon_core::JournalId;
use sha2::{Digest as _, Sha256};

/// The largest payload of one frame in bytes.
pub const MAX_PAYLOAD: usize = 1 << 20;
/// The offset of the first frame: one block, so that no write of a frame touches the sectors of the header.
pub(crate) const HEADER_BLOCK: u64 = HEADER_BLOCK_LENGTH as u64;
/// The same as a length in memory.
pub(crate) const HEADER_BLOCK_LENGTH: usize = 4096;
/// Bytes of a frame before its payload.
pub(crate) const FRAME_HEADER: usize = 64;
/// What a frame starts with.
pub(crate) const FRAME_MAGIC: [u8; 4] = *b"CJFR";
const SEGMENT_MAGIC: [u8; 8] = *b"CORDONJ1";
const VERSION: u32 = 1;
/// Header bytes before its checksum.
const HEADER_FIELDS: usize = 88;

/// What a frame holds; 1 to 255. The journal does not look at it, the chain covers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(u8);

impl Kind {
    /// The frame that opens a call.
    pub const OPENED: Self = Self(1);
    /// The frame that closes a call.
    pub const CLOSED: Self = Self(2);

    /// A kind of this number; `None` for 0, which the journal keeps for itself.
    pub const fn new(number: u8) -> Option<Self> {
        if number == 0 { None } else { Some(Self(number)) }
    }

    /// The number, 1 to 255.
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// The leaf hash of a payload: `SHA-256(0x00 ‖ payload)` (RFC 6962, section 2.1).
pub fn leaf(payload: &[u8]) -> Digest {
    Digest::from_bytes(Sha256::new().chain_update([0]).chain_update(payload).finalize().into())
}

/// The chain before the first frame: `SHA-256("cordon/journal/v1" ‖ journal id)`.
pub(crate) fn genesis(id: JournalId) -> Digest {
    Digest::from_bytes(
        Sha256::new().chain_update(b"cordon/journal/v1").chain_update(id.as_bytes()).finalize().into(),
    )
}

/// The chain after a frame: `SHA-256(previous ‖ leaf ‖ sequence (8 bytes, little-endian) ‖ kind)`.
pub(crate) fn link(previous: Digest, leaf: Digest, sequence: u64, kind: u8) -> Digest {
    let hash = Sha256::new()
        .chain_update(previous.as_bytes())
        .chain_update(leaf.as_bytes())
        .chain_update(sequence.to_le_bytes())
        .chain_update([kind]);
    Digest::from_bytes(hash.finalize().into())
}

/// The header of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) journal: JournalId,
    pub(crate) number: u64,
    /// Sequence of the first frame; a frame of this or a later sequence in an earlier segment is superseded.
    pub(crate) first: u64,
    /// Length of the file when it got its name; it is never shorter.
    pub(crate) initial: u64,
    /// The chain before the first frame.
    pub(crate) previous: Digest,
}

impl SegmentHeader {
    /// The header's bytes, without the zeros up to [`HEADER_BLOCK`].
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_FIELDS + 4);
        bytes.extend_from_slice(&SEGMENT_MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(self.journal.as_bytes());
        bytes.extend_from_slice(&self.number.to_le_bytes());
        bytes.extend_from_slice(&self.first.to_le_bytes());
        bytes.extend_from_slice(&self.initial.to_le_bytes());
        bytes.extend_from_slice(self.previous.as_bytes());
        let crc = checksum(self.journal, &[&bytes]);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads a header of this journal; `None` where anything is wrong with it.
    pub(crate) fn decode(journal: JournalId, block: &[u8]) -> Option<Self> {
        let (fields, rest) = block.split_at_checked(HEADER_FIELDS)?;
        let crc = u32::from_le_bytes(*rest.first_chunk()?);
        let mut fields = Fields(fields);
        let header_is_ours = fields.take()? == SEGMENT_MAGIC
            && u32::from_le_bytes(fields.take()?) == VERSION
            && fields.take()? == [0; 4]
            && fields.take()? == *journal.as_bytes();
        let header = Self {
            journal,
            number: u64::from_le_bytes(fields.take()?),
            first: u64::from_le_bytes(fields.take()?),
            initial: u64::from_le_bytes(fields.take()?),
            previous: Digest::from_bytes(fields.take()?),
        };
        let rest_is_zero = rest.iter().skip(4).all(|byte| *byte == 0);
        (header_is_ours && rest_is_zero && crc == checksum(journal, &[block.get(..HEADER_FIELDS)?]))
            .then_some(header)
    }
}

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) length: u32,
    pub(crate) sequence: u64,
    /// How many frames of the journal were known to be durable when this one was written. It tells a lost durable
    /// frame (some later frame says that it was there) from one that was lost before it was ever promised.
    pub(crate) durable: u64,
    /// 0 for a mark.
    pub(crate) kind: u8,
    pub(crate) crc: u32,
    pub(crate) previous: Digest,
}

impl FrameHeader {
    fn encode(&self) -> [u8; FRAME_HEADER] {
        let mut bytes = [0; FRAME_HEADER];
        let mut rest: &mut [u8] = &mut bytes;
        let mut put = |field: &[u8]| {
            // INVARIANT: the fields below are 64 bytes together.
            if let Some((head, tail)) = std::mem::take(&mut rest).split_at_mut_checked(field.len()) {
                head.copy_from_slice(field);
                rest = tail;
            }
        };
        put(&FRAME_MAGIC);
        put(&self.length.to_le_bytes());
        put(&self.sequence.to_le_bytes());
        put(&self.durable.to_le_bytes());
        put(&[self.kind, 0, 0, 0]);
        put(&self.crc.to_le_bytes());
        put(self.previous.as_bytes());
        bytes
    }

    /// Reads a header by its form alone: the checksum is checked with the payload, by [`FrameHeader::vouches_for`].
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        if fields.take()? != FRAME_MAGIC {
            return None;
        }
        let length = u32::from_le_bytes(fields.take()?);
        let sequence = u64::from_le_bytes(fields.take()?);
        let durable = u64::from_le_bytes(fields.take()?);
        let [kind, zeros @ ..] = fields.take::<4>()?;
        let crc = u32::from_le_bytes(fields.take()?);
        let previous = Digest::from_bytes(fields.take()?);
        let mark = kind == 0;
        let in_bounds = length as usize <= MAX_PAYLOAD && mark == (length == 0);
        (zeros == [0; 3] && in_bounds && sequence < u64::MAX).then_some(Self {
            length,
            sequence,
            durable,
            kind,
            crc,
            previous,
        })
    }

    /// Whether the checksum holds for this payload in this journal.
    pub(crate) fn vouches_for(&self, journal: JournalId, payload: &[u8]) -> bool {
        self.crc == self.checksum(journal, payload)
    }

    fn checksum(&self, journal: JournalId, payload: &[u8]) -> u32 {
        checksum(journal, &[&Self { crc: 0, ..*self }.encode(), payload])
    }

    /// Bytes from this frame's start to the next one's.
    pub(crate) fn span(&self) -> u64 {
        span(self.length as usize)
    }
}

/// Bytes that a frame with a payload of this length takes, padding included.
pub(crate) fn span(payload: usize) -> u64 {
    (FRAME_HEADER as u64 + payload as u64).next_multiple_of(8)
}

/// Appends one frame's bytes, padding included, and returns the payload's leaf hash and the chain after it.
pub(crate) fn encode_frame(
    buffer: &mut Vec<u8>,
    journal: JournalId,
    place: Place,
    kind: u8,
    payload: &[u8],
) -> (Digest, Digest) {
    // INVARIANT: a payload is at most MAX_PAYLOAD; a longer one would be cut off here and never pass its checksum.
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let mut header = FrameHeader {
        length,
        sequence: place.sequence,
        durable: place.durable,
        kind,
        crc: 0,
        previous: place.previous,
    };
    header.crc = header.checksum(journal, payload);
    buffer.extend_from_slice(&header.encode());
    buffer.extend_from_slice(payload);
    buffer.resize(buffer.len().next_multiple_of(8), 0);
    let leaf = leaf(payload);
    (leaf, link(place.previous, leaf, place.sequence, kind))
}

/// Where in the chain a frame goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) sequence: u64,
    pub(crate) durable: u64,
    pub(crate) previous: Digest,
}

/// The bytes of a mark after `sequence` frames.
pub(crate) fn encode_mark(journal: JournalId, sequence: u64, previous: Digest) -> [u8; FRAME_HEADER] {
    let mut header = FrameHeader { length: 0, sequence, durable: sequence, kind: 0, crc: 0, previous };
    header.crc = header.checksum(journal, &[]);
    header.encode()
}

pub(crate) fn checksum(journal: JournalId, parts: &[&[u8]]) -> u32 {
    parts.iter().fold(crc32c::crc32c(journal.as_bytes()), |crc, part| crc32c::crc32c_append(crc, part))
}

/// Takes fixed-size fields from the front of a slice.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl Fields<'_> {
    pub(crate) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_of_a_frame_and_of_a_header_matters() {
        let id = JournalId::new(7, [9; 12]);
        let mut bytes = Vec::new();
        let place = Place { sequence: 3, durable: 2, previous: genesis(id) };
        encode_frame(&mut bytes, id, place, 1, b"{\"a\":1}");
        let valid = |bytes: &[u8], id| {
            FrameHeader::decode(bytes).is_some_and(|h| {
                bytes.get(64..64 + h.length as usize).is_some_and(|payload| h.vouches_for(id, payload))
            })
        };
        assert!(valid(&bytes, id));
        assert!(!valid(&bytes, JournalId::new(7, [8; 12])), "a frame of another journal never passes");
        for bit in 0..(64 + 7) * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!valid(&flipped, id), "bit {bit}");
        }
        let header =
            SegmentHeader { journal: id, number: 4, first: 3, initial: 1 << 20, previous: genesis(id) };
        let mut block = header.encode();
        block.resize(4096, 0);
        assert_eq!(SegmentHeader::decode(id, &block), Some(header));
        for bit in 0..4096 * 8 {
            let mut flipped = block.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(SegmentHeader::decode(id, &flipped), None, "bit {bit}");
        }
    }

    #[test]
    fn the_leaf_of_nothing_is_the_one_of_rfc_6962() {
        // The tree head of one empty leaf, as the RFC's reference test vectors give it.
        let expected = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        assert_eq!(leaf(b"").to_string(), expected);
    }

    #[test]
    fn ids_sort_in_the_order_of_their_making_and_read_back() {
        let (old, new) = (JournalId::new(1, [255; 12]), JournalId::new(2, [0; 12]));
        assert!(old < new && old.to_string() < new.to_string());
        assert_eq!(JournalId::parse(&old.to_string()), Some(old));
        assert_eq!((JournalId::parse("ff"), JournalId::parse(&"G".repeat(32))), (None, None));
        assert_eq!(new.ordinal(), 2);
    }
}
