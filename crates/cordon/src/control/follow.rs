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

use super::{
    Shared,
    access::By,
    answer::{Calls, LiveCalls},
    paging::MOST,
    request::Asked,
};
use crate::{
    api::{CallFilter, LeftOut, Problem},
    desk::{Following, Newest},
    identity::{Caller, Identity, Verb},
};

/// Events that wait for a slow reader before reading of the journal waits too.
const QUEUE: usize = 64;
/// Looks at the newest calls that wait for a slow reader before the next look does.
const LOOKS: usize = 2;
/// Between two looks at the newest calls.
const SHOW_EVERY: Duration = Duration::from_millis(250);
/// The most calls that one look shows.
const AT_ONCE: usize = 50;
/// A comment is sent this often, so that both sides notice a broken connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// It is looked so often whether the caller may still look on.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// Calls shown that were there before.
const BEFORE: u32 = 10;

/// Each call, in the order in which they end. Who is slow gets them later.
pub(super) async fn calls(
    State(shared): State<Shared>,
    caller: By,
    Asked(filter): Asked<CallFilter>,
) -> Result<Calls, Problem> {
    let permit = permit(&shared)?;
    let following = shared.state.desk.calls().following(with_limit(filter)).await?;
    Ok(Calls(stream(shared, caller, permit, QUEUE, |sender| feed(following, sender))))
}

/// The newest calls, four times a second. Who is slow gets fewer of them.
pub(super) async fn live(
    State(shared): State<Shared>,
    caller: By,
    Asked(filter): Asked<CallFilter>,
) -> Result<LiveCalls, Problem> {
    let permit = permit(&shared)?;
    let filter = with_limit(filter);
    let calls = shared.state.desk.calls();
    Ok(LiveCalls(match calls.newest(&filter, AT_ONCE).await? {
        Some(newest) => stream(shared, caller, permit, LOOKS, |sender| show(newest, sender)),
        // Without an index nothing is left out.
        None => {
            let following = calls.following(filter).await?;
            stream(shared, caller, permit, QUEUE, |sender| feed(following, sender))
        }
    }))
}

fn with_limit(filter: CallFilter) -> CallFilter {
    CallFilter { limit: Some(filter.limit.unwrap_or(BEFORE).min(MOST)), ..filter }
}

fn permit(shared: &Shared) -> Result<OwnedSemaphorePermit, Problem> {
    shared.followers.clone().try_acquire_owned().map_err(|_| {
        Problem::new(503, "busy", "too many streams", "too many streams of calls are open; help: end one")
    })
}

/// What is fed, until nothing more comes, the caller leaves or may not look on, or the server stops.
fn stream<F: Future<Output = ()> + Send + 'static>(
    shared: Shared,
    caller: By,
    permit: OwnedSemaphorePermit,
    queue: usize,
    feed: impl FnOnce(mpsc::Sender<Bytes>) -> F,
) -> Body {
    let (sender, receiver) = mpsc::channel(queue);
    let mut stopping = shared.state.stopping.clone();
    let feeding = feed(sender.clone());
    tokio::spawn(async move {
        tokio::select! {
            () = feeding => {}
            () = shut_out(shared.state.identity, caller.0) => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
            () = sender.closed() => {}
        }
    });
    // The first comment comes after a pause too: calls that have ended already come first.
    let pause = tokio::time::interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
    Body::new(Events { receiver, pause, _permit: permit })
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

async fn feed(mut following: Following, sender: mpsc::Sender<Bytes>) {
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

async fn show(mut newest: Newest, sender: mpsc::Sender<Bytes>) {
    while let Some(ended) = newest.next().await {
        let left_out = (ended.left_out > 0).then_some(LeftOut { calls: ended.left_out });
        let events = left_out.iter().map(|left_out| event("left_out", left_out));
        let events: Vec<Bytes> = events.chain(ended.calls.iter().map(|call| event("call", call))).collect();
        if sender.send(events.concat().into()).await.is_err() {
            return;
        }
        tokio::time::sleep(SHOW_EVERY).await;
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
