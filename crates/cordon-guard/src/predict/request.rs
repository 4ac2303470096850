//! A request for predictions on its way in.

use std::sync::Arc;

use cordon_core::{
    Action, Channel, Refusal, RefusalCode,
    json::{Object, Value},
    resource::{ModelSpec, Signature},
};
use cordon_policy::{RouteEntry, Snapshot};
use http::HeaderMap;
use smallvec::SmallVec;

use super::{
    Address, Format, check, domain,
    fault::{self, Check, Faults},
    mlflow, open_inference,
    table::{Layout, Table},
};
use crate::{
    dispatch::{Target, path_part},
    inspection::{Inspection, Verdict},
    limits::Shape,
    redact::Tokens,
    tree::request::{inspected, invalid, written},
};

/// The models that a request may go to.
type Models = SmallVec<[Arc<ModelSpec>; 2]>;

/// A request of the right form, not inspected yet.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    format: Format,
    tree: Object,
    route: String,
    version: Option<String>,
    rows: usize,
    models: Models,
}

/// A request that was inspected and checked, and may go on.
#[derive(Debug)]
pub(crate) struct Inspected {
    format: Format,
    tree: Object,
    version: Option<String>,
    rows: usize,
    models: Models,
    tokens: Tokens,
}

impl Request {
    /// Takes a tree that has the form of a request in the protocol of its path. Members that the protocol does not know are refused, as
    /// its servers do.
    ///
    /// # Errors
    /// A refusal that names the member.
    pub(crate) fn read(tree: Value, headers: &HeaderMap, address: Address<'_>) -> Result<Self, Refusal> {
        let Value::Object(tree) = tree else { return Err(invalid("", "the body is not an object")) };
        let rows = match address.format {
            Format::OpenInference => {
                if headers.contains_key(open_inference::BINARY) {
                    return Err(open_inference::binary());
                }
                open_inference::check(&tree)?;
                tensors(&tree, Layout::UNKNOWN)?.rows
            }
            Format::Mlflow => {
                mlflow::check(&tree)?;
                mlflow::table(&tree, Layout::UNKNOWN)?.rows
            }
        };
        Ok(Self {
            format: address.format,
            tree,
            route: address.route.to_owned(),
            version: address.version.map(str::to_owned),
            rows,
            models: Models::new(),
        })
    }

    /// The protocol.
    pub(crate) const fn format(&self) -> Format {
        self.format
    }

    /// The name of the route.
    pub(crate) fn route(&self) -> &str {
        &self.route
    }

    /// What can be counted of it: rows, and no tokens.
    pub(crate) fn shape(&self) -> Shape {
        Shape { rows: self.rows as u64, ..Shape::default() }
    }

    /// Says which models it may go to: it is checked against the signature of each.
    pub(crate) fn may_go_to(&mut self, route: &RouteEntry, snapshot: &Snapshot) {
        self.models = route.models().filter_map(|model| snapshot.model(model).cloned()).collect();
    }

    /// Checks the rows, inspects every text, number and key, and rewrites what is to be redacted. The verdict says what was found in
    /// any case.
    ///
    /// # Errors
    /// When the request may not go on.
    pub(crate) fn inspect(
        mut self,
        inspection: &Inspection,
        verdict: &mut Verdict,
    ) -> Result<Inspected, Refusal> {
        let checked = self.check(inspection, verdict);
        let tokens = match self.format {
            Format::OpenInference => inspected::<open_inference::Walk>(&mut self.tree, inspection, verdict),
            Format::Mlflow => inspected::<mlflow::Walk>(&mut self.tree, inspection, verdict),
        };
        // What is said of the rows tells an honest caller more than that something was blocked.
        checked?;
        let Self { format, tree, version, rows, models, .. } = self;
        Ok(Inspected { format, tree, version, rows, models, tokens: tokens? })
    }

