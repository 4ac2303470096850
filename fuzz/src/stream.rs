//! Streams of the providers: events cut anywhere, hostile events, and answers in deltas.

use cordon_core::{
    CallId, Refusal, RefusalCode, Timestamp,
    json::{Limits as JsonLimits, Object, Value},
    resource::RefusalStyle,
};
use cordon_guard::{
    Tokens, Verdict,
    anthropic::MessageGate,
    openai::{Gate, Progress, Response, StreamGate, StreamOptions},
    responses::ResponseGate,
    sse::{self, Limits, Parser},
};

use crate::{
    guarded::{ADDRESS, inspection, planted},
    text::{chunks, split},
};

/// Small enough that a search soon meets them.
const SMALL: Limits = Limits { line: 96, event: 160 };

/// The bytes in chunks of up to some fifteen, or of one each.
fn pieces(bytes: &[u8], cut: u8) -> Vec<&[u8]> {
    let mut state = u32::from(cut) + 1;
    let (mut out, mut from) = (Vec::new(), 0);
    for at in 1..bytes.len() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if cut == 0 || state >> 28 == 0 {
            out.push(&bytes[from..at]);
            from = at;
        }
    }
    out.push(&bytes[from..]);
    out
}

/// Reads a stream in these pieces: its events, and whether it broke.
fn events(pieces: &[&[u8]], limits: Limits) -> (Vec<(String, String)>, bool) {
    let mut parser = Parser::new(limits);
    let mut events = Vec::new();
    for piece in pieces {
        parser.push(piece);
        loop {
            match parser.next() {
                Ok(Some(event)) => {
                    assert!(event.data.len() <= limits.event);
                    events.push((event.name.to_owned(), event.data.to_owned()));
                }
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(parser.next(), Err(error), "an error stays");
                    return (events, true);
                }
            }
        }
    }
    (events, false)
}

/// Any bytes: the events are the same at any cut, and an event that is written is read again.
pub(crate) fn sse(bytes: &[u8]) {
    let [cut, bytes @ ..] = bytes else { return };
    for limits in [SMALL, Limits::default()] {
        let whole = events(&[bytes], limits);
        let cut = events(&pieces(bytes, *cut), limits);
        // What waits is bounded, so that a line without an end is refused once it is that long and not before: the events are the same.
        assert_eq!(whole, cut);
    }
    for (name, data) in events(&[bytes], Limits::default()).0 {
        // A NUL cannot be written in a name.
        let name = name.replace('\0', "");
        let mut written = Vec::new();
        sse::write_event(&mut written, &name, &data);
        let again = events(&[&written], Limits { line: 8 << 20, event: 8 << 20 });
        assert_eq!(again, (vec![(name, data)], false), "what was written is what was read");
    }
}

fn options(cut: u8) -> StreamOptions {
    StreamOptions {
        call: CallId::new(Timestamp::from_millis(1), [3; 10]),
        route: "fuzz".to_owned(),
        include_usage: cut & 1 == 0,
        refusal: if cut & 2 == 0 { RefusalStyle::Error } else { RefusalStyle::ContentFilter },
        max_bytes: 1 << 16,
    }
}

/// Gives events to a gate: what may leave, and how it ended. A stream that broke or was stopped is refused.
fn feed(gate: &mut dyn Gate, events: &[(String, String)]) -> (Vec<u8>, Option<Progress>) {
    let mut out = Vec::new();
    for (_, data) in events {
        let before = out.len();
        match gate.event(data, &mut out) {
            Ok(Progress::Open) => {}
            Ok(Progress::Done) => return (out, Some(Progress::Done)),
            Ok(Progress::Stopped) => {
                let refusal = gate.verdict().refusal();
                let refusal = refusal.unwrap_or_else(|| Refusal::new(RefusalCode::ContentBlocked, "fuzz"));
                gate.refuse(&refusal, &mut out);
                return (out, Some(Progress::Stopped));
            }
            Err(error) => {
                assert_eq!(out.len(), before, "nothing is written with an error");
                gate.refuse(&Refusal::new(RefusalCode::UpstreamFailed, error.to_string()), &mut out);
                return (out, None);
            }
        }
    }
    let end = gate.end(&mut out).ok();
    (out, end)
}

