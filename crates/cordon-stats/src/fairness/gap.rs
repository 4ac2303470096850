use super::Tally;
use crate::interval::{Estimate, Level, Proportion, Unknown};
use crate::performance::Rate;

/// Up to here pairs of groups are compared one by one; beyond, groups against the range of all, which is wider and does
/// not grow with the square.
const MOST_PAIRS: usize = 2016;

/// How sure, and how small a group may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Confidence of the whole gap: of all pairs of groups at once.
    pub level: Level,
    /// Groups with fewer observations behind the rate are left out and named. 1 takes all that have a rate.
    pub least: u64,
}

impl Default for Limits {
    /// 95 %, every group that has a rate.
    fn default() -> Self {
        Self { level: Level::P95, least: 1 }
    }
}

/// How far a rate differs among groups.
#[derive(Debug, Clone, PartialEq)]
pub struct Gap {
    /// The rate.
    pub rate: Rate,
    /// Highest minus lowest rate. The interval holds for all pairs of groups at once (Newcombe's, each at a level divided
    /// by the number of pairs).
    pub difference: Estimate,
    /// Lowest divided by highest rate, likewise; [`Unknown::Empty`] where no group has any hits.
    pub ratio: Result<Estimate, Unknown>,
    /// The group with the lowest rate.
    pub lowest: usize,
    /// The group with the highest rate.
    pub highest: usize,
    /// Largest distance of a group from all rows (what Fairlearn calls `to_overall`). The groups are part of all rows,
    /// so there is no honest interval; [`Tally::against_rest`] has one.
    pub to_overall: f64,
    /// Groups left out because too few of their rows count for this rate.
    pub left_out: Vec<usize>,
}

/// The two gaps of equalized odds.
#[derive(Debug, Clone, PartialEq)]
pub struct Odds {
    /// Among rows with positive label.
    pub recall: Gap,
    /// Among rows with negative label.
    pub false_positive: Gap,
    /// The larger difference of the two.
    pub worst_difference: Estimate,
    /// The mean of both differences, without interval.
    pub mean_difference: f64,
    /// The smaller ratio of the two.
    pub worst_ratio: Result<Estimate, Unknown>,
}

impl Tally {
    /// The gap of a rate among groups.
    ///
    /// # Errors
    /// [`Unknown::TooFew`] where fewer than two groups have enough observations.
    pub fn gap(&self, rate: Rate, limits: Limits) -> Result<Gap, Unknown> {
        let (mut taken, mut left_out) = (Vec::new(), Vec::new());
        for (group, counts) in self.groups().iter().enumerate() {
            let counted = counts.rate(rate);
            match counted.value() {
                Some(value) if counted.of() >= limits.least => taken.push((group, counted, value)),
                // A group without any row is not there, rather than too small.
                None if counts.n() == 0 => {}
                _ => left_out.push(group),
            }
        }
        let by_value = |a: &&(usize, Proportion, f64), b: &&(usize, Proportion, f64)| a.2.total_cmp(&b.2);
        let (Some(lowest), Some(highest)) = (taken.iter().min_by(by_value), taken.iter().max_by(by_value))
        else {
            return Err(Unknown::TooFew { n: 0, needed: 2 });
        };
        if taken.len() < 2 {
            return Err(Unknown::TooFew { n: 1, needed: 2 });
        }
        let proportions: Vec<Proportion> = taken.iter().map(|(_, counted, _)| *counted).collect();
        let point = (lowest.2, highest.2);
        let overall = self.total().rate(rate).value().unwrap_or(0.0);
        let (difference, ratio) = ends(&proportions, limits.level)?;
        let n = proportions.iter().map(|p| p.of()).sum();
        let estimate = |value: f64, (low, high): (f64, f64)| Estimate {
            value,
            low: low.min(value),
            high: high.max(value),
            n,
        };
        Ok(Gap {
            rate,
            difference: estimate(point.1 - point.0, difference),
            ratio: if point.1 > 0.0 { Ok(estimate(point.0 / point.1, ratio)) } else { Err(Unknown::Empty) },
            lowest: lowest.0,
            highest: highest.0,
            to_overall: taken.iter().map(|(_, _, value)| (value - overall).abs()).fold(0.0, f64::max),
            left_out,
        })
    }

