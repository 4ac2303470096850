//! Who asks: people who operate Cordon, how they show who they are, and what they may do.
//!
//! The log knows people by id and role; [`cordon_store::IdentityStore`] keeps what they prove themselves with. A request of
//! the control listener becomes a [`Caller`] in one place ([`Identity::caller`]), and [`permit()`] is the one table that says
//! what a role may do. Whatever is disabled, revoked or demoted counts from the next request on: each looks at the state.
//!
//! A page handler calls [`Identity::sign_in`], sets the cookie of [`SignedIn`], and finds the [`Caller`] of later requests
//! among their extensions; `docs/access.md` says the rest.

mod attempts;
mod bootstrap;
mod oidc;
mod password;
mod people;
mod permit;
mod secret;
mod site;

use std::{net::IpAddr, sync::Arc};

use cordon_core::{Digest, DurationMs, Role, State, Timestamp, UserId, fact::Actor};
use cordon_guard::ports::Entropy;
use cordon_store::{
    IdentityStore, Sequencer,
    identity::{Grant, GrantKind, IdentityError, KeptAnswer},
};
use http::{HeaderMap, HeaderValue, header};
use tokio::sync::{Mutex, Semaphore};

pub use oidc::{CALLBACK, Callback, Departure, OidcOptions, OidcParts};
pub use password::{MIN_CHARACTERS, PasswordProblem};
pub use permit::{Verb, permit};
pub use secret::{Secret, SecretKind};
pub use site::{CSRF_FIELD, CSRF_HEADER, ForeignRequest, Site, is_safe, safe_next};

use crate::{
    api::{Problem, people::AccessKind},
    clock::Clock,
    control::AdminToken,
    desk::with_causes,
};

/// The cookie of a session; [`Site::cookie_name`] adds its prefix.
pub const SESSION_COOKIE: &str = "cordon";

/// How long things last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// A session without a request.
    pub idle: DurationMs,
    /// A session, used or not.
    pub session: DurationMs,
    /// A personal token for which nobody says how long.
    pub token: DurationMs,
    /// The longest life of a personal token.
    pub longest_token: DurationMs,
    /// An enrolment.
    pub enrolment: DurationMs,
}

/// What people are known by. Clones share everything.
#[derive(Clone)]
pub struct Identity {
    inner: Arc<Inner>,
}

/// What [`Identity`] is made of.
pub struct Parts {
    /// Decides wishes and knows the state.
    pub sequencer: Sequencer,
    /// The credentials.
    pub store: IdentityStore,
    /// The token of the first administrator; absent where nobody listens.
    pub token: Option<AdminToken>,
    /// Where browsers come.
    pub site: Site,
    /// How long things last.
    pub lifetimes: Lifetimes,
    /// The identity provider of the organisation.
    pub oidc: Option<OidcParts>,
    /// The time.
    pub clock: Clock,
    /// Random bytes.
    pub entropy: Arc<dyn Entropy>,
}

struct Inner {
    bootstrap: Option<bootstrap::Bootstrap>,
    /// Absent: only the administrator's token is known, as in a listener without a log.
    people: Option<People>,
    site: Site,
}

struct People {
    sequencer: Sequencer,
    store: IdentityStore,
    lifetimes: Lifetimes,
    clock: Clock,
    entropy: Arc<dyn Entropy>,
    attempts: attempts::Attempts,
    provider: Option<oidc::Provider>,
    /// Passwords that are hashed at the same time: each costs 19 MiB.
    hashing: Arc<Semaphore>,
    /// Who adds or resets somebody holds this: state and credentials change together.
    turn: Mutex<()>,
}

/// Who asks, found by [`Identity::caller`]. Handlers take it from the request's extensions.
#[derive(Clone, Debug)]
pub struct Caller {
    /// As facts and records name them.
    pub actor: Actor,
    /// What they may do.
    pub role: Role,
    /// How they showed who they are.
    pub access: Access,
}

/// How a caller showed who they are.
#[derive(Clone, Debug)]
pub enum Access {
    /// With the first administrator's token.
    Bootstrap {
        /// Whether some person may read content: then nobody does who has no name.
        readers: bool,
    },
    /// With a session's cookie: its requests that change something repeat this.
    Session(Box<Grant>, String),
    /// With a personal token.
    Token(Box<Grant>),
}

/// A session that has just begun.
#[derive(Debug)]
pub struct SignedIn {
    /// Who.
    pub caller: Caller,
    /// The header `Set-Cookie` for the browser.
    pub cookie: HeaderValue,
}

