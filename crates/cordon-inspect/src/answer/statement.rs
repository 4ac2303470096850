//! Statements of SQL that destroy, open, or escape from what they were meant to do.

/// What is said of a statement: category, hundredths, and how many of its bytes say so.
type Said = Option<(&'static str, u32, usize)>;

const DESTRUCTION: &str = "statement/destruction";
const INJECTION: &str = "statement/injection";
const ESCAPE: &str = "statement/escape";
const GRANT: &str = "statement/grant";

/// A word in small letters, or a sign, and where it ends.
struct Part {
    text: Vec<u8>,
    end: usize,
}

/// Words of a statement that are looked at.
const MAX_PARTS: usize = 160;

fn parts(text: &[u8], most: usize) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let (mut joins, mut comment) = (false, false);
    for (i, byte) in text.iter().enumerate() {
        let next = text.get(i + 1);
        // What stands in a comment is white space to a database.
        if comment {
            comment = !(*byte == b'/' && i.checked_sub(1).and_then(|at| text.get(at)) == Some(&b'*'));
            continue;
        }
        if *byte == b'/' && next == Some(&b'*') {
            (comment, joins) = (true, false);
            continue;
        }
        let word = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$' | b'@') || *byte >= 0x80;
        match parts.last_mut().filter(|_| word && joins) {
            Some(last) => {
                last.text.push(byte.to_ascii_lowercase());
                last.end = i + 1;
            }
            None if !byte.is_ascii_whitespace() => {
                if parts.len() >= most {
                    break;
                }
                parts.push(Part { text: vec![byte.to_ascii_lowercase()], end: i + 1 });
            }
            None => {}
        }
        joins = word;
    }
    parts
}

const OBJECTS: &[&str] = &["column", "table", "database", "schema", "user", "role", "tablespace"];

/// Whether what has been read so far may be a statement worth reading: most words that begin one are words of prose.
pub(super) fn plausible(text: &[u8]) -> bool {
    if text.len() > 96 {
        return true;
    }
    let parts = parts(text, 5);
    let word = |at: usize| parts.get(at).map_or(&[][..], |part| part.text.as_slice());
    // The last one may still go on.
    let known = |at: usize| parts.len() > at + 1;
    let one_of =
        |at: usize, words: &[&str]| !known(at) || words.iter().any(|known| word(at) == known.as_bytes());
    let name = |at: usize| {
        !matches!(
            word(at),
            b"the" | b"a" | b"an" | b"your" | b"my" | b"it" | b"this" | b"and" | b"or" | b"to" | b"," | b"."
        )
    };
    match word(0) {
        b"drop" => one_of(1, OBJECTS),
        b"truncate" => one_of(1, &["table"]),
        b"delete" => one_of(1, &["from"]),
        b"update" => {
            !known(1)
                || name(1)
                    && (!known(3)
                        || (2..=4).any(|at| word(at) == b"set" || word(at) == b"." || word(at) == b"\""))
        }
        b"grant" => one_of(1, &["all", "dba", "super"]),
        b"union" => one_of(1, &["select", "all"]),
        b"waitfor" => one_of(1, &["delay"]),
        b"pg_sleep" | b"sleep" | b"benchmark" => {
            one_of(1, &["("])
                && (!known(2) || word(2).iter().all(u8::is_ascii_digit))
                && one_of(3, &[")", ","])
        }
        b"or" => {
            let literal =
                word(1).first().is_none_or(|first| first.is_ascii_digit() || matches!(first, b'\'' | b'"'))
                    || word(1) == b"true";
            literal && text.len() <= 64
        }
        _ => true,
    }
}

/// Whether all of it that says something has been read: what follows may be a statement of its own.
pub(super) fn is_whole(text: &[u8]) -> bool {
    if text.len() > 96 {
        return false;
    }
    let parts = parts(text, 5);
    let word = parts.first().map_or(&[][..], |part| part.text.as_slice());
    matches!(word, b"pg_sleep" | b"sleep" | b"benchmark" | b"waitfor") && parts.len() > 3
}

