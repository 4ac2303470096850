//! The gateway: one task per call, and the list of its steps.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use cordon_core::{
    Action, CallId, Channel, DurationMs, HmacKey, Name, Refusal, RefusalCode, State, Timestamp,
    containment::{InFlight, ToolName},
    json,
    record::{Normalised, Opened, Operation, RecordedVerdict, Timings},
    resource::{ContentCapture, Kind, RouteMode},
    review::HeldKind,
    state::Touched,
    taint::Taint,
};
use cordon_inspect::Engine;
use cordon_policy::Snapshot;
use http::{HeaderName, Method, Request, Response};
use http_body::Body;
use tokio::sync::oneshot;

use crate::{
    abuse::Abuse,
    admit::admit,
    ahead::Ahead,
    call::{Call, Received},
    capture::Capturing,
    catalog, custom,
    dialect::Dialect,
    dispatch::Upstreams,
    exchange,
    files::FileMemory,
    held::{self, Holding},
    identify::Known,
    limits::{self, Counters, Limits},
    mode, moderation,
    operation::{Asked, Endpoint},
    ports::{Capture, Clock, Entropy, Meter, Recorder, Tracer},
    prompt, quarantine,
    record::{CallRecord, Ports, micros},
    registry::{Cancel, Place, Registry},
    release::{Presence, ReleasedBody},
    remote::{Detectors, Models},
    resilience::{Health, Shedder},
    respond, topics,
    trace::{CallTrace, Parent},
    unknown::UnknownCalls,
    uploads,
};

/// What a gateway is made of.
pub struct Parts {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub entropy: Arc<dyn Entropy>,
    /// Where frames go.
    pub recorder: Arc<dyn Recorder>,
    /// Where captured content goes.
    pub capture: Arc<dyn Capture>,
    /// Where held content goes.
    pub holding: Arc<dyn Holding>,
    /// Where counts go.
    pub meter: Arc<dyn Meter>,
    /// Where calls of sampled traces go.
    pub tracer: Arc<dyn Tracer>,
    /// Where limits are counted.
    pub counters: Arc<dyn Counters>,
    /// The detectors.
    pub engine: Engine,
    /// The way to the services.
    pub upstreams: Upstreams,
    /// Models that detectors may have in this process.
    pub models: Arc<dyn Models>,
    /// The first Snapshot.
    pub snapshot: Snapshot,
    /// The rest.
    pub options: Options,
}

/// How a gateway behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// Version and build, for records.
    pub build: &'static str,
    /// Largest body of a request, as sent and as decoded.
    pub max_body_bytes: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// Calls at the same time.
    pub max_calls: usize,
    /// Memory that readers of files may take together, in bytes; [`FileMemory`] says how.
    pub max_file_memory: usize,
    /// How long a caller hears nothing of a stream that has begun before it is sent a comment.
    pub keep_alive: Duration,
    /// Whose key gives digests of content. Without it they mean nothing.
    pub digest_key: HmacKey,
    /// Whose key gives pseudonyms of persons and conversations.
    pub pseudonym_key: HmacKey,
    /// A header that names the person behind the caller, where the body does not.
    pub subject_header: Option<HeaderName>,
}

/// The data plane. Clones share everything.
#[derive(Clone)]
pub struct Gateway(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) ports: Ports,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) engine: Engine,
    pub(crate) upstreams: Upstreams,
    pub(crate) detectors: Detectors,
    pub(crate) snapshot: ArcSwap<Snapshot>,
    /// What is contained before the log knows of it. Whoever changes the Snapshot holds this.
    pub(crate) ahead: Ahead,
    /// When the Snapshot was last known to be the log's latest, in milliseconds since 1970.
    confirmed: AtomicI64,
    ready: AtomicBool,
    pub(crate) limits: Limits,
    pub(crate) health: Health,
    pub(crate) shedder: Shedder,
    pub(crate) abuse: Abuse,
    pub(crate) running: Registry,
    pub(crate) files: Arc<FileMemory>,
    unknown: UnknownCalls,
    pub(crate) options: Options,
}

/// How often the shedder looks.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(2);

/// The caller's end of a call: the head of the answer, once.
pub(crate) struct Answer(Option<oneshot::Sender<Response<ReleasedBody>>>);

impl Answer {
    /// The end at which nothing was sent yet.
    pub(crate) const fn new(sender: oneshot::Sender<Response<ReleasedBody>>) -> Self {
        Self(Some(sender))
    }

