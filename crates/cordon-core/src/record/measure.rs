//! What rates count of a call that has ended: whether its content was judged, what became of it, and whether all of it was read.

use std::collections::BTreeMap;

use super::{Operation, Outcome, RecordedFinding};
use crate::{Action, Category, Channel, RefusalCode};

/// Something that a call counts for, at most once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Its content was judged: what all the others are shares of.
    Judged,
    /// Its request was refused for its form: no JSON, not what the endpoint takes, too large.
    Malformed,
    /// Its request was refused for what it says or brings.
    RequestBlocked,
    /// Its answer was not given to the caller.
    AnswerBlocked,
    /// It was held for a person: what other products call a quarantine of content.
    Held,
    /// Something was taken out of it.
    Redacted,
    /// Something was found that was only noted.
    Flagged,
    /// Something that it brought was not read to its end.
    Unread,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Judged,
        Self::Malformed,
        Self::RequestBlocked,
        Self::AnswerBlocked,
        Self::Held,
        Self::Redacted,
        Self::Flagged,
        Self::Unread,
    ];
}

/// Categories of what was not read to its end, each with what lies below it.
pub const UNREAD: [Category; 11] = [
    Category::known("file/checksum"),
    Category::known("file/damaged"),
    Category::known("file/data/too_deep"),
    Category::known("file/encrypted"),
    Category::known("file/malformed"),
    Category::known("file/nested_too_deep"),
    Category::known("file/not_inspected"),
    Category::known("file/too_large"),
    Category::known("file/too_many"),
    Category::known("file/unknown_type"),
    Category::known("uninspected"),
];

/// No reader of this product looks at pixels: every picture says so, and no reader has failed.
const PIXELS: Category = Category::known("file/not_inspected/pixels");

/// Whether a finding of this category says that something was not read to its end: a reader failed, or met a limit.
pub fn is_unread(category: &Category) -> bool {
    !PIXELS.covers(category) && UNREAD.iter().any(|unread| unread.covers(category))
}

/// What rates look at of a call that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// What it did.
    pub operation: Operation,
    /// How it ended.
    pub outcome: Outcome,
    /// The code of the refusal.
    pub code: Option<RefusalCode>,
    /// What was found in the request.
    pub input: &'a [RecordedFinding],
    /// What was found in the answer.
    pub output: &'a [RecordedFinding],
}

impl Ended<'_> {
    /// What the call counts for; nothing where its content was not judged: lists and descriptions, calls that were refused for who
    /// calls, how much or when, or because something was out of use, and calls that Cordon did not see the end of.
    ///
    /// Of the measures between `Judged` and `Unread` it counts for one at most, the strictest.
    pub fn measures(&self) -> impl Iterator<Item = Measure> {
        let judged = self.is_judged();
        let unread = judged && self.findings().any(|found| is_unread(&found.category));
        let done = if judged { self.done() } else { None };
        judged.then_some(Measure::Judged).into_iter().chain(done).chain(unread.then_some(Measure::Unread))
    }

    /// What findings in each channel made of the call. What a channel brought without a finding is in no record, so that none is
    /// [`Measure::Judged`].
    pub fn channels(&self) -> impl Iterator<Item = (Channel, Measure)> {
        let judged = self.is_judged();
        Channel::ALL.into_iter().filter(move |_| judged).flat_map(|channel| {
            let of = |found: &&RecordedFinding| found.channel == channel;
            let done = self.strictest(of);
            let unread = self.findings().filter(of).any(|found| is_unread(&found.category));
            let unread = unread.then_some(Measure::Unread);
            done.into_iter().chain(unread).map(move |measure| (channel, measure))
        })
    }

    /// What was found, with the strictest that was done about it: each category, and each root above one, once.
    pub fn categories(&self) -> BTreeMap<Category, Action> {
        let mut categories = BTreeMap::new();
        if self.is_judged() {
            for found in self.findings() {
                for category in [found.category.clone(), found.category.root()] {
                    let action: &mut Action = categories.entry(category).or_default();
                    *action = (*action).max(found.action);
                }
            }
        }
        categories
    }

    fn findings(&self) -> impl Iterator<Item = &RecordedFinding> {
        self.input.iter().chain(self.output)
    }

    fn done(&self) -> Option<Measure> {
        if self.code.is_some_and(refuses_form) { Some(Measure::Malformed) } else { self.strictest(|_| true) }
    }

    fn strictest(&self, of: impl Fn(&&RecordedFinding) -> bool) -> Option<Measure> {
        let action = |findings: &[RecordedFinding]| {
            findings.iter().filter(&of).map(|found| found.action).max().unwrap_or_default()
        };
        let (input, output) = (action(self.input), action(self.output));
        match input.max(output) {
            Action::Allow => None,
            Action::Flag => Some(Measure::Flagged),
            Action::Redact => Some(Measure::Redacted),
            Action::Hold => Some(Measure::Held),
            Action::Block if input == Action::Block => Some(Measure::RequestBlocked),
            Action::Block => Some(Measure::AnswerBlocked),
        }
    }

    fn is_judged(&self) -> bool {
        self.operation.has_content()
            && self.outcome != Outcome::Interrupted
            && !self.code.is_some_and(refuses_unseen)
    }
}

