//! Values and orders that are cut over texts which a model reads as one: two parts of a message, two messages of one role behind each
//! other.
//!
//! Such texts are joined once more, without and with a space between them, and read for what goes over a border. What lies in one of
//! them was found there already. Nothing but values whose form or check digits bear it counts, and orders: two parts that end and begin with
//! digits are no identifier. Of a long text only the ends are joined, so that all of this costs no more than two readings of the texts.

use cordon_core::{Category, Channel, Finding, Score, Span};

use super::walk::{Kind, Path, Spot};
use crate::{
    inspection::{Inspection, Place, Seat, Verdict},
    redact::Cut,
};

/// Bytes at either end of a text that are joined: the longest of one value that detectors report at once.
const SIDE: usize = 4096;
/// Texts that are joined at once. Those of more are read in several goes, which share some.
const MOST: usize = 256;
const SHARED: usize = 32;
/// What stands between two texts, for who reads them as one: nothing anywhere, a space everywhere, or what makes words and groups whole.
const READINGS: [Between; 3] = [|_, _| "", |_, _| " ", whole];
type Between = fn(&str, &str) -> &'static str;
/// Digits of a card that stand together.
const GROUP: usize = 4;
/// Words of orders, which are put together where they were cut.
const WORDS: &str = "above according administrator all any assistant before bypass commands context conversation developer \
    directions directives disregard earlier everything following forget guardrails guidelines hidden ignore \
    initial instruction instructions messages original output override password preceding previous previously \
    print prior prompt prompts repeat restrictions reveal rules safety secret system unrestricted";

/// From this score on a finding is more likely true than not.
const LIKELY: Score = Score::percent(50);
/// Shorter rests of a credential give nothing away.
const MIN_REST: usize = 6;

/// The category of orders.
const ORDER: Category = Category::known("prompt_injection");
/// What ends a sentence: who cuts an order has none in its middle.
const SENTENCE_ENDS: [char; 8] = ['.', '!', '?', '…', '。', '！', '？', '؟'];

/// The texts that may be one with what comes next.
#[derive(Debug, Default)]
pub(super) struct Borders {
    /// One for each channel: what others say in between does not part what one says.
    chains: Vec<Vec<Piece>>,
}

/// A text, or a stretch of it.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) channel: Channel,
    /// The number of the text in the walk.
    pub(super) place: usize,
    pub(super) path: Path,
    /// The message or item that it is of.
    pub(super) message: (&'static str, usize),
    /// Where it begins in the text.
    pub(super) offset: usize,
    pub(super) text: String,
    /// What is known of the text.
    known: Vec<Finding>,
}

/// What the texts are that are read as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// Neighbours.
    Borders,
    /// Turns of one speaker, between which others spoke: what two of them share counts, and no order over the end of a sentence.
    Turns,
    /// Pieces that were handed out in such turns.
    Handed,
}

impl Piece {
    /// A stretch of a text of this message.
    pub(super) fn of(text: &Inspected<'_>, message: (&'static str, usize), from: usize, to: usize) -> Self {
        Self {
            channel: text.spot.channel,
            place: text.place,
            path: text.spot.path.clone(),
            message,
            offset: from,
            text: text.text.get(from..to).unwrap_or_default().to_owned(),
            known: text.found.to_vec(),
        }
    }

    /// A stretch of it.
    pub(super) fn part(&self, from: usize, to: usize) -> Self {
        Self {
            channel: self.channel,
            place: self.place,
            path: self.path.clone(),
            message: self.message,
            offset: self.offset + from,
            text: self.text.get(from..to).unwrap_or_default().to_owned(),
            known: self.known.clone(),
        }
    }
}

/// A text that was just inspected.
pub(super) struct Inspected<'a> {
    pub(super) place: usize,
    pub(super) spot: &'a Spot<'a>,
    pub(super) text: &'a str,
    pub(super) found: &'a [Finding],
}

/// What is to be cut out of the text of a place.
pub(super) type Late = (usize, Vec<Cut>);

