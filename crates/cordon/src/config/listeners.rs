//! The two listeners: callers', and operators'.

use std::net::SocketAddr;

use cordon_core::DurationMs;
use cordon_guard::{FileMemory, server::TlsParts};

use super::{Raw, text};

/// The listener for callers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Its address.
    pub listen: SocketAddr,
    /// Bytes of a body, as sent and as decoded.
    pub max_body: u64,
    /// Calls at the same time.
    pub max_calls: usize,
    /// Memory that readers of files may take together, in bytes.
    pub max_file_memory: usize,
    /// Connections at the same time.
    pub max_connections: usize,
    /// Time for headers.
    pub header_timeout: DurationMs,
    /// Time for a body.
    pub body_timeout: DurationMs,
    /// Time without a request.
    pub idle_timeout: DurationMs,
    /// Time for calls in flight at the end.
    pub drain: DurationMs,
    /// The header that names the person behind a call, in lower case.
    pub subject_header: Option<String>,
    /// TLS; none: plain HTTP.
    pub tls: Option<TlsParts>,
}

/// The listener for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Its address.
    pub listen: SocketAddr,
    /// Bytes of a body.
    pub max_body: usize,
    /// TLS; none: plain HTTP.
    pub tls: Option<TlsParts>,
}

/// A certificate and its key, or neither.
fn tls(raw: &mut Raw, certificate: &'static str, key: &'static str) -> Option<Option<TlsParts>> {
    let (from, key_from) = (raw.source(certificate), raw.source(key));
    match (raw.take(certificate, text::file)?, raw.take(key, text::reference)?) {
        (Some(certificate), Some(key)) => Some(Some(TlsParts { certificate, key, client_ca: None })),
        (None, None) => Some(None),
        (Some(_), None) => alone(raw, certificate, from.as_deref(), key),
        (None, Some(_)) => alone(raw, key, key_from.as_deref(), certificate),
    }
}

/// Notes that a setting means nothing without another one.
fn alone<T>(raw: &mut Raw, key: &str, from: Option<&str>, beside: &str) -> Option<T> {
    raw.wrong(from.unwrap_or(key), format!("{key}: only beside `{beside}`"));
    None
}

/// Memory to read files in. With less than a file of a few MiB needs, most would go unread.
fn file_memory(text: &str) -> Result<usize, String> {
    match text::size(text)? {
        bytes if bytes >= FileMemory::LEAST => Ok(bytes),
        _ => Err(format!("less than {}MiB", FileMemory::LEAST >> 20)),
    }
}

impl Gateway {
    pub(super) fn read(raw: &mut Raw) -> Option<Self> {
        let listen = raw.take("gateway.listen", text::address);
        let max_body = raw.take("gateway.max_body", text::bytes);
        let max_calls = raw.take("gateway.max_calls", text::count);
        let max_file_memory = raw.take("gateway.max_file_memory", file_memory);
        let max_connections = raw.take("gateway.max_connections", text::count);
        let header_timeout = raw.take("gateway.header_timeout", text::time);
        let body_timeout = raw.take("gateway.body_timeout", text::time);
        let idle_timeout = raw.take("gateway.idle_timeout", text::time);
        let drain = raw.take("gateway.drain", text::duration);
        let subject_header = raw.take("gateway.subject_header", text::header);
        let client_ca_from = raw.source("gateway.tls.client_ca");
        let client_ca = raw.take("gateway.tls.client_ca", text::file);
        let tls = match (tls(raw, "gateway.tls.certificate", "gateway.tls.key"), client_ca) {
            (Some(None), Some(Some(_))) => {
                alone(raw, "gateway.tls.client_ca", client_ca_from.as_deref(), "gateway.tls.certificate")
            }
            (tls, client_ca) => tls.zip(client_ca),
        };
        Some(Self {
            listen: listen?,
            max_body: max_body?,
            max_calls: max_calls?,
            max_file_memory: max_file_memory?,
            max_connections: max_connections?,
            header_timeout: header_timeout?,
            body_timeout: body_timeout?,
            idle_timeout: idle_timeout?,
            drain: drain?,
            subject_header: subject_header?,
            tls: tls.map(|(parts, client_ca)| parts.map(|parts| TlsParts { client_ca, ..parts }))?,
        })
    }
}

impl Control {
    pub(super) fn read(raw: &mut Raw) -> Option<Self> {
        let listen = raw.take("control.listen", text::address);
        let max_body = raw.take("control.max_body", text::size);
        let tls = tls(raw, "control.tls.certificate", "control.tls.key");
        Some(Self { listen: listen?, max_body: max_body?, tls: tls? })
    }

    /// Notes when both listeners would have the same address.
    pub(super) fn apart_from(&self, gateway: &Gateway, raw: &mut Raw) {
        if self.listen == gateway.listen && self.listen.port() != 0 {
            let taken = self.listen;
            raw.wrong(
                "control.listen",
                format!("{taken} is the gateway's address already; help: give it a port of its own"),
            );
        }
    }
}
