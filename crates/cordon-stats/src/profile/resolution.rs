/// How much of a column is kept. Of two that are merged, the coarser one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resolution {
    /// At most 256 intervals of numbers and 256 categories, and no estimate of what differs: for the many parts of a table.
    Coarse,
    /// At most 2,048 intervals of numbers and 1,024 categories: for a table.
    #[default]
    Fine,
}

impl Resolution {
    /// The most intervals of numbers: a power of two.
    pub(super) const fn intervals(self) -> usize {
        match self {
            Self::Coarse => 256,
            Self::Fine => 2_048,
        }
    }

    /// The most categories.
    pub(super) const fn categories(self) -> usize {
        match self {
            Self::Coarse => 256,
            Self::Fine => 1_024,
        }
    }

    /// Are different values and rows counted?
    pub(super) const fn is_fine(self) -> bool {
        matches!(self, Self::Fine)
    }
}
