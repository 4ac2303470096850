//! Providers that nobody has to pay for. The pages name real hosts, and nothing in them is swapped: the gateway is told, by
//! the settings that any user has (`upstream.proxy`, `upstream.ca_bundle`), to go through a proxy on loopback that answers
//! in the place of those hosts. Local model servers are answered for at their own ports. Each answers only what the real
//! one would: at its path, with its way of showing a key; all that was asked is kept for the test to look at.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use super::tls;

/// What a provider takes.
#[derive(Debug)]
pub struct Provider {
    /// Host and port as the gateway asks for them; `LOCAL` is the page's loopback address.
    pub authority: &'static str,
    pub path: &'static str,
    /// The whole header that shows a key; `None`: there must be none.
    pub key: Option<&'static str>,
    pub model: &'static str,
    /// By which name it knows the most tokens of a chat's answer. Real ones ignore another name; here it is refused, so that it is seen.
    pub output_field: &'static str,
}

/// OpenAI's name of it, and the one before.
const NEWER: &str = "max_completion_tokens";
const OLDER: &str = "max_tokens";

/// The providers of the pages, each as its own documentation describes its chat completions.
pub const PROVIDERS: &[Provider] = &[
    Provider {
        authority: "api.openai.com:443",
        path: "/v1/chat/completions",
        key: Some("authorization: Bearer sk-your-openai-key"),
        model: "gpt-4o-mini",
        output_field: NEWER,
    },
    Provider {
        authority: "api.anthropic.com:443",
        path: "/v1/messages",
        key: Some("x-api-key: sk-ant-your-anthropic-key"),
        model: "claude-sonnet-4-5",
        output_field: OLDER,
    },
    Provider {
        authority: "your-resource.openai.azure.com:443",
        path: "/openai/v1/chat/completions",
        key: Some("authorization: Bearer your-azure-key"),
        model: "your-deployment",
        output_field: NEWER,
    },
    Provider {
        authority: "generativelanguage.googleapis.com:443",
        path: "/v1beta/openai/chat/completions",
        key: Some("authorization: Bearer your-gemini-key"),
        model: "gemini-2.5-flash",
        output_field: NEWER,
    },
    Provider {
        authority: "LOCAL:8000",
        path: "/v1/chat/completions",
        key: Some("authorization: Bearer your-vllm-key"),
        model: "Qwen/Qwen3-8B",
        output_field: NEWER,
    },
    Provider {
        authority: "LOCAL:11434",
        path: "/v1/chat/completions",
        key: None,
        model: "llama3.2",
        output_field: OLDER,
    },
    Provider {
        authority: "LOCAL:8080",
        path: "/v1/chat/completions",
        key: None,
        model: "tgi",
        output_field: OLDER,
    },
];

/// What the gateway asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub authority: String,
    pub path: String,
    pub key: Option<String>,
    pub model: String,
}

/// The path of responses, which those have whose chat completions are at OpenAI's own path.
const RESPONSES: &str = "/v1/responses";

impl Provider {
    fn serves(&self, path: &str) -> bool {
        path == self.path || path == RESPONSES && self.path == "/v1/chat/completions"
    }

    /// Whether a chat that is bounded is so by the name that this one knows. A page without limits bounds none.
    fn bounds(&self, path: &str, body: &serde_json::Value) -> bool {
        let mut names = [NEWER, OLDER].into_iter().filter(|name| body.get(name).is_some());
        path != self.path || names.all(|name| name == self.output_field)
    }

    /// Whether this was asked, in each part.
    pub fn was(&self, asked: &Asked) -> bool {
        asked.authority == self.authority
            && asked.path == self.path
            && asked.key.as_deref() == self.key
            && asked.model == self.model
    }
}

/// All providers of one page.
pub struct Providers {
    /// The proxy that leads to those with a name.
    pub proxy: SocketAddr,
    /// The authority that signed their certificates, as PEM.
    pub authority: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Providers {
    /// Starts them on a loopback address; they end with the runtime.
    pub async fn start(address: IpAddr) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let named: Vec<&str> =
            PROVIDERS.iter().filter_map(|provider| provider.authority.strip_suffix(":443")).collect();
        let (acceptor, authority) = tls::authority(&named);
        let proxy = TcpListener::bind((address, 0)).await.unwrap();
        let place = proxy.local_addr().unwrap();
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = proxy.accept().await {
                tokio::spawn(tunnel(stream, acceptor.clone(), Arc::clone(&seen)));
            }
        });
        for provider in PROVIDERS {
            let Some(port) = provider.authority.strip_prefix("LOCAL:") else { continue };
            let listener = TcpListener::bind((address, port.parse().unwrap())).await.unwrap();
            let seen = Arc::clone(&asked);
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, provider.authority.to_owned(), Arc::clone(&seen)));
                }
            });
        }
        Self { proxy: place, authority, asked }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// Takes `CONNECT`, and is then the host that was asked for.
