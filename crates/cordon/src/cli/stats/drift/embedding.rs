//! `drift --embedding`: points with many coordinates, compared as a cloud.

use std::path::Path;

use cordon_stats::{
    drift::{CloudDrift, Points, clouds},
    interval::Level,
    profile::Cell,
    random::Random,
};
use serde::Serialize;

use super::super::super::json;
use super::super::{
    P, Said, StatsError, finite,
    outcomes::{Told, float, shown},
    report::{Head, Report, Row, Section, Table},
    warn,
};
use super::DriftArgs;
use crate::tables::{self, LeftOut};

/// Points of a side that are compared; a fair sample of more.
const MOST: usize = 2_000;
/// Numbers of a point, as embeddings have at most.
const WIDEST: usize = 8_192;
/// Where sampling and relabelling start, so that the same files give the same answer.
const SEED: u64 = 1;

#[derive(Serialize)]
struct Answer<'a> {
    embedding: &'a str,
    reference: Side,
    current: Side,
    dimension: usize,
    level: f64,
    drifted: bool,
    /// Squared maximum mean discrepancy, with its permutation test.
    mmd: f64,
    mmd_p: P,
    classifier_auc: Told,
    #[serde(skip_serializing_if = "Option::is_none")]
    classifier_p: Option<P>,
    centre_cosine: Option<f64>,
    centre_distance: Option<f64>,
    length_kolmogorov_smirnov: f64,
    length_p: P,
}

#[derive(Serialize)]
struct Side {
    file: String,
    rows: u64,
    points: usize,
    /// Rows without a point that could be read.
    without: u64,
    left_out: Vec<String>,
}

/// The points of a table, and what was left out.
struct Cloud {
    points: Vec<Vec<f64>>,
    rows: u64,
    without: u64,
    seen: u64,
    random: Random,
    left_out: LeftOut,
}

pub(super) fn run(args: &DriftArgs, name: &str) -> Result<Said, StatsError> {
    let read = |path| Cloud::read(path, args.reading.delimiter, name);
    let [was, is] = [read(&args.reference)?, read(&args.current)?];
    // 0 and 1 are no levels of an interval; the tests are still decided at them.
    let level = Level::new(1.0 - args.level).unwrap_or(Level::P95);
    let refused =
        |why: cordon_stats::InputError| StatsError::Told(format!("`{name}` cannot be compared: {why}"));
    let found = clouds(&was.cloud(name)?, &is.cloud(name)?, SEED, level).map_err(refused)?;
    // Three tests, one error.
    let tests = [
        Some(found.discrepancy.p_value),
        found.classified.as_ref().ok().map(|classified| classified.p_value),
        Some(found.lengths.p_value),
    ];
    let drifted = tests.iter().flatten().any(|p| p.at_most(args.level / 3.0));
    if args.look.form.json {
        let side = |path: &Path, cloud: &Cloud| Side {
            file: path.display().to_string(),
            rows: cloud.rows,
            points: cloud.points.len(),
            without: cloud.without,
            left_out: cloud.left_out.sentences(),
        };
        json(&Answer {
            embedding: name,
            reference: side(&args.reference, &was),
            current: side(&args.current, &is),
            dimension: found.dimension,
            level: args.level,
            drifted,
            mmd: found.discrepancy.statistic,
            mmd_p: found.discrepancy.p_value.into(),
            classifier_auc: found.classified.map(|classified| classified.auc).into(),
            classifier_p: found.classified.as_ref().ok().map(|classified| classified.p_value.into()),
            centre_cosine: finite(found.centre_cosine),
            centre_distance: finite(found.centre_distance),
            length_kolmogorov_smirnov: found.lengths.statistic,
            length_p: found.lengths.p_value.into(),
        })?;
    } else {
        for (path, cloud) in [(&args.reference, &was), (&args.current, &is)] {
            warn(path, &cloud.left_out.sentences());
        }
        args.look.say(&report(name, [&was, &is], &found, drifted))?;
    }
    Ok(if drifted { Said::Found } else { Said::Nothing })
}

