//! Words in which other letters stand for letters: some places on in the alphabet (Caesar), from its other end (Atbash), each word or the whole
//! backwards, and pig latin. Where several of the commonest words and of those of orders stand together in one of them, the whole stretch is
//! read so.

use std::collections::HashMap;
use std::sync::LazyLock;

use cordon_core::{Category, Channel, Finding};

use super::stretch::{APART, before};
use super::{MAX_RUN, MAX_SHORT, Word, reversed};
use crate::evidence::Rules;
use crate::scanner::Context;
use crate::seen::Encoding;
use crate::view::{View, Way};

/// Words that tell: the commonest ones, and those that orders are made of.
const TELLING: [&str; 167] = [
    "the",
    "and",
    "you",
    "your",
    "this",
    "that",
    "with",
    "for",
    "all",
    "not",
    "are",
    "from",
    "have",
    "will",
    "must",
    "what",
    "should",
    "please",
    "can",
    "without",
    "these",
    "now",
    "following",
    "about",
    "them",
    "tell",
    "show",
    "make",
    "write",
    "give",
    "need",
    "want",
    "would",
    "which",
    "then",
    "when",
    "only",
    "any",
    "how",
    "into",
    "before",
    "above",
    "every",
    "never",
    "always",
    "instead",
    "ignore",
    "previous",
    "prior",
    "system",
    "prompt",
    "reveal",
    "secret",
    "password",
    "rules",
    "answer",
    "respond",
    "output",
    "print",
    "forget",
    "message",
    "hidden",
    "admin",
    "developer",
    "assistant",
    "user",
    "pretend",
    "override",
    "disregard",
    "bypass",
    "initial",
    "repeat",
    "word",
    "text",
    "que",
    "los",
    "las",
    "del",
    "para",
    "todas",
    "todos",
    "sus",
    "les",
    "des",
    "vous",
    "pour",
    "dans",
    "votre",
    "und",
    "der",
    "die",
    "das",
    "nicht",
    "alle",
    "ignora",
    "mostra",
    "stop",
    "just",
    "like",
    "been",
    "there",
    "their",
    "some",
    "other",
    "could",
    "people",
    "than",
    "where",
    "here",
    "using",
    "send",
    "email",
    "link",
    "read",
    "open",
    "call",
    "were",
    "they",
    "more",
    "very",
    "also",
    "hate",
    "vergiss",
    "vergesse",
    "alles",
    "davor",
    "neue",
    "neuen",
    "eine",
    "einen",
    "einer",
    "dein",
    "deine",
    "sind",
    "wird",
    "nach",
    "aber",
    "auch",
    "bitte",
    "mich",
    "dass",
    "oder",
    "keine",
    "oubliez",
    "oublie",
    "toutes",
    "tous",
    "dites",
    "suit",
    "avec",
    "mais",
    "olvida",
    "este",
    "esta",
    "como",
    "ahora",
    "dime",
    "todo",
    "tutte",
    "della",
    "sono",
    "come",
    "dimmi",
    "voce",
    "isso",
    "niet",
    "deze",
];

/// Shapes of such words that are words themselves in some language of the Latin script, or names and abbreviations that are written often.
const OTHER: [&str; 156] = [
    "abi", "abo", "alea", "alex", "anyway", "bei", "boe", "bpm", "bui", "buk", "cdi", "cdk", "cdr", "cec",
    "cera", "clo", "cnn", "corr", "daer", "dana", "dbo", "deen", "dem", "dna", "doha", "dolu", "doo", "duh",
    "efm", "eft", "ehl", "eid", "eis", "ella", "elt", "emid", "emoc", "epp", "era", "erc", "esp", "etl",
    "eua", "fim", "fram", "gain", "ger", "gho", "gig", "gps", "hao", "hew", "hide", "hin", "hip", "hiv",
    "huf", "huk", "igt", "iki", "ipx", "iru", "itaa", "iye", "jan", "kag", "kirli", "koy", "labo", "lcp",
    "led", "leki", "lexi", "lia", "liva", "lma", "lsa", "lux", "mabi", "max", "mna", "mom", "nac", "ngu",
    "nied", "nob", "noc", "nov", "nso", "nuc", "old", "onos", "opc", "opty", "osc", "oxa", "paa", "pew",
    "pme", "pots", "pren", "rad", "ranu", "reba", "red", "redo", "rep", "reu", "rfc", "rka", "robo", "rog",
    "rpc", "rsa", "ruud", "sad", "sal", "sana", "sed", "sel", "sio", "sol", "sph", "spur", "sta", "stir",
    "sty", "tee", "tia", "ton", "tre", "tub", "tuc", "tui", "tuz", "twa", "uhs", "uli", "uva", "veh", "vit",
    "voc", "voe", "wak", "won", "wray", "xem", "xii", "xvi", "yay", "zai", "zan", "zea", "zil", "zog", "zoo",
];

