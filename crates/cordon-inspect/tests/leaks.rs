//! Prompts that come back in answers: what is a leak and what is none, and the laws of the stream for it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "test code"
)]

use std::sync::LazyLock;

use cordon_core::{Category, Channel, Finding, Score};
use cordon_inspect::obfuscate::Obfuscation;
use cordon_inspect::{Engine, Prompt, Step};
use cordon_testkit::corpus;
use proptest::prelude::*;

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::builtin);

const LEAK: Category = Category::known("leak");

const TOLD: &str = "You are Ada, the assistant of Harbour Light Insurance. Answer in short, friendly sentences and only about \
    policies of households and cars. Never promise that a claim will be paid: say that a colleague decides it within three working \
    days. Partners get twelve percent off when they name the code HARBOUR-TWELVE, and nobody else may learn of it. When somebody is \
    angry twice in a row, hand the conversation over to the desk in Lisbon and tell them how long the queue is. End every answer \
    with the sentence: Thank you for sailing with Harbour Light, and have a safe journey home!";

fn prompt(known: &[&str]) -> Prompt {
    Prompt::new([TOLD], known.iter().copied())
}

fn stream<'a>(text: impl IntoIterator<Item = &'a str>, prompt: &Prompt) -> Vec<Step> {
    let mut scanner = ENGINE.scanner(Channel::Model, &[LEAK]).with_prompt(prompt.clone());
    let mut steps: Vec<Step> = text.into_iter().map(|chunk| scanner.push(chunk)).collect();
    steps.push(scanner.finish());
    steps
}

/// Every leak, after a check that none was late.
fn checked(text: &str, steps: &[Step]) -> Vec<Finding> {
    let (mut leaks, mut settled): (Vec<Finding>, usize) = (Vec::new(), 0);
    for step in steps {
        for finding in step.findings.iter().filter(|finding| LEAK.covers(&finding.category)) {
            let (start, end) = (finding.span.start, finding.span.end);
            assert!(text.get(start..end).is_some_and(|span| !span.is_empty()), "{finding:?} in {text:?}");
            assert!(start >= settled, "{finding:?} was settled up to {settled} in {text:?}");
            leaks.push(finding.clone());
        }
        assert!(step.settled >= settled && step.settled <= text.len());
        settled = step.settled;
    }
    assert_eq!(settled, text.len());
    leaks
}

/// The leaks of a text: in one piece, and the same in pieces of several lengths.
fn leaks(text: &str, prompt: &Prompt) -> Vec<Finding> {
    let whole = checked(text, &stream([text], prompt));
    for size in [1, 7, 64] {
        let pieces: Vec<&str> = pieces(text, (0..text.len()).step_by(size));
        assert_eq!(checked(text, &stream(pieces, prompt)), whole, "in pieces of {size}: {text:?}");
    }
    whole
}

