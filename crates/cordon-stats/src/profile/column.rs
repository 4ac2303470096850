use super::Resolution;
use super::categories::{self, Categories};
use super::distinct::Distinct;
use super::exact::{Squares, Sum};
use super::quantiles::Quantiles;
use crate::random::mixed;

/// One value of a row, as whoever reads the data understands it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// True or false; counted as a category too.
    Boolean(bool),
    /// A day or a moment, in seconds since 1970; counted as a number too.
    Date(f64),
    /// A number with a fraction or an exponent, NaN and the infinities included.
    Decimal(f64),
    /// A whole number. Beyond 2⁵³ its last digits are not kept.
    Integer(i64),
    /// Nothing there.
    Missing,
    /// Any other text; counted as a category.
    Text(&'a str),
}

impl<'a> Cell<'a> {
    /// What is counted as a category.
    pub(super) fn as_text(&self) -> Option<&'a str> {
        match self {
            Self::Boolean(true) => Some("true"),
            Self::Boolean(false) => Some("false"),
            Self::Text(text) => Some(text),
            Self::Date(_) | Self::Decimal(_) | Self::Integer(_) | Self::Missing => None,
        }
    }
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// True or false.
    Boolean,
    /// Days or moments.
    Date,
    /// Numbers, at least one with a fraction.
    Decimal,
    /// No value at all.
    Empty,
    /// Whole numbers.
    Integer,
    /// Both numbers and texts.
    Mixed,
    /// Texts.
    Text,
}

impl Kind {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Decimal => "decimal",
            Self::Empty => "empty",
            Self::Integer => "integer",
            Self::Mixed => "mixed",
            Self::Text => "text",
        }
    }

    /// Are its values compared as numbers?
    pub fn is_numeric(self) -> bool {
        matches!(self, Self::Date | Self::Decimal | Self::Integer)
    }
}

/// The summary of one column.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ColumnProfile {
    pub(super) resolution: Resolution,
    pub(super) missing: u64,
    /// Booleans, dates, decimals, integers, texts.
    pub(super) kinds: [u64; 5],
    pub(super) not_numbers: u64,
    pub(super) infinite: u64,
    pub(super) numbers: Option<Box<Numbers>>,
    pub(super) texts: Option<Box<Texts>>,
}

/// The summary of the finite numbers of a column.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    pub(super) count: u64,
    pub(super) least: f64,
    pub(super) greatest: f64,
    pub(super) negative: u64,
    pub(super) zero: u64,
    pub(super) sum: Sum,
    pub(super) squares: Squares,
    pub(super) quantiles: Quantiles,
    /// None where that is not counted.
    pub(super) distinct: Option<Distinct>,
}

/// The summary of the texts of a column, booleans among them.
#[derive(Debug, Clone, PartialEq)]
pub struct Texts {
    pub(super) characters: u64,
    pub(super) shortest: u64,
    pub(super) longest: u64,
    pub(super) empty: u64,
    pub(super) categories: Categories,
}

impl ColumnProfile {
    /// Of no row yet.
    pub fn new(resolution: Resolution) -> Self {
        Self { resolution, ..Self::default() }
    }

    /// Counts a value; gives a hash of it.
    pub(super) fn add(&mut self, cell: Cell<'_>) -> u64 {
        let (hash, number) = self.count(cell);
        if let Some(number) = number {
            self.numbers_mut().add(number);
        }
        let Some(text) = cell.as_text() else { return hash };
        let hash = categories::hash(text);
        self.texts_mut().add(text, hash, 1);
        hash
    }

    /// Counts of what kind a value is; gives the hash of what is no text, and a finite number that is still to be added.
    pub(super) fn count(&mut self, cell: Cell<'_>) -> (u64, Option<f64>) {
        let [booleans, dates, decimals, integers, texts] = &mut self.kinds;
        let (kind, value) = match cell {
            Cell::Missing => {
                self.missing += 1;
                return (0, None);
            }
            Cell::Boolean(_) => (booleans, None),
            Cell::Date(value) => (dates, Some(value)),
            Cell::Decimal(value) => (decimals, Some(value)),
            Cell::Integer(value) => (integers, Some(value as f64)),
            Cell::Text(_) => (texts, None),
        };
        *kind += 1;
        let Some(value) = value else { return (0, None) };
        if value.is_nan() {
            self.not_numbers += 1;
        } else if value.is_infinite() {
            self.infinite += 1;
        }
        // Zero has no sign here.
        (mixed((value + 0.0).to_bits()), Some(value).filter(|value| value.is_finite()))
    }

    /// Adds finite numbers that were counted.
    pub(super) fn add_numbers(&mut self, numbers: &[f64]) {
        if !numbers.is_empty() {
            self.numbers_mut().add_all(numbers);
        }
    }

    /// Adds a text that was counted so often.
    pub(super) fn add_texts(&mut self, text: &str, hash: u64, count: u64) {
        if count > 0 {
            self.texts_mut().add(text, hash, count);
        }
    }

