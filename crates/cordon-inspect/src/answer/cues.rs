//! Words with which a command or a statement that does harm may begin, and how far what follows is read with them.

use crate::answer::{Found, Sight, command, statement};
use crate::detector::{COMMAND, STATEMENT};
use crate::fold::FoldedText;

/// Bytes of one command or statement that are looked at together.
pub(crate) const MAX_WINDOW: usize = 1024;
/// Bytes before it that may say what it is about.
const LEFT: usize = 120;
/// Letters of the longest word that begins something.
pub(crate) const MAX_CUE: usize = 16;

/// The words that begin a command worth reading.
const COMMANDS: &[&[u8]] = &[
    b"_cookie",
    b"_get",
    b"_post",
    b"_request",
    b"atob",
    b"authorized_keys",
    b"aws",
    b"az",
    b"b64decode",
    b"base64",
    b"base64_decode",
    b"bitsadmin",
    b"certutil",
    b"chmod",
    b"chown",
    b"cookie",
    b"cron",
    b"crontab",
    b"curl",
    b"dd",
    b"del",
    b"downloadfile",
    b"downloadstring",
    b"eval",
    b"erase",
    b"exec",
    b"execsync",
    b"flushall",
    b"flushdb",
    b"fsockopen",
    b"gcloud",
    b"getitem",
    b"gsutil",
    b"id_rsa",
    b"iex",
    b"iwr",
    b"irm",
    b"kubectl",
    b"localstorage",
    b"marshal",
    b"mkfifo",
    b"mkfs",
    b"mshta",
    b"nc",
    b"ncat",
    b"netcat",
    b"openssl",
    b"perl",
    b"php",
    b"pickle",
    b"powershell",
    b"preload",
    b"pwsh",
    b"python",
    b"python3",
    b"rd",
    b"recurse",
    b"reg",
    b"regsvr32",
    b"remove_dir_all",
    b"removeall",
    b"rm",
    b"rm_r",
    b"rm_rf",
    b"rmdir",
    b"rmdirsync",
    b"rmsync",
    b"rmtree",
    b"ruby",
    b"rundll32",
    b"schtasks",
    b"sessionstorage",
    b"shred",
    b"socat",
    b"subprocess",
    b"sudoers",
    b"tcp",
    b"terraform",
    b"terragrunt",
    b"tofu",
    b"udp",
    b"vssadmin",
    b"wbadmin",
    b"webrequest",
    b"wget",
    b"wipefs",
    b"xxd",
];

/// The words that begin a statement worth reading.
const STATEMENTS: &[&[u8]] = &[
    b"benchmark",
    b"delete",
    b"drop",
    b"dumpfile",
    b"grant",
    b"load_file",
    b"or",
    b"outfile",
    b"pg_sleep",
    b"program",
    b"sleep",
    b"truncate",
    b"union",
    b"update",
    b"waitfor",
    b"xp_cmdshell",
];

/// By the length of a word, the letters with which one of those above begins: few words of a text have to be compared with them.
const BEGINNINGS: [u32; MAX_CUE + 1] = {
    let mut table = [0; MAX_CUE + 1];
    let mut len = 0;
    let mut rest = table.as_mut_slice();
    while let Some((slot, after)) = rest.split_first_mut() {
        *slot = beginnings(COMMANDS, len) | beginnings(STATEMENTS, len);
        len += 1;
        rest = after;
    }
    table
};

const fn beginnings(mut words: &[&[u8]], len: usize) -> u32 {
    let mut letters = 0;
    while let Some((word, after)) = words.split_first() {
        if let Some((first, _)) = word.split_first()
            && word.len() == len
        {
            letters |= letter(*first);
        }
        words = after;
    }
    letters
}

/// A bit for each letter, in either case.
const fn letter(byte: u8) -> u32 {
    1_u32.wrapping_shl((byte & 0x1f) as u32)
}

/// Whether a word may be one that begins something.
pub(crate) fn may_begin(word: &[u8]) -> bool {
    let first = word.first().copied().map_or(0, letter);
    BEGINNINGS.get(word.len()).is_some_and(|known| known & first != 0)
}

/// What is open of each kind, by where it began.
#[derive(Debug, Default)]
pub(crate) struct Cues {
    command: Option<usize>,
    statement: Option<usize>,
}

