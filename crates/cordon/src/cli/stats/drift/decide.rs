//! What drifted: every test of the table corrected together, by the error that was asked for.

use clap::ValueEnum;
use cordon_stats::{PValue, fdr::Correction};

use super::{Compared, DriftArgs, Together};

/// The error that is stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in super::super) enum Corrected {
    /// Any false alarm at all.
    Holm,
    /// The share of false ones among what is named (Benjamini and Hochberg).
    #[value(alias = "benjamini-hochberg")]
    Bh,
    /// The same however columns depend on each other (Benjamini and Yekutieli).
    #[value(alias = "benjamini-yekutieli")]
    By,
}

impl Corrected {
    pub(super) const fn correction(self) -> Correction {
        match self {
            Self::Bh => Correction::BenjaminiHochberg,
            Self::By => Correction::BenjaminiYekutieli,
            Self::Holm => Correction::Holm,
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Bh => "benjamini-hochberg",
            Self::By => "benjamini-yekutieli",
            Self::Holm => "holm",
        }
    }

    /// As people name it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Bh => "Benjamini-Hochberg",
            Self::By => "Benjamini-Yekutieli",
            Self::Holm => "Holm",
        }
    }
}

/// The part of the level that pairs of columns have, however many they are; columns have the rest.
const OF_PAIRS: f64 = 0.2;

/// How many tests of columns there are, and the part of the level that each has alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tests {
    pub(super) count: usize,
    pub(super) level_of_each: f64,
}

/// Corrects every test of the table together, then says what drifted: what chance does not explain and is large enough. A column
/// that went or came drifted without a test. Where there are pairs to be compared, columns leave them their part of the level even if
/// they are not (a profile does not keep them), so that a saved profile says of columns what its table says. Both parts add up
/// whether any false alarm is bounded or a share of them: the share of two lists together is at most the sum of theirs.
pub(super) fn decide(compared: &mut [Compared], together: &mut Together, args: &DriftArgs) -> Tests {
    let (by, level, effect) = (args.correction.correction(), args.level, args.effect);
    // Where a share is bounded, what is too small to matter is no candidate: to drop it afterwards would not keep the share.
    let evidence = |p: PValue, size: f64| {
        if by.is_of_discoveries() && size < effect { 1.0 } else { p.upper_bound() }
    };
    let tests = |column: &Compared| {
        let mut tests = vec![evidence(column.missing_p, column.moved_missing())];
        tests.extend(column.kinds.test.map(|test| evidence(test.p_value, column.kinds.total_variation())));
        tests.extend(column.test_of_values().map(|p| evidence(p, column.distance().unwrap_or(0.0))));
        tests
    };
    let claims: Vec<Vec<f64>> = compared.iter().map(tests).collect();
    let of_columns = if together.has_pairs() { 1.0 - OF_PAIRS } else { 1.0 };
    // Each is a p-value: the correction refuses only what is not one.
    let adjusted = by.of_claims(&claims).unwrap_or_else(|_| vec![Vec::new(); claims.len()]);
    for (column, adjusted) in compared.iter_mut().zip(adjusted) {
        let mut adjusted = adjusted.into_iter().map(|p| part(p, of_columns));
        column.missing_adjusted = adjusted.next().unwrap_or(1.0);
        column.kinds_adjusted = column.kinds.test.and_then(|_| adjusted.next());
        column.p_adjusted = column.test_of_values().and_then(|_| adjusted.next());
        let is_real = |p: Option<f64>| p.is_some_and(|p| p <= level);
        column.drifted = (column.is_absent && column.present != [0, 0])
            || (column.moved_missing() >= effect && is_real(Some(column.missing_adjusted)))
            || (column.kinds.total_variation() >= effect && is_real(column.kinds_adjusted))
            || (column.distance().unwrap_or(0.0) >= effect && is_real(column.p_adjusted));
    }
    let pairs = together.pairs().iter();
    let p_values: Vec<f64> =
        pairs.map(|pair| evidence(pair.drift.p_value, pair.drift.change().abs())).collect();
    let adjusted = by.adjusted(&p_values).unwrap_or_else(|_| vec![1.0; p_values.len()]);
    for (pair, p) in together.pairs_mut().iter_mut().zip(adjusted) {
        pair.p_adjusted = part(p, OF_PAIRS);
        pair.is_changed = pair.p_adjusted <= level && pair.drift.change().abs() >= effect;
    }
    let count = claims.iter().map(Vec::len).sum::<usize>();
    Tests { count, level_of_each: level * of_columns / count.max(1) as f64 }
}

/// Of tests that have a part of the level.
fn part(p: f64, part: f64) -> f64 {
    (p / part).min(1.0)
}

impl Compared {
    /// By how much the share of missing values changed.
    fn moved_missing(&self) -> f64 {
        let [was, is] = self.missing;
        (was - is).abs()
    }

    fn test_of_values(&self) -> Option<PValue> {
        self.outcome.as_ref().ok().and_then(|drift| drift.test.map(|test| test.p_value))
    }
}
