//! What is wrong with data by itself, and against a reference: schema, types, missing values, ranges, categories, formats, volume,
//! freshness.
//!
//! A defect is a fact that was counted, not an opinion: whether it matters is for the reader. Where chance could have made
//! the difference, the defect carries its p-value, and says whether chance explains it at the level that was asked for.

mod formats;

use crate::PValue;
use crate::distribution::hypergeometric;
use crate::drift;
use crate::profile::{Categories, ColumnProfile, Kind, Profile};

/// Something wrong with a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Defect {
    /// The column; none for the table as a whole.
    pub column: Option<String>,
    /// What is wrong.
    pub what: What,
    /// Another draw of the same size from the same data would show this as well, by chance alone: no evidence of a change.
    pub by_chance: bool,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Texts of nothing but white space.
    Blank {
        /// How many.
        rows: u64,
    },
    /// The column is not there any more.
    ColumnGone,
    /// The reference does not know the column.
    ColumnNew,
    /// The same value in every row that has one.
    Constant,
    /// Rows that repeat another row.
    Duplicates {
        /// How many.
        rows: u64,
        /// They were counted; else the standard error is 2.3 % of all rows, and fewer than 6.9 % are not named.
        is_exact: bool,
    },
    /// No row.
    Empty,
    /// No value in any row.
    EverythingMissing,
    /// Values are of another kind than in the reference.
    KindChanged {
        /// In the reference.
        from: Kind,
        /// Now.
        to: Kind,
        /// Could chance have put the values of these kinds on one side only?
        p_value: PValue,
    },
    /// Numbers and texts in one column.
    MixedKinds {
        /// Numbers, dates among them.
        numbers: u64,
        /// Texts and booleans.
        texts: u64,
    },
    /// Another share of values is missing than in the reference.
    MissingRate {
        /// The share in the reference.
        from: f64,
        /// The share now.
        to: f64,
        /// Could chance have made the difference?
        p_value: PValue,
    },
    /// Categories that the reference does not have.
    NewCategories {
        /// Rows with one of them.
        rows: u64,
        /// How many of them there are among those kept by name.
        categories: u64,
        /// Could chance have put so many rows of categories on one side only? At most this.
        p_value: PValue,
    },
    /// Texts written in another way than all of the reference's: a code with another separator, a number with a unit.
    NewFormats {
        /// How many, of those kept by name.
        rows: u64,
        /// The commonest: runs of digits as `9`, of letters as `a`, of both as `x`.
        format: String,
        /// Could chance have put so many on one side only?
        p_value: PValue,
    },
    /// Numbers that are not a number or infinite.
    NotFinite {
        /// NaN.
        not_numbers: u64,
        /// Either infinity.
        infinite: u64,
    },
    /// Numbers outside what the reference saw.
    OutOfRange {
        /// How many below.
        below: u64,
        /// How many above.
        above: u64,
        /// The counts are exact; else there are at least so many.
        is_exact: bool,
        /// Could chance have put so many values past all of the reference's?
        p_value: PValue,
    },
    /// The newest moment lies ahead of the clock.
    Future {
        /// By so many seconds.
        ahead: f64,
    },
    /// The newest moment is too long ago.
    Stale {
        /// Seconds since then.
        age: f64,
        /// Seconds that are allowed.
        most: f64,
    },
    /// Far fewer or more rows than in the reference.
    Volume {
        /// In the reference.
        from: u64,
        /// Now.
        to: u64,
    },
}

/// What a table shows by itself.
pub fn inspect(profile: &Profile) -> Vec<Defect> {
    let mut defects = Vec::new();
    if profile.rows() == 0 {
        return vec![Defect::of(None, What::Empty)];
    }
    let repeated = profile.rows() as f64 - profile.different_rows();
    // Beyond three standard errors of the estimate.
    if repeated > 0.069 * profile.rows() as f64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and the number of rows"
        )]
        defects.push(Defect::of(None, What::Duplicates { rows: repeated.round() as u64, is_exact: false }));
    }
    for (name, column) in profile.columns() {
        defects.extend(alone(column).into_iter().map(|what| Defect::of(Some(name), what)));
    }
    defects
}

