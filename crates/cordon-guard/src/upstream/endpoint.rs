//! Where a service is, parsed once.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use cordon_core::DurationMs;
use cordon_core::resource::ServiceSpec;
use http::HeaderValue;

use super::Environment;
use super::address::{Class, Reach};
use super::client_certificate::Shown;

/// How long each step of a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Name resolution, connection, proxy and TLS.
    pub connect: Duration,
    /// From the request to the head of the answer.
    pub first_byte: Duration,
    /// Waiting for the next piece of the answer. Time in which the caller takes nothing does not count.
    pub idle: Duration,
    /// The whole call.
    pub total: Duration,
}

/// No step takes longer than this, whatever the configuration says; it keeps the arithmetic of time far from its ends.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl Timeouts {
    /// The same, with a whole answer that takes no longer than this.
    pub(super) fn within(self, within: Option<Duration>) -> Self {
        Self { total: within.map_or(self.total, |within| within.min(self.total)), ..self }
    }

    fn bounded(self) -> Self {
        Self {
            connect: self.connect.min(LONGEST),
            first_byte: self.first_byte.min(LONGEST),
            idle: self.idle.min(LONGEST),
            total: self.total.min(LONGEST),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(60),
            idle: Duration::from_secs(30),
            total: Duration::from_secs(600),
        }
    }
}

/// What an answer may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerLimits {
    /// Bytes of the body, as received and as decoded.
    pub max_bytes: u64,
    /// Bytes of output for each byte of a coded body; outputs below 1 MiB are exempt.
    pub max_ratio: u32,
}

impl Default for AnswerLimits {
    /// 64 MiB, and a hundredfold.
    fn default() -> Self {
        Self { max_bytes: 64 << 20, max_ratio: 100 }
    }
}

/// Where a service is and what it may do. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Endpoint {
    inner: Arc<Inner>,
}

#[derive(Clone, Debug)]
struct Inner {
    key: HostKey,
    prefix: String,
    authority: HeaderValue,
    timeouts: Timeouts,
    limits: AnswerLimits,
}

/// What connections are shared by: never between services of different reach, or that know Cordon by different certificates.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct HostKey {
    pub(super) scheme: Scheme,
    /// Lower case, an IPv6 address without brackets.
    pub(super) host: Arc<str>,
    pub(super) port: u16,
    pub(super) reach: Reach,
    /// Who Cordon is to this service.
    pub(super) shown: Option<Shown>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Scheme {
    Http,
    Https,
}

/// A base URL that is not used. The text is not repeated: credentials may be in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Its address is one that the service may not use.
    #[error(
        "the base URL names {0}, which this service may not use; help: where that is meant, say `private_network: true`"
    )]
    Address(Class),
    /// Credentials, a query, a fragment, or a backslash.
    #[error("the base URL has credentials, a query, a fragment or a backslash; help: leave them out")]
    Extra,
    /// No host name or address.
    #[error(
        "the base URL's host is neither a name nor a plain IP address; help: such as `https://api.example.com/v1`"
    )]
    Host,
    /// Dot segments or characters that no path has.
    #[error("the base URL's path is not plain; help: no `.` or `..` segments, no spaces")]
    Path,
    /// Not http or https.
    #[error("the base URL does not begin with `https://` or `http://`")]
    Scheme,
    /// Without TLS to a service that is not in a private network.
    #[error("the base URL has no TLS; help: use https, or say `private_network: true`")]
    Unencrypted,
}

impl Endpoint {
    /// The endpoint of a service, with the service's timeouts.
    ///
    /// # Errors
    /// As [`Endpoint::new`].
    pub fn of(service: &ServiceSpec, environment: &Environment) -> Result<Self, EndpointError> {
        let wanted = &service.timeouts;
        let default = Timeouts::default();
        let or = |wanted: Option<DurationMs>, default: Duration| {
            wanted.map_or(default, |wanted| Duration::from_millis(wanted.as_millis()))
        };
        let timeouts = Timeouts {
            connect: or(wanted.connect, default.connect),
            first_byte: or(wanted.first_byte, default.first_byte),
            idle: or(wanted.idle, default.idle),
            total: or(wanted.total, default.total),
        };
        Self::within(service, environment, timeouts)
    }

