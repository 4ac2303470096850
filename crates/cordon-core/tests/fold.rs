//! Laws of commands and of the fold, over random wishes in a small world.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

mod support;

use std::collections::BTreeMap;

use cordon_core::{
    Digest, DurationMs, Fact, HmacKey, JournalId, KeyId, State,
    command::{
        self, Fires, NewClear, NewErasure, NewFiring, NewHold, NewKey, NewLift, NewQuarantine, NewUser,
        Rejection, Rotation, Vault, Wish, may_fire,
    },
    containment::{Contained, Containment, Firing, InFlight, Subject, Tested},
    evidence::{
        Anchor, ContentScope, EndReason, FrameRange, JournalEnd, JournalStart, LogKey, Retirement,
        SegmentSeal,
    },
    fact::{Actor, Body, Leaf},
    identity::{BootstrapUse, Origin, Role, UserId},
    resource::{Kind, Resource},
    state::Touched,
};
use proptest::prelude::*;
use support::{at, digest, name, resource};

/// Numbers of resources of each kind, and of keys.
const OTHERS: u32 = 3;

#[derive(Clone, Debug)]
enum Step {
    Apply(Vec<(Kind, u32, u32)>),
    Delete(Kind, u32),
    Issue(u8, u32),
    Revoke(u8, bool),
    Rotate(u8, u8),
    /// Something about records: what, which journal or hold, and a number.
    Record(u8, u32, u64),
    /// Something about people: what, and who.
    Person(u8, u8),
    /// Something about a quarantine: whether it ends, of what, and who wants it.
    Contain(bool, u8, u8),
    /// Something about what a trigger did: what, which trigger, and to whom.
    Trigger(u8, u32, u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kind = || prop::sample::select(Kind::ALL.to_vec());
    let step = prop_oneof![
        4 => proptest::collection::vec((kind(), 0..OTHERS, 0..40_u32), 1..5).prop_map(Step::Apply),
        2 => (kind(), 0..OTHERS).prop_map(|(kind, number)| Step::Delete(kind, number)),
        2 => (0..12_u8, 0..OTHERS).prop_map(|(id, principal)| Step::Issue(id, principal)),
        1 => (0..12_u8, any::<bool>()).prop_map(|(id, said)| Step::Revoke(id, said)),
        1 => (0..12_u8, 0..12_u8).prop_map(|(old, new)| Step::Rotate(old, new)),
        6 => (0..9_u8, 0..3_u32, 0..12_u64).prop_map(|(what, which, number)| Step::Record(what, which, number)),
        3 => (0..9_u8, 0..3_u8).prop_map(|(what, who)| Step::Person(what, who)),
        3 => (any::<bool>(), 0..6_u8, 0..2_u8).prop_map(|(ends, what, who)| Step::Contain(ends, what, who)),
        4 => (0..4_u8, 0..2_u32, 0..3_u8).prop_map(|(what, which, of)| Step::Trigger(what, which, of)),
    ];
    // A whole world first, so that later wishes find what they refer to.
    let world = Kind::ALL.iter().flat_map(|kind| (0..OTHERS).map(|number| (*kind, number, number)));
    let world = Step::Apply(world.collect());
    (proptest::collection::vec(step, 0..24), any::<bool>()).prop_map(move |(mut steps, whole)| {
        if whole {
            steps.insert(0, world.clone());
        }
        steps
    })
}

fn resources(chosen: &[(Kind, u32, u32)]) -> Vec<Resource> {
    chosen.iter().map(|(kind, number, variant)| resource(*kind, *number, *variant, OTHERS)).collect()
}

fn wish(step: &Step) -> Wish {
    let id = |id: u8| KeyId::from_bytes([id; 8]);
    match step {
        Step::Apply(chosen) => Wish::Apply(resources(chosen)),
        Step::Delete(kind, number) => Wish::Delete(*kind, name(*kind, *number)),
        Step::Issue(number, principal) => Wish::IssueKey(NewKey {
            id: id(*number),
            secret: digest(*number),
            principal: name(Kind::Principal, *principal),
            routes: Vec::new(),
            lifetime: DurationMs::from_secs(600),
        }),
        Step::Revoke(number, said) => {
            Wish::RevokeKey(id(*number), said.then(|| "it was found in a repository".to_owned()))
        }
        Step::Rotate(old, new) => Wish::RotateKey(Rotation {
            old: id(*old),
            id: id(*new),
            secret: digest(*new),
            lifetime: DurationMs::from_secs(600),
            overlap: DurationMs::from_secs(60),
        }),
        Step::Record(what, which, number) => of_records(*what, *which, *number),
        Step::Person(what, who) => of_people(*what, *who),
        Step::Contain(ends, what, who) => of_containment(*ends, *what, *who),
        Step::Trigger(what, which, of) => of_triggers(*what, *which, *of),
    }
}

/// What must never stand in a leaf.
const LOGIN: &str = "somebody@example.com";

fn of_people(what: u8, who: u8) -> Wish {
    let id = UserId::from_bytes([who; 8]);
    let origin = if who == 0 { Origin::Provider } else { Origin::Local };
    match what {
        0..=2 => Wish::AddUser(NewUser {
            id,
            origin,
            role: Role::ALL[usize::from(what)],
            login: LOGIN.to_owned(),
            name: (what == 1).then(|| LOGIN.to_owned()),
        }),
        3 => Wish::SetRole(id, Role::ALL[usize::from(who)], Origin::Local),
        4 => Wish::DisableUser(id, Some(LOGIN.to_owned())),
        5 => Wish::EnableUser(id),
        6 => Wish::ResetUser(id),
        7 => Wish::RevokeSessions(id),
        _ => Wish::NoteBootstrap(BootstrapUse { first: at(1), last: at(who.into()), uses: who.into() }),
    }
}

fn of_containment(ends: bool, what: u8, who: u8) -> Wish {
    let of = |kind: Kind| name(kind, 1);
    let subject = match what {
        0 => Subject::Model(of(Kind::Model)),
        1 => Subject::Service(of(Kind::Service)),
        2 => Subject::Route(of(Kind::Route)),
        3 => Subject::System(of(Kind::System)),
        4 => Subject::Key(KeyId::from_bytes([1; 8])),
        _ => Subject::parse("tool/search").unwrap(),
    };
    let reason = LOGIN.to_owned();
    if ends {
        Wish::LiftQuarantine(NewLift { subject, reason, by: Actor::User(UserId::from_bytes([who; 8])) })
    } else {
        let by = if who == 0 { trigger(0) } else { Actor::Local };
        Wish::Quarantine(NewQuarantine { subject, since: at(1), in_flight: InFlight::default(), reason, by })
    }
}

fn trigger(number: u32) -> Actor {
    Actor::Trigger(name(Kind::Trigger, number))
}

fn of_triggers(what: u8, which: u32, of: u8) -> Wish {
    let own = || name(Kind::Trigger, which);
    let of = (of > 0).then(|| Subject::Principal(name(Kind::Principal, of.into())));
    match what {
        0 => {
            let firing = Firing {
                trigger: own(),
                containment: Containment::Quarantine(Subject::Model(name(Kind::Model, 1))),
                of,
                t0: at(1),
                t1: at(2),
                calls: 3,
                bad: 2,
                first: Vec::new(),
                hold: DurationMs::from_secs(60),
                node: None,
            };
            Wish::FireTrigger(NewFiring { firing, in_flight: InFlight::default(), reason: LOGIN.to_owned() })
        }
        1 => Wish::NoteContained(Contained { trigger: own(), of, t2: at(3), tested: Tested::default() }),
        _ => {
            let by = if what == 2 { trigger(which) } else { Actor::Local };
            Wish::ClearTrigger(NewClear { trigger: own(), of, reason: LOGIN.to_owned(), by })
        }
    }
}

fn of_records(what: u8, which: u32, number: u64) -> Wish {
    let journal = JournalId::new(which, [1; 12]);
    let anchor = Anchor { journal, size: number, root: digest(u8::try_from(number).unwrap()) };
    let scope = ContentScope::Subject(digest(u8::try_from(which).unwrap()));
    match what {
        0 => Wish::StartJournal(JournalStart { journal, node: name(Kind::Team, 0), follows: None }),
        1 | 2 => Wish::Anchor(vec![anchor]),
        3 => Wish::EndJournal(JournalEnd { last: anchor, why: EndReason::Closed }),
        4 | 5 => Wish::SealSegment(SegmentSeal {
            journal,
            first: number / 3 * 2,
            count: 2,
            root: digest(1),
            object: "object".to_owned(),
            digest: digest(2),
            bytes: 3,
        }),
        6 => Wish::RetireRecords(Retirement {
            ranges: vec![FrameRange { journal, first: 0, count: number }],
            root: digest(4),
            before: at(5),
        }),
        7 if number < 6 => Wish::SetHold(NewHold {
            name: name(Kind::Team, which),
            scope,
            reason: "a court asked".to_owned(),
        }),
        7 => Wish::ReleaseHold(name(Kind::Team, which), None),
        _ if number < 6 => Wish::EraseContent(NewErasure {
            scope,
            calls: number,
            held_by: Vec::new(),
            backups_until: None,
            reason: Some("they asked".to_owned()),
        }),
        _ => Wish::SetLogKey(LogKey {
            key: format!("key {number}"),
            statement: (number > 8).then(|| "signed by both".to_owned()),
        }),
    }
}

/// A log in memory: leaves, and what lies beside them.
#[derive(Default)]
struct World {
    state: State,
    leaves: Vec<Leaf>,
    /// Where each decision ended.
    ends: Vec<usize>,
    vault: Vault,
    keys: u64,
}

impl World {
    fn decide(&mut self, now: i64, wish: Wish) -> Result<usize, Rejection> {
        let keys = &mut self.keys;
        let mut entropy = || {
            *keys += 1;
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&keys.to_be_bytes());
            HmacKey::from_bytes(bytes)
        };
        let foreseen = match &wish {
            Wish::FireTrigger(NewFiring { firing, reason, .. }) => {
                Some(may_fire(&self.state, firing, reason))
            }
            _ => None,
        };
        let decision = command::decide(&self.state, at(now), wish, &self.vault, &mut entropy);
        if let Some(foreseen) = foreseen {
            let taken = decision.as_ref().map(|decision| match decision.facts.is_empty() {
                true => Fires::Already,
                false => Fires::Anew,
            });
            assert_eq!(foreseen.as_ref().ok(), taken.as_ref().ok(), "what comes in force will be a fact");
        }
        let decision = decision?;
        let facts = command::facts(&decision, at(now), &Actor::Bootstrap);
        for fact in &facts {
            self.state.apply(fact);
            self.leaves.push(fact.encode().unwrap());
        }
        self.vault.extend(decision.seals.into_iter().map(|seal| (seal.digest, seal)));
        if !facts.is_empty() {
            self.ends.push(self.leaves.len());
        }
        Ok(facts.len())
    }

