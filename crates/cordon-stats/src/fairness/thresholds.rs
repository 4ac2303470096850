//! Thresholds by group that make decisions fair after training, and what they cost.
//!
//! The post-processing of Hardt, Price and Srebro ("Equality of opportunity in supervised learning", NeurIPS 2016), in the
//! form of Fairlearn's `ThresholdOptimizer`: each group gets two thresholds and a probability of taking the one or the
//! other, so that the groups meet exactly at the point that the constraint asks for, and of all such points the most
//! accurate is taken.
//!
//! The rules treat people of different groups differently on purpose. In many places and for many uses that needs a legal
//! basis; in a gateway it is a governed, recorded step or nothing.

mod curve;

use crate::interval::{Estimate, Level, Mean, Unknown};
use curve::{Axes, Curve};

/// What all groups shall have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    /// The selection rate.
    DemographicParity,
    /// The true positive rate (equal opportunity).
    EqualOpportunity,
    /// The true and the false positive rate.
    EqualizedOdds,
    /// The false positive rate.
    FalsePositiveParity,
}

/// Where the common rate is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// At every corner of every group's curve, and where curves cross: the optimum itself.
    Exact,
    /// At `0, 1/n, 2/n, … 1`: what Fairlearn does (with `n` of 1,000 by default).
    Grid(u32),
}

/// How one group is decided: with probability `ignored` by the constant, otherwise by one of two thresholds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// Probability that the score is not looked at (equalized odds only: the better group gives up accuracy).
    pub ignored: f64,
    /// Probability of a positive decision where it is not looked at.
    pub constant: f64,
    /// A threshold with the probability of taking it. Scores *above* it are selected.
    pub first: (f64, f64),
    /// The other threshold with its probability.
    pub second: (f64, f64),
}

impl Rule {
    /// Probability of a positive decision at a score. Who must decide draws a number in `[0, 1)` and compares; drawn from
    /// a keyed digest of the call, the decision can be replayed.
    #[must_use]
    pub fn probability(&self, score: f64) -> f64 {
        let part = |(threshold, weight): (f64, f64)| if score > threshold { weight } else { 0.0 };
        self.ignored * self.constant + (1.0 - self.ignored) * (part(self.first) + part(self.second))
    }
}

/// What a rule does to its group, on the rows that it was made from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Share of the rows selected.
    pub selection: f64,
    /// Share of the positive rows selected.
    pub true_positive: f64,
    /// Share of the negative rows selected.
    pub false_positive: f64,
    /// Share of the rows decided rightly.
    pub accuracy: f64,
}

/// Rules for every group with their price.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The rule of each group.
    pub rules: Vec<Rule>,
    /// What it does to its group.
    pub outcomes: Vec<Outcome>,
    /// Expected accuracy over all rows.
    pub accuracy: f64,
    /// Accuracy of the best single threshold for everybody, on the same rows.
    pub best_common: f64,
    /// The price: expected accuracy minus that of the best common threshold, with Student's interval over rows. Usually
    /// negative; positive where groups' scores mean different things, so that thresholds by group help everybody.
    ///
    /// Rules and price are fitted on the same rows. On new ones the constraint holds only about, and the price is higher.
    pub price: Estimate,
    /// What each row gained, for the interval of the price at another level.
    pub gain: Mean,
}

/// The most accurate rules under a constraint, from scores and labels with the number of each row's group.
///
/// # Errors
/// [`Unknown::OneClass`] where some group lacks positive or negative labels: no rate to equalise is known for it;
/// [`Unknown::TooFew`] below two groups or two rows; [`Unknown::NotFinite`], [`Unknown::Empty`] as for every score.
pub fn optimise(
    scores: &[f64],
    labels: &[bool],
    groups: &[usize],
    constraint: Constraint,
    search: Search,
) -> Result<Policy, Unknown> {
    let count = groups.iter().map(|group| group.saturating_add(1)).max().unwrap_or(0);
    if count < 2 {
        return Err(Unknown::TooFew { n: count as u64, needed: 2 });
    }
    let axes = match constraint {
        Constraint::DemographicParity => Axes::SelectionAccuracy,
        Constraint::EqualOpportunity => Axes::TruePositiveAccuracy,
        Constraint::EqualizedOdds => Axes::FalsePositiveTruePositive,
        Constraint::FalsePositiveParity => Axes::FalsePositiveAccuracy,
    };
    let rows = || scores.iter().copied().zip(labels.iter().copied()).zip(groups.iter().copied());
    let mut split: Vec<(Vec<f64>, Vec<bool>)> = vec![(Vec::new(), Vec::new()); count];
    for ((score, label), group) in rows() {
        if let Some((scores, labels)) = split.get_mut(group) {
            scores.push(score);
            labels.push(label);
        }
    }
    let curves = split
        .iter()
        .map(|(scores, labels)| Curve::new(scores, labels, axes))
        .collect::<Result<Vec<_>, _>>()?;
    let rules = match constraint {
        Constraint::EqualizedOdds => equalize_both(&curves, search),
        _ => equalize_one(&curves, search),
    };
    let best = Curve::new(scores, labels, Axes::SelectionAccuracy)?.most_accurate();
    let mut gain = Mean::default();
    let (mut expected, mut common) = (Mean::default(), Mean::default());
    let mut sums = vec![[0.0; 4]; count];
    for ((score, label), group) in rows() {
        let Some((rule, sum)) = rules.get(group).zip(sums.get_mut(group)) else { continue };
        let selected = rule.probability(score);
        let right = if label { selected } else { 1.0 - selected };
        let common_right = f64::from(u8::from((score > best) == label));
        expected.push(right);
        common.push(common_right);
        gain.push(right - common_right);
        let positive = f64::from(u8::from(label));
        let parts = [selected, positive * selected, (1.0 - positive) * selected, right];
        sum.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
    }
    let outcome = |(curve, [selected, hits, wrong, right]): (&Curve, [f64; 4])| Outcome {
        selection: selected / curve.rows(),
        true_positive: hits / curve.positives,
        false_positive: wrong / curve.negatives,
        accuracy: right / curve.rows(),
    };
    Ok(Policy {
        outcomes: curves.iter().zip(sums).map(outcome).collect(),
        rules,
        accuracy: expected.value().unwrap_or(0.0),
        best_common: common.value().unwrap_or(0.0),
        price: gain.student(Level::P95)?,
        gain,
    })
}

