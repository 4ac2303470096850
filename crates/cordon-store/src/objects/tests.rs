use std::io::Cursor;

use super::*;
use crate::journal::sim::{Fate, SimDisk};

const NAME: &str = "segments/ab/sha256-00.parquet";

fn root() -> &'static Path {
    Path::new("/data/objects")
}

fn open(disk: &SimDisk) -> Result<FolderObjects, ObjectError> {
    FolderObjects::open_on(Arc::new(disk.clone()), root())
}

fn content() -> Vec<u8> {
    (0..CHUNK + 3000).map(|n| u8::try_from(n % 251).unwrap()).collect()
}

#[test]
fn objects_are_written_once_and_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("objects");
    let store = FolderObjects::open(&root).unwrap();
    assert_eq!(store.list("").unwrap(), Vec::<String>::new());
    assert_eq!(store.size("a/b").unwrap(), None);
    assert!(matches!(store.get("a/b", 9), Err(ObjectError::Absent(_))));
    for (name, bytes) in [("a/b", content()), ("a/c/d", b"two".to_vec()), ("ab", Vec::new())] {
        assert_eq!(store.put_if_absent(name, &mut Cursor::new(&bytes)).unwrap(), Put::Stored);
        assert_eq!(store.put_if_absent(name, &mut Cursor::new(b"other")).unwrap(), Put::Present);
        assert_eq!(store.get(name, bytes.len()).unwrap(), bytes);
        assert_eq!(store.size(name).unwrap(), Some(bytes.len() as u64));
    }
    assert!(matches!(store.get("a/c/d", 2), Err(ObjectError::TooLarge { bytes: 3, .. })));
    assert_eq!(store.get_range("a/c/d", 1, 9).unwrap(), b"wo");
    assert_eq!(store.get_range("a/c/d", 9, 9).unwrap(), b"");
    assert_eq!(store.list("").unwrap(), ["a/b", "a/c/d", "ab"]);
    assert_eq!(store.list("a").unwrap(), ["a/b", "a/c/d", "ab"]);
    assert_eq!(store.list("a/").unwrap(), ["a/b", "a/c/d"]);
    assert_eq!(store.list("a/c/d").unwrap(), ["a/c/d"]);
    assert_eq!(store.list("x/y").unwrap(), Vec::<String>::new());
    assert_eq!(FolderObjects::read_only(&root).list("a/").unwrap().len(), 2);
    store.delete("a/b").unwrap();
    store.delete("a/b").unwrap();
    assert_eq!(store.list("a").unwrap(), ["a/c/d", "ab"]);
    assert_eq!(std::fs::read_dir(root.join(UNFINISHED)).unwrap().count(), 0);
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&root), mode(&root.join("a/c")), mode(&root.join("ab"))), (0o700, 0o700, 0o600));
}

#[test]
fn a_name_never_leaves_the_folder() {
    let long = "a".repeat(MAX_PART + 1);
    let longer = "a/".repeat(MAX_NAME / 2) + "a";
    for bad in [
        "", "/", "a/", "/a", "a//b", "..", "a/../b", ".new/1", "a\\b", "A", "ä", "a b", "a\0", &long, &longer,
    ] {
        let store = FolderObjects::read_only(Path::new("/nowhere"));
        assert!(matches!(store.size(bad), Err(ObjectError::Name(_))), "{bad}");
        assert!(matches!(store.put_if_absent(bad, &mut Cursor::new(b"")), Err(ObjectError::Name(_))));
        assert!(matches!(store.get_range(bad, 0, 1), Err(ObjectError::Name(_))));
        assert!(matches!(store.delete(bad), Err(ObjectError::Name(_))));
    }
    assert!(FolderObjects::read_only(Path::new("/nowhere")).list("../").is_err());
}

#[test]
fn power_lost_or_an_error_at_any_write_leaves_a_whole_object_or_none() {
    let bytes = content();
    let counted = SimDisk::new(1);
    let store = open(&counted).unwrap();
    let start = counted.operations();
    store.put_if_absent(NAME, &mut Cursor::new(&bytes)).unwrap();
    let operations = counted.operations() - start;
    assert!(operations > 7);
    for operation in 1..=operations {
        for seed in 0..6 {
            for fate in [Fate::Crash, Fate::Fail(io::ErrorKind::StorageFull)] {
                let disk = SimDisk::new(seed);
                let store = open(&disk).unwrap();
                disk.plan(disk.operations() + operation, fate);
                let result = store.put_if_absent(NAME, &mut Cursor::new(&bytes));
                assert!(result.is_err(), "operation {operation} failed and the put did not");
                if fate == Fate::Crash {
                    disk.crash(seed);
                }
                let whole_or_none = |store: &FolderObjects| {
                    if store.size(NAME).unwrap().is_some() {
                        assert_eq!(store.get(NAME, bytes.len()).unwrap(), bytes, "operation {operation}");
                    }
                };
                whole_or_none(&store);
                let store = open(&disk).unwrap();
                whole_or_none(&store);
                store.put_if_absent(NAME, &mut Cursor::new(&bytes)).unwrap();
                disk.crash(seed + 100);
                let store = open(&disk).unwrap();
                assert_eq!(store.get(NAME, bytes.len()).unwrap(), bytes, "what was stored is durable");
                assert_eq!(store.list("").unwrap(), [NAME]);
                let left = disk.paths().into_iter().filter(|path| path.starts_with(root().join(UNFINISHED)));
                assert_eq!(left.count(), 0, "operation {operation}");
            }
        }
    }
}
