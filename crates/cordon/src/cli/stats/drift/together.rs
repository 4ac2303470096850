//! What columns do together: which pairs of columns of numbers are correlated otherwise, by a sample of the rows of two tables.

use std::path::Path;

use cordon_stats::{
    PValue,
    drift::{Joint, PairDrift, RankCorrelation, correlations},
    interval::Level,
    profile::{Cell, ColumnProfile, Kind, Profile},
};
use serde::Serialize;

use super::super::{
    Grown, Loaded, P, StatsError, number,
    outcomes::short,
    report::{Card, Cell as Shown, Dot, Dots, Drawing, Figure, Head, Row, Scale, Section, Table, Tone},
    saved,
};
use super::DriftArgs;
use crate::tables::{self, Delimiter};

/// Where the sampling of rows starts, so that the same files give the same answer.
const SEED: u64 = 1;
/// Pairs in a table; those that changed come first.
const MOST_ROWS: usize = 100;
/// Pairs that did not change are shown up to so many in all, so that it is seen how much they move.
const USUAL_ROWS: usize = 3;
/// Pairs that are drawn beside each other.
const MOST_DOTS: usize = 24;

/// Pairs of columns, or why they are not compared.
pub(super) enum Together {
    Compared(Pairs),
    /// And how many columns have numbers on both sides.
    Not(&'static str, usize),
}

/// Every pair of columns that have numbers on both sides.
pub(super) struct Pairs {
    names: Vec<String>,
    /// Columns with numbers that are not looked at.
    left_out: usize,
    /// Pairs with too few rows or hardly any variation.
    too_few: u64,
    /// Rows that were looked at, and of how many.
    rows: [(usize, u64); 2],
    pairs: Vec<Pair>,
}

/// A pair and what was decided about it.
pub(super) struct Pair {
    pub(super) drift: PairDrift,
    /// Corrected for every test of the table.
    pub(super) p_adjusted: f64,
    pub(super) is_changed: bool,
}

/// As JSON tells it.
#[derive(Serialize)]
pub(super) struct Told<'a> {
    changed: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_compared: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<[usize; 2]>,
    columns: &'a [String],
    columns_left_out: usize,
    pairs_with_too_few_rows: u64,
    pairs: Vec<ToldPair<'a>>,
}

#[derive(Serialize)]
struct ToldPair<'a> {
    columns: [&'a str; 2],
    changed: bool,
    reference: Side,
    current: Side,
    change: f64,
    /// 95 %.
    interval: (f64, f64),
    p: P,
    p_adjusted: f64,
}

#[derive(Serialize)]
struct Side {
    rank_correlation: f64,
    /// 95 %.
    interval: (f64, f64),
    rows: u64,
}

impl Side {
    fn of(one: &RankCorrelation) -> Self {
        Self { rank_correlation: one.value, interval: one.interval(Level::P95), rows: one.rows }
    }
}

/// A number that has a rank; dates go on by themselves, and are left out.
fn value(cell: &Cell<'_>) -> f64 {
    match cell {
        Cell::Decimal(value) => *value,
        Cell::Integer(value) => *value as f64,
        Cell::Boolean(_) | Cell::Date(_) | Cell::Missing | Cell::Text(_) => f64::NAN,
    }
}

impl Together {
    /// Where rows are told apart.
    pub(super) const PARTED: Self = Self::Not(
        "correlations are not compared by segment or season; help: compare the tables without --by and --season too",
        0,
    );

    /// A table and a sample of its rows; of a saved profile there are none.
    pub(super) fn read(path: &Path, delimiter: Delimiter) -> Result<(Loaded, Option<Joint>), StatsError> {
        if saved(path)?.is_some() {
            return Ok((Loaded::read(path, delimiter)?, None));
        }
        let (mut grown, mut joint) = (Grown::default(), Joint::new(Joint::USUAL, SEED));
        let left_out = tables::read(path, delimiter, &mut |names, cells| {
            grown.add(names, cells);
            if !cells.is_empty() {
                joint.push(cells.iter().map(value));
            }
        })?;
        Ok((Loaded { path: path.to_owned(), profile: grown.profile(), left_out }, Some(joint)))
    }

