use cordon_files::{FileType, Reason, Role};

use crate::support::{accepted, inspect, noted, refused, text};

fn page(body: &str) -> Vec<u8> {
    format!("<!DOCTYPE html><html><head><title>T</title></head><body>{body}</body></html>").into_bytes()
}

#[test]
pub(crate) fn pages_are_read() {
    let report = accepted("a.html", &page("<h1>Prices</h1><p>from 5 &euro; &amp; up</p>"));
    assert_eq!(report.file_type, FileType::Html);
    assert!(text(&report, Role::Body).contains("Prices\n"));
    assert!(text(&report, Role::Body).contains("& up"));
    assert_eq!(text(&report, Role::Metadata).trim(), "T");
    assert!(!report.has(Reason::HiddenText));
}

#[test]
pub(crate) fn what_acts_is_refused() {
    for (body, reason) in [
        ("<script>x()</script>", Reason::Script),
        ("<SCRIPT src=x></SCRIPT>", Reason::Script),
        ("<img src=x onerror=alert(1)>", Reason::EventHandler),
        ("<svg/onload=alert(1)>", Reason::EventHandler),
        ("<a href=\"java\tscript:x()\">y</a>", Reason::Script),
        ("<iframe src=\"https://example.org\"></iframe>", Reason::ExternalReference),
        ("<meta http-equiv=refresh content=\"0;url=https://example.org\">", Reason::ExternalReference),
        ("<object data=x></object>", Reason::ExternalReference),
    ] {
        refused("a.html", &page(body), reason);
    }
    noted("a.html", &page("<a href=\"https://example.org\">x</a>"), Reason::ExternalLink);
    accepted(
        "a.html",
        &page("<script type=\"application/ld+json\">{}</script><p>the onload event and &lt;script&gt;</p>"),
    );
}

#[test]
pub(crate) fn what_nobody_sees_is_told() {
    for body in [
        "<div style=\"display:none\">ignore</div>",
        "<p style='color:#fff'>ignore</p>",
        "<p style=\"color:white;background:#fefefe\">ignore</p>",
        "<font color=\"white\">ignore</font>",
        "<span hidden>ignore</span>",
        "<style>.x{font-size:0}</style><div class=\"a x\"><b>ignore</b></div>",
        "<style>#y { visibility: hidden }</style><i id=y>ignore</i>",
        "<div style=\"position:absolute;left:-9999px\">ignore</div>",
        "<template>ignore</template>",
        "<!-- ignore -->",
    ] {
        let report = accepted("a.html", &page(&format!("seen {body}")));
        assert_eq!(text(&report, Role::Hidden).trim(), "ignore", "{body}");
        assert_eq!(text(&report, Role::Body).trim(), "seen", "{body}");
    }
    noted("a.html", &page("seen <!-- ignore -->"), Reason::Comment);
    let report = accepted("a.html", &page("<img alt=\"ignore the rules\" src=x.png>"));
    assert!(text(&report, Role::Metadata).contains("ignore the rules"));
    for body in [
        "<div style=\"background:#003366\"><h1 style=\"color:#fff\">Title</h1></div>",
        "<style>.b{background-color:navy;color:white}</style><div class=b>Title</div>",
        "<div style=\"background:url(x.png)\"><p style=\"color:white\">Title</p></div>",
        "<table bgcolor=\"#000000\"><tr><td><font color=white>Title</font></table>",
    ] {
        let report = accepted("a.html", &page(body));
        assert!(!report.has(Reason::HiddenText) && text(&report, Role::Body).contains("Title"), "{body}");
    }
}

fn svg(inside: &str) -> Vec<u8> {
    format!("<svg xmlns=\"http://www.w3.org/2000/svg\">{inside}</svg>").into_bytes()
}

#[test]
pub(crate) fn drawings_that_act_are_refused() {
    let report =
        accepted("a.svg", &svg("<rect width=\"4\" height=\"4\"/><text>Label</text><title>Chart</title>"));
    assert_eq!(text(&report, Role::Body).trim(), "Label");
    for (inside, reason) in [
        ("<script>x()</script>", Reason::Script),
        ("<g onload=\"x()\"/>", Reason::EventHandler),
        ("<foreignObject><p>x</p></foreignObject>", Reason::ForeignObject),
        ("<image href=\"https://example.org/x.png\"/>", Reason::ExternalReference),
        ("<use xlink:href=\"https://example.org/x.svg#a\"/>", Reason::ExternalReference),
        ("<a href=\"javascript:x()\"><text>x</text></a>", Reason::Script),
        ("<set attributeName=\"href\" to=\"javascript:x()\"/>", Reason::Script),
        ("<style>@import url(https://example.org/x.css)</style>", Reason::ExternalReference),
        ("<rect style=\"fill:url(https://example.org/p)\"/>", Reason::ExternalReference),
    ] {
        refused("a.svg", &svg(inside), reason);
    }
    accepted(
        "a.svg",
        &svg("<rect style=\"fill:url(#gradient)\"/><a href=\"https://example.org\"><text>x</text></a>"),
    );
    let external = b"<?xml version=\"1.0\"?><!DOCTYPE svg [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><svg><text>&x;</text></svg>";
    refused("a.svg", external, Reason::ExternalEntity);
    let report =
        noted("a.svg", &svg("<text opacity=\"0\">ignore</text><text>seen</text>"), Reason::HiddenText);
    assert_eq!((text(&report, Role::Hidden).trim(), text(&report, Role::Body).trim()), ("ignore", "seen"));
}

#[test]
pub(crate) fn xml_is_read() {
    accepted("a.xml", b"<?xml version=\"1.0\"?><a><b c='d'>text</b></a>");
    refused(
        "a.xml",
        b"<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY l \"lol\"><!ENTITY m \"&l;&l;\">]><a>&m;</a>",
        Reason::EntityExpansion,
    );
    refused("a.xml", b"<?xml version=\"1.0\"?><a><b></a", Reason::Damaged);
    let deep = ["<?xml version='1.0'?>", &"<a>".repeat(5000), &"</a>".repeat(5000)].concat();
    refused("a.xml", deep.as_bytes(), Reason::TooDeep);
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain("<!DOCTYPE a [<!ENTITY x SYSTEM 'y'>]><a/>".encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    assert!(inspect("a.xml", &utf16).has(Reason::ExternalEntity));
}
