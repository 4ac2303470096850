use super::{Classified, Features, Kernel, KolmogorovSmirnov, Method, Points, Tested};
use super::{classifier, kolmogorov_smirnov, median_distance, mmd_permutation};
use super::{column, profiled_cloud::profiled_clouds};
use crate::Sample;
use crate::copies;
use crate::input::{self, InputError};
use crate::interval::{Level, Unknown};
use crate::profile::{Cell, Cloud, ColumnProfile, Profile};

/// Points of each side that the width of the kernel is taken from.
const FOR_WIDTH: usize = 250;
/// Points of both sides together for which every pair is looked at; of more, random features.
const ALL_PAIRS: usize = 1_000;
const FREQUENCIES: usize = 128;
/// Tests that share the level.
const TESTS: f64 = 3.0;
/// Relabellings, so that the smallest p-value is at most a half of what the level asks for.
const FEWEST_PERMUTATIONS: usize = 199;
const MOST_PERMUTATIONS: usize = 9_999;
/// Lengths that differ by less than this share of the points' spread are equal: numbers are written with so many digits.
const ROUNDING: f64 = 0.01;

/// How a cloud of points, such as the embeddings of texts, changed.
#[derive(Debug, Clone, PartialEq)]
pub struct CloudDrift {
    /// Points of the reference and of the current data.
    pub points: [usize; 2],
    /// Points that are left out, because they are copies of points of their own side.
    pub copies: [usize; 2],
    /// Numbers of a point.
    pub dimension: usize,
    /// The squared maximum mean discrepancy with a permutation test: any change of the distribution.
    pub discrepancy: Tested,
    /// The classifier test: a shift of the centre in any direction. Why not, where it cannot be made.
    pub classified: Result<Classified, Unknown>,
    /// The cosine of the angle between both centres: 1 for the same direction. NaN where a centre is zero.
    pub centre_cosine: f64,
    /// The distance of the centres over the mean distance of the reference's points from theirs (root of the mean square): a unit
    /// that does not depend on the scale of the embedding. NaN where the reference has no spread.
    pub centre_distance: f64,
    /// Of the lengths of the points: a model that changed its normalisation, or empty texts. Lengths that differ by less than a hundredth of
    /// the reference's spread count as equal.
    pub lengths: KolmogorovSmirnov,
    /// The largest Jensen–Shannon distance (base 2) along the directions of [`super::profiled_clouds`].
    pub along_a_direction: f64,
    /// The Jensen–Shannon distance (base 2) of the lengths.
    pub of_lengths: f64,
    /// Relabellings of the permutation test: its p-value is at least 1 over one more.
    pub permutations: usize,
}

impl CloudDrift {
    /// How much the points changed, from 0: the largest of the Jensen–Shannon distances along a direction and of the lengths, of the distance of
    /// the centres in spreads, and of 2 AUC − 1 of the classifier. A test says whether that is more than chance.
    pub fn effect(&self) -> f64 {
        let apart = self.classified.as_ref().map_or(0.0, |classified| 2.0 * classified.auc.value - 1.0);
        // The largest of those that are numbers.
        [self.along_a_direction, self.of_lengths, self.centre_distance].into_iter().fold(apart, f64::max)
    }
}

