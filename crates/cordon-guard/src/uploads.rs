//! `/v1/files`: what callers let a service keep for them. An upload is inspected before anything of it reaches the service, by the
//! rules of its route, as a file in a message is; what a caller lists, reads and deletes is what it uploaded itself, and what it reads
//! is inspected again.
//!
//! Nobody names a model here. The route is the one that the caller names (header `cordon-route`, query or field `model`), or the only
//! one of its key that has a service of OpenAI's protocol; the service is that of the first of the route's models that has one. A file
//! lies at one service, so no other is asked instead.

mod ask;
mod asked;
pub mod form;
mod object;
mod owner;

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use cordon_core::{Channel, Refusal, RefusalCode, record::Outcome, resource::Protocol};
use cordon_files::Claim;
use cordon_policy::{Limits, RouteEntry, Snapshot};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, header};
use http_body::Body;
use tokio::sync::oneshot;

pub(crate) use self::asked::{Asked, has};
use self::{
    ask::{Ended, Given, Service},
    asked::{Query, Wanted},
    form::Form,
    object::{FileObject, Page},
    owner::Owner,
};
use crate::{
    admit::{Admitted, admit, may_use},
    call::{Call, Known, Received},
    custom,
    dialect::Dialect,
    dispatch::{Denied, Permit, permit},
    exchange::over,
    held::{Asking, Reviewing},
    inspection::{Inspection, Place as Standing, Seat, Verdict},
    mode,
    pipeline::{Answer, Inner},
    quarantine,
    record::{CallRecord, micros},
    registry::{Cancel, Place},
    release::{Presence, ReleasedBody},
    remote::{Answers, Needed},
    reserve::Deadline,
    respond, sensitivity,
    tree::{request::invalid, walk::MEDIA},
    upstream::Accept,
};

/// The header by which a caller names the route.
const ROUTE: HeaderName = HeaderName::from_static("cordon-route");
/// The part of a request that the name of a file is.
const NAME: &str = "file/filename";
/// The most files of one answer, and of a page that a service is asked for.
const MOST_FILES: usize = 1000;
/// The most pages that a service is asked for to make one answer.
const MOST_PAGES: usize = 20;
/// The most bytes of what a service says of one file.
const MOST_SAID: usize = 64 << 10;
/// The most bytes of a page.
const MOST_PAGE: usize = 4 << 20;

/// An upload that was inspected and may go on. Made by [`Inner::clear`] alone.
struct Cleared<'a>(Form<'a>);

