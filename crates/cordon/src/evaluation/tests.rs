use cordon_core::{Finding, Form, Span};
use cordon_policy::Ruling;
use proptest::prelude::*;

use super::*;

fn found(category: &'static str, percent: u32, (start, end): (usize, usize), action: Action) -> Ruled {
    let finding = Finding {
        category: Category::known(category),
        span: Span::new(start, end),
        score: Score::percent(percent),
        detector: "test",
        detector_version: 1,
        continues: false,
        listed: cordon_core::Listed::NONE,
    };
    Ruled {
        finding,
        ruling: Ruling { action, would: action, form: Form::default(), by: None, would_by: None },
    }
}

fn injection(percent: u32) -> Vec<Ruled> {
    let action = if percent >= 80 { Action::Block } else { Action::Allow };
    if percent == 0 { Vec::new() } else { vec![found("prompt_injection/override", percent, (0, 1), action)] }
}

fn read(json: &str) -> Result<Row, &'static str> {
    Row::read(json.as_bytes(), "file")
}

fn row(source: &str, label: &str, kind: &str, channel: &str) -> Row {
    let json = serde_json::json!({
        "source": source, "label": label, "kind": kind, "channel": channel, "text": "0123456789", "lang": "en",
    });
    read(&json.to_string()).unwrap()
}

/// Scores of texts by source, kind and channel.
fn evaluation(scores: &[(&str, &str, &str, &[u32])]) -> Evaluation {
    let mut evaluation = Evaluation::default();
    for (source, kind, channel, percents) in scores {
        let label = if kind.starts_with("benign") { "benign" } else { "attack" };
        for percent in *percents {
            let row = row(source, label, kind, channel);
            evaluation.add(&row, &injection(*percent));
            evaluation.took(source, 100_000, Duration::from_millis(100));
        }
    }
    evaluation
}

fn report(evaluation: &Evaluation, named: &[&str]) -> Report {
    let named: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
    let judge = Judge { rules: "rules".to_owned(), guard: "guard".to_owned(), processor_time: true };
    evaluation.report(judge, &named)
}

fn of<'r>(report: &'r Report, source: &str, kind: &str) -> &'r Rates {
    let same = |rates: &&Rates| rates.source.as_deref() == Some(source) && rates.kind == kind;
    report.injection.iter().find(same).unwrap()
}

fn hits(rate: Rate) -> (u64, u64) {
    (rate.hits, rate.of)
}

