//! Who operates Cordon.

use cordon_core::Role;

use super::{Raw, text};
use crate::identity::{OidcOptions, Site};

/// Who operates Cordon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Where browsers reach the control listener.
    pub site: Site,
    /// The identity provider.
    pub oidc: Option<OidcOptions>,
}

impl Identity {
    pub(super) fn read(raw: &mut Raw) -> Option<Self> {
        let site = raw.take("identity.url", |value| match value {
            "" => Ok(Site::loopback()),
            value => Site::parse(value),
        });
        let oidc = oidc(raw);
        Some(Self { site: site?, oidc: oidc? })
    }
}

/// The identity provider, if one is set; `None` when something about it is wrong.
fn oidc(raw: &mut Raw) -> Option<Option<OidcOptions>> {
    let issuer_from = raw.source("identity.oidc.issuer");
    let beside = ["identity.oidc.client_id", "identity.oidc.client_secret", "identity.oidc.roles"];
    let alone = beside.iter().find_map(|key| raw.source(key).map(|source| (*key, source)));
    let issuer = raw.take("identity.oidc.issuer", |text| match text {
        "" => Ok(None),
        text => OidcOptions::check_issuer(text).map(|()| Some(text.to_owned())),
    });
    let client_id = raw.take("identity.oidc.client_id", |text| Ok(text.to_owned()));
    let client_secret = raw.take("identity.oidc.client_secret", text::reference);
    let scopes = raw.take("identity.oidc.scopes", |value| {
        let scopes = text::list(value);
        let plain = |scope: &String| scope.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\');
        match scopes.iter().any(|scope| scope == "openid") && scopes.iter().all(plain) {
            true => Ok(scopes),
            false => Err("a list with `openid` in it is expected".to_owned()),
        }
    });
    let groups_claim = raw.take("identity.oidc.groups_claim", |text| match text {
        "" => Err("the name of a claim is expected".to_owned()),
        text => Ok(text.to_owned()),
    });
    let roles = raw.take("identity.oidc.roles", |value| {
        text::list(value)
            .iter()
            .map(|item| {
                let (group, role) = item.rsplit_once('=').unwrap_or_default();
                let role = Role::parse(role.trim()).filter(|_| !group.trim().is_empty());
                let wrong =
                    || format!("`{item}` is not GROUP=ROLE; help: viewer, operator, auditor or admin");
                role.map(|role| (group.trim().to_owned(), role)).ok_or_else(wrong)
            })
            .collect::<Result<Vec<_>, _>>()
    });
    let (issuer, client_id, client_secret) = (issuer?, client_id?, client_secret?);
    let (scopes, groups_claim, roles) = (scopes?, groups_claim?, roles?);
    let Some(issuer) = issuer else {
        if let Some((key, source)) = alone {
            raw.wrong(&source, format!("{key}: only beside `identity.oidc.issuer`"));
        }
        return Some(None);
    };
    let source = issuer_from.unwrap_or_default();
    if client_id.is_empty() {
        raw.wrong(&source, "identity.oidc.client_id: is needed beside an issuer".to_owned());
    }
    if roles.is_empty() {
        raw.wrong(
            &source,
            "identity.oidc.roles: is needed beside an issuer, or nobody has a role".to_owned(),
        );
    }
    Some(Some(OidcOptions { issuer, client_id, client_secret, scopes, groups_claim, roles }))
}
