use serde::{Deserialize, Serialize};

/// The types that files can be of, by the words that inspection has for them.
pub const FILE_TYPES: &[&str] = &[
    "audio_video",
    "bmp",
    "csv",
    "empty",
    "epub",
    "executable",
    "gguf",
    "gif",
    "gzip",
    "hdf5",
    "html",
    "jpeg",
    "json",
    "keras",
    "npy",
    "ole",
    "onnx",
    "open_document",
    "other_image",
    "packed",
    "pdf",
    "pickle",
    "png",
    "presentation",
    "rtf",
    "safetensors",
    "spreadsheet",
    "svg",
    "tar",
    "text",
    "torch",
    "unknown",
    "webp",
    "word_document",
    "xml",
    "yaml",
    "zip",
    "zlib",
];

/// The most types, columns and numbers of channels that are listed.
const MAX_LISTED: usize = 256;
/// The longest name of a column, in bytes.
const MAX_COLUMN: usize = 256;

/// What pictures must be, by their headers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PictureRules {
    /// Fewest pixels across.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_width: Option<u32>,
    /// Most pixels across.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_width: Option<u32>,
    /// Fewest pixels down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_height: Option<u32>,
    /// Most pixels down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_height: Option<u32>,
    /// Most frames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_frames: Option<u32>,
    /// Which numbers of channels: 1 is grey, 2 grey with transparency, 3 colour or a palette, 4 colour with transparency or ink. Empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<u8>,
}

/// What tables must be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TableRules {
    /// The names in the first row, all of them and in this order. Empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Most rows, without the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rows: Option<u64>,
}

/// What the files of a route must be. One that is not is refused, whatever guards say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteFiles {
    /// The types that are taken, by content: `pdf`, `csv`, `png` and so on. Empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// Most bytes of one file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// What pictures must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<PictureRules>,
    /// What tables of comma-separated values must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csv: Option<TableRules>,
}

impl RouteFiles {
    /// What is wrong with it, each with its path below the spec.
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut wrong = |path: String, message: &str| found.push((path, message.to_owned()));
        if *self == Self::default() {
            wrong(
                "files".to_owned(),
                "nothing is said of them; help: add `types`, `max_bytes`, `image` or `csv`, or leave it out",
            );
        }
        for (at, word) in self.types.iter().enumerate() {
            if !FILE_TYPES.contains(&word.as_str()) {
                wrong(format!("files/types/{at}"), "no type has this word; help: docs/files.md lists them");
            }
        }
        if self.types.len() > MAX_LISTED {
            wrong("files/types".to_owned(), "at most 256 are expected");
        }
        if self.max_bytes == Some(0) {
            wrong("files/max_bytes".to_owned(), "must be above 0");
        }
        if let Some(image) = &self.image {
            for (path, least, most) in
                [("width", image.min_width, image.max_width), ("height", image.min_height, image.max_height)]
            {
                if most == Some(0) || least.zip(most).is_some_and(|(least, most)| least > most) {
                    wrong(format!("files/image/max_{path}"), "must be above 0, and not below the least");
                }
            }
            if image.max_frames == Some(0) {
                wrong("files/image/max_frames".to_owned(), "must be above 0");
            }
            if !image.channels.iter().all(|count| (1..=4).contains(count)) {
                wrong("files/image/channels".to_owned(), "1 to 4 are expected");
            }
        }
        let is_long = |csv: &TableRules| {
            csv.columns.len() > MAX_LISTED || csv.columns.iter().any(|name| name.len() > MAX_COLUMN)
        };
        if self.csv.as_ref().is_some_and(is_long) {
            wrong("files/csv/columns".to_owned(), "at most 256 names of at most 256 bytes are expected");
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_file_could_be_is_a_problem() {
        let paths = |rules: &str| -> Vec<String> {
            let rules: RouteFiles = serde_json::from_str(rules).unwrap();
            rules.problems().into_iter().map(|(path, _)| path).collect()
        };
        for (rules, expected) in [
            ("{}", "files"),
            (r#"{"types": ["csv", "PDF"]}"#, "files/types/1"),
            (r#"{"max_bytes": 0}"#, "files/max_bytes"),
            (r#"{"image": {"min_width": 9, "max_width": 8}}"#, "files/image/max_width"),
            (r#"{"image": {"max_height": 0}}"#, "files/image/max_height"),
            (r#"{"image": {"max_frames": 0}}"#, "files/image/max_frames"),
            (r#"{"image": {"channels": [5]}}"#, "files/image/channels"),
        ] {
            assert_eq!(paths(rules), [expected], "{rules}");
        }
        let long = format!(r#"{{"csv": {{"columns": ["{}"]}}}}"#, "x".repeat(MAX_COLUMN + 1));
        assert_eq!(paths(&long), ["files/csv/columns"]);
        let good = r#"{"types": ["csv"], "max_bytes": 1, "image": {"min_width": 8, "max_width": 8}, "csv": {"columns": ["a"]}}"#;
        assert!(paths(good).is_empty());
        assert!(FILE_TYPES.is_sorted());
    }
}
