use cordon_core::{
    Digest, Fact, Role,
    evidence::{ContentScope, EndReason},
    fact::{Actor, Body},
    resource::Kind,
    review::{HeldKind, Review},
};
use serde_json::{Value, json};

use super::{Base, ENTITY_MANAGEMENT, Event, Severity, word};

const CREATE: (u32, &str) = (1, "Create");
const UPDATE: (u32, &str) = (3, "Update");
const DELETE: (u32, &str) = (4, "Delete");

/// A fact as an event. `leaf` is the leaf hash of its stored bytes.
pub fn fact(position: u64, leaf: Digest, fact: &Fact, build: &str) -> Event {
    let Said { activity, severity, entity, unmapped } = said(&fact.body);
    let code = fact.body.type_name();
    let named = entity.get("name").or(entity.get("uid")).and_then(Value::as_str).unwrap_or_default();
    let message = format!("{code} {named}").trim_end().to_owned();
    let own = json!({
        "actor": actor(&fact.actor),
        "entity": entity,
        "status": "Success",
        "status_id": 1,
    });
    let base = Base {
        class: ENTITY_MANAGEMENT,
        activity,
        severity,
        time: fact.time,
        uid: format!("fact:{position}"),
        log: ("facts", position),
        code,
        leaf,
        message,
        build,
    };
    base.event(own, unmapped)
}

fn actor(actor: &Actor) -> Value {
    // `type_id` of a user: 2 is an administrator, 3 a system.
    match actor {
        Actor::Cordon => json!({"app_name": "cordon", "user": {"name": "cordon", "type_id": 3}}),
        Actor::Trigger(name) => {
            json!({"app_name": "cordon", "user": {"name": format!("trigger/{name}"), "type_id": 3}})
        }
        // Only the id: names of people are not sent.
        Actor::User(id) => json!({"user": {"uid": id, "type_id": 1}}),
        other => json!({"user": {"name": word(other), "type_id": 2}}),
    }
}

