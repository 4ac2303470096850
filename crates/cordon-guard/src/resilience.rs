//! What happens when something behind a route fails: which target is tried, which is left alone, what is tried again, and
//! when there is more to do than can be done.
//!
//! Everything that decides is a state machine or a function of values; time and random numbers are arguments.

mod attempts;
mod backoff;
pub mod breaker;
mod budget;
mod health;
mod order;
mod place;
mod shed;
mod window;

pub(crate) use attempts::{Attempts, Trying};
pub use health::{Condition, Health};
pub use order::{Order, order};
pub(crate) use place::highest;
pub use shed::Shedder;
pub use window::Counts;
