//! Everything that people can ask of a Cordon: the operations behind the control API, which the command line also uses
//! on a folder that nobody serves. Plain values in, plain values out; HTTP and text are the business of others.

mod calls;
mod content;
mod curve;
mod detectors;
mod diff;
mod effect;
mod feedback;
mod following;
mod held;
mod inspect;
mod limits;
mod lists;
mod newest;
mod quarantine;
mod rates;
mod routes;
mod triggers;
mod unfound;
pub(crate) mod uses;

use cordon_core::{
    CallId, Fact, KeyId, Name, State, Timestamp,
    command::{self, Change, NewKey, Rejection, Rotation, Vault, Wish},
    evidence::LogKey,
    fact::{Actor, Body},
    resource::{Kind, Resource},
    state::Touched,
};
use cordon_guard::Gateway;
use cordon_inspect::Engine;
use cordon_ledger::{Rotation as KeyRotation, SigningKey};
use cordon_store::{
    Sequencer,
    log::{LoadError, Loader, Log, LogError},
    sequencer::{self, WishError},
};

pub use calls::{CallLog, CallsProblem};
pub(crate) use feedback::standing;
pub use following::Following;
pub(crate) use limits::rank;
use lists::{Standpoints, key_view, view};
pub use newest::{Ended, Newest};

use crate::{
    api::{
        CreateKey, DocumentProblem, Documents, Done, KeyView, Plan, Problem, ResourceView, RevokeKey,
        RotateKey,
    },
    clock::Clock,
    content::{Contents, unkept, unkept_warning},
    declare,
    held::Held,
    proof::{self, CallProof, ProveError},
    quarantine::Quarantines,
    watch::Watch,
};

/// Where wishes go and questions are answered. Clones share everything.
#[derive(Clone)]
pub struct Desk {
    governed: Governed,
    calls: CallLog,
    contents: Option<Contents>,
    held: Option<Held>,
    quarantines: Option<Quarantines>,
    gateway: Option<Gateway>,
    watch: Option<Watch>,
    engine: Engine,
    clock: Clock,
    standpoints: Standpoints,
}

#[derive(Clone)]
enum Governed {
    /// A log that this process serves.
    Served(Sequencer),
    /// A log that is only read.
    Still(Loader),
    /// A folder in which nothing was done yet.
    Nothing,
}

/// The most recent calls that a plan judges again.
pub const MAX_RECENT: u32 = 1_000_000;

impl Desk {
    /// A desk of a served log.
    pub fn served(sequencer: Sequencer, calls: CallLog, engine: Engine, clock: Clock) -> Self {
        Self::of(Governed::Served(sequencer), calls, engine, clock)
    }

    /// A desk of a log that is only read: every wish is refused.
    pub fn still(loader: Loader, calls: CallLog, engine: Engine, clock: Clock) -> Self {
        Self::of(Governed::Still(loader), calls, engine, clock)
    }

    /// A desk of a folder in which nothing was done yet: everything can be asked, and every wish is refused.
    pub fn empty(calls: CallLog, engine: Engine, clock: Clock) -> Self {
        Self::of(Governed::Nothing, calls, engine, clock)
    }

    fn of(governed: Governed, calls: CallLog, engine: Engine, clock: Clock) -> Self {
        let standpoints = Standpoints::default();
        let (contents, held, quarantines, gateway, watch) = (None, None, None, None, None);
        Self { governed, calls, contents, held, quarantines, gateway, watch, engine, clock, standpoints }
    }

    /// The calls.
    pub fn calls(&self) -> &CallLog {
        &self.calls
    }

    /// The detectors.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The time now.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The log, where there is one.
    pub(crate) fn log(&self) -> Option<&dyn Log> {
        self.loader().map(|loader| loader.log().as_ref())
    }

    fn loader(&self) -> Option<&Loader> {
        match &self.governed {
            Governed::Served(sequencer) => Some(sequencer.loader()),
            Governed::Still(loader) => Some(loader),
            Governed::Nothing => None,
        }
    }

