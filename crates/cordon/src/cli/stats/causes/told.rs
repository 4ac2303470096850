//! What `causes` says to people: tables for all forms, and the story and the figures of the page.

use std::path::PathBuf;

use cordon_stats::{
    causes::{Attribution, Cause, Columns, Found, Part, Segment, Separation, Within},
    drift::Reach,
    interval::{Estimate, Unknown},
    text::ChangedWord,
};

use super::super::{
    file_name, number,
    outcomes::{short, shown},
    percent, reach,
    report::{
        Card, Dot, Dots, Drawing, Figure, Head, Report, Row, Scale, Section, Source, Story, Table, Tone,
    },
};
use super::{Asked, CausesArgs, Explained, Sampled, Sides, answer::not_looked_at};

/// Contributions that are drawn beside each other.
const MOST_DOTS: usize = 20;
/// Words that are shown; JSON has all.
const MOST_WORDS: usize = 20;
/// Sentences about columns, and about segments.
pub(super) const MOST_SENTENCES: usize = 3;
/// The row of what no column explains.
const UNEXPLAINED: &str = "(unexplained)";

pub(super) fn report(
    args: &CausesArgs,
    asked: &Asked,
    columns: &Columns,
    sides: Sides<'_>,
    explained: &Explained,
) -> Report {
    let mut read = Vec::new();
    for ((path, side), what) in sides.into_iter().zip(["reference", "current"]) {
        let mut line = format!("{what}: {}, {} rows", path.display(), side.count);
        if side.without > 0 {
            line.push_str(&format!(", {} without what is to be explained", side.without));
        }
        let sampled = side.rows.len() + side.copies;
        if (sampled as u64) < side.rows.seen() {
            line.push_str(&format!(", a sample of {sampled} is looked at"));
        }
        if side.copies > 0 {
            line.push_str(&format!(", {} of them are copies of others and left out", side.copies));
        }
        read.push(line);
    }
    let (what, level) = (explained_thing(args, asked), args.level.alpha());
    let mut sections = Vec::new();
    sections.extend(explained.attribution.as_ref().map(|attribution| of_change(&what, attribution)));
    sections.push(of_separation(&explained.separation));
    // The answer that was asked for is what CI fails on.
    if let Some(answer) = sections.first_mut() {
        cases(answer, explained.has_change(args.level) == Ok(true));
    }
    sections.push(of_segments(asked, &what, &explained.segments, level));
    sections.extend(explained.worst.as_ref().map(|worst| of_worst(&what, worst, level)));
    sections.extend(explained.words.iter().map(|(column, words)| of_words(column, words)));
    let notes = not_looked_at(args, columns).map(|(column, why)| format!("{column}: not looked at, {why}"));
    Report { name: "causes", summary: read.join("\n"), sections, notes: notes.collect() }
}

/// Makes each row a test case, failed where the answer is a change and chance does not explain the row.
pub(super) fn cases(answer: &mut Section, has_change: bool) {
    for row in &mut answer.table.rows {
        let column = row.cells.first().map(|cell| cell.text.as_str()).unwrap_or_default();
        row.case = Some(format!("{}: {column}", answer.title));
        if !has_change {
            row.failure = None;
        }
    }
    // A change that no column explains alone is one, too.
    let is_told = answer.table.rows.iter().any(|row| row.failure.is_some());
    if let Some(last) = answer.table.rows.last_mut().filter(|_| has_change && !is_told) {
        last.failure = Some(answer.line.clone());
    }
}

/// A contribution that chance does not explain.
pub(super) fn is_known(e: &Estimate) -> bool {
    e.low > 0.0 || e.high < 0.0
}

pub(super) fn contribution(e: &Estimate, cells: impl IntoIterator<Item = String>) -> Row {
    let cells = cells.into_iter().map(Into::into).collect();
    Row { cells, case: None, failure: is_known(e).then(|| signed(e)) }
}

/// What is explained, in words.
fn explained_thing(args: &CausesArgs, asked: &Asked) -> String {
    match (asked, &args.prediction) {
        (Asked::Error, Some(prediction)) => format!("the error of {prediction}"),
        (_, Some(prediction)) => prediction.clone(),
        (_, None) => "tables".to_owned(),
    }
}

/// A number with its sign and its interval.
pub(super) fn signed(e: &Estimate) -> String {
    format!("{:+} ({:+} to {:+})", Shown(e.value), Shown(e.low), Shown(e.high))
}

