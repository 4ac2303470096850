//! A long text as pieces that a detector takes.

/// What two pieces have in common at most, in bytes.
const MOST_OVERLAP: usize = 512;

/// Pieces of at most `most` bytes, which must be 16 or more, each with where it begins. Two neighbours share a quarter of that or
/// 512 bytes, whichever is less, so that what is no longer stands whole in one of them; a character is never cut.
pub(super) fn windows(text: &str, most: usize) -> impl Iterator<Item = (usize, &str)> {
    let most = most.max(16);
    let overlap = (most / 4).min(MOST_OVERLAP);
    let mut next = Some(0_usize);
    std::iter::from_fn(move || {
        let start = next?;
        let end = text.floor_char_boundary(start.saturating_add(most));
        // A piece is longer than three quarters of `most` less a character, so the next one begins behind this one's beginning.
        next = (end < text.len()).then(|| text.floor_char_boundary(end.saturating_sub(overlap)));
        Some((start, text.get(start..end)?))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_text_is_one_piece() {
        assert_eq!(windows("abc", 16).collect::<Vec<_>>(), [(0, "abc")]);
        assert_eq!(windows("", 16).collect::<Vec<_>>(), [(0, "")]);
    }

    proptest! {
        #[test]
        fn what_is_no_longer_than_the_overlap_stands_whole_in_a_piece(
            text in "[a-zé漢🙂]{0,300}", most in 16..200_usize, at in 0..1000_usize, length in 0..50_usize,
        ) {
            let pieces: Vec<_> = windows(&text, most).collect();
            let mut reached = 0;
            for (start, piece) in &pieces {
                prop_assert!(piece.len() <= most);
                prop_assert!(*start <= reached, "nothing is left out");
                prop_assert_eq!(text.get(*start..*start + piece.len()), Some(*piece));
                reached = start + piece.len();
            }
            prop_assert_eq!(reached, text.len());
            let from = text.floor_char_boundary(at.min(text.len()));
            // A character may be lost at the border.
            let to = text.floor_char_boundary((from + length.min((most / 4).min(512))).min(text.len()));
            let whole = |(start, piece): &(usize, &str)| *start <= from && to <= start + piece.len();
            prop_assert!(pieces.iter().any(whole), "{from}..{to} of {pieces:?}");
        }
    }
}
