use super::{Estimate, Level, Unknown, on_logit_scale};
use crate::PValue;
use crate::distribution::normal;

/// The observations that share one score: how many of each class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tie {
    /// The score that they share.
    pub score: f64,
    /// Observations of the positive class.
    pub positives: u64,
    /// Observations of the negative class.
    pub negatives: u64,
}

/// Scores with their labels, sorted from the lowest score and counted by distinct score: one sort serves every metric
/// that depends on the order alone.
///
/// # Errors
/// [`Unknown::NotFinite`] on a score that is not a finite number, [`Unknown::Empty`] without observations. Of slices
/// of different lengths the longer one's rest is ignored.
pub fn ties(scores: &[f64], labels: &[bool]) -> Result<Vec<Tie>, Unknown> {
    let mut rows: Vec<(f64, bool)> = scores.iter().copied().zip(labels.iter().copied()).collect();
    if rows.is_empty() {
        return Err(Unknown::Empty);
    }
    if rows.iter().any(|(score, _)| !score.is_finite()) {
        return Err(Unknown::NotFinite);
    }
    // Not `total_cmp`: -0 and 0 are one score.
    rows.sort_unstable_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(std::cmp::Ordering::Equal));
    let mut ties: Vec<Tie> = Vec::new();
    for (score, positive) in rows {
        let (positives, negatives) = (u64::from(positive), u64::from(!positive));
        match ties.last_mut() {
            Some(last) if last.score == score => {
                last.positives += positives;
                last.negatives += negatives;
            }
            _ => ties.push(Tie { score, positives, negatives }),
        }
    }
    Ok(ties)
}

/// Observations of the positive and of the negative class.
///
/// # Errors
/// [`Unknown::OneClass`].
pub(crate) fn classes(ties: &[Tie]) -> Result<(u64, u64), Unknown> {
    let positives: u64 = ties.iter().map(|t| t.positives).sum();
    let negatives: u64 = ties.iter().map(|t| t.negatives).sum();
    if positives == 0 || negatives == 0 { Err(Unknown::OneClass) } else { Ok((positives, negatives)) }
}

/// Below so many observations of a class its variance is not known well enough.
const FEW: u64 = 10;
/// Below so many of the rarer class the score interval is looked at, too.
const SCORE: u64 = 500;

/// Area under the ROC curve with the variance of DeLong, DeLong and Clarke-Pearson ("Comparing the areas under two or
/// more correlated receiver operating characteristic curves", Biometrics 1988), on the logit scale so that the
/// interval stays inside `[0, 1]`. Ties count one half.
///
/// The variance that is measured on few positives is too small where the area is near 1. With fewer than 500 of the rarer class the
/// interval therefore reaches at least as far as the score interval on the variance of Hanley and McNeil with exponential scores and
/// both classes of their mean size (Newcombe, "Confidence intervals for an effect size measure based on the Mann–Whitney statistic. Part
/// 2", 2006, method 5).
///
/// With fewer than ten observations of a class the variance is Birnbaum's bound instead, A (1 − A) over the size of the rarer
/// class (Birnbaum and Klose, "Bounds for the variance of the Mann-Whitney statistic", 1957), where that is larger. Of an area
/// of exactly 0 or 1 the variance is zero and says nothing: there the interval is Wilson's for as many observations as the
/// rarer class has.
///
/// # Errors
/// [`Unknown::OneClass`], [`Unknown::Constant`] where all scores are equal, and what [`ties`] refuses.
pub fn delong(scores: &[f64], labels: &[bool], level: Level) -> Result<Estimate, Unknown> {
    delong_ties(&ties(scores, labels)?, level)
}

/// [`delong`] of scores that are sorted and counted already.
///
/// # Errors
/// [`Unknown::OneClass`], and [`Unknown::Constant`] where all scores are equal.
pub fn delong_ties(ties: &[Tie], level: Level) -> Result<Estimate, Unknown> {
    let (positives, negatives) = classes(ties)?;
    let (m, n) = (positives as f64, negatives as f64);
    // Of each positive the share of negatives below it (a half for a tie), of each negative the share of positives
    // above it: their means are the area, their variances its variance.
    let (mut below, mut above) = (0.0, m);
    let mut sum = 0.0;
    for tie in ties {
        sum += tie.positives as f64 * (below + tie.negatives as f64 / 2.0);
        below += tie.negatives as f64;
    }
    let area = sum / (m * n);
    below = 0.0;
    let (mut of_positives, mut of_negatives) = (0.0, 0.0);
    for tie in ties {
        above -= tie.positives as f64;
        let positive = (below + tie.negatives as f64 / 2.0) / n - area;
        let negative = (above + tie.positives as f64 / 2.0) / m - area;
        of_positives += tie.positives as f64 * positive * positive;
        of_negatives += tie.negatives as f64 * negative * negative;
        below += tie.negatives as f64;
    }
    let rarer = positives.min(negatives);
    let variance = of_positives / (m * (m - 1.0).max(1.0)) + of_negatives / (n * (n - 1.0).max(1.0));
    if area > 0.0 && area < 1.0 && variance <= 0.0 && ties.len() == 1 {
        return Err(Unknown::Constant);
    }
    let bound = if rarer < FEW { area * (1.0 - area) / rarer as f64 } else { 0.0 };
    let e = on_logit_scale(area, variance.max(bound), rarer, positives.saturating_add(negatives), level);
    if rarer >= SCORE {
        return Ok(e);
    }
    let (low, high) = score_interval(area, m, n, level.z());
    Ok(Estimate { low: e.low.min(low), high: e.high.max(high), ..e })
}

