//! Geographic coordinates in decimal degrees: pairs, and single ones with a word that names them.

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
                let alone = if compass { 85 } else { 0 };
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
