//! Archives: ZIP, tar, gzip. Each entry is a file of its own; its name is checked and never used.

pub(crate) mod gzip;
pub(crate) mod name;
pub(crate) mod tar;
pub(crate) mod zip;
