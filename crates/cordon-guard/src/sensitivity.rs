//! How carefully a call must be handled, and which services bear it.
//!
//! The class of a call follows from its labels: what detectors found in it and nothing took out, what its caller said of documents, and what
//! tools brought. Each target is asked for it before anything is sent there.

use std::collections::BTreeSet;

use cordon_core::{Category, Refusal, RefusalCode, resource::MaxSensitivity, taint::PRIVATE};
use cordon_inspect::{Custom, Sensitivity};

use crate::dispatch::Target;

/// The class of content with these labels; the strictest of them counts.
pub(crate) fn class<'l>(labels: impl IntoIterator<Item = &'l Category>, custom: &[Custom]) -> Sensitivity {
    let of_label = |label: &Category| {
        let own = custom.iter().filter_map(|custom| custom.sensitivity(label)).max();
        let private =
            if PRIVATE.covers(label) { Sensitivity::Confidential } else { Sensitivity::Unclassified };
        own.unwrap_or_default().max(private).max(Sensitivity::of(label))
    };
    labels.into_iter().map(of_label).max().unwrap_or_default()
}

/// Whether content of this class may be sent to a target.
///
/// # Errors
/// When its service bears less. What made the content so is for the record alone.
pub(crate) fn bears(target: &Target, class: Sensitivity, labels: &BTreeSet<Category>) -> Result<(), Refusal> {
    let most = match target.service.spec.max_sensitivity {
        None | Some(MaxSensitivity::Restricted) => return Ok(()),
        Some(MaxSensitivity::Confidential) => Sensitivity::Confidential,
        Some(MaxSensitivity::Unclassified) => Sensitivity::Unclassified,
    };
    if class <= most {
        return Ok(());
    }
    let labels: Vec<&str> = labels.iter().map(Category::as_str).collect();
    let why = format!(
        "service {} is sent {most} content at most, and this is {class}: {}",
        target.service.name,
        labels.join(", ")
    );
    Err(Refusal::new(RefusalCode::SensitivityExceeded, why))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cordon_core::{
        Name,
        resource::{Kind, Spec},
    };
    use cordon_policy::ServiceEntry;
    use proptest::prelude::*;

    use super::*;

    fn target(most: Option<&str>) -> Target {
        let mut spec = serde_json::json!({"protocol": "openai", "base_url": "https://api.example.org/v1"});
        if let Some(most) = most {
            spec["max_sensitivity"] = most.into();
        }
        let Spec::Service(spec) = Kind::Service.read(spec).unwrap() else { panic!("no service") };
        let model = serde_json::json!({"service": "s", "upstream_name": "m"});
        let Spec::Model(model) = Kind::Model.read(model).unwrap() else { panic!("no model") };
        let name = |text| Name::parse(text).unwrap();
        let service = Arc::new(ServiceEntry { name: name("s"), spec });
        Target { model: name("m"), spec: Arc::new(model), service }
    }

    fn goes(most: Option<&str>, labels: &[&'static str]) -> bool {
        let labels: BTreeSet<Category> = labels.iter().map(|path| Category::known(path)).collect();
        bears(&target(most), class(&labels, &[]), &labels).is_ok()
    }

    #[test]
    fn a_service_is_sent_what_it_bears_and_no_more() {
        for (labels, least) in [
            (&[][..], 0),
            (&["pii/email"][..], 1),
            (&["private"][..], 1),
            (&["private/hr"][..], 1),
            (&["pii/email", "secret/jwt"][..], 2),
            (&["pii/card"][..], 2),
            (&["prompt_injection/override", "anything"][..], 0),
        ] {
            for (at, most) in ["unclassified", "confidential", "restricted"].into_iter().enumerate() {
                assert_eq!(goes(Some(most), labels), at >= least, "{labels:?} to {most}");
            }
            assert!(goes(None, labels), "{labels:?}");
        }
    }

    #[test]
    fn the_record_says_what_made_it_so_and_the_caller_is_told_nothing_of_it() {
        let labels = BTreeSet::from([Category::known("pii/card")]);
        let refusal = bears(&target(Some("confidential")), class(&labels, &[]), &labels).unwrap_err();
        assert_eq!(
            refusal.private,
            "service s is sent confidential content at most, and this is restricted: pii/card"
        );
        assert_eq!((refusal.public, refusal.code.status()), (None, 403));
    }

    /// Labels, and the class of each alone.
    const EACH: [(&str, Sensitivity); 8] = [
        ("leak/prompt", Sensitivity::Unclassified),
        ("other", Sensitivity::Unclassified),
        ("pii/card", Sensitivity::Restricted),
        ("pii/email", Sensitivity::Confidential),
        ("private", Sensitivity::Confidential),
        ("private/hr", Sensitivity::Confidential),
        ("privates", Sensitivity::Unclassified),
        ("secret/jwt", Sensitivity::Restricted),
    ];

    proptest! {
        /// The class of a call is that of its strictest label, whatever stands beside it.
        #[test]
        fn no_label_hides_another(
            labels in prop::collection::btree_set(prop::sample::select(EACH.map(|(path, _)| path).to_vec()), 0..8),
        ) {
            let has = |path: &str| labels.contains(path);
            let strictest = EACH.iter().filter(|(path, _)| has(path)).map(|(_, class)| *class).max();
            let labels: Vec<Category> = labels.iter().rev().map(|path| Category::known(path)).collect();
            prop_assert_eq!(class(&labels, &[]), strictest.unwrap_or(Sensitivity::Unclassified));
        }
    }
}
