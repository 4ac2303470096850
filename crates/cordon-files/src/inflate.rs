//! Deflate (RFC 1951), bare or in zlib's wrapping (RFC 1950), into at most so many bytes.

use flate2::{Decompress, FlushDecompress, Status};

use crate::bytes::tail;

/// What is around the compressed data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrap {
    /// Nothing.
    Bare,
    /// Header and checksum of zlib.
    Zlib,
}

/// How unpacking ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The stream ended as it should.
    Whole,
    /// The data is damaged or cut off; what came out before is there.
    Broken,
    /// There is more than the room given.
    Full,
}

/// What came out.
#[derive(Debug)]
pub(crate) struct Unpacked {
    pub(crate) bytes: Vec<u8>,
    /// Bytes of the input that belonged to it.
    pub(crate) used: usize,
    pub(crate) end: End,
}

/// Bytes that are unpacked at once, at least and at most.
const LEAST: usize = 512;
const PIECE: usize = 16 << 10;
/// Work of making a window and tables, which each stream has of its own.
const BEGIN: usize = 2 << 10;

/// Bytes that are unpacked at once of a stream so long.
fn piece(packed: usize) -> usize {
    packed.saturating_mul(4).clamp(LEAST, PIECE)
}

/// Work of beginning to unpack so many bytes, whatever comes out.
pub(crate) fn cost(packed: usize) -> usize {
    BEGIN + piece(packed)
}

/// Unpacks at most `room` bytes.
pub(crate) fn unpack(packed: &[u8], wrap: Wrap, room: usize) -> Unpacked {
    let mut bytes = Vec::new();
    let (used, end) = stream(packed, wrap, room, |piece| bytes.extend_from_slice(piece));
    Unpacked { bytes, used, end }
}

/// How many bytes come out, at most `room`, keeping none of them; and the input that belonged to it.
pub(crate) fn measure(packed: &[u8], wrap: Wrap, room: usize) -> (usize, usize, End) {
    let mut length = 0;
    let (used, end) = stream(packed, wrap, room, |piece| length += piece.len());
    (length, used, end)
}

fn stream(packed: &[u8], wrap: Wrap, room: usize, mut take: impl FnMut(&[u8])) -> (usize, End) {
    let mut state = Decompress::new(wrap == Wrap::Zlib);
    let mut piece = vec![0; piece(packed.len())];
    let mut left = room;
    loop {
        // Both totals are bounded by lengths of slices that are in memory, or by `room` and a piece.
        let used = usize::try_from(state.total_in()).unwrap_or(usize::MAX);
        let before = state.total_out();
        let status = state.decompress(tail(packed, used), &mut piece, FlushDecompress::None);
        let written = usize::try_from(state.total_out() - before).unwrap_or(usize::MAX);
        let moved = written > 0 || usize::try_from(state.total_in()).unwrap_or(usize::MAX) > used;
        let fits = written <= left;
        take(piece.get(..written.min(left)).unwrap_or_default());
        left -= written.min(left);
        let used = usize::try_from(state.total_in()).unwrap_or(usize::MAX);
        match status {
            _ if !fits => return (used, End::Full),
            Ok(Status::StreamEnd) => return (used, End::Whole),
            Ok(_) if moved => {}
            _ => return (used, End::Broken),
        }
    }
}
