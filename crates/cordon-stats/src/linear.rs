//! Least squares and logistic regression with a ridge, for some hundred columns: what attributions and classifiers stand on.

/// Rows of numbers; place 0 of each is the constant 1.
pub(crate) trait Design {
    /// Numbers of a row, the constant among them.
    fn width(&self) -> usize;
    /// The scalar product of a row with `weights`.
    fn dot(&self, row: usize, weights: &[f64]) -> f64;
    /// Adds `times` the row to `sum`.
    fn add(&self, row: usize, times: f64, sum: &mut [f64]);
    /// Adds `times` the product of the row with itself to the lower triangle of `gram`, which is kept line by line.
    fn add_square(&self, row: usize, times: f64, gram: &mut [f64]);
}

/// Points, each with the constant in front.
pub(crate) struct Dense {
    values: Vec<f64>,
    width: usize,
}

impl Dense {
    /// Of points of one dimension.
    pub(crate) fn new<'a>(points: impl Iterator<Item = &'a [f64]>, dimension: usize) -> Self {
        let mut values = Vec::new();
        for point in points {
            values.push(1.0);
            values.extend_from_slice(point);
        }
        Self { values, width: dimension + 1 }
    }

    fn row(&self, row: usize) -> &[f64] {
        self.values.get(row * self.width..(row + 1) * self.width).unwrap_or_default()
    }
}

impl Design for Dense {
    fn width(&self) -> usize {
        self.width
    }

    fn dot(&self, row: usize, weights: &[f64]) -> f64 {
        dot(self.row(row), weights)
    }

    fn add(&self, row: usize, times: f64, sum: &mut [f64]) {
        sum.iter_mut().zip(self.row(row)).for_each(|(sum, value)| *sum += times * value);
    }

    fn add_square(&self, row: usize, times: f64, gram: &mut [f64]) {
        let row = self.row(row);
        for (at, (line, value)) in gram.chunks_exact_mut(self.width).zip(row).enumerate() {
            let scaled = times * value;
            let line = line.get_mut(..=at).unwrap_or_default();
            line.iter_mut().zip(row).for_each(|(cell, other)| *cell += scaled * other);
        }
    }
}

/// The lower factor of a symmetric, positive definite matrix (Cholesky).
pub(crate) struct Cholesky {
    lower: Vec<f64>,
    width: usize,
}

impl Cholesky {
    /// Of a matrix given by its lower triangle. `None` where it is not positive definite.
    pub(crate) fn of(mut matrix: Vec<f64>, width: usize) -> Option<Self> {
        for at in 0..width {
            let (above, rest) = matrix.split_at_mut(at * width);
            let line = rest.get_mut(..width)?;
            for (column, other) in above.chunks_exact(width).enumerate() {
                let (done, open) = line.split_at_mut(column);
                let diagonal = other.get(column)?;
                let cell = open.first_mut()?;
                *cell = (*cell - dot(done, other)) / diagonal;
            }
            let (done, open) = line.split_at_mut(at);
            let diagonal = open.first_mut()?;
            let square = *diagonal - dot(done, done);
            if !(square > 0.0 && square.is_finite()) {
                return None;
            }
            *diagonal = square.sqrt();
        }
        Some(Self { lower: matrix, width })
    }

    /// What the matrix turns into `right`.
    pub(crate) fn solve(&self, right: &[f64]) -> Vec<f64> {
        let mut solved: Vec<f64> = Vec::with_capacity(self.width);
        for (line, value) in self.lower.chunks_exact(self.width).zip(right) {
            let diagonal = line.get(solved.len()).copied().unwrap_or(f64::NAN);
            let next = (value - dot(&solved, line)) / diagonal;
            solved.push(next);
        }
        for (at, line) in self.lower.chunks_exact(self.width).enumerate().rev() {
            let (before, from) = solved.split_at_mut(at);
            let (Some(value), Some(diagonal)) = (from.first_mut(), line.get(at)) else { continue };
            *value /= diagonal;
            before.iter_mut().zip(line).for_each(|(earlier, cell)| *earlier -= cell * *value);
        }
        solved
    }
}

