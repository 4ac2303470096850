//! What verifying a whole log costs, and what one proof costs.
//!
//! `cargo bench -p cordon-ledger [-- ENTRIES [BYTES]]` (1,000,000 entries of 300 bytes unless said otherwise) prints what
//! it measured, on one core. Entries are made before the clock runs; tiles are read from memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark"
)]

use std::{collections::BTreeMap, convert::Infallible, hint::black_box, time::Instant};

use cordon_ledger::{
    Auditor, Checkpoint, Frontier, Proof, SigningKey, Verifier, audit, leaf_hash,
    tiles::{Tile, TileNodes, TileWriter, Tiles},
    tree,
};

struct Memory(BTreeMap<Tile, Vec<u8>>);

impl Tiles for Memory {
    type Error = Infallible;

    fn read(&self, tile: Tile) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.0.get(&tile).cloned())
    }
}

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<usize>().ok());
    let count = numbers.next().unwrap_or(1_000_000).max(1);
    let bytes = numbers.next().unwrap_or(300);
    let entries: Vec<Vec<u8>> = (0..count as u64)
        .map(|index| index.to_be_bytes().iter().copied().cycle().take(bytes.max(8)).collect())
        .collect();
    println!("{count} entries of {} bytes, one core", bytes.max(8));

    let frontier: Frontier =
        timed("append to a frontier", count, || entries.iter().map(|entry| leaf_hash(entry)).collect());
    let files = timed("append to tiles", count, || {
        let mut writer = TileWriter::new();
        entries.iter().for_each(|entry| writer.push(leaf_hash(entry)));
        writer.cut()
    });
    let tiles = Memory(files.into_iter().map(|file| (file.tile, file.bytes)).collect());

    let key = SigningKey::from_seed("example.com/log", [7; 32]).unwrap();
    let note = Checkpoint::new("example.com/log", frontier.head()).unwrap().sign(&[&key]).unwrap();
    let verifier = Verifier::new("example.com/log", vec![key.verifier_key().clone()]).unwrap();
    let signed = verifier.checkpoint(note.to_string().as_bytes()).unwrap();
    timed("verify entries against a signed head", count, || {
        let mut auditor = Auditor::new(&signed);
        entries.iter().for_each(|entry| auditor.push(entry).unwrap());
        auditor.finish().unwrap();
    });
    timed("verify entries and tiles against a signed head", count, || {
        audit::check_tree(&signed, &tiles, &entries).unwrap();
    });

    let size = count as u64;
    let proofs: Vec<Proof> = timed("make a proof from tiles", 1000, || {
        let nodes = TileNodes::new(&tiles, size);
        (0..1000)
            .map(|n| Proof::new(tree::inclusion(n * 7919 % size, size, &nodes).unwrap(), &note))
            .collect()
    });
    timed("verify a proof with its signature", 1000, || {
        for proof in &proofs {
            let entry = &entries[usize::try_from(proof.index()).unwrap()];
            let _ = black_box(verifier.verify(entry, proof).unwrap());
        }
    });
    timed("sign a checkpoint", 1000, || {
        for _ in 0..1000 {
            black_box(Checkpoint::new("example.com/log", frontier.head()).unwrap().sign(&[&key]).unwrap());
        }
    });
}

fn timed<T>(what: &str, count: usize, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = black_box(work());
    let seconds = start.elapsed().as_secs_f64();
    let each = seconds * 1e9 / count as f64;
    println!("{what:<48} {seconds:>8.3} s {each:>10.0} ns each");
    result
}