impl Inner {
    /// Answers a request for files. Its own task closes its record, whatever becomes of the connection's.
    pub(crate) async fn file<B>(
        self: Arc<Self>,
        asked: Asked,
        received: Call<Received>,
        body: B,
        started: Instant,
    ) -> Response<ReleasedBody>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let (id, time, dialect) = (received.id, received.time, Dialect::Openai);
        let (place, call) = match self.enter(received) {
            Ok(entered) => entered,
            Err(refusal) => return self.turn_away(&refusal, id, time, started, dialect),
        };
        let (sender, head) = oneshot::channel();
        let gone = Cancel::default();
        let presence = Presence::new(gone.clone());
        let call = self.file_call(asked, place, call, body, started, Answer::new(sender), gone);
        tokio::spawn(Box::pin(call));
        match head.await {
            Ok(response) => response.map(|body| body.with(presence)),
            Err(_) => respond::refusal(&Refusal::new(RefusalCode::Internal, ""), id, dialect),
        }
    }

    /// The whole life of such a call.
    #[expect(clippy::too_many_arguments, reason = "what a call begins with")]
    async fn file_call<B>(
        self: Arc<Self>,
        asked: Asked,
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
        let mut record = self.record(&call, asked.operation(), started);
        let mut cut_off = false;
        let result = tokio::select! {
            biased;
            () = place.cancel().cancelled() => Err(Refusal::new(RefusalCode::Cancelled, "ended from within").into()),
            () = gone.cancelled() => Err(Refusal::new(RefusalCode::CallerGone, "").into()),
            result = self.file_steps(&asked, call, body, &place, &mut record, &mut cut_off) => result,
        };
        let mut response = match result {
            Ok(given) => given.release(&self, &mut record).await,
            Err(Ended::Failed(given)) => given.release(&self, &mut record).await,
            Err(Ended::Refused(refusal)) => {
                let recorded = record.refuse(&refusal).await;
                let refusal = recorded.as_ref().err().unwrap_or(&refusal);
                let mut response = respond::refusal(refusal, record.call(), Dialect::Openai);
                record.seal_refusal(&mut response);
                response
            }
        };
        if cut_off {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        answer.send(response);
    }

    /// The steps of such a call, in their order. Dropping this future ends whatever it waits for, the service too.
    async fn file_steps<B>(
        &self,
        asked: &Asked,
        call: Call<Known>,
        body: B,
        place: &Place,
        record: &mut CallRecord,
        cut_off: &mut bool,
    ) -> Result<Given, Ended>
    where
        B: Body<Data = Bytes>,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let (bytes, limits) = self.receive(&call, body, record, || *cut_off = true).await?;
        let query = Query::read(&asked.query)?;
        let form = match asked.wanted {
            Wanted::Upload => Some(Form::read(call.stage.headers(), &bytes)?),
            _ => None,
        };
        let in_form = form.as_ref().and_then(|form| form.route);
        let route = chosen(&call, [query.route, in_form])?;
        let admitting = Instant::now();
        let call = self.file_admitted(call, &route, &bytes, limits, record).await?;
        let route = Arc::clone(call.stage.route());
        quarantine::route(call.snapshot.quarantined(), &route)?;
        mode::is_on(&route)?;
        record.end.timings.admit = micros(admitting);

        // Inspect, before anything of it leaves.
        let inspecting = Instant::now();
        let inspection = self.of_files(&call);
        let mut labels = BTreeSet::new();
        let cleared = match form {
            Some(form) => {
                let mut verdict = Verdict::default();
                let cleared = self.clear(form, &call, &inspection, &mut verdict).await;
                let waiting = verdict.take_waiting();
                labels.clone_from(verdict.labels());
                record.input = verdict.into_recorded();
                record.end.timings.inspect_input = micros(inspecting);
                match cleared {
                    Ok(cleared) => Some(cleared),
                    Err(refusal) => {
                        let asking = Asking::admitted(&call);
                        let (refusal, held) = self.hold(refusal, waiting, asking, record).await;
                        record.input.held = held;
                        return Err(refusal.into());
                    }
                }
            }
            None => None,
        };
        let used = quarantine::used(&route, None, Vec::new());
        place.uses(used.iter().cloned());
        // A body may take its time: what was quarantined meanwhile holds for this call.
        let current = self.snapshot.load_full();
        quarantine::none(current.quarantined(), &used)?;
        let permit = keeper(&route, &current)?;
        let class = sensitivity::class(&labels, inspection.custom());
        sensitivity::bears(permit.target(), class, &labels)?;
        let target = quarantine::of_target(permit.target());
        let leave = place.at(target.clone());
        quarantine::none(self.snapshot.load().quarantined(), &target)?;
        record.goes_to(&permit);
        record.open();

        let deadline = Deadline::of(call.stage.limits().iter().map(AsRef::as_ref));
        let passed = Duration::from_micros(record.micros());
        let owner = Owner::new(&self.options.pseudonym_key, &call.stage.identity().principal.name);
        let mut service =
            Service { gateway: self, permit, call: &call, inspection: &inspection, owner: &owner, record };
        tokio::select! {
            biased;
            () = leave.cancelled() => Err(Refusal::new(RefusalCode::Quarantined, "its service was quarantined").into()),
            refusal = over(deadline, passed) => Err(refusal.into()),
            given = served(&mut service, &asked.wanted, &query, cleared) => given,
        }
    }

    /// Lets a call for files in to its route.
    async fn file_admitted(
        &self,
        call: Call<Known>,
        route: &str,
        bytes: &[u8],
        limits: Limits,
        record: &mut CallRecord,
    ) -> Result<Call<Admitted>, Refusal> {
        let of_caller = limits.len();
        let age = self.snapshot_age(call.time);
        let call = admit(call, route, bytes.len(), age, limits)?;
        let route = call.stage.route();
        record.routed(route);
        let digest = record.content_key(self).digest(bytes);
        let subject = self.header_subject(call.stage.headers());
        record.senders = self.senders([subject, None]);
        let subject = subject.map(|subject| self.options.pseudonym_key.digest(subject.as_bytes()));
        record.describe(|opened| {
            opened.subject = subject;
            opened.route = Some(route.name.clone());
            opened.owner = Some(route.team.clone());
            opened.system = route.system.clone();
            opened.request_digest = (!bytes.is_empty()).then_some(digest);
        });
        self.room_on_route(&call)?;
        let of_route = call.stage.limits().get(of_caller..).unwrap_or_default();
        self.limits.admit(of_route, &mut record.counting, call.time).await?;
        self.abuse.pass(&call.stage.identity().principal.name, call.stage.guard(), call.time)?;
        Ok(call)
    }

    /// The means to inspect files of a call.
    fn of_files(&self, call: &Call<Admitted>) -> Inspection {
        let guard = Arc::new(call.stage.guard().clone());
        let current = self.snapshot.load_full();
        Inspection::new(self.engine.clone(), guard, call.time, self.options.pseudonym_key.clone())
            .contained(current.quarantined())
            .in_memory(Arc::clone(&self.files))
            .structured(call.stage.route().files.clone())
            .reviewing_by(Reviewing::of(call, current, &self.options.pseudonym_key))
    }

    /// The input gate of an upload.
    async fn clear<'a>(
        &self,
        form: Form<'a>,
        call: &Call<Admitted>,
        inspection: &Inspection,
        verdict: &mut Verdict,
    ) -> Result<Cleared<'a>, Refusal> {
        let look = |by: &Inspection, verdict: &mut Verdict| {
            if let Some(name) = &form.name {
                worded(NAME, name, Channel::User, by, verdict);
                // The service says it again, and it must not be refused when the file is there already.
                worded(NAME, name, Channel::Model, by, verdict);
            }
            // What goes on as it came.
            for (part, words) in [("purpose", Some(form.purpose)), ("file/content-type", form.media_type)] {
                words.into_iter().for_each(|words| worded(part, words, Channel::User, by, verdict));
            }
            looked_into(form.file, &form.claim(), Channel::User, by, verdict)
        };
        self.with_others(call, inspection, verdict, look).await?;
        Ok(Cleared(form))
    }

    /// Inspects a file by what is built in, and by the detectors elsewhere that its guards name.
    ///
    /// # Errors
    /// When it may not go on.
    async fn with_others(
        &self,
        call: &Call<Admitted>,
        inspection: &Inspection,
        verdict: &mut Verdict,
        look: impl Fn(&Inspection, &mut Verdict) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let current = self.snapshot.load_full();
        let first = |by: &Inspection| look(by, &mut Verdict::default()).is_ok();
        let (inspection, mut broken) =
            self.detectors.reading(current.quarantined(), inspection.clone(), first).await;
        let needed = Needed::on(call.stage.route(), &current);
        broken.extend(self.detectors.broken(call.stage.guard(), needed, current.quarantined()));
        broken.extend(custom::broken(call.stage.guard(), &self.engine, current.quarantined()));
        let inspection = match self.detectors.beside(call.stage.guard(), current.quarantined()) {
            Some(used) => {
                let first = |by: &Inspection| look(by, &mut Verdict::default()).is_ok();
                Box::pin(self.detectors.after(&used, broken, inspection, first)).await
            }
            None if broken.is_empty() => inspection,
            None => inspection.answered(Answers::unavailable(broken)),
        };
        inspection.unanswered(verdict);
        look(&inspection, verdict)
    }
}

