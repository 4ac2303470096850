//! `calls labels`: what people said of findings, as labelled texts that detectors are trained and measured with.

use std::collections::BTreeMap;

use clap::Args;
use cordon_core::{
    CallId, Category, Channel, Digest, Timestamp,
    feedback::{Direction, Judgement},
    json::{Limits, Value},
    record::{CapturedContent, ContentObject},
};
use cordon_inspect::Engine;
use serde::Serialize;

use super::{
    Outcome, Place,
    client::{Client, Need},
    complain, json, moment,
};
use crate::{
    api::{
        CallRecord, ContentView, Problem,
        feedback::{Feedback, FeedbackQuery},
    },
    desk::standing,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  cordon calls labels > labels.jsonl
  cordon calls labels --content > labelled/feedback.jsonl && cordon eval guard --data labelled

One line for each finding of which somebody said that it is right or a false alarm; what was said last counts, and what was
withdrawn is left out. --content adds the text, where the route captured it and you may read it: each call that is read is
recorded with your name. Lines without a text say in `without` why, and hold what leads to it: call, part, bytes, digests.";

#[derive(Args)]
pub(super) struct LabelsArgs {
    /// Of this call alone.
    #[arg(long, value_parser = CallId::parse, value_name = "ID")]
    call: Option<CallId>,
    /// Said not before this time, or so long ago: 2026-11-21T09:30:00Z, 30d.
    #[arg(long, value_parser = moment, value_name = "TIME")]
    since: Option<Timestamp>,
    /// With the texts, as far as they were captured and may be read.
    #[arg(long)]
    content: bool,
}

/// A labelled finding, with the members that `eval guard` reads, and where it comes from.
#[derive(Debug, PartialEq, Serialize)]
struct Labelled {
    /// Call, direction and place of the finding.
    id: String,
    /// What `eval guard` calls it: `attack` and `benign` of injection, `positive` and `negative` of all else.
    label: &'static str,
    kind: String,
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Why there is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    without: Option<&'static str>,
    /// The value, where it is right and the text is here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    spans: Vec<Marked>,
    /// Digest of the rules that found it; absent where the record is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<Digest>,
    /// What was kept of the call, with keyed digests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    captured: Vec<CapturedContent>,
    #[serde(flatten)]
    said: Feedback,
}

#[derive(Debug, PartialEq, Serialize)]
struct Marked {
    start: u64,
    end: u64,
    #[serde(rename = "type")]
    kind: Category,
}

pub(super) async fn run(place: &Place, args: LabelsArgs) -> Outcome {
    let client = place.client(Need::Read).await?;
    let written = write(&client, &args).await;
    client.close().await;
    written
}

async fn write(client: &Client, args: &LabelsArgs) -> Outcome {
    let said = client.feedback(FeedbackQuery { call: args.call, as_of: None }).await?;
    let mut by_call: BTreeMap<CallId, Vec<Feedback>> = BTreeMap::new();
    for said in standing(said) {
        if said.judgement != Judgement::Withdrawn && args.since.is_none_or(|since| said.time >= since) {
            by_call.entry(said.call).or_default().push(said);
        }
    }
    let engine = Engine::builtin();
    let (mut lines, mut bare) = (0_u64, 0_u64);
    // Call by call, so that no more than one call's content is in memory.
    for (call, mut labels) in by_call {
        labels.sort_by_key(|said| (said.direction, said.finding));
        let record = match client.call(call).await {
            Ok(record) => Some(record),
            Err(problem) if problem.status == 404 => None,
            Err(problem) => return Err(problem.into()),
        };
        let content = match &record {
            Some(record) if args.content && is_kept(record) => Some(client.content(call, None).await),
            _ => None,
        };
        for said in labels {
            let text = match &content {
                None => Err(if args.content { "not_captured" } else { "not_asked" }),
                Some(Err(problem)) => Err(reason(problem)?),
                Some(Ok(content)) => text(&said, record.as_ref(), content, &engine),
            };
            lines = lines.saturating_add(1);
            bare = bare.saturating_add(text.is_err().into());
            json(&labelled(said, record.as_ref(), text))?;
        }
    }
    if args.content && bare > 0 {
        complain(&format!("{bare} of {lines} labels are without a text; `without` says why"));
    }
    Ok(())
}

fn is_kept(record: &CallRecord) -> bool {
    record.closed.as_ref().is_some_and(|closed| !closed.content.is_empty())
}

/// Why content is not there; other problems end the command.
fn reason(problem: &Problem) -> Result<&'static str, Problem> {
    match problem.status {
        403 => Ok("not_allowed"),
        404 => Ok("not_captured"),
        409 => Ok("locked"),
        410 => Ok("gone"),
        _ => Err(problem.clone()),
    }
}

