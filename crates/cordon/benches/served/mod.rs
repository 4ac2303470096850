//! A node in this process before the sandbox, as the demo sets it up, and a client for it.

use bytes::Bytes;
use cordon::{config::Raw, demo, node::Node, up};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

pub(crate) type Http = Client<HttpConnector, Full<Bytes>>;

pub(crate) struct Served {
    pub(crate) node: Node,
    /// A caller's key.
    pub(crate) key: String,
    /// The administrator's token.
    pub(crate) token: String,
    _folder: tempfile::TempDir,
}

pub(crate) fn client() -> Http {
    Client::builder(TokioExecutor::new()).build_http()
}

impl Served {
    /// With these settings beside those of the demo.
    pub(crate) async fn start(settings: &[(&'static str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let mut config = Raw::default()
            .flag("--data", "data", Some(data.display().to_string()))
            .flag("--gateway", "gateway.listen", Some("127.0.0.1:0".to_owned()))
            .flag("--control", "control.listen", Some("127.0.0.1:0".to_owned()));
        for (name, value) in settings {
            config = config.flag("benchmark", name, Some((*value).to_owned()));
        }
        let config = config.check().unwrap();
        let node = Node::start(up::settings(&config).unwrap(), |handles| up::routes(handles, config.clone()))
            .await
            .unwrap();
        let key = demo::prepare(&node.handles, demo::start_sandbox().await.unwrap()).await.unwrap();
        let token = std::fs::read_to_string(data.join("admin.token")).unwrap().trim().to_owned();
        Self { node, key: key.expose().to_string(), token, _folder: folder }
    }
}

/// A call of the demo's route: its status, once its answer is read.
pub(crate) async fn call(client: &Http, gateway: std::net::SocketAddr, key: &str) -> (StatusCode, Bytes) {
    let body = r#"{"model":"demo","messages":[{"role":"user","content":"What is the capital of France?"}]}"#;
    let request = Request::post(format!("http://{gateway}/v1/chat/completions"))
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .body(Full::from(body))
        .unwrap();
    let response = client.request(request).await.unwrap();
    let status = response.status();
    (status, response.into_body().collect().await.unwrap().to_bytes())
}
