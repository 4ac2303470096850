//! What a principal's calls look like together: prompts that repeat, that count something through, that ask again for what
//! was refused, that grow word by word, and bursts of tools; and what is asked for under one name after another (`probes`).
//!
//! Each call leaves a sketch of what is new in it (`turn`) in a window of its principal (`window`). A sketch (`sketch`)
//! holds numbers that mean nothing outside of this process; neither it nor a signal holds content. Signals are findings like
//! those of detectors, and guards say what is done about them. All of it is a function of values: time and keys are arguments.

mod probes;
mod self_test;
mod sketch;
#[cfg(test)]
mod tests;
mod throttle;
mod turn;
mod window;

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use cordon_core::{Category, Name, Refusal, Score, Timestamp, resource::Throttle};
use cordon_policy::EffectiveGuard;
use smallvec::SmallVec;

use probes::{Asked, Probes};
pub(crate) use self_test::sees_each_signal;
use sketch::{Key, Sketch};
use throttle::Throttled;
pub use turn::Turn;
use window::Window;

/// Principals are kept in so many tables, each with a lock of its own.
const TABLES: usize = 16;
/// Principals in one of them; the one that was quiet for longest is forgotten for another.
const KEPT: usize = 64;
/// Who is slowed down, in the reason of a refusal.
const CALLER: &str = "the caller";

/// What a principal's calls may look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// The same text again and again, with one thing in it another each time.
    Enumeration,
    /// The same text again and again.
    NearDuplicate,
    /// What was refused is asked for again, in almost the same words.
    RefusalRetry,
    /// The same text with one word more, less or another each time, at different places.
    TokenVariation,
    /// Many more tools are used than usual.
    ToolBurst,
    /// What was refused to others is asked for again, in almost the same words.
    DistributedRetry,
}

/// What was seen of a call, and what its prompt is known by: so that it can be said of it later that it was refused.
#[derive(Debug, Default)]
pub struct Seen {
    /// Signals with a score of one half or more.
    pub signals: Vec<(Signal, Score)>,
    /// The number of its prompt in its principal's window.
    pub prompt: Option<u64>,
    /// The number of what was refused to others, and is asked for again.
    probe: Option<u64>,
}

/// What a guard slows down, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slowing<'a> {
    pub(crate) signal: Signal,
    pub(crate) guard: &'a Name,
    pub(crate) throttle: Throttle,
}

/// The windows of all principals. Its size is bounded, whoever calls.
#[derive(Debug)]
pub struct Abuse {
    key: Key,
    tables: [Mutex<HashMap<Name, Watched>>; TABLES],
    forgotten: AtomicU64,
    /// What was refused to any of them.
    probes: Mutex<Probes>,
}

/// What is known of one principal.
#[derive(Debug, Default)]
struct Watched {
    window: Window,
    throttled: SmallVec<[Throttled; 1]>,
}

impl Abuse {
    /// Windows without anything in them; the key is this process's own.
    pub fn new(key: [[u8; 8]; 2]) -> Self {
        Self {
            key: key.map(u64::from_be_bytes),
            tables: Default::default(),
            forgotten: AtomicU64::new(0),
            probes: Mutex::default(),
        }
    }

    /// Notes a call of a principal, and says what its calls look like.
    ///
    /// # Errors
    /// When the principal, or the prompt whoever asks, is throttled by one of the guards of the call, and it is not its turn; nothing is
    /// noted of the principal then.
    pub fn see(
        &self,
        principal: &Name,
        guard: &EffectiveGuard,
        turn: &Turn<'_>,
        now: Timestamp,
    ) -> Result<Seen, Refusal> {
        // Before the lock: this is where the time goes.
        let sketch = Sketch::of(self.key, turn.texts.iter().copied());
        let asked = match turn.tool_results {
            0 => self.probes().see(&sketch, principal, guard, now)?,
            _ => None,
        };
        let mut table = self.table(principal);
        let watched = self.watched(&mut table, principal, now);
        throttle::pass(&mut watched.throttled, CALLER, guard, now)?;
        Ok(watched.note(sketch, turn.tool_results, asked, now))
    }

