use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Owned {
    name: String,
    data: String,
    id: String,
    retry: Option<u64>,
}

fn owned(event: Event<'_>) -> Owned {
    Owned { name: event.name.into(), data: event.data.into(), id: event.id.into(), retry: event.retry }
}

/// Everything that these chunks give: the events, and the error that ended them.
fn parse(chunks: &[Vec<u8>], limits: Limits) -> (Vec<Owned>, Option<SseError>) {
    let mut parser = Parser::new(limits);
    let mut events = Vec::new();
    for chunk in chunks {
        parser.push(chunk);
        loop {
            match parser.next() {
                Ok(Some(event)) => events.push(owned(event)),
                Ok(None) => break,
                Err(error) => return (events, Some(error)),
            }
        }
        assert!(parser.held() <= 3 * limits.line + limits.event, "{} bytes are held", parser.held());
    }
    (events, None)
}

const SMALL: Limits = Limits { line: 64, event: 96 };

#[test]
fn the_corpus_of_streams() {
    let event = |name: &str, data: &str, id: &str| Owned {
        name: name.into(),
        data: data.into(),
        id: id.into(),
        retry: None,
    };
    let plain = |data: &str| event("", data, "");
    let long = "x".repeat(65);
    let cases: Vec<(&[u8], Vec<Owned>, Option<SseError>)> = vec![
        // The examples of the standard.
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", vec![plain("YHOO\n+2\n10")], None),
        (
            b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
            vec![event("", "first event", "1"), plain("second event"), plain(" third event")],
            None,
        ),
        (b"data\n\ndata\ndata\n\ndata:", vec![plain(""), plain("\n")], None),
        (b"data:test\n\ndata: test\n\n", vec![plain("test"), plain("test")], None),
        // Line ends of each kind, mixed.
        (b"data: a\r\rdata: b\r\n\r\ndata: c\n\r\ndata: d\r\n\n", vec![plain("a"), plain("b"), plain("c"), plain("d")], None),
        // A carriage return ends the event at once; a line feed that follows belongs to it.
        (b"data: a\n\r", vec![plain("a")], None),
        // A byte order mark at the very start, and nowhere else.
        (b"\xEF\xBB\xBFdata: a\n\n", vec![plain("a")], None),
        (b"\xEF\xBB\xBF\n\ndata: a\n\n", vec![plain("a")], None),
        (b"data: a\n\n\xEF\xBB\xBFdata: b\n\n", vec![plain("a")], None),
        (b"\xEF\xBB\xBF\xEF\xBB\xBFdata: a\n\ndata: b\n\n", vec![plain("b")], None),
        // Names: the last counts, and only for its own event, also when that has no data.
        (b"event: x\nevent: y\ndata: a\n\ndata: b\n\n", vec![event("y", "a", ""), plain("b")], None),
        (b"event: x\n\ndata: a\n\n", vec![plain("a")], None),
        // Field names are exact; a colon alone begins a comment.
        (b"Data: a\n data: b\ndata : c\n:data: d\nfoo: e\ndata: f\n\n", vec![plain("f")], None),
        // The id lasts; one with NUL is ignored; an empty one resets it.
        (
            b"id: 7\ndata: a\n\nid: 8\0\ndata: b\n\nid:\ndata: c\n\n",
            vec![event("", "a", "7"), event("", "b", "7"), plain("c")],
            None,
        ),
        // Several empty lines, comments in an event, an event without its empty line.
        (b"\n\n\n: c\n\n\ndata: a\n: in between\ndata: b\n\n\n\ndata: cut off\n", vec![plain("a\nb")], None),
        // An answer that imitates the protocol inside JSON stays inside its line.
        (b"data: {\"t\":\"\\n\\ndata: [DONE]\"}\n\n", vec![plain("{\"t\":\"\\n\\ndata: [DONE]\"}")], None),
        // NUL, U+2028, U+0085 and vertical tab are no line ends.
        ("data: a\0b\u{2028}c\u{85}d\u{b}e\n\n".as_bytes(), vec![plain("a\0b\u{2028}c\u{85}d\u{b}e")], None),
        // Not UTF-8: overlong, surrogate, cut, stray; in a comment too. What was whole before stays.
        (b"data: ok\n\ndata: \xC0\xAF\n\n", vec![plain("ok")], Some(SseError::NotUtf8)),
        (b"data: \xED\xA0\x80\n\n", vec![], Some(SseError::NotUtf8)),
        (b"data: \xF0\x9F\x99\n\n", vec![], Some(SseError::NotUtf8)),
        (b": \xFF\n\n", vec![], Some(SseError::NotUtf8)),
        // Bounds.
        (long.as_bytes(), vec![], Some(SseError::LineTooLong { limit: 64 })),
        (b"data: 5555555555555555555555555555555555555555555555555\ndata: 55555555555555555555555555555555555555555555555\n\n",
            vec![], Some(SseError::EventTooLong { limit: 96 })),
    ];
    for (stream, events, error) in cases {
        for chunks in cordon_testkit::chunking::byte_chunkings(stream, 1, 12) {
            assert_eq!(parse(&chunks, SMALL), (events.clone(), error), "{}", stream.escape_ascii());
        }
    }
}

