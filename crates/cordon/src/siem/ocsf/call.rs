use cordon_core::{
    Action, CallId, Digest, JournalId, KeyId, Name, RefusalCode, Timestamp,
    record::{
        Closed, ContentRead, Frame, Opened, Operation, Outcome, RecordedFinding, RecordedVerdict, Unknown,
    },
};
use serde_json::{Value, json};

use super::{API_ACTIVITY, AUTHENTICATION, BASE_EVENT, Base, DETECTION_FINDING, Event, Severity, put, word};
use crate::siem::Records;

/// Where a frame lies.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The journal.
    pub journal: JournalId,
    /// Its number there.
    pub sequence: u64,
    /// Its leaf hash.
    pub leaf: Digest,
}

/// What the first frame of a call says, kept until its second one comes.
#[derive(Clone, Debug)]
pub struct CallContext {
    operation: Operation,
    principal: Name,
    team: Name,
    key: KeyId,
    route: Option<Name>,
    system: Option<Name>,
    model: Option<Name>,
    service: Option<Name>,
    subject: Option<Digest>,
    input: Action,
}

impl CallContext {
    /// What is kept of a first frame.
    pub fn of(opened: &Opened) -> Self {
        Self {
            operation: opened.operation,
            principal: opened.principal.clone(),
            team: opened.team.clone(),
            key: opened.key,
            route: opened.route.clone(),
            system: opened.system.clone(),
            model: opened.model.clone(),
            service: opened.service.clone(),
            subject: opened.subject,
            input: opened.input.action,
        }
    }

    /// The same with the target that the call went to in the end.
    fn went_to(&self, closed: &Closed) -> Self {
        let mut context = self.clone();
        if let Some(attempt) = closed.attempt() {
            context.model = Some(attempt.model.clone());
            context.service = Some(attempt.service.clone());
        }
        context
    }
}

/// A frame as an event; none where `records` does not ask for it. `context` is what the call's first frame said; without it
/// the event names nobody.
pub fn frame(
    place: Place,
    frame: &Frame,
    context: Option<&CallContext>,
    records: Records,
    build: &str,
) -> Option<Event> {
    match frame {
        Frame::Opened(opened) => (opened.input.action > Action::Allow).then(|| {
            let told = Told { call: opened.call, context: Some(&CallContext::of(opened)), place, build };
            let title = "content found in a request";
            told.finding("call.opened", title, opened.time, &opened.input, json!({}))
        }),
        Frame::Closed(closed) => {
            let input = context.map_or(Action::Allow, |context| context.input);
            let matters = closed.output.action.max(input) > Action::Allow
                || matches!(closed.outcome, Outcome::Refused | Outcome::Interrupted);
            let context = context.map(|context| context.went_to(closed));
            let told = Told { call: closed.call, context: context.as_ref(), place, build };
            match records {
                Records::Security if !matters => None,
                _ if closed.output.action > Action::Allow => Some(told.finding(
                    "call.closed",
                    "content found in an answer",
                    closed.time,
                    &closed.output,
                    json!({"outcome": word(&closed.outcome), "status": closed.status}),
                )),
                _ => Some(told.ended(closed, input)),
            }
        }
        // What it is charged, the end says.
        Frame::Attempted(_) => None,
        Frame::Unknown(unknown) => {
            Some(Told { call: unknown.call, context: None, place, build }.unknown(unknown))
        }
        Frame::Read(read) => Some(Told { call: read.call, context: None, place, build }.read(read)),
    }
}

/// A frame that this program cannot read: that it is there is told. `now` is when it was met.
pub fn unreadable(place: Place, now: Timestamp, build: &str) -> Event {
    let Place { journal, sequence, leaf } = place;
    let base = Base {
        class: BASE_EVENT,
        activity: (0, "Unknown"),
        severity: Severity::Medium,
        time: now,
        uid: format!("frame:{journal}:{sequence}"),
        log: ("calls", sequence),
        code: "frame.unreadable",
        leaf,
        message: "a record of a form that this version cannot read".to_owned(),
        build,
    };
    base.event(json!({}), json!({}))
}

struct Told<'a> {
    call: CallId,
    context: Option<&'a CallContext>,
    place: Place,
    build: &'a str,
}

