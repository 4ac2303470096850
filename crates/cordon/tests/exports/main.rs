//! What other programs are given to watch Cordon with: every metric and label that a dashboard or a rule names is exported, and
//! Prometheus itself takes both.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    unreachable_pub,
    reason = "test code"
)]

mod promql;
#[path = "../support/mod.rs"]
mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use cordon::{
    export,
    telemetry::{Options, Sampler, Share},
};
use cordon_core::{Action, RefusalCode};
use cordon_testkit::{FakeUpstream, Script, TempDir, closed_port, server};
use http::Request;
use http_body_util::Full;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use prometheus_client::encoding::text::encode;
use serde_json::{Value, json};
use support::{World, binary, send};

/// Every expression, with where it stands.
fn expressions() -> Vec<(String, String)> {
    let (dashboard, rules) = (export::dashboard(), export::rules());
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let panels = panels.flat_map(|panel| {
        let targets = panel["targets"].as_array().cloned().unwrap_or_default();
        targets.into_iter().map(|target| {
            (panel["title"].as_str().unwrap().to_owned(), target["expr"].as_str().unwrap().to_owned())
        })
    });
    let rules = rules["groups"][0]["rules"].as_array().unwrap().iter();
    let rules = rules
        .map(|rule| (rule["alert"].as_str().unwrap().to_owned(), rule["expr"].as_str().unwrap().to_owned()));
    panels.chain(rules).collect()
}

/// The metrics of a node that has seen a call of each kind, as Prometheus reads them.
async fn metrics() -> String {
    let upstream = FakeUpstream::start([
        Script::says("write to ann@example.com"),
        Script::streams(["a", "b"]),
        Script::json(500, &json!({"error": {"message": "no"}})),
    ])
    .await;
    let guard = "\n---\n{apiVersion: cordon/v1, kind: Guard, name: g, spec: {scope: organisation, rules: [{category: pii/email, action: redact}]}}\n---\n{apiVersion: cordon/v1, kind: Model, name: other, spec: {service: up, upstream_name: other}}\n---\n{apiVersion: cordon/v1, kind: Trigger, name: failing, spec: {signal: {error_rate: {above: 0.9}}, window: 60s, action: {quarantine: model/other}}}\n---\n{apiVersion: cordon/v1, kind: Detector, name: insults, spec: {adapter: cordon, base_url: \"https://127.0.0.1:1\", private_network: true, categories: {insult: toxicity}, self_test: {text: you fool, category: toxicity}}}\n";
    let nobody = format!("http://{}", closed_port().await);
    let world = World::with(&upstream.base_url(), ", fallback: [other]", guard, |settings| {
        settings.telemetry = Some(Options {
            endpoint: nobody,
            headers: None,
            ca_bundle: None,
            timeout: Duration::from_secs(5),
            sampler: Sampler::named("always_on", Share::ALL).unwrap(),
            service: "cordon".to_owned(),
            resource: Vec::new(),
            every: Duration::from_secs(3_600),
            queue: 8,
            gather: Duration::ZERO,
            pause: std::sync::Arc::new(|_, _| Box::pin(tokio::task::yield_now())),
        });
    })
    .await;
    for (stream, status) in [(false, 200), (true, 200), (false, 500)] {
        let body = json!({"model": "bot", "stream": stream, "messages": [{"role": "user", "content": "hi"}]});
        assert_eq!(world.send(world.request(body.to_string())).await.status, status);
    }
    assert_eq!(world.send(world.request("{}")).await.status, 400);
    let mut unknown = world.request("{}");
    unknown.headers_mut().remove("authorization");
    assert_eq!(world.send(unknown).await.status, 401);
    world.node.handles.watch.look().await;
    world.node.handles.metrics.detectors.are(&world.node.handles.gateway.detectors().states());
    let registry = std::sync::Arc::clone(&world.node.handles.registry);
    world.node.stop().await.unwrap();
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    text
}

