//! What a provider's credential looks like, and the search for all of them at once.
//!
//! The table is [`super::table`]. What marks a format (a prefix, a mark inside, a word that stands before it) goes into
//! one automaton per kind of mark, so that the number of formats costs nothing while no mark is there.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::example::{entropy, is_example};
use super::shape;
use super::table::FORMATS;
use super::{DOUBTFUL, Found, trim};
use crate::pii::{before, context_has};
use crate::segment::{Candidate, Shape};

/// What a token is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alphabet {
    /// Letters and digits.
    Alnum,
    /// Capital letters and digits.
    Upper,
    /// Small letters and digits.
    Lower,
    /// Hexadecimal digits.
    Hex,
    /// Hexadecimal digits and dashes: a UUID (RFC 9562).
    Uuid,
    /// Letters, digits, `-`, `_`.
    Dash,
    /// Letters, digits, `-`, `_`, `.`.
    Dot,
    /// The same and `~`.
    Tilde,
    /// Base64 of both alphabets, with its padding.
    Base64,
    /// Base64 as forms and URLs write it, with signs escaped or padding inside.
    Escaped,
    /// Tokens in parts: base64 and `.`, `$`, `:`, `|`, `~`, `#`, `^`, `!`, `%`.
    Parts,
    /// What crypt(3) and its successors write.
    Crypt,
    /// All that is printed and no space.
    Printed,
}

impl Alphabet {
    /// How many there are.
    const COUNT: usize = 13;

    const fn has(self, byte: u8) -> bool {
        let alnum = byte.is_ascii_alphanumeric();
        match self {
            Self::Alnum => alnum,
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Lower => byte.is_ascii_lowercase() || byte.is_ascii_digit(),
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Uuid => byte.is_ascii_hexdigit() || byte == b'-',
            Self::Dash => alnum || matches!(byte, b'-' | b'_'),
            Self::Dot => alnum || matches!(byte, b'-' | b'_' | b'.'),
            Self::Tilde => alnum || matches!(byte, b'-' | b'_' | b'.' | b'~'),
            Self::Base64 => alnum || matches!(byte, b'+' | b'/' | b'-' | b'_'),
            Self::Escaped => Self::Base64.has(byte) || matches!(byte, b'%' | b'='),
            Self::Parts => {
                Self::Base64.has(byte)
                    || matches!(byte, b'.' | b'$' | b':' | b'|' | b'~' | b'#' | b'^' | b'!' | b'%')
            }
            Self::Crypt => Self::Base64.has(byte) || matches!(byte, b'.' | b'$' | b'=' | b','),
            Self::Printed => byte.is_ascii_graphic(),
        }
    }

    /// How many bytes at the start of some are of it.
    fn run(self, bytes: &[u8]) -> usize {
        let run = bytes.iter().take_while(|b| self.has(**b)).count();
        let padding = match self {
            Self::Base64 | Self::Parts => {
                bytes.get(run..).unwrap_or_default().iter().take(2).take_while(|b| **b == b'=').count()
            }
            _ => 0,
        };
        run + padding
    }
}

/// How a format is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// The token begins with one of these.
    Prefix(&'static [&'static str]),
    /// The token begins with one of these, and so do ordinary words: letters and digits must follow.
    Weak(&'static [&'static str]),
    /// It stands inside, after so many characters of the alphabet.
    Inside(&'static str, usize, usize),
    /// One of these words stands near before a token that has nothing of its own. In small letters.
    Near(&'static [&'static str]),
}

/// What the characters of a token say about themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// Nothing.
    None,
    /// What follows the prefix has this [`shape`], else it is no such token.
    Shape(&'static str),
    /// Base32 (RFC 4648); a token with other digits was made up.
    Base32,
    /// It ends so.
    Ends(&'static str),
    /// It goes on behind `AQE` as no bytes of DER (ITU-T X.690) do. Certificates and public keys of RSA hold `01 01` before a byte below 16:
    /// at the end of their algorithms' names (RFC 3279, RFC 4055), and where a length of 257 bytes ends that a zero follows. In lines of 64
    /// characters a line begins there in every sixteenth of them.
    NotDer,
    /// The last six characters are the CRC-32 of those before them, in base 62, as GitHub and npm write it.
    Crc62,
}

/// One format. Lengths are of what follows the prefix, or of all where there is none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Format {
    pub(super) provider: &'static str,
    pub(super) name: &'static str,
    pub(super) category: &'static str,
    pub(super) mark: Mark,
    pub(super) alphabet: Alphabet,
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) check: Check,
}

