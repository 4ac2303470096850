//! A profile as bytes: a line that says what it is, a version, the counts in LEB128, and a check sum of eight bytes.
//!
//! There is one form for each profile, so equal profiles are equal files. What is read is believed only as far as it agrees
//! with itself: a profile that was made by somebody else can be wrong, but it cannot make the reader fail later.

use std::collections::BTreeMap;

use super::categories::{self, Categories, Category};
use super::column::{ColumnProfile, Numbers, Texts};
use super::distinct::Distinct;
use super::exact::ExactSum;
use super::quantiles::Quantiles;
use super::{Cloud, Parts, Profile, Saved};

/// What a profile begins with.
const MAGIC: &[u8] = b"cordon profile\n";
/// The version of a profile alone.
const ALONE: u64 = 1;
/// The version with parts and clouds; both are read.
const VERSION: u64 = 2;
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
        "the profile has version {found}, this program reads up to {VERSION}; help: use the program that wrote it, or make it anew"
    )]
    Version {
        /// The version it has.
        found: u64,
    },
}

pub(super) fn written(saved: &Saved) -> Vec<u8> {
    let mut out = Writer { bytes: MAGIC.to_vec() };
    let is_alone = saved.parts.is_none() && saved.clouds.is_empty();
    out.count(if is_alone { ALONE } else { VERSION });
    out.profile(&saved.whole);
    if !is_alone {
        out.parts(saved.parts.as_ref());
        out.count(saved.clouds.len() as u64);
        for (name, cloud) in &saved.clouds {
            out.text(name);
            out.cloud(cloud);
        }
    }
    let sum = categories::hash_bytes(&out.bytes);
    out.bytes.extend_from_slice(&sum.to_le_bytes());
    out.bytes
}

pub(super) fn read(bytes: &[u8]) -> Result<Saved, ProfileError> {
    let body = bytes.strip_prefix(MAGIC).ok_or(ProfileError::NotAProfile)?;
    let mut reader = Reader { rest: body, columns: 0 };
    let version = reader.count().ok_or(ProfileError::Damaged)?;
    if version != ALONE && version != VERSION {
        return Err(ProfileError::Version { found: version });
    }
    let (checked, sum) = bytes.split_last_chunk::<8>().ok_or(ProfileError::Damaged)?;
    if categories::hash_bytes(checked).to_le_bytes() != *sum {
        return Err(ProfileError::Damaged);
    }
    reader.rest = reader.rest.split_last_chunk::<8>().ok_or(ProfileError::Damaged)?.0;
    reader.saved(version == ALONE).filter(|_| reader.rest.is_empty()).ok_or(ProfileError::Damaged)
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

    fn profile(&mut self, profile: &Profile) {
        self.count(profile.rows);
        self.registers(&profile.different);
        self.count(profile.columns.len() as u64);
        for (name, column) in &profile.columns {
            self.text(name);
            self.column(column);
        }
    }

    fn parts(&mut self, parts: Option<&Parts>) {
        self.count(u64::from(parts.is_some()));
        let Some(parts) = parts else { return };
        self.text(&parts.by);
        self.count(parts.rows_beyond);
        self.profile(&parts.sizes);
        self.count(parts.profiles.len() as u64);
        for (name, profile) in &parts.profiles {
            self.text(name);
            self.profile(profile);
        }
    }

    fn cloud(&mut self, cloud: &Cloud) {
        self.counts(&[cloud.dimension() as u64, cloud.rows]);
        for (sum, squares) in cloud.sums.iter().zip(&cloud.squares) {
            self.sum(sum);
            self.sum(squares);
        }
        self.column(&cloud.lengths);
        cloud.projections.iter().for_each(|projection| self.column(projection));
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
    /// Columns so far, of the table and of its parts: a few bytes can stand for some kilobytes of memory.
    columns: u64,
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

    fn saved(&mut self, is_alone: bool) -> Option<Saved> {
        let whole = self.profile()?;
        if is_alone {
            return Some(Saved::of(whole));
        }
        let parts = match self.count()? {
            0 => None,
            1 => Some(self.parts(whole.rows)?),
            _ => return None,
        };
        let mut clouds = BTreeMap::new();
        for _ in 0..self.count().filter(|clouds| *clouds <= Saved::MOST_CLOUDS)? {
            let (name, cloud) = (self.text()?, self.cloud()?);
            let is_last = clouds.last_key_value().is_none_or(|(last, _): (&String, _)| *last < name);
            (is_last && cloud.rows == whole.rows && clouds.insert(name, cloud).is_none()).then_some(())?;
        }
        // What is written with nothing but a profile has the other version.
        (parts.is_some() || !clouds.is_empty()).then_some(Saved { whole, parts, clouds })
    }

    fn profile(&mut self) -> Option<Profile> {
        let rows = self.count().filter(|rows| *rows <= MOST_ROWS)?;
        let different = self.registers()?;
        let mut columns = Vec::new();
        let count = self.count().filter(|columns| *columns <= MOST_COLUMNS)?;
        self.columns += count;
        if self.columns > Saved::MOST_COLUMNS {
            return None;
        }
        for _ in 0..count {
            let name = self.text()?;
            let column = self.column()?;
            if column.missing.checked_add(column.present())? != rows {
                return None;
            }
            columns.push((name, column));
        }
        Some(Profile { rows, different, columns })
    }

    fn parts(&mut self, rows: u64) -> Option<Parts> {
        let by = self.text()?;
        let rows_beyond = self.count()?;
        let sizes = self.profile().filter(|sizes| sizes.rows == rows)?;
        let mut profiles = BTreeMap::new();
        let mut counted = rows_beyond;
        for _ in 0..self.count().filter(|parts| *parts <= Saved::MOST_COLUMNS)? {
            let (name, part) = (self.text()?, self.profile()?);
            counted = counted.checked_add(part.rows)?;
            let is_last = profiles.last_key_value().is_none_or(|(last, _): (&String, _)| *last < name);
            (is_last && profiles.insert(name, part).is_none()).then_some(())?;
        }
        (counted == rows).then_some(Parts { by, sizes, profiles, rows_beyond })
    }

    fn cloud(&mut self) -> Option<Cloud> {
        let [dimension, rows] = self.counts()?;
        let empty = Cloud::new(usize::try_from(dimension).ok()?)?;
        let mut moments = Vec::new();
        for _ in 0..dimension {
            moments.push((self.sum()?, self.sum()?));
        }
        let lengths = self.column()?;
        let mut projections = Vec::new();
        for _ in 0..Cloud::PROJECTIONS {
            projections.push(self.column()?);
        }
        empty.filled(rows, moments, lengths, projections)
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
