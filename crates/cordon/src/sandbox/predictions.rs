//! Predictions: a small model of whether somebody pays a loan back, in the Open Inference Protocol and as MLflow's servers speak.
//!
//! It is a logistic function of three inputs (`age`, `income`, `purpose`) whose weights were made up: it knows nothing of anybody.

use cordon_core::json::{Limits, Object, Value};

use super::behaviour::{Behaviour, GULLIBLE};
use super::conversation::{Invalid, invalid};
use super::play::{Play, whole};
use super::{Asking, object};

/// A request in the Open Inference Protocol.
#[derive(Debug)]
pub(super) struct Infer {
    id: Option<String>,
    rows: Vec<Row>,
}

/// A request as MLflow's servers take it.
#[derive(Debug)]
pub(super) struct Invocations {
    rows: Vec<Row>,
}

/// What the model is asked about.
#[derive(Debug, Default)]
struct Row {
    age: Option<f64>,
    income: Option<f64>,
    purpose: Option<String>,
}

/// The columns, in the order of rows without names.
const COLUMNS: [&str; 3] = ["age", "income", "purpose"];

/// The name of the model in a path of the Open Inference Protocol.
pub(super) fn named(path: &str) -> Option<&str> {
    let named = path.strip_prefix("/v2/models/")?;
    let named = named.strip_suffix("/infer").unwrap_or(named);
    Some(named.split_once("/versions/").map_or(named, |(name, _)| name))
}

impl Row {
    fn set(&mut self, column: &str, value: &Value) {
        let number = || value.to_string().parse().ok();
        match column {
            "age" => self.age = number(),
            "income" => self.income = number(),
            "purpose" => self.purpose = value.as_str().map(str::to_owned),
            _ => {}
        }
    }

    /// The probability, with six digits after the point.
    fn probability(&self) -> f64 {
        let age = self.age.unwrap_or(40.0);
        let income = self.income.unwrap_or(30_000.0);
        let purpose = if self.purpose.as_deref() == Some("home") { 0.6 } else { 0.0 };
        let sum = 0.02_f64.mul_add(age - 40.0, (income - 30_000.0) / 12_000.0) + purpose;
        let probability = 1.0 / (1.0 + (-sum).exp());
        (probability * 1e6).round() / 1e6
    }
}

/// Rows as objects, or as lists of the columns.
fn listed(rows: &[Value]) -> Vec<Row> {
    let row = |value: &Value| {
        let mut row = Row::default();
        match value {
            Value::Object(members) => members.iter().for_each(|(key, value)| row.set(key, value)),
            Value::Array(values) => COLUMNS.iter().zip(values).for_each(|(key, value)| row.set(key, value)),
            _ => {}
        }
        row
    };
    rows.iter().map(row).collect()
}

/// Columns, each with a value for each row.
fn side_by_side<'v>(columns: impl Iterator<Item = (&'v str, &'v Value)>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (name, values) in columns {
        let values = values.as_array().unwrap_or_default();
        if rows.len() < values.len() {
            rows.resize_with(values.len(), Row::default);
        }
        rows.iter_mut().zip(values).for_each(|(row, value)| row.set(name, value));
    }
    rows
}

fn number(number: f64) -> Value {
    Value::parse(number.to_string().as_bytes(), Limits::default()).unwrap_or(Value::Null)
}

