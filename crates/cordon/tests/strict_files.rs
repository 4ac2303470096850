//! The strict guard for files that docs/files.md shows, as it stands there: what acts, leads elsewhere or is malformed is refused, what cannot be
//! read is held, and their plain twins go through.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "test code"
)]

mod support;

use std::collections::BTreeSet;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use cordon::{api::held::HeldWhich, node::Settings, up};
use cordon_core::{Action, resource::SecretRef};
use cordon_guard::upstream::Environment;
use cordon_testkit::{FakeUpstream, Script};
use serde_json::json;
use support::World;

const KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";

fn keyed(settings: &mut Settings) {
    settings.content_key = Some(SecretRef::Env("CONTENT_KEY".to_owned()));
    settings.environment = Environment::with(|name| match name {
        "CONTENT_KEY" => Some(KEY.to_owned()),
        "UPSTREAM_KEY" => Some("sk-upstream".to_owned()),
        _ => None,
    });
}

/// The guard of the page.
fn guard() -> String {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/files.md");
    let page = std::fs::read_to_string(page).unwrap();
    let block = page.split("```").find(|block| block.contains("name: strict-files")).unwrap();
    format!("---\n{}", block.strip_prefix("yaml\n").unwrap())
}

/// A page that says this, with these members in its catalog and its trailer.
fn pdf(catalog: &str, trailer: &str) -> Vec<u8> {
    let content = "BT /F1 12 Tf 72 720 Td (Open from nine to five.) Tj ET";
    let objects = [
        format!("<< /Type /Catalog /Pages 2 0 R {catalog} >>"),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    let mut out = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut offsets = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        out.extend(format!("{} 0 obj\n{object}\nendobj\n", at + 1).bytes());
    }
    let table = out.len();
    let places: String = offsets.iter().map(|offset| format!("{offset:010} 00000 n \n")).collect();
    let size = objects.len() + 1;
    out.extend(
        format!(
            "xref\n0 {size}\n0000000000 65535 f \n{places}trailer\n<< /Size {size} /Root 1 0 R {trailer} >>\nstartxref\n{table}\n%%EOF\n"
        )
        .bytes(),
    );
    out
}

/// The check of ZIP (CRC-32, ISO 3309).
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1)))
    })
}

/// An archive of files that are not compressed; bit 0 of `flags` says that they are encrypted.
fn zip(flags: u16, files: &[(&str, &str)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let offset = out.len() as u32;
        let mut head = [20, flags, 0, 0, 0x21].map(u16::to_le_bytes).concat();
        let sizes = [crc(content.as_bytes()), content.len() as u32, content.len() as u32];
        head.extend(sizes.map(u32::to_le_bytes).concat());
        head.extend((name.len() as u16).to_le_bytes());
        head.extend([0, 0]);
        out.extend(b"PK\x03\x04");
        out.extend(&head);
        out.extend(name.bytes().chain(content.bytes()));
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(head);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.bytes());
    }
    let (count, offset) = ((files.len() as u16).to_le_bytes(), (out.len() as u32).to_le_bytes());
    let size = (directory.len() as u32).to_le_bytes();
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count, count].concat());
    out.extend([size, offset].concat());
    out.extend([0, 0]);
    out
}

/// A text document with one more part.
fn docx(more: &[(&str, &str)]) -> Vec<u8> {
    let body = "<?xml version=\"1.0\"?><w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body><w:p><w:r><w:t>Open from nine to five.</w:t></w:r></w:p></w:body></w:document>";
    let mut parts = vec![
        ("[Content_Types].xml", "<?xml version=\"1.0\"?><Types/>"),
        ("_rels/.rels", "<Relationships/>"),
        ("word/document.xml", body),
    ];
    parts.extend(more);
    zip(0, &parts)
}

fn link(kind: &str) -> String {
    format!(
        "<Relationships><Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}\" Target=\"https://example.org/a\" TargetMode=\"External\"/></Relationships>"
    )
}

