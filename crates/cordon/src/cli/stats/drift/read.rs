//! What is compared: two tables, or each segment of them.

use cordon_stats::profile::{ColumnProfile, Profile};

use super::super::{Loaded, Segments, StatsError, columns, parted, report::Source};
use super::{Compared, DriftArgs, File, compare};
use crate::tables::LeftOut;

/// The reference and what is new.
pub(super) enum Read {
    Segments { by: String, sides: [Segments; 2] },
    Whole([Loaded; 2]),
}

impl Read {
    pub(super) fn of(args: &DriftArgs) -> Result<Self, StatsError> {
        let delimiter = args.reading.delimiter;
        let Some(by) = &args.by else {
            let read = |path| Loaded::read(path, delimiter);
            return Ok(Self::Whole([read(&args.reference)?, read(&args.current)?]));
        };
        let reference = Loaded::by(&args.reference, delimiter, by, None)?;
        let current = Loaded::by(&args.current, delimiter, by, Some(&reference))?;
        Ok(Self::Segments { by: by.clone(), sides: [reference, current] })
    }

    pub(super) fn compared(&self) -> Vec<Compared> {
        match self {
            Self::Segments { by, sides: [reference, current] } => by_segment(by, reference, current),
            Self::Whole([reference, current]) => compare(None, &reference.profile, &current.profile),
        }
    }

    /// Both sides of a column that was compared.
    pub(super) fn columns(&self, of: &Compared) -> [Option<&ColumnProfile>; 2] {
        match self {
            Self::Segments { sides, .. } => sides.each_ref().map(|side| match of.segment.as_deref() {
                Some(ALL) => side.whole.column(&of.column),
                segment => side.profiles.get(segment?)?.profile.as_ref()?.column(&of.column),
            }),
            Self::Whole(sides) => sides.each_ref().map(|side| side.profile.column(&of.column)),
        }
    }

    pub(super) fn rows(&self) -> [u64; 2] {
        match self {
            Self::Segments { sides, .. } => sides.each_ref().map(|side| {
                side.profiles.values().filter_map(|grown| grown.profile.as_ref()).map(Profile::rows).sum()
            }),
            Self::Whole(sides) => sides.each_ref().map(|side| side.profile.rows()),
        }
    }

    pub(super) fn left_out(&self) -> [&LeftOut; 2] {
        match self {
            Self::Segments { sides, .. } => sides.each_ref().map(|side| &side.left_out),
            Self::Whole(sides) => sides.each_ref().map(|side| &side.left_out),
        }
    }

    /// Rows of segments beyond the most that are told apart, of both sides.
    pub(super) fn beyond(&self) -> Option<[u64; 2]> {
        match self {
            Self::Segments { sides, .. } => Some(sides.each_ref().map(|side| side.rows_beyond)),
            Self::Whole(_) => None,
        }
    }

    pub(super) fn files(&self, args: &DriftArgs) -> [File; 2] {
        let ([rows, now], [left_out, left_out_now]) = (self.rows(), self.left_out());
        let file = |path: &std::path::Path, rows, left_out: &LeftOut| File {
            file: path.display().to_string(),
            rows,
            left_out: left_out.sentences(),
        };
        [file(&args.reference, rows, left_out), file(&args.current, now, left_out_now)]
    }

    pub(super) fn sources(&self, args: &DriftArgs) -> Vec<Source> {
        let period = |side: usize| match self {
            Self::Segments { .. } => String::new(),
            Self::Whole(sides) => {
                sides.get(side).map(|side| columns::period(&side.profile)).unwrap_or_default()
            }
        };
        let roles = ["reference", "current"].into_iter().zip([&args.reference, &args.current]);
        let read = self.rows().into_iter().zip(self.left_out());
        roles
            .zip(read)
            .enumerate()
            .map(|(side, ((role, path), (rows, left_out)))| Source {
                role,
                path: path.clone(),
                rows,
                period: period(side),
                left_out: left_out.sentences(),
            })
            .collect()
    }
}

/// What stands for a segment where all rows are compared.
const ALL: &str = "(all)";

/// How often each segment is, then every column within those that both have: a segment without rows is a change of the first.
fn by_segment(by: &str, reference: &Segments, current: &Segments) -> Vec<Compared> {
    let mut all = compare(Some(ALL), &reference.whole, &current.whole);
    for (name, left) in &reference.profiles {
        let both =
            left.profile.as_ref().zip(current.profiles.get(name).and_then(|right| right.profile.as_ref()));
        let Some((left, right)) = both else { continue };
        let compared = compare(Some(name), left, right);
        let (first, second) = parted(by, |name| left.column(name).is_some());
        let is_part = |name: &str| name == first || second == Some(name);
        all.extend(compared.into_iter().filter(|column| !is_part(&column.column)));
    }
    all
}
