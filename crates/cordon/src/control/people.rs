//! Signing in and out, and the endpoints about people.

use std::net::IpAddr;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use cordon_core::UserId;

use super::{
    Shared,
    access::By,
    handlers::{Answer, Asked, Body, asked, read, wrong},
};
use crate::{
    api::{
        List, Problem,
        people::{
            AddUser, ChangePassword, DisableUser, Enrol, Enrolment, GrantView, Login, Me, NewToken, SetRole,
            TokenLogin, TokenMade, UserView,
        },
    },
    identity::{Callback, Peer},
};

type From = Option<Extension<Peer>>;

pub(super) async fn login(
    State(shared): State<Shared>,
    peer: From,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let wish: Login = read(body)?;
    let identity = &shared.state.identity;
    let signed_in = identity.sign_in(&wish.login, wish.password, &headers, address(peer)).await?;
    let me = identity.me(&signed_in.caller).await?;
    Ok(([(header::SET_COOKIE, signed_in.cookie)], Json(me)).into_response())
}

pub(super) async fn token_login(
    State(shared): State<Shared>,
    peer: From,
    headers: HeaderMap,
    body: Body,
) -> Answer<TokenMade> {
    let wish: TokenLogin = read(body)?;
    Ok(Json(shared.state.identity.token_for_password(wish, &headers, address(peer)).await?))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Next {
    next: Option<String>,
}

pub(super) async fn depart(
    State(shared): State<Shared>,
    query: Asked<Next>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let next = asked(query)?.next;
    let departure = shared.state.identity.depart(next.as_deref(), &headers).await?;
    let headers = [(header::LOCATION, departure.location), (header::SET_COOKIE, departure.cookie)];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

pub(super) async fn arrive(
    State(shared): State<Shared>,
    query: Asked<Callback>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (signed_in, next, clear) = shared.state.identity.arrive(asked(query)?, &headers).await?;
    let location = HeaderValue::try_from(next).unwrap_or(HeaderValue::from_static("/"));
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response();
    for cookie in [Some(signed_in.cookie), clear].into_iter().flatten() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

pub(super) async fn enrol(
    State(shared): State<Shared>,
    peer: From,
    headers: HeaderMap,
    body: Body,
) -> Answer<UserView> {
    let wish: Enrol = read(body)?;
    let identity = &shared.state.identity;
    identity.site().same_origin(&headers, false)?;
    let user = identity.enrol(&wish.secret, wish.password, address(peer)).await?;
    Ok(Json(identity.user(user).await?))
}

pub(super) async fn logout(State(shared): State<Shared>, caller: By) -> Result<Response, Problem> {
    let cookie = shared.state.identity.sign_out(&caller).await?;
    let done = Json(serde_json::json!({}));
    Ok(match cookie.filter(|_| caller.csrf().is_some()) {
        Some(cookie) => ([(header::SET_COOKIE, cookie)], done).into_response(),
        None => done.into_response(),
    })
}

pub(super) async fn me(State(shared): State<Shared>, caller: By) -> Answer<Me> {
    Ok(Json(shared.state.identity.me(&caller).await?))
}

pub(super) async fn change_password(
    State(shared): State<Shared>,
    peer: From,
    caller: By,
    body: Body,
) -> Answer<Me> {
    let wish: ChangePassword = read(body)?;
    let identity = &shared.state.identity;
    identity.change_password(&caller, wish.old, wish.new, address(peer)).await?;
    Ok(Json(identity.me(&caller).await?))
}

pub(super) async fn my_grants(State(shared): State<Shared>, caller: By) -> Answer<List<GrantView>> {
    let items = match caller.user() {
        Some(user) => shared.state.identity.grants(&caller, Some(user)).await?,
        None => Vec::new(),
    };
    Ok(Json(List { items }))
}

pub(super) async fn end_my_grant(
    State(shared): State<Shared>,
    caller: By,
    Path(id): Path<String>,
) -> Answer<List<GrantView>> {
    let nobody = || Problem::new(404, "not_found", "it does not exist", "the token is nobody's session");
    let user = caller.user().ok_or_else(nobody)?;
    shared.state.identity.end_grant(user_id(&id)?, Some(user)).await?;
    Ok(Json(List { items: shared.state.identity.grants(&caller, Some(user)).await? }))
}

pub(super) async fn make_token(State(shared): State<Shared>, caller: By, body: Body) -> Answer<TokenMade> {
    let wish: NewToken = read(body)?;
    Ok(Json(shared.state.identity.make_token(&caller, wish).await?))
}

pub(super) async fn grants(State(shared): State<Shared>, caller: By) -> Answer<List<GrantView>> {
    Ok(Json(List { items: shared.state.identity.grants(&caller, None).await? }))
}

pub(super) async fn end_grant(
    State(shared): State<Shared>,
    caller: By,
    Path(id): Path<String>,
) -> Answer<List<GrantView>> {
    shared.state.identity.end_grant(user_id(&id)?, None).await?;
    Ok(Json(List { items: shared.state.identity.grants(&caller, None).await? }))
}

pub(super) async fn users(State(shared): State<Shared>) -> Answer<List<UserView>> {
    Ok(Json(List { items: shared.state.identity.users().await? }))
}

pub(super) async fn user(State(shared): State<Shared>, Path(id): Path<String>) -> Answer<UserView> {
    Ok(Json(shared.state.identity.user(user_id(&id)?).await?))
}

pub(super) async fn add_user(State(shared): State<Shared>, caller: By, body: Body) -> Answer<Enrolment> {
    let wish: AddUser = read(body)?;
    Ok(Json(shared.state.identity.add_user(wish, caller.0.actor).await?))
}

pub(super) async fn set_role(
    State(shared): State<Shared>,
    caller: By,
    Path(id): Path<String>,
    body: Body,
) -> Answer<UserView> {
    let wish: SetRole = read(body)?;
    Ok(Json(shared.state.identity.set_role(user_id(&id)?, wish.role, caller.0.actor).await?))
}

pub(super) async fn disable_user(
    State(shared): State<Shared>,
    caller: By,
    Path(id): Path<String>,
    body: Body,
) -> Answer<UserView> {
    let why: DisableUser = read(body)?;
    Ok(Json(shared.state.identity.disable_user(user_id(&id)?, why.reason, caller.0.actor).await?))
}

pub(super) async fn enable_user(
    State(shared): State<Shared>,
    caller: By,
    Path(id): Path<String>,
) -> Answer<UserView> {
    Ok(Json(shared.state.identity.enable_user(user_id(&id)?, caller.0.actor).await?))
}

pub(super) async fn reset_user(
    State(shared): State<Shared>,
    caller: By,
    Path(id): Path<String>,
) -> Answer<Enrolment> {
    Ok(Json(shared.state.identity.reset_user(user_id(&id)?, caller.0.actor).await?))
}

pub(super) async fn revoke_sessions(
    State(shared): State<Shared>,
    caller: By,
    Path(id): Path<String>,
) -> Answer<UserView> {
    Ok(Json(shared.state.identity.revoke_sessions(user_id(&id)?, caller.0.actor).await?))
}

fn address(peer: From) -> Option<IpAddr> {
    peer.map(|Extension(Peer(address))| address)
}

fn user_id(text: &str) -> Result<UserId, Problem> {
    UserId::parse(text).map_err(|error| wrong(&error))
}
