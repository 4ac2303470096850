//! Archives: ZIP, tar, gzip. Each entry is a file of its own; its name is checked and never used.

pub(crate) mod gzip;
pub(crate) mod name;
pub(crate) mod tar;
pub(crate) mod zip;

use crate::{Reason, context::Context};

/// What macOS adds to an archive for each file and folder: attributes in AppleDouble (RFC 1740, appendix A), and how a
/// window looked. Larger ones are files like any other.
fn is_of_finder(context: &mut Context<'_>, name: &str, content: &[u8]) -> bool {
    const MOST: usize = 64 << 10;
    let is_one = name.starts_with("._") && content.starts_with(b"\x00\x05\x16\x07")
        || name == ".DS_Store" && content.starts_with(b"\0\0\0\x01Bud1");
    let is_one = is_one && content.len() <= MOST;
    if is_one {
        context.see(Reason::Metadata);
    }
    is_one
}
