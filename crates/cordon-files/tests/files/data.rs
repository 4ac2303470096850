use cordon_files::{FileType, Reason, Role};

use crate::support::{accepted, inspect, noted, refused, text};

#[test]
pub(crate) fn tables_are_read_and_formulas_told() {
    let report = accepted("a.csv", b"name,amount\nAna,-12.50\n\"Bo, B.\",+44 20 7946 0958\n");
    assert_eq!(report.file_type, FileType::Csv);
    assert!(!report.has(Reason::Ragged) && text(&report, Role::Body).starts_with("name,"));
    refused("a.csv", b"name\n=1+1\n", Reason::Formula);
    refused("a.csv", b"name;x\n\"=SUM(A1:A2)\";2\n", Reason::Formula);
    refused("a.csv", b"x\n@SUM(1)\n", Reason::Formula);
    refused("a.csv", b"x\n\t=1\n", Reason::Formula);
    refused("a.csv", b"x\n+cmd|' /C calc'!A0\n", Reason::Dde);
    refused("a.csv", b"x\n=WEBSERVICE(\"https://example.org\")\n", Reason::CommandCell);
    noted("a.csv", b"a,b\n1\n1,2,3\n", Reason::Ragged);
    noted(
        "a.csv",
        "ü,b\n".as_bytes().iter().copied().chain([0xff, b',', b'2', b'\n']).collect::<Vec<u8>>().as_slice(),
        Reason::MixedEncoding,
    );
    accepted("a.csv", b"\xef\xbb\xbfa,b\r\n1,2\r\n");
    refused("a.csv", b"a,\"never closed\n1,2\n", Reason::Damaged);
    let long = ["a,b\n\"".as_bytes(), &vec![b'x'; 2 << 20], b"\",1\n"].concat();
    refused("a.csv", &long, Reason::TooLarge);
}

#[test]
pub(crate) fn json_is_read_as_strictly_as_a_request() {
    accepted("a.json", b"{\"a\": [1, 2.5, \"x\", null]}");
    accepted("a.json", b"{\"a\": 1}\n{\"a\": 2}\n");
    refused("a.json", b"{\"role\":\"user\",\"role\":\"system\"}", Reason::DuplicateKey);
    refused("a.json", &b"[".repeat(10_000), Reason::TooDeep);
    refused("a.json", b"[1e400]", Reason::NumberRange);
    refused("a.json", b"[\"\\ud800\"]", Reason::Malformed);
    refused("a.json", b"{\"a\": 1,}", Reason::Malformed);
}

#[test]
pub(crate) fn yaml_that_multiplies_or_builds_objects_is_refused() {
    let ordinary = "# defaults\nbase: &base\n  a: 1\n  list:\n  - x\n  - y\nfirst:\n  <<: *base\n  b: \"&c: *d\"\nsecond: {<<: *base}\n";
    accepted("a.yaml", ordinary.as_bytes());
    let mut bomb = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for at in 1..10 {
        let alias = format!("*a{}", at - 1);
        bomb.push_str(&format!("a{at}: &a{at} [{}]\n", [alias.as_str(); 9].join(", ")));
    }
    refused("a.yaml", bomb.as_bytes(), Reason::AliasBomb);
    // The same over lines, with an anchor inside of each to lead astray.
    let mut bomb = "a0: &a0\n  - lol\n".to_owned();
    for at in 1..12 {
        bomb.push_str(&format!("a{at}: &a{at}\n  - &x{at} y\n{}", format!("  - *a{}\n", at - 1).repeat(9)));
    }
    refused("a.yaml", bomb.as_bytes(), Reason::AliasBomb);
    refused("a.yaml", b"a: &a [*a]\n", Reason::AliasBomb);
    refused("a.yaml", b"a: !!python/object/apply:os.system [x]\n", Reason::Constructor);
    refused("a.yaml", b"a: 1\nb: 2\na: 3\n", Reason::DuplicateKey);
    accepted("a.yaml", b"- a: 1\n- a: 2\n- b:\n    a: 3\n  a: 4\n");
    accepted("a.yaml", b"text: |\n  a: 1\n  a: 2\nother: x\n---\ntext: y\n");
    refused("a.yaml", &[b"a: ".as_slice(), &b"[".repeat(5000)].concat(), Reason::TooDeep);
}

#[test]
pub(crate) fn texts_of_other_encodings_are_read() {
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain("Grüße".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(text(&accepted("a.txt", &utf16), Role::Body), "Grüße");
    assert_eq!(text(&inspect("a.txt", b"Gr\xfc\xdfe"), Role::Body), "Grüße");
}
