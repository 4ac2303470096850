//! The training: the likelihood of right labels under a linear-chain conditional random field (Lafferty et al. 2001), by
//! AdaGrad (Duchi et al. 2011), one stretch of words at a time.

use cordon_inspect::names::training::{BESIDE, LABELS, NEVER, TAGS};

use crate::Random;

/// Words that are judged together, with their right labels.
pub struct Stretch {
    pub rows: Vec<Vec<u32>>,
    pub labels: Vec<usize>,
}

/// The weights.
pub struct Crf {
    pub weights: Vec<[f32; TAGS]>,
    pub changes: [[f32; LABELS]; LABELS],
    squares: Vec<[f32; TAGS]>,
    change_squares: [[f32; LABELS]; LABELS],
}

/// The step of AdaGrad, and what pulls a weight to zero whenever its feature is seen.
const RATE: f32 = 0.12;
const DECAY: f32 = 2e-5;
/// One in so many features of a word is left out in a round, so that none is needed.
const DROPPED: usize = 2;
/// Of one in so many words every feature is left out that knows a word beside it: what stands around a name is often new.
const ALONE: usize = 3;

/// Whether label `to` may follow label `from`.
fn may_follow(from: usize, to: usize) -> bool {
    to == 0 || to % 2 == 1 || to == from || to == from + 1 && from % 2 == 1
}

impl Crf {
    pub fn new(rows: usize) -> Self {
        let mut changes = [[0.0; LABELS]; LABELS];
        for (from, row) in changes.iter_mut().enumerate() {
            for (to, change) in row.iter_mut().enumerate() {
                if !may_follow(from, to) {
                    *change = NEVER;
                }
            }
        }
        Self {
            weights: vec![[0.0; TAGS]; rows],
            changes,
            squares: vec![[1e-3; TAGS]; rows],
            change_squares: [[1.0; LABELS]; LABELS],
        }
    }

    /// Some rounds over all stretches, in random order.
    pub fn train(&mut self, stretches: &[Stretch], rounds: usize, random: &mut Random) {
        let mut order: Vec<usize> = (0..stretches.len()).collect();
        for round in 0..rounds {
            for i in (1..order.len()).rev() {
                order.swap(i, random.below(i + 1));
            }
            let mut loss = 0.0_f64;
            for i in &order {
                loss += f64::from(self.step(&stretches[*i], random));
            }
            eprintln!("round {round}: loss {:.4}", loss / stretches.len() as f64);
        }
    }

    fn step(&mut self, stretch: &Stretch, random: &mut Random) -> f32 {
        let count = stretch.rows.len();
        let kept: Vec<Vec<u32>> = stretch
            .rows
            .iter()
            .map(|rows| {
                let alone = random.below(ALONE) == 0;
                let kept = rows
                    .iter()
                    .zip(0..)
                    .filter(|(_, at)| !(alone && BESIDE.contains(at)) && random.below(DROPPED) > 0);
                kept.map(|(row, _)| *row).collect()
            })
            .collect();
        let mut own = vec![[0.0_f32; LABELS]; count];
        for (own, rows) in own.iter_mut().zip(&kept) {
            for row in rows {
                for (score, weight) in own[1..].iter_mut().zip(&self.weights[*row as usize]) {
                    *score += weight;
                }
            }
            let most = own.iter().fold(f32::MIN, |most, score| most.max(*score));
            for score in own.iter_mut() {
                *score = (*score - most).max(-40.0).exp();
            }
        }
        let factors = self.changes.map(|row| row.map(f32::exp));
        let mut forward = vec![[0.0_f32; LABELS]; count];
        let mut before = [0.0; LABELS];
        before[0] = 1.0;
        for at in 0..count {
            let mut now = [0.0; LABELS];
            for from in 0..LABELS {
                for to in 0..LABELS {
                    now[to] += before[from] * factors[from][to];
                }
            }
            for (sum, own) in now.iter_mut().zip(&own[at]) {
                *sum *= own;
            }
            scale(&mut now);
            forward[at] = now;
            before = now;
        }
        let mut loss = 0.0;
        let mut after = [1.0_f32; LABELS];
        for at in (0..count).rev() {
            let mut share = forward[at];
            for (value, after) in share.iter_mut().zip(after) {
                *value *= after;
            }
            scale(&mut share);
            let gold = stretch.labels[at];
            loss -= share[gold].max(1e-9).ln();
            for row in &kept[at] {
                let row = *row as usize;
                for tag in 0..TAGS {
                    let gradient = f32::from(u8::from(gold == tag + 1)) - share[tag + 1];
                    if gradient.abs() < 1e-3 {
                        continue;
                    }
                    let weight = &mut self.weights[row][tag];
                    let gradient = gradient - DECAY * *weight;
                    self.squares[row][tag] += gradient * gradient;
                    *weight += RATE * gradient / self.squares[row][tag].sqrt();
                }
            }
            // The changes to this word.
            let prior = at.checked_sub(1).map_or_else(
                || {
                    let mut none = [0.0; LABELS];
                    none[0] = 1.0;
                    none
                },
                |at| forward[at],
            );
            let mut pairs = [[0.0_f32; LABELS]; LABELS];
            let mut sum = 0.0;
            for from in 0..LABELS {
                for to in 0..LABELS {
                    pairs[from][to] = prior[from] * factors[from][to] * own[at][to] * after[to];
                    sum += pairs[from][to];
                }
            }
            let gold_before = at.checked_sub(1).map_or(0, |at| stretch.labels[at]);
            for from in 0..LABELS {
                for to in 0..LABELS {
                    if !may_follow(from, to) {
                        continue;
                    }
                    let right = f32::from(u8::from(from == gold_before && to == gold));
                    let gradient = right - pairs[from][to] / sum.max(f32::MIN_POSITIVE);
                    self.change_squares[from][to] += gradient * gradient;
                    self.changes[from][to] += RATE * gradient / self.change_squares[from][to].sqrt();
                }
            }
            let mut now = [0.0; LABELS];
            for from in 0..LABELS {
                for to in 0..LABELS {
                    now[from] += factors[from][to] * own[at][to] * after[to];
                }
            }
            scale(&mut now);
            after = now;
        }
        loss
    }
}

fn scale(values: &mut [f32; LABELS]) {
    let sum: f32 = values.iter().sum();
    if sum > f32::MIN_POSITIVE {
        for value in values {
            *value /= sum;
        }
    }
}
