//! A text or a file that somebody tries: what is found in it, in which views and parts, and what a guard does about it. Nothing of it is
//! kept.

use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use cordon_core::{
    Action, Channel, HmacKey, Name,
    resource::{Kind, Spec},
};
use cordon_files::{Disposition, Reason};
use cordon_guard::{Examined, ExaminedFile, ExaminedText, Inspection, Ruled};
use cordon_inspect::{Decoded, Placed};
use cordon_policy::{Caller, EffectiveGuard, Snapshot};

use super::{Desk, not_found};
use crate::{
    api::{
        Problem,
        inspect::{
            FileVerdict, Inspect, Inspected, InspectedFile, InspectedFinding, InspectedPart, InspectedPlace,
            InspectedReason, InspectedView, MAX_FILE, MAX_NAME, MAX_PART, MAX_TEXT,
        },
    },
    clock,
};

/// Parts of a file that are listed, and those of which the text is told.
const MOST_PARTS: usize = 256;
const MOST_TEXTS: usize = 16;

/// What is tried.
enum Subject {
    Text(String),
    File { name: Option<String>, bytes: Vec<u8> },
}

/// What was seen of it. A file that is a plain text is inspected as the text that it is.
struct Looked {
    /// Of a text, with that and as it would go on.
    text: Option<(String, Examined, String)>,
    file: Option<ExaminedFile>,
}

impl Desk {
    /// Inspects a text or a file as a call would, with what detectors elsewhere say of it. Where no gateway runs here, nobody can ask those,
    /// and each is a finding.
    ///
    /// # Errors
    /// When it is neither or both, or too long, there is no such guard or route, or the log cannot be read.
    pub async fn inspect(&self, wish: Inspect) -> Result<Inspected, Problem> {
        let (channel, asked) = (wish.channel, (wish.guard.clone(), wish.route.clone()));
        let subject = Arc::new(Subject::of(wish)?);
        let state = self.state(None).await?;
        let snapshot = match &self.gateway {
            Some(gateway) => gateway.snapshot(),
            None => Arc::new(Snapshot::compile(&state)),
        };
        let guard = match &asked {
            (Some(_), Some(_)) => return Err(wrong("a guard or a route judges, not both")),
            (Some(name), None) => match state.resource(Kind::Guard, name).map(|standing| &standing.spec) {
                Some(Spec::Guard(spec)) => EffectiveGuard::alone(name, spec),
                _ => return Err(not_found(format!("there is no guard `{name}`"))),
            },
            (None, Some(name)) => {
                let route = snapshot.route(name.as_str());
                let route = route.ok_or_else(|| not_found(format!("there is no route `{name}`")))?;
                let caller = Caller { principal: None, route: Some(name), system: route.system.as_ref() };
                snapshot.guard(caller, Some(route))
            }
            (None, None) => snapshot.guard(Caller::nobody(), None),
        };
        let guards: Vec<Name> = guard.names().cloned().collect();
        // Hashes that stand for values are of this answer.
        let key = HmacKey::from_bytes(clock::random());
        let inspection = Inspection::new(self.engine().clone(), Arc::new(guard), self.now(), key)
            .contained(snapshot.quarantined());
        let inspection = match &self.gateway {
            Some(gateway) => inspection.in_memory(gateway.file_memory()),
            None => inspection,
        };
        let failed = || Problem::new(500, "internal", "something failed", "it was not inspected");
        let inspection = match &self.gateway {
            Some(gateway) => {
                let subject = Arc::clone(&subject);
                let look = move |by: &Inspection| drop(subject.look(channel, by));
                gateway.asked_about(inspection, look).await.map_err(|_| failed())?
            }
            None => {
                let subject = Arc::clone(&subject);
                let asked = move || subject.asking_nobody(&snapshot, channel, inspection);
                tokio::task::spawn_blocking(asked).await.map_err(|_| failed())?
            }
        };
        let engine = self.engine().clone();
        // Some milliseconds for the longest texts, and more for files: not where others wait.
        let inspected = tokio::task::spawn_blocking(move || {
            let Looked { text, file } = subject.look(channel, &inspection);
            let unheard = inspection.unheard().into_iter().map(|(_, ruled)| ruled);
            match (text, file) {
                (Some((text, mut examined, redacted)), file) => {
                    for ruled in unheard {
                        examined.action = examined.action.max(ruled.ruling.action);
                        examined.would = examined.would.max(ruled.ruling.would);
                        examined.findings.push(ruled);
                    }
                    let explained = engine.explain_with(channel, &text, inspection.custom());
                    let counted = |at: usize| {
                        let found = explained.findings.get(at)?;
                        examined.findings.iter().position(|ruled| ruled.finding == *found)
                    };
                    Inspected {
                        action: examined.action,
                        would: examined.would,
                        guards,
                        redacted: Some(redacted),
                        file: file.map(|file| taken_apart(&file, subject.bytes(), true)),
                        views: explained.views.iter().map(|view| shown(view, counted)).collect(),
                        views_more: explained.views_more,
                        findings: examined.findings.iter().map(|ruled| found(ruled, None)).collect(),
                    }
                }
                (None, Some(file)) => {
                    let unheard: Vec<Ruled> = unheard.collect();
                    let strictest =
                        |own, of: fn(&Ruled) -> Action| unheard.iter().map(of).fold(own, Action::max);
                    let parts = file.texts.iter().flat_map(|text| {
                        text.examined.findings.iter().map(|ruled| found(ruled, Some(&text.place)))
                    });
                    let whole = file.file.findings.iter().chain(&unheard).map(|ruled| found(ruled, None));
                    Inspected {
                        action: strictest(file.action(), |ruled| ruled.ruling.action),
                        would: strictest(file.would(), |ruled| ruled.ruling.would),
                        guards,
                        redacted: None,
                        findings: whole.chain(parts).collect(),
                        file: Some(taken_apart(&file, subject.bytes(), false)),
                        views: Vec::new(),
                        views_more: 0,
                    }
                }
                // Something is always looked at.
                (None, None) => Inspected { guards, ..Inspected::default() },
            }
        });
        inspected.await.map_err(|_| failed())
    }
}

