//! Which reader a file gets, and whether it is what it is said to be.

use crate::{
    Claim, FileType, Reason, archive,
    bytes::{find, head},
    context::{Context, Done},
    data, file_type, image, markup, model, office, pdf, text,
};

/// Inspects one file; what it is by its content.
pub(crate) fn inspect(context: &mut Context<'_>, bytes: &[u8], claim: &Claim<'_>) -> Done<FileType> {
    let claimed = claim.read();
    if let Some(reason) = claim.name_reason() {
        context.see(reason);
    }
    let begins = file_type::of(bytes);
    let file_type = match (begins, claimed.text_type()) {
        (FileType::Text, Some(said)) if said != FileType::Svg => said,
        (FileType::Json, Some(said @ (FileType::Yaml | FileType::Csv))) => said,
        // Only a claim makes JSON that is malformed of what may be lines of a log.
        (FileType::Json, said) if said != Some(FileType::Json) && !data::json::is_one(context, bytes)? => {
            said.filter(|said| *said != FileType::Svg).unwrap_or(FileType::Text)
        }
        _ => begins,
    };
    let (file_type, is_pickle) = model::kind(context, bytes, file_type, claimed)?;
    if is_pickle {
        context.see(Reason::Polyglot);
        model::pickle::inspect(context, bytes)?;
    }
    // Archives are read from their end, so that any file with the end of one is one too.
    if file_type != FileType::Zip && archive::zip::ends_as_one(bytes) {
        context.see(Reason::Polyglot);
    }
    // Readers of PDF look for its sign in the first bytes, whatever stands before it.
    if file_type.is_image() && find(head(bytes, 1024 + 5), 0, b"%PDF-").is_some() {
        context.see(Reason::Polyglot);
    }
    let file_type = match read(context, bytes, file_type, claim)? {
        Some(inner) => inner,
        None => file_type,
    };
    // What a model's reader takes out of a text is not all that people read in it.
    if begins.is_text() && !file_type.is_text() {
        text::plain(context, bytes)?;
    }
    let template = claim.name.and_then(model::template::named).filter(|_| begins.is_text());
    if let Some(of) = template {
        context.spend(bytes.len())?;
        if model::template::reaches_of(context, &text::decode(bytes).text, of)? {
            context.see(Reason::Template);
        }
    }
    if !claimed.agrees(file_type) {
        context.see(Reason::Mismatch);
    }
    Ok(file_type)
}

/// Reads a file; its type, where the content of a container says it.
fn read(
    context: &mut Context<'_>,
    bytes: &[u8],
    file_type: FileType,
    claim: &Claim<'_>,
) -> Done<Option<FileType>> {
    match file_type {
        FileType::Zip => return archive::zip::inspect(context, bytes).map(Some),
        FileType::Gzip => archive::gzip::inspect(context, bytes, claim)?,
        FileType::Tar => archive::tar::inspect(context, bytes)?,
        FileType::Ole => return office::legacy::inspect(context, bytes).map(Some),
        FileType::Rtf => office::rtf::inspect(context, bytes)?,
        FileType::Pdf => pdf::inspect(context, bytes)?,
        FileType::Html => markup::html::inspect(context, bytes)?,
        FileType::Svg => markup::svg::inspect(context, bytes)?,
        FileType::Xml => markup::xml::inspect(context, bytes)?,
        FileType::Csv => data::csv::inspect(context, bytes)?,
        FileType::Json => data::json::inspect(context, bytes)?,
        FileType::Yaml => data::yaml::inspect(context, bytes)?,
        FileType::Png => image::png::inspect(context, bytes)?,
        FileType::Jpeg => image::jpeg::inspect(context, bytes)?,
        FileType::Gif => image::gif::inspect(context, bytes)?,
        FileType::Webp => image::webp::inspect(context, bytes)?,
        FileType::Bmp => image::bmp::inspect(context, bytes)?,
        FileType::Pickle => model::pickle::inspect(context, bytes)?,
        FileType::Npy => model::npy::inspect(context, bytes)?,
        FileType::Safetensors => model::safetensors::inspect(context, bytes)?,
        FileType::Gguf => model::gguf::inspect(context, bytes)?,
        FileType::Onnx => model::onnx::inspect(context, bytes)?,
        FileType::Hdf5 => model::hdf5(context, bytes)?,
        FileType::Zlib => model::zlib::inspect(context, bytes, claim)?,
        FileType::Empty => {}
        FileType::Text => text::plain(context, bytes)?,
        FileType::Executable => context.see(Reason::Executable),
        FileType::AudioVideo | FileType::OtherImage | FileType::Packed => context.see(Reason::Unreadable),
        FileType::Unknown => context.see(Reason::UnknownType),
        // These are what an archive turns out to be.
        FileType::Epub
        | FileType::Keras
        | FileType::OpenDocument
        | FileType::Presentation
        | FileType::Spreadsheet
        | FileType::Torch
        | FileType::WordDocument => {}
    }
    Ok(None)
}
