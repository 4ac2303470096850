//! Sentences that their sources bear out, do not, and contradict: written by hand, and made from facts.
//!
//! `grounding/development.txt` is what the rules were made on; `grounding/held_out.txt` was written with it and not looked at since. What is
//! stated in the documentation is of the second, and of the made ones.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    missing_docs,
    reason = "test code"
)]

use cordon_core::Score;
use cordon_inspect::{Grounded, Sources};
use cordon_testkit::chunking::Random;

const DEVELOPMENT: &str = include_str!("grounding/development.txt");
const HELD_OUT: &str = include_str!("grounding/held_out.txt");

/// From this score on a finding counts here, as in the documentation's guard.
const AT: Score = Score::percent(50);

/// How often sentences of one kind were flagged, how often as the right kind, and how many there are.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    flagged: usize,
    right: usize,
    all: usize,
}

impl Tally {
    fn share(self) -> f64 {
        self.flagged as f64 / self.all as f64
    }
}

/// What becomes of a sentence with this source, told from a question that says nothing.
fn verdict(source: &str, sentence: &str) -> Option<Grounded> {
    let sources = Sources::new([source], []);
    let judged = sources.judge(sentence);
    assert!(judged.len() <= 1, "{sentence}: {judged:?}");
    let found = judged.first().filter(|found| found.verdict == Grounded::Supported || found.score >= AT);
    found.map(|found| found.verdict)
}

/// The tallies of supported, contradicted and unsupported sentences of a corpus.
fn measure(corpus: &str, says: bool) -> [Tally; 3] {
    let mut tallies = [Tally::default(); 3];
    let mut source = "";
    for line in corpus.lines() {
        let (sign, text) = line.split_at(2);
        let (at, right) = match sign.trim() {
            "=" => {
                source = text;
                continue;
            }
            "+" => (0, Grounded::Supported),
            "!" => (1, Grounded::Contradicted),
            "-" => (2, Grounded::Unsupported),
            other => panic!("{other}"),
        };
        let found = verdict(source, text);
        let flagged = found.is_some_and(|found| found != Grounded::Supported);
        if says && (flagged != (at > 0) || at > 0 && found != Some(right)) {
            println!("{sign}{found:?} {text}");
        }
        tallies[at].all += 1;
        tallies[at].flagged += usize::from(flagged);
        tallies[at].right += usize::from(found == Some(right));
    }
    tallies
}

#[test]
fn sentences_written_by_hand() {
    for (corpus, name) in [(DEVELOPMENT, "development"), (HELD_OUT, "held out")] {
        let [supported, contradicted, unsupported] = measure(corpus, name == "development");
        println!(
            "{name}: supported {supported:?}, contradicted {contradicted:?}, unsupported {unsupported:?}"
        );
        assert!(supported.share() <= 0.10, "false alarms, {name}: {supported:?}");
        assert!(contradicted.share() >= 0.80, "contradictions found, {name}: {contradicted:?}");
        assert!(unsupported.share() >= 0.80, "what was made up found, {name}: {unsupported:?}");
    }
}

/// A fact, and ways to say it: as a source does, as an answer does, and as one that is wrong does. `{}` is its value.
struct Fact {
    source: &'static [&'static str],
    answer: &'static [&'static str],
    /// A right value and a wrong one for it.
    values: fn(&mut Random) -> (String, String),
}

fn pick<'a>(random: &mut Random, of: &[&'a str]) -> &'a str {
    of[random.below(of.len())]
}

fn two(random: &mut Random, unit: &str, low: usize, many: usize) -> (String, String) {
    let right = low + random.below(many);
    let wrong = right + 1 + random.below(many);
    (format!("{right} {unit}"), format!("{wrong} {unit}"))
}

fn day(random: &mut Random) -> (String, String) {
    const MONTHS: [&str; 6] = ["January", "March", "May", "August", "October", "December"];
    let of = |random: &mut Random, at: usize| {
        format!("{} {} 20{}", 1 + random.below(14) + at, MONTHS[random.below(6)], 20 + random.below(9))
    };
    (of(random, 0), of(random, 14))
}

