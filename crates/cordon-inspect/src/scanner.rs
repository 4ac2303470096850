mod readers;

use std::sync::Arc;

use cordon_core::{Category, Channel, Finding, Listed, Score, Span, resource::AllowList};

use crate::answer::hosts::Hosts;
use crate::answer::leak::Prompt;
use crate::answer::terminal::Terminal;
use crate::answer::{Answer, Sight};
use crate::custom::{self, Custom};
use crate::detector::Detector;
use crate::engine::Tables;
use crate::fold::{self, Escape, Folded, FoldedText, SYMBOL};
use crate::hidden::Hidden;
use crate::names::{self, Names};
use crate::noise::{self, Noise};
use crate::policy::Policies;
use crate::runs::{BEFORE, MAX_SIGN, may_be_turned};
use crate::scanner::readers::Readers;
use crate::seen::Trace;
use crate::setting::Task;
use crate::suspicion::Suspicion;
use crate::training::Window;
use crate::view::Nesting;

/// What readers are given of a scanner: its parts, so that they themselves can be borrowed beside it.
macro_rules! context {
    ($scanner:ident) => {
        Context {
            text: &$scanner.text,
            tables: &$scanner.tables,
            channel: $scanner.channel,
            nesting: &$scanner.nesting,
            hosts: &$scanner.hosts,
            prompt: &$scanner.prompt,
            task: &$scanner.task,
            custom: &$scanner.custom,
            lists: &$scanner.lists,
            trace: $scanner.trace.as_ref(),
            policies: $scanner.policies.is_some(),
            out: &mut $scanner.out,
        }
    };
}

/// Folded bytes before a candidate that its detectors may look at.
pub(crate) const CONTEXT: usize = 160;
/// Look-alikes at the start of a word that are folded with the ASCII letters behind them, and characters that nothing
/// shows between the two.
const LOOK_AHEAD: usize = 8;
/// Bytes of a chunk that are taken at once: it bounds the memory of a scanner, not what it finds.
const PIECE: usize = 8 << 10;

/// Reads one text, in any chunks. Made by [`crate::Engine::scanner`]; owned, and `Send`.
#[derive(Debug)]
pub struct Scanner {
    tables: Arc<Tables>,
    channel: Channel,
    nesting: Nesting,
    hosts: Hosts,
    prompt: Prompt,
    /// What was asked about.
    task: Task,
    /// What organisations name themselves, for this text and its views.
    custom: Vec<Custom>,
    /// The values that guards let pass, for this text and not for its views: nobody encodes what everybody knows.
    lists: Lists,
    /// Where views are noted for who asks why something was found.
    trace: Option<Trace>,
    hold_values: bool,
    hold_phrases: bool,
    hold_answers: bool,
    hold_names: bool,
    hold_policies: bool,
    hold_custom: bool,
    text: FoldedText,
    /// Folded bytes before this one were scanned.
    at: usize,
    /// Original bytes before this one were folded.
    consumed: usize,
    /// The start of an escape whose end has not come yet.
    carry: String,
    /// Where the last escape of quoted-printable ended, in the original.
    quoted: Option<usize>,
    /// The folded place of the last sign that may begin an escape and was none.
    sign: Option<usize>,
    /// The folding of one character.
    scratch: Vec<u8>,
    settled: usize,
    holds: Vec<Category>,
    /// Spans of held findings that end behind what is settled.
    open_spans: Vec<Span>,
    readers: Readers,
    suspicion: Suspicion,
    noise: Noise,
    /// The tagger, where names are wanted.
    names: Option<Box<Names>>,
    /// The reader of policies, where they are wanted.
    policies: Option<Box<Policies>>,
    hidden: Hidden,
    terminal: Terminal,
    answer: Option<Answer>,
    own: Vec<custom::Reader>,
    out: Vec<Finding>,
}

