//! Fonts, as far as they say which text codes are and how wide.

use std::collections::HashMap;

use super::{
    cmap::CMap,
    file::File,
    glyphs::{self, Encoding},
    object::{Dictionary, Object},
};
use crate::{
    context::{Context, Done},
    text::windows1252,
};

/// A font.
#[derive(Debug, Default)]
pub(super) struct Font {
    /// Codes have two bytes.
    wide: bool,
    to_text: Option<CMap>,
    /// Codes are text in UTF-16.
    is_utf16: bool,
    /// What the encoding says of each byte; none where the font alone knows.
    encoding: HashMap<u8, String>,
    /// Whether bytes without an encoding are what they are nearly everywhere.
    guesses: bool,
    widths: HashMap<u32, f64>,
    default_width: f64,
}

/// What some codes say.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) text: String,
    /// Sum of the widths, in thousandths of the size.
    pub(super) width: f64,
    pub(super) glyphs: usize,
    /// Codes that are blanks of one byte.
    pub(super) blanks: usize,
    /// Glyphs of which nobody knows what they are.
    pub(super) unknown: usize,
    /// What the encoding says, where the map of the font says another letter.
    pub(super) otherwise: String,
    pub(super) lies: usize,
}

impl Shown {
    /// Bytes of the longer one of its two texts.
    pub(super) fn length(&self) -> usize {
        self.text.len().max(self.otherwise.len())
    }
}

impl Font {
    /// Reads a font's dictionary.
    pub(super) fn read(context: &mut Context<'_>, file: &File<'_>, font: &Dictionary) -> Done<Self> {
        let mut read = Self { default_width: 500.0, guesses: true, ..Self::default() };
        if let Some(map) = font.get("ToUnicode")
            && let Some(content) = file.content_of(context, map)?
        {
            read.to_text = Some(CMap::read(context, &content)?);
        }
        if font.is("Subtype", "Type0") {
            read.wide = true;
            let encoding = file.get(font, "Encoding").name().unwrap_or_default();
            read.is_utf16 = encoding.contains("UCS2") || encoding.contains("UTF16");
            let inner = file.get(font, "DescendantFonts").array().and_then(|fonts| fonts.first());
            if let Some(inner) = inner.and_then(|inner| file.resolve(inner).dictionary()) {
                read.default_width = file.get(inner, "DW").number().unwrap_or(1000.0);
                read.wide_widths(context, file, inner)?;
            }
            return Ok(read);
        }
        read.simple_widths(context, file, font)?;
        read.simple_encoding(context, file, font)?;
        Ok(read)
    }

    /// `code [w w …]` or `first last w`.
    fn wide_widths(&mut self, context: &mut Context<'_>, file: &File<'_>, font: &Dictionary) -> Done {
        let mut items = file.get(font, "W").array().unwrap_or_default().iter().map(|item| file.resolve(item));
        while let (Some(first), Some(next)) = (items.next(), items.next()) {
            let Some(first) = first.length().and_then(|first| u32::try_from(first).ok()) else {
                return Ok(());
            };
            match next {
                Object::Array(widths) => {
                    context.things(widths.len())?;
                    let widths = widths.iter().filter_map(Object::number);
                    self.widths.extend((first..=u32::MAX).zip(widths));
                }
                last => {
                    let width = items.next().and_then(Object::number);
                    let last = last.length().and_then(|last| u32::try_from(last).ok());
                    let (Some(last), Some(width)) = (last, width) else { return Ok(()) };
                    let last = last.min(0xffff);
                    context.things(usize::try_from(last.saturating_sub(first)).unwrap_or(usize::MAX))?;
                    self.widths.extend((first..=last).map(|code| (code, width)));
                }
            }
        }
        Ok(())
    }

