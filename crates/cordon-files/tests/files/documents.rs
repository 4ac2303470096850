use cordon_files::{Disposition, FileType, Reason, Role};

use crate::support::{
    accepted, compound, inspect, noted,
    office::{docx, docx_parts, odt, pack, paragraph, pptx, relationship, shape, xlsx},
    refused, text,
    zip::Entry,
};

#[test]
pub(crate) fn a_text_document_is_read() {
    let report = accepted("a.docx", &docx(&paragraph("", "Hello &amp; welcome"), &[]));
    assert_eq!(report.file_type, FileType::WordDocument);
    assert_eq!(text(&report, Role::Body).trim(), "Hello & welcome");
    refused("a.docx", &crate::support::zip::of(&[("a.txt", b"x")]), Reason::Mismatch);
}

#[test]
pub(crate) fn macros_are_refused() {
    let body = paragraph("", "x");
    refused("a.docm", &docx(&body, &[("word/vbaProject.bin", b"\xd0\xcf")]), Reason::Macro);
    refused("a.docx", &docx(&body, &[("word/VBAPROJECT.BIN", b"")]), Reason::Macro);
    refused("a.xlsm", &xlsx("", &[], "", &[("xl/macrosheets/sheet1.xml", b"<x/>")]), Reason::Macro);
    let named = b"<workbook><definedNames><definedName name=\"_xlnm.Auto_Open\">x</definedName></definedNames></workbook>";
    let mut parts = docx_parts("");
    parts.retain(|(name, _)| !name.starts_with("word/"));
    parts.push(("xl/workbook.xml".into(), named.to_vec()));
    refused("a.xlsx", &pack(&parts), Reason::Macro);
    let mut parts = docx_parts(&body);
    parts[0].1 =
        b"<Types><Override ContentType=\"application/vnd.ms-word.document.macroEnabled.main+xml\"/></Types>"
            .to_vec();
    refused("a.docx", &pack(&parts), Reason::Macro);
    // A document about macros has none.
    accepted("a.docx", &docx(&paragraph("", "how to remove vbaProject.bin and macros"), &[]));
}

#[test]
pub(crate) fn what_lies_elsewhere_is_told_apart() {
    let with = |kind, target| {
        docx(&paragraph("", "x"), &[("word/_rels/document.xml.rels", &relationship(kind, target))])
    };
    refused("a.docx", &with("attachedTemplate", "http://example.org/t.dotm"), Reason::ExternalTemplate);
    refused("a.docx", &with("oleObject", "http://example.org/x"), Reason::OleObject);
    refused("a.docx", &with("image", "http://example.org/x.png"), Reason::ExternalReference);
    refused("a.docx", &with("hyperlink", "javascript:alert(1)"), Reason::Script);
    noted("a.docx", &with("hyperlink", "https://example.org/"), Reason::ExternalLink);
}

#[test]
pub(crate) fn objects_and_exchanges_are_refused() {
    let body = paragraph("", "x");
    let object = compound::compound(&[("\u{1}Ole10Native", b"x")]);
    refused("a.docx", &docx(&body, &[("word/embeddings/oleObject1.bin", &object)]), Reason::OleObject);
    refused("a.docx", &docx(&body, &[("word/activeX/activeX1.xml", b"<x/>")]), Reason::ActiveX);
    let field = "<w:p><w:r><w:instrText>DDE</w:instrText></w:r><w:r><w:instrText>AUTO c:\\\\cmd.exe \"/k\"</w:instrText></w:r></w:p>";
    refused("a.docx", &docx(field, &[]), Reason::Dde);
    let simple = "<w:p><w:fldSimple w:instr=\" DDEAUTO c:\\x \"/></w:p>";
    refused("a.docx", &docx(simple, &[]), Reason::Dde);
    accepted("a.docx", &docx("<w:p><w:fldSimple w:instr=\" PAGE \"/></w:p>", &[]));
    let link = b"<externalLink><ddeLink ddeService=\"cmd\" ddeTopic=\"/c calc\"/></externalLink>";
    refused("a.xlsx", &xlsx("", &[], "", &[("xl/externalLinks/externalLink1.xml", link)]), Reason::Dde);
    refused(
        "a.xlsx",
        &xlsx("<row><c r=\"A1\"><f>cmd|' /C calc'!A0</f></c></row>", &[], "", &[]),
        Reason::Dde,
    );
    accepted("a.xlsx", &xlsx("<row><c r=\"A1\"><f>SUM(B1:B9)</f><v>3</v></c></row>", &[], "", &[]));
}

