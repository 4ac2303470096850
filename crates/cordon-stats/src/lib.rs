//! Turns numbers into evidence: distributions, drift, profiles, and the tests that stand on them.
//!
//! Every statistic states its definition (binning, base, root, correction), refuses an input that it is not defined for, and
//! gives the same bits for the same data. A p-value is never zero: below the smallest number it says so ([`PValue`]).
//!
//! **Never here:** I/O, async, a clock, randomness that is not an argument. Files are read by who calls this.
//!
//! ```
//! use cordon_stats::drift::{Method, kolmogorov_smirnov};
//! use cordon_stats::Sample;
//! let reference = Sample::new((0..50).map(f64::from).collect()).unwrap();
//! let current = Sample::new((20..70).map(f64::from).collect()).unwrap();
//! let tested = kolmogorov_smirnov(&reference, &current, Method::Automatic);
//! assert_eq!(tested.statistic, 0.4);
//! assert!(tested.exact && tested.p_value.at_most(0.001));
//! ```

pub mod binning;
pub mod calibration;
pub mod causes;
pub mod distribution;
pub mod domain;
pub mod drift;
pub mod fairness;
pub mod fdr;
pub mod forecast;
pub mod interval;
pub mod performance;
pub mod profile;
pub mod quality;
pub mod random;
pub mod sequential;
pub mod streaming;
pub mod text;

mod copies;
mod input;
mod linear;
mod p_value;
mod sample;

pub use input::InputError;
pub use p_value::PValue;
pub use sample::Sample;
