//! Signing in and out, and the endpoints about people.

use std::net::IpAddr;

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use cordon_core::{Timestamp, UserId};

use super::{
    Shared,
    access::By,
    answer::{Answer, Cookied},
    paging::{Everything, Page, Paged},
    request::{Asked, Of, Sent},
};
use crate::{
    api::{
        List, Problem,
        people::{
            AddUser, ChangePassword, DisableUser, Enrol, Enrolment, GrantView, Login, Me, NewToken, Nothing,
            SetRole, TokenLogin, TokenMade, UserView,
        },
    },
    identity::{Callback, Peer},
};

type From = Option<Extension<Peer>>;

pub(super) async fn login(
    State(shared): State<Shared>,
    peer: From,
    headers: HeaderMap,
    Sent(wish): Sent<Login>,
) -> Result<Cookied<Me>, Problem> {
    let identity = &shared.state.identity;
    let signed_in = identity.sign_in(&wish.login, wish.password, &headers, address(peer)).await?;
    let me = identity.me(&signed_in.caller).await?;
    Ok(Cookied(Some(signed_in.cookie), me))
}

pub(super) async fn token_login(
    State(shared): State<Shared>,
    peer: From,
    headers: HeaderMap,
    Sent(wish): Sent<TokenLogin>,
) -> Answer<TokenMade> {
    Ok(Json(shared.state.identity.token_for_password(wish, &headers, address(peer)).await?))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Next {
    next: Option<String>,
}

pub(super) async fn depart(
    State(shared): State<Shared>,
    Asked(query): Asked<Next>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let next = query.next;
    let departure = shared.state.identity.depart(next.as_deref(), &headers).await?;
    let headers = [(header::LOCATION, departure.location), (header::SET_COOKIE, departure.cookie)];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

pub(super) async fn arrive(
    State(shared): State<Shared>,
    Asked(query): Asked<Callback>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (signed_in, next, clear) = shared.state.identity.arrive(query, &headers).await?;
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
    Sent(wish): Sent<Enrol>,
) -> Answer<UserView> {
    let identity = &shared.state.identity;
    identity.site().same_origin(&headers, false)?;
    let user = identity.enrol(&wish.secret, wish.password, address(peer)).await?;
    Ok(Json(identity.user(user).await?))
}

pub(super) async fn logout(State(shared): State<Shared>, caller: By) -> Result<Cookied<Nothing>, Problem> {
    let cookie = shared.state.identity.sign_out(&caller).await?;
    Ok(Cookied(cookie.filter(|_| caller.csrf().is_some()), Nothing {}))
}

pub(super) async fn me(State(shared): State<Shared>, caller: By) -> Answer<Me> {
    Ok(Json(shared.state.identity.me(&caller).await?))
}

pub(super) async fn change_password(
    State(shared): State<Shared>,
    peer: From,
    caller: By,
    Sent(wish): Sent<ChangePassword>,
) -> Answer<Me> {
    let identity = &shared.state.identity;
    identity.change_password(&caller, wish.old, wish.new, address(peer)).await?;
    Ok(Json(identity.me(&caller).await?))
}

pub(super) async fn my_grants(
    State(shared): State<Shared>,
    caller: By,
    Paged(Everything {}, page): Paged<Everything>,
) -> Answer<List<GrantView>> {
    match caller.user() {
        Some(user) => grants_on(&page, &shared, &caller, Some(user)).await,
        None => Ok(Json(List::whole(Vec::new()))),
    }
}

/// A page of what is good now: what ends meanwhile is on none, and nothing else moves.
async fn grants_on(page: &Page, shared: &Shared, caller: &By, of: Option<UserId>) -> Answer<List<GrantView>> {
    let after = page.after(|last| {
        let (created, id) = last.split_once('/')?;
        Some((Timestamp::from_millis(created.parse().ok()?), UserId::parse(id).ok()?))
    })?;
    let grants = shared.state.identity.grants_after(caller, of, after, page.most() as usize).await?;
    Ok(Json(page.of(grants, 0, |last| format!("{}/{}", last.created.as_millis(), last.id))))
}

pub(super) async fn end_my_grant(
    State(shared): State<Shared>,
    caller: By,
    Of(id): Of<UserId>,
) -> Answer<List<GrantView>> {
    let nobody = || Problem::new(404, "not_found", "it does not exist", "the token is nobody's session");
    let user = caller.user().ok_or_else(nobody)?;
    shared.state.identity.end_grant(id, Some(user)).await?;
    Ok(Json(List::whole(shared.state.identity.grants(&caller, Some(user)).await?)))
}

pub(super) async fn make_token(
    State(shared): State<Shared>,
    caller: By,
    Sent(wish): Sent<NewToken>,
) -> Answer<TokenMade> {
    Ok(Json(shared.state.identity.make_token(&caller, wish).await?))
}

pub(super) async fn grants(
    State(shared): State<Shared>,
    caller: By,
    Paged(Everything {}, page): Paged<Everything>,
) -> Answer<List<GrantView>> {
    grants_on(&page, &shared, &caller, None).await
}

pub(super) async fn end_grant(
    State(shared): State<Shared>,
    caller: By,
    Of(id): Of<UserId>,
) -> Answer<List<GrantView>> {
    shared.state.identity.end_grant(id, None).await?;
    Ok(Json(List::whole(shared.state.identity.grants(&caller, None).await?)))
}

pub(super) async fn users(
    State(shared): State<Shared>,
    Paged(Everything {}, page): Paged<Everything>,
) -> Answer<List<UserView>> {
    let after = page.after(|last| UserId::parse(last).ok())?;
    let state = shared.state.desk.standpoint(page.position(), None).await?;
    let users = shared.state.identity.users_of(&state, after, page.most() as usize).await?;
    Ok(Json(page.of(users, state.position(), |last| last.id.to_string())))
}

pub(super) async fn user(State(shared): State<Shared>, Of(id): Of<UserId>) -> Answer<UserView> {
    Ok(Json(shared.state.identity.user(id).await?))
}

pub(super) async fn add_user(
    State(shared): State<Shared>,
    caller: By,
    Sent(wish): Sent<AddUser>,
) -> Answer<Enrolment> {
    Ok(Json(shared.state.identity.add_user(wish, caller.0.actor).await?))
}

pub(super) async fn set_role(
    State(shared): State<Shared>,
    caller: By,
    Of(id): Of<UserId>,
    Sent(wish): Sent<SetRole>,
) -> Answer<UserView> {
    Ok(Json(shared.state.identity.set_role(id, wish.role, caller.0.actor).await?))
}

pub(super) async fn disable_user(
    State(shared): State<Shared>,
    caller: By,
    Of(id): Of<UserId>,
    Sent(why): Sent<DisableUser>,
) -> Answer<UserView> {
    Ok(Json(shared.state.identity.disable_user(id, why.reason, caller.0.actor).await?))
}

pub(super) async fn enable_user(
    State(shared): State<Shared>,
    caller: By,
    Of(id): Of<UserId>,
) -> Answer<UserView> {
    Ok(Json(shared.state.identity.enable_user(id, caller.0.actor).await?))
}

pub(super) async fn reset_user(
    State(shared): State<Shared>,
    caller: By,
    Of(id): Of<UserId>,
) -> Answer<Enrolment> {
    Ok(Json(shared.state.identity.reset_user(id, caller.0.actor).await?))
}

pub(super) async fn revoke_sessions(
    State(shared): State<Shared>,
    caller: By,
    Of(id): Of<UserId>,
) -> Answer<UserView> {
    Ok(Json(shared.state.identity.revoke_sessions(id, caller.0.actor).await?))
}

fn address(peer: From) -> Option<IpAddr> {
    peer.map(|Extension(Peer(address))| address)
}
