//! JSON inside a string, such as the arguments of a tool call: read in pieces as the text that it means, written back
//! as JSON whatever is cut out of it.
//!
//! The *view* is the raw text with the escapes inside its strings decoded; it is what is inspected. Every piece of it
//! knows its raw bytes. Cuts that reach over several tokens are split: what lies in strings is replaced there, a number
//! is replaced as a whole by a string (or by `null` where nothing is to be left), punctuation stays. From the first
//! byte that is not JSON on, the rest is read as one text; escapes are decoded there too, because what reads it behind
//! us may be lenient.

use std::collections::{HashMap, VecDeque, hash_map::Entry};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use cordon_core::Span;

use crate::redact::{Cut, Placeholders, slice};

/// Deeper than this, the rest is read as text. The strict reader of requests has the same bound.
const MAX_DEPTH: usize = 128;

/// Reads raw JSON text in pieces, and writes it back with cuts.
#[derive(Debug, Default)]
pub(crate) struct JsonText {
    lexer: Lexer,
    /// Raw bytes that are not written yet; begins at raw offset `raw_base`.
    raw: String,
    raw_base: usize,
    /// View of the pieces that are not written yet; begins at view offset `view_base`.
    view: String,
    view_base: usize,
    pieces: VecDeque<Piece>,
    /// View and raw offset behind every piece whose lengths differ.
    jumps: Vec<(usize, usize)>,
    keys: Keys,
    /// The cut whose placeholder stands already, by its start.
    placed: Option<usize>,
}

/// A run of the view with one meaning.
#[derive(Clone, Copy, Debug)]
struct Piece {
    view: usize,
    raw: usize,
    class: Class,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Punctuation, white space, `true`, `false`, `null`, the opening quotation mark: stays.
    Frame,
    Open,
    Close,
    /// Opening quotation mark of a key.
    KeyOpen,
    /// Content of a key, byte for byte.
    Key,
    /// One character of a key that was escaped.
    KeyEscape,
    KeyClose,
    /// Content of a string value, or of what is no JSON, byte for byte.
    Text,
    /// One character of a value that was escaped.
    TextEscape,
    /// A number that may still go on.
    NumberOpen,
    Number,
}

#[derive(Debug, Default)]
struct Lexer {
    mode: Mode,
    stack: Vec<Container>,
    expect: Expect,
    /// Raw characters of an escape that is not complete.
    escape: String,
    /// The rest of a literal.
    literal: &'static str,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Between,
    String,
    KeyString,
    Number,
    Literal,
    /// No JSON: the rest is text.
    Opaque,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Container {
    Array,
    Object,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Expect {
    #[default]
    Value,
    ValueOrClose,
    Key,
    KeyOrClose,
    Colon,
    CommaOrClose,
    End,
}

/// Keys written so far, for every object that is open.
#[derive(Debug, Default)]
struct Keys {
    /// By the digest of the key.
    open: Vec<HashMap<u64, Known>>,
    current: String,
    changed: bool,
}

/// A key that was written.
#[derive(Clone, Copy, Debug)]
struct Known {
    as_it_came: bool,
    /// The last number that was put behind another key like it.
    number: u32,
}

/// A piece, or the part of it that is written now.
struct Run<'a> {
    class: Class,
    span: Span,
    raw: &'a str,
    /// The view from `base` on.
    view: &'a str,
    base: usize,
}

impl JsonText {
    /// All of a text.
    pub(crate) fn of(raw: &str) -> Self {
        let mut json = Self::default();
        json.push(raw);
        json.finish();
        json
    }

    /// Takes raw text; the answer is what it adds to the view.
    pub(crate) fn push(&mut self, raw: &str) -> &str {
        let before = self.view.len();
        self.raw.push_str(raw);
        let mut sink = Sink { view: &mut self.view, pieces: &mut self.pieces };
        let mut rest = raw;
        while let Some(c) = rest.chars().next() {
            let (taken, after) = rest.split_at_checked(self.lexer.plain(rest)).unwrap_or((rest, ""));
            if taken.is_empty() {
                self.lexer.character(c, &mut sink);
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
            } else {
                sink.same(taken, self.lexer.text_class());
                rest = after;
            }
        }
        self.note_jumps();
        self.view.get(before..).unwrap_or_default()
    }

