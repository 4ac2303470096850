//! An identity provider that does whatever a test says.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use bytes::Bytes;
use cordon_core::Digest;
use cordon_testkit::ManualClock;
use http::{HeaderMap, StatusCode};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::browser::{decode, query};

/// What it knows Cordon as.
pub const CLIENT: &str = "cordon";
/// The secret that goes with it, with signs that must be encoded on the way.
pub const SECRET: &str = "s3cret/with+signs=";

/// A provider that does whatever a test says.
#[derive(Clone)]
pub struct Scripted {
    pub issuer: String,
    pub script: Arc<Mutex<Script>>,
    pub clock: ManualClock,
}

pub struct Script {
    pub key: rcgen::KeyPair,
    /// What is said of the person, in the id token and by userinfo.
    pub id: Value,
    pub userinfo: Value,
    pub userinfo_status: u16,
    /// Claims of the id token that are otherwise than they should be; `null` takes one away.
    pub wrong: Value,
    pub sign: Sign,
    pub kid: &'static str,
    pub refresh: bool,
    pub refresh_status: u16,
    pub discovery: Value,
    pub down: bool,
    /// Codes that were given out, with the nonce, the challenge and the redirect that they belong to.
    pub codes: HashMap<String, HashMap<String, String>>,
    pub count: usize,
    pub used: HashSet<String>,
    pub asked: usize,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Sign {
    Right,
    None,
    Hs256,
    OtherKey,
    Broken,
}

impl Scripted {
    pub async fn start(clock: &ManualClock) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let script = Script {
            key: rcgen::KeyPair::generate().unwrap(),
            id: json!({"sub": "alex-1", "email": "alex@example.com", "name": "Alex", "groups": ["staff", "ops"]}),
            userinfo: json!({"sub": "alex-1", "groups": ["staff", "ops"]}),
            userinfo_status: 200,
            wrong: json!({}),
            sign: Sign::Right,
            kid: "one",
            refresh: true,
            refresh_status: 200,
            discovery: json!({}),
            down: false,
            codes: HashMap::new(),
            count: 0,
            used: HashSet::new(),
            asked: 0,
        };
        let provider = Self { issuer, script: Arc::new(Mutex::new(script)), clock: clock.clone() };
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        provider
    }

    pub fn change(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().unwrap());
    }

    pub fn asked(&self) -> usize {
        self.script.lock().unwrap().asked
    }

    /// The person agrees: a code for what was asked.
    pub fn allow(&self, asked: &HashMap<String, String>) -> String {
        let mut script = self.script.lock().unwrap();
        script.count += 1;
        let code = format!("code-{}", script.count);
        script.codes.insert(code.clone(), asked.clone());
        code
    }

    fn id_token(&self, script: &Script, nonce: Option<&str>) -> String {
        let now = self.clock.now().as_millis() / 1000;
        let mut claims = script.id.as_object().unwrap().clone();
        for (key, value) in [
            ("iss", json!(self.issuer)),
            ("aud", json!(CLIENT)),
            ("iat", json!(now)),
            ("exp", json!(now + 300)),
        ] {
            claims.insert(key.to_owned(), value);
        }
        if let Some(nonce) = nonce {
            claims.insert("nonce".to_owned(), json!(nonce));
        }
        for (key, value) in script.wrong.as_object().unwrap() {
            claims.insert(key.clone(), value.clone());
            if value.is_null() {
                claims.remove(key);
            }
        }
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(script.kid.to_owned());
        let own = EncodingKey::from_ec_der(&script.key.serialize_der());
        match script.sign {
            Sign::Right => jsonwebtoken::encode(&header, &claims, &own).unwrap(),
            Sign::OtherKey => {
                let other = rcgen::KeyPair::generate().unwrap();
                jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ec_der(&other.serialize_der()))
                    .unwrap()
            }
            Sign::Broken => {
                let token = jsonwebtoken::encode(&header, &claims, &own).unwrap();
                let mut parts: Vec<&str> = token.split('.').collect();
                let mut other = claims.clone();
                other.insert("groups".to_owned(), json!(["admins"]));
                let body = BASE64_URL_SAFE_NO_PAD.encode(Value::Object(other).to_string());
                parts[1] = &body;
                parts.join(".")
            }
            Sign::Hs256 => {
                let mut header = Header::new(Algorithm::HS256);
                header.kid = Some(script.kid.to_owned());
                let public = script.key.public_key_raw();
                jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(public)).unwrap()
            }
            Sign::None => {
                let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
                format!("{}.{}.", part(json!({"alg": "none"})), part(Value::Object(claims)))
            }
        }
    }
}

