//! What a text is about, of the topics that a guard names, and whether it is about none of those that it may be about.
//!
//! A text is read in windows of a few sentences. In each, terms, hints and words that were learned from examples speak for a topic, each
//! once; what speaks for topics that are allowed speaks against those that are denied. Nothing is known of a word that no topic has.

mod hidden;
mod known;
mod small;
pub(super) mod token;

use std::sync::{Arc, LazyLock};

use cordon_core::{
    Category, Finding, Score, Span,
    resource::{self, MAX_TOPICS},
};

use self::{
    known::{Known, Worth, key, pair},
    token::{Class, Token, read, then},
};
use super::declined::declines;

/// A window ends with the sentence in which it has so many words that say something, or before one more token than this.
const WINDOW: u32 = 12;
const MOST_TOKENS: usize = 96;

/// What speaks for what is allowed, from which on a text is about it.
const INSIDE: u32 = 50;
/// Words of a text beyond which more has to speak for it, how much more each needs, and the most that is needed.
const EASY: u32 = 20;
const MORE: u32 = 2;
const MOST_NEEDED: u32 = 1_000;
/// What speaks for a topic that is denied, from which on it is mentioned.
const MENTIONED: u32 = 40;

/// Words of a request that may only go on with what was said before: so many, or so many with a word that stands for it.
const SHORT: u32 = 4;
const SHORT_REFERRING: u32 = 8;
/// Turns before that a short request may go on with, and bytes of each that are read.
const TURNS: usize = 4;
const TURN: usize = 4 << 10;

/// What a request without anything allowed in it is worth, by its words that say something.
const OUTSIDE: [u32; 9] = [0, 35, 55, 65, 70, 75, 80, 85, 90];
/// The same of an answer: from so many words on so much.
const OUTSIDE_ANSWER: [(u32, u32); 4] = [(60, 90), (40, 80), (20, 70), (12, 55)];

/// The topics of a guard, compiled.
#[derive(Clone, Debug)]
pub struct Topics(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    known: Known,
    /// The categories of those that are denied; behind them come those that are allowed.
    denied: Vec<Category>,
    allows: bool,
}

/// A request, as far as it says what it is about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'t> {
    /// What is asked now.
    pub said: &'t str,
    /// What the same user wrote before, the latest first.
    pub before: &'t [&'t str],
    /// What was answered before, the latest first.
    pub answered: &'t [&'t str],
}

impl Topics {
    /// The name of the detector.
    pub const DETECTOR: &'static str = "topic.words";
    /// Its version.
    pub const VERSION: u16 = 2;
    /// What it finds: topics that are denied, each below this, and texts about none that is allowed.
    pub const DENIED: Category = Category::known("topic/denied");
    /// A text about none of the topics that are allowed.
    pub const OUTSIDE: Category = Category::known("topic/outside");

    /// Compiles what a guard says. Of more than [`MAX_TOPICS`] topics the rest says nothing.
    ///
    /// ```
    /// use cordon_inspect::{Asked, Topics};
    /// let topics = Topics::new(&serde_json::from_str(
    ///     r#"{"allow": [{"name": "shop", "terms": ["invoice", "delivery", "refund"], "hints": ["order", "parcel"]}],
    ///         "deny": [{"name": "politics", "terms": ["election", "political party", "minister"]}]}"#,
    /// ).unwrap());
    /// let found = |said| {
    ///     let found = topics.request(Asked { said, ..Asked::default() });
    ///     found.into_iter().map(|finding| finding.category.to_string()).collect::<Vec<_>>()
    /// };
    /// assert_eq!(found("Good morning! How are you?"), [""; 0]);
    /// assert_eq!(found("Where is my parcel? I ordered it on Monday."), [""; 0]);
    /// assert_eq!(found("Which political parties stand for election?"), ["topic/denied/politics", "topic/outside"]);
    /// assert_eq!(found("Write a poem about the sea and the wind."), ["topic/outside"]);
    /// ```
    pub fn new(topics: &resource::Topics) -> Self {
        let all: Vec<&resource::Topic> = topics.deny.iter().chain(&topics.allow).take(MAX_TOPICS).collect();
        let category = |topic: &resource::Topic| Category::parse(&format!("{}/{}", Self::DENIED, topic.name));
        let denied = topics.deny.iter().take(MAX_TOPICS).map(|topic| category(topic).unwrap_or(Self::DENIED));
        Self(Arc::new(Compiled {
            known: Known::of(&all),
            denied: denied.collect(),
            allows: !topics.allow.is_empty(),
        }))
    }

