//! The sequencer: the one task that decides wishes, in order, and appends what they lead to.

mod task;

use std::{future::Future, sync::Arc, time::Duration};

use cordon_core::{
    DurationMs, State, Timestamp,
    command::{self, Change, Entropy, Rejection, Wish},
    fact::Actor,
    resource::Resource,
    state::Touched,
};
use tokio::sync::{mpsc, oneshot, watch};

use crate::log::{AppendError, LoadError, Loader, LogError, Stalled};

/// Hands wishes to the task that decides them, and shows the committed state. Clones share the task.
#[derive(Clone)]
pub struct Sequencer {
    wishes: mpsc::Sender<Request>,
    committed: watch::Receiver<Committed>,
    loader: Loader,
}

/// What is true of the log as far as this node knows.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The state after all facts that are durable and known here.
    pub state: State,
    /// When the log last said that nothing newer is there.
    pub confirmed: Timestamp,
    /// Whether this node can follow the log.
    pub health: Health,
}

/// Whether a node can follow its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It can.
    Following,
    /// The log cannot be reached or is damaged: the state stays as it is. The text says why.
    Unreachable(String),
    /// A fact cannot be read by this program: the state stays as it is, and nothing is decided any more.
    Stalled(Stalled),
}

/// What a sequencer needs of the world outside.
pub struct Outside {
    /// Tells the time. A clock that goes back never makes the time of facts go back.
    pub now: Box<dyn Fn() -> Timestamp + Send>,
    /// Makes the keys of sealed values.
    pub entropy: Box<dyn Entropy + Send>,
    /// Learns of each commit after it is durable and before anybody is told that it is.
    pub publish: Box<dyn Publish>,
}

/// Learns of committed states, in order, none left out.
pub trait Publish: Send {
    /// The state is now this one, and these keys are all that differ from the one before.
    fn publish(&mut self, state: &State, touched: &[Touched]);
}

impl<F: FnMut(&State, &[Touched]) + Send> Publish for F {
    fn publish(&mut self, state: &State, touched: &[Touched]) {
        self(state, touched);
    }
}

/// A wish that was granted, and is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The position of its first fact.
    pub position: u64,
    /// What its facts touched, one entry a fact. None: the wish was true already.
    pub touched: Vec<Touched>,
    /// The time of its facts.
    pub time: Timestamp,
}

/// Why a wish is not granted.
#[derive(Debug, thiserror::Error)]
pub enum WishError {
    /// It was decided, and the answer is no.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The log could not take its facts, so nothing has changed here.
    #[error("nothing was decided: the log cannot take facts now")]
    Log(#[source] Arc<AppendError>),
    /// The log could not be read.
    #[error("nothing was decided: the log cannot be read now")]
    Load(#[source] Arc<LoadError>),
    /// The log holds a fact that this program cannot read.
    #[error("nothing is decided any more: {0}")]
    Stalled(Stalled),
    /// Other processes were faster, time after time.
    #[error("other processes change the log all the time; help: try again")]
    Crowded,
    /// The sequencer has ended.
    #[error("the server is stopping; help: try again when it is back")]
    Stopping,
}

/// How many wishes may wait. Whoever comes later waits until there is room.
pub const QUEUE: usize = 1024;

/// How often a quiet sequencer asks the log for what others appended.
pub const HEARTBEAT: Duration = Duration::from_secs(1);

struct Request {
    wish: Wish,
    actor: Actor,
    reply: oneshot::Sender<Result<Granted, WishError>>,
}

impl Sequencer {
    /// Loads the state and makes the task that goes on from it. The caller spawns the task; it ends, after it decided all
    /// that waits and wrote a state cache, when every clone of the sequencer is gone or `stop` resolves.
    ///
    /// A log that holds a fact of a newer version gives a sequencer that is [`Health::Stalled`].
    ///
    /// # Errors
    /// When the log cannot be read or is damaged.
    pub async fn start(
        loader: Loader,
        outside: Outside,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<(Self, impl Future<Output = ()> + Send), LoadError> {
        let loaded = loader.load().await?;
        let committed = Committed {
            state: loaded.state,
            confirmed: (outside.now)(),
            health: loaded.stalled.map_or(Health::Following, Health::Stalled),
        };
        let (wishes, queue) = mpsc::channel(QUEUE);
        let (sender, receiver) = watch::channel(committed.clone());
        let task = task::Task::new(loader.clone(), outside, committed, sender);
        Ok((Self { wishes, committed: receiver, loader }, task.run(queue, stop)))
    }

    /// Asks for something. Returns when it is durable and published, or refused.
    ///
    /// # Errors
    /// With the reason why it is not granted.
    pub async fn wish(&self, wish: Wish, actor: Actor) -> Result<Granted, WishError> {
        let (reply, answer) = oneshot::channel();
        let request = Request { wish, actor, reply };
        self.wishes.send(request).await.map_err(|_| WishError::Stopping)?;
        answer.await.map_err(|_| WishError::Stopping)?
    }

    /// Asks for several things at once, which are decided in their order and become durable together where they can. Gives what came of
    /// each, in their order.
    pub async fn wish_all(&self, wishes: Vec<(Wish, Actor)>) -> Vec<Result<Granted, WishError>> {
        let mut waiting = Vec::with_capacity(wishes.len());
        for (wish, actor) in wishes {
            let (reply, answer) = oneshot::channel();
            // Where it cannot be sent there is no reply either.
            let _ = self.wishes.send(Request { wish, actor, reply }).await;
            waiting.push(answer);
        }
        let mut came = Vec::with_capacity(waiting.len());
        for answer in waiting {
            came.push(answer.await.unwrap_or(Err(WishError::Stopping)));
        }
        came
    }

    /// What applying these resources would change now. Nothing is appended.
    ///
    /// # Errors
    /// With every problem of every resource, or when sealed values cannot be read.
    pub async fn plan(&self, resources: &[Resource]) -> Result<Vec<Change>, WishError> {
        plan(&self.loader, &self.committed().state, resources).await
    }

    /// What is true of the log as far as this node knows. Costs no more than a lock for a moment.
    pub fn committed(&self) -> Committed {
        self.committed.borrow().clone()
    }

    /// Tells whenever [`Self::committed`] changes.
    pub fn watch(&self) -> watch::Receiver<Committed> {
        self.committed.clone()
    }

    /// The loader of past states.
    pub fn loader(&self) -> &Loader {
        &self.loader
    }
}

impl Committed {
    /// How long ago the log last said that nothing newer is there.
    pub fn age(&self, now: Timestamp) -> DurationMs {
        now.since(self.confirmed)
    }

    /// Whether this node knows all facts and can decide.
    pub fn is_ready(&self) -> bool {
        self.health == Health::Following
    }
}

/// What applying these resources to a state would change.
///
/// # Errors
/// With every problem of every resource, or when sealed values cannot be read.
pub async fn plan(loader: &Loader, state: &State, resources: &[Resource]) -> Result<Vec<Change>, WishError> {
    let digests = command::sealed_digests(state, &Wish::Apply(resources.to_vec()));
    let vault = loader.log().seals(&digests).await?;
    Ok(command::plan(state, resources, &vault)?)
}

impl From<LoadError> for WishError {
    fn from(error: LoadError) -> Self {
        Self::Load(Arc::new(error))
    }
}

impl From<LogError> for WishError {
    fn from(error: LogError) -> Self {
        LoadError::from(error).into()
    }
}
