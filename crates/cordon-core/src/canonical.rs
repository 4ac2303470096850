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

mod stream;

use serde::{
    Deserialize, Serialize,
    de::{self, DeserializeOwned},
    ser,
};

use crate::json::{Number, Object, Value};

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

/// A value of its canonical bytes.
///
/// # Errors
/// When the bytes are not canonical JSON, or do not describe such a value.
pub fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    read(bytes, |stream| T::deserialize(stream))
}

/// A value of its canonical bytes that may borrow from them.
///
/// # Errors
/// As [`from_bytes`].
pub fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Error> {
    read(bytes, |stream| T::deserialize(stream))
}

/// What a reader makes of canonical bytes, all of which it must read.
pub(crate) fn read<'de, T>(
    bytes: &'de [u8],
    reader: impl FnOnce(&mut stream::Stream<'de>) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut stream = stream::Stream::new(bytes)?;
    let value = reader(&mut stream)?;
    stream.end()?;
    Ok(value)
}

/// The members of an object in canonical bytes, each with the bytes of its value.
pub(crate) fn members(bytes: &[u8]) -> Result<Vec<stream::Member<'_>>, Error> {
    stream::Stream::new(bytes)?.members()
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use serde::Deserialize;

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
        for loose in [
            &b"{\"b\":1,\"a\":2}"[..],
            b"{\"a\":1,\"a\":2}",
            b"{\"a\": 1}",
            b"{\"a\":01}",
            b"{\"a\":-0}",
            b"{\"a\":1} ",
        ] {
            assert!(
                from_bytes::<BTreeMap<String, i64>>(loose).is_err(),
                "{}",
                String::from_utf8_lossy(loose)
            );
        }
        assert!(from_bytes::<Score>(b"0.8").is_err());
        assert!(from_bytes::<Sample>(br#"{"zeta":1,"score":1,"list":[],"map":{},"other":1}"#).is_err());
    }
}