    /// Ends the text: an open escape is text, an open number is complete.
    pub(crate) fn finish(&mut self) -> &str {
        let before = self.view.len();
        self.lexer.finish(&mut Sink { view: &mut self.view, pieces: &mut self.pieces });
        self.note_jumps();
        self.view.get(before..).unwrap_or_default()
    }

    /// The view that is not written yet.
    pub(crate) fn view(&self) -> &str {
        &self.view
    }

    /// Where a span of the view lies in the raw text.
    pub(crate) fn raw_span(&self, span: Span) -> Span {
        Span::new(self.raw_offset(span.start), self.raw_offset(span.end))
    }

    fn raw_offset(&self, view: usize) -> usize {
        let behind = self.jumps.partition_point(|(at, _)| *at <= view);
        let (at, raw) = behind.checked_sub(1).and_then(|i| self.jumps.get(i)).copied().unwrap_or_default();
        raw + (view - at)
    }

    /// Writes everything before `settled` (a view offset) that can be written, with the cuts, which must be united.
    /// Returns the view offset reached: numbers are written whole, and a cut is not divided.
    pub(crate) fn write(
        &mut self,
        settled: usize,
        cuts: &[Cut],
        placeholders: &mut Placeholders<'_>,
        out: &mut String,
    ) -> usize {
        let limit = self.limit(settled, cuts);
        let view = std::mem::take(&mut self.view);
        let raw = std::mem::take(&mut self.raw);
        let base = self.view_base;
        let (mut cuts, mut at, mut raw_at) = (cuts, base, 0);
        while at < limit {
            let Some(piece) = self.pieces.front().copied() else { break };
            let take = piece.view.min(limit - at);
            // Only pieces whose view is their raw text are ever taken in part.
            let raw_take = if take == piece.view { piece.raw } else { take };
            while let Some((first, rest)) = cuts.split_first()
                && first.span.end <= at
            {
                cuts = rest;
            }
            let run = Run {
                class: piece.class,
                span: Span::new(at, at + take),
                raw: slice(&raw, raw_at, raw_at + raw_take),
                view: &view,
                base,
            };
            let touching = cuts.iter().take_while(|cut| cut.span.start < run.span.end);
            self.write_run(&run, touching, placeholders, out);
            at += take;
            raw_at += raw_take;
            match self.pieces.front_mut() {
                Some(front) if take < piece.view => {
                    front.view -= take;
                    front.raw -= raw_take;
                }
                _ => {
                    self.pieces.pop_front();
                }
            }
        }
        self.view = view;
        self.view.drain(..at - base);
        self.raw = raw;
        self.raw.drain(..raw_at);
        self.view_base = at;
        self.raw_base += raw_at;
        at
    }

    /// The last view offset up to which may be written.
    fn limit(&self, settled: usize, cuts: &[Cut]) -> usize {
        let mut limit = settled.clamp(self.view_base, self.view_base + self.view.len());
        while !self.view.is_char_boundary(limit - self.view_base) {
            limit -= 1;
        }
        loop {
            let before = limit;
            // A number is written whole, when it is known to be complete and nothing will be found in it any more.
            let mut at = self.view_base;
            for piece in &self.pieces {
                let end = at + piece.view;
                let whole = matches!(piece.class, Class::Number | Class::NumberOpen);
                if at < limit && (limit < end || piece.class == Class::NumberOpen) && whole {
                    limit = at;
                }
                if end >= limit {
                    break;
                }
                at = end;
            }
            if let Some(cut) = cuts.iter().find(|cut| cut.span.start < limit && limit < cut.span.end) {
                limit = cut.span.start.max(self.view_base);
            }
            if limit == before {
                return limit;
            }
        }
    }

