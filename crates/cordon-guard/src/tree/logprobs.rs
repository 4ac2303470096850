//! Log probabilities spell the text again, token by token, and spell what else might have been said.
//!
//! The tokens of each rank are one text: the chosen ones, the first alternatives, and so on. An entry goes on when
//! nothing can be found in it any more, and is left out when something was.

use std::{collections::VecDeque, ops::Range};

use cordon_core::{
    Channel,
    json::{Object, Value},
};

use super::{
    rewrite::Rewrite,
    walk::{Kind, Path, Walker},
};
use crate::{
    inspection::Stop,
    lane::{Shared, Trail},
};

/// The most alternatives of a token that are kept; the protocol has 20.
const MAX_RANKS: usize = 32;
/// The most characters of a probability's logarithm: what is longer may spell something.
const MAX_NUMBER: usize = 32;

/// One list of entries, such as `logprobs/content`.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    ranks: Vec<Trail>,
    waiting: VecDeque<(Value, Vec<Range<usize>>)>,
}

impl Entries {
    /// Takes an entry. What is none is left out.
    fn push(&mut self, entry: Value, path: &Path, shared: &mut Shared<'_>) -> Result<(), Stop> {
        let Value::Object(mut object) = entry else { return Ok(()) };
        if !is_entry(&mut object) {
            return Ok(());
        }
        let mut pieces = Vec::new();
        let mut push = |rank: usize, text: &str, shared: &mut Shared<'_>| -> Result<(), Stop> {
            while self.ranks.len() <= rank {
                self.ranks.push(Trail::new(shared, Channel::Model));
            }
            if let Some(trail) = self.ranks.get_mut(rank) {
                pieces.push(trail.push(text, path, shared)?);
            }
            Ok(())
        };
        let token = object.get("token").and_then(Value::as_str).unwrap_or_default().to_owned();
        push(0, &token, shared)?;
        check_bytes(&token, object.get_mut("bytes"));
        if let Some(Value::Array(ranks)) = object.get_mut("top_logprobs") {
            ranks.retain_mut(|rank| rank.as_object_mut().is_some_and(is_entry));
            ranks.truncate(MAX_RANKS);
            for (at, rank) in ranks.iter_mut().enumerate() {
                let token = rank.get("token").and_then(Value::as_str).unwrap_or_default().to_owned();
                push(at + 1, &token, shared)?;
                check_bytes(&token, rank.as_object_mut().and_then(|rank| rank.get_mut("bytes")));
            }
        }
        self.waiting.push_back((Value::Object(object), pieces));
        Ok(())
    }

    /// Takes these entries, what is not token or bytes in them inspected in place.
    pub(crate) fn take(
        &mut self,
        entries: Vec<Value>,
        path: &mut Path,
        rewrite: &mut Rewrite<'_>,
    ) -> Result<(), Stop> {
        for mut entry in entries {
            rest(&mut entry, path, rewrite);
            self.push(entry, path, &mut rewrite.shared)?;
        }
        Ok(())
    }

    /// The entries that may go on.
    pub(crate) fn released(&mut self) -> Vec<Value> {
        let mut out = Vec::new();
        while let Some((_, pieces)) = self.waiting.front() {
            if !self.ranks.iter().zip(pieces).all(|(trail, piece)| trail.is_settled(piece)) {
                break;
            }
            let Some((entry, pieces)) = self.waiting.pop_front() else { break };
            let cut = self.ranks.iter().zip(&pieces).any(|(trail, piece)| trail.is_cut(piece));
            for (trail, piece) in self.ranks.iter_mut().zip(&pieces) {
                trail.forget_before(piece);
            }
            if !cut {
                out.push(entry);
            }
        }
        out
    }

    /// Ends the texts and returns the entries that may go on.
    pub(crate) fn finish(&mut self, path: &Path, shared: &mut Shared<'_>) -> Result<Vec<Value>, Stop> {
        for trail in &mut self.ranks {
            trail.finish(path, shared)?;
        }
        Ok(self.released())
    }
}

/// Whether an entry has a token that is a text. What is beside it and is not what the protocol says is taken out: nobody looks into
/// it here.
fn is_entry(entry: &mut Object) -> bool {
    let none = |value: &Value| match value {
        Value::Number(number) => number.as_str().len() > MAX_NUMBER,
        value => !value.is_null(),
    };
    if let Some(value) = entry.get_mut("logprob").filter(|value| none(value)) {
        *value = Value::Null;
    }
    if let Some(value) = entry.get_mut("top_logprobs").filter(|value| value.as_array().is_none()) {
        *value = Value::Null;
    }
    entry.get("token").and_then(Value::as_str).is_some()
}

