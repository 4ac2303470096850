use super::Isotonic;
use super::ranking::{self, Measured, Ranking, Row};
use crate::interval::{Estimate, Level, Unknown};

/// What can be expected of decisions whose labels are not there yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    n: u64,
    level: Level,
    /// Rows decided positive, and the others.
    chosen: f64,
    others: f64,
    /// Positive labels expected among both, with their variances.
    hits: f64,
    missed: f64,
    hits_variance: f64,
    missed_variance: f64,
    covariance: f64,
    /// Value and variance of the metrics of ranking.
    auc: Measured,
    average_precision: Measured,
}

/// Rows of one decision: how many, the positive labels expected among them and the variance of those.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub(super) rows: f64,
    pub(super) positives: f64,
    pub(super) variance: f64,
}

/// A metric that can be estimated without labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Right decisions of all.
    Accuracy,
    /// Area under the ROC curve.
    Auc,
    /// Area under the precision-recall steps.
    AveragePrecision,
    /// Harmonic mean of precision and recall.
    F1,
    /// Positive labels of the rows decided positive.
    Precision,
    /// Positive rows decided positive, of the positive rows.
    Recall,
    /// Negative rows decided negative, of the negative rows.
    Specificity,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 7] = [
        Self::Accuracy,
        Self::Auc,
        Self::AveragePrecision,
        Self::F1,
        Self::Precision,
        Self::Recall,
        Self::Specificity,
    ];

    /// Its name in output that machines read.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::Auc => "roc_auc",
            Self::AveragePrecision => "average_precision",
            Self::F1 => "f1",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::Specificity => "specificity",
        }
    }
}

/// Expected performance in closed form: the label of a row with calibrated probability `p` is positive with that
/// probability, so that the counts of the confusion matrix are sums of probabilities. `scores` order the rows,
/// `probabilities` are calibrated ([`super::Isotonic`]), `decisions` are what the model decided.
///
/// Agrees with NannyML's CBPE; its ranking metrics round cumulative counts to five decimals and break ties by the order of
/// the rows, so that these agree to about 1e-7 (AUC) and, where scores tie, 1e-5 (average precision). The intervals say where the *realised* metric of these rows will lie if the calibration is
/// right: they hold the chance of the labels, not an error of the calibration, which [`expected_by`] adds.
///
/// # Errors
/// [`Unknown::Empty`] without rows, [`Unknown::NotFinite`] on a score that is no number, [`Unknown::NotAProbability`].
/// Of slices of different lengths the longer one's rest is ignored.
pub fn expected(
    scores: &[f64],
    probabilities: &[f64],
    decisions: &[bool],
    level: Level,
) -> Result<Expected, Unknown> {
    let rows = scores.iter().zip(probabilities).zip(decisions);
    let mut rows: Vec<Row> =
        rows.map(|((score, p), decision)| Row { score: *score, p: *p, decision: *decision }).collect();
    let ranking = ranking::of_rows(&mut rows)?;
    let mut expected = Expected::of(&ranking, rows.len(), level, None);
    for row in &rows {
        expected.count(row.decision, 1.0, row.p, row.variance());
    }
    Ok(expected)
}

/// [`expected`] with the probabilities of a map, whose own error is in the intervals: each of its levels is a share of so many
/// labelled rows. Where the rows are many more than those that the map was fitted on, that is most of it.
///
/// # Errors
/// As [`expected`].
pub fn expected_by(
    map: &Isotonic,
    scores: &[f64],
    decisions: &[bool],
    level: Level,
) -> Result<Expected, Unknown> {
    let mut factors = map.factors();
    let mut counted = [[0.0; 3]; 2];
    let ranking = ranking::by_map(map, scores, decisions, |tie, chosen| {
        let others = tie.rows - chosen;
        tie.place.add([chosen, others], &mut factors);
        for (sums, rows) in counted.iter_mut().zip([chosen, others]) {
            let share = rows / tie.rows;
            let parts = [rows, tie.positives * share, tie.variance * share];
            sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
        }
    })?;
    let mut expected = Expected::of(&ranking, scores.len().min(decisions.len()), level, Some(map));
    [expected.hits_variance, expected.missed_variance, expected.covariance] = map.variances_of(&factors);
    for (decision, [rows, positives, variance]) in [true, false].into_iter().zip(counted) {
        expected.count(decision, rows, positives, variance);
    }
    Ok(expected)
}

