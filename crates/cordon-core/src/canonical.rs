//! The wire form of facts and frames: canonical JSON (RFC 8785) under stricter rules.
//!
//! No floating-point number (scores are millionths, money micro-units), integers beyond 2^53 − 1 as strings, ASCII
//! keys, members sorted, no `null` for an absent member. A type that breaks a rule does not serialise: what cannot be
//! written the same way by everybody is never hashed. The bytes made here are stored and hashed once, and never made
//! again to be compared.
//!
//! Serde sees this format as *not* human readable, so that [`crate::Score`] is an integer here and `0.8` in a YAML
//! file. Types stored here must therefore not use `#[serde(flatten)]` or internally tagged enums: serde buffers those
//! in a form that forgets the difference.

use serde::{
    Deserialize, Serialize,
    de::{self, DeserializeOwned, IntoDeserializer},
    ser,
};

use crate::json::{Limits, Number, Object, Value};

/// The largest integer that every JSON reader holds exactly (RFC 7493, section 2.2).
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Why a value has no canonical form, or canonical bytes no value.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Error(String);

impl ser::Error for Error {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl de::Error for Error {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// The canonical tree of a value: members sorted.
///
/// # Errors
/// When the value breaks a rule of the format.
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value, Error> {
    value.serialize(Writer)
}

/// The canonical bytes of a value.
///
/// # Errors
/// When the value breaks a rule of the format.
pub fn to_bytes<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    Ok(to_value(value)?.to_vec())
}

/// A value of its canonical tree.
///
/// # Errors
/// When the tree does not describe such a value.
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T, Error> {
    T::deserialize(Reader(value))
}

/// A value of its bytes.
///
/// # Errors
/// When the bytes are not JSON, are larger than 64 MiB, or do not describe such a value.
pub fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let limits = Limits { bytes: 64 << 20, depth: 64, values: 4_000_000 };
    let value = Value::parse(bytes, limits).map_err(|error| Error(error.to_string()))?;
    from_value(&value)
}

struct Writer;

struct SeqWriter {
    items: Vec<Value>,
    variant: Option<&'static str>,
}

struct MapWriter {
    members: Vec<(String, Value)>,
    key: Option<String>,
    variant: Option<&'static str>,
}

fn wrap(variant: Option<&'static str>, value: Value) -> Value {
    match variant {
        Some(variant) => Value::Object([(variant, value)].into_iter().collect()),
        None => value,
    }
}

impl MapWriter {
    fn new(length: usize, variant: Option<&'static str>) -> Self {
        Self { members: Vec::with_capacity(length), key: None, variant }
    }

