//! Ways around in archives, templates, settings and headers of models, and ordinary files that look like one.

use cordon_files::{Disposition, FileType, Reason, Role};

use crate::support::{
    accepted, gzip, inspect,
    model::{self, called},
    refused, text,
    zip::{self, Entry},
    zlib,
};

/// What runs, as text: `eval` of a text.
const RUNS: &[u8] = b"cbuiltins\neval\n(S'1'\ntR.";

#[test]
fn an_archive_hides_no_pickle_behind_what_its_headers_say() {
    let bad = called("os", "system");
    let good = Entry::stored("m/data.pkl", &model::state());
    let with = |change: fn(&mut Entry)| {
        let mut entry = Entry::deflated("m/data.pkl", &bad);
        change(&mut entry);
        zip::zip(&[entry])
    };
    // A mode of Unix that says that it is a link, and a bit that says that it is encrypted.
    let link = with(|entry| (entry.made_by, entry.attributes) = (3 << 8, 0xa000_0000));
    assert!(refused("m.pt", &link, Reason::ModelCode).has(Reason::Link));
    let marked = with(|entry| (entry.flags, entry.local_flags) = (1, 1));
    assert!(refused("m.pt", &marked, Reason::ModelCode).has(Reason::Encrypted));
    let mut stored = Entry::stored("m/data.pkl", &bad);
    (stored.flags, stored.local_flags, stored.crc) = (1, 1, 7);
    refused("m.pt", &zip::zip(&[stored]), Reason::ModelCode);
    let mut secret = Entry::stored("m/data.pkl", &[0xe1; 64]);
    (secret.flags, secret.local_flags, secret.crc) = (1, 1, 7);
    let report = inspect("m.pt", &zip::zip(&[secret]));
    assert_eq!(report.disposition(), Disposition::Quarantine, "{:?}", report.seen);
    // A record that cannot be read ends no directory, and neither does one that lacks what should describe it.
    let lost = Entry { offset: Some(0x7fff_ffff), ..good };
    refused("m.pt", &zip::zip(&[lost, Entry::deflated("m/data.pkl", &bad)]), Reason::ModelCode);
    refused("m.pt", &with(|entry| (entry.flags, entry.local_flags) = (8, 8)), Reason::ModelCode);
}

#[test]
fn numbers_are_exempt_only_where_they_are_numbers() {
    let archive = |folder: &str, number: &[u8]| {
        zip::zip(&[
            Entry::stored(&format!("{folder}data.pkl"), b"N."),
            Entry::stored(&format!("{folder}data/0"), number),
        ])
    };
    let bad = called("os", "system");
    refused("m.pt", &archive("m/", &model::npy("'|O'", &bad)), Reason::ModelCode);
    refused("m.pt", &archive("m/", &bad), Reason::ModelCode);
    refused("m.pt", &archive("m/", RUNS), Reason::ModelCode);
    refused("m.pt", &archive("m/", &gzip(&bad)), Reason::ModelCode);
    refused("m.pt", &archive("m/", &zlib(&bad)), Reason::ModelCode);
    refused("m.pt", &archive("m/", b"\x7fELF\x02\x01\x01"), Reason::Executable);
    // Not in the one folder that PyTorch's archives have.
    assert!(inspect("m.pt", &archive("a/m/", b"\0\x01\xff")).has(Reason::UnknownType));
    for number in [
        &b"\0\0\x80\x3f"[..],
        b"MZ\x90\0\xff\xff",
        b"\x78\x9c\0\xff\xff",
        b"\xff\xfb\x90\0\0\0",
        b"\x80\x02N\xff",
    ] {
        accepted("m.pt", &archive("m/", number));
    }
}

#[test]
fn templates_in_files_of_their_own_are_read() {
    for name in ["chat_template.jinja", "additional_chat_templates/tool_use.jinja", "m/chat_template.json.j2"]
    {
        refused(name, b"{% include 'x' %}", Reason::Template);
        refused(name, b"{{ '}}' ~ ''.__class__ }}", Reason::Template);
        accepted(name, b"{% for m in messages %}{{ m['role'] }}{% endfor %}");
    }
    // Those of programs include others, and name variables as they like.
    accepted("site.j2", b"{% include 'x.j2' %}{{ __nginx_user }}");
    refused("site.j2", b"{{ x['__cla' ~ 'ss__'] }}", Reason::Template);
    accepted("site.txt", b"{{ x.__class__ }}");
}

