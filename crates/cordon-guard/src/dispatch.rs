//! From a cleared call to an upstream: which target, by which permit, with which of the gateway's own secrets.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use cordon_core::{
    Name, Refusal, RefusalCode, Timestamp,
    record::Opened,
    resource::{ModelSpec, Price, Protocol, ServiceSpec},
};
use http::{HeaderName, HeaderValue, header::AUTHORIZATION};

use cordon_policy::{RouteEntry, RouteTarget, ServiceEntry, Snapshot};

use crate::anthropic;
use crate::operation::Outgoing;
use crate::quarantine;
use crate::upstream::{
    Client, Endpoint, Environment, Scheme, SecretError, SecretSource, Trace, UpstreamError, UpstreamRequest,
    UpstreamResponse,
};

/// The way to the services: one client, and what is prepared for each service.
#[derive(Clone)]
pub struct Upstreams(Arc<Shared>);

struct Shared {
    client: Client,
    environment: Environment,
    prepared: Mutex<HashMap<Name, Arc<Prepared>>>,
}

/// What a service's spec means, read once.
struct Prepared {
    service: Arc<ServiceEntry>,
    endpoint: Result<Endpoint, String>,
    secret: Option<SecretSource>,
}

/// Azure's key header, and Anthropic's.
const API_KEY: HeaderName = HeaderName::from_static("api-key");
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// A model of a service that a call goes to.
#[derive(Clone, Debug)]
pub struct Target {
    /// The model.
    pub model: Name,
    /// What it is.
    pub spec: Arc<ModelSpec>,
    /// Its service.
    pub service: Arc<ServiceEntry>,
}

/// The right to send one call to one target, once. Made by [`permit`] alone, for each attempt anew.
pub struct Permit(Target);

impl Permit {
    /// The name that the service knows the model by.
    pub fn upstream_model(&self) -> &str {
        &self.0.spec.upstream_name
    }

    /// Where it goes.
    pub const fn target(&self) -> &Target {
        &self.0
    }

    /// What tokens of the model cost at a time.
    pub(crate) fn price(&self, time: Timestamp) -> Option<&Price> {
        Price::at(&self.0.spec.prices, time)
    }

    /// Says in the record what was chosen.
    pub(crate) fn describe(&self, opened: &mut Opened) {
        opened.model = Some(self.0.model.clone());
        opened.service = Some(self.0.service.name.clone());
        opened.region.clone_from(&self.0.service.spec.region);
    }
}

/// Chooses a target of a route by weight, of those that are not quarantined. `draw` is a random number.
///
/// # Errors
/// When the route has no target that exists, or none that may be used.
pub fn permit(route: &RouteEntry, snapshot: &Snapshot, draw: u64) -> Result<Permit, Refusal> {
    let unavailable = |why: &str| Refusal::new(RefusalCode::UpstreamUnavailable, why);
    let out = snapshot.quarantined();
    let quarantined = |target: &RouteTarget| {
        let service = snapshot.model(&target.model).map(|model| &model.service);
        if out.is_empty() { None } else { service.and_then(|service| out.target(&target.model, service)) }
    };
    let usable = || route.targets.iter().filter(|target| target.weight > 0 && quarantined(target).is_none());
    let total: u64 = usable().map(|target| u64::from(target.weight)).sum();
    let Some(mut at) = draw.checked_rem(total) else {
        let subject = route.targets.iter().filter(|target| target.weight > 0).find_map(quarantined);
        return Err(match subject {
            Some(subject) => quarantine::refused(RefusalCode::Quarantined, &subject),
            None => unavailable("the route has no target with a weight"),
        });
    };
    let chosen = usable()
        .find(|target| {
            let weight = u64::from(target.weight);
            let here = at < weight;
            at = at.saturating_sub(weight);
            here
        })
        .ok_or_else(|| unavailable("the route has no target with a weight"))?;
    let spec =
        snapshot.model(&chosen.model).ok_or_else(|| unavailable("the model of the target does not exist"))?;
    let service = snapshot
        .service(&spec.service)
        .ok_or_else(|| unavailable("the service of the model does not exist"))?;
    Ok(Permit(Target { model: chosen.model.clone(), spec: Arc::clone(spec), service: Arc::clone(service) }))
}

