//! What an organisation names itself: types of its own, values that may pass, and topics.

use std::sync::Arc;

use cordon_core::{
    Category, Finding, Listed,
    resource::{Allow, AllowList, AllowedValue, CustomType, Matching, Topic, Topics as Named},
};
use cordon_inspect::{Asked, Custom, Topics};
use serde_json::json;

use crate::text::{ENGINE, holds, law, split};

/// Types and a text, parted by a zero byte. Types are the JSON of a guard, or a line each: `/PATTERN`, `=TERM|TERM` anywhere and
/// `TERM|TERM` as words. Whatever they say, they are compiled or said to be broken; findings are the same at any cut; and no term is
/// left of a plain text from which the findings are taken.
pub(crate) fn custom(bytes: &[u8]) {
    let Some((channel, cut, text)) = split(bytes) else { return };
    let (said, text) = text.split_once('\0').unwrap_or((&text, ""));
    let types: Vec<CustomType> = match serde_json::from_str(said) {
        Ok(types) => types,
        Err(_) => said.lines().take(8).enumerate().filter_map(|(at, line)| line_of(at, line)).collect(),
    };
    if types.len() > 8 {
        return;
    }
    // An example would have the whole engine compiled, which a search has no time for: it is looked at below.
    let plain: Vec<CustomType> =
        types.iter().map(|one| CustomType { example: None, ..one.clone() }).collect();
    Custom::problems(&plain);
    let custom = Custom::new(&types);
    assert!(custom.broken().len() <= types.len());
    assert!(custom.blind(&ENGINE).iter().all(|at| *at < types.len()));
    let own = [custom.clone()];
    let holds = [holds(), types.iter().map(|one| one.category.clone()).collect()].concat();
    let found = law(text, cut, || ENGINE.scanner(channel, &holds).with_custom(&own));
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' ');
    if !is_plain(text) {
        return;
    }
    let left = without(text, &found);
    for one in
        types.iter().filter(|one| one.channels.contains(&channel) && !custom.broken().contains(&one.category))
    {
        let Some(dictionary) = one.dictionary.as_ref().filter(|words| words.matching == Matching::Anywhere)
        else {
            continue;
        };
        for term in dictionary.terms.iter().filter(|term| (2..=128).contains(&term.len()) && is_plain(term)) {
            let is_single = !term.starts_with(' ') && !term.ends_with(' ') && !term.contains("  ");
            assert!(!is_single || !left.contains(term.as_str()), "`{term}` is left: {left}");
        }
    }
}

/// The type that a line says.
fn line_of(at: usize, line: &str) -> Option<CustomType> {
    let own = match line.strip_prefix('/') {
        Some(pattern) => json!({"pattern": pattern}),
        None => {
            let (matching, terms) =
                line.strip_prefix('=').map_or(("words", line), |terms| ("anywhere", terms));
            json!({"dictionary": {"terms": terms.split('|').collect::<Vec<_>>(), "matching": matching}})
        }
    };
    let mut value = json!({"category": format!("custom/type{at}")});
    value.as_object_mut()?.append(&mut own.as_object()?.clone());
    serde_json::from_value(value).ok()
}