/// Whether a refusal is about the form of a request.
const fn refuses_form(code: RefusalCode) -> bool {
    matches!(
        code,
        RefusalCode::BodyTooLarge
            | RefusalCode::ForbiddenField
            | RefusalCode::InvalidJson
            | RefusalCode::InvalidPredictionInput
            | RefusalCode::InvalidRequest
            | RefusalCode::NotTranslatable
            | RefusalCode::PayloadLimited
            | RefusalCode::UnsupportedEncoding
    )
}

/// Whether a refusal says nothing of what the call brings.
const fn refuses_unseen(code: RefusalCode) -> bool {
    code.is_limit()
        || code.is_containment()
        || matches!(
            code,
            RefusalCode::ApiKeyExpired
                | RefusalCode::ApiKeyRevoked
                | RefusalCode::BodyTimeout
                | RefusalCode::CallExceedsLimit
                | RefusalCode::FileNotFound
                | RefusalCode::Internal
                | RefusalCode::InvalidApiKey
                | RefusalCode::LimitsUnavailable
                | RefusalCode::MethodNotAllowed
                | RefusalCode::MissingApiKey
                | RefusalCode::ModelNotFound
                | RefusalCode::NotFound
                | RefusalCode::Overloaded
                | RefusalCode::RecordUnavailable
                | RefusalCode::ShuttingDown
                | RefusalCode::SnapshotStale
        )
}

#[cfg(test)]
mod tests {
    use super::{super::verdict::tests::finding, *};

    const CHAT: Ended<'_> =
        Ended { operation: Operation::Chat, outcome: Outcome::Released, code: None, input: &[], output: &[] };

    fn found(category: &str, channel: Channel, action: Action) -> RecordedFinding {
        RecordedFinding { category: Category::parse(category).unwrap(), channel, ..finding(action) }
    }

    fn measures(ended: &Ended<'_>) -> Vec<Measure> {
        ended.measures().collect()
    }

    #[test]
    fn a_call_counts_for_the_strictest_that_became_of_it() {
        let card = |action| found("pii/card", Channel::User, action);
        let judged = Measure::Judged;
        assert_eq!(measures(&CHAT), [judged]);
        for (input, output, wanted) in [
            (Action::Allow, Action::Flag, Some(Measure::Flagged)),
            (Action::Redact, Action::Flag, Some(Measure::Redacted)),
            (Action::Redact, Action::Hold, Some(Measure::Held)),
            (Action::Block, Action::Allow, Some(Measure::RequestBlocked)),
            (Action::Hold, Action::Block, Some(Measure::AnswerBlocked)),
            (Action::Allow, Action::Allow, None),
        ] {
            let (input, output) = ([card(input)], [card(output)]);
            let wanted: Vec<_> = [Some(judged), wanted].into_iter().flatten().collect();
            assert_eq!(measures(&Ended { input: &input, output: &output, ..CHAT }), wanted);
        }
    }

    #[test]
    fn what_was_not_judged_counts_for_nothing() {
        let blocked = [found("file/damaged", Channel::Document, Action::Block)];
        for ended in [
            Ended { operation: Operation::ListModels, ..CHAT },
            Ended { outcome: Outcome::Interrupted, ..CHAT },
            Ended { code: Some(RefusalCode::RateLimited), ..CHAT },
            Ended { code: Some(RefusalCode::Quarantined), ..CHAT },
            Ended { code: Some(RefusalCode::ModelNotFound), ..CHAT },
        ] {
            let ended = Ended { input: &blocked, ..ended };
            assert_eq!((measures(&ended), ended.channels().count()), (vec![], 0), "{ended:?}");
            assert!(ended.categories().is_empty());
        }
        let malformed = Ended { code: Some(RefusalCode::InvalidJson), outcome: Outcome::Refused, ..CHAT };
        assert_eq!(measures(&malformed), [Measure::Judged, Measure::Malformed]);
        // What the service did is no fault of the content, which was judged.
        let failed =
            Ended { code: Some(RefusalCode::UpstreamFailed), outcome: Outcome::UpstreamFailed, ..CHAT };
        assert_eq!(measures(&failed), [Measure::Judged]);
    }

    #[test]
    fn what_was_not_read_is_counted_beside_what_was_done() {
        let input = [
            found("file/damaged", Channel::Document, Action::Hold),
            found("file/not_inspected/format", Channel::User, Action::Allow),
            found("pii/email", Channel::User, Action::Redact),
        ];
        let ended = Ended { operation: Operation::UploadFile, input: &input, ..CHAT };
        assert_eq!(measures(&ended), [Measure::Judged, Measure::Held, Measure::Unread]);
        assert_eq!(
            ended.channels().collect::<Vec<_>>(),
            [
                (Channel::User, Measure::Redacted),
                (Channel::User, Measure::Unread),
                (Channel::Document, Measure::Held),
                (Channel::Document, Measure::Unread),
            ]
        );
        let categories: Vec<_> =
            ended.categories().into_iter().map(|(category, action)| (category.to_string(), action)).collect();
        let of = |category: &str, action| (category.to_owned(), action);
        assert_eq!(
            categories,
            [
                of("file", Action::Hold),
                of("file/damaged", Action::Hold),
                of("file/not_inspected/format", Action::Allow),
                of("pii", Action::Redact),
                of("pii/email", Action::Redact),
            ]
        );
        let pixels = [found("file/not_inspected/pixels", Channel::User, Action::Allow)];
        assert_eq!(measures(&Ended { input: &pixels, ..CHAT }), [Measure::Judged]);
    }
}
