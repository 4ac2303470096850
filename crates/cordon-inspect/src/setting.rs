//! Where a phrase stands.
//!
//! The same words are an order in one place and a quotation in another: in the regular expression of a filter, between
//! backquotes, in a string of a program, in a text that somebody asked about ([`crate::task`]). Such a place takes a phrase down from what is
//! blocked to what is flagged ([`CITED`]), and no further ([`FLAGGED`]): whoever writes a document can put a backquote before
//! an order, and must not be able to hide it so. Nothing is taken down that is in disguise, that follows another phrase
//! between the same marks, or whose mark is never closed.

use cordon_core::{Category, Channel, Score, Span};

use crate::detector::PHRASE;
use crate::evidence::Kind;
use crate::fold::FoldedText;
use crate::scanner::Context;

/// The score of a phrase that is cited, where it would have more.
const CITED: Score = Score::percent(55);
/// The score of a phrase of a person that turns out to be of something harmless: `ignore the previous version`.
const HARMLESS: Score = Score::percent(45);
/// The hundredths below which no place takes a phrase of a document or a tool that has them by itself.
pub(crate) const FLAGGED: u32 = 50;
/// Folded bytes from a mark to the one that closes it; what is longer is no citation.
const MAX_CITATION: usize = 256;
/// Folded bytes behind the beginning of a fence in which it is one: some are never closed.
const MAX_FENCE: usize = 16 << 10;
/// Folded bytes behind a phrase in which its fence is closed: one that nobody closes cites nothing.
const MAX_FENCED: usize = 4 << 10;
/// Phrases that wait for the end of a fence. Where nobody closes it these are told as orders, and further ones as what they are at least.
const MAX_FENCED_PHRASES: usize = 32;
/// Folded bytes behind a phrase that its score can wait for: the closing mark or fence, or the end of a long word before it.
pub(crate) const MAX_WAIT: usize = MAX_FENCED + 64;

/// Between which marks a word stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stand {
    /// Where the fence and the mark stand, in the folded text.
    fence: Option<usize>,
    mark: Option<usize>,
}

/// A mark that nothing has closed yet.
#[derive(Clone, Copy, Debug)]
struct Open {
    mark: u8,
    at: usize,
    /// Where the first phrase behind it ends, in the original.
    phrase: Option<usize>,
}

/// A phrase that will be reported with one score or another.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    category: &'static str,
    score: Score,
    span: Span,
    on: On,
}

/// What decides about a phrase that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    /// The closing mark.
    Mark,
    /// The next word, behind `earlier` in any language: something harmless.
    Word,
    /// The next word, behind `earlier` in English: any other thing.
    Thing,
    /// The next word, behind `before`: an article.
    Article,
    /// The next word, behind `know`.
    Topic,
    /// The end of the fence; the phrase ends there in the folded text.
    Fence(usize),
}

impl On {
    /// What a phrase waits for that ends with such a word.
    pub(crate) const fn behind(last: Kind) -> Option<Self> {
        match last {
            Kind { adjective: true, .. } => Some(Self::Thing),
            Kind { adverb: true, .. } => Some(Self::Article),
            Kind { prior: true, .. } => Some(Self::Word),
            Kind { knows: true, .. } => Some(Self::Topic),
            _ => None,
        }
    }

    const fn is_next_word(self) -> bool {
        matches!(self, Self::Word | Self::Thing | Self::Article | Self::Topic)
    }
}

/// A phrase whose last word has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Said {
    pub(crate) rule: u16,
    pub(crate) category: &'static str,
    pub(crate) score: Score,
    pub(crate) span: Span,
    /// Where its first word stands.
    pub(crate) began: Stand,
    pub(crate) hidden: bool,
    /// What its last word waits for, if it does.
    pub(crate) waits: Option<On>,
}

/// What comes behind a phrase.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Next {
    /// `warnings`, `drafts`.
    pub(crate) harmless: bool,
    /// A word that is none of those an order goes on with.
    pub(crate) other: bool,
    /// `about`.
    pub(crate) topic: bool,
    /// `a`.
    pub(crate) article: bool,
}

/// The marks that are open, and what waits for them.
#[derive(Debug, Default)]
pub(crate) struct Setting {
    fence: Option<usize>,
    /// The backquotes that stand one behind the other, and where.
    ticks: usize,
    ticks_at: usize,
    open: Option<Open>,
    /// Where the last mark stands that cites a phrase, and where that phrase ends in the original.
    cited: Option<(usize, usize)>,
    waiting: Vec<Waiting>,
}