/// A number in a few digits, with a sign where it is asked for.
pub(super) struct Shown(pub(super) f64);

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = if self.0.abs() < 0.1 { format!("{:.4}", self.0) } else { short(self.0) };
        if f.sign_plus() && self.0 >= 0.0 { write!(f, "+{text}") } else { f.write_str(&text) }
    }
}

fn cannot_be_said(what: &str, why: Unknown) -> Section {
    Section { line: format!("{what} cannot be said: {why}"), ..Section::default() }
}

/// Contributions beside each other, with their intervals and the line of none.
pub(super) fn contributions(id: &str, title: &str, all: impl Iterator<Item = (String, Estimate)>) -> Figure {
    let dot = |(label, e): (String, Estimate)| Dot {
        label,
        value: e.value,
        interval: Some((e.low, e.high)),
        tone: if is_known(&e) { Tone::Warn } else { Tone::Quiet },
    };
    let dots = Dots::new("contribution", Scale::Number, (0.0, 0.0), all.take(MOST_DOTS).map(dot).collect());
    let dots = Dots { limit: Some((0.0, "none".to_owned())), ..dots };
    Figure::new(id, title, "with intervals; what does not touch the line is not chance", Drawing::Dots(dots))
}

fn of_change(what: &str, said: &Result<Attribution, Unknown>) -> Section {
    let found = match said {
        Ok(found) => found,
        Err(why) => return cannot_be_said(&format!("What moved {what}"), *why),
    };
    let [was, is] = found.means;
    let mut line = format!(
        "Mean of {what}: {} -> {}, a change of {}\nThe columns explain {} of its variation in the reference",
        Shown(was.value),
        Shown(is.value),
        signed(&found.change),
        percent(found.explained_variance)
    );
    if found.unseen.value > 0.0 {
        line.push_str(&format!(
            "; {} of the current rows have values that it hardly knew",
            percent(found.unseen.value)
        ));
    }
    let whole = found.change.value;
    let part = |e: &Estimate| if whole == 0.0 { String::new() } else { percent(e.value / whole) };
    let row = |cause: &Cause| {
        let of = &cause.contribution;
        contribution(of, [cause.column.clone(), signed(of), part(of), format!("{:.4}", cause.alone)])
    };
    let mut rows: Vec<Row> = found.columns.iter().map(row).collect();
    let rest = [UNEXPLAINED.to_owned(), signed(&found.unexplained), part(&found.unexplained), String::new()];
    rows.push(contribution(&found.unexplained, rest));
    let heads = vec![
        Head::left("COLUMN"),
        Head::left("MOVED IT BY").is("contribution"),
        Head::right("OF THE CHANGE"),
        Head::right("JS ALONE").is("js"),
    ];
    let all = found.columns.iter().map(|cause| (cause.column.clone(), cause.contribution));
    let all = all.chain([(UNEXPLAINED.to_owned(), found.unexplained)]);
    Section {
        title: format!("What moved {what}"),
        line,
        table: Table { heads, rows },
        figures: vec![contributions("moved", "What moved it, by column", all)],
        ..Section::default()
    }
}

fn of_separation(said: &Result<Separation, Unknown>) -> Section {
    let found = match said {
        Ok(found) => found,
        Err(why) => return cannot_be_said("Whether anything tells the tables apart", *why),
    };
    let heads =
        vec![Head::left("COLUMN"), Head::left("LOG ODDS").is("separation"), Head::right("JS ALONE").is("js")];
    let row = |cause: &Cause| {
        let of = &cause.contribution;
        contribution(of, [cause.column.clone(), signed(of), format!("{:.4}", cause.alone)])
    };
    let all = found.columns.iter().map(|cause| (cause.column.clone(), cause.contribution));
    Section {
        title: "What tells the tables apart".to_owned(),
        line: format!(
            "A classifier tells the tables apart with AUC {} (0.5: not at all), p = {}",
            shown(Ok(found.classified.auc)),
            found.classified.p_value
        ),
        table: Table { heads, rows: found.columns.iter().map(row).collect() },
        figures: vec![contributions("apart", "Log odds, by column", all)],
        ..Section::default()
    }
}

