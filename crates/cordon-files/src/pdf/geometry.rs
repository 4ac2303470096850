//! Places on a page.

use super::{file::File, object::Object};

/// A matrix of six numbers (ISO 32000-1, 8.3.3).
pub(super) type Matrix = [f64; 6];

/// What changes nothing.
pub(super) const IDENTITY: Matrix = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

/// A rectangle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Box4 {
    pub(super) left: f64,
    pub(super) bottom: f64,
    pub(super) right: f64,
    pub(super) top: f64,
}

impl Box4 {
    /// A page that does not say how large it is.
    pub(super) const LETTER: Self = Self { left: 0.0, bottom: 0.0, right: 612.0, top: 792.0 };
    pub(super) const EVERYWHERE: Self = Self { left: -1e9, bottom: -1e9, right: 1e9, top: 1e9 };

    pub(super) fn read(file: &File<'_>, object: &Object) -> Option<Self> {
        let numbers: Vec<f64> =
            object.array()?.iter().filter_map(|item| file.resolve(item).number()).collect();
        match numbers.as_slice() {
            [a, b, c, d] => {
                Some(Self { left: a.min(*c), bottom: b.min(*d), right: a.max(*c), top: b.max(*d) })
            }
            _ => None,
        }
    }

    pub(super) fn holds(&self, x: f64, y: f64) -> bool {
        (self.left..=self.right).contains(&x) && (self.bottom..=self.top).contains(&y)
    }

    pub(super) fn with(self, x: f64, y: f64) -> Self {
        Self {
            left: self.left.min(x),
            bottom: self.bottom.min(y),
            right: self.right.max(x),
            top: self.top.max(y),
        }
    }

    pub(super) const fn of(x: f64, y: f64) -> Self {
        Self { left: x, bottom: y, right: x, top: y }
    }
}

/// The matrix that does what `a` does, then what `b` does.
pub(super) fn product(a: &Matrix, b: &Matrix) -> Matrix {
    let ([a0, a1, a2, a3, a4, a5], [b0, b1, b2, b3, b4, b5]) = (*a, *b);
    [
        a0 * b0 + a1 * b2,
        a0 * b1 + a1 * b3,
        a2 * b0 + a3 * b2,
        a2 * b1 + a3 * b3,
        a4 * b0 + a5 * b2 + b4,
        a4 * b1 + a5 * b3 + b5,
    ]
}

/// Where a matrix puts a point.
pub(super) fn apply(matrix: &Matrix, x: f64, y: f64) -> (f64, f64) {
    let [a, b, c, d, e, f] = *matrix;
    (a * x + c * y + e, b * x + d * y + f)
}

/// At most so many are kept: no operator has more.
const MOST: usize = 8;

/// The numbers among operands, without allocation.
pub(super) struct Numbers {
    numbers: [f64; MOST],
    length: usize,
}

impl Numbers {
    pub(super) fn as_slice(&self) -> &[f64] {
        self.numbers.get(..self.length).unwrap_or_default()
    }
}

/// The first numbers among some operands.
pub(super) fn numbers(operands: &[Object]) -> Numbers {
    let mut found = Numbers { numbers: [0.0; MOST], length: 0 };
    for (slot, number) in found.numbers.iter_mut().zip(operands.iter().filter_map(Object::number)) {
        *slot = number;
        found.length += 1;
    }
    found
}
