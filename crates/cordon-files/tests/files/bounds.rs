//! What files cost, and that nothing hides behind the bounds.

use cordon_files::{Claim, Limits, Reason, Report};

use crate::support::{
    accepted, classes, inspect, office,
    pdf::{Pdf, line, packed},
    refused, zip,
};

fn within(name: &str, bytes: &[u8], limits: &Limits) -> Report {
    cordon_files::inspect(bytes, &Claim { name: Some(name), media_type: None }, limits)
}

#[test]
pub(crate) fn what_stands_behind_a_flood_is_seen() {
    let mut entries: Vec<(String, &[u8])> =
        (0..300).map(|at| (format!("{at}.html"), b"<!-- c -->".as_slice())).collect();
    entries.push(("z.html".into(), b"<script>x</script>"));
    let entries: Vec<(&str, &[u8])> =
        entries.iter().map(|(name, content)| (name.as_str(), *content)).collect();
    let report = refused("a.zip", &zip::of(&entries), Reason::Script);
    assert!(report.unlisted > 0 && report.seen.len() <= Report::MOST_SEEN);
    let script = Reason::Script.category();
    assert!(report.findings(1).iter().any(|finding| finding.category == script));
}

#[test]
pub(crate) fn a_first_code_at_the_end_of_its_range_is_no_panic() {
    for font in [
        "<< /Type /Font /Subtype /Type1 /FirstChar 4294967295 /Widths [1 2 3] >>",
        "<< /Type /Font /Subtype /Type0 /DescendantFonts [<< /W [4294967295 [1 2 3]] >>] >>",
    ] {
        let mut pdf = Pdf::page(&line("x"), "");
        pdf.objects[4] = font.as_bytes().to_vec();
        inspect("a.pdf", &pdf.bytes());
    }
}

#[test]
pub(crate) fn what_codes_stand_for_is_bounded() {
    let mut pdf = Pdf::page(&line(&"a".repeat(2000)), "");
    pdf.objects[4] = b"<< /Type /Font /Subtype /TrueType /ToUnicode 6 0 R >>".to_vec();
    let map = format!("1 beginbfchar <61> <{}> endbfchar", "0041".repeat(100_000));
    let pdf = pdf.and(packed("", map.as_bytes()));
    // 2,000 codes of at most 512 bytes of UTF-16 each.
    let report = within("a.pdf", &pdf.bytes(), &Limits { decoded: 2 << 20, ..Limits::default() });
    assert!(!report.has(Reason::Bomb), "{:?}", report.seen);
    assert_eq!(report.segments[0].text.len(), 2000 * 256);
    refused_within("a.pdf", &pdf.bytes(), &Limits { decoded: 600 << 10, ..Limits::default() }, Reason::Bomb);
}

#[track_caller]
fn refused_within(name: &str, bytes: &[u8], limits: &Limits, reason: Reason) {
    let report = within(name, bytes, limits);
    assert!(report.has(reason), "{reason:?} not among {:?}", report.seen);
    classes::bad(name, reason);
}

#[test]
pub(crate) fn objects_that_are_one_piece_of_a_stream_are_charged_each() {
    let count = 500;
    let pairs: String = (0..count).map(|at| format!("{} 0 ", 100 + at)).collect();
    let content = format!("{pairs}({})", "x".repeat(10_000));
    let dictionary = format!("/Type /ObjStm /N {count} /First {}", pairs.len());
    let bytes = Pdf::page("", "").and(packed(&dictionary, content.as_bytes())).bytes();
    refused_within("a.pdf", &bytes, &Limits { decoded: 1 << 20, ..Limits::default() }, Reason::Bomb);
}

#[test]
pub(crate) fn pieces_of_a_page_are_bounded() {
    let limits = Limits { things: 1000, ..Limits::default() };
    refused_within(
        "a.pdf",
        &Pdf::page(&format!("[{}]", "1 ".repeat(9000)), "").bytes(),
        &limits,
        Reason::TooMany,
    );
    let letters = format!("BT /F1 12 Tf {} ET", "(x) Tj ".repeat(2000));
    refused_within("a.pdf", &Pdf::page(&letters, "").bytes(), &limits, Reason::TooMany);
    accepted("a.pdf", &Pdf::page(&letters, "").bytes());
    // Those of one operator are held, not those of the page.
    let lines = "0 0 m 9 9 l S ".repeat(5000);
    assert!(within("a.pdf", &Pdf::page(&lines, "").bytes(), &limits).seen.is_empty());
}

#[test]
pub(crate) fn what_costs_time_is_counted() {
    // Records that name one header with a long extra field.
    let mut one = zip::Entry::stored("a", b"");
    one.local_name = vec![b'a'; 60_000];
    let entries: Vec<zip::Entry> =
        (0..100).map(|at| zip::Entry { offset: (at > 0).then_some(0), ..one.clone() }).collect();
    assert!(inspect("a.zip", &zip::zip(&entries)).work > 100 * 60_000);
    // Streams that each begin anew.
    let streams = (0..500).fold(Pdf::page("", ""), |pdf, _| pdf.and(packed("/Type /ObjStm /N 0", b"")));
    let none = (0..500).fold(Pdf::page("", ""), |pdf, _| pdf.and(packed("/N 0", b"")));
    let (some, none) = (inspect("a.pdf", &streams.bytes()).work, inspect("a.pdf", &none.bytes()).work);
    assert!(some > none + 500 * 2048, "{some} {none}");
    // Letters before many shapes.
    let shapes = "0 0 9 9 re f ".repeat(256);
    let letters = format!("BT /F1 12 Tf {} ET", "1 0 0 1 72 700 Tm (x) Tj ".repeat(5000));
    let both = inspect("a.pdf", &Pdf::page(&format!("{shapes}{letters}"), "").bytes()).work;
    let letters = inspect("a.pdf", &Pdf::page(&letters, "").bytes()).work;
    assert!(both > letters + 5000 * 60, "{both} {letters}");
}

#[test]
pub(crate) fn large_documents_are_not_too_many_things() {
    let cells = "<c r=\"A1\"><v>1</v></c>".repeat(1000);
    let sheet = format!("<row>{cells}</row>").repeat(150);
    assert!(!inspect("a.xlsx", &office::xlsx(&sheet, &[], "", &[])).has(Reason::TooMany));
    let text = office::paragraph("", "x").repeat(100_000);
    assert!(!inspect("a.docx", &office::docx(&text, &[])).has(Reason::TooMany));
    let tags: String = (0..1000).map(|_| "<< /S /P /P 1 0 R /K [0 1 2 3 4 5] >> ".to_owned()).collect();
    let pdf = (0..60).fold(Pdf::page(&line("x"), ""), |pdf, _| pdf.and(format!("[{tags}]")));
    accepted("a.pdf", &pdf.bytes());
}

#[test]
pub(crate) fn of_a_text_that_is_too_long_the_beginning_is_read() {
    let limits = Limits { text: 1_000, ..Limits::default() };
    let text = "é".repeat(501);
    let claim = Claim { name: Some("a.txt"), media_type: None };
    let report = cordon_files::inspect(text.as_bytes(), &claim, &limits);
    assert!(report.has(Reason::NotInspected));
    classes::bad("a.txt", Reason::NotInspected);
    accepted("a.txt", text.as_bytes());
    assert_eq!(report.segments.iter().map(|segment| segment.text.len()).sum::<usize>(), 1_000);
}
