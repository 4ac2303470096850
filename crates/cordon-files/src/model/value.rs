//! What the values of a pickle are, as far as it matters: which object, and how long an array is. None of them is ever made.

use std::rc::Rc;

use super::{globals, joblib::Array};

/// What a value is, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A text that may name something.
    Text(Rc<str>),
    /// A whole number that is not below zero.
    Number(u64),
    /// A tuple: the text in front, and the product of its numbers where there is nothing else.
    Tuple(Option<Rc<str>>, Option<u64>),
    /// What an array is made of: bytes of an element.
    Elements(u64),
    /// A dictionary that is the state of an array.
    State(Array),
    /// What a module has under a name.
    Global(globals::Trust, Kind),
    /// What a call made of it.
    Made(globals::Trust, Kind),
    /// Anything else.
    Plain,
    /// What was remembered elsewhere, or under a number that is not known: it may be anything.
    Hidden,
}

/// What is known of an object beside its trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It stands for an array of joblib.
    Wrapper,
    /// It says what an array of NumPy is made of.
    Elements,
    Other,
}
