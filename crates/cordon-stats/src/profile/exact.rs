//! Sums without rounding: the same bits whatever the order and however the data was cut.

/// The sum of doubles, or of their squares, as one large fixed-point number. Adding is exact and therefore associative and
/// commutative; reading it rounds once.
///
/// Digits of 32 bits lie in 64-bit words, so that carries can wait for a billion additions (Neal, "Fast exact summation using
/// small and large superaccumulators", 2015).
#[derive(Debug, Clone)]
pub struct ExactSum<const DIGITS: usize> {
    digits: Box<[i64; DIGITS]>,
    /// Additions since the carries were last passed on.
    pending: u32,
}

/// Digits for every finite double.
pub type Sum = ExactSum<70>;
/// Digits for the square of every finite double.
pub type Squares = ExactSum<136>;

/// Each addition grows a word by less than 2³³; a word has 63 bits.
const MOST_PENDING: u32 = 1 << 29;

impl Sum {
    /// Adds a finite value. The lowest bit of the lowest digit is worth 2⁻¹⁰⁷⁵.
    pub fn add(&mut self, value: f64) {
        let (exponent, mantissa) = parts(value);
        let low = u128::from(mantissa) << (exponent % 32);
        let sign = if value < 0.0 { -1 } else { 1 };
        // 53 bits shifted by up to 31 need 84: three digits.
        if let Some([a, b, c, ..]) = self.digits.get_mut((exponent / 32) as usize..) {
            *a += sign * digit(low);
            *b += sign * digit(low >> 32);
            *c += sign * digit(low >> 64);
        }
        self.added();
    }

    /// The sum, rounded once.
    pub fn value(&self) -> f64 {
        self.rounded(1_075)
    }

    /// The sum as an unevaluated sum of two doubles: twice the digits.
    pub(super) fn pair(&self) -> (f64, f64) {
        let high = self.value();
        let mut rest = self.clone();
        if high.is_finite() {
            rest.add(-high);
        }
        (high, rest.value())
    }
}

impl Squares {
    /// Adds the square of a finite value. The lowest bit of the lowest digit is worth 2⁻²¹⁵⁰.
    pub fn add_square(&mut self, value: f64) {
        let (exponent, mantissa) = parts(value);
        let mantissa = u128::from(mantissa);
        self.place(2 * exponent, mantissa * mantissa, false);
    }

    /// As [`Sum::pair`].
    pub(super) fn pair(&self) -> (f64, f64) {
        let high = self.rounded(2_150);
        let mut rest = self.clone();
        if high.is_finite() {
            let (exponent, mantissa) = parts(high);
            rest.place(exponent + 1_075, u128::from(mantissa), true);
        }
        (high, rest.rounded(2_150))
    }
}

/// The biased exponent, at least 1, and the mantissa of 53 bits: the value is mantissa 2^(exponent − 1075).
fn parts(value: f64) -> (u32, u64) {
    let bits = value.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    match (bits >> 52) as u32 & 0x7ff {
        0 => (1, fraction),
        exponent => (exponent, fraction | 1 << 52),
    }
}

/// The low 32 bits.
fn digit(bits: u128) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "the low 32 bits are wanted")]
    let low = bits as u32;
    i64::from(low)
}

impl<const DIGITS: usize> Default for ExactSum<DIGITS> {
    fn default() -> Self {
        Self { digits: Box::new([0; DIGITS]), pending: 0 }
    }
}

impl<const DIGITS: usize> PartialEq for ExactSum<DIGITS> {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

impl<const DIGITS: usize> ExactSum<DIGITS> {
    /// Adds `magnitude` 2^`position`, or takes it away.
    fn place(&mut self, position: u32, magnitude: u128, negative: bool) {
        let first = (position / 32) as usize;
        let shift = position % 32;
        let sign = if negative { -1 } else { 1 };
        // 106 bits shifted by up to 31 need 137: the part that leaves the u128 comes last.
        let low = magnitude << shift;
        let over = if shift == 0 { 0 } else { magnitude >> (128 - shift) };
        // INVARIANT: there are five digits from the highest position of a finite value on (`Sum`, `Squares`).
        if let Some([a, b, c, d, e, ..]) = self.digits.get_mut(first..) {
            *a += sign * digit(low);
            *b += sign * digit(low >> 32);
            *c += sign * digit(low >> 64);
            *d += sign * digit(low >> 96);
            *e += sign * digit(over);
        }
        self.added();
    }

    fn added(&mut self) {
        self.pending += 1;
        if self.pending >= MOST_PENDING {
            self.carry();
        }
    }

    /// Adds what the other one holds.
    pub fn merge(&mut self, other: &Self) {
        let mut other = other.clone();
        other.carry();
        self.carry();
        for (digit, more) in self.digits.iter_mut().zip(other.digits.iter()) {
            *digit += more;
        }
        self.pending = 2;
    }

    /// Passes the carries on: every digit but the last is then in 0..2³², the last one holds the sign.
    fn carry(&mut self) {
        let mut carry = 0;
        let last = DIGITS - 1;
        for (at, digit) in self.digits.iter_mut().enumerate() {
            let whole = *digit + carry;
            if at == last {
                *digit = whole;
            } else {
                *digit = whole & 0xffff_ffff;
                carry = whole >> 32;
            }
        }
        self.pending = 1;
    }

    /// The digits with carries passed on: one form for each number.
    pub(super) fn canonical(&self) -> Box<[i64; DIGITS]> {
        let mut copy = self.clone();
        copy.carry();
        copy.digits
    }

    /// The sign and the canonical digits of the magnitude, lowest first.
    pub(super) fn magnitude(&self) -> (bool, Box<[i64; DIGITS]>) {
        let digits = self.canonical();
        if digits.last().is_none_or(|last| *last >= 0) {
            return (false, digits);
        }
        let mut copy = self.clone();
        copy.digits.iter_mut().for_each(|digit| *digit = -*digit);
        (true, copy.canonical())
    }

    /// From a sign and digits of 32 bits, lowest first.
    pub(super) fn of_magnitude(negative: bool, digits: impl Iterator<Item = i64>) -> Self {
        let mut sum = Self::default();
        for (digit, value) in sum.digits.iter_mut().zip(digits) {
            *digit = if negative { -value } else { value };
        }
        sum.pending = 1;
        sum
    }

    /// The nearest double, where the lowest bit is worth 2^−`scale`.
    fn rounded(&self, scale: i32) -> f64 {
        let (negative, digits) = self.magnitude();
        let Some(top) = digits.iter().rposition(|digit| *digit != 0) else { return 0.0 };
        let from = top.saturating_sub(2);
        let mut mantissa = 0_u128;
        for digit in digits.iter().take(top + 1).skip(from).rev() {
            mantissa = mantissa << 32 | u128::from(digit.unsigned_abs());
        }
        // One more bit says whether anything lies below, so that the conversion rounds to nearest even.
        let below = digits.iter().take(from).any(|digit| *digit != 0);
        let magnitude = (mantissa << 1 | u128::from(below)) as f64;
        let exponent = i32::try_from(from * 32).unwrap_or(i32::MAX) - scale - 1;
        let value = libm::scalbn(magnitude, exponent);
        if negative { -value } else { value }
    }
}
