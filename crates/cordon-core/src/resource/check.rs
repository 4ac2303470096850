//! What a schema cannot say: references between resources, and values that make no sense together.

use super::{
    Allow, ContentCapture, CustomType, DetectorSpec, ExceptionScope, GuardScope, Kind, MAX_CONTENT_RETENTION,
    MIN_RECORD_RETENTION, Price, Protocol, Resource, RouteGuards, RouteMode, Spec, Topics,
};
use crate::{KeyId, Name};

/// Something wrong with a resource, at a path inside its `spec`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The kind of the resource.
    pub kind: Kind,
    /// The name of the resource.
    pub name: Name,
    /// Where, from the document's root, such as `/spec/targets/0/model`.
    pub path: String,
    /// What is wrong, and the way out.
    pub message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}: {}", self.kind, self.name, self.path, self.message)
    }
}

/// The names that a resource needs to exist, each with the path that names it.
#[derive(Debug, Default)]
pub struct References {
    /// Resources.
    pub resources: Vec<(String, Kind, Name)>,
    /// Keys.
    pub keys: Vec<(String, KeyId)>,
}

/// At most this many entries in any list of a spec: every list is walked on some call's way.
const LIST_BOUND: usize = 256;

impl Resource {
    /// The names that this resource needs.
    pub fn references(&self) -> References {
        let mut found = References::default();
        let mut need = |path: &str, kind: Kind, name: &Name| {
            found.resources.push((format!("/spec/{path}"), kind, name.clone()));
        };
        match &self.spec {
            Spec::Detector(_) | Spec::Team(_) => {}
            Spec::System(system) => need("team", Kind::Team, &system.team),
            Spec::Service(_) => {}
            Spec::Retention(retention) => {
                for (i, route) in retention.routes.iter().enumerate() {
                    need(&format!("routes/{i}"), Kind::Route, route);
                }
                for (i, system) in retention.systems.iter().enumerate() {
                    need(&format!("systems/{i}"), Kind::System, system);
                }
            }
            Spec::Model(model) => need("service", Kind::Service, &model.service),
            Spec::Principal(principal) => {
                need("team", Kind::Team, &principal.team);
                for (i, route) in principal.routes.iter().enumerate() {
                    need(&format!("routes/{i}"), Kind::Route, route);
                }
            }
            Spec::Route(route) => {
                need("team", Kind::Team, &route.team);
                if let Some(system) = &route.system {
                    need("system", Kind::System, system);
                }
                for (i, target) in route.targets.iter().enumerate() {
                    need(&format!("targets/{i}/model"), Kind::Model, &target.model);
                }
                for (i, model) in route.fallback.iter().enumerate() {
                    need(&format!("fallback/{i}"), Kind::Model, model);
                }
                for (i, target) in route.degraded.iter().enumerate() {
                    need(&format!("degraded/{i}/model"), Kind::Model, &target.model);
                }
                for (i, guard) in route.guards.names().iter().enumerate() {
                    need(&format!("guards/{i}"), Kind::Guard, guard);
                }
            }
            Spec::Guard(guard) => {
                match &guard.scope {
                    GuardScope::Team(team) => need("scope/team", Kind::Team, team),
                    GuardScope::System(system) => need("scope/system", Kind::System, system),
                    GuardScope::Organisation | GuardScope::Route => {}
                }
                for (i, exception) in guard.exceptions.iter().enumerate() {
                    let (word, kind, name) = match &exception.scope {
                        ExceptionScope::Route(name) => ("route", Kind::Route, name),
                        ExceptionScope::System(name) => ("system", Kind::System, name),
                        ExceptionScope::Principal(name) => ("principal", Kind::Principal, name),
                    };
                    need(&format!("exceptions/{i}/scope/{word}"), kind, name);
                }
            }
            Spec::Limit(limit) => limit.applies_to.need("applies_to", &mut found),
            Spec::Tool(tool) => tool.need(&mut found),
            Spec::Trigger(trigger) => trigger.need(&mut found),
        }
        found
    }

