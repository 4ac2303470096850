//! IP addresses of both versions (RFC 791, RFC 4291).

use super::{before, context_has, is_glued, is_word, value};
use crate::detector::IP;
use crate::segment::{Candidate, Value};

/// What four numbers are behind these is no address.
const VERSION: [&str; 9] =
    ["version", "v", "release", "section", "chapter", "build", "firmware", "fw", "driver"];
/// Four numbers of one digit are a section more often than an address, unless one of these stands before them.
const ADDRESSED: [&str; 16] = [
    "ip",
    "ips",
    "address",
    "addr",
    "client",
    "host",
    "server",
    "dns",
    "nameserver",
    "resolver",
    "ping",
    "from",
    "gateway",
    "curl",
    "ssh",
    "traceroute",
];

pub(super) fn find_v4(candidate: &Candidate<'_>, out: &mut Vec<Value>) {
    let text = candidate.text;
    let mut i = 0;
    while i < text.len() {
        let starts = text.get(i).is_some_and(u8::is_ascii_digit)
            && !is_glued(candidate, i)
            && !matches!(before(candidate, i), Some(b'.' | b'-'));
        if !starts {
            i += 1;
            continue;
        }
        let end = i + text
            .get(i..)
            .unwrap_or_default()
            .iter()
            .take_while(|b| b.is_ascii_digit() || **b == b'.')
            .count();
        let run = text.get(i..end).unwrap_or_default();
        let trimmed = run.strip_suffix(b".").unwrap_or(run);
        let parsed = std::str::from_utf8(trimmed).ok().and_then(|s| s.parse::<std::net::Ipv4Addr>().ok());
        if let Some(address) = parsed.filter(|_| !is_word(text.get(end).copied())) {
            let version = context_has(candidate, i, 16, &VERSION);
            let percent = match address {
                _ if version => 20,
                _ if address.is_loopback() || address.is_unspecified() => 20,
                // A mask of a network, or the address of all (RFC 919).
                _ if address.octets().first() == Some(&255) => 20,
                _ if (address.is_private() || address.is_link_local())
                    && context_has(candidate, i, 32, &["ip", "ips", "address", "addr", "client"]) =>
                {
                    60
                }
                _ if address.is_private() || address.is_link_local() || address.is_multicast() => 45,
                _ if address.octets().iter().all(|octet| *octet < 10)
                    && !context_has(candidate, i, 32, &ADDRESSED) =>
                {
                    40
                }
                _ => 85,
            };
            out.push(value(i, i + trimmed.len(), IP, "pii/ip", percent));
        }
        i = end.max(i + 1);
    }
}

pub(super) fn find_v6(candidate: &Candidate<'_>, out: &mut Vec<Value>) {
    let text = candidate.text;
    let part = |b: &u8| b.is_ascii_hexdigit() || matches!(b, b':' | b'.');
    let mut i = 0;
    while i < text.len() {
        let length = text.get(i..).unwrap_or_default().iter().take_while(|b| part(b)).count();
        let run = text.get(i..i + length).unwrap_or_default();
        if (8..=46).contains(&length) && !is_glued(candidate, i) && !is_word(text.get(i + length).copied()) {
            let trimmed = run
                .strip_suffix(b".")
                .or_else(|| run.strip_suffix(b":").filter(|r| !r.ends_with(b":")))
                .unwrap_or(run);
            let parsed = std::str::from_utf8(trimmed).ok().and_then(|s| s.parse::<std::net::Ipv6Addr>().ok());
            let groups = trimmed.iter().filter(|b| **b == b':').count();
            if let Some(address) = parsed.filter(|_| groups >= 3 && trimmed.iter().any(u8::is_ascii_digit)) {
                let local = address.is_loopback() || address.is_unspecified() || address.is_multicast();
                out.push(value(i, i + trimmed.len(), IP, "pii/ip", if local { 30 } else { 85 }));
            }
        }
        i += length.max(1);
    }
}
