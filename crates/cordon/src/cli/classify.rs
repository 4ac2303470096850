//! `classify`: which secrets and personal data files and folders hold, and how carefully they must be handled.

mod reading;
mod runs;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::Args;
use cordon_core::{Category, Score};
use cordon_inspect::{Engine, Sensitivity};
use reading::{Eyes, Label, PIECE, Reading, read};
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
  cordon classify --fail-on restricted .          (exit code 2: something is, or could not be read)

Classes: restricted (secrets, cards, accounts, numbers that a state gave), confidential (what leads to a person, names and
addresses too), unclassified (nothing was found), unreadable (encrypted, of an unknown format, or damaged: nothing is
known of it). Only categories and how often are shown, never what was found.
Exit code: 0 done, 2 a file of the class of --fail-on or a stricter one, or one that could not be read, 1 the system did
not let a file or folder be opened.";

#[derive(Args)]
pub(super) struct ClassifyArgs {
    /// Files and folders; folders with all that is below them. Links in folders are not followed.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Show files too in which nothing was found.
    #[arg(long)]
    all: bool,
    /// End with code 2 when a file is of this class or a stricter one: confidential or restricted; or when not all of it could be read.
    #[arg(long, value_parser = class, value_name = "CLASS")]
    fail_on: Option<Sensitivity>,
    /// With --fail-on: what is encrypted, damaged or of an unknown format does not count.
    #[arg(long, requires = "fail_on")]
    ignore_unreadable: bool,
    /// Do not look for names of people and addresses, which costs more time than all the rest.
    #[arg(long)]
    no_names: bool,
    /// Guards whose own types are looked for too: a file that declares them, or the name of one that the server or data folder has.
    #[arg(long, value_name = "FILE|NAME")]
    guard: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Serialize)]
struct Told<'a> {
    path: &'a str,
    class: &'a str,
    bytes: u64,
    labels: Vec<ToldLabel<'a>>,
    /// Why not all of it was read: a category of `file`, or what the system said.
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<&'a str>,
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
    /// There is no text in them, as in a picture.
    binary: u64,
    /// Nothing was found, and not all could be read; with those that the system did not let be opened.
    unreadable: u64,
    /// Something was found, and not all could be read.
    unread_in_part: u64,
    /// Links and what is neither file nor folder.
    left_out: u64,
    /// Of text.
    bytes: u64,
}

#[derive(Serialize)]
struct Last<'a> {
    summary: &'a Summary,
}

/// Files that the closing lines name, of those that were not read.
const NAMED: usize = 20;

/// A file that was not read, as the closing lines name it.
struct Unread {
    path: String,
    why: String,
}

struct Classifier<'a> {
    args: &'a ClassifyArgs,
    eyes: Eyes,
    buffer: Vec<u8>,
    summary: Summary,
    strictest: Sensitivity,
    /// Files and folders that the system did not let be opened.
    failed: u64,
    /// The first of those that were not read.
    unread: Vec<Unread>,
    progress: Progress,
}

