//! The same where a side is a saved profile: columns one by one, and the segments that profiles keep. What needs rows is refused.

use std::path::Path;

use cordon_stats::{
    causes::{self, Columns, Found, Moved, Part, Segment, Within},
    drift::Reach,
    interval::{Estimate, Level, Mean, Unknown},
    profile::{ColumnProfile, Profile},
};
use serde::Serialize;

use super::super::super::json;
use super::super::{
    Loaded, Said, StatsError, file_name, no_column,
    outcomes::Range,
    percent,
    report::{Card, Head, Report, Row, Section, Story, Table, Tone},
    segments::{By, Segments},
    warn,
};
use super::{
    Asked, CausesArgs,
    answer::{Named, NotLookedAt, named_not_looked_at, not_looked_at, segment},
    read,
    told::{MOST_SENTENCES, Shown, cases, contribution, contributions, is_known, named, p, signed},
};
use crate::tables::{self, Format};

/// Segments that are shown; JSON has all.
const MOST_SHOWN: usize = 10;

/// The first of both files that is a saved profile.
pub(super) fn a_profile(args: &CausesArgs) -> Result<Option<&Path>, StatsError> {
    for path in [&args.reference, &args.current] {
        if tables::format(path)? == Format::Profile {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// What profiles say.
struct Explained {
    sides: [Loaded; 2],
    columns: Columns,
    /// The mean of the outcome on both sides and its change, where one was asked for.
    change: Option<Change>,
    /// Each column by itself.
    moved: Vec<Moved>,
    segments: Result<Vec<Found>, Unknown>,
    /// Rows of segments that are not kept, of both sides.
    rows_beyond: Option<[u64; 2]>,
    level: Level,
}

struct Change {
    of: String,
    means: [Estimate; 2],
    change: Estimate,
}

#[derive(Serialize)]
struct Answer<'a> {
    reference: File,
    current: File,
    level: f64,
    /// `tables` or `prediction`.
    explained: &'static str,
    /// `profiles`: no row was looked at.
    from: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<Means>,
    columns: Vec<Alone<'a>>,
    segments: Vec<Named<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segments_unknown: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows_of_other_segments: Option<[u64; 2]>,
    not_looked_at: Vec<NotLookedAt<'a>>,
}

#[derive(Serialize)]
struct File {
    file: String,
    rows: u64,
    left_out: Vec<String>,
}

#[derive(Serialize)]
struct Means {
    mean_reference: Range,
    mean_current: Range,
    change: Range,
}

/// A column by itself.
#[derive(Serialize)]
struct Alone<'a> {
    column: &'a str,
    contribution: Range,
    jensen_shannon_distance_base2: f64,
    p_adjusted: f64,
}

pub(super) fn run(args: &CausesArgs, asked: &Asked, profile_path: &Path) -> Result<Said, StatsError> {
    let by = refused(args, asked, profile_path)?;
    let delimiter = args.reading.delimiter;
    let sides = [Loaded::read(&args.reference, delimiter)?, Loaded::read(&args.current, delimiter)?];
    let columns = read::columns(args, sides.each_ref())?;
    let kept = match &by {
        None => None,
        Some(by) => {
            let reference = Segments::of(&args.reference, delimiter, by, None)?;
            let current = Segments::of(&args.current, delimiter, by, Some(&reference))?;
            Some([reference, current])
        }
    };
    let change = match &args.prediction {
        None => None,
        Some(of) => Some(Change::of(args, of, &sides)?),
    };
    let level = args.level;
    let rows_beyond = kept.as_ref().map(|kept| kept.each_ref().map(|side| side.rows_beyond));
    let segments = match (&kept, &args.prediction) {
        (None, _) => causes::pieces(&columns, level),
        (Some(kept), None) => {
            let rows = kept.each_ref().map(|side| side.sizes.rows());
            causes::grown(&parts(kept, by.as_ref(), |part| Ok(part.rows()))?, rows, level)
        }
        (Some(kept), Some(_)) => {
            let mean =
                |profile: &Profile| outcome(args, profile).map_err(|why| unknown(args, profile_path, why));
            let [was, is] = &sides;
            let all = [mean(&was.profile)?, mean(&is.profile)?];
            causes::movers(&parts(kept, by.as_ref(), mean)?, &all, level)
        }
    };
    let moved = causes::moved(&columns, level);
    let explained = Explained { sides, columns, change, moved, segments, rows_beyond, level };
    let report = explained.report(args);
    args.look.write(&report, || explained.story(args))?;
    if args.look.form.json {
        json(&explained.answer(args))?;
    } else {
        for side in &explained.sides {
            warn(&side.path, &side.left_out.sentences());
        }
        args.look.say(&report)?;
    }
    Ok(if explained.has_change() { Said::Found } else { Said::Nothing })
}

/// What the segments are by, where that is asked; what needs rows is not answered.
fn refused(args: &CausesArgs, asked: &Asked, profile: &Path) -> Result<Option<By>, StatsError> {
    let refuse = |what: &str, help: &str| {
        let path = profile.display();
        Err(StatsError::Told(format!("`{path}` is a saved profile, which has no rows: {what}; help: {help}")))
    };
    let tables = "name the tables themselves";
    match (asked, args.by.as_slice()) {
        (Asked::Error, _) => {
            refuse("what moved the error, and where it is highest, is looked for in rows", tables)
        }
        _ if !args.text.is_empty() => refuse("words and languages are counted in rows", tables),
        (_, [_, _, ..]) => {
            refuse("it is apart by one --by", "take one of them, or name the tables themselves")
        }
        (Asked::Prediction, []) => refuse(
            "what each column contributed to a mean is looked for in rows",
            "name the tables themselves; or ask for the segments that moved it by --by COLUMN, of a profile that keeps them (`cordon profile \
             FILE --output NAME --by COLUMN`)",
        ),
        (_, []) => Ok(None),
        (_, [by]) => Ok(Some(By::Columns(by.clone()))),
    }
}

/// Segments with what is known of each on both sides. One that the current side may have beyond those that it keeps is not compared.
fn parts<T>(
    [reference, current]: &[Segments; 2],
    by: Option<&By>,
    of: impl Fn(&Profile) -> Result<T, StatsError>,
) -> Result<Vec<(Segment, [T; 2])>, StatsError> {
    let nothing = Profile::new::<&str>(&[]);
    let column = by.map(By::name).unwrap_or_default();
    let mut both = Vec::with_capacity(reference.profiles.len());
    for (name, was) in &reference.profiles {
        let is = match current.profiles.get(name) {
            Some(is) => is,
            None if current.rows_beyond == 0 => &nothing,
            None => continue,
        };
        let within = Within::Reach(Reach::Category(name.clone()));
        let part = Part { column: column.clone(), within };
        both.push((Segment { parts: vec![part] }, [of(was)?, of(is)?]));
    }
    Ok(both)
}

fn unknown(args: &CausesArgs, path: &Path, why: &str) -> StatsError {
    let of = args.prediction.as_deref().unwrap_or_default();
    let path = path.display();
    StatsError::Told(format!(
        "the mean of `{of}` cannot be told from `{path}`: {why}; help: name the table itself"
    ))
}

/// The outcomes of a profile; none where it does not have the column.
fn outcome(args: &CausesArgs, profile: &Profile) -> Result<Mean, &'static str> {
    let column = args.prediction.as_ref().and_then(|name| profile.column(name));
    column.map_or_else(|| Ok(Mean::default()), |column: &ColumnProfile| args.meaning.of_profile(column))
}