impl Setting {
    /// Where what waits begins, in the original.
    pub(crate) fn live(&self) -> Option<usize> {
        self.waiting.iter().map(|waiting| waiting.span.start).min()
    }

    /// Whether a word without an end changes something here.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some() || self.waiting.iter().any(|waiting| !matches!(waiting.on, On::Fence(_)))
    }

    /// Where a phrase that waits for the end of its fence has waited long enough.
    pub(crate) fn due(&self) -> Option<usize> {
        // They wait in the order in which they stand.
        self.waiting.iter().find_map(|waiting| match waiting.on {
            On::Fence(at) => Some(at + MAX_FENCED),
            _ => None,
        })
    }

    pub(crate) const fn memory(&self) -> usize {
        self.waiting.capacity() * size_of::<Waiting>()
    }

    /// Where the next word stands.
    pub(crate) fn stand(&self, start: usize) -> Stand {
        let near = |at: &usize| start.saturating_sub(*at) < MAX_FENCE;
        Stand { fence: self.fence.filter(near), mark: self.open.map(|open| open.at) }
    }

    /// Takes what is neither letter nor digit, at `i`; `reports` says that the word before it reports what somebody says.
    #[inline]
    pub(crate) fn byte(&mut self, i: usize, byte: u8, reports: bool, context: &mut Context<'_>) {
        self.passed(i, context);
        if byte == b'`' {
            if self.ticks == 0 {
                self.ticks_at = i;
            }
            self.ticks += 1;
            return;
        }
        self.settle(context);
        match byte {
            b'\n' => self.broken(context),
            b'"' | b'\'' | b'/' => self.mark(i, byte, reports, context),
            // The slash of a tag, or between two names.
            b'>' | b' ' => self.no_pattern(i),
            _ => {}
        }
    }

    /// A space behind a word comes, or one behind a slash: that is no beginning of a pattern.
    pub(crate) fn no_pattern(&mut self, i: usize) {
        if self.open.is_some_and(|open| open.mark == b'/' && open.at + 1 == i) {
            self.open = None;
        }
    }

    /// Something begins at `i`: marks are too far away at last.
    #[inline]
    pub(crate) fn passed(&mut self, i: usize, context: &mut Context<'_>) {
        if self.open.is_some_and(|open| i.saturating_sub(open.at) > MAX_CITATION) {
            self.broken(context);
        }
        if !self.waiting.is_empty() && self.due().is_some_and(|due| i >= due) {
            let late = |on| matches!(on, On::Fence(at) if i >= at + MAX_FENCED);
            self.decide(late, false, context);
        }
    }

    /// Some backquotes have come to their end.
    #[inline]
    pub(crate) fn settle(&mut self, context: &mut Context<'_>) {
        let ticks = std::mem::take(&mut self.ticks);
        match (ticks, self.open) {
            (0, _) => {}
            (3.., _) => {
                self.broken(context);
                self.fence = if self.fence.is_some() { None } else { Some(self.ticks_at) };
                self.decide(is_fence, true, context);
            }
            (_, Some(open)) if open.mark == b'`' => self.closed(context),
            (_, None) if self.fence.is_none() => {
                self.open = Some(Open { mark: b'`', at: self.ticks_at, phrase: None });
            }
            _ => {}
        }
    }

    fn mark(&mut self, i: usize, byte: u8, reports: bool, context: &mut Context<'_>) {
        let before = |back: usize| i.checked_sub(back).and_then(|at| context.text.byte(at));
        match self.open {
            Some(open) if open.mark != byte => {}
            // Two slashes begin a comment, or stand in an address.
            Some(open) if byte == b'/' && open.at + 1 == i => self.open = None,
            Some(_) if before(1) == Some(b'\\') => {}
            Some(_) => self.closed(context),
            None => {
                let begins = if byte == b'/' {
                    before(1).is_none_or(|byte| b" \n\t(=,:[!&|?{};\"'`".contains(&byte))
                } else {
                    reports || is_program(context.text, i)
                };
                if begins {
                    self.open = Some(Open { mark: byte, at: i, phrase: None });
                }
            }
        }
    }

    /// The next word has come, right behind a space or not.
    #[inline]
    pub(crate) fn word(&mut self, next: Next, context: &mut Context<'_>) {
        if !self.waiting.is_empty() {
            for (waits, comes) in [
                (On::Word, next.harmless),
                (On::Thing, next.other),
                (On::Article, next.article),
                (On::Topic, next.topic),
            ] {
                self.decide(|on| on == waits, comes, context);
            }
        }
    }

    /// A phrase has come to its end at a word that stands there, at `at`.
    pub(crate) fn said(&mut self, said: Said, ends: Stand, at: usize, context: &mut Context<'_>) {
        let Said { category, score, span, .. } = said;
        let waiting = Waiting { category, score, span, on: On::Mark };
        let untrusted = matches!(context.channel, Channel::Document | Channel::ToolOutput);
        if said.hidden || score <= CITED {
            waiting.report(false, context);
        } else if untrusted && context.task.names(&context.tables.rules, said.rule) {
            waiting.report(true, context);
        } else if said.began.mark.is_some() && said.began == ends && self.is_first(span) {
            self.waiting.push(Waiting { on: On::Mark, ..waiting });
        } else if self.goes_on(said.began, span) {
            waiting.report(true, context);
        } else if untrusted
            && ends.fence.is_some()
            && said.began.fence == ends.fence
            && matches!(category, "prompt_injection/override" | "prompt_injection/jailbreak")
        {
            if self.waiting.iter().filter(|waiting| is_fence(waiting.on)).count() < MAX_FENCED_PHRASES {
                self.waiting.push(Waiting { on: On::Fence(at), ..waiting });
            } else {
                waiting.report(true, context);
            }
        } else if let Some(on) = said.waits {
            self.waiting.push(Waiting { on, ..waiting });
        } else {
            waiting.report(false, context);
        }
    }

    /// Whether a phrase is the first one behind the open mark, or of the same words.
    fn is_first(&mut self, span: Span) -> bool {
        let Some(open) = &mut self.open else { return false };
        let first = open.phrase.is_none_or(|end| span.start < end);
        if first {
            open.phrase = Some(open.phrase.map_or(span.end, |end| end.max(span.end)));
        }
        first
    }

    /// Whether words of a cited phrase find more that belongs to them behind the mark, as `/ignore previous instructions/i, text` does.
    fn goes_on(&self, began: Stand, span: Span) -> bool {
        self.cited.is_some_and(|(mark, end)| began.mark == Some(mark) && span.start < end)
    }

    fn closed(&mut self, context: &mut Context<'_>) {
        let open = self.open.take();
        self.cited = open.and_then(|open| open.phrase.map(|end| (open.at, end))).or(self.cited);
        self.decide(|on| on == On::Mark, true, context);
    }

    /// Nothing closes the open mark.
    pub(crate) fn broken(&mut self, context: &mut Context<'_>) {
        self.open = None;
        self.decide(|on| on == On::Mark, false, context);
    }

    /// The text ends.
    pub(crate) fn close(&mut self, context: &mut Context<'_>) {
        self.settle(context);
        self.open = None;
        self.decide(|_| true, false, context);
    }

    fn decide(&mut self, about: impl Fn(On) -> bool, cited: bool, context: &mut Context<'_>) {
        self.waiting.retain(|waiting| {
            let decided = about(waiting.on);
            if decided {
                waiting.report(cited, context);
            }
            !decided
        });
    }
}

