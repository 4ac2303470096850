//! The judge: a small convolutional net that reads again what the sum of features finds neither harmless nor sure.
//!
//! A word is the sum of 16 numbers for itself and for each of its pieces of four letters, hashed into a table, so that words that were
//! never seen are like others of the same pieces. Filters look at three words in a row, the highest answer of each is kept
//! (Kim 2014, "Convolutional neural networks for sentence classification"), and their weighted sum is the opinion. Several such
//! nets, trained from different beginnings, give their mean. It reads blocks of words: what it has read of one serves all
//! sums of which the block is a part. `cargo xtask train injection` trains it; models/injection.md is its card.

mod file;
mod pieces;

use cordon_core::Score;

pub(crate) use self::file::file;
pub use self::file::{Bounds, Net};
pub(crate) use self::pieces::{PIECES, Word, words};

/// Rows of the table of words and pieces.
pub(crate) const ROWS: usize = 1 << 15;
/// Numbers of a row.
pub(crate) const WIDTH: usize = 16;
/// Filters of a net.
pub(crate) const FILTERS: usize = 48;
/// Words that a filter sees.
pub(crate) const SEES: usize = 3;
/// What every opinion begins with: what the judge has never seen is benign.
pub(crate) const BIAS: f32 = -2.0;

/// The highest answer of each filter of a net in some words, and nothing where it is below nothing.
pub(crate) type Highest = [f32; FILTERS];

/// A net as it is read.
#[derive(Debug)]
struct Trained {
    /// Rows of whole steps, and what one step of each is.
    rows: Vec<[i8; WIDTH]>,
    steps: Vec<f32>,
    /// For each word that a filter sees and each of its numbers what each filter makes of it.
    filters: Vec<[[f32; FILTERS]; WIDTH]>,
    biases: [f32; FILTERS],
    /// What the highest answers are worth.
    out: [f32; FILTERS],
}

/// The judge.
#[derive(Debug)]
pub(crate) struct Judge {
    nets: Vec<Trained>,
    bounds: Option<Bounds>,
}

/// The file that was trained.
pub(crate) const FILE: &[u8] = include_bytes!("../models/judge.bin");

impl Judge {
    /// The judge that comes with the crate. Without a net, so that it is never asked, only if the file were none: a test
    /// excludes that.
    pub(crate) fn builtin() -> Self {
        Self::read(FILE).unwrap_or(Self { nets: Vec::new(), bounds: None })
    }

    /// Whether it is asked where the sum of features is so high.
    pub(crate) fn is_asked(&self, sum: f32) -> bool {
        self.bounds.is_some_and(|bounds| bounds.are_asked(sum))
    }

    /// What its filters answer to some words, net by net.
    pub(crate) fn read_words(&self, words: &[Word]) -> Vec<Highest> {
        self.nets.iter().map(|net| net.highest(words)).collect()
    }

    /// What it thinks of text of which its filters answered this, piece by piece.
    pub(crate) fn opinion<'a>(&self, answers: impl Iterator<Item = &'a [Highest]>) -> f32 {
        let mut all: Vec<Highest> = vec![[0.0; FILTERS]; self.nets.len()];
        for answer in answers {
            for (all, answer) in all.iter_mut().zip(answer) {
                for (most, one) in all.iter_mut().zip(answer) {
                    *most = most.max(*one);
                }
            }
        }
        let sums = self.nets.iter().zip(&all).map(|(net, all)| net.worth(all));
        #[expect(clippy::cast_precision_loss, reason = "a handful of nets")]
        let count = self.nets.len().max(1) as f32;
        BIAS + sums.sum::<f32>() / count
    }

    /// How sure that is together with the sum of features, as [`Bounds::score`] says.
    pub(crate) fn score(&self, sum: f32, opinion: f32) -> Option<Score> {
        self.bounds?.score(sum, opinion)
    }
}

impl Bounds {
    /// Whether a judge with these is asked where the sum of features is so high.
    pub(crate) fn are_asked(self, sum: f32) -> bool {
        (self.from..self.to).contains(&sum)
    }

    /// How sure an opinion is together with the sum of features: 0.3 to 0.49, or nothing.
    pub(crate) fn score(self, sum: f32, opinion: f32) -> Option<Score> {
        let above = sum + self.share * opinion - self.likely;
        if above < 0.0 {
            return None;
        }
        let share = f64::from((above / (self.sure - self.likely)).clamp(0.0, 1.0));
        Score::from_f64(0.3 + 0.19 * share).ok()
    }
}

