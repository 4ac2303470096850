//! What a file is, and what it is said to be.

use cordon_files::{Claim, Disposition, FileType, Limits, Reason};

use crate::support::{accepted, image, inspect, pdf, pdf::Pdf, refused, zip};

#[test]
pub(crate) fn content_is_held_against_name_and_media_type() {
    let png = image::png();
    accepted("a.png", &png);
    refused("a.jpg", &png, Reason::Mismatch);
    refused("a.png", b"<?php echo 1; ?>", Reason::Mismatch);
    refused("invoice.pdf.exe", &Pdf::page("", "").bytes(), Reason::Mismatch);
    let claim = Claim { name: None, media_type: Some("image/jpeg; q=1") };
    let report = cordon_files::inspect(&png, &claim, &Limits::default());
    assert!(report.has(Reason::Mismatch) && report.file_type == FileType::Png);
    accepted("notes.md", b"# Notes\n\nplain");
    accepted("empty.txt", b"");
    refused("a.bin", &[1, 2, 3, 0, 255], Reason::UnknownType);
    refused("setup.exe", b"\x7fELF\x02\x01\x01", Reason::Executable);
    let mut program = b"MZ".to_vec();
    program.resize(0x3c, 0);
    program.extend(0x40_u32.to_le_bytes());
    program.extend(b"PE\0\0");
    refused("a.dat", &program, Reason::Executable);
    refused("gpj.\u{202e}png", &png, Reason::NameDirection);
}

#[test]
pub(crate) fn a_file_of_two_types_is_neither() {
    let archive = zip::of(&[("a.txt", b"hello")]);
    let document = Pdf::page(&pdf::line("hello"), "").bytes();
    accepted("a.pdf", &document);
    // PDF and ZIP in one.
    refused("a.pdf", &[&document[..], &archive].concat(), Reason::Polyglot);
    // HTML first, PDF behind it at offset 900.
    let mut page = b"<html><body>".to_vec();
    page.resize(900, b' ');
    page.extend(&document);
    refused("a.pdf", &page, Reason::Prepended);
    refused("a.html", &page, Reason::Prepended);
    refused("a.png", &[image::png(), archive].concat(), Reason::Polyglot);
    refused("a.gif", b"GIF89a/*\0\0\0*/=1;alert(1)//", Reason::Malformed);
}

#[test]
pub(crate) fn a_file_that_is_too_large_is_not_opened() {
    let limits = Limits { bytes: 10, ..Limits::default() };
    let report = cordon_files::inspect(b"eleven bytes", &Claim::default(), &limits);
    assert!(report.has(Reason::TooLarge) && report.segments.is_empty());
    assert_eq!(report.disposition(), Disposition::Reject);
}

#[test]
pub(crate) fn findings_name_reasons_once_and_hold_no_content() {
    let archive = zip::of(&[("../secret-name", b"x"), ("../secret-name-2", b"y")]);
    let report = inspect("a.zip", &archive);
    let findings = report.findings(archive.len());
    let traversals = findings.iter().filter(|f| f.category.as_str() == "file/archive/traversal").count();
    assert_eq!(traversals, 1);
    assert_eq!(findings[0].span.len(), archive.len());
    assert!(!format!("{:?}{:?}", report.seen, findings).contains("secret-name"));
}
