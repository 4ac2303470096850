//! Telephone numbers: international ones by the codes and lengths of the ITU, national ones as their country writes them
//! ([`super::national`]), others by a word.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use crate::detector::PHONE;
use crate::few::Few;
use crate::pii::counted::{is_counted, is_sequence};
use crate::pii::ends_unspaced;
use crate::pii::groups::{AFTER, Group, Hit, MAX_GROUPS, Run};
use crate::pii::national::{Usual, usual};
use crate::pii::row::OTHER_SEPARATOR;
use crate::scanner::Context;

/// The rows of [`crate::pii::types`]: for numbers that look like telephone numbers, and for those that only a word says
/// to be one.
pub(super) const STRUCTURED: &str = "@phone";
pub(super) const LOOSE: &str = "@phone, loose";

/// Country codes (ITU-T E.164, list of assigned codes) with the digits of national numbers (ITU Operational Bulletin,
/// national numbering plans; E.164 allows 15 in all) and, where not all, the digits that they begin with.
pub(super) const CODES: &str = "1:10-10:23456789 7:10-10:34789 20:8-10 27:9-9 30:10-10:256789 31:9-9:123456789 32:8-9 33:9-9:123456789 \
34:9-9:56789 36:8-9 39:6-11 40:9-9:237 41:9-9 43:4-13 44:9-10:1235789 45:8-8:23456789 46:7-10 47:8-8 48:9-9 49:5-13 \
51:8-9 52:10-10 53:6-8 54:10-11 55:10-11 56:9-9 57:8-10 58:10-10 60:8-10 61:9-9:1234578 62:8-12 63:8-10 64:8-10 \
65:8-8:3689 66:8-9 81:9-10 82:8-10 84:9-10 86:9-11 90:10-10 91:10-10 92:9-10 93:9-9 94:9-9 95:7-10 98:10-10 211:9-9 \
212:9-9 213:8-9 216:8-8 218:9-9 220:7-7 221:9-9 222:8-8 223:8-8 224:9-9 225:10-10 226:8-8 227:8-8 228:8-8 229:8-10 \
230:7-8 231:7-9 232:8-8 233:9-9 234:8-10 235:8-8 236:8-8 237:9-9 238:7-7 239:7-7 240:9-9 241:7-8 242:9-9 243:7-9 \
244:9-9 245:7-9 246:7-7 247:4-6 248:7-7 249:9-9 250:9-9 251:9-9 252:7-9 253:8-8 254:9-10 255:9-9 256:9-9 257:8-8 \
258:8-9 260:9-9 261:9-9 262:9-9 263:9-10 264:8-9 265:7-9 266:8-8 267:7-8 268:8-8 269:7-7 290:4-5 291:7-7 297:7-7 \
298:6-6 299:6-6 350:8-8 351:9-9 352:4-11 353:7-9 354:7-9 355:8-9 356:8-8 357:8-8 358:5-12 359:7-9 370:8-8 371:8-8 \
372:7-8 373:8-8 374:8-8 375:9-9 376:6-9 377:8-9 378:6-10 380:9-9 381:8-10 382:8-9 383:8-9 385:8-9 386:8-8 387:8-9 \
389:8-8 420:9-9 421:9-9 423:7-9 500:5-5 501:7-7 502:8-8 503:8-8 504:8-8 505:8-8 506:8-8 507:7-8 508:6-9 509:8-8 \
590:9-9 591:8-8 592:7-7 593:8-9 594:9-9 595:9-9 596:9-9 597:6-7 598:8-8 599:7-8 670:7-8 672:6-6 673:7-7 674:7-7 \
675:7-8 676:5-7 677:5-7 678:5-7 679:7-7 680:7-7 681:6-6 682:5-5 683:4-7 685:5-7 686:5-8 687:6-6 688:5-7 689:6-8 \
690:4-7 691:7-7 692:7-7 800:8-8 808:8-8 850:8-10 852:8-8 853:8-8 855:8-9 856:8-10 870:9-9 878:12-12 880:8-10 881:9-9 \
882:9-12 883:9-12 886:8-9 888:11-11 960:7-7 961:7-8 962:8-9 963:8-9 964:8-10 965:8-8 966:9-9 967:7-9 968:8-8 970:9-9 \
971:8-9 972:8-9 973:8-8 974:8-8 975:8-8 976:8-8 977:8-10 979:9-9 992:9-9 993:8-8 994:9-9 995:9-9 996:9-9 998:9-9";

