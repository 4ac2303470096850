//! The model: from numbers of pieces to a number for each label.
//!
//! BERT: Devlin et al. 2019, <https://arxiv.org/abs/1810.04805>. `DeBERTa`: He et al. 2021, <https://arxiv.org/abs/2006.03654>,
//! with the buckets and shared projections of its version 2. Names of tensors are those of the `transformers` library.
//!
//! INVARIANT: every tensor has the shape that [`Config`] says, which was looked at when it was read; so what `ndarray` would
//! panic over (sizes that do not fit) cannot happen.

mod attention;
mod layer;
mod math;
mod position;

use std::io::{Read, Seek};

use ndarray::{Array1, Array2};

use self::{
    attention::Positions,
    layer::Layer,
    math::{Linear, Norm, head},
};
use crate::{
    config::{Activation, Config, Family},
    error::Cause,
    weights::{Table, Weights},
};

/// A model with its weights.
#[derive(Debug)]
pub(crate) struct Model {
    words: Table,
    /// What is added for where a piece stands, a row for each place.
    places: Option<Array2<f32>>,
    /// What is added for the first text, which all is here.
    first_text: Option<Array1<f32>>,
    /// From the width of the table of words to that of the layers.
    widened: Option<Array2<f32>>,
    norm: Norm,
    layers: Vec<Layer>,
    relative: Option<position::Relative>,
    /// What stands between the layers and the labels.
    pooled: Option<(Linear, Activation)>,
    head: Linear,
}

impl Model {
    /// Reads what a model is made of, for up to so many pieces at once.
    pub(crate) fn read<S: Read + Seek>(
        config: &Config,
        weights: &mut Weights<S>,
        pieces: usize,
    ) -> Result<Self, Cause> {
        let Config { hidden, embedding, types, .. } = *config;
        let (prefix, pooler, disentangled) = match &config.family {
            Family::Bert => ("bert", "bert.pooler.dense", None),
            Family::Deberta(disentangled) => ("deberta", "pooler.dense", Some(disentangled)),
        };
        let within = format!("{prefix}.embeddings");
        let words =
            weights.lookup(&format!("{within}.word_embeddings.weight"), config.vocabulary, embedding)?;
        let places = config
            .absolute
            .then(|| {
                weights.table(&format!("{within}.position_embeddings.weight"), config.positions, embedding)
            })
            .transpose()?;
        let first_text = (types > 0)
            .then(|| weights.table(&format!("{within}.token_type_embeddings.weight"), types, embedding))
            .transpose()?
            .map(|table| table.row(0).to_owned());
        let widened = (embedding != hidden)
            .then(|| weights.table(&format!("{within}.embed_proj.weight"), hidden, embedding))
            .transpose()?;
        let norm = Norm::read(weights, &format!("{within}.LayerNorm"), config)?;
        let mut relative = match disentangled {
            None => None,
            Some(disentangled) => position::Relative::read(weights, prefix, disentangled, config, pieces)?,
        };
        let layers = (0..config.layers)
            .map(|at| {
                Layer::read(weights, &format!("{prefix}.encoder.layer.{at}"), config, relative.as_ref())
            })
            .collect::<Result<_, _>>()?;
        if let Some(relative) = &mut relative {
            relative.table = Array2::default((0, 0));
        }
        let pooled = match config.pooler {
            Some(by) => Some((Linear::read(weights, pooler, hidden, hidden)?, by)),
            None => None,
        };
        let head = Linear::read(weights, "classifier", config.labels.len(), hidden)?;
        // Heads of training that no classification uses, and a table that is counted and not learnt.
        let counted = format!("{within}.position_ids");
        // A pooler that its class inherits and never asks.
        let inherited = ["weight", "bias"].map(|part| format!("{pooler}.{part}"));
        let unused = |name: &&str| {
            !["lm_predictions.", "mask_predictions.", "cls."].iter().any(|head| name.starts_with(head))
                && **name != counted
                && !(config.pooler.is_none() && inherited.iter().any(|one| one == name))
        };
        if let Some(name) = weights.left().find(unused) {
            return Err(Cause::tensor(name, "is not one that this kind of model has"));
        }
        Ok(Self { words, places, first_text, widened, norm, layers, relative, pooled, head })
    }

    /// What it says of some pieces, a number for each label; nothing when it was told to stop, or was given none or a piece that it
    /// does not have. There are at most as many pieces as it was made for.
    pub(crate) fn logits(&self, ids: &[u32], go_on: &dyn Fn() -> bool) -> Option<Array1<f32>> {
        let width = self.places.as_ref().map(|places| places.nrows());
        let far = self.relative.as_ref().map(|relative| relative.pieces);
        if ids.is_empty() || width.into_iter().chain(far).any(|most| ids.len() > most) {
            return None;
        }
        let mut seen = Vec::new();
        for id in ids {
            seen.extend(self.words.row(usize::try_from(*id).ok()?)?);
        }
        let embedding = seen.len() / ids.len();
        let mut seen = Array2::from_shape_vec((ids.len(), embedding), seen).ok()?;
        if let Some(places) = &self.places {
            seen += &head(places, ids.len());
        }
        if let Some(first) = &self.first_text {
            seen += first;
        }
        if let Some(widened) = &self.widened {
            seen = seen.dot(&widened.t());
        }
        self.norm.apply(&mut seen);
        let positions = self.relative.as_ref().map(|relative| Positions::of(relative, ids.len()));
        for (at, layer) in self.layers.iter().enumerate() {
            if !go_on() {
                return None;
            }
            // Only what the last layer says of the first piece is looked at.
            let rows = if at + 1 == self.layers.len() { 1 } else { ids.len() };
            seen = layer.apply(&seen, rows, positions.as_ref());
        }
        let first = head(&seen, 1);
        let Some((pooled, by)) = &self.pooled else {
            return Some(self.head.apply(&first).row(0).to_owned());
        };
        let mut pooled = pooled.apply(&first);
        by.apply(&mut pooled);
        Some(self.head.apply(&pooled.view()).row(0).to_owned())
    }
}
