//! What the tagger sees of a token and of those beside it.

use crate::fold;
use crate::names::model::Tag;

/// Rows of weights.
pub const BUCKETS: usize = 1 << 16;
/// Features of one token.
pub(crate) const COUNT: usize = 26;

/// What a token is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Letters and digits.
    Word,
    /// One other visible character.
    Sign,
    /// The end of a line.
    Line,
}

/// How a word is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// 0 small letters, 1 a capital first, 2 capitals only, 3 capitals inside, 4 digits, 5 digits and letters, 6 another
    /// script, 7 no word.
    pub class: u8,
    /// Its length, up to 7.
    pub length: u8,
    /// 1 where nothing stands between it and what is before it.
    pub glued: u8,
}

/// A token as features see it.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    /// What it is made of.
    pub kind: TokenKind,
    /// How it is written.
    pub shape: Shape,
    /// Hashes of the word in small letters, of its last two and three and of its first three bytes.
    pub word: u32,
    tail2: u32,
    tail3: u32,
    head3: u32,
}

impl Token {
    /// A word of a text.
    pub fn of(word: &str, glued: bool) -> Self {
        Self::word(&fold::word(word), glued)
    }

    /// A word of folded bytes.
    pub(crate) fn word(text: &[u8], glued: bool) -> Self {
        let lower = |bytes: &[u8]| bytes.iter().fold(SEED, |hash, b| step(hash, b.to_ascii_lowercase()));
        let from = |count: usize| text.get(text.len().saturating_sub(count)..).unwrap_or_default();
        let (mut hash, mut digits, mut capitals) = (SEED, 0, 0);
        for byte in text {
            hash = step(hash, byte.to_ascii_lowercase());
            digits += usize::from(byte.is_ascii_digit());
            capitals += usize::from(byte.is_ascii_uppercase());
        }
        let other = text.first().is_some_and(|b| *b >= 0x80);
        let first = text.first().is_some_and(u8::is_ascii_uppercase);
        let class = match () {
            () if digits == text.len() => 4,
            () if digits > 0 => 5,
            () if other => 6,
            () if capitals == text.len() && capitals > 1 => 2,
            () if first && capitals == 1 => 1,
            () if capitals > 0 => 3,
            () => 0,
        };
        Self {
            kind: TokenKind::Word,
            shape: Shape {
                class,
                length: u8::try_from(text.len().min(7)).unwrap_or(7),
                glued: u8::from(glued),
            },
            word: if class == 4 && text.len() > 2 { step(SEED, b'0') } else { hash },
            tail2: lower(from(2)),
            tail3: lower(from(3)),
            head3: lower(text.get(..3).unwrap_or(text)),
        }
    }

    /// One character that is no letter.
    pub fn sign(byte: u8, glued: bool) -> Self {
        let word = step(step(SEED, 1), byte);
        let shape = Shape { class: 7, length: 1, glued: u8::from(glued) };
        Self { kind: TokenKind::Sign, shape, word, tail2: word, tail3: word, head3: word }
    }

    /// The end of a line.
    pub fn line() -> Self {
        Self { kind: TokenKind::Line, ..Self::sign(b'\n', false) }
    }

    /// Whether a name can begin with it: capitals, digits, and letters of other scripts.
    pub fn may_begin(&self) -> bool {
        self.kind == TokenKind::Word && self.shape.class != 0
    }

    /// Whether a name can end with it.
    pub fn may_end(&self) -> bool {
        self.kind == TokenKind::Word || self.word == Self::sign(b'.', false).word
    }

    /// Nothing but digits.
    pub fn is_number(&self) -> bool {
        self.shape.class == 4
    }

    /// Whether it has a digit.
    pub fn has_digit(&self) -> bool {
        matches!(self.shape.class, 4 | 5)
    }

    fn form(&self) -> u32 {
        u32::from(self.shape.glued) << 6 | u32::from(self.shape.class) << 3 | u32::from(self.shape.length)
    }
}

/// FNV-1a with 32 bits: its offset basis, and one step.
const SEED: u32 = 0x811c_9dc5;

fn step(hash: u32, byte: u8) -> u32 {
    (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
}

/// The buckets of the token at offset 0, given those beside it and the last two tags, the latest first.
pub fn features(token: &impl Fn(isize) -> Option<Token>, [last, before]: [Tag; 2], out: &mut [u32; COUNT]) {
    let edge = Token::sign(0, false);
    let at = |offset: isize| token(offset).unwrap_or(edge);
    let (b2, b1, own, n1, n2) = (at(-2), at(-1), at(0), at(1), at(2));
    let tag = |tag: Tag| u32::try_from(tag.index()).unwrap_or(0) + 1;
    let tags = tag(last) * 16 + tag(before);
    let forms = own.form() << 14
        | u32::from(n1.shape.glued) << 12
        | u32::from(b1.shape.class) << 8
        | u32::from(n1.shape.class) << 4;
    let values = [
        [own.word, 0],
        [own.tail3, 0],
        [own.tail2, 0],
        [own.head3, 0],
        [own.form(), 0],
        [b1.word, 0],
        [n1.word, 0],
        [b2.word, 0],
        [n2.word, 0],
        [forms, 0],
        [tag(last), 0],
        [tags, 0],
        [own.word, tag(last)],
        [own.form(), tag(last)],
        [b1.word, tag(last)],
        [n1.word, tag(last)],
        [b1.word, own.form()],
        [n1.word, own.form()],
        [n1.tail3, tag(last)],
        [n1.form(), own.form()],
        [b1.form() << 8 | u32::from(b2.shape.class), own.form()],
        [b1.word, b2.word],
        [n1.word, n2.word],
        [forms, tag(last)],
        [own.tail3, tag(last)],
        [n1.form() << 8 | n2.form(), tag(last) << 8 | own.form()],
    ];
    for (i, ([a, b], bucket)) in values.into_iter().zip(out.iter_mut()).enumerate() {
        // A multiplication and a shift mix well enough; every feature has its own seed.
        let seed = u32::try_from(i).unwrap_or(0).wrapping_add(1).wrapping_mul(0x9e37_79b9);
        let mixed = (a ^ seed).wrapping_mul(0x85eb_ca6b) ^ b.wrapping_mul(0xc2b2_ae35).rotate_left(13);
        *bucket = mixed.wrapping_mul(0x27d4_eb2f) >> 16;
    }
}