fn of_segments(asked: &Asked, what: &str, said: &Result<Vec<Found>, Unknown>, level: f64) -> Section {
    let title = if asked.is_any() {
        format!("Segments that moved {what}")
    } else {
        "Segments that grew or shrank".to_owned()
    };
    let found = match said {
        Ok(found) => found,
        Err(why) => return cannot_be_said(&title, *why),
    };
    let mean = |mean: Option<f64>| mean.map(|mean| Shown(mean).to_string()).unwrap_or_default();
    let row = |one: &Found| {
        let ([was, is], [before, after]) = (one.support, one.means);
        let mut cells = vec![named(&one.segment), format!("{} -> {}", percent(was.value), percent(is.value))];
        if asked.is_any() {
            cells.push(format!("{} -> {}", mean(before), mean(after)));
        }
        cells.extend([signed(&one.effect), p(one.p_adjusted)]);
        cells
    };
    let mut heads = vec![Head::left("SEGMENT"), Head::left("ROWS")];
    if asked.is_any() {
        heads.push(Head::left("MEAN"));
    }
    heads.extend([Head::left("CONTRIBUTION").is("contribution"), Head::right("P ADJUSTED").is("p_adjusted")]);
    confirmed("segments", title, heads, found, level, row)
}

fn of_worst(what: &str, said: &Result<Vec<Found>, Unknown>, level: f64) -> Section {
    let title = format!("Where {what} is highest now");
    let found = match said {
        Ok(found) => found,
        Err(why) => return cannot_be_said(&title, *why),
    };
    let mean = |mean: Option<f64>| mean.map(|mean| Shown(mean).to_string()).unwrap_or_default();
    let row = |one: &Found| {
        let ([share, _], [outside, inside]) = (one.support, one.means);
        vec![
            named(&one.segment),
            percent(share.value),
            mean(inside),
            mean(outside),
            signed(&one.effect),
            p(one.p_adjusted),
        ]
    };
    let heads = vec![
        Head::left("SEGMENT"),
        Head::right("ROWS"),
        Head::right("INSIDE"),
        Head::right("OUTSIDE"),
        Head::left("DIFFERENCE"),
        Head::right("P ADJUSTED").is("p_adjusted"),
    ];
    confirmed("worst", title, heads, found, level, row)
}

/// The segments that the other half of the rows confirms, and how many it does not.
fn confirmed(
    id: &str,
    title: String,
    heads: Vec<Head>,
    found: &[Found],
    level: f64,
    row: impl Fn(&Found) -> Vec<String>,
) -> Section {
    let confirmed: Vec<&Found> = found.iter().filter(|one| one.p_adjusted <= level).collect();
    let others = found.len() - confirmed.len();
    let others = if others == 0 { String::new() } else { format!("; {others} more did not hold there") };
    if confirmed.is_empty() {
        let line = format!("{title}: no segment stands out{others}");
        return Section { title, line, ..Section::default() };
    }
    let rows = confirmed.iter().map(|one| Row::plain(row(one)));
    let table = Table { heads, rows: rows.collect() };
    let all = confirmed.iter().map(|one| (named(&one.segment), one.effect));
    Section {
        line: format!("{title}, found on half of the rows and measured on the others{others}"),
        table,
        figures: vec![contributions(id, &title, all)],
        title,
        ..Section::default()
    }
}

fn of_words(column: &str, words: &[ChangedWord]) -> Section {
    let title = format!("Words of {column} that came or went");
    if words.is_empty() {
        return Section { line: format!("{title}: none"), title, ..Section::default() };
    }
    let row = |one: &ChangedWord| {
        let [was, is] = one.shares;
        let texts = format!("{} -> {}", percent(was), percent(is));
        Row::plain([one.word.clone(), texts, signed(&one.change), p(one.p_adjusted)])
    };
    let heads =
        vec![Head::left("WORD"), Head::left("TEXTS"), Head::left("CHANGE"), Head::right("P ADJUSTED")];
    let more = words.len().saturating_sub(MOST_WORDS);
    Section {
        line: format!("{title}, by the share of texts that have them"),
        title,
        table: Table { heads, rows: words.iter().take(MOST_WORDS).map(row).collect() },
        notes: if more == 0 { Vec::new() } else { vec![format!("{more} more words changed")] },
        ..Section::default()
    }
}

