use crate::bytes::{be32, find, head, le32, slice, starts_with_word, tail};

macro_rules! types {
    ($($(#[$doc:meta])* $name:ident = $word:literal, [$($media:literal),*], [$($extension:literal),*];)+) => {
        /// What a file is by its content.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FileType {
            $($(#[$doc])* $name,)+
        }

        impl FileType {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Its word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// Media types by which it goes.
            pub(crate) const fn media_types(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($media),*],)+ }
            }

            /// Endings of its names.
            pub(crate) const fn extensions(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($extension),*],)+ }
            }
        }
    };
}

types! {
    /// Sound or moving pictures.
    AudioVideo = "audio_video",
        ["audio/mpeg", "audio/wav", "audio/x-wav", "audio/ogg", "audio/flac", "audio/mp4", "audio/webm", "video/mp4",
         "video/webm", "video/quicktime", "video/x-matroska", "video/x-msvideo"],
        ["mp3", "wav", "ogg", "oga", "opus", "flac", "m4a", "mp4", "m4v", "mov", "webm", "mkv", "avi"];
    /// Windows bitmap.
    Bmp = "bmp", ["image/bmp", "image/x-ms-bmp"], ["bmp", "dib"];
    /// Comma-separated values, or other separators.
    Csv = "csv", ["text/csv", "application/csv", "text/tab-separated-values"], ["csv", "tsv"];
    /// Nothing.
    Empty = "empty", [], [];
    /// EPUB.
    Epub = "epub", ["application/epub+zip"], ["epub"];
    /// A program: PE, ELF, Mach-O, class files, WebAssembly, installers.
    Executable = "executable",
        ["application/x-msdownload", "application/x-executable", "application/vnd.microsoft.portable-executable",
         "application/java-archive", "application/wasm"],
        ["exe", "dll", "com", "scr", "sys", "so", "dylib", "class", "jar", "apk", "msi", "wasm", "elf"];
    /// GIF.
    Gif = "gif", ["image/gif"], ["gif"];
    /// Gzip.
    Gzip = "gzip", ["application/gzip", "application/x-gzip"], ["gz", "tgz", "svgz"];
    /// A model of ggml.
    Gguf = "gguf", [], ["gguf"];
    /// HDF5: how Keras and others keep weights. Only its sign is read.
    Hdf5 = "hdf5", ["application/x-hdf5", "application/x-hdf"], ["h5", "hdf5"];
    /// HTML.
    Html = "html", ["text/html", "application/xhtml+xml"], ["html", "htm", "xhtml"];
    /// JPEG.
    Jpeg = "jpeg", ["image/jpeg", "image/jpg", "image/pjpeg"], ["jpg", "jpeg", "jpe", "jfif"];
    /// JSON.
    Json = "json", ["application/json", "text/json", "application/ld+json", "application/geo+json"], ["json", "geojson", "ipynb"];
    /// A model of Keras: ZIP.
    Keras = "keras", [], ["keras"];
    /// An array of NumPy.
    Npy = "npy", [], ["npy"];
    /// A model of ONNX.
    Onnx = "onnx", [], ["onnx"];
    /// OpenDocument.
    OpenDocument = "open_document",
        ["application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.spreadsheet",
         "application/vnd.oasis.opendocument.presentation", "application/vnd.oasis.opendocument.graphics"],
        ["odt", "ods", "odp", "odg", "ott", "ots", "otp"];
    /// Office of before 2007, and what keeps its container.
    Ole = "ole",
        ["application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint", "application/vnd.ms-outlook",
         "application/x-ole-storage"],
        ["doc", "dot", "xls", "xlt", "ppt", "pps", "pot", "msg"];
    /// Other packed files: 7z, RAR, xz, bzip2, Zstandard, cabinets.
    Packed = "packed",
        ["application/x-7z-compressed", "application/vnd.rar", "application/x-rar-compressed", "application/x-xz",
         "application/x-bzip2", "application/zstd", "application/vnd.ms-cab-compressed"],
        ["7z", "rar", "xz", "bz2", "zst", "cab", "lz4", "txz", "tbz2"];
    /// PDF.
    Pdf = "pdf", ["application/pdf", "application/x-pdf"], ["pdf"];
    /// Pickle: objects of Python.
    Pickle = "pickle", [], ["pkl", "pickle", "pt", "pth", "joblib", "dill"];
    /// PNG.
    Png = "png", ["image/png", "image/apng"], ["png", "apng"];
    /// Office Open XML presentation.
    Presentation = "presentation",
        ["application/vnd.openxmlformats-officedocument.presentationml.presentation"], ["pptx", "ppsx", "potx"];
    /// Rich Text Format.
    Rtf = "rtf", ["application/rtf", "text/rtf"], ["rtf"];
    /// Tensors, and nothing else.
    Safetensors = "safetensors", [], ["safetensors"];
    /// Office Open XML workbook.
    Spreadsheet = "spreadsheet",
        ["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"], ["xlsx", "xltx"];
    /// SVG.
    Svg = "svg", ["image/svg+xml"], ["svg"];
    /// Tape archive.
    Tar = "tar", ["application/x-tar"], ["tar"];
    /// Any other text.
    Text = "text", ["text/plain", "text/markdown", "text/x-markdown"], ["txt", "md", "log", "text"];
    /// TIFF, HEIF, AVIF, JPEG 2000, icons: images that are not looked into.
    OtherImage = "other_image",
        ["image/tiff", "image/heic", "image/heif", "image/avif", "image/jp2", "image/x-icon", "image/vnd.microsoft.icon"],
        ["tif", "tiff", "heic", "heif", "avif", "jp2", "ico"];
    /// A model of PyTorch: ZIP with a pickle.
    Torch = "torch", [], [];
    /// None that is known.
    Unknown = "unknown", [], [];
    /// WebP.
    Webp = "webp", ["image/webp"], ["webp"];
    /// Office Open XML document.
    WordDocument = "word_document",
        ["application/vnd.openxmlformats-officedocument.wordprocessingml.document"], ["docx", "dotx"];
    /// XML.
    Xml = "xml", ["application/xml", "text/xml", "application/rss+xml", "application/atom+xml"], ["xml", "xsd", "rss", "atom"];
    /// YAML.
    Yaml = "yaml", ["application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"], ["yaml", "yml"];
    /// ZIP that is nothing more.
    Zip = "zip", ["application/zip", "application/x-zip-compressed"], ["zip", "npz"];
    /// A stream of zlib.
    Zlib = "zlib", ["application/zlib"], ["z", "zlib"];
}