impl Borders {
    /// Takes the next text of the walk.
    pub(super) fn take(
        &mut self,
        next: &Inspected<'_>,
        inspection: &Inspection,
        verdict: &mut Verdict,
        late: &mut Vec<Late>,
    ) {
        let Some(message) = next.spot.path.message(next.spot.kind == Kind::Said) else { return };
        if !matches!(next.spot.kind, Kind::Said | Kind::Text) {
            return;
        }
        let channel = next.spot.channel;
        let at =
            self.chains.iter().position(|chain| chain.first().is_some_and(|piece| piece.channel == channel));
        let mut chain = at.map(|at| self.chains.swap_remove(at)).unwrap_or_default();
        let goes_on = |last: &Piece| {
            last.message.0 == message.0 && (message.1 == last.message.1 || message.1 == last.message.1 + 1)
        };
        if !chain.last().is_some_and(goes_on) {
            read(&mut chain, Over::Borders, inspection, verdict, late);
            chain.clear();
        }
        let piece = |from, to| Piece::of(next, message, from, to);
        let length = next.text.len();
        if length <= 2 * SIDE {
            chain.push(piece(0, length));
        } else {
            let (head, tail) =
                (next.text.floor_char_boundary(SIDE), next.text.ceil_char_boundary(length - SIDE));
            chain.push(piece(0, head));
            read(&mut chain, Over::Borders, inspection, verdict, late);
            chain.clear();
            chain.push(piece(tail, length));
        }
        if chain.len() >= MOST {
            read(&mut chain, Over::Borders, inspection, verdict, late);
            chain.drain(..MOST - SHARED);
        }
        self.chains.push(chain);
    }

    /// There are no more texts.
    pub(super) fn finish(self, inspection: &Inspection, verdict: &mut Verdict, late: &mut Vec<Late>) {
        for mut chain in self.chains {
            read(&mut chain, Over::Borders, inspection, verdict, late);
        }
    }
}

/// Reads texts as one, and rules on what goes over their borders, in each text that has a share of it.
pub(super) fn read(
    chain: &mut [Piece],
    over: Over,
    inspection: &Inspection,
    verdict: &mut Verdict,
    late: &mut Vec<Late>,
) {
    let Some(channel) = chain.first().map(|piece| piece.channel).filter(|_| chain.len() > 1) else { return };
    for (reading, between) in READINGS.into_iter().enumerate() {
        let mut joined = String::with_capacity(chain.iter().map(|piece| piece.text.len() + 1).sum());
        let mut starts = Vec::with_capacity(chain.len());
        // Borders with nothing and with a space; where there is a space already, another one changes nothing.
        let (mut bare, mut spaced) = (0_usize, 0_usize);
        for piece in chain.iter() {
            if !joined.is_empty() {
                let sign = between(&joined, &piece.text);
                if !is_apart(&joined, &piece.text) {
                    *(if sign.is_empty() { &mut bare } else { &mut spaced }) += 1;
                }
                joined.push_str(sign);
            }
            starts.push(joined.len());
            joined.push_str(&piece.text);
        }
        // What a reading before had.
        if reading > 0 && spaced == 0 || reading > 1 && bare == 0 {
            continue;
        }
        for finding in inspection.across(channel, &joined) {
            if counts(&finding, &joined) {
                share(&finding, over, (&mut *chain, &starts), inspection, verdict, late);
            }
        }
    }
}

/// Whether there is a space between two texts already.
fn is_apart(first: &str, second: &str) -> bool {
    first.ends_with(char::is_whitespace) || second.starts_with(char::is_whitespace)
}

/// What stands between two texts so that groups of digits, codes and words of orders become whole: nothing inside of one, else a space.
fn whole(first: &str, second: &str) -> &'static str {
    // No word is longer than this, and a text of letters costs no more.
    const LONGEST: usize = 64;
    let is_sign = |letter: &char| letter.is_alphanumeric();
    let last: Vec<char> = first.chars().rev().take(LONGEST).take_while(is_sign).collect();
    let next = || second.chars().take(LONGEST).take_while(is_sign);
    let (Some(end), Some(begin)) = (last.first(), next().next()) else { return " " };
    let inside = if end.is_ascii_digit() && begin.is_ascii_digit() && last.iter().all(char::is_ascii_digit) {
        last.len() != GROUP
    } else if last
        .iter()
        .copied()
        .chain(next())
        .all(|letter| letter.is_ascii_digit() || letter.is_ascii_uppercase())
    {
        true
    } else {
        let glued: String = last.iter().rev().copied().chain(next()).flat_map(char::to_lowercase).collect();
        WORDS.split(' ').any(|word| word.starts_with(&glued))
    };
    if inside { "" } else { " " }
}

