//! One detector elsewhere, asked about the texts of a content.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use cordon_core::{Channel, Finding, Span, resource::Longer};
use http::{Method, StatusCode};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::timeout,
};

use super::{
    Failure,
    adapter::{self, Found, MAX_ANSWER, Question},
    registry::{MOST_AT_ONCE, Prepared},
    second::Asked,
    windows::windows,
};
use crate::{
    ports::Clock,
    resilience::breaker::{Outcome, Pass, Phase},
    upstream::{Accept, Client, Trace, UpstreamError, UpstreamRequest, authorization},
};

/// The most pieces of one content that a detector is sent.
const MAX_PIECES: usize = 1024;

/// The most places that one call has at a time: half of them, so that a large call leaves room for the others, and queues for no more.
const MOST_OF_A_CALL: usize = MOST_AT_ONCE / 2;

/// Asks a detector about the texts at these positions, all at the same time and within its deadline. The findings come with the
/// positions of their texts.
pub(super) async fn ask(
    prepared: &Arc<Prepared>,
    client: &Client,
    clock: &dyn Clock,
    texts: &[Asked],
    about: &[usize],
) -> Result<Vec<(usize, Finding)>, Failure> {
    let spec = &prepared.entry.spec;
    let most = spec.max_bytes() as usize;
    let mut pieces: Vec<Piece> = Vec::new();
    for (of, asked) in about.iter().filter_map(|of| Some((*of, texts.get(*of)?))) {
        if asked.text.len() > most && spec.longer == Longer::Unavailable {
            return Err(Failure::TooLong);
        }
        for (start, piece) in windows(&asked.text, most) {
            if pieces.len() >= MAX_PIECES {
                return Err(Failure::TooMany);
            }
            pieces.push(Piece { of, start, end: start + piece.len(), asked: asked.clone() });
        }
    }
    prepared.passes(client, clock).await?;
    let trial = Trial::begin(prepared)?;
    let (deadline, open) = (prepared.deadline(), Arc::new(Open::default()));
    let came = match timeout(deadline, all(prepared, client, pieces, &open)).await {
        Ok(came) => came,
        // Who waited for a place knows nothing of the detector.
        Err(_) if open.has_waited(deadline / 2) => Err(Failure::Deadline),
        Err(_) => Err(Failure::Busy),
    };
    trial.end(came.as_ref().err().copied());
    came
}

/// A piece of a text, within what its detector takes.
struct Piece {
    /// The text's position.
    of: usize,
    start: usize,
    end: usize,
    asked: Asked,
}

/// The questions of a call that have a place and no answer yet, with when they were asked.
#[derive(Default)]
struct Open(Mutex<BTreeMap<usize, Instant>>);

impl Open {
    fn asks(&self, at: usize) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(at, Instant::now());
    }

    fn is_answered(&self, at: usize) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&at);
    }

    /// Whether one of them has waited for its answer as long as this.
    fn has_waited(&self, long: Duration) -> bool {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.values().any(|asked| asked.elapsed() >= long)
    }
}

async fn all(
    prepared: &Arc<Prepared>,
    client: &Client,
    pieces: Vec<Piece>,
    open: &Arc<Open>,
) -> Result<Vec<(usize, Finding)>, Failure> {
    let mut asking = JoinSet::new();
    let own = Arc::new(Semaphore::new(MOST_OF_A_CALL));
    for (at, piece) in pieces.into_iter().enumerate() {
        let (prepared, client) = (Arc::clone(prepared), client.clone());
        let (own, open) = (Arc::clone(&own), Arc::clone(open));
        asking.spawn(async move {
            // None is ever closed. Who has none of the call's own places is in nobody's way.
            let _own = own.acquire().await.map_err(|_| Failure::Unready)?;
            let place = Arc::clone(&prepared.places).acquire_owned().await.map_err(|_| Failure::Unready)?;
            let text = piece.asked.text.get(piece.start..piece.end).unwrap_or_default();
            open.asks(at);
            let found = about(&prepared, &client, piece.asked.channel, text, place).await?;
            open.is_answered(at);
            Ok((piece, found))
        });
    }
    let mut findings: Vec<(usize, Finding)> = Vec::new();
    while let Some(joined) = asking.join_next().await {
        // A task that panicked gave no answer. The others end with the set.
        let (piece, found) = joined.map_err(|_| Failure::Malformed)??;
        for Found { category, span, score } in found {
            let span = Span::new(span.start + piece.start, span.end + piece.start);
            let version = prepared.entry.spec.version;
            let detector = prepared.name;
            let finding = Finding {
                category,
                span,
                score,
                detector,
                detector_version: version,
                continues: false,
                listed: cordon_core::Listed::NONE,
            };
            findings.push((piece.of, finding));
        }
    }
    // What stands whole in two pieces that overlap is one finding.
    findings.sort_by(|(a, one), (b, other)| {
        (a, one.span, &one.category, other.score).cmp(&(b, other.span, &other.category, one.score))
    });
    findings
        .dedup_by(|(b, other), (a, one)| a == b && one.span == other.span && one.category == other.category);
    Ok(findings)
}

