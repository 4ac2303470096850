//! The form that an answer is to have: as the request asks for it, and as its route says.

use std::sync::Arc;

use cordon_core::{
    Category, Score,
    json::{Limits, Object, Value},
    resource::{CheckedSchema, FaultKind, FaultStep, Schema, SchemaFault},
};
use cordon_policy::CompiledAnswers;

use super::{about, text::Text};
use crate::{
    authority::Protocol,
    inspection::{Inspection, Part, Verdict},
};

/// The longest text that is read as JSON. A longer one has not the form.
pub(super) const MAX_JSON: usize = 1 << 20;
/// The most faults that are listed.
const MAX_FAULTS: usize = 16;
/// Longest name of a member that is written down.
const MAX_NAME: usize = 64;

/// A form of answers.
#[derive(Debug)]
pub(super) enum Form {
    /// What the request asks for: one JSON object, which is what a schema says where there is one.
    Asked(Option<Box<CheckedSchema>>),
    /// What its route says.
    Route(Arc<CompiledAnswers>),
}

impl Form {
    /// The form that a request asks for, if any.
    pub(super) fn asked(request: &Object, protocol: Protocol) -> Option<Self> {
        let format = match protocol {
            Protocol::Chat => request.get("response_format"),
            Protocol::Responses => request.get("text").and_then(|text| text.get("format")),
            Protocol::Messages => request
                .get("output_format")
                .or_else(|| request.get("output_config").and_then(|config| config.get("format"))),
        };
        let format = format?;
        match format.get("type").and_then(Value::as_str)? {
            "json_object" => Some(Self::Asked(None)),
            "json_schema" => {
                // Chat completions have one more level around it.
                let holder = format.get("json_schema").unwrap_or(format);
                let schema = holder.get("schema").map(|schema| CheckedSchema::new(&Schema::lenient(schema)));
                Some(Self::Asked(schema.map(Box::new)))
            }
            _ => None,
        }
    }

    fn schema(&self) -> Option<&CheckedSchema> {
        match self {
            Self::Asked(schema) => schema.as_deref(),
            Self::Route(route) => route.schema.as_ref(),
        }
    }

    /// Judges a text, which goes on where the request left off with `begun`. Not every service goes on there: a text that has the form
    /// by itself has it.
    pub(super) fn judge(&self, text: &Text, begun: &str, inspection: &Inspection, verdict: &mut Verdict) {
        let alone = self.faults(text.as_str());
        if alone.as_ref().is_some_and(Vec::is_empty) {
            return;
        }
        let joined = (!begun.is_empty()).then(|| self.faults(&[begun, text.as_str()].concat())).flatten();
        let mut add = |category: &'static str, below: Vec<String>| {
            let finding = about(text, Category::known(category), "format", Score::ONE);
            inspection.unexpected(&finding, &Below { text, below }, verdict);
        };
        let Some(faults) = joined.or(alone) else { return add("format/json", Vec::new()) };
        for fault in faults {
            let steps = fault.path.into_iter().map(|step| self.step(step));
            let (category, missing) = match fault.kind {
                FaultKind::Type => ("format/type", None),
                FaultKind::Value => ("format/value", None),
                FaultKind::Size => ("format/size", None),
                FaultKind::Extra => ("format/extra", None),
                FaultKind::Missing(name) => ("format/missing", self.named(name)),
            };
            add(category, steps.chain(missing).collect());
        }
    }

    /// Whether a text is JSON.
    pub(super) fn is_json(&self, said: &str) -> bool {
        self.faults(said).is_some()
    }

    /// Whether a text has the form.
    pub(super) fn fits(&self, said: &str) -> bool {
        self.faults(said).is_some_and(|faults| faults.is_empty())
    }

    /// Where a text has not the form. Nothing is said of one that is no JSON.
    fn faults(&self, said: &str) -> Option<Vec<SchemaFault>> {
        let limits = Limits { bytes: MAX_JSON, ..Limits::default() };
        let value = Value::parse(said.as_bytes(), limits).ok()?;
        Some(match self.schema() {
            Some(schema) => schema.faults(&value, MAX_FAULTS),
            None if matches!(self, Self::Asked(None)) && value.as_object().is_none() => {
                vec![SchemaFault { path: Vec::new(), kind: FaultKind::Type }]
            }
            None => Vec::new(),
        })
    }

    /// A step as records write it.
    fn step(&self, step: FaultStep) -> String {
        match step {
            FaultStep::Item(at) => at.to_string(),
            FaultStep::Member { at, name } => {
                name.and_then(|name| self.named(name)).unwrap_or_else(|| format!("?{at}"))
            }
        }
    }

    /// A name that may be written down: one that the operator chose, and that looks like a name.
    fn named(&self, name: String) -> Option<String> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'$');
        let is_plain = matches!(self, Self::Route(_)) && name.len() <= MAX_NAME && name.bytes().all(plain);
        is_plain.then_some(name)
    }
}

/// A place inside of a text that is JSON.
struct Below<'t> {
    text: &'t Text,
    below: Vec<String>,
}

impl Part for Below<'_> {
    fn name(&self) -> String {
        let path = self.text.part(0).name();
        std::iter::once(path).chain(self.below.iter().cloned()).collect::<Vec<_>>().join("/")
    }
}
