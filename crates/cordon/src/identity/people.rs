//! What people do about themselves and, with the right to it, about others. Rights are checked before ([`super::permit()`]).

use std::{collections::BTreeMap, net::IpAddr};

use cordon_core::{
    Digest, DurationMs, Role, State, Timestamp, UserId,
    command::{NewUser, Wish},
    fact::Actor,
    identity::{KnownUser, Origin},
};
use cordon_store::identity::{Grant, GrantKind, MAX_TOKENS};
use http::{HeaderMap, HeaderValue};
use unicode_normalization::UnicodeNormalization as _;

use super::{
    Callback, Caller, Departure, Identity, People, Secret, SecretKind, SignedIn, oidc::Provider, password,
    unauthenticated, unavailable,
};
use crate::{
    api::{
        Done, Problem,
        people::{AccessKind, AddUser, Enrolment, GrantView, Me, NewToken, TokenLogin, TokenMade, UserView},
    },
    desk::refused,
};

/// The longest login, in bytes: that of an e-mail address (RFC 5321).
const MAX_LOGIN: usize = 254;
/// The longest name and label, in bytes.
const MAX_NAME: usize = 200;

/// One form of a login, however it is typed.
fn login_of(text: &str) -> Option<String> {
    let text: String = text.trim().nfkc().flat_map(char::to_lowercase).collect();
    let plain = !text.is_empty()
        && text.len() <= MAX_LOGIN
        && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    plain.then_some(text)
}

fn text_of(text: Option<String>, what: &str) -> Result<Option<String>, Problem> {
    match text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()) {
        Some(text) if text.len() > MAX_NAME || text.chars().any(char::is_control) => {
            Err(unfit(format!("the {what} has more than {MAX_NAME} bytes, or control characters")))
        }
        other => Ok(other),
    }
}

impl Identity {
    /// Begins a session with a password. `headers` are those of the request: a session that the browser had ends.
    ///
    /// # Errors
    /// With status 401 for a wrong login or password, which are not told apart, 429 after too many of them, 403 where the
    /// request is somebody else's page or came without TLS from elsewhere.
    pub async fn sign_in(
        &self,
        login: &str,
        password: String,
        headers: &HeaderMap,
        from: Option<IpAddr>,
    ) -> Result<SignedIn, Problem> {
        self.inner.site.near(headers)?;
        self.inner.site.same_origin(headers, false)?;
        let people = self.people()?;
        let user = people.authenticate(login, password, from).await?;
        people.begin(&self.inner.site, user, None, headers).await
    }

    /// Whether there is an identity provider to sign in with.
    pub fn has_provider(&self) -> bool {
        self.inner.people.as_ref().is_some_and(|people| people.provider.is_some())
    }

    /// Sends a browser to the identity provider; `next` is the path on this site that it comes back to.
    ///
    /// # Errors
    /// When there is no provider, or it does not answer.
    pub async fn depart(&self, next: Option<&str>, headers: &HeaderMap) -> Result<Departure, Problem> {
        self.provider()?.1.depart(&self.inner.site, headers, next).await
    }

    /// Begins a session for somebody who comes back from the identity provider. Gives the path to go on to, and the header
    /// that takes the cookie of the sign-in away.
    ///
    /// # Errors
    /// With status 401 where the answer is not the one to a sign-in of this browser, or is not believed; 403 where no group
    /// gives a role, or the person is disabled here; 503 where the provider does not answer.
    pub async fn arrive(
        &self,
        callback: Callback,
        headers: &HeaderMap,
    ) -> Result<(SignedIn, String, Option<HeaderValue>), Problem> {
        let (people, provider) = self.provider()?;
        let site = &self.inner.site;
        let arrival = provider.arrive(site, headers, callback, people.lifetimes.session).await?;
        {
            let _turn = people.turn.lock().await;
            let state = people.state();
            match state.user(arrival.user) {
                Some(known) if known.disabled.is_some() => {
                    let detail = "you are disabled here; help: an admin can enable you again";
                    return Err(Problem::new(403, "disabled", "the person is disabled", detail));
                }
                Some(_) => {
                    let wish = Wish::SetRole(arrival.user, arrival.role, Origin::Provider);
                    people.wish(wish, Actor::Cordon).await?;
                }
                None => {
                    let new = NewUser {
                        id: arrival.user,
                        origin: Origin::Provider,
                        role: arrival.role,
                        login: arrival.login,
                        name: arrival.name,
                    };
                    people.wish(Wish::AddUser(new), Actor::Cordon).await?;
                }
            }
        }
        let signed_in = people.begin(site, arrival.user, Some(arrival.vouch), headers).await?;
        Ok((signed_in, arrival.next, Provider::arrived(site)))
    }

