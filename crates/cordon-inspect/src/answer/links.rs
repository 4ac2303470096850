//! Reads the folded text as Markdown and HTML do, as far as they lead elsewhere: which URLs there are, and who follows them.

mod markup;

use crate::answer::hosts::Hosts;
use crate::answer::url::{self, Link, Place};
use crate::answer::{Found, Sight};
use crate::detector::{EGRESS, MAX_SEGMENT};
use crate::fold::FoldedText;
use markup::{Brackets, Tag, Tags};

/// Bytes between what announces a URL and its first one.
const MAX_SPACE: usize = 64;
/// Letters of the longest scheme that is looked for, with its colon.
pub(crate) const MAX_SCHEME: usize = 11;

/// Where the reading stands.
#[derive(Debug, Default)]
pub(crate) struct Links {
    mode: Mode,
    brackets: Brackets,
    tags: Tags,
    /// A picture was named by a label: what is defined later may be it.
    labelled: bool,
    /// What an inner reading looks at was read before: an address ends at white space there, and nothing is read a third time.
    inner: bool,
}

#[derive(Clone, Copy, Debug, Default)]
enum Mode {
    #[default]
    Text,
    /// A URL begins with the next byte that is no space.
    Expected { place: Place, until: Until, since: usize },
    /// A URL began at `start`.
    Url { start: usize, place: Place, until: Until, open: u8 },
    /// What met the bound goes on up to its end; it was reported so far.
    Beyond { start: usize, until: Until, said: (&'static str, u32) },
}

/// What ends a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    /// White space, or a byte that stands in no URL.
    Space,
    /// A parenthesis that none opened, or white space.
    Parenthesis,
    /// `>`.
    Angle,
    /// This quotation mark.
    Quote(u8),
    /// This quotation mark, where several URLs stand in it: also white space or a comma.
    Each(u8),
}

impl Links {
    /// Takes the folded byte at `i`.
    #[inline]
    pub(crate) fn byte(&mut self, i: usize, byte: u8, sight: Sight<'_>, due: &mut Vec<Found>) {
        match self.mode {
            Mode::Text => {
                if self.tags.is_open() || is_special(byte) {
                    self.text(i, byte, sight);
                }
            }
            Mode::Expected { place, until, since } => self.expected(i, byte, (place, until, since), sight),
            Mode::Url { start, place, until, open } => {
                let nested = self.inner && byte == b'(' && sight.text.byte(i - 1) == Some(b']') && i > start;
                if nested {
                    // Whatever began before, a picture may begin here.
                    self.end(start, i, place, until, sight, due);
                    self.expect(i, Place::Loaded, Until::Parenthesis);
                } else if ends(until, i, byte, open, sight.text) {
                    self.end(start, i, place, until, sight, due);
                    self.behind(i, byte, place, until, sight);
                } else if i + 1 - start >= MAX_SEGMENT {
                    self.full(start, i + 1, place, until, sight, due);
                } else if until == Until::Parenthesis && matches!(byte, b'(' | b')') {
                    let open = if byte == b'(' { open.saturating_add(1) } else { open.saturating_sub(1) };
                    self.mode = Mode::Url { start, place, until, open };
                }
            }
            Mode::Beyond { start, until, said } => {
                let over = ends(until, i, byte, 0, sight.text);
                if over && start < i || i + 1 - start >= MAX_SEGMENT {
                    let end = if over { i } else { i + 1 };
                    due.push(found(said, start, end, true));
                    self.mode = Mode::Beyond { start: end, until, said };
                }
                if over {
                    self.mode = Mode::Text;
                    self.text(i, byte, sight);
                }
            }
        }
    }

    /// Whether the bytes of a word change nothing here.
    #[inline]
    pub(crate) const fn is_quiet(&self) -> bool {
        matches!(self.mode, Mode::Text) && !self.tags.is_open()
    }

    /// The text ends before folded byte `end`.
    pub(crate) fn close(&mut self, end: usize, sight: Sight<'_>, due: &mut Vec<Found>) {
        match std::mem::take(&mut self.mode) {
            Mode::Url { start, place, until, .. } => self.end(start, end, place, until, sight, due),
            Mode::Beyond { start, said, .. } if start < end => due.push(found(said, start, end, true)),
            _ => {}
        }
    }

    /// Where what must be held back begins, but for the letters that may be a scheme.
    pub(crate) const fn live(&self) -> Option<usize> {
        match self.mode {
            Mode::Url { start, .. } | Mode::Beyond { start, .. } => Some(start),
            Mode::Text | Mode::Expected { .. } => None,
        }
    }

