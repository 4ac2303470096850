//! A small world of resources for tests of facts and the fold.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    dead_code,
    reason = "test code; each test file uses a part of it"
)]

use cordon_core::{
    Action, Category, Channel, Digest, DurationMs, Form, Mode, Name, RefusalCode, Score, Sealed, Timestamp,
    containment::{InFlight, Subject, ToolName},
    resource::{
        Adapter, Aim, Breaker, Callers, DetectorSpec, Direction, Each, Effects, Exception, ExceptionScope,
        GuardScope, GuardSpec, Kind, Latency, LiftedBy, LimitSpec, LimitSubject, Longer, MaxTaint, Measured,
        ModelSpec, OutputField, PrincipalSpec, Protocol, Rate, RefusalRate, Requests, Resource,
        RetentionSpec, RiskClass, RouteGuards, RouteSpec, Rule, SecretRef, SelfTest, ServiceSpec, Signal,
        Spec, SystemSpec, Target, TeamSpec, Timeouts, ToolSpec, TriggerAction, TriggerSpec, VerdictRate,
        Watched, WhenTainted, WhenUnavailable,
    },
    taint::TaintLevel,
};

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000 + seconds * 1000)
}

pub fn name(kind: Kind, number: u32) -> Name {
    Name::parse(&format!("{}-{number}", kind.as_str().to_ascii_lowercase())).unwrap()
}

