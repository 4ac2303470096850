//! The reader: every byte once, nothing that two readers could read differently.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{Error, ErrorKind, Limits, Number, Object, Value};

/// Reads one value after the other from a text.
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    values: usize,
}

/// Above this many members, keys are checked for repetition by hashing rather than by comparing with each other.
const LINEAR_KEYS: usize = 16;

impl<'a> Reader<'a> {
    /// A reader of a text that may nest so deep.
    pub(crate) fn new(text: &'a str, depth: usize) -> Self {
        Self { text, at: 0, depth, values: usize::MAX }
    }

    /// A reader of a text with these bounds but that of its length.
    pub(super) fn bounded(text: &'a str, limits: Limits) -> Self {
        Self { text, at: 0, depth: limits.depth, values: limits.values }
    }

    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    /// The bytes from an offset that this reader was at.
    pub(crate) fn since(&self, offset: usize) -> &'a [u8] {
        self.text.as_bytes().get(offset..self.at).unwrap_or_default()
    }

    /// Goes past the next byte, which is ASCII.
    pub(crate) fn step(&mut self) {
        self.at += 1;
    }

    /// Goes past this ASCII byte, if it comes next.
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let next = self.peek() == Some(byte);
        self.at += usize::from(next);
        next
    }

    /// Goes past this word, if it comes next.
    pub(crate) fn take_word(&mut self, word: &str) -> bool {
        let next = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word));
        if next {
            self.at += word.len();
        }
        next
    }

    /// One array or object deeper, if that is allowed.
    pub(crate) fn enter(&mut self) -> bool {
        let allowed = self.depth > 0;
        self.depth = self.depth.saturating_sub(1);
        allowed
    }

    /// Out of an array or object.
    pub(crate) fn leave(&mut self) {
        self.depth += 1;
    }

    pub(super) fn error(&self, kind: ErrorKind) -> Error {
        Error { kind, offset: self.at }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn literal(&mut self, word: &str, value: Value) -> Result<Value, Error> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if rest.starts_with(word) {
            self.at += word.len();
            Ok(value)
        } else {
            Err(self.error(if word.starts_with(rest) { ErrorKind::End } else { ErrorKind::Syntax }))
        }
    }

    // Recursion is bounded by `Limits::depth`.
    pub(super) fn value(&mut self) -> Result<Value, Error> {
        self.skip_space();
        self.values = self.values.checked_sub(1).ok_or_else(|| self.error(ErrorKind::TooMany))?;
        match self.peek() {
            None => Err(self.error(ErrorKind::End)),
            Some(b'"') => self.string().map(|text| Value::String(text.into_owned())),
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b't') => self.literal("true", Value::Bool(true)),
            Some(b'f') => self.literal("false", Value::Bool(false)),
            Some(b'n') => self.literal("null", Value::Null),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(_) => Err(self.error(ErrorKind::Syntax)),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, Error>) -> Result<Value, Error> {
        self.depth = self.depth.checked_sub(1).ok_or_else(|| self.error(ErrorKind::TooDeep))?;
        self.at += 1;
        let value = read(self)?;
        self.depth += 1;
        Ok(value)
    }

    /// After a member: whether another one follows.
    fn continues(&mut self, close: u8) -> Result<bool, Error> {
        self.skip_space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(b) if b == close => {
                self.at += 1;
                Ok(false)
            }
            Some(_) => Err(self.error(ErrorKind::Syntax)),
            None => Err(self.error(ErrorKind::End)),
        }
    }

    fn array(&mut self) -> Result<Value, Error> {
        let mut items = Vec::new();
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value()?);
            if !self.continues(b']')? {
                return Ok(Value::Array(items));
            }
        }
    }

    fn object(&mut self) -> Result<Value, Error> {
        let mut members: Vec<(String, Value)> = Vec::new();
        let mut seen: Option<HashSet<String>> = None;
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(Object(members)));
        }
        loop {
            self.skip_space();
            let start = self.at;
            match self.peek() {
                Some(b'"') => {}
                Some(_) => return Err(self.error(ErrorKind::Syntax)),
                None => return Err(self.error(ErrorKind::End)),
            }
            let key = self.string()?.into_owned();
            let repeated = match &mut seen {
                Some(seen) => !seen.insert(key.clone()),
                None => members.iter().any(|(k, _)| *k == key),
            };
            if repeated {
                return Err(Error { kind: ErrorKind::DuplicateKey, offset: start });
            }
            self.skip_space();
            match self.peek() {
                Some(b':') => self.at += 1,
                Some(_) => return Err(self.error(ErrorKind::Syntax)),
                None => return Err(self.error(ErrorKind::End)),
            }
            members.push((key, self.value()?));
            if seen.is_none() && members.len() >= LINEAR_KEYS {
                seen = Some(members.iter().map(|(key, _)| key.clone()).collect());
            }
            if !self.continues(b'}')? {
                return Ok(Value::Object(Object(members)));
            }
        }
    }

    fn number(&mut self) -> Result<Number, Error> {
        let start = self.at;
        let digits = |reader: &mut Self| {
            let from = reader.at;
            while matches!(reader.peek(), Some(b'0'..=b'9')) {
                reader.at += 1;
            }
            reader.at > from
        };
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leading_zero = self.peek() == Some(b'0');
        let first = self.at;
        if !digits(self) {
            return Err(self.error(if self.peek().is_none() { ErrorKind::End } else { ErrorKind::Syntax }));
        }
        if leading_zero && self.at - first > 1 {
            return Err(Error { kind: ErrorKind::Syntax, offset: first });
        }
        let mut integer = true;
        if self.peek() == Some(b'.') {
            self.at += 1;
            integer = false;
            if !digits(self) {
                return Err(self.error(ErrorKind::Syntax));
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            integer = false;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if !digits(self) {
                return Err(self.error(ErrorKind::Syntax));
            }
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        let in_range = if integer {
            text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok()
        } else {
            text.parse::<f64>().is_ok_and(f64::is_finite)
        };
        if in_range {
            Ok(Number(text.into()))
        } else {
            Err(Error { kind: ErrorKind::NumberRange, offset: start })
        }
    }

    /// The string that comes next, where it holds no escape and nothing is wrong with it: most of them.
    #[inline]
    pub(crate) fn plain_string(&mut self) -> Option<&'a str> {
        let rest = self.text.get(self.at..)?.strip_prefix('"')?;
        let length = plain(rest.as_bytes())?;
        let (text, end) = rest.split_at_checked(length)?;
        if !end.starts_with('"') {
            return None;
        }
        self.at += length + 2;
        Some(text)
    }

    /// The string whose quotation mark comes next; borrowed where it holds no escape.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, Error> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let plain =
                plain(rest.as_bytes()).ok_or(Error { kind: ErrorKind::End, offset: self.text.len() })?;
            // The byte found is ASCII, so it is a boundary of characters.
            let text: &'a str = rest.get(..plain).unwrap_or_default();
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    if out.is_empty() {
                        return Ok(Cow::Borrowed(text));
                    }
                    out.push_str(text);
                    return Ok(Cow::Owned(out));
                }
                Some(b'\\') => {
                    out.push_str(text);
                    self.at += 1;
                    let character = self.escape()?;
                    out.push(character);
                }
                _ => return Err(self.error(ErrorKind::Control)),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        let start = self.at - 1;
        let letter = self.peek().ok_or_else(|| self.error(ErrorKind::End))?;
        self.at += 1;
        Ok(match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = self.hex4()?;
                let code = match high {
                    0xd800..=0xdbff => {
                        if !self.text.get(self.at..).is_some_and(|rest| rest.starts_with("\\u")) {
                            return Err(Error { kind: ErrorKind::Surrogate, offset: start });
                        }
                        self.at += 2;
                        let low = self.hex4()?;
                        if !(0xdc00..=0xdfff).contains(&low) {
                            return Err(Error { kind: ErrorKind::Surrogate, offset: start });
                        }
                        0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)
                    }
                    0 => return Err(Error { kind: ErrorKind::Null, offset: start }),
                    code => code,
                };
                char::from_u32(code).ok_or(Error { kind: ErrorKind::Surrogate, offset: start })?
            }
            _ => return Err(Error { kind: ErrorKind::Syntax, offset: start }),
        })
    }

    fn hex4(&mut self) -> Result<u32, Error> {
        let mut code = 0;
        for _ in 0..4 {
            let byte = self.peek().ok_or_else(|| self.error(ErrorKind::End))?;
            let digit = char::from(byte).to_digit(16).ok_or_else(|| self.error(ErrorKind::Syntax))?;
            code = code << 4 | digit;
            self.at += 1;
        }
        Ok(code)
    }
}

/// Where the first byte lies that ends the plain part of a string: a quotation mark, a backslash or a control character.
pub(super) fn plain(text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    // Marks the bytes below `bound`, at most 0x80; above the lowest byte that it marks it may mark others too.
    let below = |word: u64, bound: u64| word.wrapping_sub(ONES * bound) & !word & HIGH;
    let (words, rest) = text.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let quote = below(word ^ (ONES * u64::from(b'"')), 1);
        let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
        // The lowest mark of each is true, and so the lowest of all is.
        let marks = below(word, 0x20) | quote | backslash;
        if marks != 0 {
            return Some(number * 8 + marks.trailing_zeros() as usize / 8);
        }
    }
    let at = rest.iter().position(|byte| matches!(byte, 0..=0x1f | b'"' | b'\\'))?;
    Some(words.len() * 8 + at)
}
