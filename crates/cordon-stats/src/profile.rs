//! Mergeable summaries of data: what a reference, a window or a file was, in a few kilobytes a column.
//!
//! A profile depends on the rows that it saw and on nothing else: not on their order, not on how they were cut and merged.
//! Equal data gives equal bytes. Counts are exact; what is an estimate says its error.
//!
//! ```
//! use cordon_stats::profile::{Cell, Profile};
//! let mut monday = Profile::new(&["age", "city"]);
//! monday.add(&[Cell::Integer(41), Cell::Text("Graz")]);
//! let mut tuesday = Profile::new(&["age", "city"]);
//! tuesday.add(&[Cell::Missing, Cell::Text("Linz")]);
//! monday.merge(&tuesday).unwrap();
//! assert_eq!(monday.rows(), 2);
//! assert_eq!(monday.column("age").unwrap().missing(), 1);
//! let bytes = monday.to_bytes();
//! assert_eq!(Profile::from_bytes(&bytes).unwrap(), monday);
//! ```

mod categories;
mod cloud;
mod codec;
mod column;
mod distinct;
mod exact;
mod filling;
mod quantiles;
mod resolution;
mod saved;
mod shape;

pub(crate) use categories::shortened as label;
pub use categories::{Beside, Categories, Category};
pub use cloud::Cloud;
pub use codec::ProfileError;
pub use column::{Cell, ColumnProfile, Kind, Numbers, Texts};
pub use distinct::Distinct;
pub use exact::{ExactSum, Squares, Sum};
pub use filling::Filling;
pub use quantiles::{Interval, Quantiles};
pub use resolution::Resolution;
pub use saved::{Parts, Saved};
pub use shape::{Shape, Shapes};

use crate::input::InputError;

/// The summary of a table: its columns in order, and how many rows they had.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    resolution: Resolution,
    rows: u64,
    /// None where that is not counted.
    different: Option<Distinct>,
    columns: Vec<(String, ColumnProfile)>,
}

impl Profile {
    /// Of a table with these columns and no row yet.
    pub fn new<S: AsRef<str>>(names: &[S]) -> Self {
        Self::at(Resolution::Fine, names)
    }

    /// The same where less may be kept.
    pub fn at<S: AsRef<str>>(resolution: Resolution, names: &[S]) -> Self {
        let column = |name: &S| (name.as_ref().to_owned(), ColumnProfile::new(resolution));
        let different = resolution.is_fine().then(Distinct::default);
        Self { resolution, rows: 0, different, columns: names.iter().map(column).collect() }
    }

    /// Counts a row. Cells that are not there are missing; those past the last column are not counted.
    pub fn add(&mut self, cells: &[Cell<'_>]) {
        let mut cells = cells.iter();
        let mut row = 0_u64;
        for (_, column) in &mut self.columns {
            row = Self::with(row, column.add(cells.next().copied().unwrap_or(Cell::Missing)));
        }
        self.count_row(row);
    }

    /// The hash of a row with one more cell.
    fn with(row: u64, cell: u64) -> u64 {
        row.rotate_left(5).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ cell
    }

    fn count_row(&mut self, hash: u64) {
        self.rows += 1;
        if let Some(different) = &mut self.different {
            different.add(hash);
        }
    }

    /// How many rows.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many different rows: an estimate with a standard error of 2.3 %. A coarse profile ([`Resolution`]) takes all for different.
    pub fn different_rows(&self) -> f64 {
        let rows = self.rows as f64;
        self.different.as_ref().map_or(rows, |different| different.estimate().min(rows))
    }

    /// The columns in order.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = (&str, &ColumnProfile)> {
        self.columns.iter().map(|(name, column)| (name.as_str(), column))
    }

    /// A column by name.
    pub fn column(&self, name: &str) -> Option<&ColumnProfile> {
        self.columns.iter().find(|(known, _)| known == name).map(|(_, column)| column)
    }

    /// Adds a column that the rows before did not have: it was missing in all of them.
    pub fn add_column(&mut self, name: &str) {
        let mut column = ColumnProfile::new(self.resolution);
        column.add_missing(self.rows);
        self.columns.push((name.to_owned(), column));
    }

    /// Adds the rows that another profile counted, column by column of the same name: what one of both does not have was missing
    /// in its rows.
    pub fn join(&mut self, other: &Self) {
        for (name, _) in &other.columns {
            if self.column(name).is_none() {
                self.add_column(name);
            }
        }
        self.count(other);
        for (name, mine) in &mut self.columns {
            match other.column(name) {
                Some(theirs) => mine.merge(theirs),
                None => {
                    mine.add_missing(other.rows);
                    mine.limit(self.resolution);
                }
            }
        }
    }

    fn count(&mut self, other: &Self) {
        self.resolution = self.resolution.min(other.resolution);
        self.rows += other.rows;
        self.different = Distinct::both(self.different.take(), other.different.as_ref());
    }

    /// Adds the rows that another profile of the same columns counted.
    ///
    /// # Errors
    /// When the columns are not the same, in the same order. Nothing is changed then.
    pub fn merge(&mut self, other: &Self) -> Result<(), InputError> {
        let (left_length, right_length) = (self.columns.len(), other.columns.len());
        if left_length != right_length {
            let (left, right) = ("the profile's row", "the other one's row");
            return Err(InputError::Lengths { left, left_length, right, right_length });
        }
        if self.columns.iter().zip(&other.columns).any(|(mine, theirs)| mine.0 != theirs.0) {
            return Err(InputError::OutOfRange {
                what: "the columns of both profiles",
                must: "the same, in the same order",
            });
        }
        self.count(other);
        for ((_, mine), (_, theirs)) in self.columns.iter_mut().zip(&other.columns) {
            mine.merge(theirs);
        }
        Ok(())
    }

    /// Keeps no more of each column than another profile does, such as that of all parts together: what they are compared by is kept.
    pub fn coarsen_like(&mut self, other: &Self) {
        for (name, column) in &mut self.columns {
            if let Some(other) = other.column(name) {
                column.coarsen_like(other);
            }
        }
    }

    /// The profile as bytes: versioned, with a check sum, the same bytes for the same rows.
    pub fn to_bytes(&self) -> Vec<u8> {
        Saved::of(self.clone()).to_bytes()
    }

    /// A profile from bytes; what else was saved with it ([`Saved`]) is left aside.
    ///
    /// # Errors
    /// When they are not a profile, of a version that is not known, damaged or cut.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProfileError> {
        Saved::from_bytes(bytes).map(|saved| saved.whole)
    }
}
