//! Texts: folding, decoded views and every detector.

use std::sync::LazyLock;

use cordon_core::{Category, Channel, Finding, HostPattern};
use cordon_inspect::{Engine, Hosts, Prompt, Scanner, foreign, obfuscate::Obfuscation};

pub(crate) static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::builtin);
/// The longest text that a few bytes stand for.
const LONGEST: usize = 20_000;

const CHANNELS: [Channel; 5] =
    [Channel::User, Channel::System, Channel::Document, Channel::ToolOutput, Channel::Model];

/// All that a rule can hold a text for.
pub(crate) fn holds() -> Vec<Category> {
    ["pii", "secret", "prompt_injection", "egress", "command", "statement", "terminal", "leak"]
        .map(Category::known)
        .to_vec()
}

/// The first two bytes say the channel and where the rest is cut.
pub(crate) fn split(bytes: &[u8]) -> Option<(Channel, u8, String)> {
    let [channel, cut, rest @ ..] = bytes else { return None };
    let channel = CHANNELS[usize::from(*channel) % CHANNELS.len()];
    Some((channel, *cut, String::from_utf8_lossy(rest).into_owned()))
}

/// The text in chunks of up to some fifteen bytes, or of one character each.
pub(crate) fn chunks(text: &str, cut: u8) -> Vec<&str> {
    let mut state = u32::from(cut) + 1;
    let (mut chunks, mut from) = (Vec::new(), 0);
    for (at, _) in text.char_indices().skip(1) {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if cut == 0 || state >> 28 == 0 {
            chunks.push(&text[from..at]);
            from = at;
        }
    }
    chunks.push(&text[from..]);
    chunks
}

fn read(mut scanner: Scanner, chunks: &[&str]) -> Vec<Finding> {
    let (mut findings, mut settled, mut pushed) = (Vec::new(), 0, 0);
    for chunk in chunks {
        pushed += chunk.len();
        let step = scanner.push(chunk);
        assert!(
            step.settled >= settled && step.settled <= pushed,
            "what is settled only grows, and was read"
        );
        settled = step.settled;
        findings.extend(step.findings);
    }
    let last = scanner.finish();
    assert_eq!(last.settled, pushed, "at the end all is settled");
    findings.extend(last.findings);
    findings
}

/// The findings are the same however the text is cut, and lie on its characters.
pub(crate) fn law(text: &str, cut: u8, scanner: impl Fn() -> Scanner) -> Vec<Finding> {
    let whole = read(scanner(), &[text]);
    for finding in &whole {
        assert!(text.get(finding.span.range()).is_some_and(|found| !found.is_empty()), "{:?}", finding.span);
    }
    assert_eq!(whole, read(scanner(), &chunks(text, cut)), "cut by {cut}");
    whole
}

/// Any text, on any channel, cut anywhere.
pub(crate) fn scanned(bytes: &[u8]) {
    let Some((channel, cut, text)) = split(bytes) else { return };
    law(&text, cut, || ENGINE.scanner(channel, &holds()));
    let score = foreign(&text, &[]);
    assert!(score.is_none(), "no language is asked for");
}

/// A text of up to 20,000 bytes: a vertical tab (0x0b) has the characters before it again. Of the two bytes behind it one says how many
/// characters, the other how often.
pub(crate) fn long(bytes: &[u8]) {
    let Some((channel, cut, text)) = split(bytes) else { return };
    let text = repeated(&text);
    law(&text, cut, || ENGINE.scanner(channel, &holds()));
}

fn repeated(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\u{b}' {
            out.push(c);
        } else if let (Some(count), Some(often)) = (chars.next(), chars.next()) {
            let count = usize::try_from(u32::from(count)).unwrap_or(1) % 96 + 1;
            let from = out.char_indices().rev().take(count).last().map_or(0, |(at, _)| at);
            let piece = out[from..].to_owned();
            for _ in 0..u32::from(often) % 512 * 8 {
                if out.len() + piece.len() > LONGEST {
                    break;
                }
                out.push_str(&piece);
            }
        }
        if out.len() > LONGEST {
            break;
        }
    }
    out.truncate(out.floor_char_boundary(LONGEST));
    out
}

/// What policies forbid, beside the others.
pub(crate) fn policies(bytes: &[u8]) {
    let Some((channel, cut, text)) = split(bytes) else { return };
    law(&text, cut, || {
        ENGINE.scanner(channel, &[holds(), Engine::POLICIES.to_vec()].concat()).with_policies()
    });
}

/// A list of hosts and an answer with links, parted by a zero byte: findings are the same at any cut, and a list that nothing may pass by
/// takes none of them away.
pub(crate) fn hosts(bytes: &[u8]) {
    let Some((_, cut, text)) = split(bytes) else { return };
    let (list, answer) = text.split_once('\0').unwrap_or(("", &text));
    let list: Vec<HostPattern> = list.split_whitespace().flat_map(HostPattern::parse).take(16).collect();
    for pattern in &list {
        assert_eq!(
            HostPattern::parse(pattern.as_str()).as_ref(),
            Ok(pattern),
            "a pattern is read as written"
        );
    }
    let read = |hosts: Hosts| {
        law(answer, cut, || ENGINE.scanner(Channel::Model, &holds()).with_hosts(hosts.clone()))
    };
    let hosts = Hosts::new([list]);
    read(hosts.clone());
    let (without, raised) = (read(Hosts::default()), read(hosts.only_raising()));
    // A link of which more is said may be found as a part of a longer one.
    let is_there = |finding: &&Finding| {
        let (span, score) = (finding.span, finding.score);
        raised
            .iter()
            .any(|other| other.span.start < span.end && span.start < other.span.end && other.score >= score)
    };
    let gone = without.iter().find(|finding| !is_there(finding));
    assert!(gone.is_none(), "a list that only raises takes nothing away: {gone:?}");
}

/// A text under one disguise: one that the detectors undo must not lead them astray.
pub(crate) fn disguised(bytes: &[u8]) {
    let Some((channel, cut, text)) = split(bytes) else { return };
    let all = Obfuscation::ALL;
    let disguised = all[usize::from(cut) % all.len()].apply(&text, u64::from(cut));
    law(&disguised, cut, || ENGINE.scanner(channel, &holds()));
}

/// The tagger of names beside the others.
pub(crate) fn named(bytes: &[u8]) {
    let Some((channel, cut, text)) = split(bytes) else { return };
    law(&text, cut, || ENGINE.scanner(channel, &holds()).with_names());
}

/// A prompt and an answer, parted by a zero byte: what leaks is the same at any cut.
pub(crate) fn leaked(bytes: &[u8]) {
    let Some((_, cut, text)) = split(bytes) else { return };
    let (told, answer) = text.split_once('\0').unwrap_or(("", &text));
    let prompt = Prompt::new([told], []).with_marker("marker5d1f");
    law(answer, cut, || ENGINE.scanner(Channel::Model, &holds()).with_prompt(prompt.clone()));
}
