//! The file of the judge: read once, and refused where it is none.

use super::{FILTERS, Judge, ROWS, SEES, Trained, WIDTH};

/// Where the judge is asked, and what its opinion is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// From this sum of features on it is asked.
    pub from: f32,
    /// From here on it is not: the sum is sure enough.
    pub to: f32,
    /// How much of the opinion is added to the sum of features.
    pub share: f32,
    /// From here on both together are likely an attack, 0.3 and more.
    pub likely: f32,
    /// Here the score is 0.49.
    pub sure: f32,
}

/// A net as it was trained.
#[derive(Clone, Debug)]
pub struct Net {
    /// The table of words and pieces, row by row.
    pub rows: Vec<f32>,
    /// For each word that a filter sees, and each of its numbers, what each filter makes of it.
    pub filters: Vec<f32>,
    /// What each filter begins with.
    pub biases: Vec<f32>,
    /// What the highest answer of each filter is worth.
    pub out: Vec<f32>,
}

const MAGIC: &[u8] = b"CLJ1";
/// Bytes before the nets: the magic number, how many there are, and the bounds.
const HEAD: usize = 28;
/// Bytes of a net: steps and rows, and four-byte numbers.
const NET: usize = ROWS * (4 + WIDTH) + 4 * (SEES * WIDTH * FILTERS + 2 * FILTERS);
/// More nets take too long.
const MOST: u32 = 8;

impl Judge {
    /// Reads a file; what is wrong with it, if something is.
    pub(crate) fn read(file: &[u8]) -> Result<Self, &'static str> {
        let rest = file.strip_prefix(MAGIC).ok_or("not a file of a judge: it does not begin with CLJ1")?;
        let (head, mut rest) = rest.split_at_checked(HEAD - MAGIC.len()).ok_or("no head")?;
        let count = head.first_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        let numbers = numbers(head.get(4..).unwrap_or_default())?;
        let &[from, to, share, likely, sure] = &numbers[..] else { return Err("no bounds") };
        if count == 0 || count > MOST {
            return Err("no nets, or too many");
        }
        if from >= to || share <= 0.0 || likely >= sure {
            return Err("bounds that are out of order");
        }
        let mut nets = Vec::new();
        for _ in 0..count {
            let (net, after) = rest.split_at_checked(NET).ok_or("a net of another size")?;
            nets.push(Trained::read(net)?);
            rest = after;
        }
        if !rest.is_empty() {
            return Err("more than the nets");
        }
        Ok(Self { nets, bounds: Some(Bounds { from, to, share, likely, sure }) })
    }
}

impl Trained {
    fn read(net: &[u8]) -> Result<Self, &'static str> {
        let short = "a net of another size";
        let (steps, rest) = net.split_at_checked(ROWS * 4).ok_or(short)?;
        let (rows, rest) = rest.split_at_checked(ROWS * WIDTH).ok_or(short)?;
        let rest = numbers(rest)?;
        let (filters, rest) = rest.split_at_checked(SEES * WIDTH * FILTERS).ok_or(short)?;
        let (biases, out) = rest.split_at_checked(FILTERS).ok_or(short)?;
        let (filters, _) = filters.as_chunks::<FILTERS>();
        let (filters, _) = filters.as_chunks::<WIDTH>();
        let (rows, _) = rows.as_chunks::<WIDTH>();
        Ok(Self {
            rows: rows.iter().map(|row| row.map(u8::cast_signed)).collect(),
            steps: numbers(steps)?,
            filters: filters.to_vec(),
            biases: biases.try_into().map_err(|_| short)?,
            out: out.try_into().map_err(|_| short)?,
        })
    }
}

/// Numbers of four bytes each.
fn numbers(bytes: &[u8]) -> Result<Vec<f32>, &'static str> {
    let (numbers, _) = bytes.as_chunks::<4>();
    let numbers: Vec<f32> = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    if numbers.iter().all(|number| number.is_finite()) { Ok(numbers) } else { Err("a number that is none") }
}

