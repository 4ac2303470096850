use super::categories;
use super::column::{Cell, ColumnProfile};
use super::{Profile, Resolution};

/// Numbers of a column that are counted together.
const BATCH: usize = 512;
/// Texts of a column that are remembered: a power of two.
const REMEMBERED: usize = 64;
/// Texts after which it is seen whether they come back.
const TRIED: u32 = 4_096;

/// A profile of many rows in the making: the same profile as of [`Profile::add`], sooner.
///
/// A profile depends on its rows and not on their order, so a column may count hundreds of its values one after the other: what it keeps then stays
/// near, where row by row the columns drive each other out of the processor's memory. Texts that come again and again are counted once for all.
///
/// ```
/// use cordon_stats::profile::{Cell, Filling, Profile};
/// let (mut filling, mut profile) = (Filling::new(&["age"]), Profile::new(&["age"]));
/// for age in 0..2_000 {
///     filling.add(&[Cell::Integer(age)]);
///     profile.add(&[Cell::Integer(age)]);
/// }
/// assert_eq!(filling.finish(), profile);
/// ```
#[derive(Debug)]
pub struct Filling {
    profile: Profile,
    waiting: Vec<Waiting>,
}

/// What a column has not counted yet.
#[derive(Debug, Default)]
struct Waiting {
    numbers: Vec<f64>,
    /// By [`place`]; empty until there is a text.
    texts: Vec<Seen>,
    tried: u32,
    found: u32,
}

#[derive(Debug, Clone, Default)]
struct Seen {
    text: String,
    hash: u64,
    count: u64,
}

impl Filling {
    /// Of a table with these columns.
    pub fn new<S: AsRef<str>>(names: &[S]) -> Self {
        Self::at(Resolution::Fine, names)
    }

    /// The same where less may be kept.
    pub fn at<S: AsRef<str>>(resolution: Resolution, names: &[S]) -> Self {
        let waiting = names.iter().map(|_| Waiting::default()).collect();
        Self { profile: Profile::at(resolution, names), waiting }
    }

    /// How many columns there are.
    pub fn width(&self) -> usize {
        self.waiting.len()
    }

    /// As [`Profile::add_column`].
    pub fn add_column(&mut self, name: &str) {
        self.profile.add_column(name);
        self.waiting.push(Waiting::default());
    }

    /// As [`Profile::add`].
    pub fn add(&mut self, cells: &[Cell<'_>]) {
        // What is coarse is small: it stays near as it is, and there may be many.
        let batch = if self.profile.resolution.is_fine() { BATCH } else { 1 };
        let mut cells = cells.iter();
        let mut row = 0_u64;
        for ((_, column), waiting) in self.profile.columns.iter_mut().zip(&mut self.waiting) {
            let hash = waiting.take(column, cells.next().copied().unwrap_or(Cell::Missing), batch);
            row = Profile::with(row, hash);
        }
        self.profile.count_row(row);
    }

    /// The profile of all rows that were added.
    #[must_use]
    pub fn finish(mut self) -> Profile {
        for ((_, column), waiting) in self.profile.columns.iter_mut().zip(&mut self.waiting) {
            column.add_numbers(&waiting.numbers);
            waiting.texts.iter_mut().for_each(|seen| seen.flush(column));
        }
        self.profile
    }
}

impl Waiting {
    /// Counts a value now or later; gives a hash of it.
    fn take(&mut self, column: &mut ColumnProfile, cell: Cell<'_>, batch: usize) -> u64 {
        let (hash, number) = match cell {
            Cell::Boolean(_) | Cell::Text(_) => return self.text(column, cell, batch),
            _ => column.count(cell),
        };
        if let Some(number) = number {
            self.numbers.push(number);
            if self.numbers.len() >= batch {
                column.add_numbers(&self.numbers);
                self.numbers.clear();
            }
        }
        hash
    }

    fn text(&mut self, column: &mut ColumnProfile, cell: Cell<'_>, batch: usize) -> u64 {
        let text = cell.as_text().unwrap_or_default();
        // Long texts and those that do not come back are not worth it.
        if batch == 1 || text.len() > categories::Categories::LONGEST || self.is_in_vain() {
            return column.add(cell);
        }
        if self.texts.is_empty() {
            self.texts = vec![Seen::default(); REMEMBERED];
        }
        let Some(seen) = self.texts.get_mut(place(text)) else { return column.add(cell) };
        column.count(cell);
        self.tried = self.tried.saturating_add(1);
        if seen.count > 0 && seen.text == text {
            seen.count += 1;
            self.found += 1;
            return seen.hash;
        }
        seen.flush(column);
        seen.text.push_str(text);
        (seen.hash, seen.count) = (categories::hash(text), 1);
        seen.hash
    }

    fn is_in_vain(&self) -> bool {
        self.tried >= TRIED && self.found < self.tried / 2
    }
}

impl Seen {
    /// Tells the column what is remembered, and forgets it.
    fn flush(&mut self, column: &mut ColumnProfile) {
        column.add_texts(&self.text, self.hash, self.count);
        self.text.clear();
        self.count = 0;
    }
}

/// Where a text is remembered: by its length and its ends, for it is soon told.
fn place(text: &str) -> usize {
    let bytes = text.as_bytes();
    let word = |bytes: &[u8]| bytes.iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
    let (first, last) = match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => (word(bytes), 0),
    };
    let mixed = (first ^ last.rotate_left(29) ^ bytes.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 58) as usize % REMEMBERED
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// All kinds of values, texts that come back and texts that do not, at both resolutions, a column that comes later.
    #[test]
    fn it_is_the_profile_of_its_rows() {
        for resolution in [Resolution::Fine, Resolution::Coarse] {
            let names = ["number", "word", "id", "mixed"];
            let (mut filling, mut profile) =
                (Filling::at(resolution, &names), Profile::at(resolution, &names));
            let mut random = Random::new(4);
            for row in 0..9_000_usize {
                let long = "x".repeat(row % 90);
                let (word, id) = (format!("word {}", random.below(90)), format!("id {row}"));
                let mixed = match row % 7 {
                    0 => Cell::Boolean(row % 2 == 0),
                    1 => Cell::Text(&long),
                    2 => Cell::Missing,
                    3 => Cell::Decimal([f64::NAN, f64::INFINITY, -0.0][row % 3]),
                    4 => Cell::Date(row as f64 * 3_600.0),
                    5 => Cell::Text("true"),
                    _ => Cell::Integer(i64::MAX - row as i64),
                };
                let cells =
                    [Cell::Decimal(random.normal()), Cell::Text(&word), Cell::Text(&id), mixed, mixed];
                if row == 5_000 {
                    filling.add_column("late");
                    profile.add_column("late");
                }
                filling.add(&cells[..filling.width()]);
                profile.add(&cells);
            }
            assert!(filling.finish() == profile, "{resolution:?}");
        }
    }
}