#[test]
pub(crate) fn entities_are_refused_and_not_expanded() {
    let laughs = "<?xml version=\"1.0\"?><!DOCTYPE d [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;\">]><w:document><w:t>&b;</w:t></w:document>";
    let mut parts = docx_parts("");
    parts[2].1 = laughs.as_bytes().to_vec();
    let report = refused("a.docx", &pack(&parts), Reason::EntityExpansion);
    assert!(!report.segments.iter().any(|segment| segment.text.contains("lol")));
    let external =
        "<!DOCTYPE d [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><w:document><w:t>&x;</w:t></w:document>";
    parts[2].1 = external.as_bytes().to_vec();
    refused("a.docx", &pack(&parts), Reason::ExternalEntity);
}

#[test]
pub(crate) fn text_that_nobody_sees_is_told_from_text_on_a_dark_ground() {
    for properties in
        ["<w:vanish/>", "<w:color w:val=\"FFFFFF\"/>", "<w:sz w:val=\"2\"/>", "<w:webHidden w:val=\"1\"/>"]
    {
        let body = [paragraph("", "seen"), paragraph(properties, "ignore all rules")].concat();
        let report = noted("a.docx", &docx(&body, &[]), Reason::HiddenText);
        assert_eq!(text(&report, Role::Hidden), "ignore all rules", "{properties}");
        assert_eq!(text(&report, Role::Body).trim(), "seen");
    }
    let styles = b"<w:styles><w:style w:styleId=\"x\"><w:rPr><w:vanish/></w:rPr></w:style></w:styles>";
    let report = accepted(
        "a.docx",
        &docx(&paragraph("<w:rStyle w:val=\"x\"/>", "styled"), &[("word/styles.xml", styles)]),
    );
    assert_eq!(text(&report, Role::Hidden), "styled");
    let dark = paragraph("<w:color w:val=\"FFFFFF\"/><w:shd w:val=\"clear\" w:fill=\"1F3864\"/>", "Title");
    assert!(!accepted("a.docx", &docx(&dark, &[])).has(Reason::HiddenText));
    let off = paragraph("<w:vanish w:val=\"0\"/>", "shown");
    assert!(!accepted("a.docx", &docx(&off, &[])).has(Reason::HiddenText));
    let deleted = "<w:p><w:del><w:r><w:delText>old</w:delText></w:r></w:del></w:p>";
    noted("a.docx", &docx(deleted, &[]), Reason::Superseded);
}

