//! Letters with spaces or signs between them, and character codes: `i g n o r e`, `69 67 6e`, `105 103 110`, `U+0069 U+0067`.

use super::{MAX_RUN, Word};
use crate::scanner::Context;
use crate::seen::Encoding;
use crate::view::{View, Way};

/// Bytes between two units of one run.
const MAX_GAP: usize = 9;
/// Fewer letters are no word.
const MIN_LETTERS: usize = 6;
/// Fewer codes are no sentence and no key.
const MIN_CODES: usize = 8;
/// Narrower units before a code of four or more digits.
const MIN_NARROW: usize = 3;
/// Folded bytes at the end of a full run that the next one begins with.
const OVERLAP: usize = 256;

/// The run that is open.
#[derive(Debug, Default)]
pub(super) struct Spelled {
    /// Where the units so far lie.
    units: Vec<(usize, usize)>,
}

impl Spelled {
    pub(super) fn live(&self) -> Option<usize> {
        self.units.first().map(|unit| unit.0)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    pub(super) fn memory(&self) -> usize {
        self.units.capacity() * size_of::<(usize, usize)>()
    }

    /// A word ended.
    #[inline]
    pub(super) fn word(&mut self, word: Word<'_>, context: &mut Context<'_>) {
        let text = word.text;
        if is_point(text)
            && let Some(start) = word.start.checked_sub(POINT.len())
            && self.units.last() == Some(&(start, start + 1))
            && context.text.slice(start, word.start).eq_ignore_ascii_case(POINT)
        {
            // The letter before the plus sign is its mark.
            self.units.pop();
            self.unit(start, word.end, context);
            return;
        }
        // Wide numbers are codes only among others.
        let unit = !(word.letters && text.len() > 2)
            && (is_unit(text) || is_far(text) || self.units.len() >= MIN_NARROW && decimal(text).is_some());
        if !unit {
            self.close(word.start, context);
            return;
        }
        self.unit(word.start, word.end, context);
    }

    fn unit(&mut self, start: usize, end: usize, context: &mut Context<'_>) {
        self.units.push((start, end));
        if self.live().is_some_and(|first| end - first >= MAX_RUN) {
            self.read(end, context);
            self.units.retain(|unit| end - unit.0 < OVERLAP);
        }
    }

    /// The byte at `i` belongs to no word.
    pub(super) fn gap(&mut self, i: usize, context: &mut Context<'_>) {
        if self.units.last().is_some_and(|last| i - last.1 >= MAX_GAP) {
            self.close(i, context);
        }
    }

    /// Nothing before `end` goes on.
    pub(super) fn close(&mut self, end: usize, context: &mut Context<'_>) {
        if !self.units.is_empty() {
            self.read(end, context);
            self.units.clear();
        }
    }

    fn read(&self, end: usize, context: &mut Context<'_>) {
        let (Some(first), Some(last)) = (self.units.first(), self.units.last()) else { return };
        if self.units.len() < MIN_LETTERS {
            return;
        }
        let behind = context.text.slice(last.1, end.min(last.1 + MAX_GAP));
        let run =
            Run { from: first.0, text: context.text.slice(first.0, last.1), units: &self.units, behind };
        let views = [
            run.bytes(hexadecimal),
            run.bytes(binary),
            run.bytes(octal),
            run.points(),
            run.characters(),
            run.letters(),
        ];
        for view in views.into_iter().flatten() {
            view.report(run.from, |_| true, context);
        }
    }
}

/// Whether a word can be a unit: one character, or the code of one.
fn is_unit(word: &[u8]) -> bool {
    is_letter(word)
        || hexadecimal(word).is_some()
        || word.len() <= 3 && decimal(word).is_some()
        || binary(word).is_some()
        || octal(word).is_some()
}

/// Whether a word is the number of a character of a script far from ASCII: with such a number a text may begin. What could be a year is none.
fn is_far(word: &[u8]) -> bool {
    let value = || number(word, 10);
    match word.len() {
        4 => value().is_some_and(|value| matches!(value, 1040..=1899 | 2304..)),
        5 => value().is_some_and(|value| script(value) == EAST_ASIAN),
        _ => false,
    }
}

/// The scripts of Chinese, Japanese and Korean, which are written together.
const EAST_ASIAN: u32 = 0x4e;

/// What stands for the script of a character: its block of 256, but for those that are written together (Unicode 16, Blocks.txt: CJK symbols
/// and punctuation, kana, unified ideographs, Hangul syllables, full-width forms).
const fn script(character: u32) -> u32 {
    match character {
        0x3000..=0x30ff | 0x4e00..=0x9fff | 0xac00..=0xd7a3 | 0xff00..=0xffef => EAST_ASIAN,
        _ => character >> 8,
    }
}

/// Whether a word is one character.
fn is_letter(word: &[u8]) -> bool {
    word.first().is_some_and(|first| {
        let length = match first {
            0xf0.. => 4,
            0xe0.. => 3,
            0xc0.. => 2,
            _ => 1,
        };
        word.len() == length
    })
}

/// Whether a byte is of a character that is not ASCII.
fn is_wide(byte: Option<&u8>) -> bool {
    byte.is_some_and(|byte| *byte >= 0x80)
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    digits.iter().try_fold(0_u32, |value, byte| Some(value * radix + char::from(*byte).to_digit(radix)?))
}

/// `69` or `0x69`.
fn hexadecimal(word: &[u8]) -> Option<u8> {
    let digits = word.strip_prefix(b"0x").unwrap_or(word);
    if digits.len() == 2 { u8::try_from(number(digits, 16)?).ok() } else { None }
}

fn binary(word: &[u8]) -> Option<u8> {
    if word.len() == 8 { u8::try_from(number(word, 2)?).ok() } else { None }
}

/// `151`: a character of ASCII that can be seen, or a space.
fn octal(word: &[u8]) -> Option<u8> {
    let value = number(Some(word).filter(|word| word.len() == 3)?, 8)?;
    u8::try_from(value).ok().filter(|byte| matches!(byte, b' '..=b'~'))
}

/// What marks the number of a character, as the Unicode Standard writes it (appendix A).
const POINT: &[u8] = b"U+";

/// Whether a word is such a number behind its mark: four to six hexadecimal digits.
fn is_point(word: &[u8]) -> bool {
    matches!(word.len(), 4..=6) && number(word, 16).is_some()
}

/// `U+0069`.
fn point(word: &[u8]) -> Option<char> {
    let (mark, digits) = word.split_at_checked(POINT.len())?;
    char::from_u32(number(digits, 16).filter(|_| mark.eq_ignore_ascii_case(POINT))?)
}

/// The character whose number the word is, if text can hold it.
fn decimal(word: &[u8]) -> Option<char> {
    let digits = Some(word).filter(|word| matches!(word.len(), 1..=6))?;
    char::from_u32(number(digits, 10)?).filter(|c| !c.is_control() || c.is_whitespace())
}

/// Some units, and the text from the first to the last.
struct Run<'a> {
    from: usize,
    text: &'a [u8],
    units: &'a [(usize, usize)],
    /// What stands behind the last unit, as far as it is near.
    behind: &'a [u8],
}