/// What a scanner has to say after a chunk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// New findings. Spans are bytes from the first byte ever pushed.
    pub findings: Vec<Finding>,
    /// No held finding will ever begin before this byte, except for those already reported.
    pub settled: usize,
}

/// What the parts of a scanner share.
pub(crate) struct Context<'a> {
    pub(crate) text: &'a FoldedText,
    pub(crate) tables: &'a Arc<Tables>,
    pub(crate) channel: Channel,
    pub(crate) nesting: &'a Nesting,
    pub(crate) hosts: &'a Hosts,
    pub(crate) prompt: &'a Prompt,
    pub(crate) task: &'a Task,
    pub(crate) custom: &'a [Custom],
    pub(crate) lists: &'a Lists,
    pub(crate) trace: Option<&'a Trace>,
    /// Whether policies are wanted, in views too.
    pub(crate) policies: bool,
    pub(crate) out: &'a mut Vec<Finding>,
}

impl Context<'_> {
    /// Reports folded bytes `start..end`.
    pub(crate) fn report(
        &mut self,
        detector: &Detector,
        category: Category,
        score: Score,
        (start, end): (usize, usize),
        continues: bool,
    ) {
        let span = Span::new(self.text.original_start(start), self.text.original_end(end));
        // A piece of a value is none.
        let listed = if continues || self.lists.is_empty() {
            Listed::NONE
        } else {
            std::str::from_utf8(self.text.slice(start, end))
                .map_or(Listed::NONE, |value| listed(self.lists, &category, value))
        };
        let (detector, detector_version) = (detector.name, detector.version);
        self.out.push(Finding { category, span, score, detector, detector_version, continues, listed });
    }

    /// Reports original bytes.
    pub(crate) fn report_original(
        &mut self,
        detector: &Detector,
        category: Category,
        score: Score,
        span: Span,
        continues: bool,
    ) {
        self.out.push(Finding {
            category,
            span,
            score,
            detector: detector.name,
            detector_version: detector.version,
            continues,
            listed: Listed::NONE,
        });
    }
}

/// Lists of values that may pass, each with its number.
pub type Lists = Arc<[(usize, Arc<AllowList>)]>;

fn listed(lists: &Lists, category: &Category, value: &str) -> Listed {
    let on = lists.iter().filter(|(_, list)| list.contains(category, value));
    on.fold(Listed::NONE, |listed, (at, _)| listed.with(*at))
}

impl Scanner {
    pub(crate) fn new(tables: Arc<Tables>, channel: Channel, holds: &[Category], nesting: Nesting) -> Self {
        let touches = |path| {
            let family = Category::known(path);
            holds.iter().any(|hold| hold.covers(&family) || family.covers(hold))
        };
        let hold_phrases = touches("prompt_injection");
        let hold_policies = ["harm", "toxic"].into_iter().any(touches);
        let hold_answers = ["command", "egress", "leak", "statement", "terminal"].into_iter().any(touches);
        let noise = Noise::new(channel, nesting.is_view());
        Self {
            tables,
            channel,
            nesting,
            hosts: Hosts::default(),
            prompt: Prompt::default(),
            task: Task::default(),
            custom: Vec::new(),
            lists: Lists::default(),
            trace: None,
            // Encoded runs hold all the rest too, so all the rest holds what values hold.
            hold_values: hold_phrases || hold_answers || hold_policies || touches("pii") || touches("secret"),
            hold_phrases,
            hold_answers,
            hold_names: names::CATEGORIES
                .iter()
                .any(|category| holds.iter().any(|hold| hold.covers(category) || category.covers(hold))),
            hold_policies,
            hold_custom: false,
            text: FoldedText::default(),
            at: 0,
            consumed: 0,
            carry: String::new(),
            quoted: None,
            sign: None,
            scratch: Vec::new(),
            settled: 0,
            holds: holds.to_vec(),
            open_spans: Vec::new(),
            readers: Readers::default(),
            suspicion: Suspicion::new(channel),
            noise,
            names: None,
            policies: None,
            hidden: Hidden::default(),
            terminal: Terminal::of(channel),
            answer: Answer::of(channel),
            own: Vec::new(),
            out: Vec::new(),
        }
    }

