//! Arrays as joblib writes them between the opcodes of a pickle (`joblib/numpy_pickle.py`): behind the opcode that gives a wrapper its
//! state, which says of what kind its elements are and how many, stand their bytes.
//!
//! Only what is behind the array is looked for here, and nothing is let off for it: whoever lies about the size is read as any other pickle
//! too.

use std::rc::Rc;

use super::value::Value;
use crate::bytes::{index64, tail};

/// What a wrapper's state says of the array behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Array {
    /// Bytes of its elements.
    size: u64,
    /// A byte stands in front of them that says how many bytes of padding follow it.
    is_padded: bool,
}

impl Array {
    /// Of the keys and values of a state, in turns; none where they say no size, as those of arrays of objects do not, behind whose
    /// wrapper another pickle stands.
    pub(super) fn of(state: &[Value]) -> Option<Self> {
        let value = |key: &str| {
            state.chunks_exact(2).rev().find_map(|pair| match pair {
                [Value::Text(found), value] if **found == *key => Some(value),
                _ => None,
            })
        };
        let (Value::Tuple(_, Some(count)), Value::Elements(size)) = (value("shape")?, value("dtype")?) else {
            return None;
        };
        let is_padded = matches!(value("numpy_array_alignment_bytes"), Some(Value::Number(_)));
        Some(Self { size: count.checked_mul(*size)?, is_padded })
    }

    /// Where the opcodes go on behind an array that stands at `at`; none where it is not whole.
    pub(super) fn end(self, bytes: &[u8], at: usize) -> Option<usize> {
        let padding = if self.is_padded { 1 + usize::from(*tail(bytes, at).first()?) } else { 0 };
        let end = at.checked_add(padding)?.checked_add(index64(self.size))?;
        (end <= bytes.len()).then_some(end)
    }
}

/// A tuple: the text in front, and the product of its numbers where there is nothing else.
pub(super) fn tuple(values: &[Value]) -> Value {
    let first = match values.first() {
        Some(Value::Text(text)) => Some(Rc::clone(text)),
        _ => None,
    };
    let product = values.iter().try_fold(1_u64, |product, value| match value {
        Value::Number(number) => product.checked_mul(*number),
        _ => None,
    });
    Value::Tuple(first, product)
}

/// Bytes of an element of a kind as NumPy names it (`numpy.dtype.str` without the order of bytes); none of objects, and of records,
/// which may hold objects.
pub(super) fn element(name: &str) -> Option<u64> {
    let name = name.trim_start_matches(['<', '>', '=', '|']);
    let (kind, width) = name.split_at_checked(1)?;
    let width: u64 = width.parse().ok()?;
    match kind {
        "b" | "i" | "u" | "f" | "c" | "S" | "M" | "m" => Some(width),
        "U" => width.checked_mul(4),
        _ => None,
    }
}
