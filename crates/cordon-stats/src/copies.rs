//! Copies of rows: a row that is there several times because it was written several times is one observation.
//!
//! Equal rows alone say nothing: independent rows are equal where there are few values. But then the same values come on *both* sides.
//! A copy is equal to rows of its own side only.

use std::collections::BTreeMap;

/// Standard errors that the share of equal rows on one side must be above what independent rows show.
const STANDS_OUT: f64 = 3.0;

/// Which rows of both sides count, by a key that equal rows have in common: all, unless rows were copied.
///
/// Of each key that comes more than once two rows are taken: were the rows independent draws, both would be of one side with the
/// probability (m² + n²) / (m + n)², or m/(m+n) · (m−1)/(m+n−1) + … exactly; a changed distribution makes that share somewhat larger, copies
/// make it 1. Where it is more than half of the way to 1, and three standard errors above, rows were copied: then a key that only one
/// side has counts once there. Keys of both sides count as often as they come. `None` where every row counts.
pub(crate) fn without(reference: &[u64], current: &[u64]) -> Option<[Vec<bool>; 2]> {
    let mut counts: BTreeMap<u64, [u32; 2]> = BTreeMap::new();
    for (side, keys) in [reference, current].into_iter().enumerate() {
        for key in keys {
            let counts = counts.entry(*key).or_default();
            counts.iter_mut().skip(side).take(1).for_each(|count| *count = count.saturating_add(1));
        }
    }
    let (m, n) = (reference.len() as f64, current.len() as f64);
    let all = m + n;
    if all < 2.0 {
        return None;
    }
    let by_chance = (m * (m - 1.0) + n * (n - 1.0)) / (all * (all - 1.0));
    let (mut repeated, mut together) = (0.0, 0.0);
    for [was, is] in counts.values().map(|counts| counts.map(f64::from)) {
        let k = was + is;
        if k > 1.0 {
            repeated += 1.0;
            together += (was * (was - 1.0) + is * (is - 1.0)) / (k * (k - 1.0));
        }
    }
    let share = together / repeated;
    let error = (by_chance * (1.0 - by_chance) / repeated).sqrt();
    // Without a repeated key the share is 0 / 0, which is above nothing.
    let are_copies = share > f64::midpoint(by_chance, 1.0) && share - by_chance > STANDS_OUT * error;
    if !are_copies {
        return None;
    }
    let mut seen = std::collections::BTreeSet::new();
    Some([reference, current].map(|keys| {
        let mut counts_here = |key: &u64| {
            let is_alone = counts.get(key).is_some_and(|[was, is]| *was == 0 || *is == 0);
            !is_alone || seen.insert(*key)
        };
        keys.iter().map(&mut counts_here).collect()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn left_out(reference: &[u64], current: &[u64]) -> [usize; 2] {
        without(reference, current)
            .map_or([0, 0], |kept| kept.map(|side| side.iter().filter(|is_kept| !**is_kept).count()))
    }

    #[test]
    fn copies_count_once_and_equal_rows_do_not() {
        let twice: Vec<u64> = (0..600).map(|row| row / 2).collect();
        let other: Vec<u64> = twice.iter().map(|key| key + 1_000).collect();
        assert_eq!(left_out(&twice, &other), [300, 300]);
        // One side alone, and a few copies among many rows.
        let once: Vec<u64> = (2_000..2_600).collect();
        assert_eq!(left_out(&twice, &once), [300, 0]);
        let few: Vec<u64> = (0..600).map(|row| if row % 20 == 1 { row - 1 } else { row }).collect();
        assert_eq!(left_out(&few, &once), [30, 0]);
        assert_eq!(left_out(&[], &[]), [0, 0]);
        assert_eq!(left_out(&once, &once), [0, 0]);
    }

    /// Independent rows of few or many values are never called copies, also where the shares of values changed.
    #[test]
    fn independent_rows_all_count() {
        let mut random = Random::new(5);
        for run in 0..300 {
            let values = [4, 50, 400, 3_000, 20_000][run % 5];
            // Popular values, as prompts have: the smaller of two draws.
            let mut draw = |rows: usize, more: f64| -> Vec<u64> {
                let mut value = || {
                    random.below(values).min(random.below(values)) as u64 * u64::from(!random.chance(more))
                };
                (0..rows).map(|_| value()).collect()
            };
            let (reference, current) = (draw(600, 0.0), draw([600, 150][run % 2], 0.2));
            assert_eq!(left_out(&reference, &current), [0, 0], "{values}");
        }
    }
}
