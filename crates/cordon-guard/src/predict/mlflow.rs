//! MLflow's scoring protocol (<https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/>): rows as `dataframe_split`,
//! `dataframe_records`, `instances` or `inputs`, answered by `predictions`.

use std::collections::BTreeSet;

use cordon_core::{
    Channel, Refusal,
    json::{Object, Value},
};

use super::{
    cells::cells,
    table::{Cell, Column, Layout, Table, Uneven, of_columns, of_rows},
};
use crate::tree::{
    forbidden,
    request::{Walked, invalid},
    walk::{Kind, Visit, Walker},
};

/// The members that may hold the rows; a request has one of them.
const ROWS: [&str; 4] = ["dataframe_records", "dataframe_split", "inputs", "instances"];

/// The walk over a request.
pub(super) struct Walk;

/// Whether a tree has the form of a request.
///
/// # Errors
/// A refusal that names the member that is wrong.
pub(super) fn check(tree: &Object) -> Result<(), Refusal> {
    for (key, value) in tree.iter() {
        match key {
            "params" => match value {
                Value::Object(params) => forbidden::check(params)?,
                Value::Null => {}
                _ => return Err(invalid("params", "not an object")),
            },
            "signature_name" if matches!(value, Value::String(_) | Value::Null) => {}
            _ if ROWS.contains(&key) => {}
            _ => return Err(invalid("", "the request has a member that the protocol does not know")),
        }
    }
    if ROWS.iter().filter(|key| tree.get(key).is_some()).count() != 1 {
        let why = "not exactly one of dataframe_split, dataframe_records, instances and inputs";
        return Err(invalid("dataframe_split", why));
    }
    table(tree, Layout::UNKNOWN).map(|_| ())
}

/// The rows of a request.
///
/// # Errors
/// A refusal that names the first row, or column, that is not like the others.
pub(super) fn table<'t>(tree: &'t Object, layout: Layout<'_>) -> Result<Table<'t>, Refusal> {
    let Some((key, value)) = ROWS.iter().find_map(|key| Some((*key, tree.get(key)?))) else {
        return Err(invalid("dataframe_split", "there are no rows"));
    };
    let uneven = |Uneven(at)| invalid(&format!("{key}[{at}]"), "not like the rows or columns before it");
    match (key, value) {
        ("dataframe_split", Value::Object(split)) => of_split(split),
        ("inputs", Value::Object(columns)) => of_columns(columns.iter()).map_err(uneven),
        ("inputs" | "instances" | "dataframe_records", Value::Array(rows)) => {
            of_rows(rows, layout).map_err(uneven)
        }
        _ => Err(invalid(key, "neither rows nor columns")),
    }
}

fn of_split(split: &Object) -> Result<Table<'_>, Refusal> {
    const COLUMNS: &str = "dataframe_split.columns";
    for (key, value) in split.iter() {
        if !matches!(key, "columns" | "data" | "index") || value.as_array().is_none() {
            return Err(invalid(
                "dataframe_split",
                "a member that is not columns, data or index, or is no list",
            ));
        }
    }
    let rows = split.get("data").and_then(Value::as_array);
    let rows = rows.ok_or_else(|| invalid("dataframe_split.data", "not a list of rows"))?;
    let mut table = Table { rows: rows.len(), columns: Vec::new() };
    match split.get("columns").and_then(Value::as_array) {
        Some(names) => {
            for name in names {
                let name = name.as_str().ok_or_else(|| invalid(COLUMNS, "a name is no text"))?;
                table.columns.push(Column::new(Some(name)));
            }
        }
        None => {
            let first = rows.first().and_then(Value::as_array).unwrap_or_default();
            table.columns.extend(first.iter().map(|_| Column::new(None)));
        }
    }
    for (at, row) in rows.iter().enumerate() {
        let values = row.as_array().filter(|values| values.len() == table.columns.len());
        let values = values.ok_or_else(|| {
            invalid(&format!("dataframe_split.data[{at}]"), "not as many values as there are columns")
        })?;
        for (column, value) in table.columns.iter_mut().zip(values) {
            column.cells.push((at, Cell::One(value)));
        }
    }
    Ok(table)
}

/// Whether a tree has the form of an answer.
pub(super) fn is_answer(tree: &Object) -> bool {
    tree.get("predictions").is_some_and(|predictions| !predictions.is_null())
}

/// The rows of an answer; nothing when they are not like each other.
pub(super) fn answers<'t>(tree: &'t Object, layout: Layout<'_>) -> Option<Table<'t>> {
    match tree.get("predictions")? {
        Value::Array(rows) => of_rows(rows, layout).ok(),
        Value::Object(columns) => of_columns(columns.iter()).ok(),
        one => of_rows(std::slice::from_ref(one), layout).ok(),
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
    let mut seen = BTreeSet::new();
    walker.members(tree, channel, Kind::Text, |walker, key, value| match (key, &mut *value) {
        ("dataframe_split", Value::Object(split)) => {
            walker.members(split, channel, Kind::Text, |walker, key, value| match key {
                // A name that the model must know: nothing can stand in its place.
                "columns" => walker.value(value, channel, Kind::Fixed),
                _ => cells(walker, value, channel),
            });
        }
        ("dataframe_records" | "inputs" | "instances" | "predictions", Value::Array(_)) => {
            walker.items(value, channel, |walker, row| match row {
                Value::Object(row) => walker.columns(row, channel, &mut seen, |walker, value| {
                    cells(walker, value, channel);
                }),
                _ => cells(walker, row, channel),
            });
        }
        ("inputs" | "predictions", Value::Object(columns)) => {
            walker.columns(columns, channel, &mut seen, |walker, value| cells(walker, value, channel));
        }
        ("inputs" | "predictions", _) => cells(walker, value, channel),
        ("signature_name", _) => walker.value(value, channel, Kind::Fixed),
        _ => walker.value(value, channel, Kind::Text),
    });
}
