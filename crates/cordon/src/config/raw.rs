//! Values as they were set, in layers, each with where it was set.

use std::{collections::BTreeMap, path::Path};

use super::{ConfigProblem, SETTINGS, environment_name, telemetry};
use crate::declare::nearest;

/// Values that were set, each with where; later layers replace earlier ones.
#[derive(Clone, Debug, Default)]
pub struct Raw {
    values: BTreeMap<&'static str, (String, String)>,
    pub(super) problems: Vec<ConfigProblem>,
}

impl Raw {
    /// Adds a file. A file that was not asked for by name may be missing.
    #[must_use]
    pub fn file(mut self, named: Option<&Path>) -> Self {
        let path = named.unwrap_or(Path::new("cordon.toml"));
        match std::fs::read_to_string(path) {
            Ok(text) => self.toml(&path.display().to_string(), &text),
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => self,
            Err(error) => {
                self.wrong(&path.display().to_string(), format!("cannot be read: {error}"));
                self
            }
        }
    }

    /// Adds the text of a file.
    #[must_use]
    pub fn toml(mut self, name: &str, text: &str) -> Self {
        let place = |span: std::ops::Range<usize>| {
            let before = text.get(..span.start).unwrap_or_default();
            let line = before.matches('\n').count().saturating_add(1);
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count().saturating_add(1);
            format!("{name}:{line}:{column}")
        };
        match toml::de::DeTable::parse(text) {
            Ok(table) => self.table("", table.get_ref(), &place),
            Err(error) => {
                let source = error.span().map_or_else(|| name.to_owned(), place);
                self.wrong(&source, format!("not TOML: {}", error.message()));
            }
        }
        self
    }

    fn table(
        &mut self,
        prefix: &str,
        table: &toml::de::DeTable<'_>,
        place: &dyn Fn(std::ops::Range<usize>) -> String,
    ) {
        use toml::de::DeValue;
        for (key, value) in table {
            let at = place(key.span());
            let key = format!("{prefix}{}", key.get_ref());
            match value.get_ref() {
                DeValue::Table(inner) if SETTINGS.iter().any(|s| s.key.starts_with(&format!("{key}."))) => {
                    self.table(&format!("{key}."), inner, place);
                }
                DeValue::String(text) => self.set(&key, text.to_string(), at),
                DeValue::Integer(number) => self.set(&key, number.to_string(), at),
                DeValue::Float(number) => self.set(&key, number.to_string(), at),
                DeValue::Boolean(word) => self.set(&key, word.to_string(), at),
                DeValue::Array(items) if items.iter().all(|item| item.get_ref().as_str().is_some()) => {
                    let items: Vec<&str> = items.iter().filter_map(|item| item.get_ref().as_str()).collect();
                    self.set(&key, items.join(","), at);
                }
                // An unknown key is the clearer problem of the two.
                _ if SETTINGS.iter().all(|s| s.key != key) => self.unknown(&key, &at),
                _ => self.wrong(&at, format!("`{key}` is expected to be text, a number or true or false")),
            }
        }
    }

    /// Adds what the environment says. Empty variables count as not set. Those of OpenTelemetry are defaults: they set what
    /// nothing else has set.
    #[must_use]
    pub fn environment(mut self, variable: impl Fn(&str) -> Option<String>) -> Self {
        for (name, key) in telemetry::STANDARD {
            if self.source(key).is_none()
                && let Some(value) = variable(name).filter(|value| !value.is_empty())
            {
                self.set(key, telemetry::standard(name, value), (*name).to_owned());
            }
        }
        for setting in SETTINGS {
            let name = environment_name(setting.key);
            if let Some(value) = variable(&name).filter(|value| !value.is_empty()) {
                self.set(setting.key, value, name);
            }
        }
        self
    }

    /// Adds a flag.
    #[must_use]
    pub fn flag(mut self, flag: &str, key: &str, value: Option<String>) -> Self {
        if let Some(value) = value {
            self.set(key, value, flag.to_owned());
        }
        self
    }

    fn set(&mut self, key: &str, value: String, source: String) {
        match SETTINGS.iter().find(|setting| setting.key == key) {
            Some(setting) => {
                self.values.insert(setting.key, (value, source));
            }
            None => self.unknown(key, &source),
        }
    }

    fn unknown(&mut self, key: &str, source: &str) {
        let help = match nearest(key, SETTINGS.iter().map(|setting| setting.key)) {
            Some(near) => format!("help: did you mean `{near}`?"),
            None => "help: `cordon up --help` lists all keys".to_owned(),
        };
        let key: String = key.chars().take(80).collect();
        self.wrong(source, format!("unknown key `{key}`; {help}"));
    }

    pub(super) fn wrong(&mut self, source: &str, message: String) {
        self.problems.push(ConfigProblem { source: source.to_owned(), message });
    }

    /// Takes a value and checks it; what is wrong is noted, and something usable is given so that the rest is checked
    /// too.
    pub(super) fn take<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let default =
            SETTINGS.iter().find(|setting| setting.key == key).map_or("", |setting| setting.default);
        let (value, source) =
            self.values.remove(key).unwrap_or_else(|| (default.to_owned(), "default".to_owned()));
        match read(&value) {
            Ok(value) => Some(value),
            Err(message) => {
                self.wrong(&source, format!("{key}: {message}"));
                None
            }
        }
    }

    /// Where a value was set, unless it is still its default.
    pub(super) fn source(&self, key: &str) -> Option<String> {
        self.values.get(key).map(|(_, source)| source.clone())
    }
}
