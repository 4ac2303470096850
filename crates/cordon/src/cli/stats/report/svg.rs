//! Figures as SVG: every one as wide as a phone is, so that its words are read on one, and a page puts several beside each other.

mod course;

use maud::{Markup, html};

use super::{
    super::super::table::plain,
    figure::{Bars, Curve, Curves, Dots, Drawing, Histogram, Scale, Side},
    html::shortened,
};
use crate::cli::stats::percent;

/// The picture's width, and the field inside of it where values are drawn.
const WIDTH: f64 = 360.0;
const LEFT: f64 = 38.0;
const RIGHT: f64 = 350.0;
const TOP: f64 = 10.0;

/// A place in the picture, to a tenth: nobody sees more.
fn at(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

pub(super) fn draw(drawing: &Drawing, told: &str) -> Markup {
    let (height, body) = match drawing {
        Drawing::Bars(bars) => bars.draw(),
        Drawing::Course(course) => course.draw(),
        Drawing::Curves(curves) => curves.draw(),
        Drawing::Dots(dots) => dots.draw(),
        Drawing::Histogram(histogram) => histogram.draw(),
    };
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {}", at(height))) role="img" aria-label=(told) { (body) }
    }
}

/// A range of numbers along one side of the picture.
struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn place(&self, value: f64) -> f64 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        if share.is_nan() { self.from } else { share.mul_add(self.to - self.from, self.from) }
    }

    /// Round values inside of the range, `most` at most.
    fn ticks(&self, most: u32) -> Vec<f64> {
        let span = self.high - self.low;
        if !(span > 0.0 && span.is_finite()) {
            return Vec::new();
        }
        let power = 10_f64.powf((span / f64::from(most)).log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0, 20.0].map(|factor| factor * power);
        let count = |step: f64| (self.high / step).floor() - (self.low / step).ceil() + 1.0;
        let Some(step) = steps.into_iter().find(|step| count(*step) <= f64::from(most)) else {
            return Vec::new();
        };
        let first = (self.low / step).ceil();
        let all = (0..most).map(|number| (first + f64::from(number)) * step);
        all.take_while(|value| *value <= self.high + step * 1e-9).collect()
    }

    /// Days, months or hours: a date is round where its day is.
    fn marks(&self, scale: Scale, most: u32) -> Vec<f64> {
        const DAY: f64 = 86_400.0;
        if scale != Scale::Date {
            return self.ticks(most);
        }
        let days = Self { low: self.low / DAY, high: self.high / DAY, ..*self };
        days.ticks(most.min(3)).into_iter().filter(|day| day.fract() == 0.0).map(|day| day * DAY).collect()
    }
}

/// Grid lines from left to right with what they stand for.
fn grid(axis: &Axis, scale: Scale) -> Markup {
    html! {
        @for tick in axis.ticks(4) {
            @let y = axis.place(tick);
            line.grid x1=(at(LEFT)) x2=(at(RIGHT)) y1=(at(y)) y2=(at(y)) {}
            text.end x=(at(LEFT - 4.0)) y=(at(y + 4.0)) { (scale_short(scale, tick)) }
        }
    }
}

/// Words under the axis from left to right.
fn along(axis: &Axis, scale: Scale, y: f64) -> Markup {
    html! {
        @for tick in axis.marks(scale, 5) {
            @let x = axis.place(tick);
            line.grid x1=(at(x)) x2=(at(x)) y1=(at(y - 12.0)) y2=(at(y - 9.0)) {}
            text.(if x > RIGHT - 16.0 { "end" } else { "middle" }) x=(at(x.min(RIGHT + 8.0))) y=(at(y)) { (scale_short(scale, tick)) }
        }
    }
}

