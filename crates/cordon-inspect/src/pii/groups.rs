//! Reads runs: groups of letters and digits with short separators between them, as identifiers are written.
//!
//! A run ends at a word that is no group, at a line's end or at its bound; where, depends on the text alone. What a word
//! in front of it names is reported then; what a word behind it could still name waits for [`AFTER`] bytes more.

use cordon_core::{Category, Score};

use crate::checksum;
use crate::fold::SYMBOL;
use crate::pii::context::{BEFORE, Reader};
use crate::pii::row::{OTHER_SEPARATOR, Shape, separator};
use crate::pii::{coordinates, date, ends_unspaced, phone, unspaced};
use crate::scanner::Context;

/// Bytes behind a run in which a word can name what it holds.
pub(crate) const AFTER: usize = 32;
/// Bytes of the longest run of groups that is looked at together.
pub(crate) const MAX_RUN: usize = 1024;
/// Groups looked at together, and how many of them the next look shares.
pub(super) const MAX_GROUPS: usize = 16;
const SHARED_GROUPS: usize = 6;
/// Groups of the longest identifier.
const MAX_PARTS: usize = 8;
/// Bytes of the longest group; longer ones are no part of an identifier.
const MAX_GROUP: usize = 40;
/// Bytes of the longest separator.
const MAX_GAP: usize = 3;

/// The run that is open, and the ones that wait for words behind them.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    run: Run,
    /// The group or word that is open.
    word: Option<usize>,
    /// The rest of a word that is too long for a group goes by.
    long: bool,
    /// A `+` or `(` that may open a number.
    mark: Option<usize>,
    waiting: Vec<Waiting>,
    words: Reader,
}

/// Groups so far.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// With the mark that opens it.
    pub(super) start: usize,
    pub(super) groups: Vec<Group>,
}

/// Letters and digits without anything between them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) shape: Shape,
    /// What stands before it, as a set of one.
    pub(super) separator: u16,
    /// It names this month.
    pub(super) month: Option<u32>,
    /// Bytes of the sign behind it that says year, month or day.
    pub(super) sign: usize,
}

impl Group {
    pub(super) const fn len(&self) -> usize {
        self.end - self.start
    }
    /// Nothing but digits.
    pub(super) const fn is_number(&self) -> bool {
        self.shape.letters == 0
    }
    pub(super) const fn has_digits(&self) -> bool {
        self.shape.digits != 0
    }
    /// Where it begins with the `+` and `(` that open it, at most two.
    pub(super) fn opening(&self, context: &Context<'_>) -> usize {
        opening(self.start, context)
    }
}

/// Whether a byte may open a number in front of its first digit.
const fn is_opening(byte: u8) -> bool {
    matches!(byte, b'+' | b'(')
}

/// Where the `+` and `(` that open what begins at `start` begin, at most two.
fn opening(start: usize, context: &Context<'_>) -> usize {
    let before = context.text.slice(start.saturating_sub(2), start);
    start - before.iter().rev().take_while(|b| is_opening(**b)).count()
}

/// What a run may hold at `start..end`, by a row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) row: usize,
    /// Score without and with a word that names it, in hundredths.
    pub(super) alone: u32,
    pub(super) named: u32,
}

/// Hits of one run that words behind it may still name.
#[derive(Debug)]
struct Waiting {
    start: usize,
    /// Where the run ended.
    end: usize,
    hits: Vec<Hit>,
}

impl Waiting {
    const fn due(&self) -> usize {
        self.end + AFTER
    }
}

impl Groups {
    /// Where what must be held back begins.
    pub(crate) fn live(&self) -> Option<usize> {
        let run = (!self.run.groups.is_empty()).then_some(self.run.start);
        let waiting = self.waiting.first().map(|waiting| waiting.start);
        [run, self.word, self.mark, waiting].into_iter().flatten().min()
    }

    /// How many letters and digits from `i` on would change nothing here.
    pub(crate) fn unchanged(&self, i: usize) -> usize {
        let bound = self.word.map(|start| start + MAX_GROUP);
        let due = self.waiting.first().map(Waiting::due);
        [bound, due].into_iter().flatten().min().map_or(usize::MAX, |at| at.saturating_sub(i))
    }