    /// Sends head and body. The caller may have gone; its task learns that elsewhere.
    pub(crate) fn send(&mut self, response: Response<ReleasedBody>) {
        if let Some(sender) = self.0.take() {
            let _ = sender.send(response);
        }
    }

    /// Whether the head has not been sent.
    pub(crate) const fn is_open(&self) -> bool {
        self.0.is_some()
    }
}

impl Gateway {
    /// A gateway of these parts.
    pub fn new(parts: Parts) -> Self {
        let confirmed = parts.clock.now();
        let mut key = [[0; 8]; 2];
        key.iter_mut().for_each(|half| parts.entropy.fill(half));
        let (client, environment) = (parts.upstreams.client().clone(), parts.upstreams.environment().clone());
        let detectors =
            Detectors::new(client, environment, parts.models, Arc::clone(&parts.clock), &parts.engine);
        detectors.keep(&parts.snapshot);
        custom::prepare(&parts.snapshot, &parts.engine);
        topics::prepare(&parts.snapshot);
        Self(Arc::new(Inner {
            ports: Ports {
                recorder: parts.recorder,
                capture: parts.capture,
                holding: parts.holding,
                clock: parts.clock,
                meter: parts.meter,
                tracer: parts.tracer,
            },
            entropy: parts.entropy,
            engine: parts.engine,
            upstreams: parts.upstreams,
            detectors,
            snapshot: ArcSwap::from_pointee(parts.snapshot),
            ahead: Ahead::default(),
            confirmed: AtomicI64::new(confirmed.as_millis()),
            ready: AtomicBool::new(false),
            limits: Limits::new(parts.counters),
            health: Health::default(),
            shedder: Shedder::new(Instant::now()),
            abuse: Abuse::new(key),
            running: Registry::new(parts.options.max_calls),
            files: Arc::new(FileMemory::new(parts.options.max_file_memory)),
            unknown: UnknownCalls::default(),
            options: parts.options,
        }))
    }

    /// The memory that files are read in, for those who inspect some beside its calls.
    pub fn file_memory(&self) -> Arc<FileMemory> {
        Arc::clone(&self.0.files)
    }

    /// Takes over a whole state. Calls that have begun keep the Snapshot they saw; connections stay.
    pub fn load(&self, state: &State) {
        self.change(|_| Snapshot::compile(state));
    }

    /// Takes over what facts touched. Calls that run and use what was quarantined by them end, where the fact says so.
    pub fn advance(&self, state: &State, touched: &[Touched]) {
        self.change(|snapshot| snapshot.advance(state, touched));
        for at in touched {
            if let Touched::Quarantine(subject) = at
                && let Some(standing) = state.quarantine(subject)
                && standing.quarantine.in_flight == InFlight::Cancel
            {
                self.0.running.cancel(subject);
            }
        }
    }

    /// Changes the Snapshot; what is contained before the log knows of it stays so.
    pub(crate) fn change(&self, change: impl FnOnce(&Snapshot) -> Snapshot) {
        let ahead = self.0.ahead.lock();
        let next = ahead.onto(change(&self.0.snapshot.load()));
        self.0.upstreams.keep(&next);
        self.0.detectors.keep(&next);
        custom::prepare(&next, &self.0.engine);
        topics::prepare(&next);
        self.0.snapshot.store(Arc::new(next));
    }

