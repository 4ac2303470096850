//! Sign-in with the organisation's identity provider: OpenID Connect, authorisation code with PKCE, any provider by
//! discovery. The provider says who somebody is and, by their groups, what they may do; it is asked again while they are at
//! work, so that whoever loses a group or is disabled there loses access here within a minute.
//!
//! Nothing of it is kept on disk: sign-ins under way and the provider's tokens live in memory, and a restart ends the
//! sessions that it vouches for.

mod http;
mod metadata;
mod token;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use cordon_core::{Digest, DurationMs, HmacKey, Role, Timestamp, UserId, resource::SecretRef};
use cordon_guard::{
    ports::Entropy,
    upstream::{Client, Environment, SecretSource},
};
use serde_json::{Map, Value};

use self::{
    http::{Unanswered, encode, encode_form},
    metadata::{Known, Metadata, Newer},
    token::{Expected, TokenProblem, groups, verify},
};
use super::{
    secret::{Secret, SecretKind},
    site::{ForeignRequest, Site, safe_next},
};
use crate::{api::Problem, clock::Clock};

/// The cookie that binds a sign-in under way to its browser.
const SIGN_IN_COOKIE: &str = "cordon-signin";
/// Where the provider sends browsers back to.
pub const CALLBACK: &str = "/signin/callback";
/// How long somebody may take at the provider.
const SIGN_IN_WITHIN: DurationMs = DurationMs::from_secs(600);
/// Sign-ins under way; beyond it the oldest is forgotten.
const MAX_PENDING: usize = 1_000;
/// The provider is asked again about somebody when its last word is this old.
const ASK_AGAIN: DurationMs = DurationMs::from_secs(30);
/// Its last word counts for so long.
const VOUCHED: DurationMs = DurationMs::from_secs(60);
/// A provider that does not answer is asked again after this.
const PAUSE: DurationMs = DurationMs::from_secs(5);

/// An identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcOptions {
    /// Its issuer, letter by letter.
    pub issuer: String,
    /// What it knows Cordon as.
    pub client_id: String,
    /// The secret that goes with it; absent for a public client, which PKCE alone protects.
    pub client_secret: Option<SecretRef>,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// The claim that names groups.
    pub groups_claim: String,
    /// Which group gives which role; the first that somebody is in counts.
    pub roles: Vec<(String, Role)>,
}

/// What the way to an identity provider is made of.
#[derive(Clone)]
pub struct OidcParts {
    /// The provider.
    pub options: OidcOptions,
    /// The way to it.
    pub client: Client,
    /// Where secrets named `env:` are read.
    pub environment: Environment,
    /// The key under which the provider's names for people become ids.
    pub pseudonym: HmacKey,
}

impl OidcOptions {
    /// Whether an issuer is one: `https` or on this machine's loopback, without query and fragment.
    ///
    /// # Errors
    /// With what is wrong.
    pub fn check_issuer(text: &str) -> Result<(), String> {
        if text.contains(['?', '#']) {
            return Err("an issuer has no query and no fragment".to_owned());
        }
        http::Address::parse(text)
            .map(drop)
            .map_err(|_| "an https address such as https://id.example.com is expected".to_owned())
    }
}

pub(super) struct Provider {
    options: OidcOptions,
    client: Client,
    secret: Option<SecretSource>,
    pseudonym: HmacKey,
    clock: Clock,
    entropy: Arc<dyn Entropy>,
    known: Known,
    pending: Mutex<HashMap<Digest, Pending>>,
    vouches: Mutex<HashMap<Digest, Arc<tokio::sync::Mutex<Vouch>>>>,
}

/// A sign-in under way, by the digest of its state.
struct Pending {
    /// Digest of the cookie of its browser.
    browser: Digest,
    nonce: String,
    verifier: String,
    redirect: String,
    next: String,
    began: Timestamp,
}

/// What the provider said of somebody who is signed in, and how to ask it again.
pub(super) struct Vouch {
    subject: String,
    access: String,
    refresh: Option<String>,
    role: Role,
    /// Its last word.
    confirmed: Timestamp,
    /// When it was last asked.
    asked: Timestamp,
    /// When the session ends in any case.
    expires: Timestamp,
}

