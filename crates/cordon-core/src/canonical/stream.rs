//! Reads canonical bytes straight into values, without a tree between: a log of ten million facts is read this way.
//!
//! Stricter than JSON: no space between tokens, members in ascending order (so that none comes twice), integers only.

use std::borrow::Cow;

use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

use super::{Error, MAX_SAFE_INTEGER};
use crate::json;

/// Arrays and objects inside one another.
const DEPTH: usize = 64;

/// A member of an object: its key, and the bytes of its value.
pub(crate) type Member<'de> = (Cow<'de, str>, &'de [u8]);

/// Canonical bytes that are being read.
pub(crate) struct Stream<'de> {
    text: json::Reader<'de>,
}

impl<'de> Stream<'de> {
    pub(super) fn new(bytes: &'de [u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(bytes).map_err(|_| Error("not UTF-8".into()))?;
        Ok(Self { text: json::Reader::new(text, DEPTH) })
    }

    /// The end of the text, and nothing before it.
    pub(super) fn end(&self) -> Result<(), Error> {
        if self.text.peek().is_none() { Ok(()) } else { Err(self.error("something follows the value")) }
    }

    /// The members of an object, each with the bytes of its value.
    pub(super) fn members(mut self) -> Result<Vec<Member<'de>>, Error> {
        let mut members = Vec::new();
        let mut object = Members::new(&mut self)?;
        while let Some(key) = object.key()? {
            let value = object.value()?;
            let start = value.text.offset();
            value.skip()?;
            members.push((key, value.text.since(start)));
        }
        self.end()?;
        Ok(members)
    }

    #[cold]
    fn error(&self, what: &str) -> Error {
        Error(format!("{what} at byte {}", self.text.offset()))
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<(), Error> {
        if self.text.take(byte) { Ok(()) } else { Err(self.unexpected(byte)) }
    }

    #[cold]
    fn unexpected(&self, byte: u8) -> Error {
        self.error(&format!("`{}` is expected", char::from(byte)))
    }

    fn word(&mut self, word: &str) -> Result<(), Error> {
        if self.text.take_word(word) { Ok(()) } else { Err(self.error("a value is expected")) }
    }

    #[inline]
    fn string(&mut self) -> Result<Cow<'de, str>, Error> {
        match self.text.plain_string() {
            Some(text) => Ok(Cow::Borrowed(text)),
            None => self.other_string(),
        }
    }

    /// A string with an escape, or none at all.
    #[cold]
    fn other_string(&mut self) -> Result<Cow<'de, str>, Error> {
        if self.text.peek() == Some(b'"') {
            self.text.string().map_err(|error| Error(error.to_string()))
        } else {
            Err(self.error("a string is expected"))
        }
    }

    /// The digits of an integer as canonical JSON writes it.
    fn integer(&mut self) -> Result<&'de str, Error> {
        let start = self.text.offset();
        self.text.take(b'-');
        while matches!(self.text.peek(), Some(b'0'..=b'9')) {
            self.text.step();
        }
        let digits = std::str::from_utf8(self.text.since(start)).unwrap_or_default();
        let sound = match digits.as_bytes() {
            [] | [b'-'] | [b'-', b'0', ..] => false,
            [b'0', rest @ ..] => rest.is_empty(),
            _ => true,
        };
        if sound && !matches!(self.text.peek(), Some(b'.' | b'e' | b'E')) {
            Ok(digits)
        } else {
            Err(self.error("an integer is expected"))
        }
    }

    /// An integer: a number, or a string where the integer is beyond 2^53 − 1.
    fn number<T: std::str::FromStr>(&mut self) -> Result<T, Error> {
        let text = if self.text.peek() == Some(b'"') {
            let text = self.string()?;
            if !text.parse::<i128>().is_ok_and(|n| n.unsigned_abs() > MAX_SAFE_INTEGER.into()) {
                return Err(self.error("an integer is expected"));
            }
            text
        } else {
            Cow::Borrowed(self.integer()?)
        };
        text.parse().map_err(|_| self.error("an integer of this size is not expected"))
    }

    /// Passes over one value. Recursion is bounded by [`DEPTH`].
    fn skip(&mut self) -> Result<(), Error> {
        match self.text.peek() {
            Some(b'"') => self.string().map(drop),
            Some(b'{') => {
                let mut object = Members::new(self)?;
                while object.key()?.is_some() {
                    object.value()?.skip()?;
                }
                Ok(())
            }
            Some(b'[') => {
                let mut array = Items::new(self)?;
                while array.more()? {
                    array.stream.skip()?;
                }
                Ok(())
            }
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            _ => self.integer().map(drop),
        }
    }

    fn enter(&mut self, open: u8) -> Result<(), Error> {
        self.expect(open)?;
        if self.text.enter() { Ok(()) } else { Err(self.error("too many values inside one another")) }
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit(self.number()?)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for &mut Stream<'de> {
    type Error = Error;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.text.peek() {
            Some(b'"') => match self.string()? {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            Some(b'{') => visitor.visit_map(Members::new(self)?),
            Some(b'[') => visitor.visit_seq(Items::new(self)?),
            Some(b't') => {
                self.word("true")?;
                visitor.visit_bool(true)
            }
            Some(b'f') => {
                self.word("false")?;
                visitor.visit_bool(false)
            }
            Some(b'n') => {
                self.word("null")?;
                visitor.visit_unit()
            }
            _ => {
                let text = self.integer()?;
                match (text.parse(), text.parse()) {
                    (Ok(value), _) => visitor.visit_u64(value),
                    (Err(_), Ok(value)) => visitor.visit_i64(value),
                    (Err(_), Err(_)) => Err(self.error("an integer of this size is not expected")),
                }
            }
        }
    }

    integers!(deserialize_i8 visit_i8, deserialize_i16 visit_i16, deserialize_i32 visit_i32,
        deserialize_i64 visit_i64, deserialize_u8 visit_u8, deserialize_u16 visit_u16,
        deserialize_u32 visit_u32, deserialize_u64 visit_u64);

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.text.peek() == Some(b'n') {
            self.word("null")?;
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.text.peek() == Some(b'"') {
            let text = self.string()?;
            let variant: de::value::CowStrDeserializer<'_, Error> = text.into_deserializer();
            return visitor.visit_enum(variant);
        }
        let mut object = Members::new(self)?;
        let key = object.key()?.ok_or_else(|| Error("one variant is expected".into()))?;
        let value = visitor.visit_enum(Variant { key, stream: object.value()? })?;
        match object.key()? {
            None => Ok(value),
            Some(_) => Err(Error("one variant is expected".into())),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.skip()?;
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
    }
}

/// The members of an object that is being read.
struct Members<'a, 'de> {
    stream: &'a mut Stream<'de>,
    last: Option<Cow<'de, str>>,
}

impl<'a, 'de> Members<'a, 'de> {
    fn new(stream: &'a mut Stream<'de>) -> Result<Self, Error> {
        stream.enter(b'{')?;
        Ok(Self { stream, last: None })
    }

    fn key(&mut self) -> Result<Option<Cow<'de, str>>, Error> {
        if self.stream.text.take(b'}') {
            self.stream.text.leave();
            return Ok(None);
        }
        if self.last.is_some() {
            self.stream.expect(b',')?;
        }
        let key = self.stream.string()?;
        if self.last.as_ref().is_some_and(|last| *last >= key) {
            return Err(self.stream.error("members are not in ascending order"));
        }
        self.last = Some(key.clone());
        Ok(Some(key))
    }

    fn value(&mut self) -> Result<&mut Stream<'de>, Error> {
        self.stream.expect(b':')?;
        Ok(self.stream)
    }
}

