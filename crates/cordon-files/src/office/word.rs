//! WordprocessingML: paragraphs of runs, some of which nobody sees.

use super::formula;
use crate::{
    Reason, Role,
    context::{Context, Done},
    markup::xml::{self, Attributes, Event, Reader, local},
};

/// Half points up to which letters are too small to be read.
const TINY: u32 = 4;

/// Fields inside one another.
const MOST_FIELDS: usize = 64;

/// What properties of a run or style say.
#[derive(Clone, Copy, Debug, Default)]
struct Look {
    vanished: bool,
    white: bool,
    tiny: bool,
    /// Something stands behind the letters.
    shaded: bool,
}

impl Look {
    const fn hides(self, shaded: bool) -> bool {
        self.vanished || self.tiny || self.white && !self.shaded && !shaded
    }

    /// Takes a property.
    fn take(&mut self, name: &str, attributes: Attributes<'_>) {
        let value = attributes.get("val");
        let on = !value.as_deref().is_some_and(|value| matches!(value, "0" | "false" | "off"));
        match name {
            "vanish" | "webHidden" | "specVanish" => self.vanished |= on,
            "color" => self.white = value.is_some_and(|value| is_white(&value)),
            "sz" => {
                self.tiny = value.and_then(|value| value.parse().ok()).is_some_and(|size: u32| size <= TINY);
            }
            "shd" => self.shaded |= is_shade(attributes),
            "highlight" => self.shaded |= value.is_some_and(|value| !matches!(&*value, "none" | "white")),
            _ => {}
        }
    }
}

/// Whether a colour is that of paper, nearly.
pub(super) fn is_white(value: &str) -> bool {
    value.len() == 6
        && u32::from_str_radix(value, 16)
            .is_ok_and(|rgb| rgb & 0xff >= 0xf3 && rgb >> 8 & 0xff >= 0xf3 && rgb >> 16 >= 0xf3)
}

fn is_shade(attributes: Attributes<'_>) -> bool {
    let fill =
        attributes.get("fill").is_some_and(|fill| !matches!(&*fill, "auto" | "clear") && !is_white(&fill));
    fill || attributes.get("themeFill").is_some()
}

/// The ids of styles that hide what is written in them.
pub(super) fn hidden_styles(context: &mut Context<'_>, text: &str) -> Done<Vec<String>> {
    let mut hidden = Vec::new();
    let (mut id, mut look, mut depth) = (String::new(), Look::default(), 0_usize);
    for event in Reader::new(text) {
        context.event()?;
        match event {
            Event::Start { name, attributes, .. } if local(name) == "style" => {
                (id, look) = (attributes.get("styleId").unwrap_or_default().into_owned(), Look::default());
            }
            // Of a style's own properties, not of what a table's first row looks like.
            Event::Start { name, .. } if local(name) == "tblStylePr" => depth += 1,
            Event::End { name } if local(name) == "tblStylePr" => depth = depth.saturating_sub(1),
            Event::Start { name, attributes, .. } if depth == 0 => look.take(local(name), attributes),
            Event::End { name } if local(name) == "style" && look.hides(false) && hidden.len() < 256 => {
                hidden.push(std::mem::take(&mut id));
            }
            Event::Doctype(declared) => xml::doctype(context, declared),
            _ => {}
        }
    }
    Ok(hidden)
}

