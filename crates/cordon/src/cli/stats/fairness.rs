//! `fairness`: whether groups of people are treated alike, in one pass over a table.

mod calibration;
mod repair;
mod similar;
mod told;

use std::path::PathBuf;

use clap::Args;
use cordon_stats::{
    fairness::{Gap, Groups, Limits, Odds, Rate, Tally, individual::Flips},
    interval::{Level, Side, Unknown},
    sequential::power::Plan,
};
use serde::Serialize;

use self::calibration::{Calibration, Scores};
use self::repair::{Criterion, Flipped, Repaired, Scored};
use self::similar::{Alike, People};
use super::super::json;
use super::outcomes::{Input, Meaning, Picked, Range, Told, float, level};
use super::policy::Thresholds;
use super::report::Look;
use super::{Reading, Said, StatsError, share, warn, word};
use crate::tables::{self, LeftOut};

pub(in super::super) const FAIRNESS: &str = "\
Examples:
  cordon fairness loans.csv --label repaid --prediction approved --group sex
  cordon fairness loans.parquet --label y --prediction score --threshold 0.7 --group sex --group age --json
  cordon fairness hires.csv --label hired --prediction invited --positive yes --group sex --rate recall --least 30
  cordon fairness loans.csv --label repaid --prediction score --threshold 0.7 --group sex --repair equal-opportunity
  cordon fairness loans.csv --label repaid --prediction score --threshold 0.7 --group sex --repair equalized-odds --policy fair.json
  cordon fairness loans.csv --label repaid --prediction score --threshold 0.7 --group sex --similar income --similar debts
  cordon fairness loans.csv --label repaid --prediction approved --group sex --weights weights.csv
  cordon fairness loans.csv --label repaid --prediction approved --group sex --group age --html fairness.html

With several --group the columns are looked at each alone and all together. A group is at a disadvantage where its rate is less than
--limit of the highest one (four fifths), and the whole interval says so; where the limit lies inside the interval the answer is
`undecided`: more rows are needed. See docs/statistics.md.

Exit code: 0 no breach, 1 a breach, 2 the table cannot be read, or there is no breach and a\nrate that was asked for is undecided.";

#[derive(Args)]
pub(in super::super) struct FairnessArgs {
    /// A table in CSV, JSON lines or Parquet, one row for each decision.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The column with what was true.
    #[arg(long, value_name = "COLUMN")]
    label: String,
    /// The column with what was decided, or with scores (--threshold).
    #[arg(long, value_name = "COLUMN")]
    prediction: String,
    /// A column whose values are groups; may come several times.
    #[arg(long = "group", required = true, value_name = "COLUMN")]
    groups: Vec<String>,
    /// The rates that decide about a breach; may come several times.
    #[arg(long = "rate", default_value = "selection_rate", value_name = "RATE", value_parser = rate)]
    rates: Vec<Rate>,
    /// The lowest rate may be this share of the highest one.
    #[arg(long, default_value = "0.8", value_name = "SHARE", value_parser = share)]
    limit: f64,
    /// Groups with fewer rows behind a rate are left out, and named.
    #[arg(long, default_value = "1", value_name = "ROWS")]
    least: u64,
    /// The confidence of every interval; of a gap, of all pairs of groups at once.
    #[arg(long, default_value = "0.95", value_name = "SHARE", value_parser = level)]
    confidence: Level,
    /// Thresholds by group, of all --group together, that make groups equal, and what they cost in accuracy.
    #[arg(long, value_enum, value_name = "CRITERION")]
    repair: Option<Criterion>,
    /// With --repair: write the thresholds to this file, for `cordon decide` to apply.
    #[arg(long, value_name = "FILE", requires = "repair")]
    policy: Option<PathBuf>,
    /// Write the weights of training rows that make label and group independent to this file: CSV, one line for each group and label.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// A column that makes people alike; may come several times: are like people scored alike?
    #[arg(long, value_name = "COLUMN")]
    similar: Vec<String>,
    /// With --similar: scores may differ by this many times the distance of two people.
    #[arg(long, default_value = "1", value_name = "NUMBER", value_parser = constant)]
    lipschitz: f64,
    /// The column with scores, where predictions are decisions: for --repair, and for the calibration of each group.
    #[arg(long, value_name = "COLUMN", conflicts_with = "threshold")]
    score: Option<String>,
    /// The column with what would have been decided with the attribute changed: which decisions flip?
    #[arg(long, value_name = "COLUMN")]
    counterfactual: Option<String>,
    #[command(flatten)]
    meaning: Meaning,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    look: Look,
}

