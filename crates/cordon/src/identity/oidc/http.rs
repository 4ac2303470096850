//! Questions to the identity provider: bounded in time and size, over TLS or loopback alone, never redirected.

use std::time::Duration;

use bytes::Bytes;
use cordon_guard::upstream::{AnswerLimits, Client, Endpoint, Reach, Timeouts};
use http::{HeaderValue, Method, Request, StatusCode, header};
use serde_json::Value;

use crate::{desk::with_causes, identity::site::is_loopback};

const TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_secs(3),
    first_byte: Duration::from_secs(5),
    idle: Duration::from_secs(3),
    total: Duration::from_secs(8),
};
/// Bytes of an answer.
const MAX_ANSWER: usize = 1 << 20;

/// Why there is no answer that can be used. Nothing that the provider or the browser said is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unanswered(pub(super) String);

/// An address of the provider, split as the client wants it.
#[derive(Clone, Debug)]
pub(super) struct Address {
    endpoint: Endpoint,
    path: String,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// When it is neither `https` nor on this machine's loopback, or is no plain address.
    pub(super) fn parse(text: &str) -> Result<Self, Unanswered> {
        let wrong = |why: &str| Unanswered(format!("an address of the identity provider {why}"));
        let uri: http::Uri = text.parse().map_err(|_| wrong("is none"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(wrong("is not absolute"));
        };
        if scheme != "https" && !(scheme == "http" && is_loopback(authority.as_str())) {
            return Err(wrong("is not https"));
        }
        let limits = AnswerLimits { max_bytes: MAX_ANSWER as u64, ..AnswerLimits::default() };
        let endpoint = Endpoint::new(&format!("{scheme}://{authority}"), Reach::PrivateToo, TIMEOUTS, limits)
            .map_err(|error| wrong(&format!("cannot be used: {error}")))?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { endpoint, path })
    }

    /// Asks for JSON.
    pub(super) async fn get(
        &self,
        client: &Client,
        bearer: Option<&str>,
    ) -> Result<(StatusCode, Value), Unanswered> {
        let authorization = bearer.map(|token| format!("Bearer {token}"));
        self.send(client, Method::GET, authorization.as_deref(), Bytes::new()).await
    }

    /// Sends a form and takes JSON.
    pub(super) async fn post(
        &self,
        client: &Client,
        authorization: Option<&str>,
        form: &[(&str, &str)],
    ) -> Result<(StatusCode, Value), Unanswered> {
        self.send(client, Method::POST, authorization, encode_form(form).into()).await
    }

    async fn send(
        &self,
        client: &Client,
        method: Method,
        authorization: Option<&str>,
        body: Bytes,
    ) -> Result<(StatusCode, Value), Unanswered> {
        let unwritable = || Unanswered("the request cannot be written".to_owned());
        let mut request = Request::builder()
            .method(&method)
            .uri(&self.path)
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_LENGTH, body.len());
        if method == Method::POST {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        if let Some(text) = authorization {
            let mut value = HeaderValue::try_from(text).map_err(|_| unwritable())?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        let request = request.body(body).map_err(|_| unwritable())?;
        let unreachable = |error: &dyn std::error::Error| {
            Unanswered(format!("it cannot be reached: {}", with_causes(error)))
        };
        let answer = client.exchange(&self.endpoint, request).await.map_err(|error| unreachable(&error))?;
        let (head, body) = answer.into_parts();
        let bytes = body.collect(MAX_ANSWER).await.map_err(|error| unreachable(&error))?;
        Ok((head.status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
    }
}

/// Fields of a form or a query (application/x-www-form-urlencoded): everything but RFC 3986's unreserved characters is
/// escaped.
pub(super) fn encode_form(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        fields.iter().map(|(key, value)| format!("{}={}", encode(key), encode(value))).collect();
    pairs.join("&")
}

pub(super) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tls_or_loopback() {
        for good in ["https://id.example.com/a?b=c", "http://127.0.0.1:9400", "http://localhost:1/x"] {
            assert!(Address::parse(good).is_ok(), "{good}");
        }
        for bad in ["http://id.example.com", "ftp://127.0.0.1", "/token", "", "https://a@b.example/x"] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(encode_form(&[("a b", "ü&="), ("c", "~")]), "a%20b=%C3%BC%26%3D&c=~");
    }
}
