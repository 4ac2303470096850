//! The command line.

mod backup;
mod calls;
mod classify;
mod client;
mod content;
mod detectors;
mod digest;
mod eval;
mod export;
mod findings;
mod guards;
mod held;
mod http;
mod inspect;
mod keys;
mod labels;
mod ledger;
mod limits;
mod local;
mod login;
mod progress;
mod prove;
mod quarantine;
mod redact;
mod resources;
mod routes;
mod stats;
mod table;
mod texts;
mod triggers;
mod user;
mod verify;
mod yaml;

pub(crate) use resources::{actor, document};
pub(crate) use table::plain;

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use cordon_core::{DurationMs, JournalId, Timestamp};
use cordon_store::{DataDir, Objects, data_dir::DataDirError};

use self::{
    client::{Client, Need},
    http::{Http, Trust},
    local::Local,
};
use crate::{
    api::{Check, Health, Problem},
    clock,
    config::{self, Config, LogFormat, Raw},
    control::{self, AdminToken, TokenError},
    desk::with_causes,
    doctor, logging, objects, sandbox, up,
};

/// Keeps AI in production safe, watched and provable: one binary in front of models that guards and records every call.
#[derive(Parser)]
#[command(name = "cordon", version = crate::build(), max_term_width = 110, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    place: Place,
}

const EXAMPLES: &str = "\
Examples:
  cordon up --demo                             start, send some calls through, keep serving
  cordon plan -f policies/                     what would change? (exit code 2: something)
  cordon apply -f policies/                    make it so
  cordon key create --principal app --expires 30d
  cordon calls list --verdict block --since 1h
  cordon prove --call ID -o proof.json         show somebody who does not trust you what happened
  cordon verify                                is every record still what it was?
  cordon doctor                                what is wrong, and how to mend it";

