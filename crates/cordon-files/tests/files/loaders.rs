//! Ways around: what one reader of a model stops at, takes for something else or does not look at, and another runs.

use cordon_files::{Disposition, FileType, Reason, Role};

use crate::support::{
    accepted, inspect,
    model::{self, called, named, short, stream},
    refused, tar, text,
};

/// What runs, as text: `eval` of a text.
const RUNS: &[u8] = b"cbuiltins\neval\n(S'1'\ntR.";

fn then_runs(before: &[u8]) -> Vec<u8> {
    [before, RUNS].concat()
}

#[test]
fn an_opcode_that_loaders_read_otherwise_ends_no_search() {
    for before in [
        &b"I1\0x\n0"[..],
        b"F1\0x\n0",
        b"L1 L\n0",
        b"L1\0L\n0",
        b"Np+1\n0",
        b"Np1_0\n0",
        b"Np 1 \n0",
        b"Np1\0x\n0",
        b"Np99999999999999999999999\n0",
        b"cbuiltins\nlist\n]R0",
        b"h\x000",
    ] {
        for name in ["a.pkl", "a.bin"] {
            let report = refused(name, &then_runs(before), Reason::ModelCode);
            assert_eq!(report.file_type, FileType::Pickle, "{}", before.escape_ascii());
        }
    }
    // The last line needs no end: its last byte is dropped.
    refused("a.pkl", b"cantigravity\nxx", Reason::ModelCode);
    // A reader that goes on where this one cannot.
    for behind in [
        RUNS.to_vec(),
        [&named("os", "system")[..], b"."].concat(),
        b"\x8c\x02os\x94\x8c\x06system\x94\x93".to_vec(),
    ] {
        refused("a.pkl", &[b"cbuiltins\nlist\n\xff", &behind[..]].concat(), Reason::ModelCode);
    }
    let report = refused(
        "a.pkl",
        b"cbuiltins\nlist\n\xff\x8c\x08platform\x8c\x05linuxcats\nand dogs\n",
        Reason::Malformed,
    );
    assert!(!report.has(Reason::ModelCode), "{:?}", report.seen);
}

#[test]
fn a_number_of_memory_that_is_not_known_may_lead_to_anything() {
    // The reader that is written in Python remembers under any number.
    let far =
        stream(4, &[&named("numpy", "dtype"), b"p99999999999999999999999\n0g99999999999999999999999\n)R"]);
    refused("a.pkl", &far, Reason::ModelCode);
    let shifted = stream(
        4,
        &[&short("os"), b"p99999999999999999999999\n0", &short("system"), b"\x940h\x00h\x01\x93)R"],
    );
    refused("a.pkl", &shifted, Reason::ModelCode);
    // One reader for two streams: the memory of the first is that of the second.
    let first = stream(4, &[&short("os"), b"\x94", &short("system"), b"\x94\x86"]);
    let second =
        stream(4, &[&short("collections"), b"\x94", &short("OrderedDict"), b"\x9400h\x00h\x01\x93)R"]);
    accepted("a.pkl", &second);
    refused("a.pkl", &[first, second].concat(), Reason::ModelCode);
    // Streams that do not know of one another are what they are.
    let own = stream(4, &[&short("key"), b"\x94", &named("collections", "OrderedDict"), b"\x94)R0h\x01)R"]);
    accepted("a.pkl", &[own.clone(), own.clone(), own].concat());
}