/// So much of a token is looked at to tell examples.
const TELLING: usize = 512;
/// A word may stand so many bytes before the token that it marks.
const NEAR: usize = 80;
/// Words looked at in one candidate.
const MAX_WORDS: usize = 12;
/// Fewest characters of a token that only a word marks.
const MIN_NEAR: usize = 13;
/// What stands before a digest, a version or a public value.
const DIGESTS: [&str; 18] = [
    "sha",
    "md",
    "md5",
    "checksum",
    "commit",
    "integrity",
    "etag",
    "digest",
    "revision",
    "hash",
    "rev",
    "fingerprint",
    "public",
    "blob",
    "tree",
    "build",
    "trace",
    "nonce",
];

/// The marks of all formats as automata.
#[derive(Debug)]
pub(crate) struct Tokens {
    /// Prefixes and inner marks, with the format of each.
    marks: Option<AhoCorasick>,
    marked: Vec<&'static Format>,
    /// Words before a token, with the format of each; letter case does not matter.
    words: Option<AhoCorasick>,
    named: Vec<&'static Format>,
}

impl Tokens {
    pub(crate) fn builtin() -> Self {
        Self::of(FORMATS)
    }

    /// Of some formats.
    pub(super) fn of(formats: &'static [Format]) -> Self {
        let (mut marks, mut marked, mut words, mut named) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for format in formats {
            match format.mark {
                Mark::Prefix(list) | Mark::Weak(list) => {
                    marks.extend(list);
                    marked.extend(list.iter().map(|_| format));
                }
                Mark::Inside(mark, _, _) => {
                    marks.push(mark);
                    marked.push(format);
                }
                Mark::Near(list) => {
                    words.extend(list);
                    named.extend(list.iter().map(|_| format));
                }
            }
        }
        let automaton = |patterns: &[&str], any_case: bool| {
            AhoCorasick::builder()
                .match_kind(MatchKind::Standard)
                .kind(Some(AhoCorasickKind::DFA))
                .ascii_case_insensitive(any_case)
                .build(patterns)
        };
        // The table is fixed and small: a test builds it, so there is no error to meet at run time.
        Self { marks: automaton(&marks, false).ok(), marked, words: automaton(&words, true).ok(), named }
    }

    /// The table as text, for the rules' digest.
    pub(crate) fn describe() -> String {
        let line = |format: &Format| format!("{} {}: {format:?}\n", format.provider, format.name);
        FORMATS.iter().map(line).collect()
    }

    /// Adds the tokens with a mark of their own.
    pub(super) fn marked(&self, candidate: &Candidate<'_>, out: &mut Vec<Found>) {
        let Some(marks) = &self.marks else { return };
        let text = candidate.text;
        let (mut end_of_last, mut ends) = (0, [0_usize; Alphabet::COUNT]);
        for found in marks.find_overlapping_iter(text) {
            let Some(format) = self.marked.get(found.pattern().as_usize()) else { continue };
            let alphabet = format.alphabet;
            let start = match format.mark {
                Mark::Inside(_, least, most) => {
                    let head = text.get(..found.start()).unwrap_or_default();
                    let length = head.iter().rev().take(most + 1).take_while(|b| alphabet.has(**b)).count();
                    if !(least..=most).contains(&length) {
                        continue;
                    }
                    found.start() - length
                }
                _ => found.start(),
            };
            if start < end_of_last
                || before(candidate, start).is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_')
            {
                continue;
            }
            // Starts within one run share its end: it is looked for once.
            let after = found.end();
            let Some(run_end) = ends.get_mut(alphabet as usize) else { continue };
            if after >= *run_end {
                *run_end = after + alphabet.run(text.get(after..).unwrap_or_default());
            }
            let rest = text.get(after..).unwrap_or_default();
            let length = *run_end - after;
            // A token of one length may end with a dash; where the length varies, the dash belongs to the sentence.
            let length = if length == format.most { length } else { trim(rest, length) };
            // What goes on with `_` or ends with `…` is a name or was cut.
            let next = text.get(after + length..).unwrap_or_default();
            if length < format.least
                || length > format.most
                || next.first() == Some(&b'_')
                || next.starts_with(b"...")
            {
                continue;
            }
            let body = rest.get(..length).unwrap_or_default();
            let inside = matches!(format.mark, Mark::Inside(..));
            let telling = if inside { text.get(start..after + length).unwrap_or_default() } else { body };
            let weak = matches!(format.mark, Mark::Weak(_));
            let Some(sure) = format.check.judge(body) else { continue };
            // Many marks may stand in one long run: each is judged by so much of it.
            let telling = telling.get(..TELLING).unwrap_or(telling);
            if is_example(telling) {
                end_of_last = after + length;
                continue;
            }
            if weak && !(body.iter().any(u8::is_ascii_digit) && body.iter().any(u8::is_ascii_alphabetic)) {
                continue;
            }
            if entropy(telling) < if weak { 3.0 } else { 2.5 } {
                continue;
            }
            let percent = match (sure, weak) {
                (true, false) => 97,
                (true, true) => 85,
                // Every token has the sum, and one in four billion of those that are made up.
                (false, _) if format.check == Check::Crc62 => DOUBTFUL,
                // Mistyped or made up, and still nothing to hand on.
                (false, _) => 83,
            };
            out.push(Found { start, end: after + length, category: format.category, percent });
            end_of_last = after + length;
        }
    }

