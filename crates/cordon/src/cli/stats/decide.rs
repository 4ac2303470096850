//! `decide`: thresholds by group applied to a table, row by row, each decision with its reason.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    io::{self, BufWriter, Write},
    path::PathBuf,
};

use clap::Args;
use cordon_stats::fairness::thresholds::Rule;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::super::unwritten;
use super::{
    Reading, Said, StatsError, number,
    outcomes::{Picked, float},
    policy::Thresholds,
    report::cannot_write,
    warn, word,
};
use crate::tables;

pub(in super::super) const DECIDE: &str = "\
Examples:
  cordon fairness loans.csv --label repaid --prediction score --threshold 0.7 --group sex --repair equal-opportunity --policy fair.json
  cordon decide new.csv --policy fair.json --id loan --seed \"$(cat seed.txt)\" > decisions.csv
  cordon decide new.csv --policy fair.json --id loan --seed \"$(cat seed.txt)\" --json

Where a rule takes one of two thresholds by chance, the lot of a row is a digest of the seed and its id: the same row is decided the
same way again, in any order, by whoever knows the seed; nobody else can tell it beforehand. See docs/statistics.md.

Exit code: 0 every row is decided, 1 some are not (no score, no rule for their group), 2 it could not be carried out.";

#[derive(Args)]
pub(in super::super) struct DecideArgs {
    /// A table in CSV, JSON lines or Parquet, one row for each decision.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The thresholds, as `cordon fairness --repair … --policy FILE` writes them.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The column with the score, where it is called otherwise than in the policy.
    #[arg(long, value_name = "COLUMN")]
    score: Option<String>,
    /// The column by which a row is named.
    #[arg(long, value_name = "COLUMN")]
    id: Option<String>,
    /// What lots are drawn with: keep it secret, or people choose ids that win.
    #[arg(long, value_name = "TEXT", requires = "id")]
    seed: Option<String>,
    /// Lines of JSON instead of CSV.
    #[arg(long)]
    json: bool,
    /// Write to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
}

/// A row and what became of it.
#[derive(Serialize)]
struct Decision<'a> {
    row: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    group: BTreeMap<&'a str, &'a str>,
    score: Option<f64>,
    /// The probability of a yes by the rule of its group.
    probability: Option<f64>,
    /// Its lot, where one was drawn: yes where it is below the probability.
    lot: Option<f64>,
    decision: Option<bool>,
    reason: String,
}

/// How many were decided how.
#[derive(Default)]
struct Counts {
    rows: u64,
    yes: u64,
    no: u64,
    open: u64,
}

pub(super) fn run(args: &DecideArgs) -> Result<Said, StatsError> {
    let policy = Thresholds::read(&args.policy)?;
    let rules: HashMap<&[String], Rule> =
        policy.rules.iter().filter_map(|rule| Some((rule.group.as_slice(), rule.known()?))).collect();
    if args.seed.is_none() && rules.values().any(draws_lots) {
        return Err(StatsError::Told(format!(
            "the thresholds of `{}` are taken by chance for some scores; help: name rows with --id COLUMN and say --seed TEXT, which \
             makes the same decision of the same row again",
            args.policy.display()
        )));
    }
    if args.output.as_ref().is_some_and(|output| *output == args.file || *output == args.policy) {
        return Err(StatsError::Told(
            "the decisions would be written over what they are made from; help: name another --output"
                .to_owned(),
        ));
    }
    let Some(path) = &args.output else {
        return written(args, &policy, &rules, io::stdout().lock())
            .and_then(|(said, result)| result.map(|()| said).map_err(|error| unwritten(&error).into()));
    };
    let file = std::fs::File::create(path).map_err(|error| cannot_write(path, &error))?;
    let (said, result) = written(args, &policy, &rules, file)?;
    result.map(|()| said).map_err(|error| cannot_write(path, &error))
}

/// Does a score exist that the rule decides by chance?
fn draws_lots(rule: &Rule) -> bool {
    // Between, below and above its thresholds.
    let at = [rule.first.0, rule.second.0].into_iter().flat_map(|threshold| [threshold, threshold.next_up()]);
    at.chain([f64::MIN, f64::MAX]).any(|score| is_by_chance(rule.probability(score)))
}

/// Rounding leaves a sure decision a little short of one.
fn is_by_chance(probability: f64) -> bool {
    probability > 1e-9 && probability < 1.0 - 1e-9
}

