//! From the registry to OTLP: the text that Prometheus reads (OpenMetrics 1.0), as data points.

use std::collections::BTreeMap;

use cordon_core::Timestamp;
use prometheus_client::{encoding::text::encode, registry::Registry};

use super::{
    otlp::{
        CUMULATIVE, Gauge, Histogram, HistogramPoint, KeyValue, Metric, MetricsRequest, NumberPoint, Points,
        Resource, ResourceMetrics, ScopeMetrics, Sum,
    },
    scope, semconv,
};

/// A family of metrics as it is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Family {
    /// Its name, without the suffix of its samples.
    pub(crate) name: String,
    /// `counter`, `gauge` or `histogram`.
    pub(crate) kind: String,
    /// What it measures.
    pub(crate) help: String,
    /// Its samples.
    pub(crate) samples: Vec<Sample>,
}

/// A line of a family.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    /// Name, with its suffix.
    pub(crate) name: String,
    /// Labels in their order.
    pub(crate) labels: Vec<(String, String)>,
    /// Value.
    pub(crate) value: f64,
}

/// The families of a registry. `None` when it cannot be written.
pub(crate) fn families(registry: &Registry) -> Option<Vec<Family>> {
    let mut text = String::new();
    encode(&mut text, registry).ok()?;
    let mut families: Vec<Family> = Vec::new();
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let (word, rest) = comment.split_once(' ').unwrap_or((comment, ""));
            let (name, said) = rest.split_once(' ').unwrap_or((rest, ""));
            if matches!(word, "HELP" | "TYPE") && families.last().is_none_or(|family| family.name != name) {
                let name = name.to_owned();
                families.push(Family { name, kind: String::new(), help: String::new(), samples: Vec::new() });
            }
            if let Some(family) = families.last_mut() {
                match word {
                    "HELP" => said.trim_end_matches('.').clone_into(&mut family.help),
                    "TYPE" => said.clone_into(&mut family.kind),
                    _ => {}
                }
            }
        } else if let Some(family) = families.last_mut() {
            family.samples.push(sample(line)?);
        }
    }
    Some(families)
}

/// `name{label="value",…} value [# exemplar]`.
fn sample(line: &str) -> Option<Sample> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at_checked(end)?;
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            if let Some(after) = rest.strip_prefix('}') {
                rest = after;
                break;
            }
            let (label, quoted) = rest.strip_prefix(',').unwrap_or(rest).split_once("=\"")?;
            let (value, after) = unquoted(quoted)?;
            labels.push((label.to_owned(), value));
            rest = after;
        }
    }
    let value = rest.trim_start().split(' ').next()?;
    Some(Sample { name: name.to_owned(), labels, value: value.parse().ok()? })
}

/// A text up to its closing quote, without its escapes, and what comes after it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, text.get(at.saturating_add(1)..)?)),
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}

/// What the registry says at a time, as a message. Sums go on from `start`.
pub(super) fn request(
    registry: &Registry,
    resource: &Resource,
    start: Timestamp,
    now: Timestamp,
) -> Option<MetricsRequest> {
    let nanos = |time: Timestamp| u64::try_from(time.as_millis()).unwrap_or(0).saturating_mul(1_000_000);
    let times = (nanos(start), nanos(now));
    let metrics = families(registry)?.into_iter().filter_map(|family| metric(family, times)).collect();
    Some(MetricsRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(resource.clone()),
            scope_metrics: vec![ScopeMetrics { scope: scope(), metrics }],
            schema_url: semconv::SCHEMA_URL.to_owned(),
        }],
    })
}

/// The name and unit of a family in OTLP: by the conventions where they name it, else `cordon.` and the rest.
pub(super) fn name_and_unit(prometheus: &str) -> (String, &'static str) {
    if let Some(known) = semconv::INSTRUMENTS.iter().find(|known| known.prometheus == prometheus) {
        return (known.name.to_owned(), known.unit);
    }
    let rest = prometheus.strip_prefix("cordon_").unwrap_or(prometheus);
    match rest.strip_suffix("_seconds") {
        Some(rest) => (format!("cordon.{rest}"), "s"),
        None => (format!("cordon.{rest}"), "1"),
    }
}