    fn write_run<'c>(
        &mut self,
        run: &Run<'_>,
        mut cuts: impl Iterator<Item = &'c Cut>,
        placeholders: &mut Placeholders<'_>,
        out: &mut String,
    ) {
        let in_key = matches!(run.class, Class::Key | Class::KeyEscape);
        match run.class {
            Class::Frame => out.push_str(run.raw),
            Class::Open => {
                self.keys.open.push(HashMap::new());
                out.push_str(run.raw);
            }
            Class::Close => {
                self.keys.open.pop();
                out.push_str(run.raw);
            }
            Class::KeyOpen => {
                self.keys.begin();
                out.push_str(run.raw);
            }
            Class::KeyClose => {
                self.keys.end(out);
                out.push_str(run.raw);
            }
            Class::Number | Class::NumberOpen => match cuts.next() {
                None => out.push_str(run.raw),
                Some(cut) => {
                    let mut placeholder = String::new();
                    self.place(cut, run, placeholders, &mut placeholder);
                    if placeholder.is_empty() {
                        out.push_str("null");
                    } else {
                        out.push('"');
                        out.push_str(&placeholder);
                        out.push('"');
                    }
                }
            },
            Class::Key | Class::Text => {
                let mut at = run.span.start;
                for cut in cuts {
                    let from = cut.span.start.clamp(at, run.span.end);
                    let plain = slice(run.raw, at - run.span.start, from - run.span.start);
                    out.push_str(plain);
                    let start = out.len();
                    self.place(cut, run, placeholders, out);
                    if in_key {
                        self.keys.current.push_str(plain);
                        self.keys.replaced(slice(out, start, out.len()));
                    }
                    at = cut.span.end.clamp(from, run.span.end);
                }
                let plain = slice(run.raw, at - run.span.start, run.raw.len());
                out.push_str(plain);
                if in_key {
                    self.keys.current.push_str(plain);
                }
            }
            Class::KeyEscape | Class::TextEscape => match cuts.next() {
                None => {
                    out.push_str(run.raw);
                    if in_key {
                        let character = slice(run.view, run.span.start - run.base, run.span.end - run.base);
                        self.keys.current.push_str(character);
                    }
                }
                Some(cut) => {
                    let start = out.len();
                    self.place(cut, run, placeholders, out);
                    if in_key {
                        self.keys.replaced(slice(out, start, out.len()));
                    }
                }
            },
        }
    }

    /// Writes the placeholder of a cut, once.
    fn place(&mut self, cut: &Cut, run: &Run<'_>, placeholders: &mut Placeholders<'_>, out: &mut String) {
        if self.placed.is_none_or(|placed| placed < cut.span.start) {
            self.placed = Some(cut.span.start);
            let value = slice(
                run.view,
                cut.span.start.saturating_sub(run.base),
                cut.span.end.saturating_sub(run.base),
            );
            placeholders.write(cut, value, out);
        }
    }

    fn note_jumps(&mut self) {
        let (mut view, mut raw) = (self.view_base, self.raw_base);
        let known = self.jumps.last().map_or(0, |(at, _)| *at);
        for piece in &self.pieces {
            view += piece.view;
            raw += piece.raw;
            if piece.view != piece.raw && view > known {
                self.jumps.push((view, raw));
            }
        }
    }
}

impl Keys {
    fn begin(&mut self) {
        self.current.clear();
        self.changed = false;
    }

    fn replaced(&mut self, placeholder: &str) {
        self.current.push_str(placeholder);
        self.changed = true;
    }

    /// Makes the key unique by a number behind it, where one of two equal keys is not as it came.
    fn end(&mut self, out: &mut String) {
        let Some(known) = self.open.last_mut() else { return };
        let length = self.current.len();
        let digest = |key: &str| {
            let mut hasher = DefaultHasher::new();
            key.hash(&mut hasher);
            hasher.finish()
        };
        let plain = digest(&self.current);
        match known.get(&plain) {
            // Twice in the original: that is not for us to mend.
            Some(Known { as_it_came: true, .. }) if !self.changed => return,
            None => {
                known.insert(plain, Known { as_it_came: !self.changed, number: 1 });
                return;
            }
            Some(_) => {}
        }
        loop {
            let number = known.entry(plain).or_insert(Known { as_it_came: false, number: 1 });
            number.number = number.number.saturating_add(1);
            let suffix = format!("_{}", number.number);
            self.current.truncate(length);
            self.current.push_str(&suffix);
            let numbered = digest(&self.current);
            if let Entry::Vacant(free) = known.entry(numbered) {
                free.insert(Known { as_it_came: false, number: 1 });
                out.push_str(&suffix);
                return;
            }
        }
    }
}

struct Sink<'a> {
    view: &'a mut String,
    pieces: &'a mut VecDeque<Piece>,
}

