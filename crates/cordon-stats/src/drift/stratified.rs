use crate::PValue;
use crate::distribution::chi_squared as law;

use super::Contingency;
use super::profiled::EXPECTED;

/// The cells that are told apart by the test, about: its matrix has a row for each.
const MOST_CELLS: f64 = 48.0;

/// Counts of the same cells, stratum by stratum: like is compared with like.
///
/// ```
/// use cordon_stats::drift::Stratified;
/// // On weekends twice as many are missing, and the current data has more weekends: nothing changed.
/// let compared = Stratified::of(&[vec![(900, 90), (100, 10)], vec![(80, 400), (20, 100)]]).unwrap();
/// assert!(compared.test.unwrap().statistic < 1e-9);
/// assert!((compared.shares[1].0 - compared.shares[1].1).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Stratified {
    /// The shares of each cell: of the reference, had it as many rows in each stratum as the current data has (direct
    /// standardisation), and of the current data.
    pub shares: Vec<(f64, f64)>,
    /// The shares as counts: of the reference, of as many rows as know that much (Kish), rounded; of the current data as they are.
    pub counts: Vec<(u64, u64)>,
    /// Rows of the current data in strata of which the reference has no row: they are not in the shares.
    pub alone: u64,
    /// The generalised test of Cochran, Mantel and Haenszel (Landis, Heyman and Koch 1978): are cells independent of the side *within*
    /// strata? It is conditional on what each stratum has of each cell, so strata may be small and differ as they like. It adds up
    /// differences over strata: changes of opposite direction in different strata cancel. None where there is one cell alone.
    pub test: Option<Contingency>,
}

impl Stratified {
    /// Of tables with a row for each cell, reference and current; a cell that a table lacks is zero in it. Cells that expect fewer
    /// than five are put together for the test, by their totals: their order must have nothing to do with either side.
    ///
    /// `None` where no stratum has rows on both sides.
    pub fn of(tables: &[Vec<(u64, u64)>]) -> Option<Self> {
        Self::grouped(tables, |expected, _| alike(expected))
    }

    /// The same where neighbouring cells are put together, by the reference alone: its quantiles made them.
    pub(super) fn of_neighbours(tables: &[Vec<(u64, u64)>]) -> Option<Self> {
        Self::grouped(tables, |_, counts| neighbours(counts))
    }

    /// `group` says from the expected current counts of the cells, and from their counts, to which cell of the test each belongs.
    fn grouped(
        tables: &[Vec<(u64, u64)>],
        group: impl Fn(&[f64], &[(u64, u64)]) -> Vec<usize>,
    ) -> Option<Self> {
        let strata: Vec<Stratum<'_>> = tables.iter().map(|table| Stratum::of(table)).collect();
        let alone =
            strata.iter().filter(|stratum| stratum.rows.0 == 0.0).map(|stratum| stratum.rows.1).sum::<f64>();
        let strata: Vec<Stratum<'_>> =
            strata.into_iter().filter(|stratum| stratum.rows.0 > 0.0 && stratum.rows.1 > 0.0).collect();
        let width = strata.iter().map(|stratum| stratum.table.len()).max()?;
        let current: f64 = strata.iter().map(|stratum| stratum.rows.1).sum();
        let mut shares = vec![(0.0, 0.0); width];
        let mut counts = vec![(0_u64, 0_u64); width];
        let mut expected = vec![0.0; width];
        let mut known = 0.0;
        for Stratum { table, rows } in &strata {
            let weight = rows.1 / current;
            known += weight * weight / rows.0;
            let cells = shares.iter_mut().zip(&mut counts).zip(&mut expected);
            for (((share, count), expected), cell) in cells.zip(*table) {
                share.0 += weight * cell.0 as f64 / rows.0;
                share.1 += cell.1 as f64 / current;
                *count = (count.0.saturating_add(cell.0), count.1.saturating_add(cell.1));
                *expected += (cell.0 as f64 + cell.1 as f64) * rows.0.min(rows.1) / (rows.0 + rows.1);
            }
        }
        let groups = group(&expected, &counts);
        let test = tested(&strata, &groups);
        for (count, share) in counts.iter_mut().zip(&shares) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of rows that there are"
            )]
            let rows = (share.0 / known).round() as u64;
            count.0 = rows;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a sum of counts")]
        Some(Self { shares, counts, alone: alone as u64, test })
    }
}

