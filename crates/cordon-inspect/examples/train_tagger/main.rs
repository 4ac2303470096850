//! Trains the tagger of names: `cargo run --release -p cordon-inspect --example train_tagger -- DIR [OUT]`.
//!
//! An averaged perceptron over hashed features, greedy from left to right, always the same for the same data. It learns
//! from the labelled texts of DIR whose templates are not held out, from the same texts with other names in them, from
//! generated sentences, and from lines of benign texts whose capitalised words are all written small elsewhere. It writes
//! one byte per weight, and prints what these reach on the templates that were held out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "developer tool"
)]

mod lists;
mod sentences;
#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use cordon_inspect::names::{BUCKETS, Kind, Model, TAGS, Tag, Token, TokenKind, features};
use sentences::Dice;
use support::{Count, Label, Row, labelled};

const EPOCHS: usize = 6;
const GENERATED: usize = 90_000;
const BENIGN: usize = 20_000;
const FEATURES: usize = 26;
/// Benign sources that may be read.
const SOURCES: [&str; 4] =
    ["awesome_chatgpt_prompts", "techdocs_hard_benign", "selfinstruct_benign", "gpteacher_benign"];

/// Tokens up to a blank line, with the tags that they should have.
struct Passage {
    tokens: Vec<(usize, usize, Token)>,
    tags: Vec<Tag>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let directory = Path::new(arguments.first().expect("help: give the folder of labelled texts"));
    let rows = labelled(&directory.join("pii_presidio_research.jsonl"));
    let mut dice = Dice(0x636f_7264_6f6e);
    let mut passages = Vec::new();
    // With `--errors` one third of the templates that may be read is not learnt from, and its errors are shown.
    let show = arguments.get(1).is_some_and(|argument| argument == "--errors");
    for row in rows.iter().filter(|row| !(row.unseen || show && row.third == 0)) {
        passages.extend(read(&row.text, &row.spans));
        for _ in 0..3 {
            let (text, labels) = renamed(row, &mut dice);
            passages.extend(read(&text, &labels));
        }
    }
    let (benign, common) = lines_without_names(directory);
    for _ in 0..GENERATED {
        let (text, labels) = sentences::sentence(&mut dice, &common);
        passages.extend(read(&text, &labels));
    }
    println!("{} passages, {} benign lines", passages.len(), benign.len());
    passages.extend(benign.iter().flat_map(|line| read(line, &[])));
    let bytes = train(&passages, &mut dice);
    if show {
        let read: Vec<Row> = rows.into_iter().filter(|row| !row.unseen && row.third == 0).collect();
        report(&Model::read(&bytes), &read, true);
        return;
    }
    let unseen: Vec<Row> = rows.into_iter().filter(|row| row.unseen).collect();
    report(&Model::read(&bytes), &unseen, false);
    if let Some(out) = arguments.get(1) {
        std::fs::write(out, bytes).expect("a writable file");
    }
}

/// The tokens of a text, as the crate's reader makes them.
fn read(text: &str, labels: &[Label]) -> Vec<Passage> {
    let mut passages = Vec::new();
    let mut tokens: Vec<(usize, usize, Token)> = Vec::new();
    let mut word: Option<usize> = None;
    for (i, c) in text.char_indices().chain([(text.len(), '\n'), (text.len(), '\n')]) {
        if c.is_alphanumeric() {
            word.get_or_insert(i);
            continue;
        }
        if let Some(start) = word.take() {
            tokens.push((start, i, Token::of(&text[start..i], is_glued(&tokens, start))));
        }
        match c {
            '\n' if tokens.last().is_some_and(|(_, _, last)| last.kind == TokenKind::Line) => {
                passages.push(std::mem::take(&mut tokens));
            }
            '\n' if tokens.is_empty() => {}
            '\n' => tokens.push((i, i + 1, Token::line())),
            _ if c.is_whitespace() => {}
            _ => {
                let sign = u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(0x1f);
                tokens.push((i, i + c.len_utf8(), Token::sign(sign, is_glued(&tokens, i))));
            }
        }
    }
    passages.into_iter().map(|tokens| Passage { tags: gold(&tokens, labels), tokens }).collect()
}

