use crate::PValue;
use crate::input::{self, InputError};
use crate::random::Random;
use crate::sample::sum_of;

use super::Tested;

/// Points of one dimension, row by row: embeddings, or several columns at once.
#[derive(Debug, Clone, PartialEq)]
pub struct Points {
    values: Vec<f64>,
    dimension: usize,
}

impl Points {
    /// `values` holds the points one after the other, `dimension` numbers each.
    ///
    /// # Errors
    /// When there is no point, the dimension is zero, the numbers do not divide into points, or one is not finite.
    pub fn new(values: Vec<f64>, dimension: usize) -> Result<Self, InputError> {
        if dimension == 0 || !values.len().is_multiple_of(dimension) {
            return Err(InputError::OutOfRange {
                what: "the dimension",
                must: "above 0 and divide the number of values",
            });
        }
        input::at_least(values.len() / dimension, 1, "points")?;
        input::finite(&values, "points")?;
        Ok(Self { values, dimension })
    }

    /// How many points.
    #[expect(clippy::len_without_is_empty, reason = "there is always a point")]
    pub fn len(&self) -> usize {
        self.values.len() / self.dimension
    }

    /// How many numbers a point has.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The points, one by one.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, f64> {
        self.values.chunks_exact(self.dimension)
    }

    fn beside(&self, other: &Self) -> Result<(), InputError> {
        if self.dimension == other.dimension {
            return Ok(());
        }
        let (left_length, right_length) = (self.dimension, other.dimension);
        Err(InputError::Lengths {
            left: "a reference point",
            left_length,
            right: "a current point",
            right_length,
        })
    }
}

/// The Gaussian kernel k(x, y) = exp(−‖x − y‖² / 2σ²).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kernel {
    sigma: f64,
}

impl Kernel {
    /// With this σ; [`median_distance`] gives a usual one.
    ///
    /// # Errors
    /// When σ is not above 0 and finite.
    pub fn gaussian(sigma: f64) -> Result<Self, InputError> {
        if sigma > 0.0 && sigma.is_finite() {
            return Ok(Self { sigma });
        }
        Err(InputError::OutOfRange { what: "the width of the kernel", must: "above 0 and finite" })
    }

    fn of(self, x: &[f64], y: &[f64]) -> f64 {
        (-squared_distance(x, y) / (2.0 * self.sigma * self.sigma)).exp()
    }
}

fn squared_distance(x: &[f64], y: &[f64]) -> f64 {
    // Four sums side by side: the additions do not wait for each other.
    let mut sums = [0.0; 4];
    let (x_blocks, y_blocks) = (x.chunks_exact(4), y.chunks_exact(4));
    let rest: f64 =
        x_blocks.remainder().iter().zip(y_blocks.remainder()).map(|(a, b)| (a - b) * (a - b)).sum();
    for (a, b) in x_blocks.zip(y_blocks) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += (a - b) * (a - b);
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// The squared maximum mean discrepancy of two samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mmd {
    /// The V-statistic: every pair, a point with itself too. Never negative.
    pub biased: f64,
    /// The U-statistic: without a point's pair with itself; its mean is zero when nothing changed, so it can be negative.
    pub unbiased: f64,
}

/// The squared maximum mean discrepancy (Gretton et al., 2012), in time and without a matrix: all pairs.
///
/// # Errors
/// When the dimensions differ or a side has fewer than two points.
pub fn mmd(reference: &Points, current: &Points, kernel: Kernel) -> Result<Mmd, InputError> {
    reference.beside(current)?;
    input::at_least(reference.len(), 2, "reference")?;
    input::at_least(current.len(), 2, "current")?;
    let (m, n) = (reference.len() as f64, current.len() as f64);
    let within = |points: &Points| 2.0 * over_pairs(points, |x, y| kernel.of(x, y));
    let (left, right) = (within(reference), within(current));
    let across = between(reference, current, |x, y| kernel.of(x, y)) / (m * n);
    Ok(Mmd {
        biased: (left + m) / (m * m) + (right + n) / (n * n) - 2.0 * across,
        unbiased: left / (m * (m - 1.0)) + right / (n * (n - 1.0)) - 2.0 * across,
    })
}

/// The multivariate energy distance 2 E‖X − Y‖ − E‖X − X'‖ − E‖Y − Y'‖ over all pairs (Székely and Rizzo), without a root.
///
/// # Errors
/// When the dimensions differ.
pub fn energy_multivariate(reference: &Points, current: &Points) -> Result<f64, InputError> {
    reference.beside(current)?;
    let (m, n) = (reference.len() as f64, current.len() as f64);
    let distance = |x: &[f64], y: &[f64]| squared_distance(x, y).sqrt();
    let within = |points: &Points| 2.0 * over_pairs(points, distance);
    Ok(2.0 * between(reference, current, distance) / (m * n)
        - within(reference) / (m * m)
        - within(current) / (n * n))
}

