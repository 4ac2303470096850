//! A classifier: texts in, probabilities of labels out.

use std::{
    fs::File,
    io::{Read, Seek},
    ops::Range,
    path::Path,
};

use crate::{
    config::{Config, Outcome},
    error::{Cause, OpenError},
    model::Model,
    tokenizer::{Token, Tokenizer},
    weights::Weights,
};

const CONFIG: &str = "config.json";
const TOKENIZER: &str = "tokenizer.json";
const WEIGHTS: &str = "model.safetensors";

/// The fewest pieces that a window has room for besides its marks: what is less is no text.
const LEAST_WINDOW: usize = 8;

/// What is read and kept at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest `config.json`, in bytes.
    pub config: u64,
    /// The largest `tokenizer.json`, in bytes.
    pub tokenizer: u64,
    /// The largest `model.safetensors`, in bytes. 16-bit weights are kept as 32-bit: up to twice as much memory. What a table of
    /// relative positions is for each layer has as much room again.
    pub weights: u64,
    /// The most pieces that are read at once; a model that was made for fewer reads fewer. Work grows with its square.
    pub window: usize,
    /// The most windows of one text.
    pub windows: usize,
    /// The longest text, in bytes; what is behind that is not read.
    pub text: usize,
}

impl Default for Limits {
    /// 1 MiB, 64 MiB and 2 GiB of files; 32 windows of 512 pieces; texts of 1 MiB.
    fn default() -> Self {
        Self {
            config: 1 << 20,
            tokenizer: 64 << 20,
            weights: 2 << 30,
            window: 512,
            windows: 32,
            text: 1 << 20,
        }
    }
}

/// A model with its tokenizer.
#[derive(Debug)]
pub struct Classifier {
    tokenizer: Tokenizer,
    model: Model,
    labels: Vec<String>,
    outcome: Outcome,
    remark: Option<&'static str>,
    /// The most pieces of a text in one window.
    window: usize,
    limits: Limits,
}

/// What a classifier says of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Its windows, in order; at least one.
    pub windows: Vec<Window>,
    /// How many bytes of the text were read, from its beginning. Less than all where a bound of [`Limits`] was met.
    pub read: usize,
}

/// What a classifier says of a part of a text that it reads at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// Where in the text it is, in bytes; whole characters.
    pub range: Range<usize>,
    /// What the model says for each label, before it is made a probability.
    pub logits: Vec<f32>,
    /// The probability of each label, in the order of [`Classifier::labels`].
    pub probabilities: Vec<f32>,
}

impl Classifier {
    /// Opens a folder that holds `config.json`, `tokenizer.json` and `model.safetensors`.
    ///
    /// # Errors
    /// When a file is missing, larger than it may be, damaged, or of a model that is not computed exactly here. It says which file
    /// and what in it.
    pub fn open(folder: &Path, limits: Limits) -> Result<Self, OpenError> {
        let config = small(folder, CONFIG, limits.config)?;
        let tokenizer = small(folder, TOKENIZER, limits.tokenizer)?;
        let weights = file(folder, WEIGHTS).map_err(|cause| OpenError::new(WEIGHTS, cause))?;
        Self::read(&config, &tokenizer, weights, limits)
    }

    /// Reads the contents of the three files.
    ///
    /// # Errors
    /// As [`Classifier::open`].
    pub fn read(
        config: &[u8],
        tokenizer: &[u8],
        weights: impl Read + Seek,
        limits: Limits,
    ) -> Result<Self, OpenError> {
        let of = |file| move |cause| OpenError::new(file, cause);
        let config = Config::read(config).map_err(of(CONFIG))?;
        let tokenizer = Tokenizer::read(tokenizer).map_err(of(TOKENIZER))?;
        if usize::try_from(tokenizer.highest()).map_or(true, |highest| highest >= config.vocabulary) {
            let cause = Cause::value("model.vocab", "no piece beyond `vocab_size` of config.json");
            return Err(OpenError::new(TOKENIZER, cause));
        }
        let (before, after) = tokenizer.ends();
        let marks = before.len() + after.len();
        let window = limits.window.min(config.positions).saturating_sub(marks);
        if window < LEAST_WINDOW {
            let cause = match config.positions.saturating_sub(marks) < LEAST_WINDOW {
                true => Cause::value("max_position_embeddings", "room for a text"),
                false => Cause::Window { window: limits.window },
            };
            return Err(OpenError::new(CONFIG, cause));
        }
        let mut weights = Weights::open(weights, limits.weights).map_err(of(WEIGHTS))?;
        let pieces = limits.window.min(config.positions);
        let model = Model::read(&config, &mut weights, pieces).map_err(of(WEIGHTS))?;
        let (labels, outcome, remark) = (config.labels, config.outcome, config.own);
        Ok(Self { tokenizer, model, labels, outcome, remark, window, limits })
    }