    /// The same for a text whose links may lead to these hosts alone.
    #[must_use]
    pub fn with_hosts(self, hosts: Hosts) -> Self {
        Self { hosts, ..self }
    }

    /// The same for an answer that should not give this prompt away. Only texts of a channel that models write or repeat are looked
    /// at for it.
    #[must_use]
    pub fn with_prompt(self, prompt: Prompt) -> Self {
        Self { prompt, ..self }
    }

    /// The same for a text that came with this task: an order that its user asked about is flagged and no more. Only documents and
    /// what tools give are judged by it.
    #[must_use]
    pub fn with_task(self, task: Task) -> Self {
        Self { task, ..self }
    }

    /// The same for a text in which it is noted of values which of these lists name them. Of what is encoded in it, nothing is.
    #[must_use]
    pub fn with_lists(self, lists: Lists) -> Self {
        Self { lists, ..self }
    }

    /// The same for a text in which what these guards name themselves is looked for too.
    #[must_use]
    pub fn with_custom(mut self, custom: &[Custom]) -> Self {
        self.custom = custom.to_vec();
        self.own = custom.iter().filter_map(|custom| custom::Reader::new(custom, self.channel)).collect();
        let holds = |category| self.holds.iter().any(|hold| hold.covers(category));
        self.hold_custom = self.own.iter().any(|own| own.categories().any(holds));
        // It may be encoded, as anything.
        self.hold_values |= self.hold_custom;
        self
    }

    /// The same for a text in which people, organisations, places and addresses are wanted too, which cost more than all the
    /// rest. They are looked for in the text itself, not in what is encoded in it.
    #[must_use]
    pub fn with_names(self) -> Self {
        Self { names: Some(Box::new(Names::new())), ..self }
    }

    /// The same, noting what the tagger of names judges.
    pub(crate) fn noting_names(self) -> Self {
        Self { names: Some(Box::new(Names::noting())), ..self }
    }

    /// What it judged.
    pub(crate) fn noted_names(&mut self) -> Vec<Vec<names::training::Word>> {
        self.names.as_mut().map(|names| names.noted()).unwrap_or_default()
    }

    /// The same for a text that policies are asked about: what is forbidden to ask for or to say, in the text and in what is encoded in
    /// it.
    #[must_use]
    pub fn with_policies(self) -> Self {
        Self { policies: Some(Box::default()), ..self }
    }

    /// The same, noting what the model of policies judges.
    pub(crate) fn noting_policies(self) -> Self {
        Self { policies: Some(Box::new(Policies::noting())), ..self }
    }

    /// What it judged.
    pub(crate) fn noted_policies(&mut self) -> Vec<Vec<u32>> {
        self.policies.as_mut().map(|policies| policies.noted()).unwrap_or_default()
    }

    /// The same, noting the views in which it finds something.
    pub(crate) fn traced(self, trace: Trace) -> Self {
        Self { trace: Some(trace), ..self }
    }

    /// The same for a text that has too few words for the model of injection.
    pub(crate) fn unsuspecting(mut self) -> Self {
        self.suspicion.skip();
        self
    }

    /// The same, noting what the model of injection judges.
    pub(crate) fn noting(mut self) -> Self {
        self.suspicion.note();
        self
    }

    /// The same, noting what the model of noise judges, with these words known.
    pub(crate) fn noting_noise(mut self, known: noise::shape::Known) -> Self {
        self.noise.note(known);
        self
    }

    /// What it judged.
    pub(crate) fn noted_noise(&mut self) -> Vec<noise::Window> {
        self.noise.noted()
    }

