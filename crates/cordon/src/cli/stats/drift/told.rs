//! What `drift` says to people: the table for all forms, and the story and the figures of the page.

use cordon_stats::{
    PValue,
    drift::{ColumnDrift, Numeric},
    interval::Level,
    profile::{ColumnProfile, Kind},
};

use super::super::{
    columns, file_name, number,
    outcomes::short,
    percent,
    report::{Card, Cell, Dot, Dots, Drawing, Figure, Head, Report, Row, Scale, Section, Story, Table, Tone},
};
use super::{Compared, DriftArgs, Read, Together, needed, reach};

/// Columns whose distances are drawn beside each other.
const MOST_DOTS: usize = 24;
/// The distance from which on hardly any value is on both sides (a Jensen–Shannon distance in bits is 1 where none is).
const BLIND: f64 = 0.9;
/// Sentences about what changed.
const MOST_SENTENCES: usize = 5;

pub(super) fn report(args: &DriftArgs, read: &Read, compared: &[Compared], together: &Together) -> Report {
    let ranked = ranked(compared);
    let drifted = drifted(compared);
    let [reference, current] = read.rows();
    let summary = format!(
        "{drifted} of {} columns drifted{}: {current} rows against {reference}{}, {} ({}), JS distance (base 2) of at least {}",
        compared.len(),
        together.said(),
        if read.is_by_season() { ", season by season" } else { "" },
        if args.correction.correction().is_of_discoveries() {
            format!("{} of what is named by chance", percent(args.level))
        } else {
            format!("one false alarm in {} tables", number(1.0 / args.level))
        },
        args.correction.name(),
        args.effect
    );
    let notes = ranked.iter().filter_map(|column| {
        let why = match &column.outcome {
            Ok(_) if column.is_blind() => "hardly any of its values is on both sides, and each is too rare to tell whether that is a change: \
                 they are not compared"
                .to_owned(),
            Ok(_) => format!("{} of the values are of another kind now", column.of_other_kind()?),
            Err(why) => format!("not compared, {why}"),
        };
        Some(format!("{}: {why}", column.named()))
    });
    let notes = notes.chain(together.why_not().map(str::to_owned)).chain(needed::sentence(args, compared));
    let notes: Vec<String> = notes.collect();
    let mut sections = vec![table(args, &ranked)];
    sections.extend(together.section(args));
    if args.look.is_page() {
        sections.extend(figures(args, read, &ranked));
    }
    Report { name: "drift", summary, sections, notes }
}

fn drifted(compared: &[Compared]) -> usize {
    compared.iter().filter(|column| column.drifted).count()
}

/// Are segments compared by themselves?
fn is_by_segment(args: &DriftArgs) -> bool {
    args.parting.by().is_some_and(|by| !by.is_season())
}

/// What drifted first, and of that what changed most.
fn ranked(compared: &[Compared]) -> Vec<&Compared> {
    let mut ranked: Vec<&Compared> = compared.iter().collect();
    let distance = |column: &Compared| column.distance().unwrap_or(f64::INFINITY);
    ranked.sort_by(|a, b| {
        // What was not compared because there is nothing stands at the end.
        b.drifted.cmp(&a.drifted).then_with(|| match (a.drifted, a.distance(), b.distance()) {
            (false, None, Some(_)) => std::cmp::Ordering::Greater,
            (false, Some(_), None) => std::cmp::Ordering::Less,
            _ => distance(b).total_cmp(&distance(a)),
        })
    });
    ranked
}

impl Compared {
    pub(super) fn named(&self) -> String {
        let segment = self.segment.as_ref().map(|segment| format!(" in {segment}")).unwrap_or_default();
        format!("{}{segment}", self.column)
    }

    /// How many of its values are of another kind now, where any are.
    fn of_other_kind(&self) -> Option<String> {
        let share = self.kinds.total_variation();
        (share > 0.0).then(|| percent(share))
    }

    /// Have its rows nearly all a value of their own, such as an id has? Then the sides differ in all of them, and no test can say that
    /// something changed.
    fn is_blind(&self) -> bool {
        !self.drifted && self.distance().is_some_and(|distance| distance >= BLIND)
    }

