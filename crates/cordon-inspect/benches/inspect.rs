//! Microseconds per kilobyte of inspection, scanner creation included; engine build time; memory; hold-back.
//! Run with `cargo bench -p cordon-inspect --bench inspect`, with the names of texts behind `--` for those alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "bench code"
)]

use std::hint::black_box;
use std::time::Instant;

use cordon_core::{Category, Channel, resource::CustomType};
use cordon_inspect::training::Opinions;
use cordon_inspect::{Custom, Engine, Topics, declines};

const KILOBYTE: usize = 1024;

fn samples() -> Vec<(&'static str, String)> {
    let prose = "The committee met on Tuesday to discuss the new library. Most members agreed that the reading room \
        should stay open until nine, although some worried about the cost of heating. A second proposal, to lend tools \
        as well as books, was received with enthusiasm; it will be tried for six months in two districts. Afterwards \
        everyone walked to the harbour, where the ferry was late again. ";
    // The texts of `bench gateway`.
    let request = "The committee met on a bright morning to talk about the garden behind the library. \
        Some wanted more benches, others a pond, and everybody agreed that the old maple should stay. ";
    let answer = " river stone maple quiet north lamps cloud grain";
    let code = "fn main() -> Result<(), Error> {\n    let config = Config::load(&path)?;\n    for (index, item) in \
        config.items.iter().enumerate() {\n        if item.is_enabled() && index % 2 == 0 {\n            \
        println!(\"{index}: {}\", item.name);\n        }\n    }\n    Ok(())\n}\n\n";
    let json = "{\"id\":4711,\"status\":\"shipped\",\"items\":[{\"sku\":\"AB-1002\",\"quantity\":3,\"price\":19.99},\
        {\"sku\":\"CD-2210\",\"quantity\":1,\"price\":249.00}],\"created\":\"2026-03-01T10:22:31Z\",\"notes\":null},\n";
    let persian = "کمیته روز سه‌شنبه برای بحث درباره کتابخانه جدید تشکیل جلسه داد. بیشتر اعضا موافق بودند که سالن مطالعه \
        باید تا ساعت نه باز بماند، اما برخی نگران هزینه گرمایش بودند. ";
    let near = "ignore all the a@a@a@ 4111 1111 1111 111 ghp_ghp_sk-ant- DE89 3704 0044 0532 0130 0 pretend to be (((( \
        xoxb- password= eyJeyJ. 123-45- -----BEGIN ";
    let mut image = String::from("data:image/png;base64,");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    while image.len() < 64 * KILOBYTE {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        image.push(char::from(alphabet[(state >> 58) as usize]));
    }
    let long = |text: &str| text.repeat(64 * KILOBYTE / text.len() + 1);
    vec![
        ("prose", long(prose)),
        ("request", long(request)),
        ("answer", long(answer)),
        ("code", long(code)),
        ("json", long(json)),
        ("base64 image", image),
        ("persian", long(persian)),
        ("near matches", long(near)),
        ("a@a@a@", long("a@")),
        ("eyJ.eyJ.", long("eyJ.")),
        ("((((", long("(")),
        ("digits", long("4")),
        ("digits and spaces", long("4111 ")),
        ("one letter", long("x")),
        ("sk-ant-", long("sk-ant-")),
    ]
}

fn per_kilobyte(bytes: usize, mut work: impl FnMut()) -> f64 {
    // The best of several rounds: what the machine does beside this is not the subject.
    let mut best = f64::MAX;
    for _ in 0..7 {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed().as_secs_f64());
    }
    best * 1e6 / (bytes as f64 / KILOBYTE as f64)
}

/// What the judge of injection costs where it is asked: four blocks of words at a time, each read once.
fn judge() {
    let judge = Opinions::read(include_bytes!("../models/judge.bin")).unwrap();
    for (name, text) in samples().into_iter().take(2) {
        let text = &text[..KILOBYTE];
        let cost = per_kilobyte(text.len() * 100, || {
            for _ in 0..100 {
                black_box(judge.of_text(black_box(text)));
            }
        });
        println!("judge, {name}: {cost:.0} µs per KB that it reads");
    }
}