fn is_glued(tokens: &[(usize, usize, Token)], start: usize) -> bool {
    tokens.last().is_some_and(|(_, end, _)| *end == start)
}

fn gold(tokens: &[(usize, usize, Token)], labels: &[Label]) -> Vec<Tag> {
    let mut tags = vec![Tag::Outside; tokens.len()];
    let mut covered = 0;
    for label in labels {
        let kind = match label.kind.as_str() {
            "PERSON" => Kind::Person,
            "ORGANIZATION" => Kind::Organisation,
            "GPE" | "LOCATION" => Kind::Place,
            "ADDRESS" | "STREET_ADDRESS" => Kind::Address,
            _ => continue,
        };
        if label.start < covered {
            continue;
        }
        covered = label.end;
        let inside: Vec<usize> =
            (0..tokens.len()).filter(|i| tokens[*i].0 >= label.start && tokens[*i].1 <= label.end).collect();
        // What begins with a small letter cannot be found.
        if inside.first().is_some_and(|first| tokens[*first].2.may_begin()) {
            for (at, i) in inside.into_iter().enumerate() {
                tags[i] = if at == 0 { Tag::First(kind) } else { Tag::Further(kind) };
            }
        }
    }
    tags
}

/// The row with other names, so that templates are learnt and not their names.
fn renamed(row: &Row, dice: &mut Dice) -> (String, Vec<Label>) {
    let (mut text, mut labels, mut from) = (String::new(), Vec::new(), 0);
    for label in &row.spans {
        if label.start < from {
            continue;
        }
        text.push_str(&row.text[from..label.start]);
        let start = text.len();
        match label.kind.as_str() {
            "PERSON" => text.push_str(&sentences::person(dice)),
            "ORGANIZATION" => text.push_str(&sentences::organisation(dice)),
            "GPE" | "LOCATION" => text.push_str(&sentences::place(dice)),
            "ADDRESS" | "STREET_ADDRESS" => text.push_str(&sentences::address(dice)),
            _ => text.push_str(&row.text[label.start..label.end]),
        }
        labels.push(Label { start, end: text.len(), kind: label.kind.clone() });
        from = label.end;
    }
    text.push_str(&row.text[from..]);
    (text, labels)
}

/// Lines of benign texts in which every capitalised word is a common one, and the common words that are no names.
fn lines_without_names(directory: &Path) -> (Vec<String>, Vec<String>) {
    let mut small: HashMap<String, usize> = HashMap::new();
    let mut lines = Vec::new();
    for source in SOURCES {
        let text =
            std::fs::read_to_string(directory.join(format!("{source}.jsonl"))).expect("a readable file");
        for row in text.lines() {
            let row: serde_json::Value = serde_json::from_str(row).expect("a JSON line");
            for line in row["text"].as_str().unwrap_or("").lines() {
                for word in line.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
                    if word.chars().all(char::is_lowercase) {
                        *small.entry(word.to_owned()).or_default() += 1;
                    }
                }
                lines.push(line.to_owned());
            }
        }
    }
    let common = |word: &str| small.get(&word.to_lowercase()).is_some_and(|count| *count >= 12);
    lines.retain(|line| {
        line.len() > 20
            && line
                .split(|c: char| !c.is_alphanumeric())
                .filter(|word| word.chars().next().is_some_and(char::is_uppercase))
                .all(common)
    });
    let names: String = [lists::FIRST, lists::LAST, lists::PLACES].join(" ").to_lowercase().replace('|', " ");
    let names: std::collections::HashSet<&str> = names.split(' ').collect();
    let mut words: Vec<String> = small
        .into_iter()
        .filter(|(word, count)| {
            *count >= 40 && word.len() > 2 && word.is_ascii() && !names.contains(word.as_str())
        })
        .map(|(word, _)| word)
        .collect();
    words.sort();
    let every = (lines.len() / BENIGN).max(1);
    (lines.into_iter().step_by(every).collect(), words)
}