/// Somebody whom the provider knows and whose groups give a role.
pub(super) struct Arrival {
    pub(super) user: UserId,
    pub(super) login: String,
    pub(super) name: Option<String>,
    pub(super) role: Role,
    pub(super) vouch: Vouch,
    pub(super) next: String,
}

/// Where to send a browser, and the cookie to give it on the way.
#[derive(Debug)]
pub struct Departure {
    /// The header `Location`.
    pub location: ::http::HeaderValue,
    /// The header `Set-Cookie`.
    pub cookie: ::http::HeaderValue,
}

/// What the provider sends a browser back with.
#[derive(Clone, Default, serde::Deserialize)]
pub struct Callback {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

/// What an answer of the token endpoint holds.
struct Tokens {
    access: String,
    refresh: Option<String>,
    id: Option<String>,
}

/// What the provider says now.
enum Word {
    Role(Role),
    Gone,
    Silent(Unanswered),
}

impl Provider {
    pub(super) fn new(parts: OidcParts, clock: Clock, entropy: Arc<dyn Entropy>) -> Self {
        let secret =
            parts.options.client_secret.clone().map(|secret| SecretSource::new(secret, parts.environment));
        Self {
            options: parts.options,
            client: parts.client,
            secret,
            pseudonym: parts.pseudonym,
            clock,
            entropy,
            known: Known::default(),
            pending: Mutex::default(),
            vouches: Mutex::default(),
        }
    }

    /// Begins a sign-in: sends the browser to the provider.
    pub(super) async fn depart(
        &self,
        site: &Site,
        headers: &::http::HeaderMap,
        next: Option<&str>,
    ) -> Result<Departure, Problem> {
        let redirect = format!("{}{CALLBACK}", origin(site, headers)?);
        let now = self.clock.now();
        let metadata = self.metadata(now).await.map_err(silent)?;
        let [state, nonce, verifier, browser] = [(); 4].map(|()| self.random_text());
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Digest::sha256(verifier.as_bytes()).as_bytes());
        let scope = self.options.scopes.join(" ");
        let query = encode_form(&[
            ("response_type", "code"),
            ("client_id", &self.options.client_id),
            ("redirect_uri", &redirect),
            ("scope", &scope),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let mark = if metadata.authorization.contains('?') { '&' } else { '?' };
        let unwritable = || failed("the browser cannot be sent to the identity provider");
        let location = ::http::HeaderValue::try_from(format!("{}{mark}{query}", metadata.authorization))
            .map_err(|_| unwritable())?;
        let cookie =
            site.set_cookie(SIGN_IN_COOKIE, &browser, SIGN_IN_WITHIN.as_std()).ok_or_else(unwritable)?;
        let pending = Pending {
            browser: Digest::sha256(browser.as_bytes()),
            nonce,
            verifier,
            redirect,
            next: safe_next(next),
            began: now,
        };
        let mut all = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_PENDING {
            all.retain(|_, pending| now.since(pending.began) < SIGN_IN_WITHIN);
        }
        if all.len() >= MAX_PENDING
            && let Some(oldest) = all.iter().min_by_key(|(_, pending)| pending.began).map(|(at, _)| *at)
        {
            all.remove(&oldest);
        }
        all.insert(Digest::sha256(state.as_bytes()), pending);
        Ok(Departure { location, cookie })
    }

    /// Takes the cookie of a sign-in away.
    pub(super) fn arrived(site: &Site) -> Option<::http::HeaderValue> {
        site.clear_cookie(SIGN_IN_COOKIE)
    }

    /// Ends a sign-in: who came back, as the provider says.
    pub(super) async fn arrive(
        &self,
        site: &Site,
        headers: &::http::HeaderMap,
        callback: Callback,
        lifetime: DurationMs,
    ) -> Result<Arrival, Problem> {
        let now = self.clock.now();
        // Used up before anything else is asked: whoever repeats it finds nothing.
        let state = callback.state.as_deref().map(|state| Digest::sha256(state.as_bytes()));
        let pending = state
            .and_then(|state| self.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(&state));
        let unknown = || {
            refused(
                "the sign-in is not known, took too long, or was begun in another browser; help: sign in again",
            )
        };
        let pending =
            pending.filter(|pending| now.since(pending.began) < SIGN_IN_WITHIN).ok_or_else(unknown)?;
        let browser = site.cookie(headers, SIGN_IN_COOKIE).map(|cookie| Digest::sha256(cookie.as_bytes()));
        if !browser.is_some_and(|browser| browser.equals_in_constant_time(&pending.browser)) {
            return Err(unknown());
        }
        if callback.error.is_some() {
            return Err(refused("the identity provider did not let you in; help: ask who runs it"));
        }
        let metadata = self.metadata(now).await.map_err(silent)?;
        let other = callback.iss.as_ref().is_some_and(|issuer| *issuer != self.options.issuer);
        if other || (metadata.names_issuer && callback.iss.is_none()) {
            return Err(refused("the answer is another identity provider's"));
        }
        let code = callback.code.ok_or_else(|| refused("the identity provider's answer has no code"))?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", pending.redirect.as_str()),
            ("code_verifier", pending.verifier.as_str()),
        ];
        let tokens = self.ask_tokens(&metadata, &form).await.map_err(silent)?.ok_or_else(|| {
            refused("the identity provider did not accept its own code; help: sign in again")
        })?;
        let id = tokens.id.as_deref().ok_or_else(|| refused("the identity provider gave no id token"))?;
        let claims =
            self.verify(&metadata, id, Some(&pending.nonce), now).await.map_err(|error| match error {
                Unverified::Wrong(problem) => refused(&problem.to_string()),
                Unverified::Silent(error) => silent(error),
            })?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        let subject = text("sub").unwrap_or_default();
        let said = match groups(&claims, &self.options.groups_claim) {
            Some(groups) => Some(groups),
            None => match self.userinfo(&metadata, &tokens.access, &subject).await.map_err(silent)? {
                Userinfo::Claims(more) => groups(&more, &self.options.groups_claim),
                Userinfo::Void => None,
            },
        };
        let role = said.as_deref().and_then(|groups| self.role(groups)).ok_or_else(|| {
            let detail = "the identity provider knows you, and none of your groups gives a role here; help: an admin sets \
                          `identity.oidc.roles`";
            Problem::new(403, "no_role", "no role for this person", detail)
        })?;
        let login = ["email", "preferred_username", "sub"].into_iter().find_map(text).unwrap_or_default();
        let plain = |text: String| text.chars().filter(|c| !c.is_control()).take(200).collect::<String>();
        Ok(Arrival {
            user: self.user_id(&subject),
            login: plain(login),
            name: text("name").map(plain).filter(|name| !name.is_empty()),
            role,
            vouch: Vouch {
                subject,
                access: tokens.access,
                refresh: tokens.refresh,
                role,
                confirmed: now,
                asked: now,
                expires: now.plus(lifetime),
            },
            next: pending.next,
        })
    }

