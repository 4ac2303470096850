//! What destroys, opens the machine to others, stays on it, or sends away what is kept on it.

use super::Said;
use super::lex::{Line, holds};

pub(super) const DESTRUCTION: &str = "command/destruction";
const EXHAUSTION: &str = "command/exhaustion";
const REVERSE_SHELL: &str = "command/reverse_shell";
const PERSISTENCE: &str = "command/persistence";
pub(super) const EXFILTRATION: &str = "command/exfiltration";

/// How bad it is to lose a folder, in hundredths; nothing for those of a project.
pub(super) fn root(path: &[u8]) -> u32 {
    let path = path.strip_suffix(b"*.*").or(path.strip_suffix(b"*")).unwrap_or(path);
    let path = if path.len() > 1 {
        path.strip_suffix(b"/").or(path.strip_suffix(b"\\")).unwrap_or(path)
    } else {
        path
    };
    match path {
        b"/" | b"c:" | b"/." | b"%systemdrive%" => 92,
        b"~" | b"$home" | b"${home}" | b"%userprofile%" | b"$env:userprofile" => 88,
        b"/etc" | b"/usr" | b"/bin" | b"/sbin" | b"/lib" | b"/lib64" | b"/boot" | b"/var" | b"/home"
        | b"/root" | b"/opt" | b"/dev" | b"/sys" | b"/proc" | b"c:\\windows" | b"c:\\users" | b"/users"
        | b"/system" => 85,
        // What databases keep.
        b"/var/lib/postgresql" | b"/var/lib/mysql" | b"/var/lib/mongodb" | b"/var/lib/etcd" => 70,
        _ => 0,
    }
}

/// `rm -rf /` and its kind.
pub(super) fn removed(line: &Line, at: usize) -> Said {
    let flag = |letter: u8, long: &str| {
        line.arguments(at).any(|(_, word)| {
            word == long.as_bytes()
                || word.starts_with(b"-") && !word.starts_with(b"--") && word.contains(&letter)
        })
    };
    let target =
        || line.arguments(at).map(|(i, word)| (root(word), i)).filter(|(percent, _)| *percent > 0).max();
    if line.is(at, &["rm"]) && flag(b'r', "--recursive") {
        let (percent, last) = target()?;
        let forced =
            flag(b'f', "--force") || line.arguments(at).any(|(_, word)| word == b"--no-preserve-root");
        return Some((DESTRUCTION, if forced { percent } else { percent - 15 }, at, last));
    }
    if line.is(at, &["remove-item", "ri"]) && line.arguments(at).any(|(_, word)| word.starts_with(b"-r")) {
        let (percent, last) = target()?;
        return Some((DESTRUCTION, percent, at, last));
    }
    if line.is(at, &["rd", "rmdir", "del", "erase"]) && line.arguments(at).any(|(_, word)| word == b"/s") {
        let (percent, last) = target()?;
        return Some((DESTRUCTION, percent, at, last));
    }
    if line.is(at, &["chmod", "chown"]) && flag(b'r', "--recursive") {
        let (percent, last) = target()?;
        return Some((DESTRUCTION, percent.min(80), at, last));
    }
    None
}

/// Whether a word names a disk, and not the place of one (`/dev/sdX`).
fn disk(word: &[u8]) -> bool {
    let name = word.strip_prefix(b"of=").unwrap_or(word).strip_prefix(b"/dev/").unwrap_or_default();
    let kinds = ["sd", "hd", "vd", "xvd", "nvme", "mmcblk", "disk", "rdisk", "mapper/", "md"];
    kinds.iter().any(|kind| name.starts_with(kind.as_bytes()))
        && !name.contains(&b'x')
        && !name.contains(&b'<')
}

