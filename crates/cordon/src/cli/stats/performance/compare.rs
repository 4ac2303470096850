//! Two models on the same rows, or two periods of one, by a test that may be looked at after every row.

mod told;

use std::path::Path;

use cordon_stats::{
    interval::{Estimate, Unknown},
    sequential::{Arm, Arms, OutOfRange, Pairs, Standing},
};
use serde::Serialize;

use super::super::super::json;
use super::super::{Said, StatsError, outcomes::Told, warn};
use super::PerformanceArgs;
use super::rows::{self, Rows, Task, Value};

#[derive(Serialize)]
struct Answer {
    file: String,
    /// The file or the column that is compared with.
    compared_with: String,
    loss: &'static str,
    rows: u64,
    /// Rows that one of both cannot be judged on.
    without: u64,
    margin: f64,
    /// The probability that the test is ever wrong about either answer, however often it is looked at.
    level: f64,
    mean_loss: Option<f64>,
    mean_loss_compared: Option<f64>,
    /// Mean loss of FILE less that of what it is compared with.
    difference: Told,
    standing: &'static str,
    /// The row at which the answer was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_at: Option<u64>,
}

/// How the comparison went.
#[derive(Default)]
struct Course {
    n: u64,
    without: u64,
    /// Sums of both losses and how many they are of.
    first: (f64, u64),
    second: (f64, u64),
    worse_at: Option<u64>,
    within_at: Option<u64>,
    /// Rows and both mean losses up to them, closer at the beginning.
    path: Vec<(u64, [f64; 2])>,
}

impl Course {
    fn look(&mut self, standing: Standing) {
        self.n += 1;
        // Each row that is a twentieth farther than the last one.
        let last = self.path.last().map_or(0, |(n, _)| *n);
        if self.n > last + last / 20 && self.first.1 > 0 && self.second.1 > 0 {
            let mean = |(sum, of): (f64, u64)| sum / of as f64;
            self.path.push((self.n, [mean(self.first), mean(self.second)]));
        }
        let at = match standing {
            Standing::NotWorse => &mut self.within_at,
            Standing::Open => return,
            Standing::Worse => &mut self.worse_at,
        };
        at.get_or_insert(self.n);
    }

    /// What was shown, and when; where both were, because things changed, the bad news counts.
    fn standing(&self) -> (Standing, Option<u64>) {
        match (self.worse_at, self.within_at) {
            (Some(at), _) => (Standing::Worse, Some(at)),
            (None, Some(at)) => (Standing::NotWorse, Some(at)),
            (None, None) => (Standing::Open, None),
        }
    }
}

pub(super) fn run(args: &PerformanceArgs) -> Result<Said, StatsError> {
    let read = rows::of(args, &args.file, true)?;
    let task = rows::task(args, &read.rows)?;
    let loss = Loss::of(args, task)?;
    let out_of_range = |why: OutOfRange| StatsError::Told(why.to_string());
    let mut other = None;
    let (course, difference, with) = match (&args.compare, &args.against) {
        (Some(path), _) => {
            let of_other = rows::of(args, path, true)?;
            let (course, difference) =
                periods(args, &loss, &read.rows, &of_other.rows).map_err(out_of_range)?;
            let without = of_other.without_label + of_other.without_prediction;
            other = Some(of_other);
            (
                Course { without: read.without_label + read.without_prediction + without, ..course },
                difference,
                path.display().to_string(),
            )
        }
        (None, against) => {
            let column = against.as_deref().unwrap_or(&args.prediction);
            let (course, difference) = models(args, &loss, &args.file, column)?;
            (course, difference, column.to_owned())
        }
    };
    let (standing, decided_at) = course.standing();
    let mean = |(sum, of): (f64, u64)| (of > 0).then(|| sum / of as f64);
    let answer = Answer {
        file: args.file.display().to_string(),
        compared_with: with,
        loss: loss.word(),
        rows: course.n,
        without: course.without,
        margin: args.margin,
        level: args.confidence.alpha(),
        mean_loss: mean(course.first),
        mean_loss_compared: mean(course.second),
        difference: difference.into(),
        standing: match standing {
            Standing::NotWorse => "not_worse",
            Standing::Open => "open",
            Standing::Worse => "worse",
        },
        decided_at,
    };
    let report = told::report(args, &answer, &course, difference);
    if args.look.form.json {
        json(&answer)?;
    } else {
        warn(&args.file, &read.left_out.sentences());
        args.look.say(&report)?;
    }
    args.look.write(&report, || told::story(args, &answer, &read, other.as_ref()))?;
    Ok(if standing == Standing::Worse { Said::Found } else { Said::Nothing })
}

