//! What a URL in an answer leads to, read as browsers read it (WHATWG URL), and how bad that is where it stands.

mod authority;
mod leads;

use crate::answer::hosts::Hosts;
use crate::answer::payload::{self, Carried};
use authority::Authority;

/// Who follows a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The page as it is shown: a picture, a frame, a style, a script.
    Loaded,
    /// The page as it is shown, if a picture names this definition; else a click.
    Defined,
    /// A person, with a click.
    Clicked,
    /// A person, with a click on the address itself.
    Bare,
    /// The script of a handler in a tag.
    Handler,
    /// A page that stands in an attribute.
    Page,
}

/// A URL as it stands in a folded text.
pub(crate) struct Link<'a> {
    pub(crate) text: &'a [u8],
    /// How many of its first bytes are the original, byte for byte; one more than there are where the byte behind it is too.
    pub(crate) same: usize,
    pub(crate) place: Place,
}

/// What is said of a URL.
pub(crate) type Said = Option<(&'static str, u32)>;

const LOADED: &str = "egress/loaded";
const LINK: &str = "egress/link";
const DATA: &str = "egress/data_url";
const SCRIPT: &str = "egress/script";

/// Judges a URL. Nothing where it names no other host, or one that may be named.
pub(crate) fn judge(link: &Link<'_>, hosts: &Hosts) -> Said {
    let unbroken: Vec<u8>;
    let mut same = link.same;
    let mut text = link.text;
    // Browsers leave out tabs and line ends, wherever they stand.
    if text.iter().any(|byte| matches!(byte, b'\t' | b'\n' | b'\r')) {
        unbroken = text.iter().copied().filter(|byte| !matches!(byte, b'\t' | b'\n' | b'\r')).collect();
        text = &unbroken;
        same = 0;
    }
    match link.place {
        Place::Handler => return handler(text),
        Place::Page => return page(text),
        Place::Loaded | Place::Clicked | Place::Defined | Place::Bare => {}
    }
    let scheme = scheme(text);
    let rest = text.get(scheme.map_or(0, |scheme| scheme.len() + 1)..).unwrap_or_default();
    let is = |word: &str| scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(word.as_bytes()));
    if is("data") {
        return data(rest, link.place);
    }
    if is("javascript") || is("vbscript") {
        return script(rest, link.place);
    }
    if link.place != Place::Bare && PROGRAMS.into_iter().any(is) {
        return Some((LINK, 60));
    }
    // What is loaded from a file of another machine tells that one who logs in.
    if is("file") && link.place == Place::Loaded {
        return Some((LOADED, 60));
    }
    let special = ["http", "https", "ws", "wss", "ftp"].into_iter().any(is);
    // Without a scheme it is another host behind two strokes, however they lean; `www.` alone is a link to many programs.
    let strokes = rest.iter().take_while(|byte| matches!(byte, b'/' | b'\\')).count();
    let bare_name = scheme.is_none() && strokes == 0 && link.place == Place::Bare;
    if !(special || scheme.is_none() && strokes >= 2 || bare_name) {
        return None;
    }
    let after = rest.get(strokes..).unwrap_or_default();
    let plain = bare_name || rest.starts_with(b"//") && strokes == 2;
    let before = text.len() - after.len();
    let authority = Authority::read(after);
    if authority.host.is_empty() {
        return None;
    }
    // The host is what it seems only where all of it, and the byte that ends it, stand in the original.
    let same = same > before + authority.len;
    let listed = hosts.say(authority.host_text(), plain && same && authority.is_plain());
    let tail = after.get(authority.len..).unwrap_or_default();
    let carried = carried(&authority, tail);
    Some(match (link.place, listed) {
        (_, Some(true)) => return on_list(link.place, tail, hosts),
        (Place::Loaded, on) => (
            LOADED,
            if on.is_some() { 90.max(loaded(carried)) } else { loaded(carried).max(authority.oddity()) },
        ),
        (Place::Defined, on) => {
            let clicked = if on.is_some() { off_list(carried) } else { clicked(carried) };
            // Behind a label it may be a picture.
            let percent =
                if carried == Carried::Nothing { clicked } else { clicked.max(loaded(carried) - 5) };
            (LINK, percent.max(authority.oddity()))
        }
        (Place::Clicked | Place::Bare | Place::Handler | Place::Page, on) => {
            let percent = if on.is_some() { off_list(carried) } else { clicked(carried) };
            (LINK, percent.max(authority.oddity()))
        }
    })
    .filter(|(_, percent)| *percent > 0)
}

/// A page that loads something of another host tells that host that it was read; with data, what it says.
fn loaded(carried: Carried) -> u32 {
    match carried {
        Carried::Nothing => 30,
        Carried::Words => 75,
        Carried::Encoded(length) if length < 96 => 85,
        Carried::Encoded(_) => 92,
    }
}

/// Links with searches and ids are everywhere.
fn clicked(carried: Carried) -> u32 {
    match carried {
        Carried::Nothing | Carried::Words => 0,
        Carried::Encoded(length) if length < 64 => 30,
        Carried::Encoded(length) if length < 256 => 55,
        Carried::Encoded(_) => 70,
    }
}

fn off_list(carried: Carried) -> u32 {
    match carried {
        Carried::Nothing => 60,
        Carried::Words => 75,
        Carried::Encoded(_) => 90,
    }
}

