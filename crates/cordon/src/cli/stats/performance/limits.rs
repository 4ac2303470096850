//! Limits of metrics: which are broken, which these rows cannot judge, and how many rows it would take.

use cordon_stats::{interval::Estimate, sequential::power::Plan};
use serde::Serialize;

use super::{
    super::{
        StatsError,
        outcomes::{short, shown},
        percent,
    },
    PerformanceArgs,
    figures::Figure,
    rows::Task,
    weighed::MOST_COLUMNS,
};

/// A limit that is broken.
pub(super) struct Breach {
    pub(super) metric: String,
    pub(super) sentence: String,
}

/// A limit inside of the interval of its metric.
#[derive(Serialize)]
pub(super) struct Open {
    metric: String,
    limit: f64,
    value: f64,
    /// Rows of the kind that the metric counts.
    rows: u64,
    /// As many would tell on which side it is; none where it is the limit itself.
    rows_needed: Option<u64>,
}

/// Limits that are broken, sentences for those of which that cannot be said, and those that more rows would decide.
#[derive(Default)]
pub(super) struct Limits {
    pub(super) breaches: Vec<Breach>,
    pub(super) undecided: Vec<String>,
    pub(super) open: Vec<Open>,
}

pub(super) fn limits(args: &PerformanceArgs, figures: &[Figure]) -> Result<Limits, StatsError> {
    let mut said = Limits::default();
    let limits = args
        .at_least
        .iter()
        .map(|limit| (limit, true))
        .chain(args.at_most.iter().map(|limit| (limit, false)));
    for ((name, limit), is_least) in limits {
        let Some(figure) = figures.iter().find(|figure| figure.name == *name) else {
            let names: Vec<&str> = figures.iter().map(|figure| figure.name).collect();
            return Err(StatsError::Told(format!(
                "there is no metric `{name}` here; help: there are {}",
                names.join(", ")
            )));
        };
        let e = match figure.told {
            Ok(e) => e,
            Err(why) => {
                said.undecided.push(format!("the limit of {name} cannot be judged: it is unknown ({why})"));
                continue;
            }
        };
        let (is_broken, side) = if is_least { (e.high < *limit, "below") } else { (e.low > *limit, "above") };
        if is_broken && e.low == e.high {
            said.undecided.push(format!(
                "the limit of {name} cannot be judged: {} is {side} {limit}, and there is no interval for it",
                short(e.value)
            ));
        } else if is_broken {
            let sentence = format!("{name} is {}, {side} {limit}", shown(figure.told));
            said.breaches.push(Breach { metric: name.clone(), sentence });
        } else if e.low <= *limit && *limit <= e.high && e.low < e.high {
            let difference = limit - e.value;
            let half = if difference > 0.0 { e.high - e.value } else { e.value - e.low };
            said.open.push(Open {
                metric: name.clone(),
                limit: *limit,
                value: e.value,
                rows: e.n,
                rows_needed: args.rows_to_tell(e, half, difference),
            });
        }
    }
    Ok(said)
}

impl Open {
    /// In a sentence.
    pub(super) fn said(&self, power: f64) -> String {
        let it_takes = match self.rows_needed {
            Some(rows) => format!(
                "about {rows} rows of the kind that it counts, in place of {}, would tell on which side it is, {} of the time",
                self.rows,
                percent(power)
            ),
            None => "no number of rows tells on which side it is".to_owned(),
        };
        format!("{}: {} lies inside its interval; {it_takes}", self.metric, self.limit)
    }
}

impl PerformanceArgs {
    /// Rows after which a metric would be told from one that is off by what was asked for.
    pub(super) fn rows_for(&self, figure: &Figure) -> Option<u64> {
        let e = figure.told.ok()?;
        self.rows_to_tell(e, (e.high - e.value).max(e.value - e.low), self.rows_needed?)
    }

    /// Rows after which an interval that reaches so far on one side leaves out what lies so far away.
    fn rows_to_tell(&self, e: Estimate, half: f64, difference: f64) -> Option<u64> {
        let plan = Plan::new(self.confidence.alpha(), self.power).ok()?;
        plan.narrower(e.n, half, difference).ok().flatten()
    }

    /// What was asked for and means nothing together.
    pub(super) fn odd(&self) -> Option<String> {
        if self.query.is_some() && self.task != Some(Task::Ranking) {
            return Some("--query is of lists; help: add --task ranking".to_owned());
        }
        if self.weigh_by.len() > MOST_COLUMNS {
            return Some(format!(
                "rows are weighed by at most {MOST_COLUMNS} columns; help: take those whose distribution moved most, see `cordon causes`"
            ));
        }
        let is_odd = self.rows_needed.is_some_and(|difference| !(difference.is_finite() && difference > 0.0));
        is_odd.then(|| "--rows-needed is a difference above 0; help: such as --rows-needed 0.05".to_owned())
    }
}
