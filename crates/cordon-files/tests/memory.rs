//! The most memory that a file costs beside its own bytes, counted by the allocator: never more than its limits say. One test in a
//! process of its own, as the allocator counts the whole process.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

#[path = "files/support/mod.rs"]
mod support;

use cordon_files::{Claim, Limits};
use peak_alloc::PeakAlloc;
use support::{compound, gzip, image, model, office, pdf, tar, zip};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Files that make their readers keep as much as they can, of about so many bytes once unpacked.
fn hostile(size: usize) -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let fill = |piece: &str| piece.repeat(size / piece.len());
    let names: Vec<String> = (0..size / 200).map(|at| format!("{at}.txt")).collect();
    let empty: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    let entries: Vec<zip::Entry> = names.iter().map(|name| zip::Entry::deflated(name, b"text ")).collect();
    let tarred: Vec<(&str, u8, &[u8])> =
        names.iter().take(size / 1024).map(|name| (name.as_str(), b'0', b"x".as_slice())).collect();
    let objects = |object: &str| {
        (0..size / (object.len() + 40)).fold(pdf::Pdf::page("", ""), |pdf, _| pdf.and(object)).bytes()
    };
    let text = fill("a line of text that goes on. ");
    vec![
        ("text", "a.txt", text.clone().into_bytes()),
        (
            "text in UTF-16",
            "a.txt",
            [0xff, 0xfe].into_iter().chain(text.bytes().flat_map(|b| [b, 0])).collect(),
        ),
        ("no text", "a.bin", vec![0xa7; size]),
        ("JSON lists", "a.json", format!("[{}[]]", fill("[],")).into_bytes()),
        ("JSON numbers", "a.json", format!("[{}1]", fill("1,")).into_bytes()),
        (
            "JSON keys",
            "a.json",
            format!("{{{}\"z\":1}}", (0..size / 12).map(|at| format!("\"{at:06}\":1,")).collect::<String>())
                .into_bytes(),
        ),
        ("JSON strings", "a.json", format!("[{}\"\"]", fill("\"ab\",")).into_bytes()),
        ("JSON escapes", "a.json", format!("[\"{}\"]", fill("\\u00e9")).into_bytes()),
        ("JSON lines", "a.jsonl", fill("{\"a\":1}\n").into_bytes()),
        ("YAML", "a.yaml", fill("- a: 1\n").into_bytes()),
        ("CSV cells", "a.csv", fill("1,2,3,4,5,6,7,8\n").into_bytes()),
        ("CSV columns", "a.csv", fill("a,").into_bytes()),
        ("HTML tags", "a.html", fill("<b>x</b>").into_bytes()),
        ("HTML nesting", "a.html", fill("<b>").into_bytes()),
        ("HTML attributes", "a.html", format!("<p {}>x</p>", fill("a=b ")).into_bytes()),
        ("HTML styles", "a.html", format!("<style>{}</style><p>x</p>", fill(".a{color:#fff}")).into_bytes()),
        (
            "SVG",
            "a.svg",
            format!("<svg xmlns=\"http://www.w3.org/2000/svg\">{}</svg>", fill("<g><text>x</text></g>"))
                .into_bytes(),
        ),
        ("XML", "a.xml", format!("<?xml version=\"1.0\"?><a>{}</a>", fill("<b/>")).into_bytes()),
        ("RTF", "a.rtf", format!("{{\\rtf1 {}}}", fill("{\\b x}")).into_bytes()),
        ("RTF nesting", "a.rtf", format!("{{\\rtf1 {}", fill("{")).into_bytes()),
        ("ZIP of empty files", "a.zip", zip::of(&empty)),
        ("ZIP of files", "a.zip", zip::zip(&entries)),
        ("ZIP of a text", "a.zip", zip::zip(&[zip::Entry::deflated("a.txt", text.as_bytes())])),
        ("ZIP of zeros", "a.zip", zip::zip(&[zip::Entry::deflated("a.txt", &vec![0; size])])),
        (
            "ZIP in ZIP",
            "a.zip",
            zip::zip(&[zip::Entry::deflated(
                "b.zip",
                &zip::zip(&[zip::Entry::stored("a.txt", text.as_bytes())]),
            )]),
        ),
        ("gzip of a text", "a.gz", gzip(text.as_bytes())),
        ("gzip of JSON", "a.gz", gzip(format!("[{}[]]", fill("[],")).as_bytes())),
        ("tar", "a.tar", tar(&tarred)),
        ("tar in gzip", "a.tgz", gzip(&tar(&tarred))),
        ("PDF objects", "a.pdf", objects("[]")),
        ("PDF numbers", "a.pdf", objects(&format!("[{}]", "1 ".repeat(2000)))),
        (
            "PDF names",
            "a.pdf",
            objects(&format!("<< {} >>", (0..500).map(|at| format!("/{at} 1 ")).collect::<String>())),
        ),
        ("PDF pages", "a.pdf", pdf::pages(size / 4000)),
        ("PDF letters", "a.pdf", pdf::Pdf::page(&format!("BT /F1 12 Tf {} ET", fill("(x) Tj ")), "").bytes()),
        (
            "PDF places",
            "a.pdf",
            pdf::Pdf::page(&format!("BT /F1 12 Tf {} ET", fill("1 0 0 1 72 700 Tm (x) Tj ")), "").bytes(),
        ),
        ("PDF shapes", "a.pdf", pdf::Pdf::page(&fill("0 0 9 9 re f "), "").bytes()),
        ("PDF nesting", "a.pdf", objects(&"[".repeat(2000))),
        ("PDF packed stream", "a.pdf", pdf::Pdf::page("", "").and(pdf::packed("", text.as_bytes())).bytes()),
        ("DOCX", "a.docx", office::docx(&fill("<w:p><w:r><w:t>x</w:t></w:r></w:p>"), &[])),
        (
            "XLSX",
            "a.xlsx",
            office::xlsx(&format!("<row>{}</row>", fill("<c r=\"A1\"><v>1</v></c>")), &[], "", &[]),
        ),
        ("XLSX strings", "a.xlsx", office::xlsx("", &vec!["x"; size / 30], "", &[])),
        ("PPTX", "a.pptx", office::pptx(&(0..size / 200).map(|_| office::shape(1, "x")).collect::<String>())),
        ("ODT", "a.odt", office::odt("", &fill("<text:p>x</text:p>"), &[])),
        ("compound", "a.doc", compound::compound(&[("WordDocument", &text.as_bytes()[..60_000])])),
        (
            "PNG text",
            "a.png",
            image::png_with(
                4,
                4,
                [8, 0],
                &[0; 20],
                &[image::png_chunk(b"iTXt", &[b"a\0\0\0\0".as_slice(), text.as_bytes()].concat())],
            ),
        ),
        ("pickle", "a.pkl", model::stream(4, &[fill("K\u{1}0").as_bytes()])),
        ("pickle memo", "a.pkl", model::stream(4, &[&b"\x8c\x01a\x94".repeat(size / 4)])),
    ]
}

#[test]
fn a_file_costs_no_more_memory_than_its_limits_say() {
    let limits = Limits::default();
    let small = Limits { decoded: 1 << 20, text: 128 << 10, things: 10_000, ..limits };
    let usual = Limits { bytes: 16 << 20, decoded: 16 << 20, text: 2 << 20, things: 300_000, ..limits };
    for (size, limits) in [(256 << 10, small), (4 << 20, usual)] {
        for (what, name, bytes) in hostile(size) {
            let claim = Claim { name: Some(name), media_type: None };
            let before = MEMORY.current_usage();
            MEMORY.reset_peak_usage();
            let report = cordon_files::inspect(&bytes, &claim, &limits);
            let peak = MEMORY.peak_usage() - before;
            let reasons: Vec<_> = report.seen.iter().map(|seen| seen.reason).collect();
            println!("{peak:>10} beside {:>9}, {what}: {reasons:?}", bytes.len());
            assert!(peak <= limits.memory(), "{what}: {peak} bytes of at most {}", limits.memory());
        }
    }
}
