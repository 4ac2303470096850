//! The training itself: logistic regression on hashed features.

use std::collections::BTreeMap;

use cordon_inspect::training::{BUCKETS, divisor};

use crate::{GENERATED, Random, Text};

/// What every sum begins with. It is not learned: what the model has never seen is benign.
pub const BIAS: f32 = -2.0;
const EPOCHS: usize = 4;
const EPOCHS_FIRST: usize = 3;
const RATE: f32 = 0.1;
/// Sources weigh by the number of their texts to the power of one minus this.
const EVEN: f32 = 0.5;
/// Many attacks of the data are none without the task that they were made for. One that a model of generated attacks gives less
/// than this counts by that share alone.
const DOUBTFUL: f32 = -1.0;
const DOUBT: f32 = 0.1;

pub struct Model {
    pub weights: Vec<f32>,
    squares: Vec<f32>,
}

impl Model {
    fn sum(&self, window: &[u32]) -> f32 {
        let sum: f32 = window.iter().map(|feature| self.weights[*feature as usize]).sum();
        BIAS + sum / divisor(window.len())
    }

    /// The sum of each window.
    pub fn sums<'a>(&'a self, text: &'a Text) -> impl Iterator<Item = f32> + 'a {
        text.windows.iter().map(|window| self.sum(&window.features))
    }

    /// The most suspicious window, and its sum.
    pub fn most(&self, text: &Text) -> (usize, f32) {
        self.sums(text).enumerate().fold((0, f32::MIN), |most, one| if one.1 > most.1 { one } else { most })
    }

    /// A step of AdaGrad (Duchi, Hazan, Singer 2011).
    fn step(&mut self, text: &Text, window: usize, weight: f32) {
        let window = &text.windows[window].features;
        let chance = 1.0 / (1.0 + (-self.sum(window)).exp());
        let slope = (chance - f32::from(u8::from(text.attack))) * weight / divisor(window.len());
        for feature in window.iter().map(|feature| *feature as usize) {
            self.squares[feature] += slope * slope;
            self.weights[feature] -= RATE * slope / (self.squares[feature].sqrt() + 1e-6);
        }
    }
}

/// What is learned of some texts, and how much each of them counts.
pub struct Lesson {
    pub used: Vec<usize>,
    pub weights: Vec<f32>,
}

/// The texts that are used, with what each counts.
pub fn lesson(texts: &[Text], used: impl Fn(&Text) -> bool) -> Lesson {
    let used: Vec<usize> =
        (0..texts.len()).filter(|at| used(&texts[*at]) && texts[*at].kind != "harmful_request").collect();
    let mut counts: BTreeMap<(&str, bool), f32> = BTreeMap::new();
    for text in used.iter().map(|at| &texts[*at]) {
        *counts.entry((&text.source, text.attack)).or_default() += 1.0;
    }
    let total = |attack: bool| -> f32 {
        counts.iter().filter(|((_, side), _)| *side == attack).map(|(_, count)| count.powf(1.0 - EVEN)).sum()
    };
    let half = [false, true].map(|attack| used.len() as f32 / 2.0 / total(attack));
    let weight = |text: &Text| {
        let count = counts.get(&(text.source.as_str(), text.attack));
        count.map_or(0.0, |count| count.powf(-EVEN) * half[usize::from(text.attack)])
    };
    let mut weights: Vec<f32> = texts.iter().map(weight).collect();
    let certain = |at: &usize| !texts[*at].attack || texts[*at].source == GENERATED;
    let first = fit(texts, used.iter().copied().filter(certain).collect(), EPOCHS_FIRST, &weights);
    for at in used.iter().filter(|at| !certain(at)) {
        if first.most(&texts[*at]).1 < DOUBTFUL {
            weights[*at] *= DOUBT;
        }
    }
    Lesson { used, weights }
}

/// A model of a lesson.
pub fn train(texts: &[Text], lesson: &Lesson) -> Model {
    fit(texts, lesson.used.clone(), EPOCHS, &lesson.weights)
}

/// Any order (Fisher and Yates).
pub fn shuffle(order: &mut [usize], random: &mut Random) {
    for at in (1..order.len()).rev() {
        order.swap(at, random.below(at + 1));
    }
}

fn fit(texts: &[Text], mut order: Vec<usize>, epochs: usize, weights: &[f32]) -> Model {
    let mut model = Model { weights: vec![0.0; BUCKETS], squares: vec![0.0; BUCKETS] };
    let mut random = Random(7);
    for epoch in 0..epochs {
        shuffle(&mut order, &mut random);
        for at in order.iter().copied() {
            let (text, weight) = (&texts[at], weights[at]);
            let windows = text.windows.len();
            // At first nothing is known of which part of a text the attack is.
            let any = epoch == 0 && text.attack && windows > 1 && !text.indirect;
            let window = if any { random.below(windows) } else { model.most(text).0 };
            model.step(text, window, weight);
            if !text.attack && windows > 1 {
                model.step(text, random.below(windows), weight);
            }
        }
    }
    model
}
