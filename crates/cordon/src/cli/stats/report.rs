//! One answer in the forms that people and programs read: a table, Markdown for a pull request, JUnit's XML for CI, and a page
//! with charts. Commands say what they found once, as a [`Report`]; each form is a module below.

mod figure;
mod html;
mod junit;
mod markdown;
mod svg;
mod terms;
mod text;

use std::path::{Path, PathBuf};

use clap::Args;

use super::super::{Outcome, say, table::Align};
use super::StatsError;

pub(super) use figure::{
    Band, Bars, Course, Curve, Curves, Dot, Dots, Drawing, Figure, Histogram, Point, Scale, Side,
};

/// How an answer looks.
#[derive(Args)]
#[group(multiple = false)]
pub(super) struct Form {
    /// JSON with every number instead of a table.
    #[arg(long)]
    pub(super) json: bool,
    /// Markdown, for a pull request.
    #[arg(long)]
    md: bool,
    /// JUnit's XML, for CI: a test case for each row, failed where something was found.
    #[arg(long)]
    junit: bool,
}

/// How an answer looks, and the page that goes beside it.
#[derive(Args)]
pub(super) struct Look {
    #[command(flatten)]
    pub(super) form: Form,
    /// Write a page with charts to this file too: one file that needs no other, for people who read no tables.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// What the page says about when it was made, such as "$(date -I)". Without it the same data gives the same bytes.
    #[arg(long, value_name = "TEXT", requires = "html")]
    dated: Option<String>,
}

/// What is said, before it has a form.
pub(super) struct Report {
    /// The command.
    pub(super) name: &'static str,
    pub(super) summary: String,
    pub(super) sections: Vec<Section>,
    pub(super) notes: Vec<String>,
}

/// A part of a report.
#[derive(Default)]
pub(super) struct Section {
    /// Its heading on a page.
    pub(super) title: String,
    /// A sentence above the table.
    pub(super) line: String,
    pub(super) table: Table,
    pub(super) notes: Vec<String>,
    /// Drawn on a page.
    pub(super) figures: Vec<Figure>,
    /// What else a page says here: how the figures are read, what is not drawn.
    pub(super) aside: Vec<String>,
}

/// Rows under their heads.
#[derive(Default)]
pub(super) struct Table {
    pub(super) heads: Vec<Head>,
    pub(super) rows: Vec<Row>,
}

/// The head of a column.
#[derive(Clone, Copy)]
pub(super) struct Head {
    name: &'static str,
    align: Align,
    /// What it is, in the list of definitions.
    term: Option<&'static str>,
    /// Shown only where there is room for it: on a page.
    roomy: bool,
}

/// A row of a table, which is a test case where it says so.
pub(super) struct Row {
    pub(super) cells: Vec<Cell>,
    pub(super) case: Option<String>,
    /// What was found, where something was.
    pub(super) failure: Option<String>,
}

/// A cell of a table.
#[derive(Clone)]
pub(super) struct Cell {
    pub(super) text: String,
    /// A state, which has a colour on a page.
    pub(super) tone: Option<Tone>,
    /// The figure that shows more of it, by its id.
    pub(super) figure: Option<String>,
    /// What it is, in the list of definitions.
    pub(super) term: Option<&'static str>,
}

/// Whether something is as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Bad,
    Good,
    Quiet,
    Warn,
}

/// What stands before the numbers on a page, for those who decide.
pub(super) struct Story {
    pub(super) title: String,
    pub(super) tone: Tone,
    pub(super) verdict: String,
    pub(super) what: Vec<String>,
    pub(super) how_sure: Vec<String>,
    pub(super) what_to_do: Vec<String>,
    pub(super) cards: Vec<Card>,
    pub(super) sources: Vec<Source>,
}

/// A number that is read first.
pub(super) struct Card {
    pub(super) title: &'static str,
    pub(super) value: String,
    pub(super) note: String,
}

/// A file that was read.
pub(super) struct Source {
    /// What it was read as: `reference`, `current`.
    pub(super) role: &'static str,
    pub(super) path: PathBuf,
    pub(super) rows: u64,
    /// The time that its rows are of, where a column says so.
    pub(super) period: String,
    pub(super) left_out: Vec<String>,
}