/// One stratum and its rows on both sides.
struct Stratum<'a> {
    table: &'a [(u64, u64)],
    rows: (f64, f64),
}

impl<'a> Stratum<'a> {
    fn of(table: &'a [(u64, u64)]) -> Self {
        let rows = table.iter().fold((0.0, 0.0), |sum, cell| (sum.0 + cell.0 as f64, sum.1 + cell.1 as f64));
        Self { table, rows }
    }
}

/// Each cell that expects enough is one of the test's, and the others together as many as that makes.
fn alike(expected: &[f64]) -> Vec<usize> {
    let least = EXPECTED.max(expected.iter().sum::<f64>() / MOST_CELLS);
    let mut groups = vec![0; expected.len()];
    // The first group takes what the last one that is open leaves.
    let (mut next, mut open, mut sum) = (0, None, 0.0);
    for (group, expected) in groups.iter_mut().zip(expected) {
        if *expected >= least {
            *group = next;
            next += 1;
            continue;
        }
        let at = *open.get_or_insert_with(|| {
            next += 1;
            next - 1
        });
        *group = at;
        sum += expected;
        if sum >= least {
            (open, sum) = (None, 0.0);
        }
    }
    if let Some(rest) = open {
        // What is left is too little for a cell of its own.
        let other = if rest == 0 { 1 } else { 0 };
        if other < next {
            groups.iter_mut().filter(|group| **group == rest).for_each(|group| *group = other);
        }
    }
    groups
}

/// Neighbours together until the reference has enough of each for both sides.
fn neighbours(counts: &[(u64, u64)]) -> Vec<usize> {
    let sum = |of: fn(&(u64, u64)) -> u64| counts.iter().map(of).sum::<u64>() as f64;
    let ratio = (sum(|cell| cell.1) / sum(|cell| cell.0)).min(1.0);
    let (mut group, mut open) = (0, 0.0);
    let mut groups: Vec<usize> = Vec::with_capacity(counts.len());
    for cell in counts {
        groups.push(group);
        open += cell.0 as f64 * ratio;
        if open >= EXPECTED {
            (group, open) = (group + 1, 0.0);
        }
    }
    // The last ones may be too few.
    let last = group.saturating_sub(1);
    groups.iter_mut().for_each(|group| *group = (*group).min(last));
    groups
}

