//! SVG: a drawing that can run scripts, hold documents and fetch.

use super::{
    html::reference,
    style::{self, Style, WHITE},
    xml::{self, Event, Reader, local},
};
use crate::{
    Reason, Role,
    context::{Context, Done},
    text,
};

/// Elements inside one another.
const DEEPEST: usize = 256;

/// An SVG file: its texts, and what is active in it.
pub(crate) fn inspect(context: &mut Context<'_>, bytes: &[u8]) -> Done {
    let text = text::inspect(context, bytes)?;
    let mut reader = Reader::new(&text);
    let (mut body, mut hidden, mut about) = (String::new(), String::new(), String::new());
    // For each open element: whether it hides, and whether its text is a description.
    let mut open: Vec<(bool, bool)> = Vec::new();
    // A drawing with shapes has some colour behind its letters, and nobody here knows which.
    let mut painted = false;
    for event in &mut reader {
        context.event()?;
        match event {
            Event::Start { name, attributes, empty } => {
                let name = local(name).to_ascii_lowercase();
                see_element(context, &name);
                let mut style = Style::default();
                let mut declarations = String::new();
                for (key, value) in attributes.iter() {
                    context.spend(value.len())?;
                    see_attribute(context, &name, local(key), &value);
                    match local(key) {
                        "style" => declarations.push_str(&value),
                        key @ ("display" | "visibility" | "opacity" | "fill" | "fill-opacity"
                        | "font-size") => {
                            declarations.push_str(&format!(";{key}:{value};"));
                        }
                        _ => {}
                    }
                }
                if !declarations.is_empty() {
                    style = Style::read(&declarations);
                }
                painted |=
                    matches!(name.as_str(), "rect" | "path" | "circle" | "ellipse" | "polygon" | "image");
                if style.fetches {
                    context.see(Reason::ExternalReference);
                }
                if !empty {
                    let (outer, described) = open.last().copied().unwrap_or_default();
                    let alike = !painted && style.colour.is_some_and(|colour| style::is_alike(colour, WHITE));
                    let undrawn = matches!(name.as_str(), "defs" | "symbol");
                    let describes =
                        matches!(name.as_str(), "title" | "desc" | "metadata" | "style" | "script");
                    if open.len() >= DEEPEST {
                        context.see(Reason::TooDeep);
                        return Ok(());
                    }
                    open.push((outer || style.hides || alike || undrawn, described || describes));
                }
            }
            Event::End { .. } => {
                open.pop();
            }
            Event::Text(words) => {
                context.decoded(words.len())?;
                let to = match open.last().copied().unwrap_or_default() {
                    (_, true) => &mut about,
                    (true, _) => &mut hidden,
                    _ => &mut body,
                };
                to.push_str(&words);
                to.push(' ');
            }
            Event::Comment(comment) => {
                context.see(Reason::Comment);
                context.decoded(comment.len())?;
                hidden.push_str(comment);
                hidden.push('\n');
            }
            Event::Doctype(declared) => xml::doctype(context, declared),
            Event::Instruction(said) if said.starts_with("xml-stylesheet") => {
                context.see(Reason::ExternalReference);
            }
            Event::Instruction(_) => {}
        }
    }
    if reader.broken || !open.is_empty() {
        context.see(Reason::Damaged);
    }
    if about.contains("@import") {
        context.see(Reason::ExternalReference);
    }
    context.text(Role::Body, body)?;
    context.text(Role::Hidden, hidden)?;
    context.text(Role::Metadata, about)
}

fn see_element(context: &mut Context<'_>, name: &str) {
    match name {
        "script" | "handler" => context.see(Reason::Script),
        "foreignobject" | "iframe" | "embed" | "object" => context.see(Reason::ForeignObject),
        _ => {}
    }
}

fn see_attribute(context: &mut Context<'_>, element: &str, key: &str, value: &str) {
    if key.len() > 3 && key.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("on")) {
        context.see(Reason::EventHandler);
    }
    // What an animation sets is an attribute too.
    let animated = matches!(element, "set" | "animate") && matches!(key, "to" | "values" | "from" | "by");
    if key == "href" || key == "src" || animated {
        match reference(value) {
            // What a drawing links to is a link; what it draws is fetched.
            Some(Reason::ExternalLink) if element != "a" => context.see(Reason::ExternalReference),
            Some(reason) => context.see(reason),
            None => {}
        }
    }
}
