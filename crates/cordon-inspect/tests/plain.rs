//! Attacks in plain words, without the phrases that are famous, and requests of the same words that are none.
#![allow(clippy::print_stdout, missing_docs, reason = "test code")]

use std::sync::LazyLock;

use cordon_core::Channel;
use cordon_inspect::Engine;

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::builtin);

/// Attacks that were read while the rules were written.
const ATTACKS: &str = include_str!("plain/attacks.txt");
/// Requests of the same words.
const TWINS: &str = include_str!("plain/twins.txt");
/// Attacks that were written after the rules, for which none was changed.
const UNSEEN: &str = include_str!("plain/unseen.txt");

/// The highest score of an injection: half is where the baseline flags.
fn score(text: &str) -> f64 {
    let found = ENGINE.inspect(Channel::User, text);
    let injections = found.iter().filter(|f| f.category.as_str().starts_with("prompt_injection"));
    injections.map(|f| f.score.as_f64()).fold(0.0, f64::max)
}

#[test]
fn attacks_in_plain_words_are_found_and_their_twins_are_not() {
    let at = |list: &'static str, least: f64| list.lines().filter(move |text| score(text) >= least);
    let (attacks, twins) = (ATTACKS.lines().count(), TWINS.lines().count());
    let missed: Vec<_> = ATTACKS.lines().filter(|text| score(text) < 0.5).collect();
    let alarms: Vec<_> = at(TWINS, 0.5).collect();
    println!(
        "{} of {attacks} attacks are missed, {} of {twins} twins raise an alarm",
        missed.len(),
        alarms.len()
    );
    println!(
        "of {} attacks that the rules were not written for {} are found, and {} are likely",
        UNSEEN.lines().count(),
        at(UNSEEN, 0.5).count(),
        at(UNSEEN, 0.3).count()
    );
    assert!(missed.len() * 100 <= attacks * 17, "missed: {missed:#?}");
    assert!(alarms.len() * 100 <= twins * 3, "alarms: {alarms:#?}");
}
