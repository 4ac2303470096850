//! Records: what is durably written of a call, as two frames (invariant 7), and one more for each further model that is asked.
//!
//! A frame is one canonical JSON text; its bytes are what the journal keeps and what proofs are about. Frames hold no
//! content and no value that was found: only what kind it was, where, how sure, and keyed digests.

mod grounding;
mod measure;
mod normalised;
mod operation;
mod verdict;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{
    CallId, Cost, Digest, KeyId, Name, RefusalCode, Timestamp, canonical, containment::PromptId, fact::Actor,
    resource::RouteMode, review::HeldId, taint::Taint,
};

pub use self::grounding::{RecordedGrounding, RecordedPassage};
pub use self::measure::{Ended, Measure, UNREAD, is_unread};
pub use self::normalised::Normalised;
pub use self::verdict::{DecidingGuard, MAX_FINDINGS, RecordedFinding, RecordedVerdict};

/// A frame: of a call's record, or about records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frame {
    /// The call was let in: durable before the caller sees the first byte.
    Opened(Box<Opened>),
    /// The call goes to another model than the one that it was opened for: durable before that model is asked, where money is
    /// reserved for it.
    Attempted(Box<Attempted>),
    /// The call ended: durable before the caller sees the last byte.
    Closed(Box<Closed>),
    /// Calls without a known principal, counted over a time; one of them as a sample.
    Unknown(Box<Unknown>),
    /// Captured content is about to be given to somebody: durable before it is.
    Read(Box<ContentRead>),
}

/// What a call does.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// `POST /v1/chat/completions` (`gen_ai.operation.name` = `chat`).
    Chat,
    /// `GET /v1/models`.
    ListModels,
    /// `POST /v1/embeddings` (`gen_ai.operation.name` = `embeddings`).
    Embeddings,
    /// `POST /v1/messages` (`gen_ai.operation.name` = `chat`).
    Messages,
    /// `POST /v1/messages/count_tokens`.
    CountTokens,
    /// `POST /v1/responses` (`gen_ai.operation.name` = `chat`).
    Responses,
    /// `POST /v2/models/ROUTE/infer`.
    Infer,
    /// `POST /routes/ROUTE/invocations`.
    Invocations,
    /// `GET /v2/models/ROUTE`.
    DescribeModel,
    /// `POST /v1/moderations`.
    Moderate,
    /// `POST /v1/files`.
    UploadFile,
    /// `GET /v1/files`.
    ListFiles,
    /// `GET /v1/files/ID`.
    DescribeFile,
    /// `GET /v1/files/ID/content`.
    ReadFile,
    /// `DELETE /v1/files/ID`.
    DeleteFile,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The answer was released, whole.
    Released,
    /// Cordon refused, before or after the upstream.
    Refused,
    /// The upstream failed or answered with an error.
    UpstreamFailed,
    /// The caller went away.
    CallerGone,
    /// Cordon ended before the call did; found at the next start.
    Interrupted,
}

/// Tokens used, as the upstream counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// In the prompt, those included that were read from a cache or written to it.
    pub input: u64,
    /// In the answer.
    pub output: u64,
    /// Those of the prompt that the upstream had cached.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cached: u64,
    /// Those of the prompt that the upstream wrote to its cache.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_written: u64,
}

/// What limits count of a call: tokens and money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spend {
    /// Tokens of input.
    pub input: u64,
    /// Tokens of output.
    pub output: u64,
    /// Money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
}

/// The limits that counted a call, and what was reserved under them before it went to a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// When: it lies in the windows that the call is counted in.
    pub time: Timestamp,
    /// The limits, by name.
    pub limits: Vec<Name>,
    /// What was reserved: tokens as estimated, money at its upper bound. Absent where no limit counts either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved: Option<Spend>,
}

