//! Rules of guards for what nothing finds: a slip of the pen is a guard that never acts.

use cordon_core::{
    Category, Name, State,
    resource::{GuardSpec, Kind, Spec},
};

use crate::declare::nearest;

/// The families of what is found here: by detectors that are built in, and by what the gateway checks itself. `custom` is none: what is
/// found below it is what a guard's own types say.
const BUILT_IN: [&str; 25] = [
    "abuse",
    "action",
    "answer",
    "citation",
    "command",
    "egress",
    "file",
    "format",
    "grounding",
    "harm",
    "language",
    "leak",
    "length",
    "pii",
    "prediction",
    "prompt_injection",
    "quarantined",
    "schema",
    "secret",
    "statement",
    "terminal",
    "tool",
    "topic",
    "toxic",
    "uninspected",
];

/// The shortest word that a longer one is taken for.
const STEM: usize = 4;

/// What is to be said of the guards of a state that changed: each category of their rules, once, that neither a detector nor a type of the
/// guard can give. Of what is built in the family alone is looked at.
pub(super) fn warnings(state: &State, changed: impl Fn(&Name) -> bool) -> Vec<String> {
    let declared = declared(state);
    let guards = state.resources_of(Kind::Guard).filter(|(name, _)| changed(name));
    let told = guards.filter_map(|(name, standing)| match &standing.spec {
        Spec::Guard(guard) => Some(of_guard(name, guard, &declared)),
        _ => None,
    });
    told.flatten().collect()
}

/// What the declared detectors may report.
fn declared(state: &State) -> Vec<&Category> {
    let detectors = state.resources_of(Kind::Detector).filter_map(|(_, standing)| match &standing.spec {
        Spec::Detector(detector) => Some(detector.categories.values()),
        _ => None,
    });
    detectors.flatten().collect()
}

fn of_guard(name: &Name, guard: &GuardSpec, declared: &[&Category]) -> Vec<String> {
    let own = guard.types.iter().map(|custom| &custom.category);
    let known: Vec<&Category> = own.chain(declared.iter().copied()).collect();
    let is_found = |category: &Category| {
        BUILT_IN.contains(&category.root().as_str())
            || known.iter().any(|known| known.covers(category) || category.covers(known))
    };
    let mut said: Vec<&Category> = Vec::new();
    for rule in &guard.rules {
        if !is_found(&rule.category) && !said.contains(&&rule.category) {
            said.push(&rule.category);
        }
    }
    let warning = |category: &&Category| {
        format!(
            "Guard `{name}` has a rule for `{category}`, which nothing finds: no detector that is built in or declared, and no type of \
             the guard; {}",
            help(category, &known)
        )
    };
    said.iter().map(warning).collect()
}

/// The way out: the nearest of what is found.
fn help(category: &Category, known: &[&Category]) -> String {
    let root = category.root();
    let roots = BUILT_IN.iter().copied();
    let near = nearest(category.as_str(), known.iter().map(|known| known.as_str()))
        .or_else(|| nearest(root.as_str(), roots.clone()))
        .or_else(|| roots.clone().find(|known| known.len() >= STEM && root.as_str().starts_with(known)));
    match near {
        Some(near) => format!("help: did you mean `{near}`?"),
        None => {
            format!("help: one of {}, or what a `Detector` or a type of the guard says", BUILT_IN.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use cordon_core::{
        Fact, Timestamp,
        fact::{Actor, Body},
        resource::Resource,
    };
    use serde_json::json;

    use super::*;

    fn told(rules: &[&str]) -> Vec<String> {
        let rules: Vec<_> = rules.iter().map(|rule| json!({"category": rule, "action": "flag"})).collect();
        let detector = json!({"adapter": "cordon", "base_url": "https://detector.example.com/v1",
            "categories": {"a": "spam/advert"}, "self_test": {"text": "buy", "category": "spam"}});
        let guard = json!({"scope": "organisation", "rules": rules,
            "types": [{"category": "custom/employee", "pattern": "E[0-9]{6}"}]});
        let mut state = State::new();
        for (kind, name, spec) in [(Kind::Detector, "adverts", detector), (Kind::Guard, "g", guard)] {
            let spec = kind.read(spec).unwrap_or_else(|error| panic!("{name}: {error:?}"));
            let resource = Resource { name: Name::parse(name).unwrap(), spec };
            let body = Body::ResourceSet(resource);
            state.apply(&Fact { time: Timestamp::from_millis(1), actor: Actor::Local, body });
        }
        assert!(warnings(&state, |_| false).is_empty());
        warnings(&state, |name| name.as_str() == "g")
    }

    #[test]
    fn a_rule_for_what_nothing_finds_is_said_with_the_nearest_name() {
        let fine = [
            "prompt_injection",
            "pii/email",
            "spam",
            "spam/advert",
            "custom",
            "custom/employee",
            "toxic/insult",
        ];
        assert_eq!(told(&fine), Vec::<String>::new());
        for (rule, near) in [
            ("prompt_injectoin", "`prompt_injection`"),
            ("egresss", "`egress`"),
            ("pi/email", "`pii`"),
            ("toxicity/insult", "`toxic`"),
            ("custom/employe", "`custom/employee`"),
            ("spam/adverts", "`spam/advert`"),
            ("colour", "one of abuse,"),
        ] {
            let said = told(&[rule, "pii", rule]);
            assert!(said.len() == 1 && said[0].contains(near) && said[0].contains(rule), "{rule}: {said:?}");
        }
    }

    /// Families that a file names which is no test.
    fn named(path: &Path, families: &mut std::collections::BTreeSet<String>) {
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "tests" {
                named(&path, families);
            } else if path.extension().is_some_and(|end| end == "rs")
                && !name.ends_with("tests")
                && name != "testing"
            {
                let source = std::fs::read_to_string(&path).unwrap();
                let source = source.split("#[cfg(test)]").next().unwrap();
                for rest in source.split("Category::known(\"").skip(1) {
                    families.insert(rest.split(['/', '"']).next().unwrap().to_owned());
                }
            }
        }
    }

    #[test]
    fn the_families_are_those_that_the_detectors_name() {
        let mut families = std::collections::BTreeSet::new();
        for krate in ["cordon-inspect", "cordon-files", "cordon-guard"] {
            named(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(krate).join("src"), &mut families);
        }
        let engine = cordon_inspect::Engine::builtin();
        let categories = engine.detectors().iter().flat_map(|detector| &detector.categories);
        families.extend(categories.map(|category| category.root().to_string()));
        // What guards' own types are called, and a label that no text is found to have.
        families.retain(|family| !matches!(family.as_str(), "custom" | "private"));
        let missing: Vec<_> = families.iter().filter(|family| !BUILT_IN.contains(&family.as_str())).collect();
        assert!(missing.is_empty(), "add them to BUILT_IN: {missing:?}");
    }
}
