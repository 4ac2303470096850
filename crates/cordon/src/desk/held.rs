//! Held files and texts: listed, shown to somebody who is recorded first, released, rejected.

use cordon_core::{
    Timestamp,
    command::Vault,
    fact::Actor,
    review::{HeldId, Reviewed, Verdict},
};
use cordon_store::held::HeldItem;

use super::{Desk, content::unread, refused, unreachable, with_causes};
use crate::{
    api::{
        Problem,
        held::{HeldReviewed, HeldStatus, HeldView, HeldWhich, ReviewHeld, ReviewView},
    },
    held::{Held, HeldFault, Opened},
};

impl Desk {
    /// With what is held on the node that serves this desk's log.
    #[must_use]
    pub fn with_held(self, held: Held) -> Self {
        Self { held: Some(held), ..self }
    }

    fn held(&self) -> Result<&Held, Problem> {
        self.held.as_ref().ok_or_else(|| {
            let help = "nobody serves this folder, and what is held is decided about only by a server, which records it; help: start \
                        `cordon up`";
            Problem::new(503, "not_served", "there is no server", help)
        })
    }

    /// Held files and texts after one, the oldest first, at most so many. One that is damaged is left out, and said to be in the log.
    ///
    /// # Errors
    /// When what is held cannot be read.
    pub async fn held_files(
        &self,
        which: HeldWhich,
        after: Option<HeldId>,
        most: u32,
    ) -> Result<Vec<HeldView>, Problem> {
        let held = self.held()?;
        let (state, now, only) = (self.state(None).await?, held.now(), which == HeldWhich::Waiting);
        let stands = |item: &HeldItem| {
            let reviewed = state.review(&item.passage);
            reviewed.is_some_and(|reviewed| {
                reviewed.settles(item.id, item.detail.kind, &item.detail.categories, now)
            })
        };
        let (mut items, mut after) = (Vec::new(), after);
        loop {
            let listed = held.store().list(now, only, after, most).await;
            let listed = listed.map_err(|error| unavailable(with_causes(&error)))?;
            let is_last = listed.len() < most as usize;
            for item in listed {
                after = Some(item.as_ref().map_or_else(|id| *id, |item| item.id));
                match item {
                    // The log decides; a note beside the files can be behind it.
                    Ok(item) if !(only && stands(&item)) => items.push(item),
                    Ok(_) => {}
                    Err(id) => tracing::error!(%id, "what is held under this id is damaged"),
                }
            }
            if is_last || items.len() >= most as usize {
                break;
            }
        }
        items.truncate(most as usize);
        self.held_views(items).await
    }

    /// A held file or text.
    ///
    /// # Errors
    /// When there is none of this id, or what is known of it is damaged.
    pub async fn held_file(&self, id: HeldId) -> Result<HeldView, Problem> {
        let item = self.held()?.find(id).await.map_err(unheld)?;
        self.held_views(vec![item]).await?.pop().ok_or_else(|| unheld(HeldFault::Missing(id)))
    }

    /// The bytes of a held file or text. Who looks is recorded, durably, before.
    ///
    /// # Errors
    /// When there is none of this id, its content is gone or altered, or the look cannot be recorded.
    pub async fn held_content(&self, id: HeldId, actor: Actor) -> Result<Opened, Problem> {
        self.held()?.open(id, actor).await.map_err(unheld)
    }

    /// Releases or rejects what is held. It is in force when this returns.
    ///
    /// # Errors
    /// When there is none of this id, who wants to release it has sent it, what lies there is not what was held, or the log takes no facts.
    pub async fn review_held(
        &self,
        id: HeldId,
        verdict: Verdict,
        wish: ReviewHeld,
        actor: Actor,
    ) -> Result<HeldReviewed, Problem> {
        let held = self.held()?;
        if verdict == Verdict::Released {
            let item = held.find(id).await.map_err(unheld)?;
            self.is_not_ones_own(&item, &actor).await?;
        }
        let done = held.review(id, verdict, wish.expires, wish.reason, actor).await;
        let (granted, ends) = done.map_err(unheld)?;
        Ok(HeldReviewed { id, verdict, ends, position: granted.position, time: granted.time })
    }