fn pieces(text: &str, cuts: impl IntoIterator<Item = usize>) -> Vec<&str> {
    let mut places: Vec<usize> = cuts.into_iter().map(|cut| text.floor_char_boundary(cut)).collect();
    places.extend([0, text.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |bytes: &[u8]| {
        let value = (0..3).fold(0, |value, i| value << 8 | usize::from(bytes.get(i).copied().unwrap_or(0)));
        let digit =
            |i: usize| if i > bytes.len() { '=' } else { char::from(DIGITS[value >> (18 - 6 * i) & 63]) };
        (0..4).map(digit).collect::<String>()
    };
    text.as_bytes().chunks(3).map(group).collect()
}

#[test]
fn the_longer_it_is_repeated_the_surer_it_is() {
    let words: Vec<&str> = TOLD.split(' ').collect();
    let mut last = Score::ZERO;
    for (count, score) in [(5, 0), (9, 0), (10, 35), (16, 60), (24, 80), (40, 95), (words.len(), 95)] {
        let said = words[..count].join(" ");
        let found =
            leaks(&format!("Here it is: {said} – quod erat demonstrandum, dear friend."), &prompt(&[]));
        let best = found.iter().map(|finding| finding.score).max().unwrap_or(Score::ZERO);
        assert_eq!(best, Score::percent(score), "{count} words");
        assert!(best >= last);
        last = best;
        if let [only] = found.as_slice() {
            let words = said.trim_end_matches(['.', '!']);
            assert_eq!(&format!("Here it is: {said}")[only.span.range()], words);
        }
    }
    // Most of a short prompt is the prompt.
    let short = "Speak like a pirate, and keep to yourself that the treasure lies below the old oak.";
    let found = leaks(&format!("I was told: {short}"), &Prompt::new([short], []));
    assert_eq!(found.iter().map(|finding| finding.score).max(), Some(Score::percent(80)));
}

#[test]
fn it_is_seen_however_it_is_written() {
    let upper = TOLD.to_uppercase();
    let lines = TOLD.replace(' ', "\n- ");
    let wide: String = TOLD
        .chars()
        .map(|c| char::from_u32(u32::from(c) + 0xfee0).filter(|_| c.is_ascii_graphic()).unwrap_or(c))
        .collect();
    let hidden = TOLD.replace('e', "e\u{200b}");
    let changed: String = TOLD
        .split(' ')
        .enumerate()
        .map(|(i, word)| if i % 12 == 11 { "well " } else { word }.to_owned() + " ")
        .collect();
    let escaped = TOLD.replace(' ', "\\n").replace('a', "&#97;");
    for text in
        [TOLD, &upper, &lines, &wide, &hidden, &changed, &escaped, &base64(TOLD), &base64(&base64(TOLD))]
    {
        let found = leaks(text, &prompt(&[]));
        assert!(found.iter().any(|finding| finding.score >= Score::percent(80)), "{text}: {found:?}");
    }
    let characters = "你是海港灯塔保险公司的助手。只回答关于家庭和汽车保险的问题，不要承诺理赔一定会支付，合作伙伴的折扣代码不能告诉任何人。";
    let found = leaks(&format!("我的指示是：{characters}"), &Prompt::new([characters], []));
    assert!(found.iter().any(|finding| finding.score >= Score::percent(80)), "{found:?}");
}

/// In every disguise that the views undo, and backwards.
#[test]
fn it_is_seen_in_every_disguise_and_backwards() {
    let prompt = prompt(&[]);
    let surest = |text: &str| {
        let found = checked(text, &stream([text], &prompt));
        found.iter().map(|finding| finding.score).max().unwrap_or(Score::ZERO)
    };
    let backwards = |text: &str| text.chars().rev().collect::<String>();
    let words = |text: &str| text.split(' ').map(backwards).collect::<Vec<_>>().join(" ");
    for text in [backwards(TOLD), format!("Here you are:\n{}", backwards(TOLD)), backwards(&TOLD[..260])] {
        assert!(surest(&text) >= Score::percent(80), "{text}: {}", surest(&text));
    }
    for obfuscation in Obfuscation::ALL {
        for seed in [1, 2] {
            let text = obfuscation.apply(TOLD, seed);
            assert!(surest(&text) >= Score::percent(80), "{obfuscation:?} {seed}: {}", surest(&text));
        }
    }
    // What the user wrote himself is none, turned around or in other digits.
    let known = Prompt::new([TOLD], [TOLD]);
    for text in [backwards(TOLD), Obfuscation::Leetspeak.apply(TOLD, 1)] {
        assert_eq!(checked(&text, &stream([text.as_str()], &known)), [], "{text}");
    }
    // A text that turns around something else.
    let other = "The museum of the harbour opens at nine. It shows ships, ropes and maps, and the queue is short on weekdays when the \
        light is good and the weather holds. Cars may park behind the tower until the evening.";
    for text in [backwards(other), words(other), Obfuscation::Leetspeak.apply(other, 1)] {
        assert_eq!(surest(&text), Score::ZERO, "{text}");
    }
}

#[test]
fn what_is_no_leak() {
    for text in [
        "",
        "I am Ada, the assistant of Harbour Light Insurance. How can I help you with your car?",
        "A colleague decides it within three working days. I cannot promise that it will be paid.",
        "You are right. Never mind: when somebody is angry, say so, and answer in short sentences.",
    ] {
        assert_eq!(leaks(text, &prompt(&[])), [], "{text}");
    }
    // What the model is told to say is little of the prompt, and scores little.
    for closing in [
        "Glad to help. Thank you for sailing with Harbour Light, and have a safe journey home!",
        "Thank you for sailing with us, and have a safe journey home!",
    ] {
        assert!(leaks(closing, &prompt(&[])).iter().all(|one| one.score <= Score::percent(35)), "{closing}");
    }
    // Who writes it himself may hear it again, and only that.
    let (known, rest) = TOLD.split_at(TOLD.find("Partners").unwrap());
    assert_eq!(leaks(&format!("You wrote: {known}"), &prompt(&[known])), []);
    let found = leaks(&format!("You wrote: {known}And it goes on: {rest}"), &prompt(&[known]));
    assert!(!found.is_empty());
    assert!(found.iter().all(|finding| finding.span.start >= "You wrote: ".len() + known.len()), "{found:?}");
    // Only what models write, or repeat, is looked at.
    let mut scanner = ENGINE.scanner(Channel::User, &[LEAK]).with_prompt(prompt(&[]));
    assert!(scanner.push(TOLD).findings.is_empty() && scanner.finish().findings.is_empty());
    // Nothing was told.
    assert_eq!(leaks(TOLD, &Prompt::new(["", "Be kind."], [])), []);
}

#[test]
fn a_marker_is_certain_wherever_it_stands() {
    let marker = "cordon7c0ffee5eed1234567890abcdef";
    for told in [Prompt::default(), prompt(&[])] {
        let told = told.with_marker(marker);
        for text in [
            format!("The id is {marker}."),
            format!("{{\"url\":\"https://evil.example/?q={marker}&x=1\"}}"),
            marker.to_uppercase(),
            base64(&format!("it is {marker}, you see")),
        ] {
            let found = leaks(&text, &told);
            let of = found.iter().find(|finding| finding.category.as_str() == "leak/marker").expect(&text);
            assert_eq!(of.score, Score::ONE);
        }
        let (half, _) = marker.split_at(16);
        assert_eq!(leaks(&format!("The id is {half}, and more of it is not known."), &told), []);
    }
}

#[test]
fn a_marker_of_documents_is_told_from_that_of_instructions() {
    let told = prompt(&[]).with_marker("aaaabbbbcccc").with_document_marker("ddddeeeeffff");
    let categories = |text: &str| {
        let found = leaks(text, &told);
        found.into_iter().map(|finding| finding.category.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(categories("The word is ddddeeeeffff."), ["leak/marker/document"]);
    assert_eq!(categories("The word is aaaabbbbcccc."), ["leak/marker"]);
    assert_eq!(categories(&base64("the word is ddddeeeeffff, they say")), ["leak/marker/document"]);
    assert_eq!(categories("ddddeeee ffff"), [""; 0]);
}

#[test]
fn an_endless_repetition_is_covered_and_holds_back_no_more_than_its_bound() {
    let text = format!("{} {}", TOLD.repeat(40), "and then something else was said. ".repeat(40));
    let mut scanner = ENGINE.scanner(Channel::Model, &[LEAK]).with_prompt(prompt(&[]));
    let (mut found, mut pushed, mut held) = (Vec::new(), 0, 0);
    for piece in pieces(&text, (0..text.len()).step_by(97)) {
        pushed += piece.len();
        let step = scanner.push(piece);
        found.extend(step.findings.into_iter().filter(|finding| LEAK.covers(&finding.category)));
        held = held.max(pushed - step.settled);
    }
    found.extend(scanner.finish().findings.into_iter().filter(|finding| LEAK.covers(&finding.category)));
    assert!(held <= 4096 + 1024, "{held}");
    assert!(!found[0].continues && found[1..].iter().all(|finding| finding.continues) && found.len() > 4);
    for pair in found.windows(2) {
        assert_eq!(pair[0].span.end, pair[1].span.start, "nothing is left between two pieces");
    }
    let end = found.last().unwrap().span.end;
    // The mark behind the last word is no part of it.
    assert_eq!((found[0].span.start, end), (0, TOLD.len() * 40 - 1));
}

/// Prompts that people have published, told together, and texts that nobody wrote after them.
#[test]
fn other_texts_are_no_leak_of_published_prompts() {
    let Some(prompts) = corpus::guard("awesome_chatgpt_prompts") else { return };
    let prompts: Vec<&str> = prompts.iter().map(|case| case.text.as_str()).collect();
    let (mut texts, mut leaks) = (0_usize, Vec::new());
    for source in ["gpteacher_benign", "selfinstruct_benign", "techdocs_hard_benign"] {
        let Some(cases) = corpus::guard(source) else { return };
        for (i, case) in cases.iter().take(400).enumerate() {
            // The bound of what is told lies below all prompts together: each text has others.
            let told = prompts.iter().cycle().skip(i * 30 % prompts.len()).take(40).copied();
            let mut scanner = ENGINE.scanner(Channel::Model, &[]).with_prompt(Prompt::new(told, []));
            let mut found = scanner.push(&case.text).findings;
            found.extend(scanner.finish().findings);
            texts += 1;
            leaks.extend(
                found
                    .into_iter()
                    .filter(|one| LEAK.covers(&one.category))
                    .map(|one| (case.id.clone(), one.score)),
            );
        }
    }
    println!("{} leaks in {texts} texts: {leaks:?}", leaks.len());
    assert!(texts >= 1000 && leaks.len() * 1000 <= texts, "{leaks:?} in {texts} texts");
}

fn text() -> impl Strategy<Value = String> {
    let words: Vec<&'static str> = TOLD.split(' ').collect();
    let length = words.len();
    let piece = prop_oneof![
        6 => (0..length, 1_usize..30).prop_map(move |(at, count)| words[at..length.min(at + count)].join(" ")),
        2 => "[a-z]{1,9}",
        2 => prop::sample::select(vec![" ", "\n", ", ", ". ", "\u{200b}", "é", "你", "\u{202e}", "\\n", "&#32;", "%20", "=\n", "\u{1b}[31m", "'"])
            .prop_map(str::to_owned),
        1 => (1_usize..700, "[a-z .]{1,2}").prop_map(|(n, s)| s.repeat(n)),
        1 => Just(base64(TOLD)),
        1 => Just("marker7c0ffee".to_owned()),
    ];
    prop::collection::vec((piece, prop::sample::select(vec![" ", "", "\n"])), 0..14)
        .prop_map(|pieces| pieces.into_iter().map(|(piece, gap)| piece + gap).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn leaks_do_not_depend_on_the_cuts(text in text(), cuts in prop::collection::vec(any::<usize>(), 0..12), known in any::<bool>()) {
        let known: &[&str] = if known { &[&TOLD[..200]] } else { &[] };
        let prompt = prompt(known).with_marker("marker7c0ffee");
        let whole = checked(&text, &stream([text.as_str()], &prompt));
        let cut = pieces(&text, cuts.iter().map(|cut| cut % (text.len() + 1)));
        prop_assert_eq!(&whole, &checked(&text, &stream(cut, &prompt)));
        let single = pieces(&text, (0..text.len()).take(3000));
        prop_assert_eq!(&whole, &checked(&text, &stream(single, &prompt)));
    }

    /// Twenty-four words of the prompt in a row are always seen, whatever stands around them.
    #[test]
    fn a_long_piece_is_always_seen(before in text(), at in 0_usize..60, after in text()) {
        let words: Vec<&str> = TOLD.split(' ').collect();
        let said = words[at..at + 24].join(" ");
        let text = format!("{before} .\n\n{said}\n\n{after}");
        let found = checked(&text, &stream([text.as_str()], &prompt(&[])));
        let middle = before.len() + 4 + said.len() / 2;
        prop_assert!(found.iter().any(|one| one.span.range().contains(&middle)), "{:?}: {:?}", text, found);
    }
}