/// The median Euclidean distance over all pairs of the pooled points: the usual width of the kernel. Takes memory for each
/// pair; give it a few thousand points at most.
///
/// # Errors
/// When the dimensions differ or there are fewer than two points.
pub fn median_distance(reference: &Points, current: &Points) -> Result<f64, InputError> {
    reference.beside(current)?;
    let rows: Vec<&[f64]> = reference.rows().chain(current.rows()).collect();
    input::at_least(rows.len(), 2, "the pooled points")?;
    let mut distances = Vec::with_capacity(rows.len() * (rows.len() - 1) / 2);
    for (i, x) in rows.iter().enumerate() {
        distances.extend(rows.iter().skip(i + 1).map(|y| squared_distance(x, y).sqrt()));
    }
    Ok(crate::Sample::new(distances)?.quantile(0.5))
}

/// Each unordered pair of different points once.
fn over_pairs(points: &Points, term: impl Fn(&[f64], &[f64]) -> f64) -> f64 {
    sum_of(points.rows().enumerate().map(|(i, x)| points.rows().skip(i + 1).map(|y| term(x, y)).sum::<f64>()))
}

fn between(left: &Points, right: &Points, term: impl Fn(&[f64], &[f64]) -> f64) -> f64 {
    sum_of(left.rows().map(|x| right.rows().map(|y| term(x, y)).sum::<f64>()))
}

/// The maximum mean discrepancy with a permutation test of exact level: `permutations` random relabellings by `seed`. The
/// statistic is the biased one.
///
/// Keeps the kernel of every pair, so it takes at most 3,000 points in all; take [`Features`] for more.
///
/// # Errors
/// As [`mmd`]; when there are more than 3,000 points, or no permutation.
pub fn mmd_permutation(
    reference: &Points,
    current: &Points,
    kernel: Kernel,
    permutations: usize,
    seed: u64,
) -> Result<Tested, InputError> {
    const MOST: usize = 3_000;
    reference.beside(current)?;
    let all = reference.len() + current.len();
    if all > MOST {
        return Err(InputError::OutOfRange {
            what: "the number of points",
            must: "at most 3,000; take random features for more",
        });
    }
    input::at_least(permutations, 1, "permutations")?;
    let rows: Vec<&[f64]> = reference.rows().chain(current.rows()).collect();
    let matrix: Vec<f64> = rows.iter().flat_map(|x| rows.iter().map(|y| kernel.of(x, y))).collect();
    let (m, n) = (reference.len() as f64, current.len() as f64);
    let mut signs: Vec<f64> =
        rows.iter().enumerate().map(|(i, _)| if i < reference.len() { 1.0 / m } else { -1.0 / n }).collect();
    let form = |signs: &[f64]| {
        let rows = matrix.chunks_exact(all).zip(signs);
        rows.map(|(row, sign)| sign * row.iter().zip(signs).map(|(k, s)| k * s).sum::<f64>()).sum::<f64>()
    };
    let statistic = form(&signs);
    let mut random = Random::new(seed);
    let mut as_extreme = 0;
    for _ in 0..permutations {
        random.shuffle(&mut signs);
        // Relabellings that only exchange equal points must count as equal in spite of rounding.
        // The kernel is at most 1, so that is what rounding is measured by.
        if form(&signs) >= statistic - 1e-12 {
            as_extreme += 1;
        }
    }
    Ok(Tested { statistic: statistic.max(0.0), p_value: PValue::counted(as_extreme, permutations) })
}

/// Random Fourier features of the Gaussian kernel, for point sets that are too large for every pair.
///
/// The frequencies are the structured orthogonal ones of Yu et al. (2016): three rounds of random signs and the
/// Walsh–Hadamard transform. The kernel is approximated, the level of the test is not: whatever the features, a relabelling
/// is as likely as the labelling that was seen.
#[derive(Debug, Clone)]
pub struct Features {
    dimension: usize,
    padded: usize,
    frequencies: usize,
    /// For each block three rows of signs.
    signs: Vec<[Vec<f64>; 3]>,
    scale: f64,
}

impl Features {
    /// Features for points of this dimension: so many frequencies, a cosine and a sine each. A hundred are usual; more see finer
    /// differences.
    ///
    /// # Errors
    /// When the dimension or the number of frequencies is zero.
    pub fn new(dimension: usize, kernel: Kernel, frequencies: usize, seed: u64) -> Result<Self, InputError> {
        input::at_least(dimension, 1, "a point")?;
        input::at_least(frequencies, 1, "frequencies")?;
        // In few dimensions three rounds are not random enough.
        let padded = dimension.next_power_of_two().max(64);
        let mut random = Random::new(seed);
        let mut row = || -> Vec<f64> {
            (0..padded).map(|_| if random.bits() >> 63 == 0 { 1.0 } else { -1.0 }).collect()
        };
        let signs = (0..frequencies.div_ceil(padded)).map(|_| [row(), row(), row()]).collect();
        // Three unnormalised transforms multiply lengths by padded^(3/2); the frequencies need √padded / σ.
        let scale = 1.0 / (padded as f64 * kernel.sigma);
        Ok(Self { dimension, padded, frequencies, signs, scale })
    }

