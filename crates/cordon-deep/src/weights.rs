//! `model.safetensors`: named tensors behind a header. <https://github.com/safetensors/safetensors#format>
//!
//! One tensor is read at a time, and no more of the file than that: nothing is mapped into memory.

use std::{
    collections::BTreeMap,
    fmt,
    io::{Read, Seek, SeekFrom},
};

use ndarray::{Array1, Array2};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};

use crate::error::Cause;

/// The longest header. One of a large model has a few hundred bytes for each of some hundred tensors.
const MAX_HEADER: u64 = 16 << 20;
/// What is read at once while numbers are converted; a multiple of every number's size.
const CHUNK: u64 = 1 << 20;
/// Where the header says things about the file and not about a tensor.
const ABOUT: &str = "__metadata__";

/// The tensors of a file that nobody has asked for yet.
pub(crate) struct Weights<S> {
    source: S,
    tensors: BTreeMap<String, Entry>,
    /// Where the numbers begin.
    numbers: u64,
    most: u64,
}

/// What a header says of tensors.
struct Header(BTreeMap<String, Entry>);

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries)
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a header of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Header, A::Error> {
        let mut tensors = BTreeMap::new();
        while let Some(name) = entries.next_key::<String>()? {
            if name == ABOUT {
                entries.next_value::<IgnoredAny>()?;
            } else {
                tensors.insert(name, entries.next_value()?);
            }
        }
        Ok(Header(tensors))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dtype {
    /// The upper half of a single.
    Brain,
    Half,
    Single,
}

/// A table whose rows are read one by one, kept as it was written.
#[derive(Debug)]
pub(crate) struct Table {
    bytes: Vec<u8>,
    dtype: Dtype,
    width: usize,
}

impl<S: Read + Seek> Weights<S> {
    /// Reads the header and checks it: every tensor within the file, none over another, no byte that is nobody's.
    pub(crate) fn open(mut source: S, most: u64) -> Result<Self, Cause> {
        let bytes = source.seek(SeekFrom::End(0)).map_err(Cause::Read)?;
        if bytes > most {
            return Err(Cause::TooLarge { bytes, most });
        }
        source.rewind().map_err(Cause::Read)?;
        let mut length = [0; 8];
        source.read_exact(&mut length).map_err(|_| Cause::Damaged("is too short for a header"))?;
        let length = u64::from_le_bytes(length);
        let numbers = length
            .checked_add(8)
            .filter(|begin| *begin <= bytes && length <= MAX_HEADER)
            .ok_or(Cause::Damaged("has a header that is longer than it may be"))?;
        let mut header = Vec::new();
        source.by_ref().take(length).read_to_end(&mut header).map_err(Cause::Read)?;
        let Header(tensors) = serde_json::from_slice(&header).map_err(Cause::form)?;
        let mut ranges: Vec<[u64; 2]> = tensors.values().map(|entry| entry.data_offsets).collect();
        ranges.sort_unstable();
        let mut reached = 0;
        for [begin, end] in ranges {
            if begin != reached || end < begin {
                return Err(Cause::Damaged("has tensors that overlap, or bytes that belong to none"));
            }
            reached = end;
        }
        if reached != bytes - numbers {
            return Err(Cause::Damaged("is not as long as its header says"));
        }
        Ok(Self { source, tensors, numbers, most })
    }

    /// How many bytes a file may have.
    pub(crate) const fn most(&self) -> u64 {
        self.most
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The names of what nobody has asked for.
    pub(crate) fn left(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// A row of numbers.
    pub(crate) fn row(&mut self, name: &str, length: usize) -> Result<Array1<f32>, Cause> {
        Ok(Array1::from_vec(self.numbers(name, &[length])?))
    }

    /// A table of numbers.
    pub(crate) fn table(&mut self, name: &str, rows: usize, width: usize) -> Result<Array2<f32>, Cause> {
        let numbers = self.numbers(name, &[rows, width])?;
        Array2::from_shape_vec((rows, width), numbers)
            .map_err(|_| Cause::tensor(name, "has another shape than it says"))
    }

    /// A table that stays as it was written.
    pub(crate) fn lookup(&mut self, name: &str, rows: usize, width: usize) -> Result<Table, Cause> {
        let (dtype, begin, length) = self.find(name, &[rows, width])?;
        let mut table = Table { bytes: room(length)?, dtype, width };
        self.chunks(begin, length, |chunk| table.bytes.extend_from_slice(chunk))?;
        if !numbers_of(dtype, &table.bytes).all(f32::is_finite) {
            return Err(Cause::tensor(name, "holds something that is no number"));
        }
        Ok(table)
    }

    fn numbers(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Cause> {
        let (dtype, begin, length) = self.find(name, shape)?;
        let mut numbers = room(length / dtype.bytes())?;
        self.chunks(begin, length, |chunk| numbers.extend(numbers_of(dtype, chunk)))?;
        if !numbers.iter().all(|number| number.is_finite()) {
            return Err(Cause::tensor(name, "holds something that is no number"));
        }
        Ok(numbers)
    }

    /// How a tensor of this shape is written, where it begins and how many bytes it has. It is asked for once.
    fn find(&mut self, name: &str, shape: &[usize]) -> Result<(Dtype, u64, u64), Cause> {
        let entry = self.tensors.remove(name).ok_or_else(|| Cause::tensor(name, "is missing"))?;
        let wanted: Vec<u64> = shape.iter().map(|size| *size as u64).collect();
        if entry.shape != wanted {
            let shown: Vec<u64> = entry.shape.into_iter().take(8).collect();
            return Err(Cause::tensor(name, format!("has the shape {shown:?}, and {wanted:?} is expected")));
        }
        let dtype = match entry.dtype.as_str() {
            "BF16" => Dtype::Brain,
            "F16" => Dtype::Half,
            "F32" => Dtype::Single,
            _ => return Err(Cause::tensor(name, "is of numbers other than F32, F16 and BF16")),
        };
        let count = wanted.iter().try_fold(dtype.bytes(), |count, size| count.checked_mul(*size));
        let [begin, end] = entry.data_offsets;
        match count {
            // The offsets were checked: neither can be beyond the file's end.
            Some(length) if length == end.saturating_sub(begin) => Ok((dtype, self.numbers + begin, length)),
            _ => Err(Cause::tensor(name, "is not as long as its shape says")),
        }
    }

    /// Hands over the bytes from one place on, a chunk at a time.
    fn chunks(&mut self, begin: u64, length: u64, mut take: impl FnMut(&[u8])) -> Result<(), Cause> {
        self.source.seek(SeekFrom::Start(begin)).map_err(Cause::Read)?;
        let mut chunk = Vec::new();
        let mut left = length;
        while left > 0 {
            let now = left.min(CHUNK);
            chunk.clear();
            let came = self.source.by_ref().take(now).read_to_end(&mut chunk).map_err(Cause::Read)?;
            if came as u64 != now {
                return Err(Cause::Damaged("became shorter while it was read"));
            }
            take(&chunk);
            left -= now;
        }
        Ok(())
    }
}

impl Table {
    /// A row; nothing beyond the table.
    pub(crate) fn row(&self, at: usize) -> Option<impl Iterator<Item = f32>> {
        let bytes = self.width * usize::try_from(self.dtype.bytes()).unwrap_or_default();
        let begin = at.checked_mul(bytes)?;
        let row = self.bytes.get(begin..begin.checked_add(bytes)?)?;
        Some(numbers_of(self.dtype, row))
    }
}

impl Dtype {
    const fn bytes(self) -> u64 {
        match self {
            Self::Brain | Self::Half => 2,
            Self::Single => 4,
        }
    }
}

/// Room for as many, and no more: what grows by doubling would need up to half as much again. The file is as long as that.
fn room<T>(count: u64) -> Result<Vec<T>, Cause> {
    let count = usize::try_from(count).map_err(|_| Cause::Damaged("is longer than memory"))?;
    Ok(Vec::with_capacity(count))
}

/// The numbers in some bytes, little-endian.
fn numbers_of(dtype: Dtype, bytes: &[u8]) -> impl Iterator<Item = f32> {
    let size = if dtype == Dtype::Single { 4 } else { 2 };
    bytes.chunks_exact(size).map(move |number| match *number {
        [a, b, c, d] => f32::from_le_bytes([a, b, c, d]),
        [a, b] if dtype == Dtype::Brain => f32::from_le_bytes([0, 0, a, b]),
        [a, b] => half(u16::from_le_bytes([a, b])),
        // Chunks have one of those sizes.
        _ => f32::NAN,
    })
}

/// A number of half precision (IEEE 754 binary16).
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let fraction = f32::from(bits & 0x03ff);
    sign * match (bits >> 10) & 0x1f {
        0 => fraction * 2_f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        exponent => (1024.0 + fraction) * 2_f32.powi(i32::from(exponent) - 25),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    const NUMBERS: &[u8] = include_bytes!("../tests/golden/numbers.safetensors");

    #[test]
    fn what_the_library_of_others_wrote_is_read() {
        let mut weights = Weights::open(Cursor::new(NUMBERS), 1 << 20).unwrap();
        let expected = [0.0, 1.5, -2.25, 65504.0, -0.000_061_035_156, 3.0];
        for name in ["single", "half"] {
            assert_eq!(weights.table(name, 2, 3).unwrap().as_slice().unwrap(), expected, "{name}");
        }
        // Brain floats have eight bits of precision.
        assert_eq!(weights.table("brain", 2, 3).unwrap().as_slice().unwrap()[3], 65536.0);
        assert_eq!(weights.left().collect::<Vec<_>>(), ["ids"]);
        let error = weights.row("ids", 4).unwrap_err().to_string();
        assert!(error.starts_with("tensor `ids` is of numbers other than F32"), "{error}");
        let mut weights = Weights::open(Cursor::new(NUMBERS), 1 << 20).unwrap();
        let error = weights.table("half", 3, 2).unwrap_err().to_string();
        assert!(error.starts_with("tensor `half` has the shape [2, 3], and [3, 2] is expected"), "{error}");
        assert!(weights.row("absent", 1).unwrap_err().to_string().starts_with("tensor `absent` is missing"));
    }

    #[test]
    fn a_table_is_read_by_rows() {
        for name in ["single", "half", "brain"] {
            let mut weights = Weights::open(Cursor::new(NUMBERS), 1 << 20).unwrap();
            let table = weights.lookup(name, 2, 3).unwrap();
            assert_eq!(table.row(0).unwrap().collect::<Vec<_>>(), [0.0, 1.5, -2.25], "{name}");
            assert!(table.row(2).is_none() && table.row(usize::MAX).is_none());
        }
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let file = |header: &str, numbers: usize| {
            let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
            bytes.extend(header.as_bytes());
            bytes.resize(bytes.len() + numbers, 0);
            bytes
        };
        let refused =
            |bytes: Vec<u8>| Weights::open(Cursor::new(bytes), 1 << 20).err().map(|error| error.to_string());
        let one = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
        assert_eq!(refused(file(one, 8)), None);
        for bytes in [
            Vec::new(),
            u64::MAX.to_le_bytes().to_vec(),
            (1_u64 << 63).to_le_bytes().to_vec(),
            file(one, 7),
            file(one, 9),
            file("[]", 0),
            file(r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, 8),
            file(r#"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, 8),
            file(r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615]}}"#, 8),
            file(
                r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#,
                12,
            ),
        ] {
            assert!(refused(bytes).is_some());
        }
        assert!(Weights::open(Cursor::new(NUMBERS), 10).err().unwrap().to_string().contains("10 are read"));
        let huge = r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,8]}}"#;
        let mut weights = Weights::open(Cursor::new(file(huge, 8)), 1 << 20).unwrap();
        assert!(weights.find("a", &[1 << 32, 1 << 32, 1 << 32]).is_err());
        let mut nan = file(one, 4);
        nan.extend(f32::NAN.to_le_bytes());
        let mut weights = Weights::open(Cursor::new(nan), 1 << 20).unwrap();
        assert!(weights.row("a", 2).unwrap_err().to_string().contains("no number"));
    }
}
