//! `classify`: which secrets and personal data files and folders hold, and how carefully they must be handled.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use clap::Args;
use cordon_core::{Category, Channel, Score};
use cordon_files::{Claim, FileType, Limits, Segment};
use cordon_inspect::{Custom, Engine, Scanner, Sensitivity, Step};
use serde::Serialize;

use super::{
    Failure, Outcome, Output, Place, complain, inspect, json,
    progress::{Megabytes, Progress},
    say,
    table::plain,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  cordon classify documents/
  cordon classify --all --json shared/ > labels.jsonl
  cordon classify --guard types.yaml documents/   (with what the guard names itself)
  cordon classify --fail-on restricted .          (exit code 2: something is)

Classes: restricted (secrets, cards, accounts, numbers that a state gave), confidential (what leads to a person),
unclassified (nothing was found). Only categories and how often are shown, never what was found.
Exit code: 0 done, 2 a file of the class of --fail-on or a stricter one, 1 something could not be read.";

#[derive(Args)]
pub(super) struct ClassifyArgs {
    /// Files and folders; folders with all that is below them. Links in folders are not followed.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Show files too in which nothing was found.
    #[arg(long)]
    all: bool,
    /// End with code 2 when a file is of this class or a stricter one: confidential or restricted.
    #[arg(long, value_parser = class, value_name = "CLASS")]
    fail_on: Option<Sensitivity>,
    /// Guards whose own types are looked for too: a file that declares them, or the name of one that the server or data folder has.
    #[arg(long, value_name = "FILE|NAME")]
    guard: Option<String>,
    #[command(flatten)]
    output: Output,
}

/// Bytes of a file that are in memory.
const PIECE: usize = 64 << 10;
/// The score from which on a finding is a label, as the built-in baseline redacts from it on.
const LABEL: Score = Score::percent(50);

/// What was found in a text file.
#[derive(Default)]
struct Reading {
    bytes: u64,
    class: Sensitivity,
    labels: BTreeMap<Category, Label>,
}

#[derive(Default)]
struct Label {
    count: u64,
    score: Score,
}

#[derive(Serialize)]
struct Told<'a> {
    path: &'a str,
    class: &'a str,
    bytes: u64,
    labels: Vec<ToldLabel<'a>>,
}

#[derive(Serialize)]
struct ToldLabel<'a> {
    category: &'a Category,
    count: u64,
    score: Score,
}

/// How many files of each sort there were.
#[derive(Default, Serialize)]
struct Summary {
    files: u64,
    restricted: u64,
    confidential: u64,
    unclassified: u64,
    /// No text was found in them that could be read: nothing is said of them.
    binary: u64,
    unreadable: u64,
    /// Links and what is neither file nor folder.
    left_out: u64,
    /// Of text.
    bytes: u64,
}

#[derive(Serialize)]
struct Last<'a> {
    summary: &'a Summary,
}

/// What files are read with: what is built in, and what guards name themselves.
struct Eyes {
    engine: Engine,
    custom: Vec<Custom>,
}

struct Classifier<'a> {
    args: &'a ClassifyArgs,
    eyes: Eyes,
    buffer: Vec<u8>,
    summary: Summary,
    strictest: Sensitivity,
    progress: Progress,
}

pub(super) async fn run(place: &Place, args: &ClassifyArgs) -> Outcome {
    let custom = match &args.guard {
        Some(guard) => inspect::inspection(place, Some(guard)).await?.custom().to_vec(),
        None => Vec::new(),
    };
    let mut classifier = Classifier {
        args,
        eyes: Eyes { engine: Engine::builtin(), custom },
        buffer: vec![0; PIECE],
        summary: Summary::default(),
        strictest: Sensitivity::default(),
        progress: Progress::new(),
    };
    for path in &args.paths {
        classifier.walk(path)?;
    }
    classifier.end()
}