    /// Whether no word is open.
    pub(crate) const fn is_between(&self) -> bool {
        self.word.is_none() && !self.long
    }

    /// Whether something that waits is due at `i` or before.
    pub(crate) fn is_due(&self, i: usize) -> bool {
        self.waiting.first().is_some_and(|waiting| waiting.due() <= i)
    }

    /// Whether a plain word of so many letters that names no month is no group, and ends no run that may hold something.
    pub(crate) fn is_nothing(&self, len: usize) -> bool {
        len > 2 && !self.run.may_hold()
    }

    /// As such a word.
    pub(crate) fn pass(&mut self) {
        self.mark = None;
        self.run.groups.clear();
    }

    /// Takes the folded byte at `i`.
    pub(crate) fn byte(&mut self, i: usize, byte: u8, context: &mut Context<'_>) {
        if self.is_due(i) {
            self.settle(i, false, context);
        }
        if byte.is_ascii_alphanumeric() || byte >= 0x80 {
            if byte < 0x80 && ends_unspaced(context.text.slice(i.saturating_sub(4), i)) {
                // A number may begin behind such a letter.
                self.end_word(i, context);
            }
            match self.word {
                _ if self.long => {}
                None => self.word = Some(i),
                Some(start) if i - start >= MAX_GROUP => {
                    self.end_word(i, context);
                    self.end_run(i, context);
                    self.mark = None;
                    self.long = true;
                }
                Some(_) => {}
            }
            return;
        }
        self.end_word(i, context);
        match byte {
            b'+' | b'(' if self.run.groups.is_empty() => self.mark = Some(opening(i + 1, context)),
            b' ' | b'-' | b'.' | b'/' | b':' | b',' | b'+' | b'(' | b')' | SYMBOL => {
                self.mark = None;
                if self.run.groups.last().is_some_and(|last| i - last.end >= MAX_GAP + last.sign) {
                    self.end_run(i, context);
                    self.mark = is_opening(byte).then(|| opening(i + 1, context));
                }
            }
            // Minutes and seconds of an arc.
            b'\'' | b'"' if coordinates::is_open(&self.run, i, context) => self.mark = None,
            _ => {
                self.mark = None;
                self.end_run(i, context);
            }
        }
    }

    /// The word that is open, if one is, ends before `end`.
    fn end_word(&mut self, end: usize, context: &mut Context<'_>) {
        self.long = false;
        if let Some(start) = self.word.take() {
            self.group(start, end, context);
        }
    }

    /// The text ends before folded byte `end`.
    pub(crate) fn close(&mut self, end: usize, context: &mut Context<'_>) {
        self.end_word(end, context);
        self.end_run(end, context);
        self.settle(end, true, context);
        *self = Self::default();
    }

    pub(crate) fn memory(&self) -> usize {
        let hits: usize = self.waiting.iter().map(|waiting| waiting.hits.capacity()).sum();
        self.run.groups.capacity() * size_of::<Group>()
            + self.waiting.capacity() * size_of::<Waiting>()
            + hits * size_of::<Hit>()
            + self.words.memory()
    }

    /// A word `start..end` ended: a group of the run, or the end of it.
    pub(crate) fn group(&mut self, start: usize, end: usize, context: &mut Context<'_>) {
        self.mark = None;
        let text = context.text.slice(start, end);
        if let Some((digits, sign)) = date::signed(text) {
            self.push((start, start + digits), Shape::of_digits(digits), (None, sign), context);
            let next = start + digits + sign;
            if next < end {
                self.group(next, end, context);
            }
            return;
        }
        let letters = text.iter().position(|byte| *byte >= 0x80).unwrap_or(0);
        if letters > 0 && text.get(letters).is_some_and(|first| unspaced(*first)) {
            // Behind a number, letters of such a script are no part of it.
            self.group(start, start + letters, context);
            self.end_run(end, context);
            return;
        }
        let Some((shape, month)) = classify(text, self.run.groups.is_empty()) else {
            self.end_run(end, context);
            return;
        };
        self.push((start, end), shape, (month, 0), context);
    }

