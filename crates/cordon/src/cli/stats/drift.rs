//! `drift`: which columns changed, how much, and whether chance explains it.

mod decide;
mod embedding;
mod needed;
mod read;
mod together;
mod told;

use std::path::{Path, PathBuf};

use clap::Args;
use cordon_stats::{
    InputError, PValue,
    drift::{self, ColumnDrift, ZeroShare},
    interval::Level,
    profile::{ColumnProfile, Profile},
};
use serde::Serialize;

use super::super::json;
use super::report::Look;
use super::segments::Parting;
use super::{P, Reading, Said, StatsError, finite, reach, share, warn};
use decide::{Corrected, decide};
use needed::Needed;
use read::Read;
use together::Together;

pub(in super::super) const DRIFT: &str = "\
Examples:
  cordon drift --reference train.parquet --current today.csv
  cordon drift --reference train.profile --current today.csv --json
  cordon drift --reference last.csv --current this.csv --by country
  cordon drift --reference month.csv --current today.csv --season hour-of-week --time sent
  cordon drift --reference last.jsonl --current this.jsonl --embedding vector
  cordon drift --reference last.csv --current this.csv --by country --correction bh
  cordon drift --reference last.csv --rows-needed --effect 0.05

A column drifted when chance does not explain the change (chi-squared on bins that the reference froze; the level is that of one false
alarm in the whole table, Holm) and the change is large enough (Jensen-Shannon distance, base 2, square root). With --season the test is
that of Cochran, Mantel and Haenszel within seasons. Of two tables without --by and --season, pairs of columns whose rank correlation
changed are named too. Where there are too few rows to find a change of --effect, it says how many it takes. See docs/statistics.md.

Exit code: 0 no drift, 1 drift, 2 a file cannot be read.";

#[derive(Args)]
pub(in super::super) struct DriftArgs {
    /// What is compared with: a table in CSV, JSON lines or Parquet, or a saved profile.
    #[arg(long, value_name = "FILE")]
    reference: PathBuf,
    /// What is new: the same kinds of file.
    #[arg(long, value_name = "FILE", required_unless_present = "rows_needed")]
    current: Option<PathBuf>,
    #[command(flatten)]
    parting: Parting,
    /// Compare points instead: a column of lists of numbers, or a group of columns such as `e_0`, `e_1` by the name before the number.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["by", "season"])]
    embedding: Option<String>,
    /// The probability of one false alarm or more in the whole table; with --correction bh or by the expected share of false ones among
    /// what is named.
    #[arg(long, default_value = "0.05", value_name = "SHARE", value_parser = share)]
    level: f64,
    /// What --level bounds: any false alarm at all (holm), or the share of false ones among what is named, for many columns and segments
    /// that are independent or move the same way (bh, Benjamini and Hochberg), or however they depend (by, Benjamini and Yekutieli).
    #[arg(long, value_enum, default_value = "holm", value_name = "METHOD", conflicts_with = "embedding")]
    correction: Corrected,
    /// Below this Jensen-Shannon distance (base 2), or change of a correlation, a change is too small to matter.
    #[arg(long, default_value = "0.1", value_name = "DISTANCE", value_parser = share)]
    effect: f64,
    /// The probability with which a change of --effect shall be told from chance: decides how many rows are needed.
    #[arg(long, default_value = "0.8", value_name = "SHARE", value_parser = share)]
    power: f64,
    /// Before there is anything to compare: how many rows does it take to find a change of --effect?
    #[arg(long, conflicts_with_all = ["current", "embedding", "season"])]
    rows_needed: bool,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    look: Look,
}

