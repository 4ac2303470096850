//! Curves over the score: what each threshold means, as SVG that the server makes, with the thresholds of guards as lines.
//!
//! What is said of a threshold holds down to the next lower one that is told: the curves are steps.

use cordon_core::Score;
use maud::{Markup, html};

use super::chart::{BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, ticks};

/// A curve: a value for each score, in rising order; none where nothing is known.
pub(super) struct Line {
    pub(super) label: &'static str,
    /// The class that colours it.
    pub(super) class: &'static str,
    pub(super) values: Vec<(Score, Option<u64>)>,
    /// Where it may really lie, lowest and highest, for each of the scores; empty where that is not told.
    pub(super) band: Vec<(Score, Option<(u64, u64)>)>,
}

pub(super) struct Plot<'a> {
    pub(super) title: &'a str,
    pub(super) unit: &'a str,
    /// The first one's scores are those of all.
    pub(super) lines: Vec<Line>,
    /// Scores that mean something to somebody, and what.
    pub(super) marks: Vec<(Score, String)>,
    /// Writes a value.
    pub(super) show: fn(u64) -> String,
    /// Where its table is.
    pub(super) table: &'a str,
}

/// Where a score is.
fn x(score: Score) -> i64 {
    LEFT + (RIGHT - LEFT) * i64::from(score.millionths()) / 1_000_000
}

impl Plot<'_> {
    pub(super) fn draw(&self) -> Markup {
        let values = self.lines.iter().flat_map(|line| line.values.iter().filter_map(|(_, value)| *value));
        let highest =
            self.lines.iter().flat_map(|line| line.band.iter().filter_map(|(_, band)| Some((*band)?.1)));
        let ticks = ticks(values.chain(highest).max().unwrap_or(0).max(1));
        let top = ticks.last().copied().unwrap_or(1).max(1);
        let y = |value: u64| -> i64 {
            let field = u128::from((BOTTOM - TOP).unsigned_abs());
            BOTTOM - i64::try_from(u128::from(value.min(top)) * field / u128::from(top)).unwrap_or(0)
        };
        html! {
            figure.chart {
                figcaption { (self.title) " " span.unit { "(" (self.unit) ")" } " " a.behind href=(self.table) { "table" } }
                svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="group" aria-label=(self.described()) {
                    @for tick in &ticks {
                        line.grid x1=(LEFT) x2=(RIGHT) y1=(y(*tick)) y2=(y(*tick)) {}
                        text.axis.end x=(LEFT - 6) y=(y(*tick) + 4) { ((self.show)(*tick)) }
                    }
                    @for tenths in [0, 20, 40, 60, 80, 100] {
                        text.axis.middle x=(x(Score::percent(tenths))) y=(BOTTOM + 18) { (Score::percent(tenths)) }
                    }
                    @for line in &self.lines {
                        @for (left, right, (low, high)) in spans(&line.band) {
                            rect.band.(line.class) x=(left) y=(y(high)) width=(right - left) height=((y(low) - y(high)).max(1)) {}
                        }
                    }
                    @for line in &self.lines { path.line.(line.class) d=(path(&line.values, y)) {} }
                    @for (score, label) in &self.marks {
                        line.mark x1=(x(*score)) x2=(x(*score)) y1=(TOP - 6) y2=(BOTTOM) { title { (label) } }
                        path.mark d=(format!("M{} {TOP}l-5 -9h10z", x(*score))) { title { (label) } }
                    }
                    @for (left, right, told) in self.told() {
                        rect.hover x=(left) y=(TOP) width=(right - left) height=(BOTTOM - TOP) { title { (told) } }
                    }
                    @for (place, line) in self.labels(y) {
                        rect.(line.class) x=(RIGHT + 6) y=(place - 8) width="8" height="8" {}
                        text.label.(line.class) x=(RIGHT + 18) y=(place) { (line.label) }
                    }
                }
            }
        }
    }

    /// Labels beside the last values, moved apart where they would lie upon each other.
    fn labels(&self, y: impl Fn(u64) -> i64) -> Vec<(i64, &Line)> {
        let last = |line: &Line| line.values.iter().rev().find_map(|(_, value)| *value).unwrap_or(0);
        let mut places: Vec<(i64, &Line)> = self.lines.iter().map(|line| (y(last(line)) + 4, line)).collect();
        places.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
        let mut lowest = BOTTOM + 4;
        for (place, _) in &mut places {
            *place = (*place).min(lowest);
            lowest = *place - 13;
        }
        places
    }

    /// What each threshold means, for the pointer.
    fn told(&self) -> Vec<(i64, i64, String)> {
        let Some(first) = self.lines.first() else { return Vec::new() };
        let scores: Vec<(Score, Option<Score>)> =
            first.values.iter().map(|(score, _)| (*score, Some(*score))).collect();
        let told = |score: Score| {
            let mut text = format!("from score {score}");
            for line in &self.lines {
                let of = |(at, value): &(Score, Option<u64>)| (*at == score).then_some(*value);
                let value = line.values.iter().find_map(of).flatten();
                let value = value.map_or_else(|| "–".to_owned(), self.show);
                text.push_str(&format!("\n{}: {value}", line.label));
                let of = |(at, band): &(Score, Option<(u64, u64)>)| (*at == score).then_some(*band);
                if let Some((low, high)) = line.band.iter().find_map(of).flatten() {
                    text.push_str(&format!(" ({} to {})", (self.show)(low), (self.show)(high)));
                }
            }
            text
        };
        spans(&scores).map(|(left, right, score)| (left, right, told(score))).collect()
    }

    /// What the picture shows, for those who do not see it.
    fn described(&self) -> String {
        let lines: Vec<String> = self
            .lines
            .iter()
            .map(|line| {
                let known = || line.values.iter().filter_map(|(score, value)| Some((score, (*value)?)));
                match (known().next(), known().next_back()) {
                    (Some((low, first)), Some((high, last))) => {
                        let show = self.show;
                        format!(
                            "{} {} from score {low}, {} from score {high}",
                            line.label,
                            show(first),
                            show(last)
                        )
                    }
                    _ => format!("{}: nothing", line.label),
                }
            })
            .collect();
        let marks: Vec<&str> = self.marks.iter().map(|(_, label)| label.as_str()).collect();
        let marks = if marks.is_empty() { String::new() } else { format!("; guards: {}", marks.join(", ")) };
        format!("{}, {}, by threshold: {}{marks}", self.title, self.unit, lines.join("; "))
    }
}

