//! Sentences that claim nothing of what sources could say.

use super::quantity::quantities;
use super::token::Word;

/// Beginnings of sentences about the conversation, in small letters.
const ABOUT: [&str; 20] = [
    "let me know",
    "feel free",
    "i hope",
    "hope this",
    "happy to help",
    "please let",
    "is there anything",
    "if you have any",
    "if you need",
    "if you would like",
    "i am sorry",
    "i'm sorry",
    "sorry",
    "i could not",
    "i couldn't",
    "i cannot",
    "i can't",
    "ich hoffe",
    "leider kann",
    "n'hésitez pas",
];
/// The same that often go on to say something of the matter: they are about the conversation as long as they are short.
const OPENING: [&str; 12] = [
    "here is",
    "here are",
    "sure",
    "of course",
    "certainly",
    "based on the",
    "in summary",
    "gerne",
    "natürlich",
    "wenn sie",
    "falls sie",
    "si tiene",
];
/// Words about what is not there.
const ABSENT: [&str; 14] = [
    "not mention",
    "not say",
    "not state",
    "not specif",
    "not contain",
    "not provide",
    "no information",
    "not mentioned",
    "not stated",
    "nicht erwähnt",
    "keine angabe",
    "keine information",
    "pas mention",
    "no menciona",
];
/// Most words of such a sentence: a longer one says more.
const LONGEST: usize = 24;
const LONGEST_OPENING: usize = 6;

/// Whether a sentence is a question, about the conversation, or about what the sources do not say.
pub(super) fn is_about_the_conversation(sentence: &str, words: &[Word]) -> bool {
    let bare = sentence.trim_end_matches(['"', ')', '*', '_', ' ']);
    if bare.ends_with(['?', '？', '؟', ':']) {
        return true;
    }
    if words.len() > LONGEST {
        return false;
    }
    let small = words.iter().map(|word| word.small.as_str()).collect::<Vec<_>>().join(" ");
    let starts =
        |about: &str| small.strip_prefix(about).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    let is_about = ABOUT.iter().any(|about| starts(about))
        || words.len() <= LONGEST_OPENING && OPENING.iter().any(|opening| starts(opening))
        || ABSENT.iter().any(|absent| small.contains(absent));
    // One that says a number claims something.
    is_about && quantities(sentence).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whole::grounding::token::words;

    #[test]
    fn what_is_said_of_the_conversation_is_told_from_what_is_said_of_the_matter() {
        let is = |sentence: &str| is_about_the_conversation(sentence, &words(sentence));
        for sentence in [
            "Is the parcel insured?",
            "I hope that helps!",
            "Of course, here you go.",
            "Here are the terms of delivery:",
            "The documents do not mention any insurance.",
            "Leider kann ich Ihnen dazu nichts sagen.",
        ] {
            assert!(is(sentence), "{sentence}");
        }
        for sentence in [
            "Of course every parcel is insured against theft, fire and water.",
            "Based on the documents all of the parcels are insured against theft.",
            "The documents do not say so, but a parcel is insured up to 500 EUR.",
            "I'm sorry that it took 12 days.",
            "Sureties are held by the bank.",
        ] {
            assert!(!is(sentence), "{sentence}");
        }
    }
}