/// The file of some nets. Each row is rounded to 255 steps of its own.
pub(crate) fn file(nets: &[Net], bounds: Bounds) -> Vec<u8> {
    let mut file = MAGIC.to_vec();
    file.extend(u32::try_from(nets.len()).unwrap_or(u32::MAX).to_le_bytes());
    for number in [bounds.from, bounds.to, bounds.share, bounds.likely, bounds.sure] {
        file.extend(number.to_le_bytes());
    }
    for net in nets {
        let (rows, _) = net.rows.as_chunks::<WIDTH>();
        let steps = rows.iter().map(|row| {
            let most = row.iter().fold(0.0_f32, |most, number| most.max(number.abs()));
            if most > 0.0 { most / 127.0 } else { 1.0 }
        });
        file.extend(steps.clone().flat_map(f32::to_le_bytes));
        #[expect(clippy::cast_possible_truncation, reason = "at most 127 steps, after the clamp")]
        let rounded = |number: f32, step: f32| (number / step).round().clamp(-127.0, 127.0) as i8;
        for (row, step) in rows.iter().zip(steps) {
            file.extend(row.iter().flat_map(|number| rounded(*number, step).to_le_bytes()));
        }
        for number in net.filters.iter().chain(&net.biases).chain(&net.out) {
            file.extend(number.to_le_bytes());
        }
    }
    file
}

#[cfg(test)]
mod tests {
    use super::super::{BIAS, FILE, words};
    use super::*;

    const BOUNDS: Bounds = Bounds { from: -1.0, to: 1.0, share: 0.25, likely: 0.2, sure: 1.0 };

    fn net() -> Net {
        let mut filters = vec![0.0; SEES * WIDTH * FILTERS];
        // The first filter answers with the first number of the last word.
        filters[2 * WIDTH * FILTERS] = 1.0;
        let mut out = vec![0.0; FILTERS];
        out[0] = 2.0;
        Net { rows: vec![0.5; ROWS * WIDTH], filters, biases: vec![0.0; FILTERS], out }
    }

    #[test]
    fn the_file_that_comes_with_the_crate_is_one() {
        assert!(!Judge::read(FILE).unwrap().nets.is_empty());
    }

    #[test]
    fn what_was_written_is_read_and_judges() {
        let judge = Judge::read(&file(&[net(), net()], BOUNDS)).unwrap();
        assert!(judge.is_asked(0.0) && !judge.is_asked(-1.5) && !judge.is_asked(1.0));
        // A sign has one row: one half, twice.
        let answers = judge.read_words(&words(b"!"));
        let opinion = judge.opinion([&answers[..]].into_iter());
        assert!((opinion - (BIAS + 1.0)).abs() < 0.02, "{opinion}");
        assert_eq!(judge.opinion(std::iter::empty()), BIAS);
        assert_eq!(judge.score(0.0, opinion), None);
        assert_eq!(judge.score(5.0, opinion), Some(cordon_core::Score::percent(49)));
        assert!(judge.score(0.5, 0.0).unwrap() < cordon_core::Score::percent(50));
    }

    #[test]
    fn a_file_that_is_none_is_refused() {
        let good = file(&[net()], BOUNDS);
        assert!(Judge::read(&good).is_ok());
        let changed = |at: usize, bytes: [u8; 4]| {
            let mut file = good.clone();
            file[at..at + 4].copy_from_slice(&bytes);
            file
        };
        for (file, reason) in [
            (&b""[..], "not a file"),
            (b"CLJ2", "not a file"),
            (b"CLJ1", "no head"),
            (&good[..good.len() - 1], "another size"),
            (&[&good[..], b"x"].concat(), "more than"),
            (&changed(4, [0; 4]), "no nets"),
            (&changed(4, [255; 4]), "no nets"),
            (&changed(8, f32::NAN.to_le_bytes()), "none"),
            (&changed(8, 2.0_f32.to_le_bytes()), "out of order"),
            (&changed(28, f32::NAN.to_le_bytes()), "none"),
        ] {
            assert!(Judge::read(file).unwrap_err().contains(reason), "{reason}");
        }
    }
}
