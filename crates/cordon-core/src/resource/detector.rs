use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Breaker, SecretRef, WhenUnavailable, check::base_url_problem};
use crate::{Category, Channel, DurationMs, Name, Score, Sealed};

/// How a detector elsewhere is asked, and how its answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Adapter {
    /// Cordon's own: a text in, categories with offsets in bytes out. `/detect` below the base URL.
    Cordon,
    /// Lakera Guard, version 2. `/guard` below the base URL, which ends in `/v2`.
    Lakera,
    /// A transformer classifier that runs in this process, from `folder`. Nobody else is asked.
    Model,
    /// No detector of texts: a service that reads what stands in pictures. `/read` below the base URL.
    Ocr,
    /// OpenAI's moderation endpoint, and everything that speaks it. `/moderations` below the base URL.
    OpenaiModeration,
    /// Presidio's analyzer. `/analyze` below the base URL.
    Presidio,
}

/// What becomes of a text that is longer than the detector takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Longer {
    /// It is sent in pieces that overlap, so that what lies across a border stands whole in one of them.
    #[default]
    Windows,
    /// It is not sent, and the detector counts as unavailable for it.
    Unavailable,
}

/// What must have been found in a text before a detector is asked about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnlyWhere {
    /// What it must be, or something below it.
    pub category: Category,
    /// The least score that it must have.
    pub at: Score,
}

/// A text in which a detector must find something, whenever it is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SelfTest {
    /// The text: one that is made up, and nobody's data. None with `adapter: ocr`, which is sent a picture of the gateway's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// What must be found in it, or something below it. None with `adapter: ocr`.
    #[serde(default = "unsaid", skip_serializing_if = "is_unsaid")]
    pub category: Category,
    /// How often it is asked again, besides at each start and change. Default 60s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<DurationMs>,
}

/// A detector beside those that are built in: asked over HTTP, or a model that runs in this process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DetectorSpec {
    /// How it is asked.
    pub adapter: Adapter,
    /// Where its API begins, such as `https://detector.example.com/v1`; not with `adapter: model`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub base_url: String,
    /// The folder of its model below `models` in the data folder, with `adapter: model`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<Name>,
    /// Where its key lies; absent for one without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretRef>,
    /// Whether it may have loopback and private addresses, and be reached without TLS.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private_network: bool,
    /// What findings name as its version: to be raised whenever what is behind the address changes.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub version: u16,
    /// The channels whose texts it is sent; absent: all.
    #[serde(default = "Channel::every", skip_serializing_if = "Channel::are_all")]
    pub channels: Vec<Channel>,
    /// Only texts in which what is built in finds this; absent: every text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_where: Option<OnlyWhere>,
    /// What it may report: its own word for each category, and ours. What has no line here is no answer. None with `adapter: ocr`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub categories: BTreeMap<String, Category>,
    /// The model that is asked for, with `adapter: openai_moderation`; absent: the one that its service chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The language of the texts, with `adapter: presidio`. Default `en`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The project whose policy holds, with `adapter: lakera`; absent: the account's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// What shows that it works.
    #[serde(default, skip_serializing_if = "SelfTest::is_unsaid")]
    pub self_test: SelfTest,
    /// The most that a call waits for it, all its texts together. Default 1s, with `adapter: ocr` 5s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<DurationMs>,
    /// The longest text that is sent at once, in bytes. Default 16,384; with `adapter: ocr` the largest picture, 4 MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u32>,
    /// What becomes of a longer one.
    #[serde(default, skip_serializing_if = "Longer::is_windows")]
    pub longer: Longer,
    /// What becomes of a call that it says nothing of. Default `refuse`.
    #[serde(default, skip_serializing_if = "WhenUnavailable::is_refuse")]
    pub when_unavailable: WhenUnavailable,
    /// When it is left alone, and how it comes back.
    #[serde(default, skip_serializing_if = "Breaker::is_default")]
    pub breaker: Breaker,
}

