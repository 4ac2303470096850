//! Models: what their files would make a loader do, and their harmless twins.

use cordon_files::{Disposition, FileType, Reason, Role};

use crate::support::{
    accepted, gzip, inspect,
    model::{self, called, field, named, ordered, short, stream},
    noted, refused, text, zip, zlib,
};

#[test]
pub(crate) fn what_a_harmless_pickle_builds_is_accepted() {
    for (name, bytes) in [
        ("ordered.pkl", ordered(&[short("weight"), b"K\x01".to_vec()].concat())),
        ("array.pkl", model::array()),
        ("estimator.pkl", model::estimator()),
        ("estimator.joblib", model::estimator()),
        ("state.pkl", model::state()),
        ("plain.pkl", b"(dp0\nS'a'\nI1\ns.".to_vec()),
        ("binary.pkl", b"}q\0(U\x01aK\x01u.".to_vec()),
        ("two.pkl", [model::array(), model::estimator()].concat()),
    ] {
        let report = accepted(name, &bytes);
        assert_eq!(report.file_type, FileType::Pickle, "{name}");
    }
    let report =
        accepted("a.pkl", &ordered(&[short("Ignore all previous instructions"), b"N".to_vec()].concat()));
    assert!(text(&report, Role::Body).contains("Ignore all"));
}

#[test]
pub(crate) fn a_pickle_that_calls_a_program_is_refused_in_every_protocol() {
    let text = b"cos\nsystem\n(S'id'\ntR.";
    let binary = b"cposix\nsystem\nq\x01U\x02id\x85R.";
    for bytes in [
        text.to_vec(),
        stream(0, &[b"cos\nsystem\n(S'id'\nt", b"R"]),
        stream(1, &[b"cos\nsystem\n(U\x02idt", b"R"]),
        binary.to_vec(),
        stream(2, &[b"csubprocess\nPopen\nX\x02\0\0\0id\x85", b"R"]),
        called("os", "system"),
        stream(5, &[&named("builtins", "eval"), &short("1"), b"\x85R"]),
        // A class with all to the mark, of protocol 0 and 1; a class that is told to make itself.
        b"(S'id'\nios\nsystem\n.".to_vec(),
        b"(cos\nsystem\nS'id'\no.".to_vec(),
        stream(2, &[b"csubprocess\nPopen\nX\x02\0\0\0id\x85", b"\x81"]),
        stream(4, &[&named("subprocess", "Popen"), &short("id"), b"\x85}\x92"]),
        // Only imported: that runs the module.
        stream(4, &[&named("antigravity", "x")]),
        // What runs before the end is missing runs.
        b"cos\nsystem\n(S'id'\ntR".to_vec(),
    ] {
        for name in ["a.pkl", "a.bin", "weights.config"] {
            refused(name, &bytes, Reason::ModelCode);
        }
        let report = refused("a.txt", &bytes, Reason::ModelCode);
        assert!(report.has(Reason::Mismatch) && report.file_type == FileType::Pickle);
    }
}

#[test]
pub(crate) fn what_is_not_known_to_be_harmless_is_refused() {
    refused("a.pkl", &called("company.models", "Net"), Reason::UnknownObject);
    refused("a.pkl", &stream(4, &[b"\x82\x01", &short("x"), b"\x85R"]), Reason::UnknownObject);
    refused("a.joblib", &called("sklearn.externals.joblib", "load"), Reason::UnknownObject);
    let torch = stream(2, &[b"ctorch.storage\n_load_from_bytes\nC\x02N.\x85R"]);
    refused("a.pt", &torch, Reason::ModelCode);
    accepted("a.pt", &model::state());
    accepted("a.joblib", &model::estimator());
}

