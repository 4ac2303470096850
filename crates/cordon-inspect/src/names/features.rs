//! What the tagger looks at of each word, as rows of its table of weights.

use super::token::{Form, LINE, NO_GAP, START, Token, class};

/// Features of one word.
pub(super) const FEATURES: usize = 32;

/// Places of those that know a word beside it.
pub(super) const BESIDE: &[usize] = &[2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 22, 24, 25, 27, 28, 30];

/// A mixed number for some parts (the multiplication of FxHash).
#[inline]
fn mix(hash: u64, part: u32) -> u64 {
    (hash.rotate_left(5) ^ u64::from(part)).wrapping_mul(0x517c_c1b7_2722_0a95)
}

/// The row of a hash, of so many rows.
#[inline]
fn row(hash: u64, rows: u32) -> u32 {
    (((hash >> 32) * u64::from(rows)) >> 32) as u32
}

/// What stands where no word is.
const NOTHING: Token = Token {
    start: 0,
    end: 0,
    word: 0,
    form: Form::Sign,
    length: 0,
    classes: 0,
    prefix: 0,
    suffix: 0,
    gap: START,
    key: 0,
};

/// Where the capitals around a word begin and end: the word before them, the one behind, the classes of all of them, how many
/// stand before it and how many there are.
struct Run {
    before: u32,
    behind: u32,
    classes: u16,
    place: u32,
    count: u32,
}

/// Words of one run that are looked at on each side.
const RUN: usize = 5;

fn run(tokens: &[Token], at: usize) -> Run {
    let mut run = Run { before: 0, behind: 0, classes: 0, place: 0, count: 0 };
    let Some(own) = tokens.get(at) else { return run };
    run.classes = own.classes;
    run.count = 1;
    let (mut gap, mut next) = (own.gap, at);
    for _ in 0..RUN {
        let Some(token) = next.checked_sub(1).and_then(|i| tokens.get(i)) else { break };
        if gap >= LINE || !token.is_capital() {
            break;
        }
        run.classes |= token.classes;
        run.count += 1;
        run.place += 1;
        gap = token.gap;
        next -= 1;
    }
    run.before = next.checked_sub(1).and_then(|i| tokens.get(i)).map_or(0, |token| token.word);
    let mut next = at + 1;
    for _ in 0..RUN {
        let Some(token) = tokens.get(next) else { break };
        if token.gap >= LINE || !token.is_capital() {
            break;
        }
        run.classes |= token.classes;
        run.count += 1;
        next += 1;
    }
    run.behind = tokens.get(next).map_or(0, |token| token.word);
    run
}

/// What language a segment may be in, as far as it matters: two bits for whether words of German stand in it, two for how many
/// of its words in small letters are not known.
pub(super) fn language(tokens: &[Token]) -> u32 {
    let (mut german, mut small, mut unknown) = (0_u32, 0_u32, 0_u32);
    for token in tokens {
        german += u32::from(token.is(class::GERMAN));
        if token.form == Form::Small {
            small += 1;
            unknown += u32::from(token.classes == 0);
        }
    }
    let foreign = match (small, unknown) {
        (..3, _) => 3,
        (_, unknown) if unknown * 4 < small => 0,
        (_, unknown) if unknown * 2 < small => 1,
        _ => 2,
    };
    german.min(2) << 2 | foreign
}

/// The rows of the word at this place of a segment in this language.
pub(super) fn rows(tokens: &[Token], at: usize, language: u32, rows: u32) -> [u32; FEATURES] {
    let near = |by: isize| at.checked_add_signed(by).and_then(|i| tokens.get(i)).unwrap_or(&NOTHING);
    let (c, l1, l2, l3) = (near(0), near(-1), near(-2), near(-3));
    let (r1, r2) = (near(1), near(2));
    // The next words that are no signs: of `Mr. X` and `"X"` what stands beyond them.
    let is_sign = |token: &Token| token.form == Form::Sign && token.length > 0;
    let p = if is_sign(l1) { l2 } else { l1 };
    let n = if is_sign(r1) { r2 } else { r1 };
    let flags = |token: &Token| u32::from(token.classes);
    let (shape, f) = (c.shape(), flags(c));
    let form = c.form as u32;
    let run = run(tokens, at);
    let run_classes = u32::from(run.classes & (class::NAMES | class::PARTS | class::TITLE));
    let gaps = u32::from(c.gap) << 8 | u32::from(r1.gap);
    let right_is_line = u32::from(r1.gap >= LINE);
    let parts: [(u32, u32, u32, u32); FEATURES] = [
        (0, shape, language, 0),
        (1, c.word, form, 0),
        (2, l1.word, form, 0),
        (3, l2.word, form, 0),
        (4, r1.word, form, 0),
        (5, r2.word, form, 0),
        (6, l1.word, c.word, form),
        (7, c.word, r1.word, form),
        (8, l2.word, l1.word, form),
        (9, r1.word, r2.word, form),
        (10, l1.word, r1.word, shape),
        (11, l1.shape(), shape, r1.shape()),
        (12, p.word, form, u32::from(is_sign(l1))),
        (13, flags(p), f, form),
        (14, c.suffix & 0xff_ffff, form, 0),
        (15, c.suffix & 0xffff, form, language >> 2),
        (16, n.word, form, u32::from(is_sign(r1))),
        (17, c.prefix, form, 0),
        (18, f, form, language),
        (19, flags(l1), f, form),
        (20, f, flags(r1), form),
        (21, gaps, shape, language),
        (22, u32::from(c.gap), l1.word, shape),
        (23, flags(l1), f, flags(r1)),
        (24, l3.word, l2.word, l1.word),
        (25, c.key, form, right_is_line),
        (26, c.key, f, u32::from(c.gap == NO_GAP)),
        (27, run.before, form, run.place.min(2)),
        (28, run.behind, form, (run.count - run.place).min(3)),
        (29, run_classes, form, run.place.min(3) << 4 | run.count.min(5)),
        (30, run.before, run_classes, form),
        (31, flags(n), f, form),
    ];
    parts.map(|(kind, a, b, d)| row(mix(mix(mix(mix(0, kind + 1), a), b), d), rows))
}
