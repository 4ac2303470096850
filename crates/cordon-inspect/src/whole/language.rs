//! Whether a text is in another language than those that are expected: by its script, and where languages share one, by the small words
//! that hold sentences together (as the short-word technique of language identification has it: Grefenstette, *Comparing two language
//! identification schemes*, 1995). Where that is not clear, nothing is said.

use std::{collections::HashMap, sync::LazyLock};

use cordon_core::{Language, Score};

use super::profiles::PROFILES;

/// Letters of a text too short to be told.
const FEWEST_LETTERS: usize = 40;
/// Letters of a script without spaces, which say as much as three of others.
const DENSE: usize = 3;
/// Words of a text whose language its words can tell.
const FEWEST_WORDS: usize = 12;
/// Small words of a language that must be there, and how many different ones.
const FEWEST_HITS: usize = 4;
const FEWEST_DIFFERENT: usize = 3;
/// Of how many words one must be a small word of the language: in prose of the languages here about every third one is.
const SPARSEST: usize = 8;
/// Longest word that is looked up, in characters.
const LONGEST: usize = 16;

/// A way of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Script {
    Latin,
    Cyrillic,
    Greek,
    Hebrew,
    Arabic,
    Devanagari,
    Thai,
    Hangul,
    Kana,
    Han,
}

impl Script {
    const ALL: [Self; 10] = [
        Self::Latin,
        Self::Cyrillic,
        Self::Greek,
        Self::Hebrew,
        Self::Arabic,
        Self::Devanagari,
        Self::Thai,
        Self::Hangul,
        Self::Kana,
        Self::Han,
    ];

    const fn of(letter: char) -> Option<Self> {
        Some(match letter {
            'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => Self::Latin,
            '\u{400}'..='\u{52f}' => Self::Cyrillic,
            '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => Self::Greek,
            '\u{5d0}'..='\u{5ea}' => Self::Hebrew,
            '\u{620}'..='\u{64a}' | '\u{66e}'..='\u{6d3}' => Self::Arabic,
            '\u{904}'..='\u{93d}' | '\u{958}'..='\u{961}' => Self::Devanagari,
            '\u{e01}'..='\u{e30}' => Self::Thai,
            '\u{ac00}'..='\u{d7a3}' => Self::Hangul,
            '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' => Self::Kana,
            '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' => Self::Han,
            _ => return None,
        })
    }

    const fn weight(self) -> usize {
        match self {
            Self::Hangul | Self::Kana | Self::Han => DENSE,
            _ => 1,
        }
    }

    /// Whether a language is written so.
    const fn writes(self, language: Language) -> bool {
        use Language::{Ar, Bg, El, Fa, He, Hi, Ja, Ko, Ru, Th, Uk, Zh};
        match self {
            Self::Latin => !matches!(language, Ar | Bg | El | Fa | He | Hi | Ja | Ko | Ru | Th | Uk | Zh),
            Self::Cyrillic => matches!(language, Bg | Ru | Uk),
            Self::Greek => matches!(language, El),
            Self::Hebrew => matches!(language, He),
            Self::Arabic => matches!(language, Ar | Fa),
            Self::Devanagari => matches!(language, Hi),
            Self::Thai => matches!(language, Th),
            Self::Hangul => matches!(language, Ko),
            Self::Kana => matches!(language, Ja),
            // Japanese of any length has kana in it, and counts as kana.
            Self::Han => matches!(language, Zh),
        }
    }
}

/// Which languages have a word among their small ones, by their place in [`PROFILES`].
static WORDS: LazyLock<HashMap<&'static str, Vec<usize>>> = LazyLock::new(|| {
    let mut words: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, (_, profile)) in PROFILES.iter().enumerate() {
        for word in profile.split(' ') {
            words.entry(word).or_default().push(at);
        }
    }
    words
});

/// How sure it is that a text is in none of these languages; nothing where it is in one, where no language is expected, and where it
/// cannot be told: because the text is short, of several languages, or of one that is not known here and shares its script with one that
/// is expected. Code between backquotes and addresses count as no words. The time is linear in the text.
///
/// ```
/// use cordon_core::Language;
/// use cordon_inspect::foreign;
/// let german = "Die Bestellung wurde am Montag verschickt und ist nach drei Tagen bei Ihnen. Sie können sie auch im Laden abholen.";
/// assert!(foreign(german, &[Language::En]).is_some());
/// assert_eq!(foreign(german, &[Language::En, Language::De]), None);
/// assert_eq!(foreign("Ja, gern.", &[Language::En]), None, "too short");
/// ```
pub fn foreign(text: &str, expected: &[Language]) -> Option<Score> {
    if expected.is_empty() {
        return None;
    }
    let counted = Counted::of(text);
    let (script, share) = counted.script()?;
    if !expected.iter().any(|language| script.writes(*language)) {
        return Some(Score::percent(if share >= 85 { 97 } else { 85 }));
    }
    counted.by_words(script, expected)
}