pub(super) fn story(args: &CausesArgs, asked: &Asked, sides: Sides<'_>, explained: &Explained) -> Story {
    let what = explained_thing(args, asked);
    let mut told = Vec::new();
    let attribution = explained.attribution.as_ref().and_then(|said| said.as_ref().ok());
    let separation = explained.separation.as_ref().ok();
    if let Some(found) = attribution {
        let [was, is] = found.means;
        told.push(format!("The mean of {what} went from {} to {}.", Shown(was.value), Shown(is.value)));
    }
    let causes = attribution.map(|found| &found.columns).or(separation.map(|found| &found.columns));
    let causes = causes.into_iter().flatten().filter(|cause| is_known(&cause.contribution));
    told.extend(
        causes.take(MOST_SENTENCES).map(|cause| format!("{}: {}", cause.column, signed(&cause.contribution))),
    );
    let segments = explained.segments.as_ref().ok().into_iter().flatten();
    let segments = segments.filter(|one| one.p_adjusted <= args.level.alpha());
    told.extend(segments.take(MOST_SENTENCES).map(|one| {
        let [was, is] = one.support;
        format!(
            "{}: from {} to {} of the rows, {}",
            named(&one.segment),
            percent(was.value),
            percent(is.value),
            signed(&one.effect)
        )
    }));
    let has_change = explained.has_change(args.level);
    let verdict = match (has_change, attribution.is_some()) {
        (Ok(true), true) => format!("The mean of {what} changed"),
        (Ok(true), false) => "The tables can be told apart".to_owned(),
        (Ok(false), true) => format!("No change of {what} that chance does not explain"),
        (Ok(false), false) => "Nothing tells the tables apart".to_owned(),
        (Err(why), _) => format!("What changed cannot be said: {why}"),
    };
    let [(reference, was), (current, is)] = sides;
    let mut cards = vec![
        Card {
            title: "Rows of the reference",
            value: crate::console::number(was.count),
            note: String::new(),
        },
        Card { title: "Rows now", value: crate::console::number(is.count), note: String::new() },
    ];
    cards.extend(attribution.map(|found| Card {
        title: "Change of the mean",
        value: format!("{:+}", Shown(found.change.value)),
        note: signed(&found.change),
    }));
    cards.extend(separation.map(|found| Card {
        title: "AUC of telling the tables apart",
        value: short(found.classified.auc.value),
        note: shown(Ok(found.classified.auc)),
    }));
    let source = |role, path: &PathBuf, side: &Sampled| Source {
        role,
        path: path.clone(),
        rows: side.count,
        period: String::new(),
        left_out: side.left_out.sentences(),
    };
    Story {
        title: format!("Why {} is not like {}", file_name(current), file_name(reference)),
        tone: if has_change == Ok(false) { Tone::Good } else { Tone::Warn },
        verdict,
        what: told,
        how_sure: vec![
            format!(
                "Each contribution has its interval at {}; segments are found on half of the rows and measured on the other half, corrected for the search.",
                percent(args.level.confidence())
            ),
            "This says where a change sits in the data, not what caused it in the world.".to_owned(),
        ],
        what_to_do: vec![match has_change {
            Ok(true) => {
                "Begin with the first column and the first segment: ask whoever owns them what happened there."
                    .to_owned()
            }
            Ok(false) => "Nothing. Look again with the next data.".to_owned(),
            Err(_) => "Collect more rows.".to_owned(),
        }],
        cards,
        sources: vec![source("reference", reference, was), source("current", current, is)],
    }
}

pub(super) fn value(within: &Within) -> String {
    match within {
        Within::Missing => "(missing)".to_owned(),
        Within::Reach(Reach::Numbers(low, high)) if low.is_finite() && high.is_finite() => {
            format!("{} to {}", number(*low), number(*high))
        }
        Within::Reach(Reach::Numbers(low, high)) if low.is_finite() => format!(">= {}", number(*low)),
        Within::Reach(Reach::Numbers(low, high)) if high.is_finite() => format!("< {}", number(*high)),
        Within::Reach(of) => reach(of),
    }
}

pub(super) fn named(segment: &Segment) -> String {
    let part = |part: &Part| match &part.within {
        Within::Reach(Reach::Numbers(..)) => format!("{} {}", part.column, value(&part.within)),
        _ => format!("{} = {}", part.column, value(&part.within)),
    };
    segment.parts.iter().map(part).collect::<Vec<_>>().join(", ")
}

pub(super) fn p(value: f64) -> String {
    cordon_stats::PValue::of(value).to_string()
}
