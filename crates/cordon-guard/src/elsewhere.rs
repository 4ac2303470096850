//! Texts that stand by themselves, outside of any call, judged with what detectors elsewhere say of them: those are asked as they are in
//! a call, after what is built in, about what that lets pass, and one that gives no answer is a finding.

use cordon_core::{Channel, resource::Adapter};
use cordon_files::Segment;
use cordon_policy::{Quarantined, Snapshot};

use crate::{
    alone::{Examined, ExaminedFile, Ruled, cut},
    custom,
    inspection::{Inspection, Place, Seat},
    pipeline::{Gateway, Inner},
    redact::Cut,
    remote::{Answers, Needed, Unavailable, Used, unasked},
};

/// The name of a text that is no part of anything.
const TEXT: &str = "text";

impl Gateway {
    /// The means to examine a text or a file as a call would, with what detectors elsewhere say of it. Where they look at anything at
    /// all, `look`, which examines it, is done once for that, beside what other tasks do.
    ///
    /// # Errors
    /// When the inspection broke off, so that nobody was asked.
    pub async fn asked_about(
        &self,
        inspection: Inspection,
        look: impl FnOnce(&Inspection) + Send + 'static,
    ) -> Result<Inspection, tokio::task::JoinError> {
        let snapshot = self.snapshot();
        let (used, broken) = self.0.others(&inspection, snapshot.quarantined());
        let Some(used) = used else { return Ok(lacking(inspection, broken)) };
        let asking = inspection.clone().asking(&used);
        let looked = asking.clone();
        tokio::task::spawn_blocking(move || look(&looked)).await?;
        let answers = self.0.detectors.ask(&used, asking.wanted()).await;
        Ok(inspection.answered(answers.and(broken)))
    }
}

impl Inner {
    /// The detectors elsewhere that these guards name, and those of any kind that are of no use.
    fn others(&self, inspection: &Inspection, out: &Quarantined) -> (Option<Used>, Vec<Unavailable>) {
        let guard = inspection.guard();
        // A text by itself is no file, and offers and calls no tool.
        let mut broken = self.detectors.broken(guard, Needed::default(), out);
        broken.extend(custom::broken(guard, &self.engine, out));
        (self.detectors.beside(guard, out), broken)
    }

    /// The means to examine texts with what detectors elsewhere say of them. `look` examines each, by what is built in.
    pub(crate) async fn asked_about(
        &self,
        inspection: Inspection,
        look: impl FnOnce(&Inspection),
    ) -> Inspection {
        let current = self.snapshot.load_full();
        let (used, broken) = self.others(&inspection, current.quarantined());
        let Some(used) = used else { return lacking(inspection, broken) };
        let first = |by: &Inspection| {
            look(by);
            // A text that is stopped is not noted; the others are asked about all the same.
            true
        };
        self.detectors.after(&used, broken, inspection, first).await
    }
}

fn lacking(inspection: Inspection, broken: Vec<Unavailable>) -> Inspection {
    if broken.is_empty() { inspection } else { inspection.answered(Answers::unavailable(broken)) }
}

impl Inspection {
    /// The same where no gateway runs that could ask detectors elsewhere: each that a call would ask about this text has given no
    /// answer.
    #[must_use]
    pub fn asking_nobody(self, snapshot: &Snapshot, channel: Channel, text: &str) -> Self {
        let (guard, out) = (self.guard(), snapshot.quarantined());
        let looks = |spec: &cordon_core::resource::DetectorSpec| {
            spec.adapter != Adapter::Ocr
                && spec.channels.contains(&channel)
                && guard.looks_for(channel, spec.categories.values())
                && spec.only_where.as_ref().is_none_or(|only| {
                    let found = self.inspect(channel, text);
                    found.iter().any(|one| one.score >= only.at && only.category.covers(&one.category))
                })
        };
        let wanted = snapshot.detectors().filter(|entry| looks(&entry.spec));
        let wanted = wanted.filter(|entry| !out.detectors().any(|name| *name == entry.name));
        let wanted: Vec<Unavailable> = wanted.map(|entry| unasked(entry, channel)).collect();
        lacking(self, wanted)
    }

    /// The same of the texts of a file, those with findings or without.
    #[must_use]
    pub fn asking_nobody_about(self, snapshot: &Snapshot, file: &ExaminedFile) -> Self {
        let texts: Vec<&str> = file.texts.iter().map(|one| one.text.as_str()).collect();
        if texts.is_empty() {
            return self;
        }
        self.asking_nobody(snapshot, Segment::CHANNEL, &texts.join("\n\n"))
    }

    /// Adds what detectors elsewhere found in a text; while they are not asked yet, notes it, where nothing stops it already.
    pub(crate) fn add_others(&self, channel: Channel, place: Place, text: &str, examined: &mut Examined) {
        if !examined.action.passes() {
            return;
        }
        let cuts: Vec<Cut> = examined.findings.iter().filter_map(cut).collect();
        let seat = Seat { channel, place, part: &TEXT };
        let found = self.second(&seat, text, &cuts);
        if found.is_empty() {
            return;
        }
        let said = self.rulings(channel, place, found.to_vec());
        examined.action = examined.action.max(said.action);
        examined.would = examined.would.max(said.would);
        examined.findings.extend(said.findings);
        let span = |Ruled { finding, .. }: &Ruled| (finding.span.start, finding.span.end);
        examined.findings.sort_by(|a, b| (span(a), &a.finding.category).cmp(&(span(b), &b.finding.category)));
    }
}