impl Asking for Infer {
    fn read(body: &Value, _: u64) -> Result<Self, Invalid> {
        let tensors = body.get("inputs").and_then(Value::as_array);
        let tensors = tensors.ok_or_else(|| invalid("`inputs` must be a list of tensors", Some("inputs")))?;
        let tensor = |tensor: &'_ Value| -> Option<(String, Value)> {
            Some((tensor.get("name")?.as_str()?.to_owned(), tensor.get("data")?.clone()))
        };
        let columns: Vec<(String, Value)> = tensors.iter().filter_map(tensor).collect();
        let rows = side_by_side(columns.iter().map(|(name, data)| (name.as_str(), data)));
        Ok(Self { id: body.get("id").and_then(Value::as_str).map(str::to_owned), rows })
    }

    fn model(&self) -> &str {
        // The path names it.
        GULLIBLE
    }

    fn behaviour(&self) -> Option<&str> {
        None
    }

    fn streams(&self) -> bool {
        false
    }

    fn play(&self, behaviour: &Behaviour) -> Play {
        let data: Vec<Value> = self.rows.iter().map(|row| number(row.probability())).collect();
        let shape = vec![Value::from(data.len() as u64)];
        let output = object([
            ("name", "probability".into()),
            ("datatype", "FP64".into()),
            ("shape", shape.into()),
            ("data", data.into()),
        ]);
        let mut answer = object([("model_name", "sandbox-credit".into()), ("model_version", "1".into())]);
        if let Some(id) = &self.id {
            answer.insert("id", id.as_str());
        }
        answer.insert("outputs", vec![Value::from(output)]);
        whole(Value::from(answer).to_vec(), behaviour)
    }
}

impl Asking for Invocations {
    fn read(body: &Value, _: u64) -> Result<Self, Invalid> {
        let wrong = || {
            invalid(
                "exactly one of `dataframe_split`, `dataframe_records`, `instances` and `inputs` is needed",
                None,
            )
        };
        let split = body.get("dataframe_split");
        let rows = match (
            split,
            ["dataframe_records", "instances", "inputs"].iter().find_map(|key| body.get(key)),
        ) {
            (Some(split), None) => {
                let names = split.get("columns").and_then(Value::as_array).unwrap_or_default();
                let rows = split.get("data").and_then(Value::as_array).ok_or_else(wrong)?;
                let named = |row: &Value| -> Value {
                    let values = row.as_array().unwrap_or_default().iter();
                    let members = names.iter().filter_map(Value::as_str).zip(values);
                    Value::Object(members.map(|(name, value)| (name, value.clone())).collect::<Object>())
                };
                listed(&rows.iter().map(named).collect::<Vec<_>>())
            }
            (None, Some(Value::Array(rows))) => listed(rows),
            (None, Some(Value::Object(columns))) => side_by_side(columns.iter()),
            _ => return Err(wrong()),
        };
        Ok(Self { rows })
    }

    fn model(&self) -> &str {
        // A server of MLflow's has one model.
        GULLIBLE
    }

    fn behaviour(&self) -> Option<&str> {
        None
    }

    fn streams(&self) -> bool {
        false
    }

    fn play(&self, behaviour: &Behaviour) -> Play {
        let prediction = |row: &Row| Value::from(object([("probability", number(row.probability()))]));
        let predictions: Vec<Value> = self.rows.iter().map(prediction).collect();
        whole(Value::from(object([("predictions", predictions.into())])).to_vec(), behaviour)
    }
}

/// What is asked about the server and its model.
pub(super) fn about(path: &str) -> Option<Value> {
    let tensor = |name: &'static str, datatype: &'static str| -> Value {
        let any = vec![Value::Number(cordon_core::json::Number::from_i64(-1))];
        object([("name", name.into()), ("datatype", datatype.into()), ("shape", any.into())]).into()
    };
    let answer = match path {
        "/v2/health/live" => object([("live", Value::Bool(true))]),
        "/v2/health/ready" => object([("ready", Value::Bool(true))]),
        path => {
            let name = named(path)?;
            Behaviour::of_model(name)?;
            let inputs = vec![tensor("age", "INT64"), tensor("income", "FP64"), tensor("purpose", "BYTES")];
            object([
                ("name", name.into()),
                ("versions", vec![Value::from("1")].into()),
                ("platform", "cordon-sandbox".into()),
                ("inputs", inputs.into()),
                ("outputs", vec![tensor("probability", "FP64")].into()),
            ])
        }
    };
    Some(answer.into())
}