    /// What a request is about that it may not be about, and whether it is about nothing that it may be about. The spans are of what is
    /// asked now. A short request is judged with what was said before it.
    pub fn request(&self, asked: Asked<'_>) -> Vec<Finding> {
        let said = self.read(asked.said);
        let span = Span::new(0, asked.said.len());
        let mut found = self.denied(&said);
        let words = said.words();
        // Who only greets or thanks asks for nothing; what says nothing at all asks for what was asked before.
        let says_nothing = words == 0 && !said.greets;
        let goes_on =
            says_nothing || words >= 1 && (words <= SHORT || words <= SHORT_REFERRING && said.refers);
        let earlier = || {
            let turns = asked.before.iter().take(TURNS).map(|turn| self.read(beginning(turn)));
            turns.into_iter().find(|turn| turn.words() > 0)
        };
        if goes_on && found.is_empty() && said.allowed < INSIDE {
            // It asks on about what was denied before.
            if let Some(before) = earlier() {
                let before = self.denied(&before);
                found.extend(before.into_iter().map(|finding| less(Finding { span, ..finding })));
            }
        }
        let base = base_of(words);
        let is_about_before = || {
            let before = asked.before.iter().take(TURNS).chain(asked.answered.iter().take(TURNS));
            goes_on && before.into_iter().any(|turn| self.read(beginning(turn)).allowed >= INSIDE)
        };
        if let Some(score) = self.outside(&said, base).filter(|_| !is_about_before()) {
            found.push(finding(Self::OUTSIDE, span, score));
        }
        if says_nothing
            && let Some(before) = earlier()
            && let Some(score) = self.outside(&before, base_of(before.words())).filter(|_| !is_about_before())
        {
            found.push(less(finding(Self::OUTSIDE, span, score)));
        }
        found
    }

    /// The same of a whole answer, to a request that was about what is allowed, or not.
    pub fn answer(&self, said: &str, asked_inside: bool) -> Vec<Finding> {
        let read = self.read(said);
        let mut found = self.denied(&read);
        // An answer leaves out what its question has said.
        let words = if asked_inside { read.words() / 2 } else { read.words() };
        let outside = if declines(said).is_some() {
            // Who declines need not say what he would be asked for instead; what else he says then is an answer like any other.
            let rest = self.read(behind_refusal(said));
            self.outside(&rest, base_of_answer(rest.words() / 2))
        } else {
            self.outside(&read, base_of_answer(words))
        };
        found.extend(outside.map(|score| finding(Self::OUTSIDE, Span::new(0, said.len()), score)));
        found
    }

    /// Whether a text is about something that is allowed.
    pub fn is_inside(&self, said: &str) -> bool {
        self.read(beginning(said)).allowed >= INSIDE
    }

    /// What is wrong with what a guard says, each with its path below the spec: terms in which their own topic is not seen.
    pub fn problems(topics: &resource::Topics) -> Vec<(String, String)> {
        let compiled = Self::new(topics);
        let lists = [("allow", &topics.allow), ("deny", &topics.deny)];
        let terms = lists.into_iter().flat_map(|(list, topics)| {
            topics.iter().enumerate().flat_map(move |(at, topic)| {
                let terms = topic.terms.iter().enumerate();
                terms.map(move |(i, term)| (list, topic, term, format!("topics/{list}/{at}/terms/{i}")))
            })
        });
        let blind = terms.filter(|(list, topic, term, _)| {
            let read = compiled.read(term);
            let category = format!("{}/{}", Self::DENIED, topic.name);
            let likely = Score::percent(50);
            match *list {
                "allow" => read.allowed < INSIDE,
                _ => !compiled
                    .denied(&read)
                    .iter()
                    .any(|one| one.score >= likely && one.category.as_str() == category),
            }
        });
        let message = "its topic is not seen in it; help: other topics have the same words, or it has none";
        blind.map(|(.., path)| (path, message.to_owned())).collect()
    }

