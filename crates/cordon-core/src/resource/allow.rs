use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::published;
use crate::{Category, Digest};

/// The most values that a guard lets pass.
const MAX_VALUES: usize = 1_024;
/// The longest of them, in bytes. Detectors report longer ones in pieces, and no piece is a value.
const MAX_VALUE: usize = 1_024;

/// Values that the rules of a guard let pass wherever they stand, because everybody knows them or because they are nobody's.
///
/// Values, and no patterns: what is let pass is what somebody wrote down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Allow {
    /// Values that documentation prints for all to use: test cards, addresses at `example.org`, numbers like 555-0100, and the like.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub published: bool,
    /// The guard's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<AllowedValue>,
}

/// One value that is let pass, or its digest where the value itself should stand nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllowedValue {
    /// What it may be found as: `pii`, `secret`, `custom` or what is below one of them.
    pub category: Category,
    /// The value; of e-mail addresses also `@example.org`, for all of a domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The SHA-256 of the value in the form in which values are compared, as `cordon digest` prints it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
}

/// An [`Allow`] made ready for looking values up in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList {
    published: bool,
    values: HashMap<(Form, String), Vec<Category>>,
    digests: HashMap<Digest, Vec<Category>>,
}

/// How two writings of a value are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Form {
    /// As it is written: keys, and what guards name themselves.
    Exact,
    /// In lower case, white space as one space: names, addresses, dates, and all whose signs tell numbers apart.
    Words,
    /// In lower case, letters, digits and `+` alone: numbers that people write in groups.
    Groups,
}

/// The kinds of personal data that are words, or numbers in which signs and spaces mean something.
const WORDS: [&str; 15] = [
    "address",
    "age",
    "birth_date",
    "coordinates",
    "date",
    "device",
    "email",
    "ip",
    "organisation",
    "person",
    "place",
    "postcode",
    "url",
    "vehicle",
    "crypto",
];

/// What values are found as.
const FAMILIES: [Category; 3] =
    [Category::known("pii"), Category::known("secret"), Category::known("custom")];
const PII: Category = Category::known("pii");
const EMAIL: Category = Category::known("pii/email");

impl Form {
    /// How values of this category are compared.
    pub(super) fn of(category: &Category) -> Self {
        match category.as_str().strip_prefix("pii/") {
            Some(rest) if WORDS.contains(&rest.split('/').next().unwrap_or(rest)) => Self::Words,
            Some(_) => Self::Groups,
            None if *category == PII => Self::Words,
            None => Self::Exact,
        }
    }

    pub(super) fn write(self, text: &str) -> String {
        match self {
            Self::Exact => text.trim().to_owned(),
            Self::Words => {
                let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
                words.join(" ")
            }
            Self::Groups => {
                let kept = text.chars().filter(|c| c.is_alphanumeric() || *c == '+');
                kept.flat_map(char::to_lowercase).collect()
            }
        }
    }
}

impl AllowedValue {
    /// The form in which a value that is found as this is compared: its SHA-256 is what `sha256` expects. None where no value of the
    /// category is compared in one form only.
    ///
    /// ```
    /// use cordon_core::{Category, resource::AllowedValue};
    /// let form = |category, text| AllowedValue::form(&Category::known(category), text);
    /// assert_eq!(form("pii/card", "4111 1111-1111 1111").as_deref(), Some("4111111111111111"));
    /// assert_eq!(form("secret", "aB-c \n").as_deref(), Some("aB-c"));
    /// assert_eq!(form("pii", "4111 1111"), None);
    /// assert_eq!(form("file", "a.pdf"), None);
    /// ```
    pub fn form(category: &Category, text: &str) -> Option<String> {
        let is_value = FAMILIES.iter().any(|family| family.covers(category));
        (is_value && *category != PII).then(|| Form::of(category).write(text))
    }

