//! What trainings say of sources that they have not seen, and the limits that follow from it.
//!
//! For what is said of people's texts of a source nothing of it is looked at, neither in the training nor for a limit: every other source is
//! judged by a training without both, and what these say of its benign texts sets the limits and chooses what the judge's opinion is
//! worth. Where documents and tools bring a text, limits are what trainings without each other source say of that source.

use cordon_inspect::training::{self, Bounds, Limits, Opinions};

use crate::model::{self, BIAS, Lesson};
use crate::{FOLDS, LIKELY, REQUESTS, SURE, Text, net};

/// Of so many ordinary benign texts at most the judge is asked.
const ASKED: f32 = 0.1;
/// What of the judge's opinion may be added to the sum of features.
const SHARES: [f32; 4] = [0.1, 0.25, 0.5, 1.0];

/// For each text, where it was judged, the sum of features and the judge's opinion of each window.
pub struct Said(Vec<Vec<(f32, f32)>>);

/// Where something is reported.
#[derive(Clone, Copy, Debug)]
pub struct Operating {
    /// Of the sums of features of people's texts, and of documents and tool results.
    pub sides: [Limits; 2],
    /// Of the judge; none where it helps nowhere.
    pub bounds: Option<Bounds>,
}

impl Operating {
    pub fn limits(&self, text: &Text) -> Limits {
        self.sides[usize::from(text.indirect)]
    }
}

impl Said {
    pub fn highest(&self, at: usize) -> f32 {
        self.0[at].iter().fold(f32::MIN, |most, window| most.max(window.0))
    }

    /// The highest sum of features and opinion where the judge is asked; all there is where the features are sure.
    fn together(&self, at: usize, bounds: Bounds) -> f32 {
        let sum = |window: &(f32, f32)| {
            if window.0 >= bounds.to {
                f32::INFINITY
            } else if window.0 >= bounds.from {
                window.0 + bounds.share * window.1
            } else {
                f32::NEG_INFINITY
            }
        };
        self.0[at].iter().map(sum).fold(f32::NEG_INFINITY, f32::max)
    }

    /// Whether features and judge together report a text, and whether the judge was asked.
    pub fn verdict(&self, at: usize, text: &Text, operating: &Operating) -> (bool, bool) {
        match operating.bounds.filter(|_| !text.indirect) {
            Some(bounds) => (
                self.together(at, bounds) >= bounds.likely,
                self.0[at].iter().any(|window| (bounds.from..bounds.to).contains(&window.0)),
            ),
            None => (self.highest(at) >= operating.limits(text).likely, false),
        }
    }

    /// The limits that benign texts of some sources set.
    pub fn operating(&self, texts: &[Text], counts: impl Fn(&Text) -> bool) -> Operating {
        let counts = |at: &usize| counts(&texts[*at]) && !self.0[*at].is_empty();
        let all: Vec<usize> = (0..texts.len()).filter(counts).collect();
        let limit = |kind: &str, indirect: bool, rate: f32, sum: &dyn Fn(usize) -> f32| {
            let of_kind =
                all.iter().filter(|at| texts[**at].kind == kind && texts[**at].indirect == indirect);
            let mut sums: Vec<f32> = of_kind.map(|at| sum(*at)).collect();
            sums.sort_by(|a, b| b.total_cmp(a));
            // The next one above: what has the limit itself is reported.
            sums.get((sums.len() as f32 * rate) as usize).map_or(BIAS, |sum| sum.next_up())
        };
        let both = |indirect: bool, rates: [f32; 2], sum: &dyn Fn(usize) -> f32| {
            limit("benign", indirect, rates[0], sum).max(limit("benign_hard", indirect, rates[1], sum))
        };
        let sides = [false, true].map(|indirect| {
            let likely = both(indirect, LIKELY, &|at| self.highest(at)).max(BIAS + 0.1);
            let sure = both(indirect, SURE, &|at| self.highest(at)).max(likely + 0.05);
            Limits { bias: BIAS, likely, sure }
        });
        let from = limit("benign", false, ASKED, &|at| self.highest(at)).min(sides[0].likely - 0.05);
        let found = |sum: &dyn Fn(usize) -> bool| -> f32 {
            let rate = |kind: &str| {
                let of_kind = all.iter().filter(|at| texts[**at].kind == kind && !texts[**at].indirect);
                let (of, hits) =
                    of_kind.fold((0, 0), |(of, hits), at| (of + 1, hits + usize::from(sum(*at))));
                hits as f32 / (of as f32).max(1.0)
            };
            rate("direct_injection") + rate("jailbreak")
        };
        let mut best = (found(&|at| self.highest(at) >= sides[0].likely), None);
        for share in SHARES {
            let mut bounds = Bounds { from, to: sides[0].sure, share, likely: 0.0, sure: 1.0 };
            bounds.likely = both(false, LIKELY, &|at| self.together(at, bounds)).clamp(-10.0, 10.0);
            bounds.sure = bounds.likely + sides[0].sure - sides[0].likely;
            let found = found(&|at| self.together(at, bounds) >= bounds.likely);
            if found > best.0 {
                best = (found, Some(bounds));
            }
        }
        Operating { sides, bounds: best.1 }
    }
}

