//! Whether a command printed what the page shows. In what is shown, `…` stands for anything within a line, and alone on a
//! line for any number of lines; runs of spaces count as one, since columns are as wide as what stands in them.

/// What differs, for people; `None` when nothing does.
pub fn difference(shown: &str, printed: &str) -> Option<String> {
    let shown = lines(shown);
    let printed = lines(printed);
    if fits(&shown, &printed) {
        return None;
    }
    let missing = shown.iter().find(|line| *line != "…" && !printed.iter().any(|other| is_like(line, other)));
    let hint = missing.map_or_else(
        || "the lines are there, but not in this order or not alone".to_owned(),
        |line| format!("no line is like `{line}`"),
    );
    Some(format!("{hint}; what was printed:\n    {}", printed.join("\n    ")))
}

fn lines(text: &str) -> Vec<String> {
    let line = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut lines: Vec<String> = text.lines().map(line).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

fn fits(shown: &[String], printed: &[String]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((first, rest)) if first == "…" => {
            (0..=printed.len()).any(|skipped| fits(rest, &printed[skipped..]))
        }
        Some((first, rest)) => {
            printed.split_first().is_some_and(|(line, after)| is_like(first, line) && fits(rest, after))
        }
    }
}

fn is_like(shown: &str, printed: &str) -> bool {
    let mut pieces = shown.split('…');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = printed.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        let Some((_, after)) = rest.split_once(piece) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[test]
fn what_is_shown_fits_what_is_printed_and_nothing_else() {
    for (shown, printed) in [
        ("a\nb\n", "a\nb\n\n"),
        ("call …  allow\n", "call 01932c07    allow\n"),
        ("a\n…\nz", "a\nb\nc\nz"),
        ("a\n…\nz", "a\nz"),
        ("…: done in … ms", "x: done in 3.5 ms"),
    ] {
        assert_eq!(difference(shown, printed), None, "{shown:?} {printed:?}");
    }
    for (shown, printed) in [
        ("a\n", "b\n"),
        ("a\n", "a\nb\n"),
        ("a\nb\n", "a\n"),
        ("call …  allow\n", "call 01932c07 block\n"),
        ("a\n…\nz", "a\nb"),
        ("exit … of …", "exit 3"),
    ] {
        assert!(difference(shown, printed).is_some(), "{shown:?} {printed:?}");
    }
}
