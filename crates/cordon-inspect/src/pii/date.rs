//! Dates of birth: dates in any usual form that a word says to be one.

use crate::pii::check;
use crate::pii::groups::{Group, Hit, Run};
use crate::pii::row::separator;
use crate::scanner::Context;

pub(super) const BIRTH_DATE: &str = "@birth date";

/// Names of months without accents, in lower case and sorted, with their numbers: English, German, French, Spanish,
/// Italian, Portuguese, Dutch, Polish (genitive), Swedish, Danish and Norwegian, and their usual abbreviations.
const MONTHS: &[(&[u8], u32)] = &[
    (b"abr", 4),
    (b"abril", 4),
    (b"ago", 8),
    (b"agosto", 8),
    (b"aout", 8),
    (b"apr", 4),
    (b"april", 4),
    (b"aprile", 4),
    (b"aug", 8),
    (b"august", 8),
    (b"augusti", 8),
    (b"augustus", 8),
    (b"avr", 4),
    (b"avril", 4),
    (b"czerwca", 6),
    (b"dec", 12),
    (b"december", 12),
    (b"decembre", 12),
    (b"desember", 12),
    (b"dez", 12),
    (b"dezember", 12),
    (b"dezembro", 12),
    (b"dic", 12),
    (b"dicembre", 12),
    (b"diciembre", 12),
    (b"ene", 1),
    (b"enero", 1),
    (b"feb", 2),
    (b"febbraio", 2),
    (b"febrero", 2),
    (b"februar", 2),
    (b"februari", 2),
    (b"february", 2),
    (b"fev", 2),
    (b"fevereiro", 2),
    (b"fevrier", 2),
    (b"gennaio", 1),
    (b"giugno", 6),
    (b"grudnia", 12),
    (b"jan", 1),
    (b"janeiro", 1),
    (b"januar", 1),
    (b"januari", 1),
    (b"january", 1),
    (b"janv", 1),
    (b"janvier", 1),
    (b"juil", 7),
    (b"juillet", 7),
    (b"juin", 6),
    (b"jul", 7),
    (b"julho", 7),
    (b"juli", 7),
    (b"julio", 7),
    (b"july", 7),
    (b"jun", 6),
    (b"june", 6),
    (b"junho", 6),
    (b"juni", 6),
    (b"junio", 6),
    (b"kwietnia", 4),
    (b"lipca", 7),
    (b"listopada", 11),
    (b"luglio", 7),
    (b"lutego", 2),
    (b"maart", 3),
    (b"maggio", 5),
    (b"mai", 5),
    (b"maio", 5),
    (b"maj", 5),
    (b"maja", 5),
    (b"mar", 3),
    (b"marca", 3),
    (b"march", 3),
    (b"marco", 3),
    (b"mars", 3),
    (b"marts", 3),
    (b"marz", 3),
    (b"marzo", 3),
    (b"may", 5),
    (b"mayo", 5),
    (b"mei", 5),
    (b"nov", 11),
    (b"november", 11),
    (b"novembre", 11),
    (b"novembro", 11),
    (b"noviembre", 11),
    (b"oct", 10),
    (b"october", 10),
    (b"octobre", 10),
    (b"octubre", 10),
    (b"okt", 10),
    (b"oktober", 10),
    (b"ottobre", 10),
    (b"outubro", 10),
    (b"pazdziernika", 10),
    (b"sep", 9),
    (b"sept", 9),
    (b"september", 9),
    (b"septembre", 9),
    (b"septiembre", 9),
    (b"set", 9),
    (b"setembro", 9),
    (b"settembre", 9),
    (b"sierpnia", 8),
    (b"stycznia", 1),
    (b"wrzesnia", 9),
];

/// The names of months, in small letters.
pub(crate) fn months() -> impl Iterator<Item = &'static [u8]> {
    MONTHS.iter().map(|(name, _)| *name)
}

/// The month that a word names.
pub(super) fn month(word: &[u8]) -> Option<u32> {
    if !(3..=12).contains(&word.len()) {
        return None;
    }
    let mut lower = [0; 12];
    let lower = lower.get_mut(..word.len())?;
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    let lower: &[u8] = lower;
    let at = MONTHS.binary_search_by(|(name, _)| (*name).cmp(lower)).ok()?;
    MONTHS.get(at).map(|(_, month)| *month)
}