fn train(passages: &[Passage], dice: &mut Dice) -> Vec<u8> {
    let mut weights = vec![[0_f32; TAGS.len()]; BUCKETS];
    let mut sums = vec![[0_f32; TAGS.len()]; BUCKETS];
    let mut order: Vec<usize> = (0..passages.len()).collect();
    let mut step = 1_f32;
    for epoch in 0..EPOCHS {
        for i in (1..order.len()).rev() {
            order.swap(i, dice.below(i + 1));
        }
        let mut wrong = Count::default();
        for passage in order.iter().map(|i| &passages[*i]) {
            let mut tags = [Tag::Outside; 2];
            for at in 0..passage.tokens.len() {
                let own = passage.tokens[at].2;
                let [last, _] = tags;
                if last == Tag::Outside && !own.may_begin() {
                    tags = [Tag::Outside, last];
                    continue;
                }
                let mut buckets = buckets(&passage.tokens, at, tags);
                // Names are known from what is beside them too, and the other way round.
                if dice.chance(30) {
                    (buckets[0], buckets[12]) = (u32::MAX, u32::MAX);
                }
                for lexical in [5, 6, 7, 8, 14, 15, 16, 17, 21, 22] {
                    if dice.chance(12) {
                        buckets[lexical] = u32::MAX;
                    }
                }
                let wanted = reachable(passage.tags[at], last, &own);
                let mut scores = [0_f32; TAGS.len()];
                for row in buckets.iter().filter_map(|b| weights.get(*b as usize)) {
                    scores.iter_mut().zip(row).for_each(|(score, weight)| *score += weight);
                }
                // Being right by little is not enough.
                scores[wanted.index()] -= 1.0;
                let found = best(&scores, last, &own);
                wrong.add(found != wanted);
                if found != wanted {
                    for bucket in buckets.iter().map(|b| *b as usize).filter(|b| *b < BUCKETS) {
                        for (tag, change) in [(wanted, 1.0), (found, -1.0)] {
                            weights[bucket][tag.index()] += change;
                            sums[bucket][tag.index()] += change * step;
                        }
                    }
                }
                step += 1.0;
                scores[wanted.index()] += 1.0;
                let predicted = best(&scores, last, &own);
                // It must learn to go on from its own errors as well.
                let told = if epoch == 0 || dice.chance(50) { wanted } else { predicted };
                tags = [told, last];
            }
        }
        println!("epoch {epoch}: {wrong} corrected");
    }
    let mean = |bucket: usize, tag: usize| weights[bucket][tag] - sums[bucket][tag] / step;
    let mut sizes: Vec<f32> = (0..BUCKETS)
        .flat_map(|b| (0..TAGS.len()).map(move |t| (b, t)))
        .map(|(b, t)| mean(b, t).abs())
        .collect();
    sizes.sort_by(f32::total_cmp);
    let largest = sizes[sizes.len() * 9995 / 10_000].max(f32::MIN_POSITIVE);
    let byte = |weight: f32| ((weight / largest * 127.0).round().clamp(-127.0, 127.0) as i8).to_ne_bytes()[0];
    (0..BUCKETS).flat_map(|b| (0..TAGS.len()).map(move |t| (b, t))).map(|(b, t)| byte(mean(b, t))).collect()
}

fn buckets(tokens: &[(usize, usize, Token)], at: usize, tags: [Tag; 2]) -> [u32; FEATURES] {
    let token = |offset: isize| at.checked_add_signed(offset).and_then(|i| tokens.get(i)).map(|t| t.2);
    let mut buckets = [0; FEATURES];
    features(&token, tags, &mut buckets);
    buckets
}

