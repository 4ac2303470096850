//! The forms of `tokenizer.json` that are understood. What is not named here is refused.

use std::collections::{BTreeMap, HashSet};

use base64::Engine as _;
use serde::{Deserialize, de::IgnoredAny};

use super::{
    Pieces, Split, Tokenizer,
    bounded::{Small, Vocabulary},
    charsmap::Charsmap,
    normal::{Composed, Normalizer},
    unigram::Unigram,
    wordpiece::WordPiece,
};
use crate::error::Cause;

/// The most steps that a text goes through.
const MAX_STEPS: usize = 32;
/// The most marks before and behind a text.
const MAX_ENDS: usize = 4;

/// A file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default, rename = "version")]
    _version: IgnoredAny,
    /// Texts are cut into windows here, whatever stands in these two.
    #[serde(default, rename = "truncation")]
    _truncation: IgnoredAny,
    #[serde(default, rename = "padding")]
    _padding: IgnoredAny,
    #[serde(default)]
    added_tokens: Vec<Added>,
    normalizer: Option<Small<Normal>>,
    pre_tokenizer: Option<Small<Cut>>,
    post_processor: Option<Small<Ends>>,
    #[serde(default, rename = "decoder")]
    _decoder: IgnoredAny,
    model: Model,
}

#[derive(Deserialize)]
struct Added {
    content: String,
    special: bool,
}

#[derive(Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
enum Normal {
    BertNormalizer {
        clean_text: bool,
        handle_chinese_chars: bool,
        strip_accents: Option<bool>,
        lowercase: bool,
    },
    Lowercase {},
    #[serde(rename = "NFC")]
    Nfc {},
    #[serde(rename = "NFD")]
    Nfd {},
    #[serde(rename = "NFKC")]
    Nfkc {},
    #[serde(rename = "NFKD")]
    Nfkd {},
    Precompiled {
        precompiled_charsmap: String,
    },
    Replace {
        pattern: Pattern,
        content: String,
    },
    Sequence {
        normalizers: Vec<Self>,
    },
    Strip {
        strip_left: bool,
        strip_right: bool,
    },
    StripAccents {},
}