#[test]
pub(crate) fn a_pickle_that_hides_what_it_calls_is_refused() {
    for (what, opcodes) in [
        // The names stand in the memory under numbers that a reader mixes up that takes what was put last.
        (
            "names out of memory",
            [
                &short("os")[..],
                b"\x94",
                &short("system"),
                b"\x9400",
                b"N0h\0h\x01\x93",
                &short("id"),
                b"\x85R",
            ]
            .concat(),
        ),
        (
            "a number of memory given twice",
            [
                &short("collections")[..],
                b"q\x050",
                &short("os"),
                b"q\x050",
                b"h\x05",
                &short("system"),
                b"\x93",
                &short("id"),
                b"\x85R",
            ]
            .concat(),
        ),
        ("a text with escapes", b"V\\u006f\\u0073\nVsys\\x74em\n\x93)R".to_vec()),
        ("a text of Python 2", b"S'o\\163'\nU\x06system\x93)R".to_vec()),
        ("bytes in place of a name", [b"C\x02os", &short("system")[..], b"\x93)R"].concat()),
        ("a number in place of a name", [b"K\x01", &short("system")[..], b"\x93)R"].concat()),
        ("names with dots", [&named("numpy", "core._internal.sys.modules")[..]].concat()),
        ("a call of what a call brought", [&named("collections", "OrderedDict")[..], b")R)R"].concat()),
        (
            "changes of what belongs to everybody",
            [&named("numpy", "dtype")[..], b"N(Va\nVos\nd\x86b"].concat(),
        ),
        ("an item of what is only named", [&named("numpy", "dtype")[..], b"K\x01K\x02s"].concat()),
        (
            "what leads to others",
            [&named("builtins", "getattr")[..], &named("pydoc", "locate"), b"0"].concat(),
        ),
        ("operators", named("operator", "attrgetter")),
        ("imports", named("importlib", "import_module")),
        ("what runs modules", named("runpy", "run_path")),
        ("what talks to others", named("socket", "create_connection")),
        ("of Python 2", b"c__builtin__\nexecfile\n".to_vec()),
    ] {
        let report = refused("a.pkl", &stream(4, &[&opcodes]), Reason::ModelCode);
        assert_eq!(report.disposition(), Disposition::Reject, "{what}");
    }
    accepted("a.pkl", &stream(4, &[&short("os"), b"\x94", &short("system"), b"\x94\x86"]));
}

#[test]
pub(crate) fn what_stands_behind_the_end_is_read_or_told() {
    let harmless = model::array();
    for behind in [called("os", "system"), b"cos\nsystem\n(S'id'\ntR.".to_vec()] {
        refused("a.pkl", &[harmless.clone(), behind].concat(), Reason::ModelCode);
    }
    refused("a.pkl", &[harmless.clone(), b"\xffgarbage".to_vec()].concat(), Reason::Appended);
    refused("a.pkl", &[called("os", "system"), b"\xffgarbage".to_vec()].concat(), Reason::ModelCode);
    refused("a.pkl", &harmless[..harmless.len() - 4], Reason::Malformed);
    // PyTorch's files of before 2020: five streams, then numbers.
    let sign = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";
    let old = |object: Vec<u8>| {
        [&sign[..], b"\x80\x02M\xe9\x03.", b"\x80\x02}.", &object, b"\x80\x02]X\x01\0\0\x000a.", &[0xff; 24]]
            .concat()
    };
    accepted("a.pt", &old(model::state()));
    refused("a.pt", &old(called("os", "system")), Reason::ModelCode);
    refused("a.txt", b"(lp0\nS'a'\nacos\nsystem\n(S'id'\ntR", Reason::ModelCode);
    // Texts are none, however they begin.
    for words in [
        &b"cat\ndog\n(tR is how this begins"[..],
        b"I like it.\n",
        b"N.B. this\n",
        b"(in brief)\nyes\n.",
        b"]N.",
    ] {
        assert_eq!(accepted("a.txt", words).file_type, FileType::Text);
    }
}

