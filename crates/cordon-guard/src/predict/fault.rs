//! What is wrong with the rows of a prediction: which check, which row, which field. Never a value.

use cordon_core::{Category, Score};

use crate::inspection::Part;

/// What was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Check {
    /// A column that the signature does not have.
    Unknown,
    /// A column that the signature asks for, and that is not there.
    Absent,
    /// A column that is there twice.
    Twice,
    /// A value of another type.
    Type,
    /// A value, or a column, of another shape.
    Shape,
    /// Too many rows, none, or not as many as there should be.
    Rows,
    /// A value that is missing.
    Missing,
    /// A number out of its range.
    Range,
    /// A text that is none of its categories.
    Category,
    /// A row unlike those of the reference.
    Domain,
    /// A row of which the model is not sure.
    Confidence,
    /// Models do not agree.
    Agreement,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) check: Check,
    /// How sure.
    pub(crate) score: Score,
    row: Option<usize>,
    field: Box<str>,
}

/// All that is wrong: of each check the first [`LISTED`], and how many there were.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    kept: Vec<Fault>,
    counts: [u64; Check::ALL.len()],
}

/// How many faults of one check are listed, and how many places a caller is told of.
pub(crate) const LISTED: usize = 20;

impl Check {
    const ALL: [Self; 12] = [
        Self::Unknown,
        Self::Absent,
        Self::Twice,
        Self::Type,
        Self::Shape,
        Self::Rows,
        Self::Missing,
        Self::Range,
        Self::Category,
        Self::Domain,
        Self::Confidence,
        Self::Agreement,
    ];

    /// The category of its findings.
    pub(crate) const fn category(self) -> Category {
        Category::known(match self {
            Self::Unknown => "schema/unknown",
            Self::Absent => "schema/absent",
            Self::Twice => "schema/twice",
            Self::Type => "schema/type",
            Self::Shape => "schema/shape",
            Self::Rows => "schema/rows",
            Self::Missing => "schema/missing",
            Self::Range => "schema/range",
            Self::Category => "schema/category",
            Self::Domain => "prediction/domain",
            Self::Confidence => "prediction/confidence",
            Self::Agreement => "prediction/agreement",
        })
    }

    /// What callers read of it.
    const fn words(self) -> &'static str {
        match self {
            Self::Unknown => "not an input of the model",
            Self::Absent => "not there",
            Self::Twice => "there twice",
            Self::Type => "not of its type",
            Self::Shape => "not of its shape",
            Self::Rows => "too many, or none",
            Self::Missing => "missing",
            Self::Range => "out of range",
            Self::Category => "not one of its categories",
            Self::Domain => "unlike what the model was made for",
            Self::Confidence => "not sure enough",
            Self::Agreement => "models do not agree",
        }
    }

    const fn place(self) -> usize {
        self as usize
    }
}

impl Fault {
    /// Where it is, and what, for the caller.
    fn told(&self) -> Box<str> {
        format!("{}: {}", self.name(), self.check.words()).into()
    }
}

impl Part for Fault {
    /// `row[3].age`, `age` or `rows`. A column that the signature does not have is `#5`: its name is the caller's.
    fn name(&self) -> String {
        match self.row {
            Some(row) if self.field.is_empty() => format!("row[{row}]"),
            Some(row) => format!("row[{row}].{}", self.field),
            None => self.field.to_string(),
        }
    }
}

impl Faults {
    /// Notes one.
    pub(crate) fn add(&mut self, check: Check, row: Option<usize>, field: &str) {
        self.scored(check, row, field, Score::ONE);
    }

    /// Notes one that is as sure as this.
    pub(crate) fn scored(&mut self, check: Check, row: Option<usize>, field: &str, score: Score) {
        let Some(count) = self.counts.get_mut(check.place()) else { return };
        if *count < LISTED as u64 {
            self.kept.push(Fault { check, score, row, field: field.into() });
        }
        *count = count.saturating_add(1);
    }

    /// Counts more of them, of which no more are listed.
    pub(crate) fn more(&mut self, check: Check, count: u64) {
        if let Some(known) = self.counts.get_mut(check.place()) {
            *known = known.saturating_add(count);
        }
    }

    /// Whether as many as are listed are known.
    pub(crate) fn is_listed(&self, check: Check) -> bool {
        self.counts.get(check.place()).is_some_and(|count| *count >= LISTED as u64)
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Those that are listed.
    pub(crate) fn kept(&self) -> &[Fault] {
        &self.kept
    }

    /// How many are not listed.
    pub(crate) fn unlisted(&self) -> u64 {
        self.counts.iter().sum::<u64>().saturating_sub(self.kept.len() as u64)
    }
}

/// The first places of these faults, in the order of rows, for the caller.
pub(crate) fn places(mut faults: Vec<&Fault>) -> Vec<Box<str>> {
    faults.sort_by_key(|fault| fault.row);
    faults.into_iter().take(LISTED).map(Fault::told).collect()
}
