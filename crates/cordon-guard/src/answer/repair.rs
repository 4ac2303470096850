//! What a model wrote around its JSON, or left away at its end, is mended once: where a route asks for it, of whole answers alone, and only
//! where the result has the form that the answer is to have. A result holds nothing that the answer did not: bytes are left out, and
//! brackets and one quotation mark are added at the end.

use std::ops::Range;

use cordon_core::{
    Action, Category, Channel, Finding, Listed, Score, Span,
    json::{Object, Value},
};

use super::{Expected, form::Form, text};
use crate::{
    authority::Protocol,
    inspection::{Inspection, Place, Seat, Verdict},
    tree::walk::Path,
};

/// The longest text that is mended.
const MAX_TEXT: usize = 64 << 10;
/// How deep values may lie in each other.
const MAX_DEPTH: usize = 64;
/// What is said of an answer that was mended.
const REPAIRED: Category = Category::known("answer/repaired");

/// Mends the texts of a whole answer that has not the form that it is to have, and records which.
pub(crate) fn repair(
    answer: &mut Object,
    protocol: Protocol,
    inspection: &Inspection,
    verdict: &mut Verdict,
) {
    let Some(expected) = inspection.expected().filter(|expected| expected.repairs()) else { return };
    let mut mend = |path: Path, said: &mut Value| {
        let Some(text) = said.as_str() else { return };
        let Some((mended, kept)) = mended(text, &expected.mends) else { return };
        // Whoever reads what is left does not see what was left out: it goes on as it came, and is inspected where it stands.
        if says_more(text, &kept, &path, inspection) {
            return;
        }
        let finding = Finding {
            category: REPAIRED,
            span: Span::new(0, text.len()),
            score: Score::ONE,
            detector: "format",
            detector_version: 1,
            continues: false,
            listed: Listed::NONE,
        };
        inspection.unexpected(&finding, &path, verdict);
        *said = Value::String(mended);
    };
    match protocol {
        Protocol::Chat => {
            for (at, choice) in (0_u64..).zip(items(answer.get_mut("choices"))) {
                if is_filled(choice.get("logprobs")) {
                    continue;
                }
                let Some(message) = member(choice, "message") else { continue };
                if text::does_otherwise(message) || is_filled(message.get("annotations")) {
                    continue;
                }
                if let Some(content) = member(message, "content") {
                    mend(text::path_of_choice(at), content);
                }
            }
        }
        Protocol::Messages => {
            let blocks = items(answer.get_mut("content"));
            if blocks.iter().any(text::is_of_tools) {
                return;
            }
            let mut texts = (0_u64..).zip(blocks).filter(|(_, block)| text::text_of_block(block).is_some());
            // One that consists of several has no place for what is added.
            if let (Some((at, block)), None) = (texts.next(), texts.next())
                && !is_filled(block.get("citations"))
                && let Some(said) = member(block, "text")
            {
                mend(text::path_of_block(at), said);
            }
        }
        Protocol::Responses => {
            let items = items(answer.get_mut("output"));
            if items.iter().any(|item| kind(item).ends_with("_call")) {
                return;
            }
            let last = (0_u64..).zip(items).filter(|(_, item)| kind(item) == "message").last();
            let Some((at, item)) = last else { return };
            if let [part] = items_of(item)
                && kind(part) == "output_text"
                && !is_filled(part.get("annotations"))
                && !is_filled(part.get("logprobs"))
                && let Some(said) = member(part, "text")
            {
                mend(text::path_of_part((at, 0)), said);
            }
        }
    }
}

impl Expected {
    /// Whether whole answers are mended.
    fn repairs(&self) -> bool {
        // What goes on where the request left off is no value by itself.
        !self.mends.is_empty() && self.begun.is_empty()
    }
}

/// Whether a guard has something to say of what is left out of a text.
fn says_more(text: &str, kept: &Range<usize>, path: &Path, inspection: &Inspection) -> bool {
    let seat = Seat { channel: Channel::Model, place: Place::Open, part: path };
    let found = inspection.inspect(seat.channel, text);
    let mut cuts = Vec::new();
    let stops = inspection.rule(&seat, &found, |span| span, &mut Verdict::default(), &mut cuts).is_err();
    let minds = |finding: &Finding| {
        let ruling = inspection.ruling(seat.channel, seat.place, finding);
        ruling.is_some_and(|ruling| ruling.action.max(ruling.would) > Action::Allow)
    };
    let beyond = |finding: &&Finding| finding.span.start < kept.start || finding.span.end > kept.end;
    // Of what stops already nobody else is asked.
    stops
        || found.iter().filter(beyond).any(minds)
        || inspection.second(&seat, text, &cuts).iter().filter(beyond).any(minds)
        || inspection.quarantined(text).is_some()
}

