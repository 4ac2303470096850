//! Rich Text Format: words behind backslashes, in groups.

use super::formula;
use crate::{
    Reason, Role,
    bytes::head,
    context::{Context, Done},
    text::windows1252,
};

/// Groups inside one another.
const DEEPEST: usize = 1024;

/// What a group is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Group {
    #[default]
    Body,
    Hidden,
    /// An instruction of a field.
    Field,
    /// The target of a template.
    Template,
    /// About the document.
    About,
    /// What is no text.
    Skipped,
}

/// A file of Rich Text.
pub(crate) fn inspect(context: &mut Context<'_>, bytes: &[u8]) -> Done {
    context.spend(bytes.len())?;
    let (mut body, mut hidden, mut about) = (String::new(), String::new(), String::new());
    let (mut field, mut template) = (String::new(), String::new());
    let mut group = Group::default();
    // With each group how many bytes stand for a character that is written as a number.
    let mut outer: Vec<(Group, usize)> = Vec::new();
    let mut instead = 1_usize;
    // The first half of a character that is written as two numbers.
    let mut half: Option<u16> = None;
    // Whether the group may be skipped by who does not know its first word.
    let mut starred = false;
    let mut rest = bytes;
    // Bytes that stand for a character that was written as a number before.
    let mut skip = 0_usize;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        let mut write = None;
        match byte {
            b'{' => {
                if outer.len() >= DEEPEST {
                    context.see(Reason::TooDeep);
                    break;
                }
                outer.push((group, instead));
                skip = 0;
                starred = false;
            }
            b'}' => match outer.pop() {
                Some((before, bytes)) => {
                    (instead, skip) = (bytes, 0);
                    if group == Group::Field && before != Group::Field {
                        see_field(context, &std::mem::take(&mut field));
                    }
                    group = before;
                    if outer.is_empty() {
                        break;
                    }
                }
                None => break,
            },
            b'\r' | b'\n' => {}
            b'\\' => {
                context.thing()?;
                let (word, number, behind) = control(rest);
                rest = behind;
                match word {
                    b"'" => {
                        let digits = std::str::from_utf8(head(rest, 2)).unwrap_or_default();
                        write = u8::from_str_radix(digits, 16).ok().map(windows1252).filter(|_| skip == 0);
                        skip = skip.saturating_sub(1);
                        rest = rest.get(2..).unwrap_or_default();
                    }
                    b"u" => {
                        let code =
                            u16::try_from(number.unwrap_or(0).rem_euclid(0x1_0000)).unwrap_or_default();
                        let units = half.take().into_iter().chain([code]);
                        write = char::decode_utf16(units).find_map(Result::ok);
                        half = Some(code).filter(|code| (0xd800..0xdc00).contains(code));
                        skip = instead;
                    }
                    b"uc" => instead = number.and_then(|n| usize::try_from(n).ok()).unwrap_or(1).min(16),
                    b"*" => starred = true,
                    b"par" | b"line" | b"sect" | b"page" | b"row" => write = Some('\n'),
                    b"tab" | b"cell" => write = Some('\t'),
                    b"~" => write = Some(' '),
                    b"\\" | b"{" | b"}" => write = word.first().copied().map(char::from),
                    b"v" if group == Group::Body && number != Some(0) => group = Group::Hidden,
                    b"v" if group == Group::Hidden => group = Group::Body,
                    b"fldinst" => group = Group::Field,
                    b"template" => group = Group::Template,
                    b"info" | b"title" | b"author" | b"subject" | b"doccomm" | b"keywords" => {
                        group = Group::About;
                    }
                    b"object" | b"objdata" | b"objocx" => {
                        context.see(Reason::OleObject);
                        if word == b"objdata" {
                            group = Group::Skipped;
                        }
                    }
                    b"objupdate" | b"objautlink" => context.see(Reason::OleObject),
                    b"fonttbl" | b"colortbl" | b"stylesheet" | b"pict" | b"themedata" | b"datastore"
                    | b"listtable" => group = Group::Skipped,
                    // Bytes that are no text; what stands behind them in the group is.
                    b"bin" => {
                        let length = number.and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
                        rest = rest.get(length..).unwrap_or_default();
                    }
                    _ if starred => group = Group::Skipped,
                    _ => {}
                }
                if word != b"*" {
                    starred = false;
                }
            }
            _ if skip > 0 => skip -= 1,
            byte => write = Some(windows1252(*byte)),
        }
        if let Some(c) = write {
            match group {
                Group::Body => body.push(c),
                Group::Hidden => hidden.push(c),
                Group::About => about.push(c),
                Group::Field if field.len() < 4096 => field.push(c),
                Group::Template if template.len() < 4096 => template.push(c),
                _ => {}
            }
        }
    }
    if !outer.is_empty() {
        context.see(Reason::Damaged);
    } else if rest.iter().any(|byte| !matches!(byte, 0 | b' ' | b'\r' | b'\n' | b'}')) {
        context.see(Reason::Appended);
    }
    if template.contains("://") || template.contains("\\\\") {
        context.see(Reason::ExternalTemplate);
    }
    see_field(context, &field);
    context.decoded(body.len() + hidden.len())?;
    context.text(Role::Body, body)?;
    context.text(Role::Hidden, hidden)?;
    context.text(Role::Metadata, about)
}

fn see_field(context: &mut Context<'_>, instruction: &str) {
    if let Some(reason) = formula::field(instruction) {
        context.see(reason);
    }
}

/// A word with its number behind a backslash, and the rest; one character where it is no letter.
fn control(text: &[u8]) -> (&[u8], Option<i64>, &[u8]) {
    let letters = text.iter().take(32).take_while(|byte| byte.is_ascii_alphabetic()).count();
    if letters == 0 {
        let (word, rest) = text.split_at_checked(1).unwrap_or((text, &[]));
        return (word, None, rest);
    }
    let (word, rest) = text.split_at_checked(letters).unwrap_or((text, &[]));
    let digits = rest
        .iter()
        .enumerate()
        .take(11)
        .take_while(|(at, byte)| byte.is_ascii_digit() || (*at == 0 && **byte == b'-'))
        .count();
    let (number, rest) = rest.split_at_checked(digits).unwrap_or((rest, &[]));
    let number = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok());
    (word, number, rest.strip_prefix(b" ").unwrap_or(rest))
}
