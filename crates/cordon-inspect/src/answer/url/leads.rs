//! Parameters of an address that say where it leads, or what it fetches.

use super::authority::Authority;
use crate::answer::hosts::Hosts;

/// The hundredths of another host that is written as one, with a scheme or strokes.
pub(super) const WRITTEN: u32 = 75;
/// Of one that is a name with dots only: names of files and of people have them too, so it is flagged and not blocked.
const DOTTED: u32 = 60;

/// Names of those parameters, in small letters, without strokes between their words.
const LEADING: [&str; 34] = [
    "url",
    "uri",
    "rurl",
    "u",
    "to",
    "dest",
    "desturl",
    "destination",
    "redirect",
    "redirectto",
    "redirecturi",
    "redirecturl",
    "return",
    "returnto",
    "returnuri",
    "returnurl",
    "next",
    "nexturl",
    "goto",
    "go",
    "target",
    "link",
    "continue",
    "forward",
    "href",
    "src",
    "source",
    "image",
    "imageurl",
    "img",
    "imgurl",
    "proxy",
    "remote",
    "fetch",
];
/// What names of hosts end with, of those that no files do: generic domains, those reserved for examples, and countries.
const DOMAINS: &str = "com net org edu gov mil int info biz name pro mobi io co tv me dev app xyz top site online shop store \
    club live cloud page link click icu vip fun space website tech host press agency digital network systems email world \
    today news blog wiki work works example test invalid localhost \
    ac ad ae af ag al am ao ar at au az ba bb bd be bf bg bh bi bj bn bo br bt bw by bz ca cd cf cg ch ci cl cm cn \
    cr cu cv cy cz de dk dz ec ee eg es et eu fi fj fr ga ge gh gl gm gn gr gt gy hk hn hr ht hu id ie il in iq ir is it \
    je jm jo jp ke kg kh kr kw kz la lb li lk lr ls lt lu lv ly ma mc mg mk mn mr mt mu mv mw mx my mz na ng ni nl no np \
    nr nu nz om pa pe ph pk pt pw qa re ro ru rw sa sc sd se sg si sk sl sm sn sr su sv sy tg th tj tk tm tn tr tt tw \
    tz ua ug uk us uy uz va ve vn ws ye za zm zw";

/// How bad it is that a parameter which says where an address leads names another host, with a scheme or without.
pub(super) fn names_host(pair: &[u8], hosts: &Hosts) -> Option<u32> {
    let at = pair.iter().position(|byte| *byte == b'=')?;
    let (name, value) = pair.split_at_checked(at)?;
    let value = value.get(1..).unwrap_or_default();
    let plain = name.iter().filter(|byte| !matches!(byte, b'_' | b'-')).map(u8::to_ascii_lowercase);
    if !LEADING.iter().any(|leads| leads.bytes().eq(plain.clone())) {
        return None;
    }
    let scheme = super::scheme(value).filter(|scheme| scheme.to_ascii_lowercase().starts_with(b"http"));
    let rest = value.get(scheme.map_or(0, |scheme| scheme.len() + 1)..).unwrap_or_default();
    let strokes = rest.iter().take_while(|byte| matches!(byte, b'/' | b'\\')).count();
    if scheme.is_none() && strokes == 1 {
        return None;
    }
    let authority = Authority::read(rest.get(strokes..).unwrap_or_default());
    let host = authority.host_text();
    let percent = if scheme.is_some() && !host.is_empty() || strokes > 1 {
        WRITTEN
    } else if !value.contains(&b'@') && (is_name(host) || is_address(host)) {
        DOTTED
    } else {
        return None;
    };
    (hosts.allow(host) == Some(false)).then_some(percent)
}

fn is_name(host: &str) -> bool {
    let last = host.rsplit_once('.').map(|(_, last)| last.to_ascii_lowercase());
    last.is_some_and(|last| DOMAINS.split_whitespace().any(|domain| domain == last))
}

fn is_address(host: &str) -> bool {
    let is_number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    host.split('.').count() == 4 && host.split('.').all(is_number)
}
