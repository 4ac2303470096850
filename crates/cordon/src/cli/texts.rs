//! Texts that commands read one by one: files as they are, or lines of JSON in them.
//!
//! One text is in memory at a time, and no more than [`MAX_TEXT`] of it. What cannot be read is told in its place, and reading
//! goes on behind it.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use cordon_core::Channel;
use serde::Deserialize;
use serde_json::{Value, error::Category};

use super::Outcome;

/// Bytes of one file that is one text, and of one line.
const MAX_TEXT: usize = 64 << 20;
/// Bytes that are read at once.
const PIECE: usize = 64 << 10;

/// What is read.
#[derive(Args)]
pub(super) struct TextArgs {
    /// Files; `-` is standard input, as without any.
    #[arg(default_value = "-", value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Lines of JSON in, {"id", "text", "channel"} each, of which only `text` must be there; a line of JSON out for each.
    #[arg(long)]
    pub(super) jsonl: bool,
    /// Where texts come from that do not say it: system, user, document, tool_output or model.
    #[arg(long, default_value = "user", value_parser = channel, value_name = "CHANNEL")]
    channel: Channel,
}

/// A text.
pub(super) struct Text<'a> {
    /// What its line calls it, as it came; of a file its path.
    pub(super) id: &'a Value,
    pub(super) channel: Channel,
    pub(super) text: &'a str,
    /// Where it lies.
    pub(super) path: &'a Path,
}

/// A file that is no plain text, or one that is and stands under a name.
pub(super) struct Whole<'a> {
    /// Its path.
    pub(super) id: &'a Value,
    pub(super) channel: Channel,
    pub(super) bytes: &'a [u8],
    /// Where it lies.
    pub(super) path: &'a Path,
}

impl Whole<'_> {
    /// What it is called, without its folders; nothing of standard input.
    pub(super) fn name(&self) -> Option<Cow<'_, str>> {
        (self.path.as_os_str() != "-").then(|| self.path.file_name())?.map(|name| name.to_string_lossy())
    }
}

/// A text that cannot be read.
pub(super) struct Unread<'a> {
    /// Of a file its path; of a line what it is called, where that can be read.
    pub(super) id: &'a Value,
    /// The line, counted from 1.
    pub(super) line: Option<u64>,
    /// What is wrong, and where. Never holds content.
    pub(super) error: String,
}

/// What becomes of texts.
pub(super) trait Take {
    /// A text comes.
    fn text(&mut self, text: &Text<'_>) -> Outcome;
    /// A whole file comes. Whether it was taken as such; otherwise it comes as a text, or as one that cannot be read.
    fn file(&mut self, _: &Whole<'_>) -> Result<bool, super::Failure> {
        Ok(false)
    }
    /// One cannot be read.
    fn unread(&mut self, unread: &Unread<'_>) -> Outcome;
    /// The next one may be long in coming: what is known is to be said by now.
    fn pause(&mut self) -> Outcome;
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(default)]
    id: Value,
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(borrow)]
    channel: Option<Cow<'a, str>>,
}

/// The texts of some files, in their order.
pub(super) fn each(args: &TextArgs, take: &mut impl Take) -> Outcome {
    for path in &args.files {
        let name = path.display().to_string();
        let opened: io::Result<Box<dyn Read>> = match path.as_os_str() == "-" {
            true => Ok(Box::new(io::stdin())),
            false => File::open(path).map(|file| Box::new(file) as Box<dyn Read>),
        };
        let id = Value::String(name);
        match opened {
            Ok(from) if args.jsonl => {
                lines(args.channel, path, &id, BufReader::with_capacity(PIECE, from), take)?;
            }
            Ok(from) => whole(args.channel, path, &id, from, take)?,
            Err(error) => take.unread(&Unread { id: &id, line: None, error: unreadable(path, &error) })?,
        }
    }
    Ok(())
}

