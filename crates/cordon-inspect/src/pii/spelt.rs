//! E-mail addresses with their signs written as words: `name AT host DOT com` in capitals, `name{at}host{dot}com` in braces.
//!
//! Brackets are read with the candidate that they stand in ([`super::email`]); braces and spaces end candidates, so that a machine of its
//! own reads these, byte by byte. What is no address in words is let go at the first byte that says so: in prose, the one behind
//! the space.

use crate::fold::FoldedText;

/// Bytes of a local part (RFC 5321, section 4.5.3.1.1), of a label of a host (RFC 1035), and of an address with its words.
const MAX_LOCAL: usize = 64;
const MAX_LABEL: usize = 63;
const MAX_ALL: usize = 320;
/// Bytes of `{ dot }` before the last.
const MAX_MARK: usize = 6;

/// Top-level domains (IANA's root zone) under which most people have their mail: words of prose are top-level domains too, so that not
/// all of them count.
const TOP: [&str; 44] = [
    "com", "org", "net", "edu", "gov", "mil", "int", "info", "biz", "name", "io", "dev", "app", "ai", "co",
    "eu", "de", "uk", "fr", "nl", "es", "it", "pl", "pt", "se", "dk", "fi", "ch", "at", "be", "cz", "ie",
    "ru", "ua", "ir", "tr", "in", "cn", "jp", "kr", "au", "ca", "br", "example",
];

