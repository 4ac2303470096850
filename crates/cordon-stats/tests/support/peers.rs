//! Definitions of other libraries that are not ours, for comparison with them.

use cordon_stats::Sample;
use cordon_stats::binning::Edges;
use cordon_stats::drift::Binned;

/// NannyML's bins of numbers: Doane's on the reference alone, and one for current values outside of its range, on either side.
pub(crate) fn nannyml_bins(reference: &Sample, current: &Sample) -> Binned {
    let (low, high) = reference.range();
    let inner = Edges::doane(reference).unwrap();
    let edges = Edges::new([inner.inner(), &[low, high.next_up()]].concat()).unwrap();
    let outside_together = |sample: &Sample| {
        let mut counts = edges.count(sample.values()).per_bin;
        counts[0] += counts.pop().unwrap();
        counts
    };
    Binned::new(&outside_together(reference), &outside_together(current)).unwrap()
}
