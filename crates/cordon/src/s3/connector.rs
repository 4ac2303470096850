//! The HTTP of the object store's client: Cordon's own upstream client, to one endpoint and no other.

use std::sync::Arc;

use bytes::Bytes;
use cordon_guard::upstream::{Client, Endpoint, Stage, UpstreamError};
use http::{Method, StatusCode, header::CONTENT_LENGTH};
use http_body_util::{BodyExt as _, Full};
use object_store::{
    ClientOptions,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody,
        HttpService,
    },
};

/// Bytes that are read of an answer that is an error.
const MAX_ERROR: usize = 64 << 10;

/// Characters of a store's code of an error, such as `NoSuchBucket`; the longest of S3 have about fifty.
const MAX_CODE: usize = 64;

/// The store knows who asks, or does not, and says no.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the access key is not right, or may not do this")]
pub(super) struct Forbidden;

/// Sends every request to one endpoint.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) client: Client,
    pub(super) endpoint: Endpoint,
}

impl HttpConnector for Way {
    /// The options are those of another client: time, trust and proxies are the upstream client's.
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait::async_trait]
impl HttpService for Way {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (mut head, body) = request.into_parts();
        // The length of what is sent is said by what is sent.
        head.headers.remove(CONTENT_LENGTH);
        let body = match body.as_bytes() {
            Some(bytes) => bytes.clone(),
            None => body.collect().await?.to_bytes(),
        };
        let is_head = head.method == Method::HEAD;
        let answer = self.client.exchange(&self.endpoint, http::Request::from_parts(head, body)).await;
        let (mut head, body) = answer.map_err(failed)?.into_parts();
        if matches!(head.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Err(HttpError::new(HttpErrorKind::Unknown, Forbidden));
        }
        if head.status.is_success() || is_head || head.status == StatusCode::NOT_MODIFIED {
            return Ok(HttpResponse::from_parts(head, HttpResponseBody::new(body.map_err(failed))));
        }
        // What a store says of an error ends in our log: nothing but its code, which names no key and no content.
        let said = body.collect(MAX_ERROR).await.unwrap_or_default();
        head.headers.remove(CONTENT_LENGTH);
        let said = Full::new(Bytes::from(code(&said))).map_err(|never| match never {});
        Ok(HttpResponse::from_parts(head, HttpResponseBody::new(said)))
    }
}

/// The code of an error as S3 writes it (`<Error><Code>NoSuchBucket</Code>…`); empty where there is none.
fn code(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    let plain = |code: &&str| code.len() <= MAX_CODE && code.bytes().all(|b| b.is_ascii_alphanumeric());
    code.map(|(code, _)| code).filter(plain).unwrap_or_default().to_owned()
}

/// What may be sent again: all that was not sent, and what can be done twice where nobody knows.
fn failed(error: UpstreamError) -> HttpError {
    let kind = match &error {
        _ if error.is_unsent() => HttpErrorKind::Connect,
        UpstreamError::Timeout { stage: Stage::FirstByte | Stage::Idle | Stage::Total, .. } => {
            HttpErrorKind::Timeout
        }
        UpstreamError::Closed { .. } => HttpErrorKind::Interrupted,
        UpstreamError::Coding { .. } | UpstreamError::TooLarge { .. } => HttpErrorKind::Decode,
        _ => HttpErrorKind::Unknown,
    };
    HttpError::new(kind, Arc::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_error_only_its_code_is_kept() {
        let said = br#"<?xml version="1.0"?><Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>AKIA1</AWSAccessKeyId></Error>"#;
        assert_eq!(code(said), "SignatureDoesNotMatch");
        let long = format!("<Code>{}</Code>", "A".repeat(MAX_CODE + 1));
        for nothing in
            ["", "<Code>", "<Code>a b</Code>", "<Code>\u{1b}[31m</Code>", "<html>AKIA1</html>", &long]
        {
            assert_eq!(code(nothing.as_bytes()), "", "{nothing}");
        }
    }
}
