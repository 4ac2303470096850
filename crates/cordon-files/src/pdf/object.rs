//! Objects of PDF, and the reader of them that stops at nothing.

use crate::bytes::slice;

/// Arrays and dictionaries inside one another; what is deeper is read as nothing.
const DEEPEST: usize = 48;

/// An object.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Object {
    Null,
    Bool(bool),
    Number(f64),
    Name(Name),
    String(Vec<u8>),
    Array(Vec<Object>),
    Dictionary(Dictionary),
    Reference(u32),
}

/// A name, without its slash and its escapes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) text: String,
    /// Whether a letter or digit was written as a number.
    pub(super) disguised: bool,
}

/// Names and what they stand for; of equal names the last counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Dictionary(Vec<(Name, Object)>);

/// An object, or a word of a content stream.
#[derive(Debug)]
pub(super) enum Token<'a> {
    Object(Object),
    Word(&'a [u8]),
}

/// Reads tokens one behind the other.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    /// Objects that were made, and how many may be.
    pub(super) made: usize,
    most: usize,
}

impl Object {
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(&name.text),
            _ => None,
        }
    }

    pub(super) const fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A whole number that is not negative.
    pub(super) fn length(&self) -> Option<usize> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number of 0..=2^40"
        )]
        self.number()
            .filter(|n| n.fract() == 0.0 && (0.0..=1_099_511_627_776.0).contains(n))
            .map(|n| n as usize)
    }

    pub(super) fn array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    pub(super) const fn dictionary(&self) -> Option<&Dictionary> {
        match self {
            Self::Dictionary(dictionary) => Some(dictionary),
            _ => None,
        }
    }

    pub(super) fn string(&self) -> Option<&[u8]> {
        match self {
            Self::String(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(super) const fn reference(&self) -> Option<u32> {
        match self {
            Self::Reference(number) => Some(*number),
            _ => None,
        }
    }
}

impl Dictionary {
    /// One without members.
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn get(&self, key: &str) -> Option<&Object> {
        self.0.iter().rev().find(|(name, _)| name.text == key).map(|(_, value)| value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Name, &Object)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// Whether a member is this name.
    pub(super) fn is(&self, key: &str, name: &str) -> bool {
        self.get(key).and_then(Object::name) == Some(name)
    }
}

/// White space of PDF.
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

const fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

const fn is_regular(byte: u8) -> bool {
    !is_space(byte) && !is_delimiter(byte)
}

impl<'a> Lexer<'a> {
    /// A reader from a place on, of at most so many objects.
    pub(super) const fn new(bytes: &'a [u8], at: usize, most: usize) -> Self {
        Self { bytes, at, made: 0, most }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Goes over white space and comments.
    pub(super) fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            if is_space(byte) {
                self.at += 1;
            } else if byte == b'%' {
                let rest = self.bytes.get(self.at..).unwrap_or_default();
                self.at += memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            } else {
                return;
            }
        }
    }

    /// The next token; none at the end.
    pub(super) fn token(&mut self) -> Option<Token<'a>> {
        self.token_at(0)
    }

    /// The next object. A word that is none stands for nothing.
    pub(super) fn object(&mut self) -> Option<Object> {
        match self.token()? {
            Token::Object(object) => Some(object),
            Token::Word(_) => Some(Object::Null),
        }
    }

    // Recursion is bounded by `DEEPEST`.
    fn token_at(&mut self, depth: usize) -> Option<Token<'a>> {
        self.skip_space();
        let byte = self.peek()?;
        if self.made >= self.most {
            self.at = self.bytes.len();
            return None;
        }
        self.made += 1;
        let object = match byte {
            b'/' => {
                self.at += 1;
                Object::Name(self.name())
            }
            b'(' => {
                self.at += 1;
                Object::String(self.string())
            }
            b'<' if self.bytes.get(self.at + 1) == Some(&b'<') => {
                self.at += 2;
                self.dictionary(depth)
            }
            b'<' => {
                self.at += 1;
                Object::String(self.hexadecimal())
            }
            b'[' => {
                self.at += 1;
                self.array(depth)
            }
            b'+' | b'-' | b'.' | b'0'..=b'9' => self.number(),
            _ => return Some(self.word()),
        };
        Some(Token::Object(object))
    }

    fn word(&mut self) -> Token<'a> {
        let start = self.at;
        while self.peek().is_some_and(is_regular) {
            self.at += 1;
        }
        if self.at == start {
            // A bracket that closes nothing.
            self.at += 1;
        }
        match self.bytes.get(start..self.at).unwrap_or_default() {
            b"true" => Token::Object(Object::Bool(true)),
            b"false" => Token::Object(Object::Bool(false)),
            b"null" => Token::Object(Object::Null),
            word => Token::Word(word),
        }
    }

    fn name(&mut self) -> Name {
        let mut bytes = Vec::new();
        let mut disguised = false;
        while let Some(byte) = self.peek().filter(|byte| is_regular(*byte)) {
            self.at += 1;
            let escaped = (byte == b'#').then(|| self.hex_pair()).flatten();
            if let Some(value) = escaped {
                self.at += 2;
                disguised |= value.is_ascii_alphanumeric();
                bytes.push(value);
            } else {
                bytes.push(byte);
            }
        }
        Name { text: String::from_utf8_lossy(&bytes).into_owned(), disguised }
    }

    /// The value of the two hexadecimal digits here.
    fn hex_pair(&self) -> Option<u8> {
        match slice(self.bytes, self.at, 2)? {
            [high, low] => Some(digit(*high)? * 16 + digit(*low)?),
            _ => None,
        }
    }

    fn string(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut open = 1_usize;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'(' => open += 1,
                b')' => {
                    open -= 1;
                    if open == 0 {
                        return bytes;
                    }
                }
                b'\\' => {
                    if let Some(byte) = self.escape() {
                        bytes.push(byte);
                    }
                    continue;
                }
                _ => {}
            }
            bytes.push(byte);
        }
        bytes
    }

    /// What stands behind a backslash; nothing where a line goes on.
    fn escape(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(match byte {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 8,
            b'f' => 12,
            b'\n' => return None,
            b'\r' => {
                if self.peek() == Some(b'\n') {
                    self.at += 1;
                }
                return None;
            }
            b'0'..=b'7' => {
                let mut value = byte - b'0';
                for _ in 0..2 {
                    match self.peek() {
                        Some(next @ b'0'..=b'7') => {
                            self.at += 1;
                            value = value.wrapping_mul(8).wrapping_add(next - b'0');
                        }
                        _ => break,
                    }
                }
                value
            }
            other => other,
        })
    }

    fn hexadecimal(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut half = None;
        while let Some(byte) = self.peek() {
            self.at += 1;
            if byte == b'>' {
                break;
            }
            if let Some(value) = digit(byte) {
                match half.take() {
                    Some(high) => bytes.push(high * 16 + value),
                    None => half = Some(value),
                }
            }
        }
        bytes.extend(half.map(|high| high * 16));
        bytes
    }

    fn array(&mut self, depth: usize) -> Object {
        let mut items = Vec::new();
        loop {
            self.skip_space();
            match self.peek() {
                None => break,
                Some(b']') => {
                    self.at += 1;
                    break;
                }
                Some(b'>') if self.ends_object() => break,
                _ if depth >= DEEPEST => {
                    // What lies deeper is gone over and is nothing.
                    self.at += 1;
                    continue;
                }
                _ => {}
            }
            let before = self.at;
            match self.token_at(depth + 1) {
                Some(Token::Object(object)) => items.push(object),
                Some(Token::Word(b"R")) => refer(&mut items),
                Some(Token::Word(b"endobj" | b"endstream" | b"obj")) => {
                    self.at = before;
                    break;
                }
                Some(Token::Word(_)) => {}
                None => break,
            }
        }
        Object::Array(items)
    }

    fn ends_object(&self) -> bool {
        slice(self.bytes, self.at, 2) == Some(b">>")
    }

    fn dictionary(&mut self, depth: usize) -> Object {
        let mut flat: Vec<Object> = Vec::new();
        loop {
            self.skip_space();
            match self.peek() {
                None => break,
                Some(b'>') if self.ends_object() => {
                    self.at += 2;
                    break;
                }
                _ if depth >= DEEPEST => {
                    self.at += 1;
                    continue;
                }
                _ => {}
            }
            let before = self.at;
            match self.token_at(depth + 1) {
                Some(Token::Object(object)) => flat.push(object),
                Some(Token::Word(b"R")) => refer(&mut flat),
                Some(Token::Word(b"endobj" | b"stream" | b"endstream" | b"obj")) => {
                    self.at = before;
                    break;
                }
                Some(Token::Word(_)) => {}
                None => break,
            }
        }
        let mut members = Vec::with_capacity(flat.len() / 2);
        let mut key: Option<Name> = None;
        for object in flat {
            key = match (key, object) {
                (None, Object::Name(name)) => Some(name),
                (None, _) => None,
                (Some(name), object) => {
                    members.push((name, object));
                    None
                }
            };
        }
        Object::Dictionary(Dictionary(members))
    }

    fn number(&mut self) -> Object {
        let start = self.at;
        self.at += 1;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+')) {
            self.at += 1;
        }
        let text = self.bytes.get(start..self.at).unwrap_or_default();
        // Some writers write `--5` or `1.-2`; readers take what is at the beginning.
        let text = std::str::from_utf8(text).unwrap_or_default();
        let number = text.parse().unwrap_or_else(|_| {
            let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
            let plain = text.trim_start_matches(['-', '+']);
            let end = plain.find(['-', '+']).unwrap_or(plain.len());
            sign * plain.get(..end).and_then(|plain| plain.parse::<f64>().ok()).unwrap_or(0.0)
        });
        Object::Number(if f64::is_finite(number) { number } else { 0.0 })
    }
}

