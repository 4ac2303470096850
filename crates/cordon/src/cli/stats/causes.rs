//! `causes`: which columns and which segments explain a change, and where it is worst.

mod answer;
mod kept;
mod read;
mod told;

use std::path::PathBuf;

use clap::Args;
use cordon_stats::{
    causes::{self, Attribution, Columns, Cut, Found, Search, Separation},
    interval::{Level, Unknown},
    text::ChangedWord,
};

use self::read::{Asked, Sampled};
use super::super::json;
use super::{Reading, Said, StatsError, outcomes::Meaning, report::Look, warn};

pub(in super::super) const CAUSES: &str = "\
Examples:
  cordon causes --reference last.csv --current this.csv
  cordon causes --reference last.csv --current this.csv --prediction score
  cordon causes --reference last.csv --current this.csv --prediction approved --label repaid
  cordon causes --reference last.csv --current this.csv --by country,age --ignore id
  cordon causes --reference last.jsonl --current this.jsonl --text question
  cordon causes --reference last.csv --current this.csv --prediction score --html causes.html
  cordon causes --reference last.profile --current this.csv --prediction score --by country

Without --prediction: what tells both tables apart, by column, and which segments grew or shrank. With it: what moved its mean. With
--label too: what moved the error, and where the error is worst. Columns and segments come with intervals; what no column explains
is a row of its own. Neither says what caused anything in the world. A saved profile has no rows: it tells which columns moved, each by itself,
and which of the segments that it keeps (--by) grew or moved the mean. See docs/statistics.md.

Exit code: 0 nothing changed, 1 something did, 2 a table cannot be read, or nothing can be said of so few rows.";

/// Where the sampling of rows starts, so that the same files give the same answer.
const SEED: u64 = 1;

#[derive(Args)]
pub(in super::super) struct CausesArgs {
    /// What is compared with: a table in CSV, JSON lines or Parquet, or a saved profile.
    #[arg(long, value_name = "FILE")]
    reference: PathBuf,
    /// What is new: the same kinds of file.
    #[arg(long, value_name = "FILE")]
    current: PathBuf,
    /// The column whose mean moved: a prediction, a score, any number or yes and no.
    #[arg(long, value_name = "COLUMN")]
    prediction: Option<String>,
    /// The column with what was true: the error of predictions is explained then.
    #[arg(long, value_name = "COLUMN", requires = "prediction")]
    label: Option<String>,
    /// Look for segments by this column, or by two with a comma between them; may come several times. Without it: everywhere.
    #[arg(long, value_name = "COLUMN[,COLUMN]")]
    by: Vec<String>,
    /// A column of free text, looked at by its length, characters, script, language and words; may come several times.
    #[arg(long, value_name = "COLUMN")]
    text: Vec<String>,
    /// A column that explains nothing, such as an id; may come several times.
    #[arg(long, value_name = "COLUMN")]
    ignore: Vec<String>,
    /// The error of each answer: of tests, and of intervals.
    #[arg(long, default_value = "0.05", value_name = "SHARE", value_parser = error)]
    level: Level,
    #[command(flatten)]
    meaning: Meaning,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    look: Look,
}

/// An error between 0 and 1 as the confidence that it leaves.
fn error(text: &str) -> Result<Level, String> {
    let error: f64 = text.parse().map_err(|_| "a number between 0 and 1 is expected".to_owned())?;
    Level::new(1.0 - error).map_err(|_| "a number between 0 and 1 is expected".to_owned())
}

/// The reference and the current data, as they were read.
type Sides<'a> = [(&'a PathBuf, &'a Sampled); 2];

/// What was found. What cannot be said says why.
struct Explained {
    separation: Result<Separation, Unknown>,
    /// Of the outcome, where one was asked for.
    attribution: Option<Result<Attribution, Unknown>>,
    segments: Result<Vec<Found>, Unknown>,
    /// Where the error is highest now, where labels are known.
    worst: Option<Result<Vec<Found>, Unknown>>,
    /// The words that came or went, by column of text.
    words: Vec<(String, Vec<ChangedWord>)>,
}

pub(super) fn run(args: &CausesArgs) -> Result<Said, StatsError> {
    let asked = Asked::of(args);
    if let Some(profile) = kept::a_profile(args)? {
        return kept::run(args, &asked, profile);
    }
    let (columns, [reference, current], words) = read::both(args, &asked)?;
    let search = search(args, &columns)?;
    let (was, is, level) = (&reference.rows, &current.rows, args.level);
    let explained = Explained {
        separation: causes::separation(&columns, was, is, level),
        attribution: asked.is_any().then(|| causes::attribution(&columns, was, is, level)),
        segments: causes::segments(&columns, was, is, &search, level),
        worst: args.label.as_ref().map(|_| causes::worst(&columns, is, &search, level)),
        words: words.each().map(|(column, words)| (column.to_owned(), words.changed(level))).collect(),
    };
    let sides = [(&args.reference, &reference), (&args.current, &current)];
    let report = told::report(args, &asked, &columns, sides, &explained);
    args.look.write(&report, || told::story(args, &asked, sides, &explained))?;
    if args.look.form.json {
        json(&answer::answer(args, &asked, &columns, sides, &explained))?;
    } else {
        for (path, side) in sides {
            warn(path, &side.left_out.sentences());
        }
        args.look.say(&report)?;
    }
    match explained.has_change(args.level) {
        Ok(true) => Ok(Said::Found),
        Ok(false) => Ok(Said::Nothing),
        Err(why) => {
            Err(StatsError::Told(format!("what changed cannot be said: {why}; help: more rows are needed")))
        }
    }
}

impl Explained {
    /// Did chance alone not make it?
    ///
    /// # Errors
    /// Where that cannot be said, which is not "no".
    fn has_change(&self, level: Level) -> Result<bool, Unknown> {
        let apart = |separation: &Separation| separation.classified.p_value.at_most(level.alpha());
        let moved = |attribution: &Attribution| attribution.change.low > 0.0 || attribution.change.high < 0.0;
        let said = match &self.attribution {
            // It was the outcome that was asked about.
            Some(attribution) => attribution.as_ref().map(moved),
            None => self.separation.as_ref().map(apart),
        };
        said.map_err(|why| *why)
    }
}

/// Where segments are looked for.
fn search(args: &CausesArgs, columns: &Columns) -> Result<Search, StatsError> {
    if args.by.is_empty() {
        return Ok(Search::Everywhere);
    }
    let place = |wanted: &str| {
        columns.names().position(|name| name == wanted).ok_or_else(|| {
            let why = columns.left_out().iter().find(|(name, _)| name == wanted);
            let why = why.map_or("no such column is in both tables", |(_, why)| why.reason());
            StatsError::Told(format!(
                "there are no segments by `{wanted}`: {why}; help: `cordon profile` lists the columns"
            ))
        })
    };
    let cut =
        |by: &String| match super::segments::parted(by, |name| columns.names().any(|known| known == name)) {
            (first, None) => Ok::<_, StatsError>(Cut::One(place(first)?)),
            (first, Some(second)) => Ok(Cut::Two(place(first)?, place(second)?)),
        };
    Ok(Search::Within(args.by.iter().map(cut).collect::<Result<_, StatsError>>()?))
}
