//! Maps from codes to text (`ToUnicode`; Adobe technical note 5411).

use std::collections::HashMap;

use super::object::{Lexer, Object, Token};
use crate::{
    bytes::head,
    context::{Context, Done},
    text,
};

/// Bytes of a text that a code may stand for (ISO 32000-1, 9.10.3).
const LONGEST: usize = 512;

/// What codes mean.
#[derive(Debug, Default)]
pub(super) struct CMap {
    codes: HashMap<u32, String>,
    /// First and last code, and the text of the first: the others count on from its last character.
    ranges: Vec<(u32, u32, String)>,
}

impl CMap {
    /// Reads a map.
    pub(super) fn read(context: &mut Context<'_>, content: &[u8]) -> Done<Self> {
        let mut map = Self::default();
        let mut lexer = Lexer::new(content, 0, context.pieces_left());
        let mut operands: Vec<Object> = Vec::new();
        while let Some(token) = lexer.token() {
            match token {
                Token::Object(object) => {
                    operands.push(object);
                }
                Token::Word(b"endbfchar") => {
                    for pair in operands.as_chunks::<2>().0 {
                        if let [Object::String(code), Object::String(text)] = pair {
                            map.codes.insert(number(code), meant(text));
                        }
                    }
                    operands.clear();
                }
                Token::Word(b"endbfrange") => {
                    for range in operands.as_chunks::<3>().0 {
                        map.range(range);
                    }
                    operands.clear();
                }
                Token::Word(_) => operands.clear(),
            }
        }
        context.pieces(lexer.made)?;
        map.ranges.sort_unstable();
        context.spend(content.len())?;
        Ok(map)
    }

    fn range(&mut self, range: &[Object; 3]) {
        let [Object::String(first), Object::String(last), target] = range else { return };
        let (first, last) = (number(first), number(last));
        match target {
            Object::String(text) => self.ranges.push((first, last, meant(text))),
            Object::Array(texts) => {
                for (code, text) in (first..=last).zip(texts) {
                    if let Object::String(text) = text {
                        self.codes.insert(code, meant(text));
                    }
                }
            }
            _ => {}
        }
    }

    /// The text of a code.
    pub(super) fn get(&self, code: u32, out: &mut String) -> bool {
        if let Some(text) = self.codes.get(&code) {
            out.push_str(text);
            return true;
        }
        let at = self.ranges.partition_point(|(first, _, _)| *first <= code);
        let Some((first, last, text)) = at.checked_sub(1).and_then(|at| self.ranges.get(at)) else {
            return false;
        };
        if code > *last {
            return false;
        }
        let mut chars = text.chars();
        let Some(end) = chars.next_back() else { return false };
        out.push_str(chars.as_str());
        out.extend(u32::from(end).checked_add(code - first).and_then(char::from_u32));
        true
    }
}

fn meant(text: &[u8]) -> String {
    text::utf16_be(head(text, LONGEST))
}

/// A code of at most four bytes.
fn number(code: &[u8]) -> u32 {
    code.iter().take(4).fold(0, |number, byte| number << 8 | u32::from(*byte))
}
