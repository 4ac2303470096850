//! Writers of documents: the few parts that a reader needs.

use super::zip::{self, Entry};

const W: &str = "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"";

pub fn docx_parts(body: &str) -> Vec<(String, Vec<u8>)> {
    let document = format!("<?xml version=\"1.0\"?><w:document {W}><w:body>{body}</w:body></w:document>");
    vec![
        ("[Content_Types].xml".into(), b"<?xml version=\"1.0\"?><Types/>".to_vec()),
        ("_rels/.rels".into(), b"<Relationships/>".to_vec()),
        ("word/document.xml".into(), document.into_bytes()),
    ]
}

pub fn paragraph(properties: &str, text: &str) -> String {
    format!("<w:p><w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r></w:p>")
}

pub fn pack(parts: &[(String, Vec<u8>)]) -> Vec<u8> {
    let files: Vec<(&str, &[u8])> =
        parts.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
    zip::of(&files)
}

/// A text document with a body and more parts.
pub fn docx(body: &str, more: &[(&str, &[u8])]) -> Vec<u8> {
    let mut parts = docx_parts(body);
    parts.extend(more.iter().map(|(name, content)| ((*name).to_owned(), content.to_vec())));
    pack(&parts)
}

pub fn relationship(kind: &str, target: &str) -> Vec<u8> {
    format!(
        "<Relationships><Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}\" \
         Target=\"{target}\" TargetMode=\"External\"/></Relationships>"
    )
    .into_bytes()
}

/// A workbook of one sheet with these rows, these strings, and this state.
pub fn xlsx(rows: &str, strings: &[&str], state: &str, more: &[(&str, &[u8])]) -> Vec<u8> {
    let items: String = strings.iter().map(|text| format!("<si><t>{text}</t></si>")).collect();
    let book = format!(
        "<workbook><sheets><sheet name=\"Costs\" sheetId=\"1\" r:id=\"rId1\" {state}/></sheets></workbook>"
    );
    let mut parts = vec![
        ("[Content_Types].xml".to_owned(), b"<Types/>".to_vec()),
        ("xl/workbook.xml".to_owned(), book.into_bytes()),
        (
            "xl/_rels/workbook.xml.rels".to_owned(),
            b"<Relationships><Relationship Id=\"rId1\" Type=\"x/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>".to_vec(),
        ),
        ("xl/sharedStrings.xml".to_owned(), format!("<sst>{items}</sst>").into_bytes()),
        (
            "xl/worksheets/sheet1.xml".to_owned(),
            format!("<worksheet><sheetData>{rows}</sheetData></worksheet>").into_bytes(),
        ),
    ];
    parts.extend(more.iter().map(|(name, content)| ((*name).to_owned(), content.to_vec())));
    pack(&parts)
}

/// A presentation of one slide.
pub fn pptx(slide: &str) -> Vec<u8> {
    zip::of(&[
        ("[Content_Types].xml", b"<Types/>"),
        (
            "ppt/presentation.xml",
            b"<p:presentation><p:sldSz cx=\"12192000\" cy=\"6858000\"/></p:presentation>",
        ),
        ("ppt/slides/slide1.xml", slide.as_bytes()),
    ])
}

pub fn shape(x: i64, text: &str) -> String {
    format!(
        "<p:sp><p:nvSpPr><p:cNvPr id=\"2\" name=\"t\"/></p:nvSpPr><p:spPr><a:xfrm><a:off x=\"{x}\" y=\"0\"/>\
         <a:ext cx=\"1000\" cy=\"1000\"/></a:xfrm></p:spPr><p:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"
    )
}

/// An OpenDocument text.
pub fn odt(styles: &str, body: &str, more: &[(&str, &[u8])]) -> Vec<u8> {
    let content = format!(
        "<office:document-content><office:automatic-styles>{styles}</office:automatic-styles>\
         <office:body><office:text>{body}</office:text></office:body></office:document-content>"
    );
    let mut entries = vec![
        Entry::stored("mimetype", b"application/vnd.oasis.opendocument.text"),
        Entry::deflated("content.xml", content.as_bytes()),
        Entry::deflated("META-INF/manifest.xml", b"<manifest:manifest/>"),
    ];
    if let Some(at) = more.iter().position(|(name, _)| *name == "META-INF/manifest.xml") {
        entries[2] = Entry::deflated("META-INF/manifest.xml", more[at].1);
    }
    let others = more.iter().filter(|(name, _)| *name != "META-INF/manifest.xml");
    entries.extend(others.map(|(name, content)| Entry::deflated(name, content)));
    zip::zip(&entries)
}