/// From which place to which one each value holds: down to the score before it.
fn spans<T: Copy>(values: &[(Score, Option<T>)]) -> impl Iterator<Item = (i64, i64, T)> + '_ {
    let mut left = LEFT;
    values.iter().filter_map(move |(score, value)| {
        let from = left;
        left = x(*score);
        Some((from, left.max(from.saturating_add(1)), (*value)?))
    })
}

fn path(values: &[(Score, Option<u64>)], y: impl Fn(u64) -> i64) -> String {
    let mut path = String::new();
    let mut end = None;
    for (left, right, value) in spans(values) {
        if end == Some(left) {
            path.push_str(&format!("V{}H{right}", y(value)));
        } else {
            path.push_str(&format!("M{left} {}H{right}", y(value)));
        }
        end = Some(right);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_holds_down_to_the_score_before_and_has_its_gaps() {
        let at = Score::percent;
        let values = vec![(at(25), Some(8)), (at(50), Some(4)), (at(75), None), (at(100), Some(2))];
        let plot = Plot {
            title: "Fires",
            unit: "findings",
            lines: vec![Line { label: "fires", class: "s1", values, band: vec![(at(25), Some((6, 10)))] }],
            marks: vec![(at(50), "guard <g>".to_owned())],
            show: |value| value.to_string(),
            table: "#points",
        };
        let svg = plot.draw().into_string();
        let line = svg.split("class=\"line s1\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        let y = |value: i64| BOTTOM - value * (BOTTOM - TOP) / 10;
        let whole = RIGHT - LEFT;
        let wanted = format!(
            "M{LEFT} {}H{}V{}H{}M{} {}H{RIGHT}",
            y(8),
            LEFT + whole / 4,
            y(4),
            LEFT + whole / 2,
            LEFT + whole * 3 / 4,
            y(2)
        );
        assert_eq!(line, wanted);
        assert!(
            svg.contains("from score 0.25\nfires: 8 (6 to 10)") && svg.contains("guard &lt;g&gt;"),
            "{svg}"
        );
        assert_eq!((svg.matches("class=\"hover\"").count(), svg.matches("class=\"mark\"").count()), (4, 2));
    }
}
