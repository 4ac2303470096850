//! Predictions of several models that must agree before one of them goes out.

use std::collections::BTreeMap;

use cordon_core::{
    Channel, Name,
    json::Value,
    resource::{Agreement, Otherwise, Signature},
};
use cordon_policy::RouteEntry;

use super::{
    answer::{Doubt, Reason, action, refusal},
    fault::{Check, Faults},
    table::{Cell, Table},
};
use crate::inspection::{Inspection, Verdict};

/// The predictions so far, of a route whose models must agree; of any other route there is nothing to count.
#[derive(Debug, Default)]
pub(crate) struct Ballots(Option<Box<Counted>>);

#[derive(Debug)]
struct Counted {
    rule: Box<Agreement>,
    /// Whose predictions are compared. A fallback's stands alone where the rule leaves the call to it.
    voters: Vec<Name>,
    cast: Vec<Ballot>,
}

/// A prediction, as it is compared.
#[derive(Debug, PartialEq)]
struct Ballot(BTreeMap<String, Vec<Atom>>);

#[derive(Debug, PartialEq)]
enum Atom {
    /// The row of the values that follow.
    Row(usize),
    Number(f64),
    Other(Value),
}

impl Ballots {
    /// None so far, of a call to this route.
    pub(crate) fn new(route: &RouteEntry) -> Self {
        Self(route.agreement.as_ref().map(|rule| {
            // In its degraded mode, the models of the simpler path are those that share the calls.
            let voters = match rule.otherwise {
                Otherwise::Fallback => route.equals().map(|target| target.model.clone()).collect(),
                Otherwise::Flag | Otherwise::Hold | Otherwise::Block => route.models().cloned().collect(),
            };
            Box::new(Counted { rule: rule.clone(), voters, cast: Vec::new() })
        }))
    }

    /// Counts the prediction of a model. It goes out when it agrees with enough of those before it.
    ///
    /// # Errors
    /// While it does not.
    pub(super) fn cast<'t>(
        &mut self,
        model: &Name,
        signature: Option<&Signature>,
        table: impl FnOnce() -> Option<Table<'t>>,
        inspection: &Inspection,
        verdict: &mut Verdict,
    ) -> Result<(), Doubt> {
        let Some(counted) = self.0.as_deref_mut().filter(|counted| counted.voters.contains(model)) else {
            return Ok(());
        };
        let Counted { rule, cast, .. } = counted;
        let tolerance = rule.tolerance.as_ref().map_or(0.0, cordon_core::Decimal::as_f64);
        // What cannot be compared agrees with nothing.
        let ballot = table().and_then(|table| Ballot::of(&table, signature, &rule.outputs));
        if let Some(ballot) = ballot {
            let others = cast.iter().filter(|other| other.agrees(&ballot, tolerance)).count();
            if others.saturating_add(1) >= usize::from(rule.at_least) {
                return Ok(());
            }
            cast.push(ballot);
        }
        let mut faults = Faults::default();
        faults.add(Check::Agreement, None, "rows");
        let (strictest, _) = inspection.faulty(Channel::Model, &faults, |_| action(rule.otherwise), verdict);
        match refusal(strictest, "the models that answered do not agree") {
            Some(refusal) => Err(Doubt::Another(Box::new(refusal), Reason::Compared)),
            None => Ok(()),
        }
    }
}

impl Ballot {
    /// The values of these outputs, or of all; nothing where one of them is not there.
    fn of(table: &Table<'_>, signature: Option<&Signature>, outputs: &[String]) -> Option<Self> {
        let mut values = BTreeMap::new();
        for (at, column) in table.columns.iter().enumerate() {
            let by_place = || signature.and_then(|signature| signature.outputs.get(at));
            let name = match column.name {
                Some(name) => name.to_owned(),
                None => by_place().map_or_else(|| format!("#{at}"), |output| output.name.clone()),
            };
            if outputs.is_empty() || outputs.contains(&name) {
                let mut atoms = Vec::with_capacity(column.cells.len());
                for (row, cell) in &column.cells {
                    atoms.push(Atom::Row(*row));
                    match cell {
                        Cell::One(value) => flatten(value, &mut atoms),
                        Cell::Flat(items) => items.iter().for_each(|value| flatten(value, &mut atoms)),
                    }
                }
                values.insert(name, atoms);
            }
        }
        let all = outputs.iter().all(|output| values.contains_key(output));
        (all && !values.is_empty()).then_some(Self(values))
    }

    fn agrees(&self, other: &Self, tolerance: f64) -> bool {
        let alike = |one: &Atom, other: &Atom| match (one, other) {
            (Atom::Number(one), Atom::Number(other)) => (one - other).abs() <= tolerance,
            (one, other) => one == other,
        };
        self.0.len() == other.0.len()
            && self.0.iter().zip(&other.0).all(|((name, ones), (other_name, others))| {
                name == other_name
                    && ones.len() == others.len()
                    && ones.iter().zip(others).all(|(one, other)| alike(one, other))
            })
    }
}

// Recursion is bounded by the depth of the tree.
fn flatten(value: &Value, atoms: &mut Vec<Atom>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| flatten(item, atoms)),
        Value::Number(number) => {
            let number = number.as_str().parse().map_or_else(|_| Atom::Other(value.clone()), Atom::Number);
            atoms.push(number);
        }
        other => atoms.push(Atom::Other(other.clone())),
    }
}
