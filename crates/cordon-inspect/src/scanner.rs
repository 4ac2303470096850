mod folding;
mod options;
mod readers;

use std::sync::Arc;

use cordon_core::{
    Category, Channel, Finding, Listed, Score, Span,
    resource::{AllowList, SentValues},
};

use crate::answer::hosts::Hosts;
use crate::answer::leak::Prompt;
use crate::answer::terminal::Terminal;
use crate::answer::{Answer, Sight};
use crate::custom::{self, Custom};
use crate::detector::Detector;
use crate::engine::Tables;
use crate::fold::{Folded, FoldedText};
use crate::hidden::Hidden;
use crate::names::{self, Names};
use crate::noise::Noise;
use crate::policy::Policies;
use crate::runs::BEFORE;
use crate::scanner::readers::{Readers, Taken};
use crate::seen::Trace;
use crate::suspicion::Suspicion;
use crate::task::Task;
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
            sent: $scanner.sent.as_deref(),
            noted: $scanner.noted.as_deref_mut(),
            trace: $scanner.trace.as_ref(),
            policies: $scanner.policies.is_some(),
            out: &mut $scanner.out,
        }
    };
}

/// Folded bytes before a candidate that its detectors may look at.
pub(crate) const CONTEXT: usize = 160;
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
    /// The values that the caller sent, for this text and not for its views, as above.
    sent: Option<Arc<SentValues>>,
    /// Where the values are noted that are found in this text.
    noted: Option<Box<SentValues>>,
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
    pub(crate) sent: Option<&'a SentValues>,
    pub(crate) noted: Option<&'a mut SentValues>,
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
        // A piece of a value is none, and one in which a letter only looks like another's is another value.
        let is_other = || self.text.has_other_letter(start, end);
        let nobody_asks = self.lists.is_empty() && self.sent.is_none() && self.noted.is_none();
        let listed = if continues || nobody_asks || is_other() {
            Listed::NONE
        } else {
            std::str::from_utf8(self.text.slice(start, end)).map_or(Listed::NONE, |value| {
                if let Some(noted) = &mut self.noted {
                    noted.note(&category, value);
                }
                let sent = self.sent.is_some_and(|sent| sent.has(&category, value));
                listed(self.lists, &category, value).with_sent(sent)
            })
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
            sent: None,
            noted: None,
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
        self.readers.template.close(&mut context);
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
            // What is read with a stretch of ROT13 or leetspeak may begin so far before it, however long that has become.
            let stretch = self.readers.runs.live(self.at).map_or(self.at, |start| start.min(self.at));
            let before = self.suspicion.is_on().then(|| stretch.saturating_sub(BEFORE));
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

    /// Reports the control sequence that has ended, if one has, behind all that was found before its end.
    fn report_terminal(&mut self) {
        if self.terminal.is_due() {
            self.scan();
            let mut context = context!(self);
            self.terminal.report(&mut context);
        }
    }

    /// A character that shows nothing comes, and folds to nothing.
    fn unseen(&mut self, folding: Folded, c: char, span: Span) {
        // Scanning first keeps findings in the order of the text, however it was cut.
        self.scan();
        let before = self.at.checked_sub(1).and_then(|at| self.text.byte(at));
        let mut context = context!(self);
        self.hidden.see(folding, c, span, before, &mut context);
        match folding {
            Folded::Bidi('\u{202e}') if !self.nesting.is_deepest() => {
                self.readers.runs.turn(self.at, &mut context);
            }
            Folded::Bidi('\u{202c}') => self.readers.runs.turn_back(self.at, &mut context),
            _ => {}
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
            // What reads answers goes ahead to where it has found something, and the others follow it there.
            let sight = Sight { text: &self.text, hosts: &self.hosts, prompt: &self.prompt };
            let until = match &mut self.answer {
                Some(answer) => next + answer.read(self.at + next, rest, sight),
                None => bytes.len(),
            };
            while let Some(rest) = bytes.get(next..until).filter(|rest| !rest.is_empty()) {
                let rest = rest.get(..custom::undue(&self.own, self.at + next, rest.len())).unwrap_or(rest);
                let found = context.out.len();
                let rest = room(self.policies.as_deref(), rest);
                let Taken { length, word } = self.readers.take(self.at + next, rest, &mut context);
                let taken = rest.get(..length).unwrap_or(rest);
                self.suspicion.read(self.at + next, taken, word, &mut context);
                self.noise.read(self.at + next, taken, word, &mut context);
                if let Some(names) = &mut self.names {
                    names.read(self.at + next, taken, found, &mut context);
                }
                if let Some(policies) = &mut self.policies {
                    policies.read(self.at + next, taken, &mut context);
                }
                next += taken.len();
                self.own.iter_mut().for_each(|own| own.report(self.at + next, &mut context));
            }
            if let Some(answer) = &mut self.answer {
                answer.report(&mut context);
            }
        }
        self.at = end;
    }
}

/// As much of some bytes as the reader of policies takes at once.
fn room<'a>(policies: Option<&Policies>, bytes: &'a [u8]) -> &'a [u8] {
    policies.and_then(|policies| bytes.get(..policies.room())).unwrap_or(bytes)
}