/// Does at the service what is wanted.
async fn served(
    service: &mut Service<'_>,
    wanted: &Wanted,
    query: &Query<'_>,
    cleared: Option<Cleared<'_>>,
) -> Result<Given, Ended> {
    match (wanted, cleared) {
        (Wanted::List, _) => listed(service, query).await,
        (Wanted::Describe(id), _) => {
            let file = service.owned(id).await?;
            service.tell(&[&file], &file.write())
        }
        (Wanted::Read(id), _) => {
            let file = service.owned(id).await?;
            read(service, &file).await
        }
        (Wanted::Delete(id), _) => {
            let file = service.owned(id).await?;
            let path = format!("/files/{}", file.id);
            let said = service.ask(Method::DELETE, &path, None, Accept::Json, MOST_SAID).await?;
            let gone = object::deleted(&object::tree(&said)?, &file.id)?;
            service.tell(&[], &gone)
        }
        (Wanted::Upload, Some(Cleared(form))) => {
            let name = service.owner.mark(form.name.as_deref().unwrap_or("file"));
            let written = form.write(&name, &service.boundary());
            let written =
                written.ok_or_else(|| Refusal::new(RefusalCode::Internal, "the boundary is in the file"))?;
            let said = service.ask(Method::POST, "/files", Some(written), Accept::Json, MOST_SAID).await?;
            let file = FileObject::read(&object::tree(&said)?, service.owner)?;
            let why = "the service does not keep the names of files, which say whose they are";
            let file = file.ok_or_else(|| Refusal::new(RefusalCode::UpstreamFailed, why))?;
            service.tell(&[&file], &file.write())
        }
        (Wanted::Upload, None) => Err(Refusal::new(RefusalCode::Internal, "an upload without a form").into()),
    }
}