    /// Nobody releases what they sent themselves, where it is known who did: calls name the person behind them by a pseudonym.
    async fn is_not_ones_own(&self, item: &HeldItem, actor: &Actor) -> Result<(), Problem> {
        let senders: Vec<_> = item.detail.subject.iter().chain(&item.detail.senders).collect();
        let (false, Actor::User(id), Some(gateway)) = (senders.is_empty(), actor, &self.gateway) else {
            return Ok(());
        };
        let state = self.state(None).await?;
        let Some(known) = state.user(*id) else { return Ok(()) };
        let fields = [Some(&known.user.login), known.user.name.as_ref()];
        let digests: Vec<_> = fields.into_iter().flatten().filter_map(|field| field.digest()).collect();
        let vault = match self.loader() {
            Some(loader) => loader.log().seals(&digests).await.map_err(unreachable)?,
            None => Vault::new(),
        };
        let names = vault.values().filter_map(|seal| seal.open::<String>()).chain([id.to_string()]);
        let is_sender = |name: &str| {
            let name = gateway.pseudonym(name);
            senders.iter().any(|sender| name.equals_in_constant_time(sender))
        };
        // Senders that look like addresses are known in small letters, too.
        let mut names = names.flat_map(|name| [name.to_lowercase(), name]);
        if names.any(|name| is_sender(&name)) {
            let detail = "who sent what is held does not release it; help: ask somebody else, `cordon held reject` is open to you";
            return Err(Problem::new(409, "oneself", "nobody releases their own", detail));
        }
        Ok(())
    }

    async fn held_views(&self, items: Vec<HeldItem>) -> Result<Vec<HeldView>, Problem> {
        let state = self.state(None).await?;
        let reviews: Vec<_> = items.iter().map(|item| state.review(&item.passage).cloned()).collect();
        let digests: Vec<_> =
            reviews.iter().flatten().filter_map(|reviewed| reviewed.review.reason.digest()).collect();
        let vault = match self.loader() {
            Some(loader) if !digests.is_empty() => loader.log().seals(&digests).await.map_err(unreachable)?,
            _ => Vault::new(),
        };
        let now = self.now();
        let views = items.into_iter().zip(reviews);
        Ok(views.map(|(item, review)| view(item, review.as_deref(), &vault, now)).collect())
    }
}

fn view(item: HeldItem, reviewed: Option<&Reviewed>, vault: &Vault, now: Timestamp) -> HeldView {
    let detail = &item.detail;
    let status = match (reviewed, item.reviewed) {
        _ if detail.used.is_some() => HeldStatus::Used,
        (Some(reviewed), _) if reviewed.settles(item.id, detail.kind, &detail.categories, now) => {
            match reviewed.verdict {
                Verdict::Released => HeldStatus::Released,
                Verdict::Rejected => HeldStatus::Rejected,
            }
        }
        (_, Some(_)) => HeldStatus::Ended,
        (_, None) => HeldStatus::Waiting,
    };
    let review = reviewed.map(|reviewed| ReviewView {
        verdict: reviewed.verdict,
        by: reviewed.by.clone(),
        at: reviewed.at,
        ends: reviewed.review.ends,
        reason: reviewed
            .review
            .reason
            .digest()
            .and_then(|digest| vault.get(&digest))
            .and_then(|seal| seal.open()),
    });
    HeldView {
        id: item.id,
        kind: item.detail.kind,
        channel: item.detail.channel,
        status,
        call: item.call,
        route: item.passage.route,
        principal: item.passage.principal,
        key: item.detail.key,
        part: item.detail.part,
        file_type: item.detail.file_type,
        bytes: item.bytes,
        content: item.passage.content,
        since: item.time,
        expires: item.expires,
        findings: item.detail.findings,
        review,
    }
}

fn unavailable(detail: String) -> Problem {
    Problem::new(503, "content_unavailable", "what is held cannot be read", detail)
}

fn unheld(fault: HeldFault) -> Problem {
    match fault {
        HeldFault::Missing(_) => Problem::new(404, "not_found", "it does not exist", fault.to_string()),
        HeldFault::Damaged(..) => unavailable(with_causes(&fault)),
        HeldFault::Content(fault) => unread("nothing of it is kept any more", &fault),
        HeldFault::Foreign(_) => {
            Problem::new(409, "altered", "it is not what was recorded", fault.to_string())
        }
        HeldFault::Used(_) => {
            Problem::new(409, "refused", "the state does not allow it now", fault.to_string())
        }
        HeldFault::Wish(error) => refused(error),
    }
}
