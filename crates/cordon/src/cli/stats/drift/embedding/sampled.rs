//! Two tables: a fair sample of the points of each, every way that looks at points themselves.

use std::path::Path;

use cordon_stats::{
    InputError,
    drift::{CloudDrift, Points, clouds},
    interval::Level,
    random::Random,
};
use serde::Serialize;

use super::super::super::{
    P, Said, StatsError, finite,
    outcomes::{Told, shown},
    points,
    report::Figure,
};
use super::{DriftArgs, Findings, Side, TESTS, column, figure, say};
use crate::tables::{Delimiter, LeftOut};

/// Points of a side that are compared; a fair sample of more.
const MOST: usize = 2_000;
/// Where sampling and relabelling start, so that the same files give the same answer.
const SEED: u64 = 1;

#[derive(Serialize)]
struct Statistics {
    /// Squared maximum mean discrepancy, with its permutation test.
    mmd: f64,
    mmd_p: P,
    classifier_auc: Told,
    #[serde(skip_serializing_if = "Option::is_none")]
    classifier_p: Option<P>,
    centre_cosine: Option<f64>,
    centre_distance: Option<f64>,
    /// Along the direction, of those that points are projected on, where they changed most.
    direction_jensen_shannon_distance_base2: Option<f64>,
    length_jensen_shannon_distance_base2: Option<f64>,
    /// The largest of what changed, held against --effect.
    effect: f64,
    /// Points that are copies of others of their own side, left out: of the reference, and of the current data.
    copies: [usize; 2],
    permutations: usize,
    length_kolmogorov_smirnov: f64,
    length_p: P,
}

/// The points of a table that are compared, and what was left out.
struct Sample {
    points: Vec<Vec<f64>>,
    rows: u64,
    without: u64,
    seen: u64,
    random: Random,
    left_out: LeftOut,
}

pub(super) fn run(args: &DriftArgs, name: &str) -> Result<Said, StatsError> {
    let read = |path| Sample::read(path, args.reading.delimiter, name);
    let samples = [read(&args.reference)?, read(args.current())?];
    let [reference, current] = &samples;
    let [was, is] = [reference.cloud(&args.reference, name)?, current.cloud(args.current(), name)?];
    // 0 and 1 are no levels of an interval; the tests are still decided at them.
    let level = Level::new(1.0 - args.level).unwrap_or(Level::P95);
    let refused = |why: InputError| StatsError::Told(format!("`{name}` cannot be compared: {why}"));
    let found = clouds(&was, &is, SEED, level).map_err(refused)?;
    let tests = [
        Some(found.discrepancy.p_value),
        found.classified.as_ref().ok().map(|classified| classified.p_value),
        Some(found.lengths.p_value),
    ];
    let [reference, current] = samples;
    let findings = Findings {
        sides: [reference.side(&args.reference), current.side(args.current())],
        dimension: found.dimension,
        // With many points chance explains no change however small: it must matter too.
        drifted: tests.iter().flatten().any(|p| p.at_most(args.level / TESTS))
            && found.effect() >= args.effect,
        rows: rows(&found),
        figures: if args.look.is_page() { figures(&was, &is) } else { Vec::new() },
        how_sure: vec![
            format!("At most {MOST} points of each side are compared, a fair sample of more."),
            format!(
                "Changes are too small to be named below {}: of a JS distance, a distance of the centres in spreads, and 2 AUC - 1.",
                args.effect
            ),
        ],
        notes: notes(args, &found),
    };
    let statistics = Statistics {
        mmd: found.discrepancy.statistic,
        mmd_p: found.discrepancy.p_value.into(),
        classifier_auc: found.classified.map(|classified| classified.auc).into(),
        classifier_p: found.classified.as_ref().ok().map(|classified| classified.p_value.into()),
        centre_cosine: finite(found.centre_cosine),
        centre_distance: finite(found.centre_distance),
        direction_jensen_shannon_distance_base2: finite(found.along_a_direction),
        length_jensen_shannon_distance_base2: finite(found.of_lengths),
        effect: found.effect(),
        copies: found.copies,
        permutations: found.permutations,
        length_kolmogorov_smirnov: found.lengths.statistic,
        length_p: found.lengths.p_value.into(),
    };
    say(args, name, findings, statistics)
}

