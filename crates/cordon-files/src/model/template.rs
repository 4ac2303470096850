//! Templates of Jinja that come with a model: a loader fills them in for every chat. Those that models need read messages and join
//! texts; what reaches for the objects behind those, or for other templates, is there to run something.

use crate::{
    bytes::{find, tail},
    context::{Context, Done},
};

/// Words, in what a template computes, that no template needs.
const WORDS: &[&str] = &[
    "\\137",
    "\\u005f",
    "\\x5f",
    "attr(",
    "cycler",
    "eval(",
    "exec(",
    "getattr",
    "joiner",
    "lipsum",
    "mro",
    "os.system",
    "popen",
    "self._",
    "subclasses",
    "subprocess",
];
/// Statements that fetch another template.
const STATEMENTS: &[&str] = &["extends", "from", "import", "include"];

/// Whether a text has anything that Jinja would compute.
pub(crate) fn is_one(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// Whether a template reaches for more than it is given.
pub(crate) fn reaches(context: &mut Context<'_>, template: &str) -> Done<bool> {
    context.spend(template.len().saturating_mul(2))?;
    let bytes = template.as_bytes();
    let mut at = 0;
    while let Some(open) = find(bytes, at, b"{") {
        at = open + 1;
        let close: &[u8] = match bytes.get(at) {
            Some(b'{') => b"}}",
            Some(b'%') => b"%}",
            _ => continue,
        };
        // What is not closed is read to the end: a reader with other signs may close it elsewhere.
        let end = find(bytes, at, close).unwrap_or(bytes.len());
        let inside = bytes.get(at + 1..end).unwrap_or_default();
        let inside = String::from_utf8_lossy(inside).to_ascii_lowercase();
        if is_dunder(&inside) || WORDS.iter().any(|word| has_word(&inside, word)) {
            return Ok(true);
        }
        let statement = inside.trim_start_matches(['-', '+']).split_whitespace().next().unwrap_or_default();
        if close == b"%}" && STATEMENTS.contains(&statement) {
            return Ok(true);
        }
        at = end;
    }
    Ok(false)
}

/// Whether a name that Python keeps for itself stands there: two underscores, letters, two underscores. Also half of one that
/// is joined to the other half.
fn is_dunder(inside: &str) -> bool {
    let bytes = inside.as_bytes();
    let mut at = 0;
    while let Some(found) = find(bytes, at, b"__") {
        let is_name = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_lowercase);
        if is_name(bytes.get(found + 2))
            || found.checked_sub(1).is_some_and(|before| is_name(bytes.get(before)))
        {
            return true;
        }
        at = found + 2;
    }
    false
}

/// Whether a word stands there, and not as the end of another.
fn has_word(inside: &str, word: &str) -> bool {
    let bytes = inside.as_bytes();
    let mut at = 0;
    while let Some(found) = find(bytes, at, word.as_bytes()) {
        let before = found.checked_sub(1).and_then(|before| bytes.get(before));
        let after = tail(bytes, found + word.len()).first();
        let ends = word.ends_with(|c: char| !c.is_ascii_alphanumeric())
            || after.is_none_or(|byte| !byte.is_ascii_alphanumeric());
        if ends && before.is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_') {
            return true;
        }
        at = found + 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    #[test]
    fn templates_that_reach_out_are_told_from_those_that_models_have() {
        for (template, expected) in [
            ("{% for message in messages %}{{ '<|im_start|>' + message['role'] }}{% endfor %}", false),
            (
                "{%- if tools is defined and tools | length > 0 -%}{{ tools | tojson(indent=4) }}{%- endif %}",
                false,
            ),
            (
                "{{ bos_token }}{% set loop_messages = messages[1:] %}{{ raise_exception('no __class__?') }}",
                true,
            ),
            ("text with __class__ and import os outside {{ content | trim }}", false),
            ("{{ ''.__class__.__mro__[1].__subclasses__() }}", true),
            ("{{ x|attr('\\x5f\\x5fclass\\x5f\\x5f') }}", true),
            ("{{ x['__cla' ~ 'ss__'] }}", true),
            ("{%- import 'os' as os -%}", true),
            ("{% include '/etc/passwd' %}", true),
            ("{{ cycler.next }}", true),
            ("{{ lipsum['a'] }}", true),
            ("{{ content.__globals__", true),
            ("{{ message.important }}{{ fromage }}", false),
        ] {
            let limits = Limits::default();
            let mut context = Context::new(&limits, 0);
            assert_eq!(reaches(&mut context, template).ok(), Some(expected), "{template}");
        }
    }
}
