use axum::{
    Json,
    body::Bytes,
    extract::{
        Path, Query, State,
        rejection::{BytesRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use cordon_core::{CallId, KeyId, Name, Timestamp, record::ContentObject, resource::Kind};
use cordon_ledger::tiles::{CHECKPOINT, Tile, Tiles as _};
use serde::{Deserialize, de::DeserializeOwned};

use super::{Shared, access::By};
use crate::{
    api::{
        CallFilter, CallRecord, CallView, Certificate, Check, ContentView, CreateKey, Documents, Done,
        EraseContent, HistoryEntry, HoldView, KeyView, List, Plan, Problem, ReleaseHold, ResourceView,
        RevokeKey, RotateKey, SetHold, Version,
    },
    proof::CallProof,
};

pub(super) type Answer<T> = Result<Json<T>, Problem>;
pub(super) type Asked<T> = Result<Query<T>, QueryRejection>;
pub(super) type Body = Result<Bytes, BytesRejection>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    kind: Option<String>,
    as_of: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AsOf {
    as_of: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryQuery {
    as_of: Option<Timestamp>,
    limit: Option<u32>,
}

/// Steps of a history when nobody says how many.
pub(crate) const HISTORY_PAGE: u32 = 50;

pub(super) async fn version() -> Json<Version> {
    Json(crate::version())
}

pub(super) async fn doctor(State(shared): State<Shared>) -> Json<List<Check>> {
    Json(List { items: (shared.state.doctor)().await })
}

pub(super) async fn schema(Path(word): Path<String>) -> Answer<serde_json::Value> {
    Ok(Json(kind(&word)?.schema().to_value()))
}

pub(super) async fn list(
    State(shared): State<Shared>,
    query: Asked<ListQuery>,
) -> Answer<List<ResourceView>> {
    let query = asked(query)?;
    let kind = query.kind.as_deref().map(kind).transpose()?;
    Ok(Json(List { items: shared.state.desk.list(kind, query.as_of).await? }))
}

pub(super) async fn one(
    State(shared): State<Shared>,
    Path((word, text)): Path<(String, String)>,
    query: Asked<AsOf>,
) -> Answer<ResourceView> {
    Ok(Json(shared.state.desk.get(kind(&word)?, &name(&text)?, asked(query)?.as_of).await?))
}

pub(super) async fn history(
    State(shared): State<Shared>,
    Path((word, text)): Path<(String, String)>,
    query: Asked<HistoryQuery>,
) -> Answer<List<HistoryEntry>> {
    let query = asked(query)?;
    let limit = query.limit.unwrap_or(HISTORY_PAGE);
    Ok(Json(List {
        items: shared.state.desk.history(kind(&word)?, &name(&text)?, query.as_of, limit).await?,
    }))
}

pub(super) async fn delete(
    State(shared): State<Shared>,
    caller: By,
    Path((word, text)): Path<(String, String)>,
) -> Answer<Done> {
    Ok(Json(shared.state.desk.delete(kind(&word)?, name(&text)?, caller.0.actor).await?))
}

pub(super) async fn plan(State(shared): State<Shared>, body: Body) -> Answer<Plan> {
    let documents: Documents = read(body)?;
    Ok(Json(shared.state.desk.plan(documents).await?))
}

pub(super) async fn apply(State(shared): State<Shared>, caller: By, body: Body) -> Answer<Plan> {
    let documents: Documents = read(body)?;
    Ok(Json(shared.state.desk.apply(documents, caller.0.actor).await?))
}

pub(super) async fn keys(State(shared): State<Shared>, query: Asked<AsOf>) -> Answer<List<KeyView>> {
    Ok(Json(List { items: shared.state.desk.keys(asked(query)?.as_of).await? }))
}

pub(super) async fn create_key(State(shared): State<Shared>, caller: By, body: Body) -> Answer<KeyView> {
    let wish: CreateKey = read(body)?;
    Ok(Json(shared.state.desk.create_key(wish, caller.0.actor).await?))
}

pub(super) async fn rotate_key(
    State(shared): State<Shared>,
    caller: By,
    Path(id): Path<String>,
    body: Body,
) -> Answer<KeyView> {
    let wish: RotateKey = read(body)?;
    Ok(Json(shared.state.desk.rotate_key(key(&id)?, wish, caller.0.actor).await?))
}

pub(super) async fn revoke_key(
    State(shared): State<Shared>,
    caller: By,
    Path(id): Path<String>,
    body: Body,
) -> Answer<KeyView> {
    let why: RevokeKey = read(body)?;
    Ok(Json(shared.state.desk.revoke_key(key(&id)?, why, caller.0.actor).await?))
}

pub(super) async fn calls(State(shared): State<Shared>, query: Asked<CallFilter>) -> Answer<List<CallView>> {
    Ok(Json(List { items: shared.state.desk.calls().list(&asked(query)?).await? }))
}

pub(super) async fn call(State(shared): State<Shared>, Path(id): Path<String>) -> Answer<CallRecord> {
    let id = CallId::parse(&id).map_err(|error| wrong(&error))?;
    let found = shared.state.desk.calls().find(id).await?;
    found.map(Json).ok_or_else(|| {
        Problem::new(404, "not_found", "it does not exist", format!("call `{id}` is not recorded here"))
    })
}

pub(super) async fn proof(State(shared): State<Shared>, Path(id): Path<String>) -> Answer<CallProof> {
    let id = CallId::parse(&id).map_err(|error| wrong(&error))?;
    Ok(Json(shared.state.desk.prove(id).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ContentQuery {
    object: Option<ContentObject>,
}

pub(super) async fn content(
    State(shared): State<Shared>,
    caller: By,
    Path(id): Path<String>,
    query: Asked<ContentQuery>,
    headers: HeaderMap,
) -> Answer<ContentView> {
    // It reads, and it also records who does: nobody else's page makes somebody a reader.
    shared.state.identity.site().same_origin(&headers, false)?;
    let id = CallId::parse(&id).map_err(|error| wrong(&error))?;
    Ok(Json(shared.state.desk.content(id, asked(query)?.object, caller.0.actor).await?))
}

pub(super) async fn erase(State(shared): State<Shared>, caller: By, body: Body) -> Answer<Certificate> {
    let wish: EraseContent = read(body)?;
    Ok(Json(shared.state.desk.erase(wish, caller.0.actor).await?))
}

pub(super) async fn holds(State(shared): State<Shared>, query: Asked<AsOf>) -> Answer<List<HoldView>> {
    Ok(Json(List { items: shared.state.desk.holds(asked(query)?.as_of).await? }))
}

pub(super) async fn set_hold(State(shared): State<Shared>, caller: By, body: Body) -> Answer<Done> {
    let wish: SetHold = read(body)?;
    Ok(Json(shared.state.desk.set_hold(wish, caller.0.actor).await?))
}

pub(super) async fn release_hold(
    State(shared): State<Shared>,
    caller: By,
    Path(text): Path<String>,
    body: Body,
) -> Answer<Done> {
    let wish: ReleaseHold = read(body)?;
    Ok(Json(shared.state.desk.release_hold(name(&text)?, wish, caller.0.actor).await?))
}

/// The checkpoint, or a tile. Only these two forms of a path lead to a file.
pub(super) async fn ledger(
    State(shared): State<Shared>,
    Path(path): Path<String>,
) -> Result<Response, Problem> {
    let tiles = shared.state.tiles.clone();
    let text = path == CHECKPOINT;
    let read = move || match path.as_str() {
        CHECKPOINT => tiles.checkpoint(),
        path => Tile::parse(path).map_or(Ok(None), |tile| tiles.read(tile)),
    };
    let read = tokio::task::spawn_blocking(read).await;
    let bytes = read.map_err(std::io::Error::other).and_then(|read| read).map_err(|error| {
        Problem::new(503, "ledger_unavailable", "the ledger cannot be read", error.to_string())
    })?;
    let bytes =
        bytes.ok_or_else(|| Problem::new(404, "not_found", "it does not exist", "there is no such tile"))?;
    let kind = if text { "text/plain; charset=utf-8" } else { "application/octet-stream" };
    Ok(([(header::CONTENT_TYPE, kind)], bytes).into_response())
}

pub(super) async fn ready(State(shared): State<Shared>) -> Response {
    let obstacles = (shared.state.readiness)();
    if obstacles.is_empty() {
        return "ready\n".into_response();
    }
    let lines: String = obstacles.iter().map(|obstacle| format!("{obstacle}\n")).collect();
    (StatusCode::SERVICE_UNAVAILABLE, lines).into_response()
}

pub(super) async fn metrics(State(shared): State<Shared>) -> Response {
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &shared.state.metrics) {
        Ok(()) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(_) => {
            Problem::new(500, "internal", "something failed", "the metrics cannot be written").into_response()
        }
    }
}

pub(super) fn asked<T>(query: Asked<T>) -> Result<T, Problem> {
    query.map(|Query(query)| query).map_err(|error| wrong(&error.body_text()))
}

pub(super) fn read<T: DeserializeOwned>(body: Body) -> Result<T, Problem> {
    let bytes = body.map_err(|error| {
        let status = error.status().as_u16();
        let (word, title) = match status {
            413 => ("too_large", "the body is too large"),
            _ => ("unreadable", "the body cannot be read"),
        };
        Problem::new(status, word, title, error.body_text())
    })?;
    serde_json::from_slice(&bytes).map_err(|error| wrong(&error))
}

pub(super) fn wrong(error: &dyn std::fmt::Display) -> Problem {
    Problem::new(400, "malformed", "the request cannot be read", error.to_string())
}

fn kind(word: &str) -> Result<Kind, Problem> {
    Kind::parse(word).ok_or_else(|| {
        let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        let word: String = word.chars().take(80).collect();
        wrong(&format!("`{word}` is no kind of resource; help: one of {}", kinds.join(", ")))
    })
}

fn name(text: &str) -> Result<Name, Problem> {
    Name::parse(text).map_err(|error| wrong(&error))
}

fn key(text: &str) -> Result<KeyId, Problem> {
    KeyId::parse(text).map_err(|error| wrong(&error))
}