fn whole(channel: Channel, path: &Path, id: &Value, from: Box<dyn Read>, take: &mut impl Take) -> Outcome {
    take.pause()?;
    let mut bytes = Vec::new();
    let read = from.take(MAX_TEXT as u64 + 1).read_to_end(&mut bytes);
    let error = match (read, std::str::from_utf8(&bytes)) {
        (Err(error), _) => unreadable(path, &error),
        (Ok(_), _) if bytes.len() > MAX_TEXT => {
            format!(
                "{}: larger than 64 MiB; help: read it in parts, or as lines with --jsonl",
                path.display()
            )
        }
        (Ok(_), _) if take.file(&Whole { id, channel, bytes: &bytes, path })? => return Ok(()),
        (Ok(_), Ok(text)) => return take.text(&Text { id, channel, text, path }),
        (Ok(_), Err(error)) => {
            let at = error.valid_up_to();
            let help = "help: what is not UTF-8 has no offsets in it; `cordon classify` reads such files";
            format!("{}: not UTF-8 at byte {at}; {help}", path.display())
        }
    };
    take.unread(&Unread { id, line: None, error })
}

fn lines<R: Read>(
    channel: Channel,
    path: &Path,
    id: &Value,
    mut from: BufReader<R>,
    take: &mut impl Take,
) -> Outcome {
    let mut bytes = Vec::new();
    for number in 1.. {
        if !from.buffer().contains(&b'\n') {
            take.pause()?;
        }
        let wrong = |what: &str| format!("{}:{number}: {what}", path.display());
        let (id, error) = match next_line(&mut from, &mut bytes) {
            Ok(Next::End) => break,
            Ok(Next::Line) if bytes.trim_ascii().is_empty() => continue,
            Ok(Next::Line) => match line(unmarked(number, &bytes), channel) {
                Ok((id, channel, text)) => {
                    take.text(&Text { id: &id, channel, text: &text, path })?;
                    continue;
                }
                Err(what) => (named(&bytes), wrong(&what)),
            },
            Ok(Next::TooLong) => (Value::Null, wrong("longer than 64 MiB")),
            Err(error) => {
                return take.unread(&Unread { id, line: Some(number), error: unreadable(path, &error) });
            }
        };
        take.unread(&Unread { id: &id, line: Some(number), error })?;
    }
    Ok(())
}

/// A line without what some programs mark UTF-8 with at the beginning of a file.
fn unmarked(number: u64, line: &[u8]) -> &[u8] {
    line.strip_prefix("\u{feff}".as_bytes()).filter(|_| number == 1).unwrap_or(line)
}

/// What a line says, or what is wrong with it.
fn line(bytes: &[u8], channel: Channel) -> Result<(Value, Channel, Cow<'_, str>), String> {
    let other = || "not an object with a string `text`; `channel` is a string, too".to_owned();
    let line: Line<'_> = serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        // What serde says of types repeats the value.
        Category::Data => other(),
        _ => format!("not JSON at column {}", error.column()),
    })?;
    // A list of the members' values would do for serde.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(other());
    }
    let channel = line.channel.as_deref().map_or(Ok(channel), self::channel)?;
    Ok((line.id, channel, line.text))
}

/// What a line that cannot be read is called, where that much of it can be.
fn named(bytes: &[u8]) -> Value {
    #[derive(Deserialize)]
    struct Named {
        id: Value,
    }
    serde_json::from_slice(bytes).map_or(Value::Null, |named: Named| named.id)
}

/// What came next.
pub(super) enum Next {
    /// A line is in the buffer, with its end where it has one.
    Line,
    /// A line was skipped that is longer than [`MAX_TEXT`].
    TooLong,
    /// Nothing more comes.
    End,
}

/// Reads the next line into `line`.
pub(super) fn next_line<R: Read>(from: &mut BufReader<R>, line: &mut Vec<u8>) -> io::Result<Next> {
    line.clear();
    let (mut begun, mut too_long) = (false, false);
    loop {
        let buffer = match from.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            buffer => buffer?,
        };
        let end = buffer.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let piece = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
        too_long |= line.len() + piece.len() > MAX_TEXT;
        if !too_long {
            line.extend_from_slice(piece);
        }
        let length = piece.len();
        begun |= length > 0;
        from.consume(length);
        if end.is_some() || length == 0 {
            return Ok(match (begun, too_long) {
                (false, _) => Next::End,
                (true, false) => Next::Line,
                (true, true) => Next::TooLong,
            });
        }
    }
}

