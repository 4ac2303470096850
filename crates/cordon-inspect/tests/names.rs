//! Names in sentences that no training data holds, and sentences without one.
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

use cordon_core::{Category, Channel, Score};
use cordon_inspect::Engine;

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::builtin);

fn seen(text: &str) -> Vec<(String, String)> {
    let of = ["pii/person", "pii/organisation", "pii/place", "pii/address"].map(Category::known);
    ENGINE
        .inspect(Channel::User, text)
        .iter()
        .filter(|f| of.contains(&f.category))
        .map(|f| (f.category.leaf().to_owned(), text[f.span.range()].to_owned()))
        .collect()
}

#[test]
fn names_are_found_in_sentences() {
    for (text, kind, name) in [
        ("Yesterday I had lunch with Margaret Thornbury, who is a lawyer.", "person", "Margaret Thornbury"),
        ("Dear Mr. Okonjo, your contract ends soon.", "person", "Okonjo"),
        ("My name is Tomasz Zielinski and I need help.", "person", "Tomasz Zielinski"),
        (
            "She has been an engineer at Brightwater Systems Ltd since 2011.",
            "organisation",
            "Brightwater Systems Ltd",
        ),
        ("We spent the summer in Barcelona with friends.", "place", "Barcelona"),
        ("Please deliver it to 48 Willow Lane before noon.", "address", "48 Willow Lane"),
    ] {
        let found = seen(text);
        assert!(found.iter().any(|(k, n)| k == kind && n.starts_with(name)), "{text}: {found:?}");
    }
}

#[test]
fn ordinary_capitals_are_no_names() {
    for text in [
        "Write a short story about a dragon. The dragon should be friendly.",
        "Explain the difference between HTTP and HTTPS in simple words.",
        "The committee met on Tuesday. Most members agreed. Afterwards everyone left.",
        "1. Open the file. 2. Read the table. 3. Close the file.",
    ] {
        assert_eq!(seen(text), [], "{text}");
    }
}

/// A name alone is no reason to act where a policy acts from 0.5 on.
#[test]
fn a_name_alone_stays_below_one_half() {
    let findings = ENGINE.inspect(Channel::User, "Write a poem about Albert Einstein and the city of Paris.");
    assert!(findings.iter().all(|f| f.score < Score::percent(50)), "{findings:?}");
}
