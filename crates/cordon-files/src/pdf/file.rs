//! All objects of a file, wherever they are.

use std::collections::{HashMap, HashSet};

use super::{
    filter,
    object::{Dictionary, Lexer, Object, Token, is_space},
};
use crate::{
    Reason,
    bytes::{find, head, slice, tail},
    context::{Context, Done},
};

/// An object with its stream, if it has one.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) value: Object,
    /// First byte and length of the stream in the file.
    stream: Option<(usize, usize)>,
    /// Where it stands, or the stream that it is packed in.
    at: usize,
}

/// A file as its objects.
pub(super) struct File<'a> {
    bytes: &'a [u8],
    /// The last object with each number.
    objects: HashMap<u32, Stored>,
    /// Objects that a later one with the same number has replaced.
    older: Vec<(u32, Stored)>,
    /// Dictionaries that say where the catalog is, the last one last.
    trailers: Vec<Dictionary>,
}

static NULL: Object = Object::Null;

/// Bytes of a line of a table of offsets, and of what stands before an object, that are looked at.
const LINE: usize = 41;
const HEAD: usize = 64;

impl<'a> File<'a> {
    /// Reads every object.
    pub(super) fn read(context: &mut Context<'_>, bytes: &'a [u8]) -> Done<Self> {
        let mut file = Self { bytes, objects: HashMap::new(), older: Vec::new(), trailers: Vec::new() };
        let mut found = file.scan(context)?;
        file.listed(context, &mut found)?;
        file.unpack(context)?;
        Ok(file)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Whether strings and streams are encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.trailers
            .iter()
            .any(|trailer| trailer.get("Encrypt").is_some_and(|encrypt| *encrypt != Object::Null))
    }

    /// The object that a reference leads to, or the object itself.
    pub(super) fn resolve<'f>(&'f self, object: &'f Object) -> &'f Object {
        let mut object = object;
        // A reference to a reference is none of a real file; in a circle it leads nowhere.
        for _ in 0..4 {
            match object {
                Object::Reference(number) => {
                    object = self.objects.get(number).map_or(&NULL, |stored| &stored.value);
                }
                _ => return object,
            }
        }
        &NULL
    }

    /// A member of a dictionary, with what it refers to.
    pub(super) fn get<'f>(&'f self, dictionary: &'f Dictionary, key: &str) -> &'f Object {
        dictionary.get(key).map_or(&NULL, |object| self.resolve(object))
    }

    pub(super) fn stored(&self, number: u32) -> Option<&Stored> {
        self.objects.get(&number)
    }

    /// What stood at this number before.
    pub(super) fn superseded(&self, number: u32) -> impl Iterator<Item = &Stored> {
        self.older.iter().filter(move |(older, _)| *older == number).map(|(_, stored)| stored)
    }

    pub(super) const fn older(&self) -> &[(u32, Stored)] {
        self.older.as_slice()
    }

    /// Every object that is or was in the file, in the order of their numbers.
    pub(super) fn all(&self) -> Vec<(u32, &Stored)> {
        let mut all: Vec<(u32, &Stored)> =
            self.objects.iter().map(|(number, stored)| (*number, stored)).collect();
        all.extend(self.older.iter().map(|(number, stored)| (*number, stored)));
        all.sort_by_key(|(number, _)| *number);
        all
    }

    /// The catalogs that trailers name, the last one first.
    pub(super) fn catalogs(&self) -> impl Iterator<Item = &Dictionary> {
        self.trailers.iter().rev().filter_map(|trailer| self.get(trailer, "Root").dictionary())
    }

    /// The content of an object's stream; none where there is none, or it is a picture's.
    pub(super) fn content(&self, context: &mut Context<'_>, stored: &Stored) -> Done<Option<Vec<u8>>> {
        let raw = stored.stream.and_then(|(start, length)| slice(self.bytes, start, length));
        match (raw, stored.value.dictionary()) {
            (Some(raw), Some(dictionary)) => filter::decode(context, self, dictionary, raw),
            _ => Ok(None),
        }
    }

    /// The content of the stream that an object refers to.
    pub(super) fn content_of(&self, context: &mut Context<'_>, object: &Object) -> Done<Option<Vec<u8>>> {
        match object.reference().and_then(|number| self.objects.get(&number)) {
            Some(stored) => self.content(context, stored),
            None => Ok(None),
        }
    }

    /// Keeps an object; of two with one number the later one counts, as updates are written at the end.
    fn insert(&mut self, number: u32, mut stored: Stored) {
        if let Some(known) = self.objects.get_mut(&number) {
            if known.at <= stored.at {
                std::mem::swap(known, &mut stored);
            }
            self.older.push((number, stored));
        } else {
            self.objects.insert(number, stored);
        }
    }

