//! The reference values of other libraries: found in the shared data, compared to a stated relative error.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    missing_docs,
    reason = "test code, and no test file uses all of it"
)]

use std::collections::BTreeMap;

use serde_json::Value;

/// The values of `golden/NAME`; `None`, after a word, where the shared data is absent.
pub(crate) fn golden(name: &str) -> Option<Value> {
    let text = std::fs::read_to_string(cordon_testkit::corpus::file(&format!("golden/{name}"))?).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

/// The columns of `golden/NAME`, a file without quoted cells.
pub(crate) fn columns(name: &str) -> Option<BTreeMap<String, Vec<String>>> {
    let text = std::fs::read_to_string(cordon_testkit::corpus::file(&format!("golden/{name}"))?).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let names = lines.next().unwrap();
    let mut columns: BTreeMap<String, Vec<String>> =
        names.iter().map(|name| (name.clone(), Vec::new())).collect();
    for row in lines {
        for (name, cell) in names.iter().zip(row) {
            columns.get_mut(name).unwrap().push(cell);
        }
    }
    Some(columns)
}

pub(crate) fn numbers(column: &[String]) -> Vec<f64> {
    column.iter().map(|cell| cell.parse().unwrap()).collect()
}

/// A number of the golden values, `"nan"` and `"inf"` too.
pub(crate) fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| value.as_str().unwrap_or_else(|| panic!("{value} is no number")).parse().unwrap())
}

pub(crate) fn counts(value: &Value) -> Vec<u64> {
    value.as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).collect()
}

/// Agrees to 1e-9 relative.
pub(crate) fn exact(what: &str, got: f64, want: f64) {
    near(what, got, want, 1e-9);
}

/// Agrees to this relative error.
pub(crate) fn near(what: &str, got: f64, want: f64, relative: f64) {
    let agrees =
        got == want || (got - want).abs() <= relative * want.abs() || (got.is_nan() && want.is_nan());
    assert!(
        agrees,
        "{what}: {got:e}, the reference says {want:e}, relative error {:e}",
        ((got - want) / want).abs()
    );
}