    fn provider(&self) -> Result<(&People, &Provider), Problem> {
        let people = self.people()?;
        people.provider.as_ref().map(|provider| (people, provider)).ok_or_else(|| {
            let detail = "no identity provider is configured; help: `identity.oidc.issuer` names one";
            Problem::new(404, "no_provider", "there is no identity provider", detail)
        })
    }

    /// Ends the caller's session or token. Gives the header that takes the cookie away.
    ///
    /// # Errors
    /// When the credentials cannot be written.
    pub async fn sign_out(&self, caller: &Caller) -> Result<Option<HeaderValue>, Problem> {
        if let Some(grant) = caller.grant() {
            self.people()?.store.end(grant.secret).await.map_err(unavailable)?;
        }
        Ok(self.inner.site.clear_cookie(super::SESSION_COOKIE))
    }

    /// A personal token for a password.
    ///
    /// # Errors
    /// As [`Self::sign_in`].
    pub async fn token_for_password(
        &self,
        wish: TokenLogin,
        headers: &HeaderMap,
        from: Option<IpAddr>,
    ) -> Result<TokenMade, Problem> {
        self.inner.site.same_origin(headers, false)?;
        let people = self.people()?;
        let user = people.authenticate(&wish.login, wish.password, from).await?;
        people.make_token(user, None, wish.token).await
    }

    /// A personal token for the person of a session.
    ///
    /// # Errors
    /// When the caller has no session, or too many tokens.
    pub async fn make_token(&self, caller: &Caller, wish: NewToken) -> Result<TokenMade, Problem> {
        let (Some(user), super::Access::Session(session, _)) = (caller.user(), &caller.access) else {
            return Err(Problem::new(
                403,
                "session_needed",
                "a session is needed",
                "only somebody who is signed in makes a token: a token makes none; help: sign in with a browser, or \
                 `cordon login`",
            ));
        };
        // What a provider vouches for ends with the session in which it does.
        let parent = session.provider.then(|| Grant::clone(session));
        self.people()?.make_token(user, parent, wish).await
    }

    /// Chooses a password with a secret that an administrator handed out, once.
    ///
    /// # Errors
    /// With status 401 where the secret is none or was used, 422 where the password will not do.
    pub async fn enrol(
        &self,
        secret: &str,
        password: String,
        from: Option<IpAddr>,
    ) -> Result<UserId, Problem> {
        let people = self.people()?;
        let now = people.clock.now();
        let void = || {
            unauthenticated(
                "the enrolment is not known, was used, or has ended; help: an admin gives out another one with `cordon user \
                 reset`",
            )
        };
        let secret = Secret::parse(SecretKind::Enrolment, secret.trim()).ok_or_else(void)?;
        // 256 bits are not guessed; an address that tries all the same is slowed down like any other.
        let attempt = format!("\0{}", secret.digest());
        people.attempts.begin(&attempt, from, now).map_err(slow_down)?;
        let user =
            people.store.enrolment(secret.digest(), now).await.map_err(unavailable)?.ok_or_else(void)?;
        people.attempts.succeeded(&attempt, from);
        let credential = people.store.credential_of(user).await.map_err(unavailable)?.ok_or_else(void)?;
        if people.state().user(user).is_none_or(|known| known.disabled.is_some()) {
            return Err(void());
        }
        let hash = people.hash(password, &credential.login).await?;
        people.store.redeem(secret.digest(), &hash, now).await.map_err(unavailable)?.ok_or_else(void)
    }

