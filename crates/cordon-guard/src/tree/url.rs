//! URLs that the provider would fetch on the caller's behalf.
//!
//! A caller could make it fetch from the provider's own network or, with a model that runs in-house, from ours. Names
//! are resolved by who fetches, so a public name with a private address is for that side to refuse; what can be seen
//! here is refused here.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// What a text in a place for URLs is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reference<'a> {
    /// A `data:` URL whose payload is media: which, and how long. `head` is everything before the payload.
    Media { head: &'a str, payload: &'a str },
    /// A URL to a public host.
    Remote,
    /// Anything else: a text.
    Other,
}

/// Why a URL is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UrlError {
    #[error("the URL's scheme is not http, https or data")]
    Scheme,
    #[error("the URL has a user name or password")]
    UserInfo,
    #[error("the URL's host is not written plainly")]
    Host,
    #[error("the URL's host is private")]
    Private,
}

/// Reads a text in a place for URLs.
pub(crate) fn reference(text: &str) -> Result<Reference<'_>, UrlError> {
    let Some((scheme, rest)) = text.split_once(':') else { return Ok(Reference::Other) };
    if scheme.is_empty()
        || !scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    {
        // White space before the scheme is skipped by lenient readers, and so is none of ours.
        return if scheme.trim() == scheme { Ok(Reference::Other) } else { Err(UrlError::Scheme) };
    }
    match scheme.to_ascii_lowercase().as_str() {
        "data" => Ok(media(text)),
        "http" | "https" => remote(rest).map(|()| Reference::Remote),
        _ => Err(UrlError::Scheme),
    }
}

/// Base64 as those read it who are lenient: without white space (RFC 2045, section 6.8), and in a URL without percent signs.
pub(crate) fn tight(base64: &str) -> Cow<'_, str> {
    if !base64.bytes().any(|b| b.is_ascii_whitespace() || b == b'%') {
        return Cow::Borrowed(base64);
    }
    let mut pieces = base64.split('%');
    let mut tight = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        // What stands for no character stays, and is no base64 then.
        let code = piece
            .split_at_checked(2)
            .and_then(|(code, rest)| Some((u8::from_str_radix(code, 16).ok()?, rest)));
        match code.filter(|(code, _)| code.is_ascii()) {
            Some((code, rest)) => {
                tight.push(char::from(code));
                tight.push_str(rest);
            }
            None => {
                tight.push('%');
                tight.push_str(piece);
            }
        }
    }
    tight.retain(|c| !c.is_ascii_whitespace());
    Cow::Owned(tight)
}

/// Whether base64 text begins as media of a known kind does. Anything else is text in disguise.
pub(crate) fn is_media(base64: &str) -> bool {
    let base64 = &*tight(base64);
    // PNG, JPEG, GIF, RIFF (WAV, WebP), PDF, ID3 (MP3), MPEG audio frames, Ogg, FLAC, Matroska, ZIP with the documents that are
    // one, compound files, Rich Text.
    const HEADS: [&str; 16] = [
        "iVBORw0KGgo",
        "/9j/",
        "R0lGOD",
        "UklGR",
        "JVBERi0",
        "SUQz",
        "//sw",
        "//uQ",
        "//vQ",
        "//NE",
        "T2dnUw",
        "ZkxhQ",
        "GkXfo",
        "UEsDB",
        "0M8R4KGxGuE",
        "e1xydGY",
    ];
    // ISO media (MP4, M4A): a 24-bit length of zeros, and `ftyp` at byte 4.
    let iso = base64.starts_with("AAAA") && base64.get(6..10) == Some("Z0eX");
    (iso || HEADS.iter().any(|head| base64.starts_with(head)))
        && base64.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'-' | b'_'))
}

/// Media type and payload of a `data:` URL in base64.
pub(crate) fn packed(text: &str) -> Option<(&str, &str)> {
    let (scheme, _) = text.split_at_checked(5).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("data:"))?;
    let (head, payload) = text.strip_prefix(scheme)?.split_once(',')?;
    let (said, coding) = head.rsplit_once(';')?;
    coding.trim().eq_ignore_ascii_case("base64").then_some((said, payload))
}