/// Decides every row and writes it; the second part is what became of the output.
fn written(
    args: &DecideArgs,
    policy: &Thresholds,
    rules: &HashMap<&[String], Rule>,
    output: impl Write,
) -> Result<(Said, io::Result<()>), StatsError> {
    let mut output = BufWriter::new(output);
    let score = args.score.as_ref().unwrap_or(&policy.score);
    let mut picked = Picked::new([score].into_iter().chain(&policy.groups).chain(&args.id));
    let mut counts = Counts::default();
    let mut result = if args.json { Ok(()) } else { output.write_all(head(args, policy).as_bytes()) };
    let named = args.id.as_deref().unwrap_or_default();
    let left_out = tables::read_with_ids(&args.file, args.reading.delimiter, named, &mut |names, cells| {
        picked.look(names);
        if cells.is_empty() || result.is_err() {
            return;
        }
        counts.rows += 1;
        let score = float(picked.cell(0, cells));
        let group: Vec<String> =
            (0..policy.groups.len()).map(|at| word(&picked.cell(at + 1, cells))).collect();
        let id = args.id.as_ref().map(|_| picked.cell(policy.groups.len() + 1, cells));
        let id = id.filter(|id| *id != cordon_stats::profile::Cell::Missing).map(|id| word(&id));
        let decision = decided(args, policy, rules, &mut counts, (score, &group, id.as_deref()));
        let line = if args.json { json_line(&decision) } else { csv_line(args, &decision, &group) };
        result = output.write_all(line.as_bytes());
    })?;
    picked.all_found(&args.file)?;
    warn(&args.file, &left_out.sentences());
    let Counts { rows, yes, no, open } = counts;
    super::super::complain(&format!(
        "{rows} rows: {yes} yes, {no} no, {open} not decided; made to have {} equal",
        super::super::table::plain(&policy.equal)
    ));
    Ok((if open > 0 { Said::Found } else { Said::Nothing }, result.and_then(|()| output.flush())))
}

/// What the rule of its group says of a row.
fn decided<'a>(
    args: &DecideArgs,
    policy: &'a Thresholds,
    rules: &HashMap<&[String], Rule>,
    counts: &mut Counts,
    (score, group, id): (Option<f64>, &'a [String], Option<&'a str>),
) -> Decision<'a> {
    let mut decision = Decision {
        row: counts.rows,
        id,
        group: policy.groups.iter().map(String::as_str).zip(group.iter().map(String::as_str)).collect(),
        score,
        probability: None,
        lot: None,
        decision: None,
        reason: String::new(),
    };
    let (Some(score), Some(rule)) = (score, rules.get(group)) else {
        counts.open += 1;
        decision.reason = if score.is_none() { "no score" } else { "no rule for this group" }.to_owned();
        return decision;
    };
    let probability = rule.probability(score);
    decision.probability = Some(probability);
    let (yes, reason) = if is_by_chance(probability) {
        let (Some(seed), Some(id)) = (&args.seed, id) else {
            counts.open += 1;
            decision.reason = "a lot is to be drawn, and the row has no id".to_owned();
            return decision;
        };
        let lot = lot(seed, id);
        decision.lot = Some(lot);
        let side = if lot < probability { "below" } else { "not below" };
        (lot < probability, format!("{}: the lot {lot} is {side} {}", told(rule, score), number(probability)))
    } else {
        (probability > 0.5, told(rule, score))
    };
    *(if yes { &mut counts.yes } else { &mut counts.no }) += 1;
    decision.decision = Some(yes);
    decision.reason = reason;
    decision
}

/// Where a score lies to the thresholds that count.
fn told(rule: &Rule, score: f64) -> String {
    let mut said = String::new();
    for (threshold, weight) in [rule.first, rule.second] {
        if weight <= 0.0 {
            continue;
        }
        if !said.is_empty() {
            said.push_str(", ");
        }
        let side = if score > threshold { "above" } else { "not above" };
        let _infallible = write!(said, "score is {side} {}", threshold);
        if weight < 1.0 {
            let _infallible = write!(said, " (taken with a probability of {})", number(weight));
        }
    }
    if rule.ignored > 0.0 {
        let _infallible = write!(
            said,
            "; with a probability of {} the score is not looked at and yes has one of {}",
            number(rule.ignored),
            number(rule.constant)
        );
    }
    said
}

/// A number in [0, 1) that the seed and the id decide: the first 53 bits of their SHA-256.
fn lot(seed: &str, id: &str) -> f64 {
    let mut digest = Sha256::new();
    digest.update(b"cordon decide 1\0");
    // The length keeps a seed that ends like an id begins from being another pair.
    digest.update((seed.len() as u64).to_be_bytes());
    digest.update(seed.as_bytes());
    digest.update(id.as_bytes());
    let bits = digest.finalize().iter().take(8).fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

fn json_line(decision: &Decision<'_>) -> String {
    // Numbers and texts alone: they can always be written.
    serde_json::to_string(decision).unwrap_or_default() + "\n"
}

fn head(args: &DecideArgs, policy: &Thresholds) -> String {
    let names = ["row"].into_iter().chain(args.id.as_deref()).chain(policy.groups.iter().map(String::as_str));
    let cells = names.chain(["score", "probability", "lot", "decision", "reason"]).map(quoted);
    cells.collect::<Vec<_>>().join(",") + "\n"
}

fn csv_line(args: &DecideArgs, decision: &Decision<'_>, group: &[String]) -> String {
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let mut cells = vec![decision.row.to_string()];
    if args.id.is_some() {
        cells.push(quoted(decision.id.unwrap_or_default()));
    }
    cells.extend(group.iter().map(|value| quoted(value)));
    cells.extend([decision.score, decision.probability, decision.lot].map(number));
    cells.push(decision.decision.map_or("", |yes| if yes { "1" } else { "0" }).to_owned());
    cells.push(quoted(&decision.reason));
    cells.join(",") + "\n"
}

/// A cell of CSV, in quotation marks where it needs them.
pub(super) fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
