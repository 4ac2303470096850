//! What is compared: two tables, or each segment of them.

use cordon_stats::profile::{ColumnProfile, Profile};

use super::super::{
    Loaded, StatsError, columns,
    report::Source,
    segments::{By, Segments},
};
use super::{Compared, DriftArgs, File, Tested, compare, together::Together};
use crate::tables::LeftOut;

/// The reference and what is new.
pub(super) enum Read {
    /// Season against the same season; and both sides with all their seasons, to be drawn.
    Seasons {
        by: By,
        sides: [Segments; 2],
        together: [Profile; 2],
    },
    Segments {
        by: By,
        sides: [Segments; 2],
    },
    Whole([Loaded; 2]),
}

impl Read {
    /// With what columns do together.
    pub(super) fn of(args: &DriftArgs) -> Result<(Self, Together), StatsError> {
        let delimiter = args.reading.delimiter;
        let Some(by) = args.parting.by() else {
            let (reference, was) = Together::read(&args.reference, delimiter)?;
            let (current, is) = Together::read(args.current(), delimiter)?;
            let pairs = Together::of([(&reference.profile, was), (&current.profile, is)]);
            return Ok((Self::Whole([reference, current]), pairs));
        };
        let reference = Segments::of(&args.reference, delimiter, &by, None)?;
        let current = Segments::of(args.current(), delimiter, &by, Some(&reference))?;
        let sides = [reference, current];
        if by.is_season() {
            let together = sides.each_ref().map(Segments::together);
            return Ok((Self::Seasons { by, sides, together }, Together::PARTED));
        }
        Ok((Self::Segments { by, sides }, Together::PARTED))
    }

    pub(super) fn compared(&self) -> Vec<Compared> {
        match self {
            Self::Seasons { by, sides, together } => by_season(by, sides, together),
            Self::Segments { by, sides: [reference, current] } => by_segment(by, reference, current),
            Self::Whole([reference, current]) => {
                compare(None, &reference.profile, &current.profile, |_, was, is| Tested::of(was, is))
            }
        }
    }

    /// Both sides of a column that was compared.
    pub(super) fn columns(&self, of: &Compared) -> [Option<&ColumnProfile>; 2] {
        match self {
            Self::Segments { sides, .. } => sides.each_ref().map(|side| match of.segment.as_deref() {
                Some(ALL) => side.sizes.column(&of.column),
                segment => side.profiles.get(segment?)?.column(&of.column),
            }),
            Self::Seasons { together, .. } => together.each_ref().map(|side| side.column(&of.column)),
            Self::Whole(sides) => sides.each_ref().map(|side| side.profile.column(&of.column)),
        }
    }

    pub(super) fn rows(&self) -> [u64; 2] {
        match self {
            Self::Segments { sides, .. } | Self::Seasons { sides, .. } => {
                sides.each_ref().map(|side| side.profiles.values().map(Profile::rows).sum())
            }
            Self::Whole(sides) => sides.each_ref().map(|side| side.profile.rows()),
        }
    }

    pub(super) fn left_out(&self) -> [&LeftOut; 2] {
        match self {
            Self::Segments { sides, .. } | Self::Seasons { sides, .. } => {
                sides.each_ref().map(|side| &side.left_out)
            }
            Self::Whole(sides) => sides.each_ref().map(|side| &side.left_out),
        }
    }

    /// Is it season against season?
    pub(super) const fn is_by_season(&self) -> bool {
        matches!(self, Self::Seasons { .. })
    }

    /// What is said of those rows, where there are any.
    pub(super) fn beyond_said(&self) -> Option<String> {
        let [reference, current] = self.beyond().filter(|rows| *rows != [0, 0])?;
        let what = if self.is_by_season() {
            "rows without a season that the reference has"
        } else {
            "rows of other segments"
        };
        Some(format!("{what} are left out: {reference} of the reference, {current} of the current data"))
    }

    /// Rows of segments beyond the most that are told apart, or of no season that the reference has, of both sides.
    pub(super) fn beyond(&self) -> Option<[u64; 2]> {
        match self {
            Self::Segments { sides, .. } | Self::Seasons { sides, .. } => {
                Some(sides.each_ref().map(|side| side.rows_beyond))
            }
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
        [file(&args.reference, rows, left_out), file(args.current(), now, left_out_now)]
    }

    pub(super) fn sources(&self, args: &DriftArgs) -> Vec<Source> {
        let period = |side: usize| match self {
            Self::Segments { .. } => String::new(),
            Self::Seasons { together, .. } => together.get(side).map(columns::period).unwrap_or_default(),
            Self::Whole(sides) => {
                sides.get(side).map(|side| columns::period(&side.profile)).unwrap_or_default()
            }
        };
        let roles = ["reference", "current"].into_iter().zip([args.reference.as_path(), args.current()]);
        let read = self.rows().into_iter().zip(self.left_out());
        roles
            .zip(read)
            .enumerate()
            .map(|(side, ((role, path), (rows, left_out)))| Source {
                role,
                path: path.to_owned(),
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
fn by_segment(by: &By, reference: &Segments, current: &Segments) -> Vec<Compared> {
    let mut all = compare(Some(ALL), &reference.sizes, &current.sizes, |_, was, is| Tested::of(was, is));
    for (name, left) in &reference.profiles {
        let Some(right) = current.profiles.get(name) else { continue };
        let compared = compare(Some(name), left, right, |_, was, is| Tested::of(was, is));
        let parts = by.columns(|name| left.column(name).is_some());
        let is_part = |name: &str| parts.contains(&Some(name));
        all.extend(compared.into_iter().filter(|column| !is_part(&column.column)));
    }
    all
}

/// Every column but that of the time, season by season.
fn by_season(by: &By, [reference, current]: &[Segments; 2], [was, is]: &[Profile; 2]) -> Vec<Compared> {
    let nothing = ColumnProfile::default();
    let compared = compare(None, was, is, |name, _, _| {
        let seasons: Vec<_> = reference
            .profiles
            .iter()
            .filter_map(|(season, was)| Some((was, current.profiles.get(season)?)))
            .map(|(was, is)| (was.column(name).unwrap_or(&nothing), is.column(name).unwrap_or(&nothing)))
            .collect();
        Tested::by_season(&seasons)
    });
    let time = by.columns(|_| true);
    compared.into_iter().filter(|column| !time.contains(&Some(&column.column))).collect()
}
