//! Canonical bytes, written while serde walks the value: no tree, and one buffer for all of it.
//!
//! The members of an object are written as they come and, where that is not their order, put in order when it ends.

use std::borrow::Cow;

use serde::{Serialize, ser};

use super::{Error, MAX_SAFE_INTEGER, tree};
use crate::json::{write_escaped, write_string};

/// The canonical bytes of a value.
pub(super) fn to_bytes<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    let mut output = Output { bytes: Vec::with_capacity(512), members: Vec::new(), unsorted: Vec::new() };
    value.serialize(Writer(&mut output))?;
    Ok(output.bytes)
}

/// What was written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrote {
    /// `null`: as a member it is left out again.
    Null,
    Something,
}

struct Output {
    bytes: Vec<u8>,
    /// The members of all objects that are open, the innermost last.
    members: Vec<Member>,
    /// Where an object's members lie while they are put in order.
    unsorted: Vec<u8>,
}

/// A member of an open object: where its key, colon and value lie.
struct Member {
    key: Cow<'static, str>,
    from: usize,
    to: usize,
}

struct Writer<'a>(&'a mut Output);

impl<'a> Writer<'a> {
    fn null(self) -> Wrote {
        self.0.bytes.extend_from_slice(b"null");
        Wrote::Null
    }

    fn text(self, text: &str) -> Result<Wrote, Error> {
        if text.contains('\0') {
            return Err(Error("a null character in a string".into()));
        }
        write_string(text, &mut self.0.bytes);
        Ok(Wrote::Something)
    }

    /// Digits as a number, or as text where not every reader holds the number exactly.
    fn integer(self, magnitude: u64, negative: bool) -> Wrote {
        let mut digits = itoa::Buffer::new();
        let bytes = &mut self.0.bytes;
        let as_text = magnitude > MAX_SAFE_INTEGER;
        if as_text {
            bytes.push(b'"');
        }
        if negative {
            bytes.push(b'-');
        }
        bytes.extend_from_slice(digits.format(magnitude).as_bytes());
        if as_text {
            bytes.push(b'"');
        }
        Wrote::Something
    }

    /// `{"VARIANT":` before what a variant holds.
    fn variant(&mut self, variant: &str) {
        self.0.bytes.push(b'{');
        write_string(variant, &mut self.0.bytes);
        self.0.bytes.push(b':');
    }

    fn list(self, in_variant: bool) -> ListWriter<'a> {
        self.0.bytes.push(b'[');
        ListWriter { output: self.0, is_empty: true, in_variant }
    }

    fn object(self, in_variant: bool) -> ObjectWriter<'a> {
        self.0.bytes.push(b'{');
        ObjectWriter {
            first: self.0.members.len(),
            from: self.0.bytes.len(),
            output: self.0,
            key: None,
            in_variant,
        }
    }
}

impl<'a> ser::Serializer for Writer<'a> {
    type Ok = Wrote;
    type Error = Error;
    type SerializeSeq = ListWriter<'a>;
    type SerializeTuple = ListWriter<'a>;
    type SerializeTupleStruct = ListWriter<'a>;
    type SerializeTupleVariant = ListWriter<'a>;
    type SerializeMap = ObjectWriter<'a>;
    type SerializeStruct = ObjectWriter<'a>;
    type SerializeStructVariant = ObjectWriter<'a>;

    fn is_human_readable(&self) -> bool {
        false
    }
    fn serialize_bool(self, v: bool) -> Result<Wrote, Error> {
        self.0.bytes.extend_from_slice(if v { b"true" } else { b"false" });
        Ok(Wrote::Something)
    }
    fn serialize_i8(self, v: i8) -> Result<Wrote, Error> {
        self.serialize_i64(v.into())
    }
    fn serialize_i16(self, v: i16) -> Result<Wrote, Error> {
        self.serialize_i64(v.into())
    }
    fn serialize_i32(self, v: i32) -> Result<Wrote, Error> {
        self.serialize_i64(v.into())
    }
    fn serialize_i64(self, v: i64) -> Result<Wrote, Error> {
        Ok(self.integer(v.unsigned_abs(), v < 0))
    }
    fn serialize_u8(self, v: u8) -> Result<Wrote, Error> {
        self.serialize_u64(v.into())
    }
    fn serialize_u16(self, v: u16) -> Result<Wrote, Error> {
        self.serialize_u64(v.into())
    }
    fn serialize_u32(self, v: u32) -> Result<Wrote, Error> {
        self.serialize_u64(v.into())
    }
    fn serialize_u64(self, v: u64) -> Result<Wrote, Error> {
        Ok(self.integer(v, false))
    }
    fn serialize_f32(self, _: f32) -> Result<Wrote, Error> {
        Err(Error("a floating-point number has no canonical form".into()))
    }
    fn serialize_f64(self, _: f64) -> Result<Wrote, Error> {
        Err(Error("a floating-point number has no canonical form".into()))
    }
    fn serialize_char(self, v: char) -> Result<Wrote, Error> {
        self.text(v.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, v: &str) -> Result<Wrote, Error> {
        self.text(v)
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<Wrote, Error> {
        Err(Error("bytes have no canonical form; write a digest or hexadecimal digits".into()))
    }
    fn serialize_none(self) -> Result<Wrote, Error> {
        Ok(self.null())
    }
    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<Wrote, Error> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<Wrote, Error> {
        Ok(self.null())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<Wrote, Error> {
        Ok(self.null())
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Wrote, Error> {
        self.text(variant)
    }
    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Wrote, Error> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Wrote, Error> {
        self.variant(variant);
        value.serialize(Writer(self.0))?;
        self.0.bytes.push(b'}');
        Ok(Wrote::Something)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<ListWriter<'a>, Error> {
        Ok(self.list(false))
    }
    fn serialize_tuple(self, _: usize) -> Result<ListWriter<'a>, Error> {
        Ok(self.list(false))
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<ListWriter<'a>, Error> {
        Ok(self.list(false))
    }
    fn serialize_tuple_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<ListWriter<'a>, Error> {
        self.variant(variant);
        Ok(self.list(true))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<ObjectWriter<'a>, Error> {
        Ok(self.object(false))
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<ObjectWriter<'a>, Error> {
        Ok(self.object(false))
    }
    fn serialize_struct_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<ObjectWriter<'a>, Error> {
        self.variant(variant);
        Ok(self.object(true))
    }
}

/// An open list.
struct ListWriter<'a> {
    output: &'a mut Output,
    is_empty: bool,
    in_variant: bool,
}