    /// Counts rows without a value.
    pub fn add_missing(&mut self, rows: u64) {
        self.missing += rows;
    }

    fn numbers_mut(&mut self) -> &mut Numbers {
        self.numbers.get_or_insert_with(|| Box::new(Numbers::new(self.resolution)))
    }

    fn texts_mut(&mut self) -> &mut Texts {
        self.texts.get_or_insert_with(|| Box::new(Texts::new(self.resolution)))
    }

    /// Adds what another profile of this column counted.
    pub fn merge(&mut self, other: &Self) {
        self.resolution = self.resolution.min(other.resolution);
        self.missing += other.missing;
        self.not_numbers += other.not_numbers;
        self.infinite += other.infinite;
        for (mine, theirs) in self.kinds.iter_mut().zip(other.kinds) {
            *mine += theirs;
        }
        if let Some(theirs) = &other.numbers {
            self.numbers_mut().merge(theirs);
        }
        if let Some(theirs) = &other.texts {
            self.texts_mut().merge(theirs);
        }
        // What the other one has no value of is no finer than the whole.
        self.limit(self.resolution);
    }

    /// No finer than this.
    pub(super) fn limit(&mut self, resolution: Resolution) {
        self.resolution = self.resolution.min(resolution);
        self.numbers.iter_mut().for_each(|numbers| numbers.limit(resolution));
        self.texts.iter_mut().for_each(|texts| texts.categories.limit(resolution));
    }

    /// Intervals and categories of another one, or wider ones.
    pub(super) fn coarsen_like(&mut self, other: &Self) {
        if let (Some(mine), Some(theirs)) = (&mut self.numbers, &other.numbers) {
            mine.quantiles.coarsen(theirs.quantiles.dropped());
        }
        if let (Some(mine), Some(theirs)) = (&mut self.texts, &other.texts) {
            mine.categories.leave_out(theirs.categories.first_left_out());
        }
    }

    /// Intervals and categories that are kept.
    pub(super) fn kept(&self) -> u64 {
        let numbers = self.numbers.as_ref().map_or(0, |numbers| numbers.quantiles.kept());
        let texts = self.texts.as_ref().map_or(0, |texts| texts.categories.kept().len());
        (numbers + texts) as u64
    }

    /// What its values are.
    pub fn kind(&self) -> Kind {
        let [booleans, dates, decimals, integers, texts] = self.kinds.map(|count| count > 0);
        match (booleans, dates, decimals, integers, texts) {
            (false, false, false, false, false) => Kind::Empty,
            (true, false, false, false, false) => Kind::Boolean,
            (false, true, false, false, false) => Kind::Date,
            (false, false, true, _, false) => Kind::Decimal,
            (false, false, false, true, false) => Kind::Integer,
            (_, false, false, false, true) => Kind::Text,
            _ => Kind::Mixed,
        }
    }

    /// Rows, with a value or without.
    pub fn rows(&self) -> u64 {
        self.missing + self.present()
    }

    /// Rows without a value.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// Rows with a value, NaN and infinities among them.
    pub fn present(&self) -> u64 {
        self.kinds.iter().sum()
    }

    /// Values that are NaN: there, but no number.
    pub fn not_numbers(&self) -> u64 {
        self.not_numbers
    }

    /// Values that are an infinity.
    pub fn infinite(&self) -> u64 {
        self.infinite
    }

    /// Rows whose value is of a kind: booleans, dates, decimals, integers, texts.
    pub fn kinds(&self) -> [(Kind, u64); 5] {
        let [booleans, dates, decimals, integers, texts] = self.kinds;
        [
            (Kind::Boolean, booleans),
            (Kind::Date, dates),
            (Kind::Decimal, decimals),
            (Kind::Integer, integers),
            (Kind::Text, texts),
        ]
    }

    /// The summary of its finite numbers, if it has any.
    pub fn numbers(&self) -> Option<&Numbers> {
        self.numbers.as_deref()
    }

    /// The summary of its texts, if it has any.
    pub fn texts(&self) -> Option<&Texts> {
        self.texts.as_deref()
    }

    /// How many different values: exactly where that is known, else estimated with a standard error of about 3 %.
    pub fn distinct(&self) -> f64 {
        self.numbers().map_or(0.0, Numbers::distinct)
            + self.texts().map_or(0.0, |texts| texts.categories.distinct())
    }
}

impl Numbers {
    fn new(resolution: Resolution) -> Self {
        Self {
            count: 0,
            least: f64::INFINITY,
            greatest: f64::NEG_INFINITY,
            negative: 0,
            zero: 0,
            sum: Sum::default(),
            squares: Squares::default(),
            quantiles: Quantiles::new(resolution),
            distinct: resolution.is_fine().then(Distinct::default),
        }
    }

    /// Counts a finite number.
    fn add(&mut self, value: f64) {
        self.add_all(&[value]);
    }

