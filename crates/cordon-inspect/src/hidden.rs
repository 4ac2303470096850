//! Runs of characters that nobody sees: tag characters, variation selectors, zero-width and reordering controls, and
//! floods of combining marks.

use cordon_core::{Category, Score, Span};

use crate::detector::{HIDDEN, MAX_SEGMENT};
use crate::fold::Folded;
use crate::scanner::Context;
use crate::seen::Encoding;
use crate::view::{View, Way};

/// Bytes decoded from one run.
const MAX_DECODED: usize = 2048;

/// The run of invisible characters that is open.
#[derive(Debug, Default)]
pub(crate) struct Hidden(Option<Run>);

#[derive(Debug)]
struct Run {
    start: usize,
    end: usize,
    tags: usize,
    selectors: usize,
    zero_width: usize,
    marks: usize,
    overrides: usize,
    isolates: usize,
    /// What tag characters and variation selectors spell, and where each byte stands.
    decoded: Vec<u8>,
    way: Way,
    /// The byte before the run, in the folded text.
    before: Option<u8>,
    continues: bool,
}

impl Hidden {
    pub(crate) fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Where the open run began, in the original.
    pub(crate) fn live(&self) -> Option<usize> {
        self.0.as_ref().map(|run| run.start)
    }

    pub(crate) fn memory(&self) -> usize {
        self.0.as_ref().map_or(0, |run| run.decoded.capacity())
    }

    /// Takes one invisible character.
    pub(crate) fn see(
        &mut self,
        folded: Folded,
        c: char,
        span: Span,
        before: Option<u8>,
        context: &mut Context<'_>,
    ) {
        let run = self.0.get_or_insert_with(|| Run::new(span.start, before));
        run.end = span.end;
        let byte = match folded {
            Folded::Tag(byte) => {
                run.tags += 1;
                (b' '..=b'~').contains(&byte).then_some(byte)
            }
            Folded::Variation(byte) => {
                run.selectors += 1;
                Some(byte)
            }
            Folded::Mark => {
                run.marks += 1;
                None
            }
            Folded::Bidi('\u{202d}' | '\u{202e}') => {
                run.overrides += 1;
                None
            }
            Folded::Bidi('\u{202a}' | '\u{202b}' | '\u{2066}'..='\u{2068}') => {
                run.isolates += 1;
                None
            }
            // The ends of an embedding, direction marks and joiners stand in ordinary text.
            Folded::Bidi(_) => None,
            _ => {
                run.zero_width += usize::from(c != '\u{ad}');
                None
            }
        };
        if let Some(byte) = byte
            && run.decoded.len() < MAX_DECODED
        {
            run.way.push(run.decoded.len(), (span.start, span.end), (1, span.len()));
            run.decoded.push(byte);
        }
        if run.end - run.start >= MAX_SEGMENT {
            let next = Run { continues: true, ..Run::new(span.end, before) };
            if let Some(full) = self.0.replace(next) {
                full.report(context);
            }
        }
    }

    /// A visible character or the end comes.
    pub(crate) fn close(&mut self, context: &mut Context<'_>) {
        if let Some(run) = self.0.take() {
            run.report(context);
        }
    }
}

impl Run {
    fn new(start: usize, before: Option<u8>) -> Self {
        Self {
            start,
            end: start,
            tags: 0,
            selectors: 0,
            zero_width: 0,
            marks: 0,
            overrides: 0,
            isolates: 0,
            decoded: Vec::new(),
            way: Way::default(),
            before,
            continues: false,
        }
    }

    fn report(self, context: &mut Context<'_>) {
        let span = Span::new(self.start, self.end);
        if span.is_empty() {
            return;
        }
        let percent = self.percent();
        if percent > 0 {
            context.report_original(
                &HIDDEN,
                Category::known("prompt_injection/hidden"),
                Score::percent(percent),
                span,
                self.continues,
            );
        }
        if self.decoded.len() >= 6 {
            self.look_inside(context);
        }
    }

    /// How much the run alone says, in hundredths.
    fn percent(&self) -> u32 {
        // The flags of England, Scotland and Wales are a black flag and up to six tags with their end.
        let flag = self.tags > 0 && self.tags <= 7 && self.before == Some(crate::fold::SYMBOL);
        let letter_before = self.before.is_some_and(|b| b.is_ascii_alphanumeric());
        [
            if self.tags == 0 || flag {
                0
            } else if self.tags >= 4 {
                95
            } else {
                60
            },
            match self.selectors {
                0 | 1 => 0,
                2 | 3 => 50,
                _ => 92,
            },
            match self.zero_width {
                0..=3 => 0,
                4..=7 => 50,
                _ => 85,
            },
            match self.marks {
                0..=7 => 0,
                8..=31 => 45,
                _ => 60,
            },
            if self.overrides > 0 { 80 } else { 0 },
            if self.isolates > 0 && letter_before { 45 } else { 0 },
        ]
        .into_iter()
        .max()
        .unwrap_or(0)
    }

    /// What the run spells may be an order or a value.
    fn look_inside(self, context: &mut Context<'_>) {
        let mut decoded = self.decoded;
        // The run may have been cut in the middle of a character.
        if let Err(error) = std::str::from_utf8(&decoded)
            && error.valid_up_to() + 4 > decoded.len()
        {
            decoded.truncate(error.valid_up_to());
        }
        let mut findings =
            View::new(Encoding::HiddenCharacters, decoded, self.way).findings(self.end, context);
        context.out.append(&mut findings);
    }
}
