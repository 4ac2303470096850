//! One stored leaf of every fact's form: what was written once is readable for ever.
//!
//! `CORDON_GOLDEN=write cargo test -p cordon-core --test golden` adds the files that are missing. It never changes one: a
//! form that must change gets a new version and a new file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

mod support;

use std::{collections::BTreeMap, path::PathBuf, sync::Once};

use cordon_core::{
    Action, ApiKey, CallId, Category, Channel, Digest, DurationMs, Fact, HostPattern, JournalId, KeyId,
    RefusalCode, Score, Sealed, State,
    containment::{Cleared, Contained, Containment, Firing, InFlight, Lift, Quarantine, Subject, Tested},
    evidence::{
        Anchor, ContentScope, EndReason, Erasure, FrameRange, Hold, JournalEnd, JournalStart, LogKey,
        Retirement, SegmentSeal,
    },
    fact::{Actor, Body, DecodeError},
    feedback::{Direction, Judgement, Label},
    identity::{BootstrapUse, Origin, Role, User, UserId},
    resource::{
        ContentCapture, Kind, LimitSubject, Price, Requests, Resource, RouteMode, RouteTools, Spec,
        Spotlighting,
    },
    review::{HeldId, HeldKind, Review},
};
use support::{at, close, digest, name, resource};

