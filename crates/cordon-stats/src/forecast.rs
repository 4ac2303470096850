//! When will a limit be crossed? A straight trend, continued, with the uncertainty of the trend; and said plainly where it
//! cannot be told.
//!
//! ```
//! use cordon_stats::forecast::{Crossing, Limit, Trend};
//! use cordon_stats::interval::Level;
//! // Twenty days, a little worse each day.
//! let days: Vec<(f64, f64)> = (0..20).map(|day| (f64::from(day), 0.02 + 0.001 * f64::from(day) + 0.0005 * f64::from(day % 3))).collect();
//! let trend = Trend::of(&days, Level::P95)?;
//! let Crossing::Expected { earliest, expected, latest } = trend.crossing(Limit::AtMost(0.05)) else { panic!() };
//! assert!(earliest < expected && expected < latest && (28.0..31.0).contains(&expected));
//! # Ok::<(), cordon_stats::interval::Unknown>(())
//! ```

use crate::distribution::student_t;
use crate::interval::{Estimate, Level, Unknown};
use crate::sample::sum_of;

/// Fewest observations that a trend is read from.
const FEWEST: u64 = 8;
/// Fewest observations that they must be worth, where each resembles the one before.
const FEWEST_EFFECTIVE: f64 = 5.0;

/// A straight line through observations in time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend {
    /// Change for each unit of time.
    pub slope: Estimate,
    /// The line at the last observation.
    pub now: Estimate,
    /// How many independent observations these are worth: fewer than there are, where each resembles the one before.
    pub effective: f64,
    /// First and last time.
    pub span: (f64, f64),
    line: Line,
}

/// What the line and its band are computed from.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Line {
    mean_time: f64,
    mean: f64,
    slope: f64,
    /// Squared half-width of the band at the mean time, and what it grows by for each squared unit of time.
    square: f64,
    growth: f64,
}

/// What must not be crossed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// The value must not be below.
    AtLeast(f64),
    /// The value must not be above.
    AtMost(f64),
}

/// When a limit is crossed, if the trend goes on as it went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Crossing {
    /// The trend leads away from the limit.
    Away,
    /// The line is past the limit now.
    Already,
    /// Between these times, with the trend's confidence.
    Expected {
        /// When the upper end of the band crosses it.
        earliest: f64,
        /// When the line does.
        expected: f64,
        /// When the lower end does.
        latest: f64,
    },
    /// The line crosses it later than twice the time that was seen; so far nobody can see from here.
    Far {
        /// When the upper end of the band crosses it.
        earliest: f64,
    },
    /// No trend is told from chance. The band may still cross the limit.
    Unclear {
        /// When the band crosses it, if within twice the time that was seen.
        earliest: Option<f64>,
    },
}

