//! Charts as SVG that the server makes: axes with units, a light grid, at most five series that are labelled directly, gaps
//! as gaps, and the facts of the time as marks.

use cordon_core::Timestamp;
use maud::{Markup, html};

/// A series: one value for each step, none where nothing was measured.
pub(super) struct Series {
    pub(super) label: &'static str,
    /// The class that colours it.
    pub(super) class: &'static str,
    pub(super) values: Vec<Option<u64>>,
}

/// Something that was decided at a time.
pub(super) struct Mark {
    pub(super) time: Timestamp,
    pub(super) label: String,
    pub(super) link: String,
}

/// How series are drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Bars, one series upon the other.
    Stack,
    /// Lines.
    Lines,
}

pub(super) struct Chart<'a> {
    pub(super) title: &'a str,
    pub(super) unit: &'a str,
    pub(super) shape: Shape,
    /// The beginning of the first step, and how long one is, in milliseconds.
    pub(super) since: Timestamp,
    pub(super) step: i64,
    pub(super) series: Vec<Series>,
    /// Where the first series may really lie, lowest and highest, for each step; nothing where that is not told.
    pub(super) band: Vec<Option<(u64, u64)>>,
    pub(super) marks: &'a [Mark],
    /// Writes a value.
    pub(super) show: fn(u64) -> String,
    /// Where its table is.
    pub(super) table: String,
}

/// The picture's size, and the field inside it where values are drawn.
pub(super) const WIDTH: i64 = 640;
pub(super) const HEIGHT: i64 = 190;
pub(super) const LEFT: i64 = 56;
pub(super) const RIGHT: i64 = 560;
pub(super) const TOP: i64 = 12;
pub(super) const BOTTOM: i64 = 160;