/// The areas that are within `z` standard errors of the measured one, by the standard error that they would have themselves.
fn score_interval(area: f64, m: f64, n: f64, z: f64) -> (f64, f64) {
    let mean_size = f64::midpoint(m, n) - 1.0;
    let is_away = |truth: f64| {
        let extra = mean_size * ((1.0 - truth) / (2.0 - truth) + truth / (1.0 + truth));
        (truth - area).powi(2) > z * z * truth * (1.0 - truth) * (1.0 + extra) / (m * n)
    };
    // Between an area that is away (0 and 1 have no spread) and one that is not: halved until no digit is left.
    let edge = |mut away: f64| {
        let mut near = area;
        for _ in 0..60 {
            let middle = f64::midpoint(away, near);
            if is_away(middle) {
                away = middle;
            } else {
                near = middle;
            }
        }
        near
    };
    (edge(0.0), edge(1.0))
}

/// Two models on the same rows: the difference of their areas, and how surprising it is if there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AucPair {
    /// First minus second, with its interval.
    pub difference: Estimate,
    /// Two-sided p-value of "the areas are equal".
    pub p_value: PValue,
}

/// The paired comparison of DeLong: two scores of the same rows, whose correlation makes the interval narrower than
/// two separate intervals would suggest.
///
/// # Errors
/// [`Unknown::OneClass`], [`Unknown::NotFinite`], [`Unknown::Empty`]; [`Unknown::Constant`] where the two scores order
/// the rows alike, so that the difference has no spread; [`Unknown::TooFew`] below ten rows of a class.
pub fn delong_paired(
    first: &[f64],
    second: &[f64],
    labels: &[bool],
    level: Level,
) -> Result<AucPair, Unknown> {
    let (a, b) = (placements(first, labels)?, placements(second, labels)?);
    let mut area_difference = 0.0;
    let mut variance = 0.0;
    for positive in [true, false] {
        let differences = || {
            labels
                .iter()
                .zip(a.iter().zip(&b))
                .filter(|(label, _)| **label == positive)
                .map(|(_, (x, y))| x - y)
        };
        let n = differences().count() as u64;
        if n < FEW {
            return Err(if n == 0 { Unknown::OneClass } else { Unknown::TooFew { n, needed: FEW } });
        }
        let count = n as f64;
        let mean = differences().sum::<f64>() / count;
        let squares: f64 = differences().map(|d| (d - mean) * (d - mean)).sum();
        variance += squares / (count * (count - 1.0));
        area_difference = mean;
    }
    if variance <= 0.0 {
        return Err(Unknown::Constant);
    }
    let half = level.z() * variance.sqrt();
    let z = area_difference / variance.sqrt();
    let difference = Estimate {
        value: area_difference,
        low: (area_difference - half).max(-1.0),
        high: (area_difference + half).min(1.0),
        n: labels.len() as u64,
    };
    Ok(AucPair { difference, p_value: PValue::of(normal::two_sided(z)) })
}

