//! The figures as text.

use crate::{
    cli::table::{Align, table},
    evaluation::{Rate, Rates, Report, Side, TypeRates},
};

/// Where figures of learned sources are that no training has seen.
const CARDS: &str = "Figures of trainings without the source that is measured: crates/cordon-inspect/models/injection.md, of names names.md. Rules are not trained.";

pub(super) fn text(report: &Report) -> String {
    let mut text = head(report);
    let (trained, new): (Vec<&Rates>, Vec<&Rates>) =
        report.injection.iter().partition(|rates| rates.trained_on > 0);
    section(&mut text, "INJECTION (of benign texts: false alarms)", injection(&new));
    let together: Vec<&Rates> = report.together.iter().collect();
    section(&mut text, "INJECTION, ALL SOURCES", injection(&together));
    section(
        &mut text,
        "INJECTION, TEXTS THAT THE MODELS WERE TRAINED ON (what is remembered)",
        injection(&trained),
    );
    if report.injection.iter().any(|rates| !rates.curve.is_empty()) {
        text.push_str("At 1 % and 0.1 %: a diagnostic, with the score at which so many benign texts of other sources would raise an alarm.\n");
    }
    for calibration in report.calibrations.iter().filter(|calibration| calibration.texts > 0) {
        let sources = calibration.sources.join(", ");
        text.push_str(&format!(
            "Calibrated on, {}: {} texts of {sources}.\n",
            calibration.side.name(),
            calibration.texts
        ));
    }
    let languages = report
        .languages
        .iter()
        .map(|language| vec![language.language.clone(), shown(language.attacks), shown(language.benign)]);
    section(&mut text, "INJECTION BY LANGUAGE", rows(&["LANGUAGE", "CAUGHT", "FALSE ALARMS"], languages));
    let disguised = report.disguised.iter().map(|d| {
        let lost = if d.plain.of == 0 { "–".to_owned() } else { format!("{:.1}", d.lost_points) };
        vec![
            d.obfuscation.to_owned(),
            d.family.to_owned(),
            d.side.name().to_owned(),
            shown(d.plain),
            shown(d.disguised),
            lost,
            shown(d.benign),
        ]
    });
    let heads =
        ["OBFUSCATION", "FAMILY", "SIDE", "CAUGHT PLAIN", "CAUGHT DISGUISED", "POINTS LOST", "FALSE ALARMS"];
    section(
        &mut text,
        "INJECTION, DISGUISED (false alarms: ordinary benign texts in the same disguise)",
        rows(&heads, disguised),
    );
    let marked = report.types.iter().any(|t| t.trained_on > 0);
    let types = report.types.iter().map(|t| {
        let mut line = vec![t.source.clone(), t.category.to_string(), recall(t), shown(t.precision)];
        if marked {
            line.push(count(t.trained_on));
        }
        line
    });
    let heads = ["SOURCE", "CATEGORY", "RECALL", "PRECISION", "TRAINED ON"];
    section(
        &mut text,
        "PERSONAL DATA (recall: the value is covered whole; precision: the finding touches one)",
        rows(heads.get(..if marked { 5 } else { 4 }).unwrap_or(&heads), types),
    );
    let secrets = report
        .secrets
        .iter()
        .map(|s| vec![s.source.clone(), shown(s.covered), shown(s.flagged), shown(s.near_misses)]);
    section(
        &mut text,
        "SECRETS (covered: half of a labelled value or more)",
        rows(&["SOURCE", "COVERED", "FLAGGED", "NEAR-MISSES FLAGGED"], secrets),
    );
    let benign =
        report.values_in_benign.iter().map(|b| vec![b.source.clone(), shown(b.secret), shown(b.pii)]);
    section(
        &mut text,
        "VALUES IN BENIGN TEXTS WITHOUT LABELS FOR THEM (real ones are among them)",
        rows(&["SOURCE", "SECRETS", "PERSONAL DATA"], benign),
    );
    let speed = report.speed.iter().map(|speed| {
        let source = speed.file.clone().unwrap_or_else(|| "all".to_owned());
        vec![
            source,
            speed.bytes.to_string(),
            speed.micros_per_kb.map_or_else(|| "–".to_owned(), |micros| format!("{micros:.1}")),
        ]
    });
    let columns = [("FILE", Align::Left), ("BYTES", Align::Right), ("MICROSECONDS PER KB", Align::Right)];
    let speed: Vec<Vec<String>> = speed.collect();
    let clock =
        if report.processor_time { "PROCESSOR TIME" } else { "TIME, that of other programs included" };
    section(&mut text, clock, (!speed.is_empty()).then(|| table(&columns, &speed)));
    let skipped = report.skipped.iter().map(|(what, count)| vec![count.to_string(), what.clone()]);
    section(&mut text, "NOT MEASURED", rows(&["HOW MANY", "WHAT"], skipped));
    text
}

