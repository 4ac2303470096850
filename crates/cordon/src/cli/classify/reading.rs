//! Reads one file: its texts, what is found in them, and whether all of it was read.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use cordon_core::{Category, Channel, Score, Span, record::is_unread};
use cordon_files::{Claim, FileType, Limits, Reason, Report, Segment};
use cordon_inspect::{Custom, Engine, Scanner, Sensitivity, Step};

use super::runs;

/// Bytes of a file that are in memory.
pub(super) const PIECE: usize = 64 << 10;
/// The score from which on a finding is a label, as the built-in baseline redacts from it on.
const LABEL: Score = Score::percent(50);
/// What the tagger of names finds and is no label: towns and companies stand in nearly every text, and lead to nobody.
const COMMON: [Category; 2] = [Category::known("pii/organisation"), Category::known("pii/place")];

/// What was found in a file.
#[derive(Default)]
pub(super) struct Reading {
    /// Of text.
    pub(super) bytes: u64,
    pub(super) class: Sensitivity,
    pub(super) labels: BTreeMap<Category, Label>,
    /// Whether there was text in it.
    pub(super) is_text: bool,
    /// Why not all of it was read.
    pub(super) unread: Option<Category>,
}

#[derive(Default)]
pub(super) struct Label {
    pub(super) count: u64,
    pub(super) score: Score,
    /// Where it was found last in the text that is read: two views of a text may find the same.
    last: Option<Span>,
}

/// What files are read with: what is built in, and what guards name themselves.
pub(super) struct Eyes {
    pub(super) engine: Engine,
    pub(super) custom: Vec<Custom>,
    /// Whether people and addresses are looked for.
    pub(super) names: bool,
}

/// Reads a file. Texts are read piece by piece, and what is packed, drawn or laid out is
/// taken apart.
pub(super) fn read(eyes: &Eyes, path: &Path, buffer: &mut [u8]) -> io::Result<Reading> {
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
        return texts(eyes, file, buffer, filled);
    }
    let limits = Limits::default();
    let mut bytes = begin.to_vec();
    file.take((limits.bytes + 1 - filled.min(limits.bytes)) as u64).read_to_end(&mut bytes)?;
    let name = path.file_name().map(|name| name.to_string_lossy());
    let report = cordon_files::inspect(&bytes, &Claim { name: name.as_deref(), media_type: None }, &limits);
    let mut reading =
        Reading { is_text: !report.segments.is_empty(), unread: unread(&report), ..Reading::default() };
    for segment in &report.segments {
        reading.bytes += segment.text.len() as u64;
        reading.labels.values_mut().for_each(|label| label.last = None);
        let mut scanner = eyes.scanner(Segment::CHANNEL);
        reading.add(eyes, scanner.push(&segment.text));
        reading.add(eyes, scanner.finish());
    }
    if reading.unread.is_some() {
        let secret = Category::known("secret");
        // Those of texts are in the bytes too where nothing is packed, and count once.
        let known: Vec<Category> = reading.labels.keys().cloned().collect();
        let mut scanner = eyes.engine.scanner(Segment::CHANNEL, &[]);
        let mut add = |mut step: Step| {
            // Bytes by chance look like numbers sooner than like keys.
            step.findings.retain(|found| secret.covers(&found.category) && !known.contains(&found.category));
            reading.add(eyes, step);
        };
        runs::each(&bytes, |run| add(scanner.push(run)));
        add(scanner.finish());
    }
    Ok(reading)
}

/// Why not all of a file was read, by the first thing that says so: what rates of unread files count too, and programs and
/// what unpacks to more than is allowed.
fn unread(report: &Report) -> Option<Category> {
    let stops =
        |reason: Reason| matches!(reason, Reason::Bomb | Reason::Executable) || is_unread(&reason.category());
    report.seen.iter().map(|seen| seen.reason).find(|reason| stops(*reason)).map(Reason::category)
}

