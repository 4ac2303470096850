//! What the shapes of a text weigh, as it is in a file: read once, and refused where it is no such file.

use cordon_core::Score;

use super::shape::{KNOWN, Known, Piece};
pub use crate::weights::Limits;

/// Weights in the table.
pub(crate) const BUCKETS: usize = 1 << 16;
/// Features of each piece.
const EACH: usize = 4;
/// What is added to the number of features: few pieces say little.
const PRIOR: f32 = 24.0;
/// Bytes before the tables: the magic number, the step, and three limits.
const HEAD: usize = 20;
const MAGIC: &[u8] = b"CNS1";
/// The file that was trained.
pub(crate) const FILE: &[u8] = include_bytes!("../../models/noise.bin");

/// The weights, and the words that are known.
#[derive(Debug)]
pub(crate) struct Weights {
    table: Vec<i8>,
    step: f32,
    limits: Limits,
    pub(crate) known: Known,
}

impl Weights {
    /// The weights that come with the crate. Without any, so that nothing is found, only if the file were none: a test excludes that.
    pub(crate) fn builtin() -> Self {
        let limits = Limits { bias: 0.0, likely: f32::INFINITY, sure: f32::INFINITY };
        let none = Self { table: Vec::new(), step: 0.0, limits, known: Known::default() };
        Self::read(FILE).unwrap_or(none)
    }

    /// Reads a file; what is wrong with it, if something is.
    pub(crate) fn read(file: &[u8]) -> Result<Self, &'static str> {
        let rest = file.strip_prefix(MAGIC).ok_or("not a file of weights: it does not begin with CNS1")?;
        let (numbers, tables) = rest
            .split_at_checked(HEAD - MAGIC.len())
            .filter(|(_, tables)| tables.len() == BUCKETS + KNOWN)
            .ok_or("weights of another size")?;
        let (numbers, _) = numbers.as_chunks::<4>();
        let mut numbers = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes));
        let mut next = || numbers.next().filter(|number| number.is_finite()).ok_or("a number that is none");
        let step = next()?;
        let limits = Limits { bias: next()?, likely: next()?, sure: next()? };
        if step <= 0.0 || limits.likely >= limits.sure || limits.likely <= limits.bias {
            return Err("limits that are out of order");
        }
        let (table, known) = tables.split_at_checked(BUCKETS).ok_or("weights of another size")?;
        let table = table.iter().map(|byte| byte.cast_signed()).collect();
        Ok(Self { table, step, limits, known: Known(known.to_vec()) })
    }

    #[inline]
    pub(crate) fn weight(&self, feature: u16) -> i32 {
        self.table.get(usize::from(feature)).map_or(0, |weight| i32::from(*weight))
    }

    /// How sure such a sum of so many features is, if it says anything: 0.3 to 0.49 where it is likely, 0.6 to 0.79 where it is sure.
    #[expect(clippy::cast_precision_loss, reason = "sums of some hundred weights of a byte each")]
    pub(crate) fn score(&self, sum: i32, features: u16) -> Option<Score> {
        let Limits { bias, likely, sure } = self.limits;
        let z = bias + self.step * sum as f32 / divisor(features);
        let share = |from: f32| f64::from(((z - from) / (sure - likely)).clamp(0.0, 1.0));
        let score = match z {
            z if z >= sure => 0.6 + 0.19 * share(sure),
            z if z >= likely => 0.3 + 0.19 * share(likely),
            _ => return None,
        };
        Score::from_f64(score).ok()
    }
}

/// What the sum of the weights of so many features is divided by.
pub(crate) fn divisor(features: u16) -> f32 {
    (f32::from(features) + PRIOR) / 10.0
}

/// The features of a piece behind two others, the last one first: itself, and what it stands behind.
#[inline]
pub(crate) fn features(piece: Piece, [one, two]: [u64; 2]) -> [u16; EACH] {
    let own = piece.shape;
    let one = one.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let two = two.wrapping_mul(0xd6e8_feb8_6659_fd93);
    [
        spread(own),
        spread(own ^ one.rotate_left(17)),
        spread(own ^ one.rotate_left(23) ^ two.rotate_left(41)),
        spread(own ^ two.rotate_left(11)),
    ]
}

#[inline]
const fn spread(hash: u64) -> u16 {
    let hash = (hash ^ hash >> 32).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((hash ^ hash >> 29).wrapping_mul(0x94d0_49bb_1331_11eb) >> 48) as u16
}

/// The file of some weights and of the words that are known. Weights are rounded to 255 steps.
pub(crate) fn file(weights: &[f32], limits: Limits, known: &Known) -> Vec<u8> {
    let most = weights.iter().fold(0.0_f32, |most, weight| most.max(weight.abs()));
    let step = if most > 0.0 { most / 127.0 } else { 1.0 };
    let mut file = MAGIC.to_vec();
    for number in [step, limits.bias, limits.likely, limits.sure] {
        file.extend(number.to_le_bytes());
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 127 steps, after the clamp")]
    let rounded = |weight: &f32| (weight / step).round().clamp(-127.0, 127.0) as i8;
    file.extend(weights.iter().take(BUCKETS).flat_map(|weight| rounded(weight).to_le_bytes()));
    file.resize(HEAD + BUCKETS, 0);
    file.extend(&known.0);
    file.resize(HEAD + BUCKETS + KNOWN, 0);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { bias: -2.0, likely: 0.5, sure: 1.5 };

    #[test]
    fn the_file_that_comes_with_the_crate_is_one() {
        let weights = Weights::read(FILE).unwrap();
        assert!(weights.table.iter().any(|weight| *weight != 0));
        assert!(weights.known.0.iter().any(|four| *four != 0));
    }

    #[test]
    fn what_was_written_is_read_and_sums_are_scored() {
        let mut table = vec![0.0; BUCKETS];
        table[7] = 1.27;
        table[8] = -0.5;
        let mut known = Known::default();
        known.learn("the", 3);
        let weights = Weights::read(&file(&table, LIMITS, &known)).unwrap();
        assert_eq!((weights.weight(7), weights.weight(8), weights.weight(9)), (127, -50, 0));
        assert_eq!(weights.known.0, known.0);
        // Sums over 2.5: -2 + 2.4, -2 + 2.8, and -2 + 6.
        assert_eq!(weights.score(600, 1), None);
        assert!((0.3..0.5).contains(&weights.score(700, 1).unwrap().as_f64()));
        assert_eq!(weights.score(1500, 1), Some(Score::percent(79)));
    }

    #[test]
    fn a_file_that_is_none_is_refused() {
        let good = file(&vec![1.0; BUCKETS], LIMITS, &Known::default());
        assert!(Weights::read(&good).is_ok());
        let (short, long) = (&good[..good.len() - 1], [&good[..], b"x"].concat());
        let changed = |at: usize, bytes: [u8; 4]| {
            let mut file = good.clone();
            file[at..at + 4].copy_from_slice(&bytes);
            file
        };
        for (file, reason) in [
            (&b""[..], "not a file"),
            (b"CNS2", "not a file"),
            (b"CNS1", "another size"),
            (short, "another size"),
            (&long, "another size"),
            (&changed(4, f32::NAN.to_le_bytes()), "a number that is none"),
            (&changed(16, f32::INFINITY.to_le_bytes()), "a number that is none"),
            (&changed(4, [0; 4]), "out of order"),
            (&changed(16, 0.1_f32.to_le_bytes()), "out of order"),
            (&changed(12, (-3.0_f32).to_le_bytes()), "out of order"),
        ] {
            assert!(Weights::read(file).unwrap_err().contains(reason), "{reason}");
        }
    }
}
