//! What the files and variables hold that a configuration names: looked at together before anything is started, so that whoever
//! sets a node up is told of all that is wrong at once.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use cordon_guard::upstream::{Client, ClientConfig};

use crate::{content, node, node::Settings};

/// What cannot be used of it, each as the part that needs it would say. What is read when it is needed, such as the token of a
/// sink, may come later and is left out; so is the TLS of the listeners, which is read with the settings.
pub(crate) fn wrong(settings: &Settings) -> Vec<anyhow::Error> {
    let environment = &settings.environment;
    let trusting = |ca_bundle: &PathBuf| {
        let client = ClientConfig { ca_bundle: Some(ca_bundle.clone()), ..settings.client.clone() };
        Client::new(&client).map(drop)
    };
    let siem = settings.siem.as_ref().and_then(|siem| siem.ca_bundle.as_ref());
    let telemetry = settings.telemetry.as_ref().and_then(|telemetry| telemetry.ca_bundle.as_ref());
    let checked: [Option<Result<()>>; 6] = [
        Some(Client::new(&settings.client).map(drop).context("the upstream client cannot be made")),
        settings
            .counters
            .as_ref()
            .and_then(|counters| counters.secret(environment))
            .map(|password| password.text().map(drop).context("limits.password")),
        settings.content_key.as_ref().map(|key| content::master_key(key, environment).map(drop)),
        settings.ledger_key.as_ref().map(|key| node::signing_key(key, environment).map(drop)),
        siem.map(|bundle| trusting(bundle).context("siem.ca_bundle")),
        telemetry.map(|bundle| trusting(bundle).context("telemetry.otlp.ca_bundle")),
    ];
    checked.into_iter().flatten().filter_map(Result::err).collect()
}

#[cfg(test)]
mod tests {
    use cordon_testkit::TempDir;

    use crate::{config::Raw, up};

    #[test]
    fn all_that_is_wrong_in_the_files_that_are_named_is_told_at_once() {
        let folder = TempDir::new().unwrap();
        let file = |name: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, "not what it should be").unwrap();
            path.display().to_string()
        };
        let text = format!(
            "data = '{}'
[gateway.tls]
certificate = '{}'
key = 'file:{}'
[control.tls]
certificate = '{}'
key = 'file:{}'
[upstream]
ca_bundle = '{}'
[limits]
store = 'redis://127.0.0.1:1'
password = 'file:{}/none'
[content]
master_key = 'file:{}'
[ledger]
key = 'file:{}'
[siem]
sink = 'https://siem.example/in'
ca_bundle = '{}'
[telemetry.otlp]
endpoint = 'https://otlp.example'
ca_bundle = '{}'
",
            folder.path().display(),
            file("gateway.crt"),
            file("gateway.key"),
            file("control.crt"),
            file("control.key"),
            file("upstream.pem"),
            folder.path().display(),
            file("content.key"),
            file("ledger.key"),
            file("siem.pem"),
            file("otlp.pem"),
        );
        let config = Raw::default().toml("cordon.toml", &text).check().unwrap();
        let Err(error) = up::settings(&config) else { panic!("all of it is wrong") };
        let told = error.to_string();
        for wrong in [
            "gateway.crt",
            "control.crt",
            "upstream.pem",
            "limits.password",
            "content",
            "ledger.key",
            "siem.pem",
            "otlp.pem",
        ] {
            assert!(told.lines().any(|line| line.contains(wrong)), "{wrong}\n{told}");
        }
        assert!(!told.contains("not what it should be"), "what secrets hold is told to nobody");
    }
}
