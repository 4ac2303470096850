//! What was found, as JSON.

use cordon_stats::{
    causes::{Attribution, Cause, Columns, Found, Separation},
    interval::Unknown,
    text::ChangedWord,
};
use serde::Serialize;

use super::super::{P, outcomes::Range};
use super::{Asked, CausesArgs, Explained, Sides, told::value};

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
    /// Words that came or went, of each column of text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    words: Vec<OfText<'a>>,
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
    /// Rows of the sample that are copies of others of their own side, left out.
    copies: usize,
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
pub(super) struct Named<'a> {
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
struct OfText<'a> {
    column: &'a str,
    words: Vec<Word<'a>>,
}

/// A word with the share of texts that have it.
#[derive(Serialize)]
struct Word<'a> {
    word: &'a str,
    reference: f64,
    current: f64,
    change: Range,
    p_adjusted: f64,
}

#[derive(Serialize)]
pub(super) struct NotLookedAt<'a> {
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
        copies: side.copies,
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
        words: explained.words.iter().map(of_text).collect(),
        not_looked_at: named_not_looked_at(args, columns),
    }
}

pub(super) fn named_not_looked_at<'a>(args: &CausesArgs, columns: &'a Columns) -> Vec<NotLookedAt<'a>> {
    not_looked_at(args, columns).map(|(column, why)| NotLookedAt { column, why }).collect()
}

/// Columns that take no part, but for those that were named on the command line.
pub(super) fn not_looked_at<'a>(
    args: &CausesArgs,
    columns: &'a Columns,
) -> impl Iterator<Item = (&'a str, &'static str)> {
    let named: Vec<String> =
        args.prediction.iter().chain(&args.label).chain(&args.ignore).chain(&args.text).cloned().collect();
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

fn of_text((column, words): &(String, Vec<ChangedWord>)) -> OfText<'_> {
    let words = words.iter().map(|one| {
        let [reference, current] = one.shares;
        Word { word: &one.word, reference, current, change: one.change.into(), p_adjusted: one.p_adjusted }
    });
    OfText { column, words: words.collect() }
}

pub(super) fn segment(found: &Found) -> Named<'_> {
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
