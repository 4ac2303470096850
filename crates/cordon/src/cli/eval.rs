//! `eval guard`: how good the detectors and a guard are on a folder of labelled texts.

mod shown;

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufReader},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::{Args, Subcommand};
use cordon_core::{Category, Channel};
use cordon_guard::{Inspection, Ruled};
use cordon_inspect::{Engine, obfuscate::Obfuscation};

use super::{
    Failure, Outcome, Output, Place, complain, inspect, json,
    progress::{Megabytes, Progress},
    say,
    table::plain,
    texts::{Next, next_line},
};
use crate::{
    clock,
    evaluation::{Evaluation, Judge, Known, Row, Way, without_its_source},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  cordon eval guard --data labelled/
  cordon eval guard --data labelled/ --guard strict.yaml --json > figures.json
  cordon eval guard --data labelled/ --benign tickets --benign chats
  cordon eval guard --data labelled/ --obfuscated zero_width --obfuscated base64
  cordon eval guard --data labelled/ --with-trained

DIR holds files of JSON lines (.jsonl): `text` (or `text_b64`), `label` (attack, benign; positive, negative for values), and, where
they are known, `kind`, `source` (else the file's name), `channel`, `lang`, and `spans` of `start`, `end`, `type` in bytes.
Names and addresses are not looked for where no rule of the guard names one of them, as in the built-in one, and not counted as missed.
Texts that the models in the program were trained on are told by their fingerprints. Of attacks and benign texts a model that was trained
without their source is heard instead (`left_out` in JSON), beside phrases and other rules, which are not trained; what no such model has judged
is a row of its own (`trained_on`). With --with-trained the models judge all texts as they are: that says what is remembered.
Curve points are calibrated on benign texts of other sources than the one that is measured. No text is shown.
Exit code: 0 done, 1 something could not be read or is no labelled text; the figures are of the rest.";

#[derive(Subcommand)]
pub(super) enum EvalCommand {
    /// Say what a guard catches of labelled attacks, what it takes for one, which values it finds, and how fast.
    #[command(after_help = EXAMPLES)]
    Guard(GuardArgs),
}

#[derive(Args)]
pub(super) struct GuardArgs {
    /// The folder of labelled texts. (The data folder, which a named guard may lie in, is CORDON_DATA here.)
    // The same name as the argument of all commands, which this one replaces.
    #[arg(id = "data", long, required = true, value_name = "DIR")]
    texts: PathBuf,
    /// Guards to judge by: a file that declares them, or the name of one that the server or data folder has.
    #[arg(long, value_name = "FILE|NAME")]
    guard: Option<String>,
    /// Benign texts of this source calibrate curve points, and only those; may be repeated. Without it all of the kind `benign` do.
    #[arg(long, value_name = "SOURCE")]
    benign: Vec<String>,
    /// Look at attacks and ordinary benign texts once more, disguised by this obfuscation, or by each with `all`; may be repeated.
    #[arg(long, value_name = "NAME|all", value_parser = obfuscations)]
    obfuscated: Vec<Obfuscations>,
    /// Judge texts by the models in the program also where these were trained on them, and count them in totals, languages, curve points and disguises.
    #[arg(long)]
    with_trained: bool,
    #[command(flatten)]
    output: Output,
}

/// What a word of `--obfuscated` stands for.
type Obfuscations = &'static [Obfuscation];

fn obfuscations(word: &str) -> Result<Obfuscations, String> {
    if word == "all" {
        return Ok(Obfuscation::ALL);
    }
    let one = Obfuscation::ALL.iter().find(|one| one.name() == word);
    one.map(std::slice::from_ref).ok_or_else(|| {
        let names: Vec<&str> = Obfuscation::ALL.iter().map(|one| one.name()).collect();
        format!("no obfuscation has this name; help: `all`, or one of {}", names.join(", "))
    })
}

pub(super) async fn run(place: &Place, command: EvalCommand) -> Outcome {
    let EvalCommand::Guard(args) = command;
    let data = std::env::var_os("CORDON_DATA").map(PathBuf::from);
    let place = Place { data, ..place.clone() };
    let inspection = inspect::inspection(&place, args.guard.as_deref()).await?;
    let unsought = unsought(&inspection);
    let mut reading = Reading {
        inspection,
        obfuscations: args.obfuscated.iter().copied().flatten().copied().collect(),
        evaluation: Evaluation::new(unsought, args.with_trained),
        batch: Vec::new(),
        batched: 0,
        started: Instant::now(),
        progress: Progress::new(),
        failed: false,
        texts: 0,
        bytes: 0,
    };
    for path in files(&args.texts)? {
        reading.file(&path);
    }
    let Reading { evaluation, progress, failed, .. } = reading;
    progress.wipe();
    let judge = Judge {
        rules: Engine::builtin().rules_digest().to_string(),
        guard: args.guard.unwrap_or_else(|| "built-in".to_owned()),
        processor_time: clock::processor_time().is_some(),
    };
    let report = evaluation.report(judge, &args.benign);
    if args.output.json {
        json(&report)?;
    } else {
        say(&shown::text(&report))?;
    }
    if failed { Err(Failure::Code(1)) } else { Ok(()) }
}

/// What the guard has nothing looked for: names, where it has no rule for any of them.
fn unsought(inspection: &Inspection) -> Vec<Category> {
    let names =
        |channel| Engine::NAMES.iter().any(|category| inspection.guard().names_category(channel, category));
    if Channel::ALL.into_iter().any(names) { Vec::new() } else { Engine::NAMES.to_vec() }
}

/// The files of labelled texts of a folder, sorted.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error: io::Error| {
        complain(&format!(
            "{}: cannot be read: {error}; help: --data is the folder of labelled texts",
            folder.display()
        ));
        Failure::Code(1)
    };
    let entries =
        fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(unreadable)?;
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    if files.is_empty() {
        complain(&format!(
            "{}: no file ends with .jsonl; help: labelled texts are lines of JSON",
            folder.display()
        ));
        return Err(Failure::Code(1));
    }
    Ok(files)
}

