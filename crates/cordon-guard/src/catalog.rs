//! What callers may ask about the routes that they may use. It goes to no upstream.

use std::{sync::Arc, time::Instant};

use cordon_core::{
    Refusal, RefusalCode,
    json::{Object, Value},
    record::{Operation, Outcome},
};
use cordon_policy::RouteEntry;
use http::Response;

use crate::{
    admit::{limited, may_use},
    call::{Call, Received},
    dialect::Dialect,
    dispatch::permit,
    identify::Known,
    mode,
    pipeline::Inner,
    predict::{self, Address},
    quarantine,
    record::CallRecord,
    release::ReleasedBody,
    respond,
};

/// What the Open Inference Protocol has of the server itself: who it is, whether it lives, whether it is ready.
pub(crate) fn server(path: &str, is_ready: bool) -> Response<ReleasedBody> {
    let (status, member, value) = match path {
        "/v2/health/live" => (200, "live", Value::Bool(true)),
        "/v2/health/ready" => (if is_ready { 200 } else { 503 }, "ready", Value::Bool(is_ready)),
        _ => (200, "name", Value::from("cordon")),
    };
    let mut body: Object = [(member, value)].into_iter().collect();
    if member == "name" {
        body.insert("version", env!("CARGO_PKG_VERSION"));
        body.insert("extensions", Vec::<Value>::new());
    }
    respond::json_response(status, Value::from(body).to_vec())
}

/// Whether something is told at this path.
pub(crate) fn has(path: &str) -> bool {
    path == "/v1/models" || path.starts_with("/v1/models/") || path.starts_with("/v2/models/")
}

impl Inner {
    /// What is told at a path.
    pub(crate) async fn catalogued(
        &self,
        received: Call<Received>,
        path: &str,
        started: Instant,
    ) -> Response<ReleasedBody> {
        match path.strip_prefix("/v2/models/") {
            Some(named) => self.predictor(received, named, started).await,
            None => self.models(received, path.strip_prefix("/v1/models/"), started).await,
        }
    }

    /// `GET /v1/models` and `GET /v1/models/NAME`: the routes that this caller may use, and that are in use.
    async fn models(
        &self,
        received: Call<Received>,
        wanted: Option<&str>,
        started: Instant,
    ) -> Response<ReleasedBody> {
        let dialect = Dialect::of("/v1/models", &received.stage.headers);
        self.told(received, Operation::ListModels, dialect, started, |call| {
            let model = |route: &RouteEntry| -> Value {
                let members: [(&str, Value); 4] = [
                    ("id", route.name.as_str().into()),
                    ("object", "model".into()),
                    ("created", 0_u64.into()),
                    ("owned_by", route.team.as_str().into()),
                ];
                Value::Object(members.into_iter().collect())
            };
            match wanted {
                Some(wanted) => {
                    let route = usable(call, wanted)?;
                    opens(call, route).map(|()| model(route))
                }
                None => {
                    let identity = call.stage.identity();
                    let routes =
                        identity.key.routes.iter().filter_map(|name| call.snapshot.route(name.as_str()));
                    let usable =
                        routes.filter(|route| may_use(identity, route) && opens(call, route).is_ok());
                    let members: [(&str, Value); 2] = [
                        ("object", "list".into()),
                        ("data", usable.map(|route| model(route)).collect::<Vec<_>>().into()),
                    ];
                    Ok(Value::Object(members.into_iter().collect()))
                }
            }
        })
        .await
    }

