use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

use super::{RecordedGrounding, is_zero};
use crate::{Action, Category, Channel, Finding, Name, Score, resource::GuardScope, review::HeldId};

/// The most findings that one frame lists, as long as categories have more than one; more are counted in `findings_more`.
pub const MAX_FINDINGS: usize = 64;
/// The most findings that one frame lists, each of another category: more than there are categories.
const MAX_CATEGORIES: usize = 512;

/// The guard whose rule decided about a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecidingGuard {
    /// Its name; `built-in` is the baseline.
    pub name: Name,
    /// Of which layer it is, as its resource said when the call was made; absent: it is the built-in baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<GuardScope>,
}

/// Which detector saw what where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordedFinding {
    /// What it is about.
    pub category: Category,
    /// How sure.
    pub score: Score,
    /// First byte in the part.
    pub start: u64,
    /// One past the last byte in the part.
    pub end: u64,
    /// Where the content came from.
    pub channel: Channel,
    /// Which part of request or answer, such as `messages/2/content`. Never a name that the caller chose.
    pub part: String,
    /// The detector's name.
    pub detector: Cow<'static, str>,
    /// The detector's version.
    pub detector_version: u16,
    /// What was done about it.
    pub action: Action,
    /// What guards that only observe would have done.
    pub would: Action,
    /// Of a value in an answer: whether the caller sent it in the same call. Absent: it did not, or this was not looked for, as in records of
    /// earlier versions.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub known: bool,
    /// The guard whose rule asked for `action`: of several the first by name. Where no guard that acts asked for anything, the one that gave
    /// `would`. Absent where none has a rule for it, where something else decided (a tool's rule, the mode, a quarantine), and in records
    /// of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<DecidingGuard>,
}

/// Verdict over one direction of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordedVerdict {
    /// What was done.
    pub action: Action,
    /// What guards that only observe would have done.
    pub would: Action,
    /// What was found, scores below the thresholds too, strictest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<RecordedFinding>,
    /// How many findings were left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub findings_more: u64,
    /// Of an answer, how far its sources bear it out, where a guard asks for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grounding: Option<Box<RecordedGrounding>>,
    /// What was held of it, waiting for a review.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<HeldId>,
    /// The releases that let something in that would have been held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub released: Vec<HeldId>,
    /// The rejections that refused something that would have been held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<HeldId>,
}

impl RecordedFinding {
    /// What a record keeps of a finding.
    pub fn new(finding: &Finding, channel: Channel, part: String, action: Action, would: Action) -> Self {
        Self {
            category: finding.category.clone(),
            score: finding.score,
            start: finding.span.start as u64,
            end: finding.span.end as u64,
            channel,
            part,
            detector: Cow::Borrowed(finding.detector),
            detector_version: finding.detector_version,
            action,
            would,
            known: finding.listed.is_sent(),
            guard: None,
        }
    }

    /// The category as people are shown it: `pii/email`, and `pii/email (known)` of a value that the caller sent.
    pub fn shown(&self) -> String {
        if self.known { format!("{} (known)", self.category) } else { self.category.to_string() }
    }
}

/// `built-in`, or the name with the layer: `house (organisation)`, `risk (team lending)`.
impl fmt::Display for DecidingGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name.as_str())?;
        match &self.scope {
            None => Ok(()),
            Some(GuardScope::Organisation) => f.write_str(" (organisation)"),
            Some(GuardScope::Team(team)) => write!(f, " (team {team})"),
            Some(GuardScope::System(system)) => write!(f, " (system {system})"),
            Some(GuardScope::Route) => f.write_str(" (route)"),
        }
    }
}

impl RecordedVerdict {
    /// What reviews have to do with it: a word, and what was held.
    pub fn reviews(&self) -> impl Iterator<Item = (&'static str, HeldId)> {
        let of = |word, ids: &[HeldId]| ids.iter().map(move |id| (word, *id)).collect::<Vec<_>>();
        [of("held", &self.held), of("released", &self.released), of("rejected", &self.rejected)]
            .into_iter()
            .flatten()
    }

    /// Adds a finding, once: several phrases may end in the same one. The verdict only ever gets stricter. When there are too many, the
    /// strictest are kept, and of each category its strictest: whoever writes what is found does not choose what is not seen.
    pub fn add(&mut self, finding: RecordedFinding) {
        self.action = self.action.max(finding.action);
        self.would = self.would.max(finding.would);
        let rank = |f: &RecordedFinding| (f.action, f.would, f.score);
        let at = self.findings.partition_point(|known| rank(known) >= rank(&finding));
        let equals = self.findings.iter().take(at).rev().take_while(|known| rank(known) == rank(&finding));
        if equals.into_iter().any(|known| *known == finding) {
            return;
        }
        let count = self.findings.len();
        let of_category = |known: &RecordedFinding| known.category == finding.category;
        if count >= MAX_FINDINGS && at == count && self.findings.iter().any(of_category) {
            self.findings_more = self.findings_more.saturating_add(1);
            return;
        }
        self.findings.insert(at, finding);
        if count >= MAX_FINDINGS
            && let Some(weakest) = self.weakest(at)
        {
            self.findings.remove(weakest);
            self.findings_more = self.findings_more.saturating_add(1);
        }
    }