/// Compares two clouds of points in four ways: [`super::mmd_permutation`] (every pair up to 1,000 points, 128 random features
/// beyond; Gaussian kernel with the median distance as its width; 199 permutations, or as many as a third of `level` needs, 9,999 at most),
/// [`super::classifier`], their centres, their lengths. Two p-values and a third for lengths: correct for as many as are read.
///
/// The tests are of independent points. Where points of one side were copied, each counts once, and how many are left out is said: equal
/// points that come on both sides, as popular texts do, count as often as they come.
///
/// # Errors
/// When the dimensions differ or a side has fewer than two points; when all points are equal.
pub fn clouds(
    reference: &Points,
    current: &Points,
    seed: u64,
    level: Level,
) -> Result<CloudDrift, InputError> {
    let keys = |points: &Points| -> Vec<u64> { points.rows().map(key).collect() };
    let kept = copies::without(&keys(reference), &keys(current));
    let all = [reference.len(), current.len()];
    let [was, is] = kept.as_ref().map_or([None, None], |kept| kept.each_ref().map(Some));
    let (reference, current) = (&only(reference, was)?, &only(current, is)?);
    input::at_least(reference.len(), 2, "the reference")?;
    input::at_least(current.len(), 2, "the current data")?;
    let few = |points: &Points| {
        let values = points.rows().take(FOR_WIDTH).flatten().copied().collect();
        Points::new(values, points.dimension())
    };
    let width = median_distance(&few(reference)?, &few(current)?)?;
    // More than half of the pairs are equal points: any width sees them apart from the others.
    let kernel = Kernel::gaussian(if width > 0.0 { width } else { 1.0 })?;
    let permutations = permutations(level);
    let discrepancy = if reference.len() + current.len() <= ALL_PAIRS {
        mmd_permutation(reference, current, kernel, permutations, seed)?
    } else {
        let features = Features::new(reference.dimension(), kernel, FREQUENCIES, seed)?;
        features.mmd(reference, current, permutations, seed.wrapping_add(1))?
    };
    let centres = [reference, current].map(centre);
    let [was, is] = &centres;
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let apart: Vec<f64> = was.iter().zip(is).map(|(a, b)| a - b).collect();
    let spread =
        reference.rows().map(|point| squared_distance(point, was)).sum::<f64>() / reference.len() as f64;
    let length_of = |point: &[f64]| dot(point, point).sqrt();
    let mut sorted: Vec<f64> = reference.rows().map(length_of).collect();
    sorted.sort_by(f64::total_cmp);
    // Steps around the middle of the reference, so that lengths that are all alike lie within one.
    let (middle, step) = (sorted.get(sorted.len() / 2).copied().unwrap_or(0.0), ROUNDING * spread.sqrt());
    let coarse = |length: f64| if step > 0.0 { ((length - middle) / step).round() * step } else { length };
    let coarse_lengths =
        |points: &Points| -> Vec<f64> { points.rows().map(|point| coarse(length_of(point))).collect() };
    let lengths = [reference, current].map(coarse_lengths);
    let of_lengths = column(&profiled(&lengths[0]), &profiled(&lengths[1]))?;
    let [lengths_was, lengths_is] = lengths.map(Sample::new);
    let along = match (cloud_of(reference), cloud_of(current)) {
        (Some(was), Some(is)) => profiled_clouds(&was, &is)
            .map_or(f64::NAN, |drift| drift.projection.binned.jensen_shannon_distance_bits()),
        // Wider than what is projected.
        _ => f64::NAN,
    };
    Ok(CloudDrift {
        points: [reference.len(), current.len()],
        copies: [all[0] - reference.len(), all[1] - current.len()],
        dimension: reference.dimension(),
        discrepancy,
        classified: classifier(reference, current, level),
        centre_cosine: dot(was, is) / (dot(was, was) * dot(is, is)).sqrt(),
        centre_distance: (dot(&apart, &apart) / spread).sqrt(),
        lengths: kolmogorov_smirnov(&lengths_was?, &lengths_is?, Method::Automatic),
        along_a_direction: along,
        of_lengths: of_lengths.binned.jensen_shannon_distance_bits(),
        permutations,
    })
}

/// As many relabellings as a third of the error needs.
fn permutations(level: Level) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "above 1, and a float to integer cast saturates"
    )]
    let needed = (2.0 * (TESTS / level.alpha()).ceil()) as usize;
    needed.saturating_sub(1).clamp(FEWEST_PERMUTATIONS, MOST_PERMUTATIONS)
}

/// What equal points have in common.
fn key(point: &[f64]) -> u64 {
    use std::hash::{DefaultHasher, Hasher as _};
    let mut hasher = DefaultHasher::new();
    // 0 and −0 are one number.
    point.iter().for_each(|x| hasher.write_u64((x + 0.0).to_bits()));
    hasher.finish()
}

/// The points that count.
fn only(points: &Points, kept: Option<&Vec<bool>>) -> Result<Points, InputError> {
    let Some(kept) = kept else { return Ok(points.clone()) };
    let rows = points.rows().zip(kept).filter(|(_, is_kept)| **is_kept);
    Points::new(rows.flat_map(|(point, _)| point).copied().collect(), points.dimension())
}

fn cloud_of(points: &Points) -> Option<Cloud> {
    let mut cloud = Cloud::new(points.dimension())?;
    points.rows().for_each(|point| cloud.add(point));
    Some(cloud)
}

fn profiled(values: &[f64]) -> ColumnProfile {
    let mut profile = Profile::new(&[""]);
    values.iter().for_each(|value| profile.add(&[Cell::Decimal(*value)]));
    profile.column("").cloned().unwrap_or_default()
}

fn centre(points: &Points) -> Vec<f64> {
    let mut sums = vec![0.0; points.dimension()];
    for point in points.rows() {
        sums.iter_mut().zip(point).for_each(|(sum, x)| *sum += x);
    }
    sums.iter().map(|sum| sum / points.len() as f64).collect()
}

