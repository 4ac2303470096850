//! What runs a text that came from elsewhere, or that nobody can read.

use super::Said;
use super::lex::{Line, holds};

pub(super) const REMOTE: &str = "command/remote_code";
const DECODED: &str = "command/decoded";

const DOWNLOADS: &[&str] = &[
    "curl",
    "wget",
    "fetch",
    "iwr",
    "irm",
    "invoke-webrequest",
    "invoke-restmethod",
    "aria2c",
    "lwp-download",
];
const INTERPRETERS: &[&str] = &[
    "sh",
    "bash",
    "zsh",
    "dash",
    "ash",
    "ksh",
    "fish",
    "python",
    "python2",
    "python3",
    "perl",
    "ruby",
    "node",
    "php",
    "lua",
    "iex",
    "invoke-expression",
    "pwsh",
    "powershell",
    "eval",
    "source",
    ".",
];
/// What stands before a command and is none.
const BEFORE: &[&str] = &["sudo", "doas", "env", "exec", "nohup", "time", "command", "xargs"];

/// `curl … | sh`, also through commands between.
pub(super) fn piped(line: &Line, at: usize) -> Said {
    if !line.is(at, DOWNLOADS) || !names_source(line, at) {
        return None;
    }
    let runs = (at + 1..line.words.len()).find(|i| line.operator(*i, &["|"]) && runs_input(line, *i + 1))?;
    // A new command between is another line of thought.
    let apart = (at..runs).any(|i| line.operator(i, &[";", "||", "\n", "&&"]));
    let decoded = line.holds(at, "base64").is_some_and(|decoded| decoded < runs);
    (!apart).then_some((
        REMOTE,
        if decoded { 92 } else { badness(line, at) },
        at,
        interpreter(line, runs + 1)?,
    ))
}

/// `bash <(curl …)`, `sh -c "$(curl …)"`, `eval "$(curl …)"`; and what is fetched, made a program and run.
pub(super) fn substituted(line: &Line, at: usize) -> Said {
    if !line.is(at, DOWNLOADS) || !names_source(line, at) {
        return None;
    }
    let before = at.checked_sub(1)?;
    let within = line.operator(before, &["(", "`"]);
    let runs = within && (before.saturating_sub(4)..before).any(|i| line.is(i, INTERPRETERS));
    if runs {
        return Some((REMOTE, badness(line, at), at, line.end(at)));
    }
    None
}

/// A source other than this machine: an address, or something that stands for one.
fn names_source(line: &Line, at: usize) -> bool {
    line.arguments(at).any(|(_, word)| {
        holds(word, "://")
            || word.starts_with(b"$")
            || !word.starts_with(b"-") && word.contains(&b'.') && word.len() > 4
    })
}

/// Programs are installed so every day, from hosts with a name and a certificate.
fn badness(line: &Line, at: usize) -> u32 {
    let worse = line.arguments(at).any(|(_, word)| {
        let host = word.split(|byte| *byte == b'/').find(|part| part.contains(&b'.')).unwrap_or_default();
        let number = host.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b':'));
        let shared = [
            "pastebin.",
            "paste.",
            "transfer.sh",
            "bit.ly",
            "tinyurl.",
            "is.gd",
            "ngrok",
            "0x0.st",
            "ix.io",
            "hastebin.",
        ];
        word.starts_with(b"http://")
            || matches!(word, b"-k" | b"--insecure" | b"--no-check-certificate")
            || !host.is_empty() && number
            || shared.iter().any(|shared| holds(host, shared))
    });
    if worse { 90 } else { 65 }
}

/// The interpreter that a pipe leads to, if it reads its program from there.
fn interpreter(line: &Line, from: usize) -> Option<usize> {
    let at = (from..from + 4)
        .find(|at| !line.is(*at, BEFORE) && !line.word(*at).is_some_and(|w| w.starts_with(b"-")))?;
    line.is(at, INTERPRETERS).then_some(at)
}