impl Change {
    fn of(args: &CausesArgs, of: &str, sides: &[Loaded; 2]) -> Result<Self, StatsError> {
        let mean = |side: &Loaded| {
            if side.profile.column(of).is_none() {
                return Err(no_column(&side.path, of));
            }
            outcome(args, &side.profile).map_err(|why| unknown(args, &side.path, why))
        };
        let [was, is] = sides;
        let (was, is) = (mean(was)?, mean(is)?);
        let told = |why: Unknown| StatsError::Told(format!("the mean of `{of}` cannot be said: {why}"));
        Ok(Self {
            of: of.to_owned(),
            means: [was.student(args.level).map_err(told)?, is.student(args.level).map_err(told)?],
            change: is.minus(&was, args.level).map_err(told)?,
        })
    }
}

impl Explained {
    /// Did chance alone not make it?
    fn has_change(&self) -> bool {
        match &self.change {
            Some(change) => is_known(&change.change),
            None => self.moved.iter().any(|one| one.p_adjusted <= self.level.alpha()),
        }
    }

    fn answer(&self, args: &CausesArgs) -> Answer<'_> {
        let [reference, current] = self.sides.each_ref().map(|side| File {
            file: side.path.display().to_string(),
            rows: side.profile.rows(),
            left_out: side.left_out.sentences(),
        });
        Answer {
            reference,
            current,
            level: self.level.alpha(),
            explained: if self.change.is_some() { "prediction" } else { "tables" },
            from: "profiles",
            change: self.change.as_ref().map(|change| Means {
                mean_reference: change.means[0].into(),
                mean_current: change.means[1].into(),
                change: change.change.into(),
            }),
            columns: self
                .moved
                .iter()
                .map(|one| Alone {
                    column: &one.cause.column,
                    contribution: one.cause.contribution.into(),
                    jensen_shannon_distance_base2: one.cause.alone,
                    p_adjusted: one.p_adjusted,
                })
                .collect(),
            segments: self.segments.iter().flatten().map(segment).collect(),
            segments_unknown: self.segments.as_ref().err().map(ToString::to_string),
            rows_of_other_segments: self.rows_beyond,
            not_looked_at: named_not_looked_at(args, &self.columns),
        }
    }

    fn report(&self, args: &CausesArgs) -> Report {
        let roles = self.sides.iter().zip(["reference", "current"]);
        let read = roles
            .map(|(side, role)| format!("{role}: {}, {} rows", side.path.display(), side.profile.rows()));
        let mut sections = Vec::new();
        sections.extend(self.change.as_ref().map(of_change));
        sections.push(self.of_columns());
        // The answer that was asked for is what CI fails on.
        if let Some(answer) = sections.first_mut() {
            cases(answer, self.has_change());
        }
        sections.push(self.of_segments());
        let notes =
            not_looked_at(args, &self.columns).map(|(name, why)| format!("{name}: not looked at, {why}"));
        let beyond = self.rows_beyond.filter(|rows| *rows != [0, 0]);
        let notes = notes.chain(beyond.map(|[was, is]| {
            format!("rows of other segments are left out: {was} of the reference, {is} of the current data")
        }));
        let summary = read.collect::<Vec<_>>().join("\n");
        Report { name: "causes", summary, sections, notes: notes.collect() }
    }

    fn of_columns(&self) -> Section {
        let heads = vec![
            Head::left("COLUMN"),
            Head::left("LOG ODDS").is("separation"),
            Head::right("JS ALONE").is("js"),
            Head::right("P ADJUSTED").is("p_adjusted"),
        ];
        let row = |one: &Moved| {
            let of = &one.cause.contribution;
            let cells =
                [one.cause.column.clone(), signed(of), format!("{:.4}", one.cause.alone), p(one.p_adjusted)];
            let failure = (one.p_adjusted <= self.level.alpha()).then(|| signed(of));
            Row { failure, ..contribution(of, cells) }
        };
        let all = self.moved.iter().map(|one| (one.cause.column.clone(), one.cause.contribution));
        Section {
            title: "Which columns moved".to_owned(),
            line: "Each column by itself, from profiles: what moves together counts in each".to_owned(),
            table: Table { heads, rows: self.moved.iter().map(row).collect() },
            figures: vec![contributions("moved", "Log odds, by column", all)],
            ..Section::default()
        }
    }

    /// Those that chance does not explain.
    fn told(&self) -> Vec<&Found> {
        let told = self.segments.iter().flatten().filter(|one| one.p_adjusted <= self.level.alpha());
        told.collect()
    }

    fn of_segments(&self) -> Section {
        let title = match &self.change {
            Some(change) => format!("Segments that moved {}", change.of),
            None => "Segments that grew or shrank".to_owned(),
        };
        if let Err(why) = &self.segments {
            return Section { line: format!("{title} cannot be said: {why}"), ..Section::default() };
        }
        let told = self.told();
        if told.is_empty() {
            return Section { line: format!("{title}: no segment stands out"), title, ..Section::default() };
        }
        let mean = |mean: Option<f64>| mean.map(|mean| Shown(mean).to_string()).unwrap_or_default();
        let row = |one: &&Found| {
            let ([was, is], [before, after]) = (one.support, one.means);
            let mut cells =
                vec![named(&one.segment), format!("{} -> {}", percent(was.value), percent(is.value))];
            if self.change.is_some() {
                cells.push(format!("{} -> {}", mean(before), mean(after)));
            }
            cells.extend([signed(&one.effect), p(one.p_adjusted)]);
            Row::plain(cells)
        };
        let mut heads = vec![Head::left("SEGMENT"), Head::left("ROWS")];
        if self.change.is_some() {
            heads.push(Head::left("MEAN"));
        }
        heads.extend([
            Head::left("CONTRIBUTION").is("contribution"),
            Head::right("P ADJUSTED").is("p_adjusted"),
        ]);
        let more = told.len().saturating_sub(MOST_SHOWN);
        let all = told.iter().take(MOST_SHOWN).map(|one| (named(&one.segment), one.effect));
        Section {
            line: format!("{title}, corrected for every segment that was looked at"),
            table: Table { heads, rows: told.iter().take(MOST_SHOWN).map(row).collect() },
            figures: vec![contributions("segments", &title, all)],
            notes: if more == 0 { Vec::new() } else { vec![format!("{more} more segments changed")] },
            title,
            ..Section::default()
        }
    }

    fn story(&self, args: &CausesArgs) -> Story {
        let mut what = Vec::new();
        if let Some(change) = &self.change {
            let [was, is] = change.means;
            what.push(format!(
                "The mean of {} went from {} to {}.",
                change.of,
                Shown(was.value),
                Shown(is.value)
            ));
        }
        let alpha = self.level.alpha();
        let moved = self.moved.iter().filter(|one| one.p_adjusted <= alpha).take(MOST_SENTENCES);
        what.extend(
            moved.map(|one| format!("{} moved: {}", one.cause.column, signed(&one.cause.contribution))),
        );
        what.extend(self.told().into_iter().take(MOST_SENTENCES).map(|one| {
            let [was, is] = one.support;
            let (was, is) = (percent(was.value), percent(is.value));
            format!("{}: from {was} to {is} of the rows, {}", named(&one.segment), signed(&one.effect))
        }));
        let has_change = self.has_change();
        let verdict = match (has_change, &self.change) {
            (true, Some(change)) => format!("The mean of {} changed", change.of),
            (true, None) => "Columns moved".to_owned(),
            (false, Some(change)) => format!("No change of {} that chance does not explain", change.of),
            (false, None) => "No column moved that chance does not explain".to_owned(),
        };
        let titles = ["Rows of the reference", "Rows now"];
        let cards = titles.into_iter().zip(&self.sides).map(|(title, side)| Card {
            title,
            value: crate::console::number(side.profile.rows()),
            note: String::new(),
        });
        let of_mean = self.change.iter().map(|change| Card {
            title: "Change of the mean",
            value: format!("{:+}", Shown(change.change.value)),
            note: signed(&change.change),
        });
        let [reference, current] = &self.sides;
        Story {
            title: format!("Why {} is not like {}", file_name(&args.current), file_name(&args.reference)),
            tone: if has_change { Tone::Warn } else { Tone::Good },
            verdict,
            what,
            how_sure: vec![
                format!(
                    "Intervals hold at {}; p-values are corrected for every column and for every segment.",
                    percent(self.level.confidence())
                ),
                "A saved profile has no rows: columns are looked at one by one, and what moves together counts in each.".to_owned(),
            ],
            what_to_do: vec![if has_change {
                "Begin with the first column and the first segment: ask whoever owns them what happened there."
            } else {
                "Nothing. Look again with the next data."
            }
            .to_owned()],
            cards: cards.chain(of_mean).collect(),
            sources: vec![reference.source("reference"), current.source("current")],
        }
    }
}

fn of_change(change: &Change) -> Section {
    let [was, is] = change.means;
    let heads =
        vec![Head::left("MEAN OF"), Head::right("REFERENCE"), Head::right("CURRENT"), Head::left("CHANGE")];
    let cells = [
        change.of.clone(),
        Shown(was.value).to_string(),
        Shown(is.value).to_string(),
        signed(&change.change),
    ];
    Section {
        title: format!("How {} moved", change.of),
        line: "Which columns moved it is looked for in rows, which a profile does not have".to_owned(),
        table: Table { heads, rows: vec![contribution(&change.change, cells)] },
        ..Section::default()
    }
}
