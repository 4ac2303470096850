use super::profiled::corrected;
use super::sums::Sums;
use super::{Columns, Rows, Within};
use crate::distribution::normal;
use crate::interval::{Estimate, Level, Unknown};

/// Segments that are confirmed at most.
const MOST_FOUND: usize = 10;
/// Columns whose pairs are searched at most: those of the most telling segments.
const MOST_PAIRED: usize = 20;
/// Rows of a segment in the half that is searched.
const FEWEST: f64 = 30.0;
/// Standard errors that a candidate is away from nothing: with fewer, luck crowds out what can be confirmed.
const STANDS_OUT: f64 = 3.0;
/// Segments with more of their rows in common than this are one finding.
const MOST_ALIKE: f64 = 0.5;

/// Which columns cut the table into segments: one or two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The pieces of one column, by its place in [`Columns::names`].
    One(usize),
    /// The pieces of two columns together.
    Two(usize, usize),
}

/// Where segments are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Search {
    /// In every column, and in every pair of the twenty that tell most.
    Everywhere,
    /// Only there.
    Within(Vec<Cut>),
}

/// The rows with certain pieces of one or two columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Column and piece.
    pub parts: Vec<Part>,
}

/// One condition of a segment.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The column.
    pub column: String,
    /// The piece of it.
    pub within: Within,
}

/// A segment that was found on one half of the rows, and what the other half says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Which rows.
    pub segment: Segment,
    /// Its share of the rows that confirm: of the reference and of the current data ([`worst`]: of all rows, twice).
    pub support: [Estimate; 2],
    /// The mean outcome in it, on both sides ([`worst`]: outside and inside). None where it has no row.
    pub means: [Option<f64>; 2],
    /// [`segments`]: its contribution to the change. [`worst`]: the mean outcome inside less that outside. All intervals of one answer
    /// hold at once.
    pub effect: Estimate,
    /// Of the effect, what comes from the segment's growing or shrinking; the rest is of its rows behaving otherwise. None for
    /// [`worst`].
    pub by_size: Option<f64>,
    /// What the segment contributes beyond what rows of its number would, had every row moved alike: by this the segments are
    /// ordered and tested. [`worst`]: the effect.
    pub beyond_size: Estimate,
    /// The p-value of what is beyond its size, corrected for all segments that were confirmed (Holm); the search needs no correction, because these rows took no part in it.
    pub p_adjusted: f64,
}

/// The segments that contribute most to the change of the mean outcome from the reference to the current data, beyond their
/// size. With an outcome that is 1 for every row: those that grew or shrank most.
///
/// A segment contributes what its size and its mean put on top of the midpoint of both means (Kitagawa, "Components of a difference
/// between two rates", 1955): over the pieces of a column the contributions add up to the change. A half of all rows contributes a
/// half of a change that is the same everywhere; what is beyond that is the change of the covariance of outcome and membership,
/// and segments stand out by it. Where every row moved alike, none does.
///
/// Searched on every second row, estimated on the others: neither the winner's luck nor the number of segments tried
/// makes an effect look larger than it is. Of segments that are nearly the same rows, the most telling one is kept.
///
/// # Errors
/// [`Unknown::TooFew`] below 60 rows on a side.
pub fn segments(
    columns: &Columns,
    reference: &Rows,
    current: &Rows,
    search: &Search,
    level: Level,
) -> Result<Vec<Found>, Unknown> {
    enough(reference.len() as u64)?;
    enough(current.len() as u64)?;
    let of_change = |half: usize| Change::of([reference, current].map(|rows| all_of(rows, half)));
    let (searched, asked) = (of_change(0), of_change(1));
    let chosen = search_for(columns, &[reference, current], search, |cell| {
        let (value, error) = searched.beyond_size(cell);
        value.abs() - STANDS_OUT * error
    });
    let each = level.each_of(chosen.len());
    confirmed(columns, &chosen, |codes| {
        asked.found(&[reference, current].map(|rows| counted(rows, codes)), each)
    })
}

