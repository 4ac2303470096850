//! What one principal asked for lately, and what that looks like.

use std::collections::VecDeque;

use cordon_core::{Score, Timestamp};

use super::{
    Signal,
    sketch::{Change, Sketch},
};

/// Prompts of a principal that are remembered.
pub(super) const KEPT: usize = 64;
/// For how long they are, in milliseconds.
pub(super) const MEMORY: u64 = 600_000;
/// Prompts with fewer words say nothing: `yes`, `go on`.
pub(super) const SHORTEST: usize = 4;
/// Prompts with fewer words are no near-duplicates of each other: many people ask for the same in few words.
pub(super) const SHORTEST_DUPLICATE: usize = 8;
/// Bits of a SimHash that near-duplicates differ in at most (G. Manku, A. Jain, A. Das Sarma, Detecting Near-Duplicates for Web
/// Crawling, WWW 2007).
const DUPLICATE: u32 = 3;
/// Bits that a request asked again in other words differs in at most: five in six words are the same.
const AGAIN: u32 = 12;
/// Minutes of results of tools that are remembered.
const MINUTES: u32 = 10;
/// Results in a minute that are usual, whatever came before.
const USUAL_RESULTS: u32 = 15;
/// Times the usual that are a burst.
const BURST: u32 = 4;

/// The prompts of one principal.
#[derive(Debug, Default)]
pub(super) struct Window {
    prompts: VecDeque<Prompt>,
    /// The number of the first one.
    first: u64,
    results: Results,
    /// When it was used last.
    pub(super) used: Option<Timestamp>,
}

#[derive(Debug)]
struct Prompt {
    time: Timestamp,
    sketch: Sketch,
    /// Whether it, or its answer, was refused for what it says.
    refused: bool,
    /// Whether it asks again for what was refused.
    again: bool,
    /// Whether it is an earlier one with one word more, less or another, and not only the next of an enumeration.
    varied: bool,
    /// In which words later ones differ from it, by their place modulo 64.
    places: u64,
}

/// Results of tools by minute, the latest last.
#[derive(Debug, Default)]
struct Results {
    minute: i64,
    counts: [u32; MINUTES as usize],
}

/// How much a new prompt looks like those before it.
#[derive(Debug, Default)]
struct Likeness {
    duplicates: usize,
    again: bool,
    varied: bool,
    /// The place of the latest prompt that differs in one place, and what tells those apart that differ there too.
    slot: Option<(usize, usize)>,
    values: Vec<u64>,
    counted: usize,
}

/// Whether a prompt asks for the same as an earlier one: five in six words are the same, or all but one place.
pub(super) fn asks_again(new: &Sketch, earlier: &Sketch) -> bool {
    let long = new.words().min(earlier.words()) >= SHORTEST_DUPLICATE;
    long && new.distance(earlier) <= AGAIN || new.change(earlier) != Change::More
}

impl Window {
    /// Notes what a call brings. Gives what it looks like, and the number of its prompt.
    pub(super) fn note(
        &mut self,
        sketch: Sketch,
        tool_results: u32,
        now: Timestamp,
    ) -> (Vec<(Signal, Score)>, Option<u64>) {
        self.used = Some(now);
        while self.prompts.front().is_some_and(|prompt| now.since(prompt.time).as_millis() > MEMORY) {
            self.drop_first();
        }
        let mut signals = Vec::new();
        let mut say = |signal: Signal, seen: usize| signals.extend(signal.score(seen).map(|s| (signal, s)));
        say(Signal::ToolBurst, self.results.add(tool_results, now));
        // What follows results of tools is asked for by the model, and often word by word the same.
        if sketch.words() < SHORTEST || tool_results > 0 {
            return (signals, None);
        }
        let Likeness { duplicates, again, varied, values, counted, .. } = self.compare(&sketch);
        say(Signal::NearDuplicate, duplicates);
        say(Signal::Enumeration, values.len().saturating_add(counted));
        if self.prompts.len() == KEPT {
            self.drop_first();
        }
        self.prompts.push_back(Prompt { time: now, sketch, refused: false, again, varied, places: 0 });
        let of = |is: fn(&Prompt) -> bool| self.prompts.iter().filter(|prompt| is(prompt)).count();
        // The signal is of the prompt that goes on with it, and not of every one that comes after.
        if again {
            say(Signal::RefusalRetry, of(|prompt| prompt.again));
        }
        if varied {
            say(Signal::TokenVariation, of(|prompt| prompt.varied));
        }
        (signals, Some(self.first.wrapping_add(self.prompts.len() as u64).wrapping_sub(1)))
    }

