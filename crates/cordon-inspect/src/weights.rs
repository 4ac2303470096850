//! The weights of the model of injection, as they are in a file: read once, and refused where it is no such file.

use cordon_core::Score;

/// Where a text comes from, for the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// People write it.
    Direct,
    /// Documents and tools bring it.
    Indirect,
}

/// How much a sum is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// It is of few words: a text has many such pieces, encoded ones too, and most say nothing.
    Little,
    /// It is of as many words as it takes.
    Enough,
}

/// What differs by side: the sums from which on a text is reported.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// What is added to every sum.
    pub bias: f32,
    /// From here on the score is 0.3 and more.
    pub likely: f32,
    /// From here on it is 0.6 and more.
    pub sure: f32,
}

/// The weights.
#[derive(Debug)]
pub(crate) struct Weights {
    table: Vec<i8>,
    /// What one step of a weight is.
    step: f32,
    sides: [Limits; 2],
}

/// Weights in the table.
pub(crate) const BUCKETS: usize = 1 << 19;
/// What is added to the number of features: few words say little, whatever they are.
const PRIOR: f32 = 24.0;
/// A sum of weights is divided by this: it grows with what was read, or long texts would have the highest sums.
pub(crate) fn divisor(features: u16) -> f32 {
    (f32::from(features) + PRIOR) / 10.0
}

/// Bytes before the table: the magic number, the step, and three numbers of each side.
const HEAD: usize = 32;
const MAGIC: &[u8] = b"CLM1";
/// The file that was trained.
pub(crate) const FILE: &[u8] = include_bytes!("../models/injection.bin");

impl Weights {
    /// The weights that come with the crate. Without any weight, so that nothing is found, only if the file were none: a
    /// test excludes that.
    pub(crate) fn builtin() -> Self {
        let none = Limits { bias: 0.0, likely: f32::INFINITY, sure: f32::INFINITY };
        Self::read(FILE).unwrap_or(Self { table: Vec::new(), step: 0.0, sides: [none; 2] })
    }

    /// Reads a file; what is wrong with it, if something is.
    pub(crate) fn read(file: &[u8]) -> Result<Self, &'static str> {
        let rest = file.strip_prefix(MAGIC).ok_or("not a file of weights: it does not begin with CLM1")?;
        let (numbers, table) = rest
            .split_at_checked(HEAD - MAGIC.len())
            .filter(|(_, table)| table.len() == BUCKETS)
            .ok_or("weights of another size")?;
        let (numbers, _) = numbers.as_chunks::<4>();
        let mut numbers = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes));
        let mut next = || numbers.next().filter(|number| number.is_finite()).ok_or("a number that is none");
        let step = next()?;
        let mut limits = || Ok::<_, &'static str>(Limits { bias: next()?, likely: next()?, sure: next()? });
        let sides: [Limits; 2] = [limits()?, limits()?];
        if step <= 0.0 || sides.iter().any(|side| side.likely >= side.sure || side.likely <= side.bias) {
            return Err("limits that are out of order");
        }
        Ok(Self { table: table.iter().map(|byte| byte.cast_signed()).collect(), step, sides })
    }

    #[inline]
    pub(crate) fn weight(&self, feature: u32) -> i32 {
        usize::try_from(feature).ok().and_then(|at| self.table.get(at)).map_or(0, |weight| i32::from(*weight))
    }

    const fn limits(&self, side: Side) -> Limits {
        let [direct, indirect] = self.sides;
        match side {
            Side::Direct => direct,
            Side::Indirect => indirect,
        }
    }

    /// The sum of the weights of so many features, as it is compared with the limits.
    #[expect(clippy::cast_precision_loss, reason = "sums of some hundred weights of a byte each")]
    pub(crate) fn sum(&self, side: Side, sum: i32, features: u16) -> f32 {
        self.limits(side).bias + self.step * sum as f32 / divisor(features)
    }

    /// How sure such a sum is, as [`Limits::score`] says.
    pub(crate) fn score(&self, side: Side, z: f32, evidence: Evidence) -> Option<Score> {
        self.limits(side).score(z, evidence)
    }
}

