//! The weights of the tagger and its vocabulary, as they are in a file: read once, and refused where it is no such file.

use super::token::hash;

/// What a word can be. Each kind has two labels, for its first word and for the others.
pub(super) const KINDS: usize = 4;
/// Labels beside the one for what is no name.
pub(super) const TAGS: usize = 2 * KINDS;
/// All labels: 0 is no name; `1 + 2 * kind` is the first word of a kind, the next one what continues it.
pub(super) const LABELS: usize = TAGS + 1;

/// The file that was trained.
pub(crate) const FILE: &[u8] = include_bytes!("../../models/names.bin");
const MAGIC: &[u8] = b"CNM1";
/// Weights of a change from one label to the next, of which no sum is lower than this.
pub(super) const NEVER: f32 = -60.0;
/// Most rows and slots of a file.
const MOST: u32 = 1 << 20;

/// A trained tagger.
#[derive(Debug)]
pub(crate) struct Model {
    /// Rows of weights, one for each label but the first, whose weights are 0.
    weights: Vec<[i8; TAGS]>,
    rows: u32,
    /// What one step of a weight is.
    pub(super) step: f32,
    /// What the label before adds to each label.
    pub(super) changes: [[f32; LABELS]; LABELS],
    /// The same as factors.
    pub(super) factors: [[f32; LABELS]; LABELS],
    /// The vocabulary: upper half of a word's hash, then its classes; 0 is free. Its length is a power of two.
    slots: Vec<u32>,
}

impl Model {
    /// The model that comes with the crate. One that finds nothing only if the file were none: a test excludes that.
    pub(crate) fn builtin() -> Self {
        Self::read(FILE).unwrap_or(Self {
            weights: Vec::new(),
            rows: 1,
            step: 0.0,
            changes: [[NEVER; LABELS]; LABELS],
            factors: [[0.0; LABELS]; LABELS],
            slots: Vec::new(),
        })
    }

    /// Reads a file; what is wrong with it, if something is.
    pub(crate) fn read(file: &[u8]) -> Result<Self, &'static str> {
        let mut rest = file.strip_prefix(MAGIC).ok_or("not a model of names: it does not begin with CNM1")?;
        let mut next = || {
            let (bytes, after) = rest.split_first_chunk::<4>().ok_or("a model that is cut off")?;
            rest = after;
            Ok::<_, &'static str>(*bytes)
        };
        let (rows, slots) = (u32::from_le_bytes(next()?), u32::from_le_bytes(next()?));
        if rows == 0 || rows > MOST || slots > MOST || !(slots == 0 || slots.is_power_of_two()) {
            return Err("a model of another size");
        }
        let mut number = || {
            let number = f32::from_le_bytes(next()?);
            if number.is_finite() { Ok(number) } else { Err("a number that is none") }
        };
        let step = number()?;
        let mut changes = [[NEVER; LABELS]; LABELS];
        for change in changes.iter_mut().flatten() {
            *change = number()?.clamp(NEVER, -NEVER);
        }
        let mut words = Vec::new();
        for _ in 0..slots {
            words.push(u32::from_le_bytes(next()?));
        }
        if slots > 0 && !words.contains(&0) {
            return Err("a vocabulary without a free place");
        }
        let (weights, over) = rest.as_chunks::<TAGS>();
        if !over.is_empty() || u32::try_from(weights.len()) != Ok(rows) {
            return Err("a model of another size");
        }
        let weights = weights.iter().map(|row| row.map(u8::cast_signed)).collect();
        let factors = changes.map(|row| row.map(f32::exp));
        Ok(Self { weights, rows, step, changes, factors, slots: words })
    }

    /// How many rows there are.
    pub(super) const fn rows(&self) -> u32 {
        self.rows
    }

    #[inline]
    pub(super) fn weights(&self, row: u32) -> &[i8; TAGS] {
        usize::try_from(row).ok().and_then(|row| self.weights.get(row)).unwrap_or(&[0; TAGS])
    }

    /// What is known of a word; 0 where it is not.
    #[inline]
    pub(super) fn classes(&self, hash: u32) -> u16 {
        let Some(mask) = self.slots.len().checked_sub(1) else { return 0 };
        let mut at = hash as usize & mask;
        while let Some(slot) = self.slots.get(at).copied().filter(|slot| *slot != 0) {
            if slot >> 16 == hash >> 16 {
                return (slot & 0xffff) as u16;
            }
            at = (at + 1) & mask;
        }
        0
    }
}

