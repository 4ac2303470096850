/// How versions 1 and 2 wrote a profile: counts in LEB128, registers of six bits, hashes and numbers as they are.
pub(super) struct Plain<'a> {
    rest: &'a [u8],
}

impl<'a> Plain<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*taken)
    }

    pub(super) fn count(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.bytes()?;
            let part = u64::from(byte & 0x7f);
            // The tenth byte has one bit left; only the shortest form is a number.
            if part << shift >> shift != part || (byte == 0 && shift > 0) {
                return None;
            }
            value |= part << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    pub(super) fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.count()?).ok()?;
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        String::from_utf8(text.to_vec()).ok()
    }

    pub(super) fn registers(&mut self) -> Option<Vec<u8>> {
        let mut registers = Vec::new();
        for _ in 0..512 {
            let [low, middle, high] = self.bytes()?;
            let bits = u32::from_le_bytes([low, middle, high, 0]);
            registers.extend((0..4).map(|at| u8::try_from(bits >> (6 * at) & 0x3f).unwrap_or(0)));
        }
        Some(registers)
    }
}