impl Upstreams {
    /// The way to the services through this client. Secrets named `env:` are read from this environment.
    pub fn new(client: Client, environment: Environment) -> Self {
        Self(Arc::new(Shared { client, environment, prepared: Mutex::new(HashMap::new()) }))
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    fn prepared(&self, service: &Arc<ServiceEntry>) -> Arc<Prepared> {
        let mut all = self.0.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get(&service.name)
            && Arc::ptr_eq(&known.service, service)
        {
            return Arc::clone(known);
        }
        let prepared = Arc::new(Prepared {
            service: Arc::clone(service),
            endpoint: Endpoint::of(&service.spec).map_err(|error| error.to_string()),
            secret: secret_of(&service.spec, &self.0.environment),
        });
        all.insert(service.name.clone(), Arc::clone(&prepared));
        prepared
    }

    /// Sends a body to the target of a permit and waits for the head of the answer. Dropping the future cancels the call.
    ///
    /// # Errors
    /// When the service cannot be used or does not answer.
    pub(crate) async fn send(
        &self,
        permit: &Permit,
        outgoing: Outgoing,
        trace: Trace,
    ) -> Result<UpstreamResponse, Refusal> {
        let prepared = self.prepared(&permit.0.service);
        let unavailable = |why: String| Refusal::new(RefusalCode::UpstreamUnavailable, why);
        let endpoint = prepared.endpoint.as_ref().map_err(|error| unavailable(error.clone()))?;
        let spec = &permit.0.service.spec;
        let headers = headers_of(spec, prepared.secret.as_ref());
        let mut headers = headers.map_err(|error| unavailable(error.to_string()))?;
        if let Some(version) = outgoing.version.filter(|_| spec.protocol == Protocol::Anthropic) {
            headers.push((anthropic::VERSION_HEADER, HeaderValue::from_static(version)));
        }
        if let Some(beta) = outgoing.beta.filter(|_| spec.protocol == Protocol::Anthropic) {
            let value = HeaderValue::try_from(beta).map_err(|error| unavailable(error.to_string()))?;
            headers.push((anthropic::BETA_HEADER, value));
        }
        let path = match &spec.azure {
            None => Cow::Borrowed(outgoing.path),
            Some(azure) => {
                Cow::Owned(deployment(permit.upstream_model(), outgoing.path, &azure.api_version)?)
            }
        };
        let request = UpstreamRequest {
            method: http::Method::POST,
            path: &path,
            body: outgoing.body.into(),
            accept: outgoing.accept,
            headers,
            trace,
        };
        self.0.client.send(endpoint, request).await.map_err(|error| refusal_of(&error))
    }
}

/// Where the key of a service lies, in the form of its header.
pub fn secret_of(spec: &ServiceSpec, environment: &Environment) -> Option<SecretSource> {
    let scheme = if key_header(spec) == AUTHORIZATION { Scheme::Bearer } else { Scheme::Plain };
    spec.secret.clone().map(|reference| SecretSource::new(reference, environment.clone()).with(scheme))
}

/// The headers that every request to a service has: its key, and the version of its API.
///
/// # Errors
/// When there is no usable key.
pub fn headers_of(
    spec: &ServiceSpec,
    secret: Option<&SecretSource>,
) -> Result<Vec<(HeaderName, HeaderValue)>, SecretError> {
    let mut headers = Vec::with_capacity(3);
    if let Some(secret) = secret {
        headers.push((key_header(spec), secret.header()?));
    }
    if spec.protocol == Protocol::Anthropic {
        headers.push((anthropic::VERSION_HEADER, HeaderValue::from_static(anthropic::VERSION)));
    }
    Ok(headers)
}

/// The header in which a service expects its key.
fn key_header(spec: &ServiceSpec) -> HeaderName {
    match (spec.protocol, &spec.azure) {
        (Protocol::Anthropic, _) => X_API_KEY,
        (Protocol::Openai, Some(_)) => API_KEY,
        (Protocol::Openai, None) => AUTHORIZATION,
    }
}

/// The path of a deployment of Azure's, below the base URL.
fn deployment(name: &str, path: &str, version: &str) -> Result<String, Refusal> {
    // The name is a part of the path: nothing in it may end that part.
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if name.bytes().all(plain) && !matches!(name, "." | "..") {
        return Ok(format!("/deployments/{name}{path}?api-version={version}"));
    }
    Err(Refusal::new(
        RefusalCode::UpstreamUnavailable,
        "the model's upstream name is no name of a deployment",
    ))
}

/// What a failed upstream call is to the caller.
pub fn refusal_of(error: &UpstreamError) -> Refusal {
    Refusal::new(error.code(), error.to_string())
}

#[cfg(test)]
mod tests {
    use cordon_core::{
        Fact, State, Timestamp,
        containment::Subject,
        fact::{Actor, Body},
        resource::{Kind, Resource},
    };

    use super::*;

    #[test]
    fn targets_are_chosen_by_weight() {
        let mut state = State::new();
        let mut set = |kind: Kind, name: &str, spec: serde_json::Value| {
            let resource = Resource { name: Name::parse(name).unwrap(), spec: kind.read(spec).unwrap() };
            let body = Body::ResourceSet(resource);
            state.apply(&Fact { time: Timestamp::from_millis(0), actor: Actor::Local, body });
        };
        let service = serde_json::json!({"protocol": "openai", "base_url": "https://a.example/v1"});
        set(Kind::Service, "s", service);
        for model in ["a", "b", "c"] {
            set(Kind::Model, model, serde_json::json!({"service": "s", "upstream_name": model}));
        }
        let targets =
            serde_json::json!([{"model": "a", "weight": 3}, {"model": "b", "weight": 0}, {"model": "c"}]);
        set(Kind::Route, "r", serde_json::json!({"team": "t", "targets": targets}));
        let snapshot = Snapshot::compile(&state);
        let route = snapshot.route("r").unwrap();
        let chosen: String =
            (0..8).map(|draw| permit(route, &snapshot, draw).unwrap().upstream_model().to_owned()).collect();
        assert_eq!(chosen, "aaacaaac");
        let subject = |text: &str| Subject::parse(text).unwrap();
        let without = snapshot.without(subject("model/a"));
        for draw in 0..8 {
            assert_eq!(
                permit(route, &without, draw).unwrap().upstream_model(),
                "c",
                "only the other one is left"
            );
        }
        // A target without a weight does not step in.
        for out in [without.without(subject("model/c")), snapshot.without(subject("service/s"))] {
            assert_eq!(permit(route, &out, 1).err().unwrap().code, RefusalCode::Quarantined);
        }
    }
}