fn rate(text: &str) -> Result<Rate, String> {
    let known = Rate::ALL.into_iter().find(|rate| rate.name() == text);
    known.ok_or_else(|| {
        let names = Rate::ALL.map(Rate::name).join(", ");
        format!("one of {names} is expected")
    })
}

fn constant(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value: &f64| value.is_finite() && *value >= 0.0);
    value.ok_or_else(|| "a number from 0 on is expected".to_owned())
}

/// Rows that a repair is made from, at most: about a gigabyte.
const MOST_SCORED: usize = 20_000_000;

/// With which probability as many rows as are said to be needed decide.
const POWER: f64 = 0.8;

/// Rows that say nothing about fairness.
#[derive(Debug, Default, Clone, Copy, Serialize)]
struct Unread {
    /// The label says neither yes nor no.
    labels: u64,
    /// The prediction says neither yes nor no.
    predictions: u64,
    /// There are more groups than are told apart.
    groups: u64,
    /// No score, or beyond the rows that are held: these rows count but for the repair.
    scores: u64,
    /// The score is no probability: these rows count but for the calibration.
    probabilities: u64,
    /// What would have been decided says neither yes nor no: these rows count but for the flips.
    counterfactuals: u64,
    /// There is no score to compare people by: these rows count but for that.
    alike: u64,
}

/// The decisions of a table.
struct Counted {
    rows: u64,
    tally: Tally,
    groups: Groups,
    scored: Scored,
    scores: Scores,
    flips: Flips,
    people: People,
    unread: Unread,
    left_out: LeftOut,
}

/// Counts by one way of grouping.
struct Grouping {
    by: Vec<String>,
    names: Vec<Vec<String>>,
    tally: Tally,
    scores: Scores,
}

#[derive(Serialize)]
struct Answer {
    file: String,
    rows: u64,
    left_out: Vec<String>,
    unread: Unread,
    confidence: f64,
    limit: f64,
    breaches: usize,
    undecided: usize,
    groupings: Vec<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counterfactual: Option<Flipped>,
    #[serde(skip_serializing_if = "Option::is_none")]
    individual: Option<Alike>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repair: Option<Repaired>,
}

#[derive(Serialize)]
struct Shown {
    by: Vec<String>,
    groups: Vec<Group>,
    gaps: Vec<ShownGap>,
    #[serde(skip_serializing_if = "Option::is_none")]
    equalized_odds: Option<ShownOdds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    theil_index: Option<f64>,
    /// Rows that would say as much unweighted as the reweighed ones do, as a share.
    reweighing_effective_share: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    differential_fairness: Option<f64>,
}

#[derive(Serialize)]
struct Group {
    group: Vec<String>,
    rows: u64,
    rates: std::collections::BTreeMap<&'static str, Told>,
    #[serde(skip_serializing_if = "Option::is_none")]
    calibration: Option<Calibration>,
    /// Weights of training rows that make label and group independent: of positive and of negative rows.
    reweighing: [Option<f64>; 2],
}

#[derive(Serialize)]
struct ShownGap {
    rate: &'static str,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<String>,
    #[serde(flatten)]
    gap: Option<Measured>,
}

#[derive(Serialize)]
struct Measured {
    lowest: Vec<String>,
    highest: Vec<String>,
    difference: Range,
    ratio: Told,
    too_small: Vec<Vec<String>>,
    /// Rows behind the rate of both groups that would tell on which side of the limit the ratio is, eight times of ten.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows_needed: Option<u64>,
}