    /// The state now or at a time. A time before the first fact gives the empty state.
    ///
    /// # Errors
    /// When the log cannot be read, or not up to that time.
    pub async fn state(&self, as_of: Option<Timestamp>) -> Result<State, Problem> {
        let loaded = match (&self.governed, self.loader(), as_of) {
            (_, None, _) => return Ok(State::new()),
            (Governed::Served(sequencer), _, None) => return Ok(sequencer.committed().state),
            (_, Some(loader), Some(time)) => loader.state_as_of(time).await.map_err(unreadable)?,
            (_, Some(loader), None) => loader.load().await.map_err(unreadable)?,
        };
        match loaded.stalled {
            None => Ok(loaded.state),
            Some(stalled) => {
                Err(Problem::new(503, "stalled", "the log is newer than this program", stalled.to_string()))
            }
        }
    }

    /// The proof of a call.
    ///
    /// # Errors
    /// When the call is not recorded here, too young to be proved, or something cannot be read.
    pub async fn prove(&self, call: CallId) -> Result<CallProof, Problem> {
        let unknown = || not_found(format!("call `{call}` is not recorded here"));
        let row = self.calls.row(call).await?.ok_or_else(unknown)?;
        let log = self.loader().ok_or_else(unknown)?.log();
        let state = self.state(None).await?;
        let (data, archive) = (self.calls.data(), self.calls.archive());
        let sources = proof::Sources { log: log.as_ref(), state: &state, data, archive };
        proof::prove(&sources, &row).await.map_err(|error| match &error {
            ProveError::Pending(_) => Problem::new(409, "pending", "the proof is pending", error.to_string()),
            ProveError::Broken { .. } => {
                Problem::new(503, "unprovable", "there is no proof", error.to_string())
            }
        })
    }

    /// Takes a new key for checkpoints: a fact that the old key and the new one sign together. Nobody else may append
    /// meanwhile, since the statement names the size from which on the new key signs. Gives the position of the fact.
    ///
    /// # Errors
    /// When the old key is not the one of the log, or the log takes no facts.
    pub async fn rotate_log_key(&self, old: &SigningKey, new: &SigningKey) -> Result<u64, Problem> {
        let sequencer = self.sequencer()?;
        let state = sequencer.committed().state;
        let wrong = |why: String| Problem::new(409, "wrong_key", "the key cannot be replaced", why);
        let new_key = new.verifier_key().to_string();
        match state.log_key() {
            // An attempt before this one was cut off after its fact.
            Some(key) if key.key == new_key => return Ok(state.position()),
            Some(key) if key.key == old.verifier_key().to_string() => {}
            Some(key) => {
                return Err(wrong(format!(
                    "the log is signed with `{}`, not with the key that is here",
                    key.key
                )));
            }
            None => return Err(wrong("nothing was signed yet; help: `cordon up` signs the log".to_owned())),
        }
        let position = state.position();
        let statement =
            KeyRotation::sign(old.verifier_key().name().as_str(), old, new, position.saturating_add(1))
                .map_err(|error| wrong(error.to_string()))?;
        let key = LogKey { key: new_key, statement: Some(statement.to_string()) };
        let granted = sequencer.wish(Wish::SetLogKey(key), Actor::Local).await.map_err(refused)?;
        if granted.position == position {
            return Ok(position);
        }
        Err(wrong(
            "somebody else appended a fact meanwhile; help: stop everything that writes this log".to_owned(),
        ))
    }

    /// A resource.
    ///
    /// # Errors
    /// When it does not exist, or the log cannot be read.
    pub async fn get(
        &self,
        kind: Kind,
        name: &Name,
        as_of: Option<Timestamp>,
    ) -> Result<ResourceView, Problem> {
        let state = self.state(as_of).await?;
        let standing = state.resource(kind, name).ok_or_else(|| match as_of {
            None => rejected(Rejection::NotFound { kind: kind.to_string(), name: name.to_string() }),
            Some(time) => not_found(format!("{kind} `{name}` did not exist at {time}")),
        })?;
        let vault = self.vault([&standing.spec]).await?;
        Ok(view(kind, name.clone(), standing.as_ref().clone(), &vault))
    }

