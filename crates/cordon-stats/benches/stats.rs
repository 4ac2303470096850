//! `cargo bench -p cordon-stats`: seconds of one thread for the work that the other libraries in `docs/benchmarks.md` do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark is test code"
)]

use std::{hint::black_box, time::Instant};

use cordon_stats::binning::{Counts, Edges};
use cordon_stats::drift::{
    Binned, Features, Kernel, Method, Points, ZeroShare, chi_squared, kolmogorov_smirnov, wasserstein,
};
use cordon_stats::profile::{Cell, Filling};
use cordon_stats::random::Random;
use cordon_stats::streaming::{Adwin, AfterChange, Direction, PageHinkley};
use cordon_stats::{Sample, drift};

const NUMERIC: usize = 14;
const CATEGORICAL: usize = 6;

struct Data {
    numbers: Vec<Vec<f64>>,
    categories: Vec<Vec<u8>>,
}

/// Fourteen columns of numbers, normal and skewed, and six of forty categories.
fn data(rows: usize, seed: u64, shift: f64) -> Data {
    let mut random = Random::new(seed);
    let number = |column: usize, random: &mut Random| {
        let value = random.normal() + shift;
        if column.is_multiple_of(2) { value } else { value.exp() }
    };
    Data {
        numbers: (0..NUMERIC).map(|at| (0..rows).map(|_| number(at, &mut random)).collect()).collect(),
        categories: (0..CATEGORICAL)
            .map(|_| (0..rows).map(|_| u8::try_from(random.below(40)).unwrap()).collect())
            .collect(),
    }
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let (wall, cpu) = (Instant::now(), on_cpu());
    let value = work();
    let cpu = on_cpu().zip(cpu).map_or_else(|| "?".to_owned(), |(end, start)| format!("{:.3}", end - start));
    println!("{what:<66} {cpu:>8} s of CPU {:>8.3} s", wall.elapsed().as_secs_f64());
    value
}

/// Seconds that this thread has run, where the system says so: what does not depend on who else is at work.
fn on_cpu() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split_whitespace().next()?.parse::<f64>().ok()? / 1e9)
}

fn distances(reference: &[u64], current: &[u64]) -> f64 {
    let binned = Binned::new(reference, current).unwrap();
    binned.population_stability_index(ZeroShare::USUAL)
        + binned.jensen_shannon_distance_bits()
        + binned.hellinger()
        + chi_squared(reference, current).unwrap().statistic
}

fn tally(codes: &[u8]) -> Vec<u64> {
    let mut counts = vec![0; 256];
    codes.iter().for_each(|code| counts[usize::from(*code)] += 1);
    counts
}

fn main() {
    let rows: usize = std::env::var("ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(1_000_000);
    let (reference, current) = (data(rows, 1, 0.0), data(rows, 2, 0.02));
    let names = || ["a"; NUMERIC + CATEGORICAL].iter().enumerate().map(|(at, name)| format!("{name}{at}"));
    let labels: Vec<String> = (0..40).map(|i| format!("category {i}")).collect();

    // Bins are frozen when the reference is taken; a window is counted on them.
    let edges: Vec<Edges> = timed("freeze deciles of 14 columns of the reference (sorting)", || {
        reference
            .numbers
            .iter()
            .map(|c| Edges::quantiles(&Sample::new(c.clone()).unwrap(), 10).unwrap())
            .collect()
    });
    timed("PSI, JS, Hellinger, chi-squared: 20 columns, both sides counted", || {
        let count = |edges: &Edges, values: &[f64]| -> Counts { edges.count(values) };
        let numeric: f64 = (0..NUMERIC)
            .map(|at| {
                let (left, right) =
                    (count(&edges[at], &reference.numbers[at]), count(&edges[at], &current.numbers[at]));
                distances(&left.per_bin, &right.per_bin)
            })
            .sum();
        let categorical: f64 = (0..CATEGORICAL)
            .map(|at| distances(&tally(&reference.categories[at]), &tally(&current.categories[at])))
            .sum();
        black_box(numeric + categorical)
    });
    timed("exact Kolmogorov-Smirnov and Wasserstein: 14 columns", || {
        let both = |at: usize| {
            let left = Sample::new(reference.numbers[at].clone()).unwrap();
            let right = Sample::new(current.numbers[at].clone()).unwrap();
            kolmogorov_smirnov(&left, &right, Method::Asymptotic).statistic + wasserstein(&left, &right)
        };
        black_box((0..NUMERIC).map(both).sum::<f64>())
    });
    let profile = |data: &Data| {
        let mut filling = Filling::new(&names().collect::<Vec<_>>());
        let mut row = Vec::with_capacity(NUMERIC + CATEGORICAL);
        for at in 0..rows {
            row.clear();
            row.extend(data.numbers.iter().map(|column| Cell::Decimal(column[at])));
            row.extend(data.categories.iter().map(|column| Cell::Text(&labels[usize::from(column[at])])));
            filling.add(&row);
        }
        filling.finish()
    };
    let left = timed("profile of 20 columns, one side", || profile(&reference));
    let right = profile(&current);
    println!("  as bytes: {}", left.to_bytes().len());
    timed("every statistic of 20 columns from two profiles", || {
        let both = left.columns().zip(right.columns());
        black_box(both.map(|(l, r)| drift::column(l.1, r.1).unwrap().binned.hellinger()).sum::<f64>())
    });
    let mut random = Random::new(9);
    let mut points =
        |shift: f64| Points::new((0..5_000 * 384).map(|_| random.normal() + shift).collect(), 384).unwrap();
    let (x, y) = (points(0.0), points(0.02));
    timed("MMD 5,000 x 5,000 x 384, random features, 199 permutations", || {
        let features = Features::new(384, Kernel::gaussian(384_f64.sqrt()).unwrap(), 128, 1).unwrap();
        black_box(features.mmd(&x, &y, 199, 2).unwrap().p_value)
    });
    let stream: Vec<f64> = (0..1_000_000).map(|_| random.unit()).collect();
    timed("ADWIN, 1,000,000 values", || {
        let mut detector = Adwin::new(0.002, 32, 5, 10, AfterChange::Forget).unwrap();
        stream.iter().for_each(|value| {
            black_box(detector.update(*value));
        });
    });
    timed("Page-Hinkley, 1,000,000 values", || {
        let mut detector = PageHinkley::new(30, 0.005, 50.0, 0.9999, Direction::Both).unwrap();
        stream.iter().for_each(|value| {
            black_box(detector.update(*value));
        });
    });
}
