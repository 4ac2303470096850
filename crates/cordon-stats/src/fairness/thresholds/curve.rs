use crate::interval::{Unknown, classes, ties};

/// What a curve shows against what, over all thresholds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Axes {
    FalsePositiveAccuracy,
    FalsePositiveTruePositive,
    SelectionAccuracy,
    TruePositiveAccuracy,
}

/// A corner of the curve: the rates that deciding "above this threshold" has.
#[derive(Debug, Clone, Copy)]
struct Corner {
    x: f64,
    y: f64,
    threshold: f64,
}

/// The upper hull of what thresholds of one group reach; what lies between two corners is reached by chance between them.
#[derive(Debug, Clone)]
pub(super) struct Curve {
    pub(super) positives: f64,
    pub(super) negatives: f64,
    hull: Vec<Corner>,
}

impl Curve {
    /// Of the scores and labels of one group.
    pub(super) fn new(scores: &[f64], labels: &[bool], axes: Axes) -> Result<Self, Unknown> {
        let ties = ties(scores, labels)?;
        let (positives, negatives) = classes(&ties)?;
        let (positives, negatives) = (positives as f64, negatives as f64);
        let corner = |hits: f64, wrong: f64, threshold: f64| {
            let accuracy = (hits + negatives - wrong) / (positives + negatives);
            let (x, y) = match axes {
                Axes::FalsePositiveAccuracy => (wrong / negatives, accuracy),
                Axes::FalsePositiveTruePositive => (wrong / negatives, hits / positives),
                Axes::SelectionAccuracy => ((hits + wrong) / (positives + negatives), accuracy),
                Axes::TruePositiveAccuracy => (hits / positives, accuracy),
            };
            Corner { x, y, threshold }
        };
        let (mut hits, mut wrong) = (0.0, 0.0);
        let mut corners = vec![corner(hits, wrong, f64::INFINITY)];
        // Thresholds lie half-way between neighbouring scores; below the last one everybody is selected.
        let below = ties.iter().rev().skip(1).map(|t| t.score).chain([f64::NEG_INFINITY]);
        for (tie, below) in ties.iter().rev().zip(below) {
            hits += tie.positives as f64;
            wrong += tie.negatives as f64;
            // Between neighbouring doubles the middle is one of them, and must not be the upper one: it is selected.
            let middle = f64::midpoint(tie.score, below);
            let threshold = if below.is_finite() && middle < tie.score { middle } else { below };
            corners.push(corner(hits, wrong, threshold));
        }
        Ok(Self { positives, negatives, hull: upper_hull(corners) })
    }

    pub(super) fn rows(&self) -> f64 {
        self.positives + self.negatives
    }

    /// The corners of the hull, from the left.
    pub(super) fn hull(&self) -> impl Iterator<Item = (f64, f64)> {
        self.hull.iter().map(|corner| (corner.x, corner.y))
    }

    /// The threshold of the highest corner.
    pub(super) fn most_accurate(&self) -> f64 {
        let best = self.hull.iter().max_by(|a, b| a.y.total_cmp(&b.y));
        best.map_or(f64::INFINITY, |corner| corner.threshold)
    }

    /// Height of the hull at `x` in `[0, 1]`, and the two thresholds with their probabilities that reach it.
    pub(super) fn at(&self, x: f64) -> (f64, (f64, f64), (f64, f64)) {
        let after = self.hull.partition_point(|corner| corner.x < x);
        let right = self.hull.get(after).or(self.hull.last());
        let left = after.checked_sub(1).and_then(|before| self.hull.get(before)).or(right);
        let (Some(left), Some(right)) = (left, right) else {
            return (0.0, (f64::INFINITY, 1.0), (f64::INFINITY, 0.0));
        };
        let width = right.x - left.x;
        let weight = if width > 0.0 { ((x - left.x) / width).clamp(0.0, 1.0) } else { 1.0 };
        let y = left.y + (right.y - left.y) * weight;
        (y, (left.threshold, 1.0 - weight), (right.threshold, weight))
    }
}

/// Corners of the smallest concave curve over all (Andrew's monotone chain, 1979). Of corners with the same `x` the
/// highest counts.
fn upper_hull(mut corners: Vec<Corner>) -> Vec<Corner> {
    corners.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    let mut hull: Vec<Corner> = Vec::new();
    for corner in corners {
        while let Some(last) = hull.last() {
            let turns_left = match hull.iter().rev().nth(1) {
                Some(before) => {
                    (last.x - before.x) * (corner.y - before.y) >= (last.y - before.y) * (corner.x - before.x)
                }
                None => last.x == corner.x,
            };
            if !turns_left {
                break;
            }
            hull.pop();
        }
        hull.push(corner);
    }
    hull
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// No double lies between these two: the threshold must be the lower one.
    #[test]
    fn neighbouring_scores_are_told_apart() {
        let (low, high) = (0.3, 0.3_f64.next_up());
        let curve = Curve::new(&[low, high], &[false, true], Axes::FalsePositiveTruePositive).unwrap();
        assert!(
            curve.hull.iter().any(|corner| corner.x == 0.0 && corner.y == 1.0 && corner.threshold == low)
        );
    }

    proptest! {
        /// The hull is concave, spans all rates and lies above every threshold's point.
        #[test]
        fn hull_is_above_everything(rows in prop::collection::vec((0u8..12, any::<bool>()), 2..50)) {
            let (scores, labels): (Vec<f64>, Vec<bool>) = rows.iter().map(|(s, l)| (f64::from(*s), *l)).unzip();
            if let Ok(curve) = Curve::new(&scores, &labels, Axes::FalsePositiveTruePositive) {
                let hull: Vec<(f64, f64)> = curve.hull().collect();
                let concave = hull.windows(3).all(|w| {
                    let (before, after) = ((w[1].0 - w[0].0, w[1].1 - w[0].1), (w[2].0 - w[1].0, w[2].1 - w[1].1));
                    before.1 * after.0 > after.1 * before.0 - 1e-12
                });
                prop_assert!(concave, "{:?}", hull);
                prop_assert_eq!((hull[0].0, hull.last().copied()), (0.0, Some((1.0, 1.0))));
                for threshold in 0..12 {
                    let above = |label: bool| {
                        let of = rows.iter().filter(|row| row.1 == label);
                        of.clone().filter(|row| row.0 > threshold).count() as f64 / of.count() as f64
                    };
                    prop_assert!(curve.at(above(false)).0 >= above(true) - 1e-12);
                }
            }
        }
    }
}
