//! Cuts the folded text into candidates: stretches that one value (a card number, a key, an address) could fill.
//!
//! Where a candidate ends depends on the text alone, so the findings do too. Only the open candidate is held back: in
//! prose, the current word.

use cordon_core::{Category, Finding, Score, Span};

use crate::detector::{Detector, EMAIL, MAX_PEM, MAX_SEGMENT, PRIVATE_KEY};
use crate::scanner::{CONTEXT, Context};
use crate::{decode, pii, secret};

/// Bytes that two neighbouring windows of an endless candidate share: a value up to this long lies whole in one.
const OVERLAP: usize = 512;
/// Bytes of groups joined by spaces (`4111 1111 …`) looked at together, and the share of the next window.
const MAX_JOINED: usize = 112;
const JOINED_OVERLAP: usize = 56;

/// Shorter candidates of letters alone are words.
const MAX_WORD: usize = 16;

/// How a PEM block (RFC 7468) begins.
const PEM_MARK: &[u8] = b"-----BEGIN";
/// A quoted secret is followed this far for its closing mark.
const MAX_QUOTED: usize = 256;

/// The candidate that is open, and the last word that was taken whole.
#[derive(Debug, Default)]
pub(crate) struct Segment {
    mode: Mode,
    last: Option<LastWord>,
    /// The candidate that begins here stands behind a quotation mark, and no name of a secret before that.
    unnamed: Option<usize>,
    /// The key that met its bound and goes on, beside what its bytes are read as.
    key: Option<LongKey>,
    /// What reads addresses whose signs are words.
    spelt: pii::Spelt,
    /// What reads addresses in other letters.
    foreign: pii::Foreign,
}

/// The rest of a private key that is longer than one finding.
#[derive(Clone, Copy, Debug)]
struct LongKey {
    /// What is before this was reported.
    start: usize,
    pem: Pem,
}

/// A plain word, which may be a candidate.
#[derive(Clone, Copy, Debug)]
struct LastWord {
    start: usize,
    end: usize,
    /// It may name the value behind it.
    names: bool,
    /// Nothing before it says that it is a value: as a candidate it holds nothing.
    nothing: bool,
}

#[derive(Debug, Default)]
enum Mode {
    #[default]
    Idle,
    /// A candidate from `start`; its last group began at `group`; `gap` is where the space after it began.
    Run { start: usize, group: usize, gap: Option<usize>, kind: Kind },
    /// A PEM block from `start`.
    Pem(Pem),
    /// The last finding met its bound; what follows up to its terminator belongs to it.
    Continue { start: usize, detector: Detector, category: Category, score: Score },
}

/// What sets the bounds of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Its bytes.
    Plain,
    /// It began behind this quotation mark and the name of a secret: it ends with the mark.
    Quoted(u8),
    /// It holds a password that the `;`, `,` or `<` at this place does not end, unless something else begins behind it.
    Open(usize),
    /// Base64 in lines.
    Lines,
}

/// How far a PEM block (RFC 7468) was read.
#[derive(Clone, Copy, Debug)]
struct Pem {
    start: usize,
    /// The label says that the key is private.
    private: bool,
    /// Length of the current and of the longest run of base64.
    run: usize,
    longest: usize,
    /// Words too short for a body, in a row.
    words: u8,
    /// Where `-----END` ended.
    ending: Option<usize>,
}

/// A candidate with what its detectors may see around it.
pub(crate) struct Candidate<'a> {
    /// Folded bytes before it.
    pub(crate) left: &'a [u8],
    /// Its own folded bytes.
    pub(crate) text: &'a [u8],
}

/// What a detector of values saw in a candidate: bytes `start..end` of it.
pub(crate) struct Value {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) detector: Detector,
    pub(crate) category: Category,
    pub(crate) score: Score,
}