impl Run<'_> {
    /// Where the units lie in the text, and what stands before each.
    fn units(&self) -> impl Iterator<Item = (usize, usize, &[u8])> {
        let mut last = 0;
        self.units.iter().map(move |(start, end)| {
            let (start, end) = (start - self.from, end - self.from);
            let gap = self.text.get(last..start).unwrap_or_default();
            last = end;
            (start, end, gap)
        })
    }

    /// All units as codes of bytes; none where one is not.
    fn bytes(&self, code: fn(&[u8]) -> Option<u8>) -> Option<View> {
        if self.units.len() < MIN_CODES {
            return None;
        }
        let (mut text, mut way) = (Vec::with_capacity(self.units.len()), Way::default());
        for (start, end, _) in self.units() {
            way.push(text.len(), (start, end), (1, end - start));
            text.push(code(self.text.get(start..end)?)?);
        }
        Some(View::new(Encoding::CharacterCodes, text, way))
    }

    /// All units as numbers of characters behind their marks; none where one is not.
    fn points(&self) -> Option<View> {
        if self.units.len() < MIN_CODES {
            return None;
        }
        let (mut text, mut way) = (Vec::with_capacity(self.units.len()), Way::default());
        for (start, end, _) in self.units() {
            let c = point(self.text.get(start..end)?)?;
            way.push(text.len(), (start, end), (c.len_utf8(), end - start));
            text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Some(View::new(Encoding::CharacterCodes, text, way))
    }

    /// All units as numbers of characters; none where one is not, or where few are ASCII and the others are not letters of one script with
    /// spaces or signs between them: then the numbers mean other things.
    fn characters(&self) -> Option<View> {
        if self.units.len() < MIN_CODES {
            return None;
        }
        let (mut text, mut way, mut plain) = (Vec::with_capacity(self.units.len()), Way::default(), 0);
        let (mut last, mut scripts) = (0, 0);
        for (start, end, _) in self.units() {
            let c = decimal(self.text.get(start..end)?)?;
            way.push(text.len(), (start, end), (c.len_utf8(), end - start));
            text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            plain += usize::from(c.is_ascii());
            if !c.is_ascii() && last != script(c.into()) {
                (last, scripts) = (script(c.into()), scripts + 1);
            }
        }
        // Where ideographs are written nothing need stand between them.
        let of_one_script = scripts <= 1 && (last == EAST_ASIAN || plain * 16 >= self.units.len());
        (plain * 2 > self.units.len() || of_one_script)
            .then(|| View::new(Encoding::CharacterCodes, text, way))
    }

    /// The letters without what stands between them; none where most units are not letters.
    fn letters(&self) -> Option<View> {
        let letters =
            self.units().filter(|(start, end, _)| self.text.get(*start..*end).is_some_and(is_letter));
        if letters.count() * 5 < self.units.len() * 4 {
            return None;
        }
        let between = self.between();
        let (mut text, mut way) = (Vec::with_capacity(self.text.len()), Way::default());
        for (start, end, gap) in self.units() {
            if !text.is_empty() && gap != between {
                let inner = inner(gap, between, is_wide(text.last()), is_wide(self.text.get(start)));
                way.push(text.len(), (start - gap.len(), start), (inner.len(), gap.len()));
                text.extend_from_slice(&inner);
            }
            way.push(text.len(), (start, end), (1, 1));
            text.extend_from_slice(self.text.get(start..end)?);
        }
        // Signs at the end are spelled too.
        let behind = spelled_behind(self.behind, between);
        if let Some(signs) = behind.strip_prefix(between).filter(|signs| !signs.is_empty()) {
            let signs = inner_signs(signs, between);
            let from = self.text.len();
            way.push(text.len(), (from, from + behind.len()), (signs.len(), behind.len()));
            text.extend_from_slice(&signs);
        }
        Some(View::new(Encoding::Spaced, text, way))
    }

    /// What stands between most letters.
    fn between(&self) -> &[u8] {
        let mut counts: Vec<(&[u8], usize)> = Vec::new();
        for (_, _, gap) in self.units().skip(1) {
            if let Some((_, count)) = counts.iter_mut().find(|(other, _)| *other == gap) {
                *count += 1;
            } else if counts.len() < 16 {
                counts.push((gap, 1));
            }
        }
        let most = counts.iter().max_by_key(|(gap, count)| (*count, std::cmp::Reverse(gap.len())));
        let Some((most, count)) = most.copied() else { return b" " };
        // In scripts with marks it may stand twice between more letters, or before a space: a mark behind it is folded away.
        let often = |(gap, single): &&(&[u8], usize)| {
            gap.len() < most.len() && !gap.is_empty() && most.starts_with(gap) && single * 4 >= count
        };
        counts.iter().filter(often).map(|(gap, _)| *gap).min_by_key(|gap| gap.len()).unwrap_or(most)
    }
}