impl std::fmt::Display for FileType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl FileType {
    /// The type by the first bytes of a file: of documents that are archives, the archive's.
    pub fn of(begin: &[u8]) -> Self {
        of(begin)
    }

    /// Whether it is text that people write and read; which, only its name can tell.
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Csv | Self::Html | Self::Json | Self::Svg | Self::Text | Self::Xml | Self::Yaml)
    }

    /// Whether it is a picture of pixels.
    pub const fn is_image(self) -> bool {
        matches!(self, Self::Bmp | Self::Gif | Self::Jpeg | Self::Png | Self::Webp | Self::OtherImage)
    }

    /// The type of a media type's name, without parameters and in lower case.
    pub(crate) fn of_media_type(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|file_type| file_type.media_types().contains(&name))
    }

    /// The type of a name's ending, in lower case.
    pub(crate) fn of_extension(extension: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|file_type| file_type.extensions().contains(&extension))
    }
}

/// Bytes that are looked at for text.
const LOOK: usize = 4096;

/// The type by the first bytes: of archives that hold documents the archive.
pub(crate) fn of(bytes: &[u8]) -> FileType {
    match binary(bytes) {
        Some(file_type) => file_type,
        None => textual(bytes),
    }
}

/// The type of a file that begins with a known sign.
pub(crate) fn binary(bytes: &[u8]) -> Option<FileType> {
    use FileType as T;
    const SIGNS: &[(&[u8], T)] = &[
        (b"%PDF-", T::Pdf),
        (b"\x89PNG\r\n\x1a\n", T::Png),
        (b"\xff\xd8\xff", T::Jpeg),
        (b"GIF87a", T::Gif),
        (b"GIF89a", T::Gif),
        (b"PK\x03\x04", T::Zip),
        (b"PK\x05\x06", T::Zip),
        (b"\x1f\x8b", T::Gzip),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", T::Ole),
        (b"{\\rtf", T::Rtf),
        (b"7z\xbc\xaf\x27\x1c", T::Packed),
        (b"Rar!\x1a\x07", T::Packed),
        (b"\xfd7zXZ\0", T::Packed),
        (b"BZh", T::Packed),
        (b"\x28\xb5\x2f\xfd", T::Packed),
        (b"\x1f\x9d", T::Packed),
        (b"MSCF", T::Packed),
        (b"\x04\x22\x4d\x18", T::Packed),
        (b"\x7fELF", T::Executable),
        (b"\xfe\xed\xfa\xce", T::Executable),
        (b"\xfe\xed\xfa\xcf", T::Executable),
        (b"\xce\xfa\xed\xfe", T::Executable),
        (b"\xcf\xfa\xed\xfe", T::Executable),
        (b"\xca\xfe\xba\xbe", T::Executable),
        (b"\0asm", T::Executable),
        (b"ID3", T::AudioVideo),
        (b"OggS", T::AudioVideo),
        (b"fLaC", T::AudioVideo),
        (b"\x1a\x45\xdf\xa3", T::AudioVideo),
        (b"\x93NUMPY", T::Npy),
        (b"\x89HDF\r\n\x1a\n", T::Hdf5),
        (b"II*\0", T::OtherImage),
        (b"MM\0*", T::OtherImage),
        (b"\0\0\x01\0", T::OtherImage),
        (b"\0\0\0\x0cjP  ", T::OtherImage),
    ];
    if bytes.is_empty() {
        return Some(T::Empty);
    }
    // No other sign has these two bytes, and those that stand further in may stand in a text of a pickle.
    if crate::model::pickle::is_signed(bytes) {
        return Some(T::Pickle);
    }
    if let Some((_, file_type)) = SIGNS.iter().find(|(sign, _)| bytes.starts_with(sign)) {
        return Some(*file_type);
    }
    // Its sign is a word of people too; the version behind it is not.
    let version = le32(bytes, 4).into_iter().chain(be32(bytes, 4)).any(|version| matches!(version, 1..=3));
    if bytes.starts_with(b"GGUF") && (version || !is_text(bytes)) {
        return Some(T::Gguf);
    }
    match slice(bytes, 8, 4) {
        Some(b"WEBP") if bytes.starts_with(b"RIFF") => return Some(T::Webp),
        Some(b"WAVE" | b"AVI ") if bytes.starts_with(b"RIFF") => return Some(T::AudioVideo),
        Some(b"heic" | b"heix" | b"mif1" | b"msf1" | b"avif" | b"avis")
            if slice(bytes, 4, 4) == Some(b"ftyp") =>
        {
            return Some(T::OtherImage);
        }
        Some(_) if slice(bytes, 4, 4) == Some(b"ftyp") => return Some(T::AudioVideo),
        _ => {}
    }
    if crate::model::zlib::begins(bytes) && !is_text(bytes) {
        return Some(T::Zlib);
    }
    // A program for Windows: `MZ`, and where that points to, `PE`.
    let pe = le32(bytes, 0x3c).and_then(|at| slice(bytes, crate::bytes::index(at), 4));
    if bytes.starts_with(b"MZ") && (pe == Some(b"PE\0\0") || !is_text(bytes)) {
        return Some(T::Executable);
    }
    // `BM`, and a header of one of the known lengths.
    let header = slice(bytes, 14, 4).and_then(|_| le32(bytes, 14));
    if bytes.starts_with(b"BM") && matches!(header, Some(12 | 16 | 40 | 52 | 56 | 64 | 108 | 124)) {
        return Some(T::Bmp);
    }
    if slice(bytes, 257, 5) == Some(b"ustar") {
        return Some(T::Tar);
    }
    // MPEG audio: eleven bits of one, and no reserved version, layer, rate.
    if let Some(frame) = be32(bytes, 0) {
        let (version, layer, rate, samples) =
            (frame >> 19 & 3, frame >> 17 & 3, frame >> 12 & 15, frame >> 10 & 3);
        if frame >> 21 == 0x7ff
            && version != 1
            && matches!(layer, 1 | 2)
            && rate != 15
            && rate != 0
            && samples != 3
        {
            return Some(T::AudioVideo);
        }
    }
    None
}

