//! What a predictive model takes and gives, and what becomes of a prediction that nobody should rely on.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{Action, Decimal, Score};

/// The most inputs, and the most outputs, of a signature.
const MAX_FIELDS: usize = 256;
/// The most bytes of a field's name or of a category.
const MAX_NAME: usize = 128;
/// The most categories of one field.
const MAX_CATEGORIES: usize = 1_024;
/// The most values of one field in one row.
const MAX_ELEMENTS: u64 = 65_536;
/// The most points of a reference.
const MAX_POINTS: usize = 64;

/// What a predictive model takes and gives, and what is checked of both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// What it takes, in the order in which it takes it where inputs come without names.
    pub inputs: Vec<Field>,
    /// What it gives. Without them, what it gives is not checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<Field>,
    /// The name of the one tensor that holds all inputs side by side, for models that take it so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tensor: Option<String>,
    /// Whether inputs that are not listed here pass.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub extra: bool,
    /// The most rows of one call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rows: Option<u32>,
    /// What is done about what does not fit.
    #[serde(default, skip_serializing_if = "Checks::is_default")]
    pub checks: Checks,
    /// When a row is unlike those that the model was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<Domain>,
    /// How sure the model must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Confidence>,
}

/// An input or an output: of each row one value, or as many as its shape says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What its values are.
    #[serde(rename = "type")]
    pub value_type: ValueType,
    /// The shape of one row's value, such as `[28, 28]`; absent: one value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shape: Vec<u32>,
    /// The smallest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Decimal>,
    /// The largest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Decimal>,
    /// The texts that there are. Without them any text will do.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub categories: BTreeSet<String>,
    /// Whether it may be left out altogether.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// Whether it may be missing in a row (`null`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nullable: bool,
    /// What its values were in the data that the model was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
}

/// What a value is. The names are those of the Open Inference Protocol in lower case; `string` is its `BYTES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ValueType {
    /// `true` or `false`.
    Bool,
    /// 16-bit floating point.
    Fp16,
    /// 32-bit floating point: MLflow's `float`.
    Fp32,
    /// 64-bit floating point: MLflow's `double`.
    Fp64,
    /// 8-bit integer.
    Int8,
    /// 16-bit integer.
    Int16,
    /// 32-bit integer: MLflow's `integer`.
    Int32,
    /// 64-bit integer: MLflow's `long`.
    Int64,
    /// Text.
    String,
    /// 8-bit integer without sign.
    Uint8,
    /// 16-bit integer without sign.
    Uint16,
    /// 32-bit integer without sign.
    Uint32,
    /// 64-bit integer without sign.
    Uint64,
}

/// What the values of an input were, in the data that the model was made for: the summary that `cordon profile --reference`
/// writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// How many rows that were.
    pub rows: u64,
    /// Of numbers: values below which this share of the rows lay, from the smallest to the largest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quantiles: Vec<Share>,
    /// Of texts: the share of the rows that had each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub categories: BTreeMap<String, Score>,
}

/// A point of a distribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// The share of rows.
    pub at: Score,
    /// The value that they do not exceed.
    pub value: Decimal,
}

/// What is done about an input that does not fit: `allow`, `flag`, `hold` or `block`. A guard can only be stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Checks {
    /// An input that is unknown, absent, there twice, or of another type or shape; too many rows, or none.
    pub schema: Action,
    /// A number out of its range.
    pub range: Action,
    /// A text that is none of its categories.
    pub category: Action,
    /// A value that is missing.
    pub missing: Action,
    /// A prediction that is not what `outputs` say.
    pub output: Otherwise,
}

/// When a row is unlike those that the model was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    /// The share of rows like the reference's that may be taken for others; a row is out of domain where it is rarer than that.
    pub level: Score,
    /// What is done then. Default `flag`.
    #[serde(default = "flag", skip_serializing_if = "is_flag")]
    pub action: Action,
}

/// How sure a model must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Confidence {
    /// The output that says how sure it is: of several values in a row, the largest.
    pub output: String,
    /// Below this it is not sure enough.
    pub below: Score,
    /// Whether the output is the probability of one class of two, so that 0.1 is as sure as 0.9.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub two_sided: bool,
    /// What becomes of the prediction then.
    pub action: Otherwise,
}

/// What becomes of a prediction that should not be relied on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Otherwise {
    /// It goes out, and is marked.
    Flag,
    /// The next model of the route is asked; where none is left, it waits for a person.
    Fallback,
    /// It waits for a person.
    Hold,
    /// It does not go out.
    #[default]
    Block,
}