    /// The labels, in the model's order.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The class of its own that the folder names and that it was read as, by what is known of it; nothing where it is of a plain one.
    /// None of the folder's code was run.
    pub const fn remark(&self) -> Option<&'static str> {
        self.remark
    }

    /// Says how probable each label is for each window of a text. `go_on` is asked before each layer, and now and then while a long
    /// text is cut into pieces; nothing comes back once it says no, where the model's numbers are none any more, or where its
    /// tokenizer makes more of the text than any published one does.
    pub fn classify(&self, text: &str, go_on: &dyn Fn() -> bool) -> Option<Reading> {
        let text = text.get(..text.floor_char_boundary(self.limits.text))?;
        // No window has room for what is behind these.
        let most = self.window.saturating_mul(self.limits.windows.max(1)).saturating_add(1);
        let tokens = self.tokenizer.tokens(text, most, go_on)?;
        let (before, after) = self.tokenizer.ends();
        let overlap = self.window / 8;
        let mut windows = Vec::new();
        let mut at = 0;
        loop {
            let end = tokens.len().min(at + self.window);
            let own = tokens.get(at..end)?;
            let ids = before.iter().copied().chain(own.iter().map(|token| token.id));
            let ids: Vec<u32> = ids.chain(after.iter().copied()).collect();
            let logits = self.model.logits(&ids, go_on)?.to_vec();
            if !logits.iter().all(|logit| logit.is_finite()) {
                return None;
            }
            let start = if at == 0 { 0 } else { place(own.first(), text) };
            let range = start..place(tokens.get(end), text);
            windows.push(Window { range, probabilities: self.probabilities(&logits), logits });
            if end == tokens.len() || windows.len() >= self.limits.windows {
                return Some(Reading { read: place(tokens.get(end), text), windows });
            }
            at = end - overlap;
        }
    }

    fn probabilities(&self, logits: &[f32]) -> Vec<f32> {
        match self.outcome {
            Outcome::Each => logits.iter().map(|logit| 1.0 / (1.0 + (-logit).exp())).collect(),
            Outcome::One => {
                let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let powers: Vec<f32> = logits.iter().map(|logit| (logit - most).exp()).collect();
                let sum: f32 = powers.iter().sum();
                powers.iter().map(|power| power / sum).collect()
            }
        }
    }
}

/// Where a piece begins, or the end of the text where there is none.
fn place(token: Option<&Token>, text: &str) -> usize {
    let start = token.and_then(|token| usize::try_from(token.start).ok());
    start.map_or(text.len(), |start| text.floor_char_boundary(start))
}

/// Opens a plain file: what else a folder may hold could wait for ever.
fn file(folder: &Path, name: &str) -> Result<File, Cause> {
    let path = folder.join(name);
    let kind = std::fs::metadata(&path).map_err(Cause::Read)?;
    if !kind.is_file() {
        return Err(Cause::Read(std::io::ErrorKind::InvalidInput.into()));
    }
    File::open(path).map_err(Cause::Read)
}

fn small(folder: &Path, name: &'static str, most: u64) -> Result<Vec<u8>, OpenError> {
    let read = || {
        let mut bytes = Vec::new();
        let mut file = file(folder, name)?;
        file.by_ref().take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(Cause::Read)?;
        if bytes.len() as u64 > most {
            let length = file.metadata().map_or(most.saturating_add(1), |file| file.len());
            return Err(Cause::TooLarge { bytes: length, most });
        }
        Ok(bytes)
    };
    read().map_err(|cause| OpenError::new(name, cause))
}