/// Leaves by file name, each with its blob.
type Stored = BTreeMap<String, (Vec<u8>, Option<Vec<u8>>)>;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// A fact of each form that this program writes, by the name of its file. Facts fold in the order of their names.
fn samples() -> Vec<(String, Fact)> {
    let key = |id: u8, replaces: Option<u8>| ApiKey {
        id: KeyId::from_bytes([id; 8]),
        principal: name(Kind::Principal, 1),
        routes: vec![name(Kind::Route, 1)],
        secret: digest(id),
        created: at(20),
        expires: at(86_400),
        revoked: None,
        replaces: replaces.map(|id| KeyId::from_bytes([id; 8])),
    };
    let mut large = resource(Kind::Guard, 9, 1, 2);
    if let Spec::Guard(guard) = &mut large.spec {
        // More than fits into a fact: the spec becomes a blob.
        guard.rules = vec![guard.rules[0].clone(); 1000];
    }
    let mut bodies: Vec<(String, Body)> = Vec::new();
    // Names of files are for ever: what came later stands at the end.
    for kind in Kind::ALL
        .iter()
        .filter(|kind| !matches!(kind, Kind::Detector | Kind::Retention | Kind::Tool | Kind::Trigger))
    {
        let mut resource = resource(*kind, 1, 6, 2);
        close(&mut resource);
        bodies.push((format!("-{}", kind.as_str().to_ascii_lowercase()), Body::ResourceSet(resource)));
    }
    bodies.push(("-blob".to_owned(), Body::ResourceSet(large)));
    bodies.push((String::new(), Body::ResourceRemoved(Kind::Limit, name(Kind::Limit, 1))));
    bodies.push((String::new(), Body::KeyIssued(key(1, None))));
    bodies.push(("-rotated".to_owned(), Body::KeyIssued(key(2, Some(1)))));
    bodies.push((String::new(), Body::KeyRetired(KeyId::from_bytes([1; 8]), at(3600))));
    bodies
        .push((String::new(), Body::KeyRevoked(KeyId::from_bytes([2; 8]), Some(Sealed::Closed(digest(9))))));
    bodies.push(("-unsaid".to_owned(), Body::KeyRevoked(KeyId::from_bytes([1; 8]), None)));
    bodies.extend(of_records());
    let mut captures = resource(Kind::Route, 2, 6, 2);
    close(&mut captures);
    if let Spec::Route(route) = &mut captures.spec {
        route.content = ContentCapture::Redacted;
        route.content_retention = Some(DurationMs::from_secs(90 * 86_400));
    }
    bodies.push(("-route-content".to_owned(), Body::ResourceSet(captures)));
    let mut retention = resource(Kind::Retention, 1, 6, 2);
    close(&mut retention);
    bodies.push(("-retention".to_owned(), Body::ResourceSet(retention)));
    let mut labelled = resource(Kind::System, 2, 6, 2);
    close(&mut labelled);
    if let Spec::System(system) = &mut labelled.spec {
        system.jurisdictions =
            vec![cordon_core::Name::parse("eu").unwrap(), cordon_core::Name::parse("us-ca").unwrap()];
        system.labels =
            [(cordon_core::Name::parse("data").unwrap(), cordon_core::Name::parse("health").unwrap())].into();
    }
    bodies.push(("-system-labels".to_owned(), Body::ResourceSet(labelled)));
    let mut priced = resource(Kind::Model, 2, 6, 2);
    close(&mut priced);
    if let Spec::Model(model) = &mut priced.spec {
        let amount = |text: &str| text.parse().unwrap();
        let price = |from, cached_input, call| Price {
            from,
            currency: "USD".parse().unwrap(),
            input: amount("0.15"),
            output: amount("0.6"),
            cached_input,
            cache_write: None,
            call,
        };
        model.prices =
            vec![price(None, None, None), price(Some(at(60)), Some(amount("0.01875")), Some(amount("0.01")))];
    }
    bodies.push(("-model-prices".to_owned(), Body::ResourceSet(priced)));
    let spec = serde_json::json!({
        "applies_to": {"team": "support", "model": "large"},
        "requests": {"count": 60, "window": "1m", "burst": 5},
        "tokens": {"count": 9_007_199_254_740_993_u64, "window": "1h"},
        "money": {"amount": "12.5", "currency": "EUR", "window": "30d"},
        "call": {"images": 4, "duration": "90s"},
        "when_unavailable": "allow",
    });
    let budget = Resource { name: name(Kind::Limit, 2), spec: Kind::Limit.read(spec).unwrap() };
    bodies.push(("-limit-budget".to_owned(), Body::ResourceSet(budget)));
    let spec =
        serde_json::json!({"applies_to": "organisation", "output_tokens": {"count": 1, "window": "1d"}});
    let everybody = Resource { name: name(Kind::Limit, 3), spec: Kind::Limit.read(spec).unwrap() };
    bodies.push(("-limit-organisation".to_owned(), Body::ResourceSet(everybody)));
    let mut trigger = resource(Kind::Trigger, 1, 6, 2);
    close(&mut trigger);
    bodies.push(("-trigger".to_owned(), Body::ResourceSet(trigger)));
    bodies.push(("-tool".to_owned(), Body::ResourceSet(resource(Kind::Tool, 1, 6, 2))));
    let arguments = serde_json::json!({
        "type": "object", "title": "Mail", "description": "what is sent", "additionalProperties": false,
        "required": ["to", "copies"],
        "properties": {
            "to": {"type": "string", "minLength": 3, "maxLength": 80, "pattern": "@example\\.com$"},
            "copies": {"type": ["integer", "null"], "minimum": 1, "exclusiveMaximum": "9.5"},
            "kind": {"enum": ["plain", true, -3]}, "version": {"const": 2},
            "lines": {
                "type": "array", "minItems": 1, "maxItems": 9,
                "items": {"type": "object", "additionalProperties": {"type": "number", "maximum": 1}},
            },
        },
    });
    let spec = serde_json::json!({"arguments": arguments});
    let checked = Resource { name: name(Kind::Tool, 2), spec: Kind::Tool.read(spec).unwrap() };
    bodies.push(("-tool-arguments".to_owned(), Body::ResourceSet(checked)));
    let mut declared = resource(Kind::Route, 3, 6, 2);
    close(&mut declared);
    if let Spec::Route(route) = &mut declared.spec {
        route.tools = RouteTools::Declared;
    }
    bodies.push(("-route-tools".to_owned(), Body::ResourceSet(declared)));
    let mut spotlit = resource(Kind::Route, 3, 6, 2);
    close(&mut spotlit);
    if let Spec::Route(route) = &mut spotlit.spec {
        route.spotlighting = Spotlighting::Datamark;
        route.canary = true;
    }
    bodies.push(("-route-spotlighting".to_owned(), Body::ResourceSet(spotlit)));
    let mut listed = resource(Kind::Guard, 3, 6, 2);
    close(&mut listed);
    if let Spec::Guard(guard) = &mut listed.spec {
        guard.hosts = Some(vec![HostPattern::parse("*.example.org").unwrap()]);
    }
    bodies.push(("-guard-hosts".to_owned(), Body::ResourceSet(listed)));
    let mut shaped = resource(Kind::Route, 3, 6, 2);
    close(&mut shaped);
    if let Spec::Route(route) = &mut shaped.spec {
        let answers = serde_json::json!({
            "format": "json", "schema": {"type": "object", "anyOf": [{"type": "object", "required": ["id"]}]},
            "min_length": 1, "max_length": 4000, "languages": ["de", "en"],
        });
        route.answers = Some(serde_json::from_value(answers).unwrap());
    }
    bodies.push(("-route-answers".to_owned(), Body::ResourceSet(shaped)));
    let mut cited = resource(Kind::Route, 3, 6, 2);
    close(&mut cited);
    if let Spec::Route(route) = &mut cited.spec {
        route.answers = Some(serde_json::from_value(serde_json::json!({"citations": "required"})).unwrap());
    }
    bodies.push(("-route-citations".to_owned(), Body::ResourceSet(cited)));
    let mut changing = resource(Kind::Route, 3, 6, 2);
    close(&mut changing);
    if let Spec::Route(route) = &mut changing.spec {
        let normalise = serde_json::json!({"hidden": "strip", "unicode": "nfc", "formulas": "neutralise"});
        route.normalise = Some(serde_json::from_value(normalise).unwrap());
    }
    bodies.push(("-route-normalise".to_owned(), Body::ResourceSet(changing)));
    let mut windowed = resource(Kind::Route, 3, 6, 2);
    close(&mut windowed);
    if let Spec::Route(route) = &mut windowed.spec {
        route.answers = Some(serde_json::from_value(serde_json::json!({"stream": "window"})).unwrap());
    }
    bodies.push(("-route-stream".to_owned(), Body::ResourceSet(windowed)));
    let mut bare = resource(Kind::Route, 3, 6, 2);
    close(&mut bare);
    if let Spec::Route(route) = &mut bare.spec {
        route.normalise = Some(serde_json::from_value(serde_json::json!({"metadata": "strip"})).unwrap());
    }
    bodies.push(("-route-metadata".to_owned(), Body::ResourceSet(bare)));
    let actors = [Actor::Bootstrap, Actor::Cordon, Actor::Local];
    // Numbers below 60 are for the rest: who adds a form there renames none of these.
    let person = || Actor::User(UserId::from_bytes([1; 8]));
    let people = of_people().into_iter().zip(60_u8..).map(|(sample, number)| (sample, number, person()));
    let rest = bodies.into_iter().zip(0_u8..60).map(|(sample, number)| {
        let actor = actors[usize::from(number) % actors.len()].clone();
        (sample, number, actor)
    });
    let trigger = || Actor::Trigger(name(Kind::Trigger, 1));
    let triggers = of_triggers()
        .into_iter()
        .zip(74_u8..)
        .map(|((suffix, body), number)| ((suffix.to_owned(), body), number, trigger()));
    let labels = of_feedback().into_iter().zip(95_u8..).map(|(sample, number)| (sample, number, person()));
    let reviews =
        of_reviews().into_iter().zip([98_u8, 99, 99, 99]).map(|(sample, number)| (sample, number, person()));
    rest.chain(people)
        .chain(triggers)
        .chain(labels)
        .chain(reviews)
        .map(|((suffix, body), number, actor)| {
            let file = format!("{number:02}-{}.v1{suffix}.json", body.type_name());
            (file, Fact { time: at(number.into()), actor, body })
        })
        .collect()
}

