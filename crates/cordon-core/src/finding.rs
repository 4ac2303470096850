use crate::{Category, Score};

/// A range of bytes `start..end` in the original content of one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The span `start..end`; an end before the start is read as an empty span.
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end: if end < start { start } else { end } }
    }

    /// Number of bytes.
    pub const fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether it holds no byte.
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Whether the two share a byte.
    pub const fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// As a range, to slice with.
    pub const fn range(self) -> std::ops::Range<usize> {
        self.start..self.end
    }
}

/// What a detector saw: never the value, only what it is and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub category: Category,
    /// Where, in the original bytes.
    pub span: Span,
    /// How sure the detector is, calibrated per category.
    pub score: Score,
    /// The detector's stable name.
    pub detector: &'static str,
    /// The detector's version: it changes whenever a verdict could.
    pub detector_version: u16,
    /// Whether this continues the previous finding of the same detector, whose span met its bound: it is redacted
    /// too, and gets no placeholder of its own.
    pub continues: bool,
    /// Which lists of values that may pass name it, and whether its caller sent it.
    pub listed: Listed,
}

/// Which of the lists of values that a text is read with name a value, and whether it is one that the caller sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Listed {
    lists: u64,
    sent: bool,
}

impl Listed {
    /// None of them.
    pub const NONE: Self = Self { lists: 0, sent: false };

    /// These and list `at`. Beyond the sixty-fourth no list has a say.
    #[must_use]
    pub const fn with(self, at: usize) -> Self {
        if at < 64 { Self { lists: self.lists | 1 << at, ..self } } else { self }
    }

    /// Whether list `at` is among them.
    pub const fn has(self, at: usize) -> bool {
        at < 64 && self.lists >> at & 1 == 1
    }

    /// The same for a value that the caller sent, or not.
    #[must_use]
    pub const fn with_sent(self, sent: bool) -> Self {
        Self { sent, ..self }
    }

    /// Whether the value stood in what the caller sent.
    pub const fn is_sent(self) -> bool {
        self.sent
    }
}