    /// Whether the topics of its own say what a text of them is: the canary of the detector.
    pub(crate) fn find(text: &str) -> bool {
        static OWN: LazyLock<Topics> = LazyLock::new(|| {
            let topic = |name: &str, terms: &[&str]| resource::Topic {
                name: name.to_owned(),
                terms: terms.iter().map(|term| (*term).to_owned()).collect(),
                hints: Vec::new(),
                examples: Vec::new(),
            };
            let (allow, deny) =
                (topic("ships", &["harbour", "lighthouse"]), topic("potions", &["potion", "love spell"]));
            Topics::new(&resource::Topics { allow: vec![allow], deny: vec![deny] })
        });
        let found = OWN.request(Asked { said: text, ..Asked::default() });
        [Self::DENIED, Self::OUTSIDE].iter().all(|category| {
            found
                .iter()
                .any(|finding| category.covers(&finding.category) && finding.score >= Score::percent(50))
        })
    }

    /// The topics that are denied and that a text is about.
    fn denied(&self, read: &Read) -> Vec<Finding> {
        let topics = self.0.denied.iter().zip(&read.denied);
        let about = topics.filter_map(|(category, seen)| {
            let best = seen.best?;
            let mut score = 20_u32.saturating_add(best.excess.saturating_mul(35) / 100).min(95);
            // One mention among many words.
            if best.words > 16 && best.excess < 150 {
                score = score.saturating_sub(10);
            }
            // And in a text about much else.
            if seen.windows.saturating_mul(4) < read.windows && best.excess < 200 {
                score = score.saturating_sub(20);
            }
            Some(finding(category.clone(), best.span, Score::percent(score)))
        });
        about.collect()
    }

    /// How sure it is that a text is about nothing that is allowed, where it is that sure by its length.
    fn outside(&self, read: &Read, base: u32) -> Option<Score> {
        if !self.0.allows || base == 0 {
            return None;
        }
        let needed =
            INSIDE.saturating_add(read.words().saturating_sub(EASY).saturating_mul(MORE)).min(MOST_NEEDED);
        if read.allowed >= needed {
            return None;
        }
        let less = read.allowed.saturating_mul(60) / needed;
        Some(base.saturating_sub(less)).filter(|score| *score >= 30).map(Score::percent)
    }

    /// Reads a text, and what stands encoded or with its letters apart in it: that speaks for topics that are denied,
    /// and is no word of the text.
    fn read(&self, text: &str) -> Read {
        let mut all = self.read_plain(text, None);
        for (span, hidden) in hidden::texts(text) {
            all.join(&self.read_plain(&hidden, Some(span)));
        }
        all
    }

    /// Reads a text as it stands. All of it is at this place, if one is given.
    fn read_plain(&self, text: &str, place: Option<Span>) -> Read {
        let mut reading = Reading::of(&self.0);
        read(text, |token| match (token, place) {
            (Some(token), Some(place)) => {
                reading.token(&Token { start: place.start, end: place.end, ..token });
            }
            (Some(token), None) => reading.token(&token),
            (None, _) => reading.sentence_ends(),
        });
        reading.window_ends();
        reading.read
    }
}

/// What a request of so many words that say something is worth without anything allowed in it.
fn base_of(words: u32) -> u32 {
    let words = usize::try_from(words).unwrap_or(usize::MAX).min(OUTSIDE.len() - 1);
    OUTSIDE.get(words).copied().unwrap_or(0)
}

/// The same of an answer.
fn base_of_answer(words: u32) -> u32 {
    OUTSIDE_ANSWER.iter().find(|(least, _)| words >= *least).map_or(0, |(_, base)| *base)
}

/// A finding about what was said before and is asked for again.
fn less(finding: Finding) -> Finding {
    let score = finding.score.millionths().saturating_sub(Score::percent(10).millionths());
    Finding { score: Score::from_millionths(score), ..finding }
}

/// Sentences with which one declines.
const REFUSAL: usize = 4;

/// What an answer says behind the sentences with which it declines.
fn behind_refusal(said: &str) -> &str {
    let mut rest = said;
    for _ in 0..REFUSAL {
        if declines(rest).is_none() {
            break;
        }
        let behind = rest.split_once(['.', '!', '?', '\n', '。', '！', '？', '؟', '।']);
        rest = behind.map_or("", |(_, behind)| behind);
    }
    rest
}

