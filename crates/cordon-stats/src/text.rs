//! Free text as columns that can be compared: length, kinds of characters, script, language; and which words came or went.
//!
//! ```
//! use cordon_stats::text::Features;
//! let of = Features::of("Wo ist das Geld, das ich gestern überwiesen habe?");
//! assert_eq!((of.words, of.script, of.language), (9, "Latin", "German"));
//! assert_eq!(Features::of("Где мои деньги?").script, "Cyrillic");
//! ```

use std::collections::{BTreeMap, BTreeSet};

use crate::fdr;
use crate::interval::{Estimate, Level, Proportion};
use crate::profile::Cell;

/// Words of a text that its language is guessed from.
const MOST_READ: usize = 400;
/// Longest word that is counted, in bytes; longer ones are no words.
const LONGEST_WORD: usize = 40;
/// Different words that are counted.
const MOST_WORDS: usize = 100_000;
/// Texts in which a word must occur, on both sides together, before its share is compared.
const FEWEST: u64 = 10;

/// What a text looks like, whatever it says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Features {
    /// Characters (Unicode scalar values).
    pub characters: u64,
    /// Words: runs of letters and digits.
    pub words: u64,
    /// The share of characters that are digits.
    pub digits: f64,
    /// The share of letters that are capitals.
    pub capitals: f64,
    /// The share of characters that are neither letters, digits nor white space.
    pub marks: f64,
    /// The script of most letters, or `none`.
    pub script: &'static str,
    /// The language by its commonest words: one of seven in Latin script, or `unknown`. A guess that a short text does not
    /// allow; the shares over many texts are what is compared.
    pub language: &'static str,
}

/// Scripts by ranges of code points (Unicode's blocks, joined).
const SCRIPTS: [(&str, u32, u32); 14] = [
    ("Latin", 0x41, 0x24f),
    ("Latin", 0x1e00, 0x1eff),
    ("Greek", 0x370, 0x3ff),
    ("Cyrillic", 0x400, 0x52f),
    ("Hebrew", 0x590, 0x5ff),
    ("Arabic", 0x600, 0x77f),
    ("Devanagari", 0x900, 0x97f),
    ("Bengali", 0x980, 0x9ff),
    ("Thai", 0xe00, 0xe7f),
    ("Hangul", 0x1100, 0x11ff),
    ("Hangul", 0xac00, 0xd7af),
    ("Kana", 0x3040, 0x30ff),
    ("Han", 0x3400, 0x4dbf),
    ("Han", 0x4e00, 0x9fff),
];

/// The commonest words of each language that are rare in the others.
const COMMON: [(&str, &[&str]); 7] = [
    ("Dutch", &["het", "een", "van", "ik", "dat", "niet", "zijn", "voor", "met", "aan", "wat", "hoe"]),
    ("English", &["the", "and", "of", "to", "is", "you", "that", "for", "with", "my", "what", "how"]),
    ("French", &["le", "les", "des", "et", "est", "une", "je", "que", "pour", "dans", "pas", "vous"]),
    ("German", &["der", "das", "und", "ist", "nicht", "ich", "ein", "eine", "zu", "mit", "wie", "wo"]),
    ("Italian", &["il", "che", "di", "non", "è", "per", "gli", "sono", "della", "ho", "mio", "come"]),
    ("Portuguese", &["não", "uma", "com", "em", "os", "do", "da", "eu", "meu", "você", "como", "são"]),
    ("Spanish", &["el", "los", "las", "y", "por", "del", "mi", "está", "cómo", "qué", "con", "una"]),
];

