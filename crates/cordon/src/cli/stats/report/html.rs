//! For people who read no tables: one file that needs no other, that runs nothing and asks for nothing.
//!
//! INVARIANT: data reaches the page as text only. maud escapes it, [`plain`] takes out what a browser shows in another order, ids and
//! classes are ours, and the page's own policy (Content Security Policy Level 3) lets nothing load or run, whatever gets into it.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cordon_core::Digest;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::{
    super::super::table::{Align, plain},
    Cell, Figure, Head, Report, Row, Scale, Section, Side, Source, StatsError, Story, Table, Tone,
    figure::Drawing,
    svg, terms,
};
use crate::cli::stats::percent;
use crate::console::{COMMON_STYLE, ICON, bytes, number};
use crate::tables::TableError;

const STYLE: &str = include_str!("report.css");

/// Rows of one table on a page; JSON has them all.
const MOST_ROWS: usize = 400;
/// Estimates of a figure that is as high as others are.
const SHORT: usize = 10;
/// Columns of a table that leaves room beside it.
const NARROW: usize = 4;
/// Characters of a cell: what files of unknown origin call their columns must not fill the page.
const MOST_CHARACTERS: usize = 120;

/// The page.
pub(super) fn page(report: &Report, story: &Story, dated: Option<&str>) -> Result<String, StatsError> {
    let style = format!("{COMMON_STYLE}{STYLE}");
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        STANDARD.encode(Digest::sha256(style.as_bytes()).as_bytes())
    );
    let digests = story.sources.iter().map(Digested::of).collect::<Result<Vec<_>, _>>()?;
    let title = shown(&story.title);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(format!("cordon {}", crate::build()));
                title { (title) " · Cordon" }
                style { (PreEscaped(style)) }
            }
            body.report {
                a.skip href="#main" { "Skip to the report" }
                header { span.icon aria-hidden="true" { (icon()) } strong { "Cordon" } span.quiet { (report.name) " report" } }
                main #main tabindex="-1" {
                    h1 { (title) }
                    (summary(story))
                    (contents(report))
                    (sources(&story.sources, &digests))
                    @for (place, section) in report.sections.iter().enumerate() { (part(place, section)) }
                    @if !report.notes.is_empty() { section { h2 { "Notes" } (notes(&report.notes)) } }
                    (definitions(report))
                    (made(dated))
                }
            }
        }
    };
    Ok(page.into_string())
}

/// Text from data, as it is shown.
fn shown(text: &str) -> String {
    shortened(&plain(text).replace('\n', " "), MOST_CHARACTERS)
}

/// At most so many characters.
pub(super) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// The sign of Cordon. Within a page it needs no name space, which would look like an address.
fn icon() -> Markup {
    PreEscaped(ICON.replace(" xmlns=\"http://www.w3.org/2000/svg\"", ""))
}

fn badge(tone: Tone, word: &str) -> Markup {
    html! { span.badge.(tone.class()) { span aria-hidden="true" { (tone.sign()) } " " (word) } }
}

fn summary(story: &Story) -> Markup {
    let parts =
        [("What was found", &story.what), ("How sure", &story.how_sure), ("What to do", &story.what_to_do)];
    html! {
        section.verdict.(story.tone.class()) aria-labelledby="verdict" {
            h2 #verdict { span.sign aria-hidden="true" { (story.tone.sign()) } " " (plain(&story.verdict)) }
            div.story {
                @for (title, sentences) in parts.into_iter().filter(|(_, sentences)| !sentences.is_empty()) {
                    div { h3 { (title) } @if sentences.len() == 1 { p { (plain(&sentences.concat())) } } @else {
                        ul { @for sentence in sentences { li { (plain(sentence)) } } }
                    } }
                }
            }
        }
        div.cards {
            @for card in &story.cards {
                div.card { div.title { (card.title) } div.value { (plain(&card.value)) } div.note { (shown(&card.note)) } }
            }
        }
    }
}