    /// What applying documents would change, and what that would have meant for recent calls.
    ///
    /// # Errors
    /// With everything that is wrong with the documents, or when the log cannot be read.
    pub async fn plan(&self, documents: Documents) -> Result<Plan, Problem> {
        let resources = read(documents.documents)?;
        let state = self.state(None).await?;
        let changes = self.changes(&state, &resources).await?;
        let recent = documents.recent.min(MAX_RECENT);
        let effect = if changes.is_empty() || recent == 0 {
            None
        } else {
            let judge = effect::Judge::new(&state, &changes, self.clock.now());
            Some(self.calls.judge(judge, recent, self.engine.detectors()).await.map_err(Problem::from)?)
        };
        let warnings = warnings(&planned(&state, &changes, self.clock.now()).0, &changes);
        Ok(Plan { position: state.position(), changes: views(&changes), warnings, effect })
    }

    /// Makes the documents true: all of them, or none.
    ///
    /// # Errors
    /// With everything that is wrong with the documents, or when the log cannot take the facts.
    pub async fn apply(&self, documents: Documents, actor: Actor) -> Result<Plan, Problem> {
        let resources = read(documents.documents)?;
        let state = self.state(None).await?;
        let changes = self.changes(&state, &resources).await?;
        let granted = self.sequencer()?.wish(Wish::Apply(resources), actor).await.map_err(refused)?;
        let warnings = warnings(&self.state(None).await?, &changes);
        // Somebody else may have been faster with a part of it: only what this wish appended is told.
        let mut changes = views(&changes);
        changes
            .retain(|change| granted.touched.contains(&Touched::Resource(change.kind, change.name.clone())));
        let position = granted.position.saturating_add(granted.touched.len() as u64);
        Ok(Plan { position, changes, warnings, effect: None })
    }

    /// Takes a resource away.
    ///
    /// # Errors
    /// When it does not exist or others need it, or the log cannot take the fact.
    pub async fn delete(&self, kind: Kind, name: Name, actor: Actor) -> Result<Done, Problem> {
        self.wish(Wish::Delete(kind, name), actor).await
    }

    /// Makes a key.
    ///
    /// # Errors
    /// When the principal does not exist or may not use a route, or the log cannot take the fact.
    pub async fn create_key(&self, wish: CreateKey, actor: Actor) -> Result<KeyView, Problem> {
        let id = wish.id;
        let new = NewKey {
            id,
            secret: wish.secret_sha256,
            principal: wish.principal,
            routes: wish.routes,
            lifetime: wish.expires,
        };
        self.wish(Wish::IssueKey(new), actor).await?;
        self.key(id).await
    }

    /// Makes a key that takes the place of another one.
    ///
    /// # Errors
    /// When the old key does not exist or has ended, or the log cannot take the facts.
    pub async fn rotate_key(&self, old: KeyId, wish: RotateKey, actor: Actor) -> Result<KeyView, Problem> {
        let rotation = Rotation {
            old,
            id: wish.id,
            secret: wish.secret_sha256,
            lifetime: wish.expires,
            overlap: wish.overlap,
        };
        self.wish(Wish::RotateKey(rotation), actor).await?;
        self.key(wish.id).await
    }

    /// Makes a key void at once.
    ///
    /// # Errors
    /// When it does not exist, or the log cannot take the fact.
    pub async fn revoke_key(&self, id: KeyId, why: RevokeKey, actor: Actor) -> Result<KeyView, Problem> {
        self.wish(Wish::RevokeKey(id, why.reason), actor).await?;
        self.key(id).await
    }

    async fn changes(&self, state: &State, resources: &[Resource]) -> Result<Vec<Change>, Problem> {
        match self.loader() {
            Some(loader) => sequencer::plan(loader, state, resources).await.map_err(refused),
            None => command::plan(state, resources, &Vault::new()).map_err(rejected),
        }
    }

    async fn key(&self, id: KeyId) -> Result<KeyView, Problem> {
        let state = self.state(None).await?;
        let key = state.key(id).ok_or_else(|| not_found(format!("key `{id}` does not exist")))?;
        Ok(key_view(key, self.clock.now()))
    }

    async fn wish(&self, wish: Wish, actor: Actor) -> Result<Done, Problem> {
        Ok(self.sequencer()?.wish(wish, actor).await.map_err(refused)?.into())
    }

    fn sequencer(&self) -> Result<&Sequencer, Problem> {
        match &self.governed {
            Governed::Served(sequencer) => Ok(sequencer),
            Governed::Still(_) | Governed::Nothing => {
                Err(Problem::new(503, "read_only", "the log is only read", "the log was opened only to read"))
            }
        }
    }
}