    /// Changes the caller's password. Their other sessions and tokens end.
    ///
    /// # Errors
    /// With status 401 where the old one is wrong, 422 where the new one will not do.
    pub async fn change_password(
        &self,
        caller: &Caller,
        old: String,
        new: String,
        from: Option<IpAddr>,
    ) -> Result<(), Problem> {
        let people = self.people()?;
        let (user, grant) = caller.user().zip(caller.grant()).ok_or_else(no_person)?;
        let credential =
            people.store.credential_of(user).await.map_err(unavailable)?.ok_or_else(no_person)?;
        people.authenticate(&credential.login, old, from).await?;
        let hash = people.hash(new, &credential.login).await?;
        let now = people.clock.now();
        people.store.set_password(user, &hash, grant.secret, now).await.map_err(unavailable)
    }

    /// Who the caller is, for themselves.
    ///
    /// # Errors
    /// When names cannot be read.
    pub async fn me(&self, caller: &Caller) -> Result<Me, Problem> {
        let state = self.inner.people.as_ref().map(People::state);
        let known = caller.user().and_then(|user| state.as_ref()?.user(user).cloned());
        let (mut login, mut name) = (None, None);
        if let (Some(known), Some(people)) = (known, &self.inner.people) {
            let mut names = people.names([known.as_ref()]).await?;
            (login, name) = names.remove(&known.user.id).unwrap_or_default();
        }
        let bootstrap = match caller.kind() {
            AccessKind::Bootstrap => state.as_ref().and_then(|state| state.bootstrap_uses().copied()),
            _ => None,
        };
        Ok(Me {
            actor: caller.actor.clone(),
            role: caller.role,
            access: caller.kind(),
            login,
            name,
            expires: caller.grant().map(|grant| grant.expires),
            csrf: caller.csrf().map(str::to_owned),
            bootstrap,
        })
    }

    /// Sessions and tokens that are good now, of one person or of everybody.
    ///
    /// # Errors
    /// When the credentials cannot be read.
    pub async fn grants(&self, caller: &Caller, of: Option<UserId>) -> Result<Vec<GrantView>, Problem> {
        self.grants_after(caller, of, None, usize::MAX).await
    }

    /// A part of them: those after one, which has ended perhaps, at most so many, by their beginning and id.
    ///
    /// # Errors
    /// When the credentials cannot be read.
    pub(crate) async fn grants_after(
        &self,
        caller: &Caller,
        of: Option<UserId>,
        after: Option<(Timestamp, UserId)>,
        most: usize,
    ) -> Result<Vec<GrantView>, Problem> {
        let people = self.people()?;
        let current = caller.grant().map(|grant| grant.secret);
        let view = |grant: Grant| GrantView {
            id: grant.id,
            kind: match grant.kind {
                GrantKind::Session => AccessKind::Session,
                GrantKind::Token => AccessKind::Token,
            },
            user: grant.user,
            label: grant.label,
            created: grant.created,
            seen: grant.seen,
            expires: grant.expires,
            current: current == Some(grant.secret),
        };
        let grants = people.good(of).await?.into_iter();
        let rest = grants.filter(|grant| after.is_none_or(|after| (grant.created, grant.id) > after));
        Ok(rest.take(most).map(view).collect())
    }

    /// Ends one session or token by its id; of this person, where one is given.
    ///
    /// # Errors
    /// When there is none, or the credentials cannot be written.
    pub async fn end_grant(&self, id: UserId, of: Option<UserId>) -> Result<(), Problem> {
        let people = self.people()?;
        let found =
            people.store.grants(of).await.map_err(unavailable)?.into_iter().find(|grant| grant.id == id);
        let grant = found.ok_or_else(|| not_found(format!("session or token `{id}` does not exist")))?;
        people.store.end(grant.secret).await.map_err(unavailable)?;
        Ok(())
    }

    /// Everybody who is known, by login.
    ///
    /// # Errors
    /// When names or credentials cannot be read.
    pub async fn users(&self) -> Result<Vec<UserView>, Problem> {
        let state = self.people()?.state();
        let mut views = self.users_of(&state, None, usize::MAX).await?;
        views.sort_by(|one, other| (&one.login, one.id).cmp(&(&other.login, other.id)));
        Ok(views)
    }

