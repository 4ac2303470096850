//! What was found, as JSON and as tables.

use std::path::PathBuf;

use cordon_stats::{
    causes::{Attribution, Cause, Columns, Found, Part, Segment, Separation, Within},
    drift::Reach,
    interval::{Estimate, Unknown},
};
use serde::Serialize;

use super::super::super::table::{Align, plain, table};
use super::super::{
    P, number,
    outcomes::{Range, short, shown},
    percent, reach,
};
use super::{Asked, CausesArgs, Explained, Sampled};

type Sides<'a> = [(&'a PathBuf, &'a Sampled); 2];

#[derive(Serialize)]
pub(super) struct Answer<'a> {
    reference: File,
    current: File,
    level: f64,
    /// `tables`, `prediction` or `error`.
    explained: &'static str,
    separation: Either<Apart<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<Either<Change<'a>>>,
    segments: Either<Vec<Named<'a>>>,
    /// Where the error is highest in the current data.
    #[serde(skip_serializing_if = "Option::is_none")]
    worst: Option<Either<Vec<Named<'a>>>>,
    not_looked_at: Vec<NotLookedAt<'a>>,
}

/// An answer, or why there is none.
#[derive(Serialize)]
#[serde(untagged)]
enum Either<T> {
    Known(T),
    Unknown { unknown: String },
}

impl<T> Either<T> {
    fn of<S>(said: Result<S, Unknown>, known: impl FnOnce(S) -> T) -> Self {
        said.map_or_else(|why| Self::Unknown { unknown: why.to_string() }, |said| Self::Known(known(said)))
    }
}

#[derive(Serialize)]
struct File {
    file: String,
    rows: u64,
    /// Rows of the sample that everything here is estimated on.
    rows_used: usize,
    rows_without_outcome: u64,
    left_out: Vec<String>,
}

#[derive(Serialize)]
struct Apart<'a> {
    auc: Range,
    p: P,
    /// Mean log odds, current less reference.
    distance: Range,
    columns: Vec<Column<'a>>,
}

#[derive(Serialize)]
struct Column<'a> {
    column: &'a str,
    contribution: Range,
    jensen_shannon_distance_base2: f64,
}

#[derive(Serialize)]
struct Change<'a> {
    mean_reference: Range,
    mean_current: Range,
    change: Range,
    columns: Vec<Column<'a>>,
    unexplained: Range,
    explained_variance: f64,
    rows_with_unseen_values: Range,
}

#[derive(Serialize)]
struct Named<'a> {
    segment: Vec<Condition<'a>>,
    share_reference: Range,
    share_current: Range,
    /// Of the reference; outside of the segment where the worst are named.
    mean_reference: Option<f64>,
    /// Of the current data; inside of the segment where the worst are named.
    mean_current: Option<f64>,
    effect: Range,
    #[serde(skip_serializing_if = "Option::is_none")]
    by_size: Option<f64>,
    beyond_size: Range,
    p_adjusted: f64,
}

#[derive(Serialize)]
struct Condition<'a> {
    column: &'a str,
    value: String,
}

#[derive(Serialize)]
struct NotLookedAt<'a> {
    column: &'a str,
    why: &'static str,
}

pub(super) fn answer<'a>(
    args: &CausesArgs,
    asked: &Asked,
    columns: &'a Columns,
    sides: Sides<'_>,
    explained: &'a Explained,
) -> Answer<'a> {
    let [reference, current] = sides.map(|(path, side)| File {
        file: path.display().to_string(),
        rows: side.count,
        rows_used: side.rows.len(),
        rows_without_outcome: side.without,
        left_out: side.left_out.sentences(),
    });
    let segments = |found: &'a Result<Vec<Found>, Unknown>| {
        Either::of(found.as_ref().map_err(|why| *why), |found| found.iter().map(segment).collect())
    };
    Answer {
        reference,
        current,
        level: args.level.alpha(),
        explained: match asked {
            Asked::Error => "error",
            Asked::Prediction => "prediction",
            Asked::Tables => "tables",
        },
        separation: Either::of(explained.separation.as_ref().map_err(|why| *why), apart),
        change: explained
            .attribution
            .as_ref()
            .map(|said| Either::of(said.as_ref().map_err(|why| *why), change)),
        segments: segments(&explained.segments),
        worst: explained.worst.as_ref().map(segments),
        not_looked_at: not_looked_at(args, columns)
            .map(|(column, why)| NotLookedAt { column, why })
            .collect(),
    }
}

/// Columns that take no part, but for those that were named on the command line.
fn not_looked_at<'a>(
    args: &CausesArgs,
    columns: &'a Columns,
) -> impl Iterator<Item = (&'a str, &'static str)> {
    let named: Vec<String> = args.prediction.iter().chain(&args.label).chain(&args.ignore).cloned().collect();
    let all = columns.left_out().iter().filter(move |(name, _)| !named.contains(name));
    all.map(|(name, why)| (name.as_str(), why.reason()))
}

