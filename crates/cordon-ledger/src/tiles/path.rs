//! Which tile, and where it lies: `tile/<L>/<N>[.p/<W>]` and `tile/entries/<N>[.p/<W>]`.

use std::{fmt, str::FromStr};

use super::WIDTH;
use crate::text::decimal;

/// What a tile holds. Sorted so that bundles come before the hashes over them, and lower hashes before upper ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Row {
    /// Entries, each with its length before it.
    Entries,
    /// Hashes of subtrees of 256^level leaves; level 0 are leaf hashes. At most 63.
    Hashes(u8),
}

/// One file: which row, which one in it, and how wide. Shown as its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    row: Row,
    index: u64,
    width: u16,
}

/// A text that is not the path of a tile, in its one form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not the path of a tile\nhelp: the form is `tile/<0 to 63, or entries>/x001/x234/067[.p/<1 to 255>]`"
)]
pub struct PathError;

impl Tile {
    /// The tile `index` of a row, `width` hashes or entries wide: 1 to 256.
    pub fn new(row: Row, index: u64, width: u16) -> Option<Self> {
        let level = if let Row::Hashes(level) = row { level } else { 0 };
        (level <= 63 && (1..=WIDTH).contains(&width)).then_some(Self { row, index, width })
    }

    /// The tile `index` of a row as a tree of `size` leaves has it, full or partial; nothing if the tree ends before.
    pub fn of_tree(row: Row, index: u64, size: u64) -> Option<Self> {
        let level = if let Row::Hashes(level) = row { u32::from(level) } else { 0 };
        // How many complete subtrees of 256^level leaves there are.
        let count = size.checked_shr(8 * level).unwrap_or(0);
        let start = index.checked_mul(u64::from(WIDTH))?;
        let width = u16::try_from(count.checked_sub(start)?.min(WIDTH.into())).ok()?;
        Self::new(row, index, width)
    }

    /// What it holds.
    pub fn row(&self) -> Row {
        self.row
    }

    /// Which one in its row, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Hashes or entries in it, 1 to 256.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether it is narrower than a full one.
    pub fn is_partial(&self) -> bool {
        self.width < WIDTH
    }

    /// The full tile at the same place.
    #[must_use]
    pub fn full(self) -> Self {
        Self { width: WIDTH, ..self }
    }

    /// The path, below the prefix of the log.
    pub fn path(&self) -> String {
        self.to_string()
    }

    /// Reads a path in its one form.
    pub fn parse(path: &str) -> Result<Self, PathError> {
        // Longer than the longest: `tile/entries/` + 7 × `x000/` + `.p/255`.
        if path.len() > 64 {
            return Err(PathError);
        }
        let rest = path.strip_prefix("tile/").ok_or(PathError)?;
        let (row, rest) = rest.split_once('/').ok_or(PathError)?;
        let row = match row {
            "entries" => Row::Entries,
            level => Row::Hashes(decimal(level).and_then(|level| u8::try_from(level).ok()).ok_or(PathError)?),
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => {
                let width = decimal(width).and_then(|width| u16::try_from(width).ok()).ok_or(PathError)?;
                (number, width)
            }
            None => (rest, WIDTH),
        };
        let mut index = 0_u64;
        for group in number.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            // 1000 + group: three digits without a leading zero are what `decimal` reads.
            let group = decimal(&format!("1{digits}")).filter(|_| digits.len() == 3).ok_or(PathError)? - 1000;
            index = index.checked_mul(1000).and_then(|index| index.checked_add(group)).ok_or(PathError)?;
        }
        let tile = Self::new(row, index, width).ok_or(PathError)?;
        if tile.path() == path { Ok(tile) } else { Err(PathError) }
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row {
            Row::Entries => f.write_str("tile/entries/")?,
            Row::Hashes(level) => write!(f, "tile/{level}/")?,
        }
        // 1000^6 is the largest power within u64; all groups but the last begin with an x.
        for power in (1..=6).rev().map(|exponent| 1000_u64.pow(exponent)) {
            if self.index >= power {
                write!(f, "x{:03}/", self.index / power % 1000)?;
            }
        }
        write!(f, "{:03}", self.index % 1000)?;
        if self.is_partial() { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

impl FromStr for Tile {
    type Err = PathError;

    fn from_str(path: &str) -> Result<Self, PathError> {
        Self::parse(path)
    }
}
