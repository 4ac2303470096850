//! Where a request for a prediction goes: its path names the route, because its body does not.

use super::Format;

/// What a path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address<'p> {
    pub(crate) format: Format,
    /// The name of the route, as it stands in the path. A name with an escape in it is none of ours.
    pub(crate) route: &'p str,
    /// The version of the model that the caller asks for.
    pub(crate) version: Option<&'p str>,
}

impl<'p> Address<'p> {
    /// What `POST` at this path asks for: `/v2/models/ROUTE/infer`, `/v2/models/ROUTE/versions/VERSION/infer` or
    /// `/routes/ROUTE/invocations`.
    pub(crate) fn at(path: &'p str) -> Option<Self> {
        if let Some(route) = path.strip_prefix("/routes/").and_then(|rest| rest.strip_suffix("/invocations"))
        {
            return part(route).map(|route| Self { format: Format::Mlflow, route, version: None });
        }
        let named = path.strip_prefix("/v2/models/")?.strip_suffix("/infer")?;
        Self::model(named)
    }

    /// What `GET` at this path asks about: `/v2/models/ROUTE` or `/v2/models/ROUTE/versions/VERSION`.
    pub(crate) fn model(named: &'p str) -> Option<Self> {
        let (route, version) = match named.split_once("/versions/") {
            Some((route, version)) => (route, Some(part(version)?)),
            None => (named, None),
        };
        part(route).map(|route| Self { format: Format::OpenInference, route, version })
    }
}

/// One part of a path, which is not empty.
fn part(text: &str) -> Option<&str> {
    (!text.is_empty() && !text.contains('/')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_routes() {
        let at = |path: &'static str| Address::at(path).map(|at| (at.format, at.route, at.version));
        assert_eq!(at("/v2/models/credit/infer"), Some((Format::OpenInference, "credit", None)));
        assert_eq!(
            at("/v2/models/credit/versions/3/infer"),
            Some((Format::OpenInference, "credit", Some("3")))
        );
        assert_eq!(at("/routes/credit/invocations"), Some((Format::Mlflow, "credit", None)));
        for other in [
            "/v2/models//infer",
            "/v2/models/infer",
            "/v2/models/a/b/infer",
            "/v2/models/a/versions//infer",
            "/v2/models/a/versions/1/2/infer",
            "/routes//invocations",
            "/routes/a/b/invocations",
            "/routes/invocations",
            "/invocations",
            "/v2/models/a",
        ] {
            assert_eq!(at(other), None, "{other}");
        }
    }
}
