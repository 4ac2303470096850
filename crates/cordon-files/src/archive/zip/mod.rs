//! ZIP (APPNOTE 6.3): read from its end, as readers do, and held against what stands before each entry, as others do.
//!
//! Where the two could differ, the archive is ambiguous: an inspection that sees one of them says nothing of the other.

mod directory;

use flate2::Crc;

pub(crate) use self::directory::{Archive, Entry};
use super::{is_of_finder, name::Names};
use crate::{
    Claim, FileType, Reason,
    bytes::{head, slice},
    context::{Context, Done},
    inflate::{End, Wrap},
    office,
};

/// Whether a file ends as an archive does.
pub(crate) fn ends_as_one(bytes: &[u8]) -> bool {
    directory::ends(bytes).next().is_some()
}

/// A ZIP file, or a document in one: which, and all that is in it.
pub(crate) fn inspect(context: &mut Context<'_>, bytes: &[u8]) -> Done<FileType> {
    let Some(archive) = Archive::read(context, bytes)? else {
        context.see(Reason::Malformed);
        return Ok(FileType::Zip);
    };
    let mut names = Names::default();
    let file_type = kind(context, &archive)?;
    for (number, entry) in archive.entries.iter().enumerate() {
        context.at(number, |context| {
            names.check(context, &entry.name);
            if entry.is_link {
                context.see(Reason::Link);
            }
        });
    }
    match file_type {
        FileType::WordDocument | FileType::Spreadsheet | FileType::Presentation => {
            office::open_xml::inspect(context, &archive, file_type)?;
        }
        FileType::OpenDocument => office::open_document::inspect(context, &archive)?,
        FileType::Torch => torch(context, &archive)?,
        _ => entries(context, &archive, |_| false)?,
    }
    Ok(file_type)
}

/// What kind of document the archive is, by the names that are in it.
fn kind(context: &mut Context<'_>, archive: &Archive<'_>) -> Done<FileType> {
    if let Some(entry) = archive.entries.first().filter(|entry| entry.name == "mimetype") {
        let said = archive.content(context, entry)?.unwrap_or_default();
        if said.starts_with(b"application/epub+zip") {
            return Ok(FileType::Epub);
        }
        if said.starts_with(b"application/vnd.oasis.opendocument.") {
            return Ok(FileType::OpenDocument);
        }
    }
    let has = |name: &str| archive.entries.iter().any(|entry| entry.name == name);
    let below = |folder: &str| archive.entries.iter().any(|entry| entry.name.starts_with(folder));
    Ok(if has("[Content_Types].xml") && below("word/") {
        FileType::WordDocument
    } else if has("[Content_Types].xml") && below("xl/") {
        FileType::Spreadsheet
    } else if has("[Content_Types].xml") && below("ppt/") {
        FileType::Presentation
    } else if has("META-INF/MANIFEST.MF") || has("AndroidManifest.xml") {
        context.see(Reason::Executable);
        FileType::Executable
    } else if archive.entries.iter().any(|entry| entry.file_name() == "data.pkl") {
        FileType::Torch
    } else if has("config.json") && has("metadata.json") {
        FileType::Keras
    } else {
        FileType::Zip
    })
}

/// A model of PyTorch: all but the numbers of its tensors, which are whatever bytes they are.
fn torch(context: &mut Context<'_>, archive: &Archive<'_>) -> Done {
    let of_pickle = archive.entries.iter().find_map(|entry| entry.name.strip_suffix("data.pkl"));
    let numbers = format!("{}data/", of_pickle.unwrap_or_default());
    entries(context, archive, |entry| {
        entry
            .name
            .strip_prefix(&numbers)
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// Every entry as a file of its own, but for those that are numbers.
fn entries(context: &mut Context<'_>, archive: &Archive<'_>, is_numbers: impl Fn(&Entry) -> bool) -> Done {
    for (number, entry) in archive.entries.iter().enumerate() {
        if entry.is_folder() || entry.is_link || is_numbers(entry) {
            continue;
        }
        context.at(number, |context| {
            if let Some(content) = archive.content(context, entry)?
                && !is_of_finder(context, entry.file_name(), &content)
            {
                context.file(&content, &Claim::named(&entry.name))?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

impl Archive<'_> {
    /// What an entry holds; none where it cannot be read, which is seen.
    pub(crate) fn content(&self, context: &mut Context<'_>, entry: &Entry) -> Done<Option<Vec<u8>>> {
        let Some(packed) = slice(self.bytes, entry.data, entry.packed) else {
            context.see(Reason::Malformed);
            return Ok(None);
        };
        if entry.is_encrypted {
            context.see(Reason::Encrypted);
            return Ok(None);
        }
        let content = match entry.method {
            0 => {
                context.decoded(packed.len())?;
                packed.to_vec()
            }
            8 => {
                let unpacked = context.inflate(packed, Wrap::Bare)?;
                if unpacked.end != End::Whole || unpacked.used != packed.len() {
                    context.see(Reason::Malformed);
                }
                unpacked.bytes
            }
            _ => {
                context.see(Reason::Unreadable);
                return Ok(None);
            }
        };
        if content.len() != entry.size {
            context.see(Reason::Ambiguous);
        }
        let mut crc = Crc::new();
        crc.update(&content);
        if crc.sum() != entry.crc {
            context.see(Reason::Checksum);
        }
        Ok(Some(content))
    }
}

impl Entry {
    /// Whether it is a folder: nothing is in it.
    pub(crate) fn is_folder(&self) -> bool {
        self.name.ends_with('/') && self.size == 0
    }

    /// The last part of the name.
    pub(crate) fn file_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }

    /// The beginning of the name, to compare with folders.
    pub(crate) fn is_below(&self, folder: &str) -> bool {
        head(self.name.as_bytes(), folder.len()).eq_ignore_ascii_case(folder.as_bytes())
    }
}
