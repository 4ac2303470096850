//! How single values are read; an error says what is expected.

use std::{net::SocketAddr, path::PathBuf};

use cordon_core::{DurationMs, resource::SecretRef};

pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() { Err("a folder is expected".to_owned()) } else { Ok(text.into()) }
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "an IP address and a port are expected, such as 127.0.0.1:4180".to_owned())
}

pub(super) fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count > 0 && count <= 1_000_000 => Ok(count),
        _ => Err("a whole number from 1 to 1000000 is expected".to_owned()),
    }
}

pub(super) fn duration(text: &str) -> Result<DurationMs, String> {
    DurationMs::parse(text).map_err(|error| error.to_string())
}

pub(super) fn time(text: &str) -> Result<DurationMs, String> {
    match duration(text)? {
        time if time.as_millis() == 0 => Err("must be above 0".to_owned()),
        time => Ok(time),
    }
}

/// A whole number of bytes, `KiB`, `MiB` or `GiB`.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let error = || "a size is expected, such as 16MiB, 512KiB or 1048576".to_owned();
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(split).ok_or_else(error)?;
    let factor = match unit.trim() {
        "" | "B" => 1_u64,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(error()),
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|count| count.checked_mul(factor))
        .filter(|n| *n > 0)
        .ok_or_else(error)
}

pub(super) fn header(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    http::HeaderName::try_from(text)
        .map(|name| Some(name.as_str().to_owned()))
        .map_err(|_| "the name of a header is expected".to_owned())
}

pub(super) fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// A size that memory can hold.
pub(super) fn size(text: &str) -> Result<usize, String> {
    usize::try_from(bytes(text)?).map_err(|_| "too large".to_owned())
}

/// A file, or nothing.
pub(super) fn file(text: &str) -> Result<Option<PathBuf>, String> {
    Ok((!text.is_empty()).then(|| text.into()))
}

/// Where a secret is, or nothing. An error does not repeat the text: it may be the secret itself.
pub(super) fn reference(text: &str) -> Result<Option<SecretRef>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    SecretRef::parse(text).map(Some).map_err(|error| error.to_string())
}