fn contents(report: &Report) -> Markup {
    html! {
        nav.contents aria-label="Contents" {
            a href="#sources" { "What was read" }
            @for (place, section) in report.sections.iter().enumerate().filter(|(_, section)| !section.title.is_empty()) {
                a href=(format!("#part-{place}")) { (shown(&section.title)) }
            }
            a href="#definitions" { "How to read the numbers" }
            a href="#made" { "How this was made" }
        }
    }
}

/// What a file held when the page was made.
struct Digested {
    digest: Digest,
    bytes: u64,
}

impl Digested {
    fn of(source: &Source) -> Result<Self, StatsError> {
        read(&source.path)
            .map_err(|failed| TableError::Io { path: source.path.clone(), source: failed }.into())
    }
}

fn read(path: &Path) -> io::Result<Digested> {
    let (mut file, mut hasher, mut bytes) = (File::open(path)?, Sha256::new(), 0);
    let mut block = vec![0; 1 << 16];
    loop {
        let length = file.read(&mut block)?;
        let Some(read) = block.get(..length).filter(|read| !read.is_empty()) else { break };
        hasher.update(read);
        bytes += length as u64;
    }
    Ok(Digested { digest: Digest::from_bytes(hasher.finalize().into()), bytes })
}

fn sources(sources: &[Source], digests: &[Digested]) -> Markup {
    let is_dated = sources.iter().any(|source| !source.period.is_empty());
    html! {
        section #sources {
            h2 { "What was read" }
            div.scroll tabindex="0" role="region" aria-label="What was read" {
                table {
                    thead { tr { th scope="col" { "Read as" } th scope="col" { "File" } th.number scope="col" { "Rows" }
                        @if is_dated { th.number scope="col" { "Rows of" } } th.number scope="col" { "Size" } th scope="col" { "SHA-256" } } }
                    tbody { @for (source, digested) in sources.iter().zip(digests) { tr {
                        td { (source.role) }
                        td { code { (shown(&source.path.display().to_string())) } }
                        td.number { (number(source.rows)) }
                        @if is_dated { td.number { (shown(&source.period)) } }
                        td.number { (bytes(digested.bytes)) }
                        td { code.digest { (digested.digest) } }
                    } } }
                }
            }
            @for source in sources.iter().filter(|source| !source.left_out.is_empty()) {
                (notes(&source.left_out.iter().map(|sentence| format!("{}: {sentence}", source.role)).collect::<Vec<_>>()))
            }
        }
    }
}

fn notes(notes: &[String]) -> Markup {
    html! {
        ul.notes {
            @for note in notes.iter().take(MOST_ROWS) { li { (shortened(&plain(note), 4 * MOST_CHARACTERS)) } }
            @if notes.len() > MOST_ROWS { li { "and " (number((notes.len() - MOST_ROWS) as u64)) " more" } }
        }
    }
}

fn part(place: usize, section: &Section) -> Markup {
    let both = |figure: &Figure| match &figure.drawing {
        Drawing::Histogram(histogram) => histogram.sides.len() > 1,
        Drawing::Bars(bars) => bars.sides.len() > 1,
        Drawing::Course(_) | Drawing::Curves(_) | Drawing::Dots(_) => false,
    };
    html! {
        section id=(format!("part-{place}")) {
            @if !section.title.is_empty() { h2 { (shown(&section.title)) } }
            @if !section.line.is_empty() && section.line != section.title { p.lead { (plain(&section.line)) } }
            @if section.figures.iter().any(both) {
                p.legend { span.key.s1 aria-hidden="true" {} " reference" span.key.s2 aria-hidden="true" {} " current" }
            }
            // One figure has room beside a table that is not wide.
            div .beside[section.figures.len() == 1 && section.table.heads.len() <= NARROW] {
                @if !section.table.rows.is_empty() {
                    div { (table(&section.table, if section.title.is_empty() { &section.line } else { &section.title })) }
                }
                @if !section.figures.is_empty() {
                    div.charts { @for figure in &section.figures { (drawn(figure)) } }
                }
            }
            @if !section.notes.is_empty() { (notes(&section.notes)) }
            @for sentence in &section.aside { p.quiet { (plain(sentence)) } }
        }
    }
}