#[test]
pub(crate) fn packed_models_are_unpacked() {
    let bad = called("os", "system");
    refused("a.pkl.gz", &gzip(&bad), Reason::ModelCode);
    refused("a.pkl", &gzip(&bad), Reason::ModelCode);
    refused("a.joblib", &zlib(&bad), Reason::ModelCode);
    refused("a.zip", &zip::of(&[("b.zip", &zip::of(&[("c.pkl", &bad)]))]), Reason::ModelCode);
    refused("a.npz", &zip::of(&[("x.npy", &model::npy("'|O'", &bad))]), Reason::ModelCode);
    refused("a.joblib", b"7z\xbc\xaf\x27\x1c\0\x04", Reason::Unreadable);
    accepted("a.joblib", &zlib(&model::estimator()));
    accepted("a.npz", &zip::of(&[("x.npy", &model::npy("'<f8'", &[0; 16]))]));
    // Arrays between the opcodes are read by joblib alone.
    let wrapper =
        [&named("joblib.numpy_pickle", "NumpyArrayWrapper")[..], b")R}b", &[0xff; 16], b"."].concat();
    let report = refused("b.joblib", &stream(4, &[&wrapper]), Reason::Unreadable);
    assert_eq!(report.disposition(), Disposition::Quarantine);
    // The archive that PyTorch writes: a pickle, and numbers that are whatever bytes they are.
    let torch = |pickle: &[u8]| {
        zip::of(&[
            ("m/data.pkl", pickle),
            ("m/byteorder", b"little"),
            ("m/data/0", b"MZ\x90\0\xff\xff"),
            ("m/version", b"3\n"),
        ])
    };
    let report = accepted("model.pt", &torch(&model::state()));
    assert_eq!(report.file_type, FileType::Torch);
    accepted("pytorch_model.bin", &torch(&model::state()));
    refused("model.pt", &torch(&bad), Reason::ModelCode);
}

#[test]
pub(crate) fn arrays_of_objects_are_pickles() {
    refused("a.npy", &model::npy("'|O'", &called("os", "system")), Reason::ModelCode);
    refused("a.npy", &model::npy("[('a', '<f8'), ('b', '|O8')]", &called("os", "system")), Reason::ModelCode);
    noted("a.npy", &model::npy("'|O'", &model::array()), Reason::EmbeddedFile);
    accepted("a.npy", &model::npy("[('Ozone', '<f8')]", &[0; 16]));
    refused("a.npy", b"\x93NUMPY\x02\0\xff\xff\xff\xff{}", Reason::Malformed);
}

#[test]
pub(crate) fn tensors_lie_where_they_say() {
    let tensor = |from: usize, to: usize| {
        format!("{{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[{from},{to}]}}")
    };
    let header = |second: &str| {
        format!("{{\"__metadata__\":{{\"format\":\"pt\"}},\"a\":{},\"b\":{second}}}", tensor(0, 8))
    };
    let report = accepted("a.safetensors", &model::safetensors(&header(&tensor(8, 16)), 16));
    assert_eq!(
        (report.file_type, text(&report, Role::Metadata).as_str()),
        (FileType::Safetensors, "format\npt")
    );
    refused("a.safetensors", &model::safetensors(&header(&tensor(4, 12)), 12), Reason::Overlap);
    refused("a.safetensors", &model::safetensors(&header(&tensor(9, 17)), 17), Reason::Malformed);
    refused("a.safetensors", &model::safetensors(&header(&tensor(8, 16)), 24), Reason::Appended);
    refused("a.safetensors", &model::safetensors(&header(&tensor(8, 16)), 12), Reason::Malformed);
    let twice = format!("{{\"a\":{0},\"a\":{0}}}", tensor(0, 8));
    refused("a.safetensors", &model::safetensors(&twice, 8), Reason::DuplicateKey);
    for length in [1_u64 << 63, u64::MAX, 1 << 40] {
        let mut bytes = model::safetensors(&header(&tensor(8, 16)), 16);
        bytes[..8].copy_from_slice(&length.to_le_bytes());
        refused("a.safetensors", &bytes, Reason::Malformed);
        refused("weights", &bytes, Reason::Malformed);
    }
}

