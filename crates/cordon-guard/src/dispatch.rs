//! From a cleared call to an upstream: which target, by which permit, with which of the gateway's own secrets.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use cordon_core::{
    Name, Refusal, RefusalCode, Timestamp,
    containment::Subject,
    record::{AttemptOutcome, Opened},
    resource::{ModelSpec, Price, Protocol, ServiceSpec},
};
use http::{HeaderName, HeaderValue, header::AUTHORIZATION};

use cordon_policy::{ServiceEntry, Snapshot};

use crate::anthropic;
use crate::limits::Spent;
use crate::operation::Outgoing;
use crate::upstream::{
    Client, Endpoint, Environment, Scheme, SecretError, SecretSource, Stage, Trace, UpstreamError,
    UpstreamRequest, UpstreamResponse,
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

/// The right to send one call to one target. Made by [`permit`] alone, for each attempt anew.
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

/// Why there is no permit for a target.
pub enum Denied {
    /// The model or its service does not exist.
    Missing,
    /// It is out of use.
    Quarantined {
        /// What is.
        subject: Subject,
        /// Where it would have gone, for the record: only a [`Permit`] sends.
        target: Box<Target>,
    },
}

/// The right to send one call to this model, if it exists and is not out of use.
///
/// # Errors
/// When it is not so.
pub fn permit(model: &Name, snapshot: &Snapshot) -> Result<Permit, Denied> {
    let spec = snapshot.model(model).ok_or(Denied::Missing)?;
    let service = snapshot.service(&spec.service).ok_or(Denied::Missing)?;
    let target = Target { model: model.clone(), spec: Arc::clone(spec), service: Arc::clone(service) };
    match snapshot.quarantined().target(model, &spec.service) {
        Some(subject) => Err(Denied::Quarantined { subject, target: Box::new(target) }),
        None => Ok(Permit(target)),
    }
}

/// An attempt that came to no answer.
#[derive(Debug)]
pub struct SendError {
    /// What the caller is told, if no other attempt succeeds.
    pub refusal: Refusal,
    outcome: AttemptOutcome,
    trouble: Trouble,
}

/// Whose trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// Cordon's: a secret that is not there, too many connections.
    Ours,
    /// The target's, and it may pass: nothing was sent.
    Passing,
    /// The target's.
    Theirs,
}

impl SendError {
    fn ours(why: String) -> Self {
        Self::of_refusal(Refusal::new(RefusalCode::UpstreamUnavailable, why))
    }

    /// A request that cannot be sent to this target as it is; to another it may.
    pub(crate) const fn of_refusal(refusal: Refusal) -> Self {
        Self { refusal, outcome: AttemptOutcome::Unready, trouble: Trouble::Ours }
    }

    fn of(error: &UpstreamError) -> Self {
        let trouble = match error {
            UpstreamError::Busy { .. } | UpstreamError::ClientCertificate { .. } => Trouble::Ours,
            UpstreamError::Connect { .. }
            | UpstreamError::Dns { .. }
            | UpstreamError::Closed { unsent: true, .. }
            | UpstreamError::Timeout { stage: Stage::Connect, .. } => Trouble::Passing,
            _ => Trouble::Theirs,
        };
        let outcome = match error {
            _ if trouble == Trouble::Ours => AttemptOutcome::Unready,
            _ if error.is_unsent() => AttemptOutcome::Unsent,
            UpstreamError::Timeout { .. } => AttemptOutcome::Timeout,
            _ => AttemptOutcome::Broken,
        };
        Self { refusal: refusal_of(error), outcome, trouble }
    }

    /// What the record calls it.
    pub(crate) const fn outcome(&self) -> AttemptOutcome {
        self.outcome
    }

    /// What the target used: where it may have seen the request, it may have done the work.
    pub(crate) const fn spent(&self) -> Spent {
        match self.outcome {
            AttemptOutcome::Broken | AttemptOutcome::Timeout => Spent::Unknown,
            _ => Spent::Nothing,
        }
    }

    /// Whether it says nothing of the target.
    pub(crate) fn is_ours(&self) -> bool {
        self.trouble == Trouble::Ours
    }

    /// Whether the same target may be asked again: it has not seen the request, and may be reached in a while.
    pub(crate) fn may_pass(&self) -> bool {
        self.trouble == Trouble::Passing
    }
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

    /// Where secrets named `env:` are read from.
    pub(crate) fn environment(&self) -> &Environment {
        &self.0.environment
    }