/// What is said beside the answer.
fn notes(args: &DriftArgs, found: &CloudDrift) -> Vec<String> {
    let mut said = Vec::new();
    if found.copies != [0, 0] {
        let [was, is] = found.copies;
        said.push(format!("points that are copies of others of their own side are left out: {was} of the reference, {is} now"));
    }
    // The smallest p-value that relabelling can give.
    let least = 1.0 / (found.permutations as f64 + 1.0);
    if least > args.level / TESTS {
        said.push(format!(
            "the MMD alone cannot find a change at this level: its p-value is never below {least}"
        ));
    }
    said
}

fn rows(found: &CloudDrift) -> Vec<[String; 3]> {
    let (auc, auc_p) = match &found.classified {
        Ok(classified) => (shown(Ok(classified.auc)), classified.p_value.to_string()),
        Err(why) => (format!("unknown: {why}"), String::new()),
    };
    let distance = format!("{:.5}", found.discrepancy.statistic);
    let length = format!("{:.4}", found.lengths.statistic);
    [
        ("distribution (MMD squared)", distance, found.discrepancy.p_value.to_string()),
        ("told apart by a classifier (AUC)", auc, auc_p),
        ("largest JS distance along a direction", format!("{:.4}", found.along_a_direction), String::new()),
        ("length (Kolmogorov-Smirnov)", length, found.lengths.p_value.to_string()),
        ("centre: cosine", format!("{:.4}", found.centre_cosine), String::new()),
        ("centre: distance in spreads", format!("{:.4}", found.centre_distance), String::new()),
    ]
    .map(|(what, value, p)| [what.to_owned(), value, p])
    .into()
}

/// The points along the line between both centres, and their lengths.
fn figures(was: &Points, is: &Points) -> Vec<Figure> {
    let centre = |points: &Points| {
        let mut sums = vec![0.0; points.dimension()];
        for point in points.rows() {
            sums.iter_mut().zip(point).for_each(|(sum, x)| *sum += x / points.len() as f64);
        }
        sums
    };
    let (from, to) = (centre(was), centre(is));
    let line: Vec<f64> = to.iter().zip(&from).map(|(to, from)| to - from).collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let distance = dot(&line, &line).sqrt();
    let along = |points: &Points| column(points.rows().map(|point| dot(point, &line) / distance));
    let length = |points: &Points| column(points.rows().map(|point| dot(point, point).sqrt()));
    let between = "where the points lie on the line that joins both centres";
    [
        figure("line", "Along the line between the centres", between, &along(was), &along(is)),
        figure("length", "Length", "Euclidean length of the points", &length(was), &length(is)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl Sample {
    fn read(path: &Path, delimiter: Delimiter, name: &str) -> Result<Self, StatsError> {
        let mut sample = Self {
            points: Vec::new(),
            rows: 0,
            without: 0,
            seen: 0,
            random: Random::new(SEED),
            left_out: LeftOut::default(),
        };
        sample.left_out = points::each(path, delimiter, name, &mut |point| {
            sample.rows += 1;
            // Points of another dimension than the first one's cannot be compared with it.
            let is_other = sample.points.first().is_some_and(|first| first.len() != point.len());
            if point.is_empty() || is_other {
                sample.without += 1;
            } else {
                sample.keep(point);
            }
        })?;
        Ok(sample)
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

    fn cloud(&self, path: &Path, name: &str) -> Result<Points, StatsError> {
        let Some(dimension) = self.points.first().map(Vec::len) else {
            return Err(StatsError::Told(format!("`{name}` cannot be compared: {}", points::none(path))));
        };
        Points::new(self.points.concat(), dimension)
            .map_err(|why| StatsError::Told(format!("`{name}` cannot be compared: {why}")))
    }

    fn side(self, path: &Path) -> Side {
        Side {
            file: path.to_owned(),
            rows: self.rows,
            points: self.points.len() as u64,
            without: self.without,
            left_out: self.left_out.sentences(),
        }
    }
}
