//! The control API from the outside.

use std::time::Duration;

use bytes::Bytes;
use cordon_core::Digest;
use cordon_guard::upstream::{
    Accept, AnswerLimits, Client, ClientConfig, Endpoint, Reach, Timeouts, Trace, UpstreamBody,
    UpstreamError, UpstreamRequest, UpstreamResponse, authorization,
};
use http::{HeaderValue, Method, StatusCode, header};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    api::{CallView, LeftOut, List, Problem},
    clock,
    control::KEY,
    desk::with_causes,
};

/// A server and the token that it asks for.
pub(super) struct Http {
    client: Client,
    endpoint: Endpoint,
    base: String,
    authorization: Option<HeaderValue>,
}

/// Whose certificates are trusted.
#[derive(Clone, Debug, Default)]
pub(super) struct Trust {
    /// Beside those of the machine.
    pub(super) ca_bundle: Option<std::path::PathBuf>,
    /// This one alone.
    pub(super) pinned: Option<Digest>,
}

/// The events of a stream.
pub(super) struct Events {
    body: UpstreamBody,
    parser: cordon_guard::sse::Parser,
}

/// What a stream of calls tells of.
pub(super) enum Ended {
    /// A call.
    Call(Box<CallView>),
    /// Calls that are not told one by one.
    LeftOut(LeftOut),
}

/// The most that one page of a list gives.
const MAX_PAGE: usize = 10_000;
/// Bytes of one answer.
const MAX_ANSWER: usize = 256 << 20;
const TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_secs(5),
    // The server itself ends an answer after a minute.
    first_byte: Duration::from_secs(70),
    // A stream sends a comment every 15 seconds.
    idle: Duration::from_secs(60),
    total: Duration::from_secs(365 * 86_400),
};

impl Http {
    /// A server at `http://HOST:PORT` or `https://HOST:PORT`.
    pub(super) fn new(server: &str, token: &str, trust: Trust) -> Result<Self, Problem> {
        let open = Self::open(server, trust)?;
        let authorization = HeaderValue::try_from(format!("Bearer {token}"))
            .map(|mut value| {
                value.set_sensitive(true);
                value
            })
            .map_err(|error| failed("the token cannot be sent", &error))?;
        Ok(Self { authorization: Some(authorization), ..open })
    }