/// What types of an organisation cost: a dictionary of 100,000 names of one to three words, and patterns.
fn own_types(engine: &Engine) {
    let mut state = 7_u64;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((state >> 33) % below).unwrap()
    };
    let syllables = [
        "ka", "ro", "lin", "ter", "mo", "sha", "vel", "in", "dor", "es", "the", "com", "pre", "ta", "ber",
        "ung",
    ];
    let terms: Vec<String> = (0..100_000)
        .map(|_| {
            let words =
                (0..1 + next(3)).map(|_| (0..2 + next(3)).map(|_| syllables[next(16)]).collect::<String>());
            words.collect::<Vec<_>>().join(" ")
        })
        .collect();
    let dense = terms.iter().step_by(97).map(String::as_str).collect::<Vec<_>>().join(" ");
    let of = |types: serde_json::Value| {
        let types: Vec<CustomType> = serde_json::from_value(types).unwrap();
        Custom::new(&types)
    };
    let start = Instant::now();
    let words = of(serde_json::json!([{"category": "custom/names", "dictionary": {"terms": terms}}]));
    println!("\ndictionary of 100,000 terms: compiled in {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    let patterns = |count: usize| {
        let one = |i: usize| serde_json::json!({"category": format!("custom/p{i}"), "pattern": format!(r"\bN{i}-[0-9]{{8}}\b"), "checksum": "luhn"});
        of((0..count).map(one).collect())
    };
    let (one, ten) = (patterns(1), patterns(10));
    let digits =
        of(serde_json::json!([{"category": "custom/d", "pattern": "[0-9]{16}", "checksum": "verhoeff"}]));
    let prose = samples().remove(0).1;
    let (fours, sevens) = ("4".repeat(64 * KILOBYTE), "4045317".repeat(10 * KILOBYTE));
    println!("{:<34} {:>14} {:>18}", "types, text", "64 KB inspect", "64 KB by 16 bytes");
    for (name, custom, text) in [
        ("none, prose", None, &prose),
        ("100,000 terms, prose", Some(&words), &prose),
        ("none, terms", None, &dense),
        ("100,000 terms, terms", Some(&words), &dense),
        ("one pattern, prose", Some(&one), &prose),
        ("10 patterns, prose", Some(&ten), &prose),
        ("none, digits", None, &fours),
        ("digits that fail, digits", Some(&digits), &sevens),
    ] {
        let text =
            &text[..(0..=text.len().min(64 * KILOBYTE)).rev().find(|i| text.is_char_boundary(*i)).unwrap()];
        let custom: Vec<Custom> = custom.into_iter().cloned().collect();
        let whole = per_kilobyte(text.len(), || {
            black_box(engine.read(engine.scanner(Channel::User, &[]).with_custom(&custom), black_box(text)));
        });
        let small = chunks(text, 16);
        let holds = [Category::known("custom")];
        let streamed = per_kilobyte(text.len(), || {
            let mut scanner = engine.scanner(Channel::User, &holds).with_custom(&custom);
            for chunk in &small {
                black_box(scanner.push(chunk));
            }
            black_box(scanner.finish());
        });
        println!("{name:<34} {whole:>11.2} µs {streamed:>15.2} µs");
    }
}

/// What is said of a text as a whole: what it is about, and whether it declines.
fn whole_texts() {
    let spec = serde_json::from_str(include_str!("../tests/topics/banking.json")).unwrap();
    let start = Instant::now();
    let topics = Topics::new(&spec);
    println!("\ntopics of a bank: compiled in {:.2} ms", start.elapsed().as_secs_f64() * 1e3);
    println!("{:<20} {:>14} {:>14} {:>14}", "text", "1 KB topics", "64 KB topics", "1 KB declines");
    for (name, text) in samples() {
        let kilobyte = &text[..(0..=KILOBYTE).rev().find(|i| text.is_char_boundary(*i)).unwrap()];
        let small = per_kilobyte(kilobyte.len() * 200, || {
            for _ in 0..200 {
                black_box(topics.answer(black_box(kilobyte), false));
            }
        });
        let large = per_kilobyte(text.len(), || {
            black_box(topics.answer(black_box(&text), false));
        });
        let declining = per_kilobyte(kilobyte.len() * 200, || {
            for _ in 0..200 {
                black_box(declines(black_box(kilobyte)));
            }
        });
        println!("{name:<20} {small:>11.2} µs {large:>11.2} µs {declining:>11.2} µs");
    }
}