    fn check(&self, inspection: &Inspection, verdict: &mut Verdict) -> Result<(), Refusal> {
        let mut action = Action::Allow;
        let mut places = Vec::new();
        for (at, model) in self.models.iter().enumerate() {
            let Some(signature) = &model.signature else { continue };
            // What the same signature says again is not said twice.
            if self.models.iter().take(at).any(|before| before.signature.as_ref() == Some(signature)) {
                continue;
            }
            let mut faults = Faults::default();
            let table = self.table(Layout::of_inputs(signature))?;
            check::inputs(&table, signature, &mut faults);
            domain::rows(&table, signature, &mut faults);
            let (strictest, stopping) =
                inspection.faulty(Channel::User, &faults, |check| wanted(signature, check), verdict);
            if places.is_empty() {
                places = fault::places(stopping);
            }
            action = action.max(strictest);
        }
        let code = match action {
            Action::Allow | Action::Flag | Action::Redact => return Ok(()),
            Action::Hold => RefusalCode::HeldNoReviewer,
            Action::Block => RefusalCode::InvalidPredictionInput,
        };
        let why =
            places.first().map_or_else(String::new, |place| format!("first of {}: {place}", places.len()));
        let words = (code == RefusalCode::InvalidPredictionInput && !places.is_empty())
            .then(|| format!("{} {}.", code.sentence(), places.join("; ")));
        Err(Refusal::new(code, why).said(words).at(places))
    }

    fn table(&self, layout: Layout<'_>) -> Result<Table<'_>, Refusal> {
        match self.format {
            Format::OpenInference => tensors(&self.tree, layout),
            Format::Mlflow => mlflow::table(&self.tree, layout),
        }
    }
}

/// What a signature says is done about what a check found.
fn wanted(signature: &Signature, check: Check) -> Action {
    let checks = &signature.checks;
    match check {
        Check::Range => checks.range,
        Check::Category => checks.category,
        Check::Missing => checks.missing,
        Check::Domain => signature.domain.map_or(Action::Allow, |domain| domain.action),
        _ => checks.schema,
    }
}

fn tensors<'t>(tree: &'t Object, layout: Layout<'_>) -> Result<Table<'t>, Refusal> {
    let tensors = tree.get("inputs").and_then(Value::as_array).unwrap_or_default();
    let uneven = |at| invalid(&format!("inputs[{at}].shape"), "not as many rows as the first input");
    open_inference::table(tensors, layout).map_err(uneven)
}

impl Inspected {
    /// The protocol.
    pub(crate) const fn format(&self) -> Format {
        self.format
    }

    /// How many rows there are.
    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }

    /// What can be counted of it.
    pub(crate) fn shape(&self) -> Shape {
        Shape { rows: self.rows as u64, ..Shape::default() }
    }

    /// The tokens that stand for values.
    pub(crate) const fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The body for an upstream, written from the tree that was inspected.
    pub(crate) fn body(&mut self) -> Vec<u8> {
        written(&mut self.tree)
    }

    /// Where it goes below the base URL of a target's service.
    ///
    /// # Errors
    /// When the target is not the version that the caller asked for, or has another signature than the one that was checked.
    pub(crate) fn path(&self, target: &Target) -> Result<String, Refusal> {
        let spec = &target.spec;
        let is_checked =
            |model: &Arc<ModelSpec>| Arc::ptr_eq(model, spec) || model.signature == spec.signature;
        if !self.models.iter().any(is_checked) {
            let why = "the signature of the model was changed while the call ran";
            return Err(Refusal::new(RefusalCode::UpstreamUnavailable, why));
        }
        if self.version.is_some() && self.version != spec.upstream_version {
            return Err(
                Refusal::new(RefusalCode::ModelNotFound, "the model has another version").param("version")
            );
        }
        if self.format == Format::Mlflow {
            return Ok("/invocations".to_owned());
        }
        let name = path_part(&spec.upstream_name)?;
        Ok(match &spec.upstream_version {
            Some(version) => format!("/models/{name}/versions/{}/infer", path_part(version)?),
            None => format!("/models/{name}/infer"),
        })
    }
}