/// How many models must give the same prediction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// How many of the route's targets, or of its simpler path in `degraded` mode. They are asked one after the other until so many
    /// agree.
    pub at_least: u8,
    /// How far apart numbers may be that agree. Default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<Decimal>,
    /// The outputs that are compared. Absent: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<String>,
    /// What becomes of the call when they do not agree: `fallback` (the route's fallback answers alone), `hold` or `block`.
    pub otherwise: Otherwise,
}

const fn flag() -> Action {
    Action::Flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_flag(action: &Action) -> bool {
    *action == Action::Flag
}

impl Default for Checks {
    fn default() -> Self {
        let block = Action::Block;
        Self { schema: block, range: block, category: block, missing: block, output: Otherwise::Block }
    }
}

impl Checks {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl ValueType {
    /// Its name in the Open Inference Protocol.
    pub const fn datatype(self) -> &'static str {
        match self {
            Self::Bool => "BOOL",
            Self::Fp16 => "FP16",
            Self::Fp32 => "FP32",
            Self::Fp64 => "FP64",
            Self::Int8 => "INT8",
            Self::Int16 => "INT16",
            Self::Int32 => "INT32",
            Self::Int64 => "INT64",
            Self::String => "BYTES",
            Self::Uint8 => "UINT8",
            Self::Uint16 => "UINT16",
            Self::Uint32 => "UINT32",
            Self::Uint64 => "UINT64",
        }
    }

    /// Whether its values are numbers.
    pub const fn is_number(self) -> bool {
        !matches!(self, Self::Bool | Self::String)
    }
}

impl Field {
    /// How many values it has in a row.
    pub fn elements(&self) -> u64 {
        self.shape.iter().fold(1, |product, length| product.saturating_mul(u64::from(*length)))
    }

    fn problem(&self) -> Option<&'static str> {
        let text =
            |text: &str| !text.is_empty() && text.len() <= MAX_NAME && !text.contains(char::is_control);
        let ordered = match (&self.min, &self.max) {
            (Some(min), Some(max)) => max.compare(min.as_str()).is_some_and(std::cmp::Ordering::is_ge),
            _ => true,
        };
        let ranged = self.min.is_some() || self.max.is_some();
        if !text(&self.name) {
            Some("a name of 1 to 128 bytes without control characters is expected")
        } else if ranged && !self.value_type.is_number() {
            Some("`min` and `max` are for numbers; help: texts have `categories`")
        } else if !ordered {
            Some("`min` is above `max`")
        } else if !self.categories.is_empty() && self.value_type != ValueType::String {
            Some("`categories` are for `type: string`; help: numbers have `min` and `max`")
        } else if self.categories.len() > MAX_CATEGORIES || self.categories.iter().any(|word| !text(word)) {
            Some("at most 1,024 categories of 1 to 128 bytes each")
        } else if self.shape.len() > 8 || !(1..=MAX_ELEMENTS).contains(&self.elements()) {
            Some("at most 8 dimensions and 65,536 values in a row, and none of length 0")
        } else {
            self.reference.as_ref().and_then(|reference| reference.problem(self))
        }
    }
}

impl Reference {
    fn problem(&self, field: &Field) -> Option<&'static str> {
        let rises = |points: &[Share]| {
            points.iter().zip(points.iter().skip(1)).all(|(one, next)| {
                one.at < next.at
                    && next.value.compare(one.value.as_str()).is_some_and(std::cmp::Ordering::is_ge)
            })
        };
        let whole: u64 = self.categories.values().map(|share| u64::from(share.millionths())).sum();
        if self.rows == 0 {
            Some("`rows` of a reference must be above 0")
        } else if !field.shape.is_empty() {
            Some("a reference is for inputs of one value in a row")
        } else if field.value_type.is_number() {
            let points = self.quantiles.len();
            let fits =
                (2..=MAX_POINTS).contains(&points) && self.categories.is_empty() && rises(&self.quantiles);
            (!fits).then_some("2 to 64 `quantiles` are expected that rise, for numbers")
        } else {
            // Shares are rounded, each by up to half a millionth.
            let fits = (1..=MAX_CATEGORIES).contains(&self.categories.len()) && whole <= 1_001_000;
            let fits = fits && self.quantiles.is_empty();
            (!fits).then_some("1 to 1,024 `categories` are expected whose shares make at most 1, for texts")
        }
    }
}

