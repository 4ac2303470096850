//! What the kernel says about a process and a disk.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

/// CPU time of a process, all threads, in nanoseconds (`schedstat`: the first field of each thread is time on a CPU).
/// Threads that ended are not in it: what is measured keeps its workers.
pub(crate) fn cpu(process: u32) -> Result<u64> {
    let folder = format!("/proc/{process}/task");
    let mut sum = 0;
    for task in std::fs::read_dir(&folder).with_context(|| format!("reading {folder}"))? {
        let path = task?.path().join("schedstat");
        // A thread may end between the listing and the reading.
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        sum += text.split(' ').next().and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    }
    Ok(sum)
}

/// Resident memory of a process in bytes (`VmRSS`).
pub(crate) fn resident(process: u32) -> Result<u64> {
    let path = format!("/proc/{process}/status");
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let kilobytes = text
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse::<u64>().ok())
        .with_context(|| format!("{path} has no VmRSS"))?;
    Ok(kilobytes * 1024)
}

/// Times of an append of 512 bytes and `fdatasync`, sorted, in nanoseconds.
pub(crate) fn syncs(folder: &Path, count: usize) -> Result<Vec<u64>> {
    let path = folder.join("fdatasync.probe");
    let mut file = std::fs::File::create(&path).with_context(|| format!("making {}", path.display()))?;
    let mut times = Vec::new();
    for _ in 0..count {
        let start = Instant::now();
        file.write_all(&[0x5a; 512]).context("writing the probe")?;
        file.sync_data().context("syncing the probe")?;
        times.push(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    std::fs::remove_file(&path).context("removing the probe")?;
    times.sort_unstable();
    Ok(times)
}

/// The value at a share of sorted values: the nearest rank.
pub(crate) fn quantile(sorted: &[u64], share: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the number of values"
    )]
    let rank = (sorted.len() as f64 * share).ceil().max(1.0) as usize;
    sorted.get(rank.min(sorted.len()).saturating_sub(1)).copied().unwrap_or(0)
}

/// The middle of some figures, and how far the least and the most are apart.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_nearest_ranks() {
        let values: Vec<u64> = (1..=100).collect();
        assert_eq!((quantile(&values, 0.5), quantile(&values, 0.99), quantile(&values, 1.0)), (50, 99, 100));
        assert_eq!((quantile(&[7], 0.5), quantile(&[], 0.5)), (7, 0));
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
    }

    #[test]
    fn this_process_has_memory_and_uses_time() {
        let process = std::process::id();
        let before = cpu(process).unwrap();
        let mut sum = 0_u64;
        while cpu(process).unwrap() == before {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(resident(process).unwrap() > 100_000);
    }
}
