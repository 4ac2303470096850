//! Which rows are unlike those that the model was made for. The score is `cordon_stats::domain`'s: a row costs a binary search for
//! each of its numbers.

use std::collections::{BTreeMap, HashMap};

use cordon_core::{
    Score,
    json::Value,
    resource::{Domain, Field, Reference, Share, Signature},
};
use cordon_stats::domain::{self, Quantile};

use super::{
    fault::{Check, Faults},
    table::{Cell, Table},
};

/// What a reference says, as it is asked.
enum Known<'s> {
    Numbers(Vec<Quantile>),
    /// The shares of the categories, and the p-value of each text that was asked for.
    Categories(&'s BTreeMap<String, Score>, HashMap<Option<&'s str>, f64>),
}

/// Notes the rows that are out of domain. Values that are missing, or not of their type, say nothing here.
pub(crate) fn rows<'t>(table: &'t Table<'t>, signature: &'t Signature, faults: &mut Faults) {
    let Some(Domain { level, .. }) = signature.domain else { return };
    let mut columns = 0_usize;
    // Of each row the smallest p-value of its columns, and whose that is.
    let mut smallest: Vec<(f64, usize)> = vec![(1.0, 0); table.rows];
    for (at, field) in signature.inputs.iter().enumerate() {
        let Some(reference) = &field.reference else { continue };
        columns = columns.saturating_add(1);
        let column = table.columns.iter().enumerate().find(|(place, column)| match column.name {
            Some(name) => name == field.name,
            None => *place == at,
        });
        let Some((_, column)) = column else { continue };
        let mut known = Known::new(reference);
        for (row, cell) in &column.cells {
            if let (Some(p), Some(least)) = (known.p_value(*cell, reference.rows), smallest.get_mut(*row))
                && p < least.0
            {
                *least = (p, at);
            }
        }
    }
    for (row, (p, at)) in smallest.into_iter().enumerate() {
        let p = domain::row(p, columns);
        if p <= level.as_f64() {
            let name = signature.inputs.get(at).map_or("", |field: &Field| field.name.as_str());
            faults.scored(Check::Domain, Some(row), name, Score::from_f64(1.0 - p).unwrap_or(Score::ONE));
        }
    }
}

impl<'s> Known<'s> {
    fn new(reference: &'s Reference) -> Self {
        if reference.categories.is_empty() {
            let quantile = |point: &Share| Quantile { share: point.at.as_f64(), value: point.value.as_f64() };
            Self::Numbers(reference.quantiles.iter().map(quantile).collect())
        } else {
            Self::Categories(&reference.categories, HashMap::new())
        }
    }

    fn p_value<'t: 's>(&mut self, cell: Cell<'t>, rows: u64) -> Option<f64> {
        let mut value = None;
        cell.each(&[], &mut |only| value = Some(only)).ok()?;
        match (self, value?) {
            (Self::Numbers(quantiles), Value::Number(number)) => {
                Some(domain::number(quantiles, rows, number.as_str().parse().ok()?))
            }
            (Self::Categories(shares, asked), Value::String(text)) => {
                // Each category is worked out once, and all that are unknown have one p-value.
                let share = shares.get(text);
                Some(*asked.entry(share.map(|_| text.as_str())).or_insert_with(|| {
                    let all = shares.values().map(|share| share.as_f64());
                    domain::category(all, rows, share.map(|share| share.as_f64()))
                }))
            }
            _ => None,
        }
    }
}
