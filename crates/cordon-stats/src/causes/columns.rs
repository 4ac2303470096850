use std::collections::HashMap;

use crate::PValue;
use crate::drift::{self, Bin, Reach};
use crate::profile::{Cell, ColumnProfile, Kind, Profile, label};

/// Values, bins or categories that a column is cut into at most; a code for what is missing and one for all others come
/// on top.
const MOST_PIECES: usize = 12;
/// Columns that take part at most; of more, those that moved furthest by themselves.
const MOST_COLUMNS: usize = 64;
/// Texts of which more than this share differ are names or sentences: every row is a category of its own.
const MOSTLY_DIFFERENT: f64 = 0.5;

/// The columns that both tables have, each cut into a few pieces: what a row becomes in [`super::Rows`].
#[derive(Debug, Clone)]
pub struct Columns {
    columns: Vec<Column>,
    left_out: Vec<(String, LeftOut)>,
    /// Of each column the place of its first code; place 0 is the constant.
    starts: Vec<usize>,
    width: usize,
    /// Of both sides.
    rows: [u64; 2],
}

/// Why a column takes no part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// It was asked for.
    Asked,
    /// Nearly every row has a text of its own.
    Different,
    /// Only the current data has it.
    New,
    /// One side has no value that could be compared.
    NothingToCompare,
    /// Moments: they always move on.
    Time,
    /// There are more columns than can be looked at together, and it moved less than those.
    TooMany,
}

/// What falls into one piece of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Within {
    /// Rows without a value.
    Missing,
    /// A category, a value, a range, or all that is neither.
    Reach(Reach),
}

#[derive(Debug, Clone)]
struct Column {
    name: String,
    coding: Coding,
    /// What each code stands for.
    pieces: Vec<Within>,
    /// How many rows of both sides each code has.
    counts: Vec<(u64, u64)>,
    alone: f64,
    /// Of values, missing values and kinds, corrected for the three.
    p_value: f64,
}

#[derive(Debug, Clone)]
enum Coding {
    /// By label; all others are the last code.
    Categories(HashMap<String, u8>),
    /// The smallest number of each piece, ascending.
    Numbers(Vec<f64>),
}

impl Columns {
    /// Of two tables, without the columns named in `without` (an outcome, an id).
    pub fn of(reference: &Profile, current: &Profile, without: &[&str]) -> Self {
        let rows = [reference, current].map(Profile::rows);
        let mut columns =
            Self { columns: Vec::new(), left_out: Vec::new(), starts: Vec::new(), width: 1, rows };
        let new = current.columns().filter(|(name, _)| reference.column(name).is_none());
        for (name, _) in new {
            let why = if without.contains(&name) { LeftOut::Asked } else { LeftOut::New };
            columns.left_out.push((name.to_owned(), why));
        }
        for (name, was) in reference.columns() {
            let taken = match current.column(name) {
                _ if without.contains(&name) => Err(LeftOut::Asked),
                Some(is) => cut(name, was, is),
                None => Err(LeftOut::NothingToCompare),
            };
            match taken {
                Err(why) => columns.left_out.push((name.to_owned(), why)),
                Ok(column) => columns.columns.push(column),
            }
        }
        columns.trim();
        for column in &columns.columns {
            columns.starts.push(columns.width);
            columns.width += column.pieces.len();
        }
        columns
    }

    fn trim(&mut self) {
        let mut moved: Vec<f64> = self.columns.iter().map(|column| column.alone).collect();
        moved.sort_by(|a, b| b.total_cmp(a));
        let Some(least) = moved.get(MOST_COLUMNS - 1).copied() else { return };
        let all = std::mem::take(&mut self.columns);
        for column in all {
            if column.alone >= least && self.columns.len() < MOST_COLUMNS {
                self.columns.push(column);
            } else {
                self.left_out.push((column.name, LeftOut::TooMany));
            }
        }
    }

    /// How many take part.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Does none take part?
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Their names, in the order of the reference.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// The columns that take no part, and why.
    pub fn left_out(&self) -> &[(String, LeftOut)] {
        &self.left_out
    }

    /// What a code of a column stands for.
    pub fn within(&self, column: usize, code: u8) -> Option<&Within> {
        self.columns.get(column)?.pieces.get(usize::from(code))
    }

