//! Elements: XML, HTML, SVG, and the styles that hide what they hold.

pub(crate) mod html;
pub(crate) mod style;
pub(crate) mod svg;
pub(crate) mod xml;
