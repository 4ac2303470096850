//! Many tests, one stated error: corrections for looking at many columns, segments or moments.
//!
//! [`bonferroni`] and [`holm`] bound the chance of *any* false alarm; [`benjamini_hochberg`] and
//! [`benjamini_yekutieli`] the expected share of false ones among the alarms. Each answers with adjusted p-values in
//! the order of the input: an alarm is an adjusted value at or below the level, so one list serves every level.
//! [`e_benjamini_hochberg`] does the same for e-values, under any dependence. For tests that arrive one by one for
//! ever, where the list never ends, see [`Lord`], [`Saffron`] and [`ELond`]. Claims that rest on several tests each:
//! [`Correction::of_claims`].

mod claims;
mod online;

pub use claims::Correction;
pub use online::{Decision, ELond, Lord, Saffron};

use crate::PValue;
use crate::sequential::log_add;

/// A p-value is not between 0 and 1, or an e-value is negative or not a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "value {index} is no p-value or e-value; help: p-values lie between 0 and 1, e-values are not negative"
)]
pub struct NotEvidence {
    /// Where it is in the input.
    pub index: usize,
}

/// Bonferroni: `min(1, m p)`. Any dependence; the strictest of all.
///
/// # Errors
/// [`NotEvidence`].
pub fn bonferroni(p_values: &[f64]) -> Result<Vec<f64>, NotEvidence> {
    check_p(p_values)?;
    let m = p_values.len() as f64;
    Ok(p_values.iter().map(|p| (m * p).min(1.0)).collect())
}

/// Holm ("A simple sequentially rejective multiple test procedure", 1979): as safe as [`bonferroni`] and never
/// stricter. Any dependence.
///
/// # Errors
/// [`NotEvidence`].
pub fn holm(p_values: &[f64]) -> Result<Vec<f64>, NotEvidence> {
    let order = ascending(p_values)?;
    let mut worst = 0.0_f64;
    let adjusted = order.iter().zip((1..=order.len()).rev()).map(|((index, p), left)| {
        worst = worst.max(left as f64 * p).min(1.0);
        (*index, worst)
    });
    Ok(in_input_order(adjusted, p_values.len()))
}

/// Benjamini and Hochberg ("Controlling the false discovery rate", JRSS B 1995). Independent or positively dependent
/// tests.
///
/// # Errors
/// [`NotEvidence`].
pub fn benjamini_hochberg(p_values: &[f64]) -> Result<Vec<f64>, NotEvidence> {
    step_up(p_values, 1.0)
}

/// Benjamini and Yekutieli ("The control of the false discovery rate in multiple testing under dependency", 2001): any
/// dependence, at the price of a factor of about `ln m`.
///
/// # Errors
/// [`NotEvidence`].
pub fn benjamini_yekutieli(p_values: &[f64]) -> Result<Vec<f64>, NotEvidence> {
    let harmonic: f64 = (1..=p_values.len()).map(|i| 1.0 / i as f64).sum();
    step_up(p_values, harmonic)
}

/// e-BH (Wang and Ramdas, "False discovery rate control with e-values", JRSS B 2022): which of the e-values are
/// alarms at false discovery rate `alpha`, under any dependence. In the order of the input.
///
/// # Errors
/// [`NotEvidence`].
pub fn e_benjamini_hochberg(e_values: &[f64], alpha: f64) -> Result<Vec<bool>, NotEvidence> {
    if let Some(index) = e_values.iter().position(|e| e.is_nan() || *e < 0.0) {
        return Err(NotEvidence { index });
    }
    let mut descending = e_values.to_vec();
    descending.sort_unstable_by(|a, b| b.total_cmp(a));
    let m = e_values.len() as f64;
    let limit = descending.iter().zip(1_u32..).filter(|(e, k)| **e * f64::from(*k) * alpha >= m).last();
    Ok(match limit {
        Some((limit, _)) => e_values.iter().map(|e| e >= limit).collect(),
        None => vec![false; e_values.len()],
    })
}

/// Several independent tests of one hypothesis as one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Combined {
    /// `-2 sum ln p`.
    pub statistic: f64,
    /// Probability of a statistic at least as large: chi-square with `2 m` degrees of freedom.
    pub p_value: PValue,
}

/// Fisher's combination ("Statistical Methods for Research Workers", 1932). The tests must be independent: with
/// dependent ones the result is too small. A p-value of 0, which no finite test can honestly report, counts as the
/// smallest positive double. `None` for no tests.
///
/// # Errors
/// [`NotEvidence`].
pub fn fisher(p_values: &[f64]) -> Result<Option<Combined>, NotEvidence> {
    check_p(p_values)?;
    if p_values.is_empty() {
        return Ok(None);
    }
    let half: f64 = -p_values.iter().map(|p| p.max(f64::MIN_POSITIVE).ln()).sum::<f64>();
    // For an even number of degrees of freedom the tail is a Poisson sum: exp(-h) (1 + h + h^2/2! + …).
    let (mut term, mut sum) = (1.0, 1.0);
    for i in 1..p_values.len() {
        term *= half / i as f64;
        sum += term;
    }
    // exp(-h) alone can underflow where the product does not, and the sum overflow: both in logarithms.
    let p_value =
        if sum.is_finite() { (sum.ln() - half).exp().min(1.0) } else { large_fisher(half, p_values.len()) };
    Ok(Some(Combined { statistic: 2.0 * half, p_value: PValue::of(p_value) }))
}

/// The same Poisson sum in logarithms, from its largest term.
fn large_fisher(half: f64, m: usize) -> f64 {
    let mut log_term = -half;
    let mut log_sum = log_term;
    for i in 1..m {
        log_term += (half / i as f64).ln();
        log_sum = log_add(log_sum, log_term);
    }
    log_sum.exp().min(1.0)
}

