//! The Open Inference Protocol, version 2 (<https://github.com/open-inference/open-inference-protocol>): tensors by name, each with its
//! shape and datatype.
//!
//! Tensors are JSON. The extension that puts them behind the JSON as bytes is refused: nobody would look into them.

use cordon_core::{
    Channel, Refusal, RefusalCode,
    json::{Object, Value},
    resource::{Field, Signature},
};

use super::table::{Cell, Column, Layout, Table};
use crate::tree::{
    forbidden,
    request::{Walked, invalid},
    walk::{Kind, Visit, Walker},
};

/// The most dimensions of a tensor.
const MAX_DIMENSIONS: usize = 8;
/// The most tensors of a request or an answer.
const MAX_TENSORS: usize = 1_024;
/// Of the header that says that tensors follow the JSON as bytes.
pub(super) const BINARY: http::HeaderName = http::HeaderName::from_static("inference-header-content-length");

/// The walk over a request.
pub(super) struct Walk;

/// Why a tensor is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoTensor {
    at: usize,
    member: &'static str,
}

impl NoTensor {
    /// The member that is wrong.
    fn param(self) -> String {
        format!("inputs[{}].{}", self.at, self.member)
    }
}

/// Whether a tree has the form of a request.
///
/// # Errors
/// A refusal that names the member that is wrong.
pub(super) fn check(tree: &Object) -> Result<(), Refusal> {
    for (key, value) in tree.iter() {
        match key {
            "inputs" => {}
            "id" if matches!(value, Value::String(_)) => {}
            "parameters" => parameters("parameters", value)?,
            "outputs" => {
                for (at, output) in value.as_array().unwrap_or_default().iter().enumerate() {
                    if let Some(value) = output.get("parameters") {
                        parameters(&format!("outputs[{at}].parameters"), value)?;
                    }
                }
            }
            "id" => return Err(invalid("id", "not a text")),
            _ => return Err(invalid("", "the request has a member that the protocol does not know")),
        }
    }
    let tensors = tree.get("inputs").and_then(Value::as_array).unwrap_or_default();
    if tensors.is_empty() {
        return Err(invalid("inputs", "not a list of tensors"));
    }
    for (at, tensor) in tensors.iter().enumerate() {
        if let Some(value) = tensor.get("parameters") {
            parameters(&format!("inputs[{at}].parameters"), value)?;
        }
    }
    shapes(tensors).map_err(|wrong| invalid(&wrong.param(), "not a tensor"))
}

/// Whether these have the form of tensors of an answer.
pub(super) fn is_answer(tree: &Object) -> bool {
    let tensors = tree.get("outputs").and_then(Value::as_array).unwrap_or_default();
    !tensors.is_empty() && shapes(tensors).is_ok()
}

/// Parameters go on, but for those that ask for bytes, or that would choose something that is not the caller's to choose.
fn parameters(path: &str, value: &Value) -> Result<(), Refusal> {
    let Some(parameters) = value.as_object() else { return Err(invalid(path, "not an object")) };
    forbidden::check(parameters)?;
    let asks = |key: &str| match parameters.get(key) {
        None | Some(Value::Bool(false)) => false,
        Some(_) => true,
    };
    for key in ["binary_data", "binary_data_output", "binary_data_size"] {
        if asks(key) {
            return Err(binary().param(format!("{path}.{key}")));
        }
    }
    Ok(())
}

/// What a caller reads that wants to send or get bytes.
pub(super) fn binary() -> Refusal {
    let words = "Tensors as bytes are not taken; send and ask for them as JSON (`binary_data=False` in Triton's client).";
    Refusal::new(RefusalCode::UnsupportedEncoding, "the binary tensor extension").said(Some(words.to_owned()))
}