/// Adds the telephone numbers of a run.
pub(super) fn find(run: &Run, context: &Context<'_>, hits: &mut Vec<Hit>) {
    let mut from = 0;
    while from < run.groups.len() {
        let rest = run.groups.get(from..).unwrap_or_default();
        let length = sequence(rest, context);
        let found = (length > 0 && may_begin(run, from, context))
            .then(|| {
                (1..=length).rev().find_map(|count| {
                    let number = Number::of(rest.get(..count)?, context)?;
                    let whole = count == length;
                    let free = whole && run.is_free_after(from + count - 1, false, context)
                        || rest.get(count).is_some_and(follows_freely);
                    let mut score = number.score().filter(|score| whole || score.alone >= 60)?;
                    // Two digits before or behind two digits: a longer row of bytes, scores or draws.
                    if number.lengths.iter().all(|length| *length == 2)
                        && (!whole || from.checked_sub(1).is_some_and(|at| is_pair(run.groups.get(at))))
                    {
                        score.alone = 0;
                    }
                    if !number.plus
                        && (is_sequence(&number.digits, &number.lengths)
                            || is_counted(number.start, context)
                            || rest
                                .get(..count)
                                .is_some_and(|groups| is_difference(groups, number.start, context)))
                    {
                        score.alone = 0;
                    }
                    free.then_some((count, number, score))
                })
            })
            .flatten();
        match found {
            Some((count, number, score)) => {
                let row = if score.loose { LOOSE } else { STRUCTURED };
                if let Some(row) = context.tables.identifiers.own(row) {
                    let (start, end) = (number.start, number.end);
                    hits.push(Hit { start, end, row, alone: score.alone, named: score.named });
                }
                from += count;
            }
            None => from += 1,
        }
    }
}

/// How many groups from the first on may be one number.
fn sequence(groups: &[Group], context: &Context<'_>) -> usize {
    let mut count = 0;
    for (at, group) in groups.iter().enumerate() {
        let joins = at == 0 || {
            let before = groups.get(at - 1).map_or(group.start, |last| last.end);
            let gap = context.text.slice(before, group.start);
            gap.iter().all(|b| matches!(b, b' ' | b'-' | b'.' | b'/' | b'(' | b')'))
        };
        let extended = extension(context.text.slice(group.start, group.end)).is_some();
        if !joins || !(group.is_number() || extended) {
            break;
        }
        count += 1;
        if extended {
            break;
        }
    }
    count
}

/// Whether a number may begin at a group: behind a space, an opening mark or the like, or behind a word's hyphen.
fn may_begin(run: &Run, at: usize, context: &Context<'_>) -> bool {
    let Some(group) = run.groups.get(at) else { return false };
    let opening = group.opening(context);
    if opening < group.start {
        let before = context.text.slice(opening.saturating_sub(4), opening);
        return ends_unspaced(before)
            || !before.last().is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80);
    }
    run.is_free_before(at, context)
}

/// Whether what is written behind an equals sign with spaces around its hyphens is a sum: `x = 555 - 123 - 4567`.
fn is_difference(groups: &[Group], start: usize, context: &Context<'_>) -> bool {
    let before = context.text.slice(start.saturating_sub(2), start);
    let spaced = |pair: &[Group]| match pair {
        [a, b] => context.text.slice(a.end, b.start) == b" - ",
        _ => false,
    };
    matches!(before, [.., b'='] | [b'=', b' ']) && groups.len() > 1 && groups.windows(2).all(spaced)
}

/// Whether a group is two digits.
fn is_pair(group: Option<&Group>) -> bool {
    group.is_some_and(|group| group.len() == 2 && group.is_number())
}

/// Whether what follows a number is certainly not part of it.
fn follows_freely(next: &Group) -> bool {
    next.separator & (1 | OTHER_SEPARATOR) != 0
}

/// Whether a row of the table is one of telephone numbers.
pub(super) fn is_row(row: usize, context: &Context<'_>) -> bool {
    context.tables.identifiers.row(row).is_some_and(|row| row.detector.name == PHONE.name)
}

