//! SpreadsheetML: cells in rows, strings in a table of their own, formats that may hide.

use std::collections::BTreeMap;

use super::{formula, open_xml::Tables, word};
use crate::{
    Reason, Role,
    context::{Context, Done},
    markup::xml::{self, Event, Reader, local},
};

/// The strings that cells name by number; phonetic guides are left out.
pub(super) fn strings(context: &mut Context<'_>, text: &str) -> Done<Vec<(String, bool)>> {
    let mut strings = Vec::new();
    let mut current = String::new();
    let (mut inside, mut guide) = (false, false);
    for event in Reader::new(text) {
        context.event()?;
        match event {
            Event::Start { name, empty: false, .. } => match local(name) {
                "t" => inside = true,
                "rPh" => guide = true,
                _ => {}
            },
            Event::Start { name, .. } if local(name) == "si" => {
                context.thing()?;
                strings.push((String::new(), true));
            }
            Event::End { name } => match local(name) {
                "t" => inside = false,
                "rPh" => guide = false,
                "si" => {
                    context.thing()?;
                    strings.push((std::mem::take(&mut current), false));
                }
                _ => {}
            },
            Event::Text(words) if inside && !guide => {
                context.decoded(words.len())?;
                current.push_str(&words);
            }
            Event::Doctype(declared) => xml::doctype(context, declared),
            _ => {}
        }
    }
    Ok(strings)
}

/// For each format of cells whether its letters are not seen: white on nothing, tiny, or the number format `;;;`.
pub(super) fn hidden_formats(context: &mut Context<'_>, text: &str) -> Done<Vec<bool>> {
    let (mut fonts, mut fills, mut formats) = (Vec::new(), Vec::new(), Vec::new());
    let mut blank: Vec<String> = Vec::new();
    let mut section = "";
    for event in Reader::new(text) {
        context.event()?;
        match event {
            Event::Start { name, attributes, .. } => match (section, local(name)) {
                (_, name @ ("fonts" | "fills" | "cellXfs" | "cellStyleXfs" | "dxfs")) => section = name,
                ("fonts", "font") => fonts.push(false),
                ("fonts", "color") => {
                    let white =
                        attributes.get("rgb").is_some_and(|rgb| rgb.get(2..).is_some_and(word::is_white))
                            || attributes.get("theme").is_some_and(|theme| theme == "0")
                                && attributes.get("tint").is_none();
                    if let (Some(font), true) = (fonts.last_mut(), white) {
                        *font = true;
                    }
                }
                ("fonts", "sz") => {
                    let tiny = attributes
                        .get("val")
                        .and_then(|size| size.parse().ok())
                        .is_some_and(|size: f32| size < 2.0);
                    if let (Some(font), true) = (fonts.last_mut(), tiny) {
                        *font = true;
                    }
                }
                ("fills", "fill") => fills.push(false),
                ("fills", "patternFill") => {
                    let filled = attributes.get("patternType").is_some_and(|kind| !matches!(&*kind, "none"));
                    if let (Some(fill), true) = (fills.last_mut(), filled) {
                        *fill = true;
                    }
                }
                ("fills", "gradientFill") => {
                    if let Some(fill) = fills.last_mut() {
                        *fill = true;
                    }
                }
                ("fills", "fgColor") => {
                    let white =
                        attributes.get("rgb").is_some_and(|rgb| rgb.get(2..).is_some_and(word::is_white));
                    if let (Some(fill), true) = (fills.last_mut(), white) {
                        *fill = false;
                    }
                }
                (_, "numFmt") if attributes.get("formatCode").is_some_and(|code| code.starts_with(";;")) => {
                    blank.extend(attributes.get("numFmtId").map(|id| id.into_owned()));
                }
                ("cellXfs", "xf") => {
                    let number =
                        |key| attributes.get(key).and_then(|id| id.parse::<usize>().ok()).unwrap_or(0);
                    let letters = fonts.get(number("fontId")).copied().unwrap_or(false);
                    let filled = fills.get(number("fillId")).copied().unwrap_or(false);
                    let is_blank =
                        attributes.get("numFmtId").is_some_and(|id| blank.iter().any(|blank| **blank == *id));
                    context.spend(blank.len())?;
                    formats.push(letters && !filled || is_blank);
                }
                _ => {}
            },
            Event::End { name } if local(name) == section => section = "",
            Event::Doctype(declared) => xml::doctype(context, declared),
            _ => {}
        }
    }
    Ok(formats)
}

/// The names of the parts of hidden sheets, as the workbook says.
pub(super) fn hidden_sheets(
    context: &mut Context<'_>,
    book: &str,
    targets: &BTreeMap<String, String>,
) -> Done<Vec<String>> {
    let mut hidden = Vec::new();
    for event in Reader::new(book) {
        context.event()?;
        if let Event::Start { name, attributes, .. } = event
            && local(name) == "sheet"
            && is_hidden(attributes.get("state").as_deref())
        {
            // The id has the prefix of relationships; a sheet has an id of its own too, with another name.
            let target = attributes.get("id").and_then(|id| targets.get(&*id));
            context.decoded(target.map_or(0, String::len))?;
            hidden.extend(
                target.map(|target| format!("xl/{}", target.trim_start_matches("/xl/")).to_ascii_lowercase()),
            );
        }
    }
    Ok(hidden)
}

