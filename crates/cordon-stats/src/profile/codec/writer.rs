//! Every part of a profile in its order, packed.

use super::super::categories::{self, Categories};
use super::super::column::{ColumnProfile, Numbers, Texts};
use super::super::distinct::Distinct;
use super::super::exact::ExactSum;
use super::super::{Cloud, Parts, Profile, Saved};
use super::packed::{Field, Packed, Write};
use super::{decimals, known, twin};
use crate::sample::{key, value};

/// All that is saved, between version and check sum.
pub(super) fn body(saved: &Saved) -> Vec<u8> {
    let mut out = Writer { packed: Packed::new() };
    out.profile(&saved.whole, None);
    out.parts(saved.parts.as_ref(), &saved.whole);
    out.count(saved.clouds.len() as u64);
    for (name, cloud) in &saved.clouds {
        out.text(name);
        out.cloud(cloud);
    }
    out.packed.finish()
}

struct Writer {
    packed: Packed<Write>,
}

impl Writer {
    fn count(&mut self, value: u64) {
        self.packed.put(Field::Amount, value);
    }

    fn counts(&mut self, values: &[u64]) {
        values.iter().for_each(|value| self.count(*value));
    }

    fn text(&mut self, text: &str) {
        self.packed.put_text(text.as_bytes());
    }

    fn number(&mut self, value: f64) {
        let places = decimals::places(&[value]);
        self.count(places.map_or(0, |places| places as u64 + 1));
        match places.and_then(|places| decimals::whole(value, places)) {
            Some(whole) => self.count(decimals::unsigned(whole)),
            None => self.packed.put_raw(value.to_bits()),
        }
    }

    /// `like`: a profile that was written before, whose columns have most of the categories.
    fn profile(&mut self, profile: &Profile, like: Option<&Profile>) {
        self.counts(&[u64::from(profile.resolution.is_fine()), profile.rows]);
        if let Some(different) = &profile.different {
            self.registers(different);
        }
        self.count(profile.columns.len() as u64);
        for (at, (name, column)) in profile.columns.iter().enumerate() {
            self.text(name);
            self.column(column, twin(like, at, name));
        }
    }

    fn parts(&mut self, parts: Option<&Parts>, whole: &Profile) {
        self.count(u64::from(parts.is_some()));
        let Some(parts) = parts else { return };
        self.text(&parts.by);
        self.count(parts.rows_beyond);
        self.profile(&parts.sizes, None);
        self.count(parts.profiles.len() as u64);
        for (name, profile) in &parts.profiles {
            self.text(name);
            self.profile(profile, Some(whole));
        }
    }

    fn cloud(&mut self, cloud: &Cloud) {
        self.counts(&[cloud.dimension() as u64, cloud.rows]);
        for (sum, squares) in cloud.sums.iter().zip(&cloud.squares) {
            self.sum(sum);
            self.sum(squares);
        }
        self.column(&cloud.lengths, None);
        cloud.projections.iter().for_each(|projection| self.column(projection, None));
    }

    fn column(&mut self, column: &ColumnProfile, like: Option<&ColumnProfile>) {
        self.count(column.missing);
        self.counts(&column.kinds);
        self.counts(&[column.not_numbers, column.infinite]);
        self.count(u64::from(column.numbers.is_some()) | u64::from(column.texts.is_some()) << 1);
        if let Some(numbers) = &column.numbers {
            self.numbers(numbers);
        }
        if let Some(texts) = &column.texts {
            self.counts(&[texts.characters, texts.shortest, texts.longest, texts.empty]);
            self.categories(&texts.categories, like.and_then(|like| like.texts()).map(Texts::categories));
        }
    }

