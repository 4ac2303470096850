//! Work beside the calls: each on a thread of its own that runs in the time that calls leave.
//!
//! The index, the seals and the tree of the journal take bursts of time that no call should wait for. On the threads of the calls
//! such a burst holds up all of them; on a thread of equal rank it takes half of a machine with one core.

use std::{future::Future, io, thread};

use anyhow::Context as _;
use tokio::{runtime::Builder, sync::oneshot};

/// How much such a thread leaves to the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rank {
    /// It keeps up with the calls: limits, pages and proofs wait for it. A quarter of a core at most when calls want all of it (weight
    /// 335 beside 1024, `sched(7)`), more than it needs.
    Follows,
    /// It may be late: what it does lies safely in the journal until then. A fifteenth of a core at most when calls want all of it
    /// (weight 70).
    Rests,
}

impl Rank {
    /// How much nicer it is than the threads of the calls (`nice(2)`).
    const fn nicer(self) -> i32 {
        match self {
            Self::Follows => 5,
            Self::Rests => 12,
        }
    }
}

/// Runs a future to its end. It is given up where it waits when nobody waits for this any more.
///
/// # Errors
/// When there is no thread, or it panicked.
pub(crate) async fn run<T: Send + 'static>(
    name: &str,
    rank: Rank,
    work: impl Future<Output = T> + Send + 'static,
) -> anyhow::Result<T> {
    let (mut done, result) = oneshot::channel();
    // Made and dropped on its thread: a runtime may not be dropped on one of another.
    let working = block(name, rank, move || {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let came = runtime.block_on(async {
            tokio::select! {
                value = work => Some(value),
                () = done.closed() => None,
            }
        });
        if let Some(value) = came {
            // Nobody waits for it any more.
            let _ = done.send(value);
        }
        io::Result::Ok(())
    });
    working.await?.context("a background thread")?;
    result.await.context("it ended early")
}

/// Does work that blocks.
///
/// # Errors
/// When there is no thread, or it panicked.
pub(crate) async fn block<T: Send + 'static>(
    name: &str,
    rank: Rank,
    work: impl FnOnce() -> T + Send + 'static,
) -> anyhow::Result<T> {
    let (done, result) = oneshot::channel();
    spawn(name, rank, move || {
        // Nobody waits for it any more.
        let _ = done.send(work());
    })
    .context("a background thread")?;
    result.await.context("it ended early")
}

fn spawn(name: &str, rank: Rank, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let nicer = move || {
        // On Linux this is of the thread alone. Where it is refused, the work is done all the same.
        if let Err(error) = rustix::process::nice(rank.nicer()) {
            tracing::debug!(%error, "work beside the calls has their rank");
        }
        work();
    };
    thread::Builder::new().name(name.to_owned()).spawn(nicer).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank() -> i32 {
        rustix::process::nice(0).unwrap()
    }

    #[tokio::test]
    async fn what_is_done_beside_the_calls_is_nicer_and_nothing_else_is() {
        let before = rank();
        for kind in [Rank::Follows, Rank::Rests] {
            let expected = (before + kind.nicer()).min(19);
            assert_eq!(run("test", kind, async { rank() }).await.unwrap(), expected);
            assert_eq!(block("test", kind, rank).await.unwrap(), expected);
        }
        assert_eq!(rank(), before);
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_given_up_and_a_panic_is_told() {
        let (kept, dropped) = oneshot::channel::<()>();
        let work = async move {
            std::future::pending::<()>().await;
            drop(kept);
        };
        let waiting = tokio::spawn(async move { run("test", Rank::Follows, work).await });
        tokio::task::yield_now().await;
        waiting.abort();
        assert!(dropped.await.is_err(), "its parts are dropped");
        assert!(block("test", Rank::Rests, || panic!("on purpose")).await.is_err());
    }
}