/// What a call was charged at its end, in place of what was reserved for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Charged {
    /// What is charged, for all of its attempts together.
    pub spend: Spend,
    /// Whether some of it is what was reserved, because nobody knows what was used.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub as_reserved: bool,
    /// What of it is charged under which limits, attempt by attempt: models have limits of their own. Absent where all of it is
    /// charged under those that `opened` names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<Share>,
}

/// What one attempt of a call was charged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// When it was counted: it lies in the windows that it is counted in.
    pub time: Timestamp,
    /// The limits, by name. One that `opened` does not name counted the attempt as a request as well.
    pub limits: Vec<Name>,
    /// What is charged under each of them.
    pub spend: Spend,
}

/// How long each step took, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timings {
    /// Reading the request's body.
    pub receive: u64,
    /// Identity, rights, limits.
    pub admit: u64,
    /// Parsing and inspecting the request.
    pub inspect_input: u64,
    /// From sending the request to the first byte of the answer.
    pub upstream_first_byte: u64,
    /// Waiting for the upstream in all.
    pub upstream: u64,
    /// Parsing and inspecting the answer.
    pub inspect_output: u64,
    /// Waiting for the record to be durable.
    pub record: u64,
    /// The whole call.
    pub total: u64,
}

/// The first frame: who asked for what, under which rules, and what was found on the way in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    /// The call.
    pub call: CallId,
    /// When it came.
    pub time: Timestamp,
    /// What it does.
    pub operation: Operation,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Who.
    pub principal: Name,
    /// Whose caller.
    pub team: Name,
    /// With which key.
    pub key: KeyId,
    /// To which route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Name>,
    /// The route's owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Name>,
    /// The route's system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<Name>,
    /// The model that it was sent to first; where others were tried, `closed` lists them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Name>,
    /// The model's service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Name>,
    /// Where the service processes data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Name>,
    /// How the route worked, where that was not as it is meant.
    #[serde(default, skip_serializing_if = "RouteMode::is_normal")]
    pub mode: RouteMode,
    /// The position in the log of the Snapshot that the call saw.
    pub position: u64,
    /// The program's version and build.
    pub build: Cow<'static, str>,
    /// The digest of the detectors' rules and weights.
    pub rules: Digest,
    /// The verdict on the request.
    pub input: RecordedVerdict,
    /// Keyed digest of the request as received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_digest: Option<Digest>,
    /// Bytes of the request.
    pub request_bytes: u64,
    /// Keyed pseudonym of the person behind the caller (`safety_identifier`, `user` or a header).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Digest>,
    /// Keyed pseudonym of the conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<Digest>,
    /// The prompt that it brings, where its request begins with instructions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<PromptId>,
    /// What has entered the conversation, by what the request brings; absent where nothing has.
    #[serde(default, skip_serializing_if = "Taint::is_clean")]
    pub taint: Taint,
    /// What was changed in its texts before it left; absent where nothing was.
    #[serde(default, skip_serializing_if = "Normalised::is_nothing")]
    pub normalised: Normalised,
    /// The trace id of W3C trace context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// The limits that counted it, and what was reserved. Absent where none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<Counted>,
}

/// A frame between the first and the last, one for each further model that limits count the call for: what the call is charged
/// should nothing more be heard of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempted {
    /// The call.
    pub call: CallId,
    /// When.
    pub time: Timestamp,
    /// The model that it goes to.
    pub model: Name,
    /// For the models that it has left, and for this one what is reserved: in place of what `opened`, or a frame like this one, said
    /// before.
    pub charged: Charged,
}

