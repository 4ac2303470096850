//! Known ways around an inspection, each of which must end at the same reason as the plain form.

use cordon_files::{Reason, Role};

use crate::support::{
    accepted, compound, image, inspect, office,
    pdf::{Pdf, line, packed, stream},
    refused, tar, text, zip,
};

#[test]
pub(crate) fn kinds_of_actions_are_found_behind_references_and_repeated_keys() {
    for (catalog, reason) in [
        ("/X << /S 6 0 R /F (cmd.exe) >>", Reason::Launch),
        ("/X << /S /Launch /F (cmd.exe) /S /GoTo >>", Reason::Launch),
        ("/X << /S /GoTo /F (cmd.exe) /S /Launch >>", Reason::Launch),
    ] {
        refused("a.pdf", &Pdf::page(&line("x"), catalog).and("/Launch").bytes(), reason);
    }
    refused("a.pdf", &Pdf::page("", "/X << /Subtype 6 0 R >>").and("/RichMedia").bytes(), Reason::RichMedia);
    let untyped = packed("/N 1 /First 4", b"7 0 << /S /JavaScript /JS (x) >>");
    refused("a.pdf", &Pdf::page("", "").and(untyped).bytes(), Reason::JavaScript);
}

#[test]
pub(crate) fn a_comment_in_a_document_type_hides_nothing() {
    let drawing =
        "<?xml version='1.0'?><!DOCTYPE svg [<!-- don't --><?x it is ?>]><svg><script>x()</script></svg>";
    refused("a.svg", drawing.as_bytes(), Reason::Script);
}

#[test]
pub(crate) fn comments_and_raw_elements_end_where_browsers_end_them() {
    for body in [
        "<!--><script>x()</script>-->",
        "<!---><script>x()</script>-->",
        "<!-- a --!><script>x()</script>-->",
        "<svg><style><script>x()</script></style></svg>",
        "<math><title><script>x()</script></title></math>",
        "<a href=\"javascript&colon;x()\">y</a>",
        "<a href=\"java&Tab;script&NewLine;:x()\">y</a>",
        "<a href=\"&#106avascript:x()\">y</a>",
        "<a href=\"&#0000000000000106;avascript:x()\">y</a>",
        "<a href=\"&#x00006Aavascript:x()\">y</a>",
    ] {
        let report = inspect("a.html", format!("<html><body>{body}</body></html>").as_bytes());
        // The digits of hexadecimal go on into the word, as a browser reads them.
        assert!(report.has(Reason::Script) != body.contains("&#x"), "{body}: {:?}", report.seen);
    }
    let report = accepted("a.html", b"<html><!-- a -- b - c --><p>&#8364 5 &amp; &#65;</p></html>");
    assert!(text(&report, Role::Body).contains("\u{20ac} 5 & A"));
}

#[test]
pub(crate) fn each_field_is_judged_by_itself() {
    let field = |kind: &str| format!("<w:r><w:fldChar w:fldCharType=\"{kind}\"/></w:r>");
    let said = |text: &str| format!("<w:r><w:instrText>{text}</w:instrText></w:r>");
    let one = |text: &str| [field("begin"), said(text), field("separate"), field("end")].concat();
    let first = format!("<w:p>{}{}</w:p>", one("PAGE"), one("INCLUDEPICTURE \"https://example.org/a.png\""));
    refused("a.docx", &office::docx(&first, &[]), Reason::ExternalReference);
    let long = format!("<w:p>{}{}</w:p>", one(&format!("PAGE {}", "x".repeat(5000))), one("DDEAUTO c:\\cmd"));
    refused("a.docx", &office::docx(&long, &[]), Reason::Dde);
    let inner = [field("begin"), said("IF 1 = 1 "), one("DDEAUTO c:\\cmd"), field("end")].concat();
    refused("a.docx", &office::docx(&format!("<w:p>{inner}</w:p>"), &[]), Reason::Dde);
    accepted("a.docx", &office::docx(&format!("<w:p>{}{}</w:p>", one("PAGE"), one("TITLE ADDED DDE ")), &[]));
    refused(
        "a.docx",
        &office::docx(&format!("<w:p>{}</w:p>", field("begin").repeat(100)), &[]),
        Reason::Damaged,
    );
    let cut = "<row><c r=\"A1\"><f>cmd|'/c <!-- x -->calc'!A0</f><v>1</v></c></row>";
    refused("a.xlsx", &office::xlsx(cut, &[], "", &[]), Reason::Dde);
}

#[test]
pub(crate) fn names_in_compound_files_have_no_case() {
    refused("a.doc", &compound::compound(&[("wOrDdOcUmEnT", b""), ("vba", b"x")]), Reason::Macro);
    let book = |path: &[u8]| {
        let mut data = vec![1, 0, u8::try_from(path.len()).unwrap(), 0, 0];
        data.extend(path);
        let parts = [compound::record(0x1ae, &data), compound::sheet("S", 0, 0)].concat();
        compound::compound(&[("wORKBOOK", &parts)])
    };
    refused("a.xls", &book(b"cmd\x03/c calc"), Reason::Dde);
    let elsewhere = refused("a.xls", &book(b"\x01folder\x03book.xls"), Reason::ExternalReference);
    assert!(!elsewhere.has(Reason::Dde));
}