/// How letters stand for letters. A shift is how many places on the written letter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cipher {
    Caesar(u8),
    Atbash,
    Backwards,
    PigLatin,
    /// The same with the first letter alone, whatever it is.
    FirstLetterLast,
}

/// Ciphers: all shifts but thirteen, which is read elsewhere, and the others.
const COUNT: usize = 28;

impl Cipher {
    /// All of them, each at its own place.
    fn all() -> impl Iterator<Item = Self> {
        let shifts = (1..26).filter(|shift| *shift != 13).map(Self::Caesar);
        shifts.chain([Self::Atbash, Self::Backwards, Self::PigLatin, Self::FirstLetterLast])
    }

    /// A word of small letters in it.
    fn write(self, word: &[u8]) -> Vec<u8> {
        match self {
            Self::Caesar(shift) => word.iter().map(|byte| turned(*byte, shift)).collect(),
            Self::Atbash => word.iter().copied().map(mirrored).collect(),
            Self::Backwards => word.iter().rev().copied().collect(),
            Self::PigLatin => {
                let onset = word.iter().take_while(|byte| !is_vowel(**byte)).count();
                let (onset, rest) = word.split_at_checked(onset).unwrap_or_default();
                let ending: &[u8] = if onset.is_empty() { b"way" } else { b"ay" };
                [rest, onset, ending].concat()
            }
            Self::FirstLetterLast => {
                let (first, rest) = word.split_at_checked(1).unwrap_or_default();
                [rest, first, b"ay"].concat()
            }
        }
    }
}

/// A letter some places on.
const fn turned(byte: u8, shift: u8) -> u8 {
    match byte {
        b'a'..=b'z' => (byte - b'a' + shift) % 26 + b'a',
        b'A'..=b'Z' => (byte - b'A' + shift) % 26 + b'A',
        _ => byte,
    }
}

/// A letter from the other end of the alphabet.
const fn mirrored(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => b'z' - (byte - b'a'),
        b'A'..=b'Z' => b'Z' - (byte - b'A'),
        _ => byte,
    }
}

