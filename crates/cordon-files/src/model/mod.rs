//! Models: what their files make a loader do. A model is loaded by a program that trusts it, so what matters is what a loader
//! would call, fetch or run for it; weights are numbers, and are not looked at.

pub(crate) mod gguf;
pub(crate) mod globals;
pub(crate) mod npy;
pub(crate) mod onnx;
pub(crate) mod opcode;
pub(crate) mod pickle;
pub(crate) mod safetensors;
pub(crate) mod settings;
pub(crate) mod template;
pub(crate) mod zlib;

use crate::{
    FileType, Reason,
    bytes::find,
    claim::Claimed,
    context::{Context, Done},
};

/// What a file is, where neither its first bytes nor its text say it: a pickle has no sign before protocol 2, and a model whose
/// header lies is still what its name says.
pub(crate) fn kind(
    context: &mut Context<'_>,
    bytes: &[u8],
    begins: FileType,
    claimed: Claimed,
) -> Done<FileType> {
    if begins != FileType::Unknown && !begins.is_text() {
        return Ok(begins);
    }
    if safetensors::goes_by(bytes, claimed.by_name == Some(FileType::Safetensors)) {
        return Ok(FileType::Safetensors);
    }
    if onnx::is_one(context, bytes)? {
        return Ok(FileType::Onnx);
    }
    let trust =
        if claimed.by_name == Some(FileType::Pickle) { pickle::Trust::Name } else { pickle::Trust::Content };
    Ok(if pickle::is_one(context, bytes, trust)? { FileType::Pickle } else { begins })
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
