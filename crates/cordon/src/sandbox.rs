//! The sandbox: an upstream that speaks OpenAI's and Anthropic's protocols, and that is gullible on purpose, for demos, tests and red-team runs.
//!
//! It is no model. It does what any text tells it to: it follows injected orders in documents and tool results,
//! reveals its system prompt (in base64, reversed, translated, as told), decodes hidden orders and obeys them, puts
//! secrets into markdown images, calls tools with an attacker's arguments, and repeats back what it should not.
//! Otherwise it answers kindly and repeats a part of the question. The same request gets the same answer.
//!
//! It says everywhere what it is: models are named `sandbox-…`, every response carries the header `cordon-sandbox`,
//! every completion the fingerprint `sandbox`. No route falls back to it.
//!
//! `POST /v1/chat/completions`, `POST /v1/embeddings`, `POST /v1/messages`, `POST /v1/messages/count_tokens`,
//! `POST /v1/responses`, `POST /v2/models/NAME/infer`, `POST /invocations`, `/v1/files`, `GET /v1/models`, `GET /v2/models/NAME`,
//! `GET /healthz`. How to make it misbehave: a model's name
//! (`sandbox-slow-500+pace-20`), the request header `cordon-sandbox: cut`, or `metadata: {"cordon_sandbox": "endless"}`;
//! words are joined by `+`:
//!
//! | word | effect |
//! |---|---|
//! | `slow-MS` | nothing before so many milliseconds |
//! | `pace-N` | a stream of N tokens a second |
//! | `long-N` | an answer of about N tokens |
//! | `error-STATUS`, `broken` | an error (429 with `retry-after`), `broken` is 500 |
//! | `garbage`, `wrong-json`, `empty` | bytes that are no text, JSON of another form, nothing |
//! | `truncated` | the content stops in the middle, HTTP ends in order |
//! | `closed` | the connection breaks in the middle |
//! | `cut` | a stream ends without a finish reason and without `[DONE]` |
//! | `stall` | it begins, then says nothing more |
//! | `endless` | it never ends |
//! | `huge-line-N` | one line of N bytes |
//! | `split-utf8`, `split-frames` | chunks that cut characters, or events, apart |

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use cordon_core::Digest;
use cordon_core::json::{Limits, Object, Value};
use http::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use behaviour::{Behaviour, Fault, MODELS};
use body::{Answering, Running};
use conversation::{Conversation, Invalid, seed_of};
use embeddings::Embeddings;
use files::{Files, Said};
use messages::{CountTokens, Messages};
use play::Play;
use predictions::{Infer, Invocations};
use responses::Responses;

mod answer;
mod assistant;
mod behaviour;
mod body;
mod coding;
mod conversation;
mod embeddings;
mod files;
mod messages;
mod orders;
mod play;
mod predictions;
mod recall;
mod responses;
mod schema;
#[cfg(test)]
mod tests;

/// What a sandbox allows itself.
#[derive(Clone, Debug)]
pub struct Options {
    /// The key that callers must send as a bearer token; without one everybody is served.
    pub api_key: Option<String>,
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Connections at the same time; more wait to be accepted.
    pub connections: usize,
    /// After this an answer breaks off, an endless one too.
    pub longest_answer: Duration,
    /// What is still running this long after the shutdown is cut off.
    pub drain: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            api_key: None,
            body_bytes: 8 << 20,
            connections: 1024,
            longest_answer: Duration::from_secs(600),
            drain: Duration::from_secs(2),
        }
    }
}

/// A caller sends its headers within this time, and its body within this time.
const PATIENCE: Duration = Duration::from_secs(30);
/// Anthropic's paths.
const MESSAGES: &str = "/v1/messages";
const COUNT: &str = "/v1/messages/count_tokens";
/// Where files are kept.
const FILES: &str = "/v1/files";
/// The paths that requests are posted to.
const POSTED: [&str; 6] =
    ["/v1/chat/completions", "/v1/embeddings", "/invocations", MESSAGES, COUNT, "/v1/responses"];
/// The header, of requests and of responses.
const HEADER: &str = "cordon-sandbox";