impl Look {
    /// Says a report in the form that was asked for.
    pub(super) fn say(&self, report: &Report) -> Outcome {
        say(&if self.form.md {
            markdown::of(report)
        } else if self.form.junit {
            junit::of(report)
        } else {
            text::of(report)
        })
    }

    /// Is there a page to be drawn?
    pub(super) fn is_page(&self) -> bool {
        self.html.is_some()
    }

    /// Writes the page where one is asked for.
    pub(super) fn write(&self, report: &Report, story: impl FnOnce() -> Story) -> Result<(), StatsError> {
        let Some(path) = &self.html else { return Ok(()) };
        let page = html::page(report, &story(), self.dated.as_deref())?;
        crate::files::replace(path, page.as_bytes()).map_err(|error| cannot_write(path, &error))
    }
}

/// How people call what programs call `key`.
pub(super) fn name_of(key: &'static str) -> &'static str {
    terms::find(key).map_or(key, |term| term.name)
}

/// What is said where a file that was asked for cannot be written.
pub(super) fn cannot_write(path: &Path, error: &std::io::Error) -> StatsError {
    StatsError::Told(format!("`{}` cannot be written: {error}", path.display()))
}

impl Head {
    pub(super) const fn left(name: &'static str) -> Self {
        Self { name, align: Align::Left, term: None, roomy: false }
    }

    pub(super) const fn right(name: &'static str) -> Self {
        Self { name, align: Align::Right, term: None, roomy: false }
    }

    /// With its definition.
    pub(super) const fn is(self, term: &'static str) -> Self {
        Self { term: Some(term), ..self }
    }

    /// On a page only.
    pub(super) const fn roomy(self) -> Self {
        Self { roomy: true, ..self }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, tone: None, figure: None, term: None }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl Cell {
    /// With a colour.
    #[must_use]
    pub(super) fn toned(self, tone: Tone) -> Self {
        Self { tone: Some(tone), ..self }
    }

    /// With a way to a figure.
    #[must_use]
    pub(super) fn shown_by(self, figure: Option<String>) -> Self {
        Self { figure, ..self }
    }

    /// With its definition.
    #[must_use]
    pub(super) fn is(self, term: &'static str) -> Self {
        Self { term: Some(term), ..self }
    }
}

impl Row {
    /// A row that is no test case.
    pub(super) fn plain<C: Into<Cell>>(cells: impl IntoIterator<Item = C>) -> Self {
        Self { cells: cells.into_iter().map(Into::into).collect(), case: None, failure: None }
    }
}

impl Table {
    /// Leaves columns out in which no row says anything.
    pub(super) fn leave_empty_out(&mut self) {
        let says = |at: usize| {
            self.rows.iter().any(|row| row.cells.get(at).is_some_and(|cell| !cell.text.is_empty()))
        };
        let kept: Vec<bool> = (0..self.heads.len()).map(says).collect();
        let keep = |at: usize| kept.get(at).copied().unwrap_or(true);
        let mut at = (0..).map(keep);
        self.heads.retain(|_| at.next().unwrap_or(true));
        for row in &mut self.rows {
            let mut at = (0..).map(keep);
            row.cells.retain(|_| at.next().unwrap_or(true));
        }
    }

    /// Heads and rows where there is no room for everything.
    fn narrow(&self) -> (Vec<(&'static str, Align)>, Vec<Vec<String>>) {
        let fits = || self.heads.iter().map(|head| !head.roomy);
        let heads =
            self.heads.iter().filter(|head| !head.roomy).map(|head| (head.name, head.align)).collect();
        let cells = |row: &Row| {
            let kept = row.cells.iter().zip(fits()).filter(|(_, fits)| *fits);
            kept.map(|(cell, _)| cell.text.clone()).collect()
        };
        (heads, self.rows.iter().map(cells).collect())
    }
}

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Good => "good",
            Self::Quiet => "none",
            Self::Warn => "warn",
        }
    }

    /// A sign, for those who do not see colours.
    const fn sign(self) -> &'static str {
        match self {
            Self::Bad => "■",
            Self::Good => "●",
            Self::Quiet => "○",
            Self::Warn => "▲",
        }
    }
}