    /// Remembers how to ask about the person of a session.
    pub(super) fn vouch(&self, session: Digest, vouch: Vouch) {
        let now = self.clock.now();
        let mut all = self.vouches.lock().unwrap_or_else(PoisonError::into_inner);
        // Each is of a session, and those are bounded; what has ended goes.
        all.retain(|_, vouch| match vouch.try_lock() {
            Ok(vouch) => vouch.expires > now,
            // Somebody asks about it just now.
            Err(_) => true,
        });
        all.insert(session, Arc::new(tokio::sync::Mutex::new(vouch)));
    }

    /// What the person of a session may do as of now; none: the provider does not vouch for them any more.
    ///
    /// # Errors
    /// When the provider has not answered for too long.
    pub(super) async fn role_of(&self, session: Digest) -> Result<Option<Role>, Problem> {
        let found = self.vouches.lock().unwrap_or_else(PoisonError::into_inner).get(&session).cloned();
        // After a restart nobody knows how to ask.
        let Some(found) = found else { return Ok(None) };
        let mut vouch = found.lock().await;
        let now = self.clock.now();
        let fresh = now.since(vouch.confirmed) < ASK_AGAIN;
        let asked = vouch.asked > vouch.confirmed && now.since(vouch.asked) < PAUSE;
        if !fresh && !asked {
            vouch.asked = now;
            match self.ask_again(&mut vouch, now).await {
                Word::Role(role) => (vouch.role, vouch.confirmed) = (role, now),
                Word::Gone => {
                    drop(vouch);
                    self.vouches.lock().unwrap_or_else(PoisonError::into_inner).remove(&session);
                    return Ok(None);
                }
                Word::Silent(error) => {
                    tracing::warn!(%error, "the identity provider does not say whether it still vouches");
                }
            }
        }
        if now.since(vouch.confirmed) < VOUCHED {
            return Ok(Some(vouch.role));
        }
        Err(silent(Unanswered("it has not answered for a minute".to_owned())))
    }