/// What a call waits at most.
const DEADLINES: std::ops::RangeInclusive<u64> = 10..=30_000;
/// The largest picture that may be sent.
const PICTURES: std::ops::RangeInclusive<u32> = 256..=16 << 20;
/// What is sent at once.
const SIZES: std::ops::RangeInclusive<u32> = 256..=1 << 20;
/// How often it is tested again.
const TESTS: std::ops::RangeInclusive<u64> = 5_000..=86_400_000;
/// The longest text of a self-test.
const MAX_TEST: usize = 1024;
/// Names that findings have which no detector of texts made.
const RESERVED: [&str; 11] = [
    "abuse",
    "citation",
    "file",
    "format",
    "grounding",
    "language",
    "length",
    "mode",
    "signature",
    "tool",
    "unseen",
];

const fn first() -> u16 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it")]
const fn is_first(version: &u16) -> bool {
    *version == 1
}

/// What a self-test says that names no category: above nothing that is found.
fn unsaid() -> Category {
    UNSAID
}

const UNSAID: Category = Category::known("unsaid");

fn is_unsaid(category: &Category) -> bool {
    *category == UNSAID
}

impl Default for SelfTest {
    fn default() -> Self {
        Self { text: String::new(), category: UNSAID, every: None }
    }
}

impl SelfTest {
    fn is_unsaid(&self) -> bool {
        *self == Self::default()
    }
}

impl Longer {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it")]
    fn is_windows(&self) -> bool {
        *self == Self::Windows
    }
}

impl Adapter {
    /// The word for tables and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cordon => "cordon",
            Self::Lakera => "lakera",
            Self::Model => "model",
            Self::Ocr => "ocr",
            Self::OpenaiModeration => "openai_moderation",
            Self::Presidio => "presidio",
        }
    }
}

impl DetectorSpec {
    /// The most that a call waits for it.
    pub const fn deadline(&self) -> DurationMs {
        match self.deadline {
            Some(deadline) => deadline,
            None if matches!(self.adapter, Adapter::Ocr) => DurationMs::from_secs(5),
            None => DurationMs::from_secs(1),
        }
    }

    /// The longest text that is sent at once, in bytes.
    pub const fn max_bytes(&self) -> u32 {
        match self.max_bytes {
            Some(bytes) => bytes,
            None if matches!(self.adapter, Adapter::Ocr) => 4 << 20,
            None => 16_384,
        }
    }

    /// How often it is tested again.
    pub const fn tested_every(&self) -> DurationMs {
        match self.self_test.every {
            Some(every) => every,
            None => DurationMs::from_secs(60),
        }
    }

