//! A line of a shell as words and operators. Quotation marks vanish: what they keep together is looked at word by word.

/// A word, in small letters, or an operator.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: Vec<u8>,
    pub(super) operator: bool,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The words of a line.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) words: Vec<Word>,
}

/// Words of one line that are looked at.
const MAX_WORDS: usize = 192;

impl Line {
    pub(super) fn read(left: &[u8], window: &[u8]) -> Self {
        let mut line = Self::default();
        let mut open: Option<Word> = None;
        let bytes = left.iter().chain(window).copied().enumerate();
        let mut previous = 0;
        for (i, byte) in bytes {
            // A line goes on behind a backslash, and behind an operator.
            let goes_on = byte == b'\n' && (previous == b'\\' || line.goes_on(open.as_ref()));
            let operator =
                matches!(byte, b'|' | b'&' | b';' | b'>' | b'<' | b'(' | b')' | b'`' | b'\n') && !goes_on;
            if byte.is_ascii_whitespace() || operator {
                // `$(` is one operator, and `https://a/?b&c` one word.
                let dollar = byte == b'(' && previous == b'$';
                if let Some(mut word) = open.take() {
                    if dollar || goes_on && previous == b'\\' {
                        word.text.pop();
                    }
                    if !word.text.is_empty() {
                        line.words.push(word);
                    }
                }
                if operator {
                    match line
                        .words
                        .last_mut()
                        .filter(|last| last.operator && last.end == i && doubles(&last.text, byte))
                    {
                        Some(last) => {
                            last.text.push(byte);
                            last.end = i + 1;
                        }
                        None => {
                            line.words.push(Word { text: vec![byte], operator: true, start: i, end: i + 1 });
                        }
                    }
                }
            } else if matches!(byte, b'"' | b'\'') {
                // The word may go on behind it.
            } else {
                let word =
                    open.get_or_insert_with(|| Word { text: Vec::new(), operator: false, start: i, end: i });
                word.text.push(byte.to_ascii_lowercase());
                word.end = i + 1;
            }
            previous = byte;
            if line.words.len() >= MAX_WORDS {
                return line;
            }
        }
        line.words.extend(open);
        line
    }

    /// Whether the last thing before a line end is an operator.
    fn goes_on(&self, open: Option<&Word>) -> bool {
        open.is_none() && self.words.last().is_none_or(|last| last.operator)
    }

    /// The word at a place, if it is one.
    pub(super) fn word(&self, at: usize) -> Option<&[u8]> {
        self.words.get(at).filter(|word| !word.operator).map(|word| word.text.as_slice())
    }

    /// The name of the command at a place, without its folder.
    pub(super) fn name(&self, at: usize) -> &[u8] {
        let word = self.word(at).unwrap_or_default();
        let name = word.rsplit(|byte| matches!(byte, b'/' | b'\\')).next().unwrap_or(word);
        name.strip_suffix(b".exe").unwrap_or(name)
    }

    pub(super) fn is(&self, at: usize, names: &[&str]) -> bool {
        let name = self.name(at);
        names.iter().any(|known| name == known.as_bytes())
    }

    pub(super) fn operator(&self, at: usize, signs: &[&str]) -> bool {
        self.words
            .get(at)
            .is_some_and(|word| word.operator && signs.iter().any(|sign| word.text == sign.as_bytes()))
    }

    /// The words behind a place, up to the end of its command: their places and texts.
    pub(super) fn arguments(&self, at: usize) -> impl Iterator<Item = (usize, &[u8])> {
        let words = self.words.iter().enumerate().skip(at + 1);
        let own = words
            .take_while(|(_, word)| !word.operator || matches!(word.text.as_slice(), b">" | b"<" | b">>"));
        own.filter(|(_, word)| !word.operator).map(|(at, word)| (at, word.text.as_slice()))
    }

    /// The last word of the command at a place.
    pub(super) fn end(&self, at: usize) -> usize {
        self.arguments(at).last().map_or(at, |(last, _)| last)
    }

    /// Whether a word from a place on holds a text.
    pub(super) fn holds(&self, from: usize, text: &str) -> Option<usize> {
        let holds = |word: &Word| word.text.windows(text.len()).any(|window| window == text.as_bytes());
        let mut words = self.words.iter().enumerate().skip(from);
        words.find(|(_, word)| holds(word)).map(|(at, _)| at)
    }
}

fn doubles(operator: &[u8], byte: u8) -> bool {
    operator.len() == 1 && operator.first() == Some(&byte) && matches!(byte, b'|' | b'&' | b'>')
}

/// Whether a text holds another.
pub(super) fn holds(text: &[u8], part: &str) -> bool {
    text.windows(part.len()).any(|window| window == part.as_bytes())
}
