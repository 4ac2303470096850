//! Labelled texts, and texts in which nothing is labelled.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use cordon_core::Category;
use cordon_inspect::Engine;
use cordon_inspect::names::training::{self, Word};
use serde_json::Value;

use crate::Random;
use crate::crf::Stretch;
use crate::generate::Made;
use crate::support::{Label, Row};

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Person,
    Organisation,
    Place,
    Address,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Person, Self::Organisation, Self::Place, Self::Address];

    pub fn of(label: &str) -> Option<Self> {
        match label {
            "PERSON" => Some(Self::Person),
            "ORGANIZATION" => Some(Self::Organisation),
            "LOCATION" | "GPE" => Some(Self::Place),
            "ADDRESS" | "STREET_ADDRESS" => Some(Self::Address),
            _ => None,
        }
    }

    pub fn category(self) -> Category {
        training::categories()[self as usize].clone()
    }
}

/// A text, and bytes `start..end` of it that are of a kind.
#[derive(Clone, Default)]
pub struct Text {
    pub text: String,
    pub spans: Vec<(usize, usize, Kind)>,
}

impl Text {
    /// Of some pieces, those of a kind labelled.
    pub fn of(pieces: &[(String, Option<Kind>)]) -> Self {
        let mut made = Self::default();
        for (piece, kind) in pieces {
            let start = made.text.len();
            made.text.push_str(piece);
            let end = start + piece.trim_end().len();
            made.spans.extend(kind.filter(|_| end > start).map(|kind| (start, end, kind)));
        }
        made
    }
}

/// A labelled row as the tagger should see it: pieces of one name joined, towns in an address places. With other values
/// where `changed` says so.
pub fn text(row: &Row, made: &Made, changed: impl Fn(Kind, &str) -> bool, random: &mut Random) -> Text {
    let mut pieces: Vec<(String, Option<Kind>)> = Vec::new();
    let mut from = 0;
    for span in &row.spans {
        let Some(kind) = Kind::of(&span.kind).filter(|_| span.start >= from) else { continue };
        pieces.push((row.text[from..span.start].to_owned(), None));
        from = span.end;
        let value = &row.text[span.start..span.end];
        if value.ends_with('.') && value.len() <= 5 && !value.contains(' ') {
            // A title is no name.
            pieces.push((value.to_owned(), None));
            continue;
        }
        if !changed(kind, value) || kind == Kind::Address {
            if kind == Kind::Address {
                address(value, &mut pieces);
            } else {
                pieces.push((value.to_owned(), Some(kind)));
            }
            continue;
        }
        let other = match kind {
            Kind::Person if value.contains(' ') => made.any_person(random),
            Kind::Person => {
                if random.below(3) == 0 {
                    made.family(random)
                } else {
                    made.given(random)
                }
            }
            Kind::Organisation => made.organisation(random),
            _ => made.place(random),
        };
        let other = if value.to_lowercase() == value { other.to_lowercase() } else { other };
        pieces.push((other, Some(kind)));
    }
    pieces.push((row.text[from..].to_owned(), None));
    // What is one name in two labels is one name: a given and a family name, a house and a street.
    let mut joined: Vec<(String, Option<Kind>)> = Vec::new();
    for piece in pieces.into_iter().filter(|(text, _)| !text.is_empty()) {
        if let [.., before, gap] = joined.as_slice()
            && gap.1.is_none()
            && gap.0 == " "
            && before.1.is_some()
            && before.1 == piece.1
            && matches!(piece.1, Some(Kind::Person | Kind::Address))
        {
            joined.pop();
            let before = joined.last_mut().expect("the piece before");
            before.0 = format!("{} {}", before.0, piece.0);
        } else {
            joined.push(piece);
        }
    }
    // A number by itself is no address.
    let is_near = |at: Option<usize>, gap: Option<usize>| {
        let of = |at: Option<usize>| at.and_then(|at| joined.get(at));
        let is_gap = of(gap).is_some_and(|(text, kind)| {
            kind.is_none() && text.chars().all(|c| c.is_whitespace() || c == ',')
        });
        is_gap && of(at).is_some_and(|(_, kind)| matches!(kind, Some(Kind::Place | Kind::Address)))
            || of(gap).is_some_and(|(_, kind)| matches!(kind, Some(Kind::Place | Kind::Address)))
    };
    let alone: Vec<usize> = (0..joined.len())
        .filter(|i| joined[*i].1 == Some(Kind::Address) && !joined[*i].0.chars().any(char::is_alphabetic))
        .filter(|i| !is_near(i.checked_sub(2), i.checked_sub(1)) && !is_near(Some(i + 2), Some(i + 1)))
        .collect();
    for i in alone {
        joined[i].1 = None;
    }
    Text::of(&joined)
}