    /// Forgets what was prepared for services that a Snapshot does not have: their secrets too.
    pub(crate) fn keep(&self, snapshot: &Snapshot) {
        let mut all = self.0.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|name, _| snapshot.service(name).is_some());
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
            endpoint: Endpoint::of(&service.spec, &self.0.environment).map_err(|error| error.to_string()),
            secret: secret_of(&service.spec, &self.0.environment),
        });
        all.insert(service.name.clone(), Arc::clone(&prepared));
        prepared
    }

    /// How long the target of a permit may take for a whole answer; nothing where it cannot be asked at all.
    pub(crate) fn total(&self, permit: &Permit) -> Option<Duration> {
        let prepared = self.prepared(&permit.0.service);
        prepared.endpoint.as_ref().ok().map(|endpoint| endpoint.timeouts().total)
    }

    /// Sends a body to the target of a permit and waits for the head of the answer; `within` is what is left of the call's
    /// time. Dropping the future cancels the call.
    ///
    /// # Errors
    /// When the service cannot be used or does not answer.
    pub(crate) async fn send(
        &self,
        permit: &Permit,
        outgoing: Outgoing,
        trace: Trace,
        within: Option<Duration>,
    ) -> Result<UpstreamResponse, SendError> {
        let spec = &permit.0.service.spec;
        let mut headers = Vec::new();
        if let Some(version) = outgoing.version.filter(|_| spec.protocol == Protocol::Anthropic) {
            headers.push((anthropic::VERSION_HEADER, HeaderValue::from_static(version)));
        }
        if let Some(beta) = outgoing.beta.filter(|_| spec.protocol == Protocol::Anthropic) {
            let value = HeaderValue::try_from(beta).map_err(|error| SendError::ours(error.to_string()))?;
            headers.push((anthropic::BETA_HEADER, value));
        }
        let path = match &spec.azure {
            None => outgoing.path,
            Some(azure) => {
                let path = deployment(permit.upstream_model(), &outgoing.path, &azure.api_version);
                Cow::Owned(path.map_err(SendError::of_refusal)?)
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
        self.sent(permit, request, within).await
    }

    /// Asks the service of a permit about what it keeps, which no model answers. `path` is below the base URL, with its query.
    ///
    /// # Errors
    /// As [`Upstreams::send`].
    pub(crate) async fn keep_or_give(
        &self,
        permit: &Permit,
        mut request: UpstreamRequest<'_>,
        within: Option<Duration>,
    ) -> Result<UpstreamResponse, SendError> {
        let path = match &permit.0.service.spec.azure {
            None => Cow::Borrowed(request.path),
            Some(azure) => {
                let joint = if request.path.contains('?') { '&' } else { '?' };
                Cow::Owned(format!("{}{joint}api-version={}", request.path, azure.api_version))
            }
        };
        request.path = &path;
        self.sent(permit, request, within).await
    }

    /// Sends a request, with what every request to its service has.
    async fn sent(
        &self,
        permit: &Permit,
        mut request: UpstreamRequest<'_>,
        within: Option<Duration>,
    ) -> Result<UpstreamResponse, SendError> {
        let prepared = self.prepared(&permit.0.service);
        let endpoint = prepared.endpoint.as_ref().map_err(|error| SendError::ours(error.clone()))?;
        let headers = headers_of(&permit.0.service.spec, prepared.secret.as_ref());
        let mut headers = headers.map_err(|error| SendError::ours(error.to_string()))?;
        // Behind those of the service: of two of one name, the last one counts.
        headers.append(&mut request.headers);
        request.headers = headers;
        self.0.client.send_within(endpoint, request, within).await.map_err(|error| SendError::of(&error))
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

/// The path of responses.
pub(crate) const RESPONSES: &str = "/responses";

/// The header in which a service expects its key.
fn key_header(spec: &ServiceSpec) -> HeaderName {
    match (spec.protocol, &spec.azure) {
        (Protocol::Anthropic, _) => X_API_KEY,
        (Protocol::Openai, Some(_)) => API_KEY,
        (Protocol::Openai | Protocol::OpenInference | Protocol::Mlflow, _) => AUTHORIZATION,
    }
}

/// The path of a deployment of Azure's, below the base URL. Responses have one path for all, and name the deployment as the model.
fn deployment(name: &str, path: &str, version: &str) -> Result<String, Refusal> {
    if path == RESPONSES {
        return Ok(format!("{path}?api-version={version}"));
    }
    Ok(format!("/deployments/{}{path}?api-version={version}", path_part(name)?))
}

/// The name of a model as a part of a path: nothing in it may end that part.
///
/// # Errors
/// When something in it would.
pub(crate) fn path_part(name: &str) -> Result<&str, Refusal> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if name.bytes().all(plain) && !matches!(name, "" | "." | "..") {
        return Ok(name);
    }
    Err(Refusal::new(
        RefusalCode::UpstreamUnavailable,
        "the model's upstream name cannot be a part of a path",
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
        fact::{Actor, Body},
        resource::{Kind, Resource},
    };

    use super::*;

    #[test]
    fn a_deployment_is_named_in_the_path_or_by_the_body() {
        let path = |name, path| deployment(name, path, "2024-10-21").ok();
        let chat = "/deployments/gpt-4o/chat/completions?api-version=2024-10-21";
        assert_eq!(path("gpt-4o", "/chat/completions").as_deref(), Some(chat));
        assert_eq!(path("gpt-4o", RESPONSES).as_deref(), Some("/responses?api-version=2024-10-21"));
        assert_eq!((path("a/b", "/chat/completions"), path("..", "/embeddings")), (None, None));
    }

    #[test]
    fn there_is_a_permit_for_what_exists_and_is_in_use() {
        let mut state = State::new();
        let mut set = |kind: Kind, name: &str, spec: serde_json::Value| {
            let resource = Resource { name: Name::parse(name).unwrap(), spec: kind.read(spec).unwrap() };
            let body = Body::ResourceSet(resource);
            state.apply(&Fact { time: Timestamp::from_millis(0), actor: Actor::Local, body });
        };
        let service = serde_json::json!({"protocol": "openai", "base_url": "https://a.example/v1"});
        set(Kind::Service, "s", service);
        set(Kind::Model, "a", serde_json::json!({"service": "s", "upstream_name": "upstream-a"}));
        let snapshot = Snapshot::compile(&state);
        let name = |text: &str| Name::parse(text).unwrap();
        assert_eq!(permit(&name("a"), &snapshot).ok().unwrap().upstream_model(), "upstream-a");
        assert!(matches!(permit(&name("b"), &snapshot), Err(Denied::Missing)));
        for text in ["model/a", "service/s"] {
            let out = Subject::parse(text).unwrap();
            match permit(&name("a"), &snapshot.without(out.clone())) {
                Err(Denied::Quarantined { subject, target }) => {
                    assert_eq!((subject, target.model.as_str()), (out, "a"));
                }
                _ => panic!("{text} is out"),
            }
        }
    }
}
