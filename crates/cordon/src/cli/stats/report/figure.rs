//! What is drawn, as numbers: a figure knows nothing of pixels.

use super::{
    super::{date, number, percent},
    Tone,
};

/// A chart with its words.
pub(in super::super) struct Figure {
    /// Unique on its page, made by us and not from data.
    pub(in super::super) id: String,
    pub(in super::super) title: String,
    pub(in super::super) mark: Option<(Tone, &'static str)>,
    /// What it says, in words.
    pub(in super::super) line: String,
    pub(in super::super) drawing: Drawing,
}

/// The kinds of charts.
pub(in super::super) enum Drawing {
    Bars(Bars),
    Course(Course),
    Curves(Curves),
    Dots(Dots),
    Histogram(Histogram),
}

/// Which data something is of: it decides colour and form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Side {
    Current,
    Reference,
}

/// How numbers along an axis are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Scale {
    Date,
    Number,
    Share,
}

/// Shares of numbers in bins, one side or both.
pub(in super::super) struct Histogram {
    /// One more than bins.
    pub(in super::super) edges: Vec<f64>,
    pub(in super::super) sides: Vec<(Side, Vec<f64>)>,
    /// Where the quantiles of each side lie, drawn under the bins.
    pub(in super::super) bands: Vec<Band>,
    pub(in super::super) scale: Scale,
}

/// Quantiles at 5, 25, 50, 75 and 95 %.
pub(in super::super) struct Band {
    pub(in super::super) side: Side,
    pub(in super::super) levels: [f64; 5],
}

/// Shares of categories, one side or both.
pub(in super::super) struct Bars {
    pub(in super::super) labels: Vec<String>,
    pub(in super::super) sides: Vec<(Side, Vec<f64>)>,
}

/// Estimates with their intervals, one below the other.
pub(in super::super) struct Dots {
    /// What it is, in the list of definitions.
    pub(in super::super) term: &'static str,
    pub(in super::super) dots: Vec<Dot>,
    /// A limit, and its name.
    pub(in super::super) limit: Option<(f64, String)>,
    pub(in super::super) scale: Scale,
    /// Where the axis begins and ends at least.
    pub(in super::super) at_least: (f64, f64),
}

/// Values over time, and a line through them that goes on.
pub(in super::super) struct Course {
    pub(in super::super) points: Vec<(f64, f64)>,
    /// The lower end, the middle and the upper end of the line, over time.
    pub(in super::super) band: Vec<(f64, [f64; 3])>,
    /// The last time that was seen.
    pub(in super::super) last: f64,
    /// A limit, and its name.
    pub(in super::super) limit: Option<(f64, String)>,
    /// Of the time.
    pub(in super::super) scale: Scale,
}

/// An estimate.
pub(in super::super) struct Dot {
    pub(in super::super) label: String,
    pub(in super::super) value: f64,
    /// An end that the data do not bound is infinite.
    pub(in super::super) interval: Option<(f64, f64)>,
    pub(in super::super) tone: Tone,
}

/// Lines and points in a square from 0 to 1.
pub(in super::super) struct Curves {
    /// What it is, in the list of definitions.
    pub(in super::super) term: &'static str,
    pub(in super::super) x: &'static str,
    pub(in super::super) y: &'static str,
    pub(in super::super) curves: Vec<Curve>,
    pub(in super::super) points: Vec<Point>,
}

/// A line. What is dashed is there to be compared with.
pub(in super::super) struct Curve {
    pub(in super::super) name: &'static str,
    pub(in super::super) dashed: bool,
    pub(in super::super) points: Vec<(f64, f64)>,
}

/// A point with an interval upwards and downwards, and the rows behind it.
pub(in super::super) struct Point {
    pub(in super::super) at: (f64, f64),
    pub(in super::super) interval: (f64, f64),
    pub(in super::super) rows: u64,
}

impl Figure {
    /// Of no column: its id is a word.
    pub(in super::super) fn new(id: &str, title: &str, line: impl Into<String>, drawing: Drawing) -> Self {
        Self { id: id.to_owned(), title: title.to_owned(), mark: None, line: line.into(), drawing }
    }
}

impl Dots {
    /// Without a limit, on an axis that shows these numbers at least.
    pub(in super::super) fn new(
        term: &'static str,
        scale: Scale,
        at_least: (f64, f64),
        dots: Vec<Dot>,
    ) -> Self {
        Self { term, dots, limit: None, scale, at_least }
    }
}

impl Side {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Reference => "reference",
        }
    }

    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Current => "s2",
            Self::Reference => "s1",
        }
    }
}

impl Scale {
    pub(super) fn show(self, value: f64) -> String {
        match self {
            Self::Date => date(value),
            Self::Number => number(value),
            Self::Share => percent(value),
        }
    }
}
