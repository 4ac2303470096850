//! Provenance and authority: what has entered a conversation, and which tools may be called after it.
//!
//! Nothing here looks at what a text says. Where content comes from is known from its place in the request, from what the caller says
//! of it, and from what is declared of the tools that brought it; a call that a model proposes is then refused or let go by the
//! rules of its `Tool`, whatever detectors score.

mod beside;
mod calls;
mod gate;
mod instructed;
mod marks;
mod offered;
mod origin;
mod secrets;
mod written;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use cordon_core::{
    Action, Category, Channel, Name,
    resource::RouteTools,
    review::HeldKind,
    taint::{PRIVATE, Taint},
};
use cordon_policy::{CompiledTool, PrincipalEntry, RouteEntry, Snapshot};

use self::calls::{Arguments, Proposal};
pub(crate) use self::{
    beside::{Origins, entered_inputs, strip_beside},
    calls::{Seen, of_chat, of_message, of_response},
    gate::{AuthorityGate, Protocol},
    instructed::refuse_instructions,
    marks::{marked, named, strip},
    offered::judge as judge_offered,
    origin::{of_chat as entered_chat, of_messages as entered_messages, of_responses as entered_response},
};
use crate::{
    held::Came,
    inspection::{Inspection, Verdict},
};

/// The category of a call after more has entered than its tool bears.
const TAINT: Category = Category::known("tool/taint");
/// The category of a call whose arguments are not what its tool takes.
const ARGUMENTS: Category = Category::known("tool/arguments");
/// The category of a call for somebody who may not have its tool called.
const CALLER: Category = Category::known("tool/caller");
/// The category of a call of a tool that is not declared, on a route where all must be.
const UNDECLARED: Category = Category::known("tool/undeclared");

/// Which tools may be called for one caller on one route, and what has entered the conversation.
#[derive(Debug)]
pub(crate) struct Authority {
    snapshot: Arc<Snapshot>,
    only_declared: bool,
    principal: Name,
    team: Name,
    taint: Taint,
}

/// An answer under the rules, from its beginning on: what tools bring while it is given has entered too.
#[derive(Debug)]
pub(crate) struct Answer {
    authority: Arc<Authority>,
    taint: Taint,
    /// How often each call that breaks a rule was proposed.
    proposed: BTreeMap<Vec<u8>, usize>,
}

impl Authority {
    /// What holds for a call; nothing where no tool is declared and none has to be.
    pub(crate) fn of(
        snapshot: &Arc<Snapshot>,
        route: &RouteEntry,
        principal: &PrincipalEntry,
        taint: &Taint,
    ) -> Option<Self> {
        let only_declared = route.tools == RouteTools::Declared;
        (only_declared || snapshot.has_tools()).then(|| Self {
            snapshot: Arc::clone(snapshot),
            only_declared,
            principal: principal.name.clone(),
            team: principal.team.clone(),
            taint: taint.clone(),
        })
    }

    /// The beginning of an answer.
    pub(crate) fn answer(self: &Arc<Self>) -> Answer {
        Answer { authority: Arc::clone(self), taint: self.taint.clone(), proposed: BTreeMap::new() }
    }

    /// What is wrong with a proposed call, and what its tool says is done about that.
    fn faults(&self, proposal: &Proposal, taint: &Taint) -> Vec<(Category, Action)> {
        let mut found = Vec::new();
        let mut add = |category: Category, action: Action| {
            if !found.contains(&(category.clone(), action)) {
                found.push((category, action));
            }
        };
        if proposal.names.is_empty() && self.only_declared {
            add(UNDECLARED, Action::Block);
        }
        for name in &proposal.names {
            let mut tools = self.snapshot.tools(name).peekable();
            if tools.peek().is_none() && self.only_declared {
                add(UNDECLARED, Action::Block);
            }
            for tool in tools {
                if !tool.spec.callers.include(&self.principal, &self.team) {
                    add(CALLER, Action::Block);
                }
                if let Some(action) = tool.spec.exceeded(taint) {
                    add(TAINT, action);
                }
                if !takes(tool, &proposal.arguments) {
                    add(ARGUMENTS, Action::Block);
                }
            }
        }
        found
    }
}

impl Answer {
    /// Takes the next thing that an answer shows: a call is judged, and what a tool brought has entered from then on.
    pub(crate) fn see(&mut self, seen: &Seen, inspection: &Inspection, verdict: &mut Verdict) {
        match seen {
            Seen::Called(proposal) => {
                let faults = self.authority.faults(proposal, &self.taint);
                let rule = |by: &Inspection, verdict: &mut Verdict| {
                    for (category, action) in &faults {
                        by.ruled(category.clone(), *action, &proposal.path, verdict);
                    }
                };
                if faults.is_empty() {
                    return;
                }
                // What is said in two ways, or in none that is read, is nothing that somebody could let in.
                match proposal.written(&mut self.proposed) {
                    None => rule(inspection, verdict),
                    Some(call) => {
                        inspection.reviewed(&Came::call(&call), &proposal.path, verdict, |by, verdict| {
                            rule(by, verdict);
                            ((), HeldKind::ToolCall.as_str())
                        });
                    }
                }
            }
            Seen::Brought(names) => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                brought(&self.authority.snapshot, &names, &mut self.taint);
            }
        }
    }
}

/// Whether a tool takes these arguments, in each form in which they were said.
fn takes(tool: &CompiledTool, arguments: &[Arguments]) -> bool {
    let Some(schema) = &tool.arguments else { return true };
    if arguments.is_empty() {
        return schema.matches_text("");
    }
    arguments.iter().all(|arguments| match arguments {
        Arguments::Json(text) => schema.matches_text(text),
        Arguments::Value(value) => schema.matches(value),
    })
}

/// Notes what a tool with these names has brought. Content that nobody knows the tool of, or of a tool that nobody declared, is
/// somebody else's.
fn brought(snapshot: &Snapshot, names: &[&str], taint: &mut Taint) {
    let is_known = |name: &&str| snapshot.tools(name).next().is_some();
    let effects = || names.iter().flat_map(|name| snapshot.tools(name)).map(|tool| tool.spec.effects);
    if names.is_empty() || !names.iter().all(is_known) || effects().any(|effects| effects.untrusted_content) {
        taint.untrusted.insert(Channel::ToolOutput);
    }
    if effects().any(|effects| effects.reads_private) {
        taint.labels.insert(PRIVATE);
    }
}