fn table(table: &Table, caption: &str) -> Markup {
    let more = table.rows.len().saturating_sub(MOST_ROWS);
    html! {
        div.scroll tabindex="0" role="region" aria-label=(shown(caption)) {
            table {
                caption.unseen { (shown(caption)) }
                thead { tr { @for head in &table.heads { th scope="col" .number[head.align == Align::Right] { (head.html()) } } } }
                tbody { @for row in table.rows.iter().take(MOST_ROWS) { (self::row(&table.heads, row)) } }
            }
        }
        @if more > 0 { p.quiet { (number(more as u64)) " more rows are left out here; --json has them all." } }
    }
}

fn row(heads: &[Head], row: &Row) -> Markup {
    html! {
        tr .found[row.failure.is_some()] {
            @for (head, cell) in heads.iter().zip(&row.cells) { td .number[head.align == Align::Right] { (cell.html()) } }
        }
    }
}

impl Head {
    /// Its name as a sentence begins, with a way to what it means.
    fn html(&self) -> Markup {
        let mut letters = self.name.chars();
        let lower =
            letters.next().into_iter().chain(letters.flat_map(char::to_lowercase)).collect::<String>();
        match self.term.and_then(terms::find) {
            Some(term) => {
                html! { a href=(format!("#term-{}", term.key)) title=(term.meaning) { (term.name) } }
            }
            None => html! { (lower) },
        }
    }
}

impl Cell {
    fn html(&self) -> Markup {
        let text = match self.term.and_then(terms::find) {
            Some(term) => {
                html! { a href=(format!("#term-{}", term.key)) title=(term.meaning) { (term.name) } }
            }
            None => html! { (shown(&self.text)) },
        };
        match (&self.figure, self.tone) {
            (Some(figure), _) => html! { a href=(format!("#{figure}")) { (text) } },
            (None, Some(tone)) if !self.text.is_empty() => badge(tone, &shown(&self.text)),
            _ => text,
        }
    }
}

fn drawn(figure: &Figure) -> Markup {
    let told = format!("{}: {}", shown(&figure.title), plain(&figure.line));
    let is_tall = matches!(&figure.drawing, Drawing::Dots(dots) if dots.dots.len() > SHORT);
    html! {
        figure.chart .tall[is_tall] id=(figure.id) {
            figcaption {
                span.name { (shown(&figure.title)) }
                @if let Some((tone, word)) = figure.mark { (badge(tone, word)) }
                @if !figure.line.is_empty() { span.told { (plain(&figure.line)) } }
            }
            (svg::draw(&figure.drawing, &told))
            details { summary { "Numbers" span.unseen { " of " (shown(&figure.title)) } } (numbers(&figure.drawing)) }
        }
    }
}