    /// Equalized odds (Hardt, Price and Srebro, "Equality of opportunity in supervised learning", 2016): the gaps of recall
    /// and of the false positive rate, held at the level together.
    ///
    /// # Errors
    /// As [`Self::gap`], of either.
    pub fn equalized_odds(&self, limits: Limits) -> Result<Odds, Unknown> {
        let each = Limits { level: limits.level.each_of(2), ..limits };
        let (recall, false_positive) = (self.gap(Rate::Recall, each)?, self.gap(Rate::FalsePositive, each)?);
        let (a, b) = (recall.difference, false_positive.difference);
        let n = a.n.saturating_add(b.n);
        let worst =
            Estimate { value: a.value.max(b.value), low: a.low.max(b.low), high: a.high.max(b.high), n };
        let worst_ratio = match (recall.ratio, false_positive.ratio) {
            (Ok(a), Ok(b)) => Ok(Estimate {
                value: a.value.min(b.value),
                low: a.low.min(b.low),
                high: a.high.min(b.high),
                n,
            }),
            (known, Err(_)) => known,
            (Err(_), known) => known,
        };
        let mean_difference = f64::midpoint(a.value, b.value);
        Ok(Odds { recall, false_positive, worst_difference: worst, mean_difference, worst_ratio })
    }

    /// Selection of each other group divided by that of `reference` (disparate impact), all at once at the level. Below
    /// 0.8 is the "four fifths" of the Uniform Guidelines on Employee Selection Procedures (1978); compare with
    /// [`Estimate::against`].
    ///
    /// Of each group without observations, and of a reference without a selection, the entry says why.
    #[must_use]
    pub fn disparate_impact(
        &self,
        reference: usize,
        level: Level,
    ) -> Vec<(usize, Result<Estimate, Unknown>)> {
        let others = self.groups().len().saturating_sub(1);
        let base = self.groups().get(reference).map(|counts| counts.rate(Rate::Selection));
        let ratio = |counts: &crate::performance::Confusion| {
            counts.rate(Rate::Selection).over(base.ok_or(Unknown::Empty)?, level.each_of(others))
        };
        let compared = self.groups().iter().enumerate().filter(|(group, _)| *group != reference);
        compared.map(|(group, counts)| (group, ratio(counts))).collect()
    }

    /// The rate of one group minus that of all other rows, which are independent of it.
    ///
    /// # Errors
    /// [`Unknown::Empty`] if either has no observations.
    pub fn against_rest(&self, group: usize, rate: Rate, level: Level) -> Result<Estimate, Unknown> {
        let own = self.groups().get(group).ok_or(Unknown::Empty)?.rate(rate);
        let all = self.total().rate(rate);
        let hits = all.hits().saturating_sub(own.hits());
        let misses = all.of().saturating_sub(own.of()).saturating_sub(hits);
        own.minus(Proportion::of_parts(hits, misses), level)
    }
}

type Ends = (f64, f64);

/// Ends of the largest difference and of the smallest ratio over all pairs.
fn ends(groups: &[Proportion], level: Level) -> Result<(Ends, Ends), Unknown> {
    let pairs = groups.len() * groups.len().saturating_sub(1) / 2;
    if pairs > MOST_PAIRS {
        return range(groups, level);
    }
    let level = level.each_of(pairs);
    let (mut low, mut high) = (0.0_f64, 0.0_f64);
    let (mut ratio_low, mut ratio_high) = (1.0_f64, 1.0_f64);
    for (at, first) in groups.iter().enumerate() {
        for second in groups.iter().skip(at + 1) {
            let d = first.minus(*second, level)?;
            // The size of the difference: zero where the interval crosses it.
            low = low.max(d.low).max(-d.high);
            high = high.max(d.high).max(-d.low);
            for ratio in [first.over(*second, level), second.over(*first, level)].into_iter().flatten() {
                ratio_low = ratio_low.min(ratio.low);
                ratio_high = ratio_high.min(ratio.high);
            }
        }
    }
    Ok(((low, high), (ratio_low, ratio_high)))
}