    fn problem(&self) -> Option<(&'static str, &'static str)> {
        if !FAMILIES.iter().any(|family| family.covers(&self.category)) {
            let help =
                "only values are let pass; help: `pii`, `secret`, `custom` or what is below one of them";
            return Some(("category", help));
        }
        match (&self.value, &self.sha256) {
            (Some(value), None) if value.len() > MAX_VALUE => Some(("value", "at most 1,024 bytes")),
            (Some(value), None) if !value.chars().any(char::is_alphanumeric) => {
                Some(("value", "a value has a letter or a digit"))
            }
            (Some(_), None) => None,
            (None, Some(_)) if self.category == PII => {
                Some(("category", "a digest is of one kind of value; help: say which, such as `pii/card`"))
            }
            (None, Some(_)) => None,
            _ => Some(("", "either `value` or `sha256` is expected")),
        }
    }
}

impl Allow {
    /// What is wrong with it, each with its path.
    pub(super) fn problems(&self) -> Vec<(String, &'static str)> {
        if self.values.len() > MAX_VALUES {
            return vec![("allow/values".to_owned(), "at most 1,024 values")];
        }
        let values = self.values.iter().enumerate();
        let found = values.filter_map(|(i, one)| {
            let (path, message) = one.problem()?;
            Some((format!("allow/values/{i}/{path}").trim_end_matches('/').to_owned(), message))
        });
        found.collect()
    }
}

impl AllowList {
    /// Makes a list ready.
    pub fn new(allow: &Allow) -> Self {
        let mut list = Self { published: allow.published, ..Self::default() };
        for AllowedValue { category, value, sha256 } in &allow.values {
            if let Some(value) = value {
                // All that is personal data: each kind has its form.
                let forms: &[Form] =
                    if *category == PII { &[Form::Words, Form::Groups] } else { &[Form::of(category)] };
                for form in forms {
                    let written = form.write(value);
                    if !written.is_empty() {
                        list.values.entry((*form, written)).or_default().push(category.clone());
                    }
                }
            }
            if let Some(digest) = sha256 {
                list.digests.entry(*digest).or_default().push(category.clone());
            }
        }
        list
    }

