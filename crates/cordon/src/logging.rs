//! The program's own log: one line for each thing worth knowing, on standard error, never with content.

use std::io;

use tracing_subscriber::{
    Layer as _, filter::Targets, fmt::layer, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::config::{Log, LogFormat};

/// Starts the log of this process. A second start is passed over: the first one stays.
pub fn start(log: &Log) {
    // The configuration was checked; what would not be a filter after all logs at `info`.
    let filter: Targets =
        log.level.parse().unwrap_or_else(|_| Targets::new().with_default(tracing::Level::INFO));
    let lines = layer().with_writer(io::stderr).with_target(true);
    let lines = match log.format {
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
        }
        LogFormat::Text => lines.with_ansi(false).boxed(),
    };
    let _already = tracing_subscriber::registry().with(lines.with_filter(filter)).try_init();
}
