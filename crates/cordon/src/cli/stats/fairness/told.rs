//! What `fairness` says to people: tables for all forms, and the story and the figures of the page.

use cordon_stats::{
    fairness::{Rate, individual::Flips},
    interval::Unknown,
};

use super::super::{
    file_name,
    outcomes::{Range, Told, short, shown},
    percent,
    report::{
        Card, Cell, Dot, Dots, Drawing, Figure, Head, Report, Row, Scale, Section, Source, Story, Table,
        Tone, name_of,
    },
};
use super::{
    Alike, Counted, FairnessArgs, Grouping, POWER, Shown, ShownGap, calibration, repair, repair::Repaired,
};

/// What the table shows of each group.
const SHOWN: [(Rate, Head); 5] = [
    (Rate::Selection, Head::left("SELECTED").is("selection_rate")),
    (Rate::Recall, Head::left("RECALL").is("recall")),
    (Rate::FalsePositive, Head::left("FALSE POSITIVE").is("false_positive_rate")),
    (Rate::Precision, Head::left("PRECISION").is("precision")),
    (Rate::Accuracy, Head::left("ACCURACY").is("accuracy")),
];
/// Groups that are drawn, those with the lowest rates.
const MOST_DRAWN: usize = 24;
/// Sentences about what was found.
const MOST_SENTENCES: usize = 6;

/// Everything that was found.
pub(super) struct Found<'a> {
    pub(super) args: &'a FairnessArgs,
    pub(super) counted: &'a Counted,
    pub(super) groupings: &'a [Grouping],
    pub(super) shown: &'a [Shown],
    pub(super) flips: Option<&'a Flips>,
    pub(super) repaired: Option<&'a Repaired>,
    pub(super) alike: Option<&'a Alike>,
}

