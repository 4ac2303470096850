//! The operator's proxies: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, as other tools read them.

use std::fmt;
use std::sync::Arc;

use http::uri::PathAndQuery;
use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;

use super::endpoint::{HostKey, Scheme};
use super::secret::Environment;

/// The proxy settings, as text. Their `Debug` form shows which are set, never the values: credentials may be in them.
#[derive(Clone, Default)]
pub struct ProxyEnv {
    /// `HTTPS_PROXY`: for `https` services.
    pub https: Option<String>,
    /// `HTTP_PROXY`: for `http` services.
    pub http: Option<String>,
    /// `ALL_PROXY`: for both, where the other is absent.
    pub all: Option<String>,
    /// `NO_PROXY`: hosts, domains, addresses and networks that are reached directly.
    pub no: Option<String>,
}

impl ProxyEnv {
    /// Reads the variables, in upper case first and then in lower case. Empty ones count as absent.
    pub fn from_env(environment: &Environment) -> Self {
        let read = |upper: &str, lower: &str| {
            [upper, lower]
                .into_iter()
                .find_map(|name| environment.read(name).filter(|value| !value.is_empty()))
        };
        Self {
            https: read("HTTPS_PROXY", "https_proxy"),
            http: read("HTTP_PROXY", "http_proxy"),
            all: read("ALL_PROXY", "all_proxy"),
            no: read("NO_PROXY", "no_proxy"),
        }
    }
}

impl fmt::Debug for ProxyEnv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |value: &Option<String>| if value.is_some() { "set" } else { "unset" };
        f.debug_struct("ProxyEnv")
            .field("https", &word(&self.https))
            .field("http", &word(&self.http))
            .field("all", &word(&self.all))
            .field("no", &word(&self.no))
            .finish()
    }
}

/// A proxy setting that cannot be used. The value is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{variable} is no proxy that can be used; help: write `http://host:port` or `https://host:port`, or unset it"
)]
pub struct ProxyError {
    variable: &'static str,
}

/// Which proxy a host is reached through.
#[derive(Debug)]
pub(super) struct Proxies {
    matcher: Matcher,
}

/// How a host is reached.
#[derive(Debug)]
pub(super) enum Way {
    Direct,
    /// The proxy forwards plain requests, in absolute form (RFC 9112, section 3.2.2).
    Forward(Proxy),
    /// The proxy makes a tunnel (RFC 9110, section 9.3.6).
    Tunnel(Proxy),
}

#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) uri: Uri,
    pub(super) scheme: Scheme,
    pub(super) host: Arc<str>,
    pub(super) port: u16,
    pub(super) authorization: Option<HeaderValue>,
}

impl Proxies {
    /// Checks the settings: a proxy that cannot be used must not mean that there is none.
    pub(super) fn new(settings: &ProxyEnv) -> Result<Self, ProxyError> {
        let mut builder = Matcher::builder();
        let values =
            [("HTTPS_PROXY", &settings.https), ("HTTP_PROXY", &settings.http), ("ALL_PROXY", &settings.all)];
        for (variable, value) in values {
            let Some(value) = value else { continue };
            let alone = Matcher::builder().all(value.as_str()).build();
            let usable = alone
                .intercept(&Uri::from_static("https://proxy-check.invalid/"))
                .is_some_and(|found| Proxy::of(&found).is_some());
            if !usable {
                return Err(ProxyError { variable });
            }
            builder = match variable {
                "HTTPS_PROXY" => builder.https(value.as_str()),
                "HTTP_PROXY" => builder.http(value.as_str()),
                _ => builder.all(value.as_str()),
            };
        }
        Ok(Self { matcher: builder.no(settings.no.as_deref().unwrap_or_default()).build() })
    }

    /// The way to a host. This machine itself is never reached through a proxy, which would mean the proxy's machine.
    pub(super) fn way(&self, key: &HostKey) -> Way {
        let is_local = key.host.parse().map_or_else(
            |_| is_localhost(&key.host),
            |address: std::net::IpAddr| address.to_canonical().is_loopback(),
        );
        if is_local {
            return Way::Direct;
        }
        let scheme = match key.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        let host = if key.host.contains(':') { format!("[{}]", key.host) } else { key.host.to_string() };
        let uri = Uri::builder()
            .scheme(scheme)
            .authority(format!("{host}:{}", key.port))
            .path_and_query(PathAndQuery::from_static("/"))
            .build();
        let found = uri.ok().and_then(|uri| self.matcher.intercept(&uri)).and_then(|found| Proxy::of(&found));
        match (found, key.scheme) {
            (None, _) => Way::Direct,
            (Some(proxy), Scheme::Http) => Way::Forward(proxy),
            (Some(proxy), Scheme::Https) => Way::Tunnel(proxy),
        }
    }
}