const fn is_vowel(byte: u8) -> bool {
    matches!(byte.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u')
}

/// The telling words as they are written, and a bit for each cipher in which they are.
static SIGNS: LazyLock<HashMap<u64, u32>> = LazyLock::new(|| {
    let mut signs = HashMap::new();
    for (bit, cipher) in Cipher::all().enumerate() {
        for word in TELLING {
            if let Some(key) = key(&cipher.write(word.as_bytes())) {
                *signs.entry(key).or_default() |= 1 << bit;
            }
        }
    }
    // What is a word as it stands tells nothing.
    for word in TELLING.iter().chain(&OTHER) {
        signs.remove(&key(word.as_bytes()).unwrap_or_default());
    }
    signs
});

/// The telling words as they are written.
pub(super) fn signs() -> impl Iterator<Item = Vec<u8>> {
    let written = Cipher::all().flat_map(|cipher| TELLING.map(|word| cipher.write(word.as_bytes())));
    written.filter(|word| key(word).is_some_and(|key| SIGNS.contains_key(&key)))
}

/// A word of letters as a number, five bits each; none where it is too short or too long.
fn key(word: &[u8]) -> Option<u64> {
    if !(3..=MAX_SHORT).contains(&word.len()) {
        return None;
    }
    Some(word.iter().fold(0, |key, byte| key << 5 | u64::from(byte & 31)))
}

/// Telling words of one cipher that make a stretch worth reading, and their letters.
const ENOUGH: u8 = 2;
const ENOUGH_LETTERS: u16 = 9;

/// The stretch that is open.
#[derive(Debug, Default)]
pub(super) struct Ciphers {
    open: Option<Box<Open>>,
    /// Where what was read last ends.
    read: usize,
}

#[derive(Debug)]
struct Open {
    start: usize,
    /// Words that tell of each cipher, and their letters.
    told: [(u8, u16); COUNT],
    /// Words since the last one that told.
    since: u8,
}

impl Ciphers {
    pub(super) fn live(&self) -> Option<usize> {
        self.open.as_ref().map(|open| open.start)
    }

    /// A word ended.
    #[inline]
    pub(super) fn word(&mut self, word: Word<'_>, context: &mut Context<'_>) {
        let bits = if word.letters && context.channel != Channel::System { told(word.text) } else { 0 };
        if bits != 0 {
            let new = || Box::new(Open { start: word.start, told: [(0, 0); COUNT], since: 0 });
            let open = self.open.get_or_insert_with(new);
            open.since = 0;
            let letters = u16::try_from(word.text.len()).unwrap_or(0);
            for (bit, (words, sum)) in
                open.told.iter_mut().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1)
            {
                debug_assert!(bit < COUNT);
                (*words, *sum) = (words.saturating_add(1), sum.saturating_add(letters));
            }
        }
        if let Some(open) = &mut self.open {
            open.since += u8::from(bits == 0);
            if open.since > APART || word.end - open.start >= MAX_RUN {
                self.close(word.end, context);
            }
        }
    }

    /// The byte at `i` belongs to no word: no stretch waits for the next word without an end.
    #[inline]
    pub(super) fn gap(&mut self, i: usize, context: &mut Context<'_>) {
        if self.live().is_some_and(|start| i - start >= MAX_RUN) {
            self.close(i, context);
        }
    }

    pub(super) fn close(&mut self, end: usize, context: &mut Context<'_>) {
        let Some(open) = self.open.take() else { return };
        let most = Cipher::all().zip(open.told).max_by_key(|(_, (_, letters))| *letters);
        let enough = |(words, letters): (u8, u16)| words >= ENOUGH && letters >= ENOUGH_LETTERS;
        if let Some((cipher, _)) = most.filter(|(_, told)| enough(*told)) {
            let from = before(open.start, self.read, context);
            self.read = end;
            read(cipher, from, open.start, end, context);
        }
    }
}

/// The ciphers in which a short word tells.
#[inline]
fn told(word: &[u8]) -> u32 {
    key(word).and_then(|key| SIGNS.get(&key)).copied().unwrap_or(0)
}

/// Reads a stretch; before its first sign only injection is looked for, since that may have been let pass. Numbers stand as they are, so no value
/// is looked for.
fn read(cipher: Cipher, from: usize, start: usize, end: usize, context: &mut Context<'_>) {
    let text = context.text.slice(from, end);
    let [injection, leak] = ["prompt_injection", "leak"].map(Category::known);
    let counts = |found: &Finding| {
        injection.covers(&found.category) || leak.covers(&found.category) && from + found.span.start >= start
    };
    let view = match cipher {
        Cipher::Caesar(shift) => {
            let text: Vec<u8> = text.iter().map(|byte| turned(*byte, 26 - shift)).collect();
            let way = Way::blocks(0, text.len(), (1, 1));
            View::new(Encoding::Caesar, text, way)
        }
        Cipher::Atbash => {
            let text: Vec<u8> = text.iter().copied().map(mirrored).collect();
            let way = Way::blocks(0, text.len(), (1, 1));
            View::new(Encoding::Atbash, text, way)
        }
        Cipher::Backwards => {
            let words = words(Encoding::Reversed, text, |word| word.iter().rev().copied().collect());
            reversed::read(from, end, counts, context);
            words
        }
        Cipher::PigLatin | Cipher::FirstLetterLast => {
            let rules = &context.tables.rules;
            words(Encoding::PigLatin, text, |word| unpigged(word, rules))
        }
    };
    view.report(from, counts, context);
}