impl Waiting {
    fn report(self, cited: bool, context: &mut Context<'_>) {
        let own = matches!(context.channel, Channel::System | Channel::User | Channel::Model);
        let score = match self.on {
            _ if !cited => self.score,
            on if own && on.is_next_word() => self.score.min(HARMLESS),
            _ => self.score.min(CITED),
        };
        context.report_original(&PHRASE, Category::known(self.category), score, self.span, false);
    }
}

const fn is_fence(on: On) -> bool {
    matches!(on, On::Fence(_))
}

/// Whether the quotation mark at `i` begins a string of a program: an argument, or what a name becomes. Values of JSON and of
/// HTML are none, for they are how documents and tools say anything.
fn is_program(text: &FoldedText, i: usize) -> bool {
    let byte = |back: usize| i.checked_sub(back).and_then(|at| text.byte(at));
    let spaces = (1..5).take_while(|back| byte(*back) == Some(b' ')).count();
    match byte(1 + spaces) {
        Some(b'(' | b'+') => true,
        Some(b'=') => spaces > 0 || matches!(byte(2), Some(b' ' | b':' | b'=')),
        // The letters before strings of Python, Rust and C.
        Some(b'r' | b'b' | b'f' | b'u' | b'L') if spaces == 0 => {
            matches!(byte(2), Some(b'(' | b'=' | b'[' | b','))
                || byte(2) == Some(b' ') && byte(3) == Some(b'=')
        }
        _ => false,
    }
}
