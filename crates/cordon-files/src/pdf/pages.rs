//! The pages of a file: which there are, what each has, and their texts.

use std::collections::HashSet;

use super::{
    file::File,
    geometry::Box4,
    object::{Dictionary, Object},
    page::{Page, Shared},
};
use crate::{
    Reason, Role,
    context::{Context, Done},
};

/// Nodes of the tree of pages inside one another.
const DEEPEST: usize = 64;

/// What a page has from the nodes around it.
#[derive(Clone, Copy)]
struct Inherited<'f> {
    resources: Option<&'f Dictionary>,
    /// What is seen of the page.
    shown: Option<Box4>,
}

/// Reads all pages.
pub(super) fn read(context: &mut Context<'_>, file: &File<'_>) -> Done {
    let mut pages: Vec<(u32, &Dictionary, Inherited<'_>)> = Vec::new();
    let mut seen = HashSet::new();
    let mut shared = Shared::default();
    for catalog in file.catalogs() {
        shared.switched_off(file, catalog);
        if let Some(root) = catalog.get("Pages").and_then(Object::reference)
            && !seen.contains(&root)
        {
            let none = Inherited { resources: None, shown: None };
            node(context, file, root, none, 0, &mut seen, &mut pages)?;
        }
    }
    // Pages that no tree has are in the file all the same; readers do not show them.
    let mut strays: Vec<(u32, &Dictionary)> = Vec::new();
    for (number, stored) in file.all() {
        if let Some(dictionary) = stored.value.dictionary()
            && dictionary.is("Type", "Page")
            && !seen.contains(&number)
        {
            strays.push((number, dictionary));
        }
    }
    if pages.is_empty() && strays.is_empty() {
        context.see(Reason::Damaged);
    }
    for (at, (_, dictionary, inherited)) in pages.iter().enumerate() {
        context.at(at, |context| page(context, file, dictionary, *inherited, &mut shared))?;
    }
    for (_, dictionary) in strays {
        context.see(Reason::Superseded);
        let content = Content::of(context, file, dictionary, None)?;
        let text = Page::read(context, file, content.resources, Box4::LETTER, &content.whole, &mut shared)?;
        context.text(Role::Hidden, text.all_text())?;
    }
    if shared.unknown > 16 && shared.unknown * 10 > shared.glyphs {
        context.see(Reason::UnreadableText);
    }
    if shared.lies >= 4 && shared.lies * 4 >= shared.otherwise.len() {
        context.see(Reason::FontMap);
        let otherwise = std::mem::take(&mut shared.otherwise);
        context.text(Role::Hidden, otherwise)?;
    }
    Ok(())
}

// Recursion is bounded by `DEEPEST`.
fn node<'f>(
    context: &mut Context<'_>,
    file: &'f File<'_>,
    number: u32,
    inherited: Inherited<'f>,
    depth: usize,
    seen: &mut HashSet<u32>,
    pages: &mut Vec<(u32, &'f Dictionary, Inherited<'f>)>,
) -> Done {
    context.thing()?;
    if !seen.insert(number) || depth > DEEPEST {
        context.see(Reason::Damaged);
        return Ok(());
    }
    let Some(dictionary) = file.stored(number).and_then(|stored| stored.value.dictionary()) else {
        context.see(Reason::Damaged);
        return Ok(());
    };
    let own = ["CropBox", "MediaBox"].iter().find_map(|key| Box4::read(file, file.get(dictionary, key)));
    let inherited = Inherited {
        resources: file.get(dictionary, "Resources").dictionary().or(inherited.resources),
        shown: own.or(inherited.shown),
    };
    match file.get(dictionary, "Kids").array() {
        Some(kids) if !dictionary.is("Type", "Page") => {
            for kid in kids.iter().filter_map(Object::reference) {
                node(context, file, kid, inherited, depth + 1, seen, pages)?;
            }
        }
        _ => pages.push((number, dictionary, inherited)),
    }
    Ok(())
}

/// What a page draws.
struct Content<'f> {
    resources: &'f Dictionary,
    whole: Vec<u8>,
    /// What stood there before a later revision.
    before: Vec<u8>,
}

static NOTHING: Dictionary = Dictionary::new();

impl<'f> Content<'f> {
    fn of(
        context: &mut Context<'_>,
        file: &'f File<'_>,
        page: &'f Dictionary,
        inherited: Option<&'f Dictionary>,
    ) -> Done<Self> {
        let resources = file.get(page, "Resources").dictionary().or(inherited).unwrap_or(&NOTHING);
        let contents = page.get("Contents").unwrap_or(&Object::Null);
        let parts: Vec<&Object> = match file.resolve(contents) {
            Object::Array(parts) => parts.iter().collect(),
            _ => vec![contents],
        };
        // A stream may end anywhere, also within a word's arguments: together they are one.
        let (mut whole, mut before) = (Vec::new(), Vec::new());
        for part in parts {
            context.thing()?;
            if let Some(content) = file.content_of(context, part)? {
                whole.extend_from_slice(&content);
                whole.push(b'\n');
            }
            for old in part.reference().into_iter().flat_map(|number| file.superseded(number)) {
                context.spend(file.older().len())?;
                if let Some(content) = file.content(context, old)? {
                    before.extend_from_slice(&content);
                    before.push(b'\n');
                }
            }
        }
        Ok(Self { resources, whole, before })
    }
}

fn page(
    context: &mut Context<'_>,
    file: &File<'_>,
    dictionary: &Dictionary,
    inherited: Inherited<'_>,
    shared: &mut Shared,
) -> Done {
    let Content { resources, whole, before } = Content::of(context, file, dictionary, inherited.resources)?;
    let shown = inherited.shown.unwrap_or(Box4::LETTER);
    Page::read(context, file, resources, shown, &whole, shared)?.keep(context)?;
    if !before.is_empty() && before != whole {
        context.see(Reason::Superseded);
        let old = Page::read(context, file, resources, shown, &before, shared)?;
        context.text(Role::Hidden, old.all_text())?;
    }
    appearances(context, file, dictionary, shared)
}

/// What annotations and fields of a page look like.
fn appearances(context: &mut Context<'_>, file: &File<'_>, page: &Dictionary, shared: &mut Shared) -> Done {
    for annotation in file.get(page, "Annots").array().unwrap_or_default() {
        context.thing()?;
        let Some(annotation) = file.resolve(annotation).dictionary() else { continue };
        let Some(normal) = file.get(annotation, "AP").dictionary().and_then(|looks| looks.get("N")) else {
            continue;
        };
        let Some(form) = file.resolve(normal).dictionary() else { continue };
        let Some(content) = file.content_of(context, normal)? else { continue };
        let resources = file.get(form, "Resources").dictionary().unwrap_or(&NOTHING);
        // Its place is the annotation's, so that nothing of it is off the page by itself.
        Page::read(context, file, resources, Box4::EVERYWHERE, &content, shared)?.keep(context)?;
    }
    Ok(())
}
