use crate::{FileType, Reason};

/// What a file is said to be. Both are the sender's words, and believed only where the content agrees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claim<'a> {
    /// The file's name, with or without folders.
    pub name: Option<&'a str>,
    /// The media type, with or without parameters.
    pub media_type: Option<&'a str>,
}

/// What a claim says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Claimed {
    /// By the name's ending.
    pub(crate) by_name: Option<FileType>,
    /// By the media type.
    pub(crate) by_media_type: Option<FileType>,
    /// By the name's ending or the media type, a kind of office file that may hold macros.
    pub(crate) macros: bool,
}

impl<'a> Claim<'a> {
    /// A file of this name, as archives have it.
    pub(crate) const fn named(name: &'a str) -> Self {
        Self { name: Some(name), media_type: None }
    }

    /// The type that it says: by the name's ending, and by the media type where that says none.
    ///
    /// ```
    /// use cordon_files::{Claim, FileType};
    /// let said = |name, media_type| Claim { name, media_type }.file_type();
    /// assert_eq!(said(Some("a.PDF"), Some("image/png")), Some(FileType::Pdf));
    /// assert_eq!(said(Some("README"), Some("image/png; q=1")), Some(FileType::Png));
    /// assert_eq!(said(Some("README"), None), None);
    /// ```
    pub fn file_type(&self) -> Option<FileType> {
        let claimed = self.read();
        claimed.by_name.or(claimed.by_media_type)
    }

    pub(crate) fn read(&self) -> Claimed {
        let extension = self.name.and_then(extension).unwrap_or_default();
        let media_type = self
            .media_type
            .map(|name| name.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
        let media_type = media_type.unwrap_or_default();
        Claimed {
            by_name: FileType::of_extension(&extension).or_else(|| with_macros(&extension)),
            by_media_type: FileType::of_media_type(&media_type)
                .or_else(|| with_macros_by_media_type(&media_type)),
            macros: with_macros(&extension).is_some() || with_macros_by_media_type(&media_type).is_some(),
        }
    }

    /// What is wrong with the name itself.
    pub(crate) fn name_reason(&self) -> Option<Reason> {
        self.name.is_some_and(turns).then_some(Reason::NameDirection)
    }
}

impl Claimed {
    /// What texts of people are: only the claim can tell a table from a list of words.
    pub(crate) fn text_type(&self) -> Option<FileType> {
        [self.by_name, self.by_media_type].into_iter().flatten().find(|file_type| file_type.is_text())
    }

    /// Whether content of this type may go by these words.
    pub(crate) fn agrees(&self, content: FileType) -> bool {
        [self.by_name, self.by_media_type].into_iter().flatten().all(|said| fits(said, content))
    }
}

/// Whether a file that is said to be of one type may be of another.
fn fits(said: FileType, content: FileType) -> bool {
    use FileType as T;
    match (said, content) {
        _ if said == content => true,
        // Nothing is in it that could be of another type.
        (_, T::Empty) => true,
        // All of them are text to a reader of texts; of programs' languages and logs no more is known.
        (T::Text, _) if content.is_text() => true,
        // What its content alone does not show.
        (T::Csv | T::Yaml, T::Text | T::Json) => true,
        (T::Html | T::Xml, T::Text | T::Html | T::Xml | T::Svg) => true,
        // JSON may be one text or number, JSON lines, or damaged; its reader says so.
        (T::Json, T::Text) => true,
        // What is packed is looked into; the container is what it was said to be.
        (
            T::Zip,
            T::WordDocument
            | T::Spreadsheet
            | T::Presentation
            | T::OpenDocument
            | T::Epub
            | T::Keras
            | T::Torch,
        ) => true,
        // Models by the endings that PyTorch and joblib give them, packed or not.
        (T::Pickle, T::Torch | T::Zlib | T::Gzip | T::Packed) => true,
        // Paths of Python and the language Pkl have these endings too, and texts are read as such.
        (T::Pickle, T::Text) => true,
        // `model.pth.tar` is what many examples of PyTorch save, and `.Z` an older program's ending.
        (T::Tar, T::Torch | T::Pickle) | (T::Zlib, T::Packed | T::Gzip) => true,
        (T::Ole, T::WordDocument | T::Spreadsheet | T::Presentation | T::Rtf) => false,
        _ => false,
    }
}

/// Office files whose ending says that they may hold macros.
fn with_macros(extension: &str) -> Option<FileType> {
    Some(match extension {
        "docm" | "dotm" => FileType::WordDocument,
        "xlsm" | "xltm" | "xlsb" | "xlam" => FileType::Spreadsheet,
        "pptm" | "ppsm" | "potm" | "ppam" => FileType::Presentation,
        _ => return None,
    })
}

fn with_macros_by_media_type(name: &str) -> Option<FileType> {
    Some(match name {
        "application/vnd.ms-word.document.macroenabled.12"
        | "application/vnd.ms-word.template.macroenabled.12" => FileType::WordDocument,
        "application/vnd.ms-excel.sheet.macroenabled.12"
        | "application/vnd.ms-excel.sheet.binary.macroenabled.12" => FileType::Spreadsheet,
        "application/vnd.ms-powerpoint.presentation.macroenabled.12" => FileType::Presentation,
        _ => return None,
    })
}

/// The ending of a name, in lower case.
pub(crate) fn extension(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next()?;
    let (stem, extension) = last.rsplit_once('.')?;
    (!stem.is_empty() && extension.len() <= 12).then(|| extension.trim().to_ascii_lowercase())
}

/// Whether a name holds a character that turns the direction of writing (UAX #9, 2.1 to 2.6).
pub(crate) fn turns(name: &str) -> bool {
    name.chars().any(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_agrees_with_its_content() {
        let agrees = |name, media_type, content| Claim { name, media_type }.read().agrees(content);
        assert!(agrees(Some("a.PNG"), Some("image/png; q=1"), FileType::Png));
        assert!(!agrees(Some("a.png"), Some("image/jpeg"), FileType::Png));
        assert!(!agrees(Some("a.docx"), None, FileType::Zip));
        assert!(agrees(Some("a.zip"), None, FileType::WordDocument));
        assert!(agrees(Some("a.txt"), None, FileType::Html));
        assert!(!agrees(Some("a.csv"), None, FileType::Html));
        assert!(agrees(Some("a.rs"), Some("application/octet-stream"), FileType::Text));
        assert!(!agrees(Some("invoice.pdf.exe"), None, FileType::Pdf));
        assert!(agrees(None, None, FileType::Unknown));
        assert!(agrees(Some("site.pth"), None, FileType::Text));
        assert!(agrees(Some("model.pth.tar"), None, FileType::Torch));
        assert!(agrees(Some("a.Z"), None, FileType::Packed) && !agrees(Some("a.pkl"), None, FileType::Pdf));
        assert!(Claim::named("a.xlsm").read().macros);
        assert_eq!(Claim::named("gpj.\u{202e}exe").name_reason(), Some(Reason::NameDirection));
        assert_eq!(Claim::named("مرحبا.txt").name_reason(), None);
        assert_eq!(extension("a/b.c/README"), None);
    }
}