fn step_up(p_values: &[f64], factor: f64) -> Result<Vec<f64>, NotEvidence> {
    let order = ascending(p_values)?;
    let m = order.len() as f64;
    let mut best = 1.0_f64;
    let adjusted = order.iter().rev().zip((1..=order.len()).rev()).map(|((index, p), rank)| {
        // Rounding must not bring the value below the p-value itself.
        best = best.min((p * m * factor / rank as f64).max(*p));
        (*index, best)
    });
    Ok(in_input_order(adjusted, p_values.len()))
}

fn in_input_order(adjusted: impl Iterator<Item = (usize, f64)>, len: usize) -> Vec<f64> {
    let mut all = vec![1.0; len];
    for (index, value) in adjusted {
        if let Some(slot) = all.get_mut(index) {
            *slot = value;
        }
    }
    all
}

fn ascending(p_values: &[f64]) -> Result<Vec<(usize, f64)>, NotEvidence> {
    check_p(p_values)?;
    let mut order: Vec<(usize, f64)> = p_values.iter().copied().enumerate().collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    Ok(order)
}

fn check_p(p_values: &[f64]) -> Result<(), NotEvidence> {
    match p_values.iter().position(|p| !(0.0..=1.0).contains(p)) {
        Some(index) => Err(NotEvidence { index }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_p_value_is_named() {
        assert_eq!(holm(&[0.1, 1.5]), Err(NotEvidence { index: 1 }));
        assert_eq!(fisher(&[f64::NAN]), Err(NotEvidence { index: 0 }));
        assert_eq!(e_benjamini_hochberg(&[1.0, -1.0], 0.1), Err(NotEvidence { index: 1 }));
        assert_eq!(fisher(&[]), Ok(None));
    }

    /// Worked by hand: 3 tests, sorted 0.01, 0.02, 0.5.
    #[test]
    fn small_example_by_hand() {
        let p = [0.5, 0.01, 0.02];
        assert_eq!(holm(&p).unwrap(), vec![0.5, 0.03, 0.04]);
        assert_eq!(benjamini_hochberg(&p).unwrap(), vec![0.5, 0.03, 0.03]);
        assert_eq!(e_benjamini_hochberg(&[100.0, 1.0, 31.0], 0.05).unwrap(), vec![true, false, true]);
    }

    /// A thousand uniform p-values combine to something unremarkable, a thousand zeros to something tiny but defined.
    #[test]
    fn fisher_survives_many_and_extreme_values() {
        let mut random = Random::new(1);
        let uniform: Vec<f64> = (0..1000).map(|_| random.unit()).collect();
        let p = fisher(&uniform).unwrap().unwrap().p_value.upper_bound();
        assert!((0.001..0.999).contains(&p), "{p}");
        let zeros = fisher(&vec![0.0; 1000]).unwrap().unwrap();
        assert!(zeros.statistic.is_finite() && zeros.p_value.upper_bound() > 0.0);
        assert_eq!(fisher(&[1.0; 7]).unwrap().unwrap().p_value, PValue::Value(1.0));
    }

    /// Both forms of the tail agree where both apply.
    #[test]
    fn both_forms_of_the_tail_agree() {
        for (half, m) in [(3.0, 2), (50.0, 20), (120.0, 6)] {
            let (mut term, mut sum) = (1.0, 1.0);
            for i in 1..m {
                term *= half / i as f64;
                sum += term;
            }
            let direct: f64 = sum * f64::exp(-half);
            assert!((large_fisher(half, m) / direct - 1.0).abs() < 1e-12);
        }
    }

    proptest! {
        #[test]
        fn corrections_keep_the_order_and_their_strictness(p in prop::collection::vec(0.0f64..=1.0, 1..40)) {
            let (bonferroni, holm) = (bonferroni(&p).unwrap(), holm(&p).unwrap());
            let (bh, by) = (benjamini_hochberg(&p).unwrap(), benjamini_yekutieli(&p).unwrap());
            for i in 0..p.len() {
                prop_assert!(p[i] <= bh[i] && bh[i] <= holm[i] + 1e-15 && holm[i] <= bonferroni[i] + 1e-15);
                prop_assert!(bh[i] <= by[i] && by[i] <= 1.0);
                for j in 0..p.len() {
                    if p[i] <= p[j] {
                        prop_assert!(bh[i] <= bh[j] && by[i] <= by[j] && holm[i] <= holm[j]);
                    }
                }
            }
        }

        #[test]
        fn one_smaller_p_value_never_silences_another(
            p in prop::collection::vec(0.0f64..=1.0, 2..20), at in 0usize..20, factor in 0.0f64..1.0,
        ) {
            let mut smaller = p.clone();
            let at = at % p.len();
            smaller[at] *= factor;
            for adjust in [bonferroni, holm, benjamini_hochberg, benjamini_yekutieli] {
                let (before, after) = (adjust(&p).unwrap(), adjust(&smaller).unwrap());
                prop_assert!(before.iter().zip(&after).all(|(b, a)| a <= b));
            }
        }

        #[test]
        fn more_evidence_never_silences(e in prop::collection::vec(0.0f64..200.0, 1..20), at in 0usize..20) {
            let mut more = e.clone();
            let at = at % e.len();
            more[at] *= 2.0;
            let (before, after) =
                (e_benjamini_hochberg(&e, 0.1).unwrap(), e_benjamini_hochberg(&more, 0.1).unwrap());
            prop_assert!(before.iter().zip(&after).all(|(b, a)| !b || *a));
        }
    }
}