impl Features {
    /// The names of [`Self::cells`].
    pub const NAMES: [&'static str; 7] =
        ["characters", "words", "digits", "capitals", "marks", "script", "language"];

    /// Of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let (mut characters, mut digits, mut letters, mut capitals, mut marks) =
            (0_u64, 0_u64, 0_u64, 0_u64, 0_u64);
        let mut scripts: BTreeMap<&'static str, u64> = BTreeMap::new();
        for c in text.chars() {
            characters += 1;
            if c.is_alphabetic() {
                letters += 1;
                capitals += u64::from(c.is_uppercase());
                *scripts.entry(script(c)).or_default() += 1;
            } else if c.is_numeric() {
                digits += 1;
            } else if !c.is_whitespace() {
                marks += 1;
            }
        }
        let share = |part: u64, of: u64| if of == 0 { 0.0 } else { part as f64 / of as f64 };
        let most = scripts.into_iter().max_by_key(|(_, count)| *count).map_or("none", |(script, _)| script);
        Self {
            characters,
            words: words(text).count() as u64,
            digits: share(digits, characters),
            capitals: share(capitals, letters),
            marks: share(marks, characters),
            script: most,
            language: if most == "Latin" { language(text) } else { "unknown" },
        }
    }

    /// As cells of columns.
    #[must_use]
    pub fn cells(&self) -> [Cell<'static>; 7] {
        let count = |count: u64| Cell::Integer(i64::try_from(count).unwrap_or(i64::MAX));
        [
            count(self.characters),
            count(self.words),
            Cell::Decimal(self.digits),
            Cell::Decimal(self.capitals),
            Cell::Decimal(self.marks),
            Cell::Text(self.script),
            Cell::Text(self.language),
        ]
    }
}

fn script(c: char) -> &'static str {
    let point = u32::from(c);
    SCRIPTS.iter().find(|(_, low, high)| (*low..=*high).contains(&point)).map_or("other", |(name, ..)| *name)
}

/// Runs of letters and digits.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// The language with most of its commonest words, if at least two and more than any other.
fn language(text: &str) -> &'static str {
    let mut counts = [0_u32; COMMON.len()];
    for word in words(text).take(MOST_READ).map(str::to_lowercase) {
        for (count, (_, common)) in counts.iter_mut().zip(COMMON) {
            *count += u32::from(common.contains(&word.as_str()));
        }
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    let mut leading = counts.iter().zip(COMMON).filter(|(count, _)| **count == most);
    match (most, leading.next(), leading.next()) {
        (2.., Some((_, (name, _))), None) => name,
        _ => "unknown",
    }
}

/// Words of the texts of two tables: in how many texts each occurs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Words {
    texts: [u64; 2],
    counts: BTreeMap<String, [u64; 2]>,
    uncounted: u64,
}

/// A word that more or fewer texts have than before.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangedWord {
    /// The word, in small letters.
    pub word: String,
    /// The share of texts with it, current less reference, with an interval that holds for all words of the answer at once.
    pub change: Estimate,
    /// The share of texts with it, in the reference and in the current data.
    pub shares: [f64; 2],
    /// Corrected for all words that were compared (Holm).
    pub p_adjusted: f64,
}

/// Of which table a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What is new.
    Current,
    /// What is compared with.
    Reference,
}

impl Words {
    /// A text. A word counts once in it, however often it occurs: words of one text are not independent, texts are.
    pub fn add(&mut self, side: Side, text: &str) {
        let at = match side {
            Side::Reference => 0,
            Side::Current => 1,
        };
        let count = |counts: &mut [u64; 2]| counts.iter_mut().skip(at).take(1).for_each(|count| *count += 1);
        count(&mut self.texts);
        let different: BTreeSet<String> =
            words(text).filter(|word| word.len() <= LONGEST_WORD).map(str::to_lowercase).collect();
        for word in different {
            if let Some(counts) = self.counts.get_mut(&word) {
                count(counts);
            } else if self.counts.len() < MOST_WORDS {
                count(self.counts.entry(word).or_default());
            } else {
                self.uncounted += 1;
            }
        }
    }

    /// Words of texts that were not counted, because too many others came first.
    #[must_use]
    pub const fn uncounted(&self) -> u64 {
        self.uncounted
    }

