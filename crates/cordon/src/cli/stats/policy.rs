//! Thresholds by group in a file: what `fairness --repair … --policy FILE` writes and `decide` applies.

use std::{io::Read as _, path::Path};

use cordon_stats::fairness::thresholds::{self, Policy};
use serde::{Deserialize, Serialize};

use super::{StatsError, outcomes::Range, report::cannot_write};

/// The form of the file.
const VERSION: u32 = 1;
/// Bytes of the largest file that is read: 10,000 groups of long names.
const MOST_BYTES: u64 = 64 << 20;
/// How far weights may be from one, by rounding.
const ROUNDED: f64 = 1e-9;

/// The file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Thresholds {
    version: u32,
    /// What the groups have in common by it.
    pub(super) equal: String,
    /// The columns that name a group, in this order.
    pub(super) groups: Vec<String>,
    /// The column with the score.
    pub(super) score: String,
    /// On the rows that it was made from.
    made_from: MadeFrom,
    pub(super) rules: Vec<Rule>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MadeFrom {
    rows: u64,
    accuracy: f64,
    best_common_threshold_accuracy: f64,
    /// Of equality, in accuracy, with its interval of 95 %.
    price: [f64; 3],
}

/// How one group is decided.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) group: Vec<String>,
    /// The probability that the score is not looked at, and of a yes then.
    ignored: f64,
    constant: f64,
    thresholds: [Above; 2],
}

/// A threshold with the probability of taking it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Above {
    /// Scores above it are selected: a number with every digit, as text so that every reader keeps them; `inf` selects nobody, `-inf`
    /// everybody.
    above: String,
    weight: f64,
}

impl Thresholds {
    pub(super) fn new(
        policy: &Policy,
        equal: &str,
        groups: &[String],
        score: &str,
        name: impl Fn(usize) -> Vec<String>,
    ) -> Self {
        let above = |(above, weight): (f64, f64)| Above { above: above.to_string(), weight };
        let rule = |(group, rule): (usize, &thresholds::Rule)| Rule {
            group: name(group),
            ignored: rule.ignored,
            constant: rule.constant,
            thresholds: [above(rule.first), above(rule.second)],
        };
        let mut rules: Vec<Rule> = policy.rules.iter().enumerate().map(rule).collect();
        rules.sort_by(|a, b| a.group.cmp(&b.group));
        let price = Range::from(policy.price);
        Self {
            version: VERSION,
            equal: equal.to_owned(),
            groups: groups.to_vec(),
            score: score.to_owned(),
            made_from: MadeFrom {
                rows: policy.price.n,
                accuracy: policy.accuracy,
                best_common_threshold_accuracy: policy.best_common,
                price: [price.value, price.low, price.high.unwrap_or(price.value)],
            },
            rules,
        }
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), StatsError> {
        let mut text = serde_json::to_string_pretty(self)
            .map_err(|error| StatsError::Told(format!("`{}` cannot be written: {error}", path.display())))?;
        text.push('\n');
        crate::files::replace(path, text.as_bytes()).map_err(|error| cannot_write(path, &error))
    }

    /// Reads a file, and refuses what is not one or was changed into something that decides nothing.
    pub(super) fn read(path: &Path) -> Result<Self, StatsError> {
        let refused = |why: String| {
            StatsError::Told(format!(
                "`{}` holds no thresholds: {why}; help: make it with `cordon fairness … --repair CRITERION --policy FILE`",
                path.display()
            ))
        };
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(|error| refused(error.to_string()))?;
        file.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(|error| refused(error.to_string()))?;
        if text.len() as u64 > MOST_BYTES {
            return Err(refused("it is larger than 64 MiB".to_owned()));
        }
        let read: Self = serde_json::from_str(&text).map_err(|error| refused(error.to_string()))?;
        if read.version != VERSION {
            return Err(refused(format!("its version is {}, and {VERSION} is read", read.version)));
        }
        let mut seen = std::collections::BTreeSet::new();
        for rule in &read.rules {
            let name = rule.group.join(", ");
            if rule.group.len() != read.groups.len() {
                return Err(refused(format!("`{name}` does not name a group by each of its columns")));
            }
            if !seen.insert(&rule.group) {
                return Err(refused(format!("`{name}` has two rules")));
            }
            if rule.known().is_none() {
                return Err(refused(format!(
                    "the rule of `{name}` has numbers that are no thresholds or probabilities"
                )));
            }
        }
        Ok(read)
    }
}

impl Rule {
    /// As it is applied; none where its numbers are none.
    pub(super) fn known(&self) -> Option<thresholds::Rule> {
        let share = |value: f64| (0.0..=1.0).contains(&value).then_some(value);
        let part = |above: &Above| {
            let threshold: f64 = above.above.parse().ok().filter(|value: &f64| !value.is_nan())?;
            Some((threshold, share(above.weight)?))
        };
        let [first, second] = &self.thresholds;
        let rule = thresholds::Rule {
            ignored: share(self.ignored)?,
            constant: share(self.constant)?,
            first: part(first)?,
            second: part(second)?,
        };
        ((rule.first.1 + rule.second.1 - 1.0).abs() <= ROUNDED).then_some(rule)
    }
}
