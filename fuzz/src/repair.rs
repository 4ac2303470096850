//! Answers that are mended to be one JSON object.

use cordon_core::json::{Limits, Object, Value};
use cordon_guard::{Tokens, Verdict, openai::Response};

use crate::{
    guarded::{ADDRESS, inspection, planted},
    text::split,
};

/// What is said of an answer that was mended.
const REPAIRED: &str = "answer/repaired";

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.into_iter().collect::<Object>())
}

/// The one text of a chat's answer.
fn content(answer: &Value) -> Option<&str> {
    answer.get("choices")?.as_array()?.first()?.get("message")?.get("content")?.as_str()
}

/// What leaves of an answer that says this where one JSON object is wanted, and what the record says was found, each with its category;
/// none where it may not leave. No list of findings is cut short.
fn answered(said: &str) -> Option<(String, Vec<String>)> {
    let message = object([("role", "assistant".into()), ("content", said.into())]);
    let choice = object([("index", 0_u64.into()), ("message", message), ("finish_reason", "stop".into())]);
    let answer = object([("id", "c".into()), ("model", "m".into()), ("choices", vec![choice].into())]);
    let Ok(answer) = Response::read(answer) else { panic!("it is one") };
    let mut verdict = Verdict::default();
    let left =
        answer.inspect(&inspection(0).mending_json(), &Tokens::default(), "fuzz", &mut verdict).ok()?;
    let recorded = verdict.into_recorded();
    if recorded.findings_more > 0 {
        return None;
    }
    let found = recorded.findings.iter().map(|finding| finding.category.as_str().to_owned()).collect();
    let left = Value::parse(&left, Limits { bytes: 1 << 20, ..Limits::default() });
    let Ok(left) = left else { panic!("what leaves is JSON: {left:?}") };
    let text = content(&left).unwrap_or_default().to_owned();
    Some((text, found))
}

/// An answer where one JSON object is wanted, by the first byte with an address somewhere in it, which the second byte says. What was mended
/// is an object, is made of what was said, is told in the record and stays as it is; and the address, which a guard minds, is told and does
/// not leave, whether it would have been left out or not.
pub(crate) fn mended(bytes: &[u8]) {
    let Some((_, at, text)) = split(bytes) else { return };
    let is_planted = bytes.first().is_some_and(|first| first % 2 == 1);
    // No JSON that is read has a NUL in its texts.
    let text = if is_planted { planted(&text, at) } else { text.replace('\0', "") };
    let Some((left, found)) = answered(&text) else { return };
    let is_mended = found.iter().any(|category| category == REPAIRED);
    if is_planted {
        assert!(!left.contains(ADDRESS), "{left:?}");
        assert!(
            found.iter().any(|category| category.starts_with("pii/")),
            "what is left out is told: {text:?}"
        );
    }
    if !is_mended {
        let is_redacted =
            found.iter().any(|category| ["pii", "secret"].iter().any(|one| category.starts_with(one)));
        assert!(is_redacted || left == text, "what was changed is told: {text:?} {left:?}");
        return;
    }
    assert!(is_object(&left), "what was mended has the form: {text:?} {left:?}");
    assert_ne!(left, text);
    let again = answered(&left);
    assert!(
        again
            .is_none_or(|(again, found)| again == left && !found.iter().any(|category| category == REPAIRED)),
        "what was mended stays: {left:?}"
    );
    // Redacting puts other words in: what is compared is what was said.
    if !found.iter().any(|category| category.starts_with("pii") || category.starts_with("secret")) {
        of_its_own(&text, &left);
    }
}

fn is_object(text: &str) -> bool {
    Value::parse(text.as_bytes(), Limits { bytes: 1 << 20, ..Limits::default() })
        .is_ok_and(|value| value.as_object().is_some())
}

/// What was mended is one stretch of what was said, without some commas and with signs that close it at the end; that stretch begins and
/// ends a line or a code fence, since within a sentence it is part of what is said.
fn of_its_own(said: &str, mended: &str) {
    let Some(start) = said.find(['{', '[', '}', ']']) else { panic!("{said:?} is mended to {mended:?}") };
    let (before, body) = said.split_at(start);
    let line = before.rsplit(['\n', '\r']).next().unwrap_or("").trim();
    assert!(
        line.is_empty() || line.starts_with("```"),
        "nothing is taken out of a sentence: {said:?} {mended:?}"
    );
    let mut own = body.char_indices().peekable();
    let mut closing = false;
    for c in mended.chars() {
        // A comma that goes, with the white space behind it, stands before what closes.
        let mut skipped = own.clone();
        while !closing
            && skipped
                .peek()
                .is_some_and(|(_, other)| *other != c && (*other == ',' || other.is_whitespace()))
        {
            skipped.next();
        }
        if !closing && skipped.peek().is_some_and(|(_, other)| *other == c) {
            skipped.next();
            own = skipped;
        } else {
            closing = true;
            assert!(matches!(c, '"' | '}' | ']'), "{c:?} is not what was said: {said:?} {mended:?}");
        }
    }
    let behind = own.peek().map_or("", |(at, _)| &body[*at..]);
    if closing {
        // It ended early: nothing but what stands between values, or begins an escape, is behind it.
        let rest = behind.trim().trim_start_matches([',', '\\']).trim();
        assert!(
            rest.chars().all(|c| c == '`' || c == ',' || c.is_whitespace()),
            "{behind:?} is gone: {said:?}"
        );
    } else {
        let line = behind.split(['\n', '\r']).next().unwrap_or("").trim();
        assert!(
            line.trim_matches(',').trim().is_empty() || line.starts_with("```"),
            "nothing is taken out of a sentence: {said:?} {mended:?}"
        );
        assert!(!behind.contains(['{', '[', '}', ']']), "there is one value: {said:?} {mended:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_mended_is_and_what_may_not_is_not() {
        let answers = |said: &str| answered(said).map(|(left, _)| left);
        assert_eq!(answers("Here:\n{\"a\": [1,], }\nok").as_deref(), Some("{\"a\": [1]}"));
        assert_eq!(answers("{\"a\": \"b").as_deref(), Some("{\"a\": \"b\"}"));
        let within = "In `{\"a\": 1}` the a is wrong.";
        assert_eq!(answers(within).as_deref(), Some(within));
        let beside = format!("Ask {ADDRESS} for it.\n{{\"a\": 1}}\nok");
        let (left, found) = answered(&beside).unwrap_or_default();
        assert!(left.starts_with("Ask [EMAIL]") && found == ["pii/email"], "{left} {found:?}");
    }
}