/// The facts about records: a journal that follows another one, with a segment sealed and one retired.
fn of_records() -> Vec<(String, Body)> {
    let journal = |ordinal: u32| JournalId::new(ordinal, [7; 12]);
    let anchor = |ordinal: u32, size: u64| Anchor { journal: journal(ordinal), size, root: digest(3) };
    let node = name(Kind::Principal, 7);
    let seal = |first: u64, count: u64| {
        Body::SegmentSealed(SegmentSeal {
            journal: journal(0),
            first,
            count,
            root: digest(4),
            object: "journal/one.parquet".to_owned(),
            digest: digest(5),
            bytes: 1 << 20,
        })
    };
    let reason = || Sealed::Closed(digest(8));
    let call = ContentScope::Call(CallId::from_bytes([6; 16]));
    let erasure = Erasure { scope: call, calls: 1, backups_until: None, reason: None };
    let of_subject = Erasure {
        scope: ContentScope::Subject(digest(6)),
        calls: 3,
        backups_until: Some(at(9000)),
        reason: Some(reason()),
    };
    let key = |key: &str, statement: Option<&str>| {
        Body::LogKeySet(LogKey { key: key.to_owned(), statement: statement.map(str::to_owned) })
    };
    let hold =
        |number: u32, scope| Body::HoldSet(Hold { name: name(Kind::Team, number), scope, reason: reason() });
    let bodies = [
        ("", Body::JournalStarted(JournalStart { journal: journal(0), node: node.clone(), follows: None })),
        ("", Body::JournalsAnchored(vec![anchor(0, 10)])),
        ("", seal(0, 4)),
        ("-next", seal(4, 6)),
        ("", Body::JournalEnded(JournalEnd { last: anchor(0, 10), why: EndReason::Closed })),
        (
            "-follows",
            Body::JournalStarted(JournalStart { journal: journal(1), node, follows: Some(journal(0)) }),
        ),
        ("-two", Body::JournalsAnchored(vec![anchor(0, 10), anchor(1, 5)])),
        (
            "",
            Body::RecordsRetired(Retirement {
                ranges: vec![FrameRange { journal: journal(0), first: 0, count: 4 }],
                root: digest(7),
                before: at(10),
            }),
        ),
        ("", Body::ContentErased(erasure)),
        ("-subject", Body::ContentErased(of_subject)),
        ("", hold(1, call)),
        ("-subject", hold(2, ContentScope::Subject(digest(6)))),
        ("", Body::HoldReleased(name(Kind::Team, 1), None)),
        ("-said", Body::HoldReleased(name(Kind::Team, 9), Some(reason()))),
        ("", key("log+00000001+AQ==", None)),
        ("-rotated", key("log+00000002+AQ==", Some("a statement\n"))),
    ];
    bodies.into_iter().map(|(suffix, body)| (suffix.to_owned(), body)).collect()
}

