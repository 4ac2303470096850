//! Secrets and personal data: which labelled values are covered, and which findings touch one.

use std::{collections::BTreeMap, sync::Arc};

use cordon_core::{Action, Category};
use cordon_guard::Ruled;
use cordon_inspect::Engine;
use serde::Serialize;

use super::{
    Label, Rate, Row, acts,
    row::{Known, Marked},
};

const PII: Category = Category::known("pii");
const SECRET: Category = Category::known("secret");

/// Names of types that labelled data uses (those of Presidio), and what they are here. A type that is a category itself needs none.
const TYPES: [(&str, &str); 16] = [
    ("CREDIT_CARD", "pii/card"),
    ("IBAN_CODE", "pii/iban"),
    ("EMAIL_ADDRESS", "pii/email"),
    ("PHONE_NUMBER", "pii/phone"),
    ("US_SSN", "pii/ssn"),
    ("IP_ADDRESS", "pii/ip"),
    ("CRYPTO", "pii/crypto"),
    ("US_DRIVER_LICENSE", "pii/licence"),
    ("AGE", "pii/age"),
    ("ZIP_CODE", "pii/postcode"),
    ("PERSON", "pii/person"),
    ("ORGANIZATION", "pii/organisation"),
    ("GPE", "pii/place"),
    ("LOCATION", "pii/place"),
    ("STREET_ADDRESS", "pii/address"),
    ("ADDRESS", "pii/address"),
];

/// What is known of values so far.
#[derive(Debug, Default)]
pub(super) struct Values {
    /// By source, category, and whether what finds it was trained on the texts.
    types: BTreeMap<(Arc<str>, Category, bool), Type>,
    secrets: BTreeMap<Arc<str>, Secrets>,
    /// Benign texts by source, and those in which the guard acts on a secret, or on personal data.
    benign: BTreeMap<Arc<str>, [u64; 3]>,
    /// Labelled values of types that are no category.
    pub(super) unknown: BTreeMap<String, u64>,
    /// The categories that nothing looks for.
    pub(super) unsought: Vec<Category>,
}

/// Covered and missed values, those that nothing looks for, findings that touch one and that do not.
#[derive(Debug, Default)]
struct Type {
    covered: u64,
    missed: u64,
    unsought: u64,
    right: u64,
    wrong: u64,
}

#[derive(Debug, Default)]
struct Secrets {
    positives: u64,
    covered: u64,
    flagged: u64,
    negatives: u64,
    near_misses: u64,
}

/// One category of personal data in one source.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct TypeRates {
    pub(crate) source: String,
    pub(crate) category: Category,
    /// Labelled values in texts that the model of the category was trained on: all of the row's, or none.
    pub(crate) trained_on: u64,
    /// Labelled values of a category that nothing looks for: they are neither found nor missed.
    #[serde(skip_serializing_if = "is_none")]
    pub(crate) not_looked_for: u64,
    /// Labelled values that findings cover whole.
    pub(crate) recall: Rate,
    /// Findings that touch a labelled value of their type.
    pub(crate) precision: Rate,
}

/// Secrets, or what a guard takes for values in texts without labels for them, of one source.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct SecretRates {
    pub(crate) source: String,
    /// Texts with a secret of which at least half of a labelled value is covered.
    pub(crate) covered: Rate,
    /// Texts with a secret in which anything is found.
    pub(crate) flagged: Rate,
    /// Texts with what only looks like a secret in which one is found.
    pub(crate) near_misses: Rate,
}

/// What the guard acts on in benign texts of one source. What is really there counts, too.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct BenignRates {
    pub(crate) source: String,
    pub(crate) secret: Rate,
    pub(crate) pii: Rate,
}

impl Values {
    /// A text that is labelled for values.
    pub(super) fn add(&mut self, row: &Row, source: &Arc<str>, found: &[Ruled]) {
        if row.kind.starts_with("secret") {
            self.secret(row, source, found);
        } else {
            self.personal(row, source, found);
        }
    }

    /// A benign text that is not labelled for values.
    pub(super) fn benign(&mut self, source: &Arc<str>, found: &[Ruled]) {
        let [texts, secrets, pii] = self.benign.entry(Arc::clone(source)).or_default();
        *texts += 1;
        *secrets += u64::from(acts(found, &SECRET));
        *pii += u64::from(acts(found, &PII));
    }

    fn secret(&mut self, row: &Row, source: &Arc<str>, found: &[Ruled]) {
        let counts = self.secrets.entry(Arc::clone(source)).or_default();
        let flagged = acts(found, &SECRET);
        if row.label == Label::Positive {
            let half = |span: &Marked| covered(found, &SECRET, span) * 2 >= span.end - span.start;
            counts.positives += 1;
            counts.flagged += u64::from(flagged);
            counts.covered += u64::from(flagged && (row.spans.is_empty() || row.spans.iter().any(half)));
        } else {
            counts.negatives += 1;
            counts.near_misses += u64::from(flagged);
        }
    }

