//! What names a row in two tables, or a list in one.

use cordon_stats::profile::Cell;

/// What names a row, exactly. What a person reads of a number has fewer digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Id {
    Bits(u64),
    Text(Box<str>),
    Whole(i64),
}

/// Whole numbers up to here are told apart by a double.
const TOLD_APART: f64 = 9_007_199_254_740_992.0;

impl Id {
    /// `None` where a cell does not tell its row from others: nothing, NaN, and whole numbers of which not every digit was kept.
    pub(super) fn of(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Missing => None,
            Cell::Integer(value) => Some(Self::Whole(value)),
            Cell::Boolean(value) => Some(Self::Text(value.to_string().into())),
            Cell::Text(value) => Some(match value.parse::<i64>() {
                // One and the same id is a number in one format and a text in another.
                Ok(whole) if whole.to_string() == value => Self::Whole(whole),
                _ => Self::Text(value.into()),
            }),
            Cell::Date(value) | Cell::Decimal(value) if value.fract() != 0.0 => {
                Some(Self::Bits(value.to_bits()))
            }
            #[expect(clippy::cast_possible_truncation, reason = "whole, and at most 2^53")]
            Cell::Date(value) | Cell::Decimal(value) if value.abs() <= TOLD_APART => {
                Some(Self::Whole(value as i64))
            }
            Cell::Date(_) | Cell::Decimal(_) => None,
        }
    }
}