/// A part with paragraphs: the document, headers, footers, notes, comments.
pub(super) fn inspect(context: &mut Context<'_>, text: &str, hidden_styles: &[String]) -> Done {
    let (mut body, mut hidden) = (String::new(), String::new());
    // Instructions of the fields that are open, from the outside in, up to what separates them from what they show.
    let mut fields: Vec<String> = Vec::new();
    let mut run: Option<Look> = None;
    // Whether the paragraph and the cells around it have something behind them, and whether the paragraph's style hides.
    let (mut paragraph, mut paragraph_hides) = (false, false);
    let mut cells: Vec<bool> = Vec::new();
    let mut page = false;
    let mut inside = "";
    let mut reader = Reader::new(text);
    for event in &mut reader {
        context.event()?;
        match event {
            Event::Start { name, attributes, empty } => {
                let name = local(name);
                match name {
                    "r" if !empty => run = Some(Look::default()),
                    "p" => (paragraph, paragraph_hides) = (false, false),
                    "tc" if !empty && cells.len() < 64 => cells.push(false),
                    "background" => page = attributes.get("color").is_some_and(|colour| !is_white(&colour)),
                    "rStyle" | "pStyle" => {
                        let is_hidden = attributes
                            .get("val")
                            .is_some_and(|id| hidden_styles.iter().any(|style| **style == *id));
                        context.spend(hidden_styles.len())?;
                        match &mut run {
                            Some(look) => look.vanished |= is_hidden,
                            None => paragraph_hides |= is_hidden,
                        }
                    }
                    "shd" if run.is_none() => match cells.last_mut() {
                        Some(cell) => *cell |= is_shade(attributes),
                        None => paragraph |= is_shade(attributes),
                    },
                    "fldChar" => match attributes.get("fldCharType").as_deref() {
                        Some("begin") if fields.len() < MOST_FIELDS => fields.push(String::new()),
                        Some("begin") => context.see(Reason::Damaged),
                        // What an inner field shows may be a part of the outer one's instruction: each is judged as it is.
                        Some("separate") => {
                            see_field(context, &fields.last_mut().map(std::mem::take).unwrap_or_default());
                        }
                        Some("end") => see_field(context, &fields.pop().unwrap_or_default()),
                        _ => {}
                    },
                    "fldSimple" => see_field(context, &attributes.get("instr").unwrap_or_default()),
                    "tab" => body.push('\t'),
                    "br" | "cr" => body.push('\n'),
                    "docPr" => {
                        let about = [attributes.get("descr"), attributes.get("title")];
                        for text in about.into_iter().flatten() {
                            context.text(Role::Metadata, text)?;
                        }
                    }
                    "object" | "OLEObject" => context.see(Reason::OleObject),
                    "control" => context.see(Reason::ActiveX),
                    _ => {}
                }
                if let Some(look) = &mut run {
                    look.take(name, attributes);
                }
                inside = if empty { "" } else { name };
            }
            Event::End { name } => {
                match local(name) {
                    "r" => run = None,
                    "p" => body.push('\n'),
                    "tc" => {
                        cells.pop();
                        body.push('\t');
                    }
                    _ => {}
                }
                inside = "";
            }
            Event::Text(words) => match inside {
                "t" => {
                    context.decoded(words.len())?;
                    let shaded = page || paragraph || cells.iter().any(|cell| *cell);
                    let is_hidden = paragraph_hides || run.is_some_and(|look| look.hides(shaded));
                    if is_hidden { hidden.push_str(&words) } else { body.push_str(&words) }
                }
                "delText" => {
                    context.see(Reason::Superseded);
                    hidden.push_str(&words);
                }
                // A field's instruction may be cut into several runs.
                "instrText" => {
                    context.decoded(words.len())?;
                    if fields.is_empty() {
                        fields.push(String::new());
                    }
                    if let Some(instruction) = fields.last_mut() {
                        instruction.push_str(&words);
                    }
                }
                _ => {}
            },
            Event::Doctype(declared) => xml::doctype(context, declared),
            Event::Comment(_) | Event::Instruction(_) => {}
        }
    }
    if reader.broken {
        context.see(Reason::Damaged);
    }
    for instruction in fields {
        see_field(context, &instruction);
    }
    context.text(Role::Body, body)?;
    context.text(Role::Hidden, hidden)
}

fn see_field(context: &mut Context<'_>, instruction: &str) {
    if let Some(reason) = formula::field(instruction) {
        context.see(reason);
    }
}