/// The file of a model: rows of weights, rounded to 255 steps, changes of labels, and words with their classes.
pub(super) fn file(
    weights: &[[f32; TAGS]],
    changes: &[[f32; LABELS]; LABELS],
    words: impl Iterator<Item = (String, u16)>,
) -> Vec<u8> {
    let words: Vec<(u32, u16)> = words
        .filter(|(_, classes)| *classes != 0)
        .map(|(word, classes)| (hash(word.as_bytes()), classes))
        .collect();
    let mut slots = vec![0_u32; (words.len() * 2).next_power_of_two()];
    let mask = slots.len() - 1;
    for (hash, classes) in words {
        let mut at = hash as usize & mask;
        while let Some(slot) = slots.get_mut(at) {
            if *slot == 0 || *slot >> 16 == hash >> 16 {
                *slot = hash & 0xffff_0000 | *slot & 0xffff | u32::from(classes);
                break;
            }
            at = (at + 1) & mask;
        }
    }
    let most = weights.iter().flatten().fold(0.0_f32, |most, weight| most.max(weight.abs()));
    let step = if most > 0.0 { most / 127.0 } else { 1.0 };
    let count = |list: usize| u32::try_from(list).unwrap_or(u32::MAX).to_le_bytes();
    let mut file = MAGIC.to_vec();
    file.extend(count(weights.len()));
    file.extend(count(slots.len()));
    file.extend(step.to_le_bytes());
    file.extend(changes.iter().flatten().flat_map(|change| change.to_le_bytes()));
    file.extend(slots.iter().flat_map(|slot| slot.to_le_bytes()));
    #[expect(clippy::cast_possible_truncation, reason = "at most 127 steps, after the clamp")]
    let rounded = |weight: &f32| (weight / step).round().clamp(-127.0, 127.0) as i8;
    file.extend(weights.iter().flatten().flat_map(|weight| rounded(weight).to_le_bytes()));
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Vec<u8> {
        let mut weights = vec![[0.0; TAGS]; 16];
        weights[3] = [1.27, -0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let words = [("maria".to_owned(), 1), ("street".to_owned(), 1 << 6), ("street".to_owned(), 1 << 13)];
        file(&weights, &[[0.25; LABELS]; LABELS], words.into_iter())
    }

    #[test]
    fn the_file_that_comes_with_the_crate_is_one_and_no_larger_than_two_megabytes() {
        let model = Model::read(FILE).unwrap();
        assert!(FILE.len() <= 2 << 20);
        assert!(model.weights.iter().flatten().any(|weight| *weight != 0));
        assert_eq!(model.classes(hash(b"Maria")) & 1, 1);
    }

    #[test]
    fn what_was_written_is_read() {
        let model = Model::read(&good()).unwrap();
        assert_eq!(model.weights(3), &[127, -50, 0, 0, 0, 0, 0, 0]);
        assert_eq!(model.weights(u32::MAX), &[0; TAGS]);
        assert_eq!(model.classes(hash(b"MARIA")), 1);
        assert_eq!(model.classes(hash(b"Street")), 1 << 6 | 1 << 13);
        assert_eq!(model.classes(hash(b"elsewhere")), 0);
        assert!((model.changes[1][2] - 0.25).abs() < 1e-6);
    }

    #[test]
    fn a_file_that_is_none_is_refused() {
        let good = good();
        let changed = |at: usize, bytes: [u8; 4]| {
            let mut file = good.clone();
            file[at..at + 4].copy_from_slice(&bytes);
            file
        };
        for (file, reason) in [
            (&b""[..], "not a model"),
            (b"CNM2", "not a model"),
            (b"CNM1", "cut off"),
            (&good[..good.len() - 1], "another size"),
            (&good[..200], "cut off"),
            (&[&good[..], b"x"].concat(), "another size"),
            (&changed(4, 0_u32.to_le_bytes()), "another size"),
            (&changed(4, u32::MAX.to_le_bytes()), "another size"),
            (&changed(8, 3_u32.to_le_bytes()), "another size"),
            (&changed(12, f32::NAN.to_le_bytes()), "a number that is none"),
            (&changed(20, f32::INFINITY.to_le_bytes()), "a number that is none"),
        ] {
            assert!(Model::read(file).unwrap_err().contains(reason), "{reason}");
        }
    }

    #[test]
    fn a_full_vocabulary_is_refused() {
        let mut file = good();
        let from = 16 + 4 * LABELS * LABELS;
        let slots = u32::from_le_bytes([file[8], file[9], file[10], file[11]]) as usize;
        file[from..from + 4 * slots].fill(1);
        assert!(Model::read(&file).unwrap_err().contains("free place"));
    }
}
