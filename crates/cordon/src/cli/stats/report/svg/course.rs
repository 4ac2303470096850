use maud::{Markup, html};

use super::super::figure::{Course, Scale};
use super::{Axis, LEFT, RIGHT, TOP, along, at, grid};

/// Where the field ends below.
const BOTTOM: f64 = 190.0;

impl Course {
    pub(super) fn draw(&self) -> (f64, Markup) {
        let times = self.points.iter().map(|point| point.0).chain(self.band.iter().map(|(time, _)| *time));
        let values = self.points.iter().map(|point| point.1);
        let values = values.chain(self.band.iter().flat_map(|(_, line)| *line));
        let (first, end) = ends(times);
        let (low, high) = ends(values.chain(self.limit.iter().map(|limit| limit.0)));
        let air = (high - low) * 0.05;
        let x = Axis { low: first, high: end, from: LEFT + 8.0, to: RIGHT };
        let y = Axis { low: low - air, high: high + air, from: BOTTOM, to: TOP };
        let place = |(time, value): (f64, f64)| format!("{} {}", at(x.place(time)), at(y.place(value)));
        let side = |of: usize| {
            self.band.iter().map(move |(time, line)| (*time, line.get(of).copied().unwrap_or(f64::NAN)))
        };
        let path =
            |points: &mut dyn Iterator<Item = (f64, f64)>| points.map(place).collect::<Vec<_>>().join("L");
        let (lower, upper) = (path(&mut side(0)), path(&mut side(2).collect::<Vec<_>>().into_iter().rev()));
        let (seen, ahead) = (
            path(&mut side(1).filter(|(time, _)| *time <= self.last)),
            path(&mut side(1).filter(|(time, _)| *time >= self.last)),
        );
        let body = html! {
            (grid(&y, Scale::Number))
            (along(&x, self.scale, BOTTOM + 15.0))
            path.band d=(format!("M{lower}L{upper}Z")) {}
            @for (time, value) in &self.points {
                circle.seen cx=(at(x.place(*time))) cy=(at(y.place(*value))) r="2" {
                    title { (self.scale.show(*time)) ": " (Scale::Number.show(*value)) }
                }
            }
            @if !seen.is_empty() { path.line.s1 d=(format!("M{seen}")) { title { "the line" } } }
            @if !ahead.is_empty() { path.dashed d=(format!("M{ahead}")) { title { "the line, if it goes on" } } }
            @if let Some((value, name)) = &self.limit {
                @let place = y.place(*value);
                line.limit x1=(at(LEFT)) x2=(at(RIGHT)) y1=(at(place)) y2=(at(place)) {}
                text.limit.end x=(at(RIGHT)) y=(at(place - 4.0)) { (name) }
            }
        };
        (BOTTOM + 22.0, body)
    }
}

/// The smallest and the largest of what is finite.
fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let finite = values.filter(|value| value.is_finite());
    let (low, high) = finite
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low < high {
        (low, high)
    } else if low.is_finite() {
        (low - 0.5, low + 0.5)
    } else {
        (0.0, 1.0)
    }
}
