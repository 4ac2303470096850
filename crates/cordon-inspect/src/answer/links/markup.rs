//! Brackets of Markdown and tags of HTML: what announces an address.

use crate::answer::url::Place;
use crate::fold::FoldedText;

/// Brackets that are followed at once.
const MAX_OPEN: usize = 8;
/// Bytes of the longest tag that is followed.
const MAX_TAG: usize = 4096;
/// Bytes of the longest name that is looked at.
const MAX_NAME: usize = 24;

/// The brackets that are open, and the one that closed last.
#[derive(Debug, Default)]
pub(super) struct Brackets {
    /// Where each open one stands, and whether a picture's mark stands before it.
    open: [(usize, bool); MAX_OPEN],
    count: usize,
    /// The byte behind the last that closed, where it was opened, and whether it was a picture's.
    closed: Option<(usize, usize, bool)>,
}

impl Brackets {
    pub(super) fn open(&mut self, i: usize, picture: bool) {
        // The outermost are forgotten: what they announce is judged as a picture.
        if self.count == MAX_OPEN {
            self.open.rotate_left(1);
            self.count -= 1;
        }
        if let Some(slot) = self.open.get_mut(self.count) {
            *slot = (i, picture);
            self.count += 1;
        }
    }

    pub(super) fn close(&mut self, i: usize) {
        let last = self.count.checked_sub(1);
        let opened = last.and_then(|last| self.open.get(last)).copied();
        self.count = last.unwrap_or(0);
        // A label whose start was forgotten may be a picture's.
        let (from, picture) = opened.unwrap_or((i, true));
        self.closed = Some((i + 1, from, picture));
    }

    /// Whether a bracket closed right before `i`, and whether it was a picture's.
    pub(super) fn closed_at(&self, i: usize) -> Option<bool> {
        self.closed.filter(|(at, ..)| *at == i).map(|(.., picture)| picture)
    }

    /// Whether the bracket that closed last was the first of its line.
    pub(super) fn begins_line(&self, text: &FoldedText) -> bool {
        let Some((_, from, _)) = self.closed else { return false };
        let mut before = text.slice(from.saturating_sub(4), from).iter().rev();
        before.find(|byte| !matches!(**byte, b' ' | b'>')).is_none_or(|byte| *byte == b'\n')
    }
}

/// What a tag announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// One address.
    Address(Place),
    /// Several, with what they are for.
    Addresses,
}

/// The tag that is open.
#[derive(Debug, Default)]
pub(super) struct Tags(Option<Open>);

#[derive(Clone, Copy, Debug)]
struct Open {
    start: usize,
    /// Its name, once it has ended.
    kind: Option<Kind>,
    /// The quotation mark of the value that is open.
    quote: Option<u8>,
    /// The last byte that was no space.
    last: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `href` is followed by a click.
    Anchor,
    /// `href` is loaded: style sheets, icons, pictures of SVG.
    Loads,
    /// `content` may name where the page goes by itself.
    Meta,
    Other,
}

impl Tags {
    pub(super) const fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Takes a byte that belongs to no address.
    pub(super) fn byte(&mut self, i: usize, byte: u8, text: &FoldedText) -> Option<Tag> {
        let Some(open) = &mut self.0 else {
            if byte == b'<' {
                self.0 = Some(Open { start: i, kind: None, quote: None, last: b'<' });
            }
            return None;
        };
        if i - open.start > MAX_TAG {
            self.0 = None;
            return None;
        }
        let Some(kind) = open.kind else {
            if byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-') && i > open.start + 1 {
                return None;
            }
            let name = text.slice(open.start + 1, i);
            let named = name.first().is_some_and(u8::is_ascii_alphabetic) && name.len() <= MAX_NAME;
            match byte {
                b' ' | b'\n' | b'\t' | b'/' if named => open.kind = Some(Kind::of(name)),
                b'<' => open.start = i,
                _ => self.0 = None,
            }
            return None;
        };
        if let Some(quote) = open.quote {
            if byte == quote {
                open.quote = None;
                open.last = byte;
            }
            if byte != b'=' {
                return None;
            }
            // A mark that nobody closed may have begun the value: what is loaded in any tag is seen in it too.
            return match name_before(text, i)? {
                Attribute::Url if kind == Kind::Meta => Some(Tag::Address(Place::Loaded)),
                Attribute::Source => Some(Tag::Address(Place::Loaded)),
                _ => None,
            };
        }
        match byte {
            b'>' => self.0 = None,
            b'<' => self.0 = Some(Open { start: i, kind: None, quote: None, last: b'<' }),
            b'"' | b'\'' if open.last == b'=' => open.quote = Some(byte),
            b' ' | b'\n' | b'\t' => {}
            b'=' => {
                open.last = b'=';
                return announced(kind, name_before(text, i)?);
            }
            _ => open.last = byte,
        }
        None
    }
}

impl Kind {
    fn of(name: &[u8]) -> Self {
        let is = |names: &[&[u8]]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
        if is(&[b"a", b"area"]) {
            Self::Anchor
        } else if is(&[b"link", b"image", b"use", b"base", b"feimage", b"script"]) {
            Self::Loads
        } else if is(&[b"meta"]) {
            Self::Meta
        } else {
            Self::Other
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attribute {
    /// Loaded whatever the tag is.
    Source,
    Sources,
    Reference,
    /// Where a form goes when it is sent.
    Action,
    Url,
    /// `onerror`, `onclick`: a script.
    Handler,
    /// A page of its own.
    Page,
}

/// The attribute whose name ends before `i`, if it holds addresses.
fn name_before(text: &FoldedText, i: usize) -> Option<Attribute> {
    let bytes = text.slice(i.saturating_sub(MAX_NAME), i);
    let bytes = bytes.trim_ascii_end();
    let len = bytes
        .iter()
        .rev()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b':' | b'-' | b'_'))
        .count();
    let name = bytes.get(bytes.len() - len..)?;
    let is = |names: &[&[u8]]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
    if is(&[
        b"src",
        b"data",
        b"poster",
        b"background",
        b"lowsrc",
        b"dynsrc",
        b"classid",
        b"codebase",
        b"icon",
        b"manifest",
    ]) {
        Some(Attribute::Source)
    } else if is(&[b"srcset", b"imagesrcset", b"ping", b"archive"]) {
        Some(Attribute::Sources)
    } else if is(&[b"href", b"xlink:href"]) {
        Some(Attribute::Reference)
    } else if is(&[b"action", b"formaction", b"cite", b"longdesc"]) {
        Some(Attribute::Action)
    } else if is(&[b"srcdoc"]) {
        Some(Attribute::Page)
    } else if name.len() > 4
        && name.get(..2).is_some_and(|on| on.eq_ignore_ascii_case(b"on"))
        && name.iter().all(u8::is_ascii_alphabetic)
    {
        Some(Attribute::Handler)
    } else {
        is(&[b"url"]).then_some(Attribute::Url)
    }
}

fn announced(kind: Kind, attribute: Attribute) -> Option<Tag> {
    match (attribute, kind) {
        (Attribute::Source, _) | (Attribute::Reference, Kind::Loads) => Some(Tag::Address(Place::Loaded)),
        (Attribute::Sources, _) => Some(Tag::Addresses),
        (Attribute::Reference | Attribute::Action, _) => Some(Tag::Address(Place::Clicked)),
        (Attribute::Handler, _) => Some(Tag::Address(Place::Handler)),
        (Attribute::Page, _) => Some(Tag::Address(Place::Page)),
        (Attribute::Url, _) => None,
    }
}