fn channel(word: &str) -> Result<Channel, String> {
    Channel::parse(word).ok_or_else(|| {
        let words: Vec<&str> = Channel::ALL.iter().map(|channel| channel.as_str()).collect();
        format!("unknown channel; help: one of {}", words.join(", "))
    })
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    let help = if error.kind() == io::ErrorKind::IsADirectory {
        "; help: name the files in it; `cordon classify` reads folders"
    } else {
        ""
    };
    format!("{}: cannot be read: {error}{help}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes piece by piece.
    struct Pieces<'a>(Vec<&'a [u8]>);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let piece = self.0.remove(0);
            buffer[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    /// What was taken, a word for each step.
    #[derive(Default)]
    struct Taken(Vec<String>);

    impl Take for Taken {
        fn text(&mut self, text: &Text<'_>) -> Outcome {
            self.0.push(format!("{} {} {}", text.id, text.channel, text.text));
            Ok(())
        }
        fn unread(&mut self, unread: &Unread<'_>) -> Outcome {
            self.0.push(format!("{:?} {}", unread.line, unread.error));
            Ok(())
        }
        fn pause(&mut self) -> Outcome {
            self.0.push("pause".to_owned());
            Ok(())
        }
    }

    fn check(pieces: &[&[u8]], expected: &[&str]) {
        let (mut taken, id) = (Taken::default(), Value::String("f".to_owned()));
        let from = BufReader::with_capacity(PIECE, Pieces(pieces.to_vec()));
        assert!(lines(Channel::User, Path::new("f"), &id, from, &mut taken).is_ok());
        assert_eq!(taken.0, expected);
    }

    #[test]
    fn lines_are_read_however_they_come_and_ids_stay_what_they_were() {
        check(
            &[
                b"{\"text\":\"a\",\"id\":1}\n{\"text\"",
                b":\"b\\n\",\"id\":\"x\",\"channel\":\"model\"}\n\n",
                b"{\"text\":\"c\"}",
            ],
            &["pause", "1 user a", "pause", "\"x\" model b\n", "pause", "null user c", "pause"],
        );
        check(&[b"{\"text\":\"a\",\"id\":1.5,\"label\":[1]}\n"], &["pause", "1.5 user a", "pause"]);
        check(&[b""], &["pause"]);
        check(&["\u{feff}{\"text\":\"a\"}\n".as_bytes()], &["pause", "null user a", "pause"]);
    }

    #[test]
    fn what_is_wrong_is_told_in_its_place_and_never_repeated() {
        let not = "not an object with a string `text`; `channel` is a string, too";
        check(
            &[b"{\"text\":41111111}\n{\"text\":\"a\"\n[]\n{\"text\":\"\xff\"}\n{\"text\":\"a\",\"channel\":\"secret\"}\n{\"text\":\"b\"}\n"],
            &[
                "pause",
                &format!("Some(1) f:1: {not}"),
                "Some(2) f:2: not JSON at column 0",
                &format!("Some(3) f:3: {not}"),
                "Some(4) f:4: not JSON at column 10",
                "Some(5) f:5: unknown channel; help: one of system, user, document, tool_output, model",
                "null user b",
                "pause",
            ],
        );
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_and_not_kept() {
        let piece = vec![b'a'; PIECE];
        let mut pieces: Vec<&[u8]> = vec![&piece; MAX_TEXT / PIECE];
        pieces.extend([b"b\n".as_slice(), b"{\"text\":\"c\"}\n"]);
        let mut from = BufReader::with_capacity(PIECE, Pieces(pieces));
        let mut line = Vec::new();
        assert!(matches!(next_line(&mut from, &mut line), Ok(Next::TooLong)));
        assert!(matches!(next_line(&mut from, &mut line), Ok(Next::Line)));
        assert!(matches!(next_line(&mut from, &mut line), Ok(Next::End)));
    }
}