/// As short as an axis has room for.
fn scale_short(scale: Scale, value: f64) -> String {
    if scale == Scale::Share {
        let whole = value * 100.0;
        return if (whole - whole.round()).abs() < 1e-9 {
            format!("{whole:.0} %")
        } else {
            format!("{whole:.1} %")
        };
    }
    let thousand = [(1e9, "G"), (1e6, "M"), (1e3, "k")];
    if scale == Scale::Number
        && value.abs() >= 1e4
        && let Some((unit, word)) = thousand.into_iter().find(|(unit, _)| value.abs() >= *unit)
    {
        return scale.show(value / unit) + word;
    }
    scale.show(value)
}

impl Histogram {
    fn draw(&self) -> (f64, Markup) {
        const BOTTOM: f64 = 132.0;
        let (low, high) = (self.edges.first().copied(), self.edges.last().copied());
        let x = Axis { low: low.unwrap_or(0.0), high: high.unwrap_or(1.0), from: LEFT, to: RIGHT };
        let most = self.sides.iter().flat_map(|(_, shares)| shares).copied().fold(1e-9, f64::max);
        let y = Axis { low: 0.0, high: most * 1.05, from: BOTTOM, to: TOP };
        let bands = BOTTOM + 32.0;
        let height = bands + 13.0 * self.bands.len() as f64;
        let body = html! {
            (grid(&y, Scale::Share))
            (along(&x, self.scale, BOTTOM + 15.0))
            @for (side, shares) in &self.sides {
                path.area.(side.class()) d=(self.steps(shares, &x, &y, BOTTOM)) {}
            }
            @for (place, band) in self.bands.iter().enumerate() {
                @let middle = bands + 13.0 * place as f64 - 3.0;
                @let [lowest, lower, median, upper, highest] = band.levels.map(|level| at(x.place(level)));
                text.end x=(at(LEFT - 4.0)) y=(at(middle + 4.0)) { (if band.side == Side::Current { "cur." } else { "ref." }) }
                line.whisker.(band.side.class()) x1=(lowest) x2=(highest) y1=(at(middle)) y2=(at(middle)) {}
                line.box.(band.side.class()) x1=(lower) x2=(upper) y1=(at(middle)) y2=(at(middle)) {}
                circle.median cx=(median) cy=(at(middle)) r="3" {}
            }
            @for (bin, pair) in self.edges.windows(2).enumerate() {
                @let [from, to] = [pair.first(), pair.last()].map(|edge| x.place(edge.copied().unwrap_or(0.0)));
                rect.hover x=(at(from)) y=(at(TOP)) width=(at((to - from).max(0.5))) height=(at(BOTTOM - TOP)) {
                    title { (self.told(bin)) }
                }
            }
        };
        (height, body)
    }

    /// The outline of the bars.
    fn steps(&self, shares: &[f64], x: &Axis, y: &Axis, bottom: f64) -> String {
        let mut path = format!("M{} {}", at(x.from), at(bottom));
        for (share, edge) in shares.iter().zip(self.edges.iter().skip(1)) {
            path.push_str(&format!("V{}H{}", at(y.place(*share)), at(x.place(*edge))));
        }
        path + &format!("V{}", at(bottom))
    }

    /// What a bin holds, for the pointer.
    fn told(&self, bin: usize) -> String {
        let edge = |at: usize| self.edges.get(at).map(|edge| self.scale.show(*edge)).unwrap_or_default();
        let mut text = format!("{} to {}", edge(bin), edge(bin + 1));
        for (side, shares) in &self.sides {
            let share = shares.get(bin).copied().unwrap_or(0.0);
            text.push_str(&format!("\n{}: {}", side.word(), percent(share)));
        }
        text
    }
}

