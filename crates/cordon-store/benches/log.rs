//! How long a node takes to start and to go back in time, by the length of its log.
//!
//! `cargo bench -p cordon-store --bench log [-- FACTS]` (1,000,000 facts unless said otherwise) builds a log in a folder
//! of its own, over about 4,000 resources, and prints what it measured. Start-up is opening the log and folding the
//! present state with the help of the caches; a time in the past is one `state_as_of`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark"
)]

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use cordon_core::{
    Action, Category, Channel, Digest, DurationMs, Fact, Form, Name, Score, Sealed, State, Timestamp,
    containment::{InFlight, Subject},
    fact::{Actor, Body},
    resource::{
        Aim, GuardScope, GuardSpec, Kind, LiftedBy, LimitSpec, LimitSubject, ModelSpec, PrincipalSpec,
        Protocol, Rate, Requests, Resource, RetentionSpec, RiskClass, RouteGuards, RouteSpec, Rule,
        SecretRef, ServiceSpec, Signal, Spec, SystemSpec, Target, TeamSpec, Timeouts, ToolSpec,
        TriggerAction, TriggerSpec, Watched,
    },
};
use cordon_store::log::{Entry, Loader, Log, SqliteLog, StateCaches};

/// How many resources there are of each kind.
const RESOURCES: [(Kind, u64); 8] = [
    (Kind::Team, 100),
    (Kind::System, 300),
    (Kind::Service, 20),
    (Kind::Model, 200),
    (Kind::Guard, 200),
    (Kind::Route, 1000),
    (Kind::Principal, 1600),
    (Kind::Limit, 600),
];

/// Milliseconds between two facts: ten million of them are ten years.
const BETWEEN: i64 = 31_557;

const START: i64 = 1_500_000_000_000;

/// xorshift64*: the same log each time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }
}

fn name(kind: &str, number: u64) -> Name {
    Name::parse(&format!("{kind}-{number}")).unwrap()
}

fn sealed(random: &mut Random) -> Sealed<String> {
    Sealed::Closed(Digest::sha256(&random.below(u64::MAX).to_be_bytes()))
}

fn resource(kind: Kind, number: u64, random: &mut Random) -> Resource {
    let spec = match kind {
        Kind::Team => Spec::Team(TeamSpec { owner: Some(sealed(random)) }),
        Kind::System => Spec::System(SystemSpec {
            team: name("team", random.below(100)),
            purpose: sealed(random),
            owner: Some(sealed(random)),
            risk: RiskClass::Limited,
            jurisdictions: Vec::new(),
            labels: std::collections::BTreeMap::new(),
        }),
        Kind::Service => Spec::Service(ServiceSpec {
            protocol: Protocol::Openai,
            base_url: format!("https://api-{}.example.com/v1", random.below(1000)),
            secret: Some(SecretRef::Env(format!("PROVIDER_{number}_KEY"))),
            private_network: false,
            region: None,
            client_certificate: None,
            max_sensitivity: None,
            azure: None,
            timeouts: Timeouts::default(),
            breaker: cordon_core::resource::Breaker::default(),
        }),
        Kind::Model => Spec::Model(ModelSpec {
            service: name("service", random.below(20)),
            upstream_name: format!("model-{}", random.below(1000)),
            prices: Vec::new(),
            image_tokens: None,
            output_field: cordon_core::resource::OutputField::default(),
            upstream_version: None,
            signature: None,
        }),
        Kind::Guard => Spec::Guard(GuardSpec {
            scope: GuardScope::Team(name("team", random.below(100))),
            mode: cordon_core::Mode::Enforce,
            rules: ["prompt_injection", "pii", "secret"].map(|category| rule(category, random)).into(),
            exceptions: Vec::new(),
            hosts: None,
            types: Vec::new(),
            allow: None,
            topics: None,
        }),
        Kind::Route => Spec::Route(RouteSpec {
            system: Some(name("system", random.below(300))),
            guards: RouteGuards::Listed(vec![name("guard", random.below(200))]),
            ..RouteSpec::new(
                name("team", random.below(100)),
                vec![Target { model: name("model", random.below(200)), weight: 1 }],
            )
        }),
        Kind::Principal => Spec::Principal(PrincipalSpec {
            priority: None,
            team: name("team", random.below(100)),
            routes: (0..3).map(|_| name("route", random.below(1000))).collect(),
        }),
        Kind::Retention => Spec::Retention(RetentionSpec {
            routes: Vec::new(),
            systems: vec![name("system", random.below(100))],
            labels: std::collections::BTreeMap::new(),
            jurisdictions: Vec::new(),
            content: Some(DurationMs::from_secs(86_400 * (1 + random.below(30)))),
            records: None,
            reason: None,
        }),
        Kind::Limit => Spec::Limit(LimitSpec {
            requests: Some(Requests {
                count: u32::try_from(random.below(1000)).unwrap() + 1,
                window: DurationMs::from_secs(60),
                burst: None,
            }),
            concurrency: Some(32),
            body_bytes: Some(1 << 20),
            ..LimitSpec::new(LimitSubject::of_route(name("route", random.below(1000))))
        }),
        Kind::Detector => Spec::Detector(
            serde_json::from_value(serde_json::json!({
                "adapter": "cordon", "base_url": "https://detector.example.com",
                "categories": {"insult": "toxicity/insult"},
                "self_test": {"text": "you fool", "category": "toxicity"},
            }))
            .unwrap(),
        ),
        Kind::Tool => Spec::Tool(ToolSpec::default()),
        Kind::Trigger => Spec::Trigger(TriggerSpec {
            on: Watched { route: Some(name("route", random.below(1000))), ..Watched::default() },
            each: None,
            signal: Signal::ErrorRate(Rate { above: Score::percent(50), until: None }),
            window: DurationMs::from_secs(60),
            minimum: 20,
            lasting: DurationMs::from_secs(0),
            cool_down: DurationMs::from_secs(300),
            action: TriggerAction::Quarantine(Aim::Subject(Subject::Model(name("model", random.below(200))))),
            in_flight: InFlight::Cancel,
            lift: LiftedBy::Person,
            reason: None,
            enabled: true,
        }),
    };
    Resource { name: name(&kind.as_str().to_ascii_lowercase(), number), spec }
}