/// The two numbers at the end were those of a reference.
fn refer(items: &mut Vec<Object>) {
    if let [.., Object::Number(_), Object::Number(_)] = items.as_slice() {
        items.pop();
        let number =
            items.pop().and_then(|number| number.length()).and_then(|number| u32::try_from(number).ok());
        items.push(number.map_or(Object::Null, Object::Reference));
    }
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Object {
        Lexer::new(text, 0, 1000).object().unwrap()
    }

    #[test]
    fn objects_are_read_as_readers_read_them() {
        let object =
            read(b"<< /Open#41ction 4 0 R /A [1 -2.5 (a\\(b\\051\\\n) <4142 4>] % c\n /B <</C true>> >>");
        let dictionary = object.dictionary().unwrap();
        assert_eq!(dictionary.get("OpenAction"), Some(&Object::Reference(4)));
        assert!(dictionary.iter().next().unwrap().0.disguised);
        let items = dictionary.get("A").unwrap().array().unwrap();
        assert_eq!(items[0], Object::Number(1.0));
        assert_eq!(items[1], Object::Number(-2.5));
        assert_eq!(items[2], Object::String(b"a(b)".to_vec()));
        assert_eq!(items[3], Object::String(b"AB@".to_vec()));
        assert_eq!(dictionary.get("B").unwrap().dictionary().unwrap().get("C"), Some(&Object::Bool(true)));
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let deep = b"[".repeat(100_000);
        let mut lexer = Lexer::new(&deep, 0, usize::MAX);
        lexer.object().unwrap();
        assert_eq!(lexer.at, deep.len());
        let wide = [b"[".as_slice(), &b"1 ".repeat(1000)].concat();
        let mut lexer = Lexer::new(&wide, 0, 100);
        lexer.object().unwrap();
        assert!(lexer.made <= 100);
    }
}