/// The facts about people: one who is disabled and comes back, and one whom the identity provider knows.
fn of_people() -> Vec<(String, Body)> {
    let id = |number: u8| UserId::from_bytes([number; 8]);
    let user = |number: u8, origin, role, name: Option<u8>| {
        let login = Sealed::Closed(digest(10 + number));
        Body::UserAdded(User {
            id: id(number),
            origin,
            role,
            login,
            name: name.map(|name| Sealed::Closed(digest(name))),
        })
    };
    let bodies = [
        ("", user(1, Origin::Local, Role::Admin, Some(20))),
        ("-provider", user(2, Origin::Provider, Role::Viewer, None)),
        ("", Body::UserRoleSet(id(2), Role::Auditor)),
        ("", Body::UserDisabled(id(1), Some(Sealed::Closed(digest(21))))),
        ("-unsaid", Body::UserDisabled(id(2), None)),
        ("", Body::UserEnabled(id(1))),
        ("", Body::UserReset(id(1))),
        ("", Body::UserSessionsRevoked(id(2))),
        ("", Body::BootstrapUsed(BootstrapUse { first: at(1), last: at(2), uses: 3 })),
    ];
    bodies.into_iter().chain(of_containment()).map(|(suffix, body)| (suffix.to_owned(), body)).collect()
}