    /// Where a token begins that goes on to the end of some bytes at the least: with the mark of its provider, of which nothing weak is
    /// one.
    pub(crate) fn marked_from(&self, bytes: &[u8]) -> Option<usize> {
        let goes_on = |found: &aho_corasick::Match| {
            let is_marked = self.marked.get(found.pattern().as_usize()).is_some_and(|format| {
                let rest = bytes.get(found.end()..).unwrap_or_default();
                matches!(format.mark, Mark::Prefix(_)) && format.alphabet.run(rest) == rest.len()
            });
            let before = found.start().checked_sub(1).and_then(|at| bytes.get(at));
            is_marked && !before.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        };
        let marks = self.marks.as_ref()?;
        marks.find_overlapping_iter(bytes).filter(goes_on).map(|found| found.start()).min()
    }

    /// Adds a token whose provider is named near before it.
    pub(super) fn near(&self, candidate: &Candidate<'_>, shape: Shape, out: &mut Vec<Found>) {
        if shape.len < MIN_NEAR || shape.digits < 1 {
            return;
        }
        let Some(words) = &self.words else { return };
        let left = candidate.left.get(candidate.left.len().saturating_sub(NEAR)..).unwrap_or_default();
        let mut looked = 0;
        for (bytes, own) in [(left, false), (candidate.text, true)] {
            for found in words.find_overlapping_iter(bytes) {
                // `okta` is no word of `rooktable`; what begins with a sign has its own border.
                let signed = !bytes.get(found.start()).is_some_and(u8::is_ascii_alphabetic);
                let start = found.start().checked_sub(1).and_then(|at| bytes.get(at));
                if !signed && start.is_some_and(u8::is_ascii_alphabetic) {
                    continue;
                }
                looked += 1;
                if looked > MAX_WORDS {
                    return;
                }
                let Some(format) = self.named.get(found.pattern().as_usize()) else { continue };
                let from = if own { found.end() } else { 0 };
                if let Some((start, end)) = unmarked(candidate, from, format, signed) {
                    out.push(Found { start, end, category: format.category, percent: 82 });
                    return;
                }
            }
        }
    }
}

impl Check {
    /// None: it is no such token. Otherwise whether its check is right, as far as there is one.
    fn judge(self, body: &[u8]) -> Option<bool> {
        match self {
            Self::None => Some(true),
            Self::Shape(form) => shape::fits(form, body).then_some(true),
            Self::Ends(end) => Some(body.ends_with(end.as_bytes())),
            Self::NotDer => (!matches!(body.first(), Some(b'A'..=b'P'))).then_some(true),
            Self::Base32 => Some(body.iter().all(|b| !matches!(b, b'0' | b'1' | b'8' | b'9'))),
            Self::Crc62 => {
                Some(body.split_last_chunk::<6>().is_some_and(|(text, sum)| *sum == base62(crc32(text))))
            }
        }
    }
}

