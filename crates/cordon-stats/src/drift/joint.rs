use crate::random::Random;

/// A fair sample of the rows of one table with the numbers of its columns side by side, which profiles do not keep: what columns do
/// *together* is read from it. Every row of the table is in it with the same chance (Vitter's algorithm R, 1985, with a seed), and all
/// are while there is room.
///
/// A column takes a place when its first number is in the sample; beyond [`Joint::WIDEST`] columns there is none.
#[derive(Debug, Clone)]
pub struct Joint {
    /// The place of each column of the table, where it has one.
    places: Vec<Option<usize>>,
    /// Place by place, a value for each row; NaN where it has no number.
    columns: Vec<Vec<f64>>,
    rows: usize,
    seen: u64,
    random: Random,
    most: usize,
}

impl Joint {
    /// The most rows that are usually kept: ten thousand give a correlation to about a hundredth.
    pub const USUAL: usize = 10_000;
    /// The most columns that have a place.
    pub const WIDEST: usize = 64;

    /// A sample of at most `most` rows.
    pub fn new(most: usize, seed: u64) -> Self {
        let random = Random::new(seed);
        Self { places: Vec::new(), columns: Vec::new(), rows: 0, seen: 0, random, most: most.max(1) }
    }

    /// A row: the number in each column of the table, in order; NaN where it has none that is finite. Later rows may be longer.
    pub fn push(&mut self, row: impl IntoIterator<Item = f64>) {
        self.seen += 1;
        let place = if self.rows < self.most {
            self.rows += 1;
            self.columns.iter_mut().for_each(|column| column.push(f64::NAN));
            self.rows - 1
        } else {
            let place = self.random.below(usize::try_from(self.seen).unwrap_or(usize::MAX));
            if place >= self.rows {
                return;
            }
            // The row that was here is gone, whatever the new one has.
            self.columns
                .iter_mut()
                .filter_map(|column| column.get_mut(place))
                .for_each(|kept| *kept = f64::NAN);
            place
        };
        for (at, value) in row.into_iter().enumerate() {
            if at >= self.places.len() {
                self.places.push(None);
            }
            let Some(known) = self.places.get_mut(at) else { continue };
            if known.is_none() && value.is_finite() && self.columns.len() < Self::WIDEST {
                *known = Some(self.columns.len());
                self.columns.push(vec![f64::NAN; self.rows]);
            }
            let kept = known.and_then(|column| self.columns.get_mut(column)?.get_mut(place));
            if let Some(kept) = kept {
                *kept = if value.is_finite() { value } else { f64::NAN };
            }
        }
    }

    /// Rows in the sample.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Is there no row?
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Rows that were offered.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The values of a column of the table, by its place in the table; NaN where a row has none. None where it has no number in the
    /// sample, or no place.
    pub fn column(&self, at: usize) -> Option<&[f64]> {
        let place = self.places.get(at).copied().flatten()?;
        self.columns.get(place).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stay_together_whatever_comes_late() {
        let mut joint = Joint::new(100, 3);
        for row in 0..5_000_u32 {
            let value = f64::from(row);
            // The third column begins to have numbers late, the fourth comes late, the second has none at all.
            let third = if row < 2_000 { f64::NAN } else { 2.0 * value };
            let cells = [value, f64::INFINITY, third, -value];
            joint.push(cells.into_iter().take(if row < 50 { 3 } else { 4 }));
        }
        assert_eq!((joint.len(), joint.seen()), (100, 5_000));
        assert!(joint.column(1).is_none() && joint.column(9).is_none());
        let [first, third, fourth] = [0, 2, 3].map(|at| joint.column(at).unwrap());
        assert!(first.iter().any(|value| *value < 2_000.0) && first.iter().any(|value| *value > 4_000.0));
        for ((first, third), fourth) in first.iter().zip(third).zip(fourth) {
            assert!(if *first < 2_000.0 { third.is_nan() } else { *third == 2.0 * first });
            assert!(if *first < 50.0 { fourth.is_nan() } else { *fourth == -first });
        }
    }

    /// The mean of the rows that are kept is that of all, to within chance: five standard errors.
    #[test]
    fn every_row_has_the_same_chance() {
        let mut sum = 0.0;
        for seed in 0..200 {
            let mut joint = Joint::new(50, seed);
            (0..1_000).for_each(|row| joint.push([f64::from(row)]));
            sum += joint.column(0).unwrap().iter().sum::<f64>() / 50.0;
        }
        let error = 288.7 / f64::sqrt(50.0 * 200.0);
        assert!((sum / 200.0 - 499.5).abs() < 5.0 * error, "{}", sum / 200.0);
    }

    #[test]
    fn columns_beyond_the_widest_have_no_place() {
        let mut joint = Joint::new(10, 1);
        joint.push((0..100).map(f64::from));
        assert!(joint.column(Joint::WIDEST - 1).is_some() && joint.column(Joint::WIDEST).is_none());
    }
}
