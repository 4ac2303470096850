//! Reads the tree as a type and keeps the place of the first thing that does not fit.

use serde::de::{self, DeserializeSeed, IntoDeserializer as _, Visitor};

use super::tree::{Entry, Node, Position, Tree};

/// A value that does not fit its type.
#[derive(Debug)]
pub(super) struct Error {
    pub(super) message: String,
    pub(super) at: Option<Position>,
    /// The way to it, innermost first.
    path: Vec<String>,
}

/// Reads a node.
#[derive(Clone, Copy)]
pub(super) struct Reader<'n> {
    node: &'n Node,
}

impl Error {
    /// JSON pointer from where reading began.
    pub(super) fn path(&self) -> String {
        self.path
            .iter()
            .rev()
            .fold(String::new(), |path, segment| path + "/" + &segment.replace('~', "~0").replace('/', "~1"))
    }

    fn under(mut self, segment: &str, at: Option<Position>) -> Self {
        self.path.push(segment.to_owned());
        self.at = self.at.or(at);
        self
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self { message: message.to_string(), at: None, path: Vec::new() }
    }
}

impl<'n> Reader<'n> {
    pub(super) const fn new(node: &'n Node) -> Self {
        Self { node }
    }
}

impl<'de> de::Deserializer<'de> for Reader<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let place = |error: Error| Error { at: error.at.or(self.node.at), ..error };
        match &self.node.tree {
            Tree::Null => visitor.visit_unit(),
            Tree::Bool(value) => visitor.visit_bool(*value),
            Tree::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), ..) => visitor.visit_u64(value),
                (_, Some(value), _) => visitor.visit_i64(value),
                (.., Some(value)) => visitor.visit_f64(value),
                _ => Err(de::Error::custom("a number out of range")),
            },
            Tree::Text(text) => visitor.visit_str(text),
            Tree::List(items) => visitor.visit_seq(Items { items: items.iter().enumerate() }),
            Tree::Map(entries) => visitor.visit_map(Members { entries: entries.iter(), value: None }),
        }
        .map_err(place)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.tree {
            Tree::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let read = match &self.node.tree {
            Tree::Text(word) => visitor.visit_enum(word.as_str().into_deserializer()),
            Tree::Map(entries) => match entries.as_slice() {
                [entry] => visitor.visit_enum(Variant { entry }),
                _ => Err(de::Error::custom("a mapping with exactly one key is expected")),
            },
            _ => Err(de::Error::custom("a word, or a mapping with one key, is expected")),
        };
        read.map_err(|error| Error { at: error.at.or(self.node.at), ..error })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Items<'n> {
    items: std::iter::Enumerate<std::slice::Iter<'n, Node>>,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some((index, node)) = self.items.next() else { return Ok(None) };
        seed.deserialize(Reader::new(node))
            .map(Some)
            .map_err(|error| error.under(&index.to_string(), node.at))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Members<'n> {
    entries: std::slice::Iter<'n, Entry>,
    value: Option<&'n Entry>,
}

impl<'de> de::MapAccess<'de> for Members<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some(entry) = self.entries.next() else { return Ok(None) };
        self.value = Some(entry);
        seed.deserialize(entry.key.as_str().into_deserializer())
            .map(Some)
            .map_err(|error: Error| error.under(&entry.key, entry.at))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let Some(entry) = self.value.take() else { return Err(de::Error::custom("a value without its key")) };
        seed.deserialize(Reader::new(&entry.value)).map_err(|error| error.under(&entry.key, entry.value.at))
    }
}

#[derive(Clone, Copy)]
struct Variant<'n> {
    entry: &'n Entry,
}

impl<'n, 'de> de::EnumAccess<'de> for Variant<'n> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        seed.deserialize(self.entry.key.as_str().into_deserializer())
            .map(|variant| (variant, self))
            .map_err(|error: Error| error.under(&self.entry.key, self.entry.at))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Err(de::Error::custom(format!("`{}` stands alone, without a value", super::clip(&self.entry.key))))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(Reader::new(&self.entry.value))
            .map_err(|error| error.under(&self.entry.key, self.entry.value.at))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_any(Reader::new(&self.entry.value), visitor)
            .map_err(|error| error.under(&self.entry.key, self.entry.value.at))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_any(Reader::new(&self.entry.value), visitor)
            .map_err(|error| error.under(&self.entry.key, self.entry.value.at))
    }
}