/// The street, and behind it towns and codes, line by line.
fn address(value: &str, pieces: &mut Vec<(String, Option<Kind>)>) {
    for (i, part) in value.split_inclusive(['\n', ',']).enumerate() {
        let trimmed = part.trim_start();
        pieces.push((part[..part.len() - trimmed.len()].to_owned(), None));
        let own = trimmed.trim_end_matches(['\n', ',', ' ']);
        let low = own.to_lowercase();
        let is_unit = ["apt", "suite", "unit", "p.o", "po box", "box", "psc", "apo", "fpo", "dpo"]
            .iter()
            .any(|unit| low.starts_with(unit));
        if i == 0 || is_unit {
            pieces.push((own.to_owned(), Some(Kind::Address)));
        } else {
            let mut words = own.split_inclusive(' ').peekable();
            while let Some(word) = words.next() {
                let is_code = |word: &str| word.chars().any(|c| c.is_ascii_digit()) || word.trim().len() <= 2;
                let mut run = word.to_owned();
                while let Some(next) = words.next_if(|next| is_code(next) == is_code(word)) {
                    run.push_str(next);
                }
                let kind = if is_code(word) { Kind::Address } else { Kind::Place };
                pieces.push((run, Some(kind)));
            }
        }
        pieces.push((trimmed[own.len()..].to_owned(), None));
    }
}

/// The stretches of a text that are judged, with right labels.
pub fn stretches(engine: &Engine, text: &Text, out: &mut Vec<Stretch>) {
    for segment in training::read(engine, &text.text) {
        add(&segment, &labels(&segment, &text.spans), out);
    }
}

fn add(segment: &[Word], labels: &[usize], out: &mut Vec<Stretch>) {
    let mut open: Option<Stretch> = None;
    for (word, label) in segment.iter().zip(labels) {
        if word.features.is_empty() {
            out.extend(open.take());
            continue;
        }
        let stretch = open.get_or_insert_with(|| Stretch { rows: Vec::new(), labels: Vec::new() });
        // What continues nothing begins.
        let label = match *label {
            label if label > 0 && label % 2 == 0 => {
                let before = stretch.labels.last().copied().unwrap_or(0);
                if before == label || before + 1 == label { label } else { label - 1 }
            }
            label => label,
        };
        stretch.rows.push(word.features.clone());
        stretch.labels.push(label);
    }
    out.extend(open);
}

fn labels(segment: &[Word], spans: &[(usize, usize, Kind)]) -> Vec<usize> {
    let mut before = None;
    let label = |word: &Word| {
        let own = spans.iter().position(|(start, end, _)| word.start < *end && *start < word.end);
        let label = own.map_or(0, |at| 1 + 2 * spans[at].2 as usize + usize::from(before == own));
        before = own;
        label
    };
    segment.iter().map(label).collect()
}

/// The texts of a file without labels of names, with their sources and languages.
pub fn benign(folder: &Path, name: &str) -> Vec<String> {
    let path = folder.join(format!("{name}.jsonl"));
    let file = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows = file.lines().map(|line| serde_json::from_str::<Value>(line).expect("a JSON line"));
    let benign = rows.filter(|row| row["label"] == "benign" && row["quotes_attack"] != true);
    benign.map(|row| row["text"].as_str().expect("text").chars().take(6000).collect()).collect()
}

/// The stretches of texts in which nobody is named, as far as that can be told: segments with a word of a list of names are left out,
/// and most of those with a word in capitals that is not known.
pub fn nameless(
    engine: &Engine,
    texts: &[String],
    words: &BTreeMap<String, u16>,
    names: &BTreeSet<String>,
    random: &mut Random,
    out: &mut Vec<Stretch>,
) {
    for text in texts {
        for segment in training::read(engine, text) {
            let named = segment.iter().any(|word| !word.small && names.contains(&word.text));
            let unknown = segment.iter().any(|word| {
                !word.small
                    && word.text.len() > 3
                    && text[word.start..].starts_with(char::is_uppercase)
                    && !words.contains_key(&word.text)
            });
            if !named && (!unknown || random.below(3) == 0) {
                add(&segment, &vec![0; segment.len()], out);
            }
        }
    }
}

