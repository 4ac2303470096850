//! A dashboard for Grafana.

use serde_json::{Value, json};

/// How a panel looks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// Lines over time.
    Lines,
    /// The last value.
    Number,
}

/// A panel: its title, unit, and expressions with their legends.
struct Panel {
    title: &'static str,
    look: Look,
    unit: &'static str,
    queries: &'static [(&'static str, &'static str)],
}

const fn lines(
    title: &'static str,
    unit: &'static str,
    queries: &'static [(&'static str, &'static str)],
) -> Panel {
    Panel { title, look: Look::Lines, unit, queries }
}

const fn number(
    title: &'static str,
    unit: &'static str,
    queries: &'static [(&'static str, &'static str)],
) -> Panel {
    Panel { title, look: Look::Number, unit, queries }
}

/// The rows, each with its title and panels.
const ROWS: &[(&str, &[Panel])] = &[
    (
        "Calls",
        &[
            number("Running", "short", &[("sum(cordon_calls_running)", "")]),
            number(
                "Calls a second",
                "reqps",
                &[("sum(rate(cordon_calls_total{route=~\"$route\"}[$__rate_interval]))", "")],
            ),
            number(
                "Blocked",
                "percentunit",
                &[(
                    "sum(rate(cordon_calls_total{route=~\"$route\",verdict=\"block\"}[$__rate_interval])) / sum(rate(cordon_calls_total{route=~\"$route\"}[$__rate_interval]))",
                    "",
                )],
            ),
            number(
                "Failed at the upstream",
                "percentunit",
                &[(
                    "sum(rate(cordon_calls_total{route=~\"$route\",outcome=\"upstream_failed\"}[$__rate_interval])) / sum(rate(cordon_calls_total{route=~\"$route\"}[$__rate_interval]))",
                    "",
                )],
            ),
            lines(
                "Calls by route",
                "reqps",
                &[(
                    "sum by (route) (rate(cordon_calls_total{route=~\"$route\"}[$__rate_interval]))",
                    "{{route}}",
                )],
            ),
            lines(
                "Calls by verdict",
                "reqps",
                &[(
                    "sum by (verdict) (rate(cordon_calls_total{route=~\"$route\"}[$__rate_interval]))",
                    "{{verdict}}",
                )],
            ),
            lines(
                "Calls by status",
                "reqps",
                &[(
                    "sum by (status_class, outcome) (rate(cordon_calls_total{route=~\"$route\"}[$__rate_interval]))",
                    "{{status_class}} {{outcome}}",
                )],
            ),
            lines(
                "Refusals and failures",
                "reqps",
                &[
                    (
                        "sum by (refusal_code) (rate(cordon_refusals_total{route=~\"$route\"}[$__rate_interval]))",
                        "{{refusal_code}}",
                    ),
                    (
                        "sum by (refusal_code) (rate(cordon_unknown_callers_total[$__rate_interval]))",
                        "unknown caller: {{refusal_code}}",
                    ),
                ],
            ),
        ],
    ),
    (
        "Time",
        &[
            lines(
                "Whole calls",
                "s",
                &[
                    (
                        "histogram_quantile(0.5, sum by (le) (rate(cordon_call_duration_seconds_bucket{route=~\"$route\"}[$__rate_interval])))",
                        "p50",
                    ),
                    (
                        "histogram_quantile(0.99, sum by (le) (rate(cordon_call_duration_seconds_bucket{route=~\"$route\"}[$__rate_interval])))",
                        "p99",
                    ),
                ],
            ),
            lines(
                "Added by Cordon",
                "s",
                &[
                    (
                        "histogram_quantile(0.5, sum by (le) (rate(cordon_call_added_seconds_bucket{route=~\"$route\"}[$__rate_interval])))",
                        "p50",
                    ),
                    (
                        "histogram_quantile(0.99, sum by (le) (rate(cordon_call_added_seconds_bucket{route=~\"$route\"}[$__rate_interval])))",
                        "p99",
                    ),
                ],
            ),
            lines(
                "Upstream, p95 by model",
                "s",
                &[(
                    "histogram_quantile(0.95, sum by (le, gen_ai_request_model) (rate(gen_ai_client_operation_duration_seconds_bucket[$__rate_interval])))",
                    "{{gen_ai_request_model}}",
                )],
            ),
            lines(
                "First piece of a stream, p95 by model",
                "s",
                &[(
                    "histogram_quantile(0.95, sum by (le, gen_ai_request_model) (rate(gen_ai_client_operation_time_to_first_chunk_seconds_bucket[$__rate_interval])))",
                    "{{gen_ai_request_model}}",
                )],
            ),
        ],
    ),
    (
        "Models and tokens",
        &[
            lines(
                "Tokens a second",
                "short",
                &[(
                    "sum by (route, direction) (rate(cordon_tokens_total{route=~\"$route\"}[$__rate_interval]))",
                    "{{route}} {{direction}}",
                )],
            ),
            lines(
                "Tokens of a call, p95",
                "short",
                &[(
                    "histogram_quantile(0.95, sum by (le, gen_ai_token_type) (rate(gen_ai_client_token_usage_bucket[$__rate_interval])))",
                    "{{gen_ai_token_type}}",
                )],
            ),
            lines(
                "Upstream errors",
                "reqps",
                &[(
                    "sum by (service, error_type) (rate(gen_ai_client_operation_duration_seconds_count{error_type!=\"\"}[$__rate_interval]))",
                    "{{service}} {{error_type}}",
                )],
            ),
            lines(
                "Findings",
                "short",
                &[(
                    "sum by (category, action) (rate(cordon_findings_total[$__rate_interval]))",
                    "{{category}} {{action}}",
                )],
            ),
        ],
    ),
    (
        "Abuse and containment",
        &[
            lines(
                "Callers and prompts slowed down",
                "short",
                &[("cordon_callers_throttled", "callers"), ("cordon_prompts_throttled", "prompts")],
            ),
            lines(
                "First bad call to contained, p95",
                "s",
                &[(
                    "histogram_quantile(0.95, sum by (le) (rate(cordon_trigger_contained_seconds_bucket[$__rate_interval])))",
                    "",
                )],
            ),
            lines(
                "Not looked at",
                "short",
                &[
                    ("delta(cordon_trigger_unwatched_calls[$__rate_interval])", "calls, by triggers"),
                    ("delta(cordon_callers_forgotten[$__rate_interval])", "callers, for abuse"),
                ],
            ),
        ],
    ),
    (
        "Detectors",
        &[
            number(
                "Fail their self-test",
                "short",
                &[("count(cordon_detector_passes < 1) or vector(0)", "")],
            ),
            lines(
                "Asked over HTTP, by answer",
                "short",
                &[("delta(cordon_detector_asked[$__rate_interval])", "{{detector}} {{answer}}")],
            ),
            lines(
                "Breakers open",
                "short",
                &[("max by (detector) (cordon_detector_breaker_state{phase=\"open\"})", "{{detector}}")],
            ),
        ],
    ),
    (
        "Held for a review",
        &[
            number("Wait for a review", "short", &[("cordon_held_waiting", "")]),
            number("The longest has waited", "s", &[("cordon_held_longest_seconds", "")]),
            number("Bytes that wait", "bytes", &[("cordon_held_waiting_bytes", "")]),
            number(
                "Time to a decision, median",
                "s",
                &[("histogram_quantile(0.5, sum by (le) (rate(cordon_held_review_seconds_bucket[1d])))", "")],
            ),
            lines(
                "Held and decided",
                "short",
                &[
                    ("increase(cordon_held_total[$__rate_interval])", "held"),
                    (
                        "sum by (verdict) (increase(cordon_held_reviewed_total[$__rate_interval]))",
                        "{{verdict}}",
                    ),
                    (
                        "sum by (why) (increase(cordon_held_not_kept_total[$__rate_interval]))",
                        "not kept: {{why}}",
                    ),
                ],
            ),
        ],
    ),
    (
        "Records and proofs",
        &[
            lines(
                "Behind",
                "short",
                &[
                    ("cordon_index_lag_frames", "index, frames"),
                    ("cordon_frames_unanchored", "not anchored, frames"),
                    ("cordon_facts_unsigned", "not signed, facts"),
                    ("cordon_siem_lag_facts + cordon_siem_lag_frames", "SIEM, entries"),
                ],
            ),
            lines(
                "Failures",
                "short",
                &[
                    ("delta(cordon_journal_failures[$__rate_interval])", "journal"),
                    ("delta(cordon_frames_lost[$__rate_interval])", "frames lost"),
                    ("delta(cordon_content_lost_calls[$__rate_interval])", "content lost"),
                    ("increase(cordon_sealing_failures_total[$__rate_interval])", "sealing"),
                    ("increase(cordon_siem_failures_total[$__rate_interval])", "SIEM"),
                    ("increase(cordon_telemetry_failures_total[$__rate_interval])", "telemetry"),
                ],
            ),
            lines(
                "Frames a second",
                "short",
                &[
                    ("rate(cordon_journal_frames[$__rate_interval])", "written"),
                    ("rate(cordon_frames_sealed[$__rate_interval])", "sealed"),
                ],
            ),
            lines(
                "Telemetry",
                "short",
                &[
                    ("rate(cordon_telemetry_calls_total[$__rate_interval])", "calls exported"),
                    (
                        "sum by (reason) (rate(cordon_telemetry_lost_total[$__rate_interval]))",
                        "lost: {{reason}}",
                    ),
                ],
            ),
        ],
    ),
];

