//! What is asked of whole answers: whether sources bear them out, what they cite, in which language they are, whether they decline.

use cordon_core::{Language, Span};
use cordon_inspect::{Cited, Sources, citations, declined, declines, foreign};

use crate::named::lie_in;

/// Two sources, a question and an answer, parted by zero bytes. Judgements lie in the answer and name passages that there are.
pub(crate) fn grounding(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.splitn(4, '\0');
    let answer = parts.next().unwrap_or("");
    let (first, second, asked) =
        (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let given = [first, second];
    let sources = Sources::new(given, [asked]);
    assert!(sources.unread() <= first.len() + second.len());
    let within =
        |text: &str, span: Span| assert!(text.get(span.range()).is_some(), "{span:?} of {}", text.len());
    let judged = sources.judge(answer);
    for one in &judged {
        within(answer, one.span);
        if let Some((source, span)) = one.passage {
            within(given[source], span);
        }
    }
    assert_eq!(judged, sources.judge(answer), "the same answer, the same judgement");
    let named = |cited: &Cited| match cited {
        Cited::Number(number) => {
            usize::try_from(*number).ok()?.checked_sub(1).filter(|at| *at < 2).map(|at| vec![at])
        }
        Cited::Name { name, .. } => (name.len() % 2 == 0).then(|| vec![0, 1]),
        Cited::Address(_) => None,
    };
    let reading = sources.read(answer, named);
    let mut last = 0;
    for sentence in &reading.sentences {
        within(answer, sentence.span);
        assert!(sentence.span.range().start >= last, "sentences in their order");
        last = sentence.span.range().start;
        for (span, sources) in &sentence.citations {
            within(answer, *span);
            assert!(sources.iter().all(|source| *source < 2));
        }
    }
}

/// An answer by itself: what it cites, in which language it is, and whether it declines.
pub(crate) fn answer(bytes: &[u8]) {
    let [language, rest @ ..] = bytes else { return };
    let text = String::from_utf8_lossy(rest);
    let mut last = 0..0;
    for citation in citations(&text) {
        assert!(text.get(citation.range.clone()).is_some_and(|cited| !cited.is_empty()));
        // `[2, 3]` are two.
        let apart = citation.range == last || citation.range.start >= last.end;
        assert!(apart, "citations in their order, none in another");
        last = citation.range;
    }
    let expected = Language::ALL[usize::from(*language) % Language::ALL.len()];
    let score = foreign(&text, &[expected]);
    assert_eq!(score, foreign(&text, &[expected]));
    assert!(foreign(&text, Language::ALL).is_none() || score.is_some(), "foreign to all is foreign to each");
    for says_so in [false, true] {
        let found = declined(&text, says_so);
        lie_in(&text, found.as_slice());
        assert!(says_so || found.is_some() == declines(&text).is_some(), "whether it declines is said once");
    }
}
