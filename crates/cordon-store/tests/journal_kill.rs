//! A process that appends is killed at random moments: every frame that it acknowledged is there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use cordon_store::journal::{Frame, Journal, Kind, NewFrame, Options, Reader, verify};

const FOLDER: &str = "CORDON_TEST_JOURNAL_FOLDER";
const ROUNDS: usize = 25;
const APPENDERS: usize = 4;

fn options() -> Options {
    // Small segments, so that some rounds die while one is made.
    Options { segment_bytes: 64 << 10, ..Options::default() }
}

/// The killed process: appends without end, and says on its standard output what was acknowledged.
fn append_until_killed(root: &Path) -> ! {
    let (journal, recovered) = Journal::open(root, options(), [1; 12]).unwrap();
    assert_eq!(recovered.damage, None);
    std::thread::scope(|scope| {
        for appender in 0..APPENDERS {
            let journal = &journal;
            scope.spawn(move || {
                for n in 0_u64.. {
                    let payload =
                        format!("{{\"appender\":{appender},\"n\":{n},\"start\":{}}}", recovered.size);
                    let unawaited = format!("{{\"unawaited\":{n}}}");
                    journal.append_unawaited(&[frame(unawaited.as_bytes())]).unwrap();
                    let pair = [frame(payload.as_bytes()), frame(payload.as_bytes())];
                    let first = journal.append(&pair).unwrap().wait().unwrap().first;
                    // One write, so that lines of several threads and of a killed process stay whole.
                    std::io::stdout()
                        .lock()
                        .write_all(format!("\nack {first} {payload}\n").as_bytes())
                        .unwrap();
                }
            });
        }
    });
    unreachable!("the appenders never end");
}

fn frame(payload: &[u8]) -> NewFrame<'_> {
    NewFrame { kind: Kind::OPENED, payload }
}

#[test]
fn every_acknowledged_frame_survives_a_kill() {
    if let Some(root) = std::env::var_os(FOLDER) {
        append_until_killed(Path::new(&root));
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("journal");
    let mut acknowledged: Vec<(u64, String)> = Vec::new();
    let mut random = 1_u64;
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "every_acknowledged_frame_survives_a_kill", "--nocapture"])
            .env(FOLDER, &root)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let before_kill = random >> 56; // 0 to 255 acknowledgements
        let mut lines = BufReader::new(child.stdout.take().unwrap()).split(b'\n');
        let mut acks = 0;
        // What it wrote before it died is in the pipe, and counts.
        while let Some(line) = lines.next().transpose().unwrap() {
            let line = String::from_utf8(line).unwrap();
            if let Some((first, payload)) = line.strip_prefix("ack ").and_then(|l| l.split_once(' '))
                && payload.ends_with('}')
            {
                acknowledged.push((first.parse().unwrap(), payload.to_owned()));
                acks += 1;
            }
            if acks == before_kill {
                child.kill().unwrap();
            }
        }
        assert!(!child.wait().unwrap().success(), "round {round}: it was killed, and did not end");

        let (journal, recovered) = Journal::open(&root, options(), [1; 12]).unwrap();
        assert_eq!(recovered.damage, None, "round {round}");
        let mut reader = Reader::open(&root, recovered.journal).unwrap();
        let frames: Vec<Frame> = std::iter::from_fn(|| reader.read().unwrap()).collect();
        assert_eq!(frames.len() as u64, recovered.size, "round {round}");
        for (first, payload) in &acknowledged {
            for sequence in [*first, first + 1] {
                let found = frames.get(usize::try_from(sequence).unwrap());
                assert!(found.is_some_and(|f| f.payload == payload.as_bytes()), "round {round}: {sequence}");
            }
        }
        journal.close();
        assert_eq!(verify(&root, recovered.journal).unwrap().size, recovered.size);
    }
    assert!(acknowledged.len() > ROUNDS * 50, "{} acknowledgements", acknowledged.len());
}