impl Classifier<'_> {
    /// A file, or all that is below a folder, folder by folder and by name: in memory are the names of one folder at each
    /// depth.
    fn walk(&mut self, path: &Path) -> Outcome {
        // What is named is followed, so that a link to a folder can be asked about.
        let mut waiting = vec![(path.to_owned(), fs::metadata(path))];
        while let Some((path, metadata)) = waiting.pop() {
            match metadata {
                Ok(metadata) if metadata.is_dir() => match below(&path) {
                    Ok(entries) => waiting.extend(entries),
                    Err(error) => self.unreadable(&path, &error),
                },
                Ok(metadata) if metadata.is_file() => self.file(&path)?,
                Ok(_) => self.summary.left_out += 1,
                Err(error) => self.unreadable(&path, &error),
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> Outcome {
        self.summary.files += 1;
        match read(&self.eyes, path, &mut self.buffer) {
            Ok(Some(reading)) => self.tell(path, &reading)?,
            Ok(None) => self.summary.binary += 1,
            Err(error) => self.unreadable(path, &error),
        }
        let Summary { files, bytes, .. } = self.summary;
        self.progress.at(format_args!("{files} files, {} MB of text", Megabytes(bytes)));
        Ok(())
    }

    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        self.summary.unreadable += 1;
        self.progress.wipe();
        complain(&format!("{}: cannot be read: {error}", path.display()));
    }

    fn tell(&mut self, path: &Path, reading: &Reading) -> Outcome {
        let count = match reading.class {
            Sensitivity::Restricted => &mut self.summary.restricted,
            Sensitivity::Confidential => &mut self.summary.confidential,
            Sensitivity::Unclassified => &mut self.summary.unclassified,
        };
        *count += 1;
        self.summary.bytes += reading.bytes;
        self.strictest = self.strictest.max(reading.class);
        if reading.class == Sensitivity::Unclassified && !self.args.all {
            return Ok(());
        }
        self.progress.wipe();
        let path = path.display().to_string();
        if self.args.output.json {
            let told = |(category, label): (_, &Label)| ToldLabel {
                category,
                count: label.count,
                score: label.score,
            };
            return json(&Told {
                path: &path,
                class: reading.class.as_str(),
                bytes: reading.bytes,
                labels: reading.labels.iter().map(told).collect(),
            });
        }
        let labels: Vec<String> =
            reading.labels.iter().map(|(category, label)| format!("{category} {}", label.count)).collect();
        let line =
            format!("{:<12}  {}  {}", reading.class, plain(&path).replace('\n', " "), labels.join(", "));
        say(&format!("{}\n", line.trim_end()))
    }

    /// The numbers, and how it went.
    fn end(&mut self) -> Outcome {
        self.progress.wipe();
        let summary = &self.summary;
        if self.args.output.json {
            json(&Last { summary })?;
        } else {
            say(&format!(
                "{} files: {} restricted, {} confidential, {} unclassified, {} without text; {} unreadable, {} left out; {} MB \
                 of text\n",
                summary.files,
                summary.restricted,
                summary.confidential,
                summary.unclassified,
                summary.binary,
                summary.unreadable,
                summary.left_out,
                Megabytes(summary.bytes)
            ))?;
        }
        if summary.unreadable > 0 {
            Err(Failure::Code(1))
        } else if self.args.fail_on.is_some_and(|class| self.strictest >= class) {
            Err(Failure::Code(2))
        } else {
            Ok(())
        }
    }
}

type Entry = (PathBuf, io::Result<fs::Metadata>);

/// What is in a folder, the last name first: the next to be looked at is the last of those that wait.
fn below(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut paths = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<PathBuf>>>()?;
    paths.sort_unstable_by(|a, b| b.cmp(a));
    Ok(paths
        .into_iter()
        .map(|path| {
            let metadata = fs::symlink_metadata(&path);
            (path, metadata)
        })
        .collect())
}

/// Reads a file; none if no text is in it that can be read. Texts are read piece by piece, and what is packed, drawn or laid out is
/// taken apart.
fn read(eyes: &Eyes, path: &Path, buffer: &mut [u8]) -> io::Result<Option<Reading>> {
    let mut file = File::open(path)?;
    let mut filled = 0;
    // What a file is stands in its first bytes, however few a read brings.
    while filled < buffer.len() {
        match file.read(buffer.get_mut(filled..).unwrap_or_default())? {
            0 => break,
            count => filled += count,
        }
    }
    let begin = buffer.get(..filled).unwrap_or_default();
    if FileType::of(begin).is_text() && !begin.contains(&0) {
        return texts(eyes, file, buffer, filled).map(Some);
    }
    let limits = Limits::default();
    let mut bytes = begin.to_vec();
    file.take((limits.bytes + 1 - filled.min(limits.bytes)) as u64).read_to_end(&mut bytes)?;
    let name = path.file_name().map(|name| name.to_string_lossy());
    let report = cordon_files::inspect(&bytes, &Claim { name: name.as_deref(), media_type: None }, &limits);
    let mut reading = Reading::default();
    for segment in &report.segments {
        reading.bytes += segment.text.len() as u64;
        let mut scanner = eyes.scanner(Segment::CHANNEL);
        reading.add(eyes, scanner.push(&segment.text));
        reading.add(eyes, scanner.finish());
    }
    Ok((!report.segments.is_empty()).then_some(reading))
}

/// Reads a text piece by piece, of which the first is there. Bytes that are not UTF-8 are read as U+FFFD.
fn texts(eyes: &Eyes, mut file: File, buffer: &mut [u8], first: usize) -> io::Result<Reading> {
    let mut scanner = eyes.scanner(Channel::Document);
    let mut reading = Reading::default();
    // The start of a character whose other bytes have not been read yet.
    let mut kept = 0;
    let mut count = first;
    while count > 0 {
        let filled = kept + count;
        let bytes = buffer.get(..filled).unwrap_or_default();
        reading.bytes += count as u64;
        let mut used = 0;
        for chunk in bytes.utf8_chunks() {
            reading.add(eyes, scanner.push(chunk.valid()));
            used += chunk.valid().len();
            let invalid = chunk.invalid();
            let may_go_on = used + invalid.len() == filled && invalid.len() < 4 && is_open(invalid);
            if !invalid.is_empty() && !may_go_on {
                reading.add(eyes, scanner.push("\u{fffd}"));
                used += invalid.len();
            }
        }
        buffer.copy_within(used..filled, 0);
        kept = filled - used;
        count = file.read(buffer.get_mut(kept..).unwrap_or_default())?;
    }
    reading.add(eyes, scanner.finish());
    Ok(reading)
}

/// Whether some bytes are the start of a character of UTF-8 and nothing else.
fn is_open(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
}

impl Eyes {
    fn scanner(&self, channel: Channel) -> Scanner {
        self.engine.scanner(channel, &[]).with_custom(&self.custom)
    }

    /// What a finding of this category makes of a file.
    fn class(&self, category: &Category) -> Sensitivity {
        let own = self.custom.iter().filter_map(|custom| custom.sensitivity(category));
        own.fold(Sensitivity::of(category), Sensitivity::max)
    }
}

impl Reading {
    fn add(&mut self, eyes: &Eyes, step: Step) {
        for finding in step.findings {
            let class = eyes.class(&finding.category);
            if finding.score < LABEL || finding.continues || class == Sensitivity::Unclassified {
                continue;
            }
            self.class = self.class.max(class);
            let label = self.labels.entry(finding.category).or_default();
            label.count += 1;
            label.score = label.score.max(finding.score);
        }
    }
}

fn class(word: &str) -> Result<Sensitivity, String> {
    Sensitivity::parse(word)
        .filter(|class| *class > Sensitivity::Unclassified)
        .ok_or_else(|| "unknown class; help: confidential or restricted".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a file is classified as, read in pieces of this size, and how much text was in it.
    fn read_in(bytes: &[u8], piece: usize) -> Option<(Sensitivity, Vec<String>, u64)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, bytes).unwrap();
        let reading =
            read(&Eyes { engine: Engine::builtin(), custom: Vec::new() }, &path, &mut vec![0; piece])
                .unwrap()?;
        let labels =
            reading.labels.iter().map(|(category, label)| format!("{category} {}", label.count)).collect();
        Some((reading.class, labels, reading.bytes))
    }

    fn classes(bytes: &[u8]) -> Option<(Sensitivity, Vec<String>)> {
        read_in(bytes, PIECE).map(|(class, labels, _)| (class, labels))
    }

    /// The same for a text, of which every byte counts.
    fn check(bytes: &[u8], piece: usize) -> Option<(Sensitivity, Vec<String>)> {
        let (class, labels, read) = read_in(bytes, piece)?;
        assert_eq!(read, bytes.len() as u64);
        Some((class, labels))
    }

    #[test]
    fn files_are_read_in_any_pieces() {
        let text =
            "Grüße an ana@example.org und 4111 1111 1111 1111 — bis später, ana@example.org".as_bytes();
        let whole = check(text, PIECE);
        assert_eq!(
            whole,
            Some((Sensitivity::Restricted, vec!["pii/card 1".to_owned(), "pii/email 2".to_owned()]))
        );
        for piece in [4, 5, 7, 64] {
            assert_eq!(check(text, piece), whole, "{piece}");
        }
    }

    #[test]
    fn the_text_of_documents_and_archives_is_read() {
        let mail = (Sensitivity::Confidential, vec!["pii/email 1".to_owned()]);
        let document = b"{\\rtf1 Write to {\\b ana}@example.org.}";
        assert_eq!(classes(document), Some(mail.clone()));
        let utf16: Vec<u8> = "\u{feff}ana@example.org".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(classes(&utf16), Some(mail));
        let picture = b"GIF89a\x04\0\x04\0\0\0\0,\0\0\0\0\x04\0\x04\0\0\x02\x02\x44\x01\0;";
        assert_eq!(classes(picture), None);
    }

    #[test]
    fn what_is_not_text_is_left_out_and_broken_text_is_read() {
        assert_eq!(check(b"PNG\0ana@example.org", PIECE), None);
        let latin = b"Gr\xfc\xdfe, ana@example.org, \xff\xe4";
        assert_eq!(check(latin, PIECE), Some((Sensitivity::Confidential, vec!["pii/email 1".to_owned()])));
        assert_eq!(check(b"nothing here \xe2\x82", 16), Some((Sensitivity::Unclassified, Vec::new())));
    }
}
