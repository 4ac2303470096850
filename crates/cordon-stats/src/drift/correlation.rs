use crate::PValue;
use crate::distribution::student_t;
use crate::interval::Level;

/// Fewer rows than this on either side say nothing of a correlation; where values are tied, as many as tell as much.
const LEAST: f64 = 50.0;
/// The variance of ranks without ties, as shares of the rows, times this is one.
const OF_EVEN: f64 = 12.0;

/// Spearman's rank correlation of two columns of a table: Pearson's of mid-ranks, so that far values, and any scale that keeps the
/// order, do not matter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankCorrelation {
    /// Rows with a number in both columns.
    pub rows: u64,
    /// From −1 to 1.
    pub value: f64,
    /// Its standard error, from the influence of each row (von Mises' expansion: Hampel 1974; of Spearman's: Croux and Dehon 2010, here
    /// with ties). It assumes independent rows and nothing of their distribution, where Fisher's assumes normal columns.
    pub error: f64,
}

impl RankCorrelation {
    /// On Fisher's scale, on which the error hardly depends on the value: the value, and its standard error.
    fn stretched(&self) -> (f64, f64) {
        let rows = self.rows as f64;
        // A perfect order has no spread of its own: it counts as one row short of it, with an error as of columns that have nothing in
        // common, which is the largest that is seen.
        let nearly = 1.0 - 1.0 / rows;
        if self.value.abs() >= nearly {
            return (nearly.copysign(self.value).atanh(), rows.sqrt().recip());
        }
        (self.value.atanh(), self.error / (1.0 - self.value * self.value))
    }

    /// Its interval, by Fisher's scale.
    pub fn interval(&self, level: Level) -> (f64, f64) {
        let (middle, error) = self.stretched();
        let half = level.z() * error;
        ((middle - half).tanh().min(self.value), (middle + half).tanh().max(self.value))
    }
}

/// Two columns that were correlated in one way and are now in another, or are not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairDrift {
    /// Which columns, the lower one first.
    pub columns: (usize, usize),
    /// In the reference.
    pub reference: RankCorrelation,
    /// In the current data.
    pub current: RankCorrelation,
    /// Could chance explain the difference? The difference on Fisher's scale over its error, by Student's law with the rows of the
    /// smaller side less two: somewhat cautious, which few rows need.
    pub p_value: PValue,
}

impl PairDrift {
    /// Current less reference.
    pub fn change(&self) -> f64 {
        self.current.value - self.reference.value
    }

    /// The interval of the change, from those of both sides (Zou, "Toward using confidence intervals to compare correlations", 2007).
    pub fn interval(&self, level: Level) -> (f64, f64) {
        let (was, is) = (self.reference.interval(level), self.current.interval(level));
        let below = (self.current.value - is.0).hypot(was.1 - self.reference.value);
        let above = (is.1 - self.current.value).hypot(self.reference.value - was.0);
        (self.change() - below, self.change() + above)
    }
}

/// Which pairs of columns are correlated otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Correlations {
    /// Every pair that can be compared, in the order of the columns. Their p-values are not corrected.
    pub pairs: Vec<PairDrift>,
    /// Pairs that were looked at and have too few rows with both, or hardly vary, on one side.
    pub too_few: u64,
}

/// Compares the correlations of all pairs of columns: a column as its values in rows, NaN where a row has none, and none where a side
/// lacks it. Columns are the same ones on both sides by their place, and rows the same ones by theirs within each side.
///
/// ```
/// use cordon_stats::drift::correlations;
/// let x: Vec<f64> = (0..200).map(|i| f64::from(i * 37 % 200)).collect();
/// let (same, opposite): (Vec<f64>, Vec<f64>) = x.iter().map(|x| (x * x, -x)).unzip();
/// let found = correlations(&[Some(&x), Some(&same)], &[Some(&x), Some(&opposite)]);
/// assert_eq!(found.pairs[0].change(), -2.0);
/// assert!(found.pairs[0].p_value.at_most(1e-9));
/// ```
pub fn correlations(reference: &[Option<&[f64]>], current: &[Option<&[f64]>]) -> Correlations {
    let [was, is] = [reference, current].map(|side| -> Vec<Option<Ordered<'_>>> {
        side.iter().map(|column| column.map(Ordered::of)).collect()
    });
    let both: Vec<(usize, &Ordered<'_>, &Ordered<'_>)> = was
        .iter()
        .zip(&is)
        .enumerate()
        .filter_map(|(at, (was, is))| Some((at, was.as_ref()?, is.as_ref()?)))
        .collect();
    let mut found = Correlations { pairs: Vec::new(), too_few: 0 };
    let mut work = Work::default();
    for (place, (first, was, is)) in both.iter().enumerate() {
        for (second, was_second, is_second) in both.iter().skip(place + 1) {
            let sides = work.of(was, was_second).zip(work.of(is, is_second));
            let Some((reference, current)) = sides else {
                found.too_few += 1;
                continue;
            };
            let p_value = tested(&reference, &current);
            found.pairs.push(PairDrift { columns: (*first, *second), reference, current, p_value });
        }
    }
    found
}