#[test]
fn lines_of_the_format_are_read_and_others_are_told_without_their_content() {
    let row = read(r#"{"text_b64": "w6kx", "label": "positive", "kind": "secret", "spans": [{"start": 2, "end": 3, "type": "x"}]}"#).unwrap();
    assert_eq!((row.text.as_str(), row.source.as_str(), row.label), ("é1", "file", Label::Positive));
    assert_eq!((row.channel, row.spans.len()), (Channel::User, 1));
    let row = read(r#"{"text": "a", "label": "benign", "lang": "de", "source": "s", "extra": [1]}"#).unwrap();
    assert_eq!(
        (row.kind.as_str(), row.language.as_deref(), row.source.as_str()),
        ("benign", Some("de"), "s")
    );
    for wrong in [
        "",
        "[]",
        r#"{"text": "a"}"#,
        r#"{"text": "a", "label": "good"}"#,
        r#"{"label": "benign"}"#,
        r#"{"text": "a", "label": "benign", "channel": "secret"}"#,
        r#"{"text": "a", "label": "positive"}"#,
        r#"{"text_b64": "!!", "label": "benign"}"#,
        r#"{"text": "a", "label": "positive", "kind": "pii", "spans": [{"start": 1, "end": 2, "type": "x"}]}"#,
        r#"{"text": "a", "label": "positive", "kind": "pii", "spans": [{"start": 1, "end": 1, "type": "x"}]}"#,
    ] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn the_operating_point_is_what_the_guard_acts_on() {
    let evaluation = evaluation(&[
        ("a", "direct_injection", "user", &[90, 79, 0, 80]),
        ("b", "benign_hard", "user", &[80, 50]),
    ]);
    let report = report(&evaluation, &[]);
    assert_eq!(hits(of(&report, "a", "direct_injection").operating), (2, 4));
    let benign = of(&report, "b", "benign_hard");
    assert_eq!(hits(benign.operating), (1, 2));
    // Wilson 1927 for 1 of 2.
    assert!((benign.operating.low.unwrap() - 0.0945).abs() < 1e-4);
    assert!((benign.operating.high.unwrap() - 0.9055).abs() < 1e-4);
    assert!(benign.curve.is_empty(), "two benign texts calibrate nothing");
    assert_eq!(report.texts, 6);
    assert_eq!(report.speed.last().map(|speed| (speed.file.clone(), speed.bytes)), Some((None, 600_000)));
    assert!((report.speed[0].micros_per_kb.unwrap() - 1024.0).abs() < 1e-9);
}

#[test]
fn a_curve_point_is_calibrated_on_ordinary_texts_of_other_sources_and_of_the_same_side() {
    let quiet = [0; 196];
    let evaluation = evaluation(&[
        ("one", "benign", "user", &quiet),
        ("one", "benign", "user", &[45, 60, 70, 75]),
        // Neither its own texts, nor hard ones, nor those of documents count.
        ("two", "direct_injection", "user", &[44, 60, 61, 75, 76, 90]),
        ("two", "benign", "user", &[99; 100]),
        ("hard", "benign_hard", "user", &[99; 50]),
        ("papers", "benign", "document", &[0; 99]),
        ("papers", "indirect_injection", "document", &[90]),
    ]);
    let report = report(&evaluation, &[]);
    let [point] = &of(&report, "two", "direct_injection").curve[..] else { panic!() };
    // Two of 200 may be alarms: 75 and 70.
    assert_eq!(point.above, Some(Score::percent(60)));
    assert_eq!((point.false_alarms, hits(point.caught)), (0.01, (4, 6)));
    assert!(of(&report, "papers", "indirect_injection").curve.is_empty(), "99 texts are too few");
    let sources: Vec<&[String]> = report.calibrations.iter().map(|c| c.sources.as_slice()).collect();
    assert_eq!(sources, [&["one".to_owned(), "two".to_owned()][..], &["papers".to_owned()][..]]);
}

#[test]
fn named_benign_texts_are_the_only_ones_and_one_in_a_thousand_takes_ten_thousand() {
    let many = vec![0; 9_999];
    let evaluation = evaluation(&[
        ("many", "benign_hard", "user", &many),
        ("many", "benign_hard", "user", &[50]),
        ("other", "benign", "user", &[99; 200]),
        ("attacks", "jailbreak", "user", &[50, 51, 0]),
    ]);
    let report = report(&evaluation, &["many", "nobody"]);
    let points: Vec<_> =
        of(&report, "attacks", "jailbreak").curve.iter().map(|p| (p.false_alarms, hits(p.caught))).collect();
    assert_eq!(points, [(0.01, (2, 3)), (0.001, (2, 3))]);
    assert_eq!(report.skipped.keys().collect::<Vec<_>>(), ["nobody: no benign texts to calibrate on"]);
    let together = report.together.iter().find(|rates| rates.kind == "jailbreak").unwrap();
    assert_eq!((together.curve.len(), hits(together.curve[0].caught)), (2, (2, 3)));
}

#[test]
fn languages_are_told_from_a_hundred_texts_on_and_harmful_requests_are_no_attacks() {
    let evaluation =
        evaluation(&[("a", "direct_injection", "user", &[90; 60]), ("a", "benign", "user", &[0; 99])]);
    assert!(report(&evaluation, &[]).languages.is_empty());
    let mut evaluation = evaluation;
    evaluation.add(&row("a", "benign", "benign", "user"), &injection(80));
    evaluation.add(&row("h", "attack", HARMFUL, "user"), &injection(80));
    let report = report(&evaluation, &[]);
    assert_eq!(report.languages.len(), 1);
    assert_eq!(hits(report.languages[0].attacks), (60, 60));
    assert_eq!(hits(report.languages[0].benign), (1, 100));
}

#[test]
fn values_are_covered_whole_and_findings_are_right_where_they_touch_one() {
    let mut evaluation = Evaluation::default();
    let spans = r#"[{"start": 0, "end": 4, "type": "CREDIT_CARD"}, {"start": 5, "end": 8, "type": "pii/card"}, {"start": 8, "end": 9, "type": "NRP"}]"#;
    let row =
        read(&format!(r#"{{"text": "0123456789", "label": "positive", "kind": "pii", "spans": {spans}}}"#))
            .unwrap();
    let cards = [
        found("pii/card", 90, (0, 2), Action::Redact),
        found("pii/card", 90, (1, 4), Action::Redact),
        found("pii/card", 90, (5, 7), Action::Redact),
        found("pii/card", 40, (7, 8), Action::Allow),
        found("pii/card", 90, (9, 10), Action::Redact),
        found("pii/email", 90, (9, 10), Action::Redact),
        // A card of a kind is a card.
        found("pii/card/debit", 90, (5, 6), Action::Redact),
        found("pii/card/debit", 90, (9, 10), Action::Redact),
    ];
    evaluation.add(&row, &cards);
    let report = report(&evaluation, &[]);
    let [card] = &report.types[..] else { panic!("a type that nobody labelled says nothing") };
    assert_eq!((hits(card.recall), hits(card.precision)), ((1, 2), (4, 6)));
    assert_eq!(report.skipped, [("values of the type NRP, which is no category here".to_owned(), 1)].into());
}

#[test]
fn values_that_nothing_looks_for_are_not_missed() {
    let person = Category::parse("pii/person").unwrap();
    let spans =
        r#"[{"start": 0, "end": 4, "type": "PERSON"}, {"start": 5, "end": 8, "type": "EMAIL_ADDRESS"}]"#;
    let line = format!(r#"{{"text": "0123456789", "label": "positive", "kind": "pii", "spans": {spans}}}"#);
    for (unsought, missed, not_looked_for) in [(vec![person.clone()], 0, 1), (Vec::new(), 1, 0)] {
        let mut evaluation = Evaluation::new(unsought, false);
        evaluation.add(&read(&line).unwrap(), &[]);
        let report = report(&evaluation, &[]);
        let [email, of_person] = &report.types[..] else { panic!("two types are labelled") };
        assert_eq!((hits(email.recall), email.not_looked_for), ((0, 1), 0));
        assert_eq!((&of_person.category, hits(of_person.recall)), (&person, (0, missed)));
        assert_eq!(of_person.not_looked_for, not_looked_for);
    }
}

/// A text that models were trained on (self-instruct, Apache-2.0), which a model without its source finds nothing in.
const LEARNED: &str = "create a birthday  planning CHECKLIST";

/// That text, the same as a document, which no model without its source has judged, and one that none has seen, of one source.
fn learned_and_new(with_trained: bool) -> Evaluation {
    let mut evaluation = Evaluation::new(Vec::new(), with_trained);
    let new = "Create a birthday planning checklist for Hiroko.";
    let [left_out, learned] = [Known::LeftOut(Score::ZERO), Known::Learned];
    for (text, channel, known, percent) in [
        (LEARNED, "user", left_out, 90),
        (LEARNED, "document", learned, 90),
        (new, "user", Known::New, 0),
        (new, "document", Known::New, 0),
    ] {
        let json = format!(r#"{{"text": "{text}", "label": "benign", "channel": "{channel}"}}"#);
        let row = read(&json).unwrap();
        assert_eq!(row.known, known);
        assert_eq!(evaluation.is_disguised(&row), text == new || with_trained);
        evaluation.add(&row, &injection(percent));
    }
    evaluation
}

#[test]
fn a_model_without_the_source_speaks_of_what_was_learned_and_what_none_has_judged_stands_apart() {
    for (with_trained, left_out, learned, apart) in [(false, 1, 1, (0, 1)), (true, 0, 2, (1, 2))] {
        let report = report(&learned_and_new(with_trained), &[]);
        assert_eq!((report.texts, report.left_out, report.trained_on), (4, left_out, learned));
        assert_eq!(report.with_trained, with_trained);
        assert_eq!(report.injection.len(), 4);
        let sum = |of: fn(&Rates) -> u64| report.injection.iter().map(of).sum::<u64>();
        assert_eq!((sum(|rates| rates.left_out), sum(|rates| rates.trained_on)), (left_out, learned));
        let [direct, indirect] = &report.together[..] else { panic!("two sides") };
        assert_eq!((hits(direct.operating), direct.left_out), ((1, 2), left_out));
        assert_eq!((hits(indirect.operating), indirect.left_out), (apart, 0));
        let calibrating: usize = report.calibrations.iter().map(|calibration| calibration.texts).sum();
        assert_eq!(calibrating as u64, 2 + apart.1);
    }
}

#[test]
fn rules_and_the_verdict_without_the_source_count_and_nothing_that_is_remembered() {
    let of = |detector: &'static str, percent| {
        let [mut ruled] = <[Ruled; 1]>::try_from(injection(percent)).unwrap();
        ruled.finding.detector = detector;
        ruled
    };
    let found = vec![of("injection.phrase", 55), of("injection.model", 79), of("injection.noise", 60)];
    let rule = |finding: Finding| {
        let [ruled] = <[Ruled; 1]>::try_from(injection(80)).unwrap();
        Some(Ruled { finding, ..ruled })
    };
    for (verdict, most) in [(0, 55), (33, 55), (71, 71)] {
        let counted = without_its_source(found.clone(), Score::percent(verdict), 10, rule);
        assert_eq!(counted.len(), if verdict == 0 { 1 } else { 2 });
        assert_eq!(score(&counted, &INJECTION), Score::percent(most));
    }
}

#[test]
fn curve_points_of_learned_texts_are_there_only_where_they_count() {
    for with_trained in [false, true] {
        let mut evaluation = learned_and_new(with_trained);
        for _ in 0..200 {
            evaluation.add(&row("other", "benign", "benign", "document"), &injection(0));
        }
        let report = report(&evaluation, &[]);
        let indirect = |rates: &&Rates| rates.side == Side::Indirect;
        let of_learned = report.injection.iter().filter(indirect).find(|rates| rates.trained_on > 0).unwrap();
        assert_eq!(of_learned.curve.is_empty(), !with_trained);
        let new = report.injection.iter().filter(indirect).find(|rates| rates.trained_on == 0).unwrap();
        assert_eq!(new.curve.len(), 1);
    }
}

#[test]
fn values_are_trained_on_where_a_model_looks_for_them() {
    let mut evaluation = Evaluation::default();
    let spans =
        r#"[{"start": 0, "end": 6, "type": "PERSON"}, {"start": 9, "end": 17, "type": "EMAIL_ADDRESS"}]"#;
    for text in ["Create a birthday planning checklist.", "Nobody has seen this one"] {
        let line = format!(r#"{{"text": "{text}", "label": "positive", "kind": "pii", "spans": {spans}}}"#);
        evaluation.add(&read(&line).unwrap(), &[]);
    }
    let report = report(&evaluation, &[]);
    let types: Vec<_> =
        report.types.iter().map(|t| (t.category.as_str(), t.recall.of, t.trained_on)).collect();
    assert_eq!(types, [("pii/email", 2, 0), ("pii/person", 1, 0), ("pii/person", 1, 1)]);
}

#[test]
fn what_is_over_before_the_clock_ticks_has_no_speed() {
    let mut evaluation = Evaluation::default();
    evaluation.took("short", 1_024, Duration::from_millis(4));
    evaluation.took("long", 1_024, Duration::from_millis(96));
    let speeds: Vec<Option<f64>> =
        report(&evaluation, &[]).speed.iter().map(|speed| speed.micros_per_kb).collect();
    assert_eq!(speeds, [Some(96_000.0), None, Some(50_000.0)]);
}

#[test]
fn secrets_are_covered_by_half_and_near_misses_are_counted_apart() {
    let mut evaluation = Evaluation::default();
    let line = |label: &str, spans: &str| {
        read(&format!(r#"{{"text": "0123456789", "label": "{label}", "kind": "secret", "spans": {spans}}}"#))
            .unwrap()
    };
    let key = |end| [found("secret/generic", 90, (0, end), Action::Redact)];
    let span = r#"[{"start": 0, "end": 8, "type": "key"}]"#;
    evaluation.add(&line("positive", span), &key(4));
    evaluation.add(&line("positive", span), &key(3));
    evaluation.add(&line("positive", "[]"), &key(1));
    evaluation.add(&line("positive", "[]"), &[]);
    evaluation.add(&line("negative", "[]"), &key(1));
    evaluation.add(&line("negative", "[]"), &injection(90));
    let [secrets] = &report(&evaluation, &[]).secrets[..] else { panic!() };
    assert_eq!(
        (hits(secrets.covered), hits(secrets.flagged), hits(secrets.near_misses)),
        ((2, 4), (3, 4), (1, 2))
    );
}

proptest! {
    /// However scores lie, no more benign texts of other sources exceed the limit than may, and the next lower one would let more.
    #[test]
    fn a_limit_lets_as_many_alarms_through_as_it_may(scores in prop::collection::vec(0_u32..=100, 100..400)) {
        let evaluation = evaluation(&[("benign", "benign", "user", &scores), ("attacks", "jailbreak", "user", &[0])]);
        let report = report(&evaluation, &[]);
        let above = of(&report, "attacks", "jailbreak").curve[0].above.unwrap();
        let alarms = |limit: Score| scores.iter().filter(|score| Score::percent(**score) > limit).count();
        let allowed = scores.len() / 100;
        prop_assert!(alarms(above) <= allowed);
        let lower = above.millionths().checked_sub(1).map(Score::from_millionths);
        prop_assert!(lower.is_none_or(|lower| alarms(lower) > allowed));
    }
}

#[test]
fn a_disguise_costs_what_is_no_longer_caught_in_it() {
    use cordon_inspect::obfuscate::Obfuscation::{Base64, Hex};
    let mut evaluation = Evaluation::default();
    let attack = row("s", "attack", "jailbreak", "user");
    let benign = row("s", "benign", "benign", "user");
    for (plain, disguised) in [(90, 90), (90, 0), (90, 0), (0, 90)] {
        evaluation.disguised(&attack, Base64, &injection(plain), &injection(disguised));
    }
    evaluation.disguised(&benign, Base64, &injection(0), &injection(90));
    evaluation.disguised(&benign, Hex, &injection(0), &injection(0));
    let report = report(&evaluation, &[]);
    let [base64, hex] = report.disguised.as_slice() else { panic!("{:?}", report.disguised) };
    assert_eq!((base64.obfuscation, base64.family, base64.side), ("base64", "encoded", Side::Direct));
    assert_eq!((hits(base64.plain), hits(base64.disguised), base64.lost_points), ((3, 4), (2, 4), 25.0));
    assert_eq!((hits(base64.benign), hits(hex.benign), hits(hex.plain)), ((1, 1), (0, 1), (0, 0)));
    for (label, kind, is) in [
        ("attack", "jailbreak", true),
        ("attack", HARMFUL, false),
        ("benign", ORDINARY, true),
        ("benign", "benign_hard", false),
    ] {
        assert_eq!(Evaluation::default().is_disguised(&row("s", label, kind, "user")), is, "{kind}");
    }
}