/// A text with each word of ASCII letters read as another one.
fn words(encoding: Encoding, text: &[u8], read: impl Fn(&[u8]) -> Vec<u8>) -> View {
    let (mut out, mut way, mut at) = (Vec::with_capacity(text.len()), Way::default(), 0);
    for part in text.chunk_by(|one, other| one.is_ascii_alphabetic() == other.is_ascii_alphabetic()) {
        let end = at + part.len();
        if part.first().is_some_and(u8::is_ascii_alphabetic) {
            let word = read(part);
            way.push(out.len(), (at, end), (word.len(), part.len()));
            out.extend_from_slice(&word);
        } else {
            way.push(out.len(), (at, end), (1, 1));
            out.extend_from_slice(part);
        }
        at = end;
    }
    View::new(encoding, out, way)
}

/// A word out of pig latin: where several beginnings may have been put to its end, that of a word of the rules; else all consonants there.
fn unpigged(word: &[u8], rules: &Rules) -> Vec<u8> {
    let small = word.to_ascii_lowercase();
    let Some(rest) = small.strip_suffix(b"ay").filter(|rest| !rest.is_empty()) else { return small };
    let onset = rest.iter().rev().take_while(|byte| !is_vowel(**byte)).count();
    let onset = onset.max(1).min(rest.len() - 1);
    let read = |onset: usize| {
        let (word, onset) = rest.split_at_checked(rest.len() - onset).unwrap_or_default();
        [onset, word].concat()
    };
    let known = (0..=onset.min(3)).rev().map(read).find(|word| {
        TELLING.iter().any(|telling| telling.as_bytes() == word.as_slice())
            || rules.letters(word).is_some_and(|(_, rot13)| !rot13)
    });
    let behind_vowel = rest.strip_suffix(b"w").or_else(|| rest.strip_suffix(b"y"));
    let behind_vowel = behind_vowel.filter(|rest| rest.first().is_some_and(|byte| is_vowel(*byte)));
    let longest = (2..=onset.min(3)).rev().find(|length| {
        let cluster = rest.get(rest.len() - length..).unwrap_or_default();
        ONSETS.contains(&cluster)
    });
    known
        .or_else(|| behind_vowel.map(<[u8]>::to_vec))
        .unwrap_or_else(|| read(longest.unwrap_or(1).min(onset)))
}

/// Consonants with which words of English begin.
const ONSETS: [&[u8]; 38] = [
    b"bl", b"br", b"ch", b"cl", b"cr", b"dr", b"fl", b"fr", b"gh", b"gl", b"gr", b"kn", b"ph", b"pl", b"pr",
    b"sc", b"sh", b"sk", b"sl", b"sm", b"sn", b"sp", b"st", b"sw", b"th", b"tr", b"tw", b"wh", b"wr", b"sch",
    b"scr", b"shr", b"spl", b"spr", b"str", b"thr", b"gn", b"dw",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_place_for_each_cipher() {
        assert_eq!(Cipher::all().count(), COUNT);
        assert!(TELLING.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())));
    }

    #[test]
    fn telling_words_are_known_and_plain_ones_are_none() {
        let bit = |cipher| Cipher::all().position(|other| other == cipher).unwrap();
        for (word, cipher) in [
            ("wkh", Cipher::Caesar(3)),
            ("Ljqruh", Cipher::Caesar(3)),
            ("rtmliv", Cipher::Atbash),
            ("suoiverp", Cipher::Backwards),
            ("ignoreway", Cipher::PigLatin),
            ("ouryay", Cipher::PigLatin),
        ] {
            assert_eq!(told(word.as_bytes()) >> bit(cipher) & 1, 1, "{word}");
        }
        for word in ["the", "ignore", "garden", "it", "der"] {
            assert_eq!(told(word.as_bytes()), 0, "{word}");
        }
    }

    #[test]
    fn pig_latin_is_undone() {
        let rules = Rules::builtin();
        for (word, read) in [
            ("eviouspray", "previous"),
            ("instructionsway", "instructions"),
            ("omptpray", "prompt"),
            ("ystemsay", "system"),
            ("ouryay", "your"),
            ("ayay", "ya"),
            ("ay", "ay"),
            ("Ethay", "the"),
            ("gnoreIay", "ignore"),
        ] {
            assert_eq!(String::from_utf8(unpigged(word.as_bytes(), &rules)).unwrap(), read, "{word}");
        }
    }
}
