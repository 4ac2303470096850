//! The opcodes of pickle, protocols 0 to 5, and what stands behind each (`Lib/pickletools.py` of Python describes them all).

use crate::{
    bytes::{head, index, index64, le16, le32, le64, slice, tail},
    text,
};

/// What an opcode does to who unpickles, as far as it matters to which objects are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op<'b> {
    /// The end of the stream.
    Stop,
    /// Nothing: protocol, frame, what only turns the topmost value into another.
    Nothing,
    /// The beginning of what a later opcode takes together.
    Mark,
    /// Pushes a value that nothing can be called by.
    Push,
    /// Pushes a whole number that is not below zero.
    Number(u64),
    /// Pushes a text: its bytes as they stand, and how they are to be read.
    Text(&'b [u8], Coding),
    /// Pushes an empty tuple.
    EmptyTuple,
    /// Takes so many values for a tuple.
    Tuple(usize),
    /// Takes all to the mark for a tuple.
    TupleToMark,
    /// Takes all to the mark for a list, a dictionary or a frozen set.
    PlainToMark,
    /// Adds the topmost value to what is below.
    Append,
    /// Adds all to the mark to what is below.
    AppendToMark,
    /// Sets the two topmost values as key and value of what is below.
    SetItem,
    /// Takes the topmost value away, or a mark.
    Pop,
    /// Takes all to the mark away.
    PopMark,
    /// Pushes the topmost value again.
    Duplicate,
    /// Pushes what was remembered; none where the number is one that only some loaders read.
    Get(Option<u64>),
    /// Remembers the topmost value.
    Put(Option<u64>),
    /// Remembers the topmost value under the next number.
    Memoize,
    /// Pushes what module and name lead to.
    Global(&'b [u8], &'b [u8]),
    /// The same, of two texts.
    StackGlobal,
    /// Calls a class that is named, with all to the mark.
    Instance(&'b [u8], &'b [u8]),
    /// Calls a class that stands behind the mark, with the rest.
    Object,
    /// Calls what is below with the tuple on top.
    Reduce,
    /// Makes an object of a class, with the tuple on top.
    New,
    /// The same with named arguments on top of that.
    NewWithNames,
    /// Gives its state to an object.
    Build,
    /// Pushes what a register of the process has under a number.
    Extension,
    /// Asks the loader for an object by a text.
    Persistent,
    /// Asks the loader for an object by the topmost value.
    PersistentByValue,
}

/// How the bytes of a text are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// UTF-8.
    Utf8,
    /// Bytes of a text of Python 2.
    Bytes,
    /// UTF-8 with `\u` before four digits.
    Escaped,
    /// As Python writes a text in quotes, which stand around it.
    Quoted,
}

/// The opcode at `at` and where the next one stands; none where there is no opcode, or not all of one.
pub(crate) fn read(bytes: &[u8], at: usize) -> Option<(Op<'_>, usize)> {
    let code = *bytes.get(at)?;
    let at = at + 1;
    let fixed = |op, length: usize| slice(bytes, at, length).map(|_| (op, at + length));
    let counted = |length: usize, width: usize| -> Option<(&[u8], usize)> {
        let start = at.checked_add(width)?;
        slice(bytes, start, length).map(|found| (found, start + length))
    };
    let one = || bytes.get(at).map(|byte| usize::from(*byte));
    let four = || le32(bytes, at).map(index);
    let eight = || le64(bytes, at).map(index64);
    let text = |length: Option<usize>, width, coding| {
        counted(length?, width).map(|(found, next)| (Op::Text(found, coding), next))
    };
    let push = |length: Option<usize>, width| counted(length?, width).map(|(_, next)| (Op::Push, next));
    Some(match code {
        b'.' => (Op::Stop, at),
        b'(' => (Op::Mark, at),
        b'0' => (Op::Pop, at),
        b'1' => (Op::PopMark, at),
        b'2' => (Op::Duplicate, at),
        // Integers and floating point numbers as text. Which lines are numbers, loaders do not agree on: whoever stops at one
        // that another reads has not seen what is behind it.
        b'I' | b'L' | b'F' => (Op::Push, line(bytes, at)?.1),
        b'J' => {
            let number = le32(bytes, at).filter(|number| number.cast_signed() >= 0);
            fixed(number.map_or(Op::Push, |number| Op::Number(number.into())), 4)?
        }
        b'K' => (Op::Number(u64::from(*bytes.get(at)?)), at + 1),
        b'M' => (Op::Number(le16(bytes, at)?.into()), at + 2),
        b'G' => fixed(Op::Push, 8)?,
        b'N' | b']' | b'}' | b'\x88' | b'\x89' | b'\x8f' => (Op::Push, at),
        b'\x8a' => counted(one()?, 1).map(|(found, next)| (whole(found), next))?,
        b'\x8b' => push(four(), 4)?,
        b'S' => {
            let (line, next) = line(bytes, at)?;
            (Op::Text(quoted(line.trim_ascii()).unwrap_or(line), Coding::Quoted), next)
        }
        b'V' => line(bytes, at).map(|(line, next)| (Op::Text(line, Coding::Escaped), next))?,
        b'T' => text(four(), 4, Coding::Bytes)?,
        b'U' => text(one(), 1, Coding::Bytes)?,
        b'X' => text(four(), 4, Coding::Utf8)?,
        b'\x8c' => text(one(), 1, Coding::Utf8)?,
        b'\x8d' => text(eight(), 8, Coding::Utf8)?,
        // Bytes, and arrays of them.
        b'B' => push(four(), 4)?,
        b'C' => push(one(), 1)?,
        b'\x8e' | b'\x96' => push(eight(), 8)?,
        // A buffer from beside the stream.
        b'\x97' => (Op::Push, at),
        b'\x98' => (Op::Nothing, at),
        b')' => (Op::EmptyTuple, at),
        b't' => (Op::TupleToMark, at),
        b'\x85' => (Op::Tuple(1), at),
        b'\x86' => (Op::Tuple(2), at),
        b'\x87' => (Op::Tuple(3), at),
        b'l' | b'd' | b'\x91' => (Op::PlainToMark, at),
        b'a' => (Op::Append, at),
        b'e' | b'u' | b'\x90' => (Op::AppendToMark, at),
        b's' => (Op::SetItem, at),
        b'g' | b'p' => {
            let (line, next) = line(bytes, at)?;
            let name = number(line);
            (if code == b'g' { Op::Get(name) } else { Op::Put(name) }, next)
        }
        b'h' => (Op::Get(Some(u64::from(*bytes.get(at)?))), at + 1),
        b'j' => (Op::Get(Some(u64::from(le32(bytes, at)?))), at + 4),
        b'q' => (Op::Put(Some(u64::from(*bytes.get(at)?))), at + 1),
        b'r' => (Op::Put(Some(u64::from(le32(bytes, at)?))), at + 4),
        b'\x94' => (Op::Memoize, at),
        b'c' | b'i' => {
            let (module, next) = line(bytes, at)?;
            let (name, next) = line(bytes, next)?;
            (if code == b'c' { Op::Global(module, name) } else { Op::Instance(module, name) }, next)
        }
        b'\x93' => (Op::StackGlobal, at),
        b'o' => (Op::Object, at),
        b'R' => (Op::Reduce, at),
        b'\x81' => (Op::New, at),
        b'\x92' => (Op::NewWithNames, at),
        b'b' => (Op::Build, at),
        b'\x82' => fixed(Op::Extension, 1)?,
        b'\x83' => le16(bytes, at).map(|_| (Op::Extension, at + 2))?,
        b'\x84' => fixed(Op::Extension, 4)?,
        b'P' => (Op::Persistent, line(bytes, at)?.1),
        b'Q' => (Op::PersistentByValue, at),
        // A reader stops at a protocol that it does not know.
        b'\x80' => bytes.get(at).filter(|protocol| **protocol <= 5).map(|_| (Op::Nothing, at + 1))?,
        b'\x95' => fixed(Op::Nothing, 8)?,
        _ => return None,
    })
}

