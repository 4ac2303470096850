//! Office Open XML (ISO/IEC 29500): parts in a ZIP, and relationships that say what belongs to what and what lies elsewhere.

use std::collections::BTreeMap;

use super::{sheet, slide, word};
use crate::{
    Claim, FileType, Reason, Role,
    archive::zip::{Archive, Entry},
    bytes::slice,
    context::{Context, Done},
    file_type,
    markup::xml::{self, Event, Reader, local},
    text,
};

/// What one part says about others.
#[derive(Default)]
pub(crate) struct Tables {
    /// Ids of styles of a text document that hide.
    pub(crate) hidden_styles: Vec<String>,
    /// Strings that cells name by number, and whether one did.
    pub(crate) strings: Vec<(String, bool)>,
    /// For each format of cells whether its letters are not seen.
    pub(crate) hidden_formats: Vec<bool>,
    /// Names of parts of sheets that are hidden.
    pub(crate) hidden_sheets: Vec<String>,
    /// Width and height of a slide.
    pub(crate) slide: Option<(i64, i64)>,
}

/// A document: its parts by name, each with what is wrong with it, and their texts.
pub(crate) fn inspect(context: &mut Context<'_>, archive: &Archive<'_>, kind: FileType) -> Done {
    let mut tables = Tables::default();
    tables.read(context, archive)?;
    for (number, entry) in archive.entries.iter().enumerate() {
        if !entry.is_folder() && !entry.is_link {
            context.at(number, |context| part(context, archive, entry, kind, &mut tables))?;
        }
    }
    // What no cell shows is still in the file.
    let unshown: Vec<&str> =
        tables.strings.iter().filter(|(_, shown)| !shown).map(|(text, _)| text.as_str()).collect();
    context.text(Role::Hidden, unshown.join("\n"))
}

/// The text of the part with this name.
fn named(context: &mut Context<'_>, archive: &Archive<'_>, name: &str) -> Done<Option<String>> {
    let Some(entry) = archive.entries.iter().find(|entry| entry.name.eq_ignore_ascii_case(name)) else {
        return Ok(None);
    };
    let content = archive.content(context, entry)?;
    Ok(content.map(|content| text::decode(&content).text))
}

impl Tables {
    fn read(&mut self, context: &mut Context<'_>, archive: &Archive<'_>) -> Done {
        if let Some(styles) = named(context, archive, "word/styles.xml")? {
            self.hidden_styles = word::hidden_styles(context, &styles)?;
        }
        if let Some(strings) = named(context, archive, "xl/sharedStrings.xml")? {
            self.strings = sheet::strings(context, &strings)?;
        }
        if let Some(styles) = named(context, archive, "xl/styles.xml")? {
            self.hidden_formats = sheet::hidden_formats(context, &styles)?;
        }
        let book = named(context, archive, "xl/workbook.xml")?;
        let targets = named(context, archive, "xl/_rels/workbook.xml.rels")?;
        if let (Some(book), Some(targets)) = (book, targets) {
            let targets = targets_by_id(context, &targets)?;
            self.hidden_sheets = sheet::hidden_sheets(context, &book, &targets)?;
        }
        if let Some(presentation) = named(context, archive, "ppt/presentation.xml")? {
            self.slide = slide::size(context, &presentation)?;
        }
        Ok(())
    }
}

/// The targets of relationships by their ids.
fn targets_by_id(context: &mut Context<'_>, text: &str) -> Done<BTreeMap<String, String>> {
    let mut targets = BTreeMap::new();
    for event in Reader::new(text) {
        context.event()?;
        if let Event::Start { attributes, .. } = event
            && let (Some(id), Some(target)) = (attributes.get("Id"), attributes.get("Target"))
        {
            context.thing()?;
            targets.insert(id.into_owned(), target.into_owned());
        }
    }
    Ok(targets)
}

fn part(
    context: &mut Context<'_>,
    archive: &Archive<'_>,
    entry: &Entry,
    kind: FileType,
    tables: &mut Tables,
) -> Done {
    let name = entry.name.to_ascii_lowercase();
    let file_name = entry.file_name().to_ascii_lowercase();
    if file_name.starts_with("vbaproject")
        || file_name.starts_with("vbadata")
        || name.contains("/macrosheets/")
    {
        context.see(Reason::Macro);
    }
    if name.contains("/activex/") {
        context.see(Reason::ActiveX);
    }
    if name == "xl/connections.xml" || name.contains("/querytables/") {
        context.see(Reason::ExternalReference);
    }
    let is_xml = matches!(file_name.rsplit('.').next(), Some("xml" | "rels" | "vml"));
    // Fonts and printers' settings are data of this machine's, without text.
    let is_data = file_name.ends_with(".odttf") || name.contains("printersettings");
    if is_data || name == "xl/sharedstrings.xml" || name == "xl/styles.xml" || name == "word/styles.xml" {
        return Ok(());
    }
    let Some(content) = archive.content(context, entry)? else { return Ok(()) };
    if !is_xml {
        return binary(context, &content, entry, &name);
    }
    let text = text::decode(&content).text;
    context.decoded(text.len())?;
    if file_name.ends_with(".rels") {
        return relationships(context, &text);
    }
    match name.as_str() {
        "[content_types].xml" => content_types(context, &text),
        _ if name.starts_with("docprops/") || name.starts_with("customxml/") => {
            plain(context, &text, Role::Metadata)
        }
        _ if name.starts_with("xl/externallinks/") => external_link(context, &text),
        _ if name.starts_with("xl/worksheets/") => sheet::inspect(context, &text, &name, tables),
        _ if name == "xl/workbook.xml" => sheet::workbook(context, &text),
        _ if name.starts_with("word/") && kind == FileType::WordDocument && !name.contains("/theme/") => {
            word::inspect(context, &text, &tables.hidden_styles)
        }
        // Masters and layouts hold the words that stand where nothing was written yet.
        _ if name.starts_with("ppt/slide") && (name.contains("layouts/") || name.contains("masters/")) => {
            plain(context, &text, Role::Metadata)
        }
        _ if name.starts_with("ppt/") => slide::inspect(context, &text, &name, tables.slide),
        _ => plain(context, &text, Role::Body),
    }
}

