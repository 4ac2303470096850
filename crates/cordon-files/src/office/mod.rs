//! Office documents: Office Open XML, OpenDocument, the compound files of before, and Rich Text.

pub(crate) mod compound;
pub(crate) mod formula;
pub(crate) mod legacy;
pub(crate) mod open_document;
pub(crate) mod open_xml;
pub(crate) mod rtf;
mod sheet;
mod slide;
mod word;
