//! Small writers of files: what the tests inspect is made here, byte by byte.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    missing_docs,
    unreachable_pub,
    reason = "test code"
)]

pub mod classes;
pub mod compound;
pub mod image;
pub mod model;
pub mod office;
pub mod pdf;
pub mod zip;

use std::io::Write as _;

use cordon_files::{Claim, Disposition, Limits, Reason, Report, Role};
use flate2::{Compression, write::GzEncoder, write::ZlibEncoder};

/// Inspects a file under this name. With `CORDON_FUZZ_SEEDS=DIR` it is written there as well: what a search for hostile bytes begins with.
pub fn inspect(name: &str, bytes: &[u8]) -> Report {
    if let Some(folder) = std::env::var_os("CORDON_FUZZ_SEEDS") {
        let hash =
            bytes.iter().fold(0_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        let place = std::path::Path::new(&folder).join(format!("{hash:016x}-{}", name.replace('/', "_")));
        std::fs::write(place, bytes).unwrap();
    }
    cordon_files::inspect(bytes, &Claim { name: Some(name), media_type: None }, &Limits::default())
}

/// A file that is refused, for this reason among others, and never accepted.
#[track_caller]
pub fn refused(name: &str, bytes: &[u8], reason: Reason) -> Report {
    let report = inspect(name, bytes);
    assert!(report.has(reason), "{name}: {reason:?} not among {:?}", report.seen);
    assert!(report.disposition() >= reason.disposition());
    assert!(report.disposition() > Disposition::Accept, "{name}: {:?}", report.seen);
    classes::bad(name, reason);
    report
}

/// A file that is accepted, with this remark.
#[track_caller]
pub fn noted(name: &str, bytes: &[u8], reason: Reason) -> Report {
    let report = accepted(name, bytes);
    assert!(report.has(reason), "{name}: {reason:?} not among {:?}", report.seen);
    classes::bad(name, reason);
    report
}

/// A file that is accepted.
#[track_caller]
pub fn accepted(name: &str, bytes: &[u8]) -> Report {
    let report = inspect(name, bytes);
    assert_eq!(report.disposition(), Disposition::Accept, "{name}: {:?}", report.seen);
    classes::good(name, &report);
    report
}

/// All text of a role.
pub fn text(report: &Report, role: Role) -> String {
    let texts: Vec<&str> = report
        .segments
        .iter()
        .filter(|segment| segment.role == role)
        .map(|segment| segment.text.as_str())
        .collect();
    texts.join("\n")
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// One entry of a tape archive.
pub fn tar_entry(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut header = [0_u8; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    header[136..148].copy_from_slice(b"00000000000\0");
    header[148..156].copy_from_slice(b"        ");
    header[156] = kind;
    header[257..263].copy_from_slice(b"ustar\0");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut entry = header.to_vec();
    entry.extend_from_slice(content);
    entry.resize(entry.len().div_ceil(512) * 512, 0);
    entry
}

pub fn tar(entries: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let mut out: Vec<u8> =
        entries.iter().flat_map(|(name, kind, content)| tar_entry(name, *kind, content)).collect();
    out.resize(out.len() + 1024, 0);
    out
}
