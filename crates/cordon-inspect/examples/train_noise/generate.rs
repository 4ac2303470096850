//! What the trainer makes: suffixes of pieces put together by chance, and benign texts in languages that nobody speaks.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Random, Text};

/// Signs of markup and of programs.
const SIGNS: &[&str] = &[
    "\\", "\\\\", "{\\", "}\\", "\\(", "\\[", "$\\", "\\{", "\\}", "$$", "}$", "}_{", "^{", "_{", "}{", "({",
    "})", "]{", "}[", "](", "](", "][", "[[", "]]", "![", "```", "``", "`", "**", "__", "~~", "##", "<",
    "</", "<!--", "-->", "/>", "\">", "=\"", "='", "\"#", "\"?", "\"]", "\"),", "\");", "\"\\", "'\\", "`,",
    "`.", "\">\\", "@@", "@", "&&", "||", "->", "=>", "::", "://", "//", "/*", "*/", "/**", "#{", "%}", "{%",
    "{{", "}}", "<?", "?>", "?}", "!(", "!--", "--", "...", "..", "?!", "??", "!!", ":=", "==", "!=", "<=",
    "++", "+=", "~", "^", "|", "·", "•", "…", "°", "→", "});", "))", "((", ")[", "]+", "+\\", "*)", "(*",
    "?(", ".)", ".]", ".](", ",\\", ";\\", ":(", "$,", "=\\", "-(", "/'", "'])", "['", "']", "[\"", "(\"",
    "\",\"", ".\"", "!\"", "?\"", "\":",
];
/// Words of markup and of programs.
const CODE: &[&str] = &[
    "begin",
    "usepackage",
    "textbf",
    "frac",
    "left",
    "right",
    "mathbb",
    "section",
    "item",
    "cite",
    "emph",
    "label",
    "ref",
    "sum",
    "int",
    "alpha",
    "operatorname",
    "hline",
    "documentclass",
    "newcommand",
    "div",
    "span",
    "href",
    "class",
    "onclick",
    "println",
    "printf",
    "return",
    "void",
    "String",
    "include",
    "iostream",
    "import",
    "def",
    "lambda",
    "const",
    "var",
    "function",
    "async",
    "await",
    "null",
    "undefined",
    "SELECT",
    "FROM",
    "WHERE",
    "kwargs",
    "args",
    "init",
    "self",
    "this",
    "std",
    "cout",
    "endl",
    "public",
    "static",
    "namespace",
    "template",
    "typename",
];
/// The letters of scripts that a language nobody speaks is written in: where 26 of them begin.
const SCRIPTS: [u32; 12] =
    [0x430, 0x430, 0x5d0, 0x3b1, 0x10d0, 0x561, 0x627, 0x905, 0x4e00, 0xac00, 0xe01, 0x3041];
/// Letters that some languages have beside the ASCII ones.
const MORE: [char; 10] = ['ı', 'đ', 'ß', 'ø', 'ł', 'æ', 'þ', 'œ', 'ŋ', 'ħ'];

/// Pieces that suffixes are made of, each once.
pub struct Pieces {
    english: Vec<String>,
    others: Vec<Vec<String>>,
    signs: Vec<String>,
    runs: Vec<String>,
    requests: Vec<String>,
}

impl Pieces {
    /// The pieces of some benign texts.
    pub fn of<'a>(texts: impl Iterator<Item = &'a Text>) -> Self {
        let (mut english, mut signs) = (BTreeSet::new(), BTreeSet::new());
        let mut others: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        let (mut runs, mut requests) = (Vec::new(), Vec::new());
        for text in texts {
            let foreign = text.is_foreign();
            let list = if foreign { others.entry(&text.language).or_default() } else { &mut english };
            let words = crate::words(&text.text).filter(|word| word.chars().count() <= 14);
            list.extend(words.filter(|word| foreign || word.is_ascii()).map(str::to_owned));
            let of_signs = |c: char| c.is_alphanumeric() || c.is_whitespace() || !c.is_ascii();
            let own = text.text.split(of_signs).filter(|signs| !signs.is_empty() && signs.len() <= 4);
            signs.extend(own.map(str::to_owned));
            let words: Vec<&str> = text.text.split_whitespace().collect();
            if text.person && words.len() > 8 {
                runs.push(words[2..6].join(" "));
                if words.len() < 80 && !text.text.contains('\n') {
                    requests.push(text.text.clone());
                }
            }
        }
        Self {
            english: english.into_iter().collect(),
            others: others.into_values().map(|words| words.into_iter().collect()).collect(),
            signs: signs.into_iter().collect(),
            runs,
            requests,
        }
    }

    /// A request with a suffix, and where the suffix begins.
    pub fn attack(&self, random: &mut Random) -> (String, usize) {
        let mut text = random.pick(&self.requests).clone();
        let from = text.len();
        text.push(' ');
        text.push_str(&self.suffix(random));
        (text, from)
    }

    /// Some 10 to 40 pieces. How many are glued, of signs, foreign or of programs differs from suffix to suffix.
    fn suffix(&self, random: &mut Random) -> String {
        let pieces = 10 + random.below(28);
        let (foreign, signs) = (0.5 * random.unit(), 0.12 + 0.3 * random.unit());
        let (glued, glued_signs) = (0.1 + 0.35 * random.unit(), 0.35 + 0.5 * random.unit());
        let code = 0.1 * random.unit();
        let mut suffix = String::new();
        let mut behind_signs = false;
        for _ in 0..pieces {
            let of_signs = random.chance(signs);
            let piece = if of_signs {
                if random.chance(0.6) {
                    (*random.pick(SIGNS)).to_owned()
                } else {
                    random.pick(&self.signs).clone()
                }
            } else if random.chance(code) {
                let word = random.pick(CODE);
                if random.chance(0.5) { format!("\\{word}") } else { (*word).to_owned() }
            } else if random.chance(0.04) {
                random.pick(&self.runs).clone()
            } else if random.chance(0.05) {
                random.below(2100).to_string()
            } else if random.chance(0.08) {
                self.word(random, 0.1).to_lowercase() + &title(&self.word(random, 0.1))
            } else {
                self.word(random, foreign)
            };
            let near = if of_signs || behind_signs { glued_signs } else { glued };
            if !suffix.is_empty() && !random.chance(near) {
                suffix.push(' ');
            }
            suffix.push_str(&piece);
            behind_signs = of_signs;
        }
        suffix
    }

    /// A word, half a word, or one in another case.
    fn word(&self, random: &mut Random, foreign: f64) -> String {
        let mut word = if random.chance(foreign) {
            let mut list = random.pick(&self.others);
            // Words of other scripts are rarer than those of their languages.
            for _ in 0..3 {
                if !list[list.len() / 3].is_ascii() && random.chance(0.75) {
                    list = random.pick(&self.others);
                }
            }
            random.pick(list).clone()
        } else {
            random.pick(&self.english).clone()
        };
        if random.chance(0.5) {
            word = word.to_lowercase();
        }
        let letters: Vec<char> = word.chars().collect();
        if random.chance(0.25) && letters.len() > 4 {
            let count = 2 + random.below(letters.len() - 3);
            let begins = random.chance(0.6);
            word =
                if begins { &letters[..count] } else { &letters[letters.len() - count..] }.iter().collect();
        }
        match random.below(14) {
            0 | 1 => title(&word),
            2 => word.to_uppercase(),
            _ => word,
        }
    }
}