fn column(cause: &Cause) -> Column<'_> {
    Column {
        column: &cause.column,
        contribution: cause.contribution.into(),
        jensen_shannon_distance_base2: cause.alone,
    }
}

fn apart(separation: &Separation) -> Apart<'_> {
    Apart {
        auc: separation.classified.auc.into(),
        p: separation.classified.p_value.into(),
        distance: separation.distance.into(),
        columns: separation.columns.iter().map(column).collect(),
    }
}

fn change(attribution: &Attribution) -> Change<'_> {
    let [reference, current] = attribution.means;
    Change {
        mean_reference: reference.into(),
        mean_current: current.into(),
        change: attribution.change.into(),
        columns: attribution.columns.iter().map(column).collect(),
        unexplained: attribution.unexplained.into(),
        explained_variance: attribution.explained_variance,
        rows_with_unseen_values: attribution.unseen.into(),
    }
}

fn segment(found: &Found) -> Named<'_> {
    let [was, is] = found.support;
    let [mean_reference, mean_current] = found.means;
    Named {
        segment: found
            .segment
            .parts
            .iter()
            .map(|part| Condition { column: &part.column, value: value(&part.within) })
            .collect(),
        share_reference: was.into(),
        share_current: is.into(),
        mean_reference,
        mean_current,
        effect: found.effect.into(),
        by_size: found.by_size,
        beyond_size: found.beyond_size.into(),
        p_adjusted: found.p_adjusted,
    }
}

fn value(within: &Within) -> String {
    match within {
        Within::Missing => "(missing)".to_owned(),
        Within::Reach(Reach::Numbers(low, high)) if low.is_finite() && high.is_finite() => {
            format!("{} to {}", number(*low), number(*high))
        }
        Within::Reach(Reach::Numbers(low, high)) if low.is_finite() => format!(">= {}", number(*low)),
        Within::Reach(Reach::Numbers(low, high)) if high.is_finite() => format!("< {}", number(*high)),
        Within::Reach(of) => reach(of),
    }
}

fn named(segment: &Segment) -> String {
    let part = |part: &Part| match &part.within {
        Within::Reach(Reach::Numbers(..)) => format!("{} {}", part.column, value(&part.within)),
        _ => format!("{} = {}", part.column, value(&part.within)),
    };
    segment.parts.iter().map(part).collect::<Vec<_>>().join(", ")
}

pub(super) fn text(
    args: &CausesArgs,
    asked: &Asked,
    columns: &Columns,
    sides: Sides<'_>,
    explained: &Explained,
) -> String {
    let mut text = String::new();
    for ((path, side), what) in sides.into_iter().zip(["reference", "current"]) {
        text.push_str(&format!("{what}: {}, {} rows", path.display(), side.count));
        if side.without > 0 {
            text.push_str(&format!(", {} without what is to be explained", side.without));
        }
        if (side.rows.len() as u64) < side.rows.seen() {
            text.push_str(&format!(", a sample of {} is looked at", side.rows.len()));
        }
        text.push('\n');
    }
    let what = match (asked, &args.prediction) {
        (Asked::Error, Some(prediction)) => format!("the error of {prediction}"),
        (_, Some(prediction)) => prediction.clone(),
        (_, None) => "tables".to_owned(),
    };
    if let Some(attribution) = &explained.attribution {
        text.push_str(&of_change(&what, attribution));
    }
    text.push_str(&of_separation(&explained.separation));
    let level = args.level.alpha();
    text.push_str(&of_segments(asked, &what, &explained.segments, level));
    if let Some(worst) = &explained.worst {
        text.push_str(&of_worst(&what, worst, level));
    }
    let notes: Vec<String> = not_looked_at(args, columns)
        .map(|(column, why)| format!("{column}: not looked at, {why}\n"))
        .collect();
    if !notes.is_empty() {
        text.push('\n');
        notes.iter().for_each(|note| text.push_str(note));
    }
    plain(&text)
}

/// A number with its sign and its interval.
fn signed(e: &Estimate) -> String {
    format!("{:+} ({:+} to {:+})", Shown(e.value), Shown(e.low), Shown(e.high))
}

/// A number in a few digits, with a sign where it is asked for.
struct Shown(f64);

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = if self.0.abs() < 0.1 { format!("{:.4}", self.0) } else { short(self.0) };
        if f.sign_plus() && self.0 >= 0.0 { write!(f, "+{text}") } else { f.write_str(&text) }
    }
}

fn cannot_be_said(what: &str, why: Unknown) -> String {
    format!("\n{what} cannot be said: {why}\n")
}