/// Whether each is a tensor whose data is as its shape says.
fn shapes(tensors: &[Value]) -> Result<(), NoTensor> {
    for (at, tensor) in tensors.iter().enumerate() {
        let wrong = |member| NoTensor { at, member };
        if at >= MAX_TENSORS {
            return Err(wrong("name"));
        }
        if tensor.get("name").and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(wrong("name"));
        }
        tensor.get("datatype").and_then(Value::as_str).ok_or(wrong("datatype"))?;
        let shape = shape(tensor).ok_or(wrong("shape"))?;
        let data = tensor.get("data").and_then(Value::as_array).ok_or(wrong("data"))?;
        // Rows of nothing are none, however many are told.
        if shape.first().is_some_and(|rows| *rows > data.len() as u64) {
            return Err(wrong("shape"));
        }
        let count = shape.iter().fold(1_u64, |product, length| product.saturating_mul(*length));
        let flat = data.len() as u64 == count && data.iter().all(is_scalar);
        if !flat && !is_nested(data, &shape) {
            return Err(wrong("data"));
        }
    }
    Ok(())
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}

// Recursion is bounded by the number of dimensions.
fn is_nested(data: &[Value], shape: &[u64]) -> bool {
    let [length, rest @ ..] = shape else { return false };
    data.len() as u64 == *length
        && data.iter().all(|item| match (item, rest) {
            (Value::Array(items), [_, ..]) => is_nested(items, rest),
            (item, []) => is_scalar(item),
            _ => false,
        })
}

fn shape(tensor: &Value) -> Option<Vec<u64>> {
    let dimensions = tensor.get("shape")?.as_array()?;
    if !(1..=MAX_DIMENSIONS).contains(&dimensions.len()) {
        return None;
    }
    dimensions.iter().map(Value::as_u64).collect()
}

/// The rows of the tensors of a request or an answer, which must have the form of tensors. `Err` is the first tensor that has not
/// as many rows as the others, or the second one that holds all columns side by side.
pub(super) fn table<'t>(tensors: &'t [Value], layout: Layout<'_>) -> Result<Table<'t>, usize> {
    let mut table = Table::default();
    // The tensor that holds all columns comes first: its columns are known by where they are.
    let holds_all = |tensor: &&Value| layout.tensor.is_some() && layout.tensor == named(tensor);
    let all = || tensors.iter().enumerate();
    if let Some((second, _)) = all().filter(|(_, tensor)| holds_all(tensor)).nth(1) {
        return Err(second);
    }
    let order =
        all().filter(|(_, tensor)| holds_all(tensor)).chain(all().filter(|(_, tensor)| !holds_all(tensor)));
    for (step, (at, tensor)) in order.enumerate() {
        let name = named(tensor);
        let datatype = tensor.get("datatype").and_then(Value::as_str);
        let shape = shape(tensor).unwrap_or_default();
        let data = tensor.get("data").and_then(Value::as_array).unwrap_or_default();
        let [rows, of_row @ ..] = shape.as_slice() else { continue };
        let rows = usize::try_from(*rows).unwrap_or(usize::MAX);
        if step == 0 {
            table.rows = rows;
        } else if rows != table.rows {
            return Err(at);
        }
        let nested = data.first().is_some_and(|first| !is_scalar(first)) || of_row.is_empty();
        let each = of_row.iter().fold(1_u64, |product, length| product.saturating_mul(*length));
        let each = usize::try_from(each).unwrap_or(usize::MAX).max(1);
        match of_row {
            [width] if holds_all(&tensor) => {
                let width = usize::try_from(*width).unwrap_or(usize::MAX);
                side_by_side(&mut table, data, datatype, nested, width);
            }
            _ => {
                let mut column = Column::new(name);
                column.datatype = datatype;
                column.shape = Some(of_row.to_vec());
                column.cells = if nested {
                    data.iter().map(Cell::One).enumerate().collect()
                } else {
                    data.chunks(each).map(Cell::Flat).enumerate().collect()
                };
                table.columns.push(column);
            }
        }
    }
    Ok(table)
}

fn named(tensor: &Value) -> Option<&str> {
    tensor.get("name").and_then(Value::as_str)
}

