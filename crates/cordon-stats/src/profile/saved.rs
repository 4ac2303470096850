use std::collections::BTreeMap;

use super::{Cloud, Profile, ProfileError, codec};

/// What was kept of a table: its profile, those of its parts, and its points. It stands for the table wherever it is compared.
///
/// ```
/// use cordon_stats::profile::{Profile, Saved};
/// let saved = Saved::of(Profile::new(&["age"]));
/// assert_eq!(Saved::from_bytes(&saved.to_bytes()).unwrap(), saved);
/// assert_eq!(saved.to_bytes(), saved.whole.to_bytes());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    /// Every row.
    pub whole: Profile,
    /// The rows by segment or season, where they were told apart.
    pub parts: Option<Parts>,
    /// Points by the name of their column or group of columns.
    pub clouds: BTreeMap<String, Cloud>,
}

/// A table by segment.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// What they are by, as whoever made them names it: parts by something else are not compared.
    pub by: String,
    /// How often each segment is, over all rows.
    pub sizes: Profile,
    /// The segments that are told apart.
    pub profiles: BTreeMap<String, Profile>,
    /// Rows of the others.
    pub rows_beyond: u64,
}

impl Saved {
    /// The most clouds that are read.
    pub const MOST_CLOUDS: u64 = 64;
    /// The most columns that are read, of the table and of all parts together.
    pub const MOST_COLUMNS: u64 = 1 << 18;
    /// The most intervals of numbers and categories that are read, of all columns together.
    pub const MOST_KEPT: u64 = 1 << 24;

    /// A profile alone.
    pub fn of(whole: Profile) -> Self {
        Self { whole, parts: None, clouds: BTreeMap::new() }
    }

    /// Can it be read again? Not with more than [`Saved::MOST_CLOUDS`], [`Saved::MOST_COLUMNS`] and [`Saved::MOST_KEPT`].
    pub fn is_readable(&self) -> bool {
        let parts = self.parts.iter().flat_map(|parts| parts.profiles.values().chain([&parts.sizes]));
        let columns = parts.chain([&self.whole]).flat_map(Profile::columns).map(|(_, column)| column.kept());
        let (columns, kept) = columns.fold((0, 0), |(columns, sum), kept| (columns + 1, sum + kept));
        columns <= Self::MOST_COLUMNS
            && kept <= Self::MOST_KEPT
            && self.clouds.len() as u64 <= Self::MOST_CLOUDS
    }

    /// As bytes, as [`Profile::to_bytes`]; the same ones where there is nothing but the profile.
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::written(self)
    }

    /// From bytes.
    ///
    /// # Errors
    /// As [`Profile::from_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProfileError> {
        codec::read(bytes)
    }
}
