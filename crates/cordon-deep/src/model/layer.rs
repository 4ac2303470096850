//! A layer: attention, then two linear maps, each beside what came in.

use std::io::{Read, Seek};

use ndarray::Array2;

use super::{
    attention::{Attention, Positions},
    math::{Linear, Norm, head},
    position::Relative,
};
use crate::{
    config::{Activation, Config},
    error::Cause,
    weights::Weights,
};

#[derive(Debug)]
pub(super) struct Layer {
    attention: Attention,
    attended: Linear,
    attended_norm: Norm,
    inner: Linear,
    activation: Activation,
    outer: Linear,
    outer_norm: Norm,
}

impl Layer {
    pub(super) fn read<S: Read + Seek>(
        weights: &mut Weights<S>,
        name: &str,
        config: &Config,
        relative: Option<&Relative>,
    ) -> Result<Self, Cause> {
        let Config { hidden, inner, activation, .. } = *config;
        Ok(Self {
            attention: Attention::read(weights, &format!("{name}.attention.self"), config, relative)?,
            attended: Linear::read(weights, &format!("{name}.attention.output.dense"), hidden, hidden)?,
            attended_norm: Norm::read(weights, &format!("{name}.attention.output.LayerNorm"), config)?,
            inner: Linear::read(weights, &format!("{name}.intermediate.dense"), inner, hidden)?,
            activation,
            outer: Linear::read(weights, &format!("{name}.output.dense"), hidden, inner)?,
            outer_norm: Norm::read(weights, &format!("{name}.output.LayerNorm"), config)?,
        })
    }

    /// What the layer says of the first `rows` pieces, which see all.
    pub(super) fn apply(
        &self,
        seen: &Array2<f32>,
        rows: usize,
        positions: Option<&Positions>,
    ) -> Array2<f32> {
        let mut attended = self.attended.apply(&self.attention.apply(seen, rows, positions).view());
        attended += &head(seen, rows);
        self.attended_norm.apply(&mut attended);
        let mut inner = self.inner.apply(&attended.view());
        self.activation.apply(&mut inner);
        let mut out = self.outer.apply(&inner.view());
        out += &attended;
        self.outer_norm.apply(&mut out);
        out
    }
}