impl DriftArgs {
    /// What is new; where a look is only planned, the reference stands for it.
    fn current(&self) -> &Path {
        self.current.as_deref().unwrap_or(&self.reference)
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    reference: File,
    current: File,
    level: f64,
    correction: &'static str,
    effect: f64,
    power: f64,
    drifted: usize,
    correlations: together::Told<'a>,
    /// Rows of segments that are not compared by themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows_of_other_segments: Option<[u64; 2]>,
    columns: Vec<Shown<'a>>,
}

#[derive(Serialize)]
struct File {
    file: String,
    rows: u64,
    left_out: Vec<String>,
}

/// A column, compared.
struct Compared {
    segment: Option<String>,
    column: String,
    kind: &'static str,
    rows: [u64; 2],
    present: [u64; 2],
    missing: [f64; 2],
    missing_p: PValue,
    kinds: drift::Kinds,
    outcome: Result<ColumnDrift, &'static str>,
    /// A side does not have it, or has no row at all: that needs no test.
    is_absent: bool,
    /// Corrected for every test of the table.
    p_adjusted: Option<f64>,
    kinds_adjusted: Option<f64>,
    missing_adjusted: f64,
    drifted: bool,
    /// Rows that it takes to find a change of its values that matters. None where that is not known.
    needed: Option<Needed>,
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    segment: Option<&'a str>,
    column: &'a str,
    kind: &'static str,
    drifted: bool,
    rows: [u64; 2],
    missing: Missing,
    #[serde(skip_serializing_if = "Option::is_none")]
    kinds: Option<Kinds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_compared: Option<&'static str>,
    /// Where there are fewer: rows with a value that it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows_needed: Option<Needed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<Change>,
}

#[derive(Serialize)]
struct Missing {
    reference: f64,
    current: f64,
    p: P,
    p_adjusted: f64,
}

/// Values by kind, of the reference and of the current data, where there is more than one kind.
#[derive(Serialize)]
struct Kinds {
    numbers: (u64, u64),
    texts: (u64, u64),
    not_finite: (u64, u64),
    p: P,
    p_adjusted: Option<f64>,
}

#[derive(Serialize)]
struct Change {
    jensen_shannon_distance_base2: f64,
    /// 95 %, with what chance alone adds taken off.
    jensen_shannon_distance_base2_interval: (f64, f64),
    jensen_shannon_distance_ln: f64,
    population_stability_index: f64,
    kullback_leibler_current_reference: f64,
    hellinger: f64,
    total_variation: f64,
    largest_difference: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    chi_squared: Option<ChiSquared>,
    #[serde(skip_serializing_if = "Option::is_none")]
    numbers: Option<Numbers>,
    bins: Vec<Bin>,
}

#[derive(Serialize)]
struct ChiSquared {
    statistic: f64,
    df: u32,
    p: P,
    p_adjusted: Option<f64>,
    cramers_v: f64,
}

#[derive(Serialize)]
struct Numbers {
    kolmogorov_smirnov_at_least: f64,
    kolmogorov_smirnov_at_most: f64,
    kolmogorov_smirnov_p: P,
    wasserstein: f64,
    wasserstein_error: f64,
    mean_shift_in_deviations: Option<f64>,
    /// 95 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    mean_shift_interval: Option<(f64, f64)>,
}

#[derive(Serialize)]
struct Bin {
    bin: String,
    reference: u64,
    current: u64,
}

pub(super) fn run(args: &DriftArgs) -> Result<Said, StatsError> {
    if let Some(name) = &args.embedding {
        return embedding::run(args, name);
    }
    let (read, mut together) = Read::of(args)?;
    let mut compared = read.compared();
    if compared.is_empty() {
        return Err(StatsError::Told("there is nothing to compare: no column is in both files".to_owned()));
    }
    let tests = decide(&mut compared, &mut together, args);
    needed::of(&mut compared, tests, args);
    if args.rows_needed {
        return needed::say(args, &read, &compared, tests);
    }
    let drifted = compared.iter().filter(|column| column.drifted).count();
    let report = told::report(args, &read, &compared, &together);
    let paths = [args.reference.as_path(), args.current()];
    if args.look.form.json {
        let [reference, current] = read.files(args);
        json(&Answer {
            reference,
            current,
            level: args.level,
            correction: args.correction.word(),
            effect: args.effect,
            power: args.power,
            drifted,
            correlations: together.told(),
            rows_of_other_segments: read.beyond(),
            columns: compared.iter().map(shown).collect(),
        })?;
    } else {
        for (path, left_out) in paths.iter().zip(read.left_out()) {
            warn(path, &left_out.sentences());
        }
        if let Some(text) = read.beyond_said() {
            super::complain(&text);
        }
        args.look.say(&report)?;
    }
    args.look.write(&report, || told::story(args, &read, &compared, &together))?;
    Ok(if drifted + together.changed() > 0 { Said::Found } else { Said::Nothing })
}

/// What the tests of a column say, before they are corrected.
struct Tested {
    missing: [f64; 2],
    missing_p: PValue,
    kinds: drift::Kinds,
    outcome: Result<ColumnDrift, InputError>,
}

impl Tested {
    /// As the column is on both sides.
    fn of(was: &ColumnProfile, is: &ColumnProfile) -> Self {
        let rate = |column: &ColumnProfile| column.missing() as f64 / (column.rows() as f64).max(1.0);
        Self {
            missing: [rate(was), rate(is)],
            missing_p: if was.rows() == 0 || is.rows() == 0 {
                PValue::of(1.0)
            } else {
                drift::shares((was.missing(), was.rows()), (is.missing(), is.rows()))
            },
            kinds: drift::Kinds::of(was, is),
            outcome: drift::column(was, is),
        }
    }