/// Adds the dates of a run, which count only where a word says that somebody was born then.
pub(super) fn find(run: &Run, context: &Context<'_>, hits: &mut Vec<Hit>) {
    let Some(row) = context.tables.identifiers.own(BIRTH_DATE) else { return };
    for (at, _) in run.groups.iter().enumerate() {
        if let Some(count) = date_at(run, at, context)
            && run.is_free_before(at, context)
            && let (Some(first), Some(last)) = (run.groups.get(at), run.groups.get(at + count - 1))
        {
            hits.push(Hit { start: first.start, end: last.end + last.sign, row, alone: 0, named: 92 });
        }
    }
}

/// What Chinese, Japanese and Korean put behind a year, a month and a day.
const SIGNS: [&str; 6] = ["年", "月", "日", "년", "월", "일"];

/// The one to four digits that a word begins with and the length of such a sign behind them.
pub(super) fn signed(text: &[u8]) -> Option<(usize, usize)> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let rest = text.get(digits..).filter(|rest| !rest.is_empty() && (1..=4).contains(&digits))?;
    SIGNS.iter().find(|sign| rest.starts_with(sign.as_bytes())).map(|sign| (digits, sign.len()))
}

/// Whether three groups are followed by the signs of year, month and day.
fn is_signed(groups: &[&Group; 3], context: &Context<'_>) -> bool {
    let sign = |group: &Group| {
        SIGNS.iter().position(|sign| context.text.slice(group.end, group.end + group.sign) == sign.as_bytes())
    };
    matches!(groups.map(sign), [Some(0), Some(1), Some(2)] | [Some(3), Some(4), Some(5)])
}

/// How many groups from `at` on are a date.
fn date_at(run: &Run, at: usize, context: &Context<'_>) -> Option<usize> {
    let groups = run.groups.get(at..)?;
    let number = |group: &Group| number(context.text.slice(group.start, group.end));
    let (first, second) = (groups.first()?, groups.get(1)?);
    if let Some(month) = first.month {
        // `March 12, 1985`.
        return is_date(number(groups.get(2)?)?, month, number(second)?).then_some(3);
    }
    // `12 March 1985`, `12 de marzo de 1985`.
    let small = |group: &&Group| {
        !matches!(context.text.slice(group.start, group.end), b"de" | b"of" | b"di" | b"del")
    };
    let mut words = groups.iter().enumerate().filter(|(_, group)| small(group));
    let (_, day) = words.next()?;
    if let (Some((_, Group { month: Some(month), .. })), Some((end, year))) = (words.next(), words.next()) {
        return is_date(number(year)?, *month, number(day)?).then_some(end + 1);
    }
    let third = groups.get(2)?;
    let same = second.separator == third.separator
        && second.separator & (separator(b'-') | separator(b'.') | separator(b'/') | separator(b' ')) != 0;
    let (a, b, c) = (number(first)?, number(second)?, number(third)?);
    if is_signed(&[first, second, third], context) {
        return is_date(a, b, c).then_some(3);
    }
    // The Solar Hijri calendar of Iran and Afghanistan: no day is past the 31st in its first half, nor the 30th later.
    if same && first.len() == 4 && (1300..1430).contains(&a) {
        return ((1..=12).contains(&b) && (1..=if b <= 6 { 31 } else { 30 }).contains(&c)).then_some(3);
    }
    let written = match (first.len(), second.len(), third.len()) {
        (4, 1..=2, 1..=2) => is_date(a, b, c),
        // Which of the two is the month depends on the country.
        (1..=2, 1..=2, 4) => is_date(c, b, a) || is_date(c, a, b),
        (1..=2, 1..=2, 2) => is_date(1900 + c, b, a) || is_date(1900 + c, a, b),
        _ => false,
    };
    (same && written).then_some(3)
}

/// A number of at most four digits, perhaps with the ending of an ordinal (`12th`).
fn number(text: &[u8]) -> Option<u32> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let ending = text.get(digits..)?.to_ascii_lowercase();
    let known = matches!(ending.as_slice(), b"" | b"st" | b"nd" | b"rd" | b"th" | b"er");
    ((1..=4).contains(&digits) && known).then(|| check::number(text, 0..digits))
}

fn is_date(year: u32, month: u32, day: u32) -> bool {
    (1900..2100).contains(&year) && check::is_date(year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_sorted_and_found() {
        assert!(
            MONTHS.windows(2).all(|pair| pair[0].0 < pair[1].0),
            "{:?}",
            MONTHS.windows(2).find(|p| p[0].0 >= p[1].0)
        );
        assert_eq!((month(b"MARCH"), month(b"juillet"), month(b"marching")), (Some(3), Some(7), None));
    }
}
