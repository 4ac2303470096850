use crate::PValue;
use crate::distribution::normal;
use crate::interval::{Estimate, Level, Proportion, Unknown};

/// Sum of the variances of the events below which no normal law is read.
const FEWEST: f64 = 5.0;

/// Bins of equal width over `[0, 1]`.
const BINS: u32 = 10;

/// What fell into one bin of scores.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bin {
    /// Rows.
    pub n: u64,
    /// Rows with a positive label.
    pub positives: u64,
    /// Sum of the scores.
    pub sum: f64,
    /// Sum of `p (1 - p)` of the scores: what the label's variance should be.
    spread: f64,
}

impl Bin {
    /// Share of positives minus mean score; `None` for an empty bin.
    #[must_use]
    pub fn gap(&self) -> Option<f64> {
        (self.n > 0).then(|| (self.positives as f64 - self.sum) / self.n as f64)
    }

    /// The share of positive labels.
    #[must_use]
    pub const fn rate(&self) -> Proportion {
        Proportion::of_parts(self.positives, self.n.saturating_sub(self.positives))
    }
}

/// Probabilities against what happened, in ten bins of equal width (bin `min(floor(10 p), 9)`): the data of a
/// reliability diagram, and the calibration errors that follow from it. Merges by addition.
///
/// The expected calibration error is never negative, and so is biased upwards: of a *perfectly* calibrated model it is
/// [`Reliability::floor`], which shrinks as one over the root of the rows. Read it next to that, or take the test
/// ([`Reliability::spiegelhalter`]).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Reliability {
    bins: [Bin; BINS as usize],
    /// Sums of Spiegelhalter's statistic.
    off: f64,
    weight: f64,
}

impl Reliability {
    /// Counts one row.
    ///
    /// # Errors
    /// [`Unknown::NotAProbability`] outside `[0, 1]`; nothing changes then.
    pub fn push(&mut self, probability: f64, label: bool) -> Result<(), Unknown> {
        if !(0.0..=1.0).contains(&probability) {
            return Err(Unknown::NotAProbability);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 10")]
        let at = (probability * f64::from(BINS)) as usize;
        let last = BINS as usize - 1;
        if let Some(bin) = self.bins.get_mut(at.min(last)) {
            bin.n = bin.n.saturating_add(1);
            bin.positives = bin.positives.saturating_add(u64::from(label));
            bin.sum += probability;
            bin.spread += probability * (1.0 - probability);
        }
        let tilt = 1.0 - 2.0 * probability;
        self.off += (f64::from(u8::from(label)) - probability) * tilt;
        self.weight += tilt * tilt * probability * (1.0 - probability);
        Ok(())
    }

    /// Both counts as one.
    pub fn merge(&mut self, other: &Self) {
        for (bin, more) in self.bins.iter_mut().zip(&other.bins) {
            bin.n = bin.n.saturating_add(more.n);
            bin.positives = bin.positives.saturating_add(more.positives);
            bin.sum += more.sum;
            bin.spread += more.spread;
        }
        self.off += other.off;
        self.weight += other.weight;
    }

    /// The bins, from the lowest scores.
    #[must_use]
    pub const fn bins(&self) -> &[Bin; BINS as usize] {
        &self.bins
    }

    /// Rows counted.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.bins.iter().map(|bin| bin.n).sum()
    }

    /// Expected calibration error (Naeini, Cooper and Hauskrecht, 2015): mean of the gaps' sizes, weighted by rows. The
    /// interval adds what the exact intervals of the bins' rates allow; it does not correct the bias.
    ///
    /// # Errors
    /// [`Unknown::Empty`] without rows.
    pub fn expected_error(&self, level: Level) -> Result<Estimate, Unknown> {
        let n = self.n();
        if n == 0 {
            return Err(Unknown::Empty);
        }
        let (mut value, mut squares) = (0.0, 0.0);
        for bin in &self.bins {
            let share = bin.n as f64 / n as f64;
            value += share * bin.gap().unwrap_or(0.0).abs();
            if let Ok(rate) = bin.rate().clopper_pearson(level) {
                let half = share * (rate.value - rate.low).max(rate.high - rate.value);
                squares += half * half;
            }
        }
        let half = squares.sqrt();
        Ok(Estimate { value, low: (value - half).max(0.0), high: (value + half).min(1.0), n })
    }

    /// Largest gap of any bin; `None` without rows.
    #[must_use]
    pub fn largest_error(&self) -> Option<f64> {
        self.bins.iter().filter_map(Bin::gap).map(f64::abs).reduce(f64::max)
    }

