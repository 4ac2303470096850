//! `key create|list|revoke|rotate`.

use clap::{Args, Subcommand};
use cordon_core::{DurationMs, KeyId, KeySecret, Timestamp};

use super::{
    Failure, Outcome, Output, Place,
    client::Need,
    complain, json, moment,
    resources::name,
    say,
    table::{Align, table},
};
use crate::{
    api::{CreateKey, KeyStatus, KeyView, Problem, RevokeKey, RotateKey},
    clock,
};

#[derive(Subcommand)]
pub(super) enum KeyCommand {
    /// Make a key and print it: it is shown this once, and kept nowhere.
    #[command(
        after_help = "Example:\n  cordon key create --principal support-app --route support-bot --expires 30d"
    )]
    Create(CreateArgs),
    /// Show the keys, without their secrets.
    List(ListArgs),
    /// Make a key void at once.
    Revoke(RevokeArgs),
    /// Make a key that takes the place of another one, which still works for a while.
    Rotate(RotateArgs),
}

#[derive(Args)]
pub(super) struct CreateArgs {
    /// Whom it authenticates.
    #[arg(long, value_name = "NAME")]
    principal: String,
    /// A route that it opens; may be given several times. Without one: all of the principal's.
    #[arg(long = "route", value_name = "NAME")]
    routes: Vec<String>,
    /// How long it lives, such as 30d; at most 366d.
    #[arg(long, value_parser = DurationMs::parse, value_name = "TIME")]
    expires: DurationMs,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct ListArgs {
    /// Only this principal's.
    #[arg(long, value_name = "NAME")]
    principal: Option<String>,
    /// As it was at this time, or so long ago.
    #[arg(long, value_parser = moment, value_name = "TIME")]
    as_of: Option<Timestamp>,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct RevokeArgs {
    /// The key's id: the 16 digits after `ck_`.
    id: String,
    /// Why (kept sealed).
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct RotateArgs {
    /// The id of the key that ends.
    id: String,
    /// How long the new key lives, such as 30d.
    #[arg(long, value_parser = DurationMs::parse, value_name = "TIME")]
    expires: DurationMs,
    /// How long the old key still works.
    #[arg(long, value_parser = DurationMs::parse, default_value = "24h", value_name = "TIME")]
    overlap: DurationMs,
    #[command(flatten)]
    output: Output,
}

/// A new key as it is shown, once.
#[derive(serde::Serialize)]
struct Shown<'k> {
    key: &'k str,
    #[serde(flatten)]
    view: &'k KeyView,
}

pub(super) async fn run(place: &Place, command: KeyCommand) -> Outcome {
    match command {
        KeyCommand::Create(args) => create(place, args).await,
        KeyCommand::List(args) => list(place, args).await,
        KeyCommand::Revoke(args) => revoke(place, args).await,
        KeyCommand::Rotate(args) => rotate(place, args).await,
    }
}

async fn create(place: &Place, args: CreateArgs) -> Outcome {
    let principal = name(&args.principal)?;
    let routes = args.routes.iter().map(|route| name(route)).collect::<Result<_, _>>()?;
    let (id, secret) = fresh();
    let wish = CreateKey { id, secret_sha256: secret.digest(), principal, routes, expires: args.expires };
    let client = place.client(Need::Write).await?;
    let view = client.create_key(wish).await;
    client.close().await;
    show(&secret, &view?, args.output)
}

async fn rotate(place: &Place, args: RotateArgs) -> Outcome {
    let old = key(&args.id)?;
    let (id, secret) = fresh();
    let wish = RotateKey { id, secret_sha256: secret.digest(), expires: args.expires, overlap: args.overlap };
    let client = place.client(Need::Write).await?;
    let view = client.rotate_key(old, wish).await;
    client.close().await;
    show(&secret, &view?, args.output)
}

async fn revoke(place: &Place, args: RevokeArgs) -> Outcome {
    let id = key(&args.id)?;
    let client = place.client(Need::Write).await?;
    let view = client.revoke_key(id, RevokeKey { reason: args.reason }).await;
    client.close().await;
    let view = view?;
    if args.output.json { json(&view) } else { say(&format!("revoked: key {id} of {}\n", view.principal)) }
}

async fn list(place: &Place, args: ListArgs) -> Outcome {
    let principal = args.principal.as_deref().map(name).transpose()?;
    let client = place.client(Need::Read).await?;
    let keys = client.keys(args.as_of).await;
    client.close().await;
    let mut keys = keys?;
    keys.retain(|key| principal.as_ref().is_none_or(|principal| key.principal == *principal));
    if args.output.json {
        return json(&crate::api::List::whole(keys));
    }
    let rows: Vec<Vec<String>> = keys
        .iter()
        .map(|key| {
            let status = match key.status {
                KeyStatus::Active => "active",
                KeyStatus::Expired => "expired",
                KeyStatus::Revoked => "revoked",
            };
            let routes: Vec<&str> = key.routes.iter().map(cordon_core::Name::as_str).collect();
            vec![
                key.id.to_string(),
                key.principal.to_string(),
                routes.join(", "),
                status.to_owned(),
                key.expires.to_string(),
                key.replaces.map(|id| id.to_string()).unwrap_or_default(),
            ]
        })
        .collect();
    let columns =
        ["ID", "PRINCIPAL", "ROUTES", "STATUS", "EXPIRES", "REPLACES"].map(|head| (head, Align::Left));
    say(&table(&columns, &rows))
}

/// A key whose secret never leaves this process but through its output: only the digest is sent.
fn fresh() -> (KeyId, KeySecret) {
    let id = KeyId::from_bytes(clock::random());
    (id, KeySecret::new(id, clock::random()))
}

fn show(secret: &KeySecret, view: &KeyView, output: Output) -> Outcome {
    if output.json {
        return json(&Shown { key: secret.expose(), view });
    }
    let routes: Vec<&str> = view.routes.iter().map(cordon_core::Name::as_str).collect();
    complain(&format!(
        "key {} of {} for {}, until {}; it is shown this once",
        view.id,
        view.principal,
        routes.join(", "),
        view.expires
    ));
    say(&format!("{}\n", secret.expose()))
}

fn key(text: &str) -> Result<KeyId, Failure> {
    KeyId::parse(text).map_err(|_| {
        let detail = "not a key's id; help: the 16 digits after `ck_`, as `cordon key list` shows them; never the whole key";
        Problem::new(400, "malformed", "the command cannot be understood", detail).into()
    })
}
