//! Every part of a profile in its order, of any version; none where it contradicts itself.

use std::collections::BTreeMap;

use super::super::categories::{self, Categories, Category};
use super::super::column::{ColumnProfile, Numbers, Texts};
use super::super::distinct::Distinct;
use super::super::exact::ExactSum;
use super::super::quantiles::Quantiles;
use super::super::{Cloud, Parts, Profile, Resolution, Saved};
use super::packed::{Field, Packed, Read};
use super::plain::Plain;
use super::{ALONE, PLAIN, VERSION, decimals, known, twin};
use crate::sample::{key, value};

/// More rows than this nobody has; sums of counts then never overflow, and tests of them take seconds at most.
const MOST_ROWS: u64 = 1 << 40;
/// More columns than this no table has.
const MOST_COLUMNS: u64 = 4_096;
/// Bytes of the longest text that is read: a name.
const LONGEST_TEXT: u64 = 1 << 20;

/// What stands between version and check sum.
pub(super) fn saved(version: u8, body: &[u8]) -> Option<Saved> {
    let input = if version == VERSION {
        Input::Packed(Packed::reading(body))
    } else {
        Input::Plain(Plain::new(body))
    };
    let mut reader = Reader { input, columns: 0, kept: 0 };
    reader.saved(version).filter(|_| reader.input.is_at_end())
}

enum Input<'a> {
    Packed(Packed<Read<'a>>),
    Plain(Plain<'a>),
}

impl Input<'_> {
    fn is_at_end(&self) -> bool {
        match self {
            Self::Packed(packed) => packed.is_at_end(),
            Self::Plain(plain) => plain.is_at_end(),
        }
    }

    fn get(&mut self, field: Field) -> Option<u64> {
        match self {
            Self::Packed(packed) => packed.get(field),
            Self::Plain(plain) => plain.count(),
        }
    }

    fn text(&mut self) -> Option<String> {
        match self {
            Self::Packed(packed) => String::from_utf8(packed.get_text(LONGEST_TEXT)?).ok(),
            Self::Plain(plain) => plain.text(),
        }
    }

    fn number(&mut self) -> Option<f64> {
        let value = match self {
            Self::Packed(packed) => match packed.get(Field::Amount)?.checked_sub(1) {
                None => f64::from_bits(packed.get_raw()?),
                Some(places) => {
                    let whole = decimals::signed(packed.get(Field::Amount)?);
                    decimals::number(whole, usize::try_from(places).ok()?)?
                }
            },
            Self::Plain(plain) => f64::from_bits(u64::from_le_bytes(plain.bytes()?)),
        };
        Some(value).filter(|value| value.is_finite())
    }

    fn registers(&mut self) -> Option<Distinct> {
        Distinct::of_registers(match self {
            Self::Packed(packed) => {
                let rank = |_| packed.get(Field::Rank).and_then(|rank| u8::try_from(rank).ok());
                (0..Distinct::REGISTERS).map(rank).collect::<Option<_>>()?
            }
            Self::Plain(plain) => plain.registers()?,
        })
    }
}

struct Reader<'a> {
    input: Input<'a>,
    /// Columns so far, of the table and of its parts: a few bytes can stand for some kilobytes of memory.
    columns: u64,
    /// Intervals and categories so far, for the same reason.
    kept: u64,
}