    fn put(&mut self, key: String, value: Value) -> Result<(), Error> {
        if !key.is_ascii() {
            return Err(Error("a key that is not ASCII".into()));
        }
        // An absent member is left out: `null` would give one value two forms.
        if !value.is_null() {
            self.members.push((key, value));
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Value, Error> {
        // ASCII keys: the order of UTF-16 units that RFC 8785 asks for is the order of bytes.
        self.members.sort_by(|(a, _), (b, _)| a.cmp(b));
        if self.members.windows(2).any(|pair| matches!(pair, [(a, _), (b, _)] if a == b)) {
            return Err(Error("the same key twice".into()));
        }
        Ok(wrap(self.variant, Value::Object(self.members.into_iter().collect::<Object>())))
    }
}

fn unsigned(value: u64) -> Value {
    if value > MAX_SAFE_INTEGER {
        Value::String(value.to_string())
    } else {
        Value::Number(Number::from_u64(value))
    }
}

fn signed(value: i64) -> Value {
    if value.unsigned_abs() > MAX_SAFE_INTEGER {
        Value::String(value.to_string())
    } else {
        Value::Number(Number::from_i64(value))
    }
}

impl ser::Serializer for Writer {
    type Ok = Value;
    type Error = Error;
    type SerializeSeq = SeqWriter;
    type SerializeTuple = SeqWriter;
    type SerializeTupleStruct = SeqWriter;
    type SerializeTupleVariant = SeqWriter;
    type SerializeMap = MapWriter;
    type SerializeStruct = MapWriter;
    type SerializeStructVariant = MapWriter;

    fn is_human_readable(&self) -> bool {
        false
    }
    fn serialize_bool(self, v: bool) -> Result<Value, Error> {
        Ok(Value::Bool(v))
    }
    fn serialize_i8(self, v: i8) -> Result<Value, Error> {
        Ok(signed(v.into()))
    }
    fn serialize_i16(self, v: i16) -> Result<Value, Error> {
        Ok(signed(v.into()))
    }
    fn serialize_i32(self, v: i32) -> Result<Value, Error> {
        Ok(signed(v.into()))
    }
    fn serialize_i64(self, v: i64) -> Result<Value, Error> {
        Ok(signed(v))
    }
    fn serialize_u8(self, v: u8) -> Result<Value, Error> {
        Ok(unsigned(v.into()))
    }
    fn serialize_u16(self, v: u16) -> Result<Value, Error> {
        Ok(unsigned(v.into()))
    }
    fn serialize_u32(self, v: u32) -> Result<Value, Error> {
        Ok(unsigned(v.into()))
    }
    fn serialize_u64(self, v: u64) -> Result<Value, Error> {
        Ok(unsigned(v))
    }
    fn serialize_f32(self, _: f32) -> Result<Value, Error> {
        Err(Error("a floating-point number has no canonical form".into()))
    }
    fn serialize_f64(self, _: f64) -> Result<Value, Error> {
        Err(Error("a floating-point number has no canonical form".into()))
    }
    fn serialize_char(self, v: char) -> Result<Value, Error> {
        Ok(Value::String(v.into()))
    }
    fn serialize_str(self, v: &str) -> Result<Value, Error> {
        if v.contains('\0') {
            return Err(Error("a null character in a string".into()));
        }
        Ok(Value::String(v.into()))
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<Value, Error> {
        Err(Error("bytes have no canonical form; write a digest or hexadecimal digits".into()))
    }
    fn serialize_none(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }
    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<Value, Error> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Error> {
        Ok(Value::Null)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Value, Error> {
        Ok(Value::String(variant.into()))
    }
    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Value, Error> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, Error> {
        Ok(wrap(Some(variant), value.serialize(Self)?))
    }
    fn serialize_seq(self, length: Option<usize>) -> Result<SeqWriter, Error> {
        Ok(SeqWriter { items: Vec::with_capacity(length.unwrap_or(0).min(1024)), variant: None })
    }
    fn serialize_tuple(self, length: usize) -> Result<SeqWriter, Error> {
        self.serialize_seq(Some(length))
    }
    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<SeqWriter, Error> {
        self.serialize_seq(Some(length))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<SeqWriter, Error> {
        Ok(SeqWriter { items: Vec::with_capacity(length), variant: Some(variant) })
    }
    fn serialize_map(self, length: Option<usize>) -> Result<MapWriter, Error> {
        Ok(MapWriter::new(length.unwrap_or(0).min(1024), None))
    }
    fn serialize_struct(self, _: &'static str, length: usize) -> Result<MapWriter, Error> {
        Ok(MapWriter::new(length, None))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<MapWriter, Error> {
        Ok(MapWriter::new(length, Some(variant)))
    }
}

macro_rules! seq_writer {
    ($($trait:ident :: $method:ident),*) => {$(
        impl ser::$trait for SeqWriter {
            type Ok = Value;
            type Error = Error;
            fn $method<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Error> {
                self.items.push(value.serialize(Writer)?);
                Ok(())
            }
            fn end(self) -> Result<Value, Error> {
                Ok(wrap(self.variant, Value::Array(self.items)))
            }
        }
    )*};
}
seq_writer!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

macro_rules! struct_writer {
    ($($trait:ident),*) => {$(
        impl ser::$trait for MapWriter {
            type Ok = Value;
            type Error = Error;
            fn serialize_field<T: ?Sized + Serialize>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
                self.put(key.to_owned(), value.serialize(Writer)?)
            }
            fn end(self) -> Result<Value, Error> {
                self.finish()
            }
        }
    )*};
}
struct_writer!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for MapWriter {
    type Ok = Value;
    type Error = Error;
    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), Error> {
        match key.serialize(Writer)? {
            Value::String(key) => self.key = Some(key),
            Value::Number(number) => self.key = Some(number.as_str().to_owned()),
            _ => return Err(Error("a key that is not text".into())),
        }
        Ok(())
    }
    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Error> {
        let key = self.key.take().ok_or_else(|| Error("a value without a key".into()))?;
        self.put(key, value.serialize(Writer)?)
    }
    fn end(self) -> Result<Value, Error> {
        self.finish()
    }
}

#[derive(Clone, Copy)]
struct Reader<'a>(&'a Value);

impl<'de> Reader<'de> {
    fn unexpected(self) -> de::Unexpected<'de> {
        match self.0 {
            Value::Null => de::Unexpected::Unit,
            Value::Bool(value) => de::Unexpected::Bool(*value),
            Value::Number(_) => de::Unexpected::Other("number"),
            Value::String(_) => de::Unexpected::Other("string"),
            Value::Array(_) => de::Unexpected::Seq,
            Value::Object(_) => de::Unexpected::Map,
        }
    }

    /// The text of an integer: a number, or a string where the integer is beyond 2^53 − 1.
    fn integer(self) -> Option<&'de str> {
        match self.0 {
            Value::Number(number) => Some(number.as_str()),
            Value::String(text)
                if text.parse::<i128>().is_ok_and(|n| n.unsigned_abs() > MAX_SAFE_INTEGER.into()) =>
            {
                Some(text)
            }
            _ => None,
        }
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $type:ty),*) => {$(
        fn $method<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.integer().map(str::parse::<$type>) {
                Some(Ok(value)) => visitor.$visit(value),
                _ => Err(de::Error::invalid_type(self.unexpected(), &visitor)),
            }
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Reader<'de> {
    type Error = Error;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(value), _) => visitor.visit_u64(value),
                (None, Some(value)) => visitor.visit_i64(value),
                (None, None) => Err(Error("a floating-point number has no canonical form".into())),
            },
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(items) => {
                let mut access = de::value::SeqDeserializer::new(items.iter().map(Reader));
                let value = visitor.visit_seq(&mut access)?;
                access.end()?;
                Ok(value)
            }
            Value::Object(object) => {
                let mut access =
                    de::value::MapDeserializer::new(object.iter().map(|(key, value)| (key, Reader(value))));
                let value = visitor.visit_map(&mut access)?;
                access.end()?;
                Ok(value)
            }
        }
    }

    integers!(deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64);

    fn deserialize_option<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: de::Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: de::Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::String(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            Value::Object(object) => match object.iter().next() {
                Some((key, value)) if object.len() == 1 => visitor.visit_enum(VariantReader { key, value }),
                _ => Err(Error("one variant is expected".into())),
            },
            _ => Err(de::Error::invalid_type(self.unexpected(), &visitor)),
        }
    }

    serde::forward_to_deserialize_any! {
        bool f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Error> for Reader<'de> {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

struct VariantReader<'a> {
    key: &'a str,
    value: &'a Value,
}