impl Sink<'_> {
    /// Adds characters that stand for themselves.
    fn same(&mut self, text: &str, class: Class) {
        self.view.push_str(text);
        let joins = matches!(class, Class::Frame | Class::Key | Class::Text | Class::NumberOpen);
        match self.pieces.back_mut() {
            Some(last) if joins && last.class == class => {
                last.view += text.len();
                last.raw += text.len();
            }
            _ => self.pieces.push_back(Piece { view: text.len(), raw: text.len(), class }),
        }
    }

    /// Adds one character that was written as an escape of `raw` bytes.
    fn escaped(&mut self, c: char, raw: usize, class: Class) {
        self.view.push(c);
        self.pieces.push_back(Piece { view: c.len_utf8(), raw, class });
    }

    /// A number ends before the next character.
    fn close_number(&mut self) {
        if let Some(last) = self.pieces.back_mut().filter(|last| last.class == Class::NumberOpen) {
            last.class = Class::Number;
        }
    }
}

impl Lexer {
    fn character(&mut self, c: char, sink: &mut Sink<'_>) {
        let mut utf8 = [0; 4];
        let text: &str = c.encode_utf8(&mut utf8);
        match self.mode {
            Mode::String | Mode::KeyString | Mode::Opaque => self.in_text(c, text, sink),
            Mode::Number if matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E') => {
                sink.same(text, Class::NumberOpen);
            }
            Mode::Number => {
                sink.close_number();
                self.mode = Mode::Between;
                self.between(c, text, sink);
            }
            Mode::Literal => match self.literal.strip_prefix(c) {
                Some(rest) => {
                    self.literal = rest;
                    sink.same(text, Class::Frame);
                    if rest.is_empty() {
                        self.mode = Mode::Between;
                    }
                }
                None => self.give_up(c, text, sink),
            },
            Mode::Between => self.between(c, text, sink),
        }
    }

    fn finish(&mut self, sink: &mut Sink<'_>) {
        let open = std::mem::take(&mut self.escape);
        if !open.is_empty() {
            sink.same(&open, self.text_class());
        }
        sink.close_number();
    }

    /// How many bytes of a text are content and nothing else, seen from here.
    fn plain(&self, text: &str) -> usize {
        let in_text = matches!(self.mode, Mode::String | Mode::KeyString | Mode::Opaque);
        if in_text && self.escape.is_empty() { text.find(['"', '\\']).unwrap_or(text.len()) } else { 0 }
    }

    fn text_class(&self) -> Class {
        if self.mode == Mode::KeyString { Class::Key } else { Class::Text }
    }

    /// What is not JSON is text from here on.
    fn give_up(&mut self, c: char, text: &str, sink: &mut Sink<'_>) {
        self.mode = Mode::Opaque;
        self.in_text(c, text, sink);
    }

    fn between(&mut self, c: char, text: &str, sink: &mut Sink<'_>) {
        use Expect::{Colon, CommaOrClose, End, Key, KeyOrClose, Value, ValueOrClose};
        let value_may = matches!(self.expect, Value | ValueOrClose);
        match c {
            ' ' | '\t' | '\n' | '\r' => sink.same(text, Class::Frame),
            '{' | '[' if value_may && self.stack.len() < MAX_DEPTH => {
                let (container, expect, class) = if c == '{' {
                    (Container::Object, KeyOrClose, Class::Open)
                } else {
                    (Container::Array, ValueOrClose, Class::Frame)
                };
                self.stack.push(container);
                self.expect = expect;
                sink.same(text, class);
            }
            '}' if matches!(self.expect, KeyOrClose | CommaOrClose)
                && self.stack.last() == Some(&Container::Object) =>
            {
                self.stack.pop();
                self.after_value();
                sink.same(text, Class::Close);
            }
            ']' if matches!(self.expect, ValueOrClose | CommaOrClose)
                && self.stack.last() == Some(&Container::Array) =>
            {
                self.stack.pop();
                self.after_value();
                sink.same(text, Class::Frame);
            }
            ',' if self.expect == CommaOrClose => {
                self.expect = if self.stack.last() == Some(&Container::Object) { Key } else { Value };
                sink.same(text, Class::Frame);
            }
            ':' if self.expect == Colon => {
                self.expect = Value;
                sink.same(text, Class::Frame);
            }
            '"' if matches!(self.expect, Key | KeyOrClose) => {
                self.mode = Mode::KeyString;
                sink.same(text, Class::KeyOpen);
            }
            '"' if value_may => {
                self.mode = Mode::String;
                sink.same(text, Class::Frame);
            }
            '-' | '0'..='9' if value_may => {
                self.mode = Mode::Number;
                self.after_value();
                sink.same(text, Class::NumberOpen);
            }
            't' | 'f' | 'n' if value_may => {
                self.mode = Mode::Literal;
                self.literal = match c {
                    't' => "rue",
                    'f' => "alse",
                    _ => "ull",
                };
                self.after_value();
                sink.same(text, Class::Frame);
            }
            _ => {
                debug_assert!(matches!(
                    self.expect,
                    Value | ValueOrClose | Key | KeyOrClose | Colon | CommaOrClose | End
                ));
                self.give_up(c, text, sink);
            }
        }
    }

    fn after_value(&mut self) {
        self.expect = if self.stack.is_empty() { Expect::End } else { Expect::CommaOrClose };
    }

    fn in_text(&mut self, c: char, text: &str, sink: &mut Sink<'_>) {
        if !self.escape.is_empty() {
            self.in_escape(c, sink);
            return;
        }
        match (c, self.mode) {
            ('\\', _) => self.escape.push(c),
            ('"', Mode::KeyString) => {
                self.mode = Mode::Between;
                self.expect = Expect::Colon;
                sink.same(text, Class::KeyClose);
            }
            ('"', Mode::String) => {
                self.mode = Mode::Between;
                self.after_value();
                sink.same(text, Class::Frame);
            }
            _ => sink.same(text, self.text_class()),
        }
    }

    /// One more character of an escape. An escape that turns out to be none is plain text.
    fn in_escape(&mut self, c: char, sink: &mut Sink<'_>) {
        self.escape.push(c);
        match escape(&self.escape) {
            Escape::Open => {}
            Escape::Of(character) => {
                let class = if self.mode == Mode::KeyString { Class::KeyEscape } else { Class::TextEscape };
                sink.escaped(character, self.escape.len(), class);
                self.escape.clear();
            }
            Escape::None => {
                let mut raw = std::mem::take(&mut self.escape);
                raw.pop();
                // A lone surrogate stands for nothing; any other broken escape for itself.
                if raw.len() >= 6 {
                    let class =
                        if self.mode == Mode::KeyString { Class::KeyEscape } else { Class::TextEscape };
                    sink.escaped('\u{fffd}', 6, class);
                    let rest = raw.split_off(6);
                    for again in rest.chars() {
                        let mut utf8 = [0; 4];
                        self.in_text(again, again.encode_utf8(&mut utf8), sink);
                    }
                } else {
                    sink.same(&raw, self.text_class());
                }
                let mut utf8 = [0; 4];
                let text: &str = c.encode_utf8(&mut utf8);
                self.in_text(c, text, sink);
            }
        }
    }
}

