use std::collections::BTreeMap;

use cordon_core::{DurationMs, Name, Timestamp, containment::Subject, resource::TriggerSpec};

use crate::{
    ended::{Ended, Try},
    series::{Decision, Firing, Move, Phase, Seen, Series},
    signal::{by_model, sample, subject, tried, watches},
    window::Sum,
};

/// What is kept at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How many of those that a trigger watches one by one.
    pub each: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { each: 1_000 }
    }
}

/// Triggers, the windows that they watch, and where each is.
#[derive(Debug)]
pub struct Triggers {
    bounds: Bounds,
    watches: BTreeMap<Name, Watch>,
    unwatched: u64,
}

#[derive(Debug)]
struct Watch {
    spec: TriggerSpec,
    series: BTreeMap<Option<Subject>, Series>,
}

/// A trigger at the moment, of one of those that it watches or of its calls together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Which of several.
    pub of: Option<Subject>,
    /// Where it is.
    pub phase: Phase,
    /// What its window holds.
    pub sum: Sum,
}

impl Triggers {
    /// No triggers.
    pub const fn new(bounds: Bounds) -> Self {
        Self { bounds, watches: BTreeMap::new(), unwatched: 0 }
    }

    /// Takes a trigger up, or takes over what it says now. What it did before stands; what it had seen is forgotten where it
    /// looks at something else now.
    pub fn declare(&mut self, name: &Name, spec: &TriggerSpec) {
        match self.watches.get_mut(name) {
            Some(watch) if watch.spec == *spec => {}
            Some(watch) => {
                let same = (&watch.spec.on, watch.spec.each, &watch.spec.signal, watch.spec.window)
                    == (&spec.on, spec.each, &spec.signal, spec.window);
                watch.spec = spec.clone();
                if !same {
                    watch.series.retain(|_, series| matches!(series.phase(), Phase::Fired { .. }));
                    watch.series.values_mut().for_each(|series| series.begin_anew(spec));
                }
            }
            None => {
                let watch = Watch { spec: spec.clone(), series: BTreeMap::new() };
                self.watches.insert(name.clone(), watch);
            }
        }
    }

    /// Forgets all triggers but these.
    pub fn retain(&mut self, known: impl Fn(&Name) -> bool) {
        self.watches.retain(|name, _| known(name));
    }

    /// Whether there is anything to watch.
    pub fn is_empty(&self) -> bool {
        !self.watches.values().any(|watch| watch.spec.enabled)
    }

    /// What a trigger says.
    pub fn spec(&self, name: &Name) -> Option<&TriggerSpec> {
        self.watches.get(name).map(|watch| &watch.spec)
    }

    /// Looks at a call that has ended.
    pub fn see(&mut self, ended: &Ended) {
        for watch in self.watches.values_mut().filter(|watch| watch.spec.enabled) {
            self.unwatched = self.unwatched.saturating_add(watch.see(ended, self.bounds.each));
        }
    }

    /// The triggers whose signal is read off as it is, and not counted of calls.
    pub fn levels(&self) -> impl Iterator<Item = (&Name, &TriggerSpec)> {
        let watches = self.watches.iter().map(|(name, watch)| (name, &watch.spec));
        watches.filter(|(_, spec)| spec.enabled && spec.signal.is_level())
    }

    /// Says that such a signal is this part of a whole at this time.
    pub fn measure(&mut self, name: &Name, of: Option<Subject>, (part, whole): (u64, u64), now: Timestamp) {
        let Some(Watch { spec, series }) = self.watches.get_mut(name) else { return };
        if series.len() >= self.bounds.each && !series.contains_key(&of) {
            self.unwatched = self.unwatched.saturating_add(1);
            return;
        }
        series.entry(of).or_insert_with(|| Series::new(spec)).measure(spec, part, whole, now);
    }

    /// Says that such a signal is there and cannot be read off now: what it did goes on standing, and nothing begins.
    pub fn unmeasured(&mut self, name: &Name) {
        let series = self.watches.get_mut(name).into_iter().flat_map(|watch| watch.series.values_mut());
        series.for_each(Series::unmeasured);
    }

    /// Says that all levels that there are were measured at this time: what was not is no more.
    pub fn measured(&mut self, now: Timestamp) {
        let series = self.watches.values_mut().flat_map(|watch| watch.series.values_mut());
        series.for_each(|series| series.measured(now));
    }

    /// What has to be done at this time. Each decision is told once.
    pub fn decide(&mut self, now: Timestamp) -> Vec<Decision> {
        let mut decisions = Vec::new();
        for (name, watch) in self.watches.iter_mut().filter(|(_, watch)| watch.spec.enabled) {
            for (of, series) in &mut watch.series {
                let Some(next) = series.decide(&watch.spec, now) else { continue };
                let (trigger, of) = (name.clone(), of.clone());
                decisions.push(match next {
                    Move::Fire(sum, hold) => Decision::Fire(Firing {
                        trigger,
                        of,
                        t0: sum.began.unwrap_or(now),
                        t1: now,
                        calls: sum.calls,
                        bad: sum.bad,
                        first: sum.first,
                        hold,
                    }),
                    Move::Clear(sum, since) => Decision::Clear { trigger, of, since, sum },
                });
            }
            watch.series.retain(|_, series| !series.is_idle());
        }
        decisions
    }