struct Reading {
    inspection: Inspection,
    /// Those that texts are looked at in once more.
    obfuscations: BTreeSet<Obfuscation>,
    evaluation: Evaluation,
    /// Texts that are inspected together, so that reading the clock costs nothing beside them, and their bytes.
    batch: Vec<Row>,
    batched: usize,
    started: Instant,
    progress: Progress,
    failed: bool,
    texts: u64,
    bytes: u64,
}

impl Reading {
    fn file(&mut self, path: &Path) {
        let source = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match File::open(path) {
            Ok(file) => self.lines(BufReader::with_capacity(64 << 10, file), &source, &name),
            Err(error) => self.unread(&name, None, &format!("cannot be read: {error}")),
        }
        self.inspect(&name);
    }

    fn lines(&mut self, mut from: BufReader<File>, source: &str, name: &str) {
        let mut bytes = Vec::new();
        for number in 1.. {
            match next_line(&mut from, &mut bytes) {
                Ok(Next::End) => return,
                Ok(Next::Line) if bytes.trim_ascii().is_empty() => {}
                Ok(Next::Line) => match Row::read(&bytes, source) {
                    Ok(row) => {
                        self.batched += row.text.len();
                        self.batch.push(row);
                        if self.batched >= BATCH {
                            self.inspect(name);
                        }
                    }
                    Err(what) => self.unread(name, Some(number), what),
                },
                Ok(Next::TooLong) => self.unread(name, Some(number), "longer than 64 MiB"),
                Err(error) => return self.unread(name, Some(number), &format!("cannot be read: {error}")),
            }
        }
    }

    /// Inspects the batch.
    fn inspect(&mut self, name: &str) {
        let rows = std::mem::take(&mut self.batch);
        let before = self.time();
        let found: Vec<Vec<Ruled>> =
            rows.iter().map(|row| self.inspection.examine(row.channel, &row.text).findings).collect();
        let time = self.time().saturating_sub(before);
        self.evaluation.took(name, std::mem::take(&mut self.batched) as u64, time);
        for (row, mut found) in rows.iter().zip(found) {
            if let (Way::LeftOut, Known::LeftOut(score)) = (self.evaluation.way(row), row.known) {
                let rule = |finding| self.inspection.ruled_alone(row.channel, finding);
                found = without_its_source(found, score, row.text.len(), rule);
            }
            self.evaluation.add(row, &found);
            self.disguise(row, &found);
            self.texts += 1;
            self.bytes += row.text.len() as u64;
        }
        self.progress.at(format_args!("{} texts, {} MB", self.texts, Megabytes(self.bytes)));
    }

    /// Looks at a text once more in each disguise, beside the time that is measured.
    fn disguise(&mut self, row: &Row, plain: &[Ruled]) {
        if !self.evaluation.is_disguised(row) {
            return;
        }
        for by in &self.obfuscations {
            // The same choices of look-alikes in every run.
            let text = by.apply(&row.text, self.texts);
            let found = self.inspection.examine(row.channel, &text).findings;
            self.evaluation.disguised(row, *by, plain, &found);
        }
    }

    fn time(&self) -> Duration {
        clock::processor_time().unwrap_or_else(|| self.started.elapsed())
    }

    /// The first lines of a kind are told where they are, all are counted.
    fn unread(&mut self, name: &str, line: Option<u64>, what: &str) {
        self.failed = true;
        self.progress.wipe();
        let place = line.map(|line| format!(":{line}")).unwrap_or_default();
        if self.evaluation.skip(format!("{name}: {what}")) < TOLD {
            complain(&plain(&format!("{name}{place}: {what}")));
        }
    }
}

/// Bytes of texts that are inspected together.
const BATCH: usize = 1 << 20;
/// Lines of one file with the same fault that are told one by one.
const TOLD: u64 = 5;
