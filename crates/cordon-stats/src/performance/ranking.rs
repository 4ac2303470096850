//! Metrics of ordered lists: search results, recommendations, retrieved passages.
//!
//! Each query gives one number; the mean over queries has Student's interval, with queries as the observations (rows of
//! one list are not independent).

use crate::interval::{Estimate, Level, Mean, Unknown};

/// Metrics of one list, by the relevance of its entries from the first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct List {
    /// Average precision: mean over the relevant entries of the precision up to each; 0 without relevant ones.
    pub average_precision: f64,
    /// Normalised discounted cumulative gain (Järvelin and Kekäläinen, 2002): gains discounted by `log2(1 + rank)`,
    /// divided by those of the best order. Gains are the relevances as given (not `2^r - 1`). 0 without relevant ones.
    pub ndcg: f64,
    /// One over the rank of the first relevant entry; 0 without one.
    pub reciprocal_rank: f64,
    /// Relevant ones among the entries looked at.
    pub precision: f64,
    /// Found ones of all relevant ones; 1 where there are none.
    pub recall: f64,
}

impl List {
    /// Reads one list cut after `depth` entries. `relevances` are in the order that was shown, and cover everything that
    /// is relevant to the query: what was not retrieved comes last, beyond `depth`. Above zero is relevant.
    ///
    /// # Errors
    /// [`Unknown::Empty`] for no entries or a depth of 0; [`Unknown::NotFinite`] for a relevance that is negative or no
    /// finite number.
    pub fn read(relevances: &[f64], depth: usize) -> Result<Self, Unknown> {
        if relevances.is_empty() || depth == 0 {
            return Err(Unknown::Empty);
        }
        if relevances.iter().any(|r| !(r.is_finite() && *r >= 0.0)) {
            return Err(Unknown::NotFinite);
        }
        let relevant = relevances.iter().filter(|r| **r > 0.0).count() as f64;
        let (mut found, mut precisions, mut first) = (0.0, 0.0, 0.0);
        for (rank, relevance) in (1_u32..).map(f64::from).zip(relevances.iter().take(depth)) {
            if *relevance > 0.0 {
                found += 1.0;
                precisions += found / rank;
                if first == 0.0 {
                    first = 1.0 / rank;
                }
            }
        }
        let mut best = relevances.to_vec();
        best.sort_unstable_by(|a, b| b.total_cmp(a));
        let ideal = gain(&best, depth);
        let reachable = relevant.min(depth as f64);
        let share = |part: f64, of: f64, otherwise: f64| if of > 0.0 { part / of } else { otherwise };
        Ok(Self {
            average_precision: share(precisions, reachable, 0.0),
            ndcg: share(gain(relevances, depth), ideal, 0.0),
            reciprocal_rank: first,
            precision: found / relevances.len().min(depth) as f64,
            recall: share(found, relevant, 1.0),
        })
    }
}

fn gain(relevances: &[f64], depth: usize) -> f64 {
    (1_u32..).map(f64::from).zip(relevances.iter().take(depth)).map(|(rank, r)| r / rank.ln_1p()).sum::<f64>()
        * std::f64::consts::LN_2
}

/// Means over queries; merges.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Queries {
    average_precision: Mean,
    ndcg: Mean,
    reciprocal_rank: Mean,
    precision: Mean,
    recall: Mean,
}

/// A mean over queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Mean average precision (MAP).
    AveragePrecision,
    /// Mean normalised discounted cumulative gain.
    Ndcg,
    /// Mean precision at the depth.
    Precision,
    /// Mean recall at the depth.
    Recall,
    /// Mean reciprocal rank (MRR).
    ReciprocalRank,
}

impl Queries {
    /// Takes one list in.
    pub fn push(&mut self, list: &List) {
        self.average_precision.push(list.average_precision);
        self.ndcg.push(list.ndcg);
        self.reciprocal_rank.push(list.reciprocal_rank);
        self.precision.push(list.precision);
        self.recall.push(list.recall);
    }

    /// Both sets of queries as one.
    pub fn merge(&mut self, other: &Self) {
        self.average_precision.merge(&other.average_precision);
        self.ndcg.merge(&other.ndcg);
        self.reciprocal_rank.merge(&other.reciprocal_rank);
        self.precision.merge(&other.precision);
        self.recall.merge(&other.recall);
    }

    /// A mean with its interval.
    ///
    /// # Errors
    /// [`Unknown::Empty`] without queries, [`Unknown::TooFew`] for one.
    pub fn mean(&self, metric: Metric, level: Level) -> Result<Estimate, Unknown> {
        let mean = match metric {
            Metric::AveragePrecision => &self.average_precision,
            Metric::Ndcg => &self.ndcg,
            Metric::Precision => &self.precision,
            Metric::Recall => &self.recall,
            Metric::ReciprocalRank => &self.reciprocal_rank,
        };
        mean.student(level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Relevances 3, 2, 3, 0, 1, 2 (the usual example): DCG 6.861, ideal 7.141 to all six.
    #[test]
    fn the_usual_example() {
        let list = List::read(&[3.0, 2.0, 3.0, 0.0, 1.0, 2.0], 6).unwrap();
        assert!((list.ndcg - 0.960_8).abs() < 1e-4, "{list:?}");
        let binary = List::read(&[0.0, 1.0, 0.0, 1.0, 1.0], 4).unwrap();
        assert!((binary.average_precision - (0.5 + 0.5) / 3.0).abs() < 1e-12);
        assert_eq!((binary.reciprocal_rank, binary.precision), (0.5, 0.5));
        assert!((binary.recall - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(List::read(&[], 3), Err(Unknown::Empty));
        assert_eq!(List::read(&[-1.0], 3), Err(Unknown::NotFinite));
        assert_eq!(Queries::default().mean(Metric::Ndcg, Level::P95), Err(Unknown::Empty));
    }

    proptest! {
        #[test]
        fn metrics_are_shares_and_the_best_order_is_best(
            relevances in prop::collection::vec(0u8..4, 1..30), depth in 1usize..30,
        ) {
            let relevances: Vec<f64> = relevances.into_iter().map(f64::from).collect();
            let list = List::read(&relevances, depth).unwrap();
            let all = [list.average_precision, list.ndcg, list.reciprocal_rank, list.precision, list.recall];
            prop_assert!(all.iter().all(|v| (0.0..=1.0 + 1e-12).contains(v)), "{list:?}");
            let mut best = relevances.clone();
            best.sort_by(|a, b| b.total_cmp(a));
            let best = List::read(&best, depth).unwrap();
            prop_assert!(best.ndcg >= list.ndcg - 1e-12 && best.average_precision >= list.average_precision - 1e-12);
        }
    }
}
