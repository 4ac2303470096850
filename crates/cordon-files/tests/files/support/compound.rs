//! A writer of compound files: every stream in sectors of 512 bytes, padded so that none is small.

const END: u32 = 0xffff_fffe;
const FREE: u32 = 0xffff_ffff;

/// A file with these streams; a name that ends with `/` is a storage.
pub fn compound(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let mut sectors: Vec<[u8; 512]> = Vec::new();
    let mut chains: Vec<u32> = Vec::new();
    let mut add = |content: &[u8]| -> u32 {
        let first = sectors.len() as u32;
        let count = content.len().div_ceil(512).max(1);
        for at in 0..count {
            let mut sector = [0; 512];
            let piece = &content[(at * 512).min(content.len())..((at + 1) * 512).min(content.len())];
            sector[..piece.len()].copy_from_slice(piece);
            sectors.push(sector);
            chains.push(if at + 1 == count { END } else { first + at as u32 + 1 });
        }
        first
    };
    let mut directory = entry("Root Entry", 5, END, 0);
    for (name, content) in streams {
        match name.strip_suffix('/') {
            Some(name) => directory.extend(entry(name, 1, 0, 0)),
            None => {
                let mut content = content.to_vec();
                content.resize(content.len().max(4096), 0);
                let first = add(&content);
                directory.extend(entry(name, 2, first, content.len() as u32));
            }
        }
    }
    directory.resize(directory.len().div_ceil(512) * 512, 0);
    let directory = add(&directory);
    let table = sectors.len() as u32;
    assert!(chains.len() < 128, "one sector of chains is enough");
    chains.push(0xffff_fffd);
    chains.resize(128, FREE);
    let mut out = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    out.resize(24, 0);
    for word in [0x3e_u16, 3, 0xfffe, 9, 6] {
        out.extend(word.to_le_bytes());
    }
    out.resize(44, 0);
    for word in [1, directory, 0, 4096, END, 0, END, 0, table] {
        out.extend(word.to_le_bytes());
    }
    out.resize(512, 0xff);
    out.extend(sectors.concat());
    out.extend(chains.iter().flat_map(|link| link.to_le_bytes()));
    out
}

fn entry(name: &str, kind: u8, start: u32, size: u32) -> Vec<u8> {
    let mut entry: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let length = entry.len() as u16 + 2;
    entry.resize(64, 0);
    entry.extend(length.to_le_bytes());
    entry.extend([kind, 1]);
    entry.resize(116, 0xff);
    entry.extend(start.to_le_bytes());
    entry.extend(size.to_le_bytes());
    entry.resize(128, 0);
    entry
}

/// A document of Word with one piece of text of one byte a character.
pub fn word(text: &str, flags: u16) -> Vec<u8> {
    let mut document = vec![0; 2048];
    document[10..12].copy_from_slice(&(flags | 0x200).to_le_bytes());
    document[1024..1024 + text.len()].copy_from_slice(text.as_bytes());
    let mut plc = Vec::new();
    plc.extend(0_u32.to_le_bytes());
    plc.extend((text.len() as u32).to_le_bytes());
    plc.extend([0, 0]);
    plc.extend((0x4000_0000_u32 | (1024 * 2)).to_le_bytes());
    plc.extend([0, 0]);
    let mut clx = vec![2];
    clx.extend((plc.len() as u32).to_le_bytes());
    clx.extend(plc);
    document[0x1a2..0x1a6].copy_from_slice(&0_u32.to_le_bytes());
    document[0x1a6..0x1aa].copy_from_slice(&(clx.len() as u32).to_le_bytes());
    compound(&[("WordDocument", &document), ("1Table", &clx)])
}

pub fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &(data.len() as u16).to_le_bytes(), data].concat()
}

/// A sheet of a workbook of Excel 97: hidden or not, of macros or not.
pub fn sheet(name: &str, hidden: u8, kind: u8) -> Vec<u8> {
    let mut data = vec![0, 0, 0, 0, hidden, kind, name.len() as u8, 0];
    data.extend(name.as_bytes());
    record(0x85, &data)
}

/// A table of strings of which the last is cut in two records.
pub fn strings(texts: &[&str], cut: &str) -> Vec<u8> {
    let mut data = vec![0; 8];
    for text in texts {
        data.extend((text.len() as u16).to_le_bytes());
        data.push(0);
        data.extend(text.as_bytes());
    }
    let (first, second) = cut.split_at(cut.len() / 2);
    data.extend((cut.len() as u16).to_le_bytes());
    data.push(0);
    data.extend(first.as_bytes());
    let wide: Vec<u8> = second.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [record(0xfc, &data), record(0x3c, &[&[1_u8][..], &wide].concat()), record(0x0a, &[])].concat()
}
