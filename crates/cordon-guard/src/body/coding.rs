//! Content codings (RFC 9110, section 8.4), decoded with bounds on size and on the ratio of output to input.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// Output below this many bytes is never refused for its ratio: a small repetitive text may shrink by a lot.
const RATIO_FLOOR: u64 = 1 << 20;

/// A content coding that is decoded here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// `deflate`: the zlib format (RFC 1950), as RFC 9110 section 8.4.1.2 means it.
    Deflate,
    /// `gzip` (RFC 1952), several members too.
    Gzip,
}

/// Bounds of a decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Bytes of output.
    pub max_bytes: u64,
    /// Bytes of output for each byte of input; outputs below 1 MiB are exempt.
    pub max_ratio: u32,
}

/// A body whose coding cannot be decoded within the bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodingError {
    /// The coded bytes are damaged, cut off or followed by others.
    #[error("the body does not match its content coding")]
    Corrupt,
    /// The output is out of all proportion.
    #[error("the body decodes to more than {limit} times its size")]
    Ratio {
        /// The bound.
        limit: u32,
    },
    /// The output is too large.
    #[error("the body decodes to more than {limit} bytes")]
    TooLarge {
        /// The bound in bytes.
        limit: u64,
    },
    /// Another coding, or several of them.
    #[error(
        "the body has a content coding that is not decoded here; help: send it plain, or with one of gzip, deflate"
    )]
    Unsupported,
}

impl Coding {
    /// The coding of a body, `None` for a plain one.
    ///
    /// # Errors
    /// [`CodingError::Unsupported`] for an unknown coding and for more than one: nested codings only serve bombs.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, CodingError> {
        let mut values = headers.get_all(CONTENT_ENCODING).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(CodingError::Unsupported);
        }
        let word = value.to_str().map_err(|_| CodingError::Unsupported)?.trim();
        if word.is_empty() || word.eq_ignore_ascii_case("identity") {
            Ok(None)
        } else if word.eq_ignore_ascii_case("gzip") || word.eq_ignore_ascii_case("x-gzip") {
            Ok(Some(Self::Gzip))
        } else if word.eq_ignore_ascii_case("deflate") {
            Ok(Some(Self::Deflate))
        } else {
            Err(CodingError::Unsupported)
        }
    }
}

/// An incremental decoder of one body.
pub struct Decoder {
    inner: Inner,
    limits: DecodeLimits,
    read: u64,
}

enum Inner {
    Deflate(Zlib),
    Gzip(MultiGzDecoder<Sink>),
}

impl Decoder {
    /// A decoder of this coding.
    pub fn new(coding: Coding, limits: DecodeLimits) -> Self {
        let inner = match coding {
            Coding::Deflate => Inner::Deflate(Zlib::new()),
            Coding::Gzip => Inner::Gzip(MultiGzDecoder::new(Sink::default())),
        };
        Self { inner, limits, read: 0 }
    }

    /// Decodes a chunk; what comes out may be empty.
    ///
    /// # Errors
    /// For damaged input and for output beyond the bounds, of which no more is made than fits.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Bytes, CodingError> {
        self.read = self.read.saturating_add(chunk.len() as u64);
        let by_ratio = self.read.saturating_mul(self.limits.max_ratio.into()).max(RATIO_FLOOR);
        self.sink().room_until = self.limits.max_bytes.min(by_ratio);
        let outcome = match &mut self.inner {
            Inner::Deflate(decoder) => decoder.push(chunk),
            Inner::Gzip(decoder) => decoder.write_all(chunk).and_then(|()| decoder.flush()),
        };
        self.yielded(outcome)
    }

    /// Ends the body.
    ///
    /// # Errors
    /// When it is cut off.
    pub fn finish(&mut self) -> Result<Bytes, CodingError> {
        if self.read == 0 {
            return Ok(Bytes::new());
        }
        let outcome = match &mut self.inner {
            Inner::Deflate(decoder) => decoder.finish(),
            Inner::Gzip(decoder) => decoder.try_finish(),
        };
        self.yielded(outcome)
    }

    fn yielded(&mut self, outcome: io::Result<()>) -> Result<Bytes, CodingError> {
        let DecodeLimits { max_bytes, max_ratio } = self.limits;
        let sink = self.sink();
        if sink.overflowed {
            return Err(if sink.room_until == max_bytes {
                CodingError::TooLarge { limit: max_bytes }
            } else {
                CodingError::Ratio { limit: max_ratio }
            });
        }
        outcome.map_err(|_| CodingError::Corrupt)?;
        Ok(Bytes::from(std::mem::take(&mut sink.out)))
    }

    fn sink(&mut self) -> &mut Sink {
        match &mut self.inner {
            Inner::Deflate(decoder) => &mut decoder.sink,
            Inner::Gzip(decoder) => decoder.get_mut(),
        }
    }
}