    /// What the expected calibration error would be on average, were the model perfectly calibrated: the mean size of
    /// normal noise in each bin.
    #[must_use]
    pub fn floor(&self) -> f64 {
        let n = self.n().max(1) as f64;
        self.bins.iter().map(|bin| (2.0 * bin.spread / std::f64::consts::PI).sqrt()).sum::<f64>() / n
    }

    /// Test of perfect calibration (Spiegelhalter, "Probabilistic prediction in patient management and clinical trials",
    /// Statistics in Medicine 1986): asymptotically normal, without bins. `None` where all probabilities are 0, 1/2 or
    /// 1, about which it says nothing, and where their variances p (1 − p) add up to less than five: the law of so few events is not normal.
    #[must_use]
    pub fn spiegelhalter(&self) -> Option<PValue> {
        let spread: f64 = self.bins.iter().map(|bin| bin.spread).sum();
        (spread >= FEWEST && self.weight > 0.0)
            .then(|| PValue::of(normal::two_sided(self.off / self.weight.sqrt())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use proptest::prelude::*;

    #[test]
    fn outside_of_probability_is_refused() {
        let mut all = Reliability::default();
        assert_eq!(all.push(1.01, true), Err(Unknown::NotAProbability));
        assert_eq!(all.push(f64::NAN, true), Err(Unknown::NotAProbability));
        assert_eq!(all.expected_error(Level::P95), Err(Unknown::Empty));
        assert_eq!((all.largest_error(), all.spiegelhalter()), (None, None));
        all.push(1.0, true).unwrap();
        assert_eq!(all.bins()[9].n, 1);
    }

    /// One row of score 0.001 that happened is no proof: the chance of it is 0.001, and not 1e-219.
    #[test]
    fn few_events_have_no_test() {
        let mut few = Reliability::default();
        few.push(0.001, true).unwrap();
        assert_eq!(few.spiegelhalter(), None);
        // Rare scores that mean what they say, a row at a time until there are enough: the level is held.
        let (mut random, mut alarms) = (Random::new(3), 0_u32);
        for _ in 0..400 {
            let mut rare = Reliability::default();
            while rare.spiegelhalter().is_none() {
                let p = 0.05 * random.unit();
                rare.push(p, random.chance(p)).unwrap();
            }
            alarms += u32::from(rare.spiegelhalter().unwrap().at_most(0.01));
        }
        assert!(alarms <= 14, "{alarms} of 400 at 1 %");
    }

    #[test]
    fn one_row_proves_no_error() {
        let mut one = Reliability::default();
        one.push(0.9, false).unwrap();
        let e = one.expected_error(Level::P95).unwrap();
        assert_eq!((e.value, e.low, e.high), (0.9, 0.0, 1.0));
    }

    /// Of a calibrated model the error is its floor and the test alarms at its level; of one that exaggerates it does.
    #[test]
    fn floor_and_test_tell_noise_from_error() {
        let (mut random, runs) = (Random::new(19), 300);
        let (mut error, mut floor, mut alarms, mut found) = (0.0, 0.0, 0_u32, 0_u32);
        for _ in 0..runs {
            let (mut good, mut bad) = (Reliability::default(), Reliability::default());
            for _ in 0..400 {
                let p = random.unit();
                let label = random.chance(p);
                good.push(p, label).unwrap();
                bad.push(if p > 0.5 { p.sqrt() } else { p * p }, label).unwrap();
            }
            error += good.expected_error(Level::P95).unwrap().value;
            floor += good.floor();
            alarms += u32::from(good.spiegelhalter().unwrap().at_most(0.05));
            found += u32::from(bad.spiegelhalter().unwrap().at_most(0.05));
        }
        assert!((error / floor - 1.0).abs() < 0.05, "{error} {floor}");
        assert!((5..30).contains(&alarms) && found > 290, "{alarms} {found}");
    }

    proptest! {
        #[test]
        fn merged_parts_are_the_whole(rows in prop::collection::vec((0.0f64..=1.0, any::<bool>()), 1..60), cut in 0usize..60) {
            let count = |rows: &[(f64, bool)]| {
                let mut all = Reliability::default();
                rows.iter().for_each(|(p, label)| all.push(*p, *label).unwrap());
                all
            };
            let cut = cut.min(rows.len());
            let mut parts = count(&rows[..cut]);
            parts.merge(&count(&rows[cut..]));
            let (a, b) = (parts.expected_error(Level::P95).unwrap(), count(&rows).expected_error(Level::P95).unwrap());
            prop_assert!((a.value - b.value).abs() < 1e-12 && a.n == b.n && a.low <= a.value && a.value <= a.high);
        }
    }
}