/// The last frame: how it ended, and what was found on the way out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Closed {
    /// The call.
    pub call: CallId,
    /// When it ended.
    pub time: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// The HTTP status that the caller saw.
    pub status: u16,
    /// The code of the refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<RefusalCode>,
    /// The private reason of the refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The verdict on the answer.
    pub output: RecordedVerdict,
    /// Keyed digest of the answer as released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_digest: Option<Digest>,
    /// Bytes of the answer as released.
    pub response_bytes: u64,
    /// Tokens used, when the upstream said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// What they cost by the price that the model had when the call came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// The upstream's status, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_status: Option<u16>,
    /// The attempts in their order, where there was more than one, or a target was passed over. The last one that is
    /// `answered` gave the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// How long each step took.
    pub timings: Timings,
    /// What of its content was handed over to be kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub content: Vec<CapturedContent>,
    /// What it was charged, where something had been reserved. A call that was interrupted stays charged what was reserved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charged: Option<Charged>,
}

impl Closed {
    /// The end of a call of which nothing is known but that it was interrupted, at this time.
    pub fn interrupted(call: CallId, time: Timestamp) -> Self {
        Self {
            call,
            time,
            outcome: Outcome::Interrupted,
            status: 0,
            code: None,
            reason: None,
            output: RecordedVerdict::default(),
            response_digest: None,
            response_bytes: 0,
            tokens: None,
            cost: None,
            upstream_status: None,
            attempts: Vec::new(),
            timings: Timings::default(),
            content: Vec::new(),
            charged: None,
        }
    }

    /// The attempt that the end is about, where attempts are listed: the one that answered, or the last one that failed.
    pub fn attempt(&self) -> Option<&Attempt> {
        let sent = |attempt: &&Attempt| {
            !matches!(
                attempt.outcome,
                AttemptOutcome::NotAsked
                    | AttemptOutcome::Open
                    | AttemptOutcome::PassedOver
                    | AttemptOutcome::Quarantined
                    | AttemptOutcome::Unready
            )
        };
        self.attempts.iter().rev().find(sent)
    }
}

/// The most attempts that one frame lists.
pub const MAX_ATTEMPTS: usize = 16;

/// One target that a call was sent to, or that was passed over or not asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// The model.
    pub model: Name,
    /// Its service.
    pub service: Name,
    /// Where the service processes data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Name>,
    /// What came of it.
    pub outcome: AttemptOutcome,
    /// The upstream's status, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// When it began, in microseconds after the call came.
    pub began: u64,
    /// How long it took until it answered or failed, in microseconds.
    pub took: u64,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// It answered, and this answer was used.
    Answered,
    /// It answered with an error, and another attempt was made or none was left.
    Failed,
    /// The connection ended, or what came was no answer; the request may have been seen.
    Broken,
    /// The request never reached it.
    Unsent,
    /// It took too long to answer; the request may have been seen.
    Timeout,
    /// It was passed over: its breaker is open.
    Open,
    /// It was passed over, or left before its answer had begun: it is quarantined.
    Quarantined,
    /// It was passed over: a trigger says so.
    PassedOver,
    /// It gave a prediction that did not pass the checks, or was not sure enough.
    Unsure,
    /// It gave a prediction, which was compared with those of other models.
    Compared,
    /// It was not asked: a limit or the budget of retries had no room, or the request cannot be said in its protocol.
    NotAsked,
    /// It was not asked: Cordon lacks what it takes, such as its key, a certificate or a free connection.
    Unready,
    /// The call's time was over before its own was, because others had used it up; the request may have been seen.
    CutShort,
}

impl std::fmt::Display for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}: {}", self.model, self.service, self.outcome.as_str())?;
        if let Some(status) = self.status {
            write!(f, " {status}")?;
        }
        write!(f, ", {}.{} ms", self.took / 1000, self.took % 1000 / 100)
    }
}

impl AttemptOutcome {
    /// The word for metrics and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Broken => "broken",
            Self::Unsent => "unsent",
            Self::Timeout => "timeout",
            Self::Open => "open",
            Self::Quarantined => "quarantined",
            Self::PassedOver => "passed_over",
            Self::Unsure => "unsure",
            Self::Compared => "compared",
            Self::NotAsked => "not_asked",
            Self::Unready => "unready",
            Self::CutShort => "cut_short",
        }
    }
}

