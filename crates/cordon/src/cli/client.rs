//! One way to ask, whether a server runs or not: over HTTP, or in this process on a folder that nobody serves.

use std::{collections::BTreeMap, path::Path};

use cordon_core::{
    CallId, KeyId, Name, Role, Timestamp, UserId,
    containment::Subject,
    fact::Actor,
    record::ContentObject,
    resource::Kind,
    review::{HeldId, Verdict},
};

use cordon_store::calls::CallQuery;

use super::{
    http::{Ended, Http},
    local::Local,
};
use crate::{
    api::curve::{Curve, CurveQuery, Effectiveness, EffectivenessQuery},
    api::feedback::{Feedback, FeedbackQuery},
    api::held::{HeldReviewed, HeldView, HeldWhich, ReviewHeld},
    api::limits::{LimitUsage, UsageQuery},
    api::people::{AddUser, DisableUser, Enrolment, SetRole, UserView},
    api::quarantine::{LiftQuarantine, Lifted, OrderQuarantine, Ordered, QuarantineEffect, QuarantineView},
    api::rates::{Categories, CategoriesQuery, Rates, RatesQuery},
    api::triggers::{LiftTrigger, TriggerLifted, TriggerStatus},
    api::{
        CallFilter, CallRecord, CallView, Certificate, Check, ContentView, CreateKey, Documents, Done,
        EraseContent, HistoryEntry, HoldView, KeyView, Plan, Problem, ReleaseHold, ResourceView, RevokeKey,
        RotateKey, SetHold,
    },
    api::{detectors::DetectorStatus, routes::RouteStatus},
    desk::Following,
    proof::CallProof,
};

/// A body that says nothing.
const NOTHING: BTreeMap<(), ()> = BTreeMap::new();

/// The most held files that are listed without a server.
const MOST_HELD: u32 = 10_000;

/// Where commands go.
pub(super) enum Client {
    Server(Http),
    Folder(Local),
}

/// What a command is about to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Read,
    Write,
}

/// Which calls are told of when they end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// Each one: for programs.
    Each,
    /// The newest ones, and how many others there were: for people.
    Newest,
}

/// Calls as they end.
pub(super) enum Stream {
    Server(Box<super::http::Events>),
    Folder(Box<Following>),
}

impl Client {
    pub(super) async fn list(
        &self,
        kind: Option<Kind>,
        as_of: Option<Timestamp>,
    ) -> Result<Vec<ResourceView>, Problem> {
        match self {
            Self::Server(http) => {
                let kind = kind.map(|kind| kind.to_string());
                http.items("/resources", &[("kind", kind), ("as_of", text(as_of))], None).await
            }
            Self::Folder(local) => local.desk.list(kind, as_of).await,
        }
    }

    pub(super) async fn get(
        &self,
        kind: Kind,
        name: &Name,
        as_of: Option<Timestamp>,
    ) -> Result<ResourceView, Problem> {
        match self {
            Self::Server(http) => {
                http.get(&format!("/resources/{kind}/{name}"), &[("as_of", text(as_of))]).await
            }
            Self::Folder(local) => local.desk.get(kind, name, as_of).await,
        }
    }