fn tested(reference: &RankCorrelation, current: &RankCorrelation) -> PValue {
    let ((was, error), (is, error_now)) = (reference.stretched(), current.stretched());
    let difference = is - was;
    if difference == 0.0 {
        return PValue::of(1.0);
    }
    let df = reference.rows.min(current.rows) as f64 - 2.0;
    PValue::of(student_t::two_sided(difference / error.hypot(error_now), df))
}

/// A column and its rows in the order of its values.
struct Ordered<'a> {
    values: &'a [f64],
    order: Vec<usize>,
}

impl<'a> Ordered<'a> {
    fn of(values: &'a [f64]) -> Self {
        let mut order: Vec<usize> = (0..values.len()).filter(|row| at(values, *row).is_finite()).collect();
        order.sort_unstable_by(|a, b| at(values, *a).total_cmp(&at(values, *b)));
        Self { values, order }
    }
}

fn at(values: &[f64], row: usize) -> f64 {
    values.get(row).copied().unwrap_or(f64::NAN)
}

/// What a pair needs, kept for the next one. By row where it says nothing else.
#[derive(Default)]
struct Work {
    sides: [Ranked; 2],
    influence: Vec<f64>,
}

/// One column of a pair, in the rows that both have.
#[derive(Default)]
struct Ranked {
    /// Those rows in the order of the values, and after which of them another value begins.
    order: Vec<usize>,
    ends: Vec<usize>,
    /// Mid-ranks as shares of the rows, less their mean.
    ranks: Vec<f64>,
}

impl Ranked {
    /// Ranks the rows that the other column has too.
    fn fill(&mut self, column: &Ordered<'_>, other: &Ordered<'_>) {
        let Self { order, ends, ranks } = self;
        order.clear();
        order.extend(column.order.iter().filter(|row| at(other.values, **row).is_finite()));
        ends.clear();
        ranks.clear();
        ranks.resize(column.values.len(), 0.0);
        let rows = order.len() as f64;
        for group in order.chunk_by(|a, b| at(column.values, *a) == at(column.values, *b)) {
            let start = ends.last().copied().unwrap_or(0);
            let end = start + group.len();
            let rank = ((start + end) as f64 - rows) / (2.0 * rows);
            group.iter().for_each(|row| set(ranks, *row, |place| *place = rank));
            ends.push(end);
        }
    }

    /// Equal values after each other, the highest first.
    fn descending(&self) -> impl Iterator<Item = &[usize]> {
        let ends = self.ends.iter().rev();
        let begins = self.ends.iter().rev().skip(1).chain(&[0]);
        begins.zip(ends).filter_map(|(begin, end)| self.order.get(*begin..*end))
    }

    /// Adds to each row's influence so many times the mean of what rows above it weigh; those that are equal count half.
    fn add_above(&self, weights: &[f64], times: f64, influence: &mut [f64]) {
        let mut above = 0.0;
        let times = times / self.order.len() as f64;
        for group in self.descending() {
            let here: f64 = group.iter().map(|row| at(weights, *row)).sum();
            let mean = (above + here / 2.0) * times;
            group.iter().for_each(|row| set(influence, *row, |place| *place += mean));
            above += here;
        }
    }

    fn mean_of(&self, of: impl Fn(usize) -> f64) -> f64 {
        self.order.iter().map(|row| of(*row)).sum::<f64>() / self.order.len() as f64
    }
}

fn set(values: &mut [f64], row: usize, change: impl FnOnce(&mut f64)) {
    if let Some(place) = values.get_mut(row) {
        change(place);
    }
}