impl<'de> de::EnumAccess<'de> for VariantReader<'de> {
    type Error = Error;
    type Variant = Reader<'de>;
    fn variant_seed<V: de::DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Reader<'de>), Error> {
        let key: de::value::StrDeserializer<'_, Error> = self.key.into_deserializer();
        Ok((seed.deserialize(key)?, Reader(self.value)))
    }
}

impl<'de> de::VariantAccess<'de> for Reader<'de> {
    type Error = Error;
    fn unit_variant(self) -> Result<(), Error> {
        Deserialize::deserialize(self)
    }
    fn newtype_variant_seed<T: de::DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self)
    }
    fn tuple_variant<V: de::Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_any(self, visitor)
    }
    fn struct_variant<V: de::Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_any(self, visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::Score;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        zeta: u64,
        alpha: Option<String>,
        score: Score,
        list: Vec<Kind>,
        map: BTreeMap<String, i64>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Plain,
        Named { at: Score },
        Held(u8),
    }

    fn sample() -> Sample {
        Sample {
            zeta: u64::MAX,
            alpha: None,
            score: Score::percent(80),
            list: vec![Kind::Plain, Kind::Named { at: Score::ONE }, Kind::Held(3)],
            map: [("b".to_owned(), -1), ("a".to_owned(), i64::MIN)].into(),
        }
    }

    #[test]
    fn sorted_without_floats_big_integers_as_text() {
        let bytes = to_bytes(&sample()).unwrap();
        assert_eq!(
            String::from_utf8(bytes.clone()).unwrap(),
            r#"{"list":["plain",{"named":{"at":1000000}},{"held":3}],"map":{"a":"-9223372036854775808","b":-1},"score":800000,"zeta":"18446744073709551615"}"#
        );
        assert_eq!(from_bytes::<Sample>(&bytes).unwrap(), sample());
    }

    #[test]
    fn what_has_no_single_form_is_refused() {
        assert!(to_bytes(&1.5_f64).is_err());
        assert!(to_bytes(&BTreeMap::from([("ä", 1)])).is_err());
        assert!(to_bytes("a\0b").is_err());
        assert!(from_bytes::<u64>(b"\"12\"").is_err(), "a small integer is a number, never text");
        assert!(from_bytes::<Score>(b"0.8").is_err());
        assert!(from_bytes::<Sample>(br#"{"zeta":1,"score":1,"list":[],"map":{},"other":1}"#).is_err());
    }
}
