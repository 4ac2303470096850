//! A writer of ZIP whose every field can be made to lie.

use flate2::{Compression, Crc, write::DeflateEncoder};
use std::io::Write as _;

#[derive(Clone)]
pub struct Entry {
    pub name: Vec<u8>,
    pub local_name: Vec<u8>,
    pub method: u16,
    pub flags: u16,
    pub local_flags: u16,
    pub crc: u32,
    pub packed: Vec<u8>,
    pub size: u32,
    pub attributes: u32,
    pub made_by: u16,
    /// Offset of another entry's header, to share its bytes.
    pub offset: Option<u32>,
}

pub fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

impl Entry {
    pub fn stored(name: &str, content: &[u8]) -> Self {
        Self {
            name: name.as_bytes().to_vec(),
            local_name: name.as_bytes().to_vec(),
            method: 0,
            flags: 0,
            local_flags: 0,
            crc: crc(content),
            packed: content.to_vec(),
            size: content.len() as u32,
            attributes: 0,
            made_by: 20,
            offset: None,
        }
    }

    pub fn deflated(name: &str, content: &[u8]) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content).unwrap();
        Self { method: 8, packed: encoder.finish().unwrap(), ..Self::stored(name, content) }
    }

    fn header(&self, out: &mut Vec<u8>, local: bool) {
        let flags = if local { self.local_flags } else { self.flags };
        out.extend(20_u16.to_le_bytes());
        out.extend(flags.to_le_bytes());
        out.extend(self.method.to_le_bytes());
        out.extend([0; 4]);
        out.extend(self.crc.to_le_bytes());
        out.extend((self.packed.len() as u32).to_le_bytes());
        out.extend(self.size.to_le_bytes());
        out.extend((if local { &self.local_name } else { &self.name }).len().to_le_bytes()[..2].to_vec());
        out.extend([0; 2]);
    }
}

/// The bytes of an archive.
pub fn zip(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut offsets = Vec::new();
    for entry in entries {
        offsets.push(entry.offset.unwrap_or(out.len() as u32));
        if entry.offset.is_some() {
            continue;
        }
        out.extend(b"PK\x03\x04");
        entry.header(&mut out, true);
        out.extend(&entry.local_name);
        out.extend(&entry.packed);
    }
    let begin = out.len();
    for (entry, offset) in entries.iter().zip(&offsets) {
        out.extend(b"PK\x01\x02");
        out.extend(entry.made_by.to_le_bytes());
        entry.header(&mut out, false);
        out.extend([0; 6]);
        out.extend(entry.attributes.to_le_bytes());
        out.extend(offset.to_le_bytes());
        out.extend(&entry.name);
    }
    let size = out.len() - begin;
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend((entries.len() as u16).to_le_bytes());
    out.extend((entries.len() as u16).to_le_bytes());
    out.extend((size as u32).to_le_bytes());
    out.extend((begin as u32).to_le_bytes());
    out.extend([0, 0]);
    out
}

/// An archive of files that are packed.
pub fn of(files: &[(&str, &[u8])]) -> Vec<u8> {
    zip(&files.iter().map(|(name, content)| Entry::deflated(name, content)).collect::<Vec<_>>())
}