impl ListWriter<'_> {
    fn item<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Error> {
        if !std::mem::take(&mut self.is_empty) {
            self.output.bytes.push(b',');
        }
        value.serialize(Writer(self.output)).map(|_| ())
    }

    fn close(self) -> Wrote {
        self.output.bytes.extend_from_slice(if self.in_variant { b"]}" } else { b"]" });
        Wrote::Something
    }
}

/// An open object.
struct ObjectWriter<'a> {
    output: &'a mut Output,
    /// Which of the members is its first.
    first: usize,
    /// Where its first member lies.
    from: usize,
    key: Option<String>,
    in_variant: bool,
}

impl ObjectWriter<'_> {
    fn member<T: ?Sized + Serialize>(&mut self, key: Cow<'static, str>, value: &T) -> Result<(), Error> {
        if !key.is_ascii() {
            return Err(Error("a key that is not ASCII".into()));
        }
        let bytes = &mut self.output.bytes;
        let end = bytes.len();
        if self.output.members.len() > self.first {
            bytes.push(b',');
        }
        let from = bytes.len();
        bytes.push(b'"');
        write_escaped(&key, bytes);
        bytes.extend_from_slice(b"\":");
        match value.serialize(Writer(self.output))? {
            // An absent member is left out: `null` would give one value two forms.
            Wrote::Null => self.output.bytes.truncate(end),
            Wrote::Something => {
                let to = self.output.bytes.len();
                self.output.members.push(Member { key, from, to });
            }
        }
        Ok(())
    }

    fn close(self) -> Result<Wrote, Error> {
        let Output { bytes, members, unsorted } = self.output;
        let own = members.get_mut(self.first..).unwrap_or_default();
        // ASCII keys: the order of UTF-16 units that RFC 8785 asks for is the order of bytes.
        if !own.is_sorted_by(|a, b| a.key < b.key) {
            own.sort_unstable_by(|a, b| a.key.cmp(&b.key));
            if own.windows(2).any(|pair| matches!(pair, [a, b] if a.key == b.key)) {
                return Err(Error("the same key twice".into()));
            }
            unsorted.clear();
            unsorted.extend_from_slice(bytes.get(self.from..).unwrap_or_default());
            bytes.truncate(self.from);
            for (i, member) in own.iter().enumerate() {
                if i > 0 {
                    bytes.push(b',');
                }
                let (from, to) = (member.from - self.from, member.to - self.from);
                bytes.extend_from_slice(unsorted.get(from..to).unwrap_or_default());
            }
        }
        members.truncate(self.first);
        bytes.extend_from_slice(if self.in_variant { b"}}" } else { b"}" });
        Ok(Wrote::Something)
    }
}

macro_rules! lists {
    ($($trait:ident :: $method:ident),*) => {$(
        impl ser::$trait for ListWriter<'_> {
            type Ok = Wrote;
            type Error = Error;
            fn $method<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Error> {
                self.item(value)
            }
            fn end(self) -> Result<Wrote, Error> {
                Ok(self.close())
            }
        }
    )*};
}
lists!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

macro_rules! objects {
    ($($trait:ident),*) => {$(
        impl ser::$trait for ObjectWriter<'_> {
            type Ok = Wrote;
            type Error = Error;
            fn serialize_field<T: ?Sized + Serialize>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
                self.member(Cow::Borrowed(key), value)
            }
            fn end(self) -> Result<Wrote, Error> {
                self.close()
            }
        }
    )*};
}
objects!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for ObjectWriter<'_> {
    type Ok = Wrote;
    type Error = Error;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), Error> {
        // Through the writer itself, so that a key is whatever is written as a text or as an integer.
        let written = to_bytes(key)?;
        let text = match written.as_slice() {
            [b'"', ..] => tree(&written)?.as_str().map(str::to_owned),
            [b'-' | b'0'..=b'9', ..] => String::from_utf8(written).ok(),
            _ => None,
        };
        self.key = Some(text.ok_or_else(|| Error("a key that is not text".into()))?);
        Ok(())
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Error> {
        let key = self.key.take().ok_or_else(|| Error("a value without a key".into()))?;
        self.member(Cow::Owned(key), value)
    }

    fn end(self) -> Result<Wrote, Error> {
        self.close()
    }
}