    /// The same with other timeouts.
    ///
    /// # Errors
    /// As [`Endpoint::new`].
    pub fn within(
        service: &ServiceSpec,
        environment: &Environment,
        timeouts: Timeouts,
    ) -> Result<Self, EndpointError> {
        let reach = if service.private_network { Reach::PrivateToo } else { Reach::Public };
        let endpoint = Self::new(&service.base_url, reach, timeouts, AnswerLimits::default())?;
        let Some(spec) = service.client_certificate.clone() else { return Ok(endpoint) };
        let mut inner = Arc::unwrap_or_clone(endpoint.inner);
        inner.key.shown = Some(Shown::new(spec, environment.clone()));
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Reads a base URL such as `https://api.openai.com/v1`.
    ///
    /// # Errors
    /// When it is not one, or names an address that is out of reach. Names are checked when they are resolved.
    pub fn new(
        base_url: &str,
        reach: Reach,
        timeouts: Timeouts,
        limits: AnswerLimits,
    ) -> Result<Self, EndpointError> {
        let (scheme, rest) = match base_url.split_once("://") {
            Some((word, rest)) if word.eq_ignore_ascii_case("https") => (Scheme::Https, rest),
            Some((word, rest)) if word.eq_ignore_ascii_case("http") => (Scheme::Http, rest),
            _ => return Err(EndpointError::Scheme),
        };
        if rest.contains(['@', '?', '#', '\\']) {
            return Err(EndpointError::Extra);
        }
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let (host, port) = split_port(authority)?;
        let port = port.unwrap_or(match scheme {
            Scheme::Http => 80,
            Scheme::Https => 443,
        });
        let host = host.to_ascii_lowercase();
        let literal = parse_host(&host)?;
        if let Some(class) = literal.map(Class::of).filter(|class| !reach.allows(*class)) {
            return Err(EndpointError::Address(class));
        }
        if scheme == Scheme::Http && reach == Reach::Public {
            return Err(EndpointError::Unencrypted);
        }
        let prefix = path.trim_end_matches('/');
        if prefix.split('/').any(|segment| matches!(segment, "." | "..")) || !prefix.bytes().all(is_path_byte)
        {
            return Err(EndpointError::Path);
        }
        let shown = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let authority = match (scheme, port) {
            (Scheme::Http, 80) | (Scheme::Https, 443) => shown,
            _ => format!("{shown}:{port}"),
        };
        Ok(Self {
            inner: Arc::new(Inner {
                key: HostKey { scheme, host: host.into(), port, reach, shown: None },
                prefix: prefix.to_owned(),
                authority: HeaderValue::try_from(authority).map_err(|_| EndpointError::Host)?,
                timeouts: timeouts.bounded(),
                limits,
            }),
        })
    }

    /// The host as errors and records name it.
    pub fn host(&self) -> &str {
        &self.inner.key.host
    }

    /// How long each step may take.
    pub fn timeouts(&self) -> Timeouts {
        self.inner.timeouts
    }

    pub(super) fn key(&self) -> &HostKey {
        &self.inner.key
    }

    pub(super) fn prefix(&self) -> &str {
        &self.inner.prefix
    }

    /// The `Host` header.
    pub(super) fn authority(&self) -> &HeaderValue {
        &self.inner.authority
    }

    pub(super) fn limits(&self) -> AnswerLimits {
        self.inner.limits
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), EndpointError> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']').ok_or(EndpointError::Host)?;
        if !host.contains(':') {
            return Err(EndpointError::Host);
        }
        match after.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if after.is_empty() => (host, None),
            None => return Err(EndpointError::Host),
        }
    } else {
        match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        }
    };
    let port = match port {
        None => None,
        Some(text) if text.bytes().all(|b| b.is_ascii_digit()) => {
            Some(text.parse().ok().filter(|port| *port != 0).ok_or(EndpointError::Host)?)
        }
        Some(_) => return Err(EndpointError::Host),
    };
    Ok((host, port))
}

/// The address of a literal host, `None` for a name. Everything that some resolver reads as a number (`127.1`,
/// `0x7f000001`, `2130706433`, `0177.0.0.1`) and is not the one plain notation is refused.
fn parse_host(host: &str) -> Result<Option<IpAddr>, EndpointError> {
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return Ok(Some(address.into()));
    }
    if host.contains(':') {
        return host.parse::<Ipv6Addr>().map(|address| Some(address.into())).map_err(|_| EndpointError::Host);
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    // A last label of digits, or of `0x` and hexadecimal digits, is a number to the WHATWG URL standard and to inet_aton.
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|b| b.is_ascii_digit())
        || last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    if name.len() > 253 || is_number || !name.split('.').all(is_label) {
        return Err(EndpointError::Host);
    }
    Ok(None)
}

