use super::{Kind, column::ColumnProfile};

/// Columns of numbers on the same bins of equal width: what a chart draws. Counts of narrow intervals are spread evenly over the
/// interval, so a share is exact but for the position inside one ([`super::Quantiles`]).
///
/// ```
/// use cordon_stats::profile::{Cell, Profile, Shapes};
/// let mut profile = Profile::new(&["age"]);
/// (20..60).for_each(|age| profile.add(&[Cell::Integer(age)]));
/// let shapes = Shapes::of(&[profile.column("age").unwrap()], 10).unwrap();
/// assert_eq!(shapes.edges.first(), Some(&19.5)); // a bin of whole numbers begins between two of them
/// assert!((shapes.sides[0].shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Shapes {
    /// The ends of the bins, ascending, one more than bins.
    pub edges: Vec<f64>,
    /// One for each column, in order.
    pub sides: Vec<Shape>,
}

/// One column of [`Shapes`].
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// The share of the column's numbers in each bin.
    pub shares: Vec<f64>,
    /// The share below the first bin.
    pub below: f64,
    /// The share above the last bin.
    pub above: f64,
}

/// What is drawn lies between these quantiles of some column: a few far values must not press all others into one bin.
const SHOWN: (f64, f64) = (0.005, 0.995);

impl Shapes {
    /// Of columns on at most `bins` bins; none where a column has no finite number, or all are the same.
    pub fn of(columns: &[&ColumnProfile], bins: u32) -> Option<Self> {
        let mut range = (f64::INFINITY, f64::NEG_INFINITY);
        for column in columns {
            let quantiles = column.numbers()?.quantiles();
            range = (range.0.min(quantiles.quantile(SHOWN.0)), range.1.max(quantiles.quantile(SHOWN.1)));
        }
        let bins = bins.max(1);
        let whole = columns.iter().all(|column| column.kind() == Kind::Integer);
        let (start, step) = if whole {
            // As many whole numbers in each bin, or the picture would have teeth.
            (range.0.round() - 0.5, ((range.1.round() - range.0.round() + 1.0) / f64::from(bins)).ceil())
        } else {
            (range.0, (range.1 - range.0) / f64::from(bins))
        };
        if !(step > 0.0 && step.is_finite() && range.1 > range.0) {
            return None;
        }
        let mut edges: Vec<f64> = (0..=bins).map(|at| f64::from(at).mul_add(step, start)).collect();
        // Whole numbers may need fewer.
        while edges.len() > 2 && edges.get(edges.len() - 2).is_some_and(|edge| *edge >= range.1) {
            edges.pop();
        }
        let sides = columns.iter().map(|column| side(column, &edges)).collect();
        Some(Self { edges, sides })
    }
}

fn side(column: &ColumnProfile, edges: &[f64]) -> Shape {
    let mut shape = Shape { shares: vec![0.0; edges.len().saturating_sub(1)], below: 0.0, above: 0.0 };
    let (Some(numbers), Some(first), Some(last)) = (column.numbers(), edges.first(), edges.last()) else {
        return shape;
    };
    let (least, greatest) = numbers.range();
    let exact = numbers.quantiles().is_exact();
    for interval in numbers.quantiles().intervals() {
        let low = interval.low.max(least);
        let high = if exact { low } else { interval.high.min(greatest).max(low) };
        let share = interval.count as f64 / numbers.count() as f64;
        let mut put = |value: f64, share: f64| {
            if value < *first {
                shape.below += share;
            } else if value > *last {
                shape.above += share;
            } else {
                let at = edges.partition_point(|edge| *edge <= value).saturating_sub(1);
                let at = at.min(edges.len().saturating_sub(2));
                if let Some(bin) = shape.shares.get_mut(at) {
                    *bin += share;
                }
            }
        };
        // Cut at the edges inside of it; each piece has its part of the share.
        let mut from = low;
        let inside = edges.iter().copied().filter(|edge| *edge > low && *edge < high);
        for to in inside.chain([high]) {
            if high > low {
                put(from + (to - from) / 2.0, share * ((to - from) / (high - low)));
            } else {
                put(low, share);
            }
            from = to;
        }
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Cell, Profile};
    use proptest::prelude::*;

    fn profile(values: &[f64]) -> Profile {
        let mut profile = Profile::new(&["x"]);
        values.iter().for_each(|value| profile.add(&[Cell::Decimal(*value)]));
        profile
    }

    #[test]
    fn a_constant_and_nothing_have_no_shape() {
        let (constant, empty) = (profile(&[3.0; 9]), profile(&[]));
        for case in [&constant, &empty] {
            assert_eq!(Shapes::of(&[case.column("x").unwrap()], 10), None);
        }
    }

    #[test]
    fn an_even_column_is_even() {
        let values: Vec<f64> = (0..100_000).map(|i| f64::from(i) / 1e5).collect();
        let shapes = Shapes::of(&[profile(&values).column("x").unwrap()], 20).unwrap();
        let side = &shapes.sides[0];
        assert_eq!(shapes.edges.len(), 21);
        for share in &side.shares {
            assert!((share - 0.0495).abs() < 2e-3, "{:?}", side.shares);
        }
        assert!((side.below - 0.005).abs() < 1e-3 && (side.above - 0.005).abs() < 1e-3);
    }

    proptest! {
        #[test]
        fn no_share_is_lost(
            values in prop::collection::vec(prop_oneof![-1e3f64..1e3, any::<f64>().prop_filter("finite", |v| v.is_finite())], 2..3_000),
            bins in 1u32..40,
        ) {
            let (all, some) = (profile(&values), profile(&values[..values.len() / 2 + 1]));
            let columns = [all.column("x").unwrap(), some.column("x").unwrap()];
            if let Some(shapes) = Shapes::of(&columns, bins) {
                prop_assert!(shapes.edges.windows(2).all(|pair| pair[0] <= pair[1]));
                for side in &shapes.sides {
                    let sum = side.shares.iter().sum::<f64>() + side.below + side.above;
                    prop_assert!((sum - 1.0).abs() < 1e-9, "{sum}");
                }
            }
        }
    }
}