/// The common `x` at which the mean of the curves, weighted by rows, is highest.
fn equalize_one(curves: &[Curve], search: Search) -> Vec<Rule> {
    let total: f64 = curves.iter().map(Curve::rows).sum();
    let value = |x: f64| curves.iter().map(|curve| curve.at(x).0 * curve.rows() / total).sum();
    let corners = curves.iter().flat_map(|curve| curve.hull().map(|(x, _)| x)).collect();
    let best = highest(search, corners, value);
    let rule = |curve: &Curve| {
        let (_, first, second) = curve.at(best);
        Rule { ignored: 0.0, constant: 0.0, first, second }
    };
    curves.iter().map(rule).collect()
}

/// The common false and true positive rate with the highest accuracy: the true one is the lowest of the groups' best.
fn equalize_both(curves: &[Curve], search: Search) -> Vec<Rule> {
    let positives: f64 = curves.iter().map(|curve| curve.positives).sum();
    let negatives: f64 = curves.iter().map(|curve| curve.negatives).sum();
    let lowest = |x: f64| curves.iter().map(|curve| curve.at(x).0).fold(f64::INFINITY, f64::min);
    let value = |x: f64| negatives * (1.0 - x) + positives * lowest(x);
    let mut corners: Vec<f64> = curves.iter().flat_map(|curve| curve.hull().map(|(x, _)| x)).collect();
    corners.sort_unstable_by(f64::total_cmp);
    corners.dedup();
    let crossings = crossings(curves, &corners);
    corners.extend(crossings);
    let x = highest(search, corners, value);
    let y = lowest(x);
    let rule = |curve: &Curve| {
        let (own, first, second) = curve.at(x);
        // From the group's own point straight down to the common one: some decisions become a coin of probability x.
        let ignored = if own > y && own > x { (own - y) / (own - x) } else { 0.0 };
        Rule { ignored, constant: x, first, second }
    };
    curves.iter().map(rule).collect()
}

/// Where the lowest of the curves is another one, between neighbouring corners, where each is a line.
fn crossings(curves: &[Curve], corners: &[f64]) -> Vec<f64> {
    let heights = |x: f64| curves.iter().map(|curve| curve.at(x).0).collect::<Vec<f64>>();
    let mut crossings = Vec::new();
    let mut before = corners.first().map(|x| heights(*x)).unwrap_or_default();
    for pair in corners.windows(2) {
        let &[left, right] = pair else { continue };
        let after = heights(right);
        let lines: Vec<(f64, f64)> = before.iter().copied().zip(after.iter().copied()).collect();
        crossings.extend(turns(&lines).into_iter().map(|share| left + (right - left) * share));
        before = after;
    }
    crossings
}

/// Where, from 0 to 1, the lowest of lines is another one; each is given by its heights at both ends.
fn turns(lines: &[(f64, f64)]) -> Vec<f64> {
    let mut turns = Vec::new();
    let lower = |a: &&(f64, f64), b: &&(f64, f64)| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1));
    let Some(mut lowest) = lines.iter().min_by(lower) else { return turns };
    loop {
        // Only a line that ends lower can be the next; the first that is met is.
        let meets = |line: &(f64, f64)| {
            let (above, below) = (line.0 - lowest.0, lowest.1 - line.1);
            (below > 0.0).then(|| above / (above + below))
        };
        let next = lines.iter().filter_map(|line| Some((meets(line)?, line)));
        let first = next.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.1.total_cmp(&b.1.1)));
        let Some((share, line)) = first else { return turns };
        turns.push(share);
        lowest = line;
    }
}