/// The type of what begins with no known sign.
fn textual(bytes: &[u8]) -> FileType {
    // PDF readers look for the sign in the first 1,024 bytes.
    if let Some(at) = find(head(bytes, 1024), 0, b"%PDF-")
        && find(bytes, at, b" obj").is_some()
    {
        return FileType::Pdf;
    }
    if !is_text(bytes) {
        return FileType::Unknown;
    }
    let text = crate::text::decode(head(bytes, LOOK)).text;
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).as_bytes();
    if text.starts_with(b"<") {
        return markup(text);
    }
    match text.first() {
        Some(b'{' | b'[') if crate::text::looks_like_json(text) => FileType::Json,
        _ => FileType::Text,
    }
}

/// Which language of elements a text is in.
fn markup(text: &[u8]) -> FileType {
    let mut rest = text;
    // Declarations and comments come first, and the root's name says the rest.
    loop {
        rest = rest.trim_ascii_start();
        let end: &[u8] = if rest.starts_with(b"<!--") {
            b"-->"
        } else if starts_with_word(rest, "<!doctype html") {
            return FileType::Html;
        } else if starts_with_word(rest, "<!doctype svg") {
            return FileType::Svg;
        } else if rest.starts_with(b"<?xml") || rest.starts_with(b"<!DOCTYPE") {
            b">"
        } else {
            break;
        };
        match find(rest, 0, end) {
            Some(at) => rest = tail(rest, at + end.len()),
            None => break,
        }
    }
    let name = tail(rest, 1);
    let ends = |at: usize| name.get(at).is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'-');
    let is = |word: &str| starts_with_word(name, word) && ends(word.len());
    const ELEMENTS: [&str; 20] = [
        "html", "head", "body", "script", "div", "p", "span", "a", "table", "h1", "h2", "title", "style",
        "meta", "iframe", "img", "ul", "center", "form", "link",
    ];
    let declared = text.starts_with(b"<?xml");
    if is("svg") || declared && find(head(text, 1024), 0, b"<svg").is_some() {
        FileType::Svg
    } else if is("html") || !declared && ELEMENTS.into_iter().any(is) {
        FileType::Html
    } else if declared {
        FileType::Xml
    } else {
        FileType::Text
    }
}