/// The characters of a path (RFC 3986, section 3.3).
fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str, reach: Reach) -> Result<Endpoint, EndpointError> {
        Endpoint::new(url, reach, Timeouts::default(), AnswerLimits::default())
    }

    #[test]
    fn reads_base_urls() {
        for (url, host, port, authority, prefix) in [
            ("https://api.openai.com/v1", "api.openai.com", 443, "api.openai.com", "/v1"),
            ("HTTPS://API.OpenAI.com:443/v1/", "api.openai.com", 443, "api.openai.com", "/v1"),
            ("http://127.0.0.1:4182", "127.0.0.1", 4182, "127.0.0.1:4182", ""),
            ("http://[::1]:80/a/b", "::1", 80, "[::1]", "/a/b"),
            ("https://my_host.internal:8443/", "my_host.internal", 8443, "my_host.internal:8443", ""),
        ] {
            let endpoint = endpoint(url, Reach::PrivateToo).unwrap();
            assert_eq!((endpoint.host(), endpoint.key().port), (host, port), "{url}");
            assert_eq!(
                (endpoint.authority().to_str().unwrap(), endpoint.prefix()),
                (authority, prefix),
                "{url}"
            );
        }
    }

    #[test]
    fn refuses_private_literals_in_every_notation() {
        for host in [
            "127.0.0.1",
            "10.1.2.3",
            "[::1]",
            "[fe80::1]",
            "[::ffff:127.0.0.1]",
            "[64:ff9b::a00:1]",
            "192.168.0.1",
        ] {
            let url = format!("https://{host}/v1");
            assert_eq!(
                endpoint(&url, Reach::Public).unwrap_err(),
                EndpointError::Address(Class::Private),
                "{url}"
            );
            assert!(endpoint(&url, Reach::PrivateToo).is_ok(), "{url}");
        }
        for host in ["169.254.169.254", "0.0.0.0", "[::]", "224.0.0.1", "[::ffff:169.254.169.254]"] {
            let url = format!("https://{host}/v1");
            assert_eq!(
                endpoint(&url, Reach::PrivateToo).unwrap_err(),
                EndpointError::Address(Class::Never),
                "{url}"
            );
        }
        for host in [
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "127.1",
            "0177.0.0.1",
            "127.0.0.01",
            "1.2.3.4.5",
            "127.0.0.1.",
            "a.0x1",
            "%31%32%37.0.0.1",
            "127。0。0。1",
            "[::1%25eth0]",
            "[127.0.0.1]",
            "",
            ".",
            "a..b",
            "-.a b",
        ] {
            let url = format!("https://{host}/v1");
            assert_eq!(endpoint(&url, Reach::PrivateToo).unwrap_err(), EndpointError::Host, "{url}");
        }
    }

    #[test]
    fn refuses_what_is_no_plain_base_url() {
        for (url, error) in [
            ("ftp://a/", EndpointError::Scheme),
            ("api.openai.com", EndpointError::Scheme),
            ("https://user:pass@a.b/", EndpointError::Extra),
            ("https://a.b/v1?x=1", EndpointError::Extra),
            ("https://a.b/v1#x", EndpointError::Extra),
            ("https://a.b\\@c/", EndpointError::Extra),
            ("https://a.b/../v1", EndpointError::Path),
            ("https://a.b/v 1", EndpointError::Path),
            ("https://a.b/v\r\n1", EndpointError::Path),
            ("https://a.b:99999/", EndpointError::Host),
            ("https://a.b:0/", EndpointError::Host),
            ("https://a.b:+80/", EndpointError::Host),
            ("http://api.openai.com/v1", EndpointError::Unencrypted),
        ] {
            assert_eq!(endpoint(url, Reach::Public).unwrap_err(), error, "{url}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_accepted_names_one_host_within_reach(
            host in "[0-9a-fx.:\\[\\]@%-]{0,20}|[0-9]{1,3}(\\.[0-9]{1,3}){1,4}|\\[[0-9a-f:]{2,20}\\]",
            rest in "(:[0-9]{1,5})?(/[a-z.%@\\\\?#/]{0,12})?",
        ) {
            let url = format!("https://{host}{rest}");
            if let Ok(endpoint) = endpoint(&url, Reach::Public) {
                if let Ok(address) = endpoint.host().parse::<IpAddr>() {
                    proptest::prop_assert_eq!(Class::of(address), Class::Public);
                }
                // Another parser of addresses sees the same host and port.
                let uri: http::Uri = url.parse().unwrap();
                proptest::prop_assert_eq!(uri.host().unwrap().trim_matches(['[', ']']), endpoint.host());
                proptest::prop_assert_eq!(uri.port_u16().unwrap_or(443), endpoint.key().port);
            }
        }
    }
}