/// The stretches of prose in which every name can be told by the lists, as they are and with other names; those in which
/// nobody is named; and none of segments with a capital that may be a name on no list.
pub fn named(
    engine: &Engine,
    texts: &[String],
    words: &BTreeMap<String, u16>,
    made: &Made,
    random: &mut Random,
    out: &mut Vec<Stretch>,
) {
    const GIVEN: u16 = 1;
    const FAMILY: u16 = 2;
    const PLACES: u16 = 12;
    for text in texts {
        for segment in training::read(engine, text) {
            let mut spans: Vec<(usize, usize, Kind)> = Vec::new();
            let mut clear = true;
            for (i, word) in segment.iter().enumerate() {
                let capital = text[word.start..word.end].chars().next().is_some_and(char::is_uppercase);
                if !capital {
                    continue;
                }
                let classes = words.get(&word.text).copied().unwrap_or(0);
                let (common, known) = (training::commonness(classes), classes & 0x1fff);
                let follows = spans.last().filter(|(_, end, kind)| {
                    *kind == Kind::Person && text.get(*end..word.start) == Some(" ")
                });
                if follows.is_some() && common < 2 {
                    spans.last_mut().expect("the one before").1 = word.end;
                } else if known & GIVEN != 0 && known & PLACES == 0 && common == 0 {
                    spans.push((word.start, word.end, Kind::Person));
                } else if known & PLACES != 0 && known & (GIVEN | FAMILY) == 0 && common == 0 {
                    let beside =
                        |by: usize| segment.get(by).is_some_and(|other| !other.small && other.text.len() > 1);
                    clear &= !(beside(i + 1) || i > 1 && beside(i - 1));
                    spans.push((word.start, word.end, Kind::Place));
                } else {
                    // The first word of a sentence has a capital anyway.
                    clear &= common > 0 || known & !(GIVEN | FAMILY | 12) != 0 || word.text.len() < 2;
                }
            }
            if !clear {
                continue;
            }
            add(&segment, &labels(&segment, &spans), out);
            let (Some(first), Some(last)) = (segment.first(), segment.last()) else { continue };
            if spans.is_empty() {
                continue;
            }
            for small in [false, false, random.below(3) == 0] {
                let mut pieces = Vec::new();
                let mut from = first.start;
                for (start, end, kind) in &spans {
                    pieces.push((text[from..*start].to_owned(), None));
                    let other = match kind {
                        Kind::Person if text[*start..*end].contains(' ') || random.below(5) == 0 => {
                            made.any_person(random)
                        }
                        Kind::Person => {
                            if random.below(4) == 0 {
                                made.family(random)
                            } else {
                                made.given(random)
                            }
                        }
                        _ => made.place(random),
                    };
                    pieces.push((other, Some(*kind)));
                    from = *end;
                }
                pieces.push((text[from..last.end].to_owned(), None));
                if small {
                    pieces.iter_mut().for_each(|(text, _)| *text = text.to_lowercase());
                }
                stretches(engine, &Text::of(&pieces), out);
            }
        }
    }
}

/// The vocabulary: words of the lists with their classes, and words that are common in small letters.
///
/// Words that are often written with a capital where nobody is named count, too: nouns of German, products.
pub fn vocabulary(
    blank: &Engine,
    made: &Made,
    texts: &[&str],
    nameless: &[String],
) -> (BTreeMap<String, u16>, BTreeSet<String>) {
    let mut words: BTreeMap<String, u16> = BTreeMap::new();
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut capitals: HashMap<String, usize> = HashMap::new();
    for text in nameless {
        for word in training::read(blank, text)
            .into_iter()
            .flatten()
            .filter(|word| !word.small && word.text.len() > 2)
        {
            *capitals.entry(word.text).or_default() += 1;
        }
    }
    let listed: BTreeSet<String> =
        made.lists().take(4).flat_map(|(_, list)| list).map(|name| name.to_lowercase()).collect();
    capitals
        .retain(|word, count| *count >= 6 && !listed.contains(word) && word.chars().all(char::is_alphabetic));
    words.extend(capitals.into_keys().map(|word| (word, training::common(1))));
    for text in texts {
        for word in
            training::read(blank, text).into_iter().flatten().filter(|word| word.small && word.text.len() > 1)
        {
            *counts.entry(word.text).or_default() += 1;
        }
    }
    let mut ranked: Vec<(String, usize)> = counts.into_iter().filter(|(_, count)| *count >= 4).collect();
    ranked.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    ranked.truncate(14_000);
    for (rank, (word, _)) in ranked.into_iter().enumerate() {
        let how = if rank < 350 {
            3
        } else if rank < 3000 {
            2
        } else {
            1
        };
        words.insert(word, training::common(how));
    }
    let mut names = BTreeSet::new();
    for (class, list) in made.lists() {
        let bit = training::CLASSES.iter().position(|name| *name == class).expect("a class");
        for name in list {
            let parts: Vec<Word> = training::read(blank, name).into_iter().flatten().collect();
            for part in parts.iter().filter(|part| part.text.len() > 1 || !part.text.is_ascii()) {
                *words.entry(part.text.clone()).or_default() |= 1 << bit;
                let common = training::commonness(words[&part.text]);
                if bit < 4 && parts.len() == 1 && common < 2 {
                    names.insert(part.text.clone());
                }
            }
        }
    }
    (words, names)
}

/// The values of some rows, in small letters.
pub fn values<'a>(rows: impl Iterator<Item = &'a Row>) -> BTreeSet<String> {
    let value = |row: &Row, span: &Label| row.text[span.start..span.end].to_lowercase();
    rows.flat_map(|row| {
        row.spans.iter().filter(|span| Kind::of(&span.kind).is_some()).map(move |span| value(row, span))
    })
    .collect()
}