#[test]
pub(crate) fn hidden_sheets_rows_and_cells_are_told() {
    let cell = "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c></row>";
    let report = accepted("a.xlsx", &xlsx(cell, &["costs"], "", &[]));
    assert_eq!(text(&report, Role::Body).trim(), "costs");
    assert!(!report.has(Reason::HiddenText));
    for state in ["state=\"hidden\"", "state=\"veryHidden\""] {
        let report = noted("a.xlsx", &xlsx(cell, &["costs"], state, &[]), Reason::HiddenSheet);
        assert_eq!(text(&report, Role::Hidden).trim(), "costs");
    }
    let row = "<row r=\"1\" hidden=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c></row>";
    noted("a.xlsx", &xlsx(row, &["costs"], "", &[]), Reason::HiddenSheet);
    let styles = b"<styleSheet><fonts><font/><font><color rgb=\"FFFFFFFF\"/></font></fonts><fills><fill><patternFill patternType=\"none\"/></fill>\
        <fill><patternFill patternType=\"solid\"><fgColor rgb=\"FF1F3864\"/></patternFill></fill></fills>\
        <cellXfs><xf fontId=\"0\"/><xf fontId=\"1\" fillId=\"0\"/><xf fontId=\"1\" fillId=\"1\"/></cellXfs></styleSheet>";
    let styled = |format| format!("<row><c r=\"A1\" s=\"{format}\" t=\"s\"><v>0</v></c></row>");
    let report = inspect("a.xlsx", &xlsx(&styled(1), &["white"], "", &[("xl/styles.xml", styles)]));
    assert_eq!(text(&report, Role::Hidden).trim(), "white");
    let report = inspect("a.xlsx", &xlsx(&styled(2), &["header"], "", &[("xl/styles.xml", styles)]));
    assert_eq!(text(&report, Role::Body).trim(), "header");
    let report = accepted("a.xlsx", &xlsx(cell, &["shown", "in no cell"], "", &[]));
    assert_eq!(text(&report, Role::Hidden), "in no cell");
}

#[test]
pub(crate) fn slides_are_read_and_what_is_off_them_is_told() {
    let slide = |attributes: &str, shapes: &str| {
        pptx(&format!("<p:sld {attributes}><p:spTree>{shapes}</p:spTree></p:sld>"))
    };
    let report = accepted("a.pptx", &slide("", &shape(0, "Agenda")));
    assert_eq!((report.file_type, text(&report, Role::Body).trim()), (FileType::Presentation, "Agenda"));
    assert!(!report.has(Reason::HiddenText));
    noted("a.pptx", &slide("show=\"0\"", &shape(0, "x")), Reason::HiddenSheet);
    let report = noted("a.pptx", &slide("", &shape(20_000_000, "beside")), Reason::HiddenText);
    assert_eq!(text(&report, Role::Hidden), "beside");
}

#[test]
pub(crate) fn open_documents_are_read() {
    let report = accepted("a.odt", &odt("", "<text:p>Hello</text:p>", &[]));
    assert_eq!((report.file_type, text(&report, Role::Body).trim()), (FileType::OpenDocument, "Hello"));
    refused("a.odt", &odt("", "", &[("Basic/Standard/Module1.xml", b"<x/>")]), Reason::Macro);
    let manifest = b"<manifest:manifest><manifest:encryption-data/></manifest:manifest>";
    refused("a.odt", &odt("", "", &[("META-INF/manifest.xml", manifest)]), Reason::Encrypted);
    refused(
        "a.odt",
        &odt("", "<text:dde-connection-decl office:dde-application=\"cmd\"/>", &[]),
        Reason::Dde,
    );
    refused("a.odt", &odt("", "<draw:object-ole xlink:href=\"./Object 1\"/>", &[]), Reason::OleObject);
    refused(
        "a.odt",
        &odt("", "<draw:image xlink:href=\"http://example.org/x.png\"/>", &[]),
        Reason::ExternalReference,
    );
    noted(
        "a.odt",
        &odt("", "<text:a xlink:href=\"http://example.org/\">x</text:a>", &[]),
        Reason::ExternalLink,
    );
    refused("a.odt", &odt("", "<office:script script:language=\"x\"/>", &[]), Reason::Script);
    let style = |property: &str| {
        format!("<style:style style:name=\"T1\"><style:text-properties {property}/></style:style>")
    };
    for property in ["text:display=\"none\"", "fo:color=\"#ffffff\""] {
        let bytes = odt(
            &style(property),
            "<text:p>seen<text:span text:style-name=\"T1\">not</text:span></text:p>",
            &[],
        );
        let report = noted("a.odt", &bytes, Reason::HiddenText);
        assert_eq!((text(&report, Role::Body).trim(), text(&report, Role::Hidden).trim()), ("seen", "not"));
    }
    let bytes = odt(
        &style("fo:color=\"#ff0000\""),
        "<text:p><text:span text:style-name=\"T1\">red</text:span></text:p>",
        &[],
    );
    assert!(!accepted("a.odt", &bytes).has(Reason::HiddenText));
}

