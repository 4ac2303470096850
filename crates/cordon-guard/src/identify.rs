//! Who calls: `Authorization: Bearer ck_…` to a principal. Denies by default.

use std::sync::Arc;

use cordon_core::{ApiKey, KeySecret, Refusal, RefusalCode, Timestamp};
use cordon_policy::{PrincipalEntry, Snapshot};
use http::{HeaderMap, header};

use crate::call::{Call, Received};

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
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value =
        values.next().ok_or_else(|| Refusal::new(RefusalCode::MissingApiKey, "no authorization header"))?;
    if values.next().is_some() {
        return Err(invalid("several authorization headers"));
    }
    let presented = value
        .as_bytes()
        .split_first_chunk::<7>()
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "))
        .and_then(|(_, token)| std::str::from_utf8(token).ok())
        .ok_or_else(|| invalid("the authorization is not a bearer token"))?;
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