/// A stream of any of three protocols: what leaves is a stream whose data are JSON, however the upstream's bytes are cut.
pub(crate) fn raw(bytes: &[u8]) {
    let [kind, cut, bytes @ ..] = bytes else { return };
    let read = |events: &[(String, String)]| {
        let (inspection, tokens) = (inspection(*cut), Tokens::default());
        let mut gate: Box<dyn Gate> = match kind % 3 {
            0 => Box::new(StreamGate::new(inspection, tokens, options(*cut))),
            1 => Box::new(MessageGate::new(inspection, tokens, options(*cut))),
            _ => Box::new(ResponseGate::new(inspection, tokens, options(*cut))),
        };
        feed(&mut *gate, events)
    };
    let limits = Limits { line: 1 << 16, event: 1 << 16 };
    let whole = read(&events(&[bytes], limits).0);
    assert_eq!(whole, read(&events(&pieces(bytes, *cut), limits).0), "cut by {cut}");
    let (left, is_broken) = events(&[&whole.0], Limits { line: 8 << 20, event: 8 << 20 });
    assert!(!is_broken, "what leaves is a stream");
    let json = JsonLimits { bytes: 8 << 20, ..JsonLimits::default() };
    for (_, data) in left {
        assert!(data == "[DONE]" || Value::parse(data.as_bytes(), json).is_ok(), "{data}");
    }
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.into_iter().collect::<Object>())
}

/// An answer with an address by itself somewhere in it, cut anywhere into deltas: a caller reads what it would have read of the whole,
/// and never the address.
pub(crate) fn deltas(bytes: &[u8]) {
    let Some((_, cut, text)) = split(bytes) else { return };
    let form = bytes.first().copied().unwrap_or(0);
    let text = planted(&text, cut);
    let message = object([("role", "assistant".into()), ("content", text.as_str().into())]);
    let choice = object([("index", 0_u64.into()), ("message", message), ("finish_reason", "stop".into())]);
    let answer = object([("id", "c".into()), ("model", "m".into()), ("choices", vec![choice].into())]);
    let Ok(answer) = Response::read(answer) else { panic!("it is one") };
    let whole = answer.inspect(&inspection(form), &Tokens::default(), "fuzz", &mut Verdict::default());
    let chunk = |delta: Value, finish: Value| {
        let choice = object([("index", 0_u64.into()), ("delta", delta), ("finish_reason", finish)]);
        let chunk = object([("id", "c".into()), ("model", "m".into()), ("choices", vec![choice].into())]);
        (String::new(), chunk.to_string())
    };
    let mut events: Vec<(String, String)> = chunks(&text, cut)
        .into_iter()
        .map(|piece| chunk(object([("content", piece.into())]), Value::Null))
        .collect();
    events.push(chunk(object([]), "stop".into()));
    events.push((String::new(), "[DONE]".to_owned()));
    let mut gate = StreamGate::new(inspection(form), Tokens::default(), options(0));
    let (out, end) = feed(&mut gate, &events);
    assert_eq!(end.is_some_and(|end| end == Progress::Done), whole.is_ok(), "both pass, or none");
    let said: String =
        self::events(&[&out], Limits::default()).0.iter().map(|(_, data)| content(data, "delta")).collect();
    assert!(!said.contains(ADDRESS), "{said}");
    if let Ok(whole) = whole {
        assert_eq!(said, content(&String::from_utf8_lossy(&whole), "message"));
    }
}

/// What a chunk or an answer says.
fn content(data: &str, member: &str) -> String {
    let Ok(value) = Value::parse(data.as_bytes(), JsonLimits::default()) else { return String::new() };
    let choice = value.get("choices").and_then(Value::as_array).and_then(<[Value]>::first);
    let content = choice.and_then(|choice| choice.get(member)?.get("content")?.as_str());
    content.unwrap_or_default().to_owned()
}