    /// Another group of the run.
    fn push(
        &mut self,
        (start, end): (usize, usize),
        shape: Shape,
        (month, sign): (Option<u32>, usize),
        context: &mut Context<'_>,
    ) {
        let separator = match self.run.groups.last() {
            Some(last) => match context.text.slice(last.end, start) {
                [byte] => separator(*byte),
                b" - " => separator(b'-'),
                _ => OTHER_SEPARATOR,
            },
            None => {
                self.run.start = opening(start, context);
                0
            }
        };
        self.run.groups.push(Group { start, end, shape, separator, month, sign });
        // Short words in front are held only as far as an identifier reaches.
        while self.run.groups.len() > 3 && !self.run.groups.iter().any(Group::has_digits) {
            self.run.groups.remove(0);
            self.run.start = self.run.groups.first().map_or(start, |group| group.opening(context));
        }
        if self.run.groups.len() >= MAX_GROUPS {
            let next = self.run.groups.len() - SHARED_GROUPS;
            if let Some(limit) = self.run.groups.get(next).map(|group| group.opening(context)) {
                self.look(limit, end, context);
                self.run.groups.drain(..next);
                self.run.start = limit;
            }
        }
    }

    /// No further group belongs to the run; `i` is the byte at which that was seen.
    fn end_run(&mut self, i: usize, context: &mut Context<'_>) {
        if !self.run.groups.is_empty() {
            self.look(usize::MAX, i, context);
            self.run.groups.clear();
        }
    }

    /// Looks for identifiers that begin before `limit`.
    fn look(&mut self, limit: usize, i: usize, context: &mut Context<'_>) {
        let mut hits = self.run.hits(context);
        hits.retain(|hit| hit.start < limit);
        let (Some(first), Some(last)) = (hits.iter().map(|hit| hit.start).min(), self.run.groups.last())
        else {
            return;
        };
        // What a word in front names needs no other one.
        hits.sort_by_key(|hit| hit.start);
        for hit in hits.iter_mut().filter(|hit| hit.alone < hit.named) {
            let reach = context.tables.identifiers.row(hit.row).map_or(0, |row| row.reach);
            self.words.read(hit.start.saturating_sub(BEFORE), hit.start, context);
            if self.words.names_before(hit.row, hit.start, reach) {
                hit.alone = hit.named;
            }
        }
        let waiting = Waiting { start: first, end: last.end, hits };
        // What stands behind a telephone number may belong to it.
        let done = |hit: &Hit| hit.alone >= hit.named && !phone::is_row(hit.row, context);
        if waiting.hits.iter().all(done) || waiting.due() <= i {
            self.settle(i, false, context);
            waiting.report(&mut self.words, i, false, context);
        } else {
            self.waiting.push(waiting);
        }
    }

    /// Reports what has waited long enough at folded byte `i`; at the end of the text, all.
    fn settle(&mut self, i: usize, last: bool, context: &mut Context<'_>) {
        let due = self.waiting.iter().take_while(|waiting| last || waiting.due() <= i).count();
        for waiting in self.waiting.drain(..due) {
            waiting.report(&mut self.words, i, last, context);
        }
    }
}

impl Run {
    /// Whether the groups may spell anything.
    fn may_hold(&self) -> bool {
        self.groups.iter().any(|group| group.has_digits() || group.len() >= 8)
    }

    /// Everything that the groups may spell.
    fn hits(&self, context: &Context<'_>) -> Vec<Hit> {
        let mut hits = Vec::new();
        if !self.may_hold() {
            return hits;
        }
        phone::find(self, context, &mut hits);
        date::find(self, context, &mut hits);
        coordinates::find(self, context, &mut hits);
        for from in 0..self.groups.len() {
            self.identifiers(from, context, &mut hits);
        }
        if !hits.is_empty() {
            // What lies in an account number is no number of its own: its check digits decide. Nor is what lies in that of a parcel.
            let accounts: Vec<_> = (0..self.groups.len())
                .filter_map(|from| self.account(from, context).or_else(|| self.parcel(from, context)))
                .collect();
            hits.retain(|hit| !accounts.iter().any(|(start, end)| *start <= hit.start && hit.end <= *end));
        }
        hits
    }

