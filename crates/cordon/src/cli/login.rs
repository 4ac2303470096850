//! `login` and `logout`: a personal token for this machine, kept for its owner alone.

use std::{
    collections::BTreeMap,
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::PathBuf,
};

use clap::Args;
use cordon_core::{DurationMs, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Failure, Outcome, Place, complain, http::Http, is_near, say, server_of};
use crate::{
    api::{
        Problem,
        people::{Enrol, Me, NewToken, TokenLogin, TokenMade, UserView},
    },
    clock,
    identity::{Secret, SecretKind},
};

#[derive(Args)]
pub(super) struct LoginArgs {
    /// Address of the control listener; without it --server, or the server that serves the data folder.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The login; asked for where it is missing.
    #[arg(long, value_name = "NAME")]
    login: Option<String>,
    /// First choose a password, with the secret of `cordon user add` or `cordon user reset`.
    #[arg(long)]
    enrol: bool,
    /// Read a personal token that the console made, instead of asking for a password.
    #[arg(long, conflicts_with_all = ["enrol", "login", "expires"])]
    token: bool,
    /// How long the token lives, such as 12h; at most 366d.
    #[arg(long, value_parser = DurationMs::parse, value_name = "TIME")]
    expires: Option<DurationMs>,
}

#[derive(Args)]
pub(super) struct LogoutArgs {
    /// Address of the control listener; without it --server, or the server that serves the data folder.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// The file of tokens, by the address of their server.
type Tokens = BTreeMap<String, Kept>;

#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    token: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<Timestamp>,
}

pub(super) async fn login(place: &Place, args: LoginArgs) -> Outcome {
    let server = server(place, args.url.as_deref()).await?;
    if server.starts_with("http://") && !is_near(&server) {
        return Err(
            wrong(format!("{server} is another machine, and a password is not sent without TLS")).into()
        );
    }
    let http = Http::open(&server, place.trust(&server))?;
    let kept = if args.token {
        let text = ask("Token: ", true)?;
        let token = Secret::parse(SecretKind::Token, &text)
            .ok_or_else(|| wrong("this is no personal token: those look like cu_…".to_owned()))?;
        Kept { token: token.expose().to_owned(), expires: None }
    } else {
        let (login, password) = if args.enrol { enrol(&http).await? } else { credentials(args.login)? };
        let label = hostname().map(|host| format!("cordon login on {host}"));
        let wish = TokenLogin {
            login,
            password: password.to_string(),
            token: NewToken { label, expires: args.expires },
        };
        let made: TokenMade = http.post("/login/token", &wish).await?;
        Kept { token: made.token, expires: Some(made.expires) }
    };
    let http = Http::new(&server, &kept.token, place.trust(&server))?;
    let me: Me = http.get("/me", &[]).await?;
    let mut tokens = read()?;
    if let Some(before) =
        tokens.insert(server.clone(), kept.clone()).filter(|before| before.token != kept.token)
    {
        // Not needed any more; where the server does not know it, it has ended already.
        let before = Http::new(&server, &before.token, place.trust(&server))?;
        let _ended: Result<serde_json::Value, Problem> = before.post("/logout", &serde_json::json!({})).await;
    }
    write(&tokens)?;
    let until = kept.expires.or(me.expires).map_or_else(String::new, |time| format!(" until {time}"));
    let login = me.login.unwrap_or_else(|| "somebody".to_owned());
    say(&format!("signed in at {server} as {login}, role {}{until}\n", me.role))
}

pub(super) async fn logout(place: &Place, args: LogoutArgs) -> Outcome {
    let server = server(place, args.url.as_deref()).await?;
    let mut tokens = read()?;
    let Some(kept) = tokens.remove(&server) else {
        return Err(wrong(format!("nobody is signed in at {server} here")).into());
    };
    let http = Http::new(&server, &kept.token, place.trust(&server))?;
    let ended: Result<serde_json::Value, Problem> = http.post("/logout", &serde_json::json!({})).await;
    write(&tokens)?;
    match ended {
        Ok(_) => say(&format!("signed out at {server}\n")),
        Err(problem) if problem.status == 401 => {
            say(&format!("signed out at {server}; the token had ended\n"))
        }
        Err(problem) => {
            complain(&format!(
                "the token is forgotten here, and the server could not be told: {}",
                problem.detail
            ));
            Err(Failure::Code(1))
        }
    }
}

/// The token of a server, where somebody signed in.
pub(super) fn kept(server: &str) -> Option<String> {
    let kept = read().ok()?.remove(server.trim_end_matches('/'))?;
    kept.expires.is_none_or(|expires| clock::machine_time() < expires).then_some(kept.token)
}

async fn enrol(http: &Http) -> Result<(String, Zeroizing<String>), Problem> {
    let secret = ask("Secret (ce_…): ", true)?;
    let password = ask("New password (15 characters or more): ", true)?;
    if io::stdin().is_terminal() && *ask("Again: ", true)? != *password {
        return Err(wrong("the two are not the same; nothing was changed".to_owned()));
    }
    let wish = Enrol { secret: secret.to_string(), password: password.to_string() };
    let user: UserView = http.post("/enrol", &wish).await?;
    let login = user.login.ok_or_else(|| wrong("the login was forgotten".to_owned()))?;
    Ok((login, password))
}

