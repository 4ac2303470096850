//! What `forecast` says to people: the line, and the values with it and its limit in a picture.

use cordon_stats::{
    forecast::{Crossing, Trend},
    interval::{Estimate, Unknown},
};

use super::super::{
    date, file_name, number,
    report::{Card, Course, Drawing, Figure, Head, Report, Row, Scale, Section, Source, Story, Table, Tone},
};
use super::{ForecastArgs, Told, Values};

/// Steps that the interval of the line is drawn in.
const STEPS: u32 = 48;
/// Points that are drawn: more are one line of ink.
const MOST_POINTS: usize = 400;
/// Seconds of a day.
const DAY: f64 = 86_400.0;

fn moment(time: f64, values: &Values) -> String {
    if !values.is_date {
        return number(time);
    }
    // Values that are of whole days foresee days. Else to the minute: nobody foresees a second.
    let is_daily = values.points.iter().all(|(time, _)| time % DAY == 0.0);
    date(if is_daily { (time / DAY).floor() * DAY } else { (time / 60.0).round() * 60.0 })
}

pub(super) fn told(crossing: Result<Crossing, Unknown>, values: &Values) -> Told {
    let at = |time: f64| moment(time, values);
    match crossing {
        Ok(Crossing::Already) => Told::Already,
        Ok(Crossing::Away) => Told::Away,
        Ok(Crossing::Expected { earliest, expected, latest }) => {
            Told::Expected { earliest: at(earliest), expected: at(expected), latest: at(latest) }
        }
        Ok(Crossing::Far { earliest }) => Told::Far { earliest: at(earliest) },
        Ok(Crossing::Unclear { earliest }) => Told::Unclear { earliest: earliest.map(at) },
        Err(why) => Told::Unknown { why: why_not(why) },
    }
}

/// Why no line can be laid, in the words of times and values.
pub(super) fn why_not(why: Unknown) -> String {
    match why {
        Unknown::Constant => "all values are of one time".to_owned(),
        _ => why.to_string(),
    }
}

fn limit(args: &ForecastArgs) -> String {
    match (args.at_most, args.at_least) {
        (Some(limit), _) => format!("at most {limit}"),
        (None, limit) => format!("at least {}", limit.unwrap_or(f64::NEG_INFINITY)),
    }
}

/// The answer in a sentence.
fn sentence(args: &ForecastArgs, values: &Values, crossing: Result<Crossing, Unknown>) -> String {
    let at_end = |earliest: Option<String>| {
        earliest.map_or_else(
            || "not even the edge of its interval crosses in the time ahead that is as long as twice the time seen".to_owned(),
            |time| format!("the edge of its interval crosses at {time}"),
        )
    };
    let limit = limit(args);
    match told(crossing, values) {
        Told::Already => format!("The limit ({limit}) is crossed now"),
        Told::Away => format!("The trend leads away from the limit ({limit})"),
        Told::Expected { earliest, expected, latest } => {
            format!(
                "The limit ({limit}) will be crossed at {expected} ({earliest} to {latest}), if the trend goes on"
            )
        }
        Told::Far { earliest } => {
            format!("The limit ({limit}) is too far away to be foreseen: {}", at_end(Some(earliest)))
        }
        Told::Unclear { earliest } => {
            format!(
                "No trend is told from chance, so no crossing of the limit ({limit}) can be foreseen; {}",
                at_end(earliest)
            )
        }
        Told::Unknown { why } => format!("When the limit ({limit}) is crossed cannot be said: {why}"),
    }
}

/// Change for a day, or for one of the time's own units, and which of both.
fn change(values: &Values, trend: &Trend) -> (Estimate, &'static str) {
    if values.is_date {
        (trend.slope.map(|slope| slope * DAY), "a day")
    } else {
        (trend.slope, "a unit of time")
    }
}

/// Rates may be small: by the digits that count.
fn shown(e: Estimate) -> String {
    format!("{} ({} to {})", number(e.value), number(e.low), number(e.high))
}

fn is_found(crossing: Result<Crossing, Unknown>) -> bool {
    matches!(crossing, Ok(Crossing::Already | Crossing::Expected { .. }))
}

