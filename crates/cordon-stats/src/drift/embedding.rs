use super::{Classified, Features, Kernel, KolmogorovSmirnov, Method, Points, Tested};
use super::{classifier, kolmogorov_smirnov, median_distance, mmd_permutation};
use crate::Sample;
use crate::input::{self, InputError};
use crate::interval::{Level, Unknown};

/// Points of each side that the width of the kernel is taken from.
const FOR_WIDTH: usize = 250;
/// Points of both sides together for which every pair is looked at; of more, random features.
const ALL_PAIRS: usize = 1_000;
const FREQUENCIES: usize = 128;
const PERMUTATIONS: usize = 199;

/// How a cloud of points, such as the embeddings of texts, changed.
#[derive(Debug, Clone, PartialEq)]
pub struct CloudDrift {
    /// Points of the reference and of the current data.
    pub points: [usize; 2],
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
    /// Of the lengths of the points: a model that changed its normalisation, or empty texts.
    pub lengths: KolmogorovSmirnov,
}

/// Compares two clouds of points in four ways: [`super::mmd_permutation`] (every pair up to 1,000 points, 128 random features
/// beyond; Gaussian kernel with the median distance as its width; 199 permutations), [`super::classifier`], their centres, their
/// lengths. Two p-values and a third for lengths: correct for as many as are read.
///
/// # Errors
/// When the dimensions differ or a side has fewer than two points; when all points are equal.
pub fn clouds(
    reference: &Points,
    current: &Points,
    seed: u64,
    level: Level,
) -> Result<CloudDrift, InputError> {
    input::at_least(reference.len(), 2, "the reference")?;
    input::at_least(current.len(), 2, "the current data")?;
    let few = |points: &Points| {
        let values = points.rows().take(FOR_WIDTH).flatten().copied().collect();
        Points::new(values, points.dimension())
    };
    let width = median_distance(&few(reference)?, &few(current)?)?;
    // More than half of the pairs are equal points: any width sees them apart from the others.
    let kernel = Kernel::gaussian(if width > 0.0 { width } else { 1.0 })?;
    let discrepancy = if reference.len() + current.len() <= ALL_PAIRS {
        mmd_permutation(reference, current, kernel, PERMUTATIONS, seed)?
    } else {
        let features = Features::new(reference.dimension(), kernel, FREQUENCIES, seed)?;
        features.mmd(reference, current, PERMUTATIONS, seed.wrapping_add(1))?
    };
    let centres = [reference, current].map(centre);
    let [was, is] = &centres;
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let apart: Vec<f64> = was.iter().zip(is).map(|(a, b)| a - b).collect();
    let spread =
        reference.rows().map(|point| squared_distance(point, was)).sum::<f64>() / reference.len() as f64;
    let lengths =
        |points: &Points| Sample::new(points.rows().map(|point| dot(point, point).sqrt()).collect());
    Ok(CloudDrift {
        points: [reference.len(), current.len()],
        dimension: reference.dimension(),
        discrepancy,
        classified: classifier(reference, current, level),
        centre_cosine: dot(was, is) / (dot(was, was) * dot(is, is)).sqrt(),
        centre_distance: (dot(&apart, &apart) / spread).sqrt(),
        lengths: kolmogorov_smirnov(&lengths(reference)?, &lengths(current)?, Method::Automatic),
    })
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
        assert!(many.unwrap().discrepancy.p_value.at_most(0.01));
        let one = Points::new(vec![0.0; 12], 12).unwrap();
        assert!(clouds(&was, &one, 3, Level::P95).is_err());
        let other = Points::new(vec![0.0; 20], 10).unwrap();
        assert!(clouds(&was, &other, 3, Level::P95).is_err());
    }
}