/// What a wrong prediction costs, from 0 to 1.
enum Loss {
    /// The distance from the label over this, at most 1.
    Distance(f64),
    /// 1 where it is not the label.
    Wrong,
}

impl Loss {
    fn of(args: &PerformanceArgs, task: Task) -> Result<Self, StatsError> {
        match (task, args.largest_error) {
            (Task::Classes | Task::YesNo, _) => Ok(Self::Wrong),
            (Task::Numbers, Some(largest)) if largest > 0.0 && largest.is_finite() => Ok(Self::Distance(largest)),
            (Task::Ranking, _) => Err(StatsError::Told(
                "lists are not compared row by row; help: measure each with --task ranking and compare their intervals".to_owned(),
            )),
            (Task::Numbers, _) => Err(StatsError::Told(
                "errors of numbers have no bound; help: say with --largest-error from which size on an error is as bad as it gets"
                    .to_owned(),
            )),
        }
    }

    const fn word(&self) -> &'static str {
        match self {
            Self::Distance(_) => "absolute error, of the largest",
            Self::Wrong => "wrong",
        }
    }

    fn on(&self, label: Value, prediction: Value) -> Option<f64> {
        match (self, label, prediction) {
            (_, Value::Missing, _) | (_, _, Value::Missing) => None,
            (Self::Wrong, label, prediction) => Some(f64::from(u8::from(label != prediction))),
            (Self::Distance(largest), label, prediction) => {
                Some(((label.number()? - prediction.number()?).abs() / largest).min(1.0))
            }
        }
    }
}

/// Two predictions of the same rows, in the order of the file.
fn models(
    args: &PerformanceArgs,
    loss: &Loss,
    path: &Path,
    against: &str,
) -> Result<(Course, Result<Estimate, Unknown>), StatsError> {
    let out_of_range = |why: OutOfRange| StatsError::Told(why.to_string());
    let mut pairs = Pairs::new(args.margin, args.confidence.alpha()).map_err(out_of_range)?;
    let mut course = Course::default();
    rows::each_pair(args, path, against, |label, first, second| {
        let (Some(first), Some(second)) = (loss.on(label, first), loss.on(label, second)) else {
            course.without += 1;
            return;
        };
        // Losses are between 0 and 1: nothing is refused.
        if pairs.push(first, second).is_ok() {
            course.first = (course.first.0 + first, course.first.1 + 1);
            course.second = (course.second.0 + second, course.second.1 + 1);
            course.look(pairs.standing());
        }
    })?;
    Ok((course, pairs.difference()))
}

/// Two tables of different rows, each in its order; the shorter one's rows are spread over the longer one's.
fn periods(
    args: &PerformanceArgs,
    loss: &Loss,
    current: &Rows,
    reference: &Rows,
) -> Result<(Course, Result<Estimate, Unknown>), OutOfRange> {
    let mut arms = Arms::new(args.margin, args.confidence.alpha())?;
    let mut course = Course::default();
    let on = |row: &rows::Row| loss.on(row.label, row.prediction);
    let (now, then) = (current.rows.len().max(1), reference.rows.len().max(1));
    let (mut first, mut second) = (current.rows.iter().filter_map(on), reference.rows.iter().filter_map(on));
    for step in 0..now.max(then) {
        // As many of the shorter one as are due at this place.
        let is_due = |length: usize| step * length / now.max(then) != (step + 1) * length / now.max(then);
        if is_due(then)
            && let Some(value) = second.next()
        {
            arms.push(Arm::Live, value)?;
            course.second = (course.second.0 + value, course.second.1 + 1);
        }
        if is_due(now)
            && let Some(value) = first.next()
        {
            arms.push(Arm::Canary, value)?;
            course.first = (course.first.0 + value, course.first.1 + 1);
        }
        course.look(arms.standing());
    }
    Ok((course, arms.difference()))
}