/// The first of the places searched at which the value is highest.
fn highest(search: Search, corners: Vec<f64>, value: impl Fn(f64) -> f64) -> f64 {
    let places: Vec<f64> = match search {
        Search::Exact => {
            let mut corners = corners;
            corners.sort_unstable_by(f64::total_cmp);
            corners
        }
        Search::Grid(cells) => (0..=cells.max(1)).map(|i| f64::from(i) / f64::from(cells.max(1))).collect(),
    };
    let mut best = (0.0, f64::NEG_INFINITY);
    for x in places {
        let y = value(x);
        if y > best.1 {
            best = (x, y);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Two groups whose scores mean different things.
    fn rows(n: usize) -> (Vec<f64>, Vec<bool>, Vec<usize>) {
        let mut random = Random::new(53);
        let (mut scores, mut labels, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        for row in 0..n {
            let group = usize::from(row % 3 == 0);
            let label = random.unit() < if group == 0 { 0.6 } else { 0.3 };
            let shift = if label { 0.25 } else { 0.0 } + if group == 0 { 0.1 } else { 0.0 };
            scores.push((random.unit() * 0.65 + shift).min(1.0));
            labels.push(label);
            groups.push(group);
        }
        (scores, labels, groups)
    }

    #[test]
    fn constraints_hold_and_exact_is_no_worse_than_the_grid() {
        let (scores, labels, groups) = rows(900);
        for constraint in [
            Constraint::DemographicParity,
            Constraint::EqualOpportunity,
            Constraint::EqualizedOdds,
            Constraint::FalsePositiveParity,
        ] {
            let of = |search| optimise(&scores, &labels, &groups, constraint, search).unwrap();
            let (exact, grid) = (of(Search::Exact), of(Search::Grid(1000)));
            assert!(exact.accuracy >= grid.accuracy - 1e-12, "{constraint:?}");
            for policy in [exact, grid] {
                let [a, b] = policy.outcomes[..] else { panic!("two groups") };
                let equal = |x: f64, y: f64| assert!((x - y).abs() < 1e-9, "{constraint:?}: {x} {y}");
                match constraint {
                    Constraint::DemographicParity => equal(a.selection, b.selection),
                    Constraint::EqualOpportunity => equal(a.true_positive, b.true_positive),
                    Constraint::FalsePositiveParity => equal(a.false_positive, b.false_positive),
                    Constraint::EqualizedOdds => {
                        equal(a.true_positive, b.true_positive);
                        equal(a.false_positive, b.false_positive);
                    }
                }
                assert!((policy.price.value - (policy.accuracy - policy.best_common)).abs() < 1e-12);
            }
        }
    }

    /// Against every pair of lines: each place where the lowest one changes is found.
    #[test]
    fn turns_are_where_the_lowest_line_changes() {
        let mut random = Random::new(71);
        for _ in 0..200 {
            let lines: Vec<(f64, f64)> = (0..12).map(|_| (random.unit(), random.unit())).collect();
            let lowest = |x: f64| lines.iter().map(|l| l.0 + (l.1 - l.0) * x).fold(f64::INFINITY, f64::min);
            let mut want = Vec::new();
            for (at, a) in lines.iter().enumerate() {
                for b in lines.iter().skip(at + 1) {
                    let x = (a.0 - b.0) / ((a.0 - b.0) - (a.1 - b.1));
                    if (0.0..1.0).contains(&x) && a.0 + (a.1 - a.0) * x <= lowest(x) + 1e-12 {
                        want.push(x);
                    }
                }
            }
            want.sort_by(f64::total_cmp);
            let got = turns(&lines);
            assert!(
                got.len() == want.len() && got.iter().zip(&want).all(|(a, b)| (a - b).abs() < 1e-9),
                "{got:?} {want:?}"
            );
        }
    }

    /// As many groups as a postal code makes: every pair of them would take hours.
    #[test]
    fn many_groups_are_bearable() {
        let mut random = Random::new(72);
        let (mut scores, mut labels, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        for row in 0..8_000 {
            scores.push(random.unit());
            // Both classes in each group.
            labels.push(if row < 1_600 { row % 2 == 0 } else { random.chance(0.5) });
            groups.push(if row < 1_600 { row / 2 } else { random.below(800) });
        }
        let policy = optimise(&scores, &labels, &groups, Constraint::EqualizedOdds, Search::Exact).unwrap();
        let [first, .., last] = policy.outcomes[..] else { panic!("800 groups") };
        assert!((first.true_positive - last.true_positive).abs() < 1e-9);
    }

    #[test]
    fn groups_without_both_classes_say_so() {
        let of = |labels: &[bool], groups: &[usize]| {
            optimise(&[0.1, 0.9, 0.4, 0.6], labels, groups, Constraint::EqualizedOdds, Search::Exact).err()
        };
        assert_eq!(of(&[true, false, true, true], &[0, 0, 1, 1]), Some(Unknown::OneClass));
        assert_eq!(of(&[true, false, true, false], &[0; 4]), Some(Unknown::TooFew { n: 1, needed: 2 }));
        assert_eq!(of(&[true, false, true, false], &[0, 0, 2, 2]), Some(Unknown::Empty));
    }
}
