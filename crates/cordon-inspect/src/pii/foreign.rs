//! E-mail addresses that are not of ASCII letters alone (RFC 6531, RFC 5890), and those with an apostrophe: `почта@пример.рф`,
//! `info@例え.jp`, `o'brien@example.com`.
//!
//! Such letters and marks end candidates, so that a machine of its own reads these, byte by byte. It holds back a word with such letters or an
//! apostrophe, and where there are no spaces between words the last few characters.

use std::sync::LazyLock;

use super::{email::FILES, unspaced};
use crate::fold::{FoldedText, folded};

/// Bytes of a local part (RFC 5321, section 4.5.3.1.1) and of a host (RFC 1035).
const MAX_LOCAL: usize = 64;
const MAX_HOST: usize = 255;
/// Characters of a local part where no space says where it begins.
const LAST: usize = 4;

/// Top-level domains that are not of ASCII letters (IANA's root zone): countries, and those that many names are under.
const TOP: &str = "бел бг дети ею ком мкд мон москва онлайн орг рус рф сайт срб укр қаз ελ ευ հայ გე ישראל קום \
ابوظبي الاردن البحرين الجزائر السعودية المغرب امارات ایران ايران اليمن بازار بھارت تونس سودان سورية شبكة عراق عرب عمان فلسطين قطر كوم \
مصر مليسيا موريتانيا موقع همراه پاکستان कॉम नेट भारत संगठन বাংলা ভারত ভাৰত ਭਾਰਤ ભારત ଭାରତ இந்தியா இலங்கை சிங்கப்பூர் భారత్ ಭಾರತ ഭാരതം \
ලංකා คอม ไทย ລາວ 中国 中國 公司 网络 網絡 香港 台湾 台灣 新加坡 在线 中文网 商城 网址 网站 网店 集团 我爱你 世界 移动 公益 政务 政府 机构 企业 \
みんな コム ストア クラウド 한국 닷컴 닷넷";

/// The same as they are read: without marks.
static FOLDED: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| TOP.split_ascii_whitespace().map(folded).collect());

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    /// In what may be a local part, or the end of a longer run that may be one. `own`: no candidate has it whole.
    Local { start: usize, own: bool },
    /// In letters of a script without spaces: where the last of them begin, the first of those first.
    Row([usize; LAST]),
    /// Behind the at sign, which stands at `at`.
    Host { start: usize, at: usize },
}

/// Reads such addresses.
#[derive(Debug, Default)]
pub(crate) struct Foreign(State);

impl Foreign {
    /// Where what may be an address begins.
    pub(crate) const fn live(&self) -> Option<usize> {
        match self.0 {
            State::Idle | State::Local { own: false, .. } => None,
            State::Local { start, .. } | State::Row([start, ..]) | State::Host { start, .. } => Some(start),
        }
    }

    /// Whether letters and digits change nothing, in words of which the first byte was taken.
    pub(crate) const fn is_local(&self) -> bool {
        matches!(self.0, State::Idle | State::Local { .. })
    }

    /// As the letters of a plain word that begins at `start` one by one.
    #[inline]
    pub(crate) const fn plain_word(&mut self, start: usize) {
        if !matches!(self.0, State::Local { .. }) {
            self.0 = State::Local { start, own: false };
        }
    }

    /// Takes the folded byte at `i`; the address that ended before it.
    #[inline]
    pub(crate) fn byte(&mut self, i: usize, byte: u8, text: &FoldedText) -> Option<(usize, usize)> {
        if let State::Host { start, at } = self.0 {
            if goes_on(byte) && i - at <= MAX_HOST {
                return None;
            }
            self.0 = State::Idle;
            self.begin(i, byte, text);
            return address(start, at, i, text);
        }
        self.begin(i, byte, text);
        None
    }

    fn begin(&mut self, i: usize, byte: u8, text: &FoldedText) {
        let state = match self.0 {
            // A local part is no longer.
            State::Local { start, own } => {
                State::Local { start: start.max(i.saturating_sub(MAX_LOCAL)), own }
            }
            state => state,
        };
        self.0 = match (state, byte) {
            (State::Local { start, .. } | State::Row([start, ..]), b'@') => State::Host { start, at: i },
            (State::Local { start, .. }, b'\'') if is_name(text.slice(start, i)) => {
                State::Local { start, own: true }
            }
            (state, 0x80..=0xbf) => state,
            (State::Row([_, rest @ ..]), 0xe3..=0xed) => {
                let mut last = [i; LAST];
                for (slot, start) in last.iter_mut().zip(rest) {
                    *slot = start;
                }
                State::Row(last)
            }
            (_, 0xe3..=0xed) => State::Row([i; LAST]),
            // Signs, dashes and quotation marks, and pictures.
            (_, 0xe2 | 0xee..) => State::Idle,
            (State::Local { start, .. }, 0xc0..) => State::Local { start, own: true },
            (_, 0xc0..) => State::Local { start: i, own: true },
            (State::Local { start, own }, _) if is_local(byte) => State::Local { start, own },
            (_, b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z') => State::Local { start: i, own: false },
            _ => State::Idle,
        };
    }
}

const fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-')
}