pub(super) async fn run(place: &Place, args: &ClassifyArgs) -> Outcome {
    let custom = match &args.guard {
        Some(guard) => inspect::inspection(place, Some(guard)).await?.custom().to_vec(),
        None => Vec::new(),
    };
    let mut classifier = Classifier {
        args,
        eyes: Eyes { engine: Engine::builtin(), custom, names: !args.no_names },
        buffer: vec![0; PIECE],
        summary: Summary::default(),
        strictest: Sensitivity::default(),
        failed: 0,
        unread: Vec::new(),
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
                    Err(error) => self.failed(&path, &error)?,
                },
                Ok(metadata) if metadata.is_file() => self.file(&path)?,
                Ok(_) => self.summary.left_out += 1,
                Err(error) => self.failed(&path, &error)?,
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> Outcome {
        self.summary.files += 1;
        match read(&self.eyes, path, &mut self.buffer) {
            Ok(reading) => self.tell(path, &reading)?,
            Err(error) => self.failed(path, &error)?,
        }
        let Summary { files, bytes, .. } = self.summary;
        self.progress.at(format_args!("{files} files, {} MB of text", Megabytes(bytes)));
        Ok(())
    }

    fn failed(&mut self, path: &Path, error: &io::Error) -> Outcome {
        self.failed += 1;
        self.progress.wipe();
        complain(&format!("{}: cannot be read: {error}", path.display()));
        // What the system says of an error may be of many lines; its kind is a few words.
        self.unreadable(path, &error.kind().to_string())
    }

    fn unreadable(&mut self, path: &Path, why: &str) -> Outcome {
        self.summary.unreadable += 1;
        self.name(path, why);
        self.show(path, UNREADABLE, &Reading::default(), Some(why))
    }

    /// Keeps a file's name for the closing lines.
    fn name(&mut self, path: &Path, why: &str) {
        if self.unread.len() < NAMED {
            self.unread.push(Unread { path: path.display().to_string(), why: why.to_owned() });
        }
    }

    fn tell(&mut self, path: &Path, reading: &Reading) -> Outcome {
        self.summary.bytes += reading.bytes;
        self.strictest = self.strictest.max(reading.class);
        let unread = reading.unread.as_ref().map(Category::as_str);
        if let Some(why) = unread {
            if reading.class == Sensitivity::Unclassified {
                return self.unreadable(path, why);
            }
            self.summary.unread_in_part += 1;
            self.name(path, why);
        } else if !reading.is_text {
            self.summary.binary += 1;
            return Ok(());
        }
        let count = match reading.class {
            Sensitivity::Restricted => &mut self.summary.restricted,
            Sensitivity::Confidential => &mut self.summary.confidential,
            Sensitivity::Unclassified => &mut self.summary.unclassified,
        };
        *count += 1;
        self.show(path, reading.class.as_str(), reading, unread)
    }

    /// Shows a file that something was found in, or with `--all` any; one that was not read is always in JSON.
    fn show(&mut self, path: &Path, class: &str, reading: &Reading, unread: Option<&str>) -> Outcome {
        let to_json = self.args.output.json;
        let is_asked = self.args.all || (to_json && unread.is_some());
        if reading.class == Sensitivity::Unclassified && !is_asked {
            return Ok(());
        }
        self.progress.wipe();
        let path = path.display().to_string();
        if to_json {
            let told = |(category, label): (_, &Label)| ToldLabel {
                category,
                count: label.count,
                score: label.score,
            };
            return json(&Told {
                path: &path,
                class,
                bytes: reading.bytes,
                labels: reading.labels.iter().map(told).collect(),
                unread,
            });
        }
        let labels = reading.labels.iter().map(|(category, label)| format!("{category} {}", label.count));
        let labels: Vec<String> = labels.chain(unread.map(|why| format!("not read: {why}"))).collect();
        let line = format!("{class:<12}  {}  {}", one_line(&path), labels.join(", "));
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
            for Unread { path, why } in &self.unread {
                say(&format!("not read: {} ({why})\n", one_line(path)))?;
            }
            let more = (summary.unreadable + summary.unread_in_part).saturating_sub(self.unread.len() as u64);
            if more > 0 {
                say(&format!("not read: {more} more; `--all` or `--json` names each\n"))?;
            }
        }
        let is_unread = summary.unreadable + summary.unread_in_part > 0 && !self.args.ignore_unreadable;
        if self.failed > 0 {
            Err(Failure::Code(1))
        } else if self.args.fail_on.is_some_and(|class| self.strictest >= class || is_unread) {
            Err(Failure::Code(2))
        } else {
            Ok(())
        }
    }
}

/// The class of a file that nothing is known of.
const UNREADABLE: &str = "unreadable";

/// A path as it may stand in a line of a table.
fn one_line(path: &str) -> String {
    plain(path).replace('\n', " ")
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

fn class(word: &str) -> Result<Sensitivity, String> {
    Sensitivity::parse(word)
        .filter(|class| *class > Sensitivity::Unclassified)
        .ok_or_else(|| "unknown class; help: confidential or restricted".to_owned())
}
