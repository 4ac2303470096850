//! Power is lost, or an operation fails, at every point: the journal against a model of what it promised.

use std::io::ErrorKind;

use crate::journal::leaf;
use crate::journal::recovery::Check;
use crate::journal::sim::{Fate, Random, SimDisk};
use crate::journal::tail::{Batch, Sync, Tail};

use super::{found, frames, tail};

/// What was promised and what may be there.
#[derive(Default, Clone)]
struct Model {
    /// Payloads that are durable, in order. All of them must be there after any crash.
    durable: Vec<Vec<u8>>,
    /// Payloads that nobody waits for and that are not durable yet, in order.
    pending: Vec<Vec<u8>>,
    /// Payloads that were appended after the last durable one: a crash may keep some, in this order.
    offered: Vec<Vec<u8>>,
    count: u64,
}

impl Model {
    fn payload(&mut self, random: &mut Random) -> Vec<u8> {
        self.count += 1;
        let mut payload = self.count.to_le_bytes().to_vec();
        // Now and then as large as several sectors; sometimes full of what frames start with.
        let length = if random.below(4) == 0 { random.below(3000) } else { random.below(200) };
        let filler = if random.below(3) == 0 { b"CJFR" } else { b"\x01abc" };
        payload.extend(filler.iter().cycle().take(length));
        payload
    }

    /// Takes note of how far the journal says that it is durable.
    fn settle(&mut self, tail: &Tail, batch: &[Vec<u8>]) {
        let size = usize::try_from(tail.durable().size).unwrap();
        if size > self.durable.len() {
            let more = size - self.durable.len();
            let mut now: Vec<Vec<u8>> = std::mem::take(&mut self.pending);
            // What failed earlier is superseded by now.
            if more == now.len() {
                self.offered = batch.to_vec();
            } else {
                now.extend_from_slice(batch);
                self.offered.clear();
            }
            assert_eq!(more, now.len(), "exactly what was pending, or that and the batch, became durable");
            self.durable.extend(now);
        }
    }

    /// Compares what a disk holds after a crash, and goes on from there.
    fn check(&mut self, disk: &SimDisk, check: Check, what: &str) {
        let found = found(disk, check);
        assert_eq!(found.damage, None, "{what}: no crash is damage");
        let (frames, damage) = frames(disk, found.recovery.journal);
        assert_eq!(damage, None, "{what}");
        assert!(frames.iter().zip(0..).all(|(frame, n)| frame.sequence == n), "{what}: dense sequences");
        let payloads: Vec<Vec<u8>> = frames.into_iter().map(|frame| frame.payload).collect();
        let recovered =
            usize::try_from(found.recovery.durable.size).unwrap() + found.recovery.unproven.frames();
        assert_eq!(payloads.len(), recovered, "{what}: recovery and reader agree");
        let (acknowledged, more) = payloads.split_at(self.durable.len().min(payloads.len()));
        assert!(acknowledged == self.durable, "{what}: every acknowledged frame, in order");
        let mut offered = self.offered.iter();
        assert!(more.iter().all(|p| offered.any(|o| o == p)), "{what}: only what was appended, in order");
        self.pending = more.to_vec();
        self.offered = more.to_vec();
    }
}

/// Appends, syncs, marks and restarts as a seed says, until it is done or the power is gone.
fn run(disk: &SimDisk, seed: u64, steps: usize, model: &mut Model) {
    let mut random = Random::new(seed);
    let segment_bytes = 8192 + random.below(16_384) as u64;
    let mut tail = tail(disk, segment_bytes);
    for _ in 0..steps {
        if !tail.is_open() && random.below(2) == 0 {
            let _ = tail.open_segment();
            model.settle(&tail, &[]);
        }
        match random.below(10) {
            choice @ 0..=6 => {
                let sync = if choice < 4 { Sync::Now } else { Sync::Later };
                let mut batch = Batch::default();
                let mut payloads = Vec::new();
                let mut kept_payloads = Vec::new();
                for _ in 0..=random.below(4) {
                    let payload = model.payload(&mut random);
                    let kept = sync == Sync::Later || random.below(3) == 0;
                    batch.push(1, &payload, kept);
                    if kept {
                        kept_payloads.push(payload.clone());
                    }
                    payloads.push(payload);
                }
                model.offered.extend_from_slice(&payloads);
                match tail.append(&batch, sync) {
                    Ok(first) => {
                        model.settle(&tail, &payloads);
                        if sync == Sync::Now {
                            assert_eq!(tail.durable().size, first + payloads.len() as u64);
                            assert_eq!(model.durable.len() as u64, tail.durable().size);
                            assert!(model.offered.is_empty());
                        } else {
                            model.pending.extend(kept_payloads);
                        }
                    }
                    Err(_) => {
                        // A segment may have been opened, with what was pending, before the write failed.
                        model.settle(&tail, &payloads);
                        model.pending.extend(kept_payloads);
                    }
                }
            }
            7 => {
                let _ = tail.sync();
                model.settle(&tail, &[]);
            }
            8 => {
                let _ = tail.mark();
            }
            _ => {
                let _ = tail.close();
                model.settle(&tail, &[]);
                if disk.is_crashed() {
                    return;
                }
                // A restart without a crash: what is pending is read back from the old segment, or was only in
                // memory, if no segment was open.
                model.check(disk, Check::All, "restart");
                tail = self::tail(disk, segment_bytes);
            }
        }
        if random.below(2) == 0 {
            let leaves = tail.take_leaves();
            assert_eq!(leaves.end(), tail.durable().size);
            for (hash, sequence) in leaves.hashes.iter().zip(leaves.first..) {
                assert_eq!(*hash, leaf(&model.durable[usize::try_from(sequence).unwrap()]), "{sequence}");
            }
        }
        if disk.is_crashed() {
            return;
        }
    }
    let _ = tail.close();
    model.settle(&tail, &[]);
}

