//! PresentationML: shapes with paragraphs, some outside of the slide.

use crate::{
    Reason, Role,
    context::{Context, Done},
    markup::xml::{self, Event, Reader, local},
};

/// Hundredths of a point up to which letters are too small to be read.
const TINY: u32 = 200;

/// Width and height of the slides, in English Metric Units.
pub(super) fn size(context: &mut Context<'_>, text: &str) -> Done<Option<(i64, i64)>> {
    for event in Reader::new(text) {
        context.event()?;
        if let Event::Start { name, attributes, .. } = event
            && local(name) == "sldSz"
        {
            let number = |key| attributes.get(key).and_then(|value| value.parse().ok());
            return Ok(number("cx").zip(number("cy")));
        }
    }
    Ok(None)
}

/// A slide, its notes, or a chart of it.
pub(super) fn inspect(context: &mut Context<'_>, text: &str, part: &str, slide: Option<(i64, i64)>) -> Done {
    let is_slide = part.starts_with("ppt/slides/");
    let (mut body, mut hidden, mut about) = (String::new(), String::new(), String::new());
    let (mut slide_hides, mut shape_hides, mut tiny) = (false, false, false);
    let mut at: Option<(i64, i64)> = None;
    let mut inside = "";
    let mut reader = Reader::new(text);
    for event in &mut reader {
        context.event()?;
        match event {
            Event::Start { name, attributes, empty } => {
                let name = local(name);
                let number = |key| attributes.get(key).and_then(|value| value.parse::<i64>().ok());
                match name {
                    "sld" if attributes.get("show").is_some_and(|show| matches!(&*show, "0" | "false")) => {
                        slide_hides = true;
                        context.see(Reason::HiddenSheet);
                    }
                    "sp" | "graphicFrame" | "pic" => (shape_hides, at) = (false, None),
                    "cNvPr" => {
                        shape_hides |=
                            attributes.get("hidden").is_some_and(|hidden| matches!(&*hidden, "1" | "true"));
                        for text in [attributes.get("descr"), attributes.get("title")].into_iter().flatten() {
                            about.push_str(&text);
                            about.push('\n');
                        }
                    }
                    "off" => at = number("x").zip(number("y")),
                    "ext" => {
                        if let (Some((x, y)), Some((width, height)), Some((cx, cy))) =
                            (at, slide, number("cx").zip(number("cy")))
                        {
                            let outside = x >= width
                                || y >= height
                                || x.saturating_add(cx) <= 0
                                || y.saturating_add(cy) <= 0;
                            shape_hides |= is_slide && outside;
                        }
                    }
                    "rPr" => {
                        let size = attributes.get("sz").and_then(|size| size.parse::<u32>().ok());
                        tiny = size.is_some_and(|size| size <= TINY);
                    }
                    "r" => tiny = false,
                    "oleObj" => context.see(Reason::OleObject),
                    "control" => context.see(Reason::ActiveX),
                    _ => {}
                }
                inside = if empty { "" } else { name };
            }
            Event::End { name } => {
                if local(name) == "p" {
                    body.push('\n');
                }
                inside = "";
            }
            Event::Text(words) if matches!(inside, "t" | "v" | "text") => {
                context.decoded(words.len())?;
                if slide_hides || shape_hides || tiny {
                    hidden.push_str(&words);
                } else {
                    body.push_str(&words);
                }
            }
            Event::Doctype(declared) => xml::doctype(context, declared),
            _ => {}
        }
    }
    if reader.broken {
        context.see(Reason::Damaged);
    }
    context.text(Role::Body, body)?;
    context.text(Role::Hidden, hidden)?;
    context.text(Role::Metadata, about)
}