    /// Every `N G obj` of the file, in its order; those inside of streams are content.
    /// The answer is where their words `obj` are.
    fn scan(&mut self, context: &mut Context<'_>) -> Done<HashSet<usize>> {
        let bytes = self.bytes;
        let mut found = HashSet::new();
        context.spend(bytes.len())?;
        let mut at = 0;
        // Whether a stream that does not say its length can still find its end.
        let mut ends = true;
        loop {
            let next = find(bytes, at, b"obj");
            self.read_trailers(context, at, next.unwrap_or(bytes.len()))?;
            let Some(word) = next else { return Ok(found) };
            context.spend(16)?;
            let Some(number) = number_before(bytes, word) else {
                at = word + 3;
                continue;
            };
            context.thing()?;
            found.insert(word);
            let mut lexer = Lexer::new(bytes, word + 3, context.pieces_left());
            let value = lexer.object().unwrap_or(Object::Null);
            context.pieces(lexer.made)?;
            context.spend(lexer.at - word)?;
            lexer.skip_space();
            at = lexer.at;
            let mut stream = None;
            if tail(bytes, at).starts_with(b"stream") && value.dictionary().is_some() {
                let start = stream_start(bytes, at + 6);
                let said = value.dictionary().and_then(|dictionary| dictionary.get("Length"));
                let length = match said.and_then(Object::length) {
                    Some(length) if ends_at(bytes, start.saturating_add(length)) => Some(length),
                    Some(_) => {
                        context.see(Reason::Damaged);
                        None
                    }
                    None => None,
                };
                let length = length.or_else(|| {
                    let end = if ends { find(bytes, start, b"endstream") } else { None };
                    ends = end.is_some();
                    end.map(|end| without_line_end(bytes, start, end) - start)
                });
                let length = length.unwrap_or_else(|| {
                    context.see(Reason::Damaged);
                    0
                });
                stream = Some((start, length));
                at = start + length;
            }
            self.insert(number, Stored { value, stream, at: word });
        }
    }

    /// What a table of offsets leads to and the scan did not meet: inside of a stream or a string, or with a word that is not
    /// quite `obj`. Some readers would find it.
    fn listed(&mut self, context: &mut Context<'_>, found: &mut HashSet<usize>) -> Done {
        let bytes = self.bytes;
        let mut at = 0;
        while let Some(table) = find(bytes, at, b"xref") {
            at = table + 4;
            // Each entry has 20 bytes: an offset of ten digits, a generation of five, and `n` where it is in use.
            let mut rest = tail(bytes, at);
            let mut lines = 0_usize;
            while let Some(line) = head(rest, LINE).split(|byte| matches!(byte, b'\r' | b'\n')).next() {
                let text = line.trim_ascii();
                let is_entry = text.first().is_none_or(u8::is_ascii_digit) && line.len() < LINE;
                if !is_entry || lines > 0 && line.len() == rest.len() {
                    break;
                }
                lines += 1;
                at += line.len() + 1;
                rest = tail(rest, line.len() + 1);
                context.spend(line.len() + 1)?;
                let offset = text.strip_suffix(b"n").and_then(|text| text.get(..10));
                let offset = offset.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
                if let Some(offset) = offset {
                    self.unmet(context, found, offset)?;
                }
            }
        }
        Ok(())
    }

    /// Keeps the object at a place, unless it is known.
    fn unmet(&mut self, context: &mut Context<'_>, found: &mut HashSet<usize>, at: usize) -> Done {
        // Two numbers and a word, and a comment or some blanks between them.
        context.spend(HEAD)?;
        let mut lexer = Lexer::new(head(self.bytes, at.saturating_add(HEAD)), at, HEAD);
        let mut number = || match lexer.token() {
            Some(Token::Object(number @ Object::Number(_))) => number.length(),
            _ => None,
        };
        let (first, second) = (number(), number());
        let word = match lexer.token() {
            Some(Token::Word(word)) if word.starts_with(b"ob") => lexer.at - word.len(),
            _ => return Ok(()),
        };
        let number = first.filter(|_| second.is_some()).and_then(|number| u32::try_from(number).ok());
        let Some(number) = number.filter(|_| found.insert(word)) else { return Ok(()) };
        context.see(Reason::Damaged);
        context.thing()?;
        let mut lexer = Lexer::new(self.bytes, lexer.at, context.pieces_left());
        let value = lexer.object().unwrap_or(Object::Null);
        context.pieces(lexer.made)?;
        context.decoded(lexer.at.saturating_sub(at))?;
        self.insert(number, Stored { value, stream: None, at });
        Ok(())
    }

    /// The trailers between two objects.
    fn read_trailers(&mut self, context: &mut Context<'_>, from: usize, to: usize) -> Done {
        let between = self.bytes.get(from..to).unwrap_or_default();
        let mut at = 0;
        while let Some(word) = find(between, at, b"trailer") {
            let mut lexer = Lexer::new(between, word + 7, context.pieces_left());
            let object = lexer.object();
            context.pieces(lexer.made)?;
            context.spend(lexer.at - at)?;
            if let Some(Object::Dictionary(trailer)) = object {
                self.trailers.push(trailer);
            }
            at = lexer.at;
        }
        Ok(())
    }

