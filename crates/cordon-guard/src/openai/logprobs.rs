//! Log probabilities spell the text again, token by token, and spell what else might have been said.
//!
//! The tokens of each rank are one text: the chosen ones, the first alternatives, and so on. An entry goes on when
//! nothing can be found in it any more, and is left out when something was.

use std::{collections::VecDeque, ops::Range};

use cordon_core::{Channel, json::Value};

use crate::{
    inspection::Stop,
    lane::{Shared, Trail},
    tree::{
        rewrite::Rewrite,
        walk::{Kind, Path, Walker},
    },
};

/// The most alternatives of a token that are kept; the protocol has 20.
const MAX_RANKS: usize = 32;

/// One list of entries, such as `logprobs/content`.
#[derive(Debug, Default)]
pub(super) struct Entries {
    ranks: Vec<Trail>,
    waiting: VecDeque<(Value, Vec<Range<usize>>)>,
}

impl Entries {
    /// Takes an entry. What is not an object is left out.
    pub(super) fn push(&mut self, entry: Value, path: &Path, shared: &mut Shared<'_>) -> Result<(), Stop> {
        let Value::Object(mut object) = entry else { return Ok(()) };
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
            ranks.retain(|rank| rank.as_object().is_some());
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

    /// The entries that may go on.
    pub(super) fn released(&mut self) -> Vec<Value> {
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
    pub(super) fn finish(&mut self, path: &Path, shared: &mut Shared<'_>) -> Result<Vec<Value>, Stop> {
        for trail in &mut self.ranks {
            trail.finish(path, shared)?;
        }
        Ok(self.released())
    }
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
pub(super) fn rest(entry: &mut Value, path: &mut Path, rewrite: &mut Rewrite<'_>) {
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
pub(super) fn whole(value: &mut Value, path: &mut Path, rewrite: &mut Rewrite<'_>) {
    let Value::Object(object) = value else {
        return Walker::at(rewrite, path.clone()).value(value, Channel::Model, Kind::Text);
    };
    Walker::at(rewrite, path.clone()).but_for(object, &["content", "refusal"], Channel::Model, Kind::Text);
    for list in ["content", "refusal"] {
        path.word(list);
        match object.get_mut(list) {
            Some(Value::Array(items)) => {
                let mut entries = Entries::default();
                let mut out = Vec::with_capacity(items.len());
                for mut entry in std::mem::take(items) {
                    rest(&mut entry, path, rewrite);
                    // A stop is in the verdict.
                    if entries.push(entry, path, &mut rewrite.shared).is_err() {
                        return;
                    }
                    out.append(&mut entries.released());
                }
                if let Ok(mut last) = entries.finish(path, &mut rewrite.shared) {
                    out.append(&mut last);
                    *items = out;
                }
            }
            Some(other) => Walker::at(rewrite, path.clone()).value(other, Channel::Model, Kind::Text),
            None => {}
        }
        path.pop();
    }
}
