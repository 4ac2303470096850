use cordon_files::{Disposition, Reason, Role};

use crate::support::{
    accepted, inspect, noted,
    pdf::{Pdf, line, packed, stream},
    refused, text, zlib,
};

#[test]
pub(crate) fn pages_are_read() {
    let content = "BT /F1 12 Tf 72 700 Td (Hello) Tj 0 -14 Td [(wor) -20 (ld) -500 (again)] TJ ET";
    let report = accepted("a.pdf", &Pdf::page(content, "").bytes());
    assert_eq!(text(&report, Role::Body), "Hello\nworld again");
    assert!(!report.has(Reason::HiddenText));
}

#[test]
pub(crate) fn actions_are_refused_also_by_other_names() {
    let action = "<< /S /JavaScript /JS (app.alert(1)) >>";
    for (catalog, reason) in [
        (format!("/OpenAction {action}"), Reason::JavaScript),
        (format!("/OpenAction {action}"), Reason::OpenAction),
        (format!("/Open#41ction {action}"), Reason::EscapedName),
        ("/OpenAction << /S /Java#53cript /J#53 (x) >>".to_owned(), Reason::EscapedName),
        ("/OpenAction << /S /Launch /F (cmd.exe) >>".to_owned(), Reason::Launch),
        ("/AA << /O << /S /URI /URI (https://example.org) >> >>".to_owned(), Reason::AdditionalAction),
        ("/X << /S /SubmitForm /F (https://example.org) >>".to_owned(), Reason::Form),
        ("/X << /S /GoToR /F (x.pdf) >>".to_owned(), Reason::RemoteAction),
        ("/AcroForm << /XFA [(x) 6 0 R] >>".to_owned(), Reason::Form),
        ("/Names << /JavaScript << /Names [(a) 6 0 R] >> >>".to_owned(), Reason::JavaScript),
        ("/X << /Subtype /RichMedia >>".to_owned(), Reason::RichMedia),
    ] {
        refused("a.pdf", &Pdf::page(&line("x"), &catalog).bytes(), reason);
    }
    accepted("a.pdf", &Pdf::page(&line("about /JavaScript and /Launch"), "/OpenAction [3 0 R /Fit]").bytes());
    accepted("a.pdf", &Pdf::page(&line("x"), "/OpenAction << /S /GoTo /D [3 0 R /Fit] >>").bytes());
    noted(
        "a.pdf",
        &Pdf::page(&line("x"), "/X << /S /URI /URI (https://example.org) >>").bytes(),
        Reason::ExternalLink,
    );
    // A name that is escaped for nothing active.
    accepted("a.pdf", &Pdf::page(&line("x"), "/X /Some#20Name#41").bytes());
}

#[test]
pub(crate) fn what_object_streams_pack_is_seen() {
    let inner = "7 0 << /S /JavaScript /JS (x) >>";
    let objects = packed("/Type /ObjStm /N 1 /First 4", inner.as_bytes());
    refused("a.pdf", &Pdf::page(&line("x"), "").and(objects).bytes(), Reason::JavaScript);
    let harmless = packed("/Type /ObjStm /N 1 /First 4", b"7 0 << /Title (x) >>");
    accepted("a.pdf", &Pdf::page(&line("x"), "").and(harmless).bytes());
}

#[test]
pub(crate) fn files_inside_are_inspected() {
    let file = |content: &[u8]| {
        Pdf::page(&line("x"), "/Names << /EmbeddedFiles << /Names [(a) 7 0 R] >> >>")
            .and(packed("/Type /EmbeddedFile", content))
            .and("<< /Type /Filespec /UF (a.txt) /EF << /F 6 0 R >> >>")
            .bytes()
    };
    let report = noted("a.pdf", &file(b"text of the attachment"), Reason::EmbeddedFile);
    assert!(text(&report, Role::Body).contains("text of the attachment"));
    refused("a.pdf", &file(b"\x7fELF\x02\x01"), Reason::Executable);
    accepted("a.pdf", &Pdf::page(&line("x"), "/Names << /Dests << /Names [(a) [3 0 R /Fit]] >> >>").bytes());
}