impl Work {
    /// The correlation of two columns of one table; none where too few rows tell.
    fn of(&mut self, first: &Ordered<'_>, second: &Ordered<'_>) -> Option<RankCorrelation> {
        let Self { sides: [x, y], influence } = self;
        x.fill(first, second);
        y.fill(second, first);
        let rows = x.order.len() as f64;
        let spread = |side: &Ranked| side.mean_of(|row| at(&side.ranks, row).powi(2));
        let (of_x, of_y) = (spread(x), spread(y));
        // Without a row the spread is no number.
        let telling = rows * OF_EVEN * of_x.min(of_y);
        if telling.is_nan() || telling < LEAST {
            return None;
        }
        let together = x.mean_of(|row| at(&x.ranks, row) * at(&y.ranks, row));
        let scale = (of_x * of_y).sqrt();
        let value = (together / scale).clamp(-1.0, 1.0);
        // The influence of a row on the mean product of ranks is its own product, and how it moves the ranks of the rows above it; on
        // both variances likewise. What is left out here is the same in every row.
        influence.clear();
        influence.resize(first.values.len(), 0.0);
        x.add_above(&y.ranks, 1.0 / scale, influence);
        y.add_above(&x.ranks, 1.0 / scale, influence);
        x.add_above(&x.ranks, -value / of_x, influence);
        y.add_above(&y.ranks, -value / of_y, influence);
        for row in &x.order {
            let (u, v) = (at(&x.ranks, *row), at(&y.ranks, *row));
            let own = u * v / scale - value / 2.0 * (u * u / of_x + v * v / of_y);
            set(influence, *row, |place| *place += own);
        }
        let mean = x.mean_of(|row| at(influence, row));
        let square = x.mean_of(|row| (at(influence, row) - mean).powi(2));
        let error = (square / (rows - 1.0)).sqrt();
        Some(RankCorrelation { rows: x.order.len() as u64, value, error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fdr;
    use crate::random::Random;
    use proptest::prelude::*;

    fn one(x: &[f64], y: &[f64]) -> Option<RankCorrelation> {
        Work::default().of(&Ordered::of(x), &Ordered::of(y))
    }

    /// Straight from the definitions, row against row: the rank of each, then each row left out in turn.
    fn by_definition(x: &[f64], y: &[f64]) -> (f64, f64) {
        let value = |left_out: Option<usize>| {
            let rows: Vec<usize> = (0..x.len())
                .filter(|row| x[*row].is_finite() && y[*row].is_finite() && Some(*row) != left_out)
                .collect();
            let rank = |of: &[f64], row: usize| -> f64 {
                let than = |other: &&usize| of[**other] < of[row];
                let like = |other: &&usize| of[**other] == of[row];
                rows.iter().filter(than).count() as f64 + 0.5 * rows.iter().filter(like).count() as f64
            };
            let ranks: Vec<(f64, f64)> = rows.iter().map(|row| (rank(x, *row), rank(y, *row))).collect();
            let n = ranks.len() as f64;
            let mean = n / 2.0;
            let sum = |of: &dyn Fn(&(f64, f64)) -> f64| ranks.iter().map(of).sum::<f64>();
            let cross = sum(&|(a, b)| (a - mean) * (b - mean));
            let (a, b) = (sum(&|(a, _)| (a - mean).powi(2)), sum(&|(_, b)| (b - mean).powi(2)));
            (cross / (a * b).sqrt(), n)
        };
        let (all, n) = value(None);
        let present = (0..x.len()).filter(|row| x[*row].is_finite() && y[*row].is_finite());
        let without: Vec<f64> = present.map(|row| value(Some(row)).0).collect();
        let mean = without.iter().sum::<f64>() / n;
        let jackknife = (n - 1.0) / n * without.iter().map(|one| (one - mean).powi(2)).sum::<f64>();
        (all, jackknife.sqrt())
    }

    /// The value is Spearman's with ties and missing values; the error is that of the jackknife but for terms of the order of 1/n.
    #[test]
    fn it_is_what_the_definitions_say() {
        let mut random = Random::new(7);
        for (case, ties) in [(0, 0.0), (1, 1.0), (2, 3.0)] {
            let (mut x, mut y) = (Vec::new(), Vec::new());
            for row in 0..300_u32 {
                let a = random.normal();
                let b = 0.7 * a + random.normal();
                let cut = |value: f64| if ties > 0.0 { (value * ties).round() } else { value };
                x.push(if row % 17 == 3 { f64::NAN } else { cut(a) });
                y.push(if row % 23 == 5 { f64::NAN } else { cut(b) });
            }
            let found = one(&x, &y).unwrap();
            let (value, error) = by_definition(&x, &y);
            assert!((found.value - value).abs() < 1e-12, "{case}: {found:?} {value}");
            assert!((found.error / error - 1.0).abs() < 0.03, "{case}: {found:?} {error}");
            assert_eq!(found.rows, x.iter().zip(&y).filter(|(x, y)| (*x + *y).is_finite()).count() as u64);
        }
    }

    #[test]
    fn odd_columns_are_not_compared_and_perfect_ones_do_not_change() {
        let even: Vec<f64> = (0..400).map(f64::from).collect();
        let constant = vec![3.0; 400];
        let rare: Vec<f64> = (0..400_u32).map(|row| f64::from(u8::from(row == 7))).collect();
        let empty = vec![f64::NAN; 400];
        let columns = [&even, &constant, &rare, &empty, &even].map(|column| Some(column.as_slice()));
        let found = correlations(&columns, &columns);
        // The column with itself is the only pair.
        assert_eq!((found.pairs.len(), found.too_few), (1, 9));
        let pair = found.pairs[0];
        assert_eq!((pair.columns, pair.change(), pair.p_value), ((0, 4), 0.0, PValue::of(1.0)));
        assert!(pair.reference.error.abs() < 1e-12 && pair.reference.value == 1.0, "{pair:?}");
        assert_eq!(correlations(&[None, Some(&even)], &[Some(&even), None]).pairs, []);
        assert_eq!(correlations(&[Some(&[]), Some(&[])], &[Some(&[]), Some(&[])]).too_few, 1);
        // A perfect order that breaks is seen.
        let broken: Vec<f64> = even.iter().map(|x| if x % 4.0 == 0.0 { 400.0 - x } else { *x }).collect();
        let found = correlations(&[Some(&even), Some(&even)], &[Some(&even), Some(&broken)]);
        assert!(found.pairs[0].p_value.at_most(1e-6) && found.pairs[0].interval(Level::P95).1 < 0.0);
    }

    /// Equal dependence on both sides in eight columns, 28 pairs: Holm's correction alarms in one of twenty runs at most, also where
    /// tails are heavy, values tied, or one side small. And where the correlation changed, it is seen.
    #[test]
    fn the_level_is_held_and_changes_are_seen() {
        let runs = 120_u32;
        for (rows, now, kind) in [(300, 300, 0), (60, 600, 1), (400, 150, 2)] {
            let mut random = Random::new(91);
            let mut draw = |rows: usize, extra: f64| -> Vec<Vec<f64>> {
                let mut columns = vec![Vec::new(); 8];
                for _ in 0..rows {
                    let common = random.normal();
                    // Far values come together in all columns.
                    let scale = if kind == 1 { 1.0 / (random.unit() + 1e-9) } else { 1.0 };
                    for (at, column) in columns.iter_mut().enumerate() {
                        let loading = if at < 2 { 0.5 + extra } else { 0.5 };
                        let value = scale * (loading * common + random.normal());
                        column.push(if kind == 2 { value.round() } else { value });
                    }
                }
                columns
            };
            let mut alarms = [0_u32; 2];
            for run in 0..2 * runs {
                let changed = run % 2 == 1;
                let (was, is) = (draw(rows, 0.0), draw(now, if changed { 1.5 } else { 0.0 }));
                let [was, is] = [&was, &is]
                    .map(|side| side.iter().map(|column| Some(column.as_slice())).collect::<Vec<_>>());
                let found = correlations(&was, &is);
                assert_eq!((found.pairs.len(), found.too_few), (28, 0));
                let p_values: Vec<f64> = found.pairs.iter().map(|pair| pair.p_value.upper_bound()).collect();
                let is_alarm = fdr::holm(&p_values).unwrap().iter().any(|p| *p <= 0.05);
                alarms[usize::from(changed)] += u32::from(is_alarm);
            }
            // Three standard deviations of the count at the level.
            assert!(
                alarms[0] <= 13 && alarms[1] > runs * 7 / 10,
                "{rows} {now} {kind}: {alarms:?} of {runs}"
            );
        }
    }

    proptest! {
        #[test]
        fn anything_gives_numbers(
            cells in prop::collection::vec((prop_oneof![Just(f64::NAN), Just(f64::MAX), -3f64..3.0, any::<f64>()], -2i32..3), 0..400),
            cut in 0usize..400,
        ) {
            let x: Vec<f64> = cells.iter().map(|cell| cell.0).collect();
            let y: Vec<f64> = cells.iter().map(|cell| f64::from(cell.1)).collect();
            let cut = cut.min(x.len());
            let found = correlations(&[Some(&x[..cut]), Some(&y[..cut])], &[Some(&x[cut..]), Some(&y[cut..])]);
            for pair in &found.pairs {
                let (low, high) = pair.interval(Level::P95);
                prop_assert!(low <= pair.change() && pair.change() <= high && pair.change().abs() <= 2.0);
                prop_assert!(pair.p_value.upper_bound() > 0.0);
                prop_assert!(pair.reference.error >= 0.0 && pair.current.error.is_finite());
            }
            prop_assert_eq!(found.pairs.len() as u64 + found.too_few, 1);
        }
    }
}