    /// Season against the same season.
    fn by_season(seasons: &[drift::Season<'_>]) -> Self {
        let missing = drift::missing_by_season(seasons);
        let shares = missing.as_ref().and_then(|missing| missing.shares.first().copied()).unwrap_or_default();
        let test = missing.and_then(|missing| missing.test);
        Self {
            missing: [shares.0, shares.1],
            missing_p: test.map_or(PValue::of(1.0), |test| test.p_value),
            kinds: drift::kinds_by_season(seasons),
            outcome: drift::column_by_season(seasons),
        }
    }
}

/// Every column of either side, tested by its name and by what it is on both.
fn compare(
    segment: Option<&str>,
    reference: &Profile,
    current: &Profile,
    test: impl Fn(&str, &ColumnProfile, &ColumnProfile) -> Tested,
) -> Vec<Compared> {
    let nothing = ColumnProfile::default();
    let known = reference.columns().map(|(name, _)| name);
    let new = current.columns().map(|(name, _)| name).filter(|name| reference.column(name).is_none());
    known
        .chain(new)
        .map(|name| {
            let (was, is) = (reference.column(name), current.column(name));
            let is_absent = was.is_none() || is.is_none() || reference.rows() == 0 || current.rows() == 0;
            let why_absent = match (was, is) {
                (None, _) => Some("the reference does not have it"),
                (_, None) => Some("it is gone"),
                _ => None,
            };
            let (was, is) = (was.unwrap_or(&nothing), is.unwrap_or(&nothing));
            let tested = test(name, was, is);
            Compared {
                segment: segment.map(str::to_owned),
                column: name.to_owned(),
                kind: if was.rows() > 0 { was.kind().word() } else { is.kind().word() },
                rows: [was.rows(), is.rows()],
                present: [was.present(), is.present()],
                missing: tested.missing,
                missing_p: tested.missing_p,
                kinds: tested.kinds,
                outcome: match why_absent {
                    Some(why) => Err(why),
                    None => tested.outcome.map_err(|_| why_not(was, is)),
                },
                is_absent,
                p_adjusted: None,
                kinds_adjusted: None,
                missing_adjusted: 1.0,
                drifted: false,
                needed: None,
            }
        })
        .collect()
}

fn why_not(was: &ColumnProfile, is: &ColumnProfile) -> &'static str {
    if was.present() == 0 {
        "the reference has no value of it"
    } else if is.present() == 0 {
        "no row has a value any more"
    } else {
        "its values are of another kind now"
    }
}

fn shown(column: &Compared) -> Shown<'_> {
    let (not_compared, change) = match &column.outcome {
        Ok(drift) => (None, Some(change(drift, column.p_adjusted))),
        Err(why) => (Some(*why), None),
    };
    let [reference, current] = column.missing;
    Shown {
        segment: column.segment.as_deref(),
        column: &column.column,
        kind: column.kind,
        drifted: column.drifted,
        rows: column.rows,
        missing: Missing {
            reference,
            current,
            p: column.missing_p.into(),
            p_adjusted: column.missing_adjusted,
        },
        kinds: column.kinds.test.map(|test| Kinds {
            numbers: column.kinds.numbers,
            texts: column.kinds.texts,
            not_finite: column.kinds.not_finite,
            p: test.p_value.into(),
            p_adjusted: column.kinds_adjusted,
        }),
        not_compared,
        rows_needed: column.needed.filter(|needed| column.is_short_of(needed)),
        change,
    }
}

fn change(drift: &ColumnDrift, p_adjusted: Option<f64>) -> Change {
    let binned = &drift.binned;
    let of_numbers = |numbers: drift::Numeric| Numbers {
        kolmogorov_smirnov_at_least: numbers.smirnov,
        kolmogorov_smirnov_at_most: numbers.smirnov_most,
        kolmogorov_smirnov_p: numbers.smirnov_p.into(),
        wasserstein: numbers.wasserstein,
        wasserstein_error: numbers.wasserstein_error,
        mean_shift_in_deviations: finite(numbers.mean_shift),
        mean_shift_interval: told::shift_interval(&numbers),
    };
    Change {
        jensen_shannon_distance_base2: binned.jensen_shannon_distance_bits(),
        jensen_shannon_distance_base2_interval: drift.jensen_shannon_interval(Level::P95),
        jensen_shannon_distance_ln: binned.jensen_shannon_distance_nats(),
        population_stability_index: drift.population_stability_index(),
        kullback_leibler_current_reference: binned.divergence_of_current(ZeroShare::USUAL),
        hellinger: binned.hellinger(),
        total_variation: binned.total_variation(),
        largest_difference: binned.largest_difference(),
        chi_squared: drift.test.map(|test| ChiSquared {
            statistic: test.statistic,
            df: test.df,
            p: test.p_value.into(),
            p_adjusted,
            cramers_v: test.cramers_v,
        }),
        numbers: drift.numeric.map(of_numbers),
        bins: drift
            .bins
            .iter()
            .map(|bin| Bin { bin: reach(&bin.reach), reference: bin.reference, current: bin.current })
            .collect(),
    }
}
