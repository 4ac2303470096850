//! `bench inspect`: what inspection costs by the kilobyte, on one core, and the labelled texts beside it where they are.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::Result;
use cordon_core::{Category, Channel};
use cordon_inspect::Engine;
use cordon_testkit::corpus;

use crate::measure::{cpu, median};
use crate::table::Table;

/// Each figure is the median of so many windows.
const WINDOWS: usize = 9;
const WINDOW: Duration = Duration::from_millis(200);

/// Measures and prints a table.
pub(crate) fn run() -> Result<()> {
    let start = Instant::now();
    let engine = Engine::builtin();
    println!("building the engine took {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    let mut table =
        Table::new(&["text", "bytes", "findings", "whole, CPU µs/KB", "in pieces of 16 bytes, CPU µs/KB"]);
    for (name, text) in texts() {
        let findings = engine.inspect(Channel::User, &text).len();
        let whole = per_kilobyte(text.len(), || {
            black_box(engine.inspect(Channel::User, black_box(&text)));
        })?;
        let held = [Category::known("pii"), Category::known("secret")];
        let pieces = pieces(&text);
        let streamed = per_kilobyte(text.len(), || {
            let mut scanner = engine.scanner(Channel::Model, &held);
            for piece in &pieces {
                black_box(scanner.push(piece));
            }
            black_box(scanner.finish());
        })?;
        table.row(&[
            name,
            text.len().to_string(),
            findings.to_string(),
            format!("{whole:.1}"),
            format!("{streamed:.1}"),
        ]);
    }
    table.print(&format!("Inspection, median of {WINDOWS} windows of {} ms", WINDOW.as_millis()));
    Ok(())
}

/// Microseconds of CPU time for 1,024 bytes: what else runs on the machine does not count.
fn per_kilobyte(bytes: usize, mut work: impl FnMut()) -> Result<f64> {
    work();
    let mut windows = Vec::new();
    for _ in 0..WINDOWS {
        let (start, before) = (Instant::now(), cpu(std::process::id())?);
        let mut times = 0_u32;
        while start.elapsed() < WINDOW {
            work();
            times += 1;
        }
        let used = cpu(std::process::id())?.saturating_sub(before);
        windows.push(used as f64 / 1e3 / f64::from(times) / (bytes as f64 / 1024.0));
    }
    Ok(median(windows))
}

fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.ceil_char_boundary(16));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

fn texts() -> Vec<(String, String)> {
    let mut texts = vec![
        ("ordinary English".to_owned(), ordinary(1 << 10)),
        ("ordinary English".to_owned(), ordinary(16 << 10)),
        ("ordinary English".to_owned(), ordinary(256 << 10)),
        (
            "German with umlauts".to_owned(),
            "Der Ausschuss prüfte gestern die Pläne für größere Räume; niemand widersprach. ".repeat(200),
        ),
        ("Chinese".to_owned(), "委员会昨天讨论了图书馆后面的花园，大家都同意保留那棵老枫树。".repeat(200)),
        (
            "source code".to_owned(),
            "for (let i = 0; i < rows.length; i++) { total += rows[i].price * 1.19; }\n".repeat(200),
        ),
        ("numbers in a table".to_owned(), "2024-03-01;100234;19.99;4;shipped\n".repeat(400)),
        ("one word without an end".to_owned(), "a".repeat(64 << 10)),
        ("base64".to_owned(), "VGhlIGNvbW1pdHRlZSBtZXQgb24gYSBicmlnaHQgbW9ybmluZw".repeat(300)),
        (
            "cards and addresses in every line".to_owned(),
            "Ann paid with 4242 4242 4242 4242, mail ann@example.org.\n".repeat(100),
        ),
    ];
    for name in corpus::guard_files().unwrap_or_default() {
        let benign: Vec<String> = corpus::guard(&name)
            .unwrap_or_default()
            .into_iter()
            .filter(|case| !case.is_positive())
            .map(|case| case.text)
            .take(2_000)
            .collect();
        if !benign.is_empty() {
            texts.push((format!("benign texts of {name}"), benign.join("\n")));
        }
    }
    texts
}

/// Sentences that follow no pattern of ours, always the same: a small linear congruential generator picks the words
/// (constants of Knuth's MMIX).
fn ordinary(bytes: usize) -> String {
    const WORDS: &str = "the of and to in that was his it with as had for on but at by which be this from not are \
        her she have they all were when we there been their one so an no if would what them some could time more \
        only other about then its these two may like our over after house morning river answer garden children \
        question letter window company market evening system customer product version number support weather order \
        delivery account meeting report question Tuesday Berlin Miller 17 2024 350";
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let mut state = 42_u64;
    let mut text = String::with_capacity(bytes + 16);
    let mut length = 0;
    while text.len() < bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let pick = usize::try_from(state >> 33).unwrap_or(0);
        text.push_str(words.get(pick % words.len()).copied().unwrap_or_default());
        length += 1;
        text.push_str(if length % 14 == 0 {
            ". "
        } else if length % 9 == 0 {
            ", "
        } else {
            " "
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_whole_text() {
        for (name, text) in texts() {
            assert_eq!(pieces(&text).concat(), text, "{name}");
        }
        assert_eq!(ordinary(2_000), ordinary(2_000));
    }
}