/// The same from the ends of all groups' intervals, held together: for very many groups.
fn range(groups: &[Proportion], level: Level) -> Result<(Ends, Ends), Unknown> {
    let level = level.each_of(groups.len());
    let (mut least_low, mut least_high, mut most_low, mut most_high) = (1.0_f64, 1.0_f64, 0.0_f64, 0.0_f64);
    for group in groups {
        let e = group.wilson(level)?;
        least_low = least_low.min(e.low);
        least_high = least_high.min(e.high);
        most_low = most_low.max(e.low);
        most_high = most_high.max(e.high);
    }
    let ratio_high = if most_low > 0.0 { (least_high / most_low).min(1.0) } else { 1.0 };
    Ok((((most_low - least_high).max(0.0), most_high - least_low), (least_low / most_high, ratio_high)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::Side;
    use crate::random::Random;
    use proptest::prelude::*;

    #[test]
    fn small_groups_are_left_out_and_named() {
        let mut tally = Tally::new(3);
        for row in 0..200 {
            tally.push(row % 2, row % 3 == 0, row % 4 == 0);
        }
        tally.push(2, true, true);
        let gap = tally.gap(Rate::Selection, Limits { least: 30, ..Limits::default() }).unwrap();
        assert_eq!(gap.left_out, vec![2]);
        let all = tally.gap(Rate::Selection, Limits::default()).unwrap();
        assert!(all.left_out.is_empty() && all.difference.value > gap.difference.value);
        let none = tally.gap(Rate::Selection, Limits { least: 1000, ..Limits::default() });
        assert_eq!(none.err(), Some(Unknown::TooFew { n: 0, needed: 2 }));
    }

    /// Eight groups of 40 with equal rates: the point gap is large by chance, its interval reaches zero as often as
    /// stated, and a limit of 0.8 is undecided rather than a breach.
    #[test]
    fn equal_groups_are_not_accused() {
        let (mut random, runs) = (Random::new(47), 400_u32);
        let (mut accused, mut breaches, mut size) = (0_u32, 0_u32, 0.0);
        for _ in 0..runs {
            let mut tally = Tally::new(8);
            (0..320).for_each(|row| tally.push(row % 8, true, random.unit() < 0.4));
            let gap = tally.gap(Rate::Selection, Limits::default()).unwrap();
            size += gap.difference.value / f64::from(runs);
            accused += u32::from(gap.difference.low > 0.0);
            breaches += u32::from(gap.ratio.unwrap().against(0.8) == Side::Below);
        }
        assert!(size > 0.15, "{size}");
        assert!(accused <= runs / 20 && breaches <= runs / 20, "{accused} {breaches}");
    }

    #[test]
    fn four_fifths_to_a_reference() {
        let mut tally = Tally::new(3);
        for row in 0..3000 {
            let group = row % 3;
            tally.push(group, true, if group == 1 { row % 10 < 3 } else { row % 10 < 6 });
        }
        let impact = tally.disparate_impact(0, Level::P95);
        assert_eq!(impact.iter().map(|(group, _)| *group).collect::<Vec<_>>(), vec![1, 2]);
        assert_eq!(impact[0].1.unwrap().against(0.8), Side::Below);
        assert_eq!(impact[1].1.unwrap().against(0.8), Side::Above);
        assert!(tally.disparate_impact(9, Level::P95).iter().all(|(_, ratio)| *ratio == Err(Unknown::Empty)));
    }

    proptest! {
        #[test]
        fn gaps_contain_their_estimate_in_both_forms(cells in prop::collection::vec((0u64..40, 1u64..40), 2..9)) {
            let groups: Vec<Proportion> = cells.iter().map(|(hits, misses)| Proportion::of_parts(*hits, *misses)).collect();
            let values: Vec<f64> = groups.iter().map(|g| g.value().unwrap()).collect();
            let least = values.iter().copied().fold(1.0, f64::min);
            let most = values.iter().copied().fold(0.0, f64::max);
            for form in [ends, range] {
                let (difference, ratio) = form(&groups, Level::P95).unwrap();
                prop_assert!(difference.0 <= most - least + 1e-12 && most - least <= difference.1 + 1e-12);
                prop_assert!(most == 0.0 || (ratio.0 <= least / most + 1e-12 && least / most <= ratio.1 + 1e-12));
            }
        }
    }
}
