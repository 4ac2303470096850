//! What other programs are given to watch Cordon with: a dashboard for Grafana and alert rules for Prometheus, on the metrics
//! that `/metrics` exports. Every expression is checked against the registry by a test.

mod alerts;
mod grafana;

pub use self::{alerts::rules, grafana::dashboard};