pub(super) fn report(
    args: &ForecastArgs,
    values: &Values,
    trend: Result<Trend, Unknown>,
    crossing: Result<Crossing, Unknown>,
) -> Report {
    let mut summary =
        format!("{}: {} rows, {} points in time", args.file.display(), values.rows, values.points.len());
    if values.without > 0 {
        summary.push_str(&format!(", {} rows without a time or a value", values.without));
    }
    let answer = sentence(args, values, crossing);
    let mut section =
        Section { title: format!("{} over time", args.value), line: answer.clone(), ..Section::default() };
    if let Ok(trend) = trend {
        let (slope, unit) = change(values, &trend);
        let heads = vec![
            Head::left("VALUE"),
            Head::left("AT THE END").is("trend"),
            Head::left("CHANGE").is("slope"),
            Head::left("FOR"),
            Head::right("WORTH").is("effective"),
            Head::left("LIMIT"),
        ];
        let cells = [
            args.value.clone(),
            shown(trend.now),
            shown(slope),
            unit.to_owned(),
            number(trend.effective),
            limit(args),
        ];
        let row = Row {
            case: Some(format!("{}: {}", args.value, limit(args))),
            failure: is_found(crossing).then_some(answer),
            ..Row::plain(cells)
        };
        section.table = Table { heads, rows: vec![row] };
        let line = "values, the line through them with its interval, and the limit";
        section.figures.push(Figure::new(
            "course",
            "Over time",
            line,
            Drawing::Course(course(args, values, &trend, crossing)),
        ));
    }
    Report { name: "forecast", summary, sections: vec![section], notes: Vec::new() }
}

fn course(
    args: &ForecastArgs,
    values: &Values,
    trend: &Trend,
    crossing: Result<Crossing, Unknown>,
) -> Course {
    let (first, last) = trend.span;
    let seen = last - first;
    // As far ahead as the answer reaches, and a third of what was seen at least; no further than anything is foreseen.
    let reach = match crossing {
        Ok(Crossing::Expected { latest, .. }) => latest,
        Ok(Crossing::Far { earliest } | Crossing::Unclear { earliest: Some(earliest) }) => earliest,
        _ => last,
    };
    let end = reach.max(last + seen / 3.0).min(last + 2.0 * seen);
    let step = (end - first) / f64::from(STEPS);
    let band = (0..=STEPS).map(|at| {
        let time = step.mul_add(f64::from(at), first);
        let line = trend.at(time);
        (time, [line.low, line.value, line.high])
    });
    let every = values.points.len().div_ceil(MOST_POINTS).max(1);
    Course {
        points: values.points.iter().copied().step_by(every).collect(),
        band: band.collect(),
        last,
        limit: args.at_most.or(args.at_least).map(|limit| (limit, "limit".to_owned())),
        scale: if values.is_date { Scale::Date } else { Scale::Number },
    }
}

pub(super) fn story(
    args: &ForecastArgs,
    values: &Values,
    trend: Result<Trend, Unknown>,
    crossing: Result<Crossing, Unknown>,
) -> Story {
    let found = is_found(crossing);
    let mut what = Vec::new();
    let mut cards = vec![Card {
        title: "Points in time",
        value: crate::console::number(values.points.len() as u64),
        note: String::new(),
    }];
    if let Ok(trend) = trend {
        let (slope, unit) = change(values, &trend);
        what.push(format!(
            "{} is {} at the end of the line and changes by {} {unit}.",
            args.value,
            shown(trend.now),
            shown(slope)
        ));
        cards.push(Card {
            title: "At the end of the line",
            value: number(trend.now.value),
            note: shown(trend.now),
        });
        cards.push(Card {
            title: "Change",
            value: number(slope.value),
            note: format!("{} {unit}", shown(slope)),
        });
    }
    if let Told::Expected { earliest, expected, latest } = told(crossing, values) {
        cards.push(Card { title: "Crossed at", value: expected, note: format!("{earliest} to {latest}") });
    }
    Story {
        title: format!("When {} crosses its limit, by {}", args.value, file_name(&args.file)),
        tone: if found { Tone::Warn } else { Tone::Good },
        verdict: sentence(args, values, crossing),
        what,
        how_sure: vec![
            "The interval is that of a straight line, if the trend goes on as it went: what levels off, or comes back each week, is not foreseen."
                .to_owned(),
            trend.map_or_else(
                |why| format!("No line can be laid through the values: {}.", why_not(why)),
                |trend| format!("Values that resemble the ones before them say less: these are worth about {:.0} independent ones.", trend.effective),
            ),
        ],
        what_to_do: vec![if found {
            "Ask whoever owns this value before the earliest of these times, and look what changed when the trend began."
        } else {
            "Nothing. Look again with the next values."
        }
        .to_owned()],
        cards,
        sources: vec![Source {
            role: "values",
            path: args.file.clone(),
            rows: values.rows,
            period: String::new(),
            left_out: values.left_out.sentences(),
        }],
    }
}
