//! Data as text: tables, JSON, YAML. The text goes to the detectors as it is; what is checked is how it would be read.

pub(crate) mod csv;
pub(crate) mod json;
pub(crate) mod neutral;
pub(crate) mod yaml;