/// What is drawn, for those who do not see it and those who copy it.
fn numbers(drawing: &Drawing) -> Markup {
    match drawing {
        Drawing::Histogram(histogram) => {
            let label =
                |pair: &[f64]| pair.iter().map(|edge| histogram.scale.show(*edge)).collect::<Vec<_>>();
            let labels: Vec<String> =
                histogram.edges.windows(2).map(|pair| label(pair).join(" to ")).collect();
            shares("Values", &labels, &histogram.sides)
        }
        Drawing::Bars(bars) => shares("Value", &bars.labels, &bars.sides),
        Drawing::Course(course) => {
            let step = (course.band.len() / 24).max(1);
            let show = |value: f64| Scale::Number.show(value);
            html! { table.small {
                thead { tr { th scope="col" { "Time" } th scope="col" { "The line" } } }
                tbody { @for (time, [low, value, high]) in course.band.iter().step_by(step) { tr {
                    td { (course.scale.show(*time)) } td { (show(*value)) " (" (show(*low)) " to " (show(*high)) ")" }
                } } }
            } }
        }
        Drawing::Dots(dots) => html! { table.small {
            thead { tr { th scope="col" { "What" } th scope="col" { "Value" } } }
            tbody { @for dot in &dots.dots { tr { td { (shown(&dot.label)) } td { (dots.told(dot.value, dot.interval)) } } } }
        } },
        Drawing::Curves(curves) => {
            let points = curves.curves.iter().filter(|curve| !curve.dashed).flat_map(|curve| &curve.points);
            let points: Vec<(f64, f64)> = if curves.points.is_empty() {
                points.copied().collect()
            } else {
                curves.points.iter().map(|point| point.at).collect()
            };
            let step = (points.len() / 24).max(1);
            html! { table.small {
                thead { tr { th.number scope="col" { (curves.x) } th.number scope="col" { (curves.y) } } }
                tbody { @for (x, y) in points.iter().step_by(step) { tr { td.number { (percent(*x)) } td.number { (percent(*y)) } } } }
            } }
        }
    }
}

fn shares(what: &str, labels: &[String], sides: &[(Side, Vec<f64>)]) -> Markup {
    html! { table.small {
        thead { tr { th scope="col" { (what) } @for (side, _) in sides { th.number scope="col" { (if sides.len() > 1 { side.word() } else { "share" }) } } } }
        tbody { @for (place, label) in labels.iter().enumerate() { tr {
            td { (shown(label)) }
            @for (_, shares) in sides { td.number { (shares.get(place).map(|share| percent(*share)).unwrap_or_default()) } }
        } } }
    } }
}

/// The statistics that this page names, and no others.
fn definitions(report: &Report) -> Markup {
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for section in &report.sections {
        used.extend(section.table.heads.iter().filter_map(|head| head.term));
        used.extend(section.table.rows.iter().flat_map(|row| &row.cells).filter_map(|cell| cell.term));
        used.extend(section.figures.iter().filter_map(|figure| figure.term()));
    }
    let terms: Vec<&terms::Term> = terms::TERMS.iter().filter(|term| used.contains(term.key)).collect();
    html! {
        section #definitions {
            h2 { "How to read the numbers" }
            dl.terms { @for term in terms {
                div id=(format!("term-{}", term.key)) { dt { (term.name) } dd { (term.meaning) " " span.quiet { (term.reading) } } }
            } }
        }
    }
}

impl Figure {
    fn term(&self) -> Option<&'static str> {
        match &self.drawing {
            Drawing::Histogram(histogram) if !histogram.bands.is_empty() => Some("quantiles"),
            Drawing::Dots(dots) => Some(dots.term),
            Drawing::Curves(curves) => Some(curves.term),
            Drawing::Bars(_) | Drawing::Course(_) | Drawing::Histogram(_) => None,
        }
    }
}

fn made(dated: Option<&str>) -> Markup {
    let words: Vec<String> =
        std::env::args_os().skip(1).map(|word| quoted(&word.to_string_lossy())).collect();
    html! {
        section #made {
            h2 { "How this was made" }
            pre tabindex="0" { code { "cordon " (shortened(&plain(&words.join(" ")), 4_000)) } }
            p.quiet {
                "cordon " (crate::build())
                @if let Some(dated) = dated { " · " (shown(dated)) }
                ". The same data and command give the same page, byte for byte. It loads nothing and runs nothing; the formulas are in docs/statistics.md."
            }
        }
    }
}

/// A word of a command line, as a shell of POSIX reads it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_what_is_quoted() {
        assert_eq!(quoted("--level=0.05"), "--level=0.05");
        assert_eq!((quoted(""), quoted("it's")), ("''".to_owned(), "'it'\\''s'".to_owned()));
    }
}