/// The name of a label in OTLP.
fn attribute(label: &str) -> String {
    let known = semconv::ATTRIBUTES.iter().map(|attribute| attribute.name);
    let mut known = known.filter(|name| {
        name.strip_prefix("cordon.").is_some_and(|rest| rest == label)
            || name.bytes().map(|b| if b == b'.' { b'_' } else { b }).eq(label.bytes())
    });
    known.next().map_or_else(|| format!("cordon.{label}"), str::to_owned)
}

fn attributes(labels: &[(String, String)]) -> Vec<KeyValue> {
    labels.iter().map(|(label, value)| KeyValue::text(attribute(label), value)).collect()
}

fn metric(family: Family, (start, now): (u64, u64)) -> Option<Metric> {
    let number = |sample: &Sample| NumberPoint {
        start_time_unix_nano: start,
        time_unix_nano: now,
        as_double: Some(sample.value),
        attributes: attributes(&sample.labels),
    };
    let points = match family.kind.as_str() {
        "gauge" => Points::Gauge(Gauge { data_points: family.samples.iter().map(number).collect() }),
        "counter" => Points::Sum(Sum {
            data_points: family.samples.iter().map(number).collect(),
            aggregation_temporality: CUMULATIVE,
            is_monotonic: true,
        }),
        "histogram" => Points::Histogram(Histogram {
            data_points: histogram(&family, start, now),
            aggregation_temporality: CUMULATIVE,
        }),
        _ => return None,
    };
    let (name, unit) = name_and_unit(&family.name);
    Some(Metric { name, description: family.help, unit: unit.to_owned(), points: Some(points) })
}

/// Histograms of a family, by their labels. Buckets there hold those below them too; here they do not.
fn histogram(family: &Family, start: u64, now: u64) -> Vec<HistogramPoint> {
    let mut points: BTreeMap<Vec<(String, String)>, HistogramPoint> = BTreeMap::new();
    for sample in &family.samples {
        let suffix = sample.name.strip_prefix(family.name.as_str()).unwrap_or_default();
        let mut labels = sample.labels.clone();
        let bound = labels.iter().position(|(label, _)| label == "le").map(|at| labels.remove(at).1);
        let point = points.entry(labels).or_insert_with_key(|labels| HistogramPoint {
            start_time_unix_nano: start,
            time_unix_nano: now,
            attributes: attributes(labels),
            sum: Some(0.0),
            ..HistogramPoint::default()
        });
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts are whole and not negative"
        )]
        let count = sample.value as u64;
        match (suffix, bound) {
            ("_sum", _) => point.sum = Some(sample.value),
            ("_count", _) => point.count = count,
            ("_bucket", Some(bound)) => {
                let below: u64 = point.bucket_counts.iter().sum();
                point.bucket_counts.push(count.saturating_sub(below));
                // The last bucket has no bound.
                point.explicit_bounds.extend(bound.parse::<f64>().ok().filter(|bound| bound.is_finite()));
            }
            _ => {}
        }
    }
    points.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    #[test]
    fn lines_are_read_with_their_escapes_and_exemplars() {
        let line = r#"a_bucket{le="0.1",route="x\"y\\z\n}"} 3 # {trace_id="ab"} 0.05"#;
        let sample = sample(line).unwrap();
        assert_eq!((sample.name.as_str(), sample.value), ("a_bucket", 3.0));
        assert_eq!(sample.labels[1], ("route".to_owned(), "x\"y\\z\n}".to_owned()));
        for wrong in ["", "a", "a{", "a{b} 1", "a{b=\"c} 1", "a x"] {
            assert!(super::sample(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn every_family_has_its_point_and_its_unit() {
        let (metrics, registry) = Metrics::new();
        metrics.running.set(3);
        metrics.siem_events.inc_by(7);
        let time = Timestamp::from_millis;
        let request = request(&registry, &Resource::default(), time(1), time(2)).unwrap();
        let found = &request.resource_metrics[0].scope_metrics[0].metrics;
        let by_name = |name: &str| found.iter().find(|metric| metric.name == name).unwrap();
        match &by_name("cordon.siem_events").points {
            Some(Points::Sum(sum)) => {
                assert_eq!((sum.is_monotonic, sum.aggregation_temporality), (true, 2));
                assert_eq!(sum.data_points[0].as_double, Some(7.0));
                assert_eq!(sum.data_points[0].start_time_unix_nano, 1_000_000);
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(&by_name("cordon.calls_running").points, Some(Points::Gauge(_))));
        assert_eq!(families(&registry).unwrap().len(), found.len());
    }
}
