//! OpenDocument (ISO/IEC 26300): `content.xml`, `styles.xml`, `meta.xml`, and a manifest that says what is encrypted.

use super::formula;
use crate::{
    Claim, FileType, Reason, Role,
    archive::zip::Archive,
    context::{Context, Done},
    file_type,
    markup::{
        html::reference,
        style::{self, Style},
        xml::{self, Attributes, Event, Reader, local},
    },
    text,
};

/// What styles with these names hide.
#[derive(Default)]
struct Styles {
    hidden: Vec<String>,
}

/// A document: its parts by name, each with what is wrong with it, and their texts.
pub(crate) fn inspect(context: &mut Context<'_>, archive: &Archive<'_>) -> Done {
    for (number, entry) in archive.entries.iter().enumerate() {
        if entry.is_folder() || entry.is_link || entry.name == "mimetype" {
            continue;
        }
        context.at(number, |context| {
            if entry.is_below("Basic/") || entry.is_below("Scripts/") {
                context.see(Reason::Macro);
            }
            let Some(content) = archive.content(context, entry)? else { return Ok(()) };
            // Objects of other programs have no ending; the drawings beside them are pictures.
            let is_data = entry.is_below("ObjectReplacements/") || entry.name == "layout-cache";
            if is_data && file_type::of(&content) == FileType::Unknown {
                // Drawings of a kind of their own, and where lines break: no text is in them.
                context.see(Reason::Pixels);
                return Ok(());
            }
            if !is_data && entry.is_below("Object") && !entry.name.contains('.') {
                context.see(Reason::OleObject);
                return Ok(());
            }
            if !entry.name.ends_with(".xml") && !entry.name.ends_with(".rdf") {
                if !entry.is_below("Configurations2/") {
                    context.file(&content, &Claim::named(entry.file_name()))?;
                }
                return Ok(());
            }
            let text = text::decode(&content).text;
            context.decoded(text.len())?;
            match entry.file_name() {
                "manifest.xml" => manifest(context, &text),
                "content.xml" | "styles.xml" => parts(context, &text),
                "meta.xml" => super::open_xml::plain(context, &text, Role::Metadata),
                _ => Ok(()),
            }
        })?;
    }
    Ok(())
}

fn manifest(context: &mut Context<'_>, text: &str) -> Done {
    for event in Reader::new(text) {
        context.event()?;
        match event {
            Event::Start { name, .. } if local(name) == "encryption-data" => context.see(Reason::Encrypted),
            Event::Doctype(declared) => xml::doctype(context, declared),
            _ => {}
        }
    }
    Ok(())
}

impl Styles {
    fn read(context: &mut Context<'_>, text: &str) -> Done<Self> {
        let mut styles = Self::default();
        let (mut name_of, mut declarations) = (String::new(), String::new());
        for event in Reader::new(text) {
            context.event()?;
            match event {
                Event::Start { name, attributes, empty: false } if local(name) == "style" => {
                    name_of = attributes.get("name").unwrap_or_default().into_owned();
                    declarations.clear();
                }
                Event::Start { name, attributes, .. } if local(name).ends_with("-properties") => {
                    for (key, value) in attributes.iter() {
                        context.spend(value.len())?;
                        match local(key) {
                            "display" if value == "none" || value == "false" => {
                                declarations.push_str("display:none;");
                            }
                            key @ ("color" | "font-size" | "background-color") => {
                                declarations.push_str(&format!("{key}:{value};"));
                            }
                            _ => {}
                        }
                    }
                }
                Event::End { name } if local(name) == "style" => {
                    let style = Style::read(&declarations);
                    let white = style.colour.is_some_and(|colour| style::is_alike(colour, style::WHITE));
                    if style.hides || white && style.background.is_none() {
                        styles.hidden.push(std::mem::take(&mut name_of));
                    }
                }
                _ => {}
            }
        }
        styles.hidden.sort_unstable();
        Ok(styles)
    }

    fn hides(&self, attributes: Attributes<'_>) -> bool {
        attributes
            .get("style-name")
            .is_some_and(|name| self.hidden.binary_search_by(|style| (**style).cmp(&name)).is_ok())
    }
}

/// Content, or the headers and footers that stand with the styles.
fn parts(context: &mut Context<'_>, text: &str) -> Done {
    let styles = Styles::read(context, text)?;
    let (mut body, mut hidden, mut about) = (String::new(), String::new(), String::new());
    // For each open element whether it hides, and whether it is about others.
    let mut open: Vec<(bool, bool)> = Vec::new();
    let mut reader = Reader::new(text);
    for event in &mut reader {
        context.event()?;
        match event {
            Event::Start { name, attributes, empty } => {
                let name = local(name);
                let (mut hides, mut describes) = open.last().copied().unwrap_or_default();
                see(context, name, attributes);
                hides |= styles.hides(attributes);
                hides |= matches!(name, "hidden-text" | "hidden-paragraph" | "tracked-changes");
                let collapsed = attributes
                    .get("visibility")
                    .is_some_and(|value| matches!(&*value, "collapse" | "filter"));
                if matches!(name, "table" | "table-row" | "table-column")
                    && (collapsed || name == "table" && styles.hides(attributes))
                {
                    context.see(Reason::HiddenSheet);
                    hides = true;
                }
                describes |= matches!(name, "title" | "desc");
                if empty {
                    match name {
                        "tab" => body.push('\t'),
                        "s" => body.push(' '),
                        "line-break" => body.push('\n'),
                        _ => {}
                    }
                } else if open.len() < 1024 {
                    open.push((hides, describes));
                } else {
                    context.see(Reason::TooDeep);
                    return Ok(());
                }
            }
            Event::End { name } => {
                open.pop();
                match local(name) {
                    "p" | "h" => body.push('\n'),
                    "table-cell" => body.push('\t'),
                    _ => {}
                }
            }
            Event::Text(words) => {
                context.decoded(words.len())?;
                let to = match open.last().copied().unwrap_or_default() {
                    (true, _) => &mut hidden,
                    (_, true) => &mut about,
                    _ => &mut body,
                };
                to.push_str(&words);
            }
            Event::Doctype(declared) => xml::doctype(context, declared),
            Event::Comment(_) | Event::Instruction(_) => {}
        }
    }
    if reader.broken {
        context.see(Reason::Damaged);
    }
    context.text(Role::Body, body)?;
    context.text(Role::Hidden, hidden)?;
    context.text(Role::Metadata, about)
}

/// What an element does.
fn see(context: &mut Context<'_>, name: &str, attributes: Attributes<'_>) {
    match name {
        "event-listener" | "event-listeners" => context.see(Reason::EventHandler),
        "script" => context.see(Reason::Script),
        "dde-source" | "dde-link" | "dde-connection-decl" => context.see(Reason::Dde),
        "object-ole" => context.see(Reason::OleObject),
        "database-source-sql" | "database-source-query" => context.see(Reason::ExternalReference),
        _ => {}
    }
    if let Some(reason) = attributes.get("formula").and_then(|formula| formula::danger(&formula)) {
        context.see(reason);
    }
    if let Some(reason) = attributes.get("href").and_then(|target| reference(&target)) {
        context.see(match (reason, name) {
            (Reason::ExternalLink, "a") => reason,
            (Reason::ExternalLink, _) => Reason::ExternalReference,
            _ => reason,
        });
    }
}
