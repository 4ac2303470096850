//! How good detectors and a guard are on labelled texts: pure computing, for `cordon eval guard`.
//!
//! Texts come one by one with what was found in them; what is kept of each is a score and whose it is. Two kinds of figures come out,
//! and are never mixed. The *operating point* is what the guard does as it is. A *curve point* is a diagnostic: what would be caught
//! with the score from which on ordinary benign texts raise false alarms at a given rate. That score is taken from benign texts of
//! *other* sources than the one that is measured, and of the same side: texts of people, or documents and tool results.
//!
//! What a model was trained on it remembers. Of such a text what a model says that was trained without its source counts, and rules; where there
//! is no such verdict the text is a row of its own, and in no figure of several sources, and no curve point. Where that is asked for, models judge
//! all texts as they are, and all count.

mod curve;
mod disguise;
mod report;
mod row;
mod values;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use cordon_core::{Action, Category, Channel, Finding, Score};
use cordon_guard::Ruled;
use cordon_inspect::trained;
use cordon_stats::interval::{Level, Proportion};
use serde::Serialize;

use self::{disguise::Disguised, values::Values};
pub(crate) use self::{
    report::{Judge, Rates, Report},
    row::{Known, Label, Row},
    values::TypeRates,
};

/// What is an attack or a benign text of injection data.
const INJECTION: Category = Category::known("prompt_injection");
/// A request for something harmful is no injection: it is shown, and counted nowhere.
const HARMFUL: &str = "harmful_request";
/// Ordinary benign texts, which curve points are calibrated on.
const ORDINARY: &str = "benign";

/// Hits of so many, with Wilson's interval at 95 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Rate {
    pub(crate) hits: u64,
    pub(crate) of: u64,
    /// None without observations, as the bounds.
    pub(crate) value: Option<f64>,
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
}

impl Rate {
    fn of(hits: impl IntoIterator<Item = bool>) -> Self {
        let (mut yes, mut no) = (0, 0);
        hits.into_iter().for_each(|hit| if hit { yes += 1 } else { no += 1 });
        Self::counted(yes, no)
    }

    fn counted(hits: u64, misses: u64) -> Self {
        let proportion = Proportion::of_parts(hits, misses);
        let estimate = proportion.wilson(Level::P95).ok();
        Self {
            hits,
            of: proportion.of(),
            value: proportion.value(),
            low: estimate.map(|estimate| estimate.low),
            high: estimate.map(|estimate| estimate.high),
        }
    }
}

/// Where a text of injection data would come in. Attacks in documents are judged beside benign documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Side {
    /// People and applications write it.
    Direct,
    /// Documents and tool results bring it.
    Indirect,
}

impl Side {
    const ALL: [Self; 2] = [Self::Direct, Self::Indirect];

    const fn of(channel: Channel) -> Self {
        match channel {
            Channel::Document | Channel::ToolOutput => Self::Indirect,
            Channel::System | Channel::User | Channel::Model => Self::Direct,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Indirect => "indirect",
        }
    }
}

/// What is kept of a text of injection data.
#[derive(Debug)]
struct Case {
    source: Arc<str>,
    kind: Arc<str>,
    language: Option<Arc<str>>,
    side: Side,
    attack: bool,
    /// Whether the guard would do anything about it.
    caught: bool,
    /// The highest score of an injection in it.
    score: Score,
    way: Way,
}

/// By which way a text was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// No model of this program was trained on it.
    New,
    /// By rules, and by a model of injection that was trained without its source.
    LeftOut,
    /// By models that were trained on it.
    Learned,
}

/// What was measured so far.
#[derive(Debug, Default)]
pub(crate) struct Evaluation {
    /// Each word once.
    words: BTreeMap<Box<str>, Arc<str>>,
    cases: Vec<Case>,
    values: Values,
    disguised: Disguised,
    /// Bytes and time by file.
    time: BTreeMap<String, (u64, Duration)>,
    texts: u64,
    left_out: u64,
    trained_on: u64,
    /// Whether models judge texts that they were trained on as they are, and these count like all others.
    with_trained: bool,
    skipped: BTreeMap<String, u64>,
}

