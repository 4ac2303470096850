//! Alert rules for Prometheus.

use serde_json::{Value, json};

/// An alert: when, for how long, how bad, what it means and what to do.
struct Alert {
    name: &'static str,
    when: &'static str,
    lasts: &'static str,
    severity: &'static str,
    summary: &'static str,
    runbook: &'static str,
}

/// What somebody is woken for, what can wait until the morning, and what one should know.
const CRITICAL: &str = "critical";
const WARNING: &str = "warning";
const INFO: &str = "info";

const ALERTS: &[Alert] = &[
    Alert {
        name: "CordonAbsent",
        when: "absent(cordon_snapshot_position)",
        lasts: "2m",
        severity: CRITICAL,
        summary: "No Cordon answers to Prometheus.",
        runbook: "Look whether the process runs and its control listener can be reached (/readyz). Callers get no answers while it is down; nothing that was recorded is lost.",
    },
    Alert {
        name: "CordonJournalFailing",
        when: "delta(cordon_journal_failures[5m]) > 0",
        lasts: "0m",
        severity: CRITICAL,
        summary: "The journal of calls cannot be written.",
        runbook: "Run cordon doctor; look at room and health of the disk under the data folder. Routes that require a record refuse their calls until it can be written again.",
    },
    Alert {
        name: "CordonFramesLost",
        when: "delta(cordon_frames_lost[10m]) > 0",
        lasts: "0m",
        severity: CRITICAL,
        summary: "Records of best-effort calls were lost.",
        runbook: "The journal could not be written for longer than its backlog lasts. Mend the disk, then raise journal.backlog, or set audit: required on the routes concerned.",
    },
    Alert {
        name: "CordonRefusesByItself",
        when: "sum by (refusal_code) (rate(cordon_refusals_total{refusal_code=~\"record_unavailable|content_unavailable|detector_unavailable|snapshot_stale|internal_error|overloaded\"}[5m])) > 0",
        lasts: "2m",
        severity: CRITICAL,
        summary: "Calls are refused with {{ $labels.refusal_code }}, for a reason that lies in Cordon.",
        runbook: "record_unavailable: the disk. content_unavailable: the key of captured content. detector_unavailable: cordon detectors says which. snapshot_stale: the log. overloaded: gateway.max_calls. internal_error: the program's own log. Run cordon doctor.",
    },
    Alert {
        name: "CordonUpstreamFailing",
        when: "sum by (route) (rate(cordon_calls_total{outcome=\"upstream_failed\"}[5m])) / sum by (route) (rate(cordon_calls_total[5m])) > 0.05 and sum by (route) (rate(cordon_calls_total[5m])) > 0.1",
        lasts: "5m",
        severity: WARNING,
        summary: "More than 5 % of the calls of route {{ $labels.route }} fail at the upstream.",
        runbook: "cordon calls list --route {{ $labels.route }}; look at the provider's status page and at cordon_refusals_total by refusal_code. Give the route another target if it lasts.",
    },
    Alert {
        name: "CordonBreakerOpen",
        when: "max by (model) (cordon_breaker_state{phase=\"open\"}) > 0",
        lasts: "2m",
        severity: WARNING,
        summary: "Calls are kept away from model {{ $labels.model }}, which fails.",
        runbook: "cordon routes shows who answers instead, cordon calls list what came of the calls. Look at the provider's status page; give the route a fallback if it has none.",
    },
    Alert {
        name: "CordonDetectorBlind",
        when: "min by (detector) (cordon_detector_passes) < 1",
        lasts: "0m",
        severity: CRITICAL,
        summary: "Detector {{ $labels.detector }} does not find what its self-test says.",
        runbook: "cordon detectors {{ $labels.detector }} says why and what becomes of calls. It comes back by itself when it passes; cordon quarantine detector/{{ $labels.detector }} lets calls go on without it.",
    },
    Alert {
        name: "CordonDetectorUnavailable",
        when: "sum by (detector, answer) (delta(cordon_detector_asked{answer!=\"answered\"}[10m])) > 0 or max by (detector) (cordon_detector_breaker_state{phase=\"open\"}) > 0",
        lasts: "5m",
        severity: WARNING,
        summary: "Detector {{ $labels.detector }} does not answer about some of the calls ({{ $labels.answer }}).",
        runbook: "cordon detectors {{ $labels.detector }} says how often and why; what becomes of such calls says when_unavailable of its resource.",
    },
    Alert {
        name: "CordonTriggerFired",
        when: "max by (trigger) (cordon_trigger_standing) > 0",
        lasts: "0m",
        severity: WARNING,
        summary: "Trigger {{ $labels.trigger }} has fired, and what it did stands.",
        runbook: "cordon triggers {{ $labels.trigger }} says what it saw, what it did and whether a test call said that it holds; docs/triggers.md how it ends.",
    },
    Alert {
        name: "CordonAttemptsFail",
        when: "sum by (model, attempt) (rate(cordon_attempts_total{attempt=~\"failed|broken|unsent|timeout|unready\"}[10m])) > 0.01",
        lasts: "10m",
        severity: INFO,
        summary: "Attempts at model {{ $labels.model }} come to nothing ({{ $labels.attempt }}), and another target answers or none.",
        runbook: "cordon calls show ID lists the attempts of a call. Many that are broken or timeout may be charged by the provider all the same.",
    },
    Alert {
        name: "CordonShedsLoad",
        when: "min(cordon_calls_admitted_percent) < 100",
        lasts: "1m",
        severity: WARNING,
        summary: "There is more to do than this machine can, and calls are refused by priority.",
        runbook: "Look at the CPU of the machine, and at what else runs there. Give the important routes priority: high, and the node more cores.",
    },
    Alert {
        name: "CordonAddsLatency",
        when: "histogram_quantile(0.99, sum by (le) (rate(cordon_call_added_seconds_bucket[5m]))) > 0.05",
        lasts: "10m",
        severity: WARNING,
        summary: "Cordon adds more than 50 ms to one call in a hundred.",
        runbook: "Look at CPU and disk of the node, at the size of requests, and at a slow call's trace or its timings in cordon calls show.",
    },
    Alert {
        name: "CordonBlocksSurge",
        when: "sum by (route) (rate(cordon_calls_total{verdict=~\"block|hold\"}[10m])) > 0.05 and sum by (route) (rate(cordon_calls_total{verdict=~\"block|hold\"}[10m])) > 5 * sum by (route) (rate(cordon_calls_total{verdict=~\"block|hold\"}[1d]))",
        lasts: "5m",
        severity: WARNING,
        summary: "Route {{ $labels.route }} blocks or holds five times as much as on the day before.",
        runbook: "cordon calls list --verdict block --since 1h, and --verdict hold: one principal points to an attack (cordon key revoke), all of them to a guard that changed (cordon history guard NAME).",
    },
    Alert {
        name: "CordonUnknownCallers",
        when: "sum by (refusal_code) (rate(cordon_unknown_callers_total[5m])) > 5",
        lasts: "5m",
        severity: WARNING,
        summary: "More than five calls a second come without a known principal ({{ $labels.refusal_code }}).",
        runbook: "api_key_expired or api_key_revoked: a caller needs a new key (cordon key rotate). invalid_api_key: somebody tries keys; stop them before the gateway.",
    },
    Alert {
        name: "CordonFactsUnsigned",
        when: "cordon_facts_unsigned > 0",
        lasts: "5m",
        severity: WARNING,
        summary: "Facts are not covered by a signed checkpoint.",
        runbook: "/readyz says why: the key cannot be read, or the ledger's folder cannot be written. The log itself goes on.",
    },
    Alert {
        name: "CordonFramesUnanchored",
        when: "cordon_frames_unanchored > 30 * clamp_min(rate(cordon_journal_frames[5m]), 1)",
        lasts: "2m",
        severity: WARNING,
        summary: "Calls of more than thirty seconds are not anchored, and so not provable yet.",
        runbook: "/readyz says why; look at the log's disk. What is recorded is anchored as soon as that works again.",
    },
    Alert {
        name: "CordonIndexBehind",
        when: "cordon_index_lag_frames > 60 * clamp_min(rate(cordon_journal_frames[5m]), 1)",
        lasts: "5m",
        severity: WARNING,
        summary: "The index of calls is more than a minute behind; lists and charts are too.",
        runbook: "Look at CPU and disk. The index is derived: it can be deleted while Cordon is down, and is built again.",
    },
    Alert {
        name: "CordonSealingFails",
        when: "increase(cordon_sealing_failures_total[30m]) > 3",
        lasts: "0m",
        severity: WARNING,
        summary: "Old records cannot be sealed; the journal grows.",
        runbook: "Run cordon doctor, which writes to the bucket and reads from it. Look at room on the disk meanwhile.",
    },
    Alert {
        name: "CordonContentLost",
        when: "delta(cordon_content_lost_calls[10m]) > 0",
        lasts: "0m",
        severity: WARNING,
        summary: "Content that should have been kept was not.",
        runbook: "content.max_size is reached, or its disk is slow. The calls' records say which they are.",
    },
    Alert {
        name: "CordonHeldWaits",
        when: "cordon_held_longest_seconds > 8 * 3600",
        lasts: "0m",
        severity: WARNING,
        summary: "Something held has waited for a review for more than eight hours.",
        runbook: "cordon held list shows what waits; release or reject it, here or in the console (/held). Its caller is refused meanwhile.",
    },
    Alert {
        name: "CordonHeldNotKept",
        when: "sum by (why) (increase(cordon_held_not_kept_total{why!=\"no_key\"}[1h])) > 0",
        lasts: "0m",
        severity: WARNING,
        summary: "Content that was to be held was refused without being kept ({{ $labels.why }}).",
        runbook: "full: decide about what waits, or raise held.max_files, held.max_size or content.max_size. failed: the log of the process says why.",
    },
    Alert {
        name: "CordonSiemBehind",
        when: "cordon_siem_lag_facts + cordon_siem_lag_frames > 0 and increase(cordon_siem_failures_total[10m]) > 0",
        lasts: "10m",
        severity: WARNING,
        summary: "The SIEM does not take events.",
        runbook: "cordon doctor says why. Nothing is lost: events are sent from where they stopped once the sink answers.",
    },
    Alert {
        name: "CordonTelemetryLost",
        when: "sum by (reason) (increase(cordon_telemetry_lost_total[10m])) > 0",
        lasts: "10m",
        severity: INFO,
        summary: "Spans do not reach the collector ({{ $labels.reason }}).",
        runbook: "cordon doctor says whether it answers. queue_full: sample fewer traces (telemetry.traces.sampler). Calls and their records are not touched.",
    },
];

/// The rules as Prometheus reads them (`rule_files`), as a value.
pub fn rules() -> Value {
    let rules: Vec<Value> = ALERTS
        .iter()
        .map(|alert| {
            json!({
                "alert": alert.name,
                "expr": alert.when,
                "for": alert.lasts,
                "labels": {"severity": alert.severity},
                "annotations": {"summary": alert.summary, "runbook": alert.runbook},
            })
        })
        .collect();
    json!({"groups": [{"name": "cordon", "rules": rules}]})
}
