//! Embeddings: a vector that is the same for the same text, and close for texts that share words.
//!
//! Each word adds one to, or takes one from, a place of the vector that its digest chooses; then the vector is made one long.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cordon_core::json::{Limits, Value};

use super::answer::tokens;
use super::behaviour::Behaviour;
use super::conversation::{Invalid, behaviour_of, invalid, model_of, seed_of};
use super::play::{Play, whole};
use super::{Asking, object};

/// A request, as far as the sandbox looks at it.
#[derive(Debug)]
pub(super) struct Embeddings {
    model: String,
    /// The words of each input: of a text, or of a list of tokens.
    inputs: Vec<Vec<String>>,
    dimensions: usize,
    base64: bool,
    behaviour: Option<String>,
}

/// Most inputs of a request.
const INPUTS: usize = 2048;
/// Numbers of a vector when nothing else is asked for, and the most of them.
const DIMENSIONS: u64 = 256;
const MOST_DIMENSIONS: u64 = 4096;

impl Asking for Embeddings {
    fn read(body: &Value, _: u64) -> Result<Self, Invalid> {
        let model = model_of(body)?;
        let wrong = || invalid("`input` must be a text, a list of texts, or tokens", Some("input"));
        let words = |text: &str| tokens(text).map(|word| word.trim().to_lowercase()).collect();
        let numbered = |tokens: &[Value]| {
            tokens.iter().map(|token| Some(token.as_u64()?.to_string())).collect::<Option<Vec<_>>>()
        };
        let inputs: Vec<Vec<String>> = match body.get("input") {
            Some(Value::String(text)) => vec![words(text)],
            Some(Value::Array(items)) if matches!(items.first(), Some(Value::Number(_))) => {
                vec![numbered(items).ok_or_else(wrong)?]
            }
            Some(Value::Array(items)) if !items.is_empty() && items.len() <= INPUTS => {
                let one = |item: &Value| match item {
                    Value::String(text) => Some(words(text)),
                    Value::Array(tokens) => numbered(tokens),
                    _ => None,
                };
                items.iter().map(one).collect::<Option<_>>().ok_or_else(wrong)?
            }
            _ => return Err(wrong()),
        };
        let dimensions = match body.get("dimensions") {
            None | Some(Value::Null) => DIMENSIONS,
            Some(count) => {
                count.as_u64().filter(|count| (1..=MOST_DIMENSIONS).contains(count)).ok_or_else(|| {
                    invalid("`dimensions` must be a whole number from 1 to 4096", Some("dimensions"))
                })?
            }
        };
        let base64 = match body.get("encoding_format").and_then(Value::as_str) {
            None | Some("float") => false,
            Some("base64") => true,
            Some(_) => {
                return Err(invalid("`encoding_format` must be float or base64", Some("encoding_format")));
            }
        };
        let dimensions = usize::try_from(dimensions).unwrap_or(1);
        Ok(Self { model, inputs, dimensions, base64, behaviour: behaviour_of(body) })
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn behaviour(&self) -> Option<&str> {
        self.behaviour.as_deref()
    }

    fn streams(&self) -> bool {
        false
    }

    fn play(&self, behaviour: &Behaviour) -> Play {
        let entry = |(index, words): (u64, &Vec<String>)| -> Value {
            let vector = written(&vector(words, self.dimensions), self.base64);
            object([("object", "embedding".into()), ("index", index.into()), ("embedding", vector)]).into()
        };
        let data: Vec<Value> = (0_u64..).zip(&self.inputs).map(entry).collect();
        let used = self.inputs.iter().map(Vec::len).sum::<usize>();
        let used = u64::try_from(used).unwrap_or(u64::MAX);
        let usage = object([("prompt_tokens", used.into()), ("total_tokens", used.into())]);
        let answer = object([
            ("object", "list".into()),
            ("data", data.into()),
            ("model", self.model.as_str().into()),
            ("usage", usage.into()),
        ]);
        whole(Value::from(answer).to_vec(), behaviour)
    }
}

fn vector(words: &[String], dimensions: usize) -> Vec<f32> {
    let mut vector = vec![0.0_f32; dimensions];
    for word in words {
        let seed = seed_of(word.as_bytes());
        let place = usize::try_from(seed >> 1).unwrap_or(0).checked_rem(dimensions).unwrap_or(0);
        if let Some(number) = vector.get_mut(place) {
            *number += if seed & 1 == 0 { 1.0 } else { -1.0 };
        }
    }
    let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|number| *number /= length);
    } else if let Some(first) = vector.first_mut() {
        // No word, or words that take away what others add: still a vector of length one.
        *first = 1.0;
    }
    vector
}

fn written(vector: &[f32], base64: bool) -> Value {
    if base64 {
        let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
        return STANDARD.encode(bytes).into();
    }
    let number =
        |number: &f32| Value::parse(number.to_string().as_bytes(), Limits::default()).unwrap_or(Value::Null);
    vector.iter().map(number).collect::<Vec<_>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(one: &str, other: &str) -> f32 {
        let of = |text: &str| {
            let words: Vec<String> = tokens(text).map(|word| word.trim().to_owned()).collect();
            vector(&words, 256)
        };
        of(one).iter().zip(of(other)).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn texts_that_share_words_are_close() {
        assert!((close("the dog barks", "the dog barks") - 1.0).abs() < 1e-6);
        assert!((close("", "") - 1.0).abs() < 1e-6);
        assert!(close("the dog barks loud", "the dog barks") > 0.8);
        assert!(close("the dog barks", "interest rates fell again").abs() < 0.4);
    }
}
