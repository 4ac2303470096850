//! Tables in Markdown.

/// A table that grows by rows.
pub(crate) struct Table {
    text: String,
}

impl Table {
    pub(crate) fn new(heads: &[&str]) -> Self {
        let rule = vec!["---"; heads.len()].join("|");
        Self { text: format!("| {} |\n|{rule}|\n", heads.join(" | ")) }
    }

    pub(crate) fn row(&mut self, cells: &[String]) {
        self.text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }

    pub(crate) fn print(&self, title: &str) {
        println!("\n### {title}\n\n{}", self.text);
    }
}

/// Nanoseconds as milliseconds.
pub(crate) fn milliseconds(nanoseconds: u64) -> String {
    format!("{:.3}", nanoseconds as f64 / 1e6)
}

/// Bytes as megabytes of 10⁶.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}
