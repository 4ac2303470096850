//! How much is compared with each other, counted: hostile texts cost no more than the bounds say, and no clock is needed to see it.

use super::*;
use crate::whole::grounding::token::MAX_TOKENS;

/// What one sentence can cost at most: its words and those left of them lead to passages, some of which are looked at in their order, and its
/// numbers are compared with all that are known.
const OF_A_SENTENCE: usize = {
    let words = 2 * MAX_TOKENS * MAX_PASSAGES + MAX_PASSAGES + 8 * 2 * MAX_TOKENS;
    let numbers = 32 * (4 * 32 + MAX_ASKED_NUMBERS + MAX_NUMBERS + 32 * 32);
    words + numbers
};

/// A sentence of as many words and numbers as are kept; `seed` says which numbers.
fn full(seed: usize) -> String {
    let words: String =
        (0..MAX_TOKENS).map(|at| format!("w{}{} ", letter(at / 26), letter(at % 26))).collect();
    let numbers: String = (0..32).map(|at| format!("{}kg ", 100 + seed * 32 + at)).collect();
    format!("{words}{numbers}.\n")
}

fn letter(at: usize) -> char {
    char::from(b'a' + u8::try_from(at).unwrap())
}

fn steps(sources: &[String], asked: &str, answer: &str, cites: bool) -> usize {
    let steps = Steps::default();
    let all: Vec<usize> = (0..sources.len()).collect();
    let sources = Sources::new(sources.iter().map(String::as_str), [asked]);
    sources.counted(answer, |_| cites.then(|| all.clone()), &steps);
    steps.count()
}

fn many(sentences: usize, from: usize) -> String {
    (from..from + sentences).map(full).collect()
}

#[test]
fn more_sources_cost_in_proportion_and_then_nothing_more() {
    let answer = full(100_000);
    let of = |count: usize| steps(&[many(count, 0)], "", &answer, false);
    for count in [8, 16, 32, 64] {
        let (one, two) = (of(count), of(2 * count));
        assert!(two <= 2 * one + one / 4 && two > one, "{count}: {one}, {two}");
    }
    let most = MAX_SOURCES / full(0).len() + 1;
    assert_eq!(of(most), of(4 * most), "what is more is not read");
    let short = |count: usize| steps(&["w one two.\n".repeat(count)], "", "W one two.", false);
    assert_eq!(short(MAX_PASSAGES), short(8 * MAX_PASSAGES));
}

#[test]
fn a_longer_answer_costs_in_proportion_and_then_nothing_more() {
    let source = [many(64, 0)];
    let of = |count: usize| steps(&source, "", &many(count, 100_000), false);
    for count in [8, 32, 128] {
        let (one, two) = (of(count), of(2 * count));
        assert!(two <= 2 * one + one / 4 && two > one, "{count}: {one}, {two}");
    }
    assert_eq!(of(MAX_SENTENCES), of(2 * MAX_SENTENCES));
}

#[test]
fn hostile_texts_stay_below_the_bound() {
    let sources: Vec<String> = (0..256).map(|source| many(1, source)).collect();
    let one = [many(400, 0)];
    let cited = full(100_000).replace(".\n", &format!("{}.\n", "[1]".repeat(40))).repeat(300);
    for (sources, answer) in [
        (&sources[..], cited),
        (&one[..], many(300, 100_000)),
        (&one[..], "1 ".repeat(100_000)),
        (&one[..], "not ".repeat(50_000)),
        (&one[..], "[".repeat(100_000)),
        (&one[..], "a\u{301}".repeat(50_000)),
    ] {
        let count = steps(sources, &many(40, 300_000), &answer, true);
        assert!(count <= 2 * MAX_SENTENCES * OF_A_SENTENCE, "{count}");
    }
}

#[test]
fn what_is_not_read_is_counted() {
    let text = "Parcels are sent from Hamburg.\n";
    let sources = Sources::new([text.repeat(MAX_PASSAGES).as_str(), text, text], []);
    assert_eq!(sources.unread(), 2 * text.len());
    let long = "ä".repeat(MAX_SOURCES);
    assert_eq!(Sources::new([long.as_str(), "b"], []).unread(), MAX_SOURCES + 1);
    assert_eq!(Sources::new([text], []).unread(), 0);
    let reading = Sources::new([text], []).read(&text.repeat(MAX_SENTENCES + 3), |_| None);
    assert_eq!((reading.sentences.len(), reading.more), (MAX_SENTENCES, 3));
    // What is cited behind the last one is none of its citations.
    let cited = format!("{}It goes on [1]. And on [1].", text.repeat(MAX_SENTENCES));
    let reading = Sources::new([text], []).read(&cited, |_| Some(vec![0]));
    assert!(reading.sentences.iter().all(|sentence| sentence.citations.is_empty()));
}

#[test]
fn what_only_the_question_says_is_no_claim() {
    let sources = Sources::new(
        ["Parcels are sent from Hamburg."],
        ["Is order 4711 for Lena Kranz insured against theft?"],
    );
    assert_eq!(sources.judge("Order 4711 for Lena Kranz is insured against theft."), []);
    // A long question is known to its end.
    let asked = format!(
        "{} Is the lighthouse keeper awake?",
        "Some other words stand before the question. ".repeat(60)
    );
    let sources = Sources::new(["Parcels are sent from Hamburg."], [asked.as_str()]);
    assert_eq!(sources.judge("The lighthouse keeper is awake."), []);
    assert_eq!(sources.judge("The lighthouse keeper owns four parrots.").len(), 1);
}

#[test]
fn a_citation_is_compared_with_the_numbers_of_its_own_source() {
    let sources = ["Delivery by courier takes 18 hours.", "Delivery by boat goes on for 90 hours in all."];
    let read = Sources::new(sources, []);
    let of = |number: usize| {
        let reading = read.read("Delivery by courier takes 90 hours [1].", |_| Some(vec![number]));
        reading.sentences[0].cited.unwrap().verdict
    };
    assert_eq!(of(0), Grounded::Contradicted);
}