/// Where commands go.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Where")]
struct Place {
    /// Address of a running server's control listener, such as http://127.0.0.1:4181.
    #[arg(long, global = true, env = "CORDON_SERVER", value_name = "URL")]
    server: Option<String>,
    /// File with a token; otherwise CORDON_TOKEN, what `cordon login` keeps, or admin.token in the data folder.
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The data folder. Without --server, the server that serves it is asked, or, when none does, the folder itself.
    #[arg(long, global = true, env = "CORDON_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Certificates that are trusted beside the machine's own, for a server behind TLS.
    #[arg(long, global = true, value_name = "FILE")]
    ca_bundle: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve: the gateway for callers, the control listener for operators.
    #[command(after_help = config::help())]
    Up(UpArgs),
    /// Make what files declare true: all of it, or nothing.
    #[command(
        after_help = "Examples:\n  cordon apply -f policies/\n  cordon get route | cordon apply -f -   (see --yaml)"
    )]
    Apply(resources::ApplyArgs),
    /// Show what `apply` would change, and what that would have meant for recent calls.
    #[command(
        after_help = "Exit code: 0 nothing would change, 2 something would, 1 the files or the server have a problem."
    )]
    Plan(resources::PlanArgs),
    /// Show resources.
    #[command(
        after_help = "Examples:\n  cordon get routes\n  cordon get guard baseline --as-of 2026-11-21T09:30:00Z\n  cordon get all --yaml > everything.yaml"
    )]
    Get(resources::GetArgs),
    /// Show what a resource went through, latest first.
    History(resources::HistoryArgs),
    /// Take a resource away, if nothing needs it.
    Delete(resources::DeleteArgs),
    /// Print the JSON Schema of a kind, for editors.
    Schema(resources::SchemaArgs),
    /// Print the OpenAPI document of the control API, as `/api/v1/openapi.json` serves it.
    Openapi,
    /// Callers' keys.
    #[command(subcommand)]
    Key(keys::KeyCommand),
    /// The people who operate Cordon.
    #[command(subcommand)]
    User(user::UserCommand),
    /// Sign in: get a personal token and keep it for the other commands.
    #[command(
        after_help = "Examples:\n  cordon login --enrol                         with the secret of `cordon user add`\n  cordon login --url https://cordon.example.com"
    )]
    Login(login::LoginArgs),
    /// Sign out: end the token that is kept.
    Logout(login::LogoutArgs),
    /// The record of calls.
    #[command(subcommand)]
    Calls(calls::CallsCommand),
    /// What was found, how often, and what became of the calls.
    #[command(subcommand)]
    Findings(findings::FindingsCommand),
    /// Captured content: shown, backed up, brought back.
    #[command(subcommand)]
    Content(content::ContentCommand),
    /// Erase captured content, of a call or of a person: its keys are destroyed, proofs stay valid.
    #[command(after_help = content::ERASE)]
    Erase(content::EraseArgs),
    /// Legal holds on captured content.
    #[command(subcommand)]
    Hold(content::HoldCommand),
    /// Detectors as they are at the moment: those that are built in, and those that are declared.
    #[command(after_help = detectors::EXAMPLES)]
    Detectors(detectors::DetectorsArgs),
    /// Routes as they are at the moment: mode, targets, and which of them are failing.
    #[command(after_help = routes::EXAMPLES)]
    Routes(routes::RoutesArgs),
    /// How much of limits and budgets is used at the moment, the most used first.
    #[command(after_help = limits::EXAMPLES)]
    Limits(limits::LimitsArgs),
    /// Triggers as they are at the moment: what they see, what they did, and the way back.
    #[command(after_help = triggers::EXAMPLES)]
    Triggers(triggers::TriggersArgs),
    /// The kill switch: take a model, service, tool, caller, route, system or content out of use at once.
    #[command(after_help = quarantine::EXAMPLES)]
    Quarantine(quarantine::QuarantineArgs),
    /// Files, texts and calls of tools that are held until a person has looked at them.
    #[command(subcommand, after_help = held::EXAMPLES)]
    Held(held::HeldCommand),
    /// Write the proof of a call: a file that anybody checks with the log's public key.
    #[command(after_help = prove::EXAMPLES)]
    Prove(prove::ProveArgs),
    /// Check that everything kept is what was recorded, or that a proof holds.
    #[command(after_help = verify::EXAMPLES)]
    Verify(verify::VerifyArgs),
    /// The log's public key and its newest checkpoint, to be kept elsewhere; a new key.
    #[command(subcommand)]
    Ledger(ledger::LedgerCommand),
    /// Copy everything that is kept, also while it is served.
    #[command(after_help = backup::BACKUP)]
    Backup(backup::BackupArgs),
    /// Verify a copy and put it into a new data folder.
    #[command(after_help = backup::RESTORE)]
    Restore(backup::RestoreArgs),
    /// Say what the detectors find in texts, and what a guard would do about it.
    #[command(after_help = inspect::EXAMPLES)]
    Inspect(inspect::InspectArgs),
    /// Write texts without what a guard would take out of them.
    #[command(after_help = redact::EXAMPLES)]
    Redact(redact::RedactArgs),
    /// Write an entry for the values that a guard lets pass, without the value itself.
    #[command(after_help = digest::EXAMPLES)]
    Digest(digest::DigestArgs),
    /// Say what kinds of secrets and personal data are in files and folders, and how carefully each must be handled.
    #[command(after_help = classify::EXAMPLES)]
    Classify(classify::ClassifyArgs),
    /// Measure on labelled data.
    #[command(subcommand)]
    Eval(eval::EvalCommand),
    /// Say what a table holds: kinds, missing values, ranges, frequent values; save a profile that stands for it.
    #[command(after_help = stats::PROFILE)]
    Profile(stats::ProfileArgs),
    /// Compare a table with a reference: which columns changed, how much, and whether chance explains it.
    #[command(after_help = stats::DRIFT)]
    Drift(stats::DriftArgs),
    /// Say why it changed: the columns and the segments that explain a change, ranked, with intervals.
    #[command(after_help = stats::CAUSES)]
    Causes(stats::CausesArgs),
    /// Say what is wrong with a table, by itself and against a reference.
    #[command(after_help = stats::QUALITY)]
    Quality(stats::QualityArgs),
    /// Say whether groups of people are treated alike: rates, gaps and ratios with intervals.
    #[command(after_help = stats::FAIRNESS)]
    Fairness(stats::FairnessArgs),
    /// Apply thresholds by group to a table, each decision with its reason.
    #[command(after_help = stats::DECIDE)]
    Decide(stats::DecideArgs),
    /// Say how good predictions are, with intervals: with labels, with labels that came later, or before they come.
    #[command(after_help = stats::PERFORMANCE)]
    Performance(stats::PerformanceArgs),
    /// Say when a limit will be crossed if the trend goes on, with its interval, and where that cannot be said.
    #[command(after_help = stats::FORECAST)]
    Forecast(stats::ForecastArgs),
    /// Write what other programs watch Cordon with: a dashboard, alert rules.
    #[command(subcommand, after_help = export::EXAMPLES)]
    Export(export::ExportCommand),
    /// Look for everything that is not as it should be, and say how to mend it.
    Doctor(DoctorArgs),
    /// Serve a gullible, OpenAI-compatible assistant to try guards on. Never a model.
    Sandbox(SandboxArgs),
    /// Print the version and build.
    Version(Output),
}

