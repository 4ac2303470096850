/// What one inspection may cost: the file with all that is inside of it. Memory is at most the file, `decoded`, four times
/// `text`, and 512 bytes for each of `things`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub bytes: usize,
    /// Bytes that are unpacked or decoded out of it, all together.
    pub decoded: usize,
    /// Bytes of output for each byte of input of one compressed stream; outputs below 1 MiB are exempt.
    pub ratio: usize,
    /// Bytes of text that are taken out of it.
    pub text: usize,
    /// Files inside one another: 1 is the file alone.
    pub depth: usize,
    /// Entries, objects, cells and the like. Objects may hold eight pieces each, taken all together.
    pub things: usize,
    /// Pixels of an image, all its frames together.
    pub pixels: u64,
    /// Units of work for each byte of the file and of what is decoded; a small file has a floor of 4 MiB of them.
    pub work: u64,
}

impl Limits {
    /// The most memory that one inspection takes beside the bytes of the file, in bytes.
    pub const fn memory(&self) -> usize {
        let text = self.text.saturating_mul(4);
        self.decoded.saturating_add(text).saturating_add(self.things.saturating_mul(512))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 32 << 20,
            decoded: 64 << 20,
            ratio: 250,
            text: 8 << 20,
            depth: 5,
            things: 500_000,
            pixels: 100_000_000,
            work: 64,
        }
    }
}
