//! Control sequences of terminals (ECMA-48, xterm): who prints an answer lets it move the cursor, set the title and the clipboard,
//! or make the terminal type.

use cordon_core::{Category, Channel, Score, Span};

use crate::detector::{MAX_SEGMENT, TERMINAL};
use crate::scanner::Context;

/// Bytes of the longest control sequence with parameters.
const MAX_PARAMETERS: usize = 64;
/// What says less is not reported: colours.
const LEAST: u32 = 30;

/// The sequence that is open, and one that is due.
#[derive(Debug)]
pub(crate) struct Terminal {
    /// Nobody prints what is asked.
    reads: bool,
    open: Option<Open>,
    due: Option<(Span, &'static str, u32)>,
}

#[derive(Debug)]
struct Open {
    start: usize,
    /// The escape character was written out, as program text has it.
    written: bool,
    /// It began with one character of the second set of controls.
    single: bool,
    kind: Kind,
    /// The parameters, as far as they are looked at.
    parameters: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// An escape character, and nothing behind it yet.
    Escape,
    /// An escape character and intermediate bytes.
    Intermediate,
    /// CSI.
    Control,
    /// OSC.
    Command,
    /// DCS.
    Device,
    /// APC.
    Application,
    /// SOS and PM.
    Other,
}

const CURSOR: &str = "terminal/cursor";
const SCREEN: &str = "terminal/screen";
const TITLE: &str = "terminal/title";
const CLIPBOARD: &str = "terminal/clipboard";
const LINK: &str = "terminal/link";
const DEVICE: &str = "terminal/device";
const HIDDEN: &str = "terminal/hidden";
const OTHER: &str = "terminal/other";

impl Terminal {
    pub(crate) const fn of(channel: Channel) -> Self {
        Self { reads: !matches!(channel, Channel::System | Channel::User), open: None, due: None }
    }

    pub(crate) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Where the open sequence began, in the original.
    pub(crate) fn live(&self) -> Option<usize> {
        self.open.as_ref().map(|open| open.start)
    }

    pub(crate) fn memory(&self) -> usize {
        self.open.as_ref().map_or(0, |open| open.parameters.capacity())
    }

    /// Whether a sequence is due.
    pub(crate) const fn is_due(&self) -> bool {
        self.due.is_some()
    }

    /// Reports the sequence that is due.
    pub(crate) fn report(&mut self, context: &mut Context<'_>) {
        if let Some((span, category, percent)) = self.due.take() {
            context.report_original(
                &TERMINAL,
                Category::known(category),
                Score::percent(percent),
                span,
                false,
            );
        }
    }

    /// Takes bytes of plain ASCII from `original` on, up to and with the one that ends the open sequence; how many.
    pub(crate) fn run(&mut self, bytes: &[u8], original: usize) -> usize {
        for (count, byte) in bytes.iter().enumerate() {
            self.ascii(*byte, original + count, 1);
            if self.open.is_none() {
                return count + 1;
            }
        }
        bytes.len()
    }

    /// A character beyond ASCII comes: it belongs to no sequence, unless it begins or ends one.
    pub(crate) fn before(&mut self, c: char, original: usize) {
        if !c.is_ascii() && !matches!(c, '\u{80}'..='\u{9f}') {
            self.end(original);
        }
    }

    /// Takes an ASCII character, or one of the second set of controls (U+0080 to U+009F), of `len` original bytes.
    pub(crate) fn see(&mut self, c: char, original: usize, len: usize) {
        if !self.reads {
            return;
        }
        let kind = match c {
            '\u{1b}' => Kind::Escape,
            '\u{9b}' => Kind::Control,
            '\u{9d}' => Kind::Command,
            '\u{90}' => Kind::Device,
            '\u{9f}' => Kind::Application,
            '\u{98}' | '\u{9e}' => Kind::Other,
            '\u{9c}' => return self.end(original + len),
            _ if self.open.is_some() && c.is_ascii() => {
                return self.ascii(u8::try_from(c).unwrap_or(0), original, len);
            }
            _ => return,
        };
        self.end(original);
        let written = if c.is_ascii() { len > 1 } else { len > 2 };
        self.open =
            Some(Open { start: original, written, single: !c.is_ascii(), kind, parameters: Vec::new() });
    }

    /// The text ends.
    pub(crate) fn close(&mut self, original: usize) {
        self.end(original);
    }

