//! What is sent: every header from a short list, nothing of the caller's but its trace.

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION,
    USER_AGENT,
};
use http::{Method, Request, Uri};
use http_body_util::Full;

use super::endpoint::{Endpoint, Scheme};
use super::proxy::Way;
use crate::trace::{TRACEPARENT, TRACESTATE};

/// What the caller wants the answer to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// One JSON document.
    Json,
    /// An event stream.
    EventStream,
    /// The bytes of a file, whatever they are.
    File,
}

/// One request to a service.
#[derive(Clone, Debug)]
pub struct UpstreamRequest<'a> {
    /// `POST` with a body; `GET` or `DELETE` without.
    pub method: Method,
    /// The operation below the base URL, such as `/chat/completions`. Never from the caller.
    pub path: &'a str,
    /// The body, written anew from what was inspected. JSON, where the headers do not say otherwise.
    pub body: Bytes,
    /// What the answer should be.
    pub accept: Accept,
    /// What the service's protocol has beside: its own credential, as [`SecretSource::header`](super::SecretSource::header)
    /// gives it, and the version of its API. Never from the caller but for names that were checked.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The trace that the call belongs to.
    pub trace: Trace,
}

/// `Authorization` with this value, where there is one.
pub fn authorization(value: Option<HeaderValue>) -> Vec<(HeaderName, HeaderValue)> {
    value.map(|value| (http::header::AUTHORIZATION, value)).into_iter().collect()
}

/// What a service is told of the trace that a call belongs to; [`CallTrace::onward`](crate::trace::CallTrace::onward)
/// makes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    parent: Option<HeaderValue>,
    state: Option<HeaderValue>,
}

impl Trace {
    pub(crate) const fn new(parent: Option<HeaderValue>, state: Option<HeaderValue>) -> Self {
        Self { parent, state }
    }

    /// `traceparent` and `tracestate`.
    pub(crate) fn headers(self) -> [Option<HeaderValue>; 2] {
        [self.parent, self.state]
    }
}

/// A request as it is written to a connection.
pub(super) type Message = Request<Full<Bytes>>;

/// Writes the request for this way. `None` when the path is none.
///
/// INVARIANT: this is the only place that makes headers for the upstream of a call.
pub(super) fn message(endpoint: &Endpoint, way: &Way, request: UpstreamRequest<'_>) -> Option<Message> {
    let UpstreamRequest { method, path, body, accept, headers: own, trace } = request;
    let uri = uri(endpoint, way, path)?;
    let mut headers = HeaderMap::with_capacity(12);
    headers.insert(HOST, endpoint.authority().clone());
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("cordon/", env!("CARGO_PKG_VERSION"))));
    headers.insert(
        ACCEPT,
        HeaderValue::from_static(match accept {
            Accept::Json => "application/json",
            Accept::EventStream => "text/event-stream",
            Accept::File => "*/*",
        }),
    );
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if method == Method::POST {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    for (name, value) in own {
        headers.insert(name, value);
    }
    for (name, value) in [TRACEPARENT, TRACESTATE].into_iter().zip(trace.headers()) {
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
    if let Way::Forward(proxy) = way
        && let Some(value) = &proxy.authorization
    {
        headers.insert(PROXY_AUTHORIZATION, value.clone());
    }
    let mut message = Request::new(Full::new(body));
    *message.method_mut() = method;
    *message.uri_mut() = uri;
    *message.headers_mut() = headers;
    Some(message)
}

/// Writes a request of Cordon's own for this way: its headers, and `Host`. `None` when it has no path.
pub(super) fn own(endpoint: &Endpoint, way: &Way, request: Request<Bytes>) -> Option<Message> {
    let (mut head, body) = request.into_parts();
    head.uri = uri(endpoint, way, head.uri.path_and_query()?.as_str())?;
    head.headers.insert(HOST, endpoint.authority().clone());
    if let Way::Forward(proxy) = way
        && let Some(value) = &proxy.authorization
    {
        head.headers.insert(PROXY_AUTHORIZATION, value.clone());
    }
    Some(Request::from_parts(head, Full::new(body)))
}

/// Origin form, or absolute form for a proxy that forwards (RFC 9112, section 3.2).
fn uri(endpoint: &Endpoint, way: &Way, path: &str) -> Option<Uri> {
    let key = endpoint.key();
    let whole = match way {
        Way::Forward(_) => {
            let scheme = match key.scheme {
                Scheme::Http => "http",
                Scheme::Https => "https",
            };
            format!("{scheme}://{}{}{path}", endpoint.authority().to_str().ok()?, endpoint.prefix())
        }
        Way::Direct | Way::Tunnel(_) => [endpoint.prefix(), path].concat(),
    };
    Uri::from_maybe_shared(Bytes::from(whole)).ok()
}
