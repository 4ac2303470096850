use crate::PValue;
use crate::distribution::student_t;
use crate::input::{self, InputError};
use crate::profile::{Cloud, ColumnProfile};

use super::{ColumnDrift, column};

/// Lengths that differ by less than this share of the points' spread differ by rounding.
const ROUNDING: f64 = 0.01;

/// How a cloud of points changed, from the profiles of both alone: all points, not a sample of them.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfiledCloudDrift {
    /// Points of the reference and of the current data.
    pub points: [u64; 2],
    /// Numbers of a point.
    pub dimension: usize,
    /// The direction along which the points changed most, compared as a column.
    pub projection: ColumnDrift,
    /// Could chance explain the changes along all directions? Corrected for their number (Bonferroni).
    pub projection_p: PValue,
    /// The coordinate whose mean moved most certainly, from 0, and by how many deviations of the reference. NaN where it had none.
    pub coordinate: (usize, f64),
    /// Could chance explain the moved means of all coordinates? Student's t with the degrees of freedom of the smaller side,
    /// corrected for their number (Bonferroni).
    pub coordinate_p: PValue,
    /// The lengths of the points, compared as a column; none where they differ by rounding alone.
    pub lengths: Option<ColumnDrift>,
    /// As of [`super::CloudDrift`].
    pub centre_cosine: f64,
    /// As of [`super::CloudDrift`].
    pub centre_distance: f64,
}

/// Compares two clouds of points by their profiles: along directions that are drawn once for ever (random projections: a change of the
/// distribution changes almost every projection of it, Cramér and Wold 1936), coordinate by coordinate, and by their lengths. Three
/// p-values: correct for as many as are read.
///
/// A few thousand points and [`super::clouds`] see subtler changes of shape; this sees smaller shifts of millions of points.
///
/// # Errors
/// When the dimensions differ or a side has fewer than two points.
pub fn profiled_clouds(reference: &Cloud, current: &Cloud) -> Result<ProfiledCloudDrift, InputError> {
    if reference.dimension() != current.dimension() {
        let (left, right) = ("a reference point", "a current point");
        let (left_length, right_length) = (reference.dimension(), current.dimension());
        return Err(InputError::Lengths { left, left_length, right, right_length });
    }
    let points = [reference.points(), current.points()];
    for (points, what) in points.into_iter().zip(["the reference", "the current data"]) {
        input::at_least(usize::try_from(points).unwrap_or(usize::MAX), 2, what)?;
    }
    let mut least = (f64::INFINITY, None);
    for (was, is) in reference.projections().iter().zip(current.projections()) {
        let drift = column(was, is)?;
        let p = drift.test.map_or(1.0, |test| test.p_value.upper_bound());
        if p < least.0 {
            least = (p, Some(drift));
        }
    }
    let (p, Some(projection)) = least else {
        return Err(InputError::TooFew { what: "the projections", got: 0, need: 1 });
    };
    let [m, n] = points.map(|points| points as f64);
    let (mut moved, mut centres, mut apart, mut spread) = ((1.0, 0, f64::NAN), [0.0; 3], 0.0, 0.0);
    let coordinates = reference.coordinates().zip(current.coordinates());
    for (at, ((was, variance), (is, variance_now))) in coordinates.enumerate() {
        let difference = is - was;
        apart += difference * difference;
        // The root mean square distance from the centre has the divisor n.
        spread += variance * (m - 1.0) / m;
        centres.iter_mut().zip([was * was, is * is, was * is]).for_each(|(sum, part)| *sum += part);
        let statistic = difference / (variance / m + variance_now / n).sqrt();
        // Equal means of coordinates that never vary are 0 / 0.
        let p = if difference == 0.0 { 1.0 } else { student_t::two_sided(statistic, m.min(n) - 1.0) };
        if p < moved.0 {
            moved = (p, at, difference / variance.sqrt());
        }
    }
    let lengths = if differ(reference.lengths(), current.lengths(), spread.sqrt()) {
        Some(column(reference.lengths(), current.lengths())?)
    } else {
        None
    };
    let corrected = |p: f64, tests: usize| PValue::of((p * tests as f64).min(1.0));
    let [was, is, both] = centres;
    Ok(ProfiledCloudDrift {
        points,
        dimension: reference.dimension(),
        projection,
        projection_p: corrected(p, reference.projections().len()),
        coordinate: (moved.1, if moved.2.is_finite() { moved.2 } else { f64::NAN }),
        coordinate_p: corrected(moved.0, reference.dimension()),
        lengths,
        centre_cosine: both / (was * is).sqrt(),
        centre_distance: (apart / spread).sqrt(),
    })
}