/// How answers look.
#[derive(Args, Clone, Copy, Debug)]
struct Output {
    /// JSON instead of text for people.
    #[arg(long)]
    json: bool,
}

/// What `cordon up` can be told.
#[derive(Args, Clone, Debug)]
pub struct UpArgs {
    /// Address for callers.
    #[arg(long, value_name = "ADDRESS")]
    pub gateway: Option<String>,
    /// Address for operators.
    #[arg(long, value_name = "ADDRESS")]
    pub control: Option<String>,
    /// The configuration file; `cordon.toml` is read where it is there.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Leave this journal as it is, as evidence, and begin another one: for a journal that is not as it was anchored.
    #[arg(long, value_name = "JOURNAL", value_parser = journal_id)]
    pub abandon_journal: Option<JournalId>,
    /// Start the sandbox upstream too, send a first wave of calls through, and print what happened. The data folder is
    /// then `cordon-demo` unless another one is named.
    #[arg(long)]
    pub demo: bool,
    /// `error`, `warn`, `info`, `debug`, `trace`, or filters such as `info,cordon_guard=debug`.
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// `json` or `text`.
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,
}

#[derive(Args)]
struct DoctorArgs {
    /// The configuration file; `cordon.toml` is read where it is there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Leave out what needs the network.
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
struct SandboxArgs {
    /// Address to listen on.
    #[arg(long, env = "CORDON_SANDBOX_LISTEN", default_value = "127.0.0.1:4182", value_name = "ADDRESS")]
    listen: String,
    /// The key that callers must send; without one everybody is served.
    #[arg(long, env = "CORDON_SANDBOX_KEY", hide_env_values = true, value_name = "KEY")]
    api_key: Option<String>,
}

fn journal_id(text: &str) -> Result<JournalId, String> {
    JournalId::parse(text).ok_or_else(|| "32 hexadecimal digits are expected".to_owned())
}

/// Why a command ends with another exit code than 0.
enum Failure {
    /// There is something to say.
    Problem(Box<Problem>),
    /// All has been said.
    Code(u8),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

type Outcome = Result<(), Failure>;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _unheard = error.print();
            // 2 is `plan`'s word for a difference.
            if !error.use_stderr() {
                return ExitCode::SUCCESS;
            }
            // 1 is `drift`'s word for drift, and `inspect`'s for findings.
            let of_data = std::env::args().nth(1).is_some_and(|name| {
                stats::NAMES.contains(&name.as_str()) || inspect::NAMES.contains(&name.as_str())
            });
            return if of_data { ExitCode::from(2) } else { ExitCode::FAILURE };
        }
    };
    let threads = matches!(cli.command, Command::Up(_) | Command::Sandbox(_));
    let mut builder = if threads {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    // With many callers a thread's own queue runs over and half of it moves to the common one, which is looked into every so many turns:
    // seldom, and those calls wait several times as long as all others.
    let runtime = match builder.enable_all().global_queue_interval(3).build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("the program cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(Box::pin(run(cli)));
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Code(code)) => ExitCode::from(code),
        Err(Failure::Problem(problem)) => {
            explain(&problem);
            ExitCode::FAILURE
        }
    }
}

/// Says why a command could not be carried out.
fn explain(problem: &Problem) {
    complain(&problem.detail);
    for problem in &problem.problems {
        complain(&format!("  {}: {}", problem.path, problem.message));
    }
}

