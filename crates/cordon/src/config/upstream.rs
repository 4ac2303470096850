//! The way to upstreams.

use std::path::PathBuf;

use cordon_guard::upstream::{ClientConfig, Environment, ProxyEnv};

use super::{Raw, text};

/// The way to upstreams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// A PEM file of further roots.
    pub ca_bundle: Option<PathBuf>,
    /// The proxy.
    pub proxy: Proxy,
}

/// Whether a proxy stands between this machine and upstreams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proxy {
    /// As the environment says: `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`.
    Environment,
    /// None, whatever the environment says.
    None,
    /// This one.
    At {
        /// Its address.
        url: String,
        /// Hosts that are reached without it.
        except: Vec<String>,
    },
}

impl Upstream {
    /// The settings of the client of all upstream calls.
    pub fn client_config(&self, environment: &Environment) -> ClientConfig {
        let proxies = match &self.proxy {
            Proxy::Environment => ProxyEnv::from_env(environment),
            Proxy::None => ProxyEnv::default(),
            Proxy::At { url, except } => ProxyEnv {
                all: Some(url.clone()),
                no: Some(except.join(",")).filter(|hosts| !hosts.is_empty()),
                ..ProxyEnv::default()
            },
        };
        ClientConfig { proxies, ca_bundle: self.ca_bundle.clone(), ..ClientConfig::default() }
    }

    pub(super) fn read(raw: &mut Raw) -> Option<Self> {
        let except_from = raw.source("upstream.no_proxy");
        let ca_bundle = raw.take("upstream.ca_bundle", text::file);
        let mut proxy = raw.take("upstream.proxy", proxy);
        let mut except = raw.take("upstream.no_proxy", |hosts| Ok(text::list(hosts))).unwrap_or_default();
        if let Some(Proxy::At { except: to, .. }) = &mut proxy {
            *to = std::mem::take(&mut except);
        } else if let (false, Some(source), Some(_)) = (except.is_empty(), except_from, &proxy) {
            raw.wrong(&source, "upstream.no_proxy: only beside an address in `upstream.proxy`".to_owned());
        }
        Some(Self { ca_bundle: ca_bundle?, proxy: proxy? })
    }
}

fn proxy(text: &str) -> Result<Proxy, String> {
    match text {
        "environment" => Ok(Proxy::Environment),
        "none" => Ok(Proxy::None),
        // The address is not repeated: it may hold a password.
        url if url
            .parse::<http::Uri>()
            .is_ok_and(|uri| uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https"))) =>
        {
            Ok(Proxy::At { url: url.to_owned(), except: Vec::new() })
        }
        _ => Err("`environment`, `none` or an address such as http://proxy:3128 is expected".to_owned()),
    }
}