/// The text mended, and what of it is kept, where it has not these forms and has them all then.
fn mended(text: &str, forms: &[Form]) -> Option<(String, Range<usize>)> {
    let fits = |text: &str| forms.iter().all(|form| form.fits(text));
    if text.len() > MAX_TEXT || forms.iter().any(|form| form.is_json(text)) {
        return None;
    }
    value_of(text).filter(|(mended, _)| fits(mended))
}

/// The one object or list of a text without what stands around it, without commas behind its last members, and with what is open at the
/// end closed; none where there are several or it ends within a number or a word, which could be another one. It has its lines to itself,
/// or a code fence, as no bracket within a sentence has; and among words, or cut off, it holds something, since nothing is what a refusal
/// has in it.
fn value_of(text: &str) -> Option<(String, Range<usize>)> {
    let start = text.find(['{', '[', '}', ']'])?;
    let (before, body) = text.split_at_checked(start)?;
    if !begins_line(before) {
        return None;
    }
    let mut out = String::with_capacity(body.len());
    let mut open: Vec<char> = Vec::new();
    let (mut in_string, mut escaped) = (false, false);
    for (at, c) in body.char_indices() {
        if in_string {
            out.push(c);
            (in_string, escaped) = (escaped || c != '"', !escaped && c == '\\');
            continue;
        }
        match c {
            '"' => in_string = true,
            '{' => open.push('}'),
            '[' => open.push(']'),
            '}' | ']' => {
                if open.pop() != Some(c) {
                    return None;
                }
                drop_comma(&mut out);
            }
            _ => {}
        }
        out.push(c);
        if open.len() > MAX_DEPTH {
            return None;
        }
        if open.is_empty() {
            let length = at.saturating_add(c.len_utf8());
            let behind = body.get(length..).unwrap_or_default();
            let alone = is_fence(before) && is_fence(behind);
            let whole = !behind.contains(['{', '[', '}', ']'])
                && ends_line(behind)
                && (alone || holds_something(&out));
            return whole.then_some((out, start..start.saturating_add(length)));
        }
    }
    if in_string {
        if escaped {
            out.pop();
        }
        out.push('"');
    } else {
        let end = out.trim_end().trim_end_matches("```").trim_end().len();
        out.truncate(end);
        if !out.ends_with(['"', '}', ']', '{', '[', ',']) {
            return None;
        }
        drop_comma(&mut out);
    }
    if !holds_something(&out) {
        return None;
    }
    out.extend(open.into_iter().rev());
    Some((out, start..text.len()))
}

/// Whether a line, or a code fence with the name of its language, begins behind this.
fn begins_line(before: &str) -> bool {
    let line = before.rsplit(['\n', '\r']).next().unwrap_or_default().trim_start();
    line.is_empty()
        || line.strip_prefix("```").is_some_and(|name| name.trim().chars().all(char::is_alphanumeric))
}

/// Whether a line, or a code fence, ends before this.
fn ends_line(behind: &str) -> bool {
    let line = behind.split(['\n', '\r']).next().unwrap_or_default().trim();
    line.is_empty() || line.starts_with("```")
}

/// Whether no words stand beside a value: nothing, or one side of a code fence.
fn is_fence(beside: &str) -> bool {
    let beside = beside.trim();
    beside.is_empty()
        || beside.strip_prefix("```").is_some_and(|name| name.trim().chars().all(char::is_alphanumeric))
}

/// Whether an object or a list, written so far, has a member.
fn holds_something(written: &str) -> bool {
    !written.chars().all(|c| matches!(c, '{' | '}' | '[' | ']' | ',') || c.is_whitespace())
}

/// Takes away a comma at the end, with the white space behind it.
fn drop_comma(out: &mut String) {
    if let Some(before) = out.trim_end().strip_suffix(',').map(str::len) {
        out.truncate(before);
    }
}

fn items(value: Option<&mut Value>) -> &mut [Value] {
    value
        .and_then(|value| if let Value::Array(items) = value { Some(items.as_mut_slice()) } else { None })
        .unwrap_or_default()
}

/// The parts of an item.
fn items_of(item: &mut Value) -> &mut [Value] {
    items(member(item, "content"))
}

fn member<'v>(value: &'v mut Value, name: &str) -> Option<&'v mut Value> {
    value.as_object_mut()?.get_mut(name)
}