    /// Takes a byte of the open sequence.
    fn ascii(&mut self, byte: u8, original: usize, len: usize) {
        let Some(open) = &mut self.open else { return };
        let end = original + len;
        if end - open.start >= MAX_SEGMENT {
            return self.end(end);
        }
        let over = match open.kind {
            Kind::Escape => {
                open.kind = match byte {
                    b'[' => Kind::Control,
                    b']' => Kind::Command,
                    b'P' => Kind::Device,
                    b'_' => Kind::Application,
                    b'X' | b'^' => Kind::Other,
                    b' '..=b'/' => Kind::Intermediate,
                    _ => Kind::Escape,
                };
                if open.kind == Kind::Escape {
                    open.parameters.push(byte);
                }
                open.kind == Kind::Escape
            }
            Kind::Intermediate => !matches!(byte, b' '..=b'/'),
            Kind::Control => {
                open.parameters.push(byte);
                !matches!(byte, b' '..=b'?') || open.parameters.len() >= MAX_PARAMETERS
            }
            Kind::Command | Kind::Device | Kind::Application | Kind::Other => {
                if open.parameters.len() < MAX_PARAMETERS {
                    open.parameters.push(byte);
                }
                // The bell ends a string, and so do the two controls that cancel one.
                matches!(byte, 0x07 | 0x18 | 0x1a)
            }
        };
        if over {
            self.end(end);
        }
    }

    fn end(&mut self, end: usize) {
        let Some(open) = self.open.take() else { return };
        let (category, percent) = open.says();
        // In a text that was read with the wrong character set, U+009B is a quotation mark before a word.
        let alone =
            open.single && open.kind == Kind::Control && !open.parameters.iter().any(u8::is_ascii_digit);
        let percent = if alone { percent / 2 } else { percent };
        // Written out it is program text, until a program reads it.
        let percent = if open.written { percent / 2 } else { percent };
        if percent >= LEAST && open.start < end {
            self.due = Some((Span::new(open.start, end), category, percent));
        }
    }
}

impl Open {
    fn says(&self) -> (&'static str, u32) {
        match self.kind {
            Kind::Escape => match self.parameters.first() {
                // The end of a string, an escape character at the end of the text, or beside something else.
                Some(b'\\') => (OTHER, 0),
                Some(b'c') => (SCREEN, 70),
                Some(b'7' | b'8' | b'D' | b'E' | b'M' | b'=' | b'>') => (CURSOR, 45),
                Some(_) | None => (OTHER, 35),
            },
            Kind::Intermediate => (OTHER, 35),
            Kind::Control => self.control(),
            Kind::Command => self.command(),
            Kind::Device => (DEVICE, if self.parameters.starts_with(b"tmux;") { 95 } else { 85 }),
            Kind::Application => (DEVICE, 75),
            Kind::Other => (OTHER, 60),
        }
    }

    fn control(&self) -> (&'static str, u32) {
        let Some((last, parameters)) = self.parameters.split_last() else { return (OTHER, 35) };
        match last {
            b'm' if conceals(parameters) => (HIDDEN, 65),
            b'm' => (OTHER, 15),
            b'A'..=b'H' | b'd' | b'e' | b'f' | b's' | b'u' | b'a' | b'`' => (CURSOR, 55),
            b'K' => (CURSOR, 35),
            b'J' | b'L' | b'M' | b'P' | b'@' | b'X' | b'S' | b'T' => (SCREEN, 60),
            // What makes the terminal answer is typed into whatever reads its keys.
            b'n' | b'c' => (DEVICE, 75),
            b't' => (DEVICE, 80),
            b'i' => (DEVICE, 85),
            b'h' | b'l' if matches!(parameters, b"?25" | b"?7") => (CURSOR, 35),
            b'h' | b'l' => (SCREEN, 60),
            b'q' | b'r' | b'g' | b'p' => (SCREEN, 50),
            _ => (OTHER, 35),
        }
    }

    fn command(&self) -> (&'static str, u32) {
        let number = self.parameters.split(|byte| matches!(byte, b';' | 0x07)).next().unwrap_or_default();
        let asks = self.parameters.contains(&b'?');
        match number {
            b"0" | b"1" | b"2" | b"l" | b"L" => (TITLE, 75),
            b"8" => {
                let target = self.parameters.splitn(3, |byte| *byte == b';').nth(2).unwrap_or_default();
                let web =
                    [b"http://".as_slice(), b"https://"].iter().any(|scheme| target.starts_with(scheme));
                // The end of a link has no target.
                (
                    LINK,
                    if target.trim_ascii().is_empty() {
                        30
                    } else if web {
                        60
                    } else {
                        75
                    },
                )
            }
            b"52" => (CLIPBOARD, 95),
            b"4" | b"5" | b"10" | b"11" | b"12" | b"17" | b"19" => (DEVICE, if asks { 75 } else { 40 }),
            b"9" | b"99" | b"777" => (OTHER, 60),
            b"50" | b"1337" | b"5379" => (DEVICE, 85),
            b"133" | b"633" => (OTHER, 30),
            _ => (OTHER, 50),
        }
    }
}

/// Whether a rendition hides what is written: 8, where it is no part of a colour.
fn conceals(parameters: &[u8]) -> bool {
    let mut numbers = parameters.split(|byte| matches!(byte, b';' | b':'));
    while let Some(number) = numbers.next() {
        match number {
            b"8" => return true,
            b"38" | b"48" | b"58" => {
                let skipped = if numbers.next() == Some(b"5") { 1 } else { 3 };
                numbers.by_ref().take(skipped).for_each(drop);
            }
            _ => {}
        }
    }
    false
}