    /// What it judged.
    pub(crate) fn noted(&mut self) -> Vec<Window> {
        self.suspicion.noted()
    }

    /// Takes the next piece of the text.
    pub fn push(&mut self, chunk: &str) -> Step {
        if self.carry.is_empty() {
            self.take(chunk, false);
        } else {
            let mut joined = std::mem::take(&mut self.carry);
            joined.push_str(chunk);
            self.take(&joined, false);
        }
        self.step()
    }

    /// Ends the text: what was only alive is decided now. A scanner reads one text; pushing more starts no new one.
    pub fn finish(&mut self) -> Step {
        let carry = std::mem::take(&mut self.carry);
        self.take(&carry, true);
        self.terminal.close(self.consumed);
        self.report_terminal();
        let mut context = context!(self);
        for own in &mut self.own {
            own.look(self.at, true, &self.text);
            own.report(usize::MAX, &mut context);
        }
        self.hidden.close(&mut context);
        self.readers.words.close(self.at, &mut context);
        self.suspicion.close(self.at, &mut context);
        self.noise.close(self.at, &mut context);
        self.readers.segment.close(self.at, &mut context);
        self.readers.groups.close(self.at, &mut context);
        if let Some(names) = &mut self.names {
            names.close(self.at, &mut context);
        }
        if let Some(policies) = &mut self.policies {
            policies.close(self.at, &mut context);
        }
        if !self.nesting.is_deepest() {
            self.readers.runs.close(self.at, self.readers.words.disguise(), &mut context);
        }
        if let Some(answer) = &mut self.answer {
            answer.close(self.at, Sight { text: &self.text, hosts: &self.hosts, prompt: &self.prompt });
            answer.report(&mut context);
        }
        self.settled = self.consumed;
        Step { findings: std::mem::take(&mut self.out), settled: self.settled }
    }

    /// What its views have cost.
    pub(crate) const fn nesting(&self) -> &Nesting {
        &self.nesting
    }

    /// Bytes of memory that this scanner holds on to, its own size included.
    pub fn memory(&self) -> usize {
        size_of::<Self>()
            + self.text.memory()
            + self.carry.capacity()
            + self.open_spans.capacity() * size_of::<Span>()
            + self.readers.words.memory()
            + self.readers.groups.memory()
            + self.hidden.memory()
            + self.readers.runs.memory()
            + self.names.as_ref().map_or(0, |names| size_of::<Names>() + names.memory())
            + self.policies.as_ref().map_or(0, |policies| size_of::<Policies>() + policies.memory())
            + self.terminal.memory()
            + self.own.iter().map(|own| size_of::<custom::Reader>() + own.memory()).sum::<usize>()
            + self.answer.as_ref().map_or(0, Answer::memory)
    }