impl Expected {
    /// Of ranked rows whose decisions are not counted yet.
    fn of(ranking: &Ranking, n: usize, level: Level, map: Option<&Isotonic>) -> Self {
        let [auc, average_precision] = ranking.measured(map);
        Self {
            n: n as u64,
            level,
            chosen: 0.0,
            others: 0.0,
            hits: 0.0,
            missed: 0.0,
            hits_variance: 0.0,
            missed_variance: 0.0,
            covariance: 0.0,
            auc,
            average_precision,
        }
    }

    /// Of rows whose order is not known, decided positive and the others.
    pub(super) fn of_sums(chosen: Sums, others: Sums, n: u64, level: Level) -> Self {
        Self {
            n,
            level,
            chosen: chosen.rows,
            others: others.rows,
            hits: chosen.positives,
            missed: others.positives,
            hits_variance: chosen.variance,
            missed_variance: others.variance,
            covariance: 0.0,
            auc: Err(Unknown::Empty),
            average_precision: Err(Unknown::Empty),
        }
    }

    /// Counts rows of one decision, with the positive labels expected of them and their variance.
    fn count(&mut self, decision: bool, rows: f64, positives: f64, variance: f64) {
        let sums = if decision {
            [&mut self.chosen, &mut self.hits, &mut self.hits_variance]
        } else {
            [&mut self.others, &mut self.missed, &mut self.missed_variance]
        };
        sums.into_iter().zip([rows, positives, variance]).for_each(|(sum, part)| *sum += part);
    }

    /// Rows estimated.
    #[must_use]
    pub const fn n(&self) -> u64 {
        self.n
    }

    /// Expected counts: true positives, false positives, true negatives, false negatives.
    #[must_use]
    pub fn counts(&self) -> [f64; 4] {
        [self.hits, self.chosen - self.hits, self.others - self.missed, self.missed]
    }

    /// A metric, and where the realised one will lie with the confidence asked for.
    ///
    /// # Errors
    /// [`Unknown::Empty`] where there would be nothing to divide by.
    pub fn metric(&self, metric: Metric) -> Result<Estimate, Unknown> {
        let [hits, wrong, right_no, missed] = self.counts();
        // The value, and its derivatives by the positives among the chosen and among the others.
        let (value, by_hits, by_missed) = match metric {
            Metric::Accuracy => {
                let n = self.chosen + self.others;
                ((hits + right_no) / n, 1.0 / n, -1.0 / n)
            }
            Metric::Auc => return self.estimate(self.auc?),
            Metric::AveragePrecision => return self.estimate(self.average_precision?),
            Metric::F1 => {
                let all = self.chosen + hits + missed;
                (2.0 * hits / all, 2.0 * (self.chosen + missed) / (all * all), -2.0 * hits / (all * all))
            }
            Metric::Precision => (hits / self.chosen, 1.0 / self.chosen, 0.0),
            Metric::Recall => {
                let all = hits + missed;
                (hits / all, missed / (all * all), -hits / (all * all))
            }
            Metric::Specificity => {
                let all = right_no + wrong;
                (right_no / all, right_no / (all * all), -wrong / (all * all))
            }
        };
        if !value.is_finite() {
            return Err(Unknown::Empty);
        }
        let variance = by_hits * by_hits * self.hits_variance
            + by_missed * by_missed * self.missed_variance
            + 2.0 * by_hits * by_missed * self.covariance;
        self.estimate((value, variance))
    }

    /// How far the realised metric is from the estimate, in units of the interval's half-width on that side: above 1 it
    /// lies outside, and more of that than the level allows means that the calibration no longer holds.
    ///
    /// # Errors
    /// As [`Self::metric`].
    pub fn surprise(&self, metric: Metric, realised: f64) -> Result<f64, Unknown> {
        let e = self.metric(metric)?;
        let half = if realised > e.value { e.high - e.value } else { e.value - e.low };
        let off = (realised - e.value).abs();
        Ok(if off == 0.0 { 0.0 } else { off / half })
    }

