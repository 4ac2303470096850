//! Which passages are nearest to a sentence.

use std::collections::HashSet;

use super::Sources;
use super::steps::Steps;
use super::token::Token;

/// Of the passages nearest to a sentence by their words, those whose order of words is looked at, and those that may add to the first.
const MAX_ORDERED: usize = 8;
const MAX_ADDED: usize = 64;

impl Sources {
    /// The passages nearest to a sentence: the one that shares most with it, another one that adds most to that, and those beside the
    /// first. `only` are the sources that count, in their order.
    pub(super) fn near(&self, tokens: &[Token], only: Option<&[usize]>, steps: &Steps) -> Vec<usize> {
        let is_meant = |passage: usize| {
            let source = self.passages.get(passage).map(|passage| passage.source);
            only.is_none_or(|only| source.is_some_and(|source| only.binary_search(&source).is_ok()))
        };
        // Of equals the first.
        let better =
            |one: &(usize, f64), other: &(usize, f64)| one.1.total_cmp(&other.1).then(other.0.cmp(&one.0));
        let shared = self.shared(tokens.iter(), steps).into_iter().enumerate();
        let mut ranked: Vec<(usize, f64)> =
            shared.filter(|(passage, shared)| *shared > 0.0 && is_meant(*passage)).collect();
        steps.add(ranked.len());
        ranked.sort_unstable_by(|one, other| better(other, one));
        let with_order =
            |(passage, shared): &(usize, f64)| (*passage, shared + self.in_order(tokens, *passage, steps));
        let best = ranked.iter().take(MAX_ORDERED).map(with_order).max_by(better);
        let Some((best, _)) = best else { return Vec::new() };
        let of_best = self.passages.get(best).map(|passage| passage.keys.as_slice()).unwrap_or_default();
        let added = self.shared(tokens.iter().filter(|token| !of_best.contains(&token.key)), steps);
        let others = ranked.iter().take(MAX_ADDED);
        let others = others.filter_map(|(passage, _)| Some((*passage, *added.get(*passage)?)));
        let second = others.filter(|(_, adds)| *adds > 0.0).max_by(better);
        let source = self.passages.get(best).map(|passage| passage.source);
        let beside = [best.checked_sub(1), best.checked_add(1)].into_iter().flatten();
        let beside = beside.filter(|at| self.passages.get(*at).map(|passage| passage.source) == source);
        std::iter::once(best).chain(second.map(|(passage, _)| passage)).chain(beside).collect()
    }

    /// What each passage shares with these words, by their weight.
    fn shared<'t>(&self, tokens: impl Iterator<Item = &'t Token>, steps: &Steps) -> Vec<f64> {
        let mut shared = vec![0.0; self.passages.len()];
        for token in tokens {
            let Some(passages) = self.leads.get(&token.key) else { continue };
            let weight = self.weight(token);
            steps.add(passages.len());
            for passage in passages {
                if let Some(shared) = shared.get_mut(*passage) {
                    *shared += weight;
                }
            }
        }
        shared
    }

    /// What a passage gains where it has words in the same order: half the weight of each word that follows the same one in both.
    fn in_order(&self, tokens: &[Token], passage: usize, steps: &Steps) -> f64 {
        let Some(passage) = self.passages.get(passage) else { return 0.0 };
        steps.add(passage.keys.len().saturating_add(tokens.len()));
        let pairs = passage.keys.windows(2);
        let follows: HashSet<(u64, u64)> =
            pairs.filter_map(|pair| Some((*pair.first()?, *pair.last()?))).collect();
        let of_sentence = tokens.iter().zip(tokens.iter().skip(1));
        of_sentence
            .filter(|(one, other)| follows.contains(&(one.key, other.key)))
            .map(|(_, other)| self.weight(other) / 2.0)
            .sum()
    }
}
