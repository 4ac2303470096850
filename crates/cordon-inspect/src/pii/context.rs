//! Words around an identifier that say what it is.

use aho_corasick::AhoCorasick;

use crate::fold;
use crate::scanner::Context;

/// Bytes before an identifier in which a word can name it.
pub(super) const BEFORE: usize = 72;
/// Words of the longest phrase.
const MAX_WORDS: usize = 5;
/// Bytes of the longest piece of another script, and so what the next reading shares.
const MAX_PIECE: usize = 64;
/// Marks kept without a look at which of them are still needed.
const MAX_MARKS: usize = 64;

/// Bytes between a word that also means other things and the value that it names.
const TIGHT: usize = 12;

/// Rows of the table, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RowSet([u64; 4]);

impl RowSet {
    /// Rows that a set can name.
    #[cfg(test)]
    pub(super) const LIMIT: usize = 256;

    fn add(&mut self, row: usize) {
        if let Some(bits) = self.0.get_mut(row / 64) {
            *bits |= 1 << (row % 64);
        }
    }

    fn join(&mut self, more: Self) {
        for (bits, more) in self.0.iter_mut().zip(more.0) {
            *bits |= more;
        }
    }

    fn has(self, row: usize) -> bool {
        self.0.get(row / 64).is_some_and(|bits| bits >> (row % 64) & 1 == 1)
    }
}

/// The rows that a phrase names, by how sure it is of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Named {
    /// As far as each row reaches.
    loose: RowSet,
    /// In front of the value alone, and near.
    tight: RowSet,
    /// The same, and only with a sign (`dl:`, `DL #`) behind it: in prose it is something else.
    signed: RowSet,
}

impl Named {
    fn join(&mut self, more: Self) {
        self.loose.join(more.loose);
        self.tight.join(more.tight);
        self.signed.join(more.signed);
    }
}

/// The words that name the rows of a table, compiled.
#[derive(Debug)]
pub(crate) struct Words {
    /// One bit for each value of a few bits of the hash of a phrase's last word.
    last_words: Vec<u64>,
    /// Phrases of Latin letters: the hashes of their words from the last to the first, sorted.
    phrases: Vec<(Vec<u32>, Named)>,
    /// Folded phrases of other scripts, some of which put no spaces between words.
    pieces: Option<AhoCorasick>,
    piece_rows: Vec<RowSet>,
}

impl Words {
    /// The lists of all rows, phrases joined by `|`; one that ends with `~` names only what is near, and one that ends with
    /// `:` only with a sign behind it.
    pub(super) fn new<'a>(lists: impl Iterator<Item = &'a str>) -> Self {
        let mut phrases: Vec<(Vec<u32>, Named)> = Vec::new();
        let mut pieces: Vec<Vec<u8>> = Vec::new();
        let mut piece_rows: Vec<RowSet> = Vec::new();
        for (row, list) in lists.enumerate() {
            for phrase in list.split('|').filter(|phrase| !phrase.is_empty()) {
                if phrase.is_ascii() {
                    let letters = phrase.trim_end_matches(['~', ':']);
                    let mut named = Named::default();
                    match phrase.get(letters.len()..) {
                        Some("~") => named.tight.add(row),
                        Some(":") => named.signed.add(row),
                        _ => named.loose.add(row),
                    }
                    let mut words: Vec<u32> =
                        letters.split(' ').map(|word| word.bytes().fold(SEED, step)).collect();
                    words.reverse();
                    match phrases.iter_mut().find(|(known, _)| *known == words) {
                        Some((_, known)) => known.join(named),
                        None => phrases.push((words, named)),
                    }
                } else {
                    let mut rows = RowSet::default();
                    rows.add(row);
                    pieces.push(fold::word(phrase));
                    piece_rows.push(rows);
                }
            }
        }
        phrases.sort_by(|a, b| a.0.cmp(&b.0));
        let mut last_words = vec![0; usize::from(u16::MAX) / 64 + 1];
        for (words, _) in &phrases {
            let (slot, bit) = words.first().map_or((0, 0), |hash| place(*hash));
            if let Some(bits) = last_words.get_mut(slot) {
                *bits |= bit;
            }
        }
        Self { last_words, phrases, pieces: AhoCorasick::new(&pieces).ok(), piece_rows }
    }

    /// The rows that phrases ending with these words name; the last word comes first.
    fn ending(&self, words: &[u32]) -> Named {
        let mut named = Named::default();
        let Some(last) = words.first() else { return named };
        let (slot, bit) = place(*last);
        if self.last_words.get(slot).is_none_or(|bits| bits & bit == 0) {
            return named;
        }
        let from = self.phrases.partition_point(|(phrase, _)| phrase.first() < Some(last));
        let same = self.phrases.get(from..).unwrap_or_default().iter();
        for (phrase, more) in same.take_while(|(phrase, _)| phrase.first() == Some(last)) {
            if words.starts_with(phrase) {
                named.join(*more);
            }
        }
        named
    }
}

/// FNV-1a with 32 bits: its offset basis, and one step.
const SEED: u32 = 0x811c_9dc5;

