//! Words in ROT13: where several stand together, the whole stretch is read so.

use cordon_core::{Category, Finding};

use super::Word;
use super::stretch::{Ended, Stretch};
use crate::scanner::Context;
use crate::seen::Encoding;
use crate::starts::Starts;
use crate::view::{View, Way};

/// The commonest words of some languages in ROT13 that are not English words themselves. Letters with marks are as they are when the mark is
/// folded away: ROT13 leaves them alone.
pub(super) const COMMON: [&[u8]; 267] = [
    b"gur",
    b"naq",
    b"bs",
    b"gb",
    b"lbh",
    b"lbhe",
    b"vf",
    b"sbe",
    b"guvf",
    b"gung",
    b"jvgu",
    b"nyy",
    b"abg",
    b"ner",
    b"zl",
    b"jvyy",
    b"sebz",
    b"unir",
    b"vg",
    b"nal",
    b"qb",
    b"jung",
    b"fubhyq",
    b"zhfg",
    b"pna",
    b"jvgubhg",
    b"nobir",
    b"gurz",
    b"gurfr",
    b"abj",
    b"cyrnfr",
    b"sbyybjvat",
    b"dhr",
    b"ybf",
    b"ynf",
    b"qry",
    b"cnen",
    b"pba",
    b"pbzb",
    b"rfg",
    b"rfgr",
    b"rfgn",
    b"gbqnf",
    b"fhf",
    b"zvf",
    b"rerf",
    b"hfgrq",
    b"chrqr",
    b"yrf",
    b"qrf",
    b"ibhf",
    b"cbhe",
    b"qnaf",
    b"ibger",
    b"dhv",
    b"cnf",
    b"gbhf",
    b"gbhgrf",
    b"prggr",
    b"znvf",
    b"abhf",
    b"fhe",
    b"nirp",
    b"zbv",
    b"haq",
    b"qre",
    b"qvr",
    b"qnf",
    b"vfg",
    b"avpug",
    b"vpu",
    b"zve",
    b"nyyr",
    b"fvr",
    b"iba",
    b"zvg",
    b"rva",
    b"rvar",
    b"qrva",
    b"qrvar",
    b"ovggr",
    b"jvr",
    b"pur",
    b"qryyn",
    b"fbab",
    b"ghggr",
    b"ghb",
    b"ghn",
    b"zvb",
    b"qrv",
    b"qryyr",
    b"pbzr",
    b"chbv",
    b"pbz",
    b"hzn",
    b"fhn",
    b"vffb",
    b"zvz",
    b"zrh",
    b"qbf",
    b"urg",
    b"avrg",
    b"qng",
    b"zvw",
    b"wbhj",
    b"ibbe",
    b"mvwa",
    b"wrfg",
    b"avr",
    b"jfmlfgxvr",
    b"zavr",
    b"wnx",
    b"qyn",
    b"gjbwr",
    b"onan",
    b"vyr",
    b"oravz",
    b"frava",
    b"bynenx",
    b"zvfva",
    b"ynmvz",
    b"nzn",
    b"gebat",
    b"aunh",
    b"gurb",
    b"xuv",
    b"nau",
    b"kva",
    b"gbv",
    b"unl",
    b"gva",
    b"lnat",
    b"qna",
    b"naqn",
    b"gvqnx",
    b"haghx",
    b"qnev",
    b"qratna",
    b"fnln",
    b"vav",
    b"vgh",
    b"frzhn",
    b"nqnynu",
    b"bpu",
    b"ngg",
    b"qrg",
    b"vagr",
    b"nyyn",
    b"zvt",
    b"qva",
    b"fbz",
    b"pner",
    b"crageh",
    b"gbngr",
    b"fhag",
    b"gryy",
    b"fubj",
    b"ubj",
    b"znxr",
    b"jevgr",
    b"hfre",
    b"tvir",
    b"arrq",
    b"jnag",
    b"jnf",
    b"ohg",
    b"nobhg",
    b"bhe",
    b"juvpu",
    b"hfr",
    b"jub",
    b"jbhyq",
    b"pbhyq",
    b"vagb",
    b"gurl",
    b"gov",
    b"oaa",
    b"xuoat",
    b"iov",
    b"zog",
    b"auuat",
    b"gue",
    b"xuah",
    b"ual",
    b"aay",
    b"atuov",
    b"pui",
    b"qaa",
    b"gea",
    b"yov",
    b"pau",
    b"uov",
    b"phat",
    b"ztn",
    b"vgb",
    b"xhat",
    b"uvaqv",
    b"nxva",
    b"vlbat",
    b"ynung",
    b"onat",
    b"vfnat",
    b"ibpe",
    b"cbqr",
    b"aab",
    b"phay",
    b"hfhnevb",
    b"chrqrf",
    b"dhe",
    b"icva",
    b"arqve",
    b"aba",
    b"cre",
    b"cvh",
    b"xoaara",
    b"zopugr",
    b"qra",
    b"qrz",
    b"fvaq",
    b"jreqra",
    b"nirm",
    b"jura",
    b"gurer",
    b"unf",
    b"unq",
    b"gurve",
    b"gura",
    b"nfx",
    b"nafjre",
    b"cnffjbeq",
    b"flfgrz",
    b"ubjrire",
    b"orpnhfr",
    b"bayl",
    b"bgure",
    b"fbzr",
    b"zbfg",
    b"irel",
    b"whfg",
    b"yvxr",
    b"gvzr",
    b"ove",
    b"vcva",
    b"tvov",
    b"qnun",
    b"byna",
    b"xnqne",
    b"ohah",
    b"cbx",
    b"qrgvy",
    b"dhrfgb",
    b"dhnyv",
    b"hfnaqb",
    b"qryy",
    b"ghggv",
    b"qnzzv",
    b"baqr",
    b"fboer",
    b"gbqbf",
    b"phny",
    b"qnynz",
    b"gragnat",
    b"xngn",
    b"znnnev",
    b"zbat",
    b"xnaafg",
    b"rvara",
];
/// The stretch that may be ROT13.
#[derive(Debug, Default)]
pub(super) struct Rotated {
    stretch: Stretch,
}

