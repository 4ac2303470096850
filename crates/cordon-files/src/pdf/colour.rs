//! Colours of what is filled, as far as they say whether letters are seen.

use super::{
    file::File,
    object::{Dictionary, Object},
};
use crate::markup::style::{Colour, byte};

/// What the numbers of a colour mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Space {
    /// By how many numbers there are: one for grey, three for light, four for ink.
    #[default]
    ByCount,
    /// Inks, tables and patterns: nobody here knows.
    Unknown,
}

impl Space {
    /// The space that a name of a content stream means.
    pub(super) fn named(file: &File<'_>, resources: &Dictionary, name: &str) -> Self {
        if name.starts_with("Device") {
            return Self::ByCount;
        }
        let Some(spaces) = file.get(resources, "ColorSpace").dictionary() else { return Self::Unknown };
        let kind = match file.get(spaces, name) {
            Object::Name(name) => Some(name.text.as_str()),
            Object::Array(items) => items.first().and_then(|kind| file.resolve(kind).name()),
            _ => None,
        };
        match kind {
            Some("ICCBased" | "CalRGB" | "CalGray" | "DeviceGray" | "DeviceRGB" | "DeviceCMYK") => {
                Self::ByCount
            }
            _ => Self::Unknown,
        }
    }

    /// The colour of some numbers.
    pub(super) fn colour(self, numbers: &[f64]) -> Option<Colour> {
        if self == Self::Unknown {
            return None;
        }
        let part = |value: f64| {
            #[expect(clippy::cast_possible_truncation, reason = "a colour has no more digits than f32")]
            byte(value as f32 * 255.0)
        };
        match numbers {
            [grey] => Some([part(*grey); 3]),
            [red, green, blue] => Some([part(*red), part(*green), part(*blue)]),
            [cyan, magenta, yellow, black] => {
                let light = |ink: f64| part((1.0 - ink).max(0.0) * (1.0 - black).max(0.0));
                Some([light(*cyan), light(*magenta), light(*yellow)])
            }
            _ => None,
        }
    }
}