    /// A part of those who are known in a state: after one of them, at most so many, by id.
    ///
    /// # Errors
    /// When names or credentials cannot be read.
    pub(crate) async fn users_of(
        &self,
        state: &State,
        after: Option<UserId>,
        most: usize,
    ) -> Result<Vec<UserView>, Problem> {
        let known: Vec<&KnownUser> = state.users_after(after).take(most).map(AsRef::as_ref).collect();
        self.people()?.views(&known).await
    }

    /// One person.
    ///
    /// # Errors
    /// When nobody has this id, or names or credentials cannot be read.
    pub async fn user(&self, id: UserId) -> Result<UserView, Problem> {
        let people = self.people()?;
        let state = people.state();
        let known = state.user(id).ok_or_else(|| not_found(format!("user `{id}` does not exist")))?;
        let view = people.views(&[known.as_ref()]).await?.pop();
        view.ok_or_else(|| not_found(format!("user `{id}` does not exist")))
    }

    /// Makes somebody known, who then chooses a password with the secret of the answer.
    ///
    /// # Errors
    /// When the login is taken or no login, or the log cannot take the fact.
    pub async fn add_user(&self, wish: AddUser, actor: Actor) -> Result<Enrolment, Problem> {
        let people = self.people()?;
        let login = login_of(&wish.login).ok_or_else(|| {
            unfit(format!("a login is 1 to {MAX_LOGIN} bytes without spaces, such as an e-mail address"))
        })?;
        let name = text_of(wish.name, "name")?;
        let _turn = people.turn.lock().await;
        if self.users().await?.iter().any(|user| user.login.as_ref() == Some(&login)) {
            return Err(Problem::new(
                409,
                "taken",
                "the login is taken",
                "somebody has this login already; help: `cordon user list` shows who is known",
            ));
        }
        let id = UserId::from_bytes(people.random());
        let new = NewUser { id, origin: Origin::Local, role: wish.role, login: login.clone(), name };
        people.wish(Wish::AddUser(new), actor).await?;
        people.enrolment(self, id, &login).await
    }

    /// Makes a person's password void and ends what is signed in; they choose a new one with the secret of the answer.
    ///
    /// # Errors
    /// When there is no such person, a provider vouches for them, or their login was forgotten.
    pub async fn reset_user(&self, id: UserId, actor: Actor) -> Result<Enrolment, Problem> {
        let people = self.people()?;
        let _turn = people.turn.lock().await;
        let user = self.user(id).await?;
        let login = user.login.ok_or_else(|| {
            Problem::new(
                409,
                "forgotten",
                "the person was forgotten",
                format!("the login of user `{id}` is gone; help: `cordon user add` makes another user"),
            )
        })?;
        people.wish(Wish::ResetUser(id), actor).await?;
        people.enrolment(self, id, &login).await
    }

    /// Gives a person another role.
    ///
    /// # Errors
    /// When there is no such person, it is the one who asks, or a provider says the role.
    pub async fn set_role(&self, id: UserId, role: Role, actor: Actor) -> Result<UserView, Problem> {
        not_oneself(id, &actor)?;
        self.people()?.wish(Wish::SetRole(id, role, Origin::Local), actor).await?;
        self.user(id).await
    }

    /// Keeps a person from signing in, and ends what is signed in.
    ///
    /// # Errors
    /// When there is no such person, or it is the one who asks.
    pub async fn disable_user(
        &self,
        id: UserId,
        reason: Option<String>,
        actor: Actor,
    ) -> Result<UserView, Problem> {
        not_oneself(id, &actor)?;
        let people = self.people()?;
        people.wish(Wish::DisableUser(id, reason), actor).await?;
        // Void already, by the fact; gone now, too.
        people.store.end_all(id).await.map_err(unavailable)?;
        self.user(id).await
    }

    /// Lets a person sign in again.
    ///
    /// # Errors
    /// When there is no such person.
    pub async fn enable_user(&self, id: UserId, actor: Actor) -> Result<UserView, Problem> {
        self.people()?.wish(Wish::EnableUser(id), actor).await?;
        self.user(id).await
    }

