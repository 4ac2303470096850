//! XML (1.0) as a list of tags and texts. No entity is expanded but the five of the standard and numbers; who defines others
//! is seen.

use std::borrow::Cow;

use crate::{
    Reason, Role,
    bytes::{find, tail},
    context::{Context, Done},
    text,
};

/// Elements inside one another; what is deeper is none of any real document.
const DEEPEST: usize = 256;

/// What stands in a text.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// `<name …>`; `empty` where it ends with `/>`.
    Start { name: &'a str, attributes: Attributes<'a>, empty: bool },
    /// `</name>`
    End { name: &'a str },
    /// Between tags, and what is in CDATA as it is.
    Text(Cow<'a, str>),
    /// `<!-- … -->`
    Comment(&'a str),
    /// `<!DOCTYPE …>` without its first word.
    Doctype(&'a str),
    /// `<?target …?>`
    Instruction(&'a str),
}

/// The attributes of a tag.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attributes<'a>(&'a str);

/// Goes through a text; ends early, and is broken, where something does not end.
pub(crate) struct Reader<'a> {
    rest: &'a str,
    pub(crate) broken: bool,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { rest: text, broken: false }
    }

    /// The rest before and behind a sign.
    fn until(&mut self, sign: &str) -> Option<&'a str> {
        match self.rest.split_once(sign) {
            Some((before, behind)) => {
                self.rest = behind;
                Some(before)
            }
            None => {
                self.rest = "";
                self.broken = true;
                None
            }
        }
    }

    fn tag(&mut self) -> Option<Event<'a>> {
        if let Some(rest) = self.rest.strip_prefix("<!--") {
            self.rest = rest;
            return self.until("-->").map(Event::Comment);
        }
        if let Some(rest) = self.rest.strip_prefix("<![CDATA[") {
            self.rest = rest;
            return self.until("]]>").map(|text| Event::Text(Cow::Borrowed(text)));
        }
        if let Some(rest) = self.rest.strip_prefix("<?") {
            self.rest = rest;
            return self.until("?>").map(Event::Instruction);
        }
        if let Some(rest) = self.rest.strip_prefix("</") {
            self.rest = rest;
            return self.until(">").map(|name| Event::End { name: name.trim() });
        }
        let rest = self.rest.strip_prefix('<').unwrap_or_default();
        let Some(end) = tag_end(rest) else {
            self.rest = "";
            self.broken = true;
            return None;
        };
        let (inside, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        self.rest = behind.strip_prefix('>').unwrap_or_default();
        if let Some(doctype) = inside.strip_prefix('!') {
            return Some(Event::Doctype(doctype));
        }
        let empty = inside.ends_with('/');
        let inside = inside.strip_suffix('/').unwrap_or(inside);
        let (name, attributes) = inside.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((inside, ""));
        Some(Event::Start { name, attributes: Attributes(attributes), empty })
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        if self.rest.starts_with('<') {
            return self.tag();
        }
        let end = self.rest.find('<').unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        Some(Event::Text(unescaped(text)))
    }
}

/// Where the `>` of a tag is that stands in no quotes and no brackets; nor in comments and instructions, which brackets hold.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut brackets = 0_usize;
    let mut behind = 0;
    for (at, byte) in text.bytes().enumerate() {
        if at < behind {
            continue;
        }
        if brackets > 0 && quote.is_none() && byte == b'<' {
            let rest = tail(text.as_bytes(), at);
            let end: &[u8] = if rest.starts_with(b"<!--") {
                b"-->"
            } else if rest.starts_with(b"<?") {
                b"?>"
            } else {
                continue;
            };
            // The opening of a comment is no part of its end.
            behind = at + find(rest, end.len() + 1, end)? + end.len();
            continue;
        }
        match (quote, byte) {
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'[') => brackets += 1,
            (None, b']') => brackets = brackets.saturating_sub(1),
            (None, b'>') if brackets == 0 => return Some(at),
            _ => {}
        }
    }
    None
}

impl<'a> Attributes<'a> {
    /// The value of the attribute with this name, whatever its prefix.
    pub(crate) fn get(self, name: &str) -> Option<Cow<'a, str>> {
        self.iter().find(|(key, _)| local(key) == name).map(|(_, value)| value)
    }

    /// Names and values.
    pub(crate) fn iter(self) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            rest = rest.trim_start();
            let (key, behind) = rest.split_once('=')?;
            let behind = behind.trim_start();
            let quote = behind.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let (value, behind) = behind.get(1..)?.split_once(quote)?;
            rest = behind;
            Some((key.trim(), unescaped(value)))
        })
    }
}