impl Reader<'_> {
    fn is_packed(&self) -> bool {
        matches!(self.input, Input::Packed(_))
    }

    fn count(&mut self) -> Option<u64> {
        self.input.get(Field::Amount)
    }

    fn counts<const N: usize>(&mut self) -> Option<[u64; N]> {
        let mut counts = [0; N];
        for count in &mut counts {
            *count = self.count()?;
        }
        Some(counts)
    }

    /// So many intervals or categories more, which memory is for.
    fn more(&mut self, kept: u64) -> Option<()> {
        self.kept = self.kept.checked_add(kept)?;
        (self.kept <= Saved::MOST_KEPT).then_some(())
    }

    fn saved(&mut self, version: u8) -> Option<Saved> {
        let whole = self.profile(None)?;
        if version == ALONE {
            return Some(Saved::of(whole));
        }
        let parts = match self.count()? {
            0 => None,
            1 => Some(self.parts(&whole)?),
            _ => return None,
        };
        let mut clouds = BTreeMap::new();
        for _ in 0..self.count().filter(|clouds| *clouds <= Saved::MOST_CLOUDS)? {
            let (name, cloud) = (self.input.text()?, self.cloud()?);
            let is_last = clouds.last_key_value().is_none_or(|(last, _): (&String, _)| *last < name);
            (is_last && cloud.rows == whole.rows && clouds.insert(name, cloud).is_none()).then_some(())?;
        }
        // What was written with nothing but a profile had the other version.
        let is_alone = parts.is_none() && clouds.is_empty();
        (version != PLAIN || !is_alone).then_some(Saved { whole, parts, clouds })
    }

    fn profile(&mut self, like: Option<&Profile>) -> Option<Profile> {
        let resolution = match self.is_packed().then(|| self.count()) {
            None | Some(Some(1)) => Resolution::Fine,
            Some(Some(0)) => Resolution::Coarse,
            Some(_) => return None,
        };
        let rows = self.count().filter(|rows| *rows <= MOST_ROWS)?;
        let different = if resolution.is_fine() { Some(self.input.registers()?) } else { None };
        let mut columns = Vec::new();
        let count = self.count().filter(|columns| *columns <= MOST_COLUMNS)?;
        self.columns += count;
        if self.columns > Saved::MOST_COLUMNS {
            return None;
        }
        for at in 0..count {
            let name = self.input.text()?;
            let at = usize::try_from(at).ok()?;
            let column = self.column(resolution, twin(like, at, &name))?;
            if column.missing.checked_add(column.present())? != rows {
                return None;
            }
            columns.push((name, column));
        }
        Some(Profile { resolution, rows, different, columns })
    }

    fn parts(&mut self, whole: &Profile) -> Option<Parts> {
        let by = self.input.text()?;
        let rows_beyond = self.count()?;
        let sizes = self.profile(None).filter(|sizes| sizes.rows == whole.rows)?;
        let mut profiles = BTreeMap::new();
        let mut counted = rows_beyond;
        for _ in 0..self.count().filter(|parts| *parts <= Saved::MOST_COLUMNS)? {
            let (name, part) = (self.input.text()?, self.profile(Some(whole))?);
            counted = counted.checked_add(part.rows)?;
            let is_last = profiles.last_key_value().is_none_or(|(last, _): (&String, _)| *last < name);
            (is_last && profiles.insert(name, part).is_none()).then_some(())?;
        }
        (counted == whole.rows).then_some(Parts { by, sizes, profiles, rows_beyond })
    }

    fn cloud(&mut self) -> Option<Cloud> {
        let [dimension, rows] = self.counts()?;
        let empty = Cloud::new(usize::try_from(dimension).ok()?)?;
        let mut moments = Vec::new();
        for _ in 0..dimension {
            moments.push((self.sum()?, self.sum()?));
        }
        let lengths = self.column(Resolution::Fine, None)?;
        let mut projections = Vec::new();
        for _ in 0..Cloud::PROJECTIONS {
            projections.push(self.column(Resolution::Fine, None)?);
        }
        empty.filled(rows, moments, lengths, projections)
    }

    fn column(&mut self, resolution: Resolution, like: Option<&ColumnProfile>) -> Option<ColumnProfile> {
        let missing = self.count()?;
        let kinds = self.counts()?;
        let [not_numbers, infinite, flags] = self.counts()?;
        let numeric = kinds.iter().try_fold(0_u64, |sum, count| sum.checked_add(*count))?;
        if flags > 3 || numeric > MOST_ROWS {
            return None;
        }
        let numbers = if flags & 1 == 0 { None } else { Some(Box::new(self.numbers(resolution)?)) };
        let like = like.and_then(|like| like.texts()).map(Texts::categories);
        let texts = if flags & 2 == 0 { None } else { Some(Box::new(self.texts(resolution, like)?)) };
        let column = ColumnProfile { resolution, missing, kinds, not_numbers, infinite, numbers, texts };
        let [booleans, dates, decimals, integers, others] = kinds;
        let finite = column.numbers.as_ref().map_or(0, |numbers| numbers.count);
        let agrees = finite.checked_add(not_numbers)?.checked_add(infinite)? == dates + decimals + integers
            && column.texts.as_ref().map_or(0, |texts| texts.categories.total()) == booleans + others;
        agrees.then_some(column)
    }

    fn numbers(&mut self, resolution: Resolution) -> Option<Numbers> {
        let [count, negative, zero] = self.counts()?;
        let ends = if self.is_packed() { None } else { Some((self.input.number()?, self.input.number()?)) };
        let (sum, squares) = (self.sum()?, self.sum()?);
        let dropped = u32::try_from(self.count()?).ok()?;
        let length = self.count().filter(|length| *length <= resolution.intervals() as u64)?;
        self.more(length)?;
        let is_exact = self.is_packed() && dropped == 0;
        let (entries, (least, greatest)) = if is_exact {
            let entries = self.values(length)?;
            let end =
                |entry: Option<&(u64, u64)>| entry.map(|(key, _)| value(*key)).filter(|end| end.is_finite());
            let ends = (end(entries.first())?, end(entries.last())?);
            (entries, ends)
        } else {
            let ends = match ends {
                Some(ends) => ends,
                None => (self.input.number()?, self.input.number()?),
            };
            (self.steps(length)?, ends)
        };
        let quantiles = Quantiles::of_sorted(resolution, dropped, &entries)?;
        let distinct = match (resolution.is_fine(), quantiles.is_exact()) {
            (false, _) => None,
            (true, true) => Some(rebuilt(&quantiles)),
            (true, false) => Some(self.input.registers()?),
        };
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

    /// Keys with their counts.
    fn steps(&mut self, length: u64) -> Option<Vec<(u64, u64)>> {
        let (mut entries, mut key) = (Vec::new(), 0_u64);
        for place in 0..length {
            let (step, count) = (self.input.get(Field::Step)?, self.input.get(Field::Count)?);
            if step == 0 && place > 0 {
                return None;
            }
            key = key.checked_add(step)?;
            entries.push((key, count));
        }
        Some(entries)
    }

    /// The same of numbers that are all known.
    fn values(&mut self, length: u64) -> Option<Vec<(u64, u64)>> {
        let Some(places) = self.count()?.checked_sub(1) else { return self.steps(length) };
        let places = usize::try_from(places).ok()?;
        let (mut entries, mut whole) = (Vec::new(), 0_i64);
        for place in 0..length {
            whole = if place == 0 {
                decimals::signed(self.count()?)
            } else {
                whole.checked_add_unsigned(self.input.get(Field::Step)?)?
            };
            let number = decimals::number(whole, places)? + 0.0;
            entries.push((key(number), self.input.get(Field::Count)?));
        }
        entries.windows(2).all(|pair| matches!(pair, [(a, _), (b, _)] if a < b)).then_some(entries)
    }

    fn sum<const DIGITS: usize>(&mut self) -> Option<ExactSum<DIGITS>> {
        let mut place = || self.input.get(Field::Place);
        let (negative, first, length) = (place()?, place()?, place()?);
        if negative > 1 || first.checked_add(length)? > DIGITS as u64 {
            return None;
        }
        let mut digits = vec![0; usize::try_from(first).ok()?];
        for _ in 0..length {
            digits.push(i64::from(u32::try_from(self.input.get(Field::Digit)?).ok()?));
        }
        Some(ExactSum::of_magnitude(negative == 1, digits.into_iter()))
    }

    fn texts(&mut self, resolution: Resolution, like: Option<&Categories>) -> Option<Texts> {
        let [characters, shortest, longest, empty] = self.counts()?;
        let (total, limit, kept) = match self.input {
            Input::Packed(_) => self.packed_categories(resolution, like)?,
            Input::Plain(_) => self.plain_categories()?,
        };
        let categories = Categories::of_parts(resolution, kept, limit, total)?;
        let agrees = total > 0 && characters <= 1 << 62 && shortest <= longest && empty <= total;
        agrees.then_some(Texts { characters, shortest, longest, empty, categories })
    }

    /// Total, limit, and the categories that are kept.
    fn packed_categories(
        &mut self,
        resolution: Resolution,
        like: Option<&Categories>,
    ) -> Option<(u64, u64, BTreeMap<u64, Category>)> {
        let [total, is_exact] = self.counts()?;
        let Input::Packed(packed) = &mut self.input else { return None };
        let limit =
            if is_exact == 1 { u64::MAX } else { packed.get_raw().filter(|limit| *limit < u64::MAX)? };
        let mut kept = BTreeMap::new();
        for (hash, label) in known(like) {
            let count = packed.get(Field::Frequency)?;
            if count > 0 {
                kept.insert(hash, Category { label: label.to_owned(), count });
            }
        }
        let others = packed.get(Field::Amount).filter(|others| *others <= resolution.categories() as u64)?;
        let mut before = Vec::new();
        for _ in 0..others {
            let shared = usize::try_from(packed.get(Field::Length)?).ok()?;
            let rest = packed.get_text(Categories::LONGEST as u64)?;
            let mut label = before.get(..shared)?.to_vec();
            label.extend(rest);
            let text =
                String::from_utf8(label.clone()).ok().filter(|text| text.len() <= Categories::LONGEST)?;
            before = label;
            let count = packed.get(Field::Frequency).filter(|count| *count > 0)?;
            let hash = match packed.get(Field::Amount)? {
                0 => categories::hash(&text),
                1 => packed.get_raw()?,
                _ => return None,
            };
            kept.insert(hash, Category { label: text, count }).is_none().then_some(())?;
        }
        self.more(kept.len() as u64)?;
        Some((total, limit, kept))
    }

    fn plain_categories(&mut self) -> Option<(u64, u64, BTreeMap<u64, Category>)> {
        let [total, limit, count] = self.counts()?;
        let Input::Plain(plain) = &mut self.input else { return None };
        let mut kept = BTreeMap::new();
        for _ in 0..count {
            let hash = u64::from_le_bytes(plain.bytes()?);
            let count = plain.count().filter(|count| *count > 0)?;
            let label = plain.text().filter(|label| label.len() <= Categories::LONGEST)?;
            if kept.insert(hash, Category { label, count }).is_some() || kept.len() > Categories::MOST {
                return None;
            }
        }
        self.more(kept.len() as u64)?;
        Some((total, limit, kept))
    }
}

/// The registers of values that are all known.
fn rebuilt(quantiles: &Quantiles) -> Distinct {
    let mut distinct = Distinct::default();
    quantiles.intervals().iter().for_each(|interval| distinct.add(interval.low.to_bits()));
    distinct
}