fn kind(value: &Value) -> &str {
    value.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// Whether a member says something about the bytes of a text, which would be wrong of another.
fn is_filled(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::Array(items)) => !items.is_empty(),
        Some(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_json(text: &str) -> Option<String> {
        mended(text, &[Form::Asked(None)]).map(|(mended, _)| mended)
    }

    #[test]
    fn what_stands_around_is_left_out_and_what_is_open_is_closed() {
        for (said, expected) in [
            ("```json\n{\"a\": 1}\n```", "{\"a\": 1}"),
            ("Sure! Here it is:\n{\"a\": 1}\nHope that helps.", "{\"a\": 1}"),
            ("{\"a\": [1, 2,], }", "{\"a\": [1, 2]}"),
            ("{\"a\": {\"b\": \"c\"", "{\"a\": {\"b\": \"c\"}}"),
            ("{\"a\": \"unfinish", "{\"a\": \"unfinish\"}"),
            ("{\"a\": \"x\\", "{\"a\": \"x\"}"),
            ("{\"a\": \"x\",\n", "{\"a\": \"x\"}"),
            ("```json\n{\"a\": [\"x\"\n```", "{\"a\": [\"x\"]}"),
            ("{\"a\": \"},{[\"}\nok", "{\"a\": \"},{[\"}"),
            ("Here:\n  {\"a\": 1}  \nok", "{\"a\": 1}"),
            ("``` json {\"a\": 1}``` ok", "{\"a\": 1}"),
            ("```json\n{}\n```", "{}"),
        ] {
            assert_eq!(any_json(said).as_deref(), Some(expected), "{said}");
        }
    }

    #[test]
    fn what_could_mean_something_else_stays_as_it_is() {
        for said in [
            "{\"a\": 1}",
            "{\"a\": 12",
            "{\"a\": tru",
            "{\"a\": 1, \"b\"",
            "{\"a\":",
            "{\"a\": 1} and {\"b\": 2}",
            "see [1]: {\"a\": 1}",
            "see [1]:\n{\"a\": 1}",
            "Use {} as a placeholder.",
            "I cannot help.\n{}\n",
            "{} is all I can give.",
            "{\"a\": 1} is what I was told not to say.",
            "In `{\"a\": 1}` the a is wrong.",
            "I cannot say more than {\"a\": 1}\n",
            "I cannot help.\n{",
            "I cannot help.\n{,}",
            "{",
            "{\"a\": 1]",
            "{'a': 1}",
            "{\"a\": \"\\u00",
            "[1, 2, ]",
            "no",
            "",
        ] {
            assert_eq!(any_json(said), None, "{said}");
        }
        assert_eq!(any_json(&format!("{}{{\"a\": 1}}", "x".repeat(MAX_TEXT))), None);
        assert_eq!(any_json(&"{\"a\":".repeat(100)), None);
    }

    proptest! {
        /// What is mended has the form, so that it is never mended again, and holds nothing but what was there and what closes it.
        #[test]
        fn a_mended_text_is_valid_and_of_its_own_bytes(pieces in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", "\"a\"", "\"", ":", ",", "1", "true", "\\", " ", "\n", "```", "json", "x", "é", "\"b\": {", "\"a\": \"c\"",
        ]), 0..14)) {
            let text = pieces.concat();
            if let Some(mended) = any_json(&text) {
                prop_assert!(Form::Asked(None).fits(&mended));
                prop_assert_eq!(any_json(&mended), None);
                let own = mended.trim_end_matches(['"', '}', ']']);
                let mut left = text.chars();
                prop_assert!(own.chars().all(|c| left.any(|other| other == c)), "{mended:?} of {text:?}");
            }
        }

        /// A valid answer stays as it is, and one with something around it is that answer again.
        #[test]
        fn a_valid_answer_comes_through(
            members in prop::collection::btree_map("[a-z]{1,4}", prop_oneof![
                any::<i32>().prop_map(serde_json::Value::from), "[ -~é\n]{0,8}".prop_map(serde_json::Value::from),
                Just(serde_json::json!([1, {"x": null}])),
            ], 0..5),
            before in "[a-z `.:\n]{0,12}",
            after in "[a-z `.:\n]{0,12}",
            bracket in prop::sample::select(vec!["[1]", "{}", "[", "}"]),
        ) {
            let valid = serde_json::to_string(&members).unwrap();
            prop_assert_eq!(any_json(&valid), None);
            let expected = (!members.is_empty()).then(|| valid.clone());
            prop_assert_eq!(any_json(&format!("{before}x\n{valid}\n{after}")), expected);
            // Within a sentence it is part of what is said, and beside other brackets it may not be the one.
            prop_assert_eq!(any_json(&format!("{before}x{valid}{after}")), None);
            prop_assert_eq!(any_json(&format!("{before}x {bracket}\n{valid}\n{after}")), None);
            prop_assert_eq!(any_json(&format!("{before}x\n{valid}\n{after}{bracket}")), None);
        }
    }
}
