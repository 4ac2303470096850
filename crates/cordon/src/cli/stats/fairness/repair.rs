//! What would make decisions fair, and what it costs; and whether single decisions hang on the attribute.

use std::path::Path;

use clap::ValueEnum;
use cordon_stats::{
    fairness::{
        individual::Flips,
        thresholds::{Constraint, Policy, Search, optimise},
    },
    interval::{Level, Unknown},
};
use serde::Serialize;

use super::super::{
    P, StatsError,
    decide::quoted,
    finite,
    outcomes::{Range, Told, short, shown},
    percent,
    report::{Card, Dot, Dots, Drawing, Figure, Head, Row, Scale, Section, Table, Tone, cannot_write},
};
use super::Shown;

/// What groups shall have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in super::super) enum Criterion {
    DemographicParity,
    EqualOpportunity,
    EqualizedOdds,
    FalsePositiveParity,
}

impl Criterion {
    fn constraint(self) -> (Constraint, &'static str) {
        match self {
            Self::DemographicParity => (Constraint::DemographicParity, "the selection rate"),
            Self::EqualOpportunity => (Constraint::EqualOpportunity, "the recall"),
            Self::EqualizedOdds => (Constraint::EqualizedOdds, "the recall and the false positive rate"),
            Self::FalsePositiveParity => (Constraint::FalsePositiveParity, "the false positive rate"),
        }
    }

    /// What the groups then have in common.
    pub(super) fn equal(self) -> &'static str {
        self.constraint().1
    }
}

/// Rows with scores, kept only where a repair is asked for.
#[derive(Default)]
pub(super) struct Scored {
    pub(super) scores: Vec<f64>,
    pub(super) labels: Vec<bool>,
    pub(super) groups: Vec<usize>,
}

impl Scored {
    pub(super) fn push(&mut self, score: f64, label: bool, group: usize) {
        self.scores.push(score);
        self.labels.push(label);
        self.groups.push(group);
    }
}