    /// Ends all sessions and tokens of a person.
    ///
    /// # Errors
    /// When there is no such person.
    pub async fn revoke_sessions(&self, id: UserId, actor: Actor) -> Result<UserView, Problem> {
        let people = self.people()?;
        people.wish(Wish::RevokeSessions(id), actor).await?;
        people.store.end_all(id).await.map_err(unavailable)?;
        self.user(id).await
    }
}

impl People {
    /// Whose password this is. Takes as long for a login that nobody has.
    async fn authenticate(
        &self,
        login: &str,
        password: String,
        from: Option<IpAddr>,
    ) -> Result<UserId, Problem> {
        let wrong = || unauthenticated("login or password are wrong");
        let login = login_of(login).unwrap_or_default();
        self.attempts.begin(&login, from, self.clock.now()).map_err(slow_down)?;
        let credential = self.store.credential(&login).await.map_err(unavailable)?;
        let hash = credential.as_ref().and_then(|credential| credential.hash.clone());
        let right = self.blocking(move || password::verify(&password, hash.as_deref())).await?;
        let credential = credential.filter(|_| right).ok_or_else(wrong)?;
        // Disabled people are told nothing else than a wrong password.
        let state = self.state();
        let may = state.user(credential.user).is_some_and(|known| known.disabled.is_none());
        if !may {
            return Err(wrong());
        }
        self.attempts.succeeded(&login, from);
        Ok(credential.user)
    }

    async fn hash(&self, password: String, login: &str) -> Result<String, Problem> {
        password::check(&password, login).map_err(|problem| {
            Problem::new(422, "password", "the password will not do", problem.to_string())
        })?;
        let salt = self.random();
        let hash = self.blocking(move || password::hash(&password, salt)).await?;
        hash.ok_or_else(|| {
            Problem::new(500, "internal", "something failed", "the password could not be hashed")
        })
    }

