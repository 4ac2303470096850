//! One safeguarded Newton iteration for the quantiles.

/// The zero of an increasing function between `low` and `high`, from `start`: Newton's steps while they stay inside the
/// bracket, halving otherwise. Stops when the bracket or the step is below the resolution of the result.
pub(super) fn increasing(
    mut low: f64,
    mut high: f64,
    start: f64,
    value: impl Fn(f64) -> f64,
    slope: impl Fn(f64) -> f64,
) -> f64 {
    let mut x = start;
    // Halving from 1 to the smallest positive number takes 1,075 steps; Newton's takes a dozen.
    for _ in 0..2_400 {
        let at = value(x);
        if at == 0.0 || at.is_nan() {
            return x;
        }
        if at > 0.0 {
            high = x;
        } else {
            low = x;
        }
        let step = at / slope(x);
        let mut next = x - step;
        if !(next > low && next < high) {
            next = if high.is_finite() { low + (high - low) / 2.0 } else { 2.0 * x };
        }
        let moved = (next - x).abs();
        x = next;
        let narrow = high.is_finite() && high - low <= f64::EPSILON * high.abs();
        if moved <= 2.0 * f64::EPSILON * x.abs() || narrow {
            break;
        }
    }
    x
}
