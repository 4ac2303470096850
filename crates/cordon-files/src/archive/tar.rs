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
            b'x' => long = pax_path(content).or(long),
            b'K' | b'g' => {}
            _ => {
                let name = long.take().unwrap_or_else(|| own_name(header));
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
    text::decode(head(bytes, end)).text
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

/// The path that a record `LENGTH path=NAME` of a pax header says.
fn pax_path(content: &[u8]) -> Option<String> {
    content
        .split(|byte| *byte == b'\n')
        .find_map(|record| {
            let space = memchr::memchr(b' ', record)?;
            tail(record, space + 1).strip_prefix(b"path=")
        })
        .map(|path| text::decode(path).text)
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
