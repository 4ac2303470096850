//! Reading of values whose kind is said within them, and of vocabularies, without room for more than either may have.

use std::{cell::Cell, collections::HashMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

/// The most values within one whose kind is not known before it is read whole.
const MAX_VALUES: usize = 4096;
/// The most pieces. Those of models of many languages are up to a million.
const MAX_PIECES: usize = 1 << 20;

/// What has few values in it. It is kept whole before it is known which kind it is of.
pub(super) struct Small<T>(pub(super) T);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Small<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let left = Cell::new(MAX_VALUES);
        let value = Tree { left: &left }.deserialize(deserializer)?;
        T::deserialize(value).map(Self).map_err(D::Error::custom)
    }
}

/// A value, and how many more there may be.
#[derive(Clone, Copy)]
struct Tree<'a> {
    left: &'a Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let left = self.left.get().checked_sub(1);
        self.left.set(left.ok_or_else(|| D::Error::custom(format!("more than {MAX_VALUES} values")))?);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        let mut read = Vec::new();
        while let Some(value) = values.next_element_seed(self)? {
            read.push(value);
        }
        Ok(Value::Array(read))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        let mut read = Map::new();
        while let Some(key) = values.next_key()? {
            read.insert(key, values.next_value_seed(self)?);
        }
        Ok(Value::Object(read))
    }
}

/// The pieces of a model.
pub(super) enum Vocabulary {
    /// In the order of their numbers, with what each of them weighs.
    Scored(Vec<(String, f64)>),
    Numbered(HashMap<String, u32>),
}

impl<'de> Deserialize<'de> for Vocabulary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Pieces)
    }
}

struct Pieces;

impl<'de> Visitor<'de> for Pieces {
    type Value = Vocabulary;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a vocabulary")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pieces: A) -> Result<Vocabulary, A::Error> {
        let mut read = Vec::new();
        while let Some(piece) = pieces.next_element()? {
            read.push(piece);
            few(read.len())?;
        }
        Ok(Vocabulary::Scored(read))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pieces: A) -> Result<Vocabulary, A::Error> {
        let mut read = HashMap::new();
        while let Some((piece, number)) = pieces.next_entry()? {
            read.insert(piece, number);
            few(read.len())?;
        }
        Ok(Vocabulary::Numbered(read))
    }
}

fn few<E: Error>(pieces: usize) -> Result<(), E> {
    if pieces > MAX_PIECES {
        return Err(E::custom(format!("more than {MAX_PIECES} pieces")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is behind the bound is not looked at: nothing ends these texts.
    #[test]
    fn what_is_too_much_is_refused_while_it_is_read() {
        let refused = |error: serde_json::Error| error.to_string();
        for text in [format!("[{}", "[],".repeat(5000)), format!("{{\"a\":[{}", "{},".repeat(5000))] {
            let error = serde_json::from_str::<Small<Value>>(&text).err().map(refused).unwrap();
            assert!(error.contains("more than 4096 values"), "{error}");
        }
        let pieces = format!("[{}", "[\"\",0],".repeat(MAX_PIECES + 1));
        let error = serde_json::from_str::<Vocabulary>(&pieces).err().map(refused).unwrap();
        assert!(error.contains("more than 1048576 pieces"), "{error}");
    }

    #[test]
    fn what_is_small_is_read_as_it_is() {
        let text = r#"{"a":[null,true,-1,2,1.5,"é\n"],"b":{"c":[]}}"#;
        let Small(value) = serde_json::from_str::<Small<Value>>(text).unwrap();
        assert_eq!(value, serde_json::from_str::<Value>(text).unwrap());
    }
}
