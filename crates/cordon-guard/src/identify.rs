//! Who calls: `Authorization: Bearer ck_…`, or `x-api-key: ck_…` as Anthropic's clients say it, to a principal. Denies by
//! default.

use std::sync::Arc;

use cordon_core::{ApiKey, KeySecret, Refusal, RefusalCode, Timestamp};
use cordon_policy::{PrincipalEntry, Snapshot};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::call::{Call, Received};

/// Anthropic's header for a key.
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// An authenticated caller.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The key.
    pub key: Arc<ApiKey>,
    /// Whom it authenticates.
    pub principal: Arc<PrincipalEntry>,
}

/// A call whose caller is known. Made by [`known`] alone.
#[derive(Debug)]
pub struct Known {
    identity: Identity,
    headers: HeaderMap,
}

impl Known {
    /// The caller.
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The request's headers.
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

/// The first step: who calls.
///
/// # Errors
/// As [`identify`].
pub fn known(call: Call<Received>) -> Result<Call<Known>, Refusal> {
    let identity = identify(&call.stage.headers, &call.snapshot, call.time)?;
    Ok(call.at(|received| Known { identity, headers: received.headers }))
}

/// Finds the caller of these headers.
///
/// # Errors
/// Without a key, with several, or with one that is unknown, wrong, expired or revoked. That a key has expired or was
/// revoked is only said to somebody who holds its secret.
pub fn identify(headers: &HeaderMap, snapshot: &Snapshot, now: Timestamp) -> Result<Identity, Refusal> {
    let invalid = |why: &str| Refusal::new(RefusalCode::InvalidApiKey, why);
    let presented = match (presented(headers, &header::AUTHORIZATION)?, presented(headers, &API_KEY)?) {
        // Who sends both means the first: the other may be of another service.
        (Some(value), _) => value
            .split_first_chunk::<7>()
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "))
            .map(|(_, token)| token)
            .ok_or_else(|| invalid("the authorization is not a bearer token"))?,
        (None, Some(key)) => key,
        (None, None) => return Err(Refusal::new(RefusalCode::MissingApiKey, "no header with a key")),
    };
    let presented = std::str::from_utf8(presented).map_err(|_| invalid("the form of the key is wrong"))?;
    let (id, digest) =
        KeySecret::parse(presented.trim()).map_err(|_| invalid("the form of the key is wrong"))?;
    let key = snapshot.key(id).ok_or_else(|| invalid("no key has this id"))?;
    if !key.secret.equals_in_constant_time(&digest) {
        return Err(invalid("the secret of the key is wrong"));
    }
    if key.revoked.is_some() {
        return Err(Refusal::new(RefusalCode::ApiKeyRevoked, format!("key {id} was revoked")));
    }
    if key.expires <= now {
        return Err(Refusal::new(RefusalCode::ApiKeyExpired, format!("key {id} has expired")));
    }
    let principal = snapshot
        .principal(&key.principal)
        .ok_or_else(|| invalid("the principal of the key does not exist"))?;
    Ok(Identity { key: Arc::clone(key), principal: Arc::clone(principal) })
}

/// The value of a header that holds a key, if it is there once.
fn presented<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a [u8]>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    match values.next() {
        Some(_) => Err(Refusal::new(RefusalCode::InvalidApiKey, "several headers with a key")),
        None => Ok(value.map(HeaderValue::as_bytes)),
    }
}

#[cfg(test)]
mod tests {
    use cordon_core::{
        Digest, DurationMs, KeyId, Name, State,
        command::{self, NewKey, Vault, Wish},
        fact::Actor,
        resource::{Kind, Resource},
    };

    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn run(state: &mut State, now: Timestamp, wish: Wish) {
        let mut entropy = || cordon_core::HmacKey::from_bytes([1; 32]);
        let decision = command::decide(state, now, wish, &Vault::new(), &mut entropy).unwrap();
        for fact in command::facts(&decision, now, &Actor::Local) {
            state.apply(&fact);
        }
    }

