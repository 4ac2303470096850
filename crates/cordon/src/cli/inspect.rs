//! `inspect`: what the detectors find in texts, and what a guard would do about it.
//!
//! Exit codes are 0 where nothing is found that changes a text or stops it, 1 where something is, 2 where something could not be
//! read: what can be read is inspected all the same.

mod sarif;

use std::io::{self, BufWriter, StdoutLock, Write};

use clap::Args;
use cordon_core::{Action, Category, HmacKey, Score};
use cordon_guard::{Examined, ExaminedFile, Inspection, Ruled};
use cordon_inspect::Engine;
use serde::Serialize;
use serde_json::Value;

use self::sarif::Sarif;
use super::{
    Failure, Outcome, Place, complain, explain, guards,
    progress::{Megabytes, Progress},
    table::{Align, plain, table},
    texts::{self, Take, Text, TextArgs, Unread, Whole},
    unwritten,
};
use crate::clock;

pub(super) const EXAMPLES: &str = "\
Examples:
  echo 'my card is 4111 1111 1111 1111' | cordon inspect
  cordon inspect --channel document page.txt report.pdf
  cordon inspect --guard strict.yaml --sarif src/*.py > found.sarif
  cordon inspect --guard baseline --jsonl < cases.jsonl > found.jsonl

Without --guard, texts are judged as calls are where no guard is declared. With --jsonl each line is
{\"id\", \"text\", \"channel\"}, and the answer to it, in the same order, one line:
{\"id\", \"action\", \"findings\": [{\"category\", \"score\", \"start\", \"end\", \"detector\", \"detector_version\"}]},
with offsets in bytes of the UTF-8 of `text`. Files that are no plain text are taken apart: what is found in a text of
theirs says which (`in`), with offsets in that text, and what is found in the file itself has offsets in the file. A line that is none is answered with {\"id\", \"line\", \"error\"}.
Found values are never repeated.
Exit code: 0 nothing, 1 something that would be redacted, held or blocked, 2 something could not be read.";

#[derive(Args)]
pub(super) struct InspectArgs {
    #[command(flatten)]
    texts: TextArgs,
    /// Guards to judge by: a file that declares them, or the name of one that the server or data folder has.
    #[arg(long, value_name = "FILE|NAME")]
    guard: Option<String>,
    #[command(flatten)]
    form: Form,
}

/// How answers look.
#[derive(Args)]
#[group(multiple = false)]
struct Form {
    /// A line of JSON for each text instead of a table.
    #[arg(long)]
    json: bool,
    /// SARIF 2.1.0 instead of a table, for tools that show findings in files: rules are categories.
    #[arg(long, conflicts_with = "jsonl")]
    sarif: bool,
}

/// The commands whose word for "could not be carried out" is 2.
pub(super) const NAMES: [&str; 2] = ["inspect", "redact"];
const FOUND: u8 = 1;
const FAILED: u8 = 2;

/// A text in JSON.
#[derive(Serialize)]
struct Answer<'a> {
    id: &'a Value,
    action: Action,
    /// Of a file that was taken apart, what it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    file_type: Option<&'static str>,
    findings: Vec<Found<'a>>,
}

#[derive(Serialize)]
struct Found<'a> {
    category: &'a Category,
    score: Score,
    start: usize,
    end: usize,
    detector: &'a str,
    detector_version: u16,
    /// The text of a file that it stands in.
    #[serde(skip_serializing_if = "Option::is_none")]
    r#in: Option<&'a str>,
}

/// A text in JSON that could not be read.
#[derive(Serialize)]
struct Wrong<'a> {
    id: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    error: &'a str,
}

pub(super) async fn run(place: &Place, args: InspectArgs) -> Outcome {
    match inspect(place, &args).await {
        Ok(tally) => tally.outcome(),
        Err(failure) => Err(failed(failure)),
    }
}

async fn inspect(place: &Place, args: &InspectArgs) -> Result<Tally, Failure> {
    let inspection = inspection(place, args.guard.as_deref()).await?;
    let told = if args.form.sarif {
        Told::Sarif(Sarif::default())
    } else if args.form.json || args.texts.jsonl {
        Told::Json
    } else {
        Told::Table
    };
    let mut inspecting = Inspecting { inspection, told, out: Out::new(), tally: Tally::new() };
    texts::each(&args.texts, &mut inspecting)?;
    let Inspecting { told, mut out, tally, .. } = inspecting;
    if let Told::Sarif(sarif) = told {
        out.write(|out| sarif.end(out))?;
    }
    out.flush()?;
    Ok(tally)
}

/// What texts are inspected with: the built-in detectors and the guards asked for. Hashes that stand for values are of this process.
pub(super) async fn inspection(place: &Place, guard: Option<&str>) -> Result<Inspection, Failure> {
    let guard = guards::asked(place, guard).await?;
    let key = HmacKey::from_bytes(clock::random());
    Ok(Inspection::new(Engine::builtin(), guard.into(), clock::machine_time(), key))
}

/// What kept a command from its end is told, and is not "found".
pub(super) fn failed(failure: Failure) -> Failure {
    match failure {
        Failure::Problem(problem) => {
            explain(&problem);
            Failure::Code(FAILED)
        }
        Failure::Code(0) => Failure::Code(0),
        Failure::Code(_) => Failure::Code(FAILED),
    }
}

/// How it went so far.
pub(super) struct Tally {
    found: bool,
    failed: bool,
    texts: u64,
    bytes: u64,
    progress: Progress,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self { found: false, failed: false, texts: 0, bytes: 0, progress: Progress::beside_answers() }
    }

    /// A text was read, in which there is what the command is asked for.
    pub(super) fn add(&mut self, bytes: usize, found: bool) {
        self.found |= found;
        self.texts += 1;
        self.bytes += bytes as u64;
        self.progress.at(format_args!("{} texts, {} MB", self.texts, Megabytes(self.bytes)));
    }

    pub(super) fn unread(&mut self, error: &str) {
        self.failed = true;
        self.progress.wipe();
        complain(error);
    }

    pub(super) fn outcome(self) -> Outcome {
        self.progress.wipe();
        match self {
            Self { failed: true, .. } => Err(Failure::Code(FAILED)),
            Self { found: true, .. } => Err(Failure::Code(FOUND)),
            _ => Ok(()),
        }
    }
}

/// Standard output, written when there is much of it or when somebody may wait.
pub(super) struct Out(BufWriter<StdoutLock<'static>>);

impl Out {
    pub(super) fn new() -> Self {
        Self(BufWriter::with_capacity(64 << 10, io::stdout().lock()))
    }

    pub(super) fn write(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Outcome {
        write(&mut self.0).map_err(|error| unwritten(&error))
    }

    /// One JSON text and a line break.
    pub(super) fn line(&mut self, value: &impl Serialize) -> Outcome {
        self.write(|out| {
            serde_json::to_writer(&mut *out, value)?;
            out.write_all(b"\n")
        })
    }

    /// One that could not be read.
    pub(super) fn wrong(&mut self, unread: &Unread<'_>) -> Outcome {
        self.line(&Wrong { id: unread.id, line: unread.line, error: &unread.error })
    }

    pub(super) fn flush(&mut self) -> Outcome {
        self.write(|out| out.flush())
    }
}

struct Inspecting {
    inspection: Inspection,
    told: Told,
    out: Out,
    tally: Tally,
}

/// How it is told.
enum Told {
    Json,
    Sarif(Sarif),
    Table,
}

impl Take for Inspecting {
    fn text(&mut self, text: &Text<'_>) -> Outcome {
        let examined = self.inspection.examine(text.channel, text.text);
        self.tally.add(text.text.len(), examined.action >= Action::Redact);
        match &mut self.told {
            Told::Json => {
                let findings = examined.findings.iter().map(|ruled| found(ruled, None)).collect();
                self.out.line(&Answer { id: text.id, action: examined.action, file_type: None, findings })
            }
            Told::Sarif(sarif) => self.out.write(|out| sarif.text(text, &examined, out)),
            Told::Table => self.out.write(|out| out.write_all(shown(text, &examined).as_bytes())),
        }
    }

    fn file(&mut self, file: &Whole<'_>) -> Result<bool, Failure> {
        let examined = self.inspection.examine_file(file.channel, file.name().as_deref(), file.bytes);
        // A plain text of which there is nothing to say as a file has offsets of its own.
        if examined.is_plain_text() {
            return Ok(false);
        }
        self.tally.add(file.bytes.len(), examined.action() >= Action::Redact);
        match &mut self.told {
            Told::Json => {
                let own = examined.file.findings.iter().map(|ruled| found(ruled, None));
                let texts = examined.texts.iter().flat_map(|text| {
                    text.examined.findings.iter().map(|ruled| found(ruled, Some(&text.place)))
                });
                self.out.line(&Answer {
                    id: file.id,
                    action: examined.action(),
                    file_type: Some(examined.file_type.as_str()),
                    findings: own.chain(texts).collect(),
                })?;
            }
            Told::Sarif(sarif) => self.out.write(|out| sarif.file(file, &examined, out))?,
            Told::Table => self.out.write(|out| out.write_all(shown_file(file, &examined).as_bytes()))?,
        }
        if examined.is_unread {
            self.out.flush()?;
            let path = plain(&file.path.display().to_string());
            self.tally.unread(&format!("{path}: a part of it could not be read, and may say anything"));
        }
        Ok(true)
    }

    fn unread(&mut self, unread: &Unread<'_>) -> Outcome {
        match &mut self.told {
            Told::Json => self.out.wrong(unread)?,
            Told::Sarif(sarif) => sarif.unread(unread),
            Told::Table => self.out.flush()?,
        }
        self.tally.unread(&unread.error);
        Ok(())
    }

    fn pause(&mut self) -> Outcome {
        self.out.flush()
    }
}

fn found<'a>(ruled: &'a Ruled, within: Option<&'a String>) -> Found<'a> {
    let finding = &ruled.finding;
    Found {
        category: &finding.category,
        score: finding.score,
        start: finding.span.start,
        end: finding.span.end,
        detector: finding.detector,
        detector_version: finding.detector_version,
        r#in: within.map(String::as_str),
    }
}

/// A text's findings as a table.
fn shown(text: &Text<'_>, examined: &Examined) -> String {
    let rows: Vec<Vec<String>> = examined.findings.iter().map(row).collect();
    let id = text.id.as_str().map(plain).unwrap_or_default();
    format!("{id}: {}\n{}", examined.action, shown_rows(&COLUMNS, &rows))
}

/// The same of a file that was taken apart.
fn shown_file(file: &Whole<'_>, examined: &ExaminedFile) -> String {
    let own = examined.file.findings.iter().map(|ruled| (ruled, ""));
    let texts = examined
        .texts
        .iter()
        .flat_map(|text| text.examined.findings.iter().map(|ruled| (ruled, text.place.as_str())));
    let rows: Vec<Vec<String>> = own
        .chain(texts)
        .map(|(ruled, place)| row(ruled).into_iter().chain([place.to_owned()]).collect())
        .collect();
    let columns: Vec<(&str, Align)> = COLUMNS.into_iter().chain([("IN", Align::Left)]).collect();
    let id = file.id.as_str().map(plain).unwrap_or_default();
    format!("{id}: {} ({})\n{}", examined.action(), examined.file_type, shown_rows(&columns, &rows))
}

const COLUMNS: [(&str, Align); 5] = [
    ("  CATEGORY", Align::Left),
    ("SCORE", Align::Right),
    ("BYTES", Align::Left),
    ("ACTION", Align::Left),
    ("DETECTOR", Align::Left),
];

fn row(Ruled { finding, ruling }: &Ruled) -> Vec<String> {
    vec![
        format!("  {}", finding.category),
        finding.score.to_string(),
        format!("{}..{}", finding.span.start, finding.span.end),
        ruling.action.to_string(),
        format!("{} {}", finding.detector, finding.detector_version),
    ]
}

fn shown_rows(columns: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    if rows.is_empty() { String::new() } else { table(columns, rows) }
}
