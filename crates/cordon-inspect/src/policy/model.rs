//! The weights of the model, as they are in a file: read once, and refused where it is no such file.

use cordon_core::Score;

/// Categories that are judged, each a column of the table.
pub(crate) const COLUMNS: usize = 16;
/// Features that are told apart.
pub(crate) const BUCKETS: usize = 1 << 14;
/// The first of them are of classes of words and of pairs of these, all others of words.
pub(crate) const OF_CLASSES: u32 = 1 << 12;
pub(crate) const OF_WORDS: u32 = (1 << 14) - OF_CLASSES;
/// What is added to the number of features: few words say little, whatever they are.
const PRIOR: f32 = 24.0;
/// Bytes before the table: the magic number, the step and three numbers.
const HEAD: usize = 20;
const MAGIC: &[u8] = b"CLP1";
/// The file that was trained.
pub(crate) const FILE: &[u8] = include_bytes!("../../models/policy.bin");

/// From which sums on a block is reported.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// What is added to every sum.
    pub bias: f32,
    /// From here on the score is 0.4 and more.
    pub likely: f32,
    /// From here on it is 0.6 and more.
    pub sure: f32,
}

/// The sum of weights for each category.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums([i32; COLUMNS]);

/// The weights.
#[derive(Debug)]
pub(crate) struct Model {
    rows: Vec<[i8; COLUMNS]>,
    /// What one step of a weight is.
    step: f32,
    limits: Limits,
}

/// A sum of weights is divided by this: it grows with what was read, or long sentences would have the highest sums.
pub(crate) fn divisor(features: u16) -> f32 {
    (f32::from(features) + PRIOR) / 10.0
}

impl Model {
    /// The weights that come with the crate. Without any weight, so that nothing is found, only if the file were none: a test
    /// excludes that.
    pub(crate) fn builtin() -> Self {
        let limits = Limits { bias: 0.0, likely: f32::INFINITY, sure: f32::INFINITY };
        Self::read(FILE).unwrap_or(Self { rows: Vec::new(), step: 0.0, limits })
    }

    /// Reads a file; what is wrong with it, if something is.
    pub(crate) fn read(file: &[u8]) -> Result<Self, &'static str> {
        let rest = file.strip_prefix(MAGIC).ok_or("not a file of weights: it does not begin with CLP1")?;
        let (numbers, table) = rest
            .split_at_checked(HEAD - MAGIC.len())
            .filter(|(_, table)| table.len() == BUCKETS * COLUMNS)
            .ok_or("weights of another size")?;
        let (numbers, _) = numbers.as_chunks::<4>();
        let mut numbers = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes));
        let mut next = || numbers.next().filter(|number| number.is_finite()).ok_or("a number that is none");
        let step = next()?;
        let limits = Limits { bias: next()?, likely: next()?, sure: next()? };
        if step <= 0.0 || limits.likely >= limits.sure || limits.likely <= limits.bias {
            return Err("limits that are out of order");
        }
        let (rows, _) = table.as_chunks::<COLUMNS>();
        let rows = rows.iter().map(|row| row.map(u8::cast_signed)).collect();
        Ok(Self { rows, step, limits })
    }

    /// Adds the weights of a feature.
    #[inline]
    pub(crate) fn add(&self, feature: u32, sums: &mut Sums) {
        let Some(row) = usize::try_from(feature).ok().and_then(|at| self.rows.get(at)) else { return };
        for (sum, weight) in sums.0.iter_mut().zip(row) {
            *sum += i32::from(*weight);
        }
    }

    /// Which categories a block of so many features is of, the highest first: the likeliest, and whatever else is sure. The score is
    /// 0.4 to 0.59 where it is likely, 0.6 to 0.79 where it is sure: what words alone speak for is never certain.
    pub(crate) fn judge(&self, sums: &Sums, features: u16) -> impl Iterator<Item = (usize, Score)> {
        let limits = self.limits;
        #[expect(clippy::cast_precision_loss, reason = "sums of some hundred weights of a byte each")]
        let of = |sum: i32| limits.bias + self.step * sum as f32 / divisor(features);
        let mut sums: Vec<(usize, f32)> = sums.0.iter().map(|sum| of(*sum)).enumerate().collect();
        sums.sort_by(|a, b| b.1.total_cmp(&a.1));
        let told = move |(rank, (column, sum)): (usize, (usize, f32))| {
            let least = if rank == 0 { limits.likely } else { limits.sure };
            let share = |from: f32| f64::from(((sum - from) / (limits.sure - limits.likely)).clamp(0.0, 1.0));
            let score = if sum >= limits.sure {
                0.6 + 0.19 * share(limits.sure)
            } else {
                0.4 + 0.19 * share(limits.likely)
            };
            (sum >= least).then_some((column, Score::from_f64(score).ok()?))
        };
        sums.into_iter().enumerate().filter_map(told)
    }
}

