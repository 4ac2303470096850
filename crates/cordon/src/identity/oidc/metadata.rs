//! What the provider says of itself (OpenID Connect Discovery 1.0), and its keys.

use cordon_core::{DurationMs, Timestamp};
use cordon_guard::upstream::Client;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use super::http::{Address, Unanswered};

/// How long it is believed.
const BELIEVED: DurationMs = DurationMs::from_secs(3600);
/// Keys are asked for again at most so often, whatever tokens name.
const KEYS_AGAIN: DurationMs = DurationMs::from_secs(10);
/// Keys that are looked at.
const MAX_KEYS: usize = 100;

/// The provider's addresses.
#[derive(Clone, Debug)]
pub(super) struct Metadata {
    pub(super) authorization: String,
    pub(super) token: Address,
    pub(super) userinfo: Option<Address>,
    keys: Address,
    /// Whether a secret goes into the form, because the provider takes it nowhere else.
    pub(super) secret_in_form: bool,
    /// Whether each answer to a sign-in names the issuer (RFC 9207).
    pub(super) names_issuer: bool,
}

/// What is known of the provider.
#[derive(Debug, Default)]
pub(super) struct Known {
    metadata: Mutex<Option<(Timestamp, Metadata)>>,
    keys: Mutex<Option<(Timestamp, JwkSet)>>,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Known {
    /// The provider's addresses, asked for once an hour.
    ///
    /// # Errors
    /// When it does not say them, or is another issuer than it should be.
    pub(super) async fn metadata(
        &self,
        client: &Client,
        issuer: &str,
        now: Timestamp,
    ) -> Result<Metadata, Unanswered> {
        let mut held = self.metadata.lock().await;
        if let Some((at, metadata)) = held.as_ref()
            && now.since(*at) < BELIEVED
        {
            return Ok(metadata.clone());
        }
        let address =
            Address::parse(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')))?;
        let (status, value) = address.get(client, None).await?;
        if !status.is_success() {
            return Err(Unanswered(format!("its configuration answers {status}")));
        }
        let metadata = read(value, issuer)?;
        *held = Some((now, metadata.clone()));
        Ok(metadata)
    }

    /// The provider's keys; `newer`: asked for again, because a token names none of those that are known.
    ///
    /// # Errors
    /// When it does not say them.
    pub(super) async fn keys(
        &self,
        client: &Client,
        metadata: &Metadata,
        now: Timestamp,
        newer: Newer,
    ) -> Result<JwkSet, Unanswered> {
        let mut held = self.keys.lock().await;
        if let Some((at, keys)) = held.as_ref() {
            let enough = match newer {
                Newer::NotNeeded => BELIEVED,
                Newer::Needed => KEYS_AGAIN,
            };
            if now.since(*at) < enough {
                return Ok(keys.clone());
            }
        }
        let (status, value) = metadata.keys.get(client, None).await?;
        let Some(all) = value.get("keys").and_then(Value::as_array).filter(|_| status.is_success()) else {
            return Err(Unanswered(format!("its keys answer {status}")));
        };
        // Keys of kinds that are not known here are nobody's business.
        let read = |key: &Value| serde_json::from_value::<Jwk>(key.clone()).ok();
        let keys = JwkSet { keys: all.iter().take(MAX_KEYS).filter_map(read).collect() };
        *held = Some((now, keys.clone()));
        Ok(keys)
    }
}

/// Whether keys that are known already will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Newer {
    Needed,
    NotNeeded,
}

fn read(value: Value, issuer: &str) -> Result<Metadata, Unanswered> {
    let wrong = |why: &str| Unanswered(format!("its configuration {why}"));
    let document: Document = serde_json::from_value(value).map_err(|_| wrong("lacks what is needed"))?;
    if document.issuer != issuer {
        return Err(wrong("is another issuer's; help: `identity.oidc.issuer` is compared letter by letter"));
    }
    if document
        .code_challenge_methods_supported
        .as_ref()
        .is_some_and(|methods| !methods.iter().any(|method| method == "S256"))
    {
        return Err(wrong("does not take PKCE with S256"));
    }
    // Browsers are sent there: not elsewhere than the rest may be.
    Address::parse(&document.authorization_endpoint)?;
    let methods = document.token_endpoint_auth_methods_supported.unwrap_or_default();
    let takes = |method: &str| methods.iter().any(|supported| supported == method);
    Ok(Metadata {
        authorization: document.authorization_endpoint,
        token: Address::parse(&document.token_endpoint)?,
        userinfo: document.userinfo_endpoint.as_deref().map(Address::parse).transpose()?,
        keys: Address::parse(&document.jwks_uri)?,
        secret_in_form: takes("client_secret_post") && !takes("client_secret_basic"),
        names_issuer: document.authorization_response_iss_parameter_supported,
    })
}