impl Cues {
    /// Takes the folded byte at `i`.
    #[inline]
    pub(crate) fn byte(&mut self, i: usize, byte: u8, sight: Sight<'_>, due: &mut Vec<Found>) {
        if is_word(byte) {
            if self.earliest().is_some_and(|start| i + 1 - start >= MAX_WINDOW) {
                self.full(i + 1, sight.text, due);
            }
            return;
        }
        let word = word_before(sight.text, i);
        if let Some(start) = word {
            let text = sight.text.slice(start, i);
            if self.is_quiet() && !may_begin(text) {
                return;
            }
            let is = |list: &[&[u8]]| list.iter().any(|known| text.eq_ignore_ascii_case(known));
            if self.command.is_none() && is(COMMANDS) {
                self.command = Some(start);
            }
            // `or` before a word of the list may have begun nothing.
            if self.statement.is_some_and(|open| !statement::plausible(sight.text.slice(open, i))) {
                self.statement = None;
            }
            if self.statement.is_none() && is(STATEMENTS) {
                self.statement = Some(start);
            }
        } else if byte == b'{' && self.command.is_none() && defines(sight.text, i) {
            self.command = Some(i);
        }
        if self.earliest().is_none() {
            return;
        }
        if byte == b'\n' && self.command.is_some_and(|_| !goes_on(sight.text, i)) {
            self.command(i, sight.text, due);
        }
        if let Some(start) = self.statement {
            let blank = byte == b'\n' && i.checked_sub(1).and_then(|at| sight.text.byte(at)) == Some(b'\n');
            if byte == b';' || byte == b'`' || blank {
                self.statement(i, sight.text, due);
            } else if !statement::plausible(sight.text.slice(start, i + 1)) {
                self.statement = None;
            } else if statement::is_whole(sight.text.slice(start, i + 1)) {
                self.statement(i + 1, sight.text, due);
            }
        }
        if self.earliest().is_some_and(|start| i + 1 - start >= MAX_WINDOW) {
            self.full(i + 1, sight.text, due);
        }
    }

    /// Whether the bytes of a word change nothing here.
    #[inline]
    pub(crate) const fn is_quiet(&self) -> bool {
        self.command.is_none() && self.statement.is_none()
    }

    /// The text ends before folded byte `end`.
    pub(crate) fn close(&mut self, end: usize, sight: Sight<'_>, due: &mut Vec<Found>) {
        // The last word may be a cue by itself.
        self.byte(end, b'\n', sight, due);
        self.command(end, sight.text, due);
        self.statement(end, sight.text, due);
    }

    fn earliest(&self) -> Option<usize> {
        [self.command, self.statement].into_iter().flatten().min()
    }

    /// Where what must be held back begins, but for the word that is open.
    pub(crate) fn live(&self) -> Option<usize> {
        self.earliest()
    }

    fn full(&mut self, end: usize, text: &FoldedText, due: &mut Vec<Found>) {
        if self.command.is_some_and(|start| end - start >= MAX_WINDOW) {
            self.command(end, text, due);
        }
        if self.statement.is_some_and(|start| end - start >= MAX_WINDOW) {
            self.statement(end, text, due);
        }
    }

    fn command(&mut self, end: usize, text: &FoldedText, due: &mut Vec<Found>) {
        let Some(start) = self.command.take() else { return };
        let line = text.slice(start.saturating_sub(LEFT), start);
        let left = line.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        if let Some(hit) = command::judge(left, text.slice(start, end)) {
            let (from, to) = (start + hit.start, start + hit.end);
            due.push(Found {
                detector: COMMAND,
                category: hit.category,
                percent: hit.percent,
                start: from,
                end: to,
                continues: false,
            });
        }
    }

    fn statement(&mut self, end: usize, text: &FoldedText, due: &mut Vec<Found>) {
        let Some(start) = self.statement.take() else { return };
        let left = text.slice(start.saturating_sub(LEFT), start);
        if let Some((category, percent, len)) = statement::judge(left, text.slice(start, end)) {
            let end = start + len;
            due.push(Found { detector: STATEMENT, category, percent, start, end, continues: false });
        }
    }
}

/// Whether a byte belongs to a word.
pub(crate) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Where the word that ends before `i` began, if it may be one of those above.
fn word_before(text: &FoldedText, i: usize) -> Option<usize> {
    let tail = text.slice(i.saturating_sub(MAX_CUE + 1), i);
    let len = tail.iter().rev().take_while(|byte| is_word(**byte)).count();
    (2..=MAX_CUE).contains(&len).then(|| i - len)
}

/// Whether the brace at `i` begins a function of a shell: `name() {`.
fn defines(text: &FoldedText, i: usize) -> bool {
    text.slice(i.saturating_sub(3), i).trim_ascii_end().ends_with(b"()")
}

/// Whether a command goes on behind the line end at `i`.
fn goes_on(text: &FoldedText, i: usize) -> bool {
    let line = text.slice(i.saturating_sub(4), i).trim_ascii_end();
    matches!(line.last(), Some(b'\\' | b'|' | b'{' | b'(')) || line.ends_with(b"&&")
}