/// Names of samples, with the labels that they have.
fn samples(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut samples: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let line = line.split(" # ").next().unwrap();
        let (series, _) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let names = labels
            .split("\",")
            .filter_map(|pair| Some(pair.trim_end_matches('}').split_once("=\"")?.0.to_owned()));
        samples.entry(name.to_owned()).or_default().extend(names);
    }
    samples
}

#[tokio::test]
async fn every_metric_label_and_word_of_an_expression_is_exported() {
    let exported = samples(&metrics().await);
    let all = expressions();
    assert!(all.len() > 40, "{}", all.len());
    let mut used = BTreeSet::new();
    for (place, expression) in &all {
        let named = promql::named(expression);
        assert!(!named.metrics.is_empty(), "{place}: {expression}");
        let mut labels = BTreeSet::new();
        for metric in &named.metrics {
            labels.extend(exported.get(metric).unwrap_or_else(|| panic!("{place}: nobody exports {metric}")));
            used.insert(metric.clone());
        }
        for (label, value) in &named.labels {
            assert!(labels.contains(label), "{place}: no label {label} in {labels:?}");
            let known: Vec<&str> = match label.as_str() {
                "refusal_code" => RefusalCode::ALL.iter().map(|code| code.as_str()).collect(),
                "verdict" => Action::ALL.iter().map(|action| action.as_str()).collect(),
                "outcome" => vec!["released", "refused", "upstream_failed", "caller_gone", "interrupted"],
                _ => continue,
            };
            for word in value.iter().flat_map(|value| value.split('|')) {
                assert!(known.contains(&word), "{place}: no {label} is {word}");
            }
        }
    }
    // What nobody looks at need not be counted: each family is in the dashboard or in a rule.
    let families: BTreeSet<&str> = exported.keys().map(|name| family(name)).collect();
    let looked_at: BTreeSet<&str> = used.iter().map(|name| family(name)).collect();
    let unseen: Vec<&&str> = families.difference(&looked_at).collect();
    assert_eq!(unseen, [&"cordon_content_kept_calls", &"cordon_siem_events"]);
}

fn family(sample: &str) -> &str {
    ["_total", "_bucket", "_sum", "_count"].iter().find_map(|end| sample.strip_suffix(end)).unwrap_or(sample)
}

#[test]
fn the_dashboard_has_the_structure_that_grafana_loads() {
    let dashboard = export::dashboard();
    assert_eq!(
        (&dashboard["uid"], dashboard["schemaVersion"].as_u64() >= Some(36)),
        (&json!("cordon"), true)
    );
    let variables: BTreeSet<&str> = dashboard["templating"]["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variable| variable["name"].as_str().unwrap())
        .collect();
    let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        assert!(["row", "stat", "timeseries"].contains(&panel["type"].as_str().unwrap()), "{panel}");
        let place = |side: &str| panel["gridPos"][side].as_u64().unwrap();
        assert!(place("x") + place("w") <= 24, "{panel}");
        for x in place("x")..place("x") + place("w") {
            for y in place("y")..place("y") + place("h") {
                assert!(taken.insert((x, y)), "two panels at {x},{y}: {panel}");
            }
        }
        let mut names = BTreeSet::new();
        for target in panel["targets"].as_array().into_iter().flatten() {
            assert!(names.insert(target["refId"].as_str().unwrap()), "{panel}");
            assert_eq!(target["datasource"]["uid"], "${datasource}");
            let text = target["expr"].as_str().unwrap();
            for variable in text.split('$').skip(1) {
                let end = variable.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap();
                let name = &variable[..end];
                assert!(variables.contains(name) || name == "__rate_interval", "{text}");
            }
        }
    }
}

/// A program of Prometheus; `None`, with a message, where it is not installed.
fn prometheus(program: &str) -> Option<PathBuf> {
    let promtool = server::find("PROMTOOL", "promtool")?;
    Some(promtool.with_file_name(program))
}

fn check(program: PathBuf, arguments: &[&str], input: &str) {
    use std::io::Write as _;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
}