/// A resource whose content and references follow from a number: the same number gives the same, others mostly not. It
/// refers to resources with numbers below `others`.
pub fn resource(kind: Kind, number: u32, variant: u32, others: u32) -> Resource {
    let other = |kind: Kind, salt: u32| name(kind, variant.wrapping_mul(7).wrapping_add(salt) % others);
    let text = |what: &str| Sealed::Open(format!("{what} {}", variant % 5));
    let spec = match kind {
        Kind::Team => Spec::Team(TeamSpec { owner: (!variant.is_multiple_of(3)).then(|| text("somebody")) }),
        Kind::System => Spec::System(SystemSpec {
            team: other(Kind::Team, 1),
            purpose: text("answers questions"),
            owner: variant.is_multiple_of(2).then(|| text("somebody")),
            risk: if variant.is_multiple_of(2) { RiskClass::Limited } else { RiskClass::High },
            jurisdictions: Vec::new(),
            labels: std::collections::BTreeMap::new(),
        }),
        Kind::Service => Spec::Service(ServiceSpec {
            protocol: Protocol::Openai,
            base_url: format!("https://api-{variant}.example.com/v1"),
            secret: Some(SecretRef::Env("PROVIDER_KEY".to_owned())),
            private_network: variant.is_multiple_of(2),
            region: variant.is_multiple_of(3).then(|| Name::parse("eu-central").unwrap()),
            client_certificate: None,
            max_sensitivity: None,
            azure: None,
            timeouts: Timeouts { connect: Some(DurationMs::from_secs(5)), ..Timeouts::default() },
            breaker: Breaker::default(),
        }),
        Kind::Model => Spec::Model(ModelSpec {
            service: other(Kind::Service, 2),
            upstream_name: format!("model-{variant}"),
            prices: Vec::new(),
            image_tokens: None,
            output_field: OutputField::default(),
            upstream_version: None,
            signature: None,
        }),
        Kind::Guard => Spec::Guard(GuardSpec {
            scope: match variant % 4 {
                0 => GuardScope::Organisation,
                1 => GuardScope::Team(other(Kind::Team, 3)),
                2 => GuardScope::System(other(Kind::System, 3)),
                _ => GuardScope::Route,
            },
            mode: if variant.is_multiple_of(5) { Mode::Observe } else { Mode::Enforce },
            rules: vec![Rule {
                channels: vec![Channel::User, Channel::Document],
                category: Category::known("pii/card"),
                at: Score::percent(variant % 101),
                action: Action::Redact,
                form: if variant.is_multiple_of(2) { Form::Token } else { Form::default() },
                throttle: None,
                new_only: false,
            }],
            exceptions: if variant.is_multiple_of(6) {
                vec![Exception {
                    category: Category::known("pii/card"),
                    scope: ExceptionScope::Route(other(Kind::Route, 4)),
                    reason: text("because of"),
                    approver: text("somebody"),
                    until: at(86_400),
                }]
            } else {
                Vec::new()
            },
            hosts: None,
            types: Vec::new(),
            allow: None,
            topics: None,
        }),
        Kind::Route => Spec::Route(RouteSpec {
            system: Some(other(Kind::System, 5)),
            guards: if variant.is_multiple_of(4) {
                RouteGuards::None
            } else {
                RouteGuards::Listed(vec![other(Kind::Guard, 5)])
            },
            guards_reason: variant.is_multiple_of(4).then(|| text("none needed for")),
            max_snapshot_age: variant.is_multiple_of(2).then(|| DurationMs::from_secs(3600)),
            ..RouteSpec::new(
                other(Kind::Team, 5),
                vec![Target { model: other(Kind::Model, 5), weight: 1 + variant }],
            )
        }),
        Kind::Principal => {
            let (team, routes) = (other(Kind::Team, 6), vec![other(Kind::Route, 6)]);
            Spec::Principal(PrincipalSpec { team, routes, priority: None })
        }
        Kind::Retention => Spec::Retention(RetentionSpec {
            routes: vec![other(Kind::Route, 8)],
            systems: Vec::new(),
            labels: [(Name::parse("data").unwrap(), Name::parse("health").unwrap())].into(),
            jurisdictions: vec![Name::parse("eu").unwrap()],
            content: Some(DurationMs::from_secs(u64::from(1 + variant) * 86_400)),
            records: variant.is_multiple_of(2).then(|| DurationMs::from_secs(730 * 86_400)),
            reason: Some(text("the law of")),
        }),
        Kind::Limit => {
            let applies_to = match variant % 3 {
                0 => LimitSubject::of_route(other(Kind::Route, 7)),
                1 => LimitSubject::of_principal(other(Kind::Principal, 7)),
                _ => LimitSubject::of_team(other(Kind::Team, 7)),
            };
            Spec::Limit(LimitSpec {
                requests: Some(Requests {
                    count: 1 + variant,
                    window: DurationMs::from_secs(60),
                    burst: None,
                }),
                concurrency: Some(8),
                body_bytes: Some(1 << 20),
                ..LimitSpec::new(applies_to)
            })
        }
        Kind::Detector => Spec::Detector(DetectorSpec {
            adapter: Adapter::Cordon,
            base_url: format!("https://detector{}.example.com/v1", variant % 5),
            folder: None,
            only_where: None,
            secret: variant.is_multiple_of(2).then(|| SecretRef::parse("env:DETECTOR_KEY").unwrap()),
            private_network: false,
            version: 1 + u16::from(variant.is_multiple_of(3)),
            channels: Channel::ALL.to_vec(),
            categories: [("insult".to_owned(), Category::known("toxicity/insult"))].into(),
            model: None,
            language: None,
            project: None,
            self_test: SelfTest {
                text: "you fool".to_owned(),
                category: Category::known("toxicity"),
                every: None,
            },
            deadline: variant.is_multiple_of(2).then(|| DurationMs::from_secs(2)),
            max_bytes: None,
            longer: Longer::default(),
            when_unavailable: WhenUnavailable::default(),
            breaker: Breaker::default(),
        }),
        Kind::Tool => Spec::Tool(ToolSpec {
            definition: None,
            description: variant.is_multiple_of(2).then(|| format!("sends mail {}", variant % 5)),
            called: variant.is_multiple_of(3).then(|| ToolName::parse("send_Mail").unwrap()),
            callers: Callers {
                principals: vec![other(Kind::Principal, 10)],
                teams: if variant.is_multiple_of(2) { vec![other(Kind::Team, 10)] } else { Vec::new() },
            },
            arguments: None,
            effects: Effects {
                reads_private: variant.is_multiple_of(2),
                untrusted_content: variant.is_multiple_of(4),
                acts_outside: true,
            },
            max_taint: MaxTaint {
                content: variant.is_multiple_of(3).then_some(TaintLevel::Untrusted),
                labels: variant.is_multiple_of(2).then(|| vec![Category::known("pii/email")]),
                action: if variant.is_multiple_of(5) { WhenTainted::Block } else { WhenTainted::Hold },
            },
        }),
        Kind::Trigger => Spec::Trigger(TriggerSpec {
            on: Watched { route: Some(other(Kind::Route, 9)), ..Watched::default() },
            each: variant.is_multiple_of(2).then_some(Each::Principal),
            signal: match variant % 4 {
                0 => Signal::ErrorRate(Rate { above: Score::percent(50), until: None }),
                1 => Signal::RefusalRate(RefusalRate {
                    codes: [RefusalCode::RateLimited]
                        .into_iter()
                        .filter(|_| number.is_multiple_of(2))
                        .collect(),
                    above: Score::percent(50),
                    until: Some(Score::percent(5)),
                }),
                2 => Signal::VerdictRate(VerdictRate {
                    category: Some(Category::known("pii")),
                    action: Action::Redact,
                    direction: Some(Direction::Answer),
                    above: Score::percent(3),
                    until: None,
                }),
                _ => Signal::Latency(Latency {
                    quantile: Score::percent(95),
                    of: Measured::FirstByte,
                    above: DurationMs::from_secs(3),
                    until: None,
                }),
            },
            window: DurationMs::from_secs(60),
            minimum: 20,
            lasting: DurationMs::from_secs(0),
            cool_down: DurationMs::from_secs(300),
            action: TriggerAction::Quarantine(if variant.is_multiple_of(2) {
                Aim::Each
            } else {
                Aim::Subject(Subject::Model(other(Kind::Model, 9)))
            }),
            in_flight: InFlight::Cancel,
            lift: if variant.is_multiple_of(3) { LiftedBy::Rule } else { LiftedBy::Person },
            reason: Some("it was agreed".to_owned()),
            enabled: true,
        }),
    };
    Resource { name: name(kind, number), spec }
}

/// Closes every sealed field under keys that follow from nothing but its place.
pub fn close(resource: &mut Resource) {
    for (number, (_, field)) in (0_u8..).zip(resource.spec.sealed_fields()) {
        field.close(cordon_core::HmacKey::from_bytes([number; 32])).unwrap();
    }
}

pub fn digest(number: u8) -> Digest {
    Digest::sha256(&[number])
}