    fn step(&mut self) -> Step {
        let mut settled = self.consumed;
        if self.hold_values {
            // Invisible runs and encoded ones can hold anything, so whoever holds anything waits for them.
            let values =
                [self.readers.segment.live(), self.readers.groups.live(), self.readers.runs.live(self.at)];
            let values = values.into_iter().flatten().min();
            let values = values.map(|start| self.text.original_start(start));
            settled = [values, self.hidden.live()].into_iter().flatten().fold(settled, usize::min);
        }
        if self.hold_custom {
            let own = self.own.iter().filter_map(custom::Reader::live).min();
            settled = settled.min(own.map_or(settled, |start| self.text.original_start(start)));
        }
        if self.hold_names {
            let names = self.names.as_ref().and_then(|names| names.live());
            settled = settled.min(names.map_or(settled, |start| self.text.original_start(start)));
        }
        if self.hold_policies {
            let policies = self.policies.as_ref().and_then(|policies| policies.live());
            settled = settled.min(policies.unwrap_or(settled));
        }
        if self.hold_phrases {
            let template = self.readers.template.live().map(|start| self.text.original_start(start));
            let words = self.readers.words.live(&self.text, self.consumed);
            let suspicion = self.suspicion.live(&self.text);
            let noise = self.noise.live(&self.text);
            // What is read with a stretch of ROT13 may begin so far before it.
            let before = self.suspicion.is_on().then(|| self.at.saturating_sub(BEFORE));
            let before = before.map(|start| self.text.original_start(start));
            let mended = self.readers.runs.phrase();
            settled = [template, words, suspicion, noise, before, mended]
                .into_iter()
                .flatten()
                .fold(settled, usize::min);
        }
        if self.hold_answers {
            let answer = self.answer.as_ref().and_then(|answer| answer.live(&self.text));
            let answer = answer.map(|start| self.text.original_start(start));
            settled = [answer, self.terminal.live()].into_iter().flatten().fold(settled, usize::min);
        }
        // What is settled ends before or behind a reported span, never inside of it.
        let held = self.out.iter().filter(|f| self.holds.iter().any(|hold| hold.covers(&f.category)));
        self.open_spans.extend(held.map(|f| f.span));
        self.open_spans.sort_unstable_by_key(|span| std::cmp::Reverse(span.start));
        for span in &self.open_spans {
            if span.start < settled && settled < span.end {
                settled = span.start;
            }
        }
        self.settled = self.settled.max(settled);
        self.open_spans.retain(|span| span.end > self.settled);
        self.suspicion.handed_out();
        Step { findings: std::mem::take(&mut self.out), settled: self.settled }
    }

    fn take(&mut self, chunk: &str, last: bool) {
        let mut rest = chunk;
        while !rest.is_empty() {
            let cut =
                (1..=PIECE.min(rest.len())).rev().find(|i| rest.is_char_boundary(*i)).unwrap_or(rest.len());
            let (piece, after) = rest.split_at_checked(cut).unwrap_or((rest, ""));
            let folded = self.fold(piece, last && after.is_empty());
            self.scan();
            rest = match piece.get(folded..) {
                Some("") | None => after,
                // An escape is open at the end of the piece: the next piece starts with it.
                Some(open) if after.is_empty() => {
                    self.carry.push_str(open);
                    ""
                }
                Some(open) => rest.get(piece.len() - open.len()..).unwrap_or_default(),
            };
        }
        let live = [
            self.readers.segment.live(),
            self.readers.groups.live(),
            self.readers.words.open_word(&self.text),
            self.readers.template.live(),
            self.readers.runs.live(self.at),
            self.answer.as_ref().and_then(|answer| answer.live(&self.text)),
            self.names.as_ref().and_then(|names| names.live()),
            self.own.iter().filter_map(custom::Reader::live).min(),
        ];
        let keep = live.into_iter().flatten().fold(self.at, usize::min);
        let keep = keep.saturating_sub(CONTEXT).min(self.suspicion.folded_from(self.at));
        self.text.forget_before(keep);
    }

