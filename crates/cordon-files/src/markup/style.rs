//! Styles (CSS) as far as they hide: not shown, without size, far away, or in the colour of what is behind.

/// Red, green, blue.
pub(crate) type Colour = [u8; 3];

pub(crate) const WHITE: Colour = [255; 3];

/// What a list of declarations says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Style {
    /// Nothing in it is seen.
    pub(crate) hides: bool,
    /// The colour of letters; transparent letters hide.
    pub(crate) colour: Option<Colour>,
    /// What is behind: a colour, or something else.
    pub(crate) background: Option<Option<Colour>>,
    /// It makes a reader fetch something.
    pub(crate) fetches: bool,
}

impl Style {
    /// Reads `property: value; …`.
    pub(crate) fn read(declarations: &str) -> Self {
        let mut style = Self::default();
        let (mut clipped, mut without_size) = (false, false);
        let lower = declarations.to_ascii_lowercase();
        for declaration in lower.split(';') {
            let Some((property, value)) = declaration.split_once(':') else { continue };
            let (property, value) = (property.trim(), value.split('!').next().unwrap_or_default().trim());
            let number = number(value);
            style.fetches |= value.contains("url(") && !value.contains("url(#") && !value.contains("data:");
            match property {
                "display" if value == "none" => style.hides = true,
                "visibility" if matches!(value, "hidden" | "collapse") => style.hides = true,
                "opacity" | "fill-opacity" if number.is_some_and(|n| n < 0.06) => style.hides = true,
                "font-size" if number.is_some_and(|n| n < 1.5) && !value.ends_with("em") => {
                    style.hides = true;
                }
                "font-size" if number.is_some_and(|n| n < 0.1) => style.hides = true,
                "text-indent" | "left" | "top" | "right" | "margin-left" | "margin-top"
                    if number.is_some_and(|n| n <= -500.0) =>
                {
                    style.hides = true;
                }
                "width" | "height" | "max-height" | "max-width"
                    if number.is_some_and(|n| n < 1.5) && !value.ends_with("em") =>
                {
                    without_size = true;
                }
                "overflow" if value == "hidden" => clipped = true,
                "clip" if value.replace([' ', ','], "").starts_with("rect(000") => style.hides = true,
                "clip" if value.contains("0px 0px 0px") || value.contains("1px,1px,1px") => {
                    style.hides = true;
                }
                "clip-path" if value.contains("inset(100%") || value.contains("inset(50%") => {
                    style.hides = true;
                }
                "transform" if value.contains("scale(0") && !value.contains("scale(0.") => style.hides = true,
                "color" | "fill" | "-webkit-text-fill-color" => match Seen::read(value) {
                    Some(Seen::Nothing) if property != "fill" || value != "none" => style.hides = true,
                    Some(Seen::Colour(colour)) => style.colour = Some(colour),
                    _ => {}
                },
                "background" | "background-color" => {
                    style.background = match Seen::read(value) {
                        Some(Seen::Colour(colour)) => Some(Some(colour)),
                        Some(Seen::Nothing) => style.background,
                        None if value.contains("url(") || value.contains("gradient") => Some(None),
                        None => {
                            value.split_whitespace().find_map(Seen::read).and_then(Seen::colour).map(Some)
                        }
                    };
                }
                _ => {}
            }
        }
        style.hides |= clipped && without_size;
        style
    }
}

/// Whether letters of a colour are not seen on another.
pub(crate) fn is_alike(letters: Colour, behind: Colour) -> bool {
    letters.iter().zip(behind).all(|(a, b)| a.abs_diff(b) <= 12)
}

/// What a colour's name means.
#[derive(Clone, Copy, Debug)]
enum Seen {
    Colour(Colour),
    Nothing,
}

impl Seen {
    const fn colour(self) -> Option<Colour> {
        match self {
            Self::Colour(colour) => Some(colour),
            Self::Nothing => None,
        }
    }

