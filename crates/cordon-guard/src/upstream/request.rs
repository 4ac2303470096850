//! What is sent: every header from a short list, nothing of the caller's but its trace.

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHORIZATION, USER_AGENT,
};
use http::{Method, Request, Uri};
use http_body_util::Full;

use super::endpoint::{Endpoint, Scheme};
use super::proxy::Way;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Bytes of a `tracestate` that are passed on (W3C Trace Context, section 3.3.1.5, asks for at least 512).
const MAX_TRACESTATE: usize = 512;

/// What the caller wants the answer to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// One JSON document.
    Json,
    /// An event stream.
    EventStream,
}

/// One request to a service.
#[derive(Clone, Debug)]
pub struct UpstreamRequest<'a> {
    /// `POST` with a body, or `GET` without.
    pub method: Method,
    /// The operation below the base URL, such as `/chat/completions`. Never from the caller.
    pub path: &'a str,
    /// The body, written anew from what was inspected. JSON.
    pub body: Bytes,
    /// What the answer should be.
    pub accept: Accept,
    /// The service's own credential, as [`SecretSource::bearer`](super::SecretSource::bearer) gives it.
    pub authorization: Option<HeaderValue>,
    /// The trace that the call belongs to.
    pub trace: Trace,
}

/// The W3C trace context of a call (<https://www.w3.org/TR/trace-context/>).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    parent: Option<HeaderValue>,
    state: Option<HeaderValue>,
}

impl Trace {
    /// The trace that a caller's headers name; empty when they are malformed or given twice.
    pub fn of(headers: &HeaderMap) -> Self {
        let Some(parent) = single(headers, &TRACEPARENT).filter(|value| is_traceparent(value.as_bytes()))
        else {
            return Self::default();
        };
        let state = single(headers, &TRACESTATE).filter(|value| {
            let bytes = value.as_bytes();
            bytes.len() <= MAX_TRACESTATE && bytes.iter().all(|b| matches!(b, b' '..=b'~'))
        });
        Self { parent: Some(parent.clone()), state: state.cloned() }
    }

    /// The trace id, 32 hexadecimal digits, for the record.
    pub fn id(&self) -> Option<&str> {
        self.parent.as_ref()?.to_str().ok()?.get(3..35)
    }
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// `version-traceid-parentid-flags` of version 00, ids not all zero.
fn is_traceparent(bytes: &[u8]) -> bool {
    let mut parts = bytes.split(|b| *b == b'-');
    let mut hex = |length: usize| {
        parts.next().filter(|part| {
            part.len() == length && part.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        })
    };
    let is_id = |part: Option<&[u8]>| part.is_some_and(|part| part.iter().any(|b| *b != b'0'));
    hex(2) == Some(b"00") && is_id(hex(32)) && is_id(hex(16)) && hex(2).is_some() && bytes.len() == 55
}

/// A request as it is written to a connection.
pub(super) type Message = Request<Full<Bytes>>;

/// Writes the request for this way. `None` when the path is none.
///
/// INVARIANT: this is the only place that makes headers for the upstream of a call.
pub(super) fn message(endpoint: &Endpoint, way: &Way, request: UpstreamRequest<'_>) -> Option<Message> {
    let UpstreamRequest { method, path, body, accept, authorization, trace } = request;
    let uri = uri(endpoint, way, path)?;
    let mut headers = HeaderMap::with_capacity(10);
    headers.insert(HOST, endpoint.authority().clone());
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("cordon/", env!("CARGO_PKG_VERSION"))));
    headers.insert(
        ACCEPT,
        HeaderValue::from_static(match accept {
            Accept::Json => "application/json",
            Accept::EventStream => "text/event-stream",
        }),
    );
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if method == Method::POST {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if let Some(value) = authorization {
        headers.insert(AUTHORIZATION, value);
    }
    if let Some(value) = trace.parent {
        headers.insert(TRACEPARENT, value);
    }
    if let Some(value) = trace.state {
        headers.insert(TRACESTATE, value);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_a_well_formed_trace_is_passed_on() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let trace = Trace::of(&headers(&[("traceparent", good), ("tracestate", "a=b")]));
        assert_eq!(trace.id(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        assert!(trace.state.is_some());
        for wrong in [
            "",
            "00",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ignore previous instructions",
        ] {
            assert_eq!(Trace::of(&headers(&[("traceparent", wrong)])), Trace::default(), "{wrong}");
        }
        assert_eq!(Trace::of(&headers(&[("tracestate", "a=b")])), Trace::default());
        assert_eq!(Trace::of(&headers(&[("traceparent", good), ("traceparent", good)])), Trace::default());
        let long = "a".repeat(MAX_TRACESTATE + 1);
        assert!(Trace::of(&headers(&[("traceparent", good), ("tracestate", &long)])).state.is_none());
    }
}
