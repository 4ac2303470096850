//! Office of before 2007 in compound files: macros, encryption, objects, and the texts of Word, Excel and PowerPoint.

use super::compound::Compound;
use crate::{
    FileType, Reason, Role,
    bytes::{index, le16, le32, slice, tail},
    context::{Context, Done},
    text,
};

/// A compound file: what kind of document is in it decides how its text is read.
pub(crate) fn inspect(context: &mut Context<'_>, bytes: &[u8]) -> Done<FileType> {
    let Some(compound) = Compound::read(context, bytes)? else {
        context.see(Reason::Malformed);
        return Ok(FileType::Ole);
    };
    let mut known = false;
    for entry in &compound.entries {
        // Names are the same in letters of either case.
        match entry.name.to_ascii_lowercase().as_str() {
            "vba" | "_vba_project" | "_vba_project_cur" | "macros" | "projectwm" => {
                context.see(Reason::Macro);
            }
            "encryptedpackage" | "encryptioninfo" | "encryptedsummary" => {
                context.see(Reason::Encrypted);
                known = true;
            }
            "objectpool" | "\u{1}ole10native" | "\u{1}ole" | "package" => context.see(Reason::OleObject),
            "\u{3}objinfo" | "contents" | "\u{3}ocxname" => context.see(Reason::ActiveX),
            _ => {}
        }
    }
    if let Some(document) = compound.named(context, "WordDocument")? {
        known = true;
        word(context, &compound, &document)?;
    }
    for name in ["Workbook", "Book"] {
        if let Some(book) = compound.named(context, name)? {
            known = true;
            workbook(context, &book)?;
        }
    }
    if let Some(slides) = compound.named(context, "PowerPoint Document")? {
        known = true;
        let mut out = String::new();
        presentation(context, &slides, 0, &mut out)?;
        context.text(Role::Body, out)?;
    }
    for name in ["\u{5}SummaryInformation", "\u{5}DocumentSummaryInformation"] {
        if let Some(stream) = compound.named(context, name)? {
            let about = properties(context, &stream)?;
            context.text(Role::Metadata, about)?;
        }
    }
    if !known {
        // Messages of Outlook, installers, and whatever else has this container.
        context.see(Reason::Unreadable);
    }
    Ok(FileType::Ole)
}

/// The text of a document of Word 97 to 2003 ([MS-DOC]): its pieces, as the table stream says.
fn word(context: &mut Context<'_>, compound: &Compound<'_>, document: &[u8]) -> Done {
    let flags = le16(document, 10).unwrap_or_default();
    if flags & 0x100 != 0 {
        context.see(Reason::Encrypted);
        return Ok(());
    }
    let table = if flags & 0x200 != 0 { "1Table" } else { "0Table" };
    let Some(table) = compound.named(context, table)? else {
        context.see(Reason::Damaged);
        return Ok(());
    };
    match pieces(context, document, &table)? {
        Some(text) => {
            // Fields stand between control characters: what they do is before the separator.
            for field in text.split('\u{13}').skip(1) {
                let instruction = field.split(['\u{14}', '\u{15}']).next().unwrap_or_default();
                if let Some(reason) = super::formula::field(instruction) {
                    context.see(reason);
                }
            }
            context.text(Role::Body, text.replace(['\r', '\u{7}', '\u{b}', '\u{c}'], "\n"))
        }
        None => {
            context.see(Reason::Damaged);
            Ok(())
        }
    }
}