impl Value {
    /// A finding of the candidate's text.
    pub(crate) fn finding(&self) -> Finding {
        Finding {
            category: self.category.clone(),
            span: Span::new(self.start, self.end),
            score: self.score,
            detector: self.detector.name,
            detector_version: self.detector.version,
            continues: false,
            listed: cordon_core::Listed::NONE,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Part,
    Space,
    End,
}

const fn class(byte: u8) -> Class {
    match byte {
        b' ' | b'\t' => Class::Space,
        b'"' | b'\'' | b'`' | b'<' | b'>' | b'{' | b'}' | b'|' | b',' | b';' | b'\\' => Class::End,
        b'!'..=b'~' => Class::Part,
        _ => Class::End,
    }
}

impl Segment {
    /// Where what must be held back begins.
    pub(crate) fn live(&self) -> Option<usize> {
        let open = match &self.mode {
            Mode::Idle => None,
            Mode::Run { start, .. } | Mode::Continue { start, .. } => Some(*start),
            Mode::Pem(pem) => Some(pem.start),
        };
        [open, self.key.map(|key| key.start), self.spelt.live(), self.foreign.live()]
            .into_iter()
            .flatten()
            .min()
    }

    /// How many letters and digits from `i` on would change nothing here.
    pub(crate) fn unchanged(&self, i: usize) -> usize {
        match &self.mode {
            Mode::Run { gap: None, start, .. }
                if self.key.is_none() && self.spelt.is_local() && self.foreign.is_local() =>
            {
                MAX_JOINED.saturating_sub(i - start)
            }
            _ => 0,
        }
    }

    /// Whether a plain word that ends before `end` would end, begin or continue a candidate, and nothing else: at a bound of a
    /// candidate each byte counts.
    pub(crate) const fn is_ordinary(&self, end: usize) -> bool {
        match self.mode {
            _ if self.key.is_some() || !self.spelt.is_between() || !self.foreign.is_local() => false,
            Mode::Idle => true,
            Mode::Run { start, .. } => end - start <= MAX_JOINED,
            Mode::Pem(_) | Mode::Continue { .. } => false,
        }
    }

    /// As the letters `start..end` of a plain word one by one; `names` says that it may name what follows it.
    #[inline]
    pub(crate) fn plain_word(
        &mut self,
        (start, end): (usize, usize),
        names: bool,
        context: &mut Context<'_>,
    ) {
        self.spelt.plain_word((start, end));
        self.foreign.plain_word(start);
        let byte = |at: usize| context.text.byte(at);
        let before = start.checked_sub(1).and_then(byte);
        // A word behind a word that names nothing is no value, nor is one behind the end of a sentence.
        let nothing = before == Some(b' ')
            && self.last.is_some_and(|last| {
                !last.names
                    && (last.end + 1 == start
                        || last.end + 2 == start
                            && matches!(byte(last.end), Some(b'.' | b',' | b';' | b'!' | b'?' | b')')))
            });
        match self.mode {
            Mode::Run { start: from, gap: Some(gap), .. } if self.is_nothing(from, gap, context) => {
                self.mode = Mode::Run { start, group: start, gap: None, kind: Kind::Plain };
            }
            Mode::Idle if before == Some(b' ') => {
                self.mode = Mode::Run { start, group: start, gap: None, kind: Kind::Plain };
            }
            _ => {
                if let Some(first) = byte(start) {
                    self.take(start, first, context);
                }
            }
        }
        // Behind a full stop it is the end of a longer name.
        self.last = Some(LastWord { start, end, names: names || before == Some(b'.'), nothing });
    }

    /// As a space behind a plain word that ended before `i`.
    #[inline]
    pub(crate) fn space(&mut self, i: usize, context: &mut Context<'_>) {
        self.read_spelt(i, b' ', context);
        match &mut self.mode {
            Mode::Run { start, gap: gap @ None, kind: Kind::Plain, .. }
                if self.last.is_some_and(|last| last.start == *start) =>
            {
                *gap = Some(i);
            }
            _ => self.take(i, b' ', context),
        }
    }

    /// Whether `start..end` is a word that cannot be a value, perhaps with the mark that ends a sentence.
    #[inline]
    fn is_nothing(&self, start: usize, end: usize, context: &Context<'_>) -> bool {
        self.last.is_some_and(|last| {
            last.nothing
                && last.start == start
                && (last.end == end
                    || last.end + 1 == end
                        && end - start < MAX_WORD
                        && matches!(context.text.byte(last.end), Some(b'.' | b'!' | b'?')))
        })
    }

    /// Takes the folded byte at `i`.
    pub(crate) fn byte(&mut self, i: usize, byte: u8, context: &mut Context<'_>) {
        self.follow(i, byte, context);
        self.read_spelt(i, byte, context);
        self.take(i, byte, context);
    }

    #[inline]
    fn read_spelt(&mut self, i: usize, byte: u8, context: &mut Context<'_>) {
        if let Some(span) = self.spelt.byte(i, byte, context.text) {
            context.report(&EMAIL, Category::known("pii/email"), Score::percent(85), span, false);
        }
        if let Some(span) = self.foreign.byte(i, byte, context.text) {
            context.report(&EMAIL, Category::known("pii/email"), Score::percent(95), span, false);
        }
    }

    fn take(&mut self, i: usize, byte: u8, context: &mut Context<'_>) {
        match &mut self.mode {
            Mode::Run { gap: None, start, .. } if byte.is_ascii_alphanumeric() && i - *start < MAX_JOINED => {
                return;
            }
            Mode::Continue { .. } => {
                if self.go_on(i, byte, context) {
                    return;
                }
            }
            Mode::Pem(_) => {
                if self.pem(i, byte, context) {
                    return;
                }
            }
            Mode::Idle | Mode::Run { .. } => {}
        }
        self.ordinary(i, byte, context);
    }

    fn ordinary(&mut self, i: usize, byte: u8, context: &mut Context<'_>) {
        if self.is_of_password(i, byte, context) {
            return;
        }
        let class = match &self.mode {
            Mode::Run { kind: Kind::Quoted(mark), start, .. } if i - start < MAX_QUOTED => match byte {
                b'\n' | b'\r' => Class::End,
                // A wireless network's password may hold the mark behind a `\\`.
                _ if byte == *mark && (byte != b';' || !context.text.slice(*start, i).ends_with(b"\\")) => {
                    Class::End
                }
                b' ' if context.text.slice(*start, i).ends_with(PEM_MARK) => Class::Space,
                _ => Class::Part,
            },
            // A wide line of base64 goes on in the next one.
            Mode::Run { group, gap: None, .. } if byte == b'\n' && is_line(context.text.slice(*group, i)) => {
                Class::Space
            }
            _ => class(byte),
        };
        match (&mut self.mode, class) {
            (Mode::Idle, Class::Part) => {
                let left = context.text.slice(i.saturating_sub(CONTEXT), i);
                let kind = match left.last() {
                    Some(mark @ (b'"' | b'\'' | b'`')) if secret::follows_key(left) => Kind::Quoted(*mark),
                    Some(mark @ b';') if byte == b'P' && secret::follows_key(left) => Kind::Quoted(*mark),
                    Some(b'"' | b'\'' | b'`') => {
                        self.unnamed = Some(i);
                        Kind::Plain
                    }
                    _ => Kind::Plain,
                };
                self.mode = Mode::Run { start: i, group: i, gap: None, kind };
            }
            (Mode::Run { start, group, gap, kind }, Class::Part) => {
                if let Some(end) = *gap {
                    let lines = is_line(context.text.slice(*group, end)) && decode::is_base64(byte);
                    if lines {
                        *kind = Kind::Lines;
                    } else if !joins(context.text.slice(*start, end), context.text.slice(*group, end), byte) {
                        let start = *start;
                        self.decide(start, end, context);
                        self.mode = Mode::Run { start: i, group: i, gap: None, kind: Kind::Plain };
                        return;
                    }
                    (*group, *gap) = (i, None);
                }
                let (start, joined) = (*start, *group != *start && *kind == Kind::Plain);
                let len = i + 1 - start;
                if joined && len >= MAX_JOINED {
                    self.slide(start, i + 1, JOINED_OVERLAP, context);
                } else if len >= MAX_SEGMENT {
                    self.slide(start, i + 1, OVERLAP, context);
                }
            }
            (Mode::Run { start, group, gap, .. }, Class::Space) => match *gap {
                None => {
                    if context.text.slice(*group, i).ends_with(PEM_MARK) {
                        let begin = i - PEM_MARK.len();
                        let start = *start;
                        if start < begin {
                            process((start, begin), None, None, context);
                        }
                        self.mode = Mode::Pem(Pem {
                            start: begin,
                            private: false,
                            run: 0,
                            longest: 0,
                            words: 0,
                            ending: None,
                        });
                    } else {
                        *gap = Some(i);
                    }
                }
                Some(end) if i - end >= 2 => {
                    let start = *start;
                    self.decide(start, end, context);
                    self.mode = Mode::Idle;
                }
                Some(_) => {}
            },
            (Mode::Run { .. }, Class::End) => self.end(i, context),
            _ => {}
        }
    }

    /// The text or the candidate ends before folded byte `end`.
    pub(crate) fn close(&mut self, end: usize, context: &mut Context<'_>) {
        if let Some(key) = self.key.take() {
            report_rest((key.start, end), context);
        }
        self.read_spelt(end, b'\n', context);
        self.end(end, context);
    }

    fn end(&mut self, end: usize, context: &mut Context<'_>) {
        match std::mem::take(&mut self.mode) {
            Mode::Idle => {}
            Mode::Run { start, kind: Kind::Open(sign), .. } => {
                self.finish_password(start, sign, end, context);
                self.end(end, context);
            }
            Mode::Run { start, gap, .. } => {
                self.decide(start, gap.unwrap_or(end), context);
            }
            Mode::Pem(pem) => {
                self.finish_pem(pem, end, context);
                self.end(end, context);
            }
            Mode::Continue { start, detector, category, score } => {
                if start < end {
                    context.report(&detector, category, score, (start, end), true);
                }
            }
        }
    }

    /// Whether the byte belongs to a password with signs in it that end any other candidate.
    #[inline]
    fn is_of_password(&mut self, i: usize, byte: u8, context: &mut Context<'_>) -> bool {
        let Mode::Run { start, gap: None, kind, .. } = &mut self.mode else { return false };
        let sign = matches!(byte, b';' | b',' | b'<');
        if *kind == Kind::Plain && sign && i - *start < MAX_JOINED {
            let left = context.text.slice(start.saturating_sub(CONTEXT), *start);
            if secret::is_open_password(left, context.text.slice(*start, i)) {
                *kind = Kind::Open(i);
                return true;
            }
        }
        // What stands behind a password may be one again.
        while let Mode::Run { start, kind: Kind::Open(first), .. } = self.mode {
            let next_setting = matches!(byte, b'=' | b':')
                && secret::password_end(context.text.slice(start, i + 1), first - start) < i - start;
            if (sign || class(byte) == Class::Part) && !next_setting && i - start < MAX_JOINED {
                return true;
            }
            self.finish_password(start, first, i, context);
        }
        false
    }

    /// A candidate with such a password ends before `end`: what is behind the password is read as any other text.
    fn finish_password(&mut self, start: usize, sign: usize, end: usize, context: &mut Context<'_>) {
        let password = start + secret::password_end(context.text.slice(start, end), sign - start);
        self.decide(start, password, context);
        self.mode = Mode::Idle;
        for at in password..end {
            if let Some(byte) = context.text.byte(at) {
                self.take(at, byte, context);
            }
        }
    }

    /// The candidate `start..end` is whole.
    fn decide(&self, start: usize, end: usize, context: &mut Context<'_>) {
        if !self.is_nothing(start, end, context) {
            let named = Some(false).filter(|_| self.unnamed == Some(start));
            process((start, end), named, None, context);
        }
    }

    /// The window `start..end` is full and its candidate goes on: what begins before the last `overlap` bytes is
    /// decided, the rest belongs to the next window.
    fn slide(&mut self, start: usize, end: usize, overlap: usize, context: &mut Context<'_>) {
        let limit = end - overlap;
        let cut = process((start, end), None, Some(limit), context);
        self.mode = match cut {
            Some(Cut { start: next, unfinished: None }) => {
                let next = next.max(limit);
                if next >= end {
                    Mode::Idle
                } else {
                    Mode::Run { start: next, group: next, gap: None, kind: Kind::Plain }
                }
            }
            Some(Cut { unfinished: Some((detector, category, score)), .. }) => {
                Mode::Continue { start: end, detector, category, score }
            }
            None => Mode::Run { start: limit, group: limit, gap: None, kind: Kind::Plain },
        };
    }

    /// In a continued finding: whether the byte still belongs to it.
    fn go_on(&mut self, i: usize, byte: u8, context: &mut Context<'_>) -> bool {
        let Mode::Continue { start, detector, category, score } = &mut self.mode else { return false };
        let inside = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'_' | b'.' | b'/' | b'+' | b'=' | b'~' | b'%');
        if !inside {
            if *start < i {
                context.report(detector, category.clone(), *score, (*start, i), true);
            }
            self.mode = Mode::Idle;
            return false;
        }
        if i + 1 - *start >= MAX_SEGMENT {
            context.report(detector, category.clone(), *score, (*start, i + 1), true);
            *start = i + 1;
        }
        true
    }

    /// What the byte is for a key that goes on; it is read all the same.
    #[inline]
    fn follow(&mut self, i: usize, byte: u8, context: &mut Context<'_>) {
        let Some(key) = &mut self.key else { return };
        let (end, over) = match pem_byte(&mut key.pem, i, byte, context) {
            PemStep::Inside if i + 1 - key.start < MAX_SEGMENT => return,
            PemStep::Inside => (i + 1, false),
            PemStep::OverAfter => (i + 1, true),
            PemStep::Over => (i, true),
        };
        report_rest((key.start, end), context);
        key.start = end;
        if over {
            self.key = None;
        }
    }

    /// In a PEM block: whether the byte was taken.
    fn pem(&mut self, i: usize, byte: u8, context: &mut Context<'_>) -> bool {
        let Mode::Pem(pem) = &mut self.mode else { return false };
        let begin = i.saturating_sub(PEM_MARK.len());
        if class(byte) == Class::Space && begin > pem.start && context.text.slice(begin, i) == PEM_MARK {
            // Another block begins: whatever this one was, it hides nothing of that.
            let pem = *pem;
            self.finish_pem(pem, begin, context);
            self.end(begin, context);
            self.mode = Mode::Run { start: begin, group: begin, gap: None, kind: Kind::Plain };
            return false;
        }
        match pem_byte(pem, i, byte, context) {
            PemStep::Inside if i + 1 - pem.start >= MAX_PEM => {
                let pem = *pem;
                let key = Category::known("secret/private_key");
                context.report(&PRIVATE_KEY, key, Score::percent(99), (pem.start, i + 1), false);
                self.read_again(pem, i + 1, context);
                if let Some(key) = self.key.replace(LongKey { start: i + 1, pem }) {
                    report_rest((key.start, i + 1), context);
                }
                true
            }
            PemStep::Inside => true,
            PemStep::OverAfter => {
                let pem = *pem;
                self.finish_pem(pem, i + 1, context);
                true
            }
            PemStep::Over => {
                let pem = *pem;
                self.finish_pem(pem, i, context);
                false
            }
        }
    }

    /// A PEM block ended: a key if it has a body (RFC 7468 writes lines of 64), and else nothing was meant by its beginning.
    fn finish_pem(&mut self, pem: Pem, end: usize, context: &mut Context<'_>) {
        if pem.private && pem.longest >= 40 {
            let score = Score::percent(if pem.ending.is_some() { 99 } else { 90 });
            context.report(
                &PRIVATE_KEY,
                Category::known("secret/private_key"),
                score,
                (pem.start, end),
                false,
            );
        }
        self.read_again(pem, end, context);
    }

    /// What was taken for the body of a block is read as any other text too, also that of a key: who writes the lines around it could put
    /// a card between them, and a rule for keys says nothing of cards. No other block begins in it, so that nothing is read a third time.
    fn read_again(&mut self, pem: Pem, end: usize, context: &mut Context<'_>) {
        self.mode = Mode::Idle;
        for at in pem.start + PEM_MARK.len()..end {
            if let Some(byte) = context.text.byte(at) {
                self.take(at, byte, context);
            }
        }
    }
}

/// Reports the next piece of a key that goes on.
fn report_rest((start, end): (usize, usize), context: &mut Context<'_>) {
    if start < end {
        let key = Category::known("secret/private_key");
        context.report(&PRIVATE_KEY, key, Score::percent(99), (start, end), true);
    }
}

enum PemStep {
    Inside,
    /// The block ended before this byte.
    Over,
    /// The block ends with this byte.
    OverAfter,
}

fn pem_byte(pem: &mut Pem, i: usize, byte: u8, context: &Context<'_>) -> PemStep {
    let so_far = |from: usize| context.text.slice(from.max(pem.start), i + 1);
    if !pem.private {
        if so_far(pem.start).ends_with(b"PRIVATE KEY-----")
            || so_far(pem.start).ends_with(b"PRIVATE KEY BLOCK-----")
        {
            pem.private = true;
            return PemStep::Inside;
        }
        let label = matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b' ' | b'-');
        return if label && i - pem.start < 64 { PemStep::Inside } else { PemStep::Over };
    }
    if let Some(end) = pem.ending {
        return if i > end + 5 && so_far(i.saturating_sub(4)) == b"-----" {
            PemStep::OverAfter
        } else if matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b' ' | b'-') && i - end < 48 {
            PemStep::Inside
        } else {
            PemStep::Over
        };
    }
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' | b'=' => {
            pem.run += 1;
            pem.longest = pem.longest.max(pem.run);
            if byte == b'D' && so_far(i.saturating_sub(7)) == b"-----END" {
                pem.ending = Some(i);
            } else if pem.run >= 16 {
                pem.words = 0;
            }
            PemStep::Inside
        }
        b' ' | b'\n' | b'\r' | b'\t' | b'\\' | b'"' | b'\'' | b',' | b':' | b'-' | b'(' | b')' | b'.'
        | b'>' | b'|' => {
            if byte == b' ' && (1..16).contains(&pem.run) {
                pem.words += 1;
            }
            pem.run = 0;
            let prose = pem.words >= 8 || (pem.longest < 16 && i - pem.start > 256);
            if prose { PemStep::Over } else { PemStep::Inside }
        }
        _ => PemStep::Over,
    }
}

