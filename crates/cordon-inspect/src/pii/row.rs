//! The table of identifiers: one row per way to write a type, compiled into shapes that two bit masks compare.

use std::collections::BTreeMap;

use crate::detector::{Detector, GROUPS};
use crate::pii::context::{BEFORE, Words};
use crate::pii::groups::MAX_RUN;
use crate::pii::types;

/// Characters of the longest identifier, separators not counted.
pub(crate) const MAX_LENGTH: usize = 24;

/// Whether an identifier, its letters in upper case and without separators, can be what its row says.
pub(crate) type Check = fn(&[u8]) -> bool;

/// What scores a match gets, in hundredths; 0 is no finding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scores {
    /// Written without separators and without a word around it that names it.
    pub(crate) bare: u32,
    /// Written in the groups that are usual, without such a word.
    pub(crate) grouped: u32,
    /// With a word that names it.
    pub(crate) named: u32,
}

/// One way to write a type of identifier.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) category: &'static str,
    pub(crate) detector: Detector,
    /// Alternatives joined by `|`: `9` is a digit, `A` a letter, `*` either, `9{3,5}` from three to five of them, and
    /// anything else the place of a separator, which may be missing unless the form begins with `=`.
    /// With `~` at the beginning separators may stand anywhere. `@name` is the row of code of its own.
    forms: &'static str,
    /// The separators that may stand between groups.
    separators: &'static str,
    pub(crate) check: Check,
    pub(crate) scores: Scores,
    /// The words that name it, joined by `|`: `word~` only what stands near behind it, `word:` only with a sign behind it.
    words: &'static str,
    /// How many bytes in front of it they may stand.
    pub(crate) reach: usize,
}

impl Row {
    pub(super) const fn new(
        category: &'static str,
        detector: Detector,
        (forms, separators): (&'static str, &'static str),
        check: Check,
        [bare, grouped, named]: [u32; 3],
        words: &'static str,
    ) -> Self {
        let scores = Scores { bare, grouped, named };
        Self { category, detector, forms, separators, check, scores, words, reach: BEFORE }
    }

    /// The same, for a value that many numbers look like: only words this near name it.
    pub(super) const fn near(self, reach: usize) -> Self {
        Self { reach, ..self }
    }
}

/// Another check than its shape is not known, or not published.
pub(crate) const fn any(_: &[u8]) -> bool {
    true
}

/// A detector of a family of rows; its categories are those of its rows.
pub(crate) const fn family(name: &'static str) -> Detector {
    Detector { name, version: 2, max_span: MAX_RUN, lookahead: GROUPS, categories: &[] }
}

/// The detectors that only the table names, with their categories.
pub(crate) fn detectors() -> Vec<(Detector, Vec<&'static str>)> {
    let mut families: BTreeMap<&'static str, (Detector, Vec<&'static str>)> = BTreeMap::new();
    for row in types::all().filter(|row| row.detector.categories.is_empty()) {
        let (_, categories) = families.entry(row.detector.name).or_insert_with(|| (row.detector, Vec::new()));
        if !categories.contains(&row.category) {
            categories.push(row.category);
        }
    }
    families.into_values().collect()
}

/// Where letters, digits and separators of an identifier stand, one bit per character.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) len: usize,
    pub(crate) digits: u32,
    pub(crate) letters: u32,
    /// Bit `i`: a separator stands before character `i`.
    pub(crate) bounds: u32,
}

impl Shape {
    /// This shape and, behind a separator if both are something, another one; none if that is too long.
    pub(crate) fn then(self, next: Self) -> Option<Self> {
        let len = self.len + next.len;
        let bound = if self.len == 0 { 0 } else { 1 << self.len };
        (len <= MAX_LENGTH).then_some(Self {
            len,
            digits: self.digits | next.digits << self.len,
            letters: self.letters | next.letters << self.len,
            bounds: self.bounds | bound | next.bounds << self.len,
        })
    }

    /// So many digits and nothing else.
    pub(crate) fn of_digits(len: usize) -> Self {
        let bits = 1_u32.checked_shl(u32::try_from(len).unwrap_or(u32::MAX)).unwrap_or(0);
        Self { len, digits: bits.wrapping_sub(1), ..Self::default() }
    }

    fn push(&mut self, class: char) {
        match class {
            '9' => self.digits |= 1 << self.len,
            'A' => self.letters |= 1 << self.len,
            _ => {}
        }
        self.len += 1;
    }
}

#[derive(Clone, Copy, Debug)]
struct Form {
    shape: Shape,
    /// All separators must be there.
    exact: bool,
    row: usize,
    /// The separators that may be there.
    allowed: u16,
}

/// The forms of one length.
#[derive(Clone, Debug, Default)]
struct Forms {
    all: Vec<Form>,
    /// Those without a place that must be a letter: a number fits no others.
    numbers: Vec<Form>,
}

impl Form {
    /// Whether all separators of the form are there, or it may have them anywhere.
    fn is_whole(&self, shape: Shape) -> bool {
        self.shape.bounds == u32::MAX || shape.bounds == self.shape.bounds
    }

    fn fits(&self, shape: Shape, separators: u16) -> bool {
        let bounds_fit = if self.exact {
            shape.bounds == self.shape.bounds
        } else {
            shape.bounds & !self.shape.bounds == 0
        };
        shape.letters & self.shape.digits == 0
            && shape.digits & self.shape.letters == 0
            && bounds_fit
            && separators & !self.allowed == 0
    }
}

