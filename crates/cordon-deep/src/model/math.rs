//! Linear maps, norms and what lies between them, in single precision.

use std::{
    io::{Read, Seek},
    ops::Range,
};

use ndarray::{Array1, Array2, ArrayView2, Axis, Slice, Zip};

use crate::{
    config::{Activation, Config},
    error::Cause,
    weights::Weights,
};

/// The first rows of a table.
pub(super) fn head(table: &Array2<f32>, rows: usize) -> ArrayView2<'_, f32> {
    table.slice_axis(Axis(0), Slice::from(..rows))
}

/// Some columns of a table.
pub(super) fn columns(table: &Array2<f32>, columns: Range<usize>) -> ArrayView2<'_, f32> {
    table.slice_axis(Axis(1), Slice::from(columns))
}

/// A linear map with what is added to it.
#[derive(Debug)]
pub(super) struct Linear {
    /// A row for each number that comes out.
    weight: Array2<f32>,
    bias: Array1<f32>,
}

impl Linear {
    pub(super) fn read<S: Read + Seek>(
        weights: &mut Weights<S>,
        name: &str,
        outer: usize,
        inner: usize,
    ) -> Result<Self, Cause> {
        let weight = weights.table(&format!("{name}.weight"), outer, inner)?;
        Ok(Self { weight, bias: weights.row(&format!("{name}.bias"), outer)? })
    }

    pub(super) fn apply(&self, rows: &ArrayView2<'_, f32>) -> Array2<f32> {
        let mut out = rows.dot(&self.weight.t());
        out += &self.bias;
        out
    }
}

/// Rows brought to mean 0 and deviation 1, then stretched and moved.
#[derive(Debug)]
pub(super) struct Norm {
    weight: Array1<f32>,
    bias: Array1<f32>,
    epsilon: f32,
}

impl Norm {
    /// Reads one of the layers' width. Files that are older than the library's present names call its parts `gamma` and `beta`.
    pub(super) fn read<S: Read + Seek>(
        weights: &mut Weights<S>,
        name: &str,
        config: &Config,
    ) -> Result<Self, Cause> {
        let old = weights.has(&format!("{name}.gamma"));
        let (weight, bias) = if old { ("gamma", "beta") } else { ("weight", "bias") };
        Ok(Self {
            weight: weights.row(&format!("{name}.{weight}"), config.hidden)?,
            bias: weights.row(&format!("{name}.{bias}"), config.hidden)?,
            epsilon: config.epsilon,
        })
    }

    pub(super) fn apply(&self, rows: &mut Array2<f32>) {
        #[expect(clippy::cast_precision_loss, reason = "a width is a small number")]
        let width = rows.ncols() as f32;
        for mut row in rows.axis_iter_mut(Axis(0)) {
            let mean = row.sum() / width;
            let variance = row.fold(0.0, |sum, x| sum + (x - mean) * (x - mean)) / width;
            let scale = 1.0 / (variance + self.epsilon).sqrt();
            Zip::from(&mut row)
                .and(&self.weight)
                .and(&self.bias)
                .for_each(|x, weight, bias| *x = (*x - mean) * scale * weight + bias);
        }
    }
}

impl Activation {
    pub(super) fn apply(self, rows: &mut Array2<f32>) {
        match self {
            Self::Gelu => rows.mapv_inplace(|x| 0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))),
            Self::GeluTanh => rows.mapv_inplace(|x| {
                let inner = (2.0 / std::f32::consts::PI).sqrt() * (x + 0.044_715 * x * x * x);
                0.5 * x * (1.0 + inner.tanh())
            }),
            Self::Relu => rows.mapv_inplace(|x| x.max(0.0)),
            Self::Tanh => rows.mapv_inplace(f32::tanh),
        }
    }
}

/// The error function, to 5e-7 in single precision: formula 7.1.26 of Abramowitz and Stegun, Handbook of Mathematical Functions (1964).
fn erf(x: f32) -> f32 {
    const A: [f32; 5] = [1.061_405_4, -1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6];
    let size = x.abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * size);
    let sum = A.iter().fold(0.0, |sum, a| (sum + a) * t);
    (1.0 - sum * (-size * size).exp()).copysign(x)
}

/// Each row as shares of one whole, by the exponentials of its numbers.
pub(super) fn softmax(rows: &mut Array2<f32>) {
    for mut row in rows.axis_iter_mut(Axis(0)) {
        let most = row.fold(f32::NEG_INFINITY, |most, x| most.max(*x));
        row.mapv_inplace(|x| (x - most).exp());
        let sum = row.sum();
        row.mapv_inplace(|x| x / sum);
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn the_error_function_is_close() {
        for step in -6000_i16..=6000 {
            let x = f32::from(step) / 1000.0;
            assert!((erf(x) - libm::erff(x)).abs() < 5e-7, "{x}");
        }
        assert_eq!((erf(f32::INFINITY), erf(-40.0)), (1.0, -1.0));
    }

    #[test]
    fn shares_add_up_however_large_the_numbers() {
        let mut rows = array![[1e30_f32, -1e30, 1e30], [0.0, 0.0, 0.0]];
        softmax(&mut rows);
        assert_eq!(rows.row(0).to_vec(), [0.5, 0.0, 0.5]);
        assert!((rows.row(1).sum() - 1.0).abs() < 1e-6);
    }
}