impl Rotated {
    pub(super) fn live(&self) -> Option<usize> {
        self.stretch.start()
    }

    /// A word ended; `known` says that it is one of the rules in ROT13.
    #[inline]
    pub(super) fn word(&mut self, word: Word<'_>, known: bool, context: &mut Context<'_>) {
        // Two letters are a word of some language in ROT13 too often.
        let sign = known && word.text.len() > 2 || word.letters && is_common(word.text);
        if let Some(ended) = self.stretch.word((word.start, word.end), sign, context) {
            read(&ended, context);
        }
    }

    /// The byte at `i` belongs to no word.
    #[inline]
    pub(super) fn gap(&mut self, i: usize, context: &mut Context<'_>) {
        if let Some(ended) = self.stretch.gap(i, context) {
            read(&ended, context);
        }
    }

    pub(super) fn close(&mut self, end: usize, context: &mut Context<'_>) {
        if let Some(ended) = self.stretch.close(end, context) {
            read(&ended, context);
        }
    }
}

#[inline]
fn is_common(word: &[u8]) -> bool {
    let [first, second, ..] = word else { return false };
    STARTS.may_begin(*first, *second) && COMMON.iter().any(|common| word.eq_ignore_ascii_case(common))
}

const STARTS: Starts = Starts::of(&COMMON);

/// Reads a stretch; before its first sign only injection is looked for, since that may have been let pass.
fn read(ended: &Ended, context: &mut Context<'_>) {
    let Ended { from, start, end } = *ended;
    let text = context.text.slice(from, end);
    // ROT13 leaves letters with marks alone, which are folded to ASCII here, but not letters that are disguised beside it, which are most then.
    let marked: Vec<bool> = (from..end).map(|at| context.text.width(at) > 1).collect();
    let letters = || text.iter().zip(&marked).filter(|(byte, _)| byte.is_ascii_alphabetic());
    let rotates_marked = letters().filter(|(_, marked)| **marked).count() * 2 > letters().count();
    let rotated =
        |(byte, marked): (&u8, &bool)| if *marked && !rotates_marked { *byte } else { rotate(*byte) };
    let text: Vec<u8> = text.iter().zip(&marked).map(rotated).collect();
    let way = Way::blocks(0, text.len(), (1, 1));
    let family = Category::known("prompt_injection");
    let counts = |found: &Finding| from + found.span.start >= start || family.covers(&found.category);
    View::new(Encoding::Rot13, text, way).report(from, counts, context);
}

/// ROT13 of an ASCII letter; other bytes stay.
pub(crate) const fn rotate(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => (byte - b'a' + 13) % 26 + b'a',
        b'A'..=b'Z' => (byte - b'A' + 13) % 26 + b'A',
        _ => byte,
    }
}

#[cfg(test)]
mod tests {
    use super::super::MAX_SHORT;
    use super::*;

    #[test]
    fn common_words_fit() {
        assert!(COMMON.iter().all(|word| word.len() <= MAX_SHORT && is_common(word)));
        assert!(is_common(b"Gur") && !is_common(b"The") && !is_common(b"Gu") && !is_common(b""));
    }
}
