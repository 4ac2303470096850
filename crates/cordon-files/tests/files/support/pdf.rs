//! A writer of PDF: objects in their order, a table of offsets that is right, and a trailer.

use super::zlib;

/// Objects by number, from 1 on; the first one is the catalog.
pub struct Pdf {
    pub objects: Vec<Vec<u8>>,
    pub trailer: String,
}

pub fn stream(dictionary: &str, content: &[u8]) -> Vec<u8> {
    let mut out = format!("<< {dictionary} /Length {} >>\nstream\n", content.len()).into_bytes();
    out.extend(content);
    out.extend(b"\nendstream");
    out
}

pub fn packed(dictionary: &str, content: &[u8]) -> Vec<u8> {
    stream(&format!("{dictionary} /Filter /FlateDecode"), &zlib(content))
}

impl Pdf {
    /// A page with this content, in Helvetica as `/F1`, and these members of the catalog.
    pub fn page(content: &str, catalog: &str) -> Self {
        Self::with(content, catalog, "")
    }

    /// The same, with more resources.
    pub fn with(content: &str, catalog: &str, resources: &str) -> Self {
        let objects = vec![
            format!("<< /Type /Catalog /Pages 2 0 R {catalog} >>").into_bytes(),
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
            format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R \
                 /Resources << /Font << /F1 5 0 R >> {resources} >> >>"
            )
            .into_bytes(),
            packed("", content.as_bytes()),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_vec(),
        ];
        Self { objects, trailer: String::new() }
    }

    pub fn and(mut self, object: impl Into<Vec<u8>>) -> Self {
        self.objects.push(object.into());
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut out = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
        let mut offsets = Vec::new();
        for (at, object) in self.objects.iter().enumerate() {
            offsets.push(out.len());
            out.extend(format!("{} 0 obj\n", at + 1).into_bytes());
            out.extend(object);
            out.extend(b"\nendobj\n");
        }
        let table = out.len();
        out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", offsets.len() + 1).into_bytes());
        for offset in &offsets {
            out.extend(format!("{offset:010} 00000 n \n").into_bytes());
        }
        let size = offsets.len() + 1;
        let trailer =
            format!("trailer\n<< /Size {size} /Root 1 0 R {} >>\nstartxref\n{table}\n%%EOF\n", self.trailer);
        out.extend(trailer.into_bytes());
        out
    }
}

/// A line of text at a place.
pub fn line(text: &str) -> String {
    format!("BT /F1 12 Tf 72 700 Td ({text}) Tj ET\n")
}

/// A document of this many pages with 60 lines each.
pub fn pages(count: usize) -> Vec<u8> {
    let mut pdf =
        Pdf { objects: vec![b"<< /Type /Catalog /Pages 2 0 R >>".to_vec()], trailer: String::new() };
    let kids: String = (0..count).map(|at| format!("{} 0 R ", 4 + at * 2)).collect();
    pdf = pdf.and(format!("<< /Type /Pages /Kids [{kids}] /Count {count} /MediaBox [0 0 612 792] >>"));
    pdf = pdf.and("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>");
    for page in 0..count {
        let content = 5 + page * 2;
        pdf = pdf.and(format!(
            "<< /Type /Page /Parent 2 0 R /Contents {content} 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
        ));
        let lines: String = (0..60)
            .map(|line| format!("[(Line {line} of page {page}: the quick brown fox) -300 (jumps over the lazy dog.)] TJ T*\n"))
            .collect();
        let content = format!("0.9 0.9 1 rg 0 760 612 32 re f 0 g BT /F1 10 Tf 12 TL 50 740 Td\n{lines}ET");
        pdf = pdf.and(packed("", content.as_bytes()));
    }
    pdf.bytes()
}
