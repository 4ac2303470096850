//! Models that detectors have in this process: folders below `models` in the data folder, read by `cordon-deep`.

use std::{
    collections::BTreeMap,
    error::Error as _,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use cordon_core::Name;
use cordon_deep::{Classifier, Limits};
use cordon_guard::remote::{Judge, Judged, Models, Part};

/// The folders of models. Detectors that name the same one share it while any of them has it.
pub(crate) struct Folders {
    root: PathBuf,
    open: Mutex<BTreeMap<(Name, u16), Weak<Local>>>,
}

struct Local(Classifier);

impl Folders {
    pub(crate) const fn new(root: PathBuf) -> Self {
        Self { root, open: Mutex::new(BTreeMap::new()) }
    }
}

impl Models for Folders {
    fn open(&self, folder: &Name, version: u16) -> Result<Arc<dyn Judge>, String> {
        // Held while one is read, so that none is read twice; who asks is on a thread that may wait.
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, known| known.strong_count() > 0);
        let key = (folder.clone(), version);
        if let Some(known) = open.get(&key).and_then(Weak::upgrade) {
            return Ok(known);
        }
        let path = self.root.join(folder.as_str());
        let classifier = Classifier::open(&path, Limits::default()).map_err(|error| {
            let below = error.source().map(|below| format!(" ({below})")).unwrap_or_default();
            format!("{}: {error}{below}", path.display())
        })?;
        if let Some(class) = classifier.remark() {
            tracing::info!(
                folder = %folder, class,
                "a model that names a class of its own is read by what is known of that class; no code of its folder is run"
            );
        }
        let local = Arc::new(Local(classifier));
        open.insert(key, Arc::downgrade(&local));
        Ok(local)
    }
}

impl Judge for Local {
    fn labels(&self) -> &[String] {
        self.0.labels()
    }

    fn judge(&self, text: &str, go_on: &dyn Fn() -> bool) -> Option<Judged> {
        let reading = self.0.classify(text, go_on)?;
        let parts = reading
            .windows
            .into_iter()
            .map(|window| Part { range: window.range, probabilities: window.probabilities });
        Some(Judged { parts: parts.collect(), read: reading.read })
    }
}