impl Trend {
    /// The line of least squares through `(time, value)`, in any order.
    ///
    /// Values that resemble the ones before them say less than their number: the variance is that of
    /// `n (1 − r) / (1 + r)` observations, where `r` is the correlation of neighbouring distances from the line (Santer et
    /// al., "Statistical significance of trends and trend differences in layer-average atmospheric temperature time series", 2000).
    /// For a few dozen strongly dependent values this is still somewhat too sure. A curve is not a line: what levels off or
    /// comes back each week is not foreseen.
    ///
    /// # Errors
    /// [`Unknown::NotFinite`]; [`Unknown::TooFew`] below 8 observations, or where they are worth fewer than 5;
    /// [`Unknown::Constant`] where all are of one time.
    pub fn of(points: &[(f64, f64)], level: Level) -> Result<Self, Unknown> {
        if points.iter().any(|(time, value)| !(time.is_finite() && value.is_finite())) {
            return Err(Unknown::NotFinite);
        }
        let n = points.len() as u64;
        if n < FEWEST {
            return Err(Unknown::TooFew { n, needed: FEWEST });
        }
        let mut points = points.to_vec();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mean = |of: fn(&(f64, f64)) -> f64| sum_of(points.iter().map(of)) / n as f64;
        let (mean_time, mean) = (mean(|point| point.0), mean(|point| point.1));
        let spread = sum_of(points.iter().map(|(time, _)| (time - mean_time).powi(2)));
        if spread <= 0.0 {
            return Err(Unknown::Constant);
        }
        let slope = sum_of(points.iter().map(|(time, value)| (time - mean_time) * (value - mean))) / spread;
        let left: Vec<f64> =
            points.iter().map(|(time, value)| value - mean - slope * (time - mean_time)).collect();
        let squares = sum_of(left.iter().map(|rest| rest * rest));
        let neighbours = sum_of(left.iter().zip(left.iter().skip(1)).map(|(a, b)| a * b));
        let alike = if squares > 0.0 { (neighbours / squares).clamp(0.0, 1.0) } else { 0.0 };
        let effective = n as f64 * (1.0 - alike) / (1.0 + alike);
        if effective < FEWEST_EFFECTIVE {
            return Err(Unknown::TooFew { n, needed: n.saturating_mul(2) });
        }
        let freedom = effective - 2.0;
        let variance = squares / freedom;
        let quantile = -student_t::quantile(level.alpha() / 2.0, freedom);
        let line = Line {
            mean_time,
            mean,
            slope,
            square: quantile * quantile * variance / effective,
            growth: quantile * quantile * variance / spread,
        };
        let span = (points.first().map_or(f64::NAN, |p| p.0), points.last().map_or(f64::NAN, |p| p.0));
        let half = line.growth.sqrt();
        let slope = Estimate { value: slope, low: slope - half, high: slope + half, n };
        Ok(Self { slope, now: line.band(span.1, n), effective, span, line })
    }

    /// The line and its interval at a time, of what was seen or ahead.
    #[must_use]
    pub fn at(&self, time: f64) -> Estimate {
        self.line.band(time, self.slope.n)
    }

    /// When the limit is crossed, if the trend goes on. The interval is that of the line (Fieller, "Some problems in interval
    /// estimation", 1954): single values scatter around it and cross earlier now and then.
    #[must_use]
    pub fn crossing(&self, limit: Limit) -> Crossing {
        // Seen so that the limit is above.
        let (line, limit) = match limit {
            Limit::AtMost(limit) => (self.line, limit),
            Limit::AtLeast(limit) => (self.line.mirrored(), -limit),
        };
        let (first, last) = self.span;
        if line.at(last) > limit {
            return Crossing::Already;
        }
        let horizon = last + 2.0 * (last - first);
        let earliest = line.upper_crosses(limit, last);
        if line.slope * line.slope <= line.growth {
            return Crossing::Unclear { earliest: earliest.filter(|time| *time <= horizon) };
        }
        if line.slope < 0.0 {
            return Crossing::Away;
        }
        let expected = line.mean_time + (limit - line.mean) / line.slope;
        let earliest = earliest.unwrap_or(expected).min(expected);
        if expected > horizon {
            return Crossing::Far { earliest };
        }
        let latest = line.lower_crosses(limit).max(expected);
        Crossing::Expected { earliest, expected, latest }
    }
}

impl Line {
    fn at(&self, time: f64) -> f64 {
        self.mean + self.slope * (time - self.mean_time)
    }

    fn band(&self, time: f64, n: u64) -> Estimate {
        let half = (self.square + self.growth * (time - self.mean_time).powi(2)).sqrt();
        let value = self.at(time);
        Estimate { value, low: value - half, high: value + half, n }
    }

    fn mirrored(self) -> Self {
        Self { mean: -self.mean, slope: -self.slope, ..self }
    }

    /// Where `(limit − line)² = half width²`: a quadratic equation in the time.
    fn touches(&self, limit: f64) -> [Option<f64>; 2] {
        let off = limit - self.mean;
        let (a, b, c) =
            (self.slope * self.slope - self.growth, -2.0 * off * self.slope, off * off - self.square);
        let roots = if a == 0.0 {
            [(b != 0.0).then(|| -c / b), None]
        } else {
            let inside = b * b - 4.0 * a * c;
            if inside < 0.0 {
                return [None; 2];
            }
            // The form that does not cancel.
            let q = -0.5 * (b + inside.sqrt().copysign(b));
            [Some(q / a), (q != 0.0).then(|| c / q)]
        };
        roots.map(|root| root.map(|time| time + self.mean_time).filter(|time| time.is_finite()))
    }

