//! Whether what an answer says is borne out by the sources that its request gave, and whether it names them rightly.

use cordon_core::{
    Category, Finding, Score, Span,
    json::Object,
    record::{RecordedGrounding, RecordedPassage},
};
use cordon_inspect::{Cited, Grounded, Judged, Sources};

use super::{sources::Given, text::Text};
use crate::{
    authority::Protocol,
    files::Attached,
    inspection::{Inspection, Part, Verdict},
    tree::walk::Path,
};

pub(super) const GROUNDING: Category = Category::known("grounding");
const UNSUPPORTED: Category = Category::known("grounding/unsupported");
const CONTRADICTED: Category = Category::known("grounding/contradicted");
/// How much of an answer is not borne out.
pub(super) const ANSWER: Category = Category::known("grounding/answer");

pub(super) const CITATION: Category = Category::known("citation");
const UNKNOWN: Category = Category::known("citation/unknown");
const CITED_UNSUPPORTED: Category = Category::known("citation/unsupported");
const MISSING: Category = Category::known("citation/missing");

/// How sure it is that a name or number that nothing has is meant to name a source.
const NAMED: Score = Score::percent(95);
/// The same of a link, which may lead anywhere.
const LINKED: Score = Score::percent(60);
/// How sure it is that a sentence needs a citation where citations are asked for.
const NEEDED: Score = Score::percent(80);

/// Bytes of all names of sources that are kept, the first ones first: each citation is compared with all of them.
const MAX_NAMES: usize = 64 << 10;

/// What answers are compared with.
#[derive(Debug)]
pub(super) struct Known {
    sources: Sources,
    places: Vec<Place>,
    /// Whether a source has an address by which a link can name it.
    has_addresses: bool,
    /// Bytes of sources that were not read.
    unread: u64,
    looks: Looks,
}

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Looks {
    pub(super) grounding: bool,
    pub(super) citations: bool,
    /// Whether each claim must name a source.
    pub(super) wanted: bool,
}

/// A text of a source: where it stands, which source it belongs to, and what that may be called, in small letters.
#[derive(Debug)]
struct Place {
    path: Path,
    number: usize,
    names: Vec<String>,
    /// It is a file, of which nothing is known before it was inspected.
    is_file: bool,
}

impl Known {
    /// What this request gives; nothing where it gives no sources.
    pub(super) fn of(request: &Object, protocol: Protocol, looks: Looks) -> Option<Self> {
        let Given { sources, asked, unread, .. } = Given::of(request, protocol);
        let read = Sources::new(sources.iter().map(|source| source.text), asked);
        let unread = u64::try_from(unread.saturating_add(read.unread())).unwrap_or(u64::MAX);
        let mut room = MAX_NAMES;
        let places = sources.into_iter().map(|source| {
            let names = source.names.iter().map(|name| plain(name)).filter(|name| !name.is_empty());
            let names = names.take_while(|name| {
                let fits = name.len() <= room;
                room = room.saturating_sub(name.len());
                fits
            });
            Place {
                path: source.path,
                number: source.number,
                names: names.collect(),
                is_file: source.is_file,
            }
        });
        let places: Vec<Place> = places.collect();
        let has_addresses = places.iter().any(|place| place.names.iter().any(|name| name.contains('/')));
        (!places.is_empty()).then_some(Self { sources: read, places, has_addresses, unread, looks })
    }

    /// Whether files belong to the sources.
    pub(super) fn has_files(&self) -> bool {
        self.places.iter().any(|place| place.is_file)
    }

    /// The same with the texts of its files; nothing where no source has a text.
    pub(super) fn with_files(mut self: Box<Self>, files: &Attached) -> Option<Box<Self>> {
        let before = self.sources.unread();
        for (at, place) in self.places.iter().enumerate().filter(|(_, place)| place.is_file) {
            for (from, text) in files.texts(&place.path.name()) {
                self.sources.extend(at, text, from);
            }
        }
        let unread = self.sources.unread().saturating_sub(before).saturating_add(files.unread());
        self.unread = self.unread.saturating_add(u64::try_from(unread).unwrap_or(u64::MAX));
        (!self.sources.is_empty()).then_some(self)
    }

