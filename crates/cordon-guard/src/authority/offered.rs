//! What tools a request offers to its model. Their definitions come from the application or from servers of tools, and a model reads all
//! of them before it does anything: one of them can give orders about the others, take the name of another, or be changed after
//! somebody has looked at it.

use std::collections::BTreeMap;

use cordon_core::{
    Action, Category, Channel, Digest, Finding, Score, Span,
    json::{Object, Value},
    resource::RouteTools,
};
use cordon_policy::{CompiledTool, Snapshot};

use self::listed::{Form, says_more};
use super::{Protocol, marks::MARK, secrets};
use crate::{
    inspection::{Inspection, Verdict, whole},
    tree::walk::Path,
};

/// The category of a definition that is not the one that was declared.
const CHANGED: Category = Category::known("tool/changed");
/// The category of a tool that goes by a name that reads as another's.
const SHADOWED: Category = Category::known("tool/shadowed");
/// The category of a definition that tells a model to hand over what is nobody's to read.
const ORDER: Category = Category::known("prompt_injection/tool_definition");
/// What detectors of text find of orders.
const INJECTION: Category = Category::known("prompt_injection");

/// A tool that is offered.
struct Offered<'r> {
    name: &'r str,
    definition: &'r Object,
    /// What else of it another reader would take for its definition.
    others: Vec<Form<'r>>,
    path: Path,
    group: Option<&'r str>,
    is_group: bool,
    /// All that is written in it, names and values, in its order.
    said: Vec<String>,
    /// What stands in it for the model to read as sentences.
    description: &'r str,
}

/// Judges the tools that a request of a protocol offers, on a route that takes these.
pub(crate) fn judge(
    (request, protocol): (&Object, Protocol),
    snapshot: &Snapshot,
    tools: RouteTools,
    inspection: &Inspection,
    verdict: &mut Verdict,
) {
    let offered = of(request, protocol);
    if offered.is_empty() {
        return;
    }
    names(&offered, snapshot, tools, inspection, verdict);
    let mut add = |category: Category, own: Action, path: &Path| {
        inspection.by_rule(Channel::Document, &whole(category, "tool", 0), own, path, verdict);
    };
    for tool in &offered {
        let is_declared = |name: &str| snapshot.tools(name).next().is_some();
        if snapshot.tools(tool.name).any(|declared| is_changed(declared, tool.definition)) {
            add(CHANGED, Action::Block, &tool.path);
        }
        // Which of them its model is told is a question of who reads it.
        if tool.others.iter().any(|(_, other)| says_more(other, tool.definition)) {
            let rules = is_declared(tool.name) || tool.others.iter().any(|(name, _)| is_declared(name));
            add(SHADOWED, if rules { Action::Block } else { Action::Flag }, &tool.path);
        }
    }
    orders(&offered, inspection, verdict);
    composed(&offered, inspection, verdict);
}

/// The tools of a request that have a name.
fn of(request: &Object, protocol: Protocol) -> Vec<Offered<'_>> {
    let mut found = Vec::new();
    for tool in listed::all(request, protocol) {
        let mut forms = tool.forms().into_iter();
        let Some((name, definition)) = forms.next() else { continue };
        let mut said = Vec::new();
        // Tools of a namespace are looked at by themselves.
        let members = tool.whole.as_object().into_iter().flat_map(Object::iter);
        for (key, value) in members.filter(|(key, _)| *key != "tools") {
            write(value, key, &mut said);
        }
        let description = definition.get("description").and_then(Value::as_str).unwrap_or_default();
        found.push(Offered {
            name,
            definition,
            others: forms.collect(),
            is_group: tool.is_group(),
            path: tool.path,
            group: tool.group,
            said,
            description,
        });
    }
    found
}

/// All words of a value. What members are called is read as words too, where a schema lets its author call them anything.
// Recursion is bounded by the depth of the tree.
fn write(value: &Value, key: &str, said: &mut Vec<String>) {
    match value {
        Value::String(text) => said.push(text.to_lowercase()),
        Value::Array(values) => values.iter().for_each(|value| write(value, key, said)),
        Value::Object(members) => {
            for (name, value) in members.iter() {
                if matches!(key, "properties" | "$defs" | "definitions" | "patternProperties") {
                    said.push(secrets::words(name));
                }
                write(value, name, said);
            }
        }
        _ => {}
    }
}