/// The language of a text, where it can be told.
pub(super) fn told(text: &str) -> Option<Language> {
    let counted = Counted::of(text);
    let (script, _) = counted.script()?;
    let mut written = Language::ALL.iter().copied().filter(|language| script.writes(*language));
    match (written.next(), written.next()) {
        (Some(only), None) => Some(only),
        _ => {
            let (most, language) = counted.most(script)?;
            let mut others = counted.of_script(script).filter(|(_, _, other)| *other != language);
            others.all(|(all, ..)| all.saturating_mul(4) <= most.saturating_mul(3)).then_some(language)
        }
    }
}

/// What was counted in a text.
#[derive(Default)]
struct Counted {
    letters: [usize; Script::ALL.len()],
    words: usize,
    /// By the place of a language in [`PROFILES`]: how many of its small words there are, and how many different ones.
    hits: HashMap<usize, (usize, usize)>,
}

impl Counted {
    fn of(text: &str) -> Self {
        let mut counted = Self::default();
        let mut seen: HashMap<&'static str, ()> = HashMap::new();
        let mut word = String::new();
        for (at, piece) in text.split('`').enumerate() {
            // Every second piece stands between backquotes.
            if at % 2 == 1 {
                continue;
            }
            for chunk in piece.split_whitespace().filter(|chunk| !is_address(chunk)) {
                for part in chunk.split(|c: char| !c.is_alphabetic()).filter(|part| !part.is_empty()) {
                    for script in part.chars().filter_map(Script::of) {
                        if let Some(count) = counted.letters.get_mut(script as usize) {
                            *count = count.saturating_add(script.weight());
                        }
                    }
                    counted.words = counted.words.saturating_add(1);
                    word.clear();
                    word.extend(part.chars().take(LONGEST.saturating_add(1)).flat_map(char::to_lowercase));
                    if let Some((word, languages)) = WORDS.get_key_value(word.as_str()) {
                        let is_new = seen.insert(word, ()).is_none();
                        for language in languages {
                            let (all, different) = counted.hits.entry(*language).or_default();
                            *all = all.saturating_add(1);
                            *different = different.saturating_add(usize::from(is_new));
                        }
                    }
                }
            }
        }
        counted
    }

    /// The script of nearly all of the letters, with its share in per cent; nothing where there are too few.
    fn script(&self) -> Option<(Script, usize)> {
        let letters: usize = self.letters.iter().sum();
        if letters < FEWEST_LETTERS {
            return None;
        }
        let of = |script: Script| self.letters.get(script as usize).copied().unwrap_or(0);
        // Japanese is written in kana and Chinese characters; some kana make a text Japanese.
        let both = of(Script::Kana).saturating_add(of(Script::Han));
        let is_japanese = of(Script::Kana).saturating_mul(8) >= both;
        let joined = |script: Script| match script {
            Script::Kana if is_japanese => both,
            Script::Han if is_japanese => 0,
            script => of(script),
        };
        let script = Script::ALL.into_iter().max_by_key(|script| joined(*script))?;
        let share = joined(script).saturating_mul(100) / letters;
        (share >= 70).then_some((script, share))
    }

    /// Small words of each language of a script: how many, how many different ones, and of which language.
    fn of_script(&self, script: Script) -> impl Iterator<Item = (usize, usize, Language)> {
        let profiles = PROFILES.iter().enumerate().filter(move |(_, (language, _))| script.writes(*language));
        profiles.filter_map(|(at, (language, _))| self.hits.get(&at).map(|(all, of)| (*all, *of, *language)))
    }

    /// The language with most small words, where they are as many as a text of it has.
    fn most(&self, script: Script) -> Option<(usize, Language)> {
        let (most, different, language) = self.of_script(script).max()?;
        let is_told = self.words >= FEWEST_WORDS
            && most >= FEWEST_HITS
            && different >= FEWEST_DIFFERENT
            && most.saturating_mul(SPARSEST) >= self.words;
        is_told.then_some((most, language))
    }

    /// Whether a text is in another language than those, by its words.
    fn by_words(&self, script: Script, expected: &[Language]) -> Option<Score> {
        let (most, language) = self.most(script)?;
        let known = self.of_script(script).filter(|(_, _, language)| expected.contains(language));
        let known = known.map(|(all, ..)| all).max().unwrap_or(0);
        if expected.contains(&language) || known.saturating_mul(2) > most {
            return None;
        }
        let clear = known.saturating_mul(4) <= most && most >= 2 * FEWEST_HITS;
        Some(Score::percent(if clear { 90 } else { 70 }))
    }
}

fn is_address(chunk: &str) -> bool {
    chunk.contains("://") || chunk.contains('@') || chunk.starts_with("www.")
}

#[cfg(test)]
mod tests;