const FACTS: [Fact; 10] = [
    Fact {
        source: &["Parcels are delivered within {}.", "Delivery of parcels takes {}."],
        answer: &["Your parcel will be delivered within {}.", "Delivery of a parcel takes {}."],
        values: |random| two(random, "working days", 2, 8),
    },
    Fact {
        source: &["The guarantee on devices lasts {}.", "Devices have a guarantee of {}."],
        answer: &["Devices come with a guarantee of {}.", "The guarantee on devices is {}."],
        values: |random| two(random, "months", 6, 30),
    },
    Fact {
        source: &["Membership costs {} a month and can be cancelled at any time."],
        answer: &["Membership is {} per month.", "A membership costs {} a month."],
        values: |random| two(random, "EUR", 9, 40),
    },
    Fact {
        source: &[
            "The warehouse in Tilburg has {} of storage shelves.",
            "In Tilburg there is a warehouse with {} of storage shelves.",
        ],
        answer: &[
            "The warehouse in Tilburg has {} of storage shelves.",
            "There are {} of storage shelves in the Tilburg warehouse.",
        ],
        values: |random| two(random, "km", 11, 80),
    },
    Fact {
        source: &["The workshop takes place on {} in the town hall."],
        answer: &[
            "The workshop in the town hall is on {}.",
            "On {}, the workshop takes place in the town hall.",
        ],
        values: day,
    },
    Fact {
        source: &["The contract was signed on {} by both partners."],
        answer: &[
            "Both partners signed the contract on {}.",
            "The contract was signed by both partners on {}.",
        ],
        values: day,
    },
    Fact {
        source: &[
            "About {} of the customers choose paper invoices.",
            "Paper invoices are chosen by {} of the customers.",
        ],
        answer: &[
            "Paper invoices are chosen by {} of customers.",
            "Of the customers, {} choose paper invoices.",
        ],
        values: |random| two(random, "percent", 15, 35),
    },
    Fact {
        source: &["The reservoir holds {} of drinking water when full."],
        answer: &[
            "When full, the reservoir holds {} of drinking water.",
            "The reservoir can hold {} of drinking water.",
        ],
        values: |random| two(random, "million litres", 20, 70),
    },
    Fact {
        source: &["Damaged goods are {} under the standard terms."],
        answer: &[
            "Under the standard terms, damaged goods are {}.",
            "The standard terms say that damaged goods are {}.",
        ],
        values: |random| {
            if random.below(2) == 0 {
                ("refunded".into(), "not refunded".into())
            } else {
                ("not refunded".into(), "refunded".into())
            }
        },
    },
    Fact {
        source: &["Support in the evening is {} for business accounts."],
        answer: &[
            "For business accounts, evening support is {}.",
            "Business accounts have support in the evening: it is {}.",
        ],
        values: |random| {
            let words = [("included", "excluded"), ("free", "not free"), ("available", "not available")];
            let (right, wrong) = words[random.below(3)];
            (right.into(), wrong.into())
        },
    },
];

const MADE_UP: [&str; 8] = [
    "A loyalty programme collects stars for every purchase.",
    "The founder once sailed around Cape Horn with two friends.",
    "Technicians wear yellow helmets while climbing the mast.",
    "Vegetarian menus are prepared by a cook from Naples.",
    "Students may borrow laptops from the library desk overnight.",
    "The tower was painted green after the last inspection.",
    "Gift cards can be bought at petrol stations in Norway.",
    "An orchestra rehearses in the basement every Thursday.",
];