    fn read(value: &str) -> Option<Self> {
        let named = match value {
            "transparent" => return Some(Self::Nothing),
            "white" => WHITE,
            "snow" => [255, 250, 250],
            "ivory" => [255, 255, 240],
            "ghostwhite" => [248, 248, 255],
            "floralwhite" => [255, 250, 240],
            "whitesmoke" => [245; 3],
            "black" => [0; 3],
            "gray" | "grey" => [128; 3],
            "silver" => [192; 3],
            "red" => [255, 0, 0],
            "green" => [0, 128, 0],
            "blue" => [0, 0, 255],
            "navy" => [0, 0, 128],
            "yellow" => [255, 255, 0],
            _ => return Self::by_numbers(value),
        };
        Some(Self::Colour(named))
    }

    fn by_numbers(value: &str) -> Option<Self> {
        if let Some(digits) = value.strip_prefix('#') {
            let nibbles: Vec<u8> = digits
                .chars()
                .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
                .collect::<Option<_>>()?;
            return match nibbles.as_slice() {
                [_, _, _, 0] | [_, _, _, _, _, _, 0, 0] => Some(Self::Nothing),
                [r, g, b] | [r, g, b, _] => Some(Self::Colour([r * 17, g * 17, b * 17])),
                [a, b, c, d, e, f] | [a, b, c, d, e, f, _, _] => {
                    Some(Self::Colour([a * 16 + b, c * 16 + d, e * 16 + f]))
                }
                _ => None,
            };
        }
        let inside = value.strip_prefix("rgba(").or_else(|| value.strip_prefix("rgb("))?.strip_suffix(')')?;
        let parts: Vec<&str> = inside.split([',', ' ', '/']).filter(|part| !part.is_empty()).collect();
        let channel = |part: &str| match part.strip_suffix('%') {
            Some(percent) => percent.parse::<f32>().ok().map(|n| byte(n * 2.55)),
            None => part.parse::<f32>().ok().map(byte),
        };
        match parts.as_slice() {
            [_, _, _, alpha] if number(alpha).is_some_and(|alpha| alpha < 0.06) => Some(Self::Nothing),
            [r, g, b] | [r, g, b, _] => Some(Self::Colour([channel(r)?, channel(g)?, channel(b)?])),
            _ => None,
        }
    }
}

/// The number at the beginning of a value.
fn number(value: &str) -> Option<f32> {
    let end =
        value.find(|c: char| !(c.is_ascii_digit() || matches!(c, '-' | '+' | '.'))).unwrap_or(value.len());
    value.get(..end)?.parse().ok()
}

/// A number as a byte.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=255 before")]
pub(crate) fn byte(value: f32) -> u8 {
    value.clamp(0.0, 255.0).round() as u8
}

/// The selectors of a style sheet, and what each says of what it selects.
pub(crate) fn rules(sheet: &str) -> impl Iterator<Item = (&str, Style)> {
    sheet.split('}').filter_map(|rule| {
        let (selectors, declarations) = rule.rsplit_once('{')?;
        let selectors = selectors.rsplit(['{', ';']).next().unwrap_or(selectors);
        Some((selectors, Style::read(declarations)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_is_seen() {
        for hides in [
            "display:none",
            "DISPLAY : None !important",
            "visibility:hidden",
            "opacity:0",
            "opacity: .01",
            "font-size:0",
            "font-size:1px",
            "position:absolute;left:-9999px",
            "text-indent:-1000em",
            "height:0;overflow:hidden",
            "color:transparent",
            "color: rgba(0,0,0,0)",
            "clip: rect(0 0 0 0)",
        ] {
            assert!(Style::read(hides).hides, "{hides}");
        }
        for shows in [
            "display:block",
            "opacity:.8",
            "font-size:12px",
            "font-size:0.8em",
            "left:-5px",
            "height:0",
            "color:#fff",
        ] {
            assert!(!Style::read(shows).hides, "{shows}");
        }
        let banner = Style::read("color:#fff;background:#003366 url(x.png)");
        assert_eq!((banner.colour, banner.background), (Some(WHITE), Some(None)));
        assert!(banner.fetches);
        assert!(is_alike(WHITE, [250, 250, 255]) && !is_alike(WHITE, [0, 51, 102]));
    }
}
