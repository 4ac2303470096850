//! Points with many coordinates, out of a table: a column of lists, or a group of columns.

use std::path::Path;

use cordon_stats::profile::{Cell, Cloud};

use super::{StatsError, outcomes::float};
use crate::tables::{self, Delimiter, Format, LeftOut};

/// Reads the point of each row: of a column of lists (in text such as `[0.1, 0.2]`, or of Parquet), or of a group of columns, the name
/// with a number behind it, such as `e_0` or `e[0]`. A row without a point, all of whose numbers are finite, is given as an empty one.
///
/// # Errors
/// When the file cannot be read, or has no such column.
pub(super) fn each(
    path: &Path,
    delimiter: Delimiter,
    name: &str,
    on_point: &mut dyn FnMut(&[f64]),
) -> Result<LeftOut, StatsError> {
    if tables::format(path)? == Format::Parquet
        && let Some(left_out) = tables::read_lists(path, name, Cloud::WIDEST, on_point)?
    {
        return Ok(left_out);
    }
    let (mut width, mut places) = (0, Vec::new());
    let mut point = Vec::new();
    let left_out = tables::read(path, delimiter, &mut |names, cells| {
        if names.len() != width {
            width = names.len();
            places = columns_of(names, name);
        }
        if cells.is_empty() {
            return;
        }
        point.clear();
        match &places[..] {
            [only] => read_list(cells.get(*only).copied().unwrap_or(Cell::Missing), &mut point),
            _ => point.extend(places.iter().map_while(|at| cells.get(*at).copied().and_then(float))),
        }
        if (places.len() > 1 && point.len() < places.len()) || point.iter().any(|value| !value.is_finite()) {
            point.clear();
        }
        on_point(&point);
    })?;
    if places.is_empty() {
        return Err(StatsError::Told(format!(
            "`{}` has neither a column `{name}` of lists nor columns `{name}_0`, `{name}_1`, …; help: `cordon profile` lists its columns",
            path.display()
        )));
    }
    Ok(left_out)
}

/// The summary of all points of a table.
///
/// # Errors
/// As [`each`]; when no row has a point.
pub(super) fn cloud(path: &Path, delimiter: Delimiter, name: &str) -> Result<(Cloud, LeftOut), StatsError> {
    let (mut cloud, mut before) = (None, 0);
    let left_out = each(path, delimiter, name, &mut |point| match &mut cloud {
        None => match Cloud::new(point.len()) {
            Some(mut first) => {
                first.add_missing(before);
                first.add(point);
                cloud = Some(first);
            }
            None => before += 1,
        },
        Some(cloud) => cloud.add(point),
    })?;
    let none = || StatsError::Told(format!("`{name}` cannot be kept or compared: {}", none(path)));
    Ok((cloud.ok_or_else(none)?, left_out))
}

/// What is said where there is no point.
pub(super) fn none(path: &Path) -> String {
    format!(
        "no row of `{}` has a point in it; help: a point is a list of finite numbers, such as [0.1, 0.2], or a number in each column of a group",
        path.display()
    )
}

/// The column of that name, or the columns of the group, in the order of their numbers.
fn columns_of(names: &[String], name: &str) -> Vec<usize> {
    if let Some(at) = names.iter().position(|known| known == name) {
        return vec![at];
    }
    let number = |column: &String| -> Option<u32> {
        let rest = column.strip_prefix(name)?;
        let rest = rest.trim_start_matches(['_', '.', '-', '[']).trim_end_matches(']');
        rest.parse().ok()
    };
    let mut group: Vec<(u32, usize)> =
        names.iter().enumerate().filter_map(|(at, column)| Some((number(column)?, at))).collect();
    group.sort_unstable();
    group.into_iter().map(|(_, at)| at).take(Cloud::WIDEST).collect()
}

/// The numbers of a list; nothing where it is none.
fn read_list(cell: Cell<'_>, point: &mut Vec<f64>) {
    let Cell::Text(text) = cell else { return };
    let Ok(values) = serde_json::from_str::<Vec<f64>>(text.trim()) else { return };
    if values.len() <= Cloud::WIDEST {
        *point = values;
    }
}