/// The sum of products; the longer one's rest is ignored. Four sums side by side, which do not wait for each other; their order
/// is for ever, since saved profiles stand on it.
pub(crate) fn dot(left: &[f64], right: &[f64]) -> f64 {
    let length = left.len().min(right.len());
    let (left, right) = (left.get(..length).unwrap_or_default(), right.get(..length).unwrap_or_default());
    let (left_blocks, right_blocks) = (left.chunks_exact(4), right.chunks_exact(4));
    let rest: f64 = left_blocks.remainder().iter().zip(right_blocks.remainder()).map(|(a, b)| a * b).sum();
    let mut sums = [0.0; 4];
    for (a, b) in left_blocks.zip(right_blocks) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// Least squares with a ridge.
pub(crate) struct LeastSquares {
    /// The coefficients, the constant first.
    pub(crate) coefficients: Vec<f64>,
    /// The factor of the matrix of the normal equations, the ridge in it.
    pub(crate) normal: Cholesky,
}

impl LeastSquares {
    /// Of `outcome` on the given rows, with the ridge of each place. `None` where the equations cannot be solved.
    pub(crate) fn fit(
        design: &impl Design,
        rows: impl Iterator<Item = usize>,
        outcome: impl Fn(usize) -> f64,
        ridge: impl Fn(usize) -> f64,
    ) -> Option<Self> {
        let width = design.width();
        let (mut gram, mut right) = (vec![0.0; width * width], vec![0.0; width]);
        for row in rows {
            design.add_square(row, 1.0, &mut gram);
            design.add(row, outcome(row), &mut right);
        }
        penalise(&mut gram, width, ridge);
        let normal = Cholesky::of(gram, width)?;
        Some(Self { coefficients: normal.solve(&right), normal })
    }
}

fn penalise(gram: &mut [f64], width: usize, ridge: impl Fn(usize) -> f64) {
    for (at, line) in gram.chunks_exact_mut(width).enumerate() {
        if let Some(diagonal) = line.get_mut(at) {
            *diagonal += ridge(at);
        }
    }
}

/// A row for a logistic regression: its number, its answer, its weight.
pub(crate) type Answer = (usize, bool, f64);

/// Coefficients of a logistic regression with a ridge, by Newton's method with steps that are halved while they do not
/// help. `None` where the equations cannot be solved.
pub(crate) fn logistic(design: &impl Design, rows: &[Answer], ridge: f64) -> Option<Vec<f64>> {
    const STEPS: usize = 20;
    let width = design.width();
    let loss = |coefficients: &[f64]| {
        let of_rows: f64 = rows
            .iter()
            .map(|(row, yes, weight)| {
                let score = design.dot(*row, coefficients);
                let against = if *yes { -score } else { score };
                // ln(1 + e^x) without overflow.
                weight * (against.max(0.0) + (-against.abs()).exp().ln_1p())
            })
            .sum();
        of_rows + 0.5 * ridge * coefficients.iter().skip(1).map(|c| c * c).sum::<f64>()
    };
    let mut coefficients = vec![0.0; width];
    let mut best = loss(&coefficients);
    for _ in 0..STEPS {
        let (mut gram, mut gradient) = (vec![0.0; width * width], vec![0.0; width]);
        for (row, yes, weight) in rows {
            let p = 1.0 / (1.0 + (-design.dot(*row, &coefficients)).exp());
            design.add_square(*row, weight * (p * (1.0 - p)).max(1e-12), &mut gram);
            design.add(*row, weight * (f64::from(u8::from(*yes)) - p), &mut gradient);
        }
        gradient.iter_mut().zip(&coefficients).skip(1).for_each(|(slope, c)| *slope -= ridge * c);
        // The constant is not drawn to zero, only kept from being undetermined.
        penalise(&mut gram, width, |place| if place == 0 { ridge * 1e-6 } else { ridge });
        let step = Cholesky::of(gram, width)?.solve(&gradient);
        let mut length = 1.0;
        let improved = loop {
            let next: Vec<f64> = coefficients.iter().zip(&step).map(|(c, s)| c + length * s).collect();
            let reached = loss(&next);
            if reached < best {
                let gain = best - reached;
                (coefficients, best) = (next, reached);
                break gain > 1e-7 * best;
            }
            length /= 2.0;
            if length < 1e-3 {
                break false;
            }
        };
        if !improved {
            break;
        }
    }
    Some(coefficients)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn a_plane_is_found() {
        let mut random = Random::new(5);
        let points: Vec<Vec<f64>> = (0..60).map(|_| (0..5).map(|_| random.normal()).collect()).collect();
        let design = Dense::new(points.iter().map(Vec::as_slice), 5);
        let truth = [0.5, 1.0, -2.0, 0.0, 3.0, 0.25];
        let fitted = LeastSquares::fit(&design, 0..60, |row| design.dot(row, &truth), |_| 1e-9).unwrap();
        for (got, want) in fitted.coefficients.iter().zip(truth) {
            assert!((got - want).abs() < 1e-7, "{got} {want}");
        }
    }

    #[test]
    fn what_has_no_factor_is_refused() {
        assert!(Cholesky::of(vec![1.0, 0.0, 1.0, 1.0], 2).is_none());
        assert!(Cholesky::of(vec![f64::NAN], 1).is_none());
    }

    /// The gradient vanishes at the solution, also where one place tells all rows apart.
    #[test]
    fn logistic_regression_ends_where_the_loss_is_flat() {
        let mut random = Random::new(8);
        let points: Vec<Vec<f64>> = (0..300).map(|_| vec![random.normal(), random.normal()]).collect();
        let design = Dense::new(points.iter().map(Vec::as_slice), 2);
        for separated in [false, true] {
            let rows: Vec<(usize, bool, f64)> = points
                .iter()
                .enumerate()
                .map(|(row, x)| (row, if separated { x[0] > 0.0 } else { random.chance(0.3) }, 1.0))
                .collect();
            let got = logistic(&design, &rows, 1.0).unwrap();
            let mut gradient = [0.0; 3];
            for (row, yes, _) in &rows {
                let p = 1.0 / (1.0 + (-design.dot(*row, &got)).exp());
                design.add(*row, f64::from(u8::from(*yes)) - p, &mut gradient);
            }
            for (slope, c) in gradient.iter().zip(&got).skip(1) {
                assert!((slope - c).abs() < 0.05, "{gradient:?} {got:?}");
            }
        }
    }
}