impl Found<'_> {
    pub(super) fn report(&self) -> Report {
        let mut summary = format!("{}: {} rows", self.args.file.display(), self.counted.rows);
        for (count, what) in [
            (self.counted.unread.labels, "without a label that says yes or no"),
            (self.counted.unread.predictions, "without a prediction that says yes or no"),
            (self.counted.unread.groups, "of groups beyond 10,000"),
            (self.counted.unread.scores, "without a score, or beyond 20,000,000, from the repair"),
            (self.counted.unread.probabilities, "whose score is no probability, from the calibration"),
            (
                self.counted.unread.counterfactuals,
                "without a counterfactual that says yes or no, from the flips",
            ),
            (self.counted.unread.alike, "without a score, from the comparison of like people"),
        ] {
            if count > 0 {
                summary.push_str(&format!(", {count} {what} left out"));
            }
        }
        let mut sections = Vec::new();
        for (place, (grouping, shown)) in self.groupings.iter().zip(self.shown).enumerate() {
            let by = grouping.by.join(" and ");
            let title = format!("By {by}");
            let figures =
                if self.args.look.is_page() { self.figures(place, grouping, shown) } else { Vec::new() };
            let aside = if grouping.names.len() > MOST_DRAWN && !figures.is_empty() {
                vec![format!("The {MOST_DRAWN} groups with the lowest rates are drawn.")]
            } else {
                Vec::new()
            };
            sections.push(Section {
                line: title.clone(),
                title,
                table: self.rates(grouping),
                figures,
                aside,
                ..Section::default()
            });
            let (table, notes) = self.gaps(&by, shown);
            sections.push(Section { title: format!("Gaps by {by}"), table, notes, ..Section::default() });
            let (level, is_page) = (self.args.confidence, self.args.look.is_page());
            sections.extend(calibration::section(place, grouping, level, is_page));
        }
        if let Some(flips) = self.flips {
            let title = "With the attribute changed".to_owned();
            let line = repair::flips_text(flips, self.args.confidence);
            sections.push(Section { title, line, ..Section::default() });
        }
        sections.extend(self.alike.map(Alike::section));
        sections.extend(self.repaired.map(Repaired::section));
        sections.extend(self.weights());
        Report { name: "fairness", summary, sections, notes: Vec::new() }
    }

    /// What the weights of training rows cost before anything is trained, where they were asked for.
    fn weights(&self) -> Option<Section> {
        let (path, whole) = (self.args.weights.as_ref()?, self.shown.last()?);
        Some(Section {
            title: "Weights of training rows".to_owned(),
            line: format!(
                "Weights that make label and {} independent are in {}: weighted, the rows say as much as {} of them. What they cost in \
                 accuracy only training shows.",
                whole.by.join(" and "),
                path.display(),
                percent(whole.reweighing_effective_share)
            ),
            ..Section::default()
        })
    }

    fn rates(&self, grouping: &Grouping) -> Table {
        let mut heads = vec![Head::left("GROUP"), Head::right("ROWS")];
        heads.extend(SHOWN.map(|(_, head)| head));
        let row = |at: usize| {
            let counts = grouping.tally.groups().get(at).copied().unwrap_or_default();
            let mut cells = vec![grouping.name(at).join(", "), counts.n().to_string()];
            cells.extend(SHOWN.map(|(rate, _)| match counts.rate(rate).wilson(self.args.confidence) {
                Err(Unknown::Empty) => "none".to_owned(),
                told => shown(told),
            }));
            Row::plain(cells)
        };
        Table { heads, rows: grouping.in_order().into_iter().map(row).collect() }
    }

    fn gaps(&self, by: &str, one: &Shown) -> (Table, Vec<String>) {
        let heads = vec![
            Head::left("GAP"),
            Head::left("LOWEST"),
            Head::left("HIGHEST"),
            Head::left("DIFFERENCE").is("difference"),
            Head::left("RATIO").is("ratio"),
            Head::left("VERDICT").is("verdict"),
        ];
        let mut notes = Vec::new();
        let mut rows = Vec::new();
        for gap in &one.gaps {
            let is_asked = gap.verdict != NOT_ASKED;
            let verdict = Cell::from(if is_asked { gap.verdict } else { "" }).toned(tone(gap.verdict));
            let name = Cell::from(gap.rate).is(gap.rate);
            let case = is_asked.then(|| format!("{} by {by}", gap.rate));
            let Some(measured) = &gap.gap else {
                let why = gap.unknown.clone().unwrap_or_default();
                let cells = vec![name, "".into(), "".into(), why.into(), "".into(), verdict];
                let failure = is_no_pass(gap).then(|| sentence(by, gap));
                rows.push(Row { cells, case, failure });
                continue;
            };
            let ratio = ratio(&measured.ratio);
            let failure = is_no_pass(gap).then(|| sentence(by, gap));
            let cells = vec![
                name,
                measured.lowest.join(", ").into(),
                measured.highest.join(", ").into(),
                range(&measured.difference).into(),
                ratio.into(),
                verdict,
            ];
            rows.push(Row { cells, case, failure });
            if let Some(needed) = measured.rows_needed.filter(|_| is_asked) {
                notes.push(format!(
                    "{}: about {needed} rows of these two groups would tell on which side of {} the ratio is, {} of the time",
                    gap.rate,
                    self.args.limit,
                    percent(POWER)
                ));
            }
            if !measured.too_small.is_empty() {
                let names: Vec<String> = measured.too_small.iter().map(|name| name.join(", ")).collect();
                let least = self.args.least;
                notes.push(format!("{}: left out, fewer than {least} rows: {}", gap.rate, names.join("; ")));
            }
        }
        if let Some(odds) = &one.equalized_odds {
            rows.push(Row::plain([
                Cell::from("equalized odds").is("equalized_odds"),
                "".into(),
                "".into(),
                range(&odds.worst_difference).into(),
                ratio(&odds.worst_ratio).into(),
                "".into(),
            ]));
        }
        (Table { heads, rows }, notes)
    }

    /// The groups' rates beside each other, for each rate that decides, with the limit.
    fn figures(&self, place: usize, grouping: &Grouping, shown: &Shown) -> Vec<Figure> {
        let mut figures = Vec::new();
        for gap in shown.gaps.iter().filter(|gap| gap.verdict != NOT_ASKED) {
            let Some(rate) = self.args.rates.iter().find(|rate| rate.name() == gap.rate) else { continue };
            let groups = grouping.in_order().into_iter().filter_map(|at| {
                let counts = grouping.tally.groups().get(at).copied()?;
                Some((grouping.name(at).join(", "), counts.rate(*rate).wilson(self.args.confidence).ok()?))
            });
            let mut groups: Vec<_> = groups.collect();
            let highest = groups.iter().filter(|(_, e)| e.n >= self.args.least).map(|(_, e)| e.value);
            let limit = highest.fold(0.0, f64::max) * self.args.limit;
            groups.sort_by(|a, b| a.1.value.total_cmp(&b.1.value));
            groups.truncate(MOST_DRAWN);
            let dots = groups.into_iter().map(|(label, e)| Dot {
                label,
                value: e.value,
                interval: Some((e.low, e.high)),
                tone: if gap.verdict == BREACH && e.value < limit { Tone::Bad } else { Tone::Quiet },
            });
            figures.push(Figure {
                id: format!("group-{place}-{}", gap.rate),
                title: format!("{} by {}", name_of(gap.rate), grouping.by.join(" and ")),
                mark: Some((tone(gap.verdict), gap.verdict)),
                line: format!("with intervals of {}", percent(self.args.confidence.confidence())),
                drawing: Drawing::Dots(Dots {
                    term: "four_fifths",
                    dots: dots.collect(),
                    limit: Some((limit, format!("{} of the highest", percent(self.args.limit)))),
                    scale: Scale::Share,
                    at_least: (0.0, 0.0),
                }),
            });
        }
        figures
    }

    pub(super) fn story(&self, breaches: usize, undecided: usize) -> Story {
        let gaps = || {
            let all = self.groupings.iter().zip(self.shown);
            all.flat_map(|(grouping, shown)| {
                shown.gaps.iter().map(move |gap| (grouping.by.join(" and "), gap))
            })
        };
        let of = |verdict: &'static str| gaps().filter(move |(_, gap)| gap.verdict == verdict);
        let mut what: Vec<String> = of(BREACH)
            .chain(of(UNDECIDED))
            .take(MOST_SENTENCES)
            .map(|(by, gap)| sentence(&by, gap))
            .collect();
        if what.is_empty() {
            what.extend(of(WITHIN).take(MOST_SENTENCES).map(|(by, gap)| sentence(&by, gap)));
        }
        let off = |grouping: &Grouping| calibration::sentences(grouping, self.args.confidence);
        what.extend(self.groupings.iter().flat_map(off).take(MOST_SENTENCES));
        what.extend(self.alike.map(Alike::said));
        let (tone, verdict) = match (breaches, undecided) {
            (0, 0) => (Tone::Good, "Every gap is within the limit".to_owned()),
            (0, count) => {
                (Tone::Warn, format!("Not known to be fair: {count} of the gaps cannot be decided yet"))
            }
            (1, _) => (Tone::Bad, "One group is at a disadvantage".to_owned()),
            (count, _) => (Tone::Bad, format!("{count} gaps are beyond the limit")),
        };
        let mut how_sure = vec![format!(
            "A breach needs the whole interval of the ratio beyond {}, at {} for all pairs of groups at once. Several rates and groupings are not corrected for.",
            percent(self.args.limit),
            percent(self.args.confidence.confidence())
        )];
        if undecided > 0 {
            how_sure.push(
                "Undecided is no pass: the limit lies inside the interval, and more rows are needed."
                    .to_owned(),
            );
        }
        let mut what_to_do = Vec::new();
        if breaches > 0 {
            what_to_do.push("Decide which rate matters for the people concerned; where base rates differ not all can be equal.".to_owned());
            if self.repaired.is_none() {
                what_to_do.push("See what equal thresholds would cost: --repair.".to_owned());
            }
        } else if undecided > 0 {
            what_to_do.push("Collect more rows of the groups with wide intervals.".to_owned());
        } else {
            what_to_do.push(
                "Nothing. Look again with the next data, and at the rates that were not asked for."
                    .to_owned(),
            );
        }
        let card =
            |title, value: u64| Card { title, value: crate::console::number(value), note: String::new() };
        let mut cards = vec![
            card("Breaches", breaches as u64),
            card("Undecided", undecided as u64),
            card("Rows", self.counted.rows),
            card("Groups", self.counted.groups.len() as u64),
        ];
        cards.extend(self.repaired.map(Repaired::card));
        Story {
            title: format!("Fairness of {} in {}", self.args.prediction, file_name(&self.args.file)),
            tone,
            verdict,
            what,
            how_sure,
            what_to_do,
            cards,
            sources: vec![Source {
                role: "decisions",
                path: self.args.file.clone(),
                rows: self.counted.rows,
                period: String::new(),
                left_out: self.counted.left_out.sentences(),
            }],
        }
    }
}

