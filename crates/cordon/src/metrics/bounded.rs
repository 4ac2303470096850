//! Families of series with a bound: whatever names come, there are never more than that many series.

use std::{
    hash::Hash,
    sync::atomic::{AtomicUsize, Ordering},
};

use prometheus_client::metrics::family::{Family, MetricConstructor};

/// Labels of which some have as many values as there are names.
pub(super) trait Labels: Clone + Hash + Eq {
    /// The same with `other` for every name: what is left has few values.
    fn other(&self) -> Self;
}

/// Series by labels; beyond the bound those of `other`.
pub(super) struct Bounded<L, M, C = fn() -> M> {
    family: Family<L, M, C>,
    seen: AtomicUsize,
    most: usize,
}

impl<L: Labels, M: Clone, C: MetricConstructor<M>> Bounded<L, M, C> {
    /// At most `most` series, and those of `other`.
    pub(super) const fn new(family: Family<L, M, C>, most: usize) -> Self {
        Self { family, seen: AtomicUsize::new(0), most }
    }

    /// Does something with the series of these labels.
    pub(super) fn with<R>(&self, labels: &L, act: impl FnOnce(&M) -> R) -> R {
        // Known ones are only read, beside each other.
        if let Some(known) = self.family.get(labels) {
            return act(&known);
        }
        let is_room = self
            .seen
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |seen| (seen < self.most).then(|| seen + 1))
            .is_ok();
        match is_room {
            true => act(&self.family.get_or_create(labels)),
            false => act(&self.family.get_or_create(&labels.other())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use prometheus_client::{
        encoding::{EncodeLabelSet, text::encode},
        metrics::counter::Counter,
        registry::Registry,
    };

    use super::*;

    #[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
    struct Hostile {
        name: String,
        verdict: &'static str,
    }

    impl Labels for Hostile {
        fn other(&self) -> Self {
            Self { name: "other".to_owned(), verdict: self.verdict }
        }
    }

    #[test]
    fn a_hundred_thousand_names_are_a_bounded_number_of_series_and_every_count_is_there() {
        let family = Family::<Hostile, Counter>::default();
        let mut registry = Registry::default();
        registry.register("seen", "Seen", family.clone());
        let bounded: Bounded<_, _, fn() -> Counter> = Bounded::new(family, 50);
        for n in 0..100_000 {
            let mut name = String::new();
            write!(name, "{n}\"\\\n}} evil{{le=\"{}\"", "x".repeat(n % 100)).unwrap();
            let verdict = if n % 2 == 0 { "allow" } else { "block" };
            bounded.with(&Hostile { name, verdict }, |counter| counter.inc());
        }
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        let samples: Vec<&str> = text.lines().filter(|line| line.starts_with("seen_total")).collect();
        assert_eq!(samples.len(), 52, "{text}");
        let sum: u64 =
            samples.iter().map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum();
        assert_eq!(sum, 100_000);
        assert!(text.contains("name=\"other\",verdict=\"block\"} 49975"), "{text}");
    }
}