    async fn ask_again(&self, vouch: &mut Vouch, now: Timestamp) -> Word {
        let claim = &self.options.groups_claim;
        let word = |said: &[String]| self.role(said).map_or(Word::Gone, Word::Role);
        let metadata = match self.metadata(now).await {
            Ok(metadata) => metadata,
            Err(error) => return Word::Silent(error),
        };
        match self.userinfo(&metadata, &vouch.access, &vouch.subject).await {
            Ok(Userinfo::Claims(claims)) => {
                if let Some(said) = groups(&claims, claim) {
                    return word(&said);
                }
            }
            Ok(Userinfo::Void) => {}
            Err(error) => return Word::Silent(error),
        }
        // It says no groups there, or the access token has ended: a refresh says both anew.
        let Some(refresh) = vouch.refresh.clone() else { return Word::Gone };
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
        let tokens = match self.ask_tokens(&metadata, &form).await {
            Ok(Some(tokens)) => tokens,
            Ok(None) => return Word::Gone,
            Err(error) => return Word::Silent(error),
        };
        vouch.access = tokens.access;
        vouch.refresh = tokens.refresh.or(Some(refresh));
        if let Some(id) = tokens.id {
            let claims = match self.verify(&metadata, &id, None, now).await {
                Ok(claims) => claims,
                Err(Unverified::Wrong(problem)) => {
                    tracing::warn!(%problem, "the identity provider refreshed with a token that is not believed");
                    return Word::Gone;
                }
                Err(Unverified::Silent(error)) => return Word::Silent(error),
            };
            if claims.get("sub").and_then(Value::as_str) != Some(&vouch.subject) {
                return Word::Gone;
            }
            if let Some(said) = groups(&claims, claim) {
                return word(&said);
            }
        }
        match self.userinfo(&metadata, &vouch.access, &vouch.subject).await {
            Ok(Userinfo::Claims(claims)) => groups(&claims, claim).map_or(Word::Gone, |said| word(&said)),
            Ok(Userinfo::Void) => Word::Gone,
            Err(error) => Word::Silent(error),
        }
    }

    async fn metadata(&self, now: Timestamp) -> Result<Metadata, Unanswered> {
        self.known.metadata(&self.client, &self.options.issuer, now).await
    }

    /// Tokens for a code or a refresh token; none where the provider does not accept it.
    async fn ask_tokens(
        &self,
        metadata: &Metadata,
        form: &[(&str, &str)],
    ) -> Result<Option<Tokens>, Unanswered> {
        let secret =
            self.secret.as_ref().map(SecretSource::text).transpose().map_err(|error| {
                Unanswered(format!("`identity.oidc.client_secret` cannot be read: {error}"))
            })?;
        let mut form = form.to_vec();
        let mut authorization = None;
        match &secret {
            // RFC 6749, section 2.3.1: both are encoded as in a form before they are joined.
            Some(secret) if !metadata.secret_in_form => {
                let both = format!("{}:{}", encode(&self.options.client_id), encode(secret));
                authorization = Some(format!("Basic {}", BASE64_STANDARD.encode(both)));
            }
            Some(secret) => {
                form.push(("client_id", &self.options.client_id));
                form.push(("client_secret", secret));
            }
            None => form.push(("client_id", &self.options.client_id)),
        }
        let (status, value) = metadata.token.post(&self.client, authorization.as_deref(), &form).await?;
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        if status.is_success() {
            let bearer = text("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"));
            let access = text("access_token").filter(|_| bearer);
            let access = access.ok_or_else(|| Unanswered("its tokens cannot be read".to_owned()))?;
            return Ok(Some(Tokens { access, refresh: text("refresh_token"), id: text("id_token") }));
        }
        match status.as_u16() {
            // `invalid_client` is Cordon's own fault, not that of who signs in.
            400..=499 if text("error").as_deref() != Some("invalid_client") && status != 429 => Ok(None),
            _ => Err(Unanswered(format!("its token endpoint answers {status}"))),
        }
    }

