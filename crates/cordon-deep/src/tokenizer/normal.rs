//! How a text is written before it is cut into pieces.

use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

use super::{Written, charsmap::Charsmap, class};

/// One step.
#[derive(Debug)]
pub(super) enum Normalizer {
    Bert {
        clean: bool,
        ideographs: bool,
        accents: bool,
        lowercase: bool,
    },
    Charsmap(Charsmap),
    Composed(Composed),
    Lowercase,
    /// Two spaces and more become one; with `lines` all white space does, and the end of a line even where it stands alone.
    Spaces {
        one: String,
        lines: bool,
    },
    Strip {
        left: bool,
        right: bool,
    },
    StripAccents,
}

/// Unicode's normal forms.
#[derive(Clone, Copy, Debug)]
pub(super) enum Composed {
    Nfc,
    Nfd,
    Nfkc,
    Nfkd,
}

impl Normalizer {
    pub(super) fn apply(&self, written: Vec<Written>) -> Vec<Written> {
        match self {
            Self::Bert { clean, ideographs, accents, lowercase } => {
                let mut written = written;
                if *clean {
                    written.retain(|(c, _)| !(*c == '\0' || *c == '\u{fffd}' || class::is_other(*c)));
                    for (c, _) in &mut written {
                        if c.is_whitespace() {
                            *c = ' ';
                        }
                    }
                }
                if *ideographs {
                    let spaced = |(c, start): Written| {
                        let space = class::is_ideograph(c).then_some((' ', start));
                        space.into_iter().chain([(c, start)]).chain(space)
                    };
                    written = written.into_iter().flat_map(spaced).collect();
                }
                if *accents {
                    written = without_accents(Composed::Nfd.apply(&written));
                }
                if *lowercase { lowercased(&written) } else { written }
            }
            Self::Charsmap(map) => map.apply(&written),
            Self::Composed(form) => form.apply(&written),
            Self::Lowercase => lowercased(&written),
            Self::Spaces { one, lines } => {
                let is_space = |c: char| c == ' ' || *lines && c.is_whitespace();
                let mut out = Vec::with_capacity(written.len());
                for run in written.chunk_by(|(a, _), (b, _)| is_space(*a) && is_space(*b)) {
                    match run {
                        [(_, start), _, ..] => out.extend(one.chars().map(|c| (c, *start))),
                        [('\n' | '\r' | '\t', start)] if *lines => {
                            out.extend(one.chars().map(|c| (c, *start)));
                        }
                        _ => out.extend(run),
                    }
                }
                out
            }
            Self::Strip { left, right } => {
                let mut kept = written.as_slice();
                while let [(c, _), rest @ ..] = kept
                    && *left
                    && c.is_whitespace()
                {
                    kept = rest;
                }
                while let [rest @ .., (c, _)] = kept
                    && *right
                    && c.is_whitespace()
                {
                    kept = rest;
                }
                kept.to_vec()
            }
            Self::StripAccents => without_accents(written),
        }
    }
}

impl Composed {
    /// The same text in this form. Characters of one group are composed with each other and with no others.
    fn apply(self, written: &[Written]) -> Vec<Written> {
        let text: String = written.iter().map(|(c, _)| *c).collect();
        let mut rest = written;
        let mut out = Vec::with_capacity(written.len());
        for group in text.graphemes(true) {
            let (own, behind) = rest.split_at_checked(group.chars().count()).unwrap_or((rest, &[]));
            rest = behind;
            let start = own.first().map_or(0, |(_, start)| *start);
            let mut add = |c: char| out.push((c, start));
            match self {
                Self::Nfc => group.nfc().for_each(&mut add),
                Self::Nfd => group.nfd().for_each(&mut add),
                Self::Nfkc => group.nfkc().for_each(&mut add),
                Self::Nfkd => group.nfkd().for_each(&mut add),
            }
        }
        out
    }
}

fn without_accents(mut written: Vec<Written>) -> Vec<Written> {
    written.retain(|(c, _)| !class::is_nonspacing(*c));
    written
}

fn lowercased(written: &[Written]) -> Vec<Written> {
    written.iter().flat_map(|(c, start)| c.to_lowercase().map(|c| (c, *start))).collect()
}