    /// The objects that are packed into streams, and the trailers that streams of offsets are.
    fn unpack(&mut self, context: &mut Context<'_>) -> Done {
        let mut packed: Vec<(u32, Stored)> = Vec::new();
        let mut trailers = Vec::new();
        for (_, stored) in self.all() {
            let Some(dictionary) = stored.value.dictionary() else { continue };
            if dictionary.is("Type", "XRef") {
                trailers.push(dictionary.clone());
            }
            // Some readers unpack what a table says is packed, without looking at its type.
            let is_packed = dictionary.get("N").is_some() && dictionary.get("First").is_some();
            if !(dictionary.is("Type", "ObjStm") || is_packed && stored.has_stream()) {
                continue;
            }
            let count = self.get(dictionary, "N").length().unwrap_or(0);
            let first = self.get(dictionary, "First").length().unwrap_or(0);
            let Some(content) = self.content(context, stored)? else { continue };
            let mut header = Lexer::new(&content, 0, context.pieces_left());
            for _ in 0..count {
                context.thing()?;
                let (Some(number), Some(offset)) = (header.object(), header.object()) else { break };
                let number = number.length().and_then(|number| u32::try_from(number).ok());
                let place = offset.length().and_then(|offset| offset.checked_add(first));
                let (Some(number), Some(place)) = (number, place) else { break };
                let mut lexer = Lexer::new(&content, place, context.pieces_left());
                let value = lexer.object().unwrap_or(Object::Null);
                context.pieces(lexer.made)?;
                // Several may be one and the same piece of the stream, and each is kept.
                context.decoded(lexer.at.saturating_sub(place))?;
                packed.push((number, Stored { value, stream: None, at: stored.at }));
            }
        }
        self.trailers.extend(trailers);
        for (number, stored) in packed {
            self.insert(number, stored);
        }
        Ok(())
    }
}

impl Stored {
    pub(super) const fn has_stream(&self) -> bool {
        self.stream.is_some()
    }
}

/// The number of an object whose word `obj` is here.
fn number_before(bytes: &[u8], word: usize) -> Option<u32> {
    let before = bytes.get(..word)?;
    // A number and a generation have few digits and blanks between them.
    let start = before.len().saturating_sub(40);
    let before = tail(before, start);
    let text = before.trim_ascii_end();
    if text.len() == before.len() {
        return None;
    }
    let digits = |text: &[u8]| text.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let generation = digits(text);
    let text = text.get(..text.len() - generation)?;
    let rest = text.trim_ascii_end();
    let length = digits(rest);
    if generation == 0 || length == 0 || rest.len() == text.len() {
        return None;
    }
    std::str::from_utf8(tail(rest, rest.len() - length)).ok()?.parse().ok()
}

/// Where a stream begins behind its word: one end of a line is no part of it.
fn stream_start(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at..) {
        Some([b'\r', b'\n', ..]) => at + 2,
        Some([b'\n' | b'\r', ..]) => at + 1,
        _ => at,
    }
}

/// Whether a stream that ends here is closed.
fn ends_at(bytes: &[u8], at: usize) -> bool {
    let rest = bytes.get(at..).unwrap_or_default();
    let blanks = rest.iter().take(4).take_while(|byte| is_space(**byte)).count();
    tail(rest, blanks).starts_with(b"endstream")
}

/// The end of a stream without the end of a line that stands before its closing word.
fn without_line_end(bytes: &[u8], start: usize, end: usize) -> usize {
    match bytes.get(start..end) {
        Some([.., b'\r', b'\n']) => end - 2,
        Some([.., b'\n' | b'\r']) => end - 1,
        _ => end,
    }
}

/// The dictionary of the object or trailer at a place, for who follows offsets.
pub(super) fn dictionary_at(context: &mut Context<'_>, bytes: &[u8], at: usize) -> Done<Option<Dictionary>> {
    // Some writers count a blank before it.
    let at =
        at + bytes.get(at..).unwrap_or_default().iter().take(4).take_while(|byte| is_space(**byte)).count();
    let mut lexer = Lexer::new(bytes, at, context.pieces_left());
    let mut found = None;
    // `N G obj <<…>>`, or a table of offsets and `trailer <<…>>`.
    if let Some(rest) = bytes.get(at..).filter(|rest| rest.starts_with(b"xref")) {
        match find(rest, 0, b"trailer") {
            Some(word) => lexer.at = at + word + 7,
            None => return Ok(None),
        }
        context.spend(lexer.at - at)?;
        found = lexer.object();
    } else {
        for _ in 0..4 {
            match lexer.token() {
                Some(Token::Object(object @ Object::Dictionary(_))) => found = Some(object),
                Some(Token::Object(Object::Number(_)) | Token::Word(b"obj")) => continue,
                _ => {}
            }
            break;
        }
    }
    context.pieces(lexer.made)?;
    context.spend(lexer.at.saturating_sub(at))?;
    Ok(match found {
        Some(Object::Dictionary(dictionary)) => Some(dictionary),
        _ => None,
    })
}