impl<'de> de::MapAccess<'de> for Members<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some(key) = self.key()? else { return Ok(None) };
        match key {
            Cow::Borrowed(key) => seed.deserialize(de::value::BorrowedStrDeserializer::new(key)).map(Some),
            Cow::Owned(key) => seed.deserialize(key.into_deserializer()).map(Some),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(self.value()?)
    }
}

/// The items of an array that is being read.
struct Items<'a, 'de> {
    stream: &'a mut Stream<'de>,
    first: bool,
}

impl<'a, 'de> Items<'a, 'de> {
    fn new(stream: &'a mut Stream<'de>) -> Result<Self, Error> {
        stream.enter(b'[')?;
        Ok(Self { stream, first: true })
    }

    fn more(&mut self) -> Result<bool, Error> {
        if self.stream.text.take(b']') {
            self.stream.text.leave();
            return Ok(false);
        }
        if !std::mem::take(&mut self.first) {
            self.stream.expect(b',')?;
        }
        Ok(true)
    }
}

impl<'de> de::SeqAccess<'de> for Items<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.more()? { seed.deserialize(&mut *self.stream).map(Some) } else { Ok(None) }
    }
}

struct Variant<'a, 'de> {
    key: Cow<'de, str>,
    stream: &'a mut Stream<'de>,
}

impl<'a, 'de> de::EnumAccess<'de> for Variant<'a, 'de> {
    type Error = Error;
    type Variant = &'a mut Stream<'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self::Variant), Error> {
        let key: de::value::CowStrDeserializer<'_, Error> = self.key.into_deserializer();
        Ok((seed.deserialize(key)?, self.stream))
    }
}

impl<'de> de::VariantAccess<'de> for &mut Stream<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        de::Deserialize::deserialize(self)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_any(self, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_any(self, visitor)
    }
}
