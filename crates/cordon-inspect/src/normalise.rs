//! Texts as they leave: without the characters that nobody sees, and with one spelling for each letter.
//!
//! What goes is what the folded view leaves out anyway, so that a text that was inspected says nothing new afterwards. What stays are the few
//! invisible characters that writing needs, as many as the detector of hidden characters lets pass: a joiner between letters of scripts that
//! join, and inside of a family of emoji; a selector behind a symbol or an ideograph that has variants; tags that are a flag; marks of
//! direction in a text with letters from right to left; up to seven combining marks. Sources: the Unicode Standard, chapters 9, 12 and 23;
//! Unicode Technical Standard 51 (emoji sequences); Unicode Standard Annexes 9 and 15.

use std::borrow::Cow;

use cordon_core::resource::{HiddenCharacters, Normalise, UnicodeForm};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::fold::{self, Folded, classify, folded, is_control};

/// Combining marks behind one character: the detector of hidden characters says nothing of so many.
const MARKS: u32 = 7;
/// Marks and ends of direction behind one character.
const TURNS: u32 = 3;
/// Taking characters out may bring a mark to its letter, and composing may not bring anything new: two rounds are the rule.
const ROUNDS: usize = 8;
/// A flag with tags begins with it.
const BLACK_FLAG: char = '\u{1f3f4}';

/// A text as it may leave, with what was changed in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Normal<'t> {
    /// The text; borrowed where it is the one that came.
    pub text: Cow<'t, str>,
    /// How many hidden characters were taken out.
    pub hidden: u64,
    /// Whether letters and their marks were composed.
    pub composed: bool,
}

/// Changes a text as a route says. The same again changes nothing, and a text in which there is nothing to change is not copied.
#[must_use]
pub fn normal<'t>(text: &'t str, rules: &Normalise) -> Normal<'t> {
    let mut done = Normal { text: Cow::Borrowed(text), hidden: 0, composed: false };
    for _ in 0..ROUNDS {
        let mut changed = false;
        if rules.unicode == UnicodeForm::Nfc && !is_nfc(&done.text) {
            done.text = Cow::Owned(done.text.nfc().collect());
            (done.composed, changed) = (true, true);
        }
        if rules.hidden == HiddenCharacters::Strip
            && let Some((text, count)) = stripped(&done.text)
        {
            done.text = Cow::Owned(text);
            done.hidden = done.hidden.saturating_add(count);
            changed = true;
        }
        if !changed {
            break;
        }
    }
    done
}

/// Whether two texts are one to the detectors: their folded views are the same. Where taking a character out makes an escape whole, they
/// are not.
#[must_use]
pub fn reads_alike(one: &str, other: &str) -> bool {
    one == other || folded(one) == folded(other)
}

/// The text without hidden characters and how many there were; nothing where there is none.
fn stripped(text: &str) -> Option<(String, u64)> {
    if text.bytes().all(|byte| byte.is_ascii() && !is_control(byte)) {
        return None;
    }
    let mut kept = Kept::new(text);
    let (mut out, mut count, mut flag_until) = (String::with_capacity(text.len()), 0_u64, 0);
    for (at, c) in text.char_indices() {
        let behind = text.get(at + c.len_utf8()..).unwrap_or_default();
        if at < flag_until {
            out.push(c);
            continue;
        }
        if c == BLACK_FLAG {
            flag_until = at + c.len_utf8() + flag(behind);
        }
        if kept.keeps(c, behind.chars().next()) {
            out.push(c);
        } else {
            count = count.saturating_add(1);
        }
    }
    (count > 0).then_some((out, count))
}

/// What was kept last. A decision depends on this and on the visible character behind alone, so that the same text again is kept whole.
#[derive(Debug)]
struct Kept {
    /// The text has letters that are written from right to left.
    right_to_left: bool,
    /// The last character that is seen by itself.
    visible: Option<char>,
    /// Whether nothing was kept behind it.
    is_last: bool,
    marks: u32,
    turns: u32,
    joined: bool,
}

impl Kept {
    fn new(text: &str) -> Self {
        let right_to_left = text.chars().any(is_right_to_left);
        Self { right_to_left, visible: None, is_last: false, marks: 0, turns: 0, joined: false }
    }

    fn keeps(&mut self, c: char, next: Option<char>) -> bool {
        let keeps = match classify(c) {
            Folded::Same | Folded::Ascii(_) | Folded::Decompose => {
                *self = Self {
                    right_to_left: self.right_to_left,
                    visible: Some(c),
                    is_last: true,
                    marks: 0,
                    turns: 0,
                    joined: false,
                };
                return true;
            }
            Folded::Control | Folded::Tag(_) => false,
            Folded::Mark => {
                self.marks = self.marks.saturating_add(1);
                self.marks <= MARKS
            }
            Folded::Variation(selector) => {
                self.is_last && self.visible.is_some_and(|base| varies(base, selector, next))
            }
            Folded::Bidi(c) => self.may_turn(c),
            Folded::Invisible => {
                let needed = !self.joined && is_needed(c, self.visible, next.filter(|c| is_seen(*c)));
                self.joined |= needed;
                needed
            }
        };
        self.is_last &= !keeps;
        keeps
    }