    /// Of both sides.
    pub(super) fn of([(was, reference), (is, current)]: [(&Profile, Option<Joint>); 2]) -> Self {
        let has_numbers = |column: &ColumnProfile| column.numbers().is_some() && column.kind() != Kind::Date;
        let places: Vec<(&str, usize, usize)> = was
            .columns()
            .enumerate()
            .filter(|(_, (_, column))| has_numbers(column))
            .filter_map(|(at, (name, _))| {
                let mut columns = is.columns();
                Some((name, at, columns.position(|(known, column)| known == name && has_numbers(column))?))
            })
            .collect();
        if places.len() < 2 {
            return Self::Compared(Pairs {
                names: Vec::new(),
                left_out: 0,
                too_few: 0,
                rows: [(0, 0); 2],
                pairs: Vec::new(),
            });
        }
        let (Some(reference), Some(current)) = (reference, current) else {
            let why = "correlations are not compared: a profile keeps columns one by one, not what they do together; help: give both \
                       tables";
            return Self::Not(why, places.len());
        };
        let (mut names, mut sides) = (Vec::new(), [Vec::new(), Vec::new()]);
        for (name, at, now) in &places {
            if let (Some(was), Some(is)) = (reference.column(*at), current.column(*now)) {
                names.push((*name).to_owned());
                let [left, right] = &mut sides;
                left.push(Some(was));
                right.push(Some(is));
            }
        }
        let left_out = places.len() - names.len();
        let [left, right] = sides;
        let found = correlations(&left, &right);
        let pair = |drift| Pair { drift, p_adjusted: 1.0, is_changed: false };
        Self::Compared(Pairs {
            names,
            left_out,
            too_few: found.too_few,
            rows: [&reference, &current].map(|side| (side.len(), side.seen())),
            pairs: found.pairs.into_iter().map(pair).collect(),
        })
    }

    pub(super) fn pairs(&self) -> &[Pair] {
        match self {
            Self::Compared(all) => &all.pairs,
            Self::Not(..) => &[],
        }
    }

    pub(super) fn pairs_mut(&mut self) -> &mut [Pair] {
        match self {
            Self::Compared(all) => &mut all.pairs,
            Self::Not(..) => &mut [],
        }
    }

    /// How many changed.
    pub(super) fn changed(&self) -> usize {
        self.pairs().iter().filter(|pair| pair.is_changed).count()
    }

    /// Why pairs are not compared, where they are not.
    pub(super) fn why_not(&self) -> Option<&'static str> {
        match self {
            Self::Compared(_) => None,
            Self::Not(why, _) => Some(why),
        }
    }

    /// Are there pairs of columns with numbers on both sides, be they compared or not?
    pub(super) fn has_pairs(&self) -> bool {
        match self {
            Self::Compared(all) => all.names.len() + all.left_out > 1,
            Self::Not(_, columns) => *columns > 1,
        }
    }

    pub(super) fn told(&self) -> Told<'_> {
        let none = Told {
            changed: 0,
            not_compared: self.why_not(),
            rows: None,
            columns: &[],
            columns_left_out: 0,
            pairs_with_too_few_rows: 0,
            pairs: Vec::new(),
        };
        let Self::Compared(all) = self else { return none };
        let told = |pair: &Pair| {
            Some(ToldPair {
                columns: all.names(pair)?,
                changed: pair.is_changed,
                reference: Side::of(&pair.drift.reference),
                current: Side::of(&pair.drift.current),
                change: pair.drift.change(),
                interval: pair.drift.interval(Level::P95),
                p: pair.drift.p_value.into(),
                p_adjusted: pair.p_adjusted,
            })
        };
        Told {
            changed: self.changed(),
            rows: (!all.names.is_empty()).then(|| all.rows.map(|(rows, _)| rows)),
            columns: &all.names,
            columns_left_out: all.left_out,
            pairs_with_too_few_rows: all.too_few,
            pairs: all.pairs.iter().filter_map(told).collect(),
            ..none
        }
    }

    /// For a summary, behind what is said of columns.
    pub(super) fn said(&self) -> String {
        match (self.changed(), self.pairs().len()) {
            (_, 0) => String::new(),
            (changed, of) => format!(", {changed} of {of} pairs of them are correlated otherwise"),
        }
    }

    /// What changed, in sentences for a page.
    pub(super) fn sentences(&self, most: usize) -> Vec<String> {
        let Self::Compared(all) = self else { return Vec::new() };
        let changed: Vec<&Pair> = all.ranked().into_iter().filter(|pair| pair.is_changed).collect();
        let sentence = |pair: &&Pair| {
            let [first, second] = all.names(pair)?;
            let (was, is) = (pair.drift.reference.value, pair.drift.current.value);
            Some(format!("{first} and {second}: rank correlation {} → {}", short(was), short(is)))
        };
        let mut told: Vec<String> = changed.iter().take(most).filter_map(sentence).collect();
        if let Some(rest) = changed.len().checked_sub(most).filter(|rest| *rest > 0) {
            told.push(format!("and {rest} more pairs of columns"));
        }
        told
    }

    pub(super) fn card(&self) -> Option<Card> {
        let of = self.pairs().len();
        (of > 0).then(|| Card {
            title: "Correlations changed",
            value: format!("{} of {of}", self.changed()),
            note: "pairs of columns of numbers".to_owned(),
        })
    }

    /// The table of pairs, and on a page their figure.
    pub(super) fn section(&self, args: &DriftArgs) -> Option<Section> {
        let Self::Compared(all) = self else { return None };
        if all.names.len() < 2 {
            return None;
        }
        let ranked = all.ranked();
        let shown = self.changed().clamp(USUAL_ROWS, MOST_ROWS);
        let heads = vec![
            Head::left("COLUMN"),
            Head::left("WITH"),
            Head::left("DRIFT"),
            Head::right("WAS"),
            Head::right("IS"),
            Head::right("CHANGE"),
            Head::right("CHANGE, 95 %").roomy(),
            Head::right("P ADJUSTED").is("p_adjusted"),
        ];
        let rows = ranked.iter().take(shown).filter_map(|pair| all.row(pair)).collect();
        let mut figures = Vec::new();
        if args.look.is_page() && !ranked.is_empty() {
            figures.push(all.figure(&ranked, args.effect));
        }
        Some(Section {
            title: "Columns that move together".to_owned(),
            line: all.line(self.changed(), args.effect),
            table: Table { heads, rows },
            figures,
            ..Section::default()
        })
    }
}

