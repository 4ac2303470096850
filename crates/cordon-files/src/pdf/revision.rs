//! The chain of tables of offsets: nothing is read through it, and where it is broken readers would have to guess.

use std::collections::HashSet;

use super::{file, object::Object};
use crate::{
    Reason,
    bytes::{rfind, tail},
    context::{Context, Done},
};

/// Revisions of a file.
const MOST: usize = 1024;

/// Follows the chain from its last link.
pub(super) fn check(context: &mut Context<'_>, bytes: &[u8]) -> Done {
    let start = rfind(bytes, b"startxref").map(|at| tail(bytes, at + 9).trim_ascii_start());
    let digits = start.map(|text| text.iter().take(12).take_while(|byte| byte.is_ascii_digit()).count());
    let first = start
        .zip(digits)
        .and_then(|(text, digits)| std::str::from_utf8(text.get(..digits)?).ok()?.parse().ok());
    let Some(first) = first else {
        context.see(Reason::Damaged);
        return Ok(());
    };
    let mut waiting: Vec<usize> = vec![first];
    let mut seen = HashSet::new();
    while let Some(at) = waiting.pop() {
        if !seen.insert(at) || seen.len() > MOST {
            context.see(Reason::Damaged);
            return Ok(());
        }
        let Some(link) = file::dictionary_at(context, bytes, at)? else {
            context.see(Reason::Damaged);
            return Ok(());
        };
        waiting.extend(["XRefStm", "Prev"].iter().filter_map(|key| link.get(key).and_then(Object::length)));
    }
    Ok(())
}