/// What an extension is called (RFC 3966 and libphonenumber know some), longer names before those that they begin with. Marks of letters are
/// folded away.
const EXTENSIONS: [&str; 24] = [
    "extension",
    "extn",
    "ext",
    "poste",
    "interno",
    "int",
    "anexo",
    "ramal",
    "durchwahl",
    "dw",
    "toestel",
    "tst",
    "anknytning",
    "ankn",
    "lokal",
    "wew",
    "доб",
    "внутр",
    "вн",
    "内線",
    "内线",
    "分机",
    "x",
    "#",
];

/// Bytes of the extension that follows a number: 9 of ` ext. 123`, none where none does.
pub(super) fn extension_behind(behind: &[u8]) -> usize {
    let skip = |from: usize, marks: &[u8], most: usize| {
        let rest = behind.get(from..).unwrap_or_default();
        from + rest.iter().take(most).take_while(|byte| marks.contains(byte)).count()
    };
    let name = skip(0, b" ,;-(", 3);
    let bracket = behind.get(..name).is_some_and(|gap| gap.contains(&b'('));
    let rest = behind.get(name..).unwrap_or_default();
    let called = EXTENSIONS.iter().find(|called| {
        rest.get(..called.len()).is_some_and(|head| head.eq_ignore_ascii_case(called.as_bytes()))
    });
    let Some(called) = called else { return 0 };
    let from = skip(name + called.len(), b" .:=#", 3);
    let rest = behind.get(from..).unwrap_or_default();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    // What goes on is another number or a word; where nothing is known of what follows, the text ends or the look does.
    let goes_on = match rest.get(digits..).unwrap_or_default() {
        [b'-' | b'.' | b'/' | b':' | b',', next, ..] => next.is_ascii_digit(),
        [next, ..] => next.is_ascii_alphanumeric() || matches!(next, b'_' | b'%' | b'$'),
        [] => behind.len() >= AFTER,
    };
    if !(1..=7).contains(&digits) || goes_on {
        return 0;
    }
    from + digits + usize::from(bracket && rest.get(digits) == Some(&b')'))
}

/// The digits in front of the `x` of an extension: 4 of `5678x123`.
fn extension(text: &[u8]) -> Option<usize> {
    let at = text.iter().position(|b| matches!(b, b'x' | b'X'))?;
    let tail = text.get(at + 1..)?;
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    (digits(text.get(..at)?) && at > 0 && (1..=6).contains(&tail.len()) && digits(tail)).then_some(at)
}

/// Characters of the longest number with its extension.
const MOST: usize = 26;

/// A number as it is written.
struct Number {
    start: usize,
    end: usize,
    digits: Few<u8, MOST>,
    lengths: Few<usize, MAX_GROUPS>,
    plus: bool,
    /// It has a group in brackets.
    brackets: bool,
    /// Which one that is.
    bracketed: Option<usize>,
    /// The only separator, if there is only one.
    separator: Option<u8>,
    extended: bool,
}

struct Score {
    alone: u32,
    named: u32,
    /// Only a word that says nothing but `telephone` names it.
    loose: bool,
}

impl Number {
    fn of(groups: &[Group], context: &Context<'_>) -> Option<Self> {
        let (first, last) = (groups.first()?, groups.last()?);
        if !(6..=MOST).contains(&groups.iter().map(Group::len).sum::<usize>()) {
            return None;
        }
        let start = first.opening(context);
        let mut number = Self {
            start,
            end: last.end,
            digits: Few::new(),
            lengths: Few::new(),
            plus: context.text.slice(start, first.start).contains(&b'+'),
            brackets: context.text.slice(start, last.end).contains(&b'('),
            bracketed: groups.iter().position(|group| {
                let before = group.start.checked_sub(1).and_then(|at| context.text.byte(at));
                before == Some(b'(') && context.text.byte(group.end) == Some(b')')
            }),
            separator: None,
            extended: false,
        };
        for group in groups {
            let text = context.text.slice(group.start, group.end);
            let cut = extension(text);
            number.extended |= cut.is_some();
            let own = text.get(..cut.unwrap_or(text.len())).unwrap_or_default();
            number.lengths.push(own.len());
            own.iter().for_each(|b| number.digits.push(b.wrapping_sub(b'0')));
        }
        let mut gaps = groups.windows(2).filter_map(|pair| match pair {
            [a, b] => Some(context.text.slice(a.end, b.start)),
            _ => None,
        });
        if let Some([only]) = gaps.next() {
            number.separator = gaps.all(|gap| gap == [*only]).then_some(*only);
        }
        // A bracket in front that no group closes is not the number's.
        if number.start < first.start
            && !number.plus
            && !context.text.slice(first.end, last.end).contains(&b')')
        {
            number.start = first.start;
            number.brackets = false;
        }
        (6..=19).contains(&number.digits.len()).then_some(number)
    }

