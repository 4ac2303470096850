//! The rows of a prediction, whichever protocol brought them.

use cordon_core::{json::Value, resource::Signature};

/// Rows and columns. A column holds the cells that there are: what is missing takes no room, however many columns there are.
#[derive(Debug, Default)]
pub(crate) struct Table<'t> {
    pub(crate) rows: usize,
    pub(crate) columns: Vec<Column<'t>>,
}

/// A column: an input, or an output.
#[derive(Debug)]
pub(crate) struct Column<'t> {
    /// Its name, where columns have names; else it is known by its place.
    pub(crate) name: Option<&'t str>,
    /// What its protocol says its values are.
    pub(crate) datatype: Option<&'t str>,
    /// The shape of one row's value, where its protocol says it.
    pub(crate) shape: Option<Vec<u64>>,
    /// Its cells by row, in the order of rows.
    pub(crate) cells: Vec<(usize, Cell<'t>)>,
}

/// The value of one row in a column.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cell<'t> {
    /// A value, or lists of values inside one another.
    One(&'t Value),
    /// Values in row-major order.
    Flat(&'t [Value]),
}

/// What of a signature says how rows are laid out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Layout<'s> {
    /// The tensor that holds all columns side by side.
    pub(crate) tensor: Option<&'s str>,
    /// Whether a row without names is one value of its own shape, and not a value for each column.
    pub(crate) whole_rows: bool,
}

/// A row that is not of the form of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Uneven(pub(crate) usize);

impl<'s> Layout<'s> {
    /// Before a signature says it: rows are counted, and not taken apart.
    pub(crate) const UNKNOWN: Self = Self { tensor: None, whole_rows: true };

    /// How inputs are laid out.
    pub(crate) fn of_inputs(signature: &'s Signature) -> Self {
        Self { tensor: signature.tensor.as_deref(), whole_rows: is_one_shaped(&signature.inputs) }
    }

    /// How outputs are laid out.
    pub(crate) fn of_outputs(signature: &'s Signature) -> Self {
        Self { tensor: None, whole_rows: is_one_shaped(&signature.outputs) }
    }
}

fn is_one_shaped(fields: &[cordon_core::resource::Field]) -> bool {
    matches!(fields, [only] if !only.shape.is_empty())
}

impl<'t> Column<'t> {
    /// A column without a type of its own.
    pub(crate) fn new(name: Option<&'t str>) -> Self {
        Self { name, datatype: None, shape: None, cells: Vec::new() }
    }
}

impl<'t> Cell<'t> {
    /// Whether it is there and says that there is no value.
    pub(crate) fn is_missing(self) -> bool {
        matches!(self, Self::One(Value::Null) | Self::Flat([Value::Null]))
    }

    /// Shows each of its values, which must be of this shape; a value by itself may stand in lists of one.
    pub(crate) fn each(self, shape: &[u32], see: &mut impl FnMut(&'t Value)) -> Result<(), WrongShape> {
        match self {
            Self::One(value) => nested(value, shape, see),
            Self::Flat(values) => {
                let expected =
                    shape.iter().fold(1, |product: u64, length| product.saturating_mul((*length).into()));
                if values.len() as u64 != expected {
                    return Err(WrongShape);
                }
                values.iter().for_each(see);
                Ok(())
            }
        }
    }
}

/// A cell that is not of the shape that is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WrongShape;

// Recursion is bounded by the depth of the tree.
fn nested<'t>(value: &'t Value, shape: &[u32], see: &mut impl FnMut(&'t Value)) -> Result<(), WrongShape> {
    match (value, shape) {
        (Value::Array(items), [length, rest @ ..]) if items.len() as u64 == u64::from(*length) => {
            items.iter().try_for_each(|item| nested(item, rest, see))
        }
        (Value::Array(items), []) => match items.as_slice() {
            [only] => nested(only, shape, see),
            _ => Err(WrongShape),
        },
        (Value::Array(_), _) | (_, [_, ..]) => Err(WrongShape),
        (value, []) => {
            see(value);
            Ok(())
        }
    }
}

/// The table of a list of rows: each an object of named values, or a list of values by their place, or one value.
///
/// # Errors
/// When a row is not of the kind of the first.
pub(crate) fn of_rows<'t>(rows: &'t [Value], layout: Layout<'_>) -> Result<Table<'t>, Uneven> {
    match rows.first() {
        Some(Value::Object(_)) => named(rows),
        Some(Value::Array(first)) if !layout.whole_rows => {
            let mut columns: Vec<Column<'t>> = first.iter().map(|_| Column::new(None)).collect();
            for (at, row) in rows.iter().enumerate() {
                let values = row.as_array().filter(|values| values.len() == first.len()).ok_or(Uneven(at))?;
                for (column, value) in columns.iter_mut().zip(values) {
                    column.cells.push((at, Cell::One(value)));
                }
            }
            Ok(Table { rows: rows.len(), columns })
        }
        _ => {
            let mut column = Column::new(None);
            for (at, row) in rows.iter().enumerate() {
                if row.as_object().is_some() {
                    return Err(Uneven(at));
                }
                column.cells.push((at, Cell::One(row)));
            }
            Ok(Table { rows: rows.len(), columns: vec![column] })
        }
    }
}

fn named(rows: &[Value]) -> Result<Table<'_>, Uneven> {
    let mut columns: Vec<Column<'_>> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for (at, row) in rows.iter().enumerate() {
        for (key, value) in row.as_object().ok_or(Uneven(at))?.iter() {
            let place = *places.entry(key).or_insert_with(|| {
                columns.push(Column::new(Some(key)));
                columns.len().saturating_sub(1)
            });
            if let Some(column) = columns.get_mut(place) {
                column.cells.push((at, Cell::One(value)));
            }
        }
    }
    Ok(Table { rows: rows.len(), columns })
}

/// The table of named columns, each a list with a value for each row.
///
/// # Errors
/// When a column is no list, or not as long as the first; the number is the column's.
pub(crate) fn of_columns<'t>(
    columns: impl Iterator<Item = (&'t str, &'t Value)>,
) -> Result<Table<'t>, Uneven> {
    let mut table = Table::default();
    for (at, (name, values)) in columns.enumerate() {
        let values = values.as_array().ok_or(Uneven(at))?;
        if at == 0 {
            table.rows = values.len();
        } else if values.len() != table.rows {
            return Err(Uneven(at));
        }
        let mut column = Column::new(Some(name));
        column.cells = values.iter().map(Cell::One).enumerate().collect();
        table.columns.push(column);
    }
    Ok(table)
}