/// What is spelled behind the last letter: signs up to a space, or, where spaces stand between letters, each behind a space.
fn spelled_behind<'a>(behind: &'a [u8], between: &[u8]) -> &'a [u8] {
    if between != b" " {
        return behind.split(|byte| *byte == b' ').next().unwrap_or_default();
    }
    let pairs = behind.as_chunks::<2>().0.iter();
    let signs = pairs.take_while(|[space, sign]| *space == b' ' && sign.is_ascii_punctuation()).count();
    behind.get(..2 * signs).unwrap_or_default()
}

/// What a wider gap between two letters says, which may be of scripts with marks: a space between words, or signs, each with what stands between letters
/// around it.
fn inner(gap: &[u8], between: &[u8], after_wide: bool, before_wide: bool) -> Vec<u8> {
    let mut inner = gap.strip_prefix(between).unwrap_or(gap);
    // A mark between two of what stands between letters is folded away. More spaces than that part words.
    while after_wide
        && !between.contains(&b' ')
        && let Some(rest) = inner.strip_prefix(between)
    {
        match rest {
            [] if before_wide => return Vec::new(),
            // A full stop may be one.
            [] | [b' ', ..] if between == b"." => break,
            _ => inner = rest,
        }
    }
    let inner = inner.strip_suffix(between).unwrap_or(inner);
    match inner {
        [] if after_wide && before_wide => Vec::new(),
        _ if inner.iter().all(|byte| *byte == b' ') => b" ".to_vec(),
        _ => inner_signs(inner, between),
    }
}

/// Signs without what stands between them.
fn inner_signs(signs: &[u8], between: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(signs.len());
    let mut rest = signs;
    while let Some((sign, after)) = rest.split_first() {
        out.push(*sign);
        rest = match after.strip_prefix(between) {
            Some(next @ [first, ..]) if *sign != b' ' && *first != b' ' => next,
            _ => after,
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_say_what_stands_between_words() {
        for (gap, between, said) in [
            ("- ", "-", " "),
            ("   ", " ", " "),
            ("-,- ", "-", ",- "),
            ("-\"-: \"-", "-", "\": \""),
            ("...'.", ".", ".'"),
            ("_,_", "_", ","),
        ] {
            let inner = inner(gap.as_bytes(), between.as_bytes(), false, false);
            assert_eq!(String::from_utf8(inner).unwrap(), said, "{gap}");
        }
        // Behind letters with marks.
        for (gap, said) in [("__", ""), ("____", ""), ("___.", "."), ("_ ", " "), ("__ ", " ")] {
            assert_eq!(inner(gap.as_bytes(), b"_", true, true), said.as_bytes(), "{gap}");
        }
        for (gap, said) in [("  ", ""), ("   ", " "), ("    ", " ")] {
            assert_eq!(inner(gap.as_bytes(), b" ", true, true), said.as_bytes(), "{gap}");
        }
    }
}
