//! Commands about the people who operate Cordon. Who may wish them is decided before.

use super::{Decision, Entropy, NewUser, Rejection};
use crate::{
    Sealed, Timestamp,
    fact::Body,
    identity::{BootstrapUse, KnownUser, Origin, Role, User, UserId},
    state::State,
};

/// The most people that a log knows.
pub const MAX_USERS: usize = 10_000;

pub(super) fn add(state: &State, new: NewUser, entropy: &mut dyn Entropy) -> Result<Decision, Rejection> {
    if state.user(new.id).is_some() {
        return Err(refused(format!("user `{}` exists already", new.id)));
    }
    if state.users().count() >= MAX_USERS {
        return Err(refused(format!("{MAX_USERS} users are known, and no more are taken")));
    }
    let mut decision = Decision::default();
    let name = decision.seal(new.name, entropy)?;
    let mut login = Sealed::Open(new.login);
    let seal = login.close(entropy.next()).map_err(|error| refused(error.to_string()))?;
    decision.seals.extend(seal);
    let user = User { id: new.id, origin: new.origin, role: new.role, login, name };
    decision.facts.push(Body::UserAdded(user));
    Ok(decision)
}

pub(super) fn set_role(state: &State, id: UserId, role: Role, by: Origin) -> Result<Decision, Rejection> {
    let known = find(state, id)?;
    if known.user.role == role {
        return Ok(Decision::default());
    }
    if known.user.origin == Origin::Provider && by == Origin::Local {
        return Err(refused(format!(
            "the role of user `{id}` comes from the identity provider; help: change the groups there, or \
             `identity.oidc.roles`"
        )));
    }
    Ok(Decision::fact(Body::UserRoleSet(id, role)))
}

pub(super) fn disable(
    state: &State,
    id: UserId,
    reason: Option<String>,
    entropy: &mut dyn Entropy,
) -> Result<Decision, Rejection> {
    if find(state, id)?.disabled.is_some() {
        return Ok(Decision::default());
    }
    let mut decision = Decision::default();
    let reason = decision.seal(reason, entropy)?;
    decision.facts.push(Body::UserDisabled(id, reason));
    Ok(decision)
}

pub(super) fn enable(state: &State, id: UserId) -> Result<Decision, Rejection> {
    if find(state, id)?.disabled.is_none() {
        return Ok(Decision::default());
    }
    Ok(Decision::fact(Body::UserEnabled(id)))
}

pub(super) fn revoke_sessions(state: &State, id: UserId) -> Result<Decision, Rejection> {
    find(state, id)?;
    Ok(Decision::fact(Body::UserSessionsRevoked(id)))
}

pub(super) fn reset(state: &State, id: UserId) -> Result<Decision, Rejection> {
    if find(state, id)?.user.origin == Origin::Provider {
        return Err(refused(format!("user `{id}` has no password here: the identity provider vouches")));
    }
    Ok(Decision::fact(Body::UserReset(id)))
}

pub(super) fn note_bootstrap(now: Timestamp, mut usage: BootstrapUse) -> Decision {
    if usage.uses == 0 {
        return Decision::default();
    }
    // Uses are in the past of the fact that tells of them.
    usage.last = usage.last.min(now);
    usage.first = usage.first.min(usage.last);
    Decision::fact(Body::BootstrapUsed(usage))
}

fn find(state: &State, id: UserId) -> Result<&KnownUser, Rejection> {
    state
        .user(id)
        .map(AsRef::as_ref)
        .ok_or_else(|| Rejection::NotFound { kind: "user".to_owned(), name: id.to_string() })
}

fn refused(why: String) -> Rejection {
    Rejection::Refused(why)
}