    /// A byte outside of URLs.
    fn text(&mut self, i: usize, byte: u8, sight: Sight<'_>) {
        let before = |back: usize| i.checked_sub(back).and_then(|at| sight.text.byte(at));
        match byte {
            b'[' => self.brackets.open(i, before(1) == Some(b'!')),
            b']' => self.brackets.close(i),
            b'(' => {
                if let Some(picture) = self.brackets.closed_at(i) {
                    let place = if picture { Place::Loaded } else { Place::Clicked };
                    self.expect(i, place, Until::Parenthesis);
                } else if follows(sight.text, i, b"url") {
                    self.expect(i, Place::Loaded, Until::Parenthesis);
                }
            }
            b':' => {
                if self.brackets.closed_at(i).is_some() && self.brackets.begins_line(sight.text) {
                    let place = if self.labelled { Place::Loaded } else { Place::Defined };
                    self.expect(i, place, Until::Space);
                } else {
                    self.scheme(i, sight.text);
                }
            }
            b'.' if follows(sight.text, i, b"www") => self.bare(i - 3),
            b'"' | b'\'' if follows(sight.text, i, b"@import ") => {
                self.expect(i, Place::Loaded, Until::Quote(byte));
            }
            b'\n' if before(1) == Some(b'\n') => self.brackets = Brackets::default(),
            _ => {}
        }
        // A picture that a label names: `![…][…]`, or `![…]` with nothing behind it.
        if byte != b'(' && byte != b']' && self.brackets.closed_at(i) == Some(true) {
            self.labelled = true;
        }
        if matches!(self.mode, Mode::Expected { .. } | Mode::Url { .. }) {
            return;
        }
        if let Some(tag) = self.tags.byte(i, byte, sight.text) {
            match tag {
                Tag::Address(place) => self.expect(i, place, Until::Space),
                Tag::Addresses => self.expect(i, Place::Loaded, Until::Each(b' ')),
            }
        }
    }

    fn expect(&mut self, i: usize, place: Place, until: Until) {
        self.mode = Mode::Expected { place, until, since: i };
    }

    fn expected(
        &mut self,
        i: usize,
        byte: u8,
        (place, until, since): (Place, Until, usize),
        sight: Sight<'_>,
    ) {
        let expect = |until| Mode::Expected { place, until, since };
        self.mode = match (byte, until) {
            _ if i - since > MAX_SPACE => Mode::Text,
            (b' ' | b'\t' | b'\n', _) => return,
            (b',', Until::Each(_)) => return,
            (b'<', _) if self.inner => return,
            (b'"' | b'\'', Until::Space | Until::Parenthesis) if self.inner => expect(Until::Each(byte)),
            (b'<', Until::Parenthesis | Until::Space) if !self.tags.is_open() => expect(Until::Angle),
            (b'"' | b'\'', Until::Space | Until::Parenthesis) => expect(Until::Quote(byte)),
            (b'"' | b'\'', Until::Each(b' ')) => expect(Until::Each(byte)),
            (b'"' | b'\'', Until::Quote(quote) | Until::Each(quote)) if quote == byte => Mode::Text,
            (b')', Until::Parenthesis) | (b'>', Until::Angle | Until::Space) => Mode::Text,
            _ => Mode::Url { start: i, place, until, open: 0 },
        };
        if matches!(self.mode, Mode::Text) {
            self.text(i, byte, sight);
        } else if matches!(self.mode, Mode::Url { .. }) && byte == b'(' && until == Until::Parenthesis {
            self.mode = Mode::Url { start: i, place, until, open: 1 };
        }
    }

    /// A colon that stands behind a scheme begins the address that is written out.
    fn scheme(&mut self, i: usize, text: &FoldedText) {
        let word = text.slice(i.saturating_sub(MAX_SCHEME), i);
        let letters = word.iter().rev().take_while(|byte| is_scheme(**byte)).count();
        let known = |scheme: &&[u8]| {
            word.len()
                .checked_sub(letters)
                .and_then(|at| word.get(at..))
                .is_some_and(|word| word.eq_ignore_ascii_case(scheme))
        };
        if SCHEMES.iter().any(known) {
            self.bare(i - letters);
        }
    }

    fn bare(&mut self, start: usize) {
        self.mode = Mode::Url { start, place: Place::Bare, until: Until::Space, open: 0 };
    }

    /// A URL ended before `end`.
    fn end(
        &mut self,
        start: usize,
        end: usize,
        place: Place,
        until: Until,
        sight: Sight<'_>,
        due: &mut Vec<Found>,
    ) {
        self.mode = Mode::Text;
        let mut last = end;
        if until == Until::Space {
            // What closes a sentence belongs to no address.
            let punctuation = |byte: Option<u8>| {
                byte.is_some_and(|b| {
                    matches!(b, b'.' | b',' | b';' | b':' | b'!' | b'?' | b')' | b']' | b'*' | b'_')
                })
            };
            while last > start && punctuation(sight.text.byte(last - 1)) {
                last -= 1;
            }
        }
        let said = judge(start, last, place, sight);
        due.extend(said.map(|said| found(said, start, last, false)));
        if says_nothing(said, (start, last), place, sight) || is_text(start, end, sight.text) {
            self.again(start, end, sight, due);
        }
    }

