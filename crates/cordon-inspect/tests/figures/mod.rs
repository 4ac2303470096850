//! How figures are printed.

/// The interval of a share at 95 % (Wilson, 1927), in per cent.
#[expect(clippy::cast_precision_loss, reason = "small counts")]
pub(crate) fn interval(hits: usize, of: usize) -> String {
    let (p, n, z) = (hits as f64 / of as f64, of as f64, 1.96_f64);
    let (centre, spread) = (p + z * z / (2.0 * n), z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt());
    let share = |value: f64| 100.0 * (value / (1.0 + z * z / n)).clamp(0.0, 1.0);
    format!(
        "{hits} of {of} = {:.0} % ({:.0} to {:.0} %)",
        100.0 * p,
        share(centre - spread),
        share(centre + spread)
    )
}