/// Passwords that are hashed at the same time.
const HASHING: usize = 4;
/// A session's last use is noted when the note before is this old.
const NOTE_EVERY: DurationMs = DurationMs::from_secs(60);

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            idle: DurationMs::from_secs(30 * 60),
            session: DurationMs::from_secs(12 * 3600),
            token: DurationMs::from_secs(30 * 86_400),
            longest_token: DurationMs::from_secs(366 * 86_400),
            enrolment: DurationMs::from_secs(24 * 3600),
        }
    }
}

impl Identity {
    /// People of a log, and the administrator's token.
    pub fn new(parts: Parts) -> Self {
        let provider =
            parts.oidc.map(|oidc| oidc::Provider::new(oidc, parts.clock.clone(), Arc::clone(&parts.entropy)));
        let people = People {
            sequencer: parts.sequencer,
            store: parts.store,
            lifetimes: parts.lifetimes,
            clock: parts.clock,
            entropy: parts.entropy,
            attempts: attempts::Attempts::default(),
            provider,
            hashing: Arc::new(Semaphore::new(HASHING)),
            turn: Mutex::new(()),
        };
        let bootstrap = parts.token.map(bootstrap::Bootstrap::new);
        Self { inner: Arc::new(Inner { bootstrap, people: Some(people), site: parts.site }) }
    }

    /// Nobody but the bearer of this token.
    pub fn of_token(token: AdminToken) -> Self {
        let bootstrap = Some(bootstrap::Bootstrap::new(token));
        Self { inner: Arc::new(Inner { bootstrap, people: None, site: Site::loopback() }) }
    }

    /// Where browsers come.
    pub fn site(&self) -> &Site {
        &self.inner.site
    }

    /// Who sent a request with these headers. A bearer token counts before a cookie.
    ///
    /// # Errors
    /// With status 401 where nobody showed who they are, or what they showed is void; 503 where that cannot be known now.
    pub async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        if let Some(shown) = headers.get(header::AUTHORIZATION) {
            let bearer = match shown.as_bytes().split_at_checked(7) {
                Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") => token,
                _ => return Err(unauthenticated("`Authorization: Bearer` with a token is expected")),
            };
            return self.bearer(bearer).await;
        }
        match self.inner.site.session(headers) {
            Some(secret) => self.session(&secret).await,
            None => Err(unauthenticated(
                "nobody is signed in; help: `cordon login` gets a token for programs, and the content of admin.token in the \
                 data folder works as one until there are users",
            )),
        }
    }

    async fn bearer(&self, shown: &[u8]) -> Result<Caller, Problem> {
        if let Some(bootstrap) = &self.inner.bootstrap
            && bootstrap.is(shown)
        {
            if let Some(people) = &self.inner.people {
                bootstrap.used(&people.sequencer, people.clock.now()).await;
            }
            let readers = self.inner.people.as_ref().is_some_and(|people| {
                people
                    .state()
                    .users()
                    .any(|known| known.disabled.is_none() && permit(known.user.role, Verb::ReadContent))
            });
            let access = Access::Bootstrap { readers };
            return Ok(Caller { actor: Actor::Bootstrap, role: Role::Admin, access });
        }
        let wrong = || {
            unauthenticated(
                "the token is not one of this server, or has ended; help: `cordon login` gets a new one, and \
                 admin.token lies in the data folder",
            )
        };
        let secret = std::str::from_utf8(shown).ok().and_then(|text| Secret::parse(SecretKind::Token, text));
        let (secret, people) = secret.zip(self.inner.people.as_ref()).ok_or_else(wrong)?;
        let grant = people.store.grant(secret.digest()).await.map_err(unavailable)?;
        let grant = grant.filter(|grant| grant.kind == GrantKind::Token).ok_or_else(wrong)?;
        let role = people.check(&grant).await?.ok_or_else(wrong)?;
        people.note_use(&grant).await;
        let actor = Actor::User(grant.user);
        Ok(Caller { actor, role, access: Access::Token(Box::new(grant)) })
    }

    /// Who has the session with this secret.
    ///
    /// # Errors
    /// As [`Self::caller`].
    pub async fn session(&self, secret: &Secret) -> Result<Caller, Problem> {
        let ended = || unauthenticated("the session has ended; help: sign in again");
        let people = self.inner.people.as_ref().ok_or_else(ended)?;
        let grant = people.store.grant(secret.digest()).await.map_err(unavailable)?;
        let grant = grant.filter(|grant| grant.kind == GrantKind::Session).ok_or_else(ended)?;
        let role = people.check(&grant).await?.ok_or_else(ended)?;
        people.note_use(&grant).await;
        let csrf = secret.csrf().to_string();
        let actor = Actor::User(grant.user);
        Ok(Caller { actor, role, access: Access::Session(Box::new(grant), csrf) })
    }

    /// Whether a caller who began something long may go on with it: their session or token is still good, and their role still
    /// includes this. It does not count as a use.
    pub async fn still(&self, caller: &Caller, verb: Verb) -> bool {
        let (Some(grant), Some(people)) = (caller.grant(), &self.inner.people) else { return true };
        let Ok(Some(grant)) = people.store.grant(grant.secret).await else { return false };
        matches!(people.check(&grant).await, Ok(Some(role)) if permit(role, verb))
    }

    /// Tells the log of what it does not know yet, before the end.
    pub async fn flush(&self) {
        if let (Some(bootstrap), Some(people)) = (&self.inner.bootstrap, &self.inner.people) {
            bootstrap.flush(&people.sequencer, people.clock.now()).await;
        }
    }

    /// Forgets sessions, tokens and enrolments whose time is over.
    ///
    /// # Errors
    /// When the credentials cannot be written.
    pub async fn sweep(&self) -> Result<u64, Problem> {
        let Some(people) = &self.inner.people else { return Ok(0) };
        let now = people.clock.now();
        people.store.sweep(now, before(now, people.lifetimes.idle)).await.map_err(unavailable)
    }

    /// The answer that was given under an idempotency key, by the digest of key and caller.
    ///
    /// # Errors
    /// When the credentials cannot be read.
    pub(crate) async fn answer(&self, key: Digest) -> Result<Option<KeptAnswer>, Problem> {
        match &self.inner.people {
            Some(people) => people.store.answer(key, people.clock.now()).await.map_err(unavailable),
            None => Ok(None),
        }
    }

    /// Keeps such an answer.
    ///
    /// # Errors
    /// When the credentials cannot be written.
    pub(crate) async fn keep_answer(&self, key: Digest, answer: &KeptAnswer) -> Result<(), Problem> {
        match &self.inner.people {
            Some(people) => {
                people.store.keep_answer(key, answer, people.clock.now()).await.map_err(unavailable)
            }
            None => Ok(()),
        }
    }

    /// Ends all work on the credentials.
    pub async fn close(&self) {
        self.flush().await;
        if let Some(people) = &self.inner.people {
            people.store.close().await;
        }
    }

    fn people(&self) -> Result<&People, Problem> {
        self.inner.people.as_ref().ok_or_else(|| {
            Problem::new(503, "no_people", "nobody is known here", "this listener knows no people")
        })
    }
}