fn title(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}

/// The same text in a language that nobody speaks: vowels and consonants are others, in some script, and what is no word stays. So
/// words that are not known are no sign of mash, but signs and capitals where no language has them are.
pub fn foreign(text: &str, random: &mut Random) -> String {
    let script = random.below(2 * SCRIPTS.len());
    let mut letters = BTreeMap::new();
    for group in ["aeiouy", "bcdfghjklmnpqrstvwxz"] {
        let own: Vec<char> = group.chars().collect();
        let mut others = own.clone();
        random.shuffle(&mut others);
        for (own, other) in own.iter().zip(others) {
            let letter = match SCRIPTS.get(script) {
                Some(first) => char::from_u32(first + (u32::from(other) - u32::from('a'))).unwrap_or(other),
                None if script >= SCRIPTS.len() * 3 / 2 && random.chance(0.25) => *random.pick(&MORE),
                None => other,
            };
            letters.insert(*own, letter);
        }
    }
    let other = |c: char| match letters.get(&c.to_ascii_lowercase()) {
        Some(letter) if c.is_ascii_uppercase() => letter.to_uppercase().next().unwrap_or(*letter),
        Some(letter) => *letter,
        None => c,
    };
    // Some languages put words together.
    let joined = random.chance(0.5);
    let words = text.split_inclusive([' ', '\n']).map(|word| {
        let core = word.trim_matches(|c: char| !c.is_alphabetic());
        let is_word = core.chars().all(|c| c.is_alphabetic() || matches!(c, '\'' | '-'));
        let plain = word.trim_end_matches(' ');
        let word = if joined && core == plain && random.chance(0.3) { plain } else { word };
        if is_word { word.chars().map(other).collect() } else { word.to_owned() }
    });
    words.collect()
}

/// A text of sentences of several others, some of them in languages that nobody speaks.
pub fn mixed(sentences: &[&str], random: &mut Random) -> String {
    let count = 3 + random.below(4);
    let sentence = |_| {
        let sentence = *random.pick(sentences);
        if random.chance(0.3) { foreign(sentence, random) } else { sentence.to_owned() }
    };
    (0..count).map(sentence).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(words: &str, language: &str) -> Text {
        Text {
            source: if language.is_empty() { "made" } else { "xquad" }.to_owned(),
            kind: "benign".to_owned(),
            language: language.to_owned(),
            person: true,
            text: words.to_owned(),
        }
    }

    #[test]
    fn made_up_languages_keep_signs_numbers_and_identifiers() {
        for seed in 0..40 {
            let made = foreign("Take 12 (or 13) steps, call get_name() and don't stop.\n", &mut Random(seed));
            for kept in ["12", "13)", "get_name()", ",", ".\n"] {
                assert!(made.contains(kept), "{kept} in {made}");
            }
            assert!(!made.contains("steps"), "{made}");
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_suffixes_behind_their_requests() {
        let texts = [
            text("Tell me who planted the maple behind the old library, and why.", ""),
            text("Der Garten hinter der alten Bibliothek ist im Sommer bis neun offen.", "de"),
        ];
        let pieces = Pieces::of(texts.iter());
        let made = |seed| {
            let mut random = Random(seed);
            (0..50).map(|_| pieces.attack(&mut random)).collect::<Vec<_>>()
        };
        assert_eq!(made(1), made(1));
        assert_ne!(made(1), made(2));
        for (attack, from) in made(3) {
            assert!(texts.iter().any(|text| text.text == attack[..from]), "{attack}");
            assert!(attack.len() > from + 20, "{attack}");
        }
    }
}
