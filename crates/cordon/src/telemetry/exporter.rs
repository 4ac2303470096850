//! OTLP over HTTP with protobuf (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>), by the client of upstream calls.

use std::time::Duration;

use bytes::Bytes;
use cordon_guard::upstream::{
    AnswerLimits, Client, Endpoint, EndpointError, Reach, SecretError, SecretSource, Timeouts, UpstreamError,
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT},
};
use prost::Message as _;

use super::otlp::ExportResponse;

/// Bytes of an answer that are read.
const MAX_ANSWER: usize = 64 << 10;
/// The longest that a collector's `Retry-After` is believed.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);
/// Headers that may be added.
const MAX_HEADERS: usize = 16;

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Traces,
    Metrics,
}

impl Signal {
    const fn path(self) -> &'static str {
        match self {
            Self::Traces => "/v1/traces",
            Self::Metrics => "/v1/metrics",
        }
    }
}

/// Why a request was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExportError {
    /// It is busy or out of order, and may take it later.
    #[error("the collector answered {status}")]
    Busy {
        /// What it answered.
        status: u16,
        /// When it wants to be asked again.
        after: Option<Duration>,
    },
    /// It will not take it later either.
    #[error("the collector answered {0}; help: check telemetry.otlp.endpoint and telemetry.otlp.headers")]
    Refused(u16),
    /// It was not reached.
    #[error("the collector cannot be reached")]
    Unreachable(#[from] UpstreamError),
    /// There are no headers where the configuration says.
    #[error("telemetry.otlp.headers cannot be used")]
    Secret(#[from] SecretError),
    /// They have another form.
    #[error(
        "telemetry.otlp.headers: `name=value` pairs, separated by commas, are expected where it points to"
    )]
    Headers,
}

impl ExportError {
    /// Whether the same request may be taken later, and when it may be sent again at the earliest.
    pub(super) const fn is_temporary(&self) -> Option<Option<Duration>> {
        match self {
            Self::Busy { after, .. } => Some(*after),
            Self::Unreachable(_) => Some(None),
            Self::Refused(_) | Self::Secret(_) | Self::Headers => None,
        }
    }
}

/// The address of a collector, below which the signals have their paths.
pub(crate) fn endpoint(url: &str, timeout: Duration) -> Result<Endpoint, EndpointError> {
    let timeouts = Timeouts {
        connect: timeout.min(Duration::from_secs(5)),
        first_byte: timeout,
        idle: timeout,
        total: timeout,
    };
    let limits = AnswerLimits { max_bytes: MAX_ANSWER as u64, ..AnswerLimits::default() };
    Endpoint::new(url, Reach::PrivateToo, timeouts, limits)
}

/// The way to one collector. Clones share its connections.
#[derive(Clone)]
pub(super) struct Exporter {
    pub(super) client: Client,
    pub(super) endpoint: Endpoint,
    pub(super) headers: Option<std::sync::Arc<SecretSource>>,
}

impl Exporter {
    /// Sends a message; how many of its spans or points the collector did not want.
    pub(super) async fn send(&self, signal: Signal, body: Bytes) -> Result<u64, ExportError> {
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = http::Uri::from_static(signal.path());
        if let Some(source) = &self.headers {
            *request.headers_mut() = headers(&source.text()?).ok_or(ExportError::Headers)?;
        }
        let own = request.headers_mut();
        own.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        own.insert(USER_AGENT, HeaderValue::from_static(concat!("cordon/", env!("CARGO_PKG_VERSION"))));
        let (head, body) = self.client.exchange(&self.endpoint, request).await?.into_parts();
        match head.status {
            status if status.is_success() => {
                // What cannot be read was taken all the same: the status says so.
                let said = body.collect(MAX_ANSWER).await.unwrap_or_default();
                let rejected =
                    ExportResponse::decode(said.as_ref()).ok().and_then(|said| said.partial_success);
                Ok(rejected.map_or(0, |partial| u64::try_from(partial.rejected).unwrap_or(0)))
            }
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => {
                let _ = body.collect(MAX_ANSWER).await;
                let seconds =
                    head.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
                let after = seconds.map(|seconds| Duration::from_secs(seconds).min(MAX_RETRY_AFTER));
                Err(ExportError::Busy { status: head.status.as_u16(), after })
            }
            status => Err(ExportError::Refused(status.as_u16())),
        }
    }
}

/// `name=value` pairs with percent-encoded values, separated by commas: the form of `OTEL_EXPORTER_OTLP_HEADERS`.
fn headers(text: &str) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for pair in text.trim().split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=')?;
        let name = HeaderName::try_from(name.trim()).ok()?;
        let mut value = HeaderValue::from_bytes(&decoded(value.trim())?).ok()?;
        value.set_sensitive(true);
        headers.insert(name, value);
        if headers.len() > MAX_HEADERS {
            return None;
        }
    }
    Some(headers)
}

/// A text without its percent-encoding (RFC 3986, section 2.1).
pub(super) fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| u8::try_from(char::from(byte?).to_digit(16)?).ok();
                digit(bytes.next())? << 4 | digit(bytes.next())?
            }
            plain => plain,
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_the_specification_says() {
        let read = headers("api-key=a%20b, x-tenant = t1,").unwrap();
        assert_eq!((read["api-key"].as_bytes(), read["x-tenant"].as_bytes()), (&b"a b"[..], &b"t1"[..]));
        assert!(read["api-key"].is_sensitive());
        assert!(headers("").unwrap().is_empty());
        for wrong in ["a", "a b=c", "a=%2", "a=%zz", "a=%0a"] {
            assert!(headers(wrong).is_none(), "{wrong}");
        }
        let many: Vec<String> = (0..17).map(|n| format!("h{n}=v")).collect();
        assert!(headers(&many.join(",")).is_none());
    }
}
