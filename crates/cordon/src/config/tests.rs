use cordon_core::{Role, resource::SecretRef};

use super::*;
use crate::{
    siem::{Records, Target},
    telemetry::{Sampler, Share},
};

fn check(text: &str) -> Result<Config, Vec<String>> {
    let raw = Raw::default().toml("cordon.toml", text);
    raw.check().map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

#[test]
fn nothing_set_is_a_configuration() {
    let config = check("").unwrap();
    assert_eq!(config.gateway.listen.port(), 4180);
    assert_eq!(config.journal.segment, 16 << 20);
    assert_eq!(config.upstream.proxy, Proxy::Environment);
}

#[test]
fn later_layers_win() {
    let config = Raw::default()
        .toml("a", "data = 'x'\n[gateway]\nlisten = '127.0.0.1:1'\nmax_calls = 5\n[upstream]\nproxy = 'http://p:1'\nno_proxy = ['a', 'b']")
        .environment(|name| (name == "CORDON_GATEWAY_LISTEN").then(|| "127.0.0.1:2".to_owned()))
        .flag("--data", "data", Some("y".to_owned()))
        .check()
        .unwrap();
    assert_eq!((config.data, config.gateway.listen.port(), config.gateway.max_calls), ("y".into(), 2, 5));
    let except = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(config.upstream.proxy, Proxy::At { url: "http://p:1".to_owned(), except });
}

#[test]
fn everything_wrong_is_told_at_once() {
    let text = "dta = 'x'\n[gateway]\nlisten = 'here'\nmax_body = '16 MB'\ndrain = 30\n[log]\nformat = 'xml'\n[log.level]\n";
    let found = check(text).unwrap_err();
    let expected = [
        "cordon.toml:1:1: unknown key `dta`; help: did you mean `data`?",
        "cordon.toml:8:6: `log.level` is expected to be text",
        "cordon.toml:3:1: gateway.listen: an IP address and a port are expected",
        "cordon.toml:4:1: gateway.max_body: a size is expected",
        "cordon.toml:5:1: gateway.drain: `30` is not a duration",
        "cordon.toml:7:1: log.format: `json` or `text` is expected",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for expected in expected {
        assert!(found.iter().any(|found| found.starts_with(expected)), "{expected}\n{found:#?}");
    }
    assert!(check("a = [").unwrap_err()[0].starts_with("cordon.toml:1:"));
    let same = "[gateway]\nlisten='127.0.0.1:5'\n[control]\nlisten='127.0.0.1:5'";
    assert!(check(same).unwrap_err()[0].contains("already"));
}

#[test]
fn a_sink_is_checked_as_a_whole() {
    let text = "[siem]\nsink = 'https://siem.example/in'\ntoken = 'env:TOKEN'\nrecords = 'all'\nca_bundle = 'ca.pem'";
    let siem = check(text).unwrap().siem.unwrap();
    assert_eq!(siem.sink, Target::Http("https://siem.example/in".to_owned()));
    assert_eq!((siem.token, siem.records), (Some(SecretRef::Env("TOKEN".to_owned())), Records::All));
    assert_eq!(check("").unwrap().siem, None);
    let wrong = "[siem]\nsink = 'file:/x'\ntoken = 'env:TOKEN'";
    assert!(check(wrong).unwrap_err()[0].contains("cordon.toml:3:1: siem.token: only beside"));
    let wrong = "[siem]\nsink = 'http://siem.example'\ntoken = 'hunter2'\nrecords = 'none'";
    assert_eq!(check(wrong).unwrap_err().len(), 3);
}

#[test]
fn an_identity_provider_is_checked_as_a_whole() {
    let text = "[identity]\nurl = 'https://cordon.example'\n[identity.oidc]\nissuer = 'https://id.example/realm'\nclient_id = 'cordon'\nclient_secret = 'env:OIDC'\nroles = ['sec-team=auditor', 'cn=admins=admin']";
    let identity = check(text).unwrap().identity;
    assert_eq!(identity.site.origin(), Some("https://cordon.example"));
    let oidc = identity.oidc.unwrap();
    assert_eq!(oidc.scopes, ["openid", "profile", "email"]);
    let roles = [("sec-team".to_owned(), Role::Auditor), ("cn=admins".to_owned(), Role::Admin)];
    assert_eq!((oidc.groups_claim.as_str(), oidc.roles), ("groups", roles.to_vec()));
    let wrong = "[identity]\nurl = 'http://cordon.example'\n[identity.oidc]\nissuer = 'http://id.example'\nscopes = 'email'\nroles = ['a=root', 'b']";
    assert_eq!(check(wrong).unwrap_err().len(), 4);
    assert_eq!(check("[identity.oidc]\nissuer = 'https://id.example'").unwrap_err().len(), 2);
    assert!(check("[identity.oidc]\nroles = 'a=admin'").unwrap_err()[0].contains("only beside"));
}

#[test]
fn a_bucket_is_checked_as_a_whole() {
    let keys = "access_key = 'env:ID'\nsecret_key = 'file:/run/secret'";
    let settings = check(&format!("[objects]\nbucket = 'records'\n{keys}")).unwrap().objects.unwrap();
    assert_eq!(
        (settings.endpoint, settings.region.as_str(), settings.prefix.as_str()),
        (None, "us-east-1", "")
    );
    assert_eq!(settings.secret_key, SecretRef::File("/run/secret".to_owned()));
    assert_eq!(check("").unwrap().objects, None);
    for (wrong, at) in [
        (
            "[objects]\nbucket = 'records'\naccess_key = 'env:ID'".to_owned(),
            "cordon.toml:2:1: objects.bucket: ",
        ),
        (format!("[objects]\n{keys}"), "cordon.toml:2:1: objects.access_key: only beside a bucket"),
        (format!("[objects]\nbucket = 'Records'\n{keys}"), "cordon.toml:2:1: objects: `Records` is no name"),
        (
            format!("[objects]\nbucket = 'r'\nendpoint = 'http://s3.example'\n{keys}"),
            "cordon.toml:2:1: objects: the object store's address has no TLS",
        ),
        (
            "[objects]\nbucket = 'r'\nsecret_key = 'hunter2'".to_owned(),
            "cordon.toml:3:1: objects.secret_key: ",
        ),
    ] {
        let found = check(&wrong).unwrap_err();
        assert!(found[0].starts_with(at) && !found[0].contains("hunter2"), "{found:?}");
    }
}

#[test]
fn the_variables_of_opentelemetry_are_defaults() {
    let standard = |name: &str| {
        let value = match name {
            "OTEL_EXPORTER_OTLP_ENDPOINT" => "https://otlp.example:4318",
            "OTEL_EXPORTER_OTLP_HEADERS" => "api-key=hunter2",
            "OTEL_SERVICE_NAME" => "gateway",
            "OTEL_RESOURCE_ATTRIBUTES" => "deployment.environment.name=a%20b, x=y",
            "OTEL_TRACES_SAMPLER" => "parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG" => "0.25",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let found = Raw::default().environment(standard).check().unwrap().telemetry.unwrap();
    assert_eq!(found.endpoint, "https://otlp.example:4318");
    assert_eq!(found.headers, Some(SecretRef::Env("OTEL_EXPORTER_OTLP_HEADERS".to_owned())));
    assert_eq!(found.resource[0], ("deployment.environment.name".to_owned(), "a b".to_owned()));
    let quarter = Share::parse("0.25").unwrap();
    assert_eq!(found.sampler, Sampler::named("parentbased_traceidratio", quarter).unwrap());
    let file = "[telemetry]\nservice_name = 'mine'\ntraces.ratio = 0.5\ntraces.sampler = 'always_off'";
    let ours = Raw::default().toml("cordon.toml", file).environment(|name| match name {
        "CORDON_TELEMETRY_OTLP_ENDPOINT" => Some("http://127.0.0.1:4318".to_owned()),
        name => standard(name),
    });
    let found = ours.check().unwrap().telemetry.unwrap();
    assert_eq!((found.service.as_str(), found.endpoint.as_str()), ("mine", "http://127.0.0.1:4318"));
    assert_eq!(found.sampler, Sampler::named("always_off", Share::ALL).unwrap());
    assert_eq!(check("").unwrap().telemetry, None);
}

#[test]
fn a_collector_is_checked_as_a_whole() {
    for (wrong, at) in [
        ("otlp.endpoint = 'collector:4318'", "telemetry.otlp.endpoint: "),
        ("otlp.endpoint = 'https://u:hunter2@c'", "telemetry.otlp.endpoint: "),
        (
            "otlp.endpoint = 'http://c.example'\notlp.headers = 'env:H'",
            "telemetry.otlp.endpoint: with telemetry.otlp.headers",
        ),
        ("otlp.headers = 'hunter2'", "telemetry.otlp.headers: "),
        ("traces.ratio = 1.5", "telemetry.traces.ratio: a number from 0 to 1"),
        ("traces.sampler = 'all'", "telemetry.traces.sampler: `always_on`"),
        ("resource = 'a'", "telemetry.resource: `name=value`"),
        ("otlp.timeout = '0s'", "telemetry.otlp.timeout: must be above 0"),
    ] {
        let found = check(&format!("[telemetry]\n{wrong}")).unwrap_err();
        assert!(
            found.len() == 1 && found[0].contains(at) && !found[0].contains("hunter2"),
            "{wrong}: {found:?}"
        );
    }
    assert!(check("[telemetry]\notlp.endpoint = 'http://otel-collector:4318'").unwrap().telemetry.is_some());
}

#[test]
fn every_key_is_documented() {
    let page = include_str!("../../../../docs/configuration.md");
    for Setting { key, default, help } in SETTINGS {
        let default = if default.is_empty() { String::new() } else { format!("`{default}`") };
        let row = format!("| `{key}` | `{}` | {default} | {help} |", environment_name(key));
        assert!(page.contains(&row), "docs/configuration.md lacks this row:\n{row}");
    }
}