/// One zlib stream and nothing after it; the library's own writer takes a cut or continued one for whole.
struct Zlib {
    state: Decompress,
    ended: bool,
    sink: Sink,
}

impl Zlib {
    fn new() -> Self {
        Self { state: Decompress::new(true), ended: false, sink: Sink::default() }
    }

    fn push(&mut self, mut chunk: &[u8]) -> io::Result<()> {
        let mut piece = [0; 8 << 10];
        loop {
            if self.ended {
                return if chunk.is_empty() { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) };
            }
            let (read, written) = (self.state.total_in(), self.state.total_out());
            let status = self.state.decompress(chunk, &mut piece, FlushDecompress::None)?;
            // Both are bounded by the lengths of the slices.
            let read = usize::try_from(self.state.total_in() - read).unwrap_or(usize::MAX);
            let written = usize::try_from(self.state.total_out() - written).unwrap_or(usize::MAX);
            self.sink.write_all(piece.get(..written).unwrap_or_default())?;
            chunk = chunk.get(read..).unwrap_or_default();
            self.ended = status == Status::StreamEnd;
            if !self.ended && read == 0 && written == 0 {
                return if chunk.is_empty() { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) };
            }
        }
    }

    fn finish(&self) -> io::Result<()> {
        if self.ended { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

/// Where a decoder writes; it takes nothing beyond its bound, so that a bomb stops at once.
#[derive(Default)]
struct Sink {
    out: Vec<u8>,
    written: u64,
    room_until: u64,
    overflowed: bool,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.written.saturating_add(bytes.len() as u64);
        if written > self.room_until {
            self.overflowed = true;
            return Err(io::Error::other("beyond the bound"));
        }
        self.written = written;
        self.out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::*;

    const LIMITS: DecodeLimits = DecodeLimits { max_bytes: 8 << 20, max_ratio: 100 };

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn decode(
        coding: Coding,
        bytes: &[u8],
        step: usize,
        limits: DecodeLimits,
    ) -> Result<Vec<u8>, CodingError> {
        let mut decoder = Decoder::new(coding, limits);
        let mut out = Vec::new();
        for chunk in bytes.chunks(step) {
            out.extend_from_slice(&decoder.push(chunk)?);
        }
        out.extend_from_slice(&decoder.finish()?);
        Ok(out)
    }

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (CONTENT_ENCODING, value.parse().unwrap())).collect()
    }

    #[test]
    fn decodes_what_was_encoded_in_any_chunks() {
        let text: Vec<u8> =
            (0..40_000_u32).flat_map(|n| (n.wrapping_mul(2_654_435_761)).to_le_bytes()).collect();
        for step in [1, 7, 8192, usize::MAX] {
            assert_eq!(decode(Coding::Gzip, &gzip(&text), step, LIMITS).as_ref(), Ok(&text));
            assert_eq!(decode(Coding::Deflate, &deflate(&text), step, LIMITS).as_ref(), Ok(&text));
        }
        let members = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(decode(Coding::Gzip, &members, 3, LIMITS).unwrap(), b"one two");
        assert_eq!(decode(Coding::Gzip, b"", 1, LIMITS).unwrap(), b"");
    }

    #[test]
    fn every_flushed_piece_comes_out_at_once() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(b"data: 1\n\n").unwrap();
        encoder.flush().unwrap();
        let mut decoder = Decoder::new(Coding::Gzip, LIMITS);
        assert_eq!(decoder.push(encoder.get_ref()).unwrap(), "data: 1\n\n");
    }

    #[test]
    fn refuses_bombs_without_unpacking_them() {
        let bomb = gzip(&vec![0; 64 << 20]);
        assert_eq!(decode(Coding::Gzip, &bomb, usize::MAX, LIMITS), Err(CodingError::Ratio { limit: 100 }));
        let wide = DecodeLimits { max_ratio: u32::MAX, ..LIMITS };
        let refused = Err(CodingError::TooLarge { limit: LIMITS.max_bytes });
        assert_eq!(decode(Coding::Gzip, &bomb, 512, wide), refused);
        let mut decoder = Decoder::new(Coding::Gzip, LIMITS);
        assert!(decoder.push(&bomb).is_err());
        assert!(decoder.sink().out.len() as u64 <= LIMITS.max_bytes);
    }

    #[test]
    fn refuses_damage() {
        let whole = gzip(b"some text that is long enough to be cut somewhere");
        for end in 1..whole.len() {
            assert_eq!(decode(Coding::Gzip, &whole[..end], 5, LIMITS), Err(CodingError::Corrupt), "{end}");
        }
        let mut wrong = whole.clone();
        let checksum = wrong.len() - 8;
        wrong[checksum] ^= 1;
        assert_eq!(decode(Coding::Gzip, &wrong, 64, LIMITS), Err(CodingError::Corrupt));
        assert_eq!(
            decode(Coding::Gzip, &[&whole[..], b"junk"].concat(), 64, LIMITS),
            Err(CodingError::Corrupt)
        );
        let zlib = [&deflate(b"text")[..], b"junk"].concat();
        assert_eq!(decode(Coding::Deflate, &zlib, 64, LIMITS), Err(CodingError::Corrupt));
        let zlib = deflate(b"text");
        assert_eq!(decode(Coding::Deflate, &zlib[..zlib.len() - 1], 64, LIMITS), Err(CodingError::Corrupt));
        assert_eq!(decode(Coding::Gzip, b"{\"plain\":true}", 64, LIMITS), Err(CodingError::Corrupt));
    }

    #[test]
    fn reads_the_header() {
        assert_eq!(Coding::of(&headers(&[])), Ok(None));
        assert_eq!(Coding::of(&headers(&["identity"])), Ok(None));
        assert_eq!(Coding::of(&headers(&["GZip"])), Ok(Some(Coding::Gzip)));
        assert_eq!(Coding::of(&headers(&["deflate"])), Ok(Some(Coding::Deflate)));
        for wrong in [&["br"][..], &["gzip, gzip"], &["gzip", "gzip"], &["identity, br"], &["gzip;q=1"]] {
            assert_eq!(Coding::of(&headers(wrong)), Err(CodingError::Unsupported), "{wrong:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_stay_within_the_bounds(
            mut bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400),
            text: Vec<u8>,
            flip: proptest::sample::Index,
            step in 1_usize..64,
        ) {
            let limits = DecodeLimits { max_bytes: 100, max_ratio: 10 };
            let mut damaged = gzip(&text);
            let at = flip.index(damaged.len());
            damaged[at] ^= 1;
            for coding in [Coding::Gzip, Coding::Deflate] {
                for input in [&damaged, &bytes] {
                    if let Ok(out) = decode(coding, input, step, limits) {
                        proptest::prop_assert!(out.len() as u64 <= limits.max_bytes);
                    }
                }
            }
            bytes.truncate(100);
            proptest::prop_assert_eq!(decode(Coding::Gzip, &gzip(&bytes), step, limits), Ok(bytes.clone()));
            proptest::prop_assert_eq!(decode(Coding::Deflate, &deflate(&bytes), step, limits), Ok(bytes));
        }
    }
}