/// Looks for names that read as others: of another tool that is offered, or of one that is declared.
fn names(
    offered: &[Offered<'_>],
    snapshot: &Snapshot,
    tools: RouteTools,
    inspection: &Inspection,
    verdict: &mut Verdict,
) {
    let mut declared: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for called in snapshot.called() {
        declared.entry(look(called.as_str())).or_default().push(called.as_str());
    }
    let mut seen: BTreeMap<(Option<&str>, String), &Offered<'_>> = BTreeMap::new();
    // Nobody calls a namespace.
    for tool in offered.iter().filter(|tool| !tool.is_group) {
        let look = look(tool.name);
        // One that is declared has rules, and another that reads like it has none.
        let is_declared = snapshot.tools(tool.name).next().is_some();
        let own = declared.get(&look).filter(|_| !is_declared).map(|names| {
            if tools == RouteTools::Any && is_spelt_so(tool.name, names) {
                Action::Flag
            } else {
                Action::Block
            }
        });
        let twice = || {
            let other = seen.get(&(tool.group, look.clone()))?;
            (fingerprint(other.definition) != fingerprint(tool.definition)).then_some(Action::Flag)
        };
        if let Some(own) = own.or_else(twice) {
            inspection.by_rule(Channel::Document, &whole(SHADOWED, "tool", 0), own, &tool.path, verdict);
        }
        seen.entry((tool.group, look)).or_insert(tool);
    }
}

/// Whether a name is one of these but for capitals and what stands between words: two teams call their tools `bash` and `Bash` without
/// a thought, and nobody writes `bаsh` with a letter of another script without one.
fn is_spelt_so(name: &str, names: &[&str]) -> bool {
    let spelt = |name: &str| -> String {
        let between = |c: &char| matches!(c, '_' | '-' | '.' | ':' | '/' | ' ');
        name.chars().filter(|c| !between(c)).map(|c| c.to_ascii_lowercase()).collect()
    };
    names.iter().any(|other| spelt(other) == spelt(name))
}

/// How far signs in full width (U+FF01 to U+FF5E) stand behind those of ASCII.
const WIDE: u32 = 0xfee0;

/// How a name looks to who reads quickly: letters of other scripts as those of ours, capitals as small ones, what looks like `l` and `o`
/// as those, and nothing of what stands between letters.
fn look(name: &str) -> String {
    let letters = name.chars().flat_map(|c| {
        // A letter in full width is the letter.
        let wide =
            u32::from(c).checked_sub(WIDE).and_then(|c| u8::try_from(c).ok()).filter(u8::is_ascii_graphic);
        let c = wide.map(char::from).or_else(|| cordon_inspect::looks_like(c)).unwrap_or(c);
        c.to_lowercase()
    });
    letters
        .filter(|c| c.is_alphanumeric())
        .map(|c| match c {
            '1' | 'i' => 'l',
            '0' => 'o',
            other => other,
        })
        .collect()
}

/// Whether a definition is not the one that a tool was declared with.
fn is_changed(declared: &CompiledTool, definition: &Object) -> bool {
    declared.spec.definition.is_some_and(|digest| digest != fingerprint(definition))
}

/// The SHA-256 of a definition as JSON without white space, its members in the order of their names, and without a mark for a cache,
/// which moves with the tools that stand beside it, and one for Cordon, which no service is given.
fn fingerprint(definition: &Object) -> Digest {
    let mut read = definition.clone();
    read.remove(MARK);
    if read.get(CACHE).is_some_and(is_mark_for_cache) {
        read.remove(CACHE);
    }
    Digest::sha256(&sorted(&Value::Object(read)).to_vec())
}

/// The member that says where a provider's cache ends.
const CACHE: &str = "cache_control";

/// Whether this is such a mark and nothing else: some servers write all members of a definition for their model to read.
fn is_mark_for_cache(mark: &Value) -> bool {
    mark.as_object().is_some_and(|mark| {
        mark.iter().all(|(key, value)| {
            matches!((key, value.as_str()), ("type", Some("ephemeral")) | ("ttl", Some("5m" | "1h")))
        })
    })
}

/// The same value with members in the order of their names.
// Recursion is bounded by the depth of the tree.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(values) => Value::Array(values.iter().map(sorted).collect()),
        Value::Object(members) => {
            let by_name: BTreeMap<&str, &Value> = members.iter().collect();
            let mut out = Object::new();
            for (name, value) in by_name {
                out.insert(name, sorted(value));
            }
            Value::Object(out)
        }
        other => other.clone(),
    }
}

/// Looks for orders to hand over what is nobody's to read, in one definition, and over two that stand beside one another.
fn orders(offered: &[Offered<'_>], inspection: &Inspection, verdict: &mut Verdict) {
    let told: Vec<secrets::Told> = offered.iter().map(|tool| secrets::told(&tool.said)).collect();
    let mut add = |score: Score, path: &Path| {
        let finding = Finding { score, ..whole(ORDER, "tool", 0) };
        inspection.by_rule(Channel::Document, &finding, Action::Allow, path, verdict);
    };
    let mut before: Option<secrets::Told> = None;
    for (tool, told) in offered.iter().zip(told) {
        let alone = told.score();
        let together = before.map(|before| before.with(told).score());
        let score = if alone.is_some() || before.is_some_and(|before| before.score().is_some()) {
            alone
        } else {
            together.flatten()
        };
        if let Some(score) = score {
            add(score, &tool.path);
        }
        before = Some(told);
    }
}

/// Looks for an order that stands in several descriptions and in none of them alone.
fn composed(offered: &[Offered<'_>], inspection: &Inspection, verdict: &mut Verdict) {
    let mut text = String::new();
    let mut ends = Vec::new();
    for tool in offered.iter().filter(|tool| !tool.description.is_empty()) {
        text.push_str(tool.description);
        ends.push((text.len(), &tool.path));
        text.push(' ');
    }
    if ends.len() < 2 {
        return;
    }
    for finding in inspection.inspect(Channel::Document, &text) {
        let Span { start, end } = finding.span;
        let Some((border, path)) = ends.iter().find(|(border, _)| start < *border) else { continue };
        if INJECTION.covers(&finding.category) && end > *border + 1 {
            let finding = Finding { span: Span::new(0, 0), ..finding };
            inspection.by_rule(Channel::Document, &finding, Action::Allow, *path, verdict);
        }
    }
}

mod listed;
#[cfg(test)]
mod tests;
