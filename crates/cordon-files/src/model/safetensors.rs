//! Safetensors: a length, a header in JSON, and numbers. Its own rules are strict, so that there is one way to read it: the
//! tensors lie one behind the other, without holes, to the end of the file.

use cordon_core::json::{ErrorKind, Limits, Value};

use crate::{
    Reason, Role,
    bytes::{find, head, index64, le64, slice, tail},
    context::{Context, Done},
};

/// Bytes of the length before the header.
const LENGTH: usize = 8;
/// Bytes in which a header says of itself what it is.
const LOOK: usize = 4096;
/// Bytes of a header at most.
const LONGEST: usize = 100_000_000;

/// Whether a file is one: by its name and its brace, or by what only its header says. A length of nothing but letters is
/// none that a file has.
pub(crate) fn goes_by(bytes: &[u8], is_named: bool) -> bool {
    bytes.get(LENGTH) == Some(&b'{')
        && !head(bytes, LENGTH).iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r'))
        && (is_named || find(head(tail(bytes, LENGTH), LOOK), 0, b"\"data_offsets\"").is_some())
}

/// A file of tensors.
pub(crate) fn inspect(context: &mut Context<'_>, bytes: &[u8]) -> Done {
    let length = le64(bytes, 0).map(index64).filter(|length| *length <= LONGEST);
    let Some(header) = length.and_then(|length| slice(bytes, LENGTH, length)) else {
        context.see(Reason::Malformed);
        return Ok(());
    };
    context.spend(header.len())?;
    context.decoded(header.len())?;
    let limits = Limits { bytes: header.len(), depth: 8, values: context.limits.things };
    let value = match Value::parse(header.trim_ascii_end(), limits) {
        Ok(value) => value,
        Err(error) => {
            context.see(match error.kind() {
                ErrorKind::DuplicateKey => Reason::DuplicateKey,
                ErrorKind::TooDeep => Reason::TooDeep,
                ErrorKind::TooMany => Reason::TooMany,
                _ => Reason::Malformed,
            });
            return Ok(());
        }
    };
    let room = bytes.len() - LENGTH - header.len();
    if places(context, &value, room)?.is_none() {
        context.see(Reason::Malformed);
    }
    Ok(())
}

/// Whether all tensors have their place, one behind the other, in so many bytes; what is said about them are texts.
fn places(context: &mut Context<'_>, header: &Value, room: usize) -> Done<Option<()>> {
    let Some(header) = header.as_object() else { return Ok(None) };
    let mut places = Vec::new();
    for (name, tensor) in header.iter() {
        context.thing()?;
        if name == "__metadata__" {
            for (key, said) in tensor.as_object().into_iter().flat_map(|said| said.iter()) {
                context.text(Role::Metadata, key)?;
                context.text(Role::Metadata, said.as_str().unwrap_or_default())?;
            }
            continue;
        }
        match place(tensor) {
            Some(place) => places.push(place),
            None => return Ok(None),
        }
    }
    places.sort_unstable();
    let mut end = 0;
    for (from, to) in places {
        if from < end {
            context.see(Reason::Overlap);
            return Ok(Some(()));
        }
        if from != end {
            return Ok(None);
        }
        end = to;
    }
    if end < room as u64 {
        context.see(Reason::Appended);
    }
    Ok((end <= room as u64).then_some(()))
}

/// From where to where a tensor goes, if its numbers are as many as it says.
fn place(tensor: &Value) -> Option<(u64, u64)> {
    let [from, to] = tensor.get("data_offsets")?.as_array()? else { return None };
    let (from, to) = (from.as_u64()?, to.as_u64()?);
    let mut bits = match tensor.get("dtype")?.as_str()? {
        "F4" => 4_u64,
        "F6_E2M3" | "F6_E3M2" => 6,
        "BOOL" | "U8" | "I8" | "F8_E5M2" | "F8_E4M3" | "F8_E8M0" | "F8_E4M3FNUZ" | "F8_E5M2FNUZ" => 8,
        "I16" | "U16" | "F16" | "BF16" => 16,
        "I32" | "U32" | "F32" => 32,
        "I64" | "U64" | "F64" | "C64" => 64,
        _ => return None,
    };
    for side in tensor.get("shape")?.as_array()? {
        bits = bits.checked_mul(side.as_u64()?)?;
    }
    (bits.is_multiple_of(8) && to.checked_sub(from)? == bits / 8).then_some((from, to))
}
