//! The guard that a command asks: the built-in one, that of a file, or one that is in force.

use std::path::Path;

use cordon_core::{
    Fact, Name, State, Timestamp,
    fact::{Actor, Body},
    resource::{API_VERSION, GuardScope, Kind, Resource, Spec},
};
use cordon_policy::{Caller, EffectiveGuard, Snapshot};

use super::{Failure, Place, client::Need, complain};
use crate::{
    api::Problem,
    declare::{self, Reading},
};

/// The guards that `--guard` means, joined as if they held for the organisation; without it what holds where nothing is declared.
pub(super) async fn asked(place: &Place, guard: Option<&str>) -> Result<EffectiveGuard, Failure> {
    let Some(asked) = guard else { return joined(Vec::new()) };
    let file = Path::new(asked);
    let is_file =
        file.exists() || file.extension().is_some_and(|end| end == "yaml" || end == "yml" || end == "json");
    let resources = match Name::parse(asked) {
        Ok(name) if !is_file => vec![in_force(place, &name).await?],
        _ => of_file(file)?,
    };
    joined(resources)
}

fn joined(resources: Vec<Resource>) -> Result<EffectiveGuard, Failure> {
    let mut state = State::new();
    for Resource { name, spec } in resources {
        let Spec::Guard(mut spec) = spec else { continue };
        spec.scope = GuardScope::Organisation;
        let body = Body::ResourceSet(Resource { name, spec: Spec::Guard(spec) });
        state.apply(&Fact { time: Timestamp::from_millis(0), actor: Actor::Local, body });
    }
    Ok(Snapshot::compile(&state).guard(Caller::nobody(), None))
}

fn of_file(file: &Path) -> Result<Vec<Resource>, Failure> {
    let sources = declare::sources(&[file.to_owned()]).map_err(|diagnostics| told(&diagnostics))?;
    let resources = checked(&declare::read(&sources))?;
    if resources.iter().any(|resource| resource.spec.kind() == Kind::Guard) {
        return Ok(resources);
    }
    let detail = format!("{}: no document of kind Guard", file.display());
    Err(Problem::new(400, "unreadable", "there is no guard", detail).into())
}

/// The guard of this name that the server or the data folder has.
async fn in_force(place: &Place, name: &Name) -> Result<Resource, Failure> {
    let client = place.client(Need::Read).await?;
    let found = client.get(Kind::Guard, name, None).await;
    client.close().await;
    let mut found = found?;
    if let Some(spec) = found.spec.as_object_mut() {
        // Of nobody in particular none is, and a reason in one may be erased.
        spec.remove("exceptions");
    }
    let document = serde_json::json!({
        "apiVersion": API_VERSION, "kind": found.kind, "name": found.name, "spec": found.spec,
    });
    checked(&declare::read_json(name.as_str(), vec![document]))?.pop().ok_or(Failure::Code(1))
}

fn checked(reading: &Reading) -> Result<Vec<Resource>, Failure> {
    if reading.diagnostics.is_empty() {
        Ok(reading.declaration.resources())
    } else {
        Err(told(&reading.diagnostics))
    }
}

fn told(diagnostics: &[declare::Diagnostic]) -> Failure {
    diagnostics.iter().for_each(|diagnostic| complain(&diagnostic.to_string()));
    Failure::Code(1)
}
