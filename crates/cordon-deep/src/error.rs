//! Why a folder is not a classifier that can be used.

use std::{fmt, io};

/// A file of a model's folder that cannot be used. It says which file, what is wrong with it, and the way out.
#[derive(Debug)]
pub struct OpenError {
    file: &'static str,
    cause: Cause,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Cause {
    #[error("cannot be read; help: it must be there, a plain file, and readable by this process")]
    Read(#[source] io::Error),
    #[error(
        "is {bytes} bytes long, and {most} are read at most; help: take a smaller model, or raise the limit"
    )]
    TooLarge { bytes: u64, most: u64 },
    #[error(
        "would need {bytes} bytes for what its layers make of `rel_embeddings`, and {most} are kept at most; help: take a smaller model or window, or raise the limit"
    )]
    TooWide { bytes: u64, most: u64 },
    #[error(
        "has a form that this program does not know: {0}; help: take it as its maker published it; if it is, the model cannot be used"
    )]
    Form(String),
    #[error(
        "is of a model with room for a text, which windows of {window} pieces have not; help: raise the limit of pieces in a window"
    )]
    Window { window: usize },
    #[error(
        "`{key}`: {expected} is expected; help: only models that this program computes exactly are taken"
    )]
    Value { key: String, expected: String },
    #[error(
        "`{0}` is not understood; help: take it out if it does not change what the model says, otherwise the model cannot be used"
    )]
    Key(String),
    #[error("{0}; help: the file is damaged, fetch it again")]
    Damaged(&'static str),
    #[error("tensor `{name}` {what}; help: weights and config.json must be of the same model")]
    Tensor { name: String, what: String },
}

impl OpenError {
    pub(crate) const fn new(file: &'static str, cause: Cause) -> Self {
        Self { file, cause }
    }

    /// The file that is meant, below the folder.
    pub const fn file(&self) -> &'static str {
        self.file
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.file, self.cause)
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.cause)
    }
}

impl Cause {
    /// What cannot be read, as far as the reader says it: a file may hold names of any length.
    #[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` has")]
    pub(crate) fn form(error: serde_json::Error) -> Self {
        Self::Form(error.to_string().chars().filter(|c| !c.is_control()).take(300).collect())
    }

    pub(crate) fn value(key: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::Value { key: key.into(), expected: expected.into() }
    }

    pub(crate) fn tensor(name: &str, what: impl Into<String>) -> Self {
        Self::Tensor { name: name.to_owned(), what: what.into() }
    }
}
