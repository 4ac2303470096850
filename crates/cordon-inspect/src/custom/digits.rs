//! Check digits by the name of their method, over what a pattern found.

use cordon_core::resource::CheckDigits;

use crate::{checksum, pii::check};

/// Most characters that are checked.
const MAX: usize = 64;

/// Whether a value has the right check digits. What is neither a letter nor a digit does not count; a value that is one digit again and again is
/// none, though many checks pass.
pub(super) fn pass(method: CheckDigits, value: &[u8]) -> bool {
    let text: Vec<u8> =
        value.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect();
    if !(2..=MAX).contains(&text.len()) || check::repeats(&text) || !value.is_ascii() {
        return false;
    }
    let only_digits = text.iter().all(u8::is_ascii_digit);
    match method {
        CheckDigits::Iban => text.len() > 4 && checksum::iban(&text),
        CheckDigits::Icao => icao(&text),
        CheckDigits::Luhn => only_digits && check::luhn(&text),
        CheckDigits::Mod11 => mod_11(&text),
        CheckDigits::Mod11And10 => only_digits && check::mod_11_10(&text),
        CheckDigits::Mod97 => mod_97(&text),
        CheckDigits::Verhoeff => only_digits && check::verhoeff(&text),
    }
}

fn icao(text: &[u8]) -> bool {
    text.split_last()
        .is_some_and(|(last, body)| last.is_ascii_digit() && check::icao(body) == u32::from(last - b'0'))
}

fn mod_11(text: &[u8]) -> bool {
    let Some((last, body)) = text.split_last() else { return false };
    let own = match last {
        b'X' => 10,
        digit if digit.is_ascii_digit() => u32::from(digit - b'0'),
        _ => return false,
    };
    let weighted =
        body.iter().rev().zip(2_u32..).map(|(byte, weight)| u32::from(byte.wrapping_sub(b'0')) * weight);
    body.iter().all(u8::is_ascii_digit) && (own + weighted.sum::<u32>()).is_multiple_of(11)
}

fn mod_97(text: &[u8]) -> bool {
    // The same check, but for its first step: what that moves to the end is put in front.
    let Some((body, tail)) = text.len().checked_sub(4).and_then(|at| text.split_at_checked(at)) else {
        return false;
    };
    checksum::iban(&[tail, body].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_pass_and_their_typos_do_not() {
        for (method, good, bad) in [
            (CheckDigits::Iban, "GB29 NWBK 6016 1331 9268 19", "GB29 NWBK 6016 1331 9268 18"),
            (CheckDigits::Icao, "L898902C36", "L898902C35"),
            (CheckDigits::Luhn, "4111-1111-1111-1111", "4111-1111-1111-1112"),
            (CheckDigits::Mod11, "0-306-40615-2", "0-306-40615-3"),
            (CheckDigits::Mod11, "0-8044-2957-X", "0-8044-2958-X"),
            (CheckDigits::Mod11And10, "07945", "07946"),
            // ISO/IEC 7064: 794 has the check digits 44.
            (CheckDigits::Mod97, "79444", "79445"),
            (CheckDigits::Verhoeff, "2363", "2364"),
        ] {
            assert!(pass(method, good.as_bytes()), "{method:?} {good}");
            assert!(!pass(method, bad.as_bytes()), "{method:?} {bad}");
        }
        assert!(
            !pass(CheckDigits::Luhn, b"0000000000")
                && !pass(CheckDigits::Luhn, b"4111x1111")
                && !pass(CheckDigits::Mod97, b"")
        );
    }
}