/// Media type and bytes of a `data:` URL that is not in base64 (RFC 2397): as they are, or with percent signs.
pub(crate) fn written(text: &str) -> Option<(Option<&str>, Vec<u8>)> {
    let (scheme, rest) = text.split_at_checked(5)?;
    if !scheme.eq_ignore_ascii_case("data:") || packed(text).is_some() {
        return None;
    }
    let (head, payload) = rest.split_once(',').unwrap_or((rest, ""));
    let said = head.split(';').next().map(str::trim).filter(|said| !said.is_empty());
    let mut pieces = payload.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let code = piece
            .split_at_checked(2)
            .filter(|(code, _)| code.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|(code, rest)| Some((u8::from_str_radix(code, 16).ok()?, rest)));
        match code {
            Some((byte, rest)) => {
                bytes.push(byte);
                bytes.extend_from_slice(rest.as_bytes());
            }
            None => {
                bytes.push(b'%');
                bytes.extend_from_slice(piece.as_bytes());
            }
        }
    }
    Some((said, bytes))
}

/// The media type that stands before a payload.
pub(crate) fn media_type(head: &str) -> Option<&str> {
    let (_, said) = head.split_once(':')?;
    said.split(';').next().filter(|said| !said.is_empty())
}

fn media(text: &str) -> Reference<'_> {
    match text.split_once(',') {
        Some((head, payload)) if packed(text).is_some() && is_media(payload) => {
            Reference::Media { head, payload }
        }
        _ => Reference::Other,
    }
}

fn remote(after_scheme: &str) -> Result<(), UrlError> {
    // RFC 3986 needs the two slashes; lenient readers take fewer, more, or backslashes, and then see another host.
    let rest = after_scheme.strip_prefix("//").ok_or(UrlError::Host)?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(UrlError::UserInfo);
    }
    if let Some(literal) = authority.strip_prefix('[') {
        let (address, port) = literal.split_once(']').ok_or(UrlError::Host)?;
        check_port(port)?;
        let address: Ipv6Addr = address.parse().map_err(|_| UrlError::Host)?;
        return if is_public(IpAddr::V6(address)) { Ok(()) } else { Err(UrlError::Private) };
    }
    let (host, port) = match authority.find(':') {
        Some(at) => authority.split_at_checked(at).unwrap_or((authority, "")),
        None => (authority, ""),
    };
    check_port(port)?;
    // Percent escapes, full-width digits and the like are ways to write a host that looks like another one.
    if host.is_empty() || !host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
    {
        return Err(UrlError::Host);
    }
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    match host.parse::<Ipv4Addr>() {
        Ok(address) if is_public(IpAddr::V4(address)) => return Ok(()),
        Ok(_) => return Err(UrlError::Private),
        Err(_) => {}
    }
    // A last label that is a number is an address in one of the old forms (`2130706433`, `127.1`, `0x7f.1`).
    let last = host.rsplit('.').next().unwrap_or_default();
    let hexadecimal =
        last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    if hexadecimal || (!last.is_empty() && last.bytes().all(|b| b.is_ascii_digit())) {
        return Err(UrlError::Private);
    }
    // Names without a dot, and those that RFC 6761, RFC 6762, RFC 8375 and ICANN keep for private use.
    const PRIVATE: [&str; 8] =
        ["localhost", "local", "internal", "arpa", "lan", "intranet", "corp", "private"];
    if !host.contains('.') || PRIVATE.contains(&last) {
        return Err(UrlError::Private);
    }
    Ok(())
}

fn check_port(port: &str) -> Result<(), UrlError> {
    let digits = port.strip_prefix(':').unwrap_or(port);
    if digits.bytes().all(|b| b.is_ascii_digit()) { Ok(()) } else { Err(UrlError::Host) }
}