    /// Where the IBAN (ISO 13616) begins and ends that groups from `from` on are.
    fn account(&self, from: usize, context: &Context<'_>) -> Option<(usize, usize)> {
        let rest = self.groups.get(from..)?;
        let first = rest.first()?;
        let length = match context.text.slice(first.start, first.end) {
            [a, b, c, d, ..] if c.is_ascii_digit() && d.is_ascii_digit() => checksum::iban_length(&[*a, *b])?,
            _ => return None,
        };
        let mut characters = Vec::with_capacity(length);
        for group in rest {
            characters.extend_from_slice(context.text.slice(group.start, group.end));
            if characters.len() >= length {
                let whole = characters.len() == length && checksum::iban(&characters);
                return whole.then_some((first.start, group.end));
            }
        }
        None
    }

    /// Where the number of a parcel begins and ends that groups from `from` on are: `1Z` and sixteen more letters and digits (UPS).
    fn parcel(&self, from: usize, context: &Context<'_>) -> Option<(usize, usize)> {
        let rest = self.groups.get(from..)?;
        let first = rest.first()?;
        if !context.text.slice(first.start, first.end).to_ascii_uppercase().starts_with(b"1Z") {
            return None;
        }
        let mut length = 0;
        rest.iter().find_map(|group| {
            length += group.len();
            (length == 18).then_some((first.start, group.end))
        })
    }

    /// The rows that fit groups from `from` on.
    fn identifiers(&self, from: usize, context: &Context<'_>, hits: &mut Vec<Hit>) {
        let rest = self.groups.get(from..).unwrap_or_default();
        let Some(first) = rest.first() else { return };
        let (mut shape, mut separators) = (Shape::default(), 0);
        let mut characters = Vec::new();
        let mut opens = None;
        for (at, group) in rest.iter().enumerate().take(MAX_PARTS) {
            if at > 0 {
                separators |= group.separator;
            }
            if separators & OTHER_SEPARATOR != 0 {
                return;
            }
            match shape.then(group.shape) {
                Some(longer) => shape = longer,
                None => return,
            }
            characters.clear();
            let all_digits = shape.letters == 0;
            let mut free = None;
            for (row, whole) in context.tables.identifiers.fitting(shape, separators) {
                let free = *free.get_or_insert_with(|| {
                    *opens.get_or_insert_with(|| self.is_free_before(from, context))
                        && self.is_free_after(from + at, all_digits, context)
                        && !(all_digits && self.goes_on_before(from))
                });
                if !free {
                    break;
                }
                if characters.is_empty() {
                    for group in rest.iter().take(at + 1) {
                        let text = context.text.slice(group.start, group.end);
                        characters.extend(text.iter().map(u8::to_ascii_uppercase));
                    }
                }
                let Some(found) = context.tables.identifiers.row(row) else { continue };
                if !(found.check)(&characters) {
                    continue;
                }
                let closes = separators & separator(b'(') != 0 && context.text.byte(group.end) == Some(b')');
                // One separator of several is a decimal point or a dash between two numbers.
                let grouped = shape.bounds != 0 && whole;
                let alone = if grouped { found.scores.grouped } else { found.scores.bare };
                hits.push(Hit {
                    start: first.start,
                    end: group.end + usize::from(closes),
                    row,
                    alone,
                    named: found.scores.named,
                });
            }
        }
    }

    /// Whether nothing in front of a group makes it the rest of something longer.
    pub(super) fn is_free_before(&self, at: usize, context: &Context<'_>) -> bool {
        let Some(group) = self.groups.get(at) else { return false };
        let mut before = context.text.slice(group.start.saturating_sub(2), group.start).iter().rev().copied();
        let (last, second) = (before.next(), before.next());
        let word = second.is_some_and(|b| b.is_ascii_alphanumeric() || b >= 0x80);
        match last {
            Some(b'-' | b'.' | b'/' | b'+') => !word && second != last,
            Some(b'_' | b'@' | b'$' | b'%' | b'=') => last == Some(b'='),
            Some(b',') => !second.is_some_and(|b| b.is_ascii_digit()),
            Some(b':') => !second.is_some_and(|b| b.is_ascii_digit() || b == b':'),
            Some(b) => {
                b < 0x80 || ends_unspaced(context.text.slice(group.start.saturating_sub(4), group.start))
            }
            None => true,
        }
    }