    fn estimate(&self, (value, variance): (f64, f64)) -> Result<Estimate, Unknown> {
        let half = self.level.z() * variance.max(0.0).sqrt();
        Ok(Estimate {
            value,
            low: (value - half).max(0.0).min(value),
            high: (value + half).min(1.0).max(value),
            n: self.n,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::performance::{Confusion, Index, Rate, scores};
    use crate::random::Random;

    #[test]
    fn odd_input_says_so() {
        let of = |p: f64, decision: bool| expected(&[0.5], &[p], &[decision], Level::P95);
        assert_eq!(expected(&[], &[], &[], Level::P95).err(), Some(Unknown::Empty));
        assert_eq!(of(1.5, true).err(), Some(Unknown::NotAProbability));
        let none_chosen = of(0.2, false).unwrap();
        assert_eq!(none_chosen.metric(Metric::Precision), Err(Unknown::Empty));
        assert_eq!(of(0.0, false).unwrap().metric(Metric::Auc), Err(Unknown::OneClass));
    }

    /// Against the definition, pair by pair.
    #[test]
    fn areas_are_their_definition() {
        let mut random = Random::new(3);
        let rows: Vec<(f64, f64)> =
            (0..80).map(|_| ((random.unit() * 15.0).floor(), random.unit())).collect();
        let (scores, p): (Vec<f64>, Vec<f64>) = rows.iter().copied().unzip();
        let (mut pairs, mut all) = (0.0, 0.0);
        for (a, p) in &rows {
            for (b, q) in &rows {
                let order = if a > b { 1.0 } else { f64::from(u8::from(a == b)) / 2.0 };
                pairs += p * (1.0 - q) * order;
                all += p * (1.0 - q);
            }
        }
        let got = expected(&scores, &p, &[true; 80], Level::P95).unwrap();
        assert!((got.metric(Metric::Auc).unwrap().value - pairs / all).abs() < 1e-12);
    }

    fn realised(metric: Metric, scores: &[f64], labels: &[bool], decisions: &[bool]) -> f64 {
        let mut counts = Confusion::default();
        labels.iter().zip(decisions).for_each(|(label, decision)| counts.push(*label, *decision));
        let ranked = scores::report(scores, labels, Level::P95);
        let rate = |rate| counts.rate(rate).value().unwrap();
        match metric {
            Metric::Accuracy => rate(Rate::Accuracy),
            Metric::Auc => ranked.auc.unwrap().value,
            Metric::AveragePrecision => ranked.average_precision.unwrap().value,
            Metric::F1 => counts.index(Index::F1, Level::P95).unwrap().value,
            Metric::Precision => rate(Rate::Precision),
            Metric::Recall => rate(Rate::Recall),
            Metric::Specificity => rate(Rate::Specificity),
        }
    }

    /// A map of few labelled rows, and many rows that it is used on: its own error decides.
    #[test]
    fn error_of_the_map_is_in_the_interval() {
        let (mut random, runs, mut outside) = (Random::new(61), 100_u32, [0_u32; 7]);
        let mut rows = |n: usize| -> (Vec<f64>, Vec<bool>) {
            let mut row = |_| {
                let score = random.unit();
                (score, random.chance(score * score))
            };
            (0..n).map(&mut row).unzip()
        };
        for _ in 0..runs {
            let (known, known_labels) = rows(500);
            let (scores, labels) = rows(5_000);
            let map = Isotonic::fit(&known, &known_labels).unwrap();
            let decisions: Vec<bool> = scores.iter().map(|score| *score >= 0.6).collect();
            let expected = expected_by(&map, &scores, &decisions, Level::P95).unwrap();
            for (count, metric) in outside.iter_mut().zip(Metric::ALL) {
                let surprise =
                    expected.surprise(metric, realised(metric, &scores, &labels, &decisions)).unwrap();
                *count += u32::from(surprise > 1.0);
            }
        }
        assert!(outside.iter().all(|count| *count <= 12), "{outside:?} of {runs}");
    }

    /// With calibrated probabilities the realised metrics lie inside as often as stated.
    #[test]
    fn realised_metrics_lie_inside() {
        let (mut random, runs, mut inside) = (Random::new(37), 400_u32, [0_u32; 7]);
        for _ in 0..runs {
            let p: Vec<f64> = (0..300).map(|_| (random.unit() * 20.0).round() / 20.0).collect();
            let labels: Vec<bool> = p.iter().map(|p| random.unit() < *p).collect();
            let decisions: Vec<bool> = p.iter().map(|p| *p >= 0.45).collect();
            let expected = expected(&p, &p, &decisions, Level::P95).unwrap();
            for (hit, metric) in inside.iter_mut().zip(Metric::ALL) {
                let realised = realised(metric, &p, &labels, &decisions);
                *hit += u32::from(expected.surprise(metric, realised).unwrap() <= 1.0);
            }
        }
        let shares = inside.map(|hit| f64::from(hit) / f64::from(runs));
        assert!(shares.iter().all(|share| (0.92..0.98).contains(share)), "{shares:?}");
    }
}