/// Whether a group is a wide line of base64.
fn is_line(group: &[u8]) -> bool {
    group.len() >= decode::MIN_LINE && group.iter().all(|b| decode::is_base64(*b))
}

/// Whether the group after a space may belong to the same value as the group before it.
fn joins(all: &[u8], group: &[u8], next: u8) -> bool {
    let Some(last) = group.last().copied() else { return false };
    let opens = matches!(next, b'(' | b'[' | b'{');
    if (last.is_ascii_digit() || last == b')' && group.iter().any(u8::is_ascii_digit))
        && (next.is_ascii_digit() || matches!(next, b'(' | b'-' | b'+' | b'/'))
    {
        return true;
    }
    if matches!(last, b'-' | b'+' | b'/') && next.is_ascii_digit() && group.len() <= 4 {
        return true;
    }
    // `GB29 NWBK 6016 …`: an IBAN in groups.
    if next.is_ascii_alphanumeric() && group.len() <= 4 && all.len() > group.len() && in_iban(all)
        || last.is_ascii_digit() && in_iban(group)
    {
        return true;
    }
    // `name [at] host [dot] com`, `name @ host.com`.
    if next == b'@' && last.is_ascii_alphanumeric() || last == b'@' && next.is_ascii_alphanumeric() {
        return true;
    }
    if opens && last.is_ascii_alphanumeric() && all.len() < 64 {
        return true;
    }
    matches!(last, b')' | b']') && next.is_ascii_alphanumeric() && bracketed_word(group)
}