impl Signature {
    /// Everything wrong with it: where, and what.
    pub(super) fn problems(&self) -> Vec<(String, &'static str)> {
        let mut found = Vec::new();
        let mut wrong = |is_wrong: bool, path: &str, message| {
            if is_wrong {
                found.push((format!("signature/{path}"), message));
            }
        };
        wrong(self.inputs.is_empty(), "inputs", "1 to 256 inputs are expected");
        for (path, fields) in [("inputs", &self.inputs), ("outputs", &self.outputs)] {
            wrong(fields.len() > MAX_FIELDS, path, "1 to 256 are expected");
            let names: BTreeSet<&str> = fields.iter().map(|field| field.name.as_str()).collect();
            wrong(names.len() < fields.len(), path, "a name stands twice");
            for (i, field) in fields.iter().enumerate() {
                if let Some(message) = field.problem() {
                    wrong(true, &format!("{path}/{i}"), message);
                }
            }
        }
        if let Some(tensor) = &self.tensor {
            wrong(
                tensor.is_empty() || tensor.len() > MAX_NAME,
                "tensor",
                "a name of 1 to 128 bytes is expected",
            );
            let first = self.inputs.first().map(|field| field.value_type);
            let alike =
                |field: &Field| Some(field.value_type) == first && field.shape.is_empty() && !field.optional;
            wrong(
                !self.inputs.iter().all(alike),
                "tensor",
                "inputs of one tensor have one type and one value in a row, and none is optional",
            );
        }
        wrong(self.max_rows == Some(0), "max_rows", "must be above 0");
        let Checks { schema, range, category, missing, .. } = self.checks;
        for (path, action) in [
            ("checks/schema", schema),
            ("checks/range", range),
            ("checks/category", category),
            ("checks/missing", missing),
            ("domain/action", self.domain.map_or(Action::Flag, |domain| domain.action)),
        ] {
            wrong(action == Action::Redact, path, "allow, flag, hold or block is expected");
        }
        if let Some(domain) = self.domain {
            wrong(
                self.inputs.iter().all(|input| input.reference.is_none()),
                "domain",
                "no input has a `reference`; help: `cordon profile DATA --reference` writes them",
            );
            // A row is no rarer than one of those that a reference has, for each column that is looked at.
            let references = || self.inputs.iter().filter_map(|input| input.reference.as_ref());
            let rows = references().map(|reference| reference.rows).max().unwrap_or(0);
            let least = 2_000_000_u64.saturating_mul(references().count() as u64);
            wrong(
                rows > 0 && rows.saturating_mul(u64::from(domain.level.millionths())) < least,
                "domain/level",
                "no row could be so rare: a reference of twice the number of inputs with one, divided by the level, is expected",
            );
            wrong(
                domain.level == Score::ZERO || domain.level > Score::percent(50),
                "domain/level",
                "above 0 and at most 0.5 is expected",
            );
        }
        if let Some(confidence) = &self.confidence {
            let output = self.outputs.iter().find(|output| output.name == confidence.output);
            wrong(
                output.is_none_or(|output| !output.value_type.is_number()),
                "confidence/output",
                "a number of `outputs` is expected",
            );
        }
        found
    }
}

