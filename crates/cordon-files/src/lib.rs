//! Turns a hostile file into what it is, what is wrong with it, and the texts that are in it.
//!
//! A file's type comes from its content and is held against what it is said to be. Each format has a reader of its own
//! that is tolerant where readers of users are and says so where two of them would differ. All that a reader does is
//! taken off a budget ([`Limits`]): bytes unpacked, text, things, depth, and units of work, so that time and memory are
//! bounded whatever the bytes are. The answer is a [`Report`]: reasons, each with a place that holds no content, a
//! [`Disposition`], and [`Segment`]s of text for the detectors of text.
//!
//! **Never here:** the network, files on a disk, a clock, threads, and policy: the disposition of a reason is a proposal,
//! a guard's rule on its category decides. Nothing in a file is ever run, rendered or fetched.
//!
//! ```
//! use cordon_files::{Claim, Disposition, FileType, Limits, Reason};
//! let claim = Claim { name: Some("photo.jpg"), media_type: Some("image/jpeg") };
//! let report = cordon_files::inspect(b"<?php system($_GET['c']); ?>", &claim, &Limits::default());
//! assert_eq!(report.file_type, FileType::Text);
//! assert_eq!(report.disposition(), Disposition::Reject);
//! assert!(report.has(Reason::Mismatch));
//! ```

mod bytes;
mod claim;
mod context;
mod dispatch;
mod file_type;
mod inflate;
mod limits;
mod reason;
mod report;
mod text;

mod archive;
mod data;
mod image;
mod markup;
mod model;
mod office;
mod pdf;

pub use claim::Claim;
pub use data::neutral::{is_table, neutralised};
pub use file_type::FileType;
pub use image::bare::without_metadata;
pub use limits::Limits;
pub use reason::Reason;
pub use report::{Disposition, Picture, Place, Report, Role, Seen, Segment, Structure, Table};

/// Inspects a file with all that is inside of it. `claim` is what the file is said to be.
///
/// The answer depends on the arguments alone. It never panics, and costs at most what `limits` say.
pub fn inspect(bytes: &[u8], claim: &Claim<'_>, limits: &Limits) -> Report {
    let mut context = context::Context::new(limits, bytes.len());
    if bytes.len() > limits.bytes {
        context.see(Reason::TooLarge);
        return context.report(file_type::of(bytes));
    }
    match context.file(bytes, claim) {
        Ok(file_type) => context.report(file_type),
        Err(context::Halt(reason)) => {
            context.see(reason);
            context.report(file_type::of(bytes))
        }
    }
}