/// What was measured, by what, and how to read it.
fn head(report: &Report) -> String {
    let mut text = format!(
        "{} texts, guard {}, rules {}\nRates with Wilson intervals at 95 %. A finding counts where the guard acts on it.\n",
        report.texts, report.guard, report.rules
    );
    if report.left_out > 0 {
        text.push_str(&format!(
            "Judged by a model of injection that was trained without their source, and by rules: {}; never seen by a model: {}.\n",
            report.left_out,
            report.texts - report.left_out - report.trained_on
        ));
    }
    if report.trained_on > 0 {
        let counted = if report.with_trained {
            "they count in all figures, which are kinder than those of new texts"
        } else {
            "no training without their source has judged them, so they stand apart and in no total (--with-trained counts them there, too)"
        };
        text.push_str(&format!(
            "Judged by models that were trained on them: {}; {counted}.\n{CARDS}\n",
            report.trained_on
        ));
    }
    text
}

fn section(text: &mut String, title: &str, body: Option<String>) {
    if let Some(body) = body {
        text.push_str(&format!("\n{title}\n{body}"));
    }
}

fn rows(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Option<String> {
    let rows: Vec<Vec<String>> = rows.collect();
    let columns: Vec<(&str, Align)> = heads.iter().map(|head| (*head, Align::Left)).collect();
    (!rows.is_empty()).then(|| table(&columns, &rows))
}

fn injection(all: &[&Rates]) -> Option<String> {
    let of = |rates: &Rates, target: f64| {
        rates.curve.iter().find(|point| point.false_alarms == target).map(|point| shown(point.caught))
    };
    let thousandth = all.iter().any(|rates| of(rates, 0.001).is_some());
    let marked = all.iter().any(|rates| rates.trained_on > 0);
    let without = all.iter().any(|rates| rates.left_out > 0);
    let line = |rates: &&Rates| {
        let mut line = vec![
            rates.source.clone().unwrap_or_else(|| "all".to_owned()),
            rates.kind.clone(),
            match rates.side {
                Side::Direct => String::new(),
                Side::Indirect => Side::Indirect.name().to_owned(),
            },
            shown(rates.operating),
            of(rates, 0.01).unwrap_or_else(|| "–".to_owned()),
        ];
        if thousandth {
            line.push(of(rates, 0.001).unwrap_or_else(|| "–".to_owned()));
        }
        if without {
            line.push(count(rates.left_out));
        }
        if marked {
            line.push(count(rates.trained_on));
        }
        line
    };
    let mut heads = vec!["SOURCE", "KIND", "SIDE", "CAUGHT", "AT 1 %"];
    heads.extend(thousandth.then_some("AT 0.1 %"));
    heads.extend(without.then_some("LEFT OUT"));
    heads.extend(marked.then_some("TRAINED ON"));
    rows(&heads, all.iter().map(line))
}

/// How many of a row's texts or values were judged in such a way.
fn count(count: u64) -> String {
    if count == 0 { String::new() } else { count.to_string() }
}

/// The recall of a type: of one that nothing looks for there is none.
fn recall(of: &TypeRates) -> String {
    if of.recall.of == 0 && of.not_looked_for > 0 { "not looked for".to_owned() } else { shown(of.recall) }
}

/// A rate as people read it.
fn shown(rate: Rate) -> String {
    let percent = |value: Option<f64>| value.map(|value| format!("{:.1}", value * 100.0)).unwrap_or_default();
    match rate.of {
        0 => "–".to_owned(),
        of => format!(
            "{} % [{}, {}] ({}/{of})",
            percent(rate.value),
            percent(rate.low),
            percent(rate.high),
            rate.hits
        ),
    }
}