/// Whether the beginning is text: UTF-16 with its mark, or no NUL and few control characters.
fn is_text(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return true;
    }
    let start = head(bytes, LOOK);
    let control = start.iter().filter(|b| matches!(b, 1..=8 | 14..=26 | 28..=31 | 127)).count();
    !start.contains(&0) && control * 50 <= start.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_one_type_each() {
        let mut names = std::collections::BTreeSet::new();
        for file_type in FileType::ALL {
            for name in file_type.media_types().iter().chain(file_type.extensions()) {
                assert!(names.insert(*name), "{name} stands twice");
            }
        }
    }

    #[test]
    fn the_first_bytes_say_what_it_is() {
        for (bytes, expected) in [
            (&b""[..], FileType::Empty),
            (b"hello", FileType::Text),
            (b"\x00\x01\x02\x03", FileType::Unknown),
            (b"<!DOCTYPE html><p>x", FileType::Html),
            (b"<?xml version='1.0'?><!-- a --><svg xmlns='x'/>", FileType::Svg),
            (b"<?xml version='1.0'?><feed/>", FileType::Xml),
            (b"<pre-amble> is no HTML", FileType::Text),
            (b"{\"a\": 1}", FileType::Json),
            (b"[link](x) in Markdown", FileType::Text),
            (b"\xff\xfeh\0i\0", FileType::Text),
            (b"GGUF models for llama.cpp are read by it", FileType::Text),
            (b"GGUF\0\0\0\x03", FileType::Gguf),
            (b"BM is how this text begins, and more of it", FileType::Text),
        ] {
            assert_eq!(of(bytes), expected, "{}", bytes.escape_ascii());
        }
    }
}