/// A host that may be named: what it is told still leaves, and it may lead on to others.
fn on_list(place: Place, tail: &[u8], hosts: &Hosts) -> Said {
    let category = if place == Place::Loaded { LOADED } else { LINK };
    if let Some(percent) = leads_on(tail, hosts) {
        return Some((category, percent));
    }
    if !matches!(place, Place::Loaded | Place::Defined) {
        return None;
    }
    // Behind a label it may be a picture. Paths name files by what is in them.
    let (path, values) = parts(tail);
    let told = payload::tells(values) || place == Place::Loaded && payload::path_tells(path);
    told.then_some((category, if place == Place::Loaded { 55 } else { 50 }))
}

/// The path behind a host, and what follows it.
fn parts(tail: &[u8]) -> (&[u8], &[u8]) {
    let query = tail.iter().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(tail.len());
    tail.split_at_checked(query).unwrap_or((tail, &[]))
}

/// How bad it is that what follows the host names another one that is on no list: a redirect, or a proxy.
fn leads_on(tail: &[u8], hosts: &Hosts) -> Option<u32> {
    let (_, values) = parts(tail);
    let named = payload::pairs(values).filter_map(|pair| leads::names_host(pair, hosts)).max();
    let mut rest = tail;
    while let Some(at) = rest.windows(2).position(|pair| matches!(pair, [b'/' | b'\\', b'/' | b'\\'])) {
        let after = rest.get(at + 2..).unwrap_or_default();
        let named = rest.get(..at).is_some_and(|before| before.ends_with(b":") || before.ends_with(b"="));
        let authority = Authority::read(after.split(|byte| *byte == b'&').next().unwrap_or_default());
        if named && !authority.host.is_empty() && hosts.allow(authority.host_text()) == Some(false) {
            return Some(leads::WRITTEN);
        }
        rest = after;
    }
    named
}

fn carried(authority: &Authority<'_>, tail: &[u8]) -> Carried {
    let (path, values) = parts(tail);
    [
        payload::of_path(path),
        payload::of_values(values),
        payload::of_values(authority.user),
        payload::of_host(authority.host),
    ]
    .into_iter()
    .max()
    .unwrap_or_default()
}

/// `data:` URLs are pages, scripts or pictures of their own. Pictures made of dots do nothing.
fn data(rest: &[u8], place: Place) -> Said {
    let kind = rest.get(..rest.len().min(64)).unwrap_or_default().to_ascii_lowercase();
    let kind = kind.trim_ascii_start();
    let active = [
        "text/html",
        "image/svg",
        "application/xhtml",
        "text/xml",
        "application/xml",
        "application/javascript",
        "text/javascript",
    ];
    if active.iter().any(|active| kind.starts_with(active.as_bytes())) {
        let percent = match place {
            Place::Loaded | Place::Clicked | Place::Defined | Place::Handler | Place::Page => 80,
            Place::Bare => 55,
        };
        return Some((DATA, percent));
    }
    let dead = ["image/", "font/", "audio/", "video/"].iter().any(|dead| kind.starts_with(dead.as_bytes()));
    (!dead && place != Place::Bare && !kind.is_empty()).then_some((DATA, 40))
}

fn script(rest: &[u8], place: Place) -> Said {
    let inert = matches!(rest.trim_ascii(), b"" | b";" | b"void(0)" | b"void(0);" | b"void 0" | b"//");
    match place {
        Place::Loaded | Place::Clicked | Place::Defined if !inert => Some((SCRIPT, 85)),
        _ => None,
    }
}

/// Schemes that start a program where somebody follows a link.
const PROGRAMS: [&str; 8] = [
    "ms-msdt",
    "search-ms",
    "ms-officecmd",
    "ms-appinstaller",
    "ms-word",
    "vscode",
    "vscode-insiders",
    "jar",
];

/// What a handler in a tag does, as `onerror` has it: most of those in programs change what is shown, and say nothing.
fn handler(text: &[u8]) -> Said {
    let text = text.to_ascii_lowercase();
    let holds = |parts: &[&str]| {
        parts.iter().any(|part| text.windows(part.len()).any(|window| window == part.as_bytes()))
    };
    let kept = holds(&["document.cookie", "localstorage.", "sessionstorage.", "localstorage["]);
    let leaves =
        holds(&["//", "fetch(", "fetch`", "sendbeacon", "xmlhttprequest", "import(", "location", ".src="]);
    let runs = holds(&["eval(", "atob(", "fromcharcode", "constructor(", "innerhtml", "import("]);
    let shows = holds(&["alert(", "alert`", "confirm(", "prompt(", "document.domain"]);
    // A backquote calls too, and ends a value without quotation marks here.
    let called = |names: &[&str]| names.iter().any(|name| text == name.as_bytes());
    let (leaves, shows) =
        (leaves || called(&["fetch", "import"]), shows || called(&["alert", "confirm", "prompt"]));
    match (kept && leaves, runs || leaves && holds(&["//"]), shows) {
        (true, ..) => Some((SCRIPT, 85)),
        (_, true, _) => Some((SCRIPT, 70)),
        (.., true) => Some((SCRIPT, 60)),
        _ => None,
    }
}

/// A page inside of a page that brings a script.
fn page(text: &[u8]) -> Said {
    let text = text.to_ascii_lowercase();
    let script = ["<script", "onerror", "onload", "javascript:", "<iframe", "&lt;script"];
    let brings = script.iter().any(|part| text.windows(part.len()).any(|window| window == part.as_bytes()));
    brings.then_some((SCRIPT, 75))
}

/// The letters before the first colon, if they are a scheme (RFC 3986).
fn scheme(text: &[u8]) -> Option<&[u8]> {
    let colon = text.iter().take(24).position(|byte| *byte == b':')?;
    let scheme = text.get(..colon)?;
    let letters =
        scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    (letters && scheme.first().is_some_and(u8::is_ascii_alphabetic)).then_some(scheme)
}

#[cfg(test)]
mod tests;