#[test]
fn settings_that_only_a_tolerant_reader_takes_are_read() {
    for (wrong, expected) in [
        ("{\"a\": NaN, \"auto_map\": {\"AutoConfig\": \"x.X\"}}", Reason::RemoteCode),
        ("{\"a\": -Infinity, \"auto\\u005fmap\": {\"AutoModel\": \"x.X\"}}", Reason::RemoteCode),
        ("{\"a\": 1, \"a\": 2, \"trust_remote_code\": true}", Reason::RemoteCode),
        ("{\"a\": NaN, \"chat_template\": \"{{ ''.__class__ }}\"}", Reason::Template),
        (
            "{\"a\": NaN, \"chat_template\": [{\"name\": \"x\", \"template\": \"{{ \\\"\\\".__class__ }}\"}]}",
            Reason::Template,
        ),
        ("{\"a\": NaN, \"class_name\": \"Lambda\", \"config\": {}}", Reason::Layer),
        (
            "{\"a\": NaN, \"module\": \"os\", \"class_name\": \"function\", \"config\": \"system\"}",
            Reason::Layer,
        ),
        // A value on each line.
        ("{\"a\": 1}\n{\"trust_remote_code\": true}", Reason::RemoteCode),
    ] {
        refused("config.json", wrong.as_bytes(), expected);
    }
    let report = inspect("config.json", b"{\"a\": NaN, \"auto_map\": {}, \"trust_remote_code\": false}");
    assert!(!report.has(Reason::RemoteCode));
    accepted("rows.json", b"{\"class_name\": \"A\", \"module\": \"b\"}\n{\"auto_map\": {}}");
}

#[test]
fn layers_of_foreign_modules_need_no_registered_name() {
    let layer = |module: &str, class: &str, config: &str| {
        format!("{{\"module\": \"{module}\", \"class_name\": \"{class}\", \"config\": {config}}}")
            .into_bytes()
    };
    for (module, class, config) in [
        ("os", "function", "\"system\""),
        ("keras.utils", "function", "\"get_file\""),
        ("keras.src.utils.file_utils", "function", "\"get_file\""),
        ("company.layers", "Net", "{}"),
    ] {
        refused("config.json", &layer(module, class, config), Reason::Layer);
    }
    for (module, class, config) in [
        ("keras.layers", "Dense", "{}"),
        ("keras.activations", "function", "\"relu\""),
        ("keras.src.losses.losses", "function", "\"mse\""),
        ("builtins", "function", "\"relu\""),
    ] {
        accepted("config.json", &layer(module, class, config));
    }
}

#[test]
fn a_graph_is_one_whatever_field_comes_first() {
    let graph = model::onnx("../x");
    let moved = [&graph[2..], &graph[..2]].concat();
    for name in ["a.onnx", "a"] {
        assert_eq!(refused(name, &moved, Reason::ExternalPath).file_type, FileType::Onnx);
    }
    // A field that is none of the format's makes it none by its content, and its name says it all the same.
    let beside = [&moved[..], b"\xfa\x3f\x01x"].concat();
    refused("a.onnx", &beside, Reason::ExternalPath);
    assert_eq!(accepted("a.txt", b": this line is thirty letters long.").file_type, FileType::Text);
    accepted("a.onnx", &graph_of_folder());
}

fn graph_of_folder() -> Vec<u8> {
    model::onnx("weights.data")
}

#[test]
fn endings_that_others_use_and_words_that_are_signs_are_no_lies() {
    assert_eq!(accepted("paths.pth", b"/usr/lib/python3/dist-packages\n").file_type, FileType::Text);
    accepted("config.pkl", b"name = \"Pkl\"\n");
    accepted("model.pth.tar", &model::state());
    let torch = zip::of(&[("m/data.pkl", &model::state())]);
    accepted("model.pth.tar", &torch);
    let report = accepted("about", b"GGUF models for llama.cpp, the key is AKIAIOSFODNN7EXAMPLE");
    assert!(report.file_type == FileType::Text && text(&report, Role::Body).contains("AKIA"));
}
