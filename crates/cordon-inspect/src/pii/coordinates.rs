//! Geographic coordinates: pairs in decimal degrees, single ones with a word that names them, pairs in degrees, minutes and seconds.

use crate::fold::SYMBOL;
use crate::pii::groups::{Group, Hit, Run};
use crate::pii::row::separator;
use crate::scanner::Context;

pub(super) const PAIR: &str = "@coordinates";
pub(super) const SINGLE: &str = "@coordinate";

/// Digits behind the point that make it a place and not a number: four are about ten metres.
const DECIMALS: usize = 3;

/// Adds the coordinates of a run.
pub(super) fn find(run: &Run, context: &Context<'_>, hits: &mut Vec<Hit>) {
    let tables = &context.tables.identifiers;
    let (Some(pair), Some(single)) = (tables.own(PAIR), tables.own(SINGLE)) else { return };
    let mut at = 0;
    while let Some([whole, fraction, ..]) = run.groups.get(at..) {
        if let Some(count) = arcs(run, at, context) {
            let end = run.groups.get(at + count - 1).map_or(whole.end, |last| last.end);
            hits.push(Hit { start: whole.start, end, row: pair, alone: 85, named: 95 });
            at += count;
            continue;
        }
        let Some(latitude) = degrees(whole, fraction, context).filter(|_| run.is_free_before(at, context))
        else {
            at += 1;
            continue;
        };
        let mut second = at + 2;
        let mut compass = is_compass(run.groups.get(second), context);
        second += usize::from(compass);
        let longitude = match run.groups.get(second..) {
            Some([whole, fraction, ..]) => {
                degrees(whole, fraction, context).map(|value| (value, fraction.end))
            }
            _ => None,
        };
        match longitude {
            Some((longitude, mut end)) if latitude <= 90 && longitude <= 180 => {
                if compass
                    && let Some(group) = run.groups.get(second + 2).filter(|g| is_compass(Some(g), context))
                {
                    end = group.end;
                } else {
                    compass = false;
                }
                let alone = if compass || is_asked(whole, context) { 85 } else { 0 };
                hits.push(Hit { start: whole.start, end, row: pair, alone, named: 92 });
                at = second + 2;
            }
            _ => {
                if latitude <= 180 && fraction.len() > DECIMALS {
                    hits.push(Hit {
                        start: whole.start,
                        end: fraction.end,
                        row: single,
                        alone: 0,
                        named: 80,
                    });
                }
                at += 2;
            }
        }
    }
}

/// Whether a map is asked for what begins here: `?q=`, `ll=`, `center=`, `geo:`, `/@`.
fn is_asked(first: &Group, context: &Context<'_>) -> bool {
    let before = context.text.slice(first.start.saturating_sub(8), first.start);
    let before = before.strip_suffix(b"-").unwrap_or(before);
    ["?q=", "&q=", "?ll=", "&ll=", "center=", "query=", "daddr=", "saddr=", "geo:", "/@"]
        .iter()
        .any(|ask| before.ends_with(ask.as_bytes()))
}

/// Whether a sign of minutes or seconds may go on with a run: behind a number, with degrees before it.
pub(super) fn is_open(run: &Run, i: usize, context: &Context<'_>) -> bool {
    let Some(last) = run.groups.last().filter(|last| last.is_number() && last.len() <= 4) else {
        return false;
    };
    let degrees =
        run.groups.iter().rev().take(4).any(|group| {
            group.is_number() && group.len() <= 3 && context.text.byte(group.end) == Some(SYMBOL)
        });
    degrees && i - last.end < 2
}

/// How many groups from `at` on are a latitude and a longitude in degrees, minutes and perhaps seconds.
fn arcs(run: &Run, at: usize, context: &Context<'_>) -> Option<usize> {
    let free = run.groups.get(at).is_some_and(|first| context.text.byte(first.end) == Some(SYMBOL));
    let latitude = free.then(|| arc(run, at, (90, b"NSns"), context)).flatten()?;
    let longitude = arc(run, at + latitude, (180, b"EWewOo"), context)?;
    Some(latitude + longitude)
}

/// How many groups from `at` on are an angle up to so many degrees, and a point of the compass behind it.
fn arc(run: &Run, at: usize, (most, points): (u32, &[u8]), context: &Context<'_>) -> Option<usize> {
    let value =
        |group: &Group| crate::pii::check::number(context.text.slice(group.start, group.end), 0..group.len());
    let first = run.groups.get(at).filter(|first| first.is_number() && first.len() <= 3)?;
    let degrees = value(first) <= most && context.text.byte(first.end) == Some(SYMBOL);
    let (mut count, mut parts) = (1, 0);
    while let Some(group) = run.groups.get(at + count).filter(|group| group.is_number() && group.len() <= 6) {
        let fraction = group.separator == separator(b'.');
        if !fraction {
            parts += 1;
        }
        if !fraction && (group.len() > 2 || value(group) > 59) || parts > 2 {
            return None;
        }
        count += 1;
    }
    let compass = run.groups.get(at + count).is_some_and(
        |group| matches!(context.text.slice(group.start, group.end), [point] if points.contains(point)),
    );
    (degrees && parts > 0 && compass).then_some(count + 1)
}

/// The whole degrees of a number with a point.
fn degrees(whole: &Group, fraction: &Group, context: &Context<'_>) -> Option<u32> {
    let written = whole.is_number()
        && fraction.is_number()
        && whole.len() <= 3
        && (DECIMALS..=15).contains(&fraction.len())
        && fraction.separator == separator(b'.');
    written.then(|| crate::pii::check::number(context.text.slice(whole.start, whole.end), 0..whole.len()))
}

/// Whether a group is a point of the compass.
fn is_compass(group: Option<&Group>, context: &Context<'_>) -> bool {
    group.is_some_and(|group| {
        matches!(
            context.text.slice(group.start, group.end),
            [b'N' | b'S' | b'E' | b'W' | b'n' | b's' | b'e' | b'w']
        )
    })
}
