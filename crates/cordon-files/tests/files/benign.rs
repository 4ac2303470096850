//! What looks like an attack and is none: ordinary programs write such files every day.

use cordon_files::{FileType, Reason, Role};

use crate::support::{accepted, inspect, office, refused, tar, text, zip};

#[test]
pub(crate) fn lines_of_a_log_are_text() {
    let log = b"[2026-01-31 12:00:00] started\n[2026-01-31 12:00:01] ready\n";
    for name in ["server.log", "server.txt", "server"] {
        let report = accepted(name, log);
        assert_eq!(report.file_type, FileType::Text);
        assert!(text(&report, Role::Body).ends_with("ready\n"));
    }
    refused("server.json", log, Reason::Malformed);
    assert_eq!(accepted("a.txt", b"[1, 2]").file_type, FileType::Json);
    refused("a.txt", b"{\"a\": 1, \"a\": 2}", Reason::DuplicateKey);
    assert_eq!(accepted("a.csv", b"[1],2\n[3],4\n").file_type, FileType::Csv);
}

#[test]
pub(crate) fn what_office_programs_keep_beside_a_text_is_no_object() {
    let metafile = [&b"VCLMTF\x01\0\x31\0\0\0"[..], &[0; 40], &[0xff; 40]].concat();
    let bytes = office::odt(
        "",
        "<text:p>x</text:p>",
        &[("ObjectReplacements/Object 1", &metafile), ("layout-cache", &[1, 2, 0, 255, 4])],
    );
    accepted("a.odt", &bytes);
    let object = office::odt("", "<text:p>x</text:p>", &[("Object 1", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")]);
    refused("a.odt", &object, Reason::OleObject);
    let program =
        office::odt("", "<text:p>x</text:p>", &[("ObjectReplacements/Object 1", b"\x7fELF\x02\x01\x01")]);
    refused("a.odt", &program, Reason::Executable);

    let mut emf = vec![1, 0, 0, 0, 108, 0, 0, 0];
    emf.resize(40, 0xff);
    emf.extend(b" EMF\0\0\x01\0");
    let mut font = vec![0xff; 34];
    font.extend(b"LP\0\xff");
    let parts: [(&str, &[u8]); 4] = [
        ("word/media/image1.emf", &emf),
        ("word/media/image2.wmf", b"\xd7\xcd\xc6\x9a\0\0\xff\xff"),
        ("word/media/image3.wdp", b"II\xbc\x01\x08\0\0\0\xff"),
        ("word/fonts/font1.fntdata", &font),
    ];
    accepted("a.docx", &office::docx(&office::paragraph("", "x"), &parts));
    refused(
        "a.docx",
        &office::docx("", &[("word/media/image1.emf", &[1, 0, 0, 0, 255])]),
        Reason::UnknownType,
    );
}

#[test]
pub(crate) fn a_template_on_the_writers_own_drive_is_fetched_by_nobody() {
    let with = |target: &str| {
        office::docx(
            "",
            &[("word/_rels/settings.xml.rels", &office::relationship("attachedTemplate", target))],
        )
    };
    accepted("a.docx", &with("file:///C:\\Users\\x\\Templates\\Normal.dotm"));
    for target in [
        "https://example.org/a.dotm",
        "file:///\\\\server\\a.dotm",
        "file://server/a.dotm",
        "\\\\server\\a.dotm",
    ] {
        refused("a.docx", &with(target), Reason::ExternalTemplate);
    }
}

#[test]
pub(crate) fn what_macos_adds_to_archives_is_no_mismatch() {
    let double = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X\xff\xfe";
    let store = b"\0\0\0\x01Bud1\0\0\x10\0\xff\xfe";
    accepted("a.zip", &zip::of(&[("a.txt", b"x"), ("__MACOSX/._a.txt", double), (".DS_Store", store)]));
    accepted("a.tar", &tar(&[("a.txt", b'0', b"x"), ("._a.txt", b'0', double)]));
    // Only what it is by its content goes by such a name.
    assert!(
        inspect("a.zip", &zip::of(&[("__MACOSX/._a.txt", b"\x7fELF\x02\x01\x01")])).has(Reason::Executable)
    );
}

#[test]
pub(crate) fn sentences_and_names_in_tables_are_no_formulas() {
    accepted("a.csv", b"who,what\n-John (Sales),@alice Check this | great deal!\n");
    refused("a.csv", b"a,b\n+cmd|calc!A0,1\n", Reason::Dde);
    let sheet = "<row><c r=\"A1\"><f>SUBSTITUTE(B1,\"a|b\",\"!c\")</f><v>1</v></c></row>";
    accepted("a.xlsx", &office::xlsx(sheet, &[], "", &[]));
}