async fn tunnel(mut stream: TcpStream, acceptor: TlsAcceptor, asked: Arc<Mutex<Vec<Asked>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < 8192 {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let Some(authority) = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()) else {
        return;
    };
    if stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.is_err() {
        return;
    }
    if let Ok(tls) = acceptor.accept(stream).await {
        serve(tls, authority.to_owned(), asked).await;
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    authority: String,
    asked: Arc<Mutex<Vec<Asked>>>,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let (authority, asked) = (authority.clone(), Arc::clone(&asked));
        async move { answer(request, authority, &asked).await }
    });
    let _caller_gone = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    request: Request<Incoming>,
    authority: String,
    asked: &Mutex<Vec<Asked>>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let key = ["authorization", "x-api-key", "api-key"]
        .into_iter()
        .find_map(|name| head.headers.get(name).map(|value| (name, value.as_bytes())));
    let this = Asked {
        authority,
        path: head.uri.path().to_owned(),
        key: key.map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value))),
        model: body["model"].as_str().unwrap_or_default().to_owned(),
    };
    let provider = PROVIDERS.iter().find(|provider| provider.authority == this.authority);
    let refused = |status, code: &str| {
        let error = serde_json::json!({"message": code, "type": "invalid_request_error", "param": null, "code": code});
        (status, serde_json::json!({"error": error}).to_string())
    };
    let (status, answer) = match provider {
        Some(provider) if !provider.serves(&this.path) => refused(StatusCode::NOT_FOUND, "not_found"),
        Some(provider) if provider.key != this.key.as_deref() => {
            refused(StatusCode::UNAUTHORIZED, "invalid_api_key")
        }
        Some(provider) if provider.model != this.model => refused(StatusCode::NOT_FOUND, "model_not_found"),
        Some(provider) if !provider.bounds(&this.path, &body) => {
            refused(StatusCode::BAD_REQUEST, "not_bounded_by_the_name_it_knows")
        }
        Some(_) if this.path == "/v1/messages" => (StatusCode::OK, message(&this.model)),
        Some(_) if this.path == RESPONSES => (StatusCode::OK, response(&this.model)),
        Some(_) => (StatusCode::OK, completion(&this.model)),
        None => refused(StatusCode::BAD_GATEWAY, "no_such_host"),
    };
    // `cordon doctor` looks whether somebody is there; that is no call.
    if head.method == http::Method::POST {
        asked.lock().unwrap().push(this);
    }
    let mut response = Response::new(Full::new(answer.into()));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    Ok(response)
}

/// An answer, its members in the order in which Anthropic writes them.
fn message(model: &str) -> String {
    let content = r#"[{"type":"text","text":"Hello! How can I help you?"}]"#;
    format!(
        r#"{{"model":"{model}","id":"msg_1","type":"message","role":"assistant","content":{content},"stop_reason":"end_turn","stop_sequence":null,"usage":{{"input_tokens":8,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":8}}}}"#
    )
}

/// A response, its members in the order in which OpenAI writes them.
fn response(model: &str) -> String {
    let content =
        r#"[{"type":"output_text","annotations":[],"logprobs":[],"text":"Hello! How can I help you?"}]"#;
    let item = format!(
        r#"{{"id":"msg_1","type":"message","status":"completed","content":{content},"role":"assistant"}}"#
    );
    format!(
        r#"{{"id":"resp_1","object":"response","created_at":1795000000,"status":"completed","background":false,"error":null,"model":"{model}","output":[{item}],"usage":{{"input_tokens":8,"output_tokens":8,"total_tokens":16}}}}"#
    )
}

/// An answer, its members in the order in which OpenAI writes them.
fn completion(model: &str) -> String {
    let message = r#"{"role":"assistant","content":"Hello! How can I help you?","refusal":null}"#;
    format!(
        r#"{{"id":"chatcmpl-1","object":"chat.completion","created":1795000000,"model":"{model}","choices":[{{"index":0,"message":{message},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":8,"completion_tokens":8,"total_tokens":16}}}}"#
    )
}
