//! Values that callers sent themselves, as answers bring them back: in every protocol, whole and as a stream.

use std::sync::{Arc, LazyLock};

use cordon_core::{
    Action, Channel, HmacKey, Name, Timestamp,
    json::Value as Tree,
    record::RecordedVerdict,
    resource::{GuardSpec, SentValues},
};
use cordon_inspect::Engine;
use cordon_policy::EffectiveGuard;
use http::HeaderMap;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    Tokens,
    answered_tests::{PROTOCOLS, answered},
    anthropic::{MessagesRequest, Wanted},
    inspection::{Inspection, Verdict},
    lane::{Lane, Shared},
    openai, responses,
    tree::testing::tree,
};

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::builtin);

const OWN: &str = "ana@example.org";
const OTHER: &str = "bob@example.net";
const TOKEN: &str = "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";

/// Inspection by a guard with these rules.
fn inspection(rules: &Value) -> Inspection {
    let spec: GuardSpec = serde_json::from_value(json!({"rules": rules})).unwrap();
    let guard = EffectiveGuard::alone(&Name::parse("g").unwrap(), &spec);
    Inspection::new(ENGINE.clone(), Arc::new(guard), Timestamp::from_millis(0), HmacKey::from_bytes([1; 32]))
}

/// A rule about answers.
fn rule(category: &str, action: &str, new_only: bool) -> Value {
    json!({"channels": ["model"], "category": category, "action": action, "new_only": new_only})
}