    /// The codes of a row, from the cells of [`Self::names`] in that order. What was there before is overwritten.
    pub fn encode<'c>(&self, cells: impl IntoIterator<Item = Cell<'c>>, codes: &mut Vec<u8>) {
        codes.clear();
        let cells = cells.into_iter().chain(std::iter::repeat(Cell::Missing));
        codes.extend(self.columns.iter().zip(cells).map(|(column, cell)| column.code(cell)));
    }

    pub(super) fn name(&self, column: usize) -> &str {
        self.columns.get(column).map_or("", |column| column.name.as_str())
    }

    pub(super) fn alone(&self, column: usize) -> f64 {
        self.columns.get(column).map_or(f64::NAN, |column| column.alone)
    }

    /// How many rows of both sides each code of a column has.
    pub(super) fn counts(&self, column: usize) -> &[(u64, u64)] {
        self.columns.get(column).map_or(&[], |column| &column.counts)
    }

    pub(super) fn p_value(&self, column: usize) -> f64 {
        self.columns.get(column).map_or(1.0, |column| column.p_value)
    }

    /// Rows of both sides.
    pub(super) fn rows(&self) -> [u64; 2] {
        self.rows
    }

    /// Codes of a column.
    pub(super) fn pieces(&self, column: usize) -> usize {
        self.columns.get(column).map_or(0, |column| column.pieces.len())
    }

    /// The place of each column's first code in a row of zeros and ones.
    pub(super) fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// Places of a row of zeros and ones, the constant among them.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The coefficients of each column: from place of its first code on, as many as it has codes.
    pub(super) fn split<'w>(&'w self, weights: &'w [f64]) -> impl Iterator<Item = &'w [f64]> {
        self.starts
            .iter()
            .zip(&self.columns)
            .map(|(start, column)| weights.get(*start..start + column.pieces.len()).unwrap_or_default())
    }
}

impl LeftOut {
    /// Its reason, as the end of a sentence.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Asked => "it was left out",
            Self::Different => "nearly every row has a text of its own",
            Self::New => "the reference does not have it",
            Self::NothingToCompare => "one side has no value to compare",
            Self::Time => "moments always move on",
            Self::TooMany => "it moved less than the 64 columns that are looked at",
        }
    }
}

impl Column {
    fn code(&self, cell: Cell<'_>) -> u8 {
        // The last code; at most `MOST_PIECES` and two, so that it fits.
        let other = u8::try_from(self.pieces.len().saturating_sub(1)).unwrap_or(u8::MAX);
        match (&self.coding, cell) {
            (_, Cell::Missing) => 0,
            (Coding::Categories(codes), Cell::Boolean(value)) => {
                codes.get(if value { "true" } else { "false" }).copied().unwrap_or(other)
            }
            (Coding::Categories(codes), Cell::Text(text)) => codes.get(label(text)).copied().unwrap_or(other),
            (Coding::Numbers(starts), Cell::Date(value) | Cell::Decimal(value)) if value.is_finite() => {
                piece(starts, value)
            }
            (Coding::Numbers(starts), Cell::Integer(value)) => piece(starts, value as f64),
            _ => other,
        }
    }
}

/// The code of a number: the last piece that starts at or below it; what is below all is in the first.
fn piece(starts: &[f64], value: f64) -> u8 {
    let at = starts.partition_point(|start| *start <= value).max(1);
    u8::try_from(at).unwrap_or(u8::MAX)
}

fn cut(name: &str, was: &ColumnProfile, is: &ColumnProfile) -> Result<Column, LeftOut> {
    if was.kind() == Kind::Date {
        return Err(LeftOut::Time);
    }
    let compared = drift::column(was, is).map_err(|_| LeftOut::NothingToCompare)?;
    let numeric = compared.numeric.is_some();
    let different = |column: &ColumnProfile| column.distinct() > MOSTLY_DIFFERENT * column.present() as f64;
    if !numeric && was.distinct() > 50.0 && different(was) && different(is) {
        return Err(LeftOut::Different);
    }
    let alone = compared.binned.jensen_shannon_distance_bits();
    let p_value = any_of(&[
        compared.test.map(|test| test.p_value),
        drift::Kinds::of(was, is).test.map(|test| test.p_value),
        Some(drift::shares((was.missing(), was.rows()), (is.missing(), is.rows()))),
    ]);
    let mut pieces = vec![Within::Missing];
    let mut counts = vec![(was.missing(), is.missing())];
    let coding = if numeric {
        Coding::Numbers(numbers(&compared.bins, &mut pieces, &mut counts))
    } else {
        let mut bins: Vec<(String, (u64, u64))> = compared
            .bins
            .into_iter()
            .filter_map(|bin| match bin.reach {
                Reach::Category(label) => Some((label, (bin.reference, bin.current))),
                Reach::Numbers(..) | Reach::Others | Reach::Value(_) => None,
            })
            .collect();
        bins.sort_by(|(a, left), (b, right)| {
            (right.0 + right.1).cmp(&(left.0 + left.1)).then_with(|| a.cmp(b))
        });
        let named = bins.into_iter().take(MOST_PIECES).zip(1..);
        Coding::Categories(
            named
                .map(|((label, of), code)| {
                    pieces.push(Within::Reach(Reach::Category(label.clone())));
                    counts.push(of);
                    (label, code)
                })
                .collect(),
        )
    };
    pieces.push(Within::Reach(Reach::Others));
    let named = counts.iter().fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
    counts.push((was.rows().saturating_sub(named.0), is.rows().saturating_sub(named.1)));
    Ok(Column { name: name.to_owned(), coding, pieces, counts, alone, p_value })
}