/// False alarms on sentences that say what their source says, and what is found of such as do not, all made from the facts above.
#[test]
fn sentences_made_from_facts() {
    let mut tallies = [Tally::default(); 3];
    for seed in 0..600 {
        let mut random = Random::new(seed);
        let mut facts: Vec<(&Fact, (String, String))> = Vec::new();
        for fact in &FACTS {
            if random.below(3) > 0 {
                facts.push((fact, (fact.values)(&mut random)));
            }
        }
        let said = |random: &mut Random, ways: &[&str], value: &str| pick(random, ways).replace("{}", value);
        let source: Vec<String> =
            facts.iter().map(|(fact, (right, _))| said(&mut random, fact.source, right)).collect();
        let sources = Sources::new(source.iter().map(String::as_str), []);
        let mut answer = Vec::new();
        for (fact, (right, wrong)) in &facts {
            match random.below(4) {
                0 => answer.push((1, said(&mut random, fact.answer, wrong))),
                _ => answer.push((0, said(&mut random, fact.answer, right))),
            }
        }
        answer.push((2, pick(&mut random, &MADE_UP).to_owned()));
        let text = answer.iter().map(|(_, sentence)| sentence.as_str()).collect::<Vec<_>>().join(" ");
        let judged = sources.judge(&text);
        assert_eq!(judged.len(), answer.len(), "{text}");
        for ((kind, sentence), found) in answer.iter().zip(&judged) {
            assert_eq!(&text[found.span.range()], sentence);
            let flagged = found.verdict != Grounded::Supported && found.score >= AT;
            let right = [Grounded::Supported, Grounded::Contradicted, Grounded::Unsupported][*kind];
            tallies[*kind].all += 1;
            tallies[*kind].flagged += usize::from(flagged);
            tallies[*kind].right += usize::from(found.verdict == right);
            if flagged != (*kind > 0) && tallies[*kind].all < 400 {
                println!("{kind} {found:?} {sentence} <- {source:?}");
            }
        }
    }
    let [supported, contradicted, unsupported] = tallies;
    println!("made: supported {supported:?}, contradicted {contradicted:?}, unsupported {unsupported:?}");
    assert!(supported.share() <= 0.05, "false alarms: {supported:?}");
    assert!(contradicted.share() >= 0.85, "{contradicted:?}");
    assert!(unsupported.share() >= 0.95, "{unsupported:?}");
}

#[test]
fn what_claims_nothing_is_not_judged() {
    let sources = Sources::new(
        ["Parcels are sent from Hamburg within three working days."],
        ["Is order 4711 for Lena Kranz on its way?"],
    );
    for text in [
        "",
        "Of course!",
        "Is there anything else that I can look up for you?",
        "Let me know if you need more details about other parcels.",
        "The documents do not mention insurance for parcels.",
        "Here is what the documents say about parcels:",
        "Yes.",
    ] {
        assert_eq!(sources.judge(text), [], "{text}");
    }
    // What stands in the question may be said again.
    let judged = sources.judge("Order 4711 for Lena Kranz is sent from Hamburg within three working days.");
    assert_eq!(judged[0].verdict, Grounded::Supported, "{judged:?}");
    // Words of another language say nothing of each other.
    let long = "Parcels are sent from Hamburg within three working days, and they are with you two days after that. They are insured.";
    let sources = Sources::new([long], []);
    let german = "Die Pakete werden aus Hamburg nicht innerhalb von fünf Tagen verschickt, und sie sind auch nicht gegen den Verlust versichert.";
    assert_eq!(sources.judge(german), []);
    assert!(
        Sources::new([], []).is_empty()
            && Sources::new([], []).judge("Parcels are sent on Monday.").is_empty()
    );
}

#[test]
fn the_nearest_passage_is_named() {
    let sources = [
        "Opening hours are 9 to 17.",
        "Returns are free. Parcels are sent from Hamburg within three working days.",
    ];
    let read = Sources::new(sources, []);
    let judged = read.judge("Parcels are sent from Hamburg within nine working days.");
    let (source, span) = judged[0].passage.unwrap();
    assert_eq!(judged[0].verdict, Grounded::Contradicted);
    assert_eq!(&sources[source][span.range()], "Parcels are sent from Hamburg within three working days.");
}

/// How much hostile texts cost is counted in the tests of `whole::grounding`.
#[test]
fn hostile_texts_are_read_to_their_bounds() {
    let long = "alpha beta gamma delta 12 kg on 5 May 2024. ".repeat(10_000);
    let sources = Sources::new([long.as_str()], [long.as_str()]);
    assert!(sources.unread() > 0);
    let reading = sources.read(&long, |_| None);
    assert_eq!((reading.sentences.len(), reading.more), (256, 10_000 - 256));
    for hostile in [
        "1 ".repeat(50_000),
        "not ".repeat(25_000),
        "[".repeat(50_000),
        "(source: ".repeat(5_000),
        "`[1".repeat(20_000),
        "Ⅷ٣.".repeat(10_000),
        "a\u{301}".repeat(25_000),
        "-9 ".repeat(25_000),
        "\u{0}\u{fffd}\u{202e}.".repeat(5_000),
    ] {
        let own = Sources::new([hostile.as_str()], [hostile.as_str()]);
        for answer in [hostile.as_str(), "It weighs 12 kg [1]."] {
            for judged in own.judge(answer).into_iter().chain(sources.judge(answer)) {
                assert!(
                    answer.is_char_boundary(judged.span.start) && answer.is_char_boundary(judged.span.end)
                );
            }
        }
    }
}