/// The facts about what is out of use.
fn of_containment() -> Vec<(&'static str, Body)> {
    let subject = |text: &str| Subject::parse(text).unwrap();
    let reason = || Sealed::Closed(digest(22));
    let quarantine = |text: &str, in_flight| {
        Body::SubjectQuarantined(Quarantine {
            subject: subject(text),
            since: at(1),
            in_flight,
            reason: reason(),
        })
    };
    let lift = |text: &str| Lift { subject: subject(text), reason: reason() };
    let signature = format!("signature/{}", digest(23));
    vec![
        ("-model", quarantine("model/small", InFlight::Cancel)),
        ("-signature", quarantine(&signature, InFlight::Finish)),
        ("-tool", quarantine("tool/get_Weather", InFlight::Finish)),
        ("", Body::LiftAsked(lift("model/small"))),
        ("", Body::QuarantineLifted(lift("tool/get_Weather"))),
    ]
}

/// The facts about what triggers did.
fn of_triggers() -> Vec<(&'static str, Body)> {
    let small = || Subject::parse("model/small").unwrap();
    let app = || Subject::parse("principal/app").unwrap();
    let trigger = || name(Kind::Trigger, 1);
    let firing = |of: Option<Subject>, subject| Firing {
        trigger: trigger(),
        of,
        containment: Containment::Quarantine(subject),
        t0: at(1),
        t1: at(4),
        calls: 50,
        bad: 31,
        first: vec![CallId::new(at(1), [1; 10])],
        hold: DurationMs::from_secs(300),
        node: None,
    };
    let contained =
        |of, tested| Body::TriggerContained(Contained { trigger: trigger(), of, t2: at(5), tested });
    let refused = Tested {
        route: Some(name(Kind::Route, 1)),
        refused: Some(RefusalCode::Quarantined),
        ..Tested::default()
    };
    let route = || name(Kind::Route, 1);
    let mode = Containment::Mode { route: route(), mode: RouteMode::Safe };
    let throttle = Containment::Throttle {
        applies_to: LimitSubject::of_principal(name(Kind::Principal, 1)),
        requests: Requests { count: 5, window: DurationMs::from_secs(60), burst: Some(1) },
    };
    let fall_back = Containment::FallBack { model: name(Kind::Model, 1), route: None };
    let counted = Tested { limit: Some(name(Kind::Limit, 1)), ..Tested::default() };
    vec![
        ("", Body::TriggerFired(firing(None, small()))),
        ("-each", Body::TriggerFired(firing(Some(app()), app()))),
        ("", contained(None, refused)),
        ("-each", contained(Some(app()), Tested::default())),
        ("", Body::TriggerCleared(Cleared { trigger: trigger(), of: None })),
        ("-mode", Body::TriggerFired(Firing { containment: mode, ..firing(None, small()) })),
        ("-throttle", Body::TriggerFired(Firing { containment: throttle, ..firing(Some(app()), app()) })),
        (
            "-fall_back",
            Body::TriggerFired(Firing { containment: fall_back, ..firing(Some(small()), small()) }),
        ),
        ("-limit", contained(Some(app()), counted)),
        ("-node", Body::TriggerFired(Firing { node: Some(name(Kind::Team, 1)), ..firing(None, small()) })),
    ]
}