async fn discovery(State(provider): State<Scripted>) -> Response {
    let script = provider.script.lock().unwrap();
    if script.down {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let issuer = &provider.issuer;
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/keys"),
        "code_challenge_methods_supported": ["S256"],
    });
    for (key, value) in script.discovery.as_object().unwrap() {
        document[key] = value.clone();
    }
    Json(document).into_response()
}

async fn keys(State(provider): State<Scripted>) -> Json<Value> {
    let script = provider.script.lock().unwrap();
    let point = script.key.public_key_raw();
    let part = |range: std::ops::Range<usize>| BASE64_URL_SAFE_NO_PAD.encode(&point[range]);
    let ours = json!({"kty": "EC", "crv": "P-256", "kid": script.kid, "use": "sig", "alg": "ES256", "x": part(1..33), "y": part(33..65)});
    // A provider that publishes what both sides know, and one of a kind that nobody knows.
    let shared = json!({"kty": "oct", "kid": script.kid, "k": BASE64_URL_SAFE_NO_PAD.encode(point)});
    Json(json!({"keys": [shared, {"kty": "future", "kid": "x"}, ours]}))
}

async fn token(State(provider): State<Scripted>, headers: HeaderMap, body: Bytes) -> Response {
    let form = query(&format!("?{}", String::from_utf8(body.to_vec()).unwrap()));
    let refused = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response();
    let shown = headers["authorization"].to_str().unwrap().trim_start_matches("Basic ").to_owned();
    let shown = String::from_utf8(BASE64_STANDARD.decode(shown).unwrap()).unwrap();
    let (id, secret) = shown.split_once(':').unwrap();
    if (decode(id), decode(secret)) != (CLIENT.to_owned(), SECRET.to_owned()) {
        return (StatusCode::UNAUTHORIZED, Json(json!({"error": "invalid_client"}))).into_response();
    }
    let mut script = provider.script.lock().unwrap();
    if script.down {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    script.asked += 1;
    let nonce = match form["grant_type"].as_str() {
        "authorization_code" => {
            let Some(asked) = script.codes.remove(&form["code"]) else { return refused("invalid_grant") };
            let challenge = Digest::sha256(form["code_verifier"].as_bytes());
            if BASE64_URL_SAFE_NO_PAD.encode(challenge.as_bytes()) != asked["code_challenge"]
                || form["redirect_uri"] != asked["redirect_uri"]
            {
                return refused("invalid_grant");
            }
            Some(asked["nonce"].clone())
        }
        "refresh_token" => {
            if script.refresh_status != 200 || !script.used.insert(form["refresh_token"].clone()) {
                let status = StatusCode::from_u16(script.refresh_status.max(400)).unwrap();
                return (status, Json(json!({"error": "invalid_grant"}))).into_response();
            }
            None
        }
        other => return refused(other),
    };
    let id = provider.id_token(&script, nonce.as_deref());
    script.count += 1;
    let mut answer =
        json!({"token_type": "Bearer", "access_token": format!("access-{}", script.count), "id_token": id});
    if script.refresh {
        // Each is good once.
        answer["refresh_token"] = json!(format!("refresh-{}", script.count));
    }
    Json(answer).into_response()
}

async fn userinfo(State(provider): State<Scripted>, headers: HeaderMap) -> Response {
    assert!(headers["authorization"].to_str().unwrap().starts_with("Bearer access-"));
    let mut script = provider.script.lock().unwrap();
    script.asked += 1;
    let status = if script.down { 500 } else { script.userinfo_status };
    (StatusCode::from_u16(status).unwrap(), Json(script.userinfo.clone())).into_response()
}
