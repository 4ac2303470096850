use cordon_files::{Disposition, FileType, Reason, Role};

use crate::support::{
    accepted, gzip, image, inspect, refused, tar, text,
    zip::{self, Entry, zip},
};

#[test]
pub(crate) fn an_ordinary_archive_is_read() {
    let report = accepted("a.zip", &zip::of(&[("docs/a.txt", b"first"), ("docs/b.md", b"second")]));
    assert_eq!(report.file_type, FileType::Zip);
    assert_eq!(text(&report, Role::Body), "first\nsecond");
    let folder = Entry::stored("docs/", b"");
    accepted("a.zip", &zip(&[folder, Entry::stored("docs/a.txt", b"first")]));
    let report = accepted("a.tar.gz", &gzip(&tar(&[("a/", b'5', b""), ("a/b.txt", b'0', b"inside")])));
    assert_eq!(text(&report, Role::Body), "inside");
    accepted("a.txt.gz", &gzip(b"hello"));
}

#[test]
pub(crate) fn names_that_leave_the_folder_are_refused() {
    for (name, reason) in [
        ("../../etc/x", Reason::Traversal),
        ("/etc/x", Reason::Traversal),
        ("C:\\x", Reason::Traversal),
        ("a\\..\\..\\x", Reason::Traversal),
        ("docs/NUL.txt", Reason::DeviceName),
        ("docs/a.txt:zone", Reason::StreamName),
        ("docs/a\u{202e}txt.exe", Reason::NameDirection),
    ] {
        refused("a.zip", &zip(&[Entry::stored(name, b"x")]), reason);
        refused("a.tar", &tar(&[(name, b'0', b"x")]), reason);
    }
    // Names that only look like it.
    accepted("a.zip", &zip::of(&[("a..b/...x.txt", b"x"), ("nullable.txt", b"x")]));
}

#[test]
pub(crate) fn links_and_names_that_stand_twice_are_refused() {
    let link = Entry { attributes: 0xa1ff_0000, made_by: 0x0314, ..Entry::stored("a", b"/etc/passwd") };
    refused("a.zip", &zip(&[link]), Reason::Link);
    refused("a.tar", &tar(&[("a", b'2', b"")]), Reason::Link);
    refused("a.tar", &tar(&[("dev", b'3', b"")]), Reason::DeviceName);
    refused("a.zip", &zip::of(&[("a.txt", b"1"), ("a.txt", b"2")]), Reason::DuplicateName);
    refused("a.zip", &zip::of(&[("A.txt", b"1"), ("a.TXT", b"2")]), Reason::DuplicateName);
    accepted("a.zip", &zip::of(&[("a.txt", b"1"), ("b/a.txt", b"2")]));
}

#[test]
pub(crate) fn an_archive_that_two_readers_read_differently_is_refused() {
    let good = Entry::deflated("a.txt", b"what the directory says");
    let other_name = Entry { local_name: b"b.exe".to_vec(), ..good.clone() };
    refused("a.zip", &zip(&[other_name]), Reason::Ambiguous);
    let flags = Entry { local_flags: 1, ..good.clone() };
    refused("a.zip", &zip(&[flags]), Reason::Ambiguous);
    let wrong_size = Entry { size: 3, ..good.clone() };
    refused("a.zip", &zip(&[wrong_size]), Reason::Ambiguous);
    // An entry that only who reads header by header sees.
    let hidden = zip(&[Entry::stored("hidden.txt", b"x")]);
    let local = &hidden[..30 + 10 + 1];
    let mut bytes = zip(std::slice::from_ref(&good));
    let begin = 30 + good.local_name.len() + good.packed.len();
    bytes.splice(begin..begin, local.iter().copied());
    let end = bytes.len() - 6;
    let offset = u32::try_from(begin + local.len()).unwrap();
    bytes[end..end + 4].copy_from_slice(&offset.to_le_bytes());
    refused("a.zip", &bytes, Reason::Ambiguous);
    // Data before the first header, and behind the end.
    let bytes = zip(std::slice::from_ref(&good));
    refused("a.zip", &[&bytes[..], b"tail"].concat(), Reason::Appended);
    let sfx = [b"#!/bin/sh\n".as_slice(), &bytes].concat();
    assert!(inspect("a.sh", &sfx).has(Reason::Polyglot));
    // Two ends.
    let mut two = bytes.clone();
    let end = two.len() - 22;
    two[end + 20..].copy_from_slice(&22_u16.to_le_bytes());
    two.extend_from_slice(&bytes[end..]);
    refused("a.zip", &two, Reason::Ambiguous);
    let wrong = Entry { crc: good.crc ^ 1, ..good };
    refused("a.zip", &zip(&[wrong]), Reason::Checksum);
}