    /// The same for somebody who has no token yet.
    pub(super) fn open(server: &str, trust: Trust) -> Result<Self, Problem> {
        let base = server.trim_end_matches('/').to_owned();
        let wrong = |error: &dyn std::error::Error| failed(&format!("`{base}` cannot be used"), error);
        let limits = AnswerLimits { max_bytes: u64::MAX, ..AnswerLimits::default() };
        let endpoint = Endpoint::new(&format!("{base}/api/v1"), Reach::PrivateToo, TIMEOUTS, limits)
            .map_err(|error| wrong(&error))?;
        let Trust { ca_bundle, pinned } = trust;
        let client = Client::new(&ClientConfig { ca_bundle, pinned, ..ClientConfig::default() })
            .map_err(|error| wrong(&error))?;
        Ok(Self { client, endpoint, base, authorization: None })
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, Option<String>)],
    ) -> Result<T, Problem> {
        let response = self.send(&with_query(path, query), Accept::Json).await?;
        self.read(response.status, response.body).await
    }

    /// What is answered, as it is.
    pub(super) async fn bytes(&self, path: &str) -> Result<Vec<u8>, Problem> {
        let UpstreamResponse { status, body, .. } = self.send(path, Accept::File).await?;
        if !status.is_success() {
            return self.read(status, body).await;
        }
        let bytes = body.collect(MAX_ANSWER).await;
        let bytes =
            bytes.map_err(|error| failed(&format!("the answer of {} cannot be read", self.base), &error))?;
        Ok(bytes.to_vec())
    }

    /// A list, page after page: all of it, or at most so many.
    pub(super) async fn items<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, Option<String>)],
        most: Option<u32>,
    ) -> Result<Vec<T>, Problem> {
        let mut items = Vec::new();
        let mut cursor = None;
        loop {
            let left = most.map(|most| (most as usize).saturating_sub(items.len()));
            if left == Some(0) {
                return Ok(items);
            }
            let mut query = query.to_vec();
            query.push(("limit", left.map(|left| left.min(MAX_PAGE).to_string())));
            query.push(("cursor", cursor));
            let page: List<T> = self.get(path, &query).await?;
            items.extend(page.items);
            if page.next.is_none() {
                return Ok(items);
            }
            cursor = page.next;
        }
    }

    pub(super) async fn post<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<T, Problem> {
        let body =
            serde_json::to_vec(body).map_err(|error| failed("the request cannot be written", &error))?;
        self.change(Method::POST, path, body).await
    }

    pub(super) async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, Problem> {
        self.change(Method::DELETE, path, Vec::new()).await
    }

    /// Changes something, under a key: where the connection breaks before there is an answer, it is sent once more and yet
    /// done once.
    async fn change<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<T, Problem> {
        let unwritable = |error: &dyn std::error::Error| failed("the request cannot be written", error);
        let key = Digest::from_bytes(clock::random()).to_string();
        let mut request = http::Request::new(Bytes::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().map_err(|error| unwritable(&error))?;
        let headers = request.headers_mut();
        headers.insert(KEY, HeaderValue::try_from(key).map_err(|error| unwritable(&error))?);
        for (name, value) in [
            (header::USER_AGENT, concat!("cordon/", env!("CARGO_PKG_VERSION"))),
            (header::ACCEPT, "application/json"),
            (header::CONTENT_TYPE, "application/json"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers.extend(self.authorization.clone().map(|value| (header::AUTHORIZATION, value)));
        let answer = match self.client.exchange(&self.endpoint, request.clone()).await {
            Err(UpstreamError::Closed { .. }) => self.client.exchange(&self.endpoint, request).await,
            answer => answer,
        };
        let (head, body) = answer.map_err(|error| self.unreached(&error))?.into_parts();
        self.read(head.status, body).await
    }

    pub(super) async fn events(
        &self,
        path: &str,
        query: &[(&str, Option<String>)],
    ) -> Result<Events, Problem> {
        let response = self.send(&with_query(path, query), Accept::EventStream).await?;
        if response.status.is_success() {
            return Ok(Events { body: response.body, parser: cordon_guard::sse::Parser::default() });
        }
        let read = self.read::<serde_json::Value>(response.status, response.body).await;
        Err(read.err().unwrap_or_else(|| unexpected(&self.base)))
    }

    async fn send(&self, path: &str, accept: Accept) -> Result<UpstreamResponse, Problem> {
        let request = UpstreamRequest {
            method: Method::GET,
            path,
            body: Bytes::new(),
            accept,
            headers: authorization(self.authorization.clone()),
            trace: Trace::default(),
        };
        self.client.send(&self.endpoint, request).await.map_err(|error| self.unreached(&error))
    }

    fn unreached(&self, error: &UpstreamError) -> Problem {
        let help = "help: is `cordon up` running there? `--server` or CORDON_SERVER says where";
        let problem = failed(&format!("the server at {} cannot be reached", self.base), error);
        Problem { detail: format!("{}; {help}", problem.detail), ..problem }
    }

    async fn read<T: DeserializeOwned>(&self, status: StatusCode, body: UpstreamBody) -> Result<T, Problem> {
        let bytes = body
            .collect(MAX_ANSWER)
            .await
            .map_err(|error| failed(&format!("the answer of {} cannot be read", self.base), &error))?;
        if status.is_success() {
            serde_json::from_slice(&bytes).map_err(|_| unexpected(&self.base))
        } else {
            Err(serde_json::from_slice::<Problem>(&bytes).unwrap_or_else(|_| unexpected(&self.base)))
        }
    }
}

impl Events {
    /// The next event; none when the server has ended the stream.
    pub(super) async fn next(&mut self) -> Result<Option<Ended>, Problem> {
        let unreadable = |error: &dyn std::error::Error| failed("the stream of calls cannot be read", error);
        loop {
            if let Some(event) = self.parser.next().map_err(|error| unreadable(&error))? {
                let data = event.data;
                let ended = match event.name {
                    "call" => serde_json::from_str(data).map(|call| Ended::Call(Box::new(call))),
                    "left_out" => serde_json::from_str(data).map(Ended::LeftOut),
                    "problem" => {
                        return Err(serde_json::from_str(data).unwrap_or_else(|error| unreadable(&error)));
                    }
                    // Of a later version.
                    _ => continue,
                };
                return ended.map(Some).map_err(|error| unreadable(&error));
            }
            match self.body.chunk().await {
                Ok(Some(bytes)) => self.parser.push(&bytes),
                Ok(None) => return Ok(None),
                Err(error) => return Err(failed("the stream of calls broke off", &error)),
            }
        }
    }
}

fn failed(what: &str, error: &dyn std::error::Error) -> Problem {
    Problem::new(
        503,
        "unreachable",
        "the server cannot be reached",
        format!("{what}: {}", with_causes(error)),
    )
}

fn unexpected(base: &str) -> Problem {
    let detail = format!(
        "the answer of {base} is not one of Cordon's control API; help: `--server` names the control listener, not the gateway"
    );
    Problem::new(502, "unexpected", "an unexpected answer", detail)
}

fn with_query(path: &str, query: &[(&str, Option<String>)]) -> String {
    let mut text = path.to_owned();
    let mut mark = '?';
    for (key, value) in query {
        if let Some(value) = value {
            text.push(mark);
            text.push_str(key);
            text.push('=');
            for byte in value.bytes() {
                // Everything but the unreserved characters of RFC 3986 is escaped.
                if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                    text.push(char::from(byte));
                } else {
                    text.push_str(&format!("%{byte:02X}"));
                }
            }
            mark = '&';
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_is_sent_again_under_its_key_where_the_connection_breaks() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let mut keys = Vec::new();
            for answer in [None, Some("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")]
            {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut text = String::new();
                while !text.ends_with("{\"a\":1}") {
                    let mut bytes = [0; 4096];
                    let count = stream.read(&mut bytes).await.unwrap();
                    text.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
                }
                assert!(text.starts_with("POST /api/v1/things HTTP/1.1\r\n"), "{text}");
                assert!(text.contains("authorization: Bearer t\r\n"), "{text}");
                keys.push(text.lines().find(|line| line.starts_with(KEY)).unwrap().to_owned());
                stream.write_all(answer.unwrap_or_default().as_bytes()).await.unwrap();
            }
            keys
        });
        let http = Http::new(&format!("http://{address}"), "t", Trust::default()).unwrap();
        let answer: serde_json::Value = http.post("/things", &serde_json::json!({"a": 1})).await.unwrap();
        assert_eq!(answer, serde_json::json!({}));
        let keys = server.await.unwrap();
        assert!(keys[0] == keys[1] && keys[0].len() > 40, "{keys:?}");
    }

    #[test]
    fn queries_are_escaped() {
        let query = [("a", Some("x y/é".to_owned())), ("b", None), ("c", Some("1".to_owned()))];
        assert_eq!(with_query("/p", &query), "/p?a=x%20y%2F%C3%A9&c=1");
        assert_eq!(with_query("/p", &[("b", None)]), "/p");
    }
}