/// Values that may pass and a text, parted by a zero byte. Values are the JSON of a guard, or a line each: `CATEGORY=VALUE`. A list takes no
/// finding away and brings none, only values are noted to be on it, and an empty one names nothing.
pub(crate) fn allowed(bytes: &[u8]) {
    let Some((channel, cut, text)) = split(bytes) else { return };
    let (said, text) = text.split_once('\0').unwrap_or(("", &text));
    let allow: Allow = serde_json::from_str(said).unwrap_or_else(|_| Allow {
        published: said.starts_with('+'),
        values: said.lines().take(16).filter_map(value_of).collect(),
    });
    let (list, none) = (Arc::new(AllowList::new(&allow)), Arc::new(AllowList::default()));
    for one in &allow.values {
        let (Some(value), true) = (&one.value, allow.values.len() <= 16) else { continue };
        if let Some(form) = AllowedValue::form(&one.category, value).filter(|form| !form.is_empty()) {
            assert!(
                value.len() > 1_024 || list.contains(&one.category, value),
                "{:?} {value:?}",
                one.category
            );
            assert_eq!(AllowedValue::form(&one.category, &form), Some(form.clone()), "a form has that form");
        }
    }
    let with = law(text, cut, || {
        ENGINE.scanner(channel, &holds()).with_lists([(0, Arc::clone(&list)), (1, Arc::clone(&none))].into())
    });
    let without = law(text, cut, || ENGINE.scanner(channel, &holds()));
    let plain = |found: &[Finding]| -> Vec<Finding> {
        found.iter().map(|finding| Finding { listed: Listed::NONE, ..finding.clone() }).collect()
    };
    assert_eq!(plain(&with), without, "a list takes nothing away and brings nothing");
    for finding in with.iter().filter(|finding| finding.listed != Listed::NONE) {
        assert!(!finding.listed.has(1), "nothing is on an empty list");
        let is_value =
            ["pii", "secret", "custom"].map(Category::known).iter().any(|one| one.covers(&finding.category));
        assert!(is_value, "{:?} is no value", finding.category);
    }
}

/// The value that a line says.
fn value_of(line: &str) -> Option<AllowedValue> {
    let (category, value) = line.trim_start_matches('+').split_once('=')?;
    Some(AllowedValue {
        category: Category::parse(category).ok()?,
        value: Some(value.to_owned()),
        sha256: None,
    })
}

/// The text with a sign that no plain text has in the place of every finding.
fn without(text: &str, found: &[Finding]) -> String {
    let mut out = String::new();
    for (at, c) in text.char_indices() {
        let is_found = found.iter().any(|finding| finding.span.range().contains(&at));
        out.push(if is_found { '#' } else { c });
    }
    out
}

/// Topics, what is asked and what was answered, parted by zero bytes. Topics are the JSON of a guard, or a line each: `+NAME:TERM|TERM` may
/// be spoken of, `-NAME:TERM|TERM` not. What is found lies in the text, and is the same again.
pub(crate) fn topics(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.splitn(3, '\0');
    let (said, asked, answered) =
        (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let named: Named = serde_json::from_str(said).unwrap_or_else(|_| lines_of(said));
    if named.allow.len() + named.deny.len() > 16 {
        return;
    }
    Topics::problems(&named);
    let topics = Topics::new(&named);
    let request = Asked { said: asked, before: &[answered], answered: &[asked] };
    let found = topics.request(request);
    lie_in(asked, &found);
    assert_eq!(found, topics.request(request), "the same request, the same findings");
    for inside in [false, true] {
        let found = topics.answer(answered, inside);
        lie_in(answered, &found);
        assert_eq!(found, topics.answer(answered, inside), "the same answer, the same findings");
    }
    topics.is_inside(asked);
}

fn lines_of(said: &str) -> Named {
    let mut named = Named { allow: Vec::new(), deny: Vec::new() };
    for line in said.lines().take(16) {
        let (list, rest) = match line.strip_prefix('+') {
            Some(rest) => (&mut named.allow, rest),
            None => (&mut named.deny, line.strip_prefix('-').unwrap_or(line)),
        };
        let (name, terms) = rest.split_once(':').unwrap_or(("topic", rest));
        list.push(Topic {
            name: name.to_owned(),
            terms: terms.split('|').map(str::to_owned).collect(),
            hints: Vec::new(),
            examples: Vec::new(),
        });
    }
    named
}

pub(crate) fn lie_in(text: &str, found: &[Finding]) {
    for finding in found {
        assert!(text.get(finding.span.range()).is_some(), "{:?} of {} bytes", finding.span, text.len());
    }
}
