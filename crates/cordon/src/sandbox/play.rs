//! From an answer and a behaviour to the steps of a body: where faults are put in.

use std::time::Duration;

use bytes::Bytes;

use super::answer::{Answer, frame, tokens};
use super::assistant::{self, Reply};
use super::behaviour::{Behaviour, Fault, Split};
use super::body::{Step, Steps};
use super::conversation::{Conversation, Form, Format, seed_of};

/// What a response needs: its bytes as steps, and the length that it declares, if it does.
pub(super) struct Play {
    pub(super) steps: Steps,
    pub(super) declared: Option<usize>,
}

/// Not UTF-8 in any position, and no JSON.
const GARBAGE: &[u8] = b"\xff\xfe\x00\x80garbage\xc3\x28\xf0\x28\x8c\xbc\x00{{{]]]\xed\xa0\x80";
/// JSON, but no completion.
const WRONG: &str = r#"{"object":"sandbox.surprise","choices":"none","usage":[1,2,{"a":null}]}"#;

/// Every step of the answer to a conversation. Errors of HTTP are not made here.
pub(super) fn play(conversation: &Conversation, behaviour: &Behaviour) -> Play {
    let replies = assistant::replies(conversation).into_iter();
    let replies = replies.map(|reply| stretch(reply, conversation, behaviour));
    let answer = Answer::new(conversation, replies.collect());
    if conversation.stream {
        stream(answer, conversation.form, behaviour)
    } else {
        whole(answer.whole().to_vec(), behaviour)
    }
}

/// What `long`, `huge-line` and `split-utf8` add to a text.
fn stretch(reply: Reply, conversation: &Conversation, behaviour: &Behaviour) -> Reply {
    let Reply::Text(mut text) = reply else { return reply };
    // Structured output stays what it was promised to be.
    if conversation.format != Format::Text {
        return Reply::Text(text);
    }
    if let Some(wanted) = behaviour.long {
        let missing = wanted.saturating_sub(tokens(&text).count());
        text.extend(" still the sand keeps on trickling down".split_inclusive(' ').cycle().take(missing));
    }
    if let Some(Fault::HugeLine(bytes)) = behaviour.fault {
        // Several choices share the size, so that the whole answer has it.
        text = "x".repeat(bytes / conversation.choices.max(1));
    }
    if behaviour.split == Some(Split::Utf8) {
        text.push_str(" — naïve 🙂 日本語");
    }
    Reply::Text(text)
}

/// An answer in one piece, and what happens to it.
pub(super) fn whole(body: Vec<u8>, behaviour: &Behaviour) -> Play {
    let half = Bytes::copy_from_slice(body.get(..body.len() / 2).unwrap_or_default());
    let declared = Some(body.len());
    let (steps, declared): (Vec<Step>, _) = match behaviour.fault {
        Some(Fault::Closed) => (vec![Step::Bytes(half), Step::Flush, Step::Abort], declared),
        Some(Fault::Stall) => (vec![Step::Bytes(half), Step::Flush, Step::Stall], declared),
        Some(Fault::Cut | Fault::Truncated) => (vec![Step::Bytes(half)], None),
        Some(Fault::Empty) => (Vec::new(), None),
        Some(Fault::Endless) => {
            let beginning = r#"{"id":"chatcmpl-sandbox","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":""#;
            let filler = std::iter::repeat_with(|| Step::Bytes(Bytes::from_static(b"on and on and ")));
            let steps = std::iter::once(Step::Bytes(Bytes::from_static(beginning.as_bytes()))).chain(filler);
            return Play { steps: Box::new(steps), declared: None };
        }
        Some(Fault::Garbage) => (vec![Step::Bytes(Bytes::from_static(GARBAGE))], None),
        Some(Fault::WrongJson) => (vec![Step::Bytes(Bytes::from_static(WRONG.as_bytes()))], None),
        Some(Fault::Error(_) | Fault::HugeLine(_)) | None => match behaviour.split {
            Some(split) => (recut(&body, split).collect(), None),
            None => (vec![Step::Bytes(body.into())], declared),
        },
    };
    Play { steps: Box::new(steps.into_iter()), declared }
}