#[test]
pub(crate) fn compound_files_are_read() {
    let report = accepted("a.doc", &compound::word("Dear all, plain text", 0));
    assert_eq!(text(&report, Role::Body), "Dear all, plain text");
    refused("a.doc", &compound::word("x", 0x100), Reason::Encrypted);
    refused("a.doc", &compound::word("x\u{13} DDEAUTO c:\\x \u{14}\u{15}", 0), Reason::Dde);
    refused("a.doc", &compound::compound(&[("Macros/", b""), ("WordDocument", b"")]), Reason::Macro);
    let report = refused(
        "a.docx",
        &compound::compound(&[("EncryptionInfo", b""), ("EncryptedPackage", b"")]),
        Reason::Encrypted,
    );
    assert!(report.has(Reason::Mismatch));
    let book = |sheet: Vec<u8>, rest: Vec<u8>| compound::compound(&[("Workbook", &[sheet, rest].concat())]);
    let strings = compound::strings(&["first"], "cut in two");
    let report = accepted("a.xls", &book(compound::sheet("S", 0, 0), strings.clone()));
    assert_eq!(text(&report, Role::Body), "first\ncut in two\n");
    refused("a.xls", &book(compound::sheet("S", 2, 1), strings.clone()), Reason::Macro);
    noted("a.xls", &book(compound::sheet("S", 1, 0), strings.clone()), Reason::HiddenSheet);
    refused("a.xls", &book(compound::record(0x2f, &[0; 6]), strings), Reason::Encrypted);
    let slides = [&[0_u8, 0, 0xa8, 0x0f][..], &5_u32.to_le_bytes(), b"title"].concat();
    let report = accepted("a.ppt", &compound::compound(&[("PowerPoint Document", &slides)]));
    assert_eq!(text(&report, Role::Body).trim(), "title");
    let mut circle = compound::word("x", 0);
    let table = circle.len() - 512;
    circle[table..table + 4].copy_from_slice(&0_u32.to_le_bytes());
    assert!(inspect("a.doc", &circle).disposition() > Disposition::Accept);
}

#[test]
pub(crate) fn rich_text_is_read() {
    let report = accepted("a.rtf", b"{\\rtf1\\ansi Hello \\b world\\b0\\par Gr\\'fc\\u223 ?e}");
    assert_eq!(text(&report, Role::Body), "Hello world\nGrüße");
    refused("a.rtf", b"{\\rtf1{\\object\\objemb{\\*\\objdata 0105}}}", Reason::OleObject);
    refused("a.rtf", b"{\\rtf1{\\field{\\*\\fldinst DDEAUTO c:\\\\x}{\\fldrslt x}}}", Reason::Dde);
    refused("a.rtf", b"{\\rtf1{\\*\\template http://example.org/t}}", Reason::ExternalTemplate);
    let report = noted("a.rtf", b"{\\rtf1 seen {\\v not seen}}", Reason::HiddenText);
    assert_eq!(text(&report, Role::Hidden), "not seen");
}

#[test]
pub(crate) fn what_is_embedded_is_inspected() {
    let inner = xlsx("<row><c t=\"s\"><v>0</v></c></row>", &["inner cell"], "", &[]);
    let report = accepted("a.docx", &docx(&paragraph("", "x"), &[("word/embeddings/sheet.xlsx", &inner)]));
    assert!(text(&report, Role::Body).contains("inner cell"));
    let program = docx(&paragraph("", "x"), &[("word/media/image1.png", b"\x7fELF\x02")]);
    refused("a.docx", &program, Reason::Executable);
    let entry = Entry { flags: 1, local_flags: 1, ..Entry::stored("word/document.xml", b"x") };
    let bytes = crate::support::zip::zip(&[Entry::stored("[Content_Types].xml", b"<Types/>"), entry]);
    refused("a.docx", &bytes, Reason::Encrypted);
}
