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
mod form;
mod guarded;
mod model;
mod named;
mod normal;
mod proof;
mod protocols;
mod repair;
pub mod seeds;
mod stream;
mod text;
mod whole;

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
    Target { name: "long", longest: 1_024, run: text::long },
    Target { name: "policies", longest: 1_024, run: text::policies },
    Target { name: "hosts", longest: 1_024, run: text::hosts },
    Target { name: "custom", longest: 1_024, run: named::custom },
    Target { name: "topics", longest: 1_024, run: named::topics },
    Target { name: "grounding", longest: 2_048, run: whole::grounding },
    Target { name: "answer", longest: 2_048, run: whole::answer },
    Target { name: "redacted", longest: 1_024, run: guarded::redacted },
    Target { name: "abuse", longest: 2_048, run: guarded::abuse },
    Target { name: "sse", longest: 2_048, run: stream::sse },
    Target { name: "stream", longest: 4_096, run: stream::raw },
    Target { name: "deltas", longest: 1_024, run: stream::deltas },
    Target { name: "form", longest: 2_048, run: form::read },
    Target { name: "model", longest: 8_192, run: model::read },
    Target { name: "weights", longest: 4_096, run: content::weights },
    Target { name: "conversation", longest: 2_048, run: guarded::conversation },
    Target { name: "repair", longest: 1_024, run: repair::mended },
    Target { name: "allowed", longest: 1_024, run: named::allowed },
    Target { name: "normal", longest: 4_096, run: normal::changed },
    Target { name: "protocols", longest: 4_096, run: protocols::read },
    Target { name: "coding", longest: 4_096, run: protocols::decoded },
];

/// The target of this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
