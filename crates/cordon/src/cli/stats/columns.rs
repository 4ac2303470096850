//! Columns as figures, from their profiles: one side, or the reference and what is new beside each other on the same bins.

use cordon_stats::profile::{Categories, ColumnProfile, Kind, Numbers, Profile, Shapes};

use super::{
    date, number,
    report::{Band, Bars, Drawing, Histogram, Scale, Side},
};

/// Columns that are drawn on one page: a reader looks at fewer, and a table has thousands.
pub(super) const MOST_DRAWN: usize = 48;
/// Bins of a histogram.
const BINS: u32 = 28;
/// Values or categories that have a bar of their own.
const MOST_BARS: usize = 10;
/// Quantiles of a band.
const LEVELS: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// The id of the figure that is the `place`-th on its page.
pub(super) fn id(place: usize) -> Option<String> {
    (place < MOST_DRAWN).then(|| format!("column-{place}"))
}

/// What is said where not every column is drawn.
pub(super) fn not_drawn(all: usize) -> Option<String> {
    let rest = all.checked_sub(MOST_DRAWN).filter(|rest| *rest > 0)?;
    Some(format!(
        "{rest} more are not drawn: the first {MOST_DRAWN} are, the most changed before the others."
    ))
}

/// A column on each side that has it; none where there is nothing to draw.
pub(super) fn drawing(reference: Option<&ColumnProfile>, current: Option<&ColumnProfile>) -> Option<Drawing> {
    let sides: Vec<(Side, &ColumnProfile)> = [(Side::Reference, reference), (Side::Current, current)]
        .into_iter()
        .filter_map(|(side, column)| Some((side, column.filter(|column| column.present() > 0)?)))
        .collect();
    let is_numeric = |column: &ColumnProfile| {
        let texts = column.texts().map_or(0, |texts| texts.count());
        column.numbers().is_some_and(|numbers| numbers.count() >= texts)
    };
    let first_is_numeric = is_numeric(sides.first()?.1);
    // Of another kind now: the two have no axis in common, and what is new is drawn.
    let sides = if sides.iter().all(|(_, column)| is_numeric(column) == first_is_numeric) {
        sides
    } else {
        sides.into_iter().skip(1).collect()
    };
    let is_numeric = is_numeric(sides.first()?.1);
    if is_numeric { few_values(&sides).or_else(|| histogram(&sides)) } else { categories(&sides) }
}

/// When the rows are of, by the first column that holds dates.
pub(super) fn period(profile: &Profile) -> String {
    let of = |(name, column): (&str, &ColumnProfile)| {
        let (first, last) = column.numbers().filter(|_| column.kind() == Kind::Date)?.range();
        let (first, last) = (date(first), date(last));
        let name: String = name.chars().take(40).collect();
        Some(if first == last { format!("{first} ({name})") } else { format!("{first} to {last} ({name})") })
    };
    profile.columns().find_map(of).unwrap_or_default()
}

fn numbers_of<'a>(sides: &[(Side, &'a ColumnProfile)]) -> Vec<(Side, &'a Numbers)> {
    sides.iter().filter_map(|(side, column)| Some((*side, column.numbers()?))).collect()
}

/// A bar for each value, where there are few.
fn few_values(sides: &[(Side, &ColumnProfile)]) -> Option<Drawing> {
    let numbers = numbers_of(sides);
    if !numbers.iter().all(|(_, numbers)| numbers.quantiles().is_exact()) {
        return None;
    }
    let mut values: Vec<f64> = Vec::new();
    for (_, numbers) in &numbers {
        values.extend(numbers.quantiles().intervals().iter().map(|interval| interval.low));
    }
    values.sort_by(f64::total_cmp);
    values.dedup();
    let is_date = sides.iter().all(|(_, column)| column.kind() == Kind::Date);
    let share = |numbers: &Numbers, value: f64| {
        let intervals = numbers.quantiles().intervals();
        let found = intervals.iter().find(|interval| interval.low == value);
        found.map_or(0.0, |interval| interval.count as f64 / numbers.count() as f64)
    };
    let shares = |(side, numbers): &(Side, &Numbers)| {
        (*side, values.iter().map(|value| share(numbers, *value)).collect())
    };
    (values.len() <= MOST_BARS).then(|| {
        let show = |value: &f64| if is_date { date(*value) } else { number(*value) };
        Drawing::Bars(Bars {
            labels: values.iter().map(show).collect(),
            sides: numbers.iter().map(shares).collect(),
        })
    })
}

fn histogram(sides: &[(Side, &ColumnProfile)]) -> Option<Drawing> {
    let columns: Vec<&ColumnProfile> = sides.iter().map(|(_, column)| *column).collect();
    let shapes = Shapes::of(&columns, BINS)?;
    let is_date = columns.iter().all(|column| column.kind() == Kind::Date);
    let bands = numbers_of(sides)
        .into_iter()
        .map(|(side, numbers)| Band { side, levels: LEVELS.map(|level| numbers.quantile(level)) });
    let shares = sides.iter().zip(shapes.sides).map(|((side, _), shape)| (*side, shape.shares)).collect();
    Some(Drawing::Histogram(Histogram {
        edges: shapes.edges,
        sides: shares,
        bands: bands.collect(),
        scale: if is_date { Scale::Date } else { Scale::Number },
    }))
}

/// A bar for each of the most frequent categories of either side, and one for all the others.
fn categories(sides: &[(Side, &ColumnProfile)]) -> Option<Drawing> {
    let tables: Vec<(Side, &Categories)> =
        sides.iter().filter_map(|(side, column)| Some((*side, column.texts()?.categories()))).collect();
    let (first, last) = (tables.first()?.1, tables.last()?.1);
    let share = |count: u64, of: &Categories| count as f64 / (of.total() as f64).max(1.0);
    let mut rows: Vec<(Option<&str>, [f64; 2])> = first
        .beside(last)
        .into_iter()
        .map(|row| (row.label, [share(row.counts.0, first), share(row.counts.1, last)]))
        .collect();
    // The rest last; what is frequent on either side first.
    let most = |row: &(Option<&str>, [f64; 2])| row.1.iter().copied().fold(0.0, f64::max);
    rows.sort_by(|a, b| {
        let frequent = || most(b).total_cmp(&most(a)).then_with(|| a.0.cmp(&b.0));
        b.0.is_some().cmp(&a.0.is_some()).then_with(frequent)
    });
    let keep = if rows.len() > MOST_BARS { MOST_BARS - 1 } else { rows.len() };
    let rest = rows.split_off(keep);
    let mut labels: Vec<String> =
        rows.iter().map(|(label, _)| (*label).unwrap_or("(others)").to_owned()).collect();
    let mut shares: [Vec<f64>; 2] = [0, 1]
        .map(|side| rows.iter().map(|(_, shares)| shares.get(side).copied().unwrap_or_default()).collect());
    if !rest.is_empty() {
        labels.push("(others)".to_owned());
        for (side, shares) in shares.iter_mut().enumerate() {
            shares.push(rest.iter().filter_map(|(_, of)| of.get(side)).sum());
        }
    }
    let sides = tables.iter().map(|(side, _)| *side).zip(shares).collect();
    Some(Drawing::Bars(Bars { labels, sides }))
}
