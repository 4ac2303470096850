//! The training of the judge: a convolutional net over hashed words and their pieces, a step for each text.

use std::collections::BTreeMap;

use cordon_inspect::training::{JUDGE, JUDGE_BIAS, Net, Window};

use crate::model::{Lesson, shuffle};
use crate::{Random, Text};

const ROWS: usize = JUDGE[0];
const WIDTH: usize = JUDGE[1];
const FILTERS: usize = JUDGE[2];
const SEES: usize = JUDGE[3];

const EPOCHS: usize = 3;
/// The rate falls to a fifth of this.
const RATE: f32 = 0.05;
/// Squares of slopes begin with this, so that the first steps are not the longest.
const FIRST: f32 = 0.1;
/// One word of so many is not seen in a step: no single word is to be leaned upon.
const UNSEEN: usize = 6;
/// Nets from different beginnings.
const NETS: u64 = 1;

type Numbers = [f32; WIDTH];
type Answers = [f32; FILTERS];

/// A net in training: what a file holds, and the squares of slopes so far.
pub struct Trainee {
    pub net: Net,
    squares: Net,
}

/// The highest answers in a block, and at which word.
struct Highest(Answers, [u32; FILTERS]);

impl Trainee {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let mut some = |count: usize, most: f32| -> Vec<f32> {
            (0..count).map(|_| (random.below(1 << 20) as f32 / (1 << 19) as f32 - 1.0) * most).collect()
        };
        let net = Net {
            rows: some(ROWS * WIDTH, 0.25),
            filters: some(SEES * WIDTH * FILTERS, 0.15),
            biases: vec![0.0; FILTERS],
            out: some(FILTERS, 0.2),
        };
        let squares = |of: &Vec<f32>| vec![FIRST; of.len()];
        let squares = Net {
            rows: squares(&net.rows),
            filters: squares(&net.filters),
            biases: squares(&net.biases),
            out: squares(&net.out),
        };
        Self { net, squares }
    }

    fn rows(word: &[u16]) -> impl Iterator<Item = usize> {
        word.iter().map(|row| usize::from(*row)).take_while(|row| *row < ROWS)
    }

    /// The numbers of each word; none of one that is not seen.
    fn embed(&self, words: &[[u16; 8]], mut unseen: Option<&mut Random>) -> Vec<Numbers> {
        let mut out = Vec::with_capacity(words.len());
        for word in words {
            let mut sum = [0.0; WIDTH];
            if unseen.as_mut().is_none_or(|random| random.below(UNSEEN) > 0) {
                let scale = scale(word);
                for row in Self::rows(word) {
                    for (sum, number) in sum.iter_mut().zip(&self.net.rows[row * WIDTH..]) {
                        *sum += scale * number;
                    }
                }
            }
            out.push(sum);
        }
        out
    }

    fn highest(&self, words: &[Numbers]) -> Highest {
        let (mut most, mut at) = ([0.0; FILTERS], [u32::MAX; FILTERS]);
        for last in 0..words.len() {
            let mut answers: Answers = self.net.biases[..].try_into().unwrap();
            for seen in 0..SEES {
                let Some(word) = (last + 1 + seen).checked_sub(SEES) else { continue };
                for (number, filters) in
                    words[word].iter().zip(self.net.filters[seen * WIDTH * FILTERS..].chunks_exact(FILTERS))
                {
                    for (answer, filter) in answers.iter_mut().zip(filters) {
                        *answer += number * filter;
                    }
                }
            }
            for filter in 0..FILTERS {
                if answers[filter] > most[filter] {
                    (most[filter], at[filter]) = (answers[filter], last as u32);
                }
            }
        }
        Highest(most, at)
    }

    fn worth(&self, highest: &[Highest]) -> f32 {
        let all = (0..FILTERS).map(|filter| {
            self.net.out[filter] * highest.iter().fold(0.0_f32, |most, block| most.max(block.0[filter]))
        });
        JUDGE_BIAS + all.sum::<f32>()
    }

    /// The window that looks most like an attack.
    fn most(&self, windows: &[Window]) -> usize {
        if windows.len() == 1 {
            return 0;
        }
        let blocks: Vec<Highest> =
            windows.iter().map(|window| self.highest(&self.embed(&window.words, None))).collect();
        let sums = windows.iter().enumerate().map(|(at, window)| self.worth(&blocks[window.first..=at]));
        sums.enumerate().fold((0, f32::MIN), |most, one| if one.1 > most.1 { one } else { most }).0
    }

    /// A step of AdaGrad (Duchi, Hazan, Singer 2011).
    fn step(&mut self, text: &Text, window: usize, weight: f32, rate: f32, energy: f32, random: &mut Random) {
        let first = text.windows[window].first;
        let blocks = &text.windows[first..=window];
        let words: Vec<Vec<Numbers>> =
            blocks.iter().map(|block| self.embed(&block.words, Some(random))).collect();
        let highest: Vec<Highest> = words.iter().map(|words| self.highest(words)).collect();
        let slope = slope(self.worth(&highest), text.attack, energy) * weight;
        let mut back: BTreeMap<(usize, usize), Numbers> = BTreeMap::new();
        for filter in 0..FILTERS {
            let (mut most, mut of) = (0.0, None);
            for (block, answers) in highest.iter().enumerate() {
                if answers.0[filter] > most {
                    (most, of) = (answers.0[filter], Some((block, answers.1[filter] as usize)));
                }
            }
            let Some((block, last)) = of else { continue };
            let down = slope * self.net.out[filter];
            let up = |number: &mut f32, square: &mut f32, slope: f32| {
                *square += slope * slope;
                *number -= rate * slope / square.sqrt();
            };
            up(&mut self.net.out[filter], &mut self.squares.out[filter], slope * most);
            up(&mut self.net.biases[filter], &mut self.squares.biases[filter], down);
            for seen in 0..SEES {
                let Some(word) = (last + 1 + seen).checked_sub(SEES) else { continue };
                let numbers = words[block][word];
                let back = back.entry((block, word)).or_insert([0.0; WIDTH]);
                for (number, back) in back.iter_mut().enumerate() {
                    let at = (seen * WIDTH + number) * FILTERS + filter;
                    *back += down * self.net.filters[at];
                    up(&mut self.net.filters[at], &mut self.squares.filters[at], down * numbers[number]);
                }
            }
        }
        for ((block, word), back) in back {
            // What was not seen learns nothing.
            if words[block][word][0] == 0.0 {
                continue;
            }
            let word = &blocks[block].words[word];
            let scale = scale(word);
            for row in Self::rows(word) {
                for (number, back) in back.iter().enumerate() {
                    let (at, slope) = (row * WIDTH + number, back * scale);
                    self.squares.rows[at] += slope * slope;
                    self.net.rows[at] -= rate * slope / self.squares.rows[at].sqrt();
                }
            }
        }
    }
}

