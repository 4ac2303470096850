//! Detectors whose model runs in this process: read from a folder, and run on threads that may block.
//!
//! What a model is made of is somebody else's ([`Models`]); here is when it is read, on which threads it runs, how many of them at
//! a time, and what its probabilities mean.

use std::{
    ops::Range,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use cordon_core::{Name, Score, Span, resource::DetectorSpec};
use tokio::sync::OwnedSemaphorePermit;

use super::{Failure, adapter::Found};

/// A probability below this is no finding, whatever a guard asks for.
const LEAST: f32 = 0.05;

/// A model that judges texts.
pub trait Judge: Send + Sync + 'static {
    /// The words that it has something to say about, in its order.
    fn labels(&self) -> &[String];

    /// Judges a text, in the parts that it reads at once. It asks `go_on` again and again and stops when that says no; then, and
    /// where it comes to no result, it gives nothing. It computes as long as it takes: never called where nobody may block.
    fn judge(&self, text: &str, go_on: &dyn Fn() -> bool) -> Option<Judged>;
}

/// What a model says of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Its parts, in order. They may overlap.
    pub parts: Vec<Part>,
    /// How many bytes of the text were read.
    pub read: usize,
}

/// What a model says of a part of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Where it is, in bytes.
    pub range: Range<usize>,
    /// How probable each label is, in the order of [`Judge::labels`].
    pub probabilities: Vec<f32>,
}

/// Where models are.
pub trait Models: Send + Sync + 'static {
    /// Reads a model from the folder of this name. It takes as long as it takes: never called where nobody may block.
    ///
    /// # Errors
    /// When it cannot be used: what is wrong, and the way out, for the log.
    fn open(&self, folder: &Name, version: u16) -> Result<Arc<dyn Judge>, String>;
}

/// No models at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoModels;

impl Models for NoModels {
    fn open(&self, _: &Name, _: u16) -> Result<Arc<dyn Judge>, String> {
        Err("this program is built without models; help: build it with the feature `deep`".to_owned())
    }
}

/// The model of a detector.
pub(super) struct Model {
    folder: Name,
    models: Arc<dyn Models>,
    /// The model once it is read, otherwise why it could not be; nothing before the first try.
    opened: Mutex<Option<Result<Arc<dyn Judge>, String>>>,
}

/// How many texts one detector judges at a time: half of the cores, so that calls are served beside it.
pub(super) fn places() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).max(1))
}

impl Model {
    pub(super) const fn new(folder: Name, models: Arc<dyn Models>) -> Self {
        Self { folder, models, opened: Mutex::new(None) }
    }

    /// Reads it, unless that was done. What keeps it from being read is logged once, and tried again with the next self-test.
    pub(super) async fn open(&self, detector: &'static str, spec: &DetectorSpec) {
        if self.judging().is_some() {
            return;
        }
        let (models, folder, version) = (Arc::clone(&self.models), self.folder.clone(), spec.version);
        let opened = tokio::task::spawn_blocking(move || models.open(&folder, version)).await;
        let opened = opened.unwrap_or_else(|_| Err("it could not be read".to_owned())).and_then(|judge| {
            let unknown = spec.categories.keys().find(|word| !judge.labels().contains(word));
            match unknown {
                None => Ok(judge),
                Some(word) => Err(format!(
                    "`{word}` of `categories` is none of its labels; help: they are {:?}",
                    judge.labels()
                )),
            }
        });
        let mut known = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = &opened
            && !matches!(&*known, Some(Err(before)) if before == error)
        {
            let folder = self.folder.as_str();
            tracing::error!(detector, folder, error, "a detector's model cannot be used");
        }
        *known = Some(opened);
    }

    fn judging(&self) -> Option<Arc<dyn Judge>> {
        match &*self.opened.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(Ok(judge)) => Some(Arc::clone(judge)),
            _ => None,
        }
    }

    /// What it finds in a text. Who does not wait for it any more stops it; the place is held until it has stopped.
    pub(super) async fn judge(
        &self,
        spec: &DetectorSpec,
        text: &str,
        deadline: Duration,
        place: OwnedSemaphorePermit,
    ) -> Result<Vec<Found>, Failure> {
        let judge = self.judging().ok_or(Failure::Unready)?;
        let waiting = Waiting::default();
        let (stopped, until) = (Arc::clone(&waiting.0), Instant::now().checked_add(deadline));
        let (judging, owned) = (Arc::clone(&judge), text.to_owned());
        let judged = tokio::task::spawn_blocking(move || {
            let _place = place;
            let in_time = || until.is_none_or(|until| Instant::now() < until);
            let judged = judging.judge(&owned, &|| !stopped.load(Ordering::Relaxed) && in_time());
            // Without a result in time it has no numbers to give, which is another thing.
            judged.ok_or_else(|| if in_time() { Failure::Malformed } else { Failure::Deadline })
        });
        let judged = judged.await.map_err(|_| Failure::Malformed)??;
        if judged.read < text.len() {
            return Err(Failure::TooLong);
        }
        found(&judged, judge.labels(), spec, text).ok_or(Failure::Malformed)
    }
}

/// What is probable, in our categories; nothing where it does not fit the text.
fn found(judged: &Judged, labels: &[String], spec: &DetectorSpec, text: &str) -> Option<Vec<Found>> {
    let mut found = Vec::new();
    for part in &judged.parts {
        let whole = text.get(part.range.clone())?;
        for (label, probability) in labels.iter().zip(&part.probabilities) {
            let Some(category) = spec.categories.get(label) else { continue };
            if whole.is_empty() || *probability < LEAST {
                continue;
            }
            found.push(Found {
                category: category.clone(),
                span: Span::new(part.range.start, part.range.end),
                score: Score::from_f64(f64::from(*probability)).ok()?,
            });
        }
    }
    Some(found)
}

/// Somebody who waits for a model.
#[derive(Default)]
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