    /// Notes texts that a principal brings together, each as a prompt of its own, and says what each looks like. Of more than are
    /// remembered only the last are looked at: the others would be forgotten at once.
    ///
    /// # Errors
    /// As [`Self::see`].
    pub(crate) fn see_each(
        &self,
        principal: &Name,
        guard: &EffectiveGuard,
        turns: &[Turn<'_>],
        now: Timestamp,
    ) -> Result<Vec<Seen>, Refusal> {
        let forgotten = turns.len().saturating_sub(window::KEPT);
        let sketches: Vec<Sketch> = turns
            .iter()
            .skip(forgotten)
            .map(|turn| Sketch::of(self.key, turn.texts.iter().copied()))
            .collect();
        let mut probes = self.probes();
        let asked = sketches.iter().map(|sketch| probes.see(sketch, principal, guard, now));
        let asked = asked.collect::<Result<Vec<Option<Asked>>, Refusal>>()?;
        drop(probes);
        let mut table = self.table(principal);
        let watched = self.watched(&mut table, principal, now);
        throttle::pass(&mut watched.throttled, CALLER, guard, now)?;
        let unseen = std::iter::repeat_with(Seen::default).take(forgotten);
        let seen = sketches.into_iter().zip(asked).map(|(sketch, asked)| watched.note(sketch, 0, asked, now));
        Ok(unseen.chain(seen).collect())
    }

    /// What is known of a principal, from now on.
    fn watched<'t>(
        &self,
        table: &'t mut HashMap<Name, Watched>,
        principal: &Name,
        now: Timestamp,
    ) -> &'t mut Watched {
        if !table.contains_key(principal) {
            self.forget_one(table, now);
        }
        table.entry(principal.clone()).or_default()
    }

    /// Says that a prompt, or its answer, was refused for what it says.
    pub(crate) fn refused(&self, principal: &Name, prompt: u64) {
        let known =
            self.table(principal).get_mut(principal).and_then(|watched| watched.window.refused(prompt));
        if let Some((sketch, time)) = known {
            self.probes().refused(sketch, principal, time);
        }
    }

    /// Lets a call pass that is none of a conversation and is not noted: what slows its principal down holds for it.
    ///
    /// # Errors
    /// As [`Self::see`].
    pub(crate) fn pass(
        &self,
        principal: &Name,
        guard: &EffectiveGuard,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let mut table = self.table(principal);
        table
            .get_mut(principal)
            .map_or(Ok(()), |watched| throttle::pass(&mut watched.throttled, CALLER, guard, now))
    }

    /// Slows down for a while, wherever this guard holds: a principal whose calls show this signal, or what was refused to others, whoever
    /// asks for it.
    pub(crate) fn throttle(&self, principal: &Name, seen: &[Seen], slowing: &Slowing<'_>, now: Timestamp) {
        let Slowing { signal, guard, throttle } = *slowing;
        if signal == Signal::DistributedRetry {
            let mut probes = self.probes();
            seen.iter()
                .filter_map(|seen| seen.probe)
                .for_each(|probe| probes.throttle(probe, guard, throttle, now));
            return;
        }
        let mut table = self.table(principal);
        if let Some(watched) = table.get_mut(principal) {
            throttle::put(&mut watched.throttled, guard, throttle, now);
        }
    }

    /// Principals that are throttled now.
    pub fn throttled(&self, now: Timestamp) -> usize {
        let throttled = |watched: &&Watched| watched.is_throttled(now);
        self.all().map(|table| table.values().filter(throttled).count()).sum()
    }

    /// Prompts that are throttled now, whoever asks.
    pub fn throttled_prompts(&self, now: Timestamp) -> usize {
        self.probes().throttled(now)
    }

    /// Principals whose calls are remembered.
    pub fn remembered(&self) -> usize {
        self.all().map(|table| table.len()).sum()
    }

    /// How often a principal's calls were forgotten because there were too many principals.
    pub fn forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::Relaxed)
    }

    /// Makes room for one more principal.
    fn forget_one(&self, table: &mut HashMap<Name, Watched>, now: Timestamp) {
        if table.len() < KEPT {
            return;
        }
        // One that is throttled stays so, as long as there is another.
        let quiet = table.iter().min_by_key(|(_, watched)| (watched.is_throttled(now), watched.window.used));
        if let Some(quiet) = quiet.map(|(name, _)| name.clone()) {
            table.remove(&quiet);
            self.forgotten.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn probes(&self) -> MutexGuard<'_, Probes> {
        self.probes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn table(&self, principal: &Name) -> MutexGuard<'_, HashMap<Name, Watched>> {
        let hash =
            principal.as_str().bytes().fold(0_usize, |hash, byte| hash.wrapping_mul(31) ^ usize::from(byte));
        let [first, ..] = &self.tables;
        self.tables.get(hash % TABLES).unwrap_or(first).lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all(&self) -> impl Iterator<Item = MutexGuard<'_, HashMap<Name, Watched>>> {
        self.tables.iter().map(|table| table.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Watched {
    /// Notes what a call brings, and that it asks for what was refused to others.
    fn note(&mut self, sketch: Sketch, tool_results: u32, asked: Option<Asked>, now: Timestamp) -> Seen {
        let (mut signals, prompt) = self.window.note(sketch, tool_results, now);
        let score = asked.and_then(|asked| Signal::DistributedRetry.score(asked.times));
        signals.extend(score.map(|score| (Signal::DistributedRetry, score)));
        Seen { signals, prompt, probe: asked.filter(|_| score.is_some()).map(|asked| asked.probe) }
    }

    fn is_throttled(&self, now: Timestamp) -> bool {
        self.throttled.iter().any(|throttled| throttled.holds(now))
    }
}

impl Signal {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Enumeration,
        Self::NearDuplicate,
        Self::RefusalRetry,
        Self::TokenVariation,
        Self::ToolBurst,
        Self::DistributedRetry,
    ];

    /// The category of its findings.
    pub const fn category(self) -> Category {
        Category::known(match self {
            Self::Enumeration => "abuse/enumeration",
            Self::NearDuplicate => "abuse/near_duplicate",
            Self::RefusalRetry => "abuse/refusal_retry",
            Self::TokenVariation => "abuse/token_variation",
            Self::ToolBurst => "abuse/tool_burst",
            Self::DistributedRetry => "abuse/distributed_retry",
        })
    }
}
