//! Tokens of chat templates: they mean a change of speaker to a model, and nothing to a person.

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, MatchKind};
use cordon_core::{Category, Channel, Score};

use crate::detector::TEMPLATE;
use crate::scanner::Context;

/// The tokens of published chat templates, in any letter case, and how sure each alone is, in hundredths.
const TOKENS: &[(&str, u32)] = &[
    ("<|im_start|>", 92),
    ("<|im_end|>", 88),
    ("<|im_sep|>", 85),
    ("<|system|>", 90),
    ("<|user|>", 85),
    ("<|assistant|>", 85),
    ("<|tool|>", 85),
    ("<|channel|>", 85),
    ("<|message|>", 80),
    ("<|endoftext|>", 85),
    ("<|endofprompt|>", 88),
    ("<|end|>", 70),
    ("<|eot_id|>", 90),
    ("<|eom_id|>", 90),
    ("<|start_header_id|>", 92),
    ("<|end_header_id|>", 90),
    ("<|begin_of_text|>", 90),
    ("<|end_of_text|>", 88),
    ("<|start_of_role|>", 90),
    ("<|end_of_role|>", 90),
    ("<start_of_turn>", 88),
    ("<end_of_turn>", 88),
    ("[inst]", 85),
    ("[/inst]", 85),
    ("[system_prompt]", 85),
    ("[available_tools]", 70),
    ("[tool_calls]", 60),
    ("<<sys>>", 90),
    ("<</sys>>", 90),
    ("<system>", 55),
    ("</system>", 60),
    ("</user_input>", 55),
    ("</document>", 40),
    ("### instruction:", 60),
    ("### system:", 65),
    ("### new instruction", 80),
    ("### human:", 60),
    ("### assistant:", 60),
    (HUMAN, 55),
    (ASSISTANT, 55),
    (USER, 0),
    ("\n\nsystem:", 45),
    ("<tool_call>", 45),
    ("<function_calls>", 60),
];

/// Bytes of the longest token.
const LONGEST: usize = 20;

/// The turns of a transcript. The second name of the human is that of too much else to be told.
const HUMAN: &str = "\n\nhuman:";
const USER: &str = "\n\nuser:";
const ASSISTANT: &str = "\n\nassistant:";
/// The hundredths of a turn in a transcript that a user shows: he speaks as a human anyway, and an answer behind one is read and not given.
const SHOWN: u32 = 45;
/// White space behind a turn after which nothing more of it comes.
pub(crate) const MAX_TURN: usize = 64;

/// The tokens as one automaton. None only if it could not be built, which a test excludes.
#[derive(Debug)]
pub(crate) struct Templates(Option<DFA>);

impl Templates {
    pub(crate) fn builtin() -> Self {
        let automaton = DFA::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .prefilter(false)
            .build(TOKENS.iter().map(|token| token.0));
        Self(automaton.ok())
    }

    /// The table as text, for the rules' digest.
    pub(crate) fn describe() -> String {
        TOKENS.iter().map(|token| format!("{token:?}\n")).collect()
    }
}

/// Where the automaton stands.
#[derive(Debug, Default)]
pub(crate) struct Template {
    begun: bool,
    /// The state, and the first byte since it was the starting state, at most [`LONGEST`] ago: no token that may still come
    /// begins earlier.
    open: Option<(StateID, usize)>,
    /// Whether a human has had a turn, so that a text may be a transcript.
    transcript: bool,
    /// A turn of the assistant in a transcript of a user: where it stands, and how sure it is if nothing follows it.
    turn: Option<(usize, usize, u32)>,
}

impl Template {
    /// Where what must be held back begins.
    pub(crate) fn live(&self) -> Option<usize> {
        let turn = self.turn.map(|(from, ..)| from);
        [turn, self.open.map(|(_, since)| since)].into_iter().flatten().min()
    }

    /// Whether letters change nothing here.
    pub(crate) fn is_quiet(&self) -> bool {
        self.begun && self.open.is_none() && self.turn.is_none()
    }

    /// Takes the folded byte at `i`.
    #[inline]
    pub(crate) fn byte(&mut self, i: usize, byte: u8, context: &mut Context<'_>) {
        if self.open.is_some() || !self.begun || matches!(byte, b'<' | b'[' | b'#' | b'\n') {
            self.follow(i, byte, context);
        }
        if let Some((_, to, _)) = self.turn.filter(|(_, to, _)| i >= *to) {
            let white = matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
            if !white || i - to >= MAX_TURN {
                self.end_turn(white, context);
            }
        }
    }

    /// The text ends.
    pub(crate) fn close(&mut self, context: &mut Context<'_>) {
        self.end_turn(true, context);
    }

    /// Something follows the last turn, or it is for the model to take.
    fn end_turn(&mut self, open: bool, context: &mut Context<'_>) {
        if let Some((from, to, percent)) = self.turn.take() {
            report(from, to, if open { percent } else { percent.min(SHOWN) }, context);
        }
    }

    fn follow(&mut self, i: usize, byte: u8, context: &mut Context<'_>) {
        let Some(automaton) = &context.tables.templates.0 else { return };
        let Ok(start) = automaton.start_state(Anchored::No) else { return };
        let (mut state, since) = self.open.unwrap_or((start, i));
        if !std::mem::replace(&mut self.begun, true) {
            // A text begins as a line behind an empty one does.
            state = [b'\n'; 2]
                .into_iter()
                .fold(state, |state, byte| automaton.next_state(Anchored::No, state, byte));
        }
        let state = automaton.next_state(Anchored::No, state, byte);
        if automaton.is_match(state) {
            let pattern = automaton.match_pattern(state, 0);
            if let Some((token, percent)) = TOKENS.get(pattern.as_usize()) {
                self.open = None;
                self.found(token, *percent, i + 1, context);
                return;
            }
        }
        self.open = (state != start).then_some((state, since.max((i + 1).saturating_sub(LONGEST))));
    }

    fn found(&mut self, token: &str, percent: u32, end: usize, context: &mut Context<'_>) {
        let was_transcript = self.transcript;
        self.transcript |= matches!(token, HUMAN | USER);
        // The first turn of a text changes no speaker, and has no empty line before it.
        let Some(from) = end.checked_sub(token.len()) else { return };
        // Behind a quotation mark it is talked about.
        let quoted = from
            .checked_sub(1)
            .and_then(|at| context.text.byte(at))
            .is_some_and(|b| b == b'`' || b == b'"' || b == b'\'');
        let percent = if quoted { percent * 70 / 100 } else { percent };
        match token {
            USER => {}
            HUMAN if context.channel == Channel::User => report(from, end, percent.min(SHOWN), context),
            ASSISTANT if context.channel == Channel::User && was_transcript => {
                self.turn = Some((from, end, percent));
            }
            _ => report(from, end, percent, context),
        }
    }
}

fn report(from: usize, to: usize, percent: u32, context: &mut Context<'_>) {
    let category = Category::known("prompt_injection/template");
    context.report(&TEMPLATE, category, Score::percent(percent), (from, to), false);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_automaton_builds_and_leaves_its_start_only_on_the_bytes_named_above() {
        let automaton = Templates::builtin().0.unwrap();
        let start = automaton.start_state(Anchored::No).unwrap();
        for byte in 0..=255 {
            let leaves = automaton.next_state(Anchored::No, start, byte) != start;
            assert_eq!(leaves, matches!(byte, b'<' | b'[' | b'#' | b'\n'), "{byte}");
        }
        for (token, _) in TOKENS {
            assert_eq!(token.to_ascii_lowercase(), *token);
            assert!(token.len() <= LONGEST, "{token}");
        }
    }
}