fn report(name: &str, [was, is]: [&Cloud; 2], found: &CloudDrift, drifted: bool) -> Report {
    let verdict = if drifted { "drifted" } else { "did not drift" };
    let mut summary = format!(
        "{name} {verdict}: {} points against {}, {} numbers each",
        is.points.len(),
        was.points.len(),
        found.dimension
    );
    let without = was.without + is.without;
    if without > 0 {
        summary.push_str(&format!(", {without} rows without one"));
    }
    let (auc, auc_p) = match &found.classified {
        Ok(classified) => (shown(Ok(classified.auc)), classified.p_value.to_string()),
        Err(why) => (format!("unknown: {why}"), String::new()),
    };
    let distance = format!("{:.5}", found.discrepancy.statistic);
    let length = format!("{:.4}", found.lengths.statistic);
    let rows = [
        ("distribution (MMD squared)", distance, found.discrepancy.p_value.to_string()),
        ("told apart by a classifier (AUC)", auc, auc_p),
        ("length (Kolmogorov-Smirnov)", length, found.lengths.p_value.to_string()),
        ("centre: cosine", format!("{:.4}", found.centre_cosine), String::new()),
        ("centre: distance in spreads", format!("{:.4}", found.centre_distance), String::new()),
    ];
    // One question was asked; what moved is the answer to it.
    let row = |(at, (what, value, p)): (usize, (&str, String, String))| Row {
        case: (at == 0).then(|| name.to_owned()),
        failure: (at == 0 && drifted).then(|| summary.clone()),
        ..Row::plain([what.to_owned(), value, p])
    };
    let heads = vec![Head::left("WHAT"), Head::left("VALUE"), Head::right("P")];
    let table = Table { heads, rows: rows.into_iter().enumerate().map(row).collect() };
    let sections = vec![Section { title: name.to_owned(), table, ..Section::default() }];
    Report { name: "drift", summary, sections, notes: Vec::new() }
}

impl Cloud {
    /// A column of lists (`[0.1, 0.2]`), or a group of columns: the name with a number behind it, such as `e_0` or `e[0]`.
    fn read(path: &Path, delimiter: tables::Delimiter, name: &str) -> Result<Self, StatsError> {
        let mut cloud = Self {
            points: Vec::new(),
            rows: 0,
            without: 0,
            seen: 0,
            random: Random::new(SEED),
            left_out: LeftOut::default(),
        };
        let (mut width, mut places) = (0, Vec::new());
        let mut point = Vec::new();
        let left_out = tables::read(path, delimiter, &mut |names, cells| {
            if names.len() != width {
                width = names.len();
                places = columns_of(names, name);
            }
            if cells.is_empty() {
                return;
            }
            cloud.rows += 1;
            point.clear();
            match &places[..] {
                [only] => read_list(cells.get(*only).copied().unwrap_or(Cell::Missing), &mut point),
                _ => point.extend(places.iter().map_while(|at| cells.get(*at).copied().and_then(float))),
            }
            if point.is_empty() || (places.len() > 1 && point.len() < places.len()) {
                cloud.without += 1;
            } else {
                cloud.keep(&point);
            }
        })?;
        if places.is_empty() {
            return Err(StatsError::Told(format!(
                "`{}` has neither a column `{name}` of lists nor columns `{name}_0`, `{name}_1`, …; help: `cordon profile` lists its columns",
                path.display()
            )));
        }
        cloud.left_out = left_out;
        Ok(cloud)
    }

    /// A fair sample (Vitter's algorithm R).
    fn keep(&mut self, point: &[f64]) {
        self.seen += 1;
        if self.points.len() < MOST {
            self.points.push(point.to_vec());
            return;
        }
        let place = self.random.below(usize::try_from(self.seen).unwrap_or(usize::MAX));
        if let Some(kept) = self.points.get_mut(place) {
            kept.clear();
            kept.extend_from_slice(point);
        }
    }

    fn cloud(&self, name: &str) -> Result<Points, StatsError> {
        let dimension = self.points.first().map_or(0, Vec::len);
        if self.points.iter().any(|point| point.len() != dimension) {
            return Err(StatsError::Told(format!(
                "the points of `{name}` have different numbers of coordinates"
            )));
        }
        Points::new(self.points.concat(), dimension)
            .map_err(|why| StatsError::Told(format!("`{name}` cannot be compared: {why}")))
    }
}

/// The column of that name, or the columns of the group, in the order of their numbers.
fn columns_of(names: &[String], name: &str) -> Vec<usize> {
    if let Some(at) = names.iter().position(|known| known == name) {
        return vec![at];
    }
    let number = |column: &String| -> Option<u32> {
        let rest = column.strip_prefix(name)?;
        let rest = rest.trim_start_matches(['_', '.', '-', '[']).trim_end_matches(']');
        rest.parse().ok()
    };
    let mut group: Vec<(u32, usize)> =
        names.iter().enumerate().filter_map(|(at, column)| Some((number(column)?, at))).collect();
    group.sort_unstable();
    group.into_iter().map(|(_, at)| at).take(WIDEST).collect()
}

/// The numbers of a list; nothing where it is none.
fn read_list(cell: Cell<'_>, point: &mut Vec<f64>) {
    let Cell::Text(text) = cell else { return };
    let Ok(values) = serde_json::from_str::<Vec<f64>>(text.trim()) else { return };
    if values.len() <= WIDEST && values.iter().all(|value| value.is_finite()) {
        *point = values;
    }
}
