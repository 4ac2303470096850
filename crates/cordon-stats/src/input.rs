/// An input that a statistic is not defined for. The numbers themselves are never in the text, only where they are.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InputError {
    /// Nothing varies, so nothing can be scaled by the spread.
    #[error("{what} is constant; help: compare its values as categories")]
    Constant {
        /// The sample or column.
        what: &'static str,
    },
    /// Two inputs that go together differ in length.
    #[error(
        "{left} has {left_length} entries and {right} has {right_length}; help: both must describe the same rows, bins or groups"
    )]
    Lengths {
        /// The first input.
        left: &'static str,
        /// Entries of the first.
        left_length: usize,
        /// The second input.
        right: &'static str,
        /// Entries of the second.
        right_length: usize,
    },
    /// A value is NaN or infinite.
    #[error("{what} is not finite at entry {index}; help: leave such values out and count them")]
    NotFinite {
        /// The sample or column.
        what: &'static str,
        /// The entry, from 0.
        index: usize,
    },
    /// A parameter or entry lies outside what it may be.
    #[error("{what} must be {must}")]
    OutOfRange {
        /// The parameter.
        what: &'static str,
        /// What it must be, as the end of the sentence.
        must: &'static str,
    },
    /// There is too little to say anything.
    #[error("{what} has {got} entries, at least {need} are needed")]
    TooFew {
        /// The sample or column.
        what: &'static str,
        /// How many there are.
        got: usize,
        /// How many are needed.
        need: usize,
    },
}

/// Every entry is finite, or the error that names the first that is not.
pub(crate) fn finite(values: &[f64], what: &'static str) -> Result<(), InputError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(InputError::NotFinite { what, index }),
        None => Ok(()),
    }
}

/// At least `need` entries.
pub(crate) fn at_least(got: usize, need: usize, what: &'static str) -> Result<(), InputError> {
    if got < need {
        return Err(InputError::TooFew { what, got, need });
    }
    Ok(())
}

/// Both have as many entries.
pub(crate) fn same_length<L, R>(
    left: &[L],
    left_name: &'static str,
    right: &[R],
    right_name: &'static str,
) -> Result<(), InputError> {
    if left.len() == right.len() {
        return Ok(());
    }
    Err(InputError::Lengths {
        left: left_name,
        left_length: left.len(),
        right: right_name,
        right_length: right.len(),
    })
}

/// Above zero: not zero, not below it, not NaN.
pub(crate) fn is_positive(value: f64) -> bool {
    value > 0.0
}
