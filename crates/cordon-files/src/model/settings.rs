//! Settings of models in JSON: what makes a loader run code that comes with the model, or that the settings hold.

use cordon_core::json::{Limits, Object, Value};

use super::template;
use crate::{
    Reason,
    bytes::{head, tail},
    context::{Context, Done},
};

/// Packages whose objects Keras may build.
const KERAS: &[&str] =
    &["keras", "keras_core", "keras_cv", "keras_hub", "keras_nlp", "tensorflow", "tf_keras"];

/// Modules of Keras whose functions compute a number of numbers.
const FUNCTIONS: &[&str] =
    &["activations", "constraints", "initializers", "layers", "losses", "metrics", "ops", "regularizers"];

/// Looks at all objects of a file.
// Recursion is bounded by the depth that the reader of JSON lets through.
pub(crate) fn inspect(context: &mut Context<'_>, value: &Value) -> Done {
    match value {
        Value::Object(object) => {
            context.event()?;
            if is_loader(object) {
                context.see(Reason::RemoteCode);
            }
            if is_layer(object) {
                context.see(Reason::Layer);
            }
            if reaches(context, object)? {
                context.see(Reason::Template);
            }
            for (_, inner) in object.iter() {
                inspect(context, inner)?;
            }
        }
        Value::Array(values) => {
            for inner in values {
                inspect(context, inner)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Whether a loader of transformers would run modules that lie beside the model: `auto_map` names classes of them by those of the
/// library, and `trust_remote_code` is the consent that belongs to whoever loads.
fn is_loader(object: &Object) -> bool {
    let maps = object.get("auto_map").and_then(Value::as_object);
    maps.is_some_and(|maps| maps.iter().any(|(name, _)| name.starts_with("Auto")))
        || object.get("trust_remote_code").and_then(Value::as_bool) == Some(true)
}

/// Whether Keras would build a layer out of code, or an object of a package that is none of its own.
fn is_layer(object: &Object) -> bool {
    let Some(name) = object.get("class_name").and_then(Value::as_str) else { return false };
    let Some(config) = object.get("config") else { return false };
    let is_lambda = matches!(name, "Lambda" | "__lambda__") && config.as_object().is_some();
    let module = object.get("module").and_then(Value::as_str);
    is_lambda || module.is_some_and(|module| is_foreign(module, name == "function"))
}

/// Whether a module is none of Keras's, or one whose functions no layer needs.
fn is_foreign(module: &str, is_function: bool) -> bool {
    let mut parts = module.split('.');
    let is_own = parts.next().is_some_and(|first| KERAS.contains(&first));
    let is_harmless = !is_function || parts.any(|part| FUNCTIONS.contains(&part));
    module != "builtins" && !(is_own && is_harmless)
}

/// Whether a template for chats reaches for more than it is given: one, or several by name.
fn reaches(context: &mut Context<'_>, object: &Object) -> Done<bool> {
    let Some(found) = object.get("chat_template") else { return Ok(false) };
    let texts: Vec<&str> = match found {
        Value::String(text) => vec![text],
        Value::Array(named) => {
            named.iter().filter_map(|entry| entry.get("template").and_then(Value::as_str)).collect()
        }
        Value::Object(named) => named.iter().filter_map(|(_, text)| text.as_str()).collect(),
        _ => Vec::new(),
    };
    for text in texts {
        if template::is_one(text) && template::reaches(context, text)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Bytes of a text in quotes that is a key, or one of the words that are looked for.
const WORD: usize = 256;

/// Looks for the same in what only a more tolerant reader takes for JSON: numbers that are none, keys that stand twice, lines.
/// The texts in quotes are read one after the other, and what follows a key is not told from what follows that.
pub(crate) fn search(context: &mut Context<'_>, text: &str) -> Done {
    context.spend(text.len().saturating_mul(2))?;
    let mut found = Found::default();
    let mut rest = text.as_bytes();
    while let Some(open) = memchr::memchr(b'"', rest) {
        context.event()?;
        let inside = tail(rest, open + 1);
        let length = ending(inside);
        rest = tail(inside, length + 1);
        let behind = head(rest, WORD).trim_ascii_start();
        let word = unescape(head(inside, length));
        context.spend(length)?;
        match behind.strip_prefix(b":") {
            Some(value) => found.key(&word, value.trim_ascii_start()),
            None => found.value(context, &word)?,
        }
    }
    if found.remote {
        context.see(Reason::RemoteCode);
    }
    if found.lambda || found.class && found.config && found.foreign {
        context.see(Reason::Layer);
    }
    Ok(())
}

/// What was found in the texts so far.
#[derive(Default)]
struct Found {
    key: String,
    map: bool,
    template: bool,
    remote: bool,
    class: bool,
    config: bool,
    lambda: bool,
    foreign: bool,
}

impl Found {
    fn key(&mut self, word: &str, value: &[u8]) {
        self.map |= word == "auto_map";
        self.template |= word == "chat_template";
        self.class |= word == "class_name";
        self.config |= word == "config";
        self.remote |=
            self.map && word.starts_with("Auto") || word == "trust_remote_code" && value.starts_with(b"true");
        self.key = head(word.as_bytes(), WORD).iter().map(|byte| char::from(*byte)).collect();
    }

    fn value(&mut self, context: &mut Context<'_>, word: &str) -> Done {
        self.lambda |= self.key == "class_name" && matches!(word, "Lambda" | "__lambda__");
        self.foreign |= self.key == "module" && is_foreign(word, true);
        if self.template && template::is_one(word) && template::reaches(context, word)? {
            context.see(Reason::Template);
        }
        Ok(())
    }
}

/// Where the quote stands that ends a text.
fn ending(inside: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b'"', b'\\', tail(inside, at)) {
        at += found;
        if inside.get(at) == Some(&b'"') {
            return at;
        }
        at += 2;
    }
    inside.len()
}

/// A text with its escapes read, as far as a strict reader reads them.
fn unescape(inside: &[u8]) -> String {
    let quoted = [b"\"", inside, b"\""].concat();
    let limits = Limits { bytes: quoted.len(), depth: 1, values: 1 };
    match Value::parse(&quoted, limits) {
        Ok(Value::String(text)) => text,
        _ => String::from_utf8_lossy(inside).replace("\\\"", "\""),
    }
}