    /// Folds a piece, and says how many of its bytes were folded: an open escape is left.
    fn fold(&mut self, piece: &str, last: bool) -> usize {
        let bytes = piece.as_bytes();
        let mut i = 0;
        while let Some(rest) = bytes.get(i..).filter(|rest| !rest.is_empty()) {
            let plain = plain_run(rest);
            if let Some(run) = rest.get(..plain).filter(|run| !run.is_empty()) {
                self.visible();
                let taken =
                    if self.terminal.is_open() { self.terminal.run(run, self.consumed) } else { plain };
                self.text.push_same(run.get(..taken).unwrap_or(run), self.consumed);
                self.consumed += taken;
                i += taken;
                self.report_terminal();
                continue;
            }
            let Some((byte, c)) = rest.first().zip(piece.get(i..).and_then(|s| s.chars().next())) else {
                break;
            };
            if !c.is_ascii() {
                match self.fold_letters(piece.get(i..).unwrap_or_default(), last) {
                    Some(0) => {
                        self.fold_char(c, c.len_utf8());
                        i += c.len_utf8();
                    }
                    Some(letters) => i += letters,
                    None => break,
                }
                continue;
            }
            let quoted = self.quoted == Some(self.consumed);
            let escape = if fold::begins_escape(*byte) { fold::escape(rest, quoted) } else { Escape::None };
            let taken = match escape {
                Escape::Of(len, c) => {
                    self.fold_char(c, len);
                    len
                }
                Escape::Break(len) => {
                    self.text.push_folded(&[], self.consumed, len);
                    self.consumed += len;
                    len
                }
                Escape::Open if !last => break,
                Escape::None | Escape::Open => {
                    if fold::begins_escape(*byte) {
                        self.sign = Some(self.text.end());
                        if may_be_turned(rest) {
                            self.mark_escape(self.text.end());
                        }
                    }
                    self.fold_char(c, 1);
                    1
                }
            };
            if *byte == b'=' && taken > 1 {
                self.quoted = Some(self.consumed);
            }
            i += taken;
        }
        i
    }

    /// Folds letters that are not ASCII, as many as come in a run; how many bytes it took. Those that look like ASCII
    /// letters become them beside ASCII letters and digits, and where letters of several scripts stand together: before
    /// them, or within [`LOOK_AHEAD`] letters behind them. None where that cannot be said yet.
    fn fold_letters(&mut self, rest: &str, last: bool) -> Option<usize> {
        let is_letter =
            |c: char| !c.is_ascii() && (fold::classify(c) == Folded::Same || fold::look_alike(c).is_some());
        let run = rest.find(|c| !is_letter(c)).unwrap_or(rest.len());
        let (mut letters, behind) = rest.split_at_checked(run)?;
        if letters.is_empty() {
            return Some(0);
        }
        let mut shown = behind.chars().enumerate().filter(|(i, c)| *i >= LOOK_AHEAD || !fold::is_unseen(*c));
        let next = shown.next().map(|(_, c)| c);
        self.terminal.before('\u{a0}', self.consumed);
        self.report_terminal();
        self.visible();
        let joined = self.text.last().is_some_and(is_name) || next.is_none_or(|c| is_name(fold::ascii(c)));
        let script = letters.chars().next().map(fold::script);
        if !joined && letters.chars().all(|c| Some(fold::script(c)) == script) {
            self.fold_same(letters);
            return Some(run);
        }
        while let Some(c) = letters.chars().next() {
            let len = c.len_utf8();
            let like = fold::look_alike(c);
            let folds = like.is_some()
                && (self.text.last().is_some_and(is_name)
                    || match look_ahead(letters) {
                        LookAhead::Mixed => true,
                        LookAhead::Alone => false,
                        LookAhead::End => match next {
                            Some(c) => is_name(fold::ascii(c)),
                            None if last => false,
                            None => break,
                        },
                    });
            match like.filter(|_| folds) {
                Some(like) => {
                    self.text.push_folded(&[like], self.consumed, len);
                    self.made(self.text.end() - 1);
                    self.consumed += len;
                }
                None => self.fold_same(letters.get(..len).unwrap_or_default()),
            }
            letters = letters.get(len..).unwrap_or_default();
        }
        Some(run - letters.len()).filter(|folded| *folded > 0)
    }

    /// Folds what is its own folding.
    fn fold_same(&mut self, letters: &str) {
        self.text.push_same(letters.as_bytes(), self.consumed);
        self.consumed += letters.len();
    }