fn wrong(why: &str) -> Problem {
    Problem::new(422, "invalid", "it cannot be inspected", why)
}

impl Subject {
    fn of(wish: Inspect) -> Result<Self, Problem> {
        match (wish.text, wish.file_b64) {
            (Some(_), Some(_)) => {
                Err(wrong("a text or a file is inspected, not both; help: leave out `text` or `file_b64`"))
            }
            (None, None) => Err(wrong(
                "there is nothing to inspect; help: send a text as `text`, or the bytes of a file in base64 as `file_b64`",
            )),
            (Some(_), None) if wish.name.is_some() => {
                Err(wrong("only a file has a name; help: send its bytes in base64 as `file_b64`"))
            }
            (Some(text), None) if text.len() > MAX_TEXT => {
                Err(wrong("the text is longer than 262,144 bytes; help: `cordon inspect` reads larger ones"))
            }
            (Some(text), None) => Ok(Self::Text(text)),
            (None, Some(_)) if wish.name.as_ref().is_some_and(|name| name.len() > MAX_NAME) => {
                Err(wrong("the name is longer than 255 bytes; help: its ending is enough"))
            }
            (None, Some(file)) => match BASE64_STANDARD.decode(file) {
                Ok(bytes) if bytes.len() > MAX_FILE => Err(wrong(
                    "the file is larger than 1,048,576 bytes; help: `cordon inspect FILE` reads larger ones",
                )),
                Ok(bytes) => Ok(Self::File { name: wish.name, bytes }),
                Err(_) => Err(wrong(
                    "`file_b64` is no base64; help: the standard alphabet, padded, without line ends",
                )),
            },
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::File { bytes, .. } => bytes.len(),
        }
    }

