//! What came out.

use std::{collections::BTreeMap, time::Duration};

use cordon_core::Score;
use serde::Serialize;

use super::{
    Case, Evaluation, HARMFUL, Rate, Side, Way,
    curve::{Benign, TARGETS},
    disguise::DisguiseRates,
    values::{BenignRates, SecretRates, TypeRates},
};

/// Texts below which nothing is said of a language.
const LANGUAGE: u64 = 100;

/// What judged, and by which clock.
#[derive(Clone, Debug)]
pub(crate) struct Judge {
    pub(crate) rules: String,
    pub(crate) guard: String,
    pub(crate) processor_time: bool,
}

/// All figures.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Report {
    /// The digest of the detectors' rules.
    pub(crate) rules: String,
    /// The guard that judged.
    pub(crate) guard: String,
    pub(crate) texts: u64,
    /// Those of them that were judged by rules and a model of injection that was trained without their source.
    pub(crate) left_out: u64,
    /// Those of them that were judged by models that were trained on them.
    pub(crate) trained_on: u64,
    /// Whether these count in figures of several sources and in curve points.
    pub(crate) with_trained: bool,
    /// Injection by source and kind. Of benign texts, what is caught is a false alarm.
    pub(crate) injection: Vec<Rates>,
    /// The same of all sources together, by kind and side.
    pub(crate) together: Vec<Rates>,
    /// The same of texts in languages of which there are enough.
    pub(crate) languages: Vec<Language>,
    /// Attacks and ordinary texts disguised, where that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) disguised: Vec<DisguiseRates>,
    /// What curve points are calibrated on.
    pub(crate) calibrations: Vec<Calibration>,
    pub(crate) types: Vec<TypeRates>,
    pub(crate) secrets: Vec<SecretRates>,
    pub(crate) values_in_benign: Vec<BenignRates>,
    pub(crate) speed: Vec<Speed>,
    /// Whether the speed is by processor time; otherwise it is by the clock on the wall, other programs' work included.
    pub(crate) processor_time: bool,
    /// What was not measured, and how often.
    pub(crate) skipped: BTreeMap<String, u64>,
}

/// What is caught of some texts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Rates {
    /// None of several together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<String>,
    pub(crate) kind: String,
    pub(crate) side: Side,
    /// Texts of the row that a model judged that was trained without their source: of one source all of them, or none.
    pub(crate) left_out: u64,
    /// Texts of the row that were judged by models that were trained on them: of one source all of them, or none.
    pub(crate) trained_on: u64,
    /// At the operating point: what the guard acts on.
    pub(crate) operating: Rate,
    pub(crate) curve: Vec<Point>,
}

/// What would be caught at a rate of false alarms.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Point {
    /// The rate of false alarms of the texts that it was calibrated on.
    pub(crate) false_alarms: f64,
    /// Scores above this one count; none of several sources together, each of which has its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) above: Option<Score>,
    pub(crate) caught: Rate,
}

/// Attacks and benign texts of one language, at the operating point.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Language {
    pub(crate) language: String,
    pub(crate) attacks: Rate,
    pub(crate) benign: Rate,
}

/// The benign texts that curve points are calibrated on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Calibration {
    pub(crate) side: Side,
    pub(crate) sources: Vec<String>,
    pub(crate) texts: usize,
}

/// How long it took.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Speed {
    /// None of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    pub(crate) bytes: u64,
    /// Microseconds of the processor for 1,024 bytes. None where they took less time than its clock can tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) micros_per_kb: Option<f64>,
}

/// The least time that says how fast something is: a thread's own is counted in ticks, of ten milliseconds at most.
const SHORTEST: Duration = Duration::from_millis(50);

impl Evaluation {
    /// The figures. Curve points are calibrated on the benign texts of the `named` sources; without names on all that are ordinary.
    pub(crate) fn report(&self, judge: Judge, named: &[String]) -> Report {
        let counted = |case: &&Case| self.counts(case.way);
        let benign = Side::ALL.map(|side| Benign::new(side, self.cases.iter().filter(counted), named));
        let mut skipped = self.skipped.clone();
        for (kind, count) in &self.values.unknown {
            *skipped.entry(format!("values of the type {kind}, which is no category here")).or_default() +=
                count;
        }
        for name in
            named.iter().filter(|name| !benign.iter().any(|benign| benign.sources.contains(name.as_str())))
        {
            *skipped.entry(format!("{name}: no benign texts to calibrate on")).or_default() += 1;
        }
        let (injection, together) = self.injection(&benign);
        Report {
            rules: judge.rules,
            guard: judge.guard,
            texts: self.texts,
            left_out: self.left_out,
            trained_on: self.trained_on,
            with_trained: self.with_trained,
            injection,
            together,
            languages: self.languages(),
            disguised: self.of_disguises(),
            calibrations: benign.iter().map(calibration).collect(),
            types: self.values.types(),
            secrets: self.values.secrets(),
            values_in_benign: self.values.in_benign(),
            speed: self.speed(),
            processor_time: judge.processor_time,
            skipped,
        }
    }