impl People {
    fn state(&self) -> State {
        self.sequencer.committed().state
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }

    /// What the owner of a grant may do as of now; none where it is not good any more.
    async fn check(&self, grant: &Grant) -> Result<Option<Role>, Problem> {
        if let Some(parent) = grant.parent {
            // It lives no longer than the session that it was made in.
            let Some(parent) = self.store.grant(parent).await.map_err(unavailable)? else { return Ok(None) };
            if parent.parent.is_some() || self.check_one(&parent).await?.is_none() {
                return Ok(None);
            }
        }
        self.check_one(grant).await
    }

    async fn check_one(&self, grant: &Grant) -> Result<Option<Role>, Problem> {
        let now = self.clock.now();
        let state = self.state();
        let known = state.user(grant.user).filter(|known| !known.ended(grant.created));
        let mut role = known.filter(|_| !self.is_over(grant, now)).map(|known| known.user.role);
        if role.is_some() && grant.provider {
            let session = grant.parent.unwrap_or(grant.secret);
            let said = match &self.provider {
                Some(provider) => provider.role_of(session).await?,
                None => None,
            };
            // What the provider says counts at once, whether the log can take it or not.
            if let (Some(said), true) = (said, said != role) {
                self.follow(grant.user, said).await;
            }
            role = said;
        }
        if role.is_none() {
            self.store.end(grant.secret).await.map_err(unavailable)?;
        }
        Ok(role)
    }

    /// Notes that a grant was used, and with it the session that it was made in. One that cannot be noted ends early: the
    /// safe way to fail.
    async fn note_use(&self, grant: &Grant) {
        let now = self.clock.now();
        if now.since(grant.seen) < NOTE_EVERY {
            return;
        }
        for secret in [Some(grant.secret), grant.parent].into_iter().flatten() {
            if let Err(error) = self.store.seen(secret, now).await {
                tracing::warn!(error = with_causes(&error), "the use of a session could not be noted");
            }
        }
    }

    fn is_over(&self, grant: &Grant, now: Timestamp) -> bool {
        let idle = grant.kind == GrantKind::Session && now.since(grant.seen) >= self.lifetimes.idle;
        now >= grant.expires || idle
    }