/// More seeds for a long run: `CORDON_SIM_FACTOR=20 cargo test --release …`.
fn seeds(number: u64) -> std::ops::Range<u64> {
    let factor = std::env::var("CORDON_SIM_FACTOR").map_or(1, |text| text.parse().unwrap());
    0..number * factor
}

fn check_mode(number: u64) -> Check {
    if number.is_multiple_of(2) { Check::All } else { Check::LastSegment }
}

#[test]
fn power_is_lost_after_every_operation() {
    for seed in seeds(2) {
        let whole = SimDisk::new(seed);
        run(&whole, seed, 20, &mut Model::default());
        for operation in 1..=whole.operations() {
            let disk = SimDisk::new(seed);
            disk.plan(operation, Fate::Crash);
            let mut model = Model::default();
            run(&disk, seed, 20, &mut model);
            for torn in 0..4 {
                let what = format!("seed {seed}, operation {operation}, torn {torn}");
                let (disk, mut model) = (disk.copy(), model.clone());
                disk.crash(torn + 1000 * operation);
                model.check(&disk, check_mode(torn), &what);
                // Power is lost again while the journal goes on, then it goes on to its end.
                disk.plan(1 + (torn + operation) % 9, Fate::Crash);
                run(&disk, seed + 1, 4, &mut model);
                disk.crash(torn);
                model.check(&disk, check_mode(torn + 1), &format!("{what}, again"));
                run(&disk, seed + 2, 6, &mut model);
                disk.crash(torn);
                assert!(model.offered.is_empty(), "closed without a fault");
                model.check(&disk, Check::All, &format!("{what}, at the end"));
            }
        }
    }
}

#[test]
fn every_operation_fails_once_or_several_times() {
    for seed in seeds(2).map(|seed| 1_000_000 + seed) {
        let whole = SimDisk::new(seed);
        run(&whole, seed, 20, &mut Model::default());
        for operation in 1..=whole.operations() {
            for failures in 1..4 {
                let disk = SimDisk::new(seed + failures);
                let kind = [ErrorKind::Other, ErrorKind::StorageFull, ErrorKind::TimedOut];
                for n in operation..operation + failures {
                    disk.plan(n, Fate::Fail(kind[(n % 3) as usize]));
                }
                let mut model = Model::default();
                run(&disk, seed, 20, &mut model);
                let what = format!("seed {seed}, operation {operation}, failures {failures}");
                disk.crash(operation);
                model.check(&disk, check_mode(failures), &what);
                run(&disk, seed, 5, &mut model);
                model.check(&disk, Check::All, &format!("{what}, at the end"));
            }
        }
    }
}

#[test]
fn random_faults_and_crashes_over_many_restarts() {
    for seed in seeds(20) {
        let mut random = Random::new(seed);
        let disk = SimDisk::new(seed);
        let mut model = Model::default();
        for round in 0..15 {
            for _ in 0..random.below(4) {
                let fate = match random.below(3) {
                    0 => Fate::Crash,
                    _ => Fate::Fail(ErrorKind::Other),
                };
                disk.plan(1 + random.below(60) as u64, fate);
            }
            run(&disk, random.number(), 20, &mut model);
            disk.crash(random.number());
            model.check(&disk, check_mode(round), &format!("seed {seed}, round {round}"));
        }
    }
}

#[test]
fn a_failed_sync_acknowledges_nothing_even_when_all_bytes_can_be_read() {
    let disk = SimDisk::new(5);
    let mut tail = tail(&disk, 1 << 16);
    let batch = |payload: &[u8]| {
        let mut batch = Batch::default();
        batch.push(1, payload, false);
        batch
    };
    tail.append(&batch(b"one"), Sync::Now).unwrap();
    // One write, then its sync.
    disk.plan(disk.operations() + 2, Fate::Fail(ErrorKind::Other));
    tail.append(&batch(b"two"), Sync::Now).unwrap_err();
    assert_eq!(tail.durable().size, 1);
    let id = found(&disk, Check::All).recovery.journal;
    let mut reader = crate::journal::Reader::open_on(super::shared(&disk), super::root(), id).unwrap();
    let mut read = || reader.read().unwrap().map(|frame| (frame.sequence, frame.payload));
    assert_eq!([read(), read()], [Some((0, b"one".to_vec())), Some((1, b"two".to_vec()))]);
    assert_eq!(tail.append(&batch(b"three"), Sync::Now).unwrap(), 1, "what failed does not count");
    assert_eq!(read(), Some((1, b"three".to_vec())), "a reader that was ahead goes back");
    assert_eq!(read(), None);
}
