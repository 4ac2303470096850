//! What `performance` says to people: tables for all forms, and the story and the figures of the page.

use cordon_stats::{
    interval::{Estimate, ties},
    performance::scores,
    profile::{Cell as Value, Profile},
};

use super::super::{
    columns, file_name, number,
    outcomes::{Told, short, shown},
    percent,
    report::{
        Bars, Card, Cell, Curve, Curves, Dot, Dots, Drawing, Figure as Drawn, Head, Point, Report, Row,
        Scale, Section, Side, Source, Story, Table, Tone, name_of,
    },
};
use super::{
    Estimated, Measure, PerformanceArgs,
    figures::Figure,
    limits::{Breach, Limits},
    rows::{Joined, Read, Rows, Task},
    weighed,
};

/// Points of a curve: more are not seen.
const MOST_POINTS: usize = 240;

pub(super) fn report(
    args: &PerformanceArgs,
    read: &Read,
    measure: &Measure,
    (estimates, weighed): (&[Estimated], Option<&weighed::Told<'_>>),
    limits: &Limits,
) -> Report {
    let breaches = &limits.breaches;
    let mut summary = format!("{}: {} rows", args.file.display(), read.count);
    for (count, what) in
        [(read.without_label, "without a label"), (read.without_prediction, "without a prediction or score")]
    {
        if count > 0 {
            summary.push_str(&format!(", {count} {what}"));
        }
    }
    let mut sections: Vec<Section> = Vec::new();
    sections.extend(read.late.as_ref().map(late));
    if !estimates.is_empty() {
        sections.push(expected(estimates));
    }
    sections.extend(weighed.map(by_weight));
    if !measure.figures.is_empty() {
        sections.push(measured(args, measure, breaches));
        if args.look.is_page() {
            sections.extend(curves(args, measure, &read.rows));
        }
    }
    // What cannot be judged is said as the failure that it is.
    let notes = breaches.iter().map(|breach| format!("breach: {}", breach.sentence));
    let notes = notes.chain(limits.open.iter().map(|open| open.said(args.power))).collect();
    Report { name: "performance", summary, sections, notes }
}

fn late(joined: &Joined) -> Section {
    let Joined { coverage, delay, without_id: [predictions, labels], .. } = joined;
    let share = coverage.share().value().unwrap_or(0.0);
    let mut line = format!(
        "{} of {} predictions have a label ({})",
        coverage.labelled,
        coverage.predictions,
        percent(share)
    );
    for (count, what) in [
        (coverage.repeated_predictions, "predictions repeat an id"),
        (coverage.repeated_labels, "labels repeat an id"),
        (coverage.unknown_labels, "labels have no prediction"),
        (coverage.beyond_capacity, "predictions are beyond what is held"),
        (*predictions, "predictions have no id that tells them from others"),
        (*labels, "labels have no id that tells them from others"),
    ] {
        if count > 0 {
            line.push_str(&format!(", {count} {what} (left out)"));
        }
    }
    let mut aside = Vec::new();
    if let Some(delay) = delay {
        line.push_str(&format!(
            "\nLabels came after {} s (half of them), {} s (nine of ten), {} s (the latest)",
            number(delay.median),
            number(delay.p90),
            number(delay.longest)
        ));
        if delay.negative > 0 {
            line.push_str(&format!("; {} before their prediction: a wrong clock, or a leak", delay.negative));
        }
        aside.push("Predictions that are younger than the slowest labels cannot be judged yet.".to_owned());
    }
    let bars = Bars {
        labels: vec!["with a label".to_owned(), "without one yet".to_owned()],
        sides: vec![(Side::Current, vec![share, 1.0 - share])],
    };
    let figure = Drawn::new(
        "coverage",
        "Labels that have come",
        format!("{} of the predictions", percent(share)),
        Drawing::Bars(bars),
    );
    Section { title: "Late labels".to_owned(), line, figures: vec![figure], aside, ..Section::default() }
}

/// Estimates beside what was realised.
fn table_of(estimates: &[Estimated]) -> Table {
    let heads = vec![
        Head::left("METRIC"),
        Head::left("EXPECTED").is("expected"),
        Head::left("REALISED"),
        Head::right("ERROR").is("estimate_error"),
        Head::right("SURPRISE").is("surprise"),
    ];
    let row = |one: &Estimated| {
        let expected = match &one.told {
            Told::Known(range) => {
                let high = range.high.map(short).unwrap_or_default();
                format!("{} ({} to {high})", short(range.value), short(range.low))
            }
            Told::Unknown { unknown } => format!("unknown: {unknown}"),
        };
        let told = |value: Option<f64>| value.map(short).unwrap_or_default();
        Row::plain([
            Cell::from(one.metric).is(one.metric),
            expected.into(),
            told(one.realised).into(),
            one.error.map(|error| format!("{error:+.3}")).unwrap_or_default().into(),
            told(one.surprise).into(),
        ])
    };
    Table { heads, rows: estimates.iter().map(row).collect() }
}

/// What labelled rows say that are weighted as these are distributed.
fn by_weight(weighed: &weighed::Told<'_>) -> Section {
    let notes = if weighed.metrics().is_empty() {
        Vec::new()
    } else {
        vec!["It holds where the same inputs still have the same answers; what nobody labelled is not filled in.".to_owned()]
    };
    Section {
        title: "Without labels, by weighted rows".to_owned(),
        line: weighed.said(),
        table: table_of(weighed.metrics()),
        notes,
        ..Section::default()
    }
}

fn expected(estimates: &[Estimated]) -> Section {
    let mut dots = Vec::new();
    for one in estimates {
        if let Told::Known(range) = &one.told {
            dots.push(Dot {
                label: name_of(one.metric).to_owned(),
                value: range.value,
                interval: Some((range.low, range.high.unwrap_or(f64::INFINITY))),
                tone: Tone::Quiet,
            });
        }
        if let Some(value) = one.realised {
            let tone =
                if one.surprise.is_some_and(|surprise| surprise > 1.0) { Tone::Bad } else { Tone::Good };
            dots.push(Dot { label: "realised".to_owned(), value, interval: None, tone });
        }
    }
    let figure = Drawn::new(
        "expected",
        "Expected without labels",
        "where the realised value will lie, and where it lies",
        Drawing::Dots(Dots::new("interval", Scale::Number, (0.0, 1.0), dots)),
    );
    Section {
        title: "Without labels".to_owned(),
        line: "Without labels: expected, and where the realised value will lie".to_owned(),
        table: table_of(estimates),
        notes: vec![
            "A surprise above 1 lies outside of what the rows with labels should show: when that is common, the scores no longer mean what they meant."
                .to_owned(),
        ],
        figures: vec![figure],
        ..Section::default()
    }
}

fn measured(args: &PerformanceArgs, measure: &Measure, breaches: &[Breach]) -> Section {
    let confidence = percent(args.confidence.confidence());
    let broken = |name: &str| breaches.iter().find(|breach| breach.metric == name);
    let row = |figure: &Figure| Row {
        cells: [Cell::from(figure.name).is(figure.name), shown_figure(figure).into()]
            .into_iter()
            .chain(
                args.rows_needed
                    .map(|_| args.rows_for(figure).map(|rows| rows.to_string()).unwrap_or_default().into()),
            )
            .collect(),
        case: Some(figure.name.to_owned()),
        failure: broken(figure.name).map(|breach| breach.sentence.clone()),
    };
    // What lies between 0 and 1 has an axis in common.
    let dot = |figure: &Figure| {
        let e = figure.told.ok().filter(|e| (0.0..=1.0).contains(&e.value) && e.high <= 1.0)?;
        let interval = (e.low < e.high).then_some((e.low.max(0.0), e.high));
        let tone = if broken(figure.name).is_some() { Tone::Bad } else { Tone::Quiet };
        Some(Dot { label: name_of(figure.name).to_owned(), value: e.value, interval, tone })
    };
    let dots: Vec<Dot> = measure.figures.iter().filter_map(dot).collect();
    let mut figures = Vec::new();
    if measure.task != Some(Task::Numbers) && !dots.is_empty() {
        figures.push(Drawn::new(
            "metrics",
            "Metrics",
            format!("with intervals of {confidence}"),
            Drawing::Dots(Dots::new("interval", Scale::Number, (0.0, 1.0), dots)),
        ));
    }
    Section {
        title: "Metrics".to_owned(),
        line: format!(
            "Measured on labels ({}), with intervals of {confidence}",
            measure.ranked.map_or_else(
                || measure.task.map_or_else(String::new, |task| task.word().to_owned()),
                |ranked| format!("ranking {}", ranked.said())
            )
        ),
        table: Table {
            heads: [Head::left("METRIC"), Head::left("VALUE")]
                .into_iter()
                .chain(args.rows_needed.map(|_| Head::right("ROWS NEEDED").is("rows_needed")))
                .collect(),
            rows: measure.figures.iter().map(row).collect(),
        },
        figures,
        ..Section::default()
    }
}

/// A metric without an interval has both ends at its value.
fn shown_figure(figure: &Figure) -> String {
    match figure.told {
        Ok(e) if e.low == e.high => short(e.value),
        told => shown(told),
    }
}

/// What a metric is made of: calibration and order of scores, errors of numbers.
fn curves(args: &PerformanceArgs, measure: &Measure, rows: &Rows) -> Option<Section> {
    let figures = match measure.task? {
        Task::Classes | Task::Ranking => Vec::new(),
        Task::Numbers => errors(rows).into_iter().collect(),
        Task::YesNo => {
            let (scores, labels) = rows.labelled_scores();
            let calibration = calibration(args, &scores, &labels);
            calibration.into_iter().chain(order(&scores, &labels)).collect()
        }
    };
    let title = if measure.task == Some(Task::Numbers) { "Errors" } else { "Scores" }.to_owned();
    (!figures.is_empty()).then(|| Section { title, figures, ..Section::default() })
}

fn calibration(args: &PerformanceArgs, scores: &[f64], labels: &[bool]) -> Option<Drawn> {
    let reliability = scores::report(scores, labels, args.confidence).reliability.ok()?;
    let point = |bin: &cordon_stats::performance::Bin| {
        let rate = bin.rate().wilson(args.confidence).ok()?;
        Some(Point { at: (bin.sum / bin.n as f64, rate.value), interval: (rate.low, rate.high), rows: bin.n })
    };
    let diagonal = Curve { name: "perfect", dashed: true, points: vec![(0.0, 0.0), (1.0, 1.0)] };
    Some(Drawn::new(
        "calibration",
        "Calibration",
        "what scores say against what happened, in ten bins; larger points hold more rows",
        Drawing::Curves(Curves {
            term: "calibration",
            x: "mean score",
            y: "share of positive labels",
            curves: vec![diagonal],
            points: reliability.bins().iter().filter_map(point).collect(),
        }),
    ))
}

/// ROC and precision against recall, from one sort.
fn order(scores: &[f64], labels: &[bool]) -> Vec<Drawn> {
    let Ok(ties) = ties(scores, labels) else { return Vec::new() };
    let positives = ties.iter().map(|tie| tie.positives).sum::<u64>() as f64;
    let negatives = ties.iter().map(|tie| tie.negatives).sum::<u64>() as f64;
    if positives == 0.0 || negatives == 0.0 {
        return Vec::new();
    }
    let (mut found, mut accused) = (0.0, 0.0);
    let (mut roc, mut precision) = (vec![(0.0, 0.0)], Vec::new());
    for tie in ties.iter().rev() {
        found += tie.positives as f64;
        accused += tie.negatives as f64;
        roc.push((accused / negatives, found / positives));
        precision.push((found / positives, found / (found + accused)));
    }
    let base = positives / (positives + negatives);
    let curve = |name, points: Vec<(f64, f64)>| Curve { name, dashed: false, points: thinned(points) };
    let chance =
        |from: f64, to: f64| Curve { name: "chance", dashed: true, points: vec![(0.0, from), (1.0, to)] };
    let drawn = |id, title, curves| {
        Drawn::new(id, title, "each threshold is a point of the line", Drawing::Curves(curves))
    };
    let roc = Curves {
        term: "roc",
        x: "false positive rate",
        y: "recall",
        curves: vec![chance(0.0, 1.0), curve("scores", roc)],
        points: Vec::new(),
    };
    let precision = Curves {
        term: "precision_recall",
        x: "recall",
        y: "precision",
        curves: vec![chance(base, base), curve("scores", precision)],
        points: Vec::new(),
    };
    vec![drawn("roc", "ROC", roc), drawn("precision-recall", "Precision and recall", precision)]
}

/// As many points as are seen, the first and the last among them.
fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let step = points.len().div_ceil(MOST_POINTS).max(1);
    let last = points.len().saturating_sub(1);
    points
        .into_iter()
        .enumerate()
        .filter(|(at, _)| at % step == 0 || *at == last)
        .map(|(_, point)| point)
        .collect()
}

