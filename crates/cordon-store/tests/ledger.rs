//! Trees, tiles and checkpoints on disk: what a restart, a loss or a change of their files leads to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

use std::{path::Path, sync::Arc};

use cordon_core::{Digest, Timestamp, evidence::Anchor, evidence::empty_root, fact::Leaf};
use cordon_ledger::{
    Checkpoint, Frontier, Hash, Note, Proof, SigningKey, Verifier, leaf_hash,
    tiles::{TileNodes, Tiles as _},
    tree::{self, Nodes as _},
};
use cordon_store::{
    Log as _, SqliteLog,
    frames::FrameReader,
    journal::{Journal, Kind, NewFrame, Options},
    ledger::{JournalTree, Levels, PublishError, Publisher, TileFolder, TreeError},
    log::Entry,
};
use proptest::prelude::*;

fn leaf(number: u64) -> Hash {
    leaf_hash(&number.to_be_bytes())
}

fn naive(size: u64) -> Hash {
    (0..size).map(leaf).collect::<Frontier>().root()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn levels_hold_the_tree_however_they_grew_and_were_cut(
        steps in proptest::collection::vec((0..700_u64, any::<prop::sample::Index>(), any::<bool>()), 1..8),
        asked in any::<prop::sample::Index>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut levels = Levels::open(folder.path()).unwrap();
        for (more, cut, again) in steps {
            let leaves: Vec<Hash> = (levels.size()..levels.size() + more).map(leaf).collect();
            levels.append(&leaves).unwrap();
            if again {
                // What a crash may leave of a level: nothing, or a part.
                for level in ["level-08", "level-16"] {
                    if let Ok(file) = std::fs::OpenOptions::new().write(true).open(folder.path().join(level)) {
                        let length = file.metadata().unwrap().len();
                        file.set_len(cut.index(usize::try_from(length).unwrap() + 1) as u64).unwrap();
                    }
                }
                levels = Levels::open(folder.path()).unwrap();
            } else if cut.index(4) == 0 {
                levels.cut(cut.index(usize::try_from(levels.size()).unwrap() + 1) as u64).unwrap();
            }
        }
        let size = levels.size();
        let asked = asked.index(usize::try_from(size).unwrap() + 1) as u64;
        let read = Levels::read(folder.path()).unwrap();
        prop_assert_eq!(read.size(), size);
        for levels in [&levels, &read] {
            prop_assert_eq!(levels.root(size).unwrap(), naive(size));
            prop_assert_eq!(levels.root(asked).unwrap(), naive(asked));
            prop_assert!(levels.root(size + 1).is_err() && levels.node(0, size).is_err());
            prop_assert_eq!(levels.leaves(asked, 3).unwrap(), (asked..size.min(asked + 3)).map(leaf).collect::<Vec<_>>());
        }
    }
}

/// Facts of any bytes: the ledger does not look into them.
async fn append(log: &SqliteLog, count: u64) {
    let head = log.head().await.unwrap();
    let entries: Vec<Entry> = (head..head + count)
        .map(|number| Entry {
            time: Timestamp::from_millis(1_790_000_000_000),
            touched: Vec::new(),
            leaf: Leaf { bytes: format!("fact {number}").into_bytes(), blob: None },
        })
        .collect();
    log.append(head, &entries, &[]).await.unwrap();
}

fn key(seed: u8) -> Arc<SigningKey> {
    Arc::new(SigningKey::from_seed("example.com/log", [seed; 32]).unwrap())
}

fn open(folder: &Path) -> Result<Publisher, PublishError> {
    let key = key(1);
    Publisher::open(TileFolder::new(folder), key.clone(), &[key.verifier_key().clone()])
}

