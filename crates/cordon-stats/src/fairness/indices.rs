use super::Tally;
use crate::performance::{Confusion, Rate};

/// Benefits of the decisions of one group: 1 for a right one, 2 for an undeserved yes, 0 for an undeserved no.
fn benefits(counts: &Confusion) -> [(f64, f64); 3] {
    let right = counts.true_positives.saturating_add(counts.true_negatives);
    [(0.0, counts.false_negatives as f64), (1.0, right as f64), (2.0, counts.false_positives as f64)]
}

impl Tally {
    /// How unequally benefits are spread over people: the generalized entropy index of Speicher et al. ("A unified
    /// approach to quantifying algorithmic unfairness", 2018) with benefit `1 + decision - label`. `alpha` 1 is Theil's
    /// index, 0 the mean log deviation (infinite where someone has no benefit), 2 half the squared coefficient of
    /// variation. 0 is equality. `None` without rows or benefit.
    ///
    /// It counts an undeserved yes as good luck: a model that says yes to everybody looks fair.
    #[must_use]
    pub fn entropy_index(&self, alpha: f64) -> Option<f64> {
        entropy(&benefits(&self.total()), alpha)
    }

    /// The part of [`Self::entropy_index`] that lies between groups: everyone with the mean benefit of the own group.
    #[must_use]
    pub fn entropy_between(&self, alpha: f64) -> Option<f64> {
        let of_group = |counts: &Confusion| {
            let n = counts.n() as f64;
            let mean = benefits(counts).iter().map(|(benefit, rows)| benefit * rows).sum::<f64>() / n;
            (n > 0.0).then_some((mean, n))
        };
        let means: Vec<(f64, f64)> = self.groups().iter().filter_map(of_group).collect();
        entropy(&means, alpha)
    }

    /// Differential fairness (Foulds et al., "An intersectional definition of fairness", 2020): the largest log ratio
    /// between groups of being selected, or of not being selected ([`Rate::Selection`]; of the labels,
    /// [`Rate::Base`]), smoothed by one prior observation, half of it positive. 0 is equality; below `ln 1.25 = 0.223`
    /// the four-fifths rule holds for every pair. `None` for fewer than two groups with rows.
    #[must_use]
    pub fn differential_fairness(&self, rate: Rate) -> Option<f64> {
        let smoothed = |counts: &Confusion| {
            let counted = counts.rate(rate);
            (counted.of() > 0).then(|| (counted.hits() as f64 + 0.5) / (counted.of() as f64 + 1.0))
        };
        let rates: Vec<f64> = self.groups().iter().filter_map(smoothed).collect();
        let spread = |values: &dyn Fn(f64) -> f64| {
            let logs = rates.iter().map(|rate| values(*rate).ln());
            logs.clone().fold(f64::NEG_INFINITY, f64::max) - logs.fold(f64::INFINITY, f64::min)
        };
        (rates.len() > 1).then(|| spread(&|rate| rate).max(spread(&|rate| 1.0 - rate)))
    }
}

/// Generalized entropy of values with their numbers of people.
fn entropy(values: &[(f64, f64)], alpha: f64) -> Option<f64> {
    let n: f64 = values.iter().map(|(_, rows)| rows).sum();
    let mean = values.iter().map(|(value, rows)| value * rows).sum::<f64>() / n;
    if !(mean > 0.0 && alpha.is_finite()) {
        return None;
    }
    let term = |ratio: f64| {
        if alpha == 1.0 {
            if ratio > 0.0 { ratio * ratio.ln() } else { 0.0 }
        } else if alpha == 0.0 {
            -ratio.ln()
        } else {
            (ratio.powf(alpha) - 1.0) / (alpha * (alpha - 1.0))
        }
    };
    let people = values.iter().filter(|(_, rows)| *rows > 0.0);
    Some(people.map(|(value, rows)| rows * term(value / mean)).sum::<f64>() / n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nobody_has_no_index() {
        assert_eq!(Tally::default().entropy_index(1.0), None);
        assert_eq!(Tally::new(2).differential_fairness(Rate::Selection), None);
        let mut all_denied = Tally::new(1);
        (0..5).for_each(|_| all_denied.push(0, true, false));
        assert_eq!(all_denied.entropy_index(2.0), None);
    }

    proptest! {
        /// Never negative, and groups explain no more than there is.
        #[test]
        fn between_groups_is_a_part_of_the_whole(
            rows in prop::collection::vec((0usize..4, any::<bool>(), any::<bool>()), 1..80), alpha in 1.0f64..3.0,
        ) {
            let mut tally = Tally::new(4);
            rows.iter().for_each(|(group, label, decision)| tally.push(*group, *label, *decision));
            if let (Some(whole), Some(between)) = (tally.entropy_index(alpha), tally.entropy_between(alpha)) {
                prop_assert!(whole > -1e-12 && between > -1e-12 && between < whole + 1e-12, "{between} {whole}");
            }
        }
    }
}