/// The text in which something was found, as far as it can be said which it is: captured content is what was received (`content: full`)
/// or what went on (`redacted`), and nothing else says where the finding was.
fn text(
    said: &Feedback,
    record: Option<&CallRecord>,
    content: &ContentView,
    engine: &Engine,
) -> Result<String, &'static str> {
    let object = match said.direction {
        Direction::Request => ContentObject::Request,
        Direction::Answer => ContentObject::Answer,
    };
    let piece = content.objects.iter().find(|piece| piece.object == object).ok_or("not_captured")?;
    let whole = piece.text.as_deref().ok_or("not_text")?;
    let tree = Value::parse(whole.as_bytes(), Limits::default())
        .map_err(|_| if piece.truncated { "truncated" } else { "not_in_one_piece" })?;
    let text = at(&tree, &said.part).ok_or("not_found")?;
    let (start, end) =
        (usize::try_from(said.start).unwrap_or(usize::MAX), usize::try_from(said.end).unwrap_or(usize::MAX));
    if text.get(start..end).is_none() {
        return Err("altered");
    }
    let again = || {
        let found = engine.inspect(said.channel, text);
        found.iter().any(|one| one.category == said.category && one.span.range() == (start..end))
    };
    let findings = record.map(|record| record.call.findings.as_slice()).unwrap_or_default();
    // What was cut out of a text has moved the rest of it, and bytes of a file's text are not those of its payload.
    let moved = said.channel == Channel::Document
        || findings.iter().any(|other| {
            other.direction == said.direction
                && other.finding.part == said.part
                && other.finding.action == cordon_core::Action::Redact
        });
    if moved && !again() { Err("altered") } else { Ok(text.to_owned()) }
}

/// The text at a place, as records name it: words and positions, `?N` for the member at a position whose name somebody else chose.
fn at<'v>(tree: &'v Value, part: &str) -> Option<&'v str> {
    let mut value = tree;
    let mut steps = part.split('/').peekable();
    while let Some(step) = steps.next() {
        if let Some(items) = value.as_array() {
            value = items.get(step.parse::<usize>().ok()?)?;
            continue;
        }
        let object = value.as_object()?;
        match step.strip_prefix('?') {
            None => value = object.get(step)?,
            Some(position) => {
                let (key, member) = object.iter().nth(position.parse().ok()?)?;
                if steps.peek() == Some(&"key") {
                    return Some(key);
                }
                value = member;
            }
        }
    }
    value.as_str()
}

fn labelled(said: Feedback, record: Option<&CallRecord>, text: Result<String, &'static str>) -> Labelled {
    let right = said.judgement == Judgement::Right;
    let family = said.category.as_str().split('/').next().unwrap_or_default().to_owned();
    let untrusted = matches!(said.channel, Channel::Document | Channel::ToolOutput);
    let (label, kind) = match (family == "prompt_injection", right) {
        (true, true) if untrusted => ("attack", "indirect_injection".to_owned()),
        (true, true) => ("attack", "direct_injection".to_owned()),
        // It was taken for an attack, so it looks like one.
        (true, false) => ("benign", "benign_hard".to_owned()),
        (false, true) => ("positive", family),
        (false, false) => ("negative", family),
    };
    let spans = if right && label == "positive" && text.is_ok() {
        vec![Marked { start: said.start, end: said.end, kind: said.category.clone() }]
    } else {
        Vec::new()
    };
    let direction = said.direction.as_str();
    Labelled {
        id: format!("{}/{direction}/{}", said.call, said.finding),
        label,
        kind,
        source: "feedback",
        without: text.as_ref().err().copied(),
        text: text.ok(),
        spans,
        rules: record.map(|record| record.opened.rules),
        captured: record
            .and_then(|record| record.closed.as_ref())
            .map(|closed| closed.content.clone())
            .unwrap_or_default(),
        said,
    }
}

#[cfg(test)]
mod tests {
    use cordon_core::{Action, Score, UserId, fact::Actor};

    use super::*;
    use crate::api::ContentPiece;

    const TEXT: &str = "My card is 4111 1111 1111 1111.";