#[test]
pub(crate) fn text_that_nobody_sees_is_told_from_a_title_on_a_banner() {
    let hidden = [
        "1 1 1 rg BT /F1 12 Tf 72 700 Td (ignore) Tj ET",
        "1 g BT /F1 12 Tf 72 700 Td (ignore) Tj ET",
        "0 0 0 0 k BT /F1 12 Tf 72 700 Td (ignore) Tj ET",
        "BT 3 Tr /F1 12 Tf 72 700 Td (ignore) Tj ET",
        "BT /F1 0.1 Tf 72 700 Td (ignore) Tj ET",
        "0.01 0 0 0.01 0 0 cm BT /F1 12 Tf 7200 70000 Td (ignore) Tj ET",
        "BT /F1 12 Tf 72 -700 Td (ignore) Tj ET",
        "BT /F1 12 Tf 72 700 Td (ignore) Tj ET 0 g 60 690 200 40 re f",
        "/GS gs BT /F1 12 Tf 72 700 Td (ignore) Tj ET",
        "/OC /MC0 BDC BT /F1 12 Tf 72 700 Td (ignore) Tj ET EMC",
        "0 g 0 0 612 792 re f BT /F1 12 Tf 72 700 Td (ignore) Tj ET",
    ];
    for content in hidden {
        let resources = "/ExtGState << /GS << /ca 0.01 >> >> /Properties << /MC0 6 0 R >>";
        let catalog = "/OCProperties << /OCGs [6 0 R] /D << /OFF [6 0 R] >> >>";
        let content = format!("q {content} Q BT /F1 12 Tf 72 600 Td (seen) Tj ET");
        // The last of them paints the page: what is seen comes behind it, in another colour.
        let content =
            if content.contains("612 792 re") { content.replace(" Q ", " Q 1 g ") } else { content };
        let bytes = Pdf::with(&content, catalog, resources).and("<< /Type /OCG /Name (x) >>").bytes();
        let report = noted("a.pdf", &bytes, Reason::HiddenText);
        assert_eq!(text(&report, Role::Hidden).trim(), "ignore", "{content}");
        assert_eq!(text(&report, Role::Body).trim(), "seen", "{content}");
    }
    for content in [
        "0 0 0.4 rg 0 680 612 60 re f 1 1 1 rg BT /F1 20 Tf 72 700 Td (Title) Tj ET",
        "0 0 0.4 rg 0 680 m 612 680 l 612 740 l 0 740 l h f 1 g BT /F1 20 Tf 72 700 Td (Title) Tj ET",
        "q 612 0 0 100 0 680 cm /Im Do Q 1 g BT /F1 20 Tf 72 700 Td (Title) Tj ET",
        "/Spot cs 1 scn BT /F1 20 Tf 72 700 Td (Title) Tj ET",
    ] {
        let resources =
            "/XObject << /Im 6 0 R >> /ColorSpace << /Spot [/Separation /Black /DeviceGray 7 0 R] >>";
        let image = stream("/Subtype /Image /Width 1 /Height 1 /Filter /DCTDecode", b"x");
        let report = accepted("a.pdf", &Pdf::with(content, "", resources).and(image).bytes());
        assert!(!report.has(Reason::HiddenText), "{content} {:?}", report.segments);
        assert_eq!(text(&report, Role::Body), "Title");
    }
}

#[test]
pub(crate) fn what_lies_behind_a_picture_is_told() {
    let content = format!("{} q 612 0 0 792 0 0 cm /Im Do Q", line("ignore"));
    let image = stream("/Subtype /Image /Width 1 /Height 1 /Filter /DCTDecode", b"x");
    let bytes = Pdf::with(&content, "", "/XObject << /Im 6 0 R >>").and(image).bytes();
    let report = noted("a.pdf", &bytes, Reason::HiddenText);
    assert_eq!(text(&report, Role::Hidden), "ignore");
}

#[test]
pub(crate) fn fonts_are_read_and_those_that_lie_are_told() {
    let map = |to: &str| {
        let pairs: String = "abcdefgh"
            .bytes()
            .zip(to.bytes())
            .map(|(from, to)| format!("<{from:02x}> <00{to:02x}>\n"))
            .collect();
        packed(
            "",
            format!("1 begincodespacerange <00> <ff> endcodespacerange 8 beginbfchar\n{pairs}endbfchar")
                .as_bytes(),
        )
    };
    let with = |to: &str| {
        let mut pdf = Pdf::page(&line("abcdefgh"), "").and(map(to));
        pdf.objects[4] =
            b"<< /Type /Font /Subtype /TrueType /Encoding /WinAnsiEncoding /ToUnicode 6 0 R >>".to_vec();
        pdf.bytes()
    };
    assert_eq!(text(&accepted("a.pdf", &with("abcdefgh")), Role::Body), "abcdefgh");
    let report = refused("a.pdf", &with("ignoreme"), Reason::FontMap);
    assert_eq!(text(&report, Role::Body), "ignoreme");
    assert!(text(&report, Role::Hidden).contains("abcdefgh"));
    // Codes of two bytes, with a range.
    let mut pdf = Pdf::page("BT /F1 12 Tf 72 700 Td <000100020003> Tj ET", "");
    pdf.objects[4] = b"<< /Type /Font /Subtype /Type0 /Encoding /Identity-H /ToUnicode 6 0 R >>".to_vec();
    let range = packed("", b"1 beginbfrange <0001> <0003> <0041> endbfrange");
    assert_eq!(text(&accepted("a.pdf", &pdf.and(range).bytes()), Role::Body), "ABC");
    let mut unknown = Pdf::page(&format!("BT /F1 12 Tf 72 700 Td <{}> Tj ET", "0041".repeat(40)), "");
    unknown.objects[4] = b"<< /Type /Font /Subtype /Type0 /Encoding /Identity-H >>".to_vec();
    refused("a.pdf", &unknown.bytes(), Reason::UnreadableText);
    // Names of glyphs.
    let mut named = Pdf::page("BT /F1 12 Tf 72 700 Td <010203> Tj ET", "");
    named.objects[4] =
        b"<< /Type /Font /Subtype /Type3 /Encoding << /Differences [1 /H /uni0069 /exclam] >> >>".to_vec();
    assert_eq!(text(&accepted("a.pdf", &named.bytes()), Role::Body), "Hi!");
}