/// A piece of a call's content.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ContentObject {
    /// What went to the model.
    Request,
    /// What came from the model.
    Answer,
}

/// Content that was handed over to be kept. That it is readable later is not said: it may have been erased since, it may
/// have expired, or the store may have been full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CapturedContent {
    /// Which.
    pub object: ContentObject,
    /// Bytes that were handed over.
    pub bytes: u64,
    /// Whether there was more, which was not kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// Keyed digest of these bytes, under the same key as the call's other digests.
    pub digest: Digest,
}

/// Somebody reads captured content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContentRead {
    /// When.
    pub time: Timestamp,
    /// Who.
    pub actor: Actor,
    /// Of which call.
    pub call: CallId,
    /// What of what was captured.
    pub objects: Vec<ContentObject>,
    /// Which held file or text that it brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldId>,
}

/// Calls without a known principal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unknown {
    /// Since when it was counted.
    pub since: Timestamp,
    /// Until when.
    pub time: Timestamp,
    /// How many there were.
    pub count: u64,
    /// The code that the sample met.
    pub code: RefusalCode,
    /// The sample's id.
    pub call: CallId,
}

impl ContentObject {
    /// Both, in their order.
    pub const ALL: &[Self] = &[Self::Request, Self::Answer];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Answer => "answer",
        }
    }

    /// The object of this name.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|object| object.as_str() == word)
    }
}

