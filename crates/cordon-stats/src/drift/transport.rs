use crate::sample::{Merge, Sample, sum_of};

/// Wasserstein-1, the earth mover's distance: ∫ |F − G|, in the unit of the column. Exact; no p-value of its own.
///
/// Divide by the reference's standard deviation to compare columns.
pub fn wasserstein(reference: &Sample, current: &Sample) -> f64 {
    sum_of(gaps(reference, current).map(|(width, gap)| gap.abs() * width))
}

/// The energy distance √(2 ∫ (F − G)²), as scipy has it: √(2 E|X−Y| − E|X−X'| − E|Y−Y'|), in the root of the unit.
pub fn energy_distance(reference: &Sample, current: &Sample) -> f64 {
    (2.0 * sum_of(gaps(reference, current).map(|(width, gap)| gap * gap * width))).sqrt()
}

/// Between neighbouring values of the pooled sample: how far apart, and F − G there.
fn gaps<'a>(reference: &'a Sample, current: &'a Sample) -> impl Iterator<Item = (f64, f64)> {
    let sizes = (reference.len() as f64, current.len() as f64);
    let mut last: Option<(f64, f64)> = None;
    Merge::of(reference, current).filter_map(move |step| {
        let gap = step.left_seen as f64 / sizes.0 - step.right_seen as f64 / sizes.1;
        let before = last.replace((step.value, gap));
        before.map(|(value, gap)| (step.value - value, gap))
    })
}