/// The segments where the outcome is highest compared with all other rows: where a model errs most, if the outcome is its
/// error. Searched on every second row, estimated on the others, as [`segments`].
///
/// After Chung et al. ("Slice Finder: automated data slicing for model validation", 2019), but for the correction: there the tests
/// are made on the rows that were searched.
///
/// # Errors
/// [`Unknown::TooFew`] below 60 rows, [`Unknown::Constant`] where the outcome does not vary.
pub fn worst(columns: &Columns, rows: &Rows, search: &Search, level: Level) -> Result<Vec<Found>, Unknown> {
    enough(rows.len() as u64)?;
    let (searched, asked) = (all_of(rows, 0), all_of(rows, 1));
    if searched.variance().min(asked.variance()) <= 0.0 {
        return Err(Unknown::Constant);
    }
    let is_rate = rows.outcomes().iter().all(|outcome| *outcome == 0.0 || *outcome == 1.0);
    let chosen = search_for(columns, &[rows], search, |[cell, _]| {
        let outside = searched.less(cell);
        if outside.count < FEWEST {
            return 0.0;
        }
        // The spread of all rows: that of a small segment may be zero by luck.
        let error = (searched.variance() * (1.0 / cell.count + 1.0 / outside.count)).sqrt();
        cell.mean() - outside.mean() - STANDS_OUT * error
    });
    let each = level.each_of(chosen.len());
    confirmed(columns, &chosen, |codes| {
        let cell = counted(rows, codes);
        let outside = asked.less(&cell);
        let mean = |cell: &Sums| (cell.count > 0.0).then(|| cell.mean());
        let support = cell.share_of(&asked, each)?;
        let effect = cell.minus(&outside, is_rate, each)?;
        Ok(Found {
            segment: Segment { parts: Vec::new() },
            support: [support; 2],
            means: [mean(&outside), mean(&cell)],
            effect,
            by_size: None,
            beyond_size: effect,
            p_adjusted: cell.against(&outside),
        })
    })
}

/// Fewer rows than this have no segments.
pub(super) fn enough(rows: u64) -> Result<(), Unknown> {
    let needed = 2 * 30;
    if rows < needed { Err(Unknown::TooFew { n: rows, needed }) } else { Ok(()) }
}

/// Every second row of a table, all together.
fn all_of(rows: &Rows, of_half: usize) -> Sums {
    let mut all = Sums::default();
    half(rows, of_half).for_each(|(_, outcome)| all.push(outcome));
    all
}

/// Every second row.
fn half(rows: &Rows, half: usize) -> impl Iterator<Item = (&[u8], f64)> {
    rows.each().skip(half).step_by(2)
}

/// The change between two sides, for which a segment may be responsible.
pub(super) struct Change {
    sides: [Sums; 2],
    centre: f64,
    constant: bool,
}

impl Change {
    /// Of all rows of both sides.
    pub(super) fn of(sides: [Sums; 2]) -> Self {
        let constant = sides.iter().all(|all| all.sum == all.count);
        // What every row has cannot move: then it is the sizes that count.
        let centre = if constant { 0.0 } else { sides.iter().map(Sums::mean).sum::<f64>() / 2.0 };
        Self { sides, centre, constant }
    }

    /// What is said of a segment with these rows, before it has a name and is corrected for others.
    pub(super) fn found(&self, cell: &[Sums; 2], each: Level) -> Result<Found, Unknown> {
        let (value, error) = self.effect(cell);
        let (beyond, its_error) = self.beyond_size(cell);
        let [was, is] = cell;
        let (p, q) = self.shares(cell);
        let mean = |cell: &Sums| (cell.count > 0.0).then(|| cell.mean());
        let means = [mean(was), mean(is)];
        let middle = match means {
            [Some(a), Some(b)] => f64::midpoint(a, b),
            [a, b] => a.or(b).unwrap_or(0.0),
        };
        let support =
            [(was, &self.sides[0]), (is, &self.sides[1])].map(|(cell, all)| cell.share_of(all, each));
        let [first, second] = support;
        Ok(Found {
            segment: Segment { parts: Vec::new() },
            support: [first?, second?],
            means,
            effect: bounded(value, error, each.z(), was.count + is.count),
            by_size: Some(if self.constant { value } else { (q - p) * (middle - self.centre) }),
            beyond_size: bounded(beyond, its_error, each.z(), was.count + is.count),
            p_adjusted: normal::two_sided(if its_error > 0.0 { beyond / its_error } else { 0.0 }),
        })
    }

    fn shares(&self, [was, is]: &[Sums; 2]) -> (f64, f64) {
        let [all_was, all_is] = &self.sides;
        (was.count / all_was.count, is.count / all_is.count)
    }

