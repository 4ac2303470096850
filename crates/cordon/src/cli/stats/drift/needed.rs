//! How many rows it takes to find a change that matters: said where there are too few, and beforehand.

use cordon_stats::sequential::power::Plan;
use serde::Serialize;

use super::super::super::json;
use super::super::{
    Said, StatsError, file_name, number, percent,
    report::{Card, Head, Report, Row, Section, Story, Table, Tone},
    warn,
};
use super::{Compared, DriftArgs, File, Read, decide::Tests};

/// Rows with a value that it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Needed {
    /// Of what is new, against this reference; none where the reference itself is too small.
    current: Option<u64>,
    /// On either side, where both have as many.
    both: u64,
}

/// What is asked beforehand.
#[derive(Serialize)]
struct Answer<'a> {
    reference: File,
    level: f64,
    correction: &'static str,
    effect: f64,
    power: f64,
    tests: usize,
    columns: Vec<Planned<'a>>,
}

#[derive(Serialize)]
struct Planned<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    segment: Option<&'a str>,
    column: &'a str,
    kind: &'static str,
    rows_with_value: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows_needed: Option<Needed>,
}

/// Rows for each column whose values are compared on bins: for its test at the level that it has where nothing else changed.
pub(super) fn of(compared: &mut [Compared], tests: Tests, args: &DriftArgs) {
    // Within seasons the test is another one. A level or power of 0 or 1 is not to be planned for.
    let is_by_season = args.parting.by().is_some_and(|by| by.is_season());
    let Some(plan) = Plan::new(tests.level_of_each, args.power).ok().filter(|_| !is_by_season) else {
        return;
    };
    // Columns have few different numbers of bins.
    let mut known = std::collections::BTreeMap::new();
    for column in compared {
        let Ok(drift) = &column.outcome else { continue };
        let occurring = drift.bins.iter().filter(|bin| bin.reference > 0).count();
        // Of a constant a change is another value.
        let cells = u32::try_from(occurring.max(2)).unwrap_or(u32::MAX);
        let reference: u64 = drift.bins.iter().map(|bin| bin.reference).sum();
        let both =
            *known.entry(cells).or_insert_with(|| plan.distance_both(args.effect, cells).ok().flatten());
        let current = plan.distance(args.effect, cells, reference).ok().flatten();
        column.needed = both.map(|both| Needed { current, both });
    }
}

impl Compared {
    /// Has it too few rows for what is needed?
    pub(super) fn is_short_of(&self, needed: &Needed) -> bool {
        let [_, current] = self.present;
        !self.drifted && needed.current.is_none_or(|needed| current < needed)
    }
}

impl Needed {
    fn text(&self) -> String {
        match self.current {
            Some(rows) if rows <= self.both => rows.to_string(),
            Some(rows) => format!("{rows}, or {} on either side,", self.both),
            None => format!("{} on either side", self.both),
        }
    }
}

/// What cannot be found with these rows, in a sentence; none where everything that matters can.
pub(super) fn sentence(args: &DriftArgs, compared: &[Compared]) -> Option<String> {
    let needed = |column: &'_ Compared| column.needed.filter(|needed| column.is_short_of(needed));
    let short: Vec<(&Compared, Needed)> =
        compared.iter().filter_map(|column| Some((column, needed(column)?))).collect();
    let (most, rows) =
        short.iter().max_by_key(|(_, needed)| (needed.current.is_none(), needed.current, needed.both))?;
    Some(format!(
        "{} of {} columns that did not drift have too few rows for a JS distance of {}: to find one {} of the time takes {} of them with a \
         value (in {}, which has {})",
        short.len(),
        compared.iter().filter(|column| !column.drifted).count(),
        number(args.effect),
        percent(args.power),
        rows.text(),
        most.named(),
        most.present[1],
    ))
}

