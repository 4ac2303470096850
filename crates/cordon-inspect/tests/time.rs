//! What hostile texts cost: no more by the byte however long they are, and not many times what prose costs, on every channel and with every
//! reader. Processor time of this thread is compared, the least of some runs, so that a busy machine changes nothing.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "test code")]

use std::{
    hint::black_box,
    sync::LazyLock,
    time::{Duration, Instant},
};

use cordon_core::{Channel, HostPattern, Language, resource};
use cordon_inspect::{
    Asked, Custom, Engine, Hosts, Prompt, Scanner, Sources, Topics, citations, declined, foreign,
};

/// Bytes of the shorter texts, how many of them are read, and how many times as long the longer ones are.
const BYTES: usize = 1024;
const SHORT: usize = 2;
const LONGER: usize = 8;
/// So many times what prose costs at most, by the byte. The worst known are `curl ` and `68 69 `, at some twelve.
const MOST: f64 = 40.0;
/// So many times what shorter texts cost, by the byte, longer ones cost at most. Quadratic would be eight times.
const GROWTH: f64 = 2.5;
/// Microseconds by the kilobyte that count as nothing: less cannot be told from none.
const NOTHING: f64 = 60.0;
/// How often what was measured is measured again before it counts against a text: whatever a machine does besides, the least is its own.
const AGAIN: usize = 12;

/// How long it is tried how finely processor time is told: less than a tick of any kernel.
const SPIN: Duration = Duration::from_micros(500);

const PROSE: &str = "The harbour was quiet that morning, and the ferry to the island left on time. Nobody asked for tickets, so we paid on board \
    and had coffee with the captain, who told us of the winter when the bay froze. ";

/// What is repeated: beginnings without an end, signs that readers wait for, and values that nearly are.
const UNITS: &[&str] = &[
    // Values.
    "x",
    "a@",
    "a@b.",
    "(",
    "4111 ",
    "12 ",
    "12-",
    "1.",
    "1:",
    "40.1234 ",
    "DE89 ",
    "eyJ.",
    "sk-ant-",
    "AKIA",
    "-----BEGIN ",
    "://a:",
    "a=b&",
    "password: ",
    "password=a1;",
    "Password: a1,B2<",
    "Cookie: a1=b2; ",
    "\"d\":\"",
    "token=\"",
    "+49 ",
    "19",
    "A1",
    "a1b2c3d4",
    "CVV ",
    "DOB: ",
    "postgres://",
    "[at] ",
    "{\"a\":\"",
    // Views and escapes.
    "aGVs",
    "aGVsbG8= ",
    "6869",
    "68 69 ",
    "\\x68",
    "\\u0068",
    "%68",
    "%2568",
    "&#1",
    "&#104;",
    "&amp;",
    "=68",
    "=\n",
    "i g n ",
    "1gn0r3 ",
    "vtaber ",
    "\u{301}",
    "\u{200b}",
    "a\u{200b}",
    "\u{e0061}",
    "\u{fe00}",
    "😊\u{e0159}",
    "ｉｇ",
    "-\n",
    "<b>",
    "<!--",
    "**a**",
    "__",
    "`",
    "'+'",
    "\",\"",
    "NBSWY3DP",
    // Orders.
    "ignore ",
    "Ignore all ",
    "previous instructions ",
    "<|im_start|>",
    "[INST]",
    "### ",
    "you are now ",
    "忽略",
    "不要",
    "ب",
    "тест ",
    // Answers.
    "curl ",
    "rm -rf ",
    "$(",
    "| sh ",
    "; ",
    "DROP ",
    "SELECT ",
    "' OR ",
    "--",
    "/*",
    "![",
    "![](",
    "[a](",
    "](",
    "<img src=",
    "<a href='",
    "<script>",
    "http://",
    "https://a.b/?q=",
    "javascript:",
    "data:",
    "\u{1b}[",
    "\u{1b}]",
    "\u{1b}]8;;",
    "\r",
    "\u{8}",
    "\u{9b}",
    "a|",
    "exec(",
    "import os;",
    // Whole answers.
    "[1]",
    "[^",
    "(source: ",
    "1 EUR ",
    "not ",
    "I can't ",
    "\n",
    ". ",
    "Dr. ",
    "\"",
];

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::builtin);

static CUSTOM: LazyLock<Custom> = LazyLock::new(|| {
    let types = r#"[{"category": "custom/badge", "pattern": "EMP-[0-9]{6}"}, {"category": "custom/wide", "pattern": "[a-z0-9.]{3,200}!"},
        {"category": "custom/name", "dictionary": {"terms": ["blue heron", "a a a a", "harbour"], "matching": "anywhere"}}]"#;
    Custom::new(&serde_json::from_str::<Vec<resource::CustomType>>(types).unwrap())
});

static TOPICS: LazyLock<Topics> = LazyLock::new(|| {
    let said = r#"{"allow": [{"name": "shop", "terms": ["invoice", "curl", "not"]}], "deny": [{"name": "sea", "terms": ["harbour", "ignore*", "x"]}]}"#;
    Topics::new(&serde_json::from_str(said).unwrap())
});

