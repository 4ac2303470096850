//! Whether a table is what a signature says: names, types, shapes, ranges, categories, missing values.

use std::{cmp::Ordering, collections::HashMap};

use cordon_core::{
    json::Value,
    resource::{Field, Signature, ValueType},
};

use super::{
    fault::{Check, Faults},
    table::{Cell, Column, Table},
};

/// Checks the inputs of a model.
pub(crate) fn inputs(table: &Table<'_>, signature: &Signature, faults: &mut Faults) {
    let most = signature.max_rows.map_or(usize::MAX, |rows| usize::try_from(rows).unwrap_or(usize::MAX));
    if table.rows == 0 || table.rows > most {
        faults.add(Check::Rows, None, "rows");
    }
    fields(table, &signature.inputs, signature.extra, faults);
}

/// Checks the outputs of a model for a request of so many rows.
pub(crate) fn outputs(table: &Table<'_>, signature: &Signature, rows: usize, faults: &mut Faults) {
    if table.rows != rows {
        faults.add(Check::Rows, None, "rows");
    }
    fields(table, &signature.outputs, signature.extra, faults);
}

/// The columns of a table with what the signature says of each; those that it does not know are faults unless `extra` pass.
fn fields(table: &Table<'_>, fields: &[Field], extra: bool, faults: &mut Faults) {
    let mut seen = vec![false; fields.len()];
    let places: HashMap<&str, usize> =
        fields.iter().enumerate().map(|(at, field)| (field.name.as_str(), at)).collect();
    for (at, column) in table.columns.iter().enumerate() {
        let place = column.name.map_or(Some(at), |name| places.get(name).copied());
        let Some((field, seen)) = place.and_then(|place| fields.get(place).zip(seen.get_mut(place))) else {
            if !extra {
                faults.add(Check::Unknown, None, &format!("#{at}"));
            }
            continue;
        };
        if std::mem::replace(seen, true) {
            faults.add(Check::Twice, None, &field.name);
        } else {
            values(column, field, table.rows, faults);
        }
    }
    for (field, seen) in fields.iter().zip(seen) {
        // A column that is not there at all in any row of a list of objects is absent once, and not in each row.
        if !seen && !field.optional && table.rows > 0 {
            faults.add(Check::Absent, None, &field.name);
        }
    }
}

/// The values of one column.
fn values(column: &Column<'_>, field: &Field, rows: usize, faults: &mut Faults) {
    let name = field.name.as_str();
    if column.datatype.is_some_and(|datatype| datatype != field.value_type.datatype()) {
        return faults.add(Check::Type, None, name);
    }
    if column.shape.as_ref().is_some_and(|shape| !is_shape(shape, &field.shape)) {
        return faults.add(Check::Shape, None, name);
    }
    for (row, cell) in &column.cells {
        value(*cell, field, *row, faults);
    }
    if !field.nullable && column.cells.len() < rows {
        missing(column, name, rows, faults);
    }
}

/// The rows of a column that have no value, not even `null`.
fn missing(column: &Column<'_>, name: &str, rows: usize, faults: &mut Faults) {
    let mut cells = column.cells.iter().map(|(row, _)| *row).peekable();
    let mut left = rows.saturating_sub(column.cells.len());
    for row in 0..rows {
        if cells.next_if_eq(&row).is_none() {
            if faults.is_listed(Check::Missing) {
                // Each of the others would only be counted.
                return faults.more(Check::Missing, left as u64);
            }
            faults.add(Check::Missing, Some(row), name);
            left = left.saturating_sub(1);
        }
    }
}

/// The shape of a row's value; one value may be a list of one.
fn is_shape(told: &[u64], expected: &[u32]) -> bool {
    told.iter().copied().eq(expected.iter().map(|length| u64::from(*length)))
        || expected.is_empty() && told.iter().all(|length| *length == 1)
}

/// The value of one row. Of several things that are wrong with it the first is told.
fn value(cell: Cell<'_>, field: &Field, row: usize, faults: &mut Faults) {
    if cell.is_missing() {
        if !field.nullable {
            faults.add(Check::Missing, Some(row), &field.name);
        }
        return;
    }
    let mut wrong = None;
    let shape = cell.each(&field.shape, &mut |value| {
        wrong = wrong.or_else(|| element(value, field));
    });
    if let Some(check) = shape.err().map(|_| Check::Shape).or(wrong) {
        faults.add(check, Some(row), &field.name);
    }
}

/// What is wrong with one value.
fn element(value: &Value, field: &Field) -> Option<Check> {
    match value {
        Value::Null => (!field.nullable).then_some(Check::Missing),
        Value::Bool(_) => (field.value_type != ValueType::Bool).then_some(Check::Type),
        Value::String(text) if field.value_type == ValueType::String => {
            let known = field.categories.is_empty() || field.categories.contains(text);
            (!known).then_some(Check::Category)
        }
        Value::Number(number) if field.value_type.is_number() => {
            let number = number.as_str();
            if !is_of(number, field.value_type) {
                return Some(Check::Type);
            }
            let below = |bound: &cordon_core::Decimal| bound.compare(number) == Some(Ordering::Greater);
            let above = |bound: &cordon_core::Decimal| bound.compare(number) == Some(Ordering::Less);
            let out = field.min.as_ref().is_some_and(below) || field.max.as_ref().is_some_and(above);
            out.then_some(Check::Range)
        }
        Value::String(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(Check::Type),
    }
}

/// Whether a number can be a value of this type without becoming another one, but for the rounding of its fraction.
fn is_of(number: &str, value_type: ValueType) -> bool {
    let whole = |bits: u32, signed: bool| {
        number.parse::<i128>().is_ok_and(|value| {
            let (least, most) = match signed {
                true => (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1),
                false => (0, (1_i128 << bits) - 1),
            };
            (least..=most).contains(&value)
        })
    };
    let within = |largest: f64| number.parse::<f64>().is_ok_and(|value| value.abs() <= largest);
    match value_type {
        ValueType::Bool | ValueType::String => false,
        // The largest number of IEEE 754's binary16.
        ValueType::Fp16 => within(65_504.0),
        ValueType::Fp32 => within(f64::from(f32::MAX)),
        ValueType::Fp64 => within(f64::MAX),
        ValueType::Int8 => whole(8, true),
        ValueType::Int16 => whole(16, true),
        ValueType::Int32 => whole(32, true),
        ValueType::Int64 => whole(64, true),
        ValueType::Uint8 => whole(8, false),
        ValueType::Uint16 => whole(16, false),
        ValueType::Uint32 => whole(32, false),
        ValueType::Uint64 => whole(64, false),
    }
}