/// Judges a statement that begins with a word of the list of cues; `left` stands before it.
pub(super) fn judge(left: &[u8], text: &[u8]) -> Said {
    let parts = parts(text, MAX_PARTS);
    let word = |at: usize| parts.get(at).map_or(&[][..], |part| part.text.as_slice());
    let has =
        |words: &[&str]| parts.iter().any(|part| words.iter().any(|known| part.text == known.as_bytes()));
    let end = |at: usize| parts.get(at).or(parts.last()).map_or(0, |part| part.end);
    let whole = end(parts.len());
    let left = left.trim_ascii_end().to_ascii_lowercase();
    // Behind `';` it is no statement of its own where nobody opened the value that is closed there.
    let odd = |quote: u8| left.iter().filter(|byte| **byte == quote).count() % 2 == 1;
    let closes = |quote: u8, close: &[&[u8]]| odd(quote) && close.iter().any(|close| left.ends_with(close));
    let stacked = closes(b'\'', &[b"';".as_slice(), b"');"]) || closes(b'"', &[b"\";".as_slice(), b"\");"]);
    let said =
        |category, percent: u32, len| Some((category, if stacked { percent.max(92) } else { percent }, len));
    match word(0) {
        b"drop" => {
            // `drop table` in a sentence names no table, or goes on behind it.
            let careful = word(2) == b"if";
            let at = if careful { 4 } else { 2 };
            let follows = word(at + 1);
            let ends = follows.is_empty()
                || matches!(follows, b"cascade" | b"restrict" | b"," | b"-" | b"\"" | b"'" | b")" | b"purge");
            let names = !word(at).is_empty()
                && word(at)
                    .first()
                    .is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'"' | b'['));
            let percent = match word(1) {
                b"database" | b"schema" => 70,
                b"table" if careful => 45,
                b"table" => 60,
                _ => 55,
            };
            // A column is dropped from a table that is altered.
            let alters = word(1) != b"column" || left.windows(11).any(|window| window == b"alter table");
            (names && ends && alters).then(|| said(DESTRUCTION, percent, whole)).flatten()
        }
        b"truncate" => {
            (!word(2).is_empty() && word(5).is_empty()).then(|| said(DESTRUCTION, 60, whole)).flatten()
        }
        b"delete" => {
            let all = !has(&["where", "limit", "using", "join", "output"]) || has_tautology(&parts);
            let prose = matches!(
                word(2),
                b"" | b"the"
                    | b"a"
                    | b"an"
                    | b"this"
                    | b"that"
                    | b"your"
                    | b"my"
                    | b"it"
                    | b"these"
                    | b"those"
            );
            (all && !prose && parts.len() <= 12).then(|| said(DESTRUCTION, 65, whole)).flatten()
        }
        b"update" => {
            let assigns = has(&["set"]) && has(&["="]);
            let all = !has(&["where", "limit", "join", "from"]) || has_tautology(&parts);
            (assigns && all && parts.len() <= 60).then(|| said(DESTRUCTION, 55, whole)).flatten()
        }
        b"grant" => {
            let everything = word(1) == b"all" && has(&["to"]) && has(&["on", "privileges"]);
            let wide = has(&["*", "*.*", "superuser", "public", "%"]);
            everything.then(|| said(GRANT, if wide { 75 } else { 55 }, whole)).flatten()
        }
        b"union" => {
            let selects = word(1) == b"select" || word(2) == b"select";
            let closed =
                left.ends_with(b"'") || left.ends_with(b"\"") || left.last().is_some_and(u8::is_ascii_digit);
            let probes = has(&[
                "null",
                "information_schema.tables",
                "information_schema.columns",
                "sleep",
                "@@version",
                "version",
            ]);
            (selects && closed && (probes || text.ends_with(b"-")))
                .then(|| said(INJECTION, 78, whole))
                .flatten()
        }
        b"or" => {
            let always = tautology(&parts, 1)?;
            // Somebody closed the value before it, or leaves the rest of the statement out.
            let closed = left.ends_with(b"'") || left.ends_with(b"\"") || left.ends_with(b")");
            let left_out =
                parts.windows(2).any(|pair| matches!(pair, [a, b] if a.text == b"-" && b.text == b"-"))
                    || has(&["#"]);
            let within = [b"where".as_slice(), b"="]
                .iter()
                .any(|sign| left.windows(sign.len()).any(|window| window == *sign));
            let percent = match (closed, left_out || within) {
                (true, _) => 85,
                (false, true) => 75,
                (false, false) => return None,
            };
            said(INJECTION, percent, end(always))
        }
        // What only takes time, where a value was closed or a condition goes on: it answers yes or no by being slow.
        b"waitfor" | b"pg_sleep" | b"sleep" | b"benchmark" => {
            let closed = stacked || left.ends_with(b"'") && odd(b'\'') || left.ends_with(b"||");
            let asked = [b" or".as_slice(), b" and", b" select"].iter().any(|end| left.ends_with(end));
            let goes_on = asked && left.iter().any(|byte| matches!(byte, b'=' | b'\''));
            let timed = parts.get(2).is_some();
            (timed && (closed || goes_on)).then(|| said(INJECTION, 75, whole)).flatten()
        }
        b"outfile" | b"dumpfile" if left.ends_with(b"into") => said(ESCAPE, 78, end(0)),
        b"xp_cmdshell" => {
            let called = left.ends_with(b"exec")
                || left.ends_with(b"execute")
                || left.ends_with(b"..")
                || left.ends_with(b"dbo.");
            said(ESCAPE, if called { 88 } else { 50 }, end(0))
        }
        b"load_file" => (word(1) == b"(" && left.ends_with(b"select") || left.ends_with(b","))
            .then(|| said(ESCAPE, 72, end(0)))
            .flatten(),
        b"program" => {
            let copies = (left.ends_with(b"from") || left.ends_with(b"to"))
                && left.windows(5).any(|window| window == b"copy ");
            (copies && matches!(word(1), b"'" | b"\"" | b"$$")).then(|| said(ESCAPE, 85, whole)).flatten()
        }
        _ => None,
    }
}