/// The tag, or what is nearest to it behind the last one.
fn reachable(tag: Tag, last: Tag, token: &Token) -> Tag {
    match tag {
        Tag::Further(kind) if !tag.goes_on(last) => reachable(Tag::First(kind), last, token),
        _ if tag.can_follow(last, token) => tag,
        _ => Tag::Outside,
    }
}

fn best(scores: &[f32; TAGS.len()], last: Tag, token: &Token) -> Tag {
    let allowed = TAGS.iter().zip(scores).filter(|(tag, _)| tag.can_follow(last, token));
    allowed.rev().max_by(|a, b| a.1.total_cmp(b.1)).map_or(Tag::Outside, |(tag, _)| *tag)
}

/// Names in a passage: their tokens, first and one past the last.
fn names(tags: &[Tag]) -> Vec<(usize, usize, Kind)> {
    let mut names: Vec<(usize, usize, Kind)> = Vec::new();
    for (i, tag) in tags.iter().enumerate() {
        match (tag, names.last_mut()) {
            (Tag::Further(kind), Some((_, end, of))) if *end == i && of == kind => *end += 1,
            (Tag::First(kind) | Tag::Further(kind), _) => names.push((i, i + 1, *kind)),
            (Tag::Outside, _) => {}
        }
    }
    names
}

/// Exact names of the right kind, on the templates that were held out. Small letters at the start count as missed.
fn report(model: &Model, rows: &[Row], show: bool) {
    let mut counts: BTreeMap<String, [Count; 2]> = BTreeMap::new();
    for row in rows {
        let lower = row.spans.iter().filter(|l| row.text[l.start..].starts_with(char::is_lowercase));
        for label in lower {
            let kind = match label.kind.as_str() {
                "PERSON" => Kind::Person,
                "ORGANIZATION" => Kind::Organisation,
                "GPE" | "LOCATION" => Kind::Place,
                "ADDRESS" | "STREET_ADDRESS" => Kind::Address,
                _ => continue,
            };
            counts.entry(format!("{kind:?}")).or_default()[0].add(false);
        }
        for passage in read(&row.text, &row.spans) {
            let mut found = Vec::new();
            let mut tags = [Tag::Outside; 2];
            for at in 0..passage.tokens.len() {
                let own = passage.tokens[at].2;
                let [last, _] = tags;
                let tag = if last == Tag::Outside && !own.may_begin() {
                    Tag::Outside
                } else {
                    model.best(&buckets(&passage.tokens, at, tags), last, &own)
                };
                found.push(tag);
                tags = [tag, last];
            }
            let (wanted, found) = (names(&passage.tags), names(&found));
            let shown = |(from, to, kind): &(usize, usize, Kind)| {
                let (start, end) = (passage.tokens[*from].0, passage.tokens[to - 1].1);
                format!("{kind:?} `{}`", row.text[start..end].replace('\n', "\\n"))
            };
            if show && wanted != found {
                let missed: Vec<_> = wanted.iter().filter(|name| !found.contains(name)).map(shown).collect();
                let false_ones: Vec<_> =
                    found.iter().filter(|name| !wanted.contains(name)).map(shown).collect();
                let text: String = row.text.chars().take(140).collect();
                println!(
                    "{}\n   missed {}\n   false {}",
                    text.replace('\n', "\\n"),
                    missed.join(", "),
                    false_ones.join(", ")
                );
            }
            for name in &wanted {
                counts.entry(format!("{:?}", name.2)).or_default()[0].add(found.contains(name));
            }
            for name in &found {
                counts.entry(format!("{:?}", name.2)).or_default()[1].add(wanted.contains(name));
            }
        }
    }
    for (kind, [recall, precision]) in counts {
        let (r, p) = (recall.rate(), precision.rate());
        println!("{kind:<14} recall {recall:<34} precision {precision:<34} F1 {:.3}", 2.0 * r * p / (r + p));
    }
}
