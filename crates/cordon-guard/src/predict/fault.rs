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

/// All that is wrong: of each check the [`LISTED`] surest, the first of those that are as sure, and how many there were.
#[derive(Debug)]
pub(crate) struct Faults {
    kept: Vec<Fault>,
    counts: [u64; Check::ALL.len()],
    /// Of each check of which as many as may be are listed, the least sure: what is no surer is only counted.
    least: [Score; Check::ALL.len()],
}

impl Default for Faults {
    fn default() -> Self {
        Self { kept: Vec::new(), counts: [0; Check::ALL.len()], least: [Score::ZERO; Check::ALL.len()] }
    }
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

    /// Notes one that is as sure as this. Milder ones do not hide it, however many came before.
    pub(crate) fn scored(&mut self, check: Check, row: Option<usize>, field: &str, score: Score) {
        let at = check.place();
        let (Some(count), Some(least)) = (self.counts.get_mut(at), self.least.get_mut(at)) else { return };
        *count = count.saturating_add(1);
        let fault = || Fault { check, score, row, field: field.into() };
        if *count <= LISTED as u64 {
            self.kept.push(fault());
            *least = if *count == 1 { score } else { score.min(*least) };
        } else if score > *least {
            let of_check = |known: &&mut Fault| known.check == check;
            // The last of the least sure: of equals, the first are listed.
            if let Some(known) = self.kept.iter_mut().rev().filter(of_check).min_by_key(|known| known.score) {
                *known = fault();
            }
            let scores = self.kept.iter().filter(|known| known.check == check).map(|known| known.score);
            *least = scores.min().unwrap_or(score);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(faults: &Faults) -> Vec<usize> {
        let mut rows: Vec<usize> = faults.kept().iter().filter_map(|fault| fault.row).collect();
        rows.sort_unstable();
        rows
    }

    #[test]
    fn mild_faults_do_not_hide_a_bad_one() {
        let mut faults = Faults::default();
        for row in 0..1_000 {
            faults.scored(Check::Domain, Some(row), "age", Score::percent(96));
        }
        faults.add(Check::Range, Some(3), "age");
        faults.scored(Check::Domain, Some(1_000), "age", Score::percent(99));
        faults.scored(Check::Domain, Some(1_001), "age", Score::percent(95));
        assert_eq!((faults.kept().len(), faults.unlisted()), (LISTED + 1, 1_002 - LISTED as u64));
        let expected: Vec<usize> = (0..4).chain(3..19).chain([1_000]).collect();
        assert_eq!(rows(&faults), expected, "the first of those that are as sure, and the surest");
        // However they come, the surest are listed.
        for (row, score) in (2_000..3_000).zip(992_000..) {
            faults.scored(Check::Domain, Some(row), "age", Score::from_millionths(score));
        }
        let kept = faults.kept().iter().filter(|fault| fault.check == Check::Domain);
        assert_eq!(kept.map(|fault| fault.score.millionths()).min(), Some(992_980));
    }
}
