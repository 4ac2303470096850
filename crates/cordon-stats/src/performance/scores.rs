//! Metrics of scores against yes-or-no labels.

use super::Reliability;
use crate::interval::{Estimate, Level, Mean, Tie, Unknown, classes, delong_ties, on_logit_scale, ties};

/// What scores say about labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Area under the ROC curve, DeLong's interval.
    pub auc: Result<Estimate, Unknown>,
    /// Average precision, the area under the precision-recall steps, with the logit interval of Boyd, Eng and Page
    /// ("Area under the precision-recall curve: point estimates and confidence intervals", 2013).
    pub average_precision: Result<Estimate, Unknown>,
    /// Largest vertical distance of the ROC curve from the diagonal (Kolmogorov–Smirnov separation).
    pub separation: Result<f64, Unknown>,
    /// Mean of `(p - y)^2`, Student's interval. For probabilities.
    pub brier: Result<Estimate, Unknown>,
    /// Mean of `-ln p(label)`, probabilities cut at 2.2e-16 from 0 and 1, Student's interval. For probabilities.
    pub log_loss: Result<Estimate, Unknown>,
    /// Calibration in bins. For probabilities.
    pub reliability: Result<Reliability, Unknown>,
}

/// Everything that scores say about labels, in one sort. Order of the rows does not matter.
///
/// Ranking metrics need finite scores only; those of probability are [`Unknown::NotAProbability`] where a score lies
/// outside of `[0, 1]`.
///
/// ```
/// use cordon_stats::{interval::Level, performance::scores};
/// let report = scores::report(&[0.2, 0.4, 0.6, 0.9], &[false, true, false, true], Level::P95);
/// assert_eq!(report.auc.map(|e| e.value), Ok(0.75));
/// ```
#[must_use]
pub fn report(scores: &[f64], labels: &[bool], level: Level) -> Report {
    let ties = ties(scores, labels);
    let probabilities = || {
        let (mut brier, mut log_loss, mut reliability) =
            (Mean::default(), Mean::default(), Reliability::default());
        for (p, label) in scores.iter().zip(labels) {
            reliability.push(*p, *label)?;
            let off = p - f64::from(u8::from(*label));
            brier.push(off * off);
            let of_label = if *label { *p } else { 1.0 - p };
            log_loss.push(-of_label.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln());
        }
        if reliability.n() == 0 { Err(Unknown::Empty) } else { Ok((brier, log_loss, reliability)) }
    };
    let probabilities = probabilities();
    let of_ties = ties.as_deref().map_err(|e| *e);
    Report {
        auc: of_ties.and_then(|ties| delong_ties(ties, level)),
        average_precision: of_ties.and_then(|ties| average_precision(ties, level)),
        separation: of_ties.and_then(separation),
        brier: probabilities.and_then(|(brier, _, _)| brier.student(level)),
        log_loss: probabilities.and_then(|(_, log_loss, _)| log_loss.student(level)),
        reliability: probabilities.map(|(_, _, reliability)| reliability),
    }
}

/// Sum over thresholds of precision times the recall gained there (no interpolation; scikit-learn's definition).
///
/// # Errors
/// [`Unknown::OneClass`].
pub fn average_precision(ties: &[Tie], level: Level) -> Result<Estimate, Unknown> {
    let (positives, negatives) = classes(ties)?;
    let (mut hits, mut chosen, mut value) = (0.0, 0.0, 0.0);
    for tie in ties.iter().rev() {
        hits += tie.positives as f64;
        chosen += (tie.positives + tie.negatives) as f64;
        value += tie.positives as f64 * hits / chosen;
    }
    let value = value / positives as f64;
    let variance = value * (1.0 - value) / positives as f64;
    Ok(on_logit_scale(value, variance, positives, positives.saturating_add(negatives), level))
}

fn separation(ties: &[Tie]) -> Result<f64, Unknown> {
    let (positives, negatives) = classes(ties)?;
    let (mut of_positives, mut of_negatives, mut largest) = (0_u64, 0_u64, 0.0_f64);
    for tie in ties {
        of_positives += tie.positives;
        of_negatives += tie.negatives;
        let distance = of_positives as f64 / positives as f64 - of_negatives as f64 / negatives as f64;
        largest = largest.max(distance.abs());
    }
    Ok(largest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use proptest::prelude::*;

    #[test]
    fn scores_that_are_no_probabilities_still_rank() {
        let report = report(&[-3.0, 7.0, 1.0], &[false, true, false], Level::P95);
        assert_eq!(report.auc.map(|e| e.value), Ok(1.0));
        assert_eq!(report.brier, Err(Unknown::NotAProbability));
        assert_eq!(report.separation, Ok(1.0));
    }

    #[test]
    fn average_precision_is_covered() {
        let mut random = Random::new(29);
        let mut draw = |rows: usize| -> (Vec<f64>, Vec<bool>) {
            (0..rows)
                .map(|_| {
                    let label = random.chance(0.3);
                    (random.normal() + 1.2 * f64::from(u8::from(label)), label)
                })
                .unzip()
        };
        let (scores, labels) = draw(100_000);
        let truth = average_precision(&ties(&scores, &labels).unwrap(), Level::P95).unwrap().value;
        let mut hits = 0_u32;
        for _ in 0..400 {
            let (scores, labels) = draw(200);
            let e = average_precision(&ties(&scores, &labels).unwrap(), Level::P95).unwrap();
            hits += u32::from(e.low <= truth && truth <= e.high);
        }
        assert!((360..=400).contains(&hits), "{hits} of 400");
    }

    proptest! {
        #[test]
        fn order_of_rows_does_not_matter(
            rows in prop::collection::vec((0u8..20, any::<bool>()), 2..60), seed in any::<u64>(),
        ) {
            let mut rows: Vec<(f64, bool)> = rows.into_iter().map(|(s, l)| (f64::from(s) / 20.0, l)).collect();
            let of = |rows: &[(f64, bool)]| {
                let (scores, labels): (Vec<f64>, Vec<bool>) = rows.iter().copied().unzip();
                report(&scores, &labels, Level::P95)
            };
            let before = of(&rows);
            let mut random = Random::new(seed);
            for i in (1..rows.len()).rev() {
                rows.swap(i, random.below(i + 1));
            }
            let after = of(&rows);
            prop_assert_eq!(before.auc, after.auc);
            prop_assert_eq!(before.average_precision, after.average_precision);
            prop_assert_eq!(before.separation, after.separation);
            let (a, b) = (before.log_loss.unwrap(), after.log_loss.unwrap());
            prop_assert!((a.value - b.value).abs() < 1e-12 && a.low <= a.value && a.value <= a.high);
        }

        #[test]
        fn intervals_contain_their_estimate(rows in prop::collection::vec((0.0f64..1.0, any::<bool>()), 2..60)) {
            let (scores, labels): (Vec<f64>, Vec<bool>) = rows.into_iter().unzip();
            let r = report(&scores, &labels, Level::P95);
            for e in [r.auc, r.average_precision, r.brier, r.log_loss].into_iter().flatten() {
                prop_assert!(e.low <= e.value && e.value <= e.high, "{e:?}");
            }
        }
    }
}