fn finding(category: Category, span: Span, score: Score) -> Finding {
    Finding {
        category,
        span,
        score,
        detector: Topics::DETECTOR,
        detector_version: Topics::VERSION,
        continues: false,
        listed: cordon_core::Listed::NONE,
    }
}

fn beginning(turn: &str) -> &str {
    turn.get(..turn.floor_char_boundary(TURN.min(turn.len()))).unwrap_or_default()
}

/// What was read of a text.
#[derive(Debug)]
struct Read {
    /// What its tokens say: a word is five, a character of a script without spaces two.
    fifths: u32,
    /// What speaks for topics that are allowed.
    allowed: u32,
    /// The topics that are denied.
    denied: Vec<Seen>,
    windows: u32,
    /// Whether a word stands for something that was said before.
    refers: bool,
    /// Whether a word greets or thanks.
    greets: bool,
}

impl Read {
    /// Words that say something.
    const fn words(&self) -> u32 {
        self.fifths.div_ceil(5)
    }

    /// What is hidden in the text speaks for what is denied as the rest of it does, and for nothing that is allowed: nobody has
    /// to hide that.
    fn join(&mut self, hidden: &Self) {
        for (own, other) in self.denied.iter_mut().zip(&hidden.denied) {
            own.windows = own.windows.saturating_add(other.windows);
            if let Some(best) = other.best.filter(|best| own.best.is_none_or(|own| own.excess < best.excess))
            {
                own.best = Some(best);
            }
        }
    }
}

/// What was seen of a topic that is denied.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    best: Option<Best>,
    /// Windows that mention it.
    windows: u32,
}

/// The window that is most about it.
#[derive(Clone, Copy, Debug)]
struct Best {
    /// What speaks for it, less half of what speaks for what is allowed.
    excess: u32,
    words: u32,
    span: Span,
}

/// A token of the window.
#[derive(Clone, Copy, Debug)]
struct Held {
    key: u64,
    is_character: bool,
    says: bool,
    /// No term goes over its end.
    ends: bool,
}

/// The state of reading.
#[derive(Debug)]
struct Reading<'c> {
    compiled: &'c Compiled,
    read: Read,
    held: Vec<Held>,
    fifths: u32,
    span: Option<Span>,
    /// By a token's place: what it begins like.
    begins: Vec<(usize, Worth)>,
    /// What speaks for topics: topic, by what, how much.
    evidence: Vec<(u8, u64, u32)>,
}

impl<'c> Reading<'c> {
    fn of(compiled: &'c Compiled) -> Self {
        let denied = vec![Seen::default(); compiled.denied.len()];
        Self {
            compiled,
            read: Read { fifths: 0, allowed: 0, denied, windows: 0, refers: false, greets: false },
            held: Vec::new(),
            fifths: 0,
            span: None,
            begins: Vec::new(),
            evidence: Vec::new(),
        }
    }

    fn token(&mut self, token: &Token<'_>) {
        if self.held.len() >= MOST_TOKENS {
            self.window_ends();
        }
        let is_character = matches!(token.class, Class::Character | Class::SmallCharacter);
        let says = matches!(token.class, Class::Word | Class::Character);
        self.read.refers |= !says && small::refers(token.word);
        self.read.greets |= small::greets(token.word);
        if says {
            self.fifths = self.fifths.saturating_add(if is_character { 2 } else { 5 });
        }
        if !is_character {
            let at = self.held.len();
            self.compiled.known.beginnings(token.word, |worth| self.begins.push((at, worth)));
        }
        let start = self.span.map_or(token.start, |span| span.start);
        self.span = Some(Span::new(start, token.end));
        self.held.push(Held { key: key(token), is_character, says, ends: false });
    }

    fn sentence_ends(&mut self) {
        if let Some(last) = self.held.last_mut() {
            last.ends = true;
        }
        if self.fifths >= 5 * WINDOW {
            self.window_ends();
        }
    }

