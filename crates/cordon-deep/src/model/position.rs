//! Where pieces stand to each other: the table of relative positions, and which of its rows a distance has.

use std::io::{Read, Seek};

use ndarray::{Array2, Axis, Slice};

use super::{attention::Positions, math::Norm};
use crate::{
    config::{Config, Disentangled, Relative as Settings},
    error::Cause,
    weights::Weights,
};

/// The table of relative positions, as all layers read it.
#[derive(Debug)]
pub(super) struct Relative {
    pub(super) settings: Settings,
    /// The most pieces that it is for.
    pub(super) pieces: usize,
    /// The first row of the file's table that is here.
    pub(super) first: usize,
    /// The rows that so many pieces name. Empty once the layers have read it: they keep what they make of it.
    pub(super) table: Array2<f32>,
}

impl Relative {
    /// Reads what up to so many pieces need of a model's table; nothing where it has none.
    pub(super) fn read<S: Read + Seek>(
        weights: &mut Weights<S>,
        prefix: &str,
        disentangled: &Disentangled,
        config: &Config,
        pieces: usize,
    ) -> Result<Option<Self>, Cause> {
        let Some(settings) = disentangled.relative.clone() else { return Ok(None) };
        let name = format!("{prefix}.encoder.rel_embeddings.weight");
        let (first, count) = Positions::rows(&settings, pieces);
        // Each layer keeps them as keys and as queries.
        let kinds =
            usize::from(disentangled.content_to_position) + usize::from(disentangled.position_to_content);
        let kept = [config.layers, kinds, count, config.hidden, size_of::<f32>()];
        let kept = kept.into_iter().map(|size| size as u64).fold(1, u64::saturating_mul);
        if kept > weights.most() {
            return Err(Cause::TooWide { bytes: kept, most: weights.most() });
        }
        let mut table = weights
            .table(&name, settings.span * 2, config.hidden)?
            .slice_axis(Axis(0), Slice::from(first..first + count))
            .to_owned();
        if settings.normed {
            Norm::read(weights, &format!("{prefix}.encoder.LayerNorm"), config)?.apply(&mut table);
        }
        Ok(Some(Self { settings, pieces, first, table }))
    }
}

impl Settings {
    /// The row of a distance, which is less than 2^31.
    pub(super) fn row(&self, distance: i64) -> usize {
        let span = i64::try_from(self.span).unwrap_or(i64::MAX);
        let bucket = self.buckets.map_or(distance, |buckets| bucket(distance, buckets, self.farthest));
        usize::try_from(bucket.saturating_add(span)).unwrap_or_default().min(self.span * 2 - 1)
    }
}

/// The bucket of a distance: near ones have their own, far ones share by the logarithm. Computed in single precision, as the
/// model was trained with it.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "distances and buckets are small numbers"
)]
fn bucket(distance: i64, buckets: usize, farthest: usize) -> i64 {
    let middle = (buckets / 2) as i64;
    if distance.abs() <= middle {
        return distance;
    }
    let far = (distance.abs() as f32 / middle as f32).ln();
    let farthest = ((farthest as f32 - 1.0) / middle as f32).ln();
    let steps = (far / farthest * (middle as f32 - 1.0)).ceil();
    (steps as i64).saturating_add(middle).saturating_mul(distance.signum())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn buckets_are_those_that_models_are_trained_with() {
        let golden: BTreeMap<String, Vec<i64>> =
            serde_json::from_str(include_str!("../../tests/golden/buckets.json")).unwrap();
        for (settings, expected) in golden {
            let (buckets, farthest) = settings.split_once(',').unwrap();
            let (buckets, farthest) = (buckets.parse().unwrap(), farthest.parse().unwrap());
            let ours: Vec<i64> = (-600..=600).map(|distance| bucket(distance, buckets, farthest)).collect();
            assert_eq!(ours, expected, "{settings}");
        }
    }

    #[test]
    fn every_distance_has_a_row() {
        let settings = Settings { span: 8, buckets: None, farthest: 8, shared: true, normed: false };
        let rows = [-100, -8, -7, 0, 7, 8, 100].map(|distance| settings.row(distance));
        assert_eq!(rows, [0, 0, 1, 8, 15, 15, 15]);
    }
}