    /// Begins a session. The one that the browser had before, of whomever, ends.
    async fn begin(
        &self,
        site: &Site,
        user: UserId,
        vouch: Option<oidc::Vouch>,
        headers: &HeaderMap,
    ) -> Result<SignedIn, Problem> {
        if let Some(before) = site.session(headers) {
            self.store.end(before.digest()).await.map_err(unavailable)?;
        }
        let now = self.clock.now();
        let secret = Secret::new(SecretKind::Session, self.random());
        let grant = Grant {
            secret: secret.digest(),
            id: UserId::from_bytes(self.random()),
            kind: GrantKind::Session,
            user,
            parent: None,
            label: None,
            provider: vouch.is_some(),
            created: now,
            seen: now,
            expires: now.plus(self.lifetimes.session),
        };
        if let (Some(provider), Some(vouch)) = (&self.provider, vouch) {
            provider.vouch(grant.secret, vouch);
        }
        self.store.put_grant(&grant).await.map_err(unavailable)?;
        let refused = || unauthenticated("the session cannot begin");
        // What has become of the person meanwhile counts.
        let role = self.check(&grant).await?.ok_or_else(refused)?;
        let age = self.lifetimes.session.as_std();
        let cookie = site.set_cookie(SESSION_COOKIE, secret.expose(), age).ok_or_else(refused)?;
        let access = Access::Session(Box::new(grant), secret.csrf().to_string());
        let caller = Caller { actor: Actor::User(user), role, access };
        Ok(SignedIn { caller, cookie })
    }
}

impl Caller {
    /// Whether they may do this.
    ///
    /// # Errors
    /// With status 403 where they may not.
    pub fn may(&self, verb: Verb) -> Result<(), Problem> {
        if let (Access::Bootstrap { readers: true }, Verb::ReadContent) = (&self.access, verb) {
            let detail = "the administrator's token names nobody, and there are people who may read content; help: `cordon \
                          login`";
            return Err(Problem::new(403, "person_needed", "content is read by people with a name", detail));
        }
        if permit(self.role, verb) {
            return Ok(());
        }
        let detail = format!(
            "the role `{}` does not include `{}`; help: an admin can give another role",
            self.role,
            verb.as_str()
        );
        Err(Problem::new(403, "forbidden", "this role may not do that", detail))
    }

    /// Who, where it is a person.
    pub fn user(&self) -> Option<UserId> {
        match self.actor {
            Actor::User(user) => Some(user),
            _ => None,
        }
    }

    /// What forms and scripts of this session repeat when they change something; none where there is no cookie.
    pub fn csrf(&self) -> Option<&str> {
        match &self.access {
            Access::Session(_, csrf) => Some(csrf),
            _ => None,
        }
    }

    /// Whether this is what the session asks to be repeated.
    ///
    /// # Errors
    /// With status 403 where it is not, and a session is what they showed.
    pub fn check_csrf(&self, repeated: Option<&[u8]>) -> Result<(), Problem> {
        use subtle::ConstantTimeEq as _;
        let Some(expected) = self.csrf() else { return Ok(()) };
        if repeated.is_some_and(|repeated| expected.as_bytes().ct_eq(repeated).into()) {
            return Ok(());
        }
        Err(Problem::new(
            403,
            "csrf",
            "the request is not one of this session's pages",
            "the header `Cordon-Csrf` or the field `csrf` is missing or another session's; help: load the page again",
        ))
    }

    /// The session or token, where there is one.
    pub fn grant(&self) -> Option<&Grant> {
        match &self.access {
            Access::Bootstrap { .. } => None,
            Access::Session(grant, _) | Access::Token(grant) => Some(grant),
        }
    }

    /// How they showed who they are.
    pub const fn kind(&self) -> AccessKind {
        match self.access {
            Access::Bootstrap { .. } => AccessKind::Bootstrap,
            Access::Session(..) => AccessKind::Session,
            Access::Token(_) => AccessKind::Token,
        }
    }
}

/// Where a request came from, as far as the connection says. Behind a proxy it is the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

fn before(now: Timestamp, ago: DurationMs) -> Timestamp {
    let ago = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(now.as_millis().saturating_sub(ago))
}

fn unauthenticated(detail: impl Into<String>) -> Problem {
    Problem::new(401, "unauthenticated", "a sign-in is needed", detail)
}

#[expect(clippy::needless_pass_by_value, reason = "shaped for map_err")]
fn unavailable(error: IdentityError) -> Problem {
    Problem::new(503, "identity_unavailable", "the credentials are not available", with_causes(&error))
}

impl From<ForeignRequest> for Problem {
    fn from(error: ForeignRequest) -> Self {
        Self::new(403, "other_origin", "the request is not one of this site", error.to_string())
    }
}
