//! ID tokens: who signed them, for whom, when, and in answer to what (OpenID Connect Core 1.0, section 3.1.3.7).

use cordon_core::Timestamp;
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{AlgorithmParameters, Jwk, JwkSet, PublicKeyUse},
};
use serde_json::{Map, Value};

/// Signatures by a key that only the provider has. Never `none`, never a key that both sides know: a public key taken for
/// such a one would let anybody sign.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
];

/// How far the provider's clock may be from this one, in seconds.
const LEEWAY: i64 = 60;
/// Bytes of a token.
const MAX_TOKEN: usize = 64 << 10;

/// What a token must say.
pub(super) struct Expected<'e> {
    pub(super) issuer: &'e str,
    pub(super) client_id: &'e str,
    /// Of a sign-in; a token that a refresh brings may repeat it or not.
    pub(super) nonce: Option<&'e str>,
    pub(super) now: Timestamp,
}

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TokenProblem {
    #[error("the id token is signed in a way that is not accepted")]
    Algorithm,
    #[error("the id token is for somebody else")]
    Audience,
    #[error("the id token has no claims that can be read")]
    Claims,
    #[error("the id token has ended, or is of another time")]
    Time,
    #[error("the id token is of another issuer")]
    Issuer,
    #[error("no key of the provider fits the id token")]
    NoKey,
    #[error("the id token does not answer this sign-in")]
    Nonce,
    #[error("the id token's signature is wrong")]
    Signature,
}

/// The claims of a token, if everything about it holds.
///
/// # Errors
/// With the first thing that does not. [`TokenProblem::NoKey`] may mean that the provider has new keys.
pub(super) fn verify(
    token: &str,
    keys: &JwkSet,
    expected: &Expected<'_>,
) -> Result<Map<String, Value>, TokenProblem> {
    if token.len() > MAX_TOKEN {
        return Err(TokenProblem::Claims);
    }
    let header = decode_header(token).map_err(|_| TokenProblem::Algorithm)?;
    if !ALGORITHMS.contains(&header.alg) || header.crit.is_some() {
        return Err(TokenProblem::Algorithm);
    }
    let key = find(keys, header.kid.as_deref(), header.alg).ok_or(TokenProblem::NoKey)?;
    let key = DecodingKey::from_jwk(key).map_err(|_| TokenProblem::NoKey)?;
    // The signature is the library's business; the claims are looked at here, by this process's clock.
    let mut validation = Validation::new(header.alg);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let claims: Map<String, Value> =
        decode(token, &key, &validation).map_err(|_| TokenProblem::Signature)?.claims;
    check(&claims, expected)?;
    Ok(claims)
}

fn check(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), TokenProblem> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(expected.issuer) {
        return Err(TokenProblem::Issuer);
    }
    if text("sub").is_none_or(|sub| sub.is_empty() || sub.len() > 1024) {
        return Err(TokenProblem::Claims);
    }
    let id = expected.client_id;
    let (meant, several) = match claims.get("aud") {
        Some(Value::String(audience)) => (audience == id, false),
        Some(Value::Array(all)) => (all.iter().any(|one| one.as_str() == Some(id)), all.len() > 1),
        _ => (false, false),
    };
    let party = claims.get("azp");
    if !meant || (several && party.is_none()) || party.is_some_and(|party| party.as_str() != Some(id)) {
        return Err(TokenProblem::Audience);
    }
    let now = expected.now.as_millis().div_euclid(1000);
    let time = |name: &str| claims.get(name).map(seconds);
    let ended = !matches!(time("exp"), Some(Some(end)) if now < end.saturating_add(LEEWAY));
    let early = |name| matches!(time(name), Some(begin) if begin.is_none_or(|begin| begin > now.saturating_add(LEEWAY)));
    if ended || early("nbf") || early("iat") || time("iat").is_none() {
        return Err(TokenProblem::Time);
    }
    if expected.nonce.is_some_and(|nonce| text("nonce") != Some(nonce)) {
        return Err(TokenProblem::Nonce);
    }
    Ok(())
}

/// Seconds since 1970, whole or with a fraction.
fn seconds(value: &Value) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and the comparison is by minutes")]
    value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))
}