/// How far an address in words was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    /// In a run too long for a local part, or one of other letters.
    Long,
    /// In what may be a local part.
    Local { start: usize },
    /// At the space behind it.
    Gap { start: usize },
    /// In `AT` or `{at}`, which began at `from`.
    At { start: usize, from: usize },
    /// Behind `AT` or a dot: a label may begin.
    Next(Host),
    /// In a label that began at `from`.
    Label(Host, usize),
    /// In `DOT` or `{dot}`, which begins at `from`.
    Dot(Host, usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Host {
    start: usize,
    /// Its signs are words in braces.
    braces: bool,
    /// It has a label.
    has_label: bool,
    /// Where it may end.
    end: Option<usize>,
}

/// Reads addresses in words.
#[derive(Debug, Default)]
pub(crate) struct Spelt(State);

impl Spelt {
    /// Where what may be an address begins.
    pub(crate) const fn live(&self) -> Option<usize> {
        match self.0 {
            State::Idle | State::Long => None,
            State::Local { start } | State::Gap { start } | State::At { start, .. } => Some(start),
            State::Next(host) | State::Label(host, _) | State::Dot(host, _) => Some(host.start),
        }
    }

    /// Whether letters and digits change nothing, in words of which the first byte was taken.
    pub(crate) const fn is_local(&self) -> bool {
        matches!(self.0, State::Idle | State::Long | State::Local { .. })
    }

    /// Whether a plain word would be no more than what may be a local part.
    pub(crate) const fn is_between(&self) -> bool {
        matches!(self.0, State::Idle | State::Long | State::Local { .. } | State::Gap { .. })
    }

    /// As the letters of a plain word that begins at `start` one by one.
    #[inline]
    pub(crate) fn plain_word(&mut self, (start, end): (usize, usize)) {
        self.0 = match self.0 {
            State::Long => State::Long,
            State::Local { start } if end - start <= MAX_LOCAL => State::Local { start },
            State::Local { .. } => State::Long,
            _ => State::Local { start },
        };
    }

    /// Takes the folded byte at `i`; the address that ended before it.
    #[inline]
    pub(crate) fn byte(&mut self, i: usize, byte: u8, text: &FoldedText) -> Option<(usize, usize)> {
        let (next, found) = match self.0 {
            State::Idle => (begin(i, byte), None),
            State::Long if is_local(byte) || byte >= 0x80 => (State::Long, None),
            State::Long => (begin(i, byte), None),
            State::Local { start } => (local(start, i, byte), None),
            State::Gap { start } if matches!(byte, b'A' | b'{') => (State::At { start, from: i }, None),
            State::Gap { .. } => (begin(i, byte), None),
            state => match further(state, i, byte, text) {
                Some(next) => (next, None),
                None => (again(state, i, byte, text), ended(state, i, text)),
            },
        };
        self.0 = next;
        found
    }
}

/// What a byte begins.
const fn begin(i: usize, byte: u8) -> State {
    match byte {
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => State::Local { start: i },
        0x80.. => State::Long,
        _ => State::Idle,
    }
}

const fn local(start: usize, i: usize, byte: u8) -> State {
    match byte {
        // Letters may have been passed over: it was too long before this.
        _ if i - start > MAX_LOCAL => {
            if is_local(byte) {
                State::Long
            } else {
                begin(i, byte)
            }
        }
        b' ' => State::Gap { start },
        b'{' => State::At { start, from: i },
        0x80.. => State::Long,
        _ if !is_local(byte) => begin(i, byte),
        _ if i - start < MAX_LOCAL => State::Local { start },
        _ => State::Long,
    }
}

/// What follows a byte behind the local part; none where it is no address, or the address has ended.
fn further(state: State, i: usize, byte: u8, text: &FoldedText) -> Option<State> {
    match state {
        State::At { start, from } => Some(match mark(from, i, byte, "at", text)? {
            Mark::Open => state,
            // Where all is in capitals, so is `MEET ME AT NOON`.
            Mark::Read { braces: false } if !is_own(text.slice(start, from)) => return None,
            Mark::Read { braces } => State::Next(Host { start, braces, has_label: false, end: None }),
        }),
        State::Next(host) => {
            if byte == b' ' && host.braces && i.checked_sub(1).and_then(|at| text.byte(at)) == Some(b'}') {
                return Some(state);
            }
            (byte.is_ascii_alphanumeric() && i - host.start < MAX_ALL).then_some(State::Label(host, i))
        }
        State::Label(host, from) => {
            if byte.is_ascii_alphanumeric() || byte == b'-' {
                return (i - from < MAX_LABEL).then_some(state);
            }
            let host = with_label(host, from, i, text);
            match byte {
                b'.' if host.braces => Some(State::Next(host)),
                b' ' => Some(State::Dot(host, i + 1)),
                b'{' if host.braces => Some(State::Dot(host, i)),
                _ => None,
            }
        }
        State::Dot(host, from) => {
            if i == from {
                return (byte == if host.braces { b'{' } else { b'D' }).then_some(state);
            }
            Some(match mark(from, i, byte, "dot", text)? {
                Mark::Open => state,
                Mark::Read { .. } => State::Next(host),
            })
        }
        State::Idle | State::Long | State::Local { .. } | State::Gap { .. } => None,
    }
}

/// A host with the label `from..to`, which is its last so far.
fn with_label(host: Host, from: usize, to: usize, text: &FoldedText) -> Host {
    let label = text.slice(from, to);
    let is_top = host.has_label && TOP.iter().any(|top| label.eq_ignore_ascii_case(top.as_bytes()));
    Host { has_label: true, end: if is_top { Some(to) } else { host.end }, ..host }
}

/// The address that ended where nothing follows before `i`.
fn ended(state: State, i: usize, text: &FoldedText) -> Option<(usize, usize)> {
    let host = match state {
        State::Label(host, from) => with_label(host, from, i, text),
        State::Next(host) | State::Dot(host, _) => host,
        _ => return None,
    };
    Some((host.start, host.end?))
}

/// What a byte begins where it is no part of an address, with the letters before it that were taken for a sign or a label.
fn again(state: State, i: usize, byte: u8, text: &FoldedText) -> State {
    let from = match state {
        State::At { from, .. } | State::Dot(_, from) | State::Label(_, from) => from,
        _ => i,
    };
    let letters = text.slice(from, i);
    if letters.is_empty() || !letters.iter().copied().all(is_local) || i - from > MAX_LOCAL {
        return begin(i, byte);
    }
    local(from, i, byte)
}

enum Mark {
    Open,
    Read { braces: bool },
}

/// Goes on in a sign that began at `from`: `AT ` in capitals, or `{at}` in any letters and with spaces in it.
fn mark(from: usize, i: usize, byte: u8, word: &str, text: &FoldedText) -> Option<Mark> {
    let head = text.slice(from, i);
    if let [b'{', inner @ ..] = head {
        return match byte {
            b'}' => inner
                .trim_ascii()
                .eq_ignore_ascii_case(word.as_bytes())
                .then_some(Mark::Read { braces: true }),
            _ if byte.is_ascii_alphabetic() || byte == b' ' => (head.len() < MAX_MARK).then_some(Mark::Open),
            _ => None,
        };
    }
    match word.as_bytes().get(head.len()) {
        Some(letter) => (byte == letter.to_ascii_uppercase()).then_some(Mark::Open),
        None => (byte == b' ').then_some(Mark::Read { braces: false }),
    }
}

/// Whether a local part is in other letters than the words for its signs.
fn is_own(local: &[u8]) -> bool {
    local.iter().any(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

const fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-')
}