fn squared_distance(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(a, b)| (a - b) * (a - b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn cloud(count: usize, shift: f64, spread: f64, random: &mut Random) -> Points {
        Points::new((0..count * 12).map(|_| 1.0 + shift + spread * random.normal()).collect(), 12).unwrap()
    }

    #[test]
    fn each_part_sees_what_it_is_for() {
        let mut random = Random::new(11);
        let was = cloud(150, 0.0, 1.0, &mut random);
        let compare = |is: &Points| clouds(&was, is, 3, Level::P95).unwrap();
        let same = compare(&cloud(150, 0.0, 1.0, &mut random));
        assert!(!same.discrepancy.p_value.at_most(0.01) && same.centre_cosine > 0.99, "{same:?}");
        let moved = compare(&cloud(150, 0.5, 1.0, &mut random));
        assert!(moved.discrepancy.p_value.at_most(0.01) && moved.classified.unwrap().p_value.at_most(1e-4));
        // A shift of 0.5 in each of 12 places, of points that are 1 away in each.
        assert!((0.4..0.6).contains(&moved.centre_distance), "{moved:?}");
        let wider = compare(&cloud(150, 0.0, 2.0, &mut random));
        assert!(wider.discrepancy.p_value.at_most(0.01) && !wider.classified.unwrap().p_value.at_most(0.01));
        assert!(wider.lengths.p_value.at_most(1e-4));
        // More points than are looked at in pairs.
        let many =
            clouds(&cloud(510, 0.0, 1.0, &mut random), &cloud(510, 0.3, 1.0, &mut random), 3, Level::P95);
        assert!(many.as_ref().unwrap().discrepancy.p_value.at_most(0.01));
        assert!(many.as_ref().unwrap().effect() > 0.2);
        let one = Points::new(vec![0.0; 12], 12).unwrap();
        assert!(clouds(&was, &one, 3, Level::P95).is_err());
        let other = Points::new(vec![0.0; 20], 10).unwrap();
        assert!(clouds(&was, &other, 3, Level::P95).is_err());
    }

    /// On the unit sphere, with so many digits after the point.
    fn on_sphere(count: usize, digits: i32, random: &mut Random) -> Points {
        let step = 10_f64.powi(digits);
        let mut values = Vec::new();
        for _ in 0..count {
            let point: Vec<f64> = (0..16).map(|_| random.normal()).collect();
            let length = point.iter().map(|x| x * x).sum::<f64>().sqrt();
            values.extend(point.iter().map(|x| (x / length * step).round() / step));
        }
        Points::new(values, 16).unwrap()
    }

    /// The same points with fewer digits have other lengths, all of them 1.
    #[test]
    fn rounding_is_no_change_of_lengths() {
        let mut random = Random::new(21);
        let (fine, coarse) = (on_sphere(400, 8, &mut random), on_sphere(400, 3, &mut random));
        let found = clouds(&fine, &coarse, 3, Level::P95).unwrap();
        assert!(!found.lengths.p_value.at_most(0.01) && found.of_lengths < 0.01, "{found:?}");
        // Lengths that say something still do.
        let doubled = coarse.rows().flatten().map(|x| 1.1 * x).collect();
        let found = clouds(&fine, &Points::new(doubled, 16).unwrap(), 3, Level::P95).unwrap();
        assert!(found.lengths.p_value.at_most(1e-9) && found.of_lengths > 0.9, "{found:?}");
    }

    /// A third of the level is within reach of the permutations.
    #[test]
    fn a_strict_level_can_be_met() {
        let mut random = Random::new(22);
        let (was, is) = (cloud(100, 0.0, 1.0, &mut random), cloud(100, 0.0, 1.8, &mut random));
        for error in [0.05, 0.01] {
            let found = clouds(&was, &is, 3, Level::new(1.0 - error).unwrap()).unwrap();
            assert!(found.discrepancy.p_value.at_most(error / TESTS), "{error}: {found:?}");
        }
        assert_eq!(
            [0.05, 0.01, 1e-9].map(|error| permutations(Level::new(1.0 - error).unwrap())),
            [199, 599, 9_999]
        );
    }

    /// Points that are there twice are one observation; those that both sides have are as many as they are.
    #[test]
    fn copies_of_points_raise_no_alarm() {
        let mut random = Random::new(23);
        let mut alarms = 0;
        for run in 0..24 {
            let mut twice = || {
                let once = cloud(100, 0.0, 1.0, &mut random);
                let all = once.rows().flat_map(|point| [point, point]).flatten().copied().collect();
                Points::new(all, 12).unwrap()
            };
            let found = clouds(&twice(), &twice(), run, Level::P95).unwrap();
            assert_eq!((found.points, found.copies), ([100, 100], [100, 100]));
            let tests = [found.discrepancy.p_value, found.classified.unwrap().p_value, found.lengths.p_value];
            alarms += u32::from(tests.iter().any(|p| p.at_most(0.05 / TESTS)));
        }
        assert!(alarms <= 4, "{alarms} of 24");
        // Ten points that everybody asks for, more often now.
        let popular = cloud(10, 0.0, 1.0, &mut random);
        let mut draw = |is_skewed: bool| {
            let values = (0..400).flat_map(|_| {
                let at = random.below(10).min(if is_skewed { random.below(10) } else { 9 });
                popular.rows().nth(at).unwrap().to_vec()
            });
            Points::new(values.collect(), 12).unwrap()
        };
        let found = clouds(&draw(false), &draw(true), 3, Level::P95).unwrap();
        assert!(found.copies == [0, 0] && found.discrepancy.p_value.at_most(0.01), "{found:?}");
    }
}