    /// What is caught by source and kind, and of all sources together.
    fn injection(&self, benign: &[Benign; 2]) -> (Vec<Rates>, Vec<Rates>) {
        let mut groups: BTreeMap<(&str, &str, Side, Way), Vec<&Case>> = BTreeMap::new();
        for case in &self.cases {
            groups.entry((&case.source, &case.kind, case.side, case.way)).or_default().push(case);
        }
        let rates: Vec<Rates> = groups
            .into_iter()
            .map(|((source, kind, side, way), cases)| Rates {
                source: Some(source.to_owned()),
                kind: kind.to_owned(),
                side,
                left_out: if way == Way::LeftOut { cases.len() as u64 } else { 0 },
                trained_on: if way == Way::Learned { cases.len() as u64 } else { 0 },
                operating: Rate::of(cases.iter().map(|case| case.caught)),
                curve: if self.counts(way) { points(source, side, &cases, benign) } else { Vec::new() },
            })
            .collect();
        let mut sums: BTreeMap<(&str, Side), Vec<&Rates>> = BTreeMap::new();
        for rate in rates.iter().filter(|rates| self.with_trained || rates.trained_on == 0) {
            sums.entry((&rate.kind, rate.side)).or_default().push(rate);
        }
        let together = sums.into_iter().map(|((kind, side), rates)| Rates {
            source: None,
            kind: kind.to_owned(),
            side,
            left_out: rates.iter().map(|rates| rates.left_out).sum(),
            trained_on: rates.iter().map(|rates| rates.trained_on).sum(),
            operating: sum(rates.iter().map(|rates| rates.operating)),
            curve: sum_of_points(&rates),
        });
        let together = together.collect();
        (rates, together)
    }

    fn languages(&self) -> Vec<Language> {
        let mut languages: BTreeMap<&str, [Vec<bool>; 2]> = BTreeMap::new();
        let counted = self.cases.iter().filter(|case| &*case.kind != HARMFUL && self.counts(case.way));
        for case in counted {
            if let Some(language) = &case.language {
                let [attacks, benign] = languages.entry(language).or_default();
                if case.attack { attacks } else { benign }.push(case.caught);
            }
        }
        let rates = languages.into_iter().map(|(language, [attacks, benign])| Language {
            language: language.to_owned(),
            attacks: Rate::of(attacks),
            benign: Rate::of(benign),
        });
        rates.filter(|language| language.attacks.of.max(language.benign.of) >= LANGUAGE).collect()
    }

    fn speed(&self) -> Vec<Speed> {
        let all = self
            .time
            .values()
            .fold((0, Duration::ZERO), |sum, (bytes, time)| (sum.0 + bytes, sum.1.saturating_add(*time)));
        let speed = |file: Option<String>, (bytes, time): (u64, Duration)| {
            let kilobytes = bytes as f64 / 1024.0;
            let micros = (time >= SHORTEST).then(|| time.as_secs_f64() * 1e6 / kilobytes);
            (bytes > 0).then_some(Speed { file, bytes, micros_per_kb: micros })
        };
        let each = self.time.iter().filter_map(|(file, time)| speed(Some(file.clone()), *time));
        each.chain(speed(None, all)).collect()
    }
}

fn calibration(benign: &Benign) -> Calibration {
    Calibration {
        side: benign.side,
        sources: benign.sources.iter().map(ToString::to_string).collect(),
        texts: benign.texts(),
    }
}

fn points(source: &str, side: Side, cases: &[&Case], benign: &[Benign; 2]) -> Vec<Point> {
    let beside = benign.iter().filter(|benign| benign.side == side);
    let points = beside.flat_map(|benign| {
        TARGETS.into_iter().filter_map(|target| {
            let above = benign.limit(target, Some(source))?;
            let caught = Rate::of(cases.iter().map(|case| case.score > above));
            Some(Point { false_alarms: target.rate(), above: Some(above), caught })
        })
    });
    points.collect()
}

fn sum(rates: impl Iterator<Item = Rate>) -> Rate {
    let (hits, of) = rates.fold((0, 0), |(hits, of), rate| (hits + rate.hits, of + rate.of));
    Rate::counted(hits, of - hits)
}

/// The points that all of them have.
fn sum_of_points(rates: &[&Rates]) -> Vec<Point> {
    let points = TARGETS.into_iter().filter_map(|target| {
        let of = |rates: &&Rates| {
            rates.curve.iter().find(|point| point.false_alarms == target.rate()).map(|point| point.caught)
        };
        let caught: Vec<Rate> = rates.iter().map(of).collect::<Option<_>>()?;
        Some(Point { false_alarms: target.rate(), above: None, caught: sum(caught.into_iter()) })
    });
    points.collect()
}