const BREACH: &str = "breach";
const NOT_ASKED: &str = "not asked";
const UNDECIDED: &str = "undecided";
const WITHIN: &str = "within";

/// Whether CI may not take it for a pass: a breach, or what is not decided, as the exit code says too.
fn is_no_pass(gap: &ShownGap) -> bool {
    matches!(gap.verdict, BREACH | UNDECIDED)
}

fn tone(verdict: &str) -> Tone {
    match verdict {
        BREACH => Tone::Bad,
        UNDECIDED => Tone::Warn,
        WITHIN => Tone::Good,
        _ => Tone::Quiet,
    }
}

/// A gap in a sentence.
fn sentence(by: &str, gap: &ShownGap) -> String {
    let name = name_of(gap.rate);
    match &gap.gap {
        Some(measured) => format!(
            "{name} by {by}: {} has {} of what {} has ({})",
            measured.lowest.join(", "),
            ratio(&measured.ratio),
            measured.highest.join(", "),
            gap.verdict
        ),
        None => format!("{name} by {by}: unknown, {}", gap.unknown.clone().unwrap_or_default()),
    }
}

fn range(range: &Range) -> String {
    let high = range.high.map_or_else(|| "more".to_owned(), short);
    format!("{} ({} to {high})", short(range.value), short(range.low))
}

fn ratio(ratio: &Told) -> String {
    match ratio {
        Told::Known(known) => range(known),
        Told::Unknown { unknown } => unknown.clone(),
    }
}
