//! What guards name themselves, compiled and tested: once for each guard, before its first call.

use std::sync::Arc;

use cordon_core::{Category, Channel, resource::WhenUnavailable};
use cordon_inspect::{Custom, Engine};
use cordon_policy::{EffectiveGuard, NamedTypes, Quarantined, Snapshot};

use crate::remote::Unavailable;

/// The types of a guard, and what is wrong with them.
#[derive(Debug)]
struct Tested {
    custom: Custom,
    /// Categories of which nothing is found, though it should be: no guard that was applied has any, unless this build reads patterns differently.
    broken: Vec<Category>,
}

fn tested(types: &NamedTypes, engine: &Engine) -> Arc<Tested> {
    types.made(|types| {
        let custom = Custom::new(types);
        let blind = custom.blind(engine).into_iter().filter_map(|at| Some(types.get(at)?.category.clone()));
        let broken: Vec<Category> = custom.broken().iter().cloned().chain(blind).collect();
        for category in &broken {
            tracing::error!(%category, "a type that a guard names fails its self-test: calls under that guard are refused");
        }
        Tested { custom, broken }
    })
}

/// Compiles what the guards of a Snapshot name, before calls need it.
pub(crate) fn prepare(snapshot: &Snapshot, engine: &Engine) {
    for types in snapshot.types() {
        tested(types, engine);
    }
}

/// What the joined guards name.
pub(crate) fn types(guard: &EffectiveGuard, engine: &Engine) -> Arc<[Custom]> {
    guard.types().map(|types| tested(types, engine).custom.clone()).collect()
}

/// What the joined guards name, have rules for and do not find, as detectors that said nothing.
pub(crate) fn broken(guard: &EffectiveGuard, engine: &Engine, out: &Quarantined) -> Vec<Unavailable> {
    let mut found = Vec::new();
    for types in guard.types() {
        for category in &tested(types, engine).broken {
            let detector = Custom::DETECTOR;
            let looks = |channel: &Channel| guard.looks_for(*channel, [category]);
            let is_out = out.detectors().any(|name| name.as_str() == detector);
            if let Some(channel) = Channel::ALL.into_iter().find(looks).filter(|_| !is_out) {
                let then = WhenUnavailable::Refuse;
                found.push(Unavailable { detector, version: 1, channel, then, too_much: false });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use cordon_core::{Action, HmacKey, Name, Timestamp, resource::GuardSpec};
    use proptest::prelude::*;

    use super::*;
    use crate::{
        inspection::{Inspection, Verdict},
        lane::{Lane, Shared},
        redact::Tokens,
    };

    fn inspection(engine: &Engine, types: &serde_json::Value) -> Inspection {
        let spec: GuardSpec = serde_json::from_value(serde_json::json!({
            "types": types,
            "rules": [
                {"category": "custom/badge", "action": "redact", "form": "mask"},
                {"category": "custom/project", "action": "redact", "form": "drop"},
            ],
        }))
        .unwrap();
        let guard = EffectiveGuard::alone(&Name::parse("g").unwrap(), &spec);
        let key = HmacKey::from_bytes([1; 32]);
        Inspection::new(engine.clone(), Arc::new(guard), Timestamp::from_millis(0), key)
    }

    fn types() -> serde_json::Value {
        serde_json::json!([
            {"category": "custom/badge", "pattern": "EMP-(?<value>[0-9]{6})", "checksum": "luhn"},
            {"category": "custom/project", "sensitivity": "restricted",
             "dictionary": {"terms": ["Blue Heron", "Heron Bay"]}},
        ])
    }

    /// What is written of a text in an answer that comes in these pieces, and what was ruled.
    fn streamed(inspection: &Inspection, pieces: &[&str]) -> (String, Action) {
        let (tokens, mut verdict, mut out) = (Tokens::default(), Verdict::default(), String::new());
        let mut lane = Lane::plain(inspection, Channel::Model);
        let mut shared = Shared { inspection, tokens: &tokens, verdict: &mut verdict };
        for piece in pieces {
            lane.push(piece, &"content", &mut shared, &mut out).unwrap();
        }
        lane.finish(&"content", &mut shared, &mut out).unwrap();
        (out, verdict.action())
    }

    #[test]
    fn calls_redact_and_label_what_a_guard_names() {
        let engine = Engine::builtin();
        let inspection = inspection(&engine, &types());
        let (examined, text) =
            inspection.redact(Channel::User, "EMP-123455, EMP-123456 and the blue heron bay.");
        assert_eq!((examined.action, text.as_str()), (Action::Redact, "EMP-[BADGE], EMP-123456 and the ."));
        assert_eq!(streamed(&inspection, &["EMP-12", "3455!"]), ("EMP-[BADGE]!".to_owned(), Action::Redact));
    }

    #[test]
    fn a_type_that_finds_nothing_stops_the_calls_that_need_it() {
        let engine = Engine::builtin();
        let broken_by = |example: &str| {
            let mut types = types();
            types[0]["example"] = example.into();
            broken(inspection(&engine, &types).guard(), &engine, &Quarantined::default())
        };
        assert_eq!(broken_by("EMP-123455"), []);
        let found = broken_by("EMP-123456");
        assert_eq!(found.iter().map(|one| one.detector).collect::<Vec<_>>(), ["custom.pattern"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        /// The law of lanes holds for them: what is written does not depend on the cuts, and holds nothing that was to be cut out.
        #[test]
        fn a_redaction_does_not_depend_on_the_cuts(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "EMP-", "EMP-123455", "123455", "12345", "Blue", " Heron", "heron", " Bay", "\n", " ", "é", "x", "4",
                "RU1QLTEyMzQ1NQ==", "ana@example.org", "１２３４５５",
            ]), 0..14),
            cuts in prop::collection::vec(any::<usize>(), 0..8),
        ) {
            static ENGINE: std::sync::LazyLock<Engine> = std::sync::LazyLock::new(Engine::builtin);
            let inspection = inspection(&ENGINE, &types());
            let text = pieces.concat();
            let place = |cut: &usize| (0..=cut % (text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap();
            let mut places: Vec<usize> = cuts.iter().map(place).chain([0, text.len()]).collect();
            places.sort_unstable();
            let cut: Vec<&str> = places.windows(2).map(|pair| text.get(pair[0]..pair[1]).unwrap()).collect();
            let whole = streamed(&inspection, &[&text]);
            prop_assert_eq!(&whole, &streamed(&inspection, &cut));
            prop_assert!(!whole.0.contains("EMP-123455"), "{:?} of {:?}", whole.0, text);
        }
    }
}