fn is_hidden(state: Option<&str>) -> bool {
    matches!(state, Some("hidden" | "veryHidden"))
}

/// The workbook: names of sheets, and names that are macros' entry points.
pub(super) fn workbook(context: &mut Context<'_>, text: &str) -> Done {
    let mut names = String::new();
    let mut defined = false;
    for event in Reader::new(text) {
        context.event()?;
        match event {
            Event::Start { name, attributes, .. } => {
                let called = attributes.get("name").unwrap_or_default();
                defined = local(name) == "definedName";
                match local(name) {
                    "sheet" => {
                        if is_hidden(attributes.get("state").as_deref()) {
                            context.see(Reason::HiddenSheet);
                        }
                        names.push_str(&called);
                        names.push('\n');
                    }
                    // Macros of Excel 4 start from such a name.
                    "definedName"
                        if called.to_ascii_lowercase().replace("_xlnm.", "").starts_with("auto_") =>
                    {
                        context.see(Reason::Macro);
                    }
                    _ => {}
                }
            }
            Event::Text(words) if defined => {
                if let Some(reason) = formula::danger(&words) {
                    context.see(reason);
                }
            }
            Event::Doctype(declared) => xml::doctype(context, declared),
            _ => {}
        }
    }
    context.text(Role::Metadata, names)
}

/// A sheet: its cells, row by row.
pub(super) fn inspect(context: &mut Context<'_>, text: &str, part: &str, tables: &mut Tables) -> Done {
    let sheet_hides = tables.hidden_sheets.iter().any(|name| name == part);
    let (mut body, mut hidden) = (String::new(), String::new());
    let mut hidden_columns: Vec<(u32, u32)> = Vec::new();
    let (mut row_hides, mut cell_hides, mut named) = (false, false, false);
    // A formula may be cut by comments and CDATA: it is judged where it ends.
    let mut formula = String::new();
    let mut inside = "";
    let mut reader = Reader::new(text);
    for event in &mut reader {
        context.event()?;
        match event {
            Event::Start { name, attributes, empty } => {
                let name = local(name);
                let on = |key: &str| attributes.get(key).is_some_and(|value| matches!(&*value, "1" | "true"));
                match name {
                    "row" => {
                        row_hides = on("hidden") || attributes.get("ht").is_some_and(|height| height == "0");
                        body.push('\n');
                    }
                    "col" if on("hidden") && hidden_columns.len() < 256 => {
                        let number = |key| attributes.get(key).and_then(|at| at.parse().ok());
                        hidden_columns.extend(number("min").zip(number("max")));
                    }
                    "c" => {
                        context.thing()?;
                        let format = attributes.get("s").and_then(|s| s.parse::<usize>().ok()).unwrap_or(0);
                        let column = attributes.get("r").map_or(0, |cell| column(&cell));
                        let in_column =
                            hidden_columns.iter().any(|(first, last)| (*first..=*last).contains(&column));
                        if row_hides || in_column {
                            context.see(Reason::HiddenSheet);
                        }
                        let formatted = tables.hidden_formats.get(format).copied().unwrap_or(false);
                        cell_hides = sheet_hides || row_hides || in_column || formatted;
                        named = attributes.get("t").is_some_and(|kind| kind == "s");
                    }
                    "oleObject" => context.see(Reason::OleObject),
                    "control" => context.see(Reason::ActiveX),
                    _ => {}
                }
                inside = if empty { "" } else { name };
            }
            Event::End { name } => {
                if local(name) == "f"
                    && let Some(reason) = formula::danger(&std::mem::take(&mut formula))
                {
                    context.see(reason);
                }
                inside = "";
            }
            Event::Text(words) => {
                let shown = match inside {
                    "f" => {
                        context.decoded(words.len())?;
                        formula.push_str(&words);
                        continue;
                    }
                    "v" if named => {
                        match words.trim().parse::<usize>().ok().and_then(|at| tables.strings.get_mut(at)) {
                            Some((text, shown)) => {
                                *shown = true;
                                text.as_str()
                            }
                            None => continue,
                        }
                    }
                    "v" | "t" | "oddHeader" | "oddFooter" => &words,
                    _ => continue,
                };
                // A string may be shown by many cells: each time costs.
                context.decoded(shown.len())?;
                let to = if cell_hides { &mut hidden } else { &mut body };
                to.push_str(shown);
                to.push('\t');
            }
            Event::Doctype(declared) => xml::doctype(context, declared),
            Event::Comment(_) | Event::Instruction(_) => {}
        }
    }
    if reader.broken {
        context.see(Reason::Damaged);
    }
    context.text(Role::Body, body)?;
    context.text(Role::Hidden, hidden)
}

/// The number of a cell's column, from 1: 28 of `AB7`.
fn column(cell: &str) -> u32 {
    cell.bytes()
        .take_while(u8::is_ascii_alphabetic)
        .take(4)
        .fold(0, |column, letter| column * 26 + u32::from(letter.to_ascii_uppercase() - b'A') + 1)
}