/// What writes over a disk, or makes backups go.
pub(super) fn overwritten(line: &Line, at: usize) -> Said {
    let found = line.arguments(at).find(|(_, word)| disk(word)).map(|(i, _)| i);
    let end = line.end(at);
    if line.is(at, &["dd"]) {
        let disk =
            line.arguments(at).find(|(_, word)| word.starts_with(b"of=") && disk(word)).map(|(i, _)| i)?;
        let noise = ["if=/dev/zero", "if=/dev/random", "if=/dev/urandom"];
        let noise = line.arguments(at).any(|(_, word)| noise.iter().any(|noise| word == noise.as_bytes()));
        return Some((DESTRUCTION, if noise { 88 } else { 60 }, at, disk.max(end)));
    }
    let percent = match line.name(at) {
        name if name.starts_with(b"mkfs") && found.is_some() => 65,
        b"wipefs" | b"shred" if found.is_some() => 82,
        b"vssadmin" if line.holds(at, "shadows").is_some() && line.holds(at, "delete").is_some() => 92,
        b"wbadmin" if line.holds(at, "delete").is_some() => 85,
        _ => return None,
    };
    Some((DESTRUCTION, percent, at, end))
}

/// What gives a shell to somebody elsewhere.
pub(super) fn opened(line: &Line, at: usize) -> Said {
    let shell = |word: &[u8]| {
        ["/bin/sh", "/bin/bash", "cmd.exe", "/bin/zsh", "bash", "sh", "cmd"]
            .iter()
            .any(|s| word == s.as_bytes())
    };
    let last = line.words.len().saturating_sub(1);
    let word = line.word(at)?;
    if holds(word, "/dev/tcp/") || holds(word, "/dev/udp/") {
        let talks = line.holds(0, "bash").is_some() || line.is(at.saturating_sub(2), &["exec"]);
        let both = (0..at).any(|i| line.operator(i, &["&"])) || line.operator(at + 1, &["<", "0"]);
        return Some((REVERSE_SHELL, if talks && both { 92 } else { 60 }, at, at));
    }
    if line.is(at, &["nc", "ncat", "netcat"]) {
        let given = line.arguments(at).find(|(i, word)| {
            let flag = word.starts_with(b"-") && matches!(word.last(), Some(b'e' | b'c'))
                || matches!(*word, b"--exec" | b"--sh-exec");
            flag && line.word(i + 1).is_some_and(shell)
        });
        if let Some((flag, _)) = given {
            return Some((REVERSE_SHELL, 92, at, flag + 1));
        }
    }
    let joined = || (at..last).any(|i| line.is(i, &["nc", "ncat", "netcat", "telnet", "openssl"]));
    if line.is(at, &["mkfifo"]) && joined() {
        let runs = (at..=last).any(|i| line.word(i).is_some_and(shell));
        return runs.then_some((REVERSE_SHELL, 90, at, last));
    }
    if line.is(at, &["socat"]) && line.holds(at, "tcp").is_some() {
        let runs = line.holds(at, "exec:").or_else(|| line.holds(at, "system:"))?;
        return Some((REVERSE_SHELL, 90, at, runs.max(line.end(at))));
    }
    let script = line.is(at, &["python", "python2", "python3", "perl", "ruby", "php"]);
    if script && line.holds(at, "socket").is_some() {
        let runs = ["dup2", "pty.spawn", "/bin/sh", "/bin/bash", "cmd.exe"]
            .iter()
            .find_map(|text| line.holds(at, text))?;
        return Some((REVERSE_SHELL, 90, at, runs));
    }
    if script && line.holds(at, "fsockopen").is_some() {
        let runs = line.holds(at, "exec").or_else(|| line.holds(at, "/bin/sh"))?;
        return Some((REVERSE_SHELL, 88, at, runs));
    }
    None
}