impl Chart<'_> {
    pub(super) fn draw(&self) -> Markup {
        let steps = self.series.iter().map(|series| series.values.len()).max().unwrap_or(0);
        let most = self.most(steps).max(1);
        let ticks = ticks(most);
        let top = ticks.last().copied().unwrap_or(1).max(1);
        let y = |value: u64| -> i64 {
            let field = u128::from((BOTTOM - TOP).unsigned_abs());
            let up = u128::from(value.min(top)) * field / u128::from(top);
            BOTTOM - i64::try_from(up).unwrap_or(0)
        };
        let count = i64::try_from(steps.max(1)).unwrap_or(1);
        let x = |step: usize| LEFT + (RIGHT - LEFT) * i64::try_from(step).unwrap_or(0) / count;
        let until = self.since.as_millis().saturating_add(self.step.saturating_mul(count));
        let at = |time: Timestamp| {
            let along = i128::from(time.as_millis() - self.since.as_millis()) * i128::from(RIGHT - LEFT)
                / i128::from((until - self.since.as_millis()).max(1));
            LEFT + i64::try_from(along).unwrap_or(0)
        };
        let inside = |mark: &&Mark| (self.since.as_millis()..until).contains(&mark.time.as_millis());
        html! {
            figure.chart {
                figcaption { (self.title) " " span.unit { "(" (self.unit) ")" } " " a.behind href=(self.table) { "table" } }
                svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="group" aria-label=(self.described()) {
                    @for tick in &ticks {
                        line.grid x1=(LEFT) x2=(RIGHT) y1=(y(*tick)) y2=(y(*tick)) {}
                        text.axis.end x=(LEFT - 6) y=(y(*tick) + 4) { ((self.show)(*tick)) }
                    }
                    @for (time, word) in self.hours(until) {
                        text.axis.middle x=(at(time)) y=(BOTTOM + 18) { (word) }
                    }
                    @for (step, (low, high)) in self.bands() {
                        rect.band.s1 x=(x(step)) y=(y(high)) width=((x(step + 1) - x(step)).max(1)) height=((y(low) - y(high)).max(1)) {}
                    }
                    @match self.shape {
                        Shape::Stack => (self.stack(steps, &x, &y)),
                        Shape::Lines => (self.lines(&x, &y)),
                    }
                    @for mark in self.marks.iter().filter(inside).take(MARKS) {
                        a href=(mark.link) aria-label=(mark.label) {
                            line.mark x1=(at(mark.time)) x2=(at(mark.time)) y1=(TOP - 6) y2=(BOTTOM) { title { (mark.label) } }
                            path.mark d=(format!("M{} {TOP}l-5 -9h10z", at(mark.time))) { title { (mark.label) } }
                        }
                    }
                    @for step in 0..steps {
                        rect.hover x=(x(step)) y=(TOP) width=((x(step + 1) - x(step)).max(1)) height=(BOTTOM - TOP) {
                            title { (self.told(step)) }
                        }
                    }
                    @for (place, series) in self.labels(steps, &y) {
                        text.label.(series.class) x=(RIGHT + 6) y=(place) { (series.label) }
                    }
                }
            }
        }
    }

    fn bands(&self) -> impl Iterator<Item = (usize, (u64, u64))> {
        self.band.iter().enumerate().filter_map(|(step, band)| Some((step, (*band)?)))
    }

    fn value(&self, series: usize, step: usize) -> Option<u64> {
        self.series.get(series).and_then(|series| series.values.get(step).copied().flatten())
    }

    fn most(&self, steps: usize) -> u64 {
        let of_step = |step: usize| {
            let values = (0..self.series.len()).filter_map(|series| self.value(series, step));
            if self.shape == Shape::Stack { values.sum() } else { values.max().unwrap_or(0) }
        };
        let highest = self.bands().map(|(_, (_, high))| high).max().unwrap_or(0);
        (0..steps).map(of_step).max().unwrap_or(0).max(highest)
    }

    fn stack(&self, steps: usize, x: &dyn Fn(usize) -> i64, y: &dyn Fn(u64) -> i64) -> Markup {
        html! {
            @for step in 0..steps {
                @let mut below = 0_u64;
                @for (index, series) in self.series.iter().enumerate() {
                    @if let Some(value) = self.value(index, step).filter(|value| *value > 0) {
                        @let foot = y(below);
                        @let _above = { below = below.saturating_add(value); below };
                        @let head = y(below).min(foot - 1);
                        rect.(series.class) x=(x(step)) y=(head) width=((x(step + 1) - x(step) - 1).max(1)) height=(foot - head) {}
                    }
                }
            }
        }
    }

    fn lines(&self, x: &dyn Fn(usize) -> i64, y: &dyn Fn(u64) -> i64) -> Markup {
        let path = |series: &Series| {
            let mut path = String::new();
            let mut drawing = false;
            for (step, value) in series.values.iter().enumerate() {
                match value {
                    Some(value) => {
                        // A value holds for its whole step, so that one that stands alone is seen, too.
                        let word = if drawing { "L" } else { "M" };
                        path.push_str(&format!(
                            "{word}{} {}H{}",
                            x(step),
                            y(*value),
                            x(step.saturating_add(1))
                        ));
                        drawing = true;
                    }
                    None => drawing = false,
                }
            }
            path
        };
        html! { @for series in &self.series { path.line.(series.class) d=(path(series)) {} } }
    }

    /// Labels beside the last values, moved apart where they would lie upon each other.
    fn labels(&self, steps: usize, y: &dyn Fn(u64) -> i64) -> Vec<(i64, &Series)> {
        let mut below = 0_u64;
        let mut places: Vec<(i64, &Series)> = Vec::new();
        for (index, series) in self.series.iter().enumerate() {
            let last = (0..steps).rev().find_map(|step| self.value(index, step)).unwrap_or(0);
            let at = if self.shape == Shape::Stack {
                let middle = below.saturating_add(last / 2);
                below = below.saturating_add(last);
                middle
            } else {
                last
            };
            places.push((y(at) + 4, series));
        }
        places.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
        let mut lowest = BOTTOM + 4;
        for (place, _) in &mut places {
            *place = (*place).min(lowest);
            lowest = *place - 13;
        }
        places
    }

    /// What a step holds, for the pointer.
    fn told(&self, step: usize) -> String {
        let start =
            self.since.as_millis().saturating_add(self.step.saturating_mul(i64::try_from(step).unwrap_or(0)));
        let mut text = Timestamp::from_millis(start).to_string();
        for (index, series) in self.series.iter().enumerate() {
            let value = self.value(index, step).map_or_else(|| "–".to_owned(), self.show);
            text.push_str(&format!("\n{}: {value}", series.label));
            if let (0, Some((low, high))) = (index, self.band.get(step).copied().flatten()) {
                text.push_str(&format!(" ({} to {})", (self.show)(low), (self.show)(high)));
            }
        }
        text
    }

    /// What the picture shows, for those who do not see it.
    fn described(&self) -> String {
        let series: Vec<String> = self
            .series
            .iter()
            .map(|series| {
                let values: Vec<u64> = series.values.iter().flatten().copied().collect();
                match (values.iter().min(), values.iter().max()) {
                    (Some(least), Some(most)) => {
                        format!("{} from {} to {}", series.label, (self.show)(*least), (self.show)(*most))
                    }
                    _ => format!("{}: nothing", series.label),
                }
            })
            .collect();
        format!("{}, {}: {}", self.title, self.unit, series.join("; "))
    }

    /// Times for the axis: whole hours or days, about six of them.
    fn hours(&self, until: i64) -> Vec<(Timestamp, String)> {
        const HOUR: i64 = 3_600_000;
        let span = until - self.since.as_millis();
        let between = [HOUR / 12, HOUR / 6, HOUR, 3 * HOUR, 4 * HOUR, 24 * HOUR, 5 * 24 * HOUR]
            .into_iter()
            .find(|between| span / between <= 7)
            .unwrap_or(10 * 24 * HOUR);
        let first = self.since.as_millis().div_euclid(between).saturating_add(1).saturating_mul(between);
        (0..8_i64)
            .map(|number| first + number * between)
            .filter(|time| *time < until)
            .map(|time| {
                let text = Timestamp::from_millis(time).to_string();
                let range = if between >= 24 * HOUR { 5..10 } else { 11..16 };
                (Timestamp::from_millis(time), text.get(range).unwrap_or_default().to_owned())
            })
            .collect()
    }
}

