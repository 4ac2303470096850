//! What is dangerous in an answer when something acts on it: a page that fetches its links, a terminal that prints it, a shell or
//! a database that runs it; and what it gives away of the prompt. Read in what models write and in what they are given to repeat,
//! never in what a person asks.

mod command;
mod cues;
pub(crate) mod hosts;
pub(crate) mod leak;
pub(crate) mod links;
mod payload;
mod statement;
pub(crate) mod terminal;
mod url;

pub(crate) use cues::MAX_WINDOW;

use cordon_core::{Category, Channel, Score};

use crate::answer::cues::{Cues, MAX_CUE, is_word};
use crate::answer::leak::{Leak, Prompt};
use crate::answer::links::Links;
use crate::detector::Detector;
use crate::fold::FoldedText;
use crate::scanner::Context;

/// What reads the folded text for what an answer can do. It runs ahead of the other readers up to the byte that decides
/// something, and reports when they are there too: so findings come in one order, however a text is cut.
#[derive(Debug)]
pub(crate) struct Answer {
    links: Links,
    cues: Cues,
    leak: Leak,
    due: Vec<Found>,
}

/// How many of these bytes change nothing where nothing is open: most of an answer is words of which nothing comes. `before` is the byte
/// before them, where it is known.
fn ordinary(bytes: &[u8], before: Option<u8>) -> usize {
    let mut whole = before.is_some_and(|byte| !is_word(byte));
    let mut count = 0;
    loop {
        let rest = bytes.get(count..).unwrap_or_default();
        let len = rest.iter().take_while(|byte| is_word(**byte)).count();
        let Some((word, [next, ..])) = rest.split_at_checked(len) else { return count + len };
        if !whole || links::is_special(*next) || *next == b'{' || cues::may_begin(word) {
            return count + len;
        }
        count += len + 1;
        whole = true;
    }
}

/// A finding that is due: folded bytes `start..end`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) detector: Detector,
    pub(crate) category: &'static str,
    pub(crate) percent: u32,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) continues: bool,
}

/// What its readers look at.
#[derive(Clone, Copy)]
pub(crate) struct Sight<'a> {
    pub(crate) text: &'a FoldedText,
    pub(crate) hosts: &'a hosts::Hosts,
    pub(crate) prompt: &'a Prompt,
}

impl Answer {
    /// The reader of a channel; none where nobody acts on what is written there.
    pub(crate) fn of(channel: Channel) -> Option<Self> {
        match channel {
            Channel::System | Channel::User => None,
            Channel::Document | Channel::ToolOutput | Channel::Model => Some(Self {
                links: Links::default(),
                cues: Cues::default(),
                leak: Leak::default(),
                due: Vec::new(),
            }),
        }
    }

    /// Reads folded bytes from `i` on, up to and with the first that decides something; how many.
    pub(crate) fn read(&mut self, i: usize, bytes: &[u8], sight: Sight<'_>) -> usize {
        let mut count = 0;
        while let Some(rest) = bytes.get(count..).filter(|rest| !rest.is_empty()) {
            if self.links.is_quiet() && self.cues.is_quiet() {
                let before = count.checked_sub(1).and_then(|at| bytes.get(at).copied());
                let ordinary = ordinary(rest, before);
                if sight.prompt.is_some() {
                    for byte in rest.iter().take(ordinary) {
                        self.leak.byte(i + count, *byte, sight.prompt, &mut self.due);
                        count += 1;
                        if !self.due.is_empty() {
                            return count;
                        }
                    }
                } else {
                    count += ordinary;
                }
            }
            let Some(byte) = bytes.get(count).copied() else { break };
            self.links.byte(i + count, byte, sight, &mut self.due);
            self.cues.byte(i + count, byte, sight, &mut self.due);
            self.leak.byte(i + count, byte, sight.prompt, &mut self.due);
            count += 1;
            if !self.due.is_empty() {
                return count;
            }
        }
        bytes.len()
    }

    /// The text ends before folded byte `end`.
    pub(crate) fn close(&mut self, end: usize, sight: Sight<'_>) {
        self.links.close(end, sight, &mut self.due);
        self.cues.close(end, sight, &mut self.due);
        self.leak.close(end, sight.prompt, &mut self.due);
    }

    /// Reports what is due.
    pub(crate) fn report(&mut self, context: &mut Context<'_>) {
        for found in self.due.drain(..) {
            context.report(
                &found.detector,
                Category::known(found.category),
                Score::percent(found.percent),
                (found.start, found.end),
                found.continues,
            );
        }
    }

    /// Where what must be held back begins.
    pub(crate) fn live(&self, text: &FoldedText) -> Option<usize> {
        // The word that is open may be a scheme, or begin a command.
        let (end, most) = (text.end(), MAX_CUE.max(links::MAX_SCHEME));
        let tail = text.slice(end.saturating_sub(most + 1), end);
        let open = |most: usize, belongs: fn(&u8) -> bool| {
            let letters = tail.iter().rev().take_while(|byte| belongs(byte)).count();
            (1..=most).contains(&letters).then(|| end - letters)
        };
        let scheme = open(links::MAX_SCHEME, u8::is_ascii_alphanumeric);
        let cue = open(MAX_CUE, |byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        [scheme, cue, self.links.live(), self.cues.live(), self.leak.live(end)].into_iter().flatten().min()
    }

    pub(crate) fn memory(&self) -> usize {
        self.due.capacity() * size_of::<Found>()
    }
}
