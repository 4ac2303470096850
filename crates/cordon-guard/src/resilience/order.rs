//! The order in which a call tries the models of a route.

use cordon_core::Name;
use cordon_policy::{RouteEntry, RouteTarget};
use smallvec::SmallVec;

/// Models in the order in which they are tried.
pub type Order = SmallVec<[Name; 4]>;

/// Orders the models of a route: its targets by weight, then its fallback as it stands; in `degraded` mode the models of the
/// simpler path alone. Targets without a weight are not used.
///
/// `seed` is a random number, or one that belongs to whoever shall always get the same target. Each target draws
/// `-ln(u) / weight`, with `u` made of the seed and its name, and the smallest goes first (the logarithmic method of C.
/// Schindelhauer and G. Schomaker, Weighted Distributed Hash Tables, SPAA 2005). So the first is chosen in the proportion of
/// the weights, the second so among the rest; and when a target comes or goes, only those who had it, or get it, move.
pub fn order(route: &RouteEntry, seed: u64) -> Order {
    ranked(route, seed).0
}

/// The same, and how many of them are not of the fallback.
pub(super) fn ranked(route: &RouteEntry, seed: u64) -> (Order, usize) {
    arranged(route.equals(), route.then(), seed)
}

/// The models that a trigger has passed over, each with how many of the order come before it.
pub(super) fn passed_over(route: &RouteEntry, seed: u64) -> SmallVec<[(usize, Name); 1]> {
    if !route.passes_any_over() {
        return SmallVec::new();
    }
    // What a target draws does not depend on the others, so that those that are left keep their order among them.
    let (meant, _) = arranged(route.meant_equals(), route.meant_then().iter(), seed);
    let mut before = 0_usize;
    let place = |model: Name| {
        let is_out = route.passes_over(&model);
        if !is_out {
            before = before.saturating_add(1);
        }
        is_out.then_some((before, model))
    };
    meant.into_iter().filter_map(place).collect()
}

fn arranged<'a>(
    equals: impl Iterator<Item = &'a RouteTarget>,
    then: impl Iterator<Item = &'a Name>,
    seed: u64,
) -> (Order, usize) {
    let targets: SmallVec<[&RouteTarget; 8]> = equals.collect();
    let mut order = Order::new();
    if let [only] = targets.as_slice() {
        order.push(only.model.clone());
    } else {
        let drawn = targets.iter().map(|target| (draw(seed, target), &target.model));
        let mut drawn: SmallVec<[(f64, &Name); 8]> = drawn.collect();
        drawn.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        for (_, model) in drawn {
            push(&mut order, model);
        }
    }
    let equals = order.len();
    for model in then {
        push(&mut order, model);
    }
    (order, equals)
}

/// A model is tried once, wherever it is named again.
fn push(order: &mut Order, model: &Name) {
    if !order.contains(model) {
        order.push(model.clone());
    }
}

fn draw(seed: u64, target: &RouteTarget) -> f64 {
    // FNV-1a: short, and mixed below.
    let name = target.model.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a float's mantissa")]
    let unit = ((mixed(seed ^ mixed(name)) >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0;
    -unit.ln() / f64::from(target.weight)
}

/// The finaliser of SplitMix64 (G. L. Steele, D. Lea, C. H. Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA
/// 2014): every bit of the input changes half of the output's.
const fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use cordon_core::resource::{RouteMode, RouteSpec, Target};

    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn route(targets: &[(&str, u32)], change: impl FnOnce(&mut RouteSpec)) -> RouteEntry {
        let targets = targets.iter().map(|(model, weight)| Target { model: name(model), weight: *weight });
        let mut spec = RouteSpec::new(name("t"), targets.collect());
        change(&mut spec);
        RouteEntry::new(&name("r"), &spec)
    }

    fn first(route: &RouteEntry) -> BTreeMap<String, u32> {
        let mut count = BTreeMap::new();
        for seed in 0..10_000 {
            *count.entry(order(route, seed)[0].to_string()).or_default() += 1;
        }
        count
    }

    #[test]
    fn targets_come_first_in_the_proportion_of_their_weights() {
        let count = first(&route(&[("a", 3), ("b", 0), ("c", 1)], |_| {}));
        assert_eq!(count.len(), 2, "one without a weight is not used: {count:?}");
        // Four standard deviations of 10,000 draws.
        assert!(count["a"].abs_diff(7_500) < 174, "{count:?}");
    }

    #[test]
    fn what_is_passed_over_has_the_place_that_it_would_have_had() {
        let mut entry = route(&[("a", 1), ("b", 1), ("c", 1)], |spec| {
            spec.fallback = vec![name("d"), name("e")];
            spec.degraded = vec![Target { model: name("b"), weight: 1 }];
        });
        let meant: Vec<Order> = (0..100).map(|seed| order(&entry, seed)).collect();
        entry.passed_over = vec![name("b"), name("d")];
        for (seed, meant) in meant.iter().enumerate() {
            let seed = u64::try_from(seed).unwrap();
            let mut all = order(&entry, seed);
            assert!(!all.contains(&name("b")) && !all.contains(&name("d")), "{all:?}");
            for (at, (before, model)) in passed_over(&entry, seed).into_iter().enumerate() {
                all.insert(before + at, model);
            }
            assert_eq!(all, *meant);
        }
        entry.mode = RouteMode::Degraded;
        assert_eq!((order(&entry, 1).len(), passed_over(&entry, 1).len()), (1, 0), "another list");
    }

    #[test]
    fn the_fallback_follows_in_its_order_and_nothing_comes_twice() {
        let with = |spec: &mut RouteSpec| {
            spec.fallback = vec![name("c"), name("a"), name("d")];
            spec.degraded = vec![Target { model: name("small"), weight: 1 }];
        };
        let normal = route(&[("a", 1), ("b", 1)], with);
        for seed in 0..100 {
            let order = order(&normal, seed);
            assert_eq!((order.len(), order[2].as_str(), order[3].as_str()), (4, "c", "d"));
        }
        let degraded = route(&[("a", 1), ("b", 1)], |spec| {
            with(spec);
            spec.mode = RouteMode::Degraded;
        });
        assert_eq!(order(&degraded, 5).as_slice(), [name("small")]);
        assert_eq!((ranked(&normal, 5).1, ranked(&degraded, 5).1), (2, 1));
        let twice = route(&[("a", 1), ("a", 3)], with);
        assert_eq!(
            ranked(&twice, 5),
            (["a", "c", "d"].map(name).into_iter().collect(), 1),
            "one of it is an equal"
        );
    }

    #[test]
    fn when_a_target_goes_only_its_own_callers_move() {
        let all = route(&[("a", 1), ("b", 2), ("c", 3)], |_| {});
        let left = route(&[("a", 1), ("c", 3)], |_| {});
        for seed in 0..10_000 {
            let before = order(&all, seed);
            let after = order(&left, seed);
            if before[0].as_str() != "b" {
                assert_eq!(before[0], after[0]);
            } else {
                assert_eq!(before[1], after[0], "to the next one");
            }
        }
    }
}