    pub(super) fn distance(&self) -> Option<f64> {
        self.outcome.as_ref().ok().map(|drift| drift.binned.jensen_shannon_distance_bits())
    }
}

fn table(args: &DriftArgs, ranked: &[&Compared]) -> Section {
    let mut heads = vec![
        Head::left("COLUMN"),
        Head::left("KIND"),
        Head::left("DRIFT"),
        Head::right("JS").is("js"),
        Head::right("95 % INTERVAL").roomy(),
        Head::right("PSI").is("psi"),
        Head::right("KS").is("ks"),
        Head::right("SHIFT").is("shift"),
        Head::right("SHIFT, 95 %").roomy(),
        Head::right("WASSERSTEIN").is("wasserstein").roomy(),
        Head::right("P ADJUSTED").is("p_adjusted"),
        Head::right("MISSING").is("missing"),
    ];
    if is_by_segment(args) {
        heads.insert(0, Head::left("SEGMENT"));
    }
    let rows = ranked.iter().enumerate().map(|(place, column)| {
        let found = || match &column.outcome {
            Ok(drift) => format!(
                "drift: Jensen-Shannon distance {:.4}, {} of the values of another kind",
                drift.binned.jensen_shannon_distance_bits(),
                percent(column.kinds.total_variation())
            ),
            Err(why) => format!("not compared, {why}"),
        };
        let figure = if args.look.is_page() { columns::id(place) } else { None };
        Row { cells: row(column, figure), case: Some(column.named()), failure: column.drifted.then(found) }
    });
    let title = "Columns, the most changed first".to_owned();
    let mut table = Table { heads, rows: rows.collect() };
    if args.parting.by().is_some_and(|by| by.is_season()) {
        // No distance but that of bins is fair to seasons.
        table.leave_empty_out();
    }
    Section { title, table, ..Section::default() }
}

fn row(column: &Compared, figure: Option<String>) -> Vec<Cell> {
    let mut cells: Vec<Cell> = column.segment.iter().map(|segment| segment.as_str().into()).collect();
    cells.extend([Cell::from(column.column.as_str()).shown_by(figure), column.kind.into()]);
    cells.push(Cell::from(if column.drifted { "drift" } else { "" }).toned(Tone::Bad));
    match &column.outcome {
        Ok(drift) => cells.extend(statistics(column, drift).map(Cell::from)),
        Err(_) => cells.extend(std::iter::repeat_n(Cell::from(""), 8)),
    }
    let [was, is] = column.missing;
    cells.push(if was == is { percent(is) } else { format!("{} -> {}", percent(was), percent(is)) }.into());
    cells
}

fn statistics(column: &Compared, drift: &ColumnDrift) -> [String; 8] {
    let (low, high) = drift.jensen_shannon_interval(Level::P95);
    let of = |told: &dyn Fn(&Numeric) -> String| drift.numeric.as_ref().map(told).unwrap_or_default();
    let shift = |numbers: &Numeric| match numbers.mean_shift {
        shift if shift.is_finite() => format!("{shift:+.2} sd"),
        _ => String::new(),
    };
    let shift_interval = |numbers: &Numeric| match shift_interval(numbers) {
        Some((low, high)) => format!("{low:+.2} to {high:+.2}"),
        None => String::new(),
    };
    [
        format!("{:.4}", drift.binned.jensen_shannon_distance_bits()),
        format!("{low:.3} to {high:.3}"),
        format!("{:.4}", drift.population_stability_index()),
        of(&|numbers| format!("{:.4}", numbers.smirnov)),
        of(&shift),
        of(&shift_interval),
        of(&|numbers| number(numbers.wasserstein)),
        column.p_adjusted.map(|p| PValue::of(p).to_string()).unwrap_or_default(),
    ]
}

/// 95 %.
pub(super) fn shift_interval(numbers: &Numeric) -> Option<(f64, f64)> {
    let half = Level::P95.z() * numbers.mean_shift_error;
    let (low, high) = (numbers.mean_shift - half, numbers.mean_shift + half);
    (low.is_finite() && high.is_finite()).then_some((low, high))
}