/// What is written where it will be run, or let in, again.
pub(super) fn kept(line: &Line, at: usize) -> Said {
    let word = line.word(at)?;
    let written = (at.saturating_sub(2)..at).any(|i| line.operator(i, &[">", ">>"]))
        || (at.saturating_sub(3)..at).any(|i| line.is(i, &["tee"]));
    let percent = match word {
        _ if !written => 0,
        word if holds(word, "ld.so.preload") => 90,
        word if holds(word, "authorized_keys")
            || holds(word, "/etc/sudoers")
            || holds(word, "/etc/shadow")
            || holds(word, "/etc/passwd") =>
        {
            84
        }
        word if holds(word, "/etc/cron") || holds(word, "/var/spool/cron") => 80,
        _ => 0,
    };
    if percent > 0 {
        return Some((PERSISTENCE, percent, at, at));
    }
    let fetches = || {
        line.words.iter().any(|w| ["http:", "https:", "/dev/tcp/"].iter().any(|text| holds(&w.text, text)))
    };
    match line.name(at) {
        // `… | crontab -` with something to fetch in it.
        b"crontab" if line.operator(at.wrapping_sub(1), &["|"]) && fetches() => {
            Some((PERSISTENCE, 84, at, line.end(at)))
        }
        b"schtasks"
            if line.holds(at, "/create").is_some()
                && (fetches() || line.holds(at, "powershell").is_some()) =>
        {
            Some((PERSISTENCE, 80, at, line.end(at)))
        }
        _ => None,
    }
}

/// Whether a word names what lets somebody act as somebody.
fn secret(word: &[u8]) -> bool {
    let names = [
        "/etc/passwd",
        "/etc/shadow",
        ".ssh/id_",
        "id_rsa",
        ".aws/credentials",
        ".netrc",
        ".kube/config",
        ".gnupg",
        ".npmrc",
        ".pgpass",
    ];
    names.iter().any(|name| holds(word, name)) && !word.ends_with(b".pub")
}

/// Keys and passwords that leave the machine.
pub(super) fn sent(line: &Line, at: usize) -> Said {
    let sender = |at| line.is(at, &["curl", "wget", "nc", "ncat", "netcat"]);
    if sender(at) {
        let given = line.arguments(at).find(|(_, word)| secret(word)).map(|(i, _)| i);
        if let Some(given) = given {
            return Some((EXFILTRATION, 90, at, given.max(at)));
        }
        // `curl -d "$(env)" …`
        let end = (at..line.words.len()).find(|i| line.operator(*i, &[";", "&&", "||", "|", "\n"]));
        let end = end.unwrap_or(line.words.len());
        let substituted = (at + 1..end).find(|i| {
            let all = line.is(*i, &["env", "printenv"]) && line.operator(i + 1, &[")", "`"]);
            line.operator(i.wrapping_sub(1), &["(", "`"]) && all
                || line.is(i.wrapping_sub(1), &["cat"]) && line.word(*i).is_some_and(secret)
        });
        let leads = || (at + 1..end).any(|i| line.word(i).is_some_and(|word| holds(word, "://")));
        if let Some(given) = substituted.filter(|_| leads()) {
            return Some((EXFILTRATION, 90, at, given));
        }
        // `env | curl -d @- …`
        let piped = at.checked_sub(1).filter(|before| line.operator(*before, &["|"]))?;
        let start = (0..piped).rev().find(|i| line.operator(*i, &[";", "&&", "\n"])).map_or(0, |i| i + 1);
        let all =
            (start..piped).any(|i| line.is(i, &["env", "printenv"]) || line.word(i).is_some_and(secret));
        let out = line.arguments(at).any(|(_, word)| holds(word, "://") || word.contains(&b'.'));
        return (all && out).then(|| (EXFILTRATION, 88, at, line.end(at)));
    }
    None
}

/// `:(){ :|:& };:`: what starts itself twice.
pub(super) fn multiplied(line: &Line, at: usize) -> Said {
    if line.word(at)? != b"{" {
        return None;
    }
    let (first, second) = (line.word(at + 1)?, line.word(at + 3)?);
    let twice = first == second && line.operator(at + 2, &["|"]) && line.operator(at + 4, &["&"]);
    twice.then_some((EXHAUSTION, 92, at, at + 4))
}
