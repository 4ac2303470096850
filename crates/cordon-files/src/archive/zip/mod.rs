//! ZIP (APPNOTE 6.3): read from its end, as readers do, and held against what stands before each entry, as others do.
//!
//! Where the two could differ, the archive is ambiguous: an inspection that sees one of them says nothing of the other.

mod directory;

use flate2::Crc;

pub(crate) use self::directory::{Archive, Entry};
use super::{is_of_finder, name::Names};
use crate::{
    Claim, FileType, Reason,
    bytes::{find, head, slice},
    context::{Context, Done},
    file_type,
    inflate::{End, Wrap},
    model::pickle,
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

/// A model of PyTorch: all but the numbers of its tensors, which lie below the folder of its pickle.
fn torch(context: &mut Context<'_>, archive: &Archive<'_>) -> Done {
    let folders: Vec<&str> = archive
        .entries
        .iter()
        .filter_map(|entry| entry.name.strip_suffix("/data.pkl"))
        .filter(|folder| !folder.contains('/'))
        .collect();
    entries(context, archive, |entry| {
        let mut parts = entry.name.split('/');
        let folder = parts.next().unwrap_or_default();
        let is_below = matches!(parts.next(), Some("data" | "constants"));
        let number = parts.next().unwrap_or_default();
        folders.contains(&folder)
            && is_below
            && parts.next().is_none()
            && !number.is_empty()
            && number.bytes().all(|b| b.is_ascii_digit())
    })
}

/// Whether bytes are numbers, as far as bytes can say it: whatever has a sign that numbers have by chance once in millions of
/// times, or would run, is none.
fn are_numbers(context: &mut Context<'_>, bytes: &[u8]) -> Done<bool> {
    Ok(match file_type::of(bytes) {
        FileType::Unknown | FileType::Pickle => !pickle::is_one(context, bytes, pickle::Trust::NameAndSign)?,
        // Signs of two bytes, or of less.
        FileType::AudioVideo | FileType::Empty => true,
        FileType::Executable => bytes.starts_with(b"MZ") && find(bytes, 0, b"PE\0\0").is_none(),
        FileType::Zlib => context.inflate(bytes, Wrap::Zlib)?.end != End::Whole,
        FileType::Packed => bytes.starts_with(b"\x1f\x9d"),
        FileType::Gzip => !bytes.starts_with(b"\x1f\x8b\x08"),
        _ => false,
    })
}

/// Every entry as a file of its own, but for those that are numbers.
fn entries(context: &mut Context<'_>, archive: &Archive<'_>, is_numbers: impl Fn(&Entry) -> bool) -> Done {
    for (number, entry) in archive.entries.iter().enumerate() {
        // What a link holds is where it leads; but there are readers that know no links.
        if entry.is_folder() {
            continue;
        }
        context.at(number, |context| {
            if let Some(content) = archive.content(context, entry)?
                && !is_of_finder(context, entry.file_name(), &content)
                && !(is_numbers(entry) && are_numbers(context, &content)?)
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
            return self.unmarked(context, entry, packed);
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
        if !entry.has_sum_of(&content) {
            context.see(Reason::Checksum);
        }
        Ok(Some(content))
    }

    /// What an entry holds that only says that it is encrypted: there are readers that do not ask.
    fn unmarked(&self, context: &mut Context<'_>, entry: &Entry, packed: &[u8]) -> Done<Option<Vec<u8>>> {
        let content = match entry.method {
            0 => {
                context.decoded(packed.len())?;
                packed.to_vec()
            }
            // What is encrypted ends as a stream by chance alone, and early.
            8 => match context.inflate(packed, Wrap::Bare)? {
                unpacked if unpacked.end == End::Whole => unpacked.bytes,
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        let is_plain =
            entry.has_sum_of(&content) || pickle::is_one(context, &content, pickle::Trust::NameAndSign)?;
        Ok(is_plain.then_some(content))
    }
}

impl Entry {
    /// Whether its checksum is that of these bytes.
    fn has_sum_of(&self, content: &[u8]) -> bool {
        let mut crc = Crc::new();
        crc.update(content);
        crc.sum() == self.crc
    }

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