/// Bytes beside a token go on when they are the token's, or the piece of a character, which spells nothing.
fn check_bytes(token: &str, bytes: Option<&mut Value>) {
    let Some(value) = bytes else { return };
    let keeps = value.as_array().is_some_and(|bytes| {
        let same = bytes.len() == token.len()
            && bytes.iter().zip(token.bytes()).all(|(byte, of_token)| byte.as_u64() == Some(of_token.into()));
        same || (bytes.len() <= 8
            && bytes.iter().all(|byte| byte.as_u64().is_some_and(|b| (128..256).contains(&b))))
    });
    if !keeps {
        *value = Value::Null;
    }
}

/// Inspects what is not token or bytes in an entry, in place.
fn rest(entry: &mut Value, path: &mut Path, rewrite: &mut Rewrite<'_>) {
    let Value::Object(object) = entry else { return };
    Walker::at(rewrite, path.clone()).but_for(
        object,
        &["token", "bytes", "logprob", "top_logprobs"],
        Channel::Model,
        Kind::Text,
    );
    if let Some(Value::Array(ranks)) = object.get_mut("top_logprobs") {
        for rank in ranks {
            if let Value::Object(rank) = rank {
                Walker::at(rewrite, path.clone()).but_for(
                    rank,
                    &["token", "bytes", "logprob"],
                    Channel::Model,
                    Kind::Text,
                );
            }
        }
    }
}

/// The lists of a whole `logprobs` value, and everything else in it.
pub(crate) fn whole(value: &mut Value, path: &mut Path, rewrite: &mut Rewrite<'_>) {
    let Value::Object(object) = value else {
        return Walker::at(rewrite, path.clone()).value(value, Channel::Model, Kind::Text);
    };
    Walker::at(rewrite, path.clone()).but_for(object, &["content", "refusal"], Channel::Model, Kind::Text);
    for word in ["content", "refusal"] {
        path.word(word);
        if let Some(value) = object.get_mut(word) {
            list(value, path, rewrite);
        }
        path.pop();
    }
}

/// One whole list of entries.
pub(crate) fn list(value: &mut Value, path: &mut Path, rewrite: &mut Rewrite<'_>) {
    let Value::Array(items) = value else {
        return Walker::at(rewrite, path.clone()).value(value, Channel::Model, Kind::Text);
    };
    let mut entries = Entries::default();
    let mut out = Vec::with_capacity(items.len());
    // A stop is in the verdict.
    if entries.take(std::mem::take(items), path, rewrite).is_err() {
        return;
    }
    out.append(&mut entries.released());
    if let Ok(mut last) = entries.finish(path, &mut rewrite.shared) {
        out.append(&mut last);
        *items = out;
    }
}

#[cfg(test)]
mod tests {
    use cordon_core::Form;

    use super::*;
    use crate::{
        Tokens, Verdict,
        tree::testing::{ADDRESS, redacting, tree},
    };

    #[test]
    fn nothing_passes_by_its_key_alone() {
        let inspection = redacting(Form::Mask);
        let out = |entries: &str| {
            let (mut value, tokens, mut verdict) = (tree(entries), Tokens::default(), Verdict::default());
            let shared = Shared { inspection: &inspection, tokens: &tokens, verdict: &mut verdict };
            list(&mut value, &mut Path::default(), &mut Rewrite { shared, changed: false });
            value.to_string()
        };
        let whole = r#"[{"token":"a","logprob":-0.25,"bytes":[97],"top_logprobs":[{"token":"b","logprob":-9999.0}]}]"#;
        assert_eq!(out(whole), whole);
        for hidden in [
            format!(r#"[{{"token":"a","logprob":"{ADDRESS}"}}]"#),
            format!(r#"[{{"token":["{ADDRESS}"],"logprob":0}}]"#),
            format!(r#"[{{"token":"a","top_logprobs":"{ADDRESS}"}}]"#),
            format!(r#"[{{"token":"a","top_logprobs":[{{"token":"b","logprob":"{ADDRESS}"}}]}}]"#),
            format!(r#"[{{"token":"a","top_logprobs":[{{"token":{{"{ADDRESS}":1}}}}]}}]"#),
        ] {
            assert!(!out(&hidden).contains(ADDRESS), "{hidden}");
        }
        let long = format!(r#"[{{"token":"a","logprob":0.{}}}]"#, "4111".repeat(16));
        assert!(!out(&long).contains("4111"), "{long}");
    }
}
