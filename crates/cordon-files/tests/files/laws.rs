//! What holds for any bytes: no panic, work and text within the budget, the same answer each time.

use std::sync::LazyLock;

use cordon_files::{Claim, FileType, Limits, Report};
use proptest::prelude::*;

use crate::support::{compound, gzip, image, model, office, pdf, pdf::Pdf, tar, zip, zlib};

/// A good file of each type, with the name that it goes by.
static GOOD: LazyLock<Vec<(&str, Vec<u8>)>> = LazyLock::new(|| {
    let document = Pdf::page(&pdf::line("Hello"), "/OpenAction [3 0 R /Fit]")
        .and(pdf::packed("/Type /ObjStm /N 1 /First 4", b"7 0 << /Title (x) >>"))
        .bytes();
    let located = ["Exif\0\0".as_bytes(), &image::exif("a description", true)].concat();
    vec![
        ("a.pdf", document),
        ("a.docx", office::docx(&office::paragraph("<w:vanish/>", "Hello"), &[("word/_rels/a.rels", &office::relationship("hyperlink", "x"))])),
        ("a.xlsx", office::xlsx("<row><c r=\"A1\" t=\"s\"><v>0</v></c></row>", &["cell"], "state=\"hidden\"", &[])),
        ("a.pptx", office::pptx(&format!("<p:sld>{}</p:sld>", office::shape(0, "Hello")))),
        ("a.odt", office::odt("", "<text:p>Hello</text:p>", &[])),
        ("a.doc", compound::word("Hello", 0)),
        ("a.xls", compound::compound(&[("Workbook", &[compound::sheet("S", 1, 0), compound::strings(&["a"], "bcde")].concat())])),
        ("a.rtf", b"{\\rtf1 Hello {\\v hidden}{\\field{\\*\\fldinst PAGE}}}".to_vec()),
        ("a.zip", zip::of(&[("a.txt", b"hello"), ("b/c.csv", b"a,b\n1,2\n")])),
        ("a.tar", tar(&[("a.txt", b'0', b"hello")])),
        ("a.txt.gz", gzip(b"hello")),
        ("a.html", b"<!doctype html><style>.x{display:none}</style><p class=x onclick='y'>Hello<!-- c --><a href=x>b".to_vec()),
        ("a.svg", b"<svg><g fill=\"#fff\"><text>Hello</text></g><style>a{b:c}</style></svg>".to_vec()),
        ("a.xml", b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a b='&lt;'><![CDATA[x]]></a>".to_vec()),
        ("a.png", image::png_with(4, 4, [8, 0], &[0; 20], &[image::png_chunk(b"tEXt", b"k\0value")])),
        ("a.jpg", image::jpeg_with(&[(0xe1, &located), (0xfe, b"comment")])),
        ("a.gif", image::gif_with(2, b"comment")),
        ("a.webp", image::webp_with(&[(b"EXIF", &image::exif("x", true))])),
        ("a.bmp", image::bmp(3, 5, 24)),
        ("a.csv", b"a,b\n\"1\",=2\n".to_vec()),
        ("a.json", b"{\"a\": [1, {\"b\": \"c\"}]}".to_vec()),
        ("a.pkl", model::array()),
        ("b.pkl", model::estimator()),
        ("a.joblib", zlib(&model::state())),
        ("a.pt", zip::of(&[("m/data.pkl", &model::state()), ("m/data/0", b"1234")])),
        ("a.npy", model::npy("'|O'", &model::array())),
        ("a.safetensors", model::safetensors("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}", 2)),
        ("a.gguf", model::gguf(&[("a.chat_template", "{{ message }}")])),
        ("a.onnx", model::onnx("a.data")),
        ("a.yaml", b"a: &x [1, 2]\nb:\n  - *x\n  - |\n    text\n".to_vec()),
    ]
});

/// Small limits, so that each of them is met.
const TIGHT: Limits = Limits {
    bytes: 1 << 20,
    decoded: 4096,
    ratio: 50,
    text: 512,
    depth: 2,
    things: 64,
    pixels: 100,
    work: 8,
};

fn check(name: &str, bytes: &[u8], limits: &Limits) -> Report {
    let claim = Claim { name: Some(name), media_type: None };
    let report = cordon_files::inspect(bytes, &claim, limits);
    let text: usize = report.segments.iter().map(|segment| segment.text.len()).sum();
    assert!(text <= limits.text, "{text}");
    assert!(report.seen.len() <= Report::MOST_SEEN);
    // Work that met the bound was counted before it would have been done.
    let most = (bytes.len() + limits.decoded) as u64 * limits.work + (4 << 20) + (64 << 20);
    assert!(report.work <= most, "{} of {most}", report.work);
    report
}

#[test]
fn the_good_files_are_of_their_types() {
    let expected = [
        FileType::Pdf,
        FileType::WordDocument,
        FileType::Spreadsheet,
        FileType::Presentation,
        FileType::OpenDocument,
        FileType::Ole,
        FileType::Ole,
        FileType::Rtf,
        FileType::Zip,
        FileType::Tar,
        FileType::Gzip,
        FileType::Html,
        FileType::Svg,
        FileType::Xml,
        FileType::Png,
        FileType::Jpeg,
        FileType::Gif,
        FileType::Webp,
        FileType::Bmp,
        FileType::Csv,
        FileType::Json,
        FileType::Pickle,
        FileType::Pickle,
        FileType::Zlib,
        FileType::Torch,
        FileType::Npy,
        FileType::Safetensors,
        FileType::Gguf,
        FileType::Onnx,
        FileType::Yaml,
    ];
    for ((name, bytes), expected) in GOOD.iter().zip(expected) {
        assert_eq!(check(name, bytes, &Limits::default()).file_type, expected, "{name}");
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_read_to_its_end() {
    for (name, bytes) in GOOD.iter() {
        for end in (0..bytes.len()).step_by(bytes.len().div_ceil(200)) {
            check(name, &bytes[..end], &Limits::default());
        }
    }
}

/// Beginnings, repetitions and ends that make a careless reader start again from each place.
fn adversarial(size: usize) -> Vec<(&'static str, Vec<u8>)> {
    let repeated =
        |begin: &str, part: &str| [begin.as_bytes(), part.repeat(size / part.len()).as_bytes()].concat();
    vec![
        ("a.pdf", repeated("%PDF-1.7\n", "1 0 obj (")),
        ("a.pdf", repeated("%PDF-1.7\n", "1 0 obj << /Length 9 >> stream\n")),
        ("a.pdf", repeated("%PDF-1.7\n", "1 0 obj [")),
        ("a.pdf", repeated("%PDF-1.7\n", "trailer <<")),
        ("a.pdf", repeated("%PDF-1.7\n1 0 obj (", "xref")),
        ("a.pdf", repeated("%PDF-1.7\n1 0 obj (xref\n", "0000000009 00000 n \n")),
        ("a.pdf", repeated("%PDF-1.7\n1 0 obj ", "<</A")),
        ("a.pdf", Pdf::page(&"q BT (x) Tj ".repeat(size / 12), "").bytes()),
        ("a.pdf", Pdf::page(&"BI EI".repeat(size / 5), "").bytes()),
        ("a.pdf", Pdf::page(&"BT /F1 9 Tf 9 9 Td (x) Tj ET 0 0 600 700 re f ".repeat(size / 46), "").bytes()),
        ("a.html", repeated("<html>", "<a ")),
        ("a.html", repeated("<html>", "<b>")),
        ("a.html", repeated("<html>", "<!--")),
        ("a.html", repeated("<html>", "<style>")),
        ("a.html", repeated("<html>", "</a>")),
        ("a.html", repeated("<html><a b=\"", "c='")),
        ("a.svg", repeated("<svg>", "<g a=\"")),
        ("a.xml", repeated("<?xml version='1.0'?>", "<a b='&")),
        ("a.xml", repeated("<?xml version='1.0'?><!DOCTYPE a [", "<!ENTITY ")),
        ("a.csv", repeated("a,b\n", "\"")),
        ("a.csv", repeated("", "=a|")),
        ("a.yaml", repeated("a: ", "&a ")),
        ("a.yaml", repeated("a: [", "&a b, *a, ")),
        ("a.yaml", repeated("a: ", "[ ")),
        ("a.yaml", repeated("a:", " ")),
        ("a.yaml", repeated("", "- ")),
        ("a.json", repeated("[", "[")),
        ("a.pkl", repeated("", "N.")),
        ("a.pkl", repeated("", "(I1\n")),
        ("a.pkl", repeated("", "Vab\\u\np1\n0")),
        ("a.pkl", repeated("N", "2")),
        ("a.txt", repeated("", ")")),
        ("a.txt", repeated("", "N0")),
        ("a.gguf", model::gguf(&[("a.chat_template", &"{{ a }}{% b %}".repeat(size / 14))])),
        ("a.gguf", model::gguf(&[("a.chat_template", &"{# ".repeat(size / 3))])),
        ("a.gguf", model::gguf(&[("a.chat_template", &"{% raw %}".repeat(size / 9))])),
        ("a.gguf", model::gguf(&[("a.chat_template", &"{{ 'a' ~ ".repeat(size / 9))])),
        ("a.gguf", model::gguf(&[("a.chat_template", &"{".repeat(size))])),
        ("a.json", repeated("", "{\"chat_template\": \"{{\"}\n")),
        ("a.json", repeated("{\"chat_template\": NaN", ", \"{{\"")),
        ("a.json", repeated("{\"chat_template\": NaN, \"", "{{ \\\" }}")),
        ("a.pkl", repeated("cbuiltins\nlist\n\u{7f}", "c")),
        ("a.pkl", repeated("cbuiltins\nlist\n\u{7f}", "cos\n")),
        ("a.pkl", repeated("", "N\u{71}\u{1}.")),
        ("a.zip", [zip::of(&[]), b"PK\x01\x02".repeat(size / 4)].concat()),
        ("a.rtf", repeated("{\\rtf1", "{\\b")),
        ("a.rtf", repeated("{\\rtf1", "\\'")),
        ("a.gif", repeated("GIF89a\x04\0\x04\0\0\0\0", "!\u{1}\u{1}a\0")),
        ("a.jpg", [&[0xff, 0xd8][..], &[0xff, 0xfe, 0, 2].repeat(size / 4)].concat()),
        (
            "a.png",
            [b"\x89PNG\r\n\x1a\n".as_slice(), &image::png_chunk(b"tEXt", b"a\0b").repeat(size / 15)].concat(),
        ),
        ("a.tar", tar(&vec![("a", b'L', b"name".as_slice()); size / 1024])),
        ("a.zip", zip::of(&vec![("a", b"".as_slice()); size / 120])),
    ]
}

#[test]
fn work_grows_as_the_file_does() {
    const SIZE: usize = 24 << 10;
    for ((name, small), (_, large)) in adversarial(SIZE).into_iter().zip(adversarial(4 * SIZE)) {
        let limits = Limits { work: u64::MAX >> 32, things: usize::MAX, ..Limits::default() };
        let (less, more) = (check(name, &small, &limits).work, check(name, &large, &limits).work);
        let begin = small[small.len() / 3..][..40].escape_ascii().to_string();
        // Four times the file: at most five times the work, and something for what any file costs.
        assert!(more <= less * 5 + 100_000, "{name} {begin:?}: {less} then {more}");
        assert!(more <= large.len() as u64 * 600 + 100_000, "{name} {begin:?}: {more} for {}", large.len());
    }
}

#[test]
fn a_hundred_pages_stay_within_the_memory_they_are_given() {
    let bytes = pdf::pages(100);
    let limits = Limits { decoded: 4 << 20, text: 1 << 20, ..Limits::default() };
    let report = check("a.pdf", &bytes, &limits);
    assert!(report.seen.is_empty(), "{:?}", report.seen);
    assert_eq!(report.segments.len(), 100);
    assert!(
        report.segments[99]
            .text
            .ends_with("Line 59 of page 99: the quick brown fox jumps over the lazy dog.")
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_by_every_reader(bytes in proptest::collection::vec(any::<u8>(), 0..2048), which: proptest::sample::Index) {
        let (name, good) = &GOOD[which.index(GOOD.len())];
        // Behind the beginning of a good file, so that its reader gets them.
        let begin = good.len().min(12);
        let bytes = [&good[..begin], &bytes].concat();
        let first = check(name, &bytes, &Limits::default());
        prop_assert_eq!(first, check(name, &bytes, &Limits::default()));
        check(name, &bytes, &TIGHT);
    }

    #[test]
    fn a_good_file_with_bytes_changed_is_read(
        which: proptest::sample::Index,
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..12),
        cut: Option<(proptest::sample::Index, proptest::sample::Index)>,
    ) {
        let (name, good) = &GOOD[which.index(GOOD.len())];
        let mut bytes = good.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some((from, to)) = cut {
            let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
            let piece = bytes[from.min(to)..from.max(to)].to_vec();
            bytes.splice(to..to, piece);
        }
        check(name, &bytes, &Limits::default());
        check(name, &bytes, &TIGHT);
    }
}
