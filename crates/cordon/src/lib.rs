//! cordon

pub mod sandbox;