    /// Counts finite numbers, each part of the summary for itself.
    fn add_all(&mut self, values: &[f64]) {
        self.count += values.len() as u64;
        for value in values {
            // Zero has no sign here.
            let value = value + 0.0;
            self.least = self.least.min(value);
            self.greatest = self.greatest.max(value);
            self.negative += u64::from(value < 0.0);
            self.zero += u64::from(value == 0.0);
            self.sum.add(value);
            self.squares.add_square(value);
        }
        values.iter().for_each(|value| self.quantiles.add(*value));
        if let Some(distinct) = &mut self.distinct {
            values.iter().for_each(|value| distinct.add((value + 0.0).to_bits()));
        }
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.least = self.least.min(other.least);
        self.greatest = self.greatest.max(other.greatest);
        self.negative += other.negative;
        self.zero += other.zero;
        self.sum.merge(&other.sum);
        self.squares.merge(&other.squares);
        self.quantiles.merge(&other.quantiles);
        self.distinct = Distinct::both(self.distinct.take(), other.distinct.as_ref());
    }

    /// No finer than this.
    fn limit(&mut self, resolution: Resolution) {
        self.quantiles.limit(resolution);
        self.distinct = self.distinct.take().filter(|_| resolution.is_fine());
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The smallest and the largest.
    pub fn range(&self) -> (f64, f64) {
        (self.least, self.greatest)
    }

    /// How many are below zero.
    pub fn negative(&self) -> u64 {
        self.negative
    }

    /// How many are zero.
    pub fn zero(&self) -> u64 {
        self.zero
    }

    /// The mean: the exact sum, rounded, over the count.
    pub fn mean(&self) -> f64 {
        self.sum.value() / self.count as f64
    }

    /// The variance with the divisor n − 1, from exact sums and with twice the digits where they cancel. NaN for one value, and
    /// where the squares of the values are beyond a double.
    pub fn variance(&self) -> f64 {
        variance(self.count, &self.sum, &self.squares)
    }

    /// The histogram that chooses its own resolution.
    pub fn quantiles(&self) -> &Quantiles {
        &self.quantiles
    }

    /// A quantile, see [`Quantiles::quantile`], between the smallest and the largest.
    pub fn quantile(&self, p: f64) -> f64 {
        // The middle of an interval at either end can lie outside of the values.
        self.quantiles.quantile(p).clamp(self.least, self.greatest)
    }

    /// How many different ones; of a coarse profile ([`Resolution`]) how many there are at least.
    pub fn distinct(&self) -> f64 {
        match (self.quantiles.distinct(), &self.distinct) {
            (Some(exact), _) => exact as f64,
            (None, Some(distinct)) => distinct.estimate(),
            (None, None) => self.quantiles.kept() as f64,
        }
    }
}

/// See [`Numbers::variance`].
pub(super) fn variance(count: u64, sum: &Sum, squares: &Squares) -> f64 {
    let n = count as f64;
    let (high, low) = squares.pair();
    let (sum, rest) = sum.pair();
    // (sum + rest)² / n, to twice the digits of a double.
    let square = sum * sum;
    let square_rest = sum.mul_add(sum, -square) + 2.0 * sum * rest;
    let quotient = square / n;
    let quotient_rest = (-quotient).mul_add(n, square) / n + square_rest / n;
    let deviations = (high - quotient) + (low - quotient_rest);
    // Not `max` alone: it would make a zero of what is not a number.
    if deviations.is_finite() { deviations.max(0.0) / (n - 1.0) } else { f64::NAN }
}

impl Texts {
    fn new(resolution: Resolution) -> Self {
        Self { characters: 0, shortest: 0, longest: 0, empty: 0, categories: Categories::new(resolution) }
    }

    /// Counts a text so often.
    fn add(&mut self, text: &str, hash: u64, count: u64) {
        let length = text.chars().count() as u64;
        self.shortest = if self.categories.total() == 0 { length } else { self.shortest.min(length) };
        self.longest = self.longest.max(length);
        self.characters += length * count;
        self.empty += if text.trim().is_empty() { count } else { 0 };
        self.categories.add_hashed(hash, text, count);
    }

    fn merge(&mut self, other: &Self) {
        self.shortest = match (self.categories.total(), other.categories.total()) {
            (0, _) => other.shortest,
            (_, 0) => self.shortest,
            _ => self.shortest.min(other.shortest),
        };
        self.longest = self.longest.max(other.longest);
        self.characters += other.characters;
        self.empty += other.empty;
        self.categories.merge(&other.categories);
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.categories.total()
    }

    /// The shortest and the longest, in characters.
    pub fn lengths(&self) -> (u64, u64) {
        (self.shortest, self.longest)
    }

    /// The mean length in characters.
    pub fn mean_length(&self) -> f64 {
        self.characters as f64 / self.count() as f64
    }

    /// How many are nothing but white space.
    pub fn blank(&self) -> u64 {
        self.empty
    }

    /// How often each occurs.
    pub fn categories(&self) -> &Categories {
        &self.categories
    }
}