    /// The words whose share of texts changed and that chance does not explain, the largest change first.
    ///
    /// Words in fewer than ten texts of both sides together are not compared; of the others the exact or chi-squared test of two shares,
    /// corrected for all of them. Words that always come together are all named.
    #[must_use]
    pub fn changed(&self, level: Level) -> Vec<ChangedWord> {
        let [was, is] = self.texts;
        if was == 0 || is == 0 {
            return Vec::new();
        }
        let compared: Vec<(&String, [u64; 2])> = self
            .counts
            .iter()
            .filter(|(_, [before, after])| before + after >= FEWEST)
            .map(|(word, counts)| (word, *counts))
            .collect();
        let p_values: Vec<f64> = compared
            .iter()
            .map(|(_, [before, after])| crate::drift::shares((*before, was), (*after, is)).upper_bound())
            .collect();
        // Each is a p-value: the correction refuses only what is not one.
        let adjusted = fdr::holm(&p_values).unwrap_or_else(|_| vec![1.0; p_values.len()]);
        let significant: Vec<_> =
            compared.into_iter().zip(adjusted).filter(|(_, p)| *p <= level.alpha()).collect();
        let each = level.each_of(significant.len());
        let mut changed: Vec<ChangedWord> = significant
            .into_iter()
            .filter_map(|((word, [before, after]), p_adjusted)| {
                let (before, after) = (Proportion::new(before, was)?, Proportion::new(after, is)?);
                let shares = [before.value()?, after.value()?];
                let change = after.minus(before, each).ok()?;
                Some(ChangedWord { word: word.clone(), change, shares, p_adjusted })
            })
            .collect();
        changed.sort_by(|a, b| b.change.value.abs().total_cmp(&a.change.value.abs()));
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn languages_and_scripts_are_told_apart() {
        for (text, script, language) in [
            ("How do I change the address of my account, and what is the fee?", "Latin", "English"),
            ("Comment est-ce que je change les données dans le contrat ?", "Latin", "French"),
            ("¿Cómo está el saldo de las cuentas y por qué no sube?", "Latin", "Spanish"),
            ("Non so che cosa sono gli addebiti per il mio conto", "Latin", "Italian"),
            ("Não sei como você fez uma compra com o meu cartão", "Latin", "Portuguese"),
            ("Wat is het saldo van mijn rekening, ik zie het niet", "Latin", "Dutch"),
            ("order 4711", "Latin", "unknown"),
            ("我的钱在哪里", "Han", "unknown"),
            ("4711 !", "none", "unknown"),
            ("", "none", "unknown"),
        ] {
            let of = Features::of(text);
            assert_eq!((of.script, of.language), (script, language), "{text}");
        }
        let of = Features::of("AB c1!");
        assert_eq!((of.characters, of.words, of.digits, of.marks), (6, 2, 1.0 / 6.0, 1.0 / 6.0));
        assert!((of.capitals - 2.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn words_that_came_are_named_and_the_others_are_not() {
        let mut random = Random::new(3);
        let mut words = Words::default();
        for (side, share) in [(Side::Reference, 0.02), (Side::Current, 0.2)] {
            for _ in 0..500 {
                let mut text = String::from("please tell me ");
                for at in 0..40 {
                    if random.chance(0.2) {
                        text.push_str(&format!("common{at} "));
                    }
                }
                if random.chance(share) {
                    text.push_str("REFUND refund");
                }
                words.add(side, &text);
            }
        }
        let changed = words.changed(Level::P95);
        assert_eq!(
            changed.iter().map(|one| one.word.as_str()).collect::<Vec<_>>(),
            ["refund"],
            "{changed:?}"
        );
        let refund = &changed[0];
        assert!(refund.change.low < 0.18 && 0.18 < refund.change.high && refund.shares[1] > 0.1);
        assert_eq!(Words::default().changed(Level::P95), []);
    }
}
