use std::sync::Arc;

use cordon_core::{Category, Channel, Digest, Finding, resource::SentValues};

use crate::detector::{self, DetectorInfo};
use crate::evidence::Rules;
use crate::judge::{self, Judge};
use crate::lexicon;
use crate::names;
use crate::noise;
use crate::pii;
use crate::plain::PlainWords;
use crate::policy;
use crate::scanner::Scanner;
use crate::secret::Tokens;
use crate::template::Templates;
use crate::training::Window;
use crate::view::Nesting;
use crate::weights::{self, Weights};

/// The compiled detectors. Cloning is cheap: clones share everything.
#[derive(Clone, Debug)]
pub struct Engine(Arc<Tables>);

/// What all scanners of an engine share.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) rules: Rules,
    pub(crate) plain: PlainWords,
    pub(crate) identifiers: pii::Table,
    pub(crate) tokens: Tokens,
    pub(crate) templates: Templates,
    pub(crate) weights: Weights,
    pub(crate) judge: Judge,
    pub(crate) noise: noise::weights::Weights,
    pub(crate) names: names::Model,
    pub(crate) policy: policy::Model,
    pub(crate) policy_words: policy::Vocabulary,
    detectors: Vec<DetectorInfo>,
    digest: Digest,
}

impl Engine {
    /// What only a scanner [with names](Scanner::with_names) finds.
    pub const NAMES: [Category; 4] = names::CATEGORIES;

    /// The families that only a scanner [with policies](Scanner::with_policies) finds.
    pub const POLICIES: [Category; 2] = policy::FAMILIES;

    /// Compiles the built-in rules; once per process is enough.
    pub fn builtin() -> Self {
        Self::of(names::Model::builtin(), names::FILE)
    }

    /// The same with another tagger of names, which was read from this file.
    pub(crate) fn of(names: names::Model, file: &[u8]) -> Self {
        let detectors = detector::table();
        let (rules, tokens, templates) = (Rules::builtin(), Tokens::builtin(), Templates::builtin());
        let mut text = String::new();
        for detector in &detectors {
            text.push_str(&format!("{} {} {:?}\n", detector.name, detector.version, detector.categories));
        }
        text.push_str(&format!("views {}\n", crate::view::VERSION));
        lexicon::TEXTS.iter().for_each(|list| text.push_str(list));
        text.push_str(&Tokens::describe());
        text.push_str(&pii::Table::describe());
        text.push_str(&pii::phones());
        text.push_str(&Templates::describe());
        text.push_str(&Digest::sha256(weights::FILE).to_string());
        text.push_str(&Digest::sha256(judge::FILE).to_string());
        text.push_str(&Digest::sha256(noise::weights::FILE).to_string());
        text.push_str(&Digest::sha256(file).to_string());
        text.push_str(&Digest::sha256(policy::FILE).to_string());
        text.push_str(policy::TEXT);
        text.push_str(policy::ASKED);
        Self(Arc::new(Tables {
            plain: PlainWords::new(&rules),
            rules,
            identifiers: pii::Table::builtin(),
            tokens,
            templates,
            weights: Weights::builtin(),
            judge: Judge::builtin(),
            noise: noise::weights::Weights::builtin(),
            names,
            policy: policy::Model::builtin(),
            policy_words: policy::Vocabulary::builtin(),
            detectors,
            digest: Digest::sha256(text.as_bytes()),
        }))
    }

    /// The digest of rules, weights and detector versions: equal digests give equal findings.
    pub fn rules_digest(&self) -> Digest {
        self.0.digest
    }

    /// Every detector, with what it promises.
    pub fn detectors(&self) -> &[DetectorInfo] {
        &self.0.detectors
    }

    /// A scanner for one text of this channel. Findings of the categories that `holds` covers are reported before any
    /// byte of theirs is settled; others are reported too, maybe after their bytes were settled.
    pub fn scanner(&self, channel: Channel, holds: &[Category]) -> Scanner {
        Scanner::new(Arc::clone(&self.0), channel, holds, Nesting::default())
    }

    /// The findings of a whole text, sorted by start, end and category: exactly those of a scanner fed one chunk.
    pub fn inspect(&self, channel: Channel, text: &str) -> Vec<Finding> {
        self.read(self.scanner(channel, &[]), text)
    }

    /// What the model of injection judges, as [`crate::training::windows`] says.
    pub(crate) fn windows(&self, channel: Channel, text: &str) -> Vec<Window> {
        let mut scanner = self.scanner(channel, &[]).noting();
        scanner.push(text);
        scanner.finish();
        scanner.noted()
    }

    /// What the model of noise judges in what somebody writes, with these words known.
    pub(crate) fn noise_windows(&self, known: &noise::shape::Known, text: &str) -> Vec<noise::Window> {
        let mut scanner = self.scanner(Channel::User, &[]).noting_noise(known.clone());
        scanner.push(text);
        scanner.finish();
        scanner.noted_noise()
    }

    pub(crate) fn tables(&self) -> Arc<Tables> {
        Arc::clone(&self.0)
    }

    /// What a scanner of this engine that has read nothing yet finds in a whole text, in that order.
    pub fn read(&self, scanner: Scanner, text: &str) -> Vec<Finding> {
        self.read_values(scanner, text).0
    }

    /// The same, with the values that were found, where the scanner is asked [for them](Scanner::with_values).
    pub fn read_values(&self, mut scanner: Scanner, text: &str) -> (Vec<Finding>, SentValues) {
        let mut findings = scanner.push(text).findings;
        findings.append(&mut scanner.finish().findings);
        findings.sort_by(|a, b| (a.span, &a.category, a.detector).cmp(&(b.span, &b.category, b.detector)));
        (findings, scanner.take_values())
    }
}