#[derive(Serialize)]
struct ShownOdds {
    worst_difference: Range,
    mean_difference: f64,
    worst_ratio: Told,
}

pub(super) fn run(args: &FairnessArgs) -> Result<Said, StatsError> {
    let counted = count(args)?;
    let groupings = groupings(args, &counted);
    let shown: Vec<Shown> = groupings.iter().map(|grouping| grouping.shown(args)).collect();
    let verdicts =
        |word: &str| shown.iter().flat_map(|one| &one.gaps).filter(|gap| gap.verdict == word).count();
    let (breaches, undecided) = (verdicts("breach"), verdicts("undecided"));
    let name =
        |group| counted.groups.name(group).unwrap_or_default().into_iter().map(str::to_owned).collect();
    let score = args.score.as_ref().unwrap_or(&args.prediction);
    let policy = args.repair.map(|criterion| repair::optimised(criterion, &counted.scored)).transpose()?;
    let repaired = args.repair.zip(policy.as_ref());
    let repaired =
        repaired.map(|(criterion, policy)| repair::repaired(criterion, policy, args.confidence, name));
    if let (Some(path), Some((criterion, policy))) = (&args.policy, args.repair.zip(policy.as_ref())) {
        Thresholds::new(policy, criterion.equal(), &args.groups, score, name).write(path)?;
    }
    if let (Some(path), Some(whole)) = (&args.weights, groupings.last()) {
        repair::write_weights(path, &whole.by, &shown)?;
    }
    let alike = (!args.similar.is_empty())
        .then(|| counted.people.alike(&args.similar, args.lipschitz, &counted.groups, args.confidence))
        .transpose()?;
    let flips = args.counterfactual.as_ref().map(|_| counted.flips);
    let found = told::Found {
        args,
        counted: &counted,
        groupings: &groupings,
        shown: &shown,
        flips: flips.as_ref(),
        repaired: repaired.as_ref(),
        alike: alike.as_ref(),
    };
    let report = found.report();
    args.look.write(&report, || found.story(breaches, undecided))?;
    if args.look.form.json {
        json(&Answer {
            file: args.file.display().to_string(),
            rows: counted.rows,
            left_out: counted.left_out.sentences(),
            unread: counted.unread,
            confidence: args.confidence.confidence(),
            limit: args.limit,
            breaches,
            undecided,
            groupings: shown,
            counterfactual: flips.map(|flips| repair::flipped(&flips, args.confidence)),
            individual: alike,
            repair: repaired,
        })?;
    } else {
        warn(&args.file, &counted.left_out.sentences());
        args.look.say(&report)?;
    }
    match (breaches, undecided) {
        (0, 0) => Ok(Said::Nothing),
        // What is not known to be fair is no pass.
        (0, _) => Err(StatsError::Told(format!(
            "{undecided} of the gaps that were asked for cannot be decided; help: more rows are needed of the groups with wide intervals"
        ))),
        _ => Ok(Said::Found),
    }
}

