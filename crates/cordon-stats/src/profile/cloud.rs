//! Points with many coordinates, such as embeddings, as a summary that merges and does not grow.

use super::column::{self, Cell, ColumnProfile};
use super::exact::{Squares, Sum};
use crate::linear::dot;
use crate::random::Random;

/// What the directions are drawn from: part of the format, so that any two clouds can be compared.
const DIRECTIONS: u64 = 0x0063_6f72_646f_6e01;

/// A summary of points of one dimension: exact sums of coordinates and of their squares, and profiles of their lengths and of their
/// projections on [`Cloud::PROJECTIONS`] directions that are the same everywhere.
///
/// It depends on the points and on nothing else, as [`super::Profile`] does: not on their order, nor on how they were cut and merged.
#[derive(Debug, Clone)]
pub struct Cloud {
    pub(super) sums: Vec<Sum>,
    pub(super) squares: Vec<Squares>,
    pub(super) lengths: ColumnProfile,
    pub(super) projections: Vec<ColumnProfile>,
    pub(super) rows: u64,
    /// Direction by direction.
    signs: Vec<f64>,
}

impl PartialEq for Cloud {
    fn eq(&self, other: &Self) -> bool {
        self.rows == other.rows
            && self.sums == other.sums
            && self.squares == other.squares
            && self.lengths == other.lengths
            && self.projections == other.projections
    }
}

impl Cloud {
    /// Directions that points are projected on.
    pub const PROJECTIONS: usize = 16;
    /// Numbers of a point, at most.
    pub const WIDEST: usize = 8_192;

    /// Of no point yet. `None` where the dimension is zero or above [`Cloud::WIDEST`].
    pub fn new(dimension: usize) -> Option<Self> {
        if dimension == 0 || dimension > Self::WIDEST {
            return None;
        }
        let mut random = Random::new(DIRECTIONS);
        let sign = |_| if random.bits() >> 63 == 0 { 1.0 } else { -1.0 };
        Some(Self {
            sums: vec![Sum::default(); dimension],
            squares: vec![Squares::default(); dimension],
            lengths: ColumnProfile::default(),
            projections: vec![ColumnProfile::default(); Self::PROJECTIONS],
            rows: 0,
            signs: (0..dimension * Self::PROJECTIONS).map(sign).collect(),
        })
    }

    /// Counts a row. One without a point of this dimension, all of whose numbers are finite, is counted as such.
    pub fn add(&mut self, point: &[f64]) {
        self.rows += 1;
        let square = dot(point, point);
        // Where the square is finite, so are the numbers, and a projection is no longer than √dimension lengths.
        if point.len() != self.dimension() || !square.is_finite() || square > f64::MAX / 1e6 {
            return;
        }
        for ((sum, squares), value) in self.sums.iter_mut().zip(&mut self.squares).zip(point) {
            sum.add(*value);
            squares.add_square(*value);
        }
        self.lengths.add(Cell::Decimal(square.sqrt()));
        let directions = self.signs.chunks_exact(point.len().max(1));
        for (projection, signs) in self.projections.iter_mut().zip(directions) {
            projection.add(Cell::Decimal(dot(signs, point)));
        }
    }

    /// Counts rows without a point.
    pub fn add_missing(&mut self, rows: u64) {
        self.rows += rows;
    }

    /// Adds what another one counted. Nothing is changed, and `false` said, where its points have another dimension.
    pub fn merge(&mut self, other: &Self) -> bool {
        if self.dimension() != other.dimension() {
            return false;
        }
        self.rows += other.rows;
        self.sums.iter_mut().zip(&other.sums).for_each(|(mine, theirs)| mine.merge(theirs));
        self.squares.iter_mut().zip(&other.squares).for_each(|(mine, theirs)| mine.merge(theirs));
        self.lengths.merge(&other.lengths);
        self.projections.iter_mut().zip(&other.projections).for_each(|(mine, theirs)| mine.merge(theirs));
        true
    }

    /// Numbers of a point.
    pub fn dimension(&self) -> usize {
        self.sums.len()
    }

    /// Rows, with a point or without.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Points that were counted.
    pub fn points(&self) -> u64 {
        self.lengths.present()
    }

    /// Mean and variance (divisor n − 1) of each coordinate, from exact sums.
    pub fn coordinates(&self) -> impl Iterator<Item = (f64, f64)> {
        let count = self.points();
        self.sums
            .iter()
            .zip(&self.squares)
            .map(move |(sum, squares)| (sum.value() / count as f64, column::variance(count, sum, squares)))
    }

    /// The Euclidean lengths of the points.
    pub fn lengths(&self) -> &ColumnProfile {
        &self.lengths
    }

    /// What the points are along each direction.
    pub fn projections(&self) -> &[ColumnProfile] {
        &self.projections
    }

    /// The same with what was written of the summary.
    pub(super) fn filled(
        mut self,
        rows: u64,
        moments: Vec<(Sum, Squares)>,
        lengths: ColumnProfile,
        projections: Vec<ColumnProfile>,
    ) -> Option<Self> {
        let points = lengths.present();
        let agrees = points <= rows
            && moments.len() == self.dimension()
            && projections.len() == Self::PROJECTIONS
            && [&lengths].into_iter().chain(&projections).all(|part| {
                let finite = part.numbers().map_or(0, super::Numbers::count);
                part.present() == points && part.rows() == points && finite == points
            });
        (self.sums, self.squares) = moments.into_iter().unzip();
        (self.rows, self.lengths, self.projections) = (rows, lengths, projections);
        agrees.then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn points(count: usize, dimension: usize, seed: u64) -> Vec<Vec<f64>> {
        let mut random = Random::new(seed);
        (0..count).map(|_| (0..dimension).map(|_| random.normal()).collect()).collect()
    }

    fn cloud(points: &[Vec<f64>]) -> Cloud {
        let mut cloud = Cloud::new(points[0].len()).unwrap();
        points.iter().for_each(|point| cloud.add(point));
        cloud
    }

    #[test]
    fn the_order_and_the_cuts_do_not_matter() {
        let mut all = points(4_000, 24, 3);
        let whole = cloud(&all);
        let mut merged = cloud(&all[2_500..]);
        assert!(merged.merge(&cloud(&all[..2_500])));
        assert_eq!(merged, whole);
        all.reverse();
        assert_eq!(cloud(&all), whole);
        assert!(!merged.merge(&Cloud::new(23).unwrap()));
    }

    #[test]
    fn moments_are_those_of_the_points() {
        let all = points(500, 3, 8);
        for (at, (mean, variance)) in cloud(&all).coordinates().enumerate() {
            let sample = crate::Sample::new(all.iter().map(|point| point[at]).collect()).unwrap();
            assert!((mean - sample.mean()).abs() < 1e-12 && (variance - sample.variance()).abs() < 1e-12);
        }
    }

    #[test]
    fn what_is_no_point_is_counted() {
        let mut cloud = Cloud::new(2).unwrap();
        for point in [
            &[1.0, 2.0][..],
            &[],
            &[1.0],
            &[f64::NAN, 1.0],
            &[f64::INFINITY, 0.0],
            &[1e300, 1e300],
            &[f64::MAX, 0.0],
        ] {
            cloud.add(point);
        }
        assert_eq!((cloud.rows(), cloud.points()), (7, 1));
        assert!(Cloud::new(0).is_none() && Cloud::new(Cloud::WIDEST + 1).is_none());
    }
}