    /// Folds one character that took `len` original bytes.
    fn fold_char(&mut self, c: char, len: usize) {
        let original = self.consumed;
        let at = self.text.end();
        if self.terminal.is_open() {
            self.terminal.before(c, original);
            self.report_terminal();
        }
        self.consumed += len;
        let mut buffer = [0; 4];
        let folding = fold::classify(c);
        match folding {
            Folded::Same => {
                self.visible();
                let utf8 = c.encode_utf8(&mut buffer).as_bytes();
                if utf8.len() == len {
                    self.text.push_same(utf8, original);
                } else {
                    self.text.push_folded(utf8, original, len);
                }
            }
            Folded::Ascii(byte) => {
                self.visible();
                self.text.push_folded(&[byte], original, len);
            }
            Folded::Decompose => {
                self.visible();
                self.scratch.clear();
                fold::decompose(c, &mut self.scratch);
                if self.scratch.is_empty() {
                    self.scratch.push(SYMBOL);
                }
                self.text.push_folded(&self.scratch, original, len);
            }
            Folded::Control => self.text.push_folded(&[], original, len),
            Folded::Invisible | Folded::Mark | Folded::Variation(_) | Folded::Tag(_) | Folded::Bidi(_) => {
                // Scanning first keeps findings in the order of the text, however it was cut.
                self.scan();
                let before = self.at.checked_sub(1).and_then(|at| self.text.byte(at));
                let mut context = context!(self);
                self.hidden.see(folding, c, Span::new(original, original + len), before, &mut context);
                match folding {
                    Folded::Bidi('\u{202e}') if !self.nesting.is_deepest() => {
                        self.readers.runs.turn(self.at, &mut context);
                    }
                    Folded::Bidi('\u{202c}') => self.readers.runs.turn_back(self.at, &mut context),
                    _ => {}
                }
                self.text.push_folded(&[], original, len);
            }
        }
        if folding != Folded::Same || len != 1 {
            self.made(at);
        }
        if folding == Folded::Control || self.terminal.is_open() {
            self.terminal.see(c, original, len);
            self.report_terminal();
        }
    }

    /// What folding made from folded byte `at` on, and what it left out there, may belong to an escape: where the sign of one
    /// was made, or stands close before.
    fn made(&mut self, at: usize) {
        let made = self.text.slice(at, self.text.end());
        if let Some(sign) = made.iter().rposition(|byte| fold::begins_escape(*byte)) {
            self.sign = Some(at + sign);
            self.mark_escape(at + sign);
        } else if self.sign.is_some_and(|sign| at - sign <= MAX_SIGN) {
            self.mark_escape(at);
        }
    }

    /// An escape may stand at folded byte `at`, or go on there.
    fn mark_escape(&mut self, at: usize) {
        if !self.nesting.is_deepest() {
            self.readers.runs.mark_escape(at);
        }
    }

    /// Reports the control sequence that has ended, if one has, behind all that was found before its end.
    fn report_terminal(&mut self) {
        if self.terminal.is_due() {
            self.scan();
            let mut context = context!(self);
            self.terminal.report(&mut context);
        }
    }

    /// A visible character comes: a run of invisible ones ends.
    fn visible(&mut self) {
        if self.hidden.is_open() {
            self.scan();
            let mut context = context!(self);
            self.hidden.close(&mut context);
        }
    }

