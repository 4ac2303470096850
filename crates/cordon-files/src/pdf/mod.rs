//! PDF (ISO 32000), read as tolerant readers do: every object that is anywhere in the file, whatever its tables say.
//!
//! What a table of offsets hides, what a later revision replaces, and what an object stream packs is looked at all the same;
//! so none of them can hide anything, and loops in them lead nowhere. What only a table leads to, inside of a stream or a string,
//! is looked at too, where the table is written out; a stream of offsets is not followed to such places.

mod actions;
mod cmap;
mod colour;
mod file;
mod filter;
mod font;
mod geometry;
mod glyphs;
mod object;
mod page;
mod pages;
mod revision;

use self::file::File;
use crate::{
    Reason,
    bytes::{find, head, rfind, tail},
    context::{Context, Done},
};

/// A PDF file.
pub(crate) fn inspect(context: &mut Context<'_>, bytes: &[u8]) -> Done {
    let start = find(head(bytes, 1024 + 5), 0, b"%PDF-").unwrap_or_default();
    if start > 0 {
        context.see(Reason::Prepended);
    }
    // Readers of other types look at the beginning too, and a comment may be there for them.
    let beginning = head(bytes, 1024).to_ascii_lowercase();
    if [&b"<html"[..], b"<script", b"<?php", b"<!doctype", b"<svg"]
        .iter()
        .any(|sign| find(&beginning, 0, sign).is_some())
    {
        context.see(Reason::Polyglot);
    }
    match rfind(bytes, b"%%EOF") {
        Some(end) => {
            let behind = tail(bytes, end + 5);
            if behind.iter().any(|byte| !matches!(byte, 0 | b' ' | b'\t' | b'\r' | b'\n')) {
                context.see(Reason::Appended);
            }
        }
        None => context.see(Reason::Damaged),
    }
    let file = File::read(context, bytes)?;
    if file.is_empty() {
        context.see(Reason::Malformed);
        return Ok(());
    }
    if start == 0 {
        revision::check(context, bytes)?;
    }
    actions::check(context, &file)?;
    if file.is_encrypted() {
        context.see(Reason::Encrypted);
        return Ok(());
    }
    actions::embedded(context, &file)?;
    pages::read(context, &file)
}