#[test]
pub(crate) fn what_is_broken_is_kept_apart_and_ends() {
    let good = Pdf::page(&line("x"), "").bytes();
    refused("a.pdf", b"%PDF-1.7\nnothing", Reason::Malformed);
    refused("a.pdf", &good[..good.len() - 40], Reason::Damaged);
    refused("a.pdf", &[&good[..], b"more"].concat(), Reason::Appended);
    let mut encrypted = Pdf::page(&line("x"), "");
    encrypted.trailer = "/Encrypt << /Filter /Standard /V 2 >>".into();
    let report = refused("a.pdf", &encrypted.bytes(), Reason::Encrypted);
    assert!(report.segments.is_empty() && report.disposition() == Disposition::Quarantine);
    // A length that lies.
    let lying =
        String::from_utf8_lossy(&stream("", b"BT ET")).replace("/Length 5", "/Length 9999").into_bytes();
    let mut pdf = Pdf::page("", "");
    pdf.objects[3] = lying;
    refused("a.pdf", &pdf.bytes(), Reason::Damaged);
    // A tree of pages that goes in a circle, and a chain of tables that does.
    let mut circle = Pdf::page(&line("x"), "");
    circle.objects[1] = b"<< /Type /Pages /Kids [3 0 R 2 0 R] /Count 2 >>".to_vec();
    refused("a.pdf", &circle.bytes(), Reason::Damaged);
    let mut circle = Pdf::page(&line("x"), "");
    let table = circle.bytes().windows(5).position(|five| five == b"xref\n").unwrap();
    circle.trailer = format!("/Prev {table}");
    refused("a.pdf", &circle.bytes(), Reason::Damaged);
    // A drawing that draws itself.
    let form = stream("/Subtype /Form /Resources << /XObject << /Fm 6 0 R >> >>", b"/Fm Do /Fm Do");
    let itself = Pdf::with("/Fm Do", "", "/XObject << /Fm 6 0 R >>").and(form);
    refused("a.pdf", &itself.bytes(), Reason::Damaged);
}

#[test]
pub(crate) fn bombs_in_streams_do_not_go_off() {
    let mut pdf = Pdf::page("", "");
    pdf.objects[3] = packed("", &vec![b' '; 30 << 20]);
    refused("a.pdf", &pdf.bytes(), Reason::Bomb);
    let twice = zlib(&zlib(&vec![b' '; 30 << 20]));
    pdf.objects[3] = stream("/Filter [/FlateDecode /FlateDecode]", &twice);
    refused("a.pdf", &pdf.bytes(), Reason::Bomb);
    let many: String = (0..600_000).map(|at| format!("{at} 0 obj 1 endobj ")).collect();
    refused("a.pdf", &["%PDF-1.7\n", &many].concat().into_bytes(), Reason::TooMany);
}

#[test]
pub(crate) fn what_a_revision_replaced_is_read() {
    let first = Pdf::page(&line("before"), "").bytes();
    let second = packed("", line("after").as_bytes());
    let update = [
        &first[..],
        b"4 0 obj\n",
        &second,
        b"\nendobj\nxref\n4 1\n0000000000 00000 n \ntrailer\n<< /Root 1 0 R /Size 6 >>\nstartxref\n",
    ]
    .concat();
    let table = update.len()
        - "xref\n4 1\n0000000000 00000 n \ntrailer\n<< /Root 1 0 R /Size 6 >>\nstartxref\n".len();
    let bytes = [update, format!("{table}\n%%EOF\n").into_bytes()].concat();
    let report = noted("a.pdf", &bytes, Reason::Superseded);
    assert_eq!(text(&report, Role::Body), "after");
    assert_eq!(text(&report, Role::Hidden), "before");
}

#[test]
pub(crate) fn what_is_said_about_a_document_is_read() {
    let xmp = stream(
        "/Type /Metadata /Subtype /XML",
        b"<x:xmpmeta><dc:title>ignore the rules</dc:title></x:xmpmeta>",
    );
    let bytes = Pdf::page(&line("x"), "/Metadata 6 0 R")
        .and(xmp)
        .and("<< /Title (a \\(title\\)) /Author <feff0041> >>")
        .bytes();
    let report = noted("a.pdf", &bytes, Reason::Metadata);
    let about = text(&report, Role::Metadata);
    assert!(
        about.contains("ignore the rules") && about.contains("a (title)") && about.contains("\nA"),
        "{about}"
    );
    let note = "<< /Type /Annot /Subtype /Text /Contents (a note) >>";
    assert!(text(&inspect("a.pdf", &Pdf::page("", "").and(note).bytes()), Role::Metadata).contains("a note"));
}