/// Rules on the share of each text in a finding, where several have one and none of them says as much by itself.
fn share(
    finding: &Finding,
    over: Over,
    (chain, starts): (&mut [Piece], &[usize]),
    inspection: &Inspection,
    verdict: &mut Verdict,
    late: &mut Vec<Late>,
) {
    let first = starts.partition_point(|start| *start <= finding.span.start).saturating_sub(1);
    let mut shares: Vec<(usize, Span)> = Vec::new();
    for (at, (piece, start)) in chain.iter().zip(starts).enumerate().skip(first) {
        if *start >= finding.span.end {
            break;
        }
        let (from, to) =
            (finding.span.start.saturating_sub(*start), (finding.span.end - start).min(piece.text.len()));
        if from < to {
            shares.push((at, Span::new(piece.offset + from, piece.offset + to)));
        }
    }
    let messages = shares.iter().filter_map(|(at, _)| chain.get(*at).map(|piece| piece.message.1));
    let turns = messages.clone().max() > messages.min();
    let is_order = finding.category.root() == ORDER;
    let ends = |at: usize| chain.get(at).is_some_and(|piece| piece.text.trim_end().ends_with(SENTENCE_ENDS));
    let over_sentences = || shares.iter().rev().skip(1).any(|(at, _)| ends(*at));
    if shares.len() < 2
        || over != Over::Borders && !turns
        || over == Over::Turns && is_order && over_sentences()
    {
        return;
    }
    let is_known = |at: usize, span: Span| {
        chain.get(at).is_some_and(|piece| piece.known.iter().any(|known| says_as_much(known, finding, span)))
    };
    if shares.iter().any(|(at, span)| is_known(*at, *span)) {
        // A credential that could end where its text does may go on in the next one.
        let secret = Category::known("secret").covers(&finding.category);
        shares.retain(|(at, span)| {
            let piece = chain.get(*at);
            let rest =
                piece.and_then(|piece| piece.text.get(span.start - piece.offset..span.end - piece.offset));
            secret && !is_known(*at, *span) && rest.is_some_and(is_rest)
        });
    }
    for (at, span) in shares {
        let Some(piece) = chain.get_mut(at) else { continue };
        let own = Finding { span, ..finding.clone() };
        let mut cuts = Vec::new();
        let seat = Seat { channel: piece.channel, place: Place::Open, part: &piece.path };
        // What stops the content is in the verdict, and the walk goes on.
        let _ = inspection.rule(&seat, std::slice::from_ref(&own), |span| span, verdict, &mut cuts);
        if !cuts.is_empty() {
            late.push((piece.place, cuts));
        }
        piece.known.push(own);
    }
}

/// Whether what is known of a text says already what is found in this share of it.
fn says_as_much(known: &Finding, finding: &Finding, share: Span) -> bool {
    let is_order = |category: &Category| ORDER.covers(category);
    known.span.overlaps(share)
        && if is_order(&finding.category) {
            is_order(&known.category) && known.score >= finding.score
        } else {
            known.category == finding.category && known.score >= LIKELY
        }
}

/// Whether a share looks like the rest of a credential and not like a word.
fn is_rest(share: &str) -> bool {
    let has = |test: fn(&u8) -> bool| share.bytes().any(|byte| test(&byte));
    share.len() >= MIN_REST && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
}

/// Whether a finding counts that goes over a border: it has a form or check digits that nothing has by chance, or is an order. Chance is
/// likelier at a border than elsewhere, since what stands on its sides was not written to stand together.
fn counts(finding: &Finding, joined: &str) -> bool {
    let least = match finding.detector {
        "injection.phrase" | "injection.template" => 50,
        "pii.email" | "pii.crypto" | "pii.iban" => 80,
        // Its mark says what it is, even where its own check fails.
        "secret.token" => 83,
        "secret.private_key" | "secret.jwt" | "secret.connection_string" => 85,
        // A word names it, or it has the groups of a card and no digits beside them.
        "pii.card" if finding.score < Score::percent(99) && !stands_alone(finding.span, joined) => 100,
        "pii.card" => 90,
        _ => return false,
    };
    finding.score >= Score::percent(least)
}

/// Whether no digits stand beside a number.
fn stands_alone(span: Span, joined: &str) -> bool {
    let (before, behind) = (joined.get(..span.start), joined.get(span.end..));
    let nearest = |mut text: std::str::Chars<'_>| text.find(|letter| !matches!(letter, ' ' | '-' | '.'));
    let last = before.and_then(|text| text.trim_end_matches([' ', '-', '.']).chars().next_back());
    let next = behind.and_then(|text| nearest(text.chars()));
    !last.into_iter().chain(next).any(|letter| letter.is_ascii_digit())
}

#[cfg(test)]
mod tests;