/// Says what a look with this reference needs.
pub(super) fn say(
    args: &DriftArgs,
    read: &Read,
    compared: &[Compared],
    tests: Tests,
) -> Result<Said, StatsError> {
    let report = report(args, compared, tests);
    args.look.write(&report, || story(args, read, compared))?;
    let [reference, _] = read.files(args);
    if args.look.form.json {
        json(&Answer {
            reference,
            level: args.level,
            correction: args.correction.word(),
            effect: args.effect,
            power: args.power,
            tests: tests.count,
            columns: compared.iter().map(planned).collect(),
        })?;
    } else {
        warn(&args.reference, &reference.left_out);
        args.look.say(&report)?;
    }
    Ok(Said::Nothing)
}

fn planned(column: &Compared) -> Planned<'_> {
    Planned {
        segment: column.segment.as_deref(),
        column: &column.column,
        kind: column.kind,
        rows_with_value: column.present[0],
        rows_needed: column.needed,
    }
}

fn report(args: &DriftArgs, compared: &[Compared], tests: Tests) -> Report {
    let most = compared.iter().filter_map(|column| column.needed?.current).max();
    let whole = match most {
        Some(most)
            if compared.iter().all(|column| column.needed.is_none_or(|needed| needed.current.is_some())) =>
        {
            format!("{most} rows with a value are enough for every column")
        }
        _ => "the reference is too small for some columns".to_owned(),
    };
    let summary = format!(
        "{whole}: to find a JS distance (base 2) of {} {} of the time, at a level of {} in {} tests ({})",
        number(args.effect),
        percent(args.power),
        number(args.level),
        tests.count,
        args.correction.name(),
    );
    let heads = vec![
        Head::left("SEGMENT"),
        Head::left("COLUMN"),
        Head::left("KIND"),
        Head::right("ROWS OF THE REFERENCE"),
        Head::right("ROWS NEEDED").is("rows_needed"),
        Head::right("IF BOTH GROW"),
    ];
    let row = |column: &Compared| {
        let (rows, both) = match column.needed {
            Some(needed) => (
                needed.current.map_or_else(|| "a larger reference".to_owned(), |rows| rows.to_string()),
                needed.both.to_string(),
            ),
            None => (String::new(), String::new()),
        };
        Row::plain([
            column.segment.clone().unwrap_or_default(),
            column.column.clone(),
            column.kind.to_owned(),
            column.present[0].to_string(),
            rows,
            both,
        ])
    };
    let mut table = Table { heads, rows: compared.iter().map(row).collect() };
    table.leave_empty_out();
    let notes = vec![
        "A change of exactly --effect is measured as smaller every other time: this is what chance takes to be ruled out.".to_owned(),
    ];
    let title = "Rows needed".to_owned();
    let sections = vec![Section { title, table, ..Section::default() }];
    Report { name: "drift", summary, sections, notes }
}

fn story(args: &DriftArgs, read: &Read, compared: &[Compared]) -> Story {
    let without = compared.iter().filter(|column| column.needed.is_some_and(|n| n.current.is_none())).count();
    let most = compared.iter().filter_map(|column| column.needed?.current).max();
    let what = match most {
        Some(most) => vec![format!("The column that needs most needs {most} rows with a value.")],
        None => Vec::new(),
    };
    let what_to_do = if without > 0 {
        "Take a larger reference: with this one some columns are never compared well, however much comes."
            .to_owned()
    } else {
        "Compare when so many rows have come; with fewer, that nothing drifted says little.".to_owned()
    };
    Story {
        title: format!("Rows that a comparison with {} needs", file_name(&args.reference)),
        tone: if without > 0 { Tone::Warn } else { Tone::Good },
        verdict: if without > 0 {
            format!("The reference is too small for {without} columns")
        } else {
            "The reference is large enough".to_owned()
        },
        what,
        how_sure: vec![format!(
            "With so many rows a change of {} is told from chance {} of the time.",
            number(args.effect),
            percent(args.power)
        )],
        what_to_do: vec![what_to_do],
        cards: vec![Card {
            title: "Rows needed",
            value: most.map_or_else(|| "a larger reference".to_owned(), crate::console::number),
            note: String::new(),
        }],
        sources: read.sources(args).into_iter().take(1).collect(),
    }
}
