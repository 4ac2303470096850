//! The training itself: a logistic regression for each category on hashed features.

use std::collections::BTreeMap;

use cordon_inspect::policy::training::{BUCKETS, COLUMNS, OF_CLASSES, divisor};

use crate::{Random, Text};

/// What every sum begins with. It is not learned: what the model has never seen is harmless.
pub const BIAS: f32 = -2.5;
/// Sources weigh by the number of their texts to the power of one minus this.
const EVEN: f32 = 0.5;
const EPOCHS: usize = 5;
const RATE: f32 = 0.08;
/// What is of a category is one of many columns, so it counts for several.
const OF_CATEGORY: f32 = 4.0;
/// Of a hundred features of words so many are left out of each step.
const LEFT_OUT: usize = 50;

pub struct Model {
    pub weights: Vec<[f32; COLUMNS]>,
    squares: Vec<[f32; COLUMNS]>,
}

impl Model {
    fn sums(&self, block: &[u32]) -> [f32; COLUMNS] {
        let mut sums = [0.0; COLUMNS];
        for feature in block {
            for (sum, weight) in sums.iter_mut().zip(&self.weights[*feature as usize]) {
                *sum += weight;
            }
        }
        sums.map(|sum| BIAS + sum / divisor(block.len()))
    }

    /// The block and the column, of those that may be, with the highest sum, and that.
    pub fn most(&self, text: &Text, may: u32) -> (usize, usize, f32) {
        let mut most = (0, 0, f32::MIN);
        for (at, block) in text.blocks.iter().enumerate() {
            for (column, sum) in self.sums(block).into_iter().enumerate() {
                if may >> column & 1 == 1 && sum > most.2 {
                    most = (at, column, sum);
                }
            }
        }
        most
    }

    /// A step of AdaGrad (Duchi, Hazan, Singer 2011) towards what a block is, and for the columns whose truth is known.
    fn step(&mut self, whole: &[u32], truth: u32, known: u32, weight: f32, random: &mut Random) {
        // Some features are left out, so that a word alone does not carry what its class says as well.
        let block: Vec<u32> = whole
            .iter()
            .copied()
            .filter(|feature| *feature < OF_CLASSES || random.below(100) >= LEFT_OUT)
            .collect();
        let block = block.as_slice();
        let sums = self.sums(block);
        let mut slopes = [0.0; COLUMNS];
        for (column, slope) in slopes.iter_mut().enumerate().filter(|(column, _)| known >> column & 1 == 1) {
            let chance = 1.0 / (1.0 + (-sums[column]).exp());
            let truth = (truth >> column & 1) as f32;
            let weight = if truth > 0.0 { weight * OF_CATEGORY } else { weight };
            *slope = (chance - truth) * weight / divisor(block.len());
        }
        for feature in block {
            let row = *feature as usize;
            let weights = self.weights[row].iter_mut().zip(&mut self.squares[row]);
            for ((weight, square), slope) in weights.zip(slopes) {
                *square += slope * slope;
                *weight -= RATE * slope / (square.sqrt() + 1e-4);
            }
        }
    }
}

/// A model of the texts that are used. A request of which only a group of categories is known is learned as the one of them that is
/// likeliest so far, once generated texts have said what each is.
pub fn train(texts: &[Text], used: impl Fn(&Text) -> bool) -> Model {
    let mut model = Model { weights: vec![[0.0; COLUMNS]; BUCKETS], squares: vec![[0.0; COLUMNS]; BUCKETS] };
    let mut order: Vec<usize> = (0..texts.len()).filter(|at| used(&texts[*at])).collect();
    let mut counts: BTreeMap<(&str, bool), f32> = BTreeMap::new();
    for text in order.iter().map(|at| &texts[*at]) {
        *counts.entry((&text.source, text.may != 0)).or_default() += 1.0;
    }
    let total = |harm: bool| -> f32 {
        counts.iter().filter(|((_, of), _)| *of == harm).map(|(_, count)| count.powf(1.0 - EVEN)).sum()
    };
    let half = [false, true].map(|harm| order.len() as f32 / 2.0 / total(harm).max(1.0));
    let mut random = Random(7);
    for epoch in 0..EPOCHS {
        for at in (1..order.len()).rev() {
            order.swap(at, random.below(at + 1));
        }
        for at in order.iter().copied() {
            let text = &texts[at];
            let weight =
                counts[&(text.source.as_str(), text.may != 0)].powf(-EVEN) * half[usize::from(text.may != 0)];
            if text.may == 0 {
                let most = model.most(text, u32::MAX).0;
                model.step(&text.blocks[most], 0, u32::MAX, weight, &mut random);
                let any = random.below(text.blocks.len());
                model.step(&text.blocks[any], 0, u32::MAX, weight, &mut random);
            } else if text.may.count_ones() == 1 {
                let most = model.most(text, text.may).0;
                model.step(&text.blocks[most], text.may, u32::MAX, weight, &mut random);
            } else if epoch > 0 {
                let (block, column, _) = model.most(text, text.may);
                model.step(&text.blocks[block], 1 << column, 1 << column, weight, &mut random);
            }
        }
    }
    model
}