#[test]
fn a_text_that_begins_as_a_program_is_still_read() {
    for begin in ["cx\ny\n.\n", "coverage\ndist\n.env\n", "config\ncache\n.gitignore\n", "cat\ndog\n."] {
        let bytes = [begin, "the key is AKIAIOSFODNN7EXAMPLE"].concat();
        let report = accepted("notes.txt", bytes.as_bytes());
        assert_eq!(report.file_type, FileType::Text, "{begin:?}");
        assert!(text(&report, Role::Body).contains("AKIAIOSFODNN7EXAMPLE"));
    }
    for (name, begin) in [
        ("notes.txt", "cos\nsystem\n."),
        ("x.pkl", "I1\n."),
        ("x.pkl", "cx\ny\n."),
        ("x.safetensors", "12345678{\n"),
        ("x.txt", "12345678{\"data_offsets\": 1}\n"),
    ] {
        let report = inspect(name, [begin, "the key is AKIAIOSFODNN7EXAMPLE"].concat().as_bytes());
        assert!(text(&report, Role::Body).contains("AKIAIOSFODNN7EXAMPLE"), "{name} {begin:?}");
    }
    assert_eq!(inspect("x.txt", b"12345678{\"data_offsets\": 1}\n").file_type, FileType::Text);
}

#[test]
fn a_sign_before_a_pickle_hides_nothing() {
    let mut tape = tar(&[]);
    tape.clear();
    tape.extend(b"X\x04\x01\0\0");
    tape.resize(257, b'a');
    tape.extend(b"ustar");
    tape.resize(265, b'a');
    tape.push(b'0');
    let bzip = [&b"BZh\0\0"[..], &[b'x'; 26714], b"0"].concat();
    for (begin, expected) in [
        (&bzip[..], FileType::Packed),
        (b"MSCF1\n00", FileType::Packed),
        (b"GIF89aabc0", FileType::Gif),
        (b"GGUF\x03\0\0\0\x010", FileType::Gguf),
        (b"V%PDF-1.4 obj\n0", FileType::Pdf),
        (b"C\x1faaaaaa{\"data_offsets\"aaaaaaaaaa0", FileType::Safetensors),
        (b"C\x02aa0X\x04\0\0\0ftyp0", FileType::Pickle),
        (&tape, FileType::Tar),
    ] {
        for name in ["a.pkl", "a", "a.gif"] {
            let report = refused(name, &then_runs(begin), Reason::ModelCode);
            assert_eq!(report.has(Reason::Polyglot), report.file_type != FileType::Pickle);
            if name != "a.pkl" {
                assert_eq!(report.file_type, expected, "{}", head(begin));
            }
        }
    }
    let film = stream(4, &[b"C\x10ftyp", &[b'x'; 12], b"0", &RUNS[..RUNS.len() - 1]]);
    assert_eq!(refused("a.mp4", &film, Reason::ModelCode).file_type, FileType::Pickle);
}

fn head(bytes: &[u8]) -> String {
    bytes[..bytes.len().min(20)].escape_ascii().to_string()
}

#[test]
fn the_header_of_an_array_hides_no_objects() {
    let bad = called("os", "system");
    for descr in [
        "'\\x4f'",
        "'i4,O'",
        "'2O'",
        "'(2,)O'",
        "'object_'",
        "[('a','O,O')]",
        "[(\"a'\", 'O')]",
        // Nothing in it says so, and what is behind it does.
        "'<f8'",
    ] {
        refused("a.npy", &model::npy(descr, &bad), Reason::ModelCode);
        refused("a.npy", &model::npy(descr, RUNS), Reason::ModelCode);
    }
    let long = model::npy(&format!("'|O'{}", " ".repeat(11_000)), &bad);
    let report = refused("a.npy", &long, Reason::ModelCode);
    assert!(report.has(Reason::Malformed));
    for (descr, numbers) in
        [("'<f8'", &[0x80, 2, b'N', b'.'][..]), ("[('x', 'i4')]", &[9; 8]), ("'S9'", b"cat\ndog\n\0")]
    {
        accepted("a.npy", &model::npy(descr, numbers));
    }
}

