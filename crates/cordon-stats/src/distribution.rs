//! Distributions behind the p-values and intervals: tails accurate to about 1e-13 relative, also where they are tiny.
//!
//! A tail probability is computed as such, never as one minus the other one. `lower` is P(X ≤ x), `upper` is P(X > x) or, for
//! a discrete statistic, what the function says. Parameters outside their range and NaN give NaN.

pub mod beta;
pub mod binomial;
pub mod chi_squared;
pub mod f;
pub mod gamma;
pub mod hypergeometric;
pub mod kolmogorov;
pub mod normal;
pub mod quadratic;
pub mod student_t;

mod root;
mod saddle;