impl Bars {
    fn draw(&self) -> (f64, Markup) {
        const WORDS: f64 = 116.0;
        const END: f64 = RIGHT - 40.0;
        let bar = if self.sides.len() > 1 { 11.0 } else { 13.0 };
        let step = bar * self.sides.len() as f64 + 7.0;
        let most = self.sides.iter().flat_map(|(_, shares)| shares).copied().fold(1e-9, f64::max);
        let x = Axis { low: 0.0, high: most, from: WORDS, to: END };
        let body = html! {
            @for (row, label) in self.labels.iter().enumerate() {
                @let top = TOP + step * row as f64;
                text.end x=(at(WORDS - 6.0)) y=(at(top + (step - 7.0) / 2.0 + 4.0)) { (shortened(&plain(label), 16)) title { (shortened(&plain(label), 80)) } }
                @for (side, (of, shares)) in self.sides.iter().enumerate() {
                    @let share = shares.get(row).copied().unwrap_or(0.0);
                    @let y = top + bar * side as f64;
                    rect.(of.class()) x=(at(WORDS)) y=(at(y)) width=(at((x.place(share) - WORDS).max(0.5))) height=(at(bar - 1.0)) {}
                    text.small x=(at(x.place(share) + 4.0)) y=(at(y + bar / 2.0 + 3.0)) { (percent(share)) }
                }
            }
            line.axis x1=(at(WORDS)) x2=(at(WORDS)) y1=(at(TOP - 4.0)) y2=(at(TOP + step * self.labels.len() as f64)) {}
        };
        (TOP + step * self.labels.len() as f64 + 4.0, body)
    }
}

impl Dots {
    fn draw(&self) -> (f64, Markup) {
        const WORDS: f64 = 128.0;
        const STEP: f64 = 19.0;
        let (x, bottom) = (self.axis(WORDS), TOP + 12.0 + STEP * self.dots.len() as f64);
        let body = html! {
            @for tick in x.marks(self.scale, 5) {
                @let place = at(x.place(tick));
                line.grid x1=(place) x2=(place) y1=(at(TOP + 8.0)) y2=(at(bottom)) {}
                text.middle x=(place) y=(at(bottom + 15.0)) { (scale_short(self.scale, tick)) }
            }
            @if let Some((value, name)) = &self.limit {
                @let place = x.place(*value);
                line.limit x1=(at(place)) x2=(at(place)) y1=(at(TOP + 2.0)) y2=(at(bottom)) {}
                text.limit.(if place > 240.0 { "end" } else { "start" }) x=(at(if place > 240.0 { place - 4.0 } else { place + 4.0 })) y=(at(TOP + 6.0)) { (name) }
            }
            @for (row, dot) in self.dots.iter().enumerate() {
                @let y = STEP.mul_add(row as f64 + 0.5, TOP + 12.0);
                g.(dot.tone.class()) {
                    text.end x=(at(WORDS - 8.0)) y=(at(y + 4.0)) { (shortened(&plain(&dot.label), 19)) title { (shortened(&plain(&dot.label), 80)) } }
                    @if let Some((low, high)) = dot.interval {
                        line.whisker x1=(at(x.place(low))) x2=(at(x.place(high))) y1=(at(y)) y2=(at(y)) {}
                    }
                    circle.dot cx=(at(x.place(dot.value))) cy=(at(y)) r="3.8" {}
                    rect.hover x="0" y=(at(y - STEP / 2.0)) width=(at(WIDTH)) height=(at(STEP)) { title { (shortened(&plain(&dot.label), 80)) ": " (self.told(dot.value, dot.interval)) } }
                }
            }
        };
        (bottom + 22.0, body)
    }

    fn axis(&self, words: f64) -> Axis {
        let (mut low, mut high) = self.at_least;
        let ends = self.dots.iter().flat_map(|dot| {
            let (from, to) = dot.interval.unwrap_or((dot.value, dot.value));
            [from, to, dot.value]
        });
        for end in ends.chain(self.limit.iter().map(|limit| limit.0)).filter(|end| end.is_finite()) {
            (low, high) = (low.min(end), high.max(end));
        }
        // A little air, but not beyond where a share ends.
        let air = (high - low) * 0.04;
        let (low, high) = if self.scale == Scale::Share {
            ((low - air).max(low.min(0.0)), (high + air).min(high.max(1.0)))
        } else {
            (if low == 0.0 { 0.0 } else { low - air }, high + air)
        };
        Axis { low, high: if high > low { high } else { low + 1.0 }, from: words, to: RIGHT }
    }

