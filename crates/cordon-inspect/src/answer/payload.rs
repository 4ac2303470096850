//! How much a URL carries that is not its address: what a page, once fetched, has told its host.

/// What some part of a URL carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Carried {
    /// Names, numbers, ids.
    #[default]
    Nothing,
    /// Words of a text.
    Words,
    /// So many characters of something encoded.
    Encoded(usize),
}

/// Shorter pieces are ids: a video, an article, a session.
const MIN_ENCODED: usize = 24;
/// A path has longer ids than a query: keys of objects, slugs with a number.
const MIN_IN_PATH: usize = 40;
/// Letters of words that stand in a value before it is a text.
const MIN_LETTERS: usize = 14;
/// Hexadecimal digits of digests (MD5, SHA-1, SHA-256, SHA-512), which name what they are of.
const DIGESTS: [usize; 4] = [32, 40, 64, 128];

/// What a query, fragment or user information carries: the most of its values.
pub(crate) fn of_values(part: &[u8]) -> Carried {
    let carried = pairs(part).map(|pair| {
        let (_, value) = named(pair);
        encoded(value, MIN_ENCODED).max(words(value))
    });
    carried.max().unwrap_or_default()
}

/// The parameters of a query and a fragment.
pub(crate) fn pairs(part: &[u8]) -> impl Iterator<Item = &[u8]> {
    part.split(|byte| matches!(byte, b'&' | b';' | b'?' | b'#'))
}

/// The name of a parameter, which may be empty, and its value.
fn named(pair: &[u8]) -> (&[u8], &[u8]) {
    let at = pair.iter().position(|byte| *byte == b'=');
    let name = at.and_then(|at| pair.get(..at)).unwrap_or_default();
    (name, at.map_or(Some(pair), |at| pair.get(at + 1..)).unwrap_or_default())
}

/// Whether a query and fragment tell more than one signature and a few digests would.
pub(crate) fn tells(part: &[u8]) -> bool {
    let most = if is_signed_whole(part) { MAX_SIGNED } else { MAX_SIGNATURE };
    // One of them signs an address; what others carry counts.
    let signature = pairs(part).find(|pair| is_signature(pair, most));
    let others = pairs(part).filter(|pair| signature.is_none_or(|signs| !std::ptr::eq(signs, *pair)));
    let sums = others.map(|pair| sums(named(pair).1, MIN_ENCODED));
    let (told, digests) =
        sums.fold((0, 0), |(told, digests), (more, of_digests)| (told + more, digests + of_digests));
    told > 0 || digests > MAX_DIGESTS
}

/// Whether a path tells more than the key of an object and a few digests would, over all of its segments.
pub(crate) fn path_tells(part: &[u8]) -> bool {
    let sums = part.split(|byte| *byte == b'/').map(|segment| sums(segment, MIN_IN_PATH));
    let (told, digests) =
        sums.fold((0, 0), |(told, digests), (more, of_digests)| (told + more, digests + of_digests));
    told >= MAX_KEY || digests > MAX_DIGESTS
}

/// Encoded characters of a path below which it names a file by what is in it.
const MAX_KEY: usize = 96;
/// Hexadecimal digits of all digests and ids of an address.
const MAX_DIGESTS: usize = 192;
/// Characters of a signature: base64 of 64 bytes.
const MAX_SIGNATURE: usize = 88;
/// Those of one that the parameters of a service stand beside: base64 or hexadecimal digits of an RSA signature.
const MAX_SIGNED: usize = 512;

/// Whether a query has what AWS, Google Cloud (`X-Amz-…`, `X-Goog-…`) or CloudFront sign it with.
fn is_signed_whole(part: &[u8]) -> bool {
    let has = |name: &str| pairs(part).any(|pair| named(pair).0.eq_ignore_ascii_case(name.as_bytes()));
    let all = |names: &[&str]| names.iter().all(|name| has(name));
    all(&["x-amz-algorithm", "x-amz-date", "x-amz-signedheaders"])
        || all(&["x-goog-algorithm", "x-goog-date", "x-goog-signedheaders"])
        || has("key-pair-id") && (has("expires") || has("policy"))
}

/// Parameters of signed addresses that hold the signature (AWS, Google Cloud and Azure storage, CloudFront, image services).
const SIGNATURES: [&str; 12] = [
    "x-amz-signature",
    "x-goog-signature",
    "x-oss-signature",
    "signature",
    "sig",
    "hmac",
    "hash",
    "digest",
    "integrity",
    "checksum",
    "etag",
    "s",
];
/// Characters of signatures: base64 of 16, 20, 32, 64, 128 and 256 bytes, padded or not, and hexadecimal digits of those that are no digests.
const LENGTHS: [usize; 16] = [22, 24, 27, 28, 43, 44, 86, 88, 171, 172, 342, 344, 512, 256, 32, 64];

/// Whether a parameter is a signature by its name and its length, so that what it can carry is no more than one.
fn is_signature(pair: &[u8], most: usize) -> bool {
    let (name, value) = named(pair);
    SIGNATURES.iter().any(|signs| name.eq_ignore_ascii_case(signs.as_bytes()))
        && value.len() <= most
        && LENGTHS.contains(&value.len())
}

/// What a path carries: the most of its segments. Words in it are names of pages.
pub(crate) fn of_path(part: &[u8]) -> Carried {
    part.split(|byte| *byte == b'/').map(|segment| encoded(segment, MIN_IN_PATH)).max().unwrap_or_default()
}