/// The most marks of one chart.
const MARKS: usize = 20;

/// Four or five round values from 0 on, the last one not below `most`.
pub(super) fn ticks(most: u64) -> Vec<u64> {
    let mut unit = 1_u64;
    loop {
        for factor in [1, 2, 5] {
            let between = unit.saturating_mul(factor);
            if between.saturating_mul(4) >= most {
                let last = most.div_ceil(between);
                return (0..=last).map(|number| number * between).collect();
            }
        }
        unit = unit.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_reach_the_top() {
        assert_eq!(ticks(1), [0, 1]);
        assert_eq!(ticks(7), [0, 2, 4, 6, 8]);
        assert_eq!(ticks(183), [0, 50, 100, 150, 200]);
        for most in (1..2_000_000_u64).step_by(997).chain([u64::MAX / 8]) {
            let ticks = ticks(most);
            assert!(ticks.len() <= 5 && *ticks.last().unwrap() >= most, "{most}: {ticks:?}");
        }
    }

    #[test]
    fn a_chart_shows_gaps_marks_and_values() {
        let marks = [Mark {
            time: Timestamp::from_millis(90_000),
            label: "Guard <g>".to_owned(),
            link: "/log/1".to_owned(),
        }];
        let chart = Chart {
            title: "Calls",
            unit: "a minute",
            shape: Shape::Lines,
            since: Timestamp::from_millis(0),
            step: 60_000,
            series: vec![Series { label: "p50", class: "s1", values: vec![Some(1), None, Some(3)] }],
            band: vec![Some((0, 7)), None, None],
            marks: &marks,
            show: |value| value.to_string(),
            table: "/charts/calls".to_owned(),
        };
        let svg = chart.draw().into_string();
        let line = svg.split("class=\"line s1\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(line.matches('M').count(), 2, "a line with a gap: {line}");
        assert_eq!(svg.matches("class=\"band s1\"").count(), 1, "{svg}");
        assert!(
            svg.contains("p50: 1 (0 to 7)") && svg.contains("p50: 3<"),
            "the interval is told where there is one: {svg}"
        );
        assert!(svg.contains("Guard &lt;g&gt;") && svg.contains("p50: 3") && svg.contains("p50: –"), "{svg}");
    }
}