    fn said(category: &'static str, channel: Channel, part: &str, judgement: Judgement) -> Feedback {
        Feedback {
            position: 9,
            time: Timestamp::from_millis(0),
            by: Actor::User(UserId::from_bytes([1; 8])),
            judgement,
            call: CallId::from_bytes([7; 16]),
            direction: Direction::Request,
            finding: 0,
            category: Category::known(category),
            score: Score::ONE,
            channel,
            part: part.to_owned(),
            start: 11,
            end: 30,
            detector: "pii.card".to_owned(),
            detector_version: 1,
            action: Action::Flag,
            would: Action::Flag,
        }
    }

    fn content(request: &str) -> ContentView {
        let piece = ContentPiece::new(ContentObject::Request, request.as_bytes().to_vec(), false);
        ContentView { call_id: CallId::from_bytes([7; 16]), objects: vec![piece] }
    }

    #[test]
    fn a_part_leads_to_its_text() {
        let tree = br#"{"messages": [{"content": "a"}, {"content": [{"text": "b"}], "odd": {"c": "d"}}]}"#;
        let tree = Value::parse(tree, Limits::default()).unwrap();
        for (part, text) in [
            ("messages/0/content", Some("a")),
            ("messages/1/content/0/text", Some("b")),
            ("messages/1/?1/?0", Some("d")),
            ("messages/1/?1/?0/key", Some("c")),
            ("messages/1/?1", None),
            ("messages/2/content", None),
            ("messages/-1/content", None),
            ("messages/0/content/0", None),
            ("", None),
        ] {
            assert_eq!(at(&tree, part), text, "{part}");
        }
    }

    #[test]
    fn a_text_is_given_where_the_finding_is_in_it() {
        let engine = Engine::builtin();
        let given = |said: &Feedback, request: &str| text(said, None, &content(request), &engine);
        let card = said("pii/card", Channel::User, "messages/0/content", Judgement::Right);
        let request = |content: &str| format!(r#"{{"messages": [{{"content": "{content}"}}]}}"#);
        assert_eq!(given(&card, &request(TEXT)).as_deref(), Ok(TEXT));
        // Bytes of the text of a file are none of its payload's, unless the same is found there.
        let file = |text: &str| {
            let said = said("pii/card", Channel::Document, "messages/0/content", Judgement::Right);
            given(&said, &request(text))
        };
        assert_eq!(file(TEXT).as_deref(), Ok(TEXT));
        assert_eq!(file(&"QUJD".repeat(20)), Err("altered"));
        assert_eq!(given(&card, &request("short")), Err("altered"));
        assert_eq!(given(&card, r#"{"messages": []}"#), Err("not_found"));
        assert_eq!(given(&card, "data: {}\n\n"), Err("not_in_one_piece"));
        let answer = Feedback { direction: Direction::Answer, ..card };
        assert_eq!(given(&answer, &request(TEXT)), Err("not_captured"));
    }

    #[test]
    fn lines_are_what_the_evaluation_reads() {
        for (category, channel, judgement, label, kind, spans) in [
            ("pii/card", Channel::User, Judgement::Right, "positive", "pii", 1),
            ("pii/card", Channel::User, Judgement::FalseAlarm, "negative", "pii", 0),
            ("prompt_injection/override", Channel::User, Judgement::Right, "attack", "direct_injection", 0),
            ("prompt_injection", Channel::Document, Judgement::Right, "attack", "indirect_injection", 0),
            ("prompt_injection", Channel::User, Judgement::FalseAlarm, "benign", "benign_hard", 0),
        ] {
            let said = said(category, channel, "messages/0/content", judgement);
            let line = labelled(said.clone(), None, Ok(TEXT.to_owned()));
            assert_eq!((line.label, line.kind.as_str(), line.spans.len()), (label, kind, spans));
            let row = crate::evaluation::Row::read(&serde_json::to_vec(&line).unwrap(), "other").unwrap();
            assert_eq!((row.text.as_str(), row.channel, row.source.as_str()), (TEXT, channel, "feedback"));
            assert_eq!(row.spans.len(), spans);
            // Without a text it says why, and leads to it.
            let line = serde_json::to_value(labelled(said, None, Err("not_captured"))).unwrap();
            assert_eq!(line["without"], "not_captured");
            assert_eq!(line["id"], format!("{}/request/0", CallId::from_bytes([7; 16])));
            assert!(line.get("text").is_none() && line.get("spans").is_none(), "{line}");
        }
    }
}