fn stream(answer: Answer, form: Form, behaviour: &Behaviour) -> Play {
    let event = |framed: String| Step::Bytes(framed.into());
    let steps: Steps = match behaviour.fault {
        Some(Fault::Endless) => Box::new(answer.endless().map(event)),
        Some(Fault::Garbage) => Box::new([Step::Bytes(Bytes::from_static(GARBAGE))].into_iter()),
        Some(Fault::WrongJson) => Box::new([event(frame(WRONG)), event(frame("[DONE]"))].into_iter()),
        Some(Fault::Empty) => Box::new(std::iter::empty()),
        Some(Fault::HugeLine(_)) if form != Form::Chat => Box::new(answer.events().map(event)),
        Some(Fault::HugeLine(_)) => Box::new(huge(&answer).map(event)),
        Some(fault @ (Fault::Closed | Fault::Cut | Fault::Stall | Fault::Truncated)) => {
            let events: Vec<String> = answer.events().collect();
            let half = events.len() / 2;
            let next = events.get(half).cloned().unwrap_or_default();
            let torn = Bytes::copy_from_slice(next.as_bytes().get(..next.len() / 2).unwrap_or_default());
            let ending = match fault {
                Fault::Closed => vec![Step::Bytes(torn), Step::Flush, Step::Abort],
                Fault::Stall => vec![Step::Flush, Step::Stall],
                Fault::Truncated => vec![Step::Bytes(torn)],
                _ => Vec::new(),
            };
            Box::new(events.into_iter().take(half).map(event).chain(ending))
        }
        Some(Fault::Error(_)) | None => Box::new(answer.events().map(event)),
    };
    let gap = behaviour.pace.map(|pace| Duration::from_secs(1) / pace);
    let split = behaviour.split;
    let steps: Steps = match (gap, split) {
        (None, None) => steps,
        (Some(gap), None) => Box::new(steps.enumerate().flat_map(move |(at, step)| paced(at, gap, step))),
        (gap, Some(split)) => Box::new(steps.enumerate().flat_map(move |(at, step)| {
            let pieces: Vec<Step> = match step {
                Step::Bytes(bytes) => recut(&bytes, split).collect(),
                other => vec![other],
            };
            let wait = gap.filter(|_| at > 0).map(Step::Wait);
            wait.into_iter().chain(pieces)
        })),
    };
    Play { steps, declared: None }
}

/// The first event, the opening of the message, comes at once.
fn paced(at: usize, gap: Duration, step: Step) -> impl Iterator<Item = Step> {
    (at > 0).then_some(Step::Wait(gap)).into_iter().chain([step])
}

/// A stream whose whole text is one delta: one line of many bytes.
fn huge(answer: &Answer) -> impl Iterator<Item = String> + Send + use<> {
    let mut whole = answer.whole();
    let choices = whole.as_object_mut().and_then(|object| object.remove("choices"));
    let mut first = whole.as_object().cloned().unwrap_or_default();
    first.remove("usage");
    first.insert("object", "chat.completion.chunk");
    let choices = choices.as_ref().and_then(|choices| choices.as_array()).unwrap_or_default();
    let deltas = choices.iter().map(|choice| {
        let mut choice = choice.as_object().cloned().unwrap_or_default();
        if let Some(message) = choice.remove("message") {
            choice.insert("delta", message);
        }
        choice.into()
    });
    first.insert("choices", deltas.collect::<Vec<_>>());
    [frame(cordon_core::json::Value::from(first)), frame("[DONE]")].into_iter()
}

/// Cuts bytes anew; each piece is written before the next is made.
fn recut(bytes: &[u8], split: Split) -> impl Iterator<Item = Step> + use<> {
    let mut pieces: Vec<Bytes> = Vec::new();
    match split {
        Split::Utf8 => {
            // After the first byte of every wide character.
            let is_wide = |byte: &u8| *byte >= 0xc0;
            pieces.extend(bytes.split_inclusive(is_wide).map(Bytes::copy_from_slice));
        }
        Split::Frames => {
            let (mut rest, mut seed) = (bytes, seed_of(bytes));
            while !rest.is_empty() {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let size = usize::try_from(seed >> 59).unwrap_or(0) + 1;
                let (piece, tail) = rest.split_at_checked(size).unwrap_or((rest, &[]));
                pieces.push(Bytes::copy_from_slice(piece));
                rest = tail;
            }
        }
    }
    pieces.into_iter().flat_map(|piece| [Step::Bytes(piece), Step::Flush])
}