    /// Says that what a trigger did stands since this time, and has to for this long: from before a restart, or on another node. Only
    /// who saw it fire sees when it is over.
    pub fn stands(
        &mut self,
        name: &Name,
        of: Option<&Subject>,
        since: Timestamp,
        hold: DurationMs,
        seen: Seen,
    ) {
        if let Some(series) = self.series(name, of) {
            series.stands(since, hold, seen);
        }
    }

    /// Says that what a trigger did could not be ended: it asks again at this time.
    pub fn stays(&mut self, name: &Name, of: Option<&Subject>, since: Timestamp, until: Timestamp) {
        if let Some(series) = self.series(name, of) {
            series.stays(since, until);
        }
    }

    /// Says that a person has ended what a trigger did.
    pub fn lifted(&mut self, name: &Name, of: Option<&Subject>) {
        if let Some(series) = self.series(name, of) {
            series.lifted_by_person();
        }
    }

    /// Says that the rule of a trigger has ended on another node what stood, at this time.
    pub fn lifted_by_rule(&mut self, name: &Name, of: Option<&Subject>, now: Timestamp) {
        if let Some(series) = self.series(name, of) {
            series.lifted_by_rule(now);
        }
    }

    /// Says that what a trigger did could not be done, so that nothing stands: it may fire again from this time on.
    pub fn failed(&mut self, name: &Name, of: Option<&Subject>, again: Timestamp) {
        if let Some(series) = self.series(name, of) {
            series.failed(again);
        }
    }

    /// Where a trigger is, of one of those that it watches or of its calls together.
    pub fn phase(&self, name: &Name, of: Option<&Subject>) -> Phase {
        let watch = self.watches.get(name);
        watch.and_then(|watch| watch.series.get(&of.cloned())).map_or(Phase::Armed, Series::phase)
    }

    /// What has fired and stands.
    pub fn fired(&self) -> impl Iterator<Item = (&Name, Option<&Subject>)> {
        self.watches.iter().flat_map(|(name, watch)| {
            let fired =
                watch.series.iter().filter(|(_, series)| matches!(series.phase(), Phase::Fired { .. }));
            fired.map(move |(of, _)| (name, of.as_ref()))
        })
    }

    /// How many firings of each trigger stand.
    pub fn standing(&self) -> impl Iterator<Item = (&Name, usize)> {
        self.watches.iter().map(|(name, watch)| {
            let fired = |series: &&Series| matches!(series.phase(), Phase::Fired { .. });
            (name, watch.series.values().filter(fired).count())
        })
    }

    /// What each window of a trigger holds, with where it is.
    pub fn statuses(&self, name: &Name) -> Vec<Status> {
        let series = self.watches.get(name).into_iter().flat_map(|watch| &watch.series);
        series
            .map(|(of, series)| Status { of: of.clone(), phase: series.phase(), sum: series.sum() })
            .collect()
    }

    /// Calls that some trigger did not count, because it watches as many one by one as it may.
    pub const fn unwatched(&self) -> u64 {
        self.unwatched
    }

    fn series(&mut self, name: &Name, of: Option<&Subject>) -> Option<&mut Series> {
        let watch = self.watches.get_mut(name)?;
        let spec = &watch.spec;
        Some(watch.series.entry(of.cloned()).or_insert_with(|| Series::new(spec)))
    }
}

impl Watch {
    /// Counts a call. Gives how often it could not be counted.
    fn see(&mut self, ended: &Ended, most: usize) -> u64 {
        let Self { spec, series } = self;
        if !watches(&spec.on, ended) {
            return 0;
        }
        if !by_model(&spec.on, spec.each) {
            return count(spec, series, ended, None, most);
        }
        let tried = tried(&spec.on, &spec.signal, ended);
        tried.map(|tried| count(spec, series, ended, Some(tried), most)).sum()
    }
}

/// Counts a call, as it looks from one of its models. Gives 1 where it could not be counted.
fn count(
    spec: &TriggerSpec,
    all: &mut BTreeMap<Option<Subject>, Series>,
    ended: &Ended,
    tried: Option<&Try>,
    most: usize,
) -> u64 {
    let Some(sample) = sample(&spec.signal, ended, tried) else { return 0 };
    let of = match spec.each {
        None => None,
        Some(each) => match subject(each, ended, tried) {
            None => return 0,
            of => of,
        },
    };
    if let Some(series) = all.get_mut(&of) {
        series.window.add(ended.time, ended.call, sample);
        return 0;
    }
    if all.len() >= most {
        return 1;
    }
    let mut series = Series::new(spec);
    series.window.add(ended.time, ended.call, sample);
    all.insert(of, series);
    0
}
