//! How often each category occurs: exactly for up to 1,024 of them, for a fair sample of them beyond.

use std::collections::BTreeMap;

use super::Resolution;
use crate::random::mixed;

/// Counts by category. While there are at most [`Categories::MOST`] every count is exact. Beyond, those with the smallest
/// hashes are kept: which ones that are depends on the set of categories alone, so merging is associative and commutative bit
/// for bit; the counts that are kept are exact still; and two such tables keep the *same* sample of categories, so that
/// they compare exactly on what both keep, with one bin for all the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Categories {
    kept: BTreeMap<u64, Category>,
    /// Categories with this hash or a larger one are not kept.
    limit: u64,
    total: u64,
    resolution: Resolution,
}

/// A category and its count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// The text, or its beginning when it is longer than [`Categories::LONGEST`] bytes.
    pub label: String,
    /// How often.
    pub count: u64,
}

impl Default for Categories {
    fn default() -> Self {
        Self::new(Resolution::default())
    }
}

impl Categories {
    /// The most categories that are kept, by those that are not coarse ([`Resolution`]).
    pub const MOST: usize = Resolution::Fine.categories();
    /// The most bytes of a label that are kept. The whole text decides which category it is.
    pub const LONGEST: usize = 64;

    /// Of no text yet.
    pub fn new(resolution: Resolution) -> Self {
        Self { kept: BTreeMap::new(), limit: u64::MAX, total: 0, resolution }
    }

    /// Counts a text.
    pub fn add(&mut self, text: &str) {
        self.add_hashed(hash(text), text, 1);
    }

    pub(super) fn add_hashed(&mut self, hash: u64, text: &str, count: u64) {
        self.total += count;
        if hash >= self.limit {
            return;
        }
        if let Some(category) = self.kept.get_mut(&hash) {
            category.count += count;
            return;
        }
        self.kept.insert(hash, Category { label: shortened(text).to_owned(), count });
        self.trim();
    }

    /// How many texts were counted, in kept categories and others.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Is every category kept?
    pub fn is_exact(&self) -> bool {
        self.limit == u64::MAX
    }

    /// How many categories there are: exactly, or estimated from the hashes with a standard error of 3.1 %.
    pub fn distinct(&self) -> f64 {
        if self.is_exact() {
            return self.kept.len() as f64;
        }
        // The k smallest of n uniform hashes end near k/n.
        (self.kept.len() as f64) / (self.limit as f64 / u64::MAX as f64)
    }

    /// The kept categories, the most frequent first, equal ones by label.
    pub fn most_frequent(&self) -> Vec<&Category> {
        let mut all: Vec<&Category> = self.kept.values().collect();
        all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.label.cmp(&b.label)));
        all
    }

    /// Adds what the other one counted.
    pub fn merge(&mut self, other: &Self) {
        self.total += other.total;
        self.resolution = self.resolution.min(other.resolution);
        for (hash, category) in &other.kept {
            match self.kept.get_mut(hash) {
                Some(mine) => {
                    mine.count += category.count;
                    // Two texts of one hash: the smaller label, so that the order does not matter.
                    if category.label < mine.label {
                        mine.label.clone_from(&category.label);
                    }
                }
                None => {
                    self.kept.insert(*hash, category.clone());
                }
            }
        }
        self.leave_out(other.limit);
        self.trim();
    }

    /// Keeps none with this hash or a larger one.
    pub(super) fn leave_out(&mut self, from: u64) {
        self.limit = self.limit.min(from);
        drop(self.kept.split_off(&self.limit));
    }

    /// Counts of both on the categories that both could keep, ordered by hash, and last those of all the others. Exact.
    pub fn beside<'a>(&'a self, other: &'a Self) -> Vec<Beside<'a>> {
        let limit = self.limit.min(other.limit);
        let mut rows: BTreeMap<u64, Beside<'a>> = BTreeMap::new();
        for (hash, category) in self.kept.range(..limit) {
            rows.insert(*hash, Beside { label: Some(&category.label), counts: (category.count, 0) });
        }
        for (hash, category) in other.kept.range(..limit) {
            let row = rows.entry(*hash).or_insert(Beside { label: Some(&category.label), counts: (0, 0) });
            row.counts.1 = category.count;
        }
        let kept = rows.values().fold((0, 0), |sum, row| (sum.0 + row.counts.0, sum.1 + row.counts.1));
        let mut rows: Vec<Beside<'a>> = rows.into_values().collect();
        let others = (self.total - kept.0, other.total - kept.1);
        if others != (0, 0) {
            rows.push(Beside { label: None, counts: others });
        }
        rows
    }

    /// The categories of either that both could keep, ordered by hash.
    pub(crate) fn common<'a>(&'a self, other: &'a Self) -> Vec<(u64, &'a str)> {
        let limit = self.limit.min(other.limit);
        let both = self.kept.range(..limit).chain(other.kept.range(..limit));
        let labels: BTreeMap<u64, &'a str> =
            both.map(|(hash, category)| (*hash, category.label.as_str())).collect();
        labels.into_iter().collect()
    }

    /// How often the category of a hash was counted, where it is kept.
    pub(crate) fn count_of(&self, hash: u64) -> u64 {
        self.kept.get(&hash).map_or(0, |category| category.count)
    }

    pub(super) fn first_left_out(&self) -> u64 {
        self.limit
    }

    pub(super) fn kept(&self) -> &BTreeMap<u64, Category> {
        &self.kept
    }

    /// From what was written. `None` when it contradicts itself.
    pub(super) fn of_parts(
        resolution: Resolution,
        kept: BTreeMap<u64, Category>,
        limit: u64,
        total: u64,
    ) -> Option<Self> {
        let counted = kept.values().try_fold(0_u64, |sum, category| sum.checked_add(category.count))?;
        let fits = kept.len() <= resolution.categories()
            && kept.keys().next_back().is_none_or(|last| *last < limit)
            && counted <= total;
        fits.then_some(Self { kept, limit, total, resolution })
    }

    /// No finer than this.
    pub(super) fn limit(&mut self, resolution: Resolution) {
        self.resolution = self.resolution.min(resolution);
        self.trim();
    }

    fn trim(&mut self) {
        while self.kept.len() > self.resolution.categories() {
            if let Some((hash, _)) = self.kept.pop_last() {
                self.limit = hash;
            }
        }
    }
}

/// A category in two tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beside<'a> {
    /// Its label; none for all the categories that are not kept.
    pub label: Option<&'a str>,
    /// How often in the first and in the second.
    pub counts: (u64, u64),
}

/// FNV-1a over the bytes, then SplitMix64's finaliser: the same everywhere and for ever, since it is written to profiles.
/// Somebody who chooses the texts can make two of them collide; they then count as one category.
pub(super) fn hash(text: &str) -> u64 {
    // The largest value is no hash, so that a limit of it means none.
    hash_bytes(text.as_bytes()).min(u64::MAX - 1)
}

pub(super) fn hash_bytes(bytes: &[u8]) -> u64 {
    let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    mixed(bytes.iter().fold(0xcbf2_9ce4_8422_2325, fold))
}

pub(crate) fn shortened(text: &str) -> &str {
    let mut end = text.len().min(Categories::LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
