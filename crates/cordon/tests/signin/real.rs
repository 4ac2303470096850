//! A provider of others, as a process of its own on loopback.

use std::process::Command;

use cordon_testkit::server::{self, Server};
use http::{Method, Request};
use http_body_util::Full;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::Value;

use crate::support::{Reply, send};

/// `oidc-provider-mock` of PyPI.
pub struct Real(Server);

impl Real {
    /// `None` where there is none, see [`server::find`].
    pub fn start() -> Option<Self> {
        let mut command = Command::new(server::find("OIDC", "oidc-provider-mock")?);
        command.args(["--host", "127.0.0.1", "--port", "0", "--require-nonce"]);
        Some(Self(Server::start(&mut command)))
    }

    pub fn issuer(&self) -> String {
        format!("http://{}", self.0.address)
    }

    pub async fn ask(&self, method: Method, path: &str, kind: &str, body: &str) -> Reply {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let url = if path.starts_with("http") { path.to_owned() } else { self.issuer() + path };
        let request = Request::builder().method(method).uri(url).header("content-type", kind);
        send(&client, request.body(Full::new(body.to_owned().into())).unwrap()).await
    }

    pub async fn set(&self, claims: Value) {
        let reply = self.ask(Method::PUT, "/users/alex", "application/json", &claims.to_string()).await;
        assert_eq!(reply.status, 204, "{:?}", reply.body);
    }
}