impl Pairs {
    fn names(&self, pair: &Pair) -> Option<[&str; 2]> {
        let name = |at: usize| self.names.get(at).map(String::as_str);
        Some([name(pair.drift.columns.0)?, name(pair.drift.columns.1)?])
    }

    /// What changed first, and of that what changed most.
    fn ranked(&self) -> Vec<&Pair> {
        let mut ranked: Vec<&Pair> = self.pairs.iter().collect();
        let size = |pair: &Pair| pair.drift.change().abs();
        ranked.sort_by(|a, b| b.is_changed.cmp(&a.is_changed).then_with(|| size(b).total_cmp(&size(a))));
        ranked
    }

    fn line(&self, changed: usize, effect: f64) -> String {
        let mut line = format!(
            "{changed} of {} pairs of columns of numbers are correlated otherwise (Spearman's rank correlation, a change of at least {})",
            self.pairs.len(),
            number(effect)
        );
        for ((rows, of), side) in self.rows.into_iter().zip(["the reference", "the current data"]) {
            if (rows as u64) < of {
                line.push_str(&format!(", by a sample of {rows} of the {of} rows of {side}"));
            }
        }
        for (count, what) in [
            (self.too_few, "pairs have too few rows with both numbers, or hardly vary"),
            (
                self.left_out as u64,
                "columns with numbers are not looked at: beyond the first 64, or without a number in the sample",
            ),
        ] {
            if count > 0 {
                line.push_str(&format!("; {count} {what}"));
            }
        }
        line
    }

    fn row(&self, pair: &Pair) -> Option<Row> {
        let [first, second] = self.names(pair)?;
        let PairDrift { reference, current, .. } = pair.drift;
        let (low, high) = pair.drift.interval(Level::P95);
        let found =
            || format!("rank correlation {:.3} in the reference, {:.3} now", reference.value, current.value);
        Some(Row {
            cells: vec![
                first.into(),
                second.into(),
                Shown::from(if pair.is_changed { "drift" } else { "" }).toned(Tone::Bad),
                format!("{:.3}", reference.value).into(),
                format!("{:.3}", current.value).into(),
                format!("{:+.3}", pair.drift.change()).into(),
                format!("{low:+.3} to {high:+.3}").into(),
                PValue::of(pair.p_adjusted).to_string().into(),
            ],
            case: Some(format!("{first} with {second}")),
            failure: pair.is_changed.then(found),
        })
    }

    fn figure(&self, ranked: &[&Pair], effect: f64) -> Figure {
        let dot = |pair: &&Pair| {
            let [first, second] = self.names(pair)?;
            Some(Dot {
                label: format!("{first}, {second}"),
                value: pair.drift.change(),
                interval: Some(pair.drift.interval(Level::P95)),
                tone: if pair.is_changed { Tone::Bad } else { Tone::Quiet },
            })
        };
        let dots: Vec<Dot> = ranked.iter().take(MOST_DOTS).filter_map(dot).collect();
        let line = format!(
            "the {} most changed, with intervals of 95 %; a change of less than {} either way is too small to be named",
            dots.len(),
            number(effect)
        );
        let edge = 1.5 * effect;
        let dots = Dots::new("rank_correlation", Scale::Number, (-edge, edge), dots);
        Figure::new(
            "correlations",
            "Change of the rank correlation of two columns",
            line,
            Drawing::Dots(dots),
        )
    }
}