fn rule(category: &str, random: &mut Random) -> Rule {
    Rule {
        channels: vec![Channel::User, Channel::Document, Channel::ToolOutput],
        category: Category::parse(category).unwrap(),
        at: Score::percent(u32::try_from(random.below(100)).unwrap()),
        action: Action::Redact,
        form: Form::Mask,
        throttle: None,
        new_only: false,
    }
}

/// The facts of a log, one after the other: first every resource once, then changes of any of them.
fn fact(number: u64, random: &mut Random) -> Fact {
    let total: u64 = RESOURCES.iter().map(|(_, count)| count).sum();
    let mut which = if number < total { number } else { random.below(total) };
    let mut kind = Kind::Team;
    for (candidate, count) in RESOURCES {
        kind = candidate;
        if which < count {
            break;
        }
        which -= count;
    }
    let time = Timestamp::from_millis(START + BETWEEN * i64::try_from(number).unwrap());
    Fact { time, actor: Actor::Bootstrap, body: Body::ResourceSet(resource(kind, which, random)) }
}

async fn build(log: &SqliteLog, facts: u64) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut position = 0;
    while position < facts {
        let entries: Vec<Entry> = (position..facts.min(position + 65_536))
            .map(|number| {
                let fact = fact(number, &mut random);
                let touched = State::new().apply(&fact);
                Entry { time: fact.time, touched, leaf: fact.encode().unwrap() }
            })
            .collect();
        position = log.append(position, &entries, &[]).await.unwrap();
    }
}

fn size(path: &Path) -> f64 {
    let bytes: u64 = match std::fs::read_dir(path) {
        Ok(entries) => entries.map(|entry| entry.unwrap().metadata().unwrap().len()).sum(),
        Err(_) => path.metadata().unwrap().len(),
    };
    #[expect(clippy::cast_precision_loss, reason = "a figure to read")]
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    mebibytes
}

fn seconds(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}

async fn loader(folder: &Path) -> (Arc<SqliteLog>, Loader) {
    let log = Arc::new(SqliteLog::open(&folder.join("log.db")).await.unwrap());
    (Arc::clone(&log), Loader::new(log, StateCaches::new(folder.join("cache"))))
}

fn main() {
    let numbers = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    // `cargo test --benches` runs this too: a short log shows that it works.
    let facts = numbers.unwrap_or(if std::env::args().any(|argument| argument == "--bench") {
        1_000_000
    } else {
        20_000
    });
    let folder = tempfile::tempdir().unwrap();
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    println!("log of {facts} facts");

    let start = Instant::now();
    runtime().block_on(async {
        let (log, _) = loader(folder.path()).await;
        build(&log, facts).await;
        log.close().await;
    });
    println!("built in {}, {:.0} MiB", seconds(start.elapsed()), size(&folder.path().join("log.db")));

    let start = Instant::now();
    let all = runtime().block_on(async { loader(folder.path()).await.1.load().await.unwrap() });
    println!("start-up without caches: {} ({} entries)", seconds(start.elapsed()), all.state.len());
    // Ends when the caches are written: dropping the runtime waited for them.
    println!(
        "caches: {} files, {:.0} MiB",
        std::fs::read_dir(folder.path().join("cache")).map_or(0, Iterator::count),
        std::fs::metadata(folder.path().join("cache")).map_or(0.0, |_| size(&folder.path().join("cache")))
    );

    let mut times = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        let loaded = runtime().block_on(async { loader(folder.path()).await.1.load().await.unwrap() });
        times.push(start.elapsed());
        assert_eq!((loaded.state.digest(), loaded.state.position()), (all.state.digest(), facts));
    }
    times.sort_unstable();
    println!("start-up: p50 {}, max {}", seconds(times[2]), seconds(times[4]));

    let mut times: Vec<Duration> = runtime().block_on(async {
        let (_, loader) = loader(folder.path()).await;
        let mut random = Random(77);
        let mut times = Vec::new();
        for _ in 0..200 {
            let position = random.below(facts);
            let time = Timestamp::from_millis(START + BETWEEN * i64::try_from(position).unwrap());
            let start = Instant::now();
            let loaded = loader.state_as_of(time).await.unwrap();
            times.push(start.elapsed());
            assert_eq!(loaded.state.position(), position + 1);
        }
        times
    });
    times.sort_unstable();
    println!("state as of a random time: p50 {}, max {}", seconds(times[100]), seconds(times[199]));
}
