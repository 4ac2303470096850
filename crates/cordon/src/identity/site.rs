//! Where browsers find the control listener, and what follows: the session's cookie, and which requests may be a page of
//! somebody else's.

use http::{HeaderMap, HeaderValue, Method, header};

use super::secret::{Secret, SecretKind};

/// The address at which browsers reach the control listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// `https://host[:port]` or `http://` and a loopback host, without a path. Absent: whatever loopback name the browser
    /// used, without TLS.
    origin: Option<String>,
}

/// A request that must not be taken for its user's wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForeignRequest {
    /// A page of somebody else made the browser send it.
    #[error("the request comes from a page of another origin")]
    OtherOrigin,
    /// The browser does not say which page made it, and it is signed in with a cookie.
    #[error(
        "the request does not say where it comes from; help: programs use `Authorization: Bearer` and no cookie"
    )]
    NoOrigin,
    /// The listener is not reached as it should be.
    #[error(
        "sessions of browsers need TLS or loopback here; help: set `identity.url` to the https address that browsers use"
    )]
    NotNear,
}

/// What a form or a header repeats of the session.
pub const CSRF_HEADER: &str = "cordon-csrf";
/// The same as a field of a form.
pub const CSRF_FIELD: &str = "csrf";

impl Site {
    /// Any loopback name.
    pub const fn loopback() -> Self {
        Self { origin: None }
    }

    /// Reads an address such as `https://cordon.example.com`.
    ///
    /// # Errors
    /// When it has a path, or is neither `https` nor loopback.
    pub fn parse(text: &str) -> Result<Self, String> {
        let expected =
            || "an origin such as https://cordon.example.com is expected, without a path".to_owned();
        let uri: http::Uri = text.parse().map_err(|_| expected())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(expected());
        };
        if uri.path() != "/" || uri.query().is_some() || authority.as_str().contains('@') {
            return Err(expected());
        }
        match scheme {
            "https" => {}
            "http" if is_loopback(authority.as_str()) => {}
            "http" => return Err("without TLS only a loopback address is taken".to_owned()),
            _ => return Err(expected()),
        }
        // As browsers write an origin: lower case, without the scheme's own port.
        let authority = authority.as_str().to_ascii_lowercase();
        let own = if scheme == "https" { ":443" } else { ":80" };
        let authority = authority.strip_suffix(own).unwrap_or(&authority);
        Ok(Self { origin: Some(format!("{scheme}://{authority}")) })
    }

    /// The origin, where one is configured.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// Whether browsers come over TLS.
    pub fn secure(&self) -> bool {
        self.origin.as_deref().is_some_and(|origin| origin.starts_with("https://"))
    }

    /// The name of a cookie: with the prefix that binds it to this host and to TLS (RFC 6265bis), where there is TLS.
    pub fn cookie_name(&self, name: &str) -> String {
        if self.secure() { format!("__Host-{name}") } else { name.to_owned() }
    }

    /// A cookie for this site alone: not for scripts, not for requests that another site makes, but for its links.
    pub fn set_cookie(&self, name: &str, value: &str, max_age: std::time::Duration) -> Option<HeaderValue> {
        let secure = if self.secure() { "; Secure" } else { "" };
        let name = self.cookie_name(name);
        let age = max_age.as_secs();
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}");
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// What takes a cookie away.
    pub fn clear_cookie(&self, name: &str) -> Option<HeaderValue> {
        self.set_cookie(name, "", std::time::Duration::ZERO)
    }

    /// The value of a cookie; none where it stands there twice, since one of them is somebody else's.
    pub fn cookie<'h>(&self, headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
        let name = self.cookie_name(name);
        let mut found = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value);
        match (found.next(), found.next()) {
            (Some(value), None) => Some(value),
            _ => None,
        }
    }

    /// The session's secret that a browser shows.
    pub fn session(&self, headers: &HeaderMap) -> Option<Secret> {
        Secret::parse(SecretKind::Session, self.cookie(headers, super::SESSION_COOKIE)?)
    }

    /// Whether a browser may be signed in by this request at all.
    ///
    /// # Errors
    /// When it came without TLS from somewhere else than this machine's own names.
    pub fn near(&self, headers: &HeaderMap) -> Result<(), ForeignRequest> {
        match &self.origin {
            Some(_) => Ok(()),
            None if host(headers).is_some_and(is_loopback) => Ok(()),
            None => Err(ForeignRequest::NotNear),
        }
    }

    /// Whether a request that changes something comes from a page of this site, or from no page at all.
    ///
    /// # Errors
    /// When it does not. `cookie`: it is signed in with one, so that saying nothing is not enough.
    pub fn same_origin(&self, headers: &HeaderMap, cookie: bool) -> Result<(), ForeignRequest> {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
        let (origin, fetch) = (text("origin"), text("sec-fetch-site"));
        if fetch.is_some_and(|site| site != "same-origin" && (cookie || site != "none")) {
            return Err(ForeignRequest::OtherOrigin);
        }
        match (origin, fetch) {
            (Some(origin), _) => {
                let own = match &self.origin {
                    Some(own) => origin == own,
                    None => host(headers).is_some_and(|host| {
                        is_loopback(host) && origin.strip_prefix("http://") == Some(host)
                    }),
                };
                if own { Ok(()) } else { Err(ForeignRequest::OtherOrigin) }
            }
            (None, Some(_)) => Ok(()),
            (None, None) if cookie => Err(ForeignRequest::NoOrigin),
            (None, None) => Ok(()),
        }
    }
}

