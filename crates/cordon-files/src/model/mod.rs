//! Models: what their files make a loader do. A model is loaded by a program that trusts it, so what matters is what a loader
//! would call, fetch or run for it; weights are numbers, and are not looked at.

pub(crate) mod dangerous;
pub(crate) mod gguf;
pub(crate) mod globals;
mod joblib;
pub(crate) mod npy;
pub(crate) mod onnx;
pub(crate) mod opcode;
pub(crate) mod pickle;
pub(crate) mod rest;
pub(crate) mod safetensors;
pub(crate) mod settings;
pub(crate) mod template;
mod value;
pub(crate) mod zlib;

use crate::{
    FileType, Reason,
    bytes::find,
    claim::Claimed,
    context::{Context, Done},
};

/// What a file is, where neither its first bytes nor its text say it, and whether a loader of pickles would read it besides: a
/// pickle has no sign before protocol 2, may begin with that of anything else, and a model whose header lies is still what its
/// name says.
pub(crate) fn kind(
    context: &mut Context<'_>,
    bytes: &[u8],
    begins: FileType,
    claimed: Claimed,
) -> Done<(FileType, bool)> {
    if begins == FileType::Pickle {
        return Ok((begins, false));
    }
    let is_onnx = claimed.by_name == Some(FileType::Onnx);
    let is_open = begins == FileType::Unknown || begins.is_text();
    let file_type = if !is_open {
        begins
    } else if safetensors::goes_by(bytes, claimed.by_name == Some(FileType::Safetensors)) {
        FileType::Safetensors
    } else if is_onnx && begins == FileType::Unknown || onnx::is_one(context, bytes, begins.is_text())? {
        FileType::Onnx
    } else {
        begins
    };
    let is_signed = file_type != begins || !is_open;
    let trust = match (claimed.by_name == Some(FileType::Pickle), is_signed) {
        (true, true) => pickle::Trust::NameAndSign,
        (true, false) => pickle::Trust::Name,
        (false, false) if begins == FileType::Unknown => pickle::Trust::Content,
        (false, _) => pickle::Trust::Text,
    };
    let is_pickle = pickle::is_one(context, bytes, trust)?;
    Ok(if is_pickle && !is_signed { (FileType::Pickle, false) } else { (file_type, is_pickle) })
}

/// A file of HDF5, by its sign alone: its groups are not read. What Keras keeps in one of them is text, and is searched.
pub(crate) fn hdf5(context: &mut Context<'_>, bytes: &[u8]) -> Done {
    context.spend(bytes.len())?;
    let is_layer = [&b"\"class_name\": \"Lambda\""[..], b"\"class_name\":\"Lambda\""]
        .into_iter()
        .any(|sign| find(bytes, 0, sign).is_some());
    if is_layer {
        context.see(Reason::Layer);
    }
    context.see(Reason::Unreadable);
    Ok(())
}
