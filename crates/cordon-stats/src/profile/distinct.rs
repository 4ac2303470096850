//! How many different values: HyperLogLog with 2,048 registers.

use crate::random::mixed;

/// Registers: a standard error of 1.04/√2048, 2.3 %.
const REGISTERS: usize = 2_048;
/// Bits that choose the register.
const BITS: u32 = 11;

/// An estimate of the number of distinct values in two kilobytes. Merging takes the larger register: order and repetition
/// do not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distinct {
    registers: Vec<u8>,
}

impl Default for Distinct {
    fn default() -> Self {
        Self { registers: vec![0; REGISTERS] }
    }
}

impl Distinct {
    /// The relative standard error of [`Distinct::estimate`].
    pub const STANDARD_ERROR: f64 = 0.023;

    /// How many registers there are.
    pub(super) const REGISTERS: usize = REGISTERS;

    /// Counts a value by a 64-bit hash of it.
    pub(crate) fn add(&mut self, hash: u64) {
        let hash = mixed(hash);
        #[expect(clippy::cast_possible_truncation, reason = "eleven bits, and at most 54 zeros")]
        let (at, rank) =
            ((hash >> (64 - BITS)) as usize, ((hash << BITS) | 1 << (BITS - 1)).leading_zeros() as u8 + 1);
        if let Some(register) = self.registers.get_mut(at) {
            *register = (*register).max(rank);
        }
    }

    /// Adds what the other one counted.
    pub fn merge(&mut self, other: &Self) {
        for (register, more) in self.registers.iter_mut().zip(&other.registers) {
            *register = (*register).max(*more);
        }
    }

    /// Both together, where both were counted.
    pub(super) fn both(mine: Option<Self>, theirs: Option<&Self>) -> Option<Self> {
        let mut mine = mine?;
        mine.merge(theirs?);
        Some(mine)
    }

    /// The estimate, by Ertl's improved raw estimator (2017), which needs no table of corrections.
    pub fn estimate(&self) -> f64 {
        let m = REGISTERS as f64;
        let top = 64 - BITS + 1;
        let at =
            |rank: u32| self.registers.iter().filter(|register| u32::from(**register) == rank).count() as f64;
        let mut z = m * tau(1.0 - at(top) / m);
        for rank in (1..top).rev() {
            z = 0.5 * (z + at(rank));
        }
        z += m * sigma(at(0) / m);
        m * m / (2.0 * std::f64::consts::LN_2 * z)
    }

    /// The registers, to be written.
    pub(super) fn registers(&self) -> &[u8] {
        &self.registers
    }

    /// From registers that were written. `None` when they are not.
    pub(super) fn of_registers(registers: Vec<u8>) -> Option<Self> {
        let valid =
            registers.len() == REGISTERS && registers.iter().all(|rank| u32::from(*rank) <= 64 - BITS + 1);
        valid.then_some(Self { registers })
    }
}

/// x + Σ x^(2^k) 2^(k−1): the expected share of what the empty registers hide.
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let mut weight = 1.0;
    let mut sum = x;
    loop {
        x *= x;
        let before = sum;
        sum += x * weight;
        weight += weight;
        if sum == before {
            return sum;
        }
    }
}

/// (1 − x − Σ (1 − x^(2^−k))² 2^−k) / 3: the same for full registers.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let mut weight = 1.0;
    let mut sum = 1.0 - x;
    loop {
        x = x.sqrt();
        let before = sum;
        weight *= 0.5;
        sum -= (1.0 - x) * (1.0 - x) * weight;
        if sum == before {
            return sum / 3.0;
        }
    }
}