    async fn verify(
        &self,
        metadata: &Metadata,
        token: &str,
        nonce: Option<&str>,
        now: Timestamp,
    ) -> Result<Map<String, Value>, Unverified> {
        let expected =
            Expected { issuer: &self.options.issuer, client_id: &self.options.client_id, nonce, now };
        let keys = self.known.keys(&self.client, metadata, now, Newer::NotNeeded).await?;
        match verify(token, &keys, &expected) {
            Err(TokenProblem::NoKey) => {
                let keys = self.known.keys(&self.client, metadata, now, Newer::Needed).await?;
                Ok(verify(token, &keys, &expected)?)
            }
            other => Ok(other?),
        }
    }

    async fn userinfo(
        &self,
        metadata: &Metadata,
        access: &str,
        subject: &str,
    ) -> Result<Userinfo, Unanswered> {
        let Some(address) = &metadata.userinfo else { return Ok(Userinfo::Claims(Map::new())) };
        let (status, value) = address.get(&self.client, Some(access)).await?;
        match (status.as_u16(), value) {
            // Claims of somebody else are a trick (OpenID Connect Core 1.0, section 5.3.2).
            (200, Value::Object(claims)) => {
                let same = claims.get("sub").and_then(Value::as_str) == Some(subject);
                Ok(if same { Userinfo::Claims(claims) } else { Userinfo::Void })
            }
            // Signed answers are not read: groups come with a refresh then.
            (200, _) => Ok(Userinfo::Claims(Map::new())),
            (400..=403, _) => Ok(Userinfo::Void),
            _ => Err(Unanswered(format!("its userinfo endpoint answers {status}"))),
        }
    }

    fn role(&self, said: &[String]) -> Option<Role> {
        self.options
            .roles
            .iter()
            .find(|(group, _)| said.iter().any(|one| one == group))
            .map(|(_, role)| *role)
    }

    /// The id of a person: the same at each sign-in, and nobody without the key comes from it to the provider's name.
    fn user_id(&self, subject: &str) -> UserId {
        let name = format!("cordon user\0{}\0{subject}", self.options.issuer);
        let digest = self.pseudonym.digest(name.as_bytes());
        UserId::from_bytes(digest.as_bytes().first_chunk().copied().unwrap_or_default())
    }

    fn random_text(&self) -> String {
        let mut bytes = [0; 32];
        self.entropy.fill(&mut bytes);
        Secret::new(SecretKind::Session, bytes).expose().to_owned()
    }
}

/// What the userinfo endpoint says.
enum Userinfo {
    Claims(Map<String, Value>),
    /// The access token is not good, or is somebody else's.
    Void,
}

enum Unverified {
    Wrong(TokenProblem),
    Silent(Unanswered),
}

impl From<TokenProblem> for Unverified {
    fn from(problem: TokenProblem) -> Self {
        Self::Wrong(problem)
    }
}

impl From<Unanswered> for Unverified {
    fn from(error: Unanswered) -> Self {
        Self::Silent(error)
    }
}

/// The origin that the browser uses: as configured, or the loopback name that it came by.
fn origin(site: &Site, headers: &::http::HeaderMap) -> Result<String, Problem> {
    site.near(headers)?;
    match site.origin() {
        Some(origin) => Ok(origin.to_owned()),
        None => {
            let host = headers.get(::http::header::HOST).and_then(|host| host.to_str().ok());
            Ok(format!("http://{}", host.ok_or(ForeignRequest::NotNear)?))
        }
    }
}

fn refused(detail: &str) -> Problem {
    Problem::new(401, "sign_in_refused", "the sign-in is refused", detail)
}

#[expect(clippy::needless_pass_by_value, reason = "shaped for map_err")]
fn silent(error: Unanswered) -> Problem {
    tracing::warn!(%error, "the identity provider cannot be used");
    let detail = format!(
        "the identity provider does not answer as it should: {error}; help: try again; the administrator's token and local \
         users do not need it"
    );
    Problem::new(503, "provider_unavailable", "the identity provider is not available", detail)
}

fn failed(detail: &str) -> Problem {
    Problem::new(500, "internal", "something failed", detail)
}