    /// The Snapshot in force.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.snapshot.load_full()
    }

    /// Says that the Snapshot is the log's latest at this time. Routes close when this was too long ago.
    pub fn confirm(&self, now: Timestamp) {
        // Not the latest: after a clock was set back, a time in the future would hide that the log is gone.
        self.0.confirmed.store(now.as_millis(), Ordering::Release);
    }

    /// Says whether the gateway wants calls. It serves those that come all the same.
    pub fn set_ready(&self, ready: bool) {
        self.0.ready.store(ready, Ordering::Release);
    }

    /// Whether the gateway wants calls.
    pub fn is_ready(&self) -> bool {
        self.0.ready.load(Ordering::Acquire)
    }

    /// The running calls.
    pub fn running(&self) -> &Registry {
        &self.0.running
    }

    /// Forgets the counters of limits that a state does not have any more.
    pub fn forget_limits(&self, state: &State) {
        let known = |name: &Name| state.resource(Kind::Limit, name).is_some();
        self.0.limits.retain(known, self.0.ports.clock.now());
    }

    /// How much of a limit's tokens or money is used in its window, and how much there is; nothing where it counts neither, is
    /// counted elsewhere, or its counters are not rebuilt yet.
    pub fn used(&self, limit: &Name, now: Timestamp) -> Option<(u64, u64)> {
        self.snapshot().limit(limit).and_then(|limit| self.0.limits.used(limit, now))
    }

    /// How the targets do.
    pub fn health(&self) -> &Health {
        &self.0.health
    }

    /// What is let in when there is more to do than can be done.
    pub fn shedder(&self) -> &Shedder {
        &self.0.shedder
    }

    /// The detectors, and how they do.
    pub fn detectors(&self) -> &Detectors {
        &self.0.detectors
    }

    /// Tests the detectors until `stop`.
    pub async fn test_detectors(self, stop: impl Future<Output = ()>) {
        self.0.detectors.test(stop).await;
    }

    /// What principals' calls look like together.
    pub fn abuse(&self) -> &Abuse {
        &self.0.abuse
    }

    /// Looks, until `stop`, how long a task that is ready waits for its turn: what the shedder goes by.
    pub async fn watch(self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            self.0.shedder.look().await;
        }
    }

    /// Records what was counted of unknown callers, when its period is over or, with `all`, at once.
    pub fn flush_unknown(&self, all: bool) {
        let frame = if all { self.0.unknown.drain() } else { self.0.unknown.due(self.0.ports.clock.now()) };
        self.0.record_unknown(frame);
    }

    /// Whether a keyed digest in a call's record is the one of this content.
    pub fn is_content(&self, call: CallId, content: &[u8], digest: cordon_core::Digest) -> bool {
        self.0.content_key(call).digest(content) == digest
    }

    /// The keyed digest by which held content is known, of a text with the channel that it came in.
    pub fn held_digest(&self, what: (HeldKind, Option<Channel>), bytes: &[u8]) -> cordon_core::Digest {
        held::digest(&self.0.options.pseudonym_key, what, bytes)
    }

    /// The pseudonym of a person, as records have it.
    pub fn pseudonym(&self, subject: &str) -> cordon_core::Digest {
        self.0.options.pseudonym_key.digest(subject.as_bytes())
    }

    /// Answers a request.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<ReleasedBody>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let started = Instant::now();
        let (parts, body) = request.into_parts();
        let path = parts.uri.path();
        match (&parts.method, path) {
            (&Method::GET, "/healthz") => return respond::json_response(200, br#"{"status":"ok"}"#.to_vec()),
            (&Method::GET, "/readyz") => {
                return match self.is_ready() {
                    true => respond::json_response(200, br#"{"status":"ready"}"#.to_vec()),
                    false => respond::json_response(503, br#"{"status":"not ready"}"#.to_vec()),
                };
            }
            (&Method::GET, "/v2" | "/v2/health/live" | "/v2/health/ready") => {
                return catalog::server(path, self.is_ready());
            }
            _ => {}
        }
        let inner = Arc::clone(&self.0);
        let (id, time) = inner.new_call();
        let received = Call {
            id,
            time,
            snapshot: inner.snapshot.load_full(),
            stage: Received { headers: parts.headers },
        };
        let endpoint = Endpoint::at(&parts.uri);
        let dialect = Dialect::of(path, &received.stage.headers);
        let is_posted = endpoint.is_some();
        match (&parts.method, endpoint) {
            (&Method::POST, Some(endpoint)) => {
                let (place, call) = match inner.enter(received) {
                    Ok(entered) => entered,
                    Err(refusal) => {
                        return inner.turn_away(&refusal, id, time, started, endpoint.posted.dialect());
                    }
                };
                let (sender, head) = oneshot::channel();
                let gone = Cancel::default();
                let presence = Presence::new(gone.clone());
                // The call's own task closes its record and gives back its places, whatever becomes of this one. It is
                // some ten kilobytes: in a box it is not copied again each time that the runtime moves the task's state.
                let call = inner.post(endpoint, place, call, body, started, Answer::new(sender), gone);
                tokio::spawn(Box::pin(call));
                match head.await {
                    Ok(response) => response.map(|body| body.with(presence)),
                    Err(_) => respond::refusal(&Refusal::new(RefusalCode::Internal, ""), id, dialect),
                }
            }
            (&Method::POST, None) if path == moderation::PATH => {
                // In a box: no other call carries it about.
                Box::pin(inner.moderate(received, body, started)).await
            }
            (method, None) if uploads::has(path) => match uploads::Asked::of(method, &parts.uri) {
                Ok(asked) => Box::pin(inner.file(asked, received, body, started)).await,
                Err(code) => inner.turn_away(&Refusal::new(code, ""), id, time, started, dialect),
            },
            (&Method::GET, None) if catalog::has(path) => inner.catalogued(received, path, started).await,
            _ if is_posted || matches!(path, "/v1/models" | moderation::PATH) => {
                inner.turn_away(&Refusal::new(RefusalCode::MethodNotAllowed, ""), id, time, started, dialect)
            }
            _ => inner.turn_away(&Refusal::new(RefusalCode::NotFound, ""), id, time, started, dialect),
        }
    }
}

impl Inner {
    fn new_call(&self) -> (CallId, Timestamp) {
        let time = self.ports.clock.now();
        let mut random = [0; 10];
        self.entropy.fill(&mut random);
        (CallId::new(time, random), time)
    }

    pub(crate) fn snapshot_age(&self, now: Timestamp) -> DurationMs {
        now.since(Timestamp::from_millis(self.confirmed.load(Ordering::Acquire)))
    }

    fn record_unknown(&self, frame: Option<cordon_core::record::Frame>) {
        if let Some(bytes) = frame.and_then(|frame| frame.encode().ok()) {
            self.ports.recorder.offer(vec![bytes]);
        }
    }

    /// Refuses a call whose caller is not known: counted and sampled, so that it cannot fill the disk.
    pub(crate) fn turn_away(
        &self,
        refusal: &Refusal,
        id: CallId,
        time: Timestamp,
        started: Instant,
        dialect: Dialect,
    ) -> Response<ReleasedBody> {
        self.ports.meter.unknown_refused(refusal.code);
        let frame = self.unknown.count(id, refusal.code, time);
        self.record_unknown(frame);
        let mut response = respond::refusal(refusal, id, dialect);
        let timings = Timings { total: micros(started), ..Timings::default() };
        respond::seal(&mut response, id, Action::Allow, &timings);
        response
    }

    /// A new record of a known caller's call.
    pub(crate) fn record(&self, call: &Call<Known>, operation: Operation, started: Instant) -> CallRecord {
        let identity = call.stage.identity();
        let parent = Parent::of(call.stage.headers());
        let trace = CallTrace::new(call.id, parent, |id, parent| self.ports.tracer.sample(id, parent));
        let opened = Opened {
            call: call.id,
            time: call.time,
            operation,
            stream: false,
            principal: identity.principal.name.clone(),
            team: identity.principal.team.clone(),
            key: identity.key.id,
            route: None,
            owner: None,
            system: None,
            model: None,
            service: None,
            region: None,
            mode: RouteMode::Normal,
            position: call.snapshot.position(),
            build: self.options.build.into(),
            rules: self.engine.rules_digest(),
            input: RecordedVerdict::default(),
            request_digest: None,
            request_bytes: 0,
            subject: None,
            conversation: None,
            prompt: None,
            taint: Taint::default(),
            normalised: Normalised::default(),
            // A trace that begins here has the call's own id.
            trace: trace.parent().map(|parent| parent.trace.to_string()),
            counted: None,
        };
        CallRecord::new(self.ports.clone(), started, opened, trace)
    }

    /// The whole life of a call that posts a request.
    #[expect(clippy::too_many_arguments, reason = "what a call begins with")]
    async fn post<B>(
        self: Arc<Self>,
        endpoint: Endpoint,
        place: Place,
        call: Call<Known>,
        body: B,
        started: Instant,
        mut answer: Answer,
        gone: Cancel,
    ) where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let principal = Arc::clone(&call.stage.identity().principal);
        let mut record = self.record(&call, endpoint.posted.operation(), started);
        let mut style = exchange::Style::of(endpoint.posted);
        let result = tokio::select! {
            biased;
            () = place.cancel().cancelled() => Err(Refusal::new(RefusalCode::Cancelled, "ended from within")),
            () = gone.cancelled() => Err(Refusal::new(RefusalCode::CallerGone, "")),
            result = self.steps(&endpoint, call, body, &place, &mut record, &mut answer, &mut style) => result,
        };
        if let Err(refusal) = result {
            exchange::refuse(&refusal, &mut record, &mut answer, &style).await;
        }
        if let Some(prompt) = record.prompt.filter(|_| record.was_refused_for_content()) {
            self.abuse.refused(&principal.name, prompt);
        }
    }

    /// The steps of a call that posts a request, in their order. Dropping this future ends whatever it waits for, the upstream too.
    #[expect(clippy::too_many_arguments, reason = "the list of steps needs what all of them need")]
    async fn steps<B>(
        &self,
        endpoint: &Endpoint,
        call: Call<Known>,
        body: B,
        place: &Place,
        record: &mut CallRecord,
        answer: &mut Answer,
        style: &mut exchange::Style,
    ) -> Result<(), Refusal>
    where
        B: Body<Data = Bytes>,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let (bytes, limits) = self.receive(&call, body, record, || style.hang_up()).await?;
        let of_caller = limits.len();

        // Admit: the route that the body names, its rights and limits.
        let parsing = Instant::now();
        let tree = json::Value::parse(&bytes, json::Limits { bytes: bytes.len(), ..json::Limits::default() })
            .map_err(|error| Refusal::new(RefusalCode::InvalidJson, error.to_string()))?;
        let request = endpoint.read(tree, call.stage.headers())?;
        let parsed = micros(parsing);
        let age = self.snapshot_age(call.time);
        let admitting = Instant::now();
        let call = admit(call, request.route(), bytes.len(), age, limits)?;
        let route = Arc::clone(call.stage.route());
        *style = exchange::Style::new(&route, &request, call.time);
        record.routed(&route);
        let prompt = prompt::of(&self.options.pseudonym_key, &request);
        record.describe(|opened| opened.prompt = prompt);
        self.describe(record, &call, &request, &bytes);
        self.room_on_route(&call)?;
        let of_route = call.stage.limits().get(of_caller..).unwrap_or_default();
        self.limits.admit(of_route, &mut record.counting, call.time).await?;
        let all = || call.stage.limits().iter().map(AsRef::as_ref);
        if limits::need_shape(all()) {
            limits::bounds(record.counting.shape.insert(request.shape()), all())?;
        }
        mode::opens(call.snapshot.quarantined(), &route, &request)?;
        quarantine::prompt(call.snapshot.quarantined(), prompt)?;
        let principal = &call.stage.identity().principal.name;
        let seen = self.abuse.see(principal, call.stage.guard(), &request.turn(), call.time)?;
        record.prompt = seen.prompt;
        let seed = self.seed(&route, &call, &request);
        let tools: Vec<ToolName> = request.tools().filter_map(ToolName::parse).collect();
        if route.content != ContentCapture::None {
            if !self.ports.capture.is_ready() {
                let why = "the route captures content, and there is no key to keep it under";
                return Err(Refusal::new(RefusalCode::ContentUnavailable, why));
            }
            let mut capturing = Capturing::new(&route, record.content_key(self).clone());
            capturing.received(&bytes);
            record.capture(capturing);
        }
        record.end.timings.admit = micros(admitting);

        // Inspect the request, choose a target, dispatch; the answer goes back through the output gate.
        let inspecting = Instant::now();
        let cleared = exchange::clear(call, request, &seen, prompt, self, record).await;
        // Of a request that is refused for what it holds, too.
        record.end.timings.inspect_input = parsed.saturating_add(micros(inspecting));
        let call = cleared?;
        let used = quarantine::used(&route, prompt, tools);
        place.uses(used.iter().cloned());
        // A quarantine that came while the request was inspected has not found this call: look again.
        quarantine::none(self.snapshot.load().quarantined(), &used)?;
        exchange::exchange(call, seed, self, place, record, answer, style).await
    }

    fn describe(
        &self,
        record: &mut CallRecord,
        call: &Call<crate::admit::Admitted>,
        request: &Asked,
        bytes: &[u8],
    ) {
        let route = call.stage.route();
        let header_subject = self.header_subject(call.stage.headers());
        record.senders = self.senders([request.subject(), header_subject]);
        let pseudonym = |text: &str| self.options.pseudonym_key.digest(text.as_bytes());
        let digest = record.content_key(self).digest(bytes);
        record.describe(|opened| {
            opened.stream = request.stream();
            opened.route = Some(route.name.clone());
            opened.owner = Some(route.team.clone());
            opened.system = route.system.clone();
            opened.request_digest = Some(digest);
            opened.subject = request.subject().or(header_subject).map(pseudonym);
            opened.conversation = request.conversation().map(pseudonym);
        });
    }

    /// The key of a call's content digests: its own, derived from its id.
    pub(crate) fn content_key(&self, call: CallId) -> HmacKey {
        HmacKey::from_bytes(*self.options.digest_key.digest(call.as_bytes()).as_bytes())
    }
}