enum Escape {
    Open,
    Of(char),
    None,
}

/// Reads an escape of RFC 8259, section 7, that may not be complete yet.
fn escape(raw: &str) -> Escape {
    let Some(letter) = raw.as_bytes().get(1) else { return Escape::Open };
    match letter {
        b'"' => Escape::Of('"'),
        b'\\' => Escape::Of('\\'),
        b'/' => Escape::Of('/'),
        b'b' => Escape::Of('\u{8}'),
        b'f' => Escape::Of('\u{c}'),
        b'n' => Escape::Of('\n'),
        b'r' => Escape::Of('\r'),
        b't' => Escape::Of('\t'),
        b'u' => {
            let Some(high) = hex(raw, 2) else { return Escape::None };
            match (high, raw.len()) {
                (_, ..6) => Escape::Open,
                (0xd800..=0xdbff, 6) => Escape::Open,
                (0xd800..=0xdbff, _) => {
                    let tail = raw.get(6..).unwrap_or_default();
                    if !"\\u".starts_with(slice(tail, 0, 2)) {
                        return Escape::None;
                    }
                    match (hex(raw, 8), raw.len()) {
                        (Some(_), ..12) => Escape::Open,
                        (Some(low @ 0xdc00..=0xdfff), _) => {
                            let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                            char::from_u32(code).map_or(Escape::None, Escape::Of)
                        }
                        _ => Escape::None,
                    }
                }
                (code, _) => Escape::Of(char::from_u32(code).unwrap_or('\u{fffd}')),
            }
        }
        _ => Escape::None,
    }
}

/// Up to four hexadecimal digits from `at` on, as far as they are there.
fn hex(raw: &str, at: usize) -> Option<u32> {
    let digits = raw.as_bytes().get(at..).unwrap_or_default();
    digits.iter().take(4).try_fold(0, |code, byte| Some(code << 4 | char::from(*byte).to_digit(16)?))
}