/// Asks about one text that is no longer than it takes. The place is held until nothing works on the text any more.
pub(super) async fn about(
    prepared: &Prepared,
    client: &Client,
    channel: Channel,
    text: &str,
    place: OwnedSemaphorePermit,
) -> Result<Vec<Found>, Failure> {
    let spec = &prepared.entry.spec;
    if let Some(local) = &prepared.model {
        return local.judge(spec, text, prepared.deadline(), place).await;
    }
    let endpoint = prepared.endpoint.as_ref().map_err(|_| Failure::Unready)?;
    let secret = prepared.secret.as_ref().map(|secret| secret.header()).transpose();
    let headers = authorization(secret.map_err(|_| Failure::Unready)?);
    let Question { path, body } = adapter::question(spec, channel, text);
    let request = UpstreamRequest {
        method: Method::POST,
        path,
        body: Bytes::from(body),
        accept: Accept::Json,
        headers,
        trace: Trace::default(),
    };
    let response = client.send(endpoint, request).await.map_err(|error| failure(&error))?;
    if response.status != StatusCode::OK {
        return Err(Failure::Status);
    }
    let bytes = response.body.collect(MAX_ANSWER).await.map_err(|error| failure(&error))?;
    adapter::read(spec, &bytes, text)
}

pub(super) fn failure(error: &UpstreamError) -> Failure {
    match error {
        UpstreamError::Timeout { .. } => Failure::Deadline,
        UpstreamError::TooLarge { .. } | UpstreamError::Coding { .. } | UpstreamError::Protocol { .. } => {
            Failure::Malformed
        }
        _ => Failure::Unreachable,
    }
}

/// The right to ask once. Dropped without a word, it says nothing of the detector.
pub(super) struct Trial<'a> {
    prepared: &'a Prepared,
    pass: Option<Pass>,
    began: Instant,
}

impl<'a> Trial<'a> {
    pub(super) fn begin(prepared: &'a Prepared) -> Result<Self, Failure> {
        let now = Instant::now();
        let mut breaker = prepared.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        let pass = breaker.allow(&prepared.settings, now).map_err(|_| Failure::Breaker)?;
        Ok(Self { prepared, pass: Some(pass), began: now })
    }

    pub(super) fn end(mut self, failed: Option<Failure>) {
        self.report(match failed {
            None => Outcome::Answered(self.began.elapsed()),
            Some(why) if why.is_its_own() => Outcome::Failed,
            Some(_) => Outcome::Unknown,
        });
    }

    fn report(&mut self, outcome: Outcome) {
        let Some(pass) = self.pass.take() else { return };
        let now = Instant::now();
        let mut breaker = self.prepared.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        let before = breaker.phase(now);
        let _ = breaker.report(&self.prepared.settings, pass, outcome, now);
        let after = breaker.phase(now);
        if before != after && after != Phase::HalfOpen {
            let phase = after.as_str();
            tracing::warn!(detector = self.prepared.name, phase, "the breaker of a detector has changed");
        }
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        self.report(Outcome::Unknown);
    }
}