/// Do lengths differ by more than rounding? But for one in a hundred: a few points that are far away say nothing of the others.
fn differ(reference: &ColumnProfile, current: &ColumnProfile, spread: f64) -> bool {
    let most_of = |column: &'_ ColumnProfile| {
        let numbers = column.numbers()?;
        Some((numbers.quantile(0.005), numbers.quantile(0.995)))
    };
    let ranges = [reference, current].into_iter().filter_map(most_of);
    let (least, most) =
        ranges.fold((f64::INFINITY, 0.0_f64), |all, range| (all.0.min(range.0), all.1.max(range.1)));
    most - least > ROUNDING * spread
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn cloud(
        count: usize,
        random: &mut Random,
        shift: impl Fn(usize) -> f64,
        spread: f64,
        is_unit: bool,
    ) -> Cloud {
        let mut cloud = Cloud::new(12).unwrap();
        for _ in 0..count {
            // Coordinates that depend on each other.
            let common = random.normal();
            let mut point: Vec<f64> =
                (0..12).map(|at| spread * (random.normal() + common) + shift(at)).collect();
            if is_unit {
                let length = point.iter().map(|x| x * x).sum::<f64>().sqrt();
                point.iter_mut().for_each(|x| *x /= length);
            }
            cloud.add(&point);
        }
        cloud
    }

    #[test]
    fn each_part_sees_what_it_is_for() {
        let mut random = Random::new(12);
        let was = cloud(2_000, &mut random, |_| 0.0, 1.0, false);
        let mut compare = |shift: fn(usize) -> f64, spread: f64| {
            profiled_clouds(&was, &cloud(1_500, &mut random, shift, spread, false)).unwrap()
        };
        let one = compare(|at| if at == 7 { 0.5 } else { 0.0 }, 1.0);
        assert!(one.coordinate.0 == 7 && one.coordinate_p.at_most(1e-6), "{one:?}");
        // Half of a deviation: each coordinate varies by 1 for itself and by 1 with the others.
        assert!((one.coordinate.1 - 0.5 / 2.0_f64.sqrt()).abs() < 0.1);
        let wider = compare(|_| 0.0, 1.5);
        assert!(
            wider.projection_p.at_most(1e-6) && wider.lengths.unwrap().test.unwrap().p_value.at_most(1e-6)
        );
        assert!(!wider.coordinate_p.at_most(1e-3));
        assert!(profiled_clouds(&was, &Cloud::new(12).unwrap()).is_err());
        assert!(profiled_clouds(&was, &Cloud::new(11).unwrap()).is_err());
    }

    /// Three tests at a third of the level each: one false alarm in twenty at most. Lengths of unit vectors say nothing.
    #[test]
    fn the_level_is_held() {
        let mut random = Random::new(41);
        let (runs, mut alarms) = (200_u32, 0_u32);
        for run in 0..runs {
            let mut draw = |count| cloud(count, &mut random, |_| 0.3, 1.0, run % 2 == 0);
            let found = profiled_clouds(&draw(150), &draw(60)).unwrap();
            assert_eq!(found.lengths.is_none(), run % 2 == 0);
            let lengths = found.lengths.and_then(|lengths| lengths.test).map(|test| test.p_value);
            let tests = [Some(found.projection_p), Some(found.coordinate_p), lengths];
            alarms += u32::from(tests.into_iter().flatten().any(|p| p.at_most(0.05 / 3.0)));
        }
        // Three standard deviations of the count at the level.
        assert!(alarms <= 19, "{alarms} of {runs}");
    }
}