struct Said {
    activity: (u32, &'static str),
    severity: Severity,
    /// A `managed_entity`: at least a name or an id.
    entity: Value,
    unmapped: Value,
}

/// What of a fact is sent: names, ids, times, roots. Never what a resource says, nor a sealed value or its digest.
fn said(body: &Body) -> Said {
    let told =
        |activity, entity, unmapped| Said { activity, severity: Severity::Informational, entity, unmapped };
    match body {
        Body::ResourceSet(resource) => {
            let kind = resource.spec.kind();
            told(UPDATE, json!({"type": kind.as_str(), "name": resource.name}), json!({}))
        }
        Body::ResourceRemoved(kind, name) => Said {
            // What is gone guards nothing any more.
            severity: if *kind == Kind::Guard { Severity::Medium } else { Severity::Low },
            ..told(DELETE, json!({"type": kind.as_str(), "name": name}), json!({}))
        },
        Body::KeyIssued(key) => told(
            CREATE,
            json!({"type": "ApiKey", "uid": key.id}),
            json!({
                "principal": key.principal,
                "routes": key.routes,
                "expires": key.expires,
                "replaces": key.replaces,
            }),
        ),
        Body::KeyRetired(key, expires) => {
            told(UPDATE, json!({"type": "ApiKey", "uid": key}), json!({"expires": expires}))
        }
        Body::KeyRevoked(key, _) => {
            Said { severity: Severity::Low, ..told(DELETE, json!({"type": "ApiKey", "uid": key}), json!({})) }
        }
        Body::JournalStarted(start) => told(
            CREATE,
            json!({"type": "Journal", "uid": start.journal}),
            json!({"node": start.node, "follows": start.follows}),
        ),
        Body::JournalsAnchored(anchors) => {
            told(UPDATE, json!({"type": "Journal", "name": "anchors"}), json!({"anchors": word(anchors)}))
        }
        Body::JournalEnded(end) => Said {
            // Records that were proved before are not there any more.
            severity: if end.why == EndReason::Closed { Severity::Informational } else { Severity::High },
            ..told(
                UPDATE,
                json!({"type": "Journal", "uid": end.last.journal}),
                json!({"why": word(&end.why), "last": word(&end.last)}),
            )
        },
        Body::SegmentSealed(seal) => told(
            CREATE,
            json!({"type": "Segment", "name": seal.object}),
            json!({"journal": seal.journal, "first": seal.first, "count": seal.count, "root": seal.root}),
        ),
        Body::RecordsRetired(retired) => told(
            DELETE,
            json!({"type": "Records", "name": "records"}),
            json!({"before": retired.before, "ranges": word(&retired.ranges)}),
        ),
        Body::ContentErased(erasure) => told(
            DELETE,
            json!({"type": "Content", "name": "content"}),
            json!({"scope": scope(&erasure.scope), "calls": erasure.calls}),
        ),
        Body::FindingLabelled(label) => told(
            UPDATE,
            json!({"type": "Finding", "name": label.category}),
            json!({
                "call": label.call,
                "direction": word(&label.direction),
                "finding": label.finding,
                "judgement": word(&label.judgement),
                "detector": label.detector,
                "detector_version": label.detector_version,
            }),
        ),
        Body::HeldReleased(review) => {
            Said { severity: Severity::Medium, ..told(UPDATE, held(review), reviewed(review)) }
        }
        Body::HeldRejected(review) => told(UPDATE, held(review), reviewed(review)),
        Body::HoldSet(hold) => told(
            CREATE,
            json!({"type": "LegalHold", "name": hold.name}),
            json!({"scope": scope(&hold.scope)}),
        ),
        Body::HoldReleased(name, _) => Said {
            severity: Severity::Low,
            ..told(DELETE, json!({"type": "LegalHold", "name": name}), json!({}))
        },
        Body::LogKeySet(key) => Said {
            severity: Severity::Low,
            ..told(UPDATE, json!({"type": "LogKey", "name": key.key}), json!({}))
        },
        Body::UserAdded(user) => Said {
            severity: Severity::Low,
            ..told(
                CREATE,
                json!({"type": "User", "uid": user.id}),
                json!({"role": user.role, "origin": word(&user.origin)}),
            )
        },
        Body::UserRoleSet(id, role) => Said {
            severity: if *role == Role::Admin { Severity::Medium } else { Severity::Low },
            ..told(UPDATE, json!({"type": "User", "uid": id}), json!({"role": role}))
        },
        Body::UserDisabled(id, _) => Said {
            severity: Severity::Low,
            ..told(UPDATE, json!({"type": "User", "uid": id}), json!({"enabled": false}))
        },
        Body::UserEnabled(id) => Said {
            severity: Severity::Low,
            ..told(UPDATE, json!({"type": "User", "uid": id}), json!({"enabled": true}))
        },
        Body::UserReset(id) => Said {
            severity: Severity::Low,
            ..told(UPDATE, json!({"type": "User", "uid": id}), json!({"password": "void"}))
        },
        Body::UserSessionsRevoked(id) => Said {
            severity: Severity::Low,
            ..told(UPDATE, json!({"type": "User", "uid": id}), json!({"sessions": "void"}))
        },
        Body::SubjectQuarantined(quarantine) => Said {
            severity: Severity::High,
            ..told(
                CREATE,
                json!({"type": "Quarantine", "name": quarantine.subject}),
                json!({"since": quarantine.since, "in_flight": word(&quarantine.in_flight)}),
            )
        },
        Body::LiftAsked(lift) => Said {
            severity: Severity::Medium,
            ..told(UPDATE, json!({"type": "Quarantine", "name": lift.subject}), json!({"lift": "asked"}))
        },
        Body::QuarantineLifted(lift) => Said {
            severity: Severity::Medium,
            ..told(DELETE, json!({"type": "Quarantine", "name": lift.subject}), json!({}))
        },
        Body::TriggerFired(firing) => Said {
            severity: Severity::High,
            ..told(
                CREATE,
                json!({"type": "Containment", "name": firing.trigger}),
                json!({
                    "of": firing.of,
                    "containment": word(&firing.containment),
                    "t0": firing.t0,
                    "t1": firing.t1,
                    "calls": firing.calls,
                    "bad": firing.bad,
                    "first": firing.first,
                }),
            )
        },
        Body::TriggerContained(contained) => Said {
            severity: Severity::Medium,
            ..told(
                UPDATE,
                json!({"type": "Containment", "name": contained.trigger}),
                json!({"of": contained.of, "t2": contained.t2, "tested": word(&contained.tested)}),
            )
        },
        Body::TriggerCleared(cleared) => Said {
            severity: Severity::Medium,
            ..told(DELETE, json!({"type": "Containment", "name": cleared.trigger}), json!({"of": cleared.of}))
        },
        Body::BootstrapUsed(usage) => Said {
            // Whoever it was is not known: there should be users.
            severity: Severity::Medium,
            ..told(
                UPDATE,
                json!({"type": "AdminToken", "name": "admin.token"}),
                json!({"first": usage.first, "last": usage.last, "uses": usage.uses}),
            )
        },
    }
}

fn held(review: &Review) -> Value {
    let kind = match review.kind {
        HeldKind::File => "HeldFile",
        HeldKind::Text => "HeldText",
        HeldKind::ToolCall => "HeldToolCall",
    };
    json!({"type": kind, "uid": review.held})
}

fn reviewed(review: &Review) -> Value {
    json!({
        "call": review.call,
        "route": review.route,
        "principal": review.principal,
        "bytes": review.bytes,
        "since": review.since,
        "ends": review.ends,
    })
}

fn scope(scope: &ContentScope) -> Value {
    word(scope)
}