impl Limits {
    /// How sure a sum is: 0.3 to 0.49 where it is likely, 0.6 to 0.79 where it is sure. What is likely stays below
    /// what guards usually act on, and what only words speak for is not said as surely as what phrases say. With little evidence what is
    /// sure is only likely, and what is likely is not said: in a document "write to Ana now" is an order to whoever reads it.
    pub(crate) fn score(self, z: f32, evidence: Evidence) -> Option<Score> {
        let least = match evidence {
            Evidence::Little => self.sure,
            Evidence::Enough => self.likely,
        };
        if z < least {
            return None;
        }
        let share = |from: f32| f64::from(((z - from) / (self.sure - self.likely)).clamp(0.0, 1.0));
        let score = match evidence {
            Evidence::Enough if z >= self.sure => 0.6 + 0.19 * share(self.sure),
            Evidence::Enough | Evidence::Little => 0.3 + 0.19 * share(self.likely),
        };
        Score::from_f64(score).ok()
    }
}

/// The file of some weights: people's texts, then documents and tool results. Weights are rounded to 255 steps.
pub(crate) fn file(weights: &[f32], sides: [Limits; 2]) -> Vec<u8> {
    let most = weights.iter().fold(0.0_f32, |most, weight| most.max(weight.abs()));
    let step = if most > 0.0 { most / 127.0 } else { 1.0 };
    let mut file = MAGIC.to_vec();
    file.extend(step.to_le_bytes());
    for side in sides {
        for number in [side.bias, side.likely, side.sure] {
            file.extend(number.to_le_bytes());
        }
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 127 steps, after the clamp")]
    let rounded = |weight: &f32| (weight / step).round().clamp(-127.0, 127.0) as i8;
    file.extend(weights.iter().take(BUCKETS).flat_map(|weight| rounded(weight).to_le_bytes()));
    file.resize(HEAD + BUCKETS, 0);
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
    }

    #[test]
    fn what_was_written_is_read() {
        let mut table = vec![0.0; BUCKETS];
        table[7] = 1.27;
        table[8] = -0.5;
        let weights = Weights::read(&file(&table, [LIMITS, Limits { sure: 2.0, ..LIMITS }])).unwrap();
        assert_eq!((weights.weight(7), weights.weight(8), weights.weight(9)), (127, -50, 0));
        assert_eq!(weights.weight(u32::MAX), 0);
        // Sums over 2.5: -2 + 2.4, -2 + 6, and -2 + 3.4 where 2 is sure.
        let score = |side, sum, evidence| weights.score(side, weights.sum(side, sum, 1), evidence);
        assert_eq!(score(Side::Direct, 600, Evidence::Enough), None);
        assert_eq!(score(Side::Direct, 1500, Evidence::Enough), Some(Score::percent(79)));
        assert_eq!(score(Side::Direct, 1500, Evidence::Little), Some(Score::percent(49)));
        assert!(score(Side::Indirect, 850, Evidence::Enough).unwrap() < Score::percent(50));
        assert_eq!(score(Side::Indirect, 850, Evidence::Little), None);
        assert_eq!(score(Side::Indirect, 1500, Evidence::Little), Some(Score::percent(49)));
    }

    #[test]
    fn a_file_that_is_none_is_refused() {
        let good = file(&vec![1.0; BUCKETS], [LIMITS; 2]);
        assert!(Weights::read(&good).is_ok());
        let (short, long) = (&good[..good.len() - 1], [&good[..], b"x"].concat());
        let changed = |at: usize, bytes: [u8; 4]| {
            let mut file = good.clone();
            file[at..at + 4].copy_from_slice(&bytes);
            file
        };
        for (file, reason) in [
            (&b""[..], "not a file"),
            (b"CLM2", "not a file"),
            (b"CLM1", "another size"),
            (short, "another size"),
            (&long, "another size"),
            (&changed(4, f32::NAN.to_le_bytes()), "a number that is none"),
            (&changed(28, f32::INFINITY.to_le_bytes()), "a number that is none"),
            (&changed(4, (-1.0_f32).to_le_bytes()), "out of order"),
            (&changed(4, [0; 4]), "out of order"),
            (&changed(16, 0.1_f32.to_le_bytes()), "out of order"),
            (&changed(12, (-3.0_f32).to_le_bytes()), "out of order"),
        ] {
            assert!(Weights::read(file).unwrap_err().contains(reason), "{reason}");
        }
    }
}