impl<'a> Told<'a> {
    fn base(&self, code: &'a str, message: String, severity: Severity) -> Base<'a> {
        let Place { journal, sequence, leaf } = self.place;
        Base {
            class: API_ACTIVITY,
            activity: match self.context.map(|context| context.operation) {
                Some(
                    Operation::ListModels
                    | Operation::DescribeModel
                    | Operation::ListFiles
                    | Operation::DescribeFile
                    | Operation::ReadFile,
                ) => (2, "Read"),
                Some(Operation::DeleteFile) => (4, "Delete"),
                Some(_) => (1, "Create"),
                None => (0, "Unknown"),
            },
            severity,
            time: Timestamp::from_millis(0),
            uid: format!("frame:{journal}:{sequence}"),
            log: ("calls", sequence),
            code,
            leaf,
            message,
            build: self.build,
        }
    }

    /// Somebody reads what was captured.
    fn read(&self, read: &ContentRead) -> Event {
        let objects: Vec<&str> = read.objects.iter().map(|object| object.as_str()).collect();
        let message = match &read.held {
            Some(held) => format!("held content was read: {held}"),
            None => format!("captured content of a call was read: {}", objects.join(", ")),
        };
        let mut base = self.base("content.read", message, Severity::Medium);
        (base.activity, base.time) = ((2, "Read"), read.time);
        let own = json!({
            "actor": {"user": {"name": word(&read.actor), "type_id": 0}},
            "api": {"operation": "content.read", "request": {"uid": self.call.to_string()}, "service": {"name": "cordon"}},
            "status": "Success",
            "status_id": 1,
        });
        base.event(own, self.unmapped(json!({"objects": objects, "held": read.held})))
    }

    fn actor(&self) -> Value {
        match self.context {
            Some(context) => json!({"user": {
                "name": context.principal,
                "credential_uid": context.key,
                "groups": [{"name": context.team}],
                // A workload as far as anybody knows: principals are not people.
                "type_id": 3,
            }}),
            None => json!({"user": {"name": "unknown", "type_id": 0}}),
        }
    }

    fn api(&self) -> Value {
        let operation = self.context.map_or(json!("unknown"), |context| word(&context.operation));
        json!({
            "operation": operation,
            "request": {"uid": self.call.to_string()},
            "service": {"name": "cordon"},
        })
    }

    fn resources(&self) -> Value {
        let Some(context) = self.context else { return json!([]) };
        let named = [
            ("Route", &context.route),
            ("System", &context.system),
            ("Model", &context.model),
            ("Service", &context.service),
        ];
        let named =
            named.into_iter().filter_map(|(kind, name)| Some(json!({"type": kind, "name": name.as_ref()?})));
        Value::Array(named.collect())
    }

    /// What has no place in the schema.
    fn unmapped(&self, mut unmapped: Value) -> Value {
        put(&mut unmapped, "call", json!(self.call.to_string()));
        if let Some(subject) = self.context.and_then(|context| context.subject) {
            put(&mut unmapped, "subject", json!(subject.to_string()));
        }
        unmapped
    }

    fn finding(
        &self,
        code: &'a str,
        title: &str,
        time: Timestamp,
        verdict: &RecordedVerdict,
        unmapped: Value,
    ) -> Event {
        let mut categories: Vec<&str> =
            verdict.findings.iter().map(|found| found.category.as_str()).collect();
        categories.sort_unstable();
        categories.dedup();
        let action = verdict.action;
        let severity = match action {
            Action::Allow => Severity::Informational,
            Action::Flag => Severity::Low,
            Action::Redact => Severity::Medium,
            Action::Hold | Action::Block => Severity::High,
        };
        let message = format!("{title}: {}: {}", action.as_str(), categories.join(", "));
        let base = self.base(code, message, severity);
        let uid = base.uid.clone();
        let analytic = verdict.findings.first().map(|found| {
            // 1: a rule.
            json!({"name": found.detector, "version": found.detector_version.to_string(), "type_id": 1})
        });
        let mut evidence = json!({
            "actor": self.actor(),
            "api": self.api(),
            "data": {"findings": verdict.findings.iter().map(found).collect::<Vec<_>>()},
        });
        if verdict.findings_more > 0
            && let Some(data) = evidence.get_mut("data")
        {
            put(data, "more", json!(verdict.findings_more));
        }
        let (action_id, disposition) = disposition(action);
        let own = json!({
            "action_id": action_id,
            "disposition_id": disposition.0,
            "disposition": disposition.1,
            "evidences": [evidence],
            "finding_info": {
                "uid": uid,
                "title": title,
                "types": categories,
                "created_time": time.as_millis(),
                "analytic": analytic,
            },
            "metadata": self.metadata(),
            "resources": self.resources(),
            // 1: new, for whoever receives it.
            "status_id": 1,
        });
        let class = DETECTION_FINDING;
        Base { class, activity: (1, "Create"), time, ..base }.event(own, self.unmapped(unmapped))
    }

    /// A call that ended without a verdict on its answer.
    fn ended(&self, closed: &Closed, input: Action) -> Event {
        let refused = closed.outcome == Outcome::Refused;
        let severity = match closed.outcome {
            Outcome::Interrupted => Severity::Low,
            Outcome::Refused => severity_of(closed.code),
            _ => Severity::Informational,
        };
        let (action_id, disposition) = match closed.outcome {
            Outcome::Refused => (2, refusal(closed.code)),
            Outcome::Released => disposition(input),
            // 0: whether it was allowed did not matter in the end. 27 is an error.
            _ => (0, (27, "Error")),
        };
        let outcome = word(&closed.outcome);
        let shown = outcome.as_str().unwrap_or_default();
        let why = closed.code.map_or("", RefusalCode::as_str);
        let base = self.base("call.closed", format!("call {shown} {why}").trim_end().to_owned(), severity);
        let success = closed.outcome == Outcome::Released;
        let mut own = json!({
            "action_id": action_id,
            "actor": self.actor(),
            "api": self.api(),
            "disposition_id": disposition.0,
            "disposition": disposition.1,
            "duration": closed.timings.total / 1000,
            "metadata": self.metadata(),
            "resources": self.resources(),
            "src_endpoint": self.source(),
            "status_id": if success { 1 } else { 2 },
            "status": if success { "Success" } else { "Failure" },
            "status_code": closed.code.map(RefusalCode::as_str),
            "status_detail": closed.reason.as_ref().filter(|_| refused),
        });
        if let Some(api) = own.get_mut("api") {
            put(api, "response", json!({"code": closed.status}));
        }
        let unmapped = json!({
            "outcome": outcome,
            "verdict_input": input.as_str(),
            "tokens": closed.tokens.map(|tokens| json!({"input": tokens.input, "output": tokens.output})),
            "cost": closed.cost,
        });
        Base { time: closed.time, ..base }.event(own, self.unmapped(unmapped))
    }

    /// Callers that nobody knows, counted; one of them as a sample.
    fn unknown(&self, unknown: &Unknown) -> Event {
        let code = unknown.code.as_str();
        let message = format!("{} calls of unknown callers, such as one with {code}", unknown.count);
        let base = Base { time: unknown.time, ..self.base("callers.unknown", message, Severity::Medium) };
        let mut own = json!({
            "action_id": 2,
            "actor": self.actor(),
            "count": unknown.count,
            "disposition_id": 26,
            "disposition": "Unauthorized",
            "end_time": unknown.time.as_millis(),
            "metadata": self.metadata(),
            "src_endpoint": self.source(),
            "start_time": unknown.since.as_millis(),
            "status": "Failure",
            "status_code": code,
            "status_id": 2,
        });
        let base = if unknown.code.status() == 401 {
            put(&mut own, "service", json!({"name": "cordon"}));
            put(&mut own, "user", json!({"name": "unknown", "type_id": 0}));
            Base { class: AUTHENTICATION, activity: (1, "Logon"), ..base }
        } else {
            put(&mut own, "api", self.api());
            base
        };
        base.event(own, self.unmapped(json!({})))
    }

    fn metadata(&self) -> Value {
        json!({"correlation_uid": self.call.to_string(), "profiles": ["security_control"]})
    }

    /// Records hold no addresses: the caller is where its principal is.
    fn source(&self) -> Value {
        json!({"svc_name": self.context.map_or("unknown", |context| context.principal.as_str())})
    }
}

/// Where something was found and how sure the detector was; never what.
fn found(found: &RecordedFinding) -> Value {
    let mut said = json!({
        "category": found.category.as_str(),
        "score": found.score.as_f64(),
        "channel": word(&found.channel),
        "part": found.part,
        "start": found.start,
        "end": found.end,
        "detector": found.detector,
        "detector_version": found.detector_version,
        "action": found.action.as_str(),
        "would": found.would.as_str(),
    });
    if let (Some(guard), Some(members)) = (&found.guard, said.as_object_mut()) {
        members.insert("guard".to_owned(), json!(guard));
    }
    if let (true, Some(members)) = (found.known, said.as_object_mut()) {
        members.insert("known".to_owned(), json!(true));
    }
    said
}

/// `action_id` and `disposition_id` of the profile `security_control`.
const fn disposition(action: Action) -> (u32, (u32, &'static str)) {
    match action {
        Action::Allow => (1, (1, "Allowed")),
        Action::Flag => (1, (15, "Detected")),
        Action::Redact => (1, (11, "Corrected")),
        Action::Hold => (2, (3, "Quarantined")),
        Action::Block => (2, (2, "Blocked")),
    }
}

fn refusal(code: Option<RefusalCode>) -> (u32, &'static str) {
    match code.map(RefusalCode::status) {
        Some(401) => (26, "Unauthorized"),
        Some(429 | 503) => (25, "Rejected"),
        _ => (2, "Blocked"),
    }
}

fn severity_of(code: Option<RefusalCode>) -> Severity {
    match code {
        Some(RefusalCode::ContentBlocked | RefusalCode::Held | RefusalCode::HeldNoReviewer) => Severity::High,
        Some(code) if matches!(code.status(), 401 | 403 | 404 | 500) => Severity::Medium,
        _ => Severity::Low,
    }
}