static PROMPT: LazyLock<Prompt> = LazyLock::new(|| Prompt::new([PROSE], []).with_marker("marker5d1f"));

/// Processor time of this thread, as proc(5) has it; nothing where there is no `/proc`. It is brought up to date where a thread gives way.
fn processor_time() -> Option<Duration> {
    std::thread::yield_now();
    let line = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(line.split(' ').next()?.parse().ok()?))
}

/// Whether processor time is told finely enough here to be compared: else the clock has to do.
static IS_FINE: LazyLock<bool> = LazyLock::new(|| {
    let (before, began) = (processor_time(), Instant::now());
    while began.elapsed() < SPIN {
        black_box(began);
    }
    // Others may have had the processor for most of that; all of it, again and again, they have not.
    before.zip(processor_time()).is_some_and(|(before, after)| after > before && after - before <= SPIN * 8)
});

/// What a kilobyte of a text costs, in microseconds.
fn cost(read: &dyn Fn(&str), text: &str, times: usize) -> f64 {
    let before = processor_time().filter(|_| *IS_FINE);
    let began = Instant::now();
    (0..times).for_each(|_| read(text));
    let clock = began.elapsed();
    let own = before.zip(processor_time()).map(|(before, after)| after.saturating_sub(before));
    (own.unwrap_or(clock).as_secs_f64() * 1e6 / (text.len() * times) as f64 * 1024.0).max(NOTHING)
}

/// Some bytes of a unit again and again, whole units.
fn filled(unit: &str, bytes: usize) -> String {
    unit.repeat((bytes / unit.len()).max(1))
}

/// Compares all units with prose, and each with itself at greater length.
fn check(what: &str, read: &dyn Fn(&str)) {
    // The first look compiles what is looked for.
    read(PROSE);
    let prose = (0..4).map(|_| cost(read, &filled(PROSE, BYTES * LONGER), 1)).fold(f64::MAX, f64::min);
    let (mut all, mut wrong) = (Vec::new(), Vec::new());
    for unit in UNITS {
        let texts = [(filled(unit, BYTES), SHORT), (filled(unit, BYTES * LONGER), 1)];
        let mut least = [f64::MAX; 2];
        for _ in 0..AGAIN {
            for (least, (text, times)) in least.iter_mut().zip(&texts) {
                *least = least.min(cost(read, text, *times));
            }
            if said(prose, least).is_none() {
                break;
            }
        }
        all.push((least.into_iter().fold(0.0, f64::max) / prose, unit));
        wrong.extend(said(prose, least).map(|what| format!("`{}` {what}", unit.escape_debug())));
    }
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    let worst: Vec<String> =
        all.iter().take(8).map(|(ratio, unit)| format!("`{}` {ratio:.1}", unit.escape_debug())).collect();
    println!("{what}: prose {prose:.0} µs/KB; worst, in times of that: {}", worst.join(", "));
    assert!(wrong.is_empty(), "{what}, prose at {prose:.0} µs/KB: {wrong:#?}");
}

/// What is wrong with what a unit costs, the shorter text first.
fn said(prose: f64, [short, long]: [f64; 2]) -> Option<String> {
    let figures = format!("{short:.0}, {long:.0} µs/KB");
    if long > short.max(prose) * GROWTH {
        Some(format!("grows: {figures}"))
    } else if short.max(long) > prose * MOST {
        Some(format!("costs too much: {figures}"))
    } else {
        None
    }
}

fn everything(channel: Channel) -> Scanner {
    let hosts = Hosts::new([vec![HostPattern::parse("*.example.org").unwrap()]]);
    ENGINE
        .scanner(channel, &[])
        .with_hosts(hosts)
        .with_prompt(PROMPT.clone())
        .with_custom(std::slice::from_ref(&CUSTOM))
        .with_policies()
}

#[test]
fn scanners_take_linear_time_on_every_channel() {
    for channel in Channel::ALL {
        check(channel.as_str(), &|text| drop(black_box(ENGINE.read(everything(channel), text))));
    }
}

#[test]
fn names_take_linear_time() {
    let read =
        |text: &str| drop(black_box(ENGINE.read(ENGINE.scanner(Channel::User, &[]).with_names(), text)));
    check("names", &read);
}

#[test]
fn readers_of_whole_answers_take_linear_time() {
    check("topics, asked", &|text| {
        black_box(TOPICS.request(Asked { said: text, before: &[text], answered: &[text] }));
    });
    check("topics, answered", &|text| drop(black_box(TOPICS.answer(text, false))));
    check("language", &|text| {
        black_box(foreign(text, &[Language::En]));
    });
    check("citations", &|text| drop(black_box(citations(text))));
    check("declined", &|text| drop(black_box(declined(text, false))));
    let sources = Sources::new([PROSE.repeat(8).as_str(), "It costs 1 EUR, not 12."], ["What?"]);
    check("grounding", &|text| drop(black_box(sources.judge(text))));
    check("sources", &|text| drop(black_box(Sources::new([text], [text]))));
}
