//! What a comparison of two models or periods says to people.

use cordon_stats::interval::{Estimate, Unknown};

use super::super::super::{
    file_name, number,
    outcomes::{short, shown},
    percent,
    report::{
        Card, Curve, Curves, Dot, Dots, Drawing, Figure, Head, Report, Row, Scale, Section, Source, Story,
        Table, Tone,
    },
};
use super::super::{PerformanceArgs, rows::Read};
use super::{Answer, Course};

pub(super) fn report(
    args: &PerformanceArgs,
    answer: &Answer,
    course: &Course,
    difference: Result<Estimate, Unknown>,
) -> Report {
    let verdict = verdict(args, answer);
    let without = if answer.without > 0 {
        format!(", {} rows cannot be judged", answer.without)
    } else {
        String::new()
    };
    let summary = format!(
        "{} against {}: {} rows{without}",
        answer.file,
        answer.compared_with,
        number(answer.rows as f64)
    );
    let row = Row {
        case: Some(format!("{} against {}", answer.file, answer.compared_with)),
        failure: (answer.standing == "worse").then(|| verdict.clone()),
        ..Row::plain([mean(answer.mean_loss), mean(answer.mean_loss_compared), shown(difference), verdict])
    };
    let heads = vec![
        Head::left("MEAN LOSS").is("mean_loss"),
        Head::left("COMPARED WITH"),
        Head::left("DIFFERENCE").is("loss_difference"),
        Head::left("VERDICT"),
    ];
    let section = Section {
        title: "Comparison".to_owned(),
        line: format!("Mean loss ({})", answer.loss),
        table: Table { heads, rows: vec![row] },
        figures: if args.look.is_page() { figures(args, answer, course, difference) } else { Vec::new() },
        ..Section::default()
    };
    let note = format!(
        "The interval holds at all rows at once with {}; each answer is ever wrong with a probability of at most {}",
        percent(args.confidence.confidence()),
        percent(args.confidence.alpha())
    );
    // Both are right: the test looks at one side, the interval at two, with other bets.
    let holds_margin = difference.is_ok_and(|e| e.low <= args.margin && args.margin <= e.high);
    let of_sides =
        "the interval is two-sided and may still hold what the one-sided test of the verdict has excluded";
    let of_sides = (answer.standing != "open" && holds_margin).then(|| of_sides.to_owned());
    let notes = std::iter::once(note).chain(of_sides).collect();
    Report { name: "performance", summary, sections: vec![section], notes }
}

fn mean(mean: Option<f64>) -> String {
    mean.map_or_else(|| "unknown".to_owned(), short)
}

fn verdict(args: &PerformanceArgs, answer: &Answer) -> String {
    let at = answer.decided_at.map(|at| format!(", shown at row {at}")).unwrap_or_default();
    match answer.standing {
        "worse" => format!("It is worse by more than {}{at}", args.margin),
        "not_worse" => format!("It is not worse by more than {}{at}", args.margin),
        _ => "Neither is shown: more rows are needed".to_owned(),
    }
}

fn tone(answer: &Answer) -> Tone {
    match answer.standing {
        "worse" => Tone::Bad,
        "not_worse" => Tone::Good,
        _ => Tone::Warn,
    }
}

/// Both mean losses row by row, and their difference beside the margin.
fn figures(
    args: &PerformanceArgs,
    answer: &Answer,
    course: &Course,
    difference: Result<Estimate, Unknown>,
) -> Vec<Figure> {
    let curve = |name, dashed, of: fn(&[f64; 2]) -> f64| Curve {
        name,
        dashed,
        points: course
            .path
            .iter()
            .map(|(n, losses)| (*n as f64 / (answer.rows as f64).max(1.0), of(losses)))
            .collect(),
    };
    let curves = Curves {
        term: "mean_loss",
        x: "rows, as a share",
        y: "mean loss so far",
        curves: vec![curve("this one", false, |of| of[0]), curve("compared with", true, |of| of[1])],
        points: Vec::new(),
    };
    let of_rows = "mean loss of all rows up to each".to_owned();
    let mut figures = vec![Figure::new("losses", "Mean loss, row by row", of_rows, Drawing::Curves(curves))];
    if let Ok(difference) = difference {
        let dot = Dot {
            label: "of the mean losses".to_owned(),
            value: difference.value,
            interval: Some((difference.low, difference.high)),
            tone: tone(answer),
        };
        let dots = Dots {
            limit: Some((args.margin, format!("margin {}", number(args.margin)))),
            ..Dots::new("loss_difference", Scale::Number, (-0.05, 0.05), vec![dot])
        };
        let line = "with an interval that holds at every row at once".to_owned();
        figures.push(Figure::new("difference", "Difference", line, Drawing::Dots(dots)));
    }
    figures
}

pub(super) fn story(args: &PerformanceArgs, answer: &Answer, read: &Read, other: Option<&Read>) -> Story {
    let verdict = verdict(args, answer);
    let mut sources = vec![source("table", &args.file, read)];
    sources.extend(args.compare.iter().zip(other).map(|(path, read)| source("compared with", path, read)));
    let mut how_sure = vec![format!(
        "The test may be looked at after every row: it ever says worse of one that is not, or not worse of one that is, with a \
         probability of at most {} each.",
        percent(args.confidence.alpha())
    )];
    if answer.standing == "open" {
        how_sure.push("That neither is shown does not mean that they are equal.".to_owned());
    }
    if args.compare.is_some() {
        how_sure.push(
            "Rows of the two tables are paired by their place: both must be in an order that has nothing to do with the outcome."
                .to_owned(),
        );
    }
    let what_to_do = match answer.standing {
        "worse" => {
            "Do not put it in place of the other one; look for the rows where it loses (cordon causes)."
        }
        "not_worse" => "It can take the place of the other one, as far as this loss tells.",
        _ => "Let both run on, and ask again: the error stays as stated.",
    };
    let card = |title, value| Card { title, value, note: String::new() };
    Story {
        title: format!("{} against {}", file_name(&args.file), answer.compared_with),
        tone: tone(answer),
        verdict: verdict.clone(),
        what: vec![format!(
            "Its mean loss ({}) is {}, that of {} is {}.",
            answer.loss,
            mean(answer.mean_loss),
            answer.compared_with,
            mean(answer.mean_loss_compared)
        )],
        how_sure,
        what_to_do: vec![what_to_do.to_owned()],
        cards: vec![
            card("Rows", crate::console::number(answer.rows)),
            card("Mean loss", mean(answer.mean_loss)),
            card("Compared with", mean(answer.mean_loss_compared)),
            card("Rows that cannot be judged", crate::console::number(answer.without)),
        ],
        sources,
    }
}

fn source(role: &'static str, path: &std::path::Path, read: &Read) -> Source {
    Source {
        role,
        path: path.to_owned(),
        rows: read.count,
        period: String::new(),
        left_out: read.all_sentences(),
    }
}