/// The files of the caller's, as many as it asks for. Others' are passed over, which may take several pages of the service.
async fn listed(service: &mut Service<'_>, query: &Query<'_>) -> Result<Given, Ended> {
    let wanted = query.limit.unwrap_or(MOST_FILES).min(MOST_FILES);
    // Whether somebody else's file is there is not told by going on behind it.
    if let Some(after) = query.after {
        service.owned(after).await?;
    }
    let mut after = query.after.map(str::to_owned);
    let mut own: Vec<FileObject> = Vec::new();
    let mut more = false;
    for _ in 0..MOST_PAGES {
        let path = query.page(after.as_deref());
        let said = service.ask(Method::GET, &path, None, Accept::Json, MOST_PAGE).await?;
        let page = Page::read(&object::tree(&said)?, service.owner)?;
        own.extend(page.own);
        // A service that says the same page again has no other.
        more = page.next.is_some() && page.next != after;
        after = page.next;
        if own.len() > wanted || !more {
            break;
        }
    }
    more |= own.len() > wanted;
    own.truncate(wanted);
    let files: Vec<&FileObject> = own.iter().collect();
    service.tell(&files, &object::list(&own, more))
}

/// The bytes of a file, inspected like an upload: what a service gives back need not be what it was given.
async fn read(service: &mut Service<'_>, file: &FileObject) -> Result<Given, Ended> {
    let most = service.gateway.options.max_body_bytes;
    let path = format!("/files/{}/content", file.id);
    let bytes = service.ask(Method::GET, &path, None, Accept::File, most).await?;
    let inspecting = Instant::now();
    let mut verdict = Verdict::default();
    let claim = Claim { name: Some(&file.name), media_type: None };
    let look =
        |by: &Inspection, verdict: &mut Verdict| looked_into(&bytes, &claim, Channel::Document, by, verdict);
    let inspected = service.gateway.with_others(service.call, service.inspection, &mut verdict, look).await;
    service.record.end.output = verdict.into_recorded();
    service.record.end.timings.inspect_output = micros(inspecting);
    inspected?;
    Ok(Given::new(200, bytes, Outcome::Released).of_bytes())
}