    /// Work of tens of milliseconds and many MiB: beside the requests, and not too much of it at a time.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let busy = || Problem::new(503, "stopping", "the server is stopping", "the server is stopping");
        let place = self.hashing.clone().acquire_owned().await.map_err(|_| busy())?;
        // The place is held by the work itself: who goes away in the middle does not make room for more.
        let work = move || {
            let done = work();
            drop(place);
            done
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| busy())
    }

    async fn make_token(
        &self,
        user: UserId,
        parent: Option<Grant>,
        wish: NewToken,
    ) -> Result<TokenMade, Problem> {
        let label = text_of(wish.label, "label")?;
        let lifetime = wish.expires.unwrap_or(self.lifetimes.token);
        if lifetime == DurationMs::from_millis(0) || lifetime > self.lifetimes.longest_token {
            return Err(unfit(format!(
                "a token lives for at least 1ms and at most {}",
                self.lifetimes.longest_token
            )));
        }
        let now = self.clock.now();
        let expires = now.plus(lifetime);
        let expires = parent.as_ref().map_or(expires, |parent| expires.min(parent.expires));
        let secret = Secret::new(SecretKind::Token, self.random());
        let grant = Grant {
            secret: secret.digest(),
            id: UserId::from_bytes(self.random()),
            kind: GrantKind::Token,
            user,
            provider: parent.is_some(),
            parent: parent.map(|parent| parent.secret),
            label,
            created: now,
            seen: now,
            expires,
        };
        if !self.store.put_grant(&grant).await.map_err(unavailable)? {
            return Err(Problem::new(
                409,
                "too_many",
                "there are too many tokens",
                format!(
                    "a person has at most {MAX_TOKENS} tokens; help: end one that is not needed any more"
                ),
            ));
        }
        Ok(TokenMade { token: secret.expose().to_owned(), id: grant.id, expires })
    }

    async fn wish(&self, wish: Wish, actor: Actor) -> Result<Done, Problem> {
        let granted = self.sequencer.wish(wish, actor).await.map_err(refused)?;
        Ok(Done { position: granted.position, time: granted.time, changed: !granted.touched.is_empty() })
    }

    /// Lets the log follow what the provider says of a role.
    pub(super) async fn follow(&self, user: UserId, role: Role) {
        if let Err(problem) = self.wish(Wish::SetRole(user, role, Origin::Provider), Actor::Cordon).await {
            tracing::warn!(%problem, "a role that the identity provider changed is not in the log yet");
        }
    }

    /// Lets a person choose a password.
    async fn enrolment(&self, identity: &Identity, id: UserId, login: &str) -> Result<Enrolment, Problem> {
        let now = self.clock.now();
        if !self.store.set_login(id, login, now).await.map_err(unavailable)? {
            return Err(Problem::new(409, "taken", "the login is taken", "somebody else has this login"));
        }
        let secret = Secret::new(SecretKind::Enrolment, self.random());
        let expires = now.plus(self.lifetimes.enrolment);
        self.store.enrol(id, secret.digest(), expires).await.map_err(unavailable)?;
        let user = identity.user(id).await?;
        Ok(Enrolment { user, secret: secret.expose().to_owned(), expires })
    }

    /// Grants that are good now.
    async fn good(&self, of: Option<UserId>) -> Result<Vec<Grant>, Problem> {
        let (now, state) = (self.clock.now(), self.state());
        let mut grants = self.store.grants(of).await.map_err(unavailable)?;
        grants.retain(|grant| {
            !self.is_over(grant, now)
                && state.user(grant.user).is_some_and(|known| !known.ended(grant.created))
        });
        Ok(grants)
    }

    async fn views(&self, known: &[&KnownUser]) -> Result<Vec<UserView>, Problem> {
        let mut names = self.names(known.iter().copied()).await?;
        let of = match known {
            [one] => Some(one.user.id),
            _ => None,
        };
        let mut signed_in: BTreeMap<UserId, usize> = BTreeMap::new();
        for grant in self.good(of).await? {
            *signed_in.entry(grant.user).or_default() += 1;
        }
        let enrolled = self.store.enrolled().await.map_err(unavailable)?;
        Ok(known
            .iter()
            .map(|known| {
                let id = known.user.id;
                let (login, name) = names.remove(&id).unwrap_or_default();
                UserView {
                    id,
                    login,
                    name,
                    role: known.user.role,
                    origin: known.user.origin,
                    added: known.added,
                    disabled: known.disabled,
                    enrolled: enrolled.contains(&id),
                    signed_in: signed_in.get(&id).copied().unwrap_or(0),
                }
            })
            .collect())
    }

    /// Logins and names, as far as they were not forgotten.
    pub(super) async fn names<'k>(
        &self,
        known: impl IntoIterator<Item = &'k KnownUser>,
    ) -> Result<BTreeMap<UserId, (Option<String>, Option<String>)>, Problem> {
        let known: Vec<(UserId, Option<Digest>, Option<Digest>)> = known
            .into_iter()
            .map(|known| {
                let name = known.user.name.as_ref().and_then(cordon_core::Sealed::digest);
                (known.user.id, known.user.login.digest(), name)
            })
            .collect();
        let digests: Vec<Digest> =
            known.iter().flat_map(|(_, login, name)| [*login, *name]).flatten().collect();
        let vault = self.sequencer.loader().log().seals(&digests).await.map_err(crate::desk::unreachable)?;
        let open = |digest: Option<Digest>| vault.get(&digest?)?.open::<String>();
        Ok(known.into_iter().map(|(id, login, name)| (id, (open(login), open(name)))).collect())
    }
}

fn not_oneself(id: UserId, actor: &Actor) -> Result<(), Problem> {
    if *actor == Actor::User(id) {
        return Err(Problem::new(
            409,
            "oneself",
            "nobody changes their own rights",
            "another admin has to do that",
        ));
    }
    Ok(())
}

fn no_person() -> Problem {
    Problem::new(403, "no_person", "a person is needed", "only a person with a password here can do that")
}

fn not_found(detail: String) -> Problem {
    Problem::new(404, "not_found", "it does not exist", detail)
}

fn unfit(detail: String) -> Problem {
    Problem::new(422, "invalid", "what was sent cannot be applied", detail)
}

/// How long to wait is rounded up to whole seconds.
fn slow_down(wait: DurationMs) -> Problem {
    let seconds = wait.as_millis().div_ceil(1000);
    let problem = Problem::new(
        429,
        "slow_down",
        "too many attempts",
        format!("there were too many failed attempts; help: try again in {seconds}s"),
    );
    Problem { retry_after: Some(seconds), ..problem }
}