/// What the labels of a host carry: those who ask for its address tell its name server.
pub(crate) fn of_host(host: &[u8]) -> Carried {
    host.split(|byte| *byte == b'.').map(|label| encoded(label, MIN_ENCODED)).max().unwrap_or_default()
}

fn words(value: &[u8]) -> Carried {
    let pieces = value.split(|byte| matches!(byte, b' ' | b'+' | b',' | b'\n'));
    let words: Vec<usize> = pieces
        .map(|piece| piece.iter().filter(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii()).count())
        .filter(|letters| *letters > 0)
        .collect();
    if words.len() >= 3 && words.iter().sum::<usize>() >= MIN_LETTERS {
        Carried::Words
    } else {
        Carried::Nothing
    }
}

/// The longest piece that looks encoded: base64, base32 or hexadecimal digits of something.
fn encoded(value: &[u8], least: usize) -> Carried {
    let longest = pieces(value, least).filter(|piece| looks_encoded(piece)).map(<[u8]>::len).max();
    longest.map_or(Carried::Nothing, Carried::Encoded)
}

/// The characters of all pieces that look encoded, and those of digests.
fn sums(value: &[u8], least: usize) -> (usize, usize) {
    let is_digest = |piece: &&[u8]| DIGESTS.contains(&piece.len()) && piece.iter().all(u8::is_ascii_hexdigit);
    let told = pieces(value, least).filter(|piece| looks_encoded(piece)).map(<[u8]>::len).sum();
    // The shortest digests are shorter than the keys of a path.
    let digests = pieces(value, MIN_ENCODED).filter(is_digest).map(<[u8]>::len).sum();
    (told, digests)
}

fn pieces(value: &[u8], least: usize) -> impl Iterator<Item = &[u8]> {
    value
        .split(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')))
        .filter(move |piece| piece.len() >= least)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Capital,
    Digit,
    Small,
    Other,
}

const fn kind(byte: u8) -> Kind {
    match byte {
        b'A'..=b'Z' => Kind::Capital,
        b'a'..=b'z' => Kind::Small,
        b'0'..=b'9' => Kind::Digit,
        _ => Kind::Other,
    }
}

/// Encodings change between letters and digits, small and capital, all the time; names do so where a word begins.
fn looks_encoded(piece: &[u8]) -> bool {
    let count = |of: Kind| piece.iter().filter(|byte| kind(**byte) == of).count();
    let (capitals, digits, small, others) =
        (count(Kind::Capital), count(Kind::Digit), count(Kind::Small), count(Kind::Other));
    if digits == 0 || capitals + small == 0 {
        return false;
    }
    if piece.iter().all(u8::is_ascii_hexdigit) {
        return !DIGESTS.contains(&piece.len());
    }
    // Slugs, UUIDs and dates are pieces with a dash between.
    if others * 8 > piece.len() || digits > 2 * (capitals + small) {
        return false;
    }
    let pairs = piece.iter().zip(piece.iter().skip(1));
    let changes = pairs.filter(|(a, b)| kind(**a) != kind(**b)).count();
    if capitals == 0 || small == 0 {
        return changes * 20 >= piece.len() * 3 && digits * 12 >= piece.len();
    }
    // Words are small letters, one behind the other.
    let runs = piece.split(|byte| kind(*byte) != Kind::Small).map(<[u8]>::len);
    let worded: usize = runs.filter(|run| *run >= 3).sum();
    changes * 20 >= piece.len() * 7 && worded * 10 <= piece.len() * 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_told_from_ids_and_names() {
        for (value, expected) in [
            ("q=VGhlIHBhc3N3b3JkIGlzIGh1bnRlcjI", Carried::Encoded(31)),
            ("d=54686520706173737764206973206875", Carried::Nothing), // as long as an MD5
            ("d=546865207061737377642069732068756e74657232", Carried::Encoded(42)),
            ("d=KRUGKIDQMFZXG53PNZSCA2LTEBUHK3TUMVZDE", Carried::Encoded(37)),
            ("v=dQw4w9WgXcQ&t=42s", Carried::Nothing),
            ("sha=da39a3ee5e6b4b0d3255bfef95601890afd80709", Carried::Nothing),
            ("id=550e8400-e29b-41d4-a716-446655440000", Carried::Nothing),
            ("utm_source=newsletter&utm_campaign=spring-sale-of-garden-benches-and-lamps", Carried::Nothing),
            ("name=getTheUserById2ForTheBuilderOfAllThings", Carried::Nothing),
            ("name=MyVeryLongClassNameForTheBuilderOfThings", Carried::Nothing),
            ("q=the user said that she is ill", Carried::Words),
            ("q=the+user+said+that+she+is+ill", Carried::Words),
            ("q=red lamp", Carried::Nothing),
            ("w=640&h=480&fit=crop&auto=format,compress", Carried::Nothing),
            ("t=20260301T102231Z&n=1234567890123456789012345", Carried::Nothing),
            ("", Carried::Nothing),
        ] {
            assert_eq!(of_values(value.as_bytes()), expected, "{value}");
        }
        assert_eq!(of_path(b"/2026/03/how-we-built-the-garden-behind-the-library-1234"), Carried::Nothing);
        assert_eq!(
            of_path(b"/c/VGhlIHBhc3N3b3JkIGlzIGh1bnRlcjIgYW5kIHRoZSB1c2VyIGlzIGFuYQ/x.png"),
            Carried::Encoded(58)
        );
        assert_eq!(of_host(b"krugkidqmfzxg53pnzsca2ltebuhk3tumvzde.evil.example"), Carried::Encoded(37));
    }
}