/// Of each row the share of the other class that it is on the right side of.
fn placements(scores: &[f64], labels: &[bool]) -> Result<Vec<f64>, Unknown> {
    let ties = ties(scores, labels)?;
    let (positives, negatives) = classes(&ties)?;
    let (mut below, mut above) = (0.0, positives as f64);
    let mut of_tie = Vec::with_capacity(ties.len());
    for tie in &ties {
        above -= tie.positives as f64;
        let positive = (below + tie.negatives as f64 / 2.0) / negatives as f64;
        let negative = (above + tie.positives as f64 / 2.0) / positives as f64;
        of_tie.push((tie.score, positive, negative));
        below += tie.negatives as f64;
    }
    let place = |(score, positive): (&f64, &bool)| {
        let at = of_tie.partition_point(|(other, _, _)| other < score);
        let (_, of_positive, of_negative) = of_tie.get(at).copied().unwrap_or_default();
        if *positive { of_positive } else { of_negative }
    };
    Ok(scores.iter().zip(labels).map(place).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn one_class_and_bad_scores_say_so() {
        assert_eq!(delong(&[0.1, 0.2], &[true, true], Level::P95), Err(Unknown::OneClass));
        assert_eq!(delong(&[0.1, f64::NAN], &[true, false], Level::P95), Err(Unknown::NotFinite));
        assert_eq!(delong(&[], &[], Level::P95), Err(Unknown::Empty));
    }

    #[test]
    fn perfect_separation_is_not_certainty() {
        let auc = delong(&[0.1, 0.2, 0.8, 0.9], &[false, false, true, true], Level::P95).unwrap();
        assert_eq!(auc.value, 1.0);
        assert!(auc.low < 0.5, "two of each class prove nothing: {auc:?}");
    }

    #[test]
    fn zeros_of_both_signs_are_one_score() {
        let auc = delong(&[0.0, -0.0, 1.0, -0.0], &[true, false, false, true], Level::P95);
        assert_eq!(auc.map(|e| e.value), Ok(0.25));
        // One score for all: an area of one half without any spread to measure.
        assert_eq!(delong(&[0.0, -0.0], &[true, false], Level::P95), Err(Unknown::Constant));
    }

    /// Few positives among 300 negatives, two normal populations one standard deviation apart.
    #[test]
    fn few_positives_have_wide_intervals() {
        let truth = normal::lower(std::f64::consts::FRAC_1_SQRT_2);
        for positives in [1, 2, 3, 9] {
            let (mut random, mut hits) = (Random::new(positives), 0_u32);
            for _ in 0..400 {
                let labels: Vec<bool> = (0..300 + positives).map(|i| i < positives).collect();
                let scores: Vec<f64> =
                    labels.iter().map(|l| random.normal() + f64::from(u8::from(*l))).collect();
                let auc = delong(&scores, &labels, Level::P95).unwrap();
                hits += u32::from(auc.low <= truth && truth <= auc.high);
            }
            assert!(hits >= 368, "{positives} positives: {hits} of 400");
        }
        let (scores, labels) = ([0.1, 0.3, 0.2, 0.4], [false, true, false, true]);
        let paired = delong_paired(&scores, &[0.3, 0.1, 0.2, 0.4], &labels, Level::P95);
        assert_eq!(paired, Err(Unknown::TooFew { n: 2, needed: 10 }));
    }

    /// Scores as fraud and churn have them: few positives, an area near 1. 95 % is at least 93.5 %, three standard errors allowed.
    #[test]
    fn rare_positives_are_covered() {
        for (positives, negatives, apart) in [(10, 200, 2.0), (30, 1_500, 3.0), (100, 1_000, 3.0)] {
            let truth = normal::lower(apart * std::f64::consts::FRAC_1_SQRT_2);
            let (mut random, mut hits, mut below, runs) = (Random::new(positives), 0_u32, 0_u32, 400);
            for _ in 0..runs {
                let labels: Vec<bool> = (0..negatives + positives).map(|i| i < positives).collect();
                let scores: Vec<f64> =
                    labels.iter().map(|l| random.normal() + apart * f64::from(u8::from(*l))).collect();
                let auc = delong(&scores, &labels, Level::P95).unwrap();
                hits += u32::from(auc.low <= truth && truth <= auc.high);
                below += u32::from(truth < auc.low);
            }
            assert!(hits >= 362 && below <= 20, "{positives}: {hits} of {runs}, {below} below");
        }
        // Newcombe's own form at an area of one half: the root of (h - 1/2)^2 = z^2 V(h).
        let (low, high) = score_interval(0.5, 20.0, 20.0, 1.96);
        let variance =
            |h: f64| h * (1.0 - h) * (1.0 + 19.0 * ((1.0 - h) / (2.0 - h) + h / (1.0 + h))) / 400.0;
        for edge in [low, high] {
            assert!(((edge - 0.5).powi(2) - 1.96 * 1.96 * variance(edge)).abs() < 1e-12, "{edge}");
        }
        assert!((low + high - 1.0).abs() < 1e-12);
        assert_eq!(score_interval(1.0, 20.0, 20.0, 1.96).1, 1.0);
    }

    /// Two normal populations one standard deviation apart: the area is the normal distribution at 1/sqrt 2.
    #[test]
    fn interval_contains_the_known_area_as_often_as_stated() {
        let truth = normal::lower(std::f64::consts::FRAC_1_SQRT_2);
        let (mut random, mut hits, runs) = (Random::new(5), 0, 1000);
        let (mut paired, mut significant) = (0, 0);
        for _ in 0..runs {
            let labels: Vec<bool> = (0..80).map(|i| i % 4 == 0).collect();
            let signal: Vec<f64> = labels.iter().map(|l| random.normal() + f64::from(u8::from(*l))).collect();
            let auc = delong(&signal, &labels, Level::P95).unwrap();
            hits += u32::from(auc.low <= truth && truth <= auc.high);
            let noisy: Vec<f64> = signal.iter().map(|x| x + random.normal()).collect();
            let other: Vec<f64> = signal.iter().map(|x| x + random.normal()).collect();
            let pair = delong_paired(&noisy, &other, &labels, Level::P95).unwrap();
            paired += u32::from(pair.difference.low <= 0.0 && 0.0 <= pair.difference.high);
            significant += u32::from(pair.p_value.at_most(0.05));
        }
        let share = f64::from(hits) / f64::from(runs);
        assert!((0.93..0.985).contains(&share), "{share}");
        let share = f64::from(paired) / f64::from(runs);
        assert!((0.92..0.98).contains(&share), "{share}");
        assert_eq!(significant, runs - paired);
    }
}