    /// Scans what was folded and not scanned yet.
    fn scan(&mut self) {
        let end = self.text.end();
        if self.at == end {
            return;
        }
        for own in &mut self.own {
            own.look(end, false, &self.text);
        }
        let mut context = context!(self);
        let bytes = self.text.slice(self.at, end);
        let mut next = 0;
        while let Some(rest) = bytes.get(next..).filter(|rest| !rest.is_empty()) {
            let Some(answer) = &mut self.answer else {
                let rest = rest.get(..custom::undue(&self.own, self.at + next, rest.len())).unwrap_or(rest);
                let found = context.out.len();
                let rest = room(self.policies.as_deref(), rest);
                let taken = self.readers.take(self.at + next, rest, &mut context);
                let taken = rest.get(..taken).unwrap_or(rest);
                self.suspicion.read(self.at + next, taken, &mut context);
                self.noise.read(self.at + next, taken, &mut context);
                if let Some(names) = &mut self.names {
                    names.read(self.at + next, taken, found, &mut context);
                }
                if let Some(policies) = &mut self.policies {
                    policies.read(self.at + next, taken, &mut context);
                }
                next += taken.len();
                self.own.iter_mut().for_each(|own| own.report(self.at + next, &mut context));
                continue;
            };
            // What reads answers goes ahead to where it has found something, and the others follow it there.
            let sight = Sight { text: &self.text, hosts: &self.hosts, prompt: &self.prompt };
            let until = next + answer.read(self.at + next, rest, sight);
            while let Some(rest) = bytes.get(next..until).filter(|rest| !rest.is_empty()) {
                let rest = rest.get(..custom::undue(&self.own, self.at + next, rest.len())).unwrap_or(rest);
                let found = context.out.len();
                let rest = room(self.policies.as_deref(), rest);
                let taken = self.readers.take(self.at + next, rest, &mut context);
                let taken = rest.get(..taken).unwrap_or(rest);
                self.suspicion.read(self.at + next, taken, &mut context);
                self.noise.read(self.at + next, taken, &mut context);
                if let Some(names) = &mut self.names {
                    names.read(self.at + next, taken, found, &mut context);
                }
                if let Some(policies) = &mut self.policies {
                    policies.read(self.at + next, taken, &mut context);
                }
                next += taken.len();
                self.own.iter_mut().for_each(|own| own.report(self.at + next, &mut context));
            }
            answer.report(&mut context);
        }
        self.at = end;
    }
}

/// As much of some bytes as the reader of policies takes at once.
fn room<'a>(policies: Option<&Policies>, bytes: &'a [u8]) -> &'a [u8] {
    policies.and_then(|policies| bytes.get(..policies.room())).unwrap_or(bytes)
}

/// What the next few look-alikes of some letters tell about the first.
enum LookAhead {
    /// They are of several scripts.
    Mixed,
    /// They are of one script, and other letters or more of them follow.
    Alone,
    /// They are of one script, and the letters end with them.
    End,
}

fn look_ahead(letters: &str) -> LookAhead {
    let first = letters.chars().next().map(fold::script);
    let alike = letters.chars().take(LOOK_AHEAD).take_while(|c| fold::look_alike(*c).is_some());
    let (mut count, mut bytes) = (0, 0);
    for c in alike {
        if Some(fold::script(c)) != first {
            return LookAhead::Mixed;
        }
        count += 1;
        bytes += c.len_utf8();
    }
    if count < LOOK_AHEAD && bytes == letters.len() { LookAhead::End } else { LookAhead::Alone }
}

const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// How many bytes in front are ASCII that is its own folding and begins no escape.
fn plain_run(bytes: &[u8]) -> usize {
    // Whole blocks without a branch on each byte, which compilers make few instructions of.
    let (blocks, _) = bytes.as_chunks::<16>();
    let plain = |byte: &u8| (*byte >= b' ' || *byte == b'\n') & (*byte < 0x7f) & !fold::begins_escape(*byte);
    let whole =
        blocks.iter().take_while(|block| block.iter().fold(true, |all, byte| all & plain(byte))).count();
    let rest = bytes.get(whole * 16..).unwrap_or_default();
    whole * 16 + rest.iter().position(|byte| !is_plain(*byte)).unwrap_or(rest.len())
}

fn is_plain(byte: u8) -> bool {
    PLAIN.get(usize::from(byte)).is_some_and(|plain| *plain)
}

/// Which bytes are ASCII that is its own folding and begins no escape.
const PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    let mut rest = table.as_mut_slice();
    while let Some((slot, after)) = rest.split_first_mut() {
        *slot = byte < 0x80 && !fold::begins_escape(byte) && !fold::is_control(byte);
        byte = byte.wrapping_add(1);
        rest = after;
    }
    table
};

#[cfg(test)]
mod laws;
