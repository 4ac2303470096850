//! Server-sent events: an incremental parser of hostile bytes and a writer, after the WHATWG HTML standard, section
//! 9.2.6 (<https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>).
//!
//! Differences from the standard, all stricter: bytes that are not UTF-8 are an error instead of replacement
//! characters (what is inspected must be what is sent), and lines and events have bounds.

use std::str;

/// How much one stream may make the parser hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one line without its end.
    pub line: usize,
    /// Bytes of the data of one event, the line breaks between its lines included.
    pub event: usize,
}

impl Default for Limits {
    /// 1 MiB a line, 4 MiB an event: a whole answer in one event still fits.
    fn default() -> Self {
        Self { line: 1 << 20, event: 4 << 20 }
    }
}

/// One event, borrowed from the parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// The `event` field; empty means `message`.
    pub name: &'a str,
    /// The `data` lines, joined by line feeds.
    pub data: &'a str,
    /// The last `id` of the stream so far; empty when there was none.
    pub id: &'a str,
    /// The `retry` field of this event, in milliseconds.
    pub retry: Option<u64>,
}

/// Bytes that are no event stream within the bounds. Ends the stream: the parser yields nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// The data of one event is too long.
    #[error("an event of the stream is longer than {limit} bytes")]
    EventTooLong {
        /// The bound in bytes.
        limit: usize,
    },
    /// A line is too long.
    #[error("a line of the event stream is longer than {limit} bytes")]
    LineTooLong {
        /// The bound in bytes.
        limit: usize,
    },
    /// Not UTF-8.
    #[error("the event stream is not UTF-8")]
    NotUtf8,
}

/// An incremental parser. Feed it with [`push`](Self::push), then take events with [`next`](Self::next) until there is
/// none. It holds at most one line, one event, and the bytes pushed since the last `next` that gave nothing.
///
/// ```
/// use cordon_guard::sse::Parser;
/// let mut parser = Parser::default();
/// parser.push(b"data: {\"a\"");
/// assert_eq!(parser.next(), Ok(None));
/// parser.push(b":1}\r\n\r\n");
/// assert_eq!(parser.next().unwrap().unwrap().data, "{\"a\":1}");
/// ```
#[derive(Debug, Default)]
pub struct Parser {
    limits: Limits,
    /// Bytes not yet consumed begin at `at`; up to `scanned` there is no line end in them.
    buffer: Vec<u8>,
    at: usize,
    scanned: usize,
    /// A line ended with a carriage return: a line feed that follows belongs to it.
    after_return: bool,
    begun: bool,
    name: String,
    data: String,
    has_data: bool,
    id: String,
    retry: Option<u64>,
    /// The last event was handed out: its fields are cleared before the next line.
    given: bool,
    failed: Option<SseError>,
}

impl Parser {
    /// A parser with these bounds.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Adds received bytes. After an error they are dropped.
    pub fn push(&mut self, chunk: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        if self.at > 0 {
            // What was consumed goes; the rest is at most one unfinished line unless the caller did not drain.
            self.buffer.drain(..self.at);
            self.scanned -= self.at;
            self.at = 0;
        }
        self.buffer.extend_from_slice(chunk);
    }