fn read(documents: Vec<serde_json::Value>) -> Result<Vec<Resource>, Problem> {
    let reading = declare::read_json("request", documents);
    if reading.diagnostics.is_empty() {
        return Ok(reading.declaration.resources());
    }
    let problems = reading.diagnostics.into_iter().map(|diagnostic| DocumentProblem {
        kind: None,
        name: None,
        path: diagnostic.path,
        message: diagnostic.message,
    });
    Err(invalid(problems.collect()))
}

/// The state that changes would lead to, and what of it they touch.
fn planned(state: &State, changes: &[Change], now: Timestamp) -> (State, Vec<Touched>) {
    let mut planned = state.clone();
    let mut touched = Vec::new();
    for change in changes {
        let body = match (&change.before, &change.after) {
            (_, Some(after)) => Body::ResourceSet(after.clone()),
            (Some(gone), None) => Body::ResourceRemoved(gone.spec.kind(), gone.name.clone()),
            (None, None) => continue,
        };
        touched.extend(planned.apply(&Fact { time: now, actor: Actor::Cordon, body }));
    }
    (planned, touched)
}

/// What is allowed and yet should be looked at, in the resources that change.
fn warnings(state: &State, changes: &[Change]) -> Vec<String> {
    let changed = |kind: Kind, name: &Name| {
        changes
            .iter()
            .filter_map(|change| change.after.as_ref())
            .any(|resource| resource.spec.kind() == kind && resource.name == *name)
    };
    unkept(state)
        .into_iter()
        .filter(|(route, system)| changed(Kind::Route, route) || changed(Kind::System, system))
        .map(|(route, system)| unkept_warning(&route, &system))
        .chain(unfound::warnings(state, |name| changed(Kind::Guard, name)))
        .collect()
}

impl From<sequencer::Granted> for Done {
    fn from(granted: sequencer::Granted) -> Self {
        Self { position: granted.position, time: granted.time, changed: !granted.touched.is_empty() }
    }
}

fn views(changes: &[Change]) -> Vec<crate::api::ChangeView> {
    changes.iter().filter_map(diff::change).collect()
}

fn not_found(detail: String) -> Problem {
    Problem::new(404, "not_found", "it does not exist", detail)
}

fn invalid(problems: Vec<DocumentProblem>) -> Problem {
    let detail = format!("{} problem(s) in what was sent; nothing was changed", problems.len());
    Problem { problems, ..Problem::new(422, "invalid", "what was sent cannot be applied", detail) }
}

fn rejected(rejection: Rejection) -> Problem {
    let detail = rejection.to_string();
    match rejection {
        Rejection::Invalid(problems) => invalid(
            problems
                .into_iter()
                .map(|problem| DocumentProblem {
                    kind: Some(problem.kind),
                    name: Some(problem.name),
                    path: problem.path,
                    message: problem.message,
                })
                .collect(),
        ),
        Rejection::NotFound { .. } => not_found(detail),
        Rejection::InUse { .. } => Problem::new(409, "in_use", "others still need it", detail),
        Rejection::Refused(_) => Problem::new(409, "refused", "it cannot be done now", detail),
    }
}

pub(crate) fn refused(error: WishError) -> Problem {
    match error {
        WishError::Rejected(rejection) => rejected(rejection),
        WishError::Stopping => Problem::new(503, "stopping", "the server is stopping", error.to_string()),
        WishError::Crowded => Problem::new(409, "crowded", "others are faster", error.to_string()),
        WishError::Stalled(_) => {
            Problem::new(503, "stalled", "the log is newer than this program", error.to_string())
        }
        WishError::Log(_) | WishError::Load(_) => {
            Problem::new(503, "log_unavailable", "the log is not available", with_causes(&error))
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "shaped for map_err")]
fn unreadable(error: LoadError) -> Problem {
    Problem::new(503, "log_unavailable", "the log is not available", with_causes(&error))
}

pub(crate) fn unreachable(error: LogError) -> Problem {
    unreadable(LoadError::from(error))
}

/// An error with what caused it, for operators: an error of the store never holds content.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
