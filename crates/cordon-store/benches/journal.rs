//! What the journal costs: frames a second and CPU a frame at several numbers of concurrent appenders, beside the
//! time of one `fdatasync` in the same folder, which is the floor of a waiting append.
//!
//! `CORDON_BENCH_DIR=FOLDER cargo bench -p cordon-store --bench journal` (default: the folder for temporary files).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a measurement")]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cordon_store::journal::{Journal, Kind, NewFrame, Options};

const PAYLOAD: usize = 700;
const RUN: Duration = Duration::from_secs(2);

fn main() {
    let base = std::env::var_os("CORDON_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(&base).unwrap();
    let mut syncs = fdatasync_times(folder.path());
    syncs.sort_unstable();
    println!("folder {}", base.display());
    println!(
        "fdatasync after writing 1,536 bytes into a preallocated file: p50 {:?}, p99 {:?}",
        syncs[syncs.len() / 2],
        syncs[syncs.len() * 99 / 100]
    );
    println!("frames of {PAYLOAD} bytes");
    println!("CPU µs a frame: of the journal's thread, and of the whole process with its runtime");
    println!(
        "{:>9} {:>6} {:>12} {:>14} {:>14} {:>10} {:>10}",
        "appenders", "group", "frames/s", "journal", "process", "p50", "p99"
    );
    // Two frames are a call whose answer is not streamed; 64 are what a bulk load appends together.
    for (appenders, group) in [(1, 2), (16, 2), (64, 2), (256, 2), (16, 64)] {
        let root = folder.path().join(format!("journal-{appenders}-{group}"));
        let (journal, _) = Journal::open(&root, Options::default(), [1; 12]).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let journal = std::sync::Arc::new(journal);
        let (own, all) = (cpu_time("journal"), cpu_time(""));
        let start = Instant::now();
        let mut times: Vec<Duration> = runtime.block_on(async {
            let tasks: Vec<_> =
                (0..appenders).map(|_| tokio::spawn(append(journal.clone(), group))).collect();
            let mut times = Vec::new();
            for task in tasks {
                times.extend(task.await.unwrap());
            }
            times
        });
        let (elapsed, own, all) = (start.elapsed(), cpu_time("journal") - own, cpu_time("") - all);
        times.sort_unstable();
        let frames = group as f64 * times.len() as f64;
        println!(
            "{appenders:>9} {group:>6} {:>12.0} {:>14.2} {:>14.2} {:>10.1?} {:>10.1?}",
            frames / elapsed.as_secs_f64(),
            own.as_secs_f64() * 1e6 / frames,
            all.as_secs_f64() * 1e6 / frames,
            times[times.len() / 2],
            times[times.len() * 99 / 100],
        );
    }
}

async fn append(journal: std::sync::Arc<Journal>, group: usize) -> Vec<Duration> {
    let payload = [b'x'; PAYLOAD];
    let kinds = [Kind::OPENED, Kind::CLOSED].into_iter().cycle().take(group);
    let frames: Vec<NewFrame<'_>> = kinds.map(|kind| NewFrame { kind, payload: &payload }).collect();
    let start = Instant::now();
    let mut times = Vec::new();
    while start.elapsed() < RUN {
        let before = Instant::now();
        journal.append(&frames).unwrap().await.unwrap();
        times.push(before.elapsed());
    }
    times
}

fn fdatasync_times(folder: &Path) -> Vec<Duration> {
    let file = File::create(folder.join("floor")).unwrap();
    file.write_all_at(&vec![0; 4 << 20], 0).unwrap();
    file.sync_all().unwrap();
    let write = |n: u64| {
        file.write_all_at(&[1; 1536], n * 1536).unwrap();
        let before = Instant::now();
        file.sync_data().unwrap();
        before.elapsed()
    };
    (0..500).map(write).collect()
}

/// CPU time of this process's threads that still run and whose name starts like this, from the scheduler (Linux).
fn cpu_time(name: &str) -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let spent = threads.filter_map(|thread| {
        let path = thread.ok()?.path();
        let ours = std::fs::read_to_string(path.join("comm")).ok()?.starts_with(name);
        let text = std::fs::read_to_string(path.join("schedstat")).ok().filter(|_| ours)?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(spent.sum())
}