    fn run(steps: &[Step]) -> Self {
        let mut world = Self::default();
        for (now, step) in (0..).zip(steps) {
            // A rejection changes nothing, which the fold of the leaves would show.
            let _ = world.decide(now * 10, wish(step));
        }
        world
    }

    fn facts(&self) -> Vec<Fact> {
        let decode = |leaf: &Leaf| {
            let blob = leaf.blob.clone();
            Fact::decode(&leaf.bytes, &|_: &Digest| blob.clone().map(|blob| blob.bytes)).unwrap()
        };
        self.leaves.iter().map(decode).collect()
    }
}

/// Everything that a resource or key of a state refers to and that is not there.
fn dangling(state: &State, weak: bool) -> Vec<String> {
    let mut found = Vec::new();
    for (kind, name, standing) in state.resources() {
        let references = Resource { name: name.clone(), spec: standing.spec.clone() }.references();
        for (path, other_kind, other) in references.resources {
            // An exception that names something absent excepts nothing: it may stand for a moment before that comes, since
            // a guard and the route that lists it may name each other.
            let counts = weak || !path.contains("exceptions");
            if counts && state.resource(other_kind, &other).is_none() {
                found.push(format!("{kind} {name} {path}: {other_kind} {other}"));
            }
        }
        found.extend(
            references.keys.iter().filter(|(_, key)| state.key(*key).is_none()).map(|(path, _)| path.clone()),
        );
    }
    for key in state.keys().filter(|key| key.revoked.is_none()) {
        if state.resource(Kind::Principal, &key.principal).is_none() {
            found.push(format!("key {}: principal {}", key.id, key.principal));
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_same_facts_give_the_same_state_whichever_way(steps in steps(), cut in any::<prop::sample::Index>()) {
        let world = World::run(&steps);
        let facts = world.facts();
        let mut whole = State::new();
        let cut = cut.index(facts.len() + 1);
        let mut cached = None;
        for (i, fact) in facts.iter().enumerate() {
            if i == cut {
                cached = Some(State::from_cache(&whole.to_cache().unwrap()).unwrap());
                // When the digest's sum is made is nobody's business.
                whole.settle();
            }
            whole.apply(fact);
        }
        let mut cached = cached.unwrap_or_else(|| State::from_cache(&whole.to_cache().unwrap()).unwrap());
        for fact in &facts[cut..] {
            cached.apply(fact);
        }
        for state in [&cached, &world.state] {
            prop_assert_eq!(state, &whole);
            prop_assert_eq!(state.digest(), whole.digest());
        }
        prop_assert_eq!(whole.position(), facts.len() as u64);
    }

    #[test]
    fn every_prefix_is_a_valid_state(steps in steps()) {
        let world = World::run(&steps);
        let mut state = State::new();
        let mut latest = None;
        for (fact, applied) in world.facts().iter().zip(1..) {
            prop_assert!(latest <= Some(fact.time));
            latest = Some(fact.time);
            state.apply(fact);
            prop_assert_eq!(dangling(&state, world.ends.contains(&applied)), Vec::<String>::new());
        }
    }

    #[test]
    fn records_only_grow_and_are_sealed_once_in_order(steps in steps()) {
        let mut state = State::new();
        for fact in World::run(&steps).facts() {
            let before = state.clone();
            state.apply(&fact);
            for journal in before.journals() {
                let after = state.journal(journal.anchor.journal).unwrap();
                prop_assert!(after.anchor.size >= journal.anchor.size && after.sealed >= journal.sealed);
                prop_assert!(after.sealed <= after.anchor.size && after.retired <= after.sealed);
                prop_assert!(journal.ended.is_none() || after.anchor == journal.anchor);
                let mut next = after.retired;
                for segment in state.segments(journal.anchor.journal) {
                    // A range that ends inside a segment leaves it whole.
                    prop_assert!(segment.first <= next || next == segment.first, "{segment:?} after {next}");
                    next = segment.first + segment.count;
                    prop_assert_eq!(state.segment_of(segment.journal, next - 1).map(|s| s.first), Some(segment.first));
                }
                prop_assert!(next == after.sealed || after.retired == after.sealed);
            }
            if let Body::ContentErased(erasure) = &fact.body {
                prop_assert!(before.holds().all(|hold| hold.scope != erasure.scope), "a hold stands");
            }
        }
    }

    #[test]
    fn what_is_touched_is_all_that_differs(steps in steps()) {
        let entries = |state: &State| -> BTreeMap<String, String> {
            let resources = state.resources().map(|(kind, name, standing)| (format!("{kind}/{name}"), format!("{standing:?}")));
            let mut entries: BTreeMap<String, String> =
                resources.chain(state.keys().map(|key| (format!("key/{}", key.id), format!("{key:?}")))).collect();
            for journal in state.journals() {
                let id = journal.anchor.journal;
                entries.insert(format!("{:?}", Touched::Journal(id)), format!("{journal:?}"));
                let segments = state.segments(id);
                entries.extend(segments.map(|segment| (format!("{:?}", Touched::Segment(id, segment.first)), format!("{segment:?}"))));
            }
            entries.extend(state.holds().map(|hold| (format!("{:?}", Touched::Hold(hold.name.clone())), format!("{hold:?}"))));
            entries.extend(state.users().map(|user| (format!("{:?}", Touched::User(user.user.id)), format!("{user:?}"))));
            entries.extend(state.bootstrap_uses().map(|uses| (format!("{:?}", Touched::Bootstrap), format!("{uses:?}"))));
            entries.extend(state.quarantines().map(|standing| {
                (format!("{:?}", Touched::Quarantine(standing.quarantine.subject.clone())), format!("{standing:?}"))
            }));
            entries.extend(state.firings().map(|fired| {
                let touched = Touched::Firing(fired.firing.trigger.clone(), fired.firing.of.clone());
                (format!("{touched:?}"), format!("{fired:?}"))
            }));
            entries.extend(state.log_key().map(|key| (format!("{:?}", Touched::LogKey), format!("{key:?}"))));
            entries
        };
        let mut state = State::new();
        for fact in World::run(&steps).facts() {
            let before = entries(&state);
            let touched: Vec<String> = state.apply(&fact).into_iter().map(|touched| match touched {
                Touched::Resource(kind, name) => format!("{kind}/{name}"),
                Touched::Key(id) => format!("key/{id}"),
                other => format!("{other:?}"),
            }).collect();
            let after = entries(&state);
            for key in before.keys().chain(after.keys()) {
                prop_assert!(before.get(key) == after.get(key) || touched.contains(key), "{key}");
            }
        }
    }

    #[test]
    fn applying_what_stands_appends_nothing(steps in steps(), chosen in proptest::collection::vec((0..8_usize, 0..OTHERS, 0..40_u32), 1..8)) {
        let mut world = World::run(&steps);
        let mut files = resources(&chosen.iter().map(|(kind, number, variant)| (Kind::ALL[*kind], *number, *variant)).collect::<Vec<_>>());
        // The same resource twice is a problem of its own.
        files.sort_by(|a, b| (a.spec.kind(), &a.name).cmp(&(b.spec.kind(), &b.name)));
        files.dedup_by(|a, b| (a.spec.kind(), &a.name) == (b.spec.kind(), &b.name));
        if world.decide(10_000, Wish::Apply(files.clone())).is_ok() {
            let before = (world.state.digest(), world.leaves.len());
            prop_assert_eq!(command::plan(&world.state, &files, &world.vault).unwrap(), Vec::new());
            prop_assert_eq!(world.decide(20_000, Wish::Apply(files)), Ok(0));
            prop_assert_eq!((world.state.digest(), world.leaves.len()), before);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_name_of_a_person_is_in_the_log(steps in steps()) {
        let world = World::run(&steps);
        for leaf in &world.leaves {
            prop_assert!(!leaf.bytes.windows(LOGIN.len()).any(|window| window == LOGIN.as_bytes()));
        }
        let known = world.state.users().count();
        prop_assert!(known == 0 || world.vault.values().any(|seal| seal.open::<String>().as_deref() == Some(LOGIN)));
    }

    #[test]
    fn who_is_disabled_or_revoked_has_nothing_left_from_before(steps in steps()) {
        let mut state = State::new();
        for fact in World::run(&steps).facts() {
            state.apply(&fact);
            match &fact.body {
                Body::UserDisabled(id, _) => {
                    let known = state.user(*id).unwrap();
                    // Enabled again or not, and however late it began: not before the fact that enables.
                    prop_assert!(known.ended(fact.time) && known.ended(at(1_000_000)));
                }
                Body::UserEnabled(id) | Body::UserReset(id) | Body::UserSessionsRevoked(id) => {
                    let known = state.user(*id).unwrap();
                    prop_assert!(known.revoked.is_some_and(|revoked| known.ended(revoked)));
                    prop_assert!(known.disabled.is_some() || !known.ended(fact.time.plus(DurationMs::from_secs(1))));
                }
                _ => {}
            }
        }
    }
}

#[test]
fn most_wishes_of_the_generator_are_granted() {
    // The laws above say nothing about a world in which every wish is refused.
    use proptest::{strategy::ValueTree as _, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let facts: usize =
        (0..50).map(|_| World::run(&steps().new_tree(&mut runner).unwrap().current()).leaves.len()).sum();
    assert!(facts > 500, "{facts} facts of 50 worlds");
}
