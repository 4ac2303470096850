use cordon_core::{Channel, Finding, Score, Span};

use crate::{FileType, Reason};

/// What becomes of a file. The strictest of its reasons decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Disposition {
    /// It may go on, with its text inspected like any other.
    #[default]
    Accept,
    /// It is kept apart until somebody has looked at it.
    Quarantine,
    /// It does not go on.
    Reject,
}

impl Disposition {
    /// The score of a finding that proposes this, so that a guard's rule for `file` can tell them apart by its threshold.
    pub const fn score(self) -> Score {
        match self {
            Self::Accept => Score::percent(10),
            Self::Quarantine => Score::percent(60),
            Self::Reject => Score::ONE,
        }
    }

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Quarantine => "quarantine",
            Self::Reject => "reject",
        }
    }
}

impl std::fmt::Display for Disposition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where in a file: the number of the entry, page, sheet or object, and what is inside that, from 0. Never a name, which
/// would be content.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(pub(crate) Vec<u32>);

impl Place {
    /// The numbers, from the outside in.
    pub fn steps(&self) -> &[u32] {
        &self.0
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("/")?;
            }
            write!(f, "{step}")?;
        }
        Ok(())
    }
}

/// Something that was seen in a file, once for each place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What.
    pub reason: Reason,
    /// Where.
    pub place: Place,
}

/// What a text of a file is to who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// What everybody sees.
    Body,
    /// What stands in the file and nobody sees: white on white, tiny, off the page, covered, switched off, or replaced later.
    Hidden,
    /// What is written about the file: title, author, description, names of entries, alternative texts.
    Metadata,
}

impl Role {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Hidden => "hidden",
            Self::Metadata => "metadata",
        }
    }
}

/// A text that was in a file, to be inspected like any other text of [`Segment::CHANNEL`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// What it is to a reader.
    pub role: Role,
    /// Where it was.
    pub place: Place,
    /// The text.
    pub text: String,
}

impl Segment {
    /// Text of a file is retrieved text, whoever sent the file.
    pub const CHANNEL: Channel = Channel::Document;
}

/// What a picture is by its header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Frames.
    pub frames: u64,
    /// Samples of a pixel, a palette's as the three that it stands for; none where the format does not say it in one place.
    pub channels: Option<u8>,
}

/// What a table is by its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// The cells of the first row.
    pub columns: Vec<String>,
    /// Whether the first row has more or longer cells than are kept.
    pub cut: bool,
    /// Rows behind the first.
    pub rows: u64,
    /// What stands between the cells of a row, as the file's first line shows.
    pub separator: char,
}

/// How a file is built, as far as rules ask for it: of the file itself, and not of what is inside of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Structure {
    /// Of a picture.
    pub picture: Option<Picture>,
    /// Of comma-separated values.
    pub table: Option<Table>,
}

impl Table {
    /// Cells of the first row that are kept, and bytes of each.
    const MOST: usize = 256;

    /// Adds a cell of the first row.
    pub(crate) fn column(&mut self, cell: &str) {
        if self.columns.len() < Self::MOST && cell.len() <= Self::MOST {
            self.columns.push(cell.to_owned());
        } else {
            self.cut = true;
        }
    }
}

/// What an inspection found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What the file is, by its content.
    pub file_type: FileType,
    /// What was seen, in the order of the file; at most [`Report::MOST_SEEN`], and of each
    /// reason at least the first place.
    pub seen: Vec<Seen>,
    /// How many more there were.
    pub unlisted: usize,
    /// The texts, in the order of the file.
    pub segments: Vec<Segment>,
    /// How it is built.
    pub structure: Structure,
    /// Units of work that were done: about one for each byte that was looked at.
    pub work: u64,
    pub(crate) disposition: Disposition,
}

impl Report {
    /// At most so many things are listed.
    pub const MOST_SEEN: usize = 256;
    /// The detector's name in findings.
    pub const DETECTOR: &'static str = "file";
    /// Changes whenever a finding could.
    pub const VERSION: u16 = 2;

    /// What becomes of the file, by the strictest reason, listed or not.
    pub const fn disposition(&self) -> Disposition {
        self.disposition
    }

    /// Whether this was seen anywhere in the file.
    pub fn has(&self, reason: Reason) -> bool {
        self.seen.iter().any(|seen| seen.reason == reason)
    }

    /// The findings for guards: each reason once, over all `length` bytes of the file.
    pub fn findings(&self, length: usize) -> Vec<Finding> {
        let mut reasons: Vec<Reason> = self.seen.iter().map(|seen| seen.reason).collect();
        reasons.sort_unstable();
        reasons.dedup();
        reasons
            .into_iter()
            .map(|reason| Finding {
                category: reason.category(),
                span: Span::new(0, length),
                score: reason.disposition().score(),
                detector: Self::DETECTOR,
                detector_version: Self::VERSION,
                continues: false,
                listed: cordon_core::Listed::NONE,
            })
            .collect()
    }
}
