//! HTTP/1.1 messages on a blocking socket, as far as a measurement needs them: a head, and a body by length or in chunks.

use std::io::Read;
use std::net::TcpStream;

use anyhow::{Context, Result, bail};

/// Larger than any message of a measurement.
const MOST_BYTES: usize = 4 << 20;

/// Reads the messages of one side of a connection, one after the other.
pub(crate) struct Messages<'a> {
    stream: &'a TcpStream,
    buffer: Vec<u8>,
    /// Bytes of the message that was handed out last.
    used: usize,
}

/// One message.
pub(crate) struct Message<'a> {
    /// First line and headers.
    pub(crate) head: &'a str,
    /// The body as it was sent; chunk sizes of a chunked one stay in it.
    pub(crate) body: &'a [u8],
}

impl Message<'_> {
    /// The status of an answer.
    pub(crate) fn status(&self) -> Option<u16> {
        self.head.split(' ').nth(1)?.parse().ok()
    }

    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(self.head, name)
    }
}

enum Framing {
    Chunked,
    Length(usize),
}

impl<'a> Messages<'a> {
    pub(crate) fn new(stream: &'a TcpStream) -> Self {
        Self { stream, buffer: Vec::with_capacity(64 << 10), used: 0 }
    }

    /// The next message; `None` when the other side closed between two.
    pub(crate) fn next(&mut self) -> Result<Option<Message<'_>>> {
        self.next_with(&mut |_| {})
    }

    /// As [`Messages::next`]; `seen` gets the bytes of the body received so far, each time that there are more.
    pub(crate) fn next_with(&mut self, seen: &mut dyn FnMut(&[u8])) -> Result<Option<Message<'_>>> {
        self.buffer.drain(..self.used);
        self.used = 0;
        let head = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
            if !self.more()? {
                if self.buffer.is_empty() {
                    return Ok(None);
                }
                bail!("the connection ended in a head");
            }
        };
        let framing = framing(text(&self.buffer, head)?)?;
        let end = loop {
            let body = self.buffer.get(head..).unwrap_or_default();
            seen(body);
            let end = match framing {
                Framing::Length(length) => (body.len() >= length).then_some(length),
                // The last chunk has the size 0, and nothing here sends trailers (RFC 9112, section 7.1).
                Framing::Chunked if body.starts_with(b"0\r\n\r\n") => Some(5),
                Framing::Chunked => find(body, b"\r\n0\r\n\r\n").map(|at| at + 7),
            };
            if let Some(end) = end {
                break head + end;
            }
            if !self.more()? {
                bail!("the connection ended in a body");
            }
        };
        self.used = end;
        Ok(Some(Message {
            head: text(&self.buffer, head)?,
            body: self.buffer.get(head..end).unwrap_or_default(),
        }))
    }

    fn more(&mut self) -> Result<bool> {
        if self.buffer.len() > MOST_BYTES {
            bail!("a message of more than {MOST_BYTES} bytes");
        }
        let mut block = [0; 32 << 10];
        let read = self.stream.read(&mut block).context("reading")?;
        self.buffer.extend_from_slice(block.get(..read).unwrap_or_default());
        Ok(read > 0)
    }
}

fn text(bytes: &[u8], end: usize) -> Result<&str> {
    std::str::from_utf8(bytes.get(..end).unwrap_or_default()).context("a head that is no text")
}

fn framing(head: &str) -> Result<Framing> {
    if let Some(length) = header(head, "content-length") {
        return Ok(Framing::Length(
            length.parse().with_context(|| format!("reading the length `{length}`"))?,
        ));
    }
    let chunked =
        header(head, "transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
    Ok(if chunked { Framing::Chunked } else { Framing::Length(0) })
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// Where a short pattern begins.
pub(crate) fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn messages_of_both_framings_follow_each_other() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut sender = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (receiver, _) = listener.accept().unwrap();
        sender.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc").unwrap();
        sender
            .write_all(b"HTTP/1.1 429 No\r\ntransfer-encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n")
            .unwrap();
        drop(sender);
        let mut messages = Messages::new(&receiver);
        let first = messages.next().unwrap().unwrap();
        assert_eq!((first.status(), first.body), (Some(200), b"abc".as_slice()));
        let second = messages.next().unwrap().unwrap();
        assert_eq!((second.status(), second.header("Transfer-Encoding")), (Some(429), Some("chunked")));
        assert_eq!(second.body, b"2\r\nde\r\n0\r\n\r\n");
        assert!(messages.next().unwrap().is_none());
    }

    #[test]
    fn a_message_that_breaks_off_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut sender = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (receiver, _) = listener.accept().unwrap();
        sender.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab").unwrap();
        drop(sender);
        assert!(Messages::new(&receiver).next().is_err());
    }
}