    fn digit(&self, at: usize) -> u8 {
        self.digits.get(at).copied().unwrap_or(0)
    }

    /// Area and exchange codes do not begin with 0 or 1 (North American Numbering Plan, ATIS-0300051).
    fn is_north_american(&self, at: usize) -> bool {
        self.digit(at) >= 2 && self.digit(at + 3) >= 2
    }

    /// Thousands and millions are written in groups too.
    fn is_round(&self) -> bool {
        self.digits.ends_with(&[0, 0, 0]) && self.lengths.iter().skip(1).all(|length| *length == 3)
    }

    /// Rows of zeros and of few other digits are memory, money and rulers; a word says otherwise.
    fn is_plain(&self) -> bool {
        let seen = self.digits.iter().fold(0_u16, |seen, digit| seen | 1 << (digit & 15));
        seen.count_ones() < 3
    }

    fn score(&self) -> Option<Score> {
        self.form()
            .map(|score| if self.plus || !self.is_plain() { score } else { Score { alone: 0, ..score } })
    }

    /// What the way it is written says.
    fn form(&self) -> Option<Score> {
        let structured = |alone, named| Some(Score { alone, named, loose: false });
        let loose = |named| Some(Score { alone: 0, named, loose: true });
        let count = self.digits.len();
        let grouped = self.lengths.len() > 1;
        let (dotted, slashed, spaced) =
            (self.separator == Some(b'.'), self.separator == Some(b'/'), self.separator == Some(b' '));
        let dates = date_like(&self.lengths);
        if self.plus {
            return match count {
                7..=16 if is_international(&self.digits) => structured(92, 97),
                7..=15 if self.digit(0) != 0 => structured(45, 75),
                _ => None,
            };
        }
        // As a country writes them at home: no dates, no decimals, no fractions.
        let signs =
            grouped && (!dotted || self.lengths.iter().all(|length| *length == 2)) && !slashed && !dates;
        let national = signs.then(|| usual(&self.digits, &self.lengths, self.bracketed)).flatten();
        match national {
            Some(Usual::Dialled) if count >= 9 || self.bracketed.is_some() => return structured(80, 95),
            // Rows of figures have such groups too.
            Some(Usual::Own) => return structured(0, 92),
            _ => {}
        }
        let marked = self.extended || self.brackets;
        match &*self.lengths {
            [3, 3, 4] if self.is_north_american(0) => return structured(80, 95),
            [3, 3, 4] if !spaced => {
                let alone = match (marked, self.digit(0)) {
                    (true, _) => 75,
                    (false, 2..) => 60,
                    _ => 0,
                };
                return structured(alone, 85);
            }
            [1, 3, 3, 4] if self.digit(0) == 1 => {
                return structured(if self.is_north_american(1) { 85 } else { 55 }, 95);
            }
            _ => {}
        }
        // What is dialled to reach another country is written in one: `0 114 …` is a list of numbers.
        let abroad = match (&*self.digits, self.lengths.first()) {
            ([0, 0, abroad @ ..], Some(2..)) | ([0, 1, 1, abroad @ ..], Some(3..)) => Some(abroad),
            _ => None,
        };
        if abroad.is_some_and(is_international) && (10..=18).contains(&count) {
            return structured(if grouped { 85 } else { 0 }, 92);
        }
        if abroad.is_some() && grouped && !dotted && (12..=15).contains(&count) {
            return structured(0, 85);
        }
        if national.is_some() {
            return loose(85);
        }
        // A trunk prefix and other groups.
        let trunk = self.digit(0) == 0 && self.digit(1) != 0 && (9..=11).contains(&count);
        let pairs = self.lengths.iter().all(|length| *length == 2);
        let layout = self.lengths.first().is_some_and(|first| (2..=6).contains(first))
            && self.lengths.iter().skip(1).all(|length| (2..=8).contains(length));
        if trunk && grouped && layout && !dates && (!dotted || pairs) && !slashed {
            return structured(45, 88);
        }
        match &*self.lengths {
            [10] if self.is_north_american(0) => structured(0, 80),
            [11] if self.digit(0) == 1 && self.is_north_american(1) => structured(0, 80),
            [9..=11] if trunk => structured(0, 80),
            [7..=11] => loose(70),
            [_, _, ..] if self.brackets && !dates => structured(0, 85),
            [3, 4] if !dotted && !slashed => loose(78),
            [_, _, ..] if !dates && count <= 13 && (!dotted || pairs) && !self.is_round() => loose(75),
            [_, _, ..] if self.separator == Some(b'/') && self.lengths.len() == 2 && trunk => loose(75),
            _ => None,
        }
    }
}

