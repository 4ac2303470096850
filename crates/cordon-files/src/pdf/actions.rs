//! What a file does: actions, scripts, files in it, forms, media. Every dictionary of every revision is looked at.

use super::{
    file::{File, Stored},
    object::{Dictionary, Name, Object},
    page::plain_string,
};
use crate::{
    Claim, FileType, Reason, Role,
    context::{Context, Done},
    file_type,
    markup::xml,
    text,
};

/// Keys whose strings people read, or are asked to.
const TEXTS: [&str; 13] = [
    "ActualText",
    "Alt",
    "Author",
    "Contents",
    "Creator",
    "DV",
    "Desc",
    "Keywords",
    "Producer",
    "Subject",
    "TU",
    "Title",
    "V",
];

/// Dictionaries inside of one another, as the reader of objects bounds them; references are not followed.
pub(super) fn check(context: &mut Context<'_>, file: &File<'_>) -> Done {
    let mut about = String::new();
    for (number, stored) in file.all() {
        context.at(usize::try_from(number).unwrap_or(usize::MAX), |context| {
            object(context, file, &stored.value, &mut about)
        })?;
        if stored.value.dictionary().is_some_and(|dictionary| dictionary.is("Type", "Metadata"))
            && !file.is_encrypted()
            && let Some(content) = file.content(context, stored)?
        {
            context.see(Reason::Metadata);
            let text = text::decode(&content).text;
            xml::words(context, &text, &mut about)?;
        }
    }
    if !file.is_encrypted() && !about.trim().is_empty() {
        context.see(Reason::Metadata);
        context.text(Role::Metadata, about)?;
    }
    Ok(())
}

// Recursion is bounded by the depth of objects.
fn object(context: &mut Context<'_>, file: &File<'_>, value: &Object, about: &mut String) -> Done {
    match value {
        Object::Array(items) => items.iter().try_for_each(|item| object(context, file, item, about)),
        Object::Dictionary(members) => dictionary(context, file, members, about),
        _ => Ok(()),
    }
}

fn dictionary(context: &mut Context<'_>, file: &File<'_>, members: &Dictionary, about: &mut String) -> Done {
    context.spend(16)?;
    // What a signature signs is no text.
    let signed = members.get("ByteRange").is_some();
    for (key, value) in members.iter() {
        member(context, file, key, value);
        if let (Some(string), true, false) = (value.string(), TEXTS.contains(&key.text.as_str()), signed) {
            let text = plain_string(string);
            context.decoded(text.len())?;
            if !text.trim().is_empty() {
                about.push_str(&text);
                about.push('\n');
            }
        }
        object(context, file, value, about)?;
    }
    // `S` names an action's kind where an action is, and something harmless elsewhere: a structure, a style of borders.
    // Which of several keys of one name counts, readers do not agree on.
    for kind in names(file, members, "S") {
        let reason = match kind.text.as_str() {
            "JavaScript" => Some(Reason::JavaScript),
            "Launch" => Some(Reason::Launch),
            "SubmitForm" | "ImportData" => Some(Reason::Form),
            "GoToR" | "GoToE" => Some(Reason::RemoteAction),
            "Rendition" | "Movie" | "Sound" | "RichMediaExecute" => Some(Reason::RichMedia),
            "URI" if members.get("URI").is_some() => Some(Reason::ExternalLink),
            _ => None,
        };
        see(context, reason, kind);
    }
    for kind in names(file, members, "Subtype") {
        let reason = match kind.text.as_str() {
            "RichMedia" | "Screen" | "Movie" | "Sound" | "3D" => Some(Reason::RichMedia),
            "FileAttachment" => Some(Reason::EmbeddedFile),
            _ => None,
        };
        see(context, reason, kind);
    }
    Ok(())
}

/// The names that stand at every key of this name, or that it refers to.
fn names<'f>(file: &'f File<'_>, members: &'f Dictionary, key: &'f str) -> impl Iterator<Item = &'f Name> {
    members.iter().filter(move |(name, _)| name.text == key).filter_map(|(_, value)| {
        match file.resolve(value) {
            Object::Name(name) => Some(name),
            _ => None,
        }
    })
}

/// What a key by itself means.
fn member(context: &mut Context<'_>, file: &File<'_>, key: &Name, value: &Object) {
    let resolved = file.resolve(value);
    let reason = match key.text.as_str() {
        "JS" | "JavaScript" if !matches!(resolved, Object::Null | Object::Name(_)) => {
            Some(Reason::JavaScript)
        }
        "Launch" if resolved.dictionary().is_some() => Some(Reason::Launch),
        // A place to begin at is no action.
        "OpenAction" => resolved
            .dictionary()
            .filter(|action| !action.is("S", "GoTo") && action.get("S").is_some())
            .map(|_| Reason::OpenAction),
        "AA" => resolved
            .dictionary()
            .filter(|events| events.iter().next().is_some())
            .map(|_| Reason::AdditionalAction),
        "EmbeddedFiles" | "EF" if resolved.dictionary().is_some() => Some(Reason::EmbeddedFile),
        "XFA" if *resolved != Object::Null => Some(Reason::Form),
        _ => None,
    };
    see(context, reason, key);
}

fn see(context: &mut Context<'_>, reason: Option<Reason>, name: &Name) {
    let Some(reason) = reason else { return };
    context.see(reason);
    if name.disguised {
        context.see(Reason::EscapedName);
    }
}

/// Files inside of the file, each of them inspected.
pub(super) fn embedded(context: &mut Context<'_>, file: &File<'_>) -> Done {
    for (number, stored) in file.all() {
        let Some(specification) = stored.value.dictionary() else { continue };
        if specification.is("Type", "EmbeddedFile") && stored.has_stream() {
            inner(context, file, number, stored, None)?;
            continue;
        }
        let name = specification
            .get("UF")
            .or_else(|| specification.get("F"))
            .and_then(Object::string)
            .map(plain_string);
        let Some(files) = file.get(specification, "EF").dictionary() else { continue };
        for (_, target) in files.iter() {
            let target = target.reference().and_then(|number| file.stored(number));
            // Those that say that they are one are met by themselves.
            if let Some(target) = target.filter(|target| {
                !target.value.dictionary().is_some_and(|dictionary| dictionary.is("Type", "EmbeddedFile"))
            }) {
                inner(context, file, number, target, name.as_deref())?;
            }
        }
        if let Some(name) = name {
            context.text(Role::Metadata, name)?;
        }
    }
    Ok(())
}

fn inner(
    context: &mut Context<'_>,
    file: &File<'_>,
    number: u32,
    stored: &Stored,
    name: Option<&str>,
) -> Done {
    context.see(Reason::EmbeddedFile);
    let Some(content) = file.content(context, stored)? else { return Ok(()) };
    let step = usize::try_from(number).unwrap_or(usize::MAX);
    context.at(step, |context| {
        let claim = Claim { name, media_type: None };
        // A type that is not known is quarantined as what it is; one that is known is read.
        if file_type::of(&content) == FileType::Unknown {
            context.see(Reason::UnknownType);
            return Ok(());
        }
        context.file(&content, &claim).map(|_| ())
    })
}
