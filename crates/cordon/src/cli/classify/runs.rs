//! Runs of printable characters in bytes of which nothing else is known, in ASCII and in UTF-16 of either order.

/// Characters that a run has at least; shorter ones are chance.
const SHORTEST: usize = 6;
/// Characters that are handed on of one file.
const MOST: usize = 8 << 20;
/// Characters of a run that are handed on together, so that little is kept of a long one.
const PIECE: usize = 4 << 10;

/// How characters lie in the bytes.
#[derive(Clone, Copy)]
enum Form {
    Ascii,
    /// Two bytes each, of which the one that is not the character is zero; from this byte on, so that both orders and both
    /// ways to be aligned are read.
    Wide(usize),
}

/// Hands on each run, with a line break behind it: the runs of ASCII, then those of UTF-16, each in the order of the bytes.
pub(super) fn each(bytes: &[u8], mut take: impl FnMut(&str)) {
    let mut left = MOST;
    // A character before its zero and one behind it are the same runs, but for the byte at the border.
    for form in [Form::Ascii, Form::Wide(0), Form::Wide(1)] {
        let mut run = Run::default();
        match form {
            Form::Ascii => bytes.iter().for_each(|byte| step(&mut run, Some(*byte), &mut left, &mut take)),
            Form::Wide(from) => {
                for pair in bytes.get(from..).unwrap_or_default().chunks_exact(2) {
                    let character = match pair {
                        [byte, 0] | [0, byte] => Some(*byte),
                        _ => None,
                    };
                    step(&mut run, character, &mut left, &mut take);
                }
            }
        }
        step(&mut run, None, &mut left, &mut take);
    }
}

/// What of a run has not been handed on yet.
#[derive(Default)]
struct Run {
    text: String,
    /// Whether what stood before it has been.
    goes_on: bool,
}

/// Takes one character, or what ends a run.
fn step(run: &mut Run, character: Option<u8>, left: &mut usize, take: &mut impl FnMut(&str)) {
    let character = character.filter(|byte| matches!(byte, b' '..=b'~' | b'\t'));
    if let Some(byte) = character {
        run.text.push(char::from(byte));
        if run.text.len() < PIECE {
            return;
        }
    } else {
        if run.text.len() < SHORTEST && !run.goes_on {
            return run.text.clear();
        }
        run.text.push('\n');
    }
    run.goes_on = character.is_some();
    if run.text.len() <= *left {
        *left -= run.text.len();
        take(&run.text);
    }
    run.text.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(bytes: &[u8]) -> String {
        let mut all = String::new();
        each(bytes, |run| all.push_str(run));
        all
    }

    #[test]
    fn runs_are_found_in_any_form_and_short_ones_are_not() {
        assert_eq!(runs(b"\x01hello!\x02short\xff"), "hello!\n");
        let little: Vec<u8> = "secret".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "secret".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for wide in [little, big] {
            for before in [b"\x01\x02".as_slice(), b"\x01\x02\x03"] {
                let found = runs(&[before, &wide, b"\x01\x02\x03"].concat());
                assert!(found.contains("secret\n"), "{found:?}");
            }
        }
    }

    #[test]
    fn what_is_handed_on_is_bounded_and_long_runs_are_whole() {
        let long = "a".repeat(3 * PIECE + 5);
        assert_eq!(runs(long.as_bytes()), format!("{long}\n"));
        assert!(runs(&vec![b'a'; MOST + (1 << 20)]).len() <= MOST);
    }
}
