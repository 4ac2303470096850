//! How a text is written before it is cut into pieces.

use unicode_normalization::char::{
    canonical_combining_class, compose, decompose_canonical, decompose_compatible,
};

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
        one: char,
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
    /// The text after this step; nothing where that is more than `most` characters.
    pub(super) fn apply(&self, written: Vec<Written>, most: usize) -> Option<Vec<Written>> {
        let written = match self {
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
                    written = without_accents(Composed::Nfd.apply(&written, most)?);
                }
                if *lowercase { lowercased(&written) } else { written }
            }
            Self::Charsmap(map) => map.apply(&written, most)?,
            Self::Composed(form) => form.apply(&written, most)?,
            Self::Lowercase => lowercased(&written),
            Self::Spaces { one, lines } => {
                let is_space = |c: char| c == ' ' || *lines && c.is_whitespace();
                let mut out = Vec::with_capacity(written.len());
                for run in written.chunk_by(|(a, _), (b, _)| is_space(*a) && is_space(*b)) {
                    match run {
                        [(_, start), _, ..] => out.push((*one, *start)),
                        [('\n' | '\r' | '\t', start)] if *lines => out.push((*one, *start)),
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
        };
        (written.len() <= most).then_some(written)
    }
}

impl Composed {
    /// The same text in this form, as a whole; nothing where it is more than `most` characters. A character begins where the
    /// first of those does that it was made of.
    fn apply(self, written: &[Written], most: usize) -> Option<Vec<Written>> {
        let mut apart = Vec::with_capacity(written.len());
        for (c, start) in written {
            let emit = |c| apart.push((c, *start));
            match self {
                Self::Nfc | Self::Nfd => decompose_canonical(*c, emit),
                Self::Nfkc | Self::Nfkd => decompose_compatible(*c, emit),
            }
            if apart.len() > most {
                return None;
            }
        }
        // Marks that follow each other stand in the order of their classes; places stay in the order of the text.
        let class = |c: char| canonical_combining_class(c);
        for run in apart.chunk_by_mut(|(a, _), (b, _)| class(*a) != 0 && class(*b) != 0) {
            if !run.is_sorted_by_key(|(c, _)| class(*c)) {
                let starts: Vec<u32> = run.iter().map(|(_, start)| *start).collect();
                run.sort_by_key(|(c, _)| class(*c));
                run.iter_mut().zip(starts).for_each(|((_, start), own)| *start = own);
            }
        }
        match self {
            Self::Nfd | Self::Nfkd => Some(apart),
            Self::Nfc | Self::Nfkc => Some(composed(&apart)),
        }
    }
}

/// The canonical composition of a text whose marks are in order: The Unicode Standard, 3.11, D117.
fn composed(apart: &[Written]) -> Vec<Written> {
    let mut out: Vec<Written> = Vec::with_capacity(apart.len());
    // Where the last character is that others may be put to, and the class of the last one that was not put to it.
    let (mut starter, mut last): (Option<usize>, Option<u8>) = (None, None);
    for (c, start) in apart.iter().copied() {
        let class = canonical_combining_class(c);
        let free = last.is_none_or(|last| last < class);
        if free
            && let Some((base, _)) = starter.and_then(|at| out.get_mut(at))
            && let Some(one) = compose(*base, c)
        {
            *base = one;
            continue;
        }
        if class == 0 {
            (starter, last) = (Some(out.len()), None);
        } else {
            last = Some(class);
        }
        out.push((c, start));
    }
    out
}

fn without_accents(mut written: Vec<Written>) -> Vec<Written> {
    written.retain(|(c, _)| !class::is_nonspacing(*c));
    written
}

fn lowercased(written: &[Written]) -> Vec<Written> {
    written.iter().flat_map(|(c, start)| c.to_lowercase().map(|c| (c, *start))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization as _;

    use super::*;

    fn forms(text: &str) -> [(Composed, String); 4] {
        [
            (Composed::Nfc, text.nfc().collect()),
            (Composed::Nfd, text.nfd().collect()),
            (Composed::Nfkc, text.nfkc().collect()),
            (Composed::Nfkd, text.nfkd().collect()),
        ]
    }

    fn agrees(text: &str) {
        let written: Vec<Written> = text.chars().zip(0..).collect();
        for (form, expected) in forms(text) {
            let ours = form.apply(&written, usize::MAX).unwrap();
            assert_eq!(ours.iter().map(|(c, _)| *c).collect::<String>(), expected, "{form:?} of {text:?}");
            assert!(ours.is_sorted_by_key(|(_, start)| *start), "{form:?} of {text:?}: {ours:?}");
        }
    }

    /// Letters of Hangul that are written apart compose over the bounds of groups.
    #[test]
    fn a_text_is_composed_as_a_whole() {
        for text in [
            "\u{3131}\u{314f}",
            "\u{1100}\u{1161}\u{11a8}",
            "e\u{301}\u{327}",
            "\u{344}a\u{315}\u{300}",
            "\u{0dd9}\u{0dcf}\u{0dca}",
        ] {
            agrees(text);
        }
    }

    #[test]
    fn what_is_written_is_bounded() {
        let written: Vec<Written> = [('\u{fdfa}', 0); 4].to_vec();
        let form = Normalizer::Composed(Composed::Nfkd);
        assert_eq!(form.apply(written.clone(), 72).unwrap().len(), 72);
        assert!(form.apply(written, 71).is_none());
        let ideographs = Normalizer::Bert { clean: true, ideographs: true, accents: true, lowercase: true };
        assert!(ideographs.apply(vec![('漢', 0); 3], 8).is_none());
    }

    #[test]
    fn no_character_becomes_more_than_there_is_room_for() {
        for c in '\0'..=char::MAX {
            let most = c.len_utf8() * super::super::MAX_WRITTEN;
            assert!(Composed::Nfkd.apply(&[(c, 0)], most).is_some(), "{c:?}");
        }
    }

    proptest! {
        #[test]
        fn forms_are_those_of_the_standard(text in "\\PC{0,24}|[ea\u{300}\u{301}\u{315}\u{327}\u{334}\u{345}\u{3131}-\u{318e}\u{1100}\u{1161}\u{11a8}가각]{0,24}") {
            agrees(&text);
        }
    }
}