#[tokio::test]
async fn every_fact_is_proved_by_the_published_files_and_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let tiles = folder.path().join("ledger");
    let log = SqliteLog::open(&folder.path().join("log.db")).await.unwrap();
    let mut publisher = open(&tiles).unwrap();
    assert!(publisher.advance(&log, 0).await.unwrap().is_some(), "an empty log has a checkpoint too");
    let verifier = Verifier::new("example.com/log", vec![key(1).verifier_key().clone()]).unwrap();
    let mut size = 0;
    // Within a tile, to its end, over several, and after a restart in each case.
    for more in [1, 2, 253, 1, 600, 5] {
        append(&log, more).await;
        size += more;
        let note = publisher.advance(&log, size).await.unwrap().expect("something is new");
        assert!(publisher.advance(&log, size).await.unwrap().is_none(), "nothing is new");
        let folder = TileFolder::new(&tiles);
        assert_eq!(folder.checkpoint().unwrap().unwrap(), note.to_string().into_bytes());
        let nodes = TileNodes::new(&folder, size);
        for index in [0, size / 2, size - 1] {
            let proof = Proof::new(tree::inclusion(index, size, &nodes).unwrap(), &note);
            let fact = format!("fact {index}");
            assert_eq!(verifier.verify(fact.as_bytes(), &proof).unwrap().index(), index);
        }
        publisher = open(&tiles).unwrap();
        assert_eq!(publisher.size(), size, "a restart reads the edge, not the log");
    }
}

#[tokio::test]
async fn lost_or_changed_tiles_are_written_again_from_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let tiles = folder.path().join("ledger");
    let log = SqliteLog::open(&folder.path().join("log.db")).await.unwrap();
    append(&log, 700).await;
    open(&tiles).unwrap().advance(&log, 700).await.unwrap();
    let edge = tiles.join("tile/0/002.p/188");
    for damage in [
        |path: &Path| std::fs::remove_file(path).unwrap(),
        |path: &Path| {
            let mut bytes = std::fs::read(path).unwrap();
            bytes[5] ^= 1;
            std::fs::write(path, bytes).unwrap();
        },
    ] {
        damage(&edge);
        let mut publisher = open(&tiles).unwrap();
        assert_eq!(publisher.size(), 0);
        // Nothing is new, so that no new checkpoint is needed; the tiles are there again all the same.
        publisher.advance(&log, 700).await.unwrap();
        let nodes = TileNodes::new(TileFolder::new(&tiles), 700);
        assert_eq!(Frontier::from_nodes(700, &nodes).unwrap().root(), publisher.signed().unwrap().root);
    }
}

#[tokio::test]
async fn a_log_that_is_not_the_signed_one_gets_no_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let tiles = folder.path().join("ledger");
    let log = SqliteLog::open(&folder.path().join("log.db")).await.unwrap();
    append(&log, 300).await;
    open(&tiles).unwrap().advance(&log, 300).await.unwrap();
    let signed = TileFolder::new(&tiles).checkpoint().unwrap();

    let shorter = SqliteLog::open(&folder.path().join("shorter.db")).await.unwrap();
    append(&shorter, 200).await;
    let error = open(&tiles).unwrap().advance(&shorter, 200).await.unwrap_err();
    assert!(matches!(error, PublishError::Shorter { signed: 300, found: 200 }), "{error}");

    // Another log of the same length, with the tiles gone that would have been believed.
    let other = SqliteLog::open(&folder.path().join("other.db")).await.unwrap();
    let entry = Entry {
        time: Timestamp::from_millis(0),
        touched: Vec::new(),
        leaf: Leaf { bytes: b"another".to_vec(), blob: None },
    };
    other.append(0, &[entry], &[]).await.unwrap();
    append(&other, 350).await;
    std::fs::remove_dir_all(tiles.join("tile")).unwrap();
    let error = open(&tiles).unwrap().advance(&other, 351).await.unwrap_err();
    assert!(matches!(error, PublishError::Differs { size: 300, .. }), "{error}");
    assert_eq!(TileFolder::new(&tiles).checkpoint().unwrap(), signed, "nothing was signed");

    // A checkpoint of another key is not gone on with.
    let stranger = key(2);
    let note = Checkpoint::new("example.com/log", (0..9).map(leaf).collect::<Frontier>().head()).unwrap();
    let note: Note = note.sign(&[stranger.as_ref()]).unwrap();
    std::fs::write(tiles.join("checkpoint"), note.to_string()).unwrap();
    assert!(matches!(open(&tiles), Err(PublishError::Checkpoint { .. })));
}