/// The facts about what people say of findings.
fn of_feedback() -> Vec<(String, Body)> {
    let label = |direction, judgement| {
        Body::FindingLabelled(Label {
            call: CallId::new(at(1), [1; 10]),
            direction,
            finding: 2,
            judgement,
            category: Category::known("pii/card"),
            score: Score::percent(95),
            channel: Channel::User,
            part: "messages/2/content".to_owned(),
            start: 11,
            end: 30,
            detector: "pii.card".to_owned(),
            detector_version: 3,
            action: Action::Redact,
            would: Action::Block,
        })
    };
    let samples = [
        ("", label(Direction::Request, Judgement::FalseAlarm)),
        ("-right", label(Direction::Answer, Judgement::Right)),
        ("-withdrawn", label(Direction::Request, Judgement::Withdrawn)),
    ];
    samples.into_iter().map(|(suffix, body)| (suffix.to_owned(), body)).collect()
}

/// The facts about what people decide of held content.
fn of_reviews() -> Vec<(String, Body)> {
    let review = |id: u8, kind: HeldKind| Review {
        held: HeldId::new(at(1), [id; 10]),
        call: CallId::new(at(1), [1; 10]),
        route: name(Kind::Route, 1),
        principal: name(Kind::Principal, 1),
        content: digest(id),
        kind,
        bytes: 4096,
        categories: Vec::new(),
        since: at(1),
        ends: at(604_800),
        reason: Sealed::Closed(digest(24)),
    };
    vec![
        (String::new(), Body::HeldReleased(review(25, HeldKind::File))),
        (String::new(), Body::HeldRejected(review(26, HeldKind::File))),
        ("-text".to_owned(), Body::HeldReleased(review(27, HeldKind::Text))),
        ("-tool-call".to_owned(), Body::HeldReleased(review(28, HeldKind::ToolCall))),
    ]
}

/// The types of facts. The match has no arm for the rest: who adds a type must come here, and add a sample.
fn types() -> [&'static str; 30] {
    let number = |body: &Body| match body {
        Body::ResourceSet(_) => 0,
        Body::ResourceRemoved(..) => 1,
        Body::KeyIssued(_) => 2,
        Body::KeyRetired(..) => 3,
        Body::KeyRevoked(..) => 4,
        Body::JournalStarted(_) => 5,
        Body::JournalsAnchored(_) => 6,
        Body::JournalEnded(_) => 7,
        Body::SegmentSealed(_) => 8,
        Body::RecordsRetired(_) => 9,
        Body::ContentErased(_) => 10,
        Body::HoldSet(_) => 11,
        Body::HoldReleased(..) => 12,
        Body::LogKeySet(_) => 13,
        Body::UserAdded(_) => 14,
        Body::UserRoleSet(..) => 15,
        Body::UserDisabled(..) => 16,
        Body::UserEnabled(_) => 17,
        Body::UserReset(_) => 18,
        Body::UserSessionsRevoked(_) => 19,
        Body::BootstrapUsed(_) => 20,
        Body::SubjectQuarantined(_) => 21,
        Body::LiftAsked(_) => 22,
        Body::QuarantineLifted(_) => 23,
        Body::TriggerFired(_) => 24,
        Body::TriggerContained(_) => 25,
        Body::TriggerCleared(_) => 26,
        Body::FindingLabelled(_) => 27,
        Body::HeldReleased(_) => 28,
        Body::HeldRejected(_) => 29,
    };
    let mut names = [""; 30];
    for (_, fact) in samples() {
        names[number(&fact.body)] = fact.body.type_name();
    }
    names
}

/// The stored leaves, by file name, each with its blob.
fn stored() -> Stored {
    write_missing();
    read()
}

fn read() -> Stored {
    let facts = folder().join("facts");
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(&facts).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if file.ends_with(".json") {
            let blob = std::fs::read(facts.join(file.replace(".json", ".blob"))).ok();
            found.insert(file.clone(), (std::fs::read(facts.join(file)).unwrap(), blob));
        }
    }
    found
}

