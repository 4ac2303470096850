//! Keeps a failure of the Parquet library to itself: it asserts where a damaged file contradicts itself.

use std::{
    cell::Cell,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

use parquet::errors::ParquetError;

thread_local! {
    /// Is this thread inside [`contained`]?
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Does something with a file of unknown origin. An assertion that fails becomes an error, and nothing is written to standard
/// error about it. What was being read must not be used again after an error.
pub(super) fn contained<T>(work: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |what| {
            if !INSIDE.get() {
                usual(what);
            }
        }));
    });
    INSIDE.set(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    INSIDE.set(false);
    done.unwrap_or_else(|_| Err(ParquetError::General("its pages contradict its description".to_owned())))
}