impl Defect {
    /// One that is no matter of chance.
    fn of(column: Option<&str>, what: What) -> Self {
        Self { column: column.map(str::to_owned), what, by_chance: false }
    }
}

/// Tests of one column: missing values, kinds, the range, categories, formats.
const TESTS: usize = 5;

/// What a table shows by itself and against a reference. A change of the share of missing values is one when it is at least
/// `effect` and chance does not explain it; the others are told in any case. `level` is the probability that anything that
/// chance did is not called so, over all tests of all columns (Bonferroni).
pub fn compare(reference: &Profile, current: &Profile, level: f64, effect: f64) -> Vec<Defect> {
    let mut defects = inspect(current);
    let ratio = current.rows() as f64 / reference.rows() as f64;
    if current.rows() > 0 && !(0.1..=10.0).contains(&ratio) {
        let what = What::Volume { from: reference.rows(), to: current.rows() };
        defects.push(Defect::of(None, what));
    }
    let level = level / (TESTS * reference.columns().len().max(1)) as f64;
    for (name, was) in reference.columns() {
        let changes = match current.column(name) {
            None => vec![What::ColumnGone],
            Some(is) => changed(was, is, level, effect),
        };
        defects.extend(changes.into_iter().map(|what| {
            let by_chance = match &what {
                What::KindChanged { p_value, .. }
                | What::NewFormats { p_value, .. }
                | What::NewCategories { p_value, .. }
                | What::OutOfRange { p_value, .. } => !p_value.at_most(level),
                _ => false,
            };
            Defect { by_chance, ..Defect::of(Some(name), what) }
        }));
    }
    let unknown = current.columns().filter(|(name, _)| reference.column(name).is_none());
    defects.extend(unknown.map(|(name, _)| Defect::of(Some(name), What::ColumnNew)));
    defects
}

/// Is the newest moment of a column at most `most` seconds before `now` (seconds since 1970), and not after it? Empty where all is well;
/// `None` where there is no such column, or it has no moment.
pub fn freshness(profile: &Profile, column: &str, now: f64, most: f64) -> Option<Vec<Defect>> {
    let moments = profile.column(column)?;
    if !moments.kinds().iter().any(|(kind, count)| *kind == Kind::Date && *count > 0) {
        return None;
    }
    let age = now - moments.numbers()?.range().1;
    let what = if age > most {
        Some(What::Stale { age, most })
    } else {
        (age < 0.0).then_some(What::Future { ahead: -age })
    };
    Some(what.into_iter().map(|what| Defect::of(Some(column), what)).collect())
}

fn alone(column: &ColumnProfile) -> Vec<What> {
    let mut found = Vec::new();
    if column.present() == 0 {
        return vec![What::EverythingMissing];
    }
    if column.kind() == Kind::Mixed || (column.kind() == Kind::Text && column.numbers().is_some()) {
        let texts = column.texts().map_or(0, |texts| texts.count());
        found.push(What::MixedKinds { numbers: column.present() - texts, texts });
    }
    let (not_numbers, infinite) = (column.not_numbers(), column.infinite());
    if not_numbers > 0 || infinite > 0 {
        found.push(What::NotFinite { not_numbers, infinite });
    }
    // An estimate near one is not a constant: both tables are exact for so few.
    if column.present() > 1 && column.distinct() == 1.0 && not_numbers + infinite == 0 {
        found.push(What::Constant);
    }
    if let Some(rows) = column.texts().map(|texts| texts.blank()).filter(|rows| *rows > 0) {
        found.push(What::Blank { rows });
    }
    found
}

