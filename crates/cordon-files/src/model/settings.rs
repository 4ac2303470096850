//! Settings of models in JSON: what makes a loader run code that comes with the model, or that the settings hold.

use cordon_core::json::{Object, Value};

use super::template;
use crate::{
    Reason,
    context::{Context, Done},
};

/// Packages whose objects Keras may build.
const KERAS: &[&str] =
    &["keras", "keras_core", "keras_cv", "keras_hub", "keras_nlp", "tensorflow", "tf_keras"];

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
    let is_foreign = object.get("registered_name").is_some()
        && module.is_some_and(|module| {
            let first = module.split('.').next().unwrap_or_default();
            !KERAS.contains(&first) && module != "builtins"
        });
    is_lambda || is_foreign
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
