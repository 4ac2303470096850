//! Detectors that are built in and find nothing any more take the calls that need them to their failure mode.

use std::sync::LazyLock;

use cordon_core::{
    Action, Form, RefusalCode, Timestamp,
    resource::{Kind, Resource, WhenUnavailable},
};
use cordon_inspect::Engine;
use cordon_policy::Quarantined;

use super::{canaries, registry::Needed, second::Answers, self_test::Local, *};
use crate::{Inspection, Verdict, tree::testing::inspection};

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::builtin);
const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// What a call under this inspection comes to, where these detectors are blind: what it is refused with, and the detectors named.
fn call(
    blind: &'static [&'static str],
    inspection: &Inspection,
    needed: Needed,
    out: &Quarantined,
) -> (Option<RefusalCode>, Vec<String>) {
    let infos = [ENGINE.detectors(), canaries::beside_engine()].concat();
    let local = Local::by(&infos, |info| blind.contains(&info.name), NOW);
    let broken = local.unavailable(inspection.guard(), needed, out);
    let mut verdict = Verdict::default();
    let inspection = inspection.clone().answered(Answers::unavailable(broken));
    inspection.unanswered(&mut verdict);
    let named = verdict.recorded().findings.iter().map(|found| found.detector.to_string());
    (verdict.refusal().map(|refusal| refusal.code), named.collect())
}

#[test]
fn each_finds_its_own_and_is_shown_with_its_state() {
    let states = built_in(&ENGINE, NOW);
    let mut names: Vec<&str> = states.iter().map(|state| state.name.as_str()).collect();
    for info in canaries::beside_engine() {
        let state = states.iter().find(|state| state.name == info.name).unwrap();
        let failed = state.tested.unwrap().failed;
        assert_eq!(failed, None, "{} does not find its canary", info.name);
        assert_eq!((state.when_unavailable, state.adapter), (WhenUnavailable::Refuse, None));
    }
    assert!(states.iter().all(|state| state.tested.unwrap().failed.is_none()));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), states.len(), "each name stands once");
}

#[test]
fn nobody_may_declare_one_of_their_names() {
    let spec = serde_json::json!({
        "adapter": "cordon", "base_url": "https://detector.example.com/v1", "categories": {"insult": "toxicity/insult"},
        "self_test": {"text": "you fool", "category": "toxicity"},
    });
    let problems = |name: &str| {
        let spec = Kind::Detector.read(spec.clone()).unwrap();
        Resource { name: Name::parse(name).unwrap(), spec }.problems().len()
    };
    assert_eq!(problems("insults"), 0);
    for info in canaries::beside_engine() {
        assert_eq!(problems(info.name), 1, "{}", info.name);
    }
}

#[test]
fn one_that_finds_nothing_stops_the_calls_that_need_it() {
    let out = Quarantined::default();
    for (name, rule) in [
        ("abuse", "abuse/near_duplicate"),
        ("citation", "citation/missing"),
        ("file", "file/active"),
        ("format", "format"),
        ("grounding", "grounding/contradicted"),
        ("language", "language"),
        ("length", "length/long"),
        ("tool", "tool/changed"),
        ("topic.words", "topic"),
    ] {
        let blind: &'static [&'static str] = Box::leak(Box::new([name]));
        let needs = inspection(&[(rule, Action::Flag, Form::Mask)]);
        let (code, named) = call(blind, &needs, Needed::default(), &out);
        assert_eq!((code, named), (Some(RefusalCode::DetectorUnavailable), vec![name.to_owned()]), "{name}");
        // Who has no rule for it goes on, and who sees all of it work, too.
        let other = inspection(&[("pii/email", Action::Redact, Form::Mask)]);
        assert_eq!(call(blind, &other, Needed::default(), &out), (None, Vec::new()), "{name}");
        assert_eq!(call(&[], &needs, Needed::default(), &out), (None, Vec::new()), "{name}");
        // The list says so.
        let infos = canaries::beside_engine();
        let local = Local::by(infos, |info| info.name == name, NOW);
        let failed = local.states().filter(|state| state.tested.unwrap().failed.is_some());
        let expected = infos.iter().filter(|info| info.name == name).count();
        assert_eq!(failed.count(), expected, "{name}");
    }
}

#[test]
fn what_routes_and_tools_have_rules_for_is_needed_without_a_guard() {
    let nobody = inspection(&[]);
    let out = Quarantined::default();
    let refused = Some(RefusalCode::DetectorUnavailable);
    assert_eq!(call(&["file"], &nobody, Needed::for_files(), &out).0, refused);
    assert_eq!(call(&["tool"], &nobody, Needed::for_tools(), &out).0, refused);
    assert_eq!(call(&["file"], &nobody, Needed::for_tools(), &out).0, None);
    assert_eq!(call(&["tool"], &nobody, Needed::for_files(), &out).0, None);
    assert_eq!(call(&["language"], &nobody, Needed::for_tools(), &out).0, None);
}