/// Adds what is missing, once, before any test looks.
fn write_missing() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        if std::env::var_os("CORDON_GOLDEN").is_some_and(|value| value == "write") {
            write();
        }
    });
}

fn write() {
    let facts = folder().join("facts");
    std::fs::create_dir_all(&facts).unwrap();
    for (file, fact) in samples() {
        let leaf = fact.encode().unwrap();
        if !facts.join(&file).exists() {
            std::fs::write(facts.join(&file), &leaf.bytes).unwrap();
            if let Some(blob) = leaf.blob {
                std::fs::write(facts.join(file.replace(".json", ".blob")), blob.bytes).unwrap();
            }
        }
    }
    std::fs::write(folder().join("state.cache"), fold(&read()).to_cache().unwrap()).unwrap();
}

fn fold(stored: &Stored) -> State {
    let mut state = State::new();
    for (file, (leaf, blob)) in stored {
        let fact = Fact::decode(leaf, &|_: &Digest| blob.clone());
        state.apply(&fact.unwrap_or_else(|error| panic!("{file}: {error}")));
    }
    state
}

#[test]
fn every_form_ever_written_is_read() {
    let stored = stored();
    for (file, fact) in samples() {
        let Some((leaf, blob)) = stored.get(&file) else {
            panic!("there is no golden file {file}; help: CORDON_GOLDEN=write adds it");
        };
        assert_eq!(Fact::decode(leaf, &|_| blob.clone()), Ok(fact.clone()), "{file}");
        let written = fact.encode().unwrap();
        assert_eq!(written.bytes, *leaf, "{file}: a form never changes; give the new one a new version");
        assert_eq!(written.blob.map(|blob| blob.bytes), *blob, "{file}");
    }
    assert!(stored.values().any(|(_, blob)| blob.is_some()), "a spec that is a blob is a form too");
    for name in types() {
        assert!(
            !name.is_empty() && stored.keys().any(|file| file.contains(name)),
            "no golden file of a `{name}`"
        );
    }
}

#[test]
fn the_fold_of_old_facts_never_changes() {
    let state = fold(&stored());
    let expected = State::from_cache(&std::fs::read(folder().join("state.cache")).unwrap()).unwrap();
    assert_eq!(state, expected);
    assert_eq!(state.digest(), expected.digest());
}

#[test]
fn a_newer_version_is_told_apart_from_damage() {
    for (file, (leaf, blob)) in stored() {
        let text = String::from_utf8(leaf).unwrap();
        let decode = |text: &str| Fact::decode(text.as_bytes(), &|_| blob.clone());
        let newer = decode(&text.replace("\"v\":1}", "\"v\":2}"));
        assert!(matches!(newer, Err(DecodeError::UnknownVersion { version: 2, .. })), "{file}: {newer:?}");
        let other = decode(&text.replace("\"type\":\"", "\"type\":\"future."));
        assert!(matches!(other, Err(DecodeError::UnknownVersion { version: 1, .. })), "{file}: {other:?}");
        let cut = text.strip_suffix('}').unwrap();
        for damaged in [cut, &format!("{text}}}"), &text.replace("\"time\":\"", "\"time\":\"x"), ""] {
            assert!(matches!(decode(damaged), Err(DecodeError::Malformed(_))), "{file}: {damaged}");
        }
        let unknown_member = text.replace("\"v\":1}", "\"v\":1,\"w\":1}");
        assert!(matches!(decode(&unknown_member), Err(DecodeError::Malformed(_))), "{file}");
        if blob.is_some() {
            let missing = Fact::decode(text.as_bytes(), &|_| None);
            assert!(matches!(missing, Err(DecodeError::Blob(_))), "{file}");
            let changed = Fact::decode(text.as_bytes(), &|_| Some(b"{}".to_vec()));
            assert!(matches!(changed, Err(DecodeError::Blob(_))), "{file}");
        }
    }
}
