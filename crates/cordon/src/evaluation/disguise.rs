//! The same texts once more, disguised: what is still caught of attacks, and whether benign texts raise alarms for their disguise alone.

use std::collections::BTreeMap;

use cordon_guard::Ruled;
use cordon_inspect::obfuscate::{Family, Obfuscation};
use serde::Serialize;

use super::{Evaluation, HARMFUL, INJECTION, Label, ORDINARY, Rate, Row, Side, Way, acts};

/// Texts of one disguise and side, plain and disguised.
#[derive(Clone, Copy, Debug, Default)]
struct Pairs {
    attacks: Caught,
    benign: Caught,
}

/// How many of them are caught.
#[derive(Clone, Copy, Debug, Default)]
struct Caught {
    of: u64,
    plain: u64,
    disguised: u64,
}

#[derive(Debug, Default)]
pub(super) struct Disguised(BTreeMap<(Obfuscation, Side), Pairs>);

/// What a disguise costs.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct DisguiseRates {
    pub(crate) obfuscation: &'static str,
    pub(crate) family: &'static str,
    pub(crate) side: Side,
    /// Of the attacks as they are.
    pub(crate) plain: Rate,
    /// Of the same attacks, disguised.
    pub(crate) disguised: Rate,
    /// Percentage points by which the first is above the second.
    pub(crate) lost_points: f64,
    /// False alarms of ordinary benign texts, disguised.
    pub(crate) benign: Rate,
}

impl Evaluation {
    /// Whether a text is one of those that are looked at disguised: attacks of injection, and ordinary benign texts, that no model was
    /// trained on unless those count, too. No training without a source has judged disguises.
    pub(crate) fn is_disguised(&self, row: &Row) -> bool {
        (self.with_trained || self.way(row) == Way::New)
            && match row.label {
                Label::Attack => row.kind != HARMFUL,
                Label::Benign => row.kind == ORDINARY,
                Label::Positive | Label::Negative => false,
            }
    }

    /// Takes what was found in a text as it is and disguised.
    pub(crate) fn disguised(&mut self, row: &Row, by: Obfuscation, plain: &[Ruled], disguised: &[Ruled]) {
        let pairs = self.disguised.0.entry((by, Side::of(row.channel))).or_default();
        let caught = if row.label == Label::Attack { &mut pairs.attacks } else { &mut pairs.benign };
        caught.of += 1;
        caught.plain += u64::from(acts(plain, &INJECTION));
        caught.disguised += u64::from(acts(disguised, &INJECTION));
    }

    pub(super) fn of_disguises(&self) -> Vec<DisguiseRates> {
        let rates = self.disguised.0.iter().map(|((by, side), pairs)| {
            let Pairs { attacks, benign } = pairs;
            let rate = |hits: u64, of: u64| Rate::counted(hits, of.saturating_sub(hits));
            let lost = attacks.plain as f64 - attacks.disguised as f64;
            DisguiseRates {
                obfuscation: by.name(),
                family: family(by.family()),
                side: *side,
                plain: rate(attacks.plain, attacks.of),
                disguised: rate(attacks.disguised, attacks.of),
                lost_points: 100.0 * lost / attacks.of.max(1) as f64,
                benign: rate(benign.disguised, benign.of),
            }
        });
        rates.collect()
    }
}

const fn family(family: Family) -> &'static str {
    match family {
        Family::Look => "look",
        Family::Hidden => "hidden",
        Family::Encoded => "encoded",
        Family::Cipher => "cipher",
        Family::Stacked => "stacked",
    }
}