    /// Says that a prompt was refused. Gives what it was known by and when it came, if it is still remembered.
    pub(super) fn refused(&mut self, number: u64) -> Option<(Sketch, Timestamp)> {
        let at = usize::try_from(number.wrapping_sub(self.first)).ok()?;
        let prompt = self.prompts.get_mut(at)?;
        prompt.refused = true;
        Some((prompt.sketch.clone(), prompt.time))
    }

    /// How many prompts it holds.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.prompts.len()
    }

    fn drop_first(&mut self) {
        self.prompts.pop_front();
        self.first = self.first.wrapping_add(1);
    }

    fn compare(&mut self, new: &Sketch) -> Likeness {
        let mut like = Likeness::default();
        for prompt in self.prompts.iter_mut().rev() {
            let (change, distance) = (new.change(&prompt.sketch), new.distance(&prompt.sketch));
            let long = new.words().min(prompt.sketch.words()) >= SHORTEST_DUPLICATE;
            like.duplicates += usize::from(long && distance <= DUPLICATE);
            like.again |= prompt.refused && asks_again(new, &prompt.sketch);
            match change {
                Change::Length => like.varied = true,
                Change::Slot { at, width, counts } => {
                    if width == 1 {
                        prompt.places |= 1 << (at % 64);
                        like.varied |= prompt.places.count_ones() > 1;
                    }
                    let (first, wide) = *like.slot.get_or_insert((at, width));
                    let apart = at >= first.saturating_add(wide) || first >= at.saturating_add(width);
                    if !apart && !like.values.contains(&prompt.sketch.identity()) {
                        like.values.push(prompt.sketch.identity());
                        like.counted += usize::from(counts);
                    }
                }
                Change::Nothing | Change::More => {}
            }
        }
        like
    }
}

impl Results {
    /// Adds results of this minute. Gives how many there are for each one that is usual.
    fn add(&mut self, results: u32, now: Timestamp) -> usize {
        let minute = now.as_millis().div_euclid(60_000);
        let passed = usize::try_from(minute.saturating_sub(self.minute).max(0))
            .unwrap_or(usize::MAX)
            .min(self.counts.len());
        self.counts.rotate_left(passed);
        self.counts.iter_mut().rev().take(passed).for_each(|count| *count = 0);
        self.minute = self.minute.max(minute);
        let Some((last, before)) = self.counts.split_last_mut() else { return 0 };
        *last = last.saturating_add(results);
        if results == 0 {
            return 0;
        }
        let before = before.iter().fold(0_u32, |sum, count| sum.saturating_add(*count));
        let usual = (before / (MINUTES - 1)).max(USUAL_RESULTS);
        (*last / usual) as usize
    }
}

impl Signal {
    /// How much of it has been seen when it is worth a score of one half.
    pub(super) const fn fires_at(self) -> usize {
        match self {
            Self::Enumeration | Self::NearDuplicate => 16,
            Self::RefusalRetry | Self::DistributedRetry => 4,
            Self::TokenVariation => 8,
            Self::ToolBurst => BURST as usize,
        }
    }

    /// The score of what was seen; nothing below one half.
    pub(super) fn score(self, seen: usize) -> Option<Score> {
        if seen < self.fires_at() {
            return None;
        }
        let hundredths = seen.saturating_mul(50) / self.fires_at();
        Some(Score::percent(u32::try_from(hundredths.min(100)).unwrap_or(100)))
    }
}
