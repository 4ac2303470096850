//! Both tables, read twice: once for what their columns are, once for a sample of rows in those terms.

use std::{
    hash::{DefaultHasher, Hasher as _},
    path::Path,
};

use cordon_stats::{
    causes::{Columns, Rows},
    profile::Cell,
    text::Side,
};

use super::super::{
    Grown, Loaded, StatsError,
    outcomes::{Meaning, Picked, float},
    texts::{self, AllWords},
    word,
};
use super::{CausesArgs, SEED};
use crate::tables::{LeftOut, OnRow};

/// What is explained.
pub(super) enum Asked {
    /// The mean of a column.
    Prediction,
    /// The mean error of predictions.
    Error,
    /// Nothing but the tables themselves.
    Tables,
}

/// A side, sampled.
pub(super) struct Sampled {
    pub(super) rows: Rows,
    pub(super) count: u64,
    /// Rows without an outcome.
    pub(super) without: u64,
    /// Rows of the sample that are copies of others, left out.
    pub(super) copies: usize,
    pub(super) left_out: LeftOut,
}

impl Asked {
    pub(super) fn of(args: &CausesArgs) -> Self {
        match (&args.prediction, &args.label) {
            (None, _) => Self::Tables,
            (Some(_), None) => Self::Prediction,
            (Some(_), Some(_)) => Self::Error,
        }
    }

    pub(super) const fn is_any(&self) -> bool {
        !matches!(self, Self::Tables)
    }

    /// The outcome of a row, if it has one.
    fn outcome(&self, meaning: &Meaning, prediction: Cell<'_>, label: Cell<'_>) -> Option<f64> {
        let yes = |yes: bool| f64::from(u8::from(yes));
        let said = meaning.is_said() || meaning.is_threshold();
        match self {
            Self::Tables => Some(1.0),
            Self::Prediction if said => meaning.decision(prediction).map(yes),
            Self::Prediction => float(prediction),
            Self::Error if said => Some(yes(meaning.decision(prediction)? != meaning.label(label)?)),
            Self::Error => match (float(prediction), float(label)) {
                (Some(prediction), Some(label)) => Some((prediction - label).abs()),
                _ if prediction == Cell::Missing || label == Cell::Missing => None,
                _ => Some(yes(word(&prediction) != word(&label))),
            },
        }
    }
}

/// The columns of both tables, and a sample of the rows of each.
pub(super) fn both(
    args: &CausesArgs,
    asked: &Asked,
) -> Result<(Columns, [Sampled; 2], AllWords), StatsError> {
    let mut words = AllWords::new(&args.text);
    let reference =
        whole(args, &args.reference, &mut |names, cells| words.add(Side::Reference, names, cells))?;
    let current = whole(args, &args.current, &mut |names, cells| words.add(Side::Current, names, cells))?;
    let columns = columns(args, [&reference, &current])?;
    let [was, is] = [reference, current].map(|side| sample(args, asked, &columns, side));
    let (mut was, mut is) = (was?, is?);
    [was.copies, is.copies] = Rows::leave_out_copies(&mut was.rows, &mut is.rows);
    Ok((columns, [was, is], words))
}

/// The columns of both tables but those that are named.
pub(super) fn columns(args: &CausesArgs, [reference, current]: [&Loaded; 2]) -> Result<Columns, StatsError> {
    let named = args.prediction.iter().chain(&args.label).chain(&args.ignore).chain(&args.text);
    let without: Vec<&str> = named.map(String::as_str).collect();
    let columns = Columns::of(&reference.profile, &current.profile, &without);
    if columns.is_empty() {
        return Err(StatsError::Told(
            "no column of both tables can be looked at; help: `cordon profile` says what they hold"
                .to_owned(),
        ));
    }
    Ok(columns)
}

fn whole(args: &CausesArgs, path: &Path, on_row: OnRow<'_>) -> Result<Loaded, StatsError> {
    let mut grown = Grown::default();
    let left_out = texts::read(path, args.reading.delimiter, &args.text, &mut |names, cells| {
        grown.add(names, cells);
        on_row(names, cells);
    })?;
    Ok(Loaded { path: path.to_owned(), profile: grown.profile(), left_out })
}

fn sample(args: &CausesArgs, asked: &Asked, columns: &Columns, side: Loaded) -> Result<Sampled, StatsError> {
    let path = &side.path;
    let names: Vec<String> = columns.names().map(str::to_owned).collect();
    let mut picked = Picked::new(&names);
    let wanted: Vec<String> = args.prediction.iter().chain(&args.label).cloned().collect();
    let mut outcome = Picked::new(&wanted);
    let mut rows = Rows::new(columns.len(), Rows::USUAL, SEED);
    let (mut codes, mut without) = (Vec::new(), 0);
    texts::read(path, args.reading.delimiter, &args.text, &mut |names, cells| {
        picked.look(names);
        outcome.look(names);
        if cells.is_empty() {
            return;
        }
        let Some(value) = asked.outcome(&args.meaning, outcome.cell(0, cells), outcome.cell(1, cells)) else {
            without += 1;
            return;
        };
        columns.encode((0..columns.len()).map(|column| picked.cell(column, cells)), &mut codes);
        // What is compared: a number of its own that each copy has is not looked at.
        let mut hasher = DefaultHasher::new();
        for column in 0..columns.len() {
            hash(picked.cell(column, cells), &mut hasher);
        }
        hasher.write_u64((value + 0.0).to_bits());
        without += u64::from(!rows.push_row(&codes, value, hasher.finish()));
    })?;
    outcome.all_found(path)?;
    if rows.is_empty() && side.profile.rows() > 0 {
        return Err(StatsError::Told(format!(
            "no row of `{}` has what is to be explained; {}",
            path.display(),
            Meaning::help()
        )));
    }
    Ok(Sampled { rows, count: side.profile.rows(), without, copies: 0, left_out: side.left_out })
}

/// Equal cells have equal hashes, whatever they are written like.
fn hash(cell: Cell<'_>, hasher: &mut DefaultHasher) {
    match cell {
        Cell::Text(text) => hasher.write(text.as_bytes()),
        cell => hasher.write_u64(float(cell).map_or(u64::MAX, |value| (value + 0.0).to_bits())),
    }
    // Where a text ends counts.
    hasher.write_u8(0xff);
}
