//! Calls as they end, as server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::State,
};
use http_body::Frame;
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    time::{Instant, Interval},
};

use super::{Shared, access::By, answer::Calls, paging::MOST, request::Asked};
use crate::{
    api::{CallFilter, Problem},
    desk::Following,
    identity::{Caller, Identity, Verb},
};

/// Events that wait for a slow reader before reading of the journal waits too.
const QUEUE: usize = 64;
/// A comment is sent this often, so that both sides notice a broken connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// It is looked so often whether the caller may still look on.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// Calls shown that were there before.
const BEFORE: u32 = 10;

pub(super) async fn calls(
    State(shared): State<Shared>,
    caller: By,
    Asked(mut filter): Asked<CallFilter>,
) -> Result<Calls, Problem> {
    filter.limit = Some(filter.limit.unwrap_or(BEFORE).min(MOST));
    let permit = shared.followers.clone().try_acquire_owned().map_err(|_| {
        Problem::new(503, "busy", "too many streams", "too many streams of calls are open; help: end one")
    })?;
    let following = shared.state.desk.calls().following(filter).await?;
    let (sender, receiver) = mpsc::channel(QUEUE);
    let mut stopping = shared.state.stopping.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = feed(following, &sender) => {}
            () = shut_out(shared.state.identity, caller.0) => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
            () = sender.closed() => {}
        }
    });
    // The first comment comes after a pause too: calls that have ended already come first.
    let pause = tokio::time::interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
    let body = Body::new(Events { receiver, pause, _permit: permit });
    Ok(Calls(body))
}

/// Resolves when the caller may not look on any more.
async fn shut_out(identity: Identity, caller: Caller) {
    loop {
        tokio::time::sleep(LOOK_AGAIN).await;
        if !identity.still(&caller, Verb::ReadRecords).await {
            return;
        }
    }
}

async fn feed(mut following: Following, sender: &mpsc::Sender<Bytes>) {
    loop {
        let (event, last) = match following.next().await {
            Ok(Some(call)) => (event("call", &call), false),
            // Nobody writes any more.
            Ok(None) => return,
            Err(problem) => (event("problem", &Problem::from(problem)), true),
        };
        if sender.send(event).await.is_err() || last {
            return;
        }
    }
}

/// JSON has no raw line breaks, so one `data:` line holds it.
fn event<T: serde::Serialize>(kind: &str, value: &T) -> Bytes {
    let data = serde_json::to_string(value).unwrap_or_default();
    format!("event: {kind}\ndata: {data}\n\n").into()
}

struct Events {
    receiver: mpsc::Receiver<Bytes>,
    pause: Interval,
    _permit: OwnedSemaphorePermit,
}

impl http_body::Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Poll::Ready(bytes) = self.receiver.poll_recv(context) {
            return Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))));
        }
        self.pause.poll_tick(context).map(|_| Some(Ok(Frame::data(Bytes::from_static(b": still here\n\n")))))
    }
}
