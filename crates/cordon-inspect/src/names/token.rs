//! Words of the folded text as the tagger sees them: what is known of a word, its form, and what stands around it.

/// What the vocabulary says of a word, one bit each; those between have a meaning only for training.
pub(super) mod class {
    pub(crate) const GIVEN: u16 = 1;
    pub(crate) const FAMILY: u16 = 1 << 1;
    pub(crate) const TOWN: u16 = 1 << 2;
    pub(crate) const COUNTRY: u16 = 1 << 3;
    pub(crate) const TITLE: u16 = 1 << 4;
    pub(crate) const FORM: u16 = 1 << 5;
    pub(crate) const STREET: u16 = 1 << 6;
    pub(crate) const UNIT: u16 = 1 << 7;
    pub(crate) const BODY: u16 = 1 << 8;
    pub(crate) const CALENDAR: u16 = 1 << 9;
    /// How common the word is in small letters: 0 is not known to be, 3 is among the most common.
    pub(crate) const COMMON: u32 = 13;
    /// Words that German sentences have: there nouns have capitals.
    pub(crate) const GERMAN: u16 = 1 << 15;
    /// Names, which say nothing beyond being on a list.
    pub(crate) const NAMES: u16 = GIVEN | FAMILY | TOWN | COUNTRY;
    /// Words that are part of addresses and of names of organisations, in small letters too.
    pub(crate) const PARTS: u16 = FORM | STREET | UNIT | BODY;
}

/// The form of a word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Form {
    #[default]
    Small,
    Capital,
    Capitals,
    /// One capital letter.
    Initial,
    /// Capitals inside: `McDonald`, `iPhone`.
    Mixed,
    Digits,
    /// Digits and letters, digits first: `12b`.
    Numbered,
    /// Letters and digits, letters first: `SW1A`.
    Code,
    /// Capital first, of Greek or Cyrillic.
    Foreign,
    Sign,
    /// One small letter.
    Letter,
    /// Of a script without capitals, or without one in front.
    Other,
}

/// What stands before a word.
pub(super) const NO_GAP: u8 = 0;
pub(super) const SPACE: u8 = 1;
pub(super) const LINE: u8 = 2;
pub(super) const START: u8 = 3;

/// A word, a number, or a sign.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Token {
    /// Where it is in the folded text.
    pub(super) start: usize,
    pub(super) end: usize,
    /// A known word, or else the form and length.
    pub(super) word: u32,
    pub(super) form: Form,
    pub(super) length: u8,
    pub(super) classes: u16,
    /// The first bytes, and the last, in small letters.
    pub(super) prefix: u32,
    pub(super) suffix: u32,
    pub(super) gap: u8,
    /// The word that names the value in which it stands: `name` of `"first_name": "…"`.
    pub(super) key: u32,
}

impl Token {
    pub(super) const fn common(&self) -> u16 {
        self.classes >> class::COMMON & 3
    }

    pub(super) const fn is(&self, classes: u16) -> bool {
        self.classes & classes != 0
    }

    pub(super) const fn is_capital(&self) -> bool {
        matches!(self.form, Form::Capital | Form::Capitals | Form::Initial | Form::Mixed | Form::Foreign)
    }

    /// Whether a name may begin or end with it; `next` is what follows.
    pub(super) fn is_core(&self, next: Option<&Self>) -> bool {
        match self.form {
            Form::Sign | Form::Letter | Form::Other => false,
            Form::Small => self.is(class::NAMES | class::PARTS) || self.classes == 0 && self.length >= 3,
            Form::Capital => {
                self.common() < 3
                    || self.is(class::NAMES | class::TITLE | class::PARTS)
                    || next.is_some_and(|next| next.gap <= SPACE && next.is_capital())
            }
            _ => true,
        }
    }

    /// Form and length in one number.
    pub(super) fn shape(&self) -> u32 {
        let length = match (self.form, self.length) {
            (Form::Digits, length) => u32::from(length.min(7)),
            (_, 0 | 1) => 0,
            (_, 2) => 1,
            (_, 3) => 2,
            (_, 4..=6) => 3,
            (_, 7..=10) => 4,
            _ => 5,
        };
        u32::from(self.form as u8) << 3 | length
    }
}