/// The smallest p-value of those that there are, corrected for their number.
fn any_of(tests: &[Option<PValue>]) -> f64 {
    let p_values: Vec<f64> = tests.iter().flatten().map(|p| p.upper_bound()).collect();
    (p_values.iter().copied().fold(1.0, f64::min) * p_values.len() as f64).min(1.0)
}

/// Puts neighbouring bins together until few enough are left; gives where each piece starts.
fn numbers(bins: &[Bin], pieces: &mut Vec<Within>, counts: &mut Vec<(u64, u64)>) -> Vec<f64> {
    let low = |bin: &Bin| match bin.reach {
        Reach::Numbers(low, _) => low,
        Reach::Value(value) => value,
        Reach::Category(_) | Reach::Others => f64::NAN,
    };
    let together = bins.len().div_ceil(MOST_PIECES).max(1);
    let mut starts = Vec::new();
    let mut groups = bins.chunks(together).peekable();
    while let Some(group) = groups.next() {
        let Some(first) = group.first() else { continue };
        starts.push(low(first));
        let next = groups.peek().and_then(|next| next.first()).map_or(f64::INFINITY, low);
        let reach = match (&first.reach, group.len()) {
            (Reach::Value(_), 1) => first.reach.clone(),
            // The first piece takes what is below it too.
            _ if starts.len() == 1 => Reach::Numbers(f64::NEG_INFINITY, next),
            _ => Reach::Numbers(low(first), next),
        };
        pieces.push(Within::Reach(reach));
        counts.push(group.iter().fold((0, 0), |sum, bin| (sum.0 + bin.reference, sum.1 + bin.current)));
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profiles(rows: &[[Cell<'static>; 3]]) -> Profile {
        let mut profile = Profile::new(&["x", "city", "when"]);
        rows.iter().for_each(|row| profile.add(row));
        profile
    }

    #[test]
    fn every_cell_has_a_code_that_says_where_it_is() {
        let cities = ["Graz", "Linz", "Wels"];
        let rows: Vec<[Cell<'static>; 3]> = (0..200_u8)
            .map(|i| {
                let city = cities[usize::from(i % 3)];
                [Cell::Integer(i64::from(i)), Cell::Text(city), Cell::Date(f64::from(i))]
            })
            .collect();
        let profile = profiles(&rows);
        let columns = Columns::of(&profile, &profile, &[]);
        assert_eq!(columns.names().collect::<Vec<_>>(), ["x", "city"]);
        assert_eq!(columns.left_out(), [("when".to_owned(), LeftOut::Time)]);
        let mut codes = Vec::new();
        let mut at = |cells: &[Cell<'static>]| {
            columns.encode(cells.iter().copied(), &mut codes);
            [0, 1].map(|column| columns.within(column, codes[column]).unwrap().clone())
        };
        let [x, city] = at(&[Cell::Integer(100), Cell::Text("Linz")]);
        let Within::Reach(Reach::Numbers(low, high)) = x else { panic!("{x:?}") };
        assert!(low <= 100.0 && 100.0 < high);
        assert_eq!(city, Within::Reach(Reach::Category("Linz".to_owned())));
        assert_eq!(at(&[Cell::Missing]), [Within::Missing, Within::Missing]);
        let others = Within::Reach(Reach::Others);
        assert_eq!(at(&[Cell::Decimal(f64::NAN), Cell::Text("Rome")]), [others.clone(), others]);
        // What is beyond both ends is in the first and the last piece.
        let [low, _] = at(&[Cell::Decimal(-1e300), Cell::Missing]);
        assert!(matches!(low, Within::Reach(Reach::Numbers(f64::NEG_INFINITY, _))), "{low:?}");
        let [high, _] = at(&[Cell::Decimal(1e300), Cell::Missing]);
        assert!(matches!(high, Within::Reach(Reach::Numbers(_, f64::INFINITY))), "{high:?}");
        assert_eq!(Columns::of(&profile, &profile, &["x"]).len(), 1);
    }
}