    fn simple_widths(&mut self, context: &mut Context<'_>, file: &File<'_>, font: &Dictionary) -> Done {
        let first =
            file.get(font, "FirstChar").length().and_then(|first| u32::try_from(first).ok()).unwrap_or(0);
        let widths = file.get(font, "Widths").array().unwrap_or_default();
        context.spend(widths.len())?;
        self.widths = (first..=u32::MAX)
            .zip(widths.iter().take(256).map(|w| file.resolve(w).number().unwrap_or(500.0)))
            .collect();
        // The measures of other kinds of fonts are thousandths; those of drawn ones have a matrix of their own.
        if font.is("Subtype", "Type3") {
            let scale = file
                .get(font, "FontMatrix")
                .array()
                .and_then(|matrix| matrix.first())
                .and_then(Object::number);
            let scale = scale.map_or(1.0, |scale| scale.abs() * 1000.0);
            for width in self.widths.values_mut() {
                *width *= scale;
            }
        }
        Ok(())
    }

    fn simple_encoding(&mut self, context: &mut Context<'_>, file: &File<'_>, font: &Dictionary) -> Done {
        let encoding = file.get(font, "Encoding");
        let named = |name: &str| Encoding::named(name);
        let base = match encoding {
            Object::Name(name) => named(&name.text),
            Object::Dictionary(encoding) => file.get(encoding, "BaseEncoding").name().and_then(named),
            _ => None,
        };
        if let Some(base) = base {
            self.encoding = (0x20..=0xff).map(|byte| (byte, base.char(byte).to_string())).collect();
        }
        let Some(encoding) = encoding.dictionary() else { return Ok(()) };
        let mut code = 0_usize;
        for item in file.get(encoding, "Differences").array().unwrap_or_default() {
            context.spend(8)?;
            match file.resolve(item) {
                Object::Name(name) => {
                    if let Ok(byte) = u8::try_from(code) {
                        match glyphs::named(&name.text) {
                            Some(text) => self.encoding.insert(byte, text),
                            // A name that means nothing: what stood there before does not hold.
                            None => self.encoding.remove(&byte),
                        };
                        self.guesses = false;
                    }
                    code = code.saturating_add(1);
                }
                item => code = item.length().unwrap_or(usize::MAX),
            }
        }
        Ok(())
    }

    /// What some bytes of a content stream say. What would be longer than the room ends a little behind it: a code may stand
    /// for a long text.
    pub(super) fn show(&self, codes: &[u8], room: usize) -> Shown {
        let mut shown = Shown::default();
        let size = if self.wide { 2 } else { 1 };
        for code in codes.chunks(size) {
            if shown.length() > room {
                break;
            }
            let number = code.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
            shown.width += self.widths.get(&number).copied().unwrap_or(self.default_width);
            shown.glyphs += 1;
            shown.blanks += usize::from(code == b" ");
            let begin = shown.text.len();
            let mapped = self.to_text.as_ref().is_some_and(|map| map.get(number, &mut shown.text));
            match u8::try_from(number) {
                _ if self.wide && mapped => {}
                _ if self.wide && self.is_utf16 => {
                    shown.text.push(char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                Ok(byte) if !self.wide => self.simple(byte, mapped, begin, &mut shown),
                _ => shown.unknown += 1,
            }
        }
        shown
    }

    /// A byte of a simple font, which the font's map may have said to be a text already.
    fn simple(&self, byte: u8, mapped: bool, begin: usize, shown: &mut Shown) {
        let encoded = self.encoding.get(&byte);
        match (mapped, encoded) {
            (true, Some(encoded)) => {
                let said = shown.text.get(begin..).unwrap_or_default();
                let letters = |text: &str| text.len() == 1 && text.bytes().all(|b| b.is_ascii_alphanumeric());
                if letters(said) && letters(encoded) && said != encoded {
                    shown.lies += 1;
                }
                shown.otherwise.push_str(encoded);
            }
            (true, None) => {}
            (false, Some(encoded)) => {
                shown.text.push_str(encoded);
                shown.otherwise.push_str(encoded);
            }
            (false, None) if self.guesses && byte >= 0x20 => {
                shown.text.push(windows1252(byte));
                shown.otherwise.push(windows1252(byte));
            }
            (false, None) => shown.unknown += 1,
        }
    }
}
