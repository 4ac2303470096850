//! Claims that rest on several tests each: a column drifted where its values, its missing values or its kinds did.

use super::{NotEvidence, benjamini_hochberg, benjamini_yekutieli, holm};

/// What the error of many tests is stated of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Correction {
    /// The expected share of false ones among the claims ([`benjamini_hochberg`]): independent or positively dependent claims.
    BenjaminiHochberg,
    /// The same under any dependence ([`benjamini_yekutieli`]).
    BenjaminiYekutieli,
    /// The chance of any false alarm at all ([`holm`]): any dependence.
    Holm,
}

impl Correction {
    /// Is it a share of the claims that is bounded, and not the chance of any false one?
    #[must_use]
    pub const fn is_of_discoveries(self) -> bool {
        !matches!(self, Self::Holm)
    }

    /// Adjusted p-values of tests that are a claim each, in the order of the input.
    ///
    /// # Errors
    /// [`NotEvidence`].
    pub fn adjusted(self, p_values: &[f64]) -> Result<Vec<f64>, NotEvidence> {
        match self {
            Self::BenjaminiHochberg => benjamini_hochberg(p_values),
            Self::BenjaminiYekutieli => benjamini_yekutieli(p_values),
            Self::Holm => holm(p_values),
        }
    }

    /// Adjusted p-values of the tests of each claim, in the order of the input: a claim is made where one of its tests is at or below
    /// the level.
    ///
    /// Of discoveries the error is stated of *claims*: a claim that three tests support counts once, so that it does not pay for the false
    /// ones of others. The tests of a claim are corrected by Holm, its smallest value stands for it among the claims, and no test
    /// of it is adjusted to less. With [`Correction::Holm`] all tests are one list, as it bounds any false alarm of them.
    ///
    /// A claim that is only made where an effect is large enough too keeps its stated share of false ones if the tests whose effect is not
    /// are given as 1 (which leaves them valid); to drop such claims afterwards would drop true ones too, and not keep it.
    ///
    /// # Errors
    /// [`NotEvidence`], with the place of the value among all of them.
    pub fn of_claims(self, claims: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, NotEvidence> {
        let all: Vec<f64> = claims.iter().flatten().copied().collect();
        super::check_p(&all)?;
        if !self.is_of_discoveries() {
            let mut adjusted = holm(&all)?.into_iter();
            return Ok(claims.iter().map(|tests| adjusted.by_ref().take(tests.len()).collect()).collect());
        }
        let within = claims.iter().map(|tests| holm(tests)).collect::<Result<Vec<_>, _>>()?;
        let smallest: Vec<f64> =
            within.iter().map(|tests| tests.iter().copied().fold(1.0, f64::min)).collect();
        let of_claim = self.adjusted(&smallest)?;
        let raised = |(tests, claim): (Vec<f64>, f64)| tests.into_iter().map(|p| p.max(claim)).collect();
        Ok(within.into_iter().zip(of_claim).map(raised).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fdr::{benjamini_hochberg, holm};
    use crate::random::Random;
    use proptest::prelude::*;

    /// By hand: claims of (0.01, 0.5), (0.04) and (0.6). Within: (0.02, 0.5), (0.04), (0.6). Smallest of three by
    /// Benjamini–Hochberg: 0.02 × 3 / 1 = 0.06, but 0.04 × 3 / 2 = 0.06, and 0.6.
    #[test]
    fn small_example_by_hand() {
        let claims = [vec![0.01, 0.5], vec![0.04], vec![0.6]];
        let adjusted = Correction::BenjaminiHochberg.of_claims(&claims).unwrap();
        assert_eq!(adjusted, [vec![0.06, 0.5], vec![0.06], vec![0.6]]);
        // All four as one list: 0.04, 0.12, then 0.5 × 2 and 0.6.
        let flat = Correction::Holm.of_claims(&claims).unwrap();
        assert_eq!(flat, [vec![0.04, 1.0], vec![0.12], vec![1.0]]);
        assert_eq!(
            Correction::Holm.of_claims(&[vec![0.1], vec![], vec![2.0]]),
            Err(NotEvidence { index: 1 })
        );
        let none: &[Vec<f64>] = &[vec![], vec![0.01]];
        assert_eq!(Correction::BenjaminiHochberg.of_claims(none).unwrap(), [vec![], vec![0.02]]);
    }

    /// Ten claims that three tests each support, and ten false ones with three tests each. One list of tests lets the true ones pay three
    /// times for the false ones; of claims the stated share holds.
    #[test]
    fn the_stated_share_is_of_claims() {
        let (mut random, runs, level) = (Random::new(17), 2_000, 0.2);
        let (mut of_tests, mut of_claims) = (0.0, 0.0);
        for _ in 0..runs {
            let claims: Vec<Vec<f64>> = (0..20)
                .map(|claim| (0..3).map(|_| if claim < 10 { 1e-9 } else { random.unit() }).collect())
                .collect();
            let share = |adjusted: &[Vec<f64>]| {
                let is_made = |tests: &Vec<f64>| tests.iter().any(|p| *p <= level);
                let made = adjusted.iter().filter(|tests| is_made(tests)).count() as f64;
                adjusted.iter().skip(10).filter(|tests| is_made(tests)).count() as f64 / made
            };
            let flat: Vec<f64> = claims.iter().flatten().copied().collect();
            let flat = benjamini_hochberg(&flat).unwrap();
            of_tests += share(&flat.chunks(3).map(<[f64]>::to_vec).collect::<Vec<_>>());
            of_claims += share(&Correction::BenjaminiHochberg.of_claims(&claims).unwrap());
        }
        let (of_tests, of_claims) = (of_tests / f64::from(runs), of_claims / f64::from(runs));
        assert!(of_tests > 0.22, "{of_tests}");
        assert!((0.06..0.13).contains(&of_claims), "{of_claims}");
    }

    proptest! {
        /// No test is adjusted below itself, and claims of one test are that test.
        #[test]
        fn corrections_are_never_below(claims in prop::collection::vec(prop::collection::vec(0.0f64..=1.0, 1..4), 1..20)) {
            for by in [Correction::BenjaminiHochberg, Correction::BenjaminiYekutieli, Correction::Holm] {
                let adjusted = by.of_claims(&claims).unwrap();
                prop_assert_eq!(adjusted.len(), claims.len());
                for (was, is) in claims.iter().zip(&adjusted) {
                    prop_assert!(was.len() == is.len() && was.iter().zip(is).all(|(p, q)| p <= q && *q <= 1.0));
                }
                let single: Vec<Vec<f64>> = claims.iter().map(|tests| vec![tests[0]]).collect();
                let first: Vec<f64> = claims.iter().map(|tests| tests[0]).collect();
                let of_single = by.of_claims(&single).unwrap();
                prop_assert_eq!(of_single.concat(), by.adjusted(&first).unwrap());
            }
            prop_assert_eq!(Correction::Holm.of_claims(&claims).unwrap().concat(), holm(&claims.concat()).unwrap());
        }
    }
}