#[derive(Deserialize)]
enum Pattern {
    Regex(String),
    #[serde(rename = "String")]
    Text(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
enum Cut {
    BertPreTokenizer {},
    Metaspace {
        replacement: char,
        #[serde(default)]
        prepend_scheme: Option<Prepend>,
        #[serde(default)]
        add_prefix_space: Option<bool>,
        #[serde(default)]
        split: Option<bool>,
        #[serde(default, rename = "str_rep")]
        _written: IgnoredAny,
    },
    Sequence {
        pretokenizers: Vec<Self>,
    },
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Prepend {
    Always,
    /// Before the first section of a text, which here is the only one.
    First,
    Never,
}

#[derive(Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
enum Ends {
    BertProcessing {
        sep: (IgnoredAny, u32),
        cls: (IgnoredAny, u32),
    },
    TemplateProcessing {
        single: Vec<Part>,
        #[serde(rename = "pair")]
        _pair: IgnoredAny,
        special_tokens: BTreeMap<String, Special>,
    },
}

#[derive(Deserialize)]
enum Part {
    Sequence { id: String, type_id: u32 },
    SpecialToken { id: String, type_id: u32 },
}

#[derive(Deserialize)]
struct Special {
    ids: Vec<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    #[serde(rename = "type")]
    kind: Kind,
    vocab: Vocabulary,
    /// Of `Unigram`, as the next.
    unk_id: Option<u32>,
    #[serde(default)]
    byte_fallback: bool,
    /// Of `WordPiece`, as those behind.
    unk_token: Option<String>,
    continuing_subword_prefix: Option<String>,
    max_input_chars_per_word: Option<usize>,
}

#[derive(Clone, Copy, Deserialize)]
enum Kind {
    Unigram,
    WordPiece,
}

impl File {
    /// What the file means.
    pub(super) fn checked(self) -> Result<Tokenizer, Cause> {
        if let Some(added) = self.added_tokens.iter().find(|added| !added.special) {
            let shown: String = added.content.chars().take(32).collect();
            return Err(Cause::value("added_tokens", format!("only special ones, which `{shown}` is not,")));
        }
        let special: HashSet<String> = self.added_tokens.into_iter().map(|added| added.content).collect();
        let mut normalizers = Vec::new();
        if let Some(Small(normal)) = self.normalizer {
            normal.into_steps(&mut normalizers)?;
        }
        let Small(cut) = self.pre_tokenizer.ok_or_else(|| Cause::value("pre_tokenizer", "one"))?;
        let split = cut.checked()?;
        let pieces = self.model.checked(&special)?;
        let (before, after) = match self.post_processor {
            None => return Err(Cause::value("post_processor", "one")),
            Some(Small(ends)) => ends.checked()?,
        };
        Ok(Tokenizer { normalizers, split, pieces, before, after })
    }
}

impl Normal {
    fn into_steps(self, steps: &mut Vec<Normalizer>) -> Result<(), Cause> {
        if steps.len() >= MAX_STEPS {
            return Err(Cause::value("normalizer", format!("at most {MAX_STEPS} steps")));
        }
        steps.push(match self {
            Self::BertNormalizer { clean_text, handle_chinese_chars, strip_accents, lowercase } => {
                Normalizer::Bert {
                    clean: clean_text,
                    ideographs: handle_chinese_chars,
                    accents: strip_accents.unwrap_or(lowercase),
                    lowercase,
                }
            }
            Self::Lowercase {} => Normalizer::Lowercase,
            Self::Nfc {} => Normalizer::Composed(Composed::Nfc),
            Self::Nfd {} => Normalizer::Composed(Composed::Nfd),
            Self::Nfkc {} => Normalizer::Composed(Composed::Nfkc),
            Self::Nfkd {} => Normalizer::Composed(Composed::Nfkd),
            Self::Precompiled { precompiled_charsmap } => {
                let bytes = base64::engine::general_purpose::STANDARD.decode(precompiled_charsmap).ok();
                let map = bytes.and_then(|bytes| Charsmap::read(&bytes));
                Normalizer::Charsmap(
                    map.ok_or_else(|| Cause::value("precompiled_charsmap", "a map of SentencePiece"))?,
                )
            }
            Self::Replace { pattern, content } => {
                let Pattern::Regex(pattern) = pattern else {
                    return Err(Cause::value("normalizer", "`Replace` of an expression"));
                };
                let lines = match pattern.as_str() {
                    " {2,}" => false,
                    r"\s{2,}|[\n\r\t]" => true,
                    _ => return Err(Cause::value("normalizer", "`Replace` of spaces alone")),
                };
                let one = match content.as_str() {
                    " " => ' ',
                    "▁" => '▁',
                    _ => return Err(Cause::value("normalizer", "`Replace` by a space or `▁`")),
                };
                Normalizer::Spaces { one, lines }
            }
            Self::Sequence { normalizers } => {
                return normalizers.into_iter().try_for_each(|normal| normal.into_steps(steps));
            }
            Self::Strip { strip_left, strip_right } => {
                Normalizer::Strip { left: strip_left, right: strip_right }
            }
            Self::StripAccents {} => Normalizer::StripAccents,
        });
        Ok(())
    }
}

impl Cut {
    fn checked(self) -> Result<Split, Cause> {
        match self {
            Self::BertPreTokenizer {} => Ok(Split::Bert),
            Self::Metaspace { replacement, prepend_scheme, add_prefix_space, split, .. } => {
                let begins = match (prepend_scheme, add_prefix_space) {
                    (Some(scheme), _) => scheme != Prepend::Never,
                    (None, add) => add.unwrap_or(true),
                };
                Ok(Split::Marked { mark: replacement, begins, split: split.unwrap_or(true) })
            }
            Self::Sequence { mut pretokenizers } => match (pretokenizers.pop(), pretokenizers.is_empty()) {
                (Some(one), true) => one.checked(),
                _ => Err(Cause::value("pre_tokenizer", "a sequence of one")),
            },
        }
    }
}

impl Ends {
    fn checked(self) -> Result<(Vec<u32>, Vec<u32>), Cause> {
        let wrong = || Cause::value("post_processor", "marks before and behind one text, all of type 0,");
        let (before, after) = match self {
            Self::BertProcessing { sep, cls } => (vec![cls.1], vec![sep.1]),
            Self::TemplateProcessing { single, special_tokens, .. } => {
                let (mut before, mut after, mut text) = (Vec::new(), Vec::new(), false);
                for part in single {
                    match part {
                        Part::Sequence { id, type_id: 0 } if id == "A" && !text => text = true,
                        Part::SpecialToken { id, type_id: 0 } => {
                            let ids = &special_tokens.get(&id).ok_or_else(wrong)?.ids;
                            if text { &mut after } else { &mut before }.extend(ids);
                        }
                        _ => return Err(wrong()),
                    }
                }
                if !text {
                    return Err(wrong());
                }
                (before, after)
            }
        };
        // What the model says of the first mark is what is looked at.
        if before.is_empty() || before.len() > MAX_ENDS || after.len() > MAX_ENDS {
            return Err(wrong());
        }
        Ok((before, after))
    }
}

impl Model {
    fn checked(self, special: &HashSet<String>) -> Result<Pieces, Cause> {
        match (self.kind, self.vocab) {
            (Kind::Unigram, Vocabulary::Scored(vocabulary)) => {
                if self.byte_fallback {
                    return Err(Cause::value("model.byte_fallback", "false"));
                }
                let unknown = self.unk_id.ok_or_else(|| Cause::value("model.unk_id", "a number"))?;
                let spelt = |piece: &str| !special.contains(piece);
                Ok(Pieces::Unigram(Unigram::new(&vocabulary, unknown, spelt)?))
            }
            (Kind::WordPiece, Vocabulary::Numbered(mut vocabulary)) => {
                let unknown = self.unk_token.and_then(|piece| vocabulary.get(&piece).copied());
                let unknown = unknown.ok_or_else(|| Cause::value("model.unk_token", "a piece"))?;
                let prefix = self.continuing_subword_prefix.unwrap_or_default();
                let longest = self.max_input_chars_per_word.unwrap_or_default();
                vocabulary.retain(|piece, _| !special.contains(piece));
                Ok(Pieces::WordPiece(WordPiece::new(vocabulary, &prefix, unknown, longest)?))
            }
            _ => Err(Cause::value("model.vocab", "a list of `Unigram`, or a map of `WordPiece`")),
        }
    }
}
