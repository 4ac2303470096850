//! `cargo bench -p cordon-files --bench files`: what a file costs, by kind and size, in time of a processor on one thread, beside the
//! floor of unpacking the same bytes and doing nothing with them; and the memory of a process that inspects that one file.
//! `… -- pdf` takes those whose name has that word.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "it measures, and stops where something is wrong"
)]

#[path = "../tests/files/support/mod.rs"]
mod support;

use std::{hint::black_box, io::Read as _, process::Command};

use cordon_files::{Claim, Limits};
use flate2::read::{DeflateDecoder, ZlibDecoder};

/// A file, by the name that it is sent under, and what it packs.
struct Sample {
    what: &'static str,
    name: &'static str,
    bytes: Vec<u8>,
}

const ROW: &str = "2026-11-22,order 4711,the quick brown fox jumps over the lazy dog,12.50\n";

fn samples() -> Vec<Sample> {
    let paragraphs = |count: usize| -> String {
        (0..count)
            .map(|at| {
                support::office::paragraph(
                    "",
                    &format!("Paragraph {at}: the quick brown fox jumps over the lazy dog."),
                )
            })
            .collect()
    };
    let files: Vec<(String, String)> =
        (0..500).map(|at| (format!("folder/{at}.txt"), ROW.repeat(20))).collect();
    let entries: Vec<support::zip::Entry> =
        files.iter().map(|(name, content)| support::zip::Entry::deflated(name, content.as_bytes())).collect();
    let page = format!(
        "<html><body>{}</body></html>",
        "<p class=\"a\">The quick <b>brown</b> fox jumps over the lazy dog.</p>\n".repeat(4_000)
    );
    let mut all: Vec<Sample> = [("pdf, 10 pages", 10), ("pdf, 100 pages", 100), ("pdf, 400 pages", 400)]
        .into_iter()
        .map(|(what, pages)| Sample { what, name: "a.pdf", bytes: support::pdf::pages(pages) })
        .collect();
    all.extend([
        Sample {
            what: "docx, 6,000 paragraphs",
            name: "a.docx",
            bytes: support::office::docx(&paragraphs(6_000), &[]),
        },
        Sample { what: "zip, 500 files", name: "a.zip", bytes: support::zip::zip(&entries) },
        Sample { what: "html", name: "a.html", bytes: page.into_bytes() },
        Sample {
            what: "csv",
            name: "a.csv",
            bytes: format!("day,id,text,sum\n{}", ROW.repeat(4_000)).into_bytes(),
        },
    ]);
    all
}

/// Unpacks every packed stream in the bytes and forgets it: the least that a reader of them does. In bytes unpacked.
fn unpacked(sample: &Sample) -> u64 {
    let bytes = &sample.bytes;
    let mut total = 0;
    let mut sink = |reader: &mut dyn std::io::Read| {
        let mut piece = [0_u8; 16 << 10];
        while let Ok(read @ 1..) = reader.read(&mut piece) {
            black_box(&piece);
            total += read as u64;
        }
    };
    for (at, _) in bytes.windows(7).enumerate().filter(|(_, window)| window == b"stream\n") {
        if !bytes[..at].ends_with(b"end") {
            sink(&mut ZlibDecoder::new(&bytes[at + 7..]));
        }
    }
    for (at, head) in bytes.windows(30).enumerate().filter(|(_, window)| window.starts_with(b"PK\x03\x04")) {
        let name = usize::from(u16::from_le_bytes([head[26], head[27]]));
        sink(&mut DeflateDecoder::new(&bytes[at + 30 + name..]).take(64 << 20));
    }
    total
}

/// The time that this thread had a processor, in milliseconds: beside other work that is less than what passed.
fn busy() -> f64 {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    said.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e6
}

/// What one run takes in milliseconds, the least of five times: as many runs each time as last 60 ms, since the kernel counts coarsely.
fn least(mut run: impl FnMut()) -> f64 {
    (0..5)
        .map(|_| {
            let began = busy();
            let mut runs = 0;
            while busy() - began < 60.0 {
                run();
                runs += 1;
            }
            (busy() - began) / f64::from(runs)
        })
        .fold(f64::INFINITY, f64::min)
}

/// The most memory that this process had until now, in KiB.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn inspect(name: &str, bytes: &[u8]) {
    let claim = Claim { name: Some(name), media_type: None };
    let report = cordon_files::inspect(bytes, &claim, &Limits::default());
    assert!(report.seen.is_empty(), "{name}: {:?}", report.seen);
    assert!(!report.segments.is_empty(), "{name}: no text was read");
}

fn main() {
    let given: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let [word, name, path] = given.as_slice()
        && word == "memory-of"
    {
        let bytes = std::fs::read(path).unwrap();
        let before = most_memory();
        inspect(name, &bytes);
        println!("{} {}", before, most_memory());
        return;
    }
    let wanted = given.first().map_or("", String::as_str);
    let folder = std::env::temp_dir().join(format!("cordon-files-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    println!(
        "| file | bytes | CPU time | of it unpacking alone | memory over that of the process before |\n|---|---|---|---|---|"
    );
    for sample in samples().iter().filter(|sample| sample.what.contains(wanted)) {
        let time = least(|| inspect(sample.name, &sample.bytes));
        let packed = unpacked(sample) > 0;
        let floor =
            if packed { format!("{:.2} ms", least(|| _ = unpacked(sample))) } else { "–".to_owned() };
        let path = folder.join(sample.name);
        std::fs::write(&path, &sample.bytes).unwrap();
        let said = Command::new(std::env::current_exe().unwrap())
            .args(["memory-of", sample.name])
            .arg(&path)
            .output()
            .unwrap();
        let said = String::from_utf8(said.stdout).unwrap();
        let (before, after) = said.trim().split_once(' ').unwrap();
        let grown = (after.parse::<f64>().unwrap() - before.parse::<f64>().unwrap()) / 1024.0;
        println!("| {} | {} | {time:.2} ms | {floor} | {grown:.1} MiB |", sample.what, sample.bytes.len());
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
