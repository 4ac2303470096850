//! `user add|list|role|disable|enable|revoke-sessions|reset`.

use clap::{Args, Subcommand};
use cordon_core::{Role, UserId};

use super::{
    Outcome, Output, Place,
    client::{Client, Need},
    json, say,
    table::{Align, table},
};
use crate::api::{
    Problem,
    people::{AddUser, DisableUser, Enrolment, UserView},
};

#[derive(Subcommand)]
pub(super) enum UserCommand {
    /// Make somebody known, and print the secret with which they choose their password, this once.
    #[command(after_help = "Example:\n  cordon user add alex@example.com --name 'Alex' --role operator")]
    Add(AddArgs),
    /// Show who is known.
    List(Output),
    /// Give somebody another role.
    Role(RoleArgs),
    /// Keep somebody from signing in, and end what is signed in.
    Disable(DisableArgs),
    /// Let somebody sign in again.
    Enable(OneArgs),
    /// End all sessions and tokens of somebody.
    RevokeSessions(OneArgs),
    /// Make somebody's password void, end what is signed in, and print the secret with which they choose another one.
    Reset(OneArgs),
}

#[derive(Args)]
pub(super) struct AddArgs {
    /// The name to sign in with, an e-mail address mostly.
    login: String,
    /// The name to show.
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// What they may do: `viewer`, `operator`, `auditor` or `admin`.
    #[arg(long, value_parser = role, value_name = "ROLE")]
    role: Role,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct RoleArgs {
    /// The login or the id.
    user: String,
    /// What they may do from now on: `viewer`, `operator`, `auditor` or `admin`.
    #[arg(value_parser = role)]
    role: Role,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct DisableArgs {
    /// The login or the id.
    user: String,
    /// Why (kept sealed).
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct OneArgs {
    /// The login or the id.
    user: String,
    #[command(flatten)]
    output: Output,
}

fn role(word: &str) -> Result<Role, String> {
    Role::parse(word).ok_or_else(|| "viewer, operator, auditor or admin is expected".to_owned())
}

pub(super) async fn run(place: &Place, command: UserCommand) -> Outcome {
    if matches!(command, UserCommand::List(_)) && place.server.is_none() {
        place.existing(place.folder())?;
    }
    let client = place.client(Need::Write).await?;
    let done = answer(&client, command).await;
    client.close().await;
    match done? {
        Answer::Enrolment(made, output) => show_enrolment(&made, output),
        Answer::User(user, output) => show_users(&[user], output),
        Answer::Users(users, output) if output.json => json(&crate::api::List::whole(users)),
        Answer::Users(users, output) => show_users(&users, output),
    }
}

enum Answer {
    Enrolment(Box<Enrolment>, Output),
    User(UserView, Output),
    Users(Vec<UserView>, Output),
}

async fn answer(client: &Client, command: UserCommand) -> Result<Answer, Problem> {
    Ok(match command {
        UserCommand::Add(args) => {
            let wish = AddUser { login: args.login, name: args.name, role: args.role };
            Answer::Enrolment(Box::new(client.add_user(wish).await?), args.output)
        }
        UserCommand::List(output) => Answer::Users(client.users().await?, output),
        UserCommand::Role(args) => {
            let id = find(client, &args.user).await?;
            Answer::User(client.set_role(id, args.role).await?, args.output)
        }
        UserCommand::Disable(args) => {
            let id = find(client, &args.user).await?;
            let why = DisableUser { reason: args.reason };
            Answer::User(client.disable_user(id, why).await?, args.output)
        }
        UserCommand::Enable(args) => {
            let id = find(client, &args.user).await?;
            Answer::User(client.enable_user(id).await?, args.output)
        }
        UserCommand::RevokeSessions(args) => {
            let id = find(client, &args.user).await?;
            Answer::User(client.revoke_sessions(id).await?, args.output)
        }
        UserCommand::Reset(args) => {
            let id = find(client, &args.user).await?;
            Answer::Enrolment(Box::new(client.reset_user(id).await?), args.output)
        }
    })
}

/// The id of a login, or the id itself.
async fn find(client: &Client, text: &str) -> Result<UserId, Problem> {
    let users = client.users().await?;
    let login = text.trim().to_lowercase();
    let id = UserId::parse(text).ok();
    let mut found = users.iter().filter(|user| match id {
        Some(id) if users.iter().any(|user| user.id == id) => user.id == id,
        _ => user.login.as_deref().map(str::to_lowercase).as_ref() == Some(&login),
    });
    let (found, another) = (found.next(), found.next());
    if another.is_some() {
        let detail = format!("several users are called `{text}`; help: `cordon user list` shows their ids");
        return Err(Problem::new(409, "ambiguous", "several fit", detail));
    }
    found.map(|user| user.id).ok_or_else(|| {
        let detail = format!("user `{text}` does not exist; help: `cordon user list` shows who is known");
        Problem::new(404, "not_found", "it does not exist", detail)
    })
}

fn show_enrolment(made: &Enrolment, output: Output) -> Outcome {
    if output.json {
        return json(made);
    }
    let login = made.user.login.as_deref().unwrap_or_default();
    say(&format!(
        "user {} ({login}), role {}\nsecret {}\nGood for one use until {}. They choose a password with it: cordon login --enrol\n",
        made.user.id, made.user.role, made.secret, made.expires
    ))
}

fn show_users(users: &[UserView], output: Output) -> Outcome {
    if output.json {
        return users.iter().try_for_each(json);
    }
    let columns = [
        ("ID", Align::Left),
        ("LOGIN", Align::Left),
        ("NAME", Align::Left),
        ("ROLE", Align::Left),
        ("FROM", Align::Left),
        ("STATUS", Align::Left),
        ("SIGNED IN", Align::Right),
    ];
    let row = |user: &UserView| {
        let status = match user.disabled {
            Some(since) => format!("disabled since {since}"),
            None if user.enrolled || user.origin == cordon_core::identity::Origin::Provider => {
                "active".to_owned()
            }
            None => "no password yet".to_owned(),
        };
        let origin = match user.origin {
            cordon_core::identity::Origin::Local => "local",
            cordon_core::identity::Origin::Provider => "provider",
        };
        vec![
            user.id.to_string(),
            user.login.clone().unwrap_or_else(|| "(forgotten)".to_owned()),
            user.name.clone().unwrap_or_default(),
            user.role.to_string(),
            origin.to_owned(),
            status,
            user.signed_in.to_string(),
        ]
    };
    let rows: Vec<Vec<String>> = users.iter().map(row).collect();
    say(&table(&columns, &rows))
}
