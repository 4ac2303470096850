//! A profile as bytes: a line that says what it is, a version, the counts in LEB128, and a check sum of eight bytes.
//!
//! There is one form for each profile, so equal profiles are equal files. What is read is believed only as far as it agrees
//! with itself: a profile that was made by somebody else can be wrong, but it cannot make the reader fail later.

use std::collections::BTreeMap;

use super::Profile;
use super::categories::{self, Categories, Category};
use super::column::{ColumnProfile, Numbers, Texts};
use super::distinct::Distinct;
use super::exact::ExactSum;
use super::quantiles::Quantiles;

/// What a profile begins with.
const MAGIC: &[u8] = b"cordon profile\n";
/// The version that is written, and the only one that is read so far.
const VERSION: u64 = 1;
/// More rows than this nobody has; sums of counts then never overflow, and tests of them take seconds at most.
const MOST_ROWS: u64 = 1 << 40;
/// More columns than this no table has.
const MOST_COLUMNS: u64 = 4_096;

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
        "the profile has version {found}, this program reads {VERSION}; help: use the program that wrote it, or make it anew"
    )]
    Version {
        /// The version it has.
        found: u64,
    },
}

pub(super) fn written(profile: &Profile) -> Vec<u8> {
    let mut out = Writer { bytes: MAGIC.to_vec() };
    out.count(VERSION);
    out.count(profile.rows);
    out.registers(&profile.different);
    out.count(profile.columns.len() as u64);
    for (name, column) in &profile.columns {
        out.text(name);
        out.column(column);
    }
    let sum = categories::hash_bytes(&out.bytes);
    out.bytes.extend_from_slice(&sum.to_le_bytes());
    out.bytes
}

pub(super) fn read(bytes: &[u8]) -> Result<Profile, ProfileError> {
    let body = bytes.strip_prefix(MAGIC).ok_or(ProfileError::NotAProfile)?;
    let mut reader = Reader { rest: body };
    let version = reader.count().ok_or(ProfileError::Damaged)?;
    if version != VERSION {
        return Err(ProfileError::Version { found: version });
    }
    let (checked, sum) = bytes.split_last_chunk::<8>().ok_or(ProfileError::Damaged)?;
    if categories::hash_bytes(checked).to_le_bytes() != *sum {
        return Err(ProfileError::Damaged);
    }
    reader.rest = reader.rest.split_last_chunk::<8>().ok_or(ProfileError::Damaged)?.0;
    profile(&mut reader).filter(|_| reader.rest.is_empty()).ok_or(ProfileError::Damaged)
}

fn profile(reader: &mut Reader<'_>) -> Option<Profile> {
    let rows = reader.count().filter(|rows| *rows <= MOST_ROWS)?;
    let different = reader.registers()?;
    let mut columns = Vec::new();
    for _ in 0..reader.count().filter(|columns| *columns <= MOST_COLUMNS)? {
        let name = reader.text()?;
        let column = reader.column()?;
        if column.missing.checked_add(column.present())? != rows {
            return None;
        }
        columns.push((name, column));
    }
    Some(Profile { rows, different, columns })
}

struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    fn count(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        #[expect(clippy::cast_possible_truncation, reason = "below 128")]
        self.bytes.push(value as u8);
    }

    fn counts(&mut self, values: &[u64]) {
        values.iter().for_each(|value| self.count(*value));
    }

    fn text(&mut self, text: &str) {
        self.count(text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn number(&mut self, value: f64) {
        self.bytes.extend_from_slice(&value.to_bits().to_le_bytes());
    }

    fn column(&mut self, column: &ColumnProfile) {
        self.count(column.missing);
        self.counts(&column.kinds);
        self.counts(&[column.not_numbers, column.infinite]);
        self.count(u64::from(column.numbers.is_some()) | u64::from(column.texts.is_some()) << 1);
        if let Some(numbers) = &column.numbers {
            self.numbers(numbers);
        }
        if let Some(texts) = &column.texts {
            self.counts(&[texts.characters, texts.shortest, texts.longest, texts.empty]);
            self.categories(&texts.categories);
        }
    }

    fn numbers(&mut self, numbers: &Numbers) {
        self.counts(&[numbers.count, numbers.negative, numbers.zero]);
        self.number(numbers.least);
        self.number(numbers.greatest);
        self.sum(&numbers.sum);
        self.sum(&numbers.squares);
        self.count(u64::from(numbers.quantiles.dropped()));
        let entries = numbers.quantiles.sorted();
        self.count(entries.len() as u64);
        let mut last = 0;
        for (key, count) in entries {
            self.counts(&[key - last, count]);
            last = key;
        }
        // Exact values say what the registers are.
        if !numbers.quantiles.is_exact() {
            self.registers(&numbers.distinct);
        }
    }

    /// Six bits a register.
    fn registers(&mut self, distinct: &Distinct) {
        for quad in distinct.registers().chunks_exact(4) {
            let bits = quad.iter().rev().fold(0_u32, |bits, rank| bits << 6 | u32::from(*rank));
            self.bytes.extend(bits.to_le_bytes().iter().take(3));
        }
    }

    fn sum<const DIGITS: usize>(&mut self, sum: &ExactSum<DIGITS>) {
        let (negative, digits) = sum.magnitude();
        let first = digits.iter().position(|digit| *digit != 0).unwrap_or(0);
        let end = digits.iter().rposition(|digit| *digit != 0).map_or(first, |last| last + 1);
        self.counts(&[u64::from(negative), first as u64, (end - first) as u64]);
        for digit in digits.iter().take(end).skip(first) {
            self.count(digit.unsigned_abs());
        }
    }

    fn categories(&mut self, categories: &Categories) {
        self.counts(&[categories.total(), categories.limit(), categories.kept().len() as u64]);
        for (hash, category) in categories.kept() {
            self.bytes.extend_from_slice(&hash.to_le_bytes());
            self.count(category.count);
            self.text(&category.label);
        }
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*taken)
    }

    fn count(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.bytes()?;
            let part = u64::from(byte & 0x7f);
            // The tenth byte has one bit left; only the shortest form is a number.
            if part << shift >> shift != part || (byte == 0 && shift > 0) {
                return None;
            }
            value |= part << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn counts<const N: usize>(&mut self) -> Option<[u64; N]> {
        let mut counts = [0; N];
        for count in &mut counts {
            *count = self.count()?;
        }
        Some(counts)
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.count()?).ok()?;
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        String::from_utf8(text.to_vec()).ok()
    }

    fn number(&mut self) -> Option<f64> {
        Some(f64::from_bits(u64::from_le_bytes(self.bytes()?))).filter(|value| value.is_finite())
    }

    fn column(&mut self) -> Option<ColumnProfile> {
        let missing = self.count()?;
        let kinds = self.counts()?;
        let [not_numbers, infinite, flags] = self.counts()?;
        let numeric = kinds.iter().try_fold(0_u64, |sum, count| sum.checked_add(*count))?;
        if flags > 3 || numeric > MOST_ROWS {
            return None;
        }
        let numbers = if flags & 1 == 0 { None } else { Some(Box::new(self.numbers()?)) };
        let texts = if flags & 2 == 0 { None } else { Some(Box::new(self.texts()?)) };
        let column = ColumnProfile { missing, kinds, not_numbers, infinite, numbers, texts };
        let [booleans, dates, decimals, integers, others] = kinds;
        let finite = column.numbers.as_ref().map_or(0, |numbers| numbers.count);
        let agrees = finite.checked_add(not_numbers)?.checked_add(infinite)? == dates + decimals + integers
            && column.texts.as_ref().map_or(0, |texts| texts.categories.total()) == booleans + others;
        agrees.then_some(column)
    }

    fn numbers(&mut self) -> Option<Numbers> {
        let [count, negative, zero] = self.counts()?;
        let (least, greatest) = (self.number()?, self.number()?);
        let (sum, squares) = (self.sum()?, self.sum()?);
        let dropped = u32::try_from(self.count()?).ok()?;
        let mut entries = Vec::new();
        let mut key = 0_u64;
        for place in 0..self.count().filter(|length| *length <= Quantiles::MOST as u64)? {
            let [step, count] = self.counts()?;
            if step == 0 && place > 0 {
                return None;
            }
            key = key.checked_add(step)?;
            entries.push((key, count));
        }
        let quantiles = Quantiles::of_sorted(dropped, &entries)?;
        let distinct = if quantiles.is_exact() { rebuilt(&quantiles) } else { self.registers()? };
        let agrees = quantiles.total() == count
            && count > 0
            && negative.checked_add(zero)? <= count
            && least <= greatest;
        agrees.then_some(Numbers {
            count,
            least,
            greatest,
            negative,
            zero,
            sum,
            squares,
            quantiles,
            distinct,
        })
    }

    fn registers(&mut self) -> Option<Distinct> {
        let mut registers = Vec::new();
        for _ in 0..512 {
            let [low, middle, high] = self.bytes()?;
            let bits = u32::from_le_bytes([low, middle, high, 0]);
            registers.extend((0..4).map(|at| u8::try_from(bits >> (6 * at) & 0x3f).unwrap_or(0)));
        }
        Distinct::of_registers(registers)
    }

    fn sum<const DIGITS: usize>(&mut self) -> Option<ExactSum<DIGITS>> {
        let [negative, first, length] = self.counts()?;
        if negative > 1 || first.checked_add(length)? > DIGITS as u64 {
            return None;
        }
        let mut digits = vec![0; usize::try_from(first).ok()?];
        for _ in 0..length {
            digits.push(i64::from(u32::try_from(self.count()?).ok()?));
        }
        Some(ExactSum::of_magnitude(negative == 1, digits.into_iter()))
    }

    fn texts(&mut self) -> Option<Texts> {
        let [characters, shortest, longest, empty] = self.counts()?;
        let [total, limit, kept] = self.counts()?;
        let mut table = BTreeMap::new();
        for _ in 0..kept {
            let hash = u64::from_le_bytes(self.bytes()?);
            let count = self.count().filter(|count| *count > 0)?;
            let label = self.text().filter(|label| label.len() <= Categories::LONGEST)?;
            if table.insert(hash, Category { label, count }).is_some() || table.len() > Categories::MOST {
                return None;
            }
        }
        let categories = Categories::of_parts(table, limit, total)?;
        let agrees = total > 0 && characters <= 1 << 62 && shortest <= longest && empty <= total;
        agrees.then_some(Texts { characters, shortest, longest, empty, categories })
    }
}

/// The registers of values that are all known.
fn rebuilt(quantiles: &Quantiles) -> Distinct {
    let mut distinct = Distinct::default();
    quantiles.intervals().iter().for_each(|interval| distinct.add(interval.low.to_bits()));
    distinct
}