    /// Of one finding more than there may be, of which the last one was added here: the weakest that is not the strictest of its category;
    /// where there is none, the weakest of too many categories.
    fn weakest(&self, added: usize) -> Option<usize> {
        let count = self.findings.len();
        let is_of = |at: usize, other: usize| {
            self.findings.get(at).map(|one| &one.category)
                == self.findings.get(other).map(|other| &other.category)
        };
        let repeated = if count > MAX_FINDINGS.saturating_add(1) {
            // INVARIANT: beyond the bound there is no category twice but the one that was added.
            (0..count).filter(|at| is_of(*at, added)).nth(1)
        } else {
            (0..count).rev().find(|at| (0..*at).any(|before| is_of(before, *at)))
        };
        repeated.or_else(|| count.checked_sub(1).filter(|last| *last >= MAX_CATEGORIES))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::record) fn finding(action: Action) -> RecordedFinding {
        RecordedFinding {
            category: Category::known("pii/card"),
            score: Score::percent(90),
            start: 3,
            end: 19,
            channel: Channel::User,
            part: "messages/0/content".to_owned(),
            detector: "card".into(),
            detector_version: 1,
            action,
            would: action,
            known: false,
            guard: None,
        }
    }

    #[test]
    fn what_was_recorded_once_is_readable_for_ever() {
        // Written before findings named a guard. Neither form ever changes.
        let old = r#"{"category":"pii/card","score":0.9,"start":3,"end":19,"channel":"user","part":"messages/0/content","detector":"card","detector_version":1,"action":"redact","would":"redact"}"#;
        let read: RecordedFinding = serde_json::from_str(old).unwrap();
        assert_eq!(read, finding(Action::Redact));
        assert_eq!(serde_json::to_string(&read).unwrap(), old);
        let guards = [
            (r#"{"name":"built-in"}"#, "built-in"),
            (r#"{"name":"house","scope":"organisation"}"#, "house (organisation)"),
            (r#"{"name":"risk","scope":{"team":"lending"}}"#, "risk (team lending)"),
            (r#"{"name":"desk","scope":{"system":"advice"}}"#, "desk (system advice)"),
            (r#"{"name":"chat","scope":"route"}"#, "chat (route)"),
        ];
        for (form, shown) in guards {
            let new = old.replace(r#""would":"redact"}"#, &format!(r#""would":"redact","guard":{form}}}"#));
            let read: RecordedFinding = serde_json::from_str(&new).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), new);
            assert_eq!(read.guard.unwrap().to_string(), shown);
        }
        let known = old.replace(r#""would":"redact"}"#, r#""would":"redact","known":true}"#);
        let read: RecordedFinding = serde_json::from_str(&known).unwrap();
        assert_eq!(read, RecordedFinding { known: true, ..finding(Action::Redact) });
        assert_eq!(read.shown(), "pii/card (known)");
        assert_eq!(serde_json::to_string(&read).unwrap(), known);
    }

    #[test]
    fn the_strictest_findings_survive_the_bound() {
        let mut verdict = RecordedVerdict::default();
        for start in 0..200 {
            for _again in 0..if start < 9 { 2 } else { 1 } {
                verdict.add(RecordedFinding { start, ..finding(Action::Flag) });
            }
        }
        verdict.add(finding(Action::Block));
        assert_eq!((verdict.action, verdict.findings.len(), verdict.findings_more), (Action::Block, 64, 137));
        assert_eq!(verdict.findings[0].action, Action::Block);
    }

    #[test]
    fn no_flood_of_findings_hides_another_category() {
        let of = |category: String, action| RecordedFinding {
            category: Category::parse(&category).unwrap(),
            ..finding(action)
        };
        let is_there = |verdict: &RecordedVerdict, wanted: &str| {
            verdict.findings.iter().any(|finding| finding.category.as_str() == wanted)
        };
        let flooded = |flood: &[RecordedFinding]| {
            let mut before = RecordedVerdict::default();
            before.add(of("abuse/enumeration".to_owned(), Action::Flag));
            let mut after = RecordedVerdict::default();
            for finding in flood {
                before.add(finding.clone());
                after.add(finding.clone());
            }
            after.add(of("abuse/enumeration".to_owned(), Action::Flag));
            (before, after)
        };
        let card = |start| RecordedFinding { start, ..of("pii/card".to_owned(), Action::Redact) };
        let same: Vec<_> = (0..200).map(card).collect();
        let others: Vec<_> = (0..200).map(|at| of(format!("other/c{at}"), Action::Redact)).collect();
        for flood in [&same, &others] {
            let (before, after) = flooded(flood);
            assert!(is_there(&before, "abuse/enumeration") && is_there(&after, "abuse/enumeration"));
            assert_eq!(before.findings.len() as u64 + before.findings_more, 201);
            assert_eq!(after.findings.len() as u64 + after.findings_more, 201);
        }
        let (mixed, _) = flooded(&[others, same].concat());
        assert_eq!(mixed.findings.len(), 202, "each category once");
        let many: Vec<_> = (0..1_000).map(|at| of(format!("other/c{at}"), Action::Redact)).collect();
        assert_eq!(flooded(&many).0.findings.len(), MAX_CATEGORIES, "and no more than there can be");
    }

    #[test]
    fn of_a_category_the_strictest_is_kept() {
        let mut verdict = RecordedVerdict::default();
        for action in [Action::Flag, Action::Redact, Action::Hold] {
            for at in 0..100 {
                let category = Category::parse(&format!("other/c{at}")).unwrap();
                verdict.add(RecordedFinding { category, ..finding(action) });
            }
        }
        assert_eq!(verdict.findings.len(), 100);
        assert!(verdict.findings.iter().all(|finding| finding.action == Action::Hold));
    }
}
