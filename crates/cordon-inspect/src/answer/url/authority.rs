//! The part of a URL that says whom it leads to.

/// Bytes of the longest host that is looked at.
const MAX_HOST: usize = 253;

/// What stands behind the two strokes, up to the path.
#[derive(Debug)]
pub(super) struct Authority<'a> {
    /// How many bytes it has.
    pub(super) len: usize,
    /// What stands before the last `@`.
    pub(super) user: &'a [u8],
    /// Whether there is an `@`.
    named: bool,
    /// The host as it is written.
    pub(super) host: &'a [u8],
    /// The host in small letters, empty where it is not of a host's letters.
    small: String,
}

impl<'a> Authority<'a> {
    pub(super) fn read(after: &'a [u8]) -> Self {
        let len =
            after.iter().position(|byte| matches!(byte, b'/' | b'\\' | b'?' | b'#')).unwrap_or(after.len());
        let all = after.get(..len).unwrap_or(after);
        let at = all.iter().rposition(|byte| *byte == b'@');
        let user = at.and_then(|at| all.get(..at)).unwrap_or_default();
        let rest = at.and_then(|at| all.get(at + 1..)).unwrap_or(all);
        // A colon inside of brackets belongs to an address of version 6.
        let port = if rest.starts_with(b"[") { None } else { rest.iter().position(|byte| *byte == b':') };
        let host = port.and_then(|port| rest.get(..port)).unwrap_or(rest);
        let letters = host.len() <= MAX_HOST
            && host.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
        let digits =
            port.and_then(|port| rest.get(port + 1..)).unwrap_or_default().iter().all(u8::is_ascii_digit);
        let small = if letters && digits {
            String::from_utf8_lossy(host).to_ascii_lowercase()
        } else {
            String::new()
        };
        Self { len, user, named: at.is_some(), host, small }
    }

    /// The host in small letters; empty where it is written with anything but a host's letters.
    pub(super) fn host_text(&self) -> &str {
        &self.small
    }

    /// Whether it is a host's name, perhaps with a port, and nothing else.
    pub(super) const fn is_plain(&self) -> bool {
        !self.named && !self.small.is_empty()
    }

    /// What the way in which it is written says by itself, in hundredths.
    pub(super) fn oddity(&self) -> u32 {
        // `https://bank.example@evil.example`: what is read first is nobody's name.
        if self.user.contains(&b'.') && !self.user.contains(&b':') {
            return 80;
        }
        let number = |label: &str| {
            !label.is_empty()
                && (label.bytes().all(|b| b.is_ascii_digit())
                    || label
                        .strip_prefix("0x")
                        .is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit())))
        };
        let labels = || self.small.split('.');
        // An address as one number, or in a radix that nobody uses: 2130706433, 0x7f.1, 0177.0.0.1.
        if !self.small.is_empty() && labels().all(number) {
            let usual =
                labels().count() == 4 && labels().all(|l| l.len() <= 3 && (l == "0" || !l.starts_with('0')));
            return if usual { 0 } else { 65 };
        }
        0
    }
}