/// Whether an address is one of the public Internet (IANA special-purpose registries of RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_documentation()
                || v4.is_multicast()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 192 && b == 88 && c == 99)
                || (a == 198 && (18..20).contains(&b)))
        }
        IpAddr::V6(v6) => {
            let [a, b, c, d, e, f, g, h] = v6.segments();
            let embedded = |high: u16, low: u16| {
                let ([w, x], [y, z]) = (high.to_be_bytes(), low.to_be_bytes());
                is_public(IpAddr::V4(Ipv4Addr::new(w, x, y, z)))
            };
            match (a, b) {
                // IPv4-mapped, and the prefix of NAT64 (RFC 6052): the address inside counts.
                (0, 0) if (c, d, e, f) == (0, 0, 0, 0xffff) => embedded(g, h),
                (0x64, 0xff9b) if (c, d, e, f) == (0, 0, 0, 0) => embedded(g, h),
                // 6to4 (RFC 3056).
                (0x2002, _) => embedded(b, c),
                // Documentation, Teredo, and everything else below 2001:200::.
                (0x2001, 0..0x200 | 0xdb8) => false,
                // Global unicast is 2000::/3.
                _ => (0x2000..0x4000).contains(&a) && a != 0x3fff,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_hosts_are_refused_however_they_are_written() {
        let refused = [
            "http://127.0.0.1/x",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://169.254.169.254/latest/meta-data",
            "https://10.0.0.1",
            "https://192.168.1.1:8443/",
            "http://100.64.0.1/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://[64:ff9b::a00:1]/",
            "http://[2002:a00:1::]/",
            "http://[fe80::1]/",
            "http://[fd00::1]/",
            "http://localhost/",
            "http://a.localhost/",
            "http://metadata.google.internal/",
            "http://printer.local/",
            "http://intranet/",
            "http://localhost./",
            "http://user@example.com/",
            "http://example.com@10.0.0.1/",
            "http:/10.0.0.1/",
            "http:\\\\10.0.0.1\\",
            "http://10.0.0.1\\@example.com/",
            "http://１２７.0.0.1/",
            "http://%31%32%37.0.0.1/",
            "http://0.0.0.0/",
            "http:///x",
            "http://",
            "file:///etc/passwd",
            "gopher://example.com/",
            "ftp://a.example/",
            " http://10.0.0.1/",
            "HTTP://LOCALHOST/",
            "http://example.com:8a/",
        ];
        for url in refused {
            assert!(reference(url).is_err(), "{url}");
        }
    }

    #[test]
    fn public_hosts_pass() {
        for url in [
            "https://example.com/a.png",
            "http://8.8.8.8/",
            "https://[2606:4700::1111]/",
            "https://a.example.co.uk:8443/x",
            "https://upload.example.org/a:b@c.png",
            "HTTPS://EXAMPLE.COM",
        ] {
            assert_eq!(reference(url), Ok(Reference::Remote), "{url}");
        }
    }

    #[test]
    fn what_a_data_url_says_is_read() {
        assert_eq!(
            packed("DATA:text/csv;charset=utf-8;BASE64,YQ=="),
            Some(("text/csv;charset=utf-8", "YQ=="))
        );
        assert_eq!(packed("data:text/csv,a"), None);
        assert_eq!(packed("datä"), None);
        for (text, said, bytes) in [
            ("data:text/csv;charset=utf-8,a%2Cb%0a1", Some("text/csv"), &b"a,b\n1"[..]),
            ("DATA:,%ff%zz%+1%", None, b"\xff%zz%+1%"),
            ("data:text/csv", Some("text/csv"), b""),
        ] {
            assert_eq!(written(text), Some((said, bytes.to_vec())));
        }
        assert_eq!((written("data:;base64,YQ=="), written("https://a.example/")), (None, None));
        assert_eq!(media_type("data:image/png;base64"), Some("image/png"));
        assert_eq!(media_type("data:;base64"), None);
    }

    #[test]
    fn only_payloads_that_are_media_go_unseen() {
        let png = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==";
        assert!(matches!(reference(png), Ok(Reference::Media { .. })));
        for text in
            ["data:,4111111111111111", "data:image/png;base64,QUtJQUlPU0ZPRE5ON0VYQU1QTEU=", "4111", "a b"]
        {
            assert_eq!(reference(text), Ok(Reference::Other), "{text}");
        }
    }
}
