//! Hostile bytes for every reader of content: what each is asked, and the laws that must hold whatever the answer is.
//!
//! A [`Target`] takes any bytes and panics where a law is broken. The corpora in `corpus/` are what searches found that reaches
//! something new, minimised, and what went wrong once; the test `replay` runs all of it, so every run of the tests does.
//! `cargo xtask fuzz TARGET` searches for more with libFuzzer.
//!
//! **Never here:** the network, files, and anything that a product links.
//!
//! ```
//! let json = cordon_fuzz::target("json").unwrap();
//! (json.run)(br#"{"a": [1, 2"#);
//! ```

mod content;
pub mod corpus;
mod proof;
mod text;

/// A reader of hostile bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name on the command line, and of its corpus.
    pub name: &'static str,
    /// The longest input that a search makes, in bytes.
    pub longest: usize,
    /// Reads these bytes, and panics where a law is broken.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "text", longest: 2_048, run: text::scanned },
    Target { name: "disguised", longest: 512, run: text::disguised },
    Target { name: "names", longest: 1_024, run: text::named },
    Target { name: "leak", longest: 2_048, run: text::leaked },
    Target { name: "pdf", longest: 8_192, run: content::pdf },
    Target { name: "archive", longest: 8_192, run: content::archive },
    Target { name: "office", longest: 8_192, run: content::office },
    Target { name: "compound", longest: 16_384, run: content::compound },
    Target { name: "rtf", longest: 2_048, run: content::rtf },
    Target { name: "markup", longest: 2_048, run: content::markup },
    Target { name: "image", longest: 4_096, run: content::image },
    Target { name: "data", longest: 2_048, run: content::data },
    Target { name: "json", longest: 2_048, run: content::json },
    Target { name: "schema", longest: 2_048, run: content::schema },
    Target { name: "proof", longest: 2_048, run: proof::read },
];

/// The target of this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
