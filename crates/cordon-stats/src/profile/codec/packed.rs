//! Numbers and texts in as few bits as what was before them lets one expect: an adaptive binary range coder.
//!
//! Both sides learn the same probabilities from what they have seen (integers only, so that the bytes are the same everywhere), and a bit costs
//! what it surprises. A count is the number of its bits, then its bits from the top: the first ones are learnt, the others are noise.

/// What a count is of: each kind has probabilities of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// Rows, sizes of lists, and what comes once.
    Amount,
    /// Values of an interval.
    Count,
    /// 32 bits of a large number.
    Digit,
    /// Rows of a category.
    Frequency,
    /// Bytes of a text, and how many of them it shares with the one before.
    Length,
    /// Where a large number begins, and how many digits it has.
    Place,
    /// A register of a count of different values.
    Rank,
    /// From an interval to the next one.
    Step,
}

const FIELDS: usize = 8;
/// What the count before it was tells of a count: nothing, or its bits and the two below the top one.
const BEFORE: usize = 1 + 64 * 4;
/// Nodes of a tree of seven decisions: from 0 to 64 bits.
const LENGTHS: usize = 128;
/// Bits below the top one that are learnt, and nodes of their tree.
const LEARNT: u32 = 3;
const TOPS: usize = 1 << LEARNT;
/// A byte after a byte.
const TEXTS: usize = 256 * 256;

/// A probability that adapts, fast at first.
#[derive(Clone, Copy)]
struct Chance {
    /// Of a one, of 65,536.
    of_one: u16,
    seen: u8,
}

impl Chance {
    const EVEN: Self = Self { of_one: 1 << 15, seen: 0 };
    /// The last few dozen bits count.
    const SLOWEST: u8 = 6;

    fn learn(&mut self, bit: bool) {
        let rate = 1 + self.seen / 2;
        self.seen = (self.seen + 1).min(2 * (Self::SLOWEST - 1));
        if bit {
            self.of_one += (u16::MAX - self.of_one) >> rate;
        } else {
            self.of_one -= self.of_one >> rate;
        }
        self.of_one = self.of_one.clamp(32, u16::MAX - 32);
    }
}

/// What is coded, bit by bit: written, or read.
pub(super) trait Bits {
    /// A bit with its chance. A writer is told the bit; a reader finds it out.
    fn bit(&mut self, of_one: u16, bit: bool) -> bool;
}

/// Writes bits.
pub(super) struct Write {
    low: u32,
    high: u32,
    bytes: Vec<u8>,
}

/// Reads bits. Beyond the end there are zeros, which are counted.
pub(super) struct Read<'a> {
    low: u32,
    high: u32,
    value: u32,
    rest: &'a [u8],
    beyond: u32,
}

/// Where a range is cut in two, neither of them empty: the top bytes of its ends differ, so it is not one number.
fn cut(low: u32, high: u32, of_one: u16) -> u32 {
    let range = u64::from(high - low);
    #[expect(clippy::cast_possible_truncation, reason = "less than the range")]
    let part = ((range * u64::from(of_one)) >> 16) as u32;
    low + part
}

impl Bits for Write {
    fn bit(&mut self, of_one: u16, bit: bool) -> bool {
        let middle = cut(self.low, self.high, of_one);
        if bit {
            self.high = middle;
        } else {
            self.low = middle + 1;
        }
        while (self.low ^ self.high) >> 24 == 0 {
            self.bytes.extend(self.high.to_be_bytes().first());
            self.low <<= 8;
            self.high = self.high << 8 | 0xff;
        }
        bit
    }
}

impl Write {
    /// What was written; the last four bytes end it.
    fn finish(mut self) -> Vec<u8> {
        self.bytes.extend(self.low.to_be_bytes());
        self.bytes
    }
}

impl<'a> Read<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let mut made = Self { low: 0, high: u32::MAX, value: 0, rest: bytes, beyond: 0 };
        (0..4).for_each(|_| made.take());
        made
    }

    fn take(&mut self) {
        let byte = match self.rest.split_first() {
            Some((first, rest)) => {
                self.rest = rest;
                *first
            }
            None => {
                self.beyond = self.beyond.saturating_add(1);
                0
            }
        };
        self.value = self.value << 8 | u32::from(byte);
    }
}

impl Bits for Read<'_> {
    fn bit(&mut self, of_one: u16, _: bool) -> bool {
        let middle = cut(self.low, self.high, of_one);
        let bit = self.value <= middle;
        if bit {
            self.high = middle;
        } else {
            self.low = middle + 1;
        }
        while (self.low ^ self.high) >> 24 == 0 {
            self.low <<= 8;
            self.high = self.high << 8 | 0xff;
            self.take();
        }
        bit
    }
}

/// A stream of counts, bytes and texts, and what was learnt of it.
pub(super) struct Packed<B> {
    bits: B,
    lengths: Vec<Chance>,
    tops: Vec<Chance>,
    texts: Vec<Chance>,
    before: [usize; FIELDS],
}

impl Packed<Write> {
    pub(super) fn new() -> Self {
        Self::of(Write { low: 0, high: u32::MAX, bytes: Vec::new() })
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.bits.finish()
    }

    pub(super) fn put(&mut self, field: Field, value: u64) {
        self.code(field, value);
    }

    pub(super) fn put_text(&mut self, text: &[u8]) {
        self.put(Field::Length, text.len() as u64);
        let mut before = 0;
        for byte in text {
            self.code_byte(before, *byte);
            before = *byte;
        }
    }

    pub(super) fn put_raw(&mut self, value: u64) {
        (0..64).rev().for_each(|at| {
            self.bits.bit(Chance::EVEN.of_one, value >> at & 1 == 1);
        });
    }
}