fn changed(was: &ColumnProfile, is: &ColumnProfile, level: f64, effect: f64) -> Vec<What> {
    let mut found = Vec::new();
    let (from, to) = (was.kind(), is.kind());
    let known = from != Kind::Empty && to != Kind::Empty;
    // A whole number among decimals is one of them.
    if known && from != to && !(from == Kind::Decimal && to == Kind::Integer) {
        found.push(What::KindChanged { from, to, p_value: other_kinds(was, is) });
    }
    if was.rows() > 0 && is.rows() > 0 {
        let share = |column: &ColumnProfile| column.missing() as f64 / column.rows() as f64;
        let p_value = drift::shares((was.missing(), was.rows()), (is.missing(), is.rows()));
        if (share(was) - share(is)).abs() >= effect && p_value.at_most(level) {
            found.push(What::MissingRate { from: share(was), to: share(is), p_value });
        }
    }
    if let (Some(was), Some(is)) = (was.numbers(), is.numbers()) {
        let (low, high) = was.range();
        let below = is.quantiles().intervals().iter().filter(|i| i.high <= low).map(|i| i.count).sum::<u64>();
        let above = is.quantiles().intervals().iter().filter(|i| i.low > high).map(|i| i.count).sum::<u64>();
        // An interval that only reaches past the end counts as the one value that is known to be there.
        let below = below.max(u64::from(is.range().0 < low));
        let above = above.max(u64::from(is.range().1 > high));
        if below + above > 0 {
            let is_exact = is.quantiles().is_exact();
            let one_side = |past: u64| all_on_one_side(past, is.count(), was.count());
            let p_value = PValue::of((2.0 * one_side(below).min(one_side(above))).min(1.0));
            found.push(What::OutOfRange { below, above, is_exact, p_value });
        }
    }
    if let (Some(was), Some(is)) = (was.texts(), is.texts()) {
        found.extend(new_categories(was.categories(), is.categories()));
        if let Some((rows, format)) = formats::new_formats(was.categories(), is.categories()) {
            let p_value = PValue::of(all_on_one_side(rows, is.count(), was.count()));
            found.push(What::NewFormats { rows, format, p_value });
        }
    }
    found
}

/// The probability that `rows` given rows of both sides are all among the `own` ones of one side, and none among the `others`.
fn all_on_one_side(rows: u64, own: u64, others: u64) -> f64 {
    hypergeometric::mass(rows, own, others, rows)
}

/// Kinds that one side has alone: could chance have put all their values there?
fn other_kinds(was: &ColumnProfile, is: &ColumnProfile) -> PValue {
    let alone = |here: &ColumnProfile, there: &ColumnProfile| {
        let kinds = here.kinds().into_iter().zip(there.kinds());
        let values = kinds.filter(|(_, (_, there))| *there == 0).map(|((_, here), _)| here).sum();
        all_on_one_side(values, here.present(), there.present())
    };
    PValue::of((2.0 * alone(was, is).min(alone(is, was))).min(1.0))
}

/// Categories that only the second has; exact for those that both keep by name.
///
/// Were nothing different, each category of t rows would be on that side alone with a known probability. Whether one is makes
/// it less likely for others, so the variance of the rows is at most the sum over the categories, and Cantelli's inequality
/// bounds the p-value without any law.
fn new_categories(was: &Categories, is: &Categories) -> Option<What> {
    let (mut rows, mut categories, mut mean, mut variance) = (0_u64, 0_u64, 0.0, 0.0);
    for row in was.beside(is).into_iter().filter(|row| row.label.is_some()) {
        if row.counts.0 == 0 {
            rows += row.counts.1;
            categories += 1;
        }
        let total = row.counts.0 + row.counts.1;
        let alone = all_on_one_side(total, is.total(), was.total());
        mean += total as f64 * alone;
        variance += (total as f64).powi(2) * alone * (1.0 - alone);
    }
    let beyond = rows as f64 - mean;
    let p = if beyond > 0.0 { variance / (variance + beyond * beyond) } else { 1.0 };
    (rows > 0).then(|| What::NewCategories { rows, categories, p_value: PValue::of(p) })
}