    /// How many numbers a point becomes.
    pub fn width(&self) -> usize {
        2 * self.frequencies
    }

    /// The features of one point, written to `out`, which has [`Features::width`] places.
    fn write(&self, point: &[f64], work: &mut Vec<f64>, out: &mut [f64]) {
        let share = 1.0 / (self.frequencies as f64).sqrt();
        for (signs, out) in self.signs.iter().zip(out.chunks_mut(2 * self.padded)) {
            work.clear();
            work.extend_from_slice(point);
            work.resize(self.padded, 0.0);
            for row in signs {
                work.iter_mut().zip(row).for_each(|(value, sign)| *value *= sign);
                walsh_hadamard(work);
            }
            for (pair, projection) in out.chunks_exact_mut(2).zip(work.iter()) {
                let (sine, cosine) = (projection * self.scale).sin_cos();
                pair.copy_from_slice(&[cosine * share, sine * share]);
            }
        }
    }

    /// The squared distance of the mean features, an approximation of the biased MMD², with a permutation test of exact level.
    /// Takes memory for the features of every point.
    ///
    /// # Errors
    /// When the dimensions differ from that of the features, a side has fewer than two points, or there is no permutation.
    pub fn mmd(
        &self,
        reference: &Points,
        current: &Points,
        permutations: usize,
        seed: u64,
    ) -> Result<Tested, InputError> {
        reference.beside(current)?;
        if reference.dimension != self.dimension {
            return Err(InputError::OutOfRange {
                what: "the dimension of the points",
                must: "that of the features",
            });
        }
        input::at_least(reference.len().min(current.len()), 2, "each side")?;
        input::at_least(permutations, 1, "permutations")?;
        let width = self.width();
        let mut features = vec![0.0; width * (reference.len() + current.len())];
        let mut work = Vec::with_capacity(self.padded);
        for (point, out) in reference.rows().chain(current.rows()).zip(features.chunks_exact_mut(width)) {
            self.write(point, &mut work, out);
        }
        // The mean difference needs only the sum over one side: the other one is the whole less it.
        let small = reference.len().min(current.len());
        let from = if reference.len() <= current.len() { 0 } else { reference.len() };
        let all = reference.len() + current.len();
        let mut order: Vec<u32> = (0..u32::try_from(all).unwrap_or(u32::MAX)).collect();
        let whole = sums(&features, width, &[order.clone()]).swap_remove(0);
        let (a, b) = (small as f64, (all - small) as f64);
        let statistic_of = |part: &[f64]| -> f64 {
            part.iter().zip(&whole).map(|(part, whole)| (part / a - (whole - part) / b).powi(2)).sum()
        };
        order.rotate_left(from);
        let first = order.get(..small).unwrap_or_default().to_vec();
        let statistic: f64 = sums(&features, width, &[first]).iter().map(|sum| statistic_of(sum)).sum();
        let mut random = Random::new(seed);
        let mut relabelled = || {
            // The first `small` places of a Fisher–Yates shuffle are a random subset.
            for i in 0..small {
                let other = i + random.below(all - i);
                order.swap(i, other);
            }
            let chosen = order.get_mut(..small).unwrap_or_default();
            chosen.sort_unstable();
            chosen.to_vec()
        };
        let (mut as_extreme, mut left) = (0, permutations);
        while left > 0 {
            let together = left.min(TOGETHER);
            left -= together;
            let chosen: Vec<Vec<u32>> = (0..together).map(|_| relabelled()).collect();
            as_extreme += sums(&features, width, &chosen)
                .iter()
                .filter(|sum| statistic_of(sum) >= statistic - 1e-12)
                .count();
        }
        Ok(Tested { statistic, p_value: PValue::counted(as_extreme, permutations) })
    }
}

/// Relabellings that are summed up together, and rows that they take from the cache meanwhile.
const TOGETHER: usize = 16;
const TILE: usize = 64;

/// The sums of the rows that each list names in ascending order, rows of `width` numbers.
fn sums(rows: &[f64], width: usize, lists: &[Vec<u32>]) -> Vec<Vec<f64>> {
    let mut sums = vec![vec![0.0; width]; lists.len()];
    let mut rests: Vec<&[u32]> = lists.iter().map(Vec::as_slice).collect();
    for (tile, rows) in rows.chunks(TILE * width).enumerate() {
        let first = tile * TILE;
        for (sum, rest) in sums.iter_mut().zip(&mut rests) {
            let (here, after) = rest.split_at(rest.partition_point(|row| (*row as usize) < first + TILE));
            *rest = after;
            for row in here {
                let row = rows.get((*row as usize - first) * width..).unwrap_or_default();
                sum.iter_mut().zip(row).for_each(|(sum, part)| *sum += part);
            }
        }
    }
    sums
}

/// In place; the length is a power of two.
fn walsh_hadamard(values: &mut [f64]) {
    let mut half = 1;
    while half < values.len() {
        for block in values.chunks_exact_mut(2 * half) {
            let (left, right) = block.split_at_mut(half);
            for (a, b) in left.iter_mut().zip(right) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
}
