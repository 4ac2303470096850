use std::cmp::Reverse;

use axum::{Json, body::Bytes, extract::State, http::HeaderMap};
use cordon_core::{
    CallId, KeyId, Name, Score, Timestamp, containment::Subject, record::ContentObject, resource::Kind,
};
use cordon_ledger::tiles::Tiles as _;
use cordon_store::{calls::CallQuery, ledger::TileFolder};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Shared,
    access::By,
    answer::{Alive, Answer, Checkpoint, Metrics, Readiness, TileBytes},
    openapi::Document,
    paging::{Everything, Paged},
    request::{Asked, Of, Sent, TilePath, no_tile},
};
use crate::{
    api::{
        CallFilter, CallRecord, CallView, Certificate, Check, ContentView, CreateKey, Documents, Done,
        EraseContent, HistoryEntry, HoldView, KeyView, List, Plan, Problem, ReleaseHold, ResourceView,
        RevokeKey, RotateKey, SetHold, Version,
        curve::{Curve, CurveQuery, Effectiveness, EffectivenessQuery},
        detectors::DetectorStatus,
        feedback::{Feedback, FeedbackQuery, LabelFinding},
        inspect::{Inspect, Inspected},
        limits::{LimitMeasure, LimitUsage, UsageQuery},
        quarantine::{
            EffectQuery, LiftQuarantine, Lifted, OrderQuarantine, Ordered, QuarantineEffect, QuarantineView,
        },
        rates::{Categories, CategoriesQuery, Rates, RatesQuery},
        routes::RouteStatus,
        triggers::{LiftTrigger, TriggerLifted, TriggerStatus},
    },
    desk::rank,
    proof::CallProof,
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Of this kind.
    kind: Option<Kind>,
    /// As it was at this time.
    as_of: Option<Timestamp>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AsOf {
    /// As it was at this time.
    as_of: Option<Timestamp>,
}

/// Steps of a history when nobody says how many.
pub(crate) const HISTORY_PAGE: u32 = 50;

pub(super) async fn version() -> Json<Version> {
    Json(crate::version())
}

pub(super) async fn doctor(State(shared): State<Shared>) -> Json<List<Check>> {
    Json(List::whole((shared.state.doctor)().await))
}

pub(super) async fn schema(Of(kind): Of<Kind>) -> Answer<serde_json::Value> {
    Ok(Json(kind.schema().to_value()))
}

pub(super) async fn openapi() -> Document {
    Document
}

pub(super) async fn list(
    State(shared): State<Shared>,
    Paged(query, page): Paged<ListQuery>,
) -> Answer<List<ResourceView>> {
    let after = page.after(|last| {
        let (kind, name) = last.split_once('/')?;
        Some((Kind::parse(kind)?, Name::parse(name).ok()?))
    })?;
    let desk = &shared.state.desk;
    let state = desk.standpoint(page.position(), query.as_of).await?;
    let resources = desk.resources(&state, query.kind, after, page.most() as usize).await?;
    Ok(Json(page.of(resources, state.position(), |last| format!("{}/{}", last.kind, last.name))))
}

pub(super) async fn one(
    State(shared): State<Shared>,
    Of((kind, name)): Of<(Kind, Name)>,
    Asked(query): Asked<AsOf>,
) -> Answer<ResourceView> {
    Ok(Json(shared.state.desk.get(kind, &name, query.as_of).await?))
}

pub(super) async fn history(
    State(shared): State<Shared>,
    Of((kind, name)): Of<(Kind, Name)>,
    Paged(query, page): Paged<AsOf>,
) -> Answer<List<HistoryEntry>> {
    let page = page.or(HISTORY_PAGE);
    let before = page.after(|last| last.parse().ok())?;
    let steps = shared.state.desk.history(kind, &name, query.as_of, before, page.most()).await?;
    Ok(Json(page.of(steps, 0, |last| last.meta.position.to_string())))
}

pub(super) async fn delete(
    State(shared): State<Shared>,
    caller: By,
    Of((kind, name)): Of<(Kind, Name)>,
) -> Answer<Done> {
    Ok(Json(shared.state.desk.delete(kind, name, caller.0.actor).await?))
}

pub(super) async fn plan(State(shared): State<Shared>, Sent(documents): Sent<Documents>) -> Answer<Plan> {
    Ok(Json(shared.state.desk.plan(documents).await?))
}

pub(super) async fn apply(
    State(shared): State<Shared>,
    caller: By,
    Sent(documents): Sent<Documents>,
) -> Answer<Plan> {
    Ok(Json(shared.state.desk.apply(documents, caller.0.actor).await?))
}

pub(super) async fn keys(
    State(shared): State<Shared>,
    Paged(query, page): Paged<AsOf>,
) -> Answer<List<KeyView>> {
    let after = page.after(|last| KeyId::parse(last).ok())?;
    let desk = &shared.state.desk;
    let state = desk.standpoint(page.position(), query.as_of).await?;
    let keys = desk.keys_of(&state, query.as_of, after, page.most() as usize);
    Ok(Json(page.of(keys, state.position(), |last| last.id.to_string())))
}

pub(super) async fn create_key(
    State(shared): State<Shared>,
    caller: By,
    Sent(wish): Sent<CreateKey>,
) -> Answer<KeyView> {
    Ok(Json(shared.state.desk.create_key(wish, caller.0.actor).await?))
}

pub(super) async fn rotate_key(
    State(shared): State<Shared>,
    caller: By,
    Of(id): Of<KeyId>,
    Sent(wish): Sent<RotateKey>,
) -> Answer<KeyView> {
    Ok(Json(shared.state.desk.rotate_key(id, wish, caller.0.actor).await?))
}

pub(super) async fn revoke_key(
    State(shared): State<Shared>,
    caller: By,
    Of(id): Of<KeyId>,
    Sent(why): Sent<RevokeKey>,
) -> Answer<KeyView> {
    Ok(Json(shared.state.desk.revoke_key(id, why, caller.0.actor).await?))
}

pub(super) async fn calls(
    State(shared): State<Shared>,
    Paged(query, page): Paged<CallFilter>,
) -> Answer<List<CallView>> {
    let page = page.or(CallQuery::PAGE);
    let before = page.after(|last| CallId::parse(last).ok())?;
    let filter = CallFilter { limit: Some(page.most()), ..query };
    let calls = shared.state.desk.calls().list(&filter, before).await?;
    Ok(Json(page.of(calls, 0, |last| last.call_id.to_string())))
}

pub(super) async fn call(State(shared): State<Shared>, Of(id): Of<CallId>) -> Answer<CallRecord> {
    let found = shared.state.desk.calls().find(id).await?;
    found.map(Json).ok_or_else(|| {
        Problem::new(404, "not_found", "it does not exist", format!("call `{id}` is not recorded here"))
    })
}

pub(super) async fn proof(State(shared): State<Shared>, Of(id): Of<CallId>) -> Answer<CallProof> {
    Ok(Json(shared.state.desk.prove(id).await?))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ContentQuery {
    /// Only this.
    object: Option<ContentObject>,
}

pub(super) async fn content(
    State(shared): State<Shared>,
    caller: By,
    Of(id): Of<CallId>,
    Asked(query): Asked<ContentQuery>,
    headers: HeaderMap,
) -> Answer<ContentView> {
    // It reads, and it also records who does: nobody else's page makes somebody a reader.
    shared.state.identity.site().same_origin(&headers, false)?;
    Ok(Json(shared.state.desk.content(id, query.object, caller.0.actor).await?))
}

pub(super) async fn feedback(
    State(shared): State<Shared>,
    Paged(query, page): Paged<FeedbackQuery>,
) -> Answer<List<Feedback>> {
    let before = page.after(|last| last.parse().ok())?;
    let said = shared.state.desk.feedback(query.call, before, query.as_of, page.most()).await?;
    Ok(Json(page.of(said, 0, |last| last.position.to_string())))
}

pub(super) async fn rates(State(shared): State<Shared>, Asked(query): Asked<RatesQuery>) -> Answer<Rates> {
    Ok(Json(shared.state.desk.rates(query).await?))
}

pub(super) async fn categories(
    State(shared): State<Shared>,
    Asked(query): Asked<CategoriesQuery>,
) -> Answer<Categories> {
    Ok(Json(shared.state.desk.categories(query).await?))
}

pub(super) async fn curve(State(shared): State<Shared>, Asked(query): Asked<CurveQuery>) -> Answer<Curve> {
    Ok(Json(shared.state.desk.curve(query).await?))
}

pub(super) async fn effectiveness(
    State(shared): State<Shared>,
    Asked(query): Asked<EffectivenessQuery>,
) -> Answer<Effectiveness> {
    Ok(Json(shared.state.desk.effectiveness(query).await?))
}

pub(super) async fn label(
    State(shared): State<Shared>,
    caller: By,
    Sent(wish): Sent<LabelFinding>,
) -> Answer<Done> {
    Ok(Json(shared.state.desk.label(wish, caller.0.actor).await?))
}

pub(super) async fn erase(
    State(shared): State<Shared>,
    caller: By,
    Sent(wish): Sent<EraseContent>,
) -> Answer<Certificate> {
    Ok(Json(shared.state.desk.erase(wish, caller.0.actor).await?))
}

pub(super) async fn holds(
    State(shared): State<Shared>,
    Paged(query, page): Paged<AsOf>,
) -> Answer<List<HoldView>> {
    let after = page.after(|last| Name::parse(last).ok())?;
    let desk = &shared.state.desk;
    let state = desk.standpoint(page.position(), query.as_of).await?;
    let holds = desk.holds_of(&state, after, page.most() as usize).await?;
    Ok(Json(page.of(holds, state.position(), |last| last.name.to_string())))
}

pub(super) async fn set_hold(
    State(shared): State<Shared>,
    caller: By,
    Sent(wish): Sent<SetHold>,
) -> Answer<Done> {
    Ok(Json(shared.state.desk.set_hold(wish, caller.0.actor).await?))
}

pub(super) async fn release_hold(
    State(shared): State<Shared>,
    caller: By,
    Of(name): Of<Name>,
    Sent(wish): Sent<ReleaseHold>,
) -> Answer<Done> {
    Ok(Json(shared.state.desk.release_hold(name, wish, caller.0.actor).await?))
}

pub(super) async fn routes(
    State(shared): State<Shared>,
    Paged(_, page): Paged<Everything>,
) -> Answer<List<RouteStatus>> {
    let after = page.after(|last| Name::parse(last).ok())?;
    let desk = &shared.state.desk;
    let state = desk.standpoint(page.position(), None).await?;
    let items = desk.routes_of(&state, after.as_ref(), page.most() as usize);
    Ok(Json(page.of(items, state.position(), |last| last.route.to_string())))
}

pub(super) async fn detectors(
    State(shared): State<Shared>,
    Paged(_, page): Paged<Everything>,
) -> Answer<List<DetectorStatus>> {
    let after = page.after(|last| Some(last.to_owned()))?;
    let desk = &shared.state.desk;
    let state = desk.standpoint(page.position(), None).await?;
    let items = desk.detectors_of(&state, after.as_deref(), page.most() as usize);
    Ok(Json(page.of(items, state.position(), |last| last.detector.clone())))
}

pub(super) async fn limits_in_use(
    State(shared): State<Shared>,
    Paged(query, page): Paged<UsageQuery>,
) -> Answer<List<LimitUsage>> {
    // What is used changes from page to page: each goes on behind the place where the last one ended.
    let after = page.after(|last| {
        let (share, rest) = last.split_once('/')?;
        let (limit, measure) = rest.split_once('/')?;
        let share = if share.is_empty() { None } else { Some(Score::from_millionths(share.parse().ok()?)) };
        let measure = LimitMeasure::ALL.into_iter().find(|known| known.as_str() == measure)?;
        Some((Reverse(share), Name::parse(limit).ok()?, measure))
    })?;
    let items = shared.state.desk.limits_in_use(query.name.as_ref()).await?;
    let later = |usage: &LimitUsage| after.as_ref().is_none_or(|after| rank(usage) > *after);
    let items = items.into_iter().filter(later).take(page.most() as usize).collect();
    Ok(Json(page.of(items, 0, |last| {
        let share = last.share.map(|share| share.millionths().to_string()).unwrap_or_default();
        format!("{share}/{}/{}", last.limit, last.measure.as_str())
    })))
}

pub(super) async fn triggers(
    State(shared): State<Shared>,
    Paged(_, page): Paged<Everything>,
) -> Answer<List<TriggerStatus>> {
    let after = page.after(|last| Name::parse(last).ok())?;
    let desk = &shared.state.desk;
    let state = desk.standpoint(page.position(), None).await?;
    let items = desk.triggers_of(&state, after.as_ref(), page.most() as usize).await;
    Ok(Json(page.of(items, state.position(), |last| last.trigger.to_string())))
}

pub(super) async fn lift_trigger(
    State(shared): State<Shared>,
    caller: By,
    Sent(wish): Sent<LiftTrigger>,
) -> Answer<TriggerLifted> {
    Ok(Json(shared.state.desk.lift_trigger(wish, caller.0.actor).await?))
}

pub(super) async fn quarantines(
    State(shared): State<Shared>,
    Paged(query, page): Paged<AsOf>,
) -> Answer<List<QuarantineView>> {
    let after = page.after(|last| Subject::parse(last).ok())?;
    let desk = &shared.state.desk;
    let state = desk.standpoint(page.position(), query.as_of).await?;
    let items = desk.quarantined_of(&state, after, page.most() as usize, query.as_of.is_none()).await?;
    Ok(Json(page.of(items, state.position(), |last| last.subject.to_string())))
}

pub(super) async fn quarantine(
    State(shared): State<Shared>,
    caller: By,
    Sent(wish): Sent<OrderQuarantine>,
) -> Answer<Ordered> {
    Ok(Json(shared.state.desk.quarantine(wish, caller.0.actor).await?))
}

pub(super) async fn lift_quarantine(
    State(shared): State<Shared>,
    caller: By,
    Sent(wish): Sent<LiftQuarantine>,
) -> Answer<Lifted> {
    Ok(Json(shared.state.desk.lift(wish, caller.0.actor).await?))
}

pub(super) async fn quarantine_effect(
    State(shared): State<Shared>,
    Asked(query): Asked<EffectQuery>,
) -> Answer<QuarantineEffect> {
    Ok(Json(shared.state.desk.quarantine_effect(query.subject).await?))
}

pub(super) async fn inspect(State(shared): State<Shared>, Sent(wish): Sent<Inspect>) -> Answer<Inspected> {
    Ok(Json(shared.state.desk.inspect(wish).await?))
}

pub(super) async fn checkpoint(State(shared): State<Shared>) -> Result<Checkpoint, Problem> {
    published(shared, |tiles| tiles.checkpoint()).await.map(Checkpoint)
}

pub(super) async fn tile(State(shared): State<Shared>, Of(path): Of<TilePath>) -> Result<TileBytes, Problem> {
    published(shared, move |tiles| tiles.read(path.0)).await.map(TileBytes)
}

async fn published(
    shared: Shared,
    read: impl FnOnce(&TileFolder) -> std::io::Result<Option<Vec<u8>>> + Send + 'static,
) -> Result<Bytes, Problem> {
    let tiles = shared.state.tiles.clone();
    let read = tokio::task::spawn_blocking(move || read(&tiles)).await;
    let bytes = read.map_err(std::io::Error::other).and_then(|read| read).map_err(|error| {
        Problem::new(503, "ledger_unavailable", "the ledger cannot be read", error.to_string())
    })?;
    bytes.map(Bytes::from).ok_or_else(no_tile)
}

pub(super) async fn alive() -> Alive {
    Alive
}

pub(super) async fn ready(State(shared): State<Shared>) -> Readiness {
    Readiness((shared.state.readiness)())
}

pub(super) async fn metrics(State(shared): State<Shared>) -> Result<Metrics, Problem> {
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &shared.state.metrics)
        .map_err(|_| Problem::new(500, "internal", "something failed", "the metrics cannot be written"))?;
    Ok(Metrics(text))
}