    fn state(secret: Digest) -> State {
        let mut state = State::new();
        let resource =
            |kind: Kind, text: &str, spec| Resource { name: name(text), spec: kind.read(spec).unwrap() };
        let now = Timestamp::from_millis(1_000);
        run(
            &mut state,
            now,
            Wish::Apply(vec![
                resource(Kind::Team, "t", serde_json::json!({})),
                resource(Kind::Principal, "app", serde_json::json!({"team": "t", "routes": []})),
            ]),
        );
        let lifetime = DurationMs::from_secs(60);
        let new = NewKey {
            id: KeyId::from_bytes([1; 8]),
            secret,
            principal: name("app"),
            routes: Vec::new(),
            lifetime,
        };
        run(&mut state, now, Wish::IssueKey(new));
        state
    }

    fn headers(value: &str) -> HeaderMap {
        [(header::AUTHORIZATION, value.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn denies_by_default_and_says_no_more_than_the_caller_has_proved() {
        let key = KeySecret::new(KeyId::from_bytes([1; 8]), [7; 32]);
        let other = KeySecret::new(KeyId::from_bytes([1; 8]), [8; 32]);
        let unknown = KeySecret::new(KeyId::from_bytes([2; 8]), [7; 32]);
        let mut state = state(key.digest());
        let snapshot = Snapshot::compile(&state);
        let now = Timestamp::from_millis(2_000);
        let code = |value: &str, snapshot: &Snapshot, now| {
            identify(&headers(value), snapshot, now)
                .map(|identity| identity.principal.name.clone())
                .map_err(|r| r.code)
        };
        let bearer = |key: &KeySecret| format!("Bearer {}", key.expose());
        assert_eq!(code(&bearer(&key), &snapshot, now), Ok(name("app")));
        assert_eq!(code(&format!("bearer {}", key.expose()), &snapshot, now), Ok(name("app")));
        for wrong in [&bearer(&other), &bearer(&unknown), "Bearer sk-other", "Basic YTpi", "Bearer", ""] {
            assert_eq!(code(wrong, &snapshot, now), Err(RefusalCode::InvalidApiKey), "{wrong}");
        }
        assert_eq!(identify(&HeaderMap::new(), &snapshot, now).unwrap_err().code, RefusalCode::MissingApiKey);
        let mut two = headers(&bearer(&key));
        two.append(header::AUTHORIZATION, bearer(&key).parse().unwrap());
        assert_eq!(identify(&two, &snapshot, now).unwrap_err().code, RefusalCode::InvalidApiKey);
        let named = |name: &'static str, value: &str| -> HeaderMap {
            [(HeaderName::from_static(name), value.parse().unwrap())].into_iter().collect()
        };
        let mut both = named("x-api-key", key.expose());
        assert!(identify(&both, &snapshot, now).is_ok());
        both.insert(header::AUTHORIZATION, bearer(&other).parse().unwrap());
        assert_eq!(identify(&both, &snapshot, now).unwrap_err().code, RefusalCode::InvalidApiKey);
        let wrong = named("x-api-key", &bearer(&key));
        assert_eq!(identify(&wrong, &snapshot, now).unwrap_err().code, RefusalCode::InvalidApiKey);
        assert_eq!(
            code(&bearer(&key), &snapshot, Timestamp::from_millis(61_000)),
            Err(RefusalCode::ApiKeyExpired)
        );
        run(&mut state, now, Wish::RevokeKey(KeyId::from_bytes([1; 8]), None));
        let snapshot = Snapshot::compile(&state);
        assert_eq!(code(&bearer(&key), &snapshot, now), Err(RefusalCode::ApiKeyRevoked));
        assert_eq!(code(&bearer(&other), &snapshot, now), Err(RefusalCode::InvalidApiKey));
    }
}