fn count(args: &FairnessArgs) -> Result<Counted, StatsError> {
    if let Some(column) = args.similar.iter().find(|column| args.groups.contains(column)) {
        return Err(StatsError::Told(format!(
            "`{column}` tells groups apart, and cannot make people alike too: whoever is of another group would never be like them; help: \
             leave it out of --similar"
        )));
    }
    let named = [&args.label, &args.prediction].into_iter().chain(&args.groups);
    let mut picked = Picked::new(named.chain(&args.score).chain(&args.counterfactual).chain(&args.similar));
    let of_score = if args.score.is_some() { args.groups.len() + 2 } else { 1 };
    let of_counterfactual = args.groups.len() + 2 + usize::from(args.score.is_some());
    let of_similar = of_counterfactual + usize::from(args.counterfactual.is_some());
    let mut people = People::default();
    let (mut tally, mut groups) = (Tally::default(), Groups::new(args.groups.len()));
    let (mut scored, mut scores, mut flips) = (Scored::default(), Scores::default(), Flips::default());
    let has_scores = args.score.is_some() || args.meaning.is_threshold();
    let (mut rows, mut unread) = (0_u64, Unread::default());
    let left_out = tables::read(&args.file, args.reading.delimiter, &mut |names, cells| {
        picked.look(names);
        if cells.is_empty() {
            return;
        }
        rows += 1;
        let Some(label) = args.meaning.label(picked.cell(0, cells)) else {
            unread.labels += 1;
            return;
        };
        let Some(decision) = args.meaning.decision(picked.cell(1, cells)) else {
            unread.predictions += 1;
            return;
        };
        let values: Vec<String> =
            (0..args.groups.len()).map(|at| word(&picked.cell(at + 2, cells))).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let Some(group) = groups.number(&values) else {
            unread.groups += 1;
            return;
        };
        tally.push(group, label, decision);
        if has_scores {
            let score = float(picked.cell(of_score, cells)).unwrap_or(f64::NAN);
            unread.probabilities += u64::from(!scores.push(group, score, label));
        }
        if args.repair.is_some() {
            match float(picked.cell(of_score, cells)).filter(|_| scored.scores.len() < MOST_SCORED) {
                Some(score) => scored.push(score, label, group),
                None => unread.scores += 1,
            }
        }
        if !args.similar.is_empty() {
            // Without scores the decision is one of 0 or 1.
            let score = if has_scores {
                float(picked.cell(of_score, cells))
            } else {
                Some(f64::from(u8::from(decision)))
            };
            let inputs = || {
                let cell = |at: usize| Input::of(&picked.cell(of_similar + at, cells));
                (0..args.similar.len()).map(cell).collect()
            };
            match score {
                Some(score) => people.push(rows, group, score, inputs),
                None => unread.alike += 1,
            }
        }
        if args.counterfactual.is_some() {
            match args.meaning.decision(picked.cell(of_counterfactual, cells)) {
                Some(changed) => flips.push(decision, changed),
                None => unread.counterfactuals += 1,
            }
        }
    })?;
    picked.all_found(&args.file)?;
    if tally.total().n() == 0 {
        let path = args.file.display();
        return Err(StatsError::Told(format!(
            "no row of `{path}` has a label and a prediction that say yes or no; {}",
            Meaning::help()
        )));
    }
    Ok(Counted { rows, tally, groups, scored, scores, flips, people, unread, left_out })
}

/// Each column alone, and all together where there are several.
fn groupings(args: &FairnessArgs, counted: &Counted) -> Vec<Grouping> {
    let mut all = Vec::new();
    for (at, column) in args.groups.iter().enumerate() {
        let Some((values, of)) = counted.groups.margin(at) else { continue };
        let names = values.iter().map(|value| vec![value.clone()]).collect();
        all.push(Grouping {
            by: vec![column.clone()],
            names,
            tally: counted.tally.joined(&of),
            scores: counted.scores.joined(&of),
        });
    }
    if args.groups.len() > 1 {
        let name =
            |group| counted.groups.name(group).unwrap_or_default().into_iter().map(str::to_owned).collect();
        let names = (0..counted.groups.len()).map(name).collect();
        all.push(Grouping {
            by: args.groups.clone(),
            names,
            tally: counted.tally.clone(),
            scores: counted.scores.clone(),
        });
    }
    all
}

impl Grouping {
    fn name(&self, group: usize) -> Vec<String> {
        self.names.get(group).cloned().unwrap_or_default()
    }

