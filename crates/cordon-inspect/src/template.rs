//! Tokens of chat templates: they mean a change of speaker to a model, and nothing to a person.

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, MatchKind};
use cordon_core::{Category, Score};

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
    ("\n\nhuman:", 55),
    ("\n\nassistant:", 55),
    ("\n\nsystem:", 45),
    ("<tool_call>", 45),
    ("<function_calls>", 60),
];

/// Bytes of the longest token.
const LONGEST: usize = 20;

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
    /// The state, and the first byte since it was the starting state, at most [`LONGEST`] ago: no token that may still come
    /// begins earlier.
    open: Option<(StateID, usize)>,
}

impl Template {
    /// Where what must be held back begins.
    pub(crate) fn live(&self) -> Option<usize> {
        self.open.map(|(_, since)| since)
    }

    /// Takes the folded byte at `i`.
    #[inline]
    pub(crate) fn byte(&mut self, i: usize, byte: u8, context: &mut Context<'_>) {
        if self.open.is_some() || matches!(byte, b'<' | b'[' | b'#' | b'\n') {
            self.follow(i, byte, context);
        }
    }

    fn follow(&mut self, i: usize, byte: u8, context: &mut Context<'_>) {
        let Some(automaton) = &context.tables.templates.0 else { return };
        let Ok(start) = automaton.start_state(Anchored::No) else { return };
        let (state, since) = self.open.unwrap_or((start, i));
        let state = automaton.next_state(Anchored::No, state, byte);
        if automaton.is_match(state) {
            let pattern = automaton.match_pattern(state, 0);
            if let Some((token, percent)) = TOKENS.get(pattern.as_usize()) {
                let from = i + 1 - token.len();
                // Behind a quotation mark it is talked about.
                let quoted = from
                    .checked_sub(1)
                    .and_then(|at| context.text.byte(at))
                    .is_some_and(|b| b == b'`' || b == b'"' || b == b'\'');
                let percent = if quoted { percent * 70 / 100 } else { *percent };
                let category = Category::known("prompt_injection/template");
                context.report(&TEMPLATE, category, Score::percent(percent), (from, i + 1), false);
                self.open = None;
                return;
            }
        }
        self.open = (state != start).then_some((state, since.max((i + 1).saturating_sub(LONGEST))));
    }
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