    /// Whether nothing behind a group makes it the beginning of something longer.
    pub(super) fn is_free_after(&self, at: usize, all_digits: bool, context: &Context<'_>) -> bool {
        let Some(group) = self.groups.get(at) else { return false };
        let next = self.groups.get(at + 1);
        let joined = next.filter(|next| next.start == group.end + 1);
        if all_digits && joined.is_some_and(|next| next.separator == separator(b' ') && next.is_number()) {
            return false;
        }
        match (context.text.byte(group.end), joined) {
            // `34-year-old`, `94105-`: a word that is no group ends an identifier.
            (Some(b'-'), None) => true,
            (Some(b'-' | b'.' | b'/' | b':' | b'+'), Some(_)) => false,
            (Some(b','), Some(next)) => !next.has_digits(),
            (Some(b'_' | b'@' | b'%'), _) => false,
            (Some(byte), _) => byte < 0x80 || unspaced(byte),
            (None, _) => true,
        }
    }

    /// Whether a number stands one space before a group.
    fn goes_on_before(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.groups.get(before));
        match (before, self.groups.get(at)) {
            (Some(before), Some(group)) => group.separator == separator(b' ') && before.is_number(),
            _ => false,
        }
    }
}

impl Waiting {
    /// The surest of the hits that share no byte, in the order of the text.
    fn report(mut self, words: &mut Reader, i: usize, last: bool, context: &mut Context<'_>) {
        let until = (self.end + AFTER).min(i);
        if self.hits.iter().any(|hit| hit.alone < hit.named) {
            words.read(self.start, until, context);
            if last {
                words.close(context);
            }
        }
        for hit in self.hits.iter_mut().filter(|hit| hit.alone < hit.named) {
            if words.names_after(hit.row, hit.end, until) {
                hit.alone = hit.named;
            }
        }
        self.hits.retain(|hit| hit.alone > 0);
        self.hits
            .sort_by_key(|hit| (std::cmp::Reverse((hit.alone, hit.end - hit.start)), hit.row, hit.start));
        let mut chosen: Vec<Hit> = Vec::new();
        for hit in self.hits {
            if !chosen.iter().any(|other| hit.start < other.end && other.start < hit.end) {
                chosen.push(hit);
            }
        }
        chosen.sort_by_key(|hit| hit.start);
        for hit in chosen {
            let Some(row) = context.tables.identifiers.row(hit.row) else { continue };
            let (detector, category) = (row.detector, Category::known(row.category));
            let extension = match phone::is_row(hit.row, context) {
                true => phone::extension_behind(context.text.slice(hit.end, until)),
                false => 0,
            };
            let span = (hit.start, hit.end + extension);
            context.report(&detector, category, Score::percent(hit.alone), span, false);
        }
    }
}

/// What a word is as a group; none for words that no identifier holds.
fn classify(text: &[u8], first: bool) -> Option<(Shape, Option<u32>)> {
    let mut shape = Shape { len: text.len(), ..Shape::default() };
    let mut upper = true;
    for (i, byte) in text.iter().enumerate() {
        // Longer groups fit no row; their masks are not looked at.
        let bit = 1_u32.checked_shl(u32::try_from(i).unwrap_or(u32::MAX)).unwrap_or(0);
        match byte {
            b'0'..=b'9' => shape.digits |= bit,
            b'a'..=b'z' => (shape.letters, upper) = (shape.letters | bit, false),
            b'A'..=b'Z' => shape.letters |= bit,
            _ => return None,
        }
    }
    if shape.digits != 0 {
        return Some((shape, None));
    }
    let month = text.first().filter(|b| !first || b.is_ascii_uppercase()).and_then(|_| date::month(text));
    let short = text.len() <= 2 || upper && (text.len() <= 6 || matches!(text.len(), 8 | 11));
    (short || month.is_some()).then_some((shape, month))
}