fn credentials(login: Option<String>) -> Result<(String, Zeroizing<String>), Problem> {
    let login = match login {
        Some(login) => login,
        None => ask("Login: ", false)?.to_string(),
    };
    Ok((login, ask("Password: ", true)?))
}

async fn server(place: &Place, url: Option<&str>) -> Result<String, Problem> {
    let named = url.map(str::to_owned).or_else(|| place.server.clone());
    let server = match named {
        Some(server) => Some(server),
        None => server_of(&place.folder()).await,
    };
    let missing = || {
        wrong("it is not known where to sign in; help: --url says where the control listener is, such as http://127.0.0.1:4181".to_owned())
    };
    Ok(server.ok_or_else(missing)?.trim_end_matches('/').to_owned())
}

/// A line of the person at the terminal, or of standard input. What is secret is not shown while it is typed.
fn ask(what: &str, secret: bool) -> Result<Zeroizing<String>, Problem> {
    let failed = |error: io::Error| wrong(format!("the input cannot be read: {error}"));
    let input = io::stdin();
    let terminal = input.is_terminal();
    if terminal {
        let _unheard = write!(io::stderr().lock(), "{what}");
        let _unheard = io::stderr().flush();
    }
    let mut line = Zeroizing::new(String::with_capacity(2048));
    let read = {
        let _quiet = (terminal && secret).then(Quiet::new).flatten();
        io::Read::take(input.lock(), 4096).read_line_into(&mut line)
    };
    if terminal && secret {
        let _unheard = writeln!(io::stderr().lock());
    }
    read.map_err(failed)?;
    // With the terminal quiet, Ctrl-C is a character.
    if line.contains('\u{3}') {
        return Err(wrong("ended; nothing was changed".to_owned()));
    }
    let text = Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned());
    if text.is_empty() {
        return Err(wrong("nothing was given; nothing was changed".to_owned()));
    }
    Ok(text)
}

/// Reads one line into a buffer.
trait ReadLine {
    fn read_line_into(self, line: &mut String) -> io::Result<usize>;
}

impl<R: io::BufRead> ReadLine for io::Take<R> {
    fn read_line_into(mut self, line: &mut String) -> io::Result<usize> {
        self.read_line(line)
    }
}

/// A terminal that shows nothing of what is typed, until this is dropped.
struct Quiet(rustix::termios::Termios);

impl Quiet {
    fn new() -> Option<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(io::stdin()).ok()?;
        let mut quiet = before.clone();
        // Signals too: one in the middle would leave the terminal quiet.
        quiet.local_modes &= !(LocalModes::ECHO | LocalModes::ISIG);
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet).ok()?;
        Some(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _lost = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Flush, &self.0);
    }
}

fn file() -> Result<PathBuf, Problem> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = variable("XDG_CONFIG_HOME").or_else(|| Some(variable("HOME")?.join(".config")));
    let folder = folder
        .ok_or_else(|| wrong("neither XDG_CONFIG_HOME nor HOME says where tokens are kept".to_owned()))?;
    Ok(folder.join("cordon").join("tokens.json"))
}

fn read() -> Result<Tokens, Problem> {
    let path = file()?;
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Tokens::new()),
        Err(error) => return Err(wrong(format!("`{}` cannot be read: {error}", path.display()))),
    };
    let mode = path.metadata().map_or(0, |metadata| metadata.permissions().mode() & 0o777);
    if mode & 0o077 != 0 {
        return Err(wrong(format!(
            "`{}` can be read by other users (mode {mode:o}); help: chmod 600 it, and sign in anew",
            path.display()
        )));
    }
    serde_json::from_str(&text).map_err(|_| {
        wrong(format!("`{}` holds no tokens; help: delete it, and sign in anew", path.display()))
    })
}

fn write(tokens: &Tokens) -> Result<(), Problem> {
    let path = file()?;
    let failed = |error: io::Error| wrong(format!("`{}` cannot be written: {error}", path.display()));
    if let Some(folder) = path.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    }
    let text = Zeroizing::new(serde_json::to_string_pretty(tokens).map_err(|error| failed(error.into()))?);
    // Whole under another name first: a crash leaves no half a file.
    let draft = path.with_extension("new");
    let _earlier = std::fs::remove_file(&draft);
    let mut out =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(failed)?;
    out.write_all(text.as_bytes()).and_then(|()| out.sync_all()).map_err(failed)?;
    std::fs::rename(&draft, &path).map_err(failed)
}

fn hostname() -> Option<String> {
    let name = rustix::system::uname().nodename().to_str().ok()?.to_owned();
    Some(name.chars().take(60).collect()).filter(|name: &String| !name.is_empty())
}

fn wrong(detail: String) -> Problem {
    Problem::new(400, "malformed", "the command cannot be carried out", detail)
}