fn pieces(context: &mut Context<'_>, document: &[u8], table: &[u8]) -> Done<Option<String>> {
    let place = le32(document, 0x1a2).zip(le32(document, 0x1a6));
    let Some(mut clx) = place.and_then(|(at, length)| slice(table, index(at), index(length))) else {
        return Ok(None);
    };
    // Formats come before the table of pieces.
    while clx.first() == Some(&1) {
        clx = tail(clx, 3 + usize::from(le16(clx, 1).unwrap_or_default()));
    }
    if clx.first() != Some(&2) {
        return Ok(None);
    }
    let plc = tail(clx, 5);
    // n + 1 positions of characters, and n records of eight bytes.
    let count = plc.len().saturating_sub(4) / 12;
    let mut out = String::new();
    for piece in 0..count {
        context.thing()?;
        let from = le32(plc, piece * 4).map(index);
        let to = le32(plc, piece * 4 + 4).map(index);
        let place = le32(plc, (count + 1) * 4 + piece * 8 + 2);
        let (Some(from), Some(to), Some(place)) = (from, to, place) else { return Ok(None) };
        let Some(length) = to.checked_sub(from) else { return Ok(None) };
        // One bit says that a character is a byte, and then the place is doubled.
        if place & 0x4000_0000 != 0 {
            let Some(bytes) = slice(document, index((place & 0x3fff_ffff) / 2), length) else {
                return Ok(None);
            };
            context.decoded(length)?;
            out.extend(bytes.iter().map(|byte| text::windows1252(*byte)));
        } else {
            let bytes = length.checked_mul(2).and_then(|length| slice(document, index(place), length));
            let Some(bytes) = bytes else { return Ok(None) };
            context.decoded(bytes.len())?;
            out.push_str(&text::utf16_le(bytes));
        }
    }
    Ok(Some(out))
}

/// The strings of a workbook of Excel 97 to 2003 ([MS-XLS]), and what its records say of sheets.
fn workbook(context: &mut Context<'_>, book: &[u8]) -> Done {
    const FILE_PASS: u16 = 0x2f;
    const SHEET: u16 = 0x85;
    const CONTINUE: u16 = 0x3c;
    const STRINGS: u16 = 0xfc;
    const EXTERNAL: u16 = 0x1ae;
    const LABEL: u16 = 0x204;
    let mut names = String::new();
    let mut out = String::new();
    // The table of strings goes on in the records behind it.
    let mut strings: Option<Vec<&[u8]>> = None;
    let mut at = 0;
    while let (Some(kind), Some(length)) = (le16(book, at), le16(book, at + 2)) {
        context.thing()?;
        let Some(data) = slice(book, at + 4, usize::from(length)) else {
            context.see(Reason::Damaged);
            break;
        };
        at += 4 + usize::from(length);
        match kind {
            FILE_PASS => {
                context.see(Reason::Encrypted);
                return Ok(());
            }
            SHEET => {
                if data.get(4).is_some_and(|state| state & 3 != 0) {
                    context.see(Reason::HiddenSheet);
                }
                if data.get(5) == Some(&1) {
                    context.see(Reason::Macro);
                }
                if let Some((name, _)) =
                    string(tail(data, 7), data.get(6).map_or(0, |length| usize::from(*length)))
                {
                    names.push_str(&name);
                    names.push('\n');
                }
            }
            // A name that begins with 1 is the path of a book, whose folders 3 separates ([MS-XLS] 2.5.277); in any other it
            // stands between the program and the topic of an exchange.
            EXTERNAL if data.get(5) == Some(&1) => context.see(Reason::ExternalReference),
            EXTERNAL if tail(data, 5).contains(&3) => context.see(Reason::Dde),
            LABEL => {
                if let Some((text, _)) =
                    le16(data, 6).and_then(|length| string(tail(data, 8), usize::from(length)))
                {
                    out.push_str(&text);
                    out.push('\n');
                }
            }
            STRINGS => strings = Some(vec![data]),
            CONTINUE => {
                if let Some(parts) = &mut strings {
                    parts.push(data);
                }
            }
            _ => {
                if let Some(parts) = strings.take() {
                    shared(context, &parts, &mut out)?;
                }
            }
        }
    }
    if let Some(parts) = strings {
        shared(context, &parts, &mut out)?;
    }
    context.text(Role::Metadata, names)?;
    context.text(Role::Body, out)
}

/// A string of `length` characters: a byte of flags, and one or two bytes for each.
fn string(data: &[u8], length: usize) -> Option<(String, usize)> {
    let wide = data.first()? & 1 != 0;
    let bytes = slice(data, 1, if wide { length.checked_mul(2)? } else { length })?;
    let text = if wide {
        text::utf16_le(bytes)
    } else {
        bytes.iter().map(|byte| text::windows1252(*byte)).collect()
    };
    Some((text, 1 + bytes.len()))
}