fn errors(rows: &Rows) -> Option<Drawn> {
    let mut profile = Profile::new(&["error"]);
    for row in &rows.rows {
        if let (Some(label), Some(prediction)) = (row.label.number(), row.prediction.number()) {
            profile.add(&[Value::Decimal(prediction - label)]);
        }
    }
    Some(Drawn::new(
        "errors",
        "Errors",
        "prediction less value",
        columns::drawing(None, profile.column("error"))?,
    ))
}

pub(super) fn story(
    args: &PerformanceArgs,
    read: &Read,
    measure: &Measure,
    estimates: &[Estimated],
    limits: &Limits,
) -> Story {
    let breaches = &limits.breaches;
    let first: &[&str] = match measure.task {
        Some(Task::Classes) => &["accuracy", "f1_macro", "recall_macro", "precision_macro"],
        Some(Task::Ranking) => &["ndcg", "mean_average_precision", "mean_reciprocal_rank", "recall_at_depth"],
        Some(Task::Numbers) => &["mean_absolute_error", "root_mean_squared_error", "bias", "r_squared"],
        _ => &["accuracy", "precision", "recall", "roc_auc"],
    };
    let value = |name: &&str| {
        let figure = measure.figures.iter().find(|figure| figure.name == *name)?;
        Some((figure.name, figure.told.ok()?))
    };
    let between = |e: Estimate| format!("{} to {}", short(e.low), short(e.high));
    let mut cards: Vec<Card> = first
        .iter()
        .filter_map(value)
        .map(|(name, e)| Card {
            title: name_of(name),
            value: short(e.value),
            note: if e.low < e.high { between(e) } else { String::new() },
        })
        .collect();
    cards.insert(0, Card { title: "Rows", value: crate::console::number(read.count), note: String::new() });
    let mut how_sure = vec![format!(
        "Each number stands with its interval of {}: with other rows of the same kind it would lie there. A limit is broken only by a whole interval.",
        percent(args.confidence.confidence())
    )];
    if let Some(joined) = &read.late {
        let share = percent(joined.coverage.share().value().unwrap_or(0.0));
        how_sure
            .push(format!("Labels have come for {share} of the predictions, which may be unlike the rest."));
        cards.push(Card { title: "Labels that have come", value: share, note: String::new() });
    }
    if !estimates.is_empty() {
        how_sure.push(
            "What is estimated without labels holds while scores mean what they meant in the reference."
                .to_owned(),
        );
    }
    let is_asked = !args.at_least.is_empty() || !args.at_most.is_empty();
    let (tone, verdict) = match (breaches.len(), is_asked) {
        (0, true) if !limits.open.is_empty() && limits.undecided.is_empty() => {
            (Tone::Warn, "No limit is broken, but too few rows to be sure".to_owned())
        }
        (0, true) if !limits.undecided.is_empty() => (Tone::Bad, "A limit cannot be judged".to_owned()),
        (0, true) => (Tone::Good, "No limit is broken".to_owned()),
        (0, false) => (Tone::Quiet, "Measured; no limit was asked for (--at-least, --at-most)".to_owned()),
        (1, _) => (Tone::Bad, "One limit is broken".to_owned()),
        (count, _) => (Tone::Bad, format!("{count} limits are broken")),
    };
    let what = if !limits.undecided.is_empty() {
        breaches.iter().map(|breach| &breach.sentence).chain(&limits.undecided).cloned().collect()
    } else if breaches.is_empty() {
        let told = first.iter().filter_map(value).take(2);
        told.map(|(name, e)| format!("{} is {} ({}).", name_of(name), short(e.value), between(e))).collect()
    } else {
        breaches.iter().map(|breach| breach.sentence.clone()).collect()
    };
    how_sure.extend(limits.open.iter().map(|open| format!("{}.", open.said(args.power))));
    let surprised =
        estimates.iter().filter(|one| one.surprise.is_some_and(|surprise| surprise > 1.0)).count();
    let mut what_to_do = Vec::new();
    if surprised > 0 {
        what_to_do.push(format!("{surprised} realised values lie outside of what was expected: calibrate the scores again before they are trusted."));
    }
    what_to_do.push(if breaches.is_empty() {
        "Nothing, while these numbers are good enough for what the answers are used for.".to_owned()
    } else {
        "Send answers to people, or go back to the release before, until the cause is found: cordon drift says whether the inputs changed.".to_owned()
    });
    let source = |role, path: &std::path::PathBuf, rows, left_out| Source {
        role,
        path: path.clone(),
        rows,
        period: String::new(),
        left_out,
    };
    let mut sources = vec![source("predictions", &args.file, read.count, read.sentences())];
    let of_labels = read.late.as_ref().map(|joined| joined.left_out.sentences());
    let of_reference = measure.expected.as_ref().map(|foreseen| foreseen.reference_left_out.clone());
    let others = [
        ("labels", &args.labels, read.labels, of_labels),
        ("reference", &args.reference, measure.reference, of_reference),
    ];
    for (role, path, rows, left_out) in others {
        let left_out = left_out.unwrap_or_default();
        sources.extend(path.iter().zip(rows).map(|(path, rows)| source(role, path, rows, left_out.clone())));
    }
    Story {
        title: format!("Performance of {} in {}", args.prediction, file_name(&args.file)),
        tone,
        verdict,
        what,
        how_sure,
        what_to_do,
        cards,
        sources,
    }
}