impl Evaluation {
    /// Of a guard that has nothing looked for of these categories, with or without what models were trained on in the figures of all.
    pub(crate) fn new(unsought: Vec<Category>, with_trained: bool) -> Self {
        let mut evaluation = Self { with_trained, ..Self::default() };
        evaluation.values.unsought = unsought;
        evaluation
    }

    /// By which way a text is judged. What values are in it no training without a source says.
    pub(crate) const fn way(&self, row: &Row) -> Way {
        match (row.known, row.label) {
            (Known::New, _) => Way::New,
            (Known::LeftOut(_), Label::Attack | Label::Benign) if !self.with_trained => Way::LeftOut,
            (Known::LeftOut(_) | Known::Learned, _) => Way::Learned,
        }
    }

    /// Takes a text with what was found in it, by the way that is its own.
    pub(crate) fn add(&mut self, row: &Row, found: &[Ruled]) {
        let way = self.way(row);
        self.texts += 1;
        self.left_out += u64::from(way == Way::LeftOut);
        self.trained_on += u64::from(way == Way::Learned);
        let source = self.word(&row.source);
        match row.label {
            Label::Attack | Label::Benign => {
                let attack = row.label == Label::Attack;
                if !attack {
                    self.values.benign(&source, found);
                }
                let case = Case {
                    kind: self.word(&row.kind),
                    language: row.language.as_deref().map(|language| self.word(language)),
                    side: Side::of(row.channel),
                    attack,
                    caught: acts(found, &INJECTION),
                    score: score(found, &INJECTION),
                    way,
                    source,
                };
                self.cases.push(case);
            }
            Label::Positive | Label::Negative => self.values.add(row, &source, found),
        }
    }

    /// So long it took to find what is in so many bytes of a file.
    pub(crate) fn took(&mut self, file: &str, bytes: u64, time: Duration) {
        let sum = self.time.entry(file.to_owned()).or_default();
        *sum = (sum.0 + bytes, sum.1.saturating_add(time));
    }

    /// Something was not measured, for this reason. How often that was so before.
    pub(crate) fn skip(&mut self, reason: String) -> u64 {
        let count = self.skipped.entry(reason).or_default();
        *count += 1;
        *count - 1
    }

    /// Whether a text counts in figures of several sources.
    const fn counts(&self, way: Way) -> bool {
        self.with_trained || !matches!(way, Way::Learned)
    }

    fn word(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.words.get(word) {
            return Arc::clone(known);
        }
        let new: Arc<str> = word.into();
        self.words.insert(word.into(), Arc::clone(&new));
        new
    }
}

/// What counts of a text that was judged by a model without its source, which gives it this score: what rules find, and that.
pub(crate) fn without_its_source(
    mut found: Vec<Ruled>,
    score: Score,
    length: usize,
    rule: impl FnOnce(Finding) -> Option<Ruled>,
) -> Vec<Ruled> {
    found.retain(|ruled| !trained::is_learned(&ruled.finding));
    found.extend(trained::finding(score, length).and_then(rule));
    found
}

/// Whether the guard does, or would do if it acted, anything about a finding of this family.
fn acts(found: &[Ruled], family: &Category) -> bool {
    found.iter().any(|ruled| ruled.ruling.would > Action::Allow && family.covers(&ruled.finding.category))
}

/// The highest score of a finding of this family, whatever a guard makes of it.
fn score(found: &[Ruled], family: &Category) -> Score {
    let of_family = found.iter().filter(|ruled| family.covers(&ruled.finding.category));
    of_family.map(|ruled| ruled.finding.score).max().unwrap_or(Score::ZERO)
}

#[cfg(test)]
mod tests;
