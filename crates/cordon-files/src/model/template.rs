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
    "\\u0000005f",
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
/// Names that lead from any object to what runs code; also in the templates of programs, which have names of their own.
const WAYS: &[&str] = &[
    "__base__",
    "__bases__",
    "__builtins__",
    "__class__",
    "__getattribute__",
    "__globals__",
    "__import__",
    "__mro__",
    "__subclasses__",
];
/// Statements that fetch another template.
const STATEMENTS: &[&str] = &["extends", "from", "import", "include"];

/// Whose template it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    /// A model's: it is filled in by whoever loads that.
    Model,
    /// A program's, which includes others of its own.
    Program,
}

/// Whether a text has anything that Jinja would compute.
pub(crate) fn is_one(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// Whose template a file of text is, by its name.
pub(crate) fn named(name: &str) -> Option<Of> {
    let name = name.to_ascii_lowercase();
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let ends = [".jinja", ".jinja2", ".j2"].iter().any(|ending| last.ends_with(ending));
    if last.starts_with("chat_template") || ends && name.contains("chat_templates") {
        return Some(Of::Model);
    }
    ends.then_some(Of::Program)
}

/// Whether a template of a model reaches for more than it is given.
pub(crate) fn reaches(context: &mut Context<'_>, template: &str) -> Done<bool> {
    reaches_of(context, template, Of::Model)
}

/// The same of anybody's template.
pub(crate) fn reaches_of(context: &mut Context<'_>, template: &str, of: Of) -> Done<bool> {
    context.spend(template.len().saturating_mul(4))?;
    let bytes = template.as_bytes();
    // Where no comment and nothing raw ends any more is looked for once.
    let (mut at, mut comments, mut raws) = (0, true, true);
    while let Some(open) = find(bytes, at, b"{") {
        at = open + 1;
        let close: &[u8] = match bytes.get(at) {
            Some(b'{') => b"}}",
            Some(b'%') => b"%}",
            Some(b'#') => {
                // What is not closed is no comment: another reader may know none.
                let end = if comments { find(bytes, at, b"#}") } else { None };
                comments &= end.is_some();
                at = end.map_or(at, |end| end + 2);
                continue;
            }
            _ => continue,
        };
        let end = closing(bytes, at + 1, close);
        let inside = bytes.get(at + 1..end).unwrap_or_default();
        context.event()?;
        let statement = statement(inside);
        if close == b"%}" && statement == b"raw" {
            let past = if raws { past_raw(bytes, end) } else { None };
            raws &= past.is_some();
            at = past.unwrap_or(end);
            continue;
        }
        let is_model = of == Of::Model;
        if is_model && close == b"%}" && STATEMENTS.iter().any(|word| statement == word.as_bytes()) {
            return Ok(true);
        }
        let inside = String::from_utf8_lossy(inside);
        let joined = joined(&inside.to_ascii_lowercase());
        let reaches = |text: &str| match of {
            Of::Model => is_dunder(text) || WORDS.iter().any(|word| has_word(text, word)),
            Of::Program => WAYS.iter().any(|word| text.contains(word)),
        };
        // A letter of Unicode by its name: none needs that.
        if reaches(&joined) || reaches(&inside.to_ascii_lowercase()) || inside.contains("\\N{") {
            return Ok(true);
        }
        at = end;
    }
    Ok(false)
}

/// Where what opened before `at` is closed: not within a text in quotes. What is not closed is read to the end: a reader with
/// other signs may close it elsewhere.
fn closing(bytes: &[u8], mut at: usize, close: &[u8]) -> usize {
    let mut quote = None;
    while let Some(byte) = bytes.get(at) {
        match quote {
            Some(_) if *byte == b'\\' => at += 1,
            Some(open) if *byte == open => quote = None,
            Some(_) => {}
            None if matches!(byte, b'\'' | b'"') => quote = Some(*byte),
            None if tail(bytes, at).starts_with(close) => return at,
            None => {}
        }
        at += 1;
    }
    bytes.len()
}

/// The first word of a statement.
fn statement(inside: &[u8]) -> &[u8] {
    let inside = match inside {
        [b'-' | b'+', rest @ ..] => rest,
        other => other,
    };
    let inside = inside.trim_ascii_start();
    let end = inside.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
    end.and_then(|end| inside.get(..end)).unwrap_or(inside)
}

/// The end of what stands in a template as it is: behind the next `{% endraw`.
fn past_raw(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at = find(bytes, at, b"{%")? + 2;
        if statement(tail(bytes, at)) == b"endraw" {
            return Some(at);
        }
    }
}

/// The same with texts in one that are joined: `'a' ~ 'b'`, `'a' + "b"`, `'a' 'b'`.
fn joined(inside: &str) -> String {
    let mut out = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(at) = rest.find(['\'', '"']) {
        let (before, behind) = rest.split_at(at);
        out.push_str(before);
        let behind = behind.get(1..).unwrap_or_default();
        let next = behind.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '~' | '+'));
        match next.strip_prefix(['\'', '"']) {
            Some(after) => rest = after,
            None => {
                out.push('\'');
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out
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
            // Signs and quotes within texts, and names in pieces.
            ("{{ '}}' ~ ''.__class__.__mro__ }}", true),
            ("{{ \"%}}}\" ~ x.__class__ }}", true),
            ("{{ 'it\\'s }}' ~ x.__class__ }}", true),
            ("{% set a = '%}' ~ x.__class__ %}", true),
            ("{{ ''['_'~'_class_'~'_'] }}", true),
            ("{{ x['_' + '_class_' \"_\"] }}", true),
            ("{{ x['\\N{LOW LINE}\\N{LOW LINE}class'] }}", true),
            ("{{ '\\n{\"name\": ' ~ name ~ '}' }}", false),
            ("{# don't {{ ' #}{{ '}}' ~ ''.__class__ }}", true),
            ("{% raw %}{{ ' {% endraw %}{{ '}}' ~ ''.__class__ }}", true),
            ("{%- raw -%}{{ __class__ }}{%- endraw -%}{# __class__ #}{{ x }}", false),
            ("{# {{ x.__class__ }}", true),
            ("{% raw %}{{ x.__class__ }}", true),
        ] {
            let limits = Limits::default();
            let mut context = Context::new(&limits, 0);
            assert_eq!(reaches(&mut context, template).ok(), Some(expected), "{template}");
        }
    }
}