    /// The contribution of a segment and its standard error: the difference of the means of `[in the segment] (outcome − centre)`,
    /// the chance of the centre included.
    fn effect(&self, cells: &[Sums; 2]) -> (f64, f64) {
        let (p, q) = self.shares(cells);
        // How the contribution moves with the centre.
        let slope = if self.constant { 0.0 } else { (q - p) / 2.0 };
        let centre = self.centre;
        let parts = cells.iter().zip(&self.sides).map(|(cell, side)| {
            let n = side.count;
            let value = (cell.sum - centre * cell.count) / n;
            // The moments of the term that each row adds: (outcome − centre − slope outcome) inside, −slope outcome outside.
            let inside = (1.0 - slope).powi(2) * cell.squares - 2.0 * centre * (1.0 - slope) * cell.sum
                + centre * centre * cell.count;
            let outside = slope * slope * (side.squares - cell.squares);
            let mean = value - slope * side.mean();
            (value, ((inside + outside) / n - mean * mean).max(0.0) / n)
        });
        let (mut value, mut variance) = (0.0, 0.0);
        for ((part, spread), sign) in parts.zip([-1.0, 1.0]) {
            value += sign * part;
            variance += spread;
        }
        (value, variance.sqrt())
    }

    /// What is beyond the segment's size and its standard error: the change of `(membership − share) (outcome − mean)`, on average.
    fn beyond_size(&self, cells: &[Sums; 2]) -> (f64, f64) {
        if self.constant {
            return self.effect(cells);
        }
        let (mut value, mut variance) = (0.0, 0.0);
        for ((cell, all), sign) in cells.iter().zip(&self.sides).zip([-1.0, 1.0]) {
            let (share, mean) = (cell.count / all.count, all.mean());
            let covariance = (cell.sum - mean * cell.count) / all.count;
            let inside = (1.0 - share).powi(2) * cell.squares_around(mean);
            let outside = share * share * all.less(cell).squares_around(mean);
            value += sign * covariance;
            variance += ((inside + outside) / all.count - covariance * covariance).max(0.0) / all.count;
        }
        (value, variance.sqrt())
    }
}

/// A segment by its codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Codes {
    first: (usize, u8),
    second: Option<(usize, u8)>,
}

impl Codes {
    fn has(&self, codes: &[u8]) -> bool {
        let is = |(column, code): (usize, u8)| codes.get(column) == Some(&code);
        is(self.first) && self.second.is_none_or(is)
    }
}

/// The rows of a segment in the half that confirms.
fn counted(rows: &Rows, segment: &Codes) -> Sums {
    let mut sums = Sums::default();
    half(rows, 1).filter(|(codes, _)| segment.has(codes)).for_each(|(_, outcome)| sums.push(outcome));
    sums
}

/// The most telling segments of the first half by a score that is positive where something is to be told, without those that are
/// nearly the rows of a better one.
fn search_for(
    columns: &Columns,
    tables: &[&Rows],
    search: &Search,
    score: impl Fn(&[Sums; 2]) -> f64,
) -> Vec<Codes> {
    let mut scored: Vec<(f64, Codes)> = Vec::new();
    match search {
        Search::Within(cuts) => {
            for cut in cuts {
                look(columns, tables, *cut, &score, &mut scored);
            }
        }
        Search::Everywhere => {
            for column in 0..columns.len() {
                look(columns, tables, Cut::One(column), &score, &mut scored);
            }
            let mut best = vec![f64::NEG_INFINITY; columns.len()];
            for (score, codes) in &scored {
                best.iter_mut().skip(codes.first.0).take(1).for_each(|best| *best = best.max(*score));
            }
            let mut order: Vec<usize> = (0..columns.len()).collect();
            let of = |column: &usize| best.get(*column).copied().unwrap_or(f64::NEG_INFINITY);
            order.sort_by(|a, b| of(b).total_cmp(&of(a)).then(a.cmp(b)));
            order.truncate(MOST_PAIRED);
            order.sort_unstable();
            for (at, first) in order.iter().enumerate() {
                for second in order.iter().skip(at + 1) {
                    look(columns, tables, Cut::Two(*first, *second), &score, &mut scored);
                }
            }
        }
    }
    scored.retain(|(score, _)| *score > 0.0);
    // A stable sort: of equal ones the single column, which came first, stays first.
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut chosen: Vec<Codes> = Vec::new();
    // Far more candidates than are wanted are nearly the same rows; the search among them is bounded too.
    for (_, codes) in scored.into_iter().take(MOST_FOUND * 20) {
        if chosen.len() == MOST_FOUND {
            break;
        }
        if chosen.iter().all(|earlier| !alike(tables, earlier, &codes)) {
            chosen.push(codes);
        }
    }
    chosen
}