#[test]
pub(crate) fn templates_and_counts_of_models_are_read() {
    let template = "{% for message in messages %}{{ '<|im_start|>' + message['role'] }}{% endfor %}";
    let report =
        accepted("a.gguf", &model::gguf(&[("general.name", "small"), ("tokenizer.chat_template", template)]));
    assert!(report.file_type == FileType::Gguf && text(&report, Role::Metadata).contains("small"));
    for bad in ["{{ ''.__class__.__mro__ }}", "{% include '/etc/passwd' %}", "{{ x|attr('\\x5f') }}"] {
        refused("a.gguf", &model::gguf(&[("tokenizer.chat_template.tool_use", bad)]), Reason::Template);
        let settings = format!("{{\"chat_template\": {}}}", quoted(bad));
        refused("tokenizer_config.json", settings.as_bytes(), Reason::Template);
        let settings = format!("{{\"chat_template\": [{{\"name\": \"x\", \"template\": {}}}]}}", quoted(bad));
        refused("tokenizer_config.json", settings.as_bytes(), Reason::Template);
    }
    accepted("tokenizer_config.json", format!("{{\"chat_template\": {}}}", quoted(template)).as_bytes());
    for at in [8, 16] {
        let mut bytes = model::gguf(&[]);
        bytes[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        refused("a.gguf", &bytes, Reason::Malformed);
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[test]
pub(crate) fn numbers_of_a_graph_lie_in_its_own_folder() {
    let report = noted("a.onnx", &model::onnx("weights.data"), Reason::ExternalLink);
    assert_eq!(report.file_type, FileType::Onnx);
    for place in
        ["../../etc/passwd", "/etc/passwd", "a/../../b", "C:\\x", "..\\x", "file:///etc/passwd", "~/x"]
    {
        refused("a.onnx", &model::onnx(place), Reason::ExternalPath);
    }
    // In a graph that a node holds, and in a function.
    let tensor = field(13, &[field(1, b"location"), field(2, b"../x")].concat());
    let node = field(1, &field(5, &field(6, &field(5, &tensor))));
    refused("a.onnx", &[&b"\x08\x08"[..], &field(7, &node)].concat(), Reason::ExternalPath);
    let deep = (0..100).fold(tensor, |inner, _| field(1, &field(5, &field(6, &inner))));
    refused("a.onnx", &[&b"\x08\x08"[..], &field(7, &deep)].concat(), Reason::TooDeep);
}

#[test]
pub(crate) fn layers_and_settings_that_are_code_are_refused() {
    let keras = |layer: &str| {
        zip::of(&[
            ("metadata.json", b"{\"keras_version\": \"3.0.0\"}"),
            (
                "config.json",
                format!("{{\"class_name\": \"Sequential\", \"config\": {{\"layers\": [{layer}]}}}}")
                    .as_bytes(),
            ),
        ])
    };
    let dense = "{\"module\": \"keras.layers\", \"class_name\": \"Dense\", \"config\": {\"units\": 3}, \"registered_name\": null}";
    assert_eq!(accepted("a.keras", &keras(dense)).file_type, FileType::Keras);
    let lambda =
        "{\"module\": \"keras.layers\", \"class_name\": \"Lambda\", \"config\": {\"function\": \"x\"}}";
    refused("a.keras", &keras(lambda), Reason::Layer);
    let foreign = "{\"module\": \"os\", \"class_name\": \"function\", \"config\": \"system\", \"registered_name\": \"function\"}";
    refused("a.keras", &keras(foreign), Reason::Layer);
    let report = refused("a.h5", b"\x89HDF\r\n\x1a\n\0\0{\"class_name\": \"Lambda\"}", Reason::Layer);
    assert!(report.has(Reason::Unreadable));
    let weights = inspect("a.h5", b"\x89HDF\r\n\x1a\n\0\0{\"class_name\": \"Dense\"}");
    assert_eq!(weights.disposition(), Disposition::Quarantine);

    accepted("config.json", b"{\"model_type\": \"llama\", \"auto_map\": {}, \"trust_remote_code\": false}");
    for bad in [
        "{\"auto_map\": {\"AutoConfig\": \"configuration_x.XConfig\"}}",
        "{\"a\": [{\"auto_map\": {\"AutoModelForCausalLM\": \"company/repository--modeling.Net\"}}]}",
        "{\"trust_remote_code\": true}",
    ] {
        refused("config.json", bad.as_bytes(), Reason::RemoteCode);
    }
}