    fn personal(&mut self, row: &Row, source: &Arc<str>, found: &[Ruled]) {
        let spans: Vec<(Option<Category>, &Marked)> =
            row.spans.iter().map(|span| (category(&span.kind), span)).collect();
        // Names are found by a model, all else by rules.
        let key = |category: Category| {
            let trained_on = row.known != Known::New && Engine::NAMES.contains(&category);
            (Arc::clone(source), category, trained_on)
        };
        for (category, span) in &spans {
            let Some(category) = category else {
                *self.unknown.entry(span.kind.clone()).or_default() += 1;
                continue;
            };
            let counts = self.types.entry(key(category.clone())).or_default();
            if covered(found, category, span) == span.end - span.start {
                counts.covered += 1;
            } else if self.unsought.contains(category) {
                counts.unsought += 1;
            } else {
                counts.missed += 1;
            }
        }
        for finding in acted(found).filter(|finding| PII.covers(&finding.category)) {
            let touched = spans.iter().find_map(|(category, span)| {
                let touches = finding.span.start < span.end && span.start < finding.span.end;
                category.as_ref().filter(|category| touches && category.covers(&finding.category))
            });
            let type_of = touched.cloned().unwrap_or_else(|| broad(&finding.category));
            let counts = self.types.entry(key(type_of)).or_default();
            if touched.is_some() {
                counts.right += 1;
            } else {
                counts.wrong += 1;
            }
        }
    }

    pub(super) fn types(&self) -> Vec<TypeRates> {
        // Types that the data does not label, only say that they are not labelled.
        let labelled =
            self.types.iter().filter(|(_, counts)| counts.covered + counts.missed + counts.unsought > 0);
        labelled
            .map(|((source, category, trained_on), counts)| TypeRates {
                source: source.to_string(),
                category: category.clone(),
                trained_on: if *trained_on { counts.covered + counts.missed + counts.unsought } else { 0 },
                not_looked_for: counts.unsought,
                recall: Rate::counted(counts.covered, counts.missed),
                precision: Rate::counted(counts.right, counts.wrong),
            })
            .collect()
    }

    pub(super) fn secrets(&self) -> Vec<SecretRates> {
        let rates = self.secrets.iter().map(|(source, counts)| SecretRates {
            source: source.to_string(),
            covered: Rate::counted(counts.covered, counts.positives - counts.covered),
            flagged: Rate::counted(counts.flagged, counts.positives - counts.flagged),
            near_misses: Rate::counted(counts.near_misses, counts.negatives - counts.near_misses),
        });
        rates.collect()
    }

    pub(super) fn in_benign(&self) -> Vec<BenignRates> {
        let rates = self.benign.iter().map(|(source, [texts, secrets, pii])| BenignRates {
            source: source.to_string(),
            secret: Rate::counted(*secrets, texts - secrets),
            pii: Rate::counted(*pii, texts - pii),
        });
        rates.collect()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_none(count: &u64) -> bool {
    *count == 0
}

/// What a type of labelled data is here.
fn category(kind: &str) -> Option<Category> {
    match TYPES.iter().find(|(name, _)| *name == kind) {
        Some((_, path)) => Some(Category::known(path)),
        None => Category::parse(kind).ok().filter(|category| PII.covers(category)),
    }
}

/// The type that labelled data gives to what is found: one category of a licence here is any licence there.
fn broad(found: &Category) -> Category {
    let mut types = TYPES.iter().map(|(_, path)| Category::known(path));
    types.find(|category| category.covers(found)).unwrap_or_else(|| found.clone())
}

/// The findings that the guard acts on, or would.
fn acted(found: &[Ruled]) -> impl Iterator<Item = &cordon_core::Finding> {
    found.iter().filter(|ruled| ruled.ruling.would > Action::Allow).map(|ruled| &ruled.finding)
}

/// How many bytes of a value findings of this family cover.
fn covered(found: &[Ruled], family: &Category, value: &Marked) -> usize {
    let mut spans: Vec<(usize, usize)> = acted(found)
        .filter(|finding| family.covers(&finding.category))
        .map(|finding| (finding.span.start.max(value.start), finding.span.end.min(value.end)))
        .filter(|(start, end)| start < end)
        .collect();
    spans.sort_unstable();
    let (mut bytes, mut at) = (0, value.start);
    for (start, end) in spans {
        bytes += end.saturating_sub(start.max(at));
        at = at.max(end);
    }
    bytes
}