#[test]
pub(crate) fn bytes_in_rich_text_hide_nothing_behind_them() {
    let report = inspect("a.rtf", b"{\\rtf1 seen \\bin3 }}}and this}");
    assert!(text(&report, Role::Body).contains("and this"));
}

#[test]
pub(crate) fn a_table_that_another_program_splits_otherwise_runs_nothing() {
    for table in [
        "a,b\nx;=cmd|'/c calc'!A0,1\n",
        "a;b\n1,\"=WEBSERVICE(x)\";2\n",
        "sep=^\na^=1+1\n",
        "a,b\r=1+1,2\r",
        "a|b\nx|+cmd|'/c calc'!A0\n",
    ] {
        let report = inspect("a.csv", table.as_bytes());
        let found =
            [Reason::Dde, Reason::CommandCell, Reason::Formula].iter().any(|reason| report.has(*reason));
        assert!(found, "{table:?}: {:?}", report.seen);
    }
    accepted("a.csv", b"a,b\n-1.5,-2.5\n+3;-4,5|6\n");
}

#[test]
pub(crate) fn tags_and_blocks_hide_no_constructor() {
    for yaml in [
        "- a: |\n    text\n  b: !!python/name:os.system x\n",
        "a: !!%70ython/name:os.system x\n",
        "a: !!org.example.Thing x\n",
        "%TAG ! tag:yaml.org,2002:\n---\na: !x y\n",
    ] {
        refused("a.yaml", yaml.as_bytes(), Reason::Constructor);
    }
    accepted("a.yaml", b"- a: |\n    !!python/x is text\n  b: \"so!! 1.5\"\n- !!str x\n");
}

#[test]
pub(crate) fn names_and_sizes_of_archives_are_read_one_way() {
    // A mark of UTF-16 in a name is no mark to a reader of archives.
    let marked = zip::Entry {
        name: b"\xff\xfe../x".to_vec(),
        local_name: b"\xff\xfe../x".to_vec(),
        ..zip::Entry::stored("", b"x")
    };
    let inner =
        zip::Entry { name: b"\xff\xfe/../x".to_vec(), local_name: b"\xff\xfe/../x".to_vec(), ..marked };
    refused("a.zip", &zip::zip(&[inner]), Reason::Traversal);
    let mut commented = zip::of(&[("a.txt", b"x")]);
    let at = commented.len() - 2;
    commented[at] = 30;
    commented.extend(b"PK\x05\x06");
    commented.extend([0; 26]);
    refused("a.zip", &commented, Reason::Ambiguous);
    let with = |records: &[u8]| tar(&[("pax", b'x', records), ("a.txt", b'0', b"x")]);
    accepted("a.tar", &with(b"14 path=b.txt\n"));
    refused("a.tar", &with(b"14 path=b.txt\n17 path=../x.txt\n"), Reason::Traversal);
    refused("a.tar", &with(b"28 comment=x\npath=good.txt.\n17 path=../x.txt\n"), Reason::Traversal);
    refused("a.tar", &with(b"10 size=9\n"), Reason::Ambiguous);
    refused("a.tar", &with(b"99 path=b.txt\n"), Reason::Ambiguous);
}

#[test]
pub(crate) fn characters_as_numbers_stand_for_the_bytes_that_are_said() {
    let report = inspect("a.rtf", b"{\\rtf1{\\uc2\\u8364 ab}c\\u-10179?\\u-8704?d\\u65\\'41e{\\uc0\\u66 f}}");
    assert_eq!(text(&report, Role::Body), "\u{20ac}c\u{1f600}dAeBf");
}

#[test]
pub(crate) fn a_document_in_the_comment_of_a_picture_is_seen() {
    let comment = image::jpeg_with(&[(0xfe, b"%PDF-1.7\n1 0 obj <<>> endobj")]);
    refused("a.jpg", &comment, Reason::Polyglot);
}

#[test]
pub(crate) fn objects_that_only_a_table_leads_to_are_seen() {
    let action = "<< /S /JavaScript /JS (x) >>";
    let hide = |object: &str, inside: fn(&str) -> Vec<u8>| {
        let pdf = Pdf::page(&line("x"), "").and(inside(object)).bytes();
        let offset = pdf.windows(object.len()).position(|window| window == object.as_bytes()).unwrap();
        let own = pdf.windows(7).position(|window| window == b"6 0 obj").unwrap();
        let text =
            pdf.windows(20).position(|window| window.starts_with(format!("{own:010} 00000 n").as_bytes()));
        let mut pdf = pdf;
        pdf[text.unwrap()..][..10].copy_from_slice(format!("{offset:010}").as_bytes());
        pdf
    };
    let in_stream = |object: &str| stream("", object.as_bytes());
    let in_string = |object: &str| format!("[({object})]").into_bytes();
    for object in
        [format!("9 0 obj{action}"), format!("9 0obk{action}"), format!("9 % c\n 0 %\n obj{action}")]
    {
        for inside in [in_stream, in_string] {
            let report = refused("a.pdf", &hide(&object, inside), Reason::JavaScript);
            assert!(report.has(Reason::Damaged));
        }
    }
    // What a stream says of objects, no table leads to.
    accepted("a.pdf", &Pdf::page("", "").and(in_stream(&format!("9 0 obj {action}"))).bytes());
}