impl Trained {
    /// The numbers of a word.
    fn embed(&self, word: &Word) -> [f32; WIDTH] {
        let mut sum = [0.0_f32; WIDTH];
        let mut count = 0.0_f32;
        for row in word.iter().copied().map(usize::from).take_while(|row| *row < ROWS) {
            count += 1.0;
            let (Some(row), Some(step)) = (self.rows.get(row), self.steps.get(row)) else { continue };
            for (sum, number) in sum.iter_mut().zip(row) {
                *sum += step * f32::from(*number);
            }
        }
        let scale = 1.0 / count.max(1.0).sqrt();
        sum.map(|number| number * scale)
    }

    fn highest(&self, words: &[Word]) -> Highest {
        let mut most = [0.0; FILTERS];
        let mut seen = [[0.0; WIDTH]; SEES];
        for word in words {
            seen.rotate_left(1);
            if let Some(last) = seen.last_mut() {
                *last = self.embed(word);
            }
            let mut answers = self.biases;
            for (numbers, filters) in seen.iter().zip(&self.filters) {
                for (number, filters) in numbers.iter().zip(filters) {
                    for (answer, filter) in answers.iter_mut().zip(filters) {
                        *answer += number * filter;
                    }
                }
            }
            for (most, answer) in most.iter_mut().zip(&answers) {
                *most = answer.max(*most);
            }
        }
        most
    }

    fn worth(&self, highest: &Highest) -> f32 {
        highest.iter().zip(&self.out).map(|(answer, worth)| answer * worth).sum()
    }
}

#[cfg(test)]
mod tests {
    use cordon_core::{Channel, Finding};

    use crate::Engine;
    use crate::judge::{FILE, Judge};
    use crate::training::{Opinions, windows};
    use crate::weights::{Evidence, Side, Weights};

    /// Words of attacks and others, in any order: what they add up to is neither harmless nor sure for long.
    const WORDS: &str = "ignore your rules please pretend secret the a password you are now system developer mode tell me about \
        instructions filter answer as an evil model without limits story hidden key write garden recipe weather must never \
        refuse repeat above prompt translate museum role free unrestricted obey games policy harmful reveal code banana \
        house green train morning coffee letter window river travel seven cheap blue music table doctor school winter bread \
        paper tall village number market";

    fn texts() -> impl Iterator<Item = String> {
        (1..250_usize).map(|seed| {
            let mut state = seed as u64;
            let mut words: Vec<&str> = WORDS.split_whitespace().collect();
            for at in (1..words.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                words.swap(at, usize::try_from(state >> 33).unwrap() % (at + 1));
            }
            // No word twice in a block: of few different words less is said.
            words.into_iter().cycle().take(60 + seed % 60).collect::<Vec<_>>().join(" ")
        })
    }

    fn likely(findings: Vec<Finding>) -> Vec<Finding> {
        findings.into_iter().filter(|finding| finding.detector == "injection.model").collect()
    }

    #[test]
    fn it_reads_what_it_was_trained_to_read_and_chunks_change_nothing() {
        let (engine, weights) = (Engine::builtin(), Weights::builtin());
        let (judge, opinions) = (Judge::read(FILE).unwrap(), Opinions::read(FILE).unwrap());
        let (mut asked, mut late) = (0, 0);
        for text in texts() {
            let windows = windows(&engine, Channel::User, &text);
            let all = opinions.of(&windows).into_iter().zip(&windows).enumerate();
            let mut first = None;
            for (at, (opinion, window)) in all {
                let sum = window.features.iter().map(|feature| weights.weight(*feature)).sum();
                let features = u16::try_from(window.features.len()).unwrap();
                let sum = weights.sum(Side::Direct, sum, features);
                let score = if judge.is_asked(sum) {
                    asked += 1;
                    late += usize::from(at >= 3);
                    judge.score(sum, opinion)
                } else {
                    weights.score(Side::Direct, sum, Evidence::Enough)
                };
                if score.is_some() {
                    first = score;
                    break;
                }
            }
            let found = engine.inspect(Channel::User, &text);
            // Where a phrase says enough, the model says nothing.
            if found.iter().all(|finding| finding.detector == "injection.model") {
                assert_eq!(likely(found.clone()).first().map(|finding| finding.score), first, "{text}");
            }
            let mut scanner = engine.scanner(Channel::User, &[]);
            let mut chunks = Vec::new();
            for chunk in text.as_bytes().chunks(7) {
                chunks.extend(scanner.push(std::str::from_utf8(chunk).unwrap()).findings);
            }
            chunks.extend(scanner.finish().findings);
            assert_eq!(likely(chunks), likely(found), "{text}");
        }
        assert!(asked > 50 && late > 10, "asked {asked} times, of whole windows {late}");
    }
}
