//! What the pieces of a text look like, whatever they say: words by their case, their script and how well they are known, numbers by their
//! length, signs as they are, brackets that close what is not open, and what is between two pieces.

/// A piece of the folded text: a word, a part of a glued one, a number, or up to three signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// All that it looks like, and how it is joined to the piece before.
    pub(crate) shape: u64,
    /// Whether plain prose of any language has it seldom: a sign of markup or programs, a bracket that closes nothing, a word glued to another.
    pub(crate) odd: bool,
    /// Whether it is a word that a capital begins inside of another one.
    pub(crate) glued: bool,
}

/// Bytes of the table of known words.
pub(crate) const KNOWN: usize = 1 << 14;
/// Words of this and more bytes end before it: nothing waits for them.
pub(crate) const LONGEST: usize = 64;
/// Signs of one piece.
const SIGNS: usize = 3;
/// What prose has seldom.
const MARKUP: &[u8] = b"\\{}[]`$#<>^|~*_=+@&";
/// Brackets that may be open at once; what is opened beyond them is not looked at.
const DEPTH: usize = 24;
const SEED: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

/// How well words are known, two bits for each value of some bits of their hash: 0 not at all, 1 known, 2 frequent in a language other than
/// English, 3 frequent in English.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known(pub(crate) Vec<u8>);