    fn may_turn(&mut self, c: char) -> bool {
        let may = match c {
            // Overrides show other words than are read.
            '\u{202d}' | '\u{202e}' => false,
            // Begun behind a letter or digit of ASCII, they reorder a word.
            '\u{202a}' | '\u{202b}' | '\u{2066}'..='\u{2068}' => {
                !self.visible.is_some_and(|c| fold::ascii(c).is_ascii_alphanumeric())
            }
            _ => true,
        };
        let may = may && self.right_to_left && self.turns < TURNS;
        self.turns = self.turns.saturating_add(u32::from(may));
        may
    }
}

fn is_seen(c: char) -> bool {
    !fold::is_unseen(c)
}

/// Whether a character that shows nothing is needed between two that do.
fn is_needed(c: char, before: Option<char>, behind: Option<char>) -> bool {
    let either = |of: fn(char) -> bool| before.is_some_and(of) || behind.is_some_and(of);
    let both = |of: fn(char) -> bool| before.is_some_and(of) && behind.is_some_and(of);
    match c {
        '\u{200d}' => either(joins) || both(is_emoji),
        '\u{200c}' => either(joins),
        // Where a line may break, in scripts that write no spaces.
        '\u{200b}' => both(has_no_spaces),
        // What stands for a letter that a syllable lacks.
        '\u{115f}' | '\u{1160}' => either(is_jamo),
        _ => false,
    }
}

/// Whether a script joins its letters, so that joiners say how.
const fn joins(c: char) -> bool {
    matches!(
        c,
        '\u{600}'..='\u{fff}'
            | '\u{1000}'..='\u{109f}'
            | '\u{1780}'..='\u{18af}'
            | '\u{1900}'..='\u{1cff}'
            | '\u{a800}'..='\u{abff}'
            | '\u{fb50}'..='\u{fdff}'
            | '\u{fe70}'..='\u{fefe}'
            | '\u{10a00}'..='\u{10aff}'
            | '\u{10d00}'..='\u{10d3f}'
            | '\u{11000}'..='\u{11fff}'
            | '\u{1e900}'..='\u{1e95f}'
    )
}

const fn has_no_spaces(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{fff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{1950}'..='\u{19ff}' | '\u{1a20}'..='\u{1aaf}')
}

const fn is_jamo(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11ff}' | '\u{a960}'..='\u{a97f}' | '\u{d7b0}'..='\u{d7ff}')
}

/// Whether a symbol may be shown as an emoji.
const fn is_emoji(c: char) -> bool {
    matches!(
        c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2190}'..='\u{21ff}'
            | '\u{2300}'..='\u{23ff}'
            | '\u{24c2}'
            | '\u{25a0}'..='\u{27bf}'
            | '\u{2900}'..='\u{297f}'
            | '\u{2b00}'..='\u{2bff}'
            | '\u{3030}'
            | '\u{303d}'
            | '\u{3297}'
            | '\u{3299}'
            | '\u{1f000}'..='\u{1faff}'
    )
}

const fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// Whether a character has variants that this selector, counted from 0, may choose from.
fn varies(base: char, selector: u8, next: Option<char>) -> bool {
    match selector {
        14 | 15 => {
            is_emoji(base)
                || matches!(base, '0'..='9' | '#' | '*') && next == Some('\u{20e3}')
                || is_ideograph(base)
        }
        0..=13 => {
            is_ideograph(base)
                || matches!(
                    base,
                    '\u{1000}'..='\u{109f}'
                        | '\u{2200}'..='\u{22ff}'
                        | '\u{2a00}'..='\u{2aff}'
                        | '\u{3000}'..='\u{30ff}'
                        | '\u{a840}'..='\u{a87f}'
                        | '\u{ff00}'..='\u{ffee}'
                        | '\u{10ac0}'..='\u{10aff}'
                )
        }
        _ => is_ideograph(base),
    }
}

const fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{5d0}'..='\u{5f4}' | '\u{620}'..='\u{64a}' | '\u{66e}'..='\u{6d5}' | '\u{6fa}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}' | '\u{10800}'..='\u{10cff}' | '\u{1e800}'..='\u{1efff}')
}

/// How many bytes behind a black flag are the tags of a country's part: two letters, up to four letters and digits, and the end.
fn flag(behind: &str) -> usize {
    let mut length = 0;
    for (at, c) in behind.chars().take(8).enumerate() {
        length += c.len_utf8();
        match (at, c) {
            (0 | 1, '\u{e0061}'..='\u{e007a}') => {}
            (2..=5, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}') => {}
            (3..=6, '\u{e007f}') => return length,
            _ => return 0,
        }
    }
    0
}

#[cfg(test)]
mod tests;