/// Thresholds by group.
#[derive(Serialize)]
pub(super) struct Repaired {
    equal: &'static str,
    accuracy: f64,
    best_common_threshold_accuracy: f64,
    price: Range,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
struct Rule {
    group: Vec<String>,
    ignored: f64,
    constant: f64,
    thresholds: [Threshold; 2],
    selection_rate: f64,
    recall: f64,
    false_positive_rate: f64,
    accuracy: f64,
}

/// Scores above it are selected; one beyond every score selects everybody or nobody.
#[derive(Serialize)]
struct Threshold {
    #[serde(skip_serializing_if = "Option::is_none")]
    above: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    selects: Option<&'static str>,
    weight: f64,
}

/// Decisions that would have been others with the attribute changed.
#[derive(Serialize)]
pub(super) struct Flipped {
    rate: Told,
    gained: Told,
    #[serde(skip_serializing_if = "Option::is_none")]
    direction_p: Option<P>,
}

/// The most accurate thresholds by group that make groups equal.
pub(super) fn optimised(criterion: Criterion, scored: &Scored) -> Result<Policy, StatsError> {
    let (constraint, _) = criterion.constraint();
    let policy = optimise(&scored.scores, &scored.labels, &scored.groups, constraint, Search::Exact);
    policy.map_err(|why| {
        let reason = match why {
            Unknown::OneClass => "a group has no row of one of the two labels".to_owned(),
            Unknown::Empty => "a group has no row with a score".to_owned(),
            why => why.to_string(),
        };
        StatsError::Told(format!(
            "no thresholds can make groups equal: {reason}; help: say where scores are (--score, or --threshold for scores as \
             predictions), or leave a column of groups out"
        ))
    })
}

pub(super) fn repaired(
    criterion: Criterion,
    policy: &Policy,
    level: Level,
    name: impl Fn(usize) -> Vec<String>,
) -> Repaired {
    Repaired {
        equal: criterion.equal(),
        accuracy: policy.accuracy,
        best_common_threshold_accuracy: policy.best_common,
        price: policy.gain.student(level).unwrap_or(policy.price).into(),
        rules: rules(policy, name),
    }
}

/// The weights of all groups together: a line for each group and label that has rows.
pub(super) fn write_weights(path: &Path, by: &[String], shown: &[Shown]) -> Result<(), StatsError> {
    let mut text = String::new();
    let mut line = |cells: &[String], label: &str, weight: &str| {
        let cells = cells.iter().map(|cell| quoted(cell)).chain([label.to_owned(), weight.to_owned()]);
        text.push_str(&(cells.collect::<Vec<_>>().join(",") + "\n"));
    };
    line(by, "label", "weight");
    for group in shown.last().into_iter().flat_map(|whole| &whole.groups) {
        let [positive, negative] = group.reweighing;
        for (label, weight) in [("1", positive), ("0", negative)] {
            if let Some(weight) = weight {
                line(&group.group, label, &weight.to_string());
            }
        }
    }
    crate::files::replace(path, text.as_bytes()).map_err(|error| cannot_write(path, &error))
}

fn rules(policy: &Policy, name: impl Fn(usize) -> Vec<String>) -> Vec<Rule> {
    let threshold = |(above, weight): (f64, f64)| Threshold {
        above: finite(above),
        selects: above.is_infinite().then_some(if above > 0.0 { "nobody" } else { "everybody" }),
        weight,
    };
    let mut rules: Vec<Rule> = policy
        .rules
        .iter()
        .zip(&policy.outcomes)
        .enumerate()
        .map(|(group, (rule, outcome))| Rule {
            group: name(group),
            ignored: rule.ignored,
            constant: rule.constant,
            thresholds: [threshold(rule.first), threshold(rule.second)],
            selection_rate: outcome.selection,
            recall: outcome.true_positive,
            false_positive_rate: outcome.false_positive,
            accuracy: outcome.accuracy,
        })
        .collect();
    rules.sort_by(|a, b| a.group.cmp(&b.group));
    rules
}

impl Repaired {
    pub(super) fn section(&self) -> Section {
        let heads = vec![
            Head::left("GROUP"),
            Head::left("SELECT").is("repair"),
            Head::right("SELECTED").is("selection_rate"),
            Head::right("RECALL").is("recall"),
            Head::right("FALSE POSITIVE").is("false_positive_rate"),
            Head::right("ACCURACY").is("accuracy"),
        ];
        let row = |rule: &Rule| {
            let mut cells = vec![rule.group.join(", "), rule.text()];
            cells.extend(
                [rule.selection_rate, rule.recall, rule.false_positive_rate, rule.accuracy].map(short),
            );
            Row::plain(cells)
        };
        let dot = |label: &str, value, interval, tone| Dot { label: label.to_owned(), value, interval, tone };
        let dots = vec![
            dot("one threshold for all", self.best_common_threshold_accuracy, None, Tone::Quiet),
            dot("equal groups", self.accuracy, None, Tone::Quiet),
            dot(
                "price",
                self.price.value,
                Some((self.price.low, self.price.high.unwrap_or(f64::INFINITY))),
                Tone::Warn,
            ),
        ];
        let figure = Figure::new(
            "price",
            "Accuracy, and what equality costs of it",
            self.price(),
            Drawing::Dots(Dots::new("repair", Scale::Share, (0.0, 1.0), dots)),
        );
        Section {
            title: "What would make groups equal".to_owned(),
            line: format!("Thresholds that make {} equal", self.equal),
            table: Table { heads, rows: self.rules.iter().map(row).collect() },
            notes: vec![format!(
                "accuracy {} against {} of the best threshold for everybody: {}, on the rows that the thresholds were made from",
                short(self.accuracy),
                short(self.best_common_threshold_accuracy),
                self.price(),
            )],
            figures: vec![figure],
            ..Section::default()
        }
    }

    fn price(&self) -> String {
        let high = self.price.high.map(short).unwrap_or_default();
        format!("{} ({} to {high})", short(self.price.value), short(self.price.low))
    }

    pub(super) fn card(&self) -> Card {
        Card { title: "Price of equality, in accuracy", value: short(self.price.value), note: self.price() }
    }
}

impl Rule {
    fn text(&self) -> String {
        let [first, second] = &self.thresholds;
        let one = |threshold: &Threshold| match threshold.above {
            Some(above) => format!("above {}", short(above)),
            None => threshold.selects.unwrap_or_default().to_owned(),
        };
        let part = |threshold: &Threshold| format!("{} ({})", one(threshold), percent(threshold.weight));
        let by_score = match (first.weight > 0.0, second.weight > 0.0) {
            (true, true) => format!("{} or {}", part(first), part(second)),
            (true, false) => one(first),
            (false, _) => one(second),
        };
        if self.ignored > 0.0 {
            format!("{by_score}; {} by a chance of {}", percent(self.ignored), percent(self.constant))
        } else {
            by_score
        }
    }
}

pub(super) fn flipped(flips: &Flips, level: Level) -> Flipped {
    Flipped {
        rate: flips.rate().wilson(level).into(),
        gained: flips.gained().wilson(level).into(),
        direction_p: flips.direction().map(P::from),
    }
}

/// A sentence about flips.
pub(super) fn flips_text(flips: &Flips, level: Level) -> String {
    let direction = flips.direction().map_or_else(String::new, |p| {
        format!(
            "; of these {} would have gained (either way equally often: p = {p})",
            shown(flips.gained().wilson(level))
        )
    });
    format!(
        "With the attribute changed {} of the decisions are others{direction}",
        shown(flips.rate().wilson(level))
    )
}
