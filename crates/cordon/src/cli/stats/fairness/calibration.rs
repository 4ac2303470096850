//! Whether a score means the same for each group: 0.7 should come true seven times of ten for everybody.

use cordon_stats::{
    PValue, fdr,
    interval::{Estimate, Level, Proportion, Unknown},
    performance::Reliability,
};
use serde::Serialize;

use super::super::{
    P,
    outcomes::{Told, short, shown},
    percent,
    report::{Dot, Dots, Drawing, Figure, Head, Row, Scale, Section, Table, Tone},
};
use super::Grouping;

/// Groups that are drawn, those with the largest errors.
const MOST_DRAWN: usize = 24;

/// Scores against what happened, by group.
#[derive(Default, Clone)]
pub(super) struct Scores(Vec<Reliability>);

/// What the scores of a group are worth.
pub(super) struct Worth {
    rows: u64,
    mean: f64,
    happened: Proportion,
    error: Result<Estimate, Unknown>,
    /// What a perfect model would show with as many rows.
    if_perfect: f64,
    /// Spiegelhalter's test that it is one, and corrected (Holm) for the groups of this grouping.
    p: Option<(PValue, f64)>,
}

/// The same in JSON.
#[derive(Serialize)]
pub(super) struct Calibration {
    rows: u64,
    mean_score: f64,
    happened: Told,
    expected_calibration_error: Told,
    calibration_error_if_perfect: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    p: Option<P>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p_adjusted: Option<f64>,
}

impl Scores {
    /// Counts a score; false where it is no probability.
    pub(super) fn push(&mut self, group: usize, score: f64, label: bool) -> bool {
        if self.0.len() <= group {
            self.0.resize(group + 1, Reliability::default());
        }
        self.0.get_mut(group).is_some_and(|one| one.push(score, label).is_ok())
    }

    /// By other groups, each of which is some of these.
    pub(super) fn joined(&self, of: &[usize]) -> Self {
        let mut joined = vec![Reliability::default(); of.iter().max().map_or(0, |most| most + 1)];
        for (one, to) in self.0.iter().zip(of) {
            if let Some(sum) = joined.get_mut(*to) {
                sum.merge(one);
            }
        }
        Self(joined)
    }

    /// What is said of each group, by its number; nothing of those without a score.
    pub(super) fn worth(&self, level: Level) -> Vec<Option<Worth>> {
        let p_values: Vec<f64> =
            self.0.iter().filter_map(Reliability::spiegelhalter).map(PValue::upper_bound).collect();
        // Each is a p-value: the correction refuses only what is not one.
        let mut adjusted = fdr::holm(&p_values).unwrap_or_else(|_| vec![1.0; p_values.len()]).into_iter();
        let worth = |one: &Reliability| {
            let p = one.spiegelhalter().map(|p| (p, adjusted.next().unwrap_or(1.0)));
            let positives: u64 = one.bins().iter().map(|bin| bin.positives).sum();
            let sum: f64 = one.bins().iter().map(|bin| bin.sum).sum();
            (one.n() > 0).then(|| Worth {
                rows: one.n(),
                mean: sum / one.n() as f64,
                happened: Proportion::of_parts(positives, one.n().saturating_sub(positives)),
                error: one.expected_error(level),
                if_perfect: one.floor(),
                p,
            })
        };
        self.0.iter().map(worth).collect()
    }
}

impl Worth {
    pub(super) fn told(self, level: Level) -> Calibration {
        Calibration {
            rows: self.rows,
            mean_score: self.mean,
            happened: self.happened.wilson(level).into(),
            expected_calibration_error: self.error.into(),
            calibration_error_if_perfect: self.if_perfect,
            p: self.p.map(|(p, _)| p.into()),
            p_adjusted: self.p.map(|(_, adjusted)| adjusted),
        }
    }

    /// Does chance not explain that its scores are off?
    fn is_off(&self, level: Level) -> bool {
        self.p.is_some_and(|(_, adjusted)| adjusted <= level.alpha())
    }
}

/// The groups that have scores, in the order of their names.
fn each<'a>(grouping: &'a Grouping, level: Level) -> impl Iterator<Item = (String, Worth)> + 'a {
    let mut worth = grouping.scores.worth(level);
    let of = move |at: usize| Some((grouping.name(at).join(", "), worth.get_mut(at)?.take()?));
    grouping.in_order().into_iter().filter_map(of)
}

/// A table of the groups, and a figure where there is a page. None where no row has a score.
pub(super) fn section(place: usize, grouping: &Grouping, level: Level, is_page: bool) -> Option<Section> {
    let by = grouping.by.join(" and ");
    let heads = vec![
        Head::left("GROUP"),
        Head::right("ROWS"),
        Head::right("MEAN SCORE").is("mean_score"),
        Head::left("HAPPENED").is("happened"),
        Head::left("CALIBRATION ERROR").is("expected_calibration_error"),
        Head::right("IF PERFECT").is("calibration_error_if_perfect"),
        Head::right("P ADJUSTED").is("calibration_p"),
    ];
    let row = |(name, one): (String, Worth)| {
        let p = one.p.map(|(_, adjusted)| PValue::of(adjusted).to_string());
        Row::plain([
            name,
            one.rows.to_string(),
            short(one.mean),
            shown(one.happened.wilson(level)),
            shown(one.error),
            short(one.if_perfect),
            p.unwrap_or_default(),
        ])
    };
    let rows: Vec<Row> = each(grouping, level).map(row).collect();
    if rows.is_empty() {
        return None;
    }
    let dot = |(label, one): (String, Worth)| {
        let is_off = one.is_off(level);
        let error = one.error.ok()?;
        Some(Dot {
            label,
            value: error.value,
            interval: Some((error.low, error.high)),
            tone: if is_off { Tone::Bad } else { Tone::Quiet },
        })
    };
    let mut dots: Vec<Dot> =
        if is_page { each(grouping, level).filter_map(dot).collect() } else { Vec::new() };
    dots.sort_by(|a, b| b.value.total_cmp(&a.value));
    dots.truncate(MOST_DRAWN);
    let figure = (!dots.is_empty()).then(|| Figure {
        id: format!("calibration-{place}"),
        title: format!("Calibration error by {by}"),
        mark: None,
        line: format!(
            "with intervals of {}; in colour where chance does not explain it",
            percent(level.confidence())
        ),
        drawing: Drawing::Dots(Dots::new("expected_calibration_error", Scale::Number, (0.0, 0.1), dots)),
    });
    let title = format!("Calibration by {by}");
    Some(Section {
        line: title.clone(),
        title,
        table: Table { heads, rows },
        figures: figure.into_iter().collect(),
        ..Section::default()
    })
}

/// The groups whose scores are off, in sentences.
pub(super) fn sentences(grouping: &Grouping, level: Level) -> Vec<String> {
    let by = grouping.by.join(" and ");
    let sentence = |(name, one): (String, Worth)| {
        let happened = one.happened.value()?;
        one.is_off(level).then(|| {
            format!(
                "Scores do not mean what they say for {name} by {by}: {} on average, and {} happened",
                percent(one.mean),
                percent(happened)
            )
        })
    };
    each(grouping, level).filter_map(sentence).collect()
}
