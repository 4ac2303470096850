//! Syslog over TLS (RFC 5425): RFC 5424 messages, each after its length (RFC 6587, section 3.4.1).
//!
//! Syslog has no acknowledgement. The nearest thing is the end of a connection: each batch goes over one of its own, which is
//! closed in order, and counts as taken when the receiver has closed its side too, for it does so after it has read all.
//! A connection that breaks, or a receiver that does not close, means that the whole batch is sent again. Whether the receiver
//! keeps what it has read, no syslog can say.

use std::{io, time::Duration};

use cordon_core::Name;
use cordon_guard::upstream::{Client, Reach};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

use super::{
    SinkError,
    ocsf::{Event, Severity},
};

/// How long it may take to connect.
const CONNECT: Duration = Duration::from_secs(10);
/// How long it may take to write a batch, and to see the receiver's end.
const DELIVER: Duration = Duration::from_secs(30);

/// Facility 13 of RFC 5424: log audit.
const FACILITY: u8 = 13;

pub(super) struct SyslogSink {
    client: Client,
    host: String,
    port: u16,
    node: Name,
}

impl SyslogSink {
    pub(super) fn new(client: Client, host: String, port: u16, node: Name) -> Self {
        Self { client, host, port, node }
    }

    pub(super) async fn send(&self, events: &[Event]) -> Result<(), SinkError> {
        let frames: Vec<u8> = events.iter().flat_map(|event| frame(event, self.node.as_str())).collect();
        let connecting = self.client.connect_tls(&self.host, self.port, Reach::PrivateToo, CONNECT);
        let mut stream = Box::pin(connecting).await?;
        let deliver = async {
            stream.write_all(&frames).await?;
            stream.shutdown().await?;
            let mut answer = [0; 256];
            loop {
                match stream.read(&mut answer).await {
                    Ok(0) => return Ok(()),
                    // A receiver has nothing to say; what it says is not read.
                    Ok(_) => {}
                    // Closed without a TLS close_notify, which many receivers leave out.
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                    Err(error) => return Err(error),
                }
            }
        };
        match timeout(DELIVER, deliver).await {
            Ok(done) => Ok(done?),
            Err(_) => Err(SinkError::Late(DELIVER)),
        }
    }
}

/// One message with its length: `LEN SP <PRI>1 TIME HOST APP PROCID MSGID SD MSG`.
fn frame(event: &Event, node: &str) -> Vec<u8> {
    let level = match event.severity {
        Severity::Informational => 6,
        Severity::Low => 5,
        Severity::Medium => 4,
        Severity::High => 3,
    };
    let priority = FACILITY * 8 + level;
    let message = format!("<{priority}>1 {} {node} cordon - OCSF - {}", event.time, event.json);
    format!("{} {message}", message.len()).into_bytes()
}

#[cfg(test)]
mod tests {
    use cordon_core::Timestamp;

    use super::*;

    #[test]
    fn a_message_is_that_of_the_standards() {
        let event = Event {
            uid: "fact:1".to_owned(),
            time: Timestamp::from_millis(1_000),
            severity: Severity::Medium,
            json: "{\"a\":\"é\"}".to_owned(),
        };
        let message = "<108>1 1970-01-01T00:00:01.000Z node-1 cordon - OCSF - {\"a\":\"é\"}";
        let framed = String::from_utf8(frame(&event, "node-1")).unwrap();
        // Octets, not characters.
        assert_eq!(framed, format!("65 {message}"));
        assert_eq!((message.len(), message.chars().count()), (65, 64));
    }
}
