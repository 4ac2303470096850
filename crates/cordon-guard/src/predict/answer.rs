//! Predictions on their way out: their form, what their model's signature says of them, and how sure the model is.

use cordon_core::{
    Action, Channel, Name, Refusal, RefusalCode,
    json::{Object, Value},
    resource::{Confidence, Otherwise, Signature},
};

use super::{
    Ballots, Format, check,
    fault::{Check, Faults},
    mlflow, open_inference,
    table::{Layout, Table},
};
use crate::{
    inspection::{Inspection, Verdict},
    redact::Tokens,
    tree::{gate::ResponseError, rewrite, walk::Walker},
};

/// A whole answer of the right form, not inspected yet.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    format: Format,
    tree: Object,
}

/// A prediction that does not go out.
#[derive(Debug)]
pub(crate) enum Doubt {
    /// Another model is asked. If none is left, this is what the caller is told; the prediction was compared with others', or was not
    /// good enough.
    Another(Box<Refusal>, Reason),
    /// No other model is asked.
    Final(Box<Refusal>),
}

impl From<Refusal> for Doubt {
    fn from(refusal: Refusal) -> Self {
        Self::Final(Box::new(refusal))
    }
}

/// Why another model is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The prediction did not pass the checks, or was not sure enough.
    Unsure,
    /// It stands beside those of other models.
    Compared,
    /// It is no prediction.
    Broken,
}

impl Answer {
    /// Takes a tree that has the form of an answer. Unknown members pass; they are inspected with the rest.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn read(tree: Value, format: Format) -> Result<Self, ResponseError> {
        let Value::Object(tree) = tree else { return Err(ResponseError::NotAPrediction) };
        let has_form = match format {
            Format::OpenInference => open_inference::is_answer(&tree),
            Format::Mlflow => mlflow::is_answer(&tree),
        };
        if has_form { Ok(Self { format, tree }) } else { Err(ResponseError::NotAPrediction) }
    }

    /// Whether the prediction of this model may go out, as far as its signature and the other models say. Without a signature there is
    /// nothing to check.
    ///
    /// # Errors
    /// When it may not.
    pub(crate) fn judge(
        &self,
        signature: Option<&Signature>,
        rows: usize,
        (model, ballots): (&Name, &mut Ballots),
        inspection: &Inspection,
        verdict: &mut Verdict,
    ) -> Result<(), Doubt> {
        if let Some(signature) = signature {
            self.check(signature, rows, inspection, verdict)?;
        }
        let layout = signature.map(Layout::of_outputs).unwrap_or_default();
        let table = || self.table(layout).filter(|table| table.rows == rows);
        ballots.cast(model, signature, table, inspection, verdict)
    }

    fn check(
        &self,
        signature: &Signature,
        rows: usize,
        inspection: &Inspection,
        verdict: &mut Verdict,
    ) -> Result<(), Doubt> {
        let table = self.table(Layout::of_outputs(signature));
        let mut faults = Faults::default();
        if !signature.outputs.is_empty() {
            match &table {
                Some(table) => check::outputs(table, signature, rows, &mut faults),
                None => faults.add(Check::Rows, None, "rows"),
            }
        }
        if let Some(confidence) = &signature.confidence {
            unsure(table.as_ref(), signature, confidence, rows, &mut faults);
        }
        if faults.is_empty() {
            return Ok(());
        }
        let policy = |check| match (check, &signature.confidence) {
            (Check::Confidence, Some(confidence)) => confidence.action,
            _ => signature.checks.output,
        };
        let wanted = |check| action(policy(check));
        let (strictest, stopping) = inspection.faulty(Channel::Model, &faults, wanted, verdict);
        let another = || stopping.iter().all(|fault| policy(fault.check) == Otherwise::Fallback);
        match refusal(strictest, "the prediction did not pass the checks of its model") {
            None => Ok(()),
            // Where a guard blocks what the model would leave to another one, nobody else is asked.
            Some(refusal) if strictest == Action::Hold && another() => {
                Err(Doubt::Another(Box::new(refusal), Reason::Unsure))
            }
            Some(refusal) => Err(refusal.into()),
        }
    }

    fn table(&self, layout: Layout<'_>) -> Option<Table<'_>> {
        match self.format {
            Format::OpenInference => {
                let tensors = self.tree.get("outputs").and_then(Value::as_array).unwrap_or_default();
                open_inference::table(tensors, layout).ok()
            }
            Format::Mlflow => mlflow::answers(&self.tree, layout),
        }
    }

    /// Inspects every text and answers with the bytes that may go to the caller: the model's name is the route's.
    ///
    /// # Errors
    /// When the answer may not go on.
    pub(crate) fn inspect(
        mut self,
        inspection: &Inspection,
        tokens: &Tokens,
        route: &str,
        verdict: &mut Verdict,
    ) -> Result<Vec<u8>, Refusal> {
        let format = self.format;
        rewrite::inspected(&mut self.tree, inspection, tokens, verdict, |rewrite, tree| {
            let walker = &mut Walker::new(rewrite);
            match format {
                Format::OpenInference => {
                    open_inference::walk(walker, tree, Channel::Model);
                    tree.insert("model_name", route);
                }
                Format::Mlflow => mlflow::walk(walker, tree, Channel::Model),
            }
        })
    }
}

/// What a verdict on a prediction means for the caller.
pub(super) fn refusal(action: Action, why: &str) -> Option<Refusal> {
    match action {
        Action::Allow | Action::Flag | Action::Redact => None,
        Action::Hold => Some(Refusal::new(RefusalCode::HeldNoReviewer, why)),
        Action::Block => Some(Refusal::new(RefusalCode::PredictionRefused, why)),
    }
}

/// What is done with a prediction while it is not known whether somebody else gives a better one: until then it waits.
pub(super) const fn action(policy: Otherwise) -> Action {
    match policy {
        Otherwise::Flag => Action::Flag,
        Otherwise::Fallback | Otherwise::Hold => Action::Hold,
        Otherwise::Block => Action::Block,
    }
}

/// Notes the rows of which the model is not sure enough. A row that does not say how sure it is, is not sure; nor is one whose
/// probability of one of two classes is no probability.
fn unsure(
    table: Option<&Table<'_>>,
    signature: &Signature,
    confidence: &Confidence,
    rows: usize,
    faults: &mut Faults,
) {
    let mut sure = vec![false; rows];
    let at = signature.outputs.iter().position(|output| output.name == confidence.output);
    let field = at.and_then(|at| signature.outputs.get(at));
    if let (Some(table), Some(at), Some(field)) = (table, at, field) {
        let named = table.columns.iter().find(|column| column.name == Some(field.name.as_str()));
        let column = named.or_else(|| table.columns.get(at).filter(|column| column.name.is_none()));
        for (row, cell) in column.iter().flat_map(|column| &column.cells) {
            let mut largest = f64::NEG_INFINITY;
            let mut probable = true;
            let shape = cell.each(&field.shape, &mut |value| {
                if let Value::Number(number) = value
                    && let Ok(value) = number.as_str().parse::<f64>()
                {
                    probable &= (0.0..=1.0).contains(&value);
                    largest = largest.max(if confidence.two_sided { value.max(1.0 - value) } else { value });
                }
            });
            if let Some(sure) = sure.get_mut(*row) {
                let says = shape.is_ok() && (probable || !confidence.two_sided);
                *sure = says && largest >= confidence.below.as_f64();
            }
        }
    }
    for (row, _) in sure.iter().enumerate().filter(|(_, sure)| !**sure) {
        faults.add(Check::Confidence, Some(row), &confidence.output);
    }
}