fn figures(args: &DriftArgs, read: &Read, ranked: &[&Compared]) -> Vec<Section> {
    let dot = |column: &&Compared| {
        let drift = column.outcome.as_ref().ok()?;
        Some(Dot {
            label: column.named(),
            value: drift.binned.jensen_shannon_distance_bits(),
            interval: Some(drift.jensen_shannon_interval(Level::P95)),
            tone: if column.drifted { Tone::Bad } else { Tone::Quiet },
        })
    };
    let dots: Vec<Dot> = ranked.iter().filter_map(dot).take(MOST_DOTS).collect();
    let shown = dots.len();
    let distances = Figure::new(
        "distances",
        "JS distance from the reference",
        format!("the {shown} most changed, with intervals of 95 % and the threshold"),
        Drawing::Dots(Dots {
            term: "threshold",
            dots,
            limit: Some((args.effect, format!("threshold {}", number(args.effect)))),
            scale: Scale::Number,
            at_least: (0.0, args.effect * 1.5),
        }),
    );
    let mut section = Section { title: "Reference against current".to_owned(), ..Section::default() };
    if shown > 0 {
        section.figures.push(distances);
    }
    for (place, column) in ranked.iter().enumerate() {
        let Some(id) = columns::id(place) else { break };
        let [was, is] = read.columns(column);
        section.figures.extend(figure(id, column, was, is));
    }
    section.aside.extend(columns::not_drawn(ranked.len()));
    vec![section]
}

fn figure(
    id: String,
    column: &Compared,
    was: Option<&ColumnProfile>,
    is: Option<&ColumnProfile>,
) -> Option<Figure> {
    let line = match &column.outcome {
        Ok(drift) => change(column, drift),
        Err(why) => format!("not compared, {why}"),
    };
    Some(Figure {
        id,
        title: column.named(),
        mark: column.drifted.then_some((Tone::Bad, "drift")),
        line,
        drawing: columns::drawing(was, is)?,
    })
}

/// What changed about a column, in a sentence without its name.
fn change(column: &Compared, drift: &ColumnDrift) -> String {
    let distance = format!("JS distance {}", short(drift.binned.jensen_shannon_distance_bits()));
    let [was, is] = column.missing;
    let missing = if column.drifted && (was - is).abs() >= 0.01 {
        format!("missing {} → {}; ", percent(was), percent(is))
    } else {
        String::new()
    };
    let kinds = column.of_other_kind().map(|share| format!("; {share} of another kind")).unwrap_or_default();
    let moved = match &drift.numeric {
        Some(numbers) if numbers.mean_shift.abs() >= 0.1 => {
            let direction = if numbers.mean_shift > 0.0 { "up" } else { "down" };
            format!("mean {direction} by {:.2} sd, ", numbers.mean_shift.abs())
        }
        Some(_) => String::new(),
        None => largest(drift).map(|moved| moved + ", ").unwrap_or_default(),
    };
    format!("{missing}{moved}{distance}{kinds}")
}

/// The category whose share changed most.
fn largest(drift: &ColumnDrift) -> Option<String> {
    let changed = |(_, (was, is)): &(&cordon_stats::drift::Bin, &(f64, f64))| (was - is).abs();
    let all = drift.bins.iter().zip(drift.binned.shares());
    let (bin, (was, is)) = all.max_by(|a, b| changed(a).total_cmp(&changed(b)))?;
    let label: String = reach(&bin.reach).chars().take(40).collect();
    Some(format!("{label}: {} → {} of the rows", percent(*was), percent(*is)))
}

/// Is it a date, or a number that each row has for itself? New rows have new ones.
fn goes_on(read: &Read, column: &Compared) -> bool {
    read.columns(column).into_iter().flatten().all(|column| {
        let distinct = column.present() > 20 && column.distinct() > 0.97 * column.present() as f64;
        column.kind() == Kind::Date || (column.kind() == Kind::Integer && distinct)
    })
}