/// What each file must come to, and for which of its findings.
fn files() -> Vec<(&'static str, Vec<u8>, Action, &'static str)> {
    use Action::{Allow, Block, Hold};
    let rels = "word/_rels/document.xml.rels";
    vec![
        ("plain.pdf", pdf("", ""), Allow, ""),
        (
            "script.pdf",
            pdf("/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>", ""),
            Block,
            "file/active/javascript",
        ),
        ("launch.pdf", pdf("/OpenAction << /S /Launch /F (cmd.exe) >>", ""), Block, "file/active/launch"),
        (
            "named.pdf",
            pdf("/Open#41ction << /S /Java#53cript /JS (x) >>", ""),
            Block,
            "file/active/javascript",
        ),
        ("secret.pdf", pdf("", "/Encrypt << /Filter /Standard /V 2 >>"), Hold, "file/encrypted"),
        ("broken.pdf", b"%PDF-1.7\nnothing of it is here".to_vec(), Block, "file/malformed"),
        ("plain.docx", docx(&[]), Allow, ""),
        ("macro.docm", docx(&[("word/vbaProject.bin", "\u{0}")]), Block, "file/active/macro"),
        ("linked.docx", docx(&[(rels, &link("hyperlink"))]), Block, "file/external/link"),
        ("template.docx", docx(&[(rels, &link("attachedTemplate"))]), Block, "file/external/template"),
        ("plain.zip", zip(0, &[("a.txt", "Open from nine to five.")]), Allow, ""),
        ("secret.zip", zip(1, &[("a.txt", "????????????????????")]), Hold, "file/encrypted"),
        ("broken.zip", zip(0, &[("a.txt", "Open.")])[..40].to_vec(), Block, "file/malformed"),
        (
            "plain.svg",
            br#"<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>"#.to_vec(),
            Allow,
            "",
        ),
        (
            "script.svg",
            br#"<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>"#.to_vec(),
            Block,
            "file/active/script",
        ),
        (
            "handler.svg",
            br#"<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>"#.to_vec(),
            Block,
            "file/active/event_handler",
        ),
        ("plain.csv", b"name,sum\nAda,-12\n".to_vec(), Allow, ""),
        ("formula.csv", b"name,sum\nAda,=1+1\n".to_vec(), Hold, "file/data/formula"),
        (
            "unknown.bin",
            b"\x13\x37\x01nothing that anybody knows\x00\x01\x02\x03".to_vec(),
            Hold,
            "file/unknown_type",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_strict_guard_of_the_page_refuses_what_acts_and_holds_what_cannot_be_read() {
    let upstream = FakeUpstream::answering(|_| Script::says("ok")).await;
    let world = World::with(&upstream.base_url(), "", &guard(), keyed).await;
    let mut calls = Vec::new();
    let (mut held, mut passed) = (0, 0);
    for (name, bytes, action, category) in files() {
        let data = format!("data:application/octet-stream;base64,{}", BASE64_STANDARD.encode(&bytes));
        let body = json!({"model": "bot", "messages": [{"role": "user", "content": [
            {"type": "text", "text": "What is in it?"},
            {"type": "file", "file": {"filename": name, "file_data": data}}]}]});
        let reply = world.send(world.request(body.to_string())).await;
        let code = match action {
            Action::Block => "content_blocked",
            Action::Hold => "held",
            _ => "",
        };
        assert_eq!(reply.code(), code, "{name}: {}", reply.text());
        assert_eq!(reply.status.is_success(), code.is_empty(), "{name}");
        held += usize::from(action == Action::Hold);
        passed += usize::from(action == Action::Allow);
        calls.push((name, reply.call(), action, category));
    }
    // What was held waits for somebody, and nothing but the plain files has left.
    let desk = up::desk(&world.node.handles);
    assert_eq!(desk.held_files(HeldWhich::Waiting, None, 100).await.unwrap().len(), held);
    assert_eq!(upstream.requests().len(), passed);
    let frames = world.frames().await;
    for (name, call, action, category) in calls {
        let opened = frames.opened.iter().find(|opened| opened.call == call).unwrap();
        assert_eq!(opened.input.action.max(Action::Flag), action.max(Action::Flag), "{name}");
        let found: BTreeSet<&str> =
            opened.input.findings.iter().map(|finding| finding.category.as_str()).collect();
        assert!(category.is_empty() || found.contains(category), "{name}: {found:?}");
    }
}
