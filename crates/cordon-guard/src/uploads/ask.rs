//! What the service that keeps a route's files is asked, and what the caller is given of its answers.

use std::time::Instant;

use bytes::Bytes;
use cordon_core::{
    Channel, Refusal, RefusalCode,
    json::{self, Value},
    record::Outcome,
};
use http::{HeaderMap, Method, header};

use super::{
    NAME,
    form::Written,
    object::{self, FileObject},
    owner::Owner,
    worded,
};
use crate::{
    admit::Admitted,
    call::Call,
    dialect::Dialect,
    dispatch::{Permit, refusal_of},
    exchange::{MAX_ERROR_BYTES, pass_on},
    inspection::{Inspection, Verdict},
    limits::Spent,
    pipeline::Inner,
    record::{CallRecord, micros},
    release::{Released, ReleasedBody},
    respond,
    upstream::{Accept, UpstreamRequest},
};

/// The service, and all that a question to it needs.
pub(super) struct Service<'a> {
    pub(super) gateway: &'a Inner,
    pub(super) permit: Permit,
    pub(super) call: &'a Call<Admitted>,
    pub(super) inspection: &'a Inspection,
    /// Who asks.
    pub(super) owner: &'a Owner,
    pub(super) record: &'a mut CallRecord,
}

/// What the caller is given.
#[derive(Debug)]
pub(super) struct Given {
    status: u16,
    body: Bytes,
    content_type: &'static str,
    outcome: Outcome,
    headers: HeaderMap,
}

/// Why there is nothing to give of what was asked for.
#[derive(Debug)]
pub(super) enum Ended {
    /// It is refused.
    Refused(Refusal),
    /// The service answered with an error, which the caller reads.
    Failed(Box<Given>),
}

impl From<Refusal> for Ended {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Service<'_> {
    /// Asks, and gives the answer of at most so many bytes. `path` is of words that were checked.
    pub(super) async fn ask(
        &mut self,
        method: Method,
        path: &str,
        form: Option<Written>,
        accept: Accept,
        most: usize,
    ) -> Result<Bytes, Ended> {
        let (body, headers) = form.map_or_else(Default::default, |form| {
            (Bytes::from(form.body), vec![(header::CONTENT_TYPE, form.content_type)])
        });
        let trace = self.record.trace().onward();
        let request = UpstreamRequest { method, path, body, accept, headers, trace };
        let sent = Instant::now();
        self.record.marks.sent.get_or_insert(self.record.micros());
        // No model does any work for it.
        self.record.leaves(Spent::Nothing);
        let answered = self.gateway.upstreams.keep_or_give(&self.permit, request, None).await;
        self.record.waited(sent);
        let response = answered.map_err(|error| error.refusal)?;
        let status = response.status.as_u16();
        self.record.end.upstream_status = Some(status);
        let waiting = Instant::now();
        let is_good = response.status.is_success();
        let read = response.body.collect(if is_good { most } else { MAX_ERROR_BYTES }).await;
        self.record.waited(waiting);
        self.record.marks.answered = Some(self.record.micros());
        let bytes = read.map_err(|error| refusal_of(&error))?;
        match status {
            200..=299 => Ok(bytes),
            404 if path.starts_with("/files/") => {
                Err(Refusal::new(RefusalCode::FileNotFound, "the service has no such file").into())
            }
            400 | 408 | 409 | 413 | 415 | 422 | 429 | 500..=599 => {
                Err(Ended::Failed(Box::new(self.failed(status, &bytes, &response.headers)?)))
            }
            _ => {
                Err(Refusal::new(RefusalCode::UpstreamFailed, format!("the upstream answered {status}"))
                    .into())
            }
        }
    }

    /// An error of the service, its words inspected like any other answer.
    fn failed(&mut self, status: u16, bytes: &[u8], headers: &HeaderMap) -> Result<Given, Refusal> {
        let tree = Value::parse(bytes, json::Limits::default()).ok();
        let mut verdict = Verdict::default();
        let error = Dialect::Openai.upstream_error(
            tree.as_ref(),
            status,
            &self.call.id,
            self.inspection,
            &mut verdict,
        );
        self.record.end.output = verdict.into_recorded();
        let given = Given::new(status, error?.to_vec(), Outcome::UpstreamFailed);
        Ok(Given { headers: headers.clone(), ..given })
    }

    /// A file of the caller's, as the service describes it.
    ///
    /// # Errors
    /// When the service has none of this id, or it is another caller's: both are the same to who asks.
    pub(super) async fn owned(&mut self, id: &str) -> Result<FileObject, Ended> {
        let said =
            self.ask(Method::GET, &format!("/files/{id}"), None, Accept::Json, super::MOST_SAID).await?;
        let file = FileObject::read(&object::tree(&said)?, self.owner)?.filter(|file| file.id == id);
        file.ok_or_else(|| Refusal::new(RefusalCode::FileNotFound, "the file is not the caller's").into())
    }

    /// Tells the caller of these files, whose names are inspected: the service may have changed them.
    pub(super) fn tell(&mut self, files: &[&FileObject], said: &Value) -> Result<Given, Ended> {
        let inspecting = Instant::now();
        let mut verdict = Verdict::default();
        files.iter().for_each(|file| worded(NAME, &file.name, Channel::Model, self.inspection, &mut verdict));
        let refused = verdict.refusal();
        self.record.end.output = verdict.into_recorded();
        self.record.end.timings.inspect_output = micros(inspecting);
        match refused {
            Some(refusal) => Err(refusal.into()),
            None => Ok(Given::new(200, said.to_vec(), Outcome::Released)),
        }
    }

    /// What parts a form that is written: nobody who wrote a file could know it.
    pub(super) fn boundary(&self) -> String {
        let mut random = [0; 16];
        self.gateway.entropy.fill(&mut random);
        format!("cordon-{:032x}", u128::from_be_bytes(random))
    }
}

impl Given {
    pub(super) fn new(status: u16, body: impl Into<Bytes>, outcome: Outcome) -> Self {
        Self {
            status,
            body: body.into(),
            content_type: "application/json",
            outcome,
            headers: HeaderMap::new(),
        }
    }

    /// The same, as bytes that nobody shall take for anything else.
    pub(super) fn of_bytes(self) -> Self {
        Self { content_type: "application/octet-stream", ..self }
    }

    /// Records the end of the call, and makes its answer.
    pub(super) async fn release(
        self,
        gateway: &Inner,
        record: &mut CallRecord,
    ) -> http::Response<ReleasedBody> {
        let Self { status, body, content_type, outcome, headers } = self;
        record.end.response_bytes = body.len() as u64;
        record.end.response_digest = Some(record.content_key(gateway).digest(&body));
        match record.close(outcome, status).await {
            Ok(()) => {
                let mut response = respond::released(status, Released::new(body), content_type);
                pass_on(&headers, response.headers_mut());
                record.seal_head(&mut response);
                response
            }
            Err(unrecorded) => {
                let mut response = respond::refusal(&unrecorded, record.call(), Dialect::Openai);
                record.seal_refusal(&mut response);
                response
            }
        }
    }
}
