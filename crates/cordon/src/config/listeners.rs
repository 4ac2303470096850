//! The two listeners: callers', and operators'.

use std::net::SocketAddr;

use cordon_core::DurationMs;

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
}

/// The listener for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Its address.
    pub listen: SocketAddr,
    /// Bytes of a body.
    pub max_body: usize,
}

impl Gateway {
    pub(super) fn read(raw: &mut Raw) -> Option<Self> {
        let listen = raw.take("gateway.listen", text::address);
        let max_body = raw.take("gateway.max_body", text::bytes);
        let max_calls = raw.take("gateway.max_calls", text::count);
        let max_connections = raw.take("gateway.max_connections", text::count);
        let header_timeout = raw.take("gateway.header_timeout", text::time);
        let body_timeout = raw.take("gateway.body_timeout", text::time);
        let idle_timeout = raw.take("gateway.idle_timeout", text::time);
        let drain = raw.take("gateway.drain", text::duration);
        let subject_header = raw.take("gateway.subject_header", text::header);
        Some(Self {
            listen: listen?,
            max_body: max_body?,
            max_calls: max_calls?,
            max_connections: max_connections?,
            header_timeout: header_timeout?,
            body_timeout: body_timeout?,
            idle_timeout: idle_timeout?,
            drain: drain?,
            subject_header: subject_header?,
        })
    }
}

impl Control {
    pub(super) fn read(raw: &mut Raw) -> Option<Self> {
        let listen = raw.take("control.listen", text::address);
        let max_body = raw.take("control.max_body", text::size);
        Some(Self { listen: listen?, max_body: max_body? })
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