    fn numbers(&mut self, numbers: &Numbers) {
        self.counts(&[numbers.count, numbers.negative, numbers.zero]);
        self.sum(&numbers.sum);
        self.sum(&numbers.squares);
        self.count(u64::from(numbers.quantiles.dropped()));
        let entries = numbers.quantiles.sorted();
        self.count(entries.len() as u64);
        if numbers.quantiles.is_exact() {
            let values: Vec<f64> = entries.iter().map(|(key, _)| value(*key)).collect();
            let counts = entries.into_iter().map(|(_, count)| count);
            self.values(&values, &counts.collect::<Vec<_>>());
        } else {
            self.number(numbers.least);
            self.number(numbers.greatest);
            self.steps(entries);
        }
        // Exact values say what the registers are.
        if let Some(distinct) = numbers.distinct.as_ref().filter(|_| !numbers.quantiles.is_exact()) {
            self.registers(distinct);
        }
    }

    /// Keys with their counts, ascending.
    fn steps(&mut self, entries: impl IntoIterator<Item = (u64, u64)>) {
        let mut last = 0;
        for (key, count) in entries {
            self.packed.put(Field::Step, key - last);
            self.packed.put(Field::Count, count);
            last = key;
        }
    }

    /// Numbers with their counts, ascending: as decimals where they are some.
    fn values(&mut self, values: &[f64], counts: &[u64]) {
        let places = decimals::places(values);
        self.count(places.map_or(0, |places| places as u64 + 1));
        let Some(places) = places else {
            return self.steps(values.iter().copied().map(key).zip(counts.iter().copied()));
        };
        let mut last = None;
        for (value, count) in values.iter().zip(counts) {
            let whole = decimals::whole(*value, places).unwrap_or(0);
            match last {
                None => self.count(decimals::unsigned(whole)),
                Some(last) => self.packed.put(Field::Step, whole.abs_diff(last)),
            }
            self.packed.put(Field::Count, *count);
            last = Some(whole);
        }
    }

    fn registers(&mut self, distinct: &Distinct) {
        distinct.registers().iter().for_each(|rank| self.packed.put(Field::Rank, u64::from(*rank)));
    }

    fn sum<const DIGITS: usize>(&mut self, sum: &ExactSum<DIGITS>) {
        let (negative, digits) = sum.magnitude();
        let first = digits.iter().position(|digit| *digit != 0).unwrap_or(0);
        let end = digits.iter().rposition(|digit| *digit != 0).map_or(first, |last| last + 1);
        for place in [u64::from(negative), first as u64, (end - first) as u64] {
            self.packed.put(Field::Place, place);
        }
        for digit in digits.iter().take(end).skip(first) {
            self.packed.put(Field::Digit, digit.unsigned_abs());
        }
    }

    fn categories(&mut self, categories: &Categories, like: Option<&Categories>) {
        self.counts(&[categories.total(), u64::from(categories.is_exact())]);
        if !categories.is_exact() {
            self.packed.put_raw(categories.first_left_out());
        }
        let known = known(like);
        for (hash, label) in &known {
            let count = categories.kept().get(hash).filter(|category| category.label == *label);
            self.packed.put(Field::Frequency, count.map_or(0, |category| category.count));
        }
        let is_known = |hash: &u64, label: &str| {
            like.is_some_and(|like| like.kept().get(hash).is_some_and(|category| category.label == label))
        };
        let mut others: Vec<(&str, u64, u64)> = categories
            .kept()
            .iter()
            .filter(|(hash, category)| !is_known(hash, &category.label))
            .map(|(hash, category)| (category.label.as_str(), *hash, category.count))
            .collect();
        others.sort_unstable();
        self.count(others.len() as u64);
        let mut before = "";
        for (label, hash, count) in others {
            let shared = label.bytes().zip(before.bytes()).take_while(|(a, b)| a == b).count();
            self.packed.put(Field::Length, shared as u64);
            self.packed.put_text(label.as_bytes().get(shared..).unwrap_or_default());
            self.packed.put(Field::Frequency, count);
            // A whole text says what its hash is.
            let is_cut = categories::hash(label) != hash;
            self.count(u64::from(is_cut));
            if is_cut {
                self.packed.put_raw(hash);
            }
            before = label;
        }
    }
}