impl<'a> Packed<Read<'a>> {
    pub(super) fn reading(bytes: &'a [u8]) -> Self {
        Self::of(Read::new(bytes))
    }

    /// Was all of it read, and no more?
    pub(super) fn is_at_end(&self) -> bool {
        self.bits.rest.is_empty() && self.bits.beyond == 0
    }

    pub(super) fn get(&mut self, field: Field) -> Option<u64> {
        let value = self.code(field, 0)?;
        (self.bits.beyond == 0).then_some(value)
    }

    /// The bytes of a text; none where there are more than these.
    pub(super) fn get_text(&mut self, most: u64) -> Option<Vec<u8>> {
        let length = self.get(Field::Length).filter(|length| *length <= most)?;
        let (mut text, mut before) = (Vec::new(), 0);
        for _ in 0..length {
            before = self.code_byte(before, 0);
            text.push(before);
            if self.bits.beyond > 0 {
                return None;
            }
        }
        Some(text)
    }

    pub(super) fn get_raw(&mut self) -> Option<u64> {
        let value =
            (0..64).fold(0, |value, _| value << 1 | u64::from(self.bits.bit(Chance::EVEN.of_one, false)));
        (self.bits.beyond == 0).then_some(value)
    }
}

impl<B: Bits> Packed<B> {
    fn of(bits: B) -> Self {
        Self {
            bits,
            lengths: vec![Chance::EVEN; FIELDS * BEFORE * LENGTHS],
            tops: vec![Chance::EVEN; FIELDS * 65 * 4 * TOPS],
            texts: vec![Chance::EVEN; TEXTS],
            before: [0; FIELDS],
        }
    }

    /// A count; none where there is no such one to be read.
    fn code(&mut self, field: Field, value: u64) -> Option<u64> {
        let at = field as usize;
        let before = self.before.get(at).copied().unwrap_or(0);
        let learnt = self.lengths.get_mut((at * BEFORE + before) * LENGTHS..).unwrap_or_default();
        let length = tree(&mut self.bits, learnt, 7, u64::from(u64::BITS - value.leading_zeros()));
        let length = u32::try_from(length).ok().filter(|length| *length <= u64::BITS)?;
        if length < 2 {
            self.remember(at, length, 0);
            return Some(u64::from(length));
        }
        let below = length - 1;
        let first = below.min(LEARNT);
        let learnt =
            self.tops.get_mut(((at * 65 + length as usize) * 4 + before % 4) * TOPS..).unwrap_or_default();
        let top = tree(&mut self.bits, learnt, first, value >> (below - first) & ((1 << first) - 1));
        let mut coded = 1 << first | top;
        for at in (0..below - first).rev() {
            coded = coded << 1 | u64::from(self.bits.bit(Chance::EVEN.of_one, value >> at & 1 == 1));
        }
        let two = if first < 2 { top << 1 } else { top >> (first - 2) };
        self.remember(at, length, two);
        Some(coded)
    }

    fn remember(&mut self, at: usize, length: u32, two: u64) {
        if let Some(before) = self.before.get_mut(at) {
            *before = (length as usize * 4 + usize::try_from(two).unwrap_or(0)).min(BEFORE - 1);
        }
    }

    fn code_byte(&mut self, before: u8, byte: u8) -> u8 {
        let learnt = self.texts.get_mut(usize::from(before) * 256..).unwrap_or_default();
        u8::try_from(tree(&mut self.bits, learnt, 8, u64::from(byte))).unwrap_or(0)
    }
}

/// So many bits from the top, each with the chance that those before it lead to.
fn tree(bits: &mut impl Bits, learnt: &mut [Chance], depth: u32, value: u64) -> u64 {
    let mut node = 1_usize;
    for at in (0..depth).rev() {
        let Some(chance) = learnt.get_mut(node) else { break };
        let bit = bits.bit(chance.of_one, value >> at & 1 == 1);
        chance.learn(bit);
        node = node << 1 | usize::from(bit);
    }
    node as u64 - (1 << depth)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn what_is_written_is_read() {
        let mut random = Random::new(5);
        let values: Vec<u64> =
            (0..20_000).map(|i| random.bits() >> (i % 64)).chain([0, 1, 2, 3, u64::MAX]).collect();
        let texts = ["", "Graz", "Gr\u{fc}\u{df}e", "\0\u{ff}"];
        let mut out = Packed::new();
        values.iter().for_each(|value| out.put(Field::Count, *value));
        texts.iter().for_each(|text| out.put_text(text.as_bytes()));
        values.iter().for_each(|value| out.put_raw(*value));
        let bytes = out.finish();
        let mut read = Packed::reading(&bytes);
        assert!(values.iter().all(|value| read.get(Field::Count) == Some(*value)));
        assert!(texts.iter().all(|text| read.get_text(99).as_deref() == Some(text.as_bytes())));
        assert!(values.iter().all(|value| read.get_raw() == Some(*value)) && read.is_at_end());
        // What ends too early is not read to the end, however long one tries.
        let mut cut = Packed::reading(&bytes[..bytes.len() / 2]);
        assert!((0..values.len() * 2).any(|_| cut.get(Field::Count).is_none()));
    }

    #[test]
    fn what_is_expected_costs_little() {
        let size = |values: &[u64]| {
            let mut out = Packed::new();
            values.iter().for_each(|value| out.put(Field::Step, *value));
            out.finish().len()
        };
        assert!(size(&[1; 10_000]) < 60, "{}", size(&[1; 10_000]));
        // From 512 to 575: six bits of noise each, 750 bytes.
        let mut random = Random::new(2);
        let near: Vec<u64> = (0..1_000).map(|_| 512 + random.below(64) as u64).collect();
        assert!(size(&near) < 800, "{}", size(&near));
    }
}