    pub(super) fn told(&self, value: f64, interval: Option<(f64, f64)>) -> String {
        let shown = self.scale.show(value);
        match interval {
            Some((low, high)) if high.is_finite() => {
                format!("{shown} ({} to {})", self.scale.show(low), self.scale.show(high))
            }
            Some((low, _)) => format!("{shown} (at least {})", self.scale.show(low)),
            None => shown,
        }
    }
}

impl Curves {
    fn draw(&self) -> (f64, Markup) {
        const BOTTOM: f64 = 262.0;
        let x = Axis { low: 0.0, high: 1.0, from: LEFT + 14.0, to: RIGHT };
        let y = Axis { low: 0.0, high: 1.0, from: BOTTOM, to: TOP };
        let most = self.points.iter().map(|point| point.rows).max().unwrap_or(1).max(1);
        let path = |curve: &Curve| {
            let mut path = String::new();
            for (number, (along, up)) in curve.points.iter().enumerate() {
                let word = if number == 0 { 'M' } else { 'L' };
                path.push_str(&format!("{word}{} {}", at(x.place(*along)), at(y.place(*up))));
            }
            path
        };
        let body = html! {
            @for tick in y.ticks(6) {
                line.grid x1=(at(x.from)) x2=(at(RIGHT)) y1=(at(y.place(tick))) y2=(at(y.place(tick))) {}
                text.end x=(at(x.from - 4.0)) y=(at(y.place(tick) + 4.0)) { (scale_short(Scale::Share, tick)) }
            }
            (along(&x, Scale::Share, BOTTOM + 15.0))
            text.middle.axis-name x=(at(f64::midpoint(x.from, RIGHT))) y=(at(BOTTOM + 31.0)) { (self.x) }
            text.middle.axis-name transform=(format!("translate(11 {}) rotate(-90)", at(f64::midpoint(TOP, BOTTOM)))) { (self.y) }
            @for curve in &self.curves {
                path.(if curve.dashed { "dashed" } else { "line s1" }) d=(path(curve)) { title { (curve.name) } }
            }
            @for point in &self.points {
                @let place = at(x.place(point.at.0));
                line.whisker.s2 x1=(place) x2=(place) y1=(at(y.place(point.interval.0))) y2=(at(y.place(point.interval.1))) {}
                circle.s2 cx=(place) cy=(at(y.place(point.at.1))) r=(at(3.0 + 4.0 * (point.rows as f64 / most as f64).sqrt())) {
                    title { (percent(point.at.0)) " → " (percent(point.at.1)) " (" (percent(point.interval.0)) " to " (percent(point.interval.1)) "), " (point.rows) " rows" }
                }
            }
        };
        (BOTTOM + 38.0, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let of = |low, high| Axis { low, high, from: 0.0, to: 1.0 }.ticks(5);
        assert_eq!(of(0.0, 1.0), [0.0, 0.5, 1.0]);
        assert_eq!(of(18.2, 71.9), [20.0, 40.0, 60.0]);
        assert!(of(1.0, 1.0).is_empty() && of(0.0, f64::INFINITY).is_empty());
    }

    proptest! {
        #[test]
        fn ticks_never_leave_the_axis(low in -1e12f64..1e12, span in 1e-6f64..1e12, most in 1u32..9) {
            let axis = Axis { low, high: low + span, from: 10.0, to: 300.0 };
            let ticks = axis.ticks(most);
            prop_assert!(ticks.len() <= most as usize);
            for tick in ticks {
                prop_assert!(tick >= low - span * 1e-6 && tick <= low + span * (1.0 + 1e-6), "{tick} in {low} + {span}");
                prop_assert!((10.0..=300.0).contains(&axis.place(tick)));
            }
        }
    }
}