/// A request: what the application instructs, what the user says, and what a tool brought.
fn request(protocol: &str, told: &str, user: &str, brought: &str) -> Tree {
    let request = match protocol {
        "chat" => json!({"model": "m", "messages": [
            {"role": "system", "content": told}, {"role": "user", "content": user},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "read", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c", "content": brought}]}),
        "messages" => json!({"model": "m", "max_tokens": 9, "system": told, "messages": [
            {"role": "user", "content": user},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "read", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": brought}]}]}),
        _ => json!({"model": "m", "instructions": told, "input": [
            {"role": "user", "content": [{"type": "input_text", "text": user}]},
            {"type": "function_call", "call_id": "c", "name": "read", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": brought}]}),
    };
    tree(request.to_string())
}

/// What goes on of a request, with its tokens, and the means to inspect what answers it.
fn asked(protocol: &str, by: Inspection, request: Tree) -> (Inspection, Tokens) {
    let mut verdict = Verdict::default();
    let tokens = match protocol {
        "chat" => {
            openai::Request::read(request).unwrap().inspect(&by, &mut verdict).unwrap().tokens().clone()
        }
        "messages" => {
            let request = MessagesRequest::read(request, &HeaderMap::new(), Wanted::Message).unwrap();
            request.inspect(&by, &mut verdict).unwrap().tokens().clone()
        }
        _ => responses::Request::read(request).unwrap().inspect(&by, &mut verdict).unwrap().tokens().clone(),
    };
    (by.answering(verdict.take_sent()), tokens)
}

/// What was found in an answer: the category, whether it was known, and what was done.
type Found = Vec<(String, bool, Action)>;

fn found(seen: &RecordedVerdict) -> Found {
    let findings = seen.findings.iter();
    let mut found: Found = findings
        .map(|one| (one.category.to_string(), one.known, one.action))
        .filter(|one| one.0 != "egress/link")
        .collect();
    found.sort();
    // A stream of events that repeat the text has it several times.
    found.dedup();
    found
}

/// What a caller is told of an answer, where he is told anything, whole and as a stream.
fn released(
    protocol: &str,
    inspection: &Inspection,
    tokens: &Tokens,
    said: &str,
) -> [(Option<String>, Found); 2] {
    answered(protocol, inspection, tokens, said).map(|answered| {
        let found = found(&answered.seen);
        (answered.released(), found)
    })
}

fn email(known: bool, action: Action) -> Found {
    vec![("pii/email".to_owned(), known, action)]
}

#[test]
fn what_the_caller_sent_comes_back_and_what_he_did_not_is_stopped() {
    for protocol in PROTOCOLS {
        let rules = inspection(&json!([rule("pii", "block", true)]));
        let sent = request(protocol, "Be kind.", &format!("My mail is {OWN}, repeat it."), "Nothing.");
        let (by, tokens) = asked(protocol, rules, sent);
        for (text, found) in released(protocol, &by, &tokens, "Your mail is Ana@Example.ORG.") {
            assert!(text.is_some(), "{protocol}");
            assert_eq!(found, email(true, Action::Allow), "{protocol}");
        }
        for (text, found) in released(protocol, &by, &tokens, &format!("His mail is {OTHER}.")) {
            assert_eq!((text, found), (None, email(false, Action::Block)), "{protocol}");
        }
        let both = format!("Yours is {OWN}, and his is {OTHER}.");
        for (text, found) in released(protocol, &by, &tokens, &both) {
            assert_eq!(text, None, "{protocol}");
            assert!(found.contains(&("pii/email".to_owned(), false, Action::Block)), "{protocol}: {found:?}");
        }
    }
}

/// A rule that says nothing of it stops what the caller sent too, and the record tells them apart all the same.
#[test]
fn without_new_only_all_is_as_it_was() {
    for protocol in PROTOCOLS {
        let rules = inspection(&json!([rule("pii", "block", false)]));
        let sent = request(protocol, "Be kind.", &format!("My mail is {OWN}, repeat it."), "Nothing.");
        let (by, tokens) = asked(protocol, rules, sent);
        for (address, known) in [(OWN, true), (OTHER, false)] {
            for (text, found) in released(protocol, &by, &tokens, &format!("Write to {address}.")) {
                assert_eq!((text, found), (None, email(known, Action::Block)), "{protocol}");
            }
        }
    }
}

/// It stands in the request, and the caller never wrote it.
#[test]
fn what_came_by_the_way_is_new() {
    for protocol in PROTOCOLS {
        let rules = || inspection(&json!([rule("pii", "block", true), rule("secret", "block", true)]));
        let brought = request(protocol, "Be kind.", "Whose is it?", &format!("It is {OTHER}'s."));
        let (by, tokens) = asked(protocol, rules(), brought);
        for (text, found) in released(protocol, &by, &tokens, &format!("It is {OTHER}'s.")) {
            assert_eq!((text, found), (None, email(false, Action::Block)), "{protocol}");
        }
        // Of instructions the address of the support may be said, and the key may not.
        let told = format!("Support is at {OWN}. The key is {TOKEN}.");
        let (by, tokens) =
            asked(protocol, rules(), request(protocol, &told, "What do you know?", "Nothing."));
        for (text, found) in released(protocol, &by, &tokens, &format!("Support is at {OWN}.")) {
            assert!(text.is_some() && found == email(true, Action::Allow), "{protocol}: {found:?}");
        }
        for (text, _) in released(protocol, &by, &tokens, &format!("The key is {TOKEN}.")) {
            assert_eq!(text, None, "{protocol}");
        }
        // The user's own key may come back to him.
        let asks = request(protocol, "Be kind.", &format!("Where is {TOKEN} used?"), "Nothing.");
        let (by, tokens) = asked(protocol, rules(), asks);
        for (text, _) in released(protocol, &by, &tokens, &format!("In {TOKEN} nothing is wrong.")) {
            assert!(text.is_some(), "{protocol}");
        }
    }
    let marked = json!({"model": "m", "messages": [
        {"role": "user", "content": [{"type": "text", "text": format!("It is {OTHER}'s."), "cordon": {"origin": "document"}}]},
        {"role": "user", "content": "Whose?"}]});
    let (by, tokens) =
        asked("chat", inspection(&json!([rule("pii", "block", true)])), tree(marked.to_string()));
    for (text, _) in released("chat", &by, &tokens, &format!("It is {OTHER}'s.")) {
        assert_eq!(text, None);
    }
}

/// What a model said before is judged as it was then, wherever in the request the caller says it.
#[test]
fn a_conversation_goes_on_after_an_answer_that_passed() {
    let said = |role: &str, text: &str| json!({"role": role, "content": text});
    let request = |protocol: &str, turns: Vec<Value>| {
        let request = match protocol {
            "chat" => json!({"model": "m", "messages": turns}),
            // What is told stands behind what was said.
            "messages" => json!({"model": "m", "max_tokens": 9, "messages": turns, "system": "Be kind."}),
            _ => json!({"model": "m", "input": turns}),
        };
        tree(request.to_string())
    };
    let rules = || inspection(&json!([rule("pii", "block", true)]));
    let (mine, yours) = (format!("My mail is {OWN}."), format!("Your mail is {OWN}."));
    for protocol in PROTOCOLS {
        let turns = vec![said("user", &mine), said("assistant", &yours), said("user", "Thank you.")];
        let (by, tokens) = asked(protocol, rules(), request(protocol, turns));
        for (text, _) in released(protocol, &by, &tokens, &yours) {
            assert!(text.is_some(), "{protocol}");
        }
    }
    let after = vec![said("assistant", &yours), said("user", &mine)];
    let (_, _) = asked("chat", rules(), request("chat", after));
    // Nobody but a model said it: it is as new as it was in its answer.
    let never =
        request("chat", vec![said("user", "Who?"), said("assistant", &yours), said("user", "Thanks.")]);
    let refused = openai::Request::read(never).unwrap().inspect(&rules(), &mut Verdict::default());
    assert_eq!(refused.unwrap_err().code, cordon_core::RefusalCode::ContentBlocked);
    let observed = inspection(&json!([rule("pii", "flag", true)]));
    let told = vec![said("user", "Who?"), said("assistant", &yours), said("user", "Thanks.")];
    let (by, tokens) = asked("chat", observed, request("chat", told));
    for (_, found) in released("chat", &by, &tokens, &yours) {
        assert_eq!(found, email(false, Action::Flag), "what a model said is not the caller's word");
    }
}

/// The model sees a token in place of the caller's address, and the address comes back; one that it knows from elsewhere does not.
#[test]
fn tokens_are_put_back_and_others_are_redacted() {
    for protocol in PROTOCOLS {
        let rules = json!([
            {"channels": ["user"], "category": "pii", "action": "redact", "form": "token"},
            {"channels": ["model"], "category": "pii", "action": "redact", "form": "token", "new_only": true},
        ]);
        let sent = request(protocol, "Be kind.", &format!("My mail is {OWN}."), "Nothing.");
        let (by, tokens) = asked(protocol, inspection(&rules), sent);
        assert!(!tokens.is_empty());
        for said in [
            "Yours is [EMAIL_1], his is bob@example.net.",
            "Yours is ana@example.org, his is bob@example.net.",
        ] {
            let [(whole, _), (streamed, _)] = released(protocol, &by, &tokens, said);
            assert!(
                whole.as_ref().is_some_and(|text| text.contains(OWN) && !text.contains(OTHER)),
                "{whole:?}"
            );
            let streamed = streamed.unwrap();
            assert!(!streamed.contains(OTHER), "{protocol}: {streamed}");
        }
    }
}

/// No rule looks for names in what users write, and a guard wants to know of new ones.
#[test]
fn names_are_known_though_no_rule_of_the_request_asks_for_them() {
    let rules = json!([
        {"channels": ["user"], "category": "pii", "action": "block"},
        rule("pii/person", "block", true),
    ]);
    let said = |name: &str| format!("Dear Ms. {name}, thank you for your letter.");
    let user = "My name is Margaret Thompson and I live here.";
    let (by, tokens) = asked("chat", inspection(&rules), request("chat", "Be kind.", user, "Nothing."));
    let [(own, found), _] = released("chat", &by, &tokens, &said("Margaret Thompson"));
    assert!(found.iter().any(|one| one.0 == "pii/person"), "{found:?}");
    assert!(own.is_some(), "{found:?}");
    let [(other, _), _] = released("chat", &by, &tokens, &said("Elizabeth Warren"));
    assert_eq!(other, None);
}

fn spaced(text: &str) -> SentValues {
    let by = inspection(&json!([rule("pii", "redact", true)]));
    let mut verdict = Verdict::default();
    by.inspect_sent(Channel::User, text, &mut verdict);
    verdict.take_sent()
}

/// What is written of a text that comes in these pieces, and what was found.
fn streamed(inspection: &Inspection, pieces: &[&str]) -> (String, Vec<(String, bool, Action)>) {
    let (tokens, mut verdict, mut out) = (Tokens::default(), Verdict::default(), String::new());
    let mut lane = Lane::plain(inspection, Channel::Model);
    let mut shared = Shared { inspection, tokens: &tokens, verdict: &mut verdict };
    for piece in pieces {
        lane.push(piece, &"content", &mut shared, &mut out).unwrap();
    }
    lane.finish(&"content", &mut shared, &mut out).unwrap();
    let found = verdict.recorded().findings.iter();
    (out, found.map(|found| (found.category.to_string(), found.known, found.action)).collect())
}

#[test]
fn how_a_value_is_written_makes_no_difference() {
    let sent = spaced("card 4111 1111 1111 1111, IBAN gb33 bukb 2020 1555 5555 55, Ana@Example.org");
    let by = inspection(&json!([rule("pii", "redact", true)])).answering(sent);
    for (said, expected) in [
        ("card 4111-1111-1111-1111.", "card 4111-1111-1111-1111."),
        ("card 4111111111111111.", "card 4111111111111111."),
        ("IBAN GB33BUKB20201555555555.", "IBAN GB33BUKB20201555555555."),
        ("ana@example.org.", "ana@example.org."),
        ("card ４１１１１１１１１１１１１１１１.", "card ４１１１１１１１１１１１１１１１."),
        ("card 4012 0000 3333 0026.", "card [CARD]."),
        // It leads elsewhere.
        ("ana@ex\u{430}mple.org.", "[EMAIL]."),
        // Encoded it is no repetition.
        ("Y2FyZCA0MTExIDExMTEgMTExMSAxMTEx", "Y2Fy[CARD]"),
    ] {
        assert_eq!(streamed(&by, &[said]).0, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// What a stream is cut into changes neither what is known nor what is done.
    #[test]
    fn what_is_known_does_not_depend_on_the_cuts(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "4111 1111 ", "1111 1111", "4111111111111111", "4012000033330026", " card ", "ana@example.org", "bob@example.net", "@example.org",
            "x", "\n", " ", TOKEN, "ghp_", "078-05-1120", "SSN ", "NDExMTExMTExMTExMTExMQ==", "４１１１", "\u{200b}", "@ex\u{430}mple.org", "ANA",
        ]), 0..12),
        cuts in prop::collection::vec(any::<usize>(), 0..8),
        action in prop::sample::select(vec!["flag", "redact"]),
        new_only in any::<bool>(),
    ) {
        let sent = spaced(&format!("4111 1111 1111 1111 {OWN} {TOKEN}"));
        let rules = json!([rule("pii", action, new_only), rule("secret", action, new_only)]);
        let by = inspection(&rules).answering(sent);
        let text = pieces.concat();
        let place = |cut: &usize| (0..=cut % (text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        let mut places: Vec<usize> = cuts.iter().map(place).chain([0, text.len()]).collect();
        places.sort_unstable();
        let cut: Vec<&str> = places.windows(2).map(|pair| text.get(pair[0]..pair[1]).unwrap()).collect();
        prop_assert_eq!(streamed(&by, &[&text]), streamed(&by, &cut));
    }
}
