//! A profile as the `inputs` of a model's signature: what each column was, for who compares rows with it.

use std::collections::{BTreeMap, BTreeSet};

use cordon_core::{
    Decimal, Score,
    resource::{Field, Reference, Share, ValueType},
};
use cordon_stats::profile::{Categories, ColumnProfile, Kind, Profile};

use super::StatsError;

/// The shares of rows whose values are written, in millionths: closest at the ends, where rows are judged.
const SHARES: [u32; 21] = [
    0, 10, 100, 1_000, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 750_000, 900_000, 950_000,
    975_000, 990_000, 995_000, 999_000, 999_900, 999_990, 1_000_000,
];
/// The most categories that are written of a column.
const CATEGORIES: usize = 256;

/// The document: `inputs` as a `Model` has them under `signature`.
///
/// # Errors
/// When nothing can be said of a column in a specification.
pub(super) fn document(profile: &Profile) -> Result<String, StatsError> {
    let inputs: Vec<Field> = profile.columns().map(|(name, column)| field(name, column)).collect();
    let inputs = serde_json::to_value(&inputs)
        .map_err(|error| StatsError::Told(format!("the reference cannot be written: {error}")))?;
    Ok(super::super::yaml::write(&serde_json::json!({ "inputs": inputs })))
}

fn field(name: &str, column: &ColumnProfile) -> Field {
    let value_type = match column.kind() {
        Kind::Boolean => ValueType::Bool,
        Kind::Integer => ValueType::Int64,
        Kind::Decimal => ValueType::Fp64,
        _ => ValueType::String,
    };
    Field {
        name: name.to_owned(),
        value_type,
        shape: Vec::new(),
        min: None,
        max: None,
        categories: BTreeSet::new(),
        optional: false,
        nullable: column.missing() > 0,
        reference: reference(value_type, column),
    }
}

/// What the values of a column were; nothing of one that says too little, or has too many different texts.
fn reference(value_type: ValueType, column: &ColumnProfile) -> Option<Reference> {
    let rows = column.present();
    if value_type.is_number() {
        let quantiles = column.numbers()?.quantiles();
        let mut points: Vec<Share> = Vec::with_capacity(SHARES.len());
        for share in SHARES {
            let at = Score::from_millionths(share);
            // The shortest text of a number has no exponent here; one that is too long for a specification is left out.
            if let Ok(value) = quantiles.quantile(at.as_f64()).to_string().parse::<Decimal>() {
                points.push(Share { at, value });
            }
        }
        return (points.len() >= 2).then_some(Reference {
            rows,
            quantiles: points,
            categories: BTreeMap::new(),
        });
    }
    let categories = column.texts().filter(|_| value_type == ValueType::String)?.categories();
    let listed = categories.most_frequent();
    // Of a long text only its beginning is known.
    let is_whole = |label: &str| label.len() < Categories::LONGEST;
    let whole = listed.iter().all(|category| is_whole(&category.label));
    if !whole || !categories.is_exact() || listed.len() > CATEGORIES || rows == 0 {
        return None;
    }
    let share = |count: u64| {
        #[expect(clippy::cast_precision_loss, reason = "shares are rounded to millionths")]
        let share = count as f64 / rows as f64;
        Score::from_f64(share).unwrap_or(Score::ONE)
    };
    let categories =
        listed.into_iter().map(|category| (category.label.clone(), share(category.count))).collect();
    Some(Reference { rows, quantiles: Vec::new(), categories })
}
