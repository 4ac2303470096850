//! Where the tools of a request stand, and which object of each defines it.

use cordon_core::json::{Object, Value};

use crate::{
    authority::{
        Protocol,
        calls::{items, kind_of},
    },
    responses,
    tree::walk::Path,
};

/// A tool in a list of a request.
pub(super) struct Tool<'r> {
    /// All that stands in the list.
    pub(super) whole: &'r Value,
    pub(super) path: Path,
    /// The namespace in which it is.
    pub(super) group: Option<&'r str>,
    /// Whether its protocol reads what stands in a member of it, not what stands in itself.
    is_wrapped: bool,
}

/// A form in which a tool is defined: its name, and the object.
pub(super) type Form<'r> = (&'r str, &'r Object);

/// The tools of a request: in its lists and, in the Responses API, in items of its input and in namespaces.
pub(super) fn all(request: &Object, protocol: Protocol) -> Vec<Tool<'_>> {
    let mut found = Vec::new();
    for list in ["tools", "functions"] {
        let mut path = Path::default();
        path.word(list);
        let is_wrapped = list == "tools" && protocol == Protocol::Chat;
        add(request.get(list), &path, None, is_wrapped, &mut found);
    }
    if protocol == Protocol::Responses {
        for (at, item) in items(request.get("input")).iter().enumerate() {
            if item.as_object().is_some_and(responses::offers) {
                let mut path = Path::default();
                path.word("input").item(at).word("tools");
                add(item.get("tools"), &path, None, false, &mut found);
            }
        }
    }
    found
}

// Recursion is bounded by the depth of the tree.
fn add<'r>(
    list: Option<&'r Value>,
    path: &Path,
    group: Option<&'r str>,
    is_wrapped: bool,
    found: &mut Vec<Tool<'r>>,
) {
    for (at, whole) in items(list).iter().enumerate() {
        let mut path = path.clone();
        path.item(at);
        found.push(Tool { whole, path: path.clone(), group, is_wrapped });
        path.word("tools");
        add(whole.get("tools"), &path, name(whole), is_wrapped, found);
    }
}

impl<'r> Tool<'r> {
    /// What defines it: the form that its protocol reads, and those that only another reader would take. Forms without a name are none.
    pub(super) fn forms(&self) -> Vec<Form<'r>> {
        let mut kinds = ["function", "custom"];
        if kind_of(self.whole) == "custom" {
            kinds.reverse();
        }
        let inner = kinds.into_iter().filter_map(|kind| self.whole.get(kind));
        let own = std::iter::once(self.whole);
        let form = |value: &'r Value| Some((name(value)?, value.as_object()?));
        if self.is_wrapped {
            inner.chain(own).filter_map(form).collect()
        } else {
            own.chain(inner).filter_map(form).collect()
        }
    }

    /// Whether it is no tool, but holds some.
    pub(super) fn is_group(&self) -> bool {
        kind_of(self.whole) == "namespace"
    }
}

/// Whether a form says more than the one that its protocol reads, or something else.
pub(super) fn says_more(other: &Object, read: &Object) -> bool {
    let is_other = |(key, value): (&str, &Value)| {
        !matches!(key, "type" | "function" | "custom") && read.get(key) != Some(value)
    };
    other.iter().any(is_other)
}

fn name(value: &Value) -> Option<&str> {
    value.get("name")?.as_str()
}
