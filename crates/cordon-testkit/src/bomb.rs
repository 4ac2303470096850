use std::io::Write;

/// One piece of the content, as it is repeated.
const PIECE: usize = 1 << 20;

/// A gzip-coded body that is about a thousand times smaller than what it unfolds to: `decoded` bytes of white space,
/// rounded up to whole MiB. It has no end: who reads so far has read too much.
pub fn bomb(decoded: usize) -> Vec<u8> {
    let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut piece = || {
        let before = coder.get_ref().len();
        coder.write_all(&vec![b' '; PIECE]).unwrap();
        // A flush begins a new block at a whole byte; from the second on, a block's distances reach into its like.
        coder.flush().unwrap();
        coder.get_ref()[before..].to_vec()
    };
    let (mut all, again) = (piece(), piece());
    for _ in 1..decoded.div_ceil(PIECE) {
        all.extend_from_slice(&again);
    }
    all
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    #[test]
    fn it_unfolds_to_what_it_says() {
        let bomb = super::bomb(5 << 20);
        assert!(bomb.len() < 16 << 10, "{}", bomb.len());
        let mut decoded = Vec::new();
        let end = flate2::read::GzDecoder::new(bomb.as_slice()).read_to_end(&mut decoded);
        assert!(end.is_err(), "it has no end");
        assert!(decoded.len() == 5 << 20 && decoded.iter().all(|byte| *byte == b' '), "{}", decoded.len());
    }
}