/// Whether a byte may be of a host.
const fn goes_on(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.') || byte >= 0x80
}

/// Whether a name may go on with an apostrophe here, as `O'Brien` and `j.o'neil` do; a letter before a quotation mark may be one of a program,
/// as in `f'…'`.
fn is_name(before: &[u8]) -> bool {
    before.last().is_some_and(u8::is_ascii_alphabetic)
        && !matches!(before, [b'f' | b'F' | b'b' | b'B' | b'r' | b'R' | b'u' | b'U'])
}

/// The address whose at sign stands there, if it is one that no candidate has whole.
fn address(start: usize, at: usize, end: usize, text: &FoldedText) -> Option<(usize, usize)> {
    // It may begin inside of a character.
    let local = text.slice(start, at);
    let rest = local.iter().position(|byte| !matches!(byte, 0x80..=0xbf)).unwrap_or(local.len());
    let local = std::str::from_utf8(local.get(rest..)?).ok()?;
    let of_local = |c: char| is_letter(c) || matches!(c, '.' | '_' | '%' | '+' | '-' | '\'');
    let mut own = local.rfind(|c| !of_local(c)).map_or(local, |last| {
        local
            .get(last..)
            .and_then(|rest| rest.get(rest.chars().next().map_or(0, char::len_utf8)..))
            .unwrap_or("")
    });
    // Right behind letters of a script without spaces an address in ASCII begins.
    if own.ends_with(|c: char| c.is_ascii())
        && let Some(last) = own.bytes().rposition(|byte| byte >= 0x80)
        && own.as_bytes().get(..=last).is_some_and(super::ends_unspaced)
    {
        own = own.get(last + 1..).unwrap_or("");
    }
    let own = own.trim_start_matches(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric());
    let bytes = text.slice(at + 1, end);
    let length = host(std::str::from_utf8(bytes).ok()?)?;
    let is_other = |part: &[u8]| part.iter().any(|byte| *byte >= 0x80 || *byte == b'\'');
    let other = is_other(own.as_bytes()) || bytes.get(..length).is_some_and(is_other);
    (other && !own.is_empty()).then_some((at - own.len(), at + 1 + length))
}

/// Letters, digits, and the signs of vowels that belong to letters of India.
fn is_letter(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '\u{0300}'..='\u{036f}' | '\u{0900}'..='\u{0e7f}')
}

/// How many bytes of a text are a host under a top-level domain.
fn host(text: &str) -> Option<usize> {
    let text = text.get(..text.find(|c| !(is_letter(c) || matches!(c, '-' | '.'))).unwrap_or(text.len()))?;
    let (mut from, mut end) = (0, None);
    for (at, label) in text.split('.').enumerate() {
        if label.is_empty() || label.starts_with('-') {
            break;
        }
        // Behind letters of ASCII, those of a script without spaces are what follows.
        let letters = label.bytes().position(|byte| byte >= 0x80).unwrap_or(label.len());
        let ascii = label.get(..letters).unwrap_or_default();
        let is_cut =
            letters < label.len() && label.as_bytes().get(letters).is_some_and(|first| unspaced(*first));
        if at > 0 && (letters == label.len() || is_cut) && is_ascii_top(ascii) {
            end = Some(from + letters);
            if is_cut {
                break;
            }
        } else if at > 0 && letters == 0 {
            let known = FOLDED.iter().filter(|top| {
                // What follows without a space may be of the sentence.
                let is_row = top.first().is_some_and(|first| matches!(first, 0xe3..=0xed));
                label.as_bytes().strip_prefix(top.as_slice()).is_some_and(|rest| rest.is_empty() || is_row)
            });
            end = known.map(|top| from + top.len()).max().or(end);
        }
        from += label.len() + 1;
    }
    end
}

fn is_ascii_top(label: &str) -> bool {
    let is_file = FILES.iter().any(|file| label.as_bytes().eq_ignore_ascii_case(file));
    (2..=24).contains(&label.len()) && !is_file && label.bytes().all(|byte| byte.is_ascii_alphabetic())
        || label.starts_with("xn--")
}