/// Serves until `shutdown` is done, then lets running answers end, for no longer than [`Options::drain`].
/// Dropping it ends everything at once.
pub async fn serve(listener: TcpListener, options: Options, shutdown: impl Future<Output = ()>) {
    run(listener, Arc::new(Sandbox::new(options)), shutdown).await;
}

async fn run(listener: TcpListener, sandbox: Arc<Sandbox>, shutdown: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(sandbox.options.connections));
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accept = async {
            let place = Arc::clone(&room).acquire_owned().await;
            (listener.accept().await, place)
        };
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            accepted = accept => match accepted {
                (Ok((stream, _)), Ok(place)) => {
                    let (sandbox, watcher) = (Arc::clone(&sandbox), graceful.watcher());
                    connections.spawn(async move {
                        converse(stream, sandbox, watcher).await;
                        drop(place);
                    });
                }
                // Out of descriptors, most likely: others have to end first.
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            },
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(sandbox.options.drain, graceful.shutdown()).await;
    connections.shutdown().await;
}

async fn converse(stream: TcpStream, sandbox: Arc<Sandbox>, watcher: hyper_util::server::graceful::Watcher) {
    // A stream's events leave when they are made.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let sandbox = Arc::clone(&sandbox);
        async move { Ok::<_, Infallible>(sandbox.respond(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service);
    // A peer that goes away, or a body that was told to break, is no event here.
    let _ = watcher.watch(connection).await;
}

#[derive(Debug)]
struct Sandbox {
    options: Options,
    requests: AtomicU64,
    running: watch::Sender<usize>,
    files: Files,
}

/// A request to one of the endpoints that answer by a model.
trait Asking: Sized {
    /// Reads it from its JSON; the seed is of the whole request.
    fn read(body: &Value, seed: u64) -> Result<Self, Invalid>;
    fn model(&self) -> &str;
    /// How the request itself tells the sandbox to misbehave.
    fn behaviour(&self) -> Option<&str>;
    fn streams(&self) -> bool;
    /// The answer.
    fn play(&self, behaviour: &Behaviour) -> Play;
}

/// A response that is an error.
struct Refused {
    status: StatusCode,
    kind: &'static str,
    code: Option<&'static str>,
    param: Option<&'static str>,
    message: String,
}

impl Sandbox {
    fn new(options: Options) -> Self {
        Self { options, requests: AtomicU64::new(0), running: watch::Sender::new(0), files: Files::default() }
    }

    async fn respond(&self, request: Request<Incoming>) -> Response<Answering> {
        let running = Running::new(&self.running);
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let anthropic = request.uri().path().starts_with(MESSAGES);
        let mut response = match self.route(request, running).await {
            Ok(response) => response,
            Err((refused, running)) => refused.response(anthropic, running),
        };
        let headers = response.headers_mut();
        headers.insert(HEADER, HeaderValue::from_static("gullible"));
        if let Ok(id) = HeaderValue::try_from(format!("req_sandbox_{number:016x}")) {
            headers.insert("x-request-id", id);
        }
        response
    }

    async fn route(
        &self,
        request: Request<Incoming>,
        running: Running,
    ) -> Result<Response<Answering>, (Refused, Running)> {
        let path = request.uri().path().to_owned();
        if let Some(below) =
            path.strip_prefix(FILES).filter(|below| below.is_empty() || below.starts_with('/'))
        {
            return match self.keep(request, below).await {
                Ok(Said::Json(value)) => Ok(json(StatusCode::OK, &value, running)),
                Ok(Said::Bytes(bytes)) => Ok(Response::new(Answering::whole(bytes, running))),
                Err(refused) => Err((refused, running)),
            };
        }
        let is_predicted = path.starts_with("/v2/");
        let is_posted = POSTED.contains(&path.as_str()) || is_predicted && path.ends_with("/infer");
        let wanted = if is_posted { Method::POST } else { Method::GET };
        let is_known = is_posted || is_predicted || matches!(path.as_str(), "/healthz" | "/v1/models");
        let result = match path.as_str() {
            _ if is_known && *request.method() != wanted => Err(refused_method(&wanted)),
            "/healthz" => Ok(self.health()),
            "/v1/models" => self.authorised(request.headers()).map(|()| models()),
            "/v1/chat/completions" => return self.answer::<Conversation>(request, running).await,
            "/v1/embeddings" => return self.answer::<Embeddings>(request, running).await,
            MESSAGES => return self.answer::<Messages>(request, running).await,
            COUNT => return self.answer::<CountTokens>(request, running).await,
            "/v1/responses" => return self.answer::<Responses>(request, running).await,
            "/invocations" => return self.answer::<Invocations>(request, running).await,
            path if path.starts_with("/v2/") && wanted == Method::POST => {
                return self.answer::<Infer>(request, running).await;
            }
            path if path.starts_with("/v2/") => self
                .authorised(request.headers())
                .and_then(|()| predictions::about(path).ok_or_else(unknown_model)),
            path => match path.strip_prefix("/v1/models/") {
                Some(name) => self.authorised(request.headers()).and_then(|()| model(name)),
                None => Err(refused(
                    StatusCode::NOT_FOUND,
                    "unknown_url",
                    "unknown path; help: the sandbox serves /v1/chat/completions, /v1/embeddings, /v1/messages, /v1/responses, /v2/models/NAME/infer, /invocations and /v1/models",
                )),
            },
        };
        match result {
            Ok(value) => Ok(json(StatusCode::OK, &value, running)),
            Err(refused) => Err((refused, running)),
        }
    }

    fn health(&self) -> Value {
        let running = u64::try_from(*self.running.borrow()).unwrap_or(u64::MAX);
        object([("status", "ok".into()), ("sandbox", true.into()), ("running", running.into())]).into()
    }

    fn authorised(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let Some(expected) = &self.options.api_key else { return Ok(()) };
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let sent = text(AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        let sent = sent.or_else(|| text(HeaderName::from_static("x-api-key")));
        let digest = |key: &str| Digest::sha256(key.trim().as_bytes());
        if sent.is_some_and(|sent| digest(sent).equals_in_constant_time(&digest(expected))) {
            return Ok(());
        }
        Err(refused(StatusCode::UNAUTHORIZED, "invalid_api_key", "incorrect API key provided"))
    }

    async fn answer<A: Asking>(
        &self,
        request: Request<Incoming>,
        running: Running,
    ) -> Result<Response<Answering>, (Refused, Running)> {
        let (asked, behaviour) = match self.read::<A>(request).await {
            Ok(read) => read,
            Err(refused) => return Err((refused, running)),
        };
        if !behaviour.slow.is_zero() {
            tokio::time::sleep(behaviour.slow.min(self.options.longest_answer)).await;
        }
        if let Some(Fault::Error(status)) = behaviour.fault {
            return Err((told_to_fail(status), running));
        }
        let play = asked.play(&behaviour);
        let mut response = Response::new(Answering::steps(play.steps, self.options.longest_answer, running));
        let headers = response.headers_mut();
        if asked.streams() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        } else {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(length) = play.declared {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        Ok(response)
    }

    /// Answers what is asked of files.
    async fn keep(&self, request: Request<Incoming>, below: &str) -> Result<Said, Refused> {
        self.authorised(request.headers())?;
        let (head, body) = request.into_parts();
        let body = self.body(body).await?;
        self.files.answer(&head.method, below, &head.headers, &body)
    }

    async fn body(&self, body: Incoming) -> Result<Bytes, Refused> {
        let bad = |message: &str| refused(StatusCode::BAD_REQUEST, "", message);
        let body = Limited::new(body, self.options.body_bytes).collect();
        match tokio::time::timeout(PATIENCE, body).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                Err(refused(StatusCode::PAYLOAD_TOO_LARGE, "", "the body is larger than allowed"))
            }
            Ok(Err(_)) => Err(bad("the body could not be read")),
            Err(_) => Err(refused(StatusCode::REQUEST_TIMEOUT, "", "the body did not arrive in time")),
        }
    }

    async fn read<A: Asking>(&self, request: Request<Incoming>) -> Result<(A, Behaviour), Refused> {
        self.authorised(request.headers())?;
        let bad = |message: &str| refused(StatusCode::BAD_REQUEST, "", message);
        if request.headers().get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
            return Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "", "content codings are not supported"));
        }
        let told = match request.headers().get(HEADER) {
            None => None,
            Some(told) => {
                Some(told.to_str().map_err(|_| bad("the header `cordon-sandbox` must be ASCII"))?.to_owned())
            }
        };
        let named = predictions::named(request.uri().path()).map(str::to_owned);
        let body = self.body(request.into_body()).await?;
        let limits = Limits { bytes: self.options.body_bytes, ..Limits::default() };
        let tree = Value::parse(&body, limits)
            .map_err(|error| bad(&format!("the body is not valid JSON: {error}")))?;
        let asked = A::read(&tree, seed_of(&body)).map_err(Refused::from)?;
        let name = named.as_deref().unwrap_or(asked.model());
        let behaviour = Behaviour::of_model(name).ok_or_else(unknown_model)?;
        let mut words = told.as_deref().into_iter().chain(asked.behaviour());
        let behaviour = words.try_fold(behaviour, Behaviour::and);
        let behaviour = behaviour
            .ok_or_else(|| bad("unknown behaviour; help: words such as slow-500+pace-20, cut or endless"))?;
        Ok((asked, behaviour))
    }
}