    /// The text that it is, where it is no file, or one that has nothing to say as a file.
    fn text<'s>(&'s self, file: Option<&ExaminedFile>) -> Option<&'s str> {
        match self {
            Self::Text(text) => Some(text),
            Self::File { bytes, .. } => {
                let text = std::str::from_utf8(bytes).ok()?;
                (text.len() <= MAX_TEXT && file?.is_plain_text()).then_some(text)
            }
        }
    }

    fn examined(&self, channel: Channel, by: &Inspection) -> Option<ExaminedFile> {
        match self {
            Self::Text(_) => None,
            Self::File { name, bytes } => Some(by.examine_file(channel, name.as_deref(), bytes)),
        }
    }

    fn look(&self, channel: Channel, by: &Inspection) -> Looked {
        let file = self.examined(channel, by);
        let text = self.text(file.as_ref()).map(|text| {
            let (examined, redacted) = by.redact(channel, text);
            (text.to_owned(), examined, redacted)
        });
        Looked { text, file }
    }

    fn asking_nobody(&self, snapshot: &Snapshot, channel: Channel, by: Inspection) -> Inspection {
        let file = self.examined(channel, &by);
        match (self.text(file.as_ref()), file) {
            (Some(text), _) => by.asking_nobody(snapshot, channel, text),
            (None, Some(file)) => by.asking_nobody_about(snapshot, &file),
            (None, None) => by,
        }
    }
}

/// A file as it is told. Of one that is inspected as a text, no part is.
fn taken_apart(file: &ExaminedFile, bytes: usize, as_text: bool) -> InspectedFile {
    let (with, without): (Vec<&ExaminedText>, Vec<&ExaminedText>) =
        file.texts.iter().filter(|_| !as_text).partition(|text| !text.examined.findings.is_empty());
    let all = with.len() + without.len();
    let parts =
        with.into_iter().chain(without).take(MOST_PARTS).enumerate().map(|(at, text)| InspectedPart {
            place: text.place.clone(),
            bytes: text.text.len(),
            action: text.examined.action,
            findings: text.examined.findings.len(),
            text: (!text.examined.findings.is_empty() && at < MOST_TEXTS && text.text.len() <= MAX_PART)
                .then(|| text.text.clone()),
        });
    let reason = |(reason, places): &(Reason, Vec<String>)| InspectedReason {
        category: reason.category(),
        verdict: verdict(reason.disposition()),
        places: places.clone(),
    };
    InspectedFile {
        bytes,
        file_type: file.file_type.as_str().to_owned(),
        claimed_type: file.claimed.map(|claimed| claimed.as_str().to_owned()),
        verdict: verdict(file.disposition),
        reasons: file.reasons.iter().map(reason).collect(),
        unread: file.is_unread,
        parts: parts.collect(),
        parts_more: u32::try_from(all.saturating_sub(MOST_PARTS)).unwrap_or(u32::MAX),
    }
}

const fn verdict(disposition: Disposition) -> FileVerdict {
    match disposition {
        Disposition::Accept => FileVerdict::Accept,
        Disposition::Quarantine => FileVerdict::Quarantine,
        Disposition::Reject => FileVerdict::Reject,
    }
}

fn found(Ruled { finding, ruling }: &Ruled, within: Option<&String>) -> InspectedFinding {
    InspectedFinding {
        category: finding.category.clone(),
        score: finding.score,
        r#in: within.cloned(),
        start: finding.span.start,
        end: finding.span.end,
        detector: finding.detector.to_owned(),
        detector_version: finding.detector_version,
        action: ruling.action,
        would: ruling.would,
    }
}

fn shown(view: &Decoded, counted: impl Fn(usize) -> Option<usize>) -> InspectedView {
    let place = |Placed { span, finding }: &Placed| InspectedPlace {
        start: span.start,
        end: span.end,
        finding: finding.and_then(&counted),
    };
    InspectedView {
        encoding: view.encoding.as_str().to_owned(),
        depth: view.depth,
        text: view.text.clone(),
        found: view.found.iter().map(place).collect(),
    }
}
