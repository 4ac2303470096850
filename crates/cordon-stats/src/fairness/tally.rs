use crate::performance::Confusion;

/// Decisions against labels in each group: one pass over the rows, then only counts. Merges by addition.
///
/// ```
/// use cordon_stats::fairness::{Limits, Rate, Tally};
/// let mut tally = Tally::new(2);
/// for row in 0..1000 {
///     let (group, label) = (row % 2, row % 3 == 0);
///     tally.push(group, label, label && (group == 0 || row % 5 != 0));
/// }
/// let gap = tally.gap(Rate::Recall, Limits::default())?;
/// assert_eq!((gap.lowest, gap.highest), (1, 0));
/// assert!(gap.difference.low > 0.1 && gap.difference.high < 0.3);
/// # Ok::<(), cordon_stats::interval::Unknown>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    groups: Vec<Confusion>,
}

impl Tally {
    /// No rows in `groups` groups.
    #[must_use]
    pub fn new(groups: usize) -> Self {
        Self { groups: vec![Confusion::default(); groups] }
    }

    /// Counts one row; a group that is not there yet is made (numbers come from [`super::Groups`], which bounds them).
    pub fn push(&mut self, group: usize, label: bool, decision: bool) {
        if self.groups.len() <= group {
            self.groups.resize(group.saturating_add(1), Confusion::default());
        }
        if let Some(counts) = self.groups.get_mut(group) {
            counts.push(label, decision);
        }
    }

    /// Counts columns: the numbers of the groups, the labels and the decisions of the same rows. Of columns of
    /// different lengths the longer ones' rest is ignored.
    pub fn add(&mut self, groups: &[u32], labels: &[bool], decisions: &[bool]) {
        for ((group, label), decision) in groups.iter().zip(labels).zip(decisions) {
            self.push(*group as usize, *label, *decision);
        }
    }

    /// Both counts as one, group by group.
    pub fn merge(&mut self, other: &Self) {
        if self.groups.len() < other.groups.len() {
            self.groups.resize(other.groups.len(), Confusion::default());
        }
        self.groups.iter_mut().zip(&other.groups).for_each(|(counts, more)| counts.merge(more));
    }

    /// Coarser groups: `of` says for each group into which one it goes. From the counts of all combinations of several
    /// columns follow those of each column ([`super::Groups::margin`]). Groups that `of` does not name are left out.
    #[must_use]
    pub fn joined(&self, of: &[usize]) -> Self {
        let groups = of.iter().map(|group| group.saturating_add(1)).max().unwrap_or(0);
        let mut joined = Self::new(groups);
        for (counts, group) in self.groups.iter().zip(of) {
            if let Some(sum) = joined.groups.get_mut(*group) {
                sum.merge(counts);
            }
        }
        joined
    }

    /// The counts of each group.
    #[must_use]
    pub fn groups(&self) -> &[Confusion] {
        &self.groups
    }

    /// All rows, whatever their group.
    #[must_use]
    pub fn total(&self) -> Confusion {
        self.groups.iter().fold(Confusion::default(), |mut total, counts| {
            total.merge(counts);
            total
        })
    }

    /// Weights that make label and group independent before training (Kamiran and Calders, "Data preprocessing
    /// techniques for classification without discrimination", 2012): `P(group) P(label) / P(group, label)`.
    #[must_use]
    pub fn reweighing(&self) -> Reweighing {
        let total = self.total();
        let n = total.n() as f64;
        let weight = |of_group: u64, of_label: u64, of_both: u64| {
            (of_both > 0).then(|| of_group as f64 * of_label as f64 / (n * of_both as f64))
        };
        let by_group: Vec<_> = self
            .groups
            .iter()
            .map(|g| {
                let positive = weight(g.n(), total.positives(), g.positives());
                (positive, weight(g.n(), total.negatives(), g.negatives()))
            })
            .collect();
        let squares: f64 = self
            .groups
            .iter()
            .zip(&by_group)
            .map(|(g, (positive, negative))| {
                let square = |weight: &Option<f64>, rows: u64| weight.map_or(0.0, |w| w * w * rows as f64);
                square(positive, g.positives()) + square(negative, g.negatives())
            })
            .sum();
        let weights: f64 = self
            .groups
            .iter()
            .zip(&by_group)
            .map(|(g, (positive, negative))| {
                positive.unwrap_or(0.0) * g.positives() as f64
                    + negative.unwrap_or(0.0) * g.negatives() as f64
            })
            .sum();
        let effective = if squares > 0.0 { weights * weights / squares } else { 0.0 };
        Reweighing { by_group, effective_share: if n > 0.0 { effective / n } else { 0.0 } }
    }
}

/// Weights of training rows, by group and label.
#[derive(Debug, Clone, PartialEq)]
pub struct Reweighing {
    /// Of each group the weight of its positive and of its negative rows; `None` where it has none, so that no weight
    /// can balance it.
    pub by_group: Vec<(Option<f64>, Option<f64>)>,
    /// The price that is known before training: the weighted rows say as much as this share of them would unweighted
    /// (Kish). What it costs in accuracy only training shows.
    pub effective_share: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_group_without_positives_has_no_weight_for_them() {
        let mut tally = Tally::new(2);
        (0..10).for_each(|row| tally.push(0, row < 5, true));
        (0..10).for_each(|_| tally.push(1, false, true));
        let weights = tally.reweighing();
        assert_eq!(weights.by_group[1].0, None);
        assert_eq!(weights.by_group[0], (Some(0.5), Some(1.5)));
        assert_eq!(Tally::default().reweighing().effective_share, 0.0);
    }

    fn count(rows: &[(u8, bool, bool)]) -> Tally {
        let mut tally = Tally::default();
        rows.iter().for_each(|(group, label, decision)| tally.push(usize::from(*group), *label, *decision));
        tally
    }

    proptest! {
        #[test]
        fn merge_is_associative_and_joining_keeps_all_rows(
            rows in prop::collection::vec((0u8..6, any::<bool>(), any::<bool>()), 0..80), cut in 0usize..80,
        ) {
            let cut = cut.min(rows.len());
            let (mut left, mut right) = (count(&rows[..cut]), count(&rows[cut..]));
            let first = left.clone();
            left.merge(&right);
            right.merge(&first);
            prop_assert_eq!(&left, &right);
            prop_assert_eq!(&left, &count(&rows));
            prop_assert_eq!(left.joined(&[0, 1, 0, 1, 0, 1]).total(), left.total());
        }

        /// Weighted by group and label, every group has the same share of positives.
        #[test]
        fn weights_make_label_and_group_independent(cells in prop::array::uniform6(1u64..50)) {
            let mut tally = Tally::new(3);
            for (at, rows) in cells.into_iter().enumerate() {
                (0..rows).for_each(|_| tally.push(at / 2, at % 2 == 0, true));
            }
            let total = tally.total();
            let share = total.positives() as f64 / total.n() as f64;
            for (counts, weights) in tally.groups().iter().zip(tally.reweighing().by_group) {
                let positive = weights.0.unwrap() * counts.positives() as f64;
                let negative = weights.1.unwrap() * counts.negatives() as f64;
                prop_assert!((positive / (positive + negative) - share).abs() < 1e-12);
            }
        }
    }
}