/// Inspects the bytes of a file.
fn looked_into(
    bytes: &[u8],
    claim: &Claim<'_>,
    channel: Channel,
    by: &Inspection,
    verdict: &mut Verdict,
) -> Result<(), Refusal> {
    by.bytes(channel, &"file", bytes, claim, verdict, |by, verdict| {
        // A text that is longer than what a reader of files takes is read as it stands, like one in a message.
        if let Ok(text) = std::str::from_utf8(bytes) {
            worded("file", text, Channel::Document, by, verdict);
        }
        let _ = by.unseen(channel, &"file", MEDIA, bytes.len(), verdict);
    });
    verdict.refusal().map_or(Ok(()), Err)
}

/// Inspects words that stand in this part of a request or an answer about files, of which nothing can be cut.
fn worded(part: &'static str, words: &str, channel: Channel, by: &Inspection, verdict: &mut Verdict) {
    let seat = Seat { channel, place: Standing::Fixed, part: &part };
    let _ = by.signed(&seat, words, verdict);
    let mut cuts = Vec::new();
    let _ = by.rule(&seat, &by.inspect(channel, words), |span| span, verdict, &mut cuts);
    let _ = by.rule(&seat, by.second(&seat, words, &[]), |span| span, verdict, &mut cuts);
}

/// The route that a call for files is for.
fn chosen(call: &Call<Known>, named: [Option<&str>; 2]) -> Result<String, Refusal> {
    let in_header = in_header(call.stage.headers())?;
    let mut all = [in_header].into_iter().chain(named).flatten();
    if let Some(first) = all.next() {
        return match all.all(|other| other == first) {
            true => Ok(first.to_owned()),
            false => Err(invalid("model", "two routes are named")),
        };
    }
    let identity = call.stage.identity();
    let of_key = identity.key.routes.iter().filter_map(|name| call.snapshot.route(name.as_str()));
    let mut usable =
        of_key.filter(|route| may_use(identity, route) && keeps(route, &call.snapshot).is_some());
    match (usable.next(), usable.next()) {
        (Some(only), None) => Ok(only.name.as_str().to_owned()),
        (None, _) => Err(Refusal::new(
            RefusalCode::ModelNotFound,
            "no route of the key has a service that keeps files",
        )),
        (Some(_), Some(_)) => {
            Err(invalid("model", "no route is named, and the key has several").said(Some(SEVERAL.to_owned())))
        }
    }
}

/// What callers read who name no route and have several.
const SEVERAL: &str = "This key has several routes, and files are kept by the service of one: name it in the header `cordon-route`, \
    or as `model` in the query.";

fn in_header(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut all = headers.get_all(ROUTE).iter();
    let Some(first) = all.next() else { return Ok(None) };
    let text = first.to_str().ok().filter(|_| all.next().is_none());
    text.map(Some)
        .ok_or_else(|| invalid("model", "the header that names the route is there twice, or no text"))
}

/// The model of a route whose service keeps its files: the first one whose service speaks OpenAI's protocol, whatever the mode is. It
/// is always the same, so that a file is found again.
fn keeps<'r>(route: &'r RouteEntry, snapshot: &Snapshot) -> Option<&'r cordon_core::Name> {
    let models = route.targets.iter().map(|target| &target.model).chain(&route.fallback);
    models.into_iter().find(|model| {
        let service = snapshot.model(model).and_then(|spec| snapshot.service(&spec.service));
        service.is_some_and(|service| service.spec.protocol == Protocol::Openai)
    })
}

/// The right to ask the service that keeps a route's files.
fn keeper(route: &RouteEntry, snapshot: &Snapshot) -> Result<Permit, Refusal> {
    let none = || {
        let words = "This route has no service that keeps files: one of its models must be at a service of OpenAI's protocol.";
        invalid("model", "no model of the route is at a service of OpenAI's protocol")
            .said(Some(words.to_owned()))
    };
    let model = keeps(route, snapshot).ok_or_else(none)?;
    permit(model, snapshot).map_err(|denied| match denied {
        Denied::Missing => none(),
        Denied::Quarantined { subject, .. } => quarantine::refused(RefusalCode::Quarantined, &subject),
    })
}