/// Whether a request only reads (RFC 9110, section 9.2.1).
pub fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST)?.to_str().ok()
}

/// Whether a host, with or without a port, is this machine's own: names that no other machine's DNS can answer for.
pub(super) fn is_loopback(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => host,
        Some(_) if authority.starts_with('[') => authority,
        Some(_) => return false,
        None => authority,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// The path on this site that a sign-in leads back to: anything else is replaced by `/`, so that no link signs somebody in
/// and then leads elsewhere.
pub fn safe_next(text: Option<&str>) -> String {
    let fallback = || "/".to_owned();
    let Some(text) = text else { return fallback() };
    // Browsers read `\` as `/`, and skip tabs and line breaks.
    let plain = text.len() <= 2048 && text.bytes().all(|b| (0x21..0x7f).contains(&b) && b != b'\\');
    let local = text.starts_with('/') && !text.starts_with("//");
    if plain && local { text.to_owned() } else { fallback() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    #[test]
    fn an_address_is_tls_or_loopback_and_an_origin() {
        let site = Site::parse("https://Cordon.Example.com:443").unwrap();
        assert_eq!((site.origin(), site.secure()), (Some("https://cordon.example.com"), true));
        assert!(!Site::parse("http://127.0.0.1:4181/").unwrap().secure());
        for wrong in [
            "",
            "cordon.example.com",
            "http://cordon.example.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com:1",
            "https://cordon.example.com/console",
            "https://cordon.example.com/?a=b",
            "https://user@cordon.example.com",
            "ftp://127.0.0.1",
        ] {
            assert!(Site::parse(wrong).is_err(), "{wrong}");
        }
        for near in ["127.0.0.1", "127.8.9.1:80", "localhost:4181", "[::1]:4181", "[::1]", "LOCALHOST"] {
            assert!(is_loopback(near), "{near}");
        }
        for far in ["10.0.0.1", "example.com:80", "127.0.0.1:", "127.0.0.1.evil", "[2001:db8::1]:1", ""] {
            assert!(!is_loopback(far), "{far}");
        }
    }

    #[test]
    fn cookies_are_bound_to_the_host_and_none_is_read_twice() {
        let (plain, tls) = (Site::loopback(), Site::parse("https://c.example").unwrap());
        let secret = Secret::new(SecretKind::Session, [7; 32]);
        let set = |site: &Site| {
            let value =
                site.set_cookie("cordon", secret.expose(), std::time::Duration::from_secs(9)).unwrap();
            assert!(value.is_sensitive());
            value.to_str().unwrap().to_owned()
        };
        let text = secret.expose();
        let rest = "; Path=/; HttpOnly; SameSite=Lax; Max-Age=9";
        assert_eq!(set(&plain), format!("cordon={text}{rest}"));
        assert_eq!(set(&tls), format!("__Host-cordon={text}{rest}; Secure"));
        let shown = |site: &Site, cookie: &str| site.session(&headers(&[("cookie", cookie)])).is_some();
        assert!(shown(&plain, &format!("a=b; cordon={text}; c=d")));
        assert!(!shown(&tls, &format!("cordon={text}")), "a cookie that is not bound to TLS");
        assert!(shown(&tls, &format!("__Host-cordon={text}")));
        assert!(!shown(&plain, &format!("cordon={text}; cordon={text}")));
        assert!(!shown(&plain, &format!("cordon={text}0")) && !shown(&plain, "cordon="));
        let two = headers(&[("cookie", &format!("cordon={text}")), ("cookie", &format!("cordon={text}"))]);
        assert!(plain.session(&two).is_none());
    }

    #[test]
    fn only_pages_of_this_site_change_something() {
        use ForeignRequest::{NoOrigin, OtherOrigin};
        let site = Site::parse("https://c.example").unwrap();
        let check = |site: &Site, pairs: &[(&'static str, &str)], cookie| {
            let mut pairs = pairs.to_vec();
            pairs.push(("host", "127.0.0.1:4181"));
            site.same_origin(&headers(&pairs), cookie)
        };
        for cookie in [true, false] {
            let bare = if cookie { Err(NoOrigin) } else { Ok(()) };
            let typed = if cookie { Err(OtherOrigin) } else { Ok(()) };
            for (pairs, expected) in [
                (&[][..], bare),
                (&[("origin", "https://c.example")], Ok(())),
                (&[("sec-fetch-site", "same-origin")], Ok(())),
                (&[("origin", "https://c.example"), ("sec-fetch-site", "same-origin")], Ok(())),
                (&[("sec-fetch-site", "none")], typed),
                (&[("origin", "https://c.example"), ("sec-fetch-site", "cross-site")], Err(OtherOrigin)),
                (&[("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")], Err(OtherOrigin)),
                (&[("sec-fetch-site", "same-site")], Err(OtherOrigin)),
                (&[("origin", "null")], Err(OtherOrigin)),
                (&[("origin", "http://c.example")], Err(OtherOrigin)),
                (&[("origin", "https://c.example.evil")], Err(OtherOrigin)),
            ] {
                assert_eq!(check(&site, pairs, cookie), expected, "{pairs:?} {cookie}");
            }
            let loopback = Site::loopback();
            assert_eq!(check(&loopback, &[("origin", "http://127.0.0.1:4181")], cookie), Ok(()));
            for other in ["http://127.0.0.1:4180", "https://127.0.0.1:4181", "http://localhost:4181"] {
                assert_eq!(check(&loopback, &[("origin", other)], cookie), Err(OtherOrigin));
            }
        }
        // A name that somebody else's DNS led here is no loopback name.
        let rebound = headers(&[("host", "evil.example:4181"), ("origin", "http://evil.example:4181")]);
        assert_eq!(Site::loopback().same_origin(&rebound, true), Err(OtherOrigin));
        assert_eq!(Site::loopback().near(&rebound), Err(ForeignRequest::NotNear));
        assert_eq!(Site::loopback().near(&HeaderMap::new()), Err(ForeignRequest::NotNear));
    }

    #[test]
    fn a_sign_in_leads_back_to_this_site_only() {
        for good in ["/", "/calls?since=1h#top", "/a//b", "/users/%2F"] {
            assert_eq!(safe_next(Some(good)), good);
        }
        for bad in [
            "",
            "calls",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            " /x",
            "javascript:alert(1)",
            "/\u{e9}",
            "/a\r\nset-cookie: x",
        ] {
            assert_eq!(safe_next(Some(bad)), "/", "{bad:?}");
        }
        assert_eq!(safe_next(Some(&format!("/{}", "a".repeat(2048)))), "/");
        assert_eq!(safe_next(None), "/");
    }
}