    pub(super) async fn history(
        &self,
        kind: Kind,
        name: &Name,
        as_of: Option<Timestamp>,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, Problem> {
        match self {
            Self::Server(http) => {
                let path = format!("/resources/{kind}/{name}/history");
                http.items(&path, &[("as_of", text(as_of))], Some(limit)).await
            }
            Self::Folder(local) => local.desk.history(kind, name, as_of, None, limit).await,
        }
    }

    pub(super) async fn plan(&self, documents: Documents) -> Result<Plan, Problem> {
        match self {
            Self::Server(http) => http.post("/plan", &documents).await,
            Self::Folder(local) => local.desk.plan(documents).await,
        }
    }

    pub(super) async fn apply(&self, documents: Documents) -> Result<Plan, Problem> {
        match self {
            Self::Server(http) => http.post("/apply", &documents).await,
            Self::Folder(local) => local.desk.apply(documents, Actor::Local).await,
        }
    }

    pub(super) async fn delete(&self, kind: Kind, name: &Name) -> Result<Done, Problem> {
        match self {
            Self::Server(http) => http.delete(&format!("/resources/{kind}/{name}")).await,
            Self::Folder(local) => local.desk.delete(kind, name.clone(), Actor::Local).await,
        }
    }

    pub(super) async fn keys(&self, as_of: Option<Timestamp>) -> Result<Vec<KeyView>, Problem> {
        match self {
            Self::Server(http) => http.items("/keys", &[("as_of", text(as_of))], None).await,
            Self::Folder(local) => local.desk.keys(as_of).await,
        }
    }

    pub(super) async fn create_key(&self, wish: CreateKey) -> Result<KeyView, Problem> {
        match self {
            Self::Server(http) => http.post("/keys", &wish).await,
            Self::Folder(local) => local.desk.create_key(wish, Actor::Local).await,
        }
    }

    pub(super) async fn rotate_key(&self, old: KeyId, wish: RotateKey) -> Result<KeyView, Problem> {
        match self {
            Self::Server(http) => http.post(&format!("/keys/{old}/rotate"), &wish).await,
            Self::Folder(local) => local.desk.rotate_key(old, wish, Actor::Local).await,
        }
    }

    pub(super) async fn revoke_key(&self, id: KeyId, why: RevokeKey) -> Result<KeyView, Problem> {
        match self {
            Self::Server(http) => http.post(&format!("/keys/{id}/revoke"), &why).await,
            Self::Folder(local) => local.desk.revoke_key(id, why, Actor::Local).await,
        }
    }

    pub(super) async fn users(&self) -> Result<Vec<UserView>, Problem> {
        match self {
            Self::Server(http) => {
                let mut users: Vec<UserView> = http.items("/users", &[], None).await?;
                users.sort_by(|one, other| (&one.login, one.id).cmp(&(&other.login, other.id)));
                Ok(users)
            }
            Self::Folder(local) => local.identity()?.users().await,
        }
    }

    pub(super) async fn add_user(&self, wish: AddUser) -> Result<Enrolment, Problem> {
        match self {
            Self::Server(http) => http.post("/users", &wish).await,
            Self::Folder(local) => local.identity()?.add_user(wish, Actor::Local).await,
        }
    }

    pub(super) async fn set_role(&self, id: UserId, role: Role) -> Result<UserView, Problem> {
        match self {
            Self::Server(http) => http.post(&format!("/users/{id}/role"), &SetRole { role }).await,
            Self::Folder(local) => local.identity()?.set_role(id, role, Actor::Local).await,
        }
    }

    pub(super) async fn disable_user(&self, id: UserId, why: DisableUser) -> Result<UserView, Problem> {
        match self {
            Self::Server(http) => http.post(&format!("/users/{id}/disable"), &why).await,
            Self::Folder(local) => local.identity()?.disable_user(id, why.reason, Actor::Local).await,
        }
    }

    pub(super) async fn enable_user(&self, id: UserId) -> Result<UserView, Problem> {
        match self {
            Self::Server(http) => http.post(&format!("/users/{id}/enable"), &NOTHING).await,
            Self::Folder(local) => local.identity()?.enable_user(id, Actor::Local).await,
        }
    }

    pub(super) async fn revoke_sessions(&self, id: UserId) -> Result<UserView, Problem> {
        match self {
            Self::Server(http) => http.post(&format!("/users/{id}/revoke-sessions"), &NOTHING).await,
            Self::Folder(local) => local.identity()?.revoke_sessions(id, Actor::Local).await,
        }
    }

    pub(super) async fn reset_user(&self, id: UserId) -> Result<Enrolment, Problem> {
        match self {
            Self::Server(http) => http.post(&format!("/users/{id}/reset"), &NOTHING).await,
            Self::Folder(local) => local.identity()?.reset_user(id, Actor::Local).await,
        }
    }

    pub(super) async fn calls(&self, filter: CallFilter) -> Result<Vec<CallView>, Problem> {
        match self {
            Self::Server(http) => {
                let most = filter.limit.unwrap_or(CallQuery::PAGE);
                http.items("/calls", &query(&CallFilter { limit: None, ..filter }), Some(most)).await
            }
            Self::Folder(local) => Ok(local.desk.calls().list(&filter, None).await?),
        }
    }

    pub(super) async fn call(&self, id: CallId) -> Result<CallRecord, Problem> {
        match self {
            Self::Server(http) => http.get(&format!("/calls/{id}"), &[]).await,
            Self::Folder(local) => local.desk.calls().find(id).await?.ok_or_else(|| {
                Problem::new(
                    404,
                    "not_found",
                    "it does not exist",
                    format!("call `{id}` is not recorded here"),
                )
            }),
        }
    }

    /// What people said of findings, latest first: all of it.
    pub(super) async fn feedback(&self, asked: FeedbackQuery) -> Result<Vec<Feedback>, Problem> {
        match self {
            Self::Server(http) => {
                let asked = [("call", text(asked.call)), ("as_of", text(asked.as_of))];
                http.items("/feedback", &asked, None).await
            }
            Self::Folder(local) => local.desk.feedback(asked.call, None, asked.as_of, u32::MAX).await,
        }
    }

    pub(super) async fn rates(&self, asked: RatesQuery) -> Result<Rates, Problem> {
        match self {
            Self::Server(http) => {
                let by = asked.by.map(|by| by.as_str().to_owned());
                let query = [
                    ("since", text(asked.since)),
                    ("until", text(asked.until)),
                    ("by", by),
                    ("of", asked.of),
                ];
                http.get("/findings/rates", &query).await
            }
            Self::Folder(local) => local.desk.rates(asked).await,
        }
    }

    pub(super) async fn categories(&self, asked: CategoriesQuery) -> Result<Categories, Problem> {
        match self {
            Self::Server(http) => {
                let query = [
                    ("since", text(asked.since)),
                    ("until", text(asked.until)),
                    ("category", text(asked.category)),
                    ("route", text(asked.route)),
                    ("by_route", Some(asked.by_route.to_string())),
                ];
                http.get("/findings/categories", &query).await
            }
            Self::Folder(local) => local.desk.categories(asked).await,
        }
    }

    pub(super) async fn curve(&self, asked: CurveQuery) -> Result<Curve, Problem> {
        match self {
            Self::Server(http) => {
                let query = [
                    ("category", Some(asked.category.to_string())),
                    ("detector", asked.detector),
                    ("channel", asked.channel.map(|channel| channel.as_str().to_owned())),
                    ("since", text(asked.since)),
                    ("until", text(asked.until)),
                ];
                http.get("/findings/curve", &query).await
            }
            Self::Folder(local) => local.desk.curve(asked).await,
        }
    }

    pub(super) async fn effectiveness(&self, asked: EffectivenessQuery) -> Result<Effectiveness, Problem> {
        match self {
            Self::Server(http) => {
                let query = [("since", text(asked.since)), ("until", text(asked.until))];
                http.get("/findings/effectiveness", &query).await
            }
            Self::Folder(local) => local.desk.effectiveness(asked).await,
        }
    }

    pub(super) async fn prove(&self, id: CallId) -> Result<CallProof, Problem> {
        match self {
            Self::Server(http) => http.get(&format!("/calls/{id}/proof"), &[]).await,
            Self::Folder(local) => local.desk.prove(id).await,
        }
    }

    pub(super) async fn content(
        &self,
        id: CallId,
        object: Option<ContentObject>,
    ) -> Result<ContentView, Problem> {
        match self {
            Self::Server(http) => {
                let object = object.map(|object| object.as_str().to_owned());
                http.get(&format!("/calls/{id}/content"), &[("object", object)]).await
            }
            Self::Folder(local) => local.desk.content(id, object, Actor::Local).await,
        }
    }

    pub(super) async fn erase(&self, wish: EraseContent) -> Result<Certificate, Problem> {
        match self {
            Self::Server(http) => http.post("/content/erase", &wish).await,
            Self::Folder(local) => local.desk.erase(wish, Actor::Local).await,
        }
    }

    pub(super) async fn holds(&self, as_of: Option<Timestamp>) -> Result<Vec<HoldView>, Problem> {
        match self {
            Self::Server(http) => http.items("/holds", &[("as_of", text(as_of))], None).await,
            Self::Folder(local) => local.desk.holds(as_of).await,
        }
    }

    pub(super) async fn set_hold(&self, wish: SetHold) -> Result<Done, Problem> {
        match self {
            Self::Server(http) => http.post("/holds", &wish).await,
            Self::Folder(local) => local.desk.set_hold(wish, Actor::Local).await,
        }
    }

    pub(super) async fn release_hold(&self, name: &Name, wish: ReleaseHold) -> Result<Done, Problem> {
        match self {
            Self::Server(http) => http.post(&format!("/holds/{name}/release"), &wish).await,
            Self::Folder(local) => local.desk.release_hold(name.clone(), wish, Actor::Local).await,
        }
    }

    pub(super) async fn detectors(&self) -> Result<Vec<DetectorStatus>, Problem> {
        match self {
            Self::Server(http) => http.items("/detectors", &[], None).await,
            Self::Folder(local) => local.desk.detectors().await,
        }
    }

    pub(super) async fn routes(&self) -> Result<Vec<RouteStatus>, Problem> {
        match self {
            Self::Server(http) => http.items("/routes", &[], None).await,
            Self::Folder(local) => local.desk.routes().await,
        }
    }

    pub(super) async fn limits_in_use(&self, query: &UsageQuery) -> Result<Vec<LimitUsage>, Problem> {
        match self {
            Self::Server(http) => {
                http.items("/limits/usage", &[("name", text(query.name.as_ref()))], None).await
            }
            Self::Folder(local) => local.desk.limits_in_use(query.name.as_ref()).await,
        }
    }

    pub(super) async fn quarantines(&self, as_of: Option<Timestamp>) -> Result<Vec<QuarantineView>, Problem> {
        match self {
            Self::Server(http) => http.items("/quarantines", &[("as_of", text(as_of))], None).await,
            Self::Folder(local) => local.desk.quarantined(as_of).await,
        }
    }

    pub(super) async fn quarantine(&self, wish: OrderQuarantine) -> Result<Ordered, Problem> {
        match self {
            Self::Server(http) => http.post("/quarantines", &wish).await,
            Self::Folder(local) => local.desk.quarantine(wish, Actor::Local).await,
        }
    }

    pub(super) async fn lift(&self, wish: LiftQuarantine) -> Result<Lifted, Problem> {
        match self {
            Self::Server(http) => http.post("/quarantines/lift", &wish).await,
            Self::Folder(local) => local.desk.lift(wish, Actor::Local).await,
        }
    }

    pub(super) async fn triggers(&self) -> Result<Vec<TriggerStatus>, Problem> {
        match self {
            Self::Server(http) => http.items("/triggers", &[], None).await,
            Self::Folder(local) => local.desk.triggers().await,
        }
    }

    pub(super) async fn lift_trigger(&self, wish: LiftTrigger) -> Result<TriggerLifted, Problem> {
        match self {
            Self::Server(http) => http.post("/triggers/lift", &wish).await,
            Self::Folder(local) => local.desk.lift_trigger(wish, Actor::Local).await,
        }
    }

    pub(super) async fn held(&self, which: HeldWhich) -> Result<Vec<HeldView>, Problem> {
        let word = match which {
            HeldWhich::Waiting => None,
            HeldWhich::All => Some("all".to_owned()),
        };
        match self {
            Self::Server(http) => http.items("/held", &[("which", word)], None).await,
            Self::Folder(local) => local.desk.held_files(which, None, MOST_HELD).await,
        }
    }

    pub(super) async fn held_file(&self, id: HeldId) -> Result<HeldView, Problem> {
        match self {
            Self::Server(http) => http.get(&format!("/held/{id}"), &[]).await,
            Self::Folder(local) => local.desk.held_file(id).await,
        }
    }

    pub(super) async fn held_content(&self, id: HeldId) -> Result<Vec<u8>, Problem> {
        match self {
            Self::Server(http) => http.bytes(&format!("/held/{id}/content")).await,
            Self::Folder(local) => Ok(local.desk.held_content(id, Actor::Local).await?.bytes),
        }
    }

    pub(super) async fn review_held(
        &self,
        id: HeldId,
        verdict: Verdict,
        wish: ReviewHeld,
    ) -> Result<HeldReviewed, Problem> {
        let word = if verdict == Verdict::Released { "release" } else { "reject" };
        match self {
            Self::Server(http) => http.post(&format!("/held/{id}/{word}"), &wish).await,
            Self::Folder(local) => local.desk.review_held(id, verdict, wish, Actor::Local).await,
        }
    }

    pub(super) async fn quarantine_effect(&self, subject: &Subject) -> Result<QuarantineEffect, Problem> {
        match self {
            Self::Server(http) => {
                http.get("/quarantines/effect", &[("subject", Some(subject.to_string()))]).await
            }
            Self::Folder(local) => local.desk.quarantine_effect(subject.clone()).await,
        }
    }

    pub(super) async fn follow(&self, filter: CallFilter, which: Which) -> Result<Stream, Problem> {
        match self {
            Self::Server(http) => {
                let path = match which {
                    Which::Each => "/calls/follow",
                    Which::Newest => "/calls/live",
                };
                let events = http.events(path, &query(&filter)).await?;
                Ok(Stream::Server(Box::new(events)))
            }
            Self::Folder(local) => Ok(Stream::Folder(Box::new(local.desk.calls().following(filter).await?))),
        }
    }

    pub(super) async fn doctor(&self) -> Result<Vec<Check>, Problem> {
        match self {
            Self::Server(http) => http.items("/doctor", &[], None).await,
            Self::Folder(_) => Ok(Vec::new()),
        }
    }

    /// Says where the answers come from.
    pub(super) fn place(&self) -> String {
        match self {
            Self::Server(http) => http.base().to_owned(),
            Self::Folder(local) => local.path().display().to_string(),
        }
    }

    /// Ends all work; what was done is durable already.
    pub(super) async fn close(self) {
        if let Self::Folder(local) = self {
            local.close().await;
        }
    }
}

impl Stream {
    /// What ended next; none when nothing more will come.
    pub(super) async fn next(&mut self) -> Result<Option<Ended>, Problem> {
        match self {
            Self::Server(events) => events.next().await,
            Self::Folder(following) => Ok(following.next().await?.map(|call| Ended::Call(Box::new(call)))),
        }
    }
}

/// Whether a folder holds a log.
pub(super) fn is_used(folder: &Path) -> bool {
    folder.join("log.db").exists()
}

fn text(value: Option<impl ToString>) -> Option<String> {
    value.map(|value| value.to_string())
}

fn query(filter: &CallFilter) -> [(&'static str, Option<String>); 8] {
    [
        ("since", text(filter.since)),
        ("until", text(filter.until)),
        ("principal", text(filter.principal.as_ref())),
        ("route", text(filter.route.as_ref())),
        ("verdict", text(filter.verdict)),
        ("category", text(filter.category.as_ref())),
        ("prompt", text(filter.prompt)),
        ("limit", text(filter.limit)),
    ]
}