    /// Judges the window, and begins another.
    fn window_ends(&mut self) {
        let Some(span) = self.span.take() else { return };
        self.gather();
        let denied = u8::try_from(self.compiled.denied.len()).unwrap_or(u8::MAX);
        // What speaks for several topics that are allowed counts once.
        let own =
            |(topic, by, worth): (u8, u64, u32)| (if topic < denied { topic } else { u8::MAX }, by, worth);
        self.evidence.iter_mut().for_each(|one| *one = own(*one));
        self.evidence.sort_unstable_by_key(|(topic, by, worth)| (*topic, *by, std::cmp::Reverse(*worth)));
        self.evidence.dedup_by_key(|(topic, by, _)| (*topic, *by));
        let sum = |wanted: u8| {
            let of = self.evidence.iter().filter(|(topic, ..)| *topic == wanted);
            of.map(|(_, _, worth)| *worth).fold(0, u32::saturating_add)
        };
        let allowed = sum(u8::MAX);
        let mut topics: Vec<u8> =
            self.evidence.iter().map(|(topic, ..)| *topic).filter(|topic| *topic < denied).collect();
        topics.dedup();
        for topic in topics {
            let excess = sum(topic).saturating_sub(allowed / 2);
            let Some(seen) = self.read.denied.get_mut(usize::from(topic)).filter(|_| excess >= MENTIONED)
            else {
                continue;
            };
            seen.windows = seen.windows.saturating_add(1);
            if seen.best.is_none_or(|best| best.excess < excess) {
                seen.best = Some(Best { excess, words: self.fifths.div_ceil(5), span });
            }
        }
        self.read.allowed = self.read.allowed.saturating_add(allowed);
        self.read.fifths = self.read.fifths.saturating_add(self.fifths);
        self.read.windows = self.read.windows.saturating_add(1);
        self.held.clear();
        self.begins.clear();
        self.evidence.clear();
        self.fifths = 0;
    }

    /// What of the window speaks for which topic. A token speaks for a topic once: in the longest term, then by how it begins, then by
    /// what was learned of it. Where terms lie over each other, the longest one says what all of its tokens are about.
    fn gather(&mut self) {
        let known = &self.compiled.known;
        let mut found = Vec::new();
        let mut covers = vec![0_usize; self.held.len()];
        for (at, token) in self.held.iter().enumerate() {
            let mut all = 0;
            for (length, held) in (1..=known.longest(token.key)).zip(self.held.iter().skip(at)) {
                all = then(all, held.key);
                let of = known.term_of(all);
                found.extend(of.iter().map(|worth| (at, length, all, *worth)));
                if !of.is_empty() {
                    covers.iter_mut().skip(at).take(length).for_each(|cover| *cover = length.max(*cover));
                }
                if held.ends {
                    break;
                }
            }
        }
        let mut spoken = vec![0_u64; self.held.len()];
        for (at, length, by, worth) in found.into_iter().rev() {
            if covers.iter().skip(at).take(length).all(|cover| *cover <= length) {
                say(&mut spoken, (at, length), worth, by, &mut self.evidence);
            }
        }
        let is_free = |at: usize| covers.get(at).is_some_and(|cover| *cover == 0);
        for (at, worth) in self.begins.iter().filter(|(at, _)| is_free(*at)) {
            let by = self.held.get(*at).map_or(0, |token| token.key);
            say(&mut spoken, (*at, 1), *worth, by, &mut self.evidence);
        }
        for (at, token) in self.held.iter().enumerate().filter(|(at, token)| token.says && is_free(*at)) {
            let learned = if token.is_character {
                let next = self.held.get(at.saturating_add(1)).filter(|next| next.is_character && next.says);
                next.filter(|_| !token.ends).map(|next| pair(token.key, next.key))
            } else {
                Some(token.key)
            };
            let Some(by) = learned else { continue };
            for worth in known.learned(by) {
                // Two pairs of characters are hardly more than a word.
                let hundredths = if token.is_character { worth.hundredths * 2 / 3 } else { worth.hundredths };
                say(&mut spoken, (at, 1), Worth { hundredths, ..*worth }, by, &mut self.evidence);
            }
        }
    }
}

/// Has tokens speak for a topic, unless the first of them has.
fn say(
    spoken: &mut [u64],
    (at, length): (usize, usize),
    worth: Worth,
    by: u64,
    evidence: &mut Vec<(u8, u64, u32)>,
) {
    let bit = 1_u64.checked_shl(worth.topic.into()).unwrap_or(0);
    if spoken.get(at).is_none_or(|topics| topics & bit != 0) {
        return;
    }
    evidence.push((worth.topic, by, worth.hundredths));
    spoken.iter_mut().skip(at).take(length).for_each(|topics| *topics |= bit);
}
