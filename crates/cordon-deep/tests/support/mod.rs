//! The golden models.

mod weights;

use std::{collections::BTreeMap, fs, path::PathBuf};

#[allow(unused_imports, reason = "not every test changes weights")]
pub(crate) use weights::{safetensors, safetensors_with};

/// The folder of a golden model.
pub(crate) fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// The shapes of a golden model's tensors.
pub(crate) fn shapes(name: &str) -> BTreeMap<String, Vec<usize>> {
    serde_json::from_slice(&fs::read(golden(name).join("shapes.json")).unwrap()).unwrap()
}