pub(super) fn story(args: &DriftArgs, read: &Read, compared: &[Compared], together: &Together) -> Story {
    let ranked = ranked(compared);
    let (drifted, correlations) = (drifted(compared), together.changed());
    let [reference, current] = read.rows();
    let sentence = |column: &&Compared| match &column.outcome {
        Ok(drift) => format!("{}: {}", column.named(), change(column, drift)),
        Err(why) => format!("{}: {why}", column.named()),
    };
    // Dates and numbers of rows go on by themselves: they are said last, together.
    let (goes_on, changed): (Vec<&Compared>, Vec<&Compared>) =
        ranked.iter().copied().filter(|column| column.drifted).partition(|column| goes_on(read, column));
    let mut what: Vec<String> = changed.iter().take(MOST_SENTENCES).map(sentence).collect();
    if let Some(rest) = changed.len().checked_sub(MOST_SENTENCES).filter(|rest| *rest > 0) {
        what.push(format!("and {rest} more, listed below"));
    }
    what.extend(together.sentences(MOST_SENTENCES));
    if !goes_on.is_empty() {
        let names: Vec<String> = goes_on.iter().take(MOST_SENTENCES).map(|column| column.named()).collect();
        what.push(format!(
            "{}: dates and numbers of rows, which go on by themselves; leave them out of what is compared",
            names.join(", ")
        ));
    }
    if drifted + correlations == 0 {
        let most = ranked.iter().find_map(|column| Some((column.distance()?, column.named())));
        let most = most.map(|(distance, name)| {
            format!(" The most changed is {name}, by a JS distance of {}.", short(distance))
        });
        what.push(format!(
            "No column changed by more than chance explains and the threshold allows.{}",
            most.unwrap_or_default()
        ));
    }
    let mut how_sure = vec![format!(
        "Had nothing changed, one comparison in {} like this would name any column at all.",
        number(1.0 / args.level)
    )];
    if args.correction.correction().is_of_discoveries() {
        how_sure.push(format!(
            "Of the columns that are named, {} at most are expected to be there by chance ({}).",
            percent(args.level),
            args.correction.name()
        ));
    }
    how_sure.extend(needed::sentence(args, compared).map(|said| format!("{said}.")));
    how_sure.push(format!(
        "Changes below a JS distance of {} are too small to be named, however certain.",
        number(args.effect)
    ));
    let mut what_to_do = if drifted + correlations > 0 {
        vec![
            "Ask whoever owns the first columns whether the world changed or the data's way here: new values, units and missing values are more often a broken pipe.",
            "Where the world changed, measure the model on rows with labels (cordon performance) before its answers are trusted as before.",
            "Where the change is wanted, make this data the new reference (cordon profile --output).",
        ]
    } else {
        vec!["Nothing. Look again with the next data."]
    };
    if correlations > 0 {
        what_to_do.push("Where columns no longer move together as they did, look at joins, clocks and units first; a model that took one of them for the other needs to be measured again.");
    }
    let mut cards = vec![
        Card {
            title: "Columns drifted",
            value: format!("{drifted} of {}", compared.len()),
            note: format!("at a level of {} in all", number(args.level)),
        },
        Card {
            title: "Rows of the reference",
            value: crate::console::number(reference),
            note: String::new(),
        },
        Card { title: "Rows now", value: crate::console::number(current), note: String::new() },
    ];
    if let Some((distance, name)) =
        ranked.iter().find_map(|column| Some((column.distance()?, column.named())))
    {
        cards.push(Card { title: "Largest JS distance", value: short(distance), note: name });
    }
    cards.extend(together.card());
    how_sure.extend(together.why_not().map(|why| format!("Not looked at: {why}.")));
    if read.is_by_season() {
        how_sure.push("Each season is compared with itself; the charts show all of them together, with the seasons that each side has.".to_owned());
    }
    how_sure.extend(read.beyond_said().map(|said| format!("Left out: {said}.")));
    Story {
        title: format!("{} against {}", file_name(args.current()), file_name(&args.reference)),
        tone: if drifted + correlations > 0 { Tone::Bad } else { Tone::Good },
        verdict: match (drifted, correlations) {
            (0, 0) => "Nothing drifted".to_owned(),
            (0, _) => {
                "No column drifted, but columns that moved together no longer do so as before".to_owned()
            }
            (1, _) => format!("One of {} columns drifted", compared.len()),
            _ => format!("{drifted} of {} columns drifted", compared.len()),
        },
        what,
        how_sure,
        what_to_do: what_to_do.into_iter().map(str::to_owned).collect(),
        cards,
        sources: read.sources(args),
    }
}