    /// `GET /v2/models/NAME`, and below it `/versions/VERSION` and `/ready`: what a route for predictions takes and gives.
    async fn predictor(
        &self,
        received: Call<Received>,
        named: &str,
        started: Instant,
    ) -> Response<ReleasedBody> {
        let (named, readiness) = match named.strip_suffix("/ready") {
            Some(named) => (named, true),
            None => (named, false),
        };
        self.told(received, Operation::DescribeModel, Dialect::OpenInference, started, |call| {
            let address = Address::model(named)
                .ok_or_else(|| Refusal::new(RefusalCode::NotFound, "the path names no model"))?;
            let route = usable(call, address.route)?;
            let models = || route.models().filter_map(|model| call.snapshot.model(model));
            let mut versions: Vec<&str> =
                models().filter_map(|model| model.upstream_version.as_deref()).collect();
            versions.dedup();
            if address.version.is_some_and(|version| !versions.contains(&version)) {
                return Err(Refusal::new(
                    RefusalCode::ModelNotFound,
                    "no model of the route has this version",
                ));
            }
            if readiness {
                let members: [(&str, Value); 2] = [
                    ("name", route.name.as_str().into()),
                    ("ready", Value::Bool(opens(call, route).is_ok())),
                ];
                return Ok(Value::Object(members.into_iter().collect()));
            }
            let signature = models().find_map(|model| model.signature.as_deref());
            Ok(predict::metadata(route.name.as_str(), &versions, signature).into())
        })
        .await
    }

    /// Answers a known caller, under its limits, with a record. It takes a place as every call does: it counts among those that run
    /// at the same time, under overload it is refused, and it ends when its key or its principal is taken out.
    async fn told(
        &self,
        received: Call<Received>,
        operation: Operation,
        dialect: Dialect,
        started: Instant,
        tell: impl FnOnce(&Call<Known>) -> Result<Value, Refusal>,
    ) -> Response<ReleasedBody> {
        let (id, time) = (received.id, received.time);
        let (place, call) = match self.enter(received) {
            Ok(entered) => entered,
            Err(refusal) => return self.turn_away(&refusal, id, time, started, dialect),
        };
        let mut record = self.record(&call, operation, started);
        let identity = call.stage.identity();
        let limits = call.snapshot.caller_limits(&limited(identity));
        let admitted = match quarantine::caller(call.snapshot.quarantined(), identity) {
            Ok(()) => tokio::select! {
                biased;
                () = place.cancel().cancelled() => Err(Refusal::new(RefusalCode::Cancelled, "ended from within")),
                admitted = self.limits.admit(&limits, &mut record.counting, call.time) => admitted,
            },
            refused => refused,
        };
        answered(record, admitted.and_then(|()| tell(&call)), dialect).await
    }
}

/// Ends the record of a call that goes to no upstream, and answers it.
pub(crate) async fn answered(
    mut record: CallRecord,
    answer: Result<Value, Refusal>,
    dialect: Dialect,
) -> Response<ReleasedBody> {
    let id = record.call();
    let answered = match answer {
        Ok(body) => {
            let body = body.to_vec();
            record.end.response_bytes = body.len() as u64;
            record.close(Outcome::Released, 200).await.map(|()| respond::json_response(200, body))
        }
        Err(refusal) => {
            let recorded = record.refuse(&refusal).await;
            recorded.map(|()| respond::refusal(&refusal, id, dialect))
        }
    };
    let mut response = answered.unwrap_or_else(|unrecorded| respond::refusal(&unrecorded, id, dialect));
    record.seal_head(&mut response);
    response
}

/// Whether a route is in use: neither it nor its system is quarantined, it is on, and one of its models may be asked.
///
/// # Errors
/// When it is not, as a call to it would be told.
fn opens(call: &Call<Known>, route: &RouteEntry) -> Result<(), Refusal> {
    quarantine::route(call.snapshot.quarantined(), route)?;
    mode::is_on(route)?;
    if route.models().any(|model| permit(model, &call.snapshot).is_ok()) {
        return Ok(());
    }
    Err(Refusal::new(RefusalCode::Quarantined, "no model of the route is in use"))
}

/// A route that this caller may use.
fn usable<'c>(call: &'c Call<Known>, wanted: &str) -> Result<&'c Arc<RouteEntry>, Refusal> {
    let identity = call.stage.identity();
    let route = call.snapshot.route(wanted).filter(|route| may_use(identity, route));
    route.ok_or_else(|| Refusal::new(RefusalCode::ModelNotFound, "").param("model"))
}
