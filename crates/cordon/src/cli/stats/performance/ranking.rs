//! Ordered lists: rows of one query, in the order of their scores, and how relevant each is.

use std::collections::HashMap;

use cordon_stats::{
    interval::Estimate,
    performance::ranking::{List, Metric, Queries},
};
use serde::Serialize;

use super::{
    super::{
        StatsError,
        outcomes::{Picked, float},
    },
    Measure, PerformanceArgs,
    figures::Figure,
    id::Id,
    rows::{MOST_ROWS, Read, Task},
};
use crate::tables;

/// What was ranked.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Ranked {
    pub(super) depth: usize,
    /// Queries that something is relevant to: what the metrics are means of.
    pub(super) queries: u64,
    /// Queries that nothing is relevant to, whatever the order: left out.
    pub(super) queries_without_relevant: u64,
    /// Rows that share their score with another one of their query: the least relevant counts as first.
    pub(super) tied: u64,
    /// Rows without a query.
    pub(super) without_query: u64,
}

/// The entries of each query: score and relevance.
type Lists = HashMap<Id, Vec<(f64, f64)>>;

/// Reads the lists of a table and measures them.
pub(super) fn measured(args: &PerformanceArgs) -> Result<(Read, Measure), StatsError> {
    let Some(query) = &args.query else {
        return Err(StatsError::Told(
            "lists are told apart by a column; help: name it with --query COLUMN".to_owned(),
        ));
    };
    for (is_asked, option) in [
        (args.labels.is_some(), "--labels"),
        (args.reference.is_some(), "--reference"),
        (args.meaning.is_threshold(), "--threshold"),
        (args.score.is_some(), "--score"),
    ] {
        if is_asked {
            return Err(StatsError::Told(format!(
                "{option} says nothing about lists; help: --prediction is the score that orders them, --label the relevance"
            )));
        }
    }
    let mut read = Read::nothing();
    let mut lists = Lists::new();
    let mut held = 0_usize;
    let mut without_query = 0;
    let mut picked = Picked::new([query, &args.prediction, &args.label]);
    read.left_out = tables::read_with_ids(&args.file, args.reading.delimiter, query, &mut |names, cells| {
        picked.look(names);
        if cells.is_empty() {
            return;
        }
        read.count += 1;
        let relevance = if args.meaning.is_said() {
            args.meaning.label(picked.cell(2, cells)).map(|yes| f64::from(u8::from(yes)))
        } else {
            float(picked.cell(2, cells)).filter(|relevance| *relevance >= 0.0)
        };
        let (Some(id), score) = (Id::of(picked.cell(0, cells)), float(picked.cell(1, cells))) else {
            without_query += 1;
            return;
        };
        match (score, relevance) {
            (None, _) => read.without_prediction += 1,
            (_, None) => read.without_label += 1,
            _ if held >= MOST_ROWS => read.beyond_capacity += 1,
            (Some(score), Some(relevance)) => {
                held += 1;
                lists.entry(id).or_default().push((score, relevance));
            }
        }
    })?;
    picked.all_found(&args.file)?;
    if held == 0 {
        return Err(StatsError::Told(format!(
            "no row of `{}` has a query, a score and a relevance that is a number from 0 on: {without_query} have no query, {} no \
             score, {} no relevance",
            args.file.display(),
            read.without_prediction,
            read.without_label
        )));
    }
    let (figures, mut ranked) = of_lists(lists, usize::try_from(args.depth).unwrap_or(usize::MAX), args);
    ranked.without_query = without_query;
    let measure =
        Measure { task: Some(Task::Ranking), figures, expected: None, reference: None, ranked: Some(ranked) };
    Ok((read, measure))
}

fn of_lists(lists: Lists, depth: usize, args: &PerformanceArgs) -> (Vec<Figure>, Ranked) {
    let mut ranked = Ranked { depth, queries: 0, queries_without_relevant: 0, tied: 0, without_query: 0 };
    // In any order of the table the same lists, and in any order of lists the same sums to the last digit.
    let mut each: Vec<List> = Vec::new();
    for mut entries in lists.into_values() {
        // Of equal scores the least relevant first: an order that the scores do not say is no merit of theirs.
        entries.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.total_cmp(&b.1)));
        let tied: usize =
            entries.chunk_by(|a, b| a.0 == b.0).filter(|tie| tie.len() > 1).map(<[_]>::len).sum();
        ranked.tied += tied as u64;
        let relevances: Vec<f64> = entries.into_iter().map(|(_, relevance)| relevance).collect();
        if relevances.iter().all(|relevance| *relevance == 0.0) {
            ranked.queries_without_relevant += 1;
            continue;
        }
        // Entries are there and are finite numbers from 0 on.
        each.extend(List::read(&relevances, depth));
    }
    let key =
        |list: &List| [list.ndcg, list.average_precision, list.reciprocal_rank, list.recall, list.precision];
    each.sort_unstable_by(|a, b| {
        let both = key(a).into_iter().zip(key(b));
        both.map(|(a, b)| a.total_cmp(&b)).find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
    });
    let mut queries = Queries::default();
    each.iter().for_each(|list| queries.push(list));
    ranked.queries = each.len() as u64;
    let figure = |(name, metric)| Figure {
        name,
        // A mean of shares is a share.
        told: queries.mean(metric, args.confidence).map(|e: Estimate| Estimate {
            low: e.low.max(0.0).min(e.value),
            high: e.high.min(1.0).max(e.value),
            ..e
        }),
    };
    let figures = [
        ("ndcg", Metric::Ndcg),
        ("mean_average_precision", Metric::AveragePrecision),
        ("mean_reciprocal_rank", Metric::ReciprocalRank),
        ("precision_at_depth", Metric::Precision),
        ("recall_at_depth", Metric::Recall),
    ];
    (figures.map(figure).to_vec(), ranked)
}

impl Ranked {
    /// A sentence about what was measured.
    pub(super) fn said(&self) -> String {
        let mut said = format!("of {} queries, lists cut after {}", self.queries, self.depth);
        for (count, what) in [
            (self.queries_without_relevant, "queries that nothing is relevant to are left out"),
            (
                self.tied,
                "rows share a score with another one of their query, the least relevant of them counts as first",
            ),
            (self.without_query, "rows without a query are left out"),
        ] {
            if count > 0 {
                said.push_str(&format!("; {count} {what}"));
            }
        }
        said
    }
}