/// The file of some weights, a row of columns for each feature, rounded to 255 steps.
pub(crate) fn file(weights: &[[f32; COLUMNS]], limits: Limits) -> Vec<u8> {
    let most = weights.as_flattened().iter().fold(0.0_f32, |most, weight| most.max(weight.abs()));
    let step = if most > 0.0 { most / 127.0 } else { 1.0 };
    let mut file = MAGIC.to_vec();
    for number in [step, limits.bias, limits.likely, limits.sure] {
        file.extend(number.to_le_bytes());
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 127 steps, after the clamp")]
    let rounded = |weight: &f32| (weight / step).round().clamp(-127.0, 127.0) as i8;
    let table = weights.iter().take(BUCKETS).flatten();
    file.extend(table.flat_map(|weight| rounded(weight).to_le_bytes()));
    file.resize(HEAD + BUCKETS * COLUMNS, 0);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { bias: -2.0, likely: 0.5, sure: 1.5 };

    #[test]
    fn the_file_that_comes_with_the_crate_is_one() {
        let model = Model::read(FILE).unwrap();
        assert!(model.rows.as_flattened().iter().any(|weight| *weight != 0));
        assert!(FILE.len() <= 300 << 10);
    }

    #[test]
    fn what_was_written_is_read() {
        let mut table = vec![[0.0; COLUMNS]; BUCKETS];
        table[7][3] = 1.27;
        table[7][4] = -0.5;
        let model = Model::read(&file(&table, LIMITS)).unwrap();
        let told = |times: usize| {
            let mut sums = Sums::default();
            (0..times).for_each(|_| model.add(7, &mut sums));
            model.add(u32::MAX, &mut sums);
            model
                .judge(&sums, 1)
                .map(|(column, score)| (column, score.millionths() / 10_000))
                .collect::<Vec<_>>()
        };
        // Sums of 1.27 over 2.5.
        assert_eq!(told(4), []);
        assert_eq!(told(5), [(3, 40)]);
        assert_eq!(told(40), [(3, 79)]);
    }

    #[test]
    fn a_file_that_is_none_is_refused() {
        let good = file(&vec![[1.0; COLUMNS]; BUCKETS], LIMITS);
        assert!(Model::read(&good).is_ok());
        let changed = |at: usize, number: f32| {
            let mut file = good.clone();
            file[at..at + 4].copy_from_slice(&number.to_le_bytes());
            file
        };
        for (file, reason) in [
            (&b""[..], "not a file"),
            (b"CLP2", "not a file"),
            (b"CLP1", "another size"),
            (&good[..good.len() - 1], "another size"),
            (&[&good[..], b"x"].concat(), "another size"),
            (&changed(4, f32::NAN), "a number that is none"),
            (&changed(4, -1.0), "out of order"),
            (&changed(12, 2.0), "out of order"),
            (&changed(12, -3.0), "out of order"),
        ] {
            assert!(Model::read(file).unwrap_err().contains(reason), "{reason}");
        }
    }
}