    /// The first time from `from` on at which the upper end of the band reaches the limit.
    fn upper_crosses(&self, limit: f64, from: f64) -> Option<f64> {
        if self.band(from, 0).high >= limit {
            return Some(from);
        }
        let later = self.touches(limit).into_iter().flatten().filter(|time| *time >= from);
        // Of both ends of the band, the upper one: the line is below the limit there.
        later.filter(|time| self.at(*time) <= limit).min_by(f64::total_cmp)
    }

    /// The time at which the lower end of a rising band reaches the limit: the later of both.
    fn lower_crosses(&self, limit: f64) -> f64 {
        self.touches(limit).into_iter().flatten().fold(f64::NEG_INFINITY, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// A line with noise of which each part keeps `alike` of the one before.
    fn series(count: u32, slope: f64, alike: f64, random: &mut Random) -> Vec<(f64, f64)> {
        let mut noise = random.normal();
        (0..count)
            .map(|at| {
                noise = alike * noise + (1.0 - alike * alike).sqrt() * random.normal();
                (f64::from(at), slope * f64::from(at) + noise)
            })
            .collect()
    }

    /// The time at which the true line crosses is inside as often as stated, and flat series have no trend as often as stated.
    #[test]
    fn crossings_are_right_as_often_as_stated() {
        let (mut random, runs) = (Random::new(5), 1_000);
        for (alike, least) in [(0.0, 0.935), (0.5, 0.89)] {
            let (mut inside, mut told, mut flat) = (0, 0, 0);
            for _ in 0..runs {
                let trend = Trend::of(&series(80, 0.1, alike, &mut random), Level::P95).unwrap();
                if let Crossing::Expected { earliest, expected, latest } = trend.crossing(Limit::AtMost(10.0))
                {
                    assert!(earliest <= expected && expected <= latest);
                    told += 1;
                    inside += i32::from(earliest <= 100.0 && 100.0 <= latest);
                }
                let trend = Trend::of(&series(80, 0.0, alike, &mut random), Level::P95).unwrap();
                flat += i32::from(matches!(trend.crossing(Limit::AtMost(50.0)), Crossing::Unclear { .. }));
            }
            let share = |count: i32, of: i32| f64::from(count) / f64::from(of);
            assert!(told > runs * 9 / 10 && share(inside, told) > least, "{alike}: {inside} of {told}");
            assert!(share(flat, runs) > least, "{alike}: {flat} of {runs} flat");
        }
    }

    #[test]
    fn what_cannot_be_said_is_not() {
        let line = |slope: f64| -> Vec<(f64, f64)> {
            (0..20).map(|at| (f64::from(at), slope * f64::from(at) + 0.01 * f64::from(at % 2))).collect()
        };
        let rising = Trend::of(&line(0.1), Level::P95).unwrap();
        assert_eq!(rising.crossing(Limit::AtMost(1.0)), Crossing::Already);
        assert_eq!(rising.crossing(Limit::AtLeast(-1.0)), Crossing::Away);
        assert!(matches!(rising.crossing(Limit::AtMost(100.0)), Crossing::Far { .. }));
        let falling = Trend::of(&line(-0.1), Level::P95).unwrap();
        let Crossing::Expected { expected, .. } = falling.crossing(Limit::AtLeast(-2.5)) else { panic!() };
        assert!((24.5..25.5).contains(&expected));
        let same_time = vec![(1.0, 2.0); 9];
        assert_eq!(Trend::of(&same_time, Level::P95), Err(Unknown::Constant));
        assert_eq!(Trend::of(&line(0.1)[..7], Level::P95), Err(Unknown::TooFew { n: 7, needed: 8 }));
        assert_eq!(Trend::of(&[(0.0, f64::NAN)], Level::P95), Err(Unknown::NotFinite));
        // One long wave: each value is the one before.
        let wave: Vec<(f64, f64)> = (0..40).map(|at| (f64::from(at), (f64::from(at) / 12.0).sin())).collect();
        assert!(matches!(Trend::of(&wave, Level::P95), Err(Unknown::TooFew { .. })));
    }
}
