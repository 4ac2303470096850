//! A first look that keeps most words away from a list: with which two letters its words begin.

/// For each first letter, the second letters: the low five bits of both, so that the letters' case does not matter.
pub(crate) struct Starts([u32; 32]);

impl Starts {
    /// Of words of two or more letters.
    pub(crate) const fn of(mut words: &[&[u8]]) -> Self {
        let mut table = [0_u32; 32];
        while let Some((word, after)) = words.split_first() {
            if let [one, two, ..] = word {
                let (mut first, mut letters) = (0_u8, table.as_mut_slice());
                while let Some((slot, others)) = letters.split_first_mut() {
                    if first == *one & 31 {
                        *slot |= 1 << (*two & 31);
                    }
                    first += 1;
                    letters = others;
                }
            }
            words = after;
        }
        Self(table)
    }

    /// Whether a word of the list may begin so.
    #[inline]
    pub(crate) fn may_begin(&self, first: u8, second: u8) -> bool {
        self.0.get(usize::from(first & 31)).is_some_and(|seconds| seconds & 1 << (second & 31) != 0)
    }
}
