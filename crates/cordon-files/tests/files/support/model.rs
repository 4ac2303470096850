//! Writers of models' files. Pickles are written opcode by opcode, as an attacker does.

/// A text of protocol 4: at most 255 bytes.
pub fn short(text: &str) -> Vec<u8> {
    [&[0x8c, text.len() as u8], text.as_bytes()].concat()
}

/// What a module has under a name, of protocol 4.
pub fn named(module: &str, name: &str) -> Vec<u8> {
    [short(module), short(name), vec![0x93]].concat()
}

/// A stream of a protocol.
pub fn stream(protocol: u8, opcodes: &[&[u8]]) -> Vec<u8> {
    [&[0x80, protocol][..], &opcodes.concat(), b"."].concat()
}

/// A call of one object with one text, of protocol 4.
pub fn called(module: &str, name: &str) -> Vec<u8> {
    stream(4, &[&named(module, name), &short("id"), b"\x85R"])
}

/// What `pickle.dumps(OrderedDict([("weight", …)]))` is like: an object of a harmless class with items.
pub fn ordered(items: &[u8]) -> Vec<u8> {
    stream(4, &[b"\x95\x10\0\0\0\0\0\0\0", &named("collections", "OrderedDict"), b"\x94)R\x94(", items, b"u"])
}

/// An array as NumPy pickles one in protocol 2: `_reconstruct`, then its state.
pub fn array() -> Vec<u8> {
    let class = b"cnumpy.core.multiarray\n_reconstruct\nq\0cnumpy\nndarray\nq\x01K\0\x85C\x01b\x87R";
    let state = b"(K\x01K\x02\x85cnumpy\ndtype\nX\x02\0\0\0f8\x89\x88\x87R(K\x03X\x01\0\0\0<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89";
    stream(2, &[class, state, b"C\x10", &[0; 16], b"tb"])
}

/// An estimator of scikit-learn: `copyreg._reconstructor` of protocol 0, and its settings.
pub fn estimator() -> Vec<u8> {
    b"ccopy_reg\n_reconstructor\np0\n(csklearn.linear_model._base\nLinearRegression\np1\nc__builtin__\nobject\np2\nNtp3\nRp4\n(dp5\nVfit_intercept\np6\nI01\nsVn_features_in_\np7\nI3\nsb."
        .to_vec()
}

/// The pickle of a state of PyTorch: a tensor whose numbers lie elsewhere in the archive.
pub fn state() -> Vec<u8> {
    let storage = b"((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x04tQ";
    let tensor = [
        &b"X\x06\0\0\0weightctorch._utils\n_rebuild_tensor_v2\n"[..],
        storage,
        b"K\0K\x04\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR",
    ];
    stream(2, &[b"ccollections\nOrderedDict\n)R(", &tensor.concat(), b"u"])
}

/// An array of NumPy's own format, with what is behind its header.
pub fn npy(descr: &str, behind: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (2,), }}\n");
    [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), behind].concat()
}

/// Tensors, by a header.
pub fn safetensors(header: &str, numbers: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![1; numbers]].concat()
}

/// A text of GGUF.
pub fn counted(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}

/// A model of ggml with one tensor and these pairs of texts.
pub fn gguf(pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut out = b"GGUF\x03\0\0\0".to_vec();
    out.extend(1_u64.to_le_bytes());
    out.extend((pairs.len() as u64 + 1).to_le_bytes());
    for (key, value) in pairs {
        out.extend([counted(key), 8_u32.to_le_bytes().to_vec(), counted(value)].concat());
    }
    let words = ["a", "b"].map(counted).concat();
    out.extend([counted("tokenizer.ggml.tokens"), 9_u32.to_le_bytes().to_vec()].concat());
    out.extend([8_u32.to_le_bytes().to_vec(), 2_u64.to_le_bytes().to_vec(), words].concat());
    out.extend([counted("t"), 1_u32.to_le_bytes().to_vec(), 4_u64.to_le_bytes().to_vec()].concat());
    out.extend([0_u32.to_le_bytes().to_vec(), 0_u64.to_le_bytes().to_vec()].concat());
    out.resize(out.len() + 16, 0);
    out
}

/// A field of Protocol Buffers with a length; shorter than 16 KiB.
pub fn field(number: u64, content: &[u8]) -> Vec<u8> {
    let varint = |value: u64| {
        if value < 128 { vec![value as u8] } else { vec![(value & 127 | 128) as u8, (value >> 7) as u8] }
    };
    [varint(number << 3 | 2), varint(content.len() as u64), content.to_vec()].concat()
}

/// A model of ONNX with one tensor whose numbers lie at a place.
pub fn onnx(location: &str) -> Vec<u8> {
    let entry = [field(1, b"location"), field(2, location.as_bytes())].concat();
    let tensor = [field(8, b"w"), field(13, &entry)].concat();
    let graph = [field(2, b"g"), field(5, &tensor)].concat();
    [&b"\x08\x08"[..], &field(2, b"pytorch"), &field(7, &graph)].concat()
}