async fn run(cli: Cli) -> Outcome {
    let place = &cli.place;
    if !matches!(cli.command, Command::Up(_) | Command::Sandbox(_)) {
        logging::start(&config::Log { level: "warn".to_owned(), format: LogFormat::Text });
    }
    match cli.command {
        Command::Up(args) => {
            let config = configuration(place, Some(&args), args.config.as_deref())?;
            logging::start(&config.log);
            up::run(args, config).await.map_err(|error| {
                complain(&format!("{error:#}"));
                Failure::Code(1)
            })
        }
        Command::Apply(args) => resources::apply(place, args).await,
        Command::Plan(args) => resources::plan(place, args).await,
        Command::Get(args) => resources::get(place, args).await,
        Command::History(args) => resources::history(place, args).await,
        Command::Delete(args) => resources::delete(place, args).await,
        Command::Schema(args) => resources::schema(&args),
        Command::Openapi => json(control::openapi()),
        Command::Key(command) => keys::run(place, command).await,
        Command::User(command) => user::run(place, command).await,
        Command::Login(args) => login::login(place, args).await,
        Command::Logout(args) => login::logout(place, args).await,
        Command::Calls(command) => calls::run(place, command).await,
        Command::Content(command) => content::run(place, command).await,
        Command::Erase(args) => content::erase(place, args).await,
        Command::Hold(command) => content::hold(place, command).await,
        Command::Quarantine(args) => quarantine::run(place, args).await,
        Command::Held(command) => held::run(place, command).await,
        Command::Limits(args) => limits::run(place, args).await,
        Command::Detectors(args) => detectors::run(place, args).await,
        Command::Routes(args) => routes::run(place, args).await,
        Command::Findings(command) => findings::run(place, command).await,
        Command::Triggers(args) => triggers::run(place, args).await,
        Command::Prove(args) => prove::run(place, args).await,
        Command::Verify(args) => verify::run(place, args).await,
        Command::Ledger(command) => ledger::run(place, command).await,
        Command::Backup(args) => backup::take(place, args).await,
        Command::Restore(args) => backup::put_back(place, args).await,
        Command::Inspect(args) => inspect::run(place, args).await,
        Command::Redact(args) => redact::run(place, args).await,
        Command::Digest(args) => digest::run(&args),
        Command::Classify(args) => classify::run(place, &args).await,
        Command::Eval(command) => eval::run(place, command).await,
        Command::Profile(args) => stats::profile(&args),
        Command::Drift(args) => stats::drift(&args),
        Command::Causes(args) => stats::causes(&args),
        Command::Quality(args) => stats::quality(&args),
        Command::Fairness(args) => stats::fairness(&args),
        Command::Decide(args) => stats::decide(&args),
        Command::Performance(args) => stats::performance(&args),
        Command::Forecast(args) => stats::forecast(&args),
        Command::Export(command) => export::run(command),
        Command::Doctor(args) => examine(place, args).await,
        Command::Sandbox(args) => play(args).await,
        Command::Version(output) => {
            let version = crate::version();
            if output.json { json(&version) } else { say(&format!("cordon {}\n", version.build)) }
        }
    }
}

/// The checked configuration, or everything that is wrong with it on standard error.
fn configuration(place: &Place, args: Option<&UpArgs>, file: Option<&Path>) -> Result<Config, Failure> {
    raw(place, args, file).check().map_err(|problems| {
        for problem in problems {
            complain(&problem.to_string());
        }
        Failure::Code(1)
    })
}

/// The data folder of the demo, where none is named.
const DEMO_DATA: &str = "cordon-demo";

fn raw(place: &Place, args: Option<&UpArgs>, file: Option<&Path>) -> Raw {
    let flag = |value: Option<&String>| value.cloned();
    let data = place.data.as_ref().map(|path| path.display().to_string());
    // What the demo declares does not belong beside what people declare: without another word it has a folder of its own.
    let demo = args.is_some_and(|args| args.demo).then(|| DEMO_DATA.to_owned());
    Raw::default()
        .flag("--demo", "data", demo)
        .file(file)
        .environment(|name| std::env::var(name).ok())
        .flag("--data", "data", data)
        .flag("--gateway", "gateway.listen", flag(args.and_then(|args| args.gateway.as_ref())))
        .flag("--control", "control.listen", flag(args.and_then(|args| args.control.as_ref())))
        .flag("--log-level", "log.level", flag(args.and_then(|args| args.log_level.as_ref())))
        .flag("--log-format", "log.format", flag(args.and_then(|args| args.log_format.as_ref())))
}

/// A bucket, and how people call it.
struct Bucket {
    objects: Arc<dyn Objects>,
    name: String,
}

impl Place {
    /// The data folder: as said, as `cordon.toml` says, or the default.
    fn folder(&self) -> PathBuf {
        if let Some(data) = &self.data {
            return data.clone();
        }
        // What is wrong with the file is told by `up` and `doctor`; it does not keep others from asking.
        Raw::default().file(None).check().map_or_else(|_| PathBuf::from("cordon-data"), |config| config.data)
    }

