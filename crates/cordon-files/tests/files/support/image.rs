//! Writers of pictures.

use super::{zip::crc, zlib};

pub fn png_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let checked = [&kind[..], data].concat();
    [&(data.len() as u32).to_be_bytes()[..], &checked, &crc(&checked).to_be_bytes()].concat()
}

/// A picture of grey, eight bits deep, with more chunks before its pixels.
pub fn png_with(
    width: u32,
    height: u32,
    depth_and_kind: [u8; 2],
    pixels: &[u8],
    more: &[Vec<u8>],
) -> Vec<u8> {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend(depth_and_kind);
    header.extend([0, 0, 0]);
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    out.extend(png_chunk(b"IHDR", &header));
    out.extend(more.concat());
    out.extend(png_chunk(b"IDAT", &zlib(pixels)));
    out.extend(png_chunk(b"IEND", &[]));
    out
}

pub fn png() -> Vec<u8> {
    png_with(4, 4, [8, 0], &[0; 20], &[])
}

fn segment(marker: u8, data: &[u8]) -> Vec<u8> {
    [&[0xff, marker][..], &(data.len() as u16 + 2).to_be_bytes(), data].concat()
}

/// A picture whose pixels nobody could draw, with these segments before its frame.
pub fn jpeg_with(segments: &[(u8, &[u8])]) -> Vec<u8> {
    let mut out = vec![0xff, 0xd8];
    out.extend(segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"));
    for (marker, data) in segments {
        out.extend(segment(*marker, data));
    }
    out.extend(segment(0xc0, &[8, 0, 16, 0, 16, 1, 1, 0x11, 0]));
    out.extend(segment(0xda, &[1, 1, 0, 0, 63, 0]));
    out.extend([1, 2, 3, 0xff, 0, 4, 0xff, 0xd9]);
    out
}

/// A block of EXIF with a description, and with a place where asked.
pub fn exif(description: &str, located: bool) -> Vec<u8> {
    let mut block = b"II*\0\x08\0\0\0".to_vec();
    let count: u16 = if located { 2 } else { 1 };
    let place = 8 + 2 + u32::from(count) * 12 + 4;
    block.extend(count.to_le_bytes());
    block.extend(0x010e_u16.to_le_bytes());
    block.extend(2_u16.to_le_bytes());
    block.extend((description.len() as u32 + 1).to_le_bytes());
    block.extend(place.to_le_bytes());
    if located {
        block.extend(0x8825_u16.to_le_bytes());
        block.extend(4_u16.to_le_bytes());
        block.extend(1_u32.to_le_bytes());
        block.extend(8_u32.to_le_bytes());
    }
    block.extend([0; 4]);
    block.extend(description.as_bytes());
    block.push(0);
    block
}

pub fn gif_with(frames: usize, comment: &[u8]) -> Vec<u8> {
    let mut out = b"GIF89a\x04\0\x04\0\0\0\0".to_vec();
    if !comment.is_empty() {
        out.extend(b"!\xfe");
        out.push(comment.len() as u8);
        out.extend(comment);
        out.push(0);
    }
    for _ in 0..frames {
        out.extend(b",\0\0\0\0\x04\0\x04\0\0\x02\x02\x44\x01\0");
    }
    out.push(b';');
    out
}

pub fn webp_with(more: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut chunks = b"WEBP".to_vec();
    let mut chunk = |kind: &[u8; 4], data: &[u8]| {
        chunks.extend(kind);
        chunks.extend((data.len() as u32).to_le_bytes());
        chunks.extend(data);
        if data.len() % 2 == 1 {
            chunks.push(0);
        }
    };
    chunk(b"VP8X", &[0, 0, 0, 0, 15, 0, 0, 15, 0, 0]);
    for (kind, data) in more {
        chunk(kind, data);
    }
    chunk(b"VP8L", &[0x2f, 15, 0xc0, 3, 0, 0]);
    [b"RIFF".as_slice(), &(chunks.len() as u32).to_le_bytes(), &chunks].concat()
}

pub fn bmp(width: i32, height: i32, bits: u16) -> Vec<u8> {
    let row = (width.unsigned_abs() * u32::from(bits)).div_ceil(32) * 4;
    let mut out = b"BM".to_vec();
    out.extend((54 + row * height.unsigned_abs()).to_le_bytes());
    out.extend([0; 4]);
    out.extend(54_u32.to_le_bytes());
    out.extend(40_u32.to_le_bytes());
    out.extend(width.to_le_bytes());
    out.extend(height.to_le_bytes());
    out.extend(1_u16.to_le_bytes());
    out.extend(bits.to_le_bytes());
    out.extend([0; 24]);
    out.resize(54 + (row * height.unsigned_abs()) as usize, 7);
    out
}
