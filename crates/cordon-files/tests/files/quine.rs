//! A file that holds itself: gzip whose content is that same gzip, byte for byte, with the right checksum.
//!
//! The way to write one is that of R. Cox, *Zip Files All The Way Down* (2010): a program of two orders, "print the next so many bytes"
//! (a stored block) and "repeat the last so many" (a block of references), whose output is its own text.

use cordon_files::{Limits, Reason};

use crate::support::{accepted, gzip, refused, zip};

/// An order to print bytes: the head of a stored block of deflate.
fn print(length: u16) -> Vec<u8> {
    [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes()].concat()
}

/// An order to repeat the last bytes, 17 to 20 of them: two references, in five bytes like the other order.
fn repeat(length: u16) -> Vec<u8> {
    let mut bits: Vec<bool> = vec![false, true, false];
    for half in [length / 2, length - length / 2] {
        // Lengths to 10 have the codes from 257 on, in seven bits; distances from 17 to 24 have code 8 and three more bits.
        let (symbol, rest) = (half - 3 + 1, length - 17);
        bits.extend((0..7).rev().map(|bit| symbol >> bit & 1 == 1));
        bits.extend((0..5).rev().map(|bit| 8 >> bit & 1 == 1));
        bits.extend((0..3).map(|bit| rest >> bit & 1 == 1));
    }
    bits.extend([false; 7]);
    bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |all, bit| all << 1 | u8::from(*bit))).collect()
}

/// The file with this checksum at its end.
fn with_checksum(checksum: u32) -> Vec<u8> {
    // The header with a name, so long that the header and one order are as long as four orders.
    let head = b"\x1f\x8b\x08\x08\0\0\0\0\0\xffself\0".to_vec();
    let write = |length: u32| {
        let end = [&b"\x01\0\0\xff\xff"[..], &checksum.to_le_bytes(), &length.to_le_bytes()].concat();
        let (one, four, of_end) = (print(5), print(20), print(18));
        let (repeat_four, repeat_end) = (repeat(20), repeat(18));
        let nothing = print(0);
        [
            &head,
            &four,
            &head,
            &four,
            &repeat_four,
            &one,
            &repeat_four,
            &one,
            &one,
            &four,
            &repeat_four,
            &one,
            &one,
            &four,
            &repeat_four,
            &four,
            &repeat_four,
            &four,
            &repeat_four,
            &four,
            &repeat_four,
            &four,
            &repeat_four,
            &nothing,
            &nothing,
            &of_end,
            &repeat_four,
            &nothing,
            &nothing,
            &of_end,
            &repeat_end,
            &end,
            &repeat_end,
            &end,
        ]
        .map(Vec::as_slice)
        .concat()
    };
    let length = write(0).len();
    write(u32::try_from(length).unwrap())
}

/// The file whose checksum is its own: the checksum of a text is linear in the bits of the one that is written in it, so that
/// 32 equations with 32 unknowns say which.
fn quine() -> Vec<u8> {
    let of = |checksum: u32| zip::crc(&with_checksum(checksum));
    let none = of(0);
    // One row for each bit of the result: which bits of the checksum change it (those of `of`, and its own), and what it must be.
    let columns: Vec<u32> = (0..32).map(|bit| of(1 << bit) ^ none ^ 1 << bit).collect();
    let mut rows: Vec<u64> = (0..32)
        .map(|row| {
            let unknowns = (0..32_usize).filter(|bit| columns[*bit] >> row & 1 == 1).map(|bit| 1_u64 << bit);
            unknowns.sum::<u64>() | u64::from(none >> row & 1) << 32
        })
        .collect();
    for bit in 0..32 {
        let pivot = (bit..32).find(|row| rows[*row] >> bit & 1 == 1).expect("one solution");
        rows.swap(bit, pivot);
        for row in (0..32).filter(|row| *row != bit) {
            if rows[row] >> bit & 1 == 1 {
                rows[row] ^= rows[bit];
            }
        }
    }
    with_checksum((0..32).map(|bit| ((rows[bit] >> 32) as u32 & 1) << bit).sum())
}

#[test]
pub(crate) fn a_file_that_holds_itself_is_refused() {
    let bytes = quine();
    let mut unpacked = Vec::new();
    std::io::copy(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut unpacked).unwrap();
    assert!(unpacked == bytes, "it is no quine");
    let report = refused("a.gz", &bytes, Reason::NestedTooDeep);
    assert!(!report.has(Reason::Checksum) && report.work < 1_000_000, "{:?}", report.seen);
    assert!(refused("a.zip", &zip::of(&[("self.gz", &bytes)]), Reason::NestedTooDeep).work < 1_000_000);
    // However deep somebody lets it be read.
    let deep = Limits { depth: 40, ..Limits::default() };
    let report = cordon_files::inspect(&bytes, &cordon_files::Claim::default(), &deep);
    assert!(report.has(Reason::NestedTooDeep));
    accepted("a.gz", &gzip(b"itself"));
}