    /// The same where a configuration file is named.
    fn folder_of(&self, config: Option<&Path>) -> PathBuf {
        match (&self.data, config) {
            (None, Some(file)) => {
                raw(self, None, Some(file)).check().map_or_else(|_| self.folder(), |c| c.data)
            }
            _ => self.folder(),
        }
    }

    /// A folder that must be there already: a command that only reads makes none.
    fn existing(&self, folder: PathBuf) -> Result<PathBuf, Problem> {
        if folder.exists() {
            return Ok(folder);
        }
        let detail = format!(
            "there is no data folder `{}` here; help: --data or CORDON_DATA says where it is; `cordon up` makes one",
            folder.display()
        );
        Err(Problem::new(404, "not_found", "there is no data folder", detail))
    }

    /// The bucket of sealed records that the configuration names.
    fn bucket(&self, config: Option<&Path>) -> Result<Option<Bucket>, Failure> {
        let config = configuration(self, None, config)?;
        let bucket = objects::bucket_of(&config).map_err(|error| unusable_bucket(&error))?;
        let name = config.objects.map(|settings| settings.to_string());
        Ok(bucket.zip(name).map(|(objects, name)| Bucket { objects, name }))
    }

    /// Whom to ask: the server that is named, the one that serves the folder, or the folder itself.
    async fn client(&self, need: Need) -> Result<Client, Problem> {
        if let Some(server) = &self.server {
            return self.http(server).map(Client::Server);
        }
        let folder = self.folder();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let opened = match need {
                Need::Read if !folder.exists() => {
                    return Local::open(&folder, None, need).await.map(Client::Folder);
                }
                Need::Read => DataDir::read_only(&folder),
                Need::Write => DataDir::open(&folder),
            };
            match opened {
                Ok(opened) => return Local::open(&folder, Some(opened), need).await.map(Client::Folder),
                Err(error @ DataDirError::InUse { .. }) => {
                    if let Some(server) = server_of(&folder).await {
                        return self.http(&server).map(Client::Server);
                    }
                    // Another command is at work, or a server is only just starting: neither takes long.
                    if tokio::time::Instant::now() >= deadline {
                        return Err(unusable(&error));
                    }
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
                Err(error) => return Err(unusable(&error)),
            }
        }
    }

    /// The token: from the file that is named, the variable, what `cordon login` kept for this server, or the
    /// administrator's in the data folder.
    fn token(&self, server: &str) -> Result<String, TokenError> {
        let variable = std::env::var("CORDON_TOKEN").ok().filter(|token| !token.is_empty());
        match (&self.token_file, variable) {
            (Some(file), _) => AdminToken::read_file(file),
            (None, Some(token)) => Ok(token.trim().to_owned()),
            (None, None) => match login::kept(server) {
                Some(token) => Ok(token),
                None => AdminToken::read(&self.folder()),
            },
        }
    }

    fn http(&self, server: &str) -> Result<Http, Problem> {
        let token = self.token(server).map_err(|error| {
            let help = "help: `cordon login` signs in; or set CORDON_TOKEN, or give --token-file with the server's admin.token";
            let detail = format!("there is no token for {server}: {}; {help}", with_causes(&error));
            Problem::new(401, "unauthenticated", "a token is needed", detail)
        })?;
        if server.starts_with("http://") && !is_near(server) {
            complain("warning: the token is sent without TLS to another machine");
        }
        Http::new(server, &token, self.trust(server))
    }

    /// Whose certificate a server may show: what the machine and `--ca-bundle` trust, or, for the server of the folder, the
    /// one that it noted there.
    fn trust(&self, server: &str) -> Trust {
        let said = control::announced(&self.folder()).filter(|said| said.url == server.trim_end_matches('/'));
        Trust { ca_bundle: self.ca_bundle.clone(), pinned: said.and_then(|said| said.certificate) }
    }
}

/// How long a command waits for a folder that another one holds.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// The server that serves a folder, if it listens where it said.
async fn server_of(folder: &Path) -> Option<String> {
    let server = control::announced(folder)?.url;
    let address = server.split_once("://").map(|(_, address)| address.to_owned())?;
    let connect = tokio::net::TcpStream::connect(address);
    let connected = tokio::time::timeout(std::time::Duration::from_secs(1), connect).await;
    matches!(connected, Ok(Ok(_))).then_some(server)
}

fn unusable(error: &dyn std::error::Error) -> Problem {
    Problem::new(503, "folder_unusable", "the data folder cannot be used", with_causes(error))
}