/// The first run at or behind `from` that this format of no mark allows. Where a sign leads up to it (`?sig=`), no word
/// before that says what it is.
fn unmarked(candidate: &Candidate<'_>, from: usize, format: &Format, signed: bool) -> Option<(usize, usize)> {
    let text = candidate.text;
    let mut at = from;
    loop {
        at += text.get(at..)?.iter().position(|b| b.is_ascii_alphanumeric() && format.alphabet.has(*b))?;
        let rest = text.get(at..)?;
        let run = format.alphabet.run(rest);
        let length = if run == format.most { run } else { trim(rest, run) };
        let body = rest.get(..length)?;
        if (format.least..=format.most).contains(&length)
            && before(candidate, at).is_none_or(|b| !b.is_ascii_alphanumeric())
            // `/apps/UUID` names one of many things of the provider.
            && (signed || format.alphabet != Alphabet::Uuid || before(candidate, at) != Some(b'/'))
            && format.check.judge(body).is_some()
            && (matches!(format.check, Check::Shape(_)) || is_mixed(body, format.alphabet))
            && entropy(body) >= 2.7
            && !is_example(body)
            && (signed || !context_has(candidate, at, 28, &DIGESTS))
        {
            return Some((at, at + length));
        }
        at += run.max(1);
    }
}

/// Letters and digits in one piece, as no word, no slug and no number has them; and no digest where none is expected.
fn is_mixed(body: &[u8], alphabet: Alphabet) -> bool {
    let digits = body.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = body.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let whole = |piece: &[u8]| {
        piece.len() >= 8 && piece.iter().any(u8::is_ascii_digit) && piece.iter().any(u8::is_ascii_alphabetic)
    };
    digits >= 2
        && letters >= 2
        && body.split(|b| !b.is_ascii_alphanumeric()).any(whole)
        && (matches!(alphabet, Alphabet::Hex) || !body.iter().all(u8::is_ascii_hexdigit))
}

/// CRC-32 of ISO 3309 and of zip, bit by bit: tokens are short.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

/// Six digits in base 62, digits before capital before small letters.
pub(super) fn base62(mut value: u32) -> [u8; 6] {
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = match u8::try_from(value % 62).unwrap_or(0) {
            small @ 0..=9 => b'0' + small,
            middle @ 10..=35 => b'A' + middle - 10,
            large => b'a' + large - 36,
        };
        value /= 62;
    }
    digits
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::detector::{PRIVATE_KEY, TOKEN};

    #[test]
    fn the_table_builds_and_names_known_categories() {
        let tokens = Tokens::builtin();
        assert!(tokens.marks.is_some() && tokens.words.is_some());
        let mut names = BTreeSet::new();
        for format in FORMATS {
            let known =
                [TOKEN, PRIVATE_KEY].iter().any(|detector| detector.categories.contains(&format.category));
            assert!(known && format.least <= format.most, "{format:?}");
            assert!(names.insert((format.provider, format.name)), "twice: {format:?}");
            if let Mark::Near(words) = format.mark {
                assert!(format.check != Check::None || format.alphabet != Alphabet::Uuid, "{format:?}");
                assert!(format.least >= MIN_NEAR, "{format:?}");
                for word in words {
                    assert!(
                        word.len() >= 3 && word.len() < NEAR && *word == word.to_lowercase(),
                        "{format:?}"
                    );
                }
            }
        }
        assert!(names.len() >= 250, "{} formats", names.len());
        let providers: BTreeSet<_> = FORMATS.iter().map(|format| format.provider).collect();
        assert!(providers.len() >= 150, "{} providers", providers.len());
    }

    #[test]
    fn checksums_of_tokens() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        let body = ["zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ", "0mLq17"].concat();
        assert_eq!(Check::Crc62.judge(body.as_bytes()), Some(true));
        assert_eq!(Check::Crc62.judge(body.replace("17", "18").as_bytes()), Some(false));
        assert_eq!(Check::Base32.judge(b"Q3EGRT5ZLNBVX2PW"), Some(true));
        assert_eq!(Check::Base32.judge(b"Q3EGRT5ZLNBVX2P1"), Some(false));
    }
}