/// Reads a text piece by piece, of which the first is there. Bytes that are not UTF-8 are read as U+FFFD.
fn texts(eyes: &Eyes, mut file: File, buffer: &mut [u8], first: usize) -> io::Result<Reading> {
    let mut scanner = eyes.scanner(Channel::Document);
    let mut reading = Reading { is_text: true, ..Reading::default() };
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
        let scanner = self.engine.scanner(channel, &[]).with_custom(&self.custom);
        if self.names { scanner.with_names() } else { scanner }
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
            let is_common = COMMON.contains(&finding.category);
            if finding.score < LABEL || is_common || finding.continues || class == Sensitivity::Unclassified {
                continue;
            }
            self.class = self.class.max(class);
            let label = self.labels.entry(finding.category).or_default();
            if label.last.replace(finding.span) != Some(finding.span) {
                label.count += 1;
            }
            label.score = label.score.max(finding.score);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// What a file is classified as, read in pieces of this size, and how much text was in it.
    fn read_in(bytes: &[u8], piece: usize) -> Option<(Sensitivity, Vec<String>, u64)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, bytes).unwrap();
        let eyes = Eyes { engine: Engine::builtin(), custom: Vec::new(), names: true };
        let reading = read(&eyes, &path, &mut vec![0; piece]).unwrap();
        if !reading.is_text {
            return None;
        }
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
        let utf16: Vec<u8> =
            "\u{feff}Write to ana@example.org".encode_utf16().flat_map(u16::to_le_bytes).collect();
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

    /// The class, the labels, and why not all was read.
    fn told(name: &str, bytes: &[u8], names: bool) -> (Sensitivity, Vec<String>, Option<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let eyes = Eyes { engine: Engine::builtin(), custom: Vec::new(), names };
        let reading = read(&eyes, &path, &mut vec![0; PIECE]).unwrap();
        let labels = reading.labels.keys().map(ToString::to_string).collect();
        (reading.class, labels, reading.unread.map(|why| why.to_string()))
    }

    #[test]
    fn people_and_addresses_are_looked_for_unless_said_otherwise() {
        let text =
            b"Patient: John Smith, 12 Main Street, Springfield. Diagnosed with diabetes by Acme Clinic.";
        let (class, labels, _) = told("a.txt", text, true);
        assert_eq!(class, Sensitivity::Confidential);
        assert_eq!(labels, ["pii/address", "pii/person"]);
        assert_eq!(told("a.txt", text, false), (Sensitivity::Unclassified, Vec::new(), None));
        let common = b"The office of Siemens in Berlin is closed on Tuesday.";
        assert_eq!(told("a.txt", common, true), (Sensitivity::Unclassified, Vec::new(), None));
    }

    #[test]
    fn what_cannot_be_read_says_so_and_its_runs_are_searched_for_keys() {
        let packed = b"7z\xbc\xaf\x27\x1c\0\x04\0\0\0\0";
        let why = |category: &str| Some(category.to_owned());
        assert_eq!(
            told("a.7z", packed, true),
            (Sensitivity::Unclassified, Vec::new(), why("file/not_inspected/format"))
        );
        let mut bytes =
            b"\x01\x02\x03\0\0\xfe\x9d\0key\0AKIAQ3EGXWHZT5YJLKPM\0\x01 4111 1111 1111 1111\0\xff".to_vec();
        let found = (Sensitivity::Restricted, vec!["secret/aws_key".to_owned()], why("file/unknown_type"));
        assert_eq!(told("a.bin", &bytes, true), found);
        let wide: Vec<u8> = "AKIAQ3EGXWHZT5YJLKPM".encode_utf16().flat_map(u16::to_le_bytes).collect();
        bytes = [b"\x01\x02\x03\0\0\xfe\x9d\0\x05".as_slice(), &wide, b"\0\x01\xff"].concat();
        assert_eq!(told("a.bin", &bytes, true), found);
        // A picture has no text, which is not to say that it could not be read.
        let picture = b"GIF89a\x04\0\x04\0\0\0\0,\0\0\0\0\x04\0\x04\0\0\x02\x02\x44\x01\0;";
        assert_eq!(told("a.gif", picture, true), (Sensitivity::Unclassified, Vec::new(), None));
    }
}