fn frames_of(journal: &Journal) -> FrameReader {
    FrameReader::of(journal.reader().unwrap(), None, 0).unwrap()
}

fn frames(journal: &Journal, range: std::ops::Range<u64>) {
    for number in range {
        let payload = number.to_be_bytes();
        let _ =
            journal.append(&[NewFrame { kind: Kind::OPENED, payload: &payload }]).unwrap().wait().unwrap();
    }
}

fn anchor(journal: &Journal, size: u64) -> Anchor {
    Anchor { journal: journal.id(), size, root: Digest::from_bytes(*naive(size).as_bytes()) }
}

#[test]
fn the_tree_of_a_journal_grows_with_it_and_survives_the_loss_of_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let (root, trees) = (folder.path().join("journal"), folder.path().join("trees"));
    let journal = || Journal::open(&root, Options::default(), [7; 12]).unwrap().0;
    let mut open_journal = journal();
    let none = Anchor { journal: open_journal.id(), size: 0, root: empty_root() };
    let tree =
        |journal: &Journal, anchor: &Anchor| JournalTree::open(&trees, anchor, 0, &mut frames_of(journal));
    let mut grown = tree(&open_journal, &none).unwrap();
    frames(&open_journal, 0..300);
    assert_eq!(grown.grow(&open_journal).unwrap(), anchor(&open_journal, 300));
    frames(&open_journal, 300..310);
    // Whoever took the leaf hashes before makes a gap, which is read.
    drop(open_journal.take_leaves());
    frames(&open_journal, 310..320);
    assert_eq!(grown.grow(&open_journal).unwrap(), anchor(&open_journal, 320));
    // A restart goes back to what was anchored, and reads the rest from the journal.
    drop(open_journal);
    open_journal = journal();
    let mut again = tree(&open_journal, &anchor(&open_journal, 300)).unwrap();
    assert_eq!(again.size(), 300);
    assert_eq!(again.grow(&open_journal).unwrap(), anchor(&open_journal, 320));
    for damage in [
        |file: &Path| std::fs::remove_file(file).unwrap(),
        |file: &Path| {
            let mut bytes = std::fs::read(file).unwrap();
            bytes[40] ^= 1;
            std::fs::write(file, bytes).unwrap();
        },
    ] {
        damage(&trees.join(open_journal.id().to_string()).join("level-00"));
        assert_eq!(tree(&open_journal, &anchor(&open_journal, 320)).unwrap().size(), 320);
    }
}

#[test]
fn a_journal_that_is_not_the_anchored_one_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("journal");
    let (journal, _) = Journal::open(&root, Options::default(), [7; 12]).unwrap();
    frames(&journal, 0..20);
    let open = |anchor: &Anchor| {
        JournalTree::open(&folder.path().join("trees"), anchor, 0, &mut frames_of(&journal))
    };
    let short = open(&anchor(&journal, 25)).unwrap_err();
    assert!(matches!(short, TreeError::Short { size: 25, found: 20, .. }), "{short}");
    let other = Anchor { root: empty_root(), ..anchor(&journal, 20) };
    let differs = open(&other).unwrap_err();
    assert!(matches!(differs, TreeError::Differs { size: 20, .. }), "{differs}");
    open(&anchor(&journal, 20)).unwrap();
}

#[test]
fn a_path_that_is_no_tile_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let tiles = TileFolder::new(folder.path());
    let tile = cordon_ledger::tiles::Tile::parse("tile/0/000").unwrap();
    assert_eq!(tiles.read(tile).unwrap(), None);
    assert_eq!(tiles.checkpoint().unwrap(), None);
}
