//! Traces and metrics for an OpenTelemetry collector.

use std::path::PathBuf;

use cordon_core::{DurationMs, resource::SecretRef};

use super::{Raw, text};
use crate::telemetry::{self, Sampler, Share};

/// Traces and metrics for a collector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telemetry {
    /// Its address, below which the signals have their paths.
    pub endpoint: String,
    /// Where headers for it are.
    pub headers: Option<SecretRef>,
    /// How long it may take for a request.
    pub timeout: DurationMs,
    /// A PEM file of further roots.
    pub ca_bundle: Option<PathBuf>,
    /// Which traces are exported.
    pub sampler: Sampler,
    /// How often metrics are sent.
    pub interval: DurationMs,
    /// `service.name`.
    pub service: String,
    /// Further attributes of the resource.
    pub resource: Vec<(String, String)>,
}

/// The standard variables that are defaults, and what they set
/// (<https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>).
pub(super) const STANDARD: &[(&str, &str)] = &[
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "telemetry.otlp.endpoint"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "telemetry.otlp.headers"),
    ("OTEL_SERVICE_NAME", "telemetry.service_name"),
    ("OTEL_RESOURCE_ATTRIBUTES", "telemetry.resource"),
    ("OTEL_TRACES_SAMPLER", "telemetry.traces.sampler"),
    ("OTEL_TRACES_SAMPLER_ARG", "telemetry.traces.ratio"),
];

/// What a standard variable sets its key to. Headers may hold a secret: where they are is said, not what they are.
pub(super) fn standard(name: &str, value: String) -> String {
    match name {
        "OTEL_EXPORTER_OTLP_HEADERS" => format!("env:{name}"),
        _ => value,
    }
}

impl Telemetry {
    /// The collector, if one is set; `None` when something about it is wrong.
    pub(super) fn read(raw: &mut Raw) -> Option<Option<Self>> {
        let from = raw.source("telemetry.otlp.endpoint").unwrap_or_default();
        let endpoint = raw.take("telemetry.otlp.endpoint", |url| Ok(url.to_owned()));
        let headers = raw.take("telemetry.otlp.headers", text::reference);
        let timeout = raw.take("telemetry.otlp.timeout", text::time);
        let ca_bundle = raw.take("telemetry.otlp.ca_bundle", text::file);
        let share = raw.take("telemetry.traces.ratio", Share::parse);
        let sampler =
            raw.take("telemetry.traces.sampler", |name| Sampler::named(name, share.unwrap_or(Share::ALL)));
        let interval = raw.take("telemetry.metrics.interval", text::time);
        let service = raw.take("telemetry.service_name", |name| match name.len() {
            1..=255 => Ok(name.to_owned()),
            _ => Err("a name of at most 255 bytes is expected".to_owned()),
        });
        let resource = raw.take("telemetry.resource", telemetry::attributes);
        if let (Some(url), Some(headers)) = (endpoint.as_deref().filter(|url| !url.is_empty()), &headers)
            && let Err(problem) = telemetry::check_endpoint(url, headers.is_some())
        {
            raw.wrong(&from, format!("telemetry.otlp.endpoint: {problem}"));
        }
        let telemetry = Self {
            endpoint: endpoint?,
            headers: headers?,
            timeout: timeout?,
            ca_bundle: ca_bundle?,
            sampler: sampler.filter(|_| share.is_some())?,
            interval: interval?,
            service: service?,
            resource: resource?,
        };
        Some((!telemetry.endpoint.is_empty()).then_some(telemetry))
    }
}