/// Whether digits behind a `+` are a country code and a national number of a length that the country has, with or
/// without the `(0)` that is dialled at home only.
fn is_international(digits: &[u8]) -> bool {
    (1..=3).any(|length| {
        let Some((code, national)) = digits.split_at_checked(length) else { return false };
        let national = match (national, code) {
            ([0, rest @ ..], _) if code != [3, 9] => rest,
            _ => national,
        };
        PLANS.get(code).is_some_and(|plan| plan.fits(national))
    })
}

/// The plans of [`CODES`] by country code, as digits.
static PLANS: LazyLock<HashMap<Vec<u8>, Plan>> = LazyLock::new(|| {
    let entries = CODES.split(' ').filter_map(|entry| entry.split_once(':'));
    let plans = entries.filter_map(|(code, plan)| Some((digits(code), Plan::read(plan)?)));
    plans.collect()
});

fn digits(text: &str) -> Vec<u8> {
    text.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect()
}

/// What national numbers look like.
struct Plan {
    lengths: RangeInclusive<usize>,
    first: Vec<u8>,
}

impl Plan {
    /// `9-10:12`: nine or ten digits, the first a 1 or a 2; without the colon, any.
    fn read(plan: &str) -> Option<Self> {
        let (lengths, first) = plan.split_once(':').unwrap_or((plan, "0123456789"));
        let (least, most) = lengths.split_once('-')?;
        Some(Self { lengths: least.parse().ok()?..=most.parse().ok()?, first: digits(first) })
    }

    fn fits(&self, national: &[u8]) -> bool {
        self.lengths.contains(&national.len())
            && national.first().is_some_and(|digit| self.first.contains(digit))
    }
}

fn date_like(lengths: &[usize]) -> bool {
    matches!(lengths, [4, 1..=2, 1..=2] | [1..=2, 1..=2, 4] | [1..=2, 1..=2, 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_lengths_of_their_countries() {
        let international = |text: &str| {
            is_international(&text.bytes().filter(u8::is_ascii_digit).map(|b| b - b'0').collect::<Vec<_>>())
        };
        for text in
            ["1 202 555 0123", "44 20 7946 0958", "44 (0)20 7946 0958", "49 30 901820", "86 138 0013 8000"]
        {
            assert!(international(text), "{text}");
        }
        for text in ["1 102 555 0123", "1 202 555 012", "45 1234 5678", "999 1234 5678", "33 0 12"] {
            assert!(!international(text), "{text}");
        }
    }

    #[test]
    fn every_code_has_a_plan_and_none_begins_another() {
        let codes: Vec<&str> = CODES.split(' ').map(|entry| entry.split_once(':').unwrap().0).collect();
        assert!(codes.len() > 200);
        for code in &codes {
            assert!(!codes.iter().any(|other| other != code && other.starts_with(code)), "{code}");
        }
        assert!(CODES.split(' ').all(|entry| {
            let plan = Plan::read(entry.split_once(':').unwrap().1).unwrap();
            (4..=13)
                .any(|length| (0..=9).any(|first| plan.fits(&[vec![first], vec![5; length - 1]].concat())))
        }));
    }
}