/// A part that is no XML.
fn binary(context: &mut Context<'_>, content: &[u8], entry: &Entry, name: &str) -> Done {
    let begins = file_type::of(content);
    if name.contains("/embeddings/") && begins == FileType::Ole && name.ends_with(".bin") {
        context.see(Reason::OleObject);
    }
    if begins == FileType::OtherImage || begins == FileType::Unknown && is_drawing(content, name) {
        context.see(Reason::Pixels);
        return Ok(());
    }
    // The container of the macros is named by what it is; what it holds is not text.
    if name.ends_with("vbaproject.bin") || name.contains("/activex/") {
        return Ok(());
    }
    context.file(content, &Claim::named(entry.file_name()))?;
    Ok(())
}

/// Whether it is a metafile, a photograph of JPEG XR, or a font of a presentation, as its sign and its name say.
fn is_drawing(content: &[u8], name: &str) -> bool {
    match name.rsplit('.').next() {
        // [MS-EMF] 2.3.4.2: a header's type, and the signature.
        Some("emf") => content.starts_with(&[1, 0, 0, 0]) && slice(content, 40, 4) == Some(b" EMF"),
        // [MS-WMF] 2.3.2: placeable, or a header of nine words.
        Some("wmf") => [&[0xd7, 0xcd, 0xc6, 0x9a][..], &[1, 0, 9, 0], &[2, 0, 9, 0]]
            .iter()
            .any(|sign| content.starts_with(sign)),
        Some("wdp") => content.starts_with(b"II\xbc"),
        // Embedded OpenType: a magic number at 34.
        Some("fntdata") => slice(content, 34, 2) == Some(b"LP"),
        _ => false,
    }
}

/// Whether a target is on a drive of the machine that wrote the document.
fn is_local(target: &str) -> bool {
    let path = target.strip_prefix("file:///").unwrap_or(target);
    matches!(path.as_bytes(), [drive, b':', b'/' | b'\\', ..] if drive.is_ascii_alphabetic())
}

/// What a part leads to.
fn relationships(context: &mut Context<'_>, text: &str) -> Done {
    for event in Reader::new(text) {
        context.event()?;
        match event {
            Event::Start { attributes, .. } => {
                let kind = attributes.get("Type").unwrap_or_default();
                let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                let target = attributes.get("Target").unwrap_or_default();
                let elsewhere =
                    attributes.get("TargetMode").is_some_and(|mode| mode.eq_ignore_ascii_case("external"));
                let scheme = target.split(':').next().unwrap_or_default().to_ascii_lowercase();
                if kind == "vbaProject" {
                    context.see(Reason::Macro);
                }
                if matches!(scheme.as_str(), "javascript" | "vbscript" | "mhtml" | "ms-msdt" | "search-ms") {
                    context.see(Reason::Script);
                }
                if elsewhere {
                    context.see(match kind.as_str() {
                        "hyperlink" => Reason::ExternalLink,
                        // Where its own machine keeps templates, nobody else fetches one.
                        "attachedTemplate" if is_local(&target) => Reason::ExternalLink,
                        "attachedTemplate" => Reason::ExternalTemplate,
                        "oleObject" | "package" | "control" => Reason::OleObject,
                        _ => Reason::ExternalReference,
                    });
                }
            }
            Event::Doctype(declared) => xml::doctype(context, declared),
            _ => {}
        }
    }
    Ok(())
}

fn content_types(context: &mut Context<'_>, text: &str) -> Done {
    let lower = text.to_ascii_lowercase();
    context.spend(lower.len())?;
    if lower.contains("vbaproject") || lower.contains("macroenabled") || lower.contains("macrosheet") {
        context.see(Reason::Macro);
    }
    Ok(())
}

/// A link to another workbook, or to a program.
fn external_link(context: &mut Context<'_>, text: &str) -> Done {
    for event in Reader::new(text) {
        context.event()?;
        match event {
            Event::Start { name, .. } if local(name) == "ddeLink" => context.see(Reason::Dde),
            Event::Start { name, .. } if local(name) == "oleLink" => context.see(Reason::OleObject),
            Event::Start { name, .. } if local(name) == "externalBook" => {
                context.see(Reason::ExternalReference);
            }
            Event::Doctype(declared) => xml::doctype(context, declared),
            _ => {}
        }
    }
    Ok(())
}

/// All text of a part without a reader of its own.
pub(super) fn plain(context: &mut Context<'_>, text: &str, role: Role) -> Done {
    let mut out = String::new();
    let mut reader = Reader::new(text);
    for event in &mut reader {
        context.event()?;
        match event {
            Event::Text(words) if !words.trim().is_empty() => {
                out.push_str(&words);
                out.push('\n');
            }
            Event::Doctype(declared) => xml::doctype(context, declared),
            _ => {}
        }
    }
    if reader.broken {
        context.see(Reason::Damaged);
    }
    context.text(role, out)
}