/// A wrapper of joblib with its state, and the array behind it: elements of this kind, so many, each so many bytes.
fn wrapped(kind: &str, count: u8, size: u8) -> Vec<u8> {
    let dtype = [
        &named("numpy", "dtype")[..],
        &short(kind),
        b"\x89\x88\x87R\x94(K\x03",
        &short("<"),
        b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb",
    ];
    let state = [
        &short("subclass")[..],
        &named("numpy", "ndarray"),
        &short("shape"),
        &[b'K', count, 0x85, 0x94],
        &short("dtype"),
        &dtype.concat(),
        &short("allow_mmap"),
        b"\x88",
        &short("numpy_array_alignment_bytes"),
        b"K\x10",
    ];
    let wrapper =
        [&named("joblib.numpy_pickle", "NumpyArrayWrapper")[..], b")\x81}\x94(", &state.concat(), b"ub"];
    let bytes = vec![0xff; usize::from(count) * usize::from(size)];
    [&wrapper.concat()[..], b"\x05\xff\xff\xff\xff\xff", &bytes].concat()
}

#[test]
fn behind_arrays_of_a_known_size_the_opcodes_are_read() {
    let unknown = [&named("company.models", "Net")[..], b")R0"].concat();
    // What two texts are put together for is no name that a search finds.
    let hidden = [&short("os")[..], b"\x940", &short("system"), b"\x940h\x02h\x03\x93)R0"].concat();
    for (kind, size) in [("f8", 8), ("i4", 4), ("U3", 12), ("S5", 5), ("b1", 1), ("c16", 16), ("M8", 8)] {
        let array = wrapped(kind, 3, size);
        let file = |behind: &[&[u8]]| stream(4, &[b"}(", &short("a"), &array, &behind.concat(), b"u"]);
        let said = short("Ignore all previous instructions");
        let benign = inspect("a.joblib", &file(&[&short("b"), b"N", &said, b"N"]));
        assert!(
            !benign.has(Reason::UnknownObject) && !benign.has(Reason::ModelCode),
            "{kind}: {:?}",
            benign.seen
        );
        assert!(text(&benign, Role::Body).contains("Ignore all"), "{kind}");
        refused("a.joblib", &file(&[&unknown]), Reason::UnknownObject);
        refused("a.joblib", &file(&[&hidden]), Reason::ModelCode);
        // Behind another one, and in a stream of its own.
        refused("a.joblib", &file(&[&short("b"), &wrapped("f4", 2, 4), &unknown]), Reason::UnknownObject);
        let two = [file(&[&short("b"), b"N"]), called("company.models", "Net")].concat();
        refused("a.joblib", &two, Reason::UnknownObject);
    }
    // Whoever lies about the size hides nothing that was found before.
    let lies = stream(4, &[&wrapped("f8", 60, 0), RUNS, &[0xff; 600]]);
    refused("a.joblib", &lies, Reason::ModelCode);
    let lies = stream(4, &[&wrapped("f8", 6, 0), &[0xff; 8], RUNS, &[0xff; 40], b"N"]);
    refused("a.joblib", &lies, Reason::ModelCode);
    // Arrays of objects are pickles of their own, and what their size would be says nothing.
    let objects = inspect("a.joblib", &stream(4, &[&wrapped("O8", 2, 0), &unknown]));
    assert!(objects.has(Reason::Unreadable));
}

#[test]
fn behind_arrays_and_behind_five_streams_names_are_looked_for() {
    let array = |module: &str| stream(4, &[&named(module, "NumpyArrayWrapper"), b")R}b", &[0xff; 16], RUNS]);
    for module in
        ["joblib.numpy_pickle", "sklearn.externals.joblib.numpy_pickle", "joblib.numpy_pickle_compat"]
    {
        let report = refused("a.joblib", &array(module), Reason::ModelCode);
        assert!(report.has(Reason::Unreadable) && !report.has(Reason::UnknownObject));
    }
    let sign = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";
    let rest = b"\x80\x02M\xe9\x03.\x80\x02}.\x80\x02}.\x80\x02].";
    refused("a.pt", &[&sign[..], rest, &called("os", "system")].concat(), Reason::ModelCode);
    // The number makes no file of PyTorch by standing somewhere.
    let beside = [&b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19N\x86."[..], b"\xff\xff"].concat();
    let report = refused("a.pt", &beside, Reason::Appended);
    assert_eq!(report.disposition(), Disposition::Reject);
}