    /// Whether a value that was found as this category is on the list. Only values are: no finding of anything else ever is.
    pub fn contains(&self, category: &Category, text: &str) -> bool {
        if text.len() > MAX_VALUE.saturating_mul(4) || !FAMILIES.iter().any(|family| family.covers(category))
        {
            return false;
        }
        let form = Form::of(category);
        let written = form.write(text);
        if written.is_empty() {
            return false;
        }
        if self.published && published::is_published(category, text, &written) {
            return true;
        }
        let domain = if EMAIL.covers(category) { written.rfind('@') } else { None };
        let domain = domain.and_then(|at| written.get(at..)).map(ToOwned::to_owned);
        let meant = |categories: &Vec<Category>| categories.iter().any(|own| own.covers(category));
        [Some(written), domain].into_iter().flatten().any(|written| {
            let digest = (!self.digests.is_empty()).then(|| Digest::sha256(written.as_bytes()));
            digest.and_then(|digest| self.digests.get(&digest)).is_some_and(meant)
                || self.values.get(&(form, written)).is_some_and(meant)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn list(values: &Value) -> AllowList {
        let allow: Allow = serde_json::from_value(json!({"values": values})).unwrap();
        assert_eq!(allow.problems(), []);
        AllowList::new(&allow)
    }

    #[test]
    fn values_are_compared_in_the_form_of_their_kind() {
        let has = |list: &AllowList, category, text| list.contains(&Category::known(category), text);
        let card = list(&json!([{"category": "pii/card", "value": "4111 1111 1111 1111"}]));
        for text in ["4111111111111111", "4111-1111-1111-1111", "4111 1111\n1111 1111"] {
            assert!(has(&card, "pii/card", text), "{text}");
        }
        assert!(!has(&card, "pii/phone", "4111111111111111"), "another kind");
        assert!(!has(&card, "pii/card", "4111111111111112"));
        let any = list(&json!([{"category": "pii", "value": "078-05-1120"}]));
        assert!(has(&any, "pii/ssn", "078 05 1120") && has(&any, "pii/phone", "078051120"));
        let secret = list(&json!([{"category": "secret", "value": "aB-c"}]));
        assert!(has(&secret, "secret/generic", "aB-c"));
        assert!(!has(&secret, "secret/generic", "ab-c") && !has(&secret, "secret/generic", "aBc"));
        // What is told apart by signs stays apart.
        let ip = list(&json!([{"category": "pii", "value": "10.1.11.1"}]));
        assert!(has(&ip, "pii/ip", "10.1.11.1") && !has(&ip, "pii/ip", "10.11.1.1"));
        let domain = list(&json!([{"category": "pii/email", "value": "@Example.org"}]));
        assert!(has(&domain, "pii/email", "Ana.B@example.ORG"));
        assert!(!has(&domain, "pii/email", "ana@example.org.evil.example"));
        assert!(!has(&domain, "pii/email", "ana@sub.example.org"));
    }

    #[test]
    fn what_is_no_value_is_on_no_list() {
        let allow = json!({"published": true, "values": [{"category": "custom", "value": "x1"}]});
        let list = AllowList::new(&serde_json::from_value(allow).unwrap());
        assert!(list.contains(&Category::known("custom/badge"), "x1"));
        for category in
            ["prompt_injection", "prompt_injection/override", "file/bomb", "leak", "customs", "egress"]
        {
            assert!(!list.contains(&Category::known(category), "x1"), "{category}");
        }
    }

    #[test]
    fn a_list_that_could_not_be_meant_is_refused() {
        let problems = |value: Value| {
            let allow: Allow = serde_json::from_value(json!({"values": [value]})).unwrap();
            allow.problems().into_iter().map(|(path, _)| path).collect::<Vec<_>>()
        };
        let digest = Digest::sha256(b"x").to_string();
        assert_eq!(problems(json!({"category": "file", "value": "x"})), ["allow/values/0/category"]);
        assert_eq!(problems(json!({"category": "pii", "sha256": digest})), ["allow/values/0/category"]);
        assert_eq!(problems(json!({"category": "pii"})), ["allow/values/0"]);
        assert_eq!(problems(json!({"category": "pii", "value": "x", "sha256": digest})), ["allow/values/0"]);
        assert_eq!(problems(json!({"category": "pii", "value": " - "})), ["allow/values/0/value"]);
        assert_eq!(
            problems(json!({"category": "secret", "value": "x".repeat(1025)})),
            ["allow/values/0/value"]
        );
        let many = Allow { values: vec![], ..Allow::default() };
        let one = AllowedValue { category: PII, value: Some("x".to_owned()), sha256: None };
        assert_eq!(Allow { values: vec![one; 1025], ..many }.problems().len(), 1);
    }

    proptest! {
        /// A digest lets pass what its value would, and nothing else.
        #[test]
        fn a_digest_stands_for_its_value(
            category in prop::sample::select(vec!["pii/card", "pii/ip", "pii/email", "secret/generic", "custom/badge"]),
            value in "[ -~]{1,24}",
            other in "[ -~]{1,24}",
        ) {
            prop_assume!(value.chars().any(char::is_alphanumeric));
            let category = Category::known(category);
            let form = AllowedValue::form(&category, &value).unwrap();
            let one = |value, sha256| AllowList::new(&Allow {
                values: vec![AllowedValue { category: category.clone(), value, sha256 }],
                ..Allow::default()
            });
            let plain = one(Some(value.clone()), None);
            let digest = one(None, Some(Digest::sha256(form.as_bytes())));
            for text in [&value, &other] {
                prop_assert_eq!(plain.contains(&category, text), digest.contains(&category, text));
            }
            prop_assert!(plain.contains(&category, &value));
        }
    }
}