    /// What is wrong with it by itself, each with its path below the spec.
    pub(super) fn problems(&self) -> Vec<(&'static str, &'static str)> {
        let mut found = Vec::new();
        found.extend(self.problem_of_place());
        if self.version == 0 {
            found.push(("version", "1 or more is expected"));
        }
        if self.channels.is_empty() {
            found.push(("channels", "no channel; help: leave it out to mean all"));
        }
        let plain =
            |word: &String| (1..=64).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_graphic());
        if self.adapter == Adapter::Ocr {
            self.problems_of_reader(&mut found);
            return found;
        }
        if self.categories.is_empty() || self.categories.len() > 256 || !self.categories.keys().all(plain) {
            found.push((
                "categories",
                "1 to 256 lines are expected, the detector's word for each 1 to 64 bytes of printable ASCII",
            ));
        }
        let own = [
            ("model", &self.model, Adapter::OpenaiModeration, "only with `adapter: openai_moderation`"),
            ("language", &self.language, Adapter::Presidio, "only with `adapter: presidio`"),
            ("project", &self.project, Adapter::Lakera, "only with `adapter: lakera`"),
        ];
        for (path, word, adapter, message) in own {
            match word {
                Some(_) if self.adapter != adapter => found.push((path, message)),
                Some(word) if !plain(word) => {
                    found.push((path, "1 to 64 bytes of printable ASCII are expected"));
                }
                _ => {}
            }
        }
        let test = &self.self_test;
        if test.text.is_empty() || test.text.len() > MAX_TEST || test.text.len() > self.max_bytes() as usize {
            found.push(("self_test/text", "1 to 1,024 bytes are expected, and no more than `max_bytes`"));
        }
        if !self.categories.values().any(|category| test.category.covers(category)) {
            found.push((
                "self_test/category",
                "none of `categories`, nor above one; help: name what it must find",
            ));
        }
        if !TESTS.contains(&self.tested_every().as_millis()) {
            found.push(("self_test/every", "5s to 1d is expected"));
        }
        if !DEADLINES.contains(&self.deadline().as_millis()) {
            found.push(("deadline", "10ms to 30s is expected"));
        }
        if !SIZES.contains(&self.max_bytes()) {
            found.push(("max_bytes", "256 to 1,048,576 is expected"));
        }
        found.extend(self.breaker.problems());
        found
    }

    /// What is wrong with where it is.
    fn problem_of_place(&self) -> Option<(&'static str, &'static str)> {
        if self.adapter != Adapter::Model {
            if self.folder.is_some() {
                return Some(("folder", "only with `adapter: model`"));
            }
            return base_url_problem(&self.base_url, self.private_network)
                .map(|message| ("base_url", message));
        }
        match (&self.folder, &self.secret, self.private_network) {
            _ if !self.base_url.is_empty() => {
                Some(("base_url", "not with `adapter: model`, which asks nobody"))
            }
            (None, ..) => {
                Some(("folder", "missing; help: with `adapter: model`, the name of the model's folder"))
            }
            (_, Some(_), _) => Some(("secret", "not with `adapter: model`, which asks nobody")),
            (_, _, true) => Some(("private_network", "not with `adapter: model`, which asks nobody")),
            _ => None,
        }
    }

    /// What is wrong with one that reads pictures: it finds nothing itself, and what it is tested with is drawn by the gateway.
    fn problems_of_reader(&self, found: &mut Vec<(&'static str, &'static str)>) {
        let nothing = [
            ("categories", self.categories.is_empty()),
            ("model", self.model.is_none()),
            ("language", self.language.is_none()),
            ("project", self.project.is_none()),
            ("only_where", self.only_where.is_none()),
            ("longer", self.longer == Longer::Windows),
            ("self_test/text", self.self_test.text.is_empty()),
            ("self_test/category", is_unsaid(&self.self_test.category)),
        ];
        let message = "not with `adapter: ocr`, which only reads; help: leave it out";
        found
            .extend(nothing.into_iter().filter(|(_, is_unsaid)| !is_unsaid).map(|(path, _)| (path, message)));
        if !TESTS.contains(&self.tested_every().as_millis()) {
            found.push(("self_test/every", "5s to 1d is expected"));
        }
        if !DEADLINES.contains(&self.deadline().as_millis()) {
            found.push(("deadline", "10ms to 30s is expected"));
        }
        if !PICTURES.contains(&self.max_bytes()) {
            found.push(("max_bytes", "256 to 16,777,216 is expected"));
        }
        found.extend(self.breaker.problems());
    }

    /// What is wrong with its name: findings and quarantines tell detectors apart by it.
    pub(super) fn problem_of_name(name: &Name) -> Option<&'static str> {
        (name.as_str().contains('.') || RESERVED.contains(&name.as_str()))
            .then_some("names with a dot, and a few words, are of what is built in; help: choose another one")
    }

    #[expect(clippy::unused_self, reason = "every spec has it")]
    pub(super) const fn sealed_fields(&mut self) -> Vec<(String, &mut Sealed<String>)> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{
        Name,
        resource::{Kind, Resource},
    };

    fn problems(name: &str, change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut spec = json!({
            "adapter": "cordon", "base_url": "https://detector.example.com/v1",
            "categories": {"insult": "toxicity/insult"},
            "self_test": {"text": "you fool", "category": "toxicity"},
        });
        change(&mut spec);
        let resource =
            Resource { name: Name::parse(name).unwrap(), spec: Kind::Detector.read(spec).unwrap() };
        resource.problems().into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        assert!(problems("insults", |_| {}).is_empty());
        for name in ["pii.card", "tool", "mode"] {
            assert_eq!(problems(name, |_| {}), ["/name"]);
        }
        for (path, value) in [
            ("base_url", json!("http://detector.example.com")),
            ("base_url", json!("https://user@detector.example.com")),
            ("version", json!(0)),
            ("channels", json!([])),
            ("deadline", json!("1ms")),
            ("deadline", json!("31s")),
            ("max_bytes", json!(255)),
            ("max_bytes", json!((1 << 20) + 1)),
        ] {
            assert_eq!(
                problems("a", |spec| spec[path] = value.clone()),
                [format!("/spec/{path}")],
                "{value}"
            );
        }
        assert_eq!(problems("a", |spec| spec["self_test"]["text"] = json!("")), ["/spec/self_test/text"]);
        assert_eq!(
            problems("a", |spec| spec["self_test"]["category"] = json!("pii")),
            ["/spec/self_test/category"]
        );
        assert_eq!(problems("a", |spec| spec["self_test"]["every"] = json!("1s")), ["/spec/self_test/every"]);
        for (word, adapter) in
            [("model", "openai_moderation"), ("language", "presidio"), ("project", "lakera")]
        {
            let of = |adapter: &str, value: &str| {
                problems("a", |spec| (spec["adapter"], spec[word]) = (json!(adapter), json!(value)))
            };
            assert!(of(adapter, "x").is_empty());
            assert_eq!(of(adapter, ""), [format!("/spec/{word}")]);
            assert_eq!(of("cordon", "x"), [format!("/spec/{word}")]);
        }
        let of_model = |change: Value| {
            problems("a", |spec| {
                (spec["adapter"], spec["folder"]) = (json!("model"), json!("prompt-guard"));
                spec.as_object_mut().unwrap().remove("base_url");
                for (key, value) in change.as_object().unwrap() {
                    spec[key] = value.clone();
                }
            })
        };
        assert!(of_model(json!({})).is_empty());
        assert_eq!(of_model(json!({"base_url": "https://detector.example.com"})), ["/spec/base_url"]);
        assert_eq!(of_model(json!({"folder": null})), ["/spec/folder"]);
        assert_eq!(of_model(json!({"secret": "env:KEY"})), ["/spec/secret"]);
        assert_eq!(of_model(json!({"private_network": true})), ["/spec/private_network"]);
        assert_eq!(problems("a", |spec| spec["folder"] = json!("b")), ["/spec/folder"]);
        assert_eq!(
            problems("a", |spec| drop(spec.as_object_mut().unwrap().remove("base_url"))),
            ["/spec/base_url"]
        );
        let reader = |change: Value| {
            let own = |spec: &mut Value| {
                *spec = json!({"adapter": "ocr", "base_url": "https://reader.example.com"});
                for (key, value) in change.as_object().unwrap() {
                    spec[key] = value.clone();
                }
            };
            problems("a", own)
        };
        assert!(reader(json!({})).is_empty());
        assert!(reader(json!({"max_bytes": 16 << 20, "self_test": {"every": "1h"}})).is_empty());
        for (change, path) in [
            (json!({"categories": {"a": "b"}}), "categories"),
            (json!({"longer": "unavailable"}), "longer"),
            (json!({"only_where": {"category": "pii", "at": 0.5}}), "only_where"),
            (json!({"self_test": {"text": "a"}}), "self_test/text"),
            (json!({"self_test": {"category": "pii"}}), "self_test/category"),
            (json!({"max_bytes": (16 << 20) + 1}), "max_bytes"),
            (json!({"deadline": "1ms"}), "deadline"),
        ] {
            assert_eq!(reader(change), [format!("/spec/{path}")]);
        }
        for word in ["", "über", "two words"] {
            let of_word = |spec: &mut Value| spec["categories"] = json!({word: "toxicity"});
            assert_eq!(problems("a", of_word), ["/spec/categories"], "{word}");
        }
    }
}
