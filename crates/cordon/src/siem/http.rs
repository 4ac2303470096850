//! A collector over HTTPS: each batch is one `POST` of a JSON array, acknowledged by 2xx.

use std::time::Duration;

use bytes::Bytes;
use cordon_guard::upstream::{
    Accept, AnswerLimits, Client, Endpoint, EndpointError, Reach, SecretSource, Timeouts, Trace,
    UpstreamRequest, authorization,
};
use http::Method;

use super::{SinkError, ocsf::Event};

/// How long a collector may take.
const TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_secs(5),
    first_byte: Duration::from_secs(30),
    idle: Duration::from_secs(10),
    total: Duration::from_secs(60),
};

/// Bytes of an answer that are read, so that its connection can be used again.
const MAX_ANSWER: usize = 64 << 10;

/// The address of a collector.
pub(super) fn endpoint(url: &str) -> Result<Endpoint, EndpointError> {
    let limits = AnswerLimits { max_bytes: 1 << 20, ..AnswerLimits::default() };
    Endpoint::new(url, Reach::PrivateToo, TIMEOUTS, limits)
}

pub(super) struct HttpSink {
    client: Client,
    endpoint: Endpoint,
    /// The root of a host needs its slash; a path is part of the endpoint.
    path: &'static str,
    token: Option<SecretSource>,
}

impl HttpSink {
    pub(super) fn new(client: Client, url: &str, token: Option<SecretSource>) -> Result<Self, EndpointError> {
        let rest = url.split_once("://").map_or("", |(_, rest)| rest);
        let has_path = rest.split_once('/').is_some_and(|(_, path)| !path.trim_matches('/').is_empty());
        Ok(Self { client, endpoint: endpoint(url)?, path: if has_path { "" } else { "/" }, token })
    }

    pub(super) async fn send(&self, events: &[Event]) -> Result<(), SinkError> {
        let token = self.token.as_ref().map(SecretSource::header).transpose()?;
        let request = UpstreamRequest {
            method: Method::POST,
            path: self.path,
            body: array(events),
            accept: Accept::Json,
            headers: authorization(token),
            trace: Trace::default(),
        };
        let answer = self.client.send(&self.endpoint, request).await?;
        let status = answer.status;
        // What it says does not matter, and whether it can be read does not either: the status acknowledges.
        let _ = answer.body.collect(MAX_ANSWER).await;
        match status.as_u16() {
            200..=299 => Ok(()),
            413 => Err(SinkError::TooLarge),
            other => Err(SinkError::Refused(other)),
        }
    }
}

fn array(events: &[Event]) -> Bytes {
    let mut body =
        Vec::with_capacity(events.iter().map(|event| event.json.len().saturating_add(1)).sum::<usize>() + 2);
    body.push(b'[');
    for (n, event) in events.iter().enumerate() {
        if n > 0 {
            body.push(b',');
        }
        body.extend_from_slice(event.json.as_bytes());
    }
    body.push(b']');
    body.into()
}
