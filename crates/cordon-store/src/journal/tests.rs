//! Tests of the journal as a whole: on a disk that loses what was not synced, and on a real one.

mod threaded;