fn of_change(what: &str, said: &Result<Attribution, Unknown>) -> String {
    let found = match said {
        Ok(found) => found,
        Err(why) => return cannot_be_said(&format!("What moved {what}"), *why),
    };
    let [was, is] = found.means;
    let mut text = format!(
        "\nMean of {what}: {} -> {}, a change of {}\nThe columns explain {} of its variation in the reference",
        Shown(was.value),
        Shown(is.value),
        signed(&found.change),
        percent(found.explained_variance)
    );
    if found.unseen.value > 0.0 {
        text.push_str(&format!(
            "; {} of the current rows have values that it hardly knew",
            percent(found.unseen.value)
        ));
    }
    text.push_str("\n\n");
    let whole = found.change.value;
    let part = |e: &Estimate| if whole == 0.0 { String::new() } else { percent(e.value / whole) };
    let row = |cause: &Cause| {
        let of = &cause.contribution;
        vec![cause.column.clone(), signed(of), part(of), format!("{:.4}", cause.alone)]
    };
    let mut rows: Vec<Vec<String>> = found.columns.iter().map(row).collect();
    rows.push(vec![
        "(unexplained)".to_owned(),
        signed(&found.unexplained),
        part(&found.unexplained),
        String::new(),
    ]);
    let heads = [
        ("COLUMN", Align::Left),
        ("MOVED IT BY", Align::Left),
        ("OF THE CHANGE", Align::Right),
        ("JS ALONE", Align::Right),
    ];
    text.push_str(&table(&heads, &rows));
    text
}

fn of_separation(said: &Result<Separation, Unknown>) -> String {
    let found = match said {
        Ok(found) => found,
        Err(why) => return cannot_be_said("Whether anything tells the tables apart", *why),
    };
    let mut text = format!(
        "\nA classifier tells the tables apart with AUC {} (0.5: not at all), p = {}\n\n",
        shown(Ok(found.classified.auc)),
        found.classified.p_value
    );
    let heads = [("COLUMN", Align::Left), ("LOG ODDS", Align::Left), ("JS ALONE", Align::Right)];
    let row = |cause: &Cause| {
        vec![cause.column.clone(), signed(&cause.contribution), format!("{:.4}", cause.alone)]
    };
    text.push_str(&table(&heads, &found.columns.iter().map(row).collect::<Vec<_>>()));
    text
}

fn of_segments(asked: &Asked, what: &str, said: &Result<Vec<Found>, Unknown>, level: f64) -> String {
    let title = if asked.is_any() {
        format!("Segments that moved {what}")
    } else {
        "Segments that grew or shrank".to_owned()
    };
    let found = match said {
        Ok(found) => found,
        Err(why) => return cannot_be_said(&title, *why),
    };
    let mean = |mean: Option<f64>| mean.map(|mean| Shown(mean).to_string()).unwrap_or_default();
    let row = |one: &Found| {
        let ([was, is], [before, after]) = (one.support, one.means);
        let mut cells = vec![named(&one.segment), format!("{} -> {}", percent(was.value), percent(is.value))];
        if asked.is_any() {
            cells.push(format!("{} -> {}", mean(before), mean(after)));
        }
        cells.extend([signed(&one.effect), p(one.p_adjusted)]);
        cells
    };
    let mut heads = vec![("SEGMENT", Align::Left), ("ROWS", Align::Left)];
    if asked.is_any() {
        heads.push(("MEAN", Align::Left));
    }
    heads.extend([("CONTRIBUTION", Align::Left), ("P ADJUSTED", Align::Right)]);
    confirmed(&title, &heads, found, level, row)
}

fn of_worst(what: &str, said: &Result<Vec<Found>, Unknown>, level: f64) -> String {
    let title = format!("Where {what} is highest now");
    let found = match said {
        Ok(found) => found,
        Err(why) => return cannot_be_said(&title, *why),
    };
    let mean = |mean: Option<f64>| mean.map(|mean| Shown(mean).to_string()).unwrap_or_default();
    let row = |one: &Found| {
        let ([share, _], [outside, inside]) = (one.support, one.means);
        vec![
            named(&one.segment),
            percent(share.value),
            mean(inside),
            mean(outside),
            signed(&one.effect),
            p(one.p_adjusted),
        ]
    };
    let heads = [
        ("SEGMENT", Align::Left),
        ("ROWS", Align::Right),
        ("INSIDE", Align::Right),
        ("OUTSIDE", Align::Right),
        ("DIFFERENCE", Align::Left),
        ("P ADJUSTED", Align::Right),
    ];
    confirmed(&title, &heads, found, level, row)
}

/// The segments that the other half of the rows confirms, and how many it does not.
fn confirmed(
    title: &str,
    heads: &[(&'static str, Align)],
    found: &[Found],
    level: f64,
    row: impl Fn(&Found) -> Vec<String>,
) -> String {
    let rows: Vec<Vec<String>> = found.iter().filter(|one| one.p_adjusted <= level).map(row).collect();
    let others = found.len() - rows.len();
    let others = if others == 0 { String::new() } else { format!("; {others} more did not hold there") };
    if rows.is_empty() {
        return format!("\n{title}: no segment stands out{others}\n");
    }
    format!(
        "\n{title}, found on half of the rows and measured on the others{others}\n\n{}",
        table(heads, &rows)
    )
}

fn p(value: f64) -> String {
    cordon_stats::PValue::of(value).to_string()
}
