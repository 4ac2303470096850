//! The program's own log.

use super::Raw;

/// The program's own log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Filters, as `tracing_subscriber::EnvFilter` reads them.
    pub level: String,
    /// How lines look.
    pub format: LogFormat,
}

/// How lines of the program's own log look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

impl Log {
    pub(super) fn read(raw: &mut Raw) -> Option<Self> {
        let level = raw.take("log.level", |value| {
            value
                .parse::<tracing_subscriber::filter::Targets>()
                .map(|_| value.to_owned())
                .map_err(|_| "`info`, or filters such as `info,cordon_guard=debug` are expected".to_owned())
        });
        let format = raw.take("log.format", |value| match value {
            "json" => Ok(LogFormat::Json),
            "text" => Ok(LogFormat::Text),
            _ => Err("`json` or `text` is expected".to_owned()),
        });
        Some(Self { level: level?, format: format? })
    }
}