impl From<Invalid> for Refused {
    fn from(invalid: Invalid) -> Self {
        Self { param: invalid.param, ..refused(StatusCode::BAD_REQUEST, "", &invalid.message) }
    }
}

impl Refused {
    fn response(self, anthropic: bool, running: Running) -> Response<Answering> {
        let text = |text: Option<&'static str>| text.map_or(Value::Null, Value::from);
        let error = object([
            ("message", self.message.into()),
            ("type", self.kind.into()),
            ("param", text(self.param)),
            ("code", text(self.code)),
        ]);
        let mut body = object([("error", error.into())]);
        if anthropic {
            body.insert("type", "error");
        }
        let mut response = json(self.status, &body.into(), running);
        match self.status {
            StatusCode::TOO_MANY_REQUESTS => {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            StatusCode::METHOD_NOT_ALLOWED => {
                let allowed = if self.code == Some("use_post") { "POST" } else { "GET" };
                response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
            }
            _ => {}
        }
        response
    }
}

fn refused(status: StatusCode, code: &'static str, message: &str) -> Refused {
    let kind = match status.as_u16() {
        429 => "rate_limit_error",
        500.. => "server_error",
        _ => "invalid_request_error",
    };
    Refused {
        status,
        kind,
        code: Some(code).filter(|code| !code.is_empty()),
        param: None,
        message: message.to_owned(),
    }
}

fn refused_method(wanted: &Method) -> Refused {
    let code = if *wanted == Method::POST { "use_post" } else { "use_get" };
    refused(StatusCode::METHOD_NOT_ALLOWED, code, "this path does not serve that method")
}

fn unknown_model() -> Refused {
    let message = "the model does not exist; help: GET /v1/models lists those of the sandbox";
    Refused { param: Some("model"), ..refused(StatusCode::NOT_FOUND, "model_not_found", message) }
}

fn told_to_fail(status: u16) -> Refused {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let code = if status == StatusCode::TOO_MANY_REQUESTS { "rate_limit_exceeded" } else { "sandbox_fault" };
    refused(status, code, "the sandbox was told to answer with this error")
}

fn models() -> Value {
    let data: Vec<Value> = MODELS.iter().map(|name| model_object(name)).collect();
    object([("object", "list".into()), ("data", data.into())]).into()
}

fn model(name: &str) -> Result<Value, Refused> {
    Behaviour::of_model(name).map(|_| model_object(name)).ok_or_else(unknown_model)
}

fn model_object(name: &str) -> Value {
    object([
        ("id", name.into()),
        ("object", "model".into()),
        ("created", 1_767_225_600_u64.into()),
        ("owned_by", "cordon-sandbox".into()),
    ])
    .into()
}

fn json(status: StatusCode, value: &Value, running: Running) -> Response<Answering> {
    let mut response = Response::new(Answering::whole(value.to_vec(), running));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn object<const N: usize>(members: [(&'static str, Value); N]) -> Object {
    members.into_iter().collect()
}