    /// Everything wrong with this resource by itself.
    pub fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        if let Spec::Detector(_) = &self.spec
            && let Some(message) = DetectorSpec::problem_of_name(&self.name)
        {
            found.push(Problem {
                kind: Kind::Detector,
                name: self.name.clone(),
                path: "/name".to_owned(),
                message: message.to_owned(),
            });
        }
        let mut wrong = |path: &str, message: &str| {
            found.push(Problem {
                kind: self.spec.kind(),
                name: self.name.clone(),
                path: format!("/spec/{path}"),
                message: message.to_owned(),
            });
        };
        match &self.spec {
            Spec::Team(_) => {}
            Spec::System(system) => {
                if system.jurisdictions.len() > LIST_BOUND || system.labels.len() > LIST_BOUND {
                    wrong("", "at most 256 jurisdictions and 256 labels");
                }
            }
            Spec::Retention(retention) => {
                let lists = [retention.routes.len(), retention.systems.len(), retention.jurisdictions.len()];
                if lists.into_iter().chain([retention.labels.len()]).any(|length| length > LIST_BOUND) {
                    wrong("", "at most 256 entries in each selector; help: split it");
                }
                if retention.content.is_none() && retention.records.is_none() {
                    wrong("", "nothing is said; help: give `content` or `records`");
                }
                if retention.content.is_some_and(|time| time.as_millis() == 0 || time > MAX_CONTENT_RETENTION)
                {
                    wrong("content", "more than nothing and at most 400d is expected");
                }
                if retention.records.is_some_and(|time| time < MIN_RECORD_RETENTION) {
                    wrong("records", "at least 365d is expected: decisions stay provable for a year");
                }
            }
            Spec::Principal(principal) => {
                if principal.routes.len() > LIST_BOUND {
                    wrong("routes", "at most 256 routes; help: split the principal");
                }
            }
            Spec::Service(service) => {
                if let Some(message) = base_url_problem(&service.base_url, service.private_network) {
                    wrong("base_url", message);
                }
                if let Some(shown) = &service.client_certificate {
                    let path = shown.certificate.as_str();
                    if !path.starts_with('/') || path.len() > 1024 || path.contains('\0') {
                        wrong("client_certificate/certificate", "an absolute path is expected");
                    }
                    if !service.base_url.get(..8).is_some_and(|s| s.eq_ignore_ascii_case("https://")) {
                        wrong("client_certificate", "only with a base URL that begins with https://");
                    }
                }
                if let Some(azure) = &service.azure {
                    let version = azure.api_version.as_str();
                    let plain = version.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
                    if version.is_empty() || version.len() > 32 || !plain {
                        wrong("azure/api_version", "a version of the API is expected, such as 2024-10-21");
                    }
                    if service.protocol != Protocol::Openai {
                        wrong("azure", "only with `protocol: openai`");
                    }
                }
                for (path, message) in service.breaker.problems() {
                    wrong(path, message);
                }
            }
            Spec::Model(model) => {
                if model.upstream_name.is_empty() || model.upstream_name.len() > 256 {
                    wrong("upstream_name", "1 to 256 bytes are expected");
                }
                if model.prices.len() > LIST_BOUND {
                    wrong("prices", "at most 256 prices");
                }
                if let Some(message) = Price::problem(&model.prices) {
                    wrong("prices", message);
                }
                if model
                    .upstream_version
                    .as_ref()
                    .is_some_and(|version| version.is_empty() || version.len() > 64)
                {
                    wrong("upstream_version", "1 to 64 bytes are expected");
                }
                for (path, message) in model.signature.iter().flat_map(|signature| signature.problems()) {
                    wrong(&path, message);
                }
            }
            Spec::Route(route) => {
                if route.targets.is_empty() {
                    wrong("targets", "1 to 256 targets are expected");
                }
                for (path, targets) in [("targets", &route.targets), ("degraded", &route.degraded)] {
                    if targets.len() > LIST_BOUND {
                        wrong(path, "1 to 256 targets are expected");
                    }
                    if !targets.is_empty() && targets.iter().all(|target| target.weight == 0) {
                        wrong(
                            path,
                            "every weight is 0, so no target could be chosen; help: give one a weight",
                        );
                    }
                }
                if route.fallback.len() > LIST_BOUND {
                    wrong("fallback", "at most 256 models");
                }
                for (path, message) in route.retry.problems() {
                    wrong(path, message);
                }
                if route.mode == RouteMode::Degraded && route.degraded.is_empty() {
                    wrong("mode", "there is no simpler path; help: name its models under `degraded`");
                }
                if let Some(agreement) = &route.agreement {
                    let targets = route.targets.iter().filter(|target| target.weight > 0).count();
                    for (path, message) in agreement.problems(targets, route.fallback.len()) {
                        wrong(path, message);
                    }
                    let simpler = route.degraded.iter().filter(|target| target.weight > 0).count();
                    if let Some(message) = agreement.problem_of_simpler_path(simpler) {
                        wrong("degraded", message);
                    }
                }
                for (path, message) in route.files.iter().flat_map(|files| files.problems()) {
                    wrong(&path, &message);
                }
                if let Some((path, message)) = route.normalise.and_then(|normalise| normalise.problem()) {
                    wrong(path, message);
                }
                for (path, message) in route.answers.iter().flat_map(|answers| answers.problems()) {
                    wrong(&path, &message);
                }
                if let Some(message) = route.off_message.as_deref().and_then(Problem::of_off_message) {
                    wrong("off_message", message);
                }
                match (route.content, route.content_retention) {
                    (ContentCapture::None, Some(_)) => {
                        wrong(
                            "content_retention",
                            "nothing is captured; help: say `content: redacted` or `full`, or leave this out",
                        );
                    }
                    (_, Some(time)) if time.as_millis() == 0 || time > MAX_CONTENT_RETENTION => {
                        wrong("content_retention", "more than nothing and at most 400d is expected");
                    }
                    _ => {}
                }
                if route.output_tokens == Some(0) {
                    wrong("output_tokens", "must be above 0");
                }
                if route.labels.len() > LIST_BOUND {
                    wrong("labels", "at most 256 labels");
                }
                match (&route.guards, &route.guards_reason) {
                    (RouteGuards::None, None) => {
                        wrong("guards", "`none` needs a reason; help: add `guards_reason`");
                    }
                    (RouteGuards::Listed(_), Some(_)) => {
                        wrong("guards_reason", "a reason is only expected beside `guards: none`");
                    }
                    (RouteGuards::Listed(names), None) if names.len() > LIST_BOUND => {
                        wrong("guards", "at most 256 guards");
                    }
                    _ => {}
                }
            }
            Spec::Detector(detector) => {
                for (path, message) in detector.problems() {
                    wrong(path, message);
                }
            }
            Spec::Guard(guard) => {
                if guard.hosts.as_ref().is_some_and(|hosts| hosts.len() > LIST_BOUND) {
                    wrong("hosts", "at most 256 hosts; help: `*.example.org` covers its hosts");
                }
                if guard.rules.len() > LIST_BOUND {
                    wrong("rules", "at most 256 rules; help: a category covers its children");
                }
                if guard.exceptions.len() > LIST_BOUND {
                    wrong("exceptions", "at most 256 exceptions");
                }
                for (path, message) in guard.allow.iter().flat_map(Allow::problems) {
                    wrong(&path, message);
                }
                for (path, message) in CustomType::problems_of(&guard.types) {
                    wrong(&path, &message);
                }
                for (path, message) in guard.topics.iter().flat_map(Topics::problems) {
                    wrong(&path, &message);
                }
                for (i, rule) in guard.rules.iter().enumerate() {
                    for (path, message) in rule.problems() {
                        wrong(&format!("rules/{i}/{path}"), message);
                    }
                }
            }
            Spec::Limit(limit) => {
                for (path, message) in limit.problems() {
                    wrong(path, message);
                }
            }
            Spec::Tool(tool) => {
                for (path, message) in tool.problems() {
                    wrong(&path, &message);
                }
            }
            Spec::Trigger(trigger) => {
                for (path, message) in trigger.problems() {
                    wrong(path, message);
                }
            }
        }
        found
    }
}

/// The base URL decides where content and the provider's key are sent: plain text and other people's credentials in
/// it are refused here, private addresses when a connection is made.
pub(super) fn base_url_problem(url: &str, private_network: bool) -> Option<&'static str> {
    let rest = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => rest,
        (None, Some(rest)) if private_network => rest,
        (None, Some(_)) => {
            return Some(
                "without TLS only inside a private network; help: use https, or say `private_network: true`",
            );
        }
        (None, None) => return Some("an http(s) address is expected, such as https://api.openai.com/v1"),
    };
    let (host, _) = rest.split_once('/').unwrap_or((rest, ""));
    if host.is_empty() || url.len() > 1024 || !url.bytes().all(|b| b.is_ascii_graphic()) {
        return Some("not an address; help: printable ASCII with a host, at most 1,024 bytes");
    }
    if host.contains('@') {
        return Some("no credentials in the address; help: name the secret in `secret`");
    }
    url.contains(['?', '#', '\\']).then_some("no query, fragment or backslash in the address")
}