/// The files that the command writes, in a folder.
fn written(folder: &TempDir) -> PathBuf {
    let rules = folder.path().join("cordon.rules.yml");
    let output = binary::output(&folder.path().join("data"), &["export", "prometheus"]);
    assert!(output.status.success());
    fs::write(&rules, output.stdout).unwrap();
    let output = binary::output(&folder.path().join("data"), &["export", "grafana"]);
    let dashboard: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(dashboard, export::dashboard());
    rules
}

#[tokio::test]
async fn promtool_finds_nothing_wrong_with_rules_and_metrics() {
    let Some(promtool) = prometheus("promtool") else { return };
    let folder = TempDir::new().unwrap();
    let rules = written(&folder);
    check(promtool.clone(), &["check", "rules", "--lint-fatal", rules.to_str().unwrap()], "");
    // promtool reads the older text format: counters are named like their samples, and there are no exemplars.
    let mut plain = String::new();
    for line in metrics().await.lines().filter(|line| *line != "# EOF") {
        let line = line.split(" # {").next().unwrap();
        let counter = line.strip_prefix("# TYPE ").and_then(|rest| rest.strip_suffix(" counter"));
        match counter {
            Some(name) => {
                plain = plain.replace(&format!("# HELP {name} "), &format!("# HELP {name}_total "));
                plain += &format!("# TYPE {name}_total counter\n");
            }
            None => plain += &format!("{line}\n"),
        }
    }
    check(promtool, &["check", "metrics"], &plain);
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_scrapes_and_answers_every_expression() {
    let Some(program) = prometheus("prometheus") else { return };
    let folder = TempDir::new().unwrap();
    let rules = written(&folder);
    let data = folder.path().join("data");
    let mut command = binary::command(&data, &[&binary::UP[..], &["--demo"]].concat());
    let mut cordon = binary::Server::of(command.stderr(Stdio::null()), &data);
    let at = cordon.addresses().await;
    let address = closed_port().await;
    let config = folder.path().join("prometheus.yml");
    let text = json!({
        "global": {"scrape_interval": "200ms", "evaluation_interval": "200ms"},
        "rule_files": [rules],
        "scrape_configs": [{"job_name": "cordon", "static_configs": [{"targets": [at.control.to_string()]}]}],
    });
    // JSON is YAML too.
    fs::write(&config, text.to_string()).unwrap();
    let _prometheus = Running(
        Command::new(program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("tsdb").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let client = Client::builder(TokioExecutor::new()).build_http();
    let ask = async |path: &str| -> Option<Value> {
        let request = Request::builder().uri(format!("http://{address}{path}"));
        let request = request.body(Full::default()).unwrap();
        client.request(request.clone()).await.ok()?;
        let reply = send(&client, request).await;
        // Not before it is ready.
        (reply.status == 200).then(|| reply.json())
    };
    let query = async |expression: &str| {
        let query: String = expression.bytes().map(|byte| format!("%{byte:02X}")).collect();
        ask(&format!("/api/v1/query?query={query}")).await
    };
    let seen = async {
        loop {
            let calls = query("sum(cordon_calls_total)").await;
            let found =
                calls.and_then(|calls| calls.pointer("/data/result/0/value/1")?.as_str()?.parse().ok());
            if found.is_some_and(|calls: f64| calls >= 1.0) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), seen).await.expect("Prometheus sees calls");
    let target = ask("/api/v1/targets").await.unwrap();
    assert_eq!(target["data"]["activeTargets"][0]["health"], "up", "{target}");
    for (place, expression) in expressions() {
        let expression = expression.replace("$__rate_interval", "1m").replace("$route", ".*");
        let answer = query(&expression).await.unwrap();
        assert_eq!(answer["status"], "success", "{place}: {expression}: {answer}");
    }
    let rules = ask("/api/v1/rules").await.unwrap();
    let rules = rules["data"]["groups"][0]["rules"].as_array().unwrap().clone();
    assert_eq!(rules.len(), export::rules()["groups"][0]["rules"].as_array().unwrap().len());
    assert!(rules.iter().all(|rule| rule["health"] != "err"), "{rules:?}");
}