    /// A URL met the bound: what is known of it is reported, and the rest belongs to it.
    fn full(
        &mut self,
        start: usize,
        end: usize,
        place: Place,
        until: Until,
        sight: Sight<'_>,
        due: &mut Vec<Found>,
    ) {
        self.mode = Mode::Text;
        let said = judge(start, end, place, sight);
        due.extend(said.map(|said| found(said, start, end, false)));
        let is_text = is_text(start, end, sight.text);
        if says_nothing(said, (start, end), place, sight) || is_text {
            self.again(start, end, sight, due);
        }
        if let Some(said) = said.filter(|_| !is_text) {
            self.mode = Mode::Beyond { start: end, until, said };
        }
    }

    /// What was taken for an address and is none, or holds more than one, is read as text: a quotation mark or a bracket that nobody closed hides nothing.
    fn again(&self, start: usize, end: usize, sight: Sight<'_>, due: &mut Vec<Found>) {
        let bytes = sight.text.slice(start, end);
        let holds = |mark: &[u8]| bytes.windows(mark.len()).any(|window| window == mark);
        if self.inner || !(holds(b"://") || holds(b"](") || holds(b"]:")) {
            return;
        }
        let mut inner = Self { inner: true, labelled: self.labelled, ..Self::default() };
        let first = usize::from(bytes.first().is_some_and(u8::is_ascii_alphanumeric));
        for (count, byte) in bytes.iter().enumerate().skip(first) {
            inner.byte(start + count, *byte, sight, due);
        }
        inner.close(end, sight, due);
    }

    /// The byte that ended a URL.
    fn behind(&mut self, i: usize, byte: u8, place: Place, until: Until, sight: Sight<'_>) {
        match until {
            Until::Each(quote)
                if !self.inner && byte != quote && matches!(byte, b' ' | b'\n' | b'\t' | b',') =>
            {
                self.mode = Mode::Expected { place, until, since: i };
            }
            Until::Quote(_) | Until::Each(_) | Until::Angle => {}
            Until::Space | Until::Parenthesis => self.text(i, byte, sight),
        }
    }
}

fn judge(start: usize, end: usize, place: Place, sight: Sight<'_>) -> url::Said {
    let text = sight.text.slice(start, end);
    let same = sight.text.same_from(start);
    // At the end of the text nothing can change what the host is.
    let same = if sight.text.end() == end && same == text.len() { same + 1 } else { same };
    url::judge(&Link { text, same, place }, sight.hosts)
}

/// Whether an address says nothing by itself: what was said of it is said because its host is on no list, and hides nothing of what is in it.
fn says_nothing(said: url::Said, (start, end): (usize, usize), place: Place, sight: Sight<'_>) -> bool {
    let none = Hosts::default();
    said.is_none()
        || !sight.hosts.is_empty() && judge(start, end, place, Sight { hosts: &none, ..sight }).is_none()
}

const fn found((category, percent): (&'static str, u32), start: usize, end: usize, continues: bool) -> Found {
    Found { detector: EGRESS, category, percent, start, end, continues }
}

/// Whether white space stands in what was taken for an address: a mark that nobody closed may have begun it.
fn is_text(start: usize, end: usize, text: &FoldedText) -> bool {
    text.slice(start, end).iter().any(|byte| matches!(byte, b' ' | b'\n'))
}

/// Whether a byte ends a URL. What an escape of URLs or HTML stands for is part of the URL: `%20` is no space there.
fn ends(until: Until, i: usize, byte: u8, open: u8, text: &FoldedText) -> bool {
    let space = matches!(byte, b' ' | b'\n' | b'\t' | b'\r');
    let ends = match until {
        Until::Space => {
            space
                || matches!(byte, b'<' | b'>' | b'"' | b'\'' | b'`' | b'|' | b'{' | b'}' | b']')
                || byte >= 0x80
        }
        Until::Parenthesis => space || byte == b')' && open == 0,
        Until::Angle => byte == b'>' || byte == b'\n',
        Until::Quote(quote) => byte == quote,
        Until::Each(quote) => space || byte == quote || byte == b',',
    };
    ends && (text.width(i) <= 2 || byte >= 0x80)
}

/// Whether a word stands right before `i`, in any letter case, and no other letter before it.
fn follows(text: &FoldedText, i: usize, word: &[u8]) -> bool {
    let Some(start) = i.checked_sub(word.len()) else { return false };
    let alone =
        start.checked_sub(1).and_then(|at| text.byte(at)).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    alone && text.slice(start, i).eq_ignore_ascii_case(word)
}

const SCHEMES: [&[u8]; 8] = [b"http", b"https", b"ws", b"wss", b"ftp", b"data", b"javascript", b"vbscript"];

const fn is_scheme(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

/// Whether a byte means something outside of URLs and tags.
pub(super) fn is_special(byte: u8) -> bool {
    SPECIAL.get(usize::from(byte)).is_some_and(|special| *special)
}

/// The bytes that do.
const SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    let mut rest = table.as_mut_slice();
    while let Some((slot, after)) = rest.split_first_mut() {
        *slot = matches!(byte, b'[' | b']' | b'(' | b':' | b'.' | b'"' | b'\'' | b'<' | b'\n');
        byte = byte.wrapping_add(1);
        rest = after;
    }
    table
};