/// The table of strings. A string that goes over the end of a record has a byte of flags again where it goes on.
fn shared(context: &mut Context<'_>, parts: &[&[u8]], out: &mut String) -> Done {
    let mut parts = parts.iter().copied();
    let Some(mut rest) = parts.next().map(|first| tail(first, 8)) else { return Ok(()) };
    loop {
        if rest.is_empty() {
            match parts.next() {
                Some(next) => rest = next,
                None => return Ok(()),
            }
            continue;
        }
        context.thing()?;
        let (Some(length), Some(flags)) = (le16(rest, 0), rest.get(2).copied()) else { return Ok(()) };
        let mut at = 3;
        let (mut runs, mut extra) = (0, 0);
        if flags & 8 != 0 {
            runs = usize::from(le16(rest, at).unwrap_or_default()) * 4;
            at += 2;
        }
        if flags & 4 != 0 {
            extra = index(le32(rest, at).unwrap_or_default());
            at += 4;
        }
        rest = tail(rest, at);
        let (mut left, mut wide) = (usize::from(length), flags & 1 != 0);
        while left > 0 {
            let size = if wide { 2 } else { 1 };
            let here = left.min(rest.len() / size);
            let bytes = slice(rest, 0, here * size).unwrap_or_default();
            context.decoded(bytes.len())?;
            if wide {
                out.push_str(&text::utf16_le(bytes));
            } else {
                out.extend(bytes.iter().map(|byte| text::windows1252(*byte)));
            }
            left -= here;
            rest = tail(rest, here * size);
            if left > 0 {
                let Some(next) = parts.next() else { return Ok(()) };
                wide = next.first().is_some_and(|flags| flags & 1 != 0);
                rest = tail(next, 1);
            }
        }
        out.push('\n');
        let mut skip = runs.saturating_add(extra);
        while skip > rest.len() {
            skip -= rest.len();
            let Some(next) = parts.next() else { return Ok(()) };
            rest = next;
        }
        rest = tail(rest, skip);
    }
}

/// The texts of a presentation of PowerPoint 97 to 2003 ([MS-PPT]): atoms of text in a tree of records.
// Recursion is bounded by `depth`.
fn presentation(context: &mut Context<'_>, records: &[u8], depth: usize, out: &mut String) -> Done {
    const WIDE: u16 = 0x0fa0;
    const NARROW: u16 = 0x0fa8;
    const OBJECT: u16 = 0x1011;
    if depth > 32 {
        context.see(Reason::TooDeep);
        return Ok(());
    }
    let mut at = 0;
    while let (Some(version), Some(kind), Some(length)) =
        (le16(records, at), le16(records, at + 2), le32(records, at + 4))
    {
        context.thing()?;
        let Some(data) = slice(records, at + 8, index(length)) else {
            context.see(Reason::Damaged);
            return Ok(());
        };
        at += 8 + data.len();
        context.spend(8)?;
        match kind {
            WIDE => {
                context.decoded(data.len())?;
                out.push_str(&text::utf16_le(data).replace('\r', "\n"));
                out.push('\n');
            }
            NARROW => {
                context.decoded(data.len())?;
                out.extend(
                    data.iter().map(|byte| if *byte == b'\r' { '\n' } else { text::windows1252(*byte) }),
                );
                out.push('\n');
            }
            OBJECT => context.see(Reason::OleObject),
            _ if version & 0xf == 0xf => presentation(context, data, depth + 1, out)?,
            _ => {}
        }
    }
    Ok(())
}

/// Texts of a set of properties ([MS-OLEPS]): title, subject, author, and the like.
fn properties(context: &mut Context<'_>, stream: &[u8]) -> Done<String> {
    let mut out = String::new();
    let Some(section) = le32(stream, 44).map(index) else { return Ok(out) };
    let section = tail(stream, section);
    let count = le32(section, 4).map_or(0, index).min(256);
    for property in 0..count {
        context.thing()?;
        let Some(at) = le32(section, 8 + property * 8 + 4).map(index) else { break };
        let value = tail(section, at);
        let length = le32(value, 4).map_or(0, index);
        let text = match le32(value, 0) {
            Some(0x1e) => slice(value, 8, length).map(|bytes| text::decode(bytes).text),
            Some(0x1f) => slice(value, 8, length.saturating_mul(2)).map(text::utf16_le),
            _ => None,
        };
        if let Some(text) = text {
            context.decoded(text.len())?;
            out.push_str(text.trim_end_matches('\0'));
            out.push('\n');
        }
    }
    Ok(out)
}