impl Agreement {
    /// What is wrong with a simpler path of so many targets: what must agree must do so in every mode. Of none, nothing.
    pub(super) fn problem_of_simpler_path(&self, targets: usize) -> Option<&'static str> {
        let enough = usize::from(self.at_least)..=usize::from(super::MAX_ATTEMPTS);
        (targets > 0 && !enough.contains(&targets))
            .then_some("`agreement` holds here, too: `at_least` so many targets with a weight, and at most 10, are expected")
    }

    /// Everything wrong with it, of a route with so many targets and fallbacks: where, and what.
    pub(super) fn problems(&self, targets: usize, fallbacks: usize) -> Vec<(&'static str, &'static str)> {
        let mut found = Vec::new();
        if self.at_least < 2 || usize::from(self.at_least) > targets {
            found.push(("agreement/at_least", "2 to the number of targets with a weight is expected"));
        }
        if targets.saturating_add(fallbacks) > usize::from(super::MAX_ATTEMPTS) {
            found.push(("agreement", "a call has at most 10 attempts; help: fewer targets or fallbacks"));
        }
        if self.tolerance.as_ref().is_some_and(|tolerance| tolerance.as_f64() < 0.0) {
            found.push(("agreement/tolerance", "0 or more is expected"));
        }
        match self.otherwise {
            Otherwise::Flag => {
                found.push(("agreement/otherwise", "`fallback`, `hold` or `block` is expected"));
            }
            Otherwise::Fallback if fallbacks == 0 => {
                found.push(("agreement/otherwise", "the route has no `fallback`"));
            }
            Otherwise::Fallback | Otherwise::Hold | Otherwise::Block => {}
        }
        if self.outputs.len() > MAX_FIELDS {
            found.push(("agreement/outputs", "at most 256 outputs"));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(change: impl FnOnce(&mut serde_json::Value)) -> Vec<String> {
        let mut spec = serde_json::json!({
            "inputs": [
                {"name": "age", "type": "int64", "min": 18, "max": 120,
                 "reference": {"rows": 10_000, "quantiles": [{"at": 0, "value": 18}, {"at": 1, "value": 90}]}},
                {"name": "purpose", "type": "string", "categories": ["car", "home"],
                 "reference": {"rows": 10_000, "categories": {"car": 0.4, "home": 0.6}}},
                {"name": "image", "type": "uint8", "shape": [28, 28]},
            ],
            "outputs": [{"name": "probability", "type": "fp64", "min": 0, "max": 1}],
            "domain": {"level": 0.001},
            "confidence": {"output": "probability", "below": 0.7, "two_sided": true, "action": "fallback"},
        });
        change(&mut spec);
        let signature: Signature = serde_json::from_value(spec).unwrap();
        let bytes = crate::canonical::to_bytes(&signature).unwrap();
        assert_eq!(crate::canonical::from_bytes::<Signature>(&bytes).unwrap(), signature);
        signature.problems().into_iter().map(|(path, _)| path).collect()
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert!(problems(|_| {}).is_empty());
        for (pointer, value, path) in [
            ("/inputs/0/min", "121", "signature/inputs/0"),
            ("/inputs/0/categories", r#"["a"]"#, "signature/inputs/0"),
            ("/inputs/0/name", r#""purpose""#, "signature/inputs"),
            ("/inputs/0/reference/rows", "0", "signature/inputs/0"),
            ("/inputs/0/reference/quantiles/1/value", "17", "signature/inputs/0"),
            ("/inputs/1/min", "1", "signature/inputs/1"),
            ("/inputs/1/reference/categories/car", "0.5", "signature/inputs/1"),
            ("/inputs/2/shape", "[0]", "signature/inputs/2"),
            ("/inputs/2/shape", "[65537]", "signature/inputs/2"),
            ("/tensor", r#""input-0""#, "signature/tensor"),
            ("/max_rows", "0", "signature/max_rows"),
            ("/checks", r#"{"range": "redact"}"#, "signature/checks/range"),
            ("/domain/level", "0.6", "signature/domain/level"),
            ("/domain/level", "0.0001", "signature/domain/level"),
            ("/confidence/output", r#""other""#, "signature/confidence/output"),
        ] {
            let found = problems(|spec| {
                let (parent, key) = pointer.rsplit_once('/').unwrap();
                match spec.pointer_mut(parent).unwrap() {
                    serde_json::Value::Object(object) => drop(object.insert(key.to_owned(), json(value))),
                    other => panic!("{parent} is {other}"),
                }
            });
            assert_eq!(found, [path], "{pointer}");
        }
    }

    #[test]
    fn an_agreement_needs_those_who_may_agree() {
        let agreement = |at_least: u8, otherwise| Agreement {
            at_least,
            tolerance: Some("0.05".parse().unwrap()),
            outputs: Vec::new(),
            otherwise,
        };
        assert!(agreement(2, Otherwise::Hold).problems(3, 0).is_empty());
        let simpler = |targets| agreement(2, Otherwise::Hold).problem_of_simpler_path(targets).is_none();
        assert_eq!([0, 1, 2, 10, 11].map(simpler), [true, false, true, true, false]);
        for (at_least, otherwise, targets, fallbacks) in [
            (1, Otherwise::Hold, 3, 0),
            (4, Otherwise::Hold, 3, 0),
            (2, Otherwise::Flag, 3, 0),
            (2, Otherwise::Fallback, 3, 0),
            (2, Otherwise::Fallback, 9, 2),
        ] {
            assert_eq!(agreement(at_least, otherwise).problems(targets, fallbacks).len(), 1);
        }
    }
}
