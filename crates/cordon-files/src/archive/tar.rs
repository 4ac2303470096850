//! Tar (POSIX.1-2001 `ustar` and `pax`, GNU long names): headers of 512 bytes, each with a sum.

use super::{is_of_finder, name::Names};
use crate::{
    Claim, Reason,
    bytes::{head, slice, tail},
    context::{Context, Done},
    text,
};

const BLOCK: usize = 512;

/// A tape archive: each entry is a file.
pub(crate) fn inspect(context: &mut Context<'_>, bytes: &[u8]) -> Done {
    let mut names = Names::default();
    let mut at = 0;
    let mut number = 0;
    // A name that the next entry has instead of its own.
    let mut long: Option<String> = None;
    let mut pax = Pax::default();
    while let Some(header) = slice(bytes, at, BLOCK) {
        context.spend(BLOCK)?;
        if header.iter().all(|byte| *byte == 0) {
            break;
        }
        context.thing()?;
        let (Some(size), true) = (number_at(header, 124, 12), sum_is_right(header)) else {
            context.see(Reason::Malformed);
            return Ok(());
        };
        let Some(content) = slice(bytes, at + BLOCK, size) else {
            context.see(Reason::Malformed);
            return Ok(());
        };
        // Sizes lie inside of the file, so that the sum does.
        at += BLOCK + size.div_ceil(BLOCK) * BLOCK;
        let kind = header.get(156).copied().unwrap_or_default();
        match kind {
            b'L' => long = Some(field(content)),
            b'x' => {
                context.spend(content.len())?;
                pax = Pax::read(content);
                if pax.is_damaged {
                    context.see(Reason::Ambiguous);
                }
            }
            b'K' | b'g' => {}
            _ => {
                let Pax { path, size: said, .. } = std::mem::take(&mut pax);
                if said.is_some_and(|said| said != size) || path.is_some() && long.is_some() {
                    context.see(Reason::Ambiguous);
                }
                let name = path.or(long.take()).unwrap_or_else(|| own_name(header));
                context.at(number, |context| {
                    names.check(context, &name);
                    match kind {
                        b'0' | 0 | b'7' => {
                            // What old tapes write as a file with a slash is a folder.
                            let file_name = name.rsplit('/').next().unwrap_or_default();
                            if !name.ends_with('/') && !is_of_finder(context, file_name, content) {
                                context.file(content, &Claim::named(&name))?;
                            }
                        }
                        b'5' => {}
                        b'1' | b'2' => context.see(Reason::Link),
                        b'3' | b'4' | b'6' => context.see(Reason::DeviceName),
                        _ => context.see(Reason::Unreadable),
                    }
                    Ok(())
                })?;
                number += 1;
            }
        }
    }
    if tail(bytes, at).iter().any(|byte| *byte != 0) {
        context.see(Reason::Appended);
    }
    Ok(())
}

/// A field up to its first NUL.
fn field(bytes: &[u8]) -> String {
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    text::name(head(bytes, end))
}

fn own_name(header: &[u8]) -> String {
    let name = field(slice(header, 0, 100).unwrap_or_default());
    let prefix = field(slice(header, 345, 155).unwrap_or_default());
    if prefix.is_empty() || slice(header, 257, 6) != Some(b"ustar\0") {
        name
    } else {
        format!("{prefix}/{name}")
    }
}

/// What the records `LENGTH KEY=VALUE` of a pax header say of the next entry; of one key the last record counts.
#[derive(Default)]
struct Pax {
    path: Option<String>,
    /// A size that readers of the header alone do not see.
    size: Option<usize>,
    is_damaged: bool,
}

impl Pax {
    fn read(content: &[u8]) -> Self {
        let mut pax = Self::default();
        let mut rest = content;
        while rest.first().is_some_and(|byte| *byte != 0) {
            let Some((record, behind)) = record(rest) else {
                pax.is_damaged = true;
                break;
            };
            rest = behind;
            if let Some(path) = record.strip_prefix(b"path=") {
                pax.path = Some(text::name(path));
            } else if let Some(size) = record.strip_prefix(b"size=") {
                pax.size = std::str::from_utf8(size).ok().and_then(|size| size.parse().ok());
                pax.is_damaged |= pax.size.is_none();
            }
        }
        pax
    }
}

/// The first record without its length and the end of its line, and the rest.
fn record(content: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = memchr::memchr(b' ', head(content, 20))?;
    let length = std::str::from_utf8(head(content, space)).ok()?.parse::<usize>().ok()?;
    let (record, rest) = content.split_at_checked(length)?;
    Some((record.get(space + 1..)?.strip_suffix(b"\n")?, rest))
}

/// A number in octal digits, or in binary where the first bit is one.
fn number_at(header: &[u8], at: usize, length: usize) -> Option<usize> {
    let field = slice(header, at, length)?;
    if field.first().is_some_and(|byte| byte & 0x80 != 0) {
        let value = field
            .iter()
            .skip(4)
            .try_fold(0_u64, |value, byte| value.checked_mul(256).map(|value| value + u64::from(*byte)))?;
        return usize::try_from(value).ok();
    }
    let digits = field.iter().copied().filter(|byte| !matches!(byte, 0 | b' '));
    digits.into_iter().try_fold(0_usize, |value, byte| match byte {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(usize::from(byte - b'0')),
        _ => None,
    })
}

/// Whether the header's bytes, with blanks for the sum itself, add up to it.
fn sum_is_right(header: &[u8]) -> bool {
    let sum = header
        .iter()
        .enumerate()
        .map(|(at, byte)| if (148..156).contains(&at) { u32::from(b' ') } else { u32::from(*byte) });
    number_at(header, 148, 8).and_then(|said| u32::try_from(said).ok()) == Some(sum.sum())
}