/// What stands before the next end of a line, and what begins behind it. Of the last line loaders drop the last byte, whatever
/// it is.
fn line(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = tail(bytes, at);
    let end = memchr::memchr(b'\n', rest).or_else(|| rest.len().checked_sub(1))?;
    Some((rest.get(..end)?, at + end + 1))
}

/// A number as Python reads one (`int`, `PyLong_FromString`): with space around it, a sign, marks between its digits, and
/// whatever stands behind a NUL; none where it is another, or larger than a register.
fn number(line: &[u8]) -> Option<u64> {
    let line = line.split(|byte| *byte == 0).next()?;
    let digits: Vec<u8> =
        line.iter().copied().filter(|b| !b.is_ascii_whitespace() && !matches!(b, b'_' | 0x0b)).collect();
    std::str::from_utf8(&digits).ok()?.parse().ok()
}

/// A number in little-endian two's complement.
fn whole(bytes: &[u8]) -> Op<'static> {
    let is_below = bytes.last().is_some_and(|last| *last >= 0x80);
    let number =
        bytes.iter().rev().try_fold(0_u64, |sum, byte| sum.checked_mul(256)?.checked_add((*byte).into()));
    number.filter(|_| !is_below).map_or(Op::Push, Op::Number)
}

/// What stands between quotes.
fn quoted(line: &[u8]) -> Option<&[u8]> {
    [b"'", b"\""].into_iter().find_map(|sign| line.strip_prefix(sign)?.strip_suffix(sign))
}

/// A text as a loader reads it; U+FFFD for what is none.
pub(crate) fn read_text(found: &[u8], coding: Coding) -> String {
    match coding {
        Coding::Utf8 | Coding::Bytes => text::name(found),
        Coding::Escaped | Coding::Quoted => unescape(found),
    }
}

/// Python's escapes in a text: those by which a letter can be written otherwise.
fn unescape(found: &[u8]) -> String {
    let mut out = Vec::with_capacity(found.len());
    let mut rest = found;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'\\' {
            out.push(*first);
            continue;
        }
        let Some((kind, after)) = rest.split_first() else { break };
        let (digits, radix) = match kind {
            b'x' => (2, 16),
            b'u' => (4, 16),
            b'U' => (8, 16),
            b'0'..=b'7' => (rest.iter().take(3).take_while(|b| matches!(b, b'0'..=b'7')).count(), 8),
            _ => {
                out.push(match kind {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    other => *other,
                });
                rest = after;
                continue;
            }
        };
        let from = if radix == 8 { rest } else { after };
        let number = std::str::from_utf8(head(from, digits)).ok().filter(|text| text.len() == digits);
        match number.and_then(|text| u32::from_str_radix(text, radix).ok()).and_then(char::from_u32) {
            Some(letter) => {
                out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                rest = tail(from, digits);
            }
            None => out.push(b'\\'),
        }
    }
    text::name(&out)
}