/// Whether some bytes end with the head of an IBAN, two letters and two digits, and groups of four after it.
pub(crate) fn in_iban(bytes: &[u8]) -> bool {
    let tail = bytes.get(bytes.len().saturating_sub(42)..).unwrap_or_default();
    let from = tail.iter().rposition(|b| !b.is_ascii_alphanumeric() && *b != b' ').map_or(0, |at| at + 1);
    let rest = tail.get(from..).unwrap_or_default();
    rest.split(|b| *b == b' ').any(|group| match group {
        [a, b, c, d] => {
            a.is_ascii_alphabetic() && b.is_ascii_alphabetic() && c.is_ascii_digit() && d.is_ascii_digit()
        }
        _ => false,
    })
}

/// Whether a group ends with `[at]`, `(dot)` or the like.
fn bracketed_word(group: &[u8]) -> bool {
    ["[at]", "(at)", "[dot]", "(dot)"].iter().any(|word| {
        group.len() >= word.len()
            && group
                .get(group.len() - word.len()..)
                .is_some_and(|end| end.eq_ignore_ascii_case(word.as_bytes()))
    })
}

/// Where the next window starts, and the value that met the end of this one.
struct Cut {
    start: usize,
    unfinished: Option<(Detector, Category, Score)>,
}

/// Runs the detectors of values over folded bytes `start..end`. Whether the name of a secret stands before them may be
/// known. With a limit, only what begins before it counts, and what touches the end goes on behind it.
fn process(
    (start, end): (usize, usize),
    named: Option<bool>,
    limit: Option<usize>,
    context: &mut Context<'_>,
) -> Option<Cut> {
    let text = context.text.slice(start, end);
    let left = context.text.slice(start.saturating_sub(CONTEXT), start);
    // Nearly every candidate is a word of prose.
    let word = text.len() < MAX_WORD && text.iter().all(u8::is_ascii_alphabetic);
    let named = || named.unwrap_or_else(|| secret::follows_key(left));
    if word && !named() {
        return None;
    }
    let shape = Shape::of(text);
    if !word && shape.is_plain_word() && !named() {
        return None;
    }
    let candidate = Candidate { left, text };
    let mut values = Vec::new();
    secret::find(&candidate, shape, &context.tables.tokens, &mut values);
    pii::find(&candidate, shape, &mut values);
    decode::find(&candidate, shape, end, context, &mut values);
    let mut cut: Option<Cut> = None;
    values.sort_by(|a, b| (a.start, a.end, &a.category).cmp(&(b.start, b.end, &b.category)));
    for value in values {
        let (from, to) = (start + value.start, start + value.end);
        if limit.is_some_and(|limit| from >= limit) {
            continue;
        }
        let cut = cut.get_or_insert(Cut { start: to, unfinished: None });
        cut.start = cut.start.max(to);
        if limit.is_some() && to == end && cut.unfinished.is_none() {
            cut.unfinished = Some((value.detector, value.category.clone(), value.score));
        }
        context.report(&value.detector, value.category, value.score, (from, to), false);
    }
    cut
}