/// Whether the parts from one on say what is always true; the last of them.
fn tautology(parts: &[Part], at: usize) -> Option<usize> {
    let word = |at: usize| parts.get(at).map_or(&[][..], |part| part.text.as_slice());
    if word(at) == b"true" {
        return Some(at);
    }
    let quote = matches!(word(at), b"'" | b"\"");
    if !quote {
        let number = !word(at).is_empty() && word(at).iter().all(u8::is_ascii_digit);
        return (number && word(at + 1) == b"=" && word(at) == word(at + 2)).then_some(at + 2);
    }
    // `'x'='x'`, or `'x'='x` where the statement's own mark closes it.
    let (first, second) = (word(at + 1), word(at + 5));
    let empty = word(at + 1) == word(at) && word(at + 2) == b"=" && word(at + 3) == word(at);
    let same = word(at + 2) == word(at)
        && word(at + 3) == b"="
        && word(at + 4) == word(at)
        && first == second
        && !first.is_empty();
    if same { Some(at + 5) } else { empty.then_some(at + 3) }
}

fn has_tautology(parts: &[Part]) -> bool {
    let wheres =
        parts.iter().enumerate().filter(|(_, part)| matches!(part.text.as_slice(), b"where" | b"or"));
    wheres.map(|(at, _)| at).any(|at| tautology(parts, at + 1).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of the statement that begins at the mark `^`, or with the text.
    fn said(text: &str) -> Option<(&'static str, u32)> {
        let (left, text) = text.split_once('^').unwrap_or(("", text));
        let (mut end, bytes) = (0, text.as_bytes());
        // As a stream brings it, a byte at a time.
        while end < bytes.len() && plausible(&bytes[..end]) {
            end += 1;
        }
        if end < bytes.len() {
            return None;
        }
        judge(left.as_bytes(), bytes).map(|(category, percent, len)| {
            assert!((1..=text.len()).contains(&len), "{text}");
            (category, percent)
        })
    }

    #[test]
    fn what_does_harm_is_said_and_how_bad_it_is() {
        for (text, category, percent) in [
            ("DROP TABLE users", DESTRUCTION, 60),
            ("drop table if exists tmp_users cascade", DESTRUCTION, 45),
            ("DROP/**/DATABASE production", DESTRUCTION, 70),
            ("TRUNCATE TABLE orders", DESTRUCTION, 60),
            ("DELETE FROM users", DESTRUCTION, 65),
            ("DELETE FROM users WHERE 1=1", DESTRUCTION, 65),
            ("UPDATE users SET admin = 1", DESTRUCTION, 55),
            ("SELECT * FROM t WHERE name = 'x'; ^DROP TABLE users", DESTRUCTION, 60),
            ("name=x'; ^DROP TABLE users", DESTRUCTION, 92),
            ("GRANT ALL PRIVILEGES ON *.* TO 'x'@'%'", GRANT, 75),
            ("GRANT ALL ON shop TO ana", GRANT, 55),
            ("name = '' ^OR 1=1 --", INJECTION, 85),
            ("id=1' AND ^SLEEP(5)-- ", INJECTION, 75),
            ("id=1 or ^pg_sleep(5)", INJECTION, 75),
            ("x'; ^WAITFOR DELAY '0:0:5'--", INJECTION, 92),
            ("ALTER TABLE users ^DROP COLUMN email", DESTRUCTION, 55),
            ("name = 'x' ^or '1'='1", INJECTION, 85),
            ("WHERE id = 7 ^or 1 = 1", INJECTION, 75),
            ("id=1' ^UNION SELECT null, version() --", INJECTION, 78),
            ("SELECT * FROM t INTO ^OUTFILE", ESCAPE, 78),
            ("EXEC ^xp_cmdshell 'dir'", ESCAPE, 88),
            ("COPY t FROM ^PROGRAM 'id'", ESCAPE, 85),
        ] {
            assert_eq!(said(text), Some((category, percent)), "{text}");
        }
    }

    #[test]
    fn ordinary_statements_and_words_say_nothing() {
        for text in [
            "Drop the ball",
            "drop column b of the spreadsheet",
            "drop column b",
            "time.^sleep(5)",
            "Rest and ^sleep (8 hours a night) help.",
            "Drink water and ^sleep(8h).",
            "The function '^sleep(ms)' pauses the script.",
            "You can test the timeout with SELECT ^pg_sleep(5)",
            "I could not ^sleep (again)",
            "await ^sleep(100)",
            "the ^benchmark (of three runs)",
            "drop table statements are dangerous in migrations",
            "DELETE FROM users WHERE id = 7",
            "delete from the list whatever you do not need, and then write to us again about it all",
            "delete your account",
            "UPDATE users SET name = 'x' WHERE id = 7",
            "update the documentation",
            "update your name and set = it",
            "truncate the text",
            "TRUNCATE(x, 2)",
            "grant access to ana",
            "one ^or two",
            "5 ^or 6 of them",
            "a ^or 1=1 b",
            "the ^union of two sets",
            "SELECT a FROM t ^UNION SELECT b FROM u",
            "the ^program 'x'",
            "",
        ] {
            assert_eq!(said(text), None, "{text}");
        }
    }

    #[test]
    fn no_statement_is_too_long_or_too_odd() {
        for unit in ["drop table ", "or 1=1 ", "/*", "*/", "'", "é", "delete from ", "--", "("] {
            let text = unit.repeat(2_000);
            plausible(text.as_bytes());
            judge(text.as_bytes(), text.as_bytes());
        }
    }
}
