//! cordon-guard