    /// The next whole event, or `None` when more bytes are needed.
    ///
    /// # Errors
    /// When the bytes are not UTF-8 or a bound is exceeded; then always the same error.
    #[expect(clippy::should_implement_trait, reason = "the event borrows the parser, which no iterator can")]
    pub fn next(&mut self) -> Result<Option<Event<'_>>, SseError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        match self.advance() {
            Ok(true) => {
                self.given = true;
                Ok(Some(Event { name: &self.name, data: &self.data, id: &self.id, retry: self.retry }))
            }
            Ok(false) => Ok(None),
            Err(error) => {
                self.failed = Some(error);
                self.buffer = Vec::new();
                (self.at, self.scanned) = (0, 0);
                Err(error)
            }
        }
    }

    /// Whether bytes of an unfinished event are held: at the end of a stream, it was cut off.
    pub fn is_mid_event(&self) -> bool {
        self.at < self.buffer.len() || (!self.given && (self.has_data || !self.name.is_empty()))
    }

    /// Bytes held at the moment.
    pub fn held(&self) -> usize {
        self.buffer.len() - self.at + self.data.len() + self.name.len() + self.id.len()
    }

    /// Consumes lines until an event is complete (`true`) or bytes run out (`false`).
    fn advance(&mut self) -> Result<bool, SseError> {
        if std::mem::take(&mut self.given) {
            self.clear_event();
        }
        loop {
            if self.after_return {
                match self.buffer.get(self.at) {
                    None => return Ok(false),
                    Some(b'\n') => {
                        self.at += 1;
                        self.scanned = self.at;
                    }
                    Some(_) => {}
                }
                self.after_return = false;
            }
            let fresh = self.buffer.get(self.scanned..).unwrap_or_default();
            let Some(offset) = memchr::memchr2(b'\n', b'\r', fresh) else {
                self.scanned = self.buffer.len();
                if self.buffer.len() - self.at > self.limits.line {
                    return Err(SseError::LineTooLong { limit: self.limits.line });
                }
                return Ok(false);
            };
            let (start, end) = (self.at, self.scanned + offset);
            self.after_return = fresh.get(offset) == Some(&b'\r');
            self.at = end + 1;
            self.scanned = self.at;
            if end - start > self.limits.line {
                return Err(SseError::LineTooLong { limit: self.limits.line });
            }
            if start == end && self.begun {
                if self.has_data {
                    return Ok(true);
                }
                self.clear_event();
                continue;
            }
            // The line moves out for a moment, so that the fields can be changed while it is read.
            let buffer = std::mem::take(&mut self.buffer);
            let outcome = self.line(buffer.get(start..end).unwrap_or_default());
            self.buffer = buffer;
            outcome?;
        }
    }

    fn clear_event(&mut self) {
        self.name.clear();
        self.data.clear();
        self.has_data = false;
        self.retry = None;
    }

    /// Takes one line, not empty unless it is the first, without its end.
    fn line(&mut self, line: &[u8]) -> Result<(), SseError> {
        let line = if std::mem::replace(&mut self.begun, true) {
            line
        } else {
            line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line)
        };
        let line = str::from_utf8(line).map_err(|_| SseError::NotUtf8)?;
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                let length = self.data.len() + usize::from(self.has_data) + value.len();
                if length > self.limits.event {
                    return Err(SseError::EventTooLong { limit: self.limits.event });
                }
                if self.has_data {
                    self.data.push('\n');
                }
                self.data.push_str(value);
                self.has_data = true;
            }
            "event" => {
                self.name.clear();
                self.name.push_str(value);
            }
            "id" if !value.contains('\0') => {
                self.id.clear();
                self.id.push_str(value);
            }
            "retry" if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) => {
                self.retry = value.parse().ok();
            }
            // Comments (an empty field name) and unknown fields.
            _ => {}
        }
        Ok(())
    }
}

/// Writes one event: `data` is split at its line ends, so that any text is framed well.
///
/// A line end or NUL in `name` is left out, since it cannot be written.
pub fn write_event(out: &mut Vec<u8>, name: &str, data: &str) {
    if !name.is_empty() {
        out.extend_from_slice(b"event: ");
        out.extend(name.bytes().filter(|b| !matches!(b, b'\n' | b'\r' | 0)));
        out.push(b'\n');
    }
    write_data(out, data);
}

/// Writes one event without a name.
///
/// ```
/// let mut out = Vec::new();
/// cordon_guard::sse::write_data(&mut out, "[DONE]");
/// assert_eq!(out, b"data: [DONE]\n\n");
/// ```
pub fn write_data(out: &mut Vec<u8>, data: &str) {
    out.reserve(data.len() + 8);
    let mut rest = data.as_bytes();
    loop {
        out.extend_from_slice(b"data: ");
        let Some(end) = memchr::memchr2(b'\n', b'\r', rest) else {
            out.extend_from_slice(rest);
            break;
        };
        let (line, tail) = rest.split_at(end);
        out.extend_from_slice(line);
        out.push(b'\n');
        rest = tail.strip_prefix(b"\r\n").or_else(|| tail.get(1..)).unwrap_or_default();
    }
    out.extend_from_slice(b"\n\n");
}

/// Writes a comment, which keeps a connection alive and is seen by no application. Line ends in it are left out.
pub fn write_comment(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(b": ");
    out.extend(text.bytes().filter(|b| !matches!(b, b'\n' | b'\r')));
    out.extend_from_slice(b"\n\n");
}

#[cfg(test)]
#[path = "sse_tests.rs"]
mod tests;