/// The columns of a tensor that holds all of them side by side.
fn side_by_side<'t>(
    table: &mut Table<'t>,
    data: &'t [Value],
    datatype: Option<&'t str>,
    nested: bool,
    width: usize,
) {
    let from = table.columns.len();
    // No wider than there are values: what is told is not believed.
    let widest = match data.first().and_then(Value::as_array) {
        Some(first) if nested => first.len(),
        _ => data.len(),
    };
    for _ in 0..width.min(widest.max(1)) {
        table.columns.push(Column { datatype, ..Column::new(None) });
    }
    let mut put = |row: usize, values: &'t [Value]| {
        for (column, value) in table.columns.iter_mut().skip(from).zip(values) {
            column.cells.push((row, Cell::One(value)));
        }
    };
    if nested {
        data.iter().enumerate().for_each(|(row, values)| put(row, values.as_array().unwrap_or_default()));
    } else {
        data.chunks(width.max(1)).enumerate().for_each(|(row, values)| put(row, values));
    }
}

impl Walked for Walk {
    const IS_TEXT: bool = false;

    fn walk<V: Visit>(walker: &mut Walker<'_, V>, tree: &mut Object) {
        walk(walker, tree, Channel::User);
    }
}

/// Shows every text of a request or an answer.
pub(super) fn walk<V: Visit>(walker: &mut Walker<'_, V>, tree: &mut Object, channel: Channel) {
    walker.members(tree, channel, Kind::Text, |walker, key, value| match key {
        "inputs" | "outputs" => walker.items(value, channel, |walker, tensor| match tensor {
            Value::Object(tensor) => {
                walker.members(tensor, channel, Kind::Text, |walker, key, value| match key {
                    "data" => super::cells::cells(walker, value, channel),
                    "name" | "datatype" | "shape" => walker.value(value, channel, Kind::Fixed),
                    _ => walker.value(value, channel, Kind::Text),
                });
            }
            _ => walker.value(tensor, channel, Kind::Text),
        }),
        "id" => walker.value(value, channel, Kind::Id),
        // The name of the route: it is replaced.
        "model_name" => {}
        "model_version" => walker.value(value, channel, Kind::Fixed),
        _ => walker.value(value, channel, Kind::Text),
    });
}

/// What `GET /v2/models/NAME` says of a route whose models have this signature.
pub(crate) fn metadata(route: &str, versions: &[&str], signature: Option<&Signature>) -> Object {
    let tensor = |name: &str, datatype: &str, shape: Vec<Value>| -> Value {
        let members: [(&str, Value); 3] =
            [("name", name.into()), ("datatype", datatype.into()), ("shape", shape.into())];
        Value::Object(members.into_iter().collect())
    };
    // The rows of a call, of which there may be any number.
    let rows = || Value::Number(cordon_core::json::Number::from_i64(-1));
    let field = |field: &Field| {
        let shape = std::iter::once(rows()).chain(field.shape.iter().map(|length| u64::from(*length).into()));
        tensor(&field.name, field.value_type.datatype(), shape.collect())
    };
    let inputs: Vec<Value> = match signature {
        Some(Signature { tensor: Some(name), inputs, .. }) => {
            let datatype = inputs.first().map_or("", |input| input.value_type.datatype());
            vec![tensor(name, datatype, vec![rows(), (inputs.len() as u64).into()])]
        }
        Some(signature) => signature.inputs.iter().map(field).collect(),
        None => Vec::new(),
    };
    let outputs: Vec<Value> = signature.iter().flat_map(|signature| &signature.outputs).map(field).collect();
    let versions: Vec<Value> = versions.iter().map(|version| Value::from(*version)).collect();
    let members: [(&str, Value); 5] = [
        ("name", route.into()),
        ("versions", versions.into()),
        ("platform", "cordon".into()),
        ("inputs", inputs.into()),
        ("outputs", outputs.into()),
    ];
    members.into_iter().collect()
}
