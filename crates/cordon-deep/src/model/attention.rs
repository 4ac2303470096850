//! What each piece takes from the others.

use std::{
    io::{Read, Seek},
    ops::Range,
};

use ndarray::{Array2, ArrayView2, Axis, Slice};

use super::{
    math::{Linear, columns, head, softmax},
    position::Relative,
};
use crate::{
    config::{Config, Family, Relative as Settings},
    error::Cause,
    weights::Weights,
};

/// The attention of a layer.
#[derive(Debug)]
pub(super) struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    /// What the table of relative positions is as keys and as queries of this layer: it is the same for every text.
    position_keys: Option<Array2<f32>>,
    position_queries: Option<Array2<f32>>,
    heads: usize,
    scale: f32,
}

/// Which rows of the table of relative positions the distances of a text have.
pub(super) struct Positions {
    /// The first row that is needed.
    first: usize,
    /// How many, from there on.
    count: usize,
    /// The row, less the first, of each distance: the farthest ahead first.
    rows: Vec<usize>,
}

impl Positions {
    /// The first row of a model's table that a text of this many pieces needs, and how many there are from it on.
    pub(super) fn rows(settings: &Settings, pieces: usize) -> (usize, usize) {
        let most = i64::try_from(pieces).unwrap_or_default() - 1;
        let rows = || (-most..=most).map(|far| settings.row(far));
        let first = rows().min().unwrap_or_default();
        (first, rows().max().map_or(0, |last| last + 1 - first))
    }

    /// Of a text of this many pieces, which are not more than the table is for.
    pub(super) fn of(relative: &Relative, pieces: usize) -> Self {
        let most = i64::try_from(pieces).unwrap_or_default() - 1;
        let (first, count) = Self::rows(&relative.settings, pieces);
        let rows = (-most..=most).rev().map(|far| relative.settings.row(far).saturating_sub(first)).collect();
        Self { first: first.saturating_sub(relative.first), count, rows }
    }

    /// The rows of a table that are needed, and some of its columns.
    fn part<'t>(&self, table: &'t Array2<f32>, own: Range<usize>) -> ArrayView2<'t, f32> {
        columns(table, own).slice_axis_move(Axis(0), Slice::from(self.first..self.first + self.count))
    }

    /// The rows of what one piece is to each of the others, from the first to the last.
    fn seen_from(&self, piece: usize) -> &[usize] {
        let pieces = self.rows.len().div_ceil(2);
        let from = pieces.saturating_sub(1).saturating_sub(piece);
        self.rows.get(from..from + pieces).unwrap_or_default()
    }
}

impl Attention {
    pub(super) fn read<S: Read + Seek>(
        weights: &mut Weights<S>,
        name: &str,
        config: &Config,
        relative: Option<&Relative>,
    ) -> Result<Self, Cause> {
        let hidden = config.hidden;
        let mut read = |part: &str| Linear::read(weights, &format!("{name}.{part}"), hidden, hidden);
        let Family::Deberta(disentangled) = &config.family else {
            let (query, key, value) = (read("query")?, read("key")?, read("value")?);
            let scale = scale(config, 1.0);
            let (heads, position_keys, position_queries) = (config.heads, None, None);
            return Ok(Self { query, key, value, position_keys, position_queries, heads, scale });
        };
        let (query, key, value) = (read("query_proj")?, read("key_proj")?, read("value_proj")?);
        let (mut position_keys, mut position_queries) = (None, None);
        if let Some(relative) = relative {
            let table = &relative.table.view();
            let shared = relative.settings.shared;
            if disentangled.content_to_position {
                let keys = if shared { key.apply(table) } else { read("pos_key_proj")?.apply(table) };
                position_keys = Some(keys);
            }
            if disentangled.position_to_content {
                let queries = if shared { query.apply(table) } else { read("pos_query_proj")?.apply(table) };
                position_queries = Some(queries);
            }
        }
        let kinds = [disentangled.content_to_position, disentangled.position_to_content];
        let factor = kinds.into_iter().filter(|kind| *kind).fold(1.0, |factor, _| factor + 1.0);
        let scale = scale(config, factor);
        Ok(Self { query, key, value, position_keys, position_queries, heads: config.heads, scale })
    }

    /// What the first `rows` pieces take from all.
    pub(super) fn apply(
        &self,
        seen: &Array2<f32>,
        rows: usize,
        positions: Option<&Positions>,
    ) -> Array2<f32> {
        let queries = self.query.apply(&head(seen, rows)) * self.scale;
        let keys = self.key.apply(&seen.view());
        let values = self.value.apply(&seen.view());
        let mut out = Array2::zeros((rows, seen.ncols()));
        let width = seen.ncols() / self.heads;
        for at in 0..self.heads {
            let own = at * width..(at + 1) * width;
            let (query, key) = (columns(&queries, own.clone()), columns(&keys, own.clone()));
            let mut scores = query.dot(&key.t());
            if let Some(positions) = positions {
                if let Some(table) = &self.position_keys {
                    let table = positions.part(table, own.clone());
                    content_to_position(&mut scores, &query, &table, positions);
                }
                if let Some(table) = &self.position_queries {
                    let table = positions.part(table, own.clone());
                    position_to_content(&mut scores, &key, &table, positions, self.scale);
                }
            }
            softmax(&mut scores);
            let taken = scores.dot(&columns(&values, own.clone()));
            out.slice_axis_mut(Axis(1), Slice::from(own)).assign(&taken);
        }
        out
    }
}

/// One by the root of a head's width, and of how many parts its scores are the sum.
#[expect(clippy::cast_precision_loss, reason = "a width is a small number")]
fn scale(config: &Config, parts: f32) -> f32 {
    1.0 / ((config.hidden / config.heads) as f32 * parts).sqrt()
}

/// Adds what each piece looks for at each distance.
fn content_to_position(
    scores: &mut Array2<f32>,
    query: &ArrayView2<'_, f32>,
    table: &ArrayView2<'_, f32>,
    positions: &Positions,
) {
    let wanted = query.dot(&table.t());
    for (piece, (mut scores, wanted)) in scores.rows_mut().into_iter().zip(wanted.rows()).enumerate() {
        for (score, row) in scores.iter_mut().zip(positions.seen_from(piece)) {
            *score += wanted.get(*row).copied().unwrap_or_default();
        }
    }
}

/// Adds what each distance looks for in each piece.
fn position_to_content(
    scores: &mut Array2<f32>,
    key: &ArrayView2<'_, f32>,
    table: &ArrayView2<'_, f32>,
    positions: &Positions,
    scale: f32,
) {
    let found = key.dot(&table.t());
    for (piece, mut scores) in scores.rows_mut().into_iter().enumerate() {
        let others = found.rows().into_iter().zip(positions.seen_from(piece));
        for (score, (found, row)) in scores.iter_mut().zip(others) {
            *score += found.get(*row).copied().unwrap_or_default() * scale;
        }
    }
}