/// A name without its prefix.
pub(crate) fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// A text with its references as the characters that they are; those that it defines itself stay as they are.
pub(crate) fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        out.push_str(before);
        rest = behind;
        // Readers of HTML take a number without an end, and with zeros before it.
        if let Some((c, after)) = numbered(behind) {
            out.push(c);
            rest = after;
            continue;
        }
        // No reference of the standard has more than ten characters.
        let end = behind.bytes().take(12).position(|byte| byte == b';');
        let named = end.and_then(|end| behind.split_at_checked(end)).and_then(|(name, after)| {
            reference(name).map(|c| (c, after.strip_prefix(';').unwrap_or_default()))
        });
        match named {
            Some((c, after)) => {
                out.push(c);
                rest = after;
            }
            None => out.push('&'),
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The character of a reference: one of those that HTML shares with XML, or a number.
fn reference(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        // Those of HTML that can stand in the name of a scheme, or call.
        "colon" => ':',
        "Tab" => '\t',
        "NewLine" => '\n',
        "lpar" => '(',
        "rpar" => ')',
        _ => return None,
    })
}

/// The character of a number behind `&`, and what follows it.
fn numbered(text: &str) -> Option<(char, &str)> {
    let number = text.strip_prefix('#')?;
    let (digits, radix) = match number.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    let after = digits.trim_start_matches(|c: char| c.is_digit(radix));
    let digits = digits.get(..digits.len() - after.len())?;
    let significant = digits.trim_start_matches('0');
    // No character has more than seven digits.
    let code = u32::from_str_radix(significant.get(..7).unwrap_or(significant), radix).ok()?;
    let c = char::from_u32(code).filter(|_| significant.len() <= 7)?;
    Some((c, after.strip_prefix(';').unwrap_or(after)))
}

/// Sees what a document type declares.
pub(crate) fn doctype(context: &mut Context<'_>, declared: &str) {
    if let Some((before, entities)) = declared.split_once("<!ENTITY") {
        context.see(Reason::EntityExpansion);
        if [before, entities].iter().any(|part| part.contains("SYSTEM") || part.contains("PUBLIC")) {
            context.see(Reason::ExternalEntity);
        }
    } else if declared.contains('%') && declared.contains('[') {
        context.see(Reason::EntityExpansion);
    } else if declared.contains("SYSTEM") || declared.contains("PUBLIC") {
        // The standards' own are known to every reader and fetched by none.
        let known = ["://www.w3.org/", "-//W3C//", "about:legacy-compat", "-//OpenOffice.org//", "-//Apple"];
        if !known.iter().any(|name| declared.contains(name)) {
            context.see(Reason::ExternalReference);
        }
    }
}

/// All words of a text that is XML, those of attributes too, each on a line.
pub(crate) fn words(context: &mut Context<'_>, text: &str, out: &mut String) -> Done {
    let mut reader = Reader::new(text);
    for event in &mut reader {
        context.event()?;
        match event {
            Event::Start { attributes, .. } => {
                for (_, value) in attributes.iter().filter(|(key, _)| !key.starts_with("xmlns")) {
                    line(out, &value);
                }
            }
            Event::Text(words) => line(out, &words),
            Event::Doctype(declared) => doctype(context, declared),
            Event::End { .. } | Event::Comment(_) | Event::Instruction(_) => {}
        }
    }
    if reader.broken {
        context.see(Reason::Damaged);
    }
    context.spend(text.len())
}

/// Adds a line, where there is anything to add.
pub(crate) fn line(to: &mut String, text: &str) {
    if !text.trim().is_empty() {
        to.push_str(text.trim());
        to.push('\n');
    }
}

/// An XML file: all of its text is its body, names and attributes too.
pub(crate) fn inspect(context: &mut Context<'_>, bytes: &[u8]) -> Done {
    let text = text::inspect(context, bytes)?;
    let mut depth = 0_usize;
    let mut reader = Reader::new(&text);
    for event in &mut reader {
        context.event()?;
        match event {
            Event::Start { empty: false, .. } => {
                depth += 1;
                if depth > DEEPEST {
                    context.see(Reason::TooDeep);
                }
            }
            Event::End { .. } => depth = depth.saturating_sub(1),
            Event::Doctype(declared) => doctype(context, declared),
            Event::Instruction(said) if said.starts_with("xml-stylesheet") => {
                context.see(Reason::ExternalReference);
            }
            _ => {}
        }
    }
    if reader.broken || depth > 0 {
        context.see(Reason::Damaged);
    }
    context.text(Role::Body, text)
}