fn main() {
    let start = Instant::now();
    let engine = Engine::builtin();
    println!("engine build: {:.2} ms", start.elapsed().as_secs_f64() * 1e3);
    judge();
    let holds = ["pii", "secret", "prompt_injection"].map(Category::known);

    println!(
        "{:<20} {:>14} {:>14} {:>14} {:>14} {:>14} {:>18} {:>12}",
        "text",
        "1 KB inspect",
        "1 KB answer",
        "1 KB with names",
        "with policies",
        "64 KB inspect",
        "1 KB streamed by 64",
        "memory B"
    );
    let named: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
    for (name, text) in samples() {
        if !named.is_empty() && !named.iter().any(|wanted| wanted == name) {
            continue;
        }
        let kilobyte = &text[..(0..=KILOBYTE).rev().find(|i| text.is_char_boundary(*i)).unwrap()];
        let small = per_kilobyte(kilobyte.len() * 200, || {
            for _ in 0..200 {
                black_box(engine.inspect(Channel::User, black_box(kilobyte)));
            }
        });
        let answer = per_kilobyte(kilobyte.len() * 200, || {
            for _ in 0..200 {
                black_box(engine.inspect(Channel::Model, black_box(kilobyte)));
            }
        });
        let names = per_kilobyte(kilobyte.len() * 200, || {
            for _ in 0..200 {
                let scanner = engine.scanner(Channel::User, &[]).with_names();
                black_box(engine.read(scanner, black_box(kilobyte)));
            }
        });
        let policies = per_kilobyte(kilobyte.len() * 200, || {
            for _ in 0..200 {
                let scanner = engine.scanner(Channel::User, &[]).with_policies();
                black_box(engine.read(scanner, black_box(kilobyte)));
            }
        });
        let large = per_kilobyte(text.len(), || {
            black_box(engine.inspect(Channel::User, black_box(&text)));
        });
        let cut: Vec<&str> = chunks(kilobyte, 64);
        let streamed = per_kilobyte(kilobyte.len() * 200, || {
            for _ in 0..200 {
                let mut scanner = engine.scanner(Channel::Model, &holds);
                for chunk in &cut {
                    black_box(scanner.push(chunk));
                }
                black_box(scanner.finish());
            }
        });
        let mut scanner = engine.scanner(Channel::Model, &holds);
        let mut memory = 0;
        for chunk in chunks(&text, 4) {
            scanner.push(chunk);
            memory = memory.max(scanner.memory());
        }
        println!(
            "{name:<20} {small:>11.2} µs {answer:>11.2} µs {names:>11.2} µs {policies:>11.2} µs {large:>11.2} µs {streamed:>15.2} µs {memory:>12}"
        );
    }

    if named.is_empty() || named.iter().any(|name| name == "own") {
        own_types(&engine);
    }
    if named.is_empty() || named.iter().any(|name| name == "whole") {
        whole_texts();
    }
    if !named.is_empty() {
        return;
    }
    let prose = &samples()[0].1;
    let small = chunks(prose, 4);
    let tokens = per_kilobyte(small.len() * KILOBYTE, || {
        let mut scanner = engine.scanner(Channel::Model, &holds);
        for chunk in &small {
            black_box(scanner.push(chunk));
        }
        black_box(scanner.finish());
    });
    println!("one push of 4 characters of prose: {tokens:.3} µs");
    let mut scanner = engine.scanner(Channel::Model, &holds);
    let mut pushed = 0;
    let mut held: Vec<usize> = Vec::new();
    for chunk in chunks(prose, 4) {
        pushed += chunk.len();
        held.push(pushed - scanner.push(chunk).settled);
    }
    held.sort_unstable();
    let at = |p: usize| held[(held.len() - 1) * p / 100];
    println!("held back on prose by 4 characters: p50 {} p99 {} max {}", at(50), at(99), at(100));
}

fn chunks(text: &str, size: usize) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let cut = rest.char_indices().nth(size).map_or(rest.len(), |(i, _)| i);
        let (chunk, after) = rest.split_at(cut);
        out.push(chunk);
        rest = after;
    }
    out
}
