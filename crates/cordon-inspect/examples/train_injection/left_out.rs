//! What trainings say of sources that they have not seen, and the limits that follow from it.
//!
//! For what is said of a source nothing of it is looked at, neither in the training nor for a limit: every other source is
//! judged by a training without both, and what these say of its benign texts sets the limits, and chooses what the judge's opinion is
//! worth and how much the energy of benign texts costs in its training.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use cordon_core::Score;
use cordon_inspect::training::{self, Bounds, Limits, Opinions};

use crate::model::{self, BIAS, Lesson};
use crate::{FOLDS, RATES, REQUESTS, Text, net};

/// Whether a judge reads people's texts, and documents and tool results: models/injection.md says why not.
const READ: [bool; 2] = [true, false];
/// Of so many ordinary benign texts at most the judge is asked.
const ASKED: f32 = 0.1;
/// What of the judge's opinion may be added to the sum of features.
const SHARES: [f32; 4] = [0.1, 0.25, 0.5, 1.0];
/// How much the energy of benign texts may cost in the training of the judge; the first, nothing, is for comparison alone.
pub const ENERGIES: [f32; 4] = [0.0, 0.02, 0.1, 0.5];

/// Those of them that the judges of the program are trained with.
pub const PENALTIES: Range<usize> = 1..ENERGIES.len();

/// The sum of features of a window, and the opinion of a judge of each energy.
pub type Judged = (f32, [f32; ENERGIES.len()]);

/// For each text, where it was judged, what was said of each window.
pub struct Said(pub Vec<Vec<Judged>>);

/// A judge of one side: which of the energies, and where it is asked.
#[derive(Clone, Copy, Debug)]
pub struct Chosen {
    pub energy: usize,
    pub bounds: Bounds,
}

/// Where something is reported: of people's texts, and of documents and tool results.
#[derive(Clone, Copy, Debug)]
pub struct Operating {
    /// Of the sums of features.
    pub sides: [Limits; 2],
    /// Of the judges; none where it helps nowhere.
    pub judges: [Option<Chosen>; 2],
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
    pub fn together(&self, at: usize, Chosen { energy, bounds }: Chosen) -> f32 {
        let sum = |window: &Judged| {
            if window.0 >= bounds.to {
                f32::INFINITY
            } else if window.0 >= bounds.from {
                window.0 + bounds.share * window.1[energy]
            } else {
                f32::NEG_INFINITY
            }
        };
        self.0[at].iter().map(sum).fold(f32::NEG_INFINITY, f32::max)
    }

    /// Whether features and judge together report a text, and whether the judge was asked.
    pub fn verdict(&self, at: usize, text: &Text, operating: &Operating) -> (bool, bool) {
        match operating.judges[usize::from(text.indirect)] {
            Some(chosen) => {
                let asked = chosen.bounds.from..chosen.bounds.to;
                let asked = self.0[at].iter().any(|window| asked.contains(&window.0));
                (self.together(at, chosen) >= chosen.bounds.likely, asked)
            }
            None => (self.highest(at) >= operating.limits(text).likely, false),
        }
    }

    /// What the detector says of a text.
    pub fn score(&self, at: usize, text: &Text, operating: &Operating) -> Option<Score> {
        let judge = operating.judges[usize::from(text.indirect)];
        let said = self.0[at].iter().zip(&text.windows).filter_map(|((sum, opinions), window)| {
            let opinion = judge.map_or(0.0, |chosen| opinions[chosen.energy]);
            training::score(
                operating.limits(text),
                judge.map(|chosen| chosen.bounds),
                (*sum, opinion),
                window.evidence,
            )
        });
        said.max()
    }

    /// How far a text is above the limit of its side; endlessly far where the features are sure.
    pub fn above(&self, at: usize, text: &Text, operating: &Operating) -> f32 {
        match operating.judges[usize::from(text.indirect)] {
            Some(chosen) => self.together(at, chosen) - chosen.bounds.likely,
            None => self.highest(at) - operating.limits(text).likely,
        }
    }