fn step(hash: u32, byte: u8) -> u32 {
    (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
}

/// The place of a hash among the last words.
fn place(hash: u32) -> (usize, u64) {
    let folded = (hash >> 16 ^ hash) & u32::from(u16::MAX);
    (usize::try_from(folded / 64).unwrap_or(0), 1 << (folded % 64))
}

/// Reads words where an identifier wants to know them, every byte once.
#[derive(Debug, Default)]
pub(super) struct Reader {
    read_to: usize,
    /// The hash of the word that is open.
    word: Option<u32>,
    /// A word that ended here names these rows if a sign follows.
    unsigned: Option<(usize, RowSet)>,
    previous: u8,
    /// The last words, the latest first.
    recent: [u32; MAX_WORDS],
    marks: Vec<Mark>,
}

/// What was read up to folded byte `end`.
#[derive(Clone, Copy, Debug)]
struct Mark {
    end: usize,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Words that name these rows.
    Words(RowSet),
    /// Words that name these rows for what stands right behind them.
    Tight(RowSet),
    /// The end of a line.
    Line,
    /// A blank line.
    Blank,
}

impl Reader {
    /// Reads on to folded byte `to`, from `from` at the latest. Words are runs of letters, cut where a capital follows a
    /// small letter (`customerSsn`).
    pub(super) fn read(&mut self, from: usize, to: usize, context: &Context<'_>) {
        if self.read_to < from {
            *self = Self { read_to: from, marks: std::mem::take(&mut self.marks), ..Self::default() };
        }
        if to <= self.read_to {
            return;
        }
        if self.marks.len() > MAX_MARKS {
            self.marks.retain(|mark| mark.end >= from);
        }
        let begin = self.read_to;
        let mut other_scripts = false;
        for (i, byte) in context.text.slice(begin, to).iter().enumerate() {
            let letter = byte.is_ascii_alphabetic();
            if self.word.is_some()
                && (!letter || self.previous.is_ascii_lowercase() && byte.is_ascii_uppercase())
            {
                self.end_word(begin + i, context);
            }
            if let Some((end, rows)) = self.unsigned
                && !matches!(byte, b' ' | b'\t')
            {
                self.unsigned = None;
                if matches!(byte, b':' | b'#' | b'=' | b'"' | b'\'' | b'|' | b'.' | b'-' | b'_') {
                    self.marks.push(Mark { end, kind: Kind::Tight(rows) });
                }
            }
            if letter {
                self.word = Some(step(self.word.unwrap_or(SEED), byte.to_ascii_lowercase()));
            } else if *byte == b'\n' {
                let kind = if self.previous == b'\n' { Kind::Blank } else { Kind::Line };
                self.marks.push(Mark { end: begin + i + 1, kind });
            }
            other_scripts |= *byte >= 0x80;
            self.previous = *byte;
        }
        self.read_to = to;
        if other_scripts && let Some(pieces) = &context.tables.identifiers.words().pieces {
            let start = begin.saturating_sub(MAX_PIECE);
            for found in pieces.find_overlapping_iter(context.text.slice(start, to)) {
                let end = start + found.end();
                let rows = context.tables.identifiers.words().piece_rows.get(found.pattern().as_usize());
                if let Some(rows) = rows.filter(|_| end > begin) {
                    self.marks.push(Mark { end, kind: Kind::Words(*rows) });
                }
            }
        }
    }

    /// The text ends: so does its last word.
    pub(super) fn close(&mut self, context: &Context<'_>) {
        self.end_word(self.read_to, context);
    }

    fn end_word(&mut self, end: usize, context: &Context<'_>) {
        let Some(hash) = self.word.take() else { return };
        self.recent.rotate_right(1);
        if let Some(latest) = self.recent.first_mut() {
            *latest = hash;
        }
        let named = context.tables.identifiers.words().ending(&self.recent);
        if named == Named::default() {
            return;
        }
        for (rows, kind) in [(named.loose, Kind::Words(named.loose)), (named.tight, Kind::Tight(named.tight))]
        {
            if rows != RowSet::default() {
                self.marks.push(Mark { end, kind });
            }
        }
        if named.signed != RowSet::default() {
            self.unsigned = Some((end, named.signed));
        }
    }

    /// Whether a word in `reach` bytes before `start` names the row; a blank line parts what it says from the rest.
    pub(super) fn names_before(&self, row: usize, start: usize, reach: usize) -> bool {
        let blank = self.marks.iter().filter(|mark| matches!(mark.kind, Kind::Blank) && mark.end <= start);
        let from = blank.map(|mark| mark.end).max().unwrap_or(0).max(start.saturating_sub(reach));
        self.names(row, from, start)
            || self.marks.iter().any(|mark| match mark.kind {
                Kind::Tight(rows) => {
                    from.max(start.saturating_sub(TIGHT + 1)) < mark.end && mark.end <= start && rows.has(row)
                }
                Kind::Words(_) | Kind::Line | Kind::Blank => false,
            })
    }

    /// Whether a word behind `end` and before `until` names the row; the end of a line ends what is said of it.
    pub(super) fn names_after(&self, row: usize, end: usize, until: usize) -> bool {
        let line = self
            .marks
            .iter()
            .filter(|mark| !matches!(mark.kind, Kind::Words(_) | Kind::Tight(_)) && mark.end > end);
        let until = line.map(|mark| mark.end).min().unwrap_or(until).min(until);
        self.names(row, end, until)
    }

    fn names(&self, row: usize, from: usize, until: usize) -> bool {
        self.marks.iter().any(|mark| match mark.kind {
            Kind::Words(rows) => from < mark.end && mark.end <= until && rows.has(row),
            Kind::Tight(_) | Kind::Line | Kind::Blank => false,
        })
    }

    pub(super) fn memory(&self) -> usize {
        self.marks.capacity() * size_of::<Mark>()
    }
}