fn runs_input(line: &Line, from: usize) -> bool {
    let Some(at) = interpreter(line, from) else { return false };
    // `| python -m json.tool` reads data, and `| python script.py` too.
    let mut arguments = line.arguments(at);
    !arguments.any(|(_, word)| {
        matches!(word, b"-m" | b"-c" | b"-e" | b"-n" | b"-p")
            || word.ends_with(b".py")
            || word.ends_with(b".pl")
    })
}

/// What Windows fetches and runs.
pub(super) fn windows(line: &Line, at: usize) -> Said {
    let has = |text: &str| line.holds(at, text);
    let end = line.end(at);
    if line.is(at, &["powershell", "pwsh"]) {
        let encoded = line.arguments(at).find(|(i, word)| {
            let flag = word.len() >= 2 && b"-encodedcommand".starts_with(word);
            flag && line.word(i + 1).is_some_and(|value| value.len() >= 16 && !value.contains(&b'-'))
        });
        if let Some((flag, _)) = encoded {
            return Some((DECODED, 88, at, flag + 1));
        }
    }
    let runs = || has("iex").or_else(|| has("invoke-expression"));
    if line.is(at, &["iex", "invoke-expression", "powershell", "pwsh"])
        || holds(line.word(at)?, "downloadstring")
    {
        let fetched = ["downloadstring", "downloadfile", "invoke-webrequest", "iwr", "irm"]
            .iter()
            .find_map(|text| has(text));
        if let Some(fetched) =
            fetched.filter(|_| line.is(at, &["iex", "invoke-expression"]) || runs().is_some())
        {
            return Some((REMOTE, 90, at, fetched.max(at)));
        }
    }
    let web = line.arguments(at).any(|(_, word)| holds(word, "http:") || holds(word, "https:"));
    let percent = match line.name(at) {
        b"mshta" | b"regsvr32" if web => 90,
        b"rundll32" if has("javascript:").is_some() => 90,
        b"certutil" if web && has("urlcache").is_some() => 82,
        b"bitsadmin" if web && has("transfer").is_some() => 78,
        _ => return None,
    };
    Some((REMOTE, percent, at, end))
}

/// `base64 -d | sh`, `eval(atob(…))` and their kind.
pub(super) fn decoded(line: &Line, at: usize) -> Said {
    let flag =
        |flags: &[&str]| line.arguments(at).any(|(_, word)| flags.iter().any(|flag| word == flag.as_bytes()));
    let decodes = line.is(at, &["base64", "base32"]) && flag(&["-d", "--decode", "-di"])
        || line.is(at, &["xxd"]) && flag(&["-r", "-p"])
        || line.is(at, &["openssl"]) && flag(&["-d"]);
    if decodes {
        let mut pipes = (at + 1..line.words.len()).filter(|i| line.operator(*i, &["|"]));
        if let Some(pipe) = pipes.find(|pipe| runs_input(line, pipe + 1)) {
            return Some((DECODED, 92, at, interpreter(line, pipe + 1)?));
        }
        let within = (at.saturating_sub(8)..at).any(|i| line.is(i, &["eval"]));
        return within.then(|| (DECODED, 90, at, line.end(at)));
    }
    let word = line.word(at)?;
    let ends = ["atob", "b64decode", "base64_decode"].iter().any(|name| word.ends_with(name.as_bytes()));
    // `exec(base64.b64decode(…))`: the call around it stands right before.
    let outer = at.checked_sub(2)?;
    let called = line.operator(at + 1, &["("]) && line.operator(at - 1, &["("]);
    let runs = line
        .word(outer)
        .is_some_and(|name| name.ends_with(b"eval") || name.ends_with(b"exec") || name.ends_with(b"assert"));
    (ends && called && runs).then(|| (DECODED, 88, at, line.end(at + 1).max(at)))
}