/// Scores every segment of a cut.
fn look(
    columns: &Columns,
    tables: &[&Rows],
    cut: Cut,
    score: &impl Fn(&[Sums; 2]) -> f64,
    scored: &mut Vec<(f64, Codes)>,
) {
    let (first, second) = match cut {
        Cut::One(first) => (first, None),
        Cut::Two(first, second) => (first, Some(second)),
    };
    let across = second.map_or(1, |second| columns.pieces(second));
    let mut cells = vec![[Sums::default(); 2]; columns.pieces(first) * across];
    for (side, table) in tables.iter().enumerate() {
        for (codes, outcome) in half(table, 0) {
            let code = |column: usize| codes.get(column).map_or(0, |code| usize::from(*code));
            let at = code(first) * across + second.map_or(0, code);
            if let Some(sums) = cells.get_mut(at).and_then(|cell| cell.get_mut(side)) {
                sums.push(outcome);
            }
        }
    }
    let code = |at: usize| u8::try_from(at).unwrap_or(u8::MAX);
    for (at, cell) in cells.iter().enumerate() {
        if cell.iter().map(|sums| sums.count).sum::<f64>() >= FEWEST {
            let second = second.map(|second| (second, code(at % across)));
            scored.push((score(cell), Codes { first: (first, code(at / across)), second }));
        }
    }
}

/// Are more than half of the rows of either segment in both, or is the second a part of the first?
fn alike(tables: &[&Rows], first: &Codes, second: &Codes) -> bool {
    let (mut both, mut either, mut own) = (0.0, 0.0, 0.0);
    for (codes, _) in tables.iter().flat_map(|table| half(table, 0)) {
        let (a, b) = (first.has(codes), second.has(codes));
        both += f64::from(u8::from(a && b));
        either += f64::from(u8::from(a || b));
        own += f64::from(u8::from(b));
    }
    both > MOST_ALIKE * either || both > 0.9 * own
}

/// What the other half says of each, corrected together.
fn confirmed(
    columns: &Columns,
    chosen: &[Codes],
    ask: impl Fn(&Codes) -> Result<Found, Unknown>,
) -> Result<Vec<Found>, Unknown> {
    let mut found = Vec::with_capacity(chosen.len());
    for codes in chosen {
        // A segment that the other half does not have cannot be confirmed.
        let Ok(mut one) = ask(codes) else { continue };
        let part = |(column, code): (usize, u8)| {
            let within = columns.within(column, code).cloned().unwrap_or(Within::Missing);
            Part { column: columns.name(column).to_owned(), within }
        };
        one.segment.parts = std::iter::once(codes.first).chain(codes.second).map(part).collect();
        found.push(one);
    }
    Ok(corrected(found))
}

fn bounded(value: f64, error: f64, z: f64, n: f64) -> Estimate {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of rows, not negative"
    )]
    let n = n as u64;
    Estimate { value, low: value - z * error, high: value + z * error, n }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::Mean;
    use crate::random::Random;

    /// Over the pieces of a column contributions add up to the change, and what is beyond their sizes to nothing. The errors are those of
    /// simulated repetitions.
    #[test]
    fn contributions_add_up_and_their_errors_are_right() {
        let (mut random, runs) = (Random::new(14), 2_000);
        let mut seen = [Mean::default(), Mean::default()];
        let mut errors = [0.0; 2];
        for _ in 0..runs {
            let mut cells = [[Sums::default(); 2]; 3];
            for (side, gain) in [0.0, 1.0].into_iter().enumerate() {
                for _ in 0..100 {
                    let piece = if random.chance(0.5) { 0 } else { 1 + random.below(2) };
                    let level = 1.0 + if piece == 0 { gain } else { 0.0 };
                    cells[piece][side].push(level + random.normal());
                }
            }
            let sides = [0, 1].map(|side| {
                let mut all = Sums::default();
                for cell in &cells {
                    all = Sums {
                        count: all.count + cell[side].count,
                        sum: all.sum + cell[side].sum,
                        squares: all.squares + cell[side].squares,
                    };
                }
                all
            });
            let means = sides.map(|all| all.mean());
            let change = Change::of(sides);
            let effects = cells.map(|cell| change.effect(&cell));
            let beyond = cells.map(|cell| change.beyond_size(&cell));
            let sum = |parts: &[(f64, f64); 3]| parts.iter().map(|part| part.0).sum::<f64>();
            assert!((sum(&effects) - (means[1] - means[0])).abs() < 1e-12 && sum(&beyond).abs() < 1e-12);
            for (at, part) in [effects[0], beyond[0]].into_iter().enumerate() {
                seen[at].push(part.0);
                errors[at] += part.1 / f64::from(runs);
            }
        }
        // A half of the rows with 1 more: all of the change of 0.5, and 0.25 beyond their number.
        assert!(
            (seen[0].value().unwrap() - 0.5).abs() < 0.02 && (seen[1].value().unwrap() - 0.25).abs() < 0.02
        );
        for (seen, error) in seen.iter().zip(errors) {
            let ratio = error / seen.variance().unwrap().sqrt();
            assert!((0.95..1.05).contains(&ratio), "{ratio}");
        }
    }
}