#[test]
fn retry_is_a_number_of_its_own_event() {
    let (events, _) =
        parse(&[b"retry: 10\ndata: a\n\nretry: 1x\ndata: b\n\nretry: -1\ndata: c\n\n".to_vec()], SMALL);
    assert_eq!(events.iter().map(|event| event.retry).collect::<Vec<_>>(), [Some(10), None, None]);
}

#[test]
fn a_cut_stream_is_known() {
    for (stream, cut) in [
        ("", false),
        ("data: a\n\n", false),
        ("data: a\r\n\r\n", false),
        ("data: a\n\n: comment\n", false),
        ("data: a\n", true),
        ("data: a\n\ndata", true),
        ("event: x\n", true),
    ] {
        let mut parser = Parser::default();
        parser.push(stream.as_bytes());
        while parser.next().unwrap().is_some() {}
        assert_eq!(parser.is_mid_event(), cut, "{stream:?}");
    }
}

#[test]
fn an_error_stays_and_frees_what_was_held() {
    let mut parser = Parser::new(SMALL);
    parser.push(&[b'x'; 1000]);
    assert_eq!(parser.next(), Err(SseError::LineTooLong { limit: 64 }));
    parser.push(b"\n\ndata: a\n\n");
    assert_eq!(parser.next(), Err(SseError::LineTooLong { limit: 64 }));
    assert_eq!(parser.held(), 0);
}

/// Bytes that look like event streams.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"data".to_vec()),
        Just(b"data: ".to_vec()),
        Just(b"event: e".to_vec()),
        Just(b"id: 1".to_vec()),
        Just(b"retry: 5".to_vec()),
        Just(b":".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\n\n".to_vec()),
        Just(b"\xEF\xBB\xBF".to_vec()),
        Just("🙂é".as_bytes().to_vec()),
        Just(vec![0xff]),
        prop::collection::vec(any::<u8>(), 0..20),
        "[a-z ]{0,40}".prop_map(String::into_bytes),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same(stream in stream(), seed: u64) {
        let whole = parse(std::slice::from_ref(&stream), SMALL);
        for chunks in cordon_testkit::chunking::byte_chunkings(&stream, seed, 4) {
            prop_assert_eq!(&parse(&chunks, SMALL), &whole);
        }
    }

    #[test]
    fn what_is_written_is_read(events in prop::collection::vec(("[a-z]{0,8}", any::<String>()), 0..8), seed: u64) {
        let mut out = Vec::new();
        for (name, data) in &events {
            write_comment(&mut out, "data: not this\n\ndata: nor this");
            write_event(&mut out, name, data);
        }
        let limits = Limits::default();
        for chunks in cordon_testkit::chunking::byte_chunkings(&out, seed, 2) {
            let (read, error) = parse(&chunks, limits);
            prop_assert_eq!(error, None);
            let read: Vec<_> = read.into_iter().map(|event| (event.name, event.data)).collect();
            // Line ends of any kind are line feeds afterwards: the format cannot tell them apart.
            let written: Vec<_> = events
                .iter()
                .map(|(name, data)| (name.clone(), data.replace("\r\n", "\n").replace('\r', "\n")))
                .collect();
            prop_assert_eq!(read, written);
        }
    }
}
