//! A saved profile against a table or another one: the summaries of all points.

use std::path::Path;

use cordon_stats::{
    InputError,
    drift::{ColumnDrift, ProfiledCloudDrift, profiled_clouds},
    profile::Cloud,
};
use serde::Serialize;

use super::super::super::{P, Said, StatsError, finite, points, report::Figure, saved};
use super::{DriftArgs, Findings, Side, TESTS, figure, say};
use crate::tables::Delimiter;

#[derive(Serialize)]
struct Statistics {
    /// Along the direction, of those that points are projected on, where they changed most.
    projection_jensen_shannon_distance_base2: f64,
    /// Corrected for the number of directions.
    projection_p: P,
    /// The coordinate whose mean moved most certainly, from 0.
    coordinate: usize,
    coordinate_shift_in_deviations: Option<f64>,
    /// Corrected for the number of coordinates.
    coordinate_p: P,
    /// Absent where lengths differ by rounding alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    length_jensen_shannon_distance_base2: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length_p: Option<P>,
    centre_cosine: Option<f64>,
    centre_distance: Option<f64>,
}

pub(super) fn run(args: &DriftArgs, name: &str) -> Result<Said, StatsError> {
    let read = |path: &Path| cloud(path, args.reading.delimiter, name);
    let [(was, left_out), (is, left_out_now)] = [read(&args.reference)?, read(args.current())?];
    let refused = |why: InputError| StatsError::Told(format!("`{name}` cannot be compared: {why}"));
    let found = profiled_clouds(&was, &is).map_err(refused)?;
    let lengths_p = found.lengths.as_ref().and_then(|lengths| lengths.test).map(|test| test.p_value);
    let tests = [Some(found.projection_p), Some(found.coordinate_p), lengths_p];
    let is_real = tests.iter().flatten().any(|p| p.at_most(args.level / TESTS));
    // All points are compared, so that chance explains no change however small: it must matter too.
    let distance = |drift: &ColumnDrift| drift.binned.jensen_shannon_distance_bits();
    let largest = distance(&found.projection)
        .max(found.lengths.as_ref().map_or(0.0, distance))
        .max(found.centre_distance);
    let side = |path: &Path, cloud: &Cloud, left_out: Vec<String>| Side {
        file: path.to_owned(),
        rows: cloud.rows(),
        points: cloud.points(),
        without: cloud.rows() - cloud.points(),
        left_out,
    };
    let findings = Findings {
        sides: [side(&args.reference, &was, left_out), side(args.current(), &is, left_out_now)],
        dimension: found.dimension,
        drifted: is_real && largest >= args.effect,
        rows: rows(&found),
        figures: if args.look.is_page() { figures(&was, &is) } else { Vec::new() },
        how_sure: vec![format!(
            "All points are compared, by their summaries. Changes are too small to be named below a JS distance, or a distance of the \
             centres in spreads, of {}.",
            args.effect
        )],
        notes: Vec::new(),
    };
    let statistics = Statistics {
        projection_jensen_shannon_distance_base2: distance(&found.projection),
        projection_p: found.projection_p.into(),
        coordinate: found.coordinate.0,
        coordinate_shift_in_deviations: finite(found.coordinate.1),
        coordinate_p: found.coordinate_p.into(),
        length_jensen_shannon_distance_base2: found.lengths.as_ref().map(distance),
        length_p: lengths_p.map(P::from),
        centre_cosine: finite(found.centre_cosine),
        centre_distance: finite(found.centre_distance),
    };
    say(args, name, findings, statistics)
}

/// The summary that a profile keeps, or that of a table.
fn cloud(path: &Path, delimiter: Delimiter, name: &str) -> Result<(Cloud, Vec<String>), StatsError> {
    let Some(mut saved) = saved(path)? else {
        return points::cloud(path, delimiter, name).map(|(cloud, left_out)| (cloud, left_out.sentences()));
    };
    saved.clouds.remove(name).map(|cloud| (cloud, Vec::new())).ok_or_else(|| {
        StatsError::Told(format!(
            "`{}` is a profile that keeps no points of `{name}`; help: make it with `cordon profile FILE --embedding {name} --output NAME`, \
             or take the table itself",
            path.display()
        ))
    })
}

fn rows(found: &ProfiledCloudDrift) -> Vec<[String; 3]> {
    let distance = |drift: &ColumnDrift| format!("{:.4}", drift.binned.jensen_shannon_distance_bits());
    let (at, shift) = found.coordinate;
    let length = found.lengths.as_ref().map_or_else(|| "all alike".to_owned(), distance);
    let length_p = found.lengths.as_ref().and_then(|lengths| lengths.test);
    let length_p = length_p.map(|test| test.p_value.to_string()).unwrap_or_default();
    let moved =
        if shift.is_finite() { format!("number {at}, {shift:+.3} sd") } else { format!("number {at}") };
    [
        (
            format!("distribution (JS distance, most changed of {} directions)", Cloud::PROJECTIONS),
            distance(&found.projection),
            found.projection_p.to_string(),
        ),
        ("coordinate that moved most".to_owned(), moved, found.coordinate_p.to_string()),
        ("length (JS distance)".to_owned(), length, length_p),
        ("centre: cosine".to_owned(), format!("{:.4}", found.centre_cosine), String::new()),
        ("centre: distance in spreads".to_owned(), format!("{:.4}", found.centre_distance), String::new()),
    ]
    .map(|(what, value, p)| [what, value, p])
    .into()
}

fn figures(was: &Cloud, is: &Cloud) -> Vec<Figure> {
    let changed = |(was, is)| {
        let drift = cordon_stats::drift::column(was, is).ok()?;
        Some((drift.binned.jensen_shannon_distance_bits(), was, is))
    };
    let directions = was.projections().iter().zip(is.projections()).filter_map(changed);
    let most = directions.max_by(|a, b| a.0.total_cmp(&b.0));
    let along = "where the points lie along the direction that changed most";
    let along = most.and_then(|(_, was, is)| figure("direction", "Along a direction", along, was, is));
    let length = figure("length", "Length", "Euclidean length of the points", was.lengths(), is.lengths());
    along.into_iter().chain(length).collect()
}
