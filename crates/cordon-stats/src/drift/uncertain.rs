use super::{Bin, ColumnDrift};
use crate::interval::Level;

impl ColumnDrift {
    /// Where the Jensen–Shannon distance of the populations lies (base 2, root; see
    /// [`super::Binned::jensen_shannon_distance_bits`]).
    ///
    /// The plain distance of two samples is never zero, and larger the more bins there are; this takes the expectation of that excess away (second
    /// order: Miller, "Note on the bias of information estimates", 1955), and takes the variance of both orders: of first order where the populations
    /// differ, of second where they do not and the first vanishes. With hundreds of rare categories the whole interval can so lie
    /// below the plain distance, which is then mostly noise.
    pub fn jensen_shannon_interval(&self, level: Level) -> (f64, f64) {
        interval(&self.bins, level)
    }
}

fn interval(bins: &[Bin], level: Level) -> (f64, f64) {
    let total = |of: fn(&Bin) -> u64| bins.iter().map(of).sum::<u64>() as f64;
    let (m, n) = (total(|bin| bin.reference), total(|bin| bin.current));
    let shares = || bins.iter().map(|bin| (bin.reference as f64 / m, bin.current as f64 / n));
    let (mut divergence, mut excess, mut seen, mut squares) = (0.0, 0.0, [0.0, 0.0, 0.0], [0.0, 0.0]);
    let [mut of_reference, mut of_current] = [0.0, 0.0];
    for (p, q) in shares() {
        let middle = f64::midpoint(p, q);
        let log = |share: f64| if share > 0.0 { (share / middle).ln() / 2.0 } else { 0.0 };
        let [left, right] = [p * log(p), q * log(q)];
        of_reference += left;
        of_current += right;
        divergence += left + right;
        squares = [squares[0] + left * log(p), squares[1] + right * log(q)];
        if middle > 0.0 {
            excess -= (p * (1.0 - p) / m + q * (1.0 - q) / n) / (8.0 * middle);
        }
        let is = |share: f64| f64::from(u8::from(share > 0.0));
        seen = [seen[0] + is(p), seen[1] + is(q), seen[2] + is(middle)];
    }
    excess += (seen[0] - 1.0) / (4.0 * m) + (seen[1] - 1.0) / (4.0 * n);
    let first = (squares[0] - of_reference * of_reference).max(0.0) / m
        + (squares[1] - of_current * of_current).max(0.0) / n;
    let second = 2.0 * (seen[2] - 1.0).max(0.0) * ((1.0 / m + 1.0 / n) / 8.0).powi(2);
    let half = level.z() * (first + second).sqrt();
    let distance = |nats: f64| (nats / std::f64::consts::LN_2).clamp(0.0, 1.0).sqrt();
    (distance(divergence - excess - half), distance(divergence - excess + half))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::{Binned, Reach};
    use crate::random::Random;

    fn bins(p: &[u64], q: &[u64]) -> Vec<Bin> {
        let bin = |(p, q): (&u64, &u64)| Bin { reach: Reach::Others, reference: *p, current: *q };
        p.iter().zip(q).map(bin).collect()
    }

    /// The stated share of intervals contains the distance of the populations: where nothing changed, a little, and much.
    #[test]
    fn the_interval_covers() {
        let mut random = Random::new(41);
        let p = [0.1; 10];
        for tilt in [0.0, 0.02, 0.06] {
            let q: Vec<f64> = (0..10_u8).map(|i| 0.1 + tilt * (f64::from(i) - 4.5) / 4.5).collect();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "shares of one")]
            let of =
                |shares: &[f64]| -> Vec<u64> { shares.iter().map(|s| (s * 1e9).round() as u64).collect() };
            let truth = Binned::new(&of(&p), &of(&q)).unwrap().jensen_shannon_distance_bits();
            let mut draw = |shares: &[f64], rows: u32| {
                let mut counts = vec![0_u64; shares.len()];
                for _ in 0..rows {
                    let mut left = random.unit();
                    let at = shares.iter().position(|share| {
                        left -= share;
                        left < 0.0
                    });
                    counts[at.unwrap_or(shares.len() - 1)] += 1;
                }
                counts
            };
            let runs = 1_000;
            let mut covered = 0;
            for _ in 0..runs {
                let (low, high) = interval(&bins(&draw(&p, 1_500), &draw(&q, 800)), Level::P95);
                covered += u32::from(low <= truth && truth <= high);
            }
            assert!((925..=1_000).contains(&covered), "tilt {tilt}: {covered} of {runs}");
        }
    }

    #[test]
    fn the_ends_are_distances() {
        for (p, q) in [(vec![5, 0], vec![0, 5]), (vec![1], vec![1]), (vec![3, 3, 0], vec![3, 3, 0])] {
            let (low, high) = interval(&bins(&p, &q), Level::P95);
            assert!(0.0 <= low && low <= high && high <= 1.0, "{p:?} {q:?}: {low} {high}");
        }
    }
}