    /// Judges a text of an answer.
    pub(super) fn judge(&self, text: &Text, inspection: &Inspection, verdict: &mut Verdict) {
        let reading = self.sources.read(text.as_str(), |cited| self.resolve(cited));
        let mut counts = RecordedGrounding {
            sentences_more: u64::try_from(reading.more).unwrap_or(u64::MAX),
            unread: self.unread,
            ..RecordedGrounding::default()
        };
        let mut not_borne_out: u32 = 0;
        for sentence in reading.sentences {
            if let Some(judged) = &sentence.judged {
                counts.sentences = counts.sentences.saturating_add(1);
                let count = match judged.verdict {
                    Grounded::Supported => &mut counts.supported,
                    Grounded::Contradicted => &mut counts.contradicted,
                    Grounded::Unsupported => &mut counts.unsupported,
                };
                *count = count.saturating_add(1);
                if judged.verdict != Grounded::Supported {
                    not_borne_out = not_borne_out.saturating_add(1);
                }
                if self.looks.grounding {
                    self.sentence(text, judged, &mut counts, inspection, verdict);
                }
            }
            if self.looks.citations {
                let add = |category: Category, span: Span, score: Score, verdict: &mut Verdict| {
                    let (path, span) = text.place(span);
                    inspection.unexpected(&finding(category, span, score), &path, verdict);
                };
                for (span, sources) in &sentence.citations {
                    if sources.is_empty() {
                        let is_link = text.as_str().get(span.range()).is_some_and(|said| said.contains("]("));
                        add(UNKNOWN, *span, if is_link { LINKED } else { NAMED }, verdict);
                    }
                }
                match (&sentence.cited, &sentence.judged) {
                    (Some(cited), _) if cited.verdict != Grounded::Supported => {
                        add(CITED_UNSUPPORTED, sentence.span, cited.score, verdict);
                    }
                    (None, Some(_)) if self.looks.wanted && sentence.citations.is_empty() => {
                        add(MISSING, sentence.span, NEEDED, verdict);
                    }
                    _ => {}
                }
            }
        }
        if !self.looks.grounding || counts.sentences == 0 {
            return;
        }
        if not_borne_out > 0 {
            let score = Score::percent(not_borne_out.saturating_mul(100) / counts.sentences.max(1));
            let (path, span) = text.place(Span::new(0, text.as_str().len()));
            inspection.unexpected(&finding(ANSWER, span, score), &path, verdict);
        }
        verdict.grounded(counts);
    }

    /// Records the passage that is nearest to a sentence, and what is found of one that is not borne out.
    fn sentence(
        &self,
        text: &Text,
        judged: &Judged,
        counts: &mut RecordedGrounding,
        inspection: &Inspection,
        verdict: &mut Verdict,
    ) {
        let category = match judged.verdict {
            Grounded::Supported => None,
            Grounded::Unsupported => Some(UNSUPPORTED),
            Grounded::Contradicted => Some(CONTRADICTED),
        };
        let supports = category.is_none();
        let (path, span) = text.place(judged.span);
        if let Some(category) = category {
            inspection.unexpected(&finding(category, span, judged.score), &path, verdict);
        }
        let passage = judged.passage.and_then(|(source, span)| Some((self.places.get(source)?, span)));
        if let Some((source, of_source)) = passage {
            let passage = RecordedPassage {
                part: path.name(),
                start: span.start as u64,
                end: span.end as u64,
                source: source.path.name(),
                source_start: of_source.start as u64,
                source_end: of_source.end as u64,
            };
            counts.add(passage, supports);
        }
    }

    /// The sources that a citation names.
    fn resolve(&self, cited: &Cited) -> Option<Vec<usize>> {
        let with = |is_meant: &dyn Fn(&Place) -> bool| {
            let places = self.places.iter().enumerate().filter(|(_, place)| is_meant(place));
            places.map(|(at, _)| at).collect::<Vec<_>>()
        };
        match cited {
            Cited::Number(number) => {
                let word = number.to_string();
                let named = with(&|place: &Place| place.names.contains(&word));
                let meant = usize::try_from(*number).unwrap_or(usize::MAX);
                // Where sources are called by numbers, those count.
                Some(if named.is_empty() { with(&|place: &Place| place.number == meant) } else { named })
            }
            Cited::Name { name, said } => {
                let name = plain(name);
                let named = with(&|place: &Place| {
                    place
                        .names
                        .iter()
                        .any(|known| *known == name || *said && name.len() > 3 && known.contains(&name))
                });
                (*said || !named.is_empty()).then_some(named)
            }
            Cited::Address(address) => {
                let address = plain(address);
                self.has_addresses.then(|| with(&|place: &Place| place.names.contains(&address)))
            }
        }
    }
}

/// A name as it is compared: in small letters, an address without its scheme, its fragment and the stroke at its end.
fn plain(name: &str) -> String {
    let name = name.trim().to_lowercase();
    let bare = name.strip_prefix("https://").or_else(|| name.strip_prefix("http://"));
    match bare {
        Some(address) => {
            let address = address.split('#').next().unwrap_or(address);
            address.strip_prefix("www.").unwrap_or(address).trim_end_matches('/').to_owned()
        }
        None => name,
    }
}

fn finding(category: Category, span: Span, score: Score) -> Finding {
    Finding {
        detector: if CITATION.covers(&category) { "citation" } else { "grounding" },
        category,
        span,
        score,
        detector_version: 1,
        continues: false,
        listed: cordon_core::Listed::NONE,
    }
}