    /// Groups in the order of their names: the order of a file says nothing.
    fn in_order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.tally.groups().len()).collect();
        order.sort_by(|a, b| self.names.get(*a).cmp(&self.names.get(*b)));
        order
    }

    fn shown(&self, args: &FairnessArgs) -> Shown {
        let limits = Limits { level: args.confidence, least: args.least };
        let weights = self.tally.reweighing();
        let mut worth = self.scores.worth(args.confidence);
        let mut group = |at: usize| {
            let counts = self.tally.groups().get(at).copied().unwrap_or_default();
            let (positive, negative) = weights.by_group.get(at).copied().unwrap_or_default();
            let told = |rate: Rate| (rate.name(), counts.rate(rate).wilson(args.confidence).into());
            Group {
                group: self.name(at),
                rows: counts.n(),
                rates: Rate::ALL.into_iter().map(told).collect(),
                calibration: worth.get_mut(at).and_then(Option::take).map(|one| one.told(args.confidence)),
                reweighing: [positive, negative],
            }
        };
        let gap = |rate: Rate| {
            let decides = args.rates.contains(&rate);
            match self.tally.gap(rate, limits) {
                Ok(gap) => ShownGap {
                    rate: rate.name(),
                    verdict: if decides { verdict(&gap, args.limit) } else { "not asked" },
                    unknown: None,
                    gap: Some(self.measured(&gap, args)),
                },
                Err(why) => ShownGap {
                    rate: rate.name(),
                    verdict: if decides { "undecided" } else { "not asked" },
                    unknown: Some(no_gap(why)),
                    gap: None,
                },
            }
        };
        let odds = |odds: Odds| ShownOdds {
            worst_difference: odds.worst_difference.into(),
            mean_difference: odds.mean_difference,
            worst_ratio: odds.worst_ratio.into(),
        };
        Shown {
            by: self.by.clone(),
            groups: self.in_order().into_iter().map(&mut group).collect(),
            gaps: Rate::ALL.into_iter().map(gap).collect(),
            equalized_odds: self.tally.equalized_odds(limits).ok().map(odds),
            reweighing_effective_share: weights.effective_share,
            theil_index: self.tally.entropy_index(1.0),
            differential_fairness: self.tally.differential_fairness(Rate::Selection),
        }
    }

    fn measured(&self, gap: &Gap, args: &FairnessArgs) -> Measured {
        Measured {
            lowest: self.name(gap.lowest),
            highest: self.name(gap.highest),
            difference: gap.difference.into(),
            ratio: gap.ratio.into(),
            too_small: gap.left_out.iter().map(|group| self.name(*group)).collect(),
            rows_needed: (verdict(gap, args.limit) == "undecided")
                .then(|| self.rows_needed(gap, args))
                .flatten(),
        }
    }

    /// Rows of the two groups after which the interval of their ratio would leave the limit out, if it stayed as it is. The interval is
    /// that of one of all pairs.
    fn rows_needed(&self, gap: &Gap, args: &FairnessArgs) -> Option<u64> {
        let ratio = gap.ratio.ok()?;
        let groups = self.tally.groups().len().saturating_sub(gap.left_out.len());
        let pairs = groups * groups.saturating_sub(1) / 2;
        let plan = Plan::new(args.confidence.each_of(pairs).alpha(), POWER).ok()?;
        let difference = args.limit - ratio.value;
        let half = if difference > 0.0 { ratio.high - ratio.value } else { ratio.value - ratio.low };
        plan.narrower(ratio.n, half, difference).ok().flatten()
    }
}

/// Why there is no gap, in the words of groups.
fn no_gap(why: Unknown) -> String {
    match why {
        Unknown::TooFew { n: 0, needed: 2 } => "no group has rows enough to compare".to_owned(),
        Unknown::TooFew { n: 1, needed: 2 } => {
            "there is one group with rows enough, and nothing to compare it with".to_owned()
        }
        _ => why.to_string(),
    }
}

/// Whether the lowest rate is the allowed share of the highest one.
fn verdict(gap: &Gap, limit: f64) -> &'static str {
    match &gap.ratio {
        Ok(ratio) if ratio.low >= limit => "within",
        Ok(ratio) if ratio.against(limit) == Side::Below => "breach",
        _ => "undecided",
    }
}