/// The key that a token names, or the only one that fits where it names none.
fn find<'k>(keys: &'k JwkSet, id: Option<&str>, algorithm: Algorithm) -> Option<&'k Jwk> {
    let fits = |key: &&Jwk| {
        let common = &key.common;
        let kind = match (&key.algorithm, algorithm) {
            (AlgorithmParameters::RSA(_), algorithm) => matches!(
                algorithm,
                Algorithm::PS256
                    | Algorithm::PS384
                    | Algorithm::PS512
                    | Algorithm::RS256
                    | Algorithm::RS384
                    | Algorithm::RS512
            ),
            (AlgorithmParameters::EllipticCurve(_), algorithm) => {
                matches!(algorithm, Algorithm::ES256 | Algorithm::ES384)
            }
            (AlgorithmParameters::OctetKeyPair(_), algorithm) => algorithm == Algorithm::EdDSA,
            // Symmetric keys, and whatever else.
            _ => false,
        };
        let usage = matches!(common.public_key_use, None | Some(PublicKeyUse::Signature));
        let meant = common.key_algorithm.is_none_or(|key| key.to_string() == format!("{algorithm:?}"));
        kind && usage && meant && (id.is_none() || common.key_id.as_deref() == id)
    };
    let mut found = keys.keys.iter().filter(fits);
    match (found.next(), found.next()) {
        (Some(key), None) => Some(key),
        _ => None,
    }
}

/// The groups that a claim names: a list, or one; none where it is not there. The claim is named as it is, or by the way to it
/// (`realm_access.roles`).
pub(super) fn groups(claims: &Map<String, Value>, name: &str) -> Option<Vec<String>> {
    let direct = claims.get(name);
    let nested = || {
        let (first, rest) = name.split_once('.')?;
        rest.split('.').try_fold(claims.get(first)?, |value, step| value.get(step))
    };
    match direct.or_else(nested)? {
        Value::String(one) => Some(vec![one.clone()]),
        Value::Array(all) => Some(all.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn each_claim_must_hold() {
        let expected = Expected {
            issuer: "https://id.example",
            client_id: "cordon",
            nonce: Some("n"),
            now: Timestamp::from_millis(1_000_000),
        };
        let good = json!({"iss": "https://id.example", "sub": "s", "aud": "cordon", "exp": 1060, "iat": 1000, "nonce": "n"});
        let with = |changes: &Value| {
            let mut all = claims(&good);
            for (key, value) in claims(changes) {
                if value.is_null() {
                    all.remove(&key)
                } else {
                    all.insert(key, value)
                };
            }
            check(&all, &expected)
        };
        for fine in [
            json!({}),
            json!({"exp": 941}),
            json!({"exp": 1060.5, "iat": 1060}),
            json!({"aud": ["cordon"]}),
            json!({"aud": ["other", "cordon"], "azp": "cordon"}),
        ] {
            assert_eq!(with(&fine), Ok(()), "{fine}");
        }
        use TokenProblem::{Audience, Claims, Issuer, Nonce, Time};
        for (change, problem) in [
            (json!({"iss": "https://id.example/"}), Issuer),
            (json!({"iss": null}), Issuer),
            (json!({"sub": null}), Claims),
            (json!({"sub": ""}), Claims),
            (json!({"sub": 7}), Claims),
            (json!({"aud": "other"}), Audience),
            (json!({"aud": null}), Audience),
            (json!({"aud": ["other"]}), Audience),
            (json!({"aud": ["other", "cordon"]}), Audience),
            (json!({"azp": "other"}), Audience),
            (json!({"azp": 1}), Audience),
            (json!({"exp": 940}), Time),
            (json!({"exp": null}), Time),
            (json!({"exp": "1060"}), Time),
            (json!({"iat": null}), Time),
            (json!({"iat": 1061}), Time),
            (json!({"nbf": 1061}), Time),
            (json!({"nbf": "soon"}), Time),
            (json!({"nonce": "other"}), Nonce),
            (json!({"nonce": null}), Nonce),
        ] {
            assert_eq!(with(&change), Err(problem), "{change}");
        }
    }

    #[test]
    fn groups_are_a_list_or_one_directly_or_further_in() {
        let all = claims(&json!({
            "groups": ["a", 1, "b"], "one": "c", "https://x.example/roles": ["d"],
            "realm_access": {"roles": ["e"]}, "number": 1
        }));
        let of = |name: &str| groups(&all, name).map(|groups| groups.join(","));
        assert_eq!(of("groups").as_deref(), Some("a,b"));
        assert_eq!(of("one").as_deref(), Some("c"));
        assert_eq!(of("https://x.example/roles").as_deref(), Some("d"));
        assert_eq!(of("realm_access.roles").as_deref(), Some("e"));
        for none in ["number", "absent", "realm_access.absent", "realm_access.roles.more", ""] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
