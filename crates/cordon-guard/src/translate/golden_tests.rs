//! Pairs in files: what is asked and what is sent, what is answered and what is told. `CORDON_GOLDEN=write` writes the second
//! of each pair anew; what changed is to be read before it is kept.

use cordon_core::{
    json::{Object, Value},
    resource::OutputField,
};

use super::{Dropped, Translation, completion::Messages, message::Chunks};
use crate::tree::{gate::Events, testing::tree};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/translate/golden");

/// Every file of this kind, with what is to be written into it.
fn each(kind: &str, told: impl Fn(Translation, &Value) -> Vec<(&'static str, Value)>) {
    let mut names: Vec<String> = std::fs::read_dir(FOLDER)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(kind))
        .collect();
    names.sort();
    assert!(names.len() > 1, "no pairs of {kind}");
    for name in names {
        let path = format!("{FOLDER}/{name}");
        let file = tree(std::fs::read(&path).unwrap());
        let translation = if name.contains("to-messages") {
            Translation::ChatToMessages
        } else {
            Translation::MessagesToChat { output: OutputField::MaxCompletionTokens }
        };
        let mut now = file.as_object().unwrap().clone();
        for (member, value) in told(translation, &file) {
            now.insert(member, value);
        }
        let now = Value::Object(now);
        if std::env::var("CORDON_GOLDEN").is_ok_and(|mode| mode == "write") {
            let pretty: serde_json::Value = serde_json::from_slice(&now.to_vec()).unwrap();
            std::fs::write(&path, serde_json::to_string_pretty(&pretty).unwrap() + "\n").unwrap();
        } else {
            // As values: the order of members in the file is the file's.
            let read = |value: &Value| serde_json::from_slice::<serde_json::Value>(&value.to_vec()).unwrap();
            assert_eq!(read(&now), read(&file), "{name}");
        }
    }
}

#[test]
fn requests() {
    each("request", |translation, file| {
        let mut dropped = Dropped::default();
        let asked = file.get("asked").unwrap().as_object().unwrap();
        let sent = translation.request(asked, &mut dropped).unwrap();
        vec![("sent", sent.into()), ("untranslated", dropped.header().unwrap_or_default().into())]
    });
}

#[test]
fn answers() {
    each("answer", |translation, file| {
        let (told, tokens) = translation.answer(file.get("answered").unwrap(), 1_767_225_600).unwrap();
        let tokens = tokens.unwrap();
        let counted = [tokens.input, tokens.output, tokens.cached, tokens.cache_written].map(Value::from);
        vec![("told", told), ("tokens", counted.to_vec().into())]
    });
}

#[test]
fn streams() {
    each("stream", |translation, file| {
        let events = Events::new(1 << 20);
        let (mut chunks, mut messages) = (Chunks::new(1_767_225_600), Messages::default());
        let mut told = Vec::new();
        for event in file.get("answered").unwrap().as_array().unwrap() {
            let data = event.as_str().map_or_else(|| event.to_string(), str::to_owned);
            let out = match translation {
                Translation::ChatToMessages => chunks.event(&data, &events),
                Translation::MessagesToChat { .. } => messages.event(&data, &events),
            };
            let out = out.unwrap().into_iter();
            told.extend(out.map(|data| if data == "[DONE]" { Value::from(data) } else { tree(data) }));
        }
        vec![("told", told.into())]
    });
}

/// Every field that the other protocol cannot say is refused, and named.
#[test]
fn refusals() {
    let file = tree(std::fs::read(format!("{FOLDER}/refused.json")).unwrap());
    for (to, translation, asked) in [
        (
            "to-messages",
            Translation::ChatToMessages,
            r#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#,
        ),
        (
            "to-chat",
            Translation::MessagesToChat { output: OutputField::MaxTokens },
            r#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}]}"#,
        ),
    ] {
        let cases = file.get(to).unwrap().as_array().unwrap();
        assert!(cases.len() > 10);
        for case in cases {
            let mut request = tree(asked).as_object().unwrap().clone();
            for (key, value) in case.get("with").unwrap().as_object().unwrap().iter() {
                request.insert(key, value.clone());
            }
            let refusal = translation.request(&request, &mut Dropped::default()).unwrap_err();
            assert_eq!(refusal.code, cordon_core::RefusalCode::NotTranslatable);
            assert_eq!(refusal.param.as_deref(), case.get("field").unwrap().as_str(), "{case}");
        }
    }
}

/// A member that nobody knows is never lost, at whatever place it stands.
#[test]
fn unknown_members_are_refused_everywhere() {
    fn objects(value: &Value, path: &mut Vec<String>, out: &mut Vec<Vec<String>>) {
        // What these hold is the caller's own, and goes over as it is.
        let own = ["parameters", "input_schema", "schema", "input", "user_location"];
        match value {
            // What was thought before is left out as a whole, and the caller is told so.
            Value::Object(object) if object.get("type").and_then(Value::as_str) == Some("thinking") => {}
            Value::Object(object) => {
                out.push(path.clone());
                for (key, value) in object.iter().filter(|(key, _)| !own.contains(key)) {
                    path.push(key.to_owned());
                    objects(value, path, out);
                    path.pop();
                }
            }
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    path.push(at.to_string());
                    objects(item, path, out);
                    path.pop();
                }
            }
            _ => {}
        }
    }
    /// Objects whose members mean nothing to what is made of them.
    const OPEN: [&str; 3] = ["cache_control", "citations", "metadata"];
    for (name, translation) in [
        ("request-to-messages.json", Translation::ChatToMessages),
        ("request-to-chat.json", Translation::MessagesToChat { output: OutputField::MaxCompletionTokens }),
    ] {
        let file = tree(std::fs::read(format!("{FOLDER}/{name}")).unwrap());
        let asked = file.get("asked").unwrap();
        let mut places = Vec::new();
        objects(asked, &mut Vec::new(), &mut places);
        let open = |path: &Vec<String>| path.iter().any(|step| OPEN.contains(&step.as_str()));
        let places: Vec<_> = places.into_iter().filter(|path| !open(path)).collect();
        assert!(places.len() > 8, "{places:?}");
        for path in places {
            let mut copy = asked.clone();
            let place = crate::tree::testing::at(&mut copy, &path);
            place.as_object_mut().unwrap().insert("novelty", "x");
            let request: &Object = copy.as_object().unwrap();
            let result = translation.request(request, &mut Dropped::default());
            assert!(result.is_err(), "{name}: {path:?}");
        }
    }
}