#[test]
pub(crate) fn entries_that_share_bytes_are_refused() {
    let first = Entry::deflated("a.txt", &[b'a'; 1000]);
    let second = Entry { name: b"b.txt".to_vec(), offset: Some(0), ..first.clone() };
    refused("a.zip", &zip(&[first.clone(), second]), Reason::Overlap);
    accepted("a.zip", &zip(&[first, Entry::deflated("b.txt", &[b'a'; 1000])]));
}

#[test]
pub(crate) fn what_is_encrypted_or_of_another_format_is_kept_apart() {
    let encrypted = Entry { flags: 1, local_flags: 1, ..Entry::stored("a.txt", b"????????") };
    let report = refused("a.zip", &zip(&[encrypted]), Reason::Encrypted);
    assert_eq!(report.disposition(), Disposition::Quarantine);
    let other = Entry { method: 14, ..Entry::stored("a.txt", b"x") };
    refused("a.zip", &zip(&[other]), Reason::Unreadable);
    accepted("a.zip", &zip(&[Entry::stored("a.txt", b"x")]));
    refused("a.7z", b"7z\xbc\xaf\x27\x1c\0\x04", Reason::Unreadable);
    refused("a.rar", b"Rar!\x1a\x07\x01\0", Reason::Unreadable);
}

#[test]
pub(crate) fn bombs_do_not_go_off() {
    let zeros = vec![0; 20 << 20];
    refused("a.zip", &zip(&[Entry::deflated("a.txt", &zeros)]), Reason::Bomb);
    refused("a.gz", &gzip(&zeros), Reason::Bomb);
    // By what it says of itself, before anything is unpacked.
    let claims = Entry { size: 1 << 30, ..Entry::deflated("a.txt", b"small") };
    let report = refused("a.zip", &zip(&[claims]), Reason::Bomb);
    assert!(report.work < 10_000, "{}", report.work);
    // Many of them, each small enough by itself.
    let part = vec![b' '; 900 << 10];
    let parts: Vec<Entry> = (0..100).map(|at| Entry::deflated(&format!("{at}.txt"), &part)).collect();
    refused("a.zip", &zip(&parts), Reason::Bomb);
    accepted("a.zip", &zip(&parts[..5]));
}

#[test]
pub(crate) fn archives_too_deep_inside_one_another_are_refused() {
    let mut nested = zip::of(&[("a.txt", b"the innermost")]);
    for _ in 0..2 {
        nested = zip::of(&[("inner.zip", &nested)]);
    }
    assert_eq!(text(&accepted("a.zip", &nested), Role::Body), "the innermost");
    for _ in 0..200 {
        nested = zip::zip(&[Entry::stored("inner.zip", &nested)]);
    }
    refused("a.zip", &nested, Reason::NestedTooDeep);
    let mut nested = b"x".to_vec();
    for _ in 0..20 {
        nested = gzip(&nested);
    }
    refused("a.gz", &nested, Reason::NestedTooDeep);
}

#[test]
pub(crate) fn damage_is_seen() {
    let good = gzip(b"some text that is long enough");
    refused("a.gz", &good[..good.len() - 9], Reason::Malformed);
    let mut wrong = good.clone();
    let at = wrong.len() - 8;
    wrong[at] ^= 1;
    refused("a.gz", &wrong, Reason::Checksum);
    refused("a.gz", &[&good[..], b"tail"].concat(), Reason::Appended);
    accepted("a.gz", &[&good[..], &good].concat());
    let good = tar(&[("a.txt", b'0', b"x")]);
    refused("a.tar", &[&good[..], b"tail"].concat(), Reason::Appended);
    let mut wrong = good;
    wrong[0] = b'b';
    refused("a.tar", &wrong, Reason::Malformed);
    refused("a.zip", b"PK\x03\x04 and no more", Reason::Malformed);
}

#[test]
pub(crate) fn what_is_inside_counts() {
    let inside = [("photo.png", b"<?php ?>".as_slice())];
    let report = refused("a.zip", &zip::of(&inside), Reason::Mismatch);
    assert_eq!(report.seen[0].place.to_string(), "0");
    refused("a.tar", &tar(&[("setup", b'0', b"\x7fELF\x02")]), Reason::Executable);
    accepted("a.zip", &zip::of(&[("photo.png", &image::png())]));
}