/// The place in the counts of [`Shape::of`] of what is none of the others.
const OTHER: u8 = 6;

/// The place of each byte in the counts of [`Shape::of`].
const KINDS: [u8; 256] = {
    let mut table = [OTHER; 256];
    let mut byte = 0_u8;
    let mut rest = table.as_mut_slice();
    while let Some((slot, after)) = rest.split_first_mut() {
        *slot = match byte {
            b'a'..=b'z' | b'A'..=b'Z' => 0,
            b'0'..=b'9' => 1,
            b'@' => 2,
            b':' => 3,
            b'.' => 4,
            b'[' | b'(' => 5,
            _ => OTHER,
        };
        byte = byte.wrapping_add(1);
        rest = after;
    }
    table
};

/// What a look at a candidate's bytes tells before any detector runs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shape {
    pub(crate) len: usize,
    pub(crate) digits: usize,
    pub(crate) at: bool,
    pub(crate) colons: usize,
    pub(crate) dots: usize,
    pub(crate) brackets: bool,
    /// Bytes that are neither letters nor digits.
    pub(crate) other: usize,
}

impl Shape {
    pub(crate) fn of(text: &[u8]) -> Self {
        // By a table and not by branches: in random text no branch can be foretold.
        let mut counts = [0_usize; 8];
        for byte in text {
            let kind = KINDS.get(usize::from(*byte)).copied().unwrap_or(OTHER);
            if let Some(count) = counts.get_mut(usize::from(kind & 7)) {
                *count += 1;
            }
        }
        let [_, digits, at, colons, dots, brackets, other, _] = counts;
        Self {
            len: text.len(),
            digits,
            at: at > 0,
            colons,
            dots,
            brackets: brackets > 0,
            other: at + colons + dots + brackets + other,
        }
    }

    /// Nothing but a word, perhaps with a full stop: no value looks like this.
    fn is_plain_word(self) -> bool {
        self.digits == 0
            && self.len < MAX_WORD
            && !self.at
            && self.colons < 2
            && !self.brackets
            && self.other <= 1
    }
}
