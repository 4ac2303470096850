//! Has a distribution changed? Distances say how much, tests say whether chance explains it; a good monitor asks both.
//!
//! Samples come sorted ([`crate::Sample`]), counts come on bins that were frozen on the reference ([`crate::binning`]). In each
//! function the first argument is the reference and the second the current data.

mod binned;
mod classifier;
mod contingency;
mod correlation;
mod embedding;
mod epps_singleton;
mod joint;
mod kernel;
mod location;
mod profiled;
mod profiled_cloud;
mod rank;
mod seasonal;
mod smirnov;
mod stratified;
mod transport;
mod uncertain;

pub use binned::{Binned, ZeroShare};
pub(crate) use classifier::cross_fitted;
pub use classifier::{Classified, classifier};
pub use contingency::{Contingency, FisherExact, chi_squared, fisher_exact, g_test, yates};
pub use correlation::{Correlations, PairDrift, RankCorrelation, correlations};
pub use embedding::{CloudDrift, clouds};
pub use epps_singleton::epps_singleton;
pub use joint::Joint;
pub use kernel::{Features, Kernel, Mmd, Points, energy_multivariate, median_distance, mmd, mmd_permutation};
pub use location::{MeanTest, student_t, welch_t};
pub use profiled::{Bin, ColumnDrift, Kinds, Numeric, Reach, column, shares};
pub use profiled_cloud::{ProfiledCloudDrift, profiled_clouds};
pub use rank::{Alternative, anderson_darling, cramer_von_mises, mann_whitney};
pub use seasonal::{Season, column_by_season, kinds_by_season, missing_by_season};
pub use smirnov::{KolmogorovSmirnov, Method, kolmogorov_smirnov};
pub use stratified::Stratified;
pub use transport::{energy_distance, wasserstein};

use crate::PValue;

/// A statistic and what chance says of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tested {
    /// The statistic.
    pub statistic: f64,
    /// The probability of one at least as extreme, were nothing different.
    pub p_value: PValue,
}