/// The compiled rows.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Row>,
    words: Words,
    /// By length.
    forms: Vec<Forms>,
    /// The rows of code of its own, by name.
    own: Vec<(&'static str, usize)>,
}

impl Table {
    pub(crate) fn builtin() -> Self {
        let mut forms: Vec<Forms> = vec![Forms::default(); MAX_LENGTH + 1];
        let rows: Vec<Row> = types::all().copied().collect();
        let words = Words::new(rows.iter().map(|row| row.words));
        let mut own = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            let allowed = row.separators.bytes().fold(0, |set, byte| set | separator(byte));
            if row.forms.starts_with('@') {
                own.push((row.forms, at));
                continue;
            }
            for form in row.forms.split('|') {
                let exact = form.starts_with('=');
                for mut shape in shapes(form.trim_start_matches(['=', '~'])) {
                    if form.starts_with('~') {
                        shape.bounds = u32::MAX;
                    }
                    let Some(forms) = forms.get_mut(shape.len) else { continue };
                    let form = Form { shape, exact, row: at, allowed };
                    forms.all.push(form);
                    if shape.letters == 0 {
                        forms.numbers.push(form);
                    }
                }
            }
        }
        Self { rows, words, forms, own }
    }

    /// The rows that a shape with these separators fits, each once, and whether it has all that the row's form has.
    pub(crate) fn fitting(&self, shape: Shape, separators: u16) -> impl Iterator<Item = (usize, bool)> {
        let forms = self.forms.get(shape.len);
        let forms = forms.map(|forms| if shape.letters == 0 { &forms.numbers } else { &forms.all });
        let mut last = usize::MAX;
        forms.into_iter().flatten().filter_map(move |form| {
            let new = form.row != last && form.fits(shape, separators);
            new.then(|| {
                last = form.row;
                (form.row, form.is_whole(shape))
            })
        })
    }

    pub(crate) fn row(&self, at: usize) -> Option<&Row> {
        self.rows.get(at)
    }

    pub(crate) fn words(&self) -> &Words {
        &self.words
    }

    /// The row of code of its own.
    pub(crate) fn own(&self, name: &str) -> Option<usize> {
        self.own.iter().find(|(known, _)| *known == name).map(|(_, row)| *row)
    }

    /// Everything that decides what is found, as text for the digest of the rules.
    pub(crate) fn describe() -> String {
        let line = |row: &Row| {
            let Scores { bare, grouped, named } = row.scores;
            format!(
                "{} {} {} {bare} {grouped} {named} {} {}\n",
                row.category, row.forms, row.separators, row.reach, row.words
            )
        };
        types::all().map(line).collect()
    }
}

/// The bit of a separator in a set.
pub(crate) const fn separator(byte: u8) -> u16 {
    match byte {
        b' ' => 1,
        b'-' => 2,
        b'.' => 4,
        b'/' => 8,
        b':' => 16,
        b'(' => 32,
        b'+' => 64,
        _ => OTHER_SEPARATOR,
    }
}

/// Several bytes, or one that no identifier is grouped by.
pub(crate) const OTHER_SEPARATOR: u16 = 1 << 15;

/// The shapes of one form.
fn shapes(form: &str) -> Vec<Shape> {
    let mut shapes = vec![Shape::default()];
    let mut rest = form.chars().peekable();
    while let Some(class) = rest.next() {
        if !matches!(class, '9' | 'A' | '*') {
            for shape in &mut shapes {
                shape.bounds |= 1 << shape.len;
            }
            continue;
        }
        let (mut least, mut most) = (1, 1);
        if rest.peek() == Some(&'{') {
            let counts: String = rest.by_ref().skip(1).take_while(|c| *c != '}').collect();
            let (low, high) = counts.split_once(',').unwrap_or((&counts, &counts));
            (least, most) = (low.parse().unwrap_or(1), high.parse().unwrap_or(1));
        }
        let longer = |shape: &Shape| {
            (least..=most)
                .map(|count| {
                    let mut shape = *shape;
                    (0..count).for_each(|_| shape.push(class));
                    shape
                })
                .collect::<Vec<_>>()
        };
        shapes = shapes.iter().flat_map(longer).collect();
    }
    shapes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pii::context::RowSet;

    #[test]
    fn forms_are_shapes_with_the_places_of_separators() {
        let [shape] = shapes("AA-99-*").try_into().unwrap();
        assert_eq!(shape, Shape { len: 5, digits: 0b01100, letters: 0b00011, bounds: 0b10100 });
        let lengths: Vec<usize> = shapes("A9{3,5}").iter().map(|shape| shape.len).collect();
        assert_eq!(lengths, [4, 5, 6]);
    }

    #[test]
    fn every_row_has_a_bit_and_every_form_a_length() {
        let table = Table::builtin();
        assert!(table.rows.len() <= RowSet::LIMIT, "{}", table.rows.len());
        assert_eq!(table.forms.first().map(|forms| forms.all.len()), Some(0));
        for row in &table.rows {
            for form in row.forms.split('|').filter(|form| !form.starts_with('@')) {
                let shapes = shapes(form.trim_start_matches(['=', '~']));
                assert!(shapes.iter().all(|shape| (1..=MAX_LENGTH).contains(&shape.len)), "{form}");
            }
        }
    }
}