fn tested(strata: &[Stratum<'_>], groups: &[usize]) -> Option<Contingency> {
    // One cell follows from the others.
    let width = groups.iter().max().copied().filter(|last| *last > 0)?;
    let (mut differences, mut covariance) = (vec![0.0; width], vec![0.0; width * width]);
    let mut expected = vec![0.0; width + 1];
    let mut n = 0.0;
    for Stratum { table, rows: (left, right) } in strata {
        let all = left + right;
        n += all;
        let mut cells = vec![(0.0, 0.0); width + 1];
        for (group, cell) in groups.iter().zip(*table) {
            if let Some(sum) = cells.get_mut(*group) {
                *sum = (sum.0 + cell.0 as f64, sum.1 + cell.1 as f64);
            }
        }
        for (expected, cell) in expected.iter_mut().zip(&cells) {
            *expected += (cell.0 + cell.1) * left.min(*right) / all;
        }
        let scale = left * right / (all * all * (all - 1.0));
        let lines = covariance.chunks_exact_mut(width).zip(&mut differences).zip(&cells);
        for (at, ((line, difference), cell)) in lines.enumerate() {
            let total = cell.0 + cell.1;
            *difference += cell.1 - right * total / all;
            for (other, (place, beside)) in line.iter_mut().zip(&cells).enumerate() {
                let own = if other == at { all } else { 0.0 };
                *place += scale * total * (own - beside.0 - beside.1);
            }
        }
    }
    let (statistic, df) = quadratic(covariance, differences);
    (df > 0).then(|| Contingency {
        statistic,
        df,
        p_value: PValue::of(law::upper(statistic, f64::from(df))),
        // A group that was put to another one is empty.
        smallest_expected: expected.into_iter().filter(|of| *of > 0.0).fold(f64::INFINITY, f64::min),
        cramers_v: (statistic / n).sqrt(),
    })
}

/// d' C⁻ d for a covariance and its rank, by elimination; what follows from the places before adds nothing.
fn quadratic(mut covariance: Vec<f64>, mut differences: Vec<f64>) -> (f64, u32) {
    const FOLLOWS: f64 = 1e-9;
    let width = differences.len();
    let whole: Vec<f64> = covariance.iter().step_by(width + 1).copied().collect();
    let (mut statistic, mut rank) = (0.0, 0);
    for (at, whole) in whole.iter().enumerate() {
        let (above, below) = covariance.split_at_mut((at + 1) * width);
        let line = above.get(at * width..).unwrap_or_default();
        let (before, after) = differences.split_at_mut(at + 1);
        let (Some(pivot), Some(difference)) = (line.get(at), before.last()) else { continue };
        if *pivot <= FOLLOWS * whole || *pivot <= 0.0 {
            continue;
        }
        statistic += difference * difference / pivot;
        rank += 1;
        for (other, later) in below.chunks_exact_mut(width).zip(after) {
            let factor = other.get(at).map_or(0.0, |cell| cell / pivot);
            other.iter_mut().zip(line).skip(at).for_each(|(cell, first)| *cell -= factor * first);
            *later -= factor * difference;
        }
    }
    (statistic, rank)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::chi_squared;
    use crate::random::Random;

    /// One stratum: Pearson's statistic times (n − 1) / n.
    #[test]
    fn one_stratum_is_the_usual_test() {
        let table = vec![(30, 20), (25, 45), (60, 40), (10, 12)];
        let (left, right): (Vec<u64>, Vec<u64>) = table.iter().copied().unzip();
        let usual = chi_squared(&left, &right).unwrap();
        let got = Stratified::of(&[table]).unwrap().test.unwrap();
        assert_eq!(got.df, usual.df);
        assert!((got.statistic - usual.statistic * 241.0 / 242.0).abs() < 1e-9, "{got:?} {usual:?}");
    }

    /// R, `mantelhaen.test(UCBAdmissions, correct = FALSE)`: 1.5246 with one degree of freedom.
    #[test]
    fn admissions_of_berkeley() {
        let strata = [
            [(512, 89), (313, 19)],
            [(353, 17), (207, 8)],
            [(120, 202), (205, 391)],
            [(138, 131), (279, 244)],
            [(53, 94), (138, 299)],
            [(22, 24), (351, 317)],
        ];
        let tables: Vec<Vec<(u64, u64)>> = strata.iter().map(|table| table.to_vec()).collect();
        let test = Stratified::of(&tables).unwrap().test.unwrap();
        assert!((test.statistic - 1.5246).abs() < 5e-5 && test.df == 1, "{test:?}");
    }

    #[test]
    fn odd_strata_say_nothing() {
        assert_eq!(Stratified::of(&[]), None);
        assert_eq!(Stratified::of(&[vec![(5, 0), (3, 0)], vec![(0, 7)]]), None);
        // A stratum that one side alone has is not compared, and counted.
        let compared = Stratified::of(&[vec![(50, 50), (50, 50)], vec![(0, 7)]]).unwrap();
        assert_eq!((compared.alone, compared.test.unwrap().statistic), (7, 0.0));
        // Cells that one stratum alone has: the ranks add up.
        let apart = Stratified::of(&[vec![(40, 50), (60, 50)], vec![(0, 0), (0, 0), (70, 60), (30, 40)]]);
        assert_eq!(apart.unwrap().test.unwrap().df, 2);
        assert_eq!(Stratified::of(&[vec![(9, 9)]]).unwrap().test, None);
    }

    /// The level is held where every stratum differs, some have a handful of rows, and many cells are rare.
    #[test]
    fn the_level_is_held_in_small_strata() {
        let mut random = Random::new(29);
        let (runs, mut alarms) = (2_000_u32, 0_u32);
        for _ in 0..runs {
            let mut tables = Vec::new();
            for stratum in 0..24_usize {
                let mut table = vec![(0_u64, 0_u64); 30];
                let mut draw = || {
                    let most = random.below(20) + 1;
                    random.below(most) + stratum % 10
                };
                (0..20 + stratum).for_each(|_| table[draw()].0 += 1);
                (0..4 + stratum / 2).for_each(|_| table[draw()].1 += 1);
                tables.push(table);
            }
            let test = Stratified::of(&tables).unwrap().test.unwrap();
            alarms += u32::from(test.p_value.at_most(0.05));
        }
        assert!((60..=135).contains(&alarms), "{alarms} of {runs}");
    }
}