/// The number of the fold of a text.
pub fn fold_of(text: &Text) -> Option<usize> {
    FOLDS.iter().position(|fold| !text.made && fold.contains(&text.source.as_str()))
}

/// For each fold what is said without it: of its own texts by a training without it, of people's texts of the others by trainings without
/// both. Documents and tool results, which no judge reads, are judged without their own fold alone.
pub fn said(texts: &[Text]) -> Vec<Said> {
    let mut all: Vec<Said> = FOLDS.iter().map(|_| Said(vec![Vec::new(); texts.len()])).collect();
    let has_people = |fold: usize| texts.iter().any(|text| fold_of(text) == Some(fold) && !text.indirect);
    for one in 0..FOLDS.len() {
        for other in one..FOLDS.len() {
            let single = one == other;
            let worth = single || has_people(one) && has_people(other);
            if !worth {
                continue;
            }
            let out = |source: &str| FOLDS[one].contains(&source) || FOLDS[other].contains(&source);
            let used = |text: &Text| !(out(&text.source) || text.framed && out(REQUESTS));
            let (features, opinions) = learn(texts, &model::lesson(texts, used, !single), has_people(one));
            for (at, text) in texts.iter().enumerate() {
                let fold = fold_of(text).filter(|fold| [one, other].contains(fold));
                let Some(fold) = fold.filter(|_| single || !text.indirect) else { continue };
                let judged = judged(text, &features, opinions.as_ref());
                if text.indirect {
                    all.iter_mut().for_each(|said| said.0[at].clone_from(&judged));
                } else {
                    all[one + other - fold].0[at] = judged;
                }
            }
            eprintln!("judged without {:?} and {:?}", FOLDS[one], FOLDS[other]);
        }
    }
    all
}

fn learn(texts: &[Text], lesson: &Lesson, judge: bool) -> (model::Model, Option<Opinions>) {
    let features = model::train(texts, lesson);
    let opinions = judge.then(|| {
        let nets = net::train(texts, lesson);
        // Rounded as they are in the file; bounds play no part in an opinion.
        let bounds = Bounds { from: 0.0, to: 1.0, share: 1.0, likely: 0.0, sure: 1.0 };
        let file = training::judge_file(&nets, bounds).expect("nets of the right size");
        Opinions::read(&file).expect("a file of nets")
    });
    (features, opinions)
}

fn judged(text: &Text, features: &model::Model, opinions: Option<&Opinions>) -> Vec<(f32, f32)> {
    match opinions.filter(|_| !text.indirect) {
        Some(opinions) => features.sums(text).zip(opinions.of(&text.windows)).collect(),
        None => features.sums(text).map(|sum| (sum, 0.0)).collect(),
    }
}

/// What is said of each text by the training without its own fold.
pub fn own(said: &[Said], texts: &[Text]) -> Said {
    let of =
        |(at, text): (usize, &Text)| fold_of(text).map_or_else(Vec::new, |fold| said[fold].0[at].clone());
    Said(texts.iter().enumerate().map(of).collect())
}
