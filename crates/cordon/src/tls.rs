//! TLS of the two listeners: read at the start, looked at while they serve.

use std::time::Duration;

use cordon_guard::{
    server::{PROTOCOLS, Refreshed, ServerTls, TlsError, TlsParts},
    upstream::Environment,
};

use crate::{config::Config, desk::with_causes};

/// How often the files are looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// What the control listener speaks.
const CONTROL_PROTOCOLS: [&str; 1] = ["http/1.1"];

/// The TLS of both listeners, as far as they have it.
#[derive(Clone, Debug, Default)]
pub struct Listeners {
    /// For callers.
    pub gateway: Option<ServerTls>,
    /// For operators.
    pub control: Option<ServerTls>,
}

impl Listeners {
    /// Reads what a configuration names.
    ///
    /// # Errors
    /// With everything that cannot be used.
    pub fn open(config: &Config, environment: &Environment) -> Result<Self, Vec<TlsError>> {
        let open = |parts: &Option<TlsParts>, protocols: &[&str]| {
            parts.clone().map(|parts| ServerTls::open(parts, environment, protocols)).transpose()
        };
        match (open(&config.gateway.tls, &PROTOCOLS), open(&config.control.tls, &CONTROL_PROTOCOLS)) {
            (Ok(gateway), Ok(control)) => Ok(Self { gateway, control }),
            (gateway, control) => Err([gateway.err(), control.err()].into_iter().flatten().collect()),
        }
    }

    /// Takes over certificates and keys that were replaced, until the future is dropped. `shown` is called whenever the
    /// control listener shows another certificate.
    pub async fn follow(self, shown: impl Fn()) {
        let listeners = [("gateway", self.gateway), ("control", self.control)];
        if listeners.iter().all(|(_, tls)| tls.is_none()) {
            return;
        }
        loop {
            tokio::time::sleep(LOOK_AGAIN).await;
            for (listener, tls) in &listeners {
                let Some(tls) = tls.clone() else { continue };
                let found = match tokio::task::spawn_blocking(move || tls.refresh()).await {
                    Ok(found) => found,
                    Err(error) => {
                        tracing::error!(listener, why = %error, "the certificate was not looked at");
                        continue;
                    }
                };
                match found {
                    Refreshed::Same => {}
                    Refreshed::Replaced => {
                        tracing::info!(listener, "the certificate was replaced");
                        if *listener == "control" {
                            shown();
                        }
                    }
                    Refreshed::Refused(error) => tracing::error!(
                        listener,
                        why = with_causes(&error),
                        "a new certificate cannot be used; the one before stays in force"
                    ),
                }
            }
        }
    }
}