fn unusable_bucket(error: &dyn std::error::Error) -> Problem {
    Problem::new(503, "bucket_unusable", "the bucket cannot be used", with_causes(error))
}

/// Whether an address is this machine's.
fn is_near(server: &str) -> bool {
    let host = server.trim_start_matches("http://");
    ["127.", "localhost", "[::1]"].iter().any(|near| host.starts_with(near))
}

async fn examine(place: &Place, args: DoctorArgs) -> Outcome {
    let config = raw(place, None, args.config.as_deref()).check();
    let folder = match (&place.data, &config) {
        (Some(data), _) => data.clone(),
        (None, Ok(config)) => config.data.clone(),
        (None, Err(_)) => place.folder(),
    };
    let mut checks = doctor::machine(&config, &folder);
    let server = place
        .server
        .clone()
        .or_else(|| control::announced(&folder).filter(|_| doctor::is_served(&folder)).map(|said| said.url));
    match server {
        Some(server) => match place.http(&server) {
            Ok(http) => match Client::Server(http).doctor().await {
                Ok(found) => checks.extend(found),
                Err(problem) => checks.push(doctor::broken("server", problem.detail, None)),
            },
            Err(problem) => checks.push(doctor::broken("server", problem.detail, None)),
        },
        None => checks.extend(doctor::folder(&folder, config.as_ref().ok(), args.offline).await),
    }
    report(&checks, args.output)
}

fn report(checks: &[Check], output: Output) -> Outcome {
    if output.json {
        json(&crate::api::List::whole(checks.to_vec()))?;
    } else {
        let mut text = String::new();
        for check in checks {
            let word = match check.health {
                Health::Ok => "ok     ",
                Health::Warning => "warning",
                Health::Broken => "BROKEN ",
            };
            text.push_str(&format!(
                "{word}  {}: {}\n",
                table::plain(&check.check),
                table::plain(&check.message)
            ));
            if let Some(help) = &check.help {
                text.push_str(&format!("         help: {}\n", table::plain(help)));
            }
        }
        say(&text)?;
    }
    match checks.iter().map(|check| check.health).max() {
        Some(Health::Broken) => Err(Failure::Code(1)),
        _ => Ok(()),
    }
}

async fn play(args: SandboxArgs) -> Outcome {
    logging::start(&config::Log { level: "info".to_owned(), format: LogFormat::Text });
    let listener = tokio::net::TcpListener::bind(&args.listen).await.map_err(|error| {
        complain(&format!(
            "cannot listen on {}: {error}; help: choose another one with --listen",
            args.listen
        ));
        Failure::Code(1)
    })?;
    if let Ok(address) = listener.local_addr() {
        say(&format!("sandbox upstream (no model, gullible by design): http://{address}/v1\n"))?;
    }
    let options = sandbox::Options { api_key: args.api_key, ..sandbox::Options::default() };
    sandbox::serve(listener, options, up::terminated()).await;
    Ok(())
}

/// A time, or how long ago.
fn moment(text: &str) -> Result<Timestamp, String> {
    match DurationMs::parse(text) {
        Ok(ago) => {
            let ago = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
            Ok(Timestamp::from_millis(clock::machine_time().as_millis().saturating_sub(ago)))
        }
        Err(_) => Timestamp::parse(text).map_err(|_| {
            "a time such as 2026-11-21T09:30:00Z, or how long ago, such as 90m, is expected".to_owned()
        }),
    }
}

/// Writes to standard output. A reader that has gone away ends the program quietly.
fn say(text: &str) -> Outcome {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| unwritten(&error))
}

/// What follows when standard output takes nothing. A reader that has gone away ends the program quietly.
fn unwritten(error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::Code(0);
    }
    complain(&format!("the output cannot be written: {error}"));
    Failure::Code(1)
}

/// Writes one JSON text and a line break.
fn json<T: serde::Serialize>(value: &T) -> Outcome {
    match serde_json::to_string(value) {
        Ok(text) => say(&(text + "\n")),
        Err(error) => {
            complain(&format!("the answer cannot be written: {error}"));
            Err(Failure::Code(1))
        }
    }
}

/// Writes a line to standard error; there is nobody to tell when that fails.
fn complain(text: &str) {
    let _unheard = writeln!(io::stderr().lock(), "{}", table::plain(text));
}

/// The command line as clap knows it, for tests and documents.
pub fn command() -> clap::Command {
    Cli::command()
}