/// A word that is still being read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    pub(super) start: usize,
    hash: u32,
    /// Of its last part: `name` of `firstName`.
    part: u32,
    prefix: u32,
    suffix: u32,
    length: u8,
    letters: u8,
    capitals: u8,
    digits: u8,
    first: u8,
    last_small: bool,
    /// The first bytes of what is not ASCII.
    wide: [u8; 2],
    wides: u8,
}

const SEED: u32 = 0x811c_9dc5;

/// FNV-1a of a word in small letters, 32 bits.
pub(super) const fn fnv(hash: u32, byte: u8) -> u32 {
    (hash ^ byte as u32).wrapping_mul(0x0100_0193)
}

/// The hash of a word as the vocabulary has it.
pub(super) fn hash(word: &[u8]) -> u32 {
    word.iter().fold(SEED, |hash, byte| fnv(hash, byte.to_ascii_lowercase()))
}

/// Whether a byte belongs to a word.
pub(super) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

impl Open {
    pub(super) const fn new(start: usize) -> Self {
        Self {
            start,
            hash: SEED,
            part: SEED,
            prefix: 0,
            suffix: 0,
            length: 0,
            letters: 0,
            capitals: 0,
            digits: 0,
            first: 0,
            last_small: false,
            wide: [0; 2],
            wides: 0,
        }
    }

    #[inline]
    pub(super) fn push(&mut self, byte: u8) {
        let small = byte.to_ascii_lowercase();
        if self.length == 0 {
            self.first = byte;
        }
        if byte.is_ascii_uppercase() && self.last_small {
            self.part = SEED;
        }
        self.last_small = byte.is_ascii_lowercase();
        self.hash = fnv(self.hash, small);
        self.part = fnv(self.part, small);
        if self.length < 3 {
            self.prefix = self.prefix << 8 | u32::from(small);
        }
        self.suffix = self.suffix << 8 | u32::from(small);
        self.length = self.length.saturating_add(1);
        if byte.is_ascii_digit() {
            self.digits = self.digits.saturating_add(1);
        } else {
            self.letters = self.letters.saturating_add(1);
            self.capitals = self.capitals.saturating_add(u8::from(byte.is_ascii_uppercase()));
            if byte >= 0x80 {
                if let Some(place) = self.wide.get_mut(usize::from(self.wides)) {
                    *place = byte;
                }
                self.wides = self.wides.saturating_add(1);
            }
        }
    }

    pub(super) const fn length(&self) -> u8 {
        self.length
    }

    fn form(&self) -> Form {
        if self.letters == 0 {
            return Form::Digits;
        }
        if self.digits > 0 {
            return if self.first.is_ascii_digit() { Form::Numbered } else { Form::Code };
        }
        if self.first >= 0x80 {
            // Capitals of Greek and Cyrillic, as UTF-8 writes them.
            return match self.wide {
                [0xce, 0x86..=0xab] | [0xd0, 0x80..=0xaf] => Form::Foreign,
                _ => Form::Other,
            };
        }
        match (self.capitals, self.letters) {
            (0, 1) => Form::Letter,
            (0, _) => Form::Small,
            (1, 1) => Form::Initial,
            (1, _) if self.first.is_ascii_uppercase() => Form::Capital,
            (capitals, letters) if capitals + self.wides >= letters => Form::Capitals,
            _ => Form::Mixed,
        }
    }

    /// The word, and its last part, with what the vocabulary says of them.
    pub(super) fn close(&self, end: usize, classes: impl Fn(u32) -> u16) -> (Token, u32) {
        let mut token = Token {
            start: self.start,
            end,
            form: self.form(),
            length: self.length,
            prefix: self.prefix,
            suffix: self.suffix,
            ..Token::default()
        };
        if self.letters > 0 {
            token.classes = classes(self.hash);
        }
        token.word = known(self.hash, token.classes).unwrap_or_else(|| token.shape());
        let part = if self.part == self.hash { token.classes } else { classes(self.part) };
        (token, known(self.part, part).unwrap_or(0))
    }
}

/// The hash of a word that is more than a name.
fn known(hash: u32, classes: u16) -> Option<u32> {
    (classes & !class::NAMES != 0).then_some(hash | 0x100)
}

/// A sign.
pub(super) fn sign(start: usize, byte: u8) -> Token {
    Token {
        start,
        end: start + 1,
        word: 0x80 | u32::from(byte & 0x7f),
        form: Form::Sign,
        length: 1,
        ..Token::default()
    }
}