impl Frame {
    /// The canonical bytes.
    ///
    /// # Errors
    /// When a text holds a null character, which no caller's text reaches a frame with.
    pub fn encode(&self) -> Result<Vec<u8>, canonical::Error> {
        canonical::to_bytes(self)
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// When the bytes are not a frame that this version knows.
    pub fn decode(bytes: &[u8]) -> Result<Self, canonical::Error> {
        canonical::from_bytes(bytes)
    }
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

#[cfg(test)]
mod tests {
    use super::{verdict::tests::finding, *};
    use crate::{Action, Money};

    #[test]
    fn a_frame_reads_back_what_it_writes() {
        let mut verdict = RecordedVerdict::default();
        verdict.add(finding(Action::Redact));
        let frame = Frame::Closed(Box::new(Closed {
            call: CallId::new(Timestamp::from_millis(1), [3; 10]),
            time: Timestamp::from_millis(5),
            outcome: Outcome::Released,
            status: 200,
            code: Some(RefusalCode::ContentBlocked),
            reason: None,
            output: verdict,
            response_digest: Some(Digest::sha256(b"x")),
            response_bytes: 12,
            tokens: Some(Tokens { input: 1, output: 2, cached: 1, cache_written: 0 }),
            cost: Some(Cost { amount: Money::from_nanos(7), currency: "USD".parse().unwrap() }),
            upstream_status: Some(200),
            attempts: vec![Attempt {
                model: Name::parse("m").unwrap(),
                service: Name::parse("s").unwrap(),
                region: None,
                outcome: AttemptOutcome::Unsent,
                status: None,
                began: 3,
                took: 4,
            }],
            timings: Timings { total: 77, ..Timings::default() },
            content: Vec::new(),
            charged: None,
        }));
        let bytes = frame.encode().unwrap();
        assert_eq!(Frame::decode(&bytes).unwrap(), frame);
        let mut frame = frame;
        if let Frame::Closed(closed) = &mut frame {
            closed.content = vec![CapturedContent {
                object: ContentObject::Answer,
                bytes: 1 << 20,
                truncated: true,
                digest: Digest::sha256(b"y"),
            }];
        }
        let bytes = frame.encode().unwrap();
        assert_eq!(Frame::decode(&bytes).unwrap(), frame);
    }

    /// Journals are read for ever: what stands here was written once and never changes.
    #[test]
    fn the_forms_that_were_written_are_read() {
        let timings = r#"{"admit":0,"inspect_input":0,"inspect_output":0,"receive":0,"record":0,"total":7,"upstream":0,"upstream_first_byte":0}"#;
        let closed = |content: &str| {
            format!(
                r#"{{"closed":{{"call":"00000000-0001-7303-8303-030303030303"{content},"outcome":"refused","output":{{"action":"allow","would":"allow"}},"response_bytes":0,"status":400,"time":"1970-01-01T00:00:00.005Z","timings":{timings}}}}}"#
            )
        };
        let opened = |counted: &str| {
            format!(
                r#"{{"opened":{{"build":"1","call":"00000000-0001-7303-8303-030303030303"{counted},"input":{{"action":"allow","would":"allow"}},"key":"0000000000000000","operation":"chat","position":3,"principal":"p","request_bytes":2,"rules":"{}","stream":false,"team":"t","time":"1970-01-01T00:00:00.004Z"}}}}"#,
                "00".repeat(32)
            )
        };
        let digest = "00".repeat(32);
        let forms = [
            closed(""),
            closed(r#","cost":{"amount":7,"currency":"USD"}"#),
            closed(&format!(r#","content":[{{"bytes":2,"digest":"{digest}","object":"request"}}]"#)),
            closed(&format!(
                r#","content":[{{"bytes":2,"digest":"{digest}","object":"answer","truncated":true}}]"#
            )),
            closed(r#","charged":{"as_reserved":true,"spend":{"input":10,"output":4096}}"#),
            closed(
                r#","charged":{"spend":{"cost":{"amount":7,"currency":"USD"},"input":3,"output":2}},"code":"budget_exceeded""#,
            ),
            closed(
                r#","charged":{"shares":[{"limits":["day","large"],"spend":{"cost":{"amount":7,"currency":"USD"},"input":3,"output":2},"time":"1970-01-01T00:00:00.004Z"}],"spend":{"cost":{"amount":7,"currency":"USD"},"input":3,"output":2}}"#,
            ),
            opened(r#","counted":{"limits":["day","key-rate"],"time":"1970-01-01T00:00:00.004Z"}"#),
            opened(
                r#","counted":{"limits":["day"],"reserved":{"cost":{"amount":9,"currency":"EUR"},"input":3,"output":4},"time":"1970-01-01T00:00:00.004Z"}"#,
            ),
            r#"{"attempted":{"call":"00000000-0001-7303-8303-030303030303","charged":{"as_reserved":true,"shares":[{"limits":["day","large"],"spend":{"cost":{"amount":7,"currency":"USD"},"input":3,"output":2},"time":"1970-01-01T00:00:00.004Z"}],"spend":{"cost":{"amount":7,"currency":"USD"},"input":3,"output":2}},"model":"large","time":"1970-01-01T00:00:00.005Z"}}"#.to_owned(),
            opened("").replace(r#""principal":"p""#, r#""principal":"p","prompt":"0102030405060708""#),
            opened("").replace(
                r#""team":"t""#,
                r#""taint":{"labels":["pii/email","private"],"untrusted":["document","tool_output"]},"team":"t""#,
            ),
            opened("").replace(
                r#""operation":"chat""#,
                r#""normalised":{"formulas":2,"hidden":3,"unicode":1},"operation":"chat""#,
            ),
            opened("").replace(
                r#""operation":"chat""#,
                r#""normalised":{"metadata":4},"operation":"chat""#,
            ),
            r#"{"read":{"actor":"bootstrap","call":"00000000-0001-7303-8303-030303030303","objects":["request","answer"],"time":"1970-01-01T00:00:00.005Z"}}"#.to_owned(),
        ];
        for form in forms {
            let frame = Frame::decode(form.as_bytes()).unwrap_or_else(|error| panic!("{form}: {error}"));
            assert_eq!(String::from_utf8(frame.encode().unwrap()).unwrap(), form);
        }
    }
}