impl Known {
    /// Where a word stands in the table: the byte, and the bits before its own.
    fn place(hash: u64) -> (usize, u32) {
        let mixed = (hash ^ hash >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 48;
        (usize::try_from(mixed >> 2).unwrap_or(0), 2 * u32::from((mixed & 3) as u8))
    }

    fn class(&self, hash: u64) -> u64 {
        let (byte, bits) = Self::place(hash);
        self.0.get(byte).map_or(0, |four| u64::from(four >> bits & 3))
    }

    /// Takes a word down, unless one in its place is better known.
    pub(crate) fn learn(&mut self, word: &str, class: u8) {
        self.0.resize(KNOWN, 0);
        let hash = word.bytes().fold(SEED, letter);
        let (byte, bits) = Self::place(hash);
        if self.class(hash) < u64::from(class)
            && let Some(four) = self.0.get_mut(byte)
        {
            *four = *four & !(3 << bits) | (class & 3) << bits;
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Open {
    #[default]
    Nothing,
    Word,
    Number,
    Signs,
}

/// What stands before a piece.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Joint {
    #[default]
    Glued,
    Space,
    Line,
}

/// Reads pieces. Where they end depends on the text alone.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    open: Open,
    joint: Joint,
    hash: u64,
    length: usize,
    capitals: usize,
    begins_large: bool,
    /// Whether the last byte is a small letter of ASCII: a capital behind it begins another word.
    small: bool,
    script: u8,
    /// Whether a bracket of the piece closes what is not open.
    unmatched: bool,
    /// Whether a sign of it is one of markup or programs.
    markup: bool,
    /// Whether the piece before is a word.
    behind_word: bool,
    /// The byte before.
    before: u8,
    brackets: [u8; DEPTH],
    depth: usize,
}

impl Shapes {
    /// Whether a piece is open.
    pub(crate) fn is_open(&self) -> bool {
        self.open != Open::Nothing
    }

    /// Whether the open piece is longer than pieces are.
    pub(crate) fn is_endless(&self) -> bool {
        self.length >= LONGEST
    }

    /// Takes a byte; the piece that ended before it, if one did.
    #[inline]
    pub(crate) fn byte(&mut self, byte: u8, known: &Known) -> Option<Piece> {
        let ended = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => self.of_word(byte, known),
            b'0'..=b'9' => {
                let ended = self.goes_on(Open::Number, usize::MAX, known);
                self.length += 1;
                ended
            }
            b' ' | b'\t' => {
                let ended = self.end(known);
                self.joint = self.joint.max(Joint::Space);
                ended
            }
            b'\n' | b'\r' => {
                let ended = self.end(known);
                self.joint = Joint::Line;
                ended
            }
            // Inside of a word it is a letter; at the end of one it is lost with it.
            b'\'' if self.open == Open::Word && self.before.is_ascii_alphabetic() => {
                self.hash = letter(self.hash, byte);
                self.length += 1;
                self.small = false;
                None
            }
            _ => {
                let ended = self.goes_on(Open::Signs, SIGNS, known);
                self.bracket(byte);
                self.markup |= MARKUP.contains(&byte);
                self.hash = letter(self.hash, byte);
                self.length += 1;
                ended
            }
        };
        self.before = byte;
        ended
    }

    /// Takes letters of ASCII, all small but perhaps the first, where no piece is open, as they are taken one by one; whether it did.
    #[inline]
    pub(crate) fn word(&mut self, letters: &[u8]) -> bool {
        let (Open::Nothing, 0, Some(first), Some(last)) =
            (self.open, self.length, letters.first(), letters.last())
        else {
            return false;
        };
        self.begins_large = first.is_ascii_uppercase();
        self.capitals = usize::from(self.begins_large);
        self.small = last.is_ascii_lowercase();
        // As `letter` does, of letters of ASCII alone.
        self.hash =
            letters.iter().fold(SEED, |hash, byte| (hash ^ u64::from(byte | 0x20)).wrapping_mul(PRIME));
        (self.open, self.length, self.before) = (Open::Word, letters.len(), *last);
        true
    }

    #[inline]
    fn of_word(&mut self, byte: u8, known: &Known) -> Option<Piece> {
        let large = byte.is_ascii_uppercase();
        // A capital inside of a word counts for its length and case; the word that it begins is known by what follows it, and one that is the
        // capital alone is none. The weights were trained so.
        let ended = if large && self.small { self.end(known) } else { None };
        let ended = ended.or_else(|| self.goes_on(Open::Word, usize::MAX, known));
        if self.length == 0 {
            self.begins_large = large;
        }
        self.capitals += usize::from(large);
        self.small = byte.is_ascii_lowercase();
        if byte >= 0xc0 {
            self.script = script(byte);
        }
        self.hash = letter(self.hash, byte);
        self.length += 1;
        ended
    }

    /// A piece of this kind goes on with the next byte, or begins; what ended instead.
    #[inline]
    fn goes_on(&mut self, open: Open, most: usize, known: &Known) -> Option<Piece> {
        if self.open == open && self.length < most {
            return None;
        }
        let ended = self.end(known);
        (self.open, self.hash) = (open, SEED);
        ended
    }

    /// Keeps count of brackets.
    fn bracket(&mut self, byte: u8) {
        let opener = match byte {
            b'(' | b'[' | b'{' => {
                if let Some(slot) = self.brackets.get_mut(self.depth) {
                    *slot = byte;
                    self.depth += 1;
                }
                return;
            }
            b')' => b'(',
            b']' => b'[',
            b'}' => b'{',
            _ => return,
        };
        let open = self.brackets.get(..self.depth).unwrap_or_default();
        // `1)` and `:-)` close nothing.
        let counts = byte == b')' && matches!(self.before, b'0'..=b'9' | b':' | b'-' | b';' | b'=');
        if open.last() != Some(&opener) && !counts {
            self.unmatched = true;
        }
        // What was opened since is closed with it.
        if let Some(at) =
            open.iter().rposition(|open| *open == opener).filter(|_| !counts || open.last() == Some(&opener))
        {
            self.depth = at;
        }
    }

    /// Ends what is open.
    pub(crate) fn end(&mut self, known: &Known) -> Option<Piece> {
        let (length, script) = (self.length, u64::from(self.script));
        let what = match self.open {
            Open::Nothing => return None,
            Open::Word => {
                let case = match (self.capitals, self.begins_large) {
                    (0, _) => 0,
                    (1, true) => 1,
                    (capitals, _) if capitals == length => 2,
                    _ => 3,
                };
                let known = if script > 1 { 0 } else { known.class(self.hash) };
                let known = match length {
                    _ if known > 0 || script > 1 => known,
                    1 => 4,
                    2..=3 => 5,
                    // Longer ones tell nothing: some languages have no others.
                    _ => 6,
                };
                1 | case << 8 | known << 12 | script << 16
            }
            Open::Number => {
                let length = match length {
                    1 => 0,
                    2..=4 => 1,
                    _ => 2,
                };
                2 | length << 8
            }
            Open::Signs => 3 | u64::from(self.unmatched) << 8 | (self.hash ^ self.hash >> 31) << 12,
        };
        let is_word = self.open == Open::Word;
        let glued = is_word && self.behind_word && self.joint == Joint::Glued;
        let odd = glued || self.unmatched || self.markup;
        let piece = Piece { shape: what | (self.joint as u64) << 4, odd, glued };
        *self = Self {
            behind_word: is_word,
            brackets: self.brackets,
            depth: self.depth,
            before: self.before,
            ..Self::default()
        };
        Some(piece)
    }
}

/// Adds a byte to the hash of a piece: letters in any case are the same.
#[inline]
const fn letter(hash: u64, byte: u8) -> u64 {
    (hash ^ byte.to_ascii_lowercase() as u64).wrapping_mul(PRIME)
}

/// A number for the script that a character is of, by the first of its bytes: 0 ASCII, 1 more Latin letters.
const fn script(lead: u8) -> u8 {
    match lead {
        0xc0..=0xcb | 0xe1..=0xe2 => 1,
        0xce..=0xcf => 2,
        0xd0..=0xd3 => 3,
        0xd4..=0xd7 => 4,
        0xd8..=0xdf => 5,
        0xe0 => 6,
        0xe3..=0xe9 => 7,
        0xea..=0xef => 8,
        0xf0.. => 9,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces of a text by their kinds: words and glued ones, numbers, signs, those of markup, and those with a bracket that closes nothing.
    fn kinds(text: &str) -> String {
        let (mut shapes, known) = (Shapes::default(), Known::default());
        let mut pieces: Vec<Piece> = text.bytes().filter_map(|byte| shapes.byte(byte, &known)).collect();
        pieces.extend(shapes.end(&known));
        let kind = |piece: &Piece| match piece.shape & 15 {
            1 if piece.odd => 'W',
            1 => 'w',
            2 => 'n',
            _ if piece.shape >> 8 & 1 == 1 => '!',
            _ if piece.odd => 'm',
            _ => 's',
        };
        pieces.iter().map(kind).collect()
    }

    #[test]
    fn pieces_are_words_numbers_and_signs() {
        for (text, expected) in [
            ("", ""),
            ("Don't stop", "ww"),
            ("similarlyNow 42", "wWn"),
            ("GitHub HTML", "wWw"),
            ("a.b(c)[1]", "wswswmnm"),
            ("....", "ss"),
            ("x ](y", "w!w"),
            ("(a] b)", "sw!ws"),
            ("1) :-) ;)", "nsss"),
            ("{[(", "m"),
            ("straße привет 你好", "www"),
        ] {
            assert_eq!(kinds(text), expected, "{text:?}");
        }
    }

    #[test]
    fn brackets_are_counted_as_deep_as_they_may_be() {
        let nested = |depth: usize| format!("{}x{}", "(".repeat(depth), ")".repeat(depth));
        assert!(!kinds(&nested(DEPTH)).contains('!'));
        assert!(kinds(&nested(DEPTH + 4)).contains('!'));
        assert!(!kinds("[(x] (y)").ends_with('!'), "what is closed with another bracket is not open");
    }

    #[test]
    fn words_are_known_in_any_case_and_the_best_known_of_a_place_counts() {
        let mut known = Known::default();
        known.learn("the", 3);
        known.learn("the", 1);
        let piece = |text: &str| Shapes { hash: SEED, ..Shapes::default() }.read(text, &known);
        assert_eq!(piece("the") >> 12 & 7, 3);
        assert_eq!(piece("THE") >> 12 & 7, 3);
        assert_eq!(piece("zyx") >> 12 & 7, 5);
    }

    impl Shapes {
        fn read(mut self, text: &str, known: &Known) -> u64 {
            for byte in text.bytes() {
                self.byte(byte, known);
            }
            self.end(known).map_or(0, |piece| piece.shape)
        }
    }
}
