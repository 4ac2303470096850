//! A browser as far as signing in needs one, and how addresses are read.

use std::{collections::HashMap, net::SocketAddr};

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

use crate::{
    provider::Scripted,
    support::{Reply, send},
};

/// A browser: it keeps cookies of one host, and goes where it is told.
#[derive(Clone)]
pub struct Browser {
    pub client: Client<HttpConnector, Full<Bytes>>,
    pub cookies: HashMap<String, String>,
    pub origin: String,
}

impl Browser {
    pub fn new(control: SocketAddr) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { client, cookies: HashMap::new(), origin: format!("http://{control}") }
    }

    pub async fn get(&mut self, path: &str) -> Reply {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.origin) };
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::builder().uri(url).header("cookie", cookies.join("; "));
        let reply = send(&self.client, request.body(Full::default()).unwrap()).await;
        for set in reply.headers.get_all("set-cookie") {
            let (name, rest) = set.to_str().unwrap().split_once('=').unwrap();
            let (value, rest) = rest.split_once(';').unwrap();
            if rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        reply
    }

    pub async fn me(&mut self) -> Reply {
        self.get("/api/v1/me").await
    }

    /// Begins a sign-in. Gives what the provider is asked.
    pub async fn depart(&mut self, next: &str) -> HashMap<String, String> {
        let reply = self.get(&format!("/signin/oidc?next={next}")).await;
        assert_eq!(reply.status, 303, "{:?}", reply.body);
        query(&reply.location())
    }

    pub async fn arrive(&mut self, parameters: &[(&str, &str)]) -> Reply {
        let pairs: Vec<String> = parameters.iter().map(|(key, value)| format!("{key}={value}")).collect();
        self.get(&format!("/signin/callback?{}", pairs.join("&"))).await
    }

    /// The whole way.
    pub async fn sign_in(&mut self, provider: &Scripted) -> Reply {
        let asked = self.depart("/calls").await;
        let code = provider.allow(&asked);
        self.arrive(&[("code", &code), ("state", &asked["state"])]).await
    }

    /// A personal token, made in this session.
    pub async fn make_token(&mut self) -> String {
        let csrf = self.me().await.json()["csrf"].as_str().unwrap().to_owned();
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/api/v1/me/tokens", self.origin))
            .header("cookie", format!("cordon={}", self.cookies["cordon"]))
            .header("cordon-csrf", csrf)
            .header("origin", &self.origin);
        let made = send(&self.client, request.body(Full::new("{}".into())).unwrap()).await;
        assert_eq!(made.status, 200, "{:?}", made.body);
        made.json()["token"].as_str().unwrap().to_owned()
    }
}

pub fn query(url: &str) -> HashMap<String, String> {
    let (_, query) = url.split_once('?').unwrap();
    query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(k, v)| (k.to_owned(), decode(v)))
        .collect()
}

pub fn decode(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let hex = String::from_utf8(vec![bytes.next().unwrap(), bytes.next().unwrap()]).unwrap();
            out.push(u8::from_str_radix(&hex, 16).unwrap());
        } else {
            out.push(if byte == b'+' { b' ' } else { byte });
        }
    }
    String::from_utf8(out).unwrap()
}
