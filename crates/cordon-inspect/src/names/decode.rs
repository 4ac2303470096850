//! The labels of a stretch of words, and how sure they are: Viterbi's algorithm (1967), then the sums over all ways (forward
//! and backward; Rabiner 1989) where a name was found.

use super::model::{KINDS, LABELS, Model, NEVER, TAGS};

/// Words of a stretch that are in the same name, `from..to`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Name {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) kind: usize,
    /// The share of all ways to label the stretch in which its least sure word is of its kind.
    pub(super) sure: f32,
}

/// What each label gets for a word.
pub(super) type Scores = [f32; LABELS];

/// The sum of the weights of some rows.
pub(super) fn scores(model: &Model, rows: &[u32]) -> Scores {
    let mut sums = [0_i32; TAGS];
    for row in rows {
        for (sum, weight) in sums.iter_mut().zip(model.weights(*row)) {
            *sum += i32::from(*weight);
        }
    }
    let mut scores = [0.0; LABELS];
    for (score, sum) in scores.iter_mut().skip(1).zip(sums) {
        #[expect(clippy::cast_precision_loss, reason = "sums of some tens of bytes")]
        let sum = sum as f32;
        *score = sum * model.step;
    }
    scores
}

/// The names of a stretch. What stands before it and behind it is no name.
pub(super) fn names(model: &Model, words: &[Scores]) -> Vec<Name> {
    let labels = best(model, words);
    if labels.iter().all(|label| *label == 0) {
        return Vec::new();
    }
    let shares = shares(model, words);
    let mut names: Vec<Name> = Vec::new();
    let mut open: Option<Name> = None;
    for (at, (label, share)) in labels.iter().zip(&shares).enumerate() {
        let kind = label.checked_sub(1).map(|tag| tag / 2);
        let goes_on = label % 2 == 0;
        if let Some(name) = open.as_mut().filter(|name| goes_on && kind == Some(name.kind)) {
            name.to = at + 1;
            name.sure = name.sure.min(share.get(name.kind).copied().unwrap_or(0.0));
            continue;
        }
        names.extend(open.take());
        open = kind.map(|kind| Name {
            from: at,
            to: at + 1,
            kind,
            sure: share.get(kind).copied().unwrap_or(0.0),
        });
    }
    names.extend(open);
    names
}

/// The best labels.
fn best(model: &Model, words: &[Scores]) -> Vec<usize> {
    let mut before = [NEVER; LABELS];
    if let Some(none) = before.first_mut() {
        *none = 0.0;
    }
    let mut ways: Vec<[u8; LABELS]> = Vec::with_capacity(words.len());
    for scores in words {
        let mut now = *scores;
        let mut way = [0_u8; LABELS];
        for (to, (sum, came)) in now.iter_mut().zip(&mut way).enumerate() {
            let mut most = f32::MIN;
            for ((from, value), changes) in (0_u8..).zip(before).zip(&model.changes) {
                let value = value + changes.get(to).copied().unwrap_or(NEVER);
                if value > most {
                    (most, *came) = (value, from);
                }
            }
            *sum += most;
        }
        before = now;
        ways.push(way);
    }
    let mut label = 0;
    let mut most = f32::MIN;
    for (at, value) in before.iter().enumerate() {
        if *value > most {
            (most, label) = (*value, at);
        }
    }
    let mut labels = vec![0; words.len()];
    for (place, way) in labels.iter_mut().zip(&ways).rev() {
        *place = label;
        label = way.get(label).copied().map_or(0, usize::from);
    }
    labels
}

/// For each word the share of all ways in which it is of each kind.
fn shares(model: &Model, words: &[Scores]) -> Vec<[f32; KINDS]> {
    let mut forward = Vec::with_capacity(words.len());
    let mut before = [0.0; LABELS];
    if let Some(none) = before.first_mut() {
        *none = 1.0;
    }
    let own: Vec<Scores> = words.iter().map(exponentials).collect();
    for own in &own {
        let mut now = [0.0; LABELS];
        for (value, changes) in before.iter().zip(&model.factors) {
            for (sum, change) in now.iter_mut().zip(changes) {
                *sum += value * change;
            }
        }
        for (sum, own) in now.iter_mut().zip(own) {
            *sum *= own;
        }
        scale(&mut now);
        before = now;
        forward.push(now);
    }
    let mut after = [1.0; LABELS];
    let mut shares = vec![[0.0; KINDS]; words.len()];
    for ((share, forward), own) in shares.iter_mut().zip(&forward).zip(&own).rev() {
        let mut both = *forward;
        for (value, after) in both.iter_mut().zip(after) {
            *value *= after;
        }
        scale(&mut both);
        let (pairs, _) = both.get(1..).unwrap_or_default().as_chunks::<2>();
        for (share, [first, rest]) in share.iter_mut().zip(pairs) {
            *share = first + rest;
        }
        let mut now = [0.0; LABELS];
        for (sum, changes) in now.iter_mut().zip(&model.factors) {
            *sum =
                changes.iter().zip(own).zip(after).map(|((change, own), after)| change * own * after).sum();
        }
        scale(&mut now);
        after = now;
    }
    shares
}

/// The exponentials of some scores, of which the highest is 1.
fn exponentials(scores: &Scores) -> Scores {
    let most = scores.iter().fold(f32::MIN, |most, score| most.max(*score));
    scores.map(|score| (score - most).exp())
}

/// Makes the sum of some numbers 1.
fn scale(values: &mut Scores) {
    let sum: f32 = values.iter().sum();
    if sum > f32::MIN_POSITIVE {
        for value in values {
            *value /= sum;
        }
    }
}