/// Grafana's grid has 24 columns; four panels stand beside each other.
const COLUMNS: usize = 24;
const WIDTH: usize = 6;

/// The dashboard, as Grafana imports it.
pub fn dashboard() -> Value {
    let source = json!({"type": "prometheus", "uid": "${datasource}"});
    let (mut panels, mut y, mut id) = (Vec::new(), 0, 0);
    let mut next = || {
        id += 1;
        id
    };
    for (title, row) in ROWS {
        panels.push(json!({
            "id": next(), "type": "row", "title": title, "collapsed": false, "panels": [],
            "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1},
        }));
        y += 1;
        for line in row.chunks(COLUMNS / WIDTH) {
            let height = if line.iter().all(|panel| panel.look == Look::Number) { 4 } else { 8 };
            for (at, panel) in line.iter().enumerate() {
                let place = json!({"x": at * WIDTH, "y": y, "w": WIDTH, "h": height});
                panels.push(shown(panel, next(), &place, &source));
            }
            y += height;
        }
    }
    json!({
        "title": "Cordon",
        "uid": "cordon",
        "description": "Calls, verdicts, time, tokens and records of Cordon",
        "tags": ["cordon", "gen-ai"],
        "schemaVersion": 39,
        "version": 1,
        "editable": true,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [
            {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
            {
                "name": "route", "label": "Route", "type": "query", "datasource": source,
                "query": {"query": "label_values(cordon_calls_total, route)", "refId": "route"},
                "definition": "label_values(cordon_calls_total, route)",
                "includeAll": true, "multi": true, "allValue": ".*", "refresh": 2, "sort": 1,
                "current": {"text": "All", "value": "$__all"},
            },
        ]},
        "annotations": {"list": []},
        "links": [],
        "panels": panels,
    })
}

fn shown(panel: &Panel, id: usize, place: &Value, source: &Value) -> Value {
    let targets: Vec<Value> = panel
        .queries
        .iter()
        .zip('A'..='Z')
        .map(|((expression, legend), name)| {
            json!({
                "refId": name.to_string(), "datasource": source, "expr": expression, "legendFormat": legend,
                "range": true, "exemplar": expression.contains("cordon_call_duration_seconds_bucket"),
            })
        })
        .collect();
    let kind = match panel.look {
        Look::Lines => "timeseries",
        Look::Number => "stat",
    };
    json!({
        "id": id, "type": kind, "title": panel.title, "datasource": source, "gridPos": place, "targets": targets,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {},
    })
}