    /// The limits that benign texts of some sources set, with judges of some energies to choose from.
    pub fn operating(
        &self,
        texts: &[Text],
        energies: Range<usize>,
        counts: impl Fn(&Text) -> bool,
    ) -> Operating {
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
        let found = |indirect: bool, sum: &dyn Fn(usize) -> bool| -> f32 {
            let rate = |kind: &str| {
                let of_kind =
                    all.iter().filter(|at| texts[**at].kind == kind && texts[**at].indirect == indirect);
                let (of, hits) =
                    of_kind.fold((0, 0), |(of, hits), at| (of + 1, hits + usize::from(sum(*at))));
                hits as f32 / (of as f32).max(1.0)
            };
            rate("direct_injection") + rate("jailbreak") + rate("indirect_injection")
        };
        let sides = [false, true].map(|indirect| {
            let likely =
                both(indirect, RATES.likely[usize::from(indirect)], &|at| self.highest(at)).max(BIAS + 0.1);
            let sure = both(indirect, RATES.sure, &|at| self.highest(at)).max(likely + 0.05);
            Limits { bias: BIAS, likely, sure }
        });
        let judges = [false, true].map(|indirect| {
            if !READ[usize::from(indirect)] {
                return None;
            }
            let limits = sides[usize::from(indirect)];
            let from = limit("benign", indirect, ASKED, &|at| self.highest(at)).min(limits.likely - 0.05);
            let mut best = (found(indirect, &|at| self.highest(at) >= limits.likely), None);
            for (energy, share) in energies.clone().flat_map(|energy| SHARES.map(|share| (energy, share))) {
                let mut bounds = Bounds { from, to: limits.sure, share, likely: 0.0, sure: 1.0 };
                let together = |at| self.together(at, Chosen { energy, bounds });
                bounds.likely =
                    both(indirect, RATES.likely[usize::from(indirect)], &together).clamp(-10.0, 10.0);
                bounds.sure = bounds.likely + limits.sure - limits.likely;
                let found =
                    found(indirect, &|at| self.together(at, Chosen { energy, bounds }) >= bounds.likely);
                if found > best.0 {
                    best = (found, Some(Chosen { energy, bounds }));
                }
            }
            best.1
        });
        Operating { sides, judges }
    }
}

/// The number of the fold of a text.
pub fn fold_of(text: &Text) -> Option<usize> {
    FOLDS.iter().position(|fold| !text.made && fold.contains(&text.source.as_str()))
}

/// For each fold what is said without it: of its own texts by a training without it, of the others' by trainings without both.
pub fn said(texts: &[Text]) -> Vec<Said> {
    let folds: Vec<Option<usize>> = texts.iter().map(fold_of).collect();
    let has = |fold: usize, indirect: bool| {
        texts.iter().zip(&folds).any(|(text, of)| *of == Some(fold) && text.indirect == indirect)
    };
    let pairs: Vec<(usize, usize, [bool; 2])> = (0..FOLDS.len())
        .flat_map(|one| (one..FOLDS.len()).map(move |other| (one, other)))
        .map(|(one, other)| {
            (one, other, [false, true].map(|indirect| has(one, indirect) && has(other, indirect)))
        })
        .filter(|(.., sides)| sides.contains(&true))
        .collect();
    let all = Mutex::new(FOLDS.iter().map(|_| Said(vec![Vec::new(); texts.len()])).collect::<Vec<_>>());
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(&(one, other, sides)) = pairs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let out = |source: &str| FOLDS[one].contains(&source) || FOLDS[other].contains(&source);
            let used = |text: &Text| !(out(&text.source) || text.framed && out(REQUESTS));
            let learned = Learned::of(texts, &model::lesson(texts, used), sides);
            let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
            for (at, text) in texts.iter().enumerate() {
                let Some(fold) = folds[at].filter(|fold| [one, other].contains(fold)) else { continue };
                if sides[usize::from(text.indirect)] {
                    all[one + other - fold].0[at] = learned.judged(text);
                }
            }
            eprintln!("judged without {:?} and {:?}", FOLDS[one], FOLDS[other]);
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, |count| count.get().min(2));
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    all.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// What was learned without some sources: features, and of each side judges of each energy.
struct Learned {
    features: model::Model,
    judges: [Vec<Opinions>; 2],
}

impl Learned {
    fn of(texts: &[Text], lesson: &Lesson, sides: [bool; 2]) -> Self {
        let judge = |indirect: bool, energy: f32| {
            let nets = net::train(texts, lesson, indirect, energy);
            // Rounded as they are in the file; bounds play no part in an opinion.
            let bounds = Bounds { from: 0.0, to: 1.0, share: 1.0, likely: 0.0, sure: 1.0 };
            let file = training::judge_file(&nets, bounds).expect("nets of the right size");
            Opinions::read(&file).expect("a file of nets")
        };
        let judges = [false, true].map(|indirect| {
            let side = usize::from(indirect);
            let energies = ENERGIES.iter().filter(|_| sides[side] && READ[side]);
            energies.map(|energy| judge(indirect, *energy)).collect()
        });
        Self { features: model::train(texts, lesson), judges }
    }

    fn judged(&self, text: &Text) -> Vec<Judged> {
        let mut all: Vec<Judged> = self.features.sums(text).map(|sum| (sum, [0.0; ENERGIES.len()])).collect();
        for (energy, judge) in self.judges[usize::from(text.indirect)].iter().enumerate() {
            for (window, opinion) in all.iter_mut().zip(judge.of(&text.windows)) {
                window.1[energy] = opinion;
            }
        }
        all
    }
}

/// For each fold the limits that the others set.
pub fn unseen(said: &[Said], texts: &[Text], energies: Range<usize>) -> Vec<Operating> {
    let of = |fold: usize| said[fold].operating(texts, energies.clone(), |text| fold_of(text) != Some(fold));
    (0..said.len()).map(of).collect()
}

/// What is said of each text by the training without its own fold.
pub fn own(said: &[Said], texts: &[Text]) -> Said {
    let of =
        |(at, text): (usize, &Text)| fold_of(text).map_or_else(Vec::new, |fold| said[fold].0[at].clone());
    Said(texts.iter().enumerate().map(of).collect())
}