/// How fast the loss of an opinion grows with it: that of logistic regression and, of a benign text, the penalty for its energy, half of
/// `energy` times the square of how far the opinion is above what words have that say nothing (Liu et al. 2020, "Energy-based
/// out-of-distribution detection": the squared hinge of energy-bounded learning). That a benign text stays below a limit is not enough:
/// words of attacks are to say nothing by themselves.
fn slope(opinion: f32, attack: bool, energy: f32) -> f32 {
    let chance = 1.0 / (1.0 + (-opinion).exp());
    if attack { chance - 1.0 } else { chance + energy * (opinion - JUDGE_BIAS).max(0.0) }
}

/// Words of many pieces are no longer than others.
fn scale(word: &[u16]) -> f32 {
    1.0 / (Trainee::rows(word).count() as f32).max(1.0).sqrt()
}

/// The nets of the texts of one side that are learned, each with its weight, and with so much of a penalty for the energy of benign texts.
pub fn train(texts: &[Text], lesson: &Lesson, indirect: bool, energy: f32) -> Vec<Net> {
    let side: Vec<usize> = lesson.used.iter().copied().filter(|at| texts[*at].indirect == indirect).collect();
    (0..NETS).map(|seed| fit(texts, side.clone(), &lesson.weights, energy, seed + 3).net).collect()
}

fn fit(texts: &[Text], mut order: Vec<usize>, weights: &[f32], energy: f32, seed: u64) -> Trainee {
    let mut trainee = Trainee::new(seed);
    let mut random = Random(seed);
    for epoch in 0..EPOCHS {
        let rate = RATE * (1.0 - 0.8 * epoch as f32 / EPOCHS as f32);
        shuffle(&mut order, &mut random);
        for at in order.iter().copied() {
            let (text, weight) = (&texts[at], weights[at]);
            let windows = text.windows.len();
            let any = epoch == 0 && text.attack && windows > 1;
            let window = if any { random.below(windows) } else { trainee.most(&text.windows) };
            trainee.step(text, window, weight, rate, energy, &mut random);
            if !text.attack && windows > 1 {
                trainee.step(text, random.below(windows), weight, rate, energy, &mut random);
            }
        }
    }
    trainee
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn energy_of_benign_texts_costs_and_that_of_attacks_does_not() {
        assert_eq!(slope(0.0, false, 0.5), 0.5 + 0.5 * 2.0);
        assert_eq!(slope(0.0, false, 0.0), 0.5);
        assert_eq!(slope(0.0, true, 0.5), -0.5);
        // What speaks against an attack costs nothing.
        assert_eq!(slope(-3.0, false, 0.5), slope(-3.0, false, 0.0));
    }
}
