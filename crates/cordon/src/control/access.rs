//! Who may come in: every request of the API has a [`Caller`] before anything else is read of it, and every endpoint a
//! [`Verb`] that the caller's role must include.

use axum::{
    Extension,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::MethodRouter,
};

use super::Shared;
use crate::{
    api::{
        Problem,
        inspect::{MAX_FILE, MAX_TEXT},
    },
    identity::{Access, CSRF_FIELD, CSRF_HEADER, Caller, Identity, Verb, is_safe},
};

/// The caller as handlers take it.
pub(super) type By = Extension<Caller>;

/// Bytes of a form of a page: the longest text that is inspected, beside the largest file, and the other fields with their heads.
const MAX_FORM: usize = MAX_FILE + MAX_TEXT + (8 << 10);
/// The longest text fits into a form without a file too, where each of its bytes is written as three.
const _: () = assert!(3 * MAX_TEXT + (4 << 10) <= MAX_FORM);

/// What answers to the administrator's token say.
const BOOTSTRAP_WARNING: HeaderValue = HeaderValue::from_static(
    "the administrator's token is in use, which names nobody; help: `cordon user add` makes users, `cordon login` signs in",
);

/// Lets those pass who show who they are.
pub(super) async fn authenticated(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    match admit(&shared.state.identity, request).await {
        Ok((caller, mut request)) => {
            let bootstrap = matches!(caller.access, Access::Bootstrap { .. });
            request.extensions_mut().insert(caller);
            let mut response = next.run(request).await;
            if bootstrap {
                response.headers_mut().insert("cordon-warning", BOOTSTRAP_WARNING);
            }
            response
        }
        Err(problem) => refused(problem),
    }
}

/// An endpoint for those whose role includes this. Whoever comes without a caller is not let in at all.
pub(super) fn under(verb: Verb, methods: MethodRouter<Shared>) -> MethodRouter<Shared> {
    methods.route_layer(middleware::from_fn(move |request: Request, next: Next| async move {
        let allowed = match request.extensions().get::<Caller>() {
            Some(caller) => caller.may(verb),
            None => Err(Problem::new(401, "unauthenticated", "a sign-in is needed", "nobody is signed in")),
        };
        match allowed {
            Ok(()) => next.run(request).await,
            Err(problem) => refused(problem),
        }
    }))
}

/// The caller of a request. One with a cookie that changes something must come from a page of this site and repeat what
/// only its pages know.
pub(crate) async fn admit(identity: &Identity, request: Request) -> Result<(Caller, Request), Problem> {
    let caller = identity.caller(request.headers()).await?;
    if caller.csrf().is_none() || is_safe(request.method()) {
        return Ok((caller, request));
    }
    identity.site().same_origin(request.headers(), true)?;
    if let Some(repeated) = request.headers().get(CSRF_HEADER) {
        caller.check_csrf(Some(repeated.as_bytes()))?;
        return Ok((caller, request));
    }
    let in_parts = is_of_kind(request.headers(), b"multipart/form-data");
    if !in_parts && !is_of_kind(request.headers(), b"application/x-www-form-urlencoded") {
        caller.check_csrf(None)?;
    }
    let (head, body) = request.into_parts();
    let body = to_bytes(body, MAX_FORM).await.map_err(|_| {
        Problem::new(
            413,
            "too_large",
            "the body is too large",
            format!("a form has at most {MAX_FORM} bytes; help: `cordon inspect FILE` reads larger files"),
        )
    })?;
    caller.check_csrf(if in_parts { field_in_parts(&head.headers, &body) } else { field(&body) })?;
    Ok((caller, Request::from_parts(head, Body::from(body))))
}

/// A problem of access as an answer.
pub(super) fn refused(problem: Problem) -> Response {
    let unauthenticated = problem.status == 401;
    let mut response = problem.into_response();
    if unauthenticated {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

fn is_of_kind(headers: &HeaderMap, wanted: &[u8]) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let kind = kind.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
    kind.eq_ignore_ascii_case(wanted)
}

/// The field of a form that repeats the session's token: hexadecimal digits, which no form encodes. Once, or not at all.
fn field(body: &[u8]) -> Option<&[u8]> {
    let mut found = body.split(|b| *b == b'&').filter_map(|pair| {
        let at = pair.iter().position(|b| *b == b'=')?;
        let (key, value) = pair.split_at_checked(at)?;
        (key == CSRF_FIELD.as_bytes()).then(|| value.get(1..).unwrap_or_default())
    });
    match (found.next(), found.next()) {
        (Some(value), None) => Some(value),
        _ => None,
    }
}

/// The same of a form in parts, as those with a file are.
fn field_in_parts<'b>(headers: &HeaderMap, body: &'b [u8]) -> Option<&'b [u8]> {
    let fields = cordon_guard::form::fields(headers, body).ok()?;
    let mut found = fields.iter().filter(|field| field.name == CSRF_FIELD && field.file_name.is_none());
    match (found.next(), found.next()) {
        (Some(field), None) => Some(field.content),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_of_a_form_is_found_once() {
        assert_eq!(field(b"a=b&csrf=0f&c=d"), Some(&b"0f"[..]));
        assert_eq!(field(b"csrf="), Some(&b""[..]));
        for none in [&b""[..], b"csrf", b"xcsrf=1", b"csrf=1&csrf=1", b"CSRF=1", b"a=csrf=1"] {
            assert_eq!(field(none), None);
        }
        let headers = |kind: &'static str| {
            HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))])
        };
        let plain = b"application/x-www-form-urlencoded";
        assert!(is_of_kind(&headers("application/x-www-form-urlencoded; charset=utf-8"), plain));
        assert!(!is_of_kind(&headers("application/json"), plain) && !is_of_kind(&HeaderMap::new(), plain));
        let said = headers("multipart/form-data; boundary=b");
        let part = |rest: &str| format!("--b\r\nContent-Disposition: form-data; name=\"csrf\"{rest}\r\n");
        let one = format!("{}--b--\r\n", part("\r\n\r\n0f"));
        assert_eq!(field_in_parts(&said, one.as_bytes()), Some(&b"0f"[..]));
        for none in [
            format!("{}{}--b--\r\n", part("\r\n\r\n0f"), part("\r\n\r\n0f")),
            format!("{}--b--\r\n", part("; filename=\"a\"\r\n\r\n0f")),
            part("\r\n\r\n0f"),
            "csrf=0f".to_owned(),
        ] {
            assert_eq!(field_in_parts(&said, none.as_bytes()), None, "{none}");
        }
    }
}