impl Proxy {
    /// `None` for a protocol that is not spoken here.
    fn of(found: &hyper_util::client::proxy::matcher::Intercept) -> Option<Self> {
        let uri = found.uri().clone();
        let scheme = match uri.scheme_str() {
            Some("http") => Scheme::Http,
            Some("https") => Scheme::Https,
            _ => return None,
        };
        let host = uri.host().filter(|host| !host.is_empty())?.trim_matches(['[', ']']).into();
        let port = uri.port_u16().unwrap_or(match scheme {
            Scheme::Http => 80,
            Scheme::Https => 443,
        });
        Some(Self { uri, scheme, host, port, authorization: found.basic_auth().cloned() })
    }
}

/// Names that mean this machine (RFC 6761, section 6.3).
pub(super) fn is_localhost(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::Reach;

    fn key(scheme: Scheme, host: &str) -> HostKey {
        HostKey { scheme, host: host.into(), port: 443, reach: Reach::PrivateToo, shown: None }
    }

    fn settings(https: &str, http: &str, all: &str, no: &str) -> ProxyEnv {
        let value = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        ProxyEnv { https: value(https), http: value(http), all: value(all), no: value(no) }
    }

    fn way(settings: &ProxyEnv, scheme: Scheme, host: &str) -> String {
        match Proxies::new(settings).unwrap().way(&key(scheme, host)) {
            Way::Direct => "direct".to_owned(),
            Way::Forward(proxy) => format!("forward {}:{}", proxy.host, proxy.port),
            Way::Tunnel(proxy) => format!("tunnel {}:{}", proxy.host, proxy.port),
        }
    }

    #[test]
    fn chooses_the_way() {
        let all = settings("http://one:3128", "two:8080", "", "internal.example, 10.0.0.0/8, .corp");
        assert_eq!(way(&all, Scheme::Https, "api.openai.com"), "tunnel one:3128");
        assert_eq!(way(&all, Scheme::Http, "api.openai.com"), "forward two:8080");
        for host in
            ["internal.example", "a.internal.example", "10.2.3.4", "x.corp", "127.0.0.1", "localhost", "::1"]
        {
            assert_eq!(way(&all, Scheme::Https, host), "direct", "{host}");
        }
        assert_eq!(way(&all, Scheme::Https, "notinternal.example"), "tunnel one:3128");
        assert_eq!(way(&settings("", "", "https://p", ""), Scheme::Http, "a.b"), "forward p:443");
        assert_eq!(way(&settings("", "", "http://p", "*"), Scheme::Http, "a.b"), "direct");
        assert_eq!(way(&ProxyEnv::default(), Scheme::Https, "a.b"), "direct");
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_an_error_and_not_a_direct_way() {
        for wrong in ["socks5://p:1080", "ftp://p", "http://", "::::", "not a url"] {
            let error = Proxies::new(&settings(wrong, "", "", "")).unwrap_err();
            assert_eq!(error, ProxyError { variable: "HTTPS_PROXY" }, "{wrong}");
        }
    }

    #[test]
    fn reads_the_environment_and_hides_it() {
        let environment = Environment::with(|name| match name {
            "HTTPS_PROXY" => Some(String::new()),
            "https_proxy" => Some("http://me:secret@p:1".to_owned()),
            "no_proxy" => Some("a.b".to_owned()),
            _ => None,
        });
        let settings = ProxyEnv::from_env(&environment);
        assert_eq!(settings.https.as_deref(), Some("http://me:secret@p:1"));
        assert_eq!(settings.no.as_deref(), Some("a.b"));
        let proxies = Proxies::new(&settings).unwrap();
        assert!(!format!("{settings:?}{proxies:?}").contains("secret"));
        let Way::Tunnel(proxy) = proxies.way(&key(Scheme::Https, "x.y")) else {
            panic!("a tunnel is expected")
        };
        assert!(!format!("{proxy:?}").contains("secret"));
        assert_eq!(proxy.authorization.unwrap(), "Basic bWU6c2VjcmV0");
    }
}
