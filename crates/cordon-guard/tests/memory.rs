//! The memory that files take together, counted by the allocator. One test in a process of its own, as the allocator counts the whole
//! process.

use std::sync::Arc;

use cordon_core::{Channel, HmacKey, Timestamp};
use cordon_guard::{FileMemory, Inspection};
use cordon_inspect::Engine;
use cordon_policy::{Caller, Snapshot};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// As many files at once.
const FILES: usize = 12;

/// The most memory that many threads with a hostile file each took beside it, where files have so much.
fn most(bytes: &[u8], memory: usize) -> usize {
    let guard = Arc::new(Snapshot::default().guard(Caller::nobody(), None));
    let inspection =
        Inspection::new(Engine::builtin(), guard, Timestamp::from_millis(0), HmacKey::from_bytes([1; 32]))
            .in_memory(Arc::new(FileMemory::new(memory)));
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    std::thread::scope(|scope| {
        for _ in 0..FILES {
            scope.spawn(|| {
                let file = inspection.examine_file(Channel::User, Some("a.pkl"), bytes);
                assert!(file.is_unread && file.texts.is_empty());
            });
        }
    });
    MEMORY.peak_usage() - before
}

#[test]
fn many_hostile_files_at_once_stay_within_what_they_have() {
    // A pickle that keeps something in its memo at each step.
    let mut bytes = b"\x80\x04".to_vec();
    bytes.extend(b"\x8c\x01a\x94".repeat(1 << 20));
    let (small, large) = (400 << 20, 16 << 30);
    let bounded = most(&bytes, small);
    let free = most(&bytes, large);
    println!("{bounded} bytes where there were {small}, {free} where there were {large}");
    assert!(bounded <= small);
    assert!(free > small, "{FILES} files at once would not have needed more");
}
